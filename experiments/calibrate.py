"""Fit the free parameters to half of the public targets, in the open; the other half is for checking.

History matching in waves: a design over all ranges, emulators of the statistics, a further design where they
leave something plausible, emulators of all that was played, and so on. Then finalists are played on the
window that a validation plays, with several seeds: short runs of few seeds choose who was lucky. The bare
assumptions and the fit before are finalists, too. Of those whose market is at rest, the one is chosen that
misses fewest targets of the fitted half, as a validation judges; of several, the one for which it is
likeliest that all bands hold, as if statistics were independent, its distance from what is assumed without a
calibration counted as a weak prior. Rest and prior were thought of after fits without them had met targets
in short windows only, or not come to rest, and stated before the next fit was made; that the fit before takes
part, and that hourly pay is at rest, after its first result had been seen; that bands count and not how near
their middle one comes, and that the inequality of pay is fitted and its level kept for checking, after fits
had met all but that inequality and the tail of batches, both missed by a hair; that the number of targets
missed comes first, after a fit had missed the inequality of pay where another met all, their misfits with
prior 5.7 and 5.9.

Nothing is written into the project: the folder holds `fitted.yaml`, which may be put in its place by hand.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.asking import FOLDER, count_of, said_by_files, without
from experiments.emulator import (
    CUT,
    LEAST_ERROR,
    Emulator,
    Floats,
    Recovery,
    Sought,
    Space,
    chances,
    fit,
    implausibility,
    misfit,
    recover,
)
from experiments.telling import days_told, guarded
from sim.compile import source_hash
from sim.composition import compose, config_id
from sim.config import Config
from sim.errors import Terminated, UserError, one_of
from sim.figures import style
from sim.model import ClickWorkModel
from sim.plain_yaml import read_yaml
from sim.schema import spell
from sim.stopping import stopping_on_term
from sim.study.ahead import compile_ahead
from sim.study.crew import Crew, Task
from sim.study.lock import only_one
from sim.study.result import MANIFEST, write_json, write_manifest, write_text
from sim.study.run import new_folder
from sim.study.sources import origin_of
from sim.study.store import DONE, RUNS, Store, commit
from sim.study.sweep import sober
from sim.study.targets import GL, MT, TARGETS, WORLDS, Part
from sim.study.trials import ARMS, BY_NAME
from sim.study.witness import AT_REST, STATISTICS, witness
from sim.validation import check_folder

SIZES = ("small", "medium", "full")
TRIAL = {MT: "arms", GL: "gl"}
SEED, DESIGN_SEED = 1, 20
CANDIDATES = 1 << 14
DECIDED = "seed", "world", "time.days", "time.warmup_days"
"""Settings that sizes, and the two configurations, decide."""
DIGITS = 3
APART = 15
"""Ranks between finalists, of all candidates."""
MOST_DRIFT = 0.05
"""Most that pay, hours, workers and hourly pay of a market at rest change between halves of the window."""

USAGE = f"""Fit the free parameters of experiments/calibrate.yaml to half of the public targets.

  python -m experiments.calibrate [size={"|".join(SIZES)}] [jobs=N] [results.dir=FOLDER] [SETTING ...]

