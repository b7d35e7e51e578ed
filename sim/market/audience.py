"""The audience market: what users bring a social platform, how they answer a charge, whom it drops.

Users of a country are ordered by what they bring in advertising: a least amount, which just covers what
serving them costs, and a lognormal one above it. Whoever goes, or is let go, is of those who bring least.
"""

from __future__ import annotations

import calendar
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.ledger import ADVERTISING, TURNOVER_TAX, USER_CHARGE, USER_MONEY, USER_SPENDING
from sim.money import MICRO
from sim.numeric import exp, log, normal_cdf, normal_quantile
from sim.policy.leaving import USERS, patience
from sim.policy.office import Charge, Entry

Model = Any
Row = Any


def marginal_cost(terms: Any) -> float:
    """Share of the advertising that a user brings which serving this user costs; all other cost is fixed."""
    return float(terms.cost_share * terms.marginal_share)


def least_value(arpu: int, cost_per_user: float, marginal: float) -> int:
    """Micro-dollars a month that every user brings: what covers the cost, if the mean user brings as much."""
    return arpu if marginal >= 1.0 else min(arpu, int(cost_per_user * MICRO / (1.0 - marginal)))


def value_of_users(base: int, users: int, arpu: int, least: int, sigma: float) -> int:
    """Micro-dollars a month that the most valuable ``users`` of an audience of ``base`` bring.

    Of a lognormal amount with spread s the upper share q of people hold the share F(s + F^-1(q)).
    """
    if not 0 < users < base:
        return max(0, users) * arpu
    held = normal_cdf(sigma + normal_quantile(users / base))
    return users * least + int(base * (arpu - least) * held)


def share_worth_serving(needed: float, arpu: int, least: int, sigma: float) -> float:
    """Share of an audience who bring so much (micro-dollars a month) above the least."""
    above = arpu - least
    if needed <= 0.0:
        return 1.0
    if above <= 0:
        return 0.0
    if sigma <= 0.0:
        return float(above >= needed)
    return float(normal_cdf(log(above / needed) / sigma - sigma / 2.0))


def share_who_stay(charge: int, income: float, sensitivity: float) -> float:
    """Share of an audience that stays at a charge: exp(-k charge / income), both in micro-dollars a month."""
    return float(exp(-sensitivity * charge / income)) if charge else 1.0


def part_of_day(amount: int, day: int, days: int) -> int:
    """What of a month's whole amount falls on one of its days, from 1; the days add up to all of it."""
    return amount * day // days - amount * (day - 1) // days


def value_now(model: Model, row: Row) -> int:
    """Micro-dollars a month of advertising that the users of an audience bring."""
    terms, arpu = _terms(model, row), int(row["arpu"])
    least = least_value(arpu, terms.cost_per_user_month_usd, marginal_cost(terms))
    return value_of_users(int(row["base_users"]), int(row["users"]), arpu, least, terms.user_value_log_sigma)


def _terms(model: Model, row: Row) -> Any:
    return model.config.platforms[model.platform_names[int(row["platform"])]]


# --- the day --------------------------------------------------------------------------------------


def serve_day(model: Model) -> list[Entry]:
    """Let users label and look at advertising on the day that has ended; return what is to be booked."""
    entries: list[Entry] = []
    date = model.clock.datetime(model.hour - 1).date()
    days = calendar.monthrange(date.year, date.month)[1]
    serving = set(model.audience_rows["platform"][model.audience_rows["served"] > 0].tolist())
    for number, row in enumerate(model.audience_rows):
        terms, users = _terms(model, row), int(row["users"])
        platform, country = int(row["platform"]), int(row["country"])
        owner = int(model.platform_rows["owner"][platform])
        value = value_now(model, row)
        # Fixed costs stay where users are gone, as long as there is a platform.
        gone = int(row["base_users"]) * int(row["arpu"]) - value if platform in serving else 0
        monthly = (
            value,
            int((1.0 - terms.marginal_share) * gone),
            users * int(row["charge_microusd"]),
            int(users * terms.cost_per_user_month_usd * MICRO),
            int(users * float(row["activity"]) * terms.labels_per_user_month),
        )
        shown, not_shown, charged, cost, labels = (part_of_day(amount, date.day, days) for amount in monthly)
        row["month_advertising"] += shown
        row["month_missed"] += not_shown
        row["month_charged"] += charged
        row["month_cost"] += cost
        row["month_labels"] += labels
        row["labels"] += labels
        row["day_labels"] = labels
        model.offices.month_fees[platform, country] += shown + charged
        entries += [
            Entry(ADVERTISING, country, platform, shown, country, owner),
            Entry(USER_MONEY, country, number, charged, country, country),
            Entry(USER_CHARGE, number, platform, charged, country, owner),
        ]
    return [entry for entry in entries if entry.amount]


def cost_of_users(model: Model, platform: int) -> int:
    """Micro-dollars that serving its users has cost a platform in the month so far."""
    rows = model.audience_rows
    return int(rows["month_cost"][rows["platform"] == platform].sum())


def missed(model: Model, platform: int) -> int:
    """Micro-dollars of advertising gone in the month so far whose costs are fixed and stay."""
    rows = model.audience_rows
    return int(rows["month_missed"][rows["platform"] == platform].sum())


def charged_to_users(model: Model, platform: int) -> int:
    """Micro-dollars that a platform has charged its users in the month so far, for taxes."""
    rows = model.audience_rows
    return int(rows["month_charged"][rows["platform"] == platform].sum())


