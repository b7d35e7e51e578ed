"""The store seen by the system: the order of its calls, and a kill or a failure at each of them.

`tests/study/test_store.py` asks the same of the calls that Python makes; here strace watches the process,
from its first call on. At night every call of the work is struck once; in tier C every call that changes
something, and of those that open a file each third.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from sim.errors import UserError
from sim.study import sweep
from sim.study.lock import LOCKS
from sim.study.store import RUNS, Store, commit
from tests.conftest import Exercised
from tests.support.fake_engine import fake_rows
from tests.support.struck import Starter, play_whole, starter

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = ("openat", "write", "fsync", "rename", "renameat", "renameat2")
STRUCK = ("openat", "write", "fsync", "rename", "unlink")
PARTS, PARTS_AT_NIGHT = 2, 42
ERRORS = ("ENOSPC", "EIO", "EACCES", "EDQUOT", "EINTR")


@pytest.fixture(scope="module")
def hands() -> Iterator[Starter]:
    """What begins the processes that are struck."""
    with starter() as found:
        yield found


def new_folder(folder: Path) -> Path:
    (folder / RUNS).mkdir(parents=True)
    (folder / "series").mkdir()
    return folder


def steps(hands: Starter, folder: Path, parts: int, bug: str = "") -> list[list[str]]:
    """What the system was asked to do for each part, in order."""
    log = folder.with_suffix(".log")
    code, said, _ = hands.work(folder, parts, ["-o", str(log), "-e", f"trace={','.join(CALLS)}"], bug=bug)
    assert code == 0, said
    found: list[list[str]] = []
    opened: dict[str, str] = {}
    for line in log.read_text().splitlines():
        if (place := re.search(r'openat\(AT_FDCWD, "([^"]+)".*= (\d+)$', line)) is not None:
            path, opened[place[2]] = place[1], place[1]
            if path.startswith(str(folder / RUNS)) and path.endswith(".tmp"):
                found.append(["open"])
        elif (place := re.search(r"(write|fsync)\((\d+)[,)]", line)) is not None:
            path = opened.get(place[2], "")
            if path == str(folder / RUNS):
                found[-1].append(f"{place[1]} folder")
            elif path.startswith(str(folder / RUNS)) and found[-1][-1] != f"{place[1]} file":
                found[-1].append(f"{place[1]} file")
        elif re.search(r"rename\w*\(", line) and "part-" in line:
            found[-1].append("rename")
    return found


RIGHT = ["open", "write file", "fsync file", "rename", "fsync folder"]


def test_a_commit_calls_the_system_in_this_order(
    hands: Starter, tmp_path: Path, exercised: Exercised
) -> None:
    """F4."""
    found = steps(hands, new_folder(tmp_path / "a"), 3)
    assert found == [RIGHT] * 3
    exercised("commits watched", len(found), 3)


BUGS = {
    "no flush": "os.fsync = lambda number: None",
    "no flush of the folder": """
