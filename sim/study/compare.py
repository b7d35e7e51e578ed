"""Scenarios compared: the same seeds in each, differences paired by seed, with who gains and who pays.

Every finished run leaves a small file in the folder's `parts`, so that a comparison that was killed goes on
where it stopped when the same command is given again. Several processes play runs where that is asked, to the
same files.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from scipy import stats

from sim.composition import config_id, to_yaml
from sim.config import Config
from sim.errors import Terminated, UserError
from sim.ledger import KINDS
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.outcomes.indicators import DAYS_A_YEAR, INDICATORS
from sim.plugins import load_plugins
from sim.stopping import stopping_on_term
from sim.study import matching, remarks, spillovers
from sim.study.ahead import compile_ahead
from sim.study.crew import Crew, Task, usual_size
from sim.study.hours import CLOCK, CLOCK_UNITS, HOURS, HOURS_UNITS
from sim.study.incidence import (
    AT_LEAST,
    AT_MOST,
    CASH,
    CASH_MEANINGS,
    EXITS,
    FLOWS,
    LET_GO,
    PUBLIC,
    RANGE,
    SEGMENT,
    SURPLUS,
    SURPLUS_MEANINGS,
    Amounts,
)
from sim.study.lock import only_one
from sim.study.matching import Match
from sim.study.measure import KEPT, METRICS, WORLD, Measured, Value, by_decile, measure
from sim.study.plots import Drawable
from sim.study.result import (
    MANIFEST,
    check_digest,
    folder_near,
    read_frame,
    read_manifest,
    replacing,
    write_frame,
    write_manifest,
    write_text,
)
from sim.study.run import before_a_month_ends, never_in_force, new_folder, paid_on, roster_of
from sim.study.samples import fewest, requesters_by_group, samples
from sim.study.scenarios import compose_scenarios, with_seeds
from sim.study.sources import origin_of
from sim.study.spillovers import PLACES
from sim.study.spread import SPREAD, SPREAD_UNITS, WEEK_UNITS, WEEKS, spread_of, weeks_of
from sim.world import World, load_world

COMPARISON, INCIDENCE, RUNS = "comparison", "incidence", "runs"
MONEY, COUNTRIES = "flows", "countries"
PARTS, CONFIGS, FIGURES = "parts", "configs", "figures"
MATCHING = "matching.json"
CONFIDENCE = 0.95
ALL_LINES = "all"
LONGEST_FILE_NAME = 100
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell of text must not begin with: spreadsheets would take it for a formula."""

UNITS: Mapping[str, dict[str, str]] = {
    COMPARISON: {
        **dict.fromkeys(("baseline", "value", "difference", "low", "high"), "as column unit"),
        "seeds": "runs",
    },
    INCIDENCE: {
        "difference_microusd_all_seeds": "µ$",
        **dict.fromkeys(("baseline", "value", "difference", "low", "high"), "USD"),
        "world_usd_per_year": "USD/year",
        "seeds": "runs",
    },
    RUNS: dict.fromkeys(("baseline", "value"), "as the metric's"),
    MONEY: {"amount_microusd": "µ$"},
    COUNTRIES: {
        **dict.fromkeys(("baseline", "value", "difference", "low", "high"), "USD/person/year"),
        "seeds": "runs",
    },
    EXITS: {"agents": "agents", "seeds_left": "runs", "seeds": "runs"},
    WEEKS: WEEK_UNITS,
    SPREAD: SPREAD_UNITS,
    CLOCK: CLOCK_UNITS,
    HOURS: HOURS_UNITS,
}
LATER = (WEEKS, SPREAD, CLOCK, HOURS)
"""Tables that comparisons of earlier versions lack: they read as empty."""


Draw = Callable[["Comparison", Path], Any]
Tell = Callable[[int, Callable[[Path], None]], None]
Floats = npt.NDArray[np.float64]


# ---------------------------------------------------------------- the result


