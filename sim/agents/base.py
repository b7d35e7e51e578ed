"""What all agents share: a row in the model's records, and an override detector for their decisions."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

import mesa


class ModelCounters:
    """Counters of unique ids, one for each model, that do not keep a model alive."""

    def __init__(self) -> None:
        self._counters: weakref.WeakKeyDictionary[Any, Iterator[int]] = weakref.WeakKeyDictionary()

    def __getitem__(self, model: Any) -> Iterator[int]:
        """Return the counter of a model, beginning at 1."""
        return self._counters.setdefault(model, itertools.count(1))

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelCounters:
        """Stay one object: the counters belong to the class."""
        return self


class RecordAgent(mesa.Agent):
    """A Mesa agent that stores nothing but its row; its attributes read the kernel's memory.

    A subclass that overrides one of ``decisions`` is noticed when it is defined: the model then asks
    its agents, and only those, instead of taking the compiled rule's answer.
    """

    decisions: ClassVar[tuple[str, ...]] = ()
    overridden: ClassVar[tuple[str, ...]] = ()
    _ids = ModelCounters()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Note which decisions the subclass makes itself."""
        super().__init_subclass__(**kwargs)
        owner = next((base for base in cls.__mro__ if "decisions" in vars(base)), cls)
        cls.overridden = tuple(
            name for name in cls.decisions if getattr(cls, name) is not getattr(owner, name)
        )

    def __init__(self, model: Any, row: int) -> None:
        super().__init__(model)
        self.row = row
        for decision in self.overridden:
            model.overriding.setdefault(decision, []).append(self)

    def remove(self) -> None:
        """Take the agent out of the model."""
        for decision in self.overridden:
            if self in self.model.overriding.get(decision, ()):
                self.model.overriding[decision].remove(self)
        super().remove()
