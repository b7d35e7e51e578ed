"""Debug mode: what must hold after every hour, checked on the arrays of the boards themselves.

``check_hour`` is called when the hour's work is paid and nobody has gone off duty yet. It stops the run with
a sentence that names what is wrong, where, and both values. It reads and never writes the state of the run:
what it keeps for itself (seconds on duty in the last 24 hours) hangs on the model and is left out of
checkpoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.traits import ACTIVE as ACTIVE_FLAG
from sim.agents.traits import worker_id
from sim.compile import integer, kernel, rule
from sim.ledger import PENDING_ROUNDING, REWARD, SECTORS, ModelError
from sim.market.board import (
    ACCEPTED,
    ACTIVE_COUNT,
    CUT,
    DEMANDS,
    DONE,
    DUTY,
    EVENTS,
    EXHAUSTED,
    FEE,
    FEES,
    FREE,
    FREE_TAKERS,
    IDLE,
    ON_DUTY,
    OPEN,
    PAID,
    PAY,
    REJECTED,
    REJECTED_TIME,
    RETURN,
    RETURNED,
    RETURNED_TIME,
    RETURNS,
    ROWS,
    SEARCH,
    SPENT,
    TALLIES,
    WITHHELD,
    WORK,
    Board,
    find_taker,
    rank_key,
)
from sim.market.search import worker_fee
from sim.numeric import ceil_ppm, floor_ppm

SECONDS = 3600
HOURS = 24

BATCH, WORKER, PLACE, COUNTRY, BOARD = range(5)
"""What the number in a fault stands for: slot of a batch, worker's row, place on duty, country, nothing."""

_FAULTS = (
    ("", BOARD),
    ("assignments left", BATCH),
    ("assignments accepted and rejected", BATCH),
    ("assignments", BATCH),
    ("micro-dollars in escrow", BATCH),
    ("micro-dollars in escrow after it left the board", BATCH),
    ("places in one of the orders", BATCH),
    ("sort key kept beside it", BATCH),
    ("sort key, larger than that of the one before it,", BATCH),
    ("batches in the orders", BOARD),
    ("exhausted batches", BOARD),
    ("free places for batches", BOARD),
    ("assignments done by the workers who took part", BATCH),
    ("row of a part in it, as the table of takers finds it,", BATCH),
    ("most tasks that one worker did", BATCH),
    ("free rows for takers", BOARD),
    ("id while on duty", WORKER),
    ("boards on duty at the same time", WORKER),
    ("seconds on duty in the hour", WORKER),
    ("seconds searched, worked and idle in the hour", WORKER),
    ("seconds on duty in 24 hours", WORKER),
    ("being active while on duty", WORKER),
    ("seconds from start to end of an event", WORKER),
    ("start of an event in seconds of the hour", WORKER),
    ("end of an event in seconds of the hour", WORKER),
    ("tasks accepted of an event", WORKER),
    ("country mask of a batch that the worker did", WORKER),
    ("skill for a batch that the worker did", WORKER),
    ("tertiary education for a batch that the worker did", WORKER),
    ("approved tasks for a batch that the worker did", WORKER),
    ("hour of work on a batch that had expired", BATCH),
    ("being active when paid", WORKER),
    ("micro-dollars of rewards in the hour", BOARD),
    ("micro-dollars of one rounding", WORKER),
    ("a balance in micro-dollars", WORKER),
    ("a column of the hour's tally", COUNTRY),
    ("a column of the hour's demand", COUNTRY),
)
"""What is wrong, by fault: the words before "is ... instead of ...", and what the fault's number means."""

