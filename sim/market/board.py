"""The task board: open batches of one platform's tile, the orders in which they are shown, escrow.

A platform's board is split into tiles (one up to ``market.workers_per_board`` workers). A tile is a market of
its own for an hour: its workers see its batches only, so tiles run in parallel without touching each other.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import Records, aligned_zeros, grown, put_rows, records
from sim.compile import fetch, index, integer, kernel, real, rule
from sim.draws import mix
from sim.ledger import ESCROW_ROUNDING, REFUND, TRANSFER, write_row
from sim.numeric import both_ppm

RETURNED = 1 << 30
BINS = 256
LAST_BIN = BINS - 1
FIRST_BYTE = 3
"""Lowest byte of a key by which slots are sorted: what differs in lower ones is hashes that hardly differ."""

FEW_SLOTS = 24
"""Slots up to which they are sorted by comparing alone."""

BLOCK = 256
"""Workers who examine a listing together: what is copied for their draws stays in the nearest cache."""

AHEAD = 12
"""Turns of a loop over records in no order by which the next are fetched ahead."""

NEAR = 16
"""Places in an order among which the next of some sorted keys is looked for first."""

SPARE_PLACES, SPARE_SCRATCH, SPARE_ROWS = 1 / 64, 1 / 8, 1.0
"""Room for more than ever before, as a share, when arrays grow: a board's workers on duty, what all boards
share, and a board's other records. What was never used takes no memory (`columns.zeroed`)."""

FEWEST_ROWS = 256
"""Batches, and parts in them, for which a board has room at first."""

LISTING = records(
    [
        ("key", "u8"),
        ("country_mask", "i8"),
        ("log_stated_pay", "f8"),
        ("taken_by", "i8"),
        ("left", "i4"),
        ("shown_left", "i4"),
        ("tasks", "i4"),
        ("true_seconds", "i4"),
        ("approval_tasks", "i4"),
        ("approval_rate", "f4"),
        ("rank_hash", "u4"),
        ("type", "u1"),
        ("skill", "u1"),
        ("tertiary", "u1"),
    ]
)
"""What a search reads of a batch: one cache line. Pay: log USD per hour at speed 1, before worker fees;
``taken_by`` has the bit of everybody who took part (see ``bit_of``); ``shown_left`` is what was left when the
order of the largest was last made."""

BATCH = records(
    [
        ("id", "i8"),
        ("reward", "i8"),
        ("log_true_pay", "f8"),
        ("worth", "f8"),
        ("expected_cost", "f8"),
        ("right", "i8"),
        ("escrow", "i8"),
        ("waited_seconds", "i8"),
        ("requester", "i4"),
        ("first_taker", "i4"),
        ("submitted", "i4"),
        ("accepted", "i4"),
        ("rejected", "i4"),
        ("fee_ppm", "i4"),
        ("posted_hour", "i4"),
        ("expires_hour", "i4"),
        ("assignments", "i4"),
        ("first_start", "i4"),
        ("t10", "i4"),
        ("t50", "i4"),
        ("t90", "i4"),
        ("t100", "i4"),
        ("true_seconds", "i4"),
        ("estimated_seconds", "i4"),
        ("tasks", "i4"),
        ("assignments_per_task", "i4"),
        ("standing", "u4"),
        ("requester_country", "u1"),
        ("type", "u1"),
        ("arm", "u1"),
        ("open", "u1"),
    ]
)
"""A batch on the board. Times: seconds since the start of the run, -1 for never; escrow, and of a task
worth and expected cost: micro-dollars; ``right``: tasks expected to be right, in 1/255; ``standing``: what
counts among the best paid, micro-dollars."""

TAKER = records([("worker", "i4"), ("slot", "i4"), ("done", "i4"), ("next", "i4")])
"""A worker's part in an open batch: assignments done, flagged ``RETURNED`` once a task was given back."""

ACTIVE = records(
    [
        ("id", "i8"),
        ("trust", "f8"),
        ("log_pay", "f8"),
        ("sigma", "f8"),
        ("approval_rate", "f8"),
        ("left", "i4"),
        ("accepted", "i4"),
        ("want", "i4"),
        ("searched", "u2"),
        ("look_seconds", "u2"),
        ("fruitless", "i2"),
        ("patience", "u1"),
        ("country", "u1"),
        ("skill", "u1"),
        ("tertiary", "u1"),
        ("tools", "u1"),
        # the second cache line
        ("log_reservation", "f8"),
        ("log_speed", "f8"),
        ("believed", "f8"),
        ("row", "i4"),
        ("start_hour", "i4"),
        ("minutes", "i4"),
        ("duty", "i4"),
        ("slot", "i4"),
        ("own_seconds", "i4"),
        ("taker", "i4"),
        ("fruitless_hours", "i2"),
        ("served", "u1"),
    ],
    lines=2,
)
"""A worker on duty: the session, and what the present hour's search needs. Seconds are of this hour; what
every look needs stands in the first cache line. ``believed`` is the share of rejections that one who hears of
ratings expects without them, -1 for others; ``tools`` is 1 for who searches with tools."""

