"""Statistics in the words of observations, on data whose answer is known."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.outcomes import evidence
from sim.outcomes.indicators import Missing
from tests.conftest import Exercised
from tests.outcomes.test_elasticity import market
from tests.support.planting import planted

WORLD: Any = SimpleNamespace(
    codes=["USA", "IND", "AUS", "KEN"], region=["North America", "Asia", "Oceania", "Africa"]
)


def workers(*groups: tuple[str, int, float], **changes: Any) -> pd.DataFrame:
    """Return workers: (country, how many, USD an hour of all working time), each with two hours of it."""
    rows = [(country, usd) for country, count, usd in groups for _ in range(count)]
    table = pd.DataFrame(
        {
            "country": [country for country, _ in rows],
            "paid_seconds": 3600,
            "search_seconds": 1800,
            "returned_seconds": 900,
            "rejected_seconds": 900,
            "tasks_accepted": 9,
            "tasks_rejected": 1,
            "pay_microusd": [round(2 * usd * 1e6) for _, usd in rows],
            "joined_day": 0,
            "weight": 1.0,
        }
    )
    return table.assign(**changes)


# ---------------------------------------------------------------- pay


def test_pay_of_regions_is_a_mean_over_workers_and_joins_asia_with_oceania() -> None:
    table = workers(
        ("USA", 100, 2.0), ("USA", 100, 6.0), ("IND", 150, 1.0), ("AUS", 50, 5.0), ("KEN", 200, 1.0)
    )
    pay = evidence.region_pay(table, WORLD)
    assert pay == pytest.approx({"africa": 1.0, "asia_pacific": 2.0, "north_america": 4.0})
    assert evidence.pay_ratio(pay, "north_america", "asia_pacific") == pytest.approx(2.0)
    assert evidence.pay_ratio(pay, "asia_pacific", "africa") == pytest.approx(2.0)


def test_a_region_of_fewer_than_two_hundred_has_no_pay() -> None:
    pay = evidence.region_pay(workers(("USA", 200, 2.0), ("KEN", 199, 1.0)), WORLD)
    assert list(pay) == ["north_america"]
    with pytest.raises(Missing, match="africa"):
        evidence.pay_ratio(pay, "north_america", "africa")


def test_who_has_done_nine_tasks_is_not_counted() -> None:
    table = workers(("USA", 200, 2.0), ("USA", 200, 50.0))
    table.loc[200:, "tasks_accepted"] = 8
    assert evidence.region_pay(table, WORLD) == pytest.approx({"north_america": 2.0})
    assert evidence.country_pay(table, "USA") == pytest.approx(2.0)


def test_pay_of_a_country_is_a_median() -> None:
    table = workers(("USA", 101, 2.0), ("USA", 100, 50.0), ("IND", 300, 9.0))
    assert evidence.country_pay(table, "USA") == pytest.approx(2.0)
    with pytest.raises(Missing):
        evidence.country_pay(table, "KEN")


def test_experience_is_who_was_there_before_over_who_came_in_the_second_half() -> None:
    table = workers(("USA", 20, 3.0), ("USA", 60, 100.0), ("USA", 20, 2.0))
    table["joined_day"] = [9] * 20 + [10] * 30 + [59] * 30 + [60] * 20
    assert evidence.experience_premium(table, 10, 110) == pytest.approx(1.5)
    with pytest.raises(Missing, match="9 new"):
        evidence.experience_premium(table[:89], 10, 110)


# ---------------------------------------------------------------- supply


@pytest.mark.parametrize("elasticity", [0.1, 1.0])
def test_elasticity_is_found_from_batches_of_ten_ticks(elasticity: float) -> None:
    batches = market(elasticity)
    found = evidence.supply_elasticity_ten_ticks(batches, 0.2, 10_000, 0)
    assert found == pytest.approx(elasticity, abs=0.35)


def test_no_arm_is_kept_for_its_own_reward() -> None:
    """A batch on the high arm is kept only if ten ticks would be left on the low one."""
    batches = market(0.5)
    small = batches.assign(reward_microusd=np.where(batches["arm"] == 1, 149_999, 99_999))
    with pytest.raises(Missing, match="no finished batches"):
        evidence.supply_elasticity_ten_ticks(small, 0.2, 10_000, 0)
    large = batches.assign(
        reward_microusd=np.where(batches["arm"] == 1, 150_000, 100_000), estimated_seconds=60
    )
    kept = evidence.supply_elasticity_ten_ticks(large, 0.2, 10_000, 0)
    assert math.isfinite(kept)


def test_time_to_half_is_compared_within_requester_and_week() -> None:
    """In every cell the low arm takes twice as long; cells differ a hundredfold the other way."""
    rows = []
    for requester, scale, counts in ((1, 1.0, (1, 3)), (2, 100.0, (3, 1))):
        for arm, factor in ((0, 2.0), (1, 1.0)):
            rows += [(requester, arm, 7 + scale * factor)] * counts[arm]
    rows += [(3, 0, 7 + 1e6)]  # one arm only: says nothing
    table = pd.DataFrame(rows, columns=["requester", "arm", "hours"])
    table["posted_hour"], table["t50"] = 7, table["hours"] * 3600
    assert evidence.slower_when_paid_less(table, 0) == pytest.approx(math.log(2))
    unfinished = pd.DataFrame(
        [(1, 0, 7, -1), (1, 1, 7, -1)], columns=["requester", "arm", "posted_hour", "t50"]
    )
    with pytest.raises(Missing):
        evidence.slower_when_paid_less(unfinished, 0)


def test_weeks_begin_on_mondays() -> None:
    """Hour 0 is a Sunday: the next day is another week, in which pay may have been revised."""
    table = pd.DataFrame({"requester": 1, "arm": [0, 1], "posted_hour": [0, 24], "t50": [7200, 90_000]})
    assert math.isfinite(evidence.slower_when_paid_less(table, 0))
    with pytest.raises(Missing):
        evidence.slower_when_paid_less(table, 6)


# ---------------------------------------------------------------- hours and days


@pytest.mark.parametrize(("share", "usual", "ratio"), [(0.5, 0.2, 4.0), (0.05, 0.2, 4 / 19), (0.2, 0.2, 1.0)])
def test_odds_ratio(share: float, usual: float, ratio: float) -> None:
    assert evidence.odds_ratio(share, usual) == pytest.approx(ratio)


def test_there_are_no_odds_of_all_or_of_nothing() -> None:
    for share, usual in ((0.5, 0.0), (0.5, 1.0), (1.0, 0.5)):
        with pytest.raises(Missing):
            evidence.odds_ratio(share, usual)


def test_weekend_is_saturday_and_sunday_of_whole_weeks() -> None:
    """From Monday 7 January 2019: 10 tasks a day, 4 at weekends; the Monday after is no whole week."""
    dates = [str(day.date()) for day in pd.date_range("2019-01-07", periods=8)]
    series = pd.DataFrame({"date": dates, "tasks_accepted": [9, 9, 9, 9, 9, 3, 3, 900], "tasks_rejected": 1})
    assert evidence.weekend_ratio(series) == pytest.approx(0.4)
    with pytest.raises(Missing):
        evidence.weekend_ratio(series[:6])


def test_drift_compares_halves() -> None:
    series = pd.DataFrame({"day": [0, 0, 1, 2, 3], "x": [1, 1, 2, 3, 4]})
    assert evidence.drift(series, "x") == pytest.approx(0.75)
    with pytest.raises(Missing):
        evidence.drift(series[:2], "x")


# ---------------------------------------------------------------- staying


def halving(periods: int, spare: int = 6) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a population at rest: of those who come in a period half are gone after each further one."""
    size = 2 ** (periods + spare)
    rows = []
    for start in range(-40, periods):
        for left in range(1, 60):
            who = size // 2**left
            end = start + left
            if who and end > 0 and start < periods:
                life = np.zeros(periods, np.bool_)
                life[max(start, 0) : end] = True
                rows.append((life, who))
    return np.repeat([life for life, _ in rows], [who for _, who in rows], axis=0)


