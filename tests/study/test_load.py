"""Many runs: what the coordinator holds, leaves and does again does not grow with what is done."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.__main__ import measured
from benchmarks.sweeps import ROOT, MadeUp, growth, opened, peak_mib, words_of
from sim import cli_sweep, study
from sim.model import ClickWorkModel
from sim.study import engine, points, sweep
from sim.study.points import Composer
from sim.study.reading import load_sweep
from sim.study.store import Part, Store
from tests.conftest import Exercised
from tests.support.planting import planted

RUNS = 2_000
SEEDS = 10
MIB_PER_1E4, BLOCKS_A_RUN = 1.0, 0.3
QUIET = sweep.Settings(quiet=True)


class Handed(Exception):
    """The first run was handed out."""


@dataclass
class Work:
    """What is done between the command and the first run that is handed out."""

    drawn: int = 0
    composed: int = 0
    read: int = 0
    rows: int = 0
    columns: int = 0
    read_before_ready: int = -1
    parts: int = 0

    def counting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count from now on, until the patches are undone."""
        points_of, compose, content, read = points.points_of, Composer._compose, Part.content, Part.read

        def counted_points(*words: Any) -> Any:
            self.drawn += 1
            return points_of(*words)

        def counted_point(composer: Composer, point: tuple[object, ...]) -> object:
            self.composed += 1
            return compose(composer, point)

        def counted_content(part: Part) -> bytes:
            self.read += 1
            return content(part)

        def counted_rows(part: Part, columns: Any = None) -> Any:
            table = read(part, columns)
            self.rows += table.num_rows
            self.columns = max(self.columns, table.num_columns)
            return table

        monkeypatch.setattr(points, "points_of", counted_points)
        monkeypatch.setattr(Composer, "_compose", counted_point)
        monkeypatch.setattr(Part, "content", counted_content)
        monkeypatch.setattr(Part, "read", counted_rows)


class Eager(MadeUp):
    """Ends the sweep as soon as a run is handed out, and notes when it is made ready."""

    work: Work

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        self.work.read_before_ready = self.work.read

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        raise Handed


