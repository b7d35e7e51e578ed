"""What must hold of a market with instruments, as functions that raise ``AssertionError`` and return counts.

The tests in ``tests/policy`` call them on the sound program, and once more on planted bugs.
"""

from __future__ import annotations

import copy
import datetime as dt
import math
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.traits import ACTIVE, MEMBER, OTHER_JOB, column_of, permanent_ids
from sim.agents.worker import Worker
from sim.composition import compose
from sim.config import Config, Platform
from sim.draws import stream_key, uniform
from sim.instruments import (
    Commons,
    ConditionalIncome,
    Cooperative,
    Measure,
    Policies,
    ProfitTax,
    Reclassification,
    TurnoverTax,
    Union,
    UniversalIncome,
    UsageTax,
    WageFloor,
)
from sim.market import board as boards
from sim.market.tools import TOOLS
from sim.model import ClickWorkModel
from sim.policy.channels import LEVY_ON_REQUESTERS, LEVY_ON_WORKERS, Contribution
from sim.study.run import never_in_force
from tests.support.markets import SEVERAL, edited_table, fingerprint, population_of, tiny, varied
from tests.support.observers import NUMBERS, Books, Debug, Watcher
from tests.support.relations import part, permutation, same_snapshots, two_worlds
from tests.support.unread import only_read

Counts = Counter[str]
TAXES = ("usage_tax", "turnover_tax", "profit_tax")
SPENT_BY_TREASURIES = ("administration", "universal_income", "income_of_others")
FEBRUARY, MARCH = 24 * 25, 24 * 53
"""First hours of the months of a run that begins on 2019-01-07, a Monday; neither is a Monday."""

EVERYTHING = Policies(
    UsageTax(usd_per_user_month=0.4, to_requesters=0.3, to_workers=0.3),
    TurnoverTax(to_requesters=1.0),
    ProfitTax(attribution="users"),
    UniversalIncome(pool="global", recipients="workers", reservation_elasticity=0.4),
)


def market(days: int = 58, workers: int = 60, policy: Policies | None = None, **changes: Any) -> Config:
    """Return a small market of two platforms over two ends of months; people move, leave and join."""
    base = tiny(days=days, workers=workers, requesters=8, **changes)
    platforms = {
        "northern": Platform(owner="NTH", requester_share=0.3, pool_share=0.3, worker_fee=0.05),
        "southern": Platform(owner="STH"),
    }
    learning = replace(base.learning, switch_share=0.5, switch_inertia=0.0, leave_weeks=2)
    return replace(base, platforms=platforms, learning=learning, policy=policy or Policies())


def played(config: Config, hours: int | None = None, observers: tuple[Any, ...] = ()) -> ClickWorkModel:
    """Return the model after some hours, or after the end of its run."""
    model = ClickWorkModel(config)
    model.observers.extend(observers)
    model.run(hours)
    if hours is None:
        model.end()
    return model


def rate_of(model: Any, terms: Any, hour: int) -> float:
    """Share of its rate at which an instrument is in force in the month of an hour, from the text."""
    first = model.clock.datetime(24 * model.config.time.warmup_days).date()
    start = dt.date.fromisoformat(terms.start) if terms.start else first
    now = model.clock.datetime(hour).date()
    month = 12 * (now.year - start.year) + now.month - start.month + 1
    over = terms.end is not None and now >= dt.date.fromisoformat(terms.end)
    return 0.0 if month < 1 or over else min(1.0, float(Fraction(month, max(1, terms.phase_in_months))))


