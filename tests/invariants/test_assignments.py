"""Every assignment is somewhere, nobody does a task twice, and waiting adds up.

Little's law is an identity here: the assignments waiting on the boards, integrated over time, are the sum of
the times that each waited, exactly. It holds in seconds (from the end of the work, by the stamps of the
batches) and in whole hours (from the hour of posting to the hour of work or expiry). An assignment waits from
the first second of the hour of posting until the second in which it is handed in; one that expires leaves at
the start of the hour in which its batch is taken off the board.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Exercised
from tests.support.checks import assignments, debug_mode, little
from tests.support.markets import varied


def added(counts: list[Counter[str]]) -> Counter[str]:
    """Return the counts of several markets together."""
    return sum(counts, Counter())


def test_every_assignment_is_somewhere(exercised: Exercised) -> None:
    """By the events: posted is accepted, rejected, expired or open; returned work is not done again."""
    counts = added([assignments(varied(number)) for number in range(200, 208)])
    exercised("assignments", counts["assignments"], 200_000)
    exercised("batches closed", counts["finished batches"], 2_000)
    exercised("expired assignments", counts["expired assignments"], 50_000)
    exercised("returned tasks", counts["returned tasks"], 10)


def test_every_hour_from_inside(exercised: Exercised) -> None:
    """By debug mode: counts of every batch, orders, takers, and who may do what, every hour."""
    counts = added([debug_mode(varied(number, days=8)) for number in range(220, 232)])
    exercised("batches in an hour", counts["batch-hours"], 100_000)
    exercised("events", counts["events"], 5_000)


@pytest.mark.nightly
def test_every_hour_of_many_markets(exercised: Exercised) -> None:
    """Every assignment is somewhere in 300 varied markets, at night."""
    counts = added([assignments(varied(number, days=8)) for number in range(1000, 1300)])
    counts += added(
        [debug_mode(varied(number, days=16, workers=300, requesters=20)) for number in range(1000, 1100)]
    )
    exercised("events", counts["events"], 500_000)


def test_littles_law(exercised: Exercised) -> None:
    """Waiting adds up, in whole numbers, over ten varied markets."""
    counts = added([little(varied(number, days=6)) for number in range(240, 250)])
    exercised("assignments that stopped waiting", counts["assignments"], 200_000, nightly=10**7)
    exercised("of these expired", counts["expired"], 50_000)


@pytest.mark.nightly
def test_littles_law_at_night(exercised: Exercised) -> None:
    """Waiting adds up in larger markets."""
    counts = added(
        [little(varied(number, days=21, workers=500, requesters=20)) for number in range(240, 300)]
    )
    exercised("assignments that stopped waiting", counts["assignments"], 10**7)
