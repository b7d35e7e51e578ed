"""The requester as a Mesa agent."""

from __future__ import annotations

from typing import ClassVar

from sim.agents.base import RecordAgent
from sim.columns import Column


class Requester(RecordAgent):
    """A firm or person who posts work. ``target``, ``value``: USD an hour; demand: task-seconds a day."""

    decisions: ClassVar[tuple[str, ...]] = ("revise_pay",)

    id = Column("requester_rows")
    balance = Column("requester_rows", read_only="Balances change only through Ledger.transfer.")
    relative_size = Column("requester_rows")
    base_demand = Column("requester_rows")
    batches_per_day = Column("requester_rows")
    target = Column("requester_rows")
    initial_target = Column("requester_rows")
    value = Column("requester_rows")
    bias = Column("requester_rows")
    strictness = Column("requester_rows")
    unfair = Column("requester_rows")
    always_on = Column("requester_rows")
    approval_tasks = Column("requester_rows")
    approval_rate = Column("requester_rows")
    posted = Column("requester_rows")
    spent = Column("requester_rows")

    @property
    def country(self) -> str:
        """Code of the requester's country."""
        return str(self.model.world.codes[self.model.requester_rows["country"][self.row]])

    @property
    def platform(self) -> str:
        """Name of the platform the requester began on."""
        return str(self.model.platform_names[self.model.requester_rows["platform"][self.row]])

    def revise_pay(self) -> float:
        """Hourly pay to aim at from this week (USD): what the compiled rule found."""
        return float(self.target)
