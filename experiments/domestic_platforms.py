"""C5: who hires whom, and what platforms owned in India and China change."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main
from experiments.verdict import BELOW, Finding, finding

WITH, WITHOUT, TWICE = "domestic platforms", "none", "twice as large"
BIG = 0.1
"""Share of all fees from which platforms owned in the South are called big."""


def to_south(found: Outcomes, scenario: str, what: str) -> Floats:
    """Return the USD of rewards or fees that go to the South."""
    groups = ("north", "south", "mixed")
    return np.nansum([found.of(scenario, f"{what}_from_{one}_to_south") for one in groups], axis=0)


def judge(found: Outcomes) -> list[Finding]:
    """Return where the money for work comes from, and what domestic platforms change."""
    findings = []
    for scenario in found.scenarios:
        north = found.of(scenario, "rewards_from_north_to_south") / to_south(found, scenario, "rewards")
        findings.append(
            finding("C5", "most of what the South's workers are paid comes from the North (most employers are"
                    " there: an input, no finding)", scenario, north, bound=0.5)
        )  # fmt: skip
        home = found.ratio(scenario, "rewards_inside_a_country", "rewards_all")
        what = "less than half of all pay stays inside one country"
        findings.append(finding("C5", what, scenario, home, BELOW, 0.5))
        fees = to_south(found, scenario, "platform_fees") / found.of(scenario, "platform_fees_all")
        what = "platforms owned in the South take more than a tenth of all fees"
        findings.append(finding("C5", what, scenario, fees, bound=BIG))
    for scenario in (WITH, TWICE):
        for metric, told in (("pay_all_in_pooled", "hourly pay"), ("working_hours", "working hours")):
            change = found.percent(scenario, metric, WITHOUT, "south")
            what = f"domestic platforms raise the South's {told}"
            findings.append(finding("C5", what, scenario, change, unit="%"))
    return findings


def table(found: Outcomes) -> pd.DataFrame:
    """Return rewards and fees by the groups that pay and receive, and pay and hours."""
    metrics = ["working_hours", "pay_all_in_pooled", "world_profit_south_to_north_per_year"]
    groups = ("north", "south", "mixed")
    metrics += [
        f"{what}_from_{one}_to_{other}"
        for what in ("rewards", "platform_fees")
        for one in groups
        for other in groups
    ]
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in metrics}
    columns |= {
        f"{name}, {group}": lambda scenario, name=name, group=group: found.of(scenario, name, group)
        for name in ("working_hours", "pay_all_in_pooled")
        for group in groups
    }
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"domestic_platforms": findings_figure(findings, "Who hires whom", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
