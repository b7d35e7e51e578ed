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
        ("unfair", "f8"),
        ("shifts", "f8"),
        ("strike_until", "i8"),
    ]
)
"""Millionths of a reward withheld beside the fee; log USD an hour below which members refuse, and the factor
on their errors; the factor on unfair rejections; share of sessions that get a shift; hour at which a strike
ends."""

NO_REFUSAL = 1e-9
"""USD an hour below which nobody asks less anyway."""


def make_terms(channels: Channels, fees_ppm: NDArray[np.int64], most_ppm: int) -> Records:
    """Return the terms by platform and country; whatever is withheld, fees end at ``most_ppm`` together."""
    terms = np.zeros(channels.withheld.shape, TERMS)
    room = np.maximum(0, most_ppm - np.asarray(fees_ppm, np.int64))[:, None]
    terms["withheld_ppm"] = np.minimum(np.floor(channels.withheld * 1e6 + 0.5), room)
    terms["log_refusal"] = [[log(max(NO_REFUSAL, float(usd))) for usd in row] for row in channels.refusal]
    terms["noise"], terms["unfair"], terms["shifts"] = channels.noise, channels.unfair, channels.shifts
    return terms
