"""Many runs: what the coordinator holds, leaves and does again does not grow with what is done."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from benchmarks.__main__ import measured
from benchmarks.sweeps import MadeUp, opened
from sim.study import sweep
from sim.study.points import Composer
from sim.study.reading import load_sweep
from sim.study.store import Part
from tests.conftest import Exercised
from tests.support.planting import planted

RUNS = 2_000
SEEDS = 10


class Handed(Exception):
    """The first run was handed out."""


def work_before_the_first_run(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
    """Go on with a sweep of which 99 % is done; count points composed and parts read, and parts there are."""
    with opened(RUNS // SEEDS, SEEDS) as (store, composer):
        made = MadeUp(store, composer)
        kept = np.arange(RUNS - RUNS // 100)
        sweep.Coordinator(store, composer, made, sweep.Settings(quiet=True), kept).run()
        composed: list[int] = []
        read: list[str] = []
        compose, content = Composer._compose, Part.content

        def counted(self: Composer, point: tuple[object, ...]) -> object:
            composed.append(1)
            return compose(self, point)

        def counted_content(self: Part) -> bytes:
            read.append(self.path.name)
            return content(self)

        monkeypatch.setattr(Composer, "_compose", counted)
        monkeypatch.setattr(Part, "content", counted_content)
        again = MadeUp(store, composer)

        def handed(*_: object) -> None:
            raise Handed

        again.submit = handed  # type: ignore[method-assign,assignment]
        with pytest.raises(Handed):
            module.execute(composer.study, lambda: again, sweep.Settings(quiet=True))
        monkeypatch.undo()
        return len(composed), len(read), len(store.parts())


def check_start(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> int:
    composed, read, parts = work_before_the_first_run(module, monkeypatch)
    assert composed <= 6, f"{composed} points were composed before the first run"
    assert read <= 2 * parts, f"{parts} parts were read {read} times"
    return parts


def test_a_sweep_that_goes_on_starts_at_once(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    exercised("parts of a sweep that goes on", check_start(sweep, monkeypatch), 20)


def test_looking_through_all_points_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = planted(sweep, "    composer.check(composer.landmarks())\n", "    composer.check()\n")
    with pytest.raises(AssertionError, match="points were composed"):
        check_start(slow, monkeypatch)


def test_all_rows_are_there_once_in_few_files(exercised: Exercised) -> None:
    with opened(RUNS // SEEDS, SEEDS) as (store, composer):
        code = sweep.execute(composer.study, lambda: MadeUp(store, composer), sweep.Settings(quiet=True))[1]
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
