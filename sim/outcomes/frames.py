"""What a run records: the tables, their columns, types and units.

`COLUMNS` is the one place where a column of a result is declared. The recorder fills these columns, the
result folder stores them with their units, indicators and figures read them. All tables cover the measured
window (after the warm-up). Countries are ISO alpha-3 codes, times are UTC, `day` counts from the start of the
run, seconds that measure a moment count from there too, and -1 stands for "never" or "none". A worker's
working time is paid + search + returned + rejected seconds; idle seconds are on duty but not working, and
night seconds (22 to 06 local time) are those on duty at night.

`users` counts, in each whole calendar month (as far as the run played it: `part_of_month`), who was active on
a platform in a country, each agent once there, with or without a policy: workers who had a session there,
requesters who posted, the audience of a social platform. A requester stands for `customers_per_requester`
customers, and users = workers + customers + audience.

Of `taxes`, rows of the instrument `users` repeat the users of a platform in a country; each other row is a
tax, its amount rounded down:

    usage_tax     amount = 1e6 x rate_per_user_usd x declared_users x bands x part_of_month x strength
    turnover_tax  amount = base x rate x strength
    profit_tax    amount = (base - shifted / strength) x rate x strength

`bands` is the mean number of steps that a declared user pays: 1 where there are none, 0 under the threshold.
The base is the fees that the platform took in the country, or the profit attributed to it, losses of earlier
months taken off. `strength` is the
share of its rate at which a tax is in force, `part_of_month` the share of the calendar month that was
counted. The books of a month are closed as a whole: `before_window` is the part of the amount that lies
before the measured window, 0 except in its first month, and `flows` holds the rest.

Of `incomes`, opening + collected + contributions + pooled_in + from_outside - administration - pooled_out -
to_workers - to_others - to_requesters = kept, and to_workers = workers x per_head, to_others the rest of
heads x per_head, rounded down, whatever pays for it. An income is paid as a month ends, for the next one;
none is paid at the end of a run. `collected` are taxes; what employers contribute stands beside it and stays
in the treasury: no income is paid from it.

`audiences` has a row for each social platform and country in each month: its users, and those it would have
if it charged nothing and owed no tax; labels (unpaid), advertising, charges, costs and taxes are those of the
window. Taxes on profit are in it where profit is attributed to the country of the users.

Of `cooperatives`, fee, floor and order are those that members decided as the month ended, for the next one;
fee is NaN where the platform's own price list holds. surplus is what costs, taxes, lenders (`repaid`) left,
patronage what of it and of earlier roundings was handed out. `commons` tells of a month's royalty
what collecting it cost and who got the rest: per_hour for each hour of work in tasks accepted of a type that
owes it, and in labels that users made unpaid. Both hand out as the month ends, also at the end of a run;
nothing of them is cut off where the window begins within a month.

`unions` is counted on Mondays, after some have joined and left. `employment` has whole months: pay is rewards
less fees and what is withheld, before brokers' cuts, and the quote is that of the month after.

Of `ai`, which is empty where no stock of intelligence is chosen, rows are whole weeks from Monday; `day` is
the first. Hours of labels are those of human work that they took at the start; columns add up over countries.
Work is of the country of the requester, other work lost of that of those who lost it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd


class Column(NamedTuple):
    """Type (a NumPy name, or `str`) and unit of a column; an empty unit means a name, a code, yes or no."""

    type: str
    unit: str = ""


_TIMES = {
    "paid_seconds": Column("int64", "s"),
    "search_seconds": Column("int64", "s"),
    "returned_seconds": Column("int64", "s"),
    "rejected_seconds": Column("int64", "s"),
    "idle_seconds": Column("int64", "s"),
    "night_seconds": Column("int64", "s"),
    "exposure_seconds": Column("int64", "s"),
}

CLOCK = {
    "utc_hour": Column("int8", "h"),
    "country": Column("str"),
    "posted": Column("int64", "assignments"),
    "active": Column("int64", "worker-days"),
    "paid_seconds": Column("int64", "s"),
    "days": Column("int64", "days"),
}

COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "series": {
        "day": Column("int32", "day"),
        "date": Column("str"),
        "country": Column("str"),
        "platform": Column("str"),
        "active_workers": Column("int64", "workers"),
        "joined": Column("int64", "workers"),
        "left": Column("int64", "workers"),
        "tasks_accepted": Column("int64", "assignments"),
        "tasks_rejected": Column("int64", "assignments"),
        "tasks_returned": Column("int64", "assignments"),
        "pay_microusd": Column("int64", "µ$"),
        "worker_fee_microusd": Column("int64", "µ$"),
        "withheld_microusd": Column("int64", "µ$"),
        "broker_cut_microusd": Column("int64", "µ$"),
        "duty_seconds": Column("int64", "s"),
        **_TIMES,
        "requester_posted": Column("int64", "assignments"),
        "requester_done": Column("int64", "assignments"),
        "requester_expired": Column("int64", "assignments"),
        "requester_batches": Column("int64", "batches"),
        "requester_spent_microusd": Column("int64", "µ$"),
        "requester_fee_microusd": Column("int64", "µ$"),
    },
    "clock": CLOCK,
    "weekdays": {
        "weekday": Column("int8", "0 Monday, 6 Sunday"),
        **CLOCK,
    },
    "workers": {
        "id": Column("int64"),
        "country": Column("str"),
        "zone": Column("str"),
        "segment": Column("str"),
        "gender": Column("str"),
        "tertiary": Column("bool"),
        "other_job": Column("bool"),
        "skill": Column("int8", "level, 0 to 3"),
        "speed": Column("float64", "relative"),
        "accuracy": Column("float64", "share"),
        "desired_hours": Column("float64", "h/week"),
        "platform": Column("str"),
        "collective": Column("int64"),
        "joined_day": Column("int32", "day"),
        "left_day": Column("int32", "day"),
        "base_reservation_usd_per_hour": Column("float64", "USD/h"),
        "reservation_usd_per_hour": Column("float64", "USD/h"),
        **_TIMES,
        "tasks_accepted": Column("int64", "assignments"),
        "tasks_rejected": Column("int64", "assignments"),
        "pay_microusd": Column("int64", "µ$"),
        "paid_out_microusd": Column("int64", "µ$"),
        "transfers_microusd": Column("int64", "µ$"),
        "weeks": Column("float64", "weeks"),
        "weekly_volatility": Column("float64", "coefficient of variation"),
        "weight": Column("float64", "persons"),
    },
    "requesters": {
        "id": Column("int64"),
        "country": Column("str"),
        "sector": Column("str"),
        "always_on": Column("bool"),
        "size": Column("float64", "relative"),
        "value_usd_per_hour": Column("float64", "USD/h"),
        "pay_target_usd_per_hour": Column("float64", "USD/h"),
        "initial_target_usd_per_hour": Column("float64", "USD/h"),
        "batches": Column("int64", "batches"),
        "posted": Column("int64", "assignments"),
        "accepted": Column("int64", "assignments"),
        "rejected": Column("int64", "assignments"),
        "expired": Column("int64", "assignments"),
        "spent_microusd": Column("int64", "µ$"),
        "fee_microusd": Column("int64", "µ$"),
        "top_decile_share": Column("float64", "share"),
        "zone": Column("str"),
    },
    "batches": {
        "id": Column("int64"),
        "requester": Column("int64"),
        "requester_country": Column("str"),
        "platform": Column("str"),
        "type": Column("str"),
        "reward_microusd": Column("int64", "µ$"),
        "true_seconds": Column("int64", "s"),
        "estimated_seconds": Column("int64", "s"),
        "tasks": Column("int64", "tasks"),
        "assignments_per_task": Column("int64", "assignments"),
        "posted_hour": Column("int64", "h"),
        "first_start": Column("int64", "s"),
        "t10": Column("int64", "s"),
        "t50": Column("int64", "s"),
        "t90": Column("int64", "s"),
        "t100": Column("int64", "s"),
        "closed_hour": Column("int64", "h"),
        "accepted": Column("int64", "assignments"),
        "rejected": Column("int64", "assignments"),
        "expired": Column("int64", "assignments"),
        "workers": Column("int64", "workers"),
        "top_decile_share": Column("float64", "share"),
        "arm": Column("int8", "0 low, 1 high"),
    },
    "spells": {
        "worker": Column("int64"),
        "country": Column("str"),
        "joined_day": Column("int32", "day"),
        "left_day": Column("int32", "day"),
    },
    "flows": {
        "period": Column("str", "month"),
        "kind": Column("str"),
        "debit_sector": Column("str"),
        "credit_sector": Column("str"),
        "debit_country": Column("str"),
        "credit_country": Column("str"),
        "amount_microusd": Column("int64", "µ$"),
    },
    "users": {
        "period": Column("str", "month"),
        "platform": Column("str"),
        "family": Column("str"),
        "country": Column("str"),
        "workers": Column("int64", "agents"),
        "requesters": Column("int64", "agents"),
        "customers": Column("int64", "agents"),
        "audience": Column("int64", "agents"),
        "users": Column("int64", "agents"),
        "users_persons": Column("float64", "persons"),
        "part_of_month": Column("float64", "share"),
    },
    "taxes": {
        "period": Column("str", "month"),
        "platform": Column("str"),
        "country": Column("str"),
        "instrument": Column("str"),
        "users": Column("int64", "agents"),
        "users_persons": Column("float64", "persons"),
        "declared_users": Column("float64", "agents"),
        "base_microusd": Column("int64", "µ$"),
        "rate": Column("float64", "share"),
        "rate_per_user_usd": Column("float64", "USD/user/month"),
        "bands": Column("float64", "multiple"),
        "part_of_month": Column("float64", "share"),
        "strength": Column("float64", "share"),
        "amount_microusd": Column("int64", "µ$"),
        "before_window_microusd": Column("int64", "µ$"),
        "shifted_microusd": Column("int64", "µ$"),
        "haven_tax_microusd": Column("int64", "µ$"),
    },
    "incomes": {
        "period": Column("str", "month"),
        "country": Column("str"),
        "opening_microusd": Column("int64", "µ$"),
        "collected_microusd": Column("int64", "µ$"),
        "contributions_microusd": Column("int64", "µ$"),
        "administration_microusd": Column("int64", "µ$"),
        "pooled_in_microusd": Column("int64", "µ$"),
        "pooled_out_microusd": Column("int64", "µ$"),
        "heads": Column("float64", "agents"),
        "heads_persons": Column("float64", "persons"),
        "workers": Column("int64", "workers"),
        "per_head_microusd": Column("int64", "µ$"),
        "to_workers_microusd": Column("int64", "µ$"),
        "to_others_microusd": Column("int64", "µ$"),
        "to_requesters_microusd": Column("int64", "µ$"),
        "from_outside_microusd": Column("int64", "µ$"),
        "kept_microusd": Column("int64", "µ$"),
        "wanted_microusd": Column("int64", "µ$"),
        "allowed_microusd": Column("int64", "µ$"),
    },
    "audiences": {
        "period": Column("str", "month"),
        "country": Column("str"),
        "platform": Column("str"),
        "users": Column("int64", "agents"),
        "users_persons": Column("float64", "persons"),
        "users_without_charge": Column("int64", "agents"),
        "declared_users": Column("float64", "agents"),
        "charge_per_user_usd": Column("float64", "USD/user/month"),
        "labels": Column("int64", "labels"),
        "advertising_microusd": Column("int64", "µ$"),
        "charged_microusd": Column("int64", "µ$"),
        "cost_microusd": Column("int64", "µ$"),
        "taxes_microusd": Column("int64", "µ$"),
    },
    "cooperatives": {
        "period": Column("str", "month"),
        "platform": Column("str"),
        "members": Column("int64", "workers"),
        "voters": Column("int64", "workers"),
        "fee": Column("float64", "share"),
        "floor_usd_per_hour": Column("float64", "USD/h"),
        "order": Column("str"),
        "rewards_microusd": Column("int64", "µ$"),
        "cost_microusd": Column("int64", "µ$"),
        "surplus_microusd": Column("int64", "µ$"),
        "patronage_microusd": Column("int64", "µ$"),
        "repaid_microusd": Column("int64", "µ$"),
        "owed_microusd": Column("int64", "µ$"),
        "patronage_of_gone_microusd": Column("int64", "µ$"),
    },
    "commons": {
        "period": Column("str", "month"),
        "royalty_microusd": Column("int64", "µ$"),
        "collecting_microusd": Column("int64", "µ$"),
        "labels": Column("int64", "assignments"),
        "label_seconds": Column("int64", "s"),
        "unpaid_labels": Column("int64", "labels"),
        "unpaid_label_seconds": Column("int64", "s"),
        "per_hour_microusd": Column("int64", "µ$"),
        "to_workers_microusd": Column("int64", "µ$"),
        "to_users_microusd": Column("int64", "µ$"),
        "kept_microusd": Column("int64", "µ$"),
        "to_workers_gone_microusd": Column("int64", "µ$"),
    },
    "unions": {
        "day": Column("int32", "day"),
        "platform": Column("str"),
        "country": Column("str"),
        "workers": Column("int64", "workers"),
        "members": Column("int64", "workers"),
        "grievance": Column("float64", "share"),
        "on_strike": Column("bool"),
        "agreed_usd_per_hour": Column("float64", "USD/h"),
    },
    "employment": {
        "period": Column("str", "month"),
        "platform": Column("str"),
        "country": Column("str"),
        "duty_seconds": Column("int64", "s"),
        "paid_seconds": Column("int64", "s"),
        "refused_seconds": Column("int64", "s"),
        "pay_microusd": Column("int64", "µ$"),
        "withheld_microusd": Column("int64", "µ$"),
        "shift_pay_microusd": Column("int64", "µ$"),
        "contributions_microusd": Column("int64", "µ$"),
        "quoted_usd_per_hour": Column("float64", "USD/h"),
        "shifts_opened": Column("float64", "share"),
    },
    "exits": {
        "day": Column("int32", "day"),
        "platform": Column("str"),
        "country": Column("str"),
        "who": Column("str"),
        "agents": Column("int64", "agents"),
        "taken_microusd": Column("int64", "µ$"),
    },
    "ai": {
        "day": Column("int32", "day"),
        "date": Column("str"),
        "country": Column("str"),
        "requesters": Column("int64", "requesters"),
        "initial_hours": Column("float64", "h"),
        "stock_hours": Column("float64", "h x stock"),
        "labels_wanted_hours": Column("float64", "h"),
        "labels_delivered_hours": Column("float64", "h"),
        "labels_free_hours": Column("float64", "h"),
        "labels_shared_hours": Column("float64", "h"),
        "labels_by_machines_hours": Column("float64", "h"),
        "human_hours": Column("float64", "h"),
        "analytic_hours": Column("float64", "h"),
        "wanted_cost_usd": Column("float64", "USD"),
        "outside_hours_lost": Column("float64", "h"),
        "displaced": Column("int64", "agents"),
    },
}

ADDED: Mapping[str, tuple[str, ...]] = {
    "weekdays": (),
    "users": (),
    "taxes": (),
    "incomes": ("contributions_microusd",),
    "cooperatives": ("patronage_of_gone_microusd",),
    "commons": ("to_workers_gone_microusd",),
    "unions": (),
    "employment": (),
    "exits": (),
    "ai": ("labels_shared_hours",),
    "workers": ("transfers_microusd",),
    "audiences": (),
    "requesters": ("zone",),
    "series": ("withheld_microusd",),
}
"""Tables, and columns of tables, that results of earlier versions lack: they read as empty, or as 0."""

ADDED_WHOLE = {*ADDED} - {"workers", "requesters", "series"}
"""Tables that may be missing as a whole; some of them got columns later still."""


EVENT_UNITS: Mapping[str, str] = {
    "hour": "h",
    "platform": "",
    "worker": "",
    "batch": "",
    "returned": "",
    "done": "assignments",
    "accepted": "assignments",
    "own_seconds": "s",
    "start": "s",
    "end": "s",
}
"""Units of the event log, which is kept on request only."""


class Kinds(NamedTuple):
    """What the configuration says of platforms and tasks, and the tables do not repeat.

    `families` gives the kind of each platform; `clicks` the clicks in a task, by platform and type.
    """

    families: Mapping[str, str] = {}
    clicks: Mapping[tuple[str, str], int] = {}


@dataclass(frozen=True)
class Households:
    """Whom workers live with, by segment, and whether all residents are paid a policy's income.

    Attributes
    ----------
    size
        Persons in the household, the worker included; 1 where nothing is said.
    support
        Income of the others, over 28 hours a week at the country's outside wage; 0 where nothing is said.
    all_residents
        Whether an income goes to residents whatever they do, as it does to those who left the market.
    north, south
        Weights of the segments in the North and the South; none where nothing is said.
    """

    size: Mapping[str, float] = field(default_factory=dict)
    support: Mapping[str, float] = field(default_factory=dict)
    all_residents: bool = False
    north: Mapping[str, float] = field(default_factory=dict)
    south: Mapping[str, float] = field(default_factory=dict)

    def of(self, segments: pd.Series[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return size and support of each worker's household."""
        names = segments.astype(str)
        size, support = names.map(self.size).fillna(1.0), names.map(self.support).fillna(0.0)
        return np.asarray(size, np.float64), np.asarray(support, np.float64)

    def kinds(self, group: str) -> tuple[tuple[float, float, float], ...]:
        """Return (weight, size, support) of the households of a country's group; weights add up to 1.

        A mixed country has half of both, as its workers do; where no weights are known, people live alone.
        """
        both = [
            {name: weight / sum(weights.values()) for name, weight in weights.items()}
            for weights in (self.north, self.south)
            if sum(weights.values()) > 0
        ]
        chosen = {"north": both[:1], "south": both[-1:]}.get(group, both)
        return tuple(
            (
                sum(weights.get(name, 0.0) for weights in chosen) / len(chosen),
                self.size.get(name, 1.0),
                self.support.get(name, 0.0),
            )
            for name in dict.fromkeys(name for weights in chosen for name in weights)
        ) or ((1.0, 1.0, 0.0),)


