"""What one run of a validation is reduced to: the statistics that targets and patterns are stated in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sim.config import Config
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.outcomes import evidence
from sim.outcomes.frames import Frames
from sim.outcomes.indicators import INDICATORS, Missing
from sim.outcomes.recorder import Recorder
from sim.study.targets import PATTERNS, TARGETS
from sim.study.trials import HALF, LARGEST, Trial
from sim.world import World

OF_BATCHES = (
    "requester",
    "type",
    "reward_microusd",
    "estimated_seconds",
    "tasks",
    "assignments_per_task",
    "posted_hour",
    "first_start",
    "t50",
    "t90",
    "t100",
    "closed_hour",
    "workers",
    "arm",
)
"""Columns of finished batches that statistics read; a year of a large market has millions of rows."""

AS_INDICATED = (
    "pay_all_in_median",
    "pay_all_in_mean_over_median",
    "share_above_7_25",
    "unpaid_share",
    "campaign_top_decile_share",
    "batch_t90_over_t50",
    "batch_lifetime_exponent",
    "concurrently_active_share",
    "concurrently_active_min_over_max",
    "share_wanting_more_hours",
    "india_share",
    "india_share_08_10_utc",
    "india_share_20_22_utc",
    "returned_share",
    "pay_paid_time_median",
    "worker_half_life",
)
"""Indicators of a run's summary that are worded as the targets are, or serve to make them."""


class Watch:
    """Notes who did a task in each period of 30 days of the window, and how many people are registered."""

    def __init__(self, model: ClickWorkModel) -> None:
        self.registered = int(model.pools.sum()) + model.workers_count
        self.done = np.zeros(0, np.int64)
        self.periods: list[NDArray[np.bool_]] = []

    def hour(self, model: Any) -> None:
        """Do nothing."""

    def day(self, model: Any) -> None:
        """At the end of a period, compare what everybody has done with what it was at the last one's."""
        hours = model.hour - model.first_recorded_hour
        if hours > 0 and hours % (24 * evidence.PERIOD_DAYS) == 0:
            past = model.history_rows[: model.workers_count]
            done = past["tasks_accepted"].astype(np.int64) + past["tasks_rejected"]
            before = np.zeros(len(done), np.int64)
            before[: len(self.done)] = self.done
            self.periods.append(done > before)
            self.done = done

    def month(self, model: Any, period: str, flows: NDArray[np.int64]) -> None:
        """Do nothing."""

    def seen(self) -> NDArray[np.bool_]:
        """Return (people, periods): who did a task in which period."""
        people = len(self.periods[-1]) if self.periods else 0
        table = np.zeros((people, len(self.periods)), np.bool_)
        for period, flags in enumerate(self.periods):
            table[: len(flags), period] = flags
        return table


@dataclass(frozen=True)
class Run:
    """A run as statistics see it.

    Attributes
    ----------
    frames
        Tables of the window.
    seen
        Who did a task in which period of 30 days, also after the window where the trial is long.
    jobs, pay_microusd
        Of everybody who was ever in the market, tasks accepted since the start and pay of the window.
    """

    frames: Frames
    world: World
    config: Config
    seen: NDArray[np.bool_]
    jobs: NDArray[np.int64]
    pay_microusd: NDArray[np.int64]
    registered: int

    @cached_property
    def pay_of_regions(self) -> dict[str, float]:
        """Mean all-in pay by region."""
        return evidence.region_pay(self.frames.workers, self.world)

    @cached_property
    def tasks(self) -> NDArray[np.int64]:
        """Tasks done in the window by each worker."""
        workers = self.frames.workers
        return (workers["tasks_accepted"] + workers["tasks_rejected"]).to_numpy(np.int64)

    @property
    def first_day(self) -> int:
        """Day of the run on which the window begins."""
        return self.config.time.warmup_days

    @property
    def first_weekday(self) -> int:
        """Weekday of the run's first day, Monday being 0."""
        return dt.date.fromisoformat(self.config.time.start).weekday()


Statistic = Callable[[Run], float]


def _regions(one: str, other: str) -> Statistic:
    return lambda run: evidence.pay_ratio(run.pay_of_regions, one, other)


def _drift(column: str) -> Statistic:
    return lambda run: evidence.drift(run.frames.series, column)


def _odds(hours: str) -> Statistic:
    """Return the odds ratio of India's share in some UTC hours to its share of the day."""
    names = f"india_share_{hours}_utc", "india_share"
    return lambda run: evidence.odds_ratio(*(INDICATORS[one].compute(run.frames, run.world) for one in names))