def work_before_the_first_run(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType = sweep, command: ModuleType = cli_sweep
) -> Work:
    """Give the command again when 99 % of a sweep are done, and count."""
    work = Work()
    with opened(RUNS // SEEDS, SEEDS) as (store, composer):
        kept = np.arange(RUNS - RUNS // 100)
        sweep.Coordinator(store, composer, MadeUp(store, composer), QUIET, kept).run()
        work.parts = len(store.parts())
        again = Eager(store, composer)
        again.work = work
        monkeypatch.setattr(engine, "start", lambda *_: again)
        monkeypatch.setattr(study, "sweep", module)
        work.counting(monkeypatch)
        with pytest.raises(Handed):
            command.sweep(words_of(RUNS // SEEDS, SEEDS, str(store.folder.parent)), Path)
        monkeypatch.undo()
    return work


def check_start(work: Work) -> None:
    assert work.drawn <= 1, f"the points were drawn {work.drawn} times"
    assert work.composed <= 7, f"{work.composed} points were composed before the first run"
    assert work.rows <= RUNS, f"{work.rows} rows were parsed"
    assert work.columns <= 2, f"{work.columns} columns were parsed"
    assert work.read <= 2 * work.parts, f"{work.parts} parts were read {work.read} times"
    assert work.read_before_ready == 0, (
        f"workers were made ready late (-1: never), after {work.read_before_ready} parts"
    )


def test_a_sweep_that_goes_on_starts_at_once(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """L4."""
    work = work_before_the_first_run(monkeypatch)
    check_start(work)
    exercised("parts of a sweep that goes on", work.parts, 20)


SLOW = {
    "points were composed": (
        sweep, "    composer.check(composer.landmarks())\n", "    composer.check()\n"),
    "points were drawn": (sweep, "Composer(study) if composer is None else composer", "Composer(study)"),
    "parts were read": (
        sweep, "    state = store.state()\n    if",
        "    store.damaged()\n    state = store.state()\n    if"),
    "rows were parsed": (sweep, "sum(part.rows for", "sum(part.read(['run']).num_rows for"),
    "columns were parsed": (
        sweep, "    mine = np.flatnonzero(state == 0)\n",
        "    store.parts()[0].read()\n    mine = np.flatnonzero(state == 0)\n"),
    "workers were made ready": (
        sweep, "each.prepare(get_ready, str(store.folder), store.manifest[\"sha256\"])", "pass"),
}  # fmt: skip
"""Work that nobody needs, by what is said of it."""


@pytest.mark.parametrize("said", SLOW)
def test_work_that_nobody_needs_is_noticed(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """L4."""
    work = work_before_the_first_run(monkeypatch, planted(*SLOW[said]))
    with pytest.raises(AssertionError, match=said):
        check_start(work)


def test_the_command_draws_its_points_once(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = planted(cli_sweep, "settings, found.plugins, composer)", "settings, found.plugins)")
    work = work_before_the_first_run(monkeypatch, command=twice)
    with pytest.raises(AssertionError, match="points were drawn 2 times"):
        check_start(work)


class Weighed(MadeUp):
    """Notes what is held whenever a chunk is handed out."""

    def __init__(self, store: Store, composer: Composer) -> None:
        super().__init__(store, composer)
        self.held: list[tuple[int, float]] = []
        self.chunks = 0

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Weigh, and make rows up."""
        if len(arguments[2]) > 1:  # single runs at the end are no time to count all
            self.held.append((self.handed, held() + self.handed))  # each that is handed out leaves a queue
        self.chunks += 1
        return super().submit(task, *arguments)


def held(generation: int = 1) -> int:
    """Count small blocks of Python's memory in use: not what the system gives, which rises in steps."""
    gc.collect(generation)
    return sys.getallocatedblocks()


def check_coordinator(module: ModuleType, runs: int = RUNS) -> int:
    """Coordinate made-up runs: each row once, in few files, from chunks of many, in memory that stays."""
    with opened(runs // SEEDS, SEEDS) as (store, composer):
        made = Weighed(store, composer)
        assert module.execute(composer.study, lambda: made, QUIET)[1] == 0
        files = len(store.parts())
        experiments, outcomes = load_sweep(store.folder)
    assert experiments.index.tolist() == outcomes.index.tolist() == list(range(runs)), (
        "rows are not all there"
    )
    assert experiments["run_id"].is_unique
    assert files <= runs // 100, f"{files} files were left"
    assert made.chunks <= runs // 20, f"{made.chunks} parts were written"
    grown = growth([(run, count / 1e4) for run, count in made.held], runs // 4)
    assert grown <= BLOCKS_A_RUN, f"the coordinator keeps {grown:.2f} more with every run"
    return runs


def test_a_coordinator_loses_leaves_and_keeps_nothing(exercised: Exercised) -> None:
    """L1, L2, L3."""
    exercised("runs", check_coordinator(sweep), RUNS, nightly=100_000)


HEAVY = {
    "rows are not all there": (
        "        while self.left and len(self.running) < most:\n",
        "        self.left.popleft()\n        while self.left and len(self.running) < most:\n",
    ),
    "files were left": ("    store.compact()\n", ""),
    "parts were written": ("wanted = int(CHUNK_SECONDS / self.seconds_a_run)", "wanted = 12"),
    "coordinator keeps": (
        "found = result_of(future)\n",
        "found = result_of(future)\n        self.deaths[-self.done] = [f'{run:032}' for run in runs]\n",
    ),
}
"""Ways to lose, to leave and to keep, by what is said of them (L1, L2, L3)."""


@pytest.mark.parametrize("said", HEAVY)
def test_what_is_lost_left_or_kept_is_noticed(said: str) -> None:
    """L1, L2, L3."""
    with pytest.raises((AssertionError, IndexError), match=said):
        check_coordinator(planted(sweep, *HEAVY[said]))


def check_worker(module: ModuleType, chunks: int = 8, runs: int = 6) -> int:
    """Play chunks of tiny runs as a worker does: it keeps nothing of them."""
    counts = []
    with opened(chunks * runs) as (store, _):
        for first in range(0, chunks * runs, runs):
            told = module.play_chunk(str(store.folder), "", range(first, first + runs), 0.0)
            assert told["failed"] == 0
            counts.append((first, held(2) / 1e4))  # what others left may go at any time, so it goes now
    grown = growth(counts, 2 * runs)
    assert grown <= 100 * BLOCKS_A_RUN, f"the worker keeps {grown:.1f} more with every run"
    return chunks * runs


def test_a_worker_keeps_nothing_of_its_runs(exercised: Exercised) -> None:
    """L2."""
    exercised("runs", check_worker(sweep), 48, nightly=100_000)


def test_a_worker_that_keeps_its_markets_is_noticed() -> None:
    """L2."""
    keeps = planted(
        sweep, "    recorder = Recorder(model)\n",
        "    recorder = Recorder(model)\n    vars(Recorder).get('x') or setattr(Recorder, 'x', [])\n"
        "    Recorder.x.append(dict(vars(model)))\n",
    )  # fmt: skip
    try:
        with pytest.raises(AssertionError, match="the worker keeps"):
            check_worker(keeps)
    finally:
        del keeps.Recorder.x


SHARED = {"week", "requester_rows"}
"""Arrays of a market that are kept for the next one, or are another's."""


def check_let_go(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> int:
    """Play a few markets, some of which fail, while Python looks for no cycles: nothing is left of them."""
    left: list[tuple[str, weakref.ref[NDArray[Any]]]] = []

    class Seen(ClickWorkModel):
        def end(self) -> None:
            for one in (self, *self.observers):
                left.extend(
                    (name, weakref.ref(held))
                    for name, held in vars(one).items()
                    if isinstance(held, np.ndarray)
                )
            if self.config.seed == 3:
                raise ZeroDivisionError("poison")
            super().end()

    monkeypatch.setattr(module, "ClickWorkModel", Seen)
    with opened(1, 3) as (store, composer):
        gc.collect()
        gc.disable()
        try:
            for run in range(3):
                row, config = module._composed(composer, run, store.manifest)
                module._play(row, config, store.manifest | {"keep_series": True}, None, 0.0)
            still = sorted({name for name, held in left if held() is not None} - SHARED)
            assert not still, f"of what is played out stay in memory: {', '.join(still)}"
        finally:
            gc.enable()
    return len(left)


def test_a_market_that_is_played_out_is_let_go(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """L2: At once: a worker would hold hundreds of them until Python comes to look for cycles."""
    exercised("arrays", check_let_go(sweep, monkeypatch), 3 * 20)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        model.__dict__.clear()\n", ""),
        ("        recorder.__dict__.clear()\n", ""),
        ("    finally:  #", "    except ZeroDivisionError:\n        raise\n    else:  #"),
    ],
    ids=["the market", "its recorder", "after a failure"],
)
def test_a_market_that_stays_is_noticed(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """L2."""
    with pytest.raises(AssertionError, match="stay in memory"):
        check_let_go(planted(sweep, old, new), monkeypatch)


@pytest.mark.nightly
def test_a_hundred_thousand_runs_as_they_are_played(exercised: Exercised) -> None:
    """Markets, processes and kill -9 at 99 %, as `benchmarks --only sweep_1e5_played` (L1, L2, L3, L4)."""
    found = measured("played", runs=100_000)
    assert found["minutes"] <= 40.0
    assert found["overhead_ms"] <= 5.0
    assert found["mib_per_1e4_runs"] <= MIB_PER_1E4
    assert found["worker_mib_per_1e4_runs"] <= MIB_PER_1E4
    assert found["peak_mib"] <= 500.0
    assert found["peak_at_the_end_mib"] <= 500.0, "rows are put together block by block"
    assert found["files_per_100_runs"] <= 1.0
    assert found["read_seconds"] < 5.0
    assert found["resume_seconds"] < 10.0
    assert found["kept_at_kill"] >= 98_000
    exercised("runs", 100_000, 100_000)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere no peak is handed on")
def test_the_peak_is_not_that_of_who_started_it() -> None:
    ones = np.ones(2**26)
    told = [sys.executable, "-c", "from benchmarks.sweeps import peak_mib; print(peak_mib())"]
    of_child = float(subprocess.run(told, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert of_child < ones.nbytes / 2**20 < peak_mib()


@pytest.mark.nightly
def test_a_hundred_thousand_runs(exercised: Exercised) -> None:
    """L2, L3: Memory of the coordinator and files; that all rows are there is checked where they are made."""
    found = measured("load", runs=100_000)
    assert found["mib_per_1e4_runs"] <= MIB_PER_1E4
    assert found["peak_mib"] <= 500.0
    assert found["files_per_100_runs"] <= 1.0
    exercised("runs", 100_000, 100_000)
