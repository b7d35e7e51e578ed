"""Parameters of artificial intelligence: the stock that services are sold from, and its need of labels.

The rules stand in `sim/agents/rules.py`, what becomes of them week by week in `sim/market/ai_demand.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.parameters import assumed, parameter

ASSISTED = "vendors of assisted labelling report 2 to 10 times less time for a label"
LABELLING_MARKET = (
    "spending on labels grew by 18 to 29 % a year (Cognilytica 2019-2024, Grand View 2022-2030), which is the"
    " growth of the stock times stock_exponent where rebound is 1"
)


@dataclass(frozen=True)
class Intelligence:
    """The stock of artificial intelligence of requesters, and the labels that it needs.

    A label is what one hour of human work made at the start; machines take over a growing part of each.
    """

    stock_exponent: float = assumed(
        0.7, 0, 1, "elasticity of the labels wanted to the stock; 0.3 to 1 is plausible"
    )
    rebound: float = assumed(
        1.0, 0, 3, "elasticity of the labels wanted to the cost of one, help of machines included; 0.3 to 1.8"
        " is plausible",
    )  # fmt: skip
    decay: float = assumed(0.1, 0, 0.9, "share of the stock that is outdated in a year without labels")
    growth: float = parameter(
        0.4, meaning="growth of the stock in a year, before decay, if all labels wanted are delivered", low=0,
        high=3, source=LABELLING_MARKET, assumed=True,
    )  # fmt: skip
    automation_max: float = parameter(
        0.7, meaning="share of the work on a label that machines take over in the end; 1: no human is needed",
        low=0, high=1, source=ASSISTED, assumed=True,
    )  # fmt: skip
    labels_scale_years: float = assumed(
        3.0, 0.01, 1000, "labels, in years of initial demand, after which 63 % of that is reached", "years"
    )
    most_labels_per_hour: float = assumed(
        20.0, 1, 1000, "labels that an hour of human work can bring at most, and be worth; 1 at the start",
        "labels",
    )  # fmt: skip
    spending_limit: float = assumed(
        10.0, 1, 1000, "most that is spent on labels for each unit of services sold, times that at the start"
    )
    fulfilment_smoothing: float = assumed(
        0.1,
        0,
        1,
        "weight of this week in what requesters know: what part of their labels gets done, and of others'"
        " is shared",
    )
    free_share: float = assumed(
        0.5, 0, 1, "largest share of labels for preparation that unpaid users may deliver"
    )
    free_trust: float = assumed(
        0.5, 0, 1, "share of unpaid labels that is of use: others check or repeat them"
    )
    free_label_seconds: float = assumed(
        10.0, 1, 600, "paid work at the start that one unpaid label of use stands for", "seconds"
    )
    displacement: float = assumed(
        1.0, 0, 20, "hours of other work lost, for each hour of initial labelling, where services sold double"
    )
    outside_hours: float = assumed(40.0, 20, 60, "hours a week of a job that is lost", "hours")

    @property
    def highest_value_factor(self) -> float:
        """Most that an hour of human work can be worth, times its worth without help of machines."""
        left = max(1.0 - self.automation_max, 1.0 / self.most_labels_per_hour)
        return 1.0 / left
