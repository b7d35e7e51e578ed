"""Who did how much of each requester's work: the concentration of campaigns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compile import integer, kernel
from sim.draws import mix

KEY, DONE = 0, 1
"""Columns of the table: requester and worker in one number, and assignments; none where a place is empty."""


@kernel
def add_taken(taken: Any, count: int, table: Any) -> int:
    """Add what workers did of finished batches to a table of (requester, worker); return new entries."""
    mask = len(table) - 1
    entered = integer(0)
    for i in range(count):
        row = taken[i]
        key = integer(row.requester) * 4294967296 + integer(row.worker)
        at = integer(mix(key) & mask)
        while table[at, DONE] != 0 and table[at, KEY] != key:
            at = (at + 1) & mask
        entered += integer(table[at, DONE] == 0)
        table[at, KEY] = key
        table[at, DONE] += integer(row.done)
    return entered


@kernel
def move_table(table: Any, larger: Any) -> None:
    """Enter all of a table into a larger one."""
    mask = len(larger) - 1
    for i in range(len(table)):
        if table[i, DONE] != 0:
            at = integer(mix(table[i, KEY]) & mask)
            while larger[at, DONE] != 0:
                at = (at + 1) & mask
            larger[at, KEY] = table[i, KEY]
            larger[at, DONE] = table[i, DONE]


class Campaigns:
    """Assignments by requester and worker, over all finished batches of the window."""

    def __init__(self, places: int = 1 << 12) -> None:
        self.table = np.zeros((places, 2), np.int64)
        self.entered = 0

    def add(self, taken: Any, count: int) -> None:
        """Add rows (requester, worker, done)."""
        while 2 * (self.entered + count) > len(self.table):
            larger = np.zeros((2 * len(self.table), 2), np.int64)
            move_table(self.table, larger)
            self.table = larger
        if count:
            self.entered += add_taken(taken, count, self.table)

    def top_shares(self, requesters: int) -> NDArray[np.float64]:
        """Share of each requester's assignments done by the top tenth (rounded up) of its workers."""
        key, done = self.table[self.table[:, DONE] != 0].T
        requester = key >> 32
        order = np.lexsort((-done, requester))
        requester, done = requester[order], done[order]
        workers = np.bincount(requester, minlength=requesters)
        first = np.cumsum(workers) - workers
        place = np.arange(len(done)) - first[requester]
        leading = place < (workers[requester] + 9) // 10
        total = np.bincount(requester, weights=done, minlength=requesters)
        top = np.bincount(requester[leading], weights=done[leading], minlength=requesters)
        return np.where(total > 0, top / np.maximum(total, 1), np.nan)