def users_by_platform(model: Model) -> NDArray[np.int64]:
    """Users of social platforms by platform and country, as agents."""
    return _summed(model, "users")


def labels(model: Model, day: bool) -> NDArray[np.int64]:
    """Unpaid labels by platform and country: of the last day, or since the run began."""
    return _summed(model, "day_labels" if day else "labels")


def _summed(model: Model, name: str) -> NDArray[np.int64]:
    rows = model.audience_rows
    found = np.zeros((len(model.platform_names), len(model.world.codes)), np.int64)
    np.add.at(found, (rows["platform"], rows["country"]), rows[name])
    return found


# --- the month ------------------------------------------------------------------------------------


def adjust(model: Model) -> list[Entry]:
    """Draw the consequences of the month before: charges, who stays or is dropped, which countries are left.

    The month's sums are kept in ``model.audiences_closed`` and begun anew. What users hold, they spend: it is
    returned to be booked.
    """
    rows, offices = model.audience_rows, model.offices
    model.audiences_closed = rows.copy()
    users = model.count_users()
    due: dict[tuple[int, int], list[Charge]] = {}
    for platform in np.unique(rows["platform"]).tolist():
        for charge in offices.charges(platform, users, model.hour):
            if offices.strength(offices.taxes[charge.name], model.hour):
                due.setdefault((platform, charge.country), []).append(charge)
    for row in rows:
        here = int(row["platform"]), int(row["country"])
        if row["served"] and gives_up(model, row, due.get(here, [])):
            row["served"] = 0
            model.note_exit(*here, USERS, int(row["users"]))
        _answer(model, row, due.get(here, []))
    for name in ("month_labels", "month_advertising", "month_missed", "month_charged", "month_cost"):
        rows[name] = 0
    places = rows["country"].tolist()
    return [
        Entry(
            USER_SPENDING,
            number,
            places[number],
            int(rows["balance"][number]),
            places[number],
            places[number],
        )
        for number in np.flatnonzero(rows["balance"]).tolist()
    ]


def gives_up(model: Model, row: Row, due: list[Charge]) -> bool:
    """Whether a platform leaves a country: what it bears of taxes was above its margin for too many months.

    What users are charged for a tax is no margin: it would not come in without the tax.
    """
    offices, losing, taxes = model.offices, model.offices.losing, model.offices.taxes
    platform, country = int(row["platform"]), int(row["country"])
    running = int(int(row["month_advertising"]) * marginal_cost(_terms(model, row)))
    margin = int(row["month_advertising"]) - running - int(row["month_cost"])
    bears = offices.borne_shares(platform, model.hour)
    shares = [int(charge.amount * bears[charge.name]) for charge in due]
    borne = sum(shares)
    loses = borne > max(0, margin)
    losing[platform, country] = losing[platform, country] + 1 if loses else 0
    months = patience(
        (share, taxes[charge.name].exit_months) for share, charge in zip(shares, due, strict=True)
    )
    return 0 < months <= int(losing[platform, country])


def _answer(model: Model, row: Row, due: list[Charge]) -> None:
    """Set the charge of an audience, and how many of it are there in the month that begins."""
    if not row["served"]:
        row["charge_microusd"] = row["users"] = row["day_labels"] = 0
        row["reach"] = 0.0
        return
    terms = _terms(model, row)
    row["charge_microusd"] = charge = charge_of(model, row, due)
    income = float(model.world.gdp_per_head_usd[int(row["country"])]) * MICRO / 12.0
    aim = share_who_stay(charge, income, terms.charge_sensitivity)
    if terms.drops_users:
        arpu = int(row["arpu"])
        least = least_value(arpu, terms.cost_per_user_month_usd, marginal_cost(terms))
        needed = needed_value(model, row, due, charge)
        aim = min(aim, share_worth_serving(needed, arpu, least, terms.user_value_log_sigma))
    row["reach"] += terms.user_adjustment * (aim - float(row["reach"]))
    row["users"] = int(int(row["base_users"]) * float(row["reach"]) + 0.5)


def charge_of(model: Model, row: Row, due: list[Charge]) -> int:
    """Micro-dollars a month that a user is charged, so that their share of last month's taxes comes in."""
    taxes, user_months = model.offices.taxes, int(row["users"]) * model.offices.part_of_month(model.hour)
    if not user_months:
        return 0
    return int(sum(Fraction(repr(taxes[one.name].to_users)) * one.amount for one in due) / user_months)


def needed_value(model: Model, row: Row, due: list[Charge], charge: int) -> float:
    """Micro-dollars a month above the least that a user must bring, or the platform loses by serving it."""
    offices, terms = model.offices, _terms(model, row)
    platform, country, users = int(row["platform"]), int(row["country"]), int(row["users"])
    saved = float(offices.usage_on_one(platform, country, max(1, users), model.hour))
    turnover = sum(one.amount for one in due if one.kind == TURNOVER_TAX)
    rate = turnover / max(1, int(row["month_advertising"]) + int(row["month_charged"]))
    marginal = marginal_cost(terms)
    least = least_value(int(row["arpu"]), terms.cost_per_user_month_usd, marginal)
    kept, lacking = 1.0 - marginal - rate, saved - charge * (1.0 - rate) + least * rate
    if lacking <= 0.0:
        return 0.0
    return lacking / kept if kept > 0.0 else float("inf")
