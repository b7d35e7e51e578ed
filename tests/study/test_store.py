"""The store of a sweep: nothing torn, doubled or lost, whatever is killed, full or damaged."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.errors import UserError
from sim.study import lock, reading, result, store, sweep
from sim.study.designs import Axis
from sim.study.points import Composer, Study
from sim.study.reading import load_sweep
from sim.study.store import POINTS, RUNS, Store
from sim.study.sweep import Coordinator, Settings
from tests.conftest import Exercised
from tests.support.fake_engine import FakeEngine, Stopped, fake_rows
from tests.support.planting import planted

SCHEDULES = 60
SCHEDULES_AT_NIGHT = 10_000
RUN_COUNT = 60


def new_store(folder: Path, runs: int = RUN_COUNT, module: Any = store) -> Any:
    """A sweep's folder for fake rows."""
    folder.mkdir(parents=True)
    manifest = {
        "identity": "0" * 64, "study": Study((), ()).to_plain(), "runs": runs, "outcomes": ["outcome"],
        "units": {"outcome": "USD"}, "source_hash": "s", "plugins": {}, "keep_series": False,
        "version": "0", "plugin_files": [], "definitions": {},
    }  # fmt: skip
    points = pa.table({"point": pa.array(range(runs), pa.int64())})
    return module.Store.create(folder, manifest, points)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The coordinator waits for the fake engine by letting it do one more thing."""

    def some_ended(futures: dict[Future[Any], Any]) -> set[Future[Any]]:
        ENGINES[-1].advance()
        return {future for future in futures if future.done()}

    monkeypatch.setattr(sweep, "some_ended", some_ended)


ENGINES: list[FakeEngine] = []


def coordinate(folder: Path, engine: FakeEngine, module: ModuleType = sweep) -> int:
    """Play what is missing, as a coordinator that is started anew would; return how many failed."""
    ENGINES.append(engine)
    own = Store(folder)
    own.clear_leftovers()
    own.set_aside_damaged()
    composer = Composer(Study(("world=north_south",), (), seeds=RUN_COUNT))
    left = np.flatnonzero(own.done(RUN_COUNT) == 0)
    quiet = Settings(quiet=True)
    return int(module.Coordinator(own, composer, engine, quiet, left).run())


def whole(folder: Path) -> list[dict[str, Any]]:
    """The rows that are there in the end, put together."""
    own = Store(folder)
    own.compact()
    assert len(own.parts()) == 1
    return own.table().to_pylist()


def play_schedule(folder: Path, seed: int, module: ModuleType = sweep) -> tuple[int, int, int]:
    """One schedule of accidents to the end; return deaths, stops and runs that were given up."""
    new_store(folder)
    rng = random.Random(seed)
    poison = frozenset(rng.sample(range(RUN_COUNT), rng.choice([0, 0, 1, 2])))
    deaths = stops = failed = 0
    for attempt in range(200):
        stopping = rng.choice([0.0, 0.02, 0.2]) if attempt < 100 else 0.0
        engine = FakeEngine(seed * 1000 + attempt, folder, poison, rng.choice([0.0, 0.1, 0.3]), stopping)
        try:
            coordinate(folder, engine, module)
            break
        except Stopped:
            stops += 1
        finally:
            deaths += engine.deaths
            assert engine.safe.isdisjoint(engine.played), "what a dead worker had made safe was played again"
    else:
        raise AssertionError("it never ended")
    rows = whole(folder)
    assert [row["run"] for row in rows] == list(range(RUN_COUNT))
    for row in rows:
        if row["run"] in poison:
            failed += 1
            assert row["status"] == "failed"
            assert "died" in row["error"]
        else:
            assert row["status"] == "done", f"run {row['run']} was given up, and is innocent"
            assert row["outcome"] == row["run"] / 7
    return deaths, stops, failed


@pytest.fixture(autouse=True)
def _dead_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake run's row when it is given up."""

    def dead(composer: Composer, run: int, manifest: Any, why: str) -> pa.Table:
        table = fake_rows([run])
        columns = {name: table[name] for name in table.column_names}
        return pa.table(
            columns | {"status": ["failed"], "error": [why], "outcome": pa.array([None], pa.float64())}
        )

    monkeypatch.setattr(sweep, "dead_row", dead)


@pytest.fixture
def _no_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is who does what again, not what a disk keeps."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def try_schedules(folder: Path, count: int) -> dict[str, int]:
    found = {"deaths of workers": 0, "deaths of coordinators": 0, "runs given up": 0}
    for seed in range(count):
        try:
            counts = play_schedule(folder / str(seed), seed)
        except Exception as error:
            error.add_note(f"To see it again: play_schedule(folder, {seed}).")
            raise
        for name, number in zip(found, counts, strict=True):
            found[name] += number
    return found


