"""The market where theory gives the answer: urns and balls, and Poisson arrivals over time zones."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from sim.config import Config, Market, Platform, Segment
from sim.market import board as boards
from sim.market.board import BATCH, LISTING
from sim.model import ClickWorkModel
from sim.schedule import search_and_work
from tests.support.markets import tiny

Counts = Counter[str]


# --- urns and balls ------------------------------------------------------------------------------


def urn_config(workers: int) -> Config:
    """Return a market in which each worker looks once, at any listing, and takes whatever it is."""
    anyone = Segment(
        share_north=1.0,
        share_south=1.0,
        reservation_ratio=0.001,
        interruption_women=0.0,
        interruption_men=0.0,
    )
    return tiny(
        days=1,
        workers=workers,
        segments={"anyone": anyone},
        platforms={
            "microwork": Platform(
                owner="NTH",
                ranking_newest=0.0,
                ranking_largest=0.0,
                ranking_best_paid=0.0,
                ranking_random=1.0,
            )
        },
        market=Market(
            looks=1,
            max_rounds=1,
            noise_sigma=0.0,
            noise_experienced_sigma=0.0,
            taste_sigma=0.0,
            return_ratio=0.0,
        ),
    )


def urn_board(model: ClickWorkModel, tasks: int) -> Any:
    """Put single-task batches on the model's board and all its workers on duty; return the board."""
    board = model.boards[0]
    listings, batches = np.zeros(tasks, LISTING), np.zeros(tasks, BATCH)
    listings["country_mask"], listings["log_stated_pay"], batches["log_true_pay"] = -1, 9.0, 9.0
    listings["left"] = listings["shown_left"] = listings["tasks"] = listings["true_seconds"] = 1
    batches["id"] = listings["rank_hash"] = np.arange(tasks)
    batches["tasks"] = batches["assignments"] = batches["assignments_per_task"] = batches["open"] = 1
    batches["first_taker"] = -1
    board.room_for_batches(tasks)
    boards.insert(
        0, np.array([[0, tasks]]), listings, batches, board.listings, board.batches, board.expires,
        board.changed, board.free, board.orders, board.keys, board.added, board.moved, board.moved_keys,
        board.other_slots, board.other_keys, board.scratch.bins,
        0, board.demands, board.state,
    )  # fmt: skip
    rows = model.worker_rows
    rows["look_seconds"] = 1
    board.room_for_active(len(rows))
    board.room_for_takers(len(rows))
    board.room_for_events(len(rows))
    entries = board.active[: len(rows)]
    entries["row"] = entries["id"] = np.arange(len(rows))
    entries["look_seconds"], entries["patience"], entries["trust"] = 1, 9, 1.0
    entries["duty"] = entries["left"] = 3600
    entries["country"] = rows["country"]
    board.state[boards.ACTIVE_COUNT] = len(rows)
    return board


def urns(workers: int, tasks: int, draws: int) -> tuple[float, Counts]:
    """Mean number of tasks filled in one round against V (1 - (1 - 1/V)^U); return how many SE apart."""
    model = ClickWorkModel(urn_config(workers))
    board = urn_board(model, tasks)
    names = ("listings", "batches", "orders", "keys", "takers", "free_takers", "table", "active", "exhausted")
    kept = {name: getattr(board, name).copy() for name in (*names, "state")}
    filled = np.zeros(draws)
    for draw in range(draws):
        for name, array in kept.items():
            getattr(board, name)[:] = array
        board.state[boards.LIVE] = workers
        model.hour = draw
        search_and_work(model)
        filled[draw] = board.state[boards.EVENTS]
    expected = tasks * (1.0 - (1.0 - 1.0 / tasks) ** workers)
    both_empty = tasks * (tasks - 1) * (1.0 - 2.0 / tasks) ** workers
    empty = tasks * (1.0 - 1.0 / tasks) ** workers
    variance = both_empty + empty - empty * empty
    if min(workers, tasks) == 1:
        assert (filled == 1.0).all(), f"{set(filled)} filled instead of 1 each time"
        return 0.0, Counter(draws=draws, filled=int(filled.sum()))
    apart = (float(filled.mean()) - expected) / math.sqrt(variance / draws)
    # The spread must be that of the urns as well: its standard error is about sqrt(2 / draws).
    spread = (float(filled.var(ddof=1)) / variance - 1.0) / math.sqrt(2.0 / draws)
    assert abs(apart) < 4.0, f"{filled.mean()} filled instead of {expected}: {apart:.1f} standard errors"
    assert abs(spread) < 6.0, f"variance {filled.var(ddof=1)} instead of {variance}"
    return apart, Counter(draws=draws, filled=int(filled.sum()))


def urn_ball(config: Config) -> Counts:
    """Urns and balls in a small size, for planted bugs."""
    return urns(40, 25, 60)[1]


# --- arrivals ------------------------------------------------------------------------------------


def arrivals_model(config: Config, rate: float = 24.0) -> ClickWorkModel:
    """Return a model whose requesters all post at a known daily rate."""
    model = ClickWorkModel(config)
    model.requester_rows["batches_per_day"] = rate
    return model


