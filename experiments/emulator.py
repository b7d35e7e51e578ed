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
from scipy.special import ndtr
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
    """A statistic that is to lie in a band: its centre and a quarter of its width."""

    key: str
    centre: float
    tolerance: float

    @classmethod
    def of_band(cls, key: str, low: float, high: float) -> Sought:
        """Read a band as an interval of 95 per cent around its middle."""
        return cls(key, (low + high) / 2, (high - low) / 4)


def implausibility(emulators: Sequence[Emulator], sought: Sequence[Sought], points: Floats) -> Floats:
    """Return (points, statistics): distance from what is sought over emulator's error and tolerance."""
    columns = []
    for one, what in zip(emulators, sought, strict=True):
        expected = np.exp(one.predict(points))
        columns.append(np.abs(expected - what.centre) / np.hypot(expected * one.error, what.tolerance))
    return np.column_stack(columns)


def chances(sought: Sequence[Sought], logs: Floats, errors: Floats) -> Floats:
    """Return (points, statistics): chance that a statistic lies in its band, its log being normal.

    ``logs`` (points, statistics) are its means, ``errors`` their standard deviations, of that shape or of one
    row.
    """
    centres, tolerances = np.array([(what.centre, what.tolerance) for what in sought]).T
    low, high = np.log(centres - 2 * tolerances), np.log(centres + 2 * tolerances)
    return np.asarray(ndtr((high - logs) / errors) - ndtr((low - logs) / errors))


def misfit(chance: Floats) -> Floats:
    """Return what is made small, (points,): twice the negative log of the chance that all bands hold.

    As if statistics were independent. Each adds at most `CUT` squared: what no point comes near must not bend
    all others (Geman and McClure 1987).
    """
    return np.asarray(-2.0 * np.sum(np.log(np.maximum(chance, np.exp(-(CUT**2) / 2))), axis=1))


@dataclass(frozen=True)
class Recovery:
    """How well known parameters are found again from the statistics of a run.

    ``covered`` is the share of trials whose interval of 95 per cent holds the truth; ``width`` its
    width over the range: about 0.95 where statistics tell nothing; both by parameter.
    """

    covered: Floats
    width: Floats
    trials: int


def recover(space: Space, points: Floats, values: Floats, share: float = 0.95) -> Recovery:
    """Take each run in turn as the observation and look for its parameters in its statistics.

    Parameters are regressed on the logs of the statistics, their squares and products (regression of
    approximate Bayesian computation, Beaumont, Zhang and Balding 2002). The interval around what is found for
    one run is as wide as what is missed when each of the others is left out, cut at the ends of the range
    (conformal, Vovk, Gammerman and Shafer 2005). ``values`` are (runs, statistics), above 0.
    """
    logs = np.log(values)
    x = (logs - logs.mean(axis=0)) / np.maximum(logs.std(axis=0), 1e-12)
    pairs = tuple(itertools.combinations(range(x.shape[1]), 2))
    terms = _terms(x, pairs if len(x) > 4 * len(pairs) else ())
    covered, width = [], []
    for truth in space.scaled(points).T:
        _, missed = _solve(terms, truth)
        found = truth - missed
        half = np.array([_quantile(np.abs(np.delete(missed, i)), share) for i in range(len(missed))])
        covered.append(float(np.mean(np.abs(missed) <= half)))
        width.append(float(np.mean(np.clip(found + half, -1, 1) - np.clip(found - half, -1, 1))) / 2)
    return Recovery(np.array(covered), np.array(width), len(points))


def _quantile(misses: Floats, share: float) -> float:
    """Return the smallest miss that at least a share of as many and one more does not exceed."""
    place = min(len(misses), int(np.ceil(share * (len(misses) + 1)))) - 1
    return float(np.sort(misses)[place])