The same command goes on where a killed one stopped. `clickmarket validate` judges all targets, at full size.
"""


@dataclass(frozen=True)
class Job:
    """What is fitted to what, and how large.

    ``parts`` are the numbers of the fitted targets by configuration, ``settings`` the user's words.
    """

    space: Space
    whole: tuple[bool, ...]
    reasons: tuple[str, ...]
    fitted: tuple[str, ...]
    checked: tuple[str, ...]
    sizes: Mapping[str, Any]
    size: str
    settings: tuple[str, ...]
    jobs: int

    @property
    def runs(self) -> int:
        """Runs of all waves and of the finalists, the bare assumptions and the last fit among them."""
        sizes = self.sizes
        points = sizes["points"] + sizes["waves"] * sizes["more"]
        return len(WORLDS) * int(points + (sizes["finalists"] + 2) * sizes["last"]["seeds"])

    def parts(self, names: Sequence[str]) -> dict[str, list[Part]]:
        """Return the numbers of targets that one short run can tell, by configuration."""
        chosen = [target for target in TARGETS if target.name in names]
        return {
            where: [
                part
                for target in chosen
                if target.configuration == where
                for part in target.parts
                if part.key in STATISTICS
            ]
            for where in WORLDS
        }

    def window(self, where: str, last: bool = False) -> Mapping[str, int]:
        """Return workers, days of warm-up and days of a run in a wave, or of a finalist."""
        sizes = self.sizes["last"] if last else self.sizes
        return {name: sizes[name][where] for name in ("workers", "warmup_days", "days")}

    def config(self, where: str, point: Floats, seed: int, last: bool = False) -> Config:
        """Return the configuration of a point, in a wave or as a finalist."""
        window = self.window(where, last)
        pairs = zip(self.space.names, point.tolist(), self.whole, strict=True)
        free = [f"{name}={round(value) if whole else spell(value)}" for name, value, whole in pairs]
        sized = [
            f"world={WORLDS[where]}",
            f"workers.count={window['workers']}",
            f"time.warmup_days={window['warmup_days']}",
            f"time.days={window['days']}",
            *(ARMS if where == MT else ()),
        ]
        config = sober(compose([*without(said_by_files(self.settings), sized), *self.settings, *free]))
        return replace(config, seed=seed, record=replace(config.record, workers="full"))


def read_job(words: Sequence[str]) -> Job:
    """Read `calibrate.yaml` and the words of the command."""
    plain = read_yaml(FOLDER / "calibrate.yaml").values
    chosen = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    for word in words:
        if "=" not in word:
            raise UserError(
                "is no setting.", path=word, allowed="size=small, jobs=2, results.dir=FOLDER, or a setting",
                nearest="size=full",
            )  # fmt: skip
    size = one_of("size", chosen.get("size", "full"), SIZES)
    free = plain["free"]
    said = said_by_files(words)
    for path, value in [*(word.partition("=")[::2] for word in words), *said.items()]:
        if path in (*free, *DECIDED):
            raise UserError(
                "is decided by the calibration itself.", path=path, value=value,
                allowed=f"any setting but {', '.join(DECIDED)} and the free ones of calibrate.yaml",
                nearest="size=small",
            )  # fmt: skip
    low, high = np.array([one["range"] for one in free.values()], np.float64).T
    return Job(
        Space(tuple(free), low, high),
        tuple(bool(one.get("whole")) for one in free.values()),
        tuple(str(one["why"]) for one in free.values()),
        tuple(plain["fit"]),
        tuple(plain["check"]),
        plain["sizes"][size],
        size,
        tuple(word for word in words if word.partition("=")[0] not in ("size", "jobs")),
        count_of("jobs", chosen.get("jobs", "1"), 1024),
    )


# ---------------------------------------------------------------- playing


class Bench:
    """Plays points and keeps what they came to; what a part holds already is not played again."""

    def __init__(self, job: Job, folder: Path, crew: Crew) -> None:
        self.job, self.store, self.crew = job, Store(folder), crew
        self.asked = 0

    def values(
        self, points: Floats, seeds: int, what: str, last: bool = False
    ) -> list[dict[str, list[float]]]:
        """Return, for each point, every statistic with each seed; of finalists, the drift of MT, too."""
        self.store.clear_leftovers()
        self.store.set_aside_damaged()
        runs = [
            (place, where, SEED + seed)
            for place in range(len(points))
            for where in WORLDS
            for seed in range(seeds)
        ]
        first, self.asked = self.asked, self.asked + len(runs)
        state = self.store.done(self.job.runs)
        tasks: list[Task] = []
        days = 0
        for run, (place, where, seed) in enumerate(runs, first):
            if state[run] == 0:
                config = self.job.config(where, points[place], seed, last)
                parts = self.job.parts((*self.job.fitted, *self.job.checked))[where]
                names = [*(part.key for part in parts), *(AT_REST if last and where == MT else ())]
                tasks.append((play_one, (config, where, names, config.time.days, self.store.folder, run)))
                days += config.time.warmup_days + config.time.days
        self.crew.play(tasks, days_told(what, days))
        found = {row["run"]: json.loads(row["found"]) for row in self.store.table().to_pylist()}
        values: list[dict[str, list[float]]] = [{} for _ in points]
        for run, (place, _, _) in enumerate(runs, first):
            for name, value in found[run]["values"].items():
                values[place].setdefault(name, []).append(value)
        return values


def play_one(
    config: Config,
    where: str,
    names: Sequence[str],
    days: int,
    folder: Path,
    run: int,
    rules: Any,
    advance: Callable[[], None],
) -> None:
    """Play a run and commit its statistics."""
    found = witness(ClickWorkModel(config, plugins=rules), days, BY_NAME[TRIAL[where]], advance, names)
    row = {"run": [run], "status": [DONE], "found": [json.dumps(found, allow_nan=False)]}
    commit(folder / RUNS, pa.table(row), run)


# ---------------------------------------------------------------- fitting


@dataclass(frozen=True)
class Fitted:
    """What a calibration found.

    ``before`` and ``after`` are statistics with each seed, at the defaults and at the fitted point;
    ``missed``, ``misfits`` and ``drifts`` are those by which it was chosen among the finalists.
    """

    point: Floats
    low: Floats
    high: Floats
    left: float
    before: Mapping[str, list[float]]
    after: Mapping[str, list[float]]
    recovery: Recovery
    missed: Floats
    misfits: Floats
    drifts: Floats


def sought_of(job: Job) -> list[Sought]:
    """Return the fitted targets' numbers as centres and tolerances."""
    parts = job.parts(job.fitted)
    return [Sought.of_band(part.key, part.low, part.high) for where in WORLDS for part in parts[where]]


