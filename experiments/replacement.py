"""C14: how much click work comes for other work that intelligent services displace, and at what pay."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main, means
from experiments.verdict import BELOW, Finding, finding

STILL, HOURS = "still", "ai_human_hours_growth"
GROWTH, RATE = "ai.growth", "ai.displacement"
CREATED, PAY = "click_hours_per_outside_hour", "click_pay_over_outside_wage"


def by_theory(found: Outcomes, scenario: str) -> Floats:
    """Return click hours for each outside hour lost, about as stock and automation alone give them.

    Hours of labels grow to `stock^g x (1 - automation)^(1 - e)`, hours lost by `displacement x (stock - 1)`;
    both over the label hours of the start, between the same first and last weeks.
    """
    rate = float(found.points[scenario][RATE])
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = rate * (found.of(scenario, "ai_stock_growth") - 1.0)
        return (found.of(scenario, "ai_analytic_growth") - 1.0) / lost


def beyond_drift(found: Outcomes, scenario: str) -> Floats:
    """Return click hours for each outside hour lost, without those that come where the stock does not grow.

    Pay, members and fill rates drift for years, also without any more intelligence.
    """
    grown, drift = found.of(scenario, HOURS), found.of(STILL, HOURS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return found.of(scenario, CREATED) * (grown / drift - 1.0) / (grown - 1.0)


def judge(found: Outcomes) -> list[Finding]:
    """Return whether as many hours come as go, whether any do, and whether they are paid less."""
    findings = []
    for scenario in found.grid("rate"):
        point = found.points[scenario]
        where = (
            f"{point[RATE]:g} hours lost for one of labels where services double, growth {point[GROWTH]:g}"
        )
        created = found.of(scenario, CREATED)
        findings += [
            finding("C14", "more click hours come than outside hours go (rate assumed, no finding)", where,
                    created, bound=1.0),
            finding("C14", "some click hours come for outside hours that go (growth assumed, no finding)",
                    where, created),
            finding("C14", "click work pays less than the work that is lost", where,
                    found.of(scenario, PAY), BELOW, 1.0),
            finding("C14", "the market makes more click hours than stock and automation alone, its drift"
                    " taken off", where, beyond_drift(found, scenario) - by_theory(found, scenario)),
        ]  # fmt: skip
    return findings


def notes(found: Outcomes) -> list[str]:
    """Say what follows from the assumed rate alone."""
    told = [
        f"{scenario.partition(': ')[2]}: {means(by_theory(found, scenario)):.3g} by stock and automation"
        f" alone, {means(found.of(scenario, CREATED)):.3g} simulated,"
        f" {means(beyond_drift(found, scenario)):.3g} with the market's own drift taken off"
        for scenario in found.grid("rate")
    ]
    return [
        "Click hours for an outside hour lost; the rate of displacement is assumed, so the boundary at 1 is"
        " no finding, only the difference is. " + "; ".join(told) + "."
    ]


def table(found: Outcomes) -> pd.DataFrame:
    """Return hours and pay, what theory gives, and the size of the market."""
    names = (CREATED, PAY, "ai_human_hours_growth", "ai_analytic_growth", "ai_stock_growth", "workers_joined",
             "workers_active", "pay_all_in_pooled", "unpaid_share")  # fmt: skip
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in names}
    columns["by theory"] = lambda scenario: by_theory(found, scenario)
    columns["without drift"] = lambda scenario: beyond_drift(found, scenario)
    return found.table(found.grid("rate"), columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"replacement": findings_figure(findings, "Hours that go and hours that come", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
