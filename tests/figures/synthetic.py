"""A made-up run: tables that look like those of a real one, from a seeded generator.

Nothing here is simulated. The tables have the columns of `sim.outcomes.frames.COLUMNS`, plausible sizes, and
agree where indicators and figures compare them: the money in `flows` is what `series` says was spent and
earned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sim.outcomes.frames import COLUMNS, FrameSet, Kinds, empty

MICRO = 1_000_000
DAYS = 364
START = "2019-02-04"


@dataclass(frozen=True)
class MadeUpWorld:
    """The arrays that indicators and figures read of a world."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    region: tuple[str, ...]
    group: tuple[str, ...]
    minimum_wage_usd: tuple[float, ...]
    population: tuple[int, ...]
    price_level: tuple[float, ...]
    outside_wage_usd: tuple[float, ...]
    gini: tuple[float, ...]


# code, name, region, group, minimum wage, share of workers, share of requesters, offset, median pay
_COUNTRIES: tuple[tuple[Any, ...], ...] = (
    ("USA", "United States", "North America", "north", 7.25, 0.16, 0.46, -5, 3.4),
    ("CAN", "Canada", "North America", "north", 12.4, 0.02, 0.06, -5, 3.2),
    ("GBR", "United Kingdom", "Europe", "north", 15.6, 0.05, 0.12, 0, 3.1),
    ("FRA", "France", "Europe", "north", 13.0, 0.04, 0.05, 1, 2.9),
    ("ITA", "Italy", "Europe", "north", 0.0, 0.01, 0.02, 1, 2.6),
    ("IND", "India", "Asia", "south", 0.26, 0.30, 0.07, 5.5, 1.3),
    ("PHL", "Philippines", "Asia", "south", 1.4, 0.09, 0.02, 8, 1.5),
    ("BGD", "Bangladesh", "Asia", "south", 0.5, 0.12, 0.01, 6, 1.1),
    ("IDN", "Indonesia", "Asia", "south", 1.17, 0.05, 0.01, 7, 1.4),
    ("BRA", "Brazil", "South America", "south", 1.22, 0.03, 0.02, -3, 1.8),
    ("VEN", "Venezuela", "South America", "south", 0.01, 0.05, 0.01, -4, 1.2),
    ("KEN", "Kenya", "Africa", "south", 0.55, 0.05, 0.02, 3, 1.2),
    ("MDG", "Madagascar", "Africa", "south", 0.33, 0.01, 0.01, 3, 1.0),
    ("AUS", "Australia", "Oceania", "north", 16.2, 0.02, 0.12, 10, 3.3),
)


def world() -> MadeUpWorld:
    """Return the countries of the made-up run."""
    codes, names, region, group, wage = (tuple(row[i] for row in _COUNTRIES) for i in range(5))
    rich = [name == "north" for name in group]
    return MadeUpWorld(
        codes,
        names,
        region,
        group,
        wage,
        population=tuple(1_000_000 * (number + 1) for number in range(len(codes))),
        price_level=tuple(1.0 if is_rich else 0.3 for is_rich in rich),
        outside_wage_usd=tuple(15.0 if is_rich else 1.0 for is_rich in rich),
        gini=tuple(0.3 if is_rich else 0.4 for is_rich in rich),
    )


