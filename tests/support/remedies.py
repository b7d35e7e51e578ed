"""What must hold of a union and of employment by platforms: cases by hand, and markets watched by observers.

As in ``tests.support.policies``: functions that raise ``AssertionError`` and return counts.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sim import schedule
from sim.agents.rules import noise_sigma, rating_effect
from sim.agents.traits import ACTIVE, MEMBER, PARTS, WORKER, column_of, permanent_ids
from sim.draws import uniform
from sim.instruments import Policies, Reclassification, Union, UniversalIncome, UsageTax, WageFloor
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.numeric import binomial
from sim.policy import paid_time, reclassification, union
from sim.policy.channels import PAID_TIME, Contribution, fold
from sim.policy.office import Offices
from sim.policy.terms import NO_REFUSAL, least_rewards, make_terms
from sim.policy.union import GRIEVANCE
from sim.schedule import REVIEW, SHIFTS, SUPPORT
from sim.schedule import UNION as JOINING
from sim.validation import build
from tests.mesa_api.checks import foretold_acceptance
from tests.mesa_api.market import lively
from tests.support.cases import (
    CODES,
    MONTH,
    by_country,
    check_exits,
    expected_transfers,
    heads,
    hour_of,
    offices_of,
    same,
    summed,
    whole,
)
from tests.support.markets import fingerprint, tiny
from tests.support.observers import NUMBERS, Books, Debug, Watcher
from tests.support.policies import FEBRUARY, Counts, Flows, Restless, market, played, rate_of
from tests.support.relations import part, permutation, same_snapshots, two_worlds

NAMES = ("microwork", "other")

# --- cases by hand --------------------------------------------------------------------------------


def check(instrument: str, case: dict[str, Any]) -> None:
    """Hold one case against the functions."""
    checks = {"union": _check_union, "reclassification": _check_employment, "paid_time": _check_time}
    checks[instrument](case["given"], case["expect"])


def near(found: float, expected: float) -> None:
    """Fail unless both are equal but for the last bits."""
    assert abs(found - expected) < 1e-12, f"{found}, by hand {expected}"


def table(expect: dict[str, dict[str, float]]) -> Any:
    """Numbers by platform and country, 0 where none is named."""
    return np.array([[expect.get(name, {}).get(code, 0.0) for code in CODES] for name in NAMES])


def near_table(found: Any, expect: dict[str, dict[str, float]]) -> None:
    """Fail unless numbers by platform and country are equal but for the last bits."""
    assert np.abs(found - table(expect)).max() < 1e-12, f"{found}, by hand {table(expect)}"


def _check_union(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "grievance" in expect:
        numbers = float(given.get("pay", -1)), float(given["guideline"]), math.log(given["outside"])
        near(union.grievance(*numbers, float(given["rejected"])), expect["grievance"])
    elif "told" in expect:
        numbers = tuple(float(given[name]) for name in ("own", "accepted", "rejected", "prior_tasks"))
        near(math.exp(rating_effect(*numbers)), expect["told"])
    elif "chance" in expect:
        numbers = tuple(float(given[name]) for name in ("organising", "contact", "density", "grievance"))
        near(union.joining_chance(*numbers), expect["chance"])
    else:
        _check_strength(given, expect)


def _check_strength(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What the union does where it is strong: strikes, agreements, and what it gives to the channels."""
    law = build(Reclassification, given["law"]) if "law" in given else None
    offices = offices_of(given, Policies(union=build(Union, given["policy"]), reclassification=law))
    if law is not None:
        offices.employment = employment_of(given, offices)
    unions = offices.unions
    assert unions is not None
    for name, countries in given.get("workers", {}).items():
        for code, (present, members, mean) in countries.items():
            found = present, members, round(members * mean * 1e6)
            unions.found[NAMES.index(name), CODES.index(code)] = found
    if "ended" in given:
        unions.strike_until[:] = given["ended"]
        unions.quiet_until[:] = given["ended"] + 24 * unions.union.strike_pause_days
    unions.call_strikes(given.get("hour", 0), given.get("strength", 1.0))
    called = {name: int(unions.strike_until[p]) for p, name in enumerate(NAMES) if unions.strikes[p]}
    same(called, expect.get("strikes", {}))
    unions.bargain()
    signed = {
        name: [code for c, code in enumerate(CODES) if unions.signed[p, c]] for p, name in enumerate(NAMES)
    }
    same({name: codes for name, codes in signed.items() if codes}, expect.get("signed", {}))
    channels = fold(2, 2, offices.contributions(hour_of(given.get("month", MONTH[0]))))
    near_table(channels.worker_floor, expect["floors"])
    for name in ("refusal", "noise"):
        if name in expect:
            near_table(getattr(channels, name), expect[name])
    fees = [round(1e6 * given.get("fees", {}).get(name, 0.0)) for name in NAMES]
    terms = make_terms(channels, np.array(fees), 990_000)
    if "asked" in expect:
        asked = np.exp(terms["log_refusal"])
        near_table(np.where(asked > 2 * NO_REFUSAL, asked, 0.0), expect["asked"])
    if "rewards" in expect:
        near_table(least_rewards(channels, terms), expect["rewards"])


def _check_employment(given: dict[str, Any], expect: dict[str, Any]) -> None:
    formula = next((name for name in FORMULAS if name in expect), None)
    if formula is not None:
        law = build(Reclassification, given.get("policy", {}))
        near(FORMULAS[formula](given, law), float(expect[formula]))
        return
    offices = employers_of(given)
    if "floors" in expect:
        _check_quotes(offices, given, expect)
    elif "people" in given:
        _check_month(offices, given, expect)
    else:
        _check_exit(offices, given, expect)


def _lacking(given: dict[str, Any], law: Reclassification) -> float:
    promised, piece = whole(given["wage"]) * given["seconds"], whole(given["piece_pay"])
    return float(paid_time.shortfall(np.array([promised]), np.array([piece]))[0]) / 1e6


