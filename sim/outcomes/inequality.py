"""Measures of a weighted distribution: quantiles, Lorenz curve, Gini coefficient, top shares.

`values` and `weights` are one-dimensional and of equal length; a weight says for how many people a value
stands. No weights means one person each. A measure that is not defined (nobody, or nothing to share) is NaN;
negative values or weights, or a NaN among them, are an error. The definitions give the same answer whether a
weight is a whole number or the row is repeated that many times.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Cumulated weights this close to a quantile's position are taken to hit it: they differ by rounding only.
TIE = 1e-12


def lorenz(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Return the Lorenz curve: shares of people, poorest first, and the share of the total they hold.

    Both arrays begin at 0 and end at 1 and have one more entry than there are people with a weight. Where
    nothing is held, or nobody is there, both are empty.
    """
    value, weight = _clean(values, weights)
    if np.any(value < 0):
        raise ValueError("values must not be negative")
    people, held = _cumulated(value, weight)
    if not people[-1] > 0 or not held[-1] > 0:
        return np.empty(0), np.empty(0)
    return people / people[-1], held / held[-1]


def gini(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the Gini coefficient: twice the area between the Lorenz curve and the diagonal.

    0 if everyone holds the same; (n - 1) / n if one of n people holds everything.
    """
    people, held = lorenz(values, weights)
    if not len(people):
        return math.nan
    under_curve = np.sum(np.diff(people) * (held[1:] + held[:-1])) / 2
    return float(1 - 2 * under_curve)


def top_share(values: npt.ArrayLike, weights: npt.ArrayLike | None, share: float) -> float:
    """Return the share of the total held by the top `share` (0 to 1) of people.

    Between two people the Lorenz curve is read on the straight line, so a fraction of a person counts as that
    fraction.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    people, held = lorenz(values, weights)
    if not len(people):
        return math.nan
    return float(1 - np.interp(1 - share, people, held))


def weighted_mean(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the weighted mean."""
    value, weight = _clean(values, weights)
    total = weight.sum()
    return float(np.sum(value * weight) / total) if total > 0 else math.nan


def weighted_quantile(values: npt.ArrayLike, weights: npt.ArrayLike | None, q: float) -> float:
    """Return the value below which the share `q` (0 to 1) of people lie.

    The smallest value whose cumulated weight exceeds q times the total; where it is met exactly, the mean of
    that value and the next, so that the median of an even number of people is the usual one.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q must be between 0 and 1, not {q}")
    value, weight = _clean(values, weights)
    order = np.argsort(value, kind="stable")
    value, reached = value[order], np.cumsum(weight[order])
    if not len(value):
        return math.nan
    position, slack = q * reached[-1], TIE * reached[-1]
    last = len(value) - 1
    below = min(int(np.searchsorted(reached, position - slack, side="left")), last)
    above = min(int(np.searchsorted(reached, position + slack, side="right")), last)
    return float((value[below] + value[above]) / 2)


def weighted_median(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the weighted median."""
    return weighted_quantile(values, weights, 0.5)


def _clean(values: npt.ArrayLike, weights: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """Return values and weights as floats, without people of weight 0."""
    value = _floats(values, "values")
    weight = np.ones(len(value)) if weights is None else _floats(weights, "weights")
    if value.shape != weight.shape:
        raise ValueError(f"{len(value)} values but {len(weight)} weights")
    if weight.min(initial=0.0) < 0:
        raise ValueError("weights must not be negative")
    counted = weight > 0
    return value[counted], weight[counted]


def _floats(numbers: Any, name: str) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {array.ndim}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array


def _cumulated(value: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return cumulated weights and cumulated weighted values, poorest first, from 0."""
    order = np.argsort(value, kind="stable")
    people = np.concatenate(([0.0], np.cumsum(weight[order])))
    held = np.concatenate(([0.0], np.cumsum((value * weight)[order])))
    return people, held