class Frames(Protocol):
    """The recorded tables of one run, in the columns of `COLUMNS`."""

    @property
    def series(self) -> pd.DataFrame:
        """Day x country x platform; the country is the worker's, in `requester_` columns the requester's."""

    @property
    def clock(self) -> pd.DataFrame:
        """Hour of the UTC day x country, summed over the days."""

    @property
    def weekdays(self) -> pd.DataFrame:
        """Day of the week x hour of the UTC day x country, summed over the `days` with that name."""

    @property
    def workers(self) -> pd.DataFrame:
        """A row for each worker who was ever active."""

    @property
    def requesters(self) -> pd.DataFrame:
        """A row for each requester."""

    @property
    def batches(self) -> pd.DataFrame:
        """A row for each finished batch."""

    @property
    def spells(self) -> pd.DataFrame:
        """A row for each time a worker was in the market."""

    @property
    def flows(self) -> pd.DataFrame:
        """Money that left the debit account for the credit account, by month, kind, sectors and countries."""

    @property
    def users(self) -> pd.DataFrame:
        """Month x platform x country: who used it, as worker, requester or audience, whatever the policy."""

    @property
    def taxes(self) -> pd.DataFrame:
        """Month x platform x country x instrument: users counted, base, rate, amount; none without policy."""

    @property
    def incomes(self) -> pd.DataFrame:
        """Month x country: what the treasury took, shared out, passed on and kept; none without policy."""

    @property
    def audiences(self) -> pd.DataFrame:
        """Month x country x social platform: users, what they are charged, label and bring; else none."""

    @property
    def cooperatives(self) -> pd.DataFrame:
        """Month x cooperative: members, what they decided, surplus and patronage; none without policy."""

    @property
    def commons(self) -> pd.DataFrame:
        """Month: royalty, labels and dividend of the commons; none without policy."""

    @property
    def unions(self) -> pd.DataFrame:
        """Monday x platform x country: workers, members, their grievance; none without a union."""

    @property
    def employment(self) -> pd.DataFrame:
        """Month x platform x country: time, pay, what is quoted; none where nobody is an employee."""

    @property
    def exits(self) -> pd.DataFrame:
        """Countries that platforms gave up: when, whom, how many users, what they took there in the month."""

    @property
    def ai(self) -> pd.DataFrame:
        """Week x country: stock of intelligence, labels, human work for them; none without such a stock."""

    @property
    def scale(self) -> float | None:
        """People that a worker of the model stands for; None if that is not known."""

    @property
    def kinds(self) -> Kinds:
        """Kinds of platforms, and clicks in tasks."""

    @property
    def households(self) -> Households:
        """Whom workers live with, as configured."""


