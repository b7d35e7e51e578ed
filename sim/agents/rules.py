"""The rules by which agents decide: small pure functions of float64, int64 and bool.

Each rule is written once. The kernels compile it; an agent's own method calls it; with the
compiler off the same source is the slow reference. Money per hour is in USD unless named otherwise.
"""

from __future__ import annotations

import numpy as np

from sim.compile import integer, real, rule
from sim.numeric import exp, log, power


@rule
def participation(desired_hours: float, daily_hours_cap: float) -> float:
    """Chance to work on a day: min(0.95, sqrt(hours a week / (7 x 8))).

    Wanting more hours means more days and longer days alike.
    """
    return min(0.95, real(np.sqrt(desired_hours / (7.0 * min(8.0, daily_hours_cap)))))


@rule
def session_minutes_mean(desired_hours: float, daily_hours_cap: float) -> float:
    """Mean session in minutes, so that chance x 7 x session = desired hours a week."""
    return desired_hours * 60.0 / (7.0 * participation(desired_hours, daily_hours_cap))


@rule
def speed_log_gain(tasks_done: float, gain: float, half_tasks: float) -> float:
    """Gain in log speed after some tasks: gain x n / (n + half)."""
    return gain * tasks_done / (tasks_done + half_tasks)


@rule
def noise_sigma(tasks_done: float, new: float, experienced: float, half_tasks: float) -> float:
    """Spread of the error in perceived pay (log points); falls with tasks done."""
    return new + (experienced - new) * tasks_done / (tasks_done + half_tasks)


@rule
def believed_rejection(accepted: float, rejected: float, prior: float, prior_tasks: float) -> float:
    """Share of rejections a worker expects: the own record, with a prior worth some tasks."""
    return (rejected + prior * prior_tasks) / (accepted + rejected + prior_tasks)


@rule
def own_seconds(true_seconds: float, log_speed: float) -> int:
    """Seconds a worker of a given log speed needs for a task; at least one."""
    return integer(max(1.0, np.floor(true_seconds * exp(-log_speed) + 0.5)))


@rule
def satisficing(log_perceived_pay: float, log_reservation: float) -> bool:
    """Accept the first listing whose perceived net hourly pay reaches the reservation wage.

    Both in log USD per hour.
    """
    return log_perceived_pay >= log_reservation


@rule
def returns_task(log_true_pay: float, log_reservation: float, log_return_ratio: float) -> bool:
    """Give a first task back unpaid when its true pay is far under the reservation wage."""
    return log_true_pay < log_reservation + log_return_ratio


@rule
def log_reservation(log_base: float, learned_pay: float, weight: float) -> float:
    """Reservation wage in logs: log((1 - weight) x base + weight x learned); base if nothing is learned."""
    if learned_pay <= 0.0:
        return log_base
    return log((1.0 - weight) * exp(log_base) + weight * learned_pay)


@rule
def smoothed(old: float, new: float, weight: float) -> float:
    """Exponential smoothing; the first observation counts in full (old < 0 means none yet)."""
    if old < 0.0:
        return new
    return old + weight * (new - old)


@rule
def below_outside_value(all_in_pay: float, log_base: float, shock: float) -> bool:
    """Whether smoothed all-in pay lies below the outside value, base reservation wage x exp(shock)."""
    return all_in_pay < exp(log_base + shock)


@rule
def demand_factor(unit_cost: float, base_cost: float, elasticity: float) -> float:
    """Demand relative to base demand: (cost / base cost) ** -elasticity."""
    return power(unit_cost / base_cost, -elasticity)


@rule
def arm_profit(
    fill: float, pay: float, value: float, cost_factor: float, waited_days: float, delay_cost: float
) -> float:
    """Profit expected from an hour of posted work: fill x (value - cost) - cost of delay (USD)."""
    return fill * (value - cost_factor * pay) - delay_cost * value * waited_days


@rule
def profit_search(
    target: float,
    value: float,
    cost_factor: float,
    low_pay: float,
    high_pay: float,
    step: float,
    fill_low: float,
    waited_low: float,
    fill_high: float,
    waited_high: float,
    delay_cost: float,
    target_fill_days: float,
) -> float:
    """Move the hourly target towards the randomised arm with the higher expected profit.

    ``low_pay`` and ``high_pay`` are what the arms paid an hour, floors included; ``waited_*`` are mean
    days waited. Returns the new target (USD per hour) before bounds.
    """
    low = arm_profit(fill_low, low_pay, value, cost_factor, waited_low, delay_cost)
    high = arm_profit(fill_high, high_pay, value, cost_factor, waited_high, delay_cost)
    if high > low:
        return target * (1.0 + step)
    if high < low:
        return target / (1.0 + step)
    return target


@rule
def fill_time(
    target: float,
    value: float,
    cost_factor: float,
    low_pay: float,
    high_pay: float,
    step: float,
    fill_low: float,
    waited_low: float,
    fill_high: float,
    waited_high: float,
    delay_cost: float,
    target_fill_days: float,
) -> float:
    """Raise the target when work waits longer than the time set for it, lower it at under half of that."""
    waited = 0.5 * (waited_low + waited_high)
    if waited > target_fill_days:
        return target * (1.0 + step)
    if waited < 0.5 * target_fill_days:
        return target / (1.0 + step)
    return target


@rule
def fixed(
    target: float,
    value: float,
    cost_factor: float,
    low_pay: float,
    high_pay: float,
    step: float,
    fill_low: float,
    waited_low: float,
    fill_high: float,
    waited_high: float,
    delay_cost: float,
    target_fill_days: float,
) -> float:
    """Never revise pay: for theory and tests."""
    return target


@rule
def bounded_target(target: float, value: float, cost_factor: float, floor: float) -> float:
    """Keep a pay target at or above the floor and one cent an hour, and below the pay of no profit.

    A floor beyond the pay of no profit stands: the requester then posts nothing.
    """
    return max(0.01, floor, min(target, value / cost_factor))


@rule
def largest_batch(type_limit: float, demand_seconds: float, seconds: float) -> float:
    """Most tasks a requester puts in a batch: the type's limit, some days of its own demand; at least 3."""
    return max(3.0, min(type_limit, demand_seconds / seconds))
