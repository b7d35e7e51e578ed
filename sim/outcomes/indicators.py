"""Outcomes: numbers with a name, a unit and a definition, each a pure function of the recorded tables.

An indicator is declared by the decorator `indicator`; `summary` computes all of them. One that cannot be
computed raises `Missing` with the reason, and the summary then holds None and that reason. Pay is net of fees
and of the broker's cut, in USD; means, medians and shares over workers use the workers' weights. Statistics
of pay are over workers with at least ten tasks done. No statistic is given for a country with fewer than 200
workers.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.money import MICRO
from sim.outcomes import roster
from sim.outcomes.elasticity import Elasticity, supply_elasticity
from sim.outcomes.frames import COLUMNS, Countries, Frames, FrameSet, per_country
from sim.outcomes.inequality import gini, top_share, weighted_mean, weighted_median, weighted_quantile
from sim.outcomes.tables import quick
from sim.policy.office import DAYS_A_MONTH, POVERTY_LINE_USD_A_DAY

LEAST_WORKERS = 200
TOO_FEW = f"n < {LEAST_WORKERS}"
LEAST_TASKS = 10
US_MINIMUM_WAGE = 7.25
DAYS_A_YEAR = 365
DIVIDENDS = ("profit",)
TAXES = ("usage_tax", "turnover_tax", "profit_tax")
TO_WORKERS = ("universal_income", "external_income", "conditional_income")
FROM_OUTSIDE = ("external_income", "external_income_of_others")
TRANSFERS = (*TO_WORKERS, "income_of_others", "external_income_of_others", "hiring_subsidy")
BESIDE_PAY = "incomes, shifts, dividends"
"""What workers receive beside net pay, as every table and figure calls it."""

MONTH_END = ("platform_cost", "profit", "capital")
WORKING = ("paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds")
UNPAID = ("search_seconds", "returned_seconds", "rejected_seconds")
LARGE_BATCH = (300, 3000)
LEAST_CAMPAIGN = 300
LEAST_LIFETIMES = 200
LEAST_LEAVERS = 50
LIFETIME_HOURS = (1.0, 120.0)

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Entry = dict[str, Any]
T = TypeVar("T")
KEY_TYPES = (str, bool, tuple)
"""Types of arguments by which one value of a function differs from another."""
Compute = Callable[[Frames, Countries | None], float]


class Missing(Exception):
    """Says why an indicator has no value."""


class Absent(Missing):
    """Says so where no policy brings about what is asked for."""


@dataclasses.dataclass(frozen=True)
class Indicator:
    """An outcome: `compute(frames, world)` returns a number or raises `Missing`.

    ``without`` is its true value where no policy brings about what it tells of (`Absent`); None where there
    is no number for that, as of the fee that a cooperative decides where there is no cooperative.
    """

    name: str
    unit: str
    definition: str
    compute: Compute
    without: float | None = None


INDICATORS: dict[str, Indicator] = {}


@dataclasses.dataclass(frozen=True)
class _Shared(FrameSet):
    """Quick tables that remember what more than one indicator computes from them."""

    memory: dict[tuple[Any, ...], Any] = dataclasses.field(default_factory=dict)


def _once(compute: Callable[..., T]) -> Callable[..., T]:
    """Compute a value, or find it missing, once for all indicators of a summary."""
    name = compute.__qualname__

    @functools.wraps(compute)
    def remember(frames: Frames, *arguments: Any, **keywords: Any) -> T:
        if not isinstance(frames, _Shared):
            return compute(frames, *arguments, **keywords)
        key: tuple[Any, ...] = (name,)
        if keywords or arguments:  # there is one world in a summary, and it has no hash
            told = (*arguments, *sorted(keywords.items()))
            key += tuple([one for one in told if isinstance(one, KEY_TYPES)])
        found: T | Missing | None = frames.memory.get(key)
        if found is None:
            try:
                found = compute(frames, *arguments, **keywords)
            except Missing as missing:  # without its traceback, which holds these very tables in a circle
                found = type(missing)(*missing.args)
            frames.memory[key] = found
        if isinstance(found, Missing):
            raise type(found)(*found.args)
        return found

    return remember


def indicator(
    *, name: str, unit: str, definition: str, without: float | None = None
) -> Callable[[Compute], Compute]:
    """Register the decorated function as the indicator `name`; a second one of that name is an error."""

    def register(compute: Compute) -> Compute:
        if name in INDICATORS:
            raise ValueError(f"there is already an indicator {name!r}")
        INDICATORS[name] = Indicator(name, unit, definition, compute, without)
        return compute

    return register


def summary(frames: Frames, world: Countries | None = None) -> dict[str, Entry]:
    """Compute all: {name: {"value", "unit", "definition"}}, with "reason" where the value is None.

    Where that is for want of a policy, "without" is what the quantity then is, if that is a number.
    """
    shared = _shared(frames)
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not finite has no value, and says so
        return {name: entry(one, shared, world) for name, one in INDICATORS.items()}


def values(frames: Frames, world: Countries | None = None) -> dict[str, float]:
    """Compute all, as `value_of` has them: {name: value}, NaN where there is none. Nothing is described."""
    shared = _shared(frames)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: _value(one, shared, world) for name, one in INDICATORS.items()}


def _shared(frames: Frames) -> _Shared:
    tables: dict[str, Any] = {name: quick(name, getattr(frames, name)) for name in COLUMNS}
    return _Shared(**tables, scale=frames.scale, kinds=frames.kinds, households=frames.households)


def _value(one: Indicator, frames: Frames, world: Countries | None) -> float:
    try:
        value = float(one.compute(frames, world))
    except Absent:
        return math.nan if one.without is None else one.without
    except Missing:
        return math.nan
    return value if math.isfinite(value) else math.nan


def entry(one: Indicator, frames: Frames, world: Countries | None) -> Entry:
    """Compute one indicator and describe it."""
    without: Entry = {}
    try:
        value = one.compute(frames, world)
    except Missing as missing:
        reason = str(missing)
        if isinstance(missing, Absent) and one.without is not None:
            without = {"without": one.without}
    else:
        if math.isfinite(value):
            return {"value": value, "unit": one.unit, "definition": one.definition}
        reason = "not defined for these data"
    return {"value": None, "unit": one.unit, "definition": one.definition, "reason": reason, **without}


def value_of(found: Mapping[str, Any]) -> float | None:
    """Return an entry's value; that without a policy where there is none; None if it has neither."""
    value = found.get("without") if found["value"] is None else found["value"]
    return None if value is None else float(value)


# ---------------------------------------------------------------- tables


BY_COUNTRY = (
    "pay_all_in_median",
    "pay_all_in_mean",
    "pay_paid_time_median",
    "share_below_minimum_wage",
    "unpaid_share",
    "hours_per_week_median",
    "weekly_volatility_median",
    "night_share",
    "exposure_hours_mean",
    "income_per_week_median",
    "gini_pay",
    "gini_income",
)


def by_country(frames: Frames, world: Countries) -> pd.DataFrame:
    """Return a row for each country that has workers, in the order of the world.

    Columns: name, group, workers (rows, not weighted), minimum_wage_usd, the indicators of `BY_COUNTRY`, and
    `note`. A country with fewer than 200 workers has no statistics and the note `n < 200`.
    """
    table = _table_by(
        frames, world, frames.workers["country"].astype(str), [str(code) for code in world.codes]
    )
    for column, values in (
        ("minimum_wage_usd", world.minimum_wage_usd),
        ("group", world.group),
        ("name", world.names),
    ):
        table.insert(0, column, table.index.map(per_country(world, values)))
    table.attrs["units"] |= {"name": "", "group": "", "minimum_wage_usd": "USD/h"}
    return table


def by_region(frames: Frames, world: Countries) -> pd.DataFrame:
    """Return the statistics of `by_country` for each region of the world that has workers."""
    regions = frames.workers["country"].astype(str).map(per_country(world, world.region))
    return _table_by(frames, world, regions, list(dict.fromkeys(map(str, world.region))))


def by_type(frames: Frames) -> pd.DataFrame:
    """Return a row for each task type: finished batches, their assignments by fate, mean pay.

    `pay_usd_per_hour` is the reward over the estimated time, weighted by assignments.
    """
    batches = frames.batches
    posted = batches["tasks"].astype(np.int64) * batches["assignments_per_task"]
    table = pd.DataFrame(
        {
            "type": batches["type"].astype(str),
            "batches": 1,
            "posted": posted,
            "accepted": batches["accepted"].astype(np.int64),
            "rejected": batches["rejected"].astype(np.int64),
            "expired": batches["expired"].astype(np.int64),
            "reward_usd": batches["reward_microusd"] / MICRO * posted,
            "hours": batches["estimated_seconds"] / 3600 * posted,
        }
    )
    total = table.groupby("type", sort=True).sum()
    total["pay_usd_per_hour"] = total["reward_usd"] / total["hours"]
    units = {"batches": "batches", "pay_usd_per_hour": "USD/h"}
    total = total.drop(columns=["reward_usd", "hours"])
    total.attrs["units"] = {column: units.get(str(column), "assignments") for column in total}
    return total


def _table_by(frames: Frames, world: Countries, labels: pd.Series[Any], order: list[str]) -> pd.DataFrame:
    """Compute `BY_COUNTRY` within each label; rows in `order`, labels without workers left out."""
    counts = labels.value_counts()
    present = [label for label in order if counts.get(label, 0) > 0]
    rows = []
    for label in present:
        row: Entry = {"workers": int(counts[label]), "note": TOO_FEW if counts[label] < LEAST_WORKERS else ""}
        part = FrameSet(workers=frames.workers[labels == label]) if not row["note"] else FrameSet()
        row.update({name: entry(INDICATORS[name], part, world)["value"] for name in BY_COUNTRY})
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.Index(present, dtype="str"), columns=["workers", *BY_COUNTRY, "note"])
    table[list(BY_COUNTRY)] = table[list(BY_COUNTRY)].astype(float)
    units = {name: INDICATORS[name].unit for name in BY_COUNTRY}
    table.attrs["units"] = units | {"workers": "workers", "note": ""}
    return table


