"""What the kind of a platform settles: where work is done, who reviews it, who may come.

Microwork is the rule. Local jobs are done where the customer is, so each country has boards of its own, and
customers are people like each other, as many as a country has internet users. Buyers of clicks review nothing
and ask for no record: what is found to be fake is taken down by others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.config import Config
from sim.world import World


class Family(NamedTuple):
    """Whether work is local, requesters ask for a record and review, and everybody may come unasked."""

    local: bool = False
    asks_record: bool = True
    reviews: bool = True
    open_to_all: bool = True


FAMILIES = {
    "microwork": Family(),
    "on_demand": Family(local=True, asks_record=False, open_to_all=False),
    "click_farm": Family(asks_record=False, reviews=False, open_to_all=False),
    "social": Family(open_to_all=False),
}


def family_of(config: Config, name: str) -> Family:
    """Return what the kind of a platform settles."""
    return FAMILIES[config.platforms[name].family]


def pool_weights(config: Config, world: World, name: str, side: str) -> NDArray[np.float64]:
    """Weights of the countries in a platform's own pool of workers or requesters (``side``)."""
    if family_of(config, name).local:
        users: NDArray[np.float64] = world.population * world.internet_share
        return users
    return world.worker_share if side == "worker" else world.requester_share


def daily_life(config: Config) -> NDArray[np.float64]:
    """Share of a day's jobs that each hour brings where people post as they live: [local weekday, hour]."""
    settings = config.requesters
    hours = np.array(settings.daily_life_hours, np.float64)
    total = 0.0
    for weight in settings.daily_life_hours:
        total += weight
    return np.array(settings.daily_life_weekdays, np.float64)[:, None] * (hours / total)[None, :]


def as_they_come(posting_hours: str, draw: float, share: float) -> bool:
    """Whether a requester posts at all hours: where all do, or by a draw where most keep office hours."""
    return posting_hours == "always" or (posting_hours == "office" and draw < share)
