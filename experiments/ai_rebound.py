"""C1: where human hours grow with intelligence, where they fall, and what the market adds to theory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

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


def still(found: Outcomes, scenario: str) -> str:
    """Return the scenario that differs by a stock that does not grow."""
    point = found.points[scenario]
    return next(
        one
        for one in found.grid("still")
        if all(found.points[one][path] == point[path] for path in (REBOUND, AUTOMATION))
    )


def added(found: Outcomes, scenario: str) -> Floats:
    """Return hours over what stock and automation give, over the same where the stock does not grow.

    Pay, members and fill rates drift for years, also without any more intelligence; that is not added by it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return found.of(scenario, MARKET) / found.of(still(found, scenario), MARKET)


def judge(found: Outcomes) -> list[Finding]:
    """Return, at each point, whether human hours grow, and whether the market adds to what follows anyway."""
    scenarios = found.grid("map")
    return [
        finding("C1", statement, place(found, scenario), found.of(scenario, metric), bound=1.0, unit="times")
        for statement, metric in (
            ("human hours grow (growth and rebound assumed, no finding)", HOURS),
            ("hours would grow by stock and automation alone (parameters, no finding)", THEORY),
        )
        for scenario in scenarios
    ] + [
        finding("C1", "the market adds hours to what stock and automation give, its drift taken off",
                place(found, scenario), added(found, scenario), bound=1.0, unit="times")
        for scenario in scenarios
    ]  # fmt: skip


def notes(found: Outcomes) -> list[str]:
    """Say where the boundary runs by theory, and at how many points the market crosses it."""
    crossed = [
        place(found, scenario)
        for scenario in found.grid("map")
        if (means(added(found, scenario) * found.of(scenario, THEORY)) - 1.0)
        * (means(found.of(scenario, THEORY)) - 1.0)
        < 0.0
    ]
    theory = (
        "Boundary by theory: hours grow where stock^g x (1 - automation)^(1 - rebound) > 1, so with a growing"
        " stock always at a rebound of 1 or more; below it, where machines help little enough. Rebound,"
        " growth and automation are assumed: where they alone decide, nothing is found."
    )
    drift = [
        f"rebound {found.points[one][REBOUND]:g}, machines up to {found.points[one][AUTOMATION]:g}:"
        f" {means(found.of(one, MARKET)):.3g} times"
        for one in found.grid("still")
    ]
    told = [
        theory,
        "Hours over what stock and automation give where the stock does not grow, the market's own drift: "
        + "; ".join(drift) + ".",
    ]  # fmt: skip
    if crossed:
        told.append(
            "Its drift taken off, the mean of the simulated market lies on the other side at:"
            f" {'; '.join(crossed)}."
        )
    else:
        told.append(
            "At no point does the mean of the simulated market, its drift taken off, lie on the other side."
        )
    return told


def table(found: Outcomes) -> pd.DataFrame:
    """Return growth, theory, market effect and what is behind it at each point."""
    names = (HOURS, THEORY, MARKET, "ai_stock_growth", "ai_automation_coverage", "ai_label_price_growth",
             "ai_labels_delivered_share", "ai_human_hours_per_unit", "ai_years", "pay_all_in_pooled",
             "unpaid_share")  # fmt: skip
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in names}
    return found.table([*found.grid("map"), *found.grid("still")], columns)


def mapped(found: Outcomes) -> dict[str, Mapping[str, Any]]:
    """Return the points of the map."""
    return {scenario: found.points[scenario] for scenario in found.grid("map")}


def grid_of(found: Outcomes, metric: str, growth: float) -> Floats:
    """Return means on the map: a row for each rebound, a column for each automation."""
    points = mapped(found)
    xs, ys = ({point[path] for point in points.values()} for path in (AUTOMATION, REBOUND))
    at = {
        (point[REBOUND], point[AUTOMATION]): means(
            added(found, scenario) if metric == MARKET else found.of(scenario, metric)
        )
        for scenario, point in points.items()
        if point[GROWTH] == growth
    }
    return np.array([[at[y, x] for x in sorted(xs)] for y in sorted(ys)])


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the map of growth and decline with the boundary of theory, and the findings."""
    points = mapped(found).values()
    growths = sorted({point[GROWTH] for point in points})
    xs, ys = (sorted({point[path] for point in points}) for path in (AUTOMATION, REBOUND))
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
