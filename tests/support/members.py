"""What must hold of cooperatives and of the commons, seen by observers that count for themselves.

As in ``tests.support.policies``: functions that raise ``AssertionError`` and return counts.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.traits import ACTIVE, NEWCOMER, column_of, permanent_ids, unpacked
from sim.config import Config, Platform
from sim.draws import uniform
from sim.instruments import Commons, Cooperative, Measure, Policies, ProfitTax, TurnoverTax, UsageTax
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.policy.cooperative import VOTES
from tests.support.conditions import events
from tests.support.markets import fingerprint, tiny
from tests.support.observers import NUMBERS, Books, Debug, Watcher
from tests.support.policies import FEBRUARY, MARCH, Counts, Flows, market, played, rate_of
from tests.support.relations import part, same_snapshots, two_worlds

APRIL = 24 * 84
"""First hour of the month after March."""

NTH, STH = range(2)
"""Numbers of the two countries."""

PORTABLE_IN_PART = Policies(commons=Commons(countries=["STH"], phase_in_months=3))

COOPERATIVE = Policies(cooperative=Cooperative(platforms=["southern"], participation=0.6))
FOUNDED = Policies(
    cooperative=Cooperative(platforms=["entrant"], participation=1.0, start="2019-02-01", end="2019-03-01")
)
BY_STEPS = Policies(cooperative=Cooperative(platforms=["southern"], participation=0.6, phase_in_months=4))
ORDER_ALONE = Policies(
    cooperative=Cooperative(
        platforms=["southern"], votes_on_floor=False, lowest_fee=0.1, highest_fee=0.1, tasks_newest=300
    )
)
"""Members of whom only the order that they choose changes from month to month."""
OF_THE_SOUTH = Policies(
    cooperative=Cooperative(platforms=["southern"], participation=0.8, countries=["STH"], phase_in_months=2)
)
VOTED = Policies(
    cooperative=Cooperative(
        platforms=["southern"], participation=0.6, fee="voted", fee_step=0.02, enough_work=0.1
    )
)
COMMONS = Policies(commons=Commons(fee_at_cost=True))
ALL = Policies(
    UsageTax(usd_per_user_month=0.4, to_requesters=0.5),
    TurnoverTax(to_workers=0.3),
    ProfitTax(),
    cooperative=Cooperative(platforms=["entrant", "southern"], participation=1.0, patronage_deducted=False),
    commons=Commons(royalty_rate=0.1, phase_in_months=2, fee_at_cost=True),
)


def with_entrant(config: Config, name: str = "entrant") -> Config:
    """Return a market with one more platform, which is closed."""
    entrant = Platform(owner="STH", closed=True)
    return replace(config, platforms={**config.platforms, name: entrant})


# --- the cooperative ------------------------------------------------------------------------------


class MemberWatch(Watcher):
    """Adds up rewards event by event, and works out what members must get and want."""

    def __init__(self) -> None:
        super().__init__()
        self.earned: dict[tuple[int, int], int] = defaultdict(int)
        self.rewards: dict[int, list[int]] = defaultdict(lambda: [0])
        self.costs: dict[int, list[int]] = defaultdict(list)
        self.tasks: Counter[int] = Counter()
        self.fund: Counter[int] = Counter()
        self.voted: dict[int, float] = {}
        self.began = 0
        self.balances: Any = 0

    def hour(self, model: Any) -> None:
        """Add what was earned; the price list and the order shown are those that members chose."""
        for event, batch, entry in events(model):
            if event["kind"] == boards.WORK:
                platform = int(column_of(model.worker_rows[int(entry["row"])], "platform"))
                pay = int(event["accepted"]) * int(batch["reward"])
                self.earned[platform, int(entry["id"])] += pay
                self.rewards[platform][-1] += pay
                self.tasks[platform] += int(event["done"])
        self.balances = model.worker_rows["balance"].copy()
        self.counts["hours"] += 1

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Hold fee, votes and patronage against what was seen."""
        for platform in model.offices.cooperatives.numbers:
            self.shares(model, platform, flows)
            self.decisions(model, platform)
            self.rewards[platform].append(0)
        self.earned.clear()
        self.tasks.clear()
        self.began = model.hour

    def shares(self, model: Any, platform: int, flows: Any) -> None:
        """Each gets the fund's share of what was earned there, rounded down; what is left stays in it."""
        cooperatives = model.offices.cooperatives
        surplus, paid = int(flows[NUMBERS["surplus"]].sum()), int(flows[NUMBERS["patronage"]].sum())
        if len(cooperatives.numbers) > 1:
            surplus, paid = int(cooperatives.surplus[platform]), int(cooperatives.paid[platform])
        pot = self.fund[platform] + surplus
        ids = permanent_ids(model.worker_rows[: model.workers_count]).tolist()
        homes = [model.world.codes[country] for country in model.worker_rows["country"][: len(ids)]]
        terms = model.config.policy.cooperative
        earned = [
            self.earned[platform, number] if terms.countries is None or home in terms.countries else 0
            for number, home in zip(ids, homes, strict=True)
        ]
        self.counts["who earned and is no member"] += sum(
            self.earned[platform, number] > one for number, one in zip(ids, earned, strict=True)
        )
        total = sum(earned)
        due = [pot * one // total if total else 0 for one in earned]
        assert paid == sum(due), f"{paid} handed out, {sum(due)} due"
        if len(cooperatives.numbers) == 1:
            assert model.members_got.tolist() == due or not any(due), "somebody else's patronage"
            assert not sum(due) or model.members_got.sum() == sum(due)
        self.fund[platform] = pot - paid
        assert int(model.ledger.cooperative_fund["balance"][platform]) == self.fund[platform]
        assert 0 <= self.fund[platform] <= len(ids), "more than rounding stays in the fund"
        self.counts["paid"] += sum(one > 0 for one in due)
        self.counts["micro-dollars"] += paid

    def decisions(self, model: Any, platform: int) -> None:
        """The fee by the costs of three months; floor and order by the median of those who vote."""
        offices, terms = model.offices, model.config.policy.cooperative
        rows, settings = model.worker_rows[: model.workers_count], model.platform_rows[platform]
        on_rewards = model.config.platforms[model.platform_names[platform]].cost_on_rewards
        tasks_cost = int(settings["transaction_cost"]) * self.tasks[platform]
        self.costs[platform].append(tasks_cost)
        if not model.running:
            return
        key = model.key(VOTES, model.hour)
        wages, tasks, enough, members = [], [], [], 0
        for row, worker in enumerate(rows):
            home = model.world.codes[int(worker["country"])]
            if terms.countries is not None and home not in terms.countries:
                continue
            if worker["bits"] & ACTIVE and column_of(worker, "platform") == platform:
                members += 1
                number = int(permanent_ids(rows[row : row + 1])[0])
                if uniform(key, number, 0) < terms.participation:
                    wage, learned = math.exp(float(worker["log_reservation"])), float(worker["learned_pay"])
                    wages.append(min(wage, learned) if learned > 0 else wage)
                    tasks.append(int(worker["accepted"]) + int(worker["rejected"]))
                    hours = self.earned[platform, number] / 1e6 / learned if learned > 0 else 0.0
                    wanted_hours = int(worker["desired_minutes"]) / 60 * (model.hour - self.began) / 168
                    enough.append(hours > 0 and hours >= terms.enough_work * wanted_hours)
        if not wages or not offices.is_cooperative(platform, model.hour):
            return
        way = rate_of(model, terms, model.hour)
        net = float(settings["reward_floor"]) * (1 - int(settings["worker_fee_ppm"]) / 1e6)
        wanted = statistics.median_low(wages) if terms.votes_on_floor else 0.0
        assert math.isclose(net, way * wanted, rel_tol=1e-12), "not what members keep"
        assert int(offices.cooperatives.members[platform]) == members, "who belongs"
        middle = statistics.median_low(tasks)
        steps = (terms.tasks_newest, terms.tasks_largest, terms.tasks_best_paid)
        order = ("random", "newest", "largest", "best_paid")[sum(middle >= step for step in steps)]
        self.counts[order] += 1
        usual = model.config.platforms[model.platform_names[platform]]
        for board in model.boards:
            if board.platform == platform:
                share, names = way * terms.ranking_share, ("newest", "largest", "best_paid", "random")
                own = [getattr(usual, f"ranking_{name}") for name in names]
                given = [share * (name == order) for name in names]
                mixed = (1 - share) * np.array(own) / sum(own) + given
                assert np.allclose(board.ranking[:4], [0, *np.cumsum(mixed)[:3]]), "another order is shown"
        cost, rewards = offices.costs.costs[platform, :3].sum(), sum(self.rewards[platform][-3:])
        assert offices.costs.rewards[platform, 0] == self.rewards[platform][-1], "rewards of the month"
        fee = min(terms.highest_fee, max(terms.lowest_fee, int(cost) / rewards))
        if terms.fee == "voted":
            if platform in self.voted:
                higher = 2 * sum(enough) > len(enough)
                self.counts["for a higher fee" if higher else "for a lower fee"] += 1
                moved = self.voted[platform] + terms.fee_step * (1 if higher else -1)
                fee = min(terms.highest_fee, max(fee, moved))
            self.voted[platform] = fee
        fee -= usual.worker_fee
        own_fees = usual.requester_fee, usual.requester_fee + usual.large_batch_fee
        for name, own in zip(("requester_fee_ppm", "large_batch_fee_ppm"), own_fees, strict=True):
            charged = own + way * min(0.0, max(0.0, fee) - own)
            assert abs(int(settings[name]) - charged * 1e6) <= 0.5 + 1e-6, f"{name} is not at cost"
        fees = int(offices.month_fees[platform].sum())
        # Costs are those of tasks and a share of rewards; the fees of the month are counted anew by now.
        by_hand = tasks_cost + self.rewards[platform][-1] * round(on_rewards * 1e6) // 10**6
        assert fees == 0 and int(offices.costs.costs[platform, 0]) == by_hand
        self.counts["votes"] += len(wages)
        self.counts["members"] += members
        self.counts["decisions"] += 1


def members(seed: int = 1, policy: Policies = COOPERATIVE, days: int = 58) -> Counts:
    """What members earn, want and get, from events alone."""
    watch = MemberWatch()
    config = market(days=days, workers=80, policy=policy, seed=seed)
    platforms = {**config.platforms, "southern": replace(config.platforms["southern"], worker_fee=0.02)}
    requesters = replace(config.requesters, strictness_mean=0.5)
    played(replace(config, platforms=platforms, requesters=requesters), observers=(watch, Debug()))
    return watch.counts


def voted_fee(enough: float = 0.1) -> Counts:
    """Members move the fee by steps: up where most have work enough, else down to what the platform costs."""
    terms = replace(VOTED.cooperative or Cooperative(), enough_work=enough)
    return members(1, Policies(cooperative=terms), 120)


def voted_down() -> Counts:
    """A founded one begins with the highest fee; as long as its members want more work they vote it down."""
    terms = replace(
        FOUNDED.cooperative or Cooperative(), end=None, fee="voted", enough_work=10.0, fee_step=0.03
    )
    base = market(days=100, workers=300, policy=Policies(cooperative=terms), seed=4)
    model = ClickWorkModel(with_entrant(base))
    number, fees = model.platform_number("entrant"), []
    for month in (FEBRUARY, MARCH, APRIL):
        model.run(month + 1 - model.hour)
        fees.append(int(model.platform_rows["requester_fee_ppm"][number]))
    assert fees == [150_000, 120_000, 90_000], f"fees of {fees}"
    return Counter(voters=int(model.offices.cooperatives.voters[number]))


def members_by_steps() -> Counts:
    """The same while fee, floor and order are on their way."""
    return members(2, BY_STEPS)


def order_alone() -> Counts:
    """What members choose is shown, whether or not fee and floor change with it; they change their mind."""
    counts = members(2, ORDER_ALONE)
    orders = sum(counts[name] > 0 for name in ("random", "newest", "largest", "best_paid"))
    return counts + Counter(orders=orders)


def members_in_the_south() -> Counts:
    """The same where the South alone owns it, by steps."""
    return members(2, OF_THE_SOUTH)


def surplus_is_no_rent(policy: Policies = COOPERATIVE) -> Counts:
    """Nobody owns a cooperative: what it makes goes to members, what lenders put in comes back first."""
    base = market(policy=policy)
    poor = {name: replace(one, cost_on_rewards=1.0) for name, one in base.platforms.items()}
    counts = Counter[str]()
    for config in (base, replace(base, platforms=poor)):
        seen = Flows()
        model = played(config, observers=(seen,))
        platform = model.platform_number("southern")
        cooperatives = model.offices.cooperatives
        assert cooperatives is not None
        revenue, cost = (int(model.platform_rows[name][platform]) for name in ("revenue", "cost"))
        given = int(seen.of("surplus").sum())
        owed = int(cooperatives.owed[platform])
        assert owed >= 0 and (given > 0) == (revenue > cost), "profit that somebody else got"
        assert revenue - cost == given - owed, "what it made is neither its members' nor owed"
        counts["surplus"] += given
        counts["owed"] += owed
    return counts


# --- a cooperative that is founded ---------------------------------------------------------------


def closed_for_good() -> Counts:
    """A platform that nobody founds changes nobody's life, wherever it stands among the others."""
    counts = Counter[str]()
    base = market(days=30)
    base = replace(base, requesters=replace(base.requesters, count=30, multihome_share=0.5))
    plain = played(base)
    for name in ("entrant", "zeta"):
        model = played(with_entrant(base, name))
        number = model.platform_number(name)
        kept = [p for p in range(len(model.platform_names)) if p != number]
        assert not model.platform_rows["transactions"][number] and not model.platform_rows["balance"][number]
        one, two = (unpacked(each.worker_rows[: each.workers_count]) for each in (plain, model))
        for field in one.dtype.names or ():
            there = np.array(kept)[one[field]] if field == "platform" else one[field]
            assert field == "tile" or (there == two[field]).all(), f"{name}: {field} of workers"
        for field in plain.requester_rows.dtype.names or ():
            first, second = plain.requester_rows[field], model.requester_rows[field]
            if field == "platform":
                first = np.array(kept)[first]
            elif field == "platform_mask":
                first = sum((first >> at & 1) << there for at, there in enumerate(kept))
            assert (first == second).all(), f"{name}: {field} of requesters"
        assert (plain.ledger.totals == model.ledger.totals).all()
        counts["rows"] += len(one) + len(plain.requester_rows)
        counts["on several platforms"] += int((plain.requester_rows["platform_mask"] == 3).sum())
    return counts


def founded() -> Counts:
    """From its month on people work and post there; from its last month on nobody does."""
    base = with_entrant(market(days=70, workers=100, policy=FOUNDED))
    base = replace(base, requesters=replace(base.requesters, count=30, multihome_share=0.5))
    plain = ClickWorkModel(replace(base, policy=Policies()))
    model = ClickWorkModel(base)
    model.observers.append(Debug())
    number, counts = model.platform_number("entrant"), Counter[str]()
    for one in (plain, model):
        one.run(FEBRUARY)
    assert fingerprint(plain) == fingerprint(model), "known before it is there"
    reach = model.requester_rows["platform_mask"] >> number & 1
    assert not reach.any() and not model.platform_rows["worker_mask"][number]
    model.step()
    row = model.platform_rows[number]
    assert row["requester_fee_ppm"] == 150_000 == row["large_batch_fee_ppm"], "not the fee to begin with"
    model.run(MARCH - model.hour)
    reach = model.requester_rows["platform_mask"] >> number & 1
    rows = model.worker_rows[: model.workers_count]
    there = (column_of(rows, "platform") == number) & (rows["bits"] & ACTIVE > 0)
    counts["members"], counts["requesters"] = int(there.sum()), int(reach.sum())
    counts["tasks"] = int(model.month_transactions[number])
    assert 0 < reach.sum() < len(reach)
    model.step()
    rows = model.worker_rows[: model.workers_count]
    gone = (column_of(rows, "platform") == number) & (rows["bits"] & ACTIVE > 0)
    assert not gone.any() and not (model.requester_rows["platform_mask"] >> number & 1).any()
    assert not model.platform_rows["worker_mask"][number] and int(model.offices.cooperatives.paid[number])
    model.run()
    model.end()
    rows = model.worker_rows[: model.workers_count]
    assert not ((column_of(rows, "platform") == number) & (rows["bits"] & ACTIVE > 0)).any(), "still there"
    return counts


def founded_in_the_south() -> Counts:
    """A cooperative of some countries that is founded admits the workers of these alone."""
    terms = replace(FOUNDED.cooperative or Cooperative(), countries=["STH"], phase_in_months=9)
    model = ClickWorkModel(with_entrant(market(days=50, workers=100, policy=Policies(cooperative=terms))))
    number = model.platform_number("entrant")
    model.run(FEBRUARY + 1)
    row = model.platform_rows[number]
    assert int(row["worker_mask"]) == 1 << model.world.codes.index("STH"), "others are let in"
    assert row["requester_fee_ppm"] == 150_000, "a founded one has nothing to grow from"
    ever: set[int] = set()
    while model.hour < model.last_hour:
        model.run(24)
        rows = model.worker_rows[: model.workers_count]
        there = (column_of(rows, "platform") == number) & (rows["bits"] & ACTIVE > 0)
        assert (rows["country"][there] == model.world.codes.index("STH")).all(), "who works there"
        ever |= set(np.flatnonzero(there).tolist())
    return Counter(members=len(ever))


# --- the commons ----------------------------------------------------------------------------------


class LabelWatch(Watcher):
    """Counts seconds in labels and works out the royalty batch by batch, by the rate when it was posted."""

    def __init__(self, rates: dict[int, int], countries: tuple[int, ...] = (0, 1)) -> None:
        super().__init__()
        self.rates, self.countries = rates, countries
        self.labels: Counter[int] = Counter()
        self.accepted: Counter[int] = Counter()
        self.royalty = 0
        self.kept = 0
        self.fees: dict[bool, set[int]] = defaultdict(set)

    def rate(self, hour: int) -> int:
        """Millionths that a batch owes which was posted in an hour."""
        return [rate for since, rate in sorted(self.rates.items()) if since <= hour][-1]

    def hour(self, model: Any) -> None:
        """Add the hour's work for artificial intelligence."""
        functions = [task.function for task in model.config.task_types.values()]
        touched: Counter[int] = Counter()
        facts: dict[int, tuple[int, int, int]] = {}
        for event, batch, entry in events(model):
            if event["kind"] != boards.WORK or functions[int(batch["type"])] == "none":
                self.counts["other work"] += 1
                continue
            number = int(batch["id"])
            mine = int(entry["country"]) in self.countries
            self.labels[int(entry["id"])] += mine * int(event["accepted"]) * int(batch["true_seconds"])
            self.counts["labels that do not count"] += int(event["accepted"]) * (not mine)
            owes = int(batch["requester_country"]) in self.countries
            self.counts["work for who owes nothing"] += not owes
            touched[number] += int(event["accepted"])
            facts[number] = (
                int(batch["reward"]),
                int(batch["fee_ppm"]),
                owes * self.rate(int(batch["posted_hour"])),
            )
            if MARCH <= int(batch["posted_hour"]) < APRIL:
                self.fees[owes].add(facts[number][1])
        for number, more in touched.items():
            reward, fee, rate = facts[number]
            before, after = self.accepted[number], self.accepted[number] + more
            for at, sign in ((after, 1), (before, -1)):
                gross = at * reward
                self.royalty += sign * (gross * fee // 10**6 - gross * (fee - rate) // 10**6)
            self.accepted[number] = after
            self.counts["labels"] += more

    def month(self, model: Any, period: str, flows: Any) -> None:
        """The royalty less its cost goes into the fund; each second brings the same; what is left is kept."""
        terms = model.config.policy.commons
        passed, told = int(flows[NUMBERS["royalty"]].sum()), model.offices.fund.told
        assert int(told[0]) == self.royalty, f"royalty {told[0]}, counted {self.royalty}"
        cost = self.royalty - passed
        assert 0 <= cost - self.royalty * terms.administration_share <= len(model.platform_names)
        pot, labels = self.kept + passed, sum(self.labels.values())
        ids = permanent_ids(model.worker_rows[: model.workers_count]).tolist()
        due = [pot * self.labels[number] // labels if labels else 0 for number in ids]
        got = model.members_got if len(model.members_got) else np.zeros(len(due), np.int64)
        assert got.tolist() == due, "somebody else's dividend"
        assert int(flows[NUMBERS["commons_dividend"]].sum()) == sum(due)
        self.kept = pot - sum(due)
        assert int(model.ledger.commons_fund["balance"][0]) == self.kept >= 0
        self.counts["paid"] += sum(one > 0 for one in due)
        self.counts["micro-dollars"] += sum(due)
        self.labels.clear()
        self.royalty = 0


def royalties(seed: int = 1, countries: tuple[int, ...] = (0, 1)) -> Counts:
    """Royalty and dividend from events alone, while the rate grows and after it has ended."""
    terms = Commons(royalty_rate=0.1, phase_in_months=2, start="2019-02-01", end="2019-04-01")
    if countries != (0, 1):
        terms = replace(terms, countries=[("NTH", "STH")[country] for country in countries])
    watch = LabelWatch({0: 0, FEBRUARY: 50_000, MARCH: 100_000, APRIL: 0}, countries)
    config = market(days=92, workers=40, policy=Policies(commons=terms), seed=seed)
    played(config, observers=(watch, Debug()))
    if countries != (0, 1):
        # In March some pay 10 % on top of what is all that others pay.
        assert watch.fees[True] == {fee + 100_000 for fee in watch.fees[False]} != set(), watch.fees
    return watch.counts


def northern_royalties() -> Counts:
    """The same where the North alone pays and gets it."""
    return royalties(1, (0,))


def platforms_keep_what_is_theirs() -> Counts:
    """A royalty leaves a platform with what its fees are without one, batch for batch of the same work.

    Where nobody pays heed to cost, the same batches are posted and the same work is done.
    """
    base = market(days=40)
    base = replace(
        base,
        requesters=replace(base.requesters, demand_elasticity=0.0, value_usd_per_hour=900.0, count=8),
        market=replace(base.market, pay_setting="fixed"),
        learning=replace(base.learning, leave_weeks=200, join_rate=0.0, switch_share=0.0),
    )
    with_it = replace(base, policy=Policies(commons=Commons(portable_reputation=False)))
    seen = [Flows(), Flows()]
    plain, other = (played(one, observers=(kept,)) for one, kept in zip((base, with_it), seen, strict=True))
    taken = ("revenue", "transactions")
    for name in taken:
        assert (plain.platform_rows[name] == other.platform_rows[name]).all(), f"{name} of platforms"
    assert (seen[0].of("reward") == seen[1].of("reward")).all(), "other work was done"
    royalty = int(seen[1].of("royalty").sum())
    return Counter(royalty=royalty, tasks=int(plain.platform_rows["transactions"].sum()))


class UserShares(Watcher):
    """Looks at each month's end whether users got as much for a second as workers did, and spent it."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def month(self, model: Any, period: str, flows: Any) -> None:
        """Look at the month that has just been closed."""
        told, paid = model.offices.fund.told, int(flows[NUMBERS["commons_to_users"]].sum())
        labels = int(model.audiences_closed["month_labels"].sum())
        to_workers, accounts = int(flows[NUMBERS["commons_dividend"]].sum()), len(model.audience_rows)
        by_time = to_workers * labels * 5 // max(1, int(told[3]))
        assert abs(paid - by_time) <= paid * len(model.worker_rows) // max(1, to_workers) + accounts + 1, (
            f"{period}: {paid} for {labels} labels, {to_workers} for {told[3]} seconds"
        )
        assert not model.audience_rows["balance"].any()
        self.counts.update(to_users=paid, labels=labels)


def unpaid_labels_of_the_north() -> Counts:
    """Users of the North alone get something where the commons is the North's."""
    base = market(days=40, policy=Policies(commons=Commons(countries=["NTH"])))
    users = Platform(family="social", owner="NTH", labels_per_user_month=0.5)
    model, seen = ClickWorkModel(replace(base, platforms={**base.platforms, "users": users})), Flows()
    model.observers.append(seen)
    model.run()
    paid = seen.of("commons_to_users").sum(axis=0)
    assert paid[0] > 0 and not paid[1], f"to users of each country: {paid}"
    assert seen.of("commons_dividend").sum(axis=0)[1] == 0, "workers of the South"
    return Counter(to_users=int(paid.sum()))


def unpaid_labels() -> Counts:
    """Users share in the fund by their unpaid labels, each of which counts for 5 seconds of work."""
    base = market(days=58, policy=COMMONS)
    users = Platform(family="social", owner="NTH", labels_per_user_month=0.5)
    model = ClickWorkModel(replace(base, platforms={**base.platforms, "users": users}))
    watch = UserShares()
    model.observers.append(watch)
    model.run()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    return watch.counts


# --- records --------------------------------------------------------------------------------------


class RecordWatch(Watcher):
    """Looks whether newcomers do work that asks for a record, and when their record begins to count."""

    def __init__(self) -> None:
        super().__init__()
        self.new: set[int] = set()

    def hour(self, model: Any) -> None:
        """Look at who works for whom."""
        rows = model.worker_rows[: model.workers_count]
        new = rows["bits"] & NEWCOMER > 0
        for event, batch, entry in events(model):
            asks = model.requester_rows["approval_tasks"][int(batch["requester"])] > 0
            if event["kind"] == boards.WORK and asks:
                newcomer = bool(new[int(entry["row"])])
                self.counts["newcomers' work that asks for a record" if newcomer else "others' work"] += 1
                self.counts[f"newcomers' of {int(entry['country'])}"] += newcomer
        now = set(permanent_ids(rows[new]).tolist())
        if model.hour % (24 * 7) == 0:
            # Those who moved at this week's start are new, too.
            self.counts["newcomer-weeks"] += len(self.new)
            self.counts["records made"] += len(self.new - now)
        self.counts["newcomers"] += len(now - self.new)
        self.new = now


def records(policy: Policies | None = None, weeks: float = 4.0) -> Counts:
    """A record does not move with its worker, unless a policy lets it; in time a new one is made."""
    portable, policy = policy is not None, policy or Policies()
    base = market(days=70, workers=150, policy=policy)
    config = replace(
        base,
        requesters=replace(base.requesters, approval_share=0.5, approval_tasks=1, approval_rate=0.0),
        learning=replace(base.learning, record_weeks=weeks, switch_share=0.2),
    )
    watch = RecordWatch()
    played(config, observers=(watch,))
    counts = watch.counts
    assert portable or not counts["newcomers' work that asks for a record"], "a record that moved"
    in_weeks, made, chance = counts["newcomer-weeks"], counts["records made"], 1 / weeks
    spread = math.sqrt(in_weeks * chance * (1 - chance))
    assert abs(made - in_weeks * chance) < 4 * spread, f"{made} records made in {in_weeks} weeks of newcomers"
    return counts


def portable() -> Counts:
    """Where records are portable, newcomers do work that asks for one."""
    counts = records(Policies(commons=Commons(royalty_rate=0.0)))
    assert counts["newcomers' work that asks for a record"], "no record moved"
    return counts


def portable_in_the_south() -> Counts:
    """Where those of one country are, its newcomers alone do."""
    counts = records(Policies(commons=Commons(royalty_rate=0.0, countries=["STH"])))
    assert counts[f"newcomers' of {STH}"], "no record moved"
    assert not counts[f"newcomers' of {NTH}"], "a record of the North moved"
    return counts


def portable_by_a_measure() -> Counts:
    """A measure makes them portable for all who live anywhere."""
    measure = Measure(rule="portable", value=1.0)
    counts = records(Policies(measures={"records": measure}))
    assert counts[f"newcomers' of {STH}"] and counts[f"newcomers' of {NTH}"], "not for everybody"
    return counts


# --- all of them ----------------------------------------------------------------------------------


def accounts(policy: Policies = ALL, days: int = 58) -> Counts:
    """A second ledger agrees on every account in every hour."""
    model = ClickWorkModel(with_entrant(market(days=days, policy=policy)))
    books, seen = Books(), Flows()
    model.observers.extend([seen, Debug()])
    books.attach(model)
    model.run()
    model.end()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    kinds = ("royalty", "commons_dividend", "surplus", "patronage", "profit_tax")
    return books.counts + Counter({kind: int(seen.of(kind).sum()) for kind in kinds})


def resumed(policy: Policies = ALL, hours: tuple[int, ...] = (100, FEBRUARY, FEBRUARY + 1, 1000)) -> Counts:
    """Stopped and resumed, also as a month ends, a run goes on to the same bits."""
    config = with_entrant(market(policy=policy))
    whole, chain = ClickWorkModel(config), ClickWorkModel(config)
    whole.run()
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
    assert all(np.array_equal(one[name], other[name]) for name in one), "the offices of a resumed run differ"
    assert whole.members_got.tolist() == chain.members_got.tolist()
    return Counter(restarts=len(hours), paid=int(whole.members_got.sum()))


def apart(seed: int = 1) -> Counts:
    """A cooperative and a commons in one of two worlds leave the other as it was."""
    policy = Policies(
        cooperative=Cooperative(platforms=["here_0"]), commons=Commons(platforms=["here_0", "here_1"])
    )
    config = two_worlds(tiny(days=40, workers=60, requesters=8, seed=seed))
    kept, seen = Flows(), Flows()
    plain, policed = played(config, None, (kept,)), played(replace(config, policy=policy), None, (seen,))
    changed = False
    try:
        same_snapshots(part(plain, 0), part(policed, 0), "the policed world")
    except AssertionError:
        changed = True
    assert changed, "the instruments changed nothing where they hold, so the comparison says nothing"
    assert all((a[:, 1, 1] == b[:, 1, 1]).all() for a, b in zip(kept.months, seen.months, strict=True))
    return Counter(rows=same_snapshots(part(plain, 1), part(policed, 1), "the other world"))


def short() -> str:
    """Fingerprint of a short market with everything."""
    return fingerprint(played(with_entrant(market(days=27, workers=12, policy=ALL))))


if __name__ == "__main__":
    print(short())
