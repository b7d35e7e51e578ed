"""Tax offices and paymasters: count users, assess platforms, pay incomes; once a month, through the ledger.

Users are counted whatever the policy; without instruments nothing is due, and the market cannot tell.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.agents.audience import advertising_a_year, most_users
from sim.agents.rules import worth_the_tasks
from sim.agents.traits import ACTIVE, MEMBER, OTHER_JOB, column_of
from sim.clock import Clock
from sim.columns import Records
from sim.compile import kernel
from sim.config import FAMILIES, Config
from sim.errors import UserError, one_of
from sim.instruments import ConditionalIncome, Instrument, Levy, Programme, UniversalIncome
from sim.ledger import (
    ADMINISTRATION,
    CAPITAL,
    CONDITIONAL_INCOME,
    CONTRIBUTIONS,
    EXTERNAL_INCOME,
    EXTERNAL_INCOME_OF_OTHERS,
    HAVEN_PROFIT,
    HAVEN_TAX,
    HIRING_SUBSIDY,
    INCOME_OF_OTHERS,
    LARGEST,
    PLATFORM_COST,
    POOLING,
    PROFIT,
    PROFIT_SHIFTING,
    PROFIT_TAX,
    REWARD,
    ROYALTY,
    SHIFT_PAY,
    SURPLUS,
    TRANSFER,
    TURNOVER_TAX,
    UNIVERSAL_INCOME,
    USAGE_TAX,
)
from sim.numeric import added_up, log
from sim.policy import commons as commons_rules
from sim.policy import income as incomes
from sim.policy import measures, taxes, wage_floor
from sim.policy.at_cost import Costs
from sim.policy.channels import (
    BESIDE_PRICES,
    HIGHEST_FEE,
    HIGHEST_WORKER_FEE,
    LEVY_ON_REQUESTERS,
    LEVY_ON_WORKERS,
    SUBSIDY,
    TRANSFERS,
    Channels,
    Contribution,
)
from sim.policy.commons import Fund
from sim.policy.cooperative import Cooperatives, divided
from sim.policy.effects import (
    EFFECTS,
    ELASTICITY,
    EXPECTED,
    GIVEN_UP,
    LEAST_WAGE,
    NEED,
    TASK_HOURS,
    TASKS,
    UNEARNED,
    WAGE,
)
from sim.policy.leaving import CUSTOMERS, EVERYBODY, WORKERS, given_up, own_of_trade, patience, spread
from sim.policy.paid_time import PaidTime
from sim.policy.ratings import Ratings
from sim.policy.reach import with_members
from sim.policy.reclassification import Employment
from sim.policy.union import Unions
from sim.world import World

POVERTY_LINE_USD_A_DAY = 3.00 * 1.137
"""The World Bank's line of 3.00 (2021 PPP dollars) in dollars of 2024, at the price level of the USA."""

DAYS_A_MONTH = 365.0 / 12.0


STRENGTHS_KEPT = 64
"""Strengths of instruments in single hours that are remembered."""
MOST_SUBSIDISED = 0.9
"""Largest share of their cost that requesters count on getting back."""


class Entry(NamedTuple):
    """One transfer of a month's end, in whole micro-dollars."""

    kind: int
    payer: int
    payee: int
    amount: int
    payer_country: int
    payee_country: int


class Charge(NamedTuple):
    """What a platform owes in one country, and what of it was withheld from rewards; in micro-dollars."""

    name: str
    kind: int
    country: int
    amount: int
    withheld: int = 0


class ProfitCharge(NamedTuple):
    """The tax on a profit made in one country: what was shifted away, and what is due here and there."""

    country: int
    profit: int
    shifted: int
    haven_tax: int
    amount: int


CHECKPOINTED = (
    "seen_workers",
    "seen_requesters",
    "month_fees",
    "month_worker_fees",
    "month_rewards",
    "month_trade",
    "month_transactions",
    "levies",
    "losing",
    "per_head",
    "kept",
    "users",
    "tasks_before",
    "month_spent",
    "subsidies",
    "effects",
    "losses",
    "roster",
    "roster_users",
    "roster_since",
)


@kernel
def add_trade(rows: Any, trade: Any) -> None:
    """Add the rewards among some transfers to trade, by country of requester and worker."""
    for i in range(len(rows)):
        if rows[i].kind == REWARD:
            trade[rows[i].debit_country, rows[i].credit_country] += rows[i].amount


@kernel
def note_workers(hour: int, starts: Any, platforms: Any, order: Any, workers: Any, seen: Any) -> None:
    """Set the bit of their board's platform of those in the market who begin in an hour of the day."""
    for tile in range(len(platforms)):
        place = 24 * tile + hour
        for i in range(starts[place], starts[place + 1]):
            row = order[i]
            if workers[row].bits & ACTIVE:
                seen[row] |= 1 << platforms[tile]


@kernel
def note_on_duty(hour: int, platform: int, active: Any, count: int, workers: Any, seen: Any) -> None:
    """Set the bit of a platform of those whose session there goes on in an hour."""
    for i in range(count):
        entry = active[i]
        if 60 * entry.minutes > 3600 * (hour - entry.start_hour) and workers[entry.row].bits & ACTIVE:
            seen[entry.row] |= 1 << platform


@kernel
def note_requesters(starts: Any, platforms: Any, batches: Any, seen: Any) -> None:
    """Set the bit of their board's platform of those whose new batches these are, sorted part by part."""
    for part in range(starts.shape[0]):
        for tile in range(len(platforms)):
            for i in range(starts[part, tile], starts[part, tile + 1]):
                seen[batches[i].requester] |= 1 << platforms[tile]


