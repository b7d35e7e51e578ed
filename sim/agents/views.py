"""Agent objects for rows: all of them up to a number of workers, on demand above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.agents.audience import Audience
from sim.agents.base import RecordAgent
from sim.agents.collective import Collective
from sim.agents.government import Government
from sim.agents.platform import Platform
from sim.agents.traits import column_of
from sim.agents.worker import Worker
from sim.errors import UserError, one_of


def classes_by_name(
    setting: str,
    given: Any,
    names: tuple[str, ...],
    base: type[RecordAgent],
) -> list[Any]:
    """Return the class of each name: the one given, else the base itself.

    Raises
    ------
    UserError
        If a name is not there, or a class is no subclass of the base.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        wanted = f"a mapping from {', '.join(names)} to subclasses of {base.__name__}"
        raise UserError("Classes are given by name.", path=setting, value=given, allowed=wanted)
    for name, kind in given.items():
        path = f"{setting}.{name}"
        one_of(path, name, names, "There is nothing of this name.", typed="*")
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise UserError(
                "This is not a class of the right kind.",
                path=path,
                value=kind,
                allowed=f"a subclass of {base.__name__}",
                nearest=base.__name__,
            )
    return [given.get(name, base) for name in names]


class Views:
    """The Mesa agents of a model.

    Up to ``compute.views_up_to`` workers every worker is kept as an object in ``model.agents``. Above
    that only workers whose class makes decisions of its own are, beside all requesters, platforms,
    governments and collectives; a worker joins them when it is first asked for by ``worker(row)``.
    """

    def __init__(self, model: Any, worker_classes: list[Any], requester_classes: list[Any]) -> None:
        self.model = model
        self.classes = worker_classes
        self.keeps_all = model.config.workers.count <= model.config.compute.views_up_to
        self.workers: dict[int, Worker] = {}
        for row, requester in enumerate(model.requester_rows):
            agent = requester_classes[requester["platform"]](model, row)
            if requester["retired"]:  # an id is never given twice, so the others keep theirs
                RecordAgent.remove(agent)
        for kind, rows in (
            (Platform, model.platform_rows),
            (Government, model.government_rows),
            (Collective, model.collective_rows),
            (Audience, model.audience_rows),
        ):
            for row in range(len(rows)):
                kind(model, row)
        self.add(range(model.workers_count))

    def add(self, rows: Iterable[int]) -> None:
        """Make agents for new rows of workers."""
        if not self.keeps_all and not any(kind.overridden for kind in self.classes):
            return
        for row in rows:
            kind = self.classes[self._segment(row)]
            if self.keeps_all or kind.overridden:
                self.workers[int(row)] = kind(self.model, int(row))

    def worker(self, row: int) -> Worker:
        """Return the agent of a row, made now if it is not kept.

        Raises
        ------
        LookupError
            If nobody has this row, or the worker left the market.
        """
        row = int(row)
        kept = self.workers.get(row)
        if kept is None:
            if not (0 <= row < self.model.workers_count and self.model.is_active(row)):
                raise LookupError(f"No worker in the market has row {row}.")
            kept = self.workers[row] = self.classes[self._segment(row)](self.model, row)
        return kept

    def _segment(self, row: int) -> int:
        return int(column_of(self.model.worker_rows[row], "segment"))

    def forget(self, rows: Iterable[int]) -> None:
        """Take the agents of workers who left out of the model."""
        for row in rows:
            worker = self.workers.pop(int(row), None)
            if worker is not None:
                worker.remove()
