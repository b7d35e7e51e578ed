"""Verdicts: what is said of a claim is a pure function of the outcomes, and every answer is possible.

A claim is cut into statements, each of which says that a number lies above or below a bound. Each is asked at
one or several places (points of parameters, scenarios, groups). It holds where the whole interval lies on the
side that is stated, fails where the whole interval lies on the other one, and is undecided where the interval
contains the bound or is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.study.analysis import mean_and_interval

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
ANSWERS = (HOLDS, FAILS, UNDECIDED)
ABOVE, BELOW = "above", "below"
MOST_PLACES = 8
"""Places that are named one by one; of more, the number is said."""


class Finding(NamedTuple):
    """A statement at one place, with the number it is about, its 95 % interval over seeds, and the answer."""

    claim: str
    statement: str
    where: str
    unit: str
    value: float
    low: float
    high: float
    side: str
    bound: float
    seeds: int

    @property
    def answer(self) -> str:
        """Whether the statement holds here."""
        return answer(self.low, self.high, self.bound, self.side)


def answer(low: float, high: float, bound: float, side: str) -> str:
    """Return whether an interval lies on the stated side of a bound."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNDECIDED
    if low > bound:
        return HOLDS if side == ABOVE else FAILS
    if high < bound:
        return FAILS if side == ABOVE else HOLDS
    return UNDECIDED


def finding(
    claim: str,
    statement: str,
    where: str,
    values: Iterable[float],
    side: str = ABOVE,
    bound: float = 0.0,
    unit: str = "",
) -> Finding:
    """Return the finding of a statement from the values of its number, one for each seed."""
    kept = np.array([value for value in values if math.isfinite(value)], np.float64)
    return Finding(claim, statement, where, unit, *mean_and_interval(kept), side, bound, len(kept))


def within(
    claim: str, statement: str, where: str, values: Iterable[float], bound: float, unit: str = ""
) -> Finding:
    """Return the finding that a number is no further than a bound from nothing, either way.

    Its size is that of the mean and of the mean's interval. The mean of sizes would grow with luck: a change
    of nothing but noise would be found to be large.
    """
    one = finding(claim, statement, where, values, BELOW, bound, unit)
    low, high = sorted((abs(one.low), abs(one.high)))
    return one._replace(value=abs(one.value), low=0.0 if one.low <= 0.0 <= one.high else low, high=high)


def table_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return findings as a table: a row each, with its answer."""
    return pd.DataFrame(findings, columns=Finding._fields).assign(answer=[one.answer for one in findings])


def verdict(findings: Sequence[Finding]) -> list[str]:
    """Return the verdict in words: a sentence for each statement, in the order they were made."""
    statements = dict.fromkeys((one.claim, one.statement) for one in findings)
    return [
        f"{claim}: {statement}: {told([one for one in findings if (one.claim, one.statement) == which])}."
        for which in statements
        for claim, statement in [which]
    ]


def told(findings: Sequence[Finding]) -> str:
    """Say where a statement holds, where it fails, and where its interval contains the bound."""
    parts = []
    for one in ANSWERS:
        there = [found for found in findings if found.answer == one]
        if not there:
            continue
        if len(findings) == 1:
            parts.append(f"{one} ({numbers(there[0])})")
        elif len(there) > MOST_PLACES:
            parts.append(f"{one} at {len(there)} of {len(findings)} places")
        else:
            parts.append(f"{one} for {', '.join(f'{found.where} ({numbers(found)})' for found in there)}")
    return "; ".join(parts)


def numbers(one: Finding) -> str:
    """Return value and interval of a finding, and the bound that it was held against."""
    return f"{measured(one)}, asked: {asked(one)}"


def asked(one: Finding) -> str:
    """Return side and bound of a finding."""
    return f"{one.side} {one.bound:.4g}"


def measured(one: Finding) -> str:
    """Return value and interval of a finding."""
    if not math.isfinite(one.value):
        return "no value"
    unit = f" {one.unit}" if one.unit else ""
    between = f" [{one.low:.3g}, {one.high:.3g}]" if math.isfinite(one.low) else ", one seed"
    return f"{one.value:.3g}{between}{unit}"


def crossing(
    places: Sequence[float], curves: NDArray[np.float64], bound: float
) -> tuple[float, float, float]:
    """Return the first place at which the mean of curves (seeds x places) falls below a bound.

    Between places the curve is straight. The interval is of seeds drawn again, so of few seeds too narrow
    (it may be infinite, which rules out Student's t); infinite where it never falls.
    """
    rng, count = np.random.default_rng(0), len(curves)
    again = [_first_below(places, curves[rng.integers(0, count, count)].mean(0), bound) for _ in range(500)]
    low, high = np.quantile(again, [0.025, 0.975], method="nearest")
    return _first_below(places, curves.mean(0), bound), float(low), float(high)


def _first_below(places: Sequence[float], values: NDArray[np.float64], bound: float) -> float:
    for place in range(len(values)):
        if values[place] < bound:
            if place == 0:
                return float(places[0])
            before, after = float(values[place - 1]), float(values[place])
            share = (before - bound) / (before - after)
            return float(places[place - 1] + share * (places[place] - places[place - 1]))
    return math.inf
