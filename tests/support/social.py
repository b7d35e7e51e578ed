"""What must hold of social platforms and their users, as functions that raise ``AssertionError``.

The tests in ``tests/policy/test_social.py`` call them on the sound program, and once more on planted bugs.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from sim.agents.audience import Audience, arpu_of, arpu_setting, make_audiences, users_of
from sim.agents.traits import column_of
from sim.composition import compose
from sim.config import Config, Platform
from sim.errors import UserError
from sim.instruments import Policies, ProfitTax, TurnoverTax, UniversalIncome, UsageTax
from sim.market import audience
from sim.model import ClickWorkModel
from sim.outcomes.frames import FrameSet
from sim.outcomes.recorder import Recorder
from sim.policy.office import Entry
from sim.world import load_world
from tests.support import policies
from tests.support.markets import fingerprint
from tests.support.observers import NUMBERS
from tests.support.policies import FEBRUARY, MARCH, Counts, Flows, played

NAME = "the_social_one"
"""Sorts after the platforms of `market`, so that those keep their numbers."""

TAXED = Policies(
    UsageTax(usd_per_user_month=0.3, to_users=0.5, exit_months=0),
    TurnoverTax(to_users=1.0),
    ProfitTax(attribution="users"),
    UniversalIncome(pool="global", recipients="users"),
)


def platform(**settings: Any) -> Platform:
    """Return a social platform owned in the North."""
    return Platform(**{"family": "social", "owner": "NTH", "cost_share": 0.5, **settings})


def market(policy: Policies | None = None, days: int = 58, one: Platform | None = None) -> Config:
    """Return a small market of work with a social platform beside it, over two ends of months."""
    base = policies.market(days=days, workers=20, policy=policy)
    return replace(base, platforms={**base.platforms, NAME: one or platform()})


def alone(**usage: Any) -> Policies:
    """Return a tax on the users of social platforms alone, all of them declared."""
    return Policies(UsageTax(families=["social"], under_declaration=0.0, **usage))


# --- what there is at the start -------------------------------------------------------------------


def regional_means(table: str, exponent: float = 0.8) -> Counts:
    """Revenue per user has its region's mean over the users there, and goes with GDP per head inside it."""
    world, one = load_world(table), platform(arpu_gdp_exponent=exponent, arpu_factor=1.5)
    users = users_of("social", one, world)
    arpu = arpu_of(one, world, users)
    settings = [arpu_setting(*place) for place in zip(world.region, world.group, strict=True)]
    counts = Counter[str]()
    for setting in set(settings):
        inside = np.array([name == setting for name in settings])
        mean = float((arpu * users)[inside].sum() / users[inside].sum())
        assert math.isclose(mean, 1.5 * getattr(one, setting), rel_tol=1e-12), (setting, mean)
        relative = arpu[inside] / world.gdp_per_head_usd[inside] ** exponent
        assert np.allclose(relative, relative[0], rtol=1e-12), setting
        counts["regions"] += 1
        counts["countries"] += int(inside.sum())
    if table == "global":
        known = {"USA": "us_canada", "MEX": "elsewhere", "JPN": "asia_pacific", "AUS": "asia_pacific",
                 "FRA": "europe", "KEN": "elsewhere", "BRA": "elsewhere"}  # fmt: skip
        for code, name in known.items():
            assert settings[world.index(code)] == f"arpu_{name}_usd", code
    return counts


def nobody_works_there() -> Counts:
    """A social platform has no board, no workers, no requesters, and takes none."""
    model = ClickWorkModel(market())
    number = model.platform_number(NAME)
    assert model.platform_rows["boards"][number] == 0 and model.platform_rows["worker_mask"][number] == 0
    assert not (model.requester_rows["platform_mask"] >> number & 1).any()
    assert not (column_of(model.worker_rows, "platform") == number).any()
    worker = model.views.worker(0)
    try:
        worker.platform = NAME
    except UserError:
        return Counter(workers=model.workers_count)
    raise AssertionError("a worker went there")


