"""Parameters of the policy instruments: default, unit, range, meaning and source of each.

An instrument is in force where it is chosen and between its dates; what it does stands in `sim/policy/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from sim.parameters import assumed, parameter

COLLIN = "Collin and Colin 2013, report on the taxation of the digital economy"
TORSLOV = "Tørsløv, Wier and Zucman 2023, Review of Economic Studies"
LOTTERY = "Imbens, Rubin and Sacerdote 2001, AER"
NEW_YORK = "New York Senate bill S4959 of 2021"
UP_AND_GO = "Up & Go, New York: 5 % of the price"
DRIVERS = "The Drivers Cooperative, New York: 15 % of the fare"
COMMON_KNOWLEDGE = "Common Knowledge Co-operative, handbook: three quarters of the votes expel a member"
STOCKSY = "Stocksy United: a few hundred of about 1,000 members take part"
DYNAMO = "Salehi et al. 2015, CHI: Dynamo's guideline of 0.10 USD a minute"
MANKAR = "Mankar, Shah and Lease 2017, HCOMP: two thirds of Indian workers for, of US workers against"

MOST_SHARED = 0.9
"""Share of labels that others can save at most: what is left to pay for bounds how many are wanted."""


@dataclass(frozen=True)
class Instrument:
    """What all instruments share: when and where they are in force."""

    start: str | None = parameter(
        None,
        meaning="first month in force, by its first day; null = the window's first",
        unit="ISO date",
    )
    end: str | None = parameter(
        None, meaning="first month no longer in force, by its first day; null = never", unit="ISO date"
    )
    countries: list[str] | None = parameter(
        None, meaning="countries that have it; null = all, [] = none", unit="codes"
    )
    phase_in_months: int = assumed(0, 0, 120, "months over which it grows to its full rate", "months")

    def problems(self) -> Iterator[tuple[Any, ...]]:
        """Yield (field, value, what is allowed) for dates that are none."""
        for name in ("start", "end"):
            text = getattr(self, name)
            if text is not None and not _is_month(text):
                yield name, text, "null or the first day of a month, such as 2019-07-01"
        yield from unread(self)

    def is_null(self) -> bool:
        """Whether it is in force nowhere or never, whatever the days: a list is empty, or it ends at once."""
        lists = (getattr(self, name, None) for name in ("countries", "platforms", "families"))
        return any(names == [] for names in lists) or bool(self.start and self.end and self.end <= self.start)

    def holds_in(self, country: str) -> bool:
        """Whether a country has it, by its code."""
        return self.countries is None or country in self.countries

    def covers(self, platform: str) -> bool:
        """Whether it covers a platform, by its name."""
        names: list[str] | None = getattr(self, "platforms", None)
        return names is None or platform in names


def _is_month(text: str) -> bool:
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return False
    return date.day == 1 and text == date.isoformat()


@dataclass(frozen=True)
class Levy(Instrument):
    """What all taxes on platforms share: whom they cover, and who is asked to bear them."""

    platforms: list[str] | None = parameter(
        None, meaning="platforms that owe it; null = all, [] = none", unit="names"
    )
    families: list[str] | None = parameter(
        None, meaning="families of platforms that owe it; null = all, [] = none", unit="names"
    )
    to_users: float = assumed(
        0.0,
        0,
        1,
        "share of last month's tax that social platforms charge their users in the country; beside what"
        " the others add to fees",
    )
    to_requesters: float = assumed(
        0.0, 0, 1, "share of last month's tax added to the fee on requesters; to be varied from 0 to 1"
    )
    to_workers: float = assumed(
        0.0, 0, 1, "share of last month's tax that a platform adds to the fee on workers"
    )
    exit_months: int = assumed(
        3, 0, 120, "months of loss in a country, this tax included, after which a platform leaves; 0 = stays",
        "months",
    )  # fmt: skip

    def problems(self) -> Iterator[tuple[Any, ...]]:
        """Yield (field, value, what is allowed, way out) for combinations that contradict each other."""
        yield from super().problems()
        if self.to_requesters + self.to_workers > 1:
            yield (
                "to_workers",
                self.to_workers,
                f"at most {1 - self.to_requesters:.6g}: to_requesters and to_workers are shares of one tax",
                f"={1 - self.to_requesters:.6g}",
            )


@dataclass(frozen=True)
class UsageTax(Levy):
    """A tax on platforms by the number of their users in each country."""

    schedule: str = parameter(
        "flat",
        meaning="how the tax on a user depends on country and platform: the same for all; in proportion to"
        " the country's GDP per head; rising with the platform's users in the country; a share of what the"
        " platform takes per user there",
        choices=("flat", "gdp_indexed", "graduated", "arpu_share"),
        source=f"{COLLIN}; {NEW_YORK}",
    )
    usd_per_user_month: float = assumed(
        0.5, 0, 1000, "tax on a user and month; under gdp_indexed, at the world's mean GDP per head; under"
        " graduated, a step", "USD",
    )  # fmt: skip
    arpu_share: float = assumed(
        0.05, 0, 1, "under arpu_share, tax as a share of what the platform takes per user of the country"
    )
    threshold_users: float = parameter(
        0.0, meaning="people who use a platform in a country below whom nothing is due there", unit="persons",
        low=0, high=1e10, source=COLLIN, assumed=True,
    )  # fmt: skip
    free_users: float = parameter(
        1e6, meaning="under graduated, people of a platform in a country for whom nothing is due",
        unit="persons", low=0, high=1e10, source=NEW_YORK,
    )  # fmt: skip
    step_users: float = parameter(
        1e6, meaning="under graduated, people in a band beyond them; each pays one step more a user",
        unit="persons", low=1, high=1e10, source=NEW_YORK,
    )  # fmt: skip
    top_users: float = parameter(
        1e7, meaning="under graduated, people beyond whom the tax on one more user rises no further",
        unit="persons", low=0, high=1e10, source=NEW_YORK,
    )  # fmt: skip
    under_declaration: float = assumed(0.1, 0, 0.95, "share of users whom platforms do not declare")

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        if self.schedule == "graduated" and self.top_users < self.free_users:
            yield "top_users", self.top_users, f"at least free_users ({self.free_users:.6g})"


@dataclass(frozen=True)
class TurnoverTax(Levy):
    """A tax on platforms' turnover in each country, as digital services taxes are."""

    rate: float = parameter(
        0.03, meaning="share of the fees, advertising and users' charges that a platform takes in a country",
        low=0, high=1,
        source="digital services taxes of France, Italy and Spain",
    )  # fmt: skip


