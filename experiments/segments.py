"""C6: whether kinds of workers fare differently by the rules of their lives, or by where they live."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main
from experiments.verdict import Finding, finding

OWN = "own rules"
PAIRS = {
    "side_job and graduate": ("side_job", "graduate"),
    "home and first_income": ("home", "first_income"),
}
FARES = {
    "pay_all_in_pooled": "hourly pay",
    "hours_per_week_median": "hours a week",
    "unpaid_share": "unpaid share",
    "night_share": "night share",
}


def gap(found: Outcomes, scenario: str, metric: str, pair: tuple[str, str]) -> Floats:
    """Return how a segment fares above the other one of its pair."""
    one, other = pair
    return found.of(scenario, metric, f"segment {one}") - found.of(scenario, metric, f"segment {other}")


def parts_of_gap(found: Outcomes, metric: str, name: str) -> tuple[Floats, Floats]:
    """Return the part of a gap that turns round when rules are swapped, and the part that stays with names.

    Names keep their shares in North and South, so the second part is that of place.
    """
    pair = PAIRS[name]
    own, swapped = (gap(found, scenario, metric, pair) for scenario in (OWN, f"{name} swapped"))
    return (own - swapped) / 2, (own + swapped) / 2


def judge(found: Outcomes) -> list[Finding]:
    """Return whether rules or places make the gaps, and whether collectives help their members."""
    findings = []
    for name in PAIRS:
        for metric, told in FARES.items():
            by_rules, by_place = parts_of_gap(found, metric, name)
            more = np.abs(by_rules) - np.abs(by_place)
            statement = "two kinds fare differently more by their rules than by place"
            findings.append(finding("C6", f"{statement}, {told}", name, more))
    for metric, told in (("pay_all_in_pooled", "hourly pay, broker's cut taken off"),
                         ("hours_per_week_median", "hours a week")):  # fmt: skip
        gain = -found.percent("no collectives", metric, OWN, "segment first_income")
        what = f"those who barely read gain by their collectives, {told}"
        findings.append(finding("C6", what, "first_income", gain, unit="% of own"))
    for scenario in found.scenarios:
        north, south = (found.of(scenario, "pay_all_in_pooled", one) for one in ("north", "south"))
        findings.append(finding("C6", "pay is higher in the North", scenario, north - south, unit="USD/h"))
    return findings


def table(found: Outcomes) -> pd.DataFrame:
    """Return how each segment fares, in all and in North and South."""
    groups = [group for group in found.groups if "segment" in group]
    columns = {
        f"{metric}, {group}": lambda scenario, metric=metric, group=group: found.of(scenario, metric, group)
        for metric in (*FARES, "worker_poverty_before_transfers", "weekly_volatility_median")
        for group in groups
    }
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"segments": findings_figure(findings, "Rules or places", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