@dataclass(frozen=True)
class Comparison(Drawable):
    """A comparison, read from its folder.

    Attributes
    ----------
    path, manifest
        The folder; scenarios, seeds, versions, hashes, definitions.
    table
        A row for each scenario, metric and group: means over seeds, paired difference and its interval.
    incidence
        A row for each scenario, table, line and group of countries.
    runs
        The pairs themselves: a row for each scenario, seed, metric and group.
    flows
        What was moved under each kind of transfer in each scenario, mean over seeds.
    countries
        A row for each scenario and country: net public transfers per resident and year.
    exits
        Whom platforms shut out in which country, in each scenario.
    weeks
        The pairs week by week: workers, tasks, money and time of the world.
    spread
        Quantiles of pay and income in each scenario, and what the lowest hold of them.
    clock
        A row for each scenario, measure and UTC hour: assignments posted, and workers on duty, a day.
    hours
        A row for each scenario and country: hours of work, paid or not, a year, at the world's scale.
    """

    path: Path
    manifest: Mapping[str, Any]
    table: pd.DataFrame
    incidence: pd.DataFrame
    runs: pd.DataFrame
    flows: pd.DataFrame = field(default_factory=pd.DataFrame)
    countries: pd.DataFrame = field(default_factory=pd.DataFrame)
    exits: pd.DataFrame = field(default_factory=pd.DataFrame)
    weeks: pd.DataFrame = field(default_factory=pd.DataFrame)
    spread: pd.DataFrame = field(default_factory=pd.DataFrame)
    clock: pd.DataFrame = field(default_factory=pd.DataFrame)
    hours: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def baseline(self) -> str:
        """Name of the first scenario."""
        return str(self.manifest["baseline"])

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios compared with the baseline."""
        return [name for name in self.manifest["scenarios"] if name != self.baseline]

    @property
    def unchanged(self) -> list[str]:
        """Scenarios in which nothing at all differs from the baseline, in no seed."""
        return list(self.manifest["unchanged"])


def load_comparison(path: str | Path) -> Comparison:
    """Read the folder of a comparison; the units of each column are in `attrs["units"]`."""
    folder = Path(path)
    found = [name for name in UNITS if name not in LATER or (folder / f"{name}.parquet").is_file()]
    files = [folder / f"{name}.parquet" for name in found]
    if not all(file.is_file() for file in (folder / MANIFEST, *files)):
        raise UserError(
            f"{folder} is not the folder of a finished comparison",
            path=str(folder),
            allowed="the path that clickmarket compare printed",
            nearest=folder_near(folder, "comparison_id"),
        )
    manifest = read_manifest(folder / MANIFEST)
    for file in files:
        check_digest(file, manifest)
    tables = dict(zip(found, map(read_frame, files), strict=True))
    return Comparison(folder, manifest, tables.pop(COMPARISON), **tables)


def compare(
    scenarios: Sequence[str] | Mapping[str, Config],
    overrides: Sequence[str] = (),
    seeds: int = 10,
    plugins: Iterable[str | Path] = (),
    jobs: int = 1,
    match: str | None = None,
    match_to: str | None = None,
) -> Comparison:
    """Compare scenarios, the first of which is the baseline, on the same seeds.

    Parameters
    ----------
    scenarios
        Names as on the command line (`"none"`, `"usage_tax+universal_income"`), or configurations by name.
    overrides
        Settings as on the command line, each for every scenario that has it.
    seeds
        Seeds in a row, from the configuration's own on.
    plugins
        Files with further rules.
    jobs
        Processes at a time. Above 1 they are started anew, so that a script must keep what it does under
        ``if __name__ == "__main__":``.
    match, match_to
        "static" or "realised": scale the taxes of other scenarios to the revenue of scenario ``match_to``, by
        default the first with a tax (`sim.study.matching`).
    """
    asked = Match(match, match_to) if match is not None else None
    if isinstance(scenarios, Mapping):
        if overrides:
            raise UserError(
                "Settings have no place beside whole configurations.", value=" ".join(overrides),
                allowed="names of scenarios with settings, or configurations without",
            )  # fmt: skip
        configs = dict(scenarios)
    else:
        configs = compose_scenarios(scenarios, overrides)
    return load_comparison(execute(configs, seeds, plugins, quiet=True, jobs=jobs, match=asked))


# ---------------------------------------------------------------- playing


def execute(
    configs: Mapping[str, Config],
    seeds: int = 10,
    plugins: Iterable[str | Path] = (),
    quiet: bool = False,
    draw: Draw | None = None,
    tell: Callable[[Comparison], None] | None = None,
    jobs: int | None = 1,
    match: Match | None = None,
    crew: Crew | None = None,
    meanwhile: Tell | None = None,
) -> Path:
    """Play every scenario with every seed, write the comparison's folder and return it.

    An unfinished comparison of the same scenarios, seeds and sources in the folder for results goes on. While
    one is being played, another of the same is refused. ``jobs`` of None is a process for each core; a
    ``crew`` that is there already plays in their place. ``meanwhile`` is called when a further seed has
    been played in every scenario, as `Meanwhile` says.
    """
    began = time.monotonic()
    files = [Path(file) for file in plugins]
    rules = load_plugins(files) if files else None
    plan = {name: with_seeds(config, seeds) for name, config in configs.items()}
    target = matching.check_match(match, configs) if match is not None else ""
    cold = compile_ahead(configs.values(), rules, quiet)
    idle: dict[str, list[str]] = {}
    early: dict[str, list[str]] = {}
    paid: dict[str, list[str]] = {}
    rosters: dict[str, str] = {}
    requesters: dict[str, int] = {}
    for name, (config, *_) in plan.items():
        check_histories(name, config)
        # What only the world shows to be wrong comes out here.
        model = ClickWorkModel(config, plugins=rules)
        idle[name], early[name] = never_in_force(model), before_a_month_ends(model)
        paid[name], rosters[name] = paid_on(model), roster_of(model)
        if idle[name] and not quiet:
            print(
                f"{name}: in force nowhere or on none of these days: {', '.join(idle[name])}.",
                file=sys.stderr,
            )
        requesters = fewest(requesters, requesters_by_group(model))
    first = next(iter(plan.values()))[0]
    identity = comparison_id(plan, files, match)
    size = usual_size(len(plan) * seeds, first.compute.threads) if jobs is None else jobs
    playing = crew or Crew(size, files, cold)
    with only_one(first.results.dir, f"compare-{identity[:16]}"), playing as crew:
        folder = unfinished(first, identity) or new_folder(first, f"compare-{identity[:16]}")
        parts = Parts(folder, plan)
        budgets = None

        def write(into: Path, done: Parts) -> Comparison:
            manifest = describe(done.plan, files, identity, time.monotonic() - began)
            manifest |= {"idle": idle, "early": early, "paid": paid, "rosters": rosters, "matching": budgets}
            return write_tables(into, done, manifest, load_world(first.world.table), requesters)

        try:
            with stopping_on_term():
                if match is not None:
                    budgets = match_budgets(match, target, parts, crew, quiet)
                if meanwhile is not None:
                    crew.after = Meanwhile(parts, write, meanwhile)
                play_all(parts, crew, quiet)
        except (KeyboardInterrupt, Terminated) as stop:
            raise type(stop)(
                f"{parts.count()} of {len(plan) * seeds} runs are kept; the same command goes on from there."
            ) from None
        finally:
            crew.after = None
        comparison = write(folder, parts)
        if draw is not None and first.record.figures:
            draw(comparison, folder / FIGURES)
        write_manifest(folder, comparison.manifest, passing=[path.name for path in parts.folder.iterdir()])
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    if tell is not None:
        tell(comparison)
    return folder


class Meanwhile:
    """While runs are being played, tells how many of the first seeds have been played in every scenario.

    ``tell`` is called with their number, and a function that writes the comparison of these seeds into a
    folder, as if no more had been asked for; two at least, so that there is an interval, and less than all.
    """

    def __init__(self, parts: Parts, write: Callable[[Path, Parts], Comparison], tell: Tell) -> None:
        self.parts, self.write, self.tell = parts, write, tell
        self.told = 1

    def __call__(self) -> None:
        """Look again; called after each run."""
        done = self.parts.seeds_done()
        if self.told < done < self.parts.seeds:
            self.told = done
            self.tell(done, self._write)

    def _write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        found = self.write(folder, self.parts.of_first(self.told))
        write_manifest(folder, found.manifest)


def check_histories(name: str, config: Config) -> None:
    """Refuse a comparison without each worker's history: pairs and surplus rest on it."""
    if config.record.workers == "none" or (
        config.record.workers == "auto" and config.workers.count > 1_000_000
    ):
        raise UserError(
            f"leaves out the workers' histories, which a comparison rests on (in scenario {name}).",
            path="record.workers",
            value=config.record.workers,
            allowed="full, or auto with up to a million workers",
            nearest="record.workers=full",
        )


