"""Verdicts: every statement of every experiment can hold and can fail; words follow the numbers."""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments import ALL, laffer, tax_scenarios
from experiments.asking import Asked, ask
from experiments.outcomes import Outcomes
from experiments.verdict import (
    ABOVE,
    BELOW,
    FAILS,
    HOLDS,
    UNDECIDED,
    Finding,
    answer,
    crossing,
    finding,
    table_of,
    verdict,
    within,
)
from tests.conftest import Exercised

CASES = (
    (1.0, 2.0, 0.5, ABOVE, HOLDS),
    (1.0, 2.0, 2.5, ABOVE, FAILS),
    (1.0, 2.0, 1.5, ABOVE, UNDECIDED),
    (1.0, 2.0, 0.5, BELOW, FAILS),
    (1.0, 2.0, 2.5, BELOW, HOLDS),
    (1.0, 2.0, 1.5, BELOW, UNDECIDED),
    (1.0, 2.0, 1.0, ABOVE, UNDECIDED),
    (1.0, 2.0, 2.0, BELOW, UNDECIDED),
    (0.0, 0.0, 0.0, ABOVE, UNDECIDED),
    (math.nan, 2.0, 0.5, ABOVE, UNDECIDED),
    (-math.inf, 2.0, 2.5, BELOW, UNDECIDED),
)
PLANTED: dict[str, Callable[[float, float, float, str], str]] = {
    "always holds": lambda low, high, bound, side: HOLDS,
    "never fails": lambda low, high, bound, side: (
        HOLDS if answer(low, high, bound, side) == HOLDS else UNDECIDED
    ),
    "forgets the side": lambda low, high, bound, side: answer(low, high, bound, ABOVE),
    "takes the mean": lambda low, high, bound, side: (
        HOLDS if ((low + high) / 2 > bound) == (side == ABOVE) else FAILS
    ),
    "lets the bound pass": lambda low, high, bound, side: answer(low + 1e-9, high - 1e-9, bound, side),
}


def wrong(judge: Callable[[float, float, float, str], str]) -> list[tuple[float, float, float, str, str]]:
    """Return the cases that are judged otherwise than they should be."""
    return [case for case in CASES if judge(*case[:4]) != case[4]]


def test_an_interval_on_one_side_decides(exercised: Exercised) -> None:
    assert wrong(answer) == []
    exercised("intervals", len(CASES), at_least=10)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_judge_is_found(name: str) -> None:
    assert wrong(PLANTED[name])


def test_values_that_are_no_numbers_are_left_out() -> None:
    found = finding("C1", "it grows", "here", [2.0, math.nan, 2.2, 2.1], bound=1.0)
    assert (found.seeds, found.answer) == (3, HOLDS)
    assert found.value == pytest.approx(2.1)
    assert finding("C1", "it grows", "here", [2.0], bound=1.0).answer == UNDECIDED
    assert finding("C1", "it grows", "here", [], bound=1.0).answer == UNDECIDED


def mean_of_sizes(
    claim: str, statement: str, where: str, values: NDArray[np.float64], bound: float
) -> Finding:
    return finding(claim, statement, where, np.abs(values), BELOW, bound)


def mistaken(size: Callable[..., Finding]) -> list[str]:
    """Return how a change of a size other than it is found to be."""
    noise = np.random.default_rng(1).normal(0.0, 5.0, 400)
    cases = (
        ("nothing but noise", noise - noise.mean(), {HOLDS, UNDECIDED}),
        ("little", np.array([0.4, 0.5, 0.6]), {HOLDS}),
        ("much up", np.array([4.0, 5.0, 6.0]), {FAILS}),
        ("much down", np.array([-4.0, -5.0, -6.0]), {FAILS}),
        ("about the bound", np.array([0.5, 1.0, 1.5]), {UNDECIDED}),
        ("one seed", np.array([0.1]), {UNDECIDED}),
    )
    return [
        name
        for name, values, right in cases
        if size("C11", "within 1 %", "here", values, 1.0).answer not in right
    ]


def test_luck_is_no_change() -> None:
    assert mistaken(within) == []
    assert mistaken(mean_of_sizes) == ["nothing but noise"]


def test_half_and_twice_are_of_the_defaults() -> None:
    configs = ask("baseline", ["size=small"]).configs
    shares = {name: config.requesters.demand_share for name, config in configs.items()}
    usual = shares["as assumed"]
    assert shares == pytest.approx(
        {"as assumed": usual, "half the demand": usual / 2, "twice the demand": 2 * usual}
    )


