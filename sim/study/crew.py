"""Tasks played by several processes: results in order, progress as it comes, no process left over.

A task is a function of a module and its arguments. It is called with two more: the rules of plug-in files,
and a function to call after each simulated day. With one process at a time it is called here.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from sim.errors import UserError
from sim.plugins import load_plugins
from sim.study.engine import cores, prepare_worker

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
    """

    def __init__(self, size: int, plugins: Sequence[Path] = (), alone_first: bool = False) -> None:
        self.size, self.plugins, self.alone_first = size, list(plugins), alone_first
        self.rules = load_plugins(self.plugins) if self.plugins else None
        self.hands: dict[Connection, Any] = {}

    def __enter__(self) -> Crew:
        """Return the crew; no process has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes, whatever they are doing."""
        for hand in self.hands.values():
            hand.terminate()
        for pipe, hand in self.hands.items():
            hand.join()
            pipe.close()
        self.hands.clear()

    def play(self, tasks: Sequence[Task], tell: Tell = lambda place: None) -> list[Any]:
        """Play tasks and return what each returned, in their order."""
        if self.size == 1:
            return [
                function(*arguments, rules=self.rules, advance=lambda place=place: tell(place))
                for place, (function, arguments) in enumerate(tasks)
            ]
        results: list[Any] = [None] * len(tasks)
        if self.alone_first and tasks:
            self._play_some(tasks, [0], 1, results, tell)
            self.alone_first = False
            self._play_some(tasks, range(1, len(tasks)), self.size, results, tell)
        else:
            self._play_some(tasks, range(len(tasks)), self.size, results, tell)
        return results

    def _play_some(
        self, tasks: Sequence[Task], places: Sequence[int], size: int, results: list[Any], tell: Tell
    ) -> None:
        waiting = list(reversed(places))
        while len(self.hands) < min(size, len(waiting)):
            self._hire()
        busy: dict[Connection, int] = {}
        for hand in list(self.hands)[:size]:
            self._hand_over(hand, tasks, waiting, busy)
        while busy:
            for ready in wait(list(busy)):
                pipe: Any = ready
                with self._alive(pipe):
                    word, content = pipe.recv()
                if word == "day":
                    tell(busy[pipe])
                    continue
                place = busy.pop(pipe)
                if word == "failed":
                    raise content
                results[place] = content
                self._hand_over(pipe, tasks, waiting, busy)

    def _hire(self) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        hand = context.Process(target=serve, args=(there, self.plugins), daemon=True)
        hand.start()
        there.close()
        self.hands[here] = hand

    def _hand_over(
        self, pipe: Connection, tasks: Sequence[Task], waiting: list[int], busy: dict[Connection, int]
    ) -> None:
        if waiting:
            busy[pipe] = waiting.pop()
            with self._alive(pipe):
                pipe.send(tasks[busy[pipe]])

    @contextlib.contextmanager
    def _alive(self, pipe: Connection) -> Iterator[None]:
        """Say in words that a process has died, most likely for want of memory."""
        try:
            yield
        except (EOFError, ConnectionError, BrokenPipeError) as error:
            hand = self.hands[pipe]
            hand.join()
            raise UserError(
                f"A process that played a run has died (code {hand.exitcode}), perhaps for want of memory;"
                " what is finished is kept, and the same command goes on from there.",
                path="jobs", value=self.size, allowed="fewer at a time", nearest="jobs=1",
            ) from error  # fmt: skip


def serve(pipe: Connection, plugins: Sequence[Path]) -> None:
    """Play the tasks that come through a pipe, until nobody is there to send any."""
    prepare_worker(0)
    rules = load_plugins(plugins) if plugins else None
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            found = function(*arguments, rules=rules, advance=lambda: pipe.send(("day", None)))
        except Exception as error:  # noqa: BLE001 - raised again by the parent
            pipe.send(("failed", error))
        else:
            pipe.send(("done", found))


def usual_size(runs: int, threads: int) -> int:
    """Processes where nothing is said: one for each core, or as many threads, and no more than runs."""
    return max(1, min(runs, cores() // threads))
