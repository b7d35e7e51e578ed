"""The commons: a royalty on work for artificial intelligence, its dividend, labels and records shared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.agents.traits import NEWCOMER
from sim.columns import Records
from sim.instruments import Commons
from sim.policy.at_cost import on_the_way, requesters_part
from sim.policy.channels import LARGE_FEE, PORTABLE, ROYALTY, SHARED_LABELS, USUAL_FEE, Contribution
from sim.policy.taxes import exact


def collecting(terms: Commons, royalty: int) -> int:
    """Micro-dollars of a royalty that collecting it costs, rounded up."""
    return -int(-royalty * exact(terms.administration_share) // 1)


def count_records(entries: Records, workers: Records, portable: NDArray[np.float64]) -> None:
    """Count in the record of newcomers on duty the share of their tasks, rounded down, that is portable.

    ``portable`` are shares by country.
    """
    people = workers[entries["row"]]
    known = np.floor(people["accepted"] * portable[people["country"]]).astype(np.int64)
    entries["accepted"] = np.where(people["bits"] & NEWCOMER, known, entries["accepted"])


def worth(seconds: NDArray[np.int64], unpaid: NDArray[np.int64], each: float) -> NDArray[np.int64]:
    """Milliseconds of work that count: of workers' labels what they take, of unpaid ones ``each`` seconds.

    So a label's share does not depend on whether it was paid, nor on how quick its maker is.
    """
    return np.concatenate([1000 * seconds, int(1000 * exact(each)) * unpaid])


class Fund:
    """The fund of a run, and what is owed to it.

    Attributes
    ----------
    covered : bool array
        Countries whose requesters owe the royalty and whose people have a part in the fund.
    since : int64 array
        Hours from which new batches owe the rates of ``rates``.
    rates : int64 array (changes, platforms)
        Millionths of the reward.
    royalty : int64 array (platforms, countries)
        Micro-dollars that platforms took this month for the fund, by the requester's country.
    labels : int64 array (workers, 2)
        Tasks accepted this month of types that owe a royalty, and the seconds of work in them.
    told : int64 array
        Of the month shared last: royalty, what collecting it cost, labels of workers and the seconds that
        they count for, the same of unpaid labels of users, what an hour of them brought, what workers and
        users got; money in micro-dollars.
    """

    STATE = ("since", "rates", "royalty", "labels", "told")

    def __init__(self, terms: Commons, names: tuple[str, ...], codes: tuple[str, ...]) -> None:
        self.terms, countries = terms, len(codes)
        self.covered = np.array([terms.holds_in(code) for code in codes])
        self.numbers = [number for number, name in enumerate(names) if terms.covers(name)]
        self.since = np.zeros(0, np.int64)
        self.rates = np.zeros((0, len(names)), np.int64)
        self.royalty = np.zeros((len(names), countries), np.int64)
        self.labels = np.zeros((1, 2), np.int64)
        self.told = np.zeros(9, np.int64)

    @property
    def is_owed(self) -> bool:
        """Whether any batch owes a royalty, or did."""
        return bool(self.rates.any())

    def make_room(self, workers: int) -> None:
        """Make room for the labels of so many workers."""
        more = workers - len(self.labels)
        if more > 0:
            self.labels = np.pad(self.labels, ((0, more), (0, 0)))

    def note_rates(self, hour: int, rates: NDArray[np.int64]) -> None:
        """Note what new batches owe from an hour on."""
        rates = np.array(rates, np.int64)
        if len(self.rates) and (self.rates[-1] == rates).all():
            return
        self.since = np.append(self.since, np.int64(hour))
        self.rates = np.vstack([self.rates, rates])

    def contributions(
        self,
        strength: float,
        cost_shares: list[float | None],
        worker_fees: list[float],
        own_fees: list[tuple[float, float]],
    ) -> Iterator[Contribution]:
        """Yield royalty, portability, shared labels, fees on the way to cost of each platform covered."""
        if not strength:
            return
        for number in self.numbers:
            if self.terms.royalty_rate > 0.0:
                yield Contribution(ROYALTY, number, strength * self.terms.royalty_rate)
            for country in np.flatnonzero(self.covered).tolist():
                if self.terms.portable_reputation:
                    yield Contribution(PORTABLE, number, strength, country)
                if self.terms.shared_labels > 0.0:
                    yield Contribution(SHARED_LABELS, number, strength * self.terms.shared_labels, country)
            share = cost_shares[number]
            if self.terms.fee_at_cost and share is not None:
                at_cost = requesters_part(share, worker_fees[number])
                for channel, own in zip((USUAL_FEE, LARGE_FEE), own_fees[number], strict=True):
                    yield Contribution(channel, number, on_the_way(own, at_cost, strength))

    def begin_month(self) -> None:
        """Begin to count anew."""
        self.royalty[:] = 0
        self.labels[:] = 0