(
    FINE,
    LEFT,
    REVIEWED,
    ASSIGNMENTS,
    ESCROW,
    LEFT_BEHIND,
    IN_ORDERS,
    WRONG_KEY,
    UNSORTED,
    OPEN_COUNT,
    EXHAUSTED_COUNT,
    FREE_COUNT,
    SUBMITTED,
    LOST_TAKER,
    TWICE_ON_TASK,
    FREE_TAKERS_COUNT,
    IDENTITY,
    TWICE_ON_DUTY,
    DUTY_RANGE,
    SECONDS_OF_HOUR,
    SECONDS_OF_DAY,
    INACTIVE_ON_DUTY,
    EVENT_LENGTH,
    EVENT_START,
    EVENT_END,
    EVENT_ACCEPTED,
    ADMITTED,
    SKILL,
    EDUCATION,
    APPROVAL,
    EXPIRED_WORK,
    INACTIVE_PAID,
    REWARDS,
    ROUNDING,
    NEGATIVE,
    TALLY,
    DEMAND,
) = range(len(_FAULTS))


@rule
def note(fault: Any, place: int, found: int, expected: int) -> None:
    """Leave in ``fault`` where something is wrong and both values."""
    fault[0] = place
    fault[1] = found
    fault[2] = expected


@kernel
def handed_in(events: Any, state: Any, done: Any, accepted: Any) -> None:
    """Count what the hour's events handed in and had accepted, by slot of the batch."""
    done[:] = 0
    accepted[:] = 0
    for i in range(integer(state[EVENTS])):
        event = events[i]
        if event.kind == WORK:
            done[event.slot] += integer(event.done)
            accepted[event.slot] += integer(event.accepted)


@rule
def owed(batch: Any) -> int:
    """Micro-dollars that an open batch's escrow must hold: rewards not yet earned, the fee not yet taken."""
    reward = integer(batch.reward)
    total = integer(batch.assignments)
    accepted = integer(batch.accepted)
    fee_ppm = integer(batch.fee_ppm)
    return (
        reward * (total - accepted)
        + ceil_ppm(reward * total, fee_ppm)
        - floor_ppm(reward * accepted, fee_ppm)
    )


@kernel
def check_batches(listings: Any, batches: Any, fault: Any) -> int:
    """Check the counts and the escrow of every batch; leave the escrow of all in ``fault[3]``."""
    fault[3] = 0
    for slot in range(len(batches)):
        batch = batches[slot]
        escrow = integer(batch.escrow)
        fault[3] += escrow
        if batch.open == 0:
            if escrow != 0:
                note(fault, slot, escrow, 0)
                return LEFT_BEHIND
            continue
        left = integer(batch.assignments) - integer(batch.submitted)
        if listings[slot].left != left or left < 0:
            note(fault, slot, integer(listings[slot].left), max(0, left))
            return LEFT
        reviewed = integer(batch.accepted) + integer(batch.rejected)
        if reviewed != batch.submitted or batch.accepted < 0 or batch.rejected < 0:
            note(fault, slot, reviewed, integer(batch.submitted))
            return REVIEWED
        assignments = integer(batch.tasks) * integer(batch.assignments_per_task)
        if batch.assignments != assignments:
            note(fault, slot, integer(batch.assignments), assignments)
            return ASSIGNMENTS
        if escrow != owed(batch):
            note(fault, slot, escrow, owed(batch))
            return ESCROW
    return FINE


@rule
def key_at_posting(order: int, slot: int, listings: Any, batches: Any, done: Any) -> int:
    """Sort key that a batch had when the hour's orders were made: before the hour's work was handed out."""
    batch = batches[slot]
    return rank_key(
        order,
        integer(listings[slot].left) + integer(done[slot]),
        integer(batch.standing),
        integer(batch.posted_hour),
        integer(listings[slot].rank_hash),
    )