class Offices:
    """The public offices of all countries.

    Attributes
    ----------
    seen_workers, seen_requesters : uint16 arrays
        Bits of the platforms that each was active on this month: a user is one person-account active on one
        platform in a month, in the country of the person, and is counted once there.
    month_fees, month_worker_fees, month_rewards : int64 arrays (platforms, countries)
        Micro-dollars this month: fees by the country of who pays them, and those that workers pay; rewards by
        the worker's country.
    month_trade : int64 array (platforms, countries, countries)
        Micro-dollars of rewards this month by the country of the requester and of the worker, where a
        platform might leave one; local jobs are left out: both are of one country.
    month_transactions : int64 array (platforms, countries)
        Assignments accepted or rejected this month, by the worker's country.
    levies : float64 array (2, platforms)
        Shares of the reward that platforms add to their fees on requesters and on workers.
    losing : int64 array (platforms, countries)
        Months in a row in which a country, or a part of its users, brought a platform less than it cost it in
        taxes and as an employer.
    per_head : int64 array (countries,)
        Micro-dollars of universal income paid to each recipient for this month.
    tasks_before : int64 array
        Tasks that each worker had done when the month began, where an income depends on those of a month.
    month_spent : int64 array
        Micro-dollars that each requester spent on batches that finished this month, where that is subsidised.
    subsidies : float64 array (countries,)
        Share of what they spend that requesters of a country count on getting back: that of last month.
    kept : int64 array (countries,)
        Micro-dollars meant for an income that rounding left in the treasuries.
    heads : list of Fraction
        Among how many, as agents, the income of each country was shared when it was last paid.
    wanted, allowed : int64 arrays (countries,)
        Micro-dollars for each head of the month: the rate that is set, 0 for none; and what revenue came to,
        without what earlier months left.
    roster : bool array
        Rows of the workers who are on a roster that is fixed, if it is; from the hour ``roster_since`` on, -1
        before. ``roster_users`` are the users (agents) of the social platform that then had most, by country.
    losses : int64 array (platforms,)
        Micro-dollars of losses since a profit tax began that have not yet reduced a taxed profit, where it
        lets them.
    cooperatives, fund, costs
        The cooperatives, the commons, and what platforms cost in past months, where an instrument asks.
    effects : float64 array (countries, EFFECTS)
        What an income does to workers; columns ``NEED`` and so on. ``UNEARNED`` is read from the channels.
    """

    def __init__(self, config: Config, world: World, clock: Clock) -> None:
        policy = config.policy
        refuse_unknown_names(config, world)
        refuse_too_much_money(config, world)
        refuse_too_much_advertising(config, world)
        self.policy, self.world, self.clock = policy, world, clock
        self.names = tuple(config.platforms)
        self.families = tuple(platform.family for platform in config.platforms.values())
        self.taxes: dict[str, Levy] = {
            name: tax
            for name, tax in (("usage_tax", policy.usage_tax), ("turnover_tax", policy.turnover_tax))
            if tax is not None
        }
        self._strengths: dict[tuple[int, int], tuple[Instrument, Fraction]] = {}
        self._borne: dict[str, Any] = {**self.taxes, "reclassification": policy.reclassification}
        self.persons = taxes.exact(config.workers.real_count) / config.workers.count
        self.window = clock.datetime(24 * config.time.warmup_days).date()
        self.programme: Programme | None = policy.conditional_income or policy.universal_income
        self.assesses = bool(self.taxes or policy.profit_tax or self.programme)
        platforms, countries = len(self.names), len(world.codes)
        self.owners = [world.codes.index(platform.owner) for platform in config.platforms.values()]
        self.customers = np.array(
            [platform.customers_per_requester for platform in config.platforms.values()]
        )
        self.seen_workers = np.zeros(0, np.uint16)
        self.seen_requesters = np.zeros(0, np.uint16)
        self.month_fees = np.zeros((platforms, countries), np.int64)
        self.month_worker_fees = np.zeros((platforms, countries), np.int64)
        self.month_rewards = np.zeros((platforms, countries), np.int64)
        self.month_trade = np.zeros((platforms, countries, countries), np.int64)
        self.month_transactions = np.zeros((platforms, countries), np.int64)
        self.weighs = bool(self.taxes or policy.reclassification)
        self.levies = np.zeros((2, platforms))
        self.losing = np.zeros((platforms, countries), np.int64)
        self.per_head = np.zeros(countries, np.int64)
        self.kept = np.zeros(countries, np.int64)
        self.heads = [Fraction(0)] * countries
        self.wanted = np.zeros(countries, np.int64)
        self.allowed = np.zeros(countries, np.int64)
        self.roster = np.zeros(0, np.bool_)
        self.roster_users = np.zeros(countries, np.int64)
        self.roster_since = np.array([-1])
        self.users = np.zeros((platforms, countries), np.int64)
        self.working_users = np.zeros((platforms, countries), np.int64)
        self.posting_users = np.zeros((platforms, countries), np.int64)
        self.month_began = 0
        if policy.usage_tax is not None:
            self.usage_rates = taxes.usage_rates(
                policy.usage_tax, world.gdp_per_head_usd.tolist(), world.population.tolist()
            )
        if policy.wage_floor is not None:
            wage_floor.refuse_unknown_wages(policy.wage_floor, world)
        self.ratings = Ratings()
        self.unions = Unions(policy.union, self.names, world) if policy.union is not None else None
        self.paid_time = PaidTime(platforms, countries)
        self.employment: Employment | None = None
        if policy.reclassification is not None:
            fees = {name: platform.worker_fee for name, platform in config.platforms.items()}
            self.employment = Employment(policy.reclassification, fees, world)
            self.employment.noting[0] = self.employs(0)
        self.tasks_before = np.zeros(1, np.int64)
        self.month_spent = np.zeros(1, np.int64)
        self.subsidies = np.zeros(countries)
        self.effects = np.zeros((countries, EFFECTS))
        self.effects[:, TASK_HOURS] = usual_task_hours(config)
        self.effects[:, LEAST_WAGE] = [
            log(max(1e-9, config.workers.need_usd_per_hour * float(level))) for level in world.price_level
        ]
        self.losses = np.zeros(platforms, np.int64)
        self.worker_fees = [platform.worker_fee for platform in config.platforms.values()]
        self.requester_fees = [platform.requester_fee for platform in config.platforms.values()]
        self.own_fees = [
            (one.requester_fee, one.requester_fee + one.large_batch_fee) for one in config.platforms.values()
        ]
        self.cooperatives: Cooperatives | None = None
        self.fund: Fund | None = None
        if policy.cooperative is not None:
            closed = [platform.closed for platform in config.platforms.values()]
            owned = with_members(policy.cooperative, config, world)
            self.cooperatives = Cooperatives(policy.cooperative, self.names, closed, owned)
        if policy.commons is not None:
            self.fund = Fund(policy.commons, self.names, world.codes)
        self.costs = Costs(platforms)
        if policy.universal_income is not None:
            self._set_effects(policy.universal_income)

    def _set_effects(self, income: UniversalIncome) -> None:
        self.effects[:, NEED] = POVERTY_LINE_USD_A_DAY * DAYS_A_MONTH * self.world.price_level
        self.effects[:, ELASTICITY] = income.reservation_elasticity
        north = np.array([group == "north" for group in self.world.group])
        self.effects[:, GIVEN_UP] = np.where(north, income.hours_north, income.hours_south)
        self.effects[:, WAGE] = self.world.outside_wage_usd

    # --- counting ---

    def note_sessions(
        self,
        hour: int,
        starts: NDArray[np.int64],
        platforms: NDArray[np.int64],
        order: NDArray[np.int32],
        workers: Records,
    ) -> None:
        """Note who works from an hour of the day on, and on which platform; who has left does not work.

        ``order`` has their rows by board and hour, and ``starts`` where those of each begin.
        """
        note_workers(hour, starts, platforms, order, workers, self.seen_workers)

    def note_going_on(self, hour: int, platform: int, active: Records, count: int, workers: Records) -> None:
        """Note who works on a board in the first hour of a month: sessions may have begun in the last one."""
        note_on_duty(hour, platform, active, count, workers, self.seen_workers)

    def make_room(self, workers: int) -> None:
        """Make room for notes of so many workers."""
        more = workers - len(self.seen_workers)
        if more > 0:
            self.seen_workers = np.concatenate([self.seen_workers, np.zeros(more, np.uint16)])

    def note_posting(
        self, starts: NDArray[np.int64], platforms: NDArray[np.int64], batches: Records, known: int
    ) -> None:
        """Note who posted, and on which platform; ``known`` is how many requesters there are.

        ``starts`` says, for each part of the new batches, where those of each board begin.
        """
        if len(self.seen_requesters) < known:
            more = np.zeros(known - len(self.seen_requesters), np.uint16)
            self.seen_requesters = np.concatenate([self.seen_requesters, more])
        note_requesters(starts, platforms, batches, self.seen_requesters)

    def count_users(
        self, workers: Records, requesters: Records, further: Iterable[NDArray[np.int64]] = ()
    ) -> NDArray[np.int64]:
        """Return the users of each platform in each country so far this month, as agents.

        Workers and requesters are counted here; ``further`` are counts, by platform and country, of users who
        are neither. ``working_users`` and ``posting_users`` become how many are workers and requesters, each
        of whom counts for all customers for whom it stands.
        """
        self.working_users = self._count(self.seen_workers, workers)
        self.posting_users = self._count(self.seen_requesters, requesters)
        return sum(further, self.working_users + self.posting_users * self.customers[:, None])

    def _count(self, seen: NDArray[np.uint16], people: Records) -> NDArray[np.int64]:
        users = np.zeros_like(self.month_fees)
        for platform in range(len(users)):
            active = np.flatnonzero(seen >> platform & 1)
            users[platform] = np.bincount(people["country"][active], minlength=users.shape[1])
        return users

    def note_trade(self, platform: int, rows: Records) -> None:
        """Note the rewards among the transfers of an hour on a board, by country of requester and worker."""
        add_trade(rows, self.month_trade[platform])

    def note_spending(self, finished: Records) -> None:
        """Note what was spent on finished batches."""
        if self.subsidises and len(finished):
            most = int(finished["requester"].max(initial=0)) + 1
            if len(self.month_spent) < most:
                more = np.zeros(most - len(self.month_spent), np.int64)
                self.month_spent = np.concatenate([self.month_spent, more])
            spent = finished["accepted"].astype(np.int64) * finished["reward"] + finished["fee"]
            np.add.at(self.month_spent, finished["requester"], spent)

    def set_conditions(self, workers: Records, revenue: NDArray[np.int64], hour: int) -> None:
        """Set on what an income depends in the month of an hour, and from how many tasks it counts.

        Nobody works for an income from a pot that was empty when the month began: it holds ``revenue``, the
        micro-dollars that each treasury collected for the month before, and what was kept.
        """
        income = self.policy.conditional_income
        if income is None or income.recipients != "job_seekers":
            return
        self.effects[:, TASKS] = 0
        if self.strength(income, hour):
            revenue = self._for_income(income, revenue, hour)
            for members in self._pots(income):
                if (revenue[members] + self.kept[members]).sum() > 0:
                    self.effects[members, TASKS] = income.tasks_a_month
                    self._expect(income, members, revenue, workers)
        self.tasks_before = workers["accepted"].astype(np.int64) + workers["rejected"]

    def _expect(
        self, income: Programme, members: list[int], revenue: NDArray[np.int64], workers: Records
    ) -> None:
        """Set what the job seekers of a pot expect: what was paid for the last month.

        Where nobody was paid yet, it is what the pot would give to every job seeker there is.
        """
        seeks = (workers["bits"] & (ACTIVE | OTHER_JOB)) == ACTIVE
        seeking = workers["country"][seeks & self.serves(income, workers)]
        seekers = np.bincount(seeking, minlength=len(revenue))[members].sum()
        pot = int((revenue[members] + self.kept[members]).sum())
        paid = self.per_head[members]
        self.effects[members, EXPECTED] = np.where(paid > 0, paid, pot // max(1, int(seekers))) / 1e6

    # --- the calendar of instruments ---

    def strength(self, instrument: Instrument, hour: int) -> Fraction:
        """Share of its rate at which an instrument is in force in the month of an hour; 0 if it is not."""
        known = self._strengths.get((id(instrument), hour))
        if known is None or known[0] is not instrument:
            if len(self._strengths) >= STRENGTHS_KEPT:
                self._strengths.clear()
            known = self._strengths[id(instrument), hour] = instrument, self._strength(instrument, hour)
        return known[1]

    def _strength(self, instrument: Instrument, hour: int) -> Fraction:
        if instrument.is_null():
            return Fraction(0)
        month = self.clock.datetime(hour).date().replace(day=1)
        start = (dt.date.fromisoformat(instrument.start) if instrument.start else self.window).replace(day=1)
        if month < start or (instrument.end and month >= dt.date.fromisoformat(instrument.end)):
            return Fraction(0)
        months = 12 * (month.year - start.year) + month.month - start.month + 1
        return min(Fraction(1), Fraction(months, max(1, instrument.phase_in_months)))

    def share_of(self, name: str, hour: int) -> float:
        """Strength of an instrument of the policy, by its name; 0 if it is not chosen."""
        instrument = getattr(self.policy, name)
        return 0.0 if instrument is None else float(self.strength(instrument, hour))

    def organises(self, hour: int) -> bool:
        """Whether there is a union in the month of an hour."""
        return self.share_of("union", hour) > 0.0

    def employs(self, hour: int) -> bool:
        """Whether platforms are employers in the month of an hour."""
        return self.share_of("reclassification", hour) > 0.0

    def covers(self, instrument: Instrument, country: int) -> bool:
        """Whether an instrument holds in a country."""
        return instrument.holds_in(self.world.codes[country])

    def part_of_month(self, hour: int) -> Fraction:
        """Share of the calendar month before an hour that lies since the month began in the run."""
        last = self.clock.datetime(hour - 1)
        return Fraction(hour - self.month_began, 24 * calendar.monthrange(last.year, last.month)[1])

    # --- platforms ---

    def owes(self, tax: Levy, platform: int) -> bool:
        """Whether a tax covers a platform: its name, and its family."""
        of_family = tax.families is None or self.families[platform] in tax.families
        return of_family and tax.covers(self.names[platform])

    def usage_rate(self, platform: int, country: int, users: int, hour: int) -> Fraction:
        """Micro-dollars of the tax on use a user and month, before bands; of so many users, as agents."""
        tax = self.policy.usage_tax
        if tax is None or tax.schedule != "arpu_share":
            return self.usage_rates[country]
        user_months = users * self.part_of_month(hour)
        fees = int(self.month_fees[platform, country])
        return taxes.exact(tax.arpu_share) * fees / user_months if user_months else Fraction(0)

    def usage_on_one(self, platform: int, country: int, users: int, hour: int) -> Fraction:
        """Micro-dollars of the tax on use that a platform saves a month by one user (agent) less.

        It is the tax in force before and at an hour, for what the platform took in the month before.
        """
        tax = self.policy.usage_tax
        if tax is None or not (self.owes(tax, platform) and self.covers(tax, country)):
            return Fraction(0)
        if not self.strength(tax, hour - 1):
            return Fraction(0)
        rate = self.usage_rate(platform, country, users, hour)
        with_one, without = (taxes.usage_due(tax, n, rate, self.persons) for n in (users, users - 1))
        return (with_one - without) * self.strength(tax, hour)

    def charges(self, platform: int, users: NDArray[np.int64], hour: int) -> list[Charge]:
        """Return the taxes on use and turnover that a platform owes for the month before an hour."""
        found = []
        for name, tax in self.taxes.items():
            strength = self.strength(tax, hour - 1)
            if not strength or not self.owes(tax, platform):
                continue
            for country in range(len(self.world.codes)):
                if not self.covers(tax, country):
                    continue
                if name == "usage_tax":
                    number = int(users[platform, country])
                    amount = self.usage_amount(platform, country, number, number, hour)
                else:
                    due = taxes.turnover_due(tax, int(self.month_fees[platform, country]))  # type: ignore[arg-type]
                    amount = int(due * strength)
                if amount:
                    kind = USAGE_TAX if name == "usage_tax" else TURNOVER_TAX
                    found.append(Charge(name, kind, country, amount))
        return found

    def usage_amount(self, platform: int, country: int, number: int, of: int, hour: int) -> int:
        """Micro-dollars of the tax on use for so many of the ``of`` users of a country in a month."""
        tax = self.policy.usage_tax
        assert tax is not None
        rate = self.usage_rate(platform, country, of, hour)
        due = taxes.usage_due(tax, number, rate, self.persons) * self.part_of_month(hour)
        return int(due * self.strength(tax, hour - 1))

    def month_end(
        self,
        platform: int,
        revenue: int,
        cost: int,
        charges: Iterable[Charge],
        users: NDArray[np.int64],
        hour: int,
        employment: Iterable[Charge] = (),
    ) -> list[Entry]:
        """Return the transfers that close a platform's month: costs, taxes, profit or capital.

        What it owes as an employer comes to it in one transfer for each country, to no worker in particular.
        """
        owner = self.owners[platform]
        dues = [
            Entry(charge.kind, platform, charge.country, charge.amount, owner, charge.country)
            for charge in (*charges, *employment)
        ]
        profit = revenue - cost - sum(due.amount for due in dues)
        closing = Entry(PLATFORM_COST, platform, owner, cost, owner, owner)
        passed_on = self.royalties(platform)
        if profit < 0:
            return [*passed_on, Entry(CAPITAL, owner, platform, -profit, owner, owner), closing, *dues]
        return [*passed_on, closing, *dues, *self._from_profit(platform, profit, users, hour)]

    def note_result(
        self,
        platform: int,
        revenue: int,
        cost: int,
        charges: Iterable[Charge],
        employment: Iterable[Charge],
        closing: Iterable[Entry],
        hour: int,
    ) -> None:
        """Note what a month leaves to later ones: a loss, what lenders put in, what the platform cost.

        ``closing`` are the transfers of `month_end`. Call it before the levies of the next month are set.
        """
        charged = sum(charge.amount for charge in charges)
        owed = sum(charge.amount for charge in employment)
        rewards = int(self.month_rewards[platform].sum())
        if self.policy.cooperative is not None or self.policy.commons is not None:
            # What comes in is for the month before: in one month it is more than is due, in another less.
            borne = charged - self.passed_on(platform) + owed - self.withheld(platform)
            self.costs.note(platform, cost + borne, rewards)
        self.note_loss(platform, revenue - cost - charged - owed, hour)
        if self.cooperatives is not None and self.is_cooperative(platform, hour - 1):
            self.cooperatives.note_month(platform, closing)

    def note_loss(self, platform: int, profit: int, hour: int) -> None:
        """Note what the profit or loss of the month before an hour leaves to be taken off later profits."""
        tax = self.policy.profit_tax
        if tax is None or not tax.covers(self.names[platform]):
            return
        if tax.carry_forward and self.strength(tax, hour - 1):
            past = int(self.losses[platform])
            used = profit if profit < 0 else min(past, self._declared(platform, profit, hour))
            self.losses[platform] = past - used

    def royalties(self, platform: int) -> list[Entry]:
        """Return the transfers that hand on what a platform took for the commons."""
        owner = self.owners[platform]
        royalty = self.held_for_commons(platform)
        if self.fund is None or not royalty:
            return []
        cost = commons_rules.collecting(self.fund.terms, royalty)
        entries = [
            Entry(PLATFORM_COST, platform, owner, cost, owner, owner),
            Entry(ROYALTY, platform, 0, royalty - cost, owner, owner),
        ]
        return [entry for entry in entries if entry.amount]

    @property
    def royalty_payers(self) -> int:
        """Bits of the countries whose requesters owe a royalty where there is one."""
        covered = [False] if self.fund is None else self.fund.covered
        return sum(1 << country for country in np.flatnonzero(covered).tolist())

    def held_for_commons(self, platform: int) -> int:
        """Micro-dollars on a platform's account that it took for the commons this month."""
        return 0 if self.fund is None else int(self.fund.royalty[platform].sum())

    def is_cooperative(self, platform: int, hour: int) -> bool:
        """Whether a platform belongs to its workers in the month of an hour."""
        cooperatives = self.cooperatives
        return (
            cooperatives is not None
            and platform in cooperatives.numbers
            and bool(self.strength(cooperatives.terms, hour))
        )

    def cooperatives_table(self, hour: int) -> dict[str, NDArray[Any]]:
        """What the month before an hour brought cooperatives, and what holds in the next; a row for each."""
        assert self.cooperatives is not None
        return self.cooperatives.table(self.costs, self.share_of("cooperative", hour), self.own_fees)

    def _declared(self, platform: int, profit: int, hour: int) -> int:
        """Return the profit of the month before an hour that a tax is on, before losses of earlier months."""
        cooperatives = self.cooperatives if self.is_cooperative(platform, hour - 1) else None
        if cooperatives is not None and cooperatives.terms.patronage_deducted:
            return min(profit, int(cooperatives.owed[platform]))
        return profit

    def _of_members(self, platform: int, profit: int, users: NDArray[np.int64], hour: int) -> list[Entry]:
        """Return the transfers that divide a cooperative's profit: tax, lenders, members."""
        owner, cooperatives = self.owners[platform], self.cooperatives
        assert cooperatives is not None
        taxes_due = [
            Entry(PROFIT_TAX, platform, charge.country, charge.amount, owner, charge.country)
            for charge in self.profit_charges(platform, profit, users, hour)
        ]
        repaid, surplus = divided(
            profit,
            int(cooperatives.owed[platform]),
            sum(entry.amount for entry in taxes_due),
            cooperatives.terms.patronage_deducted,
        )
        entries = [
            *taxes_due,
            Entry(PROFIT, platform, owner, repaid, owner, owner),
            Entry(SURPLUS, platform, platform, surplus, owner, owner),
        ]
        return [entry for entry in entries if entry.amount]

    def _from_profit(self, platform: int, profit: int, users: NDArray[np.int64], hour: int) -> list[Entry]:
        if self.is_cooperative(platform, hour - 1):
            return self._of_members(platform, profit, users, hour)
        owner = self.owners[platform]
        entries: list[Entry] = []
        rest = profit
        for charge in self.profit_charges(platform, profit, users, hour):
            entries += [
                Entry(PROFIT_TAX, platform, charge.country, charge.amount, owner, charge.country),
                Entry(PROFIT_SHIFTING, platform, 0, charge.shifted, owner, owner),
                Entry(HAVEN_TAX, 0, owner, charge.haven_tax, owner, owner),
                Entry(HAVEN_PROFIT, 0, owner, charge.shifted - charge.haven_tax, owner, owner),
            ]
            rest -= charge.amount + charge.shifted
        return [
            *(entry for entry in entries if entry.amount),
            Entry(PROFIT, platform, owner, rest, owner, owner),
        ]

    def profit_charges(
        self, platform: int, profit: int, users: NDArray[np.int64], hour: int
    ) -> list[ProfitCharge]:
        """Return the taxes on a profit (micro-dollars) of the month before an hour, country by country."""
        owner, tax = self.owners[platform], self.policy.profit_tax
        strength = self.strength(tax, hour - 1) if tax is not None else Fraction(0)
        if tax is None or not strength or not tax.covers(self.names[platform]):
            return []
        profit = self._declared(platform, profit, hour)
        if tax.carry_forward:
            profit = max(0, profit - int(self.losses[platform]))
        if self.is_cooperative(platform, hour - 1):
            # Its profit is its members', who are here: nobody would book it in a haven.
            tax = dataclasses.replace(tax, shifting=0.0)
        weights = [int(country == owner) for country in range(len(self.world.codes))]
        if tax.attribution == "sales" and self.month_fees[platform].any():
            weights = self.month_fees[platform].tolist()
        elif tax.attribution == "users" and users[platform].any():
            weights = users[platform].tolist()
        charges = []
        for country, part in enumerate(taxes.split(profit, weights)):
            if not part or not self.covers(tax, country):
                continue
            shifted, due = taxes.profit_parts(tax, part, float(self.world.corporate_tax[country]))
            away = int(shifted * strength)
            abroad = int(away * taxes.exact(tax.haven_rate))
            charges.append(ProfitCharge(country, part, away, abroad, int(due * strength)))
        return charges

    def set_levies(self, platform: int, charges: Iterable[Charge], hour: int) -> None:
        """Set what a platform adds to its fees in the month of an hour, so that last month's tax comes in."""
        self.levies[:, platform] = 0.0
        rewards = int(self.month_rewards[platform].sum())
        for charge in charges:
            tax = self.taxes[charge.name]
            if rewards and self.strength(tax, hour):
                for side, share in enumerate(self.shares_passed_on(tax, platform, hour)):
                    self.levies[side, platform] += share * charge.amount / rewards

    def shares_passed_on(self, tax: Levy, platform: int, hour: int) -> tuple[float, float]:
        """Shares of a tax that a platform adds to its fees on requesters and on workers in a month.

        A cooperative has no owners to bear the rest, and adds it to the fee on requesters, as far as it says.
        """
        to_requesters, to_workers = tax.to_requesters, tax.to_workers
        if self.cooperatives is not None and self.is_cooperative(platform, hour):
            to_requesters += self.cooperatives.terms.passes_on * max(0.0, 1.0 - to_requesters - to_workers)
        return to_requesters, to_workers

    def passed_on(self, platform: int) -> int:
        """Return the micro-dollars added to a platform's fees so that last month's taxes come in.

        Fees are rounded one by one; what batches posted at another month's levy pay counts as of this one.
        """
        fits = self.levies[:, platform] * self._fitting(platform)
        ppm = int(np.floor(1e6 * float(fits.sum()) + 0.5))
        return int(self.month_rewards[platform].sum()) * ppm // 1_000_000

    def _fitting(self, platform: int) -> NDArray[np.float64]:
        """Share of each levy for which there is room below the highest fee."""
        room = (
            HIGHEST_FEE - self.requester_fees[platform],
            HIGHEST_WORKER_FEE - self.worker_fees[platform],
        )
        levies = self.levies[:, platform]
        return np.minimum(1.0, np.maximum(0.0, room) / np.where(levies > 0.0, levies, 1.0))

    def passed_share(self, tax: Levy, platform: int, hour: int) -> Fraction:
        """Share of a tax that comes back to a platform from who uses it, month after month."""
        if self.families[platform] == "social":
            return taxes.exact(tax.to_users)
        if not self.month_rewards[platform].any():
            return Fraction(0)
        fitting = self._fitting(platform)
        return sum(
            (
                taxes.exact(share) * taxes.exact(fits)
                for share, fits in zip(self.shares_passed_on(tax, platform, hour), fitting, strict=True)
            ),
            Fraction(0),
        )

    def borne_shares(self, platform: int, hour: int) -> dict[str, Fraction]:
        """Share of each tax that a platform bears itself."""
        return {
            name: max(Fraction(0), 1 - self.passed_share(tax, platform, hour))
            for name, tax in self.taxes.items()
        }

    def left(
        self,
        platform: int,
        own: int,
        costs: tuple[int, int],
        charges: list[Charge],
        users: NDArray[np.int64],
        hour: int,
    ) -> dict[int, int]:
        """Return the countries that a platform gives up: they cost more than they bring, for too long.

        What they bring is the trade in which they take part, less its running costs; what they cost is what
        would not be due without them of taxes that go on, less what is passed on (`sim.policy.leaving`). Who
        is gone does not come back. A cooperative thinks of it only when its fee cannot cover its costs. Of
        social platforms `sim.market.audience` decides.

        Parameters
        ----------
        own
            Micro-dollars that it took for itself in the month before an hour.
        costs
            What it spends: millionths of rewards, and micro-dollars for each transaction.

        Returns
        -------
        dict
            Who stays (as in `sim.policy.leaving`) of each country that is given up.
        """
        if self.families[platform] == "social":
            return {}
        months, self.losing[platform] = self.losing[platform].copy(), 0
        if not charges or not self._may_leave(platform, hour):
            return {}
        local = self.families[platform] == "on_demand"
        trade = np.diag(self.month_rewards[platform]) if local else self.month_trade[platform]
        brings = own_of_trade(trade, own, costs[0], self.month_transactions[platform].tolist(), costs[1])
        bears = self.borne_shares(platform, hour)
        burden = self._burdens(platform, charges, users, bears, hour)
        losing = given_up(brings, self._on_trade(platform, charges, trade, bears), burden, local)
        for country in losing:
            self.losing[platform, country] = months[country] + 1
        return {
            country: stays
            for country, stays in losing.items()
            if 0 < self._patience(charges, country, bears) <= self.losing[platform, country]
        }

    def _may_leave(self, platform: int, hour: int) -> bool:
        """Whether a platform would give up countries: a cooperative only if it loses at its highest fee."""
        if self.cooperatives is None or not self.is_cooperative(platform, hour):
            return True
        return self.cooperatives.is_stretched(
            platform, self.requester_fees[platform], self.worker_fees[platform]
        )

    def _patience(self, charges: Iterable[Charge], country: int, bears: dict[str, Fraction]) -> int:
        return patience(
            (
                int(one.amount * bears[one.name]) if one.name in bears else one.amount - one.withheld,
                self._borne[one.name].exit_months,
            )
            for one in charges
            if one.country == country
        )

    def _burdens(
        self,
        platform: int,
        charges: Iterable[Charge],
        users: NDArray[np.int64],
        bears: dict[str, Fraction],
        hour: int,
    ) -> dict[int, list[int]]:
        """Return what users of each country cost by being there: nobody, workers, customers, both."""
        found: dict[int, list[int]] = {}
        for charge in charges:
            country, due = charge.country, found.setdefault(charge.country, [0] * 4)
            number, working = int(users[platform, country]), int(self.working_users[platform, country])
            for who, there in ((WORKERS, working), (CUSTOMERS, number - working), (EVERYBODY, number)):
                if charge.kind == USAGE_TAX:
                    amount = self.usage_amount(platform, country, there, number, hour)
                    due[who] += int(amount * bears[charge.name])
                elif charge.kind != TURNOVER_TAX and who & WORKERS:
                    due[who] += charge.amount - charge.withheld
        return found

    def _on_trade(
        self,
        platform: int,
        charges: Iterable[Charge],
        trade: NDArray[np.int64],
        bears: dict[str, Fraction],
    ) -> NDArray[Any]:
        """Return what a platform bears of the tax on fees, by country of the requester and of the worker."""
        fees, of_workers = self.month_fees[platform].tolist(), self.month_worker_fees[platform].tolist()
        paid_by_workers, paid_by_requesters = [0] * len(fees), [0] * len(fees)
        for charge in charges:
            if charge.kind == TURNOVER_TAX:
                country, amount = charge.country, int(charge.amount * bears[charge.name])
                paid_by_workers[country] = amount * of_workers[country] // fees[country]
                paid_by_requesters[country] = amount - paid_by_workers[country]
        return spread(paid_by_requesters, trade, 1) + spread(paid_by_workers, trade, 0)

    def contributions(self, hour: int) -> list[Contribution]:
        """Return what instruments give to the policy channels in the month of an hour."""
        floor = self.policy.wage_floor
        found: list[Contribution] = []
        if floor is not None:
            strength = float(self.strength(floor, hour))
            found += wage_floor.contributions(floor, strength, self.names, self.world)
        for measure in self.policy.measures.values():
            found += measures.contributions(
                measure, float(self.strength(measure, hour)), self.names, self.world
            )
        if self.cooperatives is not None and self.strength(self.cooperatives.terms, hour):
            found += self.cooperatives.contributions(self.share_of("cooperative", hour), self.own_fees)
        if self.fund is not None:
            terms, numbers = self.fund.terms, range(len(self.names))
            shares = [self.costs.share(number, terms.cost_months) for number in numbers]
            strength = float(self.strength(terms, hour))
            found += self.fund.contributions(strength, shares, self.worker_fees, self.own_fees)
        if self.unions is not None and self.organises(hour):
            found += self.unions.contributions(self.share_of("union", hour))
        if self.employment is not None and self.employs(hour):
            found += self.employment.contributions(self.share_of("reclassification", hour))
        found += self._paid_without_work()
        return found + [
            Contribution(channel, platform, float(levy))
            for channel, row in zip((LEVY_ON_REQUESTERS, LEVY_ON_WORKERS), self.levies, strict=True)
            for platform, levy in enumerate(row)
            if levy > 0.0
        ]

    def prices(self, hour: int) -> list[Contribution]:
        """Return those of the same that requesters reckon with as soon as they change."""
        return [one for one in self.contributions(hour) if one.channel not in BESIDE_PRICES]

    def _paid_without_work(self) -> Iterator[Contribution]:
        """Yield what incomes pay to workers without a condition, and to those who hire.

        Who is on a roster is paid wherever they went; of others see `split` and `leave_alone`.
        """
        if isinstance(self.programme, UniversalIncome):
            for platform, name in enumerate(self.names):
                paid = self.has_roster or self.programme.covers(name)
                for country in np.flatnonzero(self.per_head) if paid else ():
                    each = float(self.per_head[country]) / 1e6
                    yield Contribution(TRANSFERS, platform, each, int(country))
        for country in np.flatnonzero(self.subsidies):
            yield Contribution(SUBSIDY, 0, float(self.subsidies[country]), int(country))

    # --- employers ---

    def employment_charges(self, workers: Records, hour: int) -> list[list[Charge]]:
        """Return what each platform owes as an employer: pay for shifts, and contributions, by country.

        It is for the month before an hour; ``withheld`` is what was withheld from rewards for it.
        """
        if self.employment is None and self.paid_time.is_idle:
            return [[] for _ in self.names]
        pay = self.paid_time.dues(workers)
        contributions = withheld = np.zeros_like(pay)
        if self.employment is not None:
            share = self.strength(self.employment.law, hour - 1)
            contributions, withheld = self.employment.due_on(pay, share), self.employment.month_withheld
        return [
            [
                Charge(
                    "reclassification",
                    kind,
                    int(country),
                    int(dues[country]),
                    int(less[country]),
                )
                for kind, dues, less in (
                    (SHIFT_PAY, pay[platform], np.zeros_like(pay[platform])),
                    (CONTRIBUTIONS, contributions[platform], withheld[platform]),
                )
                for country in np.flatnonzero(dues | less)
            ]
            for platform in range(len(self.names))
        ]

    def pay_for_shifts(self, workers: Records) -> Records:
        """Return the transfers to workers of what platforms owe them for time."""
        return self.paid_time.payments(workers, self.owners)

    def withheld(self, platform: int) -> int:
        """Micro-dollars that a platform withheld from rewards this month, for contributions."""
        return 0 if self.employment is None else int(self.employment.month_withheld[platform].sum())

    # --- incomes ---

    def share_out(self, revenue: NDArray[np.int64], workers: NDArray[np.int64], hour: int) -> list[Entry]:
        """Decide what each recipient is paid in the month of an hour; return all but the payments to workers.

        Parameters
        ----------
        revenue
            Micro-dollars that the treasury of each country collected for the month before.
        workers
            Recipients among the workers of each country, as agents.
        hour
            The first hour of the month.
        """
        income = self.programme
        self.per_head[:] = self.wanted[:] = self.allowed[:] = 0
        self.heads = [Fraction(0)] * len(self.per_head)
        entries: list[Entry] = []
        if income is not None and self.pays(income, hour):
            if isinstance(income, UniversalIncome) and income.funding == "external":
                entries += self._bring_in(income, workers, self._rate(income, hour))
            else:
                revenue = self._for_income(income, revenue, self._month_of(income, hour))
                for members in self._pots(income):
                    entries += self._share_pot(income, members, revenue, workers, hour)
        return entries

    def _rate(self, income: Programme, hour: int) -> int:
        """Micro-dollars a head that are set for the month of an hour; 0 where none are."""
        if not isinstance(income, UniversalIncome):
            return 0
        return int(incomes.set_amount(income) * self.strength(income, hour))

    def pays(self, income: Programme, hour: int) -> bool:
        """Whether an income is paid as the month of an hour begins.

        What depends on the month that has ended is paid if the condition was in force in it.
        """
        return bool(self.strength(income, self._month_of(income, hour)))

    def _month_of(self, income: Programme, hour: int) -> int:
        """Hour of the month to which an income belongs that is paid as the month of an hour begins."""
        return hour - isinstance(income, ConditionalIncome)

    def _for_income(self, income: Programme, revenue: NDArray[np.int64], hour: int) -> NDArray[np.int64]:
        """Micro-dollars of each treasury's revenue that an income gets: in a phase a part, rounded down."""
        strength = self.strength(income, hour)
        return np.array([int(amount * strength) for amount in revenue.tolist()], np.int64)

    def _pots(self, income: Programme) -> list[list[int]]:
        """Return the countries covered by an income that share a pot, for each pot."""
        pots = incomes.pools(income, self.world.group)
        return [[country for country in pot if self.covers(income, country)] for pot in pots]

    def subsidise(
        self, revenue: NDArray[np.int64], requesters: Records, hour: int
    ) -> tuple[list[Entry], Records]:
        """Give revenue back to requesters, in proportion to what they spent in the month before an hour.

        Returns the transfers among treasuries, and those to requesters.
        """
        income = self.policy.conditional_income
        self.subsidies[:] = 0.0
        entries: list[Entry] = []
        paid = np.zeros(len(requesters), TRANSFER)
        if income is None or not self.pays(income, hour):
            return entries, paid[:0]
        countries = requesters["country"].astype(np.int64)
        spent = np.zeros(len(requesters), np.int64)
        spent[: len(self.month_spent)] = self.month_spent
        by_country = np.zeros(len(self.subsidies), np.int64)
        np.add.at(by_country, countries, spent)
        pots = np.zeros(len(by_country), np.int64)
        revenue = self._for_income(income, revenue, self._month_of(income, hour))
        for members in self._pots(income):
            entries += self._fill_pots(income, members, revenue, by_country, pots)
        # Products of a pot and what was spent may be wider than 64 bits.
        exact = pots[countries].astype(object) * spent // np.maximum(by_country[countries], 1)
        paid["kind"], paid["debit"], paid["credit"] = HIRING_SUBSIDY, countries, np.arange(len(requesters))
        paid["amount"] = exact.astype(np.int64)
        paid["debit_country"] = paid["credit_country"] = countries
        paid = paid[paid["amount"] > 0]
        given = np.zeros(len(by_country), np.int64)
        np.add.at(given, paid["debit"], paid["amount"])
        self.kept += pots - given
        if self.strength(income, hour):
            self.subsidies[:] = np.minimum(MOST_SUBSIDISED, given / np.maximum(by_country, 1))
        return entries, paid

    def _fill_pots(
        self,
        income: Programme,
        members: list[int],
        revenue: NDArray[np.int64],
        weights: NDArray[np.int64],
        pots: NDArray[np.int64],
    ) -> list[Entry]:
        """Divide what the members of a pot have by their weights; what nobody gets is kept."""
        entries, left = self._administer(income, members, revenue)
        whole, total = sum(left.values()), sum(int(weights[c]) for c in members)
        needed = {c: whole * int(weights[c]) // total if total else 0 for c in members}
        entries += _evened_out(left, needed)
        for c in members:
            pots[c], self.kept[c] = needed[c], left[c] - needed[c]
        return entries

    def _administer(
        self, income: Programme, members: list[int], revenue: NDArray[np.int64]
    ) -> tuple[list[Entry], dict[int, int]]:
        """Return what administration costs the members of a pot, and what each has left."""
        costs = {c: incomes.administration(income, int(revenue[c])) for c in members}
        left = {c: int(revenue[c]) + int(self.kept[c]) - costs[c] for c in members}
        return [Entry(ADMINISTRATION, c, c, costs[c], c, c) for c in members if costs[c]], left

    def _share_pot(
        self,
        income: Programme,
        members: list[int],
        revenue: NDArray[np.int64],
        workers: NDArray[np.int64],
        hour: int,
    ) -> list[Entry]:
        """Share one pot among the countries in it, up to the rate if one is set; the rest is kept."""
        entries, left = self._administer(income, members, revenue)
        heads = {c: self._heads_in(income, c, int(workers[c])) for c in members}
        pot, of_all = sum(left.values()), sum(heads.values(), Fraction(0))
        each = incomes.per_head(pot, of_all)
        if rate := self._rate(income, hour):
            each = min(each, rate)
            came_in = pot - sum(int(self.kept[c]) for c in members)
            self.wanted[members], self.allowed[members] = rate, incomes.per_head(came_in, of_all)
        needed = {c: int(each * heads[c]) for c in members}
        entries += _evened_out(left, needed)
        for c in members:
            entries += self._hand_to(c, each, heads[c], int(workers[c]), INCOME_OF_OTHERS)
            self.kept[c] = left[c] - needed[c]
        return entries

    def _bring_in(self, income: UniversalIncome, workers: NDArray[np.int64], each: int) -> list[Entry]:
        """Pay the same to each recipient from outside, as many as revenue would be shared among."""
        entries: list[Entry] = []
        for country in range(len(self.per_head)):
            if each and self.covers(income, country):
                paid = int(workers[country])
                heads = self._heads_in(income, country, paid)
                entries += self._hand_to(country, each, heads, paid, EXTERNAL_INCOME_OF_OTHERS)
        return entries

    def _heads_in(self, income: Programme, country: int, workers: int) -> Fraction:
        """Among how many, as agents, an income is shared in a country: its recipients, workers among them."""
        if isinstance(income, UniversalIncome) and income.recipients == "residents":
            return max(Fraction(workers), int(self.world.population[country]) / self.persons)
        if isinstance(income, UniversalIncome) and income.recipients == "users":
            return max(Fraction(workers), Fraction(self._audience_paid(country, income)))
        return Fraction(workers)

    def _hand_to(self, country: int, each: int, heads: Fraction, workers: int, kind: int) -> list[Entry]:
        """Set what each recipient of a country is paid; return what goes to those who are no workers."""
        self.heads[country], self.per_head[country] = heads, each
        others = int(each * heads) - each * workers
        return [Entry(kind, country, country, others, country, country)] if others > 0 else []

    def _audience_paid(self, country: int, income: UniversalIncome) -> int:
        """Users (agents) of social platforms of a country who are paid: of the month, or of the roster."""
        return int(self.roster_users[country]) if self.has_roster else self.largest_audience(country, income)

    def largest_audience(self, country: int, income: Programme) -> int:
        """Users (agents) of the social platform that has most of them in a country, of those of an income.

        Who uses several is one person, so their users are not added up; workers are among the users.
        """
        social = [
            p
            for p, (name, family) in enumerate(zip(self.names, self.families, strict=True))
            if family == "social" and income.covers(name)
        ]
        return max((int(self.users[p, country]) for p in social), default=0)

    @property
    def paying_kind(self) -> int:
        """Kind of the transfers that pay the income to workers."""
        if isinstance(self.programme, ConditionalIncome):
            return CONDITIONAL_INCOME
        income = self.policy.universal_income
        return EXTERNAL_INCOME if income is not None and income.funding == "external" else UNIVERSAL_INCOME

    @property
    def subsidises(self) -> bool:
        """Whether revenue goes to those who hire."""
        income = self.policy.conditional_income
        return income is not None and income.recipients == "employers"

    def tasks_missing(self, row: int, worker: Any) -> int:
        """Return how many tasks a worker must still do this month for an income that depends on them."""
        before = int(self.tasks_before[row]) if row < len(self.tasks_before) else 0
        tasks = self.effect_on(worker)[TASKS]
        needed = 0 if worker["bits"] & OTHER_JOB else int(tasks)
        return max(0, needed - (int(worker["accepted"]) + int(worker["rejected"]) - before))

    def effect_on(self, worker: Any) -> NDArray[np.float64]:
        """What an income does to a worker where it is: a row of ``effects``."""
        effect: NDArray[np.float64] = self.effects_on(int(column_of(worker, "platform")))[worker["country"]]
        return effect

    def log_least_wage(self, row: int, worker: Any) -> float:
        """Log USD an hour that a worker must not ask more than, for an income that is not earned yet."""
        effect = self.effect_on(worker)
        bound = worth_the_tasks(
            float(effect[EXPECTED]),
            self.tasks_missing(row, worker),
            float(effect[TASK_HOURS]),
            float(worker["log_reservation"]),
        )
        return float(effect[LEAST_WAGE]) if bound else np.inf

    @property
    def has_roster(self) -> bool:
        """Whether an income goes to who was a worker, or user, when it began, whatever they do since."""
        income = self.policy.universal_income
        return income is not None and income.roster == "fixed" and income.recipients != "residents"

    def note_roster(self, workers: Records, hour: int) -> None:
        """Note who is on the roster, in the first month of an income that goes by one.

        Users are those of a month, so there they are noted once one has ended.
        """
        income = self.policy.universal_income
        if income is None or not self.has_roster or self.roster_since[0] >= 0:
            return
        if self.strength(income, hour) and (hour or income.recipients == "workers"):
            self.roster = self._present(workers)
            self.roster_users[:] = [self.largest_audience(c, income) for c in range(len(self.per_head))]
            self.roster_since[0] = hour

    def on_roster(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which rows of workers are on the roster."""
        known = rows < len(self.roster)
        known[known] = self.roster[rows[known]]
        return known

    def recipients(self, workers: Records) -> NDArray[np.bool_]:
        """Return which workers are paid directly: of the roster, or those who are there now."""
        return self.on_roster(np.arange(len(workers))) if self.has_roster else self._present(workers)

    def _present(self, workers: Records) -> NDArray[np.bool_]:
        """Return which are paid for being there: those in the market, users of the month, or job seekers."""
        active = (workers["bits"] & ACTIVE).astype(bool)
        income = self.programme
        if isinstance(income, ConditionalIncome):
            before = np.zeros(len(workers), np.int64)
            before[: len(self.tasks_before)] = self.tasks_before[: len(workers)]
            done = workers["accepted"].astype(np.int64) + workers["rejected"] - before
            seeks = (workers["bits"] & OTHER_JOB == 0) & (done >= income.tasks_a_month)
            return np.asarray(active & seeks & self.serves(income, workers), np.bool_)
        if isinstance(income, UniversalIncome) and income.recipients == "users":
            self.make_room(len(workers))
            bits = sum(1 << p for p, name in enumerate(self.names) if income.covers(name))
            return (self.seen_workers[: len(workers)] & bits) > 0
        return np.asarray(active & self.serves(income, workers), np.bool_)

    def serves(self, income: Programme | None, workers: Records) -> NDArray[np.bool_]:
        """Return which workers are on a platform that an income covers."""
        if income is None or income.platforms is None:
            return np.ones(len(workers), np.bool_)
        covered = np.array([income.covers(name) for name in self.names])
        return np.asarray(covered[column_of(workers, "platform")], np.bool_)

    def effects_on(self, platform: int) -> NDArray[np.float64]:
        """What an income asks of the workers of a platform, by country: nothing where it is not covered."""
        if self.programme is None or self.programme.covers(self.names[platform]):
            return self.effects
        others = self.effects.copy()
        others[:, TASKS] = 0.0
        return others

    def effects_by_platform(self, channels: Channels) -> NDArray[np.float64]:
        """The same of all platforms, with what all instruments pay: (platforms, countries, EFFECTS)."""
        effects = np.stack([self.effects_on(platform) for platform in range(len(self.names))])
        effects[..., UNEARNED] = channels.transfers
        return effects

    @property
    def passes_over(self) -> bool:
        """Whether an income is paid to the people of a roster alone, so that it moves nobody else."""
        return self.has_roster and bool(self.per_head.any())

    def split(
        self, first: int, last: int, effects: NDArray[np.float64]
    ) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
        """Yield parts of the workers' rows, and by platform the effects of an income on all in the part.

        ``effects`` are those on whom an income is paid to.
        """
        if not self.passes_over or first == last:
            yield first, last, effects
            return
        without = effects.copy()
        without[..., UNEARNED] = 0.0
        paid = self.on_roster(np.arange(first, last))
        edges = (first + 1 + np.flatnonzero(paid[1:] != paid[:-1])).tolist()
        for begin, end in pairwise((first, *edges, last)):
            yield begin, end, effects if paid[begin - first] else without

    def leave_alone(self, entries: Records, workers: Records, terms: Records) -> None:
        """Give those on duty who are not on the roster the reservation wage that they have without an income.

        ``terms`` are those of the platform by country: members of the union do not go below their own.
        """
        others = np.flatnonzero(~self.on_roster(entries["row"].astype(np.int64)))
        rows = workers[entries["row"][others]]
        wage = rows["log_reservation"].astype(np.float64)
        refused = np.maximum(wage, terms["log_refusal"][rows["country"]])
        entries["log_reservation"][others] = np.where(rows["bits"] & MEMBER, refused, wage)

    def begin_month(self, hour: int) -> None:
        """Begin to count anew."""
        self.seen_workers[:] = 0
        self.seen_requesters[:] = 0
        self.month_fees[:] = 0
        self.month_worker_fees[:] = 0
        self.month_rewards[:] = 0
        self.month_trade[:] = 0
        self.month_transactions[:] = 0
        self.month_spent[:] = 0
        for part in (self.fund, self.cooperatives):
            if part is not None:
                part.begin_month()
        self.month_began = hour

    def state(self) -> dict[str, Any]:
        """Return the arrays that a checkpoint must hold."""
        arrays = {name: getattr(self, name) for name in CHECKPOINTED}
        for part, names in self._parts():
            arrays |= {f"{type(part).__name__}.{name}": getattr(part, name) for name in names}
        return arrays | {"month_began": np.array(self.month_began)}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over the arrays of a checkpoint."""
        for name in CHECKPOINTED:
            setattr(self, name, arrays[name])
        for part, names in self._parts():
            for name in names:
                setattr(part, name, arrays[f"{type(part).__name__}.{name}"])
        self.month_began = int(arrays["month_began"])

    def _parts(self) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """Yield what keeps a state of its own, and the names of its arrays."""
        yield self.costs, ("costs", "rewards")
        if self.cooperatives is not None:
            yield self.cooperatives, Cooperatives.STATE
        if self.fund is not None:
            yield self.fund, Fund.STATE
        for part in (self.paid_time, self.ratings, self.unions, self.employment):
            if part is not None:
                yield part, part.CHECKPOINTED


def usual_task_hours(config: Config) -> float:
    """Hours of a task: the median over types, by their share of the work, of the median time each takes."""
    types = sorted((task.median_seconds, task.share) for task in config.task_types.values())
    half, running = added_up(share for _, share in types) / 2.0, 0.0
    for seconds, share in types:
        running += share
        if running >= half:
            return seconds / 3600.0
    return types[-1][0] / 3600.0


def refuse_unknown_names(config: Config, world: World) -> None:
    """Refuse instruments that name a country or a platform that is not there."""
    for path, instrument in config.policy.chosen().items():
        known = {"countries": world.codes, "platforms": config.platforms_of(path), "families": FAMILIES}
        for kind, names in known.items():
            for name in getattr(instrument, kind, None) or ():
                where = f"policy.{path}.{kind}"
                one_of(where, name, names, f"names none of the {kind} of this run.", typed=f"{where}=[*]")


def refuse_too_much_money(config: Config, world: World) -> None:
    """Refuse rates at which a month's income, or a run's taxes, could exceed what the ledger holds."""
    tax, income = config.policy.usage_tax, config.policy.universal_income
    people = int(config.workers.count * (1 + config.learning.pool_ratio)) + 1
    if tax is not None and tax.schedule != "arpu_share":
        rates = taxes.usage_rates(tax, world.gdp_per_head_usd.tolist(), world.population.tolist())
        persons = taxes.exact(config.workers.real_count) / config.workers.count
        requesters = config.requesters.count or config.workers.count
        months = (config.time.warmup_days + config.time.days) // 28 + 1
        users = people + requesters + int(most_users(config, world) / persons)
        most = taxes.usage_due(tax, users, max(rates), persons) * len(config.platforms) * months
        _refuse_beyond_ledger("usage_tax.usd_per_user_month", tax.usd_per_user_month, most)
    if income is not None:
        persons = taxes.exact(config.workers.real_count) / config.workers.count
        others = {"residents": int(world.population.sum()), "users": int(most_users(config, world))}
        outside = others.get(income.recipients, 0) if income.funding == "external" else 0
        most = (people + outside / persons) * incomes.set_amount(income)
        _refuse_beyond_ledger("universal_income.usd_per_month", income.usd_per_month, most)


def refuse_too_much_advertising(config: Config, world: World) -> None:
    """Refuse a run over which a social platform could take more than the ledger holds."""
    years = (config.time.warmup_days + config.time.days + 31) / 365
    agents = config.workers.count / config.workers.real_count
    for name, platform in config.platforms.items():
        taken = (
            advertising_a_year(name, platform, world) * years * agents if platform.family == "social" else 0.0
        )
        if 2e6 * taken > LARGEST:
            largest = f"{platform.arpu_factor * LARGEST / (2e6 * taken):.3g}"
            raise UserError(
                "could move more money than can be counted exactly.",
                path=f"platforms.{name}.arpu_factor",
                value=platform.arpu_factor,
                allowed=f"at most about {largest} with so many users and years",
                nearest=f"platforms.{name}.arpu_factor={largest}",
            )


def _refuse_beyond_ledger(path: str, value: float, most: Fraction) -> None:
    if most > LARGEST:
        largest = f"{float(value * LARGEST / most):.3g}"
        raise UserError(
            "could move more money than can be counted exactly.",
            path=f"policy.{path}",
            value=value,
            allowed=f"at most about {largest} USD with so many people, platforms and months",
            nearest=f"policy.{path}={largest}",
        )


def _evened_out(left: dict[int, int], needed: dict[int, int]) -> list[Entry]:
    """Return the transfers between treasuries that give each what it needs, and bring ``left`` up to date."""
    spare = [[c, left[c] - needed[c]] for c in left if left[c] > needed[c]]
    entries = []
    for country in (c for c in left if left[c] < needed[c]):
        missing = needed[country] - left[country]
        while missing:
            giver = spare[-1]
            amount = min(missing, giver[1])
            entries.append(Entry(POOLING, giver[0], country, amount, giver[0], country))
            missing -= amount
            giver[1] -= amount
            left[giver[0]] -= amount
            left[country] += amount
            if not giver[1]:
                spare.pop()
    return entries
