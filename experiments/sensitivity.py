"""Which assumption each conclusion rests on: all of them screened, those that matter by Sobol' indices.

In each part of `sensitivity.yaml`, trajectories of Morris's design move every assumption; the few that move
the outcomes most go through Saltelli's design, and every conclusion is asked anew at each point of it. The
seed is moved like an assumption: what matters no more than it cannot be told from luck.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.asking import FOLDER, count_of
from experiments.assumptions import LUCK, Lever, assumptions, levers_of, luck, moved
from experiments.telling import days_told, guarded, write_table
from experiments.verdict import ABOVE, BELOW
from sim.compile import source_hash
from sim.composition import compose, config_id
from sim.config import Config
from sim.errors import Terminated, UserError, one_of
from sim.figures import style
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.outcomes.frames import FrameSet, per_country
from sim.outcomes.indicators import INDICATORS, ai_weeks, entry
from sim.outcomes.recorder import Recorder
from sim.plain_yaml import read_yaml
from sim.stopping import stopping_on_term
from sim.study import incidence
from sim.study.ahead import compile_ahead
from sim.study.analysis import morris_table, sobol_table
from sim.study.crew import Crew, Task
from sim.study.designs import morris_trajectories, saltelli
from sim.study.lock import only_one
from sim.study.measure import Watcher
from sim.study.result import write_json, write_manifest, write_text
from sim.study.run import new_folder
from sim.study.sources import origin_of
from sim.study.store import DONE, RUNS, Store, commit
from sim.study.sweep import sober
from sim.validation import check_folder, to_plain
from sim.world import World

SIZES = ("small", "medium", "full")
DESIGN_SEED = 5
MOST_MISSING = 0.1
"""Share of points at which an outcome may have no value; those take the mean of the others."""

FLIPS_FROM = 0.05
"""Share of points on either side of a bound from which a conclusion is said to flip (a convention)."""

TOLD = 3
DECIDED = ("seed", "world")
Floats = NDArray[np.float64]
Numbers = Mapping[str, float]

USAGE = f"""Tell which assumption each conclusion rests on: screening of all, then Sobol' indices.

  python -m experiments.sensitivity [size={"|".join(SIZES)}] [reach=N] [jobs=N] [SETTING ...]

reach=N cuts declared ranges at N times, and an N-th of, what is assumed (default 3).
The same command goes on where a killed one stopped.
"""


# ---------------------------------------------------------------- what is looked at


class Outcome(NamedTuple):
    """An outcome of a part: name, unit, and how it comes from a run's numbers and those beside it."""

    name: str
    title: str
    unit: str
    of: Callable[[Numbers, Numbers], float]


