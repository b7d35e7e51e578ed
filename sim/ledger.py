"""Double entry in integer micro-dollars: the only place where a balance changes.

Every transfer has a kind; the kind fixes which sector pays and which receives. Balances live in the
records of the agents that own them (``pending`` of a worker, ``escrow`` of a batch), so an agent
shows its balance without a copy. Sector totals and the flow matrix (kind x paying country x
receiving country) are kept beside them, and the three are checked against each other.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import Records, records
from sim.compile import index, integer, kernel, rule


class ModelError(RuntimeError):
    """A fault of the model itself: an identity that must always hold does not."""


SECTORS = (
    "requesters",
    "escrow",
    "platforms",
    "pending",
    "workers",
    "collectives",
    "governments",
    "audience",
    "cooperative_fund",
    "commons_fund",
    "havens",
    "owners",
    "rounding",
    "outside",
)

KINDS = (
    ("funding", "outside", "requesters"),
    ("posting", "requesters", "escrow"),
    ("reward", "escrow", "pending"),
    ("requester_fee", "escrow", "platforms"),
    ("escrow_rounding", "escrow", "rounding"),
    ("refund", "escrow", "requesters"),
    ("worker_fee", "pending", "platforms"),
    ("pending_rounding", "pending", "rounding"),
    ("broker_cut", "pending", "collectives"),
    ("payout", "pending", "workers"),
    ("forfeit", "pending", "platforms"),
    ("spending", "workers", "outside"),
    ("broker_spending", "collectives", "outside"),
    ("platform_cost", "platforms", "outside"),
    ("profit", "platforms", "owners"),
    ("capital", "outside", "platforms"),
    ("usage_tax", "platforms", "governments"),
    ("turnover_tax", "platforms", "governments"),
    ("profit_tax", "platforms", "governments"),
    ("profit_shifting", "platforms", "havens"),
    ("haven_tax", "havens", "outside"),
    ("haven_profit", "havens", "owners"),
    ("administration", "governments", "outside"),
    ("pooling", "governments", "governments"),
    ("universal_income", "governments", "workers"),
    ("income_of_others", "governments", "outside"),
    ("external_income", "outside", "workers"),
    ("conditional_income", "governments", "workers"),
    ("hiring_subsidy", "governments", "requesters"),
    ("advertising", "outside", "platforms"),
    ("user_money", "outside", "audience"),
    ("user_charge", "audience", "platforms"),
    ("user_spending", "audience", "outside"),
    ("royalty", "platforms", "commons_fund"),
    ("commons_dividend", "commons_fund", "workers"),
    ("commons_to_users", "commons_fund", "audience"),
    ("surplus", "platforms", "cooperative_fund"),
    ("patronage", "cooperative_fund", "workers"),
    ("shift_pay", "platforms", "workers"),
    ("contributions", "platforms", "governments"),
    ("withheld", "pending", "platforms"),
    ("external_income_of_others", "outside", "outside"),
)
"""(kind, paying sector, receiving sector) of every transfer there is."""

(
    FUNDING,
    POSTING,
    REWARD,
    REQUESTER_FEE,
    ESCROW_ROUNDING,
    REFUND,
    WORKER_FEE,
    PENDING_ROUNDING,
    BROKER_CUT,
    PAYOUT,
    FORFEIT,
    SPENDING,
    BROKER_SPENDING,
    PLATFORM_COST,
    PROFIT,
    CAPITAL,
    USAGE_TAX,
    TURNOVER_TAX,
    PROFIT_TAX,
    PROFIT_SHIFTING,
    HAVEN_TAX,
    HAVEN_PROFIT,
    ADMINISTRATION,
    POOLING,
    UNIVERSAL_INCOME,
    INCOME_OF_OTHERS,
    EXTERNAL_INCOME,
    CONDITIONAL_INCOME,
    HIRING_SUBSIDY,
    ADVERTISING,
    USER_MONEY,
    USER_CHARGE,
    USER_SPENDING,
    ROYALTY,
    COMMONS_DIVIDEND,
    COMMONS_TO_USERS,
    SURPLUS,
    PATRONAGE,
    SHIFT_PAY,
    CONTRIBUTIONS,
    WITHHELD,
    EXTERNAL_INCOME_OF_OTHERS,
) = range(len(KINDS))

TRANSFER = records(
    [
        ("amount", "i8"),
        ("debit", "i4"),
        ("credit", "i4"),
        ("kind", "u1"),
        ("debit_country", "u1"),
        ("credit_country", "u1"),
    ]
)
"""One transfer: micro-dollars from account ``debit`` to account ``credit`` of the kind's sectors."""

