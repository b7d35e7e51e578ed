"""The channels through which rules of the game reach the market.

A policy, or a platform's own promise, contributes a value to a channel. Contributions are folded, so
their order never matters, and a channel nobody fills is neutral: the market cannot tell it from one
that does not exist. The market reads channels; it never asks which policies are on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.agents.platform import RANKINGS
from sim.config import Config

REWARD_FLOOR = "reward_floor"
FEE_CAP = "fee_cap"
USUAL_FEE = "usual_fee"
LARGE_FEE = "large_fee"
WORKER_FLOOR = "worker_floor"
LABOUR_COST = "labour_cost"
LEVY_ON_REQUESTERS = "levy_on_requesters"
LEVY_ON_WORKERS = "levy_on_workers"
ROYALTY = "royalty"
PORTABLE = "portable"
SHARED_LABELS = "shared_labels"
REFUSAL = "refusal"
NOISE = "noise"
RATINGS = "ratings"
WITHHELD = "withheld"
UNFAIR = "unfair"
SHIFTS = "shifts"
FREE_LABELS = "free_labels"
TRANSFERS = "transfers"
SUBSIDY = "subsidy"
ORDERS = tuple(f"order_{name}" for name in RANKINGS)
PAID_TIME = ("paid_work", "paid_search", "paid_waiting", "paid_given_back", "paid_rejected")

FOLDS = {
    REWARD_FLOOR: (np.maximum, 0.0),
    WORKER_FLOOR: (np.maximum, 0.0),
    LABOUR_COST: (np.maximum, 0.0),
    FEE_CAP: (np.minimum, np.inf),
    USUAL_FEE: (np.minimum, np.inf),
    LARGE_FEE: (np.minimum, np.inf),
    LEVY_ON_REQUESTERS: (np.add, 0.0),
    LEVY_ON_WORKERS: (np.add, 0.0),
    ROYALTY: (np.add, 0.0),
    PORTABLE: (np.maximum, 0.0),
    SHARED_LABELS: (np.maximum, 0.0),
    REFUSAL: (np.maximum, 0.0),
    NOISE: (np.minimum, 1.0),
    RATINGS: (np.maximum, 0.0),
    WITHHELD: (np.add, 0.0),
    UNFAIR: (np.minimum, 1.0),
    SHIFTS: (np.minimum, 1.0),
    FREE_LABELS: (np.add, 0.0),
    TRANSFERS: (np.add, 0.0),
    SUBSIDY: (np.add, 0.0),
    **dict.fromkeys(ORDERS, (np.maximum, 0.0)),
    **dict.fromkeys(PAID_TIME, (np.maximum, 0.0)),
}
"""Fold and neutral value of each channel: USD per hour; shares of the reward (``usual_fee`` and
``large_fee`` are what the fee on usual and on large batches becomes, where it was higher; ``fee_cap`` is
for both); a royalty is owed by work for artificial intelligence alone; ``portable``: share of the tasks
done elsewhere that count in a newcomer's record; ``shared_labels``: share of the labels for preparation
that requesters of a country need not have made if all others share theirs, as they do; USD an hour,
before the fee on workers, under which members refuse; factor on their errors in pay; whether (above 0)
they share ratings of requesters; share of a reward withheld from workers; factor on unfair rejections;
share of sessions that get a shift; labels a week, unpaid; USD a month that workers receive without a
condition; share of what they spend that requesters of a country count on getting back; weight of each
order in which a platform shows work, its own having the rest; USD that an hour of each kind of time on
duty must bring, whatever piece rates pay of it.

A ``worker_floor`` is a gross wage: before the fee on workers, after what is withheld for their employer. What
an hour costs an employer, ``labour_cost``, is a reward before either."""

HIGHEST_FEE, HIGHEST_WORKER_FEE = 2.0, 0.99
"""Shares of the reward that fees on requesters (a large batch's: twice that) and on workers never exceed."""

BY_COUNTRY = (
    PORTABLE,
    SHARED_LABELS,
    WORKER_FLOOR,
    LABOUR_COST,
    REFUSAL,
    NOISE,
    RATINGS,
    WITHHELD,
    UNFAIR,
    SHIFTS,
    TRANSFERS,
    *PAID_TIME,
)
"""Channels with a value for the workers, or the requesters, of each country; ``subsidy`` has one for each
country, on whatever platform; the others have one for each platform."""

BESIDE_PRICES = {TRANSFERS, SUBSIDY, *ORDERS}
"""Channels of which nothing is quoted: requesters revise no demand on the day on which only they change."""


class Contribution(NamedTuple):
    """A value that one instrument gives to one channel on one platform."""

    channel: str
    platform: int
    value: float
    country: int = 0


@dataclass(frozen=True)
class Channels:
    """The folded channels: arrays over platforms, or over platforms and countries."""

    reward_floor: NDArray[np.float64]
    worker_floor: NDArray[np.float64]
    labour_cost: NDArray[np.float64]
    fee_cap: NDArray[np.float64]
    usual_fee: NDArray[np.float64]
    large_fee: NDArray[np.float64]
    levy_on_requesters: NDArray[np.float64]
    levy_on_workers: NDArray[np.float64]
    royalty: NDArray[np.float64]
    portable: NDArray[np.float64]
    shared_labels: NDArray[np.float64]
    refusal: NDArray[np.float64]
    noise: NDArray[np.float64]
    ratings: NDArray[np.float64]
    withheld: NDArray[np.float64]
    unfair: NDArray[np.float64]
    shifts: NDArray[np.float64]
    free_labels: NDArray[np.float64]
    transfers: NDArray[np.float64]
    subsidy: NDArray[np.float64]
    order_newest: NDArray[np.float64]
    order_largest: NDArray[np.float64]
    order_best_paid: NDArray[np.float64]
    order_random: NDArray[np.float64]
    paid_work: NDArray[np.float64]
    paid_search: NDArray[np.float64]
    paid_waiting: NDArray[np.float64]
    paid_given_back: NDArray[np.float64]
    paid_rejected: NDArray[np.float64]

    @property
    def orders(self) -> NDArray[np.float64]:
        """Weights by platform and order (a place in ``RANKINGS``)."""
        return np.stack([getattr(self, name) for name in ORDERS], axis=-1)

    @property
    def paid_time(self) -> NDArray[np.float64]:
        """USD an hour by platform, country and kind of time."""
        return np.stack([getattr(self, name) for name in PAID_TIME], axis=-1)


def promises(config: Config) -> list[Contribution]:
    """Contributions of the platforms themselves: the hourly pay that they promise."""
    return [
        Contribution(REWARD_FLOOR, number, platform.reward_promise_usd_per_hour)
        for number, platform in enumerate(config.platforms.values())
    ]


def fold(platforms: int, countries: int, contributions: Iterable[Contribution]) -> Channels:
    """Fold contributions into channels; without any, every channel is neutral."""
    axes = {SUBSIDY: (1,), **dict.fromkeys(BY_COUNTRY, (0, 1))}
    arrays = {
        name: np.full([(platforms, countries)[axis] for axis in axes.get(name, (0,))], neutral)
        for name, (_, neutral) in FOLDS.items()
    }
    given: dict[str, list[tuple[float, int, int]]] = {}
    for one in contributions:
        given.setdefault(one.channel, []).append((one.value, one.platform, one.country))
    for channel, values in given.items():
        # Sums of floats depend on their order; the order of instruments must not matter.
        value, *place = zip(*sorted(values), strict=True)
        combine, _ = FOLDS[channel]
        combine.at(arrays[channel], tuple(place[axis] for axis in axes.get(channel, (0,))), value)
    return Channels(**arrays)