@kernel
def check_orders(
    listings: Any,
    batches: Any,
    orders: Any,
    keys: Any,
    exhausted: Any,
    done: Any,
    seen: Any,
    state: Any,
    fault: Any,
) -> int:
    """Check that every open batch stands once in each order, sorted, or among the exhausted."""
    count = integer(state[OPEN])
    seen[:] = 0
    for order in range(3):
        for i in range(count):
            slot = integer(orders[order, i])
            seen[slot] += 1
            key = key_at_posting(order, slot, listings, batches, done)
            if keys[order, i] != key:
                note(fault, slot, integer(keys[order, i]), key)
                return WRONG_KEY
            if i > 0:
                before = key_at_posting(order, integer(orders[order, i - 1]), listings, batches, done)
                same = key == before and batches[slot].id < batches[orders[order, i - 1]].id
                if key > before or same:
                    note(fault, slot, key, before)
                    return UNSORTED
    for i in range(integer(state[EXHAUSTED])):
        seen[exhausted[i]] += 3
    on_board = integer(0)
    emptied = integer(0)
    for slot in range(len(batches)):
        expected = integer(0)
        if batches[slot].open:
            expected = integer(3)
            if listings[slot].left > 0:
                on_board += 1
            else:
                emptied += 1
        if seen[slot] != expected:
            note(fault, slot, integer(seen[slot]), expected)
            return IN_ORDERS
    if on_board != count:
        note(fault, 0, count, on_board)
        return OPEN_COUNT
    if emptied != state[EXHAUSTED]:
        note(fault, 0, integer(state[EXHAUSTED]), emptied)
        return EXHAUSTED_COUNT
    free = len(batches) - on_board - emptied
    if state[FREE] != free:
        note(fault, 0, integer(state[FREE]), free)
        return FREE_COUNT
    return FINE


@kernel
def check_takers(listings: Any, batches: Any, takers: Any, table: Any, state: Any, fault: Any) -> int:
    """Check that all parts in open batches are found, add up, and that nobody did a task twice."""
    used = integer(0)
    for slot in range(len(batches)):
        batch = batches[slot]
        if batch.open == 0:
            continue
        submitted = integer(0)
        row = integer(batch.first_taker)
        while row >= 0:
            taker = takers[row]
            used += 1
            found = row
            if listings[slot].left > 0:
                found = find_taker(table, takers, integer(taker.worker), integer(slot))
            if found != row or taker.slot != slot or taker.done == 0:
                note(fault, slot, found, row)
                return LOST_TAKER
            done = integer(taker.done) & (RETURNED - 1)
            if done > batch.tasks:
                note(fault, slot, done, integer(batch.tasks))
                return TWICE_ON_TASK
            submitted += done
            row = integer(taker.next)
        if submitted != batch.submitted:
            note(fault, slot, submitted, integer(batch.submitted))
            return SUBMITTED
    if state[FREE_TAKERS] != len(takers) - used:
        note(fault, 0, integer(state[FREE_TAKERS]), len(takers) - used)
        return FREE_TAKERS_COUNT
    return FINE


@rule
def refused(listing: Any, entry: Any) -> int:
    """Return why a worker may not do a batch, by the record at the start of the hour; FINE if free to."""
    if (integer(listing.country_mask) >> integer(entry.country)) & 1 == 0:
        return ADMITTED
    if listing.skill > entry.skill:
        return SKILL
    if listing.tertiary > entry.tertiary:
        return EDUCATION
    if listing.approval_tasks > 0 and (
        listing.approval_tasks > entry.accepted or listing.approval_rate > entry.approval_rate
    ):
        return APPROVAL
    return FINE