def expected_share(model: ClickWorkModel) -> Any:
    """Share of a day's batches that each requester posts in this hour, from local clocks: written anew."""
    config = model.config.requesters
    zones = model.requester_rows["zone"]
    shares = []
    for row in range(len(zones)):
        local = int(model.local_hours[model.utc_hour][zones[row]])
        weekday = int(model.local_weekdays[model.utc_hour][zones[row]])
        if model.requester_rows["always_on"][row]:
            shares.append(1.0 / 24.0)
            continue
        inside = (local - config.office_start) % 24 < config.office_hours
        weight = (1.0 if inside else config.night_weight) * config.weekday_weights[weekday]
        shares.append(weight / (config.office_hours + (24 - config.office_hours) * config.night_weight))
    return np.array(shares)


def arrivals(config: Config, rate: float = 24.0) -> tuple[dict[str, float], Counts]:
    """Batches arrive as a Poisson process with the local office hours of every zone.

    By hour of the week: the mean over requesters within 4 standard errors, the index of dispersion within 4,
    and over all hours two chi-square tests, of the means and of single counts, with p above 1e-6.
    """
    model = arrivals_model(config, rate)
    expected, counted = [], []
    for hour in range(24 * config.time.days):
        model.hour, model.utc_hour = hour, hour % 24
        if model.utc_hour == 0:
            model.begin_day(hour // 24)
        before = model.requester_rows["serial"].copy()
        model.new_batches()
        counted.append(model.requester_rows["serial"] - before)
        expected.append(rate * expected_share(model))
    means, counts = np.array(expected), np.array(counted).astype(float)
    by_hour = (counts.sum(axis=1) - means.sum(axis=1)) / np.sqrt(means.sum(axis=1))
    worst = float(np.abs(by_hour).max())
    p_means = float(stats.chi2.sf((by_hour**2).sum(), len(by_hour)))
    # Sum over requesters of (count - mean)^2 / mean has mean 1 each and variance 2 + 1 / mean.
    square = (counts - means) ** 2 / means
    dispersion = (square.sum(axis=1) - square.shape[1]) / np.sqrt((2.0 + 1.0 / means).sum(axis=1))
    p_spread = float(2.0 * stats.norm.sf(abs(dispersion.sum() / math.sqrt(len(dispersion)))))
    limit = stats.norm.isf(1e-6 / len(by_hour))
    assert worst < limit, f"an hour is {worst:.1f} standard errors from its mean"
    assert p_means > 1e-6, f"hourly means: p = {p_means}"
    assert p_spread > 1e-6, f"index of dispersion: p = {p_spread}, mean index {square.mean():.3f}"
    figures = {
        "worst hour": worst,
        "p of means": p_means,
        "p of spread": p_spread,
        "index": float(square.mean()),
    }
    return figures, Counter(
        batches=int(counts.sum()), hours=len(counts), zones=len(np.unique(model.requester_rows["zone"]))
    )


def poisson_arrivals(config: Config) -> Counts:
    """Arrivals in a small size, for planted bugs."""
    return arrivals(tiny(days=7, workers=5, requesters=30, table="six_regions"))[1]


# --- demand as stated --------------------------------------------------------------------------------


def stated_demand(config: Config) -> tuple[dict[str, float], Counts]:
    """Task-seconds posted against demand stated, at base cost and without batches too dear to post.

    Sizes and times have short tails here, so that the standard error means something: that of the posted sum
    is the root of the sum of squares of its batches.
    """
    types = {
        name: replace(task, largest_batch=40, median_seconds=min(600.0, task.median_seconds))
        for name, task in config.task_types.items()
    }
    requesters = replace(config.requesters, size_log_sigma=0.5, value_usd_per_hour=900.0)
    model = ClickWorkModel(replace(config, task_types=types, requesters=requesters))
    model.requester_rows["batches_per_day"] = model.requester_rows["base_batches"]
    stated = float(model.requester_rows["base_demand"].sum()) * config.time.days
    posted = squares = batches = 0.0
    for hour in range(24 * config.time.days):
        model.hour, model.utc_hour = hour, hour % 24
        if model.utc_hour == 0:
            model.begin_day(hour // 24)
        count = model.new_batches()
        rows = model.new_rows[:count]
        seconds = rows["assignments"] * rows["true_seconds"].astype(float)
        posted, squares, batches = posted + seconds.sum(), squares + (seconds**2).sum(), batches + count
    apart = (posted - stated) / math.sqrt(squares)
    assert abs(apart) < 4.0, f"posted is {posted / stated:.4f} of what is stated: {apart:.1f} standard errors"
    return {"ratio": posted / stated, "apart": apart}, Counter(batches=int(batches))


def demand_as_stated(config: Config) -> Counts:
    """The same in a small size, for planted bugs."""
    return stated_demand(tiny(days=14, workers=100, requesters=30))[1]


LIMITS = {limit.__name__: limit for limit in (urn_ball, poisson_arrivals, demand_as_stated)}
