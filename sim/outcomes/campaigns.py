"""Who did how much of each requester's work: the concentration of campaigns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compile import integer, kernel
from sim.draws import mix

EMPTY = -1


@kernel
def add_taken(taken: Any, count: int, keys: Any, counts: Any) -> int:
    """Add what workers did of finished batches to a table of (requester, worker); return new entries."""
    mask = len(keys) - 1
    entered = integer(0)
    for i in range(count):
        row = taken[i]
        key = integer(row.requester) * 4294967296 + integer(row.worker)
        at = integer(mix(key) & mask)
        while keys[at] != EMPTY and keys[at] != key:
            at = (at + 1) & mask
        if keys[at] == EMPTY:
            keys[at] = key
            entered += 1
        counts[at] += integer(row.done)
    return entered


@kernel
def move_table(keys: Any, counts: Any, new_keys: Any, new_counts: Any) -> None:
    """Enter all of a table into a larger one."""
    mask = len(new_keys) - 1
    for i in range(len(keys)):
        if keys[i] != EMPTY:
            at = integer(mix(keys[i]) & mask)
            while new_keys[at] != EMPTY:
                at = (at + 1) & mask
            new_keys[at] = keys[i]
            new_counts[at] = counts[i]


class Campaigns:
    """Assignments by requester and worker, over all finished batches of the window."""

    def __init__(self, places: int = 1 << 12) -> None:
        self.keys = np.full(places, EMPTY, np.int64)
        self.counts = np.zeros(places, np.int64)
        self.entered = 0

    def add(self, taken: Any, count: int) -> None:
        """Add rows (requester, worker, done)."""
        while 2 * (self.entered + count) > len(self.keys):
            keys = np.full(2 * len(self.keys), EMPTY, np.int64)
            counts = np.zeros(len(keys), np.int64)
            move_table(self.keys, self.counts, keys, counts)
            self.keys, self.counts = keys, counts
        self.entered += add_taken(taken, count, self.keys, self.counts)

    def top_shares(self, requesters: int) -> NDArray[np.float64]:
        """Share of each requester's assignments done by the top tenth (rounded up) of its workers."""
        used = self.keys != EMPTY
        requester, done = self.keys[used] >> 32, self.counts[used]
        order = np.lexsort((-done, requester))
        requester, done = requester[order], done[order]
        workers = np.bincount(requester, minlength=requesters)
        first = np.cumsum(workers) - workers
        place = np.arange(len(done)) - first[requester]
        leading = place < (workers[requester] + 9) // 10
        total = np.bincount(requester, weights=done, minlength=requesters)
        top = np.bincount(requester[leading], weights=done[leading], minlength=requesters)
        return np.where(total > 0, top / np.maximum(total, 1), np.nan)
