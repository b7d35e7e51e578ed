"""The tables of taxes and incomes of small markets: every amount audited again, all as in the ledger."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.composition import compose
from sim.config import Config, Platform, Time
from sim.instruments import (
    ConditionalIncome,
    Policies,
    ProfitTax,
    Reclassification,
    TurnoverTax,
    UniversalIncome,
    UsageTax,
)
from sim.ledger import HAVEN_PROFIT, HAVEN_TAX, PROFIT, PROFIT_SHIFTING, PROFIT_TAX, USAGE_TAX
from sim.model import ClickWorkModel
from sim.outcomes import recorder as recording
from sim.outcomes.frames import FrameSet
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder, turned_profits
from sim.policy import assessment
from sim.policy.assessment import ASSESSMENT, part_before
from sim.policy.assessment import PROFIT as ON_PROFIT
from sim.world import World
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.plants import Plant, planted

TAXES = ("usage_tax", "turnover_tax", "profit_tax")
PLATFORMS = {
    "microwork": Platform(owner="NOA", requester_fee=0.2),
    "second": Platform(owner="EUR", requester_fee=0.3, pool_share=0.4, requester_share=0.4),
}

POLICIES: dict[str, Policies] = {
    "flat, phased in, residents": Policies(
        usage_tax=UsageTax(phase_in_months=3), universal_income=UniversalIncome()
    ),
    "graduated with a threshold, users, global pool": Policies(
        usage_tax=UsageTax(
            schedule="graduated", step_users=2.1e6, threshold_users=1e6, under_declaration=0.07
        ),
        universal_income=UniversalIncome(recipients="users", pool="global"),
    ),
    "all taxes, workers, blocs": Policies(
        usage_tax=UsageTax(schedule="gdp_indexed", countries=["EUR", "ASI"], platforms=["second"]),
        turnover_tax=TurnoverTax(rate=0.03),
        profit_tax=ProfitTax(attribution="sales", phase_in_months=2),
        universal_income=UniversalIncome(recipients="workers", pool="bloc", administration_share=0.1),
    ),
    "profit by users, income from outside": Policies(
        profit_tax=ProfitTax(attribution="users", rate=0.3, shifting=1.0),
        universal_income=UniversalIncome(funding="external", usd_per_month=12.5, countries=["ASI", "AFR"]),
    ),
    "job seekers": Policies(
        usage_tax=UsageTax(), conditional_income=ConditionalIncome(tasks_a_month=30, pool="global")
    ),
    "subsidies to those who hire": Policies(
        turnover_tax=TurnoverTax(), conditional_income=ConditionalIncome(recipients="employers", pool="bloc")
    ),
}  # fmt: skip
WINDOWS = {"cut month": ("2019-01-14", 9, 64), "whole months": ("2019-01-07", 25, 59)}


def market(policy: str, window: str = "cut month") -> Config:
    """A market of six regions and two platforms, measured over three months."""
    start, warmup, days = WINDOWS[window]
    return replace(
        tiny(workers=60, requesters=12, table="six_regions"),
        time=Time(start=start, warmup_days=warmup, days=days),
        platforms=PLATFORMS,
        policy=POLICIES[policy],
    )


class Census:
    """Counts users again: who had a session or posted, where, on what, by month."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int, int, str, int]] = set()

    def hour(self, model: Any) -> None:
        period = model.clock.month_key(model.hour)
        for board in model.boards:
            for batch in board.batches[board.batches["posted_hour"] == model.hour]:
                if batch["tasks"] and batch["id"] >= 0:
                    row = int(batch["requester"])
                    country = int(model.requester_rows["country"][row])
                    self.seen.add((period, board.platform, country, "requester", row))
            active = board.active[: int(board.state[recording.boards.ACTIVE_COUNT])]
            # Who moved to another platform at midnight works here no more.
            active = active[60 * active["minutes"].astype(int) > 3600 * (model.hour - active["start_hour"])]
            for row in active["row"].tolist():
                country = int(model.worker_rows["country"][row])
                self.seen.add((period, board.platform, country, "worker", row))

    def day(self, model: Any) -> None:
        """Nothing more to count."""

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Nothing more to count."""

    def users(self, model: Any) -> dict[tuple[str, str, str], int]:
        names, codes = model.platform_names, model.world.codes
        return Counter((period, names[p], codes[c]) for period, p, c, _, _ in self.seen)


def recorded(config: Config) -> tuple[ClickWorkModel, FrameSet, Census]:
    model, census = ClickWorkModel(config), Census()
    recorder = Recorder(model)
    model.observers += [recorder, census]
    model.run()
    model.end()
    return model, recorder.frames(), census


# ---------------------------------------------------------------- the audit


def booked(frames: FrameSet, kind: str, side: str) -> dict[tuple[str, str], int]:
    """Micro-dollars of a kind of flow, or of one | another, by month and country of one side."""
    chosen = frames.flows[frames.flows["kind"].isin(kind.split("|"))]
    sums = chosen.groupby(["period", f"{side}_country"])["amount_microusd"].sum()
    return {key: int(amount) for key, amount in sums.items() if amount}  # type: ignore[misc]


def by_country(table: pd.DataFrame, values: pd.Series[Any]) -> dict[tuple[str, str], int]:
    sums = values.groupby([table["period"], table["country"]]).sum()
    return {key: int(amount) for key, amount in sums.items() if amount}  # type: ignore[misc]


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def part_of_month(config: Config, period: str) -> Fraction:
    """Days of a month that the run plays, over all its days."""
    first = dt.date.fromisoformat(f"{period}-01")
    after = (first + dt.timedelta(days=31)).replace(day=1)
    start = dt.date.fromisoformat(config.time.start)
    end = start + dt.timedelta(days=config.time.warmup_days + config.time.days)
    return Fraction((min(after, end) - max(first, start)).days, (after - first).days)


def strength(config: Config, tax: Any, period: str) -> Fraction:
    """Share of its rate at which a tax with the window's start is in force."""
    start = dt.date.fromisoformat(config.time.start) + dt.timedelta(days=config.time.warmup_days)
    months = 12 * (int(period[:4]) - start.year) + int(period[5:]) - start.month + 1
    return min(Fraction(1), Fraction(months, tax.phase_in_months or 1))


