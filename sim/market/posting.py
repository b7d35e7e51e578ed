"""Posting: requesters at work put batches on the boards and money into escrow."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.agents.rules import demand_factor, largest_batch
from sim.compile import kernel, rule
from sim.draws import priority, sub_key, uniform
from sim.ledger import FUNDING, POSTING
from sim.market.board import BATCHES, POSTED
from sim.numeric import ceil_ppm, exp, log, normal_quantile, poisson, truncated_pareto

LONGEST_TASK = 3000.0
LOW_ARM, HIGH_ARM = 0, 1

(DRAW_TYPE, DRAW_ONE_TASK, DRAW_SIZE, DRAW_SECONDS, DRAW_ARM, DRAW_ROUNDING, DRAW_LIFE, DRAW_PLATFORM, DRAW_TILE) = range(9)
"""Numbers of the draws of one batch."""


@rule
def nth_bit(mask: int, number: int) -> int:
    """Position of set bit ``number`` (from 0) of a mask, or -1."""
    seen = np.int64(0)
    for bit in range(63):
        if (mask >> bit) & 1:
            if seen == number:
                return np.int64(bit)
            seen += 1
    return np.int64(-1)


@rule
def bits_in(mask: int) -> int:
    """Number of set bits of a mask."""
    seen = np.int64(0)
    for bit in range(63):
        seen += (mask >> bit) & 1
    return seen


@rule
def rounded_reward(exact: float, tick: int, draw: float) -> int:
    """Round a reward to a multiple of the tick, up with the chance of its remainder.

    Rounding by chance keeps the mean, so that rewards of a few cents can still differ by a few per cent.
    ``exact`` and ``tick`` in micro-dollars.
    """
    ticks = exact / np.float64(tick)
    whole = np.floor(ticks)
    if draw < ticks - whole:
        whole += 1.0
    return np.int64(whole) * tick


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
    tile_offset: Any,
    settings: Any,
    weekdays: Any,
    tiles: Any,
    listings: Any,
    batches: Any,
    count: int,
) -> tuple[int, int]:
    """Write the batches that requesters ``first`` to ``last`` post in this hour, from place ``count`` on.

    Returns the requester before whom the buffers were full (-1 if none) and how many batches there are.
    """
    setting = settings[0]
    office_weight = np.float64(setting.office_hours) + (24.0 - np.float64(setting.office_hours)) * np.float64(
        setting.night_weight
    )
    for r in range(first, last):
        requester = requesters[r]
        rate = np.float64(requester.batches_per_day)
        if rate <= 0.0:
            continue
        zone = np.int64(requester.zone)
        share = 1.0 / 24.0
        if requester.always_on == 0:
            since = (np.int64(local_hour[zone]) - np.int64(setting.office_start)) % 24
            share = 1.0 / office_weight
            if since >= np.int64(setting.office_hours):
                share *= np.float64(setting.night_weight)
            share *= weekdays[local_weekday[zone]]
        requester_id = np.int64(requester.id)
        arrivals = poisson(uniform(arrivals_key, requester_id, 0), rate * share)
        if count + arrivals > len(tiles):
            return np.int64(r), np.int64(count)
        for _ in range(arrivals):
            count = write_batch(
                r,
                hour,
                sub_key(batches_key, requester_id * 16777216 + np.int64(requester.serial)),
                sub_key(noise_key, requester_id * 16777216 + np.int64(requester.serial)),
                requester,
                mixes[r],
                types,
                platforms,
                tile_offset,
                setting,
                tiles,
                listings,
                batches,
                count,
            )
            requester.serial += 1
    return np.int64(-1), np.int64(count)


@rule
def write_batch(
    r: int,
    hour: int,
    key: int,
    noise_key: int,
    requester: Any,
    mix: Any,
    types: Any,
    platforms: Any,
    tile_offset: Any,
    setting: Any,
    tiles: Any,
    listings: Any,
    batches: Any,
    count: int,
) -> int:
    """Draw one batch and write it at ``count``, unless its task costs more than it is worth."""
    kind = np.int64(0)
    draw = uniform(key, DRAW_TYPE, 0)
    while kind < len(types) - 1 and draw >= mix[kind]:
        kind += 1
    task = types[kind]
    at = np.int64(0)
    usable = bits_in(np.int64(requester.platform_mask))
    if usable > 1:
        at = np.int64(uniform(key, DRAW_PLATFORM, 0) * np.float64(usable))
    p = nth_bit(np.int64(requester.platform_mask), at)
    platform = platforms[p]

    seconds = np.float64(task.median_seconds) * exp(
        np.float64(task.log_sigma) * normal_quantile(uniform(key, DRAW_SECONDS, 0))
    )
    true_seconds = np.int64(max(1.0, np.floor(min(LONGEST_TASK, seconds) + 0.5)))
    stated = np.int64(max(1.0, np.floor(np.float64(true_seconds) / np.float64(requester.bias) + 0.5)))
    size = np.int64(1)
    if uniform(key, DRAW_ONE_TASK, 0) >= np.float64(task.one_task_share):
        largest = largest_batch(
            np.float64(task.largest_batch),
            np.float64(requester.base_demand) * np.float64(setting.demand_cap_days),
            np.float64(task.median_seconds) * np.float64(task.assignments_per_task),
        )
        size = np.int64(truncated_pareto(uniform(key, DRAW_SIZE, 0), np.float64(task.size_exponent), 2.0, largest))
    tasks = size
    per_task = np.int64(task.assignments_per_task)
    if task.many_workers:
        tasks = np.int64(1)
        per_task = size

    arm = np.int64(LOW_ARM)
    spread = -np.float64(setting.pay_arm_spread)
    if uniform(key, DRAW_ARM, 0) >= 0.5:
        arm = np.int64(HIGH_ARM)
        spread = -spread
    hourly = np.float64(requester.target) * np.float64(task.pay_factor) * (1.0 + spread)
    hourly = max(hourly, np.float64(platform.reward_floor))
    tick = np.int64(platform.tick)
    reward = rounded_reward(hourly * np.float64(stated) * 1000000.0 / 3600.0, tick, uniform(key, DRAW_ROUNDING, 0))
    floor_reward = np.float64(platform.reward_floor) * np.float64(stated) * 1000000.0 / 3600.0
    if np.float64(reward) < floor_reward:
        reward = np.int64(np.ceil(floor_reward / np.float64(tick))) * tick
    reward = max(reward, np.int64(platform.minimum_reward))
    fee_ppm = np.int64(platform.requester_fee_ppm)
    if per_task >= np.int64(platform.large_batch_from):
        fee_ppm = np.int64(platform.large_batch_fee_ppm)
    worth = np.float64(requester.value) * np.float64(task.pay_factor) * np.float64(true_seconds) * 1000000.0 / 3600.0
    if np.float64(reward) * (1.0 + np.float64(fee_ppm) / 1000000.0) > worth:
        return count

    tile = np.int64(uniform(key, DRAW_TILE, 0) * np.float64(platform.boards))
    tiles[count] = np.int64(tile_offset[p]) + tile
    listing = listings[count]
    listing.key = noise_key
    listing.country_mask = requester.worker_mask
    listing.log_stated_pay = log(np.float64(reward) * 3600.0 / (np.float64(stated) * 1000000.0))
    listing.log_true_pay = log(np.float64(reward) * 3600.0 / (np.float64(true_seconds) * 1000000.0))
    listing.reward = reward
    listing.left = tasks * per_task
    listing.tasks = tasks
    listing.true_seconds = true_seconds
    listing.approval_tasks = requester.approval_tasks
    listing.approval_rate = requester.approval_rate
    listing.type = kind
    listing.skill = task.skill
    listing.tertiary = task.tertiary
    batch = batches[count]
    batch.id = np.int64(requester.id) * 16777216 + np.int64(requester.serial)
    batch.requester = r
    batch.requester_country = requester.country
    batch.type = kind
    batch.arm = arm
    batch.open = 1
    batch.reward = reward
    batch.true_seconds = true_seconds
    batch.estimated_seconds = stated
    batch.tasks = tasks
    batch.assignments_per_task = per_task
    batch.assignments = tasks * per_task
    batch.fee_ppm = fee_ppm
    batch.escrow = 0
    batch.rank_hash = priority(key, DRAW_TILE, 1) & 4294967295
    batch.posted_hour = hour
    life = np.float64(setting.life_hours_median) * exp(
        np.float64(setting.life_log_sigma) * normal_quantile(uniform(key, DRAW_LIFE, 0))
    )
    batch.expires_hour = hour + np.int64(max(1.0, min(100000.0, np.floor(life + 0.5))))
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


@rule
def fund_row(row: Any, kind: int, debit: int, credit: int, amount: int, country: int) -> None:
    """Fill a transfer inside the requester's country."""
    row.kind = kind
    row.debit = debit
    row.credit = credit
    row.amount = amount
    row.debit_country = country
    row.credit_country = country


