"""Who is in a market at rest, and who comes into it: what changes of circumstances and leaving imply.

Circumstances change inside the market and outside it alike. Of the people of a country and segment those are
in whose reservation wage lies below pay, but for those who left over a passing shock; as many come as go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.rules import willing_share
from sim.config import Config
from sim.numeric import added_up, log, normal_cdf, normal_quantile

PARTS = 64
"""Parts of equal weight into which reservation wages of a segment are cut."""
NO_NEED = -1e300


@dataclass(frozen=True)
class People:
    """Whom people are drawn from, a row for each place that they come from.

    Attributes
    ----------
    shares : float64 array (places, segments)
        Cumulative shares of segments.
    asking : float64 array (places, segments, parts)
        Cumulative chance of each part of a segment's reservation wages, from the lowest.
    willing : float64 array (places, segments)
        Share of the segment's reservation wages, from the lowest, that these parts make up.
    """

    shares: NDArray[np.float64]
    asking: NDArray[np.float64]
    willing: NDArray[np.float64]


def evenly(shares: NDArray[np.float64], willing: Any) -> People:
    """Return people of whom the share ``willing`` who ask least are drawn, all alike."""
    return People(shares, np.ones((*shares.shape, 1)), np.broadcast_to(willing, shares.shape).copy())


def weekly_chance_to_leave(gap: float, sigma: float, shock_weeks: int, leave_weeks: int) -> float:
    """Chance to leave in a week, for a log reservation wage ``gap`` above log pay.

    In each period of ``shock_weeks`` a shock of spread ``sigma`` puts the outside value above pay, with
    chance ``bad``, or does not. Leaving takes ``leave_weeks`` of that in a row, so as many periods as they
    touch. It is one over the mean time from the beginning of a period to leaving; shorter runs are lost.
    """
    bad = normal_cdf(gap / sigma) if sigma > 0.0 else float(gap > 0.0)
    periods = -(-leave_weeks // shock_weeks)
    run, runs = 1.0, 0.0
    for _ in range(periods):
        runs += run
        run *= bad
    return run / ((runs - periods * run) * shock_weeks + run * leave_weeks)


def at_rest(pay: float, median: float, floor: float, config: Config) -> tuple[float, list[float]]:
    """Return which share of a segment's people is in the market at rest, and the weight of each part.

    All are logs of USD an hour; ``floor`` is the lowest reservation wage. There are ``PARTS`` of equal weight
    among all of the segment, from the lowest reservation wage on. Who stays is reckoned at a part's middle.
    """
    learning, sigma = config.learning, config.workers.reservation_log_sigma
    weeks = max(1.0, learning.circumstances_weeks)
    willing = PARTS * willing_to_come(pay, median, floor, sigma)
    stays, comes = [], []
    for part in range(PARTS):
        wage = max(floor, median + sigma * normal_quantile((part + 0.5) / PARTS))
        leaving = weekly_chance_to_leave(
            wage - pay, learning.outside_shock_sigma, learning.outside_shock_weeks, learning.leave_weeks
        )
        stays.append(1.0 / (1.0 + weeks * leaving))
        comes.append(min(1.0, max(0.0, willing - part)))
    came = added_up(stay * come for stay, come in zip(stays, comes, strict=True)) / PARTS
    stayed = added_up(stays) / PARTS
    inside = came / (1.0 - stayed + came) if came > 0.0 else 0.0
    weights = [stay * (inside + (1.0 - inside) * come) for stay, come in zip(stays, comes, strict=True)]
    return inside, weights if came > 0.0 else [1.0] + [0.0] * (PARTS - 1)


def willing_to_come(pay: float, median: float, floor: float, sigma: float) -> float:
    """Share of a segment's people whose reservation wage is at most the pay they hear of (logs)."""
    return willing_share(pay, median, sigma) if floor <= pay else 0.0


def medians(config: Config, country: Any, segments: Any) -> tuple[list[float], float]:
    """Log of the median reservation wage of each segment in a country, and of the lowest of all."""
    wage = float(country["outside_wage"])
    need = config.workers.need_usd_per_hour * float(country["price_level"])
    floor = log(need) if need > 0.0 else NO_NEED
    return [log(float(one["reservation_ratio"]) * wage) for one in segments], floor
