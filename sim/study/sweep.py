"""Sweeps: every point of a study with every seed, on an engine, into a store that survives anything.

The coordinator hands out chunks of runs and never more than a few for each worker; a worker composes its runs
itself, plays them, commits a part and returns how many there were. The same command goes on where a sweep was
stopped, on the same engine or another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import gc
import hashlib
import json
import math
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sim.compile import is_cold
from sim.composition import config_id, id_of_checked
from sim.config import Config
from sim.errors import UserError
from sim.market import posting, search
from sim.model import ClickWorkModel
from sim.outcomes.indicators import INDICATORS, values
from sim.outcomes.recorder import Recorder, frame_of
from sim.overrides import FILE_KEY
from sim.plain_yaml import read_yaml
from sim.plugins import load_plugins
from sim.stopping import raise_if_stopped, stopping_on_term
from sim.study.ahead import compile_ahead
from sim.study.engine import (
    GRACE_SECONDS,
    Engine,
    RunTimeout,
    deadline,
    died,
    error_of,
    result_of,
    some_ended,
)
from sim.study.lock import Held, locked, taking_turns
from sim.study.points import Composer, Study
from sim.study.result import MANIFEST, digest
from sim.study.run import new_folder
from sim.study.sources import versions
from sim.study.store import (
    DONE,
    FAILED,
    POINTS,
    RUNS,
    SERIES,
    SET_ASIDE,
    SUMMARY_CSV,
    SWEEP,
    Gone,
    Store,
    column,
    commit,
    listed,
    remove,
    with_units,
)
from sim.world.reading import table_file

__all__ = ["Settings", "execute", "outcomes_of", "play_chunk"]

CHUNK_SECONDS = 15.0
"""Work that a chunk should hold, so that handing it out and committing it cost next to nothing."""

AHEAD = 4
"""Chunks handed out for each worker."""

LONGEST_CHUNK = 2_000
RUNS_BETWEEN_LOOKS = 1_000
"""Runs after which the worker that plays the last of them looks for garbage; it takes a fifth of a second."""

DEATHS = 3
"""Times that a worker may die with a single run before the run is given up."""

COMPILE_SECONDS = 600.0
"""Time that the first run on a machine may take longer, since it compiles the model."""

STATUS_SECONDS = 2.0
LINE_SECONDS = 60.0
"""Time between two lines of progress where nobody watches a bar, as in the log of a job."""

FRESH = "fresh=true"
"""The word that begins anew; a shard does not take it, for each would begin in a folder of its own."""

COMPLETE, PARTLY = 0, 3
"""Exit codes: all runs done; some failed."""

WITHOUT_EFFECT = ("results.", "compute.", "record.figures", "record.batches")
"""Settings by which two sweeps may differ and still be the same."""

KEPT = {
    "version": "version",
    "source_hash": "sources",
    "python": "Python",
    "packages": "packages",
    "plugins": "plug-ins",
    "config_files": "contents of config=FILE",
    "tables": "country tables",
    "ends": "groups",
}
"""What of a manifest must be as it was when a sweep goes on, and what it is called."""

TOLD = ("version", "python", "packages")
"""Those of them that are spelled out where they differ."""

WITHOUT_RESULTS = ("pyarrow",)
"""Packages on which no result depends: they only write it down."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a sweep is carried out; nothing here changes a result.

    Attributes
    ----------
    shard
        (number from 1, how many): play only every n-th chunk of runs, beside others that play the rest.
    timeout_seconds
        Time that a run may take; 0 for any.
    keep_series
        Keep the daily series of every run.
    retry_failed
        Play again what failed.
    fresh
        Begin anew even if the same sweep is there.
    command
        The words that ask for the same again.
    """

    shard: tuple[int, int] = (1, 1)
    timeout_seconds: float = 0.0
    keep_series: bool = False
    retry_failed: bool = False
    fresh: bool = False
    quiet: bool = False
    command: str = ""


# ---------------------------------------------------------------- a worker's side


@lru_cache(maxsize=4)
def _opened(folder: str, identity: str) -> tuple[Composer, dict[str, Any], Any]:
    manifest = Store(Path(folder)).manifest
    composer = Composer(Study.from_plain(manifest["study"]))
    here = versions() | contents_now(composer.study, manifest)
    if not changed(manifest, here):  # with other sources the groups could not even be read
        here["ends"] = ends(composer)
    other = changed(manifest, here)
    if other:
        raise UserError(f"This worker has other {other} than {folder} was begun with.", path=folder)
    return composer, manifest, _rules_of(manifest)


def contents_now(study: Study, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands now in the files that a sweep was begun with."""
    return contents(study, [Path(file) for file in manifest["plugin_files"]], manifest["tables"])


