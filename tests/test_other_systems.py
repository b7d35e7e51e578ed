"""What other systems lack is not taken for granted: opening a folder, removing a file that is open."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main
from sim.model import ClickWorkModel
from sim.study.compare import file_name
from sim.study.lock import LOCKS, holders, only_one, taking_turns
from tests.conftest import Exercised
from tests.support.markets import fingerprint, tiny


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionError(13, "Permission denied")


def test_a_checkpoint_where_no_folder_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ClickWorkModel(tiny(days=1, workers=20))
    model.run(3)
    with monkeypatch.context() as there:
        there.setattr(os, "open", refuse)
        with pytest.raises(Exception, match="cannot be written"):
            model.save(tmp_path / "checkpoint")
        there.setattr(sys, "platform", "win32")
        model.save(tmp_path / "checkpoint")
    assert fingerprint(ClickWorkModel.load(tmp_path / "checkpoint")) == fingerprint(model)


def test_a_lock_whose_file_cannot_be_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", refuse)
    for _ in range(2):
        with only_one(tmp_path, "run"):
            pass
        with taking_turns(tmp_path, "turns"):
            pass
    assert (tmp_path / ".run.lock").exists()


def test_nobody_is_asked_for_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """On Windows signal 0 is Ctrl+C: who looks after a sweep would stop what plays it."""
    asked: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _: asked.append(process))
    (tmp_path / LOCKS).mkdir()
    who = f"process 4242 on {socket.gethostname()}"
    (tmp_path / LOCKS / "sweep").write_text(who, encoding="utf-8")
    with (tmp_path / LOCKS / "sweep").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert (holders(tmp_path), asked) == ({"sweep": who}, [4242])
    monkeypatch.setattr("sim.study.lock.fcntl", None)
    assert (holders(tmp_path), asked) == ({}, [4242])
    exercised("systems", 2, at_least=2)


def test_memory_that_cannot_be_limited_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "resource" else found(name, *rest)
    )
    assert main(["sweep", "seeds=2", "memory=4096"]) == 2
    assert "memory cannot be limited on this system." in capsys.readouterr().err


OTHERS = """
import importlib, os, pkgutil, sys
for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("getuid", "geteuid", "sched_getaffinity", "fork"):
    if hasattr(os, name):
        delattr(os, name)
import sim, experiments
count = 0
for package in (sim, experiments):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.endswith("__main__") or found.name == "sim.app.page" or (
            found.name.startswith("sim.app") and importlib.util.find_spec("streamlit") is None
        ):
            continue
        importlib.import_module(found.name)
        count += 1
from sim.cli import main
tiny = ["world=north_south", "workers.count=40", "requesters.count=8", "time.days=2", "time.warmup_days=0",
        f"results.dir={sys.argv[1]}", "record.figures=false"]
assert main(["run", *tiny]) == 0
assert main(["compare", "none", "usage_tax+universal_income", *tiny, "seeds=1", "jobs=1"]) == 0
assert main(["sweep", "market.looks=4,8", "seeds=1", *tiny[:-1], "engine=serial"]) == 0
assert main(["doctor"]) in (0, 1)
print("modules", count)
"""

FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
"""What no name of a file may have on Windows."""


def test_all_works_without_what_windows_lacks(tmp_path: Path, exercised: Exercised) -> None:
    """Every module is imported, and a tiny market, comparison and sweep are played; names fit Windows."""
    root = Path(__file__).resolve().parents[1]
    there = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root), "MPLBACKEND": "agg"}
    told = subprocess.run(
        [sys.executable, "-c", OTHERS, str(tmp_path / "results")],
        cwd=tmp_path, env=there, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    written = [path for path in tmp_path.rglob("*") if path != tmp_path / "results"]
    assert [path for path in written if FORBIDDEN.search(path.name)] == []
    exercised("modules imported", int(told.stdout.split()[-1]), at_least=150)
    exercised("names of files", len(written), at_least=45)


@pytest.mark.parametrize("name", ["a:b", "con", "NUL.txt", "x.", "x ", "a*", "tab\t", "lpt1.csv"])
def test_names_that_windows_refuses_are_noticed(name: str) -> None:
    assert FORBIDDEN.search(name)


@pytest.mark.parametrize("scenario", ["a:b/../c", "x?*", "é\n|", "C:\\x", "k=1,2"])
def test_names_of_scenarios_and_figures_fit_windows(scenario: str) -> None:
    for name in (f"00-{file_name(scenario)}.yaml", f"money-00-{file_name(scenario)}.png"):
        assert not FORBIDDEN.search(name)


def test_no_page_on_windows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["explore"]) == 2
    assert "does not work on Windows" in capsys.readouterr().err