class Conclusion(NamedTuple):
    """A statement that a claim makes of an outcome."""

    claim: str
    statement: str
    outcome: str
    side: str
    bound: float

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Tell where it holds."""
        return values > self.bound if self.side == ABOVE else values < self.bound


def _own(name: str) -> Callable[[Numbers, Numbers], float]:
    return lambda own, beside: own[name]


def _ratio(above: str, below: str) -> Callable[[Numbers, Numbers], float]:
    return lambda own, beside: own[above] / own[below]


def _less(one: str, other: str) -> Callable[[Numbers, Numbers], float]:
    return lambda own, beside: own[one] - own[other]


def _beside(name: str) -> Callable[[Numbers, Numbers], float]:
    return lambda own, beside: own[name] / beside[name]


def _excess(own: Numbers, beside: Numbers) -> float:
    return (beside["surplus"] - own["surplus"]) / own["tax_revenue"]


OUTCOMES: Mapping[str, tuple[Outcome, ...]] = {
    "market": (
        Outcome("pay", "median pay, all time", "USD/h", _own("pay_all_in_median")),
        Outcome("unpaid", "unpaid share of time", "share", _own("unpaid_share")),
        Outcome("below_minimum", "share below minimum wage", "share", _own("share_below_minimum_wage")),
        Outcome("elasticity", "supply to one requester", "elasticity", _own("supply_elasticity")),
        Outcome("north_value", "North's share of value", "share", _own("north_share_of_value")),
        Outcome("hours", "median hours a week", "h", _own("hours_per_week_median")),
        Outcome("volatility", "weekly volatility of pay", "ratio", _own("weekly_volatility_median")),
        Outcome("awake", "quietest over busiest hour", "ratio", _own("concurrently_active_min_over_max")),
        Outcome("night_south", "night work, South less North", "share", _less("night_share, south",
                                                                           "night_share, north")),
        Outcome("night", "share of work at night", "share", _own("night_share")),
        Outcome("harm_south", "harm, South less North", "h", _less("exposure_hours_mean, south",
                                                                  "exposure_hours_mean, north")),
        Outcome("pay_less_hours", "South's share of pay less of hours", "share",
                _own("south_pay_less_hours")),
        Outcome("from_north", "South's pay that comes from the North", "share", _own("from_north")),
    ),
    "taxes": (
        Outcome("revenue", "tax revenue by head", "USD/year", _own("world_tax_per_head_year")),
        Outcome("income", "income by head", "USD/month", _own("transfer_per_head_month")),
        Outcome("excess", "excess burden by revenue", "ratio", _excess),
        Outcome("to_poverty", "income over poverty line", "share", _own("transfer_over_poverty_line")),
        Outcome("usage_over_profit", "usage over profit tax", "ratio",
                _ratio("usage_tax_per_year", "profit_tax_per_year")),
        Outcome("shifted", "share of profit shifted", "share", _own("shifted_profit_share")),
        Outcome("users_lost", "social users lost", "share", _own("social_users_lost_share")),
        Outcome("labels", "users' labels by task", "ratio", _own("unpaid_labels_per_task")),
        Outcome("click_farm", "pay of click farm over all", "ratio", _ratio("click_farm_pay_median",
                                                                          "pay_all_in_median")),
        Outcome("on_demand", "pay of local jobs over all", "ratio", _ratio("on_demand_pay_median",
                                                                         "pay_all_in_median")),
    ),
    "remedies": (
        Outcome("pay_with", "hourly pay, with over without", "ratio", _beside("pay_with_shares")),
        Outcome("hours_with", "hours worked, with over without", "ratio", _beside("working_hours")),
        Outcome("unpaid_with", "unpaid share, with over without", "ratio", _beside("unpaid_share")),
        Outcome("below_with", "below minimum, with over without", "ratio",
                _beside("share_below_minimum_wage")),
    ),
    "machines": (
        Outcome("human_hours", "growth of human hours", "ratio", _own("ai_human_hours_growth")),
        Outcome("market_effect", "what the market adds", "ratio", _own("ai_market_effect")),
        Outcome("hours_replaced", "click hours by outside hour lost", "ratio",
                _own("click_hours_per_outside_hour")),
        Outcome("pay_replaced", "click pay over outside wage", "ratio", _own("click_pay_over_outside_wage")),
    ),
    "commons": (
        Outcome("hours_shared", "human hours for labels, with over without", "ratio",
                _beside("label_hours")),
    ),
}  # fmt: skip
"""What is told of each part; the first ten named in `HEADLINES` are the headline outcomes."""

HEADLINES = (
    "pay", "unpaid", "below_minimum", "elasticity", "north_value", "hours", "volatility", "revenue", "income",
    "excess",
)  # fmt: skip

CONCLUSIONS: Mapping[str, tuple[Conclusion, ...]] = {
    "market": (
        Conclusion("C2", "a quarter of working time or more is unpaid", "unpaid", ABOVE, 0.25),
        Conclusion("C2", "most earn less than the minimum wage", "below_minimum", ABOVE, 0.5),
        Conclusion("C2", "weekly pay varies by half of its mean or more", "volatility", ABOVE, 0.5),
        Conclusion("C2", "more of the South's work is done at night", "night_south", ABOVE, 0.0),
        Conclusion("C2", "work at night is more common than by chance", "night", ABOVE, 1 / 3),
        Conclusion("C5", "most of the South's pay comes from the North", "from_north", ABOVE, 0.5),
        Conclusion(
            "C5", "the South's share of pay is below its share of hours", "pay_less_hours", BELOW, 0.0
        ),
        Conclusion("C7", "the market never sleeps", "awake", ABOVE, 0.5),
        Conclusion("C8", "one requester faces an elasticity below a half", "elasticity", BELOW, 0.5),
        Conclusion("C9", "the South sees more harmful content", "harm_south", ABOVE, 0.0),
    ),
    "taxes": (
        Conclusion("C3", "local jobs pay more than the median", "on_demand", ABOVE, 1.0),
        Conclusion("C4", "click farms pay less than half of the median", "click_farm", BELOW, 0.5),
        Conclusion("C11", "a tax on users brings more than one on profit", "usage_over_profit", ABOVE, 1.0),
        Conclusion("C11", "a quarter of profit or more is shifted", "shifted", ABOVE, 0.25),
        Conclusion("C11", "a tenth of users or more is lost", "users_lost", ABOVE, 0.1),
        Conclusion("C11", "taxes cost society less than they bring", "excess", BELOW, 1.0),
        Conclusion("C12", "the income is below 1 % of the poverty line", "to_poverty", BELOW, 0.01),
        Conclusion("C12", "the income is below 10 % of the poverty line", "to_poverty", BELOW, 0.1),
        Conclusion("C13", "users label more than workers are paid for", "labels", ABOVE, 1.0),
    ),
    "remedies": (
        Conclusion("C8, C10", "remedies raise hourly pay", "pay_with", ABOVE, 1.0),
        Conclusion("C8, C10", "remedies cost hours of work", "hours_with", BELOW, 1.0),
        Conclusion("C8, C10", "remedies lower the unpaid share", "unpaid_with", BELOW, 1.0),
        Conclusion("C8, C10", "fewer are below the minimum wage with them", "below_with", BELOW, 1.0),
    ),
    "machines": (
        Conclusion("C1", "human hours grow", "human_hours", ABOVE, 1.0),
        Conclusion("C1", "the market adds hours", "market_effect", ABOVE, 1.0),
        Conclusion("C14", "click hours replace less than the hours lost", "hours_replaced", BELOW, 1.0),
        Conclusion("C14", "click work pays less than what is lost", "pay_replaced", BELOW, 1.0),
    ),
    "commons": (Conclusion("C10", "a commons costs human hours", "hours_shared", BELOW, 1.0),),
}


# ---------------------------------------------------------------- one run


INDICATED: Mapping[str, tuple[str, ...]] = {
    "market": (
        "pay_all_in_median", "unpaid_share", "share_below_minimum_wage", "supply_elasticity",
        "hours_per_week_median", "weekly_volatility_median", "concurrently_active_min_over_max",
        "night_share",
    ),
    "taxes": (
        "pay_all_in_median", "world_tax_per_head_year", "transfer_per_head_month",
        "transfer_over_poverty_line",
        "usage_tax_per_year", "profit_tax_per_year", "shifted_profit_share", "social_users_lost_share",
        "unpaid_labels_per_task", "click_farm_pay_median", "on_demand_pay_median",
    ),
    "remedies": ("unpaid_share", "share_below_minimum_wage"),
    "machines": (
        "ai_human_hours_growth", "ai_market_effect", "click_hours_per_outside_hour",
        "click_pay_over_outside_wage",
    ),
    "commons": (),
}  # fmt: skip
BY_GROUP = ("night_share", "exposure_hours_mean")
PAID_TO_WORKERS = ("shift_pay", "patronage", "commons_dividend")


def numbers_of(config: Config, part: str, rules: Any, advance: Callable[[], None]) -> dict[str, float]:
    """Play a run and return the numbers from which outcomes of a part are made; without those not defined."""
    model = ClickWorkModel(config, plugins=rules)
    recorder, watcher = Recorder(model), Watcher(model)
    recorder.keeps_batches = part == "market"  # of them the elasticity is made
    model.observers += [recorder, watcher]
    while model.hour < model.last_hour:
        model.run(24)
        advance()
    watcher.end(model)
    model.end()
    frames, world = recorder.frames(), model.world
    found: dict[str, float] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in INDICATED[part]:
            value = entry(INDICATORS[name], frames, world)["value"]
            if value is not None:
                found[name] = float(value)
        group_of = {code: str(group) for code, group in per_country(world, world.group).items()}
        if part == "market":
            found |= _of_places(frames, world, group_of)
        if part == "taxes":
            found |= _of_money(frames, watcher, world, group_of)
        if part == "remedies":
            found |= _of_pay(frames)
        if part == "commons":
            weeks = ai_weeks(frames)["human_hours"]
            found["label_hours"] = float(weeks.tail(max(1, len(weeks) // 4)).sum())
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _of_places(frames: FrameSet, world: World, group_of: Mapping[str, str]) -> dict[str, float]:
    """Return what goes where: pay, hours, value, night work and harm by North and South."""
    found: dict[str, float] = {}
    places = frames.workers["country"].astype(str).map(group_of)
    hours = _working(frames.workers)
    for group in ("north", "south"):
        part = frames.workers[places == group]
        for name in BY_GROUP:
            if len(part):
                value = entry(INDICATORS[name], FrameSet(workers=part, series=part), world)["value"]
                found[f"{name}, {group}"] = float(value) if value is not None else math.nan
    flows = frames.flows
    usd = flows["amount_microusd"].to_numpy(np.float64) / MICRO
    kinds = flows["kind"].astype(str)
    payer, payee = (flows[f"{side}_country"].astype(str).map(group_of) for side in ("debit", "credit"))
    rewards, fees = (kinds == "reward").to_numpy(), (kinds == "requester_fee").to_numpy()
    south, north = (payee == "south").to_numpy(), (payee == "north").to_numpy()
    value = usd[rewards | fees].sum()
    # A worker's fee and a broker's cut stay in the reward: who gets them lives mostly where the worker does.
    found["north_share_of_value"] = usd[(rewards | fees) & north].sum() / value
    to_south = usd[rewards & south].sum()
    found["from_north"] = usd[rewards & south & (payer == "north").to_numpy()].sum() / to_south
    found["south_pay_less_hours"] = (
        to_south / usd[rewards].sum() - hours[(places == "south").to_numpy()].sum() / hours.sum()
    )
    return found


def _of_money(
    frames: FrameSet, watcher: Watcher, world: World, group_of: Mapping[str, str]
) -> dict[str, float]:
    """Return the taxes and the surplus of all (USD)."""
    worth, *lost = (
        dict(zip(world.codes, usd.tolist(), strict=True))
        for usd in (watcher.worth - watcher.waiting, *watcher.lost[:2])
    )
    kinds = frames.flows["kind"].astype(str)
    taxes = frames.flows.loc[kinds.isin(incidence.TAXES), "amount_microusd"].sum()
    surplus = incidence.total(incidence.surplus(frames.flows, frames.workers, worth, group_of, lost))
    return {"tax_revenue": float(taxes) / MICRO, "surplus": surplus / MICRO}


def _of_pay(frames: FrameSet) -> dict[str, float]:
    """Return working hours, and hourly pay with what remedies add that is no pay of a task."""
    hours = float(_working(frames.workers).sum())
    kinds = frames.flows["kind"].astype(str)
    added = frames.flows.loc[kinds.isin(PAID_TO_WORKERS), "amount_microusd"].sum()
    pay = float(frames.workers["pay_microusd"].sum() + added) / MICRO
    return {"working_hours": hours, "pay_with_shares": pay / hours if hours else math.nan}


def _working(workers: pd.DataFrame) -> Floats:
    from sim.outcomes.indicators import WORKING

    return np.asarray(workers[list(WORKING)].to_numpy(np.float64).sum(axis=1) / 3600)


def play_one(
    config: Config,
    beside: Config | None,
    part: str,
    folder: Path,
    run: int,
    rules: Any,
    advance: Callable[[], None],
) -> None:
    """Play a point, and what it is held beside, and commit the outcomes; those not defined are left out."""
    own = numbers_of(config, part, rules, advance)
    other = numbers_of(beside, part, rules, lambda: None) if beside else {}
    found = {}
    for outcome in OUTCOMES[part]:
        try:
            value = outcome.of(own, other)
        except (KeyError, ZeroDivisionError):
            continue
        if math.isfinite(value):
            found[outcome.name] = value
    row = {"run": [run], "status": [DONE], "found": [json.dumps(found, allow_nan=False)]}
    commit(folder / RUNS, pa.table(row), run)


# ---------------------------------------------------------------- what is asked


@dataclass(frozen=True)
class Part:
    """A part of the analysis: its levers, configurations, and size; levers of others that it tells of."""

    name: str
    what: str
    config: Config
    beside: Config | None
    levers: tuple[Lever, ...]
    all_levers: tuple[Lever, ...]
    trajectories: int
    base: int
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """What is asked, and how large."""

    parts: tuple[Part, ...]
    kept: int
    carried: int
    reach: float
    left_out: Mapping[str, str]
    size: str
    jobs: int
    settings: tuple[str, ...]

    def runs_of(self, part: Part) -> tuple[int, int]:
        """Return how many points screening and indices have."""
        carried = 0 if part is self.parts[0] else self.carried
        kept = min(self.kept, len(part.levers)) + carried + len(part.also)
        return part.trajectories * (len(part.levers) + 2), part.base * (kept + 3)

    @property
    def runs(self) -> int:
        """Points in all."""
        return sum(sum(self.runs_of(part)) for part in self.parts)


def read_job(words: Sequence[str]) -> Job:
    """Read `sensitivity.yaml` and the words of the command; every lever is tried on its configuration."""
    for word in words:
        path, there, value = word.partition("=")
        if not there:
            raise UserError(
                "is no setting.",
                path=word,
                allowed="size=small, jobs=2, reach=3, or a setting",
                nearest="size=full",
            )
        if path in DECIDED:
            raise UserError(
                "is decided by the analysis itself.", path=path, value=value,
                allowed=f"any setting but {', '.join(DECIDED)}", nearest="size=small",
            )  # fmt: skip
    plain = read_yaml(FOLDER / "sensitivity.yaml").values
    chosen = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    size = one_of("size", chosen.get("size", "full"), SIZES)
    sized = plain["sizes"][size]
    reach = _reach(chosen.get("reach", str(plain["reach"])))
    free = {path: one["range"] for path, one in read_yaml(FOLDER / "calibrate.yaml").values["free"].items()}
    asked = {**plain, "reach": reach, "ranges": {**free, **plain["ranges"]}}
    own = [word for word in words if word.partition("=")[0] not in ("size", "jobs", "reach")]
    parts: list[Part] = []
    reserved = {path: name for name, one in plain["parts"].items() for path in one.get("own", ())}
    for name, one in plain["parts"].items():
        mine = sized["parts"][name]
        shared = [*plain["settings"], *sized["settings"], *mine.get("settings", [])]
        config = sober(compose(_last_wins([*shared, *one["settings"], *own])))
        beside = sober(compose(_last_wins([*shared, *one["beside"], *own]))) if "beside" in one else None
        levers = levers_of(config, asked)
        taken = {lever.path for part in parts for lever in part.levers}
        new = tuple(one for one in levers if one.path not in taken and reserved.get(one.path, name) == name)
        parts.append(
            Part(
                name,
                one["what"],
                config,
                beside,
                new,
                tuple(levers),
                mine["trajectories"],
                _base(f"sizes.{size}.parts.{name}.base", mine["base"]),
                tuple(one.get("also", ())),
            )
        )
    return Job(
        tuple(parts), sized["kept"], sized["carried"], reach, plain["left_out"], size,
        count_of("jobs", chosen.get("jobs", "1"), 1024), tuple(own),
    )  # fmt: skip


def _base(path: str, base: int) -> int:
    """Return the base of a design of Saltelli's, refused before any run if Sobol's points do not allow it."""
    if base < 1 or base & (base - 1):
        raise UserError(
            "is no power of two, as Sobol's points need.", path=path, value=base, allowed="1, 2, 4, 8, …",
            nearest=f"{path}={1 << max(0, base.bit_length() - 1)}",
        )  # fmt: skip
    return base


def _last_wins(words: Sequence[str]) -> list[str]:
    return list({word.partition("=")[0]: word for word in words}.values())


def _reach(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1.0 < value <= 1e9:
        raise UserError(
            "is no factor that can be used.", path="reach", value=text, allowed="a number above 1, up to 1e9",
            nearest="reach=3",
        )  # fmt: skip
    return value


# ---------------------------------------------------------------- playing


class Bench:
    """Plays points and keeps what they came to; what a part holds already is not played again."""

    def __init__(self, job: Job, folder: Path, crew: Crew) -> None:
        self.job, self.store, self.crew, self.first = job, Store(folder), crew, 0

    def values(self, part: Part, levers: Sequence[Lever], shares: Floats, what: str) -> dict[str, Floats]:
        """Return each outcome at every point; where it has no value, NaN."""
        configs = [configs_at(part, levers, row) for row in shares.tolist()]
        self.store.clear_leftovers()
        self.store.set_aside_damaged()
        first, self.first = self.first, self.first + len(shares)
        state = self.store.done(self.job.runs)
        tasks: list[Task] = [
            (play_one, (*pair, part.name, self.store.folder, run))
            for run, pair in enumerate(configs, first)
            if state[run] == 0
        ]
        days = part.config.time.warmup_days + part.config.time.days
        self.crew.play(tasks, days_told(f"{part.name}, {what}", days * len(tasks)))
        found = {row["run"]: json.loads(row["found"]) for row in self.store.table().to_pylist()}
        return {
            outcome.name: np.array(
                [found[first + place].get(outcome.name, math.nan) for place in range(len(shares))]
            )
            for outcome in OUTCOMES[part.name]
        }


def configs_at(part: Part, levers: Sequence[Lever], shares: Sequence[float]) -> tuple[Config, Config | None]:
    """Return the configuration of a point, and of what it is held beside: it has the same assumptions."""
    config = moved(to_plain(part.config), levers, shares)
    if part.beside is None:
        return config, None
    inside = to_plain(part.beside)
    kept = [
        (lever, share)
        for lever, share in zip(levers, shares, strict=True)
        if not (lever.path.startswith("policy."))
    ]
    return config, moved(inside, [lever for lever, _ in kept], [share for _, share in kept])


# ---------------------------------------------------------------- analysis


@dataclass(frozen=True)
class Found:
    """What was found: tables of screening, indices and conclusions, and how much had no value."""

    screening: pd.DataFrame
    indices: pd.DataFrame
    conclusions: pd.DataFrame
    spread: pd.DataFrame


def analyse(job: Job, bench: Bench) -> Found:
    """Play and analyse every part; the first part's most important assumptions go on into the others."""
    screens, indices, conclusions, spreads = [], [], [], []
    carried: list[str] = []
    for part in job.parts:
        levers = [*part.levers, luck()]
        paths = [lever.path for lever in levers]
        shares = morris_trajectories(len(levers), part.trajectories, DESIGN_SEED)
        screened = bench.values(part, levers, shares, "screening")
        table = screen(part.name, paths, shares, screened)
        screens.append(table)
        chosen = most_important(table, min(job.kept, len(part.levers)))
        by_path = {lever.path: lever for lever in (*part.all_levers, luck())}
        more = [path for path in carried if path in by_path and path not in (*chosen, *part.also)]
        names = [*chosen, *part.also, *more[: job.carried], LUCK]
        points = saltelli(len(names), part.base, DESIGN_SEED)
        values = bench.values(part, [by_path[name] for name in names], points, "indices")
        bench.first = first_after(job, part)
        indices.append(index_table(part.name, names, values))
        conclusions.append(conclude(part.name, names, points, values, indices[-1], screened))
        spreads.append(spread_of(part.name, {name: of[: 2 * part.base] for name, of in values.items()}))
        if part is job.parts[0]:
            carried = chosen
    return Found(
        *(pd.concat(tables, ignore_index=True) for tables in (screens, indices, conclusions, spreads))
    )


