"""Who gains and who pays: two tables of a run's money, by line and group of countries.

Table (a), cash, follows the ledger: what each sector received less what it paid in the window, in whole
micro-dollars; it adds up to exactly zero. What requesters are funded with and what workers and brokers buy
with their money is left out on both sides, or every sector would come to nothing. Table (b), surplus, is what
each gained in the sense of welfare; its total changes by the excess burden of a reform, which need not be
zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.ledger import SECTORS
from sim.money import MICRO
from sim.outcomes.indicators import WORKING

CASH, SURPLUS = "cash", "surplus"
PURSES = ("funding", "spending", "broker_spending")
"""Kinds of transfer that bring money into the market or take it home."""

TAXES = ("usage_tax", "turnover_tax", "profit_tax")
PAID_INCOMES = ("universal_income", "external_income", "income_of_others")

CASH_MEANINGS: Mapping[str, str] = {
    "requesters": "what requesters got back from escrow less what they put there",
    "escrow": "change of what is reserved for posted work",
    "platforms": "change of what platforms hold, before their month is closed",
    "pending": "change of what workers have earned and not been paid yet",
    "workers": "payouts and incomes to workers",
    "collectives": "brokers' cuts",
    "governments": "taxes less administration and incomes paid in the window; what is left is in the"
    " treasuries, and what is missing came in before",
    "audience": "nothing in this market",
    "cooperative_fund": "nothing in this market",
    "commons_fund": "nothing in this market",
    "havens": "change of what havens hold",
    "owners": "profit of platforms, also by way of havens",
    "rounding": "fractions of a micro-dollar kept aside",
    "outside": "platforms' costs, administration, taxes of havens and incomes of people who are no workers"
    " of the market, less the capital that covers platforms' losses and incomes paid from outside",
}

SURPLUS_MEANINGS: Mapping[str, str] = {
    "workers": "net pay less base reservation wage x working time, paid or not; without incomes received",
    "brokers": "cuts of collectives' brokers",
    "requesters": "value of work done right less rewards and fees paid in the window",
    "owners": "profit of platforms after costs and taxes, also by way of havens, less capital for losses",
    "governments": "tax revenue less administration and incomes paid, all in the window: incomes are paid"
    " a month after the tax",
    "haven governments": "taxes of havens on profit shifted to them",
    "receivers (workers)": "incomes paid to workers of the market",
    "receivers (others)": "incomes paid to people who are no workers of the market",
    "payer of external incomes": "money from outside that pays incomes, counted as a cost",
}

Amounts = dict[tuple[str, str], int]
"""Micro-dollars by (line, group of countries)."""


def cash(flows: pd.DataFrame, group_of: Mapping[str, str]) -> Amounts:
    """Return what each sector received less what it paid, by group of its accounts' countries."""
    found: Counter[tuple[str, str]] = Counter({(sector, "world"): 0 for sector in SECTORS})
    moved = flows[~flows["kind"].astype(str).isin(PURSES)]
    for side, sign in (("credit", 1), ("debit", -1)):
        sectors, countries = (moved[f"{side}_{what}"].astype(str) for what in ("sector", "country"))
        for sector, country, amount in zip(sectors, countries, moved["amount_microusd"], strict=True):
            for group in ("world", group_of[country]):
                found[sector, group] += sign * int(amount)
    return dict(found)


def surplus(
    flows: pd.DataFrame,
    workers: pd.DataFrame,
    worth_usd: Mapping[str, float],
    group_of: Mapping[str, str],
) -> Amounts:
    """Return what each kind of people gained, by group of countries.

    ``worth_usd`` is the value of the work done right for the requesters of each country.
    """
    found: Counter[tuple[str, str]] = Counter({(line, "world"): 0 for line in SURPLUS_MEANINGS})

    def add(line: str, country: object, microusd: float) -> None:
        for group in ("world", group_of[str(country)]):
            found[line, group] += round(microusd)

    for country, part in workers.groupby("country", observed=True):
        hours = part[list(WORKING)].sum(axis=1) / 3600
        asked = float(np.sum(hours * part["base_reservation_usd_per_hour"]))
        add("workers", country, int(part["pay_microusd"].sum()) - asked * MICRO)
    for country, usd in worth_usd.items():
        add("requesters", country, usd * MICRO)
    columns = (flows[name] for name in ("kind", "debit_country", "credit_country", "amount_microusd"))
    for kind, payer, payee, amount in zip(*columns, strict=True):
        for line, country, sign in _lines_of(str(kind), payer, payee):
            add(line, country, sign * int(amount))
    return dict(found)


def total(amounts: Amounts) -> int:
    """Return the sum over all lines (micro-dollars): 0 for cash, the surplus of all for surplus."""
    return sum(amount for (_, group), amount in amounts.items() if group == "world")


def _lines_of(kind: str, payer: Any, payee: Any) -> list[tuple[str, Any, int]]:
    """Return (line, country, sign) of what a kind of transfer adds to surpluses."""
    lines = {
        "reward": [("requesters", payer, -1)],
        "requester_fee": [("requesters", payer, -1)],
        "escrow_rounding": [("requesters", payer, -1)],
        "forfeit": [("workers", payer, -1)],
        "broker_cut": [("brokers", payee, 1)],
        "profit": [("owners", payee, 1)],
        "haven_profit": [("owners", payee, 1)],
        "capital": [("owners", payer, -1)],
        "haven_tax": [("haven governments", payee, 1)],
        "administration": [("governments", payer, -1)],
        "pooling": [("governments", payer, -1), ("governments", payee, 1)],
        "universal_income": [("governments", payer, -1), ("receivers (workers)", payee, 1)],
        "income_of_others": [("governments", payer, -1), ("receivers (others)", payee, 1)],
        "external_income": [("payer of external incomes", payer, -1), ("receivers (workers)", payee, 1)],
    }
    if kind in TAXES:
        return [("governments", payee, 1)]
    return lines.get(kind, [])