def frames(workers: int = 6000, seed: int = 1) -> FrameSet:
    """Return the tables of a made-up year of a market with so many workers."""
    rng = np.random.default_rng(seed)
    people = _workers(workers, rng)
    series = _series(people, rng)
    return FrameSet(
        series=series,
        clock=(clock := _clock(series, rng)),
        weekdays=_weekdays(clock),
        workers=people,
        requesters=_requesters(workers // 30, rng),
        batches=_batches(8000, workers // 30, rng),
        spells=people[["id", "country", "joined_day", "left_day"]].rename(columns={"id": "worker"}),
        flows=_flows(series),
        scale=19e6 / workers,
    )


def _weekdays(clock: pd.DataFrame) -> pd.DataFrame:
    """Return a week whose weekends have half the work of other days, and all of it that of the clock."""
    parts = {name: clock[name].to_numpy() // 12 for name in ("posted", "active", "paid_seconds")}
    days = [
        table(
            "weekdays",
            {"weekday": day, "utc_hour": clock["utc_hour"], "country": clock["country"], "days": DAYS // 7,
             **{name: part if day > 4 else 2 * part for name, part in parts.items()}},
        )
        for day in range(7)
    ]  # fmt: skip
    return pd.concat(days, ignore_index=True)


def _column(index: int) -> list[Any]:
    return [row[index] for row in _COUNTRIES]


def table(name: str, data: dict[str, Any]) -> pd.DataFrame:
    """Return a table with exactly the declared columns and types; those not given are zero, dates START."""
    rows = max(np.size(values) for values in data.values())
    columns = {}
    for column, kind in COLUMNS[name].items():
        default = START if column == "date" else "" if kind.type == "str" else 0
        values = data.get(column, default)
        columns[column] = pd.Series(np.broadcast_to(np.asarray(values), (rows,))).astype(kind.type)
    assert not set(data) - set(columns)
    return pd.DataFrame(columns)


def _workers(count: int, rng: np.random.Generator) -> pd.DataFrame:
    shares = np.array(_column(5)) / sum(_column(5))
    country = rng.choice(len(_COUNTRIES), count, p=shares)
    hours = np.minimum(rng.lognormal(2.0, 1.1, count), 70)
    joined = np.where(rng.random(count) < 0.6, 0, rng.integers(0, DAYS, count))
    stay = rng.exponential(600, count).astype(int) + 7
    left = np.where(joined + stay < DAYS, joined + stay, -1)
    weeks = (np.where(left < 0, DAYS, left) - joined) / 7
    working = (hours * weeks * 3600 * rng.uniform(0.5, 1.0, count)).astype(int)
    unpaid = rng.beta(4, 9, count)
    pay = np.array(_column(8))[country] * rng.lognormal(-0.1, 0.55, count)
    return table(
        "workers",
        {
            "id": np.arange(count),
            "country": np.array(_column(0))[country],
            "zone": "UTC",
            "segment": rng.choice(["side_job", "home", "casual", "graduate", "first_income"], count),
            "gender": rng.choice(["woman", "man"], count),
            "speed": rng.lognormal(0, 0.4, count),
            "accuracy": 0.93,
            "desired_hours": hours,
            "platform": "microwork",
            "collective": -1,
            "joined_day": joined,
            "left_day": left,
            "paid_seconds": working - (working * unpaid).astype(int),
            "search_seconds": (working * unpaid * 0.9).astype(int),
            "returned_seconds": (working * unpaid).astype(int) - (working * unpaid * 0.9).astype(int),
            "idle_seconds": working // 10,
            "night_seconds": (working * rng.beta(2, 8, count)).astype(int),
            "exposure_seconds": (working * rng.beta(1, 12, count) * (rng.random(count) < 0.4)).astype(int),
            "tasks_accepted": working // 60,
            "tasks_rejected": working // 6000,
            "pay_microusd": (pay * working / 3600 * MICRO).astype(np.int64),
            "paid_out_microusd": (pay * working / 3600 * MICRO * 0.98).astype(np.int64),
            "weeks": weeks,
            "weekly_volatility": np.where(weeks < 2, np.nan, rng.lognormal(-0.3, 0.4, count)),
            "weight": 1.0,
        },
    )


def _series(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    day = np.repeat(np.arange(DAYS), len(_COUNTRIES))
    country = np.tile(np.arange(len(_COUNTRIES)), DAYS)
    codes = np.array(_column(0))[country]
    weekday = np.array([1.19, 1.2, 1.16, 1.13, 1.13, 0.55, 0.64])[day % 7]
    season = 1 + 0.15 * np.sin(day / 58) + day / 900
    workers = np.array(_column(5))[country] * len(people)
    active = rng.poisson(workers * 0.25 * season * (0.7 + 0.3 * weekday))
    done_by = rng.poisson(active * 90.0)
    pay = (done_by * np.array(_column(8))[country] * rng.lognormal(0, 0.05, len(day)) / 60 * MICRO).astype(
        np.int64
    )
    demand = np.array(_column(6))[country] * weekday * season
    share = demand / np.bincount(day, demand)[day]
    done = np.floor(share * np.bincount(day, done_by)[day]).astype(np.int64)
    reward = np.floor(share * np.bincount(day, pay.astype(float))[day] / 0.97).astype(np.int64)
    expired = rng.poisson(done * 0.12)
    fee = reward // 4
    total_reward = np.bincount(day, reward.astype(float))[day]
    worker_fee = np.floor(total_reward * 0.02 * pay / np.bincount(day, pay.astype(float))[day]).astype(
        np.int64
    )
    return table(
        "series",
        {
            "day": day,
            "date": (pd.Timestamp(START) + pd.to_timedelta(day, unit="D")).strftime("%Y-%m-%d").to_numpy(),
            "country": codes,
            "platform": "microwork",
            "active_workers": active,
            "joined": rng.poisson(workers * 0.002),
            "left": rng.poisson(workers * 0.0015),
            "tasks_accepted": done_by - done_by // 100,
            "tasks_rejected": done_by // 100,
            "tasks_returned": done_by // 8,
            "pay_microusd": pay,
            "worker_fee_microusd": worker_fee,
            "duty_seconds": done_by * 66,
            "paid_seconds": done_by * 42,
            "search_seconds": done_by * 15,
            "returned_seconds": done_by * 2,
            "rejected_seconds": done_by * 1,
            "idle_seconds": done_by * 6,
            "requester_posted": done + expired,
            "requester_done": done,
            "requester_expired": expired,
            "requester_batches": done // 80,
            "requester_spent_microusd": reward + fee,
            "requester_fee_microusd": fee,
        },
    )


def _clock(series: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    hour = np.tile(np.arange(24), len(_COUNTRIES))
    country = np.repeat(np.arange(len(_COUNTRIES)), 24)
    local = (hour + np.array(_column(7))[country]) % 24
    office = 0.1 + np.exp(-(((local - 13) / 3.2) ** 2))
    awake = _daily_life(local)
    posted = series.groupby("country")["requester_posted"].sum().reindex(_column(0)).to_numpy()[country]
    active = series.groupby("country")["active_workers"].sum().reindex(_column(0)).to_numpy()[country] * 3
    share_posted = office / np.bincount(country, office)[country]
    share_active = awake / np.bincount(country, awake)[country]
    return table(
        "clock",
        {
            "utc_hour": hour,
            "country": np.array(_column(0))[country],
            "posted": rng.poisson(posted * share_posted),
            "active": rng.poisson(active * share_active),
            "paid_seconds": rng.poisson(active * share_active * 2000),
            "days": DAYS,
        },
    )


def _daily_life(local: Any) -> Any:
    """Relative activity by local hour: a day's plateau, an evening peak, a low night."""
    day = np.exp(-(((local - 13) / 5.0) ** 2))
    evening = 0.9 * np.exp(-(((local - 20.5) / 2.2) ** 2))
    return 0.06 + day + evening


def _requesters(count: int, rng: np.random.Generator) -> pd.DataFrame:
    shares = np.array(_column(6)) / sum(_column(6))
    accepted = rng.lognormal(5, 2, count).astype(int)
    return table(
        "requesters",
        {
            "id": np.arange(count),
            "country": np.array(_column(0))[rng.choice(len(_COUNTRIES), count, p=shares)],
            "sector": "requesters",
            "batches": rng.integers(1, 60, count),
            "posted": accepted * 2,
            "accepted": accepted,
            "expired": accepted,
            "spent_microusd": accepted * 80_000,
            "fee_microusd": accepted * 16_000,
            "top_decile_share": np.where(accepted >= 100, rng.beta(12, 8, count), np.nan),
        },
    )


def _batches(count: int, requesters: int, rng: np.random.Generator, elasticity: float = 0.1) -> pd.DataFrame:
    """Batches whose uptake follows a known elasticity to the randomised arm."""
    requester = rng.integers(0, requesters, count)
    hour = np.sort(rng.integers(0, DAYS * 24, count))
    arm = rng.choice([0, 1], count)
    seconds = np.maximum(rng.lognormal(3.6, 0.6, count), 5).astype(int)
    target = 4 * rng.lognormal(0, 0.4, requesters)[requester]
    reward = (target * np.where(arm == 1, 1.2, 0.8) * seconds / 3600 * MICRO).astype(np.int64)
    tasks = np.where(rng.random(count) < 0.57, 1, np.minimum(rng.pareto(0.4, count) + 2, 20_000).astype(int))
    life = np.minimum(rng.pareto(0.5, count) + 1, 240)
    start = hour * 3600 + rng.integers(0, 3600, count)
    workers = 1 + rng.poisson(2 * np.where(arm == 1, 1.2, 0.8) ** elasticity * life / 10)
    full = rng.random(count) < 0.8
    middle = rng.uniform(0.3, 0.5, count)
    return table(
        "batches",
        {
            "id": np.arange(count),
            "requester": requester,
            "requester_country": "USA",
            "platform": "microwork",
            "type": rng.choice(["classification", "moderation", "survey"], count),
            "reward_microusd": reward,
            "true_seconds": seconds,
            "estimated_seconds": seconds,
            "tasks": tasks,
            "assignments_per_task": 1,
            "posted_hour": hour,
            "first_start": start,
            "t10": start + (life * 3600 * 0.1).astype(int),
            "t50": start + (life * 3600 * middle).astype(int),
            "t90": np.where(full, start + (life * 3600 * 0.9).astype(int), -1),
            "t100": np.where(full, start + (life * 3600).astype(int), -1),
            "closed_hour": hour + life.astype(int) + 1,
            "accepted": np.where(full, tasks, tasks // 2),
            "expired": np.where(full, 0, tasks - tasks // 2),
            "workers": workers,
            "top_decile_share": np.nan,
            "arm": arm,
        },
    )


def _flows(series: pd.DataFrame) -> pd.DataFrame:
    """Book, month by month, what the series says was spent, kept as a fee and earned."""
    rows = []
    for period, month in series.groupby(series["date"].str.slice(0, 7)):
        spent = month.groupby("country")["requester_spent_microusd"].sum()
        fee = month.groupby("country")["requester_fee_microusd"].sum()
        pay = month.groupby("country")["pay_microusd"].sum()
        worker_fee = month.groupby("country")["worker_fee_microusd"].sum()
        for country in spent.index:
            rows.append(
                _flow(period, "funding", "outside", "requesters", country, country, spent[country] * 11 // 10)
            )
            rows.append(
                _flow(period, "posting", "requesters", "escrow", country, country, spent[country] * 11 // 10)
            )
            rows.append(
                _flow(period, "refund", "escrow", "requesters", country, country, spent[country] // 10)
            )
            rows.append(_flow(period, "requester_fee", "escrow", "platforms", country, "USA", fee[country]))
            rows.append(
                _flow(period, "worker_fee", "pending", "platforms", country, "USA", worker_fee[country])
            )
            rows.append(
                _flow(period, "payout", "pending", "workers", country, country, pay[country] * 95 // 100)
            )
            rows.append(
                _flow(period, "broker_cut", "pending", "collectives", country, country, pay[country] // 50)
            )
            rows.append(
                _flow(period, "spending", "workers", "outside", country, country, pay[country] * 95 // 100)
            )
            rows.append(_flow(period, "escrow_rounding", "escrow", "rounding", country, "USA", 37))
        reward = spent - fee
        part = pay / pay.sum()
        for source in spent.index:
            for target in pay.index:
                amount = reward[source] * part[target]
                rows.append(_flow(period, "reward", "escrow", "pending", source, target, amount))
        income = int(fee.sum() + worker_fee.sum())
        rows.append(_flow(period, "platform_cost", "platforms", "outside", "USA", "USA", income * 45 // 100))
        rows.append(_flow(period, "profit", "platforms", "owners", "USA", "USA", income * 50 // 100))
    return pd.DataFrame(rows, columns=list(COLUMNS["flows"])).astype({"amount_microusd": "int64"})


def _flow(
    period: Any, kind: str, debit: str, credit: str, source: str, target: str, amount: int
) -> tuple[Any, ...]:
    return (str(period), kind, debit, credit, source, target, int(amount))


def with_policy(frames: FrameSet, unit: int = 50_000_000, alike: bool = False) -> FrameSet:
    """Return the tables of the same year with three taxes and an income paid out of them.

    ``unit`` is what the smallest tax of a country and month comes to, in micro-dollars; with ``alike`` all
    countries are paid the same.
    """
    months = sorted(set(frames.series["date"].str.slice(0, 7)))
    codes, groups = _column(0), _column(3)
    taxes, incomes, flows = [], [], []
    for number, period in enumerate(months):
        for place, code in enumerate(codes):
            due = {
                "usage_tax": unit * (place + 1),
                "turnover_tax": 2 * unit,
                "profit_tax": unit * (number + 1),
            }
            for name, amount in {"users": 0, **due}.items():
                before = amount // 4 if number == 0 else 0
                taxes.append(
                    {
                        "period": period, "platform": "microwork", "country": code, "instrument": name,
                        "users": 10 + place, "part_of_month": 1.0, "strength": 1.0, "amount_microusd": amount,
                        "before_window_microusd": before,
                    }
                )  # fmt: skip
                if amount:
                    flows.append(
                        _flow(period, name, "platforms", "governments", "USA", code, amount - before)
                    )
            revenue = sum(due.values())
            paid = number < len(months) - 1
            heads = 1000 if alike or groups[place] == "north" else 4000
            each = unit // 1000 if alike else revenue * 97 // 100 // heads
            incomes.append(
                {
                    "period": period, "country": code, "collected_microusd": revenue,
                    "administration_microusd": revenue * 3 // 100 * paid, "heads": heads * paid,
                    "workers": 10 * paid, "per_head_microusd": each * paid,
                }
            )  # fmt: skip
            if paid:
                flows += [
                    _flow(period, "administration", "governments", "outside", code, code, revenue * 3 // 100),
                    _flow(period, "universal_income", "governments", "workers", code, code, each * 10),
                    _flow(
                        period, "income_of_others", "governments", "outside", code, code, each * (heads - 10)
                    ),
                ]
        flows += [
            _flow(period, "pooling", "governments", "governments", "USA", "IND", 7 * unit),
            _flow(period, "profit_shifting", "platforms", "havens", "USA", "USA", 40 * unit),
            _flow(period, "haven_tax", "havens", "outside", "USA", "USA", 2 * unit),
            _flow(period, "haven_profit", "havens", "owners", "USA", "USA", 38 * unit),
        ]
    more = pd.DataFrame(flows, columns=list(COLUMNS["flows"])).astype({"amount_microusd": "int64"})
    return replace(
        frames,
        flows=pd.concat([frames.flows, more], ignore_index=True),
        taxes=table("taxes", {name: [row[name] for row in taxes] for name in taxes[0]}),
        incomes=table("incomes", {name: [row[name] for row in incomes] for name in incomes[0]}),
        cooperatives=table(
            "cooperatives",
            {
                "period": months, "platform": "microwork", "order": "newest", "members": 100, "voters": 25,
                "fee": 0.1, "floor_usd_per_hour": 0.5, "rewards_microusd": 9 * unit, "surplus_microusd": unit,
            },
        ),
        commons=table(
            "commons",
            {
                "period": months, "labels": 900, "unpaid_labels": 100, "label_seconds": 9000,
                "unpaid_label_seconds": 1000, "to_workers_microusd": 9 * unit,
                "to_users_microusd": unit,
            },
        ),
    )  # fmt: skip


def with_users(frames: FrameSet, unit: int = 10**9) -> FrameSet:
    """Return the tables of the same year with a social platform of the USA, some of whose users go.

    ``unit`` is what advertising brings in a country and month, in micro-dollars.
    """
    months = sorted(set(frames.series["date"].str.slice(0, 7)))
    rows, flows = [], []
    for number, period in enumerate(months):
        for place, code in enumerate(_column(0)):
            base = 1000 * (place + 1)
            rows.append(
                {
                    "period": period, "platform": "social", "country": code, "users": base - 20 * number,
                    "users_persons": 100.0 * (base - 20 * number), "users_without_charge": base,
                    "declared_users": 0.9 * base, "charge_per_user_usd": 0.1, "labels": 7 * base,
                    "advertising_microusd": unit, "charged_microusd": unit // 10,
                    "taxes_microusd": unit // 20,
                }
            )  # fmt: skip
            flows += [
                _flow(period, "advertising", "outside", "platforms", code, "USA", unit),
                _flow(period, "user_money", "outside", "audience", code, code, unit // 10),
                _flow(period, "user_charge", "audience", "platforms", code, "USA", unit // 10),
            ]
    more = pd.DataFrame(flows, columns=list(COLUMNS["flows"])).astype({"amount_microusd": "int64"})
    return replace(
        frames,
        flows=pd.concat([frames.flows, more], ignore_index=True),
        audiences=table("audiences", {name: [row[name] for row in rows] for name in rows[0]}),
    )


def with_ai(frames: FrameSet, weeks: int = 520, scale: float = 1.0, free: float = 0.1) -> FrameSet:
    """Return the same tables with ten years of a growing stock of intelligence, or fewer ``weeks`` of them.

    ``free`` is the share of labels that users make, from the middle of the time on.
    """
    rows = []
    for week in range(weeks):
        at = week / 52
        stock, automated = 1.3**at, 0.7 * (1 - np.exp(-at / 3))
        for place, code in enumerate(_column(0)):
            initial = scale * 10.0 * (place % 5 + 1)
            wanted = initial * stock**0.7 / (1 - automated)
            unpaid = free * wanted if 2 * week > weeks else 0.0
            rows.append(
                {
                    "day": 7 * week, "date": str(np.datetime64("2019-01-07") + 7 * week), "country": code,
                    "requesters": 3, "initial_hours": initial, "stock_hours": initial * stock,
                    "labels_wanted_hours": wanted, "labels_delivered_hours": 0.9 * wanted,
                    "labels_free_hours": unpaid, "labels_shared_hours": 0.0,
                    "labels_by_machines_hours": (wanted - unpaid) * automated,
                    "human_hours": 0.8 * (wanted - unpaid) * (1 - automated) * (1 + 0.1 * np.sin(week / 3)),
                    "analytic_hours": initial * stock**0.7,
                    "wanted_cost_usd": wanted * 2.4 * (1 - automated) * (1 + at / 20),
                    "outside_hours_lost": initial * (stock - 1), "displaced": int(initial * (stock - 1) / 40),
                }
            )  # fmt: skip
    return replace(frames, ai=table("ai", {name: [row[name] for row in rows] for name in rows[0]}))


def nothing(typed: bool = True) -> FrameSet:
    """Return the tables of a run in which nothing was recorded, with the declared types or with none."""
    if typed:
        return FrameSet(**{name: empty(name) for name in COLUMNS})
    return FrameSet(**{name: pd.DataFrame(columns=list(columns)) for name, columns in COLUMNS.items()})


def with_kinds(market: FrameSet) -> FrameSet:
    """Return the tables with every row on one of three platforms in turn, one of each kind of work."""
    names = np.array(["microwork", "jobs", "clicks"])
    tables = {
        name: getattr(market, name).assign(platform=names[np.arange(len(getattr(market, name))) % 3])
        for name in ("series", "workers", "batches")
    }
    families = dict(zip(names.tolist(), ("microwork", "on_demand", "click_farm"), strict=True))
    kind = str(market.batches["type"].iloc[0])
    return replace(market, **tables, kinds=Kinds(families, {("clicks", kind): 50}))