def _supply(run: Run) -> float:
    tick = round(next(iter(run.config.platforms.values())).tick_usd * MICRO)
    spread = run.config.requesters.pay_arm_spread
    return evidence.supply_elasticity_ten_ticks(run.frames.batches, spread, tick, run.first_weekday)


def _premium(run: Run) -> float:
    last_day = run.first_day + int(run.frames.series["day"].nunique())
    return evidence.experience_premium(run.frames.workers, run.first_day, last_day)


def _usa_over_india(run: Run) -> float:
    usa, india = (evidence.country_pay(run.frames.workers, code) for code in ("USA", "IND"))
    return usa / india


def _paid_hour_over_all_in(run: Run) -> float:
    names = "pay_paid_time_median", "pay_all_in_median"
    paid, all_in = (INDICATORS[one].compute(run.frames, run.world) for one in names)
    return paid / all_in


def _mark_down(run: Run) -> float:
    fee = next(iter(run.config.platforms.values())).requester_fee
    return evidence.mark_down(run.frames.requesters, fee)


def _indicator(name: str) -> Statistic:
    return lambda run: INDICATORS[name].compute(run.frames, run.world)


STATISTICS: Mapping[str, Statistic] = {
    **{name: _indicator(name) for name in AS_INDICATED},
    "pay_north_america_over_asia_pacific": _regions("north_america", "asia_pacific"),
    "pay_north_america_over_africa": _regions("north_america", "africa"),
    "pay_asia_pacific_over_africa": _regions("asia_pacific", "africa"),
    "supply_elasticity_ten_ticks": _supply,
    "india_odds_08_10": _odds("08_10"),
    "india_odds_20_22": _odds("20_22"),
    "half_life_recapture": lambda run: evidence.half_life_of_years(run.seen),
    "ever_paid_share": lambda run: evidence.funnel(run.jobs, run.pay_microusd, run.registered)[0],
    "sustained_share": lambda run: evidence.funnel(run.jobs, run.pay_microusd, run.registered)[1],
    "posts_microwork": lambda run: evidence.posts(run.frames.batches)["microwork"],
    "posts_writing": lambda run: evidence.posts(run.frames.batches)["writing"],
    "posts_all": lambda run: evidence.posts(run.frames.batches)["all"],
    "tasks_variation": lambda run: evidence.tasks_variation(run.tasks),
    "lognormal_gain": lambda run: evidence.lognormal_gain(run.tasks),
    "reward_by_task_over_by_batch": lambda run: evidence.reward_by_task_over_by_batch(run.frames.batches),
    "slower_when_paid_less": lambda run: evidence.slower_when_paid_less(
        run.frames.batches, run.first_weekday
    ),
    "weekend_ratio": lambda run: evidence.weekend_ratio(run.frames.series),
    "experience_premium": _premium,
    "hours_paid": lambda run: float(run.frames.series["paid_seconds"].sum()) / 3600,
    "mark_down": _mark_down,
    "pay_usa_over_india": _usa_over_india,
    "paid_hour_over_all_in": _paid_hour_over_all_in,
    "drift_pay": _drift("pay_microusd"),
    "drift_hours": _drift("paid_seconds"),
    "drift_active": _drift("active_workers"),
    "drift_seen": lambda run: evidence.drift_of_thirds(run.seen),
}
"""Statistics of a run, by the names that targets and patterns give them."""


OF_BATCHES_ONLY = (
    "batch_t90_over_t50",
    "batch_lifetime_exponent",
    "supply_elasticity_ten_ticks",
    "slower_when_paid_less",
    "reward_by_task_over_by_batch",
    "posts_microwork",
    "posts_writing",
    "posts_all",
)
"""Statistics that need finished batches; where none is asked for they are not kept."""

IN_PAIRS: Mapping[str, tuple[str, ...]] = {
    "mt": ("experience_premium", "hours_paid", "worker_half_life"),
    "gl": ("posts_microwork", "posts_writing", "posts_all"),
    "ai": ("posts_microwork", "posts_writing", "posts_all"),
    "no_records": ("experience_premium",),
    "dear_platform": ("hours_paid",),
    "demand_cut": ("worker_half_life",),
}
"""Statistics of a trial that are compared with those of another one."""

