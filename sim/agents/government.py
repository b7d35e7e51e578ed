"""The government of a country as a Mesa agent."""

from __future__ import annotations

from sim.agents.base import Lasting
from sim.columns import Column


class Government(Lasting):
    """A country's public budget and the people it stands for."""

    balance = Column("government_rows", read_only="Balances change only through Ledger.transfer.")
    population = Column("government_rows")
    internet_users = Column("government_rows")

    @property
    def country(self) -> str:
        """Code of the country."""
        return str(self.model.world.codes[self.row])