def test_peaks_are_compared_only_where_either_can_lie_above() -> None:
    asked = ask("laffer", ["size=medium"])
    compared = [one for one in laffer.judge(Invented(asked, 1)) if "mechanical" in one.statement]
    assert [one.where for one in compared] == ["usage tax"]
    config, rates = next(iter(asked.configs.values())), [0.3, 2.0, 8.0, 16.0, 32.0]
    at, alone = laffer.mechanical("usage tax", config)
    assert laffer.read_off("usage tax", config, rates) > 1.2 * at[np.argmax(alone)], "few rates move a top"
    assert compared[0].bound == laffer.read_off("usage tax", config, rates)


@pytest.mark.parametrize(("name", "told"), [("ai_rebound", "drift taken off"), ("replacement", "alone")])
def test_a_market_that_drifts_by_itself_adds_nothing(name: str, told: str) -> None:
    """Hours grow threefold with and without more intelligence; stock and automation alone keep them."""

    class Drifting(Invented):
        def of(self, scenario: str, metric: str, group: str = "world") -> NDArray[np.float64]:
            usual = {"ai_human_hours_growth": 3.0, "ai_market_effect": 3.0, "ai_analytic_growth": 1.0,
                     "ai_stock_growth": 2.0, "click_hours_per_outside_hour": 5.0}  # fmt: skip
            return np.full(SEEDS, usual.get(metric, 1.0)) * (1.0 + 1e-4 * np.arange(SEEDS))

    script = importlib.import_module(f"experiments.{name}")
    found = script.judge(Drifting(ask(name, ["size=small"]), 1))
    findings = [one for one in found if told in one.statement and "no finding" not in one.statement]
    assert findings
    assert {one.answer for one in findings} == {UNDECIDED}


def test_words_name_where_it_holds_and_where_it_fails() -> None:
    findings = [
        finding("C1", "it grows", "fast", [2.0, 2.1, 2.2], bound=1.0),
        finding("C1", "it grows", "slow", [0.2, 0.3, 0.25], bound=1.0),
        finding("C1", "it grows", "perhaps", [0.2, 3.0, 1.0], bound=1.0),
        finding("C2", "it falls", "fast", [2.0, 2.1, 2.2], BELOW, 1.0),
    ]
    first, second = verdict(findings)
    assert first.startswith("C1: it grows: holds for fast (2.1 [")
    assert "; fails for slow (0.25 [" in first
    assert "; undecided for perhaps (" in first
    assert second.startswith("C2: it falls: fails (2.1 [")
    assert list(table_of(findings)["answer"]) == [HOLDS, FAILS, UNDECIDED, FAILS]


def test_a_curve_crosses_a_bound_between_places() -> None:
    curves = np.array([[0.0, -4.0, -8.0], [0.0, -2.0, -10.0]])
    at, low, high = crossing([1.0, 10.0, 100.0], curves, -5.0)
    assert at == pytest.approx(10.0 + 90.0 * 2.0 / 6.0)
    assert low <= at <= high
    assert crossing([1.0, 10.0], curves[:, :2], -5.0)[0] == math.inf
    assert crossing([1.0, 10.0], curves[:, :2] - 9.0, -5.0)[0] == 1.0


def test_a_fall_of_revenue_before_the_highest_rate_is_told() -> None:
    """A tax with a first top, a fall and more than ever; one that only rises; one that falls for good."""
    rates = [0.1, 0.3, 0.5, 0.8, 1.0]
    (told,) = laffer.falls_before("profit tax", rates, np.array([25.0, 46.0, 28.0, 45.0, 56.0]), "share")
    assert "falls from 46 to 28 USD between 0.3 and 0.5" in told
    assert laffer.falls_before("profit tax", rates, np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "share") == []
    assert laffer.falls_before("profit tax", rates, np.array([1.0, 2.0, 3.0, 2.0, 1.0]), "share") == []