@dataclass(frozen=True)
class ProfitTax(Instrument):
    """A tax on the profit that platforms declare."""

    platforms: list[str] | None = parameter(
        None, meaning="platforms that owe it; null = all, [] = none", unit="names"
    )
    rate: float | None = assumed(None, 0, 1, "share of declared profit; null = the country's statutory rate")
    attribution: str = parameter(
        "residence",
        meaning="country that a profit is attributed to: the owners'; by fees taken; by users",
        choices=("residence", "sales", "users"),
    )
    haven_rate: float = parameter(
        0.05, meaning="tax rate of the haven that profits are shifted to", low=0, high=1, assumed=True
    )
    shifting: float = parameter(
        1.8, meaning="share of profit shifted, over the difference of the rate to the haven's", low=0,
        high=5, source=f"{TORSLOV}: 36 % at a mean rate of 25 %",
    )  # fmt: skip
    most_shifted: float = assumed(0.8, 0, 1, "largest share of profit that can be shifted")
    carry_forward: bool = parameter(
        True, meaning="losses of earlier months since the tax began reduce the profit that is taxed"
    )


@dataclass(frozen=True)
class WageFloor(Instrument):
    """A lowest pay for an hour of work, which holds for the workers of the countries it covers.

    Nobody covered may be asked to work for less: a batch that pays less is closed to them. So requesters
    raise pay, or do without them.
    """

    platforms: list[str] | None = parameter(
        None, meaning="platforms that it covers; null = all, [] = none", unit="names"
    )
    usd_per_hour: float | None = parameter(
        None, meaning="lowest pay for an hour; null = the legal minimum wage of the worker's country",
        unit="USD/hour", low=0, high=1000, source="Silberman et al. 2018, CACM: guidelines of requesters",
    )  # fmt: skip
    basis: str = parameter(
        "stated",
        meaning="time that is counted: what the requester states, or what the task takes at mean speed",
        choices=("stated", "actual"),
    )
    compliance: float = assumed(1.0, 0, 1, "share of requesters who keep to it")


