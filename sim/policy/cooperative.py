"""Cooperatives: the fee, what members vote for, and what each gets of a month's surplus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.draws import stream
from sim.instruments import Cooperative
from sim.ledger import CAPITAL, PROFIT, SURPLUS
from sim.policy.at_cost import Costs, on_the_way, requesters_part
from sim.policy.channels import LARGE_FEE, ORDERS, REWARD_FLOOR, USUAL_FEE, Contribution

VOTES = stream("votes")

NO_VOTE = -1
MOVING = (CAPITAL, PROFIT, SURPLUS)
NEWEST, LARGEST, BEST_PAID, BY_CHANCE = range(4)
"""Places in ``RANKINGS``."""


def fee_for(terms: Cooperative, share: float | None, founded: bool) -> float | None:
    """Fee at cost, as a share of rewards, within bounds; a founded one begins with the highest."""
    if share is None:
        return terms.highest_fee if founded else None
    return max(terms.lowest_fee, min(terms.highest_fee, share))


def ranking_wanted(terms: Cooperative, tasks: int) -> int:
    """Order (a place in ``RANKINGS``) that is in the interest of one who has done so many tasks.

    Chance gives newcomers a turn; who is often there gains by speed, who is fast by large batches, and whose
    record opens every batch by the best paid.
    """
    if tasks >= terms.tasks_best_paid:
        return BEST_PAID
    if tasks >= terms.tasks_largest:
        return LARGEST
    return NEWEST if tasks >= terms.tasks_newest else BY_CHANCE


def middle(values: NDArray[Any]) -> Any:
    """Return the median vote; of an even number the lower of the two in the middle: a vote that was cast."""
    return np.sort(values)[(len(values) - 1) // 2]


def is_excluded(country: int, homes: NDArray[Any], carries: NDArray[Any], majority: float) -> bool:
    """Whether members vote to give up a country: those who do not live there, and would not carry it.

    One member has one vote, also those whom it is about.
    """
    against = int(((homes != country) & ~carries).sum())
    return against > 0 and against >= majority * len(homes)


def have_enough(
    share: float, wanted: NDArray[np.float64], earned: NDArray[np.int64], pay: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return who has enough work: was paid for that share of the hours wanted in a month.

    ``earned`` are micro-dollars of rewards in it; ``pay`` is what an hour of tasks brings, in USD. Who earned
    nothing, or does not know what tasks pay, wants more.
    """
    return np.asarray((earned > 0) & (pay > 0.0) & (earned / 1e6 >= share * wanted * pay))


def moved_fee(terms: Cooperative, fee: float, share: float | None, enough: NDArray[np.bool_]) -> float:
    """Fee for which most vote, a step from the last, never below cost as far as that is within bounds.

    A lower fee brings work, a higher one a dividend: most must have enough work for it to rise.
    """
    if len(enough):
        fee += terms.fee_step if 2 * int(enough.sum()) > len(enough) else -terms.fee_step
    at_cost = fee_for(terms, share, founded=False)
    return min(terms.highest_fee, max(terms.lowest_fee if at_cost is None else at_cost, fee))


