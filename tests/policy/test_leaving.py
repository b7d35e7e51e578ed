"""Whom a platform keeps, against every choice it has; and how it leaves in a market."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from sim.policy import leaving
from sim.policy.leaving import EVERYBODY, NOBODY, given_up
from tests.conftest import Exercised
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
