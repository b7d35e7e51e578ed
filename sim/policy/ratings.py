"""Ratings of requesters: what members of the union tell each other of who rejects their work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Ratings:
    """What is known of requesters, and who hears of it beside members.

    Attributes
    ----------
    tasks : int64 array (requesters, 2)
        Tasks of members that each requester accepted and rejected, as long as they have been shared.
    informed : uint8 array (collectives,)
        Whether somebody in a collective is a member, who tells the others.
    """

    CHECKPOINTED = ("tasks", "informed")

    def __init__(self) -> None:
        self.tasks = np.zeros((1, 2), np.int64)
        self.informed = np.zeros(1, np.uint8)

    def make_room(self, requesters: int, collectives: int) -> None:
        """Make room for so many requesters and collectives."""
        self.tasks = np.zeros((max(1, requesters), 2), np.int64)
        self.informed = np.zeros(max(1, collectives), np.uint8)

    def tell_collectives(self, members: NDArray[np.int64]) -> None:
        """Let those hear of ratings who work in a collective with ``members``."""
        self.informed[:] = members[: len(self.informed)] > 0
