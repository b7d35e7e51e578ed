"""A market at rest: as many come as go, the start is what comes of it, and planted bugs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

import sim.agents.population as population
import sim.agents.turnover as turnover
import sim.schedule as schedule
from sim.agents.population import make_population, make_tables
from sim.agents.turnover import PARTS, weekly_chance_to_leave
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.model import ClickWorkModel
from sim.numeric import normal_quantile
from sim.world import load_world
from tests.conftest import Exercised
from tests.support.planting import planted

PEOPLE, WEEKS = 8_000, 400


def played_out(pay: float, median: float, config: Config) -> tuple[float, np.ndarray]:
    """Share of people inside, and the spread of their reservation wages, after years of the rules themselves.

    Week by week: circumstances, a shock each period, weeks in a row below the outside value, coming in.
    """
    rng, learning, sigma = np.random.default_rng(7), config.learning, config.workers.reservation_log_sigma
    wage = median + sigma * rng.standard_normal(PEOPLE)
    inside = np.zeros(PEOPLE, bool)
    below = np.zeros(PEOPLE, int)
    shock = learning.outside_shock_sigma * rng.standard_normal(PEOPLE)
    offset = rng.integers(learning.outside_shock_weeks, size=PEOPLE)
    shares, spread = [], np.zeros(PARTS)
    edges = median + sigma * np.array([normal_quantile(k / PARTS) for k in range(1, PARTS)])
    for week in range(WEEKS):
        changed = rng.random(PEOPLE) < 1.0 / learning.circumstances_weeks
        wage[changed] = median + sigma * rng.standard_normal(changed.sum())
        anew = (week + offset) % learning.outside_shock_weeks == 0
        shock[anew] = learning.outside_shock_sigma * rng.standard_normal(anew.sum())
        below = np.where(inside & (wage + shock > pay), below + 1, 0)
        coming = changed & ~inside & (wage <= pay)
        inside = (inside & (below < learning.leave_weeks)) | coming
        if week >= WEEKS // 2:
            shares.append(inside.mean())
            spread += np.bincount(np.searchsorted(edges, wage[inside]), minlength=PARTS)
    return float(np.mean(shares)), spread / spread.sum()


def far_off(config: Config, module: Any = turnover, gaps: tuple[float, ...] = (-1.0, 0.4, 1.5)) -> float:
    """Largest difference between the balance and the rules played out: of shares inside, and of spreads."""
    worst = 0.0
    for gap in gaps:
        share, spread = played_out(0.7 + gap, 0.7, config)
        inside, weights = module.at_rest(0.7 + gap, 0.7, -1e300, config)
        apart = np.cumsum(np.array(weights) / sum(weights)) - np.cumsum(spread)
        worst = max(worst, abs(share - inside), float(np.abs(apart).max()))
    return worst


def learning_as(**settings: Any) -> Config:
    """The usual configuration but for some settings of learning."""
    return replace(Config(), learning=replace(Config().learning, **settings))


def test_the_balance_is_what_the_rules_come_to(exercised: Exercised) -> None:
    seen = 0
    for sigma in (0.0, 1.0):
        assert far_off(learning_as(outside_shock_sigma=sigma)) < 0.04, sigma
        seen += 3
    exercised("balances played out", seen, 6)


@pytest.mark.parametrize(
    ("shock_weeks", "leave_weeks"), [(26, 6), (13, 13), (13, 18), (13, 39), (6, 18), (5, 12), (1, 3), (1, 1)]
)
def test_the_balance_holds_however_many_shocks_it_takes_to_leave(shock_weeks: int, leave_weeks: int) -> None:
    config = learning_as(outside_shock_weeks=shock_weeks, leave_weeks=leave_weeks)
    assert far_off(config, gaps=(-1.0, 1.0)) < 0.04


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(1.0 - stayed + came)", "(2.0 - stayed + came)"),
        ("1.0 / (1.0 + weeks * leaving)", "1.0"),
        ("(1.0 - inside) * come", "(1.0 - inside)"),
        ("willing - part)", "willing)"),
    ],
)
def test_planted_bugs_in_the_balance_are_noticed(right: str, wrong: str) -> None:
    assert far_off(Config(), planted(turnover, right, wrong)) >= 0.04


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("-(-leave_weeks // shock_weeks)", "1"),
        ("-(-leave_weeks // shock_weeks)", "leave_weeks // shock_weeks"),
        ("(runs - periods * run)", "runs"),
    ],
)
def test_planted_bugs_in_the_chance_to_leave_are_noticed(right: str, wrong: str) -> None:
    config = learning_as(outside_shock_weeks=6, leave_weeks=15)
    assert far_off(config, gaps=(0.4,)) < 0.04
    assert far_off(config, planted(turnover, right, wrong), gaps=(0.4,)) >= 0.04


def test_nobody_leaves_for_shocks_that_there_are_not() -> None:
    assert weekly_chance_to_leave(-0.1, 0.0, 13, 6) == 0.0
    assert weekly_chance_to_leave(0.1, 0.0, 13, 6) == 1 / 6
    assert weekly_chance_to_leave(0.1, 0.0, 6, 13) == 1 / 13
    assert 0 < weekly_chance_to_leave(-2.0, 1.0, 13, 6) < weekly_chance_to_leave(2.0, 1.0, 13, 6) < 1 / 6


# --- who there is at the start ------------------------------------------------------------------

QUANTILES = (np.arange(4_000) + 0.5) / 4_000
Floats = NDArray[np.float64]


def closed_form(pay: float, median: float, floor: float, config: Config) -> tuple[float, Floats, Floats]:
    """Share of a segment's people inside, reservation wages of all of them, and the chance of each there.

    Where one bad period is enough to leave. As many of each wage go as come, and nobody is without a wage.
    """
    learning, workers = config.learning, config.workers
    wages = np.maximum(floor, median + workers.reservation_log_sigma * norm.ppf(QUANTILES))
    bad = norm.cdf((wages - pay) / learning.outside_shock_sigma)
    mean_stay = learning.outside_shock_weeks * (1 - bad) / bad + learning.leave_weeks
    until_change = learning.circumstances_weeks
    inside = 0.5
    for _ in range(4_000):
        arriving = (inside + (1 - inside) * (wages <= pay)) / until_change
        there = arriving / (1 / mean_stay + 1 / until_change)
        inside = float(there.mean())
    return inside, wages, there / there.sum()


SETTINGS = ("platforms=mturk", "workers.count=20000", "learning.pool_ratio=0.3", "seed=4")


def start_apart(module: Any = population) -> dict[str, float]:
    """How far the people of the start are from the closed form, at worst.

    ``mix``: shares of segments in a country, of those who are there. ``wages``: their reservation wages, as
    the largest difference of cumulative shares in a segment. ``others``: people outside by worker, relative.
    """
    config = compose([f"world={WORLD}", *SETTINGS])
    world = load_world(config.world.table)
    tables = make_tables(config, world)
    pay = population.pay_offered(config, tables.worker_origins, tables.countries)
    first, outside = module.first_people(
        config, tables.worker_origins, pay, tables.segments, tables.countries, tables.segment_shares
    )
    worst = {"mix": 0.0, "wages": 0.0, "others": 0.0}
    for i, country in enumerate(tables.worker_origins["country"].tolist()):
        wage, price = float(world.outside_wage_usd[country]), float(world.price_level[country])
        shares = np.diff(tables.segment_shares[country], prepend=0.0)
        floor = np.log(config.workers.need_usd_per_hour * price)
        found = [
            closed_form(float(pay[i]), np.log(segment.reservation_ratio * wage), floor, config)
            for segment in config.segments.values()
        ]
        inside = np.array([one[0] for one in found])
        mix = shares * inside / (shares * inside).sum()
        worst["mix"] = max(worst["mix"], np.abs(np.diff(first.shares[i], prepend=0.0) - mix).max())
        others = shares * (1 - inside) / (shares * inside).sum()
        others *= min(1.0, config.learning.pool_ratio / others.sum())
        worst["others"] = max(
            worst["others"], np.abs(outside[country][shares > 0] / others[shares > 0] - 1).max()
        )
        for s in np.flatnonzero(shares > 0):
            drawn = [module.draw_of_those_there(first.asking[i, s], float(u)) for u in QUANTILES[::8]]
            expected = np.interp(drawn, QUANTILES, np.cumsum(found[s][2]))
            worst["wages"] = max(worst["wages"], np.abs(np.sort(expected) - QUANTILES[::8]).max())
    return worst


WORLD = "six_regions"
BOUNDS = {"mix": 0.005, "wages": 0.03, "others": 0.03}


def test_people_of_the_start_are_those_of_the_closed_form() -> None:
    apart = start_apart()
    assert all(apart[what] < bound for what, bound in BOUNDS.items()), apart


@pytest.mark.parametrize(
    ("right", "wrong", "what"),
    [
        ("float(widths[s]) * inside)", "float(widths[s]))", "mix"),
        ("float(widths[s]) * (1.0 - inside)", "float(widths[s])", "others"),
        ("total), registered)", "total), 100.0)", "others"),
        ("people.asking[i, s] = cumulative(parts)", "people.asking[i, s] = cumulative(parts[::-1])", "wages"),
    ],
)
def test_planted_bugs_in_who_is_there_are_noticed(right: str, wrong: str, what: str) -> None:
    apart = start_apart(planted(population, right, wrong))
    assert apart[what] >= BOUNDS[what], apart


def test_workers_of_the_start_are_drawn_from_these_people(exercised: Exercised) -> None:
    """Of 20,000 workers: the shares of segments, and where among wages of their segment they are."""
    config = compose([f"world={WORLD}", *SETTINGS])
    world = load_world(config.world.table)
    tables = make_tables(config, world)
    workers = make_population(config, world, tables).workers
    pay = population.pay_offered(config, tables.worker_origins, tables.countries)
    segment = (workers["segment_platform"] % 16).astype(int)
    seen, places = 0, []
    for i, country in enumerate(tables.worker_origins["country"].tolist()):
        there = workers["country"] == country
        mix = np.bincount(segment[there], minlength=len(config.segments)) / there.sum()
        assert np.abs(mix - np.diff(tables.first.shares[i], prepend=0.0)).max() < 0.02
        wage = float(world.outside_wage_usd[country])
        floor = np.log(config.workers.need_usd_per_hour * float(world.price_level[country]))
        for s, one in enumerate(config.segments.values()):
            mine = workers["log_base_reservation"][there & (segment == s)].astype(float)
            if mine.size:
                _, wages, chances = closed_form(
                    float(pay[i]), np.log(one.reservation_ratio * wage), floor, config
                )
                # Those who ask the least that anybody does are spread over the share of all who do.
                places += [
                    np.interp(mine, wages, np.cumsum(chances))[mine > floor + 1e-6],
                    np.random.default_rng(s).random(int((mine <= floor + 1e-6).sum()))
                    * chances[wages <= floor + 1e-6].sum(),
                ]
                seen += mine.size
    ordered = np.sort(np.concatenate(places))
    assert np.abs(ordered - (np.arange(seen) + 0.5) / seen).max() < 0.015
    exercised("workers of the start", seen, 20_000)


def test_what_is_wanted_does_not_hang_on_starting_pay() -> None:
    found = set()
    for pay in (1, 8):
        config = compose([f"world={WORLD}", f"requesters.pay_usd_per_hour={pay}"])
        found.add(
            population.expected_desired_hours(config, make_tables(config, load_world(config.world.table)))
        )
    assert len(found) == 1


# --- who comes --------------------------------------------------------------------------------


def coming(
    words: tuple[str, ...], present: int | None, pay: float | None = None
) -> tuple[float, float, float]:
    """Expected to come in a week to the first country, its pool, and its workers at the start."""
    model = ClickWorkModel(compose([f"world={WORLD}", "workers.count=600", "record.figures=false", *words]))
    if pay is not None:
        model.reported_pay[:] = pay
    first = int(model.active_by_country()[0])
    expected, _ = schedule.newcomers(model, 0, first if present is None else present)
    return expected, float(model.pools[0]), float(first)


def test_no_more_come_than_are_registered_and_look_anew() -> None:
    """Where nobody is willing at first, a rise of pay makes all of the pool willing, but not at once."""
    words = ("workers.reservation_log_sigma=0.05", "requesters.pay_usd_per_hour=0.2")
    expected, pool, _ = coming(words, None, 1000.0)
    assert expected == pytest.approx(pool / Config().learning.circumstances_weeks, rel=0.05)
    assert coming((*words, "learning.pool_ratio=0"), None, 1000.0)[0] == 0.0


def test_a_country_that_nobody_is_left_in_is_filled_again() -> None:
    for pay in (0.0, 2.0):  # what was last heard there counts no more
        expected, _, first = coming((), 0, pay)
        usual, _, _ = coming((), None, 2.0)
        assert expected > 1.5 * usual > 0.0
        assert expected < first
    assert coming(("learning.join_rate=0.001",), 0, 2.0)[0] == 0.0


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