def _rules_of(manifest: Mapping[str, Any]) -> Any:
    """Return the rules of the plug-ins with which a sweep was begun, None without any."""
    return load_plugins(manifest["plugin_files"]) if manifest["plugin_files"] else None


def play_chunk(folder: str, identity: str, runs: Sequence[int], timeout_seconds: float) -> dict[str, Any]:
    """Play some runs of a sweep and commit them as one part; return how many, and how long they took.

    A run that raises an error becomes a row that says so.
    """
    composer, manifest, rules = _opened(folder, identity)
    began = time.perf_counter()
    series: list[pa.Table] = []
    # All at once: between two markets, which need the processor's caches, composing a tiny run takes longer.
    rows, configs = zip(*(_composed(composer, run, manifest) for run in runs), strict=True)
    for row, config in zip(rows, configs, strict=True):
        if config is not None:
            series += _play(row, config, manifest, rules, timeout_seconds)
    where = Path(folder)
    if late := changed(manifest, contents_now(composer.study, manifest)):
        raise UserError(
            f"{folder} was begun with other {late}, which changed while this was played: it is not kept.",
            path=folder,
            allowed="what it was begun with; or fresh=true, which begins anew in another folder",
            nearest=FRESH,
        )
    if series:
        own = {SWEEP: manifest["identity"]}
        commit(where / SERIES, pa.concat_tables(series).replace_schema_metadata(own), runs[0])
    commit(where / RUNS, _rows_of(rows, manifest), runs[0])
    failed = sum(row["status"] == FAILED for row in rows)
    if runs[0] // RUNS_BETWEEN_LOOKS != (runs[-1] + 1) // RUNS_BETWEEN_LOOKS:
        gc.collect()  # what lies in circles would be looked for too seldom here: 4 MiB in 10,000 runs
    return {"runs": len(runs), "failed": failed, "seconds": time.perf_counter() - began}


def get_ready(folder: str, identity: str) -> None:
    """Import what playing needs, which this module does, and compose what all runs share."""
    with contextlib.suppress(UserError):  # whoever plays tells of it
        _opened(folder, identity)


def _composed(
    composer: Composer, run: int, manifest: Mapping[str, Any]
) -> tuple[dict[str, Any], Config | None]:
    """Return the row of a run, as far as it is known before it is played, and its configuration."""
    point, seed = divmod(run, composer.study.seeds)
    row: dict[str, Any] = {"run": run, "run_id": "", "point": point, "seed": seed, "status": DONE}
    try:
        config = sober(composer.config(run))
        row |= {"run_id": run_id(config, manifest), "seed": config.seed}
    except Exception as error:  # noqa: BLE001  whatever it is, it belongs to this run alone
        return _failed(row, error), None
    return row, config


def _play(
    row: dict[str, Any], config: Config, manifest: Mapping[str, Any], rules: Any, timeout_seconds: float
) -> list[pa.Table]:
    """Play one run; note in its row what came of it, and return its series if they are kept."""
    try:
        with deadline(_patience(timeout_seconds)):
            outcomes, table = outcomes_of(config, rules, row["run"] if manifest["keep_series"] else None)
        row |= outcomes
    except (Exception, RunTimeout) as error:  # noqa: BLE001
        _failed(row, error)
        return []
    return [] if table is None else [table]


def _failed(row: dict[str, Any], error: BaseException) -> dict[str, Any]:
    """Note in the row of a run what went wrong with it."""
    raise_if_stopped()  # unless it comes of being stopped, as a compiler's complaints then
    row |= {"status": FAILED, "error": cause_of(error)}
    return row


