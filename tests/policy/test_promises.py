"""What a platform promises its workers reaches them, whatever fees are on them or is withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.config import Config
from sim.instruments import Policies, Reclassification, UsageTax
from sim.model import ClickWorkModel
from sim.policy import terms
from sim.policy.channels import REWARD_FLOOR, WITHHELD, Contribution, fold
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.planting import planted

PROMISE = 5.0


def promising(policy: Policies, worker_fee: float = 0.0) -> Config:
    base = tiny(days=70, workers=40, requesters=10, policy=policy)
    one = replace(base.platforms["microwork"], reward_promise_usd_per_hour=PROMISE, worker_fee=worker_fee)
    return replace(base, platforms={"microwork": one})


class Posted:
    """Keeps the lowest pay after the fee, an hour of stated time, of work as it is posted."""

    def __init__(self) -> None:
        self.lowest, self.count, self.fees = np.inf, 0, set[int]()

    def hour(self, model: Any) -> None:
        fee = int(model.platform_rows["worker_fee_ppm"][0])
        for board in model.boards:
            new = board.batches[(board.batches["open"] > 0) & (board.batches["posted_hour"] == model.hour)]
            usd = new["reward"] / 1e6 * 3600.0 / np.maximum(new["estimated_seconds"], 1) * (1.0 - fee / 1e6)
            self.lowest, self.count = min(self.lowest, usd.min(initial=np.inf)), self.count + len(new)
            self.fees.add(fee)

    def day(self, model: Any) -> None:
        pass

    def month(self, model: Any, period: str, flows: Any) -> None:
        pass


@pytest.mark.parametrize("levied", [False, True])
def test_promises_are_kept_after_fees(levied: bool, exercised: Exercised) -> None:
    tax = UsageTax(usd_per_user_month=2.0, to_workers=1.0, exit_months=0)
    model, seen = ClickWorkModel(promising(Policies(usage_tax=tax) if levied else Policies(), 0.1)), Posted()
    model.observers.append(seen)
    model.run()
    assert seen.lowest >= PROMISE * (1.0 - 1e-9), seen.lowest
    assert (max(seen.fees) > 100_000) == levied
    exercised("batches", seen.count, at_least=50)


def check_withheld(module: Any) -> None:
    """A promise is 5 USD, of which a fifth is withheld in one country: rewards there are at least 6.25."""
    channels = fold(1, 2, [Contribution(REWARD_FLOOR, 0, PROMISE), Contribution(WITHHELD, 0, 0.2, 1)])
    found = module.least_rewards(channels, module.make_terms(channels, [0], 990_000))
    assert found.tolist() == [[0.0, PROMISE / 0.8]]


def test_promises_come_on_top_of_what_is_withheld() -> None:
    model = ClickWorkModel(promising(Policies(reclassification=Reclassification(start="2019-01-01"))))
    model.run()
    kept = 1.0 - model.terms["withheld_ppm"][0] / 1e6
    assert (kept < 1.0).any() and (model.floors[0] * kept >= PROMISE * (kept < 1.0) * (1.0 - 1e-12)).all()


@pytest.mark.parametrize(
    ("old", "new"), [("channels.reward_floor[:, None] / kept", "0.0 * kept"), ("kept < 1.0", "kept > 0.0")]
)
def test_planted_bugs_are_noticed(old: str, new: str) -> None:
    with pytest.raises(AssertionError):
        check_withheld(planted(terms, old, new))
