"""What one run of a comparison is reduced to: indicators by group, workers, and who gained or paid what."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.agents.traits import column_of
from sim.columns import grown
from sim.config import Config
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.outcomes.frames import FrameSet, per_country
from sim.outcomes.indicators import (
    BESIDE_PAY,
    INDICATORS,
    LEAST_TASKS,
    POVERTY,
    WORKING,
    all_in_pay,
    entry,
    on_duty,
    poor_of_each,
    profit_tax_without_shifting,
    summary,
    value_of,
)
from sim.outcomes.inequality import weighted_mean
from sim.outcomes.recorder import Recorder
from sim.outcomes.remedies import shift_pay_of
from sim.outcomes.roster import income_of_leavers, member_days
from sim.study import incidence
from sim.study.hours import CLOCK, HOURS, by_country, by_hour
from sim.study.incidence import PAID_INCOMES, TAXES, Amounts
from sim.study.spillovers import PLACES, TASKS, by_place
from sim.study.spread import WEEKS, by_week
from sim.study.worth import Curves, lost_by_users
from sim.world import World

WORLD = "world"
DECILES = 10
DAYS_A_MONTH = 365.0 / 12.0
SORTED = (
    "Deciles are the same workers on both sides, by their hourly pay in the two runs together: by that of"
    " one, its luck would look like a loss in the other."
)
OF_PEOPLE = (
    "workers_active",
    "pay_all_in_median",
    "pay_all_in_pooled",
    "unpaid_share",
    "hours_per_week_median",
    "share_below_minimum_wage",
    "working_hours",
    "income_per_worker_month",
    "income_with_transfers_per_worker_month",
    "income_per_active_worker_month",
)
"""Metrics of any group of workers."""

SHARES = ("shift_pay", "patronage", "commons_dividend")
"""Kinds of transfer that workers get by their work, and that are no pay of a task."""

OF_MARKETS = ("tasks_done", "market_turnover", "fees", "net_pay")
"""Indicators of a group of countries from the days' series; amounts count where who pays or is paid is."""

KEPT = (
    "id",
    "country",
    "segment",
    *WORKING,
    "idle_seconds",
    "tasks_accepted",
    "tasks_rejected",
    "pay_microusd",
    "weeks",
    "weight",
    "joined_day",
    "left_day",
    "received_microusd",
    "after_leaving_microusd",
    *POVERTY,
)
"""Columns of the workers' table that pairing needs; those of poverty are how likely each is poor.

``received_microusd`` are incomes that the ledger paid to the worker in the market, ``after_leaving_microusd``
what one who left was still paid as a resident.
"""


RECEIVED = ("received_microusd", "after_leaving_microusd")
OF_USERS = ("social_users", "social_users_lost_share")
"""Indicators of a group of countries from the months of social platforms' users."""

OF_BUDGETS = {"tax_per_user_month": "taxes", "transfer_per_head_month": "incomes"}
"""Indicators of a group of countries, and the table that they are made from."""


class Metric(NamedTuple):
    """Unit and definition of an outcome that is no indicator of a single run's summary."""

    unit: str
    definition: str


METRICS: Mapping[str, Metric] = {
    "working_hours": Metric("h", "Working hours of all workers in the window, paid or not."),
    "pay_with_shares_pooled": Metric(
        "USD/h",
        "Net pay, pay for open shifts, patronage and dividends of the commons of all workers over their"
        " working hours, paid or not; waiting in an open shift is no working time.",
    ),
    "income_per_worker_month": Metric(
        "USD/month",
        "Net pay of the window over the months of the roster: of everybody in the market when it began,"
        " and, from the day of joining, of who joined; to the window's end, also after leaving (pay is 0).",
    ),
    "income_with_transfers_per_worker_month": Metric(
        "USD/month",
        f"Net pay of the window with {BESIDE_PAY} (pay for open shifts, of cooperatives and the commons) over"
        " the months of the roster; an income that goes to all residents goes on after leaving.",
    ),
    "income_per_active_worker_month": Metric(
        "USD/month",
        "Net pay of the window over workers who came on duty at least once, a month; who stops drops out.",
    ),
    "tax_revenue": Metric(
        "USD", "Taxes that governments took in the window, all kinds; without employers' contributions."
    ),
    **{f"{tax}_revenue": Metric("USD", f"Revenue of the {tax.replace('_', ' ')}.") for tax in TAXES},
    "contributions_revenue": Metric(
        "USD",
        "Employers' contributions that governments took in the window, which insure employees: no taxes.",
    ),
    "profit_tax_without_shifting": Metric(
        "USD",
        "What the tax on profits would bring, were the same profits taxed at the same rates and none of them"
        " shifted to havens: mechanical, nobody behaves otherwise.",
    ),
    TASKS: Metric("assignments", "Assignments that these workers handed in, accepted or rejected."),
    "tax_per_resident_month": Metric("USD/month", "Taxes over residents, a month, at the model's scale."),
    "incomes_per_resident_month": Metric(
        "USD/month", "Incomes paid, whatever for, over residents, a month, at the model's scale."
    ),
}