@pytest.mark.usefixtures("_no_flushing")
def test_schedules_of_accidents(tmp_path: Path, exercised: Exercised) -> None:
    """F17.

    Workers and coordinators die, work is doubled and disordered: all runs are there, once and right.
    """
    for what, number in try_schedules(tmp_path, SCHEDULES).items():
        exercised(what, number, SCHEDULES // 2)
    exercised("schedules", SCHEDULES, SCHEDULES, nightly=SCHEDULES_AT_NIGHT)


@pytest.mark.nightly
@pytest.mark.usefixtures("_no_flushing")
def test_many_schedules_of_accidents(tmp_path: Path, exercised: Exercised) -> None:
    """F17."""
    for what, number in try_schedules(tmp_path, SCHEDULES_AT_NIGHT).items():
        exercised(what, number, SCHEDULES_AT_NIGHT // 2)


BROKEN_COORDINATORS = {
    "a dead worker's runs are forgotten": ("self.suspects.extend(part for part in", "list(part for part in"),
    "a run is given up at once": ("self.deaths[run] >= DEATHS", "self.deaths[run] >= 0"),
    "what was safe is played again": ("if committed is not None:", "if False:"),
}


@pytest.mark.usefixtures("_no_flushing")
@pytest.mark.parametrize("bug", BROKEN_COORDINATORS)
def test_broken_coordinators_are_noticed(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F17."""
    module = planted(sweep, *BROKEN_COORDINATORS[bug])
    monkeypatch.setattr(module, "some_ended", sweep.some_ended)
    monkeypatch.setattr(module, "dead_row", sweep.dead_row)

    def play_many() -> None:
        for seed in range(40):
            play_schedule(tmp_path / str(seed), seed, module)

    with pytest.raises((AssertionError, KeyError)):
        play_many()


def with_fakes(module: ModuleType) -> ModuleType:
    """Return a planted module that waits for the fake engine, and gives up fake runs."""
    module.some_ended, module.dead_row = sweep.some_ended, sweep.dead_row  # type: ignore[attr-defined]
    return module


POISON, THOUSAND = 617, 1_000


def check_poison(module: ModuleType, folder: Path) -> int:
    """Of a thousand runs one kills its worker each time; return how many innocent runs came out."""

    class Counting(FakeEngine):
        alone = 0

        def submit(self, task: Any, *arguments: Any) -> Future[Any]:
            self.alone += arguments[2] == [POISON]
            return super().submit(task, *arguments)

    engine = Counting(1, folder, frozenset([POISON]), accidents=0.0)
    ENGINES.append(engine)
    composer = Composer(Study(("world=north_south",), (), seeds=THOUSAND))
    code = module._carry_out(new_store(folder, THOUSAND), composer, lambda: engine, Settings(quiet=True))
    assert code == sweep.PARTLY, "it says that all is done"
    assert engine.alone == sweep.DEATHS, f"the run was tried {engine.alone} times"
    rows = Store(folder).table().to_pylist()
    assert [row["run"] for row in rows] == list(range(THOUSAND))
    assert [row["run"] for row in rows if row["status"] == "failed"] == [POISON]
    assert "died 3 times" in rows[POISON]["error"]
    return len(rows) - 1


@pytest.mark.usefixtures("_no_flushing")
def test_one_poisonous_run_of_a_thousand(tmp_path: Path, exercised: Exercised) -> None:
    """F12."""
    exercised("innocent runs", check_poison(sweep, tmp_path / "a"), THOUSAND - 1)


@pytest.mark.usefixtures("_no_flushing")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "commit(self.store.folder / RUNS, dead_row(self.composer, run, self.manifest, why), run)",
            "pass",
        ),
        ("return PARTLY if failed else COMPLETE", "return COMPLETE"),
        ("self.deaths[run] >= DEATHS", "self.deaths[run] >= 1"),
        ("            elif len(runs) > 1:\n", "            elif False:\n"),
    ],
    ids=["a failed row is lost", "partly is all", "given up at once", "its chunk goes with it"],
)
def test_other_ways_with_poison_are_noticed(old: str, new: str, tmp_path: Path) -> None:
    """F12."""
    with pytest.raises(AssertionError):
        check_poison(with_fakes(planted(sweep, old, new)), tmp_path / "a")


HANGING, SLOWEST = 17, 3_000


def check_hang(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """One run never ends, whoever plays it; return how many looks it took to be done with it."""

    class Hanging(FakeEngine):
        looks = 0

        def advance(self) -> None:
            """Let a worker that does not hang end its chunk."""
            self.looks += 1
            assert self.looks < SLOWEST, "it waits for ever"
            if self.looks % 4:
                return
            held = [job for job in self.queue[: self.workers] if HANGING not in job[1]]
            if held:
                others = [job for job in self.queue if job is not held[0]]
                self.queue = held[:1]
                super().advance()
                self.queue += others

    clock = iter(range(10**9))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    engine = Hanging(1, folder, accidents=0.0)
    ENGINES.append(engine)
    new_store(folder)
    composer = Composer(Study(("world=north_south",), (), seeds=RUN_COUNT))
    settings = Settings(quiet=True, timeout_seconds=5.0)
    failed = module.Coordinator(Store(folder), composer, engine, settings, np.arange(RUN_COUNT)).run()
    monkeypatch.undo()
    rows = whole(folder)
    assert [row["run"] for row in rows] == list(range(RUN_COUNT))
    assert [row["run"] for row in rows if row["status"] == "failed"] == [HANGING]
    assert failed == 1
    return engine.looks


def test_a_run_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """F13."""
    exercised("looks", check_hang(sweep, tmp_path / "a", monkeypatch), 100)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        if limit <= 0:\n", "        if True:\n"),
        ("limit * max(len(runs), ahead) + grace", "0.0"),
        ('f"The worker died {DEATHS} times while it played this run alone.")', '"") if False else None'),
    ],
    ids=["nobody looks at the time", "everybody is late", "not listed"],
)
def test_other_ways_with_what_hangs_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F13."""
    with pytest.raises(AssertionError):
        check_hang(with_fakes(planted(sweep, old, new)), tmp_path / "a", monkeypatch)


def check_gone(module: ModuleType, folder: Path) -> int:
    """The cluster goes away in the middle: it is told, what is done is kept, and another engine ends it."""

    class Gone(FakeEngine):
        looks = 0

        def advance(self) -> None:
            """Work for a while."""
            self.looks += 1
            assert self.looks < SLOWEST, "it waits for ever"
            if self.looks < 9:
                super().advance()

        def check(self) -> None:
            """Tell that nobody is there any more."""
            if self.looks >= 9:
                raise UserError("The scheduler is gone.")

        def abandon(self) -> None:
            """Note that nothing goes on."""
            left.append(True)

    left: list[bool] = []
    new_store(folder)
    with pytest.raises(UserError, match="is gone"):
        coordinate(folder, Gone(1, folder, accidents=0.0), module)
    assert left, "what still runs is not stopped"
    kept = int((Store(folder).done(RUN_COUNT) == 1).sum())
    assert coordinate(folder, FakeEngine(2, folder)) == 0
    assert [row["run"] for row in whole(folder)] == list(range(RUN_COUNT))
    return kept


def test_an_engine_that_is_gone_ends_the_sweep(tmp_path: Path, exercised: Exercised) -> None:
    """F14."""
    kept = check_gone(sweep, tmp_path / "a")
    exercised("runs kept", kept, 8)
    assert kept < RUN_COUNT


@pytest.mark.parametrize(
    ("old", "new"),
    [("        self.engine.check()\n", ""), ("                self.engine.abandon()\n", "")],
    ids=["nobody asks", "left running"],
)
def test_waiting_for_an_engine_that_is_gone_is_noticed(old: str, new: str, tmp_path: Path) -> None:
    """F14."""
    with pytest.raises(AssertionError):
        check_gone(with_fakes(planted(sweep, old, new)), tmp_path / "a")


# ---------------------------------------------------------------- one commit


def calls_of_a_commit(folder: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a commit asks of the system, in order."""
    calls: list[str] = []
    kinds: dict[int, str] = {}

    def watch(name: str, target: str) -> None:
        real = getattr(os, name)

        def called(*arguments: Any, **keywords: Any) -> Any:
            if name == "fsync":
                kind = "folder" if Path(f"/proc/self/fd/{arguments[0]}").is_dir() else "file"
                calls.append(f"fsync {kind}")
            else:
                calls.append(target)
            return real(*arguments, **keywords)

        monkeypatch.setattr(os, name, called)

    watch("fsync", "fsync")
    watch("replace", "rename")
    module.commit(folder / RUNS, fake_rows([0, 1]), 0)
    monkeypatch.undo()
    assert not kinds
    return calls


def test_a_commit_is_flushed_before_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F4."""
    new_store(tmp_path / "a")
    assert calls_of_a_commit(tmp_path / "a", store, monkeypatch) == ["fsync file", "rename", "fsync folder"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("            os.fsync(self.file.fileno())\n", ""),
        ("            _flush_folder(self.path.parent)\n", ""),
    ],
    ids=["no flush of the file", "no flush of the folder"],
)
def test_a_commit_without_flush_is_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F4."""
    broken = planted(store, "DIGITS = 32", "DIGITS = 32")
    broken.replacing = planted(result, old, new).replacing  # type: ignore[attr-defined]
    new_store(tmp_path / "a")
    calls = calls_of_a_commit(tmp_path / "a", broken, monkeypatch)
    assert calls != ["fsync file", "rename", "fsync folder"]


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_store_as_it_was(
    fault: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F3."""
    own = new_store(tmp_path / "a")
    store.commit(tmp_path / "a" / RUNS, fake_rows([0, 1]), 0)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(UserError, match=os.strerror(fault)) as told:
        store.commit(tmp_path / "a" / RUNS, fake_rows([2, 3]), 2)
    monkeypatch.undo()
    assert "part-000000002" in str(told.value)
    assert list((tmp_path / "a" / RUNS).glob(".*")) == []
    assert own.done(RUN_COUNT)[:4].tolist() == [1, 1, 0, 0]
    store.commit(tmp_path / "a" / RUNS, fake_rows([2, 3]), 2)
    assert own.done(RUN_COUNT)[:4].tolist() == [1, 1, 1, 1]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """F5: The system refuses to let a file grow: nothing torn is counted."""
    import resource
    import signal

    own = new_store(tmp_path / "a")
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot be written"):
            store.commit(tmp_path / "a" / RUNS, fake_rows(list(range(RUN_COUNT))), 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert not own.done(RUN_COUNT).any()
    assert [path.name for path in (tmp_path / "a" / RUNS).iterdir()] == []


# ---------------------------------------------------------------- damage


def damages(content: bytes, rng: random.Random, count: int) -> Iterator[bytes]:
    """Truncations and single flipped bits, in turn."""
    for number in range(count):
        place = rng.randrange(len(content))
        if number % 2:
            yield content[:place]
        else:
            flipped = bytearray(content)
            flipped[place] ^= 1 << rng.randrange(8)
            yield bytes(flipped)


def test_damage_is_never_silent(tmp_path: Path, exercised: Exercised) -> None:
    """F7: Every truncation and every flipped bit of every kind of file is told, and names the file."""
    folder = tmp_path / "a"
    own = new_store(folder)
    path = store.commit(folder / RUNS, fake_rows(list(range(RUN_COUNT))), 0)
    rng, tried = random.Random(1), 0
    for file in (path, folder / POINTS, folder / "manifest.json"):
        content = file.read_bytes()
        for damaged in damages(content, rng, 134):
            file.write_bytes(damaged)
            with pytest.raises(UserError) as told:
                load_sweep(folder)
            assert file.name in str(told.value)
            tried += 1
        file.write_bytes(content)
    load_sweep(folder)
    assert own.damaged() == []
    exercised("damaged files", tried, 400)


def test_damaged_parts_are_named_and_played_again(tmp_path: Path) -> None:
    """F7."""
    own = new_store(tmp_path / "a")
    path = store.commit(tmp_path / "a" / RUNS, fake_rows([3, 4, 5]), 3)
    path.write_bytes(path.read_bytes()[:-7])
    ((found, why),) = own.damaged()
    assert found == path
    assert path.name in why
    assert not own.state().any()
    coordinate(tmp_path / "a", FakeEngine(1, tmp_path / "a", accidents=0.0))
    assert len(whole(tmp_path / "a")) == RUN_COUNT
    assert [file.suffix for file in (tmp_path / "a" / RUNS).iterdir()].count(".damaged") == 1


def test_parts_that_disagree_stop_everything(tmp_path: Path) -> None:
    """F9."""
    own = new_store(tmp_path / "a")
    store.commit(tmp_path / "a" / RUNS, fake_rows([3, 4]), 3)
    again = fake_rows([4, 5])
    store.commit(tmp_path / "a" / RUNS, again, 4)
    assert len(own.table()) == 3
    other = again.set_column(6, "outcome", pa.array([4 / 7 + 1e-16 * 8, 5 / 7], pa.float64()))
    assert other["outcome"][0] != again["outcome"][0]
    store.commit(tmp_path / "a" / RUNS, other, 4)
    with pytest.raises(UserError, match="run 4 twice, and the two differ in outcome"):
        own.table()
    assert len(own.parts()) == 3


BROKEN_STORES = {
    "checksums are not looked at": ("!= self.sha256:", "== 'never':"),
    "what disagrees is dropped": ("if repr(one) != repr(other):", "if False:"),
}


def check_mended(module: Any, folder: Path) -> None:
    """A part that is damaged is written anew, for a file of its name alone says nothing."""
    new_store(folder)
    path = module.commit(folder / RUNS, fake_rows([3, 4]), 3)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert module.Store(folder).done(RUN_COUNT).sum() == 0
    assert module.Store(folder).committed([3, 4]) is None
    assert module.commit(folder / RUNS, fake_rows([3, 4]), 3) == path
    assert path.read_bytes() == content


def test_what_is_there_but_damaged_is_not_done(tmp_path: Path) -> None:
    """F18."""
    check_mended(store, tmp_path / "a")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return path.read_bytes() == content", "return path.exists()"),
        ("                continue\n            failed", "                return ~state\n            failed"),
    ],
    ids=["written when it exists", "done when it exists"],
)  # fmt: skip
def test_a_store_to_which_existing_is_done_is_noticed(old: str, new: str, tmp_path: Path) -> None:
    """F18."""
    with pytest.raises(AssertionError):
        check_mended(planted(store, old, new), tmp_path / "a")


class Appending:
    """A store as many have one: each part adds its rows to one table of text."""

    class Store(Store):
        """What is done is what has a line."""

        def done(self, runs: int) -> Any:
            """Look at the lines."""
            state = np.zeros(runs, np.int8)
            lines = (self.folder / RUNS / "rows.csv").read_text().splitlines()
            state[[int(line.partition(",")[0]) for line in lines]] = 1
            return state

    @staticmethod
    def commit(folder: Path, table: pa.Table, first: int) -> Path:
        """Add lines."""
        with (folder / "rows.csv").open("a") as file:
            file.writelines(f"{row['run']},{row['outcome']}\n" for row in table.to_pylist())
        return folder / "rows.csv"


def test_a_store_that_appends_is_noticed(tmp_path: Path) -> None:
    """F18."""
    with pytest.raises(AssertionError):
        check_mended(Appending, tmp_path / "a")


class Sparing(io.FileIO):
    """A file that takes a few bytes at a time, as a system may."""

    def write(self, content: Any) -> int:
        """Take seven bytes."""
        return super().write(bytes(content[:7])) or 0


def test_short_writes_leave_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F3."""
    new_store(tmp_path / "a")
    whole_part = store.commit(tmp_path / "a" / RUNS, fake_rows([0, 1]), 0)
    content = whole_part.read_bytes()
    whole_part.unlink()
    real = Path.open

    def sparing(self: Path, mode: str = "r", *more: Any, **keywords: Any) -> Any:
        return io.BufferedWriter(Sparing(self, mode)) if mode == "wb" else real(self, mode, *more, **keywords)

    monkeypatch.setattr(Path, "open", sparing)
    again = store.commit(tmp_path / "a" / RUNS, fake_rows([0, 1]), 0)
    monkeypatch.undo()
    assert again.read_bytes() == content


def commit_together(folder: Path, module: ModuleType, parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two workers commit the same parts, each when both have written; all must be there, whole."""
    new_store(folder, 2 * parts)
    rows = [fake_rows([2 * number, 2 * number + 1]) for number in range(parts)]
    together, failures = threading.Barrier(2), []

    def flush(number: int) -> None:
        if not Path(f"/proc/self/fd/{number}").is_dir():
            together.wait()

    def work() -> None:
        for number, table in enumerate(rows):
            try:
                module.commit(folder / RUNS, table, 2 * number)
            except UserError as error:
                failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    monkeypatch.setattr(os, "fsync", flush)
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    own = Store(folder)
    assert own.damaged() == []
    assert own.clear_leftovers() == 0
    assert [part.first for part in own.parts()] == list(range(0, 2 * parts, 2))


def test_the_same_part_from_two_workers_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """F8."""
    commit_together(tmp_path / "a", store, 500, monkeypatch)
    exercised("parts committed twice at once", 500, 500)


def test_temporary_files_of_one_name_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F8: As of two workers with the same process number, in two containers."""
    broken = planted(store, "DIGITS = 32", "DIGITS = 32")
    one_name = planted(result, "{os.getpid()}-{os.urandom(4).hex()}", "1")
    broken.replacing = one_name.replacing  # type: ignore[attr-defined]
    with pytest.raises(AssertionError):
        commit_together(tmp_path / "a", broken, 5, monkeypatch)


def test_broken_stores_are_noticed(tmp_path: Path, exercised: Exercised) -> None:
    """F18."""
    silent = planted(store, *BROKEN_STORES["checksums are not looked at"])
    new_store(tmp_path / "a")
    path = store.commit(tmp_path / "a" / RUNS, fake_rows([3, 4, 5]), 3)
    content = bytearray(path.read_bytes())
    unseen = 0
    for place in range(4, len(content), 7):
        content[place] ^= 1
        path.write_bytes(bytes(content))
        try:
            silent.Store(tmp_path / "a").table()
            unseen += 1
        except (UserError, OSError, pa.ArrowException, ValueError, KeyError):
            pass
        content[place] ^= 1
    assert unseen, "without checksums some flipped bit must go unseen, or the test shows nothing"
    path.write_bytes(bytes(content))

    lax = planted(store, *BROKEN_STORES["what disagrees is dropped"])
    other = fake_rows([4]).set_column(6, "outcome", pa.array([0.5], pa.float64()))
    store.commit(tmp_path / "a" / RUNS, other, 4)
    assert len(lax.Store(tmp_path / "a").table()) == 3
    with pytest.raises(UserError):
        Store(tmp_path / "a").table()
    exercised("broken stores noticed", len(BROKEN_STORES), 2)


def test_compacting_keeps_every_row_and_few_files(tmp_path: Path) -> None:
    own = new_store(tmp_path / "a", 500)
    order = list(range(500))
    random.Random(1).shuffle(order)
    for run in order:
        store.commit(tmp_path / "a" / RUNS, fake_rows([run]), run)
    assert len(own.parts()) == 500
    assert own.compact() == 1
    assert own.table()["run"].to_pylist() == list(range(500))
    (first,) = own.parts()
    assert own.compact() == 1
    assert own.parts() == [first]
    whole_at_once = new_store(tmp_path / "b", 500)
    store.commit(tmp_path / "b" / RUNS, fake_rows(list(range(500))), 0)
    whole_at_once.compact()
    assert whole_at_once.parts()[0].path.read_bytes() == first.path.read_bytes()


def in_blocks(
    folder: Path, rows: int, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, str]:
    """Put parts that overlap and repeat runs together by so many rows; return the table, and the summary."""
    own = new_store(folder, 30)
    monkeypatch.setattr(store, "ROWS_IN_WHOLE_PART", {RUNS: rows, store.SERIES: rows})
    monkeypatch.setattr(module, "ROWS_AT_A_TIME", rows)
    for runs in (range(0, 30, 2), range(1, 30, 2), range(4, 9), range(20, 30)):
        numbers = np.array(runs)
        table = fake_rows(list(runs)).set_column(2, "point", pa.array(numbers // 6))
        failed = [store.FAILED if run % 5 == 0 or run < 6 else store.DONE for run in runs]
        table = table.set_column(4, "status", pa.array(failed))
        store.commit(folder / RUNS, table, runs[0])
        days = pa.table({"run": np.repeat(numbers, 3), "day": np.tile(np.arange(3), len(numbers))})
        store.commit(folder / store.SERIES, days, runs[0])
    for _ in range(2):  # what is together already stays as it is
        own.compact()
        days = own.table(store.SERIES)
        assert days["run"].to_pylist() == np.repeat(np.arange(30), 3).tolist()
        assert days["day"].to_pylist() == [0, 1, 2] * 30
    return own.table(), str(module.write_summary(own).read_text(encoding="utf-8"))


def test_blocks_of_any_size_make_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_table, summary = in_blocks(tmp_path / "whole", 1_000, reading, monkeypatch)
    assert whole_table["run"].to_pylist() == list(range(30))
    for rows in (1, 2, 4, 7, 29):
        found, text = in_blocks(tmp_path / str(rows), rows, reading, monkeypatch)
        assert found.equals(whole_table)
        assert text == summary
    torn = planted(reading, "yield frame[~last]", "yield frame; rest = frame[:0]")
    assert in_blocks(tmp_path / "torn", 4, torn, monkeypatch)[1] != summary


# ---------------------------------------------------------------- reading meanwhile


def check_reading(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Parts are put together just before the k-th of them is read: whoever reads has all, and no damage."""
    monkeypatch.setattr(store, "ROWS_IN_WHOLE_PART", {RUNS: 10, store.SERIES: 1_000})
    monkeypatch.setattr(module, "ROWS_IN_WHOLE_PART", store.ROWS_IN_WHOLE_PART)
    content, reads, turn = module.Part.content, 0, 0

    def compacted_before(part: Any) -> bytes:
        nonlocal reads
        reads += 1
        if reads == turn:
            assert Store(place).compact() == RUN_COUNT // 10 + 1
        return bytes(content(part))

    monkeypatch.setattr(module.Part, "content", compacted_before)
    asked = {
        "rows": lambda own: own.table()["run"].to_pylist() == list(range(RUN_COUNT)),
        "series": lambda own: own.table(store.SERIES)["run"].to_pylist() == list(range(RUN_COUNT)),
        "done": lambda own: (own.done(RUN_COUNT, series=True) == 1).all(),
        "damaged": lambda own: own.damaged() == [],
        "failures": lambda own: own.failures() == {},
        "load_sweep": lambda own: list(load_sweep(own.folder).outcomes.index) == list(range(RUN_COUNT)),
    }
    monkeypatch.setattr(reading, "Store", module.Store)
    moments = 0
    for name, answer in asked.items():
        turn, reads = 0, 0
        while turn <= reads:  # as long as it reads so many
            turn, reads = turn + 1, 0
            place = folder / f"{name}-{turn}"
            own = new_store(place, module=module)
            for first in range(0, RUN_COUNT, 5):
                rows = fake_rows(range(first, first + 5))
                store.commit(place / RUNS, rows, first)
                store.commit(place / store.SERIES, rows.select(["run", "seed"]), first)
            assert answer(own), f"{name}: something else, when parts go before the {turn}. is read"
            moments += 1
    return moments


@pytest.mark.usefixtures("_no_flushing")
def test_whoever_reads_while_parts_are_put_together_has_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    exercised("moments", check_reading(store, tmp_path, monkeypatch), 100)


@pytest.mark.usefixtures("_no_flushing")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"it is not there", Gone)', '"it is not there")'),
        ("                        again = True\n", ""),
        ("                if error.path in gone:  #", "                if True:  #"),
        ("runs, counts = runs[runs > after], counts[runs > after]", "pass"),
    ],
    ids=["what is gone is damaged", "what came is not looked at", "once is all", "from the beginning"],
)
def test_reading_that_minds_what_is_gone_is_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((AssertionError, UserError)):
        check_reading(planted(store, old, new), tmp_path, monkeypatch)


