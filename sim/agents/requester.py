"""The requester as a Mesa agent: a view of one row, and the decisions that a subclass may make itself."""

from __future__ import annotations

from typing import Any, ClassVar

from sim.agents.base import RecordAgent
from sim.columns import Column

FOLLOWS = "What is wanted follows from stock, costs and users in `revise_demand`, and is never set."


class Worth(Column):
    """What an hour of human work is worth to a requester now; what is written stays, however it is helped."""

    def __set__(self, agent: Any, value: Any) -> None:
        """Write the value; where machines help, also what it is without them, from which it goes on."""
        super().__set__(agent, value)
        if agent.model.ai is not None:
            agent.model.ai.note_value(agent.model.requester_rows, agent.row)


class Requester(RecordAgent):
    """A firm or person who posts work. ``target``, ``value``: USD an hour; demand: task-seconds a day.

    With `ai=...`: ``ai_stock`` is the stock of intelligence (1 at the start), ``labels`` those delivered so
    far, in years of initial demand, from which ``automation``, the share of a label that machines make,
    follows on Mondays; ``fulfilment`` the share of labels that gets done; ``labels_wanted``,
    ``labels_free``, by unpaid users, and ``labels_shared``, which others had made and share, in seconds of
    initial work a day; ``label_cost`` USD for an hour's labels. Without, all of these are 0.

    The decisions are asked in this order, once a week; ``revise_demand`` also when the model is made.
    """

    decisions: ClassVar[tuple[str, ...]] = ("revise_pay", "revise_demand")

    id = Column("requester_rows", read_only="An id keys all draws of a requester and never changes.")
    balance = Column("requester_rows", read_only="Balances change only through Ledger.transfer.")
    relative_size = Column("requester_rows")
    base_demand = Column("requester_rows")
    batches_per_day = Column("requester_rows")
    target = Column("requester_rows")
    initial_target = Column("requester_rows")
    value = Worth("requester_rows")
    bias = Column("requester_rows")
    strictness = Column("requester_rows")
    unfair = Column("requester_rows")
    always_on = Column("requester_rows")
    approval_tasks = Column("requester_rows")
    approval_rate = Column("requester_rows")
    posted = Column("requester_rows")
    spent = Column("requester_rows")
    ai_stock = Column("requester_rows")
    labels = Column("requester_rows")
    automation = Column(
        "requester_rows", read_only="Automation follows from labels on Mondays, and is never set."
    )
    fulfilment = Column("requester_rows")
    labels_wanted = Column("requester_rows", read_only=FOLLOWS)
    labels_free = Column("requester_rows", read_only=FOLLOWS)
    labels_shared = Column("requester_rows", read_only=FOLLOWS)
    label_cost = Column("requester_rows", read_only=FOLLOWS)

    @property
    def country(self) -> str:
        """Code of the requester's country."""
        return str(self.model.world.codes[self.model.requester_rows["country"][self.row]])

    @property
    def platform(self) -> str:
        """Name of the platform the requester began on."""
        return str(self.model.platform_names[self.model.requester_rows["platform"][self.row]])

    # --- decisions: what the engine computes; a subclass may override any of them ---

    def revise_pay(self) -> float:
        """Hourly pay to aim at (USD): what the compiled rule makes of the batches finished so far."""
        return float(self.model.found_target(self.row))

    def revise_demand(self) -> float:
        """Batches to post a day at the present target."""
        return float(self.model.found_demand(self.row))

    def remove(self) -> None:
        """Post nothing any more; batches on the boards are worked on until they are done or expire."""
        self.model.retire_requester(self.row)
        super().remove()
