"""Review and settlement: what was handed in is accepted or rejected, and paid."""

from __future__ import annotations

from typing import Any

from sim.agents.traits import ACTIVE as ACTIVE_FLAG
from sim.agents.traits import MOST_WEEK_PAY, segment_of
from sim.compile import fetch, index, integer, kernel, real, rule
from sim.draws import uniform
from sim.ledger import BROKER_CUT, PENDING_ROUNDING, REQUESTER_FEE, REWARD, WORKER_FEE
from sim.ledger import WITHHELD as WITHHELD_KIND
from sim.market.board import (
    ACCEPTED,
    ACTIVE_COUNT,
    CUT,
    DONE,
    DUTY,
    EVENTS,
    EXPOSURE,
    FEE,
    FEES,
    IDLE,
    NIGHT,
    ON_DUTY,
    PAID,
    PAY,
    REJECTED,
    REJECTED_TIME,
    RETURN,
    RETURNED_TIME,
    RETURNS,
    ROWS,
    SEARCH,
    SPENT,
    WITHHELD,
    add_row,
    place_in_group,
    turn_ahead,
    turn_soon,
)
from sim.market.search import worker_fee
from sim.numeric import binomial, both_ppm

MANY_LOOKS = 12
"""Looks for a second of the hour after which they halve what is left."""


@rule
def rejection_chance(accuracy: float, strictness: float, unfair: float) -> float:
    """Chance that a task is rejected: wrong and caught, or right and rejected all the same."""
    return (1.0 - accuracy) * strictness + accuracy * unfair


@rule
def by_batch(events: Any, count: int, group: Any, by_slot: Any) -> None:
    """Order events by batch and, inside a batch, by the time they ended (ties by start)."""
    for i in range(count):
        group[0, index(events[index(i)].slot)] += 1
    at = integer(0)
    for i in range(count):
        slot = index(events[index(i)].slot)
        place, at = place_in_group(group, slot, at)
        by_slot[index(place)] = i
    first = integer(0)
    while first < count:
        last = integer(group[1, index(events[index(by_slot[index(first)])].slot)])
        for i in range(first + 1, last):
            number = by_slot[index(i)]
            end = events[index(number)].end
            at = integer(i)
            while at > first and events[index(by_slot[index(at - 1)])].end > end:
                by_slot[index(at)] = by_slot[index(at - 1)]
                at -= 1
            by_slot[index(at)] = number
        first = last


@rule
def crossed(before: int, after: int, assignments: int, tenths: int) -> bool:
    """Whether the count of submissions passes some tenths of the assignments."""
    return bool((before * 10 < assignments * tenths) & (assignments * tenths <= after * 10))


