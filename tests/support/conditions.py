"""What must hold of wage floors and conditional incomes, seen by observers that count for themselves.

As in ``tests.support.policies``: functions that raise ``AssertionError`` and return counts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from sim.agents.traits import ACTIVE, OTHER_JOB, PARTS, permanent_ids
from sim.agents.worker import Worker
from sim.instruments import (
    ConditionalIncome,
    Policies,
    Reclassification,
    TurnoverTax,
    UsageTax,
    WageFloor,
)
from sim.market import board as boards
from sim.model import ClickWorkModel
from tests.support.markets import fingerprint
from tests.support.observers import NUMBERS, Books, Debug, Watcher
from tests.support.policies import FEBRUARY, MARCH, Counts, market, played
from tests.support.relations import permutation

SEEKERS = Policies(UsageTax(usd_per_user_month=5.0), conditional_income=ConditionalIncome(tasks_a_month=15))
EMPLOYERS = Policies(
    UsageTax(usd_per_user_month=0.4),
    TurnoverTax(),
    conditional_income=ConditionalIncome(recipients="employers", pool="global"),
)
FLOOR = Policies(wage_floor=WageFloor(usd_per_hour=6.0, compliance=0.7, start="2019-02-01"))
LOCAL = Policies(wage_floor=WageFloor(start="2019-02-01"))
ACTUAL = Policies(wage_floor=WageFloor(usd_per_hour=5.0, basis="actual", start="2019-02-01"))
EMPLOYED = Policies(
    wage_floor=WageFloor(usd_per_hour=2.0, start="2019-02-01"),
    reclassification=Reclassification(
        countries=["STH"], usd_per_hour=0.5, contributions=0.3, exit_months=0, start="2019-02-01"
    ),
)
FLOORS = {"stated time": FLOOR, "local minimum wages": LOCAL, "actual time": ACTUAL, "employees": EMPLOYED}
FLOOR_AND_SEEKERS = replace(SEEKERS, wage_floor=WageFloor(compliance=0.7, start="2019-02-01"))


def events(model: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (event, batch, entry of the worker) of the hour's work."""
    for board in model.boards:
        for event in board.events[: int(board.state[boards.EVENTS])]:
            yield event, board.batches[int(event["slot"])], board.active[int(event["active"])]


# --- the floor ------------------------------------------------------------------------------------


class FloorWatch(Watcher):
    """Holds every piece of work against the floor of its worker's country."""

    def hour(self, model: Any) -> None:
        """Look at who worked for what."""
        floor = model.config.policy.wage_floor
        for _, batch, entry in events(model):
            place = int(PARTS["platform"].of(model.worker_rows[int(entry["row"])])), int(entry["country"])
            withheld = int(model.terms["withheld_ppm"][place])
            self.counts["from which something is withheld"] += withheld > 0
            country = int(model.worker_rows["country"][int(entry["row"])])
            usd = floor.usd_per_hour
            if usd is None:
                usd = float(model.world.minimum_wage_usd[country])
            seconds = batch["true_seconds"] if floor.basis == "actual" else batch["estimated_seconds"]
            gross = Fraction(int(batch["reward"]) * (10**6 - withheld) * 3600, 10**6 * int(seconds))
            enough = gross >= Fraction(usd) * (10**6 - 1)
            complies = bool(model.requester_rows["complies"][int(batch["requester"])])
            bound = complies and int(batch["posted_hour"]) >= FEBRUARY
            assert enough or not bound, f"{batch['reward']} for {seconds} s, and {usd} an hour is the least"
            assert model.hour >= FEBRUARY or not bound
            if bound:
                self.counts["pieces of work under a floor"] += 1
            elif not enough and model.hour >= FEBRUARY:
                self.counts["of older batches" if complies else "of who does not comply"] += 1
        for board in model.boards:
            new = (board.batches["open"] > 0) & (board.batches["posted_hour"] == model.hour)
            masks = board.listings["country_mask"][new]
            assert (masks != 0).all(), "work that nobody may do"
            self.counts["batches for the North alone"] += int((masks == 1).sum())
            self.counts["batches for the South alone"] += int((masks == 2).sum())
            self.counts["batches for all"] += int((masks == 3).sum())


