"""On how few requesters, workers and seeds the estimates of a comparison rest, and the sentence that says so.

An interval over seeds shows luck from one seed to the next. It does not show that a market of few is another
market than one of many: the sizes of requesters have a heavy tail, and under the default sizes 24 of them
count for as much as 16 of one size, 100 as 23, 600 as 38 (one over the sum of squared shares, mean of eight
seeds).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.model import ClickWorkModel
from sim.outcomes.indicators import LEAST_WORKERS
from sim.study.analysis import LEAST_SEEDS
from sim.study.measure import WORLD

LEAST_REQUESTERS = 100
"""Requesters below which a market, or a group of countries in it, is said to have few."""

GROUPS_NAMED = 2
COUNTED = "workers_active"


def requesters_by_group(model: ClickWorkModel) -> dict[str, int]:
    """Return how many requesters the world and each group of countries has."""
    groups = np.asarray(model.world.group)[model.requester_rows["country"]]
    counts = {str(group): int((groups == group).sum()) for group in sorted(set(model.world.group))}
    return {WORLD: len(groups), **counts}


def fewest(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the smaller of two counts for every name that either has."""
    return {name: min(one.get(name, count), count) for name, count in {**one, **other}.items()}


def samples(runs: pd.DataFrame, requesters: Mapping[str, int], seeds: int) -> dict[str, Any]:
    """Return what the manifest says of samples; ``runs`` are the pairs of a comparison.

    ``workers`` of a group are those who came on duty, the fewest of all its runs. ``requesters`` stand there
    for the world and groups of countries; groups of workers work for all of the world's.
    """
    counted = runs[runs["metric"] == COUNTED].groupby("group", sort=False)[["baseline", "value"]].min()
    workers = {str(group): int(fewest) for group, fewest in counted.min(axis=1).items()}
    groups: dict[str, dict[str, int]] = {}
    for group in dict.fromkeys([*requesters, *workers]):
        sizes = {"workers": workers.get(group), "requesters": requesters.get(group)}
        groups[group] = {name: size for name, size in sizes.items() if size is not None}
    least = {"workers": LEAST_WORKERS, "requesters": LEAST_REQUESTERS, "seeds": LEAST_SEEDS}
    return {"least": least, "seeds": seeds, "groups": groups, "caution": caution(groups, seeds)}


def caution(groups: Mapping[str, Mapping[str, int]], seeds: int) -> str:
    """Return one sentence that says what is few, and what intervals do not show then; empty if nothing is."""
    world = groups.get(WORLD, {})
    few = [few_seeds(seeds)] if seeds < LEAST_SEEDS else []
    for what, least in (("requesters", LEAST_REQUESTERS), ("workers", LEAST_WORKERS)):
        where = [name for name, sizes in groups.items() if sizes.get(what, least) < least]
        if world.get(what, least) < least:
            few.append(f"{world[what]:,} {what} (fewer than {least})")
        elif where:
            more = len(where) - GROUPS_NAMED
            named = [*where[:GROUPS_NAMED], *([f"{more} more groups"] if more > 0 else [])]
            few.append(
                f"fewer than {least} {what} in {', '.join(named[:-1])}{' and ' * (len(named) > 1)}{named[-1]}"
            )
    if not few:
        return ""
    return (
        f"Caution: this rests on {'; '.join(few)}. Intervals show luck between seeds, not how a market of so"
        " few differs from a large one."
    )


def few_seeds(seeds: int) -> str:
    """Say that there are few seeds."""
    return f"{seeds} seed{'s' * (seeds != 1)} (fewer than {LEAST_SEEDS})"