EVENT = records(
    [
        ("slot", "i4"),
        ("active", "i4"),
        ("done", "i4"),
        ("own_seconds", "i4"),
        ("start", "i4"),
        ("end", "i4"),
        ("accepted", "i4"),
        ("kind", "u1"),
    ]
)
"""Work on one batch without a break; ``start`` and ``end``: seconds of the hour. ``kind``: WORK or RETURN."""

WORK, RETURN = 0, 1

(
    ACCEPTED,
    REJECTED,
    RETURNS,
    PAY,
    FEE,
    CUT,
    DUTY,
    PAID,
    SEARCH,
    RETURNED_TIME,
    REJECTED_TIME,
    IDLE,
    NIGHT,
    EXPOSURE,
    ON_DUTY,
    WITHHELD,
    TALLIES,
) = range(17)
"""Columns of a board's tally by worker country: tasks, micro-dollars, seconds, workers on duty."""

POSTED, BATCHES, DONE, EXPIRED, SPENT, FEES, DEMANDS = range(7)
"""Columns of a board's tally by requester country: assignments, batches, micro-dollars."""

TAKEN = records([("requester", "i4"), ("worker", "i4"), ("done", "i4")])
"""Assignments that one worker did of one finished batch."""

FINISHED = records(
    [
        ("id", "i8"),
        ("requester", "i4"),
        ("type", "u1"),
        ("arm", "u1"),
        ("reward", "i8"),
        ("true_seconds", "i4"),
        ("estimated_seconds", "i4"),
        ("tasks", "i4"),
        ("assignments_per_task", "i4"),
        ("posted_hour", "i4"),
        ("first_start", "i4"),
        ("t10", "i4"),
        ("t50", "i4"),
        ("t90", "i4"),
        ("t100", "i4"),
        ("closed_hour", "i4"),
        ("accepted", "i4"),
        ("rejected", "i4"),
        ("expired", "i4"),
        ("workers", "i4"),
        ("top_decile_share", "f8"),
        ("waited_seconds", "i8"),
        ("fee", "i8"),
        ("fee_ppm", "i4"),
        ("worth", "f8"),
        ("expected_cost", "f8"),
        ("right", "i8"),
    ]
)
"""What remains of a batch once it left the board."""


@rule
def turn_ahead(i: int, count: int) -> int:
    """Turn of a loop whose record is to be fetched in turn ``i``: some turns later, or the last."""
    return min(i + AHEAD, count - 1)


