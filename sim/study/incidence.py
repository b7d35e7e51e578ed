"""Who gains and who pays: two tables of a run's money, by line and group of countries.

Table (a), cash, follows the ledger: what each sector received less what it paid in the window, in whole
micro-dollars; it adds up to exactly zero. What requesters are funded with and what workers and brokers buy
with their money is left out on both sides, or every sector would come to nothing. Table (b), surplus, is what
each gained in the sense of welfare; its total changes by the excess burden of a reform, which need not be
zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sim.ledger import KINDS, SECTORS
from sim.money import MICRO
from sim.outcomes.indicators import FROM_OUTSIDE, WORKING

CASH, SURPLUS = "cash", "surplus"
LET_GO = "users let go"
RECEIVERS = "receivers (workers)"
SEGMENT = "segment "
"""How the groups of kinds of workers begin: of them only workers' own lines are known."""
FUNDS = "funds held in common"
FLOWS, PUBLIC, RANGE, EXITS = "flows", "public", "range", "exits"
AT_LEAST, AT_MOST = "at least", "at most"
"""Lines of `RANGE`: what users let go lost by the least and the most that use was found to be worth."""
PURSES = ("funding", "spending", "broker_spending", "user_money", "user_spending")
"""Kinds of transfer that bring money into the market or take it home."""

TAXES = tuple(kind for kind, payer, payee in KINDS if payee == "governments" != payer)
PAID_INCOMES = ("universal_income", "conditional_income", "income_of_others", *FROM_OUTSIDE)

GAINS: Mapping[str, tuple[str, ...]] = {
    "broker_cut": ("brokers",),
    "profit": ("owners",),
    "haven_profit": ("owners",),
    "haven_tax": ("haven governments",),
    **dict.fromkeys(TAXES, ("governments",)),
    "pooling": ("governments",),
    "universal_income": ("receivers (workers)",),
    "external_income": ("receivers (workers)",),
    "conditional_income": ("receivers (workers)",),
    "hiring_subsidy": ("requesters",),
    "income_of_others": ("receivers (others)",),
    "external_income_of_others": ("receivers (others)",),
    "commons_dividend": ("workers",),
    "commons_to_users": ("users",),
    "patronage": ("workers",),
    "royalty": (FUNDS,),
    "surplus": (FUNDS,),
    "shift_pay": ("workers",),
}
"""Lines of surplus that a kind of transfer adds to, in the country that receives it."""

LOSSES: Mapping[str, tuple[str, ...]] = {
    "reward": ("requesters",),
    "requester_fee": ("requesters",),
    "escrow_rounding": ("requesters",),
    "forfeit": ("workers",),
    "capital": ("owners",),
    "administration": ("governments",),
    "pooling": ("governments",),
    "universal_income": ("governments",),
    "conditional_income": ("governments",),
    "hiring_subsidy": ("governments",),
    "income_of_others": ("governments",),
    **dict.fromkeys(FROM_OUTSIDE, ("payer of external incomes",)),
    "user_charge": ("users",),
    "commons_dividend": (FUNDS,),
    "commons_to_users": (FUNDS,),
    "patronage": (FUNDS,),
}
"""Lines that it is taken from, in the country that pays."""

NO_SURPLUS: Mapping[str, str] = {
    "funding": "a requester's own money",
    "posting": "a requester's own money, reserved",
    "refund": "a requester's own money, back",
    "worker_fee": "net pay is counted without it; platforms' profit is counted where it is paid out",
    "withheld": "net pay is counted without it; what it pays for is counted where platforms pay it",
    "pending_rounding": "net pay is counted without it",
    "payout": "net pay is counted as it is earned",
    "spending": "a worker's own money",
    "broker_spending": "a broker's own money",
    "platform_cost": "what it buys is used up",
    "profit_shifting": "counted where it leaves the haven",
    "advertising": "advertisers get what they pay for; platforms' profit is counted where it is paid out",
    "user_money": "a user's own money",
    "user_spending": "a user's own money",
}
"""Kinds that no line counts, and why; the ledger has no kind that is in none of the three."""

