"""Running costs are a share of a platform's own fees: what it adds to them to pay a tax costs it nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
    """Keeps what a platform took, what of it was its own, and its costs, as each month ends."""

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


def test_levies_cost_nothing(exercised: Exercised) -> None:
    """A month's costs are the platform's share of a fifth of the rewards, while it takes a good deal more."""
    model, months = ClickWorkModel(market()), Months()
    model.observers.append(months)
    model.run()
    first, *later = months.rows
    for revenue, share, rewards, ppm in later:
        own = share / ppm * 1e6
        assert revenue > 1.2 * own
        assert own == pytest.approx(0.2 * rewards, rel=0.04), (
            "batches posted in the month before pay its levy"
        )
    revenue, share, rewards, ppm = first
    assert share == revenue * ppm // 1_000_000, "no levy yet: to the micro-dollar"
    exercised("months with a levy", len(later), at_least=2)


def test_costs_by_hand() -> None:
    """Of a million micro-dollars a levy of 10 % on rewards of three is 300 000; 35 % of the rest."""
    model = ClickWorkModel(tiny())
    assert parts_per_million(0.35) == int(model.platform_rows["cost_ppm"][0])
    model.platform_rows["balance"][0] = 1_000_000
    model.offices.month_rewards[0, 0] = 3_000_000
    assert model.books_of(0) == (1_000_000, 350_000)
    model.offices.levies[:, 0] = 0.06, 0.04
    assert model.books_of(0) == (1_000_000, 245_000)
    model.offices.levies[0, 0] = 9.0
    assert model.books_of(0) == (1_000_000, 0), "never less than nothing"