def check_each_step(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Between any two changes that putting parts together makes, all rows are read; return how many."""
    monkeypatch.setattr(module, "ROWS_IN_WHOLE_PART", {RUNS: 25, store.SERIES: 1_000})
    steps: list[int] = []

    def looking(change: Any) -> Any:
        def changed(*arguments: Any) -> Any:
            found = change(*arguments)
            steps.append(len(list((folder / RUNS).iterdir())))
            seen = load_sweep(folder)
            assert list(seen.outcomes.index) == list(range(RUN_COUNT)), f"rows are lost after {len(steps)}"
            assert (seen.outcomes["outcome"] == np.arange(RUN_COUNT) / 7).all()
            return found

        return changed

    own = new_store(folder, module=module)
    for first in range(0, RUN_COUNT, 5):
        store.commit(folder / RUNS, fake_rows(range(first, first + 5)), first)
    for name in ("commit", "remove"):
        monkeypatch.setattr(module, name, looking(getattr(module, name)))
    assert own.compact() == 3
    assert max(steps) > RUN_COUNT // 5, "old parts and new ones were never there together"
    return len(steps)


@pytest.mark.usefixtures("_no_flushing")
def test_a_sweep_is_read_whole_at_each_step_of_putting_it_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    exercised("steps", check_each_step(store, tmp_path / "a", monkeypatch), 15)


@pytest.mark.usefixtures("_no_flushing")
def test_old_parts_that_go_first_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    early = planted(
        store,
        "            old = self.parts(kind)\n            new = {",
        "            old, rows = self.parts(kind), list(self.blocks(kind))\n"
        "            for part in old:\n                remove(part.path)\n"
        "            self.blocks = lambda kind: rows\n            new = {",
    )
    with pytest.raises(AssertionError, match="rows are lost"):
        check_each_step(early, tmp_path / "a", monkeypatch)


def test_a_part_that_leads_nowhere_is_damaged(tmp_path: Path) -> None:
    """It is listed, and is not there however often it is looked for."""
    own = new_store(tmp_path / "a")
    path = store.commit(tmp_path / "a" / RUNS, fake_rows([3, 4, 5]), 3)
    path.unlink()
    path.symlink_to("nowhere")
    assert [place for place, _ in own.damaged()] == [path]
    assert not own.state().any()
    with pytest.raises(UserError, match="is not there"):
        load_sweep(tmp_path / "a")


# ---------------------------------------------------------------- one coordinator


def check_lock(module: ModuleType, folder: Path) -> None:
    """The whole is held by one alone, shards beside each other; what was held can be held again."""
    with module.locked(folder):
        for shard in ("", "1/2"):
            with pytest.raises(UserError, match=f"process {os.getpid()} on"), module.locked(folder, shard):
                pass
    with module.locked(folder, "1/2"), module.locked(folder, "2/2"):
        for shard in ("", "1/2"):
            with pytest.raises(UserError, match="is being worked on"), module.locked(folder, shard):
                pass
    with module.locked(folder):
        pass


def test_one_coordinator_at_a_time(tmp_path: Path) -> None:
    """F8."""
    check_lock(lock, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_lock(file, path, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)", "pass"),
        ('_take(stack, place / "whole", bool(shard), folder)', '_take(stack, place / "whole", True, folder)'),
        ("            _take(stack, place / _shard_file(shard), False, folder)\n", "            pass\n"),
    ],
    ids=["no lock", "a lock for many", "no lock for a shard"],
)
def test_stores_without_lock_are_noticed(old: str, new: str, tmp_path: Path) -> None:
    """F8, F18."""
    with pytest.raises(pytest.fail.Exception):
        check_lock(planted(lock, old, new), tmp_path)


def check_holders(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds a lock plays; who is only named, and lives, does not. Without locks names are believed."""
    me = f"process {os.getpid()} on {socket.gethostname()}"
    with module.locked(folder):
        assert module.holders(folder) == {"": me}
    with module.locked(folder, "1/2"):
        assert module.holders(folder) == {"1/2": me}
    for name in ("whole", "shard-1-of-2"):
        (folder / "locks" / name).write_text(me)  # another process has the number of one that was killed
    assert module.holders(folder) == {}
    with module.locked(folder):
        pass

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with monkeypatch.context() as within:
        within.setattr(fcntl, "flock", fail)
        assert module.holders(folder) == {"1/2": me}


def test_who_plays_is_who_holds_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_holders(lock, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" and _is_held(path):", ":"),
        ("    except OSError:  # it is held", "    except BlockingIOError:  # it is held"),
        ("fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)", "pass"),
    ],
)
def test_numbers_that_are_believed_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((AssertionError, OSError)):
        check_holders(planted(lock, old, new), tmp_path, monkeypatch)