def usage_due(config: Config, world: World, row: Any) -> Fraction:
    """Micro-dollars due on users, band by band."""
    tax = config.policy.usage_tax
    assert tax is not None
    persons = exact(config.workers.real_count) / config.workers.count
    rate = exact(tax.usd_per_user_month) * 1_000_000
    if tax.schedule == "gdp_indexed":
        gdp, people = [exact(value) for value in world.gdp_per_head_usd.tolist()], world.population.tolist()
        mean = sum(g * n for g, n in zip(gdp, people, strict=True)) / sum(people)
        rate *= gdp[world.codes.index(row.country)] / mean
    left = row.users * (1 - exact(tax.under_declaration))
    if left * persons < exact(tax.threshold_users):
        return Fraction(0)
    due, band, step = Fraction(0), exact(tax.step_users) / persons, 1
    if tax.schedule == "graduated":
        left -= exact(tax.free_users) / persons
        top = (exact(tax.top_users) - exact(tax.free_users)) // exact(tax.step_users) + 1
    while left > 0 and tax.schedule == "graduated":
        due += min(left, band) * rate * min(step, top)
        left, step = left - band, step + 1
    return due + max(Fraction(0), left) * rate if tax.schedule != "graduated" else due


def audit_amounts(config: Config, world: World, frames: FrameSet) -> Counter[str]:
    """Compute every amount again in exact fractions, and as the columns say; return how many."""
    counts: Counter[str] = Counter()
    for row in frames.taxes.itertuples():
        name = str(row.instrument)
        if name == "users":
            assert row.amount_microusd == 0
            continue
        tax = getattr(config.policy, name)
        force, part = strength(config, tax, str(row.period)), part_of_month(config, str(row.period))
        if name == "usage_tax":
            due = usage_due(config, world, row) * part * force
            told = (
                1e6
                * row.rate_per_user_usd
                * row.declared_users
                * row.bands
                * row.part_of_month
                * row.strength
            )
        elif name == "turnover_tax":
            due = row.base_microusd * exact(tax.rate) * force
            told = row.base_microusd * row.rate * row.strength
        else:
            due = profit_tax_due(tax, world, row, force)
            told = (row.base_microusd - row.shifted_microusd / row.strength) * row.rate * row.strength
        assert row.amount_microusd == math.floor(due), row
        assert abs(row.amount_microusd - told) < 2 + 1e-9 * abs(told), row
        assert 0 <= row.before_window_microusd <= row.amount_microusd
        counts[name] += 1
        counts["of nothing due"] += row.amount_microusd == 0
        counts["partly before the window"] += row.before_window_microusd > 0
    return counts