def first_after(job: Job, part: Part) -> int:
    """Return the number of the first run of the part after one."""
    place = job.parts.index(part)
    return sum(sum(job.runs_of(one)) for one in job.parts[: place + 1])


def known(values: Floats) -> Floats | None:
    """Return values with the mean where there is none; None if too many are missing, or all are the same."""
    missing = ~np.isfinite(values)
    if missing.mean() > MOST_MISSING or missing.all() or not np.ptp(values[~missing]):
        return None
    return np.where(missing, values[~missing].mean() if missing.any() else 0.0, values)


def screen(part: str, paths: Sequence[str], shares: Floats, values: Mapping[str, Floats]) -> pd.DataFrame:
    """Return mean absolute effects, over the deviation of the outcome over all points, for each outcome."""
    rows = []
    for name, of in values.items():
        there = known(of)
        if there is None:
            continue
        table = morris_table(paths, shares, there)
        scale = float(there.std())
        rows.append(
            table.assign(part=part, outcome=name, size=table["index"] / scale, sign=np.sign(table["mean"]))
        )
    columns = ["part", "outcome", "setting", "size", "sign", "index", "low", "high", "mean", "deviation"]
    if not rows:
        return pd.DataFrame(columns=columns)
    return pd.concat(rows, ignore_index=True)[columns]