SHARES_OF_INDIA = ("india_share", "india_share_08_10_utc", "india_share_20_22_utc")
AT_REST = ("drift_pay", "drift_hours", "drift_active")


def asked_of(trial: str) -> tuple[str, ...]:
    """Return the statistics that are read from a trial, in the order of `STATISTICS`."""
    asked = set(IN_PAIRS.get(trial, ()))
    for target in TARGETS:
        if trial in (target.played, f"{target.played}_without_largest", *target.mechanisms, target.freed_by):
            asked |= {part.key for part in target.parts}
    asked |= {pattern.key for pattern in PATTERNS if pattern.scenario == trial}
    if trial in ("mt", "gl"):
        asked |= {*AT_REST, *(("drift_seen", *SHARES_OF_INDIA) if trial == "mt" else ())}
    return tuple(name for name in STATISTICS if name in asked)


def statistics(run: Run, names: Iterable[str] = ()) -> dict[str, Any]:
    """Return ``values`` by name, ``reasons`` by name for what has no value, and ``curves`` for figures.

    Without ``names``, all of `STATISTICS`.
    """
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in names or STATISTICS:
            try:
                value = float(STATISTICS[name](run))
            except Missing as missing:
                reasons[name] = str(missing)
                continue
            if math.isfinite(value):
                values[name] = value
            else:
                reasons[name] = "not defined for these data"
    return {"values": values, "reasons": reasons, "curves": curves(run)}


def curves(run: Run) -> dict[str, list[float]]:
    """Return what figures draw: India's share by UTC hour, and who is seen again by the months between."""
    clock = run.frames.clock
    drawn: dict[str, list[float]] = {}
    everyone = np.bincount(clock["utc_hour"], clock["active"], minlength=24)
    here = clock[clock["country"].astype(str) == "IND"]
    india = np.bincount(here["utc_hour"], here["active"], minlength=24)
    if everyone.all():
        drawn["india_by_hour"] = (india / everyone).tolist()
    if run.seen.shape[1] > 1:
        drawn["recapture"] = evidence.recapture(run.seen).tolist()
    return drawn


# ---------------------------------------------------------------- playing


def witness(
    model: ClickWorkModel,
    days: int,
    trial: Trial,
    advance: Callable[[], None] = lambda: None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Play a run and return its statistics, those of the trial if none are named.

    Tables are of ``days`` days, workers are watched to the end.
    """
    retires, names = trial.retires, names or asked_of(trial.name)
    if retires == LARGEST:
        model.retire_requester(int(np.argmax(model.requester_rows["base_demand"])))
    kept: list[pa.Table] = []
    recorder = Recorder(model, lambda table: kept.append(narrow(table)))
    recorder.keeps_batches = any(name in OF_BATCHES_ONLY for name in names)
    watch = Watch(model)
    model.observers += [recorder, watch]
    tables_at = model.first_recorded_hour + 24 * days
    tables = None
    while model.hour < model.last_hour:
        if model.hour == model.first_recorded_hour and retires == HALF:
            retire_half(model)
        model.run(24)
        advance()
        if model.hour == tables_at:
            tables = recorder.frames()
            model.observers.remove(recorder)
    assert tables is not None, "the window of tables lies in the run"
    count = model.workers_count
    run = Run(
        frames=replace(tables, batches=as_batches(kept)),
        world=model.world,
        config=model.config,
        seen=watch.seen(),
        jobs=model.worker_rows["accepted"][:count].astype(np.int64),
        pay_microusd=model.history_rows["pay"][:count].astype(np.int64),
        registered=watch.registered,
    )
    return statistics(run, names)


def retire_half(model: ClickWorkModel) -> None:
    """Let every second requester by size stop, the largest excepted."""
    order = np.argsort(-model.requester_rows["base_demand"], kind="stable")
    for row in order[1::2]:
        model.retire_requester(int(row))


def narrow(table: pa.Table) -> pa.Table:
    """Return finished batches with the columns that statistics read, names as numbers."""
    chosen = table.select(list(OF_BATCHES))
    place = OF_BATCHES.index("type")
    return chosen.set_column(place, "type", chosen["type"].dictionary_encode())


def as_batches(tables: list[pa.Table]) -> pd.DataFrame:
    """Return finished batches as a frame."""
    if not tables:
        return pd.DataFrame({name: [] for name in OF_BATCHES})
    frame: pd.DataFrame = pa.concat_tables(tables).unify_dictionaries().to_pandas()
    return frame
