"""Processes that strace watches from the first call of their work on: nothing of their start is counted.

One process imports what the work needs, once, and forks another for each piece of work. That waits until
strace has it, so a blow at the k-th call falls on the k-th call of the work, in milliseconds instead of the
second or two that a start under strace takes.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from sim.study import sweep
from sim.study.lock import locked
from sim.study.points import Study
from sim.study.store import RUNS, Store, commit
from tests.support.fake_engine import fake_rows
from tests.support.processes import ROOT

IDENTITY = "0" * 64


def play_whole(results: Path, parts: int, tell: Callable[[int], None] = lambda committed: None) -> Path:
    """Play a sweep of made-up rows as its coordinator does, from folder to summary; go on with one."""
    config = SimpleNamespace(results=SimpleNamespace(dir=str(results)))
    points: list[tuple[Any, ...]] = [() for _ in range(2 * parts)]
    study = Study((), ())
    composer: Any = SimpleNamespace(points=points, study=study, config_of_point=lambda _: config)
    manifest = {
        "identity": IDENTITY, "study": study.to_plain(), "runs": 2 * parts, "outcomes": ["outcome"],
        "units": {"outcome": "USD"}, "keep_series": False,
    }  # fmt: skip
    folder = sweep._laid_out(results, manifest, composer, fresh=False)
    with locked(folder):
        store = Store(folder)
        store.clear_leftovers()
        store.set_aside_damaged()
        done = store.state()
        for number in range(parts):
            if not done[2 * number]:
                commit(folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
            tell(number + 1)
        store.write_status({"total": 2 * parts})
        sweep.finish(store)
    return folder


STARTER = """
import ctypes, json, mmap, os, sys, tempfile
from pathlib import Path
from sim.study.store import RUNS, Store, commit
from tests.support.fake_engine import fake_rows
from tests.support.struck import play_whole

ANYBODY, MAY_WATCH = ctypes.c_ulong(-1), 0x59616D61  # prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)
ctypes.CDLL(None).prctl(MAY_WATCH, ANYBODY, 0, 0, 0)
committed = mmap.mmap(-1, 1)  # shared, and written to without any call


with tempfile.TemporaryDirectory() as warm:  # what is imported at the first time only is there by now
    play_whole(Path(warm), 1)


def work(folder, parts, compact, whole):
    if whole:
        play_whole(folder, parts, lambda number: committed.__setitem__(0, number))
        return
    for number in range(parts):
        commit(folder / RUNS, fake_rows([2 * number, 2 * number + 1]), 2 * number)
        committed[0] = number + 1
    if compact:
        Store(folder).compact()


for line in sys.stdin:
    job = json.loads(line)
    waiting, ready = os.pipe()
    begun, begin = os.pipe()
    committed[0] = 0
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(job["said"], os.O_WRONLY | os.O_CREAT), 2)
            ctypes.CDLL(None).prctl(MAY_WATCH, ANYBODY, 0, 0, 0)
            exec(job["bug"])
            os.write(begin, b"!")  # from here on every call is one of the work, whenever strace comes
            os.read(waiting, 1)
            work(Path(job["folder"]), job["parts"], job["compact"], job["whole"])
            code = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\\n".encode())
        finally:
            os._exit(code)
    os.close(begin)
    os.read(begun, 1)
    print(child, flush=True)
    sys.stdin.readline()
    os.write(ready, b"!")
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    print(committed[0], flush=True)
    os.close(waiting), os.close(ready), os.close(begun)
"""


class Struck(NamedTuple):
    """The code with which a process ended, what it said, and how many parts it had committed by then."""

    code: int
    said: str
    committed: int


class Starter:
    """Has processes commit parts to folders, each watched by a strace of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    def _hear(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def work(
        self, folder: Path, parts: int, options: Sequence[str], *, compact: bool = False,
        whole: bool = False, bug: str = "",
    ) -> Struck:  # fmt: skip
        """Have parts committed, and put together if that is asked for; or a whole sweep played."""
        said = folder.with_suffix(".txt")
        job: dict[str, Any] = {"said": str(said), "folder": str(folder), "parts": parts}
        self._say(json.dumps(job | {"compact": compact, "whole": whole, "bug": bug}))
        child = self._hear()
        with subprocess.Popen(
            ["strace", "-f", *options, "-p", str(child)], stderr=subprocess.PIPE, text=True
        ) as strace:
            assert strace.stderr is not None
            attached = strace.stderr.readline()
            self._say("go")
            code, committed = self._hear(), self._hear()
            strace.stderr.read()
        assert "attached" in attached, attached
        return Struck(code, said.read_text(), committed)

    def calls(
        self, folder: Path, parts: int, names: Sequence[str], bug: str = "", whole: bool = False
    ) -> Counter[str]:
        """Return how often the work makes each of some calls, in the thread that makes it most often."""
        log = folder.with_suffix(".log")
        options = ["-o", str(log), "-e", f"trace={','.join(names)}"]
        code, said, _ = self.work(folder, parts, options, compact=True, whole=whole, bug=bug)
        assert code == 0, said
        found: Counter[str] = Counter()
        for line in log.read_text().splitlines():
            thread, _, call = line.partition(" ")
            found[f"{thread} {call.strip().partition('(')[0]}"] += 1
        most: Counter[str] = Counter()
        for key, count in found.items():
            name = key.partition(" ")[2]
            most[name] = max(most[name], count)
        return Counter({name: most[name] for name in names})


@contextlib.contextmanager
def starter() -> Iterator[Starter]:
    """Begin the process that begins all others; it ends in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Starter(process)
        assert process.stdin is not None
        process.stdin.close()
