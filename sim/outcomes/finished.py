"""Finished batches as columns of numbers, until they are handed over for a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import Records
from sim.compile import integer, kernel, real
from sim.outcomes.frames import COLUMNS

FEW, MANY = 1 << 12, 1 << 14
"""Batches that the first piece of memory has room for, and those after it.

Larger pieces would lie in large pages, which many a system must put together first: that takes longer than
small pages take, and columns that are written once and read once never make up for it.
"""

APART = 72
"""Numbers between two columns: a power of two apart, all would compete for the same lines of the cache."""

KEPT = tuple(name for name in COLUMNS["batches"] if name != "requester_country")
"""Columns in the order in which `write_columns` writes them; platforms and types by number."""

REAL = "top_decile_share"
"""The one column that is float64."""


class Finished:
    """Finished batches in the order in which they closed.

    Attributes
    ----------
    count
        How many there are.
    """

    memory: NDArray[np.int64]

    def __init__(self) -> None:
        self.full: list[NDArray[np.int64]] = []
        self.count = self.in_piece = 0
        self._begin_piece(FEW)

    def add(self, rows: Records, count: int, platform: int, write: Callable[..., Any] | None = None) -> None:
        """Add the first rows, which closed on a platform; ``write`` is how `write_columns` is called."""
        if self.in_piece + count > self.room:
            self._end_piece()
            self._begin_piece(max(MANY, count))
        reals = self.memory.view(np.float64)
        (write or write_columns)(rows, count, platform, self.in_piece, self.room + APART, self.memory, reals)
        self.in_piece += count
        self.count += count

    def handed_over(self) -> list[dict[str, NDArray[Any]]]:
        """Return all as columns (int64, one float64) by name, piece by piece, and begin anew."""
        self._end_piece()
        pieces = [dict(zip(KEPT, piece, strict=True)) for piece in self.full]
        for piece in pieces:
            piece[REAL] = piece[REAL].view(np.float64)
        self.full, self.count = [], 0
        self._begin_piece(FEW)
        return pieces

    def state(self) -> NDArray[np.int64]:
        """Return what a checkpoint must hold: int64 (columns, batches), the float by its bits."""
        return np.concatenate([*self.full, self._piece()], axis=1)

    def restore(self, state: NDArray[np.int64]) -> None:
        """Take over what a checkpoint holds."""
        self.full, self.count = [state], state.shape[1]
        self.in_piece = 0

    def _begin_piece(self, room: int) -> None:
        self.room = room
        self.memory = np.empty(len(KEPT) * (room + APART), np.int64)

    def _piece(self) -> NDArray[np.int64]:
        """Return the piece that is being filled, as far as it is: int64 (columns, batches)."""
        return self.memory.reshape(len(KEPT), -1)[:, : self.in_piece]

    def _end_piece(self) -> None:
        if self.in_piece:
            self.full.append(self._piece())
        self.in_piece = 0


@kernel
def write_columns(
    rows: Any, count: int, platform: int, first: int, stride: int, numbers: Any, reals: Any
) -> None:
    """Write finished batches of a platform to places ``first`` on of the columns `KEPT`, ``stride`` apart.

    Memory is handed over as one row: in a copy it lies as it did, which a part of a matrix would not.
    """
    for i in range(count):
        row, at = rows[i], first + i
        numbers[at] = row.id
        numbers[stride + at] = row.requester
        numbers[2 * stride + at] = platform
        numbers[3 * stride + at] = row.type
        numbers[4 * stride + at] = row.reward
        numbers[5 * stride + at] = row.true_seconds
        numbers[6 * stride + at] = row.estimated_seconds
        numbers[7 * stride + at] = row.tasks
        numbers[8 * stride + at] = row.assignments_per_task
        numbers[9 * stride + at] = row.posted_hour
        numbers[10 * stride + at] = row.first_start
        numbers[11 * stride + at] = row.t10
        numbers[12 * stride + at] = row.t50
        numbers[13 * stride + at] = row.t90
        numbers[14 * stride + at] = row.t100
        numbers[15 * stride + at] = row.closed_hour
        numbers[16 * stride + at] = row.accepted
        numbers[17 * stride + at] = row.rejected
        numbers[18 * stride + at] = row.expired
        numbers[19 * stride + at] = row.workers
        reals[20 * stride + at] = real(row.top_decile_share)
        numbers[21 * stride + at] = integer(row.arm)
