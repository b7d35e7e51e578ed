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

HOURS_A_WEEK = 168
LEAST_CELLS = 30
LEAST_WORKERS = 200
# Estimates outside this range are no estimates: the arms say nothing.
RANGE = (-20.0, 20.0)

Floats = npt.NDArray[np.float64]


class Elasticity(NamedTuple):
    """An estimate with its standard error (clustered by requester) and what it rests on."""

    value: float
    standard_error: float
    cells: int
    workers: int


class _Cells(NamedTuple):
    """The batches that inform the estimate, one entry each, sorted by cell."""

    cell: npt.NDArray[np.int64]
    requester: npt.NDArray[np.int64]
    log_pay: Floats
    arm_pay: Floats
    workers: Floats
    hours: Floats


def supply_elasticity(batches: pd.DataFrame) -> Elasticity | str:
    """Estimate d ln(uptake rate) / d ln(reward) of a requester's batches; a text says why there is none.

    The uptake rate of a batch is the number of workers who took it per hour that it was on offer. Within a
    cell (requester x week) the rate is taken as proportional to w^e, where w is the reward per estimated
    second. Given the cell's total uptake Y, the expected uptake of batch b is then Y h_b w_b^e / sum(h w^e),
    with h the hours on offer. The estimate is the e at which observed minus expected uptake, summed with the
    arm as instrument, is zero:

        sum over b of z_b (y_b - E[y_b | e]) = 0,

    z being the arm's mean deviation of ln w from its cell's mean. Only the randomised part of pay counts,
    batches that nobody took count as they should, and cells of one arm drop out. It is a Poisson moment
    estimator with fixed effects; its standard error is the sandwich, clustered by requester.
    """
    data = _informative(batches)
    if isinstance(data, str):
        return data
    low, high = RANGE
    if not _moments(data, low).sum() > 0 > _moments(data, high).sum():
        return "the pay arms do not move uptake in a measurable way"
    for _ in range(60):
        middle = (low + high) / 2
        if _moments(data, middle).sum() > 0:
            low = middle
        else:
            high = middle
    value = (low + high) / 2
    cells = len(np.unique(data.cell))
    return Elasticity(value, _standard_error(data, value), cells, int(data.workers.sum()))


def _informative(batches: pd.DataFrame) -> _Cells | str:
    """Return the batches of cells with two arms or more and some uptake, or why they are too few."""
    usable = batches[(batches["reward_microusd"] > 0) & (batches["estimated_seconds"] > 0)]
    hours = _hours_on_offer(usable)
    usable, hours = usable[hours > 0], hours[hours > 0]
    if usable.empty:
        return "no finished batches"
    week = usable["posted_hour"].to_numpy() // HOURS_A_WEEK
    groups: Any = usable.groupby(["requester", week], sort=True)
    kept = ((groups["arm"].transform("nunique") > 1) & (groups["workers"].transform("sum") > 0)).to_numpy()
    cell = groups.ngroup().to_numpy()[kept]
    cells, workers = len(np.unique(cell)), int(usable["workers"].to_numpy()[kept].sum())
    if cells < LEAST_CELLS or workers < LEAST_WORKERS:
        return (
            f"{cells} requester-weeks with two pay arms and {workers} uptakes; "
            f"at least {LEAST_CELLS} and {LEAST_WORKERS} are needed"
        )
    order = np.argsort(cell, kind="stable")
    chosen = usable[kept].iloc[order]
    cell = np.unique(cell[order], return_inverse=True)[1].astype(np.int64)
    log_pay = np.log(chosen["reward_microusd"].to_numpy(float) / chosen["estimated_seconds"].to_numpy(float))
    return _Cells(
        cell=cell,
        requester=chosen["requester"].to_numpy(np.int64),
        log_pay=log_pay,
        arm_pay=_instrument(log_pay, cell, chosen["arm"].to_numpy()),
        workers=chosen["workers"].to_numpy(np.float64),
        hours=hours[kept][order],
    )


def _hours_on_offer(batches: pd.DataFrame) -> Floats:
    """Hours from posting until the last task was done, or until the batch was closed."""
    done = batches["t100"].to_numpy(np.float64) / 3600
    closed = batches["closed_hour"].to_numpy(np.float64)
    end = np.where(done >= 0, done, closed)
    return np.asarray(end - batches["posted_hour"].to_numpy(np.float64))


def _instrument(log_pay: Floats, cell: npt.NDArray[np.int64], arm: npt.NDArray[Any]) -> Floats:
    """Mean deviation of log pay from its cell's mean, by arm."""
    deviation = log_pay - _mean_by(cell, log_pay)
    return _mean_by(np.unique(arm, return_inverse=True)[1].astype(np.int64), deviation)


def _mean_by(group: npt.NDArray[np.int64], values: Floats) -> Floats:
    return np.asarray((np.bincount(group, values) / np.bincount(group))[group])


def _expected(data: _Cells, elasticity: float) -> Floats:
    """Share of the cell's uptake that each batch should have."""
    centred = data.log_pay - _mean_by(data.cell, data.log_pay)
    pull = data.hours * np.exp(elasticity * centred)
    return np.asarray(pull / np.bincount(data.cell, pull)[data.cell])


def _moments(data: _Cells, elasticity: float) -> Floats:
    """Contribution of each batch to the moment condition; the sum falls in the elasticity."""
    total = np.bincount(data.cell, data.workers)[data.cell]
    return np.asarray(data.arm_pay * (data.workers - total * _expected(data, elasticity)))


def _standard_error(data: _Cells, elasticity: float) -> float:
    """Sandwich: root of the clustered variance of the moments over the slope of their sum."""
    share = _expected(data, elasticity)
    total = np.bincount(data.cell, data.workers)
    mean_arm = np.bincount(data.cell, share * data.arm_pay)
    mean_pay = np.bincount(data.cell, share * data.log_pay)
    product = np.bincount(data.cell, share * data.arm_pay * data.log_pay)
    slope = float(np.sum(total * (product - mean_arm * mean_pay)))
    requester = np.unique(data.requester, return_inverse=True)[1]
    clustered = np.bincount(requester, _moments(data, elasticity))
    return math.sqrt(float(np.sum(clustered**2))) / slope if slope > 0 else math.nan
