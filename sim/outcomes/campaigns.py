"""Who did how much of each requester's work: the concentration of campaigns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import aligned_zeros, records
from sim.compile import fetch, index, integer, kernel, rule
from sim.draws import mix
from sim.market.board import turn_ahead

PART = records([("key", "i8"), ("done", "i8")])
"""Requester and worker in one number, and assignments; none where a place of the table is empty."""


@rule
def home_of(key: int, mask: int) -> int:
    """Place in the table at which one begins to look for a key."""
    return integer(mix(key) & mask)


@rule
def key_of(row: Any) -> int:
    """Requester and worker in one number."""
    return integer(row.requester) * 4294967296 + integer(row.worker)


@kernel
def add_taken(taken: Any, count: int, table: Any) -> int:
    """Add what workers did of finished batches to a table of (requester, worker); return new entries."""
    mask = len(table) - 1
    entered = integer(0)
    for i in range(min(count, turn_ahead(0, count))):
        fetch(table, index(home_of(key_of(taken[i]), mask)))
    for i in range(count):
        fetch(table, index(home_of(key_of(taken[turn_ahead(i, count)]), mask)))
        row = taken[i]
        key = key_of(row)
        at = home_of(key, mask)
        while table[at].done != 0 and table[at].key != key:
            at = (at + 1) & mask
        part = table[at]
        entered += integer(part.done == 0)
        part.key = key
        part.done += integer(row.done)
    return entered


@kernel
def move_table(table: Any, larger: Any) -> None:
    """Enter all of a table into a larger one."""
    mask = len(larger) - 1
    count = len(table)
    for i in range(count):
        fetch(larger, index(home_of(integer(table[turn_ahead(i, count)].key), mask)))
        part = table[i]
        if part.done != 0:
            at = home_of(integer(part.key), mask)
            while larger[at].done != 0:
                at = (at + 1) & mask
            larger[at] = part


class Campaigns:
    """Assignments by requester and worker, over all finished batches of the window."""

    def __init__(self, places: int = 1 << 12) -> None:
        self.table = aligned_zeros(places, PART)
        self.entered = 0

    def add(self, taken: Any, count: int, add: Callable[..., int] = add_taken) -> None:
        """Add rows (requester, worker, done); ``add`` is how `add_taken` is called."""
        while 2 * (self.entered + count) > len(self.table):
            larger = aligned_zeros(2 * len(self.table), PART)
            move_table(self.table, larger)
            self.table = larger
        if count:
            self.entered += add(taken, count, self.table)

    def top_shares(self, requesters: int) -> NDArray[np.float64]:
        """Share of each requester's assignments done by the top tenth (rounded up) of its workers."""
        parts = self.table[self.table["done"] != 0]
        key, done = parts["key"], parts["done"]
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
