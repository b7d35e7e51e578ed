"""Runs of an experiment, played by the machinery of comparisons: paired seeds, kept one by one, resumable.

Each run leaves a small file. The same command goes on where a killed one stopped, and judges anew without
playing where all runs are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.asking import Asked
from sim.composition import config_id
from sim.config import Config
from sim.errors import Terminated
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.outcomes.frames import FrameSet, per_country
from sim.outcomes.recorder import Recorder
from sim.stopping import stopping_on_term
from sim.study.ahead import compile_ahead
from sim.study.compare import Parts, by_days, keep, match_budgets, play_tasks
from sim.study.crew import Crew
from sim.study.lock import only_one
from sim.study.matching import Match
from sim.study.measure import Value, measure, of_indicators
from sim.study.run import new_folder
from sim.study.scenarios import with_seeds
from sim.study.sources import origin_of
from sim.world import World

OF_WORKERS = (
    "night_share",
    "weekly_volatility_median",
    "exposure_hours_mean",
    "rejected_share",
    "pay_all_in_pooled",
    "unpaid_share",
    "hours_per_week_median",
)
"""Indicators of any part of the workers, for which their table serves as well as the days' series."""

OF_ROSTERS = ("worker_poverty_before_transfers", "worker_poverty_after_transfers")
"""Indicators of the part of a roster."""

FEES = ("requester_fee", "worker_fee")
HOURS = 24


def play(asked: Asked) -> tuple[Path, pd.DataFrame, dict[str, Any]]:
    """Play what is not played yet; return folder, outcomes (a row for each number of each run) and budgets.

    Everything is composed and tried on its world before the folder is made.
    """
    cold = compile_ahead(asked.configs.values())
    for config in asked.configs.values():
        ClickWorkModel(config)
    first = next(iter(asked.configs.values()))
    mark = f"claim-{asked.name}-{asked.size}-{identity_of(asked)[:12]}"
    with only_one(first.results.dir, mark, "The same experiment"), Crew(asked.jobs, [], cold) as crew:
        folder = begun(first, mark) or new_folder(first, mark)
        rows, budgets = [], {}
        with stopping_on_term():
            try:
                rows.append(_play_some(folder, with_seeds_all(asked.configs, asked.seeds), crew))
                for kind, names in asked.matched.items():
                    plan = with_seeds_all({name: asked.configs[name] for name in names}, asked.seeds)
                    searched = Parts(_inside(folder, f"matching-{kind}"), plan)
                    budgets[kind] = match_budgets(Match(kind, names[1]), names[1], searched, crew, False)
                    found = _play_some(_inside(folder, f"runs-{kind}"), searched.plan, crew)
                    rows.append(found.assign(scenario=f"{kind}: " + found["scenario"]))
            except (KeyboardInterrupt, Terminated) as stop:
                raise type(stop)("Runs that are done are kept; the same command goes on.") from None
    return folder, pd.concat(rows, ignore_index=True), budgets


def with_seeds_all(configs: Mapping[str, Config], seeds: int) -> dict[str, list[Config]]:
    """Return the configurations of each scenario, one for each seed."""
    return {name: with_seeds(config, seeds) for name, config in configs.items()}


