"""What a sweep would do: engines and their options, and what a dry run says of them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import ModuleType

import pytest

from sim import cli_sweep
from sim.cli import main
from sim.errors import UserError
from sim.study import engine
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
    assert last == f"about 6e+02 seconds a run, as the first point takes here; {hours} {told}"
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
        (1, "math.ceil(mine / workers)", "mine"),
        (3, "len(range(number - 1, len(composer), of))", "len(composer)"),
        (0, "count - 1)), count - 1)", "count - 1)), 0)"),
    ],
    ids=["one on all cores", "all on one", "a shard as the whole", "another last point"],
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


def test_one_point_and_a_count_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["sweep", *TINY, "seeds=1", f"results.dir={tmp_path / 'r'}", "engine=serial", "--dry-run"]) == 0
    )
    out = capsys.readouterr().out
    assert "1 point (grid), 1 seed: 1 run\n  point 0: nothing varies\n" in out
