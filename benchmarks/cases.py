"""The markets that are measured, and a hash of what a run computed."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from sim.composition import compose, conf_folder, group_options
from sim.config import Config

WORLDS = ("global", "mturk_2015")
"""The main job's world of 46 countries and four platforms, and the reference configuration with one."""

DAY = 24

EXCLUDED = ("none", "conditional_income")
"""Policies that cannot stand beside all others: nothing, and a second income."""

EVERYTHING = (
    "policy.usage_tax.usd_per_user_month=0.02",
    "policy.usage_tax.to_requesters=0.5",
    "policy.turnover_tax.to_workers=0.5",
    "policy.profit_tax.attribution=users",
    "policy.universal_income.pool=global",
    "policy.wage_floor.usd_per_hour=0.1",
)
"""Settings with which all policies stand together and act.

Rates are low: a market with less work in it would be quicker for that reason.
"""


def market(world: str, workers: int, *settings: str) -> Config:
    """Return the configuration of a market that is recorded from its first hour."""
    return compose([f"world={world}", f"workers.count={workers}", "time.warmup_days=0", *settings])


BEYOND = {"global": ("platforms=all_families", "ai=growing"), "mturk_2015": ("ai=growing",)}
"""What else there is in a world: families of platforms, of which only the one has all, and intelligence."""


def everything_on(world: str) -> tuple[str, ...]:
    """Return the settings of a market with all that there is in a world, and every policy that can be."""
    policies = [name for name in group_options(conf_folder())["policy"] if name not in EXCLUDED]
    return (f"policy=[{','.join(policies)}]", *EVERYTHING, *BEYOND[world])


def digest(model: Any) -> str:
    """Return a hash of every worker, requester, platform and account, and of the batches on the boards."""
    total = hashlib.sha256()
    for rows in (model.worker_rows, model.history_rows, model.requester_rows, model.platform_rows):
        for name in rows.dtype.names:
            total.update(np.ascontiguousarray(rows[name]).tobytes())
    total.update(model.ledger.totals.tobytes())
    total.update(model.ledger.flows.tobytes())
    for board in model.boards:
        total.update(board.state.tobytes())
        total.update(np.ascontiguousarray(board.batches["accepted"]).tobytes())
    return total.hexdigest()
