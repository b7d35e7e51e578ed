"""Pay for time: what platforms owe workers for time that piece rates leave unpaid.

Which time is paid, and how well, the policy channels say: USD an hour of work accepted, of search, of waiting
on duty, of work given back or rejected. What piece pay lacks of the sum over a pay period is owed. A period
ends with the week, with the month, and when somebody changes platform. All money is in whole micro-dollars
from exact fractions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.traits import column_of
from sim.columns import Records
from sim.compile import kernel
from sim.ledger import REWARD, SHIFT_PAY, TRANSFER, WITHHELD, WORKER_FEE
from sim.policy.channels import PAID_TIME, Channels
from sim.policy.taxes import MILLION, exact

WORK, SEARCH, WAITING, GIVEN_BACK, REJECTED = range(len(PAID_TIME))
"""Kinds of time, in the order of ``PAID_TIME``; together they are the time on duty."""


def in_microusd(usd: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return USD an hour in whole micro-dollars, as they are written, rounded down."""
    different, which = np.unique(usd, return_inverse=True)
    whole = [int(exact(one) * MILLION) for one in different.tolist()]
    return np.array(whole, np.int64)[which].reshape(usd.shape)


def shortfall(promised: NDArray[np.int64], piece_pay: NDArray[np.int64]) -> NDArray[np.int64]:
    """Micro-dollars by which piece pay falls short of wages times seconds (micro-dollars an hour x s)."""
    return np.asarray(np.maximum(0, promised // 3600 - piece_pay), np.int64)


@kernel
def add_time(rows: Any, countries: Any, seconds: Any, wages: Any, promised: Any) -> None:
    """Add wages times seconds, by worker and kind of time, to what is promised."""
    for i in range(len(rows)):
        for kind in range(len(PAID_TIME)):
            promised[rows[i]] += wages[countries[i], kind] * seconds[i, kind]


@kernel
def add_pieces(transfers: Any, paid: Any, piece_pay: Any) -> None:
    """Add rewards, and take off what is taken of them, in the countries where time is paid."""
    for i in range(len(transfers)):
        transfer = transfers[i]
        if transfer.kind == REWARD and paid[transfer.credit_country]:
            piece_pay[transfer.credit] += transfer.amount
        if (transfer.kind == WORKER_FEE or transfer.kind == WITHHELD) and paid[transfer.debit_country]:
            piece_pay[transfer.debit] -= transfer.amount


class PaidTime:
    """What platforms owe for time.

    Attributes
    ----------
    wages : int64 array (platforms, countries, kinds of time)
        Micro-dollars an hour.
    promised, piece_pay : int64 arrays
        Wages times seconds (micro-dollars an hour x seconds), and rewards less what is taken of them
        (micro-dollars), of each worker in this pay period.
    owed, learned : int64 arrays
        Micro-dollars owed to each worker by the present platform; those of this week, which are learned from.
    claims : int64 array (n, 3)
        Row, platform and micro-dollars of what platforms owe to those who left them this month.
    last_paid : int64 array
        Micro-dollars that each worker was paid for time when a month was last closed.
    """

    CHECKPOINTED = ("wages", "promised", "piece_pay", "owed", "learned", "claims")
    BY_WORKER = ("promised", "piece_pay", "owed", "learned")

    def __init__(self, platforms: int, countries: int) -> None:
        self.wages = np.zeros((platforms, countries, len(PAID_TIME)), np.int64)
        self.promised, self.piece_pay = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.owed, self.learned = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.claims = np.zeros((0, 3), np.int64)
        self.last_paid = np.zeros(0, np.int64)
        self._where: dict[int, NDArray[np.bool_]] = {}
        self._found_for = self.wages

    def set_wages(self, channels: Channels) -> None:
        """Take over what the channels say is paid from now on."""
        self.wages = in_microusd(channels.paid_time)

    def where_paid(self) -> dict[int, NDArray[np.bool_]]:
        """Return where time is paid, by platform: in which countries. Looked up once for all wages."""
        if self._found_for is not self.wages:
            paid = np.asarray(self.wages.any(axis=2), np.bool_)
            self._where = {platform: row for platform, row in enumerate(paid) if row.any()}
            self._found_for = self.wages
        return self._where

    @property
    def is_idle(self) -> bool:
        """Whether no time is paid and nothing is owed for any."""
        kept = (self.wages, self.claims, *(getattr(self, name) for name in self.BY_WORKER))
        return not any(array.any() for array in kept)

    # --- counting ---

    def make_room(self, workers: int) -> None:
        """Make room for notes of so many workers."""
        more = workers - len(self.promised)
        if more > 0:
            for name in self.BY_WORKER:
                setattr(self, name, np.pad(getattr(self, name), (0, more)))

    # --- what is owed ---

    def end_period(self, workers: Records, rows: Any = slice(None)) -> None:
        """End the pay period of some workers: what piece pay lacks is owed."""
        self.make_room(len(workers))
        lacking = self._lacking(len(workers), rows)
        for total in (self.owed, self.learned):
            total[: len(workers)][rows] += lacking
        for note in (self.promised, self.piece_pay):
            note[: len(workers)][rows] = 0

    def _lacking(self, count: int, rows: Any = slice(None)) -> NDArray[np.int64]:
        return shortfall(self.promised[:count][rows], self.piece_pay[:count][rows])

    def note_moves(self, workers: Records, rows: NDArray[np.int64]) -> None:
        """End the pay period of workers who are about to leave their platform, which goes on owing it."""
        self.end_period(workers, rows)
        platforms = column_of(workers, "platform")[rows]
        claims = np.stack([rows, platforms, self.owed[rows]], axis=1).astype(np.int64)
        self.claims = np.concatenate([self.claims, claims[claims[:, 2] > 0]])
        self.owed[rows] = 0

    def due_to_each(self, workers: Records) -> NDArray[np.int64]:
        """Micro-dollars due to each worker, as of now, by all platforms together."""
        self.make_room(len(workers))
        due = self.owed[: len(workers)] + self._lacking(len(workers))
        np.add.at(due, self.claims[:, 0], self.claims[:, 2])
        return due

    def dues(self, workers: Records) -> NDArray[np.int64]:
        """Micro-dollars due by platform and country, as of now."""
        self.make_room(len(workers))
        pay = np.zeros(self.wages.shape[:2], np.int64)
        owed = self.owed[: len(workers)] + self._lacking(len(workers))
        np.add.at(pay, (column_of(workers, "platform"), workers["country"]), owed)
        np.add.at(pay, (self.claims[:, 1], workers["country"][self.claims[:, 0]]), self.claims[:, 2])
        return pay

    def payments(self, workers: Records, owners: list[int]) -> Records:
        """End everybody's pay period and return the transfers to workers; nothing is owed any more."""
        self.end_period(workers)
        rows = np.flatnonzero(self.owed[: len(workers)])
        present = np.stack([rows, column_of(workers, "platform")[rows], self.owed[rows]], axis=1)
        every = np.concatenate([self.claims, present.astype(np.int64)])
        paid = np.zeros(len(every), TRANSFER)
        paid["kind"], paid["debit"], paid["credit"] = SHIFT_PAY, every[:, 1], every[:, 0]
        paid["amount"] = every[:, 2]
        paid["debit_country"] = np.array(owners)[every[:, 1]]
        paid["credit_country"] = workers["country"][every[:, 0]]
        self.owed[:] = 0
        self.claims = self.claims[:0]
        self.last_paid = np.zeros(len(workers), np.int64)
        np.add.at(self.last_paid, paid["credit"], paid["amount"])
        return paid
