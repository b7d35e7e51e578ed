"""What an hour brings beside pay: paid time, rewards of members of cooperatives, labels and a royalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.traits import MEMBER
from sim.compile import Calls, integer, kernel, real
from sim.market.board import ACTIVE_COUNT, EVENTS, RETURN, ROWS
from sim.numeric import floor_ppm
from sim.policy.channels import PAID_TIME
from sim.policy.paid_time import (
    GIVEN_BACK,
    REJECTED,
    SEARCH,
    WAITING,
    WORK,
    PaidTime,
    add_pieces,
    add_time,
)


@kernel
def note_earned(count: int, events: Any, active: Any, batches: Any, earned: Any) -> None:
    """Add the rewards (micro-dollars) of an hour's work on a board to those of each worker's row."""
    for i in range(count):
        event = events[i]
        if event.kind != RETURN:
            earned[active[event.active].row] += integer(event.accepted) * integer(batches[event.slot].reward)


@kernel
def note_labels(
    count: int,
    events: Any,
    by_slot: Any,
    active: Any,
    batches: Any,
    types: int,
    since: Any,
    rates: Any,
    labels: Any,
    royalty: Any,
) -> None:
    """Add an hour's labels and the seconds in them to each worker's row, the royalty to each country's.

    ``types`` are the bits of the task types that owe it; from hour ``since[k]`` on, new batches owe
    ``rates[k]`` millionths of the reward. The royalty is what fees came to less what they would have come to
    without it, to the micro-dollar.
    """
    first = integer(0)
    while first < count:
        slot = integer(events[by_slot[first]].slot)
        batch = batches[slot]
        owes = (types >> integer(batch.type)) & 1
        accepted = integer(0)
        last = first
        while last < count and integer(events[by_slot[last]].slot) == slot:
            event = events[by_slot[last]]
            if event.kind != RETURN:
                accepted += integer(event.accepted)
                if owes:
                    mine = labels[active[event.active].row]
                    mine[0] += integer(event.accepted)
                    mine[1] += integer(event.accepted) * integer(batch.true_seconds)
            last += 1
        first = last
        rate = integer(0)
        for k in range(len(since)):
            if since[k] <= batch.posted_hour:
                rate = integer(rates[k])
        if owes and rate > 0:
            after = integer(batch.accepted) * integer(batch.reward)
            before = after - accepted * integer(batch.reward)
            fee = integer(batch.fee_ppm)
            paid = floor_ppm(after, fee) - floor_ppm(before, fee)
            without = floor_ppm(after, fee - rate) - floor_ppm(before, fee - rate)
            royalty[batch.requester_country] += paid - without


@kernel
def note_ratings(count: int, events: Any, active: Any, batches: Any, workers: Any, ratings: Any) -> None:
    """Add an hour's tasks of members on a board, accepted and rejected, to the ratings of requesters."""
    for i in range(count):
        event = events[i]
        if event.kind != RETURN and workers[active[event.active].row].bits & MEMBER:
            rated = ratings[batches[event.slot].requester]
            rated[0] += real(event.accepted)
            rated[1] += real(integer(event.done) - integer(event.accepted))


@kernel
def are_ratings_shared(terms: Any) -> bool:
    """Whether members share ratings anywhere."""
    for platform in range(terms.shape[0]):
        for country in range(terms.shape[1]):
            if terms[platform, country].ratings > 0.0:
                return True
    return False


def share_ratings(model: Any, busy: list[tuple[Any, int]]) -> None:
    """Note how requesters treated members in an hour, where members share that."""
    shared = model.terms["ratings"].any(axis=1).tolist()
    for board, count in busy:
        if shared[board.platform]:
            tasks = model.offices.ratings.tasks
            model.calls[note_ratings](
                count, board.events, board.active, board.batches, model.worker_rows, tasks
            )


def note_paid_time(calls: Calls, paid_time: PaidTime, paid: NDArray[np.bool_], board: Any) -> None:
    """Note how those on duty on a board spent an hour, and what pieces brought, where time is paid.

    ``paid`` says in which countries it is, on the board's platform.
    """
    on_duty = board.state.item(ACTIVE_COUNT)
    calls[note_time](
        board.active[:on_duty],
        board.events[: board.state.item(EVENTS)],
        np.zeros((on_duty, len(PAID_TIME)), np.int64),
        board.rows[: board.state.item(ROWS)],
        paid_time.wages[board.platform],
        paid,
        paid_time.promised,
        paid_time.piece_pay,
    )


@kernel
def note_time(
    active: Any,
    events: Any,
    seconds: Any,
    transfers: Any,
    wages: Any,
    paid: Any,
    promised: Any,
    piece_pay: Any,
) -> None:
    """Add what an hour's time is worth to what is promised, and its rewards to what pieces brought.

    ``seconds`` are zeros.
    """
    spend_hour(active, events, seconds)
    add_time(active["row"], active["country"], seconds, wages, promised)
    add_pieces(transfers, paid, piece_pay)


@kernel
def spend_hour(active: Any, events: Any, seconds: Any) -> None:
    """Add up the seconds of an hour by worker on duty and kind of time."""
    for i in range(len(active)):
        seconds[i, SEARCH] = active[i].searched
        seconds[i, WAITING] = active[i].left
    for i in range(len(events)):
        event = events[i]
        spent = seconds[event.active]
        own = integer(event.own_seconds)
        if event.kind == RETURN:
            spent[GIVEN_BACK] += own
        else:
            spent[WORK] += integer(event.accepted) * own
            spent[REJECTED] += (integer(event.done) - integer(event.accepted)) * own


def note_hour(model: Any) -> None:
    """Note what an hour brought members of unions and cooperatives, and who labelled for the commons."""
    cooperatives, fund = model.offices.cooperatives, model.offices.fund
    owed, shared = fund is not None and fund.is_owed, model.calls[are_ratings_shared](model.terms)
    if not (shared or owed or cooperatives is not None):
        return
    busy = [(board, events) for board in model.boards if (events := board.state.item(EVENTS))]
    if shared:
        share_ratings(model, busy)
    if cooperatives is not None:
        cooperatives.make_room(model.workers_count)
    if owed:
        fund.make_room(model.workers_count)
        rates, types = np.ascontiguousarray(fund.rates.T), model.platform_rows["royalty_types"].tolist()
    for board, count in busy:
        if cooperatives is not None and board.platform in cooperatives.numbers:
            earned = cooperatives.earned[cooperatives.numbers.index(board.platform)]
            model.calls[note_earned](count, board.events, board.active, board.batches, earned)
        if owed and board.platform in fund.numbers:
            model.calls[note_labels](
                count,
                board.events,
                board.by_slot,
                board.active,
                board.batches,
                types[board.platform],
                fund.since,
                rates[board.platform],
                fund.labels,
                fund.royalty[board.platform],
            )
    if owed:
        fund.royalty[:, ~fund.covered] = 0  # nothing was on top of what they pay