class Countries(Protocol):
    """What indicators and figures need of a world: arrays with one entry for each country."""

    @property
    def codes(self) -> Sequence[str] | npt.NDArray[Any]:
        """ISO alpha-3 codes."""

    @property
    def names(self) -> Sequence[str] | npt.NDArray[Any]:
        """English names."""

    @property
    def region(self) -> Sequence[str] | npt.NDArray[Any]:
        """Region of the world."""

    @property
    def group(self) -> Sequence[str] | npt.NDArray[Any]:
        """`north`, `south` or `mixed`."""

    @property
    def minimum_wage_usd(self) -> Sequence[float] | npt.NDArray[Any]:
        """USD an hour; 0 or NaN where there is none."""

    @property
    def gini(self) -> Sequence[float] | npt.NDArray[Any]:
        """Gini coefficient of incomes."""

    @property
    def population(self) -> Sequence[int] | npt.NDArray[Any]:
        """Residents."""

    @property
    def price_level(self) -> Sequence[float] | npt.NDArray[Any]:
        """Prices at exchange rates; the USA are 1."""

    @property
    def outside_wage_usd(self) -> Sequence[float] | npt.NDArray[Any]:
        """USD an hour in other work."""


def empty(name: str) -> pd.DataFrame:
    """Return the table `name` without rows."""
    return _without_rows(name).copy(deep=False)