class Taxed(Outcomes):
    """Taxes that lose little at the revenue of the turnover tax; one on profit loses much at its rates."""

    def __init__(self, asked: Asked) -> None:
        self.points, self.configs, self.scenarios = asked.points, asked.configs, list(asked.configs)
        self.seeds, self.groups = list(range(SEEDS)), ["world", "north", "south"]
        matched = {one: {"static_usd": 100.0, "feasible": True, "reason": ""} for one in asked.configs}
        self.budgets = {kind: {"scenarios": matched} for kind in asked.matched}

    def of(self, scenario: str, metric: str, group: str = "world") -> NDArray[np.float64]:
        """Return revenue: 97 of 100 on users, 96 of 100 on profit, at the statutory rates 240 of 400."""
        equal = scenario.startswith(("static: ", "realised: "))
        revenue = (
            97.0 if "usage" in scenario else 96.0 if equal else 400.0 if "no shifting" in scenario else 240.0
        )
        usual = {"tax_revenue": revenue, "profit_tax_revenue": revenue, "countries_given_up": 3.0,
                 "profit_tax_without_shifting": 100.0 if equal else 400.0,
                 "tax_per_resident_month": 0.5 if group == "north" else 0.25,
                 "transfer_per_head_month": 0.4 if group == "north" else 0.2}  # fmt: skip
        return np.full(SEEDS, usual.get(metric, 1.0)) * (1.0 + 1e-6 * np.arange(SEEDS))


def test_taxes_on_users_and_profit_are_compared_at_equal_revenue_too() -> None:
    found = tax_scenarios.judge(Taxed(ask("tax_scenarios", ["size=small"])))
    flat = [one for one in found if "smaller part" in one.statement and one.where.startswith("usage, flat")]
    assert {one.where.partition(" (")[2]: round(one.value, 3) for one in flat} == {
        "profit at statutory rates)": 0.37,
        "profit at equal static revenue)": 0.01,
    }


def test_notes_say_where_platforms_leave_and_who_pays() -> None:
    notes = " ".join(tax_scenarios.notes(Taxed(ask("tax_scenarios", ["size=small"]))))
    assert "Countries that platforms gave up at the usual rates" in notes
    assert "usage, flat: 3;" in notes
    assert "brings 2.4 times that" in notes
    for pool in ("national", "global"):
        assert f"pool {pool}: profit: taken 0.5 and 0.25, paid 0.4 and 0.2;" in notes


# ---------------------------------------------------------------- no statement is bound to come out one way

SEEDS = 3


class Invented(Outcomes):
    """Outcomes that were never simulated: numbers drawn by their names, nearly the same in each seed."""

    def __init__(self, asked: Asked, variant: int) -> None:
        self.points, self.configs, self.scenarios = asked.points, asked.configs, list(asked.configs)
        self.seeds, self.variant, self.groups = list(range(SEEDS)), variant, ["world", "north", "south"]
        budgets = {
            scenario: {"static_usd": 1.0, "feasible": True, "reason": ""} for scenario in asked.configs
        }
        self.budgets = {kind: {"scenarios": budgets} for kind in asked.matched}
        self.scenarios += [f"{kind}: {one}" for kind, names in asked.matched.items() for one in names]

    def of(self, scenario: str, metric: str, group: str = "world") -> NDArray[np.float64]:
        """Return values for a name; in every fifth variant scenarios make no difference."""
        where = "" if self.variant % 5 == 0 else scenario
        draws = random.Random(f"{self.variant} {where} {metric} {group}")
        value = draws.lognormvariate(0.0, 2.5) * draws.choice((1, 1, 1, 1, -1))
        return np.full(SEEDS, value) * (1.0 + 1e-4 * np.arange(SEEDS))


def answers(judge: Callable[[Outcomes], list[Finding]], name: str, variants: int) -> dict[str, set[str]]:
    """Return all answers that each statement was given in invented outcomes."""
    found: dict[str, set[str]] = {}
    asked = ask(name, ["size=small"])
    for variant in range(variants):
        for one in judge(Invented(asked, variant)):
            found.setdefault(one.statement, set()).add(one.answer)
    return found


def one_sided(found: dict[str, set[str]]) -> list[str]:
    """Return the statements that never hold, or never fail."""
    return [statement for statement, given in found.items() if not {HOLDS, FAILS} <= given]


@pytest.mark.parametrize("name", ALL)
def test_every_statement_can_come_out_either_way(name: str, exercised: Exercised) -> None:
    found = answers(importlib.import_module(f"experiments.{name}").judge, name, 60)
    assert one_sided(found) == []
    exercised("statements that held and failed", len(found), at_least=3)


def test_a_statement_that_can_only_hold_is_found() -> None:
    def flattering(found: Outcomes) -> list[Finding]:
        return [finding("C1", "it grows", "here", np.abs(found.of("as assumed", "pay")), bound=-1.0)]

    assert one_sided(answers(flattering, "baseline", 20)) == ["it grows"]
