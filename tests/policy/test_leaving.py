"""Whom a platform keeps, against every choice it has; and how it leaves in a market."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from sim.policy import leaving
from sim.policy.leaving import EVERYBODY, NOBODY, given_up
from tests.conftest import Exercised
from tests.support import leaving as markets
from tests.support import policies
from tests.support.checks import FAULTS
from tests.support.markets import tiny
from tests.support.plants import Plant, planted

COUNTRIES = 3


def profit(serves: tuple[int, ...], brings: Any, burden: dict[int, list[int]]) -> int:
    """What a platform is left with, pair by pair and country by country."""
    left = -sum(burden[c][who] for c, who in enumerate(serves))
    for buyer, seller in product(range(COUNTRIES), repeat=2):
        if serves[buyer] & leaving.CUSTOMERS and serves[seller] & leaving.WORKERS:
            left += int(brings[buyer, seller])
    return left


def drawn(number: int) -> tuple[Any, dict[int, list[int]]]:
    """Return what work brings and what users cost, somewhere near the point where both are equal."""
    draw = np.random.Generator(np.random.PCG64(number))
    brings = draw.integers(0, 30, (COUNTRIES, COUNTRIES)) * (draw.random((COUNTRIES, COUNTRIES)) < 0.6)
    burden = {}
    for country in range(COUNTRIES):
        workers, customers = (int(one) for one in draw.integers(0, 35, 2))
        burden[country] = [0, workers, customers, workers + customers]
    return brings.astype(object), burden


def choices() -> dict[str, int]:
    """Hold what is given up against all that could be."""
    counts = {"cases": 0, "stay": 0, "some go": 0, "all go": 0, "best of all": 0}
    nothing = np.zeros((COUNTRIES, COUNTRIES), object)
    for number in range(400):
        brings, burden = drawn(number)
        gone = given_up(brings, nothing, burden)
        serves = tuple(gone.get(c, EVERYBODY) for c in range(COUNTRIES))
        options = {one: profit(one, brings, burden) for one in product(range(4), repeat=COUNTRIES)}
        best, everybody = max(options.values()), (EVERYBODY,) * COUNTRIES
        assert options[serves] >= options[everybody], "worse off than by staying"
        assert options[serves] >= 0, "a loss that leaving would end"
        if options[everybody] == best:
            assert not gone, "left what was best"
        counts["cases"] += 1
        counts["best of all"] += options[serves] == best
        counts["stay" if not gone else "all go" if set(serves) == {NOBODY} else "some go"] += 1
    return counts


def test_what_is_given_up_against_all_choices(exercised: Exercised) -> None:
    counts = choices()
    for kind in ("stay", "some go", "all go"):
        exercised(kind, counts[kind], 20)
    exercised("best of all choices", counts["best of all"], 360)


@pytest.mark.parametrize(
    ("platform", "country", "seed", "sides"),
    [
        ("jobs", "ASI", 1, ("workers", "customers")),
        ("clicks", "ASI", 1, ("workers",)),
        ("microwork", "ASI", 1, ("workers", "customers")),
        ("microwork", "AFR", 7, ("customers",)),
    ],
)
def test_breaking_even(
    platform: str, country: str, seed: int, sides: tuple[str, ...], exercised: Exercised
) -> None:
    """A ten-thousandth below the rate a platform stays, above it leaves; a quarter is passed on."""
    counts = markets.oracle(platform, country, 0.25, seed)
    exercised("events", counts["events"], 10_000)
    for side in sides:
        exercised(f"{side} gone", counts[f"{side} gone"], 1)


def test_a_social_platform_breaks_even(exercised: Exercised) -> None:
    exercised("users", markets.social_oracle()["users"], 1_000)


def test_requesters_move(exercised: Exercised) -> None:
    exercised("moved", markets.homes()["moved"], 2)


def test_cooperatives_vote(exercised: Exercised) -> None:
    exercised("cases", markets.cooperatives()["cases"], 4)


def test_resumed_before_a_country_is_left(exercised: Exercised) -> None:
    restarts = policies.resumed(markets.LEAVING, [policies.FEBRUARY - 100, policies.FEBRUARY + 1])["restarts"]
    exercised("restarts", restarts, 2)


def of_jobs() -> Any:
    return markets.oracle("jobs", "ASI", 0.25)


def of_microwork() -> Any:
    return markets.oracle("microwork", "ASI", 0.0)


def resumed() -> Any:
    return policies.resumed(markets.LEAVING, [policies.FEBRUARY - 100])


MODEL, OFFICE, MEMBERS = "sim.model", "sim.policy.office", "sim.policy.members"
PLANTS = [
    (MODEL, "offices.left(p, own, costs,", "offices.left(p, self.own_revenue_of(p), costs,", of_jobs),
    (MODEL, "            self.leave_customers(platform, country)\n", "            pass\n", of_jobs),
    (MODEL, "                self.retire_requester(row)\n", "                pass\n", of_jobs),
    (MODEL, 'rows["platform"][row] = (others & -others)', "_ = (others & -others)", markets.homes),
    (MODEL, "self.offices.month_transactions += handed_in", "pass", of_jobs),
    (MODEL, "members.agreed(self, exits)", "exits", markets.cooperatives),
    (
        OFFICE,
        "trade[rows[i].debit_country, rows[i].credit_country]",
        "trade[rows[i].credit_country, rows[i].credit_country]",
        of_microwork,
    ),
    (
        OFFICE,
        "np.diag(self.month_rewards[platform]) if local",
        "self.month_trade[platform] if local",
        of_jobs,
    ),
    (OFFICE, '    "month_trade",\n', "", resumed),
    (OFFICE, "        self.month_trade[:] = 0\n", "", of_microwork),
]


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = []
    for module, old, new, check in PLANTS:
        try:
            with planted(Plant(module, old, new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, ArithmeticError):
            continue
        missed.append(old)
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(PLANTS), 8)
