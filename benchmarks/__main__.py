"""Measures the model's speed against its twins: `python -m benchmarks`, or `make bench`.

Every figure is a median of repetitions run by turns, in a process of its own, with one thread unless said.
A full run writes `results/bench.json`; `--quick` and `--only` print and write nothing unless `--output` says
where. What is measured:

ratio_to_plain_mesa, ..._1e5, ..._native_random
    CPU time of the plain Mesa market, which is written to be read, over that of the model: 20 000 workers,
    100 000, and 20 000 with `model.random` in place of keyed draws.
ratio_to_cpp
    CPU time of the program in C++ over that of the search kernel, on the same calls of four hours.
threads_2_speedup
    Time on one thread over time on two: a million workers, the same bits.
scaling_exponent
    Slope of log CPU time over log workers, from ten thousand to ten million, for the same simulated hours.
bytes_per_worker, bytes_per_worker_full
    Arrays with a row for each worker or each worker on duty; without and with the worker's history.
peak_rss_1e7_day_gib
    Largest memory of a process that plays a day of ten million workers.
everything_on_ratio
    CPU time of a run with every policy and family on over one of the core market; at most 2.
share_outside_kernel
    Share of CPU time outside compiled code: 20 000 workers, recording on.
warm_start_seconds
    From the start of a process to the end of the first hour, compiled code in place.
cold_compile_seconds
    What a process that must compile everything, into a folder that is new, takes longer than one that need
    not. With `--quick` it is left out.
sweep_overhead_ms
    CPU time that a tiny run (40 workers, 8 requesters, 72 hours) costs in a sweep over the simulation itself:
    composing, outcomes, its share of a part and of the coordinator; at most 5.
processes_2_throughput
    Runs a second on two processes over those on one; at least 1.8 on two cores that nobody else uses.
runs_per_hour_year
    Runs of 20 000 workers for a year in an hour on two cores: computed from the CPU time of one run and the
    throughput.
share_lost_to_start
    Of 100 such runs on two cores, the share of time that goes into compiling, starting and loading; computed
    from these parts, each measured by itself; at most 0.05. Where compiling is not measured, neither is this.
coordinator_mib_per_1e4_runs, coordinator_peak_mib
    Memory of the coordinator over 100 000 runs that an engine makes up: at most 1 and 500.
files_per_100_runs, read_1e5_rows_seconds, resume_99_seconds
    Files after putting the parts of that sweep together (at most 1), reading all its rows (5), and the first
    run handed out when 99 % are done (10).
resume_99_command_seconds
    From the start of the command to the first part that it adds to 100 000 points of which 99 % are done,
    with the interpreter, the workers and their first run; at most 10.
sweep_1e5_played
    CPU time that each of 100 000 tiny runs costs over the simulation itself in a sweep that is really played,
    on two processes, killed when 99 % are done and started again; at most 5. The note holds memory, files and
    times, all of it in 40 minutes at most. Ten minutes on two cores that nobody else uses, so only with
    `--only sweep_1e5_played`.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cases import WORLDS
from benchmarks.cpp import compiler

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "results" / "bench.json"
PACKAGES = ("mesa", "numpy", "numba", "llvmlite")
NO_PLAIN = "benchmarks/plain_mesa.py is not there."
MOST_FOR_EVERYTHING = 2.0
MOST_OVERHEAD_MS = 5.0
RUNS_OF_A_STUDY = 100
NO_COMPILER = "There is no C++ compiler: install g++ or name one in CXX."


@dataclass
class Figure:
    """One measured figure with what belongs to it."""

    value: float | None
    note: str = ""
    speed: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bench:
    """What to measure and how large."""

    world: str
    quick: bool
    kept: dict[str, Figure] = field(default_factory=dict)

    def figure(self, key: str) -> Figure:
        """Measure a figure, once."""
        if key not in self.kept:
            measure: Callable[[], Figure] = getattr(self, key)
            self.kept[key] = measure()
        return self.kept[key]

    def size(self, full: int, quick: int) -> int:
        """Return a size: the full one, or a small one that only shows that the measurement works."""
        return quick if self.quick else full

    def plain(self, workers: int, quick: int, native_random: bool) -> Figure:
        """Compare with the plain Mesa market."""
        if importlib.util.find_spec("benchmarks.plain_mesa") is None:
            return Figure(None, NO_PLAIN)
        size = self.size(workers, quick)
        result = measured(
            "plain_mesa",
            world=self.world,
            workers=size,
            native_random=native_random,
            first_days=self.size(4, 1),
            days=3,
        )
        note = f"plain market: {result['plain_worker_hours_per_cpu_second']:,.0f} worker-hours per CPU second"
        return Figure(result["ratio"], note, result["worker_hours_per_cpu_second"])

    def ratio_to_plain_mesa(self) -> Figure:
        """20 000 workers, keyed draws on both sides."""
        return self.plain(20_000, 500, native_random=False)

    def ratio_to_plain_mesa_1e5(self) -> Figure:
        """100 000 workers, keyed draws on both sides."""
        return self.plain(100_000, 1_000, native_random=False)

    def ratio_to_plain_mesa_native_random(self) -> Figure:
        """20 000 workers; the plain market draws from `model.random`."""
        return self.plain(20_000, 500, native_random=True)

    def ratio_to_cpp(self) -> Figure:
        """The search kernel against the program in C++, on the same calls."""
        if compiler() is None:
            return Figure(None, NO_COMPILER)
        days = self.size(10, 1)
        result = measured(
            "cpp",
            world=self.world,
            workers=self.size(20_000, 2_000),
            hours=[24 * days + hour for hour in (0, 6, 12, 18)],
            repetitions=self.size(200, 10),
        )
        note = (
            f"{result['calls']} calls: kernel {1e3 * result['kernel_seconds']:.2f} ms, "
            f"C++ {1e3 * result['cpp_seconds']:.2f} ms"
        )
        return Figure(result["ratio"], note, details=result)

    def threads_2_speedup(self) -> Figure:
        """One thread against two."""
        workers = self.size(1_000_000, 20_000)
        settings = {"world": self.world, "workers": workers, "blocks": self.size(24, 2), "hours": 1}
        result = measured("threads", **settings)
        return Figure(
            result["ratio"],
            f"same bits; speed per second; two markets at once {result['ratio_of_two_markets']:.2f}",
            result["worker_hours_per_second_on_two_threads"],
        )

    def scale(self, workers: int) -> dict[str, Any]:
        """Play the day that `scaling_exponent` compares and `peak_rss_1e7_day_gib` watches."""
        return measured("scale", world=self.world, workers=workers, first_days=1, hours=24)

    def scaling_exponent(self) -> Figure:
        """Time against the number of workers; also the memory of the largest run."""
        sizes = [self.size(10**power, 10 ** (power - 1)) for power in (4, 5, 6, 7)]
        if self.quick:
            sizes = sizes[:3]
        repetitions = {workers: 5 if workers < 10**6 else 3 if workers < 10**7 else 1 for workers in sizes}
        runs: dict[int, list[dict[str, Any]]] = {workers: [] for workers in sizes}
        for turn in range(max(repetitions.values())):
            for workers in sizes:
                if turn < repetitions[workers]:
                    runs[workers].append(self.scale(workers))
        seconds = [median(run["seconds"] for run in runs[workers]) for workers in sizes]
        slope, _ = linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds])
        speeds = {workers: 24 * workers / s for workers, s in zip(sizes, seconds, strict=True)}
        largest = runs[sizes[-1]][0]
        note = "; ".join(f"{workers:,} workers {speed:,.0f}" for workers, speed in speeds.items())
        return Figure(
            slope,
            f"worker-hours per CPU second: {note}",
            speeds[sizes[-1]],
            {"peak_rss_gib": largest["peak_rss_gib"], "construction": largest["construction_cpu_seconds"]},
        )

    def peak_rss_1e7_day_gib(self) -> Figure:
        """Memory of a day of ten million workers."""
        result = self.scale(self.size(10**7, 10**5))
        note = f"made in {result['construction_cpu_seconds']:.1f} s"
        return Figure(result["peak_rss_gib"], note, result["worker_hours_per_cpu_second"])

    def bytes_of(self, record: str) -> Figure:
        """Add up the arrays of workers."""
        result = measured("memory", world=self.world, workers=self.size(10**6, 10**4), record=record)
        parts = ", ".join(f"{name} {size:.1f}" for name, size in result["arrays"].items())
        return Figure(result["bytes_per_worker"], parts)

    def bytes_per_worker(self) -> Figure:
        """State that drives behaviour."""
        return self.bytes_of("none")

    def bytes_per_worker_full(self) -> Figure:
        """The same with each worker's history."""
        return self.bytes_of("full")

    def everything_on_ratio(self) -> Figure:
        """All policies and families against none."""
        workers, days = self.size(20_000, 500), self.size(62, 32)
        result = measured(
            "everything", world=self.world, workers=workers, days=days, repetitions=self.size(5, 1)
        )
        note = (
            f"at most {MOST_FOR_EVERYTHING:g}: {days} days in {result['everything_seconds']:.1f} s,"
            f" core {result['core_seconds']:.1f} s; {result['tasks_over_core']:.0%} of its tasks"
        )
        return Figure(result["ratio"], note, result["worker_hours_per_cpu_second"], result)

    def share_outside_kernel(self) -> Figure:
        """Python's share."""
        result = measured(
            "share_outside",
            world=self.world,
            workers=self.size(20_000, 2_000),
            first_days=8,
            days=self.size(28, 7),
        )
        largest = ", ".join(f"{name} {share:.0%}" for name, share in list(result["kernels"].items())[:6])
        return Figure(result["share"], largest, result["worker_hours_per_cpu_second"], result)

    def warm_start_seconds(self) -> Figure:
        """From nothing to the first hour."""
        words = ("benchmarks.start", self.world, str(self.size(20_000, 2_000)))
        times = [seconds_until_played(words) for _ in range(6)][1:]
        return Figure(median(times), f"fastest {min(times):.2f} s")

    def cold_compile_seconds(self) -> Figure:
        """What compiling costs."""
        if self.quick:
            return Figure(None, "not measured with --quick")
        with tempfile.TemporaryDirectory() as folder:
            words = ("benchmarks.measure", "everything_once", "{}")
            cold, warm = (seconds_of(words, {"CLICKMARKET_CACHE": folder}) for _ in range(2))
        return Figure(cold - warm, f"a small month: {cold:.1f} s cold, {warm:.1f} s warm")

    @functools.cached_property
    def load(self) -> dict[str, Any]:
        """Coordinate a large sweep of made-up runs."""
        return measured("load", runs=self.size(100_000, 2_000))

    def sweep_overhead_ms(self) -> Figure:
        """A worker's part and the coordinator's."""
        result = measured("overhead", runs=self.size(100, 5), blocks=self.size(9, 1))
        coordinator = self.load["coordinator_ms"]
        note = (
            f"at most {MOST_OVERHEAD_MS:g}: a run of {result['simulation_ms']:.1f} ms takes"
            f" {result['run_ms']:.1f} in a sweep, {coordinator:.4f} of the coordinator"
        )
        return Figure(result["worker_ms"] + coordinator, note, details=result)

    def processes_2_throughput(self) -> Figure:
        """Two processes against one."""
        return Figure(self.throughput["ratio"], "at least 1.8 on two cores without other load")

    @functools.cached_property
    def throughput(self) -> dict[str, Any]:
        """Play chunks of runs on one process and on two."""
        days, chunks = self.size(15, 3), self.size(8, 2)
        return measured("throughput", workers=self.size(2_000, 100), days=days, chunks=chunks)

    @functools.cached_property
    def year(self) -> float:
        """CPU seconds of a year of 20 000 workers as a sweep plays it."""
        result = measured("year", world=self.world, workers=self.size(20_000, 500), days=self.size(365, 5))
        return float(result["seconds"])

    def runs_per_hour_year(self) -> Figure:
        """Computed from one run and the throughput of two processes."""
        each = 3600 / self.year * self.throughput["ratio"]
        return Figure(each, f"computed: {self.year:.1f} CPU seconds a run, times the throughput of two")

    def share_lost_to_start(self) -> Figure:
        """Computed from the parts: what comes before the first run, over that and 100 runs."""
        compiling = self.figure("cold_compile_seconds").value
        if compiling is None:
            return Figure(None, "compiling is not measured with --quick, and belongs to it")
        start = self.figure("warm_start_seconds").value or 0.0
        lost = start + compiling
        played = RUNS_OF_A_STUDY * self.year / self.throughput["ratio"]
        parts = f"start {start:.1f} s, compiling {compiling:.0f} s"
        note = f"computed: {parts}; {RUNS_OF_A_STUDY} runs on two cores {played:.0f} s"
        return Figure(lost / (lost + played), note)

    def coordinator_mib_per_1e4_runs(self) -> Figure:
        """Growth of the coordinator, its first quarter left out."""
        return Figure(self.load["mib_per_1e4_runs"], "at most 1")

    def coordinator_peak_mib(self) -> Figure:
        """Most memory of the coordinator."""
        return Figure(self.load["peak_mib"], "at most 500; the engine that makes rows up is in it")

    def files_per_100_runs(self) -> Figure:
        """Files of a finished sweep."""
        return Figure(self.load["files_per_100_runs"], f"at most 1; {self.load['files']} parts before")

    def read_1e5_rows_seconds(self) -> Figure:
        """Reading a finished sweep."""
        return Figure(self.load["read_seconds"], "at most 5")

    def resume_99_seconds(self) -> Figure:
        """Going on with the last hundredth."""
        return Figure(self.load["resume_seconds"], "at most 10")

    def resume_99_command_seconds(self) -> Figure:
        """Going on, as whoever gives the command sees it."""
        return Figure(measured("resumed", runs=self.size(100_000, 2_000))["seconds"], "at most 10")

    def sweep_1e5_played(self) -> Figure:
        """A hundred thousand runs as a user plays them."""
        found = measured("played", runs=self.size(100_000, 3_000))
        told = {name: f"{value:.3g}" for name, value in found.items()}
        note = (
            f"at most {MOST_OVERHEAD_MS:g}; coordinator {told['mib_per_1e4_runs']} MiB per 10,000 runs,"
            f" at most {told['peak_mib']} MiB, {told['peak_at_the_end_mib']} when all is put together;"
            f" a worker {told['worker_mib_per_1e4_runs']} MiB per 10,000 runs of all;"
            f" {told['files_per_100_runs']} files per 100 runs; read in"
            f" {told['read_seconds']} s; first part after a kill at 99 % in {told['resume_seconds']} s;"
            f" {told['minutes']} minutes in all, at most 40"
        )
        return Figure(found["overhead_ms"], note, details=found)


