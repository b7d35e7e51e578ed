"""Sweeps with real runs: the same bytes from every engine and after every accident."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import io
import json
import logging
import math
import multiprocessing
import os
import random
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim import cli_sweep, validation
from sim.cli import main
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.schema import describe
from sim.study import analysis, engine, points, reading, result, sources, store, sweep
from sim.study.lock import locked
from sim.study.points import Study, read_study
from sim.study.reading import Sweep, load_sweep
from sim.study.result import MANIFEST, load
from sim.study.store import RUNS, Store
from sim.study.sweep import AHEAD, PARTLY, Settings, execute, outcomes_of, sober
from tests.conftest import Exercised
from tests.support.planting import planted
from tests.support.processes import INHERITED, ROOT

WORDS = [
    "world=north_south", "workers.count=30", "requesters.count=4", "time.days=2", "time.warmup_days=0",
    "requesters.pay_usd_per_hour=1,2,4", "platforms.microwork.requester_fee=0.1,0.3", "seeds=2",
]  # fmt: skip
COUNT = 12
QUIET = Settings(quiet=True)

TROUBLE = """
import os, signal, time
from pathlib import Path
from sim.plugins import acceptance_rule
from sim.study import sweep

@acceptance_rule("plain")
def plain(log_perceived_pay, log_reservation):
    return log_perceived_pay >= log_reservation

real = getattr(sweep, "real_outcomes", sweep.outcomes_of)
sweep.real_outcomes = real

def outcomes_of(config, rules=None, series_of=None):
    if config.requesters.pay_usd_per_hour == 2.0 and config.seed == 2:
        {trouble}
    return real(config, None, series_of)

sweep.outcomes_of = outcomes_of
"""
"""A plug-in that makes trouble in the worker that plays a certain run: two of the twelve."""


RULE = """
from sim.plugins import acceptance_rule

@acceptance_rule("rule")
def rule(log_perceived_pay, log_reservation):
    return log_perceived_pay >= log_reservation
"""


def study_in(folder: Path, *more: str) -> Study:
    return read_study([*WORDS, f"results.dir={folder}", *more])


def bytes_of(folder: Path) -> bytes:
    """All rows, as one file."""
    store = Store(folder)
    (part,) = store.parts()
    return part.path.read_bytes()


@pytest.fixture(autouse=True)
def _mended(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plug-in does to this process does not last."""
    monkeypatch.setattr(sweep, "outcomes_of", sweep.outcomes_of)
    monkeypatch.setattr(sweep, "real_outcomes", sweep.outcomes_of, raising=False)


@pytest.fixture
def of_a_cluster() -> Iterator[None]:
    """Close here what Dask gave up: on a slow machine Python would find it open during some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nothing disturbed, in this process."""
    folder, code = execute(study_in(tmp_path_factory.mktemp("plain")), engine.Serial, QUIET)
    assert code == 0
    return folder


def test_what_only_a_policy_brings_is_what_it_is_without_one(tmp_path: Path) -> None:
    """No tax brings no revenue: stored as 0, as comparisons have it, and the manifest tells that it is so."""
    words = ["policy=none,usage_tax", "workers.count=60", "time.days=32", "time.warmup_days=0"]
    study = read_study(["world=north_south", "requesters.count=8", *words, f"results.dir={tmp_path}"])
    folder, code = execute(study, engine.Serial, QUIET)
    found = load_sweep(folder)
    revenue = found.outcomes["tax_revenue_per_year"]
    assert code == 0 and revenue[0] == 0.0 and revenue[1] > 0.0
    assert found.manifest["without"]["tax_revenue_per_year"] == 0.0
    (row,) = analysis.sensitivity(found, "tax_revenue_per_year").to_dict("records")
    assert row["index"] == pytest.approx(revenue[1])
    told = analysis.without_told(found, ["tax_revenue_per_year"])
    assert told == "tax_revenue_per_year is 0 where no policy brings it about."
    assert not analysis.left_out(found, ["tax_revenue_per_year"])


def check_null_is_told(module: ModuleType, folder: Path) -> None:
    """A setting that is not set has its word in the tables of a sweep's folder, as it would be typed."""
    module.write_summary(Store(folder))
    lines = (folder / module.SUMMARY_CSV).read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["requesters.count", "4", "null"]
    assert module.load_sweep(folder).experiments["requesters.count"].tolist() == ["4", "null"]


def test_null_is_a_value(tmp_path: Path, exercised: Exercised) -> None:
    words = [word for word in WORDS[:5] if "requesters" not in word]
    study = read_study([*words, "requesters.count=4,null", f"results.dir={tmp_path}"])
    folder, code = execute(study, engine.Serial, QUIET)
    assert code == 0
    check_null_is_told(reading, folder)
    with pytest.raises(AssertionError):
        check_null_is_told(planted(reading, "texts[name].fillna(NULL)", "texts[name]"), folder)
    exercised("planted bugs", 1, 1)


def test_rows_are_those_of_single_runs(plain: Path) -> None:
    found = load_sweep(plain)
    assert len(found.experiments) == COUNT
    for run in (0, 5, 11):
        row = found.experiments.loc[run]
        config = compose(
            [
                *WORDS[:5],
                f"requesters.pay_usd_per_hour={row['requesters.pay_usd_per_hour']}",
                f"platforms.microwork.requester_fee={row['platforms.microwork.requester_fee']}",
                f"seed={row['seed']}",
            ]
        )
        outcomes, _ = outcomes_of(sober(config))
        assert np.array_equal(
            found.outcomes.loc[run].to_numpy(), np.array(list(outcomes.values())), equal_nan=True
        )
    assert found.outcomes.attrs["units"]["pay_all_in_median"] == "USD/h"
    units = found.experiments.attrs["units"]
    assert units["requesters.pay_usd_per_hour"] == "USD/hour"
    assert set(units) == set(found.experiments.columns)
    assert units["platforms.microwork.requester_fee"] == declared_unit("platforms.<name>.requester_fee")
    assert units["status"] == ""
    assert found.experiments["run_id"].is_unique
    points, means = found.means()
    assert list(points.columns) == found.axes
    assert len(means) == COUNT // 2


def declared_unit(path: str) -> str:
    (row,) = (row for row in describe(Config) if row.path == path)
    return row.limits.unit


def test_units_that_are_made_up_are_noticed(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bug in (lambda path: "", lambda path: "USD/hour"):
        monkeypatch.setattr(reading, "unit_of", bug)
        with pytest.raises(AssertionError):
            test_rows_are_those_of_single_runs(plain)


def test_the_same_bytes_from_processes(plain: Path, tmp_path: Path) -> None:
    """R3."""
    folder, _ = execute(study_in(tmp_path), lambda: engine.Local(2), QUIET)
    assert bytes_of(folder) == bytes_of(plain)


@pytest.mark.usefixtures("of_a_cluster")
def test_the_same_bytes_from_dask(plain: Path, tmp_path: Path) -> None:
    """R3: Two workers started by hand, found by the scheduler's file; the coordinator goes on from a part."""
    pytest.importorskip("distributed")
    first, _ = execute(study_in(tmp_path), engine.Serial, QUIET)
    (part,) = Store(first).parts()
    table = part.read()
    sweep.commit(first / RUNS, table.slice(3, 5), 3)
    part.path.unlink()
    with cluster(tmp_path / "scheduler.json"):
        again, code = execute(
            study_in(tmp_path), lambda: engine.Dask(str(tmp_path / "scheduler.json"), 2), QUIET
        )
    assert (again, code) == (first, 0)
    assert bytes_of(again) == bytes_of(plain)
    for name in ("distributed.client", "tornado.application", "asyncio"):
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR), f"{name} may log a traceback"


@contextmanager
def cluster(
    file: Path, nanny: str = "--no-nanny", more: Sequence[str] = (), of: dict[str, str] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A scheduler and two workers, started as docs/cluster.md says, listening to this machine alone.

    ``more`` words for the scheduler, and the environment ``of`` all.
    """
    scheduler = [*documented("scheduler", file), "--port", "0", *more]
    worker = [*documented("worker", file), nanny]
    settings = environment() | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"} | (of or {})
    started = [
        subprocess.Popen(
            [sys.executable, *words], env=settings, cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for words in (scheduler, worker, worker)
    ]  # fmt: skip
    try:
        yield started
        assert listening_elsewhere([process.pid for process in started]) == []
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=60)


LOOPBACK = ("0100007F", "0" * 24 + "01000000")


def documented(program: str, file: Path) -> list[str]:
    """The words after `python` by which docs/cluster.md starts a scheduler or a worker by hand."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(rf"^    python (-m distributed\.cli\.dask_{program} .*)$", text, re.MULTILINE)
    return [str(file) if word == "scheduler.json" else word for word in line.split()]


def listening_elsewhere(processes: list[int]) -> list[str]:
    """Addresses (hexadecimal) beside the loopback where these processes or their children listen."""
    sockets = set()
    for process in processes:
        place = Path(f"/proc/{process}")
        with contextlib.suppress(OSError):  # it has been killed
            processes += map(int, (place / "task" / place.name / "children").read_text().split())
            for file in (place / "fd").iterdir():
                with contextlib.suppress(OSError):  # it has just been closed
                    sockets.add(str(file.readlink()))
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()
    ]
    return [
        words[1]
        for words in lines
        if words[3] == "0A"
        and f"socket:[{words[9]}]" in sockets
        and words[1].partition(":")[0] not in LOOPBACK
    ]


def test_who_listens_elsewhere_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert listening_elsewhere([os.getpid()]) == []
        with socket.create_server(("0.0.0.0", 0)):
            assert len(listening_elsewhere([os.getpid()])) == 1


