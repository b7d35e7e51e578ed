"""The analyst's cases in ``tests/policy_cases``: what is given and expected, as the pure functions see it."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import yaml

from sim.agents.platform import RANKINGS
from sim.agents.rules import floor_wanted, lowest_pay, worth_the_tasks
from sim.agents.traits import ACTIVE, NEWCOMER, OTHER_JOB, PARTS, PLATFORM, REQUESTER, WORKER
from sim.clock import Clock
from sim.config import Platform
from sim.instruments import (
    Commons,
    ConditionalIncome,
    Cooperative,
    Policies,
    ProfitTax,
    TurnoverTax,
    UniversalIncome,
    UsageTax,
    WageFloor,
)
from sim.ledger import KINDS
from sim.market.audience import gives_up
from sim.market.board import ACTIVE as ACTIVE_ENTRY
from sim.market.board import BATCH, EVENT, RETURN
from sim.market.labour import note_labels
from sim.market.posting import lowest_floor, open_to
from sim.policy import taxes
from sim.policy.at_cost import Costs
from sim.policy.channels import FOLDS, fold
from sim.policy.commons import count_records, worth
from sim.policy.cooperative import Cooperatives, have_enough, is_excluded, patronage
from sim.policy.effects import EXPECTED
from sim.policy.leaving import CUSTOMERS, NOBODY, WORKERS
from sim.policy.members import of_countries
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
    elif instrument in OTHERS:
        OTHERS[instrument](given, expect)
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
        platforms={"microwork": replace(usual, family=given.get("family", "microwork")), "other": usual},
    )
    return Offices(config, world_of(given), Clock(BEGINNING, load_world("north_south").zones, False))


def world_of(given: dict[str, Any]) -> World:
    """Return the two countries with the facts that a case gives."""
    world = load_world("north_south")
    assert world.codes == CODES
    changes: dict[str, Any] = {}
    if "population" in given:
        changes["population"] = heads(given, "population")
    if "minimum_wage" in given:
        changes["minimum_wage_usd"] = np.array([given["minimum_wage"][code] for code in CODES])
    if "corporate_tax" in given:
        changes["corporate_tax"] = np.array([given["corporate_tax"][code] for code in CODES])
    if "group" in given:
        changes["group"] = tuple(given["group"][code] for code in CODES)
    return replace(world, **changes)


def hour_of(date: str) -> int:
    """Hour of the run at which a day begins."""
    return 24 * (dt.date.fromisoformat(date) - BEGINNING).days


def month_of(given: dict[str, Any]) -> tuple[Offices, Any, int]:
    """Return the offices at the end of a month as a case describes it, the users, and the hour."""
    offices = offices_of(given, build(Policies, given["policy"], "policy"))
    offices.month_began = hour_of(given.get("began", MONTH[0]))
    end = hour_of(given.get("ends", MONTH[1]))
    offices.working_users[0] = heads(given, "workers")
    users = offices.working_users + 0
    users[0] += heads(given, "requesters") + heads(given, "audience")
    offices.month_fees[0] = by_country(given, "fees")
    offices.month_worker_fees[0] = by_country(given, "worker_fees")
    offices.month_rewards[0] = by_country(given, "rewards")
    offices.losing[0] = heads(given, "losing")
    return offices, users, end


def _check_month(given: dict[str, Any], expect: dict[str, Any]) -> None:
    offices, users, end = month_of(given)
    revenue, cost = whole(given["revenue"]), whole(given["cost"])
    offices.losses[0] = whole(given.get("losses", 0))
    if offices.cooperatives is not None:
        offices.cooperatives.owed[0] = whole(given.get("owed", 0))
    if offices.fund is not None:
        offices.fund.royalty[0] = by_country(given, "royalty")
    charges = offices.charges(0, users, end)
    if "transfers" in expect:
        closing = offices.month_end(0, revenue, cost, charges, users, end)
        same(summed(closing), expected_transfers(expect))
        offices.levies[0, 0] = given.get("levy", 0.0)
        offices.note_result(0, revenue, cost, charges, (), closing, end)
        if "costs" in expect:
            same(int(offices.costs.costs[0, 0]), whole(expect["costs"]))
        if "losses" in expect:
            same(int(offices.losses[0]), whole(expect["losses"]))
        if "owed" in expect and offices.cooperatives is not None:
            same(int(offices.cooperatives.owed[0]), whole(expect["owed"]))
    offices.set_levies(0, charges, end)
    for side, name in enumerate(("levy_on_requesters", "levy_on_workers")):
        if name in expect:
            assert abs(offices.levies[side, 0] - expect[name]) < 1e-12, (name, offices.levies)


# --- leaving countries ------------------------------------------------------------------------------


def _check_leaving(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "homes" in given:
        homes = np.array([CODES.index(code) for code in given["homes"]], np.int64)
        carries = np.array(given["carries"], np.bool_)
        country = CODES.index(given["country"])
        same(is_excluded(country, homes, carries, given["majority"]), expect["excluded"])
        return
    offices, users, end = month_of(given)
    if offices.cooperatives is not None:
        offices.cooperatives.fee[0], offices.cooperatives.lent[0] = given["fee"], whole(given["lent"])
    charges = offices.charges(0, users, end)
    offices.set_levies(0, charges, end)
    check_exits(offices, charges, users, end, given, expect)


def check_exits(
    offices: Offices, charges: list[Any], users: Any, end: int, given: dict[str, Any], expect: dict[str, Any]
) -> None:
    """Hold what a platform gives up against what was written by hand."""
    cost_ppm = int(micro(given.get("cost_on_rewards", 0)))
    if given.get("family") == "social":
        left = {c: NOBODY for c in np.flatnonzero(users[0]) if _audience_left(offices, charges, c, given)}
    else:
        for buyer, sellers in given.get("trade", {}).items():
            offices.month_trade[0, CODES.index(buyer)] = by_country({"of": sellers}, "of")
        offices.month_transactions[0] = heads(given, "transactions")
        costs = cost_ppm, whole(given.get("per_transaction", 0))
        left = offices.left(0, whole(given["own"]), costs, charges, users, end)
    same({CODES[c]: STAYS[who] for c, who in left.items()}, expect["leaves"])
    same(offices.losing[0].tolist(), heads(expect, "losing").tolist())


STAYS = {NOBODY: "nobody", WORKERS: "workers", CUSTOMERS: "customers"}


def _audience_left(offices: Offices, charges: list[Any], country: int, given: dict[str, Any]) -> bool:
    """Whether a social platform gives up a country, which is all that it serves."""
    terms = Platform(family="social", cost_share=given["cost_share"], marginal_share=1.0)
    row = {"platform": 0, "country": country, "month_advertising": whole(given["advertising"])}
    row |= {"month_charged": whole(given["charged"]), "month_cost": whole(given["serving"])}
    model = SimpleNamespace(
        offices=offices,
        config=SimpleNamespace(platforms={"social": terms}),
        platform_names=["social"],
        hour=hour_of(MONTH[1]),
    )
    return gives_up(model, row, charges)


def _check_income(given: dict[str, Any], expect: dict[str, Any]) -> None:
    income = build(UniversalIncome, given["policy"])
    offices = offices_of(given | {"family": "social"}, Policies(universal_income=income))
    if "people" in given:
        _check_roster(offices, given, expect)
        return
    if "audience_then" in given:
        offices.users[0] = heads(given, "audience_then")
        offices.note_roster(np.zeros(0, WORKER), hour_of(MONTH[0]))
    offices.users[0] = heads(given, "audience")
    offices.kept[:] = by_country(given, "kept")
    revenue, workers = by_country(given, "revenue"), heads(given, "workers")
    entries = offices.share_out(revenue, workers, hour_of(MONTH[0]))
    same(summed(entries), expected_transfers(expect))
    same(offices.per_head.tolist(), by_country(expect, "each").tolist())
    # What reaches the market is what is paid, to workers of the platforms covered.
    found = fold(2, 2, offices.contributions(hour_of(MONTH[0]))).transfers
    for paid, name in zip((found * 1e6).round().astype(int).tolist(), offices.names, strict=True):
        same(paid, offices.per_head.tolist() if income.covers(name) else [0, 0])
    if "kept" in expect:
        same(offices.kept.tolist(), by_country(expect, "kept").tolist())
    for name in ("wanted", "allowed"):
        if name in expect:
            same(getattr(offices, name).tolist(), by_country(expect, name).tolist())


def _check_roster(offices: Offices, given: dict[str, Any], expect: dict[str, Any]) -> None:
    """Who is paid in each month, of people who are there or not, on a platform, with sessions or without."""
    for month, paid in zip(given["months"], expect["paid"], strict=True):
        people = [person for person in given["people"] if person[month] != "not yet"]
        rows = np.zeros(len(people), WORKER)
        offices.seen_workers = np.zeros(len(people), np.uint16)
        for row, person in enumerate(people):
            there = ("microwork", "other").index(person[month]) if person[month] != "gone" else 0
            rows[row]["bits"] = ACTIVE * (person[month] != "gone")
            PARTS["platform"].put(rows, row, there)
            offices.seen_workers[row] = (1 << there) * (month in person.get("sessions", ()))
        hour = max(0, hour_of(month))
        offices.note_roster(rows, hour)
        found = offices.recipients(rows)
        same([people[row]["name"] for row in np.flatnonzero(found)], paid)


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


# --- the wage floor -------------------------------------------------------------------------------


def mask_of(codes: list[str]) -> int:
    """Bits of some countries."""
    return sum(1 << CODES.index(code) for code in codes)


def _check_floor(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "floors" in expect:
        offices = offices_of(given, Policies(wage_floor=build(WageFloor, given["policy"])))
        found = fold(2, 2, offices.contributions(hour_of(given.get("month", MONTH[0])))).worker_floor
        by_hand = [
            [expect["floors"].get(platform, {}).get(code, 0.0) for code in CODES]
            for platform in ("microwork", "other")
        ]
        assert np.abs(found - np.array(by_hand)).max() < 1e-12, (found, by_hand)
    elif "open" in expect:
        floors = np.array([float(given["floors"][code]) for code in CODES])
        mask = open_to(3, float(whole(given["reward"])), float(given["seconds"]), floors)
        same([code for country, code in enumerate(CODES) if mask >> country & 1], expect["open"])
    elif "lowest" in expect:
        floors = np.array([float(given["floors"][code]) for code in CODES])
        requester, platform = np.zeros(1, REQUESTER), np.zeros(1, PLATFORM)
        requester["worker_mask"], platform["worker_mask"] = (
            mask_of(given["wants"]),
            mask_of(given["admitted"]),
        )
        platform["highest_floor"] = floors.max()
        same(lowest_floor(requester[0], platform[0], floors), float(expect["lowest"]))
    else:
        counted = given["true_over_stated"] if given["basis"] == "actual" else 1.0
        pay = lowest_pay(
            float(given["promise"]), float(given["floor"]), bool(given["complies"]), float(counted)
        )
        assert abs(pay - expect["pays"]) < 1e-12, (pay, expect["pays"])


# --- conditional income ---------------------------------------------------------------------------


def _check_conditional(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "bound" in expect:
        hours, wage = given["seconds"] / 3600, math.log(given["reservation"])
        same(bool(worth_the_tasks(float(given["income"]), given["tasks"], hours, wage)), expect["bound"])
        return
    income = build(ConditionalIncome, given["policy"])
    offices = offices_of(given, Policies(conditional_income=income))
    offices.kept[:] = by_country(given, "kept")
    month = hour_of(given.get("month", MONTH[1]))
    if "people" in given:
        _check_seekers(offices, given, expect, month)
    elif income.recipients == "employers":
        _check_employers(offices, given, expect, month)
    else:
        entries = offices.share_out(by_country(given, "revenue"), heads(given, "seekers"), month)
        same(summed(entries), expected_transfers(expect))
        same(offices.per_head.tolist(), by_country(expect, "each").tolist())
        found = fold(2, 2, offices.contributions(hour_of(MONTH[1])))
        assert not found.transfers.any(), "counted as an income without a condition"
    if "kept" in expect:
        same(offices.kept.tolist(), by_country(expect, "kept").tolist())


def _check_seekers(offices: Offices, given: dict[str, Any], expect: dict[str, Any], month: int) -> None:
    """Who is paid as a month begins, and who in it would have to do how many tasks more."""
    people = np.zeros(len(given["people"]), WORKER)
    before = []
    for row, person in zip(people, given["people"], strict=True):
        row["country"] = CODES.index(person.get("country", "NTH"))
        row["bits"] = ACTIVE * (not person.get("gone")) | OTHER_JOB * bool(person.get("other_job"))
        PARTS["platform"].put(
            people, len(before), ("microwork", "other").index(person.get("platform", "microwork"))
        )
        row["accepted"], row["rejected"] = person["before"], 0
        before.append(row.copy())
    known = given.get("joined_since", 0)
    start = hour_of(given.get("since", MONTH[0]))
    offices.per_head[:] = by_country(given, "paid_last")
    offices.set_conditions(np.array(before)[: len(before) - known], by_country(given, "revenue"), start)
    if "expected" in expect:
        same((offices.effects[:, EXPECTED] * 1e6).round().tolist(), by_country(expect, "expected").tolist())
    for row, person in zip(people, given["people"], strict=True):
        row["accepted"] += person.get("accepted", 0)
        row["rejected"] += person.get("rejected", 0)
    if "missing" in expect:
        same([offices.tasks_missing(row, person) for row, person in enumerate(people)], expect["missing"])
    if "paid" in expect:
        same(np.flatnonzero(offices.recipients(people)).tolist(), expect["paid"])


def _check_employers(offices: Offices, given: dict[str, Any], expect: dict[str, Any], month: int) -> None:
    """What each requester is given back, and what share of their cost all count on from now on."""
    requesters = np.zeros(len(given["spent"]), [("country", "i8")])
    requesters["country"] = [CODES.index(code) for code, _ in given["spent"]]
    offices.month_spent = np.array([whole(usd) for _, usd in given["spent"]], np.int64)
    entries, paid = offices.subsidise(by_country(given, "revenue"), requesters, month)
    amounts = np.zeros(len(requesters), np.int64)
    amounts[paid["credit"]] = paid["amount"]
    assert (requesters["country"][paid["credit"]] == paid["debit"]).all(), "paid by another treasury"
    same(amounts.tolist(), [whole(usd) for usd in expect["given_back"]])
    same(summed(entries), expected_transfers(expect))
    shares = [expect.get("share", {}).get(code, 0.0) for code in CODES]
    assert np.abs(offices.subsidies - np.array(shares)).max() < 1e-9, offices.subsidies


# --- cooperatives and the commons -----------------------------------------------------------------


def _check_cooperative(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "enough" in expect:
        wanted, pay = (np.array(given[name], np.float64) for name in ("wanted", "pay"))
        earned = np.array([whole(usd) for usd in given["earned"]], np.int64)
        same(have_enough(given["share"], wanted, earned, pay).tolist(), expect["enough"])
    elif "voted" in expect:
        _check_fee_vote(given, expect)
    elif "wants" in expect:
        wanted = floor_wanted(math.log(given["reservation"]), float(given["learned"]))
        assert abs(wanted - expect["wants"]) < 1e-12, (wanted, expect["wants"])
    elif "pot" in given:
        pot, earned = whole(given["pot"]), np.array([whole(usd) for usd in given["earned"]], np.int64)
        each = patronage(pot, of_members(given, earned))
        same(each.tolist(), [whole(usd) for usd in expect["each"]])
        same(pot - int(each.sum()), whole(expect["kept"]))
    elif "transfers" in expect or "levy_on_requesters" in expect:
        _check_month(given, expect)
    elif "fees" in expect:
        _check_way(given, expect)
    else:
        _check_decisions(build(Cooperative, given["policy"]), given, expect)


def _check_fee_vote(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """The fee that members vote for, month after month, and what of it requesters pay."""
    terms = build(Cooperative, {"fee": "voted", **given["policy"]})
    cooperatives = Cooperatives(terms, ("microwork", "other"), [False, False], ["microwork"])
    cooperatives.founded[0] = given.get("founded", False)
    found = []
    for share, enough in zip(given["cost_shares"], given["enough"], strict=True):
        cooperatives.vote_on_fee(0, share, given.get("worker_fee", 0.0), np.array(enough, np.bool_))
        found.append(float(cooperatives.fee[0]))
    by_hand = [np.inf if fee is None else fee for fee in expect["voted"]]
    assert np.allclose(found, by_hand, rtol=0, atol=1e-12), (found, by_hand)


def of_members(given: dict[str, Any], amounts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Amounts by worker, of the countries that a case names, if it does."""
    if "homes" not in given:
        return amounts
    rows = np.zeros(len(amounts), WORKER)
    rows["country"] = [CODES.index(code) for code in given["homes"]]
    covered = np.array([code in given["countries"] for code in CODES])
    return of_countries(SimpleNamespace(worker_rows=rows), covered, amounts)


