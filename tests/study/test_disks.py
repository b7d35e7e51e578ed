"""Disks that are full, read-only or no longer ours: one sentence, nothing damaged, and the sweep goes on.

The full and the read-only disk are mounted for the test, which only root may do; elsewhere they are skipped.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sim.study
from sim.cli import main
from sim.errors import UserError
from sim.study import result, store, sweep
from sim.study.store import RUNS, Store
from tests.conftest import Exercised
from tests.study.test_sweep import COUNT, WORDS, bytes_of, plain
from tests.support.planting import planted

__all__ = ["plain"]

STEP_KIB, STEP_AT_NIGHT = 192, 16
"""By how much each disk is larger than the one before, until a sweep has room."""

NOBODY = 65534


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A place for a disk; what is mounted there goes in the end."""
    place = tmp_path / "disk"
    place.mkdir()
    yield place
    while place.is_mount():
        subprocess.run(["umount", str(place)], check=True)


def mount(place: Path, *words: str) -> None:
    """Mount something, or skip the test where that is not allowed."""
    if not sys.platform.startswith("linux"):
        pytest.skip("a disk in memory is mounted in this way on Linux alone")
    done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


def play(results: Path) -> int:
    """Play the sweep as a user does, in this process."""
    return main(["sweep", *WORDS, f"results.dir={results}", "engine=serial"])


def check_full(
    folder: Path, capsys: pytest.CaptureFixture[str], whole: bytes, step: int = STEP_KIB
) -> tuple[int, int]:
    """Play on larger and larger disks; return how many were too small, and on how many runs were kept."""
    kept = 0
    for full in range(100):
        mount(folder, "-t", "tmpfs", "-o", f"size={(full + 1) * step}k", "tmpfs")
        results = folder / "r"
        code = play(results)
        told = capsys.readouterr().err
        if code == 0:
            assert kept_in(results) == COUNT, "it says that all is done, and it is not"
            assert bytes_of(next(results.iterdir())) == whole
            return full, kept
        check_told(code, told, "No space left on device")
        kept += kept_in(results) > 0
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        go_on(results, whole)
        subprocess.run(["umount", str(folder)], check=True)
    raise AssertionError("no disk was large enough")


def check_told(code: int, told: str, cause: str) -> None:
    assert code == 2
    assert len([line for line in told.splitlines() if line.startswith("clickmarket: ")]) == 1, told
    assert cause in told, told


def kept_in(results: Path) -> int:
    """How many runs are done; what is damaged is none, and is not there."""
    found = [Store(path.parent) for path in results.glob("*/manifest.json")]
    if not found:
        return 0
    assert found[0].damaged() == [], "a torn part was left"
    return int((found[0].done(COUNT) == 1).sum())


def go_on(results: Path, whole: bytes) -> None:
    """The same command ends it, in the same folder."""
    assert play(results) == 0
    (folder,) = (path for path in results.iterdir() if (path / "manifest.json").exists())
    assert bytes_of(folder) == whole
    assert list(results.rglob("*.tmp")) == []


def test_a_full_disk_loses_nothing(
    disk: Path, plain: Path, capsys: pytest.CaptureFixture[str], exercised: Exercised
) -> None:
    """F5: Full before anything is written, between the parts, and while they are put together."""
    full, kept = check_full(disk, capsys, bytes_of(plain))
    exercised("disks that were full", full, 3, nightly=30)
    exercised("of them when runs were kept", kept, 3, nightly=25)


@pytest.mark.nightly
def test_many_full_disks_lose_nothing(
    disk: Path, plain: Path, capsys: pytest.CaptureFixture[str], exercised: Exercised
) -> None:
    """F5."""
    full, kept = check_full(disk, capsys, bytes_of(plain), STEP_AT_NIGHT)
    exercised("disks that were full", full, 30)
    exercised("of them when runs were kept", kept, 25)


def in_place(path: Path) -> Any:
    """Write a file where it will be."""
    return path.open("wb", buffering=0)


@contextlib.contextmanager
def in_silence(path: Path) -> Iterator[Any]:
    """Write a file, or do not."""
    content = io.BytesIO()
    yield content
    with contextlib.suppress(UserError), result.replacing(path) as file:
        file.write(content.getvalue())