def play_all(parts: Parts, crew: Crew, quiet: bool) -> None:
    """Play every run that has no part yet, seed by seed."""
    play_missing([(name, number) for number in range(parts.seeds) for name in parts.plan], parts, crew, quiet)


def play_missing(
    runs: Sequence[tuple[str, int]], parts: Parts, crew: Crew, quiet: bool, what: str = "runs"
) -> None:
    """Play those of some runs that have no part yet, with progress if someone is watching."""
    missing = [run for run in runs if parts.read(*run) is None]
    tasks: list[Task] = [
        (play_one, (parts.plan[name][number], parts.path(name, number))) for name, number in missing
    ]
    play_tasks(tasks, parts, crew, quiet, what)


def play_tasks(tasks: Sequence[Task], parts: Parts, crew: Crew, quiet: bool, what: str) -> list[Any]:
    """Play tasks of one run each, with progress and the time left if someone is watching."""
    first = next(iter(parts.plan.values()))[0]
    watched = first.compute.progress and sys.stderr.isatty() and not quiet
    columns = (
        TextColumn("{task.fields[what]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% ·"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    days = first.time.days + first.time.warmup_days
    at_once = f", {min(crew.size, len(tasks))} at a time" if crew.size > 1 else ""
    with Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True) as progress:
        task = progress.add_task("compare", total=days * len(tasks), what=f"{len(tasks)} {what}{at_once}")
        return crew.play(tasks, lambda place: progress.advance(task))


def play_one(config: Config, path: Path, rules: Any, advance: Callable[[], None]) -> None:
    """Play a run and keep what it is reduced to."""
    keep(path, config, measure(ClickWorkModel(config, plugins=rules), by_days(advance)))


def match_budgets(match: Match, target: str, parts: Parts, crew: Crew, quiet: bool) -> dict[str, Any]:
    """Give the scenarios' taxes their rates of equal revenue; return what the manifest says of it.

    Runs that the search needs are kept like all others, so that it goes on where it was stopped.
    """
    kept = parts.folder / MATCHING
    if (found := read_matching(kept)) is None:
        found = find_budgets(match, target, parts, crew, quiet)
        with replacing(kept) as file:
            file.write(json.dumps(found, allow_nan=False).encode("utf-8"))
    for name, budget in found["scenarios"].items():
        parts.plan[name] = [at_rates(config, budget["rates"]) for config in parts.plan[name]]
    return found


def read_matching(path: Path) -> dict[str, Any] | None:
    """Return budgets that were matched before a kill; None if they were not."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def at_rates(config: Config, rates: Mapping[str, float | None]) -> Config:
    """Return a configuration with other rates of its taxes, given by their paths."""
    policy = config.policy
    for path, rate in rates.items():
        _, tax, name = path.split(".")
        policy = replace(policy, **{tax: replace(getattr(policy, tax), **{name: rate})})
    return replace(config, policy=policy)


def find_budgets(match: Match, target: str, parts: Parts, crew: Crew, quiet: bool) -> dict[str, Any]:
    """Find the rates at which scenarios raise as much as ``target`` (`sim.study.matching`)."""
    plan, numbers = parts.plan, range(min(parts.seeds, matching.MOST_SEEDS))
    baseline = next(iter(plan))
    bases = play_tasks(
        [(matching.bases_of, (plan[baseline][number],)) for number in numbers],
        parts, crew, quiet, "runs for the bases of taxes",
    )  # fmt: skip
    model = ClickWorkModel(plan[baseline][0])

    def static(config: Config) -> float:
        return matching.mean(
            [matching.static_revenue(config, model.world, model.clock, months) for months in bases]
        )

    def realised(name: str, config: Config) -> float:
        parts.plan[name] = [replace(config, seed=one.seed) for one in plan[name]]
        play_missing([(name, n) for n in numbers], parts, crew, quiet, f"runs to match {name}")
        return matching.mean([revenue_of(parts.need(name, number)) for number in numbers])

    runs = match.kind == matching.REALISED
    wanted = static(plan[target][0])
    wanted_realised = realised(target, plan[target][0]) if runs else None
    if not (wanted > 0 if wanted_realised is None else wanted_realised > 0):
        raise UserError(
            f"finds no revenue to match: scenario {target} raises none in these days.", path="match",
            value=match.kind, allowed="a scenario that raises revenue in the days that are simulated",
        )  # fmt: skip
    found = {target: matching.Matched(matching.rates_of(plan[target][0]), wanted, wanted_realised)}
    for name, (config, *_) in list(plan.items()):
        if name in (target, baseline) or not matching.taxes_of(config):
            continue
        same = matching.as_set(config, static, wanted)
        if same is not None and wanted_realised is not None:
            raised = realised(name, config)
            close = abs(raised - wanted_realised) <= matching.TOLERANCE * wanted_realised
            same = replace(same, realised_usd=raised) if close else None
        if same is not None:
            found[name] = same
            continue
        start, found[name] = matching.solve_static(config, static, wanted)
        if wanted_realised is not None:
            runs_of = functools.partial(realised, name)
            found[name] = matching.solve_realised(config, static, runs_of, wanted_realised, start)
    return {
        "kind": match.kind,
        "to": target,
        "seeds": [plan[baseline][number].seed for number in numbers],
        "tolerance": matching.TOLERANCE,
        "scenarios": {name: budget.plain() for name, budget in found.items()},
    }


def revenue_of(measured: Measured) -> float:
    """Return the USD that the taxes whose rates are matched raised in a run."""
    names = {f"{tax}_revenue" for tax in matching.RATES}
    return sum(one.value for one in measured.values if one.group == WORLD and one.metric in names)


def by_days(advance: Callable[[], None]) -> Callable[[ClickWorkModel], None]:
    """Return a function that plays a model to its end and tells after each day."""

    def play(model: ClickWorkModel) -> None:
        while model.hour < model.last_hour:
            model.run(min(24, model.last_hour - model.hour))
            advance()

    return play


class Parts:
    """The finished runs of a comparison, a file each, by scenario, number of the seed and configuration.

    ``plan`` holds each scenario's configurations, one for each seed; matching budgets changes it.
    """

    def __init__(self, folder: Path, plan: Mapping[str, list[Config]]) -> None:
        self.folder = folder / PARTS
        self.plan = dict(plan)
        self.seeds = len(next(iter(plan.values())))
        self.folder.mkdir(exist_ok=True)

    def path(self, name: str, number: int) -> Path:
        """File of a run."""
        of_rates = config_id(self.plan[name][number])[:12]
        return self.folder / f"{list(self.plan).index(name):03d}-{number:05d}-{of_rates}.parquet"

    def count(self) -> int:
        """How many of the comparison's own runs are kept."""
        return sum(self.path(name, n).exists() for name in self.plan for n in range(self.seeds))

    def seeds_done(self) -> int:
        """How many of the first seeds are kept in every scenario."""
        missing = (n for n in range(self.seeds) if not all(self.path(name, n).exists() for name in self.plan))
        return next(missing, self.seeds)

    def of_first(self, seeds: int) -> Parts:
        """Return the runs of the first seeds alone."""
        return Parts(self.folder.parent, {name: configs[:seeds] for name, configs in self.plan.items()})

    def read(self, name: str, number: int) -> Measured | None:
        """Return a run that was kept; None if it was not, or is damaged and must be played again."""
        path = self.path(name, number)
        if not path.exists():
            return None
        try:
            metadata = pq.read_schema(path).metadata or {}
            text = metadata.get(b"measured", b"")
            if hashlib.sha256(text).hexdigest().encode() != metadata.get(b"sha256"):
                return None
            rest, people = json.loads(text), read_frame(path)
        except (UserError, OSError, pa.ArrowException, ValueError):
            return None
        if rest["config_id"] != config_id(self.plan[name][number]) or list(people.columns) != list(KEPT):
            return None
        amounts = {
            table: {(line, group): amount for line, group, amount in rows}
            for table, rows in rest["amounts"].items()
        }
        return Measured([Value(*value) for value in rest["values"]], people, amounts)

    def need(self, name: str, number: int) -> Measured:
        """Return a run that must be there."""
        found = self.read(name, number)
        if found is None:
            raise UserError(f"{self.path(name, number)} is missing or damaged: give the same command again")
        return found


def keep(path: Path, config: Config, measured: Measured) -> None:
    """Keep a run: its workers as a table, all else beside it in the file's metadata."""
    rest = {
        "config_id": config_id(config),
        "values": [[one.metric, one.group, float(one.value)] for one in measured.values],
        "amounts": {
            table: [[line, group, amount] for (line, group), amount in amounts.items()]
            for table, amounts in measured.amounts.items()
        },
    }
    text = json.dumps(rest, allow_nan=False)
    check = hashlib.sha256(text.encode()).hexdigest()
    write_frame(measured.people, path, {}, {"measured": text, "sha256": check})


# ---------------------------------------------------------------- folders


def comparison_id(
    plan: Mapping[str, list[Config]], plugins: Sequence[Path], match: Match | None = None
) -> str:
    """Return a sha256 that two comparisons share when they ask the same of the same sources."""
    what = {
        "scenarios": [[name, [config_id(config) for config in configs]] for name, configs in plan.items()],
        "sources": origin_of(configs[0] for configs in plan.values()),
        "plugins": [hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins],
        "match": match and list(match),
    }
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def unfinished(config: Config, identity: str) -> Path | None:
    """Return the folder of the same comparison that was stopped before its end, if there is one."""
    for folder in sorted(Path(config.results.dir).glob(f"*-compare-{identity[:16]}*")):
        if (folder / PARTS).is_dir():
            return folder
    return None


# ---------------------------------------------------------------- pairs


def pairs(
    parts: Parts, world: World, idle: Mapping[str, Sequence[str]] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return every scenario's runs beside the baseline's of the same seed: values, and amounts of money.

    ``idle`` are the instruments of each scenario that are never in force.
    """
    plan = parts.plan
    baseline, *others = plan
    within = {
        name: spillovers.bounds(plan[name][0], plan[baseline][0], world, (idle or {}).get(name, ()))
        for name in others
    }
    values: list[tuple[Any, ...]] = []
    amounts: list[tuple[Any, ...]] = []
    for number, config in enumerate(plan[baseline]):
        before = parts.need(baseline, number)
        for name in others:
            after = parts.need(name, number)
            of_decile = by_decile(before.people, after.people, world, config)
            sides = tuple(
                [Value(*one) for one in spillovers.told_apart(run.amounts[PLACES], within[name])]
                for run in (before, after)
            )
            for old, new in ((before.values, after.values), of_decile, sides):
                values += [(name, config.seed, *row) for row in _beside(old, new)]
            for table, old_amounts in before.amounts.items():
                rows = _money_beside(old_amounts, after.amounts[table])
                amounts += [(name, config.seed, table, *row) for row in rows]
    return (
        pd.DataFrame(values, columns=["scenario", "seed", "metric", "group", "baseline", "value"]),
        pd.DataFrame(amounts, columns=["scenario", "seed", "table", "line", "group", "baseline", "value"]),
    )


def _beside(old: list[Value], new: list[Value]) -> Iterator[tuple[str, str, float, float]]:
    """Yield (metric, group, before, after) of what either has; NaN where there is no number on a side."""
    before, after = ({(one.metric, one.group): one.value for one in side} for side in (old, new))
    for key in dict.fromkeys([*before, *after]):
        yield *key, before.get(key, math.nan), after.get(key, math.nan)


def _money_beside(old: Amounts, new: Amounts) -> Iterator[tuple[str, str, int, int]]:
    """Yield (line, group, before, after) in micro-dollars of what either has."""
    for line, group in dict.fromkeys([*old, *new]):
        yield line, group, old.get((line, group), 0), new.get((line, group), 0)


def flows_of(parts: Parts) -> pd.DataFrame:
    """Return what was moved under each kind of transfer in each scenario (µ$), mean over seeds."""
    sectors = {kind: (debit, credit) for kind, debit, credit in KINDS}
    rows = []
    for name in parts.plan:
        runs = [parts.need(name, number).amounts[FLOWS] for number in range(parts.seeds)]
        for kind in (kind for kind in sectors if any((kind, "") in run for run in runs)):
            mean = round(sum(run.get((kind, ""), 0) for run in runs) / len(runs))
            rows.append((name, kind, *sectors[kind], mean))
    return pd.DataFrame(
        rows, columns=["scenario", "kind", "debit_sector", "credit_sector", "amount_microusd"]
    )


def countries_of(amounts: pd.DataFrame, world: World, scale: float, days: int) -> pd.DataFrame:
    """Return net public transfers by scenario and country: USD per resident and year."""
    people = dict(zip(map(str, world.codes), world.population.tolist(), strict=True))
    public = amounts[amounts["table"] == PUBLIC]
    rows = []
    for scenario in dict.fromkeys(public["scenario"]):
        for country, persons in people.items():
            part = public[(public["scenario"] == scenario) & (public["line"] == country)]
            each = scale * DAYS_A_YEAR / days / MICRO / persons
            before, after = (part[side].to_numpy(np.float64) * each for side in ("baseline", "value"))
            if len(part):
                found = interval(after - before)
                rows.append((scenario, country, before.mean(), after.mean(), *found, len(part)))
    columns = ["scenario", "country", "baseline", "value", "difference", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def interval(differences: Floats) -> tuple[float, float, float]:
    """Return the mean of paired differences and its 95 % interval (Student's t); NaN bounds for one pair."""
    mean, count = float(np.mean(differences)), len(differences)
    if count < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * np.std(differences, ddof=1) / np.sqrt(count))
    return mean, mean - half, mean + half


def table_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison's table: a row for each scenario, metric and group.

    Means are over the seeds in which both sides have a number. Where no seed has both, as of a share of
    something that only one side has, each side's own mean stands alone, and the seeds of a difference are 0.
    """
    rows = []
    for (scenario, metric, group), part in runs.groupby(["scenario", "metric", "group"], sort=False):
        before, after = part["baseline"].to_numpy(np.float64), part["value"].to_numpy(np.float64)
        both = ~np.isnan(after - before)
        if both.any():
            before, after = before[both], after[both]
            mean, low, high = interval(after - before)
        else:
            mean = low = high = math.nan
        sides = (_mean_of_known(side) for side in (before, after))
        unit = definition_of(str(metric))[0]
        rows.append((scenario, metric, group, *sides, mean, low, high, unit, int(both.sum())))
    columns = [
        "scenario",
        "metric",
        "group",
        "baseline",
        "value",
        "difference",
        "low",
        "high",
        "unit",
        "seeds",
    ]
    return pd.DataFrame(rows, columns=columns)


def _mean_of_known(numbers: Floats) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) else math.nan


def places_of(amounts: pd.DataFrame, table: str, place: str, each: float) -> pd.DataFrame:
    """Return a row for each scenario, measure and place (an hour or a country) of a table of amounts."""
    rows = []
    parts = amounts[amounts["table"] == table].groupby(["scenario", "line", "group"], sort=False)
    for key, part in parts:
        before, after = (part[side].to_numpy(np.float64) * each for side in ("baseline", "value"))
        rows.append((*key, before.mean(), after.mean(), *interval(after - before), len(part)))
    columns = ["scenario", "measure", place, "baseline", "value", "difference", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def incidence_of(amounts: pd.DataFrame, scale: float, days: int) -> pd.DataFrame:
    """Return the tables of incidence: a row for each scenario, table, line and group of countries.

    ``difference_microusd_all_seeds`` is the exact sum over seeds; over the lines of table cash and the group
    ``world`` it adds up to exactly zero. Of all surplus only the difference is told; its interval covers
    the range of what users let go may have lost. ``world_usd_per_year`` is the mean difference at the scale
    of the market that the model stands for. Kinds of workers (groups ``segment ...``) have
    workers' lines only.
    """
    ranges = amounts[amounts["table"] == RANGE]
    amounts = amounts[amounts["table"].isin((CASH, SURPLUS))]
    keys = ["scenario", "seed", "table", "group"]
    totals = amounts.groupby(keys, sort=False, as_index=False)[["baseline", "value"]].sum()
    of_kinds = totals["group"].str.startswith(SEGMENT) & (totals["table"] == CASH)
    whole = pd.concat([amounts, totals[~of_kinds].assign(line=ALL_LINES)], ignore_index=True)
    rows = []
    for (scenario, table, line, group), part in whole.groupby(
        ["scenario", "table", "line", "group"], sort=False
    ):
        before, after = part["baseline"].to_numpy(np.int64), part["value"].to_numpy(np.int64)
        mean, low, high = interval((after - before) / MICRO)
        if line == LET_GO and mean:
            low, high = range_of(ranges, scenario, group)
        elif line == ALL_LINES and table == SURPLUS:
            low, high = range_of_all(amounts, ranges, scenario, group) or (low, high)
        rows.append(
            (
                scenario, table, line, group, int((after - before).sum()), before.mean() / MICRO,
                after.mean() / MICRO, mean, low, high, mean * scale * DAYS_A_YEAR / days, len(part),
                meaning_of(str(table), str(line), str(group)),
            )
        )  # fmt: skip
    columns = [
        "scenario", "table", "line", "group", "difference_microusd_all_seeds", "baseline", "value",
        "difference", "low", "high", "world_usd_per_year", "seeds", "meaning",
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    # All surplus hinges on assumed values of work and time: its level would say more than is known.
    found.loc[(found["table"] == SURPLUS) & (found["line"] == ALL_LINES), ["baseline", "value"]] = np.nan
    return found


def range_of(ranges: pd.DataFrame, scenario: object, group: object) -> tuple[float, float]:
    """Return the least and the most that users let go may have gained (USD), over seeds and values of use."""
    here = ranges[(ranges["scenario"] == scenario) & (ranges["group"] == group)]
    bounds = [
        bound
        for _, part in here.groupby("line")
        for bound in interval((part["value"] - part["baseline"]).to_numpy(np.int64) / MICRO)
        if not np.isnan(bound)
    ]
    return min(bounds), max(bounds)


def range_of_all(
    amounts: pd.DataFrame, ranges: pd.DataFrame, scenario: object, group: object
) -> tuple[float, float] | None:
    """Return the least and the most of all surplus (USD) over seeds and values of use to users let go.

    None where nobody was let go: then it is the interval over seeds.
    """

    def by_seed(table: pd.DataFrame) -> pd.Series[float]:
        part = table[(table["scenario"] == scenario) & (table["group"] == group)]
        return (part["value"] - part["baseline"]).groupby(part["seed"]).sum() / MICRO

    surplus = amounts[amounts["table"] == SURPLUS]
    let_go = surplus["line"] == LET_GO
    if not by_seed(surplus[let_go]).any():
        return None
    rest = by_seed(surplus[~let_go])
    bounds = [
        bound
        for line in (AT_LEAST, AT_MOST)
        for bound in interval(_with(rest, by_seed(ranges[ranges["line"] == line])))
        if not np.isnan(bound)
    ]
    return min(bounds), max(bounds)


def _with(some: pd.Series[float], more: pd.Series[float]) -> Floats:
    return np.asarray(some.add(more, fill_value=0.0), np.float64)


def exits_of(parts: Parts) -> pd.DataFrame:
    """Return whom platforms shut out in each scenario: agents, mean over seeds, and in how many seeds."""
    rows = []
    for name in parts.plan:
        runs = [parts.need(name, number).amounts[EXITS] for number in range(parts.seeds)]
        for line, country in sorted({key for run in runs for key in run}):
            agents = [run.get((line, country), 0) for run in runs]
            platform, who = line.rsplit(": ", 1)
            left = sum(number > 0 for number in agents)
            rows.append((name, platform, who, country, float(np.mean(agents)), left, len(runs)))
    return pd.DataFrame(
        rows, columns=["scenario", "platform", "who", "country", "agents", "seeds_left", "seeds"]
    )


def meaning_of(table: str, line: str, group: str = WORLD) -> str:
    """Say in words what a line of a table of incidence means."""
    if line == ALL_LINES and group.startswith(SEGMENT):
        return "workers of this kind: both their lines, so incomes, shifts, dividends are in it"
    if line == ALL_LINES:
        return {
            CASH: "all sectors: money changes hands only, so the sum is exactly 0",
            SURPLUS: "all lines: what the reform adds, or, if less than nothing, its excess burden; the cost"
            " of waiting for work is in it, and what users let go lose, with its range in the interval;"
            " so is what platforms spend, which"
            " goes with the work done (platforms.<name>.cost_on_rewards, cost_per_transaction_usd) and with"
            " advertising, so a fee by itself does not change it."
            " It hinges on the demand of requesters (requesters.demand_elasticity, its level on"
            " requesters.value_usd_per_hour) and on reservation wages as the cost of time: only its"
            " difference is told, no level",
        }[table]
    return {CASH: CASH_MEANINGS, SURPLUS: SURPLUS_MEANINGS}[table][line]


def definition_of(metric: str) -> tuple[str, str]:
    """Return unit and definition of a metric."""
    found = INDICATORS.get(metric) or METRICS[metric]
    return found.unit, found.definition


def unchanged(runs: pd.DataFrame, amounts: pd.DataFrame) -> list[str]:
    """Return the scenarios in which no value and no amount differs from the baseline, in no seed.

    What has no number on one side, as a share of something that is not there, is no difference.
    """
    names = list(dict.fromkeys(runs["scenario"]))
    tables = (runs.dropna(subset=["baseline", "value"]), amounts)
    differing = {name for table in tables for name in table["scenario"][table["baseline"] != table["value"]]}
    return [name for name in names if name not in differing]


# ---------------------------------------------------------------- writing


def write_tables(
    folder: Path,
    parts: Parts,
    manifest: dict[str, Any],
    world: World,
    requesters: Mapping[str, int],
) -> Comparison:
    """Write the tables and configurations; what they say in words goes into the manifest."""
    first = next(iter(parts.plan.values()))[0]
    scale = first.workers.real_count / first.workers.count
    runs, amounts = pairs(parts, world, manifest["idle"])
    check_cash(amounts)
    frames = {
        COMPARISON: table_of(runs),
        INCIDENCE: incidence_of(amounts, scale, first.time.days),
        RUNS: runs,
        MONEY: flows_of(parts),
        COUNTRIES: countries_of(amounts, world, scale, first.time.days),
        EXITS: exits_of(parts),
        WEEKS: weeks_of(amounts, first.time.start, first.time.warmup_days),
        SPREAD: spread_of(
            {name: [parts.need(name, number).people for number in range(parts.seeds)] for name in parts.plan},
            dict(zip(map(str, world.codes), map(str, world.group), strict=True)),
            first.time.days,
        ),
        CLOCK: places_of(amounts, CLOCK, "utc_hour", 1.0 / first.time.days).astype({"utc_hour": "int8"}),
        HOURS: places_of(amounts, HOURS, "country", scale * DAYS_A_YEAR / first.time.days / 3600),
    }
    manifest["unchanged"] = unchanged(runs, amounts)
    metrics = dict.fromkeys(frames[COMPARISON]["metric"])
    manifest["definitions"] = {metric: definition_of(metric)[1] for metric in metrics}
    manifest["samples"] = samples(runs, requesters, parts.seeds)
    told = manifest["samples"]["caution"]
    for name, frame in frames.items():
        write_frame(frame, folder / f"{name}.parquet", UNITS[name], {"caution": told} if told else None)
        frame.attrs["units"] = {column: UNITS[name].get(str(column), "") for column in frame}
        if name != RUNS:
            write_csv(frame, folder / f"{name}.csv")
    (folder / CONFIGS).mkdir(exist_ok=True)
    for number, (scenario, configs) in enumerate(parts.plan.items()):
        write_text(folder / CONFIGS / f"{number:02d}-{file_name(scenario)}.yaml", to_yaml(configs[0]))
    return Comparison(folder, manifest, frames.pop(COMPARISON), **frames)


def file_name(scenario: str) -> str:
    """Return a scenario's name as part of a file's."""
    return re.sub(r"[^A-Za-z0-9_+.-]+", "_", scenario)[:LONGEST_FILE_NAME]


def check_cash(amounts: pd.DataFrame) -> None:
    """Stop unless the cash of every run adds up to exactly zero."""
    here = amounts[(amounts["table"] == CASH) & (amounts["group"] == WORLD)]
    sums = here.groupby(["scenario", "seed"])[["baseline", "value"]].sum()
    if (sums != 0).to_numpy().any():
        raise RuntimeError(f"Table cash does not add up to zero: {sums[(sums != 0).any(axis=1)].to_dict()}")


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table for spreadsheets; text that one would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(frame.columns)
    writer.writerows([_cell(value) for value in row] for row in frame.itertuples(index=False))
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8"))


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(DANGEROUS) else value
    return "" if pd.isna(value) else value


def describe(
    plan: Mapping[str, list[Config]], plugins: list[Path], identity: str, seconds: float
) -> dict[str, Any]:
    """Return what the manifest says of a comparison."""
    configs = next(iter(plan.values()))
    first = configs[0]
    return {
        **origin_of(configs[0] for configs in plan.values()),
        "comparison_id": identity,
        "baseline": next(iter(plan)),
        "scenarios": {name: config_id(configs[0]) for name, configs in plan.items()},
        "seeds": [config.seed for config in configs],
        **remarks.in_manifests({name: configs[0] for name, configs in plan.items()}),
        "start": first.time.start,
        "days": first.time.days,
        "warmup_days": first.time.warmup_days,
        "workers": first.workers.count,
        "scale": first.workers.real_count / first.workers.count,
        "confidence": CONFIDENCE,
        "plugins": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in plugins},
        "users": {
            name: {"drops_users": terms.drops_users, "user_value_log_sigma": terms.user_value_log_sigma}
            for name, terms in first.platforms.items()
            if terms.family == "social"
        },
        "duration_seconds": round(seconds, 3),
    }
