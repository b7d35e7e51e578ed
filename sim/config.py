"""Every parameter of the model: default, unit, range, meaning and source, in one place.

The dataclasses below are the only home of a parameter. YAML files and the command line hold
differences from these defaults; validation, the parameter tables and the sensitivity ranges are
read from the metadata given here.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from sim.instruments import Instrument, Levy, Measure, Policies
from sim.intelligence import Intelligence
from sim.parameters import assumed, parameter

ILO = "ILO, World Employment and Social Outlook 2021"
HORTON = "Horton and Chilton 2010, EC"
MANKAR = "Mankar, Shah and Lease 2017, HCOMP: 20 % of requesters asked would enforce a minimum wage"
TOOLS = "Kaplan et al. 2018, HCOMP; Savage et al. 2020, WWW: those who earn much use more of them"
CHILTON = (
    "Chilton, Horton, Miller and Azenkot 2010, HCOMP: workers look at the first pages, of ten groups each"
)
FLOWS = (
    "Fallick and Fleischman 2004, FEDS 2004-34: employer or status changes in a month for 6.6 % of those at"
    " work, 52 % of the unemployed, 7.2 % of others; 8.6 % of all adults"
)
HARA = "Hara et al. 2018, CHI"
IPEIROTIS = "Ipeirotis 2010, XRDS"
MTURK_PAGE = "one MTurk search page, 100 HIT groups, 2017-09-13"
CROWDTRUTH = "CrowdTruth raw logs 2014-2018, 215,761 judgements"
TIME_USE = "American Time Use Survey 2013: 8.7 hours of sleep a day; its shape over the hours"
MTURK_FEES = "MTurk price list 2015-2026"
META = "Meta, quarterly earnings reports 2021 and 2023"
VALUES_OF_USE = (
    "Brynjolfsson, Collis, Eggers 2019: in the USA half of the users asked for 48 USD or more a month, a"
    " mean of 70 if values are exponential; from 7 USD that they would pay (Sunstein 2018) to twice the 1000"
    " USD a year asked for in auctions (Corrigan et al. 2018): 0.0014 to 0.035; elsewhere it is assumed to go"
    " with income"
)
LIVE_ON_FEES = (
    "cooperatives that live on their fee take 5 % (Up & Go, New York) to 15 % (The Drivers Cooperative) of"
    " what is paid, all costs included, those of tasks among them; 0 to 0.1 is plausible"
)
META_COSTS = (
    "Meta, annual report 2021: cost of revenue, above all data centres, was 32 % of costs (22.6 of 71.2"
    " billion USD), development, sales and administration the rest; 0 to 0.32 is plausible"
)
STRATCOM = "NATO StratCom COE 2019: a fifth of bought engagement was gone after four weeks"

MOST_COUNTRIES = 63
"""Countries that a world can have: each is a bit of a mask."""

DEAREST_OUTSIDE_WAGE_USD = 1000.0
"""Most that a country table may give as the outside wage (USD an hour)."""


MAX_ORDINAL = dt.date(2200, 1, 1).toordinal()

LONGEST_RUN_DAYS = 24_855
"""Days whose seconds a 32-bit field still counts: 68 years."""

MOST_TILES = 65_536
"""Tiles of all platforms' boards that a worker's 16-bit field can name."""


@dataclass(frozen=True)
class Time:
    """The calendar of a run."""

    start: str = parameter("2019-01-07", meaning="first simulated day, 00:00 UTC", unit="ISO date")
    warmup_days: int = parameter(
        30, meaning="days simulated before outcomes are measured", unit="days", low=0, high=3650
    )
    days: int = parameter(
        365, meaning="days over which outcomes are measured", unit="days", low=1, high=LONGEST_RUN_DAYS
    )
    daylight_saving: bool = parameter(True, meaning="clocks change with the season where law says so")
    checkpoint_days: int = parameter(
        0,
        meaning="days between checkpoints that a killed run can resume from; 0 = none",
        unit="days",
        low=0,
        high=36500,
    )

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for a start that is no date or leads out of the calendar."""
        try:
            start = dt.date.fromisoformat(self.start)
            inside = (
                dt.date(1970, 1, 1) <= start
                and start.toordinal() + self.warmup_days + self.days < MAX_ORDINAL
            )
        except ValueError:
            inside = False
        if not inside:
            yield "start", self.start, "a date such as 2019-01-07, from 1970, with the whole run before 2200"
        if self.warmup_days + self.days > LONGEST_RUN_DAYS:
            most = LONGEST_RUN_DAYS - self.warmup_days
            yield (
                "days",
                self.days,
                f"at most {most} days after a warm-up of {self.warmup_days}: 68 years in all",
            )


@dataclass(frozen=True)
class WorldChoice:
    """Which countries exist."""

    table: str = parameter(
        "global",
        meaning="country table: a built-in name (global, six_regions, north_south, mturk_2015) or a CSV file",
    )


@dataclass(frozen=True)
class Segment:
    """A kind of worker; countries mix segments by the shares of their group."""

    share_north: float = parameter(
        0.0, meaning="weight among workers of northern countries", low=0, high=1, assumed=True
    )
    share_south: float = parameter(
        0.0, meaning="weight among workers of southern countries", low=0, high=1, assumed=True
    )
    other_job: float = parameter(
        0.5, meaning="share who hold another job", low=0, high=1, source=ILO, assumed=True
    )
    literate: bool = parameter(True, meaning="reads instructions without help")
    tertiary: float = parameter(
        1.0,
        meaning="factor on the country's share of workers with tertiary education",
        low=0,
        high=3,
        assumed=True,
    )
    window_start: int = assumed(9, 0, 23, "first local hour of daily life free for click work", "hour")
    window_hours: int = assumed(10, 1, 24, "length of that window", "hours")
    flexibility: float = assumed(0.3, 0, 1, "weight on the hours that paid best rather than the own window")
    desired_hours_median: float = parameter(
        16.0, meaning="median of the hours a week workers want", unit="hours", low=0.05, high=112,
        source=ILO, assumed=True,
    )  # fmt: skip
    desired_hours_log_sigma: float = parameter(
        0.9, meaning="spread of the hours a week workers want", unit="log points", low=0, high=2.5,
        source=ILO, assumed=True,
    )  # fmt: skip
    reservation_ratio: float = parameter(
        0.07,
        meaning="median reservation wage over the country's outside wage",
        low=0.001,
        high=2,
        source=HORTON,
        assumed=True,
    )
    collective_size: int = assumed(0, 0, 10000, "members of a collective with a broker; 0 = works alone")
    interruption_women: float = assumed(
        0.1, 0, 1, "chance that a woman's hour on duty is cut short by other duties"
    )
    interruption_men: float = assumed(
        0.05, 0, 1, "chance that a man's hour on duty is cut short by other duties"
    )
    household_size: float = assumed(
        3.0, 1, 12, "people in a worker's household, the worker included; for poverty only", "persons"
    )
    household_support: float = assumed(
        0.5, 0, 4, "income of the others in the household, over pay of 28 hours a week at the outside wage"
    )


