"""The analyst's cases in ``tests/policy_cases``: what is given and expected, as the pure functions see it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml

from sim.clock import Clock
from sim.instruments import Policies, ProfitTax, TurnoverTax, UniversalIncome, UsageTax
from sim.ledger import KINDS
from sim.policy import taxes
from sim.policy.office import Entry, Offices
from sim.validation import build
from sim.world import World, load_world
from tests.support.markets import tiny

FOLDER = Path(__file__).resolve().parent.parent / "policy_cases"
CODES = ("NTH", "STH")
BEGINNING = dt.date(2019, 1, 1)
MONTH = ("2019-02-01", "2019-03-01")
AGENTS = 40
"""Workers of the configuration; how many people each stands for is ``persons``."""

TAXES = {"usage_tax": UsageTax, "turnover_tax": TurnoverTax, "profit_tax": ProfitTax}


class DatesAsText(yaml.SafeLoader):
    """A reader that leaves dates as they are written, as the project's own does."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def cases_of(instrument: str) -> list[dict[str, Any]]:
    """Read the cases of an instrument."""
    cases = yaml.load((FOLDER / f"{instrument}.yaml").read_text(encoding="utf-8"), Loader=DatesAsText)
    names = [case["case"] for case in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    return list(cases)


def micro(usd: Any) -> Fraction:
    """Micro-dollars of an amount as it is written."""
    return Fraction(str(usd)) * 1_000_000


def whole(usd: Any) -> int:
    """Whole micro-dollars of an amount as it is written."""
    amount = micro(usd)
    assert amount.denominator == 1, f"{usd} has fractions of a micro-dollar"
    return int(amount)


def by_country(given: dict[str, Any], name: str) -> np.ndarray[Any, Any]:
    """Micro-dollars of each country."""
    return np.array([whole(given.get(name, {}).get(code, 0)) for code in CODES], np.int64)


def heads(given: dict[str, Any], name: str) -> np.ndarray[Any, Any]:
    """Numbers of each country."""
    return np.array([given.get(name, {}).get(code, 0) for code in CODES], np.int64)


def check(instrument: str, case: dict[str, Any]) -> None:
    """Hold one case against the functions."""
    given, expect = case["given"], case["expect"]
    if "tax" in given:
        _check_tax(build(TAXES[instrument], given["tax"]), given, expect)
    elif instrument == "universal_income":
        _check_income(given, expect)
    else:
        _check_month(given, expect)


def _check_tax(tax: Any, given: dict[str, Any], expect: dict[str, Any]) -> None:
    if isinstance(tax, UsageTax):
        gdp, people = given.get("gdp_per_head", [1.0]), given.get("population", [1])
        rate = taxes.usage_rates(tax, gdp, people)[given.get("country", 0)]
        same(
            taxes.usage_due(tax, given["users"], rate, Fraction(given.get("persons", 1))),
            micro(expect["due"]),
        )
    elif isinstance(tax, TurnoverTax):
        same(taxes.turnover_due(tax, whole(given["fees"])), micro(expect["due"]))
    else:
        shifted, due = taxes.profit_parts(tax, whole(given["profit"]), given["statutory"])
        same((shifted, due), (micro(expect["shifted"]), micro(expect["due"])))


def same(found: Any, expected: Any) -> None:
    """Fail unless both are equal."""
    assert found == expected, f"{found}, by hand {expected}"


def offices_of(given: dict[str, Any], policies: Policies) -> Offices:
    """Return the public offices of two countries as a case describes them."""
    base = tiny(workers=AGENTS)
    usual = base.platforms["microwork"]
    config = replace(
        base,
        policy=policies,
        time=replace(base.time, start=BEGINNING.isoformat(), days=90),
        workers=replace(base.workers, real_count=float(AGENTS * given.get("persons", 1))),
        platforms={"microwork": usual, "other": usual},
    )
    return Offices(config, world_of(given), Clock(BEGINNING, load_world("north_south").zones, False))


def world_of(given: dict[str, Any]) -> World:
    """Return the two countries with the facts that a case gives."""
    world = load_world("north_south")
    assert world.codes == CODES
    changes: dict[str, Any] = {}
    if "population" in given:
        changes["population"] = heads(given, "population")
    if "corporate_tax" in given:
        changes["corporate_tax"] = np.array([given["corporate_tax"][code] for code in CODES])
    if "group" in given:
        changes["group"] = tuple(given["group"][code] for code in CODES)
    return replace(world, **changes)


def hour_of(date: str) -> int:
    """Hour of the run at which a day begins."""
    return 24 * (dt.date.fromisoformat(date) - BEGINNING).days


def _check_month(given: dict[str, Any], expect: dict[str, Any]) -> None:
    offices = offices_of(given, build(Policies, given["policy"], "policy"))
    offices.month_began = hour_of(given.get("began", MONTH[0]))
    end = hour_of(given.get("ends", MONTH[1]))
    offices.working_users[0] = heads(given, "workers")
    users = offices.working_users + 0
    users[0] += heads(given, "requesters")
    offices.month_fees[0] = by_country(given, "fees")
    offices.month_worker_fees[0] = by_country(given, "worker_fees")
    offices.month_rewards[0] = by_country(given, "rewards")
    offices.losing[0] = heads(given, "losing")
    revenue, cost = whole(given["revenue"]), whole(given["cost"])
    charges = offices.charges(0, users, end)
    if "transfers" in expect:
        same(summed(offices.month_end(0, revenue, cost, charges, users, end)), expected_transfers(expect))
    offices.set_levies(0, charges, end)
    for side, name in enumerate(("levy_on_requesters", "levy_on_workers")):
        if name in expect:
            assert abs(offices.levies[side, 0] - expect[name]) < 1e-12, (name, offices.levies)
    left = offices.left(0, revenue, cost, charges)
    if "leaves" in expect:
        same([CODES[country] for country in left], expect["leaves"])
        same(offices.losing[0].tolist(), heads(expect, "losing").tolist())


def _check_income(given: dict[str, Any], expect: dict[str, Any]) -> None:
    income = build(UniversalIncome, given["policy"])
    offices = offices_of(given, Policies(universal_income=income))
    offices.kept[:] = by_country(given, "kept")
    revenue, workers = by_country(given, "revenue"), heads(given, "workers")
    entries = offices.share_out(revenue, workers, hour_of(MONTH[0]))
    same(summed(entries), expected_transfers(expect))
    same(offices.per_head.tolist(), by_country(expect, "each").tolist())
    same((offices.effects[:, 0] * 1e6).round().astype(int).tolist(), offices.per_head.tolist())
    if "kept" in expect:
        same(offices.kept.tolist(), by_country(expect, "kept").tolist())


def summed(entries: list[Entry]) -> Counter[str]:
    """Transfers as sums by kind and receiving country; nothing is left out."""
    found: Counter[str] = Counter()
    for entry in entries:
        assert isinstance(entry.amount, int) and entry.amount >= 0, entry
        found[f"{KINDS[entry.kind][0]} {CODES[entry.payee_country]}"] += entry.amount
    return Counter({name: amount for name, amount in found.items() if amount})


def expected_transfers(expect: dict[str, Any]) -> Counter[str]:
    """The same, from what was written by hand."""
    return Counter({name: whole(usd) for name, usd in expect["transfers"].items()})
