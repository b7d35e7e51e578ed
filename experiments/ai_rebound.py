"""C1: where human hours grow with intelligence, where they fall, and what the market adds to theory."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure, map_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main, means
from experiments.verdict import Finding, finding

GROWTH, REBOUND, AUTOMATION = "ai.growth", "ai.rebound", "ai.automation_max"
HOURS, THEORY, MARKET = "ai_human_hours_growth", "ai_analytic_growth", "ai_market_effect"


def place(found: Outcomes, scenario: str) -> str:
    """Name a point of the map."""
    point = found.points[scenario]
    return f"growth {point[GROWTH]:g}, rebound {point[REBOUND]:g}, machines up to {point[AUTOMATION]:g}"


def judge(found: Outcomes) -> list[Finding]:
    """Return, at each point, whether human hours grow, and whether the market adds to what follows anyway."""
    scenarios = found.grid("map")
    return [
        finding("C1", statement, place(found, scenario), found.of(scenario, metric), bound=1.0, unit="times")
        for statement, metric in (
            ("human hours grow (growth and rebound assumed, no finding)", HOURS),
            ("hours would grow by stock and automation alone (parameters, no finding)", THEORY),
            ("the market adds hours to what stock and automation give", MARKET),
        )
        for scenario in scenarios
    ]


def notes(found: Outcomes) -> list[str]:
    """Say where the boundary runs by theory, and at how many points the market crosses it."""
    crossed = [
        place(found, scenario)
        for scenario in found.grid("map")
        if (means(found.of(scenario, HOURS)) - 1.0) * (means(found.of(scenario, THEORY)) - 1.0) < 0.0
    ]
    theory = (
        "Boundary by theory: hours grow where stock^g x (1 - automation)^(1 - rebound) > 1, so with a growing"
        " stock always at a rebound of 1 or more; below it, where machines help little enough. Rebound,"
        " growth and automation are assumed: where they alone decide, nothing is found."
    )
    told = [theory]
    if crossed:
        told.append(f"The mean of the simulated market lies on the other side at: {'; '.join(crossed)}.")
    else:
        told.append("At no point does the mean of the simulated market lie on the other side of it.")
    return told


def table(found: Outcomes) -> pd.DataFrame:
    """Return growth, theory, market effect and what is behind it at each point."""
    names = (HOURS, THEORY, MARKET, "ai_stock_growth", "ai_automation_coverage", "ai_label_price_growth",
             "ai_labels_delivered_share", "ai_human_hours_per_unit", "ai_years", "pay_all_in_pooled",
             "unpaid_share")  # fmt: skip
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in names}
    return found.table(found.grid("map"), columns)


def grid_of(found: Outcomes, metric: str, growth: float) -> Floats:
    """Return means on the map: a row for each rebound, a column for each automation."""
    points = found.points
    xs, ys = ({point[path] for point in points.values()} for path in (AUTOMATION, REBOUND))
    at = {
        (point[REBOUND], point[AUTOMATION]): means(found.of(scenario, metric))
        for scenario, point in points.items()
        if point[GROWTH] == growth
    }
    return np.array([[at[y, x] for x in sorted(xs)] for y in sorted(ys)])


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the map of growth and decline with the boundary of theory, and the findings."""
    growths = sorted({point[GROWTH] for point in found.points.values()})
    xs, ys = (sorted({point[path] for point in found.points.values()}) for path in (AUTOMATION, REBOUND))
    panels, boundary = {}, {}
    for growth in growths:
        for metric, told in ((HOURS, "human hours"), (MARKET, "added by the market")):
            name = f"{told}, growth {growth:g} a year"
            panels[name] = grid_of(found, metric, growth)
            if metric == HOURS:
                boundary[name] = grid_of(found, THEORY, growth)
    labels = {"x": "Work machines take over in the end", "y": "Rebound", "z": "Logarithm of the growth"}
    line = "Numbers: last over first weeks, mean of seeds. Line: boundary by stock and automation alone. "
    return {
        "ai_rebound_map": map_figure(panels, xs, ys, labels, boundary, line + caption),
        "ai_rebound": findings_figure(findings, "Human hours with more intelligence", caption),
    }


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
