"""C11, C12: who pays each tax, who gets its revenue, and what an income of the proceeds comes to."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main, means
from experiments.verdict import BELOW, Finding, finding, within

NONE = "none"
TAXES = ("profit", "profit, no shifting", "turnover", "usage, flat", "usage, by ARPU", "usage, graduated")
POOLS = ("national", "bloc", "global")
CONDITIONAL = ("job seekers", "employers")
KINDS = ("static", "realised")
LINE = "transfer_over_poverty_line"
ONE_PER_CENT = 0.01
LOST = -25.0
"""Loss of revenue (%) from which a tax is said to fail: a convention."""


def kept(found: Outcomes, tax: str) -> Floats:
    """Return what a tax raises over what it would on the bases of the market without it."""
    budget = found.budgets["static"]["scenarios"][f"{tax}, national"]
    return found.of(f"static: {tax}, national", "tax_revenue") / budget["static_usd"]


def escaped(found: Outcomes, scenario: str) -> Floats:
    """Return the part of a profit tax that shifting takes, on the same profits at the same rates."""
    return 1 - found.ratio(scenario, "profit_tax_revenue", "profit_tax_without_shifting")


def judge(found: Outcomes) -> list[Finding]:
    """Return which taxes lose their base, and what the incomes they pay for do."""
    shifted = found.percent("profit, national", "tax_revenue", "profit, no shifting, national")
    findings = [
        finding("C11", "a tax on profits fails: shifting takes more than a quarter of it (share shifted"
                " assumed, no finding)", "statutory rates", shifted, BELOW, LOST, "%"),
    ]  # fmt: skip
    for tax in TAXES[2:]:
        where = f"{tax}, static revenue of turnover tax"
        what = "a tax fails: behaviour takes more than a quarter of what it would raise"
        findings.append(finding("C11", what, where, 100 * (kept(found, tax) - 1), BELOW, LOST, "%"))
    at_equal = escaped(found, "static: profit, national")
    for tax in TAXES[3:]:
        lost = 1 - kept(found, tax)
        what = (
            "a tax on users loses a smaller part by behaviour than one on profits by shifting (share shifted"
            " assumed, no finding)"
        )
        for where, by_shifting in (
            (f"{tax} (profit at statutory rates)", -shifted / 100),
            (f"{tax} (profit at equal static revenue)", at_equal),
        ):
            findings.append(finding("C11", what, where, by_shifting - lost, unit="share of revenue"))
    for tax in TAXES:
        for pool in POOLS:
            scenario = f"{tax}, {pool}"
            findings += [
                finding("C12", "the income is at least 1 % of the poverty line", scenario,
                        found.of(scenario, LINE), bound=ONE_PER_CENT),
                finding("C12", "fewer workers in the South are poor with it than without tax and income",
                        scenario, found.change(scenario, "worker_poverty_after_transfers", NONE, "south"),
                        BELOW),
            ]  # fmt: skip
        for way in CONDITIONAL:
            scenario, universal = f"{tax}, {way}", f"{tax}, national"
            findings += [
                finding("C12", "fewer workers in the South are poor with it than without tax and income",
                        scenario, found.change(scenario, "worker_poverty_after_transfers", NONE, "south"),
                        BELOW),
                finding("C12", "tied to conditions, the same tax leaves hourly pay lower than paid to all",
                        scenario, found.percent(scenario, "pay_all_in_pooled", universal), BELOW, unit="%"),
                finding("C12", "tied to conditions, the same tax leaves fewer workers in the South poor",
                        scenario,
                        found.change(scenario, "worker_poverty_after_transfers", universal, "south"), BELOW),
            ]  # fmt: skip
    for kind in KINDS:
        for tax in TAXES:
            scenario, base = f"{kind}: {tax}, national", f"{kind}: {NONE}"
            for metric, told in (("pay_all_in_pooled", "hourly pay"), ("tasks_done", "tasks done")):
                change = found.percent(scenario, metric, base)
                what = f"at equal {kind} revenue the tax and its income leave {told} within 1 %"
                findings.append(within("C11", what, tax, change, 1.0, "%"))
    return findings


def notes(found: Outcomes) -> list[str]:
    """Say what was matched and what was not, where users and platforms go, and what was only assumed."""
    told = []
    for kind in KINDS:
        for name, budget in found.budgets[kind]["scenarios"].items():
            if not budget["feasible"]:
                told.append(f"{kind}: {name} is not matched: {budget['reason']}. Do not rank it.")
    gone = [
        f"{tax}: {100 * means(found.of(f'{tax}, national', 'social_users_lost_share')):.3g} %"
        for tax in TAXES
    ]
    told.append("Users of social platforms who are gone at the usual rates: " + "; ".join(gone) + ".")
    left = [f"{tax}: {means(found.of(f'{tax}, national', 'countries_given_up')):.3g}" for tax in TAXES]
    told.append(
        "Countries that platforms gave up at the usual rates, one counted for each platform, mean of seeds: "
        + "; ".join(left)
        + "."
    )
    told.append(
        "What taxes on users lose is told at the static revenue of the turnover tax. At statutory rates the"
        f" tax on profits brings {ratio(found):.2g} times that, so only the places of equal revenue compare"
        " like with like."
    )
    told += [who_pays(found, pool) for pool in POOLS if pool != "bloc"]  # to a bloc it is as national pools
    spent = [
        f"{tax}: {means(found.of(f'{tax}, job seekers', 'transfer_per_head_month')):.3g} USD a job seeker and"
        f" month, {100 * means(found.of(f'{tax}, job seekers', 'transfers_to_workers_share')):.3g} % of it to"
        f" workers ({means(found.of(f'{tax}, national', 'transfer_per_head_month')):.3g} USD for all,"
        f" {100 * means(found.of(f'{tax}, national', 'transfers_to_workers_share')):.3g} %)"
        for tax in TAXES
    ]
    told.append("The same budget for some people or for all: " + "; ".join(spent) + ".")
    passed = [
        f"{scenario}: pay {means(found.percent(scenario, 'pay_all_in_pooled', NONE)):+.3g} %, users gone"
        f" {100 * means(found.of(scenario, 'social_users_lost_share')):.3g} %"
        for scenario in found.points
    ]
    told.append("Passed on, which is assumed and no finding: " + "; ".join(passed) + ".")
    return told


def ratio(found: Outcomes) -> float:
    """Return what a tax on profits brings at statutory rates over the revenue that taxes are matched to."""
    matched = found.budgets["static"]["scenarios"]["profit, national"]["static_usd"]
    return means(found.of("profit, national", "tax_revenue")) / float(matched)


def who_pays(found: Outcomes, pool: str) -> str:
    """Say what treasuries of North and South take, and what their residents get, at the usual rates."""
    parts = []
    for tax in TAXES:
        taken, got = (
            [means(found.of(f"{tax}, {pool}", metric, group)) for group in ("north", "south")]
            for metric in ("tax_per_resident_month", "transfer_per_head_month")
        )
        parts.append(f"{tax}: taken {taken[0]:.3g} and {taken[1]:.3g}, paid {got[0]:.3g} and {got[1]:.3g}")
    return (
        "Taken by treasuries, and paid in a month with an income, USD a resident and month, North and South,"
        f" pool {pool}: {'; '.join(parts)}."
    )


def table(found: Outcomes) -> pd.DataFrame:
    """Return revenue, incomes, poverty, pay, hours and volume of every scenario, by group of countries."""
    scenarios = [one for one in found.scenarios if not one.endswith(NONE)]

    def base(scenario: str) -> str:
        kind = scenario.partition(": ")[0]
        return f"{kind}: {NONE}" if kind in KINDS else NONE

    columns: dict[str, Callable[[str], Floats]] = {
        name: lambda scenario, name=name: found.of(scenario, name)
        for name in ("tax_revenue", "world_tax_revenue_per_year", "tax_per_user_month", LINE,
                     "transfer_per_head_month", "effective_tax_rate", "shifted_profit_share",
                     "social_users_lost_share", "countries_given_up", "transfers_to_workers_share")
    }  # fmt: skip
    for group in ("north", "south"):
        for name in ("tax_per_resident_month", "incomes_per_resident_month", "transfer_over_poverty_line"):
            columns[f"{name}, {group}"] = lambda scenario, name=name, group=group: found.of(
                scenario, name, group
            )
    for group in ("world", "north", "south"):
        for name in ("pay_all_in_pooled", "working_hours", "tasks_done", "platform_rent"):
            columns[f"{name} (%), {group}"] = lambda scenario, name=name, group=group: found.percent(
                scenario, name, base(scenario), group
            )
        columns[f"poverty after transfers, {group}"] = lambda scenario, group=group: found.change(
            scenario, "worker_poverty_after_transfers", base(scenario), group
        )
    return found.table(scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings on each claim."""
    return {
        f"tax_scenarios_{claim}": findings_figure(
            [one for one in findings if one.claim == claim], f"Taxes and their income ({claim})", caption
        )
        for claim in ("C11", "C12")
    }


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
