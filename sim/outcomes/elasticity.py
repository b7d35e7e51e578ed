"""The supply of labour that one requester faces, from the randomised pay arms.

Each week a requester offers its batches at one of a few randomised levels of pay around its target, the arms.
Comparing arms within the same requester and week keeps out everything that differs between requesters or
drifts over time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
Counts = npt.NDArray[np.int32]


class Elasticity(NamedTuple):
    """An estimate with its standard error (clustered by requester) and what it rests on."""

    value: float
    standard_error: float
    cells: int
    workers: int


BLOCK = 1_000_000
"""Batches that are worked on at once, so that tens of millions do not take arrays of their length."""


class _Cells(NamedTuple):
    """The batches that inform the estimate, one entry each, in the order of requesters and cells.

    Cells, requesters and arms are numbered from 0; ``arm_pay`` has an entry for each arm.
    """

    cell: Counts
    requester: Counts
    log_pay: Floats
    arm: npt.NDArray[np.int8]
    arm_pay: Floats
    workers: Counts
    hours: Floats

    def blocks(self) -> Iterator[_Cells]:
        """Yield the batches in blocks; the cells of a block are numbered from 0."""
        for part in _blocks_of(self.cell):
            yield _Cells(
                self.cell[part] - self.cell[part.start],
                self.requester[part],
                self.log_pay[part],
                self.arm[part],
                self.arm_pay,
                self.workers[part],
                self.hours[part],
            )


def _blocks_of(cell: Counts) -> Iterator[slice]:
    """Yield the places of whole cells, ``BLOCK`` batches or a cell more at a time."""
    first = 0
    while first < len(cell):
        reached = min(first + BLOCK, len(cell)) - 1
        last = int(np.searchsorted(cell, cell[reached], side="right"))
        yield slice(first, last)
        first = last


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
    slope, _, clustered = _slope_and_moments(data, value)
    error = math.sqrt(float(np.sum(clustered**2))) / slope
    return Elasticity(value, error, int(data.cell.max()) + 1, int(data.workers.sum()))


def _root(data: _Cells) -> float | None:
    """Return where the moment condition holds, by Newton steps inside a bracket; None if nowhere."""
    low, high = RANGE
    if not _slope_and_moments(data, low)[1] > 0 > _slope_and_moments(data, high)[1]:
        return None
    value = 0.0
    for _ in range(MOST_STEPS):
        slope, gap, _ = _slope_and_moments(data, value)
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
    hours = hours[known]
    usable = {name: batches[name].to_numpy()[known] for name in READ}
    del known
    week = (usable.pop("posted_hour").astype(np.int64) + HOURS_A_DAY * first_weekday) // HOURS_A_WEEK
    key = usable["requester"].astype(np.int64) * (int(week.max()) + 1) + week
    del week
    chosen = _in_cells_with_two_arms(key, usable["arm"], usable["workers"])
    cells, uptake = len(np.unique(key[chosen])), int(usable["workers"][chosen].sum())
    if cells < LEAST_CELLS or uptake < LEAST_WORKERS:
        return (
            f"{cells} requester-weeks with two pay arms and {uptake} uptakes; "
            f"at least {LEAST_CELLS} and {LEAST_WORKERS} are needed"
        )
    cell, hours = _numbered(key[chosen]), hours[chosen]
    del key
    log_pay = usable.pop("reward_microusd")[chosen] / usable.pop("estimated_seconds")[chosen].astype(float)
    np.log(log_pay, out=log_pay)
    for part in _blocks_of(cell):
        log_pay[part] -= _mean_by(cell[part] - cell[part.start], log_pay[part])
    arms, arm = np.unique(usable["arm"]), usable["arm"][chosen]
    arm = np.searchsorted(arms, arm).astype(np.int8)
    in_arm = np.bincount(arm, log_pay, len(arms)), np.maximum(np.bincount(arm, minlength=len(arms)), 1)
    return _Cells(
        cell=cell,
        requester=_numbered(usable["requester"][chosen]),
        log_pay=log_pay,
        arm=arm,
        arm_pay=in_arm[0] / in_arm[1],
        workers=usable["workers"][chosen].astype(np.int32),
        hours=hours,
    )


def _in_cells_with_two_arms(
    key: npt.NDArray[np.int64], arm: npt.NDArray[Any], workers: npt.NDArray[Any]
) -> npt.NDArray[np.intp]:
    """Return which batches are in a cell that counts, in the order of cells."""
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1))
    sorted_arm = arm[order]
    counts = np.minimum.reduceat(sorted_arm, first) < np.maximum.reduceat(sorted_arm, first)
    counts &= np.add.reduceat(workers[order], first, dtype=np.int64) > 0
    return np.asarray(order[np.repeat(counts, np.diff(first, append=len(key)))])


def _numbered(ordered: npt.NDArray[Any]) -> Counts:
    """Number what is in order from 0."""
    return np.cumsum(np.diff(ordered, prepend=ordered[:1]) != 0, dtype=np.int32)


def _hours_on_offer(batches: pd.DataFrame) -> Floats:
    """Hours from posting until the last task was done, or until the batch was closed."""
    done = batches["t100"].to_numpy(np.float64) / 3600
    closed = batches["closed_hour"].to_numpy(np.float64)
    end = np.where(done >= 0, done, closed)
    return np.asarray(end - batches["posted_hour"].to_numpy(np.float64))


def _mean_by(group: npt.NDArray[np.int64], values: Floats) -> Floats:
    return np.asarray((np.bincount(group, values) / np.bincount(group))[group])


def _slope_and_moments(data: _Cells, elasticity: float) -> tuple[float, float, Floats]:
    """Return how fast the sum of the moments falls at an elasticity, that sum, and the sum by requester."""
    slope, whole = 0.0, 0.0
    by_requester = np.zeros(int(data.requester[-1]) + 1)
    for part in data.blocks():
        arm_pay = data.arm_pay[part.arm]
        pull = part.hours * np.exp(elasticity * part.log_pay)
        share = pull / np.bincount(part.cell, pull)[part.cell]
        total = np.bincount(part.cell, part.workers)
        mean_arm = np.bincount(part.cell, share * arm_pay)
        mean_pay = np.bincount(part.cell, share * part.log_pay)
        product = np.bincount(part.cell, share * arm_pay * part.log_pay)
        slope += float(np.sum(total * (product - mean_arm * mean_pay)))
        moments = arm_pay * (part.workers - total[part.cell] * share)
        whole += float(moments.sum())
        by_requester += np.bincount(part.requester, moments, len(by_requester))
    return slope, whole, by_requester