class Flows(Watcher):
    """Keeps every month's flows."""

    def __init__(self) -> None:
        super().__init__()
        self.months: list[Any] = []

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Keep a copy."""
        self.months.append(flows.copy())

    def of(self, kind: str) -> Any:
        """All that moved as one kind, by paying and receiving country."""
        return sum(flows[NUMBERS[kind]] for flows in self.months)


# --- null settings --------------------------------------------------------------------------------

NOWHERE = "ZZZ"
"""A country of the null world where nobody works, posts or owns anything."""

NULLS: dict[str, dict[str, Policies]] = {
    "usage_tax": {
        "a rate of nothing": Policies(UsageTax(usd_per_user_month=0.0)),
        "a threshold above all users": Policies(UsageTax(threshold_users=1e10)),
        "a start after the end": Policies(UsageTax(start="2019-06-01")),
        "an end before the run": Policies(UsageTax(start="2018-02-01", end="2018-12-01")),
        "nothing passed on": Policies(UsageTax(usd_per_user_month=0.0, to_requesters=0.5, to_workers=0.5)),
        "a platform without users": Policies(UsageTax(platforms=["deserted"])),
        "a country without users": Policies(UsageTax(countries=[NOWHERE])),
        "a family without platforms": Policies(UsageTax(families=["social", "click_farm"])),
    },
    "turnover_tax": {
        "a rate of nothing": Policies(turnover_tax=TurnoverTax(rate=0.0, to_requesters=1.0)),
        "a start after the end": Policies(turnover_tax=TurnoverTax(start="2019-06-01")),
        "a platform without turnover": Policies(turnover_tax=TurnoverTax(platforms=["deserted"])),
        "a country without turnover": Policies(turnover_tax=TurnoverTax(countries=[NOWHERE])),
        "a family without platforms": Policies(turnover_tax=TurnoverTax(families=["social"])),
    },
    "profit_tax": {
        "a rate of nothing": Policies(profit_tax=ProfitTax(rate=0.0)),
        "a start after the end": Policies(profit_tax=ProfitTax(start="2019-06-01")),
        "a platform without profit": Policies(profit_tax=ProfitTax(platforms=["deserted"])),
        "a country without owners": Policies(profit_tax=ProfitTax(countries=[NOWHERE])),
        "a country that owns no platform of it": Policies(
            profit_tax=ProfitTax(countries=["STH"], platforms=["northern"])
        ),
        "a country without sales": Policies(profit_tax=ProfitTax(countries=[NOWHERE], attribution="sales")),
        "a country without users": Policies(profit_tax=ProfitTax(countries=[NOWHERE], attribution="users")),
    },
    "universal_income": {
        "paid by a tax of nothing": Policies(
            UsageTax(usd_per_user_month=0.0), universal_income=UniversalIncome()
        ),
        "nothing from outside": Policies(universal_income=UniversalIncome(funding="external")),
        "a start after the end": Policies(
            universal_income=UniversalIncome(funding="external", usd_per_month=50.0, start="2019-06-01")
        ),
        "a country without workers": Policies(
            universal_income=UniversalIncome(
                funding="external", usd_per_month=50.0, recipients="workers", countries=[NOWHERE]
            )
        ),
        "workers of a platform without any": Policies(
            universal_income=UniversalIncome(
                funding="external", usd_per_month=50.0, recipients="workers", platforms=["deserted"]
            )
        ),
        "a part of nothing": Policies(
            UsageTax(usd_per_user_month=0.0), universal_income=UniversalIncome(phase_in_months=6)
        ),
        "nothing for a roster": Policies(
            universal_income=UniversalIncome(funding="external", recipients="workers", roster="fixed")
        ),
        "nothing for a roster of users": Policies(
            UsageTax(usd_per_user_month=0.0),
            universal_income=UniversalIncome(recipients="users", roster="fixed", usd_per_month=9.0),
        ),
        "a roster of a platform without workers": Policies(
            universal_income=UniversalIncome(
                funding="external",
                usd_per_month=50.0,
                recipients="workers",
                roster="fixed",
                platforms=["deserted"],
            )
        ),
        "a part of nothing, for users of one platform": Policies(
            UsageTax(usd_per_user_month=0.0),
            universal_income=UniversalIncome(phase_in_months=2, recipients="users", platforms=["southern"]),
        ),
    },
    "wage_floor": {
        "a floor of nothing": Policies(wage_floor=WageFloor(usd_per_hour=0.0)),
        "a floor below all pay": Policies(wage_floor=WageFloor(usd_per_hour=1e-6, basis="actual")),
        "a start after the end": Policies(wage_floor=WageFloor(usd_per_hour=9.0, start="2019-06-01")),
        "nobody complies": Policies(wage_floor=WageFloor(usd_per_hour=9.0, compliance=0.0)),
        "a platform without users": Policies(wage_floor=WageFloor(usd_per_hour=9.0, platforms=["deserted"])),
        "a country without workers": Policies(wage_floor=WageFloor(usd_per_hour=9.0, countries=[NOWHERE])),
    },
    "conditional_income": {
        "paid by a tax of nothing": Policies(
            UsageTax(usd_per_user_month=0.0), conditional_income=ConditionalIncome()
        ),
        "a tax of nothing for those who hire": Policies(
            UsageTax(usd_per_user_month=0.0), conditional_income=ConditionalIncome(recipients="employers")
        ),
        "a start after the end": Policies(
            UsageTax(), conditional_income=ConditionalIncome(start="2019-06-01")
        ),
        "a country without workers": Policies(
            UsageTax(), conditional_income=ConditionalIncome(countries=[NOWHERE])
        ),
        "job seekers of a platform without any": Policies(
            UsageTax(),
            conditional_income=ConditionalIncome(platforms=["deserted"], administration_share=0.0),
        ),
        "a part of nothing": Policies(
            UsageTax(usd_per_user_month=0.0), conditional_income=ConditionalIncome(phase_in_months=6)
        ),
        "a part of nothing for those who hire": Policies(
            UsageTax(usd_per_user_month=0.0),
            conditional_income=ConditionalIncome(phase_in_months=6, recipients="employers"),
        ),
        "a country without requesters": Policies(
            UsageTax(), conditional_income=ConditionalIncome(recipients="employers", countries=[NOWHERE])
        ),
    },
    "cooperative": {
        "a start after the end": Policies(
            cooperative=Cooperative(platforms=["southern"], start="2019-07-01")
        ),
        "an end before the run": Policies(
            cooperative=Cooperative(platforms=["southern"], start="2018-02-01", end="2018-12-01")
        ),
        "a platform without users": Policies(cooperative=Cooperative(platforms=["deserted"])),
        "a platform without users, by steps": Policies(
            cooperative=Cooperative(platforms=["deserted"], phase_in_months=6)
        ),
        "a platform without users, owned in the South": Policies(
            cooperative=Cooperative(platforms=["deserted"], countries=["STH"])
        ),
        "by steps, after the end": Policies(
            cooperative=Cooperative(platforms=["southern"], phase_in_months=2, start="2019-07-01")
        ),
        "members in a country without workers": Policies(
            cooperative=Cooperative(platforms=["southern", "northern"], countries=[NOWHERE], fee="voted")
        ),
        "a platform without users, taxed": Policies(
            profit_tax=ProfitTax(rate=0.0), cooperative=Cooperative(platforms=["deserted"], participation=1.0)
        ),
    },
    "commons": {
        "a start after the end": Policies(commons=Commons(start="2019-06-01", fee_at_cost=True)),
        "an end before the run": Policies(commons=Commons(start="2018-02-01", end="2018-12-01")),
        "no royalty, records of one place": Policies(
            commons=Commons(royalty_rate=0.0, portable_reputation=False, shared_labels=0.0)
        ),
        "a platform without users": Policies(commons=Commons(platforms=["deserted"], fee_at_cost=True)),
        "a country where nobody posts or labels": Policies(
            commons=Commons(countries=[NOWHERE], royalty_rate=0.5)
        ),
        "a country where nobody is, by steps": Policies(
            commons=Commons(countries=[NOWHERE], phase_in_months=2)
        ),
        "one country, no royalty": Policies(
            commons=Commons(countries=["STH"], portable_reputation=False, royalty_rate=0.0, shared_labels=0.0)
        ),
    },
    "union": {
        "nobody would join": Policies(union=Union(support_north=0.0, support_south=0.0, organising_rate=1.0)),
        "nobody begins": Policies(union=Union(organising_rate=0.0, contact_rate=1.0)),
        "members who do as others do": Policies(
            union=Union(
                organising_rate=0.3,
                refusal_share=0.0,
                rating_gain=0.0,
                share_ratings=False,
                strike_days=0,
                bargained_share=0.0,
            )
        ),
        "a start after the end": Policies(union=Union(organising_rate=1.0, start="2019-06-01")),
        "nobody begins, by steps": Policies(
            union=Union(organising_rate=0.0, contact_rate=1.0, phase_in_months=6)
        ),
        "nobody would join, by steps": Policies(
            union=Union(support_north=0.0, support_south=0.0, organising_rate=1.0, phase_in_months=2)
        ),
        "by steps, after the end": Policies(
            union=Union(organising_rate=1.0, start="2019-06-01", phase_in_months=2)
        ),
        "a platform without users": Policies(union=Union(organising_rate=1.0, platforms=["deserted"])),
        "a country without workers": Policies(union=Union(organising_rate=1.0, countries=[NOWHERE])),
    },
    "reclassification": {
        "a wage of nothing": Policies(
            reclassification=Reclassification(
                usd_per_hour=0.0, contributions=0.0, unfair_share=1.0, slack=None
            )
        ),
        "a part of a wage of nothing": Policies(
            reclassification=Reclassification(
                usd_per_hour=0.0, contributions=0.0, unfair_share=1.0, slack=None, phase_in_months=6
            )
        ),
        "a platform without users, by steps": Policies(
            reclassification=Reclassification(platforms=["deserted"], phase_in_months=6)
        ),
        "by steps, after the end": Policies(
            reclassification=Reclassification(start="2019-06-01", phase_in_months=2)
        ),
        "a start after the end": Policies(reclassification=Reclassification(start="2019-06-01")),
        "an end before the run": Policies(
            reclassification=Reclassification(start="2018-02-01", end="2018-12-01")
        ),
        "a platform without users": Policies(reclassification=Reclassification(platforms=["deserted"])),
        "a country without workers": Policies(reclassification=Reclassification(countries=[NOWHERE])),
    },
}
"""Settings of each instrument that must change nothing at all."""


LOUD: dict[str, Policies] = {
    "usage_tax": Policies(UsageTax()),
    "turnover_tax": Policies(turnover_tax=TurnoverTax()),
    "profit_tax": Policies(profit_tax=ProfitTax()),
    "universal_income": Policies(universal_income=UniversalIncome(funding="external", usd_per_month=50.0)),
    "wage_floor": Policies(wage_floor=WageFloor(usd_per_hour=9.0)),
    "conditional_income": Policies(UsageTax(), conditional_income=ConditionalIncome()),
    "cooperative": Policies(cooperative=Cooperative(platforms=["southern"])),
    "commons": Policies(commons=Commons()),
    "union": Policies(union=Union(organising_rate=0.3)),
    "reclassification": Policies(reclassification=Reclassification()),
}
"""Each instrument so that it does something, with what it needs beside it."""


CLOSED = "a platform that is closed"
NO_NULLS = {
    ("no platform", "cooperative"),
    (CLOSED, "cooperative"),  # which founds it
    (CLOSED, "universal_income"),  # residents are nobody's users
    (CLOSED, "conditional_income"),  # administered, whoever receives it
}
"""Settings that are refused, or in force after all."""


def nowhere_or_never(instrument: str) -> dict[str, Policies]:
    """Return the instrument, loud as it is, in no country, on no platform, of no family, and over at once."""
    policy = LOUD[instrument]
    terms = getattr(policy, instrument)
    settings: dict[str, dict[str, Any]] = {
        "no country": {"countries": []},
        "a start after its own end": {"start": "2019-03-01", "end": "2019-02-01"},
        "an end at its start": {"start": "2019-02-01", "end": "2019-02-01"},
        "no platform": {"platforms": []},
        "no family": {"families": []},
        CLOSED: {"platforms": ["shut"]},
    }
    return {
        name: replace(policy, **{instrument: replace(terms, **setting)})
        for name, setting in settings.items()
        if all(hasattr(terms, part) for part in setting) and (name, instrument) not in NO_NULLS
    }


WHOLE: dict[str, tuple[Policies, dict[str, Any]]] = {
    "a union of one month's growth": (LOUD["union"], {"phase_in_months": 1}),
    "employment at once": (LOUD["reclassification"], {"phase_in_months": 1}),
    "a cooperative at once": (LOUD["cooperative"], {"phase_in_months": 1}),
    "members everywhere": (LOUD["cooperative"], {"countries": ["NTH", "STH"]}),
    "a commons everywhere": (LOUD["commons"], {"countries": ["NTH", "STH"]}),
    "all revenue at once": (
        Policies(UsageTax(usd_per_user_month=5.0), universal_income=UniversalIncome(recipients="workers")),
        {"phase_in_months": 1, "platforms": ["northern", "southern"]},
    ),
    "a rate that revenue never comes to": (
        Policies(UsageTax(usd_per_user_month=5.0), universal_income=UniversalIncome(recipients="workers")),
        {"usd_per_month": 1000.0},
    ),
    "job seekers on every platform": (
        Policies(UsageTax(usd_per_user_month=5.0), conditional_income=ConditionalIncome(tasks_a_month=5)),
        {"phase_in_months": 1, "platforms": ["northern", "southern"]},
    ),
}
"""An instrument, and settings by which it is in force wholly: as without them."""


def whole_settings() -> Counts:
    """A phase of a month, every country, every platform: the bits of the setting left alone."""
    counts = Counter[str]()
    for name, (policy, settings) in WHOLE.items():
        changed = {key: replace(one, **settings) for key, one in policy.chosen().items() if key not in TAXES}
        one, other = (
            bare(played(replace(market(), policy=some))) for some in (policy, replace(policy, **changed))
        )
        assert fingerprint(one) == fingerprint(other), f"{name}: not as without the setting"
        counts["settings"] += 1
        counts["transfers"] += one.ledger.transfers_booked
    return counts


PARTLY: dict[str, tuple[Policies, dict[str, Any]]] = {
    "a union that grows": (LOUD["union"], {"phase_in_months": 6}),
    "employment by steps": (LOUD["reclassification"], {"phase_in_months": 6}),
    "a cooperative by steps": (LOUD["cooperative"], {"phase_in_months": 6}),
    "members in the North": (LOUD["cooperative"], {"countries": ["NTH"]}),
    "a commons by steps": (LOUD["commons"], {"phase_in_months": 6}),
    "a commons of the North": (LOUD["commons"], {"countries": ["NTH"]}),
    "a part of the revenue": (WHOLE["all revenue at once"][0], {"phase_in_months": 6}),
    "workers of one platform": (WHOLE["all revenue at once"][0], {"platforms": ["northern"]}),
    "a rate below all revenue": (WHOLE["all revenue at once"][0], {"usd_per_month": 3.0}),
    "workers of a roster": (WHOLE["all revenue at once"][0], {"roster": "fixed", "start": "2019-02-01"}),
    "a part for job seekers": (WHOLE["job seekers on every platform"][0], {"phase_in_months": 6}),
    "job seekers of one platform": (WHOLE["job seekers on every platform"][0], {"platforms": ["southern"]}),
}
"""The same with settings by which it is in force in part: neither as without the instrument, nor as whole."""


def partly_in_force() -> Counts:
    """Each new setting changes the market, and leaves something of the instrument; the books close."""
    counts = Counter[str]()
    for name, (policy, settings) in PARTLY.items():
        changed = {key: replace(one, **settings) for key, one in policy.chosen().items() if key not in TAXES}
        absent = dict.fromkeys(changed)
        prints = set()
        for some in (policy, replace(policy, **changed), replace(policy, **absent)):
            model = played(replace(market(), policy=some))
            model.ledger.recount([board.batches["escrow"] for board in model.boards])
            prints.add(fingerprint(bare(model)))
        assert len(prints) == 3, f"{name}: nothing of it shows"
        counts["settings"] += 1
    return counts


def null_world(folder: str) -> Config:
    """A market with a country and a platform that nobody uses, and a platform that is closed."""

    def add(rows: list[dict[str, str]]) -> None:
        rows.append(
            {**rows[-1], "code": NOWHERE, "name": "Nowhere", "worker_share": "0", "requester_share": "0"}
        )

    table = edited_table(Path(folder) / "world.csv", "north_south", add)
    base = market()
    deserted = Platform(owner="STH", worker_countries=[NOWHERE], requester_countries=[NOWHERE])
    return replace(
        base,
        world=replace(base.world, table=table),
        platforms={**base.platforms, "deserted": deserted, "shut": Platform(owner="STH", closed=True)},
    )


def null_settings(instrument: str) -> Counts:
    """Each null setting gives the bits of the instrument's absence, over two ends of months."""
    with tempfile.TemporaryDirectory() as folder:
        return _null_settings(instrument, null_world(folder))


