"""The estimator of labour supply to one requester, on uptake drawn with a known elasticity."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.outcomes import elasticity as elasticity_module
from sim.outcomes.elasticity import Elasticity, supply_elasticity
from sim.outcomes.frames import FrameSet, empty
from sim.outcomes.indicators import _elasticity, _first_weekday
from tests.conftest import Exercised
from tests.figures.synthetic import table
from tests.support.planting import planted

ARMS = np.array([0.8, 1.2])


def market(
    elasticity: float, seed: int = 5, weeks: int = 40, requesters: int = 40, **changes: Any
) -> pd.DataFrame:
    """Batches at two randomised levels of pay, which alone should count.

    A requester's pay and popularity drift together from week to week; within the week a batch's charm moves
    both; and better paid batches are on offer for a shorter time. Luck that a requester has with an arm stays
    with it.
    """
    rng = np.random.default_rng(seed)
    count = weeks * requesters * 6
    requester, week = rng.integers(0, requesters, count), rng.integers(0, weeks, count)
    arm = rng.integers(0, 2, count)
    hidden = rng.normal(0, 1, (requesters, weeks))[requester, week]
    seconds = rng.integers(20, 200, count)
    charm = rng.normal(0, 0.3, count)
    reward = 5000 * seconds * ARMS[arm] * np.exp(0.5 * hidden + charm)
    hours = np.where(arm == 1, rng.integers(1, 25, count), rng.integers(1, 50, count))
    luck = rng.normal(0, 0.4, (requesters, 2))[requester, arm]
    rate = 0.1 * np.exp(hidden + charm + luck) * (ARMS[arm] * np.exp(charm)) ** elasticity
    posted = week * 168 + rng.integers(0, 100, count)
    data = {
        "requester": requester,
        "reward_microusd": reward.astype(int),
        "estimated_seconds": seconds,
        "posted_hour": posted,
        "closed_hour": posted + hours,
        "t100": -1,
        "workers": rng.poisson(rate * hours),
        "arm": arm,
    }
    return table("batches", data | changes)


@pytest.mark.parametrize("elasticity", [0.0, 0.1, 1.0])
def test_known_elasticity_is_recovered_in_spite_of_drift(elasticity: float) -> None:
    """A plain regression of uptake on pay would find about 2 more."""
    found = supply_elasticity(market(elasticity))
    assert isinstance(found, Elasticity)
    assert 0.02 < found.standard_error < 0.4
    assert abs(found.value - elasticity) < 3 * found.standard_error


def test_standard_error_covers() -> None:
    """Over 120 markets the estimate is within 1.96 standard errors in about 95 %, one in about 68 %."""
    distances = []
    for seed in range(120):
        found = supply_elasticity(market(0.3, seed=seed, weeks=6, requesters=60))
        assert isinstance(found, Elasticity)
        distances.append(abs(found.value - 0.3) / found.standard_error)
    within = np.array(distances)
    assert 106 <= (within < 1.96).sum() <= 119
    assert 66 <= (within < 1).sum() <= 97


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """However many batches are worked on at once; a block that cut a cell would take two halves for cells."""
    batches = market(0.3)
    whole = supply_elasticity(batches)
    for size in (1, 100, 999):
        monkeypatch.setattr(elasticity_module, "BLOCK", size)
        found = supply_elasticity(batches)
        assert isinstance(whole, Elasticity) and isinstance(found, Elasticity)
        assert found.value == pytest.approx(whole.value, rel=1e-9)
        assert found.standard_error == pytest.approx(whole.standard_error, rel=1e-9)
        assert (found.cells, found.workers) == (whole.cells, whole.workers)
    cut = planted(elasticity_module, 'int(np.searchsorted(cell, cell[reached], side="right"))', "reached + 1")
    monkeypatch.setattr(cut, "BLOCK", 100)
    assert cut.supply_elasticity(batches).value != pytest.approx(whole.value, rel=1e-6)
    exercised("batches", len(batches), 9000)


def test_time_on_offer_ends_when_the_work_is_done() -> None:
    """The same market told by its moments of completion instead of its closing hours."""
    batches = market(0.1)
    done = batches.assign(t100=batches["closed_hour"] * 3600, closed_hour=10**6)
    assert supply_elasticity(done) == supply_elasticity(batches)


def test_how_arms_are_numbered_does_not_matter() -> None:
    batches = market(0.1)
    assert supply_elasticity(batches.assign(arm=batches["arm"] * -7 + 3)) == supply_elasticity(batches)


@pytest.mark.parametrize("weekday", range(7))
def test_weeks_begin_on_mondays(weekday: int) -> None:
    """A market that begins on another day has the same cells; weeks counted from hour 0 would mix them."""

    batches = market(0.1)
    hour = batches["posted_hour"] % 168
    whole_week = hour * 5 // 3 - hour  # postings from Monday to Sunday
    first_monday = (7 - weekday) % 7 * 24

    def later(hours: Any) -> pd.DataFrame:
        times = {name: batches[name] + hours for name in ("posted_hour", "closed_hour")}
        return batches.assign(**times)

    expected, moved = supply_elasticity(later(whole_week)), later(whole_week + first_monday)
    assert supply_elasticity(moved, weekday) == expected
    assert (supply_elasticity(moved) == expected) == (weekday == 0)


@pytest.mark.parametrize(("start", "weekday"), [("2019-01-07", 0), ("2019-01-10", 3), ("2019-01-13", 6)])
def test_the_first_weekday_is_read_from_the_recorded_days(start: str, weekday: int) -> None:
    """Days count from the start of the run; the first recorded one comes after the warm-up."""
    for day in (0, 5, 30):
        date = (dt.date.fromisoformat(start) + dt.timedelta(days=day)).isoformat()
        series = table("series", {"day": [day], "date": [date]})
        assert _first_weekday(series) == weekday
        batches = market(0.1)
        found = _elasticity(FrameSet(series=series, batches=batches))
        assert found == supply_elasticity(batches, weekday)[:2]
    assert _first_weekday(empty("series")) == 0


def test_one_arm_or_no_batches_give_a_reason() -> None:
    assert "0 requester-weeks with two pay arms" in str(supply_elasticity(market(0.1, arm=1)))
    assert supply_elasticity(table("batches", {"id": [1]})) == "no finished batches"
    assert "at least 30" in str(supply_elasticity(market(0.1, weeks=2, requesters=5)))


def test_arms_that_do_not_differ_give_a_reason() -> None:
    flat = market(0.1, reward_microusd=1000, estimated_seconds=100)
    assert "do not move uptake" in str(supply_elasticity(flat))
