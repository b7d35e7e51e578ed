"""What must hold of one market, as functions: tests call them compiled, planted bugs small and plain.

Each takes a configuration, raises ``AssertionError`` or ``ModelError`` where something is wrong, and returns
how much it looked at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

from sim.config import Config
from sim.market import board as boards
from sim.model import ClickWorkModel
from tests.support.markets import fingerprint, run, tiny
from tests.support.observers import (
    NUMBERS,
    ROUNDING,
    Books,
    Debug,
    People,
    Queue,
    Watcher,
)

FAULTS = (AssertionError, RuntimeError)
"""What a check raises when it has found something: a `ModelError` is a `RuntimeError`."""

Counts = Counter[str]


def watched(config: Config, *observers: Any) -> Counts:
    """Run a market under observers; return what they counted together."""
    run(config, observers=observers)
    return sum((observer.counts for observer in observers), Counter())


def debug_mode(config: Config) -> Counts:
    """Every check of debug mode, every hour."""
    return watched(config, Debug())


def books(config: Config) -> Counts:
    """Conservation, double entry and signs, account by account, every hour."""
    model = ClickWorkModel(config)
    second = Books().attach(model)
    model.run()
    assert second.counts["hours"] == model.hour
    return second.counts


def roundings(config: Config) -> Counts:
    """The rounding account holds less than a micro-dollar a rounding, and the rest is split as said.

    Both sides of the fee on workers, of the broker's cut and of the fee on requesters are computed again in
    exact fractions from what was accepted.
    """
    model = ClickWorkModel(config)
    second = Books().attach(model)
    exact = ExactFees()
    model.observers.append(exact)
    model.run()
    held = int(model.ledger.totals[ROUNDING])
    assert 0 <= held <= second.roundings, (
        f"the rounding account holds {held} after {second.roundings} roundings"
    )
    assert second.largest_rounding <= 2
    exact.compare(model)
    return Counter(roundings=second.roundings, micro_dollars=held) + exact.counts


class ExactFees(Watcher):
    """Fees and cuts in exact fractions: the payer's side must be rounded up, the receiver's down."""

    def __init__(self) -> None:
        super().__init__()
        self.platform_takes = 0
        self.broker_takes = 0
        self.net_pay = 0
        self.residue = 0
        self.done: dict[int, tuple[int, int, int]] = {}

    def hour(self, model: Any) -> None:
        """Work out what the hour's events must have been settled for."""
        for board in model.boards:
            fee_share = Fraction(int(model.platform_rows["worker_fee_ppm"][board.platform]), 10**6)
            cut_share = Fraction(int(model.platform_rows["broker_cut_ppm"][board.platform]), 10**6)
            for row in board.finished[: int(board.state[boards.FINISHED_COUNT])]:
                reward, ppm, _ = self.done.get(int(row["id"]), (0, 0, 0))
                whole = Fraction(reward * int(row["accepted"]) * ppm, 10**6)
                self.residue += whole.denominator > 1
            for event in board.events[: int(board.state[boards.EVENTS])]:
                batch = board.batches[event["slot"]]
                gross = int(event["accepted"]) * int(batch["reward"])
                worker = model.worker_rows[board.active["row"][event["active"]]]
                fee = fee_share * gross
                charged = -(-fee.numerator // fee.denominator)
                cut = cut_share * (gross - charged) if worker["collective"] >= 0 else Fraction(0)
                self.platform_takes += fee.numerator // fee.denominator
                self.broker_takes += cut.numerator // cut.denominator
                self.net_pay += gross - charged - -(-cut.numerator // cut.denominator)
                self.done[int(batch["id"])] = (
                    int(batch["reward"]),
                    int(batch["fee_ppm"]),
                    int(batch["accepted"]),
                )
                self.counts["settlements"] += 1
                self.counts["settlements that need rounding"] += fee.denominator > 1 or cut.denominator > 1

    def compare(self, model: Any) -> None:
        """Hold the whole run's sums against the flow matrix (of a run inside one month)."""
        flows = {kind: int(model.ledger.flows[number].sum()) for kind, number in NUMBERS.items()}
        assert flows["worker_fee"] == self.platform_takes
        assert flows["broker_cut"] == self.broker_takes
        assert flows["escrow_rounding"] == self.residue
        assert int(model.history_rows["pay"].sum()) == self.net_pay
        fees = [Fraction(reward * accepted * ppm, 10**6) for reward, ppm, accepted in self.done.values()]
        assert flows["requester_fee"] == sum(fee.numerator // fee.denominator for fee in fees)


def minutes(config: Config) -> Counts:
    """Nobody is on duty beyond an hour in an hour or beyond the cap in 24; the sums of time agree.

    Debug mode checks every worker and hour; here the worker's own sums over the run are held against the
    tallies of the boards and against the cap of every calendar day.
    """
    model = ClickWorkModel(config)
    debug, time = Debug(), TimeSums()
    model.observers.extend([debug, time])
    model.run()
    time.compare(model)
    return debug.counts + time.counts


class TimeSums(Watcher):
    """Time by kind, from the boards' tallies and for each worker by day."""

    KINDS: ClassVar[dict[str, int]] = {
        "paid_seconds": boards.PAID,
        "search_seconds": boards.SEARCH,
        "returned_seconds": boards.RETURNED_TIME,
        "rejected_seconds": boards.REJECTED_TIME,
        "idle_seconds": boards.IDLE,
        "night_seconds": boards.NIGHT,
        "exposure_seconds": boards.EXPOSURE,
    }

    def __init__(self) -> None:
        super().__init__()
        self.sums: Counter[str] = Counter()
        self.today: Counter[int] = Counter()

    def hour(self, model: Any) -> None:
        """Add the hour's tallies and everyone's duty."""
        for board in model.boards:
            hour = board.tally[model.utc_hour].sum(axis=0)
            self.sums.update({name: int(hour[column]) for name, column in self.KINDS.items()})
            self.sums["duty"] += int(hour[boards.DUTY])
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                self.today[int(entry["id"])] += int(entry["duty"])

    def day(self, model: Any) -> None:
        """Check the cap of the day."""
        cap = 3600 * model.config.workers.daily_hours_cap
        assert max(self.today.values(), default=0) <= cap, "more hours in a day than the cap"
        self.counts["worker-days"] += len(self.today)
        self.today.clear()

    def compare(self, model: Any) -> None:
        """Hold the sums of the tallies against the workers' own."""
        for name in self.KINDS:
            own = int(model.history_rows[name].sum())
            assert own == self.sums[name], f"{name}: workers {own}, boards {self.sums[name]}"
        parts = ("paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds", "idle_seconds")
        assert sum(self.sums[name] for name in parts) == self.sums["duty"], (
            "time by kind against time on duty"
        )
        assert 0 < self.sums["night_seconds"] < self.sums["duty"]


def assignments(config: Config) -> Counts:
    """Accepted, rejected, expired and open are all that was posted; each worker once on a task.

    Tasks done by each worker of each batch are counted from the events, apart from the boards' own table.
    """
    model = ClickWorkModel(config)
    count = AssignmentCount()
    model.observers.append(count)
    model.run()
    count.compare(model)
    return count.counts


class AssignmentCount(Watcher):
    """Assignments of every batch, followed from posting to the end by events alone."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[int, int] = {}
        self.done: Counter[int] = Counter()
        self.by_worker: Counter[tuple[int, int]] = Counter()
        self.returned: set[tuple[int, int]] = set()
        self.closed: dict[int, int] = {}
        self.takers: dict[int, set[int]] = {}

    def hour(self, model: Any) -> None:
        """Follow new batches, events and closings."""
        for board in model.boards:
            for batch in board.batches[
                (board.batches["open"] > 0) & (board.batches["posted_hour"] == model.hour)
            ]:
                self.posted[int(batch["id"])] = int(batch["assignments"])
            for event in board.events[: int(board.state[boards.EVENTS])]:
                batch, entry = board.batches[event["slot"]], board.active[event["active"]]
                pair = int(batch["id"]), int(entry["id"])
                assert pair not in self.returned, f"{pair}: work on a batch whose task was given back"
                if event["kind"] == boards.RETURN:
                    assert self.by_worker[pair] == 0, f"{pair}: a later task was given back"
                    self.returned.add(pair)
                    self.counts["returned tasks"] += 1
                    continue
                self.done[pair[0]] += int(event["done"])
                self.by_worker[pair] += int(event["done"])
                self.takers.setdefault(pair[0], set()).add(pair[1])
                self.counts["events"] += 1
                assert self.by_worker[pair] <= int(batch["tasks"]), f"{pair}: twice on a task"
            for row in board.finished[: int(board.state[boards.FINISHED_COUNT])]:
                self._close(row)

    def _close(self, row: Any) -> None:
        number = int(row["id"])
        assert number not in self.closed, f"batch {number} was closed twice"
        total = int(row["tasks"]) * int(row["assignments_per_task"])
        self.closed[number] = total
        handed_in = int(row["accepted"]) + int(row["rejected"])
        assert handed_in + int(row["expired"]) == total, (
            f"batch {number}: {handed_in} and {row['expired']} of {total}"
        )
        assert handed_in == self.done[number], (
            f"batch {number}: {handed_in} handed in, {self.done[number]} events"
        )
        assert int(row["workers"]) == len(self.takers.get(number, ())), f"batch {number}: workers"
        self.counts["finished batches"] += 1
        self.counts["expired assignments"] += int(row["expired"])
        self.counts["batches of several workers a task"] += int(row["assignments_per_task"]) > 1

    def compare(self, model: Any) -> None:
        """Hold all that was posted against what happened to it."""
        still_open = 0
        for board in model.boards:
            batches = board.batches[board.batches["open"] > 0]
            for batch, left in zip(batches, board.listings["left"][board.batches["open"] > 0], strict=True):
                number = int(batch["id"])
                assert number not in self.closed
                assert int(left) + self.done[number] == int(batch["assignments"]), f"batch {number}: left"
                still_open += int(left)
        posted = sum(self.posted.values())
        rows = model.requester_rows
        assert posted == int(rows["posted"].sum()), "assignments posted"
        assert len(self.posted) == int(rows["batches"].sum()), "batches posted"
        assert posted == sum(self.done.values()) + self.counts["expired assignments"] + still_open
        self.counts["assignments"] += posted


def little(config: Config) -> Counts:
    """Assignments waiting, integrated over time, are the sum of their waits, by second and hour."""
    queue = Queue()
    run(config, observers=(queue,))
    queue.check()
    return queue.counts


def people(config: Config) -> Counts:
    """Entrants minus leavers is the change; no id twice; nobody who left works or is paid."""
    return watched(config, People())


def prefix(config: Config) -> Counts:
    """The first hours of a long run are those of a short one."""
    hours = 24 * config.time.days
    longer = replace(config, time=replace(config.time, days=2 * config.time.days))
    assert fingerprint(run(config)) == fingerprint(run(longer, hours=hours)), "a longer run begins otherwise"
    return Counter(hours=hours)


def same_twice(config: Config) -> Counts:
    """Inside one process nothing of one run reaches another."""
    first = fingerprint(run(config))
    other = run(tiny(days=1, table="six_regions", seed=config.seed + 1))
    assert fingerprint(run(config)) == first, "the second run of one process differs"
    return Counter(hours=24 * config.time.days, other_hours=other.hour)


class Stamps(Watcher):
    """The second of every task by batch, from the events, against what is recorded of finished batches."""

    TENTHS: ClassVar = {"t10": 1, "t50": 5, "t90": 9, "t100": 10}

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[int, list[int]] = defaultdict(list)
        self.stretches: Counter[int] = Counter()

    def hour(self, model: Any) -> None:
        """Write down the hour's tasks and look at the batches that left the board in it."""
        for board in model.boards:
            for event in board.events[: int(board.state[boards.EVENTS])]:
                if event["kind"] != boards.RETURN:
                    number = int(board.batches["id"][event["slot"]])
                    own, start = int(event["own_seconds"]), 3600 * model.hour + int(event["start"])
                    self.seconds[number] += [start + own * task for task in range(1, int(event["done"]) + 1)]
                    self.stretches[number] += 1
            for row in board.finished[: int(board.state[boards.FINISHED_COUNT])]:
                self._compare(row)

    def _compare(self, row: Any) -> None:
        number, expired = int(row["id"]), int(row["expired"])
        seconds = sorted(self.seconds[number])
        for name, tenths in self.TENTHS.items():
            needed = -(-(len(seconds) + expired) * tenths // 10)
            expected = seconds[needed - 1] if needed <= len(seconds) else -1
            assert int(row[name]) == expected, f"batch {number}: {name} {row[name]}, not {expected}"
            self.counts[name] += expected >= 0
        hours = int(row["closed_hour"]) - int(row["posted_hour"])
        waited = sum(second - 3600 * int(row["posted_hour"]) for second in seconds) + 3600 * hours * expired
        assert int(row["waited_seconds"]) == waited, (
            f"batch {number}: waited {row['waited_seconds']}, not {waited}"
        )
        self.counts["batches in several stretches"] += self.stretches[number] > 1


def stamps(config: Config) -> Counts:
    """When a batch was done in part and in whole, and how long its tasks waited, to the second."""
    return watched(config, Stamps())


class Sleepers(Watcher):
    """Nobody is on duty at an hour at which all sleep."""

    NIGHT = range(1, 6)

    def hour(self, model: Any) -> None:
        """Look at everybody on duty."""
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                worker = model.worker_rows[entry["row"]]
                local = int(model.local_hours[model.utc_hour, worker["zone"]])
                assert local not in self.NIGHT, f"on duty asleep, at {local} o'clock"
                self.counts["worker-hours"] += 1
                self.counts["worker-hours of the evening"] += local >= 22


def sleep(config: Config) -> Counts:
    """Nobody goes on working when asleep or begins then, if no window of daily life holds these hours."""
    awake = [0.0 if hour in Sleepers.NIGHT else 1.0 for hour in range(24)]
    segments = {
        name: replace(one, window_start=8, window_hours=16, flexibility=0.6, desired_hours_median=40.0)
        for name, one in config.segments.items()
    }
    workers = replace(config.workers, awake_share=awake, night_owls=0.0)
    watcher = Sleepers()
    counts = watched(replace(config, segments=segments, workers=workers), watcher)
    assert watcher.counts["worker-hours of the evening"] > 0
    return counts


CHECKS = {
    check.__name__: check
    for check in (
        debug_mode, books, roundings, minutes, assignments, little, people, prefix, same_twice, stamps, sleep,
    )
}  # fmt: skip
