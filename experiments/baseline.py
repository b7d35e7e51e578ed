"""C2, C5, C9: how precarious the work is, which way its money flows, who sees what harms."""

from __future__ import annotations

import sys

import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main
from experiments.verdict import BELOW, Finding, finding

NIGHT = 8 / 24
"""Share of all hours between 22 and 06: what work spread evenly over the day would have."""


def judge(found: Outcomes) -> list[Finding]:
    """Return what the market shows of each claim, as assumed and with half and twice the demand."""
    return [one for scenario in found.scenarios for one in _of(found, scenario)]


def _of(found: Outcomes, scenario: str) -> list[Finding]:
    def of(metric: str, group: str = "world") -> Floats:
        return found.of(scenario, metric, group)

    to_south = of("rewards_from_north_to_south") + of("rewards_from_south_to_south")
    to_all = of("rewards_all")
    hours_south = of("working_hours", "south") / of("working_hours")
    return [
        finding("C2", "a quarter of working time or more is unpaid", scenario, of("unpaid_share"),
                bound=0.25),
        finding("C2", "most earn less than the minimum wage of their country", scenario,
                of("share_below_minimum_wage"), bound=0.5),
        finding("C2", "weekly pay varies by half of its mean or more", scenario,
                of("weekly_volatility_median"), bound=0.5),
        finding("C2", "more of the work in the South than in the North is done at night", scenario,
                of("night_share", "south") - of("night_share", "north")),
        finding("C2", "work at night is more common than by chance (a third of all hours)", scenario,
                of("night_share"), bound=NIGHT),
        finding("C5", "most of what workers in the South are paid comes from the North (most employers are"
                " there: an input, no finding)", scenario,
                of("rewards_from_north_to_south") / to_south, bound=0.5),
        finding("C5", "the South's share of pay is smaller than its share of hours", scenario,
                to_south / to_all - hours_south, BELOW),
        finding("C9", "workers in the South spend more hours with harmful content", scenario,
                of("exposure_hours_mean", "south") - of("exposure_hours_mean", "north"), unit="h a worker"),
    ]  # fmt: skip


def table(found: Outcomes) -> pd.DataFrame:
    """Return the outcomes that are told, in all, and by group of countries."""
    names = ("unpaid_share", "pay_all_in_pooled", "pay_all_in_median", "share_below_minimum_wage",
             "weekly_volatility_median", "night_share", "exposure_hours_mean", "rejected_share",
             "working_hours")  # fmt: skip
    columns = {
        f"{name}, {group}": lambda scenario, name=name, group=group: found.of(scenario, name, group)
        for name in names
        for group in ("world", "north", "south")
    }
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"baseline": findings_figure(findings, "The work as it is assumed to be", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
