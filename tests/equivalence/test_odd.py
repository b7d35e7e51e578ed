"""The hour's market written again from docs/odd.md alone, against the kernels: event by event, to the bit.

Only sections 5 and 7.1 to 7.7 and appendix A were read for what is below `written from the ODD`; it imports
the configuration, draws, and the numerical functions of the appendix (which have tests of their own). The
rest hands it the state that section 2 names, before search begins, and compares what it says of the hour:
who did, gave back, was paid and rejected what, and when.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sim.agents.traits import permanent_ids, unpacked
from sim.config import Config
from sim.draws import normal, priority, stream_key, sub_key, uniform
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.numeric import binomial, exp, exponential, log
from tests.conftest import Exercised
from tests.support.markets import tiny

ROOT = Path(__file__).resolve().parent.parent.parent
HOURS = 72

# ---------------------------------------------------------------- written from the ODD

STREAMS = {
    "interruptions": 94704, "noise": 982570, "priority": 198954, "review": 825260, "search": 147859,
    "taste": 529638, "tools": 1023285,
}  # fmt: skip
"""Numbers of streams, by the table of 7.1."""


@dataclass
class Worker:
    """Somebody on duty: the traits of 2.1 that the hour reads, and what 7.5 prepares."""

    traits: dict[str, Any]
    start: int
    minutes: int
    left: int = 0
    fruitless: int = 0
    searched: int = 0
    returned: int = 0
    duty: int = 0
    speed_now: float = 0.0
    trust: float = 1.0
    sigma: float = 0.0
    log_pay: float = 0.0
    rate: float = 0.0
    look: int = 0
    tools: bool = False

    @property
    def id(self) -> int:
        """Identity."""
        return int(self.traits["id"])


@dataclass
class Batch:
    """An open batch, 2.3; ``done_by`` has the assignments that each worker did, -1 if given back."""

    traits: dict[str, Any]
    left: int
    done_by: dict[int, int]


@dataclass(frozen=True)
class Event:
    """A piece of work, or a task given back."""

    worker: int
    batch: int
    tasks: int
    own: int
    begin: int
    end: int
    returned: bool


@dataclass
class Hour:
    """One hour of one tile: 7.5 to 7.7."""

    config: Config
    platform: Any
    hour: int
    workers: list[Worker]
    batches: list[Batch]
    events: list[Event] = field(default_factory=list)

    def key(self, name: str, time: int) -> int:
        """Key of a stream, 7.1."""
        return stream_key(self.config.seed, STREAMS[name], time)

    def prepare(self) -> None:
        """7.5: seconds on duty and what a worker believes."""
        market, workers, learning = self.config.market, self.config.workers, self.config.segments
        key = self.key("interruptions", self.hour)
        names = sorted(learning)
        fee = int(self.platform.worker_fee * 1e6 + 0.5)
        for one in self.workers:
            t = one.traits
            seconds = (
                max(0, min(3600, 60 * one.minutes - 3600 * (self.hour - one.start))) if t["active"] else 0
            )
            segment = learning[names[t["segment"]]]
            risk = segment.interruption_women if t["woman"] else segment.interruption_men
            if uniform(key, one.id, 0) < risk:
                seconds = int(seconds * uniform(key, one.id, 1))
            one.left = one.duty = seconds
            n = t["accepted"] + t["rejected"]
            one.speed_now = t["log_speed"] + workers.speed_gain * n / (n + workers.speed_half_tasks)
            prior = market.rejection_prior * market.rejection_prior_tasks
            believed = (t["rejected"] + prior) / (n + market.rejection_prior_tasks)
            s = market.noise_sigma + (market.noise_experienced_sigma - market.noise_sigma) * n / (
                n + market.noise_half_tasks
            )
            knows = s > 0 and t["learned_pay"] > 0
            spread = market.pay_spread * market.pay_spread
            one.trust = spread / (spread + s * s) if knows else 1.0
            one.sigma = one.trust * s
            keep = log(1 - fee / 1e6)
            one.log_pay = one.trust * (one.speed_now + keep + log(1 - believed))
            if knows:
                one.log_pay = one.log_pay + (1 - one.trust) * log(t["learned_pay"])
            one.rate = (t["accepted"] + 1) / (n + 1)
            one.look = t["look_seconds"]
            one.tools = uniform(self.key("tools", 0), one.id, 0) < workers.tool_share * n / (
                n + workers.tool_half_tasks
            )
            if one.tools:
                one.look = max(1, int(t["look_seconds"] * workers.tool_look_ratio + 0.5))

    def search(self) -> None:
        """7.6: rounds of examine, allocate, do."""
        self.noise = self.key("noise", 0)
        self.orders = [self.order(first) for first in ("posted_hour", "left", "standing")]
        searching = list(self.workers)
        for number in range(self.config.market.max_rounds):
            if not searching or not self.orders[0]:
                break
            proposed = [(one, self.examine(one, number)) for one in searching]
            grants = self.allocate([(one, found) for one, found in proposed if found], number)
            for one, found in proposed:
                if found and grants[one.id] > 0:
                    self.do(one, found[0], grants[one.id], found[2])
            searching = [one for one in searching if self.may_look(one)]
            self.orders = [[batch for batch in order if batch.left > 0] for order in self.orders]

    def order(self, first: str) -> list[Batch]:
        """An order of the board, 7.3."""

        def rank(batch: Batch) -> tuple[int, int]:
            part = batch.left if first == "left" else batch.traits[first]
            return (-(min(part, 2**31 - 1) * 2**32 + batch.traits["hash"]), batch.traits["id"])

        return sorted(self.batches, key=rank)

    def may_look(self, one: Worker) -> bool:
        """Whether there is time and patience for one more look."""
        return bool(one.left >= one.look and one.fruitless < one.traits["patience"])

    def examine(self, one: Worker, number: int) -> tuple[Batch, int, int] | None:
        """Look until a listing is proposed: batch, want, own seconds."""
        key = self.key("search", self.hour)
        for look in range(self.config.market.looks):
            if not self.may_look(one):
                return None
            one.left -= one.look
            one.searched += one.look
            one.fruitless += 1
            batch = self.shown(one, uniform(key, one.id, 64 * number + look))
            if self.qualifies(one, batch) and self.perceived(one, batch) >= one.traits["log_reservation"]:
                own = max(
                    1, int(batch.traits["true_seconds"] * exp(-(one.speed_now + self.pace(one, batch))) + 0.5)
                )
                done = batch.done_by.get(one.id, 0)
                if done < 0:
                    continue
                spell = max(1, int(min(3600, self.spell(one, batch, done)) / own))
                want = min(one.left // own, batch.traits["tasks"] - done, batch.left, spell)
                if want > 0:
                    return batch, want, own
        return None

    def shown(self, one: Worker, u: float) -> Batch:
        """The listing that a draw leads to."""
        p = self.platform
        total = ((p.ranking_newest + p.ranking_largest) + p.ranking_best_paid) + p.ranking_random
        a = min(1.0, p.ranking_newest / total)
        b = min(1.0, (p.ranking_newest + p.ranking_largest) / total)
        c = min(1.0, ((p.ranking_newest + p.ranking_largest) + p.ranking_best_paid) / total)
        newest, largest, best = self.orders
        n = len(newest)
        if one.tools:
            return best[int(exponential(max(1e-18, u)) * self.config.workers.tool_depth) % n]

        def inverse(width: float) -> float:
            return 1.0 / width if width != 0 else 1.0

        if u >= c:
            return newest[int((u - c) * inverse(1 - c) * n) % n]
        order, low, width = (newest, 0.0, a) if u < a else (largest, a, b - a) if u < b else (best, b, c - b)
        return order[int(exponential(max(1e-18, (u - low) * inverse(width))) * p.ranking_depth) % n]

    def qualifies(self, one: Worker, batch: Batch) -> bool:
        """What a batch asks of a worker."""
        t, b = one.traits, batch.traits
        known = 0 if t["newcomer"] else t["accepted"]
        return bool(
            b["countries"] >> t["country"] & 1
            and b["skill"] <= t["skill"]
            and (t["tertiary"] or not b["tertiary"])
            and b["approval_tasks"] <= known
            and b["approval_rate"] <= one.rate
        )

    def perceived(self, one: Worker, batch: Batch) -> float:
        """Perceived log pay."""
        market, b = self.config.market, batch.traits
        stated = log(b["reward"] * 3600 / (b["stated_seconds"] * 1e6))
        error = normal(sub_key(self.noise, b["id"]), one.id, 0)
        kind = self.config.task_types[sorted(self.config.task_types)[b["type"]]]
        taste = normal(self.key("taste", 0), one.id, b["type"])
        return float(
            one.trust * stated + one.log_pay + one.sigma * error + market.taste_sigma * taste
            - market.exposure_discount * kind.exposure
        )  # fmt: skip

    def pace(self, one: Worker, batch: Batch) -> float:
        """Pace of a batch for a worker."""
        return float(
            self.config.market.pace_sigma * normal(sub_key(self.noise, batch.traits["id"]), one.id, 1)
        )

    def spell(self, one: Worker, batch: Batch, done: int) -> float:
        """Seconds that a worker who did some tasks of a batch stays with it."""
        market = self.config.market
        draw = normal(sub_key(self.noise, batch.traits["id"]), one.id, 2 + done)
        return float(60 * market.spell_minutes * exp(market.spell_log_sigma * draw))

    def allocate(self, proposals: list[tuple[Worker, tuple[Batch, int, int]]], number: int) -> dict[int, int]:
        """Grant what is wanted, or by drawn priority."""
        key = self.key("priority", self.hour)
        grants = {}
        for batch in self.batches:
            mine = [(one, want) for one, (proposed, want, _) in proposals if proposed is batch]
            left = batch.left
            if sum(want for _, want in mine) > left:
                mine.sort(key=lambda pair: priority(key, pair[0].id, number))
            for one, want in mine:
                grants[one.id] = min(left, want)
                left -= grants[one.id]
        return grants

    def do(self, one: Worker, batch: Batch, granted: int, own: int) -> None:
        """Do what is granted, or give the first task back."""
        market, b = self.config.market, batch.traits
        begin = one.duty - one.left
        if one.id not in batch.done_by and market.return_ratio > 0:
            fee = int(self.platform.worker_fee * 1e6 + 0.5)
            true = log(b["reward"] * 3600 / (b["true_seconds"] * 1e6))
            shown = true + one.speed_now + self.pace(one, batch) + log(1 - fee / 1e6)
            if shown < one.traits["log_reservation"] + log(market.return_ratio):
                spent = int(own * market.return_share + 0.5)
                one.left -= spent
                one.returned += spent
                batch.done_by[one.id] = -1
                self.events.append(Event(one.id, b["id"], 0, spent, begin, begin + spent, True))
                return
        one.left -= granted * own
        one.fruitless = 0
        batch.left -= granted
        batch.done_by[one.id] = batch.done_by.get(one.id, 0) + granted
        self.events.append(Event(one.id, b["id"], granted, own, begin, begin + granted * own, False))

    def review(self) -> tuple[dict[tuple[int, int, int], int], dict[int, int], dict[int, int]]:
        """7.7: rejected of each piece of work, net pay and seconds of the hour of each worker."""
        key = self.key("review", self.hour)
        by_id = {one.id: one for one in self.workers}
        batches = {batch.traits["id"]: batch.traits for batch in self.batches}
        rejected, net = {}, {one.id: 0 for one in self.workers}
        seconds = {one.id: one.searched + one.returned for one in self.workers}
        fee = int(self.platform.worker_fee * 1e6 + 0.5)
        cut = int(self.config.workers.broker_cut * 1e6 + 0.5)
        for event in self.events:
            if event.returned:
                continue
            one, b = by_id[event.worker], batches[event.batch]
            accuracy = one.traits["accuracy"] / 255
            q = (1 - accuracy) * b["strictness"] + accuracy * b["unfair"]
            lost = binomial(uniform(key, one.id, event.begin), event.tasks, q)
            rejected[event.worker, event.batch, event.begin] = lost
            gross = (event.tasks - lost) * b["reward"]
            to_platform = _up(gross, fee)
            to_broker = _up(gross - to_platform, cut) if one.traits["collective"] >= 0 else 0
            net[one.id] += gross - to_platform - to_broker
            seconds[one.id] += event.tasks * event.own
        return rejected, net, seconds


def _up(amount: int, ppm: int) -> int:
    return -(-amount * ppm // 10**6)


# ---------------------------------------------------------------- the model's state, and what it did


class Watched:
    """Wraps the search of a model: notes the state before an hour, and the events after it."""

    def __init__(self, model: ClickWorkModel) -> None:
        self.model = model
        self.hour: Hour | None = None
        self.inner: Callable[..., int] = model.kernels.search
        model.kernels = replace(model.kernels, search=self.search)

    def search(self, round_number: int, *arguments: Any) -> int:
        """Note the state as the first round begins."""
        if round_number == 0:
            self.hour = state_of(self.model, self.model.boards[0])
        return self.inner(round_number, *arguments)


def state_of(model: ClickWorkModel, board: Any) -> Hour:
    """Return the state of a tile as section 2 names it."""
    rows = model.worker_rows
    workers = []
    for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
        row = rows[int(entry["row"])]
        bits = int(row["bits"])
        told = unpacked(rows[int(entry["row"]) : int(entry["row"]) + 1])
        skill = int(told["skill"][0])
        collective = int(row["collective"])
        if collective >= 0:
            skill = max(skill, int(model.collective_rows["skill"][collective]))
        workers.append(
            Worker(
                {
                    "id": int(entry["id"]), "active": bits & 1, "woman": bits & 2, "tertiary": bits & 4,
                    "newcomer": bits & 128, "segment": int(told["segment"][0]),
                    "country": int(row["country"]),
                    "skill": skill, "collective": collective,
                    "accuracy": int(row["accuracy"]), "patience": int(row["patience"]),
                    "look_seconds": int(row["look_seconds"]), "accepted": int(row["accepted"]),
                    "rejected": int(row["rejected"]), "log_speed": float(row["log_speed"]),
                    "log_reservation": float(row["log_reservation"]),
                    "learned_pay": float(row["learned_pay"]),
                },
                int(entry["start_hour"]),
                int(entry["minutes"]),
            )
        )  # fmt: skip
    of = {int(row): int(entry["id"]) for entry in board.active for row in [entry["row"]]}
    ids = _identities(model)
    batches = []
    for slot in board.orders[0][: int(board.state[boards.OPEN])]:
        batch, listing = board.batches[slot], board.listings[slot]
        requester = model.requester_rows[int(batch["requester"])]
        done, taker = {}, int(batch["first_taker"])
        while taker >= 0:
            part = board.takers[taker]
            count = int(part["done"])
            done[ids.get(int(part["worker"]), of.get(int(part["worker"]), -1))] = (
                -1 if count & boards.RETURNED else count
            )
            taker = int(part["next"])
        batches.append(
            Batch(
                {
                    "id": int(batch["id"]), "posted_hour": int(batch["posted_hour"]),
                    "reward": int(batch["reward"]), "standing": int(batch["standing"]),
                    "hash": int(listing["rank_hash"]), "true_seconds": int(batch["true_seconds"]),
                    "stated_seconds": int(batch["estimated_seconds"]), "tasks": int(batch["tasks"]),
                    "type": int(batch["type"]), "skill": int(listing["skill"]),
                    "tertiary": int(listing["tertiary"]), "countries": int(listing["country_mask"]),
                    "approval_tasks": int(listing["approval_tasks"]),
                    "approval_rate": float(listing["approval_rate"]),
                    "strictness": float(requester["strictness"]), "unfair": float(requester["unfair"]),
                },
                int(listing["left"]),
                done,
            )
        )  # fmt: skip
    platform = next(iter(model.config.platforms.values()))
    return Hour(model.config, platform, model.hour, workers, batches)


def _identities(model: ClickWorkModel) -> dict[int, int]:
    return dict(enumerate(permanent_ids(model.worker_rows[: model.workers_count]).tolist()))


def happened(board: Any, ids: list[int]) -> list[tuple[Event, int]]:
    """Return the events of the model's hour, and how many tasks of each were accepted.

    ``ids`` are of those on duty as the hour began: who goes off duty is gone from the board by now.
    """
    found = []
    for one in board.events[: int(board.state[boards.EVENTS])]:
        returned = bool(one["kind"])
        event = Event(
            ids[int(one["active"])], int(board.batches["id"][one["slot"]]), int(one["done"]),
            int(one["own_seconds"]), int(one["start"]), int(one["end"]), returned,
        )  # fmt: skip
        found.append((event, int(one["accepted"])))
    return found


def config_of(number: int) -> Config:
    """Return a small market with much to reject, give back, and share out."""
    base = tiny(seed=number, workers=40, requesters=8)
    return replace(
        base,
        workers=replace(
            base.workers,
            accuracy_mean=0.7,
            look_seconds_median=20.0,
            speed_half_tasks=20.0,
            tool_share=(0.0, 0.5, 1.0)[number % 3],
            tool_half_tasks=5.0,
        ),
        requesters=replace(base.requesters, strictness_mean=0.4, demand_share=(0.1, 0.3, 1.0)[number % 3]),
        market=replace(base.market, return_ratio=0.9),
        platforms={
            name: replace(one, worker_fee=(0.0, 0.1)[number % 2], ranking_depth=3.0)
            for name, one in base.platforms.items()
        },
    )


def docked(model: ClickWorkModel) -> dict[str, int]:
    """Play hours side by side; return how much was compared, or raise at the first difference."""
    watched = Watched(model)
    counts = dict.fromkeys(("hours", "work", "returned", "rejected", "paid"), 0)
    board = model.boards[0]
    for _ in range(HOURS):
        watched.hour = None
        before = model.worker_rows[["week_pay", "week_seconds"]][: model.workers_count].copy()
        model.run(1)
        mine = watched.hour
        if mine is None:
            continue
        mine.prepare()
        mine.search()
        rejected, net, seconds = mine.review()
        theirs = happened(board, [one.id for one in mine.workers])
        assert mine.events == [event for event, _ in theirs], f"hour {mine.hour}"
        for event, accepted in theirs:
            if not event.returned:
                lost = rejected[event.worker, event.batch, event.begin]
                assert event.tasks - accepted == lost, f"hour {mine.hour}, {event}"
                counts["rejected"] += lost
        counts["hours"] += 1
        counts["work"] += sum(not event.returned for event in mine.events)
        counts["returned"] += sum(event.returned for event in mine.events)
        rows = {identity: row for row, identity in _identities(model).items()}
        if mine.hour % 168 == 0 and mine.hour:
            continue  # a new week has begun
        for one in mine.workers:
            row = rows[one.id]
            now = model.worker_rows[row]
            assert int(now["week_pay"]) - int(before["week_pay"][row]) == net[one.id]
            assert int(now["week_seconds"]) - int(before["week_seconds"][row]) == seconds[one.id]
            counts["paid"] += net[one.id] > 0
    return counts


@pytest.mark.parametrize("number", range(1, 7))
def test_the_hour_written_from_the_odd_is_the_hour(number: int, exercised: Exercised) -> None:
    """Every piece of work, task given back, rejection and net pay of 72 hours is the same, in order."""
    counts = docked(ClickWorkModel(config_of(number)))
    exercised("hours", counts["hours"], 40)
    exercised("pieces of work", counts["work"], 20)
    exercised("net pays", counts["paid"], 20)
    exercised("tasks rejected", counts["rejected"], 1)
    exercised("tasks given back", counts["returned"], 0)


PLANTS = (
    ("workers", "patience", 1),
    ("workers", "log_speed", 0.1),
    ("batches", "tasks", -1),
    ("batches", "unfair", 0.5),
)
"""Differences of state: of whom, what, by how much."""


@pytest.mark.parametrize(("whose", "what", "more"), PLANTS)
def test_a_difference_in_one_number_is_seen(
    whose: str, what: str, more: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each planted difference of state makes the comparison fail."""
    inner = state_of

    def planted(model: ClickWorkModel, board: Any) -> Hour:
        hour = inner(model, board)
        for one in getattr(hour, whose):
            one.traits[what] += more
        return hour

    monkeypatch.setitem(globals(), "state_of", planted)
    with pytest.raises(AssertionError):
        docked(ClickWorkModel(config_of(2)))