CASH_MEANINGS: Mapping[str, str] = {
    "requesters": "what requesters got back from escrow, and subsidies, less what they put there",
    "escrow": "change of what is reserved for posted work",
    "platforms": "change of what platforms hold, before their month is closed",
    "pending": "change of what workers have earned and not been paid yet",
    "workers": "payouts and incomes to workers",
    "collectives": "brokers' cuts",
    "governments": "taxes and contributions less administration and incomes paid in the window; what is left"
    " is in the treasuries, and what is missing came in before",
    "audience": "shares of the commons' royalties, less what social platforms charge their users",
    "cooperative_fund": "what cooperatives owe their members",
    "commons_fund": "royalties that are not shared out yet",
    "havens": "change of what havens hold",
    "owners": "profit of platforms, also by way of havens, less the capital with which owners cover losses",
    "rounding": "fractions of a micro-dollar kept aside",
    "outside": "platforms' costs, administration, taxes of havens and incomes of people who are no workers"
    " of the market, less advertising and incomes paid from outside",
}

SURPLUS_MEANINGS: Mapping[str, str] = {
    "workers": "net pay, dividends and pay for open shifts, less base reservation wage x working time, paid"
    " or not; without incomes received",
    "brokers": "cuts of collectives' brokers",
    "users": "shares of the commons' royalties, less what social platforms charge their users and the value"
    " of use to people who leave that charge: what they would have paid, by how many leave at which charge"
    " (platforms.<name>.charge_sensitivity)",
    LET_GO: "the value of use to people whom social platforms serve no longer, those first to whom it is"
    " worth least: on average platforms.<name>.use_value_share of a month's income, from what users in the"
    " USA asked for to go without (Brynjolfsson, Collis and Eggers 2019). The interval goes from what they"
    " would pay (Sunstein 2018) to twice what they asked for in auctions (Corrigan et al. 2018). How many are"
    " let go rests on no case that was observed, only on two assumptions: that a platform can tell who brings"
    " less than the tax (drops_users), and how unequal users are (user_value_log_sigma; at 0 all or nobody of"
    " a country goes)",
    "requesters": "worth of work done right, of labels that users or others gave and subsidies, less rewards"
    " and fees paid in the window and the cost of waiting for work (requesters.delay_cost). Work is worth the"
    " area under each requester's demand: the last hour about what it costs, none more than its value. A"
    " subsidy of some takes hours from others to whom they are worth more, so that all of it may fall."
    " What was done of a month's work is known as a run ends: windows cut within a month do not add up"
    " exactly",
    "owners": "profit of platforms after costs and taxes, also by way of havens, less capital for losses",
    "governments": "taxes and contributions less administration and incomes paid, all in the window: incomes"
    " are paid a month after the tax",
    FUNDS: "what cooperatives' and the commons' funds took in the window and have not shared out yet",
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
        sectors = sectors.mask((moved["kind"].astype(str) == "capital") & (sectors == "outside"), "owners")
        for sector, country, amount in zip(sectors, countries, moved["amount_microusd"], strict=True):
            for group in ("world", group_of[country]):
                found[sector, group] += sign * int(amount)
    return dict(found)


def surplus(
    flows: pd.DataFrame,
    workers: pd.DataFrame,
    worth_usd: Mapping[str, float],
    group_of: Mapping[str, str],
    lost_usd: Iterable[Mapping[str, float]] = (),
) -> Amounts:
    """Return what each kind of people gained, by group of countries.

    ``worth_usd`` is what work done right was worth to the requesters of each country, less what waiting cost
    them, ``lost_usd`` the value of use to people who left what social platforms charge, and who were let go.
    """
    found: Counter[tuple[str, str]] = Counter({(line, "world"): 0 for line in SURPLUS_MEANINGS})

    def add(line: str, country: object, microusd: float) -> None:
        for group in ("world", group_of[str(country)]):
            found[line, group] += round(microusd)

    for country, part in workers.groupby("country", observed=True):
        add("workers", country, above_reservation(part))
    for country, usd in worth_usd.items():
        add("requesters", country, usd * MICRO)
    for line, lost in zip(("users", LET_GO), lost_usd, strict=False):
        for country, usd in lost.items():
            add(line, country, -usd * MICRO)
    columns = (flows[name] for name in ("kind", "debit_country", "credit_country", "amount_microusd"))
    for kind, payer, payee, amount in zip(*columns, strict=True):
        for line in GAINS.get(str(kind), ()):
            add(line, payee, int(amount))
        for line in LOSSES.get(str(kind), ()):
            add(line, payer, -int(amount))
    return dict(found)


def above_reservation(workers: pd.DataFrame) -> float:
    """Return the net pay of some workers less base reservation wage x working time (micro-dollars)."""
    hours = workers[list(WORKING)].sum(axis=1) / 3600
    asked = float(np.sum(hours * workers["base_reservation_usd_per_hour"]))
    return int(workers["pay_microusd"].sum()) - asked * MICRO


def of_segments(
    workers: pd.DataFrame,
    shares: Mapping[str, int],
    booked: Mapping[str, int],
    forfeited: Mapping[str, int],
) -> tuple[Amounts, Amounts]:
    """Return cash and surplus of each kind of workers, by (line, "segment" and its name).

    Requesters, owners and governments are of no kind of workers, so their lines have no such group.
    ``shares`` are pay for open shifts and dividends in the window, ``booked`` what of them, earned before it
    or not, the workers' table counts as received, ``forfeited`` what leavers lost (micro-dollars).
    """
    money: Amounts = {}
    gained: Amounts = {}
    for name, part in workers.groupby("segment", observed=True):
        segment, group = str(name), f"{SEGMENT}{name}"
        incomes = int(part["received_microusd"].sum()) - booked.get(segment, 0)
        own = shares.get(segment, 0)
        money["workers", group] = int(part["paid_out_microusd"].sum()) + incomes + own
        gained["workers", group] = round(above_reservation(part)) + own - forfeited.get(segment, 0)
        gained[RECEIVERS, group] = incomes
    return money, gained


def range_of_let_go(lost_usd: Iterable[Mapping[str, float]], group_of: Mapping[str, str]) -> Amounts:
    """Return what users let go gained at least and at most, by (line, group of countries): it is negative."""
    found: Counter[tuple[str, str]] = Counter({(line, "world"): 0 for line in (AT_LEAST, AT_MOST)})
    for line, lost in zip((AT_LEAST, AT_MOST), lost_usd, strict=True):
        for country, usd in lost.items():
            for group in ("world", group_of[country]):
                found[line, group] += round(-usd * MICRO)
    return dict(found)


def exits(table: pd.DataFrame) -> Amounts:
    """Return how many agents each platform shut out in each country, by (platform: who, country)."""
    names = (table[name].astype(str) for name in ("platform", "who", "country"))
    found: Counter[tuple[str, str]] = Counter()
    for platform, who, country, agents in zip(*names, table["agents"], strict=True):
        found[f"{platform}: {who}", country] += max(1, int(agents))
    return dict(found)


def by_kind(flows: pd.DataFrame) -> Amounts:
    """Return what was moved under each kind of transfer (micro-dollars), by (kind, "")."""
    sums = flows["amount_microusd"].groupby(flows["kind"].astype(str)).sum()
    return {(str(kind), ""): int(amount) for kind, amount in sums.items()}


def public_money(flows: pd.DataFrame) -> Amounts:
    """Return what public money brings to each country less what it takes there, by (country, "").

    Taxes come from the country of the platform's owners, or whoever else is charged, and go to that of the
    treasury; treasuries pool them. What a treasury pays to its own people stays in the country. So do
    contributions as far as they were withheld from rewards there in the month: owners pay the rest of them.
    """
    found: Counter[tuple[str, str]] = Counter()
    kinds = flows["kind"].astype(str)
    from_outside = kinds.isin(FROM_OUTSIDE)
    moved = flows[kinds.isin([*TAXES, "pooling"]) | from_outside]
    for side, sign in (("credit", 1), ("debit", -1)):
        here = moved[~from_outside[moved.index]] if side == "debit" else moved
        for country, amount in zip(here[f"{side}_country"].astype(str), here["amount_microusd"], strict=True):
            found[country, ""] += sign * int(amount)
    for (owner, country), amount in _contributions_withheld(flows).items():
        found[owner, ""] += amount
        found[country, ""] -= amount
    return dict(found)


def _contributions_withheld(flows: pd.DataFrame) -> Amounts:
    """Return the contributions that workers' rewards paid for, by countries of the owner and the workers."""
    columns = ["period", "debit_country", "credit_country", "amount_microusd"]
    kinds, found = flows["kind"].astype(str), Counter[tuple[str, str]]()
    withheld, due = (
        flows.loc[kinds == kind, columns].itertuples(index=False) for kind in ("withheld", "contributions")
    )
    kept = {(str(month), str(owner), str(place)): int(amount) for month, place, owner, amount in withheld}
    for month, owner, place, amount in due:
        paid = min(int(amount), kept.get((str(month), str(owner), str(place)), 0))
        found[str(owner), str(place)] += paid
    return dict(found)


def total(amounts: Amounts) -> int:
    """Return the sum over all lines (micro-dollars): 0 for cash, the surplus of all for surplus."""
    return sum(amount for (_, group), amount in amounts.items() if group == "world")