def patronage(pot: int, earned: NDArray[np.int64]) -> NDArray[np.int64]:
    """Micro-dollars for each, in proportion to what was earned, rounded down."""
    total = int(earned.sum())
    due = np.zeros(len(earned), np.int64)
    if total:
        some = np.flatnonzero(earned)
        # The products may be wider than 64 bits.
        due[some] = (earned[some].astype(object) * pot // total).astype(np.int64)
    return due


def divided(profit: int, owed: int, tax: int, deducted: bool) -> tuple[int, int]:
    """Divide a month's profit (micro-dollars, a tax on it taken off) into loans repaid and members' surplus.

    Where the members' part is no taxable profit, a tax can only be on what lenders get, and they bear it.
    """
    repaid = min(profit, owed) - tax if deducted else min(profit - tax, owed)
    return repaid, profit - tax - repaid


class Cooperatives:
    """The cooperatives of a run.

    Attributes
    ----------
    fee, floor, ranking : arrays over platforms
        What holds this month: the fee on requesters (infinite where nothing is decided), USD an hour, a place
        in ``RANKINGS`` or ``NO_VOTE``.
    whole : float array
        The fee with the part of it that workers pay.
    founded : int8 array
        Whether a platform that was closed is there.
    owed : int64 array
        Micro-dollars that lenders have put in and not got back.
    members, voters : int64 arrays
        At the last vote.
    surplus, paid, repaid : int64 arrays
        Micro-dollars of the last month: for members, handed out, and given back to lenders.
    earned : int64 array (cooperatives, workers)
        Micro-dollars of rewards that each worker earned on each of them this month.
    lent : int64 array
        Micro-dollars of the month that is being closed, which lenders put in.
    """

    STATE = (
        *("fee", "floor", "ranking", "founded", "owed", "members", "voters", "surplus", "paid", "repaid"),
        "whole",
        "earned",
    )

    def __init__(
        self, terms: Cooperative, names: tuple[str, ...], closed: list[bool], owned: list[str]
    ) -> None:
        count = len(names)
        self.terms = terms
        self.numbers = [names.index(name) for name in owned]
        self.closed = [number for number in self.numbers if closed[number]]
        self.fee = np.full(count, np.inf)
        self.whole = np.full(count, np.inf)
        self.floor = np.zeros(count)
        self.ranking = np.full(count, NO_VOTE, np.int64)
        self.founded = np.zeros(count, np.int8)
        self.owed = np.zeros(count, np.int64)
        self.members = np.zeros(count, np.int64)
        self.voters = np.zeros(count, np.int64)
        self.surplus = np.zeros(count, np.int64)
        self.paid = np.zeros(count, np.int64)
        self.repaid = np.zeros(count, np.int64)
        self.earned = np.zeros((len(self.numbers), 1), np.int64)
        self.lent = np.zeros(count, np.int64)

    def make_room(self, workers: int) -> None:
        """Make room for what so many workers earn."""
        more = workers - self.earned.shape[1]
        if more > 0:
            self.earned = np.pad(self.earned, ((0, 0), (0, more)))

    def set_fee(self, platform: int, share: float | None, worker_fee: float) -> None:
        """Set the fee by what the platform costs as a share of rewards."""
        fee = fee_for(self.terms, share, bool(self.founded[platform]))
        self._take_fee(platform, np.inf if fee is None else fee, worker_fee)

    def vote_on_fee(
        self, platform: int, share: float | None, worker_fee: float, enough: NDArray[np.bool_]
    ) -> None:
        """Move the fee by the votes of those who have enough work and those who have not."""
        if np.isinf(self.whole[platform]):
            self.set_fee(platform, share, worker_fee)
        else:
            fee = moved_fee(self.terms, float(self.whole[platform]), share, enough)
            self._take_fee(platform, fee, worker_fee)

    def _take_fee(self, platform: int, fee: float, worker_fee: float) -> None:
        self.whole[platform] = fee
        self.fee[platform] = requesters_part(fee, worker_fee)

    def note_month(self, platform: int, closing: Iterable[Any]) -> None:
        """Note what the transfers of a month's end mean: loans taken and repaid, and the members' surplus."""
        moved = {kind: sum(one.amount for one in closing if one.kind == kind) for kind in MOVING}
        self.owed[platform] += moved[CAPITAL] - moved[PROFIT]
        self.repaid[platform], self.surplus[platform] = moved[PROFIT], moved[SURPLUS]
        self.lent[platform] = moved[CAPITAL]

    def is_stretched(self, platform: int, requester_fee: float, worker_fee: float) -> bool:
        """Whether a month was closed with a loss although the fee on requesters could not be higher."""
        highest = min(requester_fee, requesters_part(self.terms.highest_fee, worker_fee))
        return bool(self.lent[platform] > 0 and self.fee[platform] >= highest)

    def begin_month(self) -> None:
        """Begin to count anew."""
        self.earned[:] = 0

    def count_votes(self, platform: int, members: int, wages: Any, tasks: Any) -> None:
        """Count what those who vote want: a wage (USD an hour), and an order by their experience."""
        self.members[platform], self.voters[platform] = members, len(wages)
        if not len(wages):
            return
        if self.terms.votes_on_floor:
            self.floor[platform] = middle(wages)
        if self.terms.ranking_share > 0.0:
            self.ranking[platform] = ranking_wanted(self.terms, int(middle(tasks)))

    def table(
        self, costs: Costs, strength: float, own_fees: list[tuple[float, float]]
    ) -> dict[str, NDArray[Any]]:
        """What the last month brought, and what holds in the next; a row for each cooperative."""
        numbers = np.array(self.numbers, np.int64)
        ways = [self.share_of_way(number, strength) for number in self.numbers]
        fee = np.array(
            [
                on_the_way(own_fees[number][0], float(self.fee[number]), way)
                for number, way in zip(self.numbers, ways, strict=True)
            ]
        )
        return {
            "platform": numbers,
            "members": self.members[numbers],
            "voters": self.voters[numbers],
            "fee": np.where(np.isfinite(fee), fee, np.nan),
            "floor_usd_per_hour": np.array(ways) * self.floor[numbers],
            "order": self.ranking[numbers],
            "rewards_microusd": costs.rewards[numbers, 0],
            "cost_microusd": costs.costs[numbers, 0],
            "surplus_microusd": self.surplus[numbers],
            "patronage_microusd": self.paid[numbers],
            "repaid_microusd": self.repaid[numbers],
            "owed_microusd": self.owed[numbers],
        }

    def dissolve(self, platform: int) -> None:
        """Forget what was decided."""
        self.fee[platform] = self.whole[platform] = np.inf
        self.floor[platform], self.ranking[platform] = 0.0, NO_VOTE
        self.members[platform] = self.voters[platform] = 0

    def share_of_way(self, platform: int, strength: float) -> float:
        """Share of the way from the platform's own terms to its members' that it has gone.

        One that is founded has no terms of its own to begin with.
        """
        return 1.0 if self.founded[platform] else strength

    def contributions(self, strength: float, own_fees: list[tuple[float, float]]) -> Iterator[Contribution]:
        """Yield the fees, floors and orders that hold; ``own_fees`` are for usual and large batches."""
        for platform in self.numbers:
            way = self.share_of_way(platform, strength)
            if np.isfinite(self.fee[platform]):
                for channel, own in zip((USUAL_FEE, LARGE_FEE), own_fees[platform], strict=True):
                    yield Contribution(channel, platform, on_the_way(own, float(self.fee[platform]), way))
            if self.floor[platform] > 0.0:
                yield Contribution(REWARD_FLOOR, platform, way * float(self.floor[platform]))
            if self.ranking[platform] != NO_VOTE:
                chosen = ORDERS[int(self.ranking[platform])]
                yield Contribution(chosen, platform, way * self.terms.ranking_share)
