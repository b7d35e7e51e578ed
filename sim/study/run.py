"""The main job: one run from configuration to result folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim.composition import compose, config_id, to_yaml
from sim.config import Config
from sim.errors import Terminated, UserError
from sim.instruments import Levy, ProfitTax, Programme
from sim.market.board import ACTIVE_COUNT
from sim.model import ClickWorkModel
from sim.outcomes.console import print_summary
from sim.outcomes.frames import COLUMNS, EVENT_UNITS, FrameSet
from sim.outcomes.indicators import by_country, summary
from sim.outcomes.recorder import Recorder
from sim.plugins import load_plugins
from sim.policy.reach import is_external, platforms_there, reaches_anybody
from sim.stopping import stopping_on_term
from sim.study import remarks
from sim.study.ahead import compile_ahead
from sim.study.lock import only_one
from sim.study.result import (
    CONFIG,
    FIGURES,
    SUMMARY,
    PartWriter,
    RunResult,
    frame_file,
    load,
    read_narrow,
    write_frame,
    write_json,
    write_manifest,
    write_recorded,
    write_text,
)
from sim.study.sources import origin_of
from sim.world import World

CHECKPOINT, LOCK = "checkpoint", "run"
Draw = Callable[[FrameSet, World, dict[str, Any], Path], Any]


def run(config: Config | None = None, plugins: Iterable[str | Path] = ()) -> RunResult:
    """Run a configuration (the command's own without one) and return its result, read from its folder."""
    return load(execute(config or compose(), plugins, quiet=True))


def execute(
    config: Config,
    plugins: Iterable[str | Path] = (),
    resume: Path | None = None,
    quiet: bool = False,
    draw: Draw | None = None,
    observer: Any = None,
) -> Path:
    """Play a run and write its result folder; return the folder.

    Parameters
    ----------
    config
        A validated configuration.
    plugins
        Files with further rules.
    resume
        Folder (or checkpoint file) of a run that was interrupted after a checkpoint. It keeps the
        configuration of its checkpoint, except ``compute``, and its folder.
    quiet
        Print nothing.
    draw
        Draws the figures: called with the tables, the world, the manifest and the folder for them.
    observer
        Looks on, beside the recorder: its `hour`, `day` and `month` are called as these end.
    """
    files = [Path(file) for file in plugins]
    began = time.monotonic()
    rules = load_plugins(files) if files else None
    compile_ahead([config], rules, quiet)
    if resume is None:
        model = ClickWorkModel(config, plugins=rules)
        folder = new_folder(config, config_id(config)[:8])
    else:
        folder = interrupted(resume)
    with only_one(folder, LOCK, "The run"):
        if resume is None:
            write_text(folder / CONFIG, to_yaml(config))
        else:
            clear_leftovers(folder)
            model = ClickWorkModel.load(folder / CHECKPOINT, plugins=rules, compute=config.compute)
            _require_records(model, folder / CHECKPOINT)
        if observer is not None:
            model.observers.append(observer)
        _finish(model, folder, files, began, quiet, draw)
    return folder


def _finish(
    model: ClickWorkModel, folder: Path, files: list[Path], began: float, quiet: bool, draw: Draw | None
) -> None:
    """Play a model from where it is to its end, and write what it leaves behind."""
    config = model.config
    if (idle := never_in_force(model)) and not quiet:
        print(f"In force nowhere or on none of these days: {', '.join(idle)}.", file=sys.stderr, flush=True)
    if (memory := memory_of_batches(model)) >= MUCH_MEMORY and not quiet:
        batches = memory / BYTES_A_BATCH
        told = HEAVY.format(batches / 1e6, memory / 1e9, batches * DISK_A_BATCH / 1e9)
        print(told, file=sys.stderr, flush=True)
    if (early := before_a_month_ends(model)) and not quiet:
        print(EARLY.format(", ".join(early)), file=sys.stderr, flush=True)
    if (roster := roster_of(model)) and not quiet:
        print(roster, file=sys.stderr, flush=True)
    parts = BatchParts(folder)
    recorder = Recorder(model, parts.append)
    model.observers.append(recorder)
    if model.loaded_arrays:
        parts.keep(int(model.loaded_arrays.pop("parts")))
        recorder.restore(model.loaded_arrays)
        model.loaded_arrays.clear()
    try:
        with stopping_on_term():
            play(model, lambda: save(model, recorder, parts, folder), quiet)
    except (KeyboardInterrupt, Terminated) as stop:
        raise type(stop)(what_is_left(folder)) from None
    model.end()
    frames = recorder.frames()
    parts.join()
    for name in COLUMNS:
        if name != "batches":
            write_recorded(name, getattr(frames, name), folder)
    if config.record.events:
        write_frame(recorder.event_log(), folder / frame_file("events"), EVENT_UNITS)
    manifest = describe(config, model, recorder, files, time.monotonic() - began)
    frames = replace(frames, batches=read_narrow(folder / frame_file("batches")))
    values = summary(frames, model.world)
    write_json(folder / SUMMARY, values)
    if draw is not None and config.record.figures:
        draw(frames, model.world, manifest, folder / FIGURES)
    passing = [CHECKPOINT, f".{LOCK}.lock", *(path.name for path in parts.paths())]
    write_manifest(folder, manifest, passing)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    parts.clear()
    if not quiet:
        print_summary(values, by_country(frames, model.world), remarks=remarks.of_run(manifest))


def _require_records(model: ClickWorkModel, path: Path) -> None:
    """Refuse a checkpoint that `ClickWorkModel.save` wrote, in which nothing of a run's tables is kept."""
    if "parts" not in model.loaded_arrays:
        raise UserError(
            "holds a model, but nothing that a run has recorded.",
            path="resume",
            value=str(path),
            allowed="a checkpoint that a run with time.checkpoint_days has written",
        )


def clear_leftovers(folder: Path) -> None:
    """Remove what a run that was killed had begun to write; nobody else writes there now."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def interrupted(resume: Path) -> Path:
    """Return the folder of a run that can go on: the one named, or that of the checkpoint named."""
    folder = resume if resume.is_dir() else resume.parent
    file = folder / CHECKPOINT
    if file.is_file() and resume in (folder, file):
        return folder
    raise UserError(
        "names no run that can go on: it has ended, or was started without time.checkpoint_days.",
        path="resume",
        value=str(resume),
        allowed=f"the folder of an interrupted run that holds a file {CHECKPOINT}, or that file",
    )


def what_is_left(folder: Path) -> str:
    """Say what can be done with the folder of a run that was stopped."""
    if (folder / CHECKPOINT).is_file():
        return f"To go on: clickmarket run resume={folder}"
    return f"{folder} is incomplete; without time.checkpoint_days a run cannot go on."


class BatchParts:
    """The finished batches of a run, a file a month or more until the end joins them into one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def path(self, number: int) -> Path:
        """File of a part."""
        return self.folder / f"batches-{number:05d}.part"

    def append(self, table: pa.Table) -> None:
        """Write one more part."""
        with PartWriter(self.path(self.count), COLUMNS["batches"], passing=True) as part:
            part.append(table)
        self.count += 1

    def keep(self, count: int) -> None:
        """Go on after ``count`` parts; what an interrupted run wrote beyond them is dropped."""
        self.count = count
        for path in sorted(self.folder.glob("batches-*.part")):
            if path not in self.paths():
                path.unlink()

    def paths(self) -> list[Path]:
        """Files of all parts."""
        return [self.path(number) for number in range(self.count)]

    def join(self) -> None:
        """Join the parts into the table. They stay until the run has ended: a checkpoint counts on them."""
        with PartWriter(self.folder / frame_file("batches"), COLUMNS["batches"]) as whole:
            for path in self.paths():
                whole.append(pq.read_table(path, page_checksum_verification=True))

    def clear(self) -> None:
        """Remove the parts."""
        for path in self.paths():
            path.unlink(missing_ok=True)


def save(model: ClickWorkModel, recorder: Recorder, parts: BatchParts, folder: Path) -> None:
    """Write a checkpoint that the run can resume from, in place of the last one."""
    model.save(folder / CHECKPOINT, {**recorder.state_arrays(), "parts": np.array(parts.count)})


def never_in_force(model: ClickWorkModel) -> list[str]:
    """Return the instruments that are chosen, but in force on no day of the run, or for nobody in it."""
    config, days = model.config, range(0, model.last_hour, 24)
    chosen = config.policy.chosen()
    on_some_day = {
        name: any(model.offices.strength(instrument, hour) for hour in days)
        for name, instrument in chosen.items()
    }
    there = platforms_there(config, founding=on_some_day.get("cooperative", False))
    return [
        name
        for name, instrument in chosen.items()
        if not (on_some_day[name] and reaches_anybody(instrument, config, model.world, there))
    ]


BYTES_A_BATCH = 190
"""Memory for a finished batch as a run ends: medians and the elasticity of supply need all of them.

Measured on 27 million batches."""
DISK_A_BATCH = 82
"""Bytes on disk for a finished batch as a run ends, of which 33 stay: the parts are beside the table."""
MUCH_MEMORY = 2e9
HEAVY = (
    "About {:.0f} million batches will finish if pay stays as it is; as the run ends, their indicators need"
    " about {:.0f} GB of memory, and their table {:.1f} GB of disk. Nothing of it, and not these indicators,"
    " with record.batches=false; less with fewer time.days."
)


def memory_of_batches(model: ClickWorkModel) -> float:
    """Return the memory (bytes) that finished batches will need as a run ends, if pay stays as it is."""
    if not model.config.record.batches:
        return 0.0
    return BYTES_A_BATCH * model.config.time.days * model.batches_ahead()


def before_a_month_ends(model: ClickWorkModel) -> list[str]:
    """Return the taxes and incomes that are in force in no month that ends before the run does."""
    policy, clock = model.config.policy, model.clock
    ends = [hour for hour in range(24, model.last_hour, 24) if clock.is_month_start(hour)]
    never = never_in_force(model)
    return [
        name
        for name, instrument in policy.chosen().items()
        if isinstance(instrument, (Levy, Programme, ProfitTax))
        and name not in never
        and not any(model.offices.strength(instrument, hour - 1) for hour in ends)
    ]


ROSTER = (
    "The income goes to those who were {} {}, whatever they do from then on: nobody gets it by coming, or"
    " loses it by going."
)


def roster_of(model: ClickWorkModel) -> str:
    """Say to whom an income goes that has a fixed roster; an empty text where none has."""
    offices, clock, income = model.offices, model.clock, model.config.policy.universal_income
    if income is None or not offices.has_roster:
        return ""
    noted = (
        hour
        for hour in range(0, model.last_hour, 24)
        if (clock.is_month_start(hour) if hour else income.recipients == "workers")
        and offices.strength(income, hour)
    )
    first = next(noted, None)
    if first is None:
        return ""
    date = clock.datetime(first).date().isoformat()
    if income.recipients == "users":
        return ROSTER.format("users", f"in the month before {date}")
    return ROSTER.format("workers", f"on {date}")


def paid_on(model: ClickWorkModel) -> list[str]:
    """Return the dates in the window on which an income is paid out of something, if there is one."""
    offices, clock, config = model.offices, model.clock, model.config
    income = offices.programme
    if income is None:
        return []
    taxes = [one for one in config.policy.chosen().values() if isinstance(one, (Levy, ProfitTax))]
    return [
        clock.datetime(hour).date().isoformat()
        for hour in range(24 * config.time.warmup_days, model.last_hour, 24)
        if clock.is_month_start(hour)
        and offices.pays(income, hour)
        and (is_external(income) or any(offices.strength(tax, hour - 1) for tax in taxes))
    ]


EARLY = (
    "No month in which it is in force ends before these days do: {}. Taxes are due as a run ends, but incomes"
    " are paid, and platforms pass taxes on or leave, as the next month begins."
)


def new_folder(config: Config, mark: str) -> Path:
    """Make a folder for new results, named by the moment they were begun and a mark of what they are of."""
    stamp = dt.datetime.now().strftime("%Y%m%d-%H%M%S")
    base = Path(config.results.dir)
    for attempt in range(1000):
        folder = base / f"{stamp}-{mark}{f'-{attempt}' if attempt else ''}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(
                f"The folder for results cannot be made: {error.strerror}.",
                path="results.dir",
                value=str(base),
            ) from error
        return folder
    raise UserError("There is no free name for a result folder.", path="results.dir", value=str(base))


