"""The store seen by the system: in which order a commit calls it, and a kill at each of these calls.

`tests/study/test_store.py` asks the same of the calls that Python makes; here strace watches the process.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.study.store import RUNS, Store, commit
from tests.conftest import Exercised
from tests.support.fake_engine import fake_rows
from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = ("openat", "write", "fsync", "rename", "renameat", "renameat2")
PARTS_AT_NIGHT = 42
SCRIPT = """
import os, sys
from pathlib import Path
from sim.study.store import RUNS, Store, commit
from tests.support.fake_engine import fake_rows
{bug}
folder = Path(sys.argv[1])
for number in range(int(sys.argv[2])):
    commit(folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
if len(sys.argv) > 3:
    Store(folder).compact()
"""


def traced(
    folder: Path, words: Sequence[str], options: Sequence[str], bug: str = "", said: Any = subprocess.DEVNULL
) -> int:
    """Have a process commit parts under strace; return the code with which it ended."""
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", SCRIPT.format(bug=bug)]
    return subprocess.run(
        [*command, str(folder), *words], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False,
        stdout=subprocess.DEVNULL, stderr=said,
    ).returncode  # fmt: skip


def new_folder(folder: Path) -> Path:
    (folder / RUNS).mkdir(parents=True)
    (folder / "series").mkdir()
    return folder


def steps(folder: Path, parts: int, bug: str = "") -> list[list[str]]:
    """What the system was asked to do for each part, in order."""
    log = folder.with_suffix(".log")
    assert traced(folder, [str(parts)], ["-o", str(log), "-e", f"trace={','.join(CALLS)}"], bug) == 0
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


def test_a_commit_calls_the_system_in_this_order(tmp_path: Path, exercised: Exercised) -> None:
    found = steps(new_folder(tmp_path / "a"), 3)
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
def test_a_commit_without_flush_is_seen(bug: str, tmp_path: Path) -> None:
    assert steps(new_folder(tmp_path / "a"), 1, BUGS[bug]) != [RIGHT]


def kill_everywhere(tmp_path: Path, parts: int, bug: str = "", opens: bool = False) -> int:
    """Kill a process at each call that changes a file, go on, and compare; return how many kills landed.

    With ``opens``, also at each call that opens a file in the folder.
    """
    whole = new_folder(tmp_path / "whole")
    for number in range(parts):
        commit(whole / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
    Store(whole).compact()
    landed = 0
    for call in ("write", "fsync", "rename", "unlink", *(["openat"] if opens else [])):
        for turn in opened(tmp_path, parts) if call == "openat" else range(1, 1000):
            folder = new_folder(tmp_path / f"{call}-{turn}")
            injected = [
                "-o",
                "/dev/null",
                "-e",
                f"trace={call}",
                "-e",
                f"inject={call}:signal=KILL:when={turn}",
            ]
            code = traced(folder, [str(parts), "compact"], injected, bug)
            if code == 0:
                break
            assert code in (-signal.SIGKILL, 128 + signal.SIGKILL)
            landed += 1
            go_on(folder, parts)
            assert [part.path.read_bytes() for part in Store(folder).parts()] == [
                part.path.read_bytes() for part in Store(whole).parts()
            ], f"killed at {call} {turn}"
            shutil.rmtree(folder)
    return landed


def opened(tmp_path: Path, parts: int) -> list[int]:
    """Which of all the files that a process opens lie in a sweep's folder."""
    folder = new_folder(tmp_path / "opened")
    log = folder.with_suffix(".log")
    assert traced(folder, [str(parts), "compact"], ["-o", str(log), "-e", "trace=openat"]) == 0
    lines = [line for line in log.read_text().splitlines() if "openat(" in line]
    return [number for number, line in enumerate(lines, 1) if str(folder) in line]


def go_on(folder: Path, parts: int) -> None:
    """Do what a coordinator does with a folder that it finds."""
    store = Store(folder)
    store.clear_leftovers()
    assert store.damaged() == [], "a kill left a torn part"
    state = store.done(2 * parts)
    for number in np.flatnonzero(state[::2] == 0).tolist():
        assert state[2 * number + 1] == 0, "half a part"
        commit(folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
    store.compact()
    assert list(folder.rglob("*.tmp")) == []


def test_a_kill_at_any_call_loses_nothing(tmp_path: Path, exercised: Exercised) -> None:
    exercised("kills", kill_everywhere(tmp_path, 1), 4, nightly=200)


IN_PLACE = """
import sim.study.store
sim.study.store.replacing = lambda path: open(path, "wb", buffering=0)
"""


def test_a_store_that_writes_in_place_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="torn part"):
        kill_everywhere(tmp_path, 1, IN_PLACE)


def fail_everywhere(tmp_path: Path, parts: int, errors: Sequence[str]) -> int:
    """Let each call that changes a file fail once, read what is told, go on; return how many failed."""
    failed = 0
    for error in errors:
        for call in ("write", "fsync", "rename"):
            for turn in range(1, 1000):
                folder = new_folder(tmp_path / f"{error}-{call}-{turn}")
                said = folder.with_suffix(".txt")
                injected = [
                    "-o",
                    "/dev/null",
                    "-e",
                    f"trace={call}",
                    "-e",
                    f"inject={call}:error={error}:when={turn}",
                ]
                with said.open("wb") as file:
                    code = traced(folder, [str(parts)], injected, said=file)
                if code == 0:
                    break
                failed += 1
                last = said.read_text().splitlines()[-1]
                assert "UserError" in last, last
                assert f"{folder / RUNS}/part-" in last, last
                assert "cannot be written: " in last, last
                assert list(folder.rglob("*.tmp")) == [], "what was half written stays"
                go_on(folder, parts)
                assert Store(folder).done(2 * parts).all()
    return failed


def test_a_failing_call_is_told(tmp_path: Path, exercised: Exercised) -> None:
    exercised("calls that failed", fail_everywhere(tmp_path, 1, ["ENOSPC"]), 3, nightly=30)


@pytest.mark.nightly
def test_many_failing_calls_are_told(tmp_path: Path, exercised: Exercised) -> None:
    errors = ["ENOSPC", "EIO", "EACCES", "EDQUOT"]
    exercised("calls that failed", fail_everywhere(tmp_path, 3, errors), 30)


@pytest.mark.nightly
def test_kills_at_many_calls_lose_nothing(tmp_path: Path, exercised: Exercised) -> None:
    exercised("kills", kill_everywhere(tmp_path, PARTS_AT_NIGHT, opens=True), 200)
