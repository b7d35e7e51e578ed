"""An engine for tests that loses, doubles, delays and disorders work as a seed tells it to.

It plays no market: a run's row is a pure function of its number, so that thousands of schedules can be tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pyarrow as pa

from sim.study.store import DONE, RUNS, commit


def fake_rows(runs: Sequence[int]) -> pa.Table:
    """Rows of some runs, as a worker would commit them."""
    return pa.table(
        {
            "run": pa.array(runs, pa.int64()),
            "run_id": [f"{run:032x}" for run in runs],
            "point": pa.array(runs, pa.int64()),
            "seed": pa.array([1] * len(runs), pa.int64()),
            "status": [DONE] * len(runs),
            "error": pa.array([None] * len(runs), pa.string()),
            "outcome": pa.array([run / 7 for run in runs], pa.float64()),
        }
    )


class Stopped(BaseException):
    """Stands for kill -9 of the coordinator."""


class FakeEngine:
    """Workers whose accidents are drawn from a seed.

    Parameters
    ----------
    seed
        Of the accidents.
    folder
        The sweep's folder.
    poison
        Runs with which every worker dies.
    accidents
        Chance of a worker's death, with each chunk.
    stops
        Chance that the coordinator dies, each time it looks for what is finished.
    """

    workers = 2

    def __init__(
        self,
        seed: int,
        folder: Path,
        poison: frozenset[int] = frozenset(),
        accidents: float = 0.1,
        stops: float = 0.0,
    ) -> None:
        self.random = random.Random(seed)
        self.folder, self.poison, self.accidents, self.stops = folder, poison, accidents, stops
        self.queue: list[tuple[Future[Any], list[int]]] = []
        self.played: list[int] = []
        self.deaths = 0
        self.struck: set[int] = set()
        self.safe: set[int] = set()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Queue a chunk; what happens to it is decided when somebody waits."""
        future: Future[Any] = Future()
        self.queue.append((future, list(arguments[2])))
        return future

    def advance(self) -> None:
        """Let one chunk of those that workers hold meet its fate."""
        if self.random.random() < self.stops:
            raise Stopped
        if not self.queue:
            return
        held = self.random.randrange(min(self.workers, len(self.queue)))
        future, runs = self.queue.pop(held)
        deadly = not self.poison.isdisjoint(runs)
        # Lightning does not strike the same innocent again and again.
        spared = len(runs) == 1 and runs[0] in self.struck
        if deadly or (not spared and self.random.random() < self.accidents):
            self.struck.update(runs[:1] if len(runs) == 1 else [])
            if not deadly and self.random.random() < 0.5:
                commit(self.folder / RUNS, fake_rows(runs), runs[0])
                self.safe.update(runs)
            self.deaths += 1
            for other, _ in self.queue:
                other.set_exception(BrokenProcessPool("another worker died"))
            self.queue.clear()
            future.set_exception(BrokenProcessPool("a worker died"))
            return
        commit(self.folder / RUNS, fake_rows(runs), runs[0])
        self.played += runs
        if self.random.random() < 0.05:  # an engine may do work twice, in other pieces
            commit(self.folder / RUNS, fake_rows(runs[:1]), runs[0])
        future.set_result(
            {"runs": len(runs), "failed": 0, "seconds": len(runs) * self.random.uniform(0.5, 4)}
        )

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Nobody has to be made ready."""

    def recover(self) -> None:
        """New workers."""
        self.queue.clear()

    def check(self) -> None:
        """Somebody is always there."""

    def abandon(self) -> None:
        """Nothing goes on."""
        self.queue.clear()

    def close(self) -> None:
        """Nothing is held."""