def users_are_persons(table: str = "global") -> Counts:
    """Nobody is on a platform who is not on line; agents are persons over the scale."""
    config = compose(["platforms=all_families", "workers.count=20000", f"world.table={table}"])
    world, rows = load_world(table), make_audiences(config, load_world(table))
    names, scale = list(config.platforms), config.workers.real_count / config.workers.count
    seen: set[tuple[int, int]] = set()
    for row in rows:
        country = int(row["country"])
        online = float(world.population[country] * world.internet_share[country])
        persons = min(float(world.social_media_users[country]), online)
        assert abs(int(row["users"]) - persons / scale) <= 0.5, world.codes[country]
        chinese = names[int(row["platform"])] == "social_cn"
        assert chinese == (world.codes[country] == "CHN"), "China has its own, and no one else"
        assert row["reach"] == 1.0 and row["charge_microusd"] == 0 and row["users"] == row["base_users"]
        seen.add((int(row["platform"]), country))
    assert len(seen) == len(rows) == len(world)
    persons = int(rows["users"].sum()) * scale
    assert 3.5e9 < persons < 5.5e9, persons
    return Counter(audiences=len(rows))


# --- closed forms ---------------------------------------------------------------------------------


def uganda() -> Counts:
    """13 % fewer at a charge of 2.5 % of income; twice as high, as many again of who is left."""
    sensitivity = Platform().charge_sensitivity
    income = 60_000_000
    stay = audience.share_who_stay(income // 40, income, sensitivity)
    assert abs(stay - 0.87) < 5e-4, stay
    twice = audience.share_who_stay(income // 20, income, sensitivity)
    assert math.isclose(twice, stay * stay, rel_tol=1e-12)
    assert audience.share_who_stay(0, income, sensitivity) == 1.0
    return Counter(cases=3)


def marginal_users() -> Counts:
    """What is left when the least valuable go is the integral over the others."""
    counts, base, arpu, least = Counter[str](), 1_000_000, 5_000_000, 200_000
    for sigma in (0.25, 1.0, 2.0):
        whole = audience.value_of_users(base, base, arpu, least, sigma)
        assert whole == base * arpu, "all of them bring their mean"
        for users in (100_000, 500_000, 900_000):
            kept = audience.value_of_users(base, users, arpu, least, sigma)
            by_hand = base * _numeric_value(users / base, arpu, least, sigma)
            assert abs(kept - by_hand) < 1e-6 * by_hand, (sigma, users, kept, by_hand)
            assert kept / whole > users / base, "who goes brings less than who stays"
            counts["cases"] += 1
    assert audience.value_of_users(base, base // 2, arpu, least, 0.0) == base // 2 * arpu, "all alike"
    return counts


def _numeric_value(share: float, arpu: int, least: int, sigma: float, steps: int = 200_000) -> float:
    """Micro-dollars a head that the upper share of people bring, by the midpoint rule."""
    lowest = -NormalDist().inv_cdf(share)
    width = (12.0 - lowest) / steps
    z = lowest + width * (np.arange(steps) + 0.5)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    amounts = least + (arpu - least) * np.exp(sigma * z - sigma * sigma / 2)
    return float((amounts * density).sum() * width)


def worth_serving() -> Counts:
    """Whoever is let go brings less than is needed: the share kept is the lognormal's upper tail."""
    rng, counts = np.random.default_rng(7), Counter[str]()
    arpu, least = 5_000_000, 200_000
    for sigma in (0.5, 1.0, 2.0):
        amounts = (arpu - least) * np.exp(sigma * rng.standard_normal(400_000) - sigma * sigma / 2)
        for needed in (100_000.0, 1_000_000.0, 8_000_000.0):
            share = audience.share_worth_serving(needed, arpu, least, sigma)
            assert abs(share - float((amounts >= needed).mean())) < 4e-3, (sigma, needed, share)
            counts["cases"] += 1
    assert audience.share_worth_serving(0.0, arpu, least, 1.0) == 1.0
    assert audience.share_worth_serving(1.0, arpu, arpu, 1.0) == 0.0, "nobody brings more than they cost"
    assert audience.share_worth_serving(4_800_000.0, arpu, least, 0.0) == 1.0
    assert audience.share_worth_serving(4_800_001.0, arpu, least, 0.0) == 0.0
    return counts


def days_add_up() -> Counts:
    """The parts of a month's days come to the whole, and differ by at most one micro-dollar."""
    counts = Counter[str]()
    for amount in (0, 1, 30, 999_999_999_999_999_937):
        for days in (28, 29, 30, 31):
            parts = [audience.part_of_day(amount, day, days) for day in range(1, days + 1)]
            assert sum(parts) == amount and max(parts) - min(parts) <= 1, (amount, days)
            counts["months"] += 1
    return counts


# --- null settings --------------------------------------------------------------------------------

NOBODY = platform(user_share=0.0)
NULLS: dict[str, tuple[Platform, Policies]] = {
    "nobody uses it": (NOBODY, Policies()),
    "shut out everywhere": (platform(excluded_countries=["NTH", "STH"]), Policies()),
    "users who bring and cost nothing": (
        platform(arpu_factor=0.0, cost_per_user_month_usd=0.0, labels_per_user_month=0.0), Policies(),
    ),
    "users nobody taxes": (
        platform(arpu_factor=0.0, cost_per_user_month_usd=0.0),
        Policies(UsageTax(families=["social"], usd_per_user_month=0.0, to_users=1.0)),
    ),
}  # fmt: skip
"""Social platforms that must move no money and leave the market of work as it was."""


def null_settings() -> Counts:
    """The market of work with each of them is, to the last bit, the one without."""
    kept = Flows()
    without = played(policies.market(days=58, workers=20), observers=(kept,))
    counts = Counter[str](transfers=without.ledger.transfers_booked)
    for name, (one, policy) in NULLS.items():
        seen = Flows()
        model = played(market(policy, one=one), observers=(seen,))
        assert of_work(model) == of_work(without), f"{name}: not as without it"
        assert all((a == b).all() for a, b in zip(kept.months, seen.months, strict=True)), name
        counts["settings"] += 1
    loud = played(market())
    assert of_work(loud) == of_work(without), "users change the market of work"
    assert int(loud.ledger.totals[:2].sum()) == int(without.ledger.totals[:2].sum())
    assert int(loud.platform_rows["revenue"][-1]) > 0, "a social platform takes nothing"
    return counts


def of_work(model: ClickWorkModel) -> str:
    """Fingerprint of a model without its social platform and the flows of its money."""
    twin = copy.copy(model)
    twin.platform_rows = model.platform_rows[:2]
    twin.platform_pay, twin.week_pay = model.platform_pay[:2], model.week_pay[:2]
    twin.ledger = copy.copy(model.ledger)
    twin.ledger.totals, twin.ledger.flows = model.ledger.totals[:6], model.ledger.flows[:1]
    return fingerprint(twin)


# --- users and taxes ------------------------------------------------------------------------------


def nobody_twice() -> Counts:
    """Users of the social platform are its audience, those of the others who works and posts there."""
    with_social, without = Flows(), Flows()
    usage = Policies(UsageTax(usd_per_user_month=0.1, under_declaration=0.0, exit_months=0))
    plain = played(policies.market(workers=20, policy=usage), FEBRUARY + 1, (without,))
    model = played(market(usage), FEBRUARY + 1, (with_social,))
    users = model.offices.users
    assert (users[:2] == plain.offices.users).all(), "who works is counted on the social platform"
    assert (users[2] == model.audiences_closed["users"]).all(), "the audience is counted otherwise"
    part = Fraction(25, 31)
    for country in range(2):
        due = sum(int(int(n) * 100_000 * part) for n in users[:, country])
        assert int(with_social.months[0][NUMBERS["usage_tax"]][:, country].sum()) == due, "the tax of January"
    return Counter(users=int(users[2].sum()), workers=int(users[:2].sum()))


def charged(to_users: float = 0.5) -> Counts:
    """Users pay their share of last month's tax, some go, revenue falls by less; they come back after it."""
    usd = 10.0
    policy = alone(usd_per_user_month=usd, to_users=to_users, end="2019-04-01", exit_months=0)
    one = platform(user_adjustment=1.0, drops_users=False)
    config = market(policy, days=115, one=one)
    model = ClickWorkModel(config)
    flows = Flows()
    model.observers.append(flows)
    rows, income = model.audience_rows, model.world.gdp_per_head_usd * 1e6 / 12
    model.run(FEBRUARY)
    assert (model.audience_rows["charge_microusd"] == 0).all()
    model.run(1)
    charge = model.audience_rows["charge_microusd"]
    assert np.abs(charge - to_users * usd * 1e6).max() <= 1, "not the users' share"
    expected = rows["base_users"] * np.exp(-one.charge_sensitivity * charge / income)
    assert np.abs(model.audience_rows["users"] - expected).max() <= 0.5 + 1e-9, "who stays"
    base, users = rows["base_users"].sum(), model.audience_rows["users"].sum()
    model.run(MARCH + 1 - model.hour)
    january, february = flows.months
    days = 25 / 31
    ads = [int(month[NUMBERS["advertising"]].sum()) for month in (january, february)]
    assert ads[1] < ads[0] / days, "users have gone, and nothing is missing"
    assert ads[1] * days / ads[0] > users / base, "those who left were the most valuable"
    due = int(users) * int(usd * 1e6)
    paid = int(february[NUMBERS["user_charge"]].sum())
    assert abs(paid - to_users * due) <= len(rows) * int(users), "charges against the tax"
    assert paid == int(february[NUMBERS["user_money"]].sum()), "users keep something back"
    april, may = 24 * 84, 24 * 114
    model.run(april + 1 - model.hour)
    assert (model.audience_rows["charge_microusd"] == 0).all(), "charged for a tax that is over"
    assert (model.audience_rows["users"] == rows["base_users"]).all(), "they do not come back"
    model.run(may - model.hour)
    return Counter({"gone": int(base - users), "micro-dollars": paid})


def charges_are_free() -> Counts:
    """To collect a tax from users costs nothing: with the same users, the platform has the same costs."""
    one, costs, taken = platform(charge_sensitivity=0.0, drops_users=False), [], []
    for to_users in (0.0, 1.0):
        policy = alone(usd_per_user_month=0.5, to_users=to_users, exit_months=0)
        model = played(market(policy, one=one), MARCH - 24)
        revenue, cost = model.books_of(model.platform_number(NAME))
        taken.append(revenue)
        costs.append(cost)
    assert taken[1] > taken[0], "nobody was charged"
    assert costs[0] == costs[1] > 0, "what is collected is taken for work"
    return Counter({"micro-dollars": taken[1] - taken[0]})


def dropped() -> Counts:
    """A platform lets go whom it loses by: those left, and the margin of each one more, by hand."""
    one = platform(user_adjustment=1.0, cost_per_user_month_usd=0.1)
    model = ClickWorkModel(market(alone(usd_per_user_month=0.6, exit_months=0), one=one))
    model.run(FEBRUARY + 1)
    counts = Counter[str]()
    for row in model.audience_rows:
        arpu, base = int(row["arpu"]), int(row["base_users"])
        mean = arpu / 1e6 - 0.1 / 0.9
        needed = 0.6 / 0.9
        share = 0.5 * math.erfc(-(math.log(mean / needed) - 0.5) / math.sqrt(2.0))
        assert abs(int(row["users"]) - base * share) <= 0.5 + 1e-6, (int(row["users"]), base * share)
        counts["let go"] += base - int(row["users"])
        counts["kept"] += int(row["users"])
    before = int(model.audience_rows["users"].sum())
    model.run(MARCH + 1 - model.hour)
    assert int(model.audience_rows["users"].sum()) == before, "the same tax, other users"
    return counts


def fixed_costs() -> Counts:
    """What is fixed is paid whoever is there, until the platform is nowhere; without a tax it is the same."""
    paid, plain = {}, {}
    policy = alone(usd_per_user_month=0.6, exit_months=0)
    for share in (0.0, 0.25, 1.0):
        one = platform(user_adjustment=1.0, cost_per_user_month_usd=0.1, marginal_share=share)
        plain[share] = fingerprint(played(market(one=one)))
        model = played(market(policy, one=one), MARCH)
        cost = model.books_of(model.platform_number(NAME))[1]
        rows = model.audience_rows
        ads, users = int(rows["month_advertising"].sum()), int(rows["users"].sum())
        whole = int((rows["base_users"] * rows["arpu"]).sum())
        by_hand = 0.5 * (ads + (1.0 - share) * (whole - ads)) + users * 100_000
        assert users < int(rows["base_users"].sum()) and abs(cost - by_hand) < 10, (share, cost, by_hand)
        paid[share] = cost
        model.audience_rows["served"] = 0
        model.run(1)
        model.run(24)
        assert not model.audience_rows["month_missed"].any(), "a platform that is nowhere has costs"
    assert len(set(plain.values())) == 1, "what is fixed matters where nobody has left"
    return Counter({"micro-dollars": paid[0.25]})


def dropped_by_a_tax_on_turnover(to_users: float = 0.4) -> Counts:
    """Of what a user brings or pays a platform keeps what cost and the tax on it leave."""
    one = platform(user_adjustment=1.0, cost_per_user_month_usd=0.1, charge_sensitivity=0.0)
    rate, least = 0.2, 0.1 / 0.9
    taxes = Policies(
        UsageTax(
            families=["social"],
            under_declaration=0.0,
            usd_per_user_month=0.5,
            to_users=to_users,
            exit_months=0,
        ),
        TurnoverTax(families=["social"], rate=rate, exit_months=0),
    )
    model = ClickWorkModel(market(taxes, one=one))
    model.run(FEBRUARY + 1)
    counts = Counter[str]()
    for row in model.audience_rows:
        arpu, base, charge = int(row["arpu"]), int(row["base_users"]), int(row["charge_microusd"]) / 1e6
        assert abs(charge - to_users * 0.5) < 2e-6, charge
        needed = (0.5 - charge * (1.0 - rate) + least * rate) / (0.9 - rate)
        share = 0.5 * math.erfc(-(math.log((arpu / 1e6 - least) / needed) - 0.5) / math.sqrt(2.0))
        assert abs(int(row["users"]) - base * share) <= 0.5 + 1e-5 * base, (int(row["users"]), base * share)
        counts["let go"] += base - int(row["users"])
        counts["kept"] += int(row["users"])
    return counts


def exits(months: int = 1) -> Counts:
    """A platform whose margin in a country stays negative leaves it, for good; elsewhere it stays."""
    one = platform(drops_users=False, user_adjustment=1.0)
    policy = alone(usd_per_user_month=3.0, countries=["STH"], exit_months=months)
    model = ClickWorkModel(market(policy, days=85, one=one))
    south = model.world.codes.index("STH")
    base = model.audience_rows["users"].copy()
    model.run(FEBRUARY if months == 1 else MARCH)
    assert (model.audience_rows["users"] == base).all(), "left too early"
    model.run(1)
    rows = model.audience_rows
    there = rows["country"] == south
    assert not rows["users"][there].any() and not rows["served"][there].any(), "still there"
    assert (rows["users"][~there] == base[~there]).all(), "left the wrong country"
    model.run()
    model.end()
    assert not model.audience_rows["users"][there].any(), "came back"
    labels = model.free_labels(day=True)
    assert not labels[-1, south] and labels[-1].sum() > 0, "labels of users who are gone"
    return Counter(users=int(base[there].sum()))


def stays() -> Counts:
    """A tax that leaves a margin, or one that nobody leaves for, keeps the platform where it is."""
    one = platform(drops_users=False)
    another = TurnoverTax(families=["social"], rate=0.01, exit_months=1)
    for policy in (
        alone(usd_per_user_month=0.2, exit_months=1),
        alone(usd_per_user_month=3.0, exit_months=0),
        replace(alone(usd_per_user_month=3.0, exit_months=0), turnover_tax=another),
    ):
        model = played(market(policy, one=one), MARCH + 1)
        assert model.audience_rows["served"].all() and (model.audience_rows["reach"] == 1.0).all()
    return Counter(cases=3)


# --- tables ---------------------------------------------------------------------------------------


def tables(warmup: int = 10) -> Counts:
    """The table of audiences is what the ledger moved in the window, wherever in a month that begins."""
    config = market(TAXED)
    config = replace(config, time=replace(config.time, warmup_days=warmup, days=60))
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    frames = recorder.frames()
    rows, flows = frames.audiences, frames.flows
    social = flows[flows["kind"].isin(("advertising", "user_charge", "user_money"))]
    for kind, column in (("advertising", "advertising_microusd"), ("user_charge", "charged_microusd")):
        moved = social[social["kind"] == kind].groupby(["period", "debit_country"])["amount_microusd"].sum()
        table = rows.groupby(["period", "country"])[column].sum()
        table = table[table > 0]
        assert moved.to_dict() == table.to_dict(), kind
    assert (rows["taxes_microusd"] == _taxes_of(frames)).all(), "taxes"
    turnover = frames.taxes[
        (frames.taxes["platform"] == NAME) & (frames.taxes["instrument"] == "turnover_tax")
    ]
    bases = turnover.set_index(["period", "country"])["base_microusd"]
    whole = rows[rows["period"] > "2019-01"].set_index(["period", "country"])
    taken = whole["advertising_microusd"] + whole["charged_microusd"]
    assert whole["charged_microusd"].any(), "nobody was charged"
    assert (bases.reindex(taken.index) == taken).all(), "turnover is advertising and what users are charged"
    assert abs(rows["declared_users"] - 0.9 * rows["users"]).max() < 1e-6
    first = rows[rows["period"] == rows["period"].min()]
    assert len(rows) == 6 and (first["labels"] > 0).all()
    # January has 25 days in the run; what the warm-up leaves of it, or February, is the first month.
    part = (25 - warmup) / 31 if warmup < 25 else 1.0
    labels = (first["users"] * 0.66 * 2.0 * part).to_numpy()
    assert np.abs(first["labels"].to_numpy() - labels).max() <= 2, "labels of the window"
    assert model.free_labels().sum() > rows["labels"].sum() > 0
    return Counter({
        "rows": len(rows), "micro-dollars": int(rows["advertising_microusd"].sum()),
        "charged": int(rows["charged_microusd"].sum()),
    })  # fmt: skip


def _taxes_of(frames: FrameSet) -> Any:
    """Taxes of the social platform in the window, by month and country, as the table of taxes has them."""
    taxes = frames.taxes[frames.taxes["platform"] == NAME]
    due = (taxes["amount_microusd"] - taxes["before_window_microusd"]).groupby(
        [taxes["period"], taxes["country"]]
    )
    sums = due.sum()
    keys = zip(frames.audiences["period"], frames.audiences["country"], strict=True)
    return np.array([int(sums.get(key, 0)) for key in keys])


def open_books() -> Counts:
    """Open books are what closing them would book, with users too."""
    model = ClickWorkModel(market(TAXED))
    model.run(FEBRUARY + 24 * 10 + 5)
    planned = model.flows_of_open_books()
    closed = copy.deepcopy(model)
    flows = closed.ledger.flows.copy()
    closed.close_platform_books()
    assert (closed.ledger.flows - flows == planned).all(), "open books against closed ones"
    assert closed.audience_rows is not model.audience_rows
    return Counter({"micro-dollars": int(planned[NUMBERS["usage_tax"]].sum())})


# --- going on -------------------------------------------------------------------------------------


def resumed(hours: Sequence[int]) -> Counts:
    """Stopped and resumed, a run and its tables go on to the same bits."""
    config = market(TAXED)
    config = replace(config, time=replace(config.time, warmup_days=10, days=48))
    whole, chain = ClickWorkModel(config), ClickWorkModel(config)
    one, other = Recorder(whole, lambda table: None), Recorder(chain, lambda table: None)
    whole.observers.append(one)
    chain.observers.append(other)
    whole.run()
    with tempfile.TemporaryDirectory() as folder:
        for hour in hours:
            chain.run(hour - chain.hour)
            chain.save(Path(folder) / "checkpoint", other.state_arrays())
            chain = ClickWorkModel.load(Path(folder) / "checkpoint")
            other = Recorder(chain, lambda table: None)
            other.restore(chain.loaded_arrays)
            chain.observers.append(other)
    chain.run()
    for model in (whole, chain):
        model.end()
    assert fingerprint(whole) == fingerprint(chain), "a resumed run differs"
    assert (whole.audience_rows == chain.audience_rows).all(), "the users of a resumed run differ"
    assert one.frames().audiences.equals(other.frames().audiences), "the table of a resumed run differs"
    return Counter(restarts=len(hours), rows=len(one.audience_months))


def same_anyhow() -> Counts:
    """Threads mean nothing."""
    config = market(TAXED, days=40)
    one = played(config)
    two = played(replace(config, compute=replace(config.compute, threads=2)))
    assert fingerprint(one) == fingerprint(two) and (one.audience_rows == two.audience_rows).all()
    return Counter(transfers=one.ledger.transfers_booked)


def spends() -> Counts:
    """What an audience is given it has spent when the month has ended, in its own country."""
    model, seen = ClickWorkModel(market(days=26)), Flows()
    model.observers.append(seen)
    model.run(24)
    model._book([Entry(NUMBERS["user_money"], 1, 1, 5_000_000, 1, 1)])
    assert model.audience_rows["balance"].tolist() == [0, 5_000_000]
    model.run(FEBRUARY + 1 - model.hour)
    assert not model.audience_rows["balance"].any(), "money that stays with the audience"
    spent = seen.of("user_spending")
    assert int(spent[1, 1]) == int(spent.sum()) == 5_000_000
    return Counter({"micro-dollars": int(spent.sum())})


def agents() -> Counts:
    """Audiences are Mesa agents on the model's own records."""
    model = ClickWorkModel(market())
    found = list(model.agents_by_type[Audience])
    assert [(one.platform, one.country) for one in found] == [(NAME, "NTH"), (NAME, "STH")]
    found[0].activity = 0.25
    assert model.audience_rows["activity"][0] == 0.25
    for name, value in (("balance", 5), ("users", 5)):
        try:
            setattr(found[0], name, value)
        except AttributeError:
            continue
        raise AssertionError(f"{name} can be written")
    model.run(24)
    labels = model.free_labels(day=True)[-1]
    users = model.audience_rows["users"]
    assert np.abs(labels - users * np.array([0.25, 0.66]) * 2.0 / 31).max() <= 1, labels
    assert (model.free_labels() == model.free_labels(day=True)).all(), "a day of labels"
    return Counter(agents=len(found))
