"""Income and poverty over a fixed roster: who stops working does not drop out of the count.

The roster of a window is everybody who was in the market when it began and everybody who joined in it. A
member counts from the window's first day, or from the day of joining, to the window's last day, also after
leaving the market: pay is then 0, and an income paid to all residents goes on. Nobody's other life changes by
leaving.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from sim.agents.rules import HOURS_IN_OTHER_JOB, WEEKS_A_MONTH
from sim.config import Config
from sim.outcomes.frames import Countries, Households, per_country

Floats = npt.NDArray[np.float64]
MEDIAN_SHARE = 0.6
"""Share of the national median income under which the second line of poverty calls a household poor."""

HALVINGS, TINY = 60, 1e-300


def households_of(config: Config) -> Households:
    """Return the households of a configuration."""
    income = config.policy.universal_income
    return Households(
        {name: segment.household_size for name, segment in config.segments.items()},
        {name: segment.household_support for name, segment in config.segments.items()},
        income is not None and income.recipients == "residents",
        {name: segment.share_north for name, segment in config.segments.items()},
        {name: segment.share_south for name, segment in config.segments.items()},
    )


def member_days(workers: pd.DataFrame, first: int, after: int) -> Floats:
    """Days for which each row of ``workers`` is on the roster of the days ``first`` to ``after - 1``."""
    joined = workers["joined_day"].to_numpy(np.int64)
    return np.asarray(np.maximum(after - np.maximum(joined, first), 0), np.float64)


def income_of_leavers(workers: pd.DataFrame, incomes: pd.DataFrame, origin: dt.date) -> npt.NDArray[np.int64]:
    """Micro-dollars that those who left were still paid as residents, after they had left; 0 for all others.

    Only where all residents are paid. ``origin`` is the date of day 0.
    """
    left = workers["left_day"].to_numpy(np.int64)
    return np.where(left >= 0, _paid_after(workers, incomes, origin, left), 0)


def income_of_others(workers: pd.DataFrame, incomes: pd.DataFrame, origin: dt.date) -> npt.NDArray[np.int64]:
    """Micro-dollars that each other person of a worker's household was paid while the worker counted."""
    return _paid_after(workers, incomes, origin, workers["joined_day"].to_numpy(np.int64))


def _paid_after(
    workers: pd.DataFrame, incomes: pd.DataFrame, origin: dt.date, day: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Micro-dollars a head paid in each worker's country after a day of each worker's own."""
    found = np.zeros(len(workers), np.int64)
    countries = workers["country"].astype(str).to_numpy()
    for country, period, each in zip(
        incomes["country"].astype(str),
        incomes["period"].astype(str),
        incomes["per_head_microusd"],
        strict=True,
    ):
        if each:
            found[(countries == str(country)) & (day < payday(str(period), origin))] += int(each)
    return found


def payday(period: str, origin: dt.date) -> int:
    """Day, counted from ``origin``, on which the income is paid that closes a month (`2019-01`)."""
    year, month = map(int, period.split("-"))
    return (dt.date(year + month // 12, month % 12 + 1, 1) - origin).days


def poor(
    workers: pd.DataFrame, monthly_usd: Floats, line_usd: Floats, world: Countries, households: Households
) -> Floats:
    """Return how likely each worker lives below the poverty line, by what another job may pay.

    A household's income is pay of another job (28 hours a week, if the worker holds one), what the others
    bring, and ``monthly_usd``, the worker's pay here and all else received. Divided by the square root of
    its persons it is held against ``line_usd``; both in USD a month. Wages of other jobs are lognormal around
    the country's, as unequal as its incomes by their Gini coefficient; nothing is drawn.
    """
    wage, inequality = (
        workers["country"].astype(str).map(per_country(world, values)).to_numpy(np.float64)
        for values in (world.outside_wage_usd, world.gini)
    )
    size, support = households.of(workers["segment"])
    full = HOURS_IN_OTHER_JOB * WEEKS_A_MONTH * wage
    missing = line_usd * np.sqrt(size) - support * full - monthly_usd
    below = np.where(missing > 0, 1.0, 0.0)
    employed = workers["other_job"].to_numpy(bool) & (missing > 0) & (full > 0)
    sigma = np.array([log_sigma(gini) for gini in inequality[employed]])
    ratio = np.log(missing[employed] / full[employed])
    z = np.divide(ratio, sigma, out=np.where(ratio > 0, np.inf, -np.inf), where=sigma > 0)
    below[employed] = ndtr(z)
    return below


def relative_line(workers: pd.DataFrame, world: Countries, households: Households) -> Floats:
    """Return 60 % of the national median income in each worker's country (USD a month, equivalised)."""
    kinds = {str(group): households.kinds(str(group)) for group in set(world.group)}
    of_country = {
        str(code): MEDIAN_SHARE * national_median(float(wage), float(gini), kinds[str(group)])
        for code, wage, gini, group in zip(
            world.codes, world.outside_wage_usd, world.gini, world.group, strict=True
        )
    }
    return np.asarray(workers["country"].astype(str).map(of_country).to_numpy(np.float64))


@lru_cache(maxsize=4096)
def national_median(wage: float, gini: float, kinds: tuple[tuple[float, float, float], ...]) -> float:
    """Return the median income of a country's households (USD a month, equivalised).

    ``kinds`` are weight, persons and support of the households there are. In each one person holds a job of
    28 hours a week, at a wage that is lognormal around the country's, and the others bring their support, as
    in `poor`; so half of all households have less than ``x`` full wages over the root of their persons where
    the weighted mean of ``F(x √persons - support)`` is one half, ``F`` being how wages over their median are
    distributed. Found by halving an interval, as there is no closed form for several kinds.
    """
    full, sigma = HOURS_IN_OTHER_JOB * WEEKS_A_MONTH * wage, log_sigma(gini)
    weights, size, support = np.array(kinds).T
    middles = (1.0 + support) / np.sqrt(size)  # the median of each kind: that of all lies between them
    low, high = float(middles.min()), float(middles.max())
    for _ in range(HALVINGS if sigma > 0 else 0):
        middle = (low + high) / 2.0
        left = np.maximum(middle * np.sqrt(size) - support, TINY)
        if float((weights * ndtr(np.log(left) / sigma)).sum()) < 0.5 * float(weights.sum()):
            low = middle
        else:
            high = middle
    if not sigma > 0:  # all earn the same: the kind in the middle
        order = np.argsort(middles, kind="stable")
        high = float(middles[order][np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())])
    return full * high


@lru_cache(maxsize=1024)
def log_sigma(gini: float) -> float:
    """Spread of logs of a lognormal with a Gini coefficient: sqrt(2) x quantile of (1 + gini) / 2."""
    return float(np.sqrt(2.0) * NormalDist().inv_cdf((1.0 + gini) / 2.0)) if gini > 0 else 0.0