def profit_tax_due(tax: ProfitTax, world: World, row: Any, force: Fraction) -> Fraction:
    statutory = float(world.corporate_tax[world.codes.index(row.country)])
    rate = exact(statutory if tax.rate is None else tax.rate)
    away = min(exact(tax.most_shifted), exact(tax.shifting) * max(Fraction(0), rate - exact(tax.haven_rate)))
    assert row.shifted_microusd == math.floor(row.base_microusd * away * force)
    assert row.haven_tax_microusd == math.floor(row.shifted_microusd * exact(tax.haven_rate))
    return row.base_microusd * (1 - away) * rate * force


def tie_to_flows(frames: FrameSet) -> None:
    """Taxes and incomes are what the ledger moved, by month and country, to the micro-dollar."""
    taxes, incomes = frames.taxes, frames.incomes
    for name in TAXES:
        rows = taxes[taxes["instrument"] == name]
        found = by_country(rows, rows["amount_microusd"] - rows["before_window_microusd"])
        assert found == booked(frames, name, "credit"), name
    whole = incomes["period"] > incomes["period"].min()
    rows = taxes[taxes["period"] > taxes["period"].min()]
    for kind, column in (("profit_shifting", "shifted_microusd"), ("haven_tax", "haven_tax_microusd")):
        moved = sum(
            amount
            for (period, _), amount in booked(frames, kind, "debit").items()
            if period > taxes["period"].min()
        )
        assert moved == rows[column].sum(), kind
    assert by_country(incomes, incomes["collected_microusd"]) == by_country(taxes, taxes["amount_microusd"])
    for kind, side, column in (
        ("contributions", "credit", "contributions_microusd"),
        ("administration", "debit", "administration_microusd"),
        ("pooling", "debit", "pooled_out_microusd"),
        ("pooling", "credit", "pooled_in_microusd"),
        ("universal_income|conditional_income|external_income", "credit", "to_workers_microusd"),
        ("hiring_subsidy", "debit", "to_requesters_microusd"),
        ("income_of_others|external_income_of_others", "credit", "to_others_microusd"),
        ("external_income|external_income_of_others", "credit", "from_outside_microusd"),
    ):
        assert by_country(incomes, incomes[column]) == booked(frames, kind, side), kind
    assert whole.any()


