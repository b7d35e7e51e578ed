"""The fixed roster by hand: who left counts on with no pay, and with an income that goes to all residents."""

from __future__ import annotations

import datetime as dt
import math
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim.outcomes.roster
from sim.composition import compose
from sim.outcomes.frames import Households
from sim.outcomes.indicators import summary
from tests.conftest import Exercised
from tests.figures.synthetic import table
from tests.outcomes.test_indicators import USD, WORLD

START = dt.date(2019, 1, 7)
FIRST, AFTER = 10, 83  # 73 days: 2.4 months
MONTHS = 73 / (365 / 12)
LINE = 3.00 * 1.137 * 365 / 12
WORKERS = pd.DataFrame(
    {
        "country": ["USA", "USA", "USA", "IND", "IND"],
        "segment": ["home", "home", "side_job", "home", "home"],
        "other_job": [False, False, True, False, False],
        "joined_day": [0, 0, 20, 0, 60],
        "left_day": [-1, 30, -1, 53, -1],
    }
)
INCOMES = pd.DataFrame(
    {
        "period": ["2019-01", "2019-02", "2019-03", "2019-01", "2019-02"],
        "country": ["USA", "USA", "USA", "IND", "IND"],
        "per_head_microusd": [5, 7, 0, 1, 2],
    }
)


def check_days(module: Any) -> None:
    """From the window's first day, or that of joining, to its end, whether or not somebody left."""
    assert module.member_days(WORKERS, FIRST, AFTER).tolist() == [73, 73, 63, 73, 23]
    assert module.member_days(WORKERS, 0, 50).tolist() == [50, 50, 30, 50, 0]


def check_incomes(module: Any) -> None:
    """Paid on the first of the month after: February's first is day 25, March's is day 53.

    Who leaves on a day of pay was paid that day; who joins on one was not there yet.
    """
    assert [module.payday(period, START) for period in ("2019-01", "2019-02", "2019-12")] == [25, 53, 359]
    left = WORKERS.assign(left_day=[-1, 30, 24, 53, 52])
    assert module.income_of_leavers(left, INCOMES, START).tolist() == [0, 7, 12, 0, 2]
    assert module.income_of_others(WORKERS, INCOMES, START).tolist() == [12, 12, 12, 3, 0]


def check_poverty(module: Any) -> None:
    """Fixed incomes are above the line or not; with a job, the chance that its wage is too low."""
    world = replace(WORLD, gini=(0.3, 0.4, 0.0))
    usa, full = LINE, 28 * 52 / 12
    alone = WORKERS.iloc[:2].assign(other_job=False)
    for monthly, below in (([usa + 0.01, usa - 0.01], [0, 1]), ([usa, 0.0], [0, 1])):
        line = np.array([usa, usa])
        assert module.poor(alone, np.array(monthly), line, world, Households()).tolist() == below
    # Four people need twice as much as one; the others bring half a wage of 15 USD an hour.
    home = Households({"home": 4.0}, {"home": 0.5})
    line = np.array([1000.0, 1000.0])
    monthly = np.array([2000 - 0.5 * 15 * full + 1, 2000 - 0.5 * 15 * full - 1])
    assert module.poor(alone, monthly, line, world, home).tolist() == [0, 1]
    # A Gini of 0.3 is a spread of 0.545 log points. With a line of e^-0.545 full wages, one in six is below.
    sigma = module.log_sigma(0.3)
    assert sigma == pytest.approx(0.5449254) and math.erf(sigma / 2) == pytest.approx(0.3)
    job = WORKERS.iloc[:1].assign(other_job=True)
    line = np.array([15 * full * math.exp(-sigma)])
    found = module.poor(job, np.zeros(1), line, world, Households())
    assert found[0] == pytest.approx(0.15865525393)
    assert module.poor(job, line, line, world, Households())[0] == 0.0
    # Where all earn the same, the wage decides.
    equal = replace(world, gini=(0.0, 0.0, 0.0))
    for share, below in ((0.99, 0.0), (1.01, 1.0)):
        assert module.poor(job, np.zeros(1), np.array([15 * full * share]), equal, Households())[0] == below