def table_of(values: Sequence[Mapping[str, list[float]]], sought: Sequence[Sought]) -> Floats:
    """Return (points, statistics), means over seeds.

    What could not be computed counts like the least that is told apart: a hundredth of what is sought.
    """
    rows = []
    for one in values:
        floor = [what.centre / 100 for what in sought]
        means = [float(np.mean(one.get(what.key) or [0.0])) for what in sought]
        rows.append(np.maximum(means, floor))
    return np.array(rows)


def errors_of(
    values: Sequence[Mapping[str, list[float]]], sought: Sequence[Sought], usual: Sequence[float]
) -> Floats:
    """Return (points, statistics): how far the log of a statistic lies from where other seeds will put it.

    As many other seeds, so the variance of a mean counts twice. One seed alone tells nothing of it: then it
    is the ``usual`` error of each statistic.
    """
    errors = np.tile(np.array(usual), (len(values), 1))
    for place, one in enumerate(values):
        for number, what in enumerate(sought):
            own = np.log(np.maximum(one.get(what.key) or [0.0], what.centre / 100))
            if len(own) > 1:
                error = np.sqrt(2.0 * np.var(own, ddof=1) / len(own))
                errors[place, number] = max(LEAST_ERROR, float(error))
    return errors


def calibrate(job: Job, bench: Bench) -> Fitted:
    """Carry out all waves, play the finalists and look what can be recovered."""
    space, sought, sizes = job.space, sought_of(job), job.sizes
    points = space.drawn(sizes["points"], DESIGN_SEED)
    values = table_of(bench.values(points, 1, "first wave"), sought)
    emulators = emulate(space, points, values)
    for wave in range(sizes["waves"]):
        candidates = space.drawn(CANDIDATES, DESIGN_SEED + 1 + wave)
        more = plausible(emulators, sought, candidates, sizes["more"])
        found = bench.values(more, 1, f"wave {wave + 2}")
        points = np.vstack([points, more])
        values = np.vstack([values, table_of(found, sought)])
        emulators = emulate(space, points, values)
    candidates = candidates[sensible(space, candidates)]
    worst = implausibility(emulators, sought, candidates).max(axis=1)
    expected = expected_misfit(emulators, sought, candidates) + far(job, candidates)
    order = np.argsort(expected, kind="stable")
    promising = rounded(job, spread(candidates[order], sizes))
    finalists = np.vstack([promising, defaults(job), defaults(job, "fitted")])
    played = bench.values(finalists, sizes["last"]["seeds"], "finalists", last=True)
    errors = errors_of(played, sought, [one.error for one in emulators])
    misfits = misfit(chances(sought, np.log(table_of(played, sought)), errors))
    misfits += far(job, finalists)
    missed = np.array([missed_by(job, one) for one in played])
    drifts = np.array([drift_of(one) for one in played])
    best = chosen(missed, misfits, drifts)
    kept = candidates[order[: max(64, int(np.sum(worst <= CUT)))]]
    return Fitted(
        finalists[best],
        kept.min(axis=0),
        kept.max(axis=0),
        float(np.mean(worst <= CUT)),
        played[len(promising)],
        played[best],
        recover(space, points, values),
        missed,
        misfits,
        drifts,
    )