NO_PLATFORMS = {
    "residents": "residents are nobody's users",
    "employers": "all requesters of a country count on one share of what they spend",
}
"""Recipients of an income who cannot be told apart by platform, and why."""


@dataclass(frozen=True)
class Programme(Instrument):
    """What all incomes share: who pools revenue, and what running them costs."""

    platforms: list[str] | None = parameter(
        None,
        meaning="platforms whose workers, or users, receive it; null = all, [] = none; must be null for"
        " residents and employers",
    )
    pool: str = parameter(
        "national",
        meaning="among whom revenue is shared: each country its own, the countries of a group, all",
        choices=("national", "bloc", "global"),
    )
    administration_share: float = assumed(0.03, 0, 1, "share of the revenue that administration costs")

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        why = NO_PLATFORMS.get(getattr(self, "recipients", ""))
        if self.platforms and why:
            yield (
                "platforms",
                self.platforms,
                f"null where recipients={getattr(self, 'recipients', '')}: {why}",
            )


@dataclass(frozen=True)
class UniversalIncome(Programme):
    """An income paid to everybody each month, on top of everything else."""

    funding: str = parameter(
        "revenue",
        meaning="what pays for it: the taxes collected, or, as an unfunded experiment, money from outside",
        choices=("revenue", "external"),
    )
    recipients: str = parameter(
        "residents",
        meaning="who receives it: all who live in the country; those who used a platform in the month; the"
        " workers of the market",
        choices=("residents", "users", "workers"),
    )
    roster: str = parameter(
        "present",
        meaning="which users or workers receive it: who is one in the month, which people can seek; or who"
        " was one when it began, from then on without a condition",
        choices=("present", "fixed"),
    )
    usd_per_month: float = assumed(
        0.0, 0, 100_000, "under external funding, what each receives; where revenue pays, the most that each"
        " receives, 0 = all there is", "USD",
    )  # fmt: skip
    reservation_elasticity: float = parameter(
        0.03, meaning="rise of the reservation wage for income as large as other income", low=0, high=0.4,
        source="between Le Barbanchon et al. 2019 (none) and Feldstein and Poterba 1984", assumed=True,
    )  # fmt: skip
    hours_north: float = parameter(
        -0.11, meaning="earnings given up for each dollar received, in northern countries", low=-1, high=0,
        source=LOTTERY,
    )  # fmt: skip
    hours_south: float = parameter(
        0.0, meaning="earnings given up for each dollar received, in other countries", low=-1, high=0,
        source="Banerjee et al. 2023",
    )  # fmt: skip


@dataclass(frozen=True)
class ConditionalIncome(Programme):
    """The same revenue, paid on a condition: to those who look for work and take it, or to those who hire."""

    recipients: str = parameter(
        "job_seekers",
        meaning="who receives it: workers without another job who did enough tasks in the month, the same to"
        " each; or requesters, in proportion to what they spent on finished work",
        choices=("job_seekers", "employers"),
        source="Italy's reddito di cittadinanza, law 26 of 2019",
    )
    tasks_a_month: int = assumed(20, 1, 100_000, "tasks that a job seeker must do in a month", "tasks")


