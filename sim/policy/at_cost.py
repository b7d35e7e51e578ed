"""What platforms cost: a fee that is no more than that."""

from __future__ import annotations

import numpy as np

MONTHS = 12
"""Months that are remembered."""


class Costs:
    """Costs and rewards of each platform in past months, in micro-dollars; the last month comes first."""

    def __init__(self, platforms: int) -> None:
        self.costs = np.zeros((platforms, MONTHS), np.int64)
        self.rewards = np.zeros((platforms, MONTHS), np.int64)

    def note(self, platform: int, cost: int, rewards: int) -> None:
        """Note a month."""
        for past, amount in ((self.costs, cost), (self.rewards, rewards)):
            past[platform, 1:] = past[platform, :-1].copy()
            past[platform, 0] = amount

    def share(self, platform: int, months: int) -> float | None:
        """Cost over rewards of some past months; None where nobody was paid."""
        return cost_share(
            int(self.costs[platform, :months].sum()), int(self.rewards[platform, :months].sum())
        )


def cost_share(cost: int, rewards: int) -> float | None:
    """Cost as a share of rewards; None where nobody was paid."""
    return cost / rewards if rewards else None


def on_the_way(own: float, fee: float, way: float) -> float:
    """Fee of which the share ``way`` of the gap from a platform's own fee down to another is closed."""
    return fee + (1.0 - way) * max(0.0, own - fee)


def requesters_part(fee: float, worker_fee: float) -> float:
    """What is left of a fee for requesters where workers pay a part of it."""
    return max(0.0, fee - worker_fee)
