"""Pairs of runs that must agree: the same market written otherwise, or with something added apart.

Each takes a configuration, raises ``AssertionError`` where the pair differs, and returns how much it
compared.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import sim.model
from sim.agents.population import Population
from sim.agents.traits import permanent_ids
from sim.config import Config, Platform
from sim.model import LEAST_PAY, ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.policy.channels import (
    FEE_CAP,
    LEVY_ON_REQUESTERS,
    LEVY_ON_WORKERS,
    REWARD_FLOOR,
    Contribution,
)
from tests.support.markets import SEVERAL, edited_table, fingerprint, population_of, run
from tests.support.observers import NUMBERS, Debug, Journal

Counts = Counter[str]
ROW_NUMBERS = ("tile", "collective")
"""Fields of a worker that say where something is stored."""


# --- what is compared ---------------------------------------------------------------------------


def snapshot(model: ClickWorkModel) -> dict[str, dict[int, tuple[Any, ...]]]:
    """Every worker, requester and open batch by permanent id, as plain tuples."""
    workers = model.worker_rows[: model.workers_count]
    ids = permanent_ids(workers).tolist()
    history = model.history_rows[: model.workers_count]
    return {
        "worker": by_id(ids, workers, ROW_NUMBERS),
        "history": by_id(ids, history),
        "requester": by_id(model.requester_rows["id"].tolist(), model.requester_rows),
        "batch": {
            int(board.batches["id"][slot]): tuple(
                board.batches[name][slot].item()
                for name in (
                    "reward",
                    "escrow",
                    "submitted",
                    "accepted",
                    "rejected",
                    "first_start",
                    "t10",
                    "t90",
                )
            )
            for board in model.boards
            for slot in np.flatnonzero(board.batches["open"]).tolist()
        },
    }


def by_id(ids: list[int], rows: Any, without: tuple[str, ...] = ()) -> dict[int, tuple[Any, ...]]:
    """Rows as tuples by id, some fields left out."""
    names = [name for name in rows.dtype.names if name not in without]
    columns = [rows[name].tolist() for name in names]
    return dict(zip(ids, zip(*columns, strict=True), strict=True))


def same(first: dict[int, Any], second: dict[int, Any], what: str) -> int:
    """Fail unless two tables by id are equal; return their length."""
    if first != second:
        lost, more = first.keys() - second.keys(), second.keys() - first.keys()
        different = [key for key in first.keys() & second.keys() if first[key] != second[key]]
        example = f"{first[different[0]]} and {second[different[0]]}" if different else ""
        raise AssertionError(
            f"{what}: {len(lost)} only in the first, {len(more)} only in the second, {len(different)} differ "
            f"{sorted(different)[:5]} {example}"
        )
    return len(first)


def same_snapshots(first: dict[str, dict[int, Any]], second: dict[str, dict[int, Any]], what: str) -> int:
    """Fail unless two snapshots are equal; return how many rows they hold."""
    return sum(same(first[kind], second[kind], f"{what}: {kind}") for kind in first)


def same_events(first: Journal, second: Journal, what: str) -> int:
    """Fail unless two runs had the same events; return how many."""
    one, two = first.table(), second.table()
    if one.shape != two.shape or (one != two).any():
        rows = min(len(one), len(two))
        at = int(np.argmax((one[:rows] != two[:rows]).any(axis=1))) if rows else 0
        raise AssertionError(
            f"{what}: {len(one)} and {len(two)} events; they part at {one[at : at + 1]} {two[at : at + 1]}"
        )
    return len(one)


# --- one more agent that is apart --------------------------------------------------------


def idle_worker(config: Config) -> Counts:
    """A further worker who wants no hours changes nobody else.

    People join by hearsay in proportion to those present, so the newcomer's country takes no joiners.
    """
    first, second = population_of(config), population_of(config)
    extra = second.workers[:1].copy()
    extra["number"] = len(second.workers)
    extra["desired_minutes"] = 0
    first.pools[extra["country"]] = second.pools[extra["country"]] = 0
    second.workers = np.concatenate([second.workers, extra])
    return _without(config, first, second, "worker", len(first.workers))


def idle_requester(config: Config) -> Counts:
    """A further requester without demand changes nobody else."""
    first, second = population_of(config), population_of(config)
    extra = second.requesters[:1].copy()
    extra["id"] = len(second.requesters)
    for name in ("base_demand", "base_batches", "batches_per_day"):
        extra[name] = 0.0
    second.requesters = np.concatenate([second.requesters, extra])
    second.mixes = np.concatenate([second.mixes, second.mixes[:1]])
    return _without(config, first, second, "requester", int(extra["id"][0]))


def _without(config: Config, first: Population, second: Population, kind: str, extra: int) -> Counts:
    journals = Journal(), Journal()
    alone = run(config, population=first, observers=journals[:1])
    joined = run(config, population=second, observers=journals[1:])
    with_extra = snapshot(joined)
    with_extra[kind].pop(extra)
    if kind == "worker":
        with_extra["history"].pop(extra)
    counts = Counter(rows=same_snapshots(snapshot(alone), with_extra, f"one more {kind}"))
    counts["events"] = same_events(*journals, f"one more {kind}")
    counts["joined later"] = int(alone.joiners.sum())
    return counts


def empty_country(config: Config) -> Counts:
    """A further country where nobody works or posts changes no other."""

    def add(rows: list[dict[str, str]]) -> None:
        rows.append(
            {
                **rows[-1],
                "code": "ZZZ",
                "name": "Nowhere",
                **dict.fromkeys(("worker_share", "requester_share", "internet_share"), "0"),
            }
        )

    with tempfile.TemporaryDirectory() as folder:
        table = edited_table(Path(folder) / "world.csv", config.world.table, add)
        larger = replace(config, world=replace(config.world, table=table))
        journals = Journal(), Journal()
        models = [
            run(each, observers=(journal,)) for each, journal in zip((config, larger), journals, strict=True)
        ]
    countries = len(models[0].world.codes)
    snapshots = [snapshot(model) for model in models]
    for one in snapshots:
        # Whom a requester admits is a mask over countries; the new one has a bit in it.
        mask = list(models[0].requester_rows.dtype.names).index("worker_mask")
        one["requester"] = {
            key: (*row[:mask], row[mask] & ((1 << countries) - 1), *row[mask + 1 :])
            for key, row in one["requester"].items()
        }
    flows = [model.ledger.flows for model in models]
    assert (flows[0] == flows[1][:, :countries, :countries]).all() and flows[1].sum() == flows[0].sum()
    counts = Counter(rows=same_snapshots(*snapshots, "one more country"))
    counts["events"] = same_events(*journals, "one more country")
    return counts


# --- worlds that do not touch --------------------------------------------------------------


@cache
def two_countries(*zones: str) -> str:
    """Return the path of a world of two countries, alike in workers and requesters, in these zones."""
    folder = Path(_TABLES.name) / str(len(list(Path(_TABLES.name).iterdir())))
    folder.mkdir()

    def change(rows: list[dict[str, str]]) -> None:
        for row, places in zip(rows, zones or ("UTC+00:00:1.000", "UTC+12:00:1.000"), strict=True):
            row |= {"zones": places, "worker_share": "0.5", "requester_share": "0.5"}

    return edited_table(folder / "world.csv", "north_south", change)


_TABLES = tempfile.TemporaryDirectory(prefix="two-countries-")


def in_two_countries(config: Config, *zones: str) -> Config:
    """Return the configuration in that world, its platforms moved there."""
    there = dict(zip(SEVERAL.get(config.world.table, ()), SEVERAL["north_south"], strict=False))

    def moved(platform: Platform) -> Platform:
        return replace(
            platform,
            owner=there.get(platform.owner, "NTH"),
            worker_countries=[there[code] for code in platform.worker_countries],
            requester_countries=[there[code] for code in platform.requester_countries],
        )

    return replace(
        config,
        world=replace(config.world, table=two_countries(*zones)),
        platforms={name: moved(platform) for name, platform in config.platforms.items()},
    )


def two_worlds(config: Config) -> Config:
    """Return the configuration with two countries that share no platform; each has two of its own."""
    config = in_two_countries(config)
    codes = SEVERAL["north_south"]
    usual, base = next((name, p) for name, p in config.platforms.items() if p.family == "microwork")
    types = {kind: config.task_types[kind] for kind in config.types_of(usual)}
    platforms = {
        f"{name}_{k}": replace(
            base, owner=code, worker_countries=[code], requester_countries=[code], excluded_countries=[],
            pool_share=0.0, requester_share=0.0, requester_fee=0.1 * k + 0.1, reward_promise_usd_per_hour=0.0,
        )
        for name, code in zip(("here", "there"), codes, strict=True)
        for k in range(2)
    }  # fmt: skip
    learning = replace(config.learning, switch_share=0.8, join_rate=0.01, pool_ratio=8.5)
    return replace(config, platforms=platforms, task_types=types, learning=learning)


def part(model: ClickWorkModel, country: int) -> dict[str, dict[int, Any]]:
    """All that belongs to one of two worlds: agents, batches, platforms, money and what is known there."""
    kept = snapshot(model)
    rows = model.worker_rows[: model.workers_count]
    people = set(permanent_ids(rows)[rows["country"] == country].tolist())
    firms = set(model.requester_rows["id"][model.requester_rows["country"] == country].tolist())
    platforms = [
        p for p, name in enumerate(model.platform_names) if name.startswith(("here", "there")[country])
    ]
    members = model.collective_rows[model.collective_rows["country"] == country]
    return {
        "worker": {key: row for key, row in kept["worker"].items() if key in people},
        "history": {key: row for key, row in kept["history"].items() if key in people},
        "requester": {key: row for key, row in kept["requester"].items() if key in firms},
        "batch": {key: row for key, row in kept["batch"].items() if key >> 24 in firms},
        "platform": by_id(platforms, model.platform_rows[platforms]),
        "collective": by_id(list(range(len(members))), members),
        "flow": dict(enumerate(model.ledger.flows[:, country, country].tolist())),
        "known": dict(enumerate(model.known_earnings[country].ravel().tolist())),
        "best hours": dict(enumerate(model.best_hours[country].ravel().tolist())),
        "pay": {p: (model.platform_pay[p, country], model.week_pay[p, country].tolist()) for p in platforms},
        "rest": {
            0: (model.pools[country], model.joiners[country], model.reported_pay[country]),
            1: (model.ledger.owners["balance"][country], model.ledger.outside["balance"][country]),
        },
    }


def untouched_world(config: Config) -> Counts:
    """A fee, a cap and a floor in one world leave the other, which shares nothing with it, as it was."""
    config = two_worlds(config)
    touched = replace(
        config,
        platforms={**config.platforms, "here_1": replace(config.platforms["here_1"], requester_fee=0.45)},
    )
    here = [p for p, name in enumerate(config.platforms) if name.startswith("here")]
    policies = (Contribution(FEE_CAP, here[0], 0.02), Contribution(REWARD_FLOOR, here[1], 6.0))
    journals = Journal(1), Journal(1)
    before = run(config, observers=journals[:1])
    # The fee bounds the pay that requesters of the touched world begin with; their ids stay.
    after = run(touched, population=population_of(touched), contributions=policies, observers=journals[1:])
    try:
        same_snapshots(part(before, 0), part(after, 0), "the touched world")
    except AssertionError:
        pass
    else:
        raise AssertionError("the policies changed nothing where they apply, so the comparison says nothing")
    counts = Counter(rows=same_snapshots(part(before, 1), part(after, 1), "the untouched world"))
    counts["events"] = same_events(*journals, "the untouched world")
    counts["joined"] = int(before.joiners[1])
    rows = before.worker_rows[: before.workers_count]
    there = rows["country"] == 1
    counts["left"] = int(((rows["bits"] & 1) == 0)[there].sum())
    return counts


def union(config: Config) -> Counts:
    """Two worlds that share nothing, run together and each alone."""
    config = two_worlds(config)
    together = run(config)
    counts: Counts = Counter()
    for country in range(2):
        alone = population_of(config)
        alone.workers = alone.workers[alone.workers["country"] == country]
        mine = alone.requesters["country"] == country
        alone.requesters, alone.mixes = alone.requesters[mine], alone.mixes[mine]
        alone.pools[1 - country] = 0
        model = run(config, population=alone)
        counts["rows"] += same_snapshots(
            part(together, country), part(model, country), f"world {country} alone"
        )
    return counts


# --- the order of storage -----------------------------------------------------------------------


def permuted(population: Population, number: int) -> Population:
    """Return the tables with the rows of workers and requesters shuffled; ids stay with their agents."""
    draw = np.random.default_rng(number)
    workers, requesters = (
        draw.permutation(len(rows)) for rows in (population.workers, population.requesters)
    )
    return Population(
        population.workers[workers],
        population.collectives,
        population.requesters[requesters],
        population.mixes[requesters],
        population.pools,
    )


def permutation(config: Config, number: int = 1) -> Counts:
    """The same agents in other rows do the same. Collectives are places: their row is their name."""
    journals = Journal(), Journal()
    first = run(config, observers=journals[:1])
    second = run(config, population=permuted(population_of(config), number), observers=journals[1:])
    assert fingerprint(first) == fingerprint(second), "the order of storage shows" + str(
        same_snapshots(snapshot(first), snapshot(second), "permuted")
    )
    return Counter(events=same_events(*journals, "permuted"), agents=first.workers_count)


# --- the unit of money --------------------------------------------------------------------------

SCALE = 16  # a power of two; times 128 a busy week is more than a worker remembers of it (MOST_WEEK_PAY)
SMALL = 0.125
"""The dearer run has 16 times the usual money, the cheaper one an eighth: both inside what a table holds."""


def scaled_money(config: Config) -> Counts:
    """All money times 16. See the test for what is exact and why."""
    models, journals = [], (Journal(), Journal())
    with tempfile.TemporaryDirectory() as folder:
        for factor, journal in zip((1, SCALE), journals, strict=True):

            def change(rows: list[dict[str, str]], unit: float = SMALL * factor) -> None:
                for row in rows:
                    row["outside_wage_usd"] = repr(unit * float(row["outside_wage_usd"]))

            table = edited_table(Path(folder) / f"times_{factor}.csv", config.world.table, change)
            with patch.object(sim.model, "LEAST_PAY", LEAST_PAY * SMALL * factor):
                models.append(run(in_money(config, table, factor), observers=(journal,)))
    small, large = models
    counts = Counter(events=same_events(*journals, "money times 16"))
    for name, column in small.ledger.accounts.items():
        assert (np.asarray(column) * SCALE == large.ledger.accounts[name]).all(), f"balances of {name}"
        counts["balances"] += len(column)
    assert (small.ledger.flows * SCALE == large.ledger.flows).all(), "flows"
    counts["transactions"] = small.ledger.transfers_booked
    for name in ("target", "value", "initial_target"):
        assert (small.requester_rows[name] * SCALE == large.requester_rows[name]).all(), name
    for name in ("batches_per_day", "posted", "accepted", "rejected", "expired"):
        assert (small.requester_rows[name] == large.requester_rows[name]).all(), name
    rows = [model.worker_rows[: model.workers_count] for model in models]
    for name in ("learned_pay", "all_in_pay", "week_pay"):
        less, more = (row[name] for row in rows)
        assert np.where(less > 0, less * np.float32(SCALE) == more, less == more).all(), name
    assert (rows[0]["session"] == rows[1]["session"]).all()
    return counts


def in_money(config: Config, table: str, factor: int) -> Config:
    """Return the configuration in a dearer or cheaper money; fees and cuts come out whole on both scales."""
    unit = SMALL * factor
    requesters, workers = config.requesters, config.workers
    return replace(
        config,
        world=replace(config.world, table=table),
        workers=replace(workers, need_usd_per_hour=workers.need_usd_per_hour * unit, broker_cut=0.2),
        requesters=replace(
            requesters,
            pay_usd_per_hour=requesters.pay_usd_per_hour * unit,
            value_usd_per_hour=requesters.value_usd_per_hour * unit,
            fair_pay_usd_per_hour=requesters.fair_pay_usd_per_hour * unit,
        ),
        platforms={
            name: replace(
                platform,
                tick_usd=round(0.0001 * factor, 6),
                minimum_reward_usd=round(0.0001 * factor, 6),
                payout_threshold_usd=round(0.001 * factor, 6),
                cost_per_transaction_usd=round(0.00001 * factor, 6),
                cost_on_rewards=0.05,
                requester_fee=0.2,
                large_batch_fee=0.2,
                worker_fee=0.0,
                broker_cut=None,
                # What is hardly paid meets bounds that do not scale.
                usd_per_click=None if platform.usd_per_click is None else 0.001 * unit,
                takedown_share=min(platform.takedown_share, 0.2),
                devices_per_worker=min(platform.devices_per_worker, 7),
                reward_promise_usd_per_hour=platform.reward_promise_usd_per_hour * unit,
            )
            for name, platform in config.platforms.items()
        },
    )


# --- time ---------------------------------------------------------------------------------------


def shifted_weeks(config: Config, weeks: int = 1) -> Counts:
    """The same hours some weeks later; no clock changes, and no month begins in either run."""
    days = min(config.time.days, 15)
    first = replace(config, time=replace(config.time, start="2019-05-06", daylight_saving=False, days=days))
    later = replace(first.time, start=f"2019-05-{6 + 7 * weeks:02}")
    journals = Journal(), Journal()
    before = run(first, observers=journals[:1])
    after = run(replace(first, time=later), observers=journals[1:])
    assert fingerprint(before) == fingerprint(after), "some weeks later"
    return Counter(events=same_events(*journals, "some weeks later"), hours=24 * days)


HALF_HOURS = ("UTC+00:00:1.000", "UTC+05:30:0.6|UTC-03:30:0.4")
"""Zones of the two countries of a world; whole, half and negative offsets."""


def shifted_clocks(config: Config, hours: int = 3) -> Counts:
    """All clocks put forward, and all habits with them: the same hours in universal time.

    Every day of the week is alike to requesters here, because local midnights move.
    """
    # Eighths add up to the same bits in any order.
    day = [round(8 * weight) / 8 for weight in config.requesters.daily_life_hours]
    week, awake = [1.0] * 7, config.workers.awake_share
    lived = any(platform.posting_hours == "daily_life" for platform in config.platforms.values())
    daily: dict[str, Any] = {"daily_life_weekdays": week, "daily_life_hours": day} if lived else {}
    base = replace(config, requesters=replace(config.requesters, weekday_weights=week, **daily))
    moved = replace(
        base,
        segments={
            name: replace(segment, window_start=(segment.window_start + hours) % 24)
            for name, segment in base.segments.items()
        },
        requesters=replace(
            base.requesters,
            office_start=(base.requesters.office_start + hours) % 24,
            **(daily and {"daily_life_hours": [*day[-hours:], *day[:-hours]]}),
        ),
        workers=replace(base.workers, awake_share=[*awake[-hours:], *awake[:-hours]]),
    )
    zones = HALF_HOURS, ("UTC+03:00:1.000", "UTC+08:30:0.6|UTC-00:30:0.4")
    journals = Journal(), Journal()
    snapshots = []
    for each, places, journal in zip((base, moved), zones, journals, strict=True):
        model = run(in_two_countries(each, *places), observers=(journal,))
        kept = snapshot(model)
        night = list(model.history_rows.dtype.names).index("night_seconds")
        kept["history"] = {key: (*row[:night], *row[night + 1 :]) for key, row in kept["history"].items()}
        snapshots.append(kept)
    counts = Counter(rows=same_snapshots(*snapshots, "clocks put forward"))
    counts["events"] = same_events(*journals, "clocks put forward")
    return counts


def renamed_zones(config: Config) -> Counts:
    """The same offsets under other names of zones, one of them 45 minutes from the hour."""
    names = (
        ("Etc/GMT-2:0.3|Asia/Kathmandu:0.7", "Asia/Kolkata:0.5|America/Bogota:0.5"),
        ("UTC+02:00:0.3|UTC+05:45:0.7", "UTC+05:30:0.5|UTC-05:00:0.5"),
    )
    journals = Journal(), Journal()
    prints = [
        fingerprint(run(in_two_countries(config, *places), observers=(journal,)))
        for places, journal in zip(names, journals, strict=True)
    ]
    assert prints[0] == prints[1], "other names of zones"
    return Counter(events=same_events(*journals, "other names of zones"))


# --- settings that do nothing --------------------------------------------------------------------


def null_settings(config: Config) -> Counts:
    """Contributions that bind nothing, and fees of nothing, leave no trace."""
    platforms = range(len(config.platforms))
    highest = max(p.requester_fee + p.large_batch_fee for p in config.platforms.values())
    lowest = min(p.reward_promise_usd_per_hour for p in config.platforms.values())
    plain = fingerprint(run(config))
    nulls: dict[str, tuple[Contribution, ...]] = {
        "a floor of 0": tuple(Contribution(REWARD_FLOOR, p, 0.0) for p in platforms),
        "a floor at the promise": tuple(Contribution(REWARD_FLOOR, p, lowest) for p in platforms),
        "a cap of infinity": tuple(Contribution(FEE_CAP, p, float("inf")) for p in platforms),
        "a cap at the highest fee": tuple(Contribution(FEE_CAP, p, highest) for p in platforms),
        "all at once, twice": 2
        * tuple(
            Contribution(*channel)
            for p in platforms
            for channel in ((REWARD_FLOOR, p, lowest), (FEE_CAP, p, 9.0))
        ),
    }
    for name, contributions in nulls.items():
        assert fingerprint(run(config, contributions=contributions)) == plain, name
    return Counter(settings=len(nulls))


def no_fees(config: Config) -> Counts:
    """A fee of 0 is no fee: nothing is booked under its name, and where it is due makes no difference."""
    free = replace(
        config,
        platforms={
            name: replace(platform, requester_fee=0.0, large_batch_fee=0.0, worker_fee=0.0, broker_cut=None)
            for name, platform in config.platforms.items()
        },
    )
    elsewhere = replace(
        free,
        platforms={name: replace(p, large_batch_from=1_000_000) for name, p in free.platforms.items()},
    )
    journals = Journal(), Journal()
    models = [
        run(each, observers=(journal,)) for each, journal in zip((free, elsewhere), journals, strict=True)
    ]
    counts = Counter(rows=same_snapshots(*map(snapshot, models), "a further fee of 0"))
    counts["events"] = same_events(*journals, "a further fee of 0")
    for model in models:
        for kind in ("requester_fee", "worker_fee", "escrow_rounding"):
            assert not model.ledger.flows[NUMBERS[kind]].any(), f"{kind} without any fee"
        capped = tuple(Contribution(FEE_CAP, p, 0.0) for p in range(len(config.platforms)))
        assert fingerprint(run(free, contributions=capped)) == fingerprint(models[0]), (
            "a cap of 0 on a fee of 0"
        )
    # And without a broker's cut nothing is booked for brokers.
    uncut = run(replace(free, workers=replace(free.workers, broker_cut=0.0)))
    assert not uncut.ledger.flows[NUMBERS["broker_cut"]].any()
    assert not uncut.ledger.flows[NUMBERS["pending_rounding"]].any()
    counts["rewards"] = int((models[0].ledger.flows[NUMBERS["reward"]] > 0).sum())
    return counts


# --- who is charged by law -----------------------------------------------------------------

ON_REQUESTERS, ON_WORKERS = 1.0, 0.5
"""A charge t on requesters and one s on workers with (1 - s) (1 + t) = 1; powers of two change no digit."""

GROSS = 2
"""What requesters post where workers are charged, over what they post where they are charged themselves."""


def statutory_incidence(config: Config) -> Counts:
    """Who is charged by law changes nothing but posted prices: work, net pay and what is spent stay.

    Prices are posted anew, twice as high where workers are charged; then pay adjusts as always. Once the
    charge is the platforms' own fee, once a levy that an instrument lays on it. As with all money times a
    power of two, logarithms are not exact: whoever is within a millionth of indifference might decide
    otherwise, and in the markets below nobody is.
    """
    counts = Counter[str]()
    for charge in ("fee", "levy"):
        journals = Journal(), Journal()
        by_requesters, by_workers = (
            run(
                charged(config, side, charge),
                observers=(journal,),
                contributions=levies(config, side, charge),
                population=None if charge == "fee" else posting_anew(config, side),
            )
            for side, journal in zip(("requesters", "workers"), journals, strict=True)
        )
        what = f"a {charge} on workers"
        counts["events"] += same_events(*journals, what)
        counts["rows"] += same_people(by_requesters, by_workers, what)
        counts["flows"] += same_money(by_requesters, by_workers, what)
        kind = NUMBERS["requester_fee"]
        taken, charged_to = by_requesters.ledger.flows[kind], by_workers.ledger.flows[NUMBERS["worker_fee"]]
        assert taken.sum() == charged_to.sum() and not by_workers.ledger.flows[kind].any(), what
        counts["charged"] += int(taken.sum())
        counts["revised"] += int((by_workers.requester_rows["direction"] != 0).sum())
    return counts


def charged(config: Config, side: str, charge: str) -> Config:
    """Return the configuration with a charge on one side of the market, and prices posted accordingly."""
    on_requesters = side == "requesters"
    gross, fee = (1 if on_requesters else GROSS), charge == "fee"
    requesters = config.requesters
    return replace(
        config,
        requesters=replace(
            requesters,
            pay_usd_per_hour=requesters.pay_usd_per_hour * (gross if fee else 1),
            fair_pay_usd_per_hour=requesters.fair_pay_usd_per_hour * (gross if fee else 1),
            # Base demand is stated at the unit cost of the charge, whoever it is laid on.
            base_fee=ON_REQUESTERS if on_requesters else 0.0,
        ),
        platforms={
            name: replace(
                platform,
                requester_fee=ON_REQUESTERS if fee and on_requesters else 0.0,
                worker_fee=ON_WORKERS if fee and not on_requesters else 0.0,
                large_batch_fee=0.0,
                tick_usd=0.0001 * gross,
                minimum_reward_usd=0.0001 * gross,
                local_pay_ratio=platform.local_pay_ratio * gross,
                usd_per_click=platform.usd_per_click and 0.001 * gross,
            )
            for name, platform in config.platforms.items()
        },
    )


def posting_anew(config: Config, side: str) -> Population:
    """Return the people of a market in which a levy comes, and requesters post what makes up for it.

    Who is in a market is settled before any levy, by pay as it was then.
    """
    population = population_of(charged(config, "requesters", "levy"))
    for name in ("target", "initial_target"):
        population.requesters[name] *= 1 if side == "requesters" else GROSS
    return population


def levies(config: Config, side: str, charge: str) -> tuple[Contribution, ...]:
    """Return what an instrument would lay on the fees of all platforms."""
    channel, rate = (
        (LEVY_ON_REQUESTERS, ON_REQUESTERS) if side == "requesters" else (LEVY_ON_WORKERS, ON_WORKERS)
    )
    numbers = range(len(config.platforms)) if charge == "levy" else ()
    return tuple(Contribution(channel, number, rate) for number in numbers)


def same_people(by_requesters: ClickWorkModel, by_workers: ClickWorkModel, what: str) -> int:
    """Fail unless all workers got and did the same, and all requesters paid and got the same."""
    pairs = [
        (getattr(model, rows)[: model.workers_count] if rows != "requester_rows" else model.requester_rows)
        for rows in ("worker_rows", "history_rows", "requester_rows")
        for model in (by_requesters, by_workers)
    ]
    compared = 0
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        for name in one.dtype.names:
            factor = GROSS if name in ("target", "initial_target") else 1
            if name in OF_FEES:
                continue
            alike = np.array_equal(one[name] * factor, other[name])
            assert alike, f"{what}: {name} of {int((one[name] * factor != other[name]).sum())} agents"
            compared += len(one)
    return compared


OF_FEES = ("fees",)
"""What requesters paid in fees is what differs."""

OF_CHARGES = ("requester_fee", "worker_fee", "reward")
"""Kinds of transfer that are larger or smaller by a charge."""


def same_money(by_requesters: ClickWorkModel, by_workers: ClickWorkModel, what: str) -> int:
    """Fail unless the same moved in each kind of transfer that is not a charge or what it is a share of."""
    one, other = by_requesters.ledger.flows, by_workers.ledger.flows
    kinds = {name: number for name, number in NUMBERS.items() if name not in OF_CHARGES}
    wrong = [name for name, number in kinds.items() if not np.array_equal(one[number], other[number])]
    assert not wrong, f"{what}: {wrong}"
    return sum(int((one[number] > 0).sum()) for number in kinds.values())


# --- how it is computed ---------------------------------------------------------------------


def threads(config: Config, numbers: tuple[int, ...] = (1, 2, 3, 4, 8)) -> Counts:
    """Any number of threads gives the same bits, with boards to share among them."""
    prints = {
        number: fingerprint(run(replace(config, compute=replace(config.compute, threads=number))))
        for number in numbers
    }
    assert len(set(prints.values())) == 1, f"threads: {prints}"
    return Counter(runs=len(prints))


def observers(config: Config) -> Counts:
    """Watching changes nothing: recorder, event log, debug mode, kept agents, history, progress."""
    plain = fingerprint(run(config))
    recorded = ClickWorkModel(config)
    recorded.observers.append(Recorder(recorded))
    recorded.run()
    recorded.observers[0].frames()
    debug = replace(config, compute=replace(config.compute, debug=True))
    logged = replace(config, record=replace(config.record, events=True))
    bare = replace(config, compute=replace(config.compute, views_up_to=0, progress=False))
    watched = {
        "the recorder": recorded,
        "debug mode": run(debug),
        "the checks": run(config, observers=(Debug(),)),
        "the event log": run(logged),
        "no agents kept": run(bare),
    }
    for name, model in watched.items():
        assert fingerprint(model) == plain, name
    without = run(replace(config, record=replace(config.record, workers="none")))
    kept = run(config)
    one, two = snapshot_without_history(without), snapshot_without_history(kept)
    same_snapshots(one, two, "no history kept")
    return Counter(ways=len(watched) + 1)


def snapshot_without_history(model: ClickWorkModel) -> dict[str, dict[int, tuple[Any, ...]]]:
    """A snapshot of what behaviour rests on."""
    workers = model.worker_rows[: model.workers_count]
    return {
        "worker": by_id(permanent_ids(workers).tolist(), workers),
        "requester": by_id(model.requester_rows["id"].tolist(), model.requester_rows),
        "platform": by_id(list(range(len(model.platform_rows))), model.platform_rows),
    }


RELATIONS = {
    relation.__name__: relation
    for relation in (
        idle_worker, idle_requester, empty_country, untouched_world, union, permutation, scaled_money,
        shifted_weeks, shifted_clocks, renamed_zones, null_settings, no_fees, statutory_incidence, threads,
        observers,
    )
}  # fmt: skip
