"""Observers for tests: they watch a run hour by hour and hold it against a count of their own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from sim.agents.traits import ACTIVE, permanent_ids
from sim.ledger import KINDS, SECTORS
from sim.market import board as boards
from sim.market.invariants import check_hour

ESCROW = SECTORS.index("escrow")
ROUNDING = SECTORS.index("rounding")
NUMBERS = {kind: number for number, (kind, _, _) in enumerate(KINDS)}


class Watcher:
    """An observer that does nothing; ``counts`` tells how much it looked at."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def hour(self, model: Any) -> None:
        """See the end of an hour, before anyone goes off duty."""

    def day(self, model: Any) -> None:
        """See the end of a day."""

    def month(self, model: Any, period: str, flows: Any) -> None:
        """See the end of a month."""


class Debug(Watcher):
    """Every check of debug mode, every hour."""

    def hour(self, model: Any) -> None:
        check_hour(model)
        for board in model.boards:
            events = board.events[: int(board.state[boards.EVENTS])]
            entries = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            self.counts["worker-hours"] += int((entries["duty"] > 0).sum())
            self.counts["events"] += len(events)
            self.counts["returned tasks"] += int((events["kind"] == boards.RETURN).sum())
            self.counts["rejected assignments"] += int((events["done"] - events["accepted"]).sum())
            self.counts["assignments"] += int(events["done"].sum())
            self.counts["finished batches"] += int(board.state[boards.FINISHED_COUNT])
            self.counts["expired assignments"] += int(
                board.finished["expired"][: int(board.state[boards.FINISHED_COUNT])].sum()
            )
        self.counts["batch-hours"] += sum(int(board.state[boards.OPEN]) for board in model.boards)