class Value(NamedTuple):
    """One number of one run."""

    metric: str
    group: str
    value: float


@dataclass(frozen=True)
class Measured:
    """A run of a comparison.

    Attributes
    ----------
    values
        Indicators and further metrics by group, except by pay decile, which needs the baseline.
    people
        The columns `KEPT` of each worker who was in the market; no rows without ``record.workers``.
    amounts
        For each table of incidence, micro-dollars by (line, group of countries); under `RANGE`, the least
        and the most that users let go may have lost; under `FLOWS`, by (kind of transfer, ""); under
        `PUBLIC`, what public money brings to a country, by (country, ""); under `EXITS`, agents that a
        platform shut out, by (platform: who, country), and not money; under `WEEKS`, sums of whole weeks by
        (measure, week), of several units; under `CLOCK` and `HOURS`, work by hour and by country; under
        `PLACES`, work and pay by country and platform.
    """

    values: list[Value]
    people: pd.DataFrame
    amounts: dict[str, Amounts]


class Watcher:
    """Keeps what no table holds: what work is worth, what waiting for it costs, what users lose who are gone.

    Attributes
    ----------
    worth : float64 array (countries,)
        USD that the window's right work is worth to the requesters of each country, along their demand
        (`sim.study.worth`), and labels that users or others gave them; known as the run ends.
    waiting : float64 array (countries,)
        USD that they lost by waiting for work done or expired, a share of its worth for each day; likewise.
    lost : float64 array (4, countries)
        USD of use that people lost who left a charge of a social platform, and who were let go; the latter
        also by the least and the most that anybody found use to be worth.
    pending, owed, shares : int64 arrays
        Micro-dollars that each worker had earned by tasks, and by open shifts, and not been paid as the
        window began; those paid since for open shifts and as dividends.
    """

    def __init__(self, model: ClickWorkModel) -> None:
        countries = len(model.world.codes)
        self.worth, self.waiting = np.zeros(countries), np.zeros(countries)
        self.lost = np.zeros((4, countries))
        self.lost_a_second = model.config.requesters.delay_cost / 86_400.0
        self.curves = Curves(model)
        self.pending, self.owed, self.shares = (np.zeros(0, np.int64) for _ in range(3))

    def hour(self, model: Any) -> None:
        """Note today's demand; add the worth of batches that left the board."""
        if model.hour % 24 == 0:
            self.curves.note(model)
        for board in model.boards:
            count = int(board.state[boards.FINISHED_COUNT])
            if count:
                self.curves.close(board.finished[:count])
                if model.recording:
                    self.curves.add(board.finished[:count])

    def day(self, model: Any) -> None:
        """At the start of the window, take off what open batches had done right before; count a day in it."""
        if model.hour == model.first_recorded_hour:
            self._add_open(model, -1.0)
            self.pending = model.worker_rows["pending"].copy()
            self.owed = model.offices.paid_time.due_to_each(model.worker_rows[: model.workers_count])
        elif model.hour > model.first_recorded_hour:
            date = model.clock.datetime(model.hour - 1).date()
            self.lost += lost_by_users(model) / calendar.monthrange(date.year, date.month)[1]
        if model.ai is not None:
            self.curves.add_free(model, model.hour > model.first_recorded_hour)

    def month(self, model: Any, period: str, flows: NDArray[np.int64]) -> None:
        """Add what workers were paid beside tasks and incomes; the recorder keeps all else."""
        if model.hour > model.first_recorded_hour:
            for paid in (shift_pay_of(model), model.members_got):
                self.shares = grown(self.shares, len(paid))
                self.shares[: len(paid)] += paid

    def end(self, model: ClickWorkModel) -> None:
        """Add what was done right on batches that are still open, and weigh everything."""
        self._add_open(model, 1.0)
        country, countries = model.requester_rows["country"], len(self.worth)
        worth, waited = self.curves.worth()
        self.worth[:] = np.bincount(country, worth, minlength=countries)
        self.waiting[:] = np.bincount(country, self.lost_a_second * waited, minlength=countries)

    def of_segments(self, model: ClickWorkModel) -> list[dict[str, int]]:
        """Return what `incidence.of_segments` asks of each kind of workers, in micro-dollars.

        Paid as shares in the window; the same as the workers' table has it; forfeited: what was earned and is
        neither paid out nor pending.
        """
        count = model.workers_count
        rows, past = model.worker_rows[:count], model.history_rows[:count]
        pending, owed, paid = (
            grown(array, count)[:count] for array in (self.pending, self.owed, self.shares)
        )
        in_table = (past["left_day"] < 0) | (past["left_day"] >= model.first_recorded_hour // 24)
        forfeited = pending + past["pay"] - past["paid_out"] - rows["pending"]
        segments = column_of(rows, "segment").astype(np.int64)
        found = []
        for amounts in (paid - owed, np.where(in_table, paid - owed, 0), forfeited):
            sums = np.zeros(len(model.segment_names), np.int64)
            np.add.at(sums, segments, amounts)
            found.append(dict(zip(model.segment_names, sums.tolist(), strict=True)))
        return found

    def _add_open(self, model: Any, sign: float) -> None:
        for board in model.boards:
            self.curves.add(board.batches[board.batches["open"] == 1], sign)


def measure(model: ClickWorkModel, play: Callable[[ClickWorkModel], None]) -> Measured:
    """Play a run and reduce it; ``play(model)`` runs the model to its end.

    Finished batches are not kept: a year has millions of them. So indicators of single batches have no value.
    """
    recorder, watcher = Recorder(model), Watcher(model)
    recorder.keeps_batches = False
    model.observers += [recorder, watcher]
    play(model)
    watcher.end(model)
    model.end()
    frames = recorder.frames()
    people = frames.workers.rename(columns={"transfers_microusd": "received_microusd"})
    people["after_leaving_microusd"] = 0
    for name, (with_transfers, relative) in POVERTY.items():
        people[name] = poor_of_each(frames, model.world, with_transfers, relative) if len(people) else 0.0
    if frames.households.all_residents:
        start = dt.date.fromisoformat(model.config.time.start)
        people["after_leaving_microusd"] = income_of_leavers(people, frames.incomes, start)
    measured = reduce(frames, people, watcher, model.world, model.config)
    of_kinds = incidence.of_segments(people, *watcher.of_segments(model))
    for table, amounts in zip((incidence.CASH, incidence.SURPLUS), of_kinds, strict=True):
        measured.amounts[table].update(amounts)
    return measured


def reduce(
    frames: FrameSet, people: pd.DataFrame, watcher: Watcher, world: World, config: Config
) -> Measured:
    """Reduce the tables of a run."""
    group_of = {code: str(group) for code, group in per_country(world, world.group).items()}
    values = [
        Value(name, WORLD, value)
        for name, found in summary(frames, world).items()
        if (value := value_of(found)) is not None
    ]
    known = {value.metric for value in values}
    ours = of_people(people, WORLD, world, config) + of_budgets(frames, group_of, world, config)
    values += [one for one in ours if one.group != WORLD or one.metric not in known]
    for segment in config.segments:
        part = people[people["segment"].astype(str) == segment]
        values += of_people(part, f"segment {segment}", world, config)
    for group in sorted(set(group_of.values())):
        values += of_people(
            people[people["country"].astype(str).map(group_of) == group], group, world, config
        )
        series = frames.series[frames.series["country"].astype(str).map(group_of) == group]
        values += of_indicators(FrameSet(series=series), OF_MARKETS, group, world)
        for name, table in OF_BUDGETS.items():
            rows = getattr(frames, table)
            part = rows[rows["country"].astype(str).map(group_of) == group]
            values += of_indicators(replace(frames, **{table: part}), [name], group, world)
        users = frames.audiences
        here = users[users["country"].astype(str).map(group_of) == group]
        values += of_indicators(replace(frames, audiences=here), OF_USERS, group, world)
    values += with_shares(frames.flows, people, group_of)
    worth, *lost = (
        dict(zip(world.codes, usd.tolist(), strict=True))
        for usd in (watcher.worth - watcher.waiting, *watcher.lost)
    )
    amounts = {
        incidence.CASH: incidence.cash(frames.flows, group_of),
        incidence.SURPLUS: incidence.surplus(frames.flows, people, worth, group_of, lost[:2]),
        incidence.RANGE: incidence.range_of_let_go(lost[2:], group_of),
        incidence.EXITS: incidence.exits(frames.exits),
        incidence.FLOWS: incidence.by_kind(frames.flows),
        incidence.PUBLIC: incidence.public_money(frames.flows),
        WEEKS: by_week(frames.series),
        CLOCK: by_hour(frames.clock),
        HOURS: by_country(frames.series, world.codes),
        PLACES: by_place(frames.series),
    }
    return Measured(values, people[list(KEPT)].reset_index(drop=True), amounts)


def of_indicators(frames: FrameSet, names: Iterable[str], group: str, world: World) -> list[Value]:
    """Return indicators, by name, of some part of the tables; those that have no value are left out."""
    found = [(name, value_of(entry(INDICATORS[name], frames, world))) for name in names if name in INDICATORS]
    return [Value(name, group, value) for name, value in found if value is not None]


def of_people(people: pd.DataFrame, group: str, world: World, config: Config) -> list[Value]:
    """Return the metrics `OF_PEOPLE` of some workers."""
    if people.empty:
        return []
    # For these columns the workers' table serves as well as the days' series, which knows no segments.
    values = of_indicators(FrameSet(workers=people, series=people), OF_PEOPLE, group, world)
    active = int((on_duty(people) > 0).sum())
    hours = float(people[list(WORKING)].to_numpy().sum()) / 3600
    pay, *received = (int(people[name].sum()) for name in ("pay_microusd", *RECEIVED))
    first = config.time.warmup_days
    on_roster = float(member_days(people, first, first + config.time.days).sum()) / DAYS_A_MONTH * MICRO
    values.append(Value("working_hours", group, hours))
    for name in POVERTY:
        below = people[name].to_numpy(np.float64)
        there = ~np.isnan(below)
        if there.any():
            weights = people["weight"].to_numpy(np.float64)[there]
            values.append(Value(name, group, weighted_mean(below[there], weights)))
    if on_roster:
        values.append(Value("income_per_worker_month", group, pay / on_roster))
        with_incomes = (pay + sum(received)) / on_roster
        values.append(Value("income_with_transfers_per_worker_month", group, with_incomes))
    if active:
        each = active * config.time.days / DAYS_A_MONTH * MICRO
        values.append(Value("income_per_active_worker_month", group, pay / each))
    return values


def with_shares(flows: pd.DataFrame, people: pd.DataFrame, group_of: Mapping[str, str]) -> list[Value]:
    """Return hourly pay with what remedies add that is no pay of a task, of the world and of each group."""
    added = flows[flows["kind"].astype(str).isin(SHARES)]
    payees, places = (part.astype(str).map(group_of) for part in (added["credit_country"], people["country"]))
    values = []
    for group in (WORLD, *sorted(set(group_of.values()))):
        mine, theirs = (
            (people, added) if group == WORLD else (people[places == group], added[payees == group])
        )
        hours = float(mine[list(WORKING)].to_numpy().sum()) / 3600
        if hours:
            pay = int(mine["pay_microusd"].sum()) + int(theirs["amount_microusd"].sum())
            values.append(Value("pay_with_shares_pooled", group, pay / MICRO / hours))
    return values


def of_budgets(frames: FrameSet, group_of: Mapping[str, str], world: World, config: Config) -> list[Value]:
    """Return taxes and incomes, of the world and of each group of countries, in all and by head."""
    flows, months = frames.flows, config.time.days / DAYS_A_MONTH
    kinds = flows["kind"].astype(str)
    persons = config.workers.real_count / config.workers.count
    payee = flows["credit_country"].astype(str).map(group_of)
    payer = flows["debit_country"].astype(str).map(group_of)
    groups = np.array([group_of[str(code)] for code in world.codes])
    unshifted = frames.taxes[["country"]].assign(microusd=profit_tax_without_shifting(frames.taxes))
    values: list[Value] = []
    for group in (WORLD, *sorted(set(group_of.values()))):
        here = np.ones(len(groups), bool) if group == WORLD else groups == group
        to_here = np.ones(len(flows), bool) if group == WORLD else (payee == group).to_numpy()

        def usd(names: Iterable[str], where: Any) -> float:
            return int(flows.loc[kinds.isin(list(names)) & where, "amount_microusd"].sum()) / MICRO

        # Incomes from outside are booked with the worker's country on both sides, as all incomes are.
        paid = usd(PAID_INCOMES, np.ones(len(flows), bool) if group == WORLD else (payer == group).to_numpy())
        taxes = {tax: usd([tax], to_here) for tax in TAXES}
        # Contributions insure employees: no income is paid from them, and no tax is matched to them.
        revenue = sum(amount for tax, amount in taxes.items() if tax != "contributions")
        heads = float(world.population[here].sum()) / persons
        owed_to = unshifted["country"].astype(str).map(group_of)
        whole = unshifted.loc[(owed_to == group) | (group == WORLD), "microusd"].sum() / MICRO
        values += [Value(f"{tax}_revenue", group, amount) for tax, amount in taxes.items()]
        values += [
            Value("tax_revenue", group, revenue),
            Value("profit_tax_without_shifting", group, float(whole)),
            Value("tax_per_resident_month", group, revenue / heads / months),
            Value("incomes_per_resident_month", group, paid / heads / months),
        ]
    return values


def deciles(baseline: pd.DataFrame, people: pd.DataFrame) -> pd.Series[int]:
    """Return the decile (1 to 10) of hourly pay in two runs together of each worker, by the worker's id.

    All working time counts, and whoever did ten tasks a run. Both runs count alike, so that a worker who was
    lucky in one is no more likely to be in a decile than one who was in the other (Oldham 1962): where
    nothing but luck differs, no decile gains or loses.
    """
    both = pd.concat([baseline, people])[["id", "tasks_accepted", "tasks_rejected", "pay_microusd", *WORKING]]
    both = both.groupby("id", as_index=False).sum()
    done = both["tasks_accepted"] + both["tasks_rejected"]
    regular = both[(done >= 2 * LEAST_TASKS) & (both[list(WORKING)].sum(axis=1) > 0)]
    ids = regular["id"].to_numpy(np.int64)
    order = np.lexsort((ids, all_in_pay(regular)))
    ranks = np.empty(len(ids), np.int64)
    ranks[order] = np.arange(len(ids))
    return pd.Series(DECILES * ranks // max(1, len(ids)) + 1, index=ids)


def by_decile(
    baseline: pd.DataFrame, people: pd.DataFrame, world: World, config: Config
) -> tuple[list[Value], list[Value]]:
    """Return the metrics of the same workers in the baseline and in a scenario, by decile of pay in both.

    Only workers who are in both count, except for how many are active: there all of the decile do.
    """
    decile = deciles(baseline, people)
    before, after = (table[table["id"].isin(decile.index)] for table in (baseline, people))
    both = np.intersect1d(before["id"], after["id"])
    found: tuple[list[Value], list[Value]] = [], []
    for number in range(1, DECILES + 1):
        members = decile.index[decile == number]
        group = f"pay decile {number}"
        for values, table in zip(found, (before, after), strict=True):
            there = table[table["id"].isin(members)]
            active = float((on_duty(there) > 0).sum()) if len(there) else 0.0
            values.append(Value("workers_active", group, active))
            of_both = of_people(there[there["id"].isin(both)], group, world, config)
            values += [value for value in of_both if value.metric != "workers_active"]
    return found
