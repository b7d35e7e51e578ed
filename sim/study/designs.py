"""Designs: which points of the space of settings a study visits.

An axis is one setting and what it may be: a list of values, or an interval. A design turns axes into points;
all of them are pure functions of the axes, the number of points and a seed of their own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.numeric import exp, log

DESIGNS = ("grid", "list", "lhs", "sobol", "saltelli", "morris")
DRAWN = ("lhs", "sobol", "saltelli", "morris")
"""Designs that draw from intervals; the others take lists of values."""

IN_POWERS = ("sobol", "saltelli")
"""Those of a Sobol' sequence: it fills space evenly, and Sobol' indices are estimated, at powers of two."""

MORRIS_LEVELS = 4
"""Levels of a coordinate in Morris's design; steps go half of them (Morris 1991, Technometrics).

A list of more values has more levels, so that each value can be tried.
"""

ROUNDING = 1e-9
"""A share this close below a value's part of a list, as levels of Morris's are, lies in that part."""

MOST_POINTS = 10_000_000

Floats = NDArray[np.float64]
Point = tuple[Any, ...]


@dataclass(frozen=True)
class Axis:
    """A setting that a study varies.

    Attributes
    ----------
    path
        Dotted path of the setting, or the name of a group.
    values
        The values it takes in turn; empty for an interval.
    low, high
        Ends of the interval.
    logarithmic
        Whether equal steps multiply.
    whole
        Whether only whole numbers are meant.
    """

    path: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False
    whole: bool = False

    @property
    def is_interval(self) -> bool:
        """Whether any value between two ends is meant."""
        return not self.values

    def at(self, share: float) -> Any:
        """Return the value at a share (0 to 1) of the way along the axis."""
        if not self.is_interval:
            return self.values[min(len(self.values) - 1, int(share * len(self.values) + ROUNDING))]
        if self.whole:
            first, last = math.ceil(self.low), math.floor(self.high)
            if self.logarithmic:
                near = round(exp(log(self.low) + share * log(self.high / self.low)))
                return min(last, max(first, near))
            return min(last, first + int(share * (last - first + 1)))
        if self.logarithmic:
            found = exp(log(self.low) + share * log(self.high / self.low))
            return min(self.high, max(self.low, found))
        return min(self.high, self.low + share * (self.high - self.low))


def points_of(design: str, axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """Return the points of a design, each with a value for every axis.

    Parameters
    ----------
    design
        ``grid``: every combination; ``list``: first values together, second together, ...; ``lhs``: Latin
        hypercube; ``sobol``: scrambled Sobol' sequence; ``saltelli``: what Sobol' indices are estimated from
        (count x (axes + 2) points); ``morris``: trajectories for elementary effects (count x (axes + 1)).
    count
        Number of points, or of base points or trajectories; of `IN_POWERS` a power of two.
    seed
        Of the design's own draws.

    Raises
    ------
    UserError
        If design and axes do not fit together.
    """
    _check(design, axes, count)
    if design == "grid":
        return list(itertools.product(*(axis.values for axis in axes)))
    if design == "list":
        return list(zip(*(axis.values for axis in axes), strict=True))
    shares = shares_of(design, axes, count, seed).T.tolist()
    columns = [[axis.at(share) for share in row] for axis, row in zip(axes, shares, strict=True)]
    return list(zip(*columns, strict=True))


def shares_of(design: str, axes: Sequence[Axis], count: int, seed: int) -> Floats:
    """Return the points of a design that draws, as shares (0 to 1) of the way along each axis."""
    if design != "morris":
        return SHARES[design](len(axes), count, seed)
    levels = [max(MORRIS_LEVELS, 2 * math.ceil(len(axis.values) / 2)) for axis in axes]
    return morris_trajectories(len(axes), count, seed, np.array(levels))


def latin_hypercube(dimensions: int, count: int, seed: int) -> Floats:
    """Return a Latin hypercube: of ``count`` equal parts of each coordinate, every one is hit once."""
    from scipy.stats import qmc  # half a second that other designs, and their workers, do without

    return np.asarray(qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(count))


def sobol_sequence(dimensions: int, count: int, seed: int) -> Floats:
    """Return the first points of a scrambled Sobol' sequence."""
    from scipy.stats import qmc

    sampler = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    return np.asarray(sampler.random_base2(max(0, math.ceil(math.log2(count))))[:count])