ACCOUNT = records([("balance", "i8"), ("country", "i8")])
LARGEST = 2**61
"""Most micro-dollars in a transfer, an account, a sector or a cell of the month's flows: nothing can wrap."""

AFTER_ESCROW = SECTORS[SECTORS.index("escrow") + 1 :]

OWN = ("owners", "outside", "rounding", "havens", "cooperative_fund", "commons_fund")
"""Sectors whose accounts belong to no agent."""

MOST_PLATFORMS = 16
"""Platforms that a worker's record can name; each has an account for what it owes members."""

PAYING = np.array([SECTORS.index(paying) for _, paying, _ in KINDS], np.int64)
RECEIVING = np.array([SECTORS.index(receiving) for _, _, receiving in KINDS], np.int64)

FINE, NEGATIVE_AMOUNT, OVERDRAWN, TOO_LARGE = range(4)
FAULTS = {
    NEGATIVE_AMOUNT: "a transfer of a negative amount",
    OVERDRAWN: "an account overdrawn",
    TOO_LARGE: "an amount beyond the largest that fits",
}


@rule
def write_row(row: Any, kind: int, debit: int, credit: int, amount: int, payer: int, payee: int) -> None:
    """Fill one transfer, from an account of country ``payer`` to one of country ``payee``."""
    row.kind = kind
    row.debit = debit
    row.credit = credit
    row.amount = amount
    row.debit_country = payer
    row.credit_country = payee


@kernel
def book(
    rows: Any,
    count: int,
    paying: Any,
    receiving: Any,
    requesters: Any,
    escrow: Any,
    platforms: Any,
    pending: Any,
    workers: Any,
    collectives: Any,
    governments: Any,
    audience: Any,
    cooperative_fund: Any,
    commons_fund: Any,
    havens: Any,
    owners: Any,
    rounding: Any,
    outside: Any,
    totals: Any,
    flows: Any,
    booked: Any,
) -> int:
    """Book transfers one by one; return FINE or what was wrong with the first bad one.

    ``booked`` is 1 from now on for their kinds.
    """
    for i in range(count):
        row = rows[index(i)]
        amount = integer(row.amount)
        kind = index(row.kind)
        if amount < 0:
            return NEGATIVE_AMOUNT
        if amount > LARGEST:
            return TOO_LARGE
        sector = index(paying[kind])
        at = index(row.debit)
        balance = integer(0)
        if sector == 0:
            requesters[at] -= amount
            balance = requesters[at]
        elif sector == 1:
            escrow[at] -= amount
            balance = escrow[at]
        elif sector == 2:
            platforms[at] -= amount
            balance = platforms[at]
        elif sector == 3:
            pending[at] -= amount
            balance = pending[at]
        elif sector == 4:
            workers[at] -= amount
            balance = workers[at]
        elif sector == 5:
            collectives[at] -= amount
            balance = collectives[at]
        elif sector == 6:
            governments[at] -= amount
            balance = governments[at]
        elif sector == 7:
            audience[at] -= amount
            balance = audience[at]
        elif sector == 8:
            cooperative_fund[at] -= amount
            balance = cooperative_fund[at]
        elif sector == 9:
            commons_fund[at] -= amount
            balance = commons_fund[at]
        elif sector == 10:
            havens[at] -= amount
            balance = havens[at]
        elif sector == 11:
            owners[at] -= amount
            balance = owners[at]
        elif sector == 13:
            outside[at] -= amount
        if balance < 0:
            return OVERDRAWN
        totals[sector] -= amount
        if totals[sector] < -LARGEST or (sector == 13 and outside[at] < -LARGEST):
            return TOO_LARGE
        sector = index(receiving[kind])
        at = index(row.credit)
        if sector == 0:
            requesters[at] += amount
        elif sector == 1:
            escrow[at] += amount
        elif sector == 2:
            platforms[at] += amount
        elif sector == 3:
            pending[at] += amount
        elif sector == 4:
            workers[at] += amount
        elif sector == 5:
            collectives[at] += amount
        elif sector == 6:
            governments[at] += amount
        elif sector == 7:
            audience[at] += amount
        elif sector == 8:
            cooperative_fund[at] += amount
        elif sector == 9:
            commons_fund[at] += amount
        elif sector == 10:
            havens[at] += amount
        elif sector == 11:
            owners[at] += amount
        elif sector == 12:
            rounding[at] += amount
        elif sector == 13:
            outside[at] += amount
        totals[sector] += amount
        if totals[sector] > LARGEST or (sector == 13 and outside[at] > LARGEST):
            return TOO_LARGE
        payer, payee = index(row.debit_country), index(row.credit_country)
        booked[kind] = 1
        flows[kind, payer, payee] += amount
        if flows[kind, payer, payee] > LARGEST:
            return TOO_LARGE
    return FINE