@rule
def to_come(event: Any, own: int, second: int) -> int:
    """How many of an event's tasks, of ``own`` seconds each, are handed in after a second of the hour."""
    left = index(max(integer(0), integer(event.end) - second))
    return min(integer(event.done), integer((left + index(own - 1)) // index(own)))


@rule
def second_of(events: Any, by_slot: Any, first: int, last: int, needed: int, handed: int) -> int:
    """First second of the hour by which ``needed`` of all ``handed`` tasks of one batch's events were there.

    A search between two seconds in which a task was handed in. It looks where the second would be if tasks
    came in evenly in between, or, after many looks in vain, in the middle.
    """
    while events[index(by_slot[index(last - 1)])].done == 0:
        last -= 1
    latest = events[index(by_slot[index(last - 1)])]
    if last - first == 1:
        return integer(latest.end) - (handed - needed) * integer(latest.own_seconds)
    low, high = integer(0), integer(latest.end)
    too_few, enough = integer(0), handed
    looks = integer(0)
    while low < high and needed < handed:
        even = low + (high - low) * (needed - too_few) // (enough - too_few)
        middle = min(even, high - 1) if looks < MANY_LOOKS else (low + high) // 2
        looks += 1
        count, before, after = integer(0), integer(0), high
        for i in range(first, last):
            event = events[index(by_slot[index(i)])]
            done, end = integer(event.done), integer(event.end)
            own = max(integer(1), integer(event.own_seconds))
            later = to_come(event, own, middle)
            count += done - later
            before = max(before, end - later * own if later < done else integer(0))
            after = min(after, end - (later - 1) * own if later > 0 else high)
        if count >= needed:
            high, enough = before, count
        else:
            low, too_few = after, count
    return high


@rule
def note_progress(batch: Any, events: Any, by_slot: Any, first: int, last: int, hour: int) -> None:
    """Note when a batch was first started and when 10, 50, 90 and 100 per cent of it were handed in."""
    before = integer(batch.submitted)
    after = before
    for i in range(first, last):
        event = events[index(by_slot[index(i)])]
        done = integer(event.done)
        if done == 0:
            continue
        started = hour * 3600 + integer(event.start)
        known = integer(batch.first_start)
        batch.first_start = started if (known < 0) | (started < known) else known
        waited = hour * 3600 + integer(event.end) - integer(batch.posted_hour) * 3600
        batch.waited_seconds += done * waited - integer(event.own_seconds) * (done * (done - 1) // 2)
        after += done
    total = integer(batch.assignments)
    for tenths in (1, 5, 9, 10):
        if crossed(before, after, total, tenths):
            needed = (total * tenths + 9) // 10 - before
            at = hour * 3600 + second_of(events, by_slot, first, last, needed, after - before)
            batch.t10 = at if tenths == 1 else integer(batch.t10)
            batch.t50 = at if tenths == 5 else integer(batch.t50)
            batch.t90 = at if tenths == 9 else integer(batch.t90)
            batch.t100 = at if tenths == 10 else integer(batch.t100)
    batch.submitted = after


@kernel
def review(
    hour: int,
    review_key: int,
    platform_number: int,
    platforms: Any,
    terms_of_all: Any,
    batches: Any,
    changed: Any,
    requesters: Any,
    workers: Any,
    active: Any,
    events: Any,
    by_slot: Any,
    group: Any,
    state: Any,
) -> None:
    """Accept or reject what was handed in this hour; update records of approval and of progress.

    Batches that were worked on are marked in ``changed``.

    On some platforms a share of what was not rejected is taken down: not paid either, and worth nothing.
    """
    count = integer(state[EVENTS])
    takedown = real(platforms[platform_number].takedown)
    terms = terms_of_all[platform_number]
    by_batch(events, count, group, by_slot)
    judging = requesters["strictness"]
    noted = integer(0)
    for i in range(count):
        event = events[index(by_slot[index(i)])]
        batch = batches[index(event.slot)]
        coming = events[index(by_slot[index(turn_ahead(i, count))])]
        fetch(batches, index(coming.slot))
        fetch(workers, index(active[index(coming.active)].row))
        soon = events[index(by_slot[index(turn_soon(i, count))])]
        fetch(judging, index(batches[index(soon.slot)].requester))
        if i == noted:
            while noted < count and events[index(by_slot[index(noted)])].slot == event.slot:
                noted += 1
            note_progress(batch, events, by_slot, i, noted, hour)
        if event.kind == RETURN:
            continue
        entry = active[index(event.active)]
        worker = workers[index(entry.row)]
        requester = requesters[index(batch.requester)]
        chance = rejection_chance(
            real(worker.accuracy) / 255.0,
            real(requester.strictness),
            real(requester.unfair) * real(terms[entry.country].unfair),
        )
        chance += takedown * (1.0 - chance)
        rejected = binomial(
            uniform(review_key, integer(entry.id), integer(event.start)), integer(event.done), chance
        )
        event.accepted = integer(event.done) - rejected
        changed[index(event.slot)] = 1
        worker.accepted += integer(event.accepted)
        worker.rejected += rejected
        batch.rejected += rejected
        stays = integer(event.accepted) if takedown > 0.0 else integer(event.done)
        batch.right += stays * integer(worker.accuracy)


@kernel
def settle(
    platform_number: int,
    platforms: Any,
    terms_of_all: Any,
    utc_hour: int,
    nights: Any,
    batches: Any,
    workers: Any,
    history: Any,
    recording: bool,
    types: Any,
    active: Any,
    events: Any,
    by_slot: Any,
    tallies: Any,
    demands: Any,
    earnings: Any,
    rows: Any,
    state: Any,
) -> None:
    """Write the hour's settlement rows; note each worker's seconds and net pay.

    Fees and cuts are computed on an event's total: the payer's side is rounded up, the receiver's
    side down, and the difference (less than a micro-dollar) goes to the rounding account. What is
    withheld beside the fee is rounded down, and the fee is the rest of what both come to. The
    requester's fee is computed on the batch's total so far, so that its rounding happens once.
    """
    state[ROWS] = 0
    count = integer(state[EVENTS])
    platform = platforms[platform_number]
    owner = integer(platform.owner)
    broker_cut_ppm = integer(platform.broker_cut_ppm)
    terms = terms_of_all[platform_number]
    night = nights[utc_hour]
    tally = tallies[utc_hour]
    demand = demands[utc_hour]
    on_duty = integer(state[ACTIVE_COUNT])
    for i in range(on_duty):
        coming = index(active[index(turn_ahead(i, on_duty))].row)
        fetch(workers, coming)
        if recording:
            fetch(history, coming)
        entry = active[index(i)]
        row = integer(entry.row)
        worker = workers[index(row)]
        country = integer(entry.country)
        duty = integer(entry.duty)
        if duty == 0:
            continue
        tally[country, DUTY] += duty
        tally[country, SEARCH] += integer(entry.searched)
        tally[country, IDLE] += integer(entry.left)
        tally[country, ON_DUTY] += 1
        tally[country, NIGHT] += duty * integer(night[worker.zone])
        earnings[country, segment_of(worker), utc_hour, 1] += duty
        worker.week_seconds += integer(entry.searched)
        if recording:
            past = history[index(row)]
            past.search_seconds += integer(entry.searched)
            past.idle_seconds += integer(entry.left)
            past.night_seconds += duty * integer(night[worker.zone])
    for i in range(count):
        event = events[index(by_slot[index(i)])]
        entry = active[index(event.active)]
        row = integer(entry.row)
        worker = workers[index(row)]
        country = integer(entry.country)
        worker_fee_ppm = worker_fee(platform, terms[country])
        batch = batches[index(event.slot)]
        exposure = real(types[batch.type].exposure)
        own = integer(event.own_seconds)
        if event.kind == RETURN:
            tally[country, RETURNS] += 1
            tally[country, RETURNED_TIME] += own
            worker.week_seconds += own
            if recording:
                history[row].returned_seconds += own
            continue
        accepted = integer(event.accepted)
        rejected = integer(event.done) - accepted
        reward = integer(batch.reward)
        gross = accepted * reward
        payer = integer(batch.requester_country)
        add_row(rows, state, REWARD, event.slot, row, gross, payer, country)
        fee_down, fee_up = both_ppm(gross, worker_fee_ppm)
        withheld = integer(0)
        if terms[country].withheld_ppm > 0:
            withheld, _ = both_ppm(gross, integer(terms[country].withheld_ppm))
        add_row(rows, state, WORKER_FEE, row, platform_number, fee_down - withheld, country, owner)
        add_row(rows, state, WITHHELD_KIND, row, platform_number, withheld, country, owner)
        cut_down = integer(0)
        cut_up = integer(0)
        if worker.collective >= 0:
            cut_down, cut_up = both_ppm(gross - fee_up, broker_cut_ppm)
            add_row(rows, state, BROKER_CUT, row, integer(worker.collective), cut_down, country, country)
        add_row(
            rows, state, PENDING_ROUNDING, row, 0, fee_up - fee_down + cut_up - cut_down, country, country
        )
        net = gross - fee_up - cut_up
        fee_ppm = integer(batch.fee_ppm)
        before, _ = both_ppm(integer(batch.accepted) * reward, fee_ppm)
        batch.accepted += accepted
        after, _ = both_ppm(integer(batch.accepted) * reward, fee_ppm)
        add_row(rows, state, REQUESTER_FEE, event.slot, platform_number, after - before, payer, owner)
        demand[payer, DONE] += integer(event.done)
        demand[payer, SPENT] += gross + after - before
        demand[payer, FEES] += after - before
        exposed = integer(exposure * real(integer(event.done) * own))
        tally[country, ACCEPTED] += accepted
        tally[country, REJECTED] += rejected
        tally[country, PAY] += net
        tally[country, FEE] += fee_up - withheld
        tally[country, WITHHELD] += withheld
        tally[country, CUT] += cut_up
        tally[country, PAID] += accepted * own
        tally[country, REJECTED_TIME] += rejected * own
        tally[country, EXPOSURE] += exposed
        earnings[country, segment_of(worker), utc_hour, 0] += net
        worker.week_pay = min(MOST_WEEK_PAY, integer(worker.week_pay) + net)
        worker.week_seconds += integer(event.done) * own
        worker.paid_seconds_weeks_below += accepted * own
        if recording:
            past = history[index(row)]
            past.pay += net
            past.paid_seconds += accepted * own
            past.rejected_seconds += rejected * own
            past.exposure_seconds += exposed
            past.tasks_accepted += accepted
            past.tasks_rejected += rejected


@kernel
def go_off_duty(hour: int, patience_hours: int, workers: Any, active: Any, state: Any) -> None:
    """Let go those whose session is over, who gave up for the day, or who left the market."""
    kept = integer(0)
    on_duty = integer(state[ACTIVE_COUNT])
    bits = workers["bits"]
    for i in range(on_duty):
        fetch(bits, index(active[index(turn_ahead(i, on_duty))].row))
        entry = active[index(i)]
        if entry.duty > 0:
            if entry.served:
                entry.fruitless_hours = 0
            else:
                entry.fruitless_hours += 1
        over = 60 * integer(entry.minutes) <= 3600 * (hour + 1 - integer(entry.start_hour))
        worker = workers[index(entry.row)]
        if over or entry.fruitless_hours >= patience_hours or not worker.bits & ACTIVE_FLAG:
            continue
        if kept < i:
            active[kept] = active[i]
        kept += 1
    state[ACTIVE_COUNT] = kept