def check_no_locks(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks is no other process, and says so."""
    for fault in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO):

        def fail(*_: Any, fault: int = fault) -> None:
            raise OSError(fault, os.strerror(fault))

        with monkeypatch.context() as within:
            within.setattr(fcntl, "flock", fail)
            for held in (
                module.locked(folder), module.locked(folder, "1/2"), module.only_one(folder, "it"),
                module.taking_turns(folder, "it"),
            ):  # fmt: skip
                with pytest.raises(UserError, match=f"cannot be locked: {os.strerror(fault)}") as told, held:
                    pass
                assert not isinstance(told.value, lock.Held), "another process is said to hold it"
                assert "flock" in told.value.allowed


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_no_locks(lock, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    except OSError as error:\n        file.close()\n",
            "    except OSError as error:\n        raise BlockingIOError from error\n",
        ),
        ("    except BlockingIOError:\n        raise\n", "    except OSError:\n        raise\n"),
    ],
    ids=["another process", "the folder"],
)
def test_a_disk_that_is_taken_for_a_process_is_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((AssertionError, OSError)):
        check_no_locks(planted(lock, old, new), tmp_path, monkeypatch)


def check_end_of_shards(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last shard that finds no lock says so, and is not taken for one beside another."""

    def locked(folder: Path, shard: str = "") -> None:
        raise UserError("cannot be locked")

    monkeypatch.setattr(module, "locked", locked)
    with pytest.raises(UserError, match="cannot be locked"):
        module._finish_after_shards(folder, Settings())


def test_the_last_shard_tells_of_a_disk_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_end_of_shards(sweep, tmp_path, monkeypatch)
    silent = planted(sweep, "        except Held:\n", "        except UserError:\n")
    with pytest.raises(pytest.fail.Exception):
        check_end_of_shards(silent, tmp_path, monkeypatch)


def summary_of(folder: Path, module: ModuleType) -> str:
    """The table for people of two points, one of which has a name like a formula."""
    axes = (Axis("name", ("=1+1", "plain")), Axis("number", (-1.5, 2.0)))
    new_store(folder, 2)
    manifest = Store(folder).manifest | {"study": Study((), axes, "list").to_plain()}
    points = pa.table({"point": [0, 1], "name": ["=1+1", "plain"], "number": [-1.5, 2.0]})
    own = Store.create(folder, {key: manifest[key] for key in manifest if key != "sha256"}, points)
    store.commit(folder / RUNS, fake_rows([0, 1]), 0)
    return str(module.write_summary(own).read_text(encoding="utf-8"))


def test_texts_of_the_summary_are_no_formulas(tmp_path: Path) -> None:
    lines = summary_of(tmp_path / "a", reading).splitlines()
    assert lines[1:] == ["0,'=1+1,-1.5,1,0,0", "1,plain,2,1,0,0.1428571429"]
    broken = planted(reading, "texts[name].map(_harmless)", "texts[name]")
    assert ",=1+1," in summary_of(tmp_path / "b", broken)


def test_points_are_read_with_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "a": store.column([True, False]), "b": store.column([1, 2]), "c": store.column([1, 2.5]),
            "d": store.column(["x", ("y", "z")]), "e": store.column([None, "x"]),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    assert [str(kind) for kind in table.schema.types] == ["bool", "int64", "double", "string", "string"]
    assert table["d"].to_pylist() == ["x", "[y,z]"]
    assert isinstance(Coordinator, type)