def _check_way(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What members decided, on its way from the platform's own terms."""
    offices = offices_of(given, Policies(cooperative=build(Cooperative, given["policy"])))
    cooperatives = offices.cooperatives
    assert cooperatives is not None
    offices.own_fees[0] = tuple(given["own_fees"])
    cooperatives.fee[0], cooperatives.floor[0] = given["at_cost"], given.get("voted", 0.0)
    cooperatives.founded[0] = given.get("founded", False)
    found = fold(2, 2, offices.contributions(hour_of(given["month"])))
    held = [found.usual_fee[0], found.large_fee[0], found.reward_floor[0]]
    by_hand = [*expect["fees"], expect.get("floor", 0.0)]
    assert np.allclose(held, by_hand, rtol=0, atol=1e-12), (held, by_hand)


def _check_decisions(terms: Cooperative, given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What members decide: the fee by the costs, or floor and order by votes."""
    cooperatives = Cooperatives(terms, ("microwork", "other"), [False, False], ["microwork"])
    if "fee" in expect:
        cooperatives.founded[0] = given.get("founded", False)
        share = costs_of([given["costs"]], [given["rewards"]]).share(0, terms.cost_months)
        cooperatives.set_fee(0, share, given.get("worker_fee", 0.0))
        by_hand = np.inf if expect["fee"] is None else expect["fee"]
        assert np.isclose(cooperatives.fee[0], by_hand, rtol=0, atol=1e-12), (cooperatives.fee[0], by_hand)
    else:
        wages, tasks = np.array(given["wages"], np.float64), np.array(given["tasks"], np.int64)
        cooperatives.count_votes(0, 9, wages, tasks)
        same(float(cooperatives.floor[0]), float(expect["floor"]))
        shown = fold(1, 1, cooperatives.contributions(1.0, [(0.2, 0.2), (0.2, 0.2)])).orders[0]
        ordered = {RANKINGS[place]: share for place, share in enumerate(shown.tolist()) if share}
        same(ordered, {} if expect["order"] is None else {expect["order"]: terms.ranking_share})
        same((cooperatives.members[0], cooperatives.voters[0]), (9, len(wages)))


def costs_of(costs: list[list[Any]], rewards: list[list[Any]]) -> Costs:
    """Costs and rewards of past months, of each platform; the last month comes first."""
    book = Costs(len(costs))
    for platform, (spent, paid) in enumerate(zip(costs, rewards, strict=True)):
        for cost, reward in zip(reversed(spent), reversed(paid), strict=True):
            book.note(platform, whole(cost), whole(reward))
    return book


def _check_commons(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "reward" in given:
        _check_royalty(given, expect)
    elif "records" in given:
        _check_records(given, expect)
    elif "pot" in given:
        pot, seconds, unpaid = whole(given["pot"]), given["seconds"], given["unpaid"]
        labelled = of_members(given, np.array(seconds, np.int64))
        of_people = worth(labelled, np.array(unpaid, np.int64), given.get("each", 5))
        due = patronage(pot, of_people).tolist()
        same(due[: len(seconds)], [whole(usd) for usd in expect["workers"]])
        same(due[len(seconds) :], [whole(usd) for usd in expect["users"]])
        same(pot - sum(due), whole(expect["kept"]))
    elif "transfers" in expect:
        _check_month(given, expect)
    else:
        offices = offices_of(given, Policies(commons=build(Commons, given["policy"])))
        if "costs" in given:
            offices.costs = costs_of(given["costs"], given["rewards"])
        if "own_fees" in given:
            offices.own_fees[0] = tuple(given["own_fees"])
        if "payers" in expect:
            same(offices.royalty_payers, mask_of(expect["payers"]))
        found = fold(2, 2, offices.contributions(hour_of(given["month"])))
        assert np.allclose(found.royalty, expect["royalty"], rtol=0, atol=1e-12), found.royalty
        portable = [np.broadcast_to(one, len(CODES)) for one in expect["portable"]]
        assert np.allclose(found.portable, portable, rtol=0, atol=1e-12), found.portable
        labels = [np.broadcast_to(one, len(CODES)) for one in expect["labels"]]
        assert np.allclose(found.shared_labels, labels, rtol=0, atol=1e-12), found.shared_labels
        for fees in (found.usual_fee, found.large_fee):
            highest = [np.inf if fee is None else fee for fee in expect["cap"]]
            assert np.allclose(fees, highest, rtol=0, atol=1e-12), fees


def _check_records(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What records of people on duty count for: (country, tasks accepted, newcomer or not) of each."""
    workers, entries = np.zeros(len(given["records"]), WORKER), np.zeros(len(given["records"]), ACTIVE_ENTRY)
    entries["row"] = np.arange(len(entries))[::-1]
    for row, (code, tasks, new) in enumerate(given["records"]):
        workers[row]["country"], workers[row]["accepted"] = CODES.index(code), tasks
        workers[row]["bits"] = NEWCOMER * new
    entries["accepted"] = np.where(workers["bits"] & NEWCOMER, 0, workers["accepted"])[::-1]
    count_records(entries, workers, np.array([given["portable"][code] for code in CODES]))
    same(entries["accepted"][::-1].tolist(), expect["count"])


def _check_royalty(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What one batch's work of an hour owes the fund, and how many labels it is."""
    number = len(given["accepted"])
    batches, active = np.zeros(2, BATCH), np.zeros(number, ACTIVE_ENTRY)
    done = sum(given["accepted"])
    batches["reward"], batches["fee_ppm"] = whole(given["reward"]), given["fee_ppm"]
    batches["accepted"], batches["posted_hour"] = given["before"] + done, given.get("posted", 0)
    batches["requester_country"], batches["type"] = 1, 3
    batches["true_seconds"] = given.get("seconds", 30)
    active["row"] = np.arange(number)
    events = np.zeros(number + given.get("returned", 0), EVENT)
    events["slot"] = 1
    events["accepted"][:number], events["active"][:number] = given["accepted"], np.arange(number)
    events["kind"][number:], events["accepted"][number:] = RETURN, 77
    labels, royalty = np.zeros((number, 2), np.int64), np.zeros(2, np.int64)
    since, rates = np.array([0, given.get("since", 0)]), np.array([0, given["royalty_ppm"]])
    order, types = np.arange(len(events)), (1 << 3) * given.get("owes", True)
    note_labels(
        len(events), view(events), order, view(active), view(batches), types, since, rates, labels, royalty
    )
    same(royalty.tolist(), [0, whole(expect["royalty"])])
    same(labels[:, 0].tolist(), expect["labels"])
    same(labels[:, 1].tolist(), [given.get("seconds", 30) * one for one in expect["labels"]])


def view(rows: Any) -> Any:
    """Records as the kernels take them."""
    return rows.view(np.recarray)


# --- measures of a user's own -----------------------------------------------------------------------


def _check_measures(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """Every channel of both platforms, and those that no rule is about: these are neutral."""
    policies = build(Policies, {**given.get("policy", {}), "measures": given["measures"]}, "policy")
    offices = offices_of(given, policies)
    found = fold(2, 2, offices.contributions(hour_of(given.get("month", MONTH[0]))))
    for name, (_, neutral) in FOLDS.items():
        held = getattr(found, name)
        by_hand = np.full_like(held, neutral)
        for platform, value in expect.get(name, {}).items():
            row = ("microwork", "other").index(platform)
            if isinstance(value, dict):
                for code, usd in value.items():
                    by_hand[row, CODES.index(code)] = usd
            else:
                by_hand[row] = value
        assert np.allclose(held, by_hand, rtol=0, atol=1e-12), (name, held, by_hand)


OTHERS = {
    "leaving": _check_leaving,
    "universal_income": _check_income,
    "conditional_income": _check_conditional,
    "wage_floor": _check_floor,
    "cooperative": _check_cooperative,
    "commons": _check_commons,
    "measures": _check_measures,
}
"""How the cases of instruments other than taxes are held against the functions."""
