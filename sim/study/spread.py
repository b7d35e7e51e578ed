"""How a comparison's runs go week by week, and how pay and income are spread over their workers.

No difference and no interval rests on it: figures of before and after are drawn from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.money import MICRO
from sim.outcomes.indicators import LEAST_TASKS, LEAST_WORKERS, WORKING, all_in_pay, on_duty
from sim.outcomes.inequality import lorenz

WEEKS, SPREAD = "weeks", "spread"
PAY, INCOME = "hourly pay", "income"
WORLD = "world"
MOST_COUNTRIES = 6
DAYS_A_WEEK, DAYS_A_MONTH = 7, 365.0 / 12.0
PERCENTS = np.arange(101)
SUMS = {
    "active_workers": ("active_workers",),
    "tasks_done": ("requester_done",),
    "spent_microusd": ("requester_spent_microusd",),
    "pay_microusd": ("pay_microusd",),
    "working_seconds": WORKING,
    "paid_seconds": ("paid_seconds",),
}
"""Sums over the days of a week, the world: their columns in the daily series."""

SPREAD_UNITS = {
    "percent": "% of workers, from the lowest",
    "quantile": "USD/h or USD/month",
    "held": "share",
    "mean": "USD/h or USD/month",
    "workers": "workers",
    "seeds": "runs",
}
WEEK_UNITS = {"baseline": "as measure", "value": "as measure"}

Floats = NDArray[np.float64]
Amounts = dict[tuple[str, str], int]


# ---------------------------------------------------------------- weeks


def by_week(series: pd.DataFrame) -> Amounts:
    """Return the sums of a run's whole weeks by (measure, number of the week)."""
    if series.empty:
        return {}
    day = series["day"] - series["day"].min()
    whole = (int(day.max()) + 1) // DAYS_A_WEEK
    week = day // DAYS_A_WEEK
    kept = series[week < whole]
    sums = kept.groupby(week[week < whole])[sorted({name for names in SUMS.values() for name in names})].sum()
    return {
        (measure, str(number)): int(row)
        for measure, columns in SUMS.items()
        for number, row in sums[list(columns)].sum(axis=1).items()
    }


def first_day(start: str, warmup_days: int) -> dt.date:
    """Return the first day that is measured, of a run that begins on ``start``, an ISO date."""
    return dt.date.fromisoformat(start) + dt.timedelta(days=warmup_days)


def window_told(manifest: Mapping[str, Any]) -> str:
    """Return which days of a comparison are measured, by its manifest."""
    warmup = manifest["warmup_days"]
    first = first_day(manifest["start"], warmup)
    return f"{manifest['days']:,} days from {first} after {warmup:,} of warm-up"


def weeks_of(amounts: pd.DataFrame, start: str, warmup_days: int) -> pd.DataFrame:
    """Return a row for each scenario, seed, measure and week, beside the baseline's."""
    rows = amounts[amounts["table"] == WEEKS]
    first = first_day(start, warmup_days)
    week = rows["group"].astype(int)
    date = [(first + dt.timedelta(days=DAYS_A_WEEK * int(number))).isoformat() for number in week]
    table = rows[["scenario", "seed"]].assign(measure=rows["line"], week=week, date=date)
    return table.assign(baseline=rows["baseline"], value=rows["value"]).reset_index(drop=True)


# ---------------------------------------------------------------- spread


class Curve(NamedTuple):
    """Quantiles and shares held by the lowest at every percent, the mean, and how many workers."""

    quantile: Floats
    held: Floats
    mean: float
    workers: int


def spread_of(
    people: Mapping[str, Sequence[pd.DataFrame]], group_of: Mapping[str, str], days: int
) -> pd.DataFrame:
    """Return quantiles of pay and income, and the share held by the lowest, in each scenario.

    A row for each scenario, what, group and percent: means over seeds. Pay is hourly, of workers with ten
    tasks; income is a month's, with incomes, shifts, dividends, of workers who came on duty. Groups are
    the world, groups of countries, and the largest countries; one with fewer than 200 workers in a run is
    left out.

    Parameters
    ----------
    people
        The workers of each seed's run, by scenario; the first scenario is the baseline.
    group_of
        The group of each country.
    days
        Length of the window.
    """
    first = next(iter(people.values()))[0]
    countries = first["country"].astype(str).value_counts(sort=True).index[:MOST_COUNTRIES]
    groups = [WORLD, *sorted(set(group_of.values())), *map(str, countries)]
    rows = []
    for scenario, runs in people.items():
        for what in (PAY, INCOME):
            of_runs = [_values(run, what, days) for run in runs]
            for group in groups:
                found = [curve for one in of_runs if (curve := _curve(*one, group, group_of)) is not None]
                if len(found) == len(runs):
                    quantile, held = (
                        np.mean([getattr(one, name) for one in found], axis=0)
                        for name in ("quantile", "held")
                    )
                    mean, workers = (
                        np.mean([getattr(one, name) for one in found]) for name in ("mean", "workers")
                    )
                    rows += [
                        (
                            scenario,
                            what,
                            group,
                            int(percent),
                            *numbers,
                            float(mean),
                            float(workers),
                            len(runs),
                        )
                        for percent, *numbers in zip(PERCENTS, quantile.tolist(), held.tolist(), strict=True)
                    ]
    columns = ["scenario", "what", "group", "percent", "quantile", "held", "mean", "workers", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _values(people: pd.DataFrame, what: str, days: int) -> tuple[pd.Series[Any], Floats, Floats]:
    """Return countries, values (USD) and weights of the workers that count."""
    if what == PAY:
        done = people["tasks_accepted"] + people["tasks_rejected"]
        kept = people[(done >= LEAST_TASKS) & (people[list(WORKING)].sum(axis=1) > 0)]
        values = np.asarray(all_in_pay(kept), np.float64)
    else:
        kept = people[on_duty(people) > 0]
        usd = (kept["pay_microusd"] + kept["received_microusd"]).to_numpy(np.float64) / MICRO
        values = usd / days * DAYS_A_MONTH
    return kept["country"].astype(str), values, kept["weight"].to_numpy(np.float64)


def _curve(
    country: pd.Series[Any], values: Floats, weight: Floats, group: str, group_of: Mapping[str, str]
) -> Curve | None:
    """Return how values are spread over the workers of a group; None for too few of them."""
    here = np.ones(len(values), bool) if group == WORLD else _is_of(country, group, group_of)
    values, weight = values[here], weight[here]
    if len(values) < LEAST_WORKERS:
        return None
    share, held = lorenz(values, weight)  # values of nobody are below 0: pay and incomes only are counted
    order = np.argsort(values, kind="stable")
    reached = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    quantile, shares = (
        np.interp(PERCENTS / 100, at, what) for at, what in ((reached, values[order]), (share, held))
    )
    return Curve(quantile, shares, float(np.average(values, weights=weight)), len(values))


def _is_of(country: pd.Series[Any], group: str, group_of: Mapping[str, str]) -> NDArray[np.bool_]:
    members: Iterable[str] = [code for code, of in group_of.items() if group in (of, code)]
    return country.isin(list(members)).to_numpy()
