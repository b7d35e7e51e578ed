"""Posting: requesters at work put batches on the boards and money into escrow."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from sim.agents.rules import (
    LONGEST_TASK,
    MOST_STANDING,
    MOST_TASKS,
    affordable,
    demand_factor,
    largest_batch,
    lowest_pay,
    size_scale,
    standing,
    tile_of,
    unit_cost,
)
from sim.agents.traits import MOST_BATCHES
from sim.columns import Records, aligned_zeros, grown
from sim.compile import integer, kernel, real, rule
from sim.draws import priority, sub_key, uniform
from sim.ledger import FUNDING, POSTING, TRANSFER, write_row
from sim.market.board import BATCH, LISTING
from sim.numeric import ceil_ppm, exp, log, normal_quantile, poisson, truncated_pareto

LOW_ARM, HIGH_ARM = 0, 1

(
    DRAW_TYPE,
    DRAW_ONE_TASK,
    DRAW_SIZE,
    DRAW_SECONDS,
    DRAW_ARM,
    DRAW_ROUNDING,
    DRAW_LIFE,
    DRAW_PLATFORM,
    DRAW_TILE,
    DRAW_PART,
) = range(10)
"""Numbers of the draws of one batch."""


class Drafts:
    """What a range of requesters posts in an hour, as it was written, and the transfers that pay for it."""

    def __init__(self, room: int = 256) -> None:
        self.tiles: Records = np.zeros(0, np.int64)
        self.listings: Records = np.zeros(0, LISTING)
        self.batches: Records = np.zeros(0, BATCH)
        self.make_room(room)

    @property
    def room(self) -> int:
        """How many batches it has room for."""
        return len(self.tiles)

    def make_room(self, batches: int) -> None:
        """Make sure that so many batches can be written; those that were are kept."""
        self.tiles = grown(self.tiles, batches)
        self.listings = grown(self.listings, batches)
        self.batches = grown(self.batches, batches)
        self.transfers: Records = aligned_zeros(2 * self.room, TRANSFER)


class Desk(threading.local):
    """Where a thread writes drafts: it uses the same again and again, so that they stay in its cache."""

    def __init__(self) -> None:
        self.drafts = Drafts()

    def __reduce__(self) -> tuple[type[Desk], tuple[()]]:
        """Give a copy a desk of its own."""
        return Desk, ()

    def cleared(self) -> Drafts:
        """Return the drafts that are on it, which are kept elsewhere, and begin new ones."""
        drafts, self.drafts = self.drafts, Drafts(self.drafts.room)
        return drafts


@rule
def nth_bit(mask: int, number: int) -> int:
    """Position of set bit ``number`` (from 0) of a mask that is not negative, or -1."""
    for _ in range(number):
        mask &= mask - 1
    if mask == 0:
        return integer(-1)
    bit = integer(0)
    while (mask >> bit) & 1 == 0:
        bit += 1
    return bit


@rule
def bits_in(mask: int) -> int:
    """Number of set bits of a mask that is not negative."""
    seen = integer(0)
    while mask != 0:
        mask &= mask - 1
        seen += 1
    return seen


@rule
def rounded_reward(exact: float, tick: int, draw: float) -> int:
    """Round a reward to a multiple of the tick, up with the chance of its remainder.

    Rounding by chance keeps the mean, so that rewards of a few cents can still differ by a few per cent.
    ``exact`` and ``tick`` in micro-dollars.
    """
    ticks = exact / real(tick)
    whole = np.floor(ticks)
    if draw < ticks - whole:
        whole += 1.0
    return integer(whole) * tick


@kernel
def post(
    first: int,
    last: int,
    hour: int,
    arrivals_key: int,
    batches_key: int,
    noise_key: int,
    local_hour: Any,
    local_weekday: Any,
    requesters: Any,
    mixes: Any,
    types: Any,
    platforms: Any,
    floors: Any,
    subsidies: Any,
    tile_offset: Any,
    settings: Any,
    weekdays: Any,
    daily_life: Any,
    tiles: Any,
    listings: Any,
    batches: Any,
    count: int,
    end: int,
) -> tuple[int, int]:
    """Write what requesters ``first`` to ``last`` post in this hour to places ``count`` to ``end``.

    Returns the requester before whom there was no more room (-1 if none) and the place after the last batch.
    """
    setting = settings[0]
    office_weight = real(setting.office_hours) + (24.0 - real(setting.office_hours)) * real(
        setting.night_weight
    )
    for r in range(first, last):
        requester = requesters[r]
        rate = real(requester.batches_per_day)
        if rate <= 0.0:
            continue
        zone = integer(requester.zone)
        share = 1.0 / 24.0
        if platforms[requester.platform].daily_life:
            share = daily_life[local_weekday[zone], local_hour[zone]]
        elif requester.always_on == 0:
            since = (integer(local_hour[zone]) - integer(setting.office_start)) % 24
            share = 1.0 / office_weight
            if since >= integer(setting.office_hours):
                share *= real(setting.night_weight)
            share *= weekdays[local_weekday[zone]]
        requester_id = integer(requester.id)
        arrivals = poisson(uniform(arrivals_key, requester_id, 0), rate * share)
        if count + arrivals > end:
            return integer(r), integer(count)
        if arrivals == 0:
            continue
        on_true_time = setting.floor_on_true_time > 0
        own_share = 1.0 - subsidies[requester.country]
        usable = usable_platforms(requester, platforms, floors, own_share, on_true_time)
        expected = expected_unit_cost(requester, platforms, floors, 1.0, on_true_time)
        for _ in range(arrivals):
            count = write_batch(
                r,
                hour,
                usable,
                own_share,
                expected,
                sub_key(batches_key, requester_id * MOST_BATCHES + integer(requester.serial)),
                sub_key(noise_key, requester_id * MOST_BATCHES + integer(requester.serial)),
                requester,
                mixes[r],
                types,
                platforms,
                floors,
                tile_offset,
                setting,
                tiles,
                listings,
                batches,
                count,
            )
            requester.serial += 1
    return integer(-1), integer(count)


@rule
def lowest_floor(requester: Any, platform: Any, floors: Any) -> float:
    """Lowest floor (USD an hour) among the countries whose workers may do a requester's work on a platform.

    Who pays less has nobody left to do it.
    """
    lowest = real(platform.highest_floor)
    if lowest > 0.0:
        allowed = integer(requester.worker_mask) & integer(platform.worker_mask)
        for country in range(len(floors)):
            if (allowed >> country) & 1:
                lowest = min(lowest, floors[country])
    return lowest


@rule
def lowest_pay_of(requester: Any, platform: Any, floors: Any, on_true_time: bool) -> float:
    """USD an hour of stated time below which a requester does not post on a platform."""
    return lowest_pay(
        real(platform.reward_floor),
        lowest_floor(requester, platform, floors),
        requester.complies > 0,
        real(requester.bias) if on_true_time else 1.0,
    )


@rule
def reward_at(hourly: float, seconds: float) -> float:
    """Micro-dollars for some seconds of work at USD an hour."""
    return hourly * seconds * 1000000.0 / 3600.0


@rule
def open_to(mask: int, reward: float, seconds: float, floors: Any) -> int:
    """Bits of the countries of a mask whose workers may work so long for a reward (micro-dollars)."""
    for country in range(len(floors)):
        if reward < reward_at(floors[country], seconds):
            mask &= ~(integer(1) << country)
    return mask


@rule
def expected_unit_cost(
    requester: Any, platforms: Any, floors: Any, markup: float, on_true_time: bool
) -> float:
    """Cost of an hour of true time (USD) that a requester expects at its target on its home platform."""
    home = platforms[requester.platform]
    return unit_cost(
        real(requester.target),
        lowest_pay_of(requester, home, floors[requester.platform], on_true_time),
        real(home.requester_fee_ppm) / 1000000.0,
        real(requester.bias),
        markup,
    )


@rule
def usable_platforms(
    requester: Any, platforms: Any, floors: Any, own_share: float, on_true_time: bool
) -> int:
    """Bits of the requester's platforms whose promised pay its work is worth; the home's if there is none."""
    usable = integer(0)
    for p in range(len(platforms)):
        if (integer(requester.platform_mask) >> p) & 1 and affordable(
            real(requester.value),
            real(requester.bias),
            lowest_pay_of(requester, platforms[p], floors[p], on_true_time),
            real(platforms[p].requester_fee_ppm) / 1000000.0,
            own_share,
        ):
            usable |= integer(1) << p
    if usable == 0:
        usable = integer(1) << integer(requester.platform)
    return usable


@rule
def write_batch(
    r: int,
    hour: int,
    usable: int,
    own_share: float,
    expected: float,
    key: int,
    noise_key: int,
    requester: Any,
    mix: Any,
    types: Any,
    platforms: Any,
    floors: Any,
    tile_offset: Any,
    setting: Any,
    tiles: Any,
    listings: Any,
    batches: Any,
    count: int,
) -> int:
    """Draw one batch and write it at ``count``, unless its task costs more than it is worth, or is too long.

    ``usable`` has the bits of the platforms of which it is posted on one; of costs, the requester bears
    ``own_share`` and has ``expected`` USD an hour.
    """
    kind = integer(0)
    draw = uniform(key, DRAW_TYPE, 0)
    while kind < len(types) - 1 and draw >= mix[kind]:
        kind += 1
    task = types[kind]
    at = integer(0)
    on_true_time = setting.floor_on_true_time > 0
    number = bits_in(usable)
    if number > 1:
        at = integer(uniform(key, DRAW_PLATFORM, 0) * real(number))
    p = nth_bit(usable, at)
    platform = platforms[p]

    seconds = real(task.median_seconds) * exp(
        real(task.log_sigma) * normal_quantile(uniform(key, DRAW_SECONDS, 0))
    )
    true_seconds = integer(max(1.0, np.floor(min(LONGEST_TASK, seconds) + 0.5)))
    stated = integer(max(1.0, np.floor(real(true_seconds) / real(requester.bias) + 0.5)))
    size = integer(1)
    if uniform(key, DRAW_ONE_TASK, 0) >= real(task.one_task_share):
        largest = largest_batch(
            real(task.largest_batch),
            real(requester.base_demand) * real(setting.demand_cap_days),
            real(task.median_seconds) * real(task.assignments_per_task),
            real(task.size_scale),
        )
        size = integer(truncated_pareto(uniform(key, DRAW_SIZE, 0), real(task.size_exponent), 2.0, largest))
        if setting.size_elasticity > 0.0:
            # A part of a task is one by its chance, so that the mean is the work that is wanted.
            scale = size_scale(real(setting.size_seconds), real(true_seconds), real(setting.size_elasticity))
            exact_size = real(size) * scale + uniform(key, DRAW_PART, 0)
            size = integer(min(MOST_TASKS, np.floor(exact_size)))
            if size == 0:
                return count
    tasks = size
    per_task = integer(task.assignments_per_task)
    if task.many_workers:
        tasks = integer(1)
        per_task = size

    arm = integer(LOW_ARM)
    spread = -real(setting.pay_arm_spread)
    if uniform(key, DRAW_ARM, 0) >= 0.5:
        arm = integer(HIGH_ARM)
        spread = -spread
    hourly = real(requester.target) * real(task.pay_factor) * (1.0 + spread)
    lowest = lowest_pay_of(requester, platform, floors[p], on_true_time)
    hourly = max(hourly, lowest)
    tick = integer(platform.tick)
    exact = hourly * real(stated) * 1000000.0 / 3600.0
    if platform.click_price > 0.0:
        exact = real(platform.click_price) * real(integer(task.actions) * integer(platform.devices))
    reward = rounded_reward(exact, tick, uniform(key, DRAW_ROUNDING, 0))
    floor_reward = real(platform.reward_floor) * real(stated) * 1000000.0 / 3600.0
    counted = real(true_seconds if on_true_time else stated)
    if requester.complies:
        floor_reward = max(floor_reward, reward_at(lowest_floor(requester, platform, floors[p]), counted))
    if real(reward) < floor_reward:
        reward = integer(np.ceil(floor_reward / real(tick))) * tick
    reward = max(reward, integer(platform.minimum_reward))
    fee_ppm = integer(platform.requester_fee_ppm)
    if per_task >= integer(platform.large_batch_from):
        fee_ppm = integer(platform.large_batch_fee_ppm)
    owes = (integer(platform.royalty_payers) >> integer(requester.country)) & 1
    if owes and (integer(platform.royalty_types) >> kind) & 1:
        fee_ppm += integer(platform.royalty_ppm)
    task_hours = real(task.pay_factor) * real(true_seconds) * 1000000.0 / 3600.0
    worth = real(requester.value) * task_hours
    if real(reward) * (1.0 + real(fee_ppm) / 1000000.0) * own_share > worth:
        return count

    tiles[count] = integer(tile_offset[p]) + tile_of(
        uniform(key, DRAW_TILE, 0),
        integer(platform.boards),
        integer(platform.local),
        integer(requester.country),
    )
    listing = listings[count]
    listing.key = noise_key
    mask = integer(requester.worker_mask)
    if requester.complies and real(reward) < reward_at(real(platform.highest_floor), counted):
        mask = open_to(mask, real(reward), counted, floors[p])
    listing.country_mask = mask
    listing.log_stated_pay = log(real(reward) * 3600.0 / (real(stated) * 1000000.0))
    listing.taken_by = 0
    listing.left = tasks * per_task
    listing.shown_left = listing.left
    listing.tasks = tasks
    listing.true_seconds = true_seconds
    listing.approval_tasks = requester.approval_tasks
    listing.approval_rate = requester.approval_rate
    listing.rank_hash = priority(key, DRAW_TILE, 1) & 4294967295
    listing.type = kind
    listing.skill = task.skill
    listing.tertiary = task.tertiary
    batch = batches[count]
    batch.id = integer(requester.id) * MOST_BATCHES + integer(requester.serial)
    batch.requester = r
    batch.requester_country = requester.country
    batch.type = kind
    batch.arm = arm
    batch.open = 1
    batch.reward = reward
    batch.log_true_pay = log(real(reward) * 3600.0 / (real(true_seconds) * 1000000.0))
    batch.true_seconds = true_seconds
    batch.estimated_seconds = stated
    batch.tasks = tasks
    batch.assignments_per_task = per_task
    if setting.tool_share > 0.0:
        batch.standing = standing(real(requester.target), lowest, real(requester.bias))
    else:
        # Nobody keeps lists of requesters: the best paid are those with the highest reward.
        batch.standing = min(reward, integer(MOST_STANDING))
    batch.assignments = tasks * per_task
    batch.fee_ppm = fee_ppm
    batch.worth = worth
    batch.expected_cost = expected * task_hours
    batch.right = 0
    batch.escrow = 0
    batch.posted_hour = hour
    life = real(task.life_hours) * exp(
        real(setting.life_log_sigma) * normal_quantile(uniform(key, DRAW_LIFE, 0))
    )
    batch.expires_hour = hour + integer(max(1.0, min(100000.0, np.floor(life + 0.5))))
    batch.submitted = 0
    batch.accepted = 0
    batch.rejected = 0
    batch.waited_seconds = 0
    batch.first_start = -1
    batch.t10 = -1
    batch.t50 = -1
    batch.t90 = -1
    batch.t100 = -1
    batch.first_taker = -1
    return count + 1


@kernel
def sort_by_tile(
    count: int,
    tiles: Any,
    listings: Any,
    batches: Any,
    first: int,
    starts: Any,
    sorted_listings: Any,
    sorted_batches: Any,
) -> None:
    """Write so many drafts sorted by tile to places ``first`` on; ``starts`` says where a tile's begin.

    Sorted, each tile's are read one after another, not from all over the memory.
    """
    starts[:] = 0
    for i in range(count):
        starts[integer(tiles[i]) + 1] += 1
    before = integer(first)
    for tile in range(len(starts)):
        before += integer(starts[tile])
        starts[tile] = before
    for i in range(count):
        tile = integer(tiles[i])
        place = integer(starts[tile])
        sorted_listings[place] = listings[i]
        sorted_batches[place] = batches[i]
        starts[tile] += 1
    for tile in range(len(starts) - 1, 0, -1):
        starts[tile] = starts[tile - 1]
    starts[0] = first


@kernel
def fund(first: int, last: int, batches: Any, requesters: Any, recording: bool, rows: Any) -> int:
    """Write the transfers that fill the escrow of new batches ``first`` to ``last``; return how many.

    A requester's own balance (refunds) is used first; the rest comes from outside.
    """
    count = integer(0)
    for i in range(first, last):
        batch = batches[i]
        r = integer(batch.requester)
        requester = requesters[r]
        gross = integer(batch.reward) * integer(batch.assignments)
        cost = gross + ceil_ppm(gross, integer(batch.fee_ppm))
        country = integer(batch.requester_country)
        own = min(cost, integer(requester.balance) - integer(requester.committed))
        requester.committed += own
        if own < cost:
            write_row(rows[count], FUNDING, country, r, cost - own, country, country)
            count += 1
        write_row(rows[count], POSTING, r, i, cost, country, country)
        count += 1
        if recording:
            requester.batches += 1
            requester.posted += integer(batch.assignments)
    for i in range(first, last):
        requesters[batches[i].requester].committed = 0
    return count


@kernel
def revise_demand(
    requesters: Any,
    elasticity: float,
    base_fee: float,
    platforms: Any,
    floors: Any,
    subsidies: Any,
    on_true_time: bool,
) -> None:
    """Set how many batches a day each requester draws at its unit cost; those above worth fall out."""
    for r in range(len(requesters)):
        requester = requesters[r]
        cost = expected_unit_cost(requester, platforms, floors, real(requester.markup), on_true_time)
        cost *= 1.0 - subsidies[requester.country]
        base = unit_cost(real(requester.initial_target), 0.0, base_fee, real(requester.bias), 1.0)
        requester.batches_per_day = real(requester.base_batches) * demand_factor(cost, base, elasticity)