def default_segments() -> dict[str, Segment]:
    """Five kinds of workers; what differs between them is assumed."""
    return {
        "side_job": Segment(
            share_north=0.5, share_south=0.2, other_job=1.0, window_start=18, window_hours=5,
            flexibility=0.15, desired_hours_median=6.0, reservation_ratio=0.08, household_size=2.5,
        ),
        "home": Segment(
            share_north=0.3, share_south=0.15, other_job=0.0, window_start=9, window_hours=8, flexibility=0.3,
            desired_hours_median=12.0, reservation_ratio=0.06, interruption_women=0.25, interruption_men=0.15,
            household_size=2.5, household_support=1.0,
        ),
        "casual": Segment(
            share_north=0.15, share_south=0.15, other_job=0.5, window_start=12, window_hours=11,
            flexibility=0.2, desired_hours_median=1.5, desired_hours_log_sigma=1.0, reservation_ratio=0.09,
            household_support=1.0,
        ),
        "graduate": Segment(
            share_north=0.05, share_south=0.3, other_job=0.3, tertiary=3.0, window_start=9, window_hours=14,
            flexibility=0.6, desired_hours_median=16.0, reservation_ratio=0.35, household_size=3.5,
        ),
        "first_income": Segment(
            share_north=0.0, share_south=0.2, other_job=0.1, literate=False, tertiary=0.0, window_start=8,
            window_hours=12, flexibility=0.6, desired_hours_median=20.0, reservation_ratio=0.25,
            collective_size=40, household_size=4.5, household_support=0.25,
        ),
    }  # fmt: skip


def usually_awake() -> list[float]:
    """Return who is awake by local hour, from midnight; 15.3 hours of the day in all."""
    night = [0.26, 0.14, 0.08, 0.06, 0.08, 0.16, 0.35, 0.52]
    day = [0.68, 0.80, 0.90, 0.94, 0.96, 0.96, 0.96, 0.96]
    evening = [0.97, 0.97, 0.97, 0.96, 0.92, 0.78, 0.56, 0.36]
    return night + day + evening


@dataclass(frozen=True)
class Workers:
    """The people who do the work."""

    count: int = parameter(
        20_000, meaning="registered workers active at the start", unit="persons", low=1, high=400_000_000
    )
    real_count: float = parameter(
        19e6, meaning="people the workers stand for; gives the scale of world totals, which are as"
        " uncertain: 5 to 19 million", unit="persons", low=1, high=1e10, assumed=True,
        source="Kassi, Lehdonvirta and Stephany 2021: 19 million profiles ever worked, 5 million much",
    )  # fmt: skip
    reservation_log_sigma: float = parameter(
        1.5, meaning="spread of reservation wages inside a country and segment", unit="log points", low=0,
        high=2.1, source="Horton and Chilton 2010: 1.86, less what lies between countries", assumed=True,
    )  # fmt: skip
    need_usd_per_hour: float = assumed(
        0.10, 0, 2, "lowest reservation wage, at the price level of the USA", "USD/hour"
    )
    speed_log_sigma: float = assumed(0.45, 0, 1, "spread of speed between workers", "log points")
    speed_gain: float = assumed(0.25, 0, 1, "gain in log speed of a fully experienced worker", "log points")
    speed_half_tasks: float = assumed(
        2000.0, 1, 1e6, "tasks after which half of that gain is reached", "tasks"
    )
    accuracy_mean: float = assumed(0.93, 0.5, 1, "mean share of tasks done right")
    accuracy_spread: float = assumed(0.06, 0, 0.3, "half-width of the uniform spread of accuracy")
    literacy_penalty: float = assumed(0.05, 0, 0.4, "accuracy lost by workers who barely read")
    writing_share: float = assumed(
        0.15, 0, 1, "share of literate workers without tertiary education who can write well"
    )
    expert_share: float = assumed(0.15, 0, 1, "share of workers with tertiary education who are experts")
    tool_share: float = parameter(
        0.3, meaning="share of workers who sooner or later search with tools: scripts, alerts and lists of"
        " requesters that pay well; 0 = nobody, and the best paid listings are those of the highest reward",
        low=0, high=1, assumed=True, source=TOOLS,
    )  # fmt: skip
    tool_half_tasks: float = assumed(1000.0, 1, 1e6, "tasks after which half of them do", "tasks")
    tool_depth: float = assumed(
        3.0,
        1,
        1e6,
        "mean position looked at in a tool's list of work, best requesters first",
        "listings",
    )
    tool_look_ratio: float = assumed(0.5, 0.01, 1, "seconds of a look with tools over those without")
    tool_reservation_weight: float = assumed(
        0.7, 0, 0.99, "weight of own hourly earnings, which tools show, in the reservation wage with tools"
    )
    look_seconds_median: float = assumed(
        60.0, 5, 120, "unpaid seconds to find and read one listing", "seconds"
    )
    look_seconds_log_sigma: float = assumed(
        0.4, 0, 1, "spread of those seconds between workers", "log points"
    )
    patience_low: int = assumed(
        6, 1, 50, "fewest fruitless listings in a row before giving up for the hour", "listings"
    )
    patience_high: int = assumed(
        12, 1, 60, "most fruitless listings in a row before giving up for the hour", "listings"
    )
    patience_hours: int = assumed(2, 1, 16, "fruitless hours in a row before giving up for the day", "hours")
    daily_hours_cap: int = assumed(16, 1, 16, "most hours on duty in 24", "hours")
    awake_share: list[float] = parameter(
        default_factory=usually_awake,
        meaning="share of people awake by local hour, from midnight; asleep, nobody goes on working",
        low=0,
        high=1,
        source=TIME_USE,
        assumed=True,
    )
    night_owls: float = assumed(
        0.15, 0, 1, "share of workers, drawn each day, whom hours of sleep do not keep from working"
    )
    broker_cut: float = assumed(0.2, 0, 0.6, "share of net rewards kept by the broker of a collective")
    collective_skill_share: float = assumed(
        0.6, 0, 1, "share of collectives that pool enough skill for reading tasks"
    )

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        if self.patience_high < self.patience_low:
            yield "patience_high", self.patience_high, f"at least patience_low ({self.patience_low})"
        if self.accuracy_mean - self.accuracy_spread - self.literacy_penalty <= 0:
            yield "accuracy_spread", self.accuracy_spread, "so small that every accuracy stays above 0"

    def awake(self) -> list[float]:
        """Return the share of workers awake by local hour, from midnight, night owls among them."""
        return [self.night_owls + (1.0 - self.night_owls) * share for share in self.awake_share]


def usual_day() -> list[float]:
    """When people order rides, meals and errands: little at night, peaks around noon and in the evening."""
    night, morning, noon = [0.4, 0.25, 0.15, 0.1, 0.1, 0.2], [0.4, 0.7, 0.8, 0.8, 0.9], [1.5, 2.2, 1.8]
    return [*night, *morning, *noon, 1.0, 0.8, 0.9, 1.4, 2.2, 2.6, 2.2, 1.5, 1.0, 0.7]


