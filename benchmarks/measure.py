"""One measurement in a process of its own: `python -m benchmarks.measure NAME JSON` prints it as JSON.

Everything is compiled and warm before a clock starts. Seconds are those of the CPU, except where two threads
are timed. Garbage is collected as in the command `clickmarket`, also of the market that is compared.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from benchmarks import sweeps
from benchmarks.cases import DAY, digest, everything_on, market
from sim.agents.population import make_population, make_tables
from sim.compile import entry_of
from sim.config import Config
from sim.garbage import collect_seldom
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.study.ahead import compile_ahead
from sim.study.run import BatchParts
from sim.world import load_world

Result = dict[str, Any]


def warm(config_of: Callable[[], Config] | None = None) -> None:
    """Load or compile all that a market's hours, days, weeks and months need."""
    config = config_of() if config_of else market("global", 1_000)
    ClickWorkModel(config).run(32 * DAY)


def cpu_seconds(task: Callable[[], object]) -> float:
    """Return the CPU seconds that a task takes."""
    began = time.process_time()
    task()
    return time.process_time() - began


def wall_seconds(task: Callable[[], object]) -> float:
    """Return the seconds that a task takes."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def plain_mesa(world: str, workers: int, native_random: bool, first_days: int, days: int) -> Result:
    """Time the plain market and the model by turns, a day each, after the first days.

    Boards fill for about a week from the start: on the first days either has less to do than later. A day,
    since the one's turn throws what the other needs out of the processor's caches.
    """
    from benchmarks.plain_mesa import PlainMarket

    warm()
    config = market(world, workers)
    table = load_world(config.world.table)
    population = make_population(config, table, make_tables(config, table))
    plain = PlainMarket(config, population, native_random=native_random)
    model = ClickWorkModel(config)
    pairs = []
    for span in (first_days * DAY, *[DAY] * days):
        theirs = cpu_seconds(lambda span=span: [plain.step() for _ in range(span)])  # type: ignore[misc]
        ours = cpu_seconds(lambda span=span: model.run(span))  # type: ignore[misc]
        pairs.append((ours, theirs))
    if not native_random:
        same_work(model, plain)
    pairs = pairs[1:]
    played = workers * DAY
    return {
        "ratio": median(theirs / ours for ours, theirs in pairs),
        "worker_hours_per_cpu_second": played / median(ours for ours, _ in pairs),
        "plain_worker_hours_per_cpu_second": played / median(theirs for _, theirs in pairs),
        "ratios": [theirs / ours for ours, theirs in pairs],
    }


def same_work(model: ClickWorkModel, plain: Any) -> None:
    """Stop unless both markets did the same tasks for the same pay."""
    ours = model.worker_rows[: model.workers_count]
    done = [(worker.accepted, worker.rejected, worker.pending) for worker in plain.everyone]
    if not np.array_equal(
        np.array(done), np.column_stack([ours[name] for name in ("accepted", "rejected", "pending")])
    ):
        raise AssertionError("the plain market and the model have come apart")


def cpp(world: str, workers: int, hours: list[int], repetitions: int) -> Result:
    """Time the search kernel and the program in C++ on the same calls of some hours, by turns."""
    from benchmarks.cpp import build, check, speeds
    from benchmarks.dump import capture, write_calls

    warm()
    model = ClickWorkModel(market(world, workers))
    calls = []
    for hour in hours:
        model.run(hour - model.hour)
        calls += capture(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        headers = write_calls(calls, folder)
        program = build(folder)
        if differing := check(program, headers):
            raise AssertionError(f"the program in C++ gives other bits: {differing}")
        ratio, ours, theirs = speeds(model.kernels.search, calls, program, headers, repetitions)
    return {"ratio": ratio, "kernel_seconds": ours, "cpp_seconds": theirs, "calls": len(calls)}


def threads(world: str, workers: int, blocks: int, hours: int) -> Result:
    """Time one and two threads by turns, some hours each, after a first day; their bits must agree.

    By turns with them, two markets of one thread each are played at the same time: what the machine gives to
    two that share nothing but its memory.
    """
    warm()
    models = [ClickWorkModel(market(world, workers, f"compute.threads={count}")) for count in (1, 2)]
    apart = [ClickWorkModel(market(world, workers)) for _ in range(2)]
    rounds = []
    with ThreadPoolExecutor(2) as pool:
        for block in range(blocks + 1):
            span = hours if block else DAY
            one, two = (wall_seconds(lambda model=model, span=span: model.run(span)) for model in models)  # type: ignore[misc]
            both = wall_seconds(lambda span=span: list(pool.map(ClickWorkModel.run, apart, [span, span])))  # type: ignore[misc]
            rounds.append((one, two, both))
    if digest(models[0]) != digest(models[1]):
        raise AssertionError("two threads give other bits than one")
    rounds = rounds[1:]
    return {
        "ratio": median(one / two for one, two, _ in rounds),
        "ratio_of_two_markets": median(2.0 * one / both for one, _, both in rounds),
        "worker_hours_per_second_on_two_threads": workers * hours / median(two for _, two, _ in rounds),
    }


def scale(world: str, workers: int, first_days: int, hours: int) -> Result:
    """Time some hours after the first days, with the recorder on; note the largest memory."""
    warm()
    gc.collect()
    began = time.process_time()
    model = ClickWorkModel(market(world, workers))
    made = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        model.observers.append(Recorder(model, BatchParts(Path(folder)).append))
        model.run(first_days * DAY)
        seconds = cpu_seconds(lambda: model.run(hours))
    return {
        "seconds": seconds,
        "worker_hours_per_cpu_second": workers * hours / seconds,
        "construction_cpu_seconds": made,
        "peak_rss_gib": sweeps.peak_mib() / 2**10,
    }


def everything(world: str, workers: int, days: int, repetitions: int) -> Result:
    """Time runs of the core market and of one with everything on, by turns, recorded, month ends included."""
    settings = {"core": (), "everything": everything_on(world)}
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    tasks = dict.fromkeys(settings, 0)
    for _ in range(1 + repetitions):  # the first of each is to warm up, and not counted
        for name, words in settings.items():
            model = ClickWorkModel(market(world, workers, *words))
            model.observers.append(Recorder(model))
            seconds[name].append(cpu_seconds(lambda model=model: (model.run(days * DAY), model.end())))  # type: ignore[misc]
            rows = model.worker_rows[: model.workers_count]
            tasks[name] = int(rows["accepted"].sum(dtype=np.int64) + rows["rejected"].sum(dtype=np.int64))
    rounds = list(zip(*seconds.values(), strict=True))[1:]
    core, whole = (median(times) for times in zip(*rounds, strict=True))
    return {
        "ratio": median(whole / core for core, whole in rounds),
        "tasks_over_core": tasks["everything"] / tasks["core"],
        "core_seconds": core,
        "everything_seconds": whole,
        "worker_hours_per_cpu_second": workers * days * DAY / whole,
        "settings": list(everything_on(world)),
    }


def memory(world: str, workers: int, record: str) -> Result:
    """Add up the arrays of workers after a day and a half: those with a row for each, and those on duty."""
    model = ClickWorkModel(market(world, workers, f"record.workers={record}"))
    model.observers.append(Recorder(model))
    model.run(36)
    rows = len(model.worker_rows)
    arrays = {
        name: value.nbytes
        for name, value in vars(model).items()
        if isinstance(value, np.ndarray) and len(value) == rows
    }
    arrays["order"] = model.order.nbytes
    arrays["boards.active"] = sum(board.active.nbytes for board in model.boards)
    scratch = model.boards[0].scratch.arrays  # one for all boards on one thread
    for name in ("live", "looking", "proposals", "ranks"):
        arrays[f"scratch.{name}"] = scratch[name].nbytes
    return {
        "bytes_per_worker": sum(arrays.values()) / model.workers_count,
        "arrays": {name: size / model.workers_count for name, size in sorted(arrays.items())},
    }


def share_outside(world: str, workers: int, first_days: int, days: int) -> Result:
    """Measure how much of an hour's CPU time is spent outside compiled code, recording on.

    Each kernel is called through a stopwatch. What Numba needs to tell the types of the arguments and to
    unpack them counts as outside: it is measured right after each call by a compiled function that takes the
    same arguments and does nothing. Small compiled rules that Python calls count as outside altogether.
    """
    stopwatch = Stopwatch()
    stopwatch.attach()
    warm()
    model = ClickWorkModel(market(world, workers))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run(first_days * DAY)
    stopwatch.clear()
    total = cpu_seconds(lambda: model.run(days * DAY))
    stopwatch.stop(total)
    return {
        "share": 1.0 - stopwatch.inside / stopwatch.total,
        "worker_hours_per_cpu_second": workers * days * DAY / stopwatch.total,
        "kernels": dict(sorted(stopwatch.shares().items(), key=lambda item: -item[1])),
    }


class Stopwatch:
    """Times the kernels that Python calls."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.calls = 0
        self.inside = self.total = 0.0
        self.idle: dict[int, Any] = {}
        self.ways: list[list[Any]] = []
        self.own_work = self._own_work()

    def _own_work(self, calls: int = 2001, arguments: int = 20) -> float:
        """Seconds that a stopwatch adds to a call, beside what it measures itself."""

        def nothing(*arguments: Any) -> int:
            return 0

        times, handed = [0.0, 0.0], (0,) * arguments
        timed = self._around([nothing, nothing], times)
        bare = median(self._seconds(nothing, handed) for _ in range(calls))
        watched = []
        for _ in range(calls):
            before = times[1]
            watched.append(self._seconds(timed, handed) - (times[1] - before))
        self.calls = 0
        return median(watched) - bare

    @staticmethod
    def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
        began = time.thread_time()
        function(*arguments)
        return time.thread_time() - began

    def attach(self) -> None:
        """Put a stopwatch around every kernel of the model's modules, for models made from now on."""
        for module in [module for name, module in sys.modules.items() if name.split(".")[0] == "sim"]:
            for name, value in list(vars(module).items()):
                if is_kernel(value):
                    setattr(module, name, self.timed(value))

    def timed(self, kernel: Any) -> Callable[..., Any]:
        """Return the kernel behind a stopwatch."""
        idle = self.idle.setdefault(id(kernel), does_nothing(kernel))
        times = self.times.setdefault(kernel.py_func.__name__, [0.0, 0.0])
        ways = [kernel, idle]
        self.ways.append(ways)
        return self._around(ways, times)

    def _around(self, ways: list[Any], times: list[float]) -> Callable[..., Any]:
        clock = time.thread_time

        def call(*arguments: Any) -> Any:
            play, rest = ways
            began = clock()
            result = play(*arguments)
            played = clock()
            rest(*arguments)
            ended = clock()
            times[0] += played - began
            times[1] += ended - played
            self.calls += 1
            return result

        return call

    def clear(self) -> None:
        """Forget what was timed so far; call kernels as a model does that has been playing for a while."""
        for ways in self.ways:
            ways[:] = map(entry_of, ways)
        self.calls = 0
        for times in self.times.values():
            times[:] = [0.0, 0.0]

    def stop(self, total: float) -> None:
        """Take the stopwatch's own work from the total, and the unpacking of arguments from the kernels."""
        unpacking = sum(times[1] for times in self.times.values())
        self.inside = sum(times[0] for times in self.times.values()) - unpacking
        self.total = total - unpacking - self.calls * self.own_work

    def shares(self) -> dict[str, float]:
        """Return each kernel's share of the total."""
        return {
            name: (times[0] - times[1]) / self.total for name, times in self.times.items() if times[0] > 0
        }