class Books(Watcher):
    """A second ledger: every transfer is booked again, account by account, and compared every hour.

    The totals of sectors and of countries, the flow matrix and all balances must come out the same.
    ``attach`` puts it in front of the model's ledger.
    """

    def __init__(self) -> None:
        super().__init__()
        self.balances: dict[str, np.ndarray[Any, Any]] = {}
        self.escrow: Counter[int] = Counter()
        self.flows: Any = None
        self.roundings = 0
        self.largest_rounding = 0

    def attach(self, model: Any) -> Books:
        """Listen to the transfers of a model."""
        self.model = model
        self.flows = np.zeros_like(model.ledger.flows)
        original = model.ledger.transfer

        def transfer(rows: Any, count: int, escrow: Any) -> None:
            self.book(rows[:count], escrow)
            original(rows, count, escrow)

        model.ledger.transfer = transfer
        model.observers.append(self)
        return self

    def book(self, rows: Any, escrow: Any) -> None:
        """Book transfers again."""
        assert (rows["amount"] >= 0).all(), "a transfer of less than nothing"
        self.counts["transactions"] += len(rows)
        for number in np.unique(rows["kind"]):
            kind, paying, receiving = KINDS[number]
            some = rows[rows["kind"] == number]
            self.counts[kind] += len(some)
            self._audit(kind, paying, some, escrow)
            self._add(paying, some["debit"], -some["amount"], escrow)
            self._add(receiving, some["credit"], some["amount"], escrow)
            np.add.at(self.flows[number], (some["debit_country"], some["credit_country"]), some["amount"])
            if receiving == "rounding":
                self.roundings += len(some) * (2 if kind == "pending_rounding" else 1)
                self.largest_rounding = max(self.largest_rounding, int(some["amount"].max()))

    def _audit(self, kind: str, paying: str, rows: Any, escrow: Any) -> None:
        """Check who is on the other side of a batch's escrow, and that countries are the accounts' own."""
        model = self.model
        if kind == "posting" or paying == "escrow":
            batches = self._batches_of(escrow)[rows["credit" if kind == "posting" else "debit"]]
            assert (batches["requester_country"] == rows["debit_country"]).all(), (
                f"{kind}: country of the requester"
            )
            if kind in ("posting", "refund"):
                owner = rows["debit" if kind == "posting" else "credit"]
                assert (batches["requester"] == owner).all(), f"{kind}: money of one requester to another"
        for side, sector in zip(("debit", "credit"), KINDS[NUMBERS[kind]][1:], strict=True):
            if sector in ("pending", "workers"):
                countries = model.worker_rows["country"][rows[side]]
                assert (countries == rows[f"{side}_country"]).all(), f"{kind}: country of the worker"
        self.counts["transfers audited"] += len(rows)

    def _add(self, sector: str, accounts: Any, amounts: Any, escrow: Any) -> None:
        if sector == "escrow":
            for batch, amount in zip(self._batches_of(escrow)["id"][accounts], amounts, strict=True):
                self.escrow[int(batch)] += int(amount)
            return
        have = self.balances.get(sector, np.zeros(0, np.int64))
        need = int(accounts.max()) + 1
        if len(have) < need:
            have = np.concatenate([have, np.zeros(need - len(have), np.int64)])
        np.add.at(have, accounts, amounts)
        self.balances[sector] = have

    def _batches_of(self, escrow: Any) -> Any:
        """Batches whose escrow this is: those of a board, or those that are about to be put on boards."""
        address = escrow.__array_interface__["data"][0]
        for batches in (self.model.new_rows, *(board.batches for board in self.model.boards)):
            if batches["escrow"].__array_interface__["data"][0] == address:
                return batches
        raise AssertionError("a transfer of escrow names no batches")

    def _compare_escrow(self, model: Any) -> None:
        """Each batch on a board holds what was booked for it; what the others held was given back."""
        held: Counter[int] = Counter()
        for board in model.boards:
            batches = board.batches[board.batches["escrow"] != 0]
            held.update(dict(zip(batches["id"].tolist(), batches["escrow"].tolist(), strict=True)))
            self.counts["accounts compared"] += len(board.batches)
        booked = {batch: amount for batch, amount in self.escrow.items() if amount}
        wrong = sorted(batch for batch in {*held, *booked} if held[batch] != booked.get(batch, 0))
        assert not wrong, (
            f"hour {model.hour}: escrow of batch {wrong[0]}: {held[wrong[0]]} not {booked.get(wrong[0], 0)}"
        )
        assert min(held.values(), default=0) >= 0, f"hour {model.hour}: escrow holds a debt"
        self.escrow = Counter(booked)

    def hour(self, model: Any) -> None:
        """Compare everything with the model's ledger."""
        self.counts["hours"] += 1
        totals = model.ledger.totals
        assert int(totals.sum()) == 0, f"hour {model.hour}: totals add up to {int(totals.sum())}"
        model.ledger.recount([board.batches["escrow"] for board in model.boards])
        columns = {name: column for name, column in model.ledger.accounts.items() if name != "escrow"}
        for name, column in columns.items():
            mine = self.balances.get(name, np.zeros(0, np.int64))
            theirs = np.asarray(column, np.int64)
            length = max(len(mine), len(theirs))
            mine, theirs = (np.pad(array, (0, length - len(array))) for array in (mine, theirs))
            wrong = np.flatnonzero(mine != theirs)
            assert len(wrong) == 0, (
                f"hour {model.hour}: {name} {wrong[:3]}: {theirs[wrong[:3]]} not {mine[wrong[:3]]}"
            )
            if name != "outside":
                assert (theirs >= 0).all(), f"hour {model.hour}: {name} holds a debt of {int(theirs.min())}"
            self.counts["accounts compared"] += length
        self._compare_escrow(model)
        self._compare_flows(model)

    def _compare_flows(self, model: Any) -> None:
        """Net flows of each sector, and of each country inside it, against what the accounts hold."""
        countries = model.ledger.countries
        assert (self.flows[:, :, :] == self.months(model)).all(), f"hour {model.hour}: flow matrix"
        net = np.zeros((len(SECTORS), countries), np.int64)
        for number, (_, paying, receiving) in enumerate(KINDS):
            net[SECTORS.index(paying)] -= self.flows[number].sum(axis=1)
            net[SECTORS.index(receiving)] += self.flows[number].sum(axis=0)
        assert (net.sum(axis=1) == model.ledger.totals).all(), f"hour {model.hour}: sectors against flows"
        held = stocks_by_country(model)
        for sector, stock in held.items():
            wrong = np.flatnonzero(net[SECTORS.index(sector)] != stock)
            assert len(wrong) == 0, f"hour {model.hour}: {sector} of country {wrong[:3]} against its flows"
            self.counts["country stocks compared"] += countries

    def months(self, model: Any) -> Any:
        """All flows since the start: the closed months and the present one."""
        return getattr(self, "_closed", 0) + model.ledger.flows

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Add a closed month."""
        self._closed = getattr(self, "_closed", 0) + flows
        self.counts["months closed"] += 1


def stocks_by_country(model: Any) -> dict[str, Any]:
    """Money held by each country's accounts, by sector; rounding has no country."""
    countries = model.ledger.countries
    workers = model.worker_rows[: model.workers_count]

    def by(rows: Any, amounts: Any) -> Any:
        sums = np.zeros(countries, np.int64)
        np.add.at(sums, rows, amounts)
        return sums

    batches = [board.batches[board.batches["open"] > 0] for board in model.boards]
    return {
        "requesters": by(model.requester_rows["country"], model.requester_rows["balance"]),
        "escrow": sum(by(some["requester_country"], some["escrow"]) for some in batches),
        "platforms": by(model.platform_rows["owner"], model.platform_rows["balance"]),
        "pending": by(workers["country"], workers["pending"]),
        "workers": by(workers["country"], workers["balance"]),
        "collectives": by(model.collective_rows["country"], model.collective_rows["balance"]),
        "owners": model.ledger.owners["balance"],
        "outside": model.ledger.outside["balance"],
    }


