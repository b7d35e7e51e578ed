"""Finished batches are kept as they closed: every column, piece after piece, over a checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sim.market.board import FINISHED
from sim.outcomes import finished
from sim.outcomes.frames import COLUMNS
from tests.conftest import Exercised
from tests.support.planting import planted

PARTS = (3_000, 0, 1, 5_000, 16_384, 20_000, 700)
"""Batches that close together: a first piece, one that is full to the last place, one that no piece holds."""


def closed(count: int, first: int) -> Any:
    """Batches of which no two have a number in common, nor any two fields of one."""
    rows = np.zeros(count + 5, FINISHED)
    for place, name in enumerate(FINISHED.names or ()):
        rows[name] = (first + np.arange(count + 5)) * 31 + place
    return rows


def field_of(column: str) -> str:
    return {"reward_microusd": "reward"}.get(column, column)


def check_columns(module: Any = finished) -> int:
    """Add batches, through a checkpoint half-way, hand them over twice; return how many were compared."""
    compared = 0
    kept = module.Finished()
    for _ in range(2):
        rows, platforms, first = [], [], 0
        for number, count in enumerate(PARTS):
            rows.append(closed(count, first)[:count])
            platforms.append(np.full(count, number % 3))
            kept.add(closed(count, first), count, number % 3)
            first += count
            if number == 4:
                state, kept = kept.state().copy(), module.Finished()
                kept.restore(state)
            assert kept.count == first
        pieces = kept.handed_over()
        assert kept.count == 0
        found = {name: np.concatenate([piece[name] for piece in pieces]) for name in module.KEPT}
        given = np.concatenate(rows)
        for name, column in found.items():
            wanted = np.concatenate(platforms) if name == "platform" else given[field_of(name)]
            assert column.dtype == COLUMNS["batches"][name].type or column.dtype == np.int64, name
            np.testing.assert_array_equal(column, wanted.astype(column.dtype), err_msg=name)
            compared += len(column)
    return compared


def test_what_is_handed_over_is_what_closed(exercised: Exercised) -> None:
    assert set(finished.KEPT) == set(COLUMNS["batches"]) - {"requester_country"}
    exercised("numbers of finished batches", check_columns(), 1_900_000)


BUGS = {
    "two columns change places": (
        "numbers[11 * stride + at] = row.t10",
        "numbers[11 * stride + at] = row.t50",
    ),
    "all in one place": ("at = rows[i], first + i", "at = rows[i], first"),
    "the last piece is left behind": ("self.full.append(self._piece())", "pass"),
    "a piece that is full is dropped": (
        "self._end_piece()\n            self._begin",
        "self.in_piece = 0\n            self._begin",
    ),
    "what was handed over comes again": ("self.full, self.count = [], 0", "self.count = 0"),
    "a checkpoint holds the full pieces only": (
        "[*self.full, self.numbers[:, : self.in_piece]]",
        "self.full",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_noticed(bug: str) -> None:
    with pytest.raises((AssertionError, ValueError, IndexError)):
        check_columns(planted(finished, *BUGS[bug]))


def test_a_table_of_them_needs_no_copy() -> None:
    """Columns are handed to Arrow as they lie in memory."""
    kept = finished.Finished()
    kept.add(closed(10, 0), 10, 0)
    column = kept.handed_over()[0]["id"]
    assert pa.array(column).buffers()[1].address == column.ctypes.data