@pytest.mark.parametrize("broken", [in_place, in_silence])
def test_stores_that_a_full_disk_harms_are_noticed(
    broken: Callable[[Path], Any],
    disk: Path,
    plain: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F5."""
    monkeypatch.setattr(store, "replacing", broken)
    with pytest.raises((AssertionError, OSError)):
        check_full(disk, capsys, bytes_of(plain))


# ---------------------------------------------------------------- read-only


def counted_runs(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[int], None], module: Any = sweep
) -> list[int]:
    """Have something happen before each run; return the list that grows with them."""
    real, played = module.outcomes_of, list[int]()

    def outcomes_of(*arguments: Any) -> Any:
        played.append(len(played))
        then(len(played))
        return real(*arguments)

    monkeypatch.setattr(module, "outcomes_of", outcomes_of)
    return played


def check_refused(module: Any, folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on a read-only disk is refused before any run, whether it is there already or not."""
    mount(folder, "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs")
    monkeypatch.setattr(sim.study, "sweep", module)
    played = counted_runs(monkeypatch, lambda number: None, module)
    for results in (folder, folder / "r"):
        check_told(play(results), capsys.readouterr().err, "Read-only file system")
    assert played == [], "a run was played whose result cannot be kept"
    assert list(folder.iterdir()) == []


def test_a_read_only_disk_is_refused(
    disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6."""
    check_refused(sweep, disk, capsys, monkeypatch)


def test_playing_before_writing_is_noticed(
    disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6."""
    eager = planted(
        sweep, "        ready.append(engine())  #", "        outcomes_of(first); ready.append(engine())  #"
    )
    monkeypatch.setattr("sim.validation.check_folder", lambda *_: None)
    with pytest.raises(AssertionError, match="cannot be kept"):
        check_refused(eager, disk, capsys, monkeypatch)


def check_lost(
    lose: Callable[[Path], None], cause: str, back: Callable[[Path], None], folder: Path, whole: bytes,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> int:  # fmt: skip
    """What may be written to may no longer be after three runs; return how many runs were kept."""
    results = folder / "r"
    lost: list[Path] = []

    def then(number: int) -> None:
        if number == 4:
            lost.append(next(results.iterdir()) / RUNS)
            lose(lost[0])

    with monkeypatch.context() as within:
        played = counted_runs(within, then)
        try:
            code = play(results)
        finally:
            for runs in lost:
                back(runs)
    check_told(code, capsys.readouterr().err, cause)
    assert len(played) <= 3 + COUNT // 4, "it plays on though nothing can be kept"
    kept = kept_in(results)
    go_on(results, whole)
    return kept


def made_read_only(runs: Path) -> None:
    """Mount a folder over itself, read-only."""
    mount(runs, "--bind", str(runs))
    mount(runs, "-o", "remount,bind,ro")


def writable_again(runs: Path) -> None:
    subprocess.run(["umount", str(runs)], check=False)


def taken_away(runs: Path) -> None:
    """Take the right to write away; root has it all the same, and becomes somebody else."""
    runs.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)


def given_back(runs: Path) -> None:
    os.seteuid(os.getuid())
    runs.chmod(0o755)


LOSSES = {
    "read-only": (made_read_only, "Read-only file system", writable_again),
    "no right": (taken_away, "Permission denied", given_back),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_folder_that_may_no_longer_be_written_to_is_told(
    loss: str,
    plain: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    exercised: Exercised,
) -> None:
    """F6."""
    kept = check_lost(*LOSSES[loss], tmp_path, bytes_of(plain), capsys, monkeypatch)
    exercised("runs kept", kept, 1)


@pytest.mark.parametrize("loss", LOSSES)
def test_passing_over_a_lost_folder_is_noticed(
    loss: str,
    plain: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F6."""
    monkeypatch.setattr(store, "replacing", in_silence)
    with pytest.raises(AssertionError, match="plays on"):
        check_lost(*LOSSES[loss], tmp_path, bytes_of(plain), capsys, monkeypatch)
