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
"""Batches of the first piece of memory, and of those after it.

Larger pieces would come in large pages. Where a system must find those first, they cost more than they save
columns that are written once.
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

    numbers: NDArray[np.int64]
    reals: NDArray[np.float64]

    def __init__(self) -> None:
        self.full: list[NDArray[np.int64]] = []
        self.count = self.in_piece = 0
        self._begin_piece(FEW)

    def add(self, rows: Records, count: int, platform: int, write: Callable[..., Any] | None = None) -> None:
        """Add the first rows, which closed on a platform; ``write`` is how `write_columns` is called."""
        if self.in_piece + count > self.numbers.shape[1]:
            self._end_piece()
            self._begin_piece(max(MANY, count))
        (write or write_columns)(rows, count, platform, self.in_piece, self.numbers, self.reals)
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
        return np.concatenate([*self.full, self.numbers[:, : self.in_piece]], axis=1)

    def restore(self, state: NDArray[np.int64]) -> None:
        """Take over what a checkpoint holds."""
        self.full, self.count = [state], state.shape[1]

    def _begin_piece(self, room: int) -> None:
        memory = np.empty(len(KEPT) * (room + APART), np.int64)
        self.numbers = memory.reshape(len(KEPT), -1)[:, :room]
        self.reals = self.numbers[KEPT.index(REAL)].view(np.float64)

    def _end_piece(self) -> None:
        if self.in_piece:
            self.full.append(self.numbers[:, : self.in_piece])
        self.in_piece = 0


@kernel
def write_columns(rows: Any, count: int, platform: int, first: int, numbers: Any, reals: Any) -> None:
    """Write finished batches of a platform to places ``first`` on of the columns `KEPT`."""
    for i in range(count):
        row, at = rows[i], first + i
        numbers[0, at] = row.id
        numbers[1, at] = row.requester
        numbers[2, at] = platform
        numbers[3, at] = row.type
        numbers[4, at] = row.reward
        numbers[5, at] = row.true_seconds
        numbers[6, at] = row.estimated_seconds
        numbers[7, at] = row.tasks
        numbers[8, at] = row.assignments_per_task
        numbers[9, at] = row.posted_hour
        numbers[10, at] = row.first_start
        numbers[11, at] = row.t10
        numbers[12, at] = row.t50
        numbers[13, at] = row.t90
        numbers[14, at] = row.t100
        numbers[15, at] = row.closed_hour
        numbers[16, at] = row.accepted
        numbers[17, at] = row.rejected
        numbers[18, at] = row.expired
        numbers[19, at] = row.workers
        reals[at] = real(row.top_decile_share)
        numbers[21, at] = integer(row.arm)