@kernel
def check_events(
    hour: int,
    listings: Any,
    batches: Any,
    active: Any,
    events: Any,
    busy: Any,
    ends: Any,
    state: Any,
    fault: Any,
) -> int:
    """Check every event of the hour; leave each worker's seconds at work in ``busy``, by place on duty."""
    busy[:] = 0
    ends[:] = 0
    for i in range(integer(state[EVENTS])):
        event = events[i]
        place = integer(event.active)
        entry = active[place]
        batch = batches[event.slot]
        seconds = integer(event.own_seconds)
        if event.kind == WORK:
            seconds *= integer(event.done)
            if event.done < 1 or event.accepted < 0 or event.accepted > event.done:
                note(fault, place, integer(event.accepted), integer(event.done))
                return EVENT_ACCEPTED
        length = integer(event.end) - integer(event.start)
        if length != seconds or (event.kind == RETURN and (event.done != 0 or event.accepted != 0)):
            note(fault, place, length, seconds)
            return EVENT_LENGTH
        if event.start < ends[place]:
            note(fault, place, integer(event.start), integer(ends[place]))
            return EVENT_START
        if event.end > entry.duty:
            note(fault, place, integer(event.end), integer(entry.duty))
            return EVENT_END
        ends[place] = event.end
        busy[place] += seconds
        if batch.posted_hour > hour or batch.expires_hour <= hour:
            note(fault, integer(event.slot), hour, integer(batch.expires_hour))
            return EXPIRED_WORK
        reason = refused(listings[event.slot], entry)
        if reason != FINE:
            note(fault, place, 0, 1)
            return reason
    return FINE


@kernel
def check_duty(
    active: Any,
    workers: Any,
    count: int,
    busy: Any,
    now: int,
    ring: Any,
    cap_seconds: int,
    state: Any,
    fault: Any,
) -> int:
    """Check the hour of everyone on duty and the last 24 hours; ``ring[now]`` gets the seconds on duty."""
    for i in range(integer(state[ACTIVE_COUNT])):
        entry = active[i]
        row = integer(entry.row)
        if row < 0 or row >= count:
            note(fault, 0, row, count)
            return IDENTITY
        worker = workers[row]
        agent = worker_id(integer(worker.number), integer(worker.country))
        if entry.id != agent or entry.country != worker.country:
            note(fault, row, integer(entry.id), agent)
            return IDENTITY
        duty = integer(entry.duty)
        if duty < 0 or duty > SECONDS:
            note(fault, row, duty, SECONDS)
            return DUTY_RANGE
        spent = integer(entry.searched) + integer(busy[i]) + integer(entry.left)
        if spent != duty or entry.searched < 0 or entry.left < 0:
            note(fault, row, spent, duty)
            return SECONDS_OF_HOUR
        if duty > 0 and worker.bits & ACTIVE_FLAG == 0:
            note(fault, row, 0, 1)
            return INACTIVE_ON_DUTY
        if ring[now, row] > 0 and duty > 0:
            note(fault, row, 2, 1)
            return TWICE_ON_DUTY
        ring[now, row] += duty
        total = integer(0)
        for h in range(HOURS):
            total += integer(ring[h, row])
        if total > cap_seconds:
            note(fault, row, total, cap_seconds)
            return SECONDS_OF_DAY
    return FINE


@kernel
def check_pay(batches: Any, events: Any, workers: Any, rows: Any, state: Any, fault: Any) -> int:
    """Check the settlement: rewards as accepted, to active workers only, roundings below a micro-dollar."""
    expected = integer(0)
    for i in range(integer(state[EVENTS])):
        event = events[i]
        expected += integer(event.accepted) * integer(batches[event.slot].reward)
    paid = integer(0)
    for i in range(integer(state[ROWS])):
        row = rows[i]
        if row.kind == REWARD:
            paid += integer(row.amount)
            if workers[row.credit].bits & ACTIVE_FLAG == 0:
                note(fault, integer(row.credit), 0, 1)
                return INACTIVE_PAID
        if row.kind == PENDING_ROUNDING and row.amount > 2:
            # Two roundings in one row: the platform's fee and the broker's cut.
            note(fault, integer(row.debit), integer(row.amount), 2)
            return ROUNDING
    if paid != expected:
        note(fault, 0, paid, expected)
        return REWARDS
    return FINE


@kernel
def check_balances(workers: Any, count: int, fault: Any) -> int:
    """Check that no worker owes money."""
    for row in range(count):
        lowest = min(integer(workers[row].pending), integer(workers[row].balance))
        if lowest < 0:
            note(fault, row, lowest, 0)
            return NEGATIVE
    return FINE


