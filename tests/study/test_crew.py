"""Runs in several processes: the same files as in one, nothing left after a kill, one at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim.study.crew
import sim.study.lock
from sim import compare
from sim.cli import main
from sim.errors import UserError
from sim.study.crew import Crew, usual_size
from sim.study.lock import only_one
from tests.conftest import Exercised
from tests.study.test_compare import SHORT, contents, edited
from tests.support.tasks import doubled, dying, refused


def check_order(module: Any) -> None:
    """Results come in the order of the tasks, and each task's days are told of."""
    told: list[int] = []
    with module.Crew(1) as crew:
        assert crew.play([(doubled, (number,)) for number in range(5)], told.append) == [0, 2, 4, 6, 8]
    assert sorted(told) == sorted(2 * list(range(5)))


def test_one_process() -> None:
    check_order(sim.study.crew)


def test_several_processes_keep_the_order_and_tell_of_failures(exercised: Exercised) -> None:
    """Results in order, days told; an error is raised here, a death is told in words."""
    told: list[int] = []
    with Crew(2, alone_first=True) as crew:
        assert crew.play([]) == []
        found = crew.play([(doubled, (number,)) for number in range(6)], told.append)
        assert found == [0, 2, 4, 6, 8, 10]
        assert crew.engine is not None
        assert sorted(told) == sorted(2 * list(range(6)))
        hands = list(crew.engine.executor._processes.values())
        assert len(hands) == 2
        with pytest.raises(ValueError, match="this one"):
            crew.play([(refused, ("this one",))])
    assert not any(hand.is_alive() for hand in hands) and crew.engine is None
    with Crew(2) as crew, pytest.raises(UserError, match=r"has died.*same command goes on"):
        crew.play([(dying, (7,))])
    exercised("days told", len(told), at_least=12)


def test_kill_of_the_parent_kills_its_workers(exercised: Exercised) -> None:
    """After kill -9 of the parent, workers that never end by themselves end: nobody holds the output open."""
    script = """
        import os, signal
        from sim.study.crew import Crew
        from tests.support.tasks import forever
        begun = []
        def kill(place):
            begun.append(place)
            if len(begun) == 2:
                print(len(begun), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        if __name__ == "__main__":
            Crew(2).play([(forever, ()), (forever, ())], kill)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    exercised("workers that ended with their parent", int(done.stdout), at_least=2)


def test_two_processes_write_what_one_writes(tmp_path: Path, exercised: Exercised) -> None:
    words = ["none", "usage_tax+universal_income"]
    one, two = (
        compare(words, [*SHORT, f"results.dir={tmp_path / str(jobs)}"], seeds=2, jobs=jobs) for jobs in (1, 2)
    )
    assert contents(one.path) == contents(two.path)
    exercised("tables compared byte by byte", len(contents(one.path)), at_least=8)


def test_processes_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert [usual_size(runs, threads) for runs, threads in ((100, 1), (3, 1), (100, 3), (100, 9))] == [
        8,
        3,
        2,
        1,
    ]


# ---------------------------------------------------------------- the lock


def check_lock(module: Any, folder: Path) -> None:
    """A second holder is refused and told by whom; a file left behind bars nobody; the lock is let go."""
    (folder / ".it.lock").write_text("999999\n")
    with module.only_one(folder, "it"):
        assert (folder / ".it.lock").read_text() == f"{os.getpid()}\n"
        with (
            module.only_one(folder, "another"),
            pytest.raises(UserError, match=f"process {os.getpid()}: wait"),
            module.only_one(folder, "it"),
        ):
            raise AssertionError("two at a time")
    assert list(folder.iterdir()) == []
    with module.only_one(folder, "it"):
        pass


def test_one_at_a_time(tmp_path: Path) -> None:
    check_lock(sim.study.lock, tmp_path)


def test_the_same_comparison_twice_at_once_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second is refused in one sentence with exit code 2 and writes nothing; another one is not."""
    words = ["compare", "none", "usage_tax", "seeds=1", "jobs=1", *SHORT, f"results.dir={tmp_path}"]
    tried: list[int] = []

    def meddling(*what: Any) -> None:
        if not tried:
            tried.append(0)
            before = sorted(tmp_path.rglob("*"))
            tried[0] = main(words)
            assert sorted(tmp_path.rglob("*")) == before
            tried.append(main([*words, "seed=99"]))
        kept(*what)

    kept = sim.study.compare.keep
    monkeypatch.setattr("sim.study.compare.keep", meddling)
    assert main(words) == 0 and tried == [2, 0]
    told = capsys.readouterr().err
    assert told == (
        f"clickmarket: The same comparison is being played by process {os.getpid()}: wait for it, or stop it"
        " first.\n"
    )


PLANTS: list[tuple[str, str, str, Callable[..., None]]] = [
    ("crew", "advance=lambda: tell(place)", "advance=lambda: tell(0)", check_order),
    ("crew", "found = function(", "found = 1 + function(", check_order),
    ("lock", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB", check_lock),
    ("lock", "        path.unlink(missing_ok=True)\n    file.close()\n\n\ndef _locked",
     "        pass\n    file.close()\n\n\ndef _locked", check_lock),
    ("lock", "file.truncate(0)\n            file.write(f\"{os", "file.write(f\"{os", check_lock),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(
    name: str, old: str, new: str, check: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(edited(name, old, new), *([tmp_path] if check is check_lock else []))


def test_the_lock_is_there_to_be_asked(tmp_path: Path) -> None:
    """A folder that cannot be made is told of."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to"), only_one(tmp_path / "file" / "below", "it"):
        raise AssertionError("it cannot be held")