def far(job: Job, points: Floats) -> Floats:
    """Return what is added to the misfit of points (n, k) for being far from what is assumed.

    A normal prior with half a range as its standard deviation: where targets tell nothing, nothing is moved.
    """
    space = job.space
    apart = space.scaled(points) - space.scaled(defaults(job))
    return np.asarray(np.sum(apart**2, axis=1))


def drift_of(values: Mapping[str, Sequence[float]]) -> float:
    """Return the largest change between halves of the window of pay, hours, workers or hourly pay.

    Means over seeds.
    """
    changes = [float(np.mean(values.get(name) or [1.0])) for name in AT_REST]
    pay, hours, _ = changes
    return max(abs(change) for change in (*changes, (1.0 + pay) / (1.0 + hours) - 1.0))


def missed_by(job: Job, values: Mapping[str, Sequence[float]]) -> float:
    """Return how many fitted targets are missed: the median over seeds of a part lies outside of its band."""
    fitted = [target for target in TARGETS if target.name in job.fitted]
    return float(
        sum(
            not all(
                bool(values.get(part.key)) and part.holds(float(np.median(values[part.key])))
                for part in target.parts
            )
            for target in fitted
        )
    )


def chosen(missed: Floats, misfits: Floats, drifts: Floats) -> int:
    """Return the finalist at rest that misses fewest targets, and then the one with the least misfit.

    Where none is at rest it is the one nearest to it.
    """
    resting = drifts <= MOST_DRIFT
    if not resting.any():
        return int(np.argmin(drifts))
    fewest = resting & (missed == missed[resting].min())
    return int(np.argmin(np.where(fewest, misfits, np.inf)))


def emulate(space: Space, points: Floats, values: Floats) -> list[Emulator]:
    """Return an emulator of each statistic."""
    return [fit(space, points, column) for column in values.T]


def plausible(
    emulators: Sequence[Emulator], sought: Sequence[Sought], candidates: Floats, count: int
) -> Floats:
    """Return some candidates that are not implausible, or those with the least misfit if they are too few."""
    kept = implausibility(emulators, sought, candidates).max(axis=1) <= CUT
    if np.sum(kept) >= count:
        return np.asarray(candidates[kept][:count])
    order = np.argsort(expected_misfit(emulators, sought, candidates), kind="stable")
    return np.asarray(candidates[order[:count]])


def expected_misfit(emulators: Sequence[Emulator], sought: Sequence[Sought], candidates: Floats) -> Floats:
    """Return the misfit (n,) of candidates (n, k) as emulators tell it, their errors reckoned with."""
    logs = np.column_stack([one.predict(candidates) for one in emulators])
    return misfit(chances(sought, logs, np.array([one.error for one in emulators])))


def sensible(space: Space, points: Floats) -> NDArray[np.bool_]:
    """Return which points (n, k) may be chosen: experience must not make listings harder to read."""
    new, experienced = (space.names.index(f"market.noise_{who}sigma") for who in ("", "experienced_"))
    return np.asarray(points[:, experienced] <= points[:, new])


def spread(ordered: Floats, sizes: Mapping[str, Any]) -> Floats:
    """Return finalists: the best, and one of every few of the next best, so that they differ."""
    return ordered[: APART * sizes["finalists"] : APART]


def rounded(job: Job, points: Floats) -> Floats:
    """Return points with few digits, as they are written down; whole numbers where they must be."""
    few = np.array([[float(f"{value:.{DIGITS}g}") for value in point] for point in np.atleast_2d(points)])
    return np.where(job.whole, np.round(few), few)


def defaults(job: Job, calibration: str = "none") -> Floats:
    """Return the assumptions that hold without a calibration, or with one."""
    config = compose([f"calibration={calibration}"])
    values = []
    for name in job.space.names:
        value: Any = config
        for step in name.split("."):
            value = getattr(value, step)
        values.append(float(value))
    return np.array([values])


# ---------------------------------------------------------------- telling