@kernel
def count_hour(
    batches: Any,
    workers: Any,
    active: Any,
    events: Any,
    accepted: Any,
    platforms: Any,
    terms: Any,
    broker_cut_ppm: int,
    tally: Any,
    demand: Any,
    state: Any,
) -> None:
    """Count the hour anew by country, from its events and those on duty, into ``tally`` and ``demand``."""
    tally[:] = 0
    demand[:] = 0
    for i in range(integer(state[EVENTS])):
        event = events[i]
        batch = batches[event.slot]
        worker = workers[active[event.active].row]
        country = integer(worker.country)
        own = integer(event.own_seconds)
        if event.kind == RETURN:
            tally[country, RETURNS] += 1
            tally[country, RETURNED_TIME] += own
            continue
        right = integer(event.accepted)
        wrong = integer(event.done) - right
        gross = right * integer(batch.reward)
        fee = ceil_ppm(gross, worker_fee(platforms[0], terms[country]))
        cut = integer(0)
        if worker.collective >= 0:
            cut = ceil_ppm(gross - fee, broker_cut_ppm)
        tally[country, ACCEPTED] += right
        tally[country, REJECTED] += wrong
        tally[country, PAY] += gross - fee - cut
        withheld = floor_ppm(gross, integer(terms[country].withheld_ppm))
        tally[country, FEE] += fee - withheld
        tally[country, WITHHELD] += withheld
        tally[country, CUT] += cut
        tally[country, PAID] += right * own
        tally[country, REJECTED_TIME] += wrong * own
        demand[batch.requester_country, DONE] += integer(event.done)
        demand[batch.requester_country, SPENT] += gross
    for slot in range(len(batches)):
        if accepted[slot] > 0:
            batch = batches[slot]
            reward = integer(batch.reward)
            after = floor_ppm(integer(batch.accepted) * reward, integer(batch.fee_ppm))
            earlier = integer(batch.accepted) - integer(accepted[slot])
            fee = after - floor_ppm(earlier * reward, integer(batch.fee_ppm))
            demand[batch.requester_country, FEES] += fee
            demand[batch.requester_country, SPENT] += fee
    for i in range(integer(state[ACTIVE_COUNT])):
        entry = active[i]
        country = integer(entry.country)
        if entry.duty > 0:
            tally[country, DUTY] += integer(entry.duty)
            tally[country, SEARCH] += integer(entry.searched)
            tally[country, IDLE] += integer(entry.left)
            tally[country, ON_DUTY] += 1


COUNTED = (
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
    ON_DUTY,
    WITHHELD,
)
COUNTED_DEMAND = (DONE, SPENT, FEES)


class Watch:
    """What the checks remember between hours: seconds on duty in each of the last 24, by worker's row."""

    def __init__(self) -> None:
        self.next_hour = -1
        self.ring: NDArray[np.int32] = np.zeros((HOURS, 0), np.int32)

    def turn(self, hour: int, workers: int) -> int:
        """Make room for the hour and return its place in the ring."""
        if hour != self.next_hour:
            self.ring = np.zeros((HOURS, workers), np.int32)
        elif self.ring.shape[1] < workers:
            wider = np.zeros((HOURS, workers), np.int32)
            wider[:, : self.ring.shape[1]] = self.ring
            self.ring = wider
        self.next_hour = hour + 1
        self.ring[hour % HOURS] = 0
        return hour % HOURS


def check_hour(model: Any) -> None:
    """Check all that must hold after an hour, on every board; the hour is paid, nobody has gone off duty.

    Raises
    ------
    ModelError
        A sentence: the hour, the platform and its board, what is wrong of whom, and both values.
    """
    watch = vars(model).setdefault("_watch", Watch())
    now = watch.turn(model.hour, model.workers_count)
    fault = np.zeros(4, np.int64)
    escrow = sum(_check_board(model, board, watch.ring, now, fault) for board in model.boards)
    total = int(model.ledger.totals[SECTORS.index("escrow")])
    if escrow != total:
        raise ModelError(
            f"Hour {model.hour}: the boards hold {escrow} micro-dollars in escrow, the ledger says {total}."
        )
    if check_balances(model.worker_rows, model.workers_count, fault) != FINE:
        raise ModelError(_sentence(model, model.boards[0], NEGATIVE, fault))
    model.ledger.recount([board.batches["escrow"] for board in model.boards])