def _patience(timeout_seconds: float) -> float:
    """Return the time that the next run may take; whoever has to compile the model first has longer."""
    return timeout_seconds + COMPILE_SECONDS * (timeout_seconds > 0 and is_cold(search, posting))


def sober(config: Config) -> Config:
    """Return the configuration without what a sweep has no use for: figures, batches, a progress bar."""
    return dataclasses.replace(
        config,
        record=dataclasses.replace(config.record, figures=False, batches=False, events=False),
        compute=dataclasses.replace(config.compute, threads=1, progress=False, views_up_to=0),
    )


def outcomes_of(
    config: Config, rules: Any = None, series_of: int | None = None
) -> tuple[dict[str, float], pa.Table | None]:
    """Play a configuration to its end and return its outcomes by name, and its series if they are asked for.

    What only a policy brings about is what it is without one, where that is a number, as in a comparison.
    What cannot be computed, such as a statistic of too few workers, is NaN.
    """
    model = ClickWorkModel(config, plugins=rules)
    recorder = Recorder(model)
    try:
        model.observers.append(recorder)
        model.run()
        model.end()
        tables = recorder.tables()
        outcomes = values(tables, model.world)
    finally:  # they refer to each other: as they are, a thousand would wait for Python to find them
        recorder.__dict__.clear()
        model.__dict__.clear()
    if series_of is None:
        return outcomes, None
    series = frame_of("series", tables.series)
    table = pa.Table.from_pandas(series, preserve_index=False).replace_schema_metadata(None)
    if not table.num_rows:  # nobody was ever there; a row without a day says that nothing of it is lost
        table = pa.table({field.name: pa.nulls(1, field.type) for field in table.schema})
    return outcomes, table.add_column(0, "run", pa.array(np.full(table.num_rows, series_of, np.int64)))


def cause_of(error: BaseException) -> str:
    """Return a traceback that is the same wherever the sources lie."""
    if isinstance(error, UserError):
        return str(error)
    lines = [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])


def run_id(config: Config, manifest: Mapping[str, Any]) -> str:
    """Return a SHA-256 that two runs share when the same is played by the same sources."""
    table = manifest["tables"][config.world.table]
    what = [id_of_checked(config), manifest["source_hash"], manifest["plugins"], table]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def columns_of(outcomes: Sequence[str]) -> dict[str, pa.DataType]:
    """Return the columns of a part, without those of the axes."""
    keys = {
        "run": pa.int64(),
        "run_id": pa.string(),
        "point": pa.int64(),
        "seed": pa.int64(),
        "status": pa.string(),
        "error": pa.string(),
    }
    return keys | dict.fromkeys(outcomes, pa.float64())


