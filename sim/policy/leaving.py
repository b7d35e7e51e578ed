"""When a platform gives up a country: what that saves is held against what it costs. Pure functions.

All amounts are whole micro-dollars of the same month. Who is still there is a number of two bits, workers and
customers; a platform can shut out either, or leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY, WORKERS, CUSTOMERS, EVERYBODY = range(4)
"""Who of a country a platform still serves."""

Cells = NDArray[Any]
"""A table by country of the customer (rows) and of the worker (columns); of exact numbers, not of floats."""


WHO_LEFT = ("everybody", "customers", "workers", "users")
"""Who is shut out where these stay: `NOBODY`, `WORKERS`, `CUSTOMERS`; ``users`` are a social platform's."""
USERS = 3


def patience(taxes: Iterable[tuple[int, int]]) -> int:
    """Return after how many months of loss a country is given up; 0 is never.

    Each tax there is what the platform bears of it, and its months. The one that costs most decides: of
    equal ones the most patient. So no small tax shortens or lengthens what a large one allows.
    """
    return max(taxes, key=lambda one: (one[0], not one[1], one[1]), default=(0, 0))[1]


def own_of_trade(rewards: Cells, own: int, cost_ppm: int, transactions: Sequence[int], cost: int) -> Cells:
    """Return what the work of each pair of countries leaves a platform before taxes.

    ``own`` is what it took for itself, less ``cost_ppm`` millionths of rewards, which it spends; both go with
    rewards. Each of the ``transactions`` (by country of the worker) has its ``cost``.
    """
    exact = rewards.astype(object)
    whole = int(exact.sum())
    kept = (own - whole * cost_ppm // 1_000_000) * exact // max(1, whole)
    spent = np.array(transactions, object) * cost
    return np.asarray(kept - spent * exact // np.maximum(exact.sum(axis=0), 1))


def spread(amounts: Sequence[int], rewards: Cells, by: int) -> Cells:
    """Spread an amount of each country over the work of its customers (``by`` 1) or its workers (0)."""
    exact = rewards.astype(object)
    whole = np.maximum(exact.sum(axis=by, keepdims=True), 1)
    due = np.array(amounts, object)
    return np.asarray((due[:, None] if by else due[None, :]) * exact // whole)


def given_up(
    brings: Cells, spared: Cells, burden: Mapping[int, Sequence[int]], local: bool = False
) -> dict[int, int]:
    """Return the countries that are not worth what they cost, and who of them is to stay.

    Parameters
    ----------
    brings
        What the work of each pair of countries leaves; it ends when either side is gone.
    spared
        Taxes on that work, which end with it.
    burden
        For each country with taxes, what is due while nobody, its workers, its customers or both are there.
    local
        Work is done where the customer is, so that neither side is of use without the other.
    """
    serves = dict.fromkeys(burden, EVERYBODY)
    while True:
        better = {c: _best(c, serves, brings, spared, burden, local) for c in burden}
        if better == serves:
            break
        serves = better
    # Each may be worth keeping as long as the others are there, and all of them together not.
    few = _rebuilt(serves, brings, spared, burden)
    if _gain(serves, few, brings, spared, burden) > 0:
        serves = few
    return {country: stays for country, stays in serves.items() if stays != EVERYBODY}


def _rebuilt(
    most: Mapping[int, int], brings: Cells, spared: Cells, burden: Mapping[int, Sequence[int]]
) -> dict[int, int]:
    """Return whom a platform would serve that began without the countries with taxes, one more at a time."""
    serves = dict.fromkeys(burden, NOBODY)
    while True:
        more = {
            country: stays
            for country, stays in most.items()
            if serves[country] != stays
            and _gain(serves | {country: stays}, serves, brings, spared, burden) < 0
        }
        if not more:
            return serves
        serves |= more


def _best(
    country: int,
    serves: dict[int, int],
    brings: Cells,
    spared: Cells,
    burden: Mapping[int, Sequence[int]],
    local: bool,
) -> int:
    """Return who of a country should stay; of equal choices the one that gives up least."""
    gains = {
        option: _gain(serves, serves | {country: option}, brings, spared, burden)
        for option in _options(serves[country], local)
    }
    best = max(gains, key=lambda option: gains[option], default=EVERYBODY)
    return best if gains and gains[best] > 0 else serves[country]


def _options(now: int, local: bool) -> Iterator[int]:
    if now == EVERYBODY and not local:
        yield from (CUSTOMERS, WORKERS)
    if now != NOBODY:
        yield NOBODY


def _gain(
    before: Mapping[int, int],
    after: Mapping[int, int],
    brings: Cells,
    spared: Cells,
    burden: Mapping[int, Sequence[int]],
) -> int:
    """Return what a platform gains by serving fewer; work that loses money by itself is no tax's fault."""
    ends = _goes_on(before, len(brings)) & ~_goes_on(after, len(brings))
    saved = sum(burden[c][before[c]] - burden[c][after[c]] for c in burden)
    return int(saved + spared[ends].sum() - max(0, brings[ends].sum()))


def _goes_on(serves: Mapping[int, int], countries: int) -> NDArray[np.bool_]:
    """Return the pairs of countries between which there is work."""
    state = np.full(countries, EVERYBODY)
    state[list(serves)] = list(serves.values())
    return np.asarray((state & CUSTOMERS > 0)[:, None] & (state & WORKERS > 0)[None, :])
