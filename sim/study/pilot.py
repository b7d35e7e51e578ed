"""How long the runs of a sweep would take: a few are played, and others follow from their size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.agents.population import requester_count
from sim.config import Config
from sim.errors import UserError
from sim.study.points import Composer
from sim.study.sweep import sober

SCALING = ("workers.count", "requesters.count", "time.days", "time.warmup_days")
"""Settings with which a run's time grows."""

WORKERS_A_REQUESTER = 40
"""Workers that take as long as one requester, roughly (a convention)."""

PILOT_SECONDS = 3.0
"""What a pilot of more than the smallest run may take."""

PILOTS = 4
MOST_LOOKED_AT = 10_000
"""Points whose sizes are looked at, and runs that are played to know about others."""

TINY = 1e-6

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Play = Callable[[Config], float]
"""Plays a configuration and returns the seconds that it took."""


class Expected(NamedTuple):
    """Seconds of the runs asked about: the least, the most, all together; and from what this is known."""

    least: float
    most: float
    total: float
    told: str


def size_of(config: Config) -> float:
    """Return what a run's time grows with: workers (and requesters, as workers) times days."""
    agents = config.workers.count + WORKERS_A_REQUESTER * requester_count(config)
    return float(agents * (config.time.days + config.time.warmup_days))


def expected(composer: Composer, points: Ints, counts: Ints, play: Play) -> Expected:
    """Play a few runs and return how long all take: of each point so many as its count says."""
    varied = {composer.study.axes[place].path for place in composer.single}
    if not composer.groups and not varied.intersection(SCALING):
        return _alike(composer, points, counts, play)
    looked = np.unique(np.linspace(0, len(points) - 1, MOST_LOOKED_AT).astype(int))
    sizes = np.array([size_of(composer.config_of_point(point)) for point in points[looked].tolist()])
    if not np.ptp(sizes):
        return _alike(composer, points, counts, play)
    ends = points[looked[[sizes.argmin(), sizes.argmax()]]].tolist()
    small, large = (sober(composer.config_of_point(point)) for point in ends)
    known = [(size_of(small), play(small))]
    while len(known) < PILOTS and known[-1][1] < PILOT_SECONDS / 2 and known[-1][0] < size_of(large):
        size, seconds = known[-1]
        larger = shrunk(large, size * PILOT_SECONDS / max(seconds, TINY))
        if size_of(larger) <= size:
            break
        with contextlib.suppress(UserError):  # settings may not fit so small a market
            known.append((size_of(larger), play(larger)))
        if known[-1][0] == size:
            break
    each = _by_size(sizes, known)
    told = (
        "as the smallest and the largest point take here"
        if known[-1][0] >= size_of(large)
        else "reckoned by workers and days from shorter runs here"
    )
    total = float(each @ counts[looked]) * counts.sum() / counts[looked].sum()
    return Expected(float(each.min()), float(each.max()), total, told)


def _alike(composer: Composer, points: Ints, counts: Ints, play: Play) -> Expected:
    seconds = play(sober(composer.config_of_point(int(points[0]))))
    return Expected(seconds, seconds, seconds * float(counts.sum()), "as the first point takes here")


def _by_size(sizes: Floats, known: Sequence[tuple[float, float]]) -> Floats:
    """Return seconds that grow with size as from the smallest run known to the largest; never less."""
    (low, least), (high, most) = known[0], known[-1]
    slope = max(0.0, most - least) / (high - low) if high > low else least / low
    return least + slope * (sizes - low)


def shrunk(config: Config, size: float) -> Config:
    """Return a configuration of about a size at most: itself, or one of fewer days and fewer agents."""
    share = size / size_of(config)
    if share >= 1:
        return config
    whole = config.time.days + config.time.warmup_days
    days = max(1, int(whole * share))
    less = min(1.0, share * whole / days)
    return replace(
        config,
        time=replace(config.time, warmup_days=0, days=days),
        workers=replace(config.workers, count=max(1, int(config.workers.count * less))),
        requesters=replace(config.requesters, count=max(1, int(requester_count(config) * less))),
    )