def floors_hold(policy: Policies, seed: int = 1) -> Counts:
    """No covered worker works for less on a complying requester's batch of the time in force."""
    watch = FloorWatch()
    model = played(market(days=46, workers=150, policy=policy, seed=seed), observers=(watch, Debug()))
    assert model.hour > FEBRUARY
    return watch.counts


def demand_is_left_alone() -> Counts:
    """A month in which nothing changes asks nobody about demand; the months in which it does, do."""
    config = market(days=60, workers=30, policy=Policies(wage_floor=WageFloor(start="2019-02-01")))
    model = ClickWorkModel(config)
    asked: list[int] = []
    honest = model.apply_channels

    def apply() -> None:
        asked.append(model.hour)
        honest()

    model.apply_channels = apply  # type: ignore[method-assign]
    model.run()
    model.end()
    assert asked == [FEBRUARY], asked
    return Counter(hours=model.hour)


def compliance() -> Counts:
    """Who complies at a share complies at any larger one; the shares come out."""
    base = market(workers=30)
    base = replace(base, requesters=replace(base.requesters, count=400))
    kept = []
    for share in (0.0, 0.3, 0.7, 1.0):
        policy = Policies(wage_floor=WageFloor(usd_per_hour=6.0, compliance=share))
        rows = ClickWorkModel(replace(base, policy=policy)).requester_rows
        kept.append(rows["complies"].astype(bool))
        assert abs(kept[-1].mean() - share) < 0.08, (share, kept[-1].mean())
    assert all((less <= more).all() for less, more in pairwise(kept))
    return Counter(requesters=len(kept[0]), who=int(kept[1].sum()))


# --- job seekers ----------------------------------------------------------------------------------


