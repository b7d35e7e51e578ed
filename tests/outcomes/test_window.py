"""Sums over the window are sums of the window: money of months cut at its ends, and whole weeks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.config import Config, Time
from sim.ledger import CAPITAL, PROFIT, SURPLUS
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder, netted
from tests.support.markets import tiny, varied

INTO, OUT_OF = ("requester_fee", "worker_fee", "forfeit", "capital"), ("platform_cost", "profit")


def recorded(config: Config) -> tuple[ClickWorkModel, Any]:
    """Return a run, ended as the command ends it, and its tables."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    return model, recorder.frames()


@pytest.mark.parametrize(
    ("warmup", "days"),
    [(0, 10), (9, 12), (20, 25), (25, 40)],
    ids=["no warm-up", "one month", "two", "three"],
)
def test_platforms_take_what_they_pay_out(warmup: int, days: int) -> None:
    """Fees and forfeits of the window are its costs and profits, wherever months begin and end."""
    for number in (3, 4):
        config = varied(number, days=days, workers=30)
        config = replace(config, time=replace(config.time, warmup_days=warmup, days=days, start="2019-01-07"))
        _, frames = recorded(config)
        sums = frames.flows.groupby("kind")["amount_microusd"].sum()
        assert sums["platform_cost"] > 0
        assert (frames.flows["amount_microusd"] > 0).all()
        taken, paid = sums.reindex(INTO).fillna(0).sum(), sums.reindex(OUT_OF).fillna(0).sum()
        assert taken == paid


def test_ending_a_run_leaves_the_ledger_sound() -> None:
    """After the end nothing is on the platforms, and all accounts still add up to nothing."""
    model, _ = recorded(tiny(days=5))
    assert int(model.platform_rows["balance"].sum()) == 0
    assert int(model.platform_rows["revenue"].sum()) > 0
    model.ledger.check()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])


def test_profit_that_turned_is_netted() -> None:
    """A month that lost what it had earned before the window shows capital, not negative profit."""
    model = ClickWorkModel(tiny())
    flows = np.zeros_like(model.ledger.flows)
    flows[PROFIT, 0, 0], flows[CAPITAL, 0, 0] = -70, 30
    flows[PROFIT, 1, 1], flows[CAPITAL, 1, 1] = 50, -20
    flows[SURPLUS, 0, 1], flows[CAPITAL, 0, 1] = -5, 0
    result = netted(flows)
    assert (result[PROFIT, 0, 0], result[CAPITAL, 0, 0]) == (0, 100)
    assert (result[PROFIT, 1, 1], result[CAPITAL, 1, 1]) == (70, 0)
    assert (result[SURPLUS, 0, 1], result[CAPITAL, 0, 1]) == (0, 5)


@pytest.mark.parametrize(
    ("start", "warmup", "days", "weeks"),
    [
        ("2019-01-07", 0, 22, 3), ("2019-01-07", 7, 15, 2), ("2019-01-09", 0, 13, 1),
        ("2019-01-07", 9, 20, 2), ("2019-01-07", 9, 6, 0),
    ],
)  # fmt: skip
def test_weeks_lie_wholly_inside_the_window(start: str, warmup: int, days: int, weeks: int) -> None:
    """From Monday to Sunday, and not what was earned before the window in its first week."""
    config = replace(tiny(), time=Time(start=start, warmup_days=warmup, days=days))
    model, frames = recorded(config)
    assert model.hour == 24 * (warmup + days)
    stayed = frames.workers[(frames.workers["left_day"] < 0) & (frames.workers["joined_day"] <= 0)]
    assert len(stayed) > 10
    assert (stayed["weeks"] == weeks).all()
