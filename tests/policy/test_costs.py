"""Running costs go with the work done on a platform: what it takes for it changes nothing about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sim.agents.platform import parts_per_million
from sim.config import Config
from sim.instruments import Policies, UsageTax
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import tiny


def market() -> Config:
    """A platform with one fee, of 20 %, that hands a tax on in full."""
    tax = UsageTax(usd_per_user_month=3.0, to_requesters=0.6, to_workers=0.4, exit_months=0)
    config = tiny(days=100, workers=60, seed=4, policy=Policies(usage_tax=tax))
    platform = replace(config.platforms["microwork"], requester_fee=0.2, large_batch_fee=0.0, worker_fee=0.0)
    return replace(config, platforms={"microwork": platform})


class Months:
    """Keeps what a platform took, its costs but those per task, and rewards, as each month ends."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []

    def hour(self, model: Any) -> None:
        pass

    def day(self, model: Any) -> None:
        if model.clock.is_month_start(model.hour):
            revenue, cost = model.books_of(0)
            row = model.platform_rows[0]
            share = cost - int(model.month_transactions[0]) * int(row["transaction_cost"])
            rewards = int(model.offices.month_rewards[0].sum())
            self.rows.append((revenue, share, rewards, int(row["cost_ppm"])))

    def month(self, model: Any, period: str, flows: Any) -> None:
        pass


def test_fees_and_levies_cost_nothing(exercised: Exercised) -> None:
    """A month's costs are the set share of its rewards, to the micro-dollar, while a levy brings more."""
    seen = []
    for fee in (0.2, 0.05):
        base, months = market(), Months()
        platform = replace(base.platforms["microwork"], requester_fee=fee)
        model = ClickWorkModel(replace(base, platforms={"microwork": platform}))
        model.observers.append(months)
        model.run()
        for revenue, share, rewards, ppm in months.rows:
            assert share == rewards * ppm // 1_000_000
            seen.append(revenue > (fee + 0.05) * rewards)
    exercised("months with a levy", sum(seen), at_least=4)


def test_costs_by_hand() -> None:
    """3 % of rewards of three million micro-dollars, 2000 for each of ten tasks, whatever was taken."""
    model = ClickWorkModel(tiny())
    assert parts_per_million(0.03) == int(model.platform_rows["cost_ppm"][0])
    model.offices.month_rewards[0, 0] = 3_000_000
    model.month_transactions[0] = 10
    for taken in (0, 1_000_000):
        model.platform_rows["balance"][0] = taken
        for levy in (0.0, 0.06, 9.0):
            model.offices.levies[:, 0] = levy, 0.04
            assert model.books_of(0) == (taken, 90_000 + 20_000)