def _null_settings(instrument: str, base: Config) -> Counts:
    without: dict[str, tuple[Flows, ClickWorkModel]] = {}
    counts = Counter[str]()
    for name, policy in (NULLS[instrument] | nowhere_or_never(instrument)).items():
        seen = Flows()
        model = bare(played(replace(base, policy=policy), observers=(seen,)))
        told = instrument in never_in_force(model)
        assert told == is_told(name), (instrument, name, told)
        counts["told"] += told
        absent = replace(policy, conditional_income=None) if policy.conditional_income else Policies()
        if repr(absent) not in without:
            kept = Flows()
            without[repr(absent)] = kept, bare(played(replace(base, policy=absent), observers=(kept,)))
        kept, plain = without[repr(absent)]
        assert fingerprint(model) == fingerprint(plain), f"{instrument}, {name}: not as without it"
        assert all((a == b).all() for a, b in zip(kept.months, seen.months, strict=True)), name
        counts["settings"] += 1
    counts["transfers"] = plain.ledger.transfers_booked
    loud = bare(played(replace(base, policy=LOUD[instrument])))
    assert fingerprint(loud) != fingerprint(plain), "the instrument does nothing"
    assert not never_in_force(loud)
    return counts


PLACE_OR_TIME = ("country", "platform", "family", "start", "end")
NOT_TOLD = ("nothing", "below all pay", "above all users", "no royalty", "job seekers of")


