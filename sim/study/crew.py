"""Tasks played by several processes: results in order, progress as it comes, no process left over.

A task is a function of a module and its arguments. It is called with two more: the rules of plug-in files,
and a function to call after each simulated day. With one process at a time it is called here, otherwise in
the processes of `sim.study.engine.Local`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.errors import UserError
from sim.plugins import load_plugins
from sim.study import engine

Task = tuple[Callable[..., Any], tuple[Any, ...]]
Tell = Callable[[int], None]
"""Called with a task's place after each of its days."""


class Crew:
    """Plays tasks in up to ``size`` processes, which it starts when they are needed.

    Parameters
    ----------
    size
        Processes at a time; 1 plays everything in this one.
    plugins
        Files with further rules.
    alone_first
        Whether the first task is played before others begin: it compiles the model for all.

    Attributes
    ----------
    after
        Called after each task, where it is set: by someone who looks at what is there.
    """

    def __init__(self, size: int, plugins: Sequence[Path] = (), alone_first: bool = False) -> None:
        self.size, self.plugins, self.alone_first = size, tuple(plugins), alone_first
        self.rules = _rules(self.plugins)
        self.engine: engine.Local | None = None
        self.after: Callable[[], object] | None = None

    def __enter__(self) -> Crew:
        """Return the crew; no process has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes, whatever they are doing."""
        if self.engine is not None:
            self.engine.abandon()
            self.engine = None

    def play(self, tasks: Sequence[Task], tell: Tell = lambda place: None) -> list[Any]:
        """Play tasks and return what each returned, in their order."""
        if self.size == 1:
            return [self._play_here(place, *task, tell) for place, task in enumerate(tasks)]
        numbered = list(enumerate(tasks))
        first = 1 if self.alone_first and tasks else 0
        self.alone_first = self.alone_first and not tasks
        return self._play_some(numbered[:first], tell) + self._play_some(numbered[first:], tell)

    def _play_here(self, place: int, function: Callable[..., Any], arguments: Any, tell: Tell) -> Any:
        found = function(*arguments, rules=self.rules, advance=lambda: tell(place))
        if self.after is not None:
            self.after()
        return found

    def _play_some(self, tasks: Sequence[tuple[int, Task]], tell: Tell) -> list[Any]:
        if not tasks:
            return []
        if self.engine is None:
            self.engine = engine.Local(self.size)
        futures = [self.engine.submit(serve, self.plugins, place, *task) for place, task in tasks]
        left: set[Future[Any]] = set(futures)
        while left:
            finished = engine.some_ended(left)
            left -= finished
            for place in self.engine.told():
                tell(place)
            for future in finished:
                self._take(future)
            if finished and self.after is not None:
                self.after()
        return [engine.result_of(future) for future in futures]

    def _take(self, future: Future[Any]) -> None:
        """Raise what went wrong; a process that has died, most likely for want of memory, in words."""
        error = engine.error_of(future)
        if engine.died(error):
            raise UserError(
                "A process that played a run has died, perhaps for want of memory; what is finished is kept,"
                " and the same command goes on from there.",
                path="jobs", value=self.size, allowed="fewer at a time", nearest="jobs=1",
            ) from error  # fmt: skip
        if error is not None:
            raise error


@lru_cache(maxsize=4)
def _rules(plugins: tuple[Path, ...]) -> Any:
    return load_plugins(plugins) if plugins else None


def serve(plugins: tuple[Path, ...], place: int, function: Callable[..., Any], arguments: Any) -> Any:
    """Play a task in a process of an engine."""
    return function(*arguments, rules=_rules(plugins), advance=lambda: engine.tell(place))


def usual_size(runs: int, threads: int) -> int:
    """Processes where nothing is said: one for each core, or as many threads, and no more than runs."""
    return max(1, min(runs, engine.cores() // threads))
