"""Many runs: what the coordinator holds, leaves and does again does not grow with what is done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchmarks.__main__ import measured
from benchmarks.sweeps import MadeUp, opened, words_of
from sim import cli_sweep, study
from sim.study import engine, points, sweep
from sim.study.points import Composer
from sim.study.reading import load_sweep
from sim.study.store import Part
from tests.conftest import Exercised
from tests.support.planting import planted

RUNS = 2_000
SEEDS = 10
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
    assert work.composed <= 6, f"{work.composed} points were composed before the first run"
    assert work.rows <= RUNS, f"{work.rows} rows were parsed"
    assert work.columns <= 2, f"{work.columns} columns were parsed"
    assert work.read <= 2 * work.parts, f"{work.parts} parts were read {work.read} times"
    assert work.read_before_ready == 0, (
        f"workers were made ready late (-1: never), after {work.read_before_ready} parts"
    )


def test_a_sweep_that_goes_on_starts_at_once(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    work = work_before_the_first_run(monkeypatch)
    check_start(work)
    exercised("parts of a sweep that goes on", work.parts, 20)


SLOW = {
    "points were composed": (
        sweep, "    composer.check(composer.landmarks())\n", "    composer.check()\n"),
    "points were drawn": (sweep, "Composer(study) if composer is None else composer", "Composer(study)"),
    "parts were read": (
        sweep, "    state = store.done(len(composer))\n    if",
        "    store.damaged()\n    state = store.done(len(composer))\n    if"),
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
    work = work_before_the_first_run(monkeypatch, planted(*SLOW[said]))
    with pytest.raises(AssertionError, match=said):
        check_start(work)


def test_the_command_draws_its_points_once(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = planted(cli_sweep, "settings, found.plugins, composer)", "settings, found.plugins)")
    work = work_before_the_first_run(monkeypatch, command=twice)
    with pytest.raises(AssertionError, match="points were drawn 2 times"):
        check_start(work)


def test_all_rows_are_there_once_in_few_files(exercised: Exercised) -> None:
    with opened(RUNS // SEEDS, SEEDS) as (store, composer):
        code = sweep.execute(composer.study, lambda: MadeUp(store, composer), QUIET)[1]
        assert code == 0
        files = len(store.parts())
        experiments, outcomes = load_sweep(store.folder)
    assert experiments.index.tolist() == outcomes.index.tolist() == list(range(RUNS))
    assert experiments["run_id"].is_unique
    assert files <= RUNS // 100
    exercised("runs", RUNS, RUNS, nightly=100_000)


@pytest.mark.nightly
def test_a_hundred_thousand_runs_as_they_are_played(exercised: Exercised) -> None:
    """Markets, processes and kill -9 at 99 %, as `benchmarks --only sweep_1e5_played` (L1 to L4)."""
    found = measured("played", runs=100_000)
    assert found["overhead_ms"] <= 5.0
    assert found["mib_per_1e4_runs"] <= 1.0
    assert found["peak_mib"] <= 500.0
    assert found["peak_at_the_end_mib"] <= 500.0, "rows are put together block by block"
    assert found["files_per_100_runs"] <= 1.0
    assert found["read_seconds"] < 5.0
    assert found["resume_seconds"] < 10.0
    assert found["kept_at_kill"] >= 98_000
    exercised("runs", 100_000, 100_000)


@pytest.mark.nightly
def test_a_hundred_thousand_runs(exercised: Exercised) -> None:
    """Memory of the coordinator and files; that all rows are there is checked where they are made."""
    found = measured("load", runs=100_000)
    assert found["mib_per_1e4_runs"] <= 1.0
    assert found["peak_mib"] <= 500.0
    assert found["files_per_100_runs"] <= 1.0
    exercised("runs", 100_000, 100_000)