@dataclass(frozen=True)
class Requesters:
    """The firms and people who post the work."""

    count: int | None = assumed(None, 1, 100_000_000, "requesters; null = 0.03 for each worker", "requesters")
    size_log_sigma: float = parameter(
        2.68, meaning="spread of requester sizes", unit="log points", low=0, high=4, source=IPEIROTIS
    )
    largest_share: float = parameter(
        0.10, meaning="largest share of demand one requester may hold", low=0.0001, high=1, source=IPEIROTIS
    )
    demand_share: float = assumed(
        0.6, 0.001, 20, "task time wanted at base cost, as a share of the time workers want to be on duty"
    )
    demand_elasticity: float = assumed(
        1.0, 0, 3, "elasticity of demand to the unit cost, fees and levies included"
    )
    base_fee: float = parameter(
        0.2, meaning="fee in the unit cost at which base demand is stated", low=0, high=2, source=MTURK_FEES
    )
    pay_usd_per_hour: float = assumed(2.0, 0.01, 200, "median hourly pay that requesters aim at", "USD/hour")
    fair_share: float = parameter(
        0.2, meaning="share of requesters that pay what they hold to be fair and never look for less; those"
        " who ask for an approval record are first among them",
        low=0, high=1, assumed=True, source=MANKAR,
    )  # fmt: skip
    fair_pay_usd_per_hour: float = parameter(
        7.25, meaning="what such requesters pay for an hour of stated time; times the platform's pay factor",
        unit="USD/hour", low=0.01, high=200, assumed=True, source="minimum wage of the USA, 2009-2025",
    )  # fmt: skip
    pay_log_sigma: float = assumed(
        0.4, 0, 1.5, "spread of hourly pay targets between requesters", "log points"
    )
    value_usd_per_hour: float = assumed(
        12.0, 0.05, 1000, "median value of an hour of correct work", "USD/hour"
    )
    value_log_sigma: float = assumed(0.4, 0, 1.5, "spread of that value between requesters", "log points")
    estimate_bias_median: float = assumed(
        1.15, 0.3, 4, "true over stated seconds per task, median over requesters"
    )
    estimate_bias_log_sigma: float = assumed(
        0.35, 0, 1, "spread of that ratio between requesters", "log points"
    )
    strictness_mean: float = assumed(0.08, 0, 1, "chance that a wrong task is caught and rejected")
    unfair_rejection_mean: float = parameter(
        0.002,
        meaning="mean share of right tasks rejected all the same",
        low=0,
        high=0.5,
        source=HARA,
        assumed=True,
    )
    always_on_share: float = assumed(0.15, 0, 1, "share of requesters that post at all hours")
    office_start: int = assumed(8, 0, 23, "first local office hour", "hour")
    office_hours: int = assumed(10, 1, 24, "length of the office day", "hours")
    night_weight: float = assumed(0.1, 0, 1, "posting outside office hours relative to inside")
    weekday_weights: list[float] = parameter(
        default_factory=lambda: [1.19, 1.20, 1.16, 1.13, 1.13, 0.55, 0.64],
        meaning="posting by local weekday, Monday first, mean 1",
        low=0,
        high=7,
        source=CROWDTRUTH,
        assumed=True,
    )
    approval_share: float = parameter(
        0.19, meaning="share of requesters that ask for an approval record", low=0, high=1,
        source=f"{HARA}: a share of tasks", assumed=True,
    )  # fmt: skip
    approval_tasks: int = assumed(1000, 0, 100000, "approved tasks such requesters ask for", "tasks")
    approval_rate: float = assumed(0.95, 0, 1, "approval rate such requesters ask for")
    own_country_share: float = assumed(
        0.15, 0, 1, "share of requesters that admit only workers of their own country"
    )
    north_only_share: float = assumed(
        0.1, 0, 1, "share of requesters that admit only workers of northern countries"
    )
    multihome_share: float = assumed(0.2, 0, 1, "chance to use each further platform within reach")
    task_types_used: int = assumed(2, 1, 20, "task types in a requester's mix", "types")
    size_seconds_elasticity: float = assumed(
        1.0, 0, 1, "minus the elasticity of the number of tasks in larger batches to the length of a task:"
        " 0 = unrelated; 1 = what is drawn is a budget of work, spent on many short tasks or"
        " on few long ones",
    )  # fmt: skip
    size_seconds: float = assumed(
        60.0, 1, 3000, "length of the tasks of whose batches the sizes of task types hold", "seconds"
    )
    daily_life_hours: list[float] = parameter(
        default_factory=usual_day,
        meaning="posting by local hour, from midnight, on platforms with posting_hours=daily_life; relative",
        low=0,
        high=24,
        assumed=True,
    )
    daily_life_weekdays: list[float] = parameter(
        default_factory=lambda: [0.88, 0.88, 0.92, 0.96, 1.12, 1.2, 1.04],
        meaning="the same by local weekday, Monday first, mean 1",
        low=0,
        high=7,
        assumed=True,
    )
    target_fill_hours: float = assumed(
        24.0, 1, 2000, "hours in which work should fill under pay_setting=fill_time", "hours"
    )
    pay_arm_spread: float = assumed(0.1, 0, 0.5, "distance of the two randomised reward arms from the target")
    pay_step: float = assumed(0.15, 0, 0.5, "first and largest step of the pay target", "share of the target")
    pay_step_smallest: float = assumed(
        0.01, 0, 0.5, "smallest step, after the arms have alternated", "share of the target"
    )
    pay_minimum_tasks: int = assumed(
        20, 1, 1e6, "tasks closed in each arm before the target is revised", "tasks"
    )
    delay_cost: float = assumed(
        0.02, 0, 1, "value lost for each day that work waits", "share of value per day"
    )


@dataclass(frozen=True)
class TaskType:
    """A kind of task."""

    function: str = parameter(
        "none",
        meaning="role in artificial intelligence",
        choices=("preparation", "verification", "impersonation", "none"),
    )
    share: float = parameter(0.0, meaning="weight in the demand for task time", low=0, high=100, assumed=True)
    median_seconds: float = parameter(
        38.0, meaning="median true seconds of a task", unit="seconds", low=1, high=3000, source=CROWDTRUTH,
        assumed=True,
    )  # fmt: skip
    log_sigma_seconds: float = parameter(
        0.5,
        meaning="spread of those seconds between batches",
        unit="log points",
        low=0,
        high=2,
        source=CROWDTRUTH,
    )
    skill: int = assumed(1, 0, 3, "skill needed: 0 none, 1 reading, 2 writing, 3 expertise")
    tertiary: bool = parameter(False, meaning="needs tertiary education")
    exposure: float = assumed(0.0, 0, 1, "share of the time spent with harmful content")
    pay_factor: float = assumed(1.0, 0.01, 50, "hourly pay and value relative to the requester's mean")
    one_task_share: float = parameter(
        0.57, meaning="share of batches that hold one task", low=0, high=1, source=MTURK_PAGE
    )
    size_exponent: float = parameter(
        0.4,
        meaning="tail exponent (survival function) of larger batches",
        low=0.05,
        high=5,
        source=MTURK_PAGE,
    )
    largest_batch: int = parameter(
        20_000, meaning="most tasks in a batch of tasks of median length", unit="tasks", low=1,
        high=1_000_000, source=MTURK_PAGE, assumed=True,
    )  # fmt: skip
    assignments_per_task: int = assumed(1, 1, 1000, "different workers wanted for each task", "workers")
    one_task_many_workers: bool = parameter(
        False, meaning="a batch is one task for many workers, as a survey is"
    )
    actions_per_task: int = assumed(1, 1, 1_000_000, "clicks in a task, on each device", "clicks")
    life_hours: float | None = assumed(
        None, 0.1, 2000, "median life of a batch of this type on the board; null = market.life_hours_median",
        "hours",
    )  # fmt: skip


