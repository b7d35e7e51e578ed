"""Duty: who works today, from which hour and for how long; drawn once a day at 00 UTC."""

from __future__ import annotations

from typing import Any

from sim.agents.rules import hours_with_income, participation, session_minutes_mean
from sim.agents.traits import (
    ACTIVE,
    platform_of,
    segment_of,
    session_minutes_of,
    session_start_of,
    worker_id,
)
from sim.compile import integer, kernel, real, rule
from sim.draws import uniform
from sim.numeric import exp, geometric
from sim.policy.effects import GIVEN_UP, UNEARNED

DRAW_WORKS, DRAW_MINUTES, DRAW_WHERE, DRAW_GOOD_HOUR, DRAW_AWAKE, DRAW_OWN_HOUR = range(6)
NOT_TODAY = -1

HOURS_AHEAD = 12
"""Hours whose workers are sorted together, from 00 and from 12 UTC: a day's would take twice the room."""


@rule
def start_hour_of_day(
    worker: Any,
    segment: Any,
    where: float,
    good: float,
    awake: float,
    own: float,
    best_hours: Any,
    awake_share: Any,
    local_hours: Any,
    start_utc: Any,
) -> int:
    """UTC hour at which a worker starts: a good hour by experience, or any hour of the own window.

    Whoever would sleep at the good hour keeps to the own window. ``best_hours`` holds cumulative weights of
    the 24 UTC hours, ``awake_share`` who is awake by local hour; ``local_hours`` the local hour of each UTC
    hour in the worker's zone, ``start_utc`` the UTC hour of each local hour. The others are uniform draws.
    """
    if where < real(segment.flexibility):
        hour = integer(0)
        while hour < 23 and good >= best_hours[hour]:
            hour += 1
        if awake < awake_share[local_hours[hour]]:
            return hour
    local = (integer(segment.window_start) + integer(own * real(segment.window_hours))) % 24
    return integer(start_utc[local])


@rule
def minutes_to_sleep(local: int, awake: float, awake_share: Any) -> int:
    """Minutes from the start of a local hour to the first later hour at which the worker would sleep."""
    hours = integer(1)
    while hours < 24 and awake < awake_share[(local + hours) % 24]:
        hours += 1
    return 60 * hours


@rule
def rested_session(
    start: int, minutes: int, last_start: int, last_minutes: int, cap_minutes: int, day_end: int
) -> int:
    """Start hour and minutes of a session after the last one, packed as hour x 2048 + minutes; -1 if none.

    A session begins after the last one ended. Two sessions less than (24 hours - cap) apart may not
    exceed the cap together, so that nobody is on duty for more than the cap in any 24 hours.
    """
    last_end = last_start * 60 + last_minutes
    if start * 60 < last_end:
        start = (last_end + 59) // 60
    if start >= day_end:
        return integer(-1)
    minutes = min(minutes, cap_minutes)
    if start * 60 - last_end < 1440 - cap_minutes:
        minutes = min(minutes, cap_minutes - last_minutes)
    if minutes <= 0:
        return integer(-1)
    return integer(start * 2048 + minutes)


@kernel
def draw_duty(
    first: int,
    last: int,
    day: int,
    duty_key: int,
    cap_minutes: int,
    workers: Any,
    segments: Any,
    best_hours: Any,
    awake_share: Any,
    local_hours: Any,
    start_utc: Any,
    effects: Any,
    today: Any,
) -> None:
    """Draw today's session of workers ``first`` to ``last``.

    ``today`` gets the start hour of the day of each, ``NOT_TODAY`` for those who do not work.
    """
    for row in range(first, last):
        worker = workers[row]
        today[row] = NOT_TODAY
        if not worker.bits & ACTIVE:
            continue
        agent = worker_id(integer(worker.number), integer(worker.country))
        desired = real(worker.desired_minutes) / 60.0
        effect = effects[platform_of(worker), worker.country]
        if effect[UNEARNED] * effect[GIVEN_UP] < 0.0:
            # Whoever has learned to expect next to nothing would give up all hours for a few cents.
            hourly = max(real(worker.all_in_pay), exp(real(worker.log_base_reservation)))
            desired = hours_with_income(desired, effect[UNEARNED], effect[GIVEN_UP], hourly)
            if desired <= 0.0:
                continue
        cap_hours = real(cap_minutes) / 60.0
        if uniform(duty_key, agent, DRAW_WORKS) >= participation(desired, cap_hours):
            continue
        own_segment = segment_of(worker)
        segment = segments[own_segment]
        awake = uniform(duty_key, agent, DRAW_AWAKE)
        start = start_hour_of_day(
            worker,
            segment,
            uniform(duty_key, agent, DRAW_WHERE),
            uniform(duty_key, agent, DRAW_GOOD_HOUR),
            awake,
            uniform(duty_key, agent, DRAW_OWN_HOUR),
            best_hours[worker.country, own_segment],
            awake_share,
            local_hours[worker.zone],
            start_utc[worker.zone],
        )
        mean = session_minutes_mean(desired, cap_hours)
        minutes = min(
            geometric(uniform(duty_key, agent, DRAW_MINUTES), max(1.0, mean)),
            minutes_to_sleep(integer(local_hours[worker.zone, start]), awake, awake_share),
        )
        session = rested_session(
            24 * day + start,
            minutes,
            session_start_of(worker),
            session_minutes_of(worker),
            cap_minutes,
            24 * day + 24,
        )
        if session < 0:
            continue
        worker.session = session
        today[row] = session // 2048 - 24 * day


@kernel
def bucket(
    workers: Any, count: int, today: Any, first_hour: int, boards: int, starts: Any, order: Any
) -> None:
    """Sort by tile and hour who starts in ``HOURS_AHEAD``: sleepers cost nothing in the hour.

    ``starts[tile * 24 + hour]`` becomes where a bucket begins in ``order``; those of other hours are empty.
    """
    starts[:] = 0
    end = first_hour + HOURS_AHEAD
    for row in range(count):
        if first_hour <= today[row] < end:
            starts[integer(workers[row].tile) * 24 + integer(today[row]) + 1] += 1
    for i in range(boards * 24):
        starts[i + 1] += starts[i]
    for i in range(boards * 24, 0, -1):
        starts[i] = starts[i - 1]
    starts[0] = 0
    for row in range(count):
        if first_hour <= today[row] < end:
            place = integer(workers[row].tile) * 24 + integer(today[row]) + 1
            order[starts[place]] = row
            starts[place] += 1
