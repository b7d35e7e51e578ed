"""A collective of workers as a Mesa agent: a broker who pools skills and takes a cut."""

from __future__ import annotations

from sim.agents.base import Lasting
from sim.columns import Column


class Collective(Lasting):
    """People who work together under a broker; ``skill`` is the level they reach together."""

    balance = Column("collective_rows", read_only="Balances change only through Ledger.transfer.")
    skill = Column("collective_rows")

    @property
    def country(self) -> str:
        """Code of the collective's country."""
        return str(self.model.world.codes[self.model.collective_rows["country"][self.row]])