def _opened(given: dict[str, Any], law: Reclassification) -> float:
    seconds = given["duty"], given["paid"], given["refused"]
    return float(reclassification.shifts_opened(given["before"], seconds, given["ratio"], law))


FORMULAS: dict[str, Callable[[dict[str, Any], Reclassification], float]] = {
    "lacking": _lacking,
    "withheld": lambda given, law: reclassification.withheld_share(float(given["rate"]), float(given["fee"])),
    "ratio": lambda given, law: reclassification.quoted_ratio(
        given["before"], given["duty"], given["paid"], law
    ),
    "recovered": lambda given, law: reclassification.recovered_share(
        whole(given["shifts"]), whole(given["rewards"]), law
    ),
    "opened": _opened,
    "on_the_way": lambda given, law: reclassification.from_all(given["share"], given["strength"]),
}


def employers_of(given: dict[str, Any]) -> Offices:
    """The public offices where platforms are employers, with contributions as a case gives them."""
    offices = offices_of(given, Policies(reclassification=build(Reclassification, given["policy"])))
    offices.employment = employment_of(given, offices)
    offices.employment.noting[0] = True
    return offices


def employment_of(given: dict[str, Any], offices: Offices) -> reclassification.Employment:
    """What platforms know as employers, with a case's contributions and fees on workers."""
    rates = np.array([float(given.get("rate", {}).get(code, 0.0)) for code in CODES])
    world = replace(offices.world, employer_contributions=rates)
    law = offices.policy.reclassification
    assert law is not None
    fees = {name: float(given.get("fees", {}).get(name, 0.0)) for name in NAMES}
    return reclassification.Employment(law, fees, world)


def _check_quotes(offices: Offices, given: dict[str, Any], expect: dict[str, Any]) -> None:
    employment = offices.employment
    assert employment is not None
    for name, countries in given.get("seconds", {}).items():
        for code, (duty, paid) in countries.items():
            employment.month[NAMES.index(name), CODES.index(code)] = (duty, paid, 0)
    nothing = np.zeros((2, 2), np.int64)
    employment.close_month(nothing, nothing, nothing, True)
    channels = fold(2, 2, offices.contributions(hour_of(given.get("month", MONTH[1]))))
    near_table(channels.labour_cost, expect["floors"])
    assert not channels.worker_floor.any(), "a quote is no wage"


def _check_month(offices: Offices, given: dict[str, Any], expect: dict[str, Any]) -> None:
    employment = offices.employment
    assert employment is not None
    people, time = np.zeros(len(given["people"]), WORKER), offices.paid_time
    time.set_wages(fold(2, 2, offices.contributions(hour_of(MONTH[0]))))
    time.make_room(len(people))
    claims = []
    for row, person in enumerate(given["people"]):
        platform, country = NAMES.index(person.get("platform", "microwork")), CODES.index(person["country"])
        people["country"][row] = country
        PARTS["platform"].put(people, row, platform)
        time.promised[row] = time.wages[platform, country, paid_time.WAITING] * person["seconds"]
        time.piece_pay[row] = whole(person["piece_pay"])
        employment.month_pay[platform, country] += whole(person["piece_pay"])
        time.owed[row] = whole(person.get("owed", 0))
        if "left" in person:
            claims.append([row, 0, whole(person["left"])])
    if claims:
        time.claims = np.array(claims, np.int64)
    month = hour_of(MONTH[1])
    charges = offices.employment_charges(people, month)[0]
    offices.owners = [0, 0]
    users = np.zeros((2, 2), np.int64)
    entries = offices.month_end(0, whole(given["revenue"]), whole(given["cost"]), [], users, month, charges)
    found = summed(entries)
    same(found, expected_transfers(expect))
    paid = offices.pay_for_shifts(people)
    amounts = np.zeros(len(people), np.int64)
    np.add.at(amounts, paid["credit"], paid["amount"])
    same(amounts.tolist(), [whole(usd) for usd in expect["shift_pay"]])
    of_first = int(paid["amount"][paid["debit"] == 0].sum())
    same(of_first, sum(one.amount for one in charges if one.kind == NUMBERS["shift_pay"]))
    assert not time.owed.any() and not len(time.claims) and not time.promised.any()


def _check_exit(offices: Offices, given: dict[str, Any], expect: dict[str, Any]) -> None:
    employment = offices.employment
    assert employment is not None
    dues = np.zeros((2, 2, 2), np.int64)
    dues[0, 0], dues[1, 0] = by_country(given, "shift_pay"), by_country(given, "contributions")
    offices.paid_time.dues = lambda workers: dues[0]  # type: ignore[method-assign]
    employment.due_on = lambda pay, strength: dues[1]  # type: ignore[method-assign]
    employment.month_withheld[0] = by_country(given, "withheld")
    offices.losing[0] = heads(given, "losing")
    charges = offices.employment_charges(np.zeros(0, WORKER), hour_of(MONTH[1]))[0]
    check_exits(offices, charges, np.zeros((2, 2), np.int64), hour_of(MONTH[1]), given, expect)


