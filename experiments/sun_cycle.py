"""C7: whether work follows the sun, and which of three causes makes it do so."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import curves_figure, findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main
from experiments.verdict import BELOW, Finding, finding

REAL, ONE = "real zones", "one zone"
FLAT, RIGID = "flat posting", "no flexibility"
CLOCK = [f"on_duty_share_{hour:02d}" for hour in range(24)]
AWAKE = 0.5
"""A market that never sleeps has more than half as many at work in its quietest hour as in its busiest."""


def clock(found: Outcomes, scenario: str, group: str) -> Floats:
    """Return the share of a group's time on duty in each UTC hour: seeds x hours."""
    return np.array([found.of(scenario, name, group) for name in CLOCK]).T


def together(found: Outcomes, scenario: str) -> Floats:
    """Return the correlation over the UTC day of the North's and the South's workers on duty."""
    pairs = zip(clock(found, scenario, "north"), clock(found, scenario, "south"), strict=True)
    return np.array([np.corrcoef(north, south)[0, 1] for north, south in pairs])


def judge(found: Outcomes) -> list[Finding]:
    """Return what real zones show, and what each counterfactual takes away."""
    awake = "concurrently_active_min_over_max"
    findings = [
        finding("C7", "the market never sleeps: quietest over busiest hour above a half", scenario,
                found.of(scenario, awake), bound=AWAKE)
        for scenario in found.scenarios
    ]  # fmt: skip
    findings += [
        finding("C7", "the South's workers are on duty when the North's are not (correlation)", scenario,
                together(found, scenario), BELOW)
        for scenario in found.scenarios
    ]  # fmt: skip
    findings += [
        finding("C7", f"real zones keep the market awake, beside {other}", other,
                -found.change(other, awake, REAL))
        for other in (ONE, FLAT, RIGID)
    ]  # fmt: skip
    night = "more of the South's work is done at night than"
    findings += [
        finding(
            "C7", f"{night} without this cause", other, -found.change(other, "night_share", REAL, "south")
        )
        for other in (ONE, FLAT, RIGID)
    ]
    return findings


def table(found: Outcomes) -> pd.DataFrame:
    """Return the clock's outcomes, and pay and volume beside them."""
    columns = {
        name: lambda scenario, name=name: found.of(scenario, name)
        for name in ("concurrently_active_min_over_max", "night_share", "pay_all_in_pooled", "tasks_done",
                     "fill_rate")
    }  # fmt: skip
    columns |= {
        f"night_share, {group}": lambda scenario, group=group: found.of(scenario, "night_share", group)
        for group in ("north", "south")
    }
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the clock of North and South in each scenario, and the findings."""
    hours = list(range(24))
    panels = {
        scenario: {
            group.capitalize(): (hours, list(100 * clock(found, scenario, group).T))
            for group in ("north", "south")
        }
        for scenario in (REAL, ONE, RIGID)
    }
    axis = {"x": "Hour, UTC", "y": "Workers on duty (% of the group's day)"}
    return {
        "sun_cycle": findings_figure(findings, "The sun cycle and its causes", caption),
        "sun_cycle_clock": curves_figure(panels, axis, caption),
    }


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