@dataclass(frozen=True)
class Cooperative(Instrument):
    """Platforms that belong to those who work on them: what is there already, or one that is founded.

    The fee is what the platform costs, or what members vote for above that; they vote on how work is shown
    and on a lowest hourly pay; what is left of a month is theirs, in proportion to what they earned there.
    Members are the workers of the countries given; others work there as on any platform. Over a phase, fees
    go from the platform's own to the members', floor and order likewise.
    """

    platforms: list[str] = parameter(
        default_factory=lambda: ["microwork"],
        meaning="platforms that become cooperatives; one that is closed is founded", unit="names",
    )  # fmt: skip
    fee: str = parameter(
        "at_cost",
        meaning="who decides on the fee: the statute, by which it is what the platform costs; or, from there"
        " on, most members who vote: who wants more work is for a lower fee, who has enough for a higher one",
        choices=("at_cost", "voted"),
    )
    fee_step: float = assumed(0.01, 0.0001, 1, "share of the reward by which a vote moves the fee")
    enough_work: float = assumed(
        0.5, 0, 10, "paid hours of a month over those wanted, from which a member has enough work"
    )
    lowest_fee: float = parameter(
        0.05, meaning="lowest fee, share of the reward", low=0, high=1, source=UP_AND_GO
    )
    highest_fee: float = parameter(
        0.15, meaning="highest fee, share of the reward; a founded one begins with it", low=0, high=1,
        source=DRIVERS,
    )  # fmt: skip
    cost_months: int = assumed(3, 1, 12, "past months whose cost over rewards is the fee", "months")
    participation: float = parameter(
        0.25, meaning="share of members who vote in a month", low=0, high=1, source=STOCKSY, assumed=True
    )
    passes_on: float = assumed(
        1.0,
        0,
        1,
        "share of taxes not passed on otherwise that it adds to the fee on requesters, above the highest",
    )
    solidarity: float = assumed(
        0.5,
        0,
        1,
        "share of members who would go on in the countries of others that cost more than they bring",
    )
    exclusion_majority: float = parameter(
        0.75, meaning="share of the votes by which a country is given up, its own members voting too",
        low=0.5, high=1, source=COMMON_KNOWLEDGE, assumed=True,
    )  # fmt: skip
    ranking_share: float = assumed(
        0.3,
        0,
        1,
        "weight of the order that members choose; the rest is the platform's own; 0 = no vote",
    )
    votes_on_floor: bool = parameter(True, meaning="members choose a lowest hourly pay for the stated time")
    tasks_newest: int = assumed(
        100, 0, 1_000_000, "tasks done from which members want the newest first, not chance", "tasks"
    )
    tasks_largest: int = assumed(
        500, 0, 1_000_000, "tasks done from which members want the largest first", "tasks"
    )
    tasks_best_paid: int = assumed(
        1000, 0, 1_000_000, "tasks done from which members want the best paid first", "tasks"
    )
    patronage_deducted: bool = parameter(
        True, meaning="what goes to members is no taxable profit", source="US Internal Revenue Code, s. 1382"
    )

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        if self.highest_fee < self.lowest_fee:
            yield "highest_fee", self.highest_fee, f"at least lowest_fee ({self.lowest_fee})"
        steps = (self.tasks_newest, self.tasks_largest, self.tasks_best_paid)
        if list(steps) != sorted(steps):
            yield "tasks_largest", self.tasks_largest, "from tasks_newest to tasks_best_paid, which rise"


@dataclass(frozen=True)
class Commons(Instrument):
    """Data and records held in common: who buys work for artificial intelligence pays those who labelled.

    A royalty on such work goes into a fund, which is shared among all who labelled; labels for preparation
    are open to all requesters who share theirs; records of workers are valid everywhere. Of countries,
    only requesters there owe the royalty and share labels, only who labelled there has a part in the
    fund, and only records of workers there move with them. Over a phase the royalty grows, and the
    shares of labels and of records that are in common, and the fee comes down to cost.
    """

    platforms: list[str] | None = parameter(
        None, meaning="platforms that it covers; null = all, [] = none", unit="names"
    )
    royalty_rate: float = assumed(
        0.05, 0, 1, "share of rewards for work of an AI function that requesters pay on top"
    )
    administration_share: float = assumed(0.03, 0, 1, "share of the royalty that collecting it costs")
    shared_labels: float = assumed(
        0.2, 0, MOST_SHARED, "share of the labels for preparation that a requester need not have made if all"
        " others' are in the commons",
    )  # fmt: skip
    unpaid_label_seconds: float = assumed(
        5.0,
        0,
        600,
        "work that a user's unpaid label counts for in the fund; a task counts for what it takes",
        "seconds",
    )
    portable_reputation: bool = parameter(
        True, meaning="requesters on a platform count records that were made on another"
    )
    fee_at_cost: bool = parameter(
        False, meaning="no owner's rent: the fee on covered platforms is at most what they cost"
    )
    cost_months: int = assumed(3, 1, 12, "past months whose cost over rewards is that fee", "months")

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        if self.countries and self.fee_at_cost:
            yield "countries", self.countries, "no list where fee_at_cost: a platform has one fee for all"


