"""The folder of a run: what is written is read back, nothing is ever half there, and damage is named."""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.errors import UserError
from sim.outcomes.frames import ADDED_WHOLE, COLUMNS, Column, FrameSet, empty, units
from sim.outcomes.indicators import by_type, summary
from sim.study import result as result_module
from sim.study.result import (
    PartWriter,
    RunResult,
    frame_file,
    load,
    read_frame,
    read_narrow,
    replacing,
    write_frame,
    write_json,
    write_manifest,
    write_recorded,
    write_text,
)
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.support.planting import planted

LATER = sorted(ADDED_WHOLE)
"""Tables that results of earlier versions lack."""

FLIPS = 120
TRUNCATIONS = 40


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return synthetic.frames(workers=300)


CONFIG_TEXT = """\
defaults: []
seed: 7
world:
  table: north_south
workers:
  count: 300
  real_count: 19e6
"""


def write_run(folder: Path, frames: FrameSet) -> None:
    folder.mkdir()
    for name in COLUMNS:
        write_recorded(name, getattr(frames, name), folder, {"seed": "7"})
    write_text(folder / "config.yaml", CONFIG_TEXT)
    write_json(folder / "summary.json", summary(frames, synthetic.world()))
    write_manifest(folder, {"seed": 7})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, year: FrameSet) -> Path:
    folder = tmp_path_factory.mktemp("results") / "seed=7"
    write_run(folder, year)
    return folder


def test_a_run_comes_back_as_it_was(run: Path, year: FrameSet) -> None:
    found = load(run)
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(year, name).reset_index(drop=True))
        assert list(getattr(found, name)) == list(COLUMNS[name])
    assert found.config["world"] == {"table": "north_south"}
    assert found.scale == year.scale == 19e6 / 300
    assert found.manifest["seed"] == 7
    assert found.summary == summary(year, synthetic.world())
    assert summary(found, synthetic.world()) == found.summary


def test_a_folder_whose_name_the_locale_cannot_write_is_read(run: Path, tmp_path: Path) -> None:
    """Arrow takes names as UTF-8 only."""
    place = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(run, place)
    name = next(run.glob("*.parquet")).name
    pd.testing.assert_frame_equal(read_frame(place / name), read_frame(run / name))


def test_columns_have_units(run: Path) -> None:
    found = load(run)
    assert found.workers.attrs["units"]["pay_microusd"] == "µ$"
    assert found.series.attrs["units"]["paid_seconds"] == "s"
    assert found.flows.attrs["units"]["kind"] == ""
    field = pq.read_schema(run / "workers.parquet").field("reservation_usd_per_hour")
    assert field.metadata[b"unit"] == b"USD/h"
    assert pq.read_schema(run / "workers.parquet").metadata[b"seed"] == b"7"


def test_tables_are_read_when_asked_for_and_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    real = result_module.read_frame
    monkeypatch.setattr(
        result_module, "read_frame", lambda path: (reads.append(Path(path).name), real(path))[1]
    )
    found = load(run)
    assert reads == []
    assert found.workers is found.workers
    assert reads == ["workers.parquet"]


def test_a_table_that_is_not_there_is_named(run: Path) -> None:
    with pytest.raises(UserError, match="workers") as caught:
        load(run).frame("worker")
    assert caught.value.nearest == "workers"


@pytest.mark.parametrize("typed", [True, False])
def test_a_run_without_rows_comes_back(tmp_path: Path, typed: bool) -> None:
    write_run(tmp_path / "empty", synthetic.nothing(typed))
    found = load(tmp_path / "empty")
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(found, name), empty(name))


