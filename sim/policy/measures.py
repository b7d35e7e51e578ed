"""Measures: policies of a user's own, each a value for one rule of the market."""

from __future__ import annotations

from collections.abc import Iterator

from sim.instruments import PER_PLATFORM, Measure
from sim.policy.channels import BY_COUNTRY, UNFAIR, Contribution
from sim.world import World


def contributions(
    measure: Measure, strength: float, platforms: tuple[str, ...], world: World
) -> Iterator[Contribution]:
    """Yield the value of a measure for each platform, and country where it is one of a country, it covers."""
    if strength == 0.0 or measure.value is None:
        return
    # What remains of unfair rejections begins at all of them; everything else begins at nothing.
    value = 1.0 - strength * (1.0 - measure.value) if measure.rule == UNFAIR else strength * measure.value
    for number, name in enumerate(platforms):
        if not measure.covers(name):
            continue
        if measure.rule in PER_PLATFORM and measure.rule not in BY_COUNTRY:
            yield Contribution(measure.rule, number, value)
            continue
        for country, code in enumerate(world.codes):
            if measure.holds_in(code):
                yield Contribution(measure.rule, number, value, country)