def close_the_accounts(config: Config, world: World, model: ClickWorkModel, frames: FrameSet) -> Counter[str]:
    """Each treasury's account closes, each head counts once, and workers got what the rows say."""
    counts: Counter[str] = Counter()
    persons = exact(config.workers.real_count) / config.workers.count
    income = config.policy.conditional_income or config.policy.universal_income
    assert income is not None
    last: dict[str, int] = {}
    for row in frames.incomes.itertuples():
        code = str(row.country)
        left = (
            row.opening_microusd + row.collected_microusd + row.pooled_in_microusd - row.pooled_out_microusd
        )
        left += row.contributions_microusd + row.from_outside_microusd
        left -= row.administration_microusd + row.to_workers_microusd + row.to_others_microusd
        left -= row.to_requesters_microusd
        assert left == row.kept_microusd >= 0
        assert last.get(code, row.opening_microusd) == row.opening_microusd
        last[code] = int(row.kept_microusd)
        assert row.to_workers_microusd == row.workers * row.per_head_microusd
        people, workers = int(world.population[world.codes.index(code)]), int(row.workers)
        heads = (
            max(Fraction(workers), people / persons)
            if income.recipients == "residents"
            else Fraction(workers)
        )
        if not row.per_head_microusd:
            continue
        paid = math.floor(row.per_head_microusd * heads)
        assert row.to_others_microusd == paid - row.to_workers_microusd
        assert row.from_outside_microusd == (getattr(income, "funding", "") == "external") * paid
        assert row.heads == float(heads) and row.heads_persons == pytest.approx(float(heads * persons))
        counts["incomes paid"] += 1
    balances = dict(zip(world.codes, model.government_rows["balance"].tolist(), strict=True))
    assert last == balances
    flows = frames.flows
    received = flows[flows["kind"].isin(["universal_income", "external_income", "conditional_income"])][
        "amount_microusd"
    ].sum()
    by_worker = frames.workers.groupby("country")["transfers_microusd"].sum()
    assert by_worker.sum() == received
    assert (received > 0) == (income.recipients != "employers")
    counts["months of subsidies"] = int((frames.incomes["to_requesters_microusd"] > 0).sum())
    paid_to = frames.incomes["to_workers_microusd"].groupby(frames.incomes["country"])
    for code, amount in paid_to.sum().items():
        assert by_worker.get(code, 0) == amount
    if income.recipients in ("residents", "workers"):
        each = frames.incomes.groupby("country")["per_head_microusd"].sum()
        stayed = frames.workers[(frames.workers["joined_day"] <= 0) & (frames.workers["left_day"] < 0)]
        assert (stayed["transfers_microusd"] == stayed["country"].map(each)).all()
    counts["workers paid"] = int((frames.workers["transfers_microusd"] > 0).sum())
    return counts


def count_again(model: ClickWorkModel, frames: FrameSet, census: Census) -> int:
    """Users are who was on duty or posted; each platform and country has one row of them a month."""
    rows = frames.taxes[frames.taxes["instrument"] == "users"]
    key = ["period", "platform", "country"]
    assert not frames.taxes.duplicated([*key, "instrument"]).any()
    found = {tuple(values): int(users) for *values, users in rows[[*key, "users"]].itertuples(index=False)}
    first = min(rows["period"])
    assert found == {place: count for place, count in census.users(model).items() if place[0] >= first}
    np.testing.assert_allclose(rows["users_persons"], rows["users"] * frames.scale)
    counted = frames.taxes.merge(rows[[*key, "users"]], on=key, suffixes=("", "_counted"))
    assert (counted["users"] == counted["users_counted"]).all()
    repeated = frames.users.merge(rows[[*key, "users"]], on=key, suffixes=("", "_repeated"))
    assert len(repeated) == len(frames.users) == len(rows)
    assert (repeated["users"] == repeated["users_repeated"]).all()
    return len(found)


def users_of_a_run(words: tuple[str, ...] = ()) -> Counter[str]:
    """Nobody is counted twice on a platform, nobody left out; the table tells who is what.

    The last month is one day: who came on duty the day before and is there past midnight is a user of both.
    """
    settings = [
        "world=six_regions", "platforms=all_families_of_regions", "workers.count=400", "requesters.count=60",
        "time.start=2019-01-14", "time.warmup_days=9", "time.days=69", *words,
    ]  # fmt: skip
    config = compose(settings)
    model, frames, census = recorded(config)
    table = frames.users
    key = ["period", "platform", "country"]
    assert not table.duplicated(key).any() and sorted(set(table["period"])) == [
        "2019-01",
        "2019-02",
        "2019-03",
        "2019-04",
    ]
    assert set(table["family"]) == {"microwork", "on_demand", "click_farm", "social"}
    assert all(row.family == config.platforms[row.platform].family for row in table.itertuples())
    names, codes = model.platform_names, model.world.codes
    by_kind = Counter((kind, period, names[p], codes[c]) for period, p, c, kind, _ in census.seen)
    audience = {
        (str(row.period), str(row.platform), str(row.country)): int(row.users)
        for row in frames.audiences.itertuples()
    }
    people: Counter[str] = Counter()
    for row in table.itertuples():
        place = str(row.period), str(row.platform), str(row.country)
        assert row.workers == by_kind.pop(("worker", *place), 0), place
        assert row.requesters == by_kind.pop(("requester", *place), 0), place
        assert row.customers == row.requesters * config.platforms[row.platform].customers_per_requester
        if row.period != "2019-04":  # on a month's last day audiences answer for the next
            assert row.audience == audience.get(place, 0), place
        assert row.users == row.workers + row.customers + row.audience
        assert row.part_of_month == float(part_of_month(config, str(row.period)))
        people.update(workers=row.workers, requesters=row.requesters, customers=row.customers)
        people.update(audience=row.audience)
    assert not by_kind, "users whom nobody counted"
    return people


