"""Agent objects for rows: all of them up to a number of workers, on demand above it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.agents.collective import Collective
from sim.agents.government import Government
from sim.agents.platform import Platform
from sim.agents.requester import Requester
from sim.agents.worker import Worker


class Views:
    """The Mesa agents of a model.

    Up to ``compute.views_up_to`` workers every worker is kept as an object in ``model.agents``. Above
    that only workers whose class makes decisions of its own are; the others come by ``worker(row)``.
    """

    def __init__(self, model: Any, worker_classes: dict[str, type[Worker]]) -> None:
        self.model = model
        segments = model.segment_names
        self.classes = [worker_classes.get(name, Worker) for name in segments]
        self.keeps_all = model.config.workers.count <= model.config.compute.views_up_to
        self.workers: dict[int, Worker] = {}
        for kind, rows in (
            (Requester, model.requester_rows),
            (Platform, model.platform_rows),
            (Government, model.government_rows),
            (Collective, model.collective_rows),
        ):
            for row in range(len(rows)):
                kind(model, row)
        self.add(range(model.workers_count))

    def add(self, rows: Iterable[int]) -> None:
        """Make agents for new rows of workers."""
        segments = self.model.worker_rows["segment"]
        for row in rows:
            kind = self.classes[segments[row]]
            if self.keeps_all or kind.overridden:
                self.workers[int(row)] = kind(self.model, int(row))

    def worker(self, row: int) -> Worker:
        """Return the agent of a row, made now if it is not kept."""
        kept = self.workers.get(row)
        if kept is None:
            kept = self.workers[row] = self.classes[self.model.worker_rows["segment"][row]](self.model, row)
        return kept

    def forget(self, rows: Iterable[int]) -> None:
        """Take the agents of workers who left out of the model."""
        for row in rows:
            worker = self.workers.pop(int(row), None)
            if worker is not None:
                worker.remove()