KEYS = (
    "ratio_to_plain_mesa",
    "ratio_to_plain_mesa_1e5",
    "ratio_to_plain_mesa_native_random",
    "ratio_to_cpp",
    "threads_2_speedup",
    "scaling_exponent",
    "bytes_per_worker",
    "bytes_per_worker_full",
    "peak_rss_1e7_day_gib",
    "everything_on_ratio",
    "share_outside_kernel",
    "warm_start_seconds",
    "cold_compile_seconds",
    "sweep_overhead_ms",
    "processes_2_throughput",
    "runs_per_hour_year",
    "share_lost_to_start",
    "coordinator_mib_per_1e4_runs",
    "coordinator_peak_mib",
    "files_per_100_runs",
    "read_1e5_rows_seconds",
    "resume_99_seconds",
    "resume_99_command_seconds",
)
LONG = ("sweep_1e5_played",)
"""Figures that are measured only where they are asked for."""


def measured(measurement: str, **arguments: Any) -> dict[str, Any]:
    """Measure in a new process and return what it printed."""
    printed = started(("benchmarks.measure", measurement, json.dumps(arguments)))
    return dict(json.loads(printed.splitlines()[-1]))


def started(words: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """Start a module with its arguments in a new process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"benchmarks: {' '.join(words)} ended with {done.returncode}.")
    return done.stdout


def seconds_of(words: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Return the seconds that a new process takes from its start to its end."""
    began = time.perf_counter()
    started(words, environment)
    return time.perf_counter() - began


def seconds_until_played(words: Sequence[str]) -> float:
    """Return the seconds from the start of a new process until it says that the first hour is played.

    It may keep the bytecode of modules that were edited since they were last imported, as it may by default.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", *words]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        seconds = time.perf_counter() - began
    if said != b"played\n" or process.returncode != 0:
        raise SystemExit(f"benchmarks: {' '.join(words)} ended with {process.returncode}.")
    return seconds


def machine() -> dict[str, Any]:
    """Describe the machine and the versions that the figures belong to."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "cpp": compiler_version(),
    }