def yaml_of(job: Job, found: Fitted) -> str:
    """Return the fitted parameters as a file of the group `calibration`."""
    seeds = f"seeds {SEED} to {SEED + job.sizes['last']['seeds'] - 1}"
    lines = [
        "# @package _global_",
        "# Assumptions fitted to half of the public targets.",
        f"# By `python -m experiments.calibrate size={job.size}`, to {', '.join(job.fitted)}.",
        f"# {dt.date.today()}, version {importlib.metadata.version('clickmarket')}, {seeds},",
        f"# {commit_of(FOLDER)}, sources {source_hash()[:16]}.",
        "# In brackets: the range of the points that fit about as well, inside the range that was searched.",
    ]
    section = ""
    bounds = zip(job.space.names, found.point, job.whole, found.low, found.high, strict=True)
    for name, value, whole, low, high in sorted(bounds):
        own, _, key = name.partition(".")
        if own != section:
            lines.append(f"{own}:")
            section = own
        lines.append(f"  {key}: {round(value) if whole else spell(float(value))}  # [{low:.3g}, {high:.3g}]")
    return "\n".join(lines) + "\n"


def commit_of(folder: Path) -> str:
    """Return in words which commit a folder is a checkout of, and whether files were changed since."""
    git = shutil.which("git")
    if git is None:
        return "no checkout"
    asked = [
        git,
        "-C",
        str(folder),
        "describe",
        "--always",
        "--dirty=, changed",
        "--abbrev=12",
        "--exclude=*",
    ]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    return f"commit {told.stdout.strip()}" if told.returncode == 0 else "no checkout"


def rows_of(job: Job, found: Fitted) -> list[dict[str, Any]]:
    """Return a row for each number of each target that short runs can tell."""
    rows = []
    for target in TARGETS:
        role = "fitted" if target.name in job.fitted else "checked"
        for part in target.parts:
            before, after = found.before.get(part.key), found.after.get(part.key)
            if after and target.scenario != "paired":
                rows.append(
                    {
                        "target": target.name, "what": f"{target.title}: {part.label}", "role": role,
                        "low": part.low, "high": part.high,
                        "before": float(np.median(before)) if before else None,
                        "after": float(np.median(after)), "hit": part.holds(float(np.median(after))),
                    }
                )  # fmt: skip
    return rows