def most_important(table: pd.DataFrame, count: int) -> list[str]:
    """Return the assumptions that are most important, turn by turn: first, second, ... of each outcome.

    Outcomes take turns, so that none with large effects fills all places.
    """
    ranked = table[table["setting"] != LUCK].assign(
        rank=lambda all_: all_.groupby("outcome")["size"].rank(ascending=False, method="first")
    )
    ordered = ranked.sort_values(["rank", "size"], ascending=[True, False], kind="stable")
    return list(dict.fromkeys(ordered["setting"]))[:count]


def index_table(part: str, names: Sequence[str], values: Mapping[str, Floats]) -> pd.DataFrame:
    """Return Sobol' indices of each outcome."""
    rows = []
    for name, of in values.items():
        there = known(of)
        if there is None:
            continue
        table = sobol_table(names, there.reshape(len(names) + 2, -1))
        rows.append(table.assign(part=part, outcome=name))
    columns = ["part", "outcome", "setting", "index", "low", "high", "total", "total_low", "total_high"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def spread_of(part: str, values: Mapping[str, Floats]) -> pd.DataFrame:
    """Return where the middle nine tenths of each outcome lie, over the independent points of the design."""
    titles = {outcome.name: outcome for outcome in OUTCOMES[part]}
    rows = []
    for name, of in values.items():
        there = of[np.isfinite(of)]
        low, middle, high = np.percentile(there, [5, 50, 95]) if len(there) else (math.nan,) * 3
        missing = 1.0 - len(there) / len(of)
        rows.append((part, name, titles[name].title, titles[name].unit, low, middle, high, missing))
    return pd.DataFrame(rows, columns=["part", "outcome", "title", "unit", "p05", "median", "p95", "missing"])


def conclude(
    part: str,
    names: Sequence[str],
    points: Floats,
    values: Mapping[str, Floats],
    indices: pd.DataFrame,
    screened: Mapping[str, Floats],
) -> pd.DataFrame:
    """Return for each conclusion the share of points at which it holds, and what it rests on most.

    ``toward`` says on which side of its range that assumption lies where the conclusion holds; ``screened``
    are the outcomes of the screening, where all assumptions move: at which share of its points it holds, and
    how many there are, stands beside.
    """
    rows = []
    independent = 2 * len(points) // (len(names) + 2)
    for one in CONCLUSIONS[part]:
        of = values[one.outcome][:independent]
        there = np.isfinite(of)
        holds = one.holds(of[there])
        share = float(holds.mean()) if len(holds) else math.nan
        mine = indices[(indices["outcome"] == one.outcome) & (indices["setting"] != LUCK)]
        rests, total, toward = "", math.nan, ""
        if len(mine):
            first = mine.loc[mine["total"].idxmax()]
            rests, total = str(first["setting"]), float(first["total"])
            where = points[:independent][there][:, list(names).index(rests)]
            if 0 < holds.sum() < len(holds):
                toward = "high" if where[holds].mean() > where[~holds].mean() else "low"
        flips = bool(FLIPS_FROM <= share <= 1 - FLIPS_FROM)
        rows.append((part, one.claim, one.statement, one.outcome, one.side, one.bound, share,
                     int(there.sum()), flips, rests, total, toward,
                     *_held(one, screened[one.outcome])))  # fmt: skip
    columns = ["part", "claim", "statement", "outcome", "side", "bound", "share", "points", "flips",
               "rests_on", "total", "toward", "screened", "screened_points"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _held(conclusion: Conclusion, values: Floats) -> tuple[float, int]:
    """Return the share of values at which a conclusion holds, and of how many that are known."""
    known_ones = values[np.isfinite(values)]
    share = float(conclusion.holds(known_ones).mean()) if len(known_ones) else math.nan
    return share, len(known_ones)


# ---------------------------------------------------------------- telling


def text_of(job: Job, found: Found) -> str:
    """Return what is printed: what each headline outcome rests on, and what each conclusion does."""
    lines = [f"sensitivity, size {job.size}, reach {job.reach:g}", ""]
    count = sum(len(part.levers) for part in job.parts)
    lines.append(
        f"{count} of {len(assumptions())} assumptions moved, {len(job.left_out)} left out; {job.runs} points."
    )
    lines += ["", f"{'outcome':36} {'5 % to 95 %':>20}  rests on (total index)"]
    for row in found.spread.itertuples(index=False):
        between = f"{row.p05:.3g} to {row.p95:.3g}"
        lines.append(
            f"{str(row.title)[:36]:36} {between:>20}  {rests_on(found, str(row.part), str(row.outcome))}"
        )
    lines += ["", f"{'claim':8} {'conclusion':52} {'holds at':>8}  flips"]
    for row in found.conclusions.itertuples(index=False):
        by = f"{row.rests_on} ({row.toward} where it holds)"
        if not row.rests_on:
            by = "what is not told: hardly ever defined"
        elif row.total <= luck_of(found, str(row.part), str(row.outcome)):
            by = "nothing that can be told from luck"
        told = f"yes, by {by}" if row.flips else "no"
        if not row.flips and FLIPS_FROM <= row.screened <= 1 - FLIPS_FROM:
            told = f"no, but in the screening ({row.screened:.0%} of {row.screened_points})"
        lines.append(f"{row.claim:8} {str(row.statement)[:52]:52} {row.share:>8.0%}  {told}")
    return "\n".join(lines) + "\n"


def rests_on(found: Found, part: str, outcome: str) -> str:
    """Name the assumptions with the largest total indices of an outcome, and the share of luck."""
    mine = found.indices[(found.indices["part"] == part) & (found.indices["outcome"] == outcome)]
    if mine.empty:
        return "no index: hardly ever defined, or always the same"
    named = mine[mine["setting"] != LUCK].nlargest(TOLD, "total")
    parts = [f"{row.setting} {row.total:.2f}" for row in named.itertuples(index=False)]
    return ", ".join([*parts, f"luck {luck_of(found, part, outcome):.2f}"])


def luck_of(found: Found, part: str, outcome: str) -> float:
    """Return the total index of the seed for an outcome; NaN where there are no indices."""
    mine = found.indices[(found.indices["part"] == part) & (found.indices["outcome"] == outcome)]
    chance = mine.loc[mine["setting"] == LUCK, "total"]
    return float(chance.iloc[0]) if len(chance) else math.nan


def short(path: str) -> str:
    """Return a parameter's path without its names, short enough for an axis."""
    return path.replace(".<name>", "").replace("policy.", "")


@style.drawn
def heat_figure(found: Found, caption: str) -> Figure:
    """Draw the total index of each assumption for each outcome, a panel for each part."""
    parts = list(dict.fromkeys(found.indices["part"]))
    tables = []
    for part in parts:
        mine = found.indices[found.indices["part"] == part]
        table = mine.pivot_table(index="outcome", columns="setting", values="total", sort=False)
        tables.append(table[[*(name for name in table if name != LUCK), LUCK]])
    titles = dict(zip(found.spread["outcome"], found.spread["title"], strict=True))
    heights = [len(table) + 6.0 for table in tables]
    figure = style.new_figure(style.PAGE, 0.17 * sum(heights) + 0.4, caption)
    panels = np.atleast_1d(figure.subplots(len(tables), 1, gridspec_kw={"height_ratios": heights}))
    for axes, part, table in zip(panels, parts, tables, strict=True):
        shown = np.clip(table.to_numpy(), 0.0, 1.0)
        image = axes.imshow(shown, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        for row in range(shown.shape[0]):
            for column in range(shown.shape[1]):
                color = "white" if shown[row, column] > 0.6 else style.INK
                axes.text(
                    column,
                    row,
                    f"{shown[row, column]:.2f}",
                    ha="center",
                    va="center",
                    fontsize=5,
                    color=color,
                )
        axes.set_yticks(range(len(table)), [titles[name] for name in table.index], fontsize=5.5)
        axes.set_xticks(
            range(shown.shape[1]), [short(name) for name in table], rotation=25, ha="right", fontsize=5.2,
            rotation_mode="anchor",
        )  # fmt: skip
        axes.tick_params(length=0)
        axes.set_title(part, fontsize=6.5)
    bar = figure.colorbar(image, ax=list(panels), pad=0.01, shrink=0.4, aspect=30)
    bar.set_label("total Sobol' index, cut at 0 and 1")
    bar.outline.set_visible(False)
    return figure


@style.drawn
def tornado_figure(found: Found, caption: str) -> Figure:
    """Draw where each conclusion holds, by share of points: grey where it flips; dots are the screening."""
    rows = list(found.conclusions.itertuples(index=False))[::-1]
    figure = style.new_figure(style.PAGE, 0.6 + 0.16 * len(rows), caption)
    axes = figure.subplots()
    beside = axes.twinx()
    names = dict.fromkeys(range(len(rows)), "")
    for place, row in enumerate(rows):
        if not math.isfinite(row.share):
            continue
        color = style.GREY if row.flips else style.BLUE if row.share > 0.5 else style.VERMILLION
        axes.barh(place, row.share - 0.5, left=0.5, color=color, height=0.6)
        if row.flips:
            luck = luck_of(found, str(row.part), str(row.outcome))
            names[place] = "not told from luck" if row.total <= luck else short(row.rests_on)
        axes.plot(row.screened, place, "o", color=style.INK, markersize=2.2, clip_on=False)
    axes.axvline(0.5, color=style.INK, linewidth=0.7)
    axes.set_xlim(-0.05, 1.05)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    beside.set_ylim(-0.7, len(rows) - 0.3)
    beside.set_yticks(range(len(rows)), list(names.values()), fontsize=5)
    beside.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(rows)), [f"{row.claim}: {row.statement}" for row in rows], fontsize=5.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of the points of all ranges at which the conclusion holds")
    return figure


def caption_of(job: Job) -> str:
    """Return what figures rest on."""
    workers = sorted({part.config.workers.count for part in job.parts})
    days = sorted({(part.config.time.warmup_days, part.config.time.days) for part in job.parts})
    return (
        f"Simulated: {job.runs:,} points, {' or '.join(f'{count:,}' for count in workers)} workers,"
        f" {' or '.join(f'{after} days after {before}' for before, after in days)}; size {job.size}, ranges"
        f" cut at a factor of {job.reach:g}; clickmarket {importlib.metadata.version('clickmarket')}, sources"
        f" {source_hash()[:12]}."
    )


# ---------------------------------------------------------------- the command


def carry_out(job: Job, words: Sequence[str] = ()) -> Path:
    """Play what is missing, analyse, write the folder and return it."""
    first = job.parts[0].config
    check_folder(first.results.dir, "results.dir")
    cold = compile_ahead([first])
    mark = f"sensitivity-{job.size}-{identity_of(job)[:12]}"
    with only_one(first.results.dir, mark, "The same analysis"), Crew(job.jobs, [], cold) as crew:
        folder = next(iter(sorted(Path(first.results.dir).glob(f"*-{mark}"))), None)
        if folder is None:
            folder = new_folder(first, mark)
            Store.create(folder, {"identity": identity_of(job)}, pa.table({"run": [0]}))
        with stopping_on_term():
            try:
                found = analyse(job, Bench(job, folder, crew))
            except (KeyboardInterrupt, Terminated) as stop:
                raise type(stop)("Runs that are done are kept; the same command goes on.") from None
        text = text_of(job, found)
        write_text(folder / "sensitivity.txt", text)
        for name in ("screening", "indices", "conclusions", "spread"):
            write_table(folder / name, getattr(found, name))
        write_json(folder / "levers.json", {"levers": told_levers(job), "left_out": dict(job.left_out)})
        (folder / "figures").mkdir(exist_ok=True)
        caption = caption_of(job)
        style.save(heat_figure(found, caption), folder / "figures", "indices")
        grey = "Blue: holds nearly everywhere; red: nearly nowhere; grey: flips, by the assumption named. "
        grey += "Dots: the share in the screening, where all assumptions of the part move. "
        style.save(tornado_figure(found, grey + caption), folder / "figures", "conclusions")
        written = {
            "identity": identity_of(job), "size": job.size, "reach": job.reach, "points": job.runs,
            "command": " ".join(["python -m experiments.sensitivity", *words]),
            "parts": {part.name: [part.what, *job.runs_of(part)] for part in job.parts},
            "caption": caption, "source_hash": source_hash(),
            "version": importlib.metadata.version("clickmarket"),
        }  # fmt: skip
        inside = [path for path in folder.rglob("*") if path.is_file() and path.parent.name == RUNS]
        write_manifest(folder, written, passing=[path.name for path in inside])
    print(text, end="")
    print(folder)
    return folder


def told_levers(job: Job) -> list[dict[str, Any]]:
    """Return, for each assumption, the part that it is moved in, how, and between what."""
    return [
        {
            "part": part.name, "path": lever.path, "kind": lever.kind, "places": len(lever.places),
            "low": lever.axis.low, "high": lever.axis.high,
        }
        for part in job.parts
        for lever in part.levers
    ]  # fmt: skip


def identity_of(job: Job) -> str:
    """Return a SHA-256 that two analyses share when the same sources play the same points."""
    what = {
        "configs": [config_id(one) for part in job.parts for one in (part.config, part.beside) if one],
        "levers": told_levers(job),
        "sizes": [job.kept, job.carried, *([part.trajectories, part.base] for part in job.parts)],
        "sources": origin_of(part.config for part in job.parts),
        "own": [
            hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
            for name in ("sensitivity.py", "assumptions.py")
        ],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def command(words: Sequence[str]) -> int:
    """Carry out the command and return its exit code."""
    return guarded(lambda given: carry_out(read_job(given), given), words, USAGE)


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