def test_users_are_counted_without_a_policy(exercised: Exercised) -> None:
    people = users_of_a_run()
    for kind, least in (("workers", 500), ("requesters", 100), ("customers", 300), ("audience", 1_000)):
        exercised(kind, people[kind], at_least=least)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sim.policy.assessment", '"customers": customers', '"customers": posting'),
        ("sim.policy.assessment", "- working - customers", "- working"),
        ("sim.model", "if self.offices.month_began == self.hour else ()", "if False else ()"),
        ("sim.policy.office", "        self.seen_workers[:] = 0\n", ""),
        ("sim.policy.office", "seen[row] |= 1 << platforms[tile]", "seen[row] = 1 << platforms[tile]"),
    ],
)
def test_users_counted_wrongly_are_found(module: str, old: str, new: str) -> None:
    with planted(Plant(module, old, new, "", tiny)), pytest.raises(AssertionError):
        users_of_a_run()


def audit(config: Config) -> Counter[str]:
    """All of the above for one market."""
    model, frames, census = recorded(config)
    counts = audit_amounts(config, model.world, frames)
    tie_to_flows(frames)
    counts += close_the_accounts(config, model.world, model, frames)
    counts["counts of users"] = count_again(model, frames, census)
    return counts


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_amount_can_be_audited(policy: str, window: str, exercised: Exercised) -> None:
    counts = audit(market(policy, window))
    for name in TAXES:
        if getattr(POLICIES[policy], name):
            exercised(name, counts[name], at_least=3)
    assert (counts["partly before the window"] > 0) == (window == "cut month")
    if policy == "subsidies to those who hire":
        exercised("months of subsidies", counts["months of subsidies"], at_least=2)
    else:
        exercised("incomes paid", counts["incomes paid"], at_least=2)
        exercised("workers paid", counts["workers paid"], at_least=10)
    exercised("counts of users", counts["counts of users"], at_least=15)


# ---------------------------------------------------------------- faults that must be found


def forget_the_window(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recording, "part_before", lambda rows, before: np.zeros(len(rows), ASSESSMENT))


def take_the_base_for_the_tax(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(recording.TAX_COLUMNS, "amount_microusd", "users")


def count_heads_wrongly(patch: pytest.MonkeyPatch) -> None:
    honest = recording.heads_of
    patch.setattr(recording, "heads_of", lambda offices: honest(offices) * 1.01)


def lose_a_user(patch: pytest.MonkeyPatch) -> None:
    honest = assessment.assess

    def assess(offices: Any, platform: int, users: Any, *rest: Any) -> Any:
        rows = honest(offices, platform, users, *rest)
        rows["users"] -= rows["users"] > 3
        return rows

    patch.setattr("sim.model.assess", assess)


def ignore_the_phase(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(recording.TAX_COLUMNS, "strength", "part_of_month")


def pay_twice(patch: pytest.MonkeyPatch) -> None:
    honest = Recorder._keep_incomes

    def twice(self: Recorder, *arguments: Any) -> None:
        honest(self, *arguments)
        self.transfers *= 2

    patch.setattr(Recorder, "_keep_incomes", twice)


def pay_a_neighbour(patch: pytest.MonkeyPatch) -> None:
    honest = Recorder._workers

    def moved(self: Recorder) -> pd.DataFrame:
        self.transfers = np.roll(self.transfers, 1)
        return honest(self)

    patch.setattr(Recorder, "_workers", moved)


def forget_pooling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recording, "POOLING", recording.ADMINISTRATION)


def take_contributions_for_taxes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recording, "TURNOVER_TAX", recording.CONTRIBUTIONS)


PLANTS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    forget_the_window, take_the_base_for_the_tax, count_heads_wrongly, lose_a_user, ignore_the_phase,
    pay_twice, pay_a_neighbour, forget_pooling,
)  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        audit(
            market(
                "flat, phased in, residents" if plant is not forget_pooling else "all taxes, workers, blocs"
            )
        )