def default_task_types() -> dict[str, TaskType]:
    """Nine microtask types; medians of annotation from public logs, the rest assumed."""
    return {
        "classification": TaskType(function="preparation", share=0.28, median_seconds=30.0, skill=0,
                                   assignments_per_task=3),
        "transcription": TaskType(function="preparation", share=0.14, median_seconds=60.0, skill=1),
        "data_collection": TaskType(function="preparation", share=0.13, median_seconds=90.0, skill=1),
        "moderation": TaskType(function="verification", share=0.10, median_seconds=20.0, skill=1,
                               exposure=0.6),
        "survey": TaskType(
            function="none", share=0.10, median_seconds=480.0, skill=1, one_task_share=0.0, size_exponent=1.0,
            largest_batch=1000, one_task_many_workers=True,
        ),
        "writing": TaskType(function="preparation", share=0.05, median_seconds=600.0, skill=2,
                            pay_factor=1.3),
        "verification": TaskType(function="verification", share=0.12, median_seconds=26.0, skill=1,
                                 assignments_per_task=3),
        "impersonation": TaskType(function="impersonation", share=0.04, median_seconds=45.0, skill=1),
        "expert": TaskType(function="preparation", share=0.04, median_seconds=900.0, skill=3, tertiary=True,
                           pay_factor=4.0),
    }  # fmt: skip


FAMILIES = ("microwork", "on_demand", "click_farm", "social")