@kernel
def total_of(accounts: Any) -> int:
    """Sum of a column of accounts, in micro-dollars."""
    total = integer(0)
    for i in range(len(accounts)):
        total += integer(accounts[i])
    return total


@kernel
def bring_in(whole: Any, part: Any) -> int:
    """Add a part's numbers to those of the whole, empty the part; return the largest number now."""
    largest = integer(0)
    for i in range(len(part)):
        # No branch on what a part has nothing of: so the processor adds several by one instruction.
        total = integer(whole[i]) + integer(part[i])
        whole[i] = total
        part[i] = 0
        largest = max(largest, abs(total))
    return largest


class Ledger:
    """Sector totals, the month's flow matrix and the accounts that no agent owns.

    Attributes
    ----------
    totals : int64 array (sectors,)
        Sum of the accounts of each sector in micro-dollars, kept transfer by transfer.
    flows : int64 array (kinds, countries, countries)
        Micro-dollars moved since the start of the month.
    booked : uint8 array (kinds,)
        1 for kinds of which something was booked; in a part, since it was last taken in.
    """

    def __init__(self, countries: int) -> None:
        self.countries = countries
        self.totals = np.zeros(len(SECTORS), np.int64)
        self.flows = np.zeros((len(KINDS), countries, countries), np.int64)
        self.booked = np.zeros(len(KINDS), np.uint8)
        self.owners: Records = np.zeros(countries, ACCOUNT)
        self.outside: Records = np.zeros(countries, ACCOUNT)
        self.rounding: Records = np.zeros(1, ACCOUNT)
        self.havens: Records = np.zeros(1, ACCOUNT)
        self.cooperative_fund: Records = np.zeros(MOST_PLATFORMS, ACCOUNT)
        self.commons_fund: Records = np.zeros(1, ACCOUNT)
        self.transfers_booked = 0
        self._open_own()

    def _open_own(self) -> None:
        self.accounts: dict[str, Records] = {name: getattr(self, name)["balance"] for name in OWN}
        self.after_escrow: tuple[Records, ...] = ()
        self.open("audience", np.zeros(0, ACCOUNT)["balance"])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies the columns of balances: they are views of records, and a copy has its own."""
        return {name: value for name, value in vars(self).items() if name not in ("accounts", "after_escrow")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on as a copy; the accounts of others must be opened anew."""
        vars(self).update(state)
        self._open_own()

    def open(self, sector: str, accounts: Records) -> None:
        """Name the column of balances of a sector; call again when its records have grown."""
        self.accounts[sector] = accounts
        self.after_escrow = tuple(self.accounts[name] for name in AFTER_ESCROW if name in self.accounts)

    def transfer(self, rows: Records, count: int, escrow: Records) -> None:
        """Book ``count`` transfers in bulk.

        Parameters
        ----------
        rows
            Records of type ``TRANSFER``.
        escrow
            Balances that the rows' escrow accounts refer to: those of one board.

        Raises
        ------
        ModelError
            If an amount is negative or too large, or an account would be overdrawn.
        """
        if count == 0:
            return
        fault = book(  # type: ignore[call-arg]
            rows,
            count,
            PAYING,
            RECEIVING,
            self.accounts["requesters"],
            escrow,
            *self.after_escrow,
            self.totals,
            self.flows,
            self.booked,
        )
        self.transfers_booked += int(count)
        if fault != FINE:
            self._refuse(fault)

    @staticmethod
    def _refuse(fault: int) -> None:
        raise ModelError(f"The ledger refused {FAULTS[fault]}; the run stops so that no money is lost.")

    def check(self) -> None:
        """Stop the run unless the sector totals add up to exactly zero."""
        if total_of(self.totals) != 0:
            raise ModelError(f"Sector totals add up to {int(self.totals.sum())} micro-dollars instead of 0.")

    def recount(self, escrow: list[Records]) -> None:
        """Add up every account of every sector and stop the run if a sector total differs.

        Raises
        ------
        ModelError
            Naming the sector, its total and what its accounts add up to.
        """
        self.check()
        for number, sector in enumerate(SECTORS):
            columns = (
                escrow if sector == "escrow" else [self.accounts[sector]] if sector in self.accounts else []
            )
            counted = sum(int(total_of(column)) for column in columns)
            if counted != self.totals[number]:
                raise ModelError(
                    f"The accounts of {sector} hold {counted} micro-dollars, "
                    f"its total says {int(self.totals[number])}."
                )

    def close_month(self) -> NDArray[np.int64]:
        """Return the month's flow matrix and begin a new one."""
        closed = self.flows
        self.flows = np.zeros_like(closed)
        return closed

    def part(self, common: tuple[str, ...]) -> Ledger:
        """Return a ledger for one thread of several.

        It adds up by itself what the ``common`` sectors, of which every thread writes to any account, and
        those that no agent owns receive. To other sectors it writes at once.
        """
        part = Ledger(self.countries)
        for sector in common:
            part.open(sector, np.zeros(len(self.accounts[sector]), ACCOUNT)["balance"])
        part.follow(self, common)
        return part

    def follow(self, whole: Ledger, common: tuple[str, ...]) -> None:
        """Write from now on to the accounts that the whole of this part writes to now."""
        for sector, accounts in whole.accounts.items():
            if sector not in common and sector not in OWN:
                self.open(sector, accounts)

    def take(self, part: Ledger) -> None:
        """Add what a part has booked; it begins anew."""
        most = bring_in(self.totals, part.totals)
        for kind in np.flatnonzero(part.booked).tolist():
            most = max(most, bring_in(self.flows[kind].reshape(-1), part.flows[kind].reshape(-1)))
        part.booked[:] = 0
        for sector, accounts in part.accounts.items():
            if accounts is not self.accounts[sector]:
                largest = bring_in(self.accounts[sector], accounts)
                most = max(most, largest if sector == "outside" else 0)
        self.transfers_booked += part.transfers_booked
        part.transfers_booked = 0
        if most > LARGEST:
            self._refuse(TOO_LARGE)


