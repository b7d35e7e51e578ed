"""At night: names of agents mean nothing, and twice the market is the same market twice.

Both are statements about distributions. A difference is refused at one in a million, and sameness is shown by
two one-sided tests with a margin of one per cent of the mean (three where it says so).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.agents.population import Population
from sim.config import Config
from sim.market import board as boards
from tests.conftest import Exercised
from tests.support.markets import population_of, run, tiny
from tests.support.observers import Watcher

FIGURES = ("tasks accepted", "pay", "paid seconds", "search seconds", "assignments posted")


class Totals(Watcher):
    """Sums over a run, of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.sums = np.zeros(len(FIGURES))

    def day(self, model: Any) -> None:
        """Add the day."""
        for board in model.boards:
            tally = board.tally.sum(axis=(0, 1))
            posted = board.demands.sum(axis=(0, 1))[boards.POSTED]
            self.sums += [*tally[[boards.ACCEPTED, boards.PAY, boards.PAID, boards.SEARCH]], posted]


def totals(config: Config, population: Population) -> Any:
    """Return the sums of a run."""
    watcher = Totals()
    run(config, population=population, observers=(watcher,))
    return watcher.sums


def market(seed: int, workers: int) -> Config:
    """Return a market without large lumps of demand, whose workers see a fair sample of the board."""
    base = tiny(days=4, workers=workers, requesters=workers // 20, table="six_regions", seed=seed)
    # The mean position looked at in a ranked list does not grow with the list, so that a larger board is
    # searched less; only the order of chance keeps its meaning.
    platform = replace(
        base.platforms["microwork"],
        ranking_newest=0.0,
        ranking_largest=0.0,
        ranking_best_paid=0.0,
        ranking_random=1.0,
    )
    return replace(
        base,
        requesters=replace(base.requesters, size_log_sigma=0.0),
        platforms={"microwork": platform},
        task_types={name: replace(task, largest_batch=50) for name, task in base.task_types.items()},
    )


def same_means(differences: Any, scale: Any, margin: float) -> None:
    """Two one-sided tests: the mean is within the margin, and not away from zero at one in a million."""
    count = len(differences)
    error = differences.std(axis=0, ddof=1) / math.sqrt(count)
    mean = differences.mean(axis=0)
    away = 2.0 * stats.t.sf(np.abs(mean) / error, count - 1)
    assert (away > 1e-6).all(), f"p = {away} for {FIGURES}"
    inside = stats.t.sf((margin * scale - np.abs(mean)) / error, count - 1)
    assert (inside < 0.05).all(), (
        f"not shown to be within {margin:.0%}: p = {inside}, {mean / scale} of {FIGURES}"
    )


def renamed(population: Population, draw: Any) -> Population:
    """Give the agents each other's ids, and with them each other's draws; traits stay."""
    population.workers["number"] = draw.permutation(population.workers["number"])
    population.requesters["id"] = draw.permutation(population.requesters["id"])
    return population


def doubled(population: Population, config: Config) -> Population:
    """Give every agent a twin with an id of its own."""
    workers, requesters = population.workers.copy(), population.requesters.copy()
    workers["number"] += len(workers)
    requesters["id"] += len(requesters)
    return Population(
        np.concatenate([population.workers, workers]),
        population.collectives,
        np.concatenate([population.requesters, requesters]),
        np.concatenate([population.mixes, population.mixes]),
        2 * population.pools,
    )


@pytest.mark.nightly
def test_names_mean_nothing(exercised: Exercised) -> None:
    """Names mean nothing: two hundred seeds, the same people under other ids."""
    pairs = []
    for seed in range(200):
        config = market(seed, 1000)
        draw = np.random.default_rng(seed)
        pairs.append(
            (totals(config, population_of(config)), totals(config, renamed(population_of(config), draw)))
        )
    first, second = np.array(pairs).swapaxes(0, 1)
    same_means(second - first, first.mean(axis=0), 0.01)
    exercised("pairs", len(pairs), 200)


@pytest.mark.nightly
def test_twice_the_market(exercised: Exercised) -> None:
    """A market of 10,000 workers and one with their twins as well, per head; nearer for larger markets."""
    gaps = []
    for workers, seeds in ((1000, 100), (10_000, 40)):
        pairs = []
        for seed in range(seeds):
            config = market(seed, workers)
            population = population_of(config)
            twins = doubled(population_of(config), config)
            pairs.append((totals(config, population), totals(config, twins) / 2.0))
        first, second = np.array(pairs).swapaxes(0, 1)
        gaps.append(np.abs((second - first).mean(axis=0) / first.mean(axis=0)).max())
        same_means(second - first, first.mean(axis=0), 0.01 if workers == 10_000 else 0.03)
    assert gaps[1] < max(gaps[0], 0.005)
    exercised("pairs", 140, 140)