def test_contributions_taken_for_taxes_are_found(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    take_contributions_for_taxes(monkeypatch)
    with pytest.raises(AssertionError):
        test_contributions_are_no_taxes_that_are_shared_out(exercised)


# ---------------------------------------------------------------- odd ends


def test_contributions_are_no_taxes_that_are_shared_out(exercised: Exercised) -> None:
    """Beside employers, administration took its share of the taxes of months after which income was paid."""
    config = market("flat, phased in, residents", "whole months")
    law = Reclassification(contributions=0.3)
    config = replace(
        config, policy=replace(config.policy, usage_tax=UsageTax(), reclassification=law), platforms=PLATFORMS
    )
    model, frames, _ = recorded(config)
    tie_to_flows(frames)
    incomes = frames.incomes
    moves = incomes["collected_microusd"] + incomes["contributions_microusd"] + incomes["pooled_in_microusd"]
    moves -= incomes["pooled_out_microusd"] + incomes["administration_microusd"]
    moves -= incomes["to_workers_microusd"] + incomes["to_others_microusd"]
    assert (incomes["opening_microusd"] + moves == incomes["kept_microusd"]).all()
    exercised("micro-dollars contributed", int(incomes["contributions_microusd"].sum()), at_least=1_000_000)
    paid = incomes[incomes["heads"] > 0]
    exercised("incomes paid", len(paid), at_least=3)
    for row in paid.itertuples():
        assert row.administration_microusd == math.ceil(Fraction(3, 100) * row.collected_microusd)
    share = float(summary(frames, model.world)["administration_share"]["value"])
    assert abs(share - 0.03) < 1e-6


def test_without_a_policy_the_tables_are_empty() -> None:
    config = replace(tiny(days=30), time=Time(start="2019-01-14", warmup_days=9, days=30))
    model, frames, _ = recorded(config)
    assert frames.taxes.empty and frames.incomes.empty
    assert frames.workers["transfers_microusd"].sum() == 0
    assert len(model.assessed) == 0


def test_a_run_that_is_not_ended_has_only_closed_months() -> None:
    """Tables asked for in the middle of a month hold no tax twice, and none that was never booked."""
    config = market("flat, phased in, residents")
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    frames = recorder.frames()
    assert sorted(set(frames.taxes["period"])) == ["2019-01", "2019-02"]
    assert not frames.taxes.duplicated(["period", "platform", "country", "instrument"]).any()
    tie_to_flows(frames)


def rows_of(*rows: tuple[int, int, int, int, int]) -> Any:
    """Assessments of profit: (platform, country, tax, shifted, tax of the haven)."""
    found = np.zeros(len(rows), ASSESSMENT)
    for record, (platform, country, amount, shifted, abroad) in zip(found, rows, strict=True):
        record["instrument"], record["platform"], record["country"] = ON_PROFIT, platform, country
        record["amount"], record["shifted"], record["haven_tax"] = amount, shifted, abroad
    return found


def test_taxes_on_a_profit_that_turned_were_never_due() -> None:
    """Platform 0 of country 1 lost what it had earned before the window; platform 1 of country 2 did not."""
    before = rows_of((0, 1, 30, 20, 1), (1, 2, 9, 0, 0))
    rows = rows_of((1, 2, 14, 0, 0))
    part = part_before(rows, before)
    assert part["amount"].tolist() == [9]
    assert part_before(before, rows)["amount"].tolist() == [0, 9]
    flows = np.zeros((len(recording.KINDS), 3, 3), np.int64)
    change = turned_profits([1, 2], part, before, flows)
    expected = {
        (PROFIT_TAX, 1, 1): 30, (PROFIT_SHIFTING, 1, 1): 20, (HAVEN_TAX, 1, 1): 1, (HAVEN_PROFIT, 1, 1): 19,
        (PROFIT, 1, 1): -50,
    }  # fmt: skip
    assert {tuple(map(int, key)): int(change[tuple(key)]) for key in np.argwhere(change)} == expected
    assert change[USAGE_TAX].sum() == 0
