"""The wage floor: whose pay it holds up, and how high."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import UserError
from sim.instruments import WageFloor
from sim.policy.channels import WORKER_FLOOR, Contribution
from sim.world import World


def contributions(
    floor: WageFloor, strength: float, platforms: tuple[str, ...], world: World
) -> Iterator[Contribution]:
    """Yield the floor (USD an hour) of each platform and country that it covers."""
    for platform, name in enumerate(platforms):
        if not floor.covers(name):
            continue
        for country, code in enumerate(world.codes):
            if not floor.holds_in(code):
                continue
            level = floor.usd_per_hour
            if level is None:
                level = float(world.minimum_wage_usd[country])
            yield Contribution(WORKER_FLOOR, platform, strength * level, country)


def refuse_unknown_wages(floor: WageFloor, world: World) -> None:
    """Refuse a floor at legal minimum wages where the world has countries without one.

    Raises
    ------
    UserError
        Naming the first covered country whose minimum wage is not known.
    """
    if floor.usd_per_hour is not None:
        return
    for code, wage in zip(world.codes, world.minimum_wage_usd.tolist(), strict=True):
        if floor.holds_in(code) and wage <= 0:
            raise UserError(
                f"needs a minimum wage, and {code} has none in the country table.",
                path="policy.wage_floor.usd_per_hour",
                value=None,
                allowed="a number of USD an hour, or countries that have a minimum wage",
                nearest="policy.wage_floor.usd_per_hour=6",
            )
