"""Where a reform holds and where it does not: the workers of each side apart, so that spillovers are seen.

A reform is made of the instruments that a scenario has otherwise than the baseline. Where they leave out
countries, or platforms, what changes there is what spills over: through boards that both sides share, through
platforms and requesters that are on both. Workers count by their country, and by the platform they worked on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pandas as pd

from sim.config import Config
from sim.instruments import Cooperative, Instrument
from sim.money import MICRO
from sim.outcomes.indicators import WORKING
from sim.policy.reach import is_of_platforms
from sim.world import World

PLACES, TASKS = "places", "tasks_handed_in"
COVERED, OTHER = "covered", "other"
GROUPS = {part: (f"{COVERED} {part}", f"{OTHER} {part}") for part in ("countries", "platforms")}
"""Names of the groups of workers, those covered and the others, by what a reform is bounded to."""

MEASURES = ("pay_all_in_pooled", "working_hours", "net_pay", TASKS)
"""What is told of each group, the first two in USD an hour and in hours."""

Amounts = dict[tuple[str, str], int]


class Bounds(NamedTuple):
    """Countries (codes) and platforms with paid work in which a reform holds; None where all are or none."""

    countries: frozenset[str] | None
    platforms: frozenset[str] | None


def by_place(series: pd.DataFrame) -> Amounts:
    """Return seconds of work, micro-dollars of net pay and tasks by (measure, country and platform)."""
    table = pd.DataFrame(
        {
            "place": series["country"].astype(str) + " " + series["platform"].astype(str),
            "seconds": series[list(WORKING)].sum(axis=1),
            "pay": series["pay_microusd"],
            "tasks": series["tasks_accepted"] + series["tasks_rejected"],
        }
    )
    sums = table.groupby("place").sum()
    return {
        (str(measure), str(place)): int(amount)
        for measure in sums
        for place, amount in sums[measure].items()
        if amount
    }


def bounds(config: Config, baseline: Config, world: World, idle: Collection[str] = ()) -> Bounds:
    """Return where the instruments hold that a scenario has otherwise than the baseline, ``idle`` ones aside.

    What a cooperative rules (fee, floor, order) holds for everybody on its platforms, whatever countries its
    members are of; so does a measure about a whole platform.
    """
    countries, platforms = set[str](), set[str]()
    ours, theirs = config.policy.chosen(), baseline.policy.chosen()
    for of, chosen, other in ((config, ours, theirs), (baseline, theirs, ours)):
        for name, instrument in chosen.items():
            if instrument == other.get(name) or name in idle:
                continue
            covered = of.covered_by(instrument)
            whole = rules_whole_platforms(instrument)
            platforms |= set(covered)
            countries |= {
                str(code) for code in world.codes if covered and (whole or instrument.holds_in(str(code)))
            }
    paid = {name for of in (config, baseline) for name, one in of.platforms.items() if one.family != "social"}
    platforms &= paid
    return Bounds(
        frozenset(countries) if 0 < len(countries) < len(world.codes) else None,
        frozenset(platforms) if 0 < len(platforms) < len(paid) else None,
    )


def rules_whole_platforms(instrument: Instrument) -> bool:
    """Whether what it rules is felt by all on its platforms; countries of a cooperative are its members'."""
    return isinstance(instrument, Cooperative) or is_of_platforms(instrument)


def told_apart(amounts: Amounts, within: Bounds) -> Iterator[tuple[str, str, float]]:
    """Yield (metric, group, value) of the workers of each side of a reform; none where there is one side."""
    for part, inside, side in (("countries", within.countries, 0), ("platforms", within.platforms, 1)):
        if inside is None:
            continue
        for group, wanted in zip(GROUPS[part], (True, False), strict=True):
            sums = dict.fromkeys(("seconds", "pay", "tasks"), 0)
            for (measure, place), amount in amounts.items():
                if (place.split(" ", 1)[side] in inside) == wanted:
                    sums[measure] += amount
            hours, usd = sums["seconds"] / 3600, sums["pay"] / MICRO
            if hours > 0:
                yield MEASURES[0], group, usd / hours
            yield from zip(MEASURES[1:], (group,) * 3, (hours, usd, float(sums["tasks"])), strict=True)
