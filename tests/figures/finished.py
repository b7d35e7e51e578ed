"""Finished results of every kind, made up: the gallery and the reports are tried on them without a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.composition import compose, config_id, to_yaml
from sim.outcomes.frames import COLUMNS, FrameSet
from sim.outcomes.indicators import summary
from sim.study.compare import CONFIGS, INCIDENCE, RUNS, Comparison, file_name
from sim.study.opening import Validation
from sim.study.reading import Sweep
from sim.study.result import RunResult, load, write_json, write_manifest, write_recorded, write_text
from sim.study.spread import SUMS, spread_of
from sim.world import load_world
from tests.figures import synthetic
from tests.figures.test_comparison import made_up as comparison_of
from tests.study.test_analysis import made_up as sweep_of
from tests.study.test_verdicts import concluded

MADE_BY = {"version": "0.1.0", "source_hash": "ab" * 32, "python": "3.11", "packages": {"numpy": "2"}}
SETTINGS = ("workers.count=4000", "time.days=364", "time.warmup_days=28")
POLICIES = ("policy=[usage_tax,universal_income]", "policy.usage_tax.start=2019-05-01")


def run(folder: Path, frames: FrameSet | None = None, **manifest: Any) -> RunResult:
    """Write the folder of a run whose tables are `frames`, by default a made-up year with taxes."""
    tables = frames or synthetic.with_policy(synthetic.frames(4000), unit=10**9)
    config = compose([*SETTINGS, POLICIES[0]])
    folder.mkdir(parents=True)
    for name in COLUMNS:
        write_recorded(name, getattr(tables, name), folder)
    write_text(folder / "config.yaml", to_yaml(config))
    write_json(folder / "summary.json", summary(tables, load_world("global")))
    identity = {"seed": config.seed, "config_id": config_id(config), "plugins": {}, "duration_seconds": 12.5}
    write_manifest(folder, {**MADE_BY, **identity, **manifest})
    return load(folder)


def comparison(folder: Path, *names: str, seeds: int = 5, **manifest: Any) -> Comparison:
    """Return a comparison of made-up numbers, with the configurations of its scenarios in the folder."""
    found = comparison_of(*names, seeds=seeds)
    baseline, policy = (compose([*SETTINGS, *words]) for words in ((), POLICIES))
    (folder / CONFIGS).mkdir(parents=True)
    for number, name in enumerate(("none", *names)):
        text = to_yaml(baseline if number == 0 else policy)
        write_text(folder / CONFIGS / f"{number:02d}-{file_name(name)}.yaml", text)
    ids = {name: config_id(policy if name != "none" else baseline) for name in ("none", *names)}
    units = found.table["metric"].map(
        lambda name: "share" if "share" in name else "USD/h" if "pay" in name else "USD"
    )
    more = {
        **MADE_BY, "scenarios": ids, "plugins": {}, "scale": 4750.0, "definitions": {"fees": "What is kept."},
        "files": {f"{RUNS}.parquet": "cd" * 32, f"{INCIDENCE}.parquet": "ef" * 32}, "sha256": "01" * 32,
    }  # fmt: skip
    return replace(
        found,
        path=folder,
        manifest={**found.manifest, **more, **manifest},
        table=found.table.assign(unit=units),
        incidence=_incidence(names),
        weeks=_weeks(names, seeds),
        spread=_spread(names),
        clock=_places(names, ("posted", "active"), "utc_hour", range(24)),
        hours=_places(names, ("working_hours",), "country", map(str, load_world("global").codes)),
    )


def _places(names: tuple[str, ...], measures: tuple[str, ...], place: str, values: Any) -> pd.DataFrame:
    """Return measures by hour or country that grow along these, and fall by a tenth at every other one."""
    rows = [
        (name, measure, value, level, level - less, -less, -less - 5.0, -less + 5.0, 5)
        for name in names
        for measure in measures
        for number, value in enumerate(list(values))
        for level in [1000.0 * (number + 2)]
        for less in [0.0 if number % 2 else level / 10]
    ]
    columns = ["scenario", "measure", place, "baseline", "value", "difference", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _incidence(names: tuple[str, ...]) -> pd.DataFrame:
    lines = (("cash", "workers", 40.0), ("cash", "owners", -40.0), ("cash", "all", 0.0),
             ("surplus", "workers", 2.5e6), ("surplus", "users let go", 0.0),
             ("surplus", "all", -7.5))  # fmt: skip
    rows = [
        (name, table, line, "world", round(usd * 5e6), 9.0, 9.0 + usd, usd, usd - 1, usd + 1, usd * 1e3, 5,
         "what it means")
        for name in names
        for table, line, usd in lines
    ]  # fmt: skip
    columns = ["scenario", "table", "line", "group", "difference_microusd_all_seeds", "baseline", "value",
               "difference", "low", "high", "world_usd_per_year", "seeds", "meaning"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _weeks(names: tuple[str, ...], seeds: int) -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = []
    for name in names:
        for seed in range(7, 7 + seeds):
            for measure in SUMS:
                for week in range(20):
                    before = 10**6 * (5 + week // 4) + int(random.integers(0, 10**6))
                    after = before * (9 if week > 10 and measure == "pay_microusd" else 8) // 8
                    date = str(np.datetime64("2019-02-04") + 7 * week)
                    rows.append((name, seed, measure, week, date, before, after))
    columns = ["scenario", "seed", "measure", "week", "date", "baseline", "value"]
    return pd.DataFrame(rows, columns=columns)


def people(workers: int = 4000, seed: int = 1, factor: float = 1.0) -> pd.DataFrame:
    """Return workers as a comparison keeps them, whose pay is `factor` times that of the made-up year."""
    table = synthetic.frames(workers, seed).workers.rename(
        columns={"transfers_microusd": "received_microusd"}
    )
    pay = (table["pay_microusd"] * factor).astype("int64")
    return table.assign(pay_microusd=pay, received_microusd=2_000_000, after_leaving_microusd=0)


def _spread(names: tuple[str, ...]) -> pd.DataFrame:
    world = load_world("global")
    groups = dict(zip(map(str, world.codes), map(str, world.group), strict=True))
    runs = {"none": [people(seed=1), people(seed=2)]}
    runs |= {name: [people(seed=1, factor=1.2), people(seed=2, factor=1.2)] for name in names}
    return spread_of(runs, groups, synthetic.DAYS)


def sweep(folder: Path, words: list[str], outcome: Callable[..., float], **manifest: Any) -> Sweep:
    """Return a sweep whose outcomes are functions of its settings, with noise by seed."""
    found = sweep_of(words, outcome, noise=0.01)
    found.path = folder
    folder.mkdir(parents=True, exist_ok=True)
    values = found.outcomes["y"].to_numpy()
    ratio = np.exp(values - values.mean())
    for name, column, unit in (
        ("pay_all_in_median", values + 2, "USD/h"), ("unpaid_share", 0.3 + 0.01 * values, "share"),
        ("ai_human_hours_growth", ratio, "times"), ("ai_analytic_growth", ratio[::-1], "times"),
    ):  # fmt: skip
        found.outcomes[name] = column
        found.manifest["units"][name] = unit
    found.manifest |= {
        **MADE_BY, "identity": "0123456789abcdef", "plugins": {}, "runs": len(found.experiments),
        "definitions": {"pay_all_in_median": "Half of the workers earn less."},
        "files": {"points.parquet": "ab" * 32}, "sha256": "23" * 32, **manifest,
    }  # fmt: skip
    return found


def validation(folder: Path, **manifest: Any) -> Validation:
    """Return a validation of made-up verdicts."""
    verdicts = concluded()
    curve = [0.2 + 0.01 * hour for hour in range(24)]
    verdicts["curves"] = {"mt": {"india_by_hour": [curve, curve], "recapture": [[0.8, 0.7, 0.6]] * 2}}
    folder.mkdir(parents=True, exist_ok=True)
    about = {**verdicts["about"], **MADE_BY, "plugins": {}, "files": {"validation.json": "ab" * 32}}
    return Validation(folder, {**about, "sha256": "45" * 32, **manifest}, verdicts)