def test_shards_share_a_folder(plain: Path, tmp_path: Path) -> None:
    folders = set()
    for number in (3, 1, 2):
        folder, _ = execute(study_in(tmp_path), engine.Serial, Settings(shard=(number, 3), quiet=True))
        folders.add(folder)
    assert folders == {folder}
    assert bytes_of(folder) == bytes_of(plain)


def check_shard_status(module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each shard has a status of its own, which tells of the whole sweep; the command adds them up."""
    for number, done in ((3, 4), (1, 8)):
        folder, _ = module.execute(study_in(tmp_path), engine.Serial, Settings(shard=(number, 3), quiet=True))
        status = json.loads((folder / f"status-{number}-of-3.json").read_text())
        assert (status["total"], status["done"], status["shard"]) == (COUNT, done, [number, 3])
    store, shards = Store(folder), {"1/3": 1.0, "2/3": 0.0, "3/3": 3.0}
    for shard, speed in shards.items():
        store.write_status({"runs_per_second": speed, "done": 4}, shard)
    with locked(folder, "1/3"), locked(folder, "3/3"):
        assert main(["status", str(folder)]) == 0
    who = f"process {os.getpid()} on {socket.gethostname()}"
    assert f"being played by {who}, {who}, 4 runs a second: 0:00:01 left" in capsys.readouterr().out
    with locked(folder, "3/3"):
        (folder / "locks" / "shard-1-of-3").write_text("")
        assert main(["status", str(folder)]) == 0
    assert f"being played by {who}, 3 runs a second: 0:00:01 left" in capsys.readouterr().out


def test_each_shard_has_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_shard_status(sweep, tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"total": len(self.composer)', '"total": self.total + self.before'),
        (', f"{number}/{of}" if of > 1 else "")', ")"),
    ],
    ids=["of its own runs", "one for all"],
)
def test_a_status_that_others_overwrite_is_noticed(
    old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((AssertionError, OSError)):
        check_shard_status(planted(sweep, old, new), tmp_path, capsys)


def test_what_is_damaged_is_mended_by_shards(plain: Path, tmp_path: Path) -> None:
    """The same bytes under the same name, once played again; what nobody needs is set aside."""
    folder, _ = execute(study_in(tmp_path), engine.Serial, Settings(shard=(1, 2), quiet=True))
    part = Store(folder).parts()[0]
    whole = part.path.read_bytes()
    part.path.write_bytes(whole[:-1])
    other = part.path.with_name(part.path.name.replace(part.sha256, "0" * len(part.sha256)))
    other.write_bytes(whole)
    assert len(Store(folder).damaged()) == 2
    execute(study_in(tmp_path), engine.Serial, Settings(shard=(1, 2), quiet=True))
    assert part.path.read_bytes() == whole
    _, code = execute(study_in(tmp_path), engine.Serial, Settings(shard=(2, 2), quiet=True))
    assert code == 0
    assert bytes_of(folder) == bytes_of(plain)


def test_shards_that_begin_together_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second looks for the sweep's folder before the first has made it, and makes none of its own."""
    real, looked = sweep.begun, []

    def begun(results: Path, manifest: dict[str, object]) -> Path | None:
        found = real(results, manifest)
        looked.append(found)
        if len(looked) == 1:  # just now another shard begins, and makes the folder
            execute(study_in(tmp_path), engine.Serial, Settings(shard=(2, 2), quiet=True))
        return found

    monkeypatch.setattr(sweep, "begun", begun)
    folder, code = execute(study_in(tmp_path), engine.Serial, Settings(shard=(1, 2), quiet=True))
    assert (code, len(looked)) == (0, 4)
    assert list(tmp_path.iterdir()) == [folder]
    assert len(load_sweep(folder).experiments) == COUNT


def test_shards_that_end_together_leave_the_end_to_one(plain: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(plain, tmp_path / plain.name)
    (folder / "summary.csv").unlink()
    with locked(folder, "1/2"):
        sweep._finish_after_shards(folder, QUIET)
        assert not (folder / "summary.csv").exists()
    sweep._finish_after_shards(folder, QUIET)
    assert (folder / "summary.csv").exists()


@pytest.mark.parametrize("address", ["garbage", "tcp://127.0.0.1:1", "nowhere.json", "list.json"])
@pytest.mark.usefixtures("of_a_cluster")
def test_without_a_scheduler_nothing_is_written(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "SCHEDULER_SECONDS", 0.2)
    Path("list.json").write_text("[]")
    with pytest.raises(UserError, match="no scheduler that answers") as refusal:
        execute(study_in(tmp_path / "results"), lambda: engine.Dask(address, 1), QUIET)
    assert refusal.value.path == "address"
    assert not (tmp_path / "results").exists()


def test_the_same_command_has_nothing_to_do(plain: Path) -> None:
    study = study_in(plain.parent)
    folder, code = execute(study, lambda: pytest.fail("nothing is left to play"), QUIET)
    assert (folder, code) == (plain, 0)


def test_series_are_kept_when_asked_for(tmp_path: Path) -> None:
    folder, _ = execute(study_in(tmp_path), engine.Serial, Settings(keep_series=True, quiet=True))
    series = load_sweep(folder).series()
    assert sorted(series["run"].unique()) == list(range(COUNT))
    assert series["run"].is_monotonic_increasing
    with pytest.raises(UserError, match="series=true"):
        load_sweep(execute(study_in(tmp_path), engine.Serial, QUIET)[0]).series()


def test_a_sweep_that_runs_can_be_read(plain: Path, tmp_path: Path) -> None:
    folder, _ = execute(study_in(tmp_path), engine.Serial, Settings(shard=(1, 2), quiet=True))
    found = load_sweep(folder)
    assert isinstance(found, Sweep)
    experiments, outcomes = found
    assert list(experiments.index) == list(outcomes.index) == [0, 2, 4, 6, 8, 10]
    whole = load_sweep(plain).outcomes
    assert outcomes.equals(whole.loc[outcomes.index])


# ---------------------------------------------------------------- trouble


def troubled(
    tmp_path: Path, trouble: str, settings: Settings, start: engine.Engine | None = None,
    module: ModuleType = sweep,
) -> Sweep:  # fmt: skip
    tmp_path.mkdir(exist_ok=True)
    plugin = tmp_path / "trouble.py"
    plugin.write_text(TROUBLE.replace("{trouble}", trouble))
    folder, code = module.execute(study_in(tmp_path), lambda: start or engine.Local(2), settings, [plugin])
    assert code == PARTLY
    return load_sweep(folder)


FIRST_OF_TWO = "if config.platforms['microwork'].requester_fee < 0.2: "
"""Trouble in one of the two runs, where each costs the start of several processes, or seconds of waiting."""


def check_trouble(found: Sweep, plain: Path, cause: str, runs: int = 2) -> None:
    """The runs in question failed, and say why; all others came out as ever."""
    failed = found.experiments["status"] == "failed"
    assert failed.sum() == runs
    bad = found.experiments[failed]
    assert set(bad["requesters.pay_usd_per_hour"]) == {2}
    assert set(bad["seed"]) == {2}
    assert all(cause in text for text in bad["error"])
    good = load_sweep(plain).outcomes.loc[found.outcomes[~failed].index]
    assert found.outcomes[~failed].equals(good)


def test_a_run_that_raises_becomes_a_row(plain: Path, tmp_path: Path) -> None:
    found = troubled(tmp_path, "raise ZeroDivisionError('poison')", QUIET, engine.Local(1))
    check_trouble(found, plain, "ZeroDivisionError: poison")
    assert "outcomes_of" in found.experiments["error"].dropna().iloc[0]


def test_a_run_that_kills_its_worker_becomes_a_row(plain: Path, tmp_path: Path) -> None:
    """F11."""
    found = troubled(tmp_path, f"{FIRST_OF_TWO}os.kill(os.getpid(), signal.SIGKILL)", QUIET)
    check_trouble(found, plain, "The worker died 3 times", runs=1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        self.engine.recover()\n", ""),
        ("self.deaths[run] >= DEATHS", "self.deaths[run] >= 0"),
        (
            "        dead = [future for future in finished if died(error_of(future))]\n",
            "        dead = []\n",
        ),
    ],
    ids=["no new processes", "innocents are given up with it", "a death is an error"],
)
def test_a_killed_worker_that_takes_more_with_it_is_noticed(
    old: str, new: str, plain: Path, tmp_path: Path
) -> None:
    """With processes that the system kills, as where memory has run out."""
    module = planted(sweep, old, new)
    module.play_chunk, module.get_ready = sweep.play_chunk, sweep.get_ready  # type: ignore[attr-defined]
    trouble = f"{FIRST_OF_TWO}os.kill(os.getpid(), signal.SIGKILL)"

    def check() -> None:
        check_trouble(troubled(tmp_path, trouble, QUIET, None, module), plain, "died 3 times", runs=1)

    with pytest.raises((AssertionError, BrokenProcessPool)):
        check()


def test_a_run_that_hangs_becomes_a_row(plain: Path, tmp_path: Path) -> None:
    """F13."""
    found = troubled(tmp_path, f"{FIRST_OF_TWO}signal.pause()", Settings(timeout_seconds=8.0, quiet=True))
    check_trouble(found, plain, "it took longer than 8 seconds", runs=1)


STUCK = "from sim.study import engine; engine.GRACE_SECONDS = 0.5; time.sleep(1e6)"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("trouble", "nanny", "cause"),
    [
        ("while True: pass", "--nanny", "it took longer than 20 seconds"),
        # A call that no exception reaches: the worker must go, and come again.
        (STUCK, "--nanny", "died 3 times"),
        (STUCK, "--no-nanny", "died 3 times"),
    ],
    ids=["in Python", "in a call", "in a call without a nanny"],
)
@pytest.mark.usefixtures("of_a_cluster")
def test_a_run_that_hangs_on_a_cluster_becomes_a_row(
    trouble: str, nanny: str, cause: str, plain: Path, tmp_path: Path
) -> None:
    """F13."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    with cluster(file, nanny) as (_, *workers):
        settings = Settings(timeout_seconds=20.0, quiet=True)
        found = troubled(tmp_path, trouble, settings, engine.Dask(str(file), 2))
        assert [worker.poll() for worker in workers] == [None, None]
    check_trouble(found, plain, cause)


TOO_MUCH = "import mmap; mmap.mmap(-1, 16 << 30, flags=mmap.MAP_PRIVATE | 0x4000)"
"""More address space than a worker may have; 0x4000, MAP_NORESERVE, since no memory is to be used."""


def test_a_run_without_memory_becomes_a_row(plain: Path, tmp_path: Path, exercised: Exercised) -> None:
    """F11."""
    found = troubled(tmp_path, TOO_MUCH, QUIET, engine.Local(2, memory_mib=8 * 1024))
    check_trouble(found, plain, "Cannot allocate memory")
    exercised("innocent runs beside them", int((found.experiments["status"] == "done").sum()), COUNT - 2)


@pytest.mark.usefixtures("of_a_cluster")
def test_a_run_without_memory_on_dask_becomes_a_row(plain: Path, tmp_path: Path) -> None:
    """F11."""
    pytest.importorskip("distributed")
    found = troubled(tmp_path, TOO_MUCH, QUIET, engine.Dask("", 2, memory_mib=8 * 1024))
    check_trouble(found, plain, "Cannot allocate memory")


@pytest.mark.usefixtures("of_a_cluster")
def test_workers_that_take_what_they_like_are_noticed(tmp_path: Path) -> None:
    """F11."""
    unlimited = planted(engine, "(_within, self.memory_mib) if self.memory_mib else ()", "()")
    pytest.importorskip("distributed")
    with pytest.raises(AssertionError):
        troubled(tmp_path / "dask", TOO_MUCH, QUIET, unlimited.Dask("", 1, memory_mib=8 * 1024))
    with pytest.raises(AssertionError):
        troubled(tmp_path, TOO_MUCH, QUIET, engine.Serial())


def test_a_run_that_raises_first_on_a_new_machine_becomes_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is compiled by the first run, with the rules of plug-ins; what goes wrong is that run's."""
    monkeypatch.setattr(sweep, "is_cold", lambda *modules: True)
    plugin = tmp_path / "rule.py"
    plugin.write_text(RULE)
    played: list[object] = []

    def outcomes_of(config: Config, rules: Any = None, series_of: int | None = None) -> Any:
        played.append(rules)
        if len(played) <= 2:
            raise ZeroDivisionError("poison")
        return real(config, rules, series_of)

    real = sweep.outcomes_of
    monkeypatch.setattr(sweep, "outcomes_of", outcomes_of)
    study = study_in(tmp_path, "market.acceptance=rule", "requesters.pay_usd_per_hour=2")
    folder, code = execute(study, engine.Serial, Settings(), [plugin])
    assert code == PARTLY
    assert list(load_sweep(folder).experiments["status"]) == ["failed", "failed", "done", "done"]
    assert len(played) == 4, "no run is played in vain"
    assert all(played)