def text_of(job: Job, found: Fitted, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what is printed: targets before and after, parameters, what can be recovered."""
    lines = [f"{'':5} {'target':46} {'band':>14} {'before':>8} {'after':>8}"]
    for row in rows:
        band = f"{row['low']:.3g}-{row['high']:.3g}"
        before = "" if row["before"] is None else f"{row['before']:.3g}"
        verdict = "hit" if row["hit"] else "MISS"
        lines.append(
            f"{row['target']:5} {row['what'][:46]:46} {band:>14} {before:>8} {row['after']:>8.3g} "
            f"{verdict:4} {row['role']}"
        )
    lines += ["", f"{found.left:.2%} of the ranges is not implausible.", ""]
    lines.append(
        "Finalists by fitted targets missed, by misfit with prior and by drift"
        f" (at rest up to {MOST_DRIFT:.0%}):"
    )
    best = chosen(found.missed, found.misfits, found.drifts)
    names = [*("" for _ in found.misfits[2:]), "as assumed", "the fit before"]
    each_one = zip(found.missed, found.misfits, found.drifts, names, strict=True)
    for place, (missed, misfits, drift, name) in enumerate(each_one):
        choice = "chosen" if place == best else ""
        lines.append(f"  {missed:2.0f} {misfits:8.2f} {drift:8.1%}  {name:15}{choice}".rstrip())
    lines.append("")
    lines.append(f"{'parameter':36} {'fitted':>8} {'fits as well':>16} {'recovered':>10} {'width':>6}")
    each = zip(
        job.space.names, found.point, found.low, found.high, found.recovery.covered, found.recovery.width,
        strict=True,
    )  # fmt: skip
    for name, value, low, high, covered, width in each:
        lines.append(f"{name:36} {value:>8.3g} {f'{low:.3g}-{high:.3g}':>16} {covered:>10.0%} {width:>6.0%}")
    lines.append(
        f"Recovered: share of {found.recovery.trials} trials with known parameters whose interval of 95 % "
        "holds them. Width: of that interval, over the range; near 95 % targets tell nothing of it."
    )
    return "\n".join(lines) + "\n"


@style.drawn
def targets_figure(rows: Sequence[Mapping[str, Any]], caption: str) -> Figure:
    """Draw each number before and after against its band, as positions inside it on a log scale."""
    figure = style.new_figure(style.PAGE, 0.9 + 0.19 * len(rows), caption)
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        low, high = np.log(row["low"]), np.log(row["high"])
        axes.hlines(place, 0, 1, color=style.GREY, linewidth=5, alpha=0.4)
        for name, marker in (("before", "o"), ("after", "D")):
            if row[name] and row[name] > 0:
                at = np.clip((np.log(row[name]) - low) / (high - low), -1.5, 2.5)
                color = style.GREY if name == "before" else style.BLUE if row["hit"] else style.VERMILLION
                axes.plot([at], [place], marker, color=color, markersize=3.5)
    labels = [f"{row['target']} {row['what']} ({row['role']})" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(-1.6, 2.6)
    axes.set_xticks([0, 1], ["low", "high"])
    axes.set_xlabel("place in the band, log scale; further away is drawn at the edge")
    return figure


# ---------------------------------------------------------------- the command


def carry_out(job: Job) -> Path:
    """Play what is missing, fit, write the folder and return it."""
    first = job.config(MT, job.space.low, SEED)
    cold = compile_ahead([first])
    for where in WORLDS:
        ClickWorkModel(job.config(where, job.space.high, SEED))
    check_folder(first.results.dir, "results.dir")
    mark = f"calibrate-{job.size}-{identity_of(job)[:12]}"
    with only_one(first.results.dir, mark, "The same calibration"), Crew(job.jobs, [], cold) as crew:
        begun = next(iter(sorted(Path(first.results.dir).glob(f"*-{mark}"))), None)
        folder = begun or new_folder(first, mark)
        if not (folder / MANIFEST).is_file():  # it is new, or its maker was killed before it had laid it out
            Store.create(folder, {"identity": identity_of(job)}, pa.table({"run": [0]}))
        with stopping_on_term():
            try:
                found = calibrate(job, Bench(job, folder, crew))
            except (KeyboardInterrupt, Terminated) as stop:
                raise type(stop)("Runs that are done are kept; the same command goes on.") from None
        rows = rows_of(job, found)
        text = text_of(job, found, rows)
        write_text(folder / "calibration.txt", text)
        write_text(folder / "fitted.yaml", yaml_of(job, found))
        told = {
            "targets": rows,
            "parameters": parameters_of(job, found),
            "finalists": {
                "missed": found.missed.tolist(),
                "misfit": found.misfits.tolist(),
                "drift": found.drifts.tolist(),
            },
        }
        write_json(folder / "calibration.json", told)
        workers = " and ".join(
            f"{job.config(where, job.space.low, SEED, last=True).workers.count:,}" for where in WORLDS
        )
        seeds = job.sizes["last"]["seeds"]
        caption = (
            "Grey band: the observation's. Circle: before; diamond: fitted, blue in the band. Medians of "
            f"{seeds} {'seed' if seeds == 1 else 'seeds'}, {workers} workers."
        )
        (folder / "figures").mkdir(exist_ok=True)
        style.save(targets_figure(rows, caption), folder / "figures", "targets")
        write_manifest(folder, {"identity": identity_of(job), "size": job.size, "source_hash": source_hash()})
    print(text, end="")
    print(folder)
    return folder


def parameters_of(job: Job, found: Fitted) -> dict[str, dict[str, Any]]:
    """Return what is known of each parameter."""
    return {
        name: {
            "fitted": float(found.point[i]), "fits_as_well": [float(found.low[i]), float(found.high[i])],
            "searched": [float(job.space.low[i]), float(job.space.high[i])], "why": job.reasons[i],
            "recovered": float(found.recovery.covered[i]), "width": float(found.recovery.width[i]),
        }
        for i, name in enumerate(job.space.names)
    }  # fmt: skip


def identity_of(job: Job) -> str:
    """Return a SHA-256 that two calibrations share when the same sources fit the same."""
    what = {
        "low": config_id(job.config(MT, job.space.low, SEED)),
        "high": config_id(job.config(GL, job.space.high, SEED)),
        "free": [*job.space.names, *job.fitted, *job.checked],
        "before": defaults(job, "fitted").tolist(),
        "sizes": dict(job.sizes),
        "sources": origin_of([job.config(where, job.space.low, SEED) for where in WORLDS]),
        "own": [
            hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
            for name in ("calibrate.py", "emulator.py")
        ],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def command(words: Sequence[str]) -> int:
    """Carry out the command and return its exit code."""
    return guarded(lambda given: carry_out(read_job(given)), words, USAGE)


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