class Books:
    """The ledger for threads that book at the same time; whole numbers add up the same in any order.

    Parameters
    ----------
    common
        Sectors whose accounts receive from more than one thread; they cannot pay. An account of another
        sector is one thread's alone, except those that no agent owns.
    threads
        With one thread the ledger itself is written to.
    """

    def __init__(self, ledger: Ledger, common: tuple[str, ...], threads: int) -> None:
        self.ledger = ledger
        self.common = common
        self.alone = threads == 1
        self.parts: dict[int, Ledger] = {}
        self.closed: dict[int, Ledger] = {}

    def transfer(self, rows: Records, count: int, escrow: Records) -> None:
        """Book transfers in bulk, as ``Ledger.transfer`` does."""
        if self.alone:
            self.ledger.transfer(rows, count, escrow)
            return
        thread = get_ident()
        if thread not in self.parts:
            self.parts[thread] = self._part_of(thread)
        self.parts[thread].transfer(rows, count, escrow)

    def _part_of(self, thread: int) -> Ledger:
        """Return a thread's part, if it has one from before: to make one takes fresh memory for all flows."""
        part = self.closed.pop(thread, None)
        sizes = [(len(self.ledger.accounts[sector]), sector) for sector in self.common]
        if part is None or any(len(part.accounts[sector]) != size for size, sector in sizes):
            return self.ledger.part(self.common)
        part.follow(self.ledger, self.common)
        return part

    def close(self) -> None:
        """Bring back what the threads have booked; they must be done. Then the books can be used again."""
        for part in self.parts.values():
            self.ledger.take(part)
        self.closed |= self.parts
        self.parts = {}