def is_kernel(value: Any) -> bool:
    """Say whether a value is a compiled function with loops over records."""
    function = getattr(value, "py_func", None)
    return function is not None and inspect.getsource(function).lstrip().startswith("@kernel")


def does_nothing(kernel: Any) -> Any:
    """Return a compiled function that takes the kernel's arguments and returns at once."""
    names = ", ".join(inspect.signature(kernel.py_func).parameters)
    scope: dict[str, Any] = {}
    exec(f"def idle({names}):\n    return 0\n", scope)
    return numba.njit(**importlib.import_module("sim.compile").OPTIONS)(scope["idle"])


def everything_once() -> Result:
    """Play a month of a small market as a command does, so that every kernel is needed.

    If nothing is compiled, that is what can be compiled ahead on all cores, and the rest as it is called.
    """
    compile_ahead([market("global", 1_000)])
    warm()
    return {}


MEASUREMENTS: dict[str, Callable[..., Result]] = {
    function.__name__: function
    for function in (
        plain_mesa,
        cpp,
        threads,
        scale,
        memory,
        share_outside,
        everything,
        everything_once,
        sweeps.overhead,
        sweeps.load,
        sweeps.played,
        sweeps.resumed,
        sweeps.throughput,
        sweeps.year,
    )
}


def main(words: list[str]) -> None:
    name, arguments = words[0], json.loads(words[1])
    collect_seldom()
    print(json.dumps(MEASUREMENTS[name](**arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
