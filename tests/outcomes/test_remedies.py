"""The tables of unions and employment of a small market, against the market itself and the ledger's flows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from sim.agents.traits import ACTIVE, MEMBER, column_of
from sim.model import ClickWorkModel
from sim.outcomes import console, indicators
from sim.outcomes.frames import FrameSet
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder, joined
from tests.conftest import Exercised
from tests.support.observers import Watcher
from tests.support.planting import planted
from tests.support.policies import market
from tests.support.remedies import EMPLOYED, ORGANISED

BOTH = replace(ORGANISED, reclassification=EMPLOYED.reclassification)


class Mondays(Watcher):
    """Counts members as they are at the end of the first hour of each week."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[int, str, str], tuple[int, int]] = {}

    def hour(self, model: Any) -> None:
        """Count."""
        if model.hour % 168 or not model.hour:
            return
        rows = model.worker_rows[: model.workers_count]
        rows = rows[rows["bits"] & ACTIVE > 0]
        places = list(zip(column_of(rows, "platform").tolist(), rows["country"].tolist(), strict=True))
        workers, members = (
            Counter(places),
            Counter(place for place, row in zip(places, rows, strict=True) if row["bits"] & MEMBER),
        )
        for (p, c), count in workers.items():
            name = model.platform_names[p], model.world.codes[c]
            self.found[model.hour // 24, *name] = count, members[p, c]


def recorded(warmup: int = 10) -> tuple[FrameSet, Mondays, ClickWorkModel]:
    """A market with a union and with employees, its tables, and who was a member."""
    config = market(days=48, workers=80, policy=BOTH)
    config = replace(config, time=replace(config.time, warmup_days=warmup))
    model = ClickWorkModel(config)
    recorder, mondays = Recorder(model), Mondays()
    model.observers.extend([recorder, mondays])
    model.run()
    model.end()
    return recorder.frames(), mondays, model


@pytest.fixture(scope="module")
def run() -> tuple[FrameSet, Mondays, ClickWorkModel]:
    return recorded()


def test_members_by_week(run: tuple[FrameSet, Mondays, ClickWorkModel], exercised: Exercised) -> None:
    frames, mondays, model = run
    rows = frames.unions
    assert not rows.duplicated(["day", "platform", "country"]).any()
    for row in rows.itertuples():
        assert (row.workers, row.members) == mondays.found[row.day, row.platform, row.country]
    expected = {key for key in mondays.found if key[0] >= 10}
    assert set(zip(rows["day"], rows["platform"], rows["country"], strict=True)) == expected
    exercised("rows", len(rows), 10)
    exercised("members", int(rows["members"].sum()), 50)
    exercised("rows under an agreement", int((rows["agreed_usd_per_hour"] > 0).sum()), 1)
    found = summary(frames, model.world)
    weeks = rows.groupby("day")[["members", "workers"]].sum()
    density = float((weeks["members"] / weeks["workers"]).mean())
    assert found["union_density"]["value"] == pytest.approx(density)
    check_agreed(indicators, frames)
    lines = {label: text for section, label, text in console.rows(found) if section == "Union"}
    agreed, struck = (found[name]["value"] for name in ("union_agreed_share", "struck_weeks_share"))
    assert lines == {
        "members": f"{100 * density:.1f} % of workers where it organises",
        "agreements": f"set a lowest pay for {100 * agreed:.1f} % of these workers",
        "strikes": f"{100 * struck:.1f} % of weeks began with one",
    }


def check_agreed(module: Any, frames: FrameSet) -> None:
    """On each Monday the workers under an agreement over all, and then the mean."""
    shares, rows = [], frames.unions
    for day in sorted(set(rows["day"])):
        found = rows[rows["day"] == day]
        under = sum(row.workers for row in found.itertuples() if row.agreed_usd_per_hour > 0)
        shares.append(under / int(found["workers"].sum()))
    expected = sum(shares) / len(shares)
    assert 0 < expected < 1
    assert module.union_agreed_share(frames, None) == pytest.approx(expected)


AGREED_PLANTS = [
    ('table["agreed_usd_per_hour"] > 0, 0)', 'table["agreed_usd_per_hour"] >= 0, 0)'),
    ('agreed = table["workers"].where(', 'agreed = table["members"].where('),
    ('weeks["agreed"] / weeks["workers"]', 'weeks["agreed"] / weeks["workers"].sum()'),
]


@pytest.mark.parametrize(("old", "new"), AGREED_PLANTS)
def test_planted_bugs_in_agreements_are_noticed(
    run: tuple[FrameSet, Mondays, ClickWorkModel], old: str, new: str
) -> None:
    with pytest.raises(AssertionError):
        check_agreed(planted(indicators, old, new), run[0])


EXITS = [("one", "NTH", "workers"), ("one", "NTH", "requesters"), ("two", "STH", "workers")]


def given_up(module: Any, frames: FrameSet) -> float | None:
    try:
        return float(module.countries_given_up(frames, None))
    except module.Absent:
        return None


def check_given_up(module: Any, frames: FrameSet) -> None:
    """Countries that platforms leave for what they owe as employers count without any tax, too."""
    assert frames.taxes.empty
    none = replace(frames, exits=frames.exits.iloc[:0])
    columns = {"day": 40, "agents": 1, "taken_microusd": 0}
    left = pd.DataFrame(EXITS, columns=["platform", "country", "who"]).assign(**columns)
    assert given_up(module, none) == 0
    assert given_up(module, replace(none, exits=left)) == 2
    assert given_up(module, replace(none, exits=left, employment=frames.employment.iloc[:0])) == 2
    assert given_up(module, replace(none, employment=frames.employment.iloc[:0])) is None


def test_countries_given_up_by_employers(run: tuple[FrameSet, Mondays, ClickWorkModel]) -> None:
    check_given_up(indicators, run[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if frames.exits.empty and frames.employment.empty:", "if True:"),
        ("if frames.exits.empty and frames.employment.empty:", "if frames.employment.empty:"),
        ("if frames.exits.empty and frames.employment.empty:", "if False:"),
    ],
)
def test_planted_bugs_in_countries_given_up_are_noticed(
    run: tuple[FrameSet, Mondays, ClickWorkModel], old: str, new: str
) -> None:
    with pytest.raises(AssertionError):
        check_given_up(planted(indicators, old, new), run[0])


def test_employment_is_what_was_booked(
    run: tuple[FrameSet, Mondays, ClickWorkModel], exercised: Exercised
) -> None:
    """Whole months by the table; the ledger's flows leave out what lies before the window."""
    frames, _, model = run
    rows, flows = frames.employment, frames.flows
    later = rows[rows["period"] > rows["period"].min()]
    for kind, column in (("shift_pay", "shift_pay_microusd"), ("contributions", "contributions_microusd")):
        booked = flows[(flows["kind"] == kind) & (flows["period"] > rows["period"].min())]
        by_country = booked.groupby("credit_country")["amount_microusd"].sum()
        by_table = later.groupby("country")[column].sum()
        pd.testing.assert_series_equal(
            by_table[by_table > 0], by_country, check_names=False, check_index_type=False
        )
        exercised(f"micro-dollars of {kind}", int(by_country.sum()), 1_000_000)
    series = frames.series[frames.series["date"].str.slice(0, 7).isin(later["period"])]
    for column in ("duty_seconds", "paid_seconds"):
        assert later[column].sum() == series[column].sum()
    # Workers' rows leave out what lies before the window, as flows do.
    booked = int(flows.loc[flows["kind"] == "shift_pay", "amount_microusd"].sum())
    assert booked == int(frames.workers["transfers_microusd"].sum())
    exercised("micro-dollars before the window", int(rows["shift_pay_microusd"].sum()) - booked, 100_000)
    exercised("refused seconds", int(rows["refused_seconds"].sum()), 3_600)
    found = summary(frames, model.world)
    sums = rows[["refused_seconds", "duty_seconds"]].sum()
    share = float(sums["refused_seconds"] / sums.sum())
    assert found["refused_shifts_share"]["value"] == pytest.approx(share)
    assert found["world_shift_pay_per_year"]["value"] > 0
    lines = {label: text for section, label, text in console.rows(found) if section == "Employment"}
    yearly = {name: found[f"world_{name}_per_year"]["value"] for name in ("shift_pay", "contributions")}
    shown = {name: console.shown(value, "money") for name, value in yearly.items()}
    withheld = 100 * found["withheld_share"]["value"]
    assert lines == {
        "lost access": f"{100 * share:.1f} % of employees' time is refused for want of a shift",
        "pay for open shifts": f"{shown['shift_pay']} USD a year, world",
        "employers' contributions": f"{shown['contributions']} USD a year, world; no taxes",
        "withheld from spending": f"{withheld:.1f} % for contributions and shifts; no fee",
    }


def test_what_is_withheld_is_no_fee(
    run: tuple[FrameSet, Mondays, ClickWorkModel], exercised: Exercised
) -> None:
    """Fees are those of the price list; what is kept for contributions and shifts stands by itself."""
    frames, _, model = run
    series = frames.series
    of_workers = ("pay_microusd", "worker_fee_microusd", "withheld_microusd", "broker_cut_microusd")
    rewards = int(series[list(of_workers)].sum().sum())
    fees = int(series["requester_fee_microusd"].sum())
    assert rewards + fees == int(series["requester_spent_microusd"].sum())
    for number, (name, platform) in enumerate(model.config.platforms.items()):
        here = series[series["platform"] == name]
        gross = int(here[list(of_workers)].sum().sum())
        taken, ppm = int(here["worker_fee_microusd"].sum()), round(1e6 * platform.worker_fee)
        assert 0 <= taken - gross * ppm / 1e6 <= 2 * here["tasks_accepted"].sum(), f"{name} ({number})"
    withheld = int(series["withheld_microusd"].sum())
    booked = frames.flows[frames.flows["kind"] == "withheld"]
    assert withheld == int(booked["amount_microusd"].sum())
    found = summary(frames, model.world)
    worker_fees = int(series["worker_fee_microusd"].sum())
    assert found["fees"]["value"] == pytest.approx((fees + worker_fees) / 1e6)
    assert found["withheld_share"]["value"] == pytest.approx(withheld / (rewards + fees))
    later = frames.employment["period"] > frames.employment["period"].min()
    of_months = int(frames.employment.loc[later, "withheld_microusd"].sum())
    months = series["date"].str.slice(0, 7).isin(frames.employment.loc[later, "period"])
    assert of_months == int(series.loc[months, "withheld_microusd"].sum())
    exercised("micro-dollars withheld", withheld, 1_000_000)
    exercised("micro-dollars of fees on workers", worker_fees, 100_000)


def test_a_checkpoint_holds_the_tables(run: tuple[FrameSet, Mondays, ClickWorkModel]) -> None:
    config = run[2].config
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run(24 * 40)
    recorder.flush_batches()
    recorder.kept_batches.clear()
    other = Recorder(model)
    other.restore(recorder.state_arrays())
    for name in ("union_weeks", "employment_months"):
        mine, theirs = (joined(getattr(one, name)) for one in (recorder, other))
        assert len(mine["country"]) > 0 and mine.keys() == theirs.keys()
        assert all((mine[column].astype(str) == theirs[column].astype(str)).all() for column in mine), name


def test_nothing_without_remedies() -> None:
    model = ClickWorkModel(market(days=9, workers=20))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    frames = recorder.frames()
    assert frames.unions.empty and frames.employment.empty
    found = summary(frames, model.world)
    assert found["union_density"]["reason"] == "no union"
    assert found["refused_shifts_share"]["reason"] == "no employees"
    sections = {section for section, _, _ in console.rows(found)}
    assert not sections & {"Union", "Employment", "Platforms that leave"}
