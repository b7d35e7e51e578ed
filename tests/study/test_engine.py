"""Engines: a run that takes too long is stopped in any thread, and nothing else ever is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim.study import engine
from tests.conftest import Exercised
from tests.support.planting import planted
from tests.support.processes import ROOT

ROUNDS = 1_000


def beside(task: Callable[[], Any]) -> Any:
    """Do a task in a thread of its own, as a Dask worker does; return what it returned or raised."""
    found: list[Any] = []

    def do() -> None:
        try:
            found.append(task())
        except engine.RunTimeout as error:
            found.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    return found[0]


def endless() -> None:
    with engine.deadline(0.05):
        while True:
            pass


def test_what_takes_too_long_is_stopped_in_any_thread() -> None:
    assert str(beside(endless)) == "it took longer than 0.05 seconds"
    with pytest.raises(engine.RunTimeout, match=r"longer than 0\.05 seconds"):
        endless()


def raced(module: ModuleType) -> tuple[int, int]:
    """Do tasks that last about as long as they may; count those that ended, and those that were stopped.

    Whoever is stopped is stopped inside: what comes after the block is always done.
    """

    def many() -> tuple[int, int]:
        ended = stopped = 0
        for number in range(ROUNDS):
            try:
                with module.deadline(0.0005):
                    for _ in range(20 + number % 60):
                        sum(range(400))
                ended += 1
            except module.RunTimeout:
                stopped += 1
        return ended, stopped

    found: tuple[int, int] = beside(many)
    return found


def test_nothing_is_stopped_that_has_ended(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    monkeypatch.setattr(engine, "GRACE_SECONDS", 3600.0)
    ended, stopped = raced(engine)
    assert ended + stopped == ROUNDS
    watching = [thread for thread in threading.enumerate() if "watch" in thread.name]
    for thread in watching:
        thread.join(timeout=10.0)
    assert not any(thread.is_alive() for thread in watching), "who watches must end with what is watched"
    exercised("blocks that ended or were stopped at their end", ROUNDS, ROUNDS)


def test_a_process_of_a_users_own_is_left_alive() -> None:
    engine._begin_anew()


WORKER = """
import sys, threading
from pathlib import Path

import distributed
from sim.study import engine

begun = Path(sys.argv[1])
with begun.open("a") as file:
    print(*sys.argv[1:], file=file)
if len(begun.read_text().splitlines()) == 2:
    sys.exit()
distributed.Worker._instances.append(distributed.Worker())
engine.GRACE_SECONDS = 0.1
{bug}

def stuck():
    with engine.deadline(0.1):
        threading.Event().wait()

threading.Thread(target=stuck).start()
"""


@pytest.mark.parametrize("bug", ["", "engine.WORKER_PROGRAMS = ()"], ids=["as it is", "left stuck"])
def test_a_worker_without_a_nanny_takes_its_own_place(bug: str, tmp_path: Path) -> None:
    """A call that never comes back ends with its process, which begins again with the same words."""
    package = tmp_path / "distributed"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").write_text("class Worker:\n    _instances = []\n")
    (package / "cli" / "__init__.py").write_text("")
    (package / "cli" / "dask_worker.py").write_text(WORKER.format(bug=bug))
    begun = tmp_path / "begun.txt"
    command = [sys.executable, "-m", "distributed.cli.dask_worker", str(begun), "--no-nanny"]
    with subprocess.Popen(command, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"}) as process:
        if bug:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=3)
            process.kill()
        else:
            assert process.wait(timeout=60) == 0
    assert begun.read_text().splitlines() == [f"{begun} --no-nanny"] * (1 if bug else 2)


def test_a_deadline_of_the_main_thread_alone_is_noticed() -> None:
    broken = planted(engine, "        yield\n    elif hasattr", "        yield\n    elif True or hasattr")
    assert isinstance(beside_any(broken), ValueError)


def beside_any(module: ModuleType) -> BaseException:
    """What a thread gets of a deadline by a signal: signals are for the main thread."""
    found: list[BaseException] = []

    def do() -> None:
        try:
            with module.deadline(0.05):
                pass
        except ValueError as error:
            found.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("bug", [False, True], ids=["as it is", "a tracker that warns"])
def test_a_kill_leaves_no_warning(bug: bool) -> None:
    """Who cleans up after kill -9 does so in silence."""
    script = f"""
        import contextlib, os, signal
        from sim.study import engine
        if __name__ == "__main__":
            if {bug}:
                engine._quiet_tracker = contextlib.nullcontext
            local = engine.Local(1)
            local.submit(signal.pause)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert ("leaked semaphore" in done.stderr) is bug


@pytest.mark.parametrize("bug", [False, True], ids=["as it is", "nobody watches the parent"])
def test_processes_end_with_a_killed_coordinator(bug: bool, exercised: Exercised) -> None:
    """After kill -9 of the coordinator alone, its workers end: nobody holds the output open any longer."""
    script = f"""
        import os, signal, sys
        from sim.study import engine
        from tests.support.tasks import nothing
        if __name__ == "__main__":
            if {bug}:
                engine.prepare_worker = nothing
            local = engine.Local(2)
            tasks = [local.submit(signal.pause) for _ in range(2)]
            while not all(task.running() for task in tasks) or len(local.executor._processes) < 2:
                pass
            local.submit(signal.pause)
            print(*local.executor._processes, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        workers = [int(word) for word in process.stdout.readline().split()]
        if bug:
            with pytest.raises(subprocess.TimeoutExpired):
                process.communicate(timeout=3)
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
        process.communicate(timeout=300)
    exercised("workers", len(workers), 2)
