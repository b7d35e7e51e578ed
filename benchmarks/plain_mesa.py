"""The twin: the whole market once more, as a good Mesa user would write it for others to read and change.

Workers, requesters, platforms, boards, collectives and governments are Mesa agents. They are kept in Mesa's
own collections and activated through them: `do` for a phase, `select` for those whom it concerns (those awake
in an hour, those still searching), `groupby` for those who go together. There is one method for each rule of
docs/odd.md, so that a subclass can change one; every payment goes through `Ledger.transfer`; every draw goes
through `PlainMarket.draws`. Money is whole micro-dollars.

Nothing here is an array, and nothing is shared with the model but its configuration, country tables,
calendar, keyed draws and the scalar functions of `sim.numeric`. The initial agents come as the tables of a
`Population`, and so does how many people are outside the market. From the same tables the twin gives the
same events, balances and records as the compiled model, to the bit.

It is clear first and fast second. Sleeping workers are passed over, boards are sorted lists, what is drawn
once for a pair of worker and batch is remembered; but no rule is written out inside another to save a call.

With `native_random=True` all draws come from `model.random` instead of keys. The distributions are the same,
the run is another one: it serves to time what a model without keyed draws would cost.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
import random
import struct
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

import mesa
from mesa.agent import AgentSet

from sim import draws
from sim.agents.population import Population, make_tables
from sim.agents.traits import unpacked
from sim.clock import Clock
from sim.config import Config, TaskType
from sim.config import Platform as PlatformConfig
from sim.draws import stream_key, sub_key
from sim.numeric import (
    added_up,
    binomial,
    exp,
    exponential,
    geometric,
    log,
    normal_cdf,
    normal_quantile,
    poisson,
    power,
    truncated_pareto,
)
from sim.world import World, load_world

MILLION = 1_000_000
MOST_WEEK_PAY = 2**32 - 1  # a worker remembers no more of a week
LOW_WORD = 2**32
LOOKS_APART = 64
BATCHES_APART = 2**32
JOINED_LATER = 2**31
LONGEST_TASK = 3000.0
MOST_TASKS = 1e6
SMALLEST_DRAW = 1e-18
UNKNOWN = -1.0
WORK, RETURN = 0, 1
LOW_ARM, HIGH_ARM = 0, 1

# Bits of a worker in the population's tables.
ACTIVE, WOMAN, TERTIARY, OTHER_JOB = 1, 2, 4, 8

# Numbers of the draws of one batch, of a batch's workers, one day's plan, one hour, one week, one person.
TYPE, ONE_TASK, SIZE, SECONDS, ARM, ROUNDING, LIFE, PLATFORM, TILE, PART = range(10)
NOISE, PACE, SPELL = range(3)
WORKS, MINUTES, WHERE, GOOD_HOUR, AWAKE, OWN_HOUR = range(6)
INTERRUPTED, REMAINS = range(2)
RECONSIDERS, CHOICE = range(2)
OFFSET, SHOCK = range(2)
CHANGES, ANEW = range(2)
T_SEGMENT, T_HOURS, T_SPEED, T_RESERVATION, T_ZONE = range(1, 6)
T_WOMAN, T_TERTIARY, T_OTHER_JOB, T_SKILL, T_ACCURACY, T_LOOK, T_PATIENCE, T_COLLECTIVE = range(100, 108)

STREAMS = {
    "run": ("traits", "tiles", "taste", "tools", "batches", "noise", "shocks"),
    "week": ("switches", "joins", "records", "circumstances"),
    "day": ("duty",),
    "hour": ("arrivals", "interruptions", "search", "priority", "review"),
}
"""The streams of draws, by how often their keys change."""

SECTORS = (
    "requesters", "escrow", "platforms", "pending", "workers", "collectives", "governments", "audience",
    "cooperative_fund", "commons_fund", "havens", "owners", "rounding", "outside",
)  # fmt: skip
KINDS = {
    "funding": ("outside", "requesters"),
    "posting": ("requesters", "escrow"),
    "reward": ("escrow", "pending"),
    "requester_fee": ("escrow", "platforms"),
    "escrow_rounding": ("escrow", "rounding"),
    "refund": ("escrow", "requesters"),
    "worker_fee": ("pending", "platforms"),
    "pending_rounding": ("pending", "rounding"),
    "broker_cut": ("pending", "collectives"),
    "payout": ("pending", "workers"),
    "forfeit": ("pending", "platforms"),
    "spending": ("workers", "outside"),
    "broker_spending": ("collectives", "outside"),
    "platform_cost": ("platforms", "outside"),
    "profit": ("platforms", "owners"),
    "capital": ("outside", "platforms"),
}
"""Kinds of transfer: from which sector to which."""


ORDERS = ("newest", "largest", "best_paid", "random")
TALLY = (
    "accepted", "rejected", "returns", "pay", "fee", "cut", "duty", "paid", "search", "returned_time",
    "rejected_time", "idle", "night", "exposure", "on_duty", "withheld",
)  # fmt: skip
DEMANDS = ("posted", "batches", "done", "expired", "spent", "fees")
"""What a board counts of workers and of requesters; money in micro-dollars, times in seconds."""


class ModelError(RuntimeError):
    """Something that must always hold does not."""


# --- numbers ------------------------------------------------------------------------------------


def single(x: float) -> float:
    """Round to single precision, in which the model stores pay."""
    return struct.unpack("f", struct.pack("f", x))[0]


@functools.cache
def stream_number(name: str) -> int:
    """Return the number of a stream of draws, made from its name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - draws.STREAM_BITS)


def half_up(x: float) -> int:
    """Round to the nearest whole number, halves upwards."""
    return math.floor(x + 0.5)


def ppm(share: float) -> int:
    """Return a share in millionths."""
    return half_up(share * 1e6)


def micro(usd: float) -> int:
    """Return USD, as typed, in micro-dollars."""
    return int(Decimal(repr(usd)) * MILLION)


def share_down(amount: int, share: int) -> int:
    """Return a share in millionths of an amount, rounded down."""
    return amount * share // MILLION