def cpu_model() -> str:
    """Return the name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def compiler_version() -> str:
    """Return the first line of what the C++ compiler says of itself."""
    path = compiler()
    if path is None:
        return "none"
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[
        0
    ]


def show(figures: dict[str, Figure], described: dict[str, Any], world: str) -> None:
    """Print the table."""
    table = Table(
        title=f"world={world}; " + ", ".join(f"{name} {value}" for name, value in described.items())
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("worker-hours per CPU second", justify="right")
    table.add_column("note")
    for key, figure in figures.items():
        value = "-" if figure.value is None else f"{figure.value:,.3f}"
        table.add_row(key, value, "" if figure.speed is None else f"{figure.speed:,.0f}", figure.note)
    Console().print(table)


def as_json(figures: dict[str, Figure], described: dict[str, Any], world: str) -> str:
    """Return what `results/bench.json` holds: the figures by key, then where they come from."""
    content: dict[str, Any] = {key: figure.value for key, figure in figures.items()}
    content["world"] = world
    content["machine"] = described
    content["worker_hours_per_cpu_second"] = {
        key: figure.speed for key, figure in figures.items() if figure.speed is not None
    }
    content["notes"] = {key: figure.note for key, figure in figures.items() if figure.note}
    return json.dumps(content, indent=2) + "\n"


def arguments_of(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all of it works")
    parser.add_argument(
        "--only", action="append", choices=KEYS + LONG, metavar="KEY", help=", ".join(KEYS + LONG)
    )
    parser.add_argument("--world", choices=WORLDS, default=WORLDS[0], help="the market to measure")
    parser.add_argument(
        "--output", type=Path, help="file to write (default: results/bench.json, for a full run)"
    )
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    asked = arguments_of(words)
    bench = Bench(asked.world, asked.quick)
    figures: dict[str, Figure] = {}
    described = machine()
    for key in asked.only or KEYS:
        print(f"{key} ...", file=sys.stderr, flush=True)
        figures[key] = bench.figure(key)
    show(figures, described, asked.world)
    output = asked.output or (None if asked.quick or asked.only else OUTPUT)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(as_json(figures, described, asked.world), encoding="utf-8")
        print(output)


if __name__ == "__main__":
    main(sys.argv[1:])