def is_told(name: str) -> bool:
    """Whether a null setting is, by its name, one of place or time, which is told; a rate of 0 is not."""
    return any(word in name for word in PLACE_OR_TIME) and not any(words in name for words in NOT_TOLD)


def bare(model: ClickWorkModel) -> ClickWorkModel:
    """Take off what is written down of a floor or a commons that binds nobody, and of members like others."""
    model.worker_rows["bits"] &= np.uint8(255 - MEMBER)
    model.platform_rows["highest_floor"] = 0.0
    for name in ("portable", "royalty_ppm", "royalty_payers"):
        model.platform_rows[name] = 0
    model.requester_rows["complies"] = 1
    return model


# --- before the start -----------------------------------------------------------------------------


def before_the_start(policy: Policies, start: str, hour: int) -> Counts:
    """What happens before an instrument starts is as without it; what happens after is not."""
    instruments = {name: replace(one, start=start) for name, one in policy.chosen().items()}
    base = market()
    plain, late = ClickWorkModel(base), ClickWorkModel(replace(base, policy=Policies(**instruments)))
    for until in range(24, hour + 1, 24):
        plain.run(until - plain.hour)
        late.run(until - late.hour)
        if until % (24 * 6) == 0 or until == hour:
            assert fingerprint(plain) == fingerprint(late), f"hour {until} knows of {start}"
    plain.run()
    late.run()
    assert fingerprint(plain) != fingerprint(late), "nothing happens after the start either"
    return Counter(hours=hour, transfers=plain.ledger.transfers_booked)


# --- users ----------------------------------------------------------------------------------------


class Census(Watcher):
    """Counts users one by one: who was on duty on which platform, who posted where."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[tuple[int, int], set[tuple[str, int]]] = defaultdict(set)
        self.platforms_of: dict[tuple[str, int], set[int]] = defaultdict(set)

    def hour(self, model: Any) -> None:
        """Look at everyone on duty and everything posted."""
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                row = int(entry["row"])
                hours = model.hour - int(entry["start_hour"])
                if (hours == 0 or 60 * hours < int(entry["minutes"])) and model.is_active(row):
                    self.note(
                        board.platform, int(model.worker_rows["country"][row]), "worker", int(entry["id"])
                    )
            posted = board.batches[board.batches["open"] > 0]
            for batch in posted[posted["posted_hour"] == model.hour]:
                requester = int(batch["requester"])
                country = int(model.requester_rows["country"][requester])
                self.note(board.platform, country, "requester", requester)

    def note(self, platform: int, country: int, kind: str, number: int) -> None:
        """Note a person once."""
        self.users[platform, country].add((kind, number))
        self.platforms_of[kind, number].add(platform)

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Hold the month's count against the offices'."""
        counted = np.zeros_like(model.offices.users)
        for place, people in self.users.items():
            counted[place] = len(people)
        assert (counted == model.offices.users).all(), (
            f"{period}: {model.offices.users} users, seen {counted}"
        )
        self.owed(model, counted, flows)
        self.counts["months"] += 1
        self.counts["users"] += int(counted.sum())
        several = [kind for (kind, _), where in self.platforms_of.items() if len(where) > 1]
        self.counts["workers on two platforms"] += several.count("worker")
        self.counts["requesters on two platforms"] += several.count("requester")
        self.users.clear()
        self.platforms_of.clear()

    def owed(self, model: Any, counted: Any, flows: Any) -> None:
        """A flat tax on those users for the part of the month that the run has played, country by country."""
        tax = model.config.policy.usage_tax
        last = model.clock.datetime(model.hour - 1)
        month = last.replace(day=1, hour=0)
        played_hours = (last - max(month, model.clock.datetime(0))).total_seconds() / 3600 + 1
        whole = 24 * ((month + dt.timedelta(days=32)).replace(day=1) - month).days
        per_user = Fraction(str(tax.usd_per_user_month)) * 10**6 * (1 - Fraction(str(tax.under_declaration)))
        part_played = Fraction(int(played_hours), whole)
        for country in range(counted.shape[1]):
            due = sum(int(int(users) * per_user * part_played) for users in counted[:, country])
            paid = int(flows[NUMBERS["usage_tax"]][:, country].sum())
            assert paid == due, f"{month:%Y-%m}: {paid} paid, {due} due"
        self.counts["months cut short"] += int(played_hours) < whole


class Restless(Watcher):
    """Moves and removes people in the middle of the day, as a user's own script may."""

    def hour(self, model: Any) -> None:
        """Every now and then somebody goes elsewhere, with or without a session still to come."""
        if model.hour % 31 == 7:
            for row in range(0, model.workers_count, 5):
                if model.is_active(row):
                    worker = model.views.worker(row)
                    worker.platform = "southern" if worker.platform == "northern" else "northern"
                    self.counts["moved"] += 1
        if model.hour % 200 == 56:
            # The next hour is 9 UTC: these have a session today that they will not begin.
            coming = np.flatnonzero(model.today[: model.workers_count] > model.hour % 24)
            for row in [int(row) for row in coming if model.is_active(int(row))][:2]:
                model.views.worker(row).remove()
                self.counts["removed before a session"] += 1


class Planner(Worker):
    """A worker who plans for herself: every third day two hours at noon."""

    def plan_day(self, day: int) -> tuple[int, int] | None:
        """A session on every third day."""
        return (12, 120) if (day + self.row) % 3 == 0 else None


def users(seed: int = 1, segments: tuple[str, ...] = ()) -> Counts:
    """Users as counted by the offices are those that an observer sees, one by one."""
    config = market(policy=EVERYTHING, seed=seed)
    requesters = replace(config.requesters, count=30, multihome_share=0.8, demand_share=0.3)
    config = replace(config, requesters=requesters)
    model = ClickWorkModel(config, worker_classes=dict.fromkeys(segments, Planner))
    census, restless = Census(), Restless()
    model.observers.extend([restless, census])
    model.run()
    model.end()
    return census.counts + restless.counts


