"""Outcomes by kind of platform: hourly pay, fill, work taken down, price of a click, posting by local hour.

A worker belongs to the kind of the platform where it was last; days and batches to that of theirs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.clock import Clock
from sim.money import MICRO
from sim.outcomes.frames import Countries, Frames, Kinds
from sim.outcomes.indicators import LEAST_TASKS, WORKING, Missing, indicator
from sim.outcomes.inequality import weighted_median, weighted_quantile

FAMILIES = ("microwork", "on_demand", "click_farm", "social")
UNITS = {
    "workers": "workers",
    "pay_p10": "USD/h",
    "pay_median": "USD/h",
    "pay_p90": "USD/h",
    "pay_on_duty": "USD/h",
    "unpaid_share": "share",
    "idle_share": "share",
    "posted": "assignments",
    "done": "assignments",
    "expired": "assignments",
    "fill_rate": "share",
    "rejected_share": "share",
}

Floats = npt.NDArray[np.float64]


def kinds_of(config: Mapping[str, Any]) -> Kinds:
    """Return the kinds of a configuration's platforms and the clicks in their tasks, from its plain data."""
    platforms: Mapping[str, Any] = config.get("platforms", {})
    types: Mapping[str, Any] = config.get("task_types", {})
    clicks = {
        (name, kind): int(types[kind].get("actions_per_task", 1)) * int(platform.get("devices_per_worker", 1))
        for name, platform in platforms.items()
        if platform.get("family") == "click_farm"
        for kind in types
    }
    return Kinds({name: str(p.get("family", "microwork")) for name, p in platforms.items()}, clicks)


def of_family(table: pd.DataFrame, kinds: Kinds, family: str) -> pd.DataFrame:
    """Return the rows of a table whose platform is of a kind."""
    names = [name for name, found in kinds.families.items() if found == family]
    return table[table["platform"].isin(names)]


def present(kinds: Kinds) -> list[str]:
    """Return the kinds of platforms that a run has."""
    return [family for family in FAMILIES if family in kinds.families.values()]


def by_family(frames: Frames) -> pd.DataFrame:
    """Return a row for each kind of platform in a run; columns and units in `UNITS`.

    `pay_p10`, `pay_median` and `pay_p90` are over workers with ten tasks, for all working time; `pay_on_duty`
    is all pay over all time on duty, idle or not. On a click farm, `rejected_share` is what was taken down.
    """
    rows = {family: _row(frames, family) for family in present(frames.kinds)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(UNITS), dtype=float)
    table.attrs["units"] = dict(UNITS)
    return table


def _row(frames: Frames, family: str) -> dict[str, float]:
    pay, weight = hourly_pay(frames, family)
    days = of_family(frames.series, frames.kinds, family)
    working, idle = float(days[list(WORKING)].sum().sum()), float(days["idle_seconds"].sum())
    posted, done, expired = (int(days[f"requester_{what}"].sum()) for what in ("posted", "done", "expired"))
    accepted, rejected = int(days["tasks_accepted"].sum()), int(days["tasks_rejected"].sum())
    quantiles = [weighted_quantile(pay, weight, q) if len(pay) else np.nan for q in (0.1, 0.5, 0.9)]
    return {
        "workers": len(pay),
        **dict(zip(("pay_p10", "pay_median", "pay_p90"), quantiles, strict=True)),
        "pay_on_duty": _over(days["pay_microusd"].sum() / MICRO, (working + idle) / 3600),
        "unpaid_share": _over(working - float(days["paid_seconds"].sum()), working),
        "idle_share": _over(idle, working + idle),
        "posted": posted,
        "done": done,
        "expired": expired,
        "fill_rate": _over(done, done + expired),
        "rejected_share": _over(rejected, accepted + rejected),
    }


def _over(part: float, whole: float) -> float:
    return float(part) / whole if whole > 0 else np.nan


