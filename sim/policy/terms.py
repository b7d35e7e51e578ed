"""On what terms the workers of a country work on a platform: what the market reads of the channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.columns import Records, records
from sim.numeric import log
from sim.policy.channels import Channels

TERMS = records(
    [
        ("withheld_ppm", "i8"),
        ("log_refusal", "f8"),
        ("noise", "f8"),
        ("ratings", "f8"),
        ("unfair", "f8"),
        ("shifts", "f8"),
        ("strike_until", "i8"),
    ]
)
"""Millionths of a reward withheld beside the fee; log USD an hour, after the fee, below which members refuse,
and the factor on their errors; whether (above 0) they share ratings; factor on unfair rejections; share of
sessions that get a shift; hour at which a strike ends."""

NO_REFUSAL = 1e-9
"""USD an hour below which nobody asks less anyway."""


def make_terms(channels: Channels, fees_ppm: NDArray[np.int64], most_ppm: int) -> Records:
    """Return the terms by platform and country; whatever is withheld, fees end at ``most_ppm`` together."""
    terms = np.zeros(channels.withheld.shape, TERMS)
    room = np.maximum(0, most_ppm - np.asarray(fees_ppm, np.int64))[:, None]
    terms["withheld_ppm"] = np.minimum(np.floor(channels.withheld * 1e6 + 0.5), room)
    # Whoever is paid for waiting would only wait at that wage: pieces are no longer what is bargained over.
    gross = np.where(channels.paid_waiting > 0.0, 0.0, channels.refusal)
    net = gross * (1.0 - np.asarray(fees_ppm, np.float64)[:, None] / 1e6)
    terms["log_refusal"] = [[log(max(NO_REFUSAL, usd)) for usd in row] for row in net.tolist()]
    for name in ("noise", "ratings", "unfair", "shifts"):
        terms[name] = getattr(channels, name)
    return terms


def least_rewards(channels: Channels, terms: Records) -> NDArray[np.float64]:
    """Return the USD of reward an hour that floors and employers' costs ask, by platform and country.

    A floor is a gross wage, so what is withheld beside the fee comes on top of it; and so for what platforms
    promise to all, where something is withheld.
    """
    kept = 1.0 - terms["withheld_ppm"] / 1e6
    promised = np.where(kept < 1.0, channels.reward_floor[:, None] / kept, 0.0)
    floors = np.maximum(channels.worker_floor / kept, promised)
    return np.asarray(np.maximum(floors, channels.labour_cost), np.float64)