# --- money ----------------------------------------------------------------------------------------


class Treasuries(Watcher):
    """Follows the public money by country, from the flows alone."""

    def __init__(self) -> None:
        super().__init__()
        self.balance: Any = 0
        self.left = 0
        self.masks: list[int] | None = None

    def hour(self, model: Any) -> None:
        """The world's money is nobody's gain; no treasury is in debt."""
        assert int(model.ledger.totals.sum()) == 0
        self.masks = self.masks or model.platform_rows["worker_mask"].tolist()
        assert (model.government_rows["balance"] >= 0).all(), "a treasury in debt"
        assert (model.ledger.havens["balance"] == 0).all(), "money that stays in a haven"
        self.counts["hours"] += 1

    def month(self, model: Any, period: str, flows: Any) -> None:
        """What came in, what went out, what is left."""
        collected = sum(flows[NUMBERS[kind]].sum(axis=0) for kind in TAXES)
        assert (collected == model.collected).all(), "what was collected against what platforms paid"
        spent = sum(flows[NUMBERS[kind]].sum(axis=1) for kind in SPENT_BY_TREASURIES)
        pooled = flows[NUMBERS["pooling"]]
        self.balance = self.balance + collected + pooled.sum(axis=0) - pooled.sum(axis=1) - spent
        assert (self.balance == model.government_rows["balance"]).all(), "a treasury against its flows"
        self.left = self.left + int(collected.sum()) - int(spent.sum())
        assert self.left >= 0, "more was spent than had been collected"
        shifted = int(flows[NUMBERS["profit_shifting"]].sum())
        assert shifted == int(flows[NUMBERS["haven_tax"]].sum() + flows[NUMBERS["haven_profit"]].sum())
        self.pay(model, flows)
        self.masks = model.platform_rows["worker_mask"].tolist()
        for kind in (
            *TAXES,
            *SPENT_BY_TREASURIES,
            "pooling",
            "profit_shifting",
            "external_income",
            "capital",
            "user_charge",
        ):
            self.counts[kind] += int(flows[NUMBERS[kind]].sum())
        self.counts["months"] += 1

    def pay(self, model: Any, flows: Any) -> None:
        """Each who is in the market holds the country's income and nothing else; it comes from one place."""
        income = model.config.policy.universal_income
        rows = model.worker_rows[: model.workers_count]
        paid = int(flows[NUMBERS["universal_income"]].sum() + flows[NUMBERS["external_income"]].sum())
        if income is None or not paid:
            return
        kind = "external_income" if income.funding == "external" else "universal_income"
        assert int(flows[NUMBERS[kind]].sum()) == paid, "paid from the wrong place"
        if income.recipients != "users":
            active = (rows["bits"] & ACTIVE) > 0
            due = np.where(active, model.offices.per_head[rows["country"]], 0)
            # Whoever a platform has just shut out holds what was pending, too.
            held = rows["balance"] if self.masks == model.platform_rows["worker_mask"].tolist() else due
            assert (held == due).all() and (rows["balance"] >= due).all(), "an income that somebody else got"
            assert int(due.sum()) == paid
        if income.pool == "global" and not income.countries:
            assert len(set(model.offices.per_head.tolist())) == 1, "one pot, several amounts"
        self.counts["recipients"] += int((rows["balance"] > 0).sum())


def of_the_world() -> Config:
    """Workers of 45 countries on several platforms."""
    words = ["workers.count=250", "requesters.count=10", "time.days=40", "time.warmup_days=0"]
    config = compose([*words, "time.start=2019-01-07", "record.figures=false"])
    return replace(config, policy=EVERYTHING)


RESIDENTS = Policies(UsageTax(), TurnoverTax(), ProfitTax(attribution="sales"), UniversalIncome())
USERS = Policies(
    UsageTax(schedule="graduated", free_users=0.0, step_users=1e5, start="2019-02-01", end="2019-03-01"),
    universal_income=UniversalIncome(pool="bloc", recipients="users"),
)
RUINOUS = Policies(
    usage_tax=UsageTax(schedule="gdp_indexed", usd_per_user_month=20.0, to_workers=0.5, exit_months=0),
    profit_tax=ProfitTax(rate=0.3),
    universal_income=UniversalIncome(pool="global"),
)

ACCOUNTS: dict[str, tuple[Callable[[], Config], tuple[str, ...]]] = {
    "all four": (
        lambda: market(policy=EVERYTHING),
        ("usage_tax", "turnover_tax", "profit_tax", "universal_income", "pooling", "profit_shifting"),
    ),
    "residents": (
        lambda: market(policy=RESIDENTS),
        ("income_of_others", "universal_income", "administration"),
    ),
    "users, for a month": (lambda: market(policy=USERS), ("universal_income", "usage_tax")),
    "more than there is": (lambda: market(policy=RUINOUS), ("capital", "universal_income", "usage_tax")),
    "from outside": (lambda: market(policy=paid_from_outside(77.777777)), ("external_income",)),
    "the world": (of_the_world, ("usage_tax", "turnover_tax", "profit_tax", "universal_income", "pooling")),
}


def accounts(config: Config, audited: bool = True) -> Counts:
    """Every account in every hour, by a second ledger and the checks of debug mode; public money by flows."""
    model = ClickWorkModel(config)
    books, money = Books(), Treasuries()
    model.observers.append(money)
    if audited:
        books.attach(model)
        model.observers.append(Debug())
    model.run()
    model.end()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    return books.counts + money.counts


def generated(number: int, days: int = 9) -> Config:
    """A varied market with instruments at odd values, from a number; most see the end of a month."""
    base, r = varied(number, days=days), random.Random(number)
    half = SEVERAL[base.world.table]
    platforms = list(base.platforms)
    if number % 2 == 1:
        users = Platform(family="social", owner=half[0], user_adjustment=1.0)
        base = replace(base, platforms={**base.platforms, "users": users})

    def some(names: Sequence[str]) -> list[str] | None:
        return r.choice((None, None, [r.choice(list(names))]))

    def levy() -> dict[str, Any]:
        bearers = r.choice(((0.0, 0.0), (0.5, 0.5), (0.0, 1.0), (0.37, 0.21)))
        return {
            "platforms": (covered := some(platforms)), "countries": some(half),
            "exit_months": r.choice((0, 1, 3)), "to_requesters": bearers[0], "to_workers": bearers[1],
            "to_users": r.choice((0.0, 0.4, 1.0)) * (covered is None),
            "phase_in_months": r.choice((0, 3)),
        }  # fmt: skip

    schedule = r.choice(("flat", "gdp_indexed", "graduated"))
    usage = UsageTax(
        schedule="arpu_share" if number % 5 == 4 else schedule,
        usd_per_user_month=r.choice((0.000001, 0.05, 0.3333333, 50.0)),
        threshold_users=r.choice((0.0, 1e6)), step_users=r.choice((1e4, 1e8)),
        free_users=1e5 * (number % 2), arpu_share=(0.05, 1.0)[number % 3 == 1], **levy(),
    )  # fmt: skip
    turnover = TurnoverTax(rate=r.choice((0.03, 0.1, 1.0)), **levy())
    profit = ProfitTax(
        rate=r.choice((None, 0.0, 0.25, 1.0)), attribution=r.choice(("residence", "sales", "users")),
        countries=some(half),
    )  # fmt: skip
    funding = r.choice(("revenue", "revenue", "external"))
    income = UniversalIncome(
        funding=funding, recipients=r.choice(("residents", "users", "workers")),
        pool=r.choice(("national", "bloc", "global")), countries=some(half),
        administration_share=r.choice((0.0, 0.03, 1.0)), reservation_elasticity=r.choice((0.0, 0.4)),
        usd_per_month=r.choice((0.1, 1000.0)) if funding == "external" else 0.0,
        hours_south=r.choice((0.0, -0.5)),
    )  # fmt: skip
    policy = Policies(
        usage,
        turnover if r.random() < 0.6 else None,
        profit if r.random() < 0.6 else None,
        income if r.random() < 0.8 else None,
    )
    if any(path == "universal_income.countries" for path, *_ in policy.problems()):
        policy = replace(policy, universal_income=replace(income, countries=None))
    return only_read(replace(base, policy=policy))


