"""Search, choice and allocation: the hour of the workers on duty on one tile.

An hour is rounds of examine, propose, allocate, do. Everybody examines the board as it stood at the
round's start; proposals to a batch are served by hashed priority; so no result depends on the order
in which workers are stored or visited.
"""

from __future__ import annotations

from typing import Any

from sim.agents.rules import (
    believed_rejection,
    noise_sigma,
    own_seconds,
    pace,
    returns_task,
    speed_log_gain,
    trust,
)
from sim.agents.rules import satisficing as accepts  # replaceable: accepts
from sim.agents.traits import ACTIVE as ACTIVE_FLAG
from sim.agents.traits import TERTIARY, worker_id
from sim.compile import integer, kernel, real, rule
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
    return max(integer(0), min(integer(3600), 60 * minutes - 3600 * (hour - start_hour)))


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
        row = integer(order[i])
        worker = workers[row]
        entry.row = row
        entry.start_hour = worker.session_start
        entry.minutes = worker.session_minutes
        entry.id = worker_id(integer(worker.number), integer(worker.country))
        entry.fruitless_hours = 0
        entry.country = worker.country
        entry.tertiary = 1 if worker.bits & TERTIARY else 0
        skill = integer(worker.skill)
        if worker.collective >= 0:
            skill = max(skill, integer(collectives[worker.collective].skill))
        entry.skill = skill
    state[ACTIVE_COUNT] = count
    log_keep = log(1.0 - real(platform[0].worker_fee_ppm) / 1000000.0)
    for i in range(count):
        entry = active[i]
        worker = workers[entry.row]
        seconds = integer(0)
        if worker.bits & ACTIVE_FLAG:
            seconds = duty_seconds(hour, integer(entry.start_hour), integer(entry.minutes))
        segment = segments[worker.segment]
        interruption = real(segment.interruption_women if worker.bits & 2 else segment.interruption_men)
        if uniform(duty_key, integer(entry.id), 0) < interruption:
            seconds = integer(real(seconds) * uniform(duty_key, integer(entry.id), 1))
        accepted = real(worker.accepted)
        rejected = real(worker.rejected)
        done = accepted + rejected
        entry.duty = seconds
        entry.left = seconds
        entry.searched = 0
        entry.fruitless = 0
        entry.served = 0
        entry.accepted = worker.accepted
        entry.approval_rate = (accepted + 1.0) / (done + 1.0)
        entry.log_reservation = worker.log_reservation
        entry.log_speed = real(worker.log_speed) + speed_log_gain(
            done, real(setting.speed_gain), real(setting.speed_half_tasks)
        )
        believed = believed_rejection(
            accepted, rejected, real(setting.rejection_prior), real(setting.rejection_prior_tasks)
        )
        sigma = noise_sigma(
            done,
            real(setting.noise_sigma),
            real(setting.noise_experienced_sigma),
            real(setting.noise_half_tasks),
        )
        weight = 1.0
        belief = 0.0
        if worker.learned_pay > 0.0:
            weight = trust(sigma, real(setting.pay_spread))
            belief = (1.0 - weight) * log(real(worker.learned_pay))
        entry.trust = weight
        entry.sigma = weight * sigma
        entry.log_pay = weight * (real(entry.log_speed) + log_keep + log(1.0 - believed)) + belief
        live[i] = i
    state[LIVE] = count
    state[EVENTS] = 0
    state[CUT_OFF] = 0


