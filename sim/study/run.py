"""The main job: one run from configuration to result folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim.compile import is_cold, source_hash
from sim.compose import config_id, to_yaml
from sim.config import Config
from sim.errors import UserError
from sim.market.board import ACTIVE_COUNT
from sim.model import ClickWorkModel
from sim.outcomes.console import print_summary
from sim.outcomes.frames import COLUMNS
from sim.outcomes.indicators import by_country, summary
from sim.outcomes.recorder import Recorder
from sim.plugins import load_plugins
from sim.study.result import (
    CONFIG,
    FIGURES,
    SUMMARY,
    PartWriter,
    RunResult,
    frame_file,
    load,
    read_frame,
    write_json,
    write_manifest,
    write_recorded,
    write_text,
)

PACKAGES = ("mesa", "numpy", "scipy", "numba", "pandas", "pyarrow", "tzdata")


def run(config: Config | None = None, plugins: Iterable[str | Path] = ()) -> RunResult:
    """Run a configuration and return its result, read from the folder it was written to."""
    return load(execute(config or Config(), plugins, quiet=True))


def execute(
    config: Config,
    plugins: Iterable[str | Path] = (),
    resume: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Play a run and write its result folder; return the folder.

    Parameters
    ----------
    config
        A validated configuration.
    plugins
        Files with further rules.
    resume
        Folder of an unfinished run that was interrupted after a checkpoint.
    quiet
        Print nothing.
    """
    files = [Path(file) for file in plugins]
    began = time.monotonic()
    if is_cold() and not quiet:
        print("Compiling the model for this machine, once: about a minute.", file=sys.stderr, flush=True)
    model = ClickWorkModel(config, plugins=load_plugins(files) if files else None)
    folder = new_folder(config)
    write_text(folder / CONFIG, to_yaml(config))
    with PartWriter(folder / frame_file("batches"), COLUMNS["batches"]) as batches:
        recorder = Recorder(model, batches.append)
        model.observers.append(recorder)
        play(model, quiet)
        frames = recorder.frames()
    for name in COLUMNS:
        if name != "batches":
            write_recorded(name, getattr(frames, name), folder)
    manifest = describe(config, model, recorder, files, time.monotonic() - began)
    frames = replace(frames, batches=read_frame(folder / frame_file("batches")))
    values = summary(frames, model.world)
    write_json(folder / SUMMARY, values)
    if config.record.figures:
        from sim.figures.market import caption_of, draw_all

        draw_all(frames, model.world, caption_of(frames, manifest), folder / FIGURES)
    write_manifest(folder, manifest)
    if not quiet:
        print_summary(values, by_country(frames, model.world))
    return folder


def new_folder(config: Config) -> Path:
    """Make the folder of a new run: the moment it began and the start of its configuration's hash."""
    stamp = dt.datetime.now().strftime("%Y%m%d-%H%M%S")
    base = Path(config.results.dir)
    for attempt in range(1000):
        folder = base / f"{stamp}-{config_id(config)[:8]}{f'-{attempt}' if attempt else ''}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(
                f"The folder for results cannot be made: {error.strerror}.", path="results.dir", value=str(base)
            ) from error
        return folder
    raise UserError("There is no free name for a result folder.", path="results.dir", value=str(base))


def play(model: ClickWorkModel, quiet: bool = False) -> None:
    """Play the run hour by hour, with a progress bar if someone is watching."""
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
            model.run(min(24, model.last_hour - model.hour))
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
        "version": importlib.metadata.version("clickmarket"),
        "seed": config.seed,
        "config_id": config_id(config),
        "source_hash": source_hash(),
        "plugins": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins},
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "started": model.clock.datetime(model.first_recorded_hour).isoformat(),
        "ended": model.clock.datetime(model.hour).isoformat(),
        "workers_at_end": int((model.worker_rows["bits"][: model.workers_count] & 1).sum()),
        "transfers": model.ledger.transfers_booked,
        "share_cut_off_by_max_rounds": recorder.cut_off_seconds / max(1, recorder.duty_seconds),
        "money_total_microusd": int(np.sum(model.ledger.totals)),
        "duration_seconds": round(seconds, 3),
    }
