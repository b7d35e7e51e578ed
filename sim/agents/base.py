"""What all agents share: a row in the model's records, and an override detector for their decisions."""

from __future__ import annotations

from typing import Any, ClassVar

import mesa


class Counter:
    """Counts 1, 2, 3 … and can be copied, unlike the iterators of ``itertools`` from Python 3.14 on."""

    def __init__(self) -> None:
        self.last = 0

    def __next__(self) -> int:
        self.last += 1
        return self.last


class ModelCounters:
    """Where Mesa 3.3 finds a model's counter of unique ids: in the model, to be copied and to die with it."""

    def __getitem__(self, model: Any) -> Counter:
        """Return the counter of a model."""
        return vars(model).setdefault("_unique_ids", Counter())  # type: ignore[no-any-return]


class RecordAgent(mesa.Agent):
    """A Mesa agent that stores nothing but its row; its attributes read the kernel's memory.

    A subclass that overrides one of ``decisions`` is noticed when it is defined: the model then asks
    its agents, and only those, instead of taking the compiled rule's answer. What is in ``compiled`` the
    engine decides inside its kernels without asking anybody; overriding it would be without effect and is
    refused.
    """

    decisions: ClassVar[tuple[str, ...]] = ()
    compiled: ClassVar[tuple[str, ...]] = ()
    overridden: ClassVar[tuple[str, ...]] = ()
    _ids = ModelCounters()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Note which decisions the subclass makes itself."""
        super().__init_subclass__(**kwargs)
        owner = next((base for base in cls.__mro__ if "decisions" in vars(base)), cls)
        for name in cls.compiled:
            if getattr(cls, name) is not getattr(owner, name):
                raise TypeError(
                    f"{cls.__name__}.{name} would never be asked: this is decided in compiled code. "
                    f"Give a rule of your own as a plug-in (sim.plugins)."
                )
        cls.overridden = tuple(
            name for name in cls.decisions if getattr(cls, name) is not getattr(owner, name)
        )

    def __init__(self, model: Any, row: int) -> None:
        super().__init__(model)
        self.row = row
        for decision in self.overridden:
            model.overriding.setdefault(decision, {})[self] = None

    def remove(self) -> None:
        """Take the agent out of the model."""
        for decision in self.overridden:
            self.model.overriding[decision].pop(self, None)
        super().remove()


class Lasting(RecordAgent):
    """An agent that stays as long as its model."""

    def remove(self) -> None:
        """Refuse: accounts and rules of others hang on this agent."""
        raise NotImplementedError(f"A {type(self).__name__.lower()} cannot be taken out of the market.")