@rule
def look_at(
    draw: float, newest: float, largest: float, best_paid: float, depth: float, count: int, orders: Any
) -> int:
    """Slot of the listing that a draw leads to: an order by its weight, then a position in it.

    Positions in an order fall off exponentially with mean ``depth``; past the end they start again.
    """
    order = integer(0)
    low = 0.0
    width = newest
    if draw >= best_paid:
        position = integer((draw - best_paid) / (1.0 - best_paid) * real(count))
        return integer(orders[0, min(position, count - 1)])
    if draw >= largest:
        order = integer(2)
        low = largest
        width = best_paid - largest
    elif draw >= newest:
        order = integer(1)
        low = newest
        width = largest - newest
    position = integer(exponential(max(SMALLEST_DRAW, (draw - low) / width)) * depth) % count
    return integer(orders[order, position])


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
    look_seconds = integer(worker.look_seconds)
    patience = integer(worker.patience)
    agent = integer(entry.id)
    country = integer(entry.country)
    skill = integer(entry.skill)
    left = integer(entry.left)
    fruitless = integer(entry.fruitless)
    proposed = False
    for look in range(integer(setting.looks)):
        if left < look_seconds or fruitless >= patience:
            break
        left -= look_seconds
        fruitless += 1
        slot = look_at(
            uniform(search_key, agent, round_number * 64 + look),
            real(platform.newest),
            real(platform.largest),
            real(platform.best_paid),
            real(platform.ranking_depth),
            count,
            orders,
        )
        listing = listings[slot]
        if (integer(listing.country_mask) >> country) & 1 == 0 or integer(listing.skill) > skill:
            continue
        if listing.tertiary > entry.tertiary:
            continue
        if listing.approval_tasks > 0 and (
            listing.approval_tasks > entry.accepted or listing.approval_rate > entry.approval_rate
        ):
            continue
        kind = integer(listing.type)
        perceived = (
            real(entry.trust) * real(listing.log_stated_pay)
            + real(entry.log_pay)
            + real(entry.sigma) * normal(listing.key, agent, 0)
            + real(setting.taste_sigma) * normal(taste_key, agent, kind)
            - real(setting.exposure_discount) * real(types[kind].exposure)
        )
        if not accepts(perceived, real(entry.log_reservation)):
            continue
        done = integer(0)
        taker = find_taker(table, takers, integer(entry.row), slot)
        if taker >= 0:
            done = integer(takers[taker].done)
        if done >= integer(listing.tasks):
            continue
        log_pace = pace(listing.key, agent, real(setting.pace_sigma))
        seconds = own_seconds(real(listing.true_seconds), real(entry.log_speed) + log_pace)
        want = min(left // seconds, integer(listing.tasks) - done, integer(listing.left))
        if want <= 0:
            continue
        entry.slot = slot
        entry.want = want
        entry.own_seconds = seconds
        proposed = True
        break
    entry.searched += integer(entry.left) - left
    entry.left = left
    entry.fruitless = fruitless
    return proposed


@rule
def allocate(
    proposals: Any, count: int, active: Any, listings: Any, demand: Any, group: Any, ranked: Any
) -> None:
    """Turn wants into grants: all of them where they fit, else by rising hashed priority.

    ``proposals[:count]`` are places in ``active``; afterwards ``want`` is what each was granted.
    """
    for i in range(count):
        entry = active[proposals[i]]
        if entry.want > 0:
            demand[entry.slot] += integer(entry.want)
            group[0, entry.slot] += 1
    crowded = integer(0)
    for i in range(count):
        slot = integer(active[proposals[i]].slot)
        if slot >= 0 and demand[slot] > integer(listings[slot].left):
            if group[0, slot] > 0:
                group[1, slot] = crowded
                crowded += integer(group[0, slot])
                group[0, slot] = 0
            ranked[group[1, slot]] = proposals[i]
            group[1, slot] += 1
    first = integer(0)
    while first < crowded:
        slot = integer(active[ranked[first]].slot)
        last = integer(group[1, slot])
        for i in range(first + 1, last):
            place = ranked[i]
            rank = integer(active[place].priority)
            at = i
            while at > first and integer(active[ranked[at - 1]].priority) > rank:
                ranked[at] = ranked[at - 1]
                at -= 1
            ranked[at] = place
        left = integer(listings[slot].left)
        for i in range(first, last):
            entry = active[ranked[i]]
            granted = min(left, integer(entry.want))
            entry.want = granted
            left -= granted
        first = last
    for i in range(count):
        slot = integer(active[proposals[i]].slot)
        if slot >= 0:
            demand[slot] = 0
            group[0, slot] = 0


@rule
def new_taker(
    row: int, slot: int, batches: Any, takers: Any, free_takers: Any, table: Any, state: Any
) -> int:
    """Enter a worker among those who took part in a batch; return the row."""
    state[FREE_TAKERS] -= 1
    at = integer(free_takers[state[FREE_TAKERS]])
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
    slot = integer(entry.slot)
    row = integer(entry.row)
    listing = listings[slot]
    seconds = integer(entry.own_seconds)
    at = find_taker(table, takers, row, slot)
    event = events[state[EVENTS]]
    state[EVENTS] += 1
    event.slot = slot
    event.active = place
    event.own_seconds = seconds
    event.start = integer(entry.duty) - integer(entry.left)
    event.accepted = 0
    if at < 0:
        log_pace = pace(listing.key, integer(entry.id), real(setting.pace_sigma))
        true_pay = real(listing.log_true_pay) + real(entry.log_speed) + log_pace + log_keep
        at = new_taker(row, slot, batches, takers, free_takers, table, state)
        if returns_task(true_pay, real(entry.log_reservation), real(setting.log_return_ratio)):
            takers[at].done = RETURNED
            spent = integer(real(seconds) * real(setting.return_share) + 0.5)
            event.kind = RETURN
            event.done = 0
            event.own_seconds = spent
            entry.left -= spent
            event.end = integer(entry.duty) - integer(entry.left)
            return
    done = integer(entry.want)
    takers[at].done += done
    listing.left -= done
    entry.left -= done * seconds
    entry.fruitless = 0
    entry.served = 1
    event.kind = WORK
    event.done = done
    event.end = integer(entry.duty) - integer(entry.left)


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
    log_keep = log(1.0 - real(platform.worker_fee_ppm) / 1000000.0)
    for round_number in range(start_round, integer(setting.max_rounds)):
        searching = integer(state[LIVE])
        if searching == 0 or state[OPEN] == 0:
            return -1
        if (
            state[EVENTS] + searching > len(events)
            or state[FREE_TAKERS] < searching
            or 2 * (state[ENTERED] + searching) > len(table)
        ):
            return round_number
        candidates = integer(0)
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
                entry.priority = priority(priority_key, integer(entry.id), round_number)
            elif not still_searching(entry, worker):
                continue
            live[candidates] = place
            candidates += 1
        allocate(live, candidates, active, listings, demand, group, ranked)
        still = integer(0)
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
    for i in range(integer(state[LIVE])):
        state[CUT_OFF] += integer(active[live[i]].left)
    return -1


@rule
def still_searching(entry: Any, worker: Any) -> bool:
    """Whether a worker has both time for another look and patience."""
    return bool(entry.left >= worker.look_seconds and entry.fruitless < worker.patience)