def share_up(amount: int, share: int) -> int:
    """Return a share in millionths of an amount, rounded up."""
    return -(-amount * share // MILLION)


def running_shares(weights: Sequence[float]) -> list[float]:
    """Return cumulative shares of weights; exactly 1 from the last that has any."""
    total, sums = 0.0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return [value / total if value < total else 1.0 for value in sums]


def bracket(cumulative: Sequence[float], draw: float) -> int:
    """Return the place of the bracket of cumulative shares that a draw falls into."""
    return min(bisect_right(cumulative, draw), len(cumulative) - 1)


def rows_of(table: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of the population as plain dictionaries."""
    for row in table.tolist():
        yield dict(zip(table.dtype.names, row, strict=True))


def smoothed(old: float, new: float, weight: float) -> float:
    """Return a running average; the first observation counts in full."""
    return new if old < 0.0 else old + weight * (new - old)


def add(counts: dict[str, Any], amounts: dict[str, Any]) -> None:
    """Add amounts to counts of the same names."""
    for name, amount in amounts.items():
        counts[name] += amount


class NativeDraws:
    """Draws of the same distributions as `sim.draws`, from a generator that does not ask what for."""

    def __init__(self, generator: random.Random) -> None:
        self.random = generator

    def uniform(self, key: int, agent: int, number: int) -> float:
        """Return a draw in (0, 1)."""
        return self.random.random() or 0.5

    def normal(self, key: int, agent: int, number: int) -> float:
        """Return a standard normal draw."""
        return self.random.gauss(0.0, 1.0)

    def priority(self, key: int, agent: int, number: int) -> int:
        """Return a large whole number."""
        return self.random.getrandbits(62)


# --- money --------------------------------------------------------------------------------------


class Account:
    """Micro-dollars that belong to somebody of a sector and a country."""

    __slots__ = ("balance", "country", "sector")

    def __init__(self, sector: str, country: int, balance: int = 0) -> None:
        self.sector, self.country, self.balance = sector, country, balance


class Ledger:
    """Double entry: totals by sector, and what moved by kind and pair of countries."""

    def __init__(self, countries: int) -> None:
        self.totals = dict.fromkeys(SECTORS, 0)
        self.flows: dict[tuple[str, int, int], int] = defaultdict(int)
        self.transfers = 0
        self.owners = [Account("owners", country) for country in range(countries)]
        self.outside = [Account("outside", country) for country in range(countries)]
        self.rounding = [Account("rounding", country) for country in range(countries)]

    def transfer(self, kind: str, payer: Account, payee: Account, amount: int) -> None:
        """Move money. Only the outside world can owe."""
        if (payer.sector, payee.sector) != KINDS[kind]:
            raise ModelError(f"{kind} does not go from {payer.sector} to {payee.sector}")
        if amount < 0:
            raise ModelError(f"a negative amount of {kind}")
        if amount > payer.balance and payer.sector != "outside":
            raise ModelError(f"an account of {payer.sector} is overdrawn by a {kind}")
        payer.balance -= amount
        payee.balance += amount
        self.totals[payer.sector] -= amount
        self.totals[payee.sector] += amount
        self.flows[kind, payer.country, payee.country] += amount
        self.transfers += 1

    def check(self) -> None:
        """Stop unless the totals add up to zero."""
        if sum(self.totals.values()) != 0:
            raise ModelError("sector totals do not add up to zero")

    def recount(self, accounts: Iterable[Account]) -> None:
        """Hold what the accounts of each sector hold against its total."""
        held = dict.fromkeys(SECTORS, 0)
        for account in (*accounts, *self.owners, *self.outside, *self.rounding):
            held[account.sector] += account.balance
        for sector, total in self.totals.items():
            if held[sector] != total:
                raise ModelError(f"the accounts of {sector} hold {held[sector]}, the total is {total}")

    def close_month(self) -> dict[tuple[str, int, int], int]:
        """Return the month's flows and begin new ones."""
        closed, self.flows = self.flows, defaultdict(int)
        return closed


class Pay(NamedTuple):
    """What accepted work brings to the worker, loses to fee and cut, and costs the requester, in µ$."""

    net: int = 0
    worker_fee: int = 0
    cut: int = 0
    gross: int = 0
    requester_fee: int = 0


class Earnings:
    """Pay and seconds on duty by UTC hour of people of one country and segment."""

    def __init__(self) -> None:
        self.pay = [0.0] * 24
        self.seconds = [0.0] * 24


# --- batches ------------------------------------------------------------------------------------


class Task(NamedTuple):
    """A type of task: its number, its configuration, what workers ask for its exposure."""

    number: int
    config: TaskType
    exposure_cost: float


class Work(NamedTuple):
    """What one worker did of one batch at a stretch; no tasks `done` if the first was given back."""

    worker: Worker
    batch: Batch
    done: int
    seconds: int  # for each task
    start: int  # seconds of the hour
    end: int

    def handed_in(self) -> range:
        """Return the second of the hour at which each task was handed in, one after the other."""
        return range(self.start + self.seconds, self.end + 1, self.seconds) if self.done else range(0)


@dataclass(eq=False, slots=True)
class Batch:
    """Tasks of one type that a requester wants done for one reward."""

    requester: Requester
    id: int
    task: Task
    arm: int
    tasks: int
    per_task: int  # assignments
    reward: int
    estimated_seconds: int
    true_seconds: int
    fee_ppm: int
    worth: float
    expected_cost: float
    posted_hour: int
    expires_hour: int
    rank: int
    standing: int
    noise_key: int

    submitted: int = 0
    accepted: int = 0
    rejected: int = 0
    right: int = 0  # in 1/255 of a task
    waited_seconds: int = 0
    first_start: int = -1
    times: list[int] = field(default_factory=list)  # when 10, 50, 90 and 100 per cent were handed in
    takers: dict[int, int] = field(default_factory=dict)  # tasks done, by worker
    returned_by: set[int] = field(default_factory=set)
    drawn: dict[tuple[int, int], float] = field(default_factory=dict)

    account: Account = field(init=False)
    assignments: int = field(init=False)
    left: int = field(init=False)
    milestones: list[int] = field(init=False)
    log_stated_pay: float = field(init=False)
    log_true_pay: float = field(init=False)
    newest_key: tuple[int, int] = field(init=False)
    paid_key: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.account = Account("escrow", self.requester.country)
        self.assignments = self.left = self.tasks * self.per_task
        self.milestones = [self.assignments * tenths for tenths in (10, 9, 5, 1)]
        self.log_stated_pay = log(self.reward * 3600.0 / (self.estimated_seconds * 1000000.0))
        self.log_true_pay = log(self.reward * 3600.0 / (self.true_seconds * 1000000.0))
        self.newest_key = self.posted_hour * LOW_WORD + self.rank, -self.id
        self.paid_key = self.standing * LOW_WORD + self.rank, -self.id

    @property
    def largest_key(self) -> tuple[int, int]:
        """What is left to do decides the place among the largest."""
        return self.left * LOW_WORD + self.rank, -self.id

    @property
    def escrow(self) -> int:
        """Micro-dollars set aside for what is not paid yet."""
        return self.account.balance

    def fee_on(self, accepted: int) -> int:
        """Return the requester's fee on a number of accepted assignments."""
        return share_down(accepted * self.reward, self.fee_ppm)

    def normal_for(self, worker: Worker, number: int) -> float:
        """Return what is drawn once and for good for a worker and this batch: noise of sight, or pace."""
        pair = worker.id, number
        if pair not in self.drawn:
            self.drawn[pair] = worker.model.draws.normal(self.noise_key, *pair)
        return self.drawn[pair]

    def hand_out(self, worker: Worker, tasks: int) -> None:
        """Give tasks to a worker, who does them."""
        self.left -= tasks
        self.takers[worker.id] = self.takers.get(worker.id, 0) + tasks

    def hand_in(self, work: Work, accepted: int, hour: int) -> None:
        """Note progress: the second at which the batch was begun, and what is done."""
        began = hour * 3600 + work.start
        if self.first_start < 0 or began < self.first_start:
            self.first_start = began
        self.submitted += work.done
        self.accepted += accepted
        self.rejected += work.done - accepted
        stays = (
            accepted if work.worker.platform.takedown else work.done
        )  # what is taken down is worth nothing
        self.right += stays * work.worker.accuracy_255
        self.waited_seconds += sum((hour - self.posted_hour) * 3600 + second for second in work.handed_in())

    def pass_milestones(self, works: Sequence[Work], hour: int) -> None:
        """Note the seconds at which the batch was done in part and in whole, after an hour's work on it."""
        before = self.submitted - sum(work.done for work in works)
        seconds: list[int] = []
        while self.milestones and self.milestones[-1] <= 10 * self.submitted:
            seconds = seconds or sorted(second for work in works for second in work.handed_in())
            needed = -(-self.milestones.pop() // 10) - before
            self.times.append(hour * 3600 + seconds[needed - 1])

    def waited(self, hour: int) -> int:
        """Return the seconds that tasks waited, those never done included."""
        return self.waited_seconds + self.left * (hour - self.posted_hour) * 3600

    def top_decile_share(self) -> float:
        """Share of the work done by the tenth of the workers who did most."""
        counts = sorted(self.takers.values(), reverse=True)
        total = sum(counts)
        return sum(counts[: (len(counts) + 9) // 10]) / total if total else 0.0

    def history(self, hour: int) -> tuple[Any, ...]:
        """Return what is recorded of the batch when it leaves the board."""
        return (
            *(self.id, self.requester.id, self.task.number, self.arm, self.reward, self.true_seconds),
            *(self.estimated_seconds, self.tasks, self.per_task, self.posted_hour, self.first_start),
            *([*self.times, -1, -1, -1, -1][:4]),
            *(hour, self.accepted, self.rejected, self.left),
            *(len(self.takers), self.top_decile_share(), self.waited(hour), self.fee_on(self.accepted)),
            *(self.fee_ppm, self.worth, self.expected_cost, self.right),
        )


# --- agents -------------------------------------------------------------------------------------


class Member(mesa.Agent):
    """Somebody with an identity, a country, an account and draws of their own."""

    def __init__(self, model: PlainMarket, number: int, sector: str, country: int, balance: int = 0) -> None:
        super().__init__(model)
        self.id = number
        self.country = country
        self.account = Account(sector, country, balance)

    @property
    def balance(self) -> int:
        """Micro-dollars in the account."""
        return self.account.balance

    def uniform(self, stream: str, number: int = 0) -> float:
        """Return the uniform draw of a number in a stream at the present time."""
        return self.model.draws.uniform(self.model.keys[stream], self.id, number)

    def normal(self, stream: str, number: int = 0) -> float:
        """Return the normal draw of a number in a stream at the present time."""
        return self.model.draws.normal(self.model.keys[stream], self.id, number)

    def pay(self, kind: str, payee: Account, amount: int) -> None:
        """Pay from the account."""
        self.model.ledger.transfer(kind, self.account, payee, amount)

    def spend(self, kind: str) -> None:
        """Spend all that is in the account."""
        if self.balance:
            self.pay(kind, self.model.ledger.outside[self.country], self.balance)


class Government(Member):
    """A country's public budget."""

    def __init__(self, model: PlainMarket, country: int) -> None:
        super().__init__(model, country, "governments", country)


class Collective(Member):
    """People who work together under a broker, who pools skills and takes a cut."""

    def __init__(self, model: PlainMarket, number: int, row: dict[str, Any]) -> None:
        super().__init__(model, number, "collectives", row["country"], row["balance"])
        self.skill = row["skill"]


class RankPart:
    """A part of the draws on a platform, which shows listings in one order."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.inverse = 1.0 / (end - begin) if end > begin else 1.0

    def share(self, draw: float) -> float:
        """Return how far into the part a draw is."""
        return (draw - self.begin) * self.inverse


class Platform(Member):
    """A microwork platform."""

    def __init__(
        self, model: PlainMarket, number: int, name: str, config: PlatformConfig, tiles: int
    ) -> None:
        self.owner = model.world.codes.index(config.owner)
        super().__init__(model, number, "platforms", self.owner)
        self.number = number
        self.name = name
        self.worker_countries = admitted(model.world, config.worker_countries, config.excluded_countries)
        self.requester_fee_ppm = ppm(config.requester_fee)
        self.large_batch_fee_ppm = ppm(config.requester_fee + config.large_batch_fee)
        self.large_batch_from = config.large_batch_from
        self.worker_fee_ppm = ppm(config.worker_fee)
        self.log_keep = log(1.0 - self.worker_fee_ppm / 1000000.0)
        self.reward_floor = config.reward_promise_usd_per_hour / (1.0 - self.worker_fee_ppm / 1e6)
        self.tick = micro(config.tick_usd)
        self.minimum_reward = max(micro(config.minimum_reward_usd), self.tick)
        self.payout_days = config.payout_days
        self.payout_threshold = micro(config.payout_threshold_usd)
        self.transaction_cost = micro(config.cost_per_transaction_usd)
        self.cost_ppm = ppm(config.cost_on_rewards)
        self.local = config.family == "on_demand"
        self.daily_life = config.posting_hours == "daily_life"
        self.click_price = 1e6 * config.usd_per_click if config.usd_per_click else None
        self.devices = config.devices_per_worker
        self.takedown = config.takedown_share
        self.has_tools = config.family == "microwork"
        self.cut_ppm = ppm(
            model.config.workers.broker_cut if config.broker_cut is None else config.broker_cut
        )
        weights = [getattr(config, f"ranking_{order}") for order in ORDERS]
        shares = [min(1.0, added_up(weights[:n]) / added_up(weights)) for n in (1, 2, 3)]
        self.ranking = [RankPart(begin, end) for begin, end in pairwise((0.0, *shares, 1.0))]
        self.ranking_depth = float(config.ranking_depth)
        self.revenue = self.cost = self.profit = self.transactions = self.month_transactions = 0
        self.month_rewards = 0
        self.hourly = [UNKNOWN for _ in model.world.codes]
        self.log_pay = [0.0 for _ in model.world.codes]
        self.week_pay = [0 for _ in model.world.codes]
        self.week_seconds = [0 for _ in model.world.codes]
        parts = len(model.world.codes) if self.local else 1
        self.regions = [[model.board_class(model, self) for _ in range(tiles)] for _ in range(parts)]
        self.boards = [board for region in self.regions for board in region]

    @property
    def requester_fee(self) -> float:
        """The normal fee as a share of the reward."""
        return self.requester_fee_ppm / 1000000.0

    def fee_ppm(self, assignments_per_task: int) -> int:
        """Return the fee on a batch, in millionths."""
        large = assignments_per_task >= self.large_batch_from
        return self.large_batch_fee_ppm if large else self.requester_fee_ppm

    def worker_fee(self, gross: int) -> tuple[int, int]:
        """Return what the platform gets of a worker's reward, and what the worker loses."""
        return share_down(gross, self.worker_fee_ppm), share_up(gross, self.worker_fee_ppm)

    def broker_cut(self, amount: int) -> tuple[int, int]:
        """Return what a broker gets of a worker's pay, and what the worker loses."""
        return share_down(amount, self.cut_ppm), share_up(amount, self.cut_ppm)

    def board_of(self, country: int, draw: float) -> Board:
        """Return the tile that a draw leads to: of a country's own where work is local."""
        tiles = self.regions[country if self.local else 0]
        return tiles[int(draw * len(tiles))]

    def pays_out(self, worker: Worker) -> bool:
        """Say whether a worker's pending balance is paid out today."""
        return self.model.day % self.payout_days == 0 and 0 < worker.pending >= self.payout_threshold

    def pay_for(self, work: Work, accepted: int) -> Pay:
        """Pay for accepted tasks: the reward to the worker, fee and cut out of it, the requester's fee."""
        worker, batch, ledger = work.worker, work.batch, self.model.ledger
        gross = accepted * batch.reward
        fee, lost = self.worker_fee(gross)
        broker = worker.collective
        cut, lost_to_broker = self.broker_cut(gross - lost) if broker else (0, 0)
        residue = lost - fee + lost_to_broker - cut
        requester_fee = batch.fee_on(batch.accepted + accepted) - batch.fee_on(batch.accepted)

        ledger.transfer("reward", batch.account, worker.claim, gross)
        if fee:
            ledger.transfer("worker_fee", worker.claim, self.account, fee)
        if cut:
            ledger.transfer("broker_cut", worker.claim, broker.account, cut)
        if residue:
            ledger.transfer("pending_rounding", worker.claim, ledger.rounding[worker.country], residue)
        if requester_fee:
            ledger.transfer("requester_fee", batch.account, self.account, requester_fee)
        return Pay(gross - lost - lost_to_broker, lost, lost_to_broker, gross, requester_fee)

    def add_up_day(self) -> None:
        """Add the day's pay, time and transactions to those of the week and the month."""
        for board in self.boards:
            for (_, country), tally in board.tally.items():
                self.week_pay[country] += tally["pay"]
                self.week_seconds[country] += tally["duty"]
                self.month_transactions += tally["accepted"] + tally["rejected"]
                self.month_rewards += tally["pay"] + tally["fee"] + tally["cut"]

    def learn_pay(self) -> None:
        """Bring up to date what is known of pay here, in USD an hour on duty, idle or not, by country."""
        weight = self.model.config.learning.pay_smoothing
        for country, (pay, seconds) in enumerate(zip(self.week_pay, self.week_seconds, strict=True)):
            if seconds:
                hourly = pay * 3600.0 / (seconds * 1e6)
                self.hourly[country] = smoothed(self.hourly[country], hourly, weight)
            known = self.hourly[country]
            self.log_pay[country] = log(max(1e-4, known if known >= 0 else self.model.reported_pay[country]))
        self.week_pay = [0 for _ in self.week_pay]
        self.week_seconds = [0 for _ in self.week_seconds]

    def close_books(self) -> None:
        """Pay the month's costs; profit goes to the owners, a loss is covered from outside."""
        ledger, revenue = self.model.ledger, self.balance
        outside = ledger.outside[self.owner]
        cost = self.month_transactions * self.transaction_cost
        cost += share_down(self.month_rewards, self.cost_ppm)
        profit = revenue - cost
        if profit < 0:
            ledger.transfer("capital", outside, self.account, -profit)
        self.pay("platform_cost", outside, cost)
        if profit >= 0:
            self.pay("profit", ledger.owners[self.owner], profit)
        self.revenue += revenue
        self.cost += cost
        self.profit += profit
        self.transactions += self.month_transactions
        self.month_transactions = self.month_rewards = 0


class Board(mesa.Agent):
    """One tile of a platform's board: open batches in three orders, and the workers on duty there."""

    def __init__(self, model: PlainMarket, platform: Platform) -> None:
        super().__init__(model)
        self.platform = platform
        self.newest: list[Batch] = []
        self.largest: list[Batch] = []
        self.best_paid: list[Batch] = []
        self.incoming: list[Batch] = []
        self.exhausted: list[Batch] = []
        self.finished: list[tuple[Any, ...]] = []
        self.taken: list[tuple[int, int, int]] = []
        self.on_duty = AgentSet([], random=model.random)
        self.works: list[Work] = []
        self.cut_off_seconds = 0
        self.begin_day()

    def begin_day(self) -> None:
        """Empty the day's counts, by hour and country of the worker or requester."""
        self.tally: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self.demands: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)

    def count(self, worker: Worker, **amounts: int) -> None:
        """Add to the hour's tally of a worker's country."""
        add(self.tally[self.model.utc_hour, worker.country], amounts)

    def count_demand(self, batch: Batch, **amounts: int) -> None:
        """Add to the hour's counts of the country of a batch's requester."""
        add(self.demands[self.model.utc_hour, batch.requester.country], amounts)

    # --- batches come and go ---

    def open_incoming(self) -> None:
        """Show new batches; those among the largest find their place by what is left now."""
        for batch in self.incoming:
            batch.requester.fund(batch)
            self.count_demand(batch, posted=batch.assignments, batches=1)
        self.newest = sorted(self.incoming, key=attrgetter("newest_key"), reverse=True) + self.newest
        self.largest = sorted(self.largest + self.incoming, key=attrgetter("largest_key"), reverse=True)
        self.best_paid = sorted(self.best_paid + self.incoming, key=attrgetter("paid_key"), reverse=True)
        self.incoming = []

    def close_finished(self) -> None:
        """Take exhausted and expired batches off the board; what is left of their escrow goes back."""
        hour = self.model.hour
        expired = [batch for batch in self.newest if batch.expires_hour <= hour]
        closing, self.exhausted = self.exhausted + expired, []
        self.finished, self.taken = [], []
        for batch in closing:
            self.close(batch)
        if expired:
            self.show_only_open()

    def close(self, batch: Batch) -> None:
        """Settle a batch with its requester and note how it went."""
        model = self.model
        self.count_demand(batch, expired=batch.left)
        self.finished.append(batch.history(model.hour))
        if model.records_workers:
            self.taken += [(batch.requester.id, who, done) for who, done in batch.takers.items()]
        batch.requester.take_back(batch)
        batch.left = 0

    def show_only_open(self) -> None:
        """Take batches with nothing left out of what is shown."""
        self.newest = [batch for batch in self.newest if batch.left]
        self.largest = [batch for batch in self.largest if batch.left]
        self.best_paid = [batch for batch in self.best_paid if batch.left]

    def listing_found(self, draw: float) -> Batch:
        """Return the listing that tools find with a draw: near the head of the best paid."""
        depth = exponential(max(SMALLEST_DRAW, draw)) * float(self.model.config.workers.tool_depth)
        return self.best_paid[int(depth) % len(self.best_paid)]

    def listing_shown(self, draw: float) -> Batch:
        """Return the listing that a draw shows: near the head of one of three orders, or any."""
        newest, largest, best_paid, chance = self.platform.ranking
        count = len(self.newest)
        if draw >= chance.begin:
            return self.newest[int(chance.share(draw) * count) % count]
        if draw < newest.end:
            order, part = self.newest, newest
        elif draw < largest.end:
            order, part = self.largest, largest
        else:
            order, part = self.best_paid, best_paid
        depth = exponential(max(SMALLEST_DRAW, part.share(draw))) * self.platform.ranking_depth
        return order[int(depth) % count]

    # --- the hour of those on duty ---

    def search(self) -> None:
        """Rounds of examine, propose, allocate, do, until nobody has both time and patience."""
        self.works = []
        self.cut_off_seconds = 0
        searching = self.on_duty
        for round_number in range(self.model.config.market.max_rounds):
            if not searching or not self.newest:
                return
            searching.do("examine", round_number)
            proposing = searching.select(lambda worker: worker.proposal is not None)
            self.allocate(proposing, round_number)
            proposing.do("work")
            if any(not worker.proposal.left for worker in proposing):
                self.drop_exhausted()
            searching = searching.select(lambda worker: worker.can_look())
        self.cut_off_seconds = sum(worker.left for worker in searching)

    def allocate(self, proposing: AgentSet, round_number: int) -> None:
        """Grant what was asked for where there is enough, else in the order of drawn priorities."""
        for batch, workers in proposing.groupby("proposal", result_type="list"):
            if sum(worker.wanted for worker in workers) > batch.left:
                workers.sort(key=lambda worker: worker.priority(round_number))
            left = batch.left
            for worker in workers:
                worker.granted = min(left, worker.wanted)
                left -= worker.granted

    def drop_exhausted(self) -> None:
        """Show what was emptied in this round no longer."""
        self.exhausted += [batch for batch in self.newest if not batch.left]
        self.show_only_open()

    def settle(self) -> None:
        """Review and pay what was handed in, batch by batch in the order of time; account for all time."""
        by_batch: dict[Batch, list[Work]] = defaultdict(list)
        for work in self.works:
            by_batch[work.batch].append(work)
        for batch, works in by_batch.items():
            for work in sorted(works, key=attrgetter("end")):
                if work.done:
                    self.settle_work(work)
                else:
                    self.settle_return(work)
            batch.pass_milestones(works, self.model.hour)
        self.on_duty.do("account_for_time")

    def settle_work(self, work: Work) -> None:
        """Have work reviewed, pay for what is accepted and count it."""
        worker, batch, own = work.worker, work.batch, work.seconds
        accepted = batch.requester.review(work)
        rejected = work.done - accepted
        pay = self.platform.pay_for(work, accepted) if accepted else Pay()
        batch.hand_in(work, accepted, self.model.hour)
        exposure = int(batch.task.config.exposure * (work.done * own))
        worker.take_result(work, accepted, pay.net, exposure)
        self.count(
            worker, accepted=accepted, rejected=rejected, pay=pay.net, fee=pay.worker_fee, cut=pay.cut,
            paid=accepted * own, rejected_time=rejected * own, exposure=exposure,
        )  # fmt: skip
        spent = pay.gross + pay.requester_fee
        self.count_demand(batch, done=work.done, spent=spent, fees=pay.requester_fee)
        self.model.log(self, work, WORK, accepted)

    def settle_return(self, work: Work) -> None:
        """Count the time lost on a task that was given back."""
        self.count(work.worker, returns=1, returned_time=work.seconds)
        work.worker.lose_time(work.seconds)
        self.model.log(self, work, RETURN, 0)


@dataclass
class Arm:
    """How the batches of one pay arm went: assignments closed; their worth, gains, costs and delays."""

    closed: int = 0
    worth: float = 0.0
    gained: float = 0.0
    spent: float = 0.0
    delayed: float = 0.0

    def profit(self, delay_cost: float) -> float:
        """Return profit as a share of the worth of what was posted."""
        return (self.gained - self.spent - delay_cost * self.delayed) / self.worth


class Requester(Member):
    """A firm or person who posts work."""

    TABLE = (
        "zone", "always_on", "serial", "worker_mask", "approval_tasks", "approval_rate", "base_demand",
        "base_batches", "batches_per_day", "target", "initial_target", "value", "bias", "strictness",
        "unfair", "batches", "posted", "accepted", "rejected", "expired", "spent", "fees", "step",
        "direction", "markup", "asked", "expected", "fair",
    )  # fmt: skip

    def __init__(self, model: PlainMarket, row: dict[str, Any], mix: list[float]) -> None:
        super().__init__(model, row["id"], "requesters", row["country"], row["balance"])
        for name in self.TABLE:
            setattr(self, name, row[name])
        self.home = model.platforms[row["platform"]]
        self.platforms = [p for p in model.platforms if row["platform_mask"] >> p.number & 1]
        self.mix = mix
        self.arms = [
            Arm(*(row[f"{arm}_{what}"] for what in ("closed", "worth", "gained", "spent", "delayed")))
            for arm in ("low", "high")
        ]
        self.revise_demand()

    # --- posting ---

    def post(self) -> None:
        """Send the batches that arrive in this hour and are worth their cost to their boards."""
        if self.batches_per_day <= 0.0:
            return
        for _ in range(poisson(self.uniform("arrivals"), self.batches_per_day * self.share_of_day())):
            self.draw_batch()

    def share_of_day(self) -> float:
        """Return the share of a day's batches that this hour brings, by office hours and weekday."""
        settings, model = self.model.config.requesters, self.model
        if self.home.daily_life:
            hour, weekday = model.local_hour(self.zone), model.local_weekday(self.zone)
            hours = settings.daily_life_hours
            return settings.daily_life_weekdays[weekday] * (hours[hour] / added_up(hours))
        if self.always_on:
            return 1.0 / 24.0
        since = (model.local_hour(self.zone) - settings.office_start) % 24
        share = 1.0 / (settings.office_hours + (24.0 - settings.office_hours) * settings.night_weight)
        if since >= settings.office_hours:
            share *= settings.night_weight
        return share * float(settings.weekday_weights[model.local_weekday(self.zone)])

    def draw_batch(self) -> None:
        """Draw one batch; it is posted unless a task costs more than it is worth."""
        model, market = self.model, self.model.config.market
        number = self.id * BATCHES_APART + self.serial
        self.serial += 1
        key = sub_key(model.keys["batches"], number)

        def draw(what: int) -> float:
            return model.draws.uniform(key, what, 0)

        task = model.tasks[bracket(self.mix, draw(TYPE))]
        kind = task.config
        usable = [platform for platform in self.platforms if self.can_afford(platform)] or [self.home]
        platform = usable[int(draw(PLATFORM) * len(usable))]
        seconds = kind.median_seconds * exp(kind.log_sigma_seconds * normal_quantile(draw(SECONDS)))
        true_seconds = max(1, half_up(min(LONGEST_TASK, seconds)))
        stated = max(1, half_up(true_seconds / self.bias))
        size = 1
        if draw(ONE_TASK) >= kind.one_task_share:
            largest = self.largest_batch(kind)
            size = int(truncated_pareto(draw(SIZE), float(kind.size_exponent), 2.0, largest))
            if model.config.requesters.size_seconds_elasticity > 0:
                size = int(min(MOST_TASKS, math.floor(size * self.size_scale(true_seconds) + draw(PART))))
            if not size:
                return
        tasks, per_task = (1, size) if kind.one_task_many_workers else (size, kind.assignments_per_task)
        arm = HIGH_ARM if draw(ARM) >= 0.5 else LOW_ARM
        reward = self.reward(platform, kind, arm, stated, draw(ROUNDING))
        fee_ppm = platform.fee_ppm(per_task)
        task_hours = kind.pay_factor * true_seconds * 1000000.0 / 3600.0
        worth = self.value * task_hours
        if reward * (1.0 + fee_ppm / 1000000.0) > worth:
            return
        life_hours = market.life_hours_median if kind.life_hours is None else kind.life_hours
        life = life_hours * exp(market.life_hours_log_sigma * normal_quantile(draw(LIFE)))
        batch = Batch(
            requester=self, id=number, task=task, arm=arm, tasks=tasks, per_task=per_task,
            reward=reward, estimated_seconds=stated, true_seconds=true_seconds, fee_ppm=fee_ppm,
            worth=worth, expected_cost=self.unit_cost(1.0) * task_hours,
            posted_hour=model.hour, expires_hour=model.hour + max(1, min(100_000, half_up(life))),
            noise_key=sub_key(model.keys["noise"], number),
            rank=model.draws.priority(key, TILE, 1) % LOW_WORD,
            standing=self.standing_on(platform, reward),
        )  # fmt: skip
        platform.board_of(self.country, draw(TILE)).incoming.append(batch)

    def standing_on(self, platform: Platform, reward: int) -> int:
        """Return what counts among the best paid: usual pay of an hour where people keep lists of that."""
        if not self.model.config.workers.tool_share:
            return min(reward, 2**31 - 1)
        usual = max(self.target, platform.reward_floor) * 1000000.0 / self.bias
        return int(min(float(2**31 - 1), usual))

    def can_afford(self, platform: Platform) -> bool:
        """Say whether an hour of true time is worth the pay that a platform promises, fee included."""
        return platform.reward_floor * (1.0 + platform.requester_fee) <= self.value * self.bias

    def largest_batch(self, kind: TaskType) -> float:
        """Return the most tasks of a type that go into one batch."""
        days = self.model.config.market.demand_cap_days
        wanted = self.base_demand * days / (kind.median_seconds * kind.assignments_per_task)
        return max(3.0, min(float(kind.largest_batch), wanted) / self.size_scale(kind.median_seconds))

    def size_scale(self, seconds: float) -> float:
        """Return how many tasks of so many seconds a batch has for each one drawn."""
        settings = self.model.config.requesters
        if not settings.size_seconds_elasticity:
            return 1.0
        return power(settings.size_seconds / seconds, float(settings.size_seconds_elasticity))

    def unit_cost(self, markup: float) -> float:
        """Return what an hour of true time should cost at the target, on the home platform."""
        target = max(self.target, self.home.reward_floor)
        return target * (1.0 + self.home.requester_fee) * markup / self.bias

    def reward(self, platform: Platform, kind: TaskType, arm: int, stated: int, draw: float) -> int:
        """Reward for the stated time: a multiple of the tick, rounded by chance, at or above all minima."""
        spread = self.model.config.requesters.pay_arm_spread
        hourly = self.target * kind.pay_factor * (1.0 + (spread if arm == HIGH_ARM else -spread))
        hourly = max(hourly, platform.reward_floor)
        exact = hourly * stated * 1000000.0 / 3600.0
        if platform.click_price:
            exact = platform.click_price * float(kind.actions_per_task * platform.devices)
        ticks = exact / platform.tick
        whole = math.floor(ticks)
        reward = (whole + (draw < ticks - whole)) * platform.tick
        promised = platform.reward_floor * stated * 1000000.0 / 3600.0
        if reward < promised:
            reward = math.ceil(promised / platform.tick) * platform.tick
        return max(reward, platform.minimum_reward)

    def fund(self, batch: Batch) -> None:
        """Fill the escrow of a new batch: from refunds first, what is missing from outside."""
        gross = batch.reward * batch.assignments
        cost = gross + share_up(gross, batch.fee_ppm)
        missing = cost - self.balance
        if missing > 0:
            ledger = self.model.ledger
            ledger.transfer("funding", ledger.outside[self.country], self.account, missing)
        self.pay("posting", batch.account, cost)
        if self.model.recording:
            self.batches += 1
            self.posted += batch.assignments

    # --- review and closing ---

    def admits(self, worker: Worker) -> bool:
        """Say whether a worker's country and approval record will do."""
        if not self.worker_mask >> worker.country & 1:
            return False
        return not self.approval_tasks or (
            not worker.newcomer
            and worker.accepted >= self.approval_tasks
            and worker.approval_rate >= self.approval_rate
        )

    def review(self, work: Work) -> int:
        """Return how many tasks are accepted: some wrong ones are caught, some right ones rejected."""
        accuracy = work.worker.accuracy
        chance = (1.0 - accuracy) * self.strictness + accuracy * self.unfair
        chance += work.worker.platform.takedown * (1.0 - chance)
        return work.done - binomial(work.worker.uniform("review", work.start), work.done, chance)

    def take_back(self, batch: Batch) -> None:
        """Get back what is left of a closed batch's escrow, and learn from how it went."""
        ledger = self.model.ledger
        residue = share_up(batch.accepted * batch.reward, batch.fee_ppm) - batch.fee_on(batch.accepted)
        if residue:
            ledger.transfer("escrow_rounding", batch.account, ledger.rounding[self.country], residue)
        if batch.escrow:
            ledger.transfer("refund", batch.account, self.account, batch.escrow)
        self.learn_from(batch)

    def learn_from(self, batch: Batch) -> None:
        """Note how a batch went: in its arm, and over the window."""
        arm, worth, fee = self.arms[batch.arm], batch.worth, batch.fee_on(batch.accepted)
        spent = batch.accepted * batch.reward + fee
        closed = batch.accepted + batch.rejected + batch.left
        arm.closed += closed
        arm.worth += closed * worth
        arm.gained += batch.right / 255.0 * worth
        arm.spent += float(spent)
        arm.delayed += batch.waited(self.model.hour) / 86400.0 * worth
        self.asked += closed * float(batch.reward) * (1.0 + batch.fee_ppm / 1000000.0)
        self.expected += closed * batch.expected_cost
        if self.model.recording:
            self.accepted += batch.accepted
            self.rejected += batch.rejected
            self.expired += batch.left
            self.fees += fee
            self.spent += spent

    # --- the week ---

    def revise_pay(self) -> None:
        """Revise the pay target once both arms have been seen often enough; begin new arms."""
        settings = self.model.config.requesters
        if (
            self.home.click_price
            or self.fair
            or min(arm.closed for arm in self.arms) < settings.pay_minimum_tasks
        ):
            return
        before, towards = self.target, self.direction
        factor = 1.0 + self.step
        way = PAY_SETTING[self.model.config.market.pay_setting](self)
        target = before * factor if way > 0 else before / factor if way < 0 else before
        self.direction = (target > before) - (target < before)
        if self.direction == towards != 0:
            self.step = min(settings.pay_step, self.step * 1.5)
        elif self.direction == -towards != 0:
            self.step = max(settings.pay_step_smallest, self.step * 0.6)
        self.markup = self.asked / self.expected
        most = self.value * self.bias / ((1.0 + self.home.requester_fee) * self.markup)
        self.target = max(0.01, self.home.reward_floor, min(target, most))
        self.arms = [Arm(), Arm()]
        self.asked = self.expected = 0.0

    def towards_profit(self) -> int:
        """Go up or down to the arm with the higher profit."""
        delay_cost = self.model.config.requesters.delay_cost
        low, high = (arm.profit(delay_cost) for arm in self.arms)
        return (high > low) - (high < low)

    def towards_fill_time(self) -> int:
        """Go up when work waits longer than it should, down at less than half of that."""
        low, high = (arm.delayed / arm.worth for arm in self.arms)
        wait, limit = 0.5 * (low + high), self.model.config.requesters.target_fill_hours / 24.0
        return (wait > limit) - (wait < 0.5 * limit)

    def revise_demand(self) -> None:
        """Set how many batches a day are drawn at the present unit cost."""
        settings = self.model.config.requesters
        base = self.initial_target * (1.0 + settings.base_fee) / self.bias
        relative = self.unit_cost(self.markup) / base
        self.batches_per_day = self.base_batches * power(relative, -settings.demand_elasticity)


PAY_SETTING = {
    "profit_search": Requester.towards_profit,
    "fill_time": Requester.towards_fill_time,
    "fixed": lambda requester: 0,
}
"""Rules of pay: a step up, down, or none."""


class Worker(Member):
    """A person who does click work."""

    TABLE = (
        "log_speed", "log_base_reservation", "log_reservation", "learned_pay", "all_in_pay", "week_pay",
        "accepted", "rejected", "week_seconds", "week_paid_seconds", "session_start", "session_minutes",
        "look_seconds", "desired_minutes", "zone", "segment", "patience", "weeks_below",
    )  # fmt: skip

    def __init__(self, model: PlainMarket, number: int, row: dict[str, Any]) -> None:
        super().__init__(model, number, "workers", row["country"], row["balance"])
        self.claim = Account("pending", self.country, row["pending"])
        for name in self.TABLE:
            setattr(self, name, row[name])
        self.active = bool(row["bits"] & ACTIVE)
        self.woman = bool(row["bits"] & WOMAN)
        self.tertiary = bool(row["bits"] & TERTIARY)
        self.newcomer = bool(row["newcomer"])
        self.accuracy_255 = row["accuracy"]
        self.accuracy = row["accuracy"] / 255.0
        self.collective = model.brokers[row["collective"]] if row["collective"] >= 0 else None
        self.skill = max(row["skill"], self.collective.skill) if self.collective else row["skill"]
        self.habits = model.segments[self.segment]
        self.tastes = [
            model.config.market.taste_sigma * self.normal("taste", task.number) for task in model.tasks
        ]
        self.joined_day, self.left_day = 0, -1
        self.history: Counter[str] = Counter()
        self.settle_on(model.platforms[row["platform"]])
        self.plan_hours()
        self.on_duty = self.served = False
        self.began = self.ends = self.fruitless_hours = 0  # hour, second, hours
        self.duty = self.left = self.searched = self.fruitless = 0  # seconds, seconds, seconds, looks
        self.proposal: Batch | None = None
        self.wanted = self.granted = self.task_seconds = 0
        self.has_tools, self.seconds_to_look = False, self.look_seconds

    @property
    def pending(self) -> int:
        """Micro-dollars that the platform owes."""
        return self.claim.balance

    def settle_on(self, platform: Platform) -> None:
        """Work on a platform from now on."""
        self.platform = platform
        self.board = platform.board_of(self.country, self.uniform("tiles"))

    def plan_hours(self) -> None:
        """Turn desired hours a week into the chance to work on a day and the mean minutes of a session."""
        desired, cap = self.desired_minutes / 60.0, float(self.model.config.workers.daily_hours_cap)
        self.chance_to_work = min(0.95, math.sqrt(desired / (7.0 * min(8.0, cap))))
        self.session_mean = max(1.0, desired * 60.0 / (7.0 * self.chance_to_work))

    def record(self, **amounts: int) -> None:
        """Add to the worker's history: micro-dollars, seconds and tasks of the window."""
        if self.model.records_workers:
            add(self.history, amounts)

    # --- the day ---

    def plan_day(self) -> None:
        """Draw whether to work today, from which hour and for how long."""
        if self.uniform("duty", WORKS) >= self.chance_to_work:
            return
        day_start = 24 * self.model.day
        start = self.hour_chosen()
        minutes = geometric(self.uniform("duty", MINUTES), self.session_mean)
        self.plan_session(day_start + start, min(minutes, 60 * self.hours_to_sleep(start)), day_start + 24)

    def hour_chosen(self) -> int:
        """Return the UTC hour of the day to begin at: a good one if awake then, or one of the own window."""
        model, habits = self.model, self.habits
        if self.uniform("duty", WHERE) < habits.flexibility:
            hour = bracket(model.best_hours[self.country][self.segment], self.uniform("duty", GOOD_HOUR))
            if self.would_be_awake(model.local_hours[self.zone][hour]):
                return hour
        draw = self.uniform("duty", OWN_HOUR)
        local = (habits.window_start + int(draw * habits.window_hours)) % 24
        return model.start_utc[self.zone][local]

    def would_be_awake(self, local: int) -> bool:
        """Say whether the worker is awake today at a local hour."""
        workers = self.model.config.workers
        awake = workers.night_owls + (1.0 - workers.night_owls) * workers.awake_share[local % 24]
        return self.uniform("duty", AWAKE) < awake

    def hours_to_sleep(self, start: int) -> int:
        """Return how many hours after the start of a UTC hour of the day the worker first sleeps."""
        local = self.model.local_hours[self.zone][start]
        return next((hours for hours in range(1, 24) if not self.would_be_awake(local + hours)), 24)

    def plan_session(self, start: int, minutes: int, day_end: int) -> None:
        """Plan a session after the last one, within the daily cap, if one fits."""
        cap = 60 * self.model.config.workers.daily_hours_cap
        last_end = 60 * self.session_start + self.session_minutes
        if 60 * start < last_end:
            start = -(-last_end // 60)
        minutes = min(minutes, cap)
        if 60 * start - last_end < 1440 - cap:
            minutes = min(minutes, cap - self.session_minutes)
        if start < day_end and minutes > 0:
            self.session_start, self.session_minutes = start, minutes

    def take_pay(self) -> None:
        """Receive what is pending."""
        self.record(paid_out=self.pending)
        self.model.ledger.transfer("payout", self.claim, self.account, self.pending)

    # --- the hour ---

    def is_awake(self) -> bool:
        """Say whether a session is in progress or begins in this hour."""
        return self.on_duty or self.session_start == self.model.hour

    def begin_hour(self) -> None:
        """Begin a session that starts now; see how much time there is, and what to believe."""
        if self.session_start == self.model.hour:
            self.on_duty = True
            self.began = self.session_start
            self.ends = 60 * (60 * self.session_start + self.session_minutes)
            self.fruitless_hours = 0
        self.duty = self.left = self.seconds_on_duty()
        self.searched = self.fruitless = 0
        self.served = False
        self.take_tools()
        self.form_beliefs()

    def seconds_on_duty(self) -> int:
        """Return the seconds of this hour that belong to the session and are not interrupted."""
        seconds = max(0, min(3600, self.ends - 3600 * self.model.hour))
        habits = self.habits
        interruption = habits.interruption_women if self.woman else habits.interruption_men
        if self.uniform("interruptions", INTERRUPTED) < interruption:
            seconds = int(seconds * self.uniform("interruptions", REMAINS))
        return seconds

    def take_tools(self) -> None:
        """See whether tools are at hand by now: they shorten looks."""
        workers, done = self.model.config.workers, self.accepted + self.rejected
        self.has_tools = self.platform.has_tools and self.uniform("tools") < workers.tool_share * done / (
            done + workers.tool_half_tasks
        )
        self.seconds_to_look = self.look_seconds
        if self.has_tools:
            self.seconds_to_look = max(1, int(self.look_seconds * workers.tool_look_ratio + 0.5))

    def form_beliefs(self) -> None:
        """Work out speed, and how far to trust what listings seem to pay, from what has been done so far."""
        workers, market = self.model.config.workers, self.model.config.market
        done = self.accepted + self.rejected
        self.approval_rate = (self.accepted + 1.0) / (done + 1.0)
        self.log_speed_now = self.log_speed + workers.speed_gain * done / (done + workers.speed_half_tasks)
        prior = market.rejection_prior * market.rejection_prior_tasks
        believed = (self.rejected + prior) / (done + market.rejection_prior_tasks)
        self.log_pay = self.log_speed_now + self.platform.log_keep + log(1.0 - believed)
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

    def can_look(self) -> bool:
        """Say whether there is time and patience for another look at a listing."""
        return self.left >= self.seconds_to_look and self.fruitless < self.patience

    def examine(self, round_number: int) -> None:
        """Look at listings one after another until one is good enough to be proposed."""
        self.proposal = None
        first = round_number * LOOKS_APART
        for number in range(first, first + self.model.config.market.looks):
            if not self.can_look():
                return
            self.left -= self.seconds_to_look
            self.searched += self.seconds_to_look
            self.fruitless += 1
            show = self.board.listing_found if self.has_tools else self.board.listing_shown
            batch = show(self.uniform("search", number))
            if self.qualifies(batch) and self.accepts(batch):
                self.task_seconds = self.seconds_for(batch)
                self.wanted = self.tasks_wanted(batch)
                if self.wanted:
                    self.proposal = batch
                    return

    def qualifies(self, batch: Batch) -> bool:
        """Say whether the worker may take tasks: by skill, country, record and what was done before."""
        kind = batch.task.config
        return (
            kind.skill <= self.skill
            and kind.tertiary <= self.tertiary
            and batch.requester.admits(self)
            and batch.takers.get(self.id, 0) < batch.tasks
            and self.id not in batch.returned_by
        )

    def accepts(self, batch: Batch) -> bool:
        """Say whether a listing looks good enough."""
        return self.perceived_pay(batch) >= self.log_reservation

    def perceived_pay(self, batch: Batch) -> float:
        """Return what a listing seems to pay, in log USD an hour, with what the worker likes and dislikes."""
        pay = self.trust * batch.log_stated_pay + self.log_pay + self.sigma * batch.normal_for(self, NOISE)
        return pay + self.tastes[batch.task.number] - batch.task.exposure_cost

    def seconds_for(self, batch: Batch) -> int:
        """Return the seconds that a task of a batch takes this worker."""
        return int(batch.true_seconds * exp(-(self.log_speed_now + self.pace_at(batch))) + 0.5) or 1

    def pace_at(self, batch: Batch) -> float:
        """Return how fast a batch's tasks go for this worker beyond speed, in logs."""
        return self.model.config.market.pace_sigma * batch.normal_for(self, PACE)

    def tasks_wanted(self, batch: Batch) -> int:
        """Return how many tasks there are to do, time to do, and no change of mind before."""
        done = batch.takers.get(self.id, 0)
        market = self.model.config.market
        longer = exp(market.spell_log_sigma * batch.normal_for(self, SPELL + done))
        enough = max(1, int(min(3600.0, market.spell_minutes * 60.0 * longer) / self.task_seconds))
        return min(self.left // self.task_seconds, batch.tasks - done, batch.left, enough)

    def priority(self, round_number: int) -> int:
        """Return the drawn rank among those who want more of a batch than there is; lower is first."""
        return self.model.draws.priority(self.model.keys["priority"], self.id, round_number)

    def work(self) -> None:
        """Do the tasks granted, or give the first one back when its true pay is far too low."""
        batch = self.proposal
        if not self.granted:
            return
        start, done, seconds = self.duty - self.left, self.granted, self.task_seconds
        if self.id not in batch.takers and self.gives_back(batch):
            batch.returned_by.add(self.id)
            done, seconds = 0, int(seconds * self.model.config.market.return_share + 0.5)
            self.left -= seconds
        else:
            batch.hand_out(self, done)
            self.left -= done * seconds
            self.fruitless = 0
            self.served = True
        self.board.works.append(Work(self, batch, done, seconds, start, self.duty - self.left))

    def gives_back(self, batch: Batch) -> bool:
        """Say whether true pay, seen when the first task is begun, is far below the reservation wage."""
        true_pay = batch.log_true_pay + self.log_speed_now + self.pace_at(batch) + self.platform.log_keep
        return true_pay < self.log_reservation + self.model.log_return_ratio

    def take_result(self, work: Work, accepted: int, net: int, exposure: int) -> None:
        """Note the outcome of a review and the pay: in the approval record, the week, the history."""
        rejected, own = work.done - accepted, work.seconds
        self.accepted += accepted
        self.rejected += rejected
        self.week_pay = min(MOST_WEEK_PAY, self.week_pay + net)
        self.week_seconds += work.done * own
        self.week_paid_seconds += accepted * own
        self.model.earnings[self.country, self.segment].pay[self.model.utc_hour] += net
        self.record(
            pay=net, paid_seconds=accepted * own, rejected_seconds=rejected * own,
            exposure_seconds=exposure, tasks_accepted=accepted, tasks_rejected=rejected,
        )  # fmt: skip

    def lose_time(self, seconds: int) -> None:
        """Note the time spent on a task that was given back."""
        self.week_seconds += seconds
        self.record(returned_seconds=seconds)

    def account_for_time(self) -> None:
        """Note the hour's time on duty, and what of it went into searching or was left."""
        if not self.duty:
            return
        model = self.model
        night = self.duty if model.is_night(self.zone) else 0
        self.board.count(self, duty=self.duty, search=self.searched, idle=self.left, night=night, on_duty=1)
        model.earnings[self.country, self.segment].seconds[model.utc_hour] += self.duty
        self.week_seconds += self.searched
        self.record(search_seconds=self.searched, idle_seconds=self.left, night_seconds=night)

    def end_hour(self) -> None:
        """Go off duty when the session is over or too many hours brought no work."""
        if self.served:
            self.fruitless_hours = 0
        elif self.duty:
            self.fruitless_hours += 1
        out_of_patience = self.fruitless_hours >= self.model.config.workers.patience_hours
        if out_of_patience or self.ends <= 3600 * (self.model.hour + 1):
            self.on_duty = False

    # --- the week ---

    def change_circumstances(self) -> None:
        """Once in a while, find that an hour is worth something else to oneself."""
        mean = self.model.config.learning.circumstances_weeks
        if mean > 0.0 and self.uniform("circumstances", CHANGES) < 1.0 / max(1.0, mean):
            draw = self.uniform("circumstances", ANEW)
            self.log_base_reservation = self.model.base_reservation(self.country, self.habits, draw)

    def learn_pay(self) -> None:
        """Update learned pay, all-in pay and the reservation wage from the week's pay and time."""
        settings = self.model.config.learning
        pay, weight = self.week_pay / MILLION, settings.pay_smoothing
        if self.week_paid_seconds:
            hourly = pay * 3600.0 / self.week_paid_seconds
            self.learned_pay = single(smoothed(self.learned_pay, hourly, weight))
        if self.week_seconds:
            hourly = pay * 3600.0 / self.week_seconds
            self.all_in_pay = single(smoothed(self.all_in_pay, hourly, weight))
        self.log_reservation = self.log_base_reservation
        if self.all_in_pay > 0.0:
            self.take_tools()
            share = settings.reservation_weight
            if self.has_tools:
                share = self.model.config.workers.tool_reservation_weight
            base = exp(self.log_base_reservation)
            self.log_reservation = single(log((1.0 - share) * base + share * self.all_in_pay))

    def record_week(self) -> None:
        """Keep the week's pay in the history."""
        pay = self.week_pay / MILLION
        add(self.history, {"weeks": 1, "weekly_sum": pay, "weekly_squares": pay * pay})

    def judge_week(self) -> None:
        """Count weeks of pay below the outside value; a week without work says nothing."""
        if not self.week_seconds:
            return
        settings = self.model.config.learning
        offset = int(self.uniform("shocks", OFFSET) * settings.outside_shock_weeks)
        period = (self.model.week + offset) // settings.outside_shock_weeks
        shock = settings.outside_shock_sigma * self.normal("shocks", SHOCK + period)
        below = self.all_in_pay < exp(self.log_base_reservation + shock)
        self.weeks_below = min(255, self.weeks_below + 1) if below else 0

    def has_had_enough(self) -> bool:
        """Say whether pay has been too low for enough weeks to leave."""
        return self.week_seconds > 0 and self.weeks_below >= self.model.config.learning.leave_weeks

    def leave(self) -> None:
        """Leave the market: small amounts are forfeited, the registration stays."""
        if self.pending >= self.platform.payout_threshold and self.pending:
            self.take_pay()
        elif self.pending:
            self.model.ledger.transfer("forfeit", self.claim, self.platform.account, self.pending)
        self.active = self.on_duty = False
        self.left_day = self.model.day
        self.begin_week()
        self.model.note_leaver(self)
        self.remove()

    def make_record(self) -> None:
        """Become known on a platform, sooner or later after a move."""
        if self.newcomer and self.uniform("records", 0) < 1.0 / self.model.config.learning.record_weeks:
            self.newcomer = False

    def reconsider(self) -> Platform:
        """Return the platform to work on: sometimes chosen anew."""
        settings = self.model.config.learning
        if self.uniform("switches", RECONSIDERS) >= settings.switch_share:
            return self.platform
        return self.choose_platform(self.platform, settings.switch_inertia)

    def choose_platform(self, present: Platform | None = None, inertia: float = 0.0) -> Platform:
        """Logit choice among the platforms that admit the worker, on log expected pay."""
        sensitivity = self.model.config.learning.switch_sensitivity
        options = [platform for platform in self.model.platforms if self.country in platform.worker_countries]
        if not options:
            return self.platform
        utilities = [
            (sensitivity * platform.log_pay[self.country], inertia if platform is present else 0.0)
            for platform in options
        ]
        highest = max(utility + favour for utility, favour in utilities)
        odds = [exp(max(-700.0, utility - highest + favour)) for utility, favour in utilities]
        mark = self.uniform("switches", CHOICE) * added_up(odds)
        for platform, weight in zip(options, odds, strict=True):
            mark -= weight
            if mark < 0.0:
                return platform
        return options[-1]

    def move(self, platform: Platform) -> None:
        """Change to another platform: the old one pays, a session there is over."""
        if self.pending:
            self.take_pay()
        self.on_duty = False
        self.newcomer = True
        self.settle_on(platform)

    def begin_week(self) -> None:
        """Begin a new week of pay and time."""
        self.week_pay = self.week_seconds = self.week_paid_seconds = 0


# --- the model ----------------------------------------------------------------------------------


def admitted(world: World, listed: Sequence[str], excluded: Sequence[str]) -> list[int]:
    """Return the countries of a platform's list; without one, all that are not excluded."""
    codes = listed or [code for code in world.codes if code not in excluded]
    return [world.codes.index(code) for code in codes]


def expected_shares(config: Config, world: World) -> list[float]:
    """Share of the first workers on each platform; where work is local, in its largest country."""
    platforms = list(config.platforms.values())
    reach = [admitted(world, p.worker_countries, p.excluded_countries) for p in platforms]
    public = [p for p, platform in enumerate(platforms) if platform.family == "microwork"]
    by_openness = sorted(public, key=lambda p: platforms[p].pool_share > 0.0)
    shares = [0.0] * len(platforms)
    open_pool = 1.0 - added_up(platform.pool_share for platform in platforms)
    for country, share in enumerate(world.worker_share.tolist()):
        home = next((p for p in by_openness if country in reach[p]), None)
        if home is not None:
            shares[home] += open_pool * share
    for p, platform in enumerate(platforms):
        shares[p] += platform.pool_share
    total = added_up(shares)
    users = (world.population * world.internet_share).tolist()
    for p, platform in enumerate(platforms):
        if platform.family == "on_demand":
            there = [users[country] for country in reach[p]]
            shares[p] *= max(there) / added_up(there)
    return [share / total for share in shares]


def attraction(earnings: Earnings, sharpness: int) -> list[float]:
    """Cumulative weights of the 24 UTC hours: pay per second on duty to a power; untried hours are mean."""
    total_pay, total_seconds = added_up(earnings.pay), added_up(earnings.seconds)
    average = total_pay / max(total_seconds, 1.0) if total_seconds > 0 else 0.0
    running, total = [], 0.0
    for pay, seconds in zip(earnings.pay, earnings.seconds, strict=True):
        rate = pay / max(seconds, 1e-9) if seconds > 0 else average
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

    A subclass that names other classes of agents changes their rules.
    """

    worker_class, requester_class = Worker, Requester
    platform_class, board_class = Platform, Board

    def __init__(
        self, config: Config, population: Population, native_random: bool = False, log_events: bool = False
    ) -> None:
        super().__init__(rng=config.seed)
        self.config = config
        self.world = load_world(config.world.table)
        self.clock = Clock(
            dt.date.fromisoformat(config.time.start), self.world.zones, config.time.daylight_saving
        )
        self.draws: Any = NativeDraws(self.random) if native_random else draws
        self.keys: dict[str, int] = {}
        self.renew_keys("run", 0)
        self.observers: list[Any] = []
        self.events: list[tuple[Any, ...]] | None = [] if log_events else None
        self.hour = self.day = self.week = self.utc_hour = 0
        self.recording = self.records_workers = False
        self.first_recorded_hour = 24 * config.time.warmup_days
        self.last_hour = 24 * (config.time.warmup_days + config.time.days)
        record = config.record.workers
        self.keeps_history = record == "full" or (record == "auto" and config.workers.count <= MILLION)
        self.ledger = Ledger(len(self.world.codes))
        self.set_rules()
        self.make_agents(population)
        self.set_expectations()

    def renew_keys(self, clock: str, time: int) -> None:
        """Make the keys of the streams whose draws change with a clock."""
        for stream in STREAMS[clock]:
            self.keys[stream] = stream_key(self.config.seed, stream_number(stream), time)

    def set_rules(self) -> None:
        """Look up once what does not change in a run."""
        market = self.config.market
        self.segments = list(self.config.segments.values())
        self.tasks = [
            Task(number, task, market.exposure_discount * task.exposure)
            for number, task in enumerate(self.config.task_types.values())
        ]
        self.log_return_ratio = log(market.return_ratio) if market.return_ratio > 0 else -1e300

    def make_agents(self, population: Population) -> None:
        """Make agents of the population's tables."""
        config, world = self.config, self.world
        shares = expected_shares(config, world)
        for number, (name, platform) in enumerate(config.platforms.items()):
            expected = config.workers.count * shares[number] / config.market.workers_per_board
            tiles = config.market.boards or max(1, math.ceil(expected))
            self.platform_class(self, number, name, platform, tiles)
        self.platforms = self.agents_by_type[self.platform_class]
        self.boards = self.agents_by_type[self.board_class]
        for country in range(len(world.codes)):
            Government(self, country)
        self.brokers = [Collective(self, k, row) for k, row in enumerate(rows_of(population.collectives))]
        for row, mix in zip(rows_of(population.requesters), population.mixes.tolist(), strict=True):
            self.requester_class(self, row, mix)
        people = rows_of(unpacked(population.workers))
        self.everyone = [self.worker_class(self, row["number"], row) for row in people]
        self.requesters, self.collectives, self.governments, self.workers = (
            self.agents_by_type.get(kind, AgentSet([], random=self.random))
            for kind in (self.requester_class, Collective, Government, self.worker_class)
        )
        self.workers.select(lambda worker: not worker.active).do("remove")
        self.pools = population.pools.tolist()

    def set_expectations(self) -> None:
        """Set what people believe before anything has happened, and tables for those who join."""
        world = self.world
        countries = range(len(world.codes))
        self.joiners = [0 for _ in countries]
        self.joined_today: Counter[tuple[int, int]] = Counter()
        self.left_today: Counter[tuple[int, int]] = Counter()
        present = self.present()
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
        self.outside_value = [self.expected_reservation(country) for country in countries]
        self.reported_pay = list(self.outside_value)
        tables = make_tables(self.config, world)
        self.outside = None if tables.outside is None else tables.outside.tolist()
        self.offered, expected = tables.offered.tolist(), tables.expected.tolist()
        self.first_active = [present[c] or min(1.0, expected[c]) for c in countries]
        flat = attraction(Earnings(), 0)
        self.best_hours = [[flat for _ in self.segments] for _ in countries]
        self.earnings: dict[tuple[int, int], Earnings] = defaultdict(Earnings)
        self.known_earnings: dict[tuple[int, int], Earnings] = defaultdict(Earnings)

    def expected_reservation(self, country: int) -> float:
        """Mean over segments of the median reservation wage of a country."""
        need = self.config.workers.need_usd_per_hour * float(self.world.price_level[country])
        total = before = 0.0
        for share, segment in zip(self.segment_shares[country], self.segments, strict=True):
            median = segment.reservation_ratio * float(self.world.outside_wage_usd[country])
            total += (share - before) * max(median, need)
            before = share
        return total

    # --- who there is ---

    def present(self) -> Counter[int]:
        """Count the active workers by country."""
        return Counter(self.workers.get("country"))

    # --- the hour ---

    def step(self) -> None:
        """Play one hour."""
        self.read_clock()
        self.requesters.do("post")
        self.boards.do("open_incoming")
        self.boards.do("close_finished")
        awake = self.call_on_duty()
        self.boards.do("search")
        self.boards.do("settle")
        self.ledger.check()
        for observer in self.observers:
            observer.hour(self)
        awake.do("end_hour")
        self.hour += 1
        if self.hour % 24 == 0:
            self.end_day()

    def run(self, hours: int | None = None) -> None:
        """Play some hours; to the end of the configured time if none are given."""
        for _ in range(self.last_hour - self.hour if hours is None else hours):
            self.step()

    def read_clock(self) -> None:
        """Begin the hour, and what else begins with it: a month, a week, a day."""
        self.utc_hour = self.hour % 24
        self.recording = self.hour >= self.first_recorded_hour
        self.records_workers = self.recording and self.keeps_history
        self.renew_keys("hour", self.hour)
        if self.utc_hour:
            return
        self.day = self.hour // 24
        self.local_hours = self.clock.local_hour(self.day).tolist()
        self.local_weekdays = self.clock.local_weekday(self.day).tolist()
        self.start_utc = [first_utc_hours(hours) for hours in self.local_hours]
        if self.hour and self.clock.is_month_start(self.hour):
            self.end_month()
        if self.hour and self.clock.is_week_start(self.hour):
            self.end_week()
        self.begin_day()

    def local_hour(self, zone: int) -> int:
        """Return the hour of the day in a zone."""
        return self.local_hours[zone][self.utc_hour]

    def local_weekday(self, zone: int) -> int:
        """Return the day of the week in a zone, Monday being 0."""
        return self.local_weekdays[zone][self.utc_hour]

    def is_night(self, zone: int) -> bool:
        """Say whether it is night in a zone."""
        return not 6 <= self.local_hour(zone) < 22

    def call_on_duty(self) -> AgentSet:
        """Wake those whose session is in progress or begins, those who began first before others."""
        awake = self.workers.select(lambda worker: worker.is_awake())
        awake = awake.do("begin_hour").sort("began", ascending=True)
        on_duty = awake.groupby("board").groups
        for board in self.boards:
            board.on_duty = on_duty.get(board, AgentSet([], random=self.random))
        return awake

    def log(self, board: Board, work: Work, kind: int, accepted: int) -> None:
        """Keep a piece of work, if that is asked for."""
        if self.events is not None:
            self.events.append(
                (
                    *(self.hour, board.platform.name, work.worker.id, work.batch.id, kind),
                    *(work.done, accepted, work.seconds, work.start, work.end),
                )
            )

    # --- the day ---

    def begin_day(self) -> None:
        """Pay out what is due, recount the money, draw who works today."""
        self.renew_keys("day", self.day)
        if self.day:
            self.workers.select(lambda worker: worker.platform.pays_out(worker)).do("take_pay")
        self.recount()
        self.workers.do("plan_day")

    def end_day(self) -> None:
        """Add up the day and hand it over."""
        self.platforms.do("add_up_day")
        for observer in self.observers:
            observer.day(self)
        self.boards.do("begin_day")
        self.joined_today.clear()
        self.left_today.clear()

    def recount(self) -> None:
        """Add up every account of every sector."""
        members = [*self.platforms, *self.requesters, *self.collectives, *self.governments, *self.everyone]
        batches = [batch for board in self.boards for batch in (*board.newest, *board.exhausted)]
        claims = [worker.claim for worker in self.everyone]
        self.ledger.recount([*(owner.account for owner in (*members, *batches)), *claims])

    # --- the week ---

    def end_week(self) -> None:
        """Workers learn, leave, move and join; requesters revise pay and demand."""
        self.renew_keys("week", self.week)
        self.workers.do("change_circumstances")
        self.workers.do("learn_pay")
        if self.keeps_history and self.hour - 7 * 24 >= self.first_recorded_hour:
            self.workers.do("record_week")
        self.learn_hours()
        self.workers.do("judge_week").select(lambda worker: worker.has_had_enough()).do("leave")
        self.report_pay()
        self.platforms.do("learn_pay")
        for worker in self.everyone:
            worker.make_record()
        self.let_move()
        self.let_join()
        self.requesters.do("revise_pay").do("revise_demand")
        self.workers.do("begin_week")
        self.week += 1

    def learn_hours(self) -> None:
        """Learn which hours pay best, by country and segment."""
        learning = self.config.learning
        weight = learning.hours_smoothing
        for group in self.known_earnings.keys() | self.earnings.keys():
            known, week = self.known_earnings[group], self.earnings[group]
            for hour in range(24):
                known.pay[hour] += weight * (week.pay[hour] - known.pay[hour])
                known.seconds[hour] += weight * (week.seconds[hour] - known.seconds[hour])
            country, segment = group
            self.best_hours[country][segment] = attraction(known, learning.hours_sharpness)
        self.earnings.clear()

    def note_leaver(self, worker: Worker) -> None:
        """Count somebody who leaves; the registration may be taken up again."""
        self.pools[worker.country] += 1
        self.left_today[worker.platform.number, worker.country] += 1

    def report_pay(self) -> None:
        """Spread the word of what an hour on duty brought in each country, on all platforms."""
        for country in range(len(self.world.codes)):
            pay = sum(platform.week_pay[country] for platform in self.platforms)
            seconds = sum(platform.week_seconds[country] for platform in self.platforms)
            if seconds:
                self.reported_pay[country] = pay * 3600.0 / (seconds * 1e6)

    def let_move(self) -> None:
        """Some workers reconsider where they work."""
        for worker, platform in [(worker, worker.reconsider()) for worker in self.workers]:
            if platform is not worker.platform:
                worker.move(platform)

    def let_join(self) -> None:
        """People of the registered pools hear about pay; those whom it satisfies join."""
        present = self.present()
        for country, pool in enumerate(self.pools):
            if pool:
                hears = self.hear_of_work if self.outside is None else self.change_outside
                mean, shares, willing = hears(country, pool, present[country])
                draw = self.draws.uniform(self.keys["joins"], country, 0)
                for _ in range(min(pool, poisson(draw, min(mean, float(pool))))):
                    self.add_worker(country, shares, willing)

    def hear_of_work(self, country: int, pool: int, present: int) -> tuple[float, list[float], list[float]]:
        """Return how many of the willing join if a share of them does, told by those who are there.

        Beside it: cumulative shares of segments among them, and the share of each segment that is willing.
        """
        willing = self.willing(country)
        contact = present / max(1.0, self.first_active[country])
        mean = pool * self.config.learning.join_rate * contact * willing
        return mean, self.segment_shares[country], [willing] * len(self.segments)

    def change_outside(self, country: int, pool: int, present: int) -> tuple[float, list[float], list[float]]:
        """Return the same if circumstances change outside the market as they do inside."""
        heard = self.reported_pay[country] if present else self.offered[country]
        willing = [self.willing_of(country, segment, heard) for segment in self.segments]
        others = added_up(self.outside[country])
        outside = min(float(pool), self.first_active[country] * (1.0 + others) - present)
        coming = [one * share for one, share in zip(self.outside[country], willing, strict=True)]
        if outside <= 0.0 or not any(coming):
            return 0.0, self.segment_shares[country], willing
        weeks = max(1.0, self.config.learning.circumstances_weeks)
        return outside * added_up(coming) / others / weeks, running_shares(coming), willing

    def willing_of(self, country: int, segment: Any, heard: float) -> float:
        """Return the share of a country's segment that asks no more than the pay that is heard of."""
        workers, world = self.config.workers, self.world
        need = workers.need_usd_per_hour * float(world.price_level[country])
        pay = log(max(1e-6, heard))
        if need > 0.0 and log(need) > pay:
            return 0.0
        gap = pay - log(segment.reservation_ratio * float(world.outside_wage_usd[country]))
        sigma = workers.reservation_log_sigma
        return normal_cdf(gap / sigma) if sigma > 0.0 else float(gap >= 0.0)

    def willing(self, country: int) -> float:
        """Return the share of a country's people who would work for the pay they hear of."""
        sigma = self.config.workers.reservation_log_sigma
        gap = log(max(1e-6, self.reported_pay[country])) - log(self.outside_value[country])
        return normal_cdf(gap / sigma) if sigma > 0.0 else float(gap >= 0.0)

    def add_worker(self, country: int, shares: Sequence[float], willing: Sequence[float]) -> None:
        """Let one of the willing people of a country's pool join, on the platform of their choice."""
        number = (country + 1) * LOW_WORD + JOINED_LATER + self.joiners[country]
        worker = self.worker_class(self, number, self.traits(number, country, shares, willing))
        worker.settle_on(worker.choose_platform())
        worker.joined_day = self.day
        self.everyone.append(worker)
        self.joiners[country] += 1
        self.pools[country] -= 1
        self.joined_today[worker.platform.number, country] += 1

    def base_reservation(self, country: int, segment: Any, draw: float) -> float:
        """Return the log of the least that an hour must bring somebody, a draw among people of a kind."""
        workers, world = self.config.workers, self.world
        need = workers.need_usd_per_hour * float(world.price_level[country])
        base = log(segment.reservation_ratio * float(world.outside_wage_usd[country]))
        base += workers.reservation_log_sigma * normal_quantile(draw)
        return single(max(base, log(need)) if need > 0.0 else base)

    def traits(
        self, number: int, country: int, shares: Sequence[float], willing: Sequence[float]
    ) -> dict[str, Any]:
        """Draw the traits of one person of a country, one of the share of the segment who ask least."""
        workers, world = self.config.workers, self.world

        def draw(what: int) -> float:
            return self.draws.uniform(self.keys["traits"], number, what)

        s = bracket(shares, draw(T_SEGMENT))
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
        base = self.base_reservation(country, segment, willing[s] * draw(T_RESERVATION))
        hours = segment.desired_hours_median * exp(
            segment.desired_hours_log_sigma * normal_quantile(draw(T_HOURS))
        )
        look = workers.look_seconds_median * exp(
            workers.look_seconds_log_sigma * normal_quantile(draw(T_LOOK))
        )
        brokers = [broker.id for broker in self.brokers if broker.country == country]
        in_collective = segment.collective_size > 0 and brokers
        patience = workers.patience_low + int(
            draw(T_PATIENCE) * (workers.patience_high - workers.patience_low + 1)
        )
        return {
            "pending": 0, "balance": 0, "log_base_reservation": base, "log_reservation": base,
            "log_speed": single(workers.speed_log_sigma * normal_quantile(draw(T_SPEED))),
            "learned_pay": UNKNOWN, "all_in_pay": UNKNOWN, "week_pay": 0, "accepted": 0, "rejected": 0,
            "week_seconds": 0, "week_paid_seconds": 0, "session_start": -1_000_000, "session_minutes": 0,
            "collective": brokers[int(draw(T_COLLECTIVE) * len(brokers))] if in_collective else -1,
            "look_seconds": max(1, min(3600, half_up(look))),
            "desired_minutes": max(3, min(6720, half_up(hours * 60.0))), "country": country,
            "zone": self.zones[country][bracket(self.zone_shares[country], draw(T_ZONE))], "segment": s,
            "bits": bits, "newcomer": 0, "platform": 0, "skill": skill, "patience": patience,
            "weeks_below": 0, "accuracy": max(0, min(255, half_up(accuracy * 255.0))),
        }  # fmt: skip

    # --- the month ---

    def end_month(self) -> None:
        """Incomes are spent, platforms close their books, the flow matrix is handed over."""
        for worker in self.everyone:  # those who left may still have money
            worker.spend("spending")
        self.collectives.do("spend", "broker_spending")
        self.platforms.do("close_books")
        flows = self.ledger.close_month()
        period = self.clock.month_key(self.hour - 1)
        for observer in self.observers:
            observer.month(self, period, flows)
