"""Small markets for tests, their tables of agents, and a fingerprint of everything a run computed."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.population import Population, make_population, make_tables
from sim.agents.traits import permanent_ids
from sim.config import Config, Learning, Platform, Record, TaskType, Time, Workers, WorldChoice
from sim.market.board import ACTIVE_COUNT
from sim.model import ClickWorkModel
from sim.validation import build, to_plain
from sim.world import load_world
from sim.world.reading import TABLES_FOLDER

OWNERS = {"north_south": "NTH", "six_regions": "NOA"}
WORLDS = ("north_south", "six_regions", "mturk_2015", "global")
SEVERAL = {
    "north_south": ("NTH", "STH"),
    "six_regions": ("EUR", "ASI"),
    "mturk_2015": ("USA", "IND"),
    "global": ("FRA", "IND"),
}
"""Two countries of each world that get platforms of their own in varied markets."""

STARTS = ("2019-01-07", "2019-03-29", "2019-04-26", "2019-10-25", "2018-12-28", "2020-02-27")
"""A plain week, changes of clocks, ends of months, the turn of a year, a leap day."""

UNSORTED = (
    "calibration=none",
    "workers.tool_share=0",
    "requesters.fair_share=0",
    "learning.circumstances_weeks=0",
    "learning.join_rate=0.0012",
    "platforms.microwork.ranking_depth=25",
    "requesters.size_seconds_elasticity=0",
    "market.spell_minutes=60",
    "market.spell_log_sigma=0",
)
"""Words for the market as it was without tools, fair requesters, new circumstances, rest, budgets, spells.

