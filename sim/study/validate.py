"""A validation: both configurations on many seeds, with each mechanism switched off, against observations.

Every finished run is a part of a store like a sweep's, so the same command goes on where one was killed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim.composition import config_id
from sim.config import Config
from sim.errors import Terminated
from sim.model import ClickWorkModel
from sim.plugins import load_plugins
from sim.stopping import stopping_on_term
from sim.study.ahead import compile_ahead
from sim.study.crew import Crew, Task, usual_size
from sim.study.lock import only_one
from sim.study.result import MANIFEST, read_manifest, write_json, write_manifest
from sim.study.run import new_folder
from sim.study.sources import origin_of
from sim.study.store import DONE, RUNS, SERIES, Store, commit
from sim.study.trials import BY_NAME, Plan
from sim.study.verdicts import Values, conclude
from sim.study.witness import witness

VALIDATION, FIGURES = "validation.json", "figures"

Draw = Callable[[Mapping[str, Any], Path], Any]
Tell = Callable[[Mapping[str, Any]], None]


def execute(
    plan: Plan,
    settings: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    jobs: int | None = 1,
    quiet: bool = False,
    draw: Draw | None = None,
    tell: Tell | None = None,
) -> Path:
    """Play what has not been played yet, judge, write the folder and return it.

    ``settings`` are the user's words, for the record. ``jobs`` of None is a process for each core.
    """
    identity = identity_of(plan, plugins)
    first = next(iter(plan.configs.values()))[0]
    runs = plan.runs()
    cold = compile_ahead([first], load_plugins(plugins) if plugins else None, quiet)
    ClickWorkModel(first)  # what only the world shows to be wrong comes out here
    size = usual_size(len(runs), 1) if jobs is None else jobs
    mark = f"validate-{identity[:16]}"
    with only_one(first.results.dir, mark, "The same validation"), Crew(size, plugins, cold) as crew:
        folder = begun(Path(first.results.dir), mark)
        if folder is None:
            folder = new_folder(first, mark)
            for kind in (RUNS, SERIES):
                (folder / kind).mkdir()
            write_manifest(folder, describe(plan, settings, plugins, identity))
        try:
            with stopping_on_term():
                play_missing(plan, Store(folder), crew, quiet)
        except (KeyboardInterrupt, Terminated) as stop:
            raise type(stop)("Finished runs are kept; the same command goes on from there.") from None
        verdicts = judged(folder)
        if draw is not None:
            draw(verdicts, folder / FIGURES)
        write_json(folder / VALIDATION, verdicts)  # from here on the folder is not gone on with
        finish(folder)
    if tell is not None:
        tell(verdicts)
    return folder


def identity_of(plan: Plan, plugins: Sequence[Path]) -> str:
    """Return a SHA-256 that two validations share when the same is played by the same sources."""
    what = {
        "trials": [[name, [config_id(one) for one in own]] for name, own in plan.configs.items()],
        "days": plan.days,
        "sources": origin_of(own[0] for own in plan.configs.values()),
        "plugins": [hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins],
    }
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def begun(results: Path, mark: str) -> Path | None:
    """Return the folder of the same validation that has not come to its end, if there is one."""
    for folder in sorted(results.glob(f"*-{mark}*")):
        if (folder / MANIFEST).is_file() and not (folder / VALIDATION).is_file():
            return folder
    return None


def describe(plan: Plan, settings: Sequence[str], plugins: Sequence[Path], identity: str) -> dict[str, Any]:
    """Return the manifest: what is played, and by which version."""
    first = next(iter(plan.configs.values()))[0]
    return {
        "identity": identity,
        "settings": list(settings),
        **origin_of(own[0] for own in plan.configs.values()),
        "plugins": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins},
        "began": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "first_seed": first.seed,
        "warmup_days": first.time.warmup_days,
        "trials": {
            name: {
                "what": BY_NAME[name].what,
                "configuration": BY_NAME[name].configuration,
                "seeds": len(own),
                "workers": own[0].workers.count,
                "requesters": len(ClickWorkModel(own[0]).requester_rows),
                "days": plan.days[name],
                "days_watched": own[0].time.days,
                "config_id": config_id(own[0]),
            }
            for name, own in plan.configs.items()
        },
    }


# ---------------------------------------------------------------- playing


def play_missing(plan: Plan, store: Store, crew: Crew, quiet: bool) -> None:
    """Play every run that no part holds, with progress and the time left if someone is watching."""
    store.clear_leftovers()
    store.set_aside_damaged()
    runs = plan.runs()
    state = store.done(len(runs))
    tasks: list[Task] = []
    days = 0
    for run, (name, number) in enumerate(runs):
        if state[run] == 0:
            config = plan.configs[name][number]
            tasks.append((play_one, (config, name, plan.days[name], store.folder, run)))
            days += config.time.warmup_days + config.time.days
    watched = sys.stderr.isatty() and not quiet
    columns = (
        TextColumn("{task.fields[what]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% ·"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True) as progress:
        task = progress.add_task("validate", total=days, what=f"{len(tasks)} of {len(runs)} runs")
        crew.play(tasks, lambda place: progress.advance(task))


def play_one(
    config: Config, name: str, days: int, folder: Path, run: int, rules: Any, advance: Callable[[], None]
) -> None:
    """Play a run and commit what it is reduced to."""
    began = time.monotonic()
    found = witness(ClickWorkModel(config, plugins=rules), days, BY_NAME[name], advance)
    row = {
        "run": [run],
        "trial": [name],
        "seed": [config.seed],
        "status": [DONE],
        "seconds": [round(time.monotonic() - began, 3)],
        "found": [json.dumps(found, allow_nan=False)],
    }
    commit(folder / RUNS, pa.table(row), run)


# ---------------------------------------------------------------- judging


def judged(folder: Path) -> dict[str, Any]:
    """Judge the runs of a folder and return what `validation.json` holds."""
    rows = Store(folder).table().to_pylist()
    manifest = read_manifest(folder / MANIFEST)
    values: dict[tuple[str, int], Values] = {}
    reasons, curves = {}, dict[str, dict[str, list[list[float]]]]()
    for row in rows:
        found = json.loads(row["found"])
        key = row["trial"], row["seed"]
        values[key], reasons[key] = found["values"], found["reasons"]
        for name, curve in found["curves"].items():
            curves.setdefault(row["trial"], {}).setdefault(name, []).append(curve)
    about = {name: value for name, value in manifest.items() if name not in ("files", "sha256")}
    return {
        "about": about,
        **conclude(values, reasons),
        "curves": {trial: own for trial, own in curves.items() if trial in ("mt", "gl", "flat_posting")},
        "by_seed": [
            {"trial": trial, "seed": seed, "values": dict(own)}
            for (trial, seed), own in sorted(values.items())
        ],
        "hours": round(sum(row["seconds"] for row in rows) / 3600, 3),
    }


def finish(folder: Path) -> None:
    """Put the parts together and write the manifest with the digest of every file."""
    Store(folder).compact()
    (folder / SERIES).rmdir()
    manifest = read_manifest(folder / MANIFEST)
    write_manifest(
        folder, {name: value for name, value in manifest.items() if name not in ("files", "sha256")}
    )
