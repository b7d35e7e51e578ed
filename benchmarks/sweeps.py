"""What a sweep costs beside its runs: measurements of `benchmarks.measure` on studies of tiny runs.

The load on a coordinator is measured with an engine that makes up its rows: whole rows of a real study, in
real parts, without any market.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.cases import market
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.study import engine, sweep
from sim.study.points import Composer, read_study
from sim.study.reading import load_sweep
from sim.study.store import DONE, RUNS, STATUS, Store, commit

Result = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
TINY = ("world=north_south", "workers.count=40", "requesters.count=8", "time.days=3", "time.warmup_days=0")
VARIED = (
    "design=lhs",
    "platforms.microwork.requester_fee=interval(0,0.5)",
    "workers.broker_cut=interval(0,0.5)",
)
ROWS_A_CHUNK = 500
"""Runs of 20 ms that last as long as a chunk should, and are 10 to a chunk and more."""


def words_of(points: int, seeds: int, folder: str, settings: Sequence[str] = TINY) -> list[str]:
    """Return what `clickmarket sweep` is told."""
    return [*settings, *VARIED, f"points={points}", f"seeds={seeds}", f"results.dir={folder}"]


@contextmanager
def opened(points: int, seeds: int = 1, settings: Sequence[str] = TINY) -> Iterator[tuple[Store, Composer]]:
    """Lay out a sweep in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        composer = Composer(read_study(words_of(points, seeds, folder, settings)))
        manifest = sweep.describe(composer.study, composer, (), sweep.Settings())
        place = sweep._laid_out(Path(folder), manifest, composer, False)
        yield Store(place), composer


