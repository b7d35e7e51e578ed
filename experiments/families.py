"""C3, C4, C13: three families of digital labour, the market of clicks below them, and unpaid users."""

from __future__ import annotations

import sys

import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import findings_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main
from experiments.verdict import BELOW, Finding, finding

BASE = "all families"
USED, UNUSED, TWICE = "labels of users used", "labels of users not used", "twice the labels of users"
PRICE, DEVICES = "platforms.click_farm.usd_per_click", "platforms.click_farm.devices_per_worker"
ANYBODY = 0.01
"""Share of the work that must be done before one says that anybody does it."""


def pay(found: Outcomes, scenario: str, platform: str) -> Floats:
    """Return pay for all working hours of those who are on a platform."""
    return found.of(scenario, "pay_all_in_pooled", f"platform {platform}")


def judge(found: Outcomes) -> list[Finding]:
    """Return how the families differ, at which price of a click anybody works, what unpaid labels replace."""
    local, micro, clicks = (pay(found, BASE, name) for name in ("on_demand", "microwork", "click_farm"))
    findings = [
        finding("C3", "local jobs on demand pay more an hour than microwork", BASE, local - micro,
                unit="USD/h"),
        finding("C3", "users label more, unpaid, than workers are paid for", BASE,
                found.of(BASE, "unpaid_labels_per_task"), bound=1.0, unit="labels a task"),
        finding("C4", "click farms pay less an hour than microwork", BASE, clicks - micro, BELOW,
                unit="USD/h"),
    ]  # fmt: skip
    scenarios, _ = found.along("clicks", PRICE)
    for scenario in scenarios:
        point = found.points[scenario]
        devices = "a device" if point[DEVICES] == 1 else f"{point[DEVICES]:,} devices"
        where = f"{point[PRICE] * 1e6:g} µ$ on {devices}"
        done = found.of(scenario, "click_farm_fill_rate")
        findings.append(finding("C4", "anybody works at this price of a click", where, done, bound=ANYBODY))
        below = found.of(scenario, "click_farm_pay_on_duty") - pay(found, scenario, "microwork")
        statement = "time on duty in a click farm pays less than microwork's working time"
        findings.append(finding("C4", statement, where, below, BELOW, unit="USD/h"))
    for scenario in (USED, TWICE):
        change = found.percent(scenario, "world_paid_hours_per_year", UNUSED)
        what = "users' unpaid labels replace paid work"
        findings.append(finding("C13", what, scenario, change, BELOW, unit="% of paid hours"))
        lost = found.percent(scenario, "world_net_pay_per_year", UNUSED)
        findings.append(finding("C13", "workers' pay falls with it", scenario, lost, BELOW, unit="% of pay"))
    return findings


def table(found: Outcomes) -> pd.DataFrame:
    """Return pay, work and labels of each kind of platform."""
    names = ("on_demand_pay_on_duty", "click_farm_pay_on_duty", "click_farm_fill_rate", "on_demand_fill_rate",
             "click_farm_rejected_share", "pay_per_click_median", "pay_per_click_lowest",
             "unpaid_labels_per_task", "ai_labels_free_share", "world_paid_hours_per_year",
             "world_net_pay_per_year", "world_unpaid_labels_per_year")  # fmt: skip
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in names}
    columns |= {
        f"pay of platform {name}": lambda scenario, name=name: pay(found, scenario, name)
        for name in ("microwork", "on_demand", "click_farm")
    }
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw the findings."""
    return {"families": findings_figure(findings, "Families of digital labour", caption)}


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