# ---------------------------------------------------------------- reading the tables


def _rows(table: pd.DataFrame, what: str) -> pd.DataFrame:
    if table.empty:
        raise Missing(f"no {what} recorded")
    return table


@_once
def _regulars(frames: Frames) -> pd.DataFrame:
    """Workers with at least ten tasks done and some working time."""
    workers = _rows(frames.workers, "workers")
    done = workers["tasks_accepted"] + workers["tasks_rejected"]
    kept = workers[(done >= LEAST_TASKS) & (_working(workers) > 0)]
    return _rows(kept, f"workers with {LEAST_TASKS} tasks")


@_once
def _active(frames: Frames) -> pd.DataFrame:
    """Workers who came on duty at least once."""
    workers = _rows(frames.workers, "workers")
    return _rows(workers[on_duty(workers) > 0], "workers on duty")


def on_duty(workers: pd.DataFrame) -> pd.Series[Any]:
    """Seconds on duty, working or idle, for each row of `workers`."""
    return _sum_of(workers, (*WORKING, "idle_seconds"))


def _working(workers: pd.DataFrame) -> pd.Series[Any]:
    """Seconds paid, searching, returned and rejected."""
    return _sum_of(workers, WORKING)


def _sum_of(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series[Any]:
    return table[list(columns)].sum(axis=1)


def all_in_pay(workers: pd.DataFrame) -> Floats:
    """Net pay over working time in USD an hour, for each row of `workers`; NaN without working time."""
    return _per_hour(workers["pay_microusd"], _working(workers))


def _per_hour(microusd: pd.Series[Any], seconds: pd.Series[Any]) -> Floats:
    hours = seconds.to_numpy(np.float64) / 3600
    usd = microusd.to_numpy(np.float64) / MICRO
    return np.asarray(np.divide(usd, hours, out=np.full(len(hours), np.nan), where=hours > 0))


def _weights(workers: pd.DataFrame) -> Floats:
    return workers["weight"].to_numpy(np.float64)


@_once
def _all_in(frames: Frames) -> tuple[Floats, Floats]:
    """All-in pay of workers with ten tasks, and their weights."""
    workers = _regulars(frames)
    return all_in_pay(workers), _weights(workers)


@_once
def _paid_time(frames: Frames) -> tuple[Floats, Floats]:
    """Pay per paid hour of workers with ten tasks, and their weights."""
    workers = _regulars(frames)
    workers = _rows(workers[workers["paid_seconds"] > 0], "paid time")
    return _per_hour(workers["pay_microusd"], workers["paid_seconds"]), _weights(workers)


def _total(table: pd.DataFrame, column: str, what: str = "days") -> int:
    return int(_rows(table, what)[column].sum())


def _usd(microusd: int) -> float:
    return microusd / MICRO


def _ratio(part: float, whole: float, what: str) -> float:
    if not whole > 0:
        raise Missing(f"no {what}")
    return part / whole


def _share_of_people(chosen: npt.NDArray[np.bool_], weights: Floats) -> float:
    return weighted_mean(chosen.astype(np.float64), weights)


def _known(world: Countries | None) -> Countries:
    if world is None:
        raise Missing("no country table given")
    return world


# ---------------------------------------------------------------- pay


@indicator(
    name="pay_all_in_median",
    unit="USD/h",
    definition="Median over workers of net pay per hour of paid, search, returned and rejected time."
    " Only workers with at least ten tasks done, here and in all statistics of hourly pay.",
)
def pay_all_in_median(frames: Frames, world: Countries | None) -> float:
    return weighted_median(*_all_in(frames))


@indicator(name="pay_all_in_mean", unit="USD/h", definition="Mean over workers of all-in hourly pay.")
def pay_all_in_mean(frames: Frames, world: Countries | None) -> float:
    return weighted_mean(*_all_in(frames))


@indicator(
    name="pay_all_in_mean_over_median",
    unit="ratio",
    definition="Mean over median of all-in hourly pay of workers.",
)
def pay_all_in_mean_over_median(frames: Frames, world: Countries | None) -> float:
    pay, weights = _all_in(frames)
    return _ratio(weighted_mean(pay, weights), weighted_median(pay, weights), "pay")


def _register_quantile(percent: int) -> None:
    @indicator(
        name=f"pay_all_in_p{percent}",
        unit="USD/h",
        definition=f"All-in hourly pay below which {percent} % of workers lie.",
    )
    def quantile(frames: Frames, world: Countries | None) -> float:
        return weighted_quantile(*_all_in(frames), percent / 100)


for _percent in (10, 25, 75, 90):
    _register_quantile(_percent)


@indicator(
    name="pay_all_in_pooled",
    unit="USD/h",
    definition="Net pay of all workers over their working time, paid or not.",
)
def pay_all_in_pooled(frames: Frames, world: Countries | None) -> float:
    hours = float(_working(_rows(frames.series, "days")).sum()) / 3600
    return _ratio(_usd(_total(frames.series, "pay_microusd")), hours, "working time")


@indicator(
    name="pay_paid_time_median",
    unit="USD/h",
    definition="Median over workers of net pay per hour of paid work.",
)
def pay_paid_time_median(frames: Frames, world: Countries | None) -> float:
    return weighted_median(*_paid_time(frames))


@indicator(
    name="pay_paid_time_mean", unit="USD/h", definition="Mean over workers of net pay per hour of paid work."
)
def pay_paid_time_mean(frames: Frames, world: Countries | None) -> float:
    return weighted_mean(*_paid_time(frames))


@indicator(
    name="share_above_7_25",
    unit="share",
    definition="Share of workers whose all-in hourly pay is above 7.25 USD, the federal minimum wage.",
)
def share_above_7_25(frames: Frames, world: Countries | None) -> float:
    pay, weights = _all_in(frames)
    return _share_of_people(pay > US_MINIMUM_WAGE, weights)


@indicator(
    name="share_below_minimum_wage",
    unit="share",
    definition="Share of workers with all-in hourly pay below their country's minimum wage, if there is one.",
)
def share_below_minimum_wage(frames: Frames, world: Countries | None) -> float:
    known = _known(world)
    pay, weights = _all_in(frames)
    workers = _regulars(frames)
    floors = per_country(known, known.minimum_wage_usd)
    floor = workers["country"].astype(str).map(floors).to_numpy(np.float64)
    covered = floor > 0
    if not covered.any():
        raise Missing("no workers in a country with a minimum wage")
    return _share_of_people((pay < floor)[covered], weights[covered])


@indicator(name="gini_pay", unit="Gini", definition="Gini coefficient of all-in hourly pay over workers.")
def gini_pay(frames: Frames, world: Countries | None) -> float:
    return gini(*_all_in(frames))


@indicator(
    name="gini_income",
    unit="Gini",
    definition="Gini coefficient of net pay over the window, over all active workers.",
)
def gini_income(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    return gini(workers["pay_microusd"].to_numpy(np.float64), _weights(workers))


@indicator(
    name="work_top_decile_share",
    unit="share",
    definition="Share of all assignments done that fell to the busiest tenth of active workers.",
)
def work_top_decile_share(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    done = (workers["tasks_accepted"] + workers["tasks_rejected"]).to_numpy(np.float64)
    return top_share(done, _weights(workers), 0.1)


@indicator(
    name="campaign_top_decile_share",
    unit="share",
    definition="Share of a requester's assignments done by the busiest tenth of its workers; median over"
    f" requesters with at least two batches and {LEAST_CAMPAIGN} assignments done.",
)
def campaign_top_decile_share(frames: Frames, world: Countries | None) -> float:
    requesters = _rows(frames.requesters, "requesters")
    done = requesters["accepted"] + requesters["rejected"]
    campaigns = requesters[(requesters["batches"] >= 2) & (done >= LEAST_CAMPAIGN)]
    shares = campaigns["top_decile_share"].dropna().to_numpy(np.float64)
    if not len(shares):
        raise Missing(f"no requester with two batches and {LEAST_CAMPAIGN} assignments done")
    return weighted_median(shares)


@indicator(
    name="income_per_week_median",
    unit="USD/week",
    definition="Median over active workers of net pay per week in which they were in the market.",
)
def income_per_week_median(frames: Frames, world: Countries | None) -> float:
    workers = _in_weeks(frames)
    return weighted_median(workers["pay_microusd"] / MICRO / workers["weeks"], _weights(workers))


# ---------------------------------------------------------------- time


@_once
def _in_weeks(frames: Frames) -> pd.DataFrame:
    workers = _active(frames)
    return _rows(workers[workers["weeks"] > 0], "weeks of work")


@indicator(
    name="unpaid_share",
    unit="share",
    definition="Unpaid (search, returned, rejected) over all working time, all workers pooled.",
)
def unpaid_share(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    weights = _weights(workers)
    unpaid = float(np.sum(_sum_of(workers, UNPAID).to_numpy(np.float64) * weights))
    return _ratio(unpaid, float(np.sum(_working(workers).to_numpy(np.float64) * weights)), "working time")


@indicator(
    name="unpaid_share_median",
    unit="share",
    definition="Median over workers of unpaid over all working time.",
)
def unpaid_share_median(frames: Frames, world: Countries | None) -> float:
    workers = _regulars(frames)
    return weighted_median(_sum_of(workers, UNPAID) / _working(workers), _weights(workers))


@indicator(
    name="hours_per_week_median",
    unit="h/week",
    definition="Median over active workers of working hours, paid or not, per week in the market.",
)
def hours_per_week_median(frames: Frames, world: Countries | None) -> float:
    workers = _in_weeks(frames)
    return weighted_median(_working(workers) / 3600 / workers["weeks"], _weights(workers))


@indicator(
    name="share_wanting_more_hours",
    unit="share",
    definition="Share of active workers whose desired weekly hours exceed the working hours they got.",
)
def share_wanting_more_hours(frames: Frames, world: Countries | None) -> float:
    workers = _in_weeks(frames)
    got = _working(workers) / 3600 / workers["weeks"]
    return _share_of_people((workers["desired_hours"] > got).to_numpy(), _weights(workers))


@indicator(
    name="weekly_volatility_median",
    unit="ratio",
    definition="Median over active workers of the coefficient of variation of weekly net pay.",
)
def weekly_volatility_median(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    measured = _rows(
        workers[np.isfinite(workers["weekly_volatility"].to_numpy(np.float64))], "workers with two weeks"
    )
    return weighted_median(measured["weekly_volatility"], _weights(measured))


@indicator(
    name="night_share",
    unit="share",
    definition="Share of all time on duty that falls between 22 and 06 local time, all workers pooled.",
)
def night_share(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    weights = _weights(workers)
    night = float(np.sum(workers["night_seconds"].to_numpy(np.float64) * weights))
    return _ratio(night, float(np.sum(on_duty(workers).to_numpy(np.float64) * weights)), "time on duty")


@indicator(
    name="exposure_hours_mean",
    unit="h",
    definition="Mean over active workers of the hours spent with harmful content in the window.",
)
def exposure_hours_mean(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    return weighted_mean(workers["exposure_seconds"] / 3600, _weights(workers))


@indicator(
    name="exposure_hours_p90",
    unit="h",
    definition="Hours spent with harmful content in the window below which 90 % of the exposed workers lie.",
)
def exposure_hours_p90(frames: Frames, world: Countries | None) -> float:
    workers = _active(frames)
    exposed = _rows(workers[workers["exposure_seconds"] > 0], "exposed workers")
    return weighted_quantile(exposed["exposure_seconds"] / 3600, _weights(exposed), 0.9)


# ---------------------------------------------------------------- people


@indicator(
    name="workers_active", unit="workers", definition="Workers who came on duty at least once in the window."
)
def workers_active(frames: Frames, world: Countries | None) -> float:
    return len(_active(frames))


@indicator(name="workers_joined", unit="workers", definition="Workers who joined in the window.")
def workers_joined(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "joined")


@indicator(name="workers_left", unit="workers", definition="Workers who left in the window.")
def workers_left(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "left")


@indicator(
    name="worker_half_life",
    unit="days",
    definition="Days after which half of the workers have left: ln 2 over the rate of leaving per day. At "
    f"least {LEAST_LEAVERS} workers must have left.",
)
def worker_half_life(frames: Frames, world: Countries | None) -> float:
    first, after = _window(frames)
    left = _rows(frames.spells, "spells")["left_day"].to_numpy(np.int64)
    leavers = int(np.sum((left >= first) & (left < after)))
    if leavers < LEAST_LEAVERS:
        raise Missing(f"{leavers} workers left; at least {LEAST_LEAVERS} are needed")
    return math.log(2) * _worker_days(frames) / leavers


@_once
def _window(frames: Frames) -> tuple[int, int]:
    """First day of the window and the day after its last."""
    days = _rows(frames.series, "days")["day"]
    return int(days.min()), int(days.max()) + 1


@_once
def _worker_days(frames: Frames) -> float:
    """Days in the market, summed over workers, within the window."""
    first, after = _window(frames)
    spells = _rows(frames.spells, "spells")
    left = spells["left_day"].to_numpy(np.int64)
    end = np.where(left < 0, after, np.minimum(left, after))
    present = np.maximum(end - np.maximum(spells["joined_day"].to_numpy(np.int64), first), 0)
    return float(present.sum())


@_once
def _on_duty_by_hour(frames: Frames, country: str | None = None) -> Floats:
    """Mean number of workers on duty in each hour of the UTC day, 24 entries."""
    clock = _rows(frames.clock, "hours")
    days = int(clock["days"].max())
    if days < 1:
        raise Missing("no days recorded")
    part = clock if country is None else clock[clock["country"].astype(str) == country]
    active = np.bincount(part["utc_hour"], part["active"], minlength=24)
    return np.asarray(active / days, dtype=np.float64)


@indicator(
    name="concurrently_active_mean",
    unit="workers",
    definition="Workers on duty in an hour, mean over all hours.",
)
def concurrently_active_mean(frames: Frames, world: Countries | None) -> float:
    return float(_on_duty_by_hour(frames).mean())


@indicator(
    name="concurrently_active_share",
    unit="share",
    definition="Workers on duty in an hour, mean over all hours, over all workers active in the window.",
)
def concurrently_active_share(frames: Frames, world: Countries | None) -> float:
    return _ratio(concurrently_active_mean(frames, world), workers_active(frames, world), "workers")


@indicator(
    name="concurrently_active_min_over_max",
    unit="ratio",
    definition="Workers on duty in the quietest over the busiest hour of the mean UTC day.",
)
def concurrently_active_min_over_max(frames: Frames, world: Countries | None) -> float:
    active = _on_duty_by_hour(frames)
    return _ratio(float(active.min()), float(active.max()), "workers on duty")


def _india_share(frames: Frames, hours: tuple[int, ...] | range) -> float:
    """India's share of those on duty in these UTC hours."""
    workers = _active(frames)
    if int((workers["country"].astype(str) == "IND").sum()) < LEAST_WORKERS:
        raise Missing(TOO_FEW)
    india, everyone = _on_duty_by_hour(frames, "IND")[list(hours)], _on_duty_by_hour(frames)[list(hours)]
    return _ratio(float(india.sum()), float(everyone.sum()), "workers on duty")


@indicator(
    name="india_share", unit="share", definition="India's share of workers on duty, mean over the UTC day."
)
def india_share(frames: Frames, world: Countries | None) -> float:
    return _india_share(frames, range(24))


@indicator(
    name="india_share_08_10_utc",
    unit="share",
    definition="India's share of workers on duty from 08 to 10 UTC.",
)
def india_share_08_10_utc(frames: Frames, world: Countries | None) -> float:
    return _india_share(frames, (8, 9))


@indicator(
    name="india_share_20_22_utc",
    unit="share",
    definition="India's share of workers on duty from 20 to 22 UTC.",
)
def india_share_20_22_utc(frames: Frames, world: Countries | None) -> float:
    return _india_share(frames, (20, 21))


# ---------------------------------------------------------------- market


@indicator(name="tasks_posted", unit="assignments", definition="Assignments posted in the window.")
def tasks_posted(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "requester_posted")


@indicator(
    name="tasks_done",
    unit="assignments",
    definition="Assignments handed in and reviewed, accepted or rejected.",
)
def tasks_done(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "requester_done")


@indicator(name="tasks_expired", unit="assignments", definition="Assignments taken off the board undone.")
def tasks_expired(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "requester_expired")


@indicator(
    name="tasks_rejected", unit="assignments", definition="Assignments done but rejected and so not paid."
)
def tasks_rejected(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "tasks_rejected")


@indicator(name="tasks_returned", unit="assignments", definition="Assignments begun and given back unpaid.")
def tasks_returned(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "tasks_returned")


@indicator(name="rejected_share", unit="share", definition="Rejected over all assignments done.")
def rejected_share(frames: Frames, world: Countries | None) -> float:
    rejected = tasks_rejected(frames, world)
    return _ratio(rejected, rejected + _total(frames.series, "tasks_accepted"), "assignments done")


@indicator(name="returned_share", unit="share", definition="Returned over all assignments begun.")
def returned_share(frames: Frames, world: Countries | None) -> float:
    returned = tasks_returned(frames, world)
    done = _total(frames.series, "tasks_accepted") + _total(frames.series, "tasks_rejected")
    return _ratio(returned, returned + done, "assignments begun")


@indicator(
    name="begun_batches_returned_share",
    unit="share",
    definition="First tasks given back over batches begun by a worker; open batches count as not begun.",
)
def begun_batches_returned_share(frames: Frames, world: Countries | None) -> float:
    returned = tasks_returned(frames, world)
    kept = _total(_rows(frames.batches, "finished batches"), "workers", "finished batches")
    return _ratio(returned, returned + kept, "batches begun")


@indicator(
    name="fill_rate",
    unit="share",
    definition="Assignments done over assignments done or expired; open ones not counted.",
)
def fill_rate(frames: Frames, world: Countries | None) -> float:
    done = tasks_done(frames, world)
    return _ratio(done, done + tasks_expired(frames, world), "assignments done or expired")


def _full_batches(frames: Frames, *columns: str) -> pd.DataFrame:
    batches = _rows(frames.batches, "finished batches")
    return _rows(batches.loc[batches["t100"] >= 0, list(columns)], "batches done in full")


def _register_completion(percent: int) -> None:
    @indicator(
        name=f"batch_t{percent}_median",
        unit="h",
        definition=f"Hours from posting until {percent} % was done, median over batches done in full.",
    )
    def completion(frames: Frames, world: Countries | None) -> float:
        batches = _full_batches(frames, f"t{percent}", "posted_hour")
        return weighted_median(batches[f"t{percent}"] / 3600 - batches["posted_hour"])


for _percent in (50, 90, 100):
    _register_completion(_percent)


@indicator(
    name="batch_t90_over_t50",
    unit="ratio",
    definition="Time to 90 % over time to 50 % of a batch, both from its first start; median over batches of "
    f"{LARGE_BATCH[0]} to {LARGE_BATCH[1]} assignments.",
)
def batch_t90_over_t50(frames: Frames, world: Countries | None) -> float:
    batches = _rows(frames.batches, "finished batches")
    size = batches["tasks"].astype(np.int64) * batches["assignments_per_task"]
    half = batches["t50"] - batches["first_start"]
    kept = size.between(*LARGE_BATCH) & (batches["t90"] >= 0) & (half > 0)
    chosen = _rows(batches[kept], "batches of 300 to 3000 assignments")
    return weighted_median((chosen["t90"] - chosen["first_start"]) / half[kept])


@indicator(
    name="batch_lifetime_exponent",
    unit="exponent",
    definition="Exponent of a power-law density fitted (maximum likelihood) to the hours that batches stay "
    "on the board, from 1 to 120 hours.",
)
def batch_lifetime_exponent(frames: Frames, world: Countries | None) -> float:
    batches = _rows(frames.batches, "finished batches")
    end = np.where(batches["t100"] >= 0, batches["t100"] / 3600, batches["closed_hour"])
    hours = end - batches["posted_hour"].to_numpy(np.float64)
    low, high = LIFETIME_HOURS
    hours = hours[(hours >= low) & (hours <= high)]
    if len(hours) < LEAST_LIFETIMES:
        raise Missing(f"{len(hours)} batches; at least {LEAST_LIFETIMES} are needed")
    return _power_law_exponent(float(np.mean(np.log(hours / low))), math.log(high / low))


def _power_law_exponent(mean_log: float, log_range: float) -> float:
    """Exponent a of a density x**-a on [1, exp(log_range)] whose mean of ln x is `mean_log`, by bisection."""

    def expected(slope: float) -> float:
        """Mean of ln x if it has density exp(-slope ln x) on [0, log_range]; falls in the slope."""
        if abs(slope * log_range) < 1e-6:
            return log_range / 2 - slope * log_range**2 / 12
        return 1 / slope - log_range / math.expm1(slope * log_range)

    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle) > mean_log else (low, middle)
    return 1 + (low + high) / 2


@indicator(
    name="supply_elasticity",
    unit="elasticity",
    definition="Percent more workers per hour on offer for one percent more reward on one requester's"
    " batches; randomised pay arms compared within requester and week, Monday first (a Poisson moment"
    " estimator).",
)
def supply_elasticity_value(frames: Frames, world: Countries | None) -> float:
    return _elasticity(frames)[0]


@indicator(
    name="supply_elasticity_error",
    unit="elasticity",
    definition="Standard error of supply_elasticity, clustered by requester.",
)
def supply_elasticity_error(frames: Frames, world: Countries | None) -> float:
    return _elasticity(frames)[1]


@_once
def _elasticity(frames: Frames) -> tuple[float, float]:
    found: Elasticity | str = supply_elasticity(frames.batches, _first_weekday(frames.series))
    if isinstance(found, str):
        raise Missing(found)
    return found.value, found.standard_error


def _first_weekday(series: pd.DataFrame) -> int:
    """Weekday of the run's first day, Monday being 0; 0 where no day is recorded."""
    if series.empty:
        return 0
    recorded = dt.date.fromisoformat(str(series["date"].iloc[0]))
    return (recorded.weekday() - int(series["day"].iloc[0])) % 7


# ---------------------------------------------------------------- money


@indicator(
    name="market_turnover",
    unit="USD",
    definition="Requesters' spending in the window: rewards and their fees.",
)
def market_turnover(frames: Frames, world: Countries | None) -> float:
    return _usd(_total(frames.series, "requester_spent_microusd"))


@indicator(name="net_pay", unit="USD", definition="Net pay of all workers in the window.")
def net_pay(frames: Frames, world: Countries | None) -> float:
    return _usd(_total(frames.series, "pay_microusd"))


@indicator(name="fees", unit="USD", definition="Platforms' fees in the window, on requesters and on workers.")
def fees(frames: Frames, world: Countries | None) -> float:
    series = _rows(frames.series, "days")
    return _usd(int(series["requester_fee_microusd"].sum()) + int(series["worker_fee_microusd"].sum()))


@indicator(name="broker_cuts", unit="USD", definition="What the brokers of collectives kept in the window.")
def broker_cuts(frames: Frames, world: Countries | None) -> float:
    return _usd(_total(frames.series, "broker_cut_microusd"))


@indicator(
    name="labour_share",
    unit="share",
    definition="Net pay of workers over requesters' spending: without what is withheld from employees' pay,"
    " which pays for contributions and shifts, and without patronage and dividends.",
)
def labour_share(frames: Frames, world: Countries | None) -> float:
    return _ratio(net_pay(frames, world), market_turnover(frames, world), "spending")


@indicator(name="fee_share", unit="share", definition="Platforms' fees over requesters' spending.")
def fee_share(frames: Frames, world: Countries | None) -> float:
    return _ratio(fees(frames, world), market_turnover(frames, world), "spending")


@indicator(
    name="platform_rent",
    unit="USD",
    definition="What platforms kept of their receipts after costs and taxes, before profit is paid to owners "
    "or booked in havens, from the ledger; what cooperatives owe members and the commons is no rent.",
)
@_once
def platform_rent(frames: Frames, world: Countries | None) -> float:
    flows = _rows(frames.flows, "flows")
    ended = flows["kind"].astype(str).isin(MONTH_END).any() or len(set(flows["period"])) > 1
    if not ended:  # where nothing was taken nothing is booked at the end of a month
        raise Missing("no month ended in the window")
    credit, debit = flows["credit_sector"].astype(str), flows["debit_sector"].astype(str)
    earned = (credit == "platforms") & (debit != "platforms") & (flows["kind"].astype(str) != "capital")
    received = flows.loc[earned, "amount_microusd"].sum()
    spent = (debit == "platforms") & ~credit.isin(["owners", "havens", "platforms"])
    return _usd(int(received) - int(flows.loc[spent, "amount_microusd"].sum()))


@indicator(
    name="platform_rent_share",
    unit="share",
    definition="Platforms' rent over the spending of requesters, and of advertisers and users where there are"
    " social platforms.",
)
def platform_rent_share(frames: Frames, world: Countries | None) -> float:
    rent = platform_rent(frames, world)
    of_users = frames.flows["kind"].astype(str).isin(("advertising", "user_charge"))
    spent = market_turnover(frames, world) + _usd(int(frames.flows.loc[of_users, "amount_microusd"].sum()))
    return _ratio(rent, spent, "spending")


@indicator(
    name="largest_requester_share",
    unit="share",
    definition="Share of requesters' spending that comes from the largest requester.",
)
def largest_requester_share(frames: Frames, world: Countries | None) -> float:
    spent = _rows(frames.requesters, "requesters")["spent_microusd"]
    return _ratio(int(spent.max()), int(spent.sum()), "spending")


@_once
def _groups(frames: Frames, world: Countries | None) -> dict[str, str]:
    """Group of each country, in small letters."""
    known = _known(world)
    return {code: str(name).lower() for code, name in per_country(known, known.group).items()}


@_once
def crossing_flows(
    frames: Frames,
    world: Countries | None,
    source: str,
    target: str,
    dividends: bool,
    kinds: tuple[str, ...] = (),
) -> float:
    """USD that went from accounts in the countries of group `source` to `target`: all `kinds`, or those."""
    flows, group = _rows(frames.flows, "flows"), _groups(frames, world)
    crosses = (flows["debit_country"].astype(str).map(group) == source) & (
        flows["credit_country"].astype(str).map(group) == target
    )
    if not dividends:
        crosses &= ~flows["kind"].astype(str).isin(DIVIDENDS)
    if kinds:
        crosses &= flows["kind"].astype(str).isin(kinds)
    return _usd(int(flows.loc[crosses, "amount_microusd"].sum()))


def _register_crossing(source: str, target: str, dividends: bool) -> None:
    when = "after" if dividends else "before"

    @indicator(
        name=f"{source}_to_{target}_{when}_dividends",
        unit="USD",
        definition=f"Money from accounts in the {source.title()} to accounts in the {target.title()}, "
        f"{'with' if dividends else 'without'} the profit that platforms pay to their owners.",
    )
    def flow(frames: Frames, world: Countries | None) -> float:
        return crossing_flows(frames, world, source, target, dividends)


for _dividends in (False, True):
    _register_crossing("north", "south", _dividends)
    _register_crossing("south", "north", _dividends)


# ---------------------------------------------------------------- the world


@indicator(
    name="scale",
    unit="persons per worker",
    definition="People that a worker of the model stands for: workers.real_count over workers.count, both "
    "numbers at the start; those who join count as much.",
)
def scale(frames: Frames, world: Countries | None) -> float:
    if frames.scale is None:
        raise Missing("no scale given")
    return frames.scale


@indicator(
    name="world_workers",
    unit="persons",
    definition="Workers in the market on a day, mean over the window, times the scale.",
)
def world_workers(frames: Frames, world: Countries | None) -> float:
    first, after = _window(frames)
    return _worker_days(frames) / (after - first) * scale(frames, world)


@indicator(
    name="world_on_duty",
    unit="persons",
    definition="Workers on duty in an hour, mean over all hours, times the scale.",
)
def world_on_duty(frames: Frames, world: Countries | None) -> float:
    return concurrently_active_mean(frames, world) * scale(frames, world)


def _working_hours(frames: Frames, world: Countries | None) -> float:
    return float(_working(_rows(frames.series, "days")).sum()) / 3600


def _paid_hours(frames: Frames, world: Countries | None) -> float:
    return _total(frames.series, "paid_seconds") / 3600


def _yearly(amount: float, frames: Frames) -> float:
    """Turn an amount of the window into one of a year."""
    first, after = _window(frames)
    return amount * DAYS_A_YEAR / (after - first)


def _register_world(name: str, unit: str, what: str, of_model: Compute, without: float | None = None) -> None:
    @indicator(
        name=f"world_{name}_per_year",
        unit=f"{unit}/year",
        definition=f"{what}, times the scale, times {DAYS_A_YEAR} over the days of the window.",
        without=without,
    )
    def per_year(frames: Frames, world: Countries | None) -> float:
        return _yearly(of_model(frames, world) * scale(frames, world), frames)


_register_world("working_hours", "h", "Working hours of all workers, paid or not", _working_hours)
_register_world("paid_hours", "h", "Paid hours of all workers", _paid_hours)
_register_world("tasks_done", "assignments", "Assignments handed in and reviewed", tasks_done)
_register_world("turnover", "USD", "Requesters' spending, rewards and their fees", market_turnover)
_register_world("net_pay", "USD", "Net pay of all workers", net_pay)
_register_world("fees", "USD", "Platforms' fees, on requesters and on workers", fees)
for _crossing in ("north_to_south", "south_to_north"):
    for _when in ("before_dividends", "after_dividends"):
        _flow = INDICATORS[f"{_crossing}_{_when}"]
        _register_world(_flow.name, _flow.unit, _flow.definition.rstrip("."), _flow.compute)


# ---------------------------------------------------------------- taxes and income


def _taxes(frames: Frames) -> pd.DataFrame:
    if frames.taxes.empty:
        raise Absent("no tax or income in force")
    return frames.taxes


@_once
def _booked(frames: Frames, *kinds: str) -> float:
    """USD booked in the window under these kinds, where there is a policy."""
    _taxes(frames)
    flows = _rows(frames.flows, "flows")
    return _usd(int(flows.loc[flows["kind"].astype(str).isin(kinds), "amount_microusd"].sum()))


def _register_booked(name: str, what: str, of_model: Compute) -> None:
    """Register a sum of the window as a yearly amount of the model and of the world."""

    @indicator(
        name=f"{name}_per_year",
        unit="USD/year",
        definition=f"{what}, times {DAYS_A_YEAR} over the days of the window.",
        without=0.0,
    )
    def per_year(frames: Frames, world: Countries | None) -> float:
        return _yearly(of_model(frames, world), frames)

    _register_world(name, "USD", what, of_model, without=0.0)


def _sum_booked(*kinds: str) -> Compute:
    return lambda frames, world: _booked(frames, *kinds)


def _net_to_south(frames: Frames, world: Countries | None) -> float:
    _taxes(frames)
    kinds = (*TAXES, "pooling")
    there = crossing_flows(frames, world, "north", "south", True, kinds)
    return there - crossing_flows(frames, world, "south", "north", True, kinds)


_register_booked("tax_revenue", "Taxes that governments collected from platforms", _sum_booked(*TAXES))
_register_booked("usage_tax", "Tax on platforms by their users", _sum_booked("usage_tax"))
_register_booked("turnover_tax", "Tax on platforms' turnover", _sum_booked("turnover_tax"))
_register_booked("profit_tax", "Tax on platforms' profits", _sum_booked("profit_tax"))


def profit_tax_without_shifting(taxes: pd.DataFrame) -> Floats:
    """Return what each row of ``taxes`` would be without havens, if a tax on profits (µ$); else 0.

    The same profit taxed at the same rate where it is attributed to: arithmetic, in which nobody behaves
    otherwise. What lies before the window is left out in proportion, as it is of the tax.
    """
    base, rate, strength, shifted, amount, before = (
        taxes[name].to_numpy(np.float64)
        for name in (
            "base_microusd", "rate", "strength", "shifted_microusd", "amount_microusd",
            "before_window_microusd",
        )
    )  # fmt: skip
    kept = base - np.divide(shifted, strength, out=np.zeros(len(base)), where=strength > 0)
    grossed = np.divide((amount - before) * base, kept, out=base * rate * strength, where=kept > 0)
    return np.where(_on_profits(taxes), grossed, 0.0)


def _on_profits(taxes: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return np.asarray(taxes["instrument"].astype(str) == "profit_tax", bool)


def _profit_tax_without_shifting(frames: Frames, world: Countries | None) -> float:
    taxes = _taxes(frames)
    if not _on_profits(taxes).any():
        raise Absent("no tax on profits")
    return float(profit_tax_without_shifting(taxes).sum()) / MICRO


_register_booked(
    "profit_tax_without_shifting",
    "What the tax on profits would bring, were the same profits taxed and none of them shifted (mechanical:"
    " nobody behaves otherwise)",
    _profit_tax_without_shifting,
)
_register_booked(
    "haven_bookings", "Profits booked in havens, before tax there", _sum_booked("profit_shifting")
)
_register_booked(
    "transfers",
    "Incomes and hiring subsidies paid under policies, to workers and others",
    _sum_booked(*TRANSFERS),
)
_register_booked("hiring_subsidies", "Subsidies paid to those who hire", _sum_booked("hiring_subsidy"))
_register_booked(
    "fiscal_north_to_south",
    "Taxes and pooled revenue from accounts in the North (owners of platforms, treasuries) to treasuries in"
    " the South, less those from South to North",
    _net_to_south,
)


@indicator(
    name="tax_per_user_month",
    unit="USD",
    definition="Taxes due over user-months: users of each platform in each country, counted once a month"
    " there; a month counted in part weighs as much.",
    without=0.0,
)
def tax_per_user_month(frames: Frames, world: Countries | None) -> float:
    taxes = _taxes(frames)
    counted = taxes[taxes["instrument"].astype(str) == "users"]
    months = float((counted["users"] * counted["part_of_month"]).sum())
    return _ratio(_usd(int(taxes["amount_microusd"].sum())), months, "users")


@indicator(
    name="world_tax_per_head_year",
    unit="USD",
    definition="Taxes collected in a year, at the scale of the world, over the residents of its countries.",
    without=0.0,
)
def world_tax_per_head_year(frames: Frames, world: Countries | None) -> float:
    revenue = INDICATORS["world_tax_revenue_per_year"].compute(frames, world)
    return _ratio(revenue, float(np.sum(_known(world).population)), "residents")


@indicator(
    name="effective_tax_rate",
    unit="share",
    definition="Taxes that platforms and havens paid on what platforms earned, over profit before all taxes;"
    " all platforms together, losses set off.",
    without=0.0,
)
def effective_tax_rate(frames: Frames, world: Countries | None) -> float:
    to_governments = _booked(frames, *TAXES)
    profit = platform_rent(frames, world) + _booked(frames, "surplus") + to_governments
    return _ratio(to_governments + _booked(frames, "haven_tax"), profit, "profit before taxes")


@indicator(
    name="effective_tax_rate_without_losses",
    unit="share",
    definition="Taxes that platforms and havens paid over these taxes and the profits left. What owners put"
    " in where there was a loss is not taken from the profits of other platforms and months; taxes count"
    " there, too. Where nothing is left as profit it has no value.",
    without=0.0,
)
def effective_tax_rate_without_losses(frames: Frames, world: Countries | None) -> float:
    taxes, profits = _booked(frames, *TAXES, "haven_tax"), _booked(frames, "profit", "haven_profit")
    if taxes and not profits:
        raise Missing("no profit left")
    return _ratio(taxes, taxes + profits, "profit before taxes")


@indicator(
    name="shifted_profit_share",
    unit="share",
    definition="Profits booked in havens over profits after costs and all taxes but that on profit; losses"
    " left out.",
    without=0.0,
)
def shifted_profit_share(frames: Frames, world: Countries | None) -> float:
    profits = _booked(frames, "profit", "profit_tax", "profit_shifting")
    return _ratio(_booked(frames, "profit_shifting"), profits, "profit")


@indicator(
    name="countries_given_up",
    unit="countries",
    definition="Countries that platforms gave up for taxes or an employer's duties, wholly or one side of"
    " them, since the run began; a country counts for each platform that did.",
    without=0.0,
)
def countries_given_up(frames: Frames, world: Countries | None) -> float:
    if frames.exits.empty and frames.employment.empty:
        _taxes(frames)
    names = (frames.exits[name].astype(str) for name in ("platform", "country"))
    return float(len(set(zip(*names, strict=True))))


def _paid(frames: Frames) -> pd.DataFrame:
    """Rows of `incomes` in which an income was paid to heads."""
    _taxes(frames)
    paid = frames.incomes[frames.incomes["heads"] > 0]
    if paid.empty:
        raise Absent("no income paid recorded")
    return paid


@indicator(
    name="transfer_per_head_month",
    unit="USD",
    definition="Income under a policy, universal or conditional, that a recipient is paid for a month; mean"
    " over recipients and the months for which one was paid.",
    without=0.0,
)
def transfer_per_head_month(frames: Frames, world: Countries | None) -> float:
    paid = _paid(frames)
    return weighted_mean(paid["per_head_microusd"].to_numpy(np.float64) / MICRO, _heads(paid))


@indicator(
    name="transfer_over_poverty_line",
    unit="share",
    definition="Income per head under a policy over the poverty line of the recipient's country, 3.00 dollars"
    " a day of 2021 at purchasing power (3.41 of 2024 in the USA); mean over recipients and months.",
    without=0.0,
)
def transfer_over_poverty_line(frames: Frames, world: Countries | None) -> float:
    paid = _paid(frames)
    usd = paid["per_head_microusd"].to_numpy(np.float64) / MICRO
    return weighted_mean(usd / _poverty_line(paid, world), _heads(paid))


def _rated(frames: Frames) -> pd.DataFrame:
    """Rows of `incomes` in which an income was paid to heads and a rate was set that revenue had to pay."""
    paid = _paid(frames)
    rated = paid[paid["wanted_microusd"] > 0]
    if rated.empty:
        raise Absent("no income paid at a rate that revenue must pay")
    return rated


def _of_heads(rated: pd.DataFrame, values: pd.Series) -> float:
    return weighted_mean(values.to_numpy(np.float64), _heads(rated))


@indicator(
    name="income_rate_wanted",
    unit="USD",
    definition="Rate a head and month that is set for an income that revenue pays, as far as it is in force;"
    " mean over recipients and the months for which the income was paid.",
    without=0.0,
)
def income_rate_wanted(frames: Frames, world: Countries | None) -> float:
    rated = _rated(frames)
    return _of_heads(rated, rated["wanted_microusd"] / MICRO)


@indicator(
    name="income_rate_allowed",
    unit="USD",
    definition="The same: what revenue would have paid if all that came in for a month, less administration,"
    " had been shared out.",
    without=0.0,
)
def income_rate_allowed(frames: Frames, world: Countries | None) -> float:
    rated = _rated(frames)
    return _of_heads(rated, rated["allowed_microusd"] / MICRO)


@indicator(
    name="income_rate_short_share",
    unit="share",
    definition="Share of recipients and months to whom revenue, with what earlier months left, did not pay"
    " the rate that is set. Above 0 the rate is infeasible.",
    without=0.0,
)
def income_rate_short_share(frames: Frames, world: Countries | None) -> float:
    rated = _rated(frames)
    return _of_heads(rated, rated["per_head_microusd"] < rated["wanted_microusd"])


def _heads(paid: pd.DataFrame) -> Floats:
    return paid["heads"].to_numpy(np.float64)


def _poverty_line(table: pd.DataFrame, world: Countries | None) -> Floats:
    """USD a month at the prices of the country of each row."""
    known = _known(world)
    level = table["country"].astype(str).map(per_country(known, known.price_level)).to_numpy(np.float64)
    return np.asarray(POVERTY_LINE_USD_A_DAY * DAYS_A_MONTH * level)


@indicator(
    name="transfers_unfunded_share",
    unit="share",
    definition="Incomes paid from outside and not from taxes, over all incomes and subsidies paid; of"
    " none there is no share.",
)
def transfers_unfunded_share(frames: Frames, world: Countries | None) -> float:
    return _ratio(_booked(frames, *FROM_OUTSIDE), _booked(frames, *TRANSFERS), "income paid")


@indicator(
    name="transfers_to_workers_share",
    unit="share",
    definition="Incomes paid to workers of the market over all incomes and subsidies paid. At 1 nobody else"
    " receives any: it depends on a status that people can seek. Of none there is no share.",
)
def transfers_to_workers_share(frames: Frames, world: Countries | None) -> float:
    return _ratio(_booked(frames, *TO_WORKERS), _booked(frames, *TRANSFERS), "income paid")


@indicator(
    name="administration_share",
    unit="share",
    definition="What administration took over the taxes collected, in months after which income was paid; of"
    " no taxes there is no share.",
)
def administration_share(frames: Frames, world: Countries | None) -> float:
    _taxes(frames)
    shared = (frames.incomes["heads"] > 0) | (frames.incomes["to_requesters_microusd"] > 0)
    paid = _rows(frames.incomes[shared], "income paid")
    cost = _usd(int(paid["administration_microusd"].sum()))
    return _ratio(cost, _usd(int(paid["collected_microusd"].sum())), "revenue")


@_once
def poor_of_each(
    frames: Frames, world: Countries | None, with_transfers: bool, relative: bool = False
) -> Floats:
    """Return how likely each row of the workers lives below a poverty line; NaN off the window's roster.

    The line is the absolute one, or, where ``relative``, 60 % of the national median income.
    """
    known, workers = _known(world), _rows(frames.workers, "workers")
    first, after = _window(frames)
    days = roster.member_days(workers, first, after)
    found = np.full(len(days), np.nan)
    there, workers, days = days > 0, workers[days > 0], days[days > 0]
    received = workers["pay_microusd"].to_numpy(np.float64)
    if with_transfers:
        incomes = _incomes_received(frames, workers)
        if not incomes.any():
            return poor_of_each(frames, world, with_transfers=False, relative=relative)
        received = received + incomes
    monthly = received / MICRO / days * DAYS_A_MONTH
    if relative:
        line = roster.relative_line(workers, known, frames.households)
    else:
        line = _poverty_line(workers, world)
    found[there] = roster.poor(workers, np.asarray(monthly), line, known, frames.households)
    return found


@_once
def _poverty(frames: Frames, world: Countries | None, with_transfers: bool, relative: bool = False) -> float:
    """Expected share of the window's roster who live below a line."""
    below = poor_of_each(frames, world, with_transfers=with_transfers, relative=relative)
    there = ~np.isnan(below)
    return weighted_mean(below[there], _weights(frames.workers)[there])


def _incomes_received(frames: Frames, workers: pd.DataFrame) -> Floats:
    """Micro-dollars of incomes, shifts, dividends to households of workers while these were on the roster."""
    own = workers["transfers_microusd"].to_numpy(np.float64)
    if not frames.households.all_residents or frames.incomes.empty:
        return own
    days = _rows(frames.series, "days")
    first = dt.date.fromisoformat(str(days["date"].iloc[0]))
    origin = first - dt.timedelta(days=int(days["day"].iloc[0]))
    size, _ = frames.households.of(workers["segment"])
    after_leaving = roster.income_of_leavers(workers, frames.incomes, origin)
    return own + after_leaving + (size - 1.0) * roster.income_of_others(workers, frames.incomes, origin)


@indicator(
    name="worker_poverty_before_transfers",
    unit="share",
    definition="Share of the roster (in the market when the window began, or joined in it; also after"
    " leaving) whose household lives below the poverty line: net pay here, 28 hours a week in another job,"
    " if there is one, at a wage lognormal around the country's by its Gini coefficient (an expected share:"
    " nothing is drawn), and what others in the household earn, over the root of its persons. These are"
    " assumed (segments.*.household_size, household_support). People who never work here are not counted.",
)
def worker_poverty_before_transfers(frames: Frames, world: Countries | None) -> float:
    return _poverty(frames, world, with_transfers=False)


@indicator(
    name="worker_poverty_after_transfers",
    unit="share",
    definition=f"The same with {BESIDE_PAY}: with what policies and cooperatives bring beside net pay in the"
    " window. An income that goes to all residents reaches every person of the household, and those who"
    " left.",
)
def worker_poverty_after_transfers(frames: Frames, world: Countries | None) -> float:
    return _poverty(frames, world, with_transfers=True)


@indicator(
    name="worker_relative_poverty_before_transfers",
    unit="share",
    definition="The same by net pay alone, with another line: 60 % of the median income of the country's"
    " households, all in the model's own terms. In each one person has a job of 28 hours a week at a wage"
    " lognormal around the country's, and the others bring what they bring in workers' households; all over"
    " the root of persons. No national statistics are read.",
)
def worker_relative_poverty_before_transfers(frames: Frames, world: Countries | None) -> float:
    return _poverty(frames, world, with_transfers=False, relative=True)


@indicator(
    name="worker_relative_poverty_after_transfers",
    unit="share",
    definition=f"The share below 60 % of that national median, with {BESIDE_PAY}; the median is"
    " without them.",
)
def worker_relative_poverty_after_transfers(frames: Frames, world: Countries | None) -> float:
    return _poverty(frames, world, with_transfers=True, relative=True)


POVERTY: Mapping[str, tuple[bool, bool]] = {
    "worker_poverty_before_transfers": (False, False),
    "worker_poverty_after_transfers": (True, False),
    "worker_relative_poverty_before_transfers": (False, True),
    "worker_relative_poverty_after_transfers": (True, True),
}
"""Of each indicator of poverty, if what is received counts and if the line is relative (`poor_of_each`)."""


# ---------------------------------------------------------------- social platforms


def _audiences(frames: Frames) -> pd.DataFrame:
    if frames.audiences.empty:
        raise Missing("no social platform")
    return frames.audiences


@_once
def _monthly(frames: Frames, column: str) -> pd.Series[Any]:
    """Sum of a column of `audiences` in each month."""
    return _audiences(frames).groupby("period")[column].sum()


@indicator(
    name="social_users",
    unit="agents",
    definition="Users of social platforms in a month, counted once on each; mean over the months.",
)
def social_users(frames: Frames, world: Countries | None) -> float:
    return float(_monthly(frames, "users").mean())


@indicator(
    name="world_social_users",
    unit="persons",
    definition="Users of social platforms in a month, counted once on each; mean, times the scale.",
)
def world_social_users(frames: Frames, world: Countries | None) -> float:
    return social_users(frames, world) * scale(frames, world)


@indicator(
    name="social_users_lost_share",
    unit="share",
    definition="Share of the users that social platforms would have without charges and taxes who are not"
    " there in the window's last month: gone, dropped, or in a country that a platform has left.",
)
def social_users_lost_share(frames: Frames, world: Countries | None) -> float:
    there, all_of_them = (_monthly(frames, name) for name in ("users", "users_without_charge"))
    return _ratio(float(all_of_them.iloc[-1] - there.iloc[-1]), float(all_of_them.iloc[-1]), "users")


@indicator(
    name="social_charge_per_user_month",
    unit="USD",
    definition="What social platforms charge a user in a month, mean over users and months of the window.",
)
def social_charge_per_user_month(frames: Frames, world: Countries | None) -> float:
    rows = _audiences(frames)
    charged = float((rows["charge_per_user_usd"] * rows["users"]).sum())
    return _ratio(charged, float(rows["users"].sum()), "users")


def _advertising(frames: Frames, world: Countries | None) -> float:
    return _total(_audiences(frames), "advertising_microusd", "months") / MICRO


def unpaid_labels(frames: Frames, world: Countries | None) -> float:
    """Labels that users of social platforms gave for nothing in the window."""
    return float(_total(_audiences(frames), "labels", "months"))


@indicator(
    name="social_arpu_year",
    unit="USD/user/year",
    definition="Advertising revenue of social platforms in a year over the users of a month.",
)
def social_arpu_year(frames: Frames, world: Countries | None) -> float:
    return _ratio(_yearly(_advertising(frames, world), frames), social_users(frames, world), "users")


@indicator(
    name="social_taxes_over_advertising",
    unit="share",
    definition="Taxes on the users, turnover and profit of social platforms in the countries of their users"
    " over what advertising brought them, in the window.",
)
def social_taxes_over_advertising(frames: Frames, world: Countries | None) -> float:
    taxes = _total(_audiences(frames), "taxes_microusd", "months") / MICRO
    return _ratio(taxes, _advertising(frames, world), "advertising")


@indicator(
    name="unpaid_labels_per_task",
    unit="labels per assignment",
    definition="Labels that users of social platforms gave unpaid over assignments that workers did.",
)
def unpaid_labels_per_task(frames: Frames, world: Countries | None) -> float:
    return _ratio(unpaid_labels(frames, world), tasks_done(frames, world), "tasks done")


_register_world("advertising", "USD", "What advertising brings social platforms", _advertising)
_register_world("unpaid_labels", "labels", "Labels that users of social platforms give unpaid", unpaid_labels)


# ---------------------------------------------------------------- owners

TAKEN_BY_PLATFORMS = ("requester_fee", "worker_fee", "forfeit", "advertising", "user_charge")


@_once
def _profit_drawn(frames: Frames, world: Countries | None, source: str, target: str) -> float:
    """USD of owners' profit in the group ``target`` that came from ``source``.

    Platforms' accounts lie in their owners' country: money crosses when a platform takes it, and what of it
    is profit is known in sum only. So of each country's profit the part counts that its platforms took there.
    """
    flows, group = _rows(frames.flows, "flows"), _groups(frames, world)
    owners, owner, taken, profit = _by_owner(frames)
    there = np.asarray(flows["debit_country"].astype(str).map(group) == source)
    by_owner = np.zeros((3, len(owners)), np.int64)
    for sums, each in zip(by_owner, (taken, np.where(there, taken, 0), profit), strict=True):
        np.add.at(sums, owner, each)
    wanted = np.array([group.get(one) == target for one in owners], bool) & (by_owner[0] > 0)
    taken, taken_there, profit = by_owner[:, wanted]
    return float((np.maximum(profit, 0) * taken_there.astype(np.float64) / taken).sum()) / MICRO


@_once
def _by_owner(frames: Frames) -> tuple[Any, npt.NDArray[np.intp], Counts, Counts]:
    """Countries of owners; of each flow, whose it is, what a platform takes by it and what is profit (µ$)."""
    flows = _rows(frames.flows, "flows")
    kind, amount = flows["kind"].astype(str), flows["amount_microusd"].to_numpy(np.int64)
    owners, owner = np.unique(flows["credit_country"].to_numpy(), return_inverse=True)
    taken = np.where(kind.isin(TAKEN_BY_PLATFORMS), amount, 0)
    profit = np.where(kind.isin(("profit", "haven_profit")), amount, 0)
    return owners, owner, taken, profit - np.where(kind == "capital", amount, 0)


def _register_drawn(source: str, target: str) -> None:
    definition = (
        f"Profit, after all taxes, of owners in the {target.title()} from what their platforms took in the"
        f" {source.title()}, by its share of all they took. What goes there with dividends less this is what"
        " goes before any profit."
    )

    @indicator(name=f"profit_{source}_to_{target}", unit="USD", definition=definition)
    def drawn(frames: Frames, world: Countries | None) -> float:
        return _profit_drawn(frames, world, source, target)

    _register_world(f"profit_{source}_to_{target}", "USD", definition.rstrip("."), drawn)


_register_drawn("south", "north")
_register_drawn("north", "south")


# ---------------------------------------------------------------- cooperatives and the commons


def _cooperatives(frames: Frames) -> pd.DataFrame:
    if frames.cooperatives.empty:
        raise Absent("no cooperative")
    return frames.cooperatives


def _commons(frames: Frames) -> pd.DataFrame:
    if frames.commons.empty:
        raise Absent("no commons")
    return frames.commons


@indicator(
    name="cooperative_fee",
    unit="share",
    definition="Fee on requesters, share of the reward, that cooperatives decided for the month to come; mean"
    " over months and cooperatives by the rewards of the month that ended.",
)
def cooperative_fee(frames: Frames, world: Countries | None) -> float:
    table = _cooperatives(frames)
    decided = _rows(table[table["fee"].notna() & (table["rewards_microusd"] > 0)], "fee decided")
    return weighted_mean(
        decided["fee"].to_numpy(np.float64), decided["rewards_microusd"].to_numpy(np.float64)
    )


@indicator(
    name="cooperative_floor",
    unit="USD/h",
    definition="Lowest hourly pay for the stated time that members chose for the month to come; mean over"
    " months and cooperatives by members.",
)
def cooperative_floor(frames: Frames, world: Countries | None) -> float:
    table = _cooperatives(frames)
    table = _rows(table[table["members"] > 0], "members")
    wages = table["floor_usd_per_hour"].to_numpy(np.float64)
    return weighted_mean(wages, table["members"].to_numpy(np.float64))


@indicator(
    name="cooperative_turnout",
    unit="share",
    definition="Votes cast over members, all votes of all cooperatives.",
)
def cooperative_turnout(frames: Frames, world: Countries | None) -> float:
    table = _cooperatives(frames)
    return _ratio(int(table["voters"].sum()), int(table["members"].sum()), "members")


@indicator(
    name="cooperative_surplus_per_member_month",
    unit="USD",
    definition="What costs, taxes and lenders left to members, over the members at the end of each month.",
    without=0.0,
)
def cooperative_surplus_per_member_month(frames: Frames, world: Countries | None) -> float:
    table = _cooperatives(frames)
    return _ratio(_usd(int(table["surplus_microusd"].sum())), int(table["members"].sum()), "members")


@indicator(
    name="cooperative_work_share",
    unit="share",
    definition="Tasks accepted in the window on platforms that were cooperatives at some time in it, over all"
    " tasks accepted.",
    without=0.0,
)
def cooperative_work_share(frames: Frames, world: Countries | None) -> float:
    names = set(_cooperatives(frames)["platform"].astype(str))
    series = _rows(frames.series, "days")
    there = series["platform"].astype(str).isin(names)
    return _ratio(
        int(series.loc[there, "tasks_accepted"].sum()), int(series["tasks_accepted"].sum()), "tasks"
    )


@indicator(
    name="commons_per_thousand_labels",
    unit="USD",
    definition="Dividend of the commons for a thousand labels, paid or not; mean over labels.",
    without=0.0,
)
def commons_per_thousand_labels(frames: Frames, world: Countries | None) -> float:
    table = _commons(frames)
    paid = _usd(int((table["to_workers_microusd"] + table["to_users_microusd"]).sum()))
    return 1000 * _ratio(paid, int((table["labels"] + table["unpaid_labels"]).sum()), "labels")


@indicator(
    name="commons_per_hour",
    unit="USD",
    definition="Dividend of the commons for an hour of work in labels, paid or not; mean over hours.",
    without=0.0,
)
def commons_per_hour(frames: Frames, world: Countries | None) -> float:
    table = _commons(frames)
    paid = _usd(int((table["to_workers_microusd"] + table["to_users_microusd"]).sum()))
    hours = int((table["label_seconds"] + table["unpaid_label_seconds"]).sum()) / 3600
    return _ratio(paid, hours, "labels")


@indicator(
    name="commons_over_pay",
    unit="share",
    definition="Dividend of the commons to workers over net pay, by the ledger and the days of the window.",
    without=0.0,
)
def commons_over_pay(frames: Frames, world: Countries | None) -> float:
    paid = _usd(int(_commons(frames)["to_workers_microusd"].sum()))
    return _ratio(paid, net_pay(frames, world), "pay")


@indicator(
    name="commons_to_users_share",
    unit="share",
    definition="Part of the dividend of the commons that users got for unpaid labels.",
)
def commons_to_users_share(frames: Frames, world: Countries | None) -> float:
    table = _commons(frames)
    to_users, to_workers = (int(table[f"to_{who}_microusd"].sum()) for who in ("users", "workers"))
    return _ratio(to_users, to_users + to_workers, "dividend")


# ---------------------------------------------------------------- unions and employment


def _union_weeks(frames: Frames) -> pd.DataFrame:
    if frames.unions.empty:
        raise Absent("no union")
    return frames.unions


def _employed(frames: Frames) -> pd.DataFrame:
    if frames.employment.empty:
        raise Absent("no employees")
    return frames.employment


@indicator(
    name="union_density",
    unit="share",
    definition="Members of the union over workers where it organises, mean over the Mondays of the window.",
    without=0.0,
)
def union_density(frames: Frames, world: Countries | None) -> float:
    weeks = _union_weeks(frames).groupby("day")[["members", "workers"]].sum()
    return float((weeks["members"] / weeks["workers"]).mean())


@indicator(
    name="struck_weeks_share",
    unit="share",
    definition="Weeks that began with a strike, over weeks, platform by platform.",
    without=0.0,
)
def struck_weeks_share(frames: Frames, world: Countries | None) -> float:
    weeks = _union_weeks(frames).groupby(["day", "platform"], observed=True)["on_strike"].any()
    return float(weeks.mean())


@indicator(
    name="union_agreed_share",
    unit="share",
    definition="Workers for whom an agreement of the union sets a lowest pay, over workers where it"
    " organises, mean over the Mondays of the window.",
    without=0.0,
)
def union_agreed_share(frames: Frames, world: Countries | None) -> float:
    table = _union_weeks(frames)
    agreed = table["workers"].where(table["agreed_usd_per_hour"] > 0, 0)
    weeks = table.assign(agreed=agreed).groupby("day")[["agreed", "workers"]].sum()
    return float((weeks["agreed"] / weeks["workers"]).mean())


@indicator(
    name="refused_shifts_share",
    unit="share",
    definition="Time of employees' sessions without a shift over that and their time on duty; whole months.",
    without=0.0,
)
def refused_shifts_share(frames: Frames, world: Countries | None) -> float:
    sums = _employed(frames)[["refused_seconds", "duty_seconds"]].sum()
    return _ratio(float(sums["refused_seconds"]), float(sums.sum()), "time of employees")


@indicator(
    name="withheld_share",
    unit="share",
    definition="What platforms withhold from rewards for contributions and pay for shifts, over requesters'"
    " spending; it is no fee.",
    without=0.0,
)
def withheld_share(frames: Frames, world: Countries | None) -> float:
    _employed(frames)
    withheld = _usd(_total(frames.series, "withheld_microusd"))
    return _ratio(withheld, market_turnover(frames, world), "spending")


def _register_employers(name: str, kind: str, what: str) -> None:
    def paid(frames: Frames, world: Countries | None) -> float:
        _employed(frames)
        flows = _rows(frames.flows, "flows")
        return _usd(int(flows.loc[flows["kind"].astype(str) == kind, "amount_microusd"].sum()))

    _register_world(name, "USD", what, paid, without=0.0)


_register_employers("shift_pay", "shift_pay", "Pay of employees for open shifts, beside their tasks")
_register_employers(
    "withheld", "withheld", "What platforms withhold from rewards of employees for what they owe as employers"
)
_register_employers("contributions", "contributions", "Employers' contributions to governments")


# ---------------------------------------------------------------- artificial intelligence

MOST_END_WEEKS = 13
LEAST_YEARS_OF_AI = 5.0
"""Years under which a run says little of how a stock of intelligence grows."""


@_once
def ai_weeks(frames: Frames) -> pd.DataFrame:
    """Return the table `ai` of all countries together: a row for each week."""
    if frames.ai.empty:
        raise Missing("no stock of intelligence chosen, or no whole week recorded")
    table = frames.ai.drop(columns=["date", "country"])
    return table.groupby("day").sum().sort_index()


@_once
def _ai_ends(frames: Frames) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Sums of the first and of the last quarter of the weeks, of 13 weeks at most."""
    weeks = ai_weeks(frames)
    if len(weeks) < 2:
        raise Missing("fewer than two whole weeks recorded")
    number = min(MOST_END_WEEKS, max(1, len(weeks) // 4))
    return weeks.head(number).sum(), weeks.tail(number).sum()


def _ai_growth(frames: Frames, column: str, over: str = "") -> float:
    first, last = (end[column] / end[over] if over else end[column] for end in _ai_ends(frames))
    return _ratio(float(last), float(first), column.replace("_", " "))


@indicator(
    name="ai_years",
    unit="years",
    definition="Whole weeks with a stock of artificial intelligence that were recorded, in years. Under five,"
    " the stock is nearly held fixed.",
)
def ai_years(frames: Frames, world: Countries | None) -> float:
    return 7 * len(ai_weeks(frames)) / DAYS_A_YEAR


@indicator(
    name="ai_stock_growth",
    unit="ratio",
    definition="Stock of artificial intelligence of all requesters, by their demand for labels at the start:"
    " the mean of the last quarter of the weeks over that of the first, 13 weeks at most, here and below.",
)
def ai_stock_growth(frames: Frames, world: Countries | None) -> float:
    return _ai_growth(frames, "stock_hours", "initial_hours")


@indicator(
    name="ai_human_hours_growth",
    unit="ratio",
    definition="Hours of human work accepted for labels, the last weeks over the first.",
)
def ai_human_hours_growth(frames: Frames, world: Countries | None) -> float:
    return _ai_growth(frames, "human_hours")


@indicator(
    name="ai_analytic_growth",
    unit="ratio",
    definition="The same as it follows from stock and automation alone, with pay as it was and everything"
    " done: for each requester stock^g x (1 - automation)^(1 - e). Parameters decide it; only what departs"
    " from it is a finding.",
)
def ai_analytic_growth(frames: Frames, world: Countries | None) -> float:
    return _ai_growth(frames, "analytic_hours")


@indicator(
    name="ai_market_effect",
    unit="ratio",
    definition="Growth of human hours over what stock and automation alone give: what pay, unpaid and"
    " shared labels, fees and undone work make of it.",
)
def ai_market_effect(frames: Frames, world: Countries | None) -> float:
    analytic = ai_analytic_growth(frames, world)
    return _ratio(ai_human_hours_growth(frames, world), analytic, "analytic hours")


@indicator(
    name="ai_human_hours_per_unit",
    unit="h/h",
    definition="Hours of human work for each unit of intelligence in the last weeks; a unit is what one hour"
    " of labels fed at the start.",
)
def ai_human_hours_per_unit(frames: Frames, world: Countries | None) -> float:
    _, last = _ai_ends(frames)
    return _ratio(float(last["human_hours"]), float(last["stock_hours"]), "stock")


@indicator(
    name="ai_automation_coverage",
    unit="share",
    definition="Share of paid labels wanted that machines fill in beforehand, in the last weeks.",
)
def ai_automation_coverage(frames: Frames, world: Countries | None) -> float:
    _, last = _ai_ends(frames)
    paid = float(last["labels_wanted_hours"] - last["labels_free_hours"] - last["labels_shared_hours"])
    return _ratio(float(last["labels_by_machines_hours"]), paid, "labels wanted")


@indicator(
    name="ai_label_price",
    unit="USD",
    definition="Cost, fee included, of the paid labels that an hour of human work made at the start, in the"
    " last weeks; by labels wanted. Labels of users and of others cost nothing and do not lower it.",
)
def ai_label_price(frames: Frames, world: Countries | None) -> float:
    _, last = _ai_ends(frames)
    return _ratio(float(last["wanted_cost_usd"]), float(last["labels_wanted_hours"]), "labels wanted")


@indicator(
    name="ai_label_price_growth", unit="ratio", definition="That cost in the last weeks over the first."
)
def ai_label_price_growth(frames: Frames, world: Countries | None) -> float:
    return _ai_growth(frames, "wanted_cost_usd", "labels_wanted_hours")


@indicator(
    name="ai_labels_delivered_share",
    unit="share",
    definition="Labels delivered, paid, unpaid and shared, over labels wanted, in all weeks.",
)
def ai_labels_delivered_share(frames: Frames, world: Countries | None) -> float:
    weeks = ai_weeks(frames)
    delivered = float(weeks["labels_delivered_hours"].sum())
    return _ratio(delivered, float(weeks["labels_wanted_hours"].sum()), "labels wanted")


@indicator(
    name="ai_labels_free_share",
    unit="share",
    definition="Labels made by unpaid users over all labels delivered, in all weeks.",
)
def ai_labels_free_share(frames: Frames, world: Countries | None) -> float:
    weeks = ai_weeks(frames)
    delivered = float(weeks["labels_delivered_hours"].sum())
    return _ratio(float(weeks["labels_free_hours"].sum()), delivered, "labels delivered")


@indicator(
    name="ai_labels_shared_share",
    unit="share",
    definition="Labels that others had made and shared over all labels delivered, in all weeks.",
)
def ai_labels_shared_share(frames: Frames, world: Countries | None) -> float:
    weeks = ai_weeks(frames)
    delivered = float(weeks["labels_delivered_hours"].sum())
    return _ratio(float(weeks["labels_shared_hours"].sum()), delivered, "labels delivered")


@indicator(
    name="click_hours_per_outside_hour",
    unit="h/h",
    definition="Hours of human work for labels in the last weeks less those in the first, over the hours of"
    " other work that were lost in between: below 0 where both went.",
)
def click_hours_per_outside_hour(frames: Frames, world: Countries | None) -> float:
    first, last = _ai_ends(frames)
    lost = float(last["outside_hours_lost"] - first["outside_hours_lost"])
    return _ratio(float(last["human_hours"] - first["human_hours"]), lost, "hours of other work lost")


@indicator(
    name="click_pay_over_outside_wage",
    unit="ratio",
    definition="Net pay of all workers of this market over their working time, paid or not, over the wage"
    " of the other work that was lost, by the countries of those who lost it.",
)
def click_pay_over_outside_wage(frames: Frames, world: Countries | None) -> float:
    known, table = _known(world), frames.ai
    ai_weeks(frames)
    lost = table["outside_hours_lost"].to_numpy(np.float64)
    wage = table["country"].astype(str).map(per_country(known, known.outside_wage_usd)).to_numpy(np.float64)
    lost_wage = _ratio(float((lost * wage).sum()), float(lost.sum()), "hours of other work lost")
    return _ratio(pay_all_in_pooled(frames, world), lost_wage, "outside wage")
