"""Whom an instrument could concern: the people of the platforms and countries that it covers."""

from __future__ import annotations

import numpy as np

from sim.agents.audience import served
from sim.agents.population import admitted, origins
from sim.config import Config
from sim.instruments import (
    PER_PLATFORM,
    Commons,
    Cooperative,
    Instrument,
    Levy,
    Measure,
    ProfitTax,
    Programme,
    UniversalIncome,
)
from sim.world import World

WORKERS, REQUESTERS, USERS, OWNERS = "worker", "requester", "user", "owner"
RESIDENTS = "resident"
USING = WORKERS, REQUESTERS, USERS
RECEIVING = {"residents": (RESIDENTS,), "users": (WORKERS, USERS), "workers": (WORKERS,)}
"""Who gives an income from outside somebody to pay."""


def concerned(instrument: Instrument) -> tuple[str, ...]:
    """Return who gives an instrument something to act on: of its platforms, in its countries."""
    match instrument:
        case Levy() | Commons():
            return USING
        case Programme() if not is_external(instrument):  # what a treasury collects, however few receive it
            return OWNERS, *USING
        case ProfitTax():
            return (OWNERS,) if instrument.attribution == "residence" else (OWNERS, *USING)
        case UniversalIncome():
            return RECEIVING[instrument.recipients]
        case _:
            return (WORKERS,)


def is_external(instrument: Instrument) -> bool:
    """Whether it is an income for which no tax pays, so that only who receives it makes it one."""
    return isinstance(instrument, UniversalIncome) and instrument.funding == "external"


def is_of_platforms(instrument: Instrument) -> bool:
    """Whether it rules something of its platforms that holds whatever countries it names."""
    return isinstance(instrument, Measure) and instrument.rule in PER_PLATFORM


def platforms_there(config: Config, founding: bool) -> list[str]:
    """Return the platforms that are open; if a cooperative comes about, those that it founds too."""
    founded = config.policy.cooperative.platforms if founding and config.policy.cooperative else []
    return [name for name, platform in config.platforms.items() if not platform.closed or name in founded]


def reaches_anybody(instrument: Instrument, config: Config, world: World, there: list[str]) -> bool:
    """Whether an instrument covers somebody: on a platform that is there, in a country where it has people.

    Where not, no run can tell it from its absence. Where it does, it may still come to nothing by chance.
    """
    of_treasuries = isinstance(instrument, Programme) and not is_external(instrument)
    covered = there if of_treasuries else [name for name in config.covered_by(instrument) if name in there]
    places: dict[str, dict[str, list[int]]] = {
        WORKERS: _coming(config, world, "worker"),
        REQUESTERS: _coming(config, world, "requester"),
        USERS: {name: _served(config, world, name) for name in covered},
        OWNERS: {name: [world.codes.index(config.platforms[name].owner)] for name in covered},
        RESIDENTS: {name: list(range(len(world.codes))) for name in covered},
    }
    peopled = [name for name in covered if any(places[kind][name] for kind in USING)]
    return any(
        is_of_platforms(instrument) or instrument.holds_in(world.codes[country])
        for kind in concerned(instrument)
        for name in peopled
        for country in places[kind][name]
    )


def with_members(terms: Cooperative, config: Config, world: World) -> list[str]:
    """Return the platforms of a cooperative on which somebody could be a member: workers of its countries.

    What nobody owns goes on as it was.
    """
    if terms.countries is None:
        return terms.platforms
    come = _coming(config, world, "worker")
    return [name for name in terms.platforms if any(terms.holds_in(world.codes[c]) for c in come[name])]


def _coming(config: Config, world: World, side: str) -> dict[str, list[int]]:
    """Countries that each platform admits workers or requesters of, and from which some come at all."""
    table = origins(config, world, side)
    come = set(table["country"][np.diff(table["cumulative"], prepend=0.0) > 0.0].tolist())
    return {name: [c for c in inside if c in come] for name, inside in admitted(config, world, side).items()}


def _served(config: Config, world: World, name: str) -> list[int]:
    platform = config.platforms[name]
    return served(name, platform, world) if platform.family == "social" else []