@dataclass(frozen=True)
class Union(Instrument):
    """A union of workers, which spreads by contact and grievance, refuses low pay, strikes and bargains.

    Over a phase its guideline, its own effort, what contact does, what ratings gain and the length of strikes
    grow from nothing to what is set.
    """

    platforms: list[str] | None = parameter(
        None, meaning="platforms on which it organises; null = all, [] = none", unit="names"
    )
    guideline: str = parameter(
        "local",
        meaning="lowest pay for an hour that the union stands for: the same everywhere, or the minimum wage"
        " of the worker's country",
        choices=("uniform", "local"),
    )
    usd_per_hour: float = parameter(
        6.0, meaning="the guideline where it is uniform", unit="USD/hour", low=0, high=1000, source=DYNAMO
    )
    support_north: float = parameter(
        0.33, meaning="share of workers of northern countries who would ever join", low=0, high=1,
        source=f"{MANKAR} a floor at local wages", assumed=True,
    )  # fmt: skip
    support_south: float = parameter(
        0.67, meaning="share of workers of other countries who would ever join", low=0, high=1,
        source=f"{MANKAR} a floor at local wages", assumed=True,
    )  # fmt: skip
    organising_rate: float = assumed(
        0.005, 0, 1, "chance that one who would is won over in a week by the union's own effort"
    )
    contact_rate: float = assumed(
        0.15, 0, 1, "the same by fellow workers, if all of them were members and the grievance were full"
    )
    leave_rate: float = assumed(0.01, 0, 1, "chance that a member leaves the union in a week")
    refusal_share: float = assumed(1.0, 0, 1, "share of the guideline under which members refuse work")
    rating_gain: float = assumed(0.3, 0, 1, "share of their error in pay that members' ratings take away")
    share_ratings: bool = parameter(
        True,
        meaning="members tell each other, and those in their collective, whose work requesters rejected",
        source="Benson, Sojourner, Umyarov 2020, Management Science 66(5)",
    )
    ratings_half_life_weeks: float = assumed(
        26.0, 1, 5200, "time in which what members tell of a requester loses half of its weight", "weeks"
    )
    strike_density: float = assumed(0.2, 0, 1, "share of members on a platform from which they may strike")
    strike_grievance: float = assumed(0.4, 0, 1, "mean grievance of members from which they strike")
    strike_days: int = assumed(3, 0, 28, "days that a strike lasts; 0 = none", "days")
    strike_pause_days: int = assumed(28, 0, 365, "days after a strike before the next", "days")
    bargaining_density: float = assumed(
        0.25, 0.001, 1, "share of members on a platform, in a group of countries, from which it signs"
    )
    bargained_share: float = assumed(
        0.5, 0, 1, "share of the guideline that is then the lowest pay there; 0 = none"
    )

    def problems(self) -> Iterator[tuple[Any, ...]]:
        """Yield (field, value, what is allowed, a way out) for combinations that contradict each other."""
        yield from super().problems()
        if self.guideline == "uniform" and self.usd_per_hour == 0 and self.bargained_share > 0:
            yield (
                "bargained_share",
                self.bargained_share,
                "0 where the guideline is 0, or a guideline above 0",
                "=0",
            )


@dataclass(frozen=True)
class Reclassification(Instrument):
    """Workers of the platforms and countries covered are employees: paid for open shifts, and insured.

    What they cost is quoted to requesters by country, who pay it or do without them. Over a phase the share
    of wage and contributions that is owed grows, and with it what is left of unfair rejections and of freedom
    to come and go shrinks.
    """

    platforms: list[str] | None = parameter(
        None, meaning="platforms that are employers; null = all, [] = none", unit="names"
    )
    usd_per_hour: float | None = parameter(
        None, meaning="wage of an hour of open shift; null = the legal minimum wage of the worker's country",
        unit="USD/hour", low=0, high=100, source="legal minimum wages, in the country table",
    )  # fmt: skip
    contributions: float | None = parameter(
        None, meaning="employers' contributions over pay; null = the country's rate", low=0, high=2,
        source="headline rates, in the country table",
    )  # fmt: skip
    unfair_share: float = assumed(0.0, 0, 1, "share of unfair rejections that remain")
    slack: float | None = assumed(
        1.1, 1, 100, "shifts opened over those that the price covers; null = all who want one get a shift"
    )
    smoothing: float = assumed(
        0.5,
        0.01,
        1,
        "weight of the last week in the share of shifts opened, of the last month in what is quoted",
    )
    least_shifts: float = assumed(0.05, 0.001, 1, "share of shifts that are opened whatever is expected")
    first_ratio: float = assumed(
        1.5, 1, 100, "hours on duty for a paid one by which the wage is quoted where nobody was paid"
    )
    highest_ratio: float = assumed(3.0, 1, 100, "most hours on duty for a paid one by which it is quoted")
    recovered: float = assumed(
        1.0,
        0,
        1,
        "share of last month's pay for shifts that a platform withholds from rewards in the country",
    )
    exit_months: int = assumed(
        3, 0, 120, "months of loss in a country, these costs included, until a platform leaves; 0 = stays",
        "months",
    )  # fmt: skip

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        if self.first_ratio > self.highest_ratio:
            yield "first_ratio", self.first_ratio, f"at most highest_ratio, {self.highest_ratio:g}"