@functools.cache
def _without_rows(name: str) -> pd.DataFrame:
    """Make such a table, which takes a millisecond or two; there are no values that copies could share."""
    return pd.DataFrame({column: _no_values(kind.type) for column, kind in COLUMNS[name].items()})


def units(name: str) -> dict[str, str]:
    """Return the unit of each column of the table `name`."""
    return {column: kind.unit for column, kind in COLUMNS[name].items()}


def _no_values(kind: str) -> pd.Series[Any]:
    return pd.Series([], dtype=kind)


@dataclass(frozen=True)
class FrameSet:
    """Tables held in memory; those not given are empty."""

    series: pd.DataFrame = field(default_factory=lambda: empty("series"))
    clock: pd.DataFrame = field(default_factory=lambda: empty("clock"))
    weekdays: pd.DataFrame = field(default_factory=lambda: empty("weekdays"))
    workers: pd.DataFrame = field(default_factory=lambda: empty("workers"))
    requesters: pd.DataFrame = field(default_factory=lambda: empty("requesters"))
    batches: pd.DataFrame = field(default_factory=lambda: empty("batches"))
    spells: pd.DataFrame = field(default_factory=lambda: empty("spells"))
    flows: pd.DataFrame = field(default_factory=lambda: empty("flows"))
    users: pd.DataFrame = field(default_factory=lambda: empty("users"))
    taxes: pd.DataFrame = field(default_factory=lambda: empty("taxes"))
    incomes: pd.DataFrame = field(default_factory=lambda: empty("incomes"))
    audiences: pd.DataFrame = field(default_factory=lambda: empty("audiences"))
    cooperatives: pd.DataFrame = field(default_factory=lambda: empty("cooperatives"))
    commons: pd.DataFrame = field(default_factory=lambda: empty("commons"))
    unions: pd.DataFrame = field(default_factory=lambda: empty("unions"))
    employment: pd.DataFrame = field(default_factory=lambda: empty("employment"))
    exits: pd.DataFrame = field(default_factory=lambda: empty("exits"))
    ai: pd.DataFrame = field(default_factory=lambda: empty("ai"))
    scale: float | None = None
    kinds: Kinds = field(default_factory=Kinds)
    households: Households = field(default_factory=Households)


def per_country(world: Countries, values: Sequence[Any] | npt.NDArray[Any]) -> dict[str, Any]:
    """Return {code: value} for an array with one entry for each country of `world`."""
    return dict(zip(map(str, world.codes), np.asarray(values).tolist(), strict=True))
