"""What a sweep would do: engines and their options, and what a dry run says of them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sim import cli_sweep
from sim.cli import main
from sim.config import Config
from sim.errors import UserError
from sim.study import engine, pilot, sweep
from sim.study.points import Composer, read_study
from sim.study.store import RUNS, Store, commit
from tests.conftest import Exercised
from tests.support.planting import planted

TINY = ["world=north_south", "workers.count=30", "requesters.count=4", "time.days=2", "time.warmup_days=0"]

UNHEEDED = [
    (("serial", 7, "", 0), "jobs"),
    (("serial", 0, "", 4096), "memory"),
    (("dask", 2, "tcp://127.0.0.1:1", 0), "jobs"),
    (("dask", 0, "tcp://127.0.0.1:1", 4096), "memory"),
    (("local", 0, "tcp://127.0.0.1:1", 0), "address"),
    (("serial", 0, "s.json", 0), "address"),
    (("local", 100_000, "", 0), "jobs"),
    (("dask", 100_000, "", 0), "jobs"),
]
"""Engine, jobs, address and memory; and which of them is refused."""

HEEDED = [
    ("serial", 1, "", 0),
    ("local", 4, "", 4096),
    ("dask", 4, "", 4096),
    ("dask", 0, "tcp://127.0.0.1:1", 0),
]


def check_options(module: ModuleType) -> int:
    """Each option is heeded, or refused in a sentence before anything starts."""
    for options, path in UNHEEDED:
        with pytest.raises(UserError) as refusal:
            module.check_options(*options)
        assert refusal.value.path == path
        assert len(str(refusal.value).splitlines()) <= 4
    for options in HEEDED:
        module.check_options(*options)
    return len(UNHEEDED) + len(HEEDED)


def test_what_an_engine_does_not_heed_is_refused(exercised: Exercised) -> None:
    exercised("options", check_options(engine), 12)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('if where and name != "dask"', 'if where and name == "local"'),
        ('if workers > 1 and name == "serial"', 'if workers > 1000 and name == "serial"'),
        ("if workers and where", "if workers > 2 and where"),
        ('if memory_mib and name == "serial"', "if False"),
        ("if memory_mib and where", "if False"),
        ("if workers > most", "if workers > 10**9"),
    ],
)
def test_options_that_are_passed_over_are_noticed(old: str, new: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_options(planted(engine, old, new))


class Clock:
    """A clock by which each look is ten minutes after the last."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 600.0
        return self.now


PLANS = [
    (["engine=serial"], 18, 1, "in this process (serial)"),
    (["engine=local", "jobs=4"], 18, 4, "on 4 processes (local)"),
    (["engine=dask", "jobs=3"], 18, 3, "on 3 processes (dask)"),
    (["engine=serial", "--shard", "2/4"], 5, 1, "in this process (serial), 5 runs of shard 2/4"),
    (["engine=local", "jobs=2", "--shard", "3/4"], 4, 2, "on 2 processes (local), 4 runs of shard 3/4"),
]
"""Words, the runs that they play, how many at once, and what is said of it. A run takes ten minutes."""