def identity_of(asked: Asked) -> str:
    """Return a SHA-256 that two experiments share when the same sources play the same runs."""
    what = {
        "scenarios": [[name, config_id(config)] for name, config in asked.configs.items()],
        "seeds": asked.seeds,
        "matched": {kind: list(names) for kind, names in asked.matched.items()},
        "sources": origin_of(asked.configs.values()),
        "measured": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def begun(config: Config, mark: str) -> Path | None:
    """Return the folder in which the same experiment was begun, if there is one."""
    return next(iter(sorted(Path(config.results.dir).glob(f"*-{mark}"))), None)


def _inside(folder: Path, name: str) -> Path:
    inner = folder / name
    inner.mkdir(exist_ok=True)
    return inner


def _play_some(folder: Path, plan: Mapping[str, list[Config]], crew: Crew) -> pd.DataFrame:
    """Play every run of a plan that has no file yet; return the outcomes of all."""
    parts = Parts(folder, plan)
    runs = [(name, number) for number in range(parts.seeds) for name in plan]
    missing = [run for run in runs if parts.read(*run) is None]
    tasks = [(play_one, (plan[name][number], parts.path(name, number))) for name, number in missing]
    play_tasks(tasks, parts, crew, False, "runs")
    rows = [
        (name, plan[name][number].seed, value.metric, value.group, value.value)
        for name, number in runs
        for value in parts.need(name, number).values
    ]
    return pd.DataFrame(rows, columns=["scenario", "seed", "metric", "group", "value"])


def play_one(config: Config, path: Path, rules: Any, advance: Callable[[], None]) -> None:
    """Play a run and keep its numbers."""
    model = ClickWorkModel(config, plugins=rules)
    held: list[Recorder] = []

    def days(model: ClickWorkModel) -> None:
        held.extend(one for one in model.observers if isinstance(one, Recorder))
        by_days(advance)(model)

    measured = measure(model, days)
    frames = held[0].frames()
    values = [*measured.values, *more_numbers(frames, model.world)]
    keep(path, config, replace(measured, values=values, people=measured.people.iloc[:0]))


def more_numbers(frames: FrameSet, world: World) -> list[Value]:
    """Return what a claim needs beside a comparison's numbers: the clock, flows, people by kind and place."""
    group_of = {code: str(group) for code, group in per_country(world, world.group).items()}
    values = clock_of(frames.clock, group_of) + flows_of(frames.flows, group_of)
    workers = frames.workers
    parts = {f"segment {name}": workers["segment"] == name for name in sorted(set(workers["segment"]))}
    parts |= {f"platform {name}": workers["platform"] == name for name in sorted(set(workers["platform"]))}
    groups = workers["country"].map(group_of)
    parts |= {name: groups == name for name in sorted(set(group_of.values()))}
    parts |= {
        f"{group}, segment {name}": (groups == group) & (workers["segment"] == name)
        for group in sorted(set(group_of.values()))
        for name in sorted(set(workers["segment"]))
    }
    for name, chosen in parts.items():
        part = workers[chosen]
        if len(part):
            values += of_indicators(replace(frames, workers=part, series=part), OF_WORKERS, name, world)
            values += of_indicators(replace(frames, workers=part), OF_ROSTERS, name, world)
    return unique(values)


def unique(values: list[Value]) -> list[Value]:
    """Return values without those that are there already."""
    return list({(one.metric, one.group): one for one in values}.values())


def clock_of(clock: pd.DataFrame, group_of: Mapping[str, str]) -> list[Value]:
    """Return, for each hour of the UTC day, the share of all work posted and of all workers on duty."""
    values = []
    places = clock["country"].map(group_of)
    for what, column in (("on_duty", "active"), ("posted", "posted")):
        for group in ("world", *sorted(set(group_of.values()))):
            part = clock if group == "world" else clock[places == group]
            by_hour = part.groupby("utc_hour")[column].sum().reindex(range(HOURS), fill_value=0)
            total = float(by_hour.sum())
            if total:
                values += [
                    Value(f"{what}_share_{hour:02d}", group, count / total)
                    for hour, count in enumerate(by_hour.tolist())
                ]
    return values


def flows_of(flows: pd.DataFrame, group_of: Mapping[str, str]) -> list[Value]:
    """Return rewards and fees (USD) by the groups of countries that pay and receive them."""
    values = []
    payer, payee = (flows[f"{side}_country"].map(group_of).fillna("none") for side in ("debit", "credit"))
    usd = flows["amount_microusd"] / MICRO
    for name, kinds in (("rewards", ("reward",)), ("platform_fees", FEES)):
        there = flows["kind"].isin(kinds)
        for one in sorted(set(group_of.values())):
            for other in sorted(set(group_of.values())):
                amount = float(usd[there & (payer == one) & (payee == other)].sum())
                values.append(Value(f"{name}_from_{one}_to_{other}", "world", amount))
        home = there & (flows["debit_country"] == flows["credit_country"])
        values.append(Value(f"{name}_inside_a_country", "world", float(usd[home].sum())))
        values.append(Value(f"{name}_all", "world", float(usd[there].sum())))
    return [value for value in values if np.isfinite(value.value)]
