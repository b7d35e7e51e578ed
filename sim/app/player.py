"""The process that plays what the page asks for: a comparison, and a run of each scenario for its tables.

It lives beside the server, so that the page stays alive; to cancel is to kill it, and its own processes end
with it. Everything is written by the functions behind `clickmarket run` and `clickmarket compare`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.app.state import State, configs
from sim.compile import is_cold
from sim.config import Config
from sim.errors import UserError
from sim.market import posting, search
from sim.study import compare, run
from sim.study.crew import Crew, Task, Tell
from sim.study.engine import cores

DAY, COMPILING, PLAYING, DONE, FAILED = "day", "compiling", "playing", "done", "failed"
SO_FAR = "so far"
"""What the process tells: a day is over; it compiles; it plays; files are written; why not; some are."""

COMPARISON, RUNS, PARTLY = "comparison", "runs", "partly"
FAULT = "This request met a fault of the program; the terminal shows where."
Say = Callable[..., None]


class Paths(dict[str, str]):
    """Folders of what was played: the run of each scenario by name; the comparison, if there is one."""


class LastingCrew(Crew):
    """A crew whose processes stay when a comparison has ended, and that tells of every day."""

    def __init__(self, size: int, say: Say) -> None:
        super().__init__(size)
        self.say = say

    def __exit__(self, *_: object) -> None:
        """Keep the processes for the next comparison."""

    def play(self, tasks: Sequence[Task], tell: Tell = lambda place: None) -> list[Any]:
        """Play tasks and tell of their days."""

        def both(place: int) -> None:
            tell(place)
            self.say(DAY)

        return super().play(tasks, both)


class Days:
    """An observer of a run that tells of its days."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self.advance = advance

    def hour(self, model: Any) -> None:
        """Do nothing."""

    def day(self, model: Any) -> None:
        """Tell."""
        self.advance()

    def month(self, *_: Any) -> None:
        """Do nothing."""


def serve(connection: Connection) -> None:
    """Play what is asked over a connection, one request after another, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_server, daemon=True).start()

    def say(*words: Any) -> None:
        connection.send(words)

    crew = LastingCrew(cores(), say)
    while True:
        try:
            state, folder = connection.recv()
        except (EOFError, OSError):
            break
        try:
            say(DONE, play(state, Path(folder), crew, say))
        except UserError as error:
            say(FAILED, error)
        except Exception:  # noqa: BLE001  the page tells of it, and the process stays
            print(traceback.format_exc(), file=sys.stderr, flush=True)
            say(FAILED, UserError(FAULT))
    if crew.engine is not None:
        crew.engine.abandon()


def end_with_server() -> None:
    """End this process when the server ends, in whatever way: it holds the other end of a pipe."""
    sys.stdin.buffer.read()
    os._exit(1)


def play(state: State, folder: Path, crew: Crew, say: Say) -> Paths:
    """Play a request into a folder, which is empty, and return where things are."""
    crew.alone_first = is_cold(search, posting)
    say(COMPILING if crew.alone_first else PLAYING)
    chosen = {name: into(config, folder) for name, config in configs(state).items()}
    runs: list[Task] = [
        (play_run, (into(config, folder / RUNS / str(number)),))
        for number, config in enumerate(chosen.values())
    ]
    places = dict(zip(chosen, crew.play(runs), strict=True))
    say(PLAYING)
    say(SO_FAR, Paths(places))

    def tell(seeds: int, write: Callable[[Path], None]) -> None:
        partly = folder / PARTLY / str(seeds)
        write(partly)
        say(SO_FAR, Paths({COMPARISON: str(partly), **places}))

    comparison = compare.execute(chosen, state.seeds, quiet=True, crew=crew, meanwhile=tell)
    return Paths({COMPARISON: str(comparison), **places})


def into(config: Config, folder: Path) -> Config:
    """Return the same configuration with another folder for results; no terminal is watching."""
    return replace(config, results=replace(config.results, dir=str(folder)))


def play_run(config: Config, rules: Any, advance: Callable[[], None]) -> str:
    """Play one run and return its folder."""
    return str(run.execute(config, quiet=True, observer=Days(advance)))
