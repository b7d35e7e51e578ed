"""Pairs of runs that must agree to the bit, over generated markets.

The relations are in ``tests.support.relations``; each is shown to notice a planted bug by
``tests/invariants/test_planted.py``. A failure names the number of the market that shows it.

The unit of money means nothing: amounts, ticks and thresholds times 16 leave every event as it was, and
multiply every balance, flow, pay target and learned pay by exactly 16, since a power of two changes no digit
of a float and all fees here come out whole. What is *not* exact by nature are the logarithms in which workers
compare pay: log 16 x is not log 16 + log x to the last bit, and reservation wages are kept in single
precision. Whoever is within a millionth of indifference may decide otherwise, in less than one of a million
looks. The markets below hold no such look; one that did would be a finding about that market and not a bug.

Who is charged by law means nothing either, once prices are posted anew: a charge of 100 % on requesters and
one of 50 % on workers leave the same work, the same net pay and the same spending, while pay is revised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sim.config import Config
from tests.conftest import Exercised
from tests.support import relations
from tests.support.markets import varied

AT_NIGHT = 300


def added(
    relation: Callable[[Config], Counter[str]], numbers: range, days: int, **sizes: Any
) -> Counter[str]:
    """Hold a relation against markets by their numbers; return all that was compared."""
    counts: Counter[str] = Counter()
    for number in numbers:
        try:
            counts += relation(varied(number, days=days, **sizes))
        except AssertionError as fault:
            raise AssertionError(f"market {number}: {fault}") from fault
    return counts


# Relation, days, number of markets, and the least number of events, rows or settings compared.
SAMPLE = {
    "idle_worker": (9, 12, ("events", 8_000)),
    "idle_requester": (9, 12, ("events", 8_000)),
    "empty_country": (9, 12, ("events", 8_000)),
    "untouched_world": (16, 12, ("events", 8_000)),
    "union": (9, 12, ("rows", 6_000)),
    "permutation": (15, 12, ("events", 16_000)),
    "scaled_money": (9, 12, ("events", 6_000)),
    "shifted_weeks": (9, 12, ("events", 8_000)),
    "shifted_clocks": (9, 12, ("events", 8_000)),
    "renamed_zones": (9, 12, ("events", 8_000)),
    "null_settings": (3, 12, ("settings", 60)),
    "no_fees": (3, 12, ("events", 3_000)),
    "statutory_incidence": (9, 12, ("events", 16_000)),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_relation(name: str, exercised: Exercised) -> None:
    """A fixed sample of markets, another for each relation."""
    days, markets, (what, least) = SAMPLE[name]
    first = 1000 * list(SAMPLE).index(name)
    counts = added(relations.RELATIONS[name], range(first, first + markets), days)
    exercised("markets", markets, 12, nightly=AT_NIGHT)
    exercised(what, counts[what], least)


@pytest.mark.nightly
@pytest.mark.parametrize("name", SAMPLE)
def test_relation_at_night(name: str, exercised: Exercised) -> None:
    """Three hundred markets for each relation."""
    days, _, (what, least) = SAMPLE[name]
    first = 1000 * list(SAMPLE).index(name)
    counts = added(relations.RELATIONS[name], range(first, first + AT_NIGHT), days)
    exercised(what, counts[what], 20 * least)


@pytest.mark.parametrize("number", range(3))
def test_every_order_of_storage(number: int, exercised: Exercised) -> None:
    """Rows mean nothing: several orders of storage of one market with weeks, joiners and several boards."""
    config = varied(7100 + number, days=9)
    counts = sum((relations.permutation(config, order) for order in range(2, 5)), Counter())
    exercised("events", counts["events"], 150)


@pytest.mark.nightly
def test_fifty_orders_of_storage(exercised: Exercised) -> None:
    """Rows mean nothing: fifty orders of storage of a market of some hundred workers."""
    config = varied(7200, days=22, workers=300, requesters=20)
    counts = sum((relations.permutation(config, order) for order in range(50)), Counter())
    exercised("events", counts["events"], 100_000)