real = os.fsync
os.fsync = lambda number: None if os.path.isdir(f"/proc/self/fd/{number}") else real(number)
""",
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_commit_without_flush_is_seen(hands: Starter, bug: str, tmp_path: Path) -> None:
    """F4."""
    assert steps(hands, new_folder(tmp_path / "a"), 1, BUGS[bug]) != [RIGHT]


# ---------------------------------------------------------------- kills


def whole_store(folder: Path, parts: int) -> list[bytes]:
    """What is there when nothing is struck."""
    whole = Store(new_folder(folder))
    for number in range(parts):
        commit(whole.folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
    whole.compact()
    return [part.path.read_bytes() for part in whole.parts()]


def blow(call: str, how: str, turn: int) -> list[str]:
    """The words by which strace strikes a call."""
    return ["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{how}:when={turn}"]


def turns(
    hands: Starter, folder: Path, parts: int, calls: Sequence[str], bug: str
) -> Iterator[tuple[str, int]]:
    """Give each call of the work and its turn; of few parts, each third of those that open a file."""
    counts = hands.calls(new_folder(folder / "counted"), parts, calls, bug)
    for call, count in counts.items():
        step = 3 if call == "openat" and parts <= PARTS else 1
        yield from ((call, turn) for turn in range(1, count + 1, step))


def kill_everywhere(
    hands: Starter, folder: Path, parts: int = PARTS, bug: str = "", calls: Sequence[str] = STRUCK
) -> Counter[str]:
    """Kill a process at each of its calls, go on, and compare; return how many kills landed, by call."""
    whole = whole_store(folder / "whole", parts)
    landed: Counter[str] = Counter()
    for call, turn in turns(hands, folder, parts, calls, bug):
        place = new_folder(folder / f"{call}-{turn}")
        struck = hands.work(place, parts, blow(call, "signal=KILL", turn), compact=True, bug=bug)
        assert struck.code == -signal.SIGKILL, f"the kill at {call} {turn} missed: {struck.said}"
        kept = Store(place).done(2 * parts)
        go_on(place, parts)
        assert kept[: 2 * struck.committed].all(), f"what was committed is lost: {call} {turn}"
        assert [part.path.read_bytes() for part in Store(place).parts()] == whole, f"killed at {call} {turn}"
        shutil.rmtree(place)
        landed[call] += 1
    return landed


def go_on(folder: Path, parts: int) -> None:
    """Do what a coordinator does with a folder that it finds."""
    store = Store(folder)
    store.clear_leftovers()
    assert store.damaged() == [], "a torn part was left"
    state = store.done(2 * parts)
    for number in np.flatnonzero(state[::2] == 0).tolist():
        assert state[2 * number + 1] == 0, "half a part"
        commit(folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
    store.compact()
    assert list(folder.rglob("*.tmp")) == []


def note(exercised: Exercised, landed: Counter[str], floors: Sequence[int], nightly: Sequence[int]) -> None:
    for call, floor, more in zip(STRUCK, floors, nightly, strict=True):
        exercised(f"kills at {call}", landed[call], floor, nightly=more)


AT_NIGHT = (200, 43, 86, 43, 42)


def test_a_kill_at_any_call_loses_nothing(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    """F2."""
    note(exercised, kill_everywhere(hands, tmp_path), (6, 3, 6, 3, 2), AT_NIGHT)


@pytest.mark.nightly
def test_kills_at_many_calls_lose_nothing(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    """F2."""
    note(exercised, kill_everywhere(hands, tmp_path, PARTS_AT_NIGHT), AT_NIGHT, AT_NIGHT)


IN_PLACE = """
import sim.study.store
sim.study.store.replacing = lambda path: open(path, "wb", buffering=0)
"""
OLD_ONES_FIRST = """
compact = Store.compact
def broken(self):
    rows = list(self.blocks())
    for part in self.parts():
        part.path.unlink()
    for table in rows:
        commit(self.folder / RUNS, table, int(table["run"][0].as_py()))
Store.compact = broken
"""


@pytest.mark.parametrize(
    ("bug", "call", "told"),
    [(IN_PLACE, "write", "torn part"), (OLD_ONES_FIRST, "unlink", "committed is lost")],
    ids=["written in place", "old parts go before the new one is there"],
)
def test_stores_that_a_kill_harms_are_noticed(
    bug: str, call: str, told: str, hands: Starter, tmp_path: Path
) -> None:
    """F2."""
    with pytest.raises(AssertionError, match=told):
        kill_everywhere(hands, tmp_path, bug=bug, calls=[call])


# ---------------------------------------------------------------- failing calls


def fail_everywhere(
    hands: Starter,
    folder: Path,
    errors: Sequence[str],
    parts: int = PARTS,
    bug: str = "",
    calls: Sequence[str] = STRUCK,
) -> Counter[str]:
    """Let each call fail once, read what is told, go on; return how many failures were told, by error."""
    whole = whole_store(folder / "whole", parts)
    failed: Counter[str] = Counter()
    for call, turn in turns(hands, folder, parts, calls, bug):
        for error in errors:
            where = f"{error} at {call} {turn}"
            place = new_folder(folder / where.replace(" ", "-"))
            code, said, _ = hands.work(
                place, parts, blow(call, f"error={error}", turn), compact=True, bug=bug
            )
            if code == 0:  # asked again, or it was no file that is needed
                assert [part.path.read_bytes() for part in Store(place).parts()] == whole, (
                    f"{where} was passed over in silence"
                )
            else:
                check_told(said, place, os.strerror(getattr(errno, error)), where)
                assert list(place.rglob("*.tmp")) == [], "what was half written stays"
                failed[error] += 1
            go_on(place, parts)
            assert Store(place).done(2 * parts).all()
            shutil.rmtree(place)
    return failed


def check_told(said: str, folder: Path, cause: str, where: str) -> None:
    """A sentence for people, that names the path and the cause."""
    first = said.partition("\n")[0]
    assert first.startswith("UserError: "), f"{where}: {said}"
    assert f"{folder}/" in first, f"{where}: {said}"
    assert cause in first, f"{where}: {said}"


def test_a_failing_call_is_told(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    """F3."""
    failed = fail_everywhere(hands, tmp_path, ["ENOSPC"])
    exercised("calls that failed", failed.total(), 16, nightly=35 * len(ERRORS))


@pytest.mark.nightly
def test_many_failing_calls_are_told(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    """F3."""
    failed = fail_everywhere(hands, tmp_path, ERRORS, parts=PARTS + 1)
    for error in ERRORS:
        exercised(f"calls that failed with {error}", failed[error], 5 if error == "EINTR" else 35)


PASSED_OVER = """
import contextlib
import sim.study.store
real = sim.study.store.replacing
@contextlib.contextmanager
def replacing(path):
    with contextlib.suppress(UserError), real(path) as file:
        yield file
