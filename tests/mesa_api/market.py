"""The market of these tests: small, and so restless that a fortnight has everything."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from sim.agents.worker import Worker
from sim.config import Compute, Config, Platform
from sim.model import ClickWorkModel
from tests.support.markets import tiny

WEEK = 24 * 7


def lively(days: int = 15, workers: int = 100, **changes: Any) -> Config:
    """Two platforms, one of them for the South only; people work much, join, leave and move every week."""
    base = tiny(days=days, workers=workers, requesters=8)
    segments = {
        name: replace(one, desired_hours_median=50.0, collective_size=5 if name == "first_income" else 0)
        for name, one in base.segments.items()
    }
    config = replace(
        base,
        segments=segments,
        requesters=replace(
            base.requesters,
            pay_minimum_tasks=1,
            size_log_sigma=0.5,
            multihome_share=0.5,
            pay_usd_per_hour=4.0,
        ),
        platforms={
            "microwork": Platform(owner="NTH", payout_threshold_usd=0.5, payout_days=3),
            "southern": Platform(owner="STH", worker_countries=["STH"], worker_fee=0.05),
        },
        learning=replace(
            base.learning, leave_weeks=1, outside_shock_sigma=1.0, join_rate=0.05, switch_share=0.8
        ),
        compute=Compute(debug=True),
    )
    return replace(config, **changes)


def played(hours: int, **changes: Any) -> ClickWorkModel:
    """Return a fresh lively market after some hours."""
    model = ClickWorkModel(lively(**changes))
    model.run(hours)
    return model


@cache
def looked_at(hours: int = WEEK + 12) -> ClickWorkModel:
    """Return the same lively market after some hours to all who only look at it."""
    return played(hours)


def on_duty(model: ClickWorkModel) -> dict[int, int]:
    """Tile of the board on which each worker (by row) will have time in the coming hour."""
    return {
        int(entry["row"]): board.tile
        for board in model.boards
        for entry in board.active[: int(board.state[5])]
        if 60 * int(entry["minutes"]) > 3600 * (model.hour - int(entry["start_hour"]))
    }


def workers_of(model: ClickWorkModel) -> list[Worker]:
    """Agents of all workers."""
    return [agent for agent in model.agents if isinstance(agent, Worker)]
