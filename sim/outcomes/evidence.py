"""Statistics that observations of click work are stated in, beside the indicators of a run's summary.

Each is a pure function of tables or arrays, in the words of the observation. What cannot be computed raises
`Missing` with the reason.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.outcomes.elasticity import supply_elasticity
from sim.outcomes.frames import Countries, per_country
from sim.outcomes.indicators import LEAST_TASKS, LEAST_WORKERS, TOO_FEW, WORKING, Missing, all_in_pay
from sim.outcomes.inequality import weighted_mean, weighted_median

REGIONS = {
    "North America": "north_america",
    "Asia": "asia_pacific",
    "Oceania": "asia_pacific",
    "Africa": "africa",
}
"""Regions whose pay is compared, as the observation has them."""

PERIOD_DAYS = 30
LEAST_PERIODS = 36
"""Periods of 30 days in three years, the least over which a half-life of more than a year can be seen."""

TICKS = 10
HOURS_A_WEEK = 168
SUSTAINED_JOBS, SUSTAINED_MICROUSD = 10, 1_000_000_000
MICROWORK_IS_NOT = ("writing", "expert")
"""Task types that an index of freelancing would not put under microwork."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


# ---------------------------------------------------------------- pay


def regulars(workers: pd.DataFrame) -> pd.DataFrame:
    """Return the workers with at least ten tasks done and some working time."""
    done = workers["tasks_accepted"] + workers["tasks_rejected"]
    return workers[(done >= LEAST_TASKS) & (workers[list(WORKING)].sum(axis=1) > 0)]


def region_pay(workers: pd.DataFrame, world: Countries) -> dict[str, float]:
    """Return the mean all-in hourly pay (USD) of regular workers by region, where there are enough."""
    chosen = regulars(workers)
    region_of = per_country(world, world.region)
    regions = chosen["country"].astype(str).map(region_of).map(REGIONS)
    pay, weight = all_in_pay(chosen), chosen["weight"].to_numpy(np.float64)
    return {
        str(region): weighted_mean(pay[here], weight[here])
        for region in sorted(set(REGIONS.values()))
        if (here := (regions == region).to_numpy()).sum() >= LEAST_WORKERS
    }


def pay_ratio(pay: dict[str, float], one: str, other: str) -> float:
    """Return the pay of one region over that of another."""
    if one not in pay or other not in pay:
        raise Missing(f"{TOO_FEW} in {one if one not in pay else other}")
    return pay[one] / pay[other]


def country_pay(workers: pd.DataFrame, country: str) -> float:
    """Return the median all-in hourly pay (USD) of a country's regular workers."""
    chosen = regulars(workers)
    chosen = chosen[chosen["country"].astype(str) == country]
    if len(chosen) < LEAST_WORKERS:
        raise Missing(f"{TOO_FEW} in {country}")
    return weighted_median(all_in_pay(chosen), chosen["weight"].to_numpy(np.float64))


