"""The twin: the whole market once more, in plain Python objects, as a good Mesa user would write it.

Workers, requesters, platforms, collectives and governments are Mesa agents with attributes; batches, boards
and the ledger are ordinary objects; money is Python's whole numbers. Nothing here is an array, and nothing is
shared with the model but its configuration, country tables, calendar, keyed draws and the scalar functions of
`sim.numeric`. The initial agents come as the tables of a `Population`. From the same tables the twin gives
the same events, balances and records as the compiled model, to the bit.

It is written to be fast: sleeping workers are not touched in the hour, what is constant for a worker in an
hour is computed once, boards are sorted lists, a listing's noise is drawn once for each worker who sees it.

With `native_random=True` all draws come from `model.random` instead of keys. The distributions are the same,
the run is another one: it serves to time what a model without keyed draws would cost.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
import struct
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any

import mesa

from sim import draws
from sim.agents.population import Population
from sim.agents.traits import unpacked
from sim.clock import Clock
from sim.config import Config, TaskType
from sim.config import Platform as PlatformConfig
from sim.draws import stream_key, sub_key
from sim.numeric import (
    binomial,
    exp,
    exponential,
    geometric,
    log,
    normal_cdf,
    normal_fast,
    normal_quantile,
    poisson,
    power,
    truncated_pareto,
)
from sim.world import World, load_world

MOST_WEEK_PAY = 2**32 - 1  # a worker remembers no more of a week
MILLION = 1_000_000
LOW_WORD = 2**32
LOOKS_APART = 64
BATCHES_APART = 2**32
JOINED_LATER = 2**31
LONGEST_TASK = 3000.0
SMALLEST_DRAW = 1e-18
RETURNED = 2**30  # more than any batch has tasks: whoever gave one back does not come again
UNKNOWN = -1.0
WORK, RETURN = 0, 1
LOW_ARM, HIGH_ARM = 0, 1

# Bits of a worker in the population's tables.
ACTIVE, WOMAN, TERTIARY, OTHER_JOB = 1, 2, 4, 8

# Numbers of the draws of one batch, one day's plan, one week's choice of platform, one person's traits.
TYPE, ONE_TASK, SIZE, SECONDS, ARM, ROUNDING, LIFE, PLATFORM, TILE = range(9)
WORKS, MINUTES, WHERE, START = range(4)
RECONSIDERS, CHOICE = range(2)
T_SEGMENT, T_HOURS, T_SPEED, T_RESERVATION, T_ZONE = range(1, 6)
T_WOMAN, T_TERTIARY, T_OTHER_JOB, T_SKILL, T_ACCURACY, T_LOOK, T_PATIENCE, T_COLLECTIVE = range(100, 108)

# What a board counts, by hour and country of the worker, and by hour and country of the requester.
(
    ACCEPTED, REJECTED, RETURNS, PAY, FEE, CUT, DUTY, PAID, SEARCH, RETURNED_TIME, REJECTED_TIME, IDLE, NIGHT,
    EXPOSURE, ON_DUTY,
) = range(15)  # fmt: skip
POSTED, BATCHES, DONE, EXPIRED, SPENT, FEES = range(6)

SECTORS = (
    "requesters", "escrow", "platforms", "pending", "workers", "collectives", "governments", "audience",
    "cooperative_fund", "commons_fund", "havens", "owners", "rounding", "outside",
)  # fmt: skip
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
)
(
    FUNDING, POSTING, REWARD, REQUESTER_FEE, ESCROW_ROUNDING, REFUND, WORKER_FEE, PENDING_ROUNDING,
    BROKER_CUT, PAYOUT, FORFEIT, SPENDING, BROKER_SPENDING, PLATFORM_COST, PROFIT, CAPITAL,
) = range(len(KINDS))  # fmt: skip

_SINGLE = struct.Struct("f")

ended = itemgetter(4)
newest_key = attrgetter("newest_key")
paid_key = attrgetter("paid_key")
priority_of = attrgetter("priority")


class ModelError(RuntimeError):
    """Something that must always hold does not."""


# --- numbers ------------------------------------------------------------------------------------


def single(x: float) -> float:
    """Round to single precision, in which the model stores pay."""
    return _SINGLE.unpack(_SINGLE.pack(x))[0]


@functools.cache
def stream_number(name: str) -> int:
    """Return the number of a stream of draws, made from its name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - draws.STREAM_BITS)


def ppm(share: float) -> int:
    """Return a share in millionths."""
    return math.floor(share * 1e6 + 0.5)


def micro(usd: float) -> int:
    """Return USD, as typed, in micro-dollars."""
    return int(Decimal(repr(usd)) * MILLION)


def share_down(amount: int, share: int) -> int:
    """Return a share in millionths of an amount, rounded down."""
    return amount * share // MILLION


