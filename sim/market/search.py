"""Search, choice and allocation: the hour of the workers on duty on one tile.

An hour is rounds of examine, propose, allocate, do. Everybody examines the board as it stood at the
round's start; proposals to a batch are served by hashed priority; so no result depends on the order
in which workers are stored or visited.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.agents.rules import believed_rejection, noise_sigma, own_seconds, returns_task, speed_log_gain
from sim.agents.rules import satisficing as accepts  # replaceable: accepts
from sim.agents.traits import ACTIVE as ACTIVE_FLAG
from sim.agents.traits import TERTIARY, worker_id
from sim.compile import kernel, rule
from sim.draws import normal, priority, uniform
from sim.market.board import (
    ACTIVE_COUNT,
    CUT_OFF,
    ENTERED,
    EVENTS,
    FREE_TAKERS,
    LIVE,
    OPEN,
    RETURN,
    RETURNED,
    WORK,
    drop_exhausted,
    find_taker,
    taker_home,
)
from sim.numeric import exponential, log

SMALLEST_DRAW = 1e-18


@rule
def duty_seconds(hour: int, start_hour: int, minutes: int) -> int:
    """Seconds of this hour that fall into a session of some minutes that began at ``start_hour``."""
    return max(np.int64(0), min(np.int64(3600), 60 * minutes - 3600 * (hour - start_hour)))


@kernel
def come_on_duty(
    hour: int,
    duty_key: int,
    order: Any,
    first: int,
    last: int,
    workers: Any,
    segments: Any,
    collectives: Any,
    platform: Any,
    settings: Any,
    active: Any,
    live: Any,
    state: Any,
) -> None:
    """Add those whose session starts now and prepare the hour of everyone on duty."""
    setting = settings[0]
    count = state[ACTIVE_COUNT]
    for i in range(first, last):
        entry = active[count]
        count += 1
        row = np.int64(order[i])
        worker = workers[row]
        entry.row = row
        entry.start_hour = worker.session_start
        entry.minutes = worker.session_minutes
        entry.id = worker_id(np.int64(worker.number), np.int64(worker.country))
        entry.fruitless_hours = 0
        entry.country = worker.country
        entry.tertiary = 1 if worker.bits & TERTIARY else 0
        skill = np.int64(worker.skill)
        if worker.collective >= 0:
            skill = max(skill, np.int64(collectives[worker.collective].skill))
        entry.skill = skill
    state[ACTIVE_COUNT] = count
    log_keep = log(1.0 - np.float64(platform[0].worker_fee_ppm) / 1000000.0)
    for i in range(count):
        entry = active[i]
        worker = workers[entry.row]
        seconds = np.int64(0)
        if worker.bits & ACTIVE_FLAG:
            seconds = duty_seconds(hour, np.int64(entry.start_hour), np.int64(entry.minutes))
        segment = segments[worker.segment]
        interruption = np.float64(segment.interruption_women if worker.bits & 2 else segment.interruption_men)
        if uniform(duty_key, np.int64(entry.id), 0) < interruption:
            seconds = np.int64(np.float64(seconds) * uniform(duty_key, np.int64(entry.id), 1))
        accepted = np.float64(worker.accepted)
        rejected = np.float64(worker.rejected)
        done = accepted + rejected
        entry.duty = seconds
        entry.left = seconds
        entry.searched = 0
        entry.fruitless = 0
        entry.served = 0
        entry.accepted = worker.accepted
        entry.approval_rate = (accepted + 1.0) / (done + 1.0)
        entry.log_reservation = worker.log_reservation
        entry.log_speed = np.float64(worker.log_speed) + speed_log_gain(
            done, np.float64(setting.speed_gain), np.float64(setting.speed_half_tasks)
        )
        believed = believed_rejection(
            accepted, rejected, np.float64(setting.rejection_prior), np.float64(setting.rejection_prior_tasks)
        )
        entry.log_pay = np.float64(entry.log_speed) + log_keep + log(1.0 - believed)
        entry.sigma = noise_sigma(
            done,
            np.float64(setting.noise_sigma),
            np.float64(setting.noise_experienced_sigma),
            np.float64(setting.noise_half_tasks),
        )
        live[i] = i
    state[LIVE] = count
    state[EVENTS] = 0
    state[CUT_OFF] = 0


@rule
def look_at(draw: float, newest: float, largest: float, best_paid: float, depth: float, count: int, orders: Any) -> int:
    """Slot of the listing that a draw leads to: an order by its weight, then a position in it.

    Positions in an order fall off exponentially with mean ``depth``; past the end they start again.
    """
    order = np.int64(0)
    low = 0.0
    width = newest
    if draw >= best_paid:
        position = np.int64((draw - best_paid) / (1.0 - best_paid) * np.float64(count))
        return np.int64(orders[0, min(position, count - 1)])
    if draw >= largest:
        order = np.int64(2)
        low = largest
        width = best_paid - largest
    elif draw >= newest:
        order = np.int64(1)
        low = newest
        width = largest - newest
    position = np.int64(exponential(max(SMALLEST_DRAW, (draw - low) / width)) * depth) % count
    return np.int64(orders[order, position])


@rule
def examine(
    round_number: int,
    search_key: int,
    taste_key: int,
    entry: Any,
    worker: Any,
    listings: Any,
    orders: Any,
    count: int,
    takers: Any,
    table: Any,
    types: Any,
    platform: Any,
    setting: Any,
) -> bool:
    """Let one worker examine listings one after another; return whether one is proposed.

    The slot and the tasks wanted are left in ``entry``. Every look costs seconds; after too many
    fruitless ones in a row, or without time for another, the worker gives up for the hour.
    """
    look_seconds = np.int64(worker.look_seconds)
    patience = np.int64(worker.patience)
    agent = np.int64(entry.id)
    country = np.int64(entry.country)
    skill = np.int64(entry.skill)
    left = np.int64(entry.left)
    fruitless = np.int64(entry.fruitless)
    proposed = False
    for look in range(np.int64(setting.looks)):
        if left < look_seconds or fruitless >= patience:
            break
        left -= look_seconds
        fruitless += 1
        slot = look_at(
            uniform(search_key, agent, round_number * 64 + look),
            np.float64(platform.newest),
            np.float64(platform.largest),
            np.float64(platform.best_paid),
            np.float64(platform.ranking_depth),
            count,
            orders,
        )
        listing = listings[slot]
        if (np.int64(listing.country_mask) >> country) & 1 == 0 or np.int64(listing.skill) > skill:
            continue
        if listing.tertiary > entry.tertiary:
            continue
        if listing.approval_tasks > 0 and (
            listing.approval_tasks > entry.accepted or listing.approval_rate > entry.approval_rate
        ):
            continue
        kind = np.int64(listing.type)
        perceived = (
            np.float64(listing.log_stated_pay)
            + np.float64(entry.log_pay)
            + np.float64(entry.sigma) * normal(np.uint64(listing.key), agent, 0)
            + np.float64(setting.taste_sigma) * normal(taste_key, agent, kind)
            - np.float64(setting.exposure_discount) * np.float64(types[kind].exposure)
        )
        if not accepts(perceived, np.float64(entry.log_reservation)):
            continue
        done = np.int64(0)
        taker = find_taker(table, takers, np.int64(entry.row), slot)
        if taker >= 0:
            done = np.int64(takers[taker].done)
        if done >= np.int64(listing.tasks):
            continue
        seconds = own_seconds(np.float64(listing.true_seconds), np.float64(entry.log_speed))
        want = min(left // seconds, np.int64(listing.tasks) - done, np.int64(listing.left))
        if want <= 0:
            continue
        entry.slot = slot
        entry.want = want
        entry.own_seconds = seconds
        proposed = True
        break
    entry.searched += np.int64(entry.left) - left
    entry.left = left
    entry.fruitless = fruitless
    return proposed


@rule
def allocate(proposals: Any, count: int, active: Any, listings: Any, demand: Any, group: Any, ranked: Any) -> None:
    """Turn wants into grants: all of them where they fit, else by rising hashed priority.

    ``proposals[:count]`` are places in ``active``; afterwards ``want`` is what each was granted.
    """
    for i in range(count):
        entry = active[proposals[i]]
        if entry.want > 0:
            demand[entry.slot] += np.int64(entry.want)
            group[0, entry.slot] += 1
    crowded = np.int64(0)
    for i in range(count):
        slot = np.int64(active[proposals[i]].slot)
        if slot >= 0 and demand[slot] > np.int64(listings[slot].left):
            if group[0, slot] > 0:
                group[1, slot] = crowded
                crowded += np.int64(group[0, slot])
                group[0, slot] = 0
            ranked[group[1, slot]] = proposals[i]
            group[1, slot] += 1
    first = np.int64(0)
    while first < crowded:
        slot = np.int64(active[ranked[first]].slot)
        last = np.int64(group[1, slot])
        for i in range(first + 1, last):
            place = ranked[i]
            rank = np.int64(active[place].priority)
            at = i
            while at > first and np.int64(active[ranked[at - 1]].priority) > rank:
                ranked[at] = ranked[at - 1]
                at -= 1
            ranked[at] = place
        left = np.int64(listings[slot].left)
        for i in range(first, last):
            entry = active[ranked[i]]
            granted = min(left, np.int64(entry.want))
            entry.want = granted
            left -= granted
        first = last
    for i in range(count):
        slot = np.int64(active[proposals[i]].slot)
        if slot >= 0:
            demand[slot] = 0
            group[0, slot] = 0


@rule
def new_taker(
    row: int, slot: int, batches: Any, takers: Any, free_takers: Any, table: Any, state: Any
) -> int:
    """Enter a worker among those who took part in a batch; return the row."""
    state[FREE_TAKERS] -= 1
    at = np.int64(free_takers[state[FREE_TAKERS]])
    taker = takers[at]
    taker.worker = row
    taker.slot = slot
    taker.done = 0
    taker.next = batches[slot].first_taker
    batches[slot].first_taker = at
    mask = len(table) - 1
    place = taker_home(row, slot, mask)
    while table[place] >= 0:
        place = (place + 1) & mask
    table[place] = at
    state[ENTERED] += 1
    return at


@rule
def work_on(
    place: int,
    entry: Any,
    listings: Any,
    batches: Any,
    takers: Any,
    free_takers: Any,
    table: Any,
    events: Any,
    log_keep: float,
    setting: Any,
    state: Any,
) -> None:
    """Do the granted tasks, or give the first one back when its true pay is far too low."""
    slot = np.int64(entry.slot)
    row = np.int64(entry.row)
    listing = listings[slot]
    seconds = np.int64(entry.own_seconds)
    at = find_taker(table, takers, row, slot)
    event = events[state[EVENTS]]
    state[EVENTS] += 1
    event.slot = slot
    event.active = place
    event.own_seconds = seconds
    event.start = np.int64(entry.duty) - np.int64(entry.left)
    event.accepted = 0
    true_pay = np.float64(listing.log_true_pay) + np.float64(entry.log_speed) + log_keep
    if at < 0:
        at = new_taker(row, slot, batches, takers, free_takers, table, state)
        if returns_task(true_pay, np.float64(entry.log_reservation), np.float64(setting.log_return_ratio)):
            takers[at].done = RETURNED
            spent = np.int64(np.float64(seconds) * np.float64(setting.return_share) + 0.5)
            event.kind = RETURN
            event.done = 0
            event.own_seconds = spent
            entry.left -= spent
            event.end = np.int64(entry.duty) - np.int64(entry.left)
            return
    done = np.int64(entry.want)
    takers[at].done += done
    listing.left -= done
    entry.left -= done * seconds
    entry.fruitless = 0
    entry.served = 1
    event.kind = WORK
    event.done = done
    event.end = np.int64(entry.duty) - np.int64(entry.left)


@kernel
def search(
    start_round: int,
    search_key: int,
    taste_key: int,
    priority_key: int,
    workers: Any,
    listings: Any,
    batches: Any,
    orders: Any,
    takers: Any,
    free_takers: Any,
    table: Any,
    types: Any,
    platforms: Any,
    settings: Any,
    active: Any,
    live: Any,
    ranked: Any,
    demand: Any,
    group: Any,
    exhausted: Any,
    events: Any,
    state: Any,
) -> int:
    """Play rounds until nobody has both time and patience; return -1 when done.

    If the arrays for events or takers might overflow in a round, return its number before playing
    it: the caller makes room and calls again with it as ``start_round``.
    """
    setting = settings[0]
    platform = platforms[0]
    log_keep = log(1.0 - np.float64(platform.worker_fee_ppm) / 1000000.0)
    for round_number in range(start_round, np.int64(setting.max_rounds)):
        searching = np.int64(state[LIVE])
        if searching == 0 or state[OPEN] == 0:
            return -1
        if (
            state[EVENTS] + searching > len(events)
            or state[FREE_TAKERS] < searching
            or 2 * (state[ENTERED] + searching) > len(table)
        ):
            return round_number
        candidates = np.int64(0)
        for i in range(searching):
            place = live[i]
            entry = active[place]
            worker = workers[entry.row]
            entry.slot = -1
            entry.want = 0
            if examine(
                round_number,
                search_key,
                taste_key,
                entry,
                worker,
                listings,
                orders,
                state[OPEN],
                takers,
                table,
                types,
                platform,
                setting,
            ):
                entry.priority = priority(priority_key, np.int64(entry.id), round_number)
            elif not still_searching(entry, worker):
                continue
            live[candidates] = place
            candidates += 1
        allocate(live, candidates, active, listings, demand, group, ranked)
        still = np.int64(0)
        emptied = False
        for i in range(candidates):
            place = live[i]
            entry = active[place]
            worker = workers[entry.row]
            if entry.want > 0:
                work_on(
                    place,
                    entry,
                    listings,
                    batches,
                    takers,
                    free_takers,
                    table,
                    events,
                    log_keep,
                    setting,
                    state,
                )
                emptied |= listings[entry.slot].left == 0
            if still_searching(entry, worker):
                live[still] = place
                still += 1
        state[LIVE] = still
        if emptied:
            state[OPEN] = drop_exhausted(orders, state[OPEN], listings, exhausted, state)
    for i in range(np.int64(state[LIVE])):
        state[CUT_OFF] += np.int64(active[live[i]].left)
    return -1


@rule
def still_searching(entry: Any, worker: Any) -> bool:
    """Whether a worker has both time for another look and patience."""
    return entry.left >= worker.look_seconds and entry.fruitless < worker.patience