class SeekerWatch(Watcher):
    """Counts each worker's tasks of the month, event by event, and works out who is bound and who is paid."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[int, int] = defaultdict(int)
        self.kept: Any = 0
        self.offered = False
        self.expected: Any = 0

    def hour(self, model: Any) -> None:
        """The engine's wage of this hour, then the view's after it."""
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                expected = self.wage(model, int(entry["row"]), int(entry["id"]))
                assert abs(float(entry["log_reservation"]) - expected) < 1e-9, "the engine against the rule"
                self.counts["worker-hours"] += 1
        for event, _, entry in events(model):
            if event["kind"] == boards.WORK:
                self.done[int(entry["id"])] += int(event["done"])
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])][:3]:
                row = int(entry["row"])
                if not model.is_active(row):
                    continue  # on duty until the hour ends
                wage, worker = math.exp(self.wage(model, row, int(entry["id"]))), model.views.worker(row)
                assert not worker.accepts(wage * (1 - 1e-6)) and worker.accepts(wage * (1 + 1e-6)), "the view"

    def wage(self, model: Any, row: int, number: int) -> float:
        """Log of the wage that somebody asks, who has done so much in the month."""
        worker = model.worker_rows[row]
        asked = float(worker["log_reservation"])
        income = model.config.policy.conditional_income
        if not self.offered or worker["bits"] & OTHER_JOB or self.done[number] >= income.tasks_a_month:
            self.counts["free to choose"] += self.offered
            return asked
        country = int(worker["country"])
        types = sorted(model.config.task_types.values(), key=lambda task: task.median_seconds)
        shares = np.cumsum([task.share for task in types])
        hours = types[int(np.argmax(shares >= shares[-1] / 2))].median_seconds / 3600
        missing = income.tasks_a_month - self.done[number]
        if self.expected[country] / 1e6 < missing * hours * math.exp(asked):
            self.counts["not worth it"] += 1
            return asked
        least = model.config.workers.need_usd_per_hour * float(model.world.price_level[country])
        self.counts["bound"] += math.log(least) < asked
        return min(asked, math.log(least))

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Who earned it holds the share of a pot that the flows alone tell, and nobody else anything."""
        rows = model.worker_rows[: model.workers_count]
        income = model.config.policy.conditional_income
        done = np.array([self.done[int(number)] for number in permanent_ids(rows)])
        earned = (
            (done >= income.tasks_a_month) & (rows["bits"] & OTHER_JOB == 0) & (rows["bits"] & ACTIVE > 0)
        )
        collected = sum(flows[NUMBERS[kind]].sum(axis=0) for kind in ("usage_tax", "turnover_tax"))
        pot = self.kept + collected - flows[NUMBERS["administration"]].sum(axis=1)
        heads = np.bincount(rows["country"][earned], minlength=len(pot))
        each = np.where(heads > 0, pot // np.maximum(heads, 1), 0)
        if model.running:
            assert not model.effects[..., 0].any(), "an income without a condition"
            assert (rows["balance"] == np.where(earned, each[rows["country"]], 0)).all(), (
                "somebody else's income"
            )
            self.kept = pot - each * heads
            self.counts["paid"] += int(earned.sum())
            self.counts["too few tasks"] += int(
                ((done > 0) & ~earned & (rows["bits"] & OTHER_JOB == 0)).sum()
            )
            self.counts["another job"] += int(((done >= income.tasks_a_month) & ~earned).sum())
            self.counts["joined in mid-month and paid"] += int(
                (earned & (model.history_rows["joined_day"][: len(rows)] > 1)).sum()
            )
            assert (self.kept == model.government_rows["balance"]).all() and (self.kept >= 0).all()
            seeking = (rows["bits"] & (ACTIVE | OTHER_JOB)) == ACTIVE
            seekers = np.bincount(rows["country"][seeking], minlength=len(pot))
            # Where nobody earned it: what was kept and as much again as came in, for all who seek a job.
            to_all = (self.kept + collected) // np.maximum(1, seekers)
            self.expected = np.where(each > 0, each, to_all)
        self.done.clear()
        self.offered = True


def seekers(seed: int = 1, usd: float = 5.0) -> Counts:
    """Exactly those without another job and with enough tasks are paid.

    Until then they take anything, as long as the income is worth the time of the tasks that are missing.
    """
    watch = SeekerWatch()
    policy = replace(SEEKERS, usage_tax=UsageTax(usd_per_user_month=usd))
    played(market(days=58, workers=200, policy=policy, seed=seed), observers=(watch,))
    return watch.counts


def seekers_take_more() -> Counts:
    """Bound workers reach the number of tasks more often than where there is no income.

    Not much more often: who is in the market was willing at its pay, and choice between its tasks is all that
    the condition takes away.
    """
    plain = replace(SEEKERS, conditional_income=None)
    reached = []
    for policy in (plain, SEEKERS):
        watch = SeekerWatch()
        model = ClickWorkModel(market(days=52, workers=500, policy=policy))
        before: Any = None
        while model.hour < MARCH - 24:
            if model.hour == FEBRUARY + 1:
                before = tasks(model)
            model.step()
        after = tasks(model)
        free = (model.worker_rows["bits"][: len(before)] & OTHER_JOB) == 0
        reached.append(int((free & (after[: len(before)] - before >= 60)).sum()))
        watch.counts.clear()
    assert reached[1] > reached[0], reached
    return Counter(more=reached[1] - reached[0])


def tasks(model: Any) -> Any:
    """Tasks that each worker has done."""
    rows = model.worker_rows[: model.workers_count]
    return rows["accepted"].astype(np.int64) + rows["rejected"]


class Firm(Worker):
    """A worker who takes nothing under five dollars an hour."""

    def reservation_wage(self) -> float:
        """Five dollars."""
        return 5.0


def firm_answers() -> Counts:
    """A wage that a worker names herself holds as soon as the tasks are done, and not before."""
    config = market(days=52, workers=300, policy=SEEKERS)
    model = ClickWorkModel(config, worker_classes=dict.fromkeys(config.segments, Firm))
    counts = Counter[str]()
    model.run(FEBRUARY + 24 * 7)
    for _ in range(24 * 14):
        model.step()
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                row = int(entry["row"])
                if int(model.history_rows["joined_day"][row]) > 0:
                    continue
                asks = float(entry["log_reservation"])
                firm = abs(asks - math.log(5.0)) < 1e-6
                counts["firm" if firm else "bound"] += 1
                assert firm or asks < math.log(5.0), "neither what she says nor what she must"
                stored = float(model.worker_rows["log_reservation"][row])
                assert abs(stored - math.log(5.0)) < 1e-6, "what she said was not kept"
    return counts


# --- employers ------------------------------------------------------------------------------------


class EmployerWatch(Watcher):
    """Counts what each requester spent on finished batches, and holds what each is given against it."""

    def __init__(self) -> None:
        super().__init__()
        self.spent: dict[int, int] = defaultdict(int)
        self.balances: Any = 0
        self.kept = 0

    def hour(self, model: Any) -> None:
        """Add the batches that finished."""
        for board in model.boards:
            for batch in board.finished[: int(board.state[boards.FINISHED_COUNT])]:
                paid = int(batch["accepted"]) * int(batch["reward"]) + int(batch["fee"])
                self.spent[int(batch["requester"])] += paid
        self.balances = model.requester_rows["balance"].copy()

    def month(self, model: Any, period: str, flows: Any) -> None:
        """One pot for all: each gets the pot's share of what it spent, rounded down twice."""
        rows = model.requester_rows
        collected = sum(int(flows[NUMBERS[kind]].sum()) for kind in ("usage_tax", "turnover_tax"))
        pot = self.kept + collected - int(flows[NUMBERS["administration"]].sum())
        given = rows["balance"] - self.balances
        if model.running:
            spent = np.array([self.spent[row] for row in range(len(rows))], object)
            by_country = [int(spent[rows["country"] == c].sum()) for c in range(flows.shape[1])]
            parts = [pot * one // sum(by_country) for one in by_country]
            due = [
                parts[c] * int(one) // by_country[c] if one else 0
                for c, one in zip(rows["country"].tolist(), spent, strict=True)
            ]
            assert given.tolist() == due, "given back against spent"
            assert int(flows[NUMBERS["hiring_subsidy"]].sum()) == sum(due) <= pot
            assert pot - sum(due) <= len(rows) + flows.shape[1], "more than rounding is kept"
            share = [
                sum(np.array(due)[rows["country"] == c]) / max(1, by_country[c]) for c in range(len(parts))
            ]
            assert np.allclose(model.subsidies, np.minimum(0.9, share), rtol=1e-12), "counted on"
            self.kept = pot - sum(due)
            assert int(model.government_rows["balance"].sum()) == self.kept
            self.counts["subsidies"] += int((given > 0).sum())
            self.counts["micro-dollars"] += sum(due)
        else:
            assert not given.any(), "paid at the end of the run"
            self.kept = pot
        self.spent.clear()


def employers(seed: int = 1) -> Counts:
    """Those who hire get the pot in proportion to what they spent."""
    watch = EmployerWatch()
    played(market(days=58, workers=60, policy=EMPLOYERS, seed=seed), observers=(watch,))
    return watch.counts


def subsidised_demand(share: float = 0.3) -> Counts:
    """A subsidy acts on demand as a lower price: (1 - s) ** -elasticity, in the countries that have it."""
    config = market(days=5, workers=60, policy=EMPLOYERS)
    model = played(config, 100)
    rows = range(len(model.requester_rows))
    before = np.array([model.found_demand(row) for row in rows])
    model.subsidies[0] = share
    after = np.array([model.found_demand(row) for row in rows])
    north = model.requester_rows["country"] == 0
    rise = (1 - share) ** -config.requesters.demand_elasticity
    assert np.allclose(after[north], before[north] * rise, rtol=1e-9) and rise > 1
    assert (after[~north] == before[~north]).all()
    return Counter(northern=int(north.sum()), others=int((~north).sum()))


# --- all of them ----------------------------------------------------------------------------------


class Money(Watcher):
    """Zero every hour, and no treasury in debt."""

    def hour(self, model: Any) -> None:
        """Look at the totals."""
        assert int(model.ledger.totals.sum()) == 0 and (model.government_rows["balance"] >= 0).all()
        self.counts["hours"] += 1

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Sum what was paid."""
        for kind in ("conditional_income", "hiring_subsidy", "administration"):
            self.counts[kind] += int(flows[NUMBERS[kind]].sum())


def accounts(policy: Policies) -> Counts:
    """A second ledger agrees on every account in every hour."""
    model = ClickWorkModel(market(policy=policy))
    books, money = Books(), Money()
    model.observers.extend([money, Debug()])
    books.attach(model)
    model.run()
    model.end()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    return books.counts + money.counts


def same_anyhow(policy: Policies) -> Counts:
    """Threads and the order of storage mean nothing."""
    config = market(days=40, policy=policy)
    config = replace(config, market=replace(config.market, boards=2))
    one = played(config)
    two = played(replace(config, compute=replace(config.compute, threads=2)))
    assert fingerprint(one) == fingerprint(two), "the number of threads shows"
    return permutation(config)
