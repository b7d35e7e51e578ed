"""The clock against a brute-force reading of zoneinfo, hour by hour."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import shutil
import zoneinfo
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from sim import clock as clock_module
from sim.clock import Clock, days_in_year, fixed_offset_minutes, is_zone
from sim.errors import UserError

START = dt.date(2019, 1, 7)
DAYS = 800
ZONES = (
    "UTC",
    "Europe/Paris",
    "Europe/Dublin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Africa/Lagos",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
EVERY_NTH_DAY = 7


@pytest.fixture
def package_zones() -> Iterator[None]:
    """Make zoneinfo read the package tzdata, as the clock does, rather than the operating system."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def local_times(zone: str, day: int) -> list[dt.datetime]:
    """Return the local time at each UTC hour of a day, one call of zoneinfo each."""
    midnight = dt.datetime(START.year, START.month, START.day, tzinfo=dt.UTC) + dt.timedelta(days=day)
    return [(midnight + dt.timedelta(hours=h)).astimezone(zoneinfo.ZoneInfo(zone)) for h in range(24)]


def minutes(moment: dt.datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60


def switch_days(zone: str) -> list[int]:
    """Return the days on which a zone's offset changes, found hour by hour."""
    return [day for day in range(DAYS) if len({minutes(moment) for moment in local_times(zone, day)}) > 1]


@pytest.mark.usefixtures("package_zones")
def test_every_hour_agrees_with_zoneinfo() -> None:
    clock = Clock(START, ZONES)
    hours = switches = 0
    for row, zone in enumerate(ZONES):
        special = switch_days(zone)
        around = {day + shift for day in special for shift in (-1, 0, 1)}
        for day in sorted(around | set(range(0, DAYS, EVERY_NTH_DAY))):
            expected = local_times(zone, day)
            assert clock.offset_minutes(day)[row].tolist() == [minutes(moment) for moment in expected], (
                zone,
                day,
            )
            assert clock.local_hour(day)[row].tolist() == [moment.hour for moment in expected], (zone, day)
            assert clock.local_weekday(day)[row].tolist() == [moment.weekday() for moment in expected], (
                zone,
                day,
            )
            hours += len(expected)
        switches += len(special)
    print(f"{hours} zone-hours, {switches} days with a switch")
    assert hours >= 60_000
    assert switches >= 55


@pytest.mark.usefixtures("package_zones")
def test_a_switch_in_the_last_hour_of_a_year_is_seen() -> None:
    # Samoa skipped 30 December 2011; its clocks moved a whole day at 10:00 UTC.
    start = dt.date(2011, 12, 29)
    offsets = Clock(start, ["Pacific/Apia"]).offset_minutes(1)[0].tolist()
    assert offsets[:10] == [-600] * 10
    assert offsets[10:] == [840] * 14
    # Pyongyang's new standard time of 2015 came at 15:00 UTC of 14 August.
    assert (
        Clock(dt.date(2015, 8, 14), ["Asia/Pyongyang"]).offset_minutes(0)[0].tolist()
        == [540] * 15 + [510] * 9
    )


def test_tables_have_the_declared_shapes_and_types() -> None:
    clock = Clock(START, ZONES)
    for table, kind in (
        (clock.offset_minutes(0), np.int16),
        (clock.local_hour(0), np.int8),
        (clock.local_weekday(0), np.int8),
    ):
        assert table.shape == (len(ZONES), 24)
        assert table.dtype == kind
    assert Clock(START, []).local_hour(0).shape == (0, 24)


def test_days_may_be_asked_in_any_order() -> None:
    expected = {day: Clock(START, ZONES).local_weekday(day).tolist() for day in range(90)}
    clock = Clock(START, ZONES)
    for stride in (1, 7, 30, 31, 89):
        for step in range(90):
            day = step * stride % 90
            assert clock.local_weekday(day).tolist() == expected[day]


@pytest.mark.parametrize(
    ("zone", "standard"),
    [
        ("Europe/Paris", 60),
        ("Europe/Dublin", 0),
        ("America/New_York", -300),
        ("America/St_Johns", -210),
        ("Australia/Sydney", 600),
        ("Australia/Lord_Howe", 630),
        ("America/Santiago", -240),
        ("Asia/Kolkata", 330),
    ],
)
def test_without_daylight_saving_a_zone_keeps_its_standard_time(zone: str, standard: int) -> None:
    clock = Clock(START, [zone], daylight_saving=False)
    seen = {int(offset) for day in range(DAYS) for offset in clock.offset_minutes(day)[0]}
    assert seen == {standard}


def test_fixed_offsets_need_no_database() -> None:
    names = ["UTC+00:00", "UTC+05:30", "UTC+05:45", "UTC-03:30", "UTC+12:00", "UTC-23:59"]
    clock = Clock(START, names)
    assert clock.offset_minutes(3)[:, 0].tolist() == [0, 330, 345, -210, 720, -1439]
    # 03:30 before midnight UTC is Sunday, 20:30; half hours are rounded down.
    assert clock.local_hour(0)[:, 0].tolist() == [0, 5, 5, 20, 12, 0]
    assert clock.local_weekday(0)[:, 0].tolist() == [0, 0, 0, 6, 0, 6]
    assert clock.local_weekday(0)[:, 23].tolist() == [0, 1, 1, 0, 1, 6]


@pytest.mark.parametrize(
    "name", ["UTC+5:30", "UTC+24:00", "UTC+05:60", "utc+05:30", "UTC05:30", "", "Mars", "../UTC"]
)
def test_other_names_are_no_zones(name: str) -> None:
    assert fixed_offset_minutes(name) is None
    assert not is_zone(name)
    with pytest.raises(UserError):
        Clock(START, [name])


def test_the_error_names_the_nearest_zone() -> None:
    with pytest.raises(UserError) as caught:
        Clock(START, ["UTC", "Europe/Pariss"])
    assert caught.value.value == "Europe/Pariss"
    assert caught.value.nearest == "Europe/Paris"
    assert "UTC+05:30" in str(caught.value)


def test_calendar_in_utc() -> None:
    clock = Clock(START, [])
    weeks = months = 0
    for hour in range(24 * DAYS):
        moment = dt.datetime(2019, 1, 7, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
        assert clock.datetime(hour) == moment
        assert clock.weekday(hour) == moment.weekday()
        assert clock.is_week_start(hour) == (moment.weekday() == 0 and moment.hour == 0)
        assert clock.is_month_start(hour) == (moment.day == 1 and moment.hour == 0)
        assert clock.month_key(hour) == moment.strftime("%Y-%m")
        weeks += clock.is_week_start(hour)
        months += clock.is_month_start(hour)
    assert (weeks, months) == (115, 26)


def test_a_run_may_begin_on_any_day() -> None:
    clock = Clock(dt.date(2020, 2, 29), ["UTC"])
    assert clock.weekday(0) == 5
    assert clock.is_month_start(24)
    assert clock.local_weekday(2)[0, 0] == 0
    assert (days_in_year(2019), days_in_year(2020), days_in_year(2100)) == (365, 366, 365)


def test_the_operating_system_has_no_say(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    tokyo = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo")
    with resources.as_file(tokyo) as file:
        shutil.copy(file, tmp_path / "Europe" / "Paris")
    clock_module._zone_info.cache_clear()
    clock_module._midnight_offsets.cache_clear()
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert minutes(local_times("Europe/Paris", 0)[0]) == 540
        assert Clock(START, ["Europe/Paris"]).offset_minutes(0)[0, 0] == 60
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()


def test_copies_tell_the_same_time() -> None:
    clock = Clock(START, ZONES)
    clock.local_hour(0)
    for twin in (copy.deepcopy(clock), pickle.loads(pickle.dumps(clock))):
        for day in (0, 83, 400):
            assert twin.local_hour(day).tolist() == clock.local_hour(day).tolist()
