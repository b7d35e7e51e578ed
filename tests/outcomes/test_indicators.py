"""Indicators on tables small enough to compute by hand, on empty ones, and on a made-up year."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.outcomes import indicators
from sim.outcomes.frames import COLUMNS, FrameSet, units
from sim.outcomes.indicators import INDICATORS, Missing, by_country, by_region, by_type, indicator, summary
from tests.figures import synthetic
from tests.figures.synthetic import MadeUpWorld, table
from tests.figures.test_remedies import with_remedies

HOUR = 3600
USD = 1_000_000
WORLD = MadeUpWorld(
    codes=("USA", "IND", "UKR"),
    names=("United States", "India", "Ukraine"),
    region=("North America", "Asia", "Europe"),
    group=("north", "south", "mixed"),
    minimum_wage_usd=(7.25, 0.26, 0.0),
    population=(300_000_000, 1_400_000_000, 40_000_000),
    price_level=(1.0, 0.25, 0.3),
    outside_wage_usd=(15.0, 1.0, 2.0),
    gini=(0.0, 0.0, 0.0),
)


def value(name: str, frames: FrameSet, world: MadeUpWorld | None = WORLD) -> Any:
    return summary(frames, world)[name]["value"]


def reason(name: str, frames: FrameSet, world: MadeUpWorld | None = WORLD) -> str:
    found = summary(frames, world)[name]
    assert found["value"] is None
    return str(found["reason"])


def people(**columns: Any) -> FrameSet:
    """Workers with an hour of paid work and enough tasks, unless said otherwise."""
    usual = {"country": "USA", "paid_seconds": HOUR, "tasks_accepted": 10, "weight": 1.0, "weeks": 1.0}
    return FrameSet(workers=table("workers", usual | columns))


FOUR = people(
    pay_microusd=[1 * USD, 2 * USD, 4 * USD, 30 * USD],
    paid_seconds=[HOUR, HOUR, HOUR, 2 * HOUR],
    search_seconds=[HOUR, 0, HOUR // 2, HOUR],
    returned_seconds=[0, 0, HOUR // 4, 0],
    rejected_seconds=[0, 0, HOUR // 4, 0],
    idle_seconds=[HOUR, HOUR, HOUR, HOUR],
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pay_all_in_median", 2.0),
        ("pay_all_in_mean", (0.5 + 2 + 2 + 10) / 4),
        ("pay_all_in_mean_over_median", (0.5 + 2 + 2 + 10) / 8),
        ("pay_all_in_p10", 0.5),
        ("pay_all_in_p25", 1.25),
        ("pay_all_in_p75", 6.0),
        ("pay_all_in_p90", 10.0),
        ("pay_paid_time_median", 3.0),
        ("pay_paid_time_mean", (1 + 2 + 4 + 15) / 4),
        ("share_above_7_25", 0.25),
        ("unpaid_share", 3 / 8),
        ("unpaid_share_median", (1 / 3 + 1 / 2) / 2),
        ("hours_per_week_median", 2.0),
        ("income_per_week_median", 3.0),
        ("workers_active", 4),
    ],
)
def test_pay_and_time_of_four_workers(name: str, expected: float) -> None:
    assert value(name, FOUR) == pytest.approx(expected)


def test_idle_time_is_not_work() -> None:
    idle = replace(FOUR, workers=FOUR.workers.assign(idle_seconds=99 * HOUR))
    there, here = summary(idle, WORLD), summary(FOUR, WORLD)
    assert {name for name in here if there[name] != here[name]} == set()


def test_workers_who_never_came_on_duty_are_not_active() -> None:
    away = people(pay_microusd=[USD, 3 * USD, 0], paid_seconds=[HOUR, HOUR, 0], idle_seconds=[0, 0, 0])
    assert value("workers_active", away) == 2
    assert value("gini_income", away) == 0.25
    idle = people(pay_microusd=[USD, 3 * USD, 0], paid_seconds=[HOUR, HOUR, 0], idle_seconds=[0, 0, 1])
    assert value("workers_active", idle) == 3
    assert reason("workers_active", people(paid_seconds=0)) == "no workers on duty recorded"


def test_workers_with_few_tasks_do_not_count_for_pay() -> None:
    frames = people(pay_microusd=[USD, 9 * USD, 9 * USD], tasks_accepted=[10, 9, 9], tasks_rejected=[0, 0, 1])
    assert value("pay_all_in_median", frames) == 5.0
    assert value("gini_income", frames) == pytest.approx(
        1 - (1 / 3) * (1 / 19 + (1 + 10) / 19 + (10 + 19) / 19)
    )


def test_weights_stand_for_people() -> None:
    frames = people(pay_microusd=[USD, 9 * USD], weight=[1.0, 3.0], search_seconds=[HOUR, 0])
    assert value("pay_all_in_median", frames) == 9.0
    assert value("pay_all_in_mean", frames) == (0.5 + 27) / 4
    assert value("share_above_7_25", frames) == 0.75
    assert value("unpaid_share", frames) == 1 / 5


def test_minimum_wages_are_those_of_the_country() -> None:
    frames = people(country=["USA", "USA", "IND", "UKR"], pay_microusd=[7 * USD, 8 * USD, USD, USD // 100])
    assert value("share_below_minimum_wage", frames) == pytest.approx(1 / 3)
    assert "minimum wage" in reason("share_below_minimum_wage", people(country="UKR", pay_microusd=USD))
    assert reason("share_below_minimum_wage", frames, None) == "no country table given"


def test_night_exposure_volatility_and_wanted_hours() -> None:
    frames = people(
        night_seconds=[HOUR, 0, 0, 0],
        idle_seconds=[HOUR, 0, 0, 0],
        exposure_seconds=[4 * HOUR, 0, 0, 2 * HOUR],
        weekly_volatility=[0.2, np.nan, 0.4, 0.9],
        desired_hours=[0.5, 1.0, 2.0, 3.0],
    )
    assert value("night_share", frames) == 0.2
    assert value("exposure_hours_mean", frames) == 1.5
    assert value("exposure_hours_p90", frames) == 4.0
    assert value("weekly_volatility_median", frames) == 0.4
    assert value("share_wanting_more_hours", frames) == 0.5


def test_top_tenth_of_ten_workers() -> None:
    frames = people(tasks_accepted=[10] * 9 + [105], tasks_rejected=[0] * 9 + [5])
    assert value("work_top_decile_share", frames) == pytest.approx(110 / 200)


def test_campaigns_are_large_and_of_several_batches() -> None:
    requesters = table(
        "requesters",
        {
            "batches": [2, 1, 5, 5],
            "accepted": [300, 300, 299, 250],
            "rejected": [0, 0, 0, 50],
            "top_decile_share": [0.5, 0.9, 0.9, 0.7],
            "spent_microusd": [10 * USD, 10 * USD, 20 * USD, 40 * USD],
        },
    )
    assert value("campaign_top_decile_share", FrameSet(requesters=requesters)) == pytest.approx(0.6)
    assert value("largest_requester_share", FrameSet(requesters=requesters)) == 0.5


def test_half_life_of_a_constant_hazard() -> None:
    """100 workers stay 100 days each within the window and 50 of them leave: a rate of 1/200 a day."""
    spells = table(
        "spells",
        {"joined_day": [-20, 0] * 50, "left_day": [100] * 50 + [-1] * 50},
    )
    series = table("series", {"day": np.arange(100), "active_workers": 1})
    at_end = FrameSet(spells=spells, series=series)
    assert reason("worker_half_life", at_end).startswith("0 workers left")
    inside = FrameSet(spells=spells.replace({"left_day": {100: 50}}), series=series)
    assert value("worker_half_life", inside) == pytest.approx(math.log(2) * (50 * 50 + 50 * 100) / 50)
    later = FrameSet(spells=inside.spells.replace({"left_day": {-1: 130}}), series=series)
    assert value("worker_half_life", later) == value("worker_half_life", inside)


TEN_DAYS = FrameSet(
    series=table(
        "series",
        {
            "day": np.arange(30, 40),
            "country": ["USA", "IND"] * 5,
            "paid_seconds": 4 * HOUR,
            "search_seconds": 2 * HOUR,
            "returned_seconds": HOUR,
            "rejected_seconds": HOUR,
            "idle_seconds": 99 * HOUR,
            "requester_done": 70,
            "requester_spent_microusd": 120 * USD,
            "requester_fee_microusd": 20 * USD,
            "worker_fee_microusd": 5 * USD,
            "pay_microusd": 95 * USD,
        },
    ),
    clock=table("clock", {"utc_hour": np.arange(24), "active": 30, "country": "USA", "days": 10}),
    # In the market on 10, 5 and 2 days of the window; the last joined after it.
    spells=table("spells", {"joined_day": [0, 35, 10, 40], "left_day": [-1, -1, 32, -1]}),
    flows=table(
        "flows",
        {
            "kind": ["reward", "profit", "reward", "reward"],
            "debit_country": ["USA", "IND", "IND", "UKR"],
            "credit_country": ["IND", "USA", "USA", "USA"],
            "amount_microusd": [7 * USD, 2 * USD, 3 * USD, 50 * USD],
        },
    ),
    scale=1000.0,
)
"""Ten days in which a worker stands for 1000 people; a year is 36.5 times as long."""


@pytest.mark.parametrize(
    ("name", "expected", "unit"),
    [
        ("scale", 1000, "persons per worker"),
        ("world_workers", 1.7 * 1000, "persons"),
        ("world_on_duty", 3 * 1000, "persons"),
        ("world_working_hours_per_year", 80 * 36_500, "h/year"),
        ("world_paid_hours_per_year", 40 * 36_500, "h/year"),
        ("world_tasks_done_per_year", 700 * 36_500, "assignments/year"),
        ("world_turnover_per_year", 1200 * 36_500, "USD/year"),
        ("world_net_pay_per_year", 950 * 36_500, "USD/year"),
        ("world_fees_per_year", 250 * 36_500, "USD/year"),
        ("world_north_to_south_before_dividends_per_year", 7 * 36_500, "USD/year"),
        ("world_north_to_south_after_dividends_per_year", 7 * 36_500, "USD/year"),
        ("world_south_to_north_before_dividends_per_year", 3 * 36_500, "USD/year"),
        ("world_south_to_north_after_dividends_per_year", 5 * 36_500, "USD/year"),
    ],
)
def test_world_totals(name: str, expected: float, unit: str) -> None:
    assert value(name, TEN_DAYS) == pytest.approx(expected, rel=1e-12)
    assert INDICATORS[name].unit == unit
    assert reason(name, replace(TEN_DAYS, scale=None)) == "no scale given"
    assert value(name, replace(TEN_DAYS, scale=500.0)) == pytest.approx(expected / 2, rel=1e-12)


def clock(active: Any, country: str = "USA", days: int = 2) -> pd.DataFrame:
    return table("clock", {"utc_hour": np.arange(24), "country": country, "active": active, "days": days})


def test_workers_on_duty() -> None:
    active = np.full(24, 20)
    active[3], active[15] = 8, 32
    frames = replace(people(pay_microusd=[USD] * 50), clock=pd.concat([clock(active), clock(active, "UKR")]))
    assert value("concurrently_active_mean", frames) == 20.0
    assert value("concurrently_active_share", frames) == 20 / 50
    assert value("concurrently_active_min_over_max", frames) == 0.25


def test_india_by_the_hour() -> None:
    india, usa = np.zeros(24), np.full(24, 30)
    india[[8, 9]], india[20] = (60, 30), 20
    both = pd.concat([clock(usa), clock(india, "IND")])
    many = replace(people(country=["IND"] * 200 + ["USA"]), clock=both)
    assert value("india_share_08_10_utc", many) == 90 / 150
    assert value("india_share_20_22_utc", many) == 20 / 80
    assert value("india_share", many) == 110 / (110 + 720)
    few = replace(people(country=["IND"] * 199 + ["USA"]), clock=both)
    assert reason("india_share_08_10_utc", few) == "n < 200"


SERIES = table(
    "series",
    {
        "day": [30, 31],
        "country": ["USA", "IND"],
        "joined": [3, 4],
        "left": [1, 1],
        "tasks_accepted": [80, 10],
        "tasks_rejected": [5, 5],
        "tasks_returned": [20, 5],
        "pay_microusd": [50 * USD, 25 * USD],
        "worker_fee_microusd": [2 * USD, 0],
        "broker_cut_microusd": [0, 3 * USD],
        "paid_seconds": [20 * HOUR, 5 * HOUR],
        "search_seconds": [2 * HOUR, HOUR],
        "returned_seconds": [HOUR, 0],
        "rejected_seconds": [0, HOUR],
        "idle_seconds": [0, 7 * HOUR],
        "requester_posted": [150, 20],
        "requester_done": [90, 10],
        "requester_expired": [20, 5],
        "requester_spent_microusd": [80 * USD, 20 * USD],
        "requester_fee_microusd": [16 * USD, 4 * USD],
    },
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("workers_joined", 7),
        ("workers_left", 2),
        ("tasks_posted", 170),
        ("tasks_done", 100),
        ("tasks_expired", 25),
        ("tasks_rejected", 10),
        ("tasks_returned", 25),
        ("rejected_share", 0.1),
        ("returned_share", 0.2),
        ("fill_rate", 0.8),
        ("market_turnover", 100.0),
        ("net_pay", 75.0),
        ("fees", 22.0),
        ("broker_cuts", 3.0),
        ("labour_share", 0.75),
        ("fee_share", 0.22),
        ("pay_all_in_pooled", 2.5),
    ],
)
def test_totals_of_two_days(name: str, expected: float) -> None:
    assert value(name, FrameSet(series=SERIES)) == pytest.approx(expected)


def flow(kind: str, debit: str, credit: str, source: str, target: str, usd: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "debit_sector": debit,
        "credit_sector": credit,
        "debit_country": source,
        "credit_country": target,
        "amount_microusd": usd * USD,
        "period": "2019-01",
    }


FLOWS = pd.DataFrame(
    [
        flow("reward", "escrow", "pending", "USA", "IND", 40),
        flow("reward", "escrow", "pending", "USA", "UKR", 9),
        flow("reward", "escrow", "pending", "USA", "USA", 11),
        flow("requester_fee", "escrow", "platforms", "USA", "USA", 12),
        flow("requester_fee", "escrow", "platforms", "IND", "USA", 3),
        flow("platform_cost", "platforms", "outside", "USA", "USA", 5),
        flow("capital", "outside", "platforms", "USA", "USA", 100),
        flow("profit", "platforms", "owners", "IND", "USA", 7),
        flow("booking", "platforms", "havens", "USA", "", 2),
    ]
)


def test_flows_between_north_and_south() -> None:
    frames = FrameSet(flows=FLOWS, series=SERIES)
    assert value("north_to_south_before_dividends", frames) == 40.0
    assert value("south_to_north_before_dividends", frames) == 3.0
    assert value("south_to_north_after_dividends", frames) == 10.0
    assert value("north_to_south_after_dividends", frames) == 40.0
    assert value("platform_rent", frames) == 12 + 3 - 5
    assert value("platform_rent_share", frames) == pytest.approx(0.1)
    within_a_month = replace(frames, flows=FLOWS.iloc[:5])
    assert reason("platform_rent", within_a_month) == "no month ended in the window"
    assert reason("platform_rent_share", within_a_month) == "no month ended in the window"
    work = FLOWS.iloc[:3]  # of platforms without a fee: nothing is booked when their month ends
    two_months = pd.concat([work, work.assign(period="2019-02")])
    assert reason("platform_rent", replace(frames, flows=work)) == "no month ended in the window"
    assert value("platform_rent", replace(frames, flows=two_months)) == 0.0
    assert reason("north_to_south_after_dividends", frames, None) == "no country table given"


def test_batch_times() -> None:
    batches = table(
        "batches",
        {
            "tasks": [300, 100, 1, 3001, 300],
            "assignments_per_task": [1, 30, 1, 1, 1],
            "posted_hour": [10, 10, 10, 10, 10],
            "first_start": [12 * HOUR, 10 * HOUR, 10 * HOUR, 10 * HOUR, -1],
            "t50": [14 * HOUR, 12 * HOUR, 11 * HOUR, 30 * HOUR, -1],
            "t90": [17 * HOUR, 13 * HOUR, 11 * HOUR, 90 * HOUR, -1],
            "t100": [20 * HOUR, 14 * HOUR, 11 * HOUR, -1, -1],
            "closed_hour": [20, 14, 11, 100, 50],
        },
    )
    frames = FrameSet(batches=batches)
    assert value("batch_t50_median", frames) == 2.0
    assert value("batch_t90_median", frames) == 3.0
    assert value("batch_t100_median", frames) == 4.0
    assert value("batch_t90_over_t50", frames) == pytest.approx((5 / 2 + 3 / 2) / 2)
    assert "at least 200" in reason("batch_lifetime_exponent", frames)


@pytest.mark.parametrize("exponent", [1.0, 1.48, 2.2])
def test_power_law_of_lifetimes_is_recovered(exponent: float) -> None:
    """Lifetimes at the quantiles of a truncated power law, and some outside the range that must not count."""
    middle = (np.arange(20_000) + 0.5) / 20_000
    slope = exponent - 1
    hours = (1 - middle * (1 - 120.0**-slope)) ** (-1 / slope) if slope else 120.0**middle
    seconds = np.concatenate([hours * HOUR, np.full(5000, 0.4 * HOUR), np.full(5000, 300 * HOUR)]).astype(int)
    batches = table("batches", {"t100": seconds, "closed_hour": 0})
    assert value("batch_lifetime_exponent", FrameSet(batches=batches)) == pytest.approx(exponent, abs=0.01)


@pytest.mark.parametrize("typed", [True, False])
def test_every_indicator_says_why_it_has_no_value(typed: bool) -> None:
    nothing = synthetic.nothing(typed)
    found = summary(nothing, WORLD)
    assert set(found) == set(INDICATORS)
    for entry in found.values():
        assert entry["value"] is None
        assert entry["reason"]
        assert entry["definition"].endswith(".")
    assert by_country(nothing, WORLD).empty
    assert by_region(nothing, WORLD).empty
    assert by_type(nothing).empty


def test_what_is_not_defined_is_no_number() -> None:
    assert reason("gini_income", people(pay_microusd=[0, 0])) == "not defined for these data"


def test_zeros_are_no_crash() -> None:
    """Tables with rows of zeros: everything that divides by nothing has a reason."""
    rows: dict[str, Any] = {
        name: table(
            name, {next(column for column, kind in COLUMNS[name].items() if kind.type == "int64"): [0, 0]}
        )
        for name in COLUMNS
    }
    for entry in summary(FrameSet(**rows), WORLD).values():
        assert entry["reason"] if entry["value"] is None else math.isfinite(entry["value"])


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return synthetic.frames()


@pytest.fixture(scope="module")
def governed(year: FrameSet) -> FrameSet:
    found = with_remedies(
        synthetic.with_kinds(synthetic.with_ai(synthetic.with_users(synthetic.with_policy(year))))
    )
    paid = found.incomes["per_head_microusd"]
    return replace(found, incomes=found.incomes.assign(wanted_microusd=2 * paid, allowed_microusd=paid))


def test_made_up_year_has_all_indicators_and_is_left_alone(governed: FrameSet) -> None:
    year = governed
    before = {name: getattr(year, name).copy() for name in COLUMNS}
    found = summary(year, synthetic.world())
    assert [name for name, entry in found.items() if entry["value"] is None] == []
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(year, name), frame)


def test_order_of_rows_does_not_matter(governed: FrameSet) -> None:
    year = governed
    mixed = replace(year, **{name: getattr(year, name).sample(frac=1, random_state=3) for name in COLUMNS})
    there, here = summary(mixed, synthetic.world()), summary(year, synthetic.world())
    for name, entry in here.items():
        assert there[name]["value"] == pytest.approx(entry["value"], rel=1e-9), name


def test_countries_below_200_workers_have_no_statistics(year: FrameSet) -> None:
    found = by_country(year, synthetic.world())
    counts = year.workers["country"].value_counts()
    assert list(found.index) == [code for code in synthetic.world().codes if counts.get(code, 0)]
    few = found[found["workers"] < 200]
    assert 0 < len(few) < len(found)
    assert (few["note"] == "n < 200").all()
    assert few[list(indicators.BY_COUNTRY)].isna().all(axis=None)
    many = found[found["workers"] >= 200]
    assert (many["note"] == "").all()
    for code in many.index:
        alone = FrameSet(workers=year.workers[year.workers["country"] == code])
        assert many.loc[code, "pay_all_in_median"] == value("pay_all_in_median", alone)
    assert found.attrs["units"]["pay_all_in_median"] == found.attrs["units"]["minimum_wage_usd"] == "USD/h"
    assert found.attrs["units"].keys() == set(found)


def test_regions_pool_their_countries(year: FrameSet) -> None:
    world = synthetic.world()
    found = by_region(year, world)
    asia = year.workers["country"].isin(["IND", "PHL", "BGD", "IDN"])
    assert found.loc["Asia", "workers"] == asia.sum()
    assert found.loc["Asia", "gini_pay"] == value("gini_pay", FrameSet(workers=year.workers[asia]))
    assert found.loc["Oceania", "note"] == "n < 200"


def test_task_types() -> None:
    batches = table(
        "batches",
        {
            "type": ["survey", "survey", "writing"],
            "tasks": [1, 3, 2],
            "assignments_per_task": [100, 100, 1],
            "accepted": [90, 300, 2],
            "rejected": [4, 0, 0],
            "expired": [6, 0, 0],
            "reward_microusd": [USD, 2 * USD, USD],
            "estimated_seconds": [HOUR, HOUR, HOUR // 2],
        },
    )
    found = by_type(FrameSet(batches=batches))
    assert found.loc["survey"].tolist() == [2, 400, 390, 4, 6, 1.75]
    assert found.loc["writing", "pay_usd_per_hour"] == 2.0


@pytest.fixture
def registry() -> Iterator[None]:
    kept = dict(INDICATORS)
    yield
    INDICATORS.clear()
    INDICATORS.update(kept)


@pytest.mark.usefixtures("registry")
def test_an_outcome_can_be_added_once() -> None:
    @indicator(name="countries", unit="countries", definition="Countries with workers.")
    def countries(frames: Any, world: Any) -> float:
        if frames.workers.empty:
            raise Missing("nobody")
        return float(frames.workers["country"].nunique())

    assert value("countries", people(country=["USA", "IND"])) == 2.0
    assert reason("countries", FrameSet()) == "nobody"
    with pytest.raises(ValueError, match="already"):
        indicator(name="countries", unit="", definition="")(countries)


def test_declared_columns_have_types_and_units() -> None:
    for name, columns in COLUMNS.items():
        for column, unit in units(name).items():
            assert columns[column].type in ("int8", "int32", "int64", "float64", "bool", "str")
            assert (unit == "µ$") == column.endswith("_microusd")
            assert not column.endswith("_seconds") or unit == "s"