def check_relative(module: Any) -> None:
    """60 % of the national median: by hand where there is a closed form, by its definition elsewhere."""
    full = 28 * 52 / 12
    # Three persons, of whom others bring half a wage: half of all have less than 1.5 wages over root 3.
    assert module.national_median(3.0, 0.4, ((0.2, 3.0, 0.5),)) == pytest.approx(
        3 * full * 1.5 / math.sqrt(3), rel=1e-12
    )
    # Half live alone, half in fours on one wage: log x and log 2x are as far from 0, so x is one over root 2.
    pair = ((0.5, 1.0, 0.0), (0.5, 4.0, 0.0))
    for gini in (0.2, 0.5):
        assert module.national_median(1.0, gini, pair) == pytest.approx(full / math.sqrt(2), rel=1e-12)
    # In general one half of all are below.
    kinds = ((0.25, 2.0, 1.0), (0.75, 3.0, 0.2))
    x = module.national_median(2.0, 0.35, kinds) / full / 2.0
    normal = NormalDist(0.0, module.log_sigma(0.35))
    left = sum(
        part * normal.cdf(math.log(max(x * math.sqrt(n) - support, 1e-9))) for part, n, support in kinds
    )
    assert left == pytest.approx(0.5, abs=1e-12)
    # Where all earn the same, the kind in the middle decides.
    assert module.national_median(1.0, 0.0, kinds) == pytest.approx(full * 1.2 / math.sqrt(3))
    richer = ((0.75, 2.0, 1.0), (0.25, 3.0, 0.2))
    assert module.national_median(1.0, 0.0, richer) == pytest.approx(full * 2 / math.sqrt(2))
    world = replace(WORLD, gini=(0.3, 0.4, 0.3))
    weighted = Households(
        {"home": 3.0, "side_job": 1.0},
        {"home": 0.5},
        False,
        {"side_job": 2.0},
        {"home": 0.5, "side_job": 0.0},
    )
    lines = module.relative_line(WORKERS, world, weighted)
    south = 0.6 * full * 1.5 / math.sqrt(3)
    assert lines.tolist() == pytest.approx([0.6 * 15 * full] * 3 + [south] * 2, rel=1e-12)
    half = weighted.kinds("mixed")
    assert half == ((0.5, 1.0, 0.0), (0.5, 3.0, 0.5)), "a mixed country is half of both"
    assert Households().kinds("south") == ((1.0, 1.0, 0.0),)


CHECKS: tuple[Callable[[Any], None], ...] = (check_days, check_incomes, check_poverty, check_relative)


@pytest.mark.parametrize("check", CHECKS)
def test_by_hand(check: Callable[[Any], None]) -> None:
    check(sim.outcomes.roster)


def test_poverty_over_the_roster(exercised: Exercised) -> None:
    """Who left earns nothing any more and is poor, but for an income that goes to all residents."""
    workers = {name: WORKERS[name].tolist() for name in ("country", "joined_day", "left_day")}
    pay = [250 * USD, 250 * USD, 0, 63 * USD, 21 * USD]
    base = table(
        "workers", {**workers, "segment": "home", "other_job": False, "weight": 1.0, "pay_microusd": pay}
    )
    days = np.arange(FIRST, AFTER)
    dates = [(START + dt.timedelta(days=int(day))).isoformat() for day in days]
    series = table("series", {"day": days, "date": dates, "country": "USA"})
    frames = replace(_empty(), workers=base, series=series)

    def shares(households: Households, **more: Any) -> tuple[float, float]:
        found = summary(replace(frames, households=households, **more), WORLD)
        names = ("worker_poverty_before_transfers", "worker_poverty_after_transfers")
        return tuple(found[name]["value"] for name in names)  # type: ignore[return-value]

    # Pay a month of 104.17 USD twice and of 0; in India 26.25, and 27.76 in the 23 days of who joined late.
    assert shares(Households()) == (1 / 5, 1 / 5)
    # For 1.1 persons, 108.8 and 27.21.
    assert shares(Households({"home": 1.1})) == (4 / 5, 4 / 5)
    paid = table("incomes", {**{name: INCOMES[name].tolist() for name in ("period", "country")},
                             "per_head_microusd": [USD * each for each in (10, 10, 0, 1, 1)]})  # fmt: skip
    # Two people need 146.7 USD in the USA (149.7 are earned in 63 days) and 36.7 in India; in the window each
    # is paid 20 and 2 USD.
    pair = Households({"home": 2.0}, {"home": 0.0}, all_residents=True)
    richer = base.assign(pay_microusd=[335 * USD, 335 * USD, 310 * USD, 87 * USD, 21 * USD])
    before, after = shares(pair, incomes=paid, workers=richer)
    # 335 / 2.4 = 139.6; with 20 more a head: of the first only the other person's 20 are counted here, as the
    # ledger paid him nothing: 147.9. Who left is paid the second 10 too. In India 36.25 rises to 37.1.
    assert before == pytest.approx(4 / 5) and after == pytest.approx(1 / 5)
    exercised("shares of the roster", 6, at_least=6)


