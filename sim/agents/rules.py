"""The rules by which agents decide: small pure functions of float64, int64 and bool.

Each rule is written once. The kernels compile it; an agent's own method calls it; with the
compiler off the same source is the slow reference. Money per hour is in USD unless named otherwise.
"""

from __future__ import annotations

import numpy as np

from sim.compile import integer, real, rule
from sim.draws import normal
from sim.numeric import exp, log, normal_cdf, normal_quantile, power

LONGEST_TASK = 3000.0
"""Seconds at which true task times are cut off: work fits into an hour."""

MOST_STANDING = 2147483647.0
"""Micro-dollars beyond which the standing of a requester is not told apart."""

MOST_TASKS = 1000000.0
"""Tasks at which batches are cut off, as their records have no room for more."""

STEP_GROWTH, STEP_SHRINKAGE = 1.5, 0.6
"""Factors of the step of a search by signs (Riedmiller and Braun 1993, IEEE ICNN)."""


@rule
def participation(desired_hours: float, daily_hours_cap: float) -> float:
    """Chance to work on a day: min(0.95, sqrt(hours a week / (7 x min(8, cap)))).

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
def trust(sigma: float, spread: float) -> float:
    """Weight of what a listing seems to pay against what tasks paid before: spread^2 / (spread^2 + sigma^2).

    The best guess of one who knows that pay differs between listings by ``spread`` and is seen with an error
    of ``sigma`` (both log points).
    """
    if sigma <= 0.0:
        return 1.0
    return spread * spread / (spread * spread + sigma * sigma)


@rule
def uses_tools(draw: float, share: float, tasks_done: float, half_tasks: float) -> bool:
    """Whether a worker has taken up tools by now: some share n / (n + half) of those who ever do.

    ``draw`` is the worker's, once and for all: who has tools keeps them.
    """
    return draw < share * tasks_done / (tasks_done + half_tasks)


@rule
def look_with_tools(look_seconds: int, ratio: float) -> int:
    """Seconds for one look at a listing that tools have found; at least one."""
    return max(integer(1), integer(real(look_seconds) * ratio + 0.5))


@rule
def standing(target: float, lowest: float, bias: float) -> int:
    """Micro-dollars for an hour of true time that a requester is known to pay: what lists of requesters tell.

    It is what the requester aims at, or must pay, at present; no single batch changes it.
    """
    return integer(min(MOST_STANDING, max(target, lowest) * 1000000.0 / bias))


@rule
def asking_share(approval_share: float, fair_share: float, fair: bool) -> float:
    """Share of the requesters that pay fairly, or of the others, who ask for an approval record.

    The good work is what one must qualify for: of those who ask, as many as there are pay fairly.
    """
    if not 0.0 < fair_share < 1.0:
        return approval_share
    if fair:
        return min(1.0, approval_share / fair_share)
    return max(0.0, approval_share - fair_share) / (1.0 - fair_share)


@rule
def believed_rejection(accepted: float, rejected: float, prior: float, prior_tasks: float) -> float:
    """Share of rejections a worker expects: the own record, with a prior worth some tasks."""
    return (rejected + prior * prior_tasks) / (accepted + rejected + prior_tasks)


@rule
def rating_effect(own: float, accepted: float, rejected: float, prior_tasks: float) -> float:
    """Log points by which others' tasks for a requester change the pay expected of it; 0 without any.

    They move the share of rejections that is expected from the ``own`` one, which weighs as much as a prior.
    """
    if accepted + rejected <= 0.0:
        return 0.0
    return log(1.0 - believed_rejection(accepted, rejected, own, prior_tasks)) - log(1.0 - own)


@rule
def pace(key: int, agent: int, sigma: float) -> float:
    """Log of how fast the tasks of a batch go for one worker, beyond speed; shown by the first task only.

    ``key`` is the batch's; its draw number 0 is the noise in perceived pay.
    """
    return sigma * normal(key, agent, 1)


@rule
def spell(key: int, agent: int, done: int, median: float, sigma: float) -> float:
    """Seconds that a worker who has done some tasks of a batch stays with it: lognormal, at most an hour.

    ``key`` is the batch's; ``median`` in seconds, ``sigma`` in log points.
    """
    return min(3600.0, median * exp(sigma * normal(key, agent, 2 + done)))


@rule
def tasks_of_spell(seconds: float, own: int) -> int:
    """Tasks of ``own`` seconds each in a spell; whoever begins does one."""
    return max(integer(1), integer(seconds / real(own)))


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
def base_reservation(ratio: float, outside_wage: float, sigma: float, draw: float, need: float) -> float:
    """Log base reservation wage: lognormal around a share of the outside wage (USD), at or above need."""
    base = log(ratio * outside_wage) + sigma * normal_quantile(draw)
    if need > 0.0:
        base = max(base, log(need))
    return base


@rule
def log_reservation(log_base: float, all_in_pay: float, weight: float) -> float:
    """Reservation wage in logs: log((1 - weight) x base + weight x all-in pay); base if none is known.

    ``all_in_pay`` (USD) is that of an hour of work, unpaid search included: what is at stake in a task is
    what the same time would bring if spent on going on.
    """
    if all_in_pay <= 0.0:
        return log_base
    return log((1.0 - weight) * exp(log_base) + weight * all_in_pay)


HOURS_IN_OTHER_JOB = 28.0
WEEKS_A_MONTH = 52.0 / 12.0


@rule
def other_income(other_job: bool, wage: float, desired_hours: float, all_in_pay: float, need: float) -> float:
    """USD a month of a person before transfers: other job, click work as known so far; at least ``need``."""
    job = HOURS_IN_OTHER_JOB * WEEKS_A_MONTH * wage if other_job else 0.0
    return max(need, job + desired_hours * WEEKS_A_MONTH * max(0.0, all_in_pay))


@rule
def reservation_with_income(log_reservation: float, income: float, other: float, elasticity: float) -> float:
    """Log reservation wage of one who receives ``income`` (USD a month) whatever he does: x (1 + e U / Y)."""
    return log_reservation + log(1.0 + elasticity * income / other)


@rule
def hours_with_income(desired_hours: float, income: float, given_up: float, hourly: float) -> float:
    """Hours a week wanted beside an income (USD a month): ``given_up`` x income of earnings are forgone."""
    return max(0.0, desired_hours + given_up * income / hourly / WEEKS_A_MONTH)


@rule
def worth_the_tasks(income: float, missing: int, hours_per_task: float, log_reservation: float) -> bool:
    """Whether an income (USD) that depends on tasks is worth the time of those still missing.

    income >= missing x hours a task x reservation wage, and some are missing: below it, nobody works for it.
    """
    return missing > 0 and income >= real(missing) * hours_per_task * exp(log_reservation)


@rule
def floor_wanted(log_reservation: float, learned_pay: float) -> float:
    """Lowest hourly pay (USD) that a member of a cooperative wants: min(reservation wage, learned pay).

    Below the reservation wage the member would not work; a floor above what tasks are known to pay would
    drive off the work that the member lives on.
    """
    wage = exp(log_reservation)
    return min(wage, learned_pay) if learned_pay > 0.0 else wage


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
def willing_share(log_pay: float, log_outside_value: float, sigma: float) -> float:
    """Share ``willing`` of some people at a reported pay (logs of USD an hour).

    It is the part of one lognormal distribution, around the outside value with spread ``sigma``, that lies
    below reported pay. Asked of one segment it is exact; of a whole country (``learning.join_rate`` given) it
    is the share of each segment who ask least, and as segments differ, some of them ask more than is paid.
    """
    if sigma <= 0.0:
        return 1.0 if log_pay >= log_outside_value else 0.0
    return normal_cdf((log_pay - log_outside_value) / sigma)


@rule
def demand_factor(unit_cost: float, base_cost: float, elasticity: float) -> float:
    """Demand relative to base demand: (cost / base cost) ** -elasticity."""
    return power(unit_cost / base_cost, -elasticity)


@rule
def unit_cost(target: float, floor: float, fee: float, bias: float, markup: float) -> float:
    """Expected cost of an hour of true time (USD): pay for stated time, fee, and what has come on top.

    ``bias`` is true over stated seconds; ``markup`` is the ratio of what the last finished batches
    asked for to what target and normal fee would give: ticks, minimum rewards, fees for large batches.
    """
    return max(target, floor) * (1.0 + fee) * markup / bias


@rule
def lowest_pay(promise: float, wage_floor: float, complies: bool, true_over_counted: float) -> float:
    """USD an hour of stated time below which a requester does not post: the promise, and the law.

    ``true_over_counted`` turns the floor into stated time: true over stated seconds, or 1 if it counts these.
    """
    return max(promise, wage_floor * true_over_counted) if complies else promise


@rule
def affordable(value: float, bias: float, floor: float, fee: float, own_share: float) -> bool:
    """Whether an hour of true time is worth the pay that a platform promises, fee included.

    ``own_share`` is the part of the cost that no subsidy gives back.
    """
    return floor * (1.0 + fee) * own_share <= value * bias


@rule
def arm_profit(worth: float, gained: float, spent: float, delayed: float, delay_cost: float) -> float:
    """Profit of a pay arm, as a share of what its work would have been worth if all had been done right.

    ``worth`` is that whole; ``gained`` the worth of the work done right, paid or not; ``spent`` rewards and
    fees; all in micro-dollars. ``delayed`` is worth times days waited, of which a share is lost each day.
    """
    return (gained - spent - delay_cost * delayed) / worth


@rule
def profit_search(
    target: float,
    step: float,
    profit_low: float,
    profit_high: float,
    days_low: float,
    days_high: float,
    target_fill_days: float,
) -> float:
    """Move the hourly target a step towards the randomised arm with the higher profit.

    ``profit_*`` are shares of the worth of the work posted, ``days_*`` the mean days that worth waited.
    Returns the new target (USD per hour) before bounds.
    """
    if profit_high > profit_low:
        return target * (1.0 + step)
    if profit_high < profit_low:
        return target / (1.0 + step)
    return target


@rule
def fill_time(
    target: float,
    step: float,
    profit_low: float,
    profit_high: float,
    days_low: float,
    days_high: float,
    target_fill_days: float,
) -> float:
    """Raise the target when work waits longer than the time set for it, lower it at under half of that."""
    waited = 0.5 * (days_low + days_high)
    if waited > target_fill_days:
        return target * (1.0 + step)
    if waited < 0.5 * target_fill_days:
        return target / (1.0 + step)
    return target


@rule
def fixed(
    target: float,
    step: float,
    profit_low: float,
    profit_high: float,
    days_low: float,
    days_high: float,
    target_fill_days: float,
) -> float:
    """Never revise pay: for theory and tests."""
    return target


@rule
def next_step(step: float, direction: int, last_direction: int, smallest: float, largest: float) -> float:
    """Step after a revision: longer by half while directions agree, six tenths as long when they turn.

    Directions are -1, 0 or 1; after none (0) the step stays.
    """
    if direction * last_direction > 0:
        return min(largest, step * STEP_GROWTH)
    if direction * last_direction < 0:
        return max(smallest, step * STEP_SHRINKAGE)
    return step


@rule
def bounded_target(
    target: float, value: float, floor: float, fee: float, bias: float, markup: float, own_share: float
) -> float:
    """Keep a pay target at or above the floor and one cent an hour, and below the pay of no profit.

    Of the cost, ``own_share`` is the requester's own; the rest comes back as a subsidy.

    A floor beyond the pay of no profit stands: batches that cost more than they are worth are not posted.
    """
    return max(0.01, floor, min(target, value * bias / ((1.0 + fee) * markup * own_share)))


@rule
def largest_batch(type_limit: float, demand_seconds: float, seconds: float, scale: float) -> float:
    """Most tasks that are drawn for a batch: the type's limit, some days of its own demand; at least 3.

    Those hold for tasks of median length, of which a batch has ``scale`` for each one drawn.
    """
    return max(3.0, min(type_limit, demand_seconds / seconds) / scale)


@rule
def size_scale(reference: float, seconds: float, elasticity: float) -> float:
    """Tasks of so many seconds in a batch for each one drawn, which is of ``reference`` seconds."""
    if elasticity == 0.0:
        return 1.0
    return power(reference / seconds, elasticity)


@rule
def tile_of(draw: float, boards: int, local: int, country: int) -> int:
    """Tile of a worker or batch on a platform with ``boards``, or so many for each country if local."""
    return local * country * boards + integer(draw * real(boards))


DAYS_A_YEAR = 365.0


@rule
def automation(labels: float, most: float, scale: float, most_per_hour: float) -> float:
    """Share of the work on a label that machines do: most x (1 - exp(-labels / scale)), short of a bound.

    ``labels`` so far and ``scale`` in years of initial demand. The bound is that an hour of human work brings
    at most ``most_per_hour`` times the labels of the start.
    """
    return min(most * (1.0 - exp(-labels / scale)), 1.0 - 1.0 / most_per_hour)


@rule
def labels_factor(services: float, exponent: float, cost: float, rebound: float, limit: float) -> float:
    """Labels wanted relative to the start: services ** exponent x cost ** -rebound, within a budget.

    ``cost`` is that of a label relative to the start, help of machines included. At most ``limit`` times the
    initial spending is spent for each unit of ``services``.
    """
    return min(power(services, exponent) * power(cost, -rebound), limit * services / cost)


@rule
def stock_after(stock: float, decay: float, growth: float, days: float, years_of_labels: float) -> float:
    """Stock of intelligence after some days in which so many years of the labels wanted were delivered.

    A year without labels leaves 1 - decay of it, one with all of them makes it 1 - decay + growth times as
    large, whatever the lumps in which they come.
    """
    lost = log(1.0 - decay)
    return stock * exp(lost * days / DAYS_A_YEAR + (log(1.0 - decay + growth) - lost) * years_of_labels)


@rule
def value_factor(share: float, automated: float) -> float:
    """Worth of an hour of human work relative to the start, if machines help with a share of the work."""
    return 1.0 + share * (1.0 / (1.0 - automated) - 1.0)


@rule
def labels_from_users(wanted: float, most: float, offered: float) -> float:
    """Labels that unpaid users deliver instead of paid work: those offered, up to a share of those wanted."""
    return min(most * wanted, offered)


@rule
def part_shared(shared: float, wanted: float) -> float:
    """Part of the labels that others want which they have made and share; none where they want none."""
    return min(1.0, shared / wanted) if wanted > 0.0 else 0.0
