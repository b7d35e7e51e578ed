"""A market at rest: as many come as go, the start is what comes of it, and planted bugs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sim.agents.turnover as turnover
from sim.agents.turnover import CELLS, weekly_chance_to_leave
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.planting import planted

PEOPLE, WEEKS = 8_000, 400


def played_out(pay: float, median: float, config: Config) -> tuple[float, np.ndarray]:
    """Share of people inside, and the spread of their reservation wages, after years of the rules themselves.

    Week by week: circumstances, a shock each period, weeks in a row below the outside value, coming in.
    """
    rng, learning, sigma = np.random.default_rng(7), config.learning, config.workers.reservation_log_sigma
    asked = median + sigma * rng.standard_normal(PEOPLE)
    inside = np.zeros(PEOPLE, bool)
    below = np.zeros(PEOPLE, int)
    shock = learning.outside_shock_sigma * rng.standard_normal(PEOPLE)
    offset = rng.integers(learning.outside_shock_weeks, size=PEOPLE)
    shares, spread = [], np.zeros(CELLS)
    edges = median + sigma * np.array([turnover.normal_quantile(k / CELLS) for k in range(1, CELLS)])
    for week in range(WEEKS):
        changed = rng.random(PEOPLE) < 1.0 / learning.circumstances_weeks
        asked[changed] = median + sigma * rng.standard_normal(changed.sum())
        anew = (week + offset) % learning.outside_shock_weeks == 0
        shock[anew] = learning.outside_shock_sigma * rng.standard_normal(anew.sum())
        below = np.where(inside & (asked + shock > pay), below + 1, 0)
        coming = changed & ~inside & (asked <= pay)
        inside = (inside & (below < learning.leave_weeks)) | coming
        if week >= WEEKS // 2:
            shares.append(inside.mean())
            spread += np.bincount(np.searchsorted(edges, asked[inside]), minlength=CELLS)
    return float(np.mean(shares)), spread / spread.sum()


def far_off(config: Config, module: Any = turnover) -> float:
    """Largest difference between the balance and the rules played out: of shares inside, and of spreads."""
    worst = 0.0
    for gap in (-1.0, 0.4, 1.5):
        share, spread = played_out(0.7 + gap, 0.7, config)
        inside, weights = module.at_rest(0.7 + gap, 0.7, -1e300, config)
        apart = np.cumsum(np.array(weights) / sum(weights)) - np.cumsum(spread)
        worst = max(worst, abs(share - inside), float(np.abs(apart).max()))
    return worst


def test_the_balance_is_what_the_rules_come_to(exercised: Exercised) -> None:
    base = Config()
    seen = 0
    for sigma in (0.0, 1.0):
        config = replace(base, learning=replace(base.learning, outside_shock_sigma=sigma))
        assert far_off(config) < 0.04, sigma
        seen += 3
    exercised("balances played out", seen, 6)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(1.0 - stayed + came)", "(2.0 - stayed + came)"),
        ("1.0 / (1.0 + weeks * leaving)", "1.0"),
        ("(1.0 - inside) * come", "(1.0 - inside)"),
    ],
)
def test_planted_bugs_in_the_balance_are_noticed(right: str, wrong: str) -> None:
    assert far_off(Config(), planted(turnover, right, wrong)) >= 0.04


def test_nobody_leaves_for_shocks_that_there_are_not() -> None:
    assert weekly_chance_to_leave(-0.1, 0.0, 13, 6) == 0.0
    assert weekly_chance_to_leave(0.1, 0.0, 13, 6) == 1 / 6
    assert 0 < weekly_chance_to_leave(-2.0, 1.0, 13, 6) < weekly_chance_to_leave(2.0, 1.0, 13, 6) < 1 / 6


def workers_after(weeks: int, *words: str) -> tuple[float, int]:
    """Workers at the end over those at the start, and how many came."""
    common = (
        "world=mturk_2015",
        "workers.count=1500",
        "seed=2",
        "time.warmup_days=0",
        "record.figures=false",
    )
    model = ClickWorkModel(compose([*common, f"time.days={7 * weeks}", *words]))
    model.run()
    return float(model.active_by_country().sum()) / 1500, int(model.joiners.sum())


def test_a_market_keeps_its_workers_from_the_start(exercised: Exercised) -> None:
    """In half a year, in which a third of them change; not so by a rate of joining."""
    ratio, came = workers_after(26)
    assert 0.9 < ratio < 1.1
    exercised("who came", came, 300)
    before, _ = workers_after(26, "learning.join_rate=0.0012")
    assert before < 0.87


def test_if_nothing_ever_changes_a_rate_of_joining_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"learning\.join_rate"):
        compose(["learning.circumstances_weeks=0"])
    compose(["learning.circumstances_weeks=0", "learning.join_rate=0.001"])