def _empty() -> Any:
    from sim.outcomes.frames import FrameSet

    return FrameSet()


def test_households_are_those_of_the_configuration() -> None:
    config = compose(["policy=[usage_tax,universal_income]", "segments.home.household_size=2"])
    found = sim.outcomes.roster.households_of(config)
    assert found.size["home"] == 2 and found.support["home"] == config.segments["home"].household_support
    assert found.north == {name: one.share_north for name, one in config.segments.items()}
    assert found.south == {name: one.share_south for name, one in config.segments.items()}
    assert found.all_residents and not sim.outcomes.roster.households_of(compose([])).all_residents
    workers = compose(["policy=[usage_tax,universal_income]", "policy.universal_income.recipients=workers"])
    assert not sim.outcomes.roster.households_of(workers).all_residents


PLANTS: list[tuple[str, str, Callable[[Any], None]]] = [
    ("np.maximum(joined, first)", "joined", check_days),
    ("np.maximum(joined, first), 0)", "np.maximum(joined, first), -9)", check_days),
    ("np.where(left >= 0, ", "np.where(left >= -1, ", check_incomes),
    ("(day < payday(", "(day <= payday(", check_incomes),
    ("month % 12 + 1, 1)", "month % 12 + 1, 2)", check_incomes),
    ("line_usd * np.sqrt(size)", "line_usd * size", check_poverty),
    ("- support * full", "- 0 * full", check_poverty),
    ("np.sqrt(2.0)", "np.sqrt(1.0)", check_poverty),
    (
        "np.log(missing[employed] / full[employed])",
        "np.log(full[employed] / missing[employed])",
        check_poverty,
    ),
    ("1.0, 0.0)\n    employed", "1.0, 1.0)\n    employed", check_poverty),
    ("MEDIAN_SHARE = 0.6", "MEDIAN_SHARE = 0.5", check_relative),
    ("middles = (1.0 + support) / np.sqrt(size)", "middles = (1.0 + support) / size", check_relative),
    ("middle * np.sqrt(size) - support", "middle * np.sqrt(size) + support", check_relative),
    ("< 0.5 * float(weights.sum())", "< 0.4 * float(weights.sum())", check_relative),
    ("national_median(float(wage), ", "national_median(1.0, ", check_relative),
    (
        "world.codes, world.outside_wage_usd, world.gini, world.group",
        "world.codes, world.outside_wage_usd, world.gini, world.group[::-1]",
        check_relative,
    ),
    ("weights[order]), 0.5", "weights[order]), 0.1", check_relative),
]


@pytest.mark.parametrize(("old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(old: str, new: str, check: Callable[[Any], None]) -> None:
    path = Path(sim.outcomes.roster.__file__)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    module = types.ModuleType("sim.outcomes.roster_with_a_bug")
    sys.modules[module.__name__] = module
    try:
        exec(compile(text.replace(old, new), str(path), "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    with pytest.raises(AssertionError):
        check(module)