@kernel
def fund(added: Any, more: int, batches: Any, requesters: Any, recording: bool, demand: Any, rows: Any) -> int:
    """Write the transfers that fill the escrow of the batches just put on a board; return how many.

    A requester's own balance (refunds) is used first; the rest comes from outside.
    """
    count = np.int64(0)
    for i in range(more):
        slot = np.int64(added[i])
        batch = batches[slot]
        r = np.int64(batch.requester)
        requester = requesters[r]
        gross = np.int64(batch.reward) * np.int64(batch.assignments)
        cost = gross + ceil_ppm(gross, np.int64(batch.fee_ppm))
        country = np.int64(batch.requester_country)
        own = min(cost, np.int64(requester.balance) - np.int64(requester.committed))
        requester.committed += own
        if own < cost:
            fund_row(rows[count], FUNDING, country, r, cost - own, country)
            count += 1
        fund_row(rows[count], POSTING, r, slot, cost, country)
        count += 1
        demand[country, POSTED] += np.int64(batch.assignments)
        demand[country, BATCHES] += 1
        if recording:
            requester.batches += 1
            requester.posted += np.int64(batch.assignments)
    for i in range(more):
        requesters[batches[np.int64(added[i])].requester].committed = 0
    return count


@kernel
def revise_demand(requesters: Any, elasticity: float, base_fee: float, platforms: Any) -> None:
    """Set how many batches a day each requester posts at its present unit cost."""
    for r in range(len(requesters)):
        requester = requesters[r]
        fee = np.float64(platforms[requester.platform].requester_fee_ppm) / 1000000.0
        cost = np.float64(requester.target) * (1.0 + fee)
        base = np.float64(requester.initial_target) * (1.0 + base_fee)
        factor = 0.0
        if cost <= np.float64(requester.value):
            factor = demand_factor(cost, base, elasticity)
        requester.batches_per_day = np.float64(requester.base_batches) * factor