def experience_premium(workers: pd.DataFrame, first_day: int, last_day: int) -> float:
    """Return median all-in pay of who was there before the window over who joined in its second half."""
    chosen = regulars(workers)
    joined = chosen["joined_day"].to_numpy(np.int64)
    old, new = chosen[joined < first_day], chosen[joined >= (first_day + last_day) // 2]
    if min(len(old), len(new)) < LEAST_TASKS:
        raise Missing(f"{len(old)} workers from before and {len(new)} new ones; at least {LEAST_TASKS} each")
    return weighted_median(all_in_pay(old)) / weighted_median(all_in_pay(new))


# ---------------------------------------------------------------- supply


def supply_elasticity_ten_ticks(
    batches: pd.DataFrame, spread: float, tick_microusd: int, first_weekday: int
) -> float:
    """Return the elasticity of uptake of one requester's batches by their realised reward.

    ``spread`` is the distance of the two arms of pay from the target. Kept are batches whose reward would be
    ten ticks or more in the low arm, so that rounding to a tick moves no reward by as much as the arms do,
    and so that no arm is chosen by its own outcome.
    """
    high = batches["arm"].to_numpy(np.int64) == 1
    to_low = np.where(high, (1.0 - spread) / (1.0 + spread), 1.0)
    in_low_arm = batches["reward_microusd"].to_numpy(np.float64) * to_low
    found = supply_elasticity(batches[in_low_arm >= TICKS * tick_microusd], first_weekday)
    if isinstance(found, str):
        raise Missing(found)
    return found.value


def slower_when_paid_less(batches: pd.DataFrame, first_weekday: int) -> float:
    """Return log hours until half of a batch was done, low less high arm, mean over requester-weeks.

    Each requester-week with both arms weighs as the smaller number of its batches in an arm.
    """
    hours = batches["t50"].to_numpy(np.float64) / 3600 - batches["posted_hour"].to_numpy(np.float64)
    known = (batches["t50"].to_numpy() >= 0) & (hours > 0)
    week = (batches["posted_hour"].to_numpy(np.int64) + 24 * first_weekday) // HOURS_A_WEEK
    cell = batches["requester"].to_numpy(np.int64) * (int(week.max(initial=0)) + 1) + week
    table = pd.DataFrame(
        {"cell": cell, "arm": batches["arm"].to_numpy(), "log": np.log(np.maximum(hours, 1e-9))}
    )
    means = table[known].groupby(["cell", "arm"])["log"].agg(["mean", "size"]).unstack("arm").dropna()
    if means.empty:
        raise Missing("no requester-week with both arms done")
    weight = means["size"].min(axis=1).to_numpy(np.float64)
    return weighted_mean((means["mean"][0] - means["mean"][1]).to_numpy(np.float64), weight)


# ---------------------------------------------------------------- hours and days


def odds_ratio(share: float, usual: float) -> float:
    """Return the odds of a share over the odds of the usual one."""
    if not 0 < usual < 1 or not 0 <= share < 1:
        raise Missing(f"no odds of {share:g} and {usual:g}")
    return share / (1 - share) / (usual / (1 - usual))


def weekend_ratio(series: pd.DataFrame) -> float:
    """Return the tasks done on a day of the weekend over those on a weekday, in whole weeks."""
    done = series["tasks_accepted"] + series["tasks_rejected"]
    by_date = done.groupby(series["date"].astype(str), sort=True).sum()
    by_date = by_date[: len(by_date) // 7 * 7]
    weekend = pd.to_datetime(by_date.index).day_of_week >= 5
    if not weekend.any() or not by_date[~weekend].sum() > 0:
        raise Missing("less than a week of work")
    return float(by_date[weekend].mean() / by_date[~weekend].mean())


def drift(series: pd.DataFrame, column: str) -> float:
    """Return how much a column's sum grew from the first to the second half of the days (share)."""
    by_day = series.groupby("day", sort=True)[column].sum().to_numpy(np.float64)
    half = len(by_day) // 2
    if half == 0 or not by_day[:half].sum() > 0:
        raise Missing("too few days")
    return float(by_day[-half:].sum() / by_day[:half].sum() - 1)


# ---------------------------------------------------------------- staying


def recapture(seen: Flags) -> Floats:
    """Return, for lags of 1, 2, ... periods, the share of those seen in one who are seen in the later one.

    ``seen[i, t]`` says whether person i was seen in period t. All pairs of periods so far apart are taken
    together. Where a share p of those in the market is seen and exp(-rate x lag) of them stays, this is
    p x exp(-rate x lag), however many come meanwhile.
    """
    number = seen.astype(np.int64)
    counts, both = number.sum(axis=0), number.T @ number
    lags = range(1, seen.shape[1])
    first = np.array([counts[:-lag].sum() for lag in lags], np.float64)
    again = np.array([np.trace(both, offset=lag) for lag in lags], np.float64)
    return np.divide(again, first, out=np.zeros(len(first)), where=first > 0)


def half_life(seen: Flags, period_days: float = PERIOD_DAYS) -> float:
    """Return the days after which half of those seen would not be seen again: ln 2 over the rate of leaving.

    The rate is minus the slope of the log of `recapture` over the lag, each lag weighted by its pairs of
    periods.
    """
    again = recapture(seen)
    lags, weight = np.arange(1, len(again) + 1), np.arange(len(again), 0, -1).astype(np.float64)
    known = again > 0
    if known.sum() < 2:
        raise Missing("nobody was seen twice at two distances")
    x, y, w = lags[known] * period_days, np.log(again[known]), weight[known]
    x_mean, y_mean = float(np.average(x, weights=w)), float(np.average(y, weights=w))
    rate = -float(np.sum(w * (x - x_mean) * (y - y_mean)) / np.sum(w * (x - x_mean) ** 2))
    if not rate > 1e-12:
        raise Missing("those seen once are seen again at any distance")
    return math.log(2) / rate


def half_life_of_years(seen: Flags) -> float:
    """Return `half_life`, of three years or more only."""
    if seen.shape[1] < LEAST_PERIODS:
        raise Missing(f"{seen.shape[1]} periods of {PERIOD_DAYS} days; at least {LEAST_PERIODS} are needed")
    return half_life(seen)


def drift_of_thirds(seen: Flags) -> float:
    """Return how much the people seen in a period grew from the first to the last third of them (share)."""
    each = seen.sum(axis=0)
    third = len(each) // 3
    if third == 0 or not each[:third].sum() > 0:
        raise Missing("too few periods")
    return float(each[-third:].sum() / each[:third].sum() - 1)


def funnel(
    jobs: npt.NDArray[np.int64], pay_microusd: npt.NDArray[np.int64], registered: int
) -> tuple[float, float]:
    """Return the shares of the registered who were ever paid, and who had ten jobs or 1,000 USD."""
    if registered <= 0:
        raise Missing("nobody is registered")
    sustained = (jobs >= SUSTAINED_JOBS) | (pay_microusd >= SUSTAINED_MICROUSD)
    return float((jobs > 0).sum()) / registered, float(sustained.sum()) / registered


# ---------------------------------------------------------------- work


def tasks_variation(tasks: npt.NDArray[np.int64]) -> float:
    """Return the coefficient of variation of tasks done, over workers with one."""
    done = tasks[tasks > 0].astype(np.float64)
    if len(done) < LEAST_WORKERS:
        raise Missing(TOO_FEW)
    return float(done.std() / done.mean())


def lognormal_gain(tasks: npt.NDArray[np.int64]) -> float:
    """Return the mean log likelihood of the best lognormal less that of the best exponential distribution."""
    done = tasks[tasks > 0].astype(np.float64)
    logs = np.log(done)
    if len(done) < LEAST_WORKERS:
        raise Missing(TOO_FEW)
    if done.min() == done.max():
        raise Missing("all did as much")
    lognormal = -logs.mean() - math.log(logs.std()) - 0.5 * math.log(2 * math.pi * math.e)
    exponential = -math.log(done.mean()) - 1
    return float(lognormal - exponential)


def reward_by_task_over_by_batch(batches: pd.DataFrame) -> float:
    """Return the median reward over tasks, over the median over batches."""
    if batches.empty:
        raise Missing("no finished batches")
    rewards = batches["reward_microusd"].to_numpy(np.float64)
    tasks = batches["tasks"].to_numpy(np.float64) * batches["assignments_per_task"].to_numpy(np.float64)
    return weighted_median(rewards, tasks) / weighted_median(rewards)


def mark_down(requesters: pd.DataFrame, fee: float) -> float:
    """Return 1 less pay target and fee over the value of an hour, median over requesters that post."""
    posting = requesters[requesters["posted"] > 0]
    if posting.empty:
        raise Missing("no requester posts")
    cost = posting["pay_target_usd_per_hour"].to_numpy(np.float64) * (1 + fee)
    return weighted_median(1 - cost / posting["value_usd_per_hour"].to_numpy(np.float64))


def posts(batches: pd.DataFrame) -> dict[str, float]:
    """Return how many finished batches were microwork, writing, and all."""
    kinds = batches["type"]
    return {
        "microwork": float((~kinds.isin(MICROWORK_IS_NOT)).sum()),
        "writing": float((kinds == "writing").sum()),
        "all": float(len(kinds)),
    }


def change_less_all(with_shock: dict[str, Any], without: dict[str, Any], kind: str) -> float:
    """Return the relative change of one kind of posts less that of all posts."""
    changes = []
    for name in (f"posts_{kind}", "posts_all"):
        if not without.get(name):
            raise Missing(f"no {name.replace('_', ' ')}")
        changes.append(with_shock[name] / without[name] - 1)
    return float(changes[0] - changes[1])