PER_PLATFORM = ("fee_cap", "reward_floor", "portable")
"""Rules of a measure that hold on a platform for everybody, wherever they live."""

STEPS = ("fee_cap", "portable")
"""Rules of a measure that hold or do not: they cannot grow over months."""

MOST = {"fee_cap": 2.0, "portable": 1.0, "unfair": 1.0}
"""Highest value of a rule; the others are USD an hour, up to 1,000."""


@dataclass(frozen=True)
class Measure(Instrument):
    """A policy of the user's own: one rule of the market, its value, where it holds and from when on.

    Of several that set one rule in one place the strictest holds, as of all policies.
    """

    rule: str = parameter(
        "fee_cap",
        meaning="what is ruled: the highest fee on requesters, a share of the reward; the lowest reward for"
        " an hour of stated time, for all or (worker_floor) for workers of the countries; USD for an hour of"
        " search, of waiting for work, of work that was rejected; the share of tasks done elsewhere that"
        " count in a record; the share of unfair rejections that remain",
        choices=(
            "fee_cap", "reward_floor", "worker_floor", "paid_search", "paid_waiting", "paid_rejected",
            "portable", "unfair",
        ),
    )  # fmt: skip
    value: float | None = parameter(
        None, meaning="the value of the rule: a share, or USD an hour; must be given", low=0, high=1000
    )
    platforms: list[str] | None = parameter(
        None, meaning="platforms that it covers; null = all, [] = none", unit="names"
    )

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        yield from super().problems()
        most = MOST.get(self.rule, 1000.0)
        if self.value is None or self.value > most:
            yield "value", self.value, f"a number from 0 to {most:g} where rule={self.rule}"
        if self.countries and self.rule in PER_PLATFORM:
            yield "countries", self.countries, f"no list of countries: rule={self.rule} is one for a platform"
        if self.phase_in_months and self.rule in STEPS:
            yield "phase_in_months", self.phase_in_months, f"0: rule={self.rule} holds or does not"


ANY_NUMBER = ("a number",)
"""In place of choices: anything but null."""

READ_WITH: dict[type[Instrument], dict[str, tuple[str, tuple[Any, ...]]]] = {
    UsageTax: {
        "usd_per_user_month": ("schedule", ("flat", "gdp_indexed", "graduated")),
        "arpu_share": ("schedule", ("arpu_share",)),
        "free_users": ("schedule", ("graduated",)),
        "step_users": ("schedule", ("graduated",)),
        "top_users": ("schedule", ("graduated",)),
    },
    UniversalIncome: {
        "pool": ("funding", ("revenue",)),
        "administration_share": ("funding", ("revenue",)),
        "roster": ("recipients", ("users", "workers")),
    },
    ConditionalIncome: {"tasks_a_month": ("recipients", ("job_seekers",))},
    Cooperative: dict.fromkeys(("fee_step", "enough_work"), ("fee", ("voted",))),
    Union: {"usd_per_hour": ("guideline", ("uniform",))},
    Commons: {"cost_months": ("fee_at_cost", (True,))},
    Reclassification: {"least_shifts": ("slack", ANY_NUMBER)},
}
"""Settings of an instrument that are read only with some choices of another of its settings.

A number of 0 that switches off what others belong to is no such choice: it is one end of a range.
"""