def share_up(amount: int, share: int) -> int:
    """Return a share in millionths of an amount, rounded up."""
    return -(-amount * share // MILLION)


def added_up(values: Iterable[float]) -> float:
    """Add up floats one by one; from Python 3.12 on `sum` rounds otherwise."""
    total = 0.0
    for value in values:
        total += value
    return total


def running_shares(weights: Sequence[float]) -> list[float]:
    """Return cumulative shares of weights; the last is exactly 1."""
    total, sums = 0.0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return [*(value / total for value in sums[:-1]), 1.0]


def bracket(cumulative: Sequence[float], draw: float) -> int:
    """Return the place of the bracket of cumulative shares that a draw falls into."""
    return min(bisect_right(cumulative, draw), len(cumulative) - 1)


def rows_of(table: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of the population as plain dictionaries."""
    names = table.dtype.names
    for row in table.tolist():
        yield dict(zip(names, row, strict=True))


def smoothed(old: float, new: float, weight: float) -> float:
    """Return a running average; the first observation counts in full."""
    return new if old < 0.0 else old + weight * (new - old)


# --- money --------------------------------------------------------------------------------------


class Ledger:
    """Double entry: totals by sector, and what moved by kind and pair of countries.

    Balances are attributes of those who own them; whoever changes two of them books the transfer here.
    """

    def __init__(self, countries: int) -> None:
        self.totals = dict.fromkeys(SECTORS, 0)
        self.moved = [0] * len(KINDS)
        self.flows: dict[tuple[int, int, int], int] = defaultdict(int)
        self.owners = [0] * countries
        self.outside = [0] * countries
        self.rounding = 0
        self.transfers = 0

    def book(self, kind: int, amount: int, payer: int, payee: int) -> None:
        """Note a transfer between the countries of payer and payee."""
        if amount < 0:
            raise ModelError(f"a negative amount of {KINDS[kind][0]}")
        self.moved[kind] += amount
        self.flows[kind, payer, payee] += amount
        self.transfers += 1

    def check(self) -> None:
        """Bring the totals up to date; they add up to zero."""
        totals = self.totals
        for kind, amount in enumerate(self.moved):
            if amount:
                _, paying, receiving = KINDS[kind]
                totals[paying] -= amount
                totals[receiving] += amount
                self.moved[kind] = 0
        if sum(totals.values()) != 0:
            raise ModelError("sector totals do not add up to zero")

    def recount(self, accounts: dict[str, int]) -> None:
        """Hold what the accounts of each sector hold against its total."""
        self.check()
        for sector, total in self.totals.items():
            if accounts.get(sector, 0) != total:
                raise ModelError(
                    f"the accounts of {sector} hold {accounts.get(sector, 0)}, the total is {total}"
                )

    def close_month(self) -> dict[tuple[int, int, int], int]:
        """Return the month's flows and begin new ones."""
        closed, self.flows = self.flows, defaultdict(int)
        return closed


# --- batches and boards -------------------------------------------------------------------------


class Batch:
    """Tasks of one kind that a requester wants done for one reward."""

    __slots__ = (
        "accepted", "approval_rate", "approval_tasks", "arm", "assignments", "countries", "escrow",
        "estimated_seconds", "expected_cost", "expires_hour", "fee_ppm", "first_start", "id", "kind", "left",
        "log_stated_pay", "log_true_pay", "milestones", "newest_key", "noise", "noise_key", "paces",
        "paid_key", "per_task", "posted_hour", "rank", "rejected", "requester", "reward", "right", "skill",
        "submitted", "takers", "tasks", "tertiary", "times", "true_seconds", "waited_seconds", "worth",
    )  # fmt: skip

    def __init__(self, requester: Requester, number: int, task: Task, hour: int) -> None:
        self.requester = requester
        self.id = number
        self.kind = task.number
        self.skill = task.skill
        self.tertiary = task.tertiary
        self.countries = requester.worker_mask
        self.approval_tasks = requester.approval_tasks
        self.approval_rate = requester.approval_rate
        self.posted_hour = hour
        self.escrow = 0
        self.submitted = self.accepted = self.rejected = self.waited_seconds = 0
        self.right = 0  # in 1/255 of a task
        self.first_start = -1
        self.times: list[int] = []  # when 10, 50, 90 and 100 per cent were handed in
        self.takers: dict[int, int] = {}  # tasks done by worker, or RETURNED
        self.noise: dict[int, float] = {}
        self.paces: dict[int, float] = {}

    def size(self, tasks: int, per_task: int) -> None:
        """Set how many tasks there are and how many workers each is for."""
        self.tasks, self.per_task = tasks, per_task
        self.assignments = self.left = tasks * per_task
        self.milestones = [self.assignments * tenths for tenths in (10, 9, 5, 1)]

    def price(self, reward: int, stated_seconds: int, true_seconds: int, rank: int) -> None:
        """Set the reward, and with it the places in the orders in which batches are shown."""
        self.reward, self.estimated_seconds, self.true_seconds, self.rank = (
            reward,
            stated_seconds,
            true_seconds,
            rank,
        )
        self.log_stated_pay = log(reward * 3600.0 / (stated_seconds * 1000000.0))
        self.log_true_pay = log(reward * 3600.0 / (true_seconds * 1000000.0))
        self.newest_key = self.posted_hour * LOW_WORD + rank, -self.id
        self.paid_key = min(reward, 2**31 - 1) * LOW_WORD + rank, -self.id

    @property
    def largest_key(self) -> tuple[int, int]:
        """What is left to do decides the place among the largest."""
        return self.left * LOW_WORD + self.rank, -self.id

    def hand_in(self, done: int, start: int, end: int, hour: int) -> None:
        """Note progress: the seconds at which the batch was begun, and was done in part and in whole."""
        began, now = hour * 3600 + start, hour * 3600 + end
        if self.first_start < 0 or began < self.first_start:
            self.first_start = began
        self.submitted += done
        milestones = self.milestones
        while milestones and milestones[-1] <= 10 * self.submitted:
            milestones.pop()
            self.times.append(now)
        self.waited_seconds += done * (now - self.posted_hour * 3600)

    def top_decile_share(self) -> float:
        """Share of the work done by the tenth of the workers who did most."""
        counts = sorted((done for done in self.takers.values() if done < RETURNED), reverse=True)
        total = sum(counts)
        return sum(counts[: (len(counts) + 9) // 10]) / total if total else 0.0


largest_key = attrgetter("largest_key")


class Board:
    """One tile of a platform's board: open batches in three orders, and the workers on duty there."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.model = platform.model
        self.newest: list[Batch] = []
        self.largest: list[Batch] = []
        self.best_paid: list[Batch] = []
        self.exhausted: list[Batch] = []
        self.finished: list[tuple[Any, ...]] = []
        self.taken: list[tuple[int, int, int]] = []
        self.on_duty: list[Worker] = []
        self.starting: list[list[Worker]] = [[] for _ in range(24)]
        self.events: list[tuple[Batch, tuple[Worker, int, int, int, int]]] = []
        self.cut_off_seconds = 0
        self.begin_day()
        self.begin_week()

    def begin_day(self) -> None:
        """Empty the day's counts, by hour and country of the worker or requester."""
        self.tally: list[dict[int, list[int]]] = [defaultdict(lambda: [0] * 15) for _ in range(24)]
        self.demands: list[dict[int, list[int]]] = [defaultdict(lambda: [0] * 6) for _ in range(24)]

    def begin_week(self) -> None:
        """Empty the week's pay and seconds on duty: 24 hours of each, by country and segment."""
        self.earnings: dict[tuple[int, int], tuple[list[int], list[int]]] = defaultdict(
            lambda: ([0] * 24, [0] * 24)
        )

    # --- batches come and go ---

    def add(self, added: list[Batch]) -> None:
        """Show new batches; those among the largest find their place by what is left now."""
        self.newest = sorted(added, key=newest_key, reverse=True) + self.newest
        self.largest += added
        self.largest.sort(key=largest_key, reverse=True)
        self.best_paid += added
        self.best_paid.sort(key=paid_key, reverse=True)

    def fund(self, added: list[Batch]) -> None:
        """Fill the escrow of new batches: from the requester's own refunds first, then from outside."""
        ledger, recording = self.model.ledger, self.model.recording
        demands = self.demands[self.model.utc_hour]
        for batch in added:
            requester = batch.requester
            gross = batch.reward * batch.assignments
            cost = gross + share_up(gross, batch.fee_ppm)
            country = requester.country
            if cost > requester.balance:
                missing = cost - requester.balance
                requester.balance += missing
                ledger.outside[country] -= missing
                ledger.book(FUNDING, missing, country, country)
            requester.balance -= cost
            batch.escrow += cost
            ledger.book(POSTING, cost, country, country)
            demands[country][POSTED] += batch.assignments
            demands[country][BATCHES] += 1
            if recording:
                requester.batches += 1
                requester.posted += batch.assignments

    def drop_exhausted(self) -> None:
        """Take batches with nothing left out of what is shown."""
        self.exhausted += [batch for batch in self.newest if not batch.left]
        self.newest = [batch for batch in self.newest if batch.left]
        self.largest = [batch for batch in self.largest if batch.left]
        self.best_paid = [batch for batch in self.best_paid if batch.left]

    def close(self, hour: int) -> None:
        """Take finished and expired batches off the board; what is left of their escrow goes back."""
        expired = [batch for batch in self.newest if batch.expires_hour <= hour]
        closing = self.exhausted + expired
        self.exhausted = []
        self.finished = []
        self.taken = []
        if not closing:
            return
        keeps_taken = self.model.recording and self.model.keeps_history
        for batch in closing:
            self.finish(batch, hour)
            if keeps_taken:
                requester = batch.requester.id
                self.taken += [
                    (requester, who, done) for who, done in batch.takers.items() if done < RETURNED
                ]
            batch.left = 0
        if expired:
            self.newest = [batch for batch in self.newest if batch.left]
            self.largest = [batch for batch in self.largest if batch.left]
            self.best_paid = [batch for batch in self.best_paid if batch.left]

    def finish(self, batch: Batch, hour: int) -> None:
        """Refund a batch and tell its requester how it went."""
        ledger, requester = self.model.ledger, batch.requester
        country = requester.country
        gross = batch.accepted * batch.reward
        fee = share_down(gross, batch.fee_ppm)
        residue = share_up(gross, batch.fee_ppm) - fee
        refund = batch.escrow - residue
        if residue:
            ledger.rounding += residue
            ledger.book(ESCROW_ROUNDING, residue, country, country)
        if refund:
            requester.balance += refund
            ledger.book(REFUND, refund, country, country)
        batch.escrow = 0
        self.demands[self.model.utc_hour][country][EXPIRED] += batch.left
        waited = batch.waited_seconds + batch.left * (hour - batch.posted_hour) * 3600
        requester.learn_from(batch, gross, fee, waited)
        workers = sum(done < RETURNED for done in batch.takers.values())
        times = [*batch.times, -1, -1, -1, -1][:4]
        self.finished.append(
            (
                *(batch.id, requester.id, batch.kind, batch.arm, batch.reward, batch.true_seconds),
                *(batch.estimated_seconds, batch.tasks, batch.per_task, batch.posted_hour, batch.first_start),
                *(*times, hour, batch.accepted, batch.rejected, batch.left),
                *(workers, batch.top_decile_share(), waited, fee),
                *(batch.fee_ppm, batch.worth, batch.expected_cost, batch.right),
            )
        )

    # --- the hour of those on duty ---

    def come_on_duty(self, hour: int, key: int) -> None:
        """Let those come whose session starts now, and prepare the hour of all."""
        for worker in self.starting[hour % 24]:
            worker.fruitless_hours = 0
            worker.ends = 60 * (60 * worker.session_start + worker.session_minutes)
            self.on_duty.append(worker)
        log_keep = self.platform.log_keep
        for worker in self.on_duty:
            worker.begin_hour(hour, key, log_keep)

    def search(self, search_key: int, priority_key: int) -> None:
        """Rounds of examine, propose, allocate, do, until nobody has both time and patience."""
        self.events = []
        self.cut_off_seconds = 0
        searching = self.on_duty
        looks, max_rounds = self.model.looks, self.model.max_rounds
        for round_number in range(max_rounds):
            if not searching or not self.newest:
                break
            first = round_number * LOOKS_APART
            numbers = range(first, first + looks)
            proposals: dict[Batch, list[Worker]] = {}
            proposing = []
            for worker in searching:
                batch = worker.examine(self, search_key, numbers)
                if batch is not None:
                    proposing.append(worker)
                    if batch in proposals:
                        proposals[batch].append(worker)
                    else:
                        proposals[batch] = [worker]
            if proposing:
                self.allocate(proposals, priority_key, round_number)
                self.let_work(proposing)
            searching = [w for w in searching if w.left >= w.look_seconds and w.fruitless < w.patience]
        else:
            self.cut_off_seconds = sum(worker.left for worker in searching)

    def allocate(self, proposals: dict[Batch, list[Worker]], key: int, round_number: int) -> None:
        """Grant what was asked for where there is enough, else in the order of drawn priorities."""
        priority = self.model.priority
        for batch, workers in proposals.items():
            left = batch.left
            if len(workers) == 1 or sum([worker.want for worker in workers]) <= left:
                continue
            for worker in workers:
                worker.priority = priority(key, worker.id, round_number)
            workers.sort(key=priority_of)
            for worker in workers:
                worker.want = min(left, worker.want)
                left -= worker.want

    def let_work(self, proposing: list[Worker]) -> None:
        """Let everybody do the tasks granted."""
        log_keep, emptied = self.platform.log_keep, False
        for worker in proposing:
            if worker.want:
                batch = worker.batch
                self.events.append((batch, worker.work_on(batch, log_keep)))
                emptied = emptied or not batch.left
        if emptied:
            self.drop_exhausted()

    def settle(self, hour: int, review_key: int, log_event: Callable[[tuple[Any, ...]], None] | None) -> None:
        """Accept or reject what was handed in, batch by batch in the order of time, and pay for it."""
        model, platform, ledger = self.model, self.platform, self.model.ledger
        recording = model.recording and model.keeps_history
        uniform, flows, moved = model.uniform, ledger.flows, ledger.moved
        utc_hour = hour % 24
        tallies, demands, earnings = self.tally[utc_hour], self.demands[utc_hour], self.earnings
        worker_fee, owner, cut_ppm = platform.worker_fee_ppm, platform.owner, model.broker_cut_ppm
        by_batch: dict[Batch, list[tuple[Worker, int, int, int, int]]] = {}
        for batch, event in self.events:
            if batch in by_batch:
                by_batch[batch].append(event)
            else:
                by_batch[batch] = [event]
        transfers = 0
        for batch, events in by_batch.items():
            if len(events) > 1:
                events.sort(key=ended)
            requester, reward, fee_ppm = batch.requester, batch.reward, batch.fee_ppm
            strictness, unfair, payer = requester.strictness, requester.unfair, requester.country
            exposure, demand = model.tasks[batch.kind].exposure, demands[payer]
            for worker, done, own, start, end in events:
                country = worker.country
                tally = tallies[country]
                if not done:
                    tally[RETURNS] += 1
                    tally[RETURNED_TIME] += own
                    worker.week_seconds += own
                    if recording:
                        worker.returned_seconds += own
                    if log_event:
                        log_event((hour, platform.name, worker.id, batch.id, RETURN, 0, 0, own, start, end))
                    continue
                accuracy = worker.accuracy
                rejected = binomial(
                    uniform(review_key, worker.id, start),
                    done,
                    (1.0 - accuracy) * strictness + accuracy * unfair,
                )
                accepted = done - rejected
                worker.accepted += accepted
                worker.rejected += rejected
                batch.rejected += rejected
                batch.right += done * worker.accuracy_255
                batch.hand_in(done, start, end, hour)
                net = gross = accepted * reward
                if gross:
                    fee_up = cut_up = residue = 0
                    moved[REWARD] += gross
                    flows[REWARD, payer, country] += gross
                    transfers += 1
                    if worker_fee:
                        fee = share_down(gross, worker_fee)
                        fee_up = share_up(gross, worker_fee)
                        if fee:
                            moved[WORKER_FEE] += fee
                            flows[WORKER_FEE, country, owner] += fee
                            platform.balance += fee
                            transfers += 1
                        residue = fee_up - fee
                        net -= fee_up
                        tally[FEE] += fee_up
                    broker = worker.collective
                    if broker is not None:
                        cut = share_down(net, cut_ppm)
                        cut_up = share_up(net, cut_ppm)
                        if cut:
                            moved[BROKER_CUT] += cut
                            flows[BROKER_CUT, country, country] += cut
                            broker.balance += cut
                            transfers += 1
                        residue += cut_up - cut
                        net -= cut_up
                        tally[CUT] += cut_up
                    if residue:
                        moved[PENDING_ROUNDING] += residue
                        flows[PENDING_ROUNDING, country, country] += residue
                        ledger.rounding += residue
                        transfers += 1
                    worker.pending += net
                    before = batch.accepted * reward * fee_ppm // MILLION
                    batch.accepted += accepted
                    fee = batch.accepted * reward * fee_ppm // MILLION - before
                    batch.escrow -= gross + fee
                    if fee:
                        moved[REQUESTER_FEE] += fee
                        flows[REQUESTER_FEE, payer, owner] += fee
                        platform.balance += fee
                        transfers += 1
                    demand[SPENT] += gross + fee
                    demand[FEES] += fee
                    worker.week_pay = min(MOST_WEEK_PAY, worker.week_pay + net)
                    earnings[country, worker.segment][0][utc_hour] += net
                    tally[ACCEPTED] += accepted
                    tally[PAY] += net
                    tally[PAID] += accepted * own
                demand[DONE] += done
                tally[REJECTED] += rejected
                tally[REJECTED_TIME] += rejected * own
                exposed = int(exposure * (done * own)) if exposure else 0
                tally[EXPOSURE] += exposed
                worker.week_seconds += done * own
                worker.week_paid_seconds += accepted * own
                if recording:
                    worker.pay += net
                    worker.paid_seconds += accepted * own
                    worker.rejected_seconds += rejected * own
                    worker.exposure_seconds += exposed
                    worker.tasks_accepted += accepted
                    worker.tasks_rejected += rejected
                if log_event:
                    log_event(
                        (hour, platform.name, worker.id, batch.id, WORK, done, accepted, own, start, end)
                    )
            if batch.escrow < 0:
                raise ModelError(f"the escrow of batch {batch.id} is overdrawn")
        ledger.transfers += transfers
        self.add_up_time(utc_hour, tallies, recording)

    def add_up_time(self, utc_hour: int, tallies: dict[int, list[int]], recording: bool) -> None:
        """Account for the time of everyone on duty."""
        nights, earnings = self.model.nights, self.earnings
        for worker in self.on_duty:
            duty = worker.duty
            if not duty:
                continue
            searched, left = worker.searched, worker.left
            tally = tallies[worker.country]
            tally[DUTY] += duty
            tally[SEARCH] += searched
            tally[IDLE] += left
            tally[ON_DUTY] += 1
            night = nights[worker.zone][utc_hour]
            if night:
                tally[NIGHT] += duty
            earnings[worker.country, worker.segment][1][utc_hour] += duty
            worker.week_seconds += searched
            if recording:
                worker.search_seconds += searched
                worker.idle_seconds += left
                if night:
                    worker.night_seconds += duty

    def go_off_duty(self, hour: int) -> None:
        """Let go those whose session is over, who gave up for the day, or who left the market."""
        patience_hours = self.model.config.workers.patience_hours
        staying = []
        for worker in self.on_duty:
            if worker.served:
                worker.fruitless_hours = 0
            elif worker.duty:
                worker.fruitless_hours += 1
            if worker.active and worker.fruitless_hours < patience_hours and worker.ends > 3600 * (hour + 1):
                staying.append(worker)
        self.on_duty = staying


# --- agents -------------------------------------------------------------------------------------


class Task:
    """A type of task: its configuration and place in the list of types."""

    def __init__(self, number: int, config: TaskType) -> None:
        self.number = number
        self.config = config
        self.skill = config.skill
        self.tertiary = int(config.tertiary)
        self.exposure = config.exposure


class Government(mesa.Agent):
    """A country's public budget."""

    def __init__(self, model: PlainMarket, country: int) -> None:
        super().__init__(model)
        self.country = country
        self.balance = 0
        self.population = int(model.world.population[country])
        self.internet_users = int(
            float(model.world.population[country]) * float(model.world.internet_share[country])
        )


class Collective(mesa.Agent):
    """People who work together under a broker, who pools skills and takes a cut."""

    def __init__(self, model: PlainMarket, row: dict[str, Any]) -> None:
        super().__init__(model)
        self.country, self.skill, self.balance = row["country"], row["skill"], row["balance"]


class Platform(mesa.Agent):
    """A microwork platform."""

    def __init__(
        self, model: PlainMarket, number: int, name: str, config: PlatformConfig, tiles: int
    ) -> None:
        super().__init__(model)
        self.number = number
        self.name = name
        self.owner = model.world.codes.index(config.owner)
        self.admits = admitted(model.world, config.worker_countries, config.excluded_countries)
        self.requester_fee_ppm = ppm(config.requester_fee)
        self.large_batch_fee_ppm = ppm(config.requester_fee + config.large_batch_fee)
        self.large_batch_from = config.large_batch_from
        self.worker_fee_ppm = ppm(config.worker_fee)
        self.log_keep = log(1.0 - self.worker_fee_ppm / 1000000.0)
        self.reward_floor = max(0.0, config.reward_promise_usd_per_hour)
        self.minimum_reward = micro(config.minimum_reward_usd)
        self.tick = micro(config.tick_usd)
        self.payout_days = config.payout_days
        self.payout_threshold = micro(config.payout_threshold_usd)
        self.transaction_cost = micro(config.cost_per_transaction_usd)
        self.cost_ppm = ppm(config.cost_share)
        newest, largest = config.ranking_newest, config.ranking_largest
        best_paid, chance = config.ranking_best_paid, config.ranking_random
        total = newest + largest + best_paid + chance
        ends = [newest / total, (newest + largest) / total, (newest + largest + best_paid) / total]
        self.ranking = [min(1.0, end) for end in ends]
        begins = [0.0, *self.ranking]
        self.inverse_widths = [
            1.0 / (end - begin) if end > begin else 1.0
            for begin, end in zip(begins, [*self.ranking, 1.0], strict=True)
        ]
        self.ranking_depth = float(config.ranking_depth)
        self.balance = self.revenue = self.cost = self.profit = self.transactions = 0
        self.month_transactions = 0
        self.pay = [UNKNOWN] * len(model.world.codes)
        self.log_pay = [0.0] * len(model.world.codes)
        self.week_pay = [[0, 0] for _ in model.world.codes]
        self.boards = [Board(self) for _ in range(tiles)]

    def board_of(self, worker: Worker) -> Board:
        """Return the tile on which a worker works: drawn once for good."""
        return self.boards[int(self.model.uniform(self.model.tile_key, worker.id, 0) * len(self.boards))]

    def add_up_day(self) -> None:
        """Add the day's pay, time and transactions to those of the week and the month."""
        for board in self.boards:
            for tally in board.tally:
                for country, row in tally.items():
                    self.week_pay[country][0] += row[PAY]
                    self.week_pay[country][1] += row[DUTY]
                    self.month_transactions += row[ACCEPTED] + row[REJECTED]

    def learn_pay(self, weight: float) -> None:
        """Bring up to date what is known of pay here, in USD an hour on duty, idle or not, by country."""
        for country, (pay, seconds) in enumerate(self.week_pay):
            if seconds > 0:
                self.pay[country] = smoothed(self.pay[country], pay * 3600.0 / (seconds * 1e6), weight)

    def close_books(self) -> None:
        """Pay the month's costs; profit goes to the owners, a loss is covered from outside."""
        ledger, owner, revenue = self.model.ledger, self.owner, self.balance
        cost = self.month_transactions * self.transaction_cost + share_down(revenue, self.cost_ppm)
        profit = revenue - cost
        if profit < 0:
            ledger.outside[owner] += profit
            ledger.book(CAPITAL, -profit, owner, owner)
        ledger.outside[owner] += cost
        ledger.book(PLATFORM_COST, cost, owner, owner)
        if profit >= 0:
            ledger.owners[owner] += profit
            ledger.book(PROFIT, profit, owner, owner)
        self.balance = 0
        self.revenue += revenue
        self.cost += cost
        self.profit += profit
        self.transactions += self.month_transactions
        self.month_transactions = 0


class Requester(mesa.Agent):
    """A firm or person who posts work."""

    __slots__ = (
        "accepted", "always_on", "approval_rate", "approval_tasks", "arms", "asked", "balance",
        "base_batches", "base_demand", "batches", "batches_per_day", "bias", "country", "direction",
        "expected", "expired", "fees", "home", "id", "initial_target", "markup", "mix", "platforms", "posted",
        "rejected", "serial", "spent", "step", "strictness", "target", "unfair", "value", "worker_mask",
        "zone",
    )  # fmt: skip

    def __init__(self, model: PlainMarket, row: dict[str, Any], mix: list[float]) -> None:
        super().__init__(model)
        for name in (
            "id", "country", "zone", "always_on", "balance", "serial", "worker_mask", "approval_tasks",
            "approval_rate", "base_demand", "base_batches", "batches_per_day", "target", "initial_target",
            "value", "bias", "strictness", "unfair", "batches", "posted", "accepted", "rejected", "expired",
            "spent", "fees", "step", "direction", "markup", "asked", "expected",
        ):  # fmt: skip
            setattr(self, name, row[name])
        self.home = model.platforms[row["platform"]]
        self.platforms = [p for p in model.platforms if row["platform_mask"] >> p.number & 1]
        self.mix = mix
        self.arms = [
            Arm(*(row[f"{arm}_{what}"] for what in ("closed", "worth", "gained", "spent", "delayed")))
            for arm in ("low", "high")
        ]

    def post(self, hour: int, key: int) -> Iterator[tuple[Board, Batch]]:
        """Yield the batches that arrive in this hour and are worth their cost."""
        model = self.model
        if self.batches_per_day <= 0.0:
            return
        share = 1.0 / 24.0
        if not self.always_on:
            since = (model.local_hours[self.zone][hour % 24] - model.config.requesters.office_start) % 24
            share = model.office_share if since < model.config.requesters.office_hours else model.night_share
            share *= model.weekday_weights[model.local_weekdays[self.zone][hour % 24]]
        for _ in range(poisson(model.uniform(key, self.id, 0), self.batches_per_day * share)):
            number = self.id * BATCHES_APART + self.serial
            self.serial += 1
            posted = self.make_batch(number, hour)
            if posted:
                yield posted

    def make_batch(self, number: int, hour: int) -> tuple[Board, Batch] | None:
        """Draw one batch and the board it goes to; None if a task costs more than it is worth."""
        model = self.model
        market, uniform = model.config.market, model.uniform
        key = sub_key(model.batches_key, number)
        task = model.tasks[bracket(self.mix, uniform(key, TYPE, 0))]
        kind = task.config
        usable = [platform for platform in self.platforms if self.can_afford(platform)] or [self.home]
        platform = usable[0]
        if len(usable) > 1:
            platform = usable[int(uniform(key, PLATFORM, 0) * len(usable))]
        seconds = kind.median_seconds * exp(
            kind.log_sigma_seconds * normal_quantile(uniform(key, SECONDS, 0))
        )
        true_seconds = max(1, math.floor(min(LONGEST_TASK, seconds) + 0.5))
        stated = max(1, math.floor(true_seconds / self.bias + 0.5))
        size = 1
        if uniform(key, ONE_TASK, 0) >= kind.one_task_share:
            wanted = (
                self.base_demand * market.demand_cap_days / (kind.median_seconds * kind.assignments_per_task)
            )
            largest = max(3.0, min(float(kind.largest_batch), wanted))
            size = int(truncated_pareto(uniform(key, SIZE, 0), float(kind.size_exponent), 2.0, largest))
        tasks, per_task = (1, size) if kind.one_task_many_workers else (size, kind.assignments_per_task)
        arm = HIGH_ARM if uniform(key, ARM, 0) >= 0.5 else LOW_ARM
        reward = self.reward(platform, kind, arm, stated, uniform(key, ROUNDING, 0))
        large = per_task >= platform.large_batch_from
        fee_ppm = platform.large_batch_fee_ppm if large else platform.requester_fee_ppm
        task_hours = kind.pay_factor * true_seconds * 1000000.0 / 3600.0
        worth = self.value * task_hours
        if reward * (1.0 + fee_ppm / 1000000.0) > worth:
            return None
        batch = Batch(self, number, task, hour)
        batch.noise_key = sub_key(model.noise_key, number)
        batch.arm = arm
        batch.fee_ppm = fee_ppm
        batch.worth = worth
        batch.expected_cost = self.unit_cost(1.0) * task_hours
        batch.size(tasks, per_task)
        batch.price(reward, stated, true_seconds, model.priority(key, TILE, 1) % LOW_WORD)
        life = market.life_hours_median * exp(
            market.life_hours_log_sigma * normal_quantile(uniform(key, LIFE, 0))
        )
        batch.expires_hour = hour + int(max(1.0, min(100000.0, math.floor(life + 0.5))))
        return platform.boards[int(uniform(key, TILE, 0) * len(platform.boards))], batch

    def can_afford(self, platform: Platform) -> bool:
        """Say whether an hour of true time is worth the pay that a platform promises, fee included."""
        return (
            platform.reward_floor * (1.0 + platform.requester_fee_ppm / 1000000.0) <= self.value * self.bias
        )

    def unit_cost(self, markup: float) -> float:
        """Return what an hour of true time should cost at the target, on the home platform."""
        fee = self.home.requester_fee_ppm / 1000000.0
        return max(self.target, self.home.reward_floor) * (1.0 + fee) * markup / self.bias

    def reward(self, platform: Platform, kind: TaskType, arm: int, stated: int, draw: float) -> int:
        """Reward for the stated time: a multiple of the tick, rounded by chance, at or above all minima."""
        spread = self.model.config.requesters.pay_arm_spread
        hourly = self.target * kind.pay_factor * (1.0 + (spread if arm == HIGH_ARM else -spread))
        hourly = max(hourly, platform.reward_floor)
        ticks = hourly * stated * 1000000.0 / 3600.0 / platform.tick
        whole = math.floor(ticks)
        reward = (whole + (draw < ticks - whole)) * platform.tick
        promised = platform.reward_floor * stated * 1000000.0 / 3600.0
        if reward < promised:
            reward = math.ceil(promised / platform.tick) * platform.tick
        return max(reward, platform.minimum_reward)

    def learn_from(self, batch: Batch, gross: int, fee: int, waited: int) -> None:
        """Note how a batch went: in its arm, and over the window."""
        arm, worth = self.arms[batch.arm], batch.worth
        closed = batch.accepted + batch.rejected + batch.left
        arm.closed += closed
        arm.worth += closed * worth
        arm.gained += batch.right / 255.0 * worth
        arm.spent += float(gross + fee)
        arm.delayed += waited / 86400.0 * worth
        self.asked += closed * float(batch.reward) * (1.0 + batch.fee_ppm / 1000000.0)
        self.expected += closed * batch.expected_cost
        if self.model.recording:
            self.accepted += batch.accepted
            self.rejected += batch.rejected
            self.expired += batch.left
            self.fees += fee
            self.spent += gross + fee

    def revise_pay(self) -> None:
        """Revise the pay target once both arms have been seen often enough; begin new arms."""
        settings = self.model.config.requesters
        if min(arm.closed for arm in self.arms) < settings.pay_minimum_tasks:
            return
        before, towards = self.target, self.direction
        target = PAY_SETTING[self.model.config.market.pay_setting](self, settings)
        self.direction = (target > before) - (target < before)
        if self.direction == towards != 0:
            self.step = min(settings.pay_step, self.step * 1.5)
        elif self.direction == -towards != 0:
            self.step = max(settings.pay_step_smallest, self.step * 0.6)
        self.markup = self.asked / self.expected
        fee = self.home.requester_fee_ppm / 1000000.0
        most = self.value * self.bias / ((1.0 + fee) * self.markup)
        self.target = max(0.01, self.home.reward_floor, min(target, most))
        self.arms = [Arm(), Arm()]
        self.asked = self.expected = 0.0

    def revise_demand(self) -> None:
        """Set how many batches a day are drawn at the present unit cost."""
        settings = self.model.config.requesters
        base = self.initial_target * (1.0 + settings.base_fee) / self.bias
        self.batches_per_day = self.base_batches * power(
            self.unit_cost(self.markup) / base, -settings.demand_elasticity
        )


class Arm:
    """How the batches of one pay arm went: assignments closed; their worth, gains, costs and delays."""

    def __init__(
        self,
        closed: int = 0,
        worth: float = 0.0,
        gained: float = 0.0,
        spent: float = 0.0,
        delayed: float = 0.0,
    ) -> None:
        self.closed = closed
        self.worth, self.gained, self.spent, self.delayed = worth, gained, spent, delayed

    def profit(self, delay_cost: float) -> float:
        """Return profit as a share of the worth of what was posted."""
        return (self.gained - self.spent - delay_cost * self.delayed) / self.worth


def by_profit(requester: Requester, settings: Any) -> float:
    """Move a step towards the arm with the higher profit."""
    low, high = (arm.profit(settings.delay_cost) for arm in requester.arms)
    if high > low:
        return requester.target * (1.0 + requester.step)
    return requester.target / (1.0 + requester.step) if high < low else requester.target


def by_fill_time(requester: Requester, settings: Any) -> float:
    """Move a step up when work waits longer than it should, a step down at less than half of that."""
    low, high = (arm.delayed / arm.worth for arm in requester.arms)
    wait, limit = 0.5 * (low + high), settings.target_fill_hours / 24.0
    if wait > limit:
        return requester.target * (1.0 + requester.step)
    return requester.target / (1.0 + requester.step) if wait < 0.5 * limit else requester.target


def unchanged(requester: Requester, settings: Any) -> float:
    """Never revise pay."""
    return requester.target


PAY_SETTING = {"profit_search": by_profit, "fill_time": by_fill_time, "fixed": unchanged}


# What is kept of a worker: traits, state, the hour on duty, the record of the window.
TRAITS = (
    "accuracy", "accuracy_255", "bit", "chance_to_work", "collective", "country", "desired_minutes", "id",
    "interruption", "log_base_reservation", "log_speed", "look_seconds", "other_job", "patience", "segment",
    "session_mean", "skill", "tastes", "tertiary", "woman", "zone",
)  # fmt: skip
STATE = (
    "accepted", "active", "all_in_pay", "balance", "board", "learned_pay", "log_reservation", "pending",
    "platform", "rejected", "session_minutes", "session_start", "week_paid_seconds", "week_pay",
    "week_seconds", "weeks_below",
)  # fmt: skip
HOUR = (
    "approval_rate", "batch", "duty", "ends", "fruitless", "fruitless_hours", "left", "log_pay",
    "log_speed_now", "own_seconds", "priority", "searched", "served", "sigma", "trust", "want",
)  # fmt: skip
RECORD = (
    "exposure_seconds", "idle_seconds", "joined_day", "left_day", "night_seconds", "paid_out", "paid_seconds",
    "pay", "rejected_seconds", "returned_seconds", "search_seconds", "tasks_accepted", "tasks_rejected",
    "weekly_squares", "weekly_sum", "weeks",
)  # fmt: skip


class Worker(mesa.Agent):
    """A person who does click work."""

    __slots__ = (*TRAITS, *STATE, *HOUR, *RECORD)

    def __init__(self, model: PlainMarket, number: int, row: dict[str, Any]) -> None:
        super().__init__(model)
        self.id = number
        for name in (
            "pending", "balance", "log_speed", "log_base_reservation", "log_reservation", "learned_pay",
            "all_in_pay", "week_pay", "accepted", "rejected", "week_seconds", "week_paid_seconds",
            "session_start", "session_minutes", "look_seconds", "desired_minutes", "country", "zone",
            "segment", "patience", "weeks_below",
        ):  # fmt: skip
            setattr(self, name, row[name])
        bits = row["bits"]
        self.active = bool(bits & ACTIVE)
        self.woman = bool(bits & WOMAN)
        self.tertiary = int(bits & TERTIARY > 0)
        self.other_job = bool(bits & OTHER_JOB)
        self.accuracy_255 = row["accuracy"]
        self.accuracy = row["accuracy"] / 255.0
        self.bit = 1 << self.country
        self.collective = model.collectives[row["collective"]] if row["collective"] >= 0 else None
        self.skill = max(row["skill"], self.collective.skill) if self.collective else row["skill"]
        self.platform = model.platforms[row["platform"]]
        self.board: Board | None = None
        segment = model.segments[self.segment]
        self.interruption = segment.interruption_women if self.woman else segment.interruption_men
        self.plan_hours()
        self.tastes = [
            model.config.market.taste_sigma * model.normal(model.taste_key, self.id, task.number)
            for task in model.tasks
        ]
        self.fruitless_hours = self.duty = self.left = 0
        self.served = False
        self.pay = self.paid_out = self.weeks = self.joined_day = 0
        self.weekly_sum = self.weekly_squares = 0.0
        self.paid_seconds = self.search_seconds = self.returned_seconds = self.rejected_seconds = 0
        self.idle_seconds = self.night_seconds = self.exposure_seconds = 0
        self.tasks_accepted = self.tasks_rejected = 0
        self.left_day = -1

    def plan_hours(self) -> None:
        """Turn desired hours a week into the chance to work on a day and the mean minutes of a session."""
        desired, cap = self.desired_minutes / 60.0, float(self.model.config.workers.daily_hours_cap)
        self.chance_to_work = min(0.95, math.sqrt(desired / (7.0 * min(8.0, cap))))
        self.session_mean = max(1.0, desired * 60.0 / (7.0 * self.chance_to_work))

    # --- the day ---

    def plan_day(self, day: int, key: int) -> None:
        """Draw whether to work today, from which hour and for how long; tell the board."""
        model = self.model
        uniform = model.uniform
        if uniform(key, self.id, WORKS) >= self.chance_to_work:
            return
        draw = uniform(key, self.id, START)
        segment = model.segments[self.segment]
        if uniform(key, self.id, WHERE) < segment.flexibility:
            hour = min(23, bisect_right(model.best_hours[self.country][self.segment], draw))
        else:
            local = (segment.window_start + int(draw * segment.window_hours)) % 24
            hour = model.start_utc[self.zone][local]
        minutes = geometric(uniform(key, self.id, MINUTES), self.session_mean)
        if self.start_session(24 * day + hour, minutes, 24 * day + 24):
            self.board.starting[self.session_start % 24].append(self)

    def start_session(self, start: int, minutes: int, day_end: int) -> bool:
        """Begin a session after the last one ended, within the daily cap; return False if none fits."""
        cap = 60 * self.model.config.workers.daily_hours_cap
        last_end = 60 * self.session_start + self.session_minutes
        if 60 * start < last_end:
            start = -(-last_end // 60)
        if start >= day_end:
            return False
        minutes = min(minutes, cap)
        if 60 * start - last_end < 1440 - cap:
            minutes = min(minutes, cap - self.session_minutes)
        if minutes <= 0:
            return False
        self.session_start, self.session_minutes = start, minutes
        return True

    # --- the hour ---

    def begin_hour(self, hour: int, key: int, log_keep: float) -> None:
        """Work out what stays the same for this hour: seconds, speed, beliefs."""
        model = self.model
        seconds = 0
        if self.active:
            seconds = max(0, min(3600, self.ends - 3600 * hour))
            if model.uniform(key, self.id, 0) < self.interruption:
                seconds = int(seconds * model.uniform(key, self.id, 1))
        self.duty = self.left = seconds
        self.searched = self.fruitless = self.want = 0
        self.served = False
        accepted, done = self.accepted, self.accepted + self.rejected
        workers, market = model.config.workers, model.config.market
        self.approval_rate = (accepted + 1.0) / (done + 1.0)
        self.log_speed_now = self.log_speed + workers.speed_gain * done / (done + workers.speed_half_tasks)
        believed = (self.rejected + model.prior_rejections) / (done + market.rejection_prior_tasks)
        self.log_pay = self.log_speed_now + log_keep + log(1.0 - believed)
        self.sigma = market.noise_sigma + (market.noise_experienced_sigma - market.noise_sigma) * done / (
            done + market.noise_half_tasks
        )
        self.trust = 1.0
        if self.learned_pay > 0.0:
            if self.sigma > 0.0:
                spread = market.pay_spread * market.pay_spread
                self.trust = spread / (spread + self.sigma * self.sigma)
            self.log_pay = self.trust * self.log_pay + (1.0 - self.trust) * log(self.learned_pay)
            self.sigma = self.trust * self.sigma

    def examine(self, board: Board, key: int, numbers: range) -> Batch | None:
        """Look at listings one after another; return the one proposed, if any.

        Every look costs seconds. After too many fruitless ones in a row, or without time for another, the
        worker gives up for the hour.
        """
        uniform, normal = draws.uniform, draws.normal
        me, bit, skill, tertiary, tastes = self.id, self.bit, self.skill, self.tertiary, self.tastes
        log_pay, sigma, trust = self.log_pay, self.sigma, self.trust
        log_reservation = self.log_reservation
        look_seconds, patience = self.look_seconds, self.patience
        left, fruitless = self.left, self.fruitless
        platform, count, exposure_costs = board.platform, len(board.newest), self.model.exposure_costs
        newest, largest, best_paid = platform.ranking
        wide_newest, wide_largest, wide_best_paid, wide_chance = platform.inverse_widths
        depth = platform.ranking_depth
        for number in numbers:
            if left < look_seconds or fruitless >= patience:
                break
            left -= look_seconds
            fruitless += 1
            draw = uniform(key, me, number)
            if draw < newest:
                batch = board.newest[int(exponential(draw * wide_newest) * depth) % count]
            elif draw < largest:
                share = max(SMALLEST_DRAW, (draw - newest) * wide_largest)
                batch = board.largest[int(exponential(share) * depth) % count]
            elif draw < best_paid:
                share = max(SMALLEST_DRAW, (draw - largest) * wide_best_paid)
                batch = board.best_paid[int(exponential(share) * depth) % count]
            else:
                batch = board.newest[int((draw - best_paid) * wide_chance * count) % count]
            if not batch.countries & bit or batch.skill > skill or batch.tertiary > tertiary:
                continue
            if batch.approval_tasks and (
                batch.approval_tasks > self.accepted or batch.approval_rate > self.approval_rate
            ):
                continue
            noise = batch.noise.get(me)
            if noise is None:
                noise = batch.noise[me] = normal(batch.noise_key, me, 0)
            kind = batch.kind
            perceived = trust * batch.log_stated_pay + log_pay + sigma * noise
            perceived = perceived + tastes[kind] - exposure_costs[kind]
            if perceived >= log_reservation and self.wants(batch, left):
                self.searched += self.left - left
                self.left, self.fruitless = left, fruitless
                return batch
        self.searched += self.left - left
        self.left, self.fruitless = left, fruitless
        return None

    def wants(self, batch: Batch, left: int) -> bool:
        """Say whether there is time and work left for a task of a batch; note how many are wanted."""
        done = batch.takers.get(self.id, 0)
        if done >= batch.tasks:
            return False
        seconds = int(batch.true_seconds * exp(-(self.log_speed_now + self.pace(batch))) + 0.5) or 1
        want = min(left // seconds, batch.tasks - done, batch.left)
        if want <= 0:
            return False
        self.batch, self.want, self.own_seconds = batch, want, seconds
        return True

    def pace(self, batch: Batch) -> float:
        """Return how fast this batch's tasks go for the worker beyond speed, in logs."""
        pace = batch.paces.get(self.id)
        if pace is None:
            model = self.model
            pace = batch.paces[self.id] = model.config.market.pace_sigma * model.normal(
                batch.noise_key, self.id, 1
            )
        return pace

    def work_on(self, batch: Batch, log_keep: float) -> tuple[Worker, int, int, int, int]:
        """Do the tasks granted, or give the first one back when its true pay is far too low.

        Returns what happened: (worker, tasks done, seconds for each, start, end); no tasks for a return.
        """
        seconds, done, takers = self.own_seconds, self.want, batch.takers
        start = self.duty - self.left
        if self.id not in takers:
            true_pay = batch.log_true_pay + self.log_speed_now + self.pace(batch) + log_keep
            if true_pay < self.log_reservation + self.model.log_return_ratio:
                takers[self.id] = RETURNED
                spent = int(seconds * self.model.config.market.return_share + 0.5)
                self.left -= spent
                return self, 0, spent, start, start + spent
            takers[self.id] = done
        else:
            takers[self.id] += done
        batch.left -= done
        self.left -= done * seconds
        self.fruitless = 0
        self.served = True
        return self, done, seconds, start, start + done * seconds

    # --- the week ---

    def learn_pay(self, recording: bool) -> None:
        """Update learned pay, all-in pay and the reservation wage from the week's pay and time."""
        settings = self.model.config.learning
        pay, weight = self.week_pay / MILLION, settings.pay_smoothing
        if self.week_paid_seconds:
            self.learned_pay = single(
                smoothed(self.learned_pay, pay * 3600.0 / self.week_paid_seconds, weight)
            )
        if self.week_seconds:
            self.all_in_pay = single(smoothed(self.all_in_pay, pay * 3600.0 / self.week_seconds, weight))
        self.log_reservation = self.log_base_reservation
        if self.all_in_pay > 0.0:
            share = settings.reservation_weight
            base = exp(self.log_base_reservation)
            self.log_reservation = single(log((1.0 - share) * base + share * self.all_in_pay))
        if recording:
            self.weeks += 1
            self.weekly_sum += pay
            self.weekly_squares += pay * pay

    def has_had_enough(self, key: int) -> bool:
        """Count weeks of pay below the outside value; say whether there were enough of them to leave."""
        if not self.week_seconds:
            return False
        settings, model = self.model.config.learning, self.model
        offset = int(model.uniform(key, self.id, 0) * settings.outside_shock_weeks)
        period = (model.week + offset) // settings.outside_shock_weeks
        shock = settings.outside_shock_sigma * model.normal(key, self.id, 1 + period)
        if self.all_in_pay < exp(self.log_base_reservation + shock):
            self.weeks_below = min(255, self.weeks_below + 1)
        else:
            self.weeks_below = 0
        return self.weeks_below >= settings.leave_weeks

    def reconsider(self, key: int) -> Platform | None:
        """Sometimes choose a platform anew; return it if it is another one."""
        settings = self.model.config.learning
        if self.model.uniform(key, self.id, RECONSIDERS) >= settings.switch_share:
            return None
        chosen = self.choose(self.model.uniform(key, self.id, CHOICE), self.platform, settings.switch_inertia)
        return chosen if chosen is not self.platform else None

    def choose(self, draw: float, present: Platform | None, inertia: float) -> Platform | None:
        """Logit choice among the platforms that admit the worker, on log expected pay."""
        sensitivity = self.model.config.learning.switch_sensitivity
        chosen, utilities = present, []
        for platform in self.model.platforms:
            if self.country in platform.admits:
                utility = sensitivity * platform.log_pay[self.country]
                utilities.append((platform, utility, inertia if platform is present else 0.0))
        if not utilities:
            return chosen
        highest = max(utility + favour for _, utility, favour in utilities)
        odds = [(p, exp(max(-700.0, utility - highest + favour))) for p, utility, favour in utilities]
        mark = draw * added_up(weight for _, weight in odds)
        for platform, weight in odds:
            chosen = platform
            mark -= weight
            if mark < 0.0:
                break
        return chosen

    def close_account(self, forfeits: bool) -> None:
        """Settle what is pending on the platform left; leavers of the market forfeit small amounts."""
        due, ledger, platform = self.pending, self.model.ledger, self.platform
        if due <= 0:
            return
        if forfeits and due < platform.payout_threshold:
            self.pending = 0
            platform.balance += due
            ledger.book(FORFEIT, due, self.country, platform.owner)
        else:
            self.take_pay()

    def take_pay(self) -> None:
        """Receive what is pending."""
        due = self.pending
        self.pending = 0
        self.balance += due
        self.model.ledger.book(PAYOUT, due, self.country, self.country)
        if self.model.recording and self.model.keeps_history:
            self.paid_out += due

    def move(self, platform: Platform) -> None:
        """Change to another platform; a session on the old one is over."""
        self.close_account(forfeits=False)
        if self in self.board.on_duty:
            self.board.on_duty.remove(self)
        self.platform = platform
        self.board = platform.board_of(self)

    def leave(self, day: int) -> None:
        """Leave the market; the registration stays."""
        self.close_account(forfeits=True)
        self.active = False
        self.model.pools[self.country] += 1
        self.left_day = day
        self.begin_week()
        self.remove()

    def begin_week(self) -> None:
        """Begin a new week of pay and time."""
        self.week_pay = 0
        self.week_seconds = self.week_paid_seconds = 0


class ChanceWorker(Worker):
    """A worker whose searches draw from `model.random`: the same loop without keys."""

    __slots__ = ()

    def examine(self, board: Board, key: int, numbers: range) -> Batch | None:
        """Look at listings one after another; return the one proposed, if any."""
        model = self.model
        random, logarithm = model.random.random, math.log
        me, bit, skill, tertiary, tastes = self.id, self.bit, self.skill, self.tertiary, self.tastes
        log_pay, sigma, trust = self.log_pay, self.sigma, self.trust
        log_reservation = self.log_reservation
        look_seconds, patience = self.look_seconds, self.patience
        left, fruitless = self.left, self.fruitless
        newest, largest, best_paid = board.platform.ranking
        count, depth, exposure_costs = len(board.newest), board.platform.ranking_depth, model.exposure_costs
        for _ in numbers:
            if left < look_seconds or fruitless >= patience:
                break
            left -= look_seconds
            fruitless += 1
            draw = random()
            if draw < newest:
                batch = board.newest[int(-logarithm(1.0 - random()) * depth) % count]
            elif draw < largest:
                batch = board.largest[int(-logarithm(1.0 - random()) * depth) % count]
            elif draw < best_paid:
                batch = board.best_paid[int(-logarithm(1.0 - random()) * depth) % count]
            else:
                batch = board.newest[int(random() * count)]
            if not batch.countries & bit or batch.skill > skill or batch.tertiary > tertiary:
                continue
            if batch.approval_tasks and (
                batch.approval_tasks > self.accepted or batch.approval_rate > self.approval_rate
            ):
                continue
            noise = batch.noise.get(me)
            if noise is None:
                noise = batch.noise[me] = normal_fast(random())
            kind = batch.kind
            perceived = trust * batch.log_stated_pay + log_pay + sigma * noise
            perceived = perceived + tastes[kind] - exposure_costs[kind]
            if perceived >= log_reservation and self.wants(batch, left):
                self.searched += self.left - left
                self.left, self.fruitless = left, fruitless
                return batch
        self.searched += self.left - left
        self.left, self.fruitless = left, fruitless
        return None


# --- the model ----------------------------------------------------------------------------------


def admitted(world: World, listed: Sequence[str], excluded: Sequence[str]) -> list[int]:
    """Return the countries of a platform's list; without one, all that are not excluded."""
    codes = listed or [code for code in world.codes if code not in excluded]
    return [world.codes.index(code) for code in codes]


def expected_shares(config: Config, world: World) -> list[float]:
    """Share of the first workers whom each platform may expect."""
    platforms = list(config.platforms.values())
    reach = [admitted(world, p.worker_countries, p.excluded_countries) for p in platforms]
    by_openness = sorted(range(len(platforms)), key=lambda p: platforms[p].pool_share > 0.0)
    shares = [0.0] * len(platforms)
    open_pool = 1.0 - added_up(platform.pool_share for platform in platforms)
    for country, share in enumerate(world.worker_share.tolist()):
        home = next((p for p in by_openness if country in reach[p]), None)
        if home is not None:
            shares[home] += open_pool * share
    for p, platform in enumerate(platforms):
        shares[p] += platform.pool_share
    total = added_up(shares)
    return [share / total for share in shares]


def attraction(pay: Sequence[float], seconds: Sequence[float], sharpness: int) -> list[float]:
    """Cumulative weights of the 24 UTC hours: pay per second on duty to a power; untried hours are mean."""
    total_pay = total_seconds = 0.0
    for hour in range(24):
        total_pay += pay[hour]
        total_seconds += seconds[hour]
    average = total_pay / max(total_seconds, 1.0) if total_seconds > 0 else 0.0
    running, total = [], 0.0
    for hour in range(24):
        rate = pay[hour] / max(seconds[hour], 1e-9) if seconds[hour] > 0 else average
        relative = rate / average if average > 0 else 1.0
        weight = 1.0
        for _ in range(sharpness):
            weight *= relative
        total += weight
        running.append(total)
    if total <= 0:
        return [(hour + 1) / 24.0 for hour in range(24)]
    return [value / total for value in running]


def first_utc_hours(local_hours: Sequence[int]) -> list[int]:
    """UTC hour of the day at which each local hour begins; one that the clocks skip counts as the next."""
    first: dict[int, int] = {}
    for utc, local in enumerate(local_hours):
        first.setdefault(local, utc)
    for local in range(23, -1, -1):
        if local not in first:
            first[local] = first[(local + 1) % 24]
    return [first[local] for local in range(24)]


class PlainMarket(mesa.Model):
    """The market as a Mesa model of plain objects; one step is an hour.

    Parameters
    ----------
    config
        All parameters of the run.
    population
        The agents at the start, as tables; they are read and not changed.
    native_random
        Draw from `model.random` instead of keys.
    log_events
        Keep every piece of work in `events`: (hour, platform, worker, batch, kind, done, accepted, seconds
        for each task, start, end).
    """

    def __init__(
        self, config: Config, population: Population, native_random: bool = False, log_events: bool = False
    ) -> None:
        super().__init__(rng=config.seed)
        self.config = config
        self.world = load_world(config.world.table)
        self.clock = Clock(
            dt.date.fromisoformat(config.time.start), self.world.zones, config.time.daylight_saving
        )
        self.observers: list[Any] = []
        self.events: list[tuple[Any, ...]] | None = [] if log_events else None
        self.hour = self.day = self.week = self.utc_hour = 0
        self.recording = False
        self.first_recorded_hour = 24 * config.time.warmup_days
        self.last_hour = 24 * (config.time.warmup_days + config.time.days)
        record = config.record.workers
        self.keeps_history = record == "full" or (record == "auto" and config.workers.count <= MILLION)
        self.ledger = Ledger(len(self.world.codes))
        self.set_draws(native_random)
        self.set_rules()
        self.make_agents(population)
        self.set_expectations()

    def set_draws(self, native_random: bool) -> None:
        """Choose where draws come from."""
        self.worker_class = Worker
        self.uniform, self.normal, self.priority = draws.uniform, draws.normal, draws.priority
        if native_random:
            random, bits = self.random.random, self.random.getrandbits
            self.worker_class = ChanceWorker
            self.uniform = lambda key, agent, number: random() or 0.5
            self.normal = lambda key, agent, number: normal_fast(random())
            self.priority = lambda key, agent, number: bits(62)
        self.taste_key, self.tile_key = self.key("taste", 0), self.key("tiles", 0)
        self.batches_key, self.noise_key = self.key("batches", 0), self.key("noise", 0)
        self.traits_key = self.key("traits", 0)

    def key(self, stream: str, time: int) -> int:
        """Return the key of a stream of draws at a time."""
        return stream_key(self.config.seed, stream_number(stream), time)

    def set_rules(self) -> None:
        """Look up once what does not change in a run."""
        config = self.config
        market, requesters = config.market, config.requesters
        self.segments = list(config.segments.values())
        self.tasks = [Task(number, task) for number, task in enumerate(config.task_types.values())]
        self.exposure_costs = [market.exposure_discount * task.exposure for task in self.tasks]
        self.looks, self.max_rounds = market.looks, market.max_rounds
        self.log_return_ratio = log(market.return_ratio) if market.return_ratio > 0 else -1e300
        self.prior_rejections = market.rejection_prior * market.rejection_prior_tasks
        self.broker_cut_ppm = ppm(config.workers.broker_cut)
        self.office_share = 1.0 / (
            requesters.office_hours + (24.0 - requesters.office_hours) * requesters.night_weight
        )
        self.night_share = self.office_share * requesters.night_weight
        self.weekday_weights = [float(weight) for weight in requesters.weekday_weights]

    def make_agents(self, population: Population) -> None:
        """Make agents of the population's tables."""
        config, world = self.config, self.world
        shares = expected_shares(config, world)
        self.platforms = []
        for number, (name, platform) in enumerate(config.platforms.items()):
            expected = config.workers.count * shares[number] / config.market.workers_per_board
            tiles = config.market.boards or max(1, math.ceil(expected))
            self.platforms.append(Platform(self, number, name, platform, tiles))
        self.boards = [board for platform in self.platforms for board in platform.boards]
        self.governments = [Government(self, country) for country in range(len(world.codes))]
        self.collectives = [Collective(self, row) for row in rows_of(population.collectives)]
        self.requesters = [
            Requester(self, row, mix)
            for row, mix in zip(rows_of(population.requesters), population.mixes.tolist(), strict=True)
        ]
        rows = rows_of(unpacked(population.workers))
        self.everyone = [self.worker_class(self, row["number"], row) for row in rows]
        self.workers = [worker for worker in self.everyone if worker.active]
        for worker in self.everyone:
            worker.board = worker.platform.board_of(worker)
        self.pools = population.pools.tolist()
        for requester in self.requesters:
            requester.revise_demand()

    def set_expectations(self) -> None:
        """Set what people believe before anything has happened, and tables for those who join."""
        world = self.world
        countries = range(len(world.codes))
        self.joiners = [0 for _ in countries]
        self.joined_today: Counter[tuple[int, int]] = Counter()
        self.left_today: Counter[tuple[int, int]] = Counter()
        present = Counter(worker.country for worker in self.workers)
        self.first_active = [max(1, present[country]) for country in countries]
        north = [segment.share_north for segment in self.segments]
        south = [segment.share_south for segment in self.segments]
        mixed = [(a / added_up(north) + b / added_up(south)) / 2.0 for a, b in zip(north, south, strict=True)]
        by_group = {
            "north": running_shares(north),
            "south": running_shares(south),
            "mixed": running_shares(mixed),
        }
        self.segment_shares = [by_group[group] for group in world.group]
        self.zones = [[z for z, of in enumerate(world.zone_country.tolist()) if of == c] for c in countries]
        weights = world.zone_weight.tolist()
        self.zone_shares = [running_shares([weights[zone] for zone in zones]) for zones in self.zones]
        self.collectives_of = [
            [k for k, c in enumerate(self.collectives) if c.country == i] for i in countries
        ]
        self.outside_value = [self.expected_reservation(country) for country in countries]
        self.reported_pay = list(self.outside_value)
        flat = attraction([0.0] * 24, [0.0] * 24, 0)
        self.best_hours = [[flat for _ in self.segments] for _ in countries]
        self.known_earnings: dict[tuple[int, int], tuple[list[float], list[float]]] = {}

    def expected_reservation(self, country: int) -> float:
        """Mean over segments of the median reservation wage of a country."""
        need = self.config.workers.need_usd_per_hour * float(self.world.price_level[country])
        total = before = 0.0
        for share, segment in zip(self.segment_shares[country], self.segments, strict=True):
            median = segment.reservation_ratio * float(self.world.outside_wage_usd[country])
            total += (share - before) * max(median, need)
            before = share
        return total

    # --- the hour ---

    def step(self) -> None:
        """Play one hour."""
        self.read_clock()
        self.post_batches()
        for board in self.boards:
            board.close(self.hour)
        key = self.key("interruptions", self.hour)
        for board in self.boards:
            board.come_on_duty(self.hour, key)
        search_key, priority_key = self.key("search", self.hour), self.key("priority", self.hour)
        for board in self.boards:
            board.search(search_key, priority_key)
        key = self.key("review", self.hour)
        log_event = None if self.events is None else self.events.append
        for board in self.boards:
            board.settle(self.hour, key, log_event)
        self.observe_hour()

    def run(self, hours: int | None = None) -> None:
        """Play some hours; to the end of the configured time if none are given."""
        for _ in range(self.last_hour - self.hour if hours is None else hours):
            self.step()

    def read_clock(self) -> None:
        """Set local hours and weekdays; run what is due at the start of a month, a week, a day."""
        self.utc_hour = self.hour % 24
        self.recording = self.hour >= self.first_recorded_hour
        if self.utc_hour:
            return
        self.day = self.hour // 24
        self.local_hours = self.clock.local_hour(self.day).tolist()
        self.local_weekdays = self.clock.local_weekday(self.day).tolist()
        self.nights = [[hour >= 22 or hour < 6 for hour in hours] for hours in self.local_hours]
        self.start_utc = [first_utc_hours(hours) for hours in self.local_hours]
        if self.hour and self.clock.is_month_start(self.hour):
            self.end_month()
        if self.hour and self.clock.is_week_start(self.hour):
            self.end_week()
        self.begin_day()

    def post_batches(self) -> None:
        """Requesters at work post batches and fund their escrow."""
        key = self.key("arrivals", self.hour)
        added: dict[Board, list[Batch]] = defaultdict(list)
        for requester in self.requesters:
            for board, batch in requester.post(self.hour, key):
                added[board].append(batch)
        for board in self.boards:
            board.add(added[board])
            board.fund(added[board])

    def observe_hour(self) -> None:
        """Check the books, tell the observers, let go those whose session is over."""
        self.ledger.check()
        for observer in self.observers:
            observer.hour(self)
        for board in self.boards:
            board.go_off_duty(self.hour)
        self.hour += 1
        if self.hour % 24 == 0:
            for platform in self.platforms:
                platform.add_up_day()
            for observer in self.observers:
                observer.day(self)
            for board in self.boards:
                board.begin_day()
            self.joined_today.clear()
            self.left_today.clear()

    # --- the day ---

    def begin_day(self) -> None:
        """Pay out what is due, recount the money, draw who works today."""
        if self.day:
            paying = {platform for platform in self.platforms if self.day % platform.payout_days == 0}
            for worker in self.workers if paying else ():
                if (
                    worker.pending
                    and worker.platform in paying
                    and worker.pending >= worker.platform.payout_threshold
                ):
                    worker.take_pay()
        self.recount()
        for board in self.boards:
            board.starting = [[] for _ in range(24)]
        key = self.key("duty", self.day)
        for worker in self.workers:
            worker.plan_day(self.day, key)

    def recount(self) -> None:
        """Add up every account of every sector."""
        open_batches = [batch for board in self.boards for batch in (*board.newest, *board.exhausted)]
        self.ledger.recount(
            {
                "requesters": sum(requester.balance for requester in self.requesters),
                "escrow": sum(batch.escrow for batch in open_batches),
                "platforms": sum(platform.balance for platform in self.platforms),
                "pending": sum(worker.pending for worker in self.everyone),
                "workers": sum(worker.balance for worker in self.everyone),
                "collectives": sum(collective.balance for collective in self.collectives),
                "governments": sum(government.balance for government in self.governments),
                "owners": sum(self.ledger.owners),
                "rounding": self.ledger.rounding,
                "outside": sum(self.ledger.outside),
            }
        )

    # --- the week ---

    def end_week(self) -> None:
        """Workers learn, leave, move and join; requesters revise pay and demand."""
        whole_week = self.hour - 7 * 24 >= self.first_recorded_hour
        for worker in self.workers:
            worker.learn_pay(whole_week and self.keeps_history)
        self.learn_hours()
        self.let_leave()
        self.let_move()
        self.let_join()
        for requester in self.requesters:
            requester.revise_pay()
            requester.revise_demand()
        for worker in self.workers:
            worker.begin_week()
        self.week += 1

    def learn_hours(self) -> None:
        """Learn which hours pay best, by country and segment."""
        learning = self.config.learning
        weight, sharpness = learning.hours_smoothing, learning.hours_sharpness
        known = self.known_earnings
        for group in {group: None for board in self.boards for group in board.earnings}:
            known.setdefault(group, ([0.0] * 24, [0.0] * 24))
        for group, (pay, seconds) in known.items():
            weeks = [board.earnings[group] for board in self.boards if group in board.earnings]
            for hour in range(24):
                pay[hour] += weight * (sum([earned[hour] for earned, _ in weeks]) - pay[hour])
                seconds[hour] += weight * (sum([duty[hour] for _, duty in weeks]) - seconds[hour])
            country, segment = group
            self.best_hours[country][segment] = attraction(pay, seconds, sharpness)
        for board in self.boards:
            board.begin_week()

    def let_leave(self) -> None:
        """Workers whose pay stayed below their outside value for long enough leave."""
        key = self.key("shocks", 0)
        leaving = [worker for worker in self.workers if worker.has_had_enough(key)]
        for worker in leaving:
            worker.leave(self.day)
            self.left_today[worker.platform.number, worker.country] += 1
        if leaving:
            self.workers = [worker for worker in self.workers if worker.active]

    def let_move(self) -> None:
        """Pay on each platform becomes known; some workers reconsider where they work."""
        self.learn_platform_pay()
        key = self.key("switches", self.week)
        moving = [(worker, platform) for worker in self.workers if (platform := worker.reconsider(key))]
        for worker, platform in moving:
            worker.move(platform)

    def learn_platform_pay(self) -> None:
        """Update what is known of pay on each platform in each country."""
        for platform in self.platforms:
            platform.learn_pay(self.config.learning.pay_smoothing)
        for country in range(len(self.world.codes)):
            pay = sum(platform.week_pay[country][0] for platform in self.platforms)
            seconds = sum(platform.week_pay[country][1] for platform in self.platforms)
            if seconds > 0:
                self.reported_pay[country] = pay * 3600.0 / (seconds * 1e6)
            for platform in self.platforms:
                known = platform.pay[country]
                platform.log_pay[country] = log(
                    max(1e-4, known if known >= 0 else self.reported_pay[country])
                )
                platform.week_pay[country] = [0, 0]

    def let_join(self) -> None:
        """People of the registered pools hear about pay; those whom it satisfies join."""
        learning, key = self.config.learning, self.key("joins", self.week)
        sigma = self.config.workers.reservation_log_sigma
        present = Counter(worker.country for worker in self.workers)
        for country, pool in enumerate(self.pools):
            if not pool or not present[country]:
                continue
            gap = log(max(1e-6, self.reported_pay[country])) - log(self.outside_value[country])
            willing = normal_cdf(gap / sigma) if sigma > 0.0 else float(gap >= 0.0)
            contact = present[country] / self.first_active[country]
            mean = min(pool * learning.join_rate * contact * willing, float(pool))
            for _ in range(min(pool, poisson(self.uniform(key, country, 0), mean))):
                self.add_worker(country, willing)

    def add_worker(self, country: int, willing: float) -> None:
        """Let one of the willing people of a country's pool join, on the platform of their choice."""
        number = (country + 1) * LOW_WORD + JOINED_LATER + self.joiners[country]
        worker = self.worker_class(self, number, self.traits(number, country, willing))
        draw = self.uniform(self.key("switches", self.week), number, CHOICE)
        worker.platform = worker.choose(draw, None, 0.0)
        worker.board = worker.platform.board_of(worker)
        worker.joined_day = self.day
        self.joiners[country] += 1
        self.pools[country] -= 1
        self.joined_today[worker.platform.number, country] += 1
        self.workers.append(worker)
        self.everyone.append(worker)

    def traits(self, number: int, country: int, willing: float) -> dict[str, Any]:
        """Draw the traits of one person of a country, one of the share who ask least."""
        workers, world = self.config.workers, self.world

        def draw(what: int) -> float:
            return self.uniform(self.traits_key, number, what)

        s = bracket(self.segment_shares[country], draw(T_SEGMENT))
        segment = self.segments[s]
        tertiary = draw(T_TERTIARY) < float(world.tertiary_share[country]) * segment.tertiary
        bits = ACTIVE + WOMAN * (draw(T_WOMAN) < world.women_share[country])
        bits += TERTIARY * tertiary + OTHER_JOB * (draw(T_OTHER_JOB) < segment.other_job)
        accuracy = workers.accuracy_mean + workers.accuracy_spread * (2.0 * draw(T_ACCURACY) - 1.0)
        if not segment.literate:
            skill, accuracy = 0, accuracy - workers.literacy_penalty
        elif tertiary:
            skill = 3 if draw(T_SKILL) < workers.expert_share else 2
        else:
            skill = 2 if draw(T_SKILL) < workers.writing_share else 1
        need = workers.need_usd_per_hour * float(world.price_level[country])
        base = log(segment.reservation_ratio * float(world.outside_wage_usd[country]))
        base += workers.reservation_log_sigma * normal_quantile(willing * draw(T_RESERVATION))
        base = single(max(base, log(need)) if need > 0.0 else base)
        hours = segment.desired_hours_median * exp(
            segment.desired_hours_log_sigma * normal_quantile(draw(T_HOURS))
        )
        look = workers.look_seconds_median * exp(
            workers.look_seconds_log_sigma * normal_quantile(draw(T_LOOK))
        )
        brokers, collective = self.collectives_of[country], -1
        if segment.collective_size > 0 and brokers:
            collective = brokers[int(draw(T_COLLECTIVE) * len(brokers))]
        patience = workers.patience_low + int(
            draw(T_PATIENCE) * (workers.patience_high - workers.patience_low + 1)
        )
        return {
            "pending": 0, "balance": 0, "log_base_reservation": base, "log_reservation": base,
            "log_speed": single(workers.speed_log_sigma * normal_quantile(draw(T_SPEED))),
            "learned_pay": UNKNOWN, "all_in_pay": UNKNOWN, "week_pay": 0, "accepted": 0, "rejected": 0,
            "week_seconds": 0, "week_paid_seconds": 0, "session_start": -1_000_000, "session_minutes": 0,
            "collective": collective, "look_seconds": max(1, min(3600, math.floor(look + 0.5))),
            "desired_minutes": max(3, min(6720, math.floor(hours * 60.0 + 0.5))), "country": country,
            "zone": self.zones[country][bracket(self.zone_shares[country], draw(T_ZONE))], "segment": s,
            "bits": bits, "platform": 0, "skill": skill, "patience": patience, "weeks_below": 0,
            "accuracy": max(0, min(255, math.floor(accuracy * 255.0 + 0.5))),
        }  # fmt: skip

    # --- the month ---

    def end_month(self) -> None:
        """Incomes are spent, platforms close their books, the flow matrix is handed over."""
        ledger = self.ledger
        for people, kind in ((self.everyone, SPENDING), (self.collectives, BROKER_SPENDING)):
            for someone in people:
                if someone.balance > 0:
                    ledger.outside[someone.country] += someone.balance
                    ledger.book(kind, someone.balance, someone.country, someone.country)
                    someone.balance = 0
        for platform in self.platforms:
            platform.close_books()
        flows = ledger.close_month()
        period = self.clock.month_key(self.hour - 1)
        for observer in self.observers:
            observer.month(self, period, flows)