def _check_time(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """What channels make of contributions, in any order, and what an hour of one worker then lacks."""
    gives = [
        Contribution(f"paid_{kind}", NAMES.index(name), float(usd), CODES.index(code))
        for kind, name, code, usd in given["gives"]
    ]
    for some in (gives, gives[::-1]):
        time = paid_time.PaidTime(2, 2)
        time.set_wages(fold(2, 2, some))
        time.make_room(1)
        place = NAMES.index(given["platform"]), CODES.index(given["country"])
        wages = dict(zip(PAID_TIME, time.wages[place].tolist(), strict=True))
        same({name: usd for name, usd in wages.items() if usd}, {
            f"paid_{kind}": whole(usd) for kind, usd in expect["wages"].items()
        })  # fmt: skip
        spent = [[given["seconds"].get(kind.removeprefix("paid_"), 0) for kind in PAID_TIME]]
        paid_time.add_time(
            np.array([0]), np.array([place[1]]), np.array(spent), time.wages[place[0]], time.promised
        )
        time.piece_pay[0] += whole(given["piece_pay"])
        worker = np.zeros(1, WORKER)
        worker["country"] = place[1]
        PARTS["platform"].put(worker, 0, place[0])
        same(time.dues(worker)[place], whole(expect["due"]))


# --- markets --------------------------------------------------------------------------------------

UNION = Union(
    organising_rate=0.1, contact_rate=0.5, strike_density=0.1, strike_grievance=0.1, strike_pause_days=5
)
ORGANISED = Policies(union=replace(UNION, bargaining_density=0.15))
UNIFORM = Policies(union=replace(UNION, guideline="uniform", usd_per_hour=2.0, countries=["STH"]))
GROWING = Policies(union=replace(UNION, bargaining_density=0.1, contact_rate=1.0, phase_in_months=3))
EMPLOYED = Policies(reclassification=Reclassification())
EMPLOYED_BY_STEPS = Policies(
    reclassification=Reclassification(countries=["STH"], exit_months=0, unfair_share=0.2, phase_in_months=3)
)
EMPLOYED_SOUTH = Policies(reclassification=Reclassification(countries=["STH"], exit_months=0))
EMPLOYED_LATER = Policies(
    reclassification=Reclassification(countries=["STH"], exit_months=0, start="2019-02-01")
)
BOTH = Policies(
    UsageTax(usd_per_user_month=0.2, to_workers=0.5),
    universal_income=UniversalIncome(recipients="workers", reservation_elasticity=0.4),
    wage_floor=WageFloor(usd_per_hour=1.0),
    union=replace(ORGANISED.union or UNION, start="2019-02-01"),
    reclassification=Reclassification(countries=["STH"], exit_months=0),
)
REMEDIES = {"union": ORGANISED, "employment": EMPLOYED, "both, with others": BOTH}


class MemberWatch(Watcher):
    """Works out from the text who is a member, what members ask, who strikes, and where agreements hold."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Any = None
        self.members: set[int] = set()
        self.strikes: dict[int, tuple[int, int]] = {}
        self.present: Counter[tuple[int, int]] = Counter()
        self.joined: Counter[tuple[int, int]] = Counter()

    def hour(self, model: Any) -> None:
        """Look at membership as it is drawn, and at everyone on duty."""
        if model.hour and model.hour % 168 == 0:
            self.week(model)
        rows = model.worker_rows[: model.workers_count]
        held = set(permanent_ids(rows)[(rows["bits"] & MEMBER > 0) & (rows["bits"] & ACTIVE > 0)].tolist())
        gone = set(permanent_ids(rows)[rows["bits"] & ACTIVE == 0].tolist())
        assert held == self.members - gone, "members against the draws"
        for board in model.boards:
            self.board(model, board)

    def board(self, model: Any, board: Any) -> None:
        """Members ask for the guideline at least; on strike they are not on duty."""
        law, struck = model.config.policy.union, self.strikes.get(board.platform, (0, 0))
        strike = struck[0] <= model.hour < struck[1]
        for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
            row, number = int(entry["row"]), int(entry["id"])
            country = int(model.worker_rows["country"][row])
            covered = not law.countries or model.world.codes[country] in law.countries
            own, asked = float(model.worker_rows["log_reservation"][row]), float(entry["log_reservation"])
            if number not in self.members or not covered:
                assert asked == own, "who is no member asks for more"
                self.counts["at work while others strike"] += strike and bool(entry["duty"])
                continue
            if self.is_employed(model, board.platform, country):
                assert asked == own, "an employee refuses by the piece"
                self.counts["members who are employees"] += 1
                continue
            # Who moved as the week began is off duty here, and asks by the fee of where she is now.
            here = int(column_of(model.worker_rows[row : row + 1], "platform")[0]) == board.platform
            fee = int(model.platform_rows["worker_fee_ppm"][board.platform])
            guideline = self.guideline(model, country) * law.refusal_share * (1 - fee / 1e6)
            assert abs(asked - max(own, math.log(guideline))) < 1e-12, "a member under the guideline"
            self.counts["bound by the guideline"] += asked > own
            self.counts["asking more anyway"] += asked == own
            if strike:
                assert not entry["duty"] and not entry["searched"], "a strike-breaker"
                self.counts["on strike"] += 1
            if model.is_active(row) and here and self.counts["views"] < 300:
                worker, wage = model.views.worker(row), math.exp(asked)
                assert worker.union_member
                assert not worker.accepts(wage * (1 - 1e-6)) and worker.accepts(wage * (1 + 1e-6)), "the view"
                self.counts["views"] += 1

    def is_employed(self, model: Any, platform: int, country: int) -> bool:
        """Whether all time on duty is paid by the platform: its workers in the country are employees."""
        law = model.config.policy.reclassification
        return law is not None and (not law.countries or model.world.codes[country] in law.countries)

    def guideline(self, model: Any, country: int) -> float:
        """USD an hour, this month."""
        law = model.config.policy.union
        local = float(model.world.minimum_wage_usd[country])
        usd = local if law.guideline == "local" else float(law.usd_per_hour)
        return rate_of(model, law, model.hour) * usd

    def week(self, model: Any) -> None:
        """Draw who joins and who leaves, from what was so before; then call strikes."""
        law, rows = model.config.policy.union, self.rows
        ids, collectives = permanent_ids(rows).tolist(), rows["collective"].tolist()
        week, every = model.key(JOINING, model.week - 1), model.key(SUPPORT, 0)
        places = list(zip(PARTS["platform"].of(rows).tolist(), rows["country"].tolist(), strict=True))
        there = [i for i in range(len(rows)) if rows["bits"][i] & ACTIVE]
        here = [
            i
            for i in there
            if (not law.platforms or model.platform_names[places[i][0]] in law.platforms)
            and (not law.countries or model.world.codes[places[i][1]] in law.countries)
        ]
        mine = [i for i in there if ids[i] in self.members]
        present, joined = Counter(places[i] for i in there), Counter(places[i] for i in mine)
        pool, pooled = Counter(collectives[i] for i in there), Counter(collectives[i] for i in mine)
        after = set()
        for i in here:
            agent, place, collective = ids[i], places[i], collectives[i]
            if agent in self.members:
                if uniform(week, agent, 1) >= law.leave_rate:
                    after.add(agent)
                else:
                    self.counts["left the union"] += 1
                continue
            north = model.world.group[place[1]] == "north"
            if uniform(every, agent, 0) >= (law.support_north if north else law.support_south):
                continue
            density = joined[place] / present[place]
            if collective >= 0 and pooled[collective] / pool[collective] > density:
                density = pooled[collective] / pool[collective]
                self.counts["met members in a collective"] += 1
            met = law.contact_rate * density * self.grievance(model, rows[i])
            chance = rate_of(model, law, model.hour) * (law.organising_rate + met)
            if uniform(week, agent, 0) < chance:
                after.add(agent)
                self.counts["joined the union"] += 1
        self.members = after
        self.present = present
        self.joined = Counter(places[i] for i in here if ids[i] in after)
        for platform in range(len(model.platform_names)):
            on = [i for i in here if places[i][0] == platform]
            self.call(model, platform, len(on), [rows[i] for i in on if ids[i] in after])
            until = self.strikes.get(platform, (0, 0))[1]
            assert int(model.terms["strike_until"][platform].max()) == until, "a strike of its own"

    def call(self, model: Any, platform: int, present: int, mine: list[Any]) -> None:
        """A strike where members are many and aggrieved, and rested."""
        law = model.config.policy.union
        grieved = sum(self.grievance(model, row) for row in mine)
        counted = int(model.offices.unions.found[platform, :, GRIEVANCE].sum())
        assert abs(counted - 1e6 * grieved) <= len(mine), f"grievance {counted}, {1e6 * grieved} of members"
        last = self.strikes.get(platform, (0, -(10**6)))[1]
        rested = model.hour >= last + 24 * law.strike_pause_days
        many = mine and len(mine) >= law.strike_density * present
        hours = int(24 * law.strike_days * rate_of(model, law, model.hour))
        if rested and many and grieved >= law.strike_grievance * len(mine) and hours:
            self.strikes[platform] = (model.hour, model.hour + hours)
            self.counts["strikes"] += 1

    def grievance(self, model: Any, row: Any) -> float:
        """1 less what is left after low pay and rejections."""
        pay = float(row["all_in_pay"])
        if pay < 0:
            return 0.0
        outside = math.exp(float(row["log_base_reservation"]))
        reference = max(self.guideline(model, int(row["country"])), outside)
        done = int(row["accepted"]) + int(row["rejected"])
        kept = 1 - int(row["rejected"]) / done if done else 1.0
        return 1 - min(1.0, pay / reference) * kept

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Agreements hold where the share of members, as last counted, is high enough in a group."""
        law, world = model.config.policy.union, model.world
        for p in range(len(model.platform_names)):
            for c, code in enumerate(world.codes):
                group = [
                    k
                    for k in range(len(world.codes))
                    if world.group[k] == world.group[c]
                    and (not law.countries or world.codes[k] in law.countries)
                ]
                members = sum(self.joined[p, k] for k in group)
                share = members / max(1, sum(self.present[p, k] for k in group))
                holds = members > 0 and share >= law.bargaining_density and c in group
                floor = self.guideline(model, c) * law.bargained_share if holds else 0.0
                assert abs(float(model.floors[p, c]) - floor) < 1e-12, f"{code}: an agreement at {share}"
                self.counts["agreements"] += holds
                self.counts["no agreements"] += not holds


def watched(model: ClickWorkModel, watch: MemberWatch) -> None:
    """Play a run whose workers ``watch`` sees as they are when the union counts them."""
    honest, kept = schedule.organise, schedule.WEEK

    def looked_at(one: Any) -> None:
        watch.rows = one.worker_rows[: one.workers_count].copy()
        honest(one)

    schedule.WEEK = tuple(looked_at if phase is honest else phase for phase in kept)
    try:
        model.run()
    finally:
        schedule.WEEK = kept


def members(policy: Policies = ORGANISED, seed: int = 1, days: int = 58, workers: int = 200) -> Counts:
    """Members are those whom the draws make members; they ask what the union stands for, and strike."""
    model = ClickWorkModel(market(days=days, workers=workers, policy=policy, seed=seed))
    watch = MemberWatch()
    model.observers.append(watch)
    watched(model, watch)
    assert watch.counts["at work while others strike"], "those who are no members do not work either"
    return watch.counts


def collectives() -> Counts:
    """Whoever is aggrieved and works with members in a collective joins, where chance has no part."""
    law = Union(organising_rate=0.0, contact_rate=1.0, support_south=1.0, guideline="uniform")
    model = ClickWorkModel(market(days=2, workers=300, policy=Policies(union=law)))
    unions, rows = model.offices.unions, model.worker_rows[: model.workers_count]
    assert unions is not None
    rows["all_in_pay"] = 0.0
    others = np.flatnonzero(rows["collective"] < 0)
    all_members = np.full((len(model.collective_rows), 2), 1, np.int64)
    unions.let_join(0, len(rows), (1, 2), rows, all_members, 1.0)
    joined = rows["bits"] & MEMBER > 0
    assert joined[rows["collective"] >= 0].all() and not joined[others].any()
    return Counter(joined=int(joined.sum()), others=len(others))


def ratings() -> Counts:
    """Members' error in what a listing pays is smaller by the gain, in the engine and in the view."""
    law = Union(rating_gain=0.6, refusal_share=0.0, strike_days=0)
    model = ClickWorkModel(market(days=9, workers=150, policy=Policies(union=law)))
    model.worker_rows["bits"][: model.workers_count : 2] |= MEMBER
    counts = Counter[str]()
    model.run(24 * 8)
    for _ in range(24):
        model.step()
        for board in model.boards:
            for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
                if not entry["served"]:  # whose record is as it was when the hour began
                    counts += _error_of(model, entry)
    return counts


def _error_of(model: ClickWorkModel, entry: Any) -> Counts:
    row, settings, counts = model.worker_rows[int(entry["row"])], model.settings[0], Counter[str]()
    names = ("noise_sigma", "noise_experienced_sigma", "noise_half_tasks")
    done = float(int(row["accepted"]) + int(row["rejected"]))
    member, spread = bool(row["bits"] & MEMBER), float(settings["pay_spread"])
    sigma = noise_sigma(done, *(float(settings[name]) for name in names)) * (0.4 if member else 1.0)
    weight = spread**2 / (spread**2 + sigma**2) if row["learned_pay"] > 0 else 1.0
    assert abs(float(entry["sigma"]) - weight * sigma) < 1e-9, "the error of a member"
    counts["members" if member else "others"] += 1
    worker = model.views.worker(int(entry["row"]))
    wage = worker.perceived_pay(0.5, 300.0)
    worker.union_member = not member
    counts["views that differ"] += wage != worker.perceived_pay(0.5, 300.0)
    worker.union_member = member
    assert wage == worker.perceived_pay(0.5, 300.0)
    return counts


SHARING = Union(refusal_share=0.0, rating_gain=0.0, strike_days=0, bargained_share=0.0, leave_rate=0.0)


def organised(model: Any) -> None:
    """Make every third worker a member; half of the requesters reject at random."""
    model.worker_rows["bits"][: model.workers_count : 3] |= MEMBER
    model.requester_rows["unfair"] = 0.0
    model.requester_rows["unfair"][::2] = 0.9


class RatingWatch(Watcher):
    """Counts how requesters treated members, from events; and what members and others did for the unfair."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tasks = np.zeros((len(model.requester_rows), 2))
        self.informed: set[int] = set()

    def hour(self, model: Any) -> None:
        """Note the hour, and hold what the union knows against it."""
        rows = model.worker_rows
        if model.hour and model.hour % 168 == 0:
            here = rows[: model.workers_count]
            members = (here["bits"] & MEMBER > 0) & (here["bits"] & ACTIVE > 0) & (here["collective"] >= 0)
            self.informed = set(here["collective"][members].tolist())
            self.tasks *= 0.5 ** (1.0 / model.config.policy.union.ratings_half_life_weeks)
            self.counts["weeks faded"] += bool(self.tasks.any())
        for board in model.boards:
            for event in board.events[: int(board.state[boards.EVENTS])]:
                row = rows[int(board.active["row"][event["active"]])]
                batch, entry = board.batches[int(event["slot"])], board.active[int(event["active"])]
                self.hears(model, row, entry)
                if event["kind"] != boards.WORK:
                    continue
                member, done = bool(row["bits"] & MEMBER), int(event["done"])
                requester, accepted = int(batch["requester"]), int(event["accepted"])
                who = "members" if member else "informed" if entry["believed"] >= 0 else "others"
                self.counts[who] += done
                self.counts[who, "unfair"] += done if requester % 2 == 0 else 0
                if member:
                    self.tasks[requester] += accepted, done - accepted
        if model.config.policy.union.share_ratings:
            known = model.offices.ratings.tasks
            assert np.allclose(known, self.tasks, rtol=1e-12), "ratings against events"

    def hears(self, model: Any, row: Any, entry: Any) -> None:
        """Those hear of ratings who are members, or work with one in a collective, as counted on Monday."""
        group, member = int(row["collective"]), bool(row["bits"] & MEMBER)
        friends = group in self.informed
        shared = model.config.policy.union.share_ratings
        assert (entry["believed"] >= 0) == (shared and (member or friends)), "who hears of ratings"


def shared_ratings() -> Counts:
    """Members, and those who work with one, hear of ratings; members do less for the unfair."""
    counts, shares = Counter[str](), {}
    for shares_ratings in (True, False):
        law = replace(SHARING, share_ratings=shares_ratings)
        config = market(days=80, workers=200, policy=Policies(union=law))
        requesters = replace(config.requesters, approval_share=0.0)
        model = ClickWorkModel(replace(config, requesters=requesters))
        organised(model)
        watch = RatingWatch(model)
        model.observers.append(watch)
        model.run()
        shares[shares_ratings] = watch.counts["members", "unfair"] / watch.counts["members"]
        counts += watch.counts if shares_ratings else Counter()
        assert shares_ratings or not watch.counts["informed"], "ratings that are not shared are heard"
    assert shares[True] < 0.95 * shares[False], shares
    return counts


def resumed_ratings() -> Counts:
    """A checkpoint holds what members told each other, and who hears of it."""
    whole = ClickWorkModel(market(days=20, workers=100, policy=Policies(union=SHARING)))
    organised(whole)
    whole.run(300)
    with tempfile.TemporaryDirectory() as folder:
        whole.save(Path(folder) / "checkpoint")
        resumed = ClickWorkModel.load(Path(folder) / "checkpoint")
    for name in ("tasks", "informed"):
        one, other = (getattr(model.offices.ratings, name) for model in (whole, resumed))
        assert (one == other).all() and one.any(), name
    for model in (whole, resumed):
        model.run()
    assert fingerprint(whole) == fingerprint(resumed), "a resumed run differs"
    return Counter(tasks=int(whole.offices.ratings.tasks.sum()))


def foretold_by_members() -> Counts:
    """What members take is what they say they would, with what they heard of each requester."""
    base = lively(workers=100)
    config = replace(base, policy=Policies(union=replace(SHARING, organising_rate=0.0, contact_rate=0.0)))
    return Counter(compared=foretold_acceptance(config, organised))


class EmployerWatch(Watcher):
    """Keeps the books of employers from events and the text alone: periods, shifts, quotes, contributions."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        law, world = model.config.policy.reclassification, model.world
        self.law, self.codes = law, world.codes
        usd, rates = law.usd_per_hour, law.contributions
        self.usd = [float(w) if usd is None else usd for w in world.minimum_wage_usd]
        self.rates = [float(r) if rates is None else rates for r in world.employer_contributions]
        self.fees = [platform.worker_fee for platform in model.config.platforms.values()]
        self.seconds: Counter[int] = Counter()
        self.piece: Counter[int] = Counter()
        self.owed: Counter[tuple[int, int]] = Counter()
        self.of_month, self.of_week = Counter[Any](), Counter[Any]()
        self.ratios: dict[Any, float] = defaultdict(lambda: law.first_ratio)
        self.opened: dict[Any, float] = defaultdict(lambda: 1.0)
        self.recovered: dict[Any, float] = defaultdict(float)
        self.platforms: dict[int, int] = {}
        self.countries: dict[int, int] = {}
        self.rate = 1.0

    def covered(self, model: Any, platform: int, country: int) -> bool:
        """Whether the law holds."""
        law = self.law
        return (not law.platforms or model.platform_names[platform] in law.platforms) and (
            not law.countries or self.codes[country] in law.countries
        )

    def end(self, agent: int) -> None:
        """End a pay period: what piece pay lacks is owed by the platform of the period."""
        wage = Fraction(str(self.rate * self.usd[self.countries[agent]])) * 10**6
        if agent in self.seconds:
            lacking = int(int(wage) * self.seconds.pop(agent) / 3600) - self.piece.pop(agent, 0)
            self.owed[self.platforms[agent], agent] += max(0, lacking)
            self.counts["periods that lack pay"] += lacking > 0
            self.counts["periods that lack none"] += lacking <= 0
        self.piece.pop(agent, None)

    def moves(self, model: Any) -> None:
        """End the periods of those who have changed platform."""
        rows = model.worker_rows[: model.workers_count]
        ids, platforms = permanent_ids(rows).tolist(), PARTS["platform"].of(rows).tolist()
        for agent, platform, country in zip(ids, platforms, rows["country"].tolist(), strict=True):
            self.countries[agent] = country
            if self.platforms.get(agent, platform) != platform:
                self.counts["moves within a period"] += agent in self.seconds
                self.end(agent)
            self.platforms[agent] = platform

    def hour(self, model: Any) -> None:
        """Hold the hour's terms against the text, and note who worked and was paid for how long."""
        self.rate = rate_of(model, self.law, model.hour)
        if model.hour and model.hour % 168 == 0:
            for agent in list(self.seconds):
                self.end(agent)
            self.week(model)
        self.moves(model)
        for board in model.boards:
            self.sessions(model, board)
            self.work(model, board)

    def sessions(self, model: Any, board: Any) -> None:
        """Who began a session has a shift by the draw; who has none is not on duty."""
        rows = model.worker_rows[: model.workers_count]
        began = (model.today[: len(rows)] == model.utc_hour) & (rows["tile"] == board.tile)
        on_duty = {int(row) for row in board.active["row"][: int(board.state[boards.ACTIVE_COUNT])]}
        for row in np.flatnonzero(began & (rows["bits"] & ACTIVE > 0)):
            place = board.platform, int(rows["country"][row])
            if not self.covered(model, *place):
                continue
            agent = int(permanent_ids(rows[row : row + 1])[0])
            lucky = uniform(model.key(SHIFTS, model.hour), agent, 0) < self.on_the_way(self.opened[place])
            if lucky:
                assert int(row) in on_duty, "a shift that was not given"
                self.counts["shifts"] += 1
            else:
                refused = 60 * int(PARTS["session_minutes"].of(rows[row]))
                self.of_week[place, "refused"] += refused
                self.counts["no shifts"] += 1

    def work(self, model: Any, board: Any) -> None:
        """Seconds on duty, and rewards less what is taken and withheld."""
        for entry in board.active[: int(board.state[boards.ACTIVE_COUNT])]:
            place = board.platform, int(entry["country"])
            for sums in (self.of_month, self.of_week):
                sums[place, "duty"] += int(entry["duty"])
            if self.covered(model, *place) and entry["duty"]:
                self.seconds[int(entry["id"])] += int(entry["duty"])
        for event in board.events[: int(board.state[boards.EVENTS])]:
            if event["kind"] != boards.WORK:
                continue
            batch, entry = board.batches[int(event["slot"])], board.active[int(event["active"])]
            agent, place = int(entry["id"]), (board.platform, int(entry["country"]))
            covered, accepted = self.covered(model, *place), int(event["accepted"])
            gross = accepted * int(batch["reward"])
            ppm = self.taken(place) if covered else round(1e6 * self.fees[place[0]])
            for sums in (self.of_month, self.of_week):
                sums[place, "paid"] += accepted * int(event["own_seconds"])
                sums[place, "rewards"] += gross
                sums[place, "net"] += gross - -(-gross * ppm // 10**6)
            requester = model.requester_rows[int(batch["requester"])]
            accuracy = float(model.worker_rows["accuracy"][int(entry["row"])]) / 255
            unfair = float(requester["unfair"]) * (self.on_the_way(self.law.unfair_share) if covered else 1.0)
            chance = (1 - accuracy) * float(requester["strictness"]) + accuracy * unfair
            draw = uniform(model.key(REVIEW, model.hour), agent, int(event["start"]))
            assert int(event["done"]) - accepted == binomial(draw, int(event["done"]), chance), "rejected"
            self.counts["reviews of employees" if covered else "reviews of others"] += 1
            if covered:
                self.piece[agent] += gross - gross * ppm // 10**6
                self.seconds[agent] += 0

    def on_the_way(self, share: float) -> float:
        """From all to a share, as far as the law has grown."""
        return 1 - self.rate * (1 - share)

    def taken(self, place: tuple[int, int]) -> int:
        """Millionths of a reward that an employee does not get."""
        fee, rate, recovered = self.fees[place[0]], self.rate * self.rates[place[1]], self.recovered[place]
        withheld = recovered + (1 - fee - recovered) * rate / (1 + rate)
        return round(1e6 * fee) + math.floor(1e6 * withheld + 0.5)

    def week(self, model: Any) -> None:
        """Plan the shifts of a week by those of the last."""
        for p in range(len(model.platform_names)):
            for c in range(len(self.codes)):
                place = p, c
                planned = self.of_week[place, "duty"] + self.of_week[place, "refused"]
                if self.covered(model, *place) and planned and self.law.slack is not None:
                    covered = self.law.slack * self.ratios[place] * self.of_week[place, "paid"]
                    forecast = min(1.0, covered / planned)
                    moved = self.opened[place] + self.law.smoothing * (forecast - self.opened[place])
                    self.opened[place] = max(self.law.least_shifts, moved)
                found = float(model.terms["shifts"][p, c])
                opened = self.on_the_way(self.opened[place]) if self.covered(model, *place) else 1.0
                assert abs(found - opened) < 1e-12, f"shifts {found}"
                self.counts["weeks with fewer shifts"] += found < 1.0
        self.of_week.clear()

    def month(self, model: Any, period: str, flows: Any) -> None:
        """What is due, by platform and country; what is quoted from now on."""
        before = self.rate = rate_of(model, self.law, model.hour - 1)
        self.moves(model)
        for agent in list(self.seconds):
            self.end(agent)
        self.rate = rate_of(model, self.law, model.hour)
        owners = model.offices.owners
        pay, due = np.zeros_like(flows[0]), np.zeros_like(flows[0])
        for p in range(len(model.platform_names)):
            for c, code in enumerate(self.codes):
                if not self.covered(model, p, c):
                    assert not model.terms["withheld_ppm"][p, c]
                    continue
                owed = sum(
                    usd for (platform, agent), usd in self.owed.items()
                    if platform == p and self.countries[agent] == c
                )  # fmt: skip
                net, rewards = self.of_month[(p, c), "net"], self.of_month[(p, c), "rewards"]
                pay[owners[p], c] += owed
                due[owners[p], c] += int(
                    Fraction(str(self.rates[c])) * Fraction(before).limit_denominator(9) * (net + owed)
                )
                self.recovered[p, c] = min(0.5, self.law.recovered * owed / rewards) if rewards else 0.0
                self.quote(model, (p, c), code)
        assert (flows[NUMBERS["shift_pay"]] == pay).all(), (flows[NUMBERS["shift_pay"]], pay)
        assert (flows[NUMBERS["contributions"]] == due).all(), (flows[NUMBERS["contributions"]], due)
        rows = model.worker_rows[: model.workers_count]
        held = np.zeros(len(rows), np.int64)
        places = {agent: i for i, agent in enumerate(permanent_ids(rows).tolist())}
        for (_, agent), usd in self.owed.items():
            held[places[agent]] += usd
        if not self.law.exit_months:  # else some may have been shut out, and paid what was pending
            assert (rows["balance"] == held).all(), "who was paid for shifts"
        self.counts["micro-dollars for shifts"] += int(pay.sum())
        self.counts["micro-dollars of contributions"] += int(due.sum())
        self.owed.clear()
        self.of_month.clear()

    def quote(self, model: Any, place: tuple[int, int], code: str) -> None:
        """Hold the floor of the coming month against what an hour of work costs."""
        duty, paid = self.of_month[place, "duty"], self.of_month[place, "paid"]
        last = min(self.law.highest_ratio, max(1.0, duty / paid)) if paid else self.law.first_ratio
        self.ratios[place] += self.law.smoothing * (last - self.ratios[place])
        usd = self.rate * self.usd[place[1]] * (1 + self.rate * self.rates[place[1]]) * self.ratios[place]
        if model.running:
            assert abs(float(model.floors[place]) - usd) < 1e-9, (
                f"{code}: quoted {model.floors[place]}, {usd}"
            )
            assert abs(self.taken(place) - self.total_fee(model, place)) <= 1, "withheld"
            self.counts["quotes"] += 1

    def total_fee(self, model: Any, place: tuple[int, int]) -> int:
        """Fee and what is withheld, as the engine has them."""
        fee = int(model.platform_rows["worker_fee_ppm"][place[0]])
        return fee + int(model.terms["withheld_ppm"][place])


def employers(policy: Policies = EMPLOYED_SOUTH, seed: int = 1, days: int = 58, workers: int = 80) -> Counts:
    """Employers' books are those of somebody who only watches."""
    base = market(days=days, workers=workers, policy=policy, seed=seed)
    requesters = replace(base.requesters, unfair_rejection_mean=0.1, own_country_share=0.3)
    model = ClickWorkModel(replace(base, requesters=requesters))
    watch, restless = EmployerWatch(model), Restless()
    model.observers.extend([watch, restless])
    model.run()
    model.end()
    return watch.counts


HOURLY = {"paid_search": 3.0, "paid_rejected": 1.5}
"""USD an hour that southern workers of the first platform are promised of two kinds of time."""


class TimeWatch(Watcher):
    """Works out what search and rejected work bring beside pieces, where a channel alone makes them paid."""

    def __init__(self) -> None:
        super().__init__()
        self.promised: Counter[int] = Counter()
        self.piece: Counter[int] = Counter()
        self.due = 0

    def hour(self, model: Any) -> None:
        """Note the hour, and end everybody's pay period with the week."""
        if model.hour and model.hour % 168 == 0:
            self.end()
        board = next(board for board in model.boards if board.platform == 0)
        active, south = board.active, model.world.codes.index("STH")
        for entry in active[: int(board.state[boards.ACTIVE_COUNT])]:
            if entry["country"] == south:
                self.promised[int(entry["row"])] += 3_000_000 * int(entry["searched"])
        for event in board.events[: int(board.state[boards.EVENTS])]:
            entry, batch = active[int(event["active"])], board.batches[int(event["slot"])]
            if entry["country"] != south:
                continue
            if event["kind"] == boards.RETURN:
                self.counts["given back"] += 1
                continue
            gross = int(event["accepted"]) * int(batch["reward"])
            rejected = int(event["done"]) - int(event["accepted"])
            self.piece[int(entry["row"])] += gross - gross * 50_000 // 10**6
            self.promised[int(entry["row"])] += 1_500_000 * rejected * int(event["own_seconds"])
            self.counts["rejected"] += rejected

    def end(self) -> None:
        """Add what pieces lack."""
        for row, promised in self.promised.items():
            lacking = max(0, promised // 3600 - self.piece[row])
            self.due += lacking
            self.counts["periods that lack pay" if lacking else "periods that lack none"] += 1
        self.promised.clear()
        self.piece.clear()

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Hold what was paid against it."""
        self.end()
        home, south = model.offices.owners[0], model.world.codes.index("STH")
        paid = flows[NUMBERS["shift_pay"]]
        assert int(paid[home, south]) == self.due == int(paid.sum()), (paid, self.due)
        self.counts["micro-dollars"] += self.due
        self.due = 0


def time_alone() -> Counts:
    """A channel that makes search and rejected work paid does so without any instrument behind it."""
    base = market(days=40, workers=80)
    learning = replace(base.learning, switch_share=0.0)
    requesters = replace(base.requesters, unfair_rejection_mean=0.1)
    choice = replace(base.market, return_ratio=1.0)
    config = replace(base, learning=learning, requesters=requesters, market=choice)
    south = CODES.index("STH")
    gives = tuple(Contribution(kind, 0, usd, south) for kind, usd in HOURLY.items())
    watch, checks = TimeWatch(), Debug()
    model = ClickWorkModel(config, contributions=gives)
    books = Books().attach(model)
    model.observers.extend([watch, checks])
    model.run()
    model.end()
    half = ClickWorkModel(config, contributions=gives[::-1])
    half.run(FEBRUARY + 250)
    with tempfile.TemporaryDirectory() as folder:
        half.save(Path(folder) / "checkpoint")
        half = ClickWorkModel.load(Path(folder) / "checkpoint", contributions=gives[::-1])
    half.run()
    half.end()
    assert fingerprint(half) == fingerprint(model), "in another order and resumed, it is another run"
    nothing = tuple(Contribution(kind, p, 0.0, c) for kind in PAID_TIME for p in (0, 1) for c in (0, 1))
    plain = played(config)
    null = ClickWorkModel(config, contributions=nothing)
    null.run()
    null.end()
    assert fingerprint(plain) == fingerprint(null) != fingerprint(model), "time at 0 USD leaves a trace"
    return watch.counts + books.counts


def apart(policy: Policies, seed: int = 1) -> Counts:
    """A remedy in one of two worlds that share nothing leaves the other as it was."""
    here = {"platforms": ["here_0", "here_1"], "countries": ["NTH"]}
    instruments = {name: replace(one, **here) for name, one in policy.chosen().items()}
    config = two_worlds(tiny(days=40, workers=60, requesters=8, seed=seed))
    plain, policed = played(config, 900), played(replace(config, policy=Policies(**instruments)), 900)
    try:
        same_snapshots(part(plain, 0), part(policed, 0), "the policed world")
    except AssertionError:
        pass
    else:
        raise AssertionError("the remedy changed nothing where it holds, so the comparison says nothing")
    return Counter(rows=same_snapshots(part(plain, 1), part(policed, 1), "the other world"))


def accounts(policy: Policies) -> Counts:
    """Every account in every hour, by a second ledger and the checks of debug mode."""
    model = ClickWorkModel(market(policy=policy))
    books, flows = Books().attach(model), Flows()
    model.observers.extend([flows, Debug()])
    model.run()
    model.end()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    paid = {name: int(flows.of(name).sum()) for name in ("shift_pay", "contributions")}
    return books.counts + Counter({name: amount for name, amount in paid.items() if amount})


def same_anyhow(policy: Policies) -> Counts:
    """Threads, the order of storage and the order in which instruments are named mean nothing."""
    config = market(days=40, policy=policy)
    config = replace(config, market=replace(config.market, boards=2))
    one = played(config)
    two = played(replace(config, compute=replace(config.compute, threads=2)))
    assert fingerprint(one) == fingerprint(two), "the number of threads shows"
    return permutation(config)


def open_books(policy: Policies) -> Counts:
    """What open books say of employers is what closing them would book."""
    model = ClickWorkModel(market(policy=policy))
    model.run(FEBRUARY + 1)
    kinds = [NUMBERS["shift_pay"], NUMBERS["contributions"], NUMBERS["profit"], NUMBERS["capital"]]
    counts = Counter[str]()
    for _ in range(2):
        model.run(24 * 5)
        planned = model.flows_of_open_books()
        closed = copy.deepcopy(model)
        flows = closed.ledger.flows.copy()
        closed.close_platform_books()
        assert (closed.ledger.flows - flows == planned).all(), "open books against closed ones"
        counts["micro-dollars"] += int(planned[kinds].sum())
    return counts