def saltelli(dimensions: int, count: int, seed: int) -> Floats:
    """Return matrices A, B and, for each coordinate, A with that column of B, one below the other.

    From them `scipy.stats.sobol_indices` estimates first and total indices (Saltelli et al. 2010).
    """
    both = sobol_sequence(2 * dimensions, count, seed)
    a, b = both[:, :dimensions], both[:, dimensions:]
    mixed = []
    for column in range(dimensions):
        one = a.copy()
        one[:, column] = b[:, column]
        mixed.append(one)
    return np.concatenate([a, b, *mixed])


def morris_trajectories(
    dimensions: int, count: int, seed: int, levels: int | NDArray[np.int64] = MORRIS_LEVELS
) -> Floats:
    """Return trajectories: from a point of a coarse grid, each coordinate is moved once, in drawn order.

    ``levels`` of the grid are even, one number or one for each coordinate. Steps are
    ``levels / (2 (levels - 1))`` long, up or down, wherever there is room.
    """
    rng = np.random.default_rng(seed)
    each = np.full(dimensions, levels)
    step = each / (2 * (each - 1))
    rows = []
    for _ in range(count):
        low = rng.integers(0, each // 2) / (each - 1)
        up = rng.random(dimensions) < 0.5
        place = np.where(up, low, low + step)
        rows.append(place.copy())
        for column in rng.permutation(dimensions):
            place[column] += step[column] if up[column] else -step[column]
            rows.append(place.copy())
    return np.asarray(np.clip(np.array(rows), 0.0, 1.0), np.float64)


SHARES = {"lhs": latin_hypercube, "sobol": sobol_sequence, "saltelli": saltelli}


def size_of(design: str, axes: Sequence[Axis], count: int) -> int:
    """Return how many points a design has."""
    if design == "grid":
        return math.prod(len(axis.values) for axis in axes)
    if design == "list":
        return len(axes[0].values) if axes else 1
    return count * {"saltelli": len(axes) + 2, "morris": len(axes) + 1}.get(design, 1)


def _check(design: str, axes: Sequence[Axis], count: int) -> None:
    lengths: Mapping[str, int] = {axis.path: len(axis.values) for axis in axes}
    if design not in DRAWN:
        for axis in axes:
            if axis.is_interval:
                raise UserError(
                    f"is an interval, from which design={design} cannot draw.",
                    path=axis.path,
                    value=f"interval({axis.low:g},{axis.high:g})",
                    allowed="values one by one, range(first,last,step), or design=" + ", ".join(DRAWN),
                    nearest=f"design=lhs points=100 {axis.path}=interval({axis.low:g},{axis.high:g})",
                )
    if design == "list" and len(set(lengths.values())) > 1:
        raise UserError(
            "takes lists of the same length.",
            path="design",
            value=design,
            allowed=", ".join(f"{path}: {length}" for path, length in lengths.items()),
            nearest="design=grid, for every combination",
        )
    if design in DRAWN and not axes:
        raise UserError(
            "has nothing to vary.",
            path="design",
            value=design,
            allowed="settings with intervals, such as workers.broker_cut=interval(0,0.5)",
            nearest="design=grid",
        )
    if design in DRAWN and count < 1:
        raise UserError("is too few.", path="points", value=count, allowed="1 or more", nearest="points=64")
    if size_of(design, axes, count) > MOST_POINTS:
        raise UserError(
            "has too many points.",
            path="design",
            value=f"{size_of(design, axes, count):,} points",
            allowed=f"at most {MOST_POINTS:,}",
            nearest="fewer values of some settings, or design=lhs points=1000",
        )
    if design in IN_POWERS and count & (count - 1):
        more = 1 << count.bit_length()
        most = more if size_of(design, axes, more) <= MOST_POINTS else more // 2
        raise UserError(
            "is no power of two.",
            path="points",
            value=count,
            allowed=f"1, 2, 4, 8, ... with design={design}",
            nearest=f"points={most}",
        )
