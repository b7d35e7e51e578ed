"""Emulators of a model's statistics, history matching with them, and what they can tell of parameters.

An emulator is a ridge regression of the log of a statistic on the parameters, scaled to [-1, 1], their
squares and the products of those that matter most. Its error is that of leaving each point out in turn; it
holds what the polynomial misses and the noise between seeds. Method: Craig, Goldstein, Seheult and Smith
1997, history matching; Vernon, Goldstein and Bower 2010, Bayesian Analysis.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Floats = NDArray[np.float64]

RIDGE = 1e-3
CUT = 3.0
"""Implausibility beyond which a point is given up: three standard deviations (Pukelsheim 1994)."""

LEAST_ERROR = 0.01
"""Least error of an emulator in log points: one per cent."""


@dataclass(frozen=True)
class Space:
    """Parameters and their ranges."""

    names: tuple[str, ...]
    low: Floats
    high: Floats

    def scaled(self, points: Floats) -> Floats:
        """Return points (n, k) with each range as [-1, 1]."""
        return 2.0 * (points - self.low) / (self.high - self.low) - 1.0

    def drawn(self, count: int, seed: int) -> Floats:
        """Return the points of a Sobol' sequence, (count, k); the first are a design of their own."""
        sequence = qmc.Sobol(len(self.names), seed=seed)
        return qmc.scale(sequence.random(1 << (count - 1).bit_length()), self.low, self.high)[:count]


@dataclass(frozen=True)
class Emulator:
    """A polynomial of scaled parameters for the log of a statistic, with its error (log points)."""

    space: Space
    pairs: tuple[tuple[int, int], ...]
    weights: Floats
    error: float

    def predict(self, points: Floats) -> Floats:
        """Return the log of the statistic at points (n, k)."""
        return _terms(self.space.scaled(points), self.pairs) @ self.weights


def fit(space: Space, points: Floats, values: Floats) -> Emulator:
    """Fit an emulator to values above 0 at points (n, k); as many products are used as points allow."""
    x, y = space.scaled(points), np.log(values)
    first = _solve(_terms(x, ()), y)[0]
    k = len(space.names)
    rank = np.argsort(np.argsort(-np.abs(first[1 : k + 1]), kind="stable"), kind="stable")
    by_rank = sorted(itertools.combinations(range(k), 2), key=lambda two: int(rank[list(two)].sum()))
    pairs = tuple(by_rank[: max(0, len(y) // 3 - 2 * k - 1)])
    weights, left_out = _solve(_terms(x, pairs), y)
    return Emulator(space, pairs, weights, max(LEAST_ERROR, float(np.sqrt(np.mean(left_out**2)))))


def _terms(x: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    products = [x[:, one] * x[:, other] for one, other in pairs]
    return np.column_stack([np.ones(len(x)), x, x**2, *products])


def _solve(terms: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return weights, and what is missed at each point when it is left out."""
    penalty = RIDGE * len(y) * np.eye(terms.shape[1])
    penalty[0, 0] = 0.0
    inverse = np.linalg.inv(terms.T @ terms + penalty)
    weights = inverse @ terms.T @ y
    leverage = np.einsum("ij,jk,ik->i", terms, inverse, terms)
    return weights, (y - terms @ weights) / (1.0 - np.minimum(leverage, 0.99))


@dataclass(frozen=True)
class Sought:
    """A statistic that is to lie in a band: the centre and a quarter of its width, in logs."""

    key: str
    centre: float
    tolerance: float

    @classmethod
    def of_band(cls, key: str, low: float, high: float) -> Sought:
        """Read a band as an interval of 95 per cent around its middle, in logs."""
        return cls(key, (np.log(low) + np.log(high)) / 2, (np.log(high) - np.log(low)) / 4)


def implausibility(emulators: Sequence[Emulator], sought: Sequence[Sought], points: Floats) -> Floats:
    """Return (points, statistics): distance from what is sought over emulator's error and tolerance."""
    return np.column_stack(
        [
            np.abs(one.predict(points) - what.centre) / np.hypot(one.error, what.tolerance)
            for one, what in zip(emulators, sought, strict=True)
        ]
    )


def best_of(emulators: Sequence[Emulator], sought: Sequence[Sought], points: Floats) -> Floats:
    """Return the point with the least sum of squared implausibilities."""
    return points[int(np.argmin(np.sum(implausibility(emulators, sought, points) ** 2, axis=1)))]


@dataclass(frozen=True)
class Recovery:
    """How well known parameters are found again from the statistics of a run.

    ``covered`` is the share of trials whose interval of 95 per cent holds the truth; ``width`` the mean width
    of that interval over the range; both by parameter.
    """

    covered: Floats
    width: Floats
    trials: int


def recover(space: Space, points: Floats, values: Floats, candidates: Floats) -> Recovery:
    """Take each run as the observation in turn, fit emulators without it, and look for its parameters.

    ``values`` are (runs, statistics), above 0. Candidates are weighed by the normal likelihood of the run's
    statistics with the emulators' errors; intervals are between the weighted quantiles 0.025 and 0.975.
    """
    inside, widths = [], []
    for left_out in range(len(points)):
        others = np.arange(len(points)) != left_out
        emulators = [fit(space, points[others], column[others]) for column in values.T]
        target = np.log(values[left_out])
        misses = np.column_stack(
            [
                (one.predict(candidates) - wanted) / one.error
                for one, wanted in zip(emulators, target, strict=True)
            ]
        )
        log_weight = -0.5 * np.sum(misses**2, axis=1)
        weight = np.exp(log_weight - log_weight.max())
        low, high = np.array([weighted_interval(column, weight) for column in candidates.T]).T
        inside.append((low <= points[left_out]) & (points[left_out] <= high))
        widths.append((high - low) / (space.high - space.low))
    return Recovery(np.mean(inside, axis=0), np.mean(widths, axis=0), len(points))


def weighted_interval(values: Floats, weight: Floats, share: float = 0.95) -> tuple[float, float]:
    """Return the weighted quantiles that hold a share in the middle."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    tails = np.array([(1 - share) / 2, (1 + share) / 2]) * reached[-1]
    places = np.minimum(np.searchsorted(reached, tails), len(values) - 1)
    low, high = values[order][places]
    return float(low), float(high)
