"""Sweeps that start at once: for each line of words on standard input, one is forked from this process.

Seconds of every start go into imports and into loading compiled code; here they are over when the first
sweep begins. Its workers are forked as well. `counted_sweep` writes down what is begun.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from sim.cli import main
from sim.composition import compose
from sim.study import engine, sweep
from sim.study.lock import LOCKS


def let_go_of_locks() -> None:
    """Hold no lock of the process that this one was forked from: workers that a user starts hold none."""
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):  # the one that lists them is closed by now
            if descriptor.readlink().parent.name == LOCKS:
                os.close(int(descriptor.name))


def play(words: list[str]) -> NoReturn:
    """Be the process of a sweep: leader of a session of its own, as one that a shell has started."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    sys.argv[1:] = words
    importlib.import_module("tests.support.counted_sweep")
    os.register_at_fork(after_in_child=let_go_of_locks)
    forked = multiprocessing.get_context("fork")
    engine.multiprocessing.get_context = lambda _: forked  # type: ignore[attr-defined]
    sys.exit(main(words))


if __name__ == "__main__":
    sweep.outcomes_of(sweep.sober(compose(sys.argv[1:])))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed leaves nothing to wait for
    print("ready", flush=True)
    for line in sys.stdin:
        number = os.fork()
        if not number:
            play(json.loads(line))
        print(number, flush=True)