def exits(countries: tuple[str, ...], platforms: tuple[str, ...], months: int = 1) -> Counts:
    """A platform that loses by a country gives it up after so many months; its workers are paid, and go."""
    policy = Policies(
        UsageTax(
            usd_per_user_month=50.0, exit_months=months, countries=list(countries), platforms=list(platforms)
        )
    )
    base = market(policy=policy)
    model = ClickWorkModel(
        replace(base, learning=replace(base.learning, leave_weeks=200, switch_share=0.0, join_rate=0.05))
    )
    books = Books().attach(model)
    model.observers.append(Debug())
    first = FEBRUARY if months == 1 else MARCH
    model.run(first)
    codes = [model.world.codes.index(code) for code in countries]
    numbers = [model.platform_number(name) for name in platforms]

    def there() -> Any:
        rows = model.worker_rows[: model.workers_count]
        on = np.isin(column_of(rows, "platform"), numbers) & np.isin(rows["country"], codes)
        return np.flatnonzero(on & ((rows["bits"] & ACTIVE) > 0))

    stranded = there()
    pending = model.worker_rows["pending"][stranded].copy()
    assert len(stranded) and pending.any(), "nobody to shut out"
    model.step()
    assert len(there()) == 0, "still there"
    at_work = np.concatenate(
        [board.active["row"][: int(board.state[boards.ACTIVE_COUNT])] for board in model.boards]
    )
    # A session of less than an hour, elsewhere, has begun, paid and ended since.
    began = column_of(model.worker_rows[stranded], "session_start") == model.hour - 1
    idle = stranded[~np.isin(stranded, at_work) & ~began]
    assert len(idle) and (model.worker_rows["pending"][idle] == 0).all(), "what was pending is not paid"
    moved = (model.worker_rows["bits"][stranded] & ACTIVE) > 0
    assert (np.asarray(moved) == (len(numbers) < len(model.platform_names))).all(), "they move if they can"
    spendable = model.worker_rows["balance"][stranded]
    assert (spendable >= pending).all(), "they leave without their money"
    model.run()
    model.end()
    assert len(there()) == 0, "somebody came back or joined"
    return books.counts + Counter(
        stranded=len(stranded), moved=int(moved.sum()), micro_dollars=int(pending.sum())
    )


def levies_within_bounds() -> Counts:
    """Whatever is passed on, a fee stays a fee, and the market goes on."""
    absurd = Policies(
        UsageTax(usd_per_user_month=1000.0, to_requesters=0.5, to_workers=0.5, exit_months=0),
        TurnoverTax(rate=1.0, to_requesters=1.0, exit_months=0),
    )
    model = ClickWorkModel(market(policy=absurd))
    debug = Debug()
    model.observers.append(debug)
    model.run(FEBRUARY + 48)
    rows = model.platform_rows
    assert (rows["requester_fee_ppm"] == 2_000_000).all() and (rows["worker_fee_ppm"] == 990_000).all()
    assert (rows["large_batch_fee_ppm"] <= 4_000_000).all() and (model.offices.levies > 2.0).all()
    model.run()
    model.end()
    return debug.counts


def levies_are_fees() -> Counts:
    """Whoever the law names, it is the price list that counts: a levy does what a fee of that size does."""
    plain = market(days=26)
    names = list(plain.platforms)
    levies = [
        Contribution(channel, number, 0.05)
        for channel in (LEVY_ON_REQUESTERS, LEVY_ON_WORKERS)
        for number in range(len(names))
    ]
    dearer = {
        name: replace(one, requester_fee=one.requester_fee + 0.05, worker_fee=one.worker_fee + 0.05)
        for name, one in plain.platforms.items()
    }
    models = [
        ClickWorkModel(plain, population_of(plain), contributions=tuple(levies)),
        ClickWorkModel(replace(plain, platforms=dearer), population_of(plain)),
        ClickWorkModel(plain, population_of(plain)),
    ]
    for model in models:
        model.run()
    prints = [fingerprint(model) for model in models]
    assert prints[0] == prints[1] != prints[2], "a levy is not a fee"
    return Counter(transfers=models[0].ledger.transfers_booked)


# --- going on -------------------------------------------------------------------------------------


def resumed(policy: Policies, hours: Sequence[int]) -> Counts:
    """Stopped and resumed in the middle of months, a run goes on to the same bits."""
    config = market(policy=policy)
    whole = ClickWorkModel(config)
    whole.run()
    chain = ClickWorkModel(config)
    with tempfile.TemporaryDirectory() as folder:
        for hour in hours:
            chain.run(hour - chain.hour)
            chain.save(Path(folder) / "checkpoint")
            chain = ClickWorkModel.load(Path(folder) / "checkpoint")
    chain.run()
    for model in (whole, chain):
        model.end()
    assert fingerprint(whole) == fingerprint(chain), "a resumed run differs"
    one, other = whole.offices.state(), chain.offices.state()
    assert all((one[name] == other[name]).all() for name in one), "the offices of a resumed run differ"
    assert (whole.government_rows == chain.government_rows).all()
    return Counter(restarts=len(hours), paid=int(whole.offices.per_head.sum()))


def same_anyhow() -> Counts:
    """Threads, boards' threads and the order of storage mean nothing with every instrument on either."""
    config = market(days=40, policy=EVERYTHING)
    config = replace(config, market=replace(config.market, boards=2))
    one = played(config)
    two = played(replace(config, compute=replace(config.compute, threads=2)))
    assert fingerprint(one) == fingerprint(two), "the number of threads shows"
    return permutation(config)


