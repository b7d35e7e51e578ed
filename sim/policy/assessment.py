"""What a tax office would show an auditor: users counted, base, rate and amount of every tax of a month.

Nothing here decides anything: the amounts are those of `Offices`, the bases are what they were taken from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import Records
from sim.policy import taxes
from sim.policy.office import Charge, Offices

USERS, USAGE, TURNOVER, PROFIT = range(4)
INSTRUMENTS = ("users", "usage_tax", "turnover_tax", "profit_tax")
"""What a row of an assessment is about; rows of `users` count, the others are taxes."""

ASSESSMENT = np.dtype(
    [
        ("platform", "i8"),
        ("country", "i8"),
        ("instrument", "i8"),
        ("users", "i8"),
        ("declared_users", "f8"),
        ("base", "i8"),
        ("rate", "f8"),
        ("rate_per_user", "f8"),
        ("bands", "f8"),
        ("part_of_month", "f8"),
        ("strength", "f8"),
        ("amount", "i8"),
        ("shifted", "i8"),
        ("haven_tax", "i8"),
    ]
)
"""Users are agents; money is in whole micro-dollars; ``rate_per_user`` in USD a month."""

KEY = ["platform", "country", "instrument"]
Row = dict[str, Any]


def counted(offices: Offices, users: NDArray[np.int64], hour: int) -> dict[str, NDArray[Any]]:
    """Return the users (agents) of the month before an hour, by what they are; a row where there are any.

    ``users`` are all of them by platform and country. Nobody is in two of ``workers``, ``customers`` and
    ``audience``, which add up to them; a requester counts for its customers.
    """
    platform, country = np.nonzero(users)
    working, posting = offices.working_users[platform, country], offices.posting_users[platform, country]
    customers = posting * offices.customers[platform]
    return {
        "platform": platform,
        "country": country,
        "workers": working,
        "requesters": posting,
        "customers": customers,
        "audience": users[platform, country] - working - customers,
        "users": users[platform, country],
        "part_of_month": np.full(len(platform), float(offices.part_of_month(hour))),
    }


def assess(
    offices: Offices,
    platform: int,
    users: NDArray[np.int64],
    charges: Iterable[Charge],
    profit: int,
    hour: int,
) -> Records:
    """Return the assessment of a platform for the month before an hour.

    Parameters
    ----------
    users
        Users by platform and country, as agents.
    charges
        Its taxes on use and turnover; ``profit`` (micro-dollars) is what they leave after costs.
    """
    due = {(charge.name, charge.country): charge.amount for charge in charges}
    month = {"platform": platform, "part_of_month": float(offices.part_of_month(hour))}
    rows = [
        *({"instrument": USERS, "country": int(c)} for c in np.flatnonzero(users[platform])),
        *_usage_rows(offices, platform, users, due, hour),
        *_turnover_rows(offices, platform, due, hour),
        *_profit_rows(offices, platform, users, profit, hour),
    ]
    found = np.zeros(len(rows), ASSESSMENT)
    for record, row in zip(found, rows, strict=True):
        for name, value in ({"users": users[platform, row["country"]]} | month | row).items():
            record[name] = value
    return found


def _usage_rows(
    offices: Offices, platform: int, users: NDArray[np.int64], due: dict[Any, int], hour: int
) -> Iterator[Row]:
    tax = offices.policy.usage_tax
    if tax is None:
        return
    for country in _covered(offices, "usage_tax", platform, users[platform], hour):
        number = int(users[platform, country])
        rate = offices.usage_rate(platform, country, number, hour)
        declared = number * (1 - taxes.exact(tax.under_declaration))
        whole = declared * rate
        yield {
            "instrument": USAGE,
            "country": country,
            "declared_users": float(declared),
            "rate_per_user": float(rate / taxes.MILLION),
            "bands": float(taxes.usage_due(tax, number, rate, offices.persons) / whole) if whole else 0.0,
            "strength": float(offices.strength(tax, hour - 1)),
            "amount": due.get(("usage_tax", country), 0),
        }


def _turnover_rows(offices: Offices, platform: int, due: dict[Any, int], hour: int) -> Iterator[Row]:
    tax, fees = offices.policy.turnover_tax, offices.month_fees[platform]
    if tax is None:
        return
    for country in _covered(offices, "turnover_tax", platform, fees, hour):
        yield {
            "instrument": TURNOVER,
            "country": country,
            "base": int(fees[country]),
            "rate": tax.rate,
            "strength": float(offices.strength(tax, hour - 1)),
            "amount": due.get(("turnover_tax", country), 0),
        }


def _covered(offices: Offices, name: str, platform: int, base: NDArray[np.int64], hour: int) -> Iterator[int]:
    """Yield the countries where a platform has a base of a tax that is in force."""
    tax = offices.taxes[name]
    if offices.strength(tax, hour - 1) and offices.owes(tax, platform):
        yield from (int(country) for country in np.flatnonzero(base) if offices.covers(tax, int(country)))


def _profit_rows(
    offices: Offices, platform: int, users: NDArray[np.int64], profit: int, hour: int
) -> Iterator[Row]:
    tax = offices.policy.profit_tax
    if tax is None or profit <= 0:
        return
    for charge in offices.profit_charges(platform, profit, users, hour):
        statutory = float(offices.world.corporate_tax[charge.country])
        yield {
            "instrument": PROFIT,
            "country": charge.country,
            "base": charge.profit,
            "rate": statutory if tax.rate is None else tax.rate,
            "strength": float(offices.strength(tax, hour - 1)),
            "amount": charge.amount,
            "shifted": charge.shifted,
            "haven_tax": charge.haven_tax,
        }


def heads_of(offices: Offices) -> NDArray[np.float64]:
    """Recipients of the month's income by country, as agents; a share of one where many are one agent."""
    return np.array([float(heads) for heads in offices.heads])


def part_before(rows: Records, before: Records) -> Records:
    """Return, for each row of a month, what of its money lies before the window.

    ``before`` is what would have been assessed had the month ended where the window begins. A tax on a profit
    that turned into a loss later in the month was never due: of it, nothing lies before the window.
    """
    earlier = {tuple(row[KEY].tolist()): row for row in before}
    part = np.zeros(len(rows), ASSESSMENT)
    for here, row in zip(part, rows, strict=True):
        for name in KEY:
            here[name] = row[name]
        then = earlier.get(tuple(row[KEY].tolist()))
        if then is not None:
            for name in ("amount", "shifted", "haven_tax"):
                here[name] = min(then[name], row[name])
    return part
