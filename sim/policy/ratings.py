"""Ratings of requesters: what members of the union tell each other of who rejects their work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.numeric import power


class Ratings:
    """What is known of requesters, and who hears of it beside members.

    Attributes
    ----------
    tasks : float64 array (requesters, 2)
        Tasks of members that each requester accepted and rejected, since they have been shared; older ones
        count for less.
    informed : uint8 array (collectives,)
        Whether somebody in a collective is a member, who tells the others.
    """

    CHECKPOINTED = ("tasks", "informed")

    def __init__(self) -> None:
        self.tasks = np.zeros((1, 2))
        self.informed = np.zeros(1, np.uint8)

    def make_room(self, requesters: int, collectives: int) -> None:
        """Make room for so many requesters and collectives."""
        self.tasks = np.zeros((max(1, requesters), 2))
        self.informed = np.zeros(max(1, collectives), np.uint8)

    def fade(self, half_life_weeks: float) -> None:
        """Let a week pass: what is told loses half of its weight in so many weeks."""
        self.tasks *= power(0.5, 1.0 / half_life_weeks)

    def tell_collectives(self, members: NDArray[np.int64]) -> None:
        """Let those hear of ratings who work in a collective with ``members``."""
        self.informed[:] = members[: len(self.informed)] > 0