def open_books() -> Counts:
    """Open books are what closing them would book; the taxes on use and turnover only grow within a month.

    After an end in the middle of a month, the offices count the rest of it anew.
    """
    model = ClickWorkModel(market(policy=EVERYTHING))
    model.run(FEBRUARY + 1)
    growing = [NUMBERS["usage_tax"], NUMBERS["turnover_tax"]]
    before, counts = np.zeros_like(model.ledger.flows), Counter[str]()
    for _ in range(3):
        model.run(24 * 7)
        planned = model.flows_of_open_books()
        closed = copy.deepcopy(model)
        flows = closed.ledger.flows.copy()
        closed.close_platform_books()
        assert (closed.ledger.flows - flows == planned).all(), "open books against closed ones"
        assert (planned[growing] >= before[growing]).all(), "less is due than a week ago"
        assert not model.ledger.flows[growing].any(), "something was booked"
        before = planned
        counts["micro-dollars"] += int(planned[growing].sum())
    model.end()
    assert model.offices.part_of_month(MARCH) == Fraction(MARCH - model.hour, 24 * 28)
    assert not model.offices.month_fees.any() and not model.flows_of_open_books()[growing].any()
    return counts


HERE = ["here_0", "here_1"]
LOCAL: dict[str, Any] = {"countries": ["NTH"], "platforms": HERE}
OF_ONE_WORLD = {
    "usage_tax": Policies(UsageTax(usd_per_user_month=0.5, to_requesters=0.5, to_workers=0.4, **LOCAL)),
    "turnover_tax": Policies(turnover_tax=TurnoverTax(to_requesters=1.0, **LOCAL)),
    "profit_tax": Policies(profit_tax=ProfitTax(countries=["NTH"])),
    "universal_income": Policies(
        universal_income=UniversalIncome(
            countries=["NTH"], funding="external", usd_per_month=300.0, reservation_elasticity=0.4
        )
    ),
    "conditional_income": Policies(
        UsageTax(usd_per_user_month=50.0, exit_months=0, **LOCAL),
        conditional_income=ConditionalIncome(countries=["NTH"], tasks_a_month=5),
    ),
    "hiring subsidies": Policies(
        UsageTax(usd_per_user_month=50.0, exit_months=0, **LOCAL),
        conditional_income=ConditionalIncome(countries=["NTH"], recipients="employers"),
    ),
    "wage_floor": Policies(wage_floor=WageFloor(usd_per_hour=6.0, **LOCAL)),
    "cooperative": Policies(cooperative=Cooperative(platforms=["here_0"])),
    "commons": Policies(commons=Commons(platforms=HERE)),
    "union": Policies(union=Union(organising_rate=0.5, **LOCAL)),
    "reclassification": Policies(reclassification=Reclassification(**LOCAL)),
    "measures": Policies(measures={"search": Measure(rule="paid_search", value=4.0, **LOCAL)}),
}
"""Every instrument, in force in one of two worlds."""

TOGETHER = Policies(
    UsageTax(usd_per_user_month=0.5, to_requesters=0.5, to_workers=0.4, **LOCAL),
    TurnoverTax(countries=["NTH"], to_requesters=1.0),
    ProfitTax(countries=["NTH"]),
    UniversalIncome(countries=["NTH"], recipients="workers", reservation_elasticity=0.4),
    wage_floor=WageFloor(usd_per_hour=6.0, **LOCAL),
)


def apart(policy: Policies = TOGETHER, seed: int = 1, workers: int = 60) -> Counts:
    """Instruments in one of two worlds that share nothing leave the other as it was."""
    config = two_worlds(tiny(days=58, workers=workers, requesters=8, seed=seed))
    # So that there is a profit to be taxed.
    cheap = {name: replace(one, cost_per_transaction_usd=0.0) for name, one in config.platforms.items()}
    config = replace(config, platforms=cheap)
    kept, seen = Flows(), Flows()
    plain = played(config, FEBRUARY + 400, (kept,))
    policed = played(replace(config, policy=policy), FEBRUARY + 400, (seen,))
    try:
        same_snapshots(part(plain, 0), part(policed, 0), "the policed world")
    except AssertionError:
        pass
    else:
        raise AssertionError(
            "the instruments changed nothing where they hold, so the comparison says nothing"
        )
    assert all((a[:, 1, 1] == b[:, 1, 1]).all() for a, b in zip(kept.months, seen.months, strict=True))
    return Counter(rows=same_snapshots(part(plain, 1), part(policed, 1), "the other world"))


# --- behaviour ------------------------------------------------------------------------------------


def paid_from_outside(usd: float, **changes: Any) -> Policies:
    """An income from outside."""
    return Policies(universal_income=UniversalIncome(funding="external", usd_per_month=usd, **changes))


def reservations(usd: float = 300.0, elasticity: float = 0.4) -> Counts:
    """An income multiplies reservation wages by 1 + e U / Y, in the engine and in the worker's own methods.

    Y is worked out here from the text: 28 hours a week in another job at the country's wage, click work as
    wanted and as paid so far, at least the poverty line of 3 dollars a day at the country's prices.
    """
    policy = paid_from_outside(usd, reservation_elasticity=elasticity)
    model = played(market(days=40, workers=400, policy=policy), FEBRUARY + 38)
    counts = Counter[str]()
    assert (model.offices.per_head == int(usd * 1e6)).all()
    for _ in range(12):
        counts += _reservations_now(model, usd, elasticity)
        model.step()
    return counts


ON_A_ROSTER = Policies(
    UsageTax(usd_per_user_month=5.0),
    universal_income=UniversalIncome(
        recipients="workers", roster="fixed", start="2019-02-01", reservation_elasticity=0.4
    ),
)

STILL = {"leave_weeks": 200, "join_rate": 0.0, "switch_share": 0.0}
"""Learning in a market where nobody comes, goes or moves."""


def fixed_roster(
    recipients: str = "workers", platforms: list[str] | None = None, usd: float = 300.0
) -> Counts:
    """Who was there when the income began is paid for good, whatever they do; nobody else is, or acts on it.

    ``recipients`` are the workers of ``platforms``, or those who had a session there in the month before.
    """
    terms = {"recipients": recipients, "platforms": platforms, "start": "2019-02-01", "roster": "fixed"}
    policy = paid_from_outside(usd, reservation_elasticity=0.4, hours_south=-0.2, **terms)
    seen = Flows()
    model = ClickWorkModel(market(days=58, workers=300, policy=policy))
    model.observers.append(seen)
    model.run(FEBRUARY)
    rows, covered = model.worker_rows[: model.workers_count], [platforms is None] * 2
    for name in platforms or ():
        covered[model.platform_number(name)] = True
    if recipients == "users":
        bits = sum(1 << number for number, one in enumerate(covered) if one)
        there = model.offices.seen_workers[: len(rows)] & bits > 0
    else:
        there = (rows["bits"] & ACTIVE > 0) & np.array(covered)[column_of(rows, "platform")]
    roster = set(np.flatnonzero(there).tolist())
    model.run(1)
    counts = Counter(roster=len(roster))
    while model.hour < MARCH + 1:
        assert set(np.flatnonzero(model.paid_income).tolist()) == roster, "another one is paid"
        for _ in range(4):
            counts += _reservations_now(model, usd, 0.4, roster)
            model.step()
        _hours_of(model, roster)
        model.run(min(97, MARCH + 1 - model.hour))
    paid = int(seen.of("external_income").sum())
    assert paid == 2 * len(roster) * int(usd * 1e6), f"{paid} paid to {len(roster)}"
    rows = model.worker_rows[: model.workers_count]
    active = set(np.flatnonzero(rows["bits"] & ACTIVE).tolist())
    return counts + Counter(left=len(roster - active), others=len(active - roster))


