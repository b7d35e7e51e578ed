"""What is kept of a union and of employment by platforms: rows of the tables `unions` and `employment`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.policy.union import GRIEVANCE, MEMBERS, PRESENT

CLOSED = (
    "duty_seconds",
    "paid_seconds",
    "refused_seconds",
    "pay_microusd",
    "withheld_microusd",
    "shift_pay_microusd",
    "contributions_microusd",
)
Columns = dict[str, NDArray[Any]]


def union_rows(model: Any) -> Columns:
    """Workers and members of a day on which they were counted, by platform and country; else nothing."""
    unions = model.offices.unions
    if unions is None or int(unions.counted[0]) // 24 != model.hour // 24 - 1:
        return {}
    hour = model.hour - 1
    p, c = np.nonzero(unions.covered & (unions.found[..., PRESENT] > 0) & model.offices.organises(hour))
    found = unions.found[p, c]
    floor = unions.agreed(model.offices.share_of("union", hour))[p, c]
    return {
        "day": np.full(len(p), model.hour // 24 - 1, np.int32),
        "platform": p,
        "country": c,
        "workers": found[:, PRESENT],
        "members": found[:, MEMBERS],
        "grievance": found[:, GRIEVANCE] / 1e6 / np.maximum(found[:, MEMBERS], 1),
        "on_strike": unions.strike_until[p] > hour,
        "agreed_usd_per_hour": floor,
    }


def employment_rows(model: Any, period: str) -> Columns:
    """Time, pay and quotes of the month that has just been closed, by platform and country."""
    employment = model.offices.employment
    if employment is None or not model.offices.employs(model.hour - 1):
        return {}
    p, c = np.nonzero(employment.covered & employment.closed.any(axis=-1))
    closed = employment.closed[p, c]
    # Where the law ends, what the last month would have quoted.
    before, now = (model.offices.share_of("reclassification", model.hour - hours) for hours in (1, 0))
    strength = now or before
    return {
        "period": np.full(len(p), period, object),
        "platform": p,
        "country": c,
        **{name: closed[:, column] for column, name in enumerate(CLOSED)},
        "quoted_usd_per_hour": np.array(
            [employment.quote(*place, strength) for place in zip(p, c, strict=True)]
        ),
        "shifts_opened": employment.opened[p, c],
    }


def shift_pay_of(model: Any) -> NDArray[np.int64]:
    """Micro-dollars that each of the first workers was paid for time as the month was closed."""
    return np.asarray(model.offices.paid_time.last_paid, np.int64)