def _rows_of(rows: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> pa.Table:
    """Return rows as a part holds them."""
    return _table(
        {name: [row.get(name) for row in rows] for name in columns_of(manifest["outcomes"])}, manifest
    )


def _table(values: Mapping[str, Any], manifest: Mapping[str, Any]) -> pa.Table:
    kinds = columns_of(manifest["outcomes"])
    columns = {name: pa.array(values[name], kind) for name, kind in kinds.items()}
    return with_units(pa.table(columns), manifest["units"], {SWEEP.decode(): manifest["identity"]})


def dead_row(composer: Composer, run: int, manifest: Mapping[str, Any], why: str) -> pa.Table:
    """Return the row of a run with which workers die."""
    config = sober(composer.config(run))
    row = {
        "run": run,
        "run_id": run_id(config, manifest),
        "point": run // composer.study.seeds,
        "seed": config.seed,
        "status": FAILED,
        "error": why,
    }
    return _rows_of([row], manifest)


# ---------------------------------------------------------------- the coordinator's side


def execute(
    study: Study,
    engine: Callable[[], Engine],
    settings: Settings,
    plugins: Sequence[Path] = (),
    composer: Composer | None = None,
) -> tuple[Path, int]:
    """Play a study; return the sweep's folder and the exit code.

    The same study goes on where it was stopped, if it is unfinished in the folder for results. Whoever has
    its composer already hands it over: its points are drawn once then.

    Raises
    ------
    UserError
        If a point is not allowed (before anything runs), or the folder belongs to other sources, or is held
        by another coordinator.
    """
    with _ways_for(settings):
        return _execute(study, engine, settings, plugins, composer)


@contextmanager
def _ways_for(settings: Settings) -> Iterator[None]:
    """Tell shards of another way than to begin anew, which they cannot."""
    try:
        yield
    except UserError as error:
        if settings.shard[1] == 1 or error.nearest != FRESH:
            raise
        raise UserError(
            error.message,
            path=error.path,
            value=error.value,
            allowed="another folder for the results of all shards; without --shard, fresh=true",
            nearest="results.dir=another",
        ) from error


def _execute(
    study: Study,
    engine: Callable[[], Engine],
    settings: Settings,
    plugins: Sequence[Path],
    composer: Composer | None,
) -> tuple[Path, int]:
    composer = Composer(study) if composer is None else composer
    composer.check(composer.landmarks())
    first = composer.config_of_point(0)
    results, ready = Path(first.results.dir), list[Engine]()
    rules = load_plugins(plugins) if plugins else None
    manifest = describe(study, composer, plugins, settings)
    folder = None if settings.fresh else begun(results, manifest)
    if folder is None:  # what was begun with these sources was looked through then
        composer.check()
        compile_ahead(_landmarks(composer), rules, settings.quiet)
        ClickWorkModel(sober(first), plugins=rules)
        ready.append(engine())  # before anything is written: there may be none at the address
        folder = _laid_out(results, manifest, composer, settings.fresh)
    number, of = settings.shard
    with locked(folder, "" if of == 1 else f"{number}/{of}"):
        start = lambda: ready.pop() if ready else engine()  # noqa: E731
        code = _carry_out(Store(folder), composer, start, settings)
    for unused in ready:
        unused.close()
    if of > 1:
        _finish_after_shards(folder, settings)
    return folder, code


def _landmarks(composer: Composer) -> Iterator[Config]:
    """Yield configurations between which groups of settings, and so what is compiled, differ most."""
    return (sober(composer.config_of_point(number)) for number in composer.landmarks())


def _laid_out(results: Path, manifest: Mapping[str, Any], composer: Composer, fresh: bool) -> Path:
    """Return a new folder, or the one that another shard has made meanwhile."""
    mark = _mark(manifest["identity"])
    try:
        with taking_turns(results, mark):
            folder = None if fresh else begun(results, manifest)
            if folder is None:
                folder = _left_empty(results, mark) or new_folder(composer.config_of_point(0), mark)
                Store.create(folder, manifest, points_table(composer))
            return folder
    except OSError as error:
        raise UserError(
            f"The folder for results cannot be written to: {error.strerror}.",
            path="results.dir",
            value=str(results),
        ) from error


def _left_empty(results: Path, mark: str) -> Path | None:
    """Return the folder of a coordinator that was killed before it had laid it out."""
    for folder in _folders(results, mark):
        runs = folder / RUNS
        if not (folder / MANIFEST).exists() and not (runs.is_dir() and listed(runs)):
            return folder
    return None


def _folders(results: Path, mark: str) -> list[Path]:
    """Return the folders with a mark, the newest first."""
    return [path for path in reversed(listed(results)) if f"-{mark}" in path.name] if results.is_dir() else []


def _finish_after_shards(folder: Path, settings: Settings) -> None:
    """Put a sweep together once all shards are done: by the last of them, which nobody disturbs."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder))
        except Held:
            return  # another shard still plays, or does this
        store = Store(folder)
        _tell_aside(store.set_aside_damaged(), settings)
        if store.state().all():
            finish(store)


def _carry_out(store: Store, composer: Composer, engine: Callable[[], Engine], settings: Settings) -> int:
    """Play what is missing; workers get ready while it is looked up what that is."""
    mended = store.mend(lambda: points_table(composer))
    if mended and not settings.quiet:
        _say(f"Lost or damaged, and laid out anew: {', '.join(mended)}.")
    missing = sum(part.rows for part in store.parts()) < len(composer)
    ready = [engine()] if missing else []
    try:
        for each in ready:
            each.prepare(get_ready, str(store.folder), store.manifest["sha256"])
        return _play_what_is_missing(store, composer, lambda: ready.pop() if ready else engine(), settings)
    finally:
        for unused in ready:
            unused.abandon()


def _play_what_is_missing(
    store: Store, composer: Composer, engine: Callable[[], Engine], settings: Settings
) -> int:
    alone = settings.shard[1] == 1
    if alone:
        store.clear_leftovers()
        _tell_aside(store.set_aside_damaged(), settings)
    state = store.state()
    if settings.retry_failed and alone:
        forget_failed(store)
        state[state == 2] = 0
    mine = np.flatnonzero(state == 0)
    number, of = settings.shard
    mine = mine[mine % of == number - 1]
    failed = int((state == 2).sum())
    if len(mine):
        remove(store.folder / SUMMARY_CSV)  # it is of what was there before
        compile_ahead(_landmarks(composer), _rules_of(store.manifest), settings.quiet)
        cold = is_cold(search, posting)
        before = int((state > 0).sum()), failed
        with stopping_on_term():
            failed += Coordinator(store, composer, engine(), settings, mine, before, cold).run()
    if alone:
        finish(store)
    return PARTLY if failed else COMPLETE


def _tell_aside(files: Sequence[Path], settings: Settings) -> None:
    """Say which files nobody reads any more."""
    for ending, what in zip(SET_ASIDE, ("Damaged files", "Files of another sweep"), strict=True):
        count = sum(file.suffix == ending for file in files)
        if count and not settings.quiet:
            _say(f"{what} were set aside ({ending}): {count}. Their runs are played again.")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


class Coordinator:
    """Hands out chunks of runs and sees to it that each comes back.

    Parameters
    ----------
    before
        Runs done before, and how many of them failed.
    cold
        Whether the model has to be compiled: then the first run is played before others begin.
    """

    def __init__(
        self,
        store: Store,
        composer: Composer,
        engine: Engine,
        settings: Settings,
        runs: NDArray[np.int64],
        before: tuple[int, int] = (0, 0),
        cold: bool = False,
    ) -> None:
        self.store, self.composer, self.engine, self.settings = store, composer, engine, settings
        self.manifest = store.manifest
        self.identity = self.manifest["sha256"]
        self.waiting: deque[list[int]] = deque()
        self.left = deque(runs.tolist())
        self.suspects: deque[list[int]] = deque()
        self.deaths: dict[int, int] = {}
        self.running: dict[Future[Any], tuple[list[int], float]] = {}
        self.total = len(runs)
        self.before, self.failed_before = before
        self.cold = cold
        self.done = self.failed = 0
        self.seconds_a_run = 0.0
        self.began = time.monotonic()
        self.told, self.said = -math.inf, time.monotonic()

    def run(self) -> int:
        """Play everything; return how many runs failed."""
        with self._progress() as tell:
            try:
                while self.left or self.suspects or self.running:
                    self._hand_out()
                    self._collect()
                    tell()
                self._write_status()
                if not self.settings.quiet:
                    _say(self.text())
            except BaseException:
                self.engine.abandon()
                with contextlib.suppress(UserError):  # on a full disk there is no room for this either
                    self._write_status()
                raise
        self.engine.close()
        return self.failed

    def _hand_out(self) -> None:
        """Keep the workers busy. Whoever may have killed a worker runs with nobody beside it."""
        if self.suspects:
            if not self.running:
                self._submit(self.suspects.popleft())
            return
        most = 1 if self.cold and not self.done else AHEAD * self.engine.workers
        while self.left and len(self.running) < most:
            size = min(len(self.left), self._chunk_size())
            self._submit([self.left.popleft() for _ in range(size)])

    def _chunk_size(self) -> int:
        """Runs of about `CHUNK_SECONDS`, a single one while nothing is known; small ones near the end."""
        if not self.seconds_a_run:
            return 1
        wanted = int(CHUNK_SECONDS / self.seconds_a_run)
        fair = len(self.left) // (AHEAD * self.engine.workers)
        return max(1, min(wanted, fair, LONGEST_CHUNK))

    def _submit(self, runs: list[int]) -> None:
        future = self.engine.submit(
            play_chunk, str(self.store.folder), self.identity, runs, self.settings.timeout_seconds
        )
        self.running[future] = (runs, time.monotonic())

    def _collect(self) -> None:
        """Take what is finished; wait a moment if nothing is."""
        finished = some_ended(self.running)
        self.engine.check()
        dead = [future for future in finished if died(error_of(future))]
        for future in finished:
            if future not in dead:
                runs, _ = self.running.pop(future)
                self._take(runs, future)
        if dead:
            self._bury()
        elif not finished:
            self._stop_what_hangs()

    def _take(self, runs: list[int], future: Future[Any]) -> None:
        error = error_of(future)
        if error is not None:
            raise error
        found = result_of(future)
        self.done += found["runs"]
        self.failed += found["failed"]
        share = found["seconds"] / found["runs"]
        self.seconds_a_run = share if not self.seconds_a_run else 0.7 * self.seconds_a_run + 0.3 * share

    def _bury(self) -> None:
        """A worker died: whatever was running is played again, apart, until it is clear with which run."""
        suspects = [runs for runs, _ in self.running.values()]
        alone = len(suspects) == 1
        self.running.clear()
        self.engine.recover()
        for runs in suspects:
            committed = self.store.committed(runs)
            if committed is not None:  # it died when its work was safe
                self.done += len(runs)
                self.failed += committed
            elif len(runs) > 1:
                middle = len(runs) // 2 if alone else len(runs)
                self.suspects.extend(part for part in (runs[:middle], runs[middle:]) if part)
            else:
                self._suspect(runs[0], alone)

    def _suspect(self, run: int, alone: bool) -> None:
        """Try a run once more, by itself, unless workers have died with it often enough."""
        self.deaths[run] = self.deaths.get(run, 0) + alone
        if self.deaths[run] >= DEATHS:
            self._give_up(run, f"The worker died {DEATHS} times while it played this run alone.")
        else:
            self.suspects.append([run])

    def _give_up(self, run: int, why: str) -> None:
        commit(self.store.folder / RUNS, dead_row(self.composer, run, self.manifest, why), run)
        self.done += 1
        self.failed += 1

    def _stop_what_hangs(self) -> None:
        """Treat a worker as dead that is far beyond the time its runs may take."""
        limit = self.settings.timeout_seconds
        if limit <= 0:
            return
        now, grace = time.monotonic(), GRACE_SECONDS + COMPILE_SECONDS * self.cold
        ahead = sum(len(runs) for runs, _ in self.running.values())
        for runs, since in self.running.values():
            if now - since > limit * max(len(runs), ahead) + grace:
                self._bury()
                return

    # --- telling ---

    @contextmanager
    def _progress(self) -> Iterator[Callable[[], None]]:
        watched = sys.stderr.isatty() and not self.settings.quiet
        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}% · {task.fields[text]}"))
        with Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True) as bar:
            task = bar.add_task("sweep", total=self.total, text="")

            def tell() -> None:
                bar.update(task, completed=self.done, text=self.text())
                now = time.monotonic()
                if now - self.told > STATUS_SECONDS:
                    self._write_status()
                if now - self.said > LINE_SECONDS and not watched and not self.settings.quiet:
                    self.said = now
                    _say(self.text())

            yield tell

    def text(self) -> str:
        """Say how far the sweep is: done, failed, speed, time left."""
        status = self.status()
        left = status["seconds_left"]
        clock = "" if not left else f" · {dt.timedelta(seconds=round(left))} left"
        return (
            f"{status['done']:,} of {status['total']:,} done, {status['failed']:,} failed ·"
            f" {speed_told(status['runs_per_second'])} a second{clock}"
        )

    def status(self) -> dict[str, Any]:
        """Return how far the sweep is; times are by a clock that never goes back."""
        seconds = max(1e-9, time.monotonic() - self.began)
        speed = self.done / seconds
        return {
            "engine": type(self.engine).__name__.lower(),
            "workers": self.engine.workers,
            "shard": list(self.settings.shard),
            "total": len(self.composer),
            "done": self.done + self.before,
            "failed": self.failed + self.failed_before,
            "running": sum(len(runs) for runs, _ in self.running.values()),
            "runs_per_second": speed,
            "seconds_left": (self.total - self.done) / speed if self.done else None,
        }

    def _write_status(self) -> None:
        self.told = time.monotonic()
        number, of = self.settings.shard
        self.store.write_status(self.status(), f"{number}/{of}" if of > 1 else "")


def speed_told(runs: float) -> str:
    """Spell a number of runs by two figures, and never by a power of ten."""
    return f"{runs:,.0f}" if runs >= 10 else f"{runs:.2g}" if runs >= 0.01 else f"{runs:.4f}"


# ---------------------------------------------------------------- folders


def describe(study: Study, composer: Composer, plugins: Sequence[Path], settings: Settings) -> dict[str, Any]:
    """Return a sweep's manifest: what was asked, by which sources, and what its columns mean."""
    plain = study.to_plain()
    words = [_wherever(word) for word in study.settings if not word.startswith(WITHOUT_EFFECT)]
    asked = {**plain, "settings": words}
    what = {
        "study": asked,
        "keep_series": settings.keep_series,
        "plugins": sorted(path.name for path in plugins),
    }
    identity = hashlib.sha256(json.dumps(what, sort_keys=True, default=list).encode()).hexdigest()
    units = {name: one.unit for name, one in INDICATORS.items()}
    return {
        "identity": identity,
        "study": json.loads(
            json.dumps({**plain, "settings": [_from_anywhere(word) for word in plain["settings"]]})
        ),
        "runs": len(composer),
        "command": settings.command,
        "plugin_files": [str(path.resolve()) for path in plugins],
        "keep_series": settings.keep_series,
        "outcomes": list(INDICATORS),
        "units": units,
        "definitions": {name: one.definition for name, one in INDICATORS.items()},
        "without": {name: one.without for name, one in INDICATORS.items() if one.without is not None},
        "ends": ends(composer),
        **versions(),
        **contents(study, plugins, tables_of(composer)),
    }


def ends(composer: Composer) -> list[str]:
    """Return the ids of the points at which every choice of a group comes first, and of the last."""
    return [config_id(composer.config_of_point(number)) for number in composer.landmarks()]


def tables_of(composer: Composer) -> set[str]:
    """Return the country tables of a study's points, as the configuration names them."""
    return {composer.config_of_point(number).world.table for number in composer.landmarks()}


def _wherever(word: str) -> str:
    """Return a word by which a sweep is known: wherever a file lies, its name; its content is looked at."""
    key, _, value = word.partition("=")
    return f"{key}={Path(value).name}" if key == FILE_KEY else word


def _from_anywhere(word: str) -> str:
    """Return a word whose file, if it names one, is found by workers in other folders too."""
    key, _, value = word.partition("=")
    return f"{key}={Path(value).resolve()}" if key == FILE_KEY else word


def contents(study: Study, plugins: Sequence[Path], tables: Iterable[str]) -> dict[str, Any]:
    """Return what stands in the files that a sweep rests on: plug-ins, files of settings, country tables."""
    pairs = (word.partition("=") for word in study.settings)
    values = [read_yaml(value).values for key, _, value in pairs if key == FILE_KEY]
    return {
        "plugins": {path.name: _digest(path) for path in plugins},
        "config_files": json.loads(json.dumps(values, default=str)),
        "tables": {table: _digest(table_file(table)) for table in sorted(tables)},
    }


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file; one that is gone is another one than before."""
    with contextlib.suppress(OSError):
        return digest(file)
    return ""


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what two manifests, or a manifest and what is there now, disagree about; empty for nothing."""
    for key in KEPT:
        if key in new and old.get(key) != new[key]:
            found = _apart(key, old.get(key), new[key])
            if found:
                return found
    return ""


def _apart(key: str, before: Any, now: Any) -> str:
    """Name what differs, and how where that can be read; empty if no result depends on it."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = sorted(
            name for name in {*before, *now}.difference(WITHOUT_RESULTS) if before.get(name) != now.get(name)
        )
        told = [f"{name} {before.get(name)}, here {now.get(name)}" if key in TOLD else name for name in names]
        return f"{KEPT[key]} ({'; '.join(told)})" if told else ""
    return f"{KEPT[key]} ({before}, here {now})" if key in TOLD else KEPT[key]


def points_table(composer: Composer) -> pa.Table:
    """Return the points: a row each, a column for every axis."""
    columns = {"point": pa.array(range(len(composer.points)), pa.int64())}
    for place, axis in enumerate(composer.study.axes):
        columns[axis.path] = column([point[place] for point in composer.points])
    return pa.table(columns)


def begun(results: Path, manifest: Mapping[str, Any]) -> Path | None:
    """Return the newest folder of the same sweep, if there is one; refuse it if all were begun with others.

    Others are versions, sources, plug-ins, groups, tables or files of settings that are not as they are now.
    """
    named = _named(results, manifest["identity"])
    for folder in (*named, *_renamed(results, manifest["identity"])):
        with contextlib.suppress(UserError):  # a damaged manifest is told below, if there is no other
            if not changed(Store(folder).manifest, manifest):
                return folder
    if named:
        folder = named[0]
        other = changed(Store(folder).manifest, manifest)
        raise UserError(
            f"{folder} is the same sweep, begun with other {other}. Runs of both cannot be mixed.",
            path=str(folder),
            allowed="fresh=true, which begins anew in another folder; or what it was begun with",
            nearest=FRESH,
        )
    return None


def _mark(identity: str) -> str:
    return f"sweep-{identity[:16]}"


def _named(results: Path, identity: str) -> list[Path]:
    """Return the folders of a sweep that have their names still, the newest first."""
    return [folder for folder in _folders(results, _mark(identity)) if (folder / MANIFEST).is_file()]


def _renamed(results: Path, identity: str) -> list[Path]:
    """Return the folders of a sweep that were given other names, as their manifests say."""
    found = []
    for folder in listed(results) if results.is_dir() else ():
        if _mark(identity) not in folder.name and (folder / POINTS).is_file():
            with contextlib.suppress(UserError):
                if Store(folder).manifest.get("identity") == identity:
                    found.append(folder)
    return found


def left_to_play(
    study: Study, composer: Composer, plugins: Sequence[Path], settings: Settings
) -> tuple[Path | None, NDArray[np.int64], NDArray[np.int64]]:
    """Return where a sweep goes on, the points with runs to be played, and how many each has."""
    manifest = describe(study, composer, plugins, settings)
    results = Path(composer.config_of_point(0).results.dir)
    with _ways_for(settings):
        folder = None if settings.fresh else begun(results, manifest)
    number, of = settings.shard
    if folder is None and of == 1:
        return None, np.arange(len(composer.points)), np.full(len(composer.points), study.seeds)
    state = np.zeros(len(composer), np.int8)
    if folder is not None:
        with contextlib.suppress(Gone):
            state = Store(folder).state()
    runs = np.flatnonzero(state % 2 == 0 if settings.retry_failed else state == 0)
    points, counts = np.unique(runs[runs % of == number - 1] // study.seeds, return_counts=True)
    return folder, points, counts


def taken_up(folder: Path) -> Path:
    """Return the folder in which the command of a sweep goes on: its own, or another of the same sweep."""
    mine = Store(folder).manifest
    results, identity = folder.resolve().parent, str(mine["identity"])
    for other in (*_named(results, identity), *_renamed(results, identity)):
        with contextlib.suppress(UserError):
            if not changed(Store(other).manifest, mine):
                return other
    return folder


def forget_failed(store: Store) -> None:
    """Write parts that hold failed runs anew without them, so that they are played again."""
    for part in store.parts():
        table = part.read()
        keep = np.array(table["status"].to_pylist()) != FAILED
        if keep.all():
            continue
        if keep.any():
            rest = table.filter(pa.array(keep)).combine_chunks()
            commit(store.folder / RUNS, rest, int(rest["run"][0].as_py()))
        remove(part.path)


def finish(store: Store) -> None:
    """Put the parts of a finished sweep together, and write a table for people."""
    store.compact()
    from sim.study.reading import write_summary

    write_summary(store)