def unread(instrument: Instrument) -> Iterator[tuple[str, Any, str]]:
    """Yield (field, value, what is allowed) for what is set and not read with the choices made."""
    usual: Any = None
    for name, (choice, values) in READ_WITH.get(type(instrument), {}).items():
        usual = usual or type(instrument)()
        chosen, value = getattr(instrument, choice), getattr(instrument, name)
        reads = chosen is not None if values is ANY_NUMBER else chosen in values
        if not reads and value != getattr(usual, name):
            words = " or ".join(f"{choice}={_word(one)}" for one in values)
            yield name, value, f"only with {words}; here it is {_word(chosen)}"


def _word(choice: Any) -> str:
    return "null" if choice is None else str(choice).lower()


@dataclass(frozen=True)
class Policies:
    """The instruments that are chosen; null where one is not."""

    usage_tax: UsageTax | None = field(default=None)
    turnover_tax: TurnoverTax | None = field(default=None)
    profit_tax: ProfitTax | None = field(default=None)
    universal_income: UniversalIncome | None = field(default=None)
    conditional_income: ConditionalIncome | None = field(default=None)
    wage_floor: WageFloor | None = field(default=None)
    cooperative: Cooperative | None = field(default=None)
    commons: Commons | None = field(default=None)
    union: Union | None = field(default=None)
    reclassification: Reclassification | None = field(default=None)
    measures: dict[str, Measure] = field(default_factory=dict)

    def chosen(self) -> dict[str, Instrument]:
        """Return what is chosen, by its path below `policy`; measures under names of the user's own."""
        own = {f"measures.{name}": one for name, one in self.measures.items()}
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: one for name, one in named.items() if isinstance(one, Instrument)} | own

    def _together(self, without: str = "", more: str = "") -> str:
        """Return the word that chooses these instruments, without one of them or with one more."""
        names = [more, *(name for name in self.chosen() if "." not in name and name != without)]
        return f"policy=[{','.join(name for name in names if name)}]"

    def problems(self) -> Iterator[tuple[Any, ...]]:
        """Yield (path, value, what is allowed, a way out if there is one) where instruments contradict."""
        taxes = (self.usage_tax, self.turnover_tax, self.profit_tax)
        income, conditional = self.universal_income, self.conditional_income
        if income is not None and conditional is not None:
            yield (
                "conditional_income.recipients",
                conditional.recipients,
                "one income in a run: this one, or universal_income",
                self._together(without="conditional_income"),
            )
        if conditional is not None and not any(taxes):
            yield (
                "conditional_income.recipients",
                conditional.recipients,
                "a tax beside it that pays for it, such as policy=[usage_tax,conditional_income]",
                self._together(more="usage_tax"),
            )
        if income is not None and income.funding == "revenue" and not any(taxes):
            yield (
                "universal_income.funding",
                income.funding,
                "a tax beside it that pays for it, such as policy=[usage_tax,universal_income], or external",
                self._together(more="usage_tax"),
            )
        for name, one in (("universal_income", income), ("conditional_income", conditional)):
            if one is not None and getattr(one, "funding", "revenue") == "revenue":
                for setting, value, allowed in _never_funded(one, [tax for tax in taxes if tax is not None]):
                    yield f"{name}.{setting}", value, allowed


def _never_funded(income: Programme, taxes: list[Instrument]) -> Iterator[tuple[str, Any, str]]:
    """Yield what is wrong if no tax could ever pay for an income: nowhere where it is paid, or at no time.

    What is null by itself is no mistake: it changes nothing, and is named as never in force.
    """
    taxes = [tax for tax in taxes if not tax.is_null()]
    if income.is_null() or not taxes:
        return
    if income.countries and not any(
        tax.countries is None or set(tax.countries) & set(income.countries) for tax in taxes
    ):
        yield (
            "countries",
            income.countries,
            "at least one country that has a tax: treasuries pay from their own",
        )
    starts, ends = [tax.start for tax in taxes], [tax.end for tax in taxes]
    if income.end and all(start and start >= income.end for start in starts):
        yield "end", income.end, "a month after a tax begins: revenue of a month is paid out in the next"
    elif income.start and all(end and end < income.start for end in ends):
        yield "start", income.start, "no later than the month in which a tax ends: there is no revenue then"