def test_half_life_of_a_population_that_halves(exercised: Exercised) -> None:
    """Half leave in each period of 30 days, so the half-life is 30 days."""
    seen = halving(6)
    assert evidence.recapture(seen) == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32], rel=0.05)
    assert evidence.half_life(seen) == pytest.approx(30.0, rel=1e-2)
    exercised("people followed", len(seen), at_least=500)


def test_half_life_does_not_depend_on_how_many_come() -> None:
    """Twice as many come in each period as in the one before; of each, half stay."""
    rows = []
    for start in range(6):
        for left in range(1, 13):
            life = np.zeros(6, np.bool_)
            life[start : start + left] = True
            rows += [life] * (2 ** (start + 13 - left) // 2)
    assert evidence.half_life(np.array(rows)) == pytest.approx(30.0, rel=1e-2)


def test_half_life_does_not_depend_on_how_many_are_seen() -> None:
    """Who is there is seen by chance, one in three: only who is there matters."""
    seen = halving(8)
    rng = np.random.default_rng(3)
    some = seen.copy()
    some &= rng.random(some.shape) < 1 / 3
    assert evidence.half_life(some) == pytest.approx(30.0, rel=0.05)


def test_half_life_needs_leavers_and_three_years() -> None:
    with pytest.raises(Missing, match="any distance"):
        evidence.half_life(np.ones((50, 6), np.bool_))
    with pytest.raises(Missing, match="seen twice"):
        evidence.half_life(np.eye(6, dtype=np.bool_))
    with pytest.raises(Missing, match="at least 36"):
        evidence.half_life_of_years(halving(6))


def test_drift_of_thirds() -> None:
    seen = np.zeros((4, 6), np.bool_)
    seen[:2] = True
    seen[2, 4:] = True
    seen[3, 5:] = True
    assert evidence.drift_of_thirds(seen) == pytest.approx(0.75)
    with pytest.raises(Missing):
        evidence.drift_of_thirds(seen[:, :2])


def test_funnel_counts_paid_and_sustained_over_registered() -> None:
    """Five were paid; of these one has ten jobs and one other 1,000 USD."""
    jobs = np.array([0, 1, 9, 10, 3, 5])
    pay = np.array([0, 1, 999_999_999, 7, 1_000_000_000, 5])
    assert evidence.funnel(jobs, pay, 50) == pytest.approx((0.1, 0.04))
    with pytest.raises(Missing):
        evidence.funnel(jobs, pay, 0)


# ---------------------------------------------------------------- work


def test_variation_of_tasks_leaves_out_who_did_none() -> None:
    tasks = np.array([1] * 100 + [3] * 100 + [0] * 500)
    assert evidence.tasks_variation(tasks) == pytest.approx(0.5)
    with pytest.raises(Missing):
        evidence.tasks_variation(tasks[:199])


def test_the_likelier_distribution_is_told() -> None:
    """Quantiles of a lognormal of spread 1.5 against those of an exponential, both of mean about 1,000."""
    from scipy import stats

    places = (np.arange(4000) + 0.5) / 4000
    heavy = np.round(stats.lognorm.ppf(places, 1.5, scale=300)).astype(np.int64)
    light = np.ceil(stats.expon.ppf(places, scale=1000)).astype(np.int64)
    # Known: -mu - ln(sigma) - ln(2 pi e) / 2 against -(mu + sigma^2 / 2) - 1.
    known = 1.5**2 / 2 + 1 - math.log(1.5) - 0.5 * math.log(2 * math.pi * math.e)
    assert evidence.lognormal_gain(heavy) == pytest.approx(known, abs=0.03)
    assert evidence.lognormal_gain(light) < 0
    with pytest.raises(Missing):
        evidence.lognormal_gain(np.full(500, 7))


def test_reward_by_task_weighs_batches_by_their_assignments() -> None:
    batches = pd.DataFrame(
        {"reward_microusd": [50, 200, 300], "tasks": [10, 1, 2], "assignments_per_task": [3, 1, 1]}
    )
    assert evidence.reward_by_task_over_by_batch(batches) == pytest.approx(0.25)
    with pytest.raises(Missing):
        evidence.reward_by_task_over_by_batch(batches[:0])


def test_mark_down_counts_the_fee_and_only_who_posts() -> None:
    requesters = pd.DataFrame(
        {"posted": [1, 1, 1, 0], "pay_target_usd_per_hour": [2.0, 5.0, 1.0, 9.0], "value_usd_per_hour": 12.0}
    )
    assert evidence.mark_down(requesters, 0.2) == pytest.approx(0.8)
    with pytest.raises(Missing):
        evidence.mark_down(requesters[3:], 0.2)


def test_posts_are_batches_by_kind_and_changes_are_relative() -> None:
    batches = pd.DataFrame({"type": pd.Categorical(["survey"] * 6 + ["writing"] * 3 + ["expert"])})
    before = {f"posts_{kind}": count for kind, count in evidence.posts(batches).items()}
    assert before == {"posts_microwork": 6, "posts_writing": 3, "posts_all": 10}
    after = {"posts_microwork": 9.0, "posts_writing": 1.5, "posts_all": 12.0}
    assert evidence.change_less_all(after, before, "microwork") == pytest.approx(0.5 - 0.2)
    assert evidence.change_less_all(after, before, "writing") == pytest.approx(-0.5 - 0.2)
    with pytest.raises(Missing):
        evidence.change_less_all(after, {"posts_all": 10.0}, "writing")


# ---------------------------------------------------------------- each test can fail


def uncounted(*_: Any, **__: Any) -> None:
    """Stand in for the fixture that counts."""


BUGS: list[tuple[str, str, Callable[[], Any]]] = [
    (
        '"Oceania": "asia_pacific",',
        '"Oceania": "oceania",',
        test_pay_of_regions_is_a_mean_over_workers_and_joins_asia_with_oceania,
    ),
    (
        "str(region): weighted_mean(pay[here], weight[here])",
        "str(region): weighted_median(pay[here], weight[here])",
        test_pay_of_regions_is_a_mean_over_workers_and_joins_asia_with_oceania,
    ),
    (".sum() >= LEAST_WORKERS", ".sum() > 100", test_a_region_of_fewer_than_two_hundred_has_no_pay),
    ("(done >= LEAST_TASKS) &", "(done >= 0) &", test_who_has_done_nine_tasks_is_not_counted),
    (
        "return weighted_median(all_in_pay(chosen), chosen",
        "return weighted_mean(all_in_pay(chosen), chosen",
        test_pay_of_a_country_is_a_median,
    ),
    (
        "(first_day + last_day) // 2",
        "first_day",
        test_experience_is_who_was_there_before_over_who_came_in_the_second_half,
    ),
    (
        "joined < first_day",
        "joined < last_day",
        test_experience_is_who_was_there_before_over_who_came_in_the_second_half,
    ),
    ("(1.0 - spread) / (1.0 + spread), 1.0", "1.0, 1.0", test_no_arm_is_kept_for_its_own_reward),
    (
        '["mean"][0] - means["mean"][1]',
        '["mean"][1] - means["mean"][0]',
        test_time_to_half_is_compared_within_requester_and_week,
    ),
    (
        'cell = batches["requester"].to_numpy(np.int64) *',
        "cell = 0 *",
        test_time_to_half_is_compared_within_requester_and_week,
    ),
    ("+ 24 * first_weekday", "+ 0 * first_weekday", test_weeks_begin_on_mondays),
    ("/ (usual / (1 - usual))", "/ usual", functools.partial(test_odds_ratio, 0.5, 0.2, 4.0)),
    ("day_of_week >= 5", "day_of_week >= 6", test_weekend_is_saturday_and_sunday_of_whole_weeks),
    ("[: len(by_date) // 7 * 7]", "[:]", test_weekend_is_saturday_and_sunday_of_whole_weeks),
    ("by_day[-half:].sum() / by_day[:half].sum()", "by_day[-1] / by_day[0]", test_drift_compares_halves),
    (
        "return math.log(2) / rate",
        "return 1 / rate",
        functools.partial(test_half_life_of_a_population_that_halves, uncounted),
    ),
    (
        "counts[:-lag].sum() for lag",
        "counts[lag:].sum() for lag",
        test_half_life_does_not_depend_on_how_many_come,
    ),
    (
        "np.log(again[known])",
        "again[known]",
        functools.partial(test_half_life_of_a_population_that_halves, uncounted),
    ),
    ("seen.shape[1] < LEAST_PERIODS", "seen.shape[1] < 2", test_half_life_needs_leavers_and_three_years),
    ("each[-third:].sum() / each[:third]", "each[-1:].sum() / each[:1]", test_drift_of_thirds),
    (
        "(jobs >= SUSTAINED_JOBS) |",
        "(jobs > SUSTAINED_JOBS) |",
        test_funnel_counts_paid_and_sustained_over_registered,
    ),
    ("(jobs > 0).sum()", "(jobs >= 0).sum()", test_funnel_counts_paid_and_sustained_over_registered),
    (
        "return float(done.std() / done.mean())",
        "return float(done.std())",
        test_variation_of_tasks_leaves_out_who_did_none,
    ),
    ("lognormal = -logs.mean()", "lognormal = logs.mean()", test_the_likelier_distribution_is_told),
    (
        "weighted_median(rewards, tasks) /",
        "weighted_median(rewards) /",
        test_reward_by_task_weighs_batches_by_their_assignments,
    ),
    ("* (1 + fee)", "* 1", test_mark_down_counts_the_fee_and_only_who_posts),
    (
        'requesters["posted"] > 0',
        'requesters["posted"] >= 0',
        test_mark_down_counts_the_fee_and_only_who_posts,
    ),
    ("changes[0] - changes[1]", "changes[0]", test_posts_are_batches_by_kind_and_changes_are_relative),
]


@pytest.mark.parametrize("number", range(len(BUGS)))
def test_planted_bugs_are_noticed(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, check = BUGS[number]
    monkeypatch.setitem(globals(), "evidence", planted(evidence, old, new))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check()