@dataclass(frozen=True)
class Platform:
    """A platform of digital labour."""

    family: str = parameter(
        "microwork",
        meaning="kind of digital labour; requesters that use several platforms stay within a kind",
        choices=FAMILIES,
    )
    owner: str = parameter(
        "USA", meaning="country where the owners live", unit="ISO alpha-3 or code of the table"
    )
    worker_countries: list[str] = parameter(
        default_factory=list, meaning="countries whose workers may join; empty = all", unit="codes"
    )
    excluded_countries: list[str] = parameter(
        default_factory=list, meaning="countries that are shut out", unit="codes"
    )
    requester_countries: list[str] = parameter(
        default_factory=list, meaning="countries whose requesters may post; empty = all", unit="codes"
    )
    pool_share: float = assumed(
        0.0, 0, 1, "share of the initial workers who come through this platform's own pool"
    )
    requester_share: float = assumed(0.0, 0, 1, "share of requesters that belong to this platform's own pool")
    pay_factor: float = assumed(
        1.0, 0.01, 10, "pay and value of the own pool's requesters relative to the others"
    )
    requester_fee: float = parameter(
        0.2, meaning="fee on requesters, share of the reward", low=0, high=2, source=MTURK_FEES
    )
    large_batch_fee: float = parameter(
        0.2,
        meaning="further fee where a task is given to `large_batch_from` workers or more",
        low=0,
        high=2,
        source=MTURK_FEES,
    )
    large_batch_from: int = parameter(
        10,
        meaning="workers per task from which the further fee is due",
        unit="workers",
        low=1,
        high=1_000_000,
        source=MTURK_FEES,
    )
    worker_fee: float = assumed(0.0, 0, 0.99, "fee on workers, share of the reward")
    minimum_reward_usd: float = parameter(
        0.01,
        meaning="lowest reward for a task, at least a tick",
        unit="USD",
        low=0.000001,
        high=1000,
        source=MTURK_FEES,
    )
    tick_usd: float = parameter(
        0.01, meaning="rewards are multiples of this", unit="USD", low=0.000001, high=10, source=MTURK_FEES
    )
    reward_promise_usd_per_hour: float = assumed(
        0.0, 0, 200, "hourly pay promised for the stated time; 0 = none", "USD/hour"
    )
    ranking_newest: float = assumed(0.4, 0, 1, "weight of newest-first in the order that workers see")
    ranking_largest: float = assumed(0.3, 0, 1, "weight of largest-first in the order that workers see")
    ranking_best_paid: float = assumed(0.1, 0, 1, "weight of best-paid-first in the order that workers see")
    ranking_random: float = assumed(0.2, 0, 1, "weight of chance in the order that workers see")
    ranking_depth: float = parameter(
        10.0, meaning="mean position looked at in a ranked list", unit="listings", low=1, high=1e6,
        assumed=True, source=CHILTON,
    )  # fmt: skip
    payout_days: int = assumed(7, 1, 366, "days between payouts", "days")
    payout_threshold_usd: float = assumed(1.0, 0, 1000, "balance below which nothing is paid out", "USD")
    cost_per_transaction_usd: float = assumed(
        0.002, 0, 10, "platform's cost of one accepted or rejected task", "USD"
    )
    cost_on_rewards: float = parameter(
        0.03, meaning="platform's further running costs as a share of the rewards paid, whatever its fee",
        low=0, high=1, source=LIVE_ON_FEES, assumed=True,
    )  # fmt: skip
    cost_share: float = assumed(0.35, 0, 1, "social: running costs as a share of advertising")
    user_countries: list[str] = parameter(
        default_factory=list, meaning="social: countries whose people may use it; empty = all", unit="codes"
    )
    user_share: float = assumed(1.0, 0, 1, "social: share of a country's social-media users who use it")
    arpu_us_canada_usd: float = parameter(
        213.95, meaning="social: advertising revenue per user and year, rich North America",
        unit="USD/user/year", low=0, high=10_000, source=META,
    )  # fmt: skip
    arpu_europe_usd: float = parameter(
        68.90, meaning="social: the same, Europe", unit="USD/user/year", low=0, high=10_000, source=META
    )
    arpu_asia_pacific_usd: float = parameter(
        17.29,
        meaning="social: the same, Asia and Oceania",
        unit="USD/user/year",
        low=0,
        high=10_000,
        source=META,
    )
    arpu_elsewhere_usd: float = parameter(
        12.26, meaning="social: the same, all others", unit="USD/user/year", low=0, high=10_000, source=META
    )
    arpu_factor: float = assumed(1.0, 0, 20, "social: factor on all of these")
    arpu_gdp_exponent: float = assumed(
        0.8, 0, 2, "social: power of GDP per head with which that revenue differs within a region"
    )
    user_value_log_sigma: float = assumed(
        1.0, 0, 3, "social: spread of what users of one country bring", "log points"
    )
    cost_per_user_month_usd: float = assumed(0.05, 0, 100, "social: cost of serving a user", "USD/user/month")
    marginal_share: float = parameter(
        0.2, meaning="social: part of the cost in cost_share that goes with a user; the rest is fixed",
        low=0, high=1, source=META_COSTS, assumed=True,
    )  # fmt: skip
    labels_per_user_month: float = assumed(
        2.0, 0, 10_000, "social: unpaid labels a month of a user who comes every day", "labels/user/month"
    )
    user_activity: float = parameter(
        0.66, meaning="social: share of a month's users who come on a day", low=0, high=1, source=META
    )
    charge_sensitivity: float = parameter(
        5.57, meaning="social: fall of the log of users per share of income charged", low=0, high=50,
        source="Boxell and Steinert-Threlkeld 2022: 13 % fewer in Uganda at 2-3 % of income; 4.6-7.0",
    )  # fmt: skip
    use_value_share: float = parameter(
        0.0145, meaning="social: mean value of use to users who are let go, share of a month's GDP per head",
        low=0, high=1, source=VALUES_OF_USE, assumed=True,
    )  # fmt: skip
    user_adjustment: float = assumed(
        0.5, 0, 1, "social: share of the way to where users will be that a month goes"
    )
    drops_users: bool = parameter(
        True, meaning="social: ceases to serve users who bring less than they cost in taxes"
    )
    task_types: list[str] = parameter(
        default_factory=list,
        meaning="task types posted here, and only where they are listed; empty = all that nobody lists",
        unit="task types",
    )
    posting_hours: str = parameter(
        "office",
        meaning="when requesters at home here post: office hours, hours of daily life, or at all hours",
        choices=("office", "daily_life", "always"),
    )
    local_pay_ratio: float = assumed(
        0.0, 0, 3, "median pay of the own pool's requesters over their country's outside wage, in place of "
        "pay_factor; 0 = the same pay everywhere",
    )  # fmt: skip
    customers_per_requester: int = assumed(
        1, 1, 1_000_000, "people for whom a requester stands here in the count of taxable users", "persons"
    )
    devices_per_worker: int = assumed(
        1, 1, 1000, "devices on which a worker of a click farm clicks at once", "devices"
    )
    usd_per_click: float | None = assumed(
        None, 1e-9, 10, "price of a click in a click farm, cut and worker's fee included; null = by the hour",
        "USD",
    )  # fmt: skip
    takedown_share: float = parameter(
        0.0, meaning="share of done work that is taken down and not paid; only in click farms", low=0, high=1,
        source=STRATCOM, assumed=True,
    )  # fmt: skip
    broker_cut: float | None = assumed(
        None, 0, 0.9, "share kept by the brokers of collectives here; null = workers.broker_cut"
    )
    closed: bool = parameter(
        False, meaning="nobody can work or post there until the policy `cooperative` founds it"
    )

    def promised_reward(self, worker_fee: float) -> float:
        """Reward (USD for an hour of stated time) that leaves workers what is promised after their fee."""
        return self.reward_promise_usd_per_hour / (1.0 - worker_fee)

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (field, value, what is allowed) for combinations that contradict each other."""
        for name in unread_by(self):
            families = READ_BY[name]
            by = f"only with family={families[0]}" if len(families) == 1 else NOBODY_WORKS
            yield name, getattr(self, name), f"{by}; this one is {self.family}"
        total = self.ranking_newest + self.ranking_largest + self.ranking_best_paid + self.ranking_random
        if not total > 0:
            yield "ranking_newest", self.ranking_newest, "ranking weights whose sum is above 0"
        if self.usd_per_click is not None and self.local_pay_ratio > 0:
            yield "local_pay_ratio", self.local_pay_ratio, "0 where usd_per_click sets the price"
        for name in ("pool_share", "requester_share"):
            if self.closed and getattr(self, name) > 0:
                yield name, getattr(self, name), "0 for a platform that is closed: nobody comes through it"


NOBODY_WORKS = "only where people work: nobody works or posts on a social platform"
OF_WORK = tuple(family for family in FAMILIES if family != "social")
READ_BY_WORK = (
    "worker_countries", "requester_countries", "pool_share", "requester_share", "pay_factor", "requester_fee",
    "large_batch_fee", "large_batch_from", "worker_fee", "minimum_reward_usd", "tick_usd",
    "reward_promise_usd_per_hour", "ranking_newest", "ranking_largest", "ranking_best_paid", "ranking_random",
    "ranking_depth", "payout_days", "payout_threshold_usd", "cost_per_transaction_usd", "cost_on_rewards",
    "task_types", "posting_hours", "local_pay_ratio", "customers_per_requester", "broker_cut", "closed",
)  # fmt: skip
READ_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(READ_BY_WORK, OF_WORK),
    **dict.fromkeys(("usd_per_click", "devices_per_worker", "takedown_share"), ("click_farm",)),
    **{
        one.name: ("social",)
        for one in fields(Platform)
        if str(one.metadata["meaning"]).startswith("social: ")
    },
}
"""Families that read a setting of a platform; what does not stand here is read by all."""


@functools.cache
def _usual(kind: type) -> Any:
    """Return a section with all defaults, made once: sweeps ask for every point."""
    return kind()


def unread_by(platform: Platform) -> list[str]:
    """Return the settings of a platform that have another value than usual, which its family never reads."""
    usual = _usual(Platform)
    return [
        name
        for name, families in READ_BY.items()
        if platform.family not in families and getattr(platform, name) != getattr(usual, name)
    ]


class Readers(NamedTuple):
    """Which platforms read some settings of a section; without one of them the settings have no effect."""

    section: str
    names: tuple[str, ...]
    reads: Callable[[Platform], bool]
    needed: str


READERS = (
    Readers(
        "requesters",
        ("daily_life_hours", "daily_life_weekdays"),
        lambda one: one.family != "social" and one.posting_hours == "daily_life",
        "a platform with posting_hours=daily_life",
    ),
    Readers(
        "requesters",
        ("always_on_share", "office_start", "office_hours", "night_weight", "weekday_weights"),
        lambda one: one.family != "social" and one.posting_hours == "office",
        "a platform with posting_hours=office",
    ),
    Readers(
        "requesters",
        ("approval_share", "approval_tasks", "approval_rate"),
        lambda one: one.family == "microwork",
        "a platform with family=microwork: nobody else asks for a record",
    ),
    Readers(
        "requesters",
        ("fair_pay_usd_per_hour",),  # fair_share is calibrated, and so set in every market
        lambda one: one.family == "microwork",
        "a platform with family=microwork: elsewhere the going rate is paid",
    ),
    Readers(
        "workers",
        ("tool_half_tasks", "tool_look_ratio"),  # the others are calibrated
        lambda one: one.family == "microwork",
        "a platform with family=microwork: there are no tools for others",
    ),
    Readers(
        "requesters",
        ("strictness_mean", "unfair_rejection_mean"),
        lambda one: one.family in ("microwork", "on_demand"),
        "a platform with family=microwork or on_demand: buyers of clicks review nothing",
    ),
    Readers(
        "requesters",
        ("own_country_share", "north_only_share"),
        lambda one: one.family in ("microwork", "click_farm"),
        "a platform with family=microwork or click_farm: local jobs are done where they are",
    ),
    *(
        Readers(
            f"policy.{tax}",
            ("to_users",),
            lambda one: one.family == "social",
            "a platform with family=social: others cannot charge their users",
        )
        for tax in ("usage_tax", "turnover_tax")
    ),
)
"""Settings outside `platforms` that only some platforms read."""

BEARERS = {"to_users": ("social",), "to_requesters": OF_WORK, "to_workers": OF_WORK}
"""Families of platforms that have the people to whom a share of a tax on platforms can be handed."""

PAID_WORK = ("wage_floor", "cooperative", "commons", "union", "reclassification")
"""Instruments about paid work: a social platform, on which nobody is paid, cannot be named in them."""


@dataclass(frozen=True)
class Market:
    """Search, choice and allocation."""

    looks: int = assumed(12, 1, 63, "most listings examined in one round", "listings")
    max_rounds: int = parameter(24, meaning="guard on rounds in an hour", unit="rounds", low=1, high=200)
    workers_per_board: int = parameter(
        50_000,
        meaning="workers above which a platform's board is split into equal tiles",
        unit="workers",
        low=1,
        high=400_000_000,
    )
    boards: int | None = parameter(
        None, meaning="tiles of each platform's board; null = from workers_per_board", low=1, high=60_000
    )
    noise_sigma: float = assumed(
        0.8, 0, 2, "noise in the perceived pay of a listing for a new worker", "log points"
    )
    noise_experienced_sigma: float = assumed(
        0.5, 0, 2, "the same for a fully experienced worker", "log points"
    )
    noise_half_tasks: float = assumed(
        2000.0, 1, 1e6, "tasks after which half of that fall is reached", "tasks"
    )
    pay_spread: float = assumed(
        0.5, 0.01, 2, "spread of hourly pay between listings that workers reckon with", "log points"
    )
    taste_sigma: float = assumed(0.3, 0, 2, "spread of tastes for task types", "log points")
    exposure_discount: float = assumed(
        0.3, 0, 3, "log points of pay that an hour of full exposure costs", "log points"
    )
    return_ratio: float = assumed(0.6, 0, 1, "true over reservation pay below which a first task is returned")
    pace_sigma: float = assumed(
        0.5, 0, 1.5, "spread of the pace of one batch for one worker, shown by the first task", "log points"
    )
    return_share: float = assumed(0.5, 0, 1, "share of the first task spent before it is returned")
    spell_minutes: float = parameter(
        7.5, meaning="median time that a worker stays with a batch before looking at others", unit="minutes",
        low=0.1, high=1440, assumed=True, source=CROWDTRUTH,
    )  # fmt: skip
    spell_log_sigma: float = parameter(
        1.08, meaning="spread of that time", unit="log points", low=0, high=3, assumed=True, source=CROWDTRUTH
    )
    rejection_prior: float = assumed(0.01, 0, 0.5, "share of rejections that a new worker expects")
    rejection_prior_tasks: float = assumed(50.0, 1, 10000, "weight of that expectation", "tasks")
    life_hours_median: float = assumed(72.0, 1, 2000, "median life of a batch on the board", "hours")
    life_hours_log_sigma: float = assumed(0.9, 0, 2.5, "spread of that life", "log points")
    demand_cap_days: float = assumed(
        14.0, 0.1, 400, "largest batch of a requester, in days of its demand", "days"
    )
    acceptance: str = parameter(
        "satisficing", meaning="rule by which a listing is accepted; plug-ins add names"
    )
    pay_setting: str = parameter(
        "profit_search",
        meaning="rule by which requesters revise pay: profit_search, fill_time, fixed, or a plug-in's name",
    )


@dataclass(frozen=True)
class Learning:
    """What workers learn and whether they stay."""

    reservation_weight: float = assumed(
        0.3, 0, 0.99, "weight of pay per working hour, unpaid time included, in the reservation wage"
    )
    pay_smoothing: float = assumed(0.25, 0, 1, "weight of this week in what is known of pay")
    hours_smoothing: float = assumed(0.2, 0, 1, "weight of this week in what is known of good hours")
    hours_sharpness: int = assumed(2, 0, 8, "power with which better paid hours attract starts")
    outside_shock_sigma: float = assumed(
        1.0, 0, 2, "spread of the slow shock to a worker's outside value", "log points"
    )
    outside_shock_weeks: int = assumed(13, 1, 520, "weeks between two values of that shock", "weeks")
    leave_weeks: int = assumed(6, 1, 200, "weeks in a row below the outside value before leaving", "weeks")
    circumstances_weeks: float = parameter(
        50.0, meaning="mean weeks until a person's circumstances change and the base reservation wage is"
        " drawn anew; 0 = they never change", unit="weeks", low=0, high=5200, assumed=True, source=FLOWS,
    )  # fmt: skip
    pool_ratio: float = parameter(
        8.5, meaning="registered people for each active worker at the start", low=0, high=100,
        source="Kassi, Lehdonvirta and Stephany 2021: 163 million accounts, 19 million of them ever worked",
        assumed=True,
    )  # fmt: skip
    join_rate: float | None = parameter(
        None, meaning="share of the willing in the pool who join in a week; null = as many as changing"
        " circumstances make willing, and the market begins at rest", low=0, high=0.05,
    )  # fmt: skip
    switch_share: float = assumed(0.05, 0, 1, "share of workers who reconsider their platform in a week")
    switch_sensitivity: float = assumed(1.5, 0, 20, "weight of log expected pay in the choice of platform")
    record_weeks: float = assumed(
        13.0,
        1,
        52,
        "mean weeks after a move until the new platform's requesters know a worker's record",
        "weeks",
    )
    switch_inertia: float = assumed(2.0, 0, 20, "log odds in favour of the present platform", "log points")


@dataclass(frozen=True)
class Record:
    """What is written down."""

    workers: str = parameter(
        "auto",
        meaning="keep each worker's history; auto = full up to a million workers",
        choices=("auto", "full", "none"),
    )
    batches: bool = parameter(True, meaning="write a row for each finished batch")
    events: bool = parameter(False, meaning="keep the full event log in memory (small runs)")
    figures: bool = parameter(True, meaning="draw the figures at the end of a run")


@dataclass(frozen=True)
class Compute:
    """How, not what: none of these changes a result."""

    threads: int = parameter(1, meaning="threads", low=1, high=1024)
    debug: bool = parameter(False, meaning="check invariants inside every hour")
    views_up_to: int = parameter(
        500_000,
        meaning="workers up to which every one is kept as a Mesa agent object",
        low=0,
        high=100_000_000,
    )
    progress: bool = parameter(True, meaning="show progress when the output is a terminal")


@dataclass(frozen=True)
class Results:
    """Where results go."""

    dir: str = parameter("results", meaning="folder in which each run makes its own folder", unit="path")


LARGEST_BATCH_MICROUSD = 2**53
"""Most that one batch may cost with its fee, in micro-dollars (about nine billion USD): exact in floats."""

LARGEST_REWARD_MICROUSD = 2**62
"""Most that a reward may come to before it is held against what the work is worth, in micro-dollars."""

FURTHEST_DRAW = 8.3
"""No normal draw lies further out, in standard deviations: draws are multiples of 2**-53."""

LONGEST_TASK_HOURS = 3000.0 / 3600.0


@dataclass(frozen=True)
class Config:
    """All parameters of a run."""

    seed: int = parameter(1, meaning="seed of all draws", low=0, high=2**62)
    time: Time = field(default_factory=Time)
    world: WorldChoice = field(default_factory=WorldChoice)
    workers: Workers = field(default_factory=Workers)
    segments: dict[str, Segment] = field(default_factory=default_segments)
    requesters: Requesters = field(default_factory=Requesters)
    task_types: dict[str, TaskType] = field(default_factory=default_task_types)
    platforms: dict[str, Platform] = field(default_factory=lambda: {"microwork": Platform()})
    market: Market = field(default_factory=Market)
    learning: Learning = field(default_factory=Learning)
    policy: Policies = field(default_factory=Policies)
    record: Record = field(default_factory=Record)
    compute: Compute = field(default_factory=Compute)
    results: Results = field(default_factory=Results)
    ai: Intelligence | None = field(default=None)

    def __post_init__(self) -> None:
        """Put named entries in the order of their names, so that the order of a file changes nothing."""
        for name in ("segments", "task_types", "platforms"):
            entries = getattr(self, name)
            if isinstance(entries, dict):
                object.__setattr__(self, name, {key: entries[key] for key in sorted(entries, key=str)})

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (path, value, what is allowed) for combinations that contradict each other."""
        if len(self.requesters.weekday_weights) != 7:
            yield "requesters.weekday_weights", self.requesters.weekday_weights, "seven numbers, Monday first"
        if self.requesters.pay_step_smallest > self.requesters.pay_step:
            yield (
                "requesters.pay_step_smallest",
                self.requesters.pay_step_smallest,
                (f"at most pay_step ({self.requesters.pay_step})"),
            )
        if not self.platforms:
            yield "platforms", "{}", "at least one platform"
        elif all(platform.family == "social" for platform in self.platforms.values()):
            yield "platforms", list(self.platforms), "at least one that is not social: a market of work"
        if len(self.platforms) > 15:
            yield "platforms", len(self.platforms), "at most 15 platforms"
        if not 1 <= len(self.segments) <= 16:
            yield "segments", len(self.segments), "1 to 16 segments"
        if not 1 <= len(self.task_types) <= 31:
            yield "task_types", len(self.task_types), "1 to 31 task types"
        for name in ("share_north", "share_south"):
            if self.segments and not sum(getattr(s, name) for s in self.segments.values()) > 0:
                yield "segments", 0.0, f"{name} above 0 for at least one segment"
        if self.task_types and not sum(t.share for t in self.task_types.values()) > 0:
            yield "task_types", 0.0, "a share above 0 for at least one task type"
        for name in ("pool_share", "requester_share"):
            total = sum(getattr(p, name) for p in self.platforms.values())
            if total > 1:
                yield "platforms", total, f"{name} that add up to at most 1"
        if self.learning.join_rate is None and self.learning.circumstances_weeks <= 0.0:
            yield (
                "learning.join_rate",
                None,
                "a number where learning.circumstances_weeks=0: nobody else would ever come",
            )
        yield from self._unknown_task_types()
        yield from self._unlikely_hours()
        yield from self._too_many_tiles()
        yield from self._unread()
        yield from self._borne_by_nobody()
        yield from self._unpaid_work()
        yield from self._too_dear_rewards()
        dearest = self.dearest_batch_usd()
        if dearest * 1e6 > LARGEST_BATCH_MICROUSD and self.ai is not None:
            factor = self.ai.highest_value_factor
            most = factor * LARGEST_BATCH_MICROUSD / 1e6 / dearest
            if 1.0 <= most < factor:
                allowed = (
                    f"at most {most:.6g}, so that the work of an hour cannot cost more than can be counted"
                )
                yield "ai.most_labels_per_hour", self.ai.most_labels_per_hour, allowed
        if dearest * 1e6 > LARGEST_BATCH_MICROUSD:
            value = self.requesters.value_usd_per_hour
            most = value * (LARGEST_BATCH_MICROUSD / 1e6 / dearest)
            yield (
                "requesters.value_usd_per_hour",
                value,
                (
                    f"at most {most:.6g} USD/hour with these task types, so that no batch can cost more than "
                    f"{LARGEST_BATCH_MICROUSD // 10**6:,} USD"
                ),
            )

    def _unread(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem for a setting of a section or a task type that no platform of this run reads."""
        for readers in READERS:
            section: Any = self
            for part in readers.section.split("."):
                section = getattr(section, part, None)
            if section is None or any(readers.reads(platform) for platform in self.platforms.values()):
                continue
            section_type: Any = type(section)
            usual = _usual(section_type)
            for name in readers.names:
                if getattr(section, name) != getattr(usual, name):
                    yield f"{readers.section}.{name}", getattr(section, name), f"only with {readers.needed}"
        farms = [name for name, platform in self.platforms.items() if platform.family == "click_farm"]
        clicked = {kind for farm in farms for kind in self.types_of(farm)}
        for kind, task in self.task_types.items():
            if task.actions_per_task != _usual(TaskType).actions_per_task and kind not in clicked:
                allowed = "only for a type posted on a platform with family=click_farm"
                yield f"task_types.{kind}.actions_per_task", task.actions_per_task, allowed

    def covered_by(self, instrument: Instrument) -> list[str]:
        """Return the names of the platforms that an instrument covers, by platform and by family."""
        families = getattr(instrument, "families", None)
        return [
            name
            for name, platform in self.platforms.items()
            if instrument.covers(name) and (families is None or platform.family in families)
        ]

    def _borne_by_nobody(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem for a share of a tax that is handed to people whom no platform that owes it has."""
        for tax, chosen in self.policy.chosen().items():
            covered = {self.platforms[name].family for name in self.covered_by(chosen)}
            if not isinstance(chosen, Levy) or not covered:
                continue
            for name, bearers in BEARERS.items():
                if getattr(chosen, name) > 0 and not covered & set(bearers):
                    owed = f"this tax is owed on family={' and '.join(sorted(covered))} alone"
                    allowed = f"0, or a platform with family={' or '.join(bearers)} that owes it: {owed}"
                    yield f"policy.{tax}.{name}", getattr(chosen, name), allowed

    def _unpaid_work(self) -> Iterator[tuple[Any, ...]]:
        """Yield a problem if an instrument about paid work names a platform without any."""
        for instrument, chosen in self.policy.chosen().items():
            paid = self.platforms_of(instrument)
            named = getattr(chosen, "platforms", None) or ()
            for name in named:
                if name in self.platforms and name not in paid:
                    allowed = f"platforms with paid work ({', '.join(paid)}): nobody is paid on {name}"
                    where = f"policy.{instrument}.platforms"
                    rest = [one for one in named if one in paid] or paid[:1]
                    yield where, name, allowed, *([f"{where}=[{','.join(rest)}]"] if rest else [])

    def platforms_of(self, instrument: str) -> tuple[str, ...]:
        """Names of the platforms that an instrument can cover: about paid work, those that have any."""
        chosen = self.policy.chosen()[instrument]
        to_workers = getattr(chosen, "recipients", "") in ("workers", "job_seekers")
        if to_workers or instrument in PAID_WORK or isinstance(chosen, Measure):
            return tuple(name for name, platform in self.platforms.items() if platform.family != "social")
        return tuple(self.platforms)

    def _too_dear_rewards(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem if a stated time far above the true one could make a reward overflow."""
        requesters = self.requesters
        bias = requesters.estimate_bias_median * math.exp(-FURTHEST_DRAW * requesters.estimate_bias_log_sigma)
        promised = [p.reward_promise_usd_per_hour for p in self.platforms.values()]
        factors = [task.pay_factor for task in self.task_types.values()]
        highest = max((self._highest_value_usd(name) for name in self.platforms), default=0.0)
        hourly = max([highest * max(factors, default=0.0) * 1.5, *promised])
        excess = hourly * LONGEST_TASK_HOURS / bias * 1e6 / LARGEST_REWARD_MICROUSD
        if excess > 1:
            least = requesters.estimate_bias_median * excess
            allowed = (
                f"at least {least:.6g} with this spread and this value of work, so that rewards stay exact"
            )
            yield "requesters.estimate_bias_median", requesters.estimate_bias_median, allowed

    def _highest_value_usd(self, name: str) -> float:
        """Highest value of an hour of work to a requester on a platform, before the type's factor (USD)."""
        requesters = self.requesters
        highest = requesters.value_usd_per_hour * math.exp(FURTHEST_DRAW * requesters.value_log_sigma)
        highest *= self.ai.highest_value_factor if self.ai else 1.0
        return highest * max(1.0, self.pay_level(name, DEAREST_OUTSIDE_WAGE_USD))

    def pay_level(self, name: str, outside_wage: float) -> float:
        """Pay and value of requesters at home on a platform, over `requesters.pay_usd_per_hour`.

        ``outside_wage`` (USD an hour) is that of the requester's country.
        """
        platform = self.platforms[name]
        if not platform.requester_share > 0:
            return 1.0
        if platform.usd_per_click is not None:
            return self.hourly_price(name) / self.requesters.pay_usd_per_hour
        if platform.local_pay_ratio > 0:
            return platform.local_pay_ratio * outside_wage / self.requesters.pay_usd_per_hour
        return platform.pay_factor

    def hourly_price(self, name: str) -> float:
        """What the price of a click brings in an hour of tasks of median length, mean over types (USD)."""
        platform = self.platforms[name]
        total = weight = 0.0
        for kind in self.types_of(name):
            task = self.task_types[kind]
            clicks = task.actions_per_task * platform.devices_per_worker
            total += task.share * (platform.usd_per_click or 0.0) * clicks * 3600.0 / task.median_seconds
            weight += task.share
        return total / weight

    def types_of(self, name: str) -> tuple[str, ...]:
        """Names of the task types that are posted on a platform: those it lists, or all that none lists."""
        listed = self.platforms[name].task_types
        reserved = {kind for platform in self.platforms.values() for kind in platform.task_types}
        return tuple(kind for kind in self.task_types if (kind in listed if listed else kind not in reserved))

    def _unknown_task_types(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem for a platform that lists an unknown type, or that is left without work."""
        for name, platform in self.platforms.items():
            for kind in platform.task_types:
                if kind not in self.task_types:
                    yield (
                        f"platforms.{name}.task_types",
                        kind,
                        f"names of task types: {', '.join(self.task_types)}",
                    )
            if self.task_types and not sum(self.task_types[kind].share for kind in self.types_of(name)) > 0:
                allowed = "a list of types with a share above 0, or other platforms that leave it some"
                yield f"platforms.{name}.task_types", platform.task_types, allowed

    def _unlikely_hours(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem for weights of hours or weekdays of daily life that are too few, many or small."""
        if len(self.workers.awake_share) != 24:
            yield "workers.awake_share", self.workers.awake_share, "24 numbers from midnight"
        hours, weekdays = self.requesters.daily_life_hours, self.requesters.daily_life_weekdays
        if len(hours) != 24 or not sum(hours) > 0:
            yield "requesters.daily_life_hours", hours, "24 numbers from midnight, one of them above 0"
        if len(weekdays) != 7:
            yield "requesters.daily_life_weekdays", weekdays, "seven numbers, Monday first"

    def _too_many_tiles(self) -> Iterator[tuple[str, Any, str]]:
        """Yield a problem if the platforms' boards could have more tiles than a worker's record can name."""
        boards, each, platforms = self.market.boards, self.market.workers_per_board, len(self.platforms)
        local = sum(platform.family == "on_demand" for platform in self.platforms.values())
        most = platforms + local * (MOST_COUNTRIES - 1)
        if boards is not None and boards * most > MOST_TILES:
            allowed = f"at most {MOST_TILES // most} with {platforms} platforms"
            yield "market.boards", boards, f"{allowed}, {MOST_TILES:,} tiles in all"
        # Each platform, or country of one where work is local, has at most one tile that is not full. There
        # all countries have as many tiles as the largest.
        full = (MOST_TILES - most) / (MOST_COUNTRIES if local else 1)
        least = -int(-self.workers.count // max(1, full))
        if boards is None and each < least:
            allowed = f"at least {least} with {self.workers.count:,} workers"
            yield "market.workers_per_board", each, f"{allowed}: {MOST_TILES:,} tiles in all"

    def dearest_batch_usd(self) -> float:
        """Most that a batch could cost with its fee: nobody pays more than work is worth to them (USD)."""
        tasks = {
            name: task.pay_factor
            * max(3, task.largest_batch)
            * (1 if task.one_task_many_workers else task.assignments_per_task)
            for name, task in self.task_types.items()
        }
        return max(
            (
                self._highest_value_usd(name)
                * LONGEST_TASK_HOURS
                * max((tasks[kind] for kind in self.types_of(name)), default=0.0)
                for name in self.platforms
            ),
            default=0.0,
        )
