"""C8: whether requesters pay by the piece what work is worth to them, or what a single buyer would."""

from __future__ import annotations

import sys

import pandas as pd
from matplotlib.figure import Figure

from experiments.drawing import curves_figure, findings_figure
from experiments.outcomes import Outcomes
from experiments.telling import main
from experiments.verdict import BELOW, Finding, finding

COUNT = "requesters.count"
FEE, FLOOR, MIDDLE = "fee of 40 %", "floor of 3 USD", 30
PAY = "pay_paid_time_mean"


def worth(found: Outcomes, scenario: str) -> float:
    """Return what an hour of work brings its requester, the fee taken off: pay under competition."""
    config = found.configs[scenario]
    platform = config.platforms["microwork"]
    assert platform is not None  # the world's only one
    return config.requesters.value_usd_per_hour / (1.0 + platform.requester_fee)


def judge(found: Outcomes) -> list[Finding]:
    """Return how far pay lies under the worth of work, and what numbers, fees and floors do to it."""
    scenarios, counts = found.along("number", COUNT)
    findings = [
        finding("C8", "pay for paid time is under half of what work brings, fee taken off",
                f"{count} requesters", found.of(scenario, PAY) / worth(found, scenario), BELOW, 0.5, "share")
        for scenario, count in zip(scenarios, counts, strict=True)
    ]  # fmt: skip
    findings.append(
        finding("C8", "many requesters pay more than few, as competition would have it",
                f"{counts[-1]} against {counts[0]}", found.percent(scenarios[-1], PAY, scenarios[0]),
                unit="%")
    )  # fmt: skip
    base = scenarios[counts.index(MIDDLE)]
    findings += [
        finding("C8", "workers bear a part of a higher fee", FEE, found.percent(FEE, PAY, base), BELOW,
                unit="%"),
        finding("C8", "a floor raises pay", FLOOR, found.percent(FLOOR, PAY, base), unit="%"),
        finding("C8", "a floor does not cost work, as under a single buyer", FLOOR,
                found.percent(FLOOR, "working_hours", base), unit="%"),
    ]  # fmt: skip
    return findings


def notes(found: Outcomes) -> list[str]:
    """Say where theory puts pay."""
    scenario = found.grid("number")[0]
    top = worth(found, scenario)
    theory = (
        f"By theory: under competition pay is value / (1 + fee) = {top:.3g} USD an hour; a single buyer"
        f" facing supply of elasticity e pays that times e / (1 + e): {top / 11:.3g} USD at the observed 0.1,"
        f" {top * 0.43 / 1.43:.3g} USD at 0.43. Value is assumed; distances from these lines are the finding."
    )
    return [theory]


def table(found: Outcomes) -> pd.DataFrame:
    """Return pay, its share of the worth of work, and the work done."""
    names = (PAY, "pay_all_in_pooled", "pay_all_in_median", "working_hours", "tasks_done", "fill_rate",
             "workers_active", "unpaid_share")  # fmt: skip
    columns = {name: lambda scenario, name=name: found.of(scenario, name) for name in names}
    columns["pay over worth"] = lambda scenario: found.of(scenario, PAY) / worth(found, scenario)
    return found.table(found.scenarios, columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw pay over the number of requesters, and the findings."""
    scenarios, counts = found.along("number", COUNT)
    shares = [found.of(scenario, PAY) / worth(found, scenario) for scenario in scenarios]
    panels = {"Pay and competition": {"pay": (counts, shares)}}
    axis = {"x": "Requesters", "y": "Pay over value / (1 + fee)"}
    return {
        "monopsony": findings_figure(findings, "Pay and the worth of work", caption),
        "monopsony_pay": curves_figure(panels, axis, caption, logarithmic=True),
    }


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