# ---------------------------------------------------------------- the table of draws


def untold(text: str) -> list[str]:
    """Return draws that the text makes and the table of 7.1, which has every draw there is, does not know."""
    rows = {
        found[1]: [cell.strip() for cell in line.split("|")[2:-1]]
        for line in text.splitlines()
        if (found := re.match(r"\| `([a-z]+)` \(\d+\) \|", line))
    }
    made = {(name, int(number)) for name, number in re.findall(r"uniform\((\w+)[^;()]*; \w+, (\d+)\)", text)}
    made |= {("batches", int(number)) for number in re.findall(r"`[^`]*\bu_(\d)\b", text)}
    agents = re.search(r"\*\*Requesters\*\*.*?\*Truncated sizes", text, re.DOTALL)
    assert agents is not None
    made |= {("requesters", int(number)) for number in re.findall(r"T\(r, (\d+)\)", agents[0])}

    def knows(name: str, number: int) -> bool:
        told = rows[name][1 if name == "batches" else 2]
        ranges = re.findall(r"\b(\d+)-(\d+)\b", told)
        return any(int(low) <= number <= int(high) for low, high in ranges) or (
            re.search(rf"(?<![-\d]){number}(?![-\d])", told) is not None
        )

    return sorted(f"{name} {number}" for name, number in made if not knows(name, number))


PLANTED_GAPS = {
    "duty 5": (", 5 hour of the own window |", " |"),
    "requesters 4": ("0-4 dimensions, 100", "0-3 dimensions, 100"),
    "batches 9": (", 9 the part of a task in a size |", " |"),
    "votes 1": ("0 takes part, 1 would carry others (7.14) |", "0 |"),
}


def test_the_table_of_draws_has_every_draw_of_the_text(exercised: Exercised) -> None:
    text = (ROOT / "docs" / "odd.md").read_text(encoding="utf-8")
    assert untold(text) == []
    for name, (there, without) in PLANTED_GAPS.items():
        assert untold(text.replace(there, without)) == [name]
    exercised("draws left out and found", len(PLANTED_GAPS), at_least=4)
