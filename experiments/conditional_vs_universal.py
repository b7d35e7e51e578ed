"""C12: one budget as an income for all, for job seekers, for employers; and when refusals bite."""

from __future__ import annotations

import math
import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import curves_figure, findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main, means
from experiments.verdict import BELOW, Finding, crossing, finding

NONE, KEPT = "none", "tax kept"
UNIVERSAL = ("universal, national", "universal, global")
CONDITIONAL = ("job seekers", "employers")
SCANS = ("unfunded experiment", "strongest reaction")
AMOUNT = "policy.universal_income.usd_per_month"
BITES = -5.0
"""Fall of working hours (%) from which refusals are said to bite: a convention."""

GROUPS = ("world", "north", "south")


def judge(found: Outcomes) -> list[Finding]:
    """Return what each way of spending does against keeping the revenue, and where refusals bite."""
    findings = []
    for scenario in (*UNIVERSAL, *CONDITIONAL):
        monthly = found.percent(scenario, "income_with_transfers_per_worker_month", KEPT)
        findings += [
            finding("C12", "it raises what a worker has a month", scenario, monthly, unit="%"),
            finding("C12", "fewer workers are poor", scenario,
                    found.change(scenario, "worker_poverty_after_transfers", KEPT), BELOW),
            finding("C12", "it lowers hourly pay (who pays by the piece keeps a part)", scenario,
                    found.percent(scenario, "pay_all_in_pooled", KEPT), BELOW, unit="%"),
        ]  # fmt: skip
    for one in UNIVERSAL:
        for other in CONDITIONAL:
            hourly = found.percent(one, "pay_all_in_pooled", other)
            monthly = found.percent(one, "income_with_transfers_per_worker_month", other)
            where = f"{one} against {other}"
            findings += [
                finding("C12", "an unconditional income leaves hourly pay higher", where, hourly, unit="%"),
                finding("C12", "an unconditional income leaves workers of this market more (shared by more"
                        " people: arithmetic, no finding)", where, monthly, unit="%"),
            ]  # fmt: skip
    for name in SCANS:
        scenarios, amounts = found.along(name, AMOUNT)
        for scenario, amount in zip(scenarios, amounts, strict=True):
            fall = found.percent(scenario, "working_hours", NONE)
            where = f"{name}, {amount:g} USD a month"
            findings.append(
                finding("C12", "refusals bite: 5 % of working hours or more are gone", where, fall, BELOW,
                        BITES, "%")
            )  # fmt: skip
    return findings


def scan(found: Outcomes, name: str, metric: str, group: str) -> tuple[list[float], Floats]:
    """Return incomes from outside and the change (%) of a number at each: seeds x incomes."""
    scenarios, amounts = found.along(name, AMOUNT)
    return amounts, np.array([found.percent(one, metric, NONE, group) for one in scenarios]).T


def notes(found: Outcomes) -> list[str]:
    """Say from which income on refusals bite, by group of countries."""
    heads = [
        f"{scenario}: {means(found.of(scenario, 'transfer_per_head_month')):.3g} USD a recipient and month,"
        f" {100 * means(found.of(scenario, 'transfers_to_workers_share')):.3g} % of it to workers"
        for scenario in (*UNIVERSAL, CONDITIONAL[0])
    ]
    shared = (
        "An income for all is shared by all residents, a conditional one by some people of this market; that"
        f" it brings these more is arithmetic, and others get nothing of it. {'; '.join(heads)}."
    )
    told = [shared]
    for name in SCANS:
        parts = []
        for group in GROUPS:
            amounts, falls = scan(found, name, "working_hours", group)
            at, low, high = crossing(amounts, falls, BITES)
            between = f" [{low:.3g}, {high:.3g}]" if math.isfinite(high) else ""
            parts.append(
                f"{group}: {f'{at:.3g} USD a month{between}' if math.isfinite(at) else 'none tried'}"
            )
        told.append(
            f"Income from which 5 % of working hours are refused, {name} (not paid for by any tax): "
            + "; ".join(parts) + ". It follows from assumed reactions and from what the market makes of them."
        )  # fmt: skip
    return told


def table(found: Outcomes) -> pd.DataFrame:
    """Return the changes against none, and the incomes paid."""
    names = ("pay_all_in_pooled", "working_hours", "tasks_done", "income_with_transfers_per_worker_month")
    columns = {
        f"{name} (%), {group}": lambda scenario, name=name, group=group: found.percent(
            scenario, name, NONE, group
        )
        for name in names
        for group in GROUPS
    }
    columns |= {
        name: lambda scenario, name=name: found.of(scenario, name)
        for name in ("tax_revenue", "transfer_per_head_month", "transfer_over_poverty_line",
                     "transfers_to_workers_share", "transfers_unfunded_share", "returned_share", "fill_rate",
                     "worker_poverty_after_transfers")
    }  # fmt: skip
    return found.table([one for one in found.scenarios if one != NONE], columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings, and working hours and pay over the income."""
    panels = {}
    for metric, told in (("working_hours", "Working hours"), ("pay_all_in_pooled", "Hourly pay")):
        panels[told] = {}
        for name in SCANS:
            amounts, falls = scan(found, name, metric, "world")
            panels[told][name] = (amounts, list(falls.T))
    axis = {"x": "Income from outside (USD a month)", "y": "Change (%)"}
    return {
        "conditional_vs_universal": findings_figure(findings, "One budget, spent in four ways", caption),
        "refusals": curves_figure(panels, axis, caption, logarithmic=True),
    }


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