def _hours_of(model: ClickWorkModel, roster: set[int]) -> None:
    """The sessions of all who are not on a roster are as without an income; those of some on it are not."""
    rows, sessions = model.worker_rows[: model.workers_count].copy(), []
    unearned = model.effects[..., 0].copy()
    for income in (unearned, 0.0 * unearned):
        model.effects[..., 0] = income
        drawn, today = rows.copy(), np.zeros(len(rows), np.int8)
        model.draw_sessions(0, len(rows), model.day + 1, drawn, today)
        sessions.append(np.where(today >= 0, column_of(drawn, "session_minutes"), 0))
    model.effects[..., 0] = unearned
    changed = set(np.flatnonzero(sessions[0] != sessions[1]).tolist())
    assert changed and changed <= roster, "sessions of others change"


def roster_where_nobody_moves() -> Counts:
    """Where nobody comes, goes or moves, it makes no difference whether a roster is fixed."""
    base = market(days=58)
    base = replace(base, learning=replace(base.learning, **STILL))
    models = []
    for roster in ("present", "fixed"):
        income = UniversalIncome(recipients="workers", roster=roster)
        models.append(played(replace(base, policy=Policies(UsageTax(), universal_income=income))))
    assert fingerprint(models[0]) == fingerprint(models[1]), "a fixed roster differs"
    return Counter(paid=int(models[0].offices.per_head.sum()), transfers=models[0].ledger.transfers_booked)


def _reservations_now(
    model: ClickWorkModel, usd: float, elasticity: float, roster: set[int] | None = None
) -> Counts:
    world, counts = model.world, Counter[str]()
    for board in model.boards:
        for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
            row = model.worker_rows[int(entry["row"])]
            country = int(row["country"])
            job = 28 * 52 / 12 * float(world.outside_wage_usd[country]) if row["bits"] & OTHER_JOB else 0.0
            click = float(row["desired_minutes"]) / 60 * 52 / 12 * max(0.0, float(row["all_in_pay"]))
            need = 3.0 * 1.137 * 365 / 12 * float(world.price_level[country])
            paid = roster is None or int(entry["row"]) in roster
            rise = 1 + paid * elasticity * usd / max(need, job + click)
            counts["not on the roster"] += not paid
            expected = float(row["log_reservation"]) + math.log(rise)
            assert abs(float(entry["log_reservation"]) - expected) < 1e-9, "the engine against the rule"
            worker = model.views.worker(int(entry["row"]))
            wage = math.exp(expected)
            assert not worker.accepts(wage * (1 - 1e-6)) and worker.accepts(wage * (1 + 1e-6)), (
                "the worker's own"
            )
            tools = has_tools(model, worker.row)
            weight = (
                model.config.workers.tool_reservation_weight
                if tools
                else model.config.learning.reservation_weight
            )
            base, pay = math.exp(worker.log_base_reservation), worker.all_in_pay
            stored = (1 - weight) * base + weight * pay if pay > 0 else base
            assert math.isclose(worker.reservation_wage(), stored * rise, rel_tol=1e-6), "reservation_wage()"
            counts["workers"] += 1
            counts["in another job"] += bool(row["bits"] & OTHER_JOB)
            counts["at the poverty line"] += need > job + click
            counts["with tools"] += tools
    return counts


def has_tools(model: ClickWorkModel, number: int) -> bool:
    """Whether a worker has tools, from the text: her own draw is below a share that grows with her tasks."""
    terms, row = model.config.workers, model.worker_rows[number]
    done = int(row["accepted"]) + int(row["rejected"])
    share = terms.tool_share * done / (done + terms.tool_half_tasks)
    draw = uniform(
        stream_key(model.config.seed, TOOLS, 0),
        int(permanent_ids(model.worker_rows[number : number + 1])[0]),
        0,
    )
    return bool(draw < share)


class Firm(Worker):
    """A worker who takes nothing under five dollars an hour."""

    def reservation_wage(self) -> float:
        """What is answered is what holds, whatever the income."""
        return 5.0


class Doubling(Worker):
    """A worker who asks for twice what the rule says."""

    def reservation_wage(self) -> float:
        """The rule's answer knows the income."""
        return 2.0 * super().reservation_wage()


def answers(usd: float = 300.0) -> Counts:
    """A worker's own answer is the wage the engine goes by in that week; an income is not counted twice."""
    policy = paid_from_outside(usd, reservation_elasticity=0.4)
    config = market(days=40, workers=300, policy=policy)
    first, second, *_ = config.segments
    model = ClickWorkModel(config, worker_classes={first: Firm, second: Doubling})
    monday = 24 * 28
    assert model.clock.is_week_start(monday) and monday > FEBRUARY
    model.run(monday + 1)
    tools = {row: has_tools(model, row) for row in range(model.workers_count)}
    model.run(6)
    counts = Counter[str]()
    for _ in range(72):
        model.step()
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                if int(model.history_rows["joined_day"][int(entry["row"])]) >= monday // 24:
                    continue  # asked for the first time when the next week begins
                worker = model.views.worker(int(entry["row"]))
                if has_tools(model, worker.row) != tools[worker.row]:
                    counts["who came to tools since"] += 1
                    continue  # tools tell more of her pay from the next time on that she is asked
                wage = math.exp(float(entry["log_reservation"]))
                assert math.isclose(wage, worker.reservation_wage(), rel_tol=2e-6), type(worker).__name__
                counts[type(worker).__name__] += 1
    return counts


def hours_wanted(usd: float = 300.0) -> Counts:
    """An income takes earnings of 0.11 dollars for each, in the North alone; sessions shrink there alone."""
    model = played(market(days=40, workers=400, policy=paid_from_outside(usd)), FEBRUARY + 1)
    rows = model.worker_rows[: model.workers_count].copy()
    north = rows["country"] == model.world.codes.index("NTH")
    minutes = []
    effects = model.effects.copy()
    for unearned in (0.0, usd):
        model.effects[..., 0] = unearned
        worked = np.zeros(len(rows))
        for day in range(40, 60):
            drawn, today = rows.copy(), np.zeros(len(rows), np.int8)
            model.draw_sessions(0, len(rows), day, drawn, today)
            worked += np.where(today >= 0, column_of(drawn, "session_minutes"), 0)
        minutes.append(worked)
    model.effects[:] = effects
    without, with_income = minutes
    assert (without[~north] == with_income[~north]).all(), "hours change in the South"
    assert (with_income[north] <= without[north]).all() and with_income[north].sum() < without[north].sum()
    return Counter(
        northerners=int(north.sum()),
        fewer=int((with_income < without).sum()),
        southerners=int((~north).sum()),
    )