class Journal(Watcher):
    """Every event of a run by permanent ids, sorted so that the order of storage does not show."""

    COLUMNS = ("hour", "worker", "batch", "kind", "done", "accepted", "own_seconds", "start", "end")

    def __init__(self, worker_country: int | None = None) -> None:
        super().__init__()
        self.parts: list[Any] = []
        self.worker_country = worker_country

    def hour(self, model: Any) -> None:
        """Keep the hour's events."""
        for board in model.boards:
            events = board.events[: int(board.state[boards.EVENTS])]
            entries = board.active[events["active"]]
            columns = [
                np.full(len(events), model.hour),
                entries["id"],
                board.batches["id"][events["slot"]],
                *(events[name] for name in self.COLUMNS[3:]),
            ]
            table = np.stack([column.astype(np.int64) for column in columns], axis=1)
            if self.worker_country is not None:
                table = table[entries["country"] == self.worker_country]
            self.parts.append(table)
            self.counts["events"] += len(table)

    def table(self) -> Any:
        """All events, int64 (events, columns)."""
        table = np.concatenate(self.parts) if self.parts else np.zeros((0, len(self.COLUMNS)), np.int64)
        return table[np.lexsort(table.T[::-1])]


class Queue(Watcher):
    """Both sides of Little's law, in seconds and in whole hours, counted in different ways.

    One side integrates the number of assignments waiting on the boards; the other adds up how long each
    waited, from the model's own stamps (seconds) and from the hours of the events (hours).
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting_seconds = 0
        self.waiting_hours = 0
        self.waited_seconds = 0
        self.waited_hours = 0
        self.open_at_end: tuple[int, int] = (0, 0)

    def hour(self, model: Any) -> None:
        """Integrate over the hour, and add up those who stopped waiting in it."""
        now = model.hour
        open_seconds = open_hours = 0
        for board in model.boards:
            state = board.state
            slots = board.orders[0, : int(state[boards.OPEN])]
            left = board.listings["left"][slots].astype(np.int64)
            events = board.events[: int(state[boards.EVENTS])]
            done = events["done"].astype(np.int64)
            posted = board.batches["posted_hour"][events["slot"]].astype(np.int64)
            # Those waiting at the hour's end waited all of it; the others until they were handed in.
            own = events["own_seconds"].astype(np.int64)
            self.waiting_seconds += 3600 * int(left.sum())
            self.waiting_seconds += int((done * events["end"] - own * (done * (done - 1) // 2)).sum())
            self.waiting_hours += int(left.sum())
            self.waited_hours += int((done * (now - posted)).sum())
            finished = board.finished[: int(state[boards.FINISHED_COUNT])]
            self.waited_seconds += int(finished["waited_seconds"].sum())
            expired = finished["expired"].astype(np.int64)
            self.waited_hours += int(
                (expired * (finished["closed_hour"].astype(np.int64) - finished["posted_hour"])).sum()
            )
            self.counts["assignments"] += int(done.sum()) + int(expired.sum())
            self.counts["expired"] += int(expired.sum())
            everyone = np.concatenate([slots, board.exhausted[: int(state[boards.EXHAUSTED])]])
            batches = board.batches[everyone]
            age = now + 1 - batches["posted_hour"].astype(np.int64)
            left = board.listings["left"][everyone].astype(np.int64)
            open_seconds += int(batches["waited_seconds"].sum()) + 3600 * int((left * age).sum())
            open_hours += int((left * age).sum())
        self.open_at_end = open_seconds, open_hours

    def check(self) -> None:
        """Both sides, to the second and to the hour."""
        seconds, hours = self.open_at_end
        assert self.waiting_seconds == self.waited_seconds + seconds, "Little's law in seconds"
        assert self.waiting_hours == self.waited_hours + hours, "Little's law in hours"


class People(Watcher):
    """Who is in the market: entrants and leavers, ids, and what those who left are paid."""

    def __init__(self) -> None:
        super().__init__()
        self.present: set[int] | None = None
        self.gone: dict[int, int] = {}
        self.ever: set[int] = set()

    def hour(self, model: Any) -> None:
        """Compare the people of this hour with those of the last."""
        rows = model.worker_rows[: model.workers_count]
        ids = permanent_ids(rows)
        assert len(np.unique(ids)) == len(ids), "an id is used twice"
        active = (rows["bits"] & ACTIVE) > 0
        now = set(ids[active].tolist())
        if self.present is None:
            self.ever, self.present = set(ids.tolist()), now
            self.joined = self.left = 0
            self.registered = model.pools + model.active_by_country()
        assert (model.pools + model.active_by_country() == self.registered).all(), (
            "those who work and those who do not against the registered"
        )
        assert (model.pools >= 0).all()
        entrants, leavers = now - self.present, self.present - now
        assert not entrants & self.gone.keys(), "someone who left is back under the same id"
        assert not entrants & self.ever, "an id was used again"
        self.counts["joined"] += len(entrants)
        self.counts["left"] += len(leavers)
        self.ever |= entrants
        for board in model.boards:
            entries = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            working = set(entries["id"][entries["duty"] > 0].tolist())
            assert working <= now, "someone works who is not in the market"
            self.counts["worker-hours"] += len(working)
        place = {int(agent): row for row, agent in enumerate(ids)}
        for agent in leavers:
            self.gone[agent] = int(model.history_rows["pay"][place[agent]])
        for agent, pay in self.gone.items():
            row = place[agent]
            assert int(model.history_rows["pay"][row]) == pay, f"worker {agent} was paid after leaving"
            assert int(rows["pending"][row]) == 0, f"worker {agent} left with pending money"
            self.counts["hours of leavers"] += 1
        self.joined += len(entrants)
        self.left += len(leavers)
        self.present = now

    def day(self, model: Any) -> None:
        """The model's own counts of the day, against those seen."""
        if int(model.joined_today.sum()) != self.joined or int(model.left_today.sum()) != self.left:
            raise AssertionError(
                f"day {model.day}: {int(model.joined_today.sum())} joined and "
                f"{int(model.left_today.sum())} left by the model, {self.joined} and {self.left} by the rows"
            )
        self.joined = self.left = 0
