"""Simulated time: hours in UTC, and the local time of every zone.

The simulation counts whole hours from 00:00 UTC of its first day. Local time is UTC plus the offset that the
zone has at that instant, rounded down to the hour. Offsets come from the IANA database in the package tzdata,
never from the operating system, so that a run gives the same result on every machine.

A zone is named as in that database ("Asia/Kolkata") or by a fixed offset ("UTC+05:30").
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError, nearest

HOURS_PER_DAY = 24
MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = HOURS_PER_DAY * MINUTES_PER_HOUR
DAYS_PER_WEEK = 7
MONDAY = 0

ZONE_NAMES_ALLOWED = "an IANA name such as Europe/Paris, or a fixed offset such as UTC+05:30"

_FIXED_OFFSET = re.compile(r"UTC([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_MINUTES_OF_HOURS = np.arange(HOURS_PER_DAY, dtype=np.int32) * MINUTES_PER_HOUR
_DAYS_KEPT = 8
_ONE_MINUTE = dt.timedelta(minutes=1)


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the names of all zones of the IANA database."""
    return tuple((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def _zone_name_set() -> frozenset[str]:
    return frozenset(zone_names())


def is_zone(name: str) -> bool:
    """Say whether `name` is a zone that the clock knows."""
    return name in _zone_name_set() or fixed_offset_minutes(name) is not None


def fixed_offset_minutes(name: str) -> int | None:
    """Return the offset in minutes of a name like "UTC-03:30", or None if `name` is no such name."""
    match = _FIXED_OFFSET.fullmatch(name)
    if match is None:
        return None
    minutes = int(match[2]) * MINUTES_PER_HOUR + int(match[3])
    return -minutes if match[1] == "-" else minutes


class _Day(NamedTuple):
    """The tables of one day, each [zones, 24]."""

    offset_minutes: NDArray[np.int16]
    local_hour: NDArray[np.int8]
    local_weekday: NDArray[np.int8]


class Clock:
    """The calendar of a run and the local time of its zones.

    Parameters
    ----------
    start
        First simulated day; hour 0 is its midnight in UTC.
    zones
        Names of the zones, in the order of the rows of every table.
    daylight_saving
        With False every zone keeps its standard time throughout the run: the smallest offset that it has in
        the year of the start.

    Tables are made once a day and shared between calls: read them, do not write to them.
    """

    def __init__(self, start: dt.date, zones: Sequence[str], daylight_saving: bool = True) -> None:
        for zone in zones:
            _refuse_unknown(zone)
        self.start = dt.datetime(start.year, start.month, start.day, tzinfo=dt.UTC)
        self.zones = tuple(zones)
        self.daylight_saving = daylight_saving
        self._first_ordinal = self.start.toordinal()
        self._years: dict[int, NDArray[np.int16]] = {}
        self._days: dict[int, _Day] = {}

    def datetime(self, hour: int) -> dt.datetime:
        """Return the date and time of an hour, in UTC."""
        return self.start + dt.timedelta(hours=int(hour))

    def weekday(self, hour: int) -> int:
        """Return the day of the week of an hour, in UTC (Monday is 0)."""
        return self._weekday_of_day(int(hour) // HOURS_PER_DAY)

    def is_week_start(self, hour: int) -> bool:
        """Say whether a week begins at this hour: Monday, 00:00 UTC."""
        return hour % HOURS_PER_DAY == 0 and self.weekday(hour) == MONDAY

    def is_month_start(self, hour: int) -> bool:
        """Say whether a calendar month begins at this hour, in UTC."""
        return hour % HOURS_PER_DAY == 0 and self.datetime(hour).day == 1

    def month_key(self, hour: int) -> str:
        """Return the month of an hour in UTC, as "2019-01"."""
        moment = self.datetime(hour)
        return f"{moment.year:04d}-{moment.month:02d}"

    def offset_minutes(self, day: int) -> NDArray[np.int16]:
        """Return the offsets from UTC in minutes, [zones, 24]: one for each UTC hour of the day."""
        return self._tables(day).offset_minutes

    def local_hour(self, day: int) -> NDArray[np.int8]:
        """Return the local hours (0 to 23), [zones, 24]: one for each UTC hour of the day."""
        return self._tables(day).local_hour

    def local_weekday(self, day: int) -> NDArray[np.int8]:
        """Return the local days of the week (Monday is 0), [zones, 24]: one for each UTC hour of the day."""
        return self._tables(day).local_weekday

    def _weekday_of_day(self, day: int) -> int:
        # Ordinal 1 is a Monday.
        return (self._first_ordinal + day - 1) % DAYS_PER_WEEK

    def _tables(self, day: int) -> _Day:
        day = int(day)
        tables = self._days.get(day)
        if tables is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            tables = self._days[day] = self._make_tables(day)
        return tables

    def _make_tables(self, day: int) -> _Day:
        offsets = self._offsets(day)
        # Minutes since midnight of the local day that has the UTC day's date; negative on its eve.
        minutes = _MINUTES_OF_HOURS + offsets
        days_apart = minutes // MINUTES_PER_DAY
        hours = (minutes - days_apart * MINUTES_PER_DAY) // MINUTES_PER_HOUR
        weekdays = (days_apart + self._weekday_of_day(day)) % DAYS_PER_WEEK
        return _Day(offsets, hours.astype(np.int8), weekdays.astype(np.int8))

    def _offsets(self, day: int) -> NDArray[np.int16]:
        date = dt.date.fromordinal(self._first_ordinal + day)
        in_year = date.toordinal() - dt.date(date.year, 1, 1).toordinal()
        year = self._year(date.year)
        today, tomorrow = year[:, in_year], year[:, in_year + 1]
        offsets = np.repeat(today[:, np.newaxis], HOURS_PER_DAY, axis=1)
        for row in np.flatnonzero(today != tomorrow):
            offsets[row] = _hourly_offsets(self.zones[row], date)
        return offsets

    def _year(self, year: int) -> NDArray[np.int16]:
        """Return the offset at each midnight of a year and at the first of the next, [zones, days + 1]."""
        table = self._years.get(year)
        if table is None:
            rows = [self._midnights(zone, year) for zone in self.zones]
            table = np.array(rows, dtype=np.int16).reshape(len(rows), days_in_year(year) + 1)
            self._years[year] = table
        return table

    def _midnights(self, zone: str, year: int) -> NDArray[np.int16]:
        if self.daylight_saving:
            return _midnight_offsets(zone, year)
        standard = _midnight_offsets(zone, self.start.year).min()
        return np.full(days_in_year(year) + 1, standard, dtype=np.int16)


def days_in_year(year: int) -> int:
    """Return 365 or 366."""
    return dt.date(year, 12, 31).toordinal() - dt.date(year, 1, 1).toordinal() + 1


def _refuse_unknown(zone: str) -> None:
    if not is_zone(zone):
        raise UserError(
            "unknown time zone", value=zone, allowed=ZONE_NAMES_ALLOWED, nearest=nearest(zone, zone_names())
        )


@lru_cache(maxsize=1024)
def _zone_info(name: str) -> ZoneInfo:
    """Load a zone from tzdata; ZoneInfo(name) would take the operating system's file first."""
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def _offsets_at(name: str, first: dt.datetime, step: dt.timedelta, count: int) -> NDArray[np.int16]:
    """Return a zone's offset in minutes at `count` moments, `step` apart, from `first` on.

    `first` is in UTC, without a tzinfo. Seconds of old local mean times are dropped.
    """
    fixed = fixed_offset_minutes(name)
    if fixed is not None:
        return np.full(count, fixed, dtype=np.int16)
    zone = _zone_info(name)
    moment = first.replace(tzinfo=zone)
    offsets = np.empty(count, dtype=np.int16)
    for number in range(count):
        # fromutc reads the fields of `moment` as UTC; it is four times faster than astimezone.
        offset = zone.fromutc(moment).utcoffset()
        assert offset is not None
        offsets[number] = offset // _ONE_MINUTE
        moment += step
    return offsets


@lru_cache(maxsize=8192)
def _midnight_offsets(name: str, year: int) -> NDArray[np.int16]:
    """Return a zone's offset at each midnight (UTC) of a year and at the first of the next, in minutes."""
    return _offsets_at(name, dt.datetime(year, 1, 1), dt.timedelta(days=1), days_in_year(year) + 1)


def _hourly_offsets(name: str, date: dt.date) -> NDArray[np.int16]:
    """Return a zone's offset at each hour (UTC) of a day, in minutes."""
    midnight = dt.datetime(date.year, date.month, date.day)
    return _offsets_at(name, midnight, dt.timedelta(hours=1), HOURS_PER_DAY)


def first_hour_of_each_local_hour(local_hours: NDArray[np.int8]) -> NDArray[np.int64]:
    """UTC hour of the day at which each local hour begins: int64 (zones, 24).

    A local hour that the change of clocks leaves out counts as the hour after it.
    """
    zones = len(local_hours)
    result = np.full((zones, 24), -1, np.int64)
    for hour in range(23, -1, -1):
        result[np.arange(zones), local_hours[:, hour]] = hour
    for local in range(23, -1, -1):
        missing = result[:, local] < 0
        result[missing, local] = result[missing, (local + 1) % 24]
    return result