from sim.errors import UserError
sim.study.store.replacing = replacing
"""
LEFT_HALF = """
import sim.study.result
sim.study.result._Replacement.abort = lambda self: None
"""
NO_SENTENCE = """
import contextlib
import sim.study.store
sim.study.store.changing = lambda path: contextlib.nullcontext()
"""


@pytest.mark.parametrize(
    ("bug", "call", "told"),
    [
        (PASSED_OVER, "fsync", "passed over in silence"),
        (LEFT_HALF, "fsync", "half written stays"),
        (NO_SENTENCE, "unlink", "OSError"),
    ],
    ids=["passed over", "half of it stays", "no sentence"],
)
def test_stores_that_a_failure_harms_are_noticed(
    bug: str, call: str, told: str, hands: Starter, tmp_path: Path
) -> None:
    """F3."""
    with pytest.raises(AssertionError, match=told):
        fail_everywhere(hands, tmp_path, ["ENOSPC"], bug=bug, calls=[call])


# ---------------------------------------------------------------- a sweep from its folder to its summary

CALLS_OF_ALL = ("mkdir", "openat", "write", "fsync", "rename", "unlink", "ftruncate", "flock")


def left_by(results: Path) -> dict[str, bytes]:
    """What a sweep leaves, file by file, without its locks; there is one folder, and nothing half written."""
    assert list(results.rglob("*.tmp")) == [], "what was half written stays"
    (folder,) = (path for path in results.iterdir() if path.is_dir())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != LOCKS
    }


def blows(
    hands: Starter, folder: Path, calls: Sequence[str], bug: str, every: int
) -> Iterator[tuple[str, int]]:
    """Give each call of a whole sweep and its turn; of those that open a file each third, or all."""
    counts = hands.calls(folder / "counted", PARTS, calls, bug, whole=True)
    for call, count in counts.items():
        yield from ((call, turn) for turn in range(1, count + 1, every if call == "openat" else 1))


def kill_whole(
    hands: Starter, folder: Path, bug: str = "", calls: Sequence[str] = CALLS_OF_ALL, every: int = 3
) -> Counter[str]:
    """Kill a sweep at each of its calls and give the command again; return how many kills landed, by call."""
    play_whole(folder / "whole", PARTS)
    whole, landed = left_by(folder / "whole"), Counter[str]()
    for call, turn in blows(hands, folder, calls, bug, every):
        place = folder / f"{call}-{turn}"
        struck = hands.work(place, PARTS, blow(call, "signal=KILL", turn), whole=True, bug=bug)
        assert struck.code == -signal.SIGKILL, f"the kill at {call} {turn} missed: {struck.said}"
        found = [path for path in place.glob("*-sweep-*") if (path / "manifest.json").is_file()]
        kept = Store(found[0]).state() if found else np.zeros(2 * PARTS)
        assert kept[: 2 * struck.committed].all(), f"what was committed is lost: {call} {turn}"
        play_whole(place, PARTS)
        assert left_by(place) == whole, f"something else is left after a kill at {call} {turn}"
        shutil.rmtree(place)
        landed[call] += 1
    return landed


def fail_whole(
    hands: Starter, folder: Path, errors: Sequence[str], bug: str = "",
    calls: Sequence[str] = CALLS_OF_ALL, every: int = 3,
) -> Counter[str]:  # fmt: skip
    """Let each call of a sweep fail once; it is told, and the command then goes on. Count those told."""
    play_whole(folder / "whole", PARTS)
    whole, told = left_by(folder / "whole"), Counter[str]()
    for call, turn in blows(hands, folder, calls, bug, every):
        for error in errors:
            where, place = f"{error} at {call} {turn}", folder / f"{error}-{call}-{turn}"
            code, said, _ = hands.work(place, PARTS, blow(call, f"error={error}", turn), whole=True, bug=bug)
            if code == 0:  # asked again, or it was no file that is needed
                assert left_by(place) == whole, f"{where} was passed over in silence"
            else:
                lines = said.splitlines()
                assert lines[0].startswith("UserError: "), f"{where}: {said}"
                assert os.strerror(getattr(errno, error)) in lines[0], f"{where}: {said}"
                assert str(place) in said or "results.dir" in lines[0], f"{where}: {said}"
                told[call] += 1
            play_whole(place, PARTS)
            assert left_by(place) == whole, f"something else is left after {where}"
            shutil.rmtree(place)
    return told


AT_LEAST = {
    "mkdir": 4,
    "openat": 10,
    "write": 8,
    "fsync": 12,
    "rename": 6,
    "unlink": 3,
    "ftruncate": 3,
    "flock": 2,
}


def test_a_kill_at_any_call_of_a_sweep_loses_nothing(
    hands: Starter, tmp_path: Path, exercised: Exercised
) -> None:
    """Folders, points, manifest, locks, parts, status and summary (F2)."""
    landed = kill_whole(hands, tmp_path)
    for call, count in AT_LEAST.items():
        exercised(f"kills at {call}", landed[call], count)


def test_a_failing_call_of_a_sweep_is_told(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    told = fail_whole(hands, tmp_path, ["ENOSPC"])
    exercised("failures that were told", told.total(), 40, nightly=200)


@pytest.mark.nightly
def test_failing_calls_of_a_sweep_are_told(hands: Starter, tmp_path: Path, exercised: Exercised) -> None:
    """F3: every call of the work, with every error."""
    told = fail_whole(hands, tmp_path, ERRORS, every=1)
    exercised("failures that were told", told.total(), 200)


MANIFEST_FIRST = """
from sim.study import store
real = store.write_manifest
def create(folder, manifest, points):
    real(folder, manifest)
    made(folder, manifest, points)
    return Store(folder)