def test_whoever_compiles_has_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    for cold, more in ((False, 0.0), (True, sweep.COMPILE_SECONDS)):
        monkeypatch.setattr(sweep, "is_cold", lambda *modules, cold=cold: cold)
        assert sweep._patience(8.0) == 8.0 + more
        assert sweep._patience(0.0) == 0.0


def test_the_first_run_on_a_new_machine_is_played_alone(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It compiles the model for all; what it has found is kept."""
    monkeypatch.setattr(sweep, "is_cold", lambda *modules: True)
    handed: list[int] = []

    class Patient(engine.Serial):
        workers = 2

        def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
            handed.append(len(Store(Path(arguments[0])).parts()))
            return super().submit(task, *arguments)

    folder, _ = execute(study_in(tmp_path), Patient, QUIET)
    assert handed[:2] == [0, 1], "a second run was handed out before the first was back"
    assert bytes_of(folder) == bytes_of(plain)


def test_failed_runs_can_be_played_again(plain: Path, tmp_path: Path) -> None:
    found = troubled(tmp_path, "raise ZeroDivisionError('poison')", QUIET, engine.Serial())
    (tmp_path / "trouble.py").write_text(TROUBLE.replace("{trouble}", "raise ZeroDivisionError('poison')"))
    study = study_in(tmp_path)
    plugin = tmp_path / "trouble.py"
    _, code = execute(study, lambda: pytest.fail("nothing is left"), QUIET, [plugin])
    assert code == PARTLY
    again, code = execute(study, engine.Serial, Settings(retry_failed=True, quiet=True), [plugin])
    assert (again, code) == (found.path, PARTLY)
    assert (load_sweep(again).experiments["status"] == "failed").sum() == 2


def check_sources(module: ModuleType, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the coordinator nor a worker mixes what other sources have played."""
    folder, _ = module.execute(study_in(results), engine.Serial, Settings(shard=(1, 2), quiet=True))
    monkeypatch.setattr(sources, "source_hash", lambda: "other")
    with pytest.raises(UserError, match="begun with other sources") as told:
        module.execute(study_in(results), engine.Serial, QUIET)
    assert told.value.nearest == "fresh=true"
    shard = Settings(shard=(2, 2), quiet=True)
    with pytest.raises(UserError, match="begun with other sources") as told:  # which takes no fresh=true
        module.execute(study_in(results), engine.Serial, shard)
    assert told.value.nearest == "results.dir=another"
    assert module.execute(study_in(results / "another"), engine.Serial, shard)[1] == 0
    module._opened.cache_clear()
    with pytest.raises(UserError, match="This worker has other sources"):
        module.play_chunk(str(folder), "another process", [1], 0.0)
    monkeypatch.undo()


def test_other_sources_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F16."""
    check_sources(sweep, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    "source_hash": "sources",\n', ""),
        (
            "import versions\n",
            "import versions as here\nversions = lambda: here() | {'source_hash': ''}\n",
        ),
        ('nearest="results.dir=another"', 'nearest="fresh=true"'),
    ],
    ids=["not looked at", "not kept", "a shard is told to begin anew"],
)
def test_mixed_sources_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_sources(planted(sweep, old, new), tmp_path, monkeypatch)


LOOKS = "market: {looks: 9}"
MORE_LOOKS = "market: {looks: 10}"


def with_inputs(folder: Path, looks: str = LOOKS, rule: str = RULE) -> tuple[Study, list[Path]]:
    """A study that rests on a file of settings and on a plug-in."""
    (folder / "mine.yaml").write_text(looks)
    (folder / "rule.py").write_text(rule)
    return study_in(folder / "r", f"config={folder / 'mine.yaml'}"), [folder / "rule.py"]


def check_inputs(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep goes on with what it was begun with, and with nothing else."""
    half = Settings(shard=(1, 2), quiet=True)
    study, plugins = with_inputs(tmp_path)
    folder, _ = module.execute(study, engine.Serial, half, plugins)
    study, plugins = with_inputs(tmp_path, f"# The same with a comment\n{LOOKS}")
    assert module.execute(study, engine.Serial, half, plugins)[0] == folder
    for looks, rule, what in (
        (MORE_LOOKS, RULE, "contents of config=FILE"),
        (LOOKS, f"{RULE}\n", "plug-ins"),
    ):
        study, plugins = with_inputs(tmp_path, looks, rule)
        with pytest.raises(UserError, match=f"begun with other {what}") as told:
            module.execute(study, engine.Serial, QUIET, plugins)
        assert told.value.nearest == "fresh=true"
        module._opened.cache_clear()
        with pytest.raises(UserError, match=f"This worker has other {what}"):
            module.play_chunk(str(folder), "another process", [1], 0.0)
    other, code = module.execute(study, engine.Serial, Settings(fresh=True, quiet=True), plugins)
    assert (other == folder, code) == (False, 0)
    study, plugins = with_inputs(tmp_path)
    monkeypatch.chdir(folder)  # a worker may be started anywhere
    module._opened.cache_clear()
    module.play_chunk(str(folder), "another process", [1], 0.0)
    again, code = module.execute(study, engine.Serial, QUIET, plugins)
    assert (again, code) == (folder, 0), "of several folders, the one that was begun with these goes on"
    assert len(load_sweep(folder).experiments) == COUNT
    assert load_sweep(folder).manifest["config_files"] == [{"market": {"looks": 9}}]


def test_other_inputs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F16."""
    check_inputs(sweep, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("json.loads(json.dumps(values, default=str))", "[]"),
        ("path.name: _digest(path) for", 'path.name: "" for'),
        ("    if other:\n", "    if False:\n"),
        (
            "            return folder\n    if named:",
            "            return folder\n        break\n    if named:",
        ),
    ],
    ids=["files are not looked at", "nor plug-ins", "workers do not look", "nor at other folders"],
)
def test_inputs_that_are_not_looked_at_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16."""
    with pytest.raises((pytest.fail.Exception, AssertionError, UserError)):
        check_inputs(planted(sweep, old, new), tmp_path, monkeypatch)


def test_a_folder_that_was_never_laid_out_is_used(tmp_path: Path) -> None:
    """Its coordinator was killed before the manifest was there."""
    study = study_in(tmp_path)
    folder, _ = execute(study, engine.Serial, Settings(shard=(1, 2), quiet=True))
    shutil.rmtree(folder / RUNS)
    (folder / MANIFEST).unlink()
    assert execute(study, engine.Serial, QUIET) == (folder, 0)
    assert list(tmp_path.iterdir()) == [folder]


MOMENTS = {
    "a year back": dt.datetime(2025, 2, 28, 23, 59, 59),
    "years ahead": dt.datetime(2099, 2, 28, 23, 59, 59),
    "a leap second": dt.datetime(2016, 12, 31, 23, 59, 59, 999_999),
    "an hour that comes twice": dt.datetime(2026, 10, 25, 2, 30, fold=1),
    "an hour that there is not": dt.datetime(2026, 3, 29, 2, 30),
}
"""What a clock may say beside the truth."""


def check_clocks(
    module: ModuleType, moment: dt.datetime, step: float, plain: Path, results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A sweep that is begun, one that is begun anew in another time, and one that goes on from there.

    Clocks that only go forth stand still, or make great steps; the calendar's stands still, or goes back.
    """

    class Jumped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Jumped:
            return cls.combine(moment.date(), moment.timetz().replace(tzinfo=tz))

    def forth() -> float:
        ticks.append(ticks[-1] + step)
        return ticks[-1]

    ticks = [1.0]
    module.execute(study_in(results), engine.Serial, Settings(shard=(1, 2), quiet=True))
    with monkeypatch.context() as within:
        within.setattr(dt, "datetime", Jumped)
        within.setattr(time, "time", lambda: 1e9 - ticks[-1])
        for clock in ("monotonic", "perf_counter"):
            within.setattr(time, clock, forth)
        folder, code = module.execute(study_in(results), engine.Serial, Settings(fresh=True, quiet=True))
        assert len(ticks) < 3_000, "it waited for a clock"
    assert (code, folder.name[:4]) == (0, str(moment.year))
    assert bytes_of(folder) == bytes_of(plain)
    status = json.loads((folder / "status.json").read_text())
    assert status["seconds_left"] >= 0
    assert 0 < status["runs_per_second"] < math.inf
    again, code = module.execute(study_in(results), engine.Serial, QUIET)
    assert code == 0
    assert bytes_of(again) == bytes_of(plain)


@pytest.mark.parametrize("moment", MOMENTS)
def test_clocks_that_jump_or_stand_still_change_nothing(
    moment: str, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F10.

    The calendar is in the folder's name alone; with a clock that stands still nothing is ever late.
    """
    step = 3e7 * (list(MOMENTS).index(moment) % 2)
    check_clocks(sweep, MOMENTS[moment], step, plain, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("max(1e-9, time.monotonic() - self.began)", "time.monotonic() - self.began", 0.0),
        ("max(1e-9, time.monotonic() - self.began)", "time.time() - 1e9 + 2", 3e7),
        (
            '{"sweep": manifest["identity"]}',
            '{"sweep": manifest["identity"], "at": str(dt.datetime.now())}',
            0.0,
        ),
    ],
    ids=["divides by what has passed", "the calendar's clock", "rows that say when"],
)
def test_sweeps_that_heed_the_clock_are_noticed(
    old: str, new: str, step: float, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F10."""
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check_clocks(planted(sweep, old, new), MOMENTS["years ahead"], step, plain, tmp_path, monkeypatch)


def check_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved away while the sweep runs; it goes on where it is put back."""
    real = sweep.outcomes_of
    (tmp_path / "r").mkdir()

    def outcomes_of(config: Config, rules: Any = None, series_of: int | None = None) -> Any:
        (tmp_path / "r").rename(tmp_path / "moved")
        return real(config, rules, series_of)

    monkeypatch.setattr(sweep, "outcomes_of", outcomes_of)
    with pytest.raises(UserError, match=r"status\.json cannot be written|part-.* cannot be written"):
        execute(study_in(tmp_path / "r"), engine.Serial, QUIET)
    monkeypatch.setattr(sweep, "outcomes_of", real)
    shutil.rmtree(tmp_path / "r", ignore_errors=True)
    (tmp_path / "moved").rename(tmp_path / "r")
    folder, code = execute(study_in(tmp_path / "r"), engine.Serial, QUIET)
    assert code == 0
    assert len(load_sweep(folder).experiments) == COUNT


def test_a_folder_that_vanishes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6."""
    check_vanishes(tmp_path, monkeypatch)


@contextmanager
def anew(path: Path) -> Iterator[Any]:
    """Write a file, and make the folder for it if that is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with result.replacing(path) as file:
        yield file


@contextmanager
def nowhere(path: Path) -> Iterator[Any]:
    """Write a file if there is a folder for it."""
    with result.replacing(path) if path.parent.is_dir() else io.BytesIO() as file:
        yield file


@pytest.mark.parametrize("broken", [anew, nowhere])
def test_a_sweep_that_minds_no_folder_is_noticed(
    broken: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6."""
    monkeypatch.setattr(store, "replacing", broken)
    with pytest.raises((pytest.fail.Exception, AssertionError, OSError)):
        check_vanishes(tmp_path, monkeypatch)


def check_circles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert main(command(tmp_path / "a", "engine=serial")[3:]) == 2
    assert "results.dir" in (err := capsys.readouterr().err)
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_folder_that_leads_in_circles_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F6."""
    check_circles(tmp_path, capsys)


def test_circles_that_nobody_sees_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6."""
    old, new = (
        "    except (OSError, ValueError) as cause:\n        reason",
        "    except ValueError as cause:\n        reason",
    )
    monkeypatch.setattr(validation, "check_folder", planted(validation, old, new).check_folder)
    with pytest.raises((AssertionError, OSError)):
        check_circles(tmp_path, capsys)


def check_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """F9: a worker gives other bits to runs that are there already. Both are kept, and ways out named."""
    words = [*WORDS, f"results.dir={tmp_path / 'r'}", "engine=serial"]
    assert cli_sweep.sweep(words, Path) == 0
    (folder,) = (tmp_path / "r").iterdir()
    (part,) = Store(folder).parts()
    rows = part.read().slice(3, 3)
    place = rows.column_names.index("tasks_done")
    changed = rows["tasks_done"].to_numpy() + np.array([1.0, 0.0, 1.0])
    other = sweep.commit(folder / RUNS, rows.set_column(place, rows.schema.field(place), [changed]), 3)
    capsys.readouterr()
    told = (
        f"{folder} holds runs 3, 5 twice, and the two differ in tasks_done: runs/{part.path.name} (12 rows),"
        f" runs/{other.name} (3 rows)."
    )
    assert cli_sweep.status([str(folder)]) == 0
    assert told in capsys.readouterr().out
    assert cli_sweep.verify([str(folder)]) == cli_sweep.DAMAGED
    out = capsys.readouterr().out
    assert told in out and "Both are kept. To mend it: one of these files taken away" in out
    with pytest.raises(UserError) as refusal:
        cli_sweep.sweep(words, Path)
    assert refusal.value.message.startswith(told)
    assert other.exists() and part.path.exists() and Store(folder).damaged() == []
    assert cli_sweep.sweep(shlex.split(str(refusal.value.nearest))[2:], Path) == 0
    assert len(list((tmp_path / "r").iterdir())) == 2
    part.path.unlink()
    other.unlink()
    assert cli_sweep.sweep([*words, "retry_failed=true"], Path) == 0


def test_runs_that_disagree_stop_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_apart(tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("            raise self.disagreement(kind) or error from error\n", "            raise\n"),
        ("        twice = runs[counts > 1]\n", "        twice = runs[counts > 1][:1]\n"),
        ("        twice = runs[counts > 1]\n", "        twice = runs[:0]\n"),
        (
            "if different := _different([own for _, own in rows]):",
            "if (different := _different([own for _, own in rows])) or True:",
        ),
        ('fresh=true".strip()', 'anew=true".strip()'),
    ],
    ids=["one run, no file", "the first run", "nothing", "whatever is twice", "no way"],
)
def test_disagreement_that_is_half_told_is_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = planted(store, old, new)
    for name in ("_together", "disagreement"):
        monkeypatch.setattr(Store, name, getattr(broken.Store, name))
    with pytest.raises((AssertionError, UserError)):
        check_apart(tmp_path, capsys)


def test_a_log_is_told_how_far_it_is(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal a line comes now and then, and one in the end; damage that is mended is told."""
    monkeypatch.setattr(sweep, "LINE_SECONDS", 0.0)
    folder = shutil.copytree(plain, tmp_path / plain.name)
    (part,) = Store(folder).parts()
    part.path.write_bytes(b"")
    execute(study_in(tmp_path), engine.Serial, Settings())
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Damaged files were set aside (.damaged): 1. Their runs are played again."
    assert len(lines) > 2
    assert "left" in lines[1]
    assert lines[-1].startswith("12 of 12 done, 0 failed · ")
    assert lines[-1].endswith(" a second")


def test_other_groups_are_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F16."""
    monkeypatch.setattr(sweep, "config_id", lambda config: "other")
    with pytest.raises(UserError, match="begun with other groups"):
        execute(study_in(plain.parent), engine.Serial, QUIET)


# ---------------------------------------------------------------- kills


def command(results: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "sim", "sweep", *WORDS, f"results.dir={results}", *words]


def environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in (*INHERITED, "PLANTED") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT)}


VICTIMS = ("all", "coordinator", "worker")
KILLS, COLD_ROUNDS, MOST_ROUNDS = 200, 2, 60
"""Kills that must land, by the dozen; in how many of the rounds sweeps start as a user's; when to give up."""

A_LOOK_SECONDS = 0.0005
"""Between two looks at what a sweep has committed: looking without end would take a core from it."""

PHASES = ("run", "commit")
"""Whether a part was being written when the kill landed, or not."""


def counted(results: Path, words: Sequence[str]) -> list[str]:
    """The command that writes down every run that it begins, beside the folder for results."""
    return [sys.executable, str(ROOT / "tests/support/counted_sweep.py"), *command(results, *words)[3:]]


def begun_runs(results: Path) -> int:
    """How often a run was begun by `counted`, kills and all."""
    return len(results.with_suffix(".begun").read_text().split())


def check_done_again(results: Path, runs: int, kills: int, jobs: int) -> int:
    """Return how many runs were begun in vain: each kill costs what each worker had in hand, and no more."""
    again = begun_runs(results) - runs
    longest = max(runs // (AHEAD * jobs), 1)
    assert 0 <= again <= jobs * kills * longest, f"{again} runs were begun again after {kills} kills"
    return again


def begun_cold(results: Path, words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Begin a sweep in an interpreter of its own, as a user does."""
    return subprocess.Popen(
        counted(results, words), env=environment(), cwd=ROOT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


class Forked:
    """What there is to know of another process's child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self, timeout: float) -> None:
        """Return once it has ended, as `subprocess.Popen.wait` does."""
        try:
            end = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not select.select([end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
        finally:
            os.close(end)


@contextlib.contextmanager
def forking() -> Iterator[Callable[[Path, Sequence[str]], Forked]]:
    """Give a function that begins a sweep without the seconds of a start."""
    program = [sys.executable, "-m", "tests.support.warm_sweeps", *WORDS[:5]]
    with subprocess.Popen(
        program, env=environment(), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        told, tell = process.stdout, process.stdin

        def begun(results: Path, words: Sequence[str]) -> Forked:
            print(json.dumps(command(results, *words)[3:]), file=tell, flush=True)
            return Forked(int(told.readline()))

        yield begun
        tell.close()


def ended(process: Any, seconds: float = 0.0) -> bool:
    """Whether a process ends, be it within so many seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_often(
    results: Path, kills: int, rng: random.Random, *words: str, begun: Callable[..., Any] = begun_cold
) -> Counter[str]:
    """Start a sweep and kill some of it when it has committed something more; count what the kills hit.

    Processes that are killed while they import show nothing: so each kill waits for a new part, and half of
    them for the moment in which another one is written.
    """
    landed: Counter[str] = Counter()
    process, seen = None, parts_in(results)
    try:
        for _ in range(kills):
            if process is None or ended(process):
                process = begun(results, words)
            victim, phase = rng.choice(VICTIMS), rng.choice(PHASES)
            while not ended(process, A_LOOK_SECONDS) and not (
                parts_in(results) > seen and (phase == "run" or is_writing(results))
            ):
                assert not is_lost(results, seen), "what was committed is lost"
            if ended(process):
                break
            hit = "commit" if is_writing(results) else "run"
            workers = workers_of(process.pid)
            if victim == "worker" and not workers:  # they have just ended
                victim = "coordinator"
            try:
                if victim == "all":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    os.kill(rng.choice(workers) if victim == "worker" else process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended by itself just now
            landed.update([victim, hit])
            if victim != "worker":
                process.wait(timeout=60)
            assert parts_in(results) >= seen, "what was committed is lost"
            seen = parts_in(results)
    finally:
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
    return landed


def run_counted(results: Path, *words: str) -> int:
    """End a sweep in another process; return its exit code."""
    return subprocess.run(
        counted(results, [*words, "engine=serial"]), env=environment(), cwd=ROOT, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ).returncode  # fmt: skip


def parts_in(results: Path) -> set[str]:
    return {path.name for path in results.glob("*/runs/part-*.parquet")}


def is_lost(results: Path, seen: set[str]) -> bool:
    """Whether parts are gone that no part of all runs has taken the place of."""
    if parts_in(results) >= seen:
        return False
    runs = max(int(name.split("-")[1]) for name in seen) + 1
    return not any(int(name.split("-")[2]) >= runs for name in parts_in(results))


def is_writing(results: Path) -> bool:
    return any(results.glob("*/runs/.part-*.tmp"))


def workers_of(coordinator: int) -> list[int]:
    """Processes in which a coordinator has its runs played."""
    try:
        children = Path(f"/proc/{coordinator}/task/{coordinator}/children").read_text().split()
        return [
            one for one in map(int, children) if "tracker" not in Path(f"/proc/{one}/cmdline").read_text()
        ]
    except OSError:  # they may end at any moment
        return []


def test_killed_sweeps_go_on(plain: Path, tmp_path: Path, exercised: Exercised) -> None:
    """F1."""
    results = tmp_path / "r"
    landed = kill_often(results, 2, random.Random(1), "jobs=1")
    assert run_counted(results) == 0
    (folder,) = results.iterdir()
    assert bytes_of(folder) == bytes_of(plain)
    assert list(folder.rglob(".*.tmp")) == []
    exercised("runs begun again", check_done_again(results, COUNT, 2, 1), 0)
    exercised("kills that landed", sum(landed[victim] for victim in VICTIMS), 2, nightly=200)


SETS_ASIDE = """
import sim.study.store
sim.study.store.Store._wrong = lambda self: [(part.path, None) for part in self.parts()]
"""


def test_a_sweep_that_begins_anew_after_a_kill_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F1."""
    monkeypatch.setenv("PLANTED", SETS_ASIDE)
    with pytest.raises(AssertionError, match="what was committed is lost"):
        kill_often(tmp_path / "r", 3, random.Random(1), "engine=serial")


def landed_enough(landed: Counter[str]) -> bool:
    """Whether kills are enough to say something, also of each kind."""
    return landed["run"] + landed["commit"] >= KILLS and all(landed[one] >= 40 for one in (*VICTIMS, *PHASES))


@pytest.mark.nightly
def test_sweeps_killed_often_go_on(tmp_path: Path, exercised: Exercised) -> None:
    """F1: the coordinator, a worker, or all; while runs are played, and while a part is written."""
    more, landed, again = "seeds=8", Counter[str](), 0
    plain, _ = execute(study_in(tmp_path / "plain", more), engine.Serial, QUIET)
    with forking() as forked:
        for number in range(MOST_ROUNDS):
            if landed_enough(landed):
                break
            results, begun = tmp_path / str(number), begun_cold if number < COLD_ROUNDS else forked
            those = kill_often(results, 12, random.Random(number), more, "jobs=2", begun=begun)
            begun(results, (more, "engine=serial")).wait(timeout=300)
            assert Store(next(results.iterdir())).done(4 * COUNT).all(), "the sweep was not gone on with"
            landed += those
            again += check_done_again(results, 4 * COUNT, sum(those[victim] for victim in VICTIMS), 2)
            (folder,) = results.iterdir()
            assert bytes_of(folder) == bytes_of(plain)
            assert list(folder.rglob(".*.tmp")) == []
    exercised("kills that landed", sum(landed[victim] for victim in VICTIMS), KILLS)
    for what in (*VICTIMS, *PHASES):
        exercised(f"kills: {what}", landed[what], 40)
    exercised("runs begun again", again, 1)


def check_stopped(
    how: signal.Signals, code: int, times: int, results: Path, whole: bytes, bug: str = ""
) -> int:
    """Signal a sweep that has committed something; return how many runs it kept."""
    program = f"import sys\n{bug}\nfrom sim.cli import main\nif __name__ == '__main__':\n sys.exit(main())"
    words = command(results, "engine=serial" if bug else "jobs=1")[3:]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], env=environment(), cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not ended(process, A_LOOK_SECONDS) and not parts_in(results):
        pass
    for _ in range(times):
        process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "goes on from here" in said
    assert "Traceback" not in said
    (folder,) = results.iterdir()
    kept = Store(folder).done(COUNT)
    assert (kept == 1).sum() > 0
    assert json.loads((folder / "status.json").read_text())["total"] == COUNT
    assert main(command(results, "engine=serial")[3:]) == 0
    assert bytes_of(folder) == whole
    return int((kept == 1).sum())


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_asked_to_stop_it_stops_and_keeps_what_is_done(
    how: signal.Signals, code: int, times: int, plain: Path, tmp_path: Path, exercised: Exercised
) -> None:
    """F15."""
    exercised("runs kept", check_stopped(how, code, times, tmp_path, bytes_of(plain)), 1)


def check_second(results: Path, bug: str = "") -> None:
    """A second coordinator, begun as a command while the first is at work, says who that is and goes."""
    words = command(results, "seeds=8", "engine=serial")[3:]
    program = f"import sys\n{bug}\nfrom sim.cli import main\nif __name__ == '__main__':\n sys.exit(main())"
    first = subprocess.Popen(
        command(results, "seeds=8", "engine=serial"), env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not ended(first, A_LOOK_SECONDS) and not parts_in(results):
            pass
        first.send_signal(signal.SIGSTOP)  # it holds what it holds, and cannot end before the second has come
        kept = parts_in(results)
        second = subprocess.run(
            [sys.executable, "-c", program, *words], env=environment(), cwd=ROOT, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 2, second.stderr
        who = f"is being worked on by process {first.pid} on {socket.gethostname()}."
        assert who in second.stderr and "Traceback" not in second.stderr, second.stderr
        assert parts_in(results) == kept, "it played beside the first"
    finally:
        first.send_signal(signal.SIGCONT)
        code = first.wait(timeout=120)
    assert code == 0, "the second got in the way of the first"
    (folder,) = results.iterdir()
    assert Store(folder).state().all()


def test_a_second_coordinator_is_refused(tmp_path: Path) -> None:
    check_second(tmp_path / "r")


NO_LOCK = "import fcntl\nfcntl.flock = lambda *_: None"


def test_a_second_coordinator_that_plays_on_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        check_second(tmp_path / "r", NO_LOCK)


DEAF = """
import contextlib
from sim import stopping
stopping.stopping_on_term = contextlib.nullcontext
"""
FORGETFUL = """
import shutil
from sim.study import sweep
real = sweep.Coordinator._write_status
def forget(self):
    real(self)
    if sys.exc_info()[0]:
        shutil.rmtree(self.store.folder / "runs")
        (self.store.folder / "runs").mkdir()
sweep.Coordinator._write_status = forget
"""


@pytest.mark.parametrize("bug", [DEAF, FORGETFUL], ids=["deaf", "forgetful"])
def test_sweeps_that_stop_otherwise_are_noticed(bug: str, plain: Path, tmp_path: Path) -> None:
    """F15."""
    with pytest.raises(AssertionError):
        check_stopped(signal.SIGTERM, 143, 1, tmp_path, bytes_of(plain), bug)


MORE, RUNS_OF_MORE = "seeds=100", 600


def check_outlives(folder: Path, bug: str = "", kills: tuple[int, ...] = (0, 1)) -> Path:
    """Kill the scheduler, then a worker, of clusters that a sweep is played on; return the sweep's folder.

    The first ends the sweep in a sentence; of the second nobody hears. Another engine ends it in the end.
    """
    results = folder / "r"
    program = f"import sys\n{bug}\nfrom sim.cli import main\nif __name__ == '__main__':\n sys.exit(main())"
    for number in kills:
        file = folder / f"{number}.json"
        with cluster(file) as processes:
            words = command(results, MORE, "engine=dask", f"address={file}")[3:]
            coordinator = subprocess.Popen(
                [sys.executable, "-c", program, *words], env=environment(), cwd=ROOT, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            before = len(list(folder.rglob("part-*.parquet")))
            while not ended(coordinator, A_LOOK_SECONDS) and (
                len(list(folder.rglob("part-*.parquet"))) <= before
            ):
                pass
            assert coordinator.poll() is None, "the sweep ended before anything was killed"
            (place,) = results.iterdir()
            kept = Store(place).done(RUNS_OF_MORE) == 1
            processes[number].kill()
            _, said = coordinator.communicate(timeout=600)
        if number == 0:
            assert coordinator.returncode == 2, said
            assert "The scheduler is gone" in said
            assert "Traceback" not in said
            assert 0 < (Store(place).done(RUNS_OF_MORE) == 1).sum() < RUNS_OF_MORE
        else:
            assert coordinator.returncode == 0, said
        assert kept.any() and (Store(place).done(RUNS_OF_MORE)[kept] == 1).all(), "something was lost"
    assert main(command(results, MORE, "jobs=2")[3:]) == 0
    (place,) = results.iterdir()
    return place


@pytest.mark.nightly
def test_a_sweep_outlives_its_cluster(tmp_path: Path, exercised: Exercised) -> None:
    """F14."""
    pytest.importorskip("distributed")
    mine = check_outlives(tmp_path)
    other, code = execute(study_in(tmp_path / "other", MORE), lambda: engine.Local(2), QUIET)
    assert code == 0
    assert bytes_of(mine) == bytes_of(other)
    exercised("parts of a cluster killed", 2, 2)


LOST = """
import shutil
from sim.errors import UserError
from sim.study import sweep
real = sweep.Coordinator._collect
def collect(self):
    try:
        real(self)
    except UserError:
        shutil.rmtree(self.store.folder / "runs")
        (self.store.folder / "runs").mkdir()
        raise
sweep.Coordinator._collect = collect
"""
AT_CHECK = """
from sim.errors import UserError
from sim.study import engine
real = engine.Dask.check
def check(self):
    try:
        real(self)
    except UserError as error:
        {instead}
engine.Dask.check = check
"""
UNTOLD = AT_CHECK.format(instead='raise ConnectionError("it does not answer") from error')
ENDED = AT_CHECK.format(instead="sys.exit(0)")


@pytest.mark.nightly
@pytest.mark.parametrize("bug", [LOST, UNTOLD, ENDED], ids=["lost", "untold", "taken for the end"])
def test_sweeps_that_die_with_their_cluster_are_noticed(bug: str, tmp_path: Path) -> None:
    """F14."""
    pytest.importorskip("distributed")
    with pytest.raises(AssertionError):
        check_outlives(tmp_path, bug, kills=(0,))


def check_disconnected(folder: Path) -> tuple[int, Path]:
    """The coordinator loses its connection to a scheduler that lives: it is told, or gone on with.

    Return how many runs there were by then, and the sweep's folder once another engine has ended it.
    """
    results, kept = folder / "r", list[NDArray[np.bool_]]()

    class Parted(engine.Dask):
        def check(self) -> None:
            done = Store(next(results.iterdir())).done(RUNS_OF_TWENTY) == 1
            if not kept and done.any():
                kept.append(done)
                self.client.loop.add_callback(self.client.scheduler_comm.comm.abort)
            super().check()

    file, study = folder / "scheduler.json", study_in(results, TWENTY)
    with cluster(file) as processes:
        try:
            place, code = execute(study, lambda: Parted(str(file), 2), QUIET)
            assert code == 0, "runs failed"
        except UserError as error:
            assert "The scheduler is gone" in error.message
        assert processes[0].poll() is None, "the scheduler is gone, indeed"
    (place,) = results.iterdir()
    assert (Store(place).done(RUNS_OF_TWENTY)[kept[0]] == 1).all(), "something was lost"
    assert execute(study, lambda: engine.Local(2), QUIET) == (place, 0)
    return int(kept[0].sum()), place


TWENTY, RUNS_OF_TWENTY = "seeds=20", 120


@pytest.mark.nightly
def test_a_coordinator_that_is_disconnected_loses_nothing(tmp_path: Path, exercised: Exercised) -> None:
    """F14: the client alone."""
    pytest.importorskip("distributed")
    kept, mine = check_disconnected(tmp_path)
    other, code = execute(study_in(tmp_path / "other", TWENTY), lambda: engine.Local(2), QUIET)
    assert code == 0
    assert bytes_of(mine) == bytes_of(other)
    exercised("runs when the connection was lost", kept, 1)
    assert kept < RUNS_OF_TWENTY


@pytest.mark.nightly
def test_a_disconnection_that_does_harm_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the connection is back by the next look or not: what was cancelled is no error of a run."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine.Dask, "check", engine.Dask.check)
    exec(UNTOLD, {})
    monkeypatch.setattr(sweep, "died", lambda error: False)
    with pytest.raises((AssertionError, ConnectionError, CancelledError)):
        check_disconnected(tmp_path)


class Begun(engine.Local):
    """Processes that are begun in another way than ours; any executor will do."""

    def __init__(self, method: str, workers: int = 2) -> None:
        self.method = method
        super().__init__(workers)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.workers, multiprocessing.get_context(self.method))


class OfJoblib(engine.Local):
    """The executor on which joblib plays what it plays in parallel."""

    def _start(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor as Loky

        return Loky(self.workers)

    def close(self) -> None:
        """Let the processes end."""
        self.executor.shutdown(wait=True)


def check_same_bytes(
    starts: dict[str, Callable[[], engine.Engine]], folder: Path, *more: str
) -> dict[str, bytes]:
    """Play the sweep on each engine; all must leave the same bytes."""
    found = {}
    for name, start in starts.items():
        place, code = execute(study_in(folder / name, *more), start, QUIET)
        assert code == 0
        found[name] = bytes_of(place)
    other = [name for name, whole in found.items() if whole != found["serial"]]
    assert not other, f"other bytes from {', '.join(other)}"
    return found


FORKS = "ignore:.*multi-threaded, use of fork:DeprecationWarning"


@pytest.mark.filterwarnings(FORKS)
def test_bytes_that_hang_on_the_process_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R3."""
    real = sweep.outcomes_of

    def outcomes_of(*arguments: Any) -> Any:
        outcomes, series = real(*arguments)
        return outcomes | {"tasks_done": float(os.getpid())}, series

    monkeypatch.setattr(sweep, "outcomes_of", outcomes_of)
    with pytest.raises(AssertionError, match="other bytes from fork"):
        check_same_bytes({"serial": engine.Serial, "fork": lambda: Begun("fork", 1)}, tmp_path)


@pytest.mark.nightly
@pytest.mark.filterwarnings(FORKS)
@pytest.mark.usefixtures("of_a_cluster")
def test_every_engine_gives_the_same_bytes(tmp_path: Path, exercised: Exercised) -> None:
    """200 runs on every engine with one, two and four workers, and in shards (R3)."""
    pytest.importorskip("distributed")
    pytest.importorskip("joblib")
    starts: dict[str, Callable[[], engine.Engine]] = {"serial": engine.Serial}
    for workers in (1, 2, 4):
        for method in ("fork", "forkserver"):
            starts[f"{method} {workers}"] = lambda m=method, n=workers: Begun(m, n)  # type: ignore[misc]
        starts[f"joblib {workers}"] = lambda workers=workers: OfJoblib(workers)  # type: ignore[misc]
        starts[f"local {workers}"] = lambda workers=workers: engine.Local(workers)  # type: ignore[misc]
        starts[f"dask {workers}"] = lambda workers=workers: engine.Dask("", workers)  # type: ignore[misc]
    found = check_same_bytes(starts, tmp_path, "seeds=34")
    for number in (2, 1, 3):
        settings = Settings(shard=(number, 3), quiet=True)
        folder, _ = execute(study_in(tmp_path / "shards", "seeds=34"), engine.Serial, settings)
    assert bytes_of(folder) == found["serial"]
    exercised("runs on each engine", len(load_sweep(folder).experiments), 200)
    exercised("engines", len(starts) + 1, 17)


# ---------------------------------------------------------------- the command


def test_the_command(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = plain.parent
    assert main(["sweep", *WORDS, f"results.dir={results}", "engine=serial"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(plain)
    assert main(["status", str(plain)]) == 0
    assert f"{COUNT} of {COUNT} runs done, 0 of them failed" in capsys.readouterr().out
    assert main(["verify", str(plain)]) == 0
    assert "Whole: 1 file with 12 runs." in capsys.readouterr().out
    assert main(["compact", str(plain)]) == 0
    damaged = shutil.copytree(plain, tmp_path / "damaged")
    Store(damaged).parts()[0].path.unlink()
    (damaged / "status.json").write_text('{"runs')
    assert main(["status", str(damaged)]) == 0
    assert main(["sweep", *WORDS, f"results.dir={results}", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "6 points (grid), 2 seeds: 12 runs" in out
    assert f"begun in {plain}: 0 runs of it left" in out
    plugin = tmp_path / "rule.py"
    plugin.write_text(RULE)
    words = [*WORDS, "market.acceptance=rule", "--plugin", str(plugin), "--dry-run"]
    assert main(["sweep", *words, f"results.dir={tmp_path}"]) == 0
    assert "seconds a run" in capsys.readouterr().out
    assert main(["sweep", "--help"]) == 0
    assert "clickmarket sweep" in capsys.readouterr().out


def test_verify_names_what_is_damaged(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / plain.name
    shutil.copytree(plain, folder)
    (part,) = Store(folder).parts()
    part.path.write_bytes(part.path.read_bytes()[:-1])
    assert main(["verify", str(folder)]) == 4
    assert f"{part.path} is damaged" in (out := capsys.readouterr().out)
    assert "12 of 12 runs are missing. To be played: runs 0 to 11." in out


def check_summary(
    module: ModuleType, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A summary that is not what the runs make is named; the same command writes it anew, playing nothing."""
    folder = shutil.copytree(plain, tmp_path / plain.name)
    summary = folder / "summary.csv"
    content = summary.read_bytes()
    assert module.verify([str(folder)]) == 0
    assert module.status([str(folder)]) == 0
    assert "summary" not in capsys.readouterr().out
    for spoilt in (content[:100], b"", content[:-1], content + b"\n", content.replace(b"2", b"3", 1), None):
        summary.unlink() if spoilt is None else summary.write_bytes(spoilt)
        assert module.verify([str(folder)]) == cli_sweep.DAMAGED
        out = capsys.readouterr().out
        assert f"{summary} is {'missing' if spoilt is None else 'damaged'}" in out
        assert module.status([str(folder)]) == 0
        assert (f"{summary} is missing" in capsys.readouterr().out) == (spoilt is None)
        nobody: Any = lambda: pytest.fail("it plays again")  # noqa: E731
        assert execute(study_in(tmp_path), nobody, QUIET) == (folder, 0)
        assert summary.read_bytes() == content
        assert module.verify([str(folder)]) == 0
    Store(folder).parts()[0].path.write_bytes(b"")
    capsys.readouterr()
    assert module.status([str(folder)]) == 0
    assert f"{summary} is of what was there before" in capsys.readouterr().out

    def gone() -> Any:
        assert not summary.exists(), "it stands there beside runs that are played"
        return engine.Serial()

    assert execute(study_in(tmp_path), gone, Settings(quiet=True, shard=(1, 2)))[1] == 0
    assert not summary.exists()


def test_a_summary_that_is_not_whole_is_told(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_summary(cli_sweep, plain, tmp_path, capsys)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (cli_sweep, " and (wrong := wrong_summary(store)):", " and (wrong := ''):"),
        (cli_sweep, "    if summary.exists() != (done == len(state)):", "    if False:"),
        (reading, "same = same and not file.read(1)", "pass"),
        (sweep, "        remove(store.folder / SUMMARY_CSV)", "        pass"),
    ],
)
def test_a_summary_that_is_trusted_is_noticed(
    module: ModuleType,
    old: str,
    new: str,
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = planted(module, old, new)
    if module is reading:
        monkeypatch.setattr(reading, "wrong_summary", broken.wrong_summary)
    if module is sweep:
        monkeypatch.setattr(sweep, "_play_what_is_missing", broken._play_what_is_missing)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_summary(broken if module is cli_sweep else cli_sweep, plain, tmp_path, capsys)


def check_missing(
    module: ModuleType, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not there is missing, though all that is there is whole."""
    folder = shutil.copytree(plain, tmp_path / plain.name)
    (part,) = Store(folder).parts()
    rows = part.read()
    part.path.unlink()
    for those, told in (
        (rows[:0], "12 of 12 runs are missing. To be played: runs 0 to 11."),
        (rows.take([0, 3, 4, 6, 7, 8, 10]), "5 of 12 runs are missing. To be played: runs 1 to 2, 5, 9, 11."),
        (rows[1:], "1 of 12 runs are missing. To be played: run 0."),
    ):
        made = sweep.commit(folder / RUNS, those, 0)
        assert module.verify([str(folder)]) == 4
        out = capsys.readouterr().out
        assert told in out
        assert "The same sweep command plays them." in out
        made.unlink()
    sweep.commit(folder / RUNS, rows, 0)
    assert module.verify([str(folder)]) == 0


def test_verify_names_what_is_missing(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_missing(cli_sweep, plain, tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    if damaged or missing:\n", "    if damaged:\n"),
        ("if runs[place] != runs[place - 1] + 1]", "if False]"),
    ],
    ids=["what is there is whole", "from the first to the last"],
)
def test_a_look_that_misses_nothing_is_noticed(
    old: str, new: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError):
        check_missing(planted(cli_sweep, old, new), plain, tmp_path, capsys)


def test_status_tells_who_plays_a_sweep_how_it_goes_on_and_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What status tells is typed as it stands, and ends the sweep."""
    words = [*WORDS, f"results.dir={tmp_path}", "engine=serial", "fresh=true", "--shard", "1/1"]
    real, seen = sweep.outcomes_of, list[str]()

    def outcomes_of(*arguments: Any) -> Any:
        seen.append("")
        if len(seen) == 3:
            raise ZeroDivisionError("poison")
        if len(seen) == 6:
            assert main(["status", str(next(tmp_path.iterdir()))]) == 0
            seen[-1] = capsys.readouterr().out
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(sweep, "outcomes_of", outcomes_of)
    assert main(["sweep", *words]) == 130
    assert f"being played by process {os.getpid()} on {socket.gethostname()}, " in seen[-1]
    assert "to go on" not in seen[-1]
    (folder,) = tmp_path.iterdir()
    (folder / "locks" / "whole").write_text(f"process {2**22 + 1} on {socket.gethostname()}")
    assert main(["status", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "nobody plays it on this machine" in out
    assert "failed: 1 run (2): ZeroDivisionError: poison" in out
    (line,) = re.findall("^to go on: clickmarket (.*)$", out, re.MULTILINE)
    assert "fresh" not in line
    assert "shard" not in line
    assert main(shlex.split(line)) == PARTLY
    (kept,) = tmp_path.iterdir()
    assert kept == folder
    assert len(load_sweep(folder).experiments) == COUNT


def check_going_on(module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What status and verify tell goes on in the folder looked at: from anywhere, moved or renamed."""

    def told(command: str, folder: Path) -> tuple[list[str], str]:
        assert getattr(module, command)([str(folder)]) in (0, 4)
        out = capsys.readouterr().out
        (line,) = re.findall("clickmarket (sweep .*)$", out, re.MULTILINE)
        return shlex.split(line), out

    first, second = tmp_path / "it's, (1)", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (first / "mine.yaml").write_text("settings: [config=base.yaml]\nvary: {market.looks: [4, 5]}\n")
    (first / "base.yaml").write_text("market: {noise_sigma: 0.9}\n")
    (first / "more.yaml").write_text("market: {noise_sigma: 0.8}\n")
    with contextlib.chdir(first):
        words = [*WORDS[:5], "study=mine.yaml", "config=more.yaml", "seeds=2", "engine=serial"]
        assert module.sweep([*words, "--shard", "1/2"], Path) == 0
    (folder,) = (first / "results").iterdir()
    capsys.readouterr()
    with contextlib.chdir(first / "results" / folder.name):
        again, _ = told("status", Path())
    assert again == told("status", folder)[0]
    moved = shutil.copytree(folder, second / "moved" / folder.name)
    renamed = shutil.copytree(folder, second / "renamed" / "keep")
    with contextlib.chdir(second):  # the study's own file names another beside it
        for place in (folder, moved, renamed):
            for command in ("status", "verify"):
                again, out = told(command, place)
                assert "which goes on in" not in out
            assert module.sweep(again[1:], Path) == 0
            assert Path(capsys.readouterr().out.splitlines()[-1]).resolve() == place.resolve()
            assert [other.name for other in place.parent.iterdir()] == [place.name]
            assert Store(place).state().all()


def test_what_is_told_goes_on_from_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_going_on(cli_sweep, tmp_path, capsys)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (store, "folder.resolve().parent", "folder.parent"),
        (store, """place.replace("'", "\\\\'")""", "place"),
        (cli_sweep, "kept.append(_from_anywhere(word))", "kept.append(word)"),
        (sweep, '{Path(value).name}" if key == FILE_KEY else word', '{value}" if key == FILE_KEY else word'),
        (sweep, "(*named, *_renamed(results, manifest", "(*named, *(lambda *_: [])(results, manifest"),
        (points, " if name == FILE_KEY and file.is_file() else word", " if False else word"),
    ],
)
def test_ways_that_lead_elsewhere_are_noticed(
    module: ModuleType,
    old: str,
    new: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = planted(module, old, new)
    if module is store:
        monkeypatch.setattr(store, "command_of", broken.command_of)
    if module is points:
        monkeypatch.setattr(points, "_beside", broken._beside)
    if module is sweep:
        monkeypatch.setattr(sweep, "_wherever", broken._wherever)
        monkeypatch.setattr(sweep, "begun", broken.begun)
    with pytest.raises((AssertionError, UserError, ValueError)):
        check_going_on(broken if module is cli_sweep else cli_sweep, tmp_path, capsys)


def test_a_copy_that_another_stands_before_is_told(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two folders of the same sweep one goes on; whoever looks at the other is told so, and how."""
    first = shutil.copytree(plain, tmp_path / "r" / plain.name)
    other = shutil.copytree(plain, tmp_path / "r" / "keep")
    Store(other).parts()[0].path.unlink()
    assert main(["status", str(other)]) == 0
    assert f"which goes on in {first}: the same sweep." in capsys.readouterr().out
    other = other.rename(tmp_path / "keep")
    assert main(["status", str(other)]) == 0
    assert "which goes on in" not in capsys.readouterr().out


def test_an_answer_from_a_part_of_the_runs_says_so(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = execute(study_in(tmp_path), engine.Serial, Settings(shard=(1, 2), quiet=True))
    assert main(["sensitivity", str(folder), "outcome=tasks_done"]) == 0
    assert capsys.readouterr().err == "The sweep is not done: 6 of 12 runs are there.\n"
    whole = shutil.copytree(plain, tmp_path / plain.name)
    assert main(["sensitivity", str(whole), "outcome=tasks_done"]) == 0
    assert capsys.readouterr().err == ""


def test_the_sweep_nearby_is_named(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(plain, tmp_path / "r" / plain.name)
    for words in ([folder.parent], [folder / RUNS], [folder / MANIFEST]):
        assert main(["status", *map(str, words)]) == 2
        assert f"nearest  clickmarket status {folder}\n" in capsys.readouterr().err
    assert main(["sensitivity", str(folder), "outcome=fees", "foo"]) == 2
    told = capsys.readouterr().err
    assert "found    'foo'" in told
    assert f"nearest  clickmarket sensitivity {folder} outcome=fees\n" in told
    assert main(["resume", str(folder)]) == 2
    assert f"clickmarket status {folder}" in capsys.readouterr().err


def test_speeds_are_told_without_powers_of_ten() -> None:
    told = [sweep.speed_told(speed) for speed in (0.0012, 0.03, 4.04, 10.4, 102.0, 12_345.6)]
    assert told == ["0.0012", "0.03", "4", "10", "102", "12,346"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sweep"], "needs to be told what to vary"),
        (["sweep", "engine=serial"], "needs to be told what to vary"),
        (["sweep", "seeds=2", "engine=locl"], "nearest  engine=local"),
        (["sweep", "seeds=2", "--shard", "3/2"], "--shard is not a shard"),
        (["sweep", "seeds=2", "--sharp", "1/2"], "no such option"),
        (["sweep", "seeds=2", "jobs=many"], "jobs is not a number"),
        (["sweep", "seeds=2", "series=yes"], "series is neither true nor false"),
        (["sweep", "seeds=2", "engine=local", "address=tcp://127.0.0.1:1"], "address has no effect"),
        (["sweep", "seeds=2", "retry_failed=true", "--shard=1/2"], "retry_failed has no effect on a shard"),
        (["sweep", "seeds=2", "fresh=true", "--shard=1/2"], "fresh has no effect on a shard"),
        (["sweep", "seeds=2", "engin=serial"], "nearest  engine=serial"),
        (["sweep", "seeds=2", "engine"], "engine has no value"),
        (["sweep", "seeds"], "seeds has no value"),
        (["sweep", "seeds=2", "workers.cuont"], "nearest  workers.count=20_000"),
        (["run", "platforms.microwork.requester_fe"], "nearest  platforms.microwork.requester_fee=..."),
        (["sweep", "market.looks=5,0"], "In point 1 of 2"),
        (["sweep", "market.looks=0,5"], "In point 0 of 2"),
        (["status", "nowhere"], "needs the folder of a sweep"),
        (["compact"], "needs the folder of a sweep"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert told in (err := capsys.readouterr().err)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_analyses_as_commands(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each prints a table and, last, the file that holds it."""
    folder = str(shutil.copytree(plain, tmp_path / plain.name))
    middle = load_sweep(plain).outcomes["tasks_done"].median()
    outcome, x, y = (
        "outcome=tasks_done",
        "x=requesters.pay_usd_per_hour",
        "y=platforms.microwork.requester_fee",
    )
    for words in (
        ["sensitivity", folder, outcome],
        ["response", folder, outcome, x],
        ["response", folder, outcome, x, y],
        ["pareto", folder, "more=tasks_done", "less=fees"],
        ["discover", folder, outcome, f"above={middle}"],
        ["replications", folder, f"{outcome},fees", "half_width=0.1"],
    ):
        assert main(words) == 0
        out = capsys.readouterr().out.splitlines()
        assert out[0].startswith("tasks_done (")
        assert Path(out[-1]).is_file()
        assert Path(out[-1]).with_suffix(".png").is_file()
    for words in (
        ["sensitivity", folder],
        ["sensitivity", folder, "outcome=task_done"],
        ["response", folder, outcome, "x=market.looks"],
        ["response", folder, outcome, x, "z=market.looks"],
        ["discover", folder, outcome, "above=much"],
        ["discover", folder, outcome, "above=nan"],
        ["response", folder, outcome, x, x.replace("x=", "y=")],
        ["pareto", folder, "more=tasks_done"],
        ["pareto", folder, "more=tasks_done", "less=fees", "more=tasks_done"],
        ["pareto", folder, "more=tasks_done", "less=tasks_done"],
        ["sensitivity", folder, outcome, "outcome=fees"],
        ["sensitivity", str(tmp_path), outcome],
        ["replications", folder, f"{outcome},tasks_done"],
    ):
        assert main(words) == 2
        assert "Traceback" not in capsys.readouterr().err


def test_an_analysis_that_is_called_the_nearest_works(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Typed back, in place of the word that was refused or of the whole command."""
    folder = str(shutil.copytree(plain, tmp_path / plain.name))
    outcome = "outcome=tasks_done"
    for words, refused in (
        (["sensitivity", folder, "tasks_done"], ""),
        (["sensitivity", folder, "task_done"], ""),
        (["response", folder, outcome, "foo"], ""),
        (["discover", folder, "tasks_done"], ""),
        (["pareto", folder, "foo"], ""),
        (["status", folder, "foo"], ""),
        (["discover", folder, outcome, "below=1"], "below=1"),
        (["discover", folder, outcome, "abve=630"], "abve=630"),
        (["replications", folder, f"{outcome},tasks_done"], f"{outcome},tasks_done"),
    ):
        assert main(words) == 2
        near = capsys.readouterr().err.splitlines()[-1].removeprefix("  nearest  ")
        again = [near if word == refused else word for word in words] if refused else shlex.split(near)[1:]
        assert main(again) == 0, (words, near, capsys.readouterr().err)
        capsys.readouterr()


def check_names(module: ModuleType, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No two questions share a file, however long they are; the words stand in its name."""
    folder = shutil.copytree(plain, tmp_path / plain.name)
    many = "outcome=" + ",".join(sorted(load_sweep(plain).outcomes.dropna(axis=1))[:12])
    files = []
    for words in (
        ["pareto", "more=tasks_done", "less=fees"],
        ["pareto", "less=tasks_done", "more=fees"],
        ["replications", many, "half_width=0.05"],
        ["replications", many, "half_width=0.5"],
    ):
        assert module.analyse(words[0], [str(folder), *words[1:]]) == 0
        files.append(Path(capsys.readouterr().out.splitlines()[-1]))
    assert len(set(files)) == len({file.read_bytes() for file in files}) == 4
    assert files[0].name == "pareto-more=tasks_done-less=fees.csv"
    assert all(len(file.stem) <= 120 for file in files)


def test_two_analyses_never_share_a_file(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_names(cli_sweep, plain, tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('[f"{name}={value}" for name, value in pairs]', "[value for _, value in pairs]"),
        ("if len(name.encode()) <= LONGEST_NAME and", "if"),
        ('return f"{kept}-{digest}"', "return kept"),
    ],
)
def test_files_that_are_shared_are_noticed(
    old: str, new: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((AssertionError, UserError)):
        check_names(planted(cli_sweep, old, new), plain, tmp_path, capsys)


def test_a_few_points_as_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`clickmarket run -m` leaves a folder for each combination; a mistake in the last leaves none."""
    words = [*WORDS[:5], f"results.dir={tmp_path}", "record.figures=false"]
    assert main(["run", "-m", *words, "market.looks=5,0"]) == 2
    assert list(tmp_path.iterdir()) == []
    assert main(["run", "-m", *words, "market.looks=5,9", "seeds=2"]) == 0
    folders = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(folders) == sorted(tmp_path.iterdir())
    assert [(load(folder).config["market"]["looks"], load(folder).config["seed"]) for folder in folders] == [
        (5, 1), (5, 2), (9, 1), (9, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"), [("analysis", ["sensitivity", "outcome=tasks_done"]), ("locks", ["compact"])]
)
def test_a_folder_that_cannot_be_written_to_is_told(
    name: str, words: list[str], plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(plain, tmp_path / plain.name, ignore=shutil.ignore_patterns(name))
    (folder / name).write_text("a file where a folder should be")
    assert main([words[0], str(folder), *words[1:]]) == 2
    assert f"{folder / name} cannot be" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "verify", "compact", "sensitivity", "discover"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"clickmarket {command} FOLDER" in capsys.readouterr().out