def peak_mib() -> float:
    """Return the most memory this process has held, in MiB.

    Linux's `ru_maxrss` begins with the peak of the process that started this one.
    """
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def held_mib() -> float:
    """Return the memory that this process holds now, in MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    except OSError:
        return peak_mib()
    return pages * resource.getpagesize() / 2**20


def growth(memory: Sequence[tuple[int, float]], warm: int) -> float:
    """Return by how many MiB a process grows in 10 000 runs, once so many are done; 0 if never seen."""
    later = [pair for pair in memory if pair[0] >= warm]
    if len(later) < 2:
        return 0.0
    slope, _ = linear_regression(*zip(*later, strict=True))
    return 1e4 * slope


def simulated(composer: Composer, runs: Sequence[int]) -> float:
    """Return the CPU seconds of some runs by themselves: the market is made, watched and played."""
    total = 0.0
    for run in runs:
        config = sweep.sober(composer.config(run))
        began = time.process_time()
        model = ClickWorkModel(config)
        model.observers.append(Recorder(model))
        model.run()
        model.end()
        total += time.process_time() - began
    return total


def overhead(runs: int, blocks: int) -> Result:
    """Time tiny runs as a worker of a sweep plays them, and by themselves, by turns.

    The difference is composing, outcomes and the part that is written.
    """
    pairs = []
    with opened(runs * (blocks + 1)) as (store, composer):
        identity = store.manifest["sha256"]
        for block in range(blocks + 1):
            chunk = list(range(runs * block, runs * (block + 1)))
            gc.collect()  # neither pays for what the other has left
            began = time.process_time()
            sweep.play_chunk(str(store.folder), identity, chunk, 0.0)
            whole = time.process_time() - began
            gc.collect()
            pairs.append((whole, simulated(composer, chunk)))
    pairs = pairs[1:]
    return {
        "worker_ms": 1e3 * median(whole - alone for whole, alone in pairs) / runs,
        "run_ms": 1e3 * median(whole for whole, _ in pairs) / runs,
        "simulation_ms": 1e3 * median(alone for _, alone in pairs) / runs,
    }


class MadeUp:
    """An engine whose rows are made up: what is left is the coordinator's work.

    Attributes
    ----------
    seconds
        CPU time spent on making rows up.
    memory
        (runs handed out, MiB held) now and then.
    first
        When the first run was handed out, by `time.perf_counter`.
    """

    workers = 2

    def __init__(self, store: Store, composer: Composer) -> None:
        self.store, self.composer, self.manifest = store, composer, store.manifest
        self.seconds, self.handed, self.first = 0.0, 0, 0.0
        self.memory: list[tuple[int, float]] = []

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Commit made-up rows in place of a chunk."""
        self.first = self.first or time.perf_counter()
        began = time.process_time()
        runs: list[int] = arguments[2]
        commit(self.store.folder / RUNS, self.rows(runs), runs[0])
        if self.handed // 5_000 != (self.handed + len(runs)) // 5_000:
            gc.collect()
            pa.default_memory_pool().release_unused()
            self.memory.append((self.handed, held_mib()))
        self.handed += len(runs)
        self.seconds += time.process_time() - began
        future: Future[Any] = Future()
        future.set_result({"runs": len(runs), "failed": 0, "seconds": 0.03 * len(runs)})
        return future

    def rows(self, runs: Sequence[int]) -> pa.Table:
        """Return rows of the right shape, all outcomes given."""
        number = np.array(runs)
        rows: dict[str, Any] = {
            "run": number, "run_id": [f"{run:032x}" for run in runs], "point": number,
            "seed": number % 10, "status": [DONE] * len(runs), "error": [None] * len(runs),
        }  # fmt: skip
        rows |= {name: np.sqrt(number + place) for place, name in enumerate(self.manifest["outcomes"])}
        return sweep._table(rows, self.manifest)

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Nobody has to be made ready."""

    def recover(self) -> None:
        """Nobody dies."""

    def check(self) -> None:
        """Somebody is always there."""

    def abandon(self) -> None:
        """Nothing goes on."""

    def close(self) -> None:
        """Nothing is held."""


def load(runs: int) -> Result:
    """Coordinate many runs; put them together, read them, and go on with the last hundredth."""
    with opened(runs // 10, 10) as (store, composer):
        kept = runs - runs // 100
        made = MadeUp(store, composer)
        began = time.process_time()
        sweep.Coordinator(store, composer, made, sweep.Settings(quiet=True), np.arange(kept)).run()
        spent = time.process_time() - began - made.seconds
        files = len(store.parts())
        slope = growth(made.memory, kept // 4)
        peak = peak_mib()
        began = time.perf_counter()
        again = MadeUp(store, composer)
        sweep.execute(composer.study, lambda: again, sweep.Settings(quiet=True))
        started = again.first - began
        after = len(store.parts())
        began = time.perf_counter()
        experiments, _ = load_sweep(store.folder)
        read = time.perf_counter() - began
        if len(experiments) != runs or after != -(-runs // 20_000):
            raise AssertionError(f"{len(experiments)} of {runs} runs in {after} files")
    return {
        "coordinator_ms": 1e3 * spent / kept,
        "mib_per_1e4_runs": slope,
        "peak_mib": peak,
        "files": files,
        "files_per_100_runs": 100 * after / runs,
        "read_seconds": read,
        "resume_seconds": started,
    }


def resumed(runs: int) -> Result:
    """Give the command when 99 % of many points are done; time it from its start to the first new part."""
    with opened(runs) as (store, composer):
        kept = np.arange(runs - runs // 100)
        made = MadeUp(store, composer)
        sweep.Coordinator(store, composer, made, sweep.Settings(quiet=True), kept).run()
        results = store.folder.parent
        times = []
        for _ in range(2):  # the first may have to compile the market
            again = Watched(words_of(runs, 1, str(results)), results)
            times.append(again.until_a_part_is_added(store))
            again.kill()
    return {"seconds": times[-1]}


def throughput(workers: int, days: int, chunks: int) -> Result:
    """Time chunks of runs on one process and on two, by turns; processes are warm before a clock starts."""
    settings = ("world=north_south", f"workers.count={workers}", f"time.days={days}", "time.warmup_days=0")
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with opened(10 * chunks + 4, settings=settings) as (store, _):
        identity = store.manifest["sha256"]
        engines = {size: engine.Local(size) for size in seconds}

        def play(size: int, of: int) -> float:
            began = time.perf_counter()
            parts = [list(range(first, first + of)) for first in range(0, of * chunks, of)]
            wait([engines[size].submit(sweep.play_chunk, str(store.folder), identity, part, 0.0)
                  for part in parts])  # fmt: skip
            return time.perf_counter() - began

        try:
            for size in engines:
                play(size, 1)
            for _ in range(3):
                for size, times in seconds.items():
                    times.append(play(size, 10))
        finally:
            for each in engines.values():
                each.close()
    one, two = (median(times) for times in seconds.values())
    return {"ratio": one / two, "runs_per_second_on_two": 10 * chunks / two}


class Watched:
    """A sweep that is played by the command itself, on two processes; /proc tells its memory and CPU time.

    Attributes
    ----------
    memory
        (runs done, MiB that the coordinator held) now and then.
    workers
        The same of each other process of its session, by number.
    """

    def __init__(self, words: Sequence[str], results: Path) -> None:
        self.results = results
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim", "sweep", *words, "jobs=2"], cwd=ROOT, start_new_session=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.memory: list[tuple[int, float]] = []
        self.workers: dict[int, list[tuple[int, float]]] = {}
        self.peak_mib = 0.0
        self.seconds: dict[int, float] = {}

    def look(self) -> int:
        """Note memory and CPU time of the moment; return how many runs are done."""
        done = 0
        for file in self.results.glob(f"*/{STATUS}"):
            done = int(json.loads(file.read_text(encoding="utf-8"))["done"])
        with contextlib.suppress(OSError):  # it may have ended just now
            lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
            held = {line.split()[0]: line.split()[1] for line in lines if line.startswith("Vm")}
            if held:
                self.memory.append((done, int(held["VmRSS:"]) / 2**10))
                self.peak_mib = max(self.peak_mib, int(held["VmHWM:"]) / 2**10)
        for place in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = place.read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:  # of its session
                    ticks = int(fields[11]) + int(fields[12])
                    number, mib = int(place.parent.name), int(fields[21]) * resource.getpagesize() / 2**20
                    self.seconds[number] = ticks / os.sysconf("SC_CLK_TCK")
                    if number != self.process.pid:
                        self.workers.setdefault(number, []).append((done, mib))
        return done

    def until_a_part_is_added(self, store: Store) -> float:
        """Wait for the first part that it adds; return the seconds since its start."""
        before = {part.path.name for part in store.parts()}
        while {part.path.name for part in store.parts()} <= before:
            if self.process.poll() is not None:
                raise AssertionError(f"the sweep ended by itself with {self.process.returncode}")
            time.sleep(0.05)
        return time.perf_counter() - self.began

    def kill(self) -> None:
        """Kill it with its processes, by kill -9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def played(runs: int) -> Result:
    """Play a sweep of tiny runs, kill it when 99 % are done, go on, and read it.

    What the simulation alone costs is measured beside it, so that both have the same machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        words = [*TINY, *VARIED, f"points={runs}", f"results.dir={folder}"]
        composer = Composer(read_study(words))
        first = Watched(words, results)
        alone, done = [], 0
        while done < 0.99 * runs:
            if first.process.poll() is not None:
                raise AssertionError(f"the sweep ended by itself with {first.process.returncode}")
            if 0.05 * runs < done < 0.95 * runs:
                chunk = np.linspace(done, runs - 1, 20, dtype=int).tolist()
                alone.append(simulated(composer, chunk) / len(chunk))
            time.sleep(0.5 if done > 0.9 * runs else min(10.0, runs / 5_000))
            done = first.look()
        first.kill()
        seconds = time.perf_counter() - first.began
        (place,) = results.iterdir()
        store = Store(place)
        kept = store.done(runs)
        again = Watched(words, results)
        started = again.until_a_part_is_added(store)
        while again.process.poll() is None:
            again.look()
            time.sleep(0.2)
        seconds += time.perf_counter() - again.began
        if again.process.returncode:
            raise AssertionError(f"the sweep that went on ended with {again.process.returncode}")
        files = sum(1 for path in place.rglob("*") if path.is_file())
        began = time.perf_counter()
        experiments, _ = load_sweep(place)
        read = time.perf_counter() - began
        if experiments["run_id"].nunique() != runs or not (store.done(runs) == 1).all():
            raise AssertionError(f"of {runs} runs {experiments['run_id'].nunique()} are there")
    slope = growth(first.memory, runs // 4)
    whole = sum(first.seconds.values()) / done
    return {
        "overhead_ms": 1e3 * (whole - median(alone)),
        "minutes": seconds / 60,
        "run_ms": 1e3 * whole,
        "simulation_ms": 1e3 * median(alone),
        "coordinator_seconds": first.seconds[first.process.pid],
        "mib_per_1e4_runs": slope,
        "worker_mib_per_1e4_runs": max(growth(held, runs // 4) for held in first.workers.values()),
        "peak_mib": first.peak_mib,
        "peak_at_the_end_mib": again.peak_mib,
        "kept_at_kill": int((kept == 1).sum()),
        "resume_seconds": started,
        "files_per_100_runs": 100 * files / runs,
        "read_seconds": read,
    }


def year(world: str, workers: int, days: int) -> Result:
    """Time a run as a sweep plays it, all but the first hour's compiling and loading."""
    config = sweep.sober(market(world, workers, f"time.days={days}"))
    sweep.outcomes_of(sweep.sober(market("north_south", 300, "requesters.count=20", "time.days=32")))
    began = time.process_time()
    sweep.outcomes_of(config)
    return {"seconds": time.process_time() - began}