made = Store.create
Store.create = create
"""
RAW = """
import contextlib
from sim.study import lock, store
store.changing = lambda path: contextlib.nullcontext()
lock._unwritable = lambda path, error: error
"""
IN_SILENCE = """
import contextlib
from sim.errors import UserError
from sim.study import reading
real = reading.replacing
@contextlib.contextmanager
def replacing(path):
    with contextlib.suppress(UserError), real(path) as file:
        yield file
reading.replacing = replacing
"""


def test_a_manifest_before_the_points_is_noticed(hands: Starter, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, UserError)):
        kill_whole(hands, tmp_path, MANIFEST_FIRST, ["rename"])


def test_a_new_folder_each_time_is_noticed(
    hands: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_left_empty", lambda *_: None)
    with pytest.raises(ValueError, match="too many values"):
        kill_whole(hands, tmp_path, calls=["mkdir"])


@pytest.mark.parametrize(
    ("bug", "call"), [(RAW, "ftruncate"), (RAW, "mkdir"), (IN_SILENCE, "fsync")],
    ids=["no sentence for locks", "no sentence for folders", "a summary that is not there"],
)  # fmt: skip
def test_sweeps_that_a_failure_harms_are_noticed(bug: str, call: str, hands: Starter, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        fail_whole(hands, tmp_path, ["ENOSPC"], bug, [call])
