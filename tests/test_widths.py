"""No allowed configuration exceeds the width of a stored field; what would is refused before the run."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.agents import traits
from sim.agents.population import LONG_AGO, MOST_COLLECTIVES, make_requesters, make_tables
from sim.columns import grown
from sim.config import LONGEST_RUN_DAYS, MOST_TILES, Config
from sim.errors import UserError
from sim.ledger import KINDS, TRANSFER, ModelError
from sim.market import board
from sim.model import MOST_ROWS, SPARE_WORKERS, ClickWorkModel
from sim.schema import describe
from sim.validation import build
from sim.world import load_world
from sim.world.reading import MOST_COUNTRIES, MOST_ZONES, TABLES_FOLDER
from tests.conftest import Exercised
from tests.support.markets import tiny

HIGH = {row.path: row.limits.high for row in describe(Config) if row.limits.high is not None}
RUN_SECONDS = LONGEST_RUN_DAYS * 86_400
WEEK_SECONDS = 7 * 86_400
TYPE = "task_types.<name>."
BATCH_ASSIGNMENTS = HIGH[TYPE + "largest_batch"] * HIGH[TYPE + "assignments_per_task"]
FEE_PPM = 1e6 * (HIGH["platforms.<name>.requester_fee"] + HIGH["platforms.<name>.large_batch_fee"])
FEE_PPM += 1e6  # a royalty
LONGEST_LIFE_HOURS = 100_000
FARTHEST = 8.3

LARGEST: dict[str, float] = {
    # by numbers of things
    "country": MOST_COUNTRIES - 1, "requester_country": MOST_COUNTRIES - 1, "owner": MOST_COUNTRIES - 1,
    "zone": MOST_ZONES - 1, "segment": 15, "platform": 14, "type": 30, "tile": MOST_TILES - 1,
    "worker": MOST_ROWS, "first_taker": MOST_ROWS, "row": MOST_ROWS, "next": MOST_ROWS,
    "taker": MOST_ROWS, "slot": MOST_ROWS, "active": MOST_ROWS, "debit": MOST_ROWS, "credit": MOST_ROWS,
    "number": traits.JOINED_LATER + MOST_ROWS - 1, "collective": MOST_COUNTRIES * MOST_COLLECTIVES - 1,
    "requester": HIGH["requesters.count"],
    # by choices and flags
    "skill": HIGH[TYPE + "skill"], "bits": 15, "tertiary": 1, "always_on": 1, "arm": 1, "open": 1,
    "kind": len(KINDS) - 1, "debit_country": MOST_COUNTRIES - 1, "credit_country": MOST_COUNTRIES - 1,
    "retired": 1, "local": 1, "daily_life": 1, "newcomer": 1, "portable": 1, "member": 1,
    "served": 1, "many_workers": 1, "complies": 1, "fair": 1, "tools": 1, "standing": 2**31 - 1,
    # by parameters
    "patience": HIGH["workers.patience_high"], "fruitless": HIGH["workers.patience_high"],
    "fruitless_hours": HIGH["workers.patience_hours"], "weeks_below": 255, "accuracy": 255,
    "look_seconds": 3600, "session_minutes": 60 * HIGH["workers.daily_hours_cap"], "desired_minutes": 6720,
    "minutes": 60 * HIGH["workers.daily_hours_cap"], "approval_tasks": HIGH["requesters.approval_tasks"],
    "fee_ppm": FEE_PPM, "rank_hash": 2**32 - 1, "week_pay": traits.MOST_WEEK_PAY,
    "true_seconds": HIGH[TYPE + "median_seconds"],
    "estimated_seconds": HIGH[TYPE + "median_seconds"] / (0.3 * np.exp(-FARTHEST)),
    "own_seconds": 3600,  # kept of tasks that fit into the hour only
    # a batch's assignments
    **dict.fromkeys(
        ("left", "tasks", "assignments_per_task", "assignments", "submitted", "want", "shown_left"),
        BATCH_ASSIGNMENTS,
    ),
    **dict.fromkeys(("expired", "workers"), BATCH_ASSIGNMENTS),
    # by time: no task takes less than a second, no week is longer than a week
    **dict.fromkeys(("accepted", "rejected", "tasks_accepted", "tasks_rejected"), RUN_SECONDS),
    **dict.fromkeys(("paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds"), RUN_SECONDS),
    **dict.fromkeys(("idle_seconds", "night_seconds", "exposure_seconds"), RUN_SECONDS),
    **dict.fromkeys(("first_start", "t10", "t50", "t90", "t100"), RUN_SECONDS),
    **dict.fromkeys(("week_seconds", "week_paid_seconds"), WEEK_SECONDS),
    **dict.fromkeys(("session_start", "start_hour", "posted_hour", "closed_hour"), RUN_SECONDS / 3600),
    "expires_hour": RUN_SECONDS / 3600 + LONGEST_LIFE_HOURS, "joined_day": LONGEST_RUN_DAYS,
    "left_day": LONGEST_RUN_DAYS, "weeks": LONGEST_RUN_DAYS / 7 + 1,
    "duty": 3600, "searched": 3600, "start": 3600, "end": 3600,
    # a worker's part in a batch, with its flag
    "done": board.RETURNED + RUN_SECONDS / 1000,
}  # fmt: skip
"""The largest value that an allowed configuration can give a field narrower than 64 bits."""

NUMBERS = dict(LARGEST)

for shared in {part.field for part in traits.PARTS.values()}:
    parts = [(name, part) for name, part in traits.PARTS.items() if part.field == shared]
    LARGEST[shared] = sum(int(NUMBERS[name]) << part.first for name, part in parts)

RECORDS = {
    "WORKER": traits.WORKER, "HISTORY": traits.HISTORY, "REQUESTER": traits.REQUESTER,
    "PLATFORM": traits.PLATFORM, "COLLECTIVE": traits.COLLECTIVE, "TASK_TYPE": traits.TASK_TYPE,
    "LISTING": board.LISTING, "BATCH": board.BATCH, "TAKER": board.TAKER, "ACTIVE": board.ACTIVE,
    "EVENT": board.EVENT, "TAKEN": board.TAKEN, "FINISHED": board.FINISHED, "TRANSFER": TRANSFER,
}  # fmt: skip


def test_every_narrow_field_holds_what_may_come(exercised: Exercised) -> None:
    seen = 0
    for name, record in RECORDS.items():
        for field, (kind, *_) in (record.fields or {}).items():
            if kind.kind in "iu" and kind.itemsize < 8:
                assert field in LARGEST, f"{name}.{field}: say what it may hold at most"
                assert LARGEST[field] <= np.iinfo(kind).max, f"{name}.{field}"
                seen += 1
    exercised("narrow fields", seen, 115)


def test_every_number_that_shares_a_field_fits_its_part(exercised: Exercised) -> None:
    for name, part in traits.PARTS.items():
        least = LONG_AGO if name == "session_start" else 0
        assert part.holds(int(NUMBERS[name]), traits.WORKER) and part.holds(least, traits.WORKER), name
        assert not part.holds(1 << part.width, traits.WORKER), name
    exercised("numbers that share a field", len(traits.PARTS), 8)


@pytest.mark.parametrize("name", traits.PARTS)
def test_a_number_that_shares_a_field_leaves_the_others(name: str, exercised: Exercised) -> None:
    """What is written is read again, at the ends of what fits, and nothing beside it changes."""
    part, rows = traits.PARTS[name], np.zeros(4, traits.WORKER)
    signed = name == "session_start"
    least, most = (-(1 << 20), (1 << 20) - 1) if signed else (0, (1 << part.width) - 1)
    for before in (0, -1):
        rows.view(np.int8)[:] = before
        others = {other: traits.column_of(rows, other).tolist() for other in traits.PARTS if other != name}
        for value in (least, most, 1, 0):
            part.put(rows, np.array([0, 2]), np.array([value, value]))
            part.put(rows, 3, value)
            assert traits.column_of(rows, name)[[0, 2, 3]].tolist() == [value] * 3
            assert traits.column_of(rows[3], name) == value
            assert {other: traits.column_of(rows, other).tolist() for other in others} == others
            assert (rows[1].tobytes() == bytes([before % 256]) * traits.WORKER.itemsize) and value >= least
    exercised("values", 8, 8)


def test_kernels_and_columns_read_the_same_parts(exercised: Exercised) -> None:
    rows = np.random.default_rng(1).integers(0, 256, (100, traits.WORKER.itemsize), np.uint8)
    rows = rows.view(traits.WORKER)[:, 0]
    rules = {
        "skill": traits.skill_of,
        "segment": traits.segment_of,
        "platform": traits.platform_of,
        "week_paid_seconds": traits.week_paid_seconds_of,
        "weeks_below": traits.weeks_below_of,
        "session_start": traits.session_start_of,
        "session_minutes": traits.session_minutes_of,
    }
    plain = traits.unpacked(rows)
    assert plain.dtype.names and not {"session", "segment_platform"} & set(plain.dtype.names)
    for name, read in rules.items():
        assert [read(row) for row in rows.view(np.recarray)] == traits.column_of(rows, name).tolist()
        assert (plain[name] == traits.column_of(rows, name)).all()
    assert (plain["bits"] == rows["bits"] & 15).all()
    exercised("numbers read", len(rules) * len(rows), 700)


def refusal(**sections: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        build(Config, sections)
    return caught.value


def test_a_run_is_shorter_than_its_seconds_can_count() -> None:
    build(Config, {"time": {"days": LONGEST_RUN_DAYS - 10, "warmup_days": 10}})
    error = refusal(time={"days": LONGEST_RUN_DAYS - 9, "warmup_days": 10})
    assert error.path == "time.days"
    assert str(LONGEST_RUN_DAYS - 10) in error.allowed
    assert RUN_SECONDS < 2**31 < RUN_SECONDS + 86_400


@pytest.mark.parametrize(("platforms", "most"), [(2, 32_768), (15, 4369)])
def test_boards_times_platforms_fit_a_tile_number(platforms: int, most: int) -> None:
    names = {f"p{number}": {} for number in range(platforms)}
    build(Config, {"platforms": names, "market": {"boards": most}})
    error = refusal(platforms=names, market={"boards": most + 1})
    assert error.path == "market.boards"
    assert f"at most {most} " in error.allowed


def test_tiles_from_workers_fit_a_tile_number() -> None:
    count = 10_000_000
    least = -(-count // (MOST_TILES - 1))
    build(Config, {"workers": {"count": count}, "market": {"workers_per_board": least}})
    error = refusal(workers={"count": count}, market={"workers_per_board": least - 1})
    assert error.path == "market.workers_per_board"
    assert f"at least {least} " in error.allowed
    assert -(-count // least) + 1 <= MOST_TILES


def test_rewards_for_overstated_times_fit_64_bits() -> None:
    """The cheapest batches allowed, at the highest value and the wildest estimates."""
    kind = {"share": 1.0, "largest_batch": 1, "pay_factor": 2.0}
    requesters = {
        "value_usd_per_hour": 1000.0,
        "value_log_sigma": 1.5,
        "estimate_bias_log_sigma": 1.0,
        "estimate_bias_median": 0.3,
    }
    every = dict.fromkeys(Config().task_types, kind)
    error = refusal(requesters=requesters, task_types=every)
    assert error.path == "requesters.estimate_bias_median"
    least = float(error.allowed.split()[2])
    build(Config, {"requesters": requesters | {"estimate_bias_median": least * 1.001}, "task_types": every})
    stated_hours = 3000 / 3600 / (least * np.exp(-FARTHEST))
    dearest = 2 * 1000 * np.exp(1.5 * FARTHEST) * 1.5 * stated_hours * 1e6
    assert 0.99 * 2**62 < dearest < 1.01 * 2**62


def test_collectives_of_a_country_keep_keys_of_their_own() -> None:
    base = tiny(workers=4_000_000)
    segments = {"one": replace(base.segments["first_income"], share_north=1.0, collective_size=1)}
    with pytest.raises(UserError, match="too many collectives") as caught:
        make_tables(replace(base, segments=segments), load_world("north_south"))
    assert f"{MOST_COLLECTIVES:,}" in caught.value.allowed
    fewer = replace(segments["one"], collective_size=4)
    make_tables(replace(base, segments={"one": fewer}), load_world("north_south"))


def test_batches_of_a_requester_keep_identities_of_their_own() -> None:
    base = tiny(workers=100_000_000, requesters=1, days=20_000)
    world = load_world("north_south")
    with pytest.raises(UserError, match="more batches") as caught:
        make_requesters(base, world, make_tables(base, world))
    assert caught.value.path == "requesters.demand_share"
    share = float(caught.value.nearest.partition("=")[2])
    less = replace(base, requesters=replace(base.requesters, demand_share=0.99 * share))
    rows, _ = make_requesters(less, world, make_tables(less, world))
    assert 0.9 * traits.MOST_BATCHES < 20_000 * float(rows["base_batches"].max()) <= traits.MOST_BATCHES


def test_a_requester_that_runs_out_of_numbers_stops_the_run() -> None:
    model = ClickWorkModel(tiny())
    model.requester_rows["serial"][3] = traits.MOST_BATCHES + 1
    with pytest.raises(ModelError, match="numbered up to"):
        model.step()


def test_too_many_joiners_stop_the_run() -> None:
    model = ClickWorkModel(tiny())
    with pytest.raises(ModelError, match="numbered up to"):
        model.add_workers(0, MOST_ROWS)
    assert len(model.worker_rows) == 40


def test_workers_records_grow_by_an_eighth(exercised: Exercised) -> None:
    model = ClickWorkModel(tiny(workers=800))
    sizes = [len(model.worker_rows)]
    for _ in range(300):
        model.add_workers(0, 1)
        if len(model.worker_rows) != sizes[-1]:
            sizes.append(len(model.worker_rows))
    exercised("growths", len(sizes) - 1, 3)
    assert all(after <= before * (1 + SPARE_WORKERS) for before, after in pairwise(sizes))
    assert len(model.history_rows) == len(model.worker_rows)
    model.add_workers(0, 5000)
    assert len(model.worker_rows) == 6100


def test_grown_keeps_rows_and_doubles_unless_told(exercised: Exercised) -> None:
    rows = np.arange(100, dtype=np.int32)
    for needed, spare, size in ((101, 1.0, 200), (101, 0.125, 112), (150, 0.125, 150), (101, 0.0, 101)):
        larger = grown(rows, needed, spare)
        assert (len(larger), larger[:100].tolist()) == (size, rows.tolist())
    assert grown(rows, 100) is rows
    exercised("growths", 4, 4)


def test_zones_of_a_world_fit_a_byte(tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    lines = (TABLES_FOLDER / "north_south.csv").read_text(encoding="utf-8").splitlines()
    head = lines[0].split(",")
    zones = head.index("zones")
    names = [f"UTC+{minutes // 60:02d}:{minutes % 60:02d}" for minutes in range(MOST_ZONES)]

    def write(first: int) -> None:
        cells = [line.split(",") for line in lines[1:]]
        cells[0][zones] = "|".join(f"{name}:{1 / first:.9f}" for name in names[:first])
        cells[1][zones] = "UTC+00:00:1"
        file.write_text("\n".join(",".join(row) for row in [head, *cells]))

    write(MOST_ZONES - 1)
    assert len(load_world(file).zones) == MOST_ZONES
    write(MOST_ZONES)
    with pytest.raises(UserError, match="too many zones") as caught:
        load_world(file)
    assert caught.value.value == MOST_ZONES + 1
