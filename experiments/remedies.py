"""C2, C8, C10: what each way out does to pay, work and poverty."""

from __future__ import annotations

import sys

import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Outcomes
from experiments.telling import main, means
from experiments.verdict import BELOW, Finding, finding

NONE = "none"
CLAIM = {"floor of 2 USD": "C8", "local minimum wage": "C8", "employment": "C8"}
KEPT = -5.0
"""Fall of working hours (%) within which one says that work is kept."""


def judge(found: Outcomes) -> list[Finding]:
    """Return what each remedy changes against none."""
    findings = []
    for scenario in found.scenarios:
        if scenario == NONE:
            continue
        claim = CLAIM.get(scenario, "C10")
        hourly = found.percent(scenario, "pay_with_shares_pooled", NONE)
        monthly = found.percent(scenario, "income_with_transfers_per_worker_month", NONE)
        hours = found.percent(scenario, "working_hours", NONE)
        poor = found.change(scenario, "worker_poverty_after_transfers", NONE)
        findings += [
            finding(claim, "it raises pay for an hour of work", scenario, hourly, unit="%"),
            finding(claim, "it raises what a worker has a month, those who lost the work included",
                    scenario, monthly, unit="%"),
            finding(claim, "working hours fall by no more than 5 %", scenario, hours, bound=KEPT, unit="%"),
            finding(claim, "fewer workers are poor", scenario, poor, BELOW, unit="share of workers"),
            finding("C2", "less of the work is unpaid", scenario,
                    found.change(scenario, "unpaid_share", NONE), BELOW, unit="share of time"),
        ]  # fmt: skip
    return sorted(findings, key=lambda one: one.claim)


def change(found: Outcomes, scenario: str, group: str) -> float:
    """Return by how many per cent a group's monthly pay and incomes change, mean over seeds."""
    return means(found.percent(scenario, "income_with_transfers_per_worker_month", NONE, group))


def notes(found: Outcomes) -> list[str]:
    """Say how the same comes out in North and South."""
    told = [
        f"{scenario}: North {change(found, scenario, 'north'):+.3g} %,"
        f" South {change(found, scenario, 'south'):+.3g} %"
        for scenario in found.scenarios
        if scenario != NONE
    ]
    days = found.configs[NONE].time.days
    return [
        "Pay and incomes a worker and month, by group of countries: " + "; ".join(told) + ".",
        f"Remedies begin with the window, of {days} days: what grows slowly, like a union, has hardly begun.",
    ]


def table(found: Outcomes) -> pd.DataFrame:
    """Return the changes (%) by group of countries, and what belongs to single remedies."""
    others = [scenario for scenario in found.scenarios if scenario != NONE]
    names = ("pay_with_shares_pooled", "income_with_transfers_per_worker_month", "working_hours")
    columns = {
        f"{name} (%), {group}": lambda scenario, name=name, group=group: found.percent(
            scenario, name, NONE, group
        )
        for name in names
        for group in ("world", "north", "south")
    }
    columns |= {
        name: lambda scenario, name=name: found.of(scenario, name)
        for name in ("union_density", "struck_weeks_share", "refused_shifts_share", "withheld_share",
                     "cooperative_fee", "cooperative_work_share", "commons_over_pay", "unpaid_share",
                     "weekly_volatility_median", "worker_poverty_after_transfers", "fill_rate")
    }  # fmt: skip
    return found.table(others, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"remedies": findings_figure(findings, "Ways out, each against none", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