def test_a_run_of_an_earlier_version_is_read(tmp_path: Path, year: FrameSet) -> None:
    """Its folder has no later tables, and its workers no transfers: empty, and 0."""
    write_run(tmp_path / "run", year)
    for name in LATER:
        (tmp_path / "run" / frame_file(name)).unlink()
    write_frame(
        year.workers.drop(columns="transfers_microusd"),
        tmp_path / "run" / "workers.parquet",
        {"pay_microusd": "µ$"},
    )
    write_manifest(tmp_path / "run", {"seed": 7})
    found = load(tmp_path / "run")
    for name in LATER:
        pd.testing.assert_frame_equal(getattr(found, name), empty(name))
        assert found.frame(name).attrs["units"] == units(name)
    pd.testing.assert_frame_equal(found.workers, year.workers)
    assert found.workers.attrs["units"]["transfers_microusd"] == "µ$"
    assert summary(found, synthetic.world()) == summary(year, synthetic.world())


def test_a_table_of_an_earlier_version_gets_what_came_later(tmp_path: Path, year: FrameSet) -> None:
    """Zeros in their place, with their unit."""
    later = synthetic.with_ai(year)
    write_run(tmp_path / "run", later)
    earlier = later.ai.drop(columns="labels_shared_hours")
    known = {name: unit for name, unit in units("ai").items() if name in earlier}
    write_frame(earlier, tmp_path / "run" / "ai.parquet", known)
    write_manifest(tmp_path / "run", {"seed": 7})
    found = load(tmp_path / "run")
    assert list(found.ai) == list(COLUMNS["ai"]) and not found.ai["labels_shared_hours"].any()
    pd.testing.assert_frame_equal(found.ai, later.ai)
    assert found.frame("ai").attrs["units"]["labels_shared_hours"] == "h"


