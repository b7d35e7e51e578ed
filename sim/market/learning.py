"""The week: what workers learned about pay, who leaves, who changes platform."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.rules import base_reservation, below_outside_value, log_reservation, smoothed, tile_of
from sim.agents.traits import (
    ACTIVE,
    NEWCOMER,
    platform_of,
    put_paid_seconds_weeks_below,
    put_platform,
    segment_of,
    week_paid_seconds_of,
    weeks_below_of,
    worker_id,
)
from sim.compile import integer, kernel, real, rule
from sim.draws import normal, uniform
from sim.market.tools import has_tools
from sim.numeric import exp

STAYS, LEAVES = 0, 1
DRAW_RECONSIDER, DRAW_PLATFORM = range(2)
DRAW_CHANGES, DRAW_ANEW = range(2)


@kernel
def change_circumstances(
    first: int, last: int, key: int, chance: float, workers: Any, segments: Any, countries: Any, settings: Any
) -> None:
    """Draw the base reservation wage of some workers anew: a job found or lost, a child, a school ended."""
    setting = settings[0]
    for row in range(first, last):
        worker = workers[row]
        if not worker.bits & ACTIVE:
            continue
        agent = worker_id(integer(worker.number), integer(worker.country))
        if uniform(key, agent, DRAW_CHANGES) < chance:
            segment, place = segments[segment_of(worker)], countries[worker.country]
            worker.log_base_reservation = base_reservation(
                real(segment.reservation_ratio),
                real(place.outside_wage),
                real(setting.reservation_log_sigma),
                uniform(key, agent, DRAW_ANEW),
                real(setting.need) * real(place.price_level),
            )


@kernel
def learn(
    first: int,
    last: int,
    tool_key: int,
    workers: Any,
    platforms: Any,
    shift_pay: Any,
    history: Any,
    recording: bool,
    settings: Any,
) -> None:
    """Update learned pay, all-in pay and the reservation wage of workers ``first`` to ``last``.

    Whoever has tools sees what an hour brings, and holds out for it.
    ``shift_pay`` (micro-dollars) is what the first of them got this week for open shifts, beside their tasks.
    """
    setting = settings[0]
    weight = real(setting.pay_smoothing)
    for row in range(first, last):
        worker = workers[row]
        if not worker.bits & ACTIVE:
            continue
        pay = real(worker.week_pay) / 1000000.0
        paid_seconds = week_paid_seconds_of(worker)
        if paid_seconds > 0:
            hourly = pay * 3600.0 / real(paid_seconds)
            worker.learned_pay = smoothed(real(worker.learned_pay), hourly, weight)
        if worker.week_seconds > 0:
            earned = pay
            if row < len(shift_pay):
                earned += real(shift_pay[row]) / 1000000.0
            hourly = earned * 3600.0 / real(worker.week_seconds)
            worker.all_in_pay = smoothed(real(worker.all_in_pay), hourly, weight)
        known = real(setting.reservation_weight)
        if has_tools(worker, platforms[platform_of(worker)], tool_key, setting):
            known = real(setting.tool_reservation_weight)
        worker.log_reservation = log_reservation(
            real(worker.log_base_reservation),
            real(worker.all_in_pay),
            known,
        )
        if recording:
            past = history[row]
            past.weeks += 1
            past.weekly_sum += pay
            past.weekly_squares += pay * pay


@kernel
def decide_to_leave(
    first: int,
    last: int,
    week: int,
    shock_key: int,
    shock_sigma: float,
    shock_weeks: int,
    leave_weeks: int,
    workers: Any,
    leaving: Any,
) -> None:
    """Count weeks below the outside value; mark in ``leaving`` who has had enough of them.

    Workers who did not work this week learn nothing and do not count it. A worker's shock changes every
    ``shock_weeks``, for each worker in a week of its own.
    """
    for row in range(first, last):
        worker = workers[row]
        leaving[row] = STAYS
        if not worker.bits & ACTIVE or worker.week_seconds == 0:
            continue
        agent = worker_id(integer(worker.number), integer(worker.country))
        offset = integer(uniform(shock_key, agent, 0) * real(shock_weeks))
        shock = shock_sigma * normal(shock_key, agent, 1 + (week + offset) // shock_weeks)
        weeks = integer(0)
        if below_outside_value(real(worker.all_in_pay), real(worker.log_base_reservation), shock):
            weeks = min(255, weeks_below_of(worker) + 1)
        put_paid_seconds_weeks_below(worker, week_paid_seconds_of(worker), weeks)
        if weeks >= leave_weeks:
            leaving[row] = LEAVES


@kernel
def make_records(first: int, last: int, key: int, chance: float, workers: Any) -> None:
    """Let some newcomers be known on their platform: each with the same chance in every week."""
    for row in range(first, last):
        worker = workers[row]
        if worker.bits & NEWCOMER:
            agent = worker_id(integer(worker.number), integer(worker.country))
            if uniform(key, agent, 0) < chance:
                worker.bits = integer(worker.bits) - NEWCOMER


@kernel
def clear_week(first: int, last: int, workers: Any) -> None:
    """Begin a new week of pay and time."""
    for row in range(first, last):
        worker = workers[row]
        worker.week_pay = 0
        worker.week_seconds = 0
        put_paid_seconds_weeks_below(worker, 0, weeks_below_of(worker))


@rule
def choose_platform(
    draw: float, country: int, present: int, log_pay: Any, platforms: Any, sensitivity: float, inertia: float
) -> int:
    """Logit choice among the platforms that admit a country, on log expected pay; ``present`` is favoured.

    ``present`` is -1 for those who join. ``log_pay[platform, country]`` is log USD per hour on duty.
    """
    highest = -1e300
    for p in range(len(platforms)):
        if (integer(platforms[p].worker_mask) >> country) & 1:
            utility = sensitivity * log_pay[p, country]
            if p == present:
                utility += inertia
            highest = max(highest, utility)
    total = 0.0
    for p in range(len(platforms)):
        if (integer(platforms[p].worker_mask) >> country) & 1:
            utility = sensitivity * log_pay[p, country] - highest
            if p == present:
                utility += inertia
            total += exp(max(-700.0, utility))
    mark = draw * total
    chosen = integer(-1)
    for p in range(len(platforms)):
        if (integer(platforms[p].worker_mask) >> country) & 1:
            utility = sensitivity * log_pay[p, country] - highest
            if p == present:
                utility += inertia
            mark -= exp(max(-700.0, utility))
            chosen = integer(p)
            if mark < 0.0:
                return chosen
    return chosen


@kernel
def reconsider(
    first: int,
    last: int,
    switch_key: int,
    share: float,
    sensitivity: float,
    inertia: float,
    log_pay: Any,
    platforms: Any,
    workers: Any,
    wanted: Any,
) -> None:
    """Let some workers choose a platform again; ``wanted`` gets the platform each wants."""
    for row in range(first, last):
        worker = workers[row]
        wanted[row] = platform_of(worker)
        if not worker.bits & ACTIVE:
            continue
        agent = worker_id(integer(worker.number), integer(worker.country))
        if uniform(switch_key, agent, DRAW_RECONSIDER) >= share:
            continue
        chosen = choose_platform(
            uniform(switch_key, agent, DRAW_PLATFORM),
            integer(worker.country),
            platform_of(worker),
            log_pay,
            platforms,
            sensitivity,
            inertia,
        )
        if chosen >= 0:
            wanted[row] = chosen


@kernel
def place(rows: Any, tile_key: int, tile_offset: Any, platforms: Any, workers: Any) -> None:
    """Give each of ``rows`` its tile on its platform."""
    for k in range(len(rows)):
        worker = workers[rows[k]]
        agent = worker_id(integer(worker.number), integer(worker.country))
        p = platform_of(worker)
        worker.tile = integer(tile_offset[p]) + tile_of(
            uniform(tile_key, agent, 0),
            integer(platforms[p].boards),
            integer(platforms[p].local),
            integer(worker.country),
        )


@kernel
def choose_first_platform(
    rows: Any, switch_key: int, sensitivity: float, log_pay: Any, platforms: Any, workers: Any
) -> None:
    """Let those who join choose a platform; none is favoured."""
    for k in range(len(rows)):
        worker = workers[rows[k]]
        agent = worker_id(integer(worker.number), integer(worker.country))
        chosen = choose_platform(
            uniform(switch_key, agent, DRAW_PLATFORM),
            integer(worker.country),
            -1,
            log_pay,
            platforms,
            sensitivity,
            0.0,
        )
        put_platform(worker, chosen)


def attraction(earnings: NDArray[np.float64], sharpness: int) -> NDArray[np.float64]:
    """Cumulative weights of the 24 UTC hours by country and segment.

    The weight of an hour is its pay per second on duty to the power ``sharpness``; hours nobody
    tried count as average. ``earnings[..., 0]`` is micro-dollars, ``earnings[..., 1]`` seconds.
    """
    pay, seconds = earnings[..., 0], earnings[..., 1]
    total_pay, total_seconds = np.cumsum(pay, axis=-1)[..., -1:], np.cumsum(seconds, axis=-1)[..., -1:]
    average = np.where(total_seconds > 0, total_pay / np.maximum(total_seconds, 1.0), 0.0)
    rate = np.where(seconds > 0, pay / np.maximum(seconds, 1e-9), average)
    relative = np.where(average > 0, rate / np.where(average > 0, average, 1.0), 1.0)
    weight = np.ones_like(relative)
    for _ in range(sharpness):
        weight = weight * relative
    running = np.cumsum(weight, axis=-1)
    flat = np.broadcast_to(np.arange(1, 25) / 24.0, running.shape)
    total = running[..., -1:]
    return np.ascontiguousarray(np.where(total > 0, running / np.where(total > 0, total, 1.0), flat))