def _check_board(
    model: Any, board: Board, ring: NDArray[np.int32], now: int, fault: NDArray[np.int64]
) -> int:
    """Check one board; return the micro-dollars in its escrow."""
    slots, on_duty = len(board.batches), int(board.state[ACTIVE_COUNT])
    done, accepted, seen = (np.zeros(slots, np.int64) for _ in range(3))
    busy, ends = (np.zeros(on_duty, np.int64) for _ in range(2))
    cap = SECONDS * model.config.workers.daily_hours_cap
    workers, count, state = model.worker_rows, model.workers_count, board.state
    handed_in(board.events, state, done, accepted)

    def require(code: int) -> None:
        if code != FINE:
            raise ModelError(_sentence(model, board, code, fault))

    require(check_batches(board.listings, board.batches, fault))
    escrow = int(fault[3])
    require(
        check_orders(
            board.listings,
            board.batches,
            board.orders,
            board.keys,
            board.exhausted,
            done,
            seen,
            state,
            fault,
        )
    )
    require(check_takers(board.listings, board.batches, board.takers, board.table, state, fault))
    require(
        check_events(
            model.hour, board.listings, board.batches, board.active, board.events, busy, ends, state, fault
        )
    )
    require(check_duty(board.active, workers, count, busy, now, ring, cap, state, fault))
    require(check_pay(board.batches, board.events, workers, board.rows, state, fault))
    _check_tallies(model, board, accepted)
    return escrow


def _check_tallies(model: Any, board: Board, accepted: NDArray[np.int64]) -> None:
    """Hold the hour's tallies by country against a count of their own."""
    countries = board.tally.shape[1]
    tally = np.zeros((countries, TALLIES), np.int64)
    demand = np.zeros((countries, DEMANDS), np.int64)
    count_hour(
        board.batches,
        model.worker_rows,
        board.active,
        board.events,
        accepted,
        model.platform_rows[board.platform : board.platform + 1],
        model.terms[board.platform],
        int(model.platform_rows["broker_cut_ppm"][board.platform]),
        tally,
        demand,
        board.state,
    )
    for code, counted, kept, columns in (
        (TALLY, tally, board.tally[model.utc_hour], COUNTED),
        (DEMAND, demand, board.demands[model.utc_hour], COUNTED_DEMAND),
    ):
        for country, column in np.argwhere(counted != kept):
            if column in columns:
                found = np.array([country, kept[country, column], counted[country, column]])
                raise ModelError(_sentence(model, board, code, found) + f" Column {column}.")


def _sentence(model: Any, board: Board, code: int, fault: NDArray[np.int64]) -> str:
    """Say what is wrong, where, and both values."""
    what, kind = _FAULTS[code]
    place, found, expected = (int(number) for number in fault[:3])
    where = f"Hour {model.hour}, platform {model.platform_names[board.platform]}, board {board.tile}"
    return f"{where}: {what} of {_thing(model, board, code, kind, place)} is {found} instead of {expected}."


def _thing(model: Any, board: Board, code: int, kind: int, place: int) -> str:
    """Name what the number of a fault stands for."""
    if kind == BATCH:
        return f"batch {int(board.batches['id'][place])}"
    if kind == COUNTRY:
        return f"country {model.world.codes[place]}"
    if kind == BOARD:
        return "the board"
    row = int(board.active["row"][place]) if EVENT_LENGTH <= code <= APPROVAL else place
    worker = model.worker_rows[row]
    return f"worker {int(worker_id(int(worker['number']), int(worker['country'])))}"
