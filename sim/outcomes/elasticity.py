"""The supply of labour that one requester faces, from the randomised pay arms.

Each week a requester offers its batches at one of a few randomised levels of pay around its target, the arms.
Comparing arms within the same requester and week keeps out everything that differs between requesters or
drifts over time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

READ = ("requester", "posted_hour", "arm", "workers", "reward_microusd", "estimated_seconds")
HOURS_A_DAY, HOURS_A_WEEK = 24, 168
LEAST_CELLS = 30
LEAST_WORKERS = 200
# Estimates outside this range are no estimates: the arms say nothing.
RANGE = (-20.0, 20.0)
MOST_STEPS = 200
TOLERANCE = 1e-10

Floats = npt.NDArray[np.float64]


class Elasticity(NamedTuple):
    """An estimate with its standard error (clustered by requester) and what it rests on."""

    value: float
    standard_error: float
    cells: int
    workers: int


class _Cells(NamedTuple):
    """The batches that inform the estimate, one entry each; cells and requesters are numbered from 0."""

    cell: npt.NDArray[np.int64]
    requester: npt.NDArray[np.int64]
    log_pay: Floats
    arm_pay: Floats
    workers: Floats
    hours: Floats


def supply_elasticity(batches: pd.DataFrame, first_weekday: int = 0) -> Elasticity | str:
    """Estimate d ln(uptake rate) / d ln(reward) of a requester's batches; a text says why there is none.

    The uptake rate of a batch is the number of workers who took it per hour that it was on offer. Within a
    cell (requester x week) the rate is taken as proportional to w^e, where w is the reward per estimated
    second. Weeks begin on Mondays, when pay is revised; `first_weekday` is that of hour 0, Monday being 0.
    Given the cell's total uptake Y, the expected uptake of batch b is then Y h_b w_b^e / sum(h w^e), with h
    the hours on offer. The estimate is the e at which observed minus expected uptake, summed with the arm as
    instrument, is zero:

        sum over b of z_b (y_b - E[y_b | e]) = 0,

    z being the arm's mean deviation of ln w from its cell's mean. Only the randomised part of pay counts,
    batches that nobody took count as they should, and cells of one arm drop out. It is a Poisson moment
    estimator with fixed effects; its standard error is the sandwich, clustered by requester.
    """
    data = _informative(batches, first_weekday)
    if isinstance(data, str):
        return data
    value = _root(data)
    if value is None:
        return "the pay arms do not move uptake in a measurable way"
    slope, moments = _slope_and_moments(data, value)
    clustered = np.bincount(data.requester, moments)
    error = math.sqrt(float(np.sum(clustered**2))) / slope
    return Elasticity(value, error, int(data.cell.max()) + 1, int(data.workers.sum()))


def _root(data: _Cells) -> float | None:
    """Return where the moment condition holds, by Newton steps inside a bracket; None if nowhere."""
    low, high = RANGE
    if not _slope_and_moments(data, low)[1].sum() > 0 > _slope_and_moments(data, high)[1].sum():
        return None
    value = 0.0
    for _ in range(MOST_STEPS):
        slope, moments = _slope_and_moments(data, value)
        gap = float(moments.sum())
        low, high = (value, high) if gap > 0 else (low, value)
        step = gap / slope if slope > 0 else math.inf
        following = value + step if low < value + step < high else (low + high) / 2
        if abs(following - value) < TOLERANCE:
            return following
        value = following
    return value


def _informative(batches: pd.DataFrame, first_weekday: int) -> _Cells | str:
    """Return the batches of cells with two arms or more and some uptake, or why they are too few."""
    hours = _hours_on_offer(batches)
    known = ((batches["reward_microusd"] > 0) & (batches["estimated_seconds"] > 0)).to_numpy() & (hours > 0)
    if not known.any():
        return "no finished batches"
    usable, hours = batches.loc[known, list(READ)], hours[known]
    week = (usable["posted_hour"].to_numpy(np.int64) + HOURS_A_DAY * first_weekday) // HOURS_A_WEEK
    key = usable["requester"].to_numpy(np.int64) * (int(week.max()) + 1) + week
    arm, workers = usable["arm"].to_numpy(), usable["workers"].to_numpy(np.int64)
    order, kept = _cells_with_two_arms(key, arm, workers)
    cells, uptake = len(np.unique(key[order[kept]])), int(workers[order[kept]].sum())
    if cells < LEAST_CELLS or uptake < LEAST_WORKERS:
        return (
            f"{cells} requester-weeks with two pay arms and {uptake} uptakes; "
            f"at least {LEAST_CELLS} and {LEAST_WORKERS} are needed"
        )
    chosen = order[kept]
    pay = usable["reward_microusd"].to_numpy(float) / usable["estimated_seconds"].to_numpy(float)
    cell, log_pay = _numbered(key[chosen]), np.log(pay[chosen])
    log_pay -= _mean_by(cell, log_pay)
    return _Cells(
        cell=cell,
        requester=_numbered(usable["requester"].to_numpy()[chosen]),
        log_pay=log_pay,
        arm_pay=_mean_by(_numbered(arm[chosen]), log_pay),
        workers=workers[chosen].astype(np.float64),
        hours=hours[chosen],
    )


def _cells_with_two_arms(
    key: npt.NDArray[np.int64], arm: npt.NDArray[Any], workers: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the order that sorts batches by cell, and which of the sorted ones are in a cell that counts."""
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1))
    differ = np.minimum.reduceat(arm[order], first) < np.maximum.reduceat(arm[order], first)
    counts = differ & (np.add.reduceat(workers[order], first) > 0)
    return order, np.repeat(counts, np.diff(first, append=len(key)))


def _numbered(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _hours_on_offer(batches: pd.DataFrame) -> Floats:
    """Hours from posting until the last task was done, or until the batch was closed."""
    done = batches["t100"].to_numpy(np.float64) / 3600
    closed = batches["closed_hour"].to_numpy(np.float64)
    end = np.where(done >= 0, done, closed)
    return np.asarray(end - batches["posted_hour"].to_numpy(np.float64))


def _mean_by(group: npt.NDArray[np.int64], values: Floats) -> Floats:
    return np.asarray((np.bincount(group, values) / np.bincount(group))[group])


def _slope_and_moments(data: _Cells, elasticity: float) -> tuple[float, Floats]:
    """Return how fast the sum of the moments falls, and the moment of each batch, at an elasticity."""
    pull = data.hours * np.exp(elasticity * data.log_pay)
    share = pull / np.bincount(data.cell, pull)[data.cell]
    total = np.bincount(data.cell, data.workers)
    mean_arm = np.bincount(data.cell, share * data.arm_pay)
    mean_pay = np.bincount(data.cell, share * data.log_pay)
    product = np.bincount(data.cell, share * data.arm_pay * data.log_pay)
    slope = float(np.sum(total * (product - mean_arm * mean_pay)))
    return slope, np.asarray(data.arm_pay * (data.workers - total[data.cell] * share))