@rule
def turn_soon(i: int, count: int) -> int:
    """Turn of a loop in which a record is read that was fetched a few turns ago, and leads to another."""
    return min(i + AHEAD // 2, count - 1)


@rule
def taker_home(worker: int, slot: int, mask: int) -> int:
    """Home position of (worker, slot) in the table of takers."""
    return integer(mix(worker * 4294967296 + slot) & mask)


@rule
def bit_of(worker: int) -> int:
    """Bit of a worker's row in ``taken_by``; others share it, but where it is not set nobody took part."""
    return integer(1) << (worker & 63)


@rule
def find_taker(table: Any, takers: Any, worker: int, slot: int) -> int:
    """Return the row of the worker's part in the batch at ``slot``, or -1.

    Rows of closed batches stay in the table until it is rebuilt; they match nobody.
    """
    mask = len(table) - 1
    at = taker_home(worker, slot, mask)
    while table[index(at)] >= 0:
        taker = takers[index(table[index(at)])]
        if taker.worker == worker and taker.slot == slot:
            return integer(table[index(at)])
        at = (at + 1) & mask
    return integer(-1)


(
    OPEN,
    FREE,
    FREE_TAKERS,
    ENTERED,
    EXHAUSTED,
    ACTIVE_COUNT,
    LIVE,
    EVENTS,
    FINISHED_COUNT,
    TAKEN_COUNT,
    ROWS,
    CUT_OFF,
    STATE_SIZE,
) = range(13)
"""Places in a board's ``state``: counts of rows in use in each of its arrays."""


FRONT, NEXT = range(2)
"""Of an order, while a search goes on: how many first places are in use, and the place that comes up next."""


@rule
def rank_key(order: int, left: int, standing: int, posted_hour: int, rank_hash: int) -> int:
    """Sort key of a batch in an order (0 newest, 1 largest, 2 best paid); larger keys are shown first."""
    if order == 0:
        return posted_hour * 4294967296 + rank_hash
    if order == 1:
        return left * 4294967296 + rank_hash
    return standing * 4294967296 + rank_hash


@rule
def key_of(order: int, slot: int, listings: Any, batches: Any) -> int:
    """Return the sort key of the batch at ``slot``, as it was when the orders were last made."""
    listing = listings[index(slot)]
    batch = batches[index(slot)]
    return rank_key(
        order,
        integer(listing.shown_left),
        integer(batch.standing),
        integer(batch.posted_hour),
        integer(listing.rank_hash),
    )


@rule
def stands_after(key: int, slot: int, other_key: int, other: int, batches: Any) -> bool:
    """Whether a batch is shown after another: by falling key, by rising identity where hashes are equal."""
    if key != other_key:
        return key < other_key
    return bool(batches[index(slot)].id > batches[index(other)].id)


@rule
def sort_slots(
    slots: Any, keys: Any, count: int, other_slots: Any, other_keys: Any, bins: Any, batches: Any
) -> None:
    """Sort slots and their keys, which are not negative, by falling key.

    The other two arrays are as long and hold nothing; ``bins`` has a row of zeros for each byte of a key.
    """
    if count > FEW_SLOTS:
        sort_roughly(slots, keys, count, other_slots, other_keys, bins)
    for i in range(1, count):
        slot = integer(slots[index(i)])
        key = integer(keys[index(i)])
        at = integer(i)
        while at > 0 and stands_after(
            integer(keys[index(at - 1)]), integer(slots[index(at - 1)]), key, slot, batches
        ):
            slots[index(at)] = slots[index(at - 1)]
            keys[index(at)] = keys[index(at - 1)]
            at -= 1
        slots[index(at)] = slot
        keys[index(at)] = key


@rule
def sort_roughly(slots: Any, keys: Any, count: int, other_slots: Any, other_keys: Any, bins: Any) -> None:
    """Sort slots and their keys by falling upper bytes of the key: byte by byte, from the lowest of these."""
    for i in range(count):
        key = integer(keys[index(i)])
        for byte in range(FIRST_BYTE, 8):
            bins[index(byte), index(LAST_BIN - (key >> (8 * byte) & LAST_BIN))] += 1
    for byte in range(FIRST_BYTE, 8):
        if bins[index(byte), index(LAST_BIN - (integer(keys[0]) >> (8 * byte) & LAST_BIN))] == count:
            continue
        first = integer(0)
        for bin_ in range(BINS):
            size = integer(bins[index(byte), index(bin_)])
            bins[index(byte), index(bin_)] = first
            first += size
        for i in range(count):
            key = integer(keys[index(i)])
            bin_ = LAST_BIN - (key >> (8 * byte) & LAST_BIN)
            at = integer(bins[index(byte), index(bin_)])
            bins[index(byte), index(bin_)] = at + 1
            other_slots[index(at)] = slots[index(i)]
            other_keys[index(at)] = key
        for i in range(count):
            slots[index(i)] = other_slots[index(i)]
            keys[index(i)] = other_keys[index(i)]
    for byte in range(FIRST_BYTE, 8):
        for bin_ in range(BINS):
            bins[index(byte), index(bin_)] = 0


@rule
def move_eight(array: Any, at: int, to: int) -> None:
    """Move eight elements: all are read before any is written, so that a processor can move them in one."""
    a, b, c, d = array[at], array[at + index(1)], array[at + index(2)], array[at + index(3)]
    e, f, g, h = array[at + index(4)], array[at + index(5)], array[at + index(6)], array[at + index(7)]
    array[to], array[to + index(1)], array[to + index(2)], array[to + index(3)] = a, b, c, d
    array[to + index(4)], array[to + index(5)], array[to + index(6)], array[to + index(7)] = e, f, g, h


@rule
def move_up(array: Any, first: int, last: int, by: int) -> None:
    """Move elements ``first`` to ``last`` of an array some places up, eight at a time."""
    at = index(last)
    shift = index(by)
    for _ in range((last - first) >> 3):
        at -= index(8)
        move_eight(array, at, at + shift)
    while at > index(first):
        at -= index(1)
        array[at + shift] = array[at]


@rule
def move_down(array: Any, first: int, last: int, by: int) -> None:
    """Move elements ``first`` to ``last`` of an array some places down, eight at a time."""
    at = index(first)
    back = index(by)
    for _ in range((last - first) >> 3):
        move_eight(array, at, at - back)
        at += index(8)
    while at < index(last):
        array[at - back] = array[at]
        at += index(1)


@rule
def merge_slots(
    slots: Any, keys: Any, count: int, added: Any, added_keys: Any, more: int, batches: Any
) -> None:
    """Merge ``more`` sorted slots into ``count`` sorted ones, from the back, in place."""
    last = integer(count)
    for new in range(more - 1, -1, -1):
        key = integer(added_keys[new])
        slot = integer(added[new])
        near = integer(NEAR)
        while near < last and keys[index(last - near)] <= key:
            near *= 4
        near = min(near, last)
        first = first_place(keys, last - near, near, key)
        while first < last and not stands_after(
            integer(keys[first]), integer(slots[first]), key, slot, batches
        ):
            first += 1
        move_up(slots, first, last, new + 1)
        move_up(keys, first, last, new + 1)
        slots[index(first) + index(new)] = slot
        keys[index(first) + index(new)] = key
        last = first


@rule
def place_in_group(group: Any, slot: int, at: int) -> tuple[int, int]:
    """Return the place of the next of a batch's group, and where the next group begins, which now is ``at``.

    ``group[0]`` holds the sizes of groups, and zeros when all have places; ``group[1]`` then where each ends.
    """
    size = integer(group[0, slot])
    # The first of a group leaves room for all of it, and nothing more to be left for the others.
    place = at if size > 0 else integer(group[1, slot])
    group[0, slot] = 0
    group[1, slot] = place + 1
    return place, at + size


@rule
def first_place(keys: Any, low: int, length: int, key: int) -> int:
    """Place of a key among ``length`` falling ones from place ``low`` on, or of the first that is smaller."""
    while length > 0:
        half = length >> 1
        # No branch: which way the search goes cannot be foreseen.
        after = integer(keys[index(low + half)] > key)
        low += after * (half + 1)
        length = half - after * (1 - (length & 1))
    return low


@rule
def close_gaps(places: Any, how_many: int, slots: Any, keys: Any, count: int) -> None:
    """Move the elements of one order together over the ``how_many`` places, which rise, that are given up."""
    for i in range(how_many):
        first = integer(places[i]) + 1
        last = integer(places[i + 1]) if i + 1 < how_many else count
        move_down(slots, first, last, i + 1)
        move_down(keys, first, last, i + 1)


@rule
def note_exhausted(how_many: int, orders: Any, places: Any, exhausted: Any, state: Any) -> None:
    """Note the batches at ``places[0]`` of the newest, in this order, as no longer open."""
    for i in range(how_many):
        exhausted[index(state[EXHAUSTED] + i)] = orders[0, index(places[0, index(i)])]
    state[EXHAUSTED] += how_many
    state[OPEN] -= how_many


@rule
def find_all(
    order: int,
    emptied: Any,
    how_many: int,
    orders: Any,
    keys: Any,
    listings: Any,
    batches: Any,
    numbers: Any,
    places: Any,
    count: int,
) -> None:
    """Write the places of the batches in ``emptied`` in one order, which rise, to its row of ``places``."""
    for first in range(0, how_many, BLOCK):
        last = min(first + BLOCK, how_many)
        find_places(
            order, first, last, emptied, orders[order], keys[order], listings, batches, numbers, places, count
        )


@rule
def reach(order: int, deepest: int, orders: Any, keys: Any, gone: Any, fronts: Any) -> None:
    """Let no batch that is ``gone`` stand among the first of an order, down to the place ``deepest``.

    Those behind come up: up to ``fronts[order, FRONT]`` stand none that are gone, and from there to
    ``fronts[order, NEXT]`` nothing else.
    """
    front = integer(fronts[order, FRONT])
    after = integer(fronts[order, NEXT])
    while front <= deepest:
        slot = integer(orders[order, index(after)])
        orders[order, index(after)] = orders[order, index(front)]
        orders[order, index(front)] = slot
        keys[order, index(front)] = keys[order, index(after)]
        front += 1 - integer(gone[index(slot)])
        after += 1
    fronts[order, FRONT] = front
    fronts[order, NEXT] = after


@rule
def close_ranks(order: int, orders: Any, keys: Any, gone: Any, fronts: Any) -> None:
    """Move those that are gone behind the others of an order's front (see `reach`)."""
    kept = integer(0)
    for i in range(integer(fronts[order, FRONT])):
        slot = integer(orders[order, index(i)])
        key = integer(keys[order, index(i)])
        orders[order, index(i)] = orders[order, index(kept)]
        orders[order, index(kept)] = slot
        keys[order, index(kept)] = key
        kept += 1 - integer(gone[index(slot)])
    fronts[order, FRONT] = kept


@rule
def drop_gone(slots: Any, keys: Any, count: int, gone: Any) -> None:
    """Take all that are gone out of an order of ``count`` batches."""
    kept = integer(0)
    for i in range(count):
        slot = integer(slots[index(i)])
        slots[index(kept)] = slot
        keys[index(kept)] = keys[index(i)]
        kept += 1 - integer(gone[index(slot)])


@rule
def find_places(
    order: int,
    first: int,
    last: int,
    emptied: Any,
    slots: Any,
    keys: Any,
    listings: Any,
    batches: Any,
    numbers: Any,
    places: Any,
    count: int,
) -> None:
    """Find a block of batches in an order and sort their places in among those of the ``first`` others.

    All searches take the same steps side by side, several by one instruction, and none waits for another.
    """
    for i in range(last - first):
        numbers[0, index(i)] = key_of(order, integer(emptied[index(first + i)]), listings, batches)
        numbers[1, index(i)] = 0
    length = integer(count)
    while length > 1:
        half = length >> 1
        for i in range(last - first):
            at = integer(numbers[1, index(i)])
            # Whole numbers instead of a branch, since which way a search goes cannot be foreseen.
            smaller = (integer(numbers[0, index(i)]) - integer(keys[index(at + half - 1)])) >> 63 & 1
            numbers[1, index(i)] = at + half * smaller
        length -= half
    for i in range(last - first):
        place, slot = integer(numbers[1, index(i)]), integer(emptied[index(first + i)])
        sort_in(first + i, place, slot, slots, places[order])


@rule
def sort_in(found: int, place: int, slot: int, slots: Any, places: Any) -> None:
    """Sort a batch's place in an order, found from its key, in among ``found`` others."""
    while slots[index(place)] != slot:  # batches with the same hash
        place += 1
    at = found
    while at > 0 and places[index(at - 1)] > place:
        places[index(at)] = places[index(at - 1)]
        at -= 1
    places[index(at)] = place


@kernel
def insert(
    tile: int,
    new_starts: Any,
    new_listings: Any,
    new_batches: Any,
    listings: Any,
    batches: Any,
    expires: Any,
    changed: Any,
    free: Any,
    orders: Any,
    keys: Any,
    added: Any,
    moved: Any,
    moved_keys: Any,
    other_slots: Any,
    other_keys: Any,
    bins: Any,
    utc_hour: int,
    demands: Any,
    state: Any,
) -> None:
    """Put the new batches of this tile on the board and bring the orders up to date.

    The new batches of each range of requesters are sorted by tile; a tile's begin at
    ``new_starts[range, tile]``.
    """
    count = integer(state[OPEN])
    demand = demands[utc_hour]
    more = integer(0)
    for part in range(len(new_starts)):
        for i in range(integer(new_starts[part, tile]), integer(new_starts[part, tile + 1])):
            state[FREE] -= 1
            slot = free[index(state[FREE])]
            listings[index(slot)] = new_listings[index(i)]
            batches[index(slot)] = new_batches[index(i)]
            expires[index(slot)] = new_batches[index(i)].expires_hour
            added[index(more)] = slot
            more += 1
            country = integer(new_batches[index(i)].requester_country)
            demand[index(country), POSTED] += integer(new_batches[index(i)].assignments)
            demand[index(country), BATCHES] += 1
    for order in range(0, 3, 2):
        for i in range(more):
            moved[index(i)] = added[index(i)]
            moved_keys[index(i)] = key_of(order, integer(added[index(i)]), listings, batches)
        sort_slots(moved, moved_keys, more, other_slots, other_keys, bins, batches)
        merge_slots(orders[order], keys[order], count, moved, moved_keys, more, batches)
    # What was worked on is shown at another place among the largest, and goes in anew with what is new.
    moving = integer(0)
    kept = integer(0)
    for i in range(count):
        slot = integer(orders[1, index(i)])
        same = 1 - integer(changed[index(slot)])
        orders[1, index(kept)] = slot
        keys[1, index(kept)] = keys[1, index(i)]
        moved[index(moving)] = slot
        kept += same
        moving += 1 - same
    for i in range(more):
        moved[index(moving + i)] = added[index(i)]
    moving += more
    for i in range(moving):
        slot = integer(moved[index(i)])
        changed[index(slot)] = 0
        listings[index(slot)].shown_left = listings[index(slot)].left
        moved_keys[index(i)] = key_of(1, slot, listings, batches)
    sort_slots(moved, moved_keys, moving, other_slots, other_keys, bins, batches)
    merge_slots(orders[1], keys[1], kept, moved, moved_keys, moving, batches)
    state[OPEN] = count + more


@rule
def top_share(counts: Any, size: int) -> float:
    """Share of the sum held by the top tenth (rounded up) of ``counts[:size]``, which it may sort."""
    leaders = (size + 9) // 10
    total = integer(0)
    top = integer(0)
    for i in range(size):
        total += integer(counts[index(i)])
        top = max(top, integer(counts[index(i)]))
    if total == 0:
        return 0.0
    if leaders > 1:
        sort_falling(counts, size)
        top = integer(0)
        for i in range(leaders):
            top += integer(counts[index(i)])
    return real(top) / real(total)


@rule
def sort_falling(counts: Any, size: int) -> None:
    """Sort ``counts[:size]``, the largest first."""
    gap = integer(1)
    while gap < size // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            value = counts[index(i)]
            at = integer(i)
            while at >= gap and counts[index(at - gap)] < value:
                counts[index(at)] = counts[index(at - gap)]
                at -= gap
            counts[index(at)] = value
        gap //= 3


@kernel
def rebuild_table(table: Any, takers: Any) -> int:
    """Enter every row of takers in use into the emptied table; return how many."""
    table[:] = -1
    mask = len(table) - 1
    entered = integer(0)
    for row in range(len(takers)):
        taker = takers[row]
        if taker.done != 0:
            at = taker_home(integer(taker.worker), integer(taker.slot), mask)
            while table[at] >= 0:
                at = (at + 1) & mask
            table[at] = row
            entered += 1
    return entered


@rule
def release_takers(
    batch: Any, takers: Any, free_takers: Any, counts: Any, taken: Any, keep_taken: bool, state: Any
) -> int:
    """Free the rows of a batch's takers; leave in ``counts`` what each did and return how many did any."""
    workers = integer(0)
    row = integer(batch.first_taker)
    while row >= 0:
        taker = takers[index(row)]
        done = integer(taker.done) & (RETURNED - 1)
        if done > 0:
            counts[index(workers)] = done
            workers += 1
            if keep_taken:
                entry = taken[state[TAKEN_COUNT]]
                entry.requester = batch.requester
                entry.worker = taker.worker
                entry.done = done
                state[TAKEN_COUNT] += 1
        # The table still leads to the row; a row with nothing done is nobody's until it is taken again.
        taker.done = 0
        taker.slot = -1
        free_takers[index(state[FREE_TAKERS])] = row
        state[FREE_TAKERS] += 1
        row = integer(taker.next)
    return workers


@rule
def fetch_takers(slots: Any, count: int, batches: Any, takers: Any, waiting: Any) -> None:
    """Bring the parts in some batches near: those of all batches side by side, as each leads to the next."""
    left = integer(0)
    for i in range(count):
        row = integer(batches[index(slots[index(i)])].first_taker)
        waiting[index(left)] = row
        fetch(takers, index(max(integer(0), row)))
        left += integer(row >= 0)
    while left > 0:
        still = integer(0)
        for i in range(left):
            row = integer(takers[index(waiting[index(i)])].next)
            waiting[index(still)] = row
            fetch(takers, index(max(integer(0), row)))
            still += integer(row >= 0)
        left = still


@rule
def write_finished(out: Any, batch: Any, hour: int, expired: int, workers: int, share: float) -> None:
    """Write what remains of a batch that leaves the board."""
    out.id = batch.id
    out.requester = batch.requester
    out.type = batch.type
    out.arm = batch.arm
    out.reward = batch.reward
    out.true_seconds = batch.true_seconds
    out.estimated_seconds = batch.estimated_seconds
    out.tasks = batch.tasks
    out.assignments_per_task = batch.assignments_per_task
    out.posted_hour = batch.posted_hour
    out.first_start = batch.first_start
    out.t10 = batch.t10
    out.t50 = batch.t50
    out.t90 = batch.t90
    out.t100 = batch.t100
    out.closed_hour = hour
    out.accepted = batch.accepted
    out.rejected = batch.rejected
    out.expired = expired
    out.workers = workers
    out.top_decile_share = share
    out.fee_ppm = batch.fee_ppm
    out.worth = batch.worth
    out.expected_cost = batch.expected_cost
    out.right = batch.right
    out.waited_seconds = integer(batch.waited_seconds) + expired * (hour - integer(batch.posted_hour)) * 3600


@kernel
def close(
    hour: int,
    listings: Any,
    batches: Any,
    expires: Any,
    free: Any,
    orders: Any,
    keys: Any,
    emptied: Any,
    numbers: Any,
    places: Any,
    exhausted: Any,
    takers: Any,
    free_takers: Any,
    finished: Any,
    taken: Any,
    keep_taken: bool,
    counts: Any,
    demands: Any,
    rows: Any,
    state: Any,
) -> bool:
    """Take finished and expired batches off the board; refund what is left of their escrow.

    Returns False without doing so if ``finished`` or ``rows`` are too short: the caller makes room and calls
    again.
    """
    state[FINISHED_COUNT] = 0
    state[TAKEN_COUNT] = 0
    state[ROWS] = 0
    demand = demands[hour % 24]
    expiring = integer(0)
    for i in range(integer(state[OPEN])):
        slot = integer(orders[0, index(i)])
        emptied[index(expiring)] = slot
        expiring += integer(integer(expires[index(slot)]) <= hour)
    if expiring > 0:
        count = integer(state[OPEN])
        for order in range(3):
            find_all(order, emptied, expiring, orders, keys, listings, batches, numbers, places, count)
        note_exhausted(expiring, orders, places, exhausted, state)
        for order in range(3):
            close_gaps(places[order], expiring, orders[order], keys[order], count)
    if state[EXHAUSTED] > len(finished) or 2 * state[EXHAUSTED] > len(rows):
        return False
    closing = integer(state[EXHAUSTED])
    for i in range(closing):
        fetch(batches, index(exhausted[index(i)]))
    fetch_takers(exhausted, closing, batches, takers, emptied)
    for i in range(closing):
        slot = integer(exhausted[index(i)])
        batch = batches[index(slot)]
        workers = release_takers(batch, takers, free_takers, counts, taken, keep_taken, state)
        expired = integer(listings[index(slot)].left)
        out = finished[index(state[FINISHED_COUNT])]
        state[FINISHED_COUNT] += 1
        write_finished(out, batch, hour, expired, workers, top_share(counts, workers))
        gross = integer(batch.accepted) * integer(batch.reward)
        fee_ppm = integer(batch.fee_ppm)
        fee, fee_up = both_ppm(gross, fee_ppm)
        out.fee = fee
        residue = fee_up - fee
        country = integer(batch.requester_country)
        demand[index(country), EXPIRED] += expired
        add_row(rows, state, ESCROW_ROUNDING, slot, 0, residue, country, country)
        refund = integer(batch.escrow) - residue
        add_row(rows, state, REFUND, slot, integer(batch.requester), refund, country, country)
        listings[index(slot)].left = 0
        batch.open = 0
        free[index(state[FREE])] = slot
        state[FREE] += 1
    state[EXHAUSTED] = 0
    return True


@rule
def add_row(
    rows: Any, state: Any, kind: int, debit: int, credit: int, amount: int, payer: int, payee: int
) -> None:
    """Append one transfer of micro-dollars to the hour's settlement, unless it is nothing."""
    write_row(rows[index(state[ROWS])], kind, debit, credit, amount, payer, payee)
    state[ROWS] += integer(amount != 0)


STATE_ARRAYS = (
    "tally",
    "refused",
    "demands",
    "earnings",
    "listings",
    "batches",
    "free",
    "orders",
    "keys",
    "exhausted",
    "takers",
    "free_takers",
    "table",
    "active",
    "state",
)
"""Arrays of a board that outlive an hour; the others are scratch."""


class Scratch(threading.local):
    """Arrays that hold something only while a kernel runs: a thread has one set for all boards it plays.

    ``alone``: whether one thread plays all boards.
    """

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self.arrays: dict[str, NDArray[Any]] = {}
        self.bins = np.zeros((8, BINS), np.int32)
        self.numbers = np.zeros((4, BLOCK), np.int64)
        self.pays = np.zeros((4, BLOCK))
        self.fronts = np.zeros((3, 2), np.int64)

    def __reduce__(self) -> tuple[type[Scratch], tuple[bool]]:
        """Give a copy a set of its own."""
        return Scratch, (self.alone,)

    def array(self, name: str, dtype: type[np.generic], rows: int, length: int) -> NDArray[Any]:
        """Return an array at least so long; kernels leave in zeros what they expect in zeros."""
        array = self.arrays.get(name)
        if array is None or array.shape[-1] < length:
            longer = length + int(length * SPARE_SCRATCH)
            self.arrays[name] = array = np.zeros(longer if rows == 1 else (rows, longer), dtype)
        return array


class Borrowed:
    """An attribute of a board: a scratch array as long as one of the board's own, or longer."""

    def __init__(self, dtype: type[np.generic], like: str, rows: int = 1) -> None:
        self.dtype = dtype
        self.like = like
        self.rows = rows

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name as the array's."""
        self.name = name

    def __get__(self, board: Any, owner: type) -> Any:
        """Return the array of the present thread; if that plays all boards, the board need not ask again."""
        array = board.scratch.array(self.name, self.dtype, self.rows, len(getattr(board, self.like)))
        if board.scratch.alone:
            board.__dict__[self.name] = array
        return array


class Escrow:
    """An attribute of a board: the balances of its batches, a column of their records."""

    def __get__(self, board: Any, owner: type) -> Any:
        """Return the column; the board need not ask again until its batches move."""
        column = board.__dict__["escrow"] = board.batches["escrow"]
        return column


class Board:
    """The arrays of one tile of one platform's board.

    Two hold something of each batch for a loop over all of them: ``expires`` the hour, ``changed`` whether
    any of it was done since the orders were made. ``where`` are the countries of those who post and work on
    it: one, where work is local; the rows of others in its tallies stay zero.
    """

    escrow = Escrow()

    moved = Borrowed(np.int32, "batches")
    moved_keys = Borrowed(np.int64, "batches")
    other_slots = Borrowed(np.int32, "batches")
    other_keys = Borrowed(np.int64, "batches")
    places = Borrowed(np.int32, "batches", rows=3)
    demand = Borrowed(np.int64, "batches")
    gone = Borrowed(np.uint8, "batches")
    group = Borrowed(np.int32, "batches", rows=2)
    counts = Borrowed(np.int32, "takers")
    live = Borrowed(np.int32, "active")
    looking = Borrowed(np.int32, "active", rows=3)
    proposals = Borrowed(np.int32, "active")
    ranks = Borrowed(np.int64, "active")

    def __init__(
        self,
        platform: int,
        tile: int,
        countries: int,
        segments: int,
        ranking: NDArray[np.float64],
        residents: int = 0,
        workers: int = 256,
        scratch: Scratch | None = None,
        country: int | None = None,
    ) -> None:
        self.scratch = scratch or Scratch()
        self.platform = platform
        self.tile = tile
        self.where = slice(None) if country is None else slice(country, country + 1)
        self.ranking = ranking
        self.tally = np.zeros((24, countries, TALLIES), np.int64)
        self.demands = np.zeros((24, countries, DEMANDS), np.int64)
        self.refused = np.zeros(countries, np.int64)
        self.earnings = np.zeros((countries, segments, 24, 2), np.int64)
        self.listings: Records = np.zeros(0, LISTING)
        self.batches: Records = np.zeros(0, BATCH)
        self.expires = np.zeros(0, np.int32)
        self.changed = np.zeros(0, np.uint8)
        self.free = np.zeros(0, np.int32)
        self.orders = np.zeros((3, 0), np.int32)
        self.keys = np.zeros((3, 0), np.int64)
        self.exhausted = np.zeros(0, np.int32)
        self.takers: Records = np.zeros(0, TAKER)
        self.free_takers = np.zeros(0, np.int32)
        self.table = np.full(16, -1, np.int32)
        self.active: Records = aligned_zeros(workers, ACTIVE)
        self.events: Records = np.zeros(2 * workers, EVENT)
        self.rows: Records = np.zeros(0, TRANSFER)
        self.added = np.zeros(0, np.int32)
        self.finished: Records = np.zeros(0, FINISHED)
        self.taken: Records = np.zeros(0, TAKEN)
        self.by_slot = np.zeros(0, np.int32)
        self.state = np.zeros(STATE_SIZE, np.int64)
        # What so many workers will need before long: arrays that grow are copied, and pages are given anew.
        self.room_for_batches(max(FEWEST_ROWS, residents))
        self.room_for_takers(max(FEWEST_ROWS, residents))

    def give_back(self) -> None:
        """Give back what is borrowed: it may be too short by now. So may be what else was looked up."""
        for name in LOOKED_UP:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies what is borrowed or looked up."""
        return {name: value for name, value in vars(self).items() if name not in LOOKED_UP}

    def state_arrays(self) -> dict[str, Any]:
        """Return the arrays that a checkpoint must hold."""
        return {name: getattr(self, name) for name in STATE_ARRAYS}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over the arrays of a checkpoint."""
        for name in STATE_ARRAYS:
            mine, array = getattr(self, name), arrays[name]
            # Files do not keep that records are aligned, which compiled code relies on.
            if array.dtype.names:
                records = aligned_zeros(len(array), mine.dtype)
                records[:] = array.view(mine.dtype)
                array = records
            setattr(self, name, array)
        self.expires = np.ascontiguousarray(self.batches["expires_hour"])
        self.changed = (self.listings["left"] != self.listings["shown_left"]).astype(np.uint8)
        self.give_back()

    def room_for_batches(self, more: int) -> None:
        """Make sure that ``more`` batches can be put on the board, and paid into escrow."""
        self.added = grown(self.added, more, SPARE_ROWS)
        self.rows = grown(self.rows, 2 * more, SPARE_ROWS)
        lacking = more - int(self.state[FREE])
        if lacking <= 0:
            return
        old = len(self.batches)
        self.batches = grown(self.batches, old + lacking, SPARE_ROWS)
        size = len(self.batches)
        self.listings = lengthened(self.listings, size)
        self.expires = lengthened(self.expires, size)
        self.changed = lengthened(self.changed, size)
        self.free = with_free_rows(self.free, int(self.state[FREE]), old, size)
        self.state[FREE] += size - old
        self.orders = widened(self.orders, size)
        self.keys = widened(self.keys, size)
        self.exhausted = lengthened(self.exhausted, size)
        self.give_back()

    def room_for_takers(self, more: int) -> None:
        """Make sure that ``more`` workers can take part in open batches, and that they are quickly found."""
        old = len(self.takers)
        lacking = more - int(self.state[FREE_TAKERS])
        if lacking > 0:
            self.takers = grown(self.takers, old + lacking, SPARE_ROWS)
            size = len(self.takers)
            self.free_takers = with_free_rows(self.free_takers, int(self.state[FREE_TAKERS]), old, size)
            self.state[FREE_TAKERS] += size - old
            self.give_back()
        if 2 * (int(self.state[ENTERED]) + more) > len(self.table):
            # A part of it is of closed batches; what is left must not fill it again soon.
            present = len(self.takers) - int(self.state[FREE_TAKERS])
            places = len(self.table)
            while 2 * places < 5 * (present + more):
                places *= 2
            if places > len(self.table):
                self.table = aligned_zeros(places, np.int32)
            self.state[ENTERED] = rebuild_table(self.table, self.takers)

    @property
    def is_bare(self) -> bool:
        """Whether no batch is open, and none has been finished since batches were last closed."""
        return not (self.state[OPEN] or self.state[EXHAUSTED])

    @property
    def is_deserted(self) -> bool:
        """Whether nobody is on duty."""
        return not self.state[ACTIVE_COUNT]

    def begin_day(self) -> None:
        """Begin to count anew."""
        self.tally[:, self.where] = 0
        self.demands[:, self.where] = 0
        self.refused[self.where] = 0

    def nothing_closes(self) -> None:
        """Close no batch in this hour: what `close` does on a bare board."""
        self.state[FINISHED_COUNT] = self.state[TAKEN_COUNT] = self.state[ROWS] = 0

    def nobody_works(self) -> None:
        """Pass an hour in which nobody is on duty: what the phases of work do on a deserted board."""
        self.state[LIVE] = self.state[EVENTS] = self.state[CUT_OFF] = self.state[ROWS] = 0

    def room_for_active(self, more: int) -> None:
        """Make sure that ``more`` workers can come on duty."""
        needed = int(self.state[ACTIVE_COUNT]) + more
        if needed > len(self.active):
            self.active = grown(self.active, needed, SPARE_PLACES)
            self.give_back()

    def room_for_events(self, more: int) -> None:
        """Make sure that ``more`` events can be written, in the middle of an hour's search."""
        self.events = grown(self.events, int(self.state[EVENTS]) + more, SPARE_ROWS)

    def room_to_settle(self) -> None:
        """Make sure that the hour's events can be sorted, and settled in six transfers each at the most."""
        events = int(self.state[EVENTS])
        self.by_slot = grown(self.by_slot, events, SPARE_ROWS)
        self.rows = grown(self.rows, 6 * events, SPARE_ROWS)

    def room_to_close(self) -> None:
        """Make sure that the batches which are exhausted can be closed, with two transfers each."""
        closing = int(self.state[EXHAUSTED])
        self.finished = grown(self.finished, closing, SPARE_ROWS)
        self.rows = grown(self.rows, 2 * closing, SPARE_ROWS)

    def room_for_taken(self) -> None:
        """Make sure that it can be kept who did how much of the batches that close."""
        self.taken = grown(self.taken, len(self.takers) - int(self.state[FREE_TAKERS]), SPARE_ROWS)


BORROWED = tuple(name for name, value in vars(Board).items() if isinstance(value, Borrowed))
LOOKED_UP = (*BORROWED, "escrow")
"""What a board looks up once, until its arrays grow."""


def lengthened(array: Any, length: int) -> Any:
    """Return the array, or a copy with exactly ``length`` rows if it is shorter."""
    if len(array) >= length:
        return array
    longer = aligned_zeros(length, array.dtype)
    put_rows(longer, 0, array)
    return longer


def with_free_rows(free: Any, count: int, old: int, size: int) -> Any:
    """Return a stack of free rows that has rows ``old`` to ``size`` beneath the ``count`` it had."""
    stack = aligned_zeros(size, np.int32)
    stack[: size - old] = np.arange(size - 1, old - 1, -1)
    stack[size - old : size - old + count] = free[:count]
    return stack


def widened(orders: Any, width: int) -> Any:
    """Return the three orders, or their keys, with room for more slots."""
    wide = aligned_zeros(3 * width, orders.dtype).reshape(3, width)
    wide[:, : orders.shape[1]] = orders
    return wide