def hourly_pay(frames: Frames, family: str) -> tuple[Floats, Floats]:
    """Pay (USD an hour of work, paid or not) of a kind's workers with ten tasks, and their weights."""
    workers = of_family(frames.workers, frames.kinds, family)
    seconds = workers[list(WORKING)].sum(axis=1)
    kept = (workers["tasks_accepted"] + workers["tasks_rejected"] >= LEAST_TASKS) & (seconds > 0)
    hours = seconds[kept].to_numpy(np.float64) / 3600
    usd = workers["pay_microusd"][kept].to_numpy(np.float64) / MICRO
    return usd / hours, workers["weight"][kept].to_numpy(np.float64)


def click_prices(frames: Frames) -> tuple[Floats, Floats]:
    """Price of a click (USD, before cut and fee) in each batch of click farms, and the clicks paid."""
    batches = of_family(frames.batches, frames.kinds, "click_farm")
    pairs = zip(batches["platform"].astype(str), batches["type"].astype(str), strict=True)
    clicks = np.array([frames.kinds.clicks.get(pair, 1) for pair in pairs], np.float64)
    prices = batches["reward_microusd"].to_numpy(np.float64) / MICRO / clicks
    return prices, batches["accepted"].to_numpy(np.float64) * clicks


def posted_by_local_hour(frames: Frames, family: str) -> Floats:
    """Share of a kind's finished batches that were posted in each local hour of their requesters' day.

    Zones keep their summer time. NaN where no batch was recorded.
    """
    batches = of_family(frames.batches, frames.kinds, family)
    zone_of = frames.requesters.set_index("id")["zone"].astype(str)
    zones = batches["requester"].map(zone_of).to_numpy()
    counts = np.zeros(24)
    if len(batches) and len(frames.series):
        first = frames.series.iloc[0]
        start = dt.date.fromisoformat(str(first["date"])) - dt.timedelta(days=int(first["day"]))
        names = tuple(sorted(set(zones) - {""}))
        clock = Clock(start, names)
        hours = batches["posted_hour"].to_numpy()
        place = np.array([names.index(zone) if zone in names else -1 for zone in zones])
        for day in np.unique(hours // 24):
            of_day = (hours // 24 == day) & (place >= 0)
            local = clock.local_hour(int(day))[place[of_day], hours[of_day] % 24]
            counts += np.bincount(local, minlength=24)
    total = counts.sum()
    return counts / total if total > 0 else np.full(24, np.nan)


# ---------------------------------------------------------------- indicators


def _register(family: str, column: str, definition: str) -> None:
    """Register a column of `by_family` as an indicator of one kind of platform."""

    @indicator(name=f"{family}_{column}", unit=UNITS[column], definition=definition)
    def compute(frames: Frames, world: Countries | None) -> float:
        if family not in frames.kinds.families.values():
            raise Missing(f"no platform of the kind {family}")
        return _row(frames, family)[column]


for _family, _where in (("on_demand", "On platforms of local jobs"), ("click_farm", "On click farms")):
    _register(_family, "pay_median", f"{_where}: median over workers of all-in hourly pay.")
    _register(_family, "pay_on_duty", f"{_where}: net pay over all time on duty, working or idle.")
    _register(_family, "fill_rate", f"{_where}: assignments done over assignments done or expired.")
_register("click_farm", "rejected_share", "On click farms: share of done tasks that were taken down, unpaid.")


def _prices(frames: Frames) -> tuple[Floats, Floats]:
    prices, clicks = click_prices(frames)
    if not clicks.sum() > 0:
        raise Missing("no click paid, or no batches recorded")
    return prices[clicks > 0], clicks[clicks > 0]


@indicator(
    name="pay_per_click_median",
    unit="USD",
    definition="Median over clicks paid in click farms of the price of a click, before fee and broker's cut.",
)
def pay_per_click_median(frames: Frames, world: Countries | None) -> float:
    """Median price of a click."""
    return weighted_median(*_prices(frames))


@indicator(
    name="pay_per_click_lowest",
    unit="USD",
    definition="Lowest price at which clicks were done and paid in click farms, before fee and broker's cut.",
)
def pay_per_click_lowest(frames: Frames, world: Countries | None) -> float:
    """Lowest price of a click."""
    return float(_prices(frames)[0].min())