@pytest.mark.parametrize("name", ["taxes.parquet", "incomes.parquet"])
def test_a_table_that_is_lost_is_not_taken_for_one_that_never_was(
    tmp_path: Path, year: FrameSet, name: str
) -> None:
    write_run(tmp_path / "run", synthetic.with_policy(year))
    (tmp_path / "run" / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load(tmp_path / "run")


@pytest.mark.parametrize("name", ["manifest.json", "config.yaml", "summary.json", "flows.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, year: FrameSet, name: str) -> None:
    write_run(tmp_path / "run", year)
    (tmp_path / "run" / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load(tmp_path / "run")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not the folder of a run"):
        load(tmp_path / "nowhere")


def read_all(folder: Path) -> RunResult:
    found = load(folder)
    for name in COLUMNS:
        found.frame(name)
    return found


@pytest.fixture
def files(run: Path) -> Iterator[dict[Path, bytes]]:
    kept = {path: path.read_bytes() for path in sorted(run.iterdir())}
    yield kept
    for path, content in kept.items():
        path.write_bytes(content)


def damage_is_found(run: Path, path: Path, damaged: bytes, whole: bytes) -> bool:
    """Say whether a damaged file is refused by a short message that names it."""
    path.write_bytes(damaged)
    message = ""
    try:
        read_all(run)
    except UserError as error:
        message = str(error)
    path.write_bytes(whole)
    return path.name in message and len(message.splitlines()) <= 5


def test_one_flipped_bit_anywhere_is_found(run: Path, files: dict[Path, bytes], capsys: Any) -> None:
    draw = random.Random(3)
    found = 0
    for number in range(FLIPS):
        path, content = list(files.items())[number % len(files)]
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        found += damage_is_found(run, path, bytes(flipped), content)
    print(f"flipped bits found: {found} of {FLIPS} in {len(files)} files")
    assert found == FLIPS


def test_a_file_cut_short_is_found(run: Path, files: dict[Path, bytes]) -> None:
    draw = random.Random(4)
    found = 0
    for number in range(TRUNCATIONS):
        path, content = list(files.items())[number % len(files)]
        found += damage_is_found(run, path, content[: draw.randrange(len(content))], content)
    print(f"cuts found: {found} of {TRUNCATIONS}")
    assert found == TRUNCATIONS


def test_page_checksums_find_damage_without_a_manifest(tmp_path: Path) -> None:
    """Flip a bit inside the values themselves: Parquet alone would give another number."""
    path = tmp_path / "a.parquet"
    values = np.random.default_rng(0).integers(0, 2**60, 5000)
    write_frame({"x": values}, path, {"x": "s"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.parquet is damaged"):
        read_frame(path)


def test_a_manifest_that_does_not_know_a_file_is_refused(tmp_path: Path, year: FrameSet) -> None:
    write_run(tmp_path / "run", year)
    (tmp_path / "run" / "flows.parquet").rename(tmp_path / "flows.parquet")
    write_manifest(tmp_path / "run", {"seed": 7})
    (tmp_path / "flows.parquet").rename(tmp_path / "run" / "flows.parquet")
    with pytest.raises(UserError, match=r"flows\.parquet is damaged: manifest\.json does not know it"):
        read_all(tmp_path / "run")


def test_a_table_without_its_columns_is_refused(tmp_path: Path, year: FrameSet) -> None:
    write_run(tmp_path / "run", year)
    write_frame(year.flows.drop(columns="kind"), tmp_path / "run" / "flows.parquet", {})
    write_manifest(tmp_path / "run", {"seed": 7})
    with pytest.raises(UserError, match="lacks the columns kind"):
        read_all(tmp_path / "run")


@pytest.mark.parametrize("text", ["seed: [", "- 1", "&a [*a, *a", "\x00", "a: !!python/object:os.system {}"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, year: FrameSet, text: str) -> None:
    write_run(tmp_path / "run", year)
    write_text(tmp_path / "run" / "config.yaml", text)
    write_manifest(tmp_path / "run", {"seed": 7})
    with pytest.raises(UserError, match=r"config\.yaml"):
        load(tmp_path / "run")


# ---------------------------------------------------------------- writing


def parts(count: int) -> list[pd.DataFrame]:
    return [
        synthetic.table("spells", {"worker": np.arange(5) + 10 * part, "country": "IND", "left_day": -1})
        for part in range(count)
    ]


def test_parts_make_one_table(tmp_path: Path) -> None:
    path = tmp_path / "spells.parquet"
    with PartWriter(path, COLUMNS["spells"], {"seed": "1"}) as writer:
        for part in parts(3):
            writer.append(part[list(reversed(part.columns))])
            assert not path.exists()
        writer.append(empty("spells"))
        assert writer.rows == 15
    pd.testing.assert_frame_equal(read_frame(path), pd.concat(parts(3), ignore_index=True))
    assert pq.ParquetFile(path).num_row_groups == 3
    assert read_frame(path).attrs["units"]["left_day"] == "day"
    assert os.listdir(tmp_path) == ["spells.parquet"]


def test_no_parts_make_an_empty_table(tmp_path: Path) -> None:
    with PartWriter(tmp_path / "spells.parquet", COLUMNS["spells"]):
        pass
    pd.testing.assert_frame_equal(read_frame(tmp_path / "spells.parquet"), empty("spells"))


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="unknown: country, wage"),
        PartWriter(tmp_path / "spells.parquet", COLUMNS["spells"]) as writer,
    ):
        writer.append(parts(1)[0].rename(columns={"country": "wage"}))
    assert os.listdir(tmp_path) == []


def old_file(folder: Path) -> Path:
    path = folder / "spells.parquet"
    path.write_bytes(b"the old content")
    return path


def write_parts(path: Path) -> None:
    with PartWriter(path, COLUMNS["spells"]) as writer:
        writer.append(parts(1)[0])


def write_whole(path: Path) -> None:
    write_frame(parts(1)[0], path, {})


def write_words(path: Path) -> None:
    write_text(path, "words")


WRITERS = [write_parts, write_whole, write_words]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], call: str
) -> None:
    path = old_file(tmp_path)

    def fail(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(UserError, match=r"spells\.parquet cannot be written: No space left"):
        write(path)
    assert path.read_bytes() == b"the old content"
    assert os.listdir(tmp_path) == ["spells.parquet"]


def test_a_disk_that_fills_up_between_parts_leaves_nothing(tmp_path: Path) -> None:
    """The limit on the size of a file stands in for the disk; parts of random numbers do not compress."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    draw = np.random.default_rng(1)

    def write() -> None:
        with PartWriter(tmp_path / "a.parquet", {"x": Column("int64")}) as writer:
            for _ in range(20):
                writer.append({"x": draw.integers(0, 2**62, 10_000)})

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        with pytest.raises(UserError, match=r"a\.parquet cannot be written: File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    gc.collect()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("write", WRITERS)
def test_contents_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        if calls[-1] == "file":
            assert os.fstat(descriptor).st_size > 0
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        assert Path(source).parent == Path(target).parent
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write(tmp_path / "spells.parquet")
    assert calls == ["file", "rename", "folder"]


def test_an_interrupted_block_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "a.txt") as file:
            file.write(b"half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.a\.txt cannot be written: No such file"):
        write_text(tmp_path / "nowhere" / "a.txt", "")


def test_json_refuses_what_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert os.listdir(tmp_path) == []


def test_the_manifest_knows_files_in_folders(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    write_text(tmp_path / "figures" / "a.svg", "<svg/>")
    write_manifest(tmp_path, {"seed": 1})
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert list(written["files"]) == ["figures/a.svg"]
    assert frame_file("flows") == "flows.parquet"


# ---------------------------------------------------------------- long tables

EDGE = 2**31
NARROW = {
    "fits": [-EDGE, 0, EDGE - 1],
    "too_high": [0, 0, EDGE],
    "too_low": [-EDGE - 1, 0, 0],
    "share": [0.1, float("nan"), 1.0],
    "word": ["b", "a", "b"],
    "arm": np.array([0, 1, 0], np.int8),
}


def check_narrow(module: Any, folder: Path) -> int:
    """The same values as by `read_frame`, each as narrow as its column allows; parts come as one table."""
    columns = {
        name: Column("str" if name == "word" else np.asarray(NARROW[name]).dtype.name) for name in NARROW
    }
    path = folder / "long.parquet"
    with PartWriter(path, columns) as part:
        for _ in range(3):
            part.append(pd.DataFrame(NARROW))
    wide, narrow = read_frame(path), module.read_narrow(path)
    assert list(wide.columns) == list(narrow.columns)
    for name in wide:
        same = narrow[name].astype(wide[name].dtype)
        pd.testing.assert_series_equal(same, wide[name], check_names=False)
    kinds = {name: str(narrow[name].dtype) for name in narrow}
    assert kinds == {
        "fits": "int32", "too_high": "int64", "too_low": "int64", "share": "float64", "word": "category",
        "arm": "int8",
    }  # fmt: skip
    return narrow.size


def test_long_tables_are_read_narrow(tmp_path: Path, exercised: Exercised) -> None:
    exercised("values", check_narrow(result_module, tmp_path), 54)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('and bounds["max"] < 2**31', 'and bounds["max"] <= 2**31'),
        ('bounds["min"] >= -(2**31)', 'bounds["min"] >= -(2**40)'),
        ("column.combine_chunks().dictionary_encode()", "column"),
    ],
)
def test_planted_bugs_in_narrow_reading_are_noticed(old: str, new: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pa.ArrowException)):
        check_narrow(planted(result_module, old, new), tmp_path)


def test_indicators_are_the_same_of_narrow_tables(
    tmp_path: Path, year: FrameSet, exercised: Exercised
) -> None:
    """Also where whole numbers of 32 bits would not hold a product; in less than half the memory."""
    batches = year.batches.copy()
    batches.loc[batches.index[:5], ["tasks", "assignments_per_task"]] = 1_000_000
    write_recorded("batches", batches, tmp_path)
    path = tmp_path / frame_file("batches")
    wide, narrow = (replace(year, batches=read(path)) for read in (read_frame, read_narrow))
    found = summary(narrow, None)
    assert found == summary(wide, None)
    pd.testing.assert_frame_equal(by_type(narrow), by_type(wide))
    sizes = [int(frames.batches.memory_usage(deep=True).sum()) for frames in (narrow, wide)]
    assert 2 * sizes[0] < sizes[1], sizes
    exercised("batches", len(batches), 100)
    exercised("indicators", len(found), 100)
