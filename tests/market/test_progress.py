"""When a batch was a tenth, a half, nine tenths done: by the second at which each task was handed in."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.market import board as boards
from sim.market import review
from tests.conftest import Exercised
from tests.support.checks import stamps
from tests.support.markets import tiny


def events(*works: tuple[int, int, int]) -> tuple[Any, Any]:
    """Events of (start, tasks, seconds for each), in the order in which they ended, and that order."""
    rows = np.zeros(len(works), boards.EVENT)
    for row, (start, done, own) in zip(rows, sorted(works, key=lambda w: w[0] + w[1] * w[2]), strict=True):
        row["start"], row["done"], row["own_seconds"], row["end"] = start, done, own, start + done * own
    return rows.view(np.recarray), np.arange(len(rows), dtype=np.int32)


def seconds_of(*works: tuple[int, int, int]) -> list[int]:
    """The second of every task, one by one."""
    return sorted(start + task * own for start, done, own in works for task in range(1, done + 1))


def test_two_who_work_side_by_side() -> None:
    """Fifty tasks each, from the first second to the last: half is done at half time, not at the end."""
    rows, order = events((0, 50, 72), (0, 50, 72))
    assert [review.second_of(rows, order, 0, 2, needed, 100) for needed in (10, 50, 90, 100)] == [
        360, 1800, 3240, 3600,
    ]  # fmt: skip


def test_every_count_against_a_list(exercised: Exercised) -> None:
    """Any mix of stretches of work, of one task and of many: the k-th second of the sorted list."""
    random, seconds = np.random.default_rng(5), 0
    for _ in range(60):
        works = []
        for _ in range(random.integers(1, 7)):
            own = int(random.integers(1, 500))
            start = int(random.integers(0, 3600 - own))
            works.append((start, int(random.integers(1, (3600 - start) // own + 1)), own))
        rows, order = events(*works)
        expected = seconds_of(*works)
        for needed in {1, len(expected), *random.integers(1, len(expected) + 1, 5).tolist()}:
            assert review.second_of(rows, order, 0, len(rows), needed, len(expected)) == expected[needed - 1]
            seconds += 1
    exercised("seconds", seconds, 150)


def test_a_return_hands_in_nothing() -> None:
    """The task that was given back counts for no share of the batch."""
    rows, _ = events((0, 10, 60))
    rows = np.concatenate([rows, np.zeros(1, boards.EVENT)]).view(np.recarray)
    rows[1]["kind"], rows[1]["end"], rows[1]["own_seconds"] = boards.RETURN, 900, 300
    assert review.second_of(rows, np.arange(2, dtype=np.int32), 0, 2, 10, 10) == 600


def test_batches_of_a_market_tell_the_seconds_of_their_tasks(exercised: Exercised) -> None:
    """A whole market, by hand from its log of work: every stamp and the seconds waited of every batch."""
    for what, count in stamps(tiny(days=6, workers=60, requesters=6)).items():
        exercised(what, count, 10)