For what is worked out by hand and holds for people who are alike: everything else plays what users play.
"""


def unsorted(config: Config) -> Config:
    """Return a configuration with the same settings, but for how deep one looks."""
    return replace(
        config,
        workers=replace(config.workers, tool_share=0.0),
        requesters=replace(config.requesters, fair_share=0.0, size_seconds_elasticity=0.0),
        learning=replace(config.learning, circumstances_weeks=0.0, join_rate=0.0012),
        market=replace(config.market, spell_minutes=60.0, spell_log_sigma=0.0),
    )


def tiny(
    days: int = 3, workers: int = 40, requesters: int = 8, table: str = "north_south", **changes: Any
) -> Config:
    """Return the smallest market that has everything: by default 40 workers, 8 requesters, 72 hours."""
    base = Config()
    config = Config(
        seed=changes.pop("seed", 1),
        time=Time(days=days, warmup_days=0),
        world=WorldChoice(table=table),
        workers=Workers(count=workers),
        requesters=replace(base.requesters, count=requesters),
        platforms={"microwork": Platform(owner=OWNERS.get(table, "USA"))},
        record=Record(figures=False),
    )
    return replace(config, **changes)


def varied(number: int, workers: int = 40, requesters: int = 8, days: int = 3, **changes: Any) -> Config:
    """Return a market of many features at odd values, from a number: fees, ticks, boards, cuts, rules."""
    r = random.Random(number)
    base = Config()
    table = r.choice(WORLDS)
    codes = SEVERAL[table]
    fees = (0.0, 0.05, 0.1237, 0.2, 0.33333)

    def platform(**traits: Any) -> Platform:
        return Platform(
            owner=r.choice(codes),
            requester_fee=r.choice(fees),
            large_batch_fee=r.choice(fees),
            large_batch_from=r.choice((2, 3, 10)),
            worker_fee=r.choice((0.0, 0.0, 0.0137, 0.1)),
            tick_usd=r.choice((0.01, 0.01, 0.0007, 0.000001)),
            minimum_reward_usd=r.choice((0.01, 0.000001)),
            reward_promise_usd_per_hour=r.choice((0.0, 0.0, 4.0)),
            ranking_newest=r.choice((0.0, 0.4)),
            ranking_random=r.choice((0.0, 0.2, 1.0)),
            payout_days=r.choice((1, 2, 7)),
            payout_threshold_usd=r.choice((0.0, 0.3, 5.0)),
            **traits,
        )

    platforms = {"microwork": platform()}
    if r.random() < 0.6:
        platforms["of_one"] = platform(worker_countries=[codes[0]], pool_share=0.2, requester_share=0.2)
    if r.random() < 0.4:
        platforms["of_two"] = platform(worker_countries=list(codes), requester_countries=list(codes))
    many_hours = {
        name: replace(segment, desired_hours_median=min(80.0, 2.5 * segment.desired_hours_median))
        for name, segment in base.segments.items()
    }
    config = Config(
        seed=number,
        time=Time(start=r.choice(STARTS), days=days, warmup_days=0, daylight_saving=r.random() < 0.8),
        world=WorldChoice(table=table),
        workers=Workers(
            count=workers,
            need_usd_per_hour=r.choice((0.0, 0.1)),
            daily_hours_cap=r.choice((3, 8, 16)),
            broker_cut=r.choice((0.0, 0.2, 0.33333)),
            patience_hours=r.choice((1, 2, 8)),
            tool_share=(0.0, 0.5, 1.0)[number % 3],
            tool_half_tasks=5.0,
        ),
        segments=many_hours,
        requesters=replace(
            base.requesters,
            count=requesters,
            demand_share=r.choice((0.3, 1.0, 3.0)),
            size_log_sigma=r.choice((0.5, 2.68)),
            strictness_mean=r.choice((0.08, 0.6)),
            unfair_rejection_mean=r.choice((0.002, 0.2)),
            estimate_bias_median=r.choice((0.8, 1.15, 2.5)),
            approval_share=0.4,
            approval_tasks=r.choice((0, 3, 40)),
            own_country_share=0.3,
            multihome_share=0.5,
            pay_minimum_tasks=1,
            fair_share=(0.0, 0.3, 0.7)[number % 3],
        ),
        platforms=platforms,
        market=replace(
            base.market,
            boards=r.choice((None, None, 1, 2, 3)),
            looks=r.choice((1, 5, 12)),
            max_rounds=r.choice((3, 24)),
            return_ratio=r.choice((0.0, 0.6, 1.0)),
            life_hours_median=r.choice((3.0, 24.0, 72.0)),
            demand_cap_days=r.choice((0.5, 14.0)),
            pay_setting=r.choice(("profit_search", "profit_search", "fill_time")),
        ),
        learning=Learning(
            pool_ratio=r.choice((1.0, 8.5)), join_rate=r.choice((0.0003, 0.02)), leave_weeks=r.choice((1, 3)),
            switch_share=r.choice((0.05, 0.8)), circumstances_weeks=(0.0, 2.0, 50.0)[number % 3],
        ),
        record=Record(figures=False),
    )  # fmt: skip
    if number % 4 == 3:
        config = with_families(config, number)
    return replace(build(Config, to_plain(config)), **changes)


LOCAL_JOB = TaskType(
    share=1.0, median_seconds=1500, log_sigma_seconds=0.4, skill=0, one_task_share=1.0, life_hours=1.0
)
ENGAGEMENT = TaskType(
    share=1.0, median_seconds=250, log_sigma_seconds=0.3, skill=0, largest_batch=200, actions_per_task=50
)


def with_families(config: Config, number: int) -> Config:
    """Return a market with local jobs and a click farm besides, at odd values drawn from a number."""
    r = random.Random(f"families {number}")
    owner = next(iter(config.platforms.values())).owner

    def platform(**traits: Any) -> Platform:
        return Platform(
            owner=owner,
            pool_share=r.choice((0.05, 0.3)),
            requester_share=r.choice((0.1, 0.3)),
            requester_fee=r.choice((0.0, 0.05, 0.1237)),
            worker_fee=r.choice((0.0, 0.2, 0.0137)),
            tick_usd=0.000001,
            minimum_reward_usd=0.000001,
            payout_threshold_usd=r.choice((0.0, 0.01)),
            posting_hours=r.choice(("office", "daily_life", "always")),
            broker_cut=r.choice((None, 0.0, 0.55555)),
            **traits,
        )

    platforms = {
        "clicks": platform(
            family="click_farm",
            task_types=["engagement"],
            usd_per_click=r.choice((None, 0.001, 0.0000061)),
            devices_per_worker=r.choice((1, 7, 1000)),
            takedown_share=r.choice((0.0, 0.2, 1.0)),
            pay_factor=r.choice((0.3, 1.0)),
        ),
        "jobs": platform(
            family="on_demand",
            task_types=["local_job"],
            local_pay_ratio=r.choice((0.0, 0.6)),
            customers_per_requester=r.choice((1, 800)),
        ),
    }
    types = {"engagement": ENGAGEMENT, "local_job": replace(LOCAL_JOB, median_seconds=r.choice((300, 1500)))}
    return replace(config, platforms=config.platforms | platforms, task_types=config.task_types | types)


def population_of(config: Config) -> Population:
    """Return fresh tables of the agents of a configuration, free to be edited."""
    world = load_world(config.world.table)
    return make_population(config, world, make_tables(config, world))


def edited_table(file: Path, base: str, edit: Callable[[list[dict[str, str]]], None]) -> str:
    """Write a country table: a built-in one whose rows ``edit`` changes in place; return its path."""
    with (TABLES_FOLDER / f"{base}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    edit(rows)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(file)


def run(
    config: Config, hours: int | None = None, observers: tuple[Any, ...] = (), **keywords: Any
) -> ClickWorkModel:
    """Return the model after its run, watched by observers."""
    model = ClickWorkModel(config, **keywords)
    model.observers.extend(observers)
    model.run(hours)
    return model


def fingerprint(model: ClickWorkModel) -> str:
    """Hash of every worker, requester, platform, account, flow and open batch, whatever their rows."""
    digest = hashlib.sha256()
    workers = model.worker_rows[: model.workers_count]
    by_id = np.argsort(permanent_ids(workers), kind="stable")
    history = model.history_rows[: model.workers_count] if model.keeps_history else model.history_rows[:0]
    for rows, order in (
        (workers, by_id),
        (history, by_id if len(history) else slice(None)),
        (model.requester_rows, np.argsort(model.requester_rows["id"], kind="stable")),
        (model.platform_rows, slice(None)),
        (model.collective_rows, slice(None)),
        (model.pools, slice(None)),
        (model.joiners, slice(None)),
        (model.known_earnings, slice(None)),
        (model.reported_pay, slice(None)),
        (model.platform_pay, slice(None)),
        (model.week_pay, slice(None)),
        (model.ledger.totals, slice(None)),
        (model.ledger.flows, slice(None)),
    ):
        put(digest, rows[order])
    batches = [
        (board.batches[board.orders[0, i]], board.listings[board.orders[0, i]]["left"])
        for board in model.boards
        for i in range(int(board.state[0]))
    ]
    for batch, left in sorted(batches, key=lambda pair: int(pair[0]["id"])):
        for name in ("id", "reward", "escrow", "submitted", "accepted", "rejected", "t10", "t50", "t90"):
            digest.update(int(batch[name]).to_bytes(8, "little", signed=True))
        digest.update(int(left).to_bytes(8, "little"))
    on_duty = sorted(
        (int(entry["id"]), int(entry["start_hour"]), int(entry["minutes"]), int(entry["fruitless_hours"]))
        for board in model.boards
        for entry in board.active[: int(board.state[ACTIVE_COUNT])]
    )
    digest.update(repr(on_duty).encode())
    return digest.hexdigest()


def put(digest: Any, rows: Any) -> None:
    """Feed records field by field, so that padding does not count."""
    if rows.dtype.names is None:
        digest.update(np.ascontiguousarray(rows).tobytes())
        return
    for name in rows.dtype.names:
        if name != "tile":
            digest.update(np.ascontiguousarray(rows[name]).tobytes())