def check_plan(runs: int, at_once: int, told: str, out: str) -> None:
    hours = dt.timedelta(seconds=600 * -(-runs // at_once))
    last = out.splitlines()[-1]
    assert last == f"about 600 seconds a run, as the first point takes here; {hours} {told}"
    points = re.findall(r"^  point (\d+): market\.looks=(\d+), workers\.broker_cut=(.*)$", out, re.MULTILINE)
    assert points == [("0", "5", "0.1"), ("1", "5", "0.2"), ("2", "6", "0.1"), ("5", "7", "0.2")]
    assert "6 points (grid), 3 seeds: 18 runs" in out
    assert out.count("...") == 1


def plan(module: ModuleType, words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    swept = ["market.looks=5,6,7", "workers.broker_cut=0.1,0.2", "seeds=3", f"results.dir={folder}"]
    assert module.sweep([*TINY, *swept, *words, "--dry-run"], Path) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("words", "runs", "at_once", "told"), PLANS)
def test_a_dry_run_tells_who_would_play_what_and_how_long(
    words: list[str],
    runs: int,
    at_once: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli_sweep, "time", Clock())
    out = plan(cli_sweep, words, tmp_path / "r", capsys)
    check_plan(runs, at_once, told, out)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("case", "old", "new"),
    [
        (0, 'if name == "serial":\n        return 1', 'if name == "serial":\n        return jobs'),
        (1, "math.ceil(left / workers)", "left"),
        (0, "count - 1)), count - 1)", "count - 1)), 0)"),
    ],
    ids=["one on all cores", "all on one", "another last point"],
)
def test_plans_that_say_otherwise_are_noticed(
    case: int,
    old: str,
    new: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = planted(cli_sweep, old, new)
    vars(module)["time"] = Clock()
    words, runs, at_once, told = PLANS[case]
    out = plan(module, words, tmp_path / "r", capsys)
    with pytest.raises(AssertionError):
        check_plan(runs, at_once, told, out)


def check_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is no part of the time; what failed is one if it is to be played again."""
    words = [*TINY, "market.looks=5,6", "seeds=3", f"results.dir={tmp_path / 'r'}", "engine=serial"]

    def left(*more: str) -> int | None:
        """Return how many runs are said to be left; None where nothing was begun."""
        assert cli_sweep.sweep([*words, *more, "--dry-run"], Path) == 0
        out = capsys.readouterr().out
        found = re.search(r"begun in .*: (\d+) runs? of it left", out)
        assert ("seconds a run" in out) == (found is None or found[1] != "0")
        return int(found[1]) if found else None

    assert left() is None and left("--shard=1/2") is None
    assert cli_sweep.sweep([*words, "--shard=1/2"], Path) == 0
    assert (left("--shard=1/2"), left("--shard=2/2"), left()) == (0, 3, 3)
    assert left("fresh=true") is None and left("seeds=4") is None
    assert cli_sweep.sweep(words, Path) == 0
    assert (left(), left("retry_failed=true")) == (0, 0)
    (folder,) = (tmp_path / "r").iterdir()
    (part,) = Store(folder).parts()
    rows = part.read()
    failed = pa.array(["failed", *rows["status"].to_pylist()[1:]])
    part.path.unlink()
    commit(folder / RUNS, rows.set_column(rows.column_names.index("status"), "status", failed), 0)
    assert (left(), left("retry_failed=true")) == (0, 1)


def test_a_dry_run_counts_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_left(tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("runs[runs % of == number - 1] // study.seeds", "runs // study.seeds"),
        ("            state = Store(folder).state()\n    runs", "            pass\n    runs"),
        ("state % 2 == 0 if settings.retry_failed else state == 0", "state == 0"),
    ],
    ids=["a shard as the whole", "all of it", "what failed"],
)
def test_other_counts_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sweep, "left_to_play", planted(sweep, old, new).left_to_play)
    with pytest.raises(AssertionError):
        check_left(tmp_path, capsys)


def check_pilots(module: ModuleType) -> None:
    """Where size varies the smallest and the largest are played; what takes too long is reckoned."""
    played: list[float] = []

    def play(config: Config) -> float:
        played.append(module.size_of(config))
        return 0.01 + 1e-5 * played[-1]

    def found(*words: str) -> Any:
        played.clear()
        composer = Composer(read_study([*TINY, *words]))
        points = np.arange(len(composer.points))
        sizes = [module.size_of(composer.config_of_point(point)) for point in points.tolist()]
        told = module.expected(composer, points, np.full(len(points), 3), play)
        each = 0.01 + 1e-5 * np.array(sizes)
        assert (told.least, told.most) == pytest.approx((each.min(), each.max()))
        assert told.total == pytest.approx(3 * each.sum())
        assert sum(0.01 + 1e-5 * size for size in played) < 3 * module.PILOT_SECONDS
        return told.told, max(sizes)

    told, _ = found("market.looks=4,5")
    assert told == "as the first point takes here" and len(played) == 1
    for words in (["workers.count=300,40,90"], ["time.days=3,90"], ["time.warmup_days=40,0"]):
        told, largest = found(*words)
        assert told == "as the smallest and the largest point take here"
        assert len(played) == 2 and played[1] == largest > played[0]
    for words in (["workers.count=50,400000000"], ["time.days=20000,2", "workers.count=4000,40"]):
        told, largest = found(*words)
        assert told == "reckoned by workers and days from shorter runs here"
        assert 50 * played[0] < max(played) < largest
    told, _ = found("requesters.count=8,80000000")
    assert told.startswith("reckoned")


def test_sizes_are_known_before_times_are_told() -> None:
    check_pilots(pilot)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return float(agents * (config.time.days + config.time.warmup_days))", "return float(agents)"),
        ("larger = shrunk(large, size * PILOT_SECONDS / max(seconds, TINY))", "larger = large"),
        ("    return least + slope * (sizes - low)", "    return least + 0 * (sizes - low)"),
        ("WORKERS_A_REQUESTER * requester_count(config)\n", "0\n"),
    ],
)
def test_times_of_the_first_point_alone_are_noticed(old: str, new: str) -> None:
    with pytest.raises(AssertionError):
        check_pilots(planted(pilot, old, new))


def test_of_many_points_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "MOST_LOOKED_AT", 11)
    composer = Composer(read_study([*TINY, "workers.count=range(100,201)"]))
    told = pilot.expected(
        composer, np.arange(101), np.full(101, 2), lambda config: config.workers.count / 1000
    )
    assert (told.least, told.most, told.total) == pytest.approx((0.1, 0.2, 2 * 101 * 0.15))


def test_one_point_and_a_count_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["sweep", *TINY, "seeds=1", f"results.dir={tmp_path / 'r'}", "engine=serial", "--dry-run"]) == 0
    )
    out = capsys.readouterr().out
    assert "1 point (grid), 1 seed: 1 run\n  point 0: nothing varies\n" in out