def play(model: ClickWorkModel, checkpoint: Callable[[], None], quiet: bool = False) -> None:
    """Play the run day by day, with checkpoints as configured and a progress bar if someone is watching."""
    every = 24 * model.config.time.checkpoint_days
    watched = model.config.compute.progress and sys.stderr.isatty() and not quiet
    columns = (
        TextColumn("{task.fields[date]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% · {task.fields[on_duty]:,} on duty ·"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True) as progress:
        task = progress.add_task("run", total=model.last_hour, date="", on_duty=0)
        while model.hour < model.last_hour:
            model.run(min(24 - model.hour % 24, model.last_hour - model.hour))
            if every and model.hour % every == 0 and model.hour < model.last_hour:
                checkpoint()
            progress.update(
                task,
                completed=model.hour,
                date=model.clock.datetime(model.hour - 1).date().isoformat(),
                on_duty=sum(int(board.state[ACTIVE_COUNT]) for board in model.boards),
            )


def describe(
    config: Config, model: ClickWorkModel, recorder: Recorder, plugins: list[Path], seconds: float
) -> dict[str, Any]:
    """Return what the manifest says of a run: versions, seed, hashes, sizes, duration."""
    return {
        **origin_of([config]),
        "seed": config.seed,
        **remarks.in_manifest(config),
        "config_id": config_id(config),
        "plugins": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins},
        "started": model.clock.datetime(model.first_recorded_hour).isoformat(),
        "ended": model.clock.datetime(model.hour).isoformat(),
        "workers_at_end": int((model.worker_rows["bits"][: model.workers_count] & 1).sum()),
        "transfers": model.ledger.transfers_booked,
        "share_cut_off_by_max_rounds": recorder.cut_off_seconds / max(1, recorder.duty_seconds),
        "money_total_microusd": int(np.sum(model.ledger.totals)),
        "duration_seconds": round(seconds, 3),
    }
