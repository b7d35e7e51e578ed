"""What a market of click work was observed to do: the sixteen public targets, and further patterns.

A target is met when the median over seeds of each of its parts lies in its band. One whose statistic is an
input of this model in another dress is judged like all others and does not count. No number of this file is
read by the model; assumptions that the command takes by default were fitted to some of them (`FITTED`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MT, GL = "MT", "GL"
WORLDS = {MT: "mturk_2015", GL: "global"}
"""Configurations: like Amazon Mechanical Turk about 2015; the world market."""

FITTED = ("BP02", "BP03", "BP04", "BP06", "BP07", "BP09", "BP12", "BP15")
"""Targets that `calibration=fitted` was fitted to (`experiments/calibrate.yaml`): a hit is no test."""

HARA = "Hara et al. 2018, CHI (arXiv:1712.05796): 2,676 workers of MTurk, 2014-17"
ILO = "Berg, Furrer, Harmon, Rani and Silberman 2018, ILO, Digital labour platforms and the future of work"
DIFALLAH = "Difallah, Filatova and Ipeirotis 2018, WSDM"
CROWDTRUTH = "CrowdTruth raw logs of CrowdFlower 2014-18, 215,761 judgements, computed"
DUBE = "Dube, Jacobs, Naidu and Suri 2020, AER: Insights"
MTURK_PAGE = "one MTurk search page, 100 HIT groups, 2017-09-13"


@dataclass(frozen=True)
class Part:
    """A number that is compared: its key among a run's statistics, what was observed, and the band."""

    key: str
    label: str
    unit: str
    observed: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in the band; its ends belong to it."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Target:
    """A public target.

    Attributes
    ----------
    name, title, statistic
        `BP01` and so on; a few words; how it is computed.
    configuration
        `MT` or `GL`.
    parts
        The numbers that must lie in their bands, all of them.
    source, confidence
        Where the observation is from, and how sure it is.
    input
        Why it may be an input of this model; empty if it emerges.
    freed_by
        Scenario in which that input is taken away: if the target is met there too, it counts.
    mechanisms
        Scenarios in which what should produce it is switched off.
    scenario
        Scenario that it is read from, if that is not the configuration's own.
    """

    name: str
    title: str
    statistic: str
    configuration: str
    parts: tuple[Part, ...]
    source: str
    confidence: str
    mechanisms: tuple[str, ...] = ()
    input: str = ""
    freed_by: str = ""
    scenario: str = ""

    @property
    def played(self) -> str:
        """Name of the scenario that it is read from."""
        return self.scenario or self.configuration.lower()


TARGETS: tuple[Target, ...] = (
    Target(
        "BP01",
        "hourly earnings, all time counted",
        "net pay over search, accepted, returned and rejected time of each worker; median over workers with"
        " at least ten tasks",
        MT,
        (Part("pay_all_in_median", "median", "USD/h", 1.77, 1.2, 2.7),),
        HARA,
        "high; 1.77 to 2.54 by the method of timing",
        ("fixed_pay",),
    ),
    Target(
        "BP02",
        "inequality of hourly earnings",
        "mean over median of BP01",
        MT,
        (Part("pay_all_in_mean_over_median", "mean / median", "ratio", 1.77, 1.4, 2.1),),
        HARA,
        "high",
        ("equal_speed", "no_tools", "no_fair_pay", "no_spells"),
    ),
    Target(
        "BP03",
        "workers above 7.25 USD an hour",
        "share of the workers of BP01 whose pay is above 7.25 USD an hour",
        MT,
        (Part("share_above_7_25", "share", "share", 0.04, 0.02, 0.08),),
        HARA,
        "high",
        ("equal_speed", "no_tools", "no_fair_pay"),
    ),
    Target(
        "BP04",
        "unpaid share of working time",
        "search, returned and rejected over all working time, all workers pooled",
        GL,
        (Part("unpaid_share", "share", "share", 0.25, 0.20, 0.45),),
        ILO + ", 75 countries; Hara et al. 2018 imply 0.44",
        "high",
        ("quick_looks", "no_spells_gl"),
        input="the seconds of a look are assumed (workers.look_seconds_median)",
    ),
    Target(
        "BP05",
        "hourly earnings by region",
        "mean over workers with at least ten tasks of all-in hourly pay, ratios of regions",
        GL,
        (
            Part(
                "pay_north_america_over_asia_pacific", "N. America / Asia-Pacific", "ratio", 2.12, 1.48, 2.75
            ),
            Part("pay_north_america_over_africa", "N. America / Africa", "ratio", 3.53, 2.47, 4.59),
            Part("pay_asia_pacific_over_africa", "Asia-Pacific / Africa", "ratio", 1.67, 1.17, 2.17),
        ),
        ILO + " (4.70, 2.22 and 1.33 USD an hour)",
        "medium, one page; bands are 30 per cent either way",
        ("no_borders",),
        input="reservation wages follow the outside wage, and some requesters admit some countries only",
        freed_by="no_borders",
    ),
    Target(
        "BP06",
        "supply of labour to one requester",
        "d ln(uptake) / d ln(realised reward) of a requester's batches of at least ten ticks, rewards"
        " randomised by 20 per cent either way",
        MT,
        (Part("supply_elasticity_ten_ticks", "elasticity", "elasticity", 0.1, 0.03, 0.25),),
        DUBE + ", five experiments and scraped HIT groups",
        "high",
        ("patient", "no_noise", "no_tools_arms", "no_spells_arms", "no_budgets_arms"),
        scenario="arms",
    ),
    Target(
        "BP07",
        "India's share of active workers by hour",
        "India's share of those on duty at 08-10 and 20-22 UTC, as an odds ratio to its own share of the day"
        " (0.50 and 0.05 where that is 0.20)",
        MT,
        (
            Part("india_odds_08_10", "odds ratio 08-10 UTC", "odds ratio", 4.0, 2.154, 6.0),
            Part("india_odds_20_22", "odds ratio 20-22 UTC", "odds ratio", 0.2105, 0.0816, 0.4444),
        ),
        "Ipeirotis, blog, April 2015: survey of MTurk, one HIT each 15 minutes",
        "medium to high",
        ("flat_posting", "no_daily_life"),
    ),
    Target(
        "BP08",
        "concentration of a campaign",
        "share of a requester's judgements done by the top tenth of its workers; median over campaigns of two"
        " batches and 300 judgements",
        MT,
        (Part("campaign_top_decile_share", "share", "share", 0.62, 0.50, 0.70),),
        CROWDTRUTH,
        "high; campaigns with a cap give 0.36 to 0.48",
        ("equal_hours", "no_tools", "no_spells"),
        input="desired hours are drawn with a wide spread",
        freed_by="equal_hours",
    ),
    Target(
        "BP09",
        "tail of a batch's completion",
        "time to 90 over time to 50 per cent of a batch of 300 to 3,000 judgements, from its first start;"
        " median",
        MT,
        (Part("batch_t90_over_t50", "t90 / t50", "ratio", 2.47, 2.0, 3.2),),
        CROWDTRUTH + ", 238 batches",
        "high",
        ("random_order", "no_spells"),
    ),
    Target(
        "BP10",
        "tail of the lives of HIT groups",
        "exponent of a power-law density of the hours on the board, 1 to 120 hours, all batches",
        MT,
        (Part("batch_lifetime_exponent", "exponent", "exponent", 1.48, 1.3, 2.0),),
        "Ipeirotis 2009, blog; 2010, XRDS: MTurk tracker",
        "medium; below 2 is sure, 1.48 is from memory",
        input="sizes and lives of batches are drawn from heavy tails",
    ),
    Target(
        "BP11",
        "active at a time, of all of a year",
        "mean number on duty in an hour over workers active in the year",
        MT,
        (Part("concurrently_active_share", "share", "share", 0.025, 0.01, 0.05),),
        DIFALLAH + "; Ipeirotis, blog, 2018: 2,000-5,000 of 100,000-200,000",
        "medium to high",
        ("no_shocks", "equal_hours"),
    ),
    Target(
        "BP12",
        "quietest over busiest hour",
        "workers on duty in the quietest over the busiest hour of the mean UTC day",
        MT,
        (Part("concurrently_active_min_over_max", "min / max", "ratio", 0.4, 0.25, 0.6),),
        DIFALLAH + ", read as the day's range",
        "low",
        ("flat_posting", "no_daily_life"),
    ),
    Target(
        "BP13",
        "half-life of a worker on the platform",
        "ln 2 over the rate at which workers seen in one period of 30 days are not seen again later"
        " (capture-recapture), over three years",
        MT,
        (Part("half_life_recapture", "half-life", "days", 450.0, 365.0, 550.0),),
        DIFALLAH,
        "high; the population must be stationary",
        ("no_shocks", "same_circumstances"),
    ),
    Target(
        "BP14",
        "registered, ever paid, sustained",
        "people ever paid, and those with ten jobs or 1,000 USD, over all registered",
        GL,
        (
            Part("ever_paid_share", "ever paid", "share", 0.117, 0.08, 0.20),
            Part("sustained_share", "sustained", "share", 0.031, 0.02, 0.06),
        ),
        "Kassi, Lehdonvirta and Stephany 2021: 163, 19 and 5 million",
        "medium to high",
        input="the pool of the registered is a parameter (learning.pool_ratio)",
    ),
    Target(
        "BP15",
        "workers who want more hours",
        "share of workers on duty at least once whose desired weekly hours exceed those worked",
        GL,
        (Part("share_wanting_more_hours", "share", "share", 0.88, 0.75, 0.95),),
        ILO,
        "medium",
        ("double_demand",),
        input="desired hours and the ratio of demand to them are assumed (requesters.demand_share), and sleep"
        " keeps some workers from the hours that they want",
    ),
    Target(
        "BP16",
        "posts after a shock of intelligence",
        "change of microwork posts, and of writing, less that of all posts, with machines that help against"
        " none, on the same seeds; signs only",
        GL,
        (
            Part("ai_microwork_less_all", "microwork less all", "points", 0.197, 0.0, math.inf),
            Part("ai_writing_less_all", "writing less all", "points", -0.292, -math.inf, -1e-12),
        ),
        "Online Labour Index: 2019-22 against 2023-24",
        "low to medium, a break in the series; signs only",
        input="what machines do is a scenario (ai=saturating), and writing is labels like others in it",
        scenario="paired",
    ),
)


@dataclass(frozen=True)
class Pattern:
    """A regularity beyond the targets: a sign, and a size where one was observed.

    ``null`` is the value without the effect; ``sign`` says on which side of it the pattern lies; ``low`` and
    ``high`` bound sizes like those observed, and are None where only the sign is known.
    """

    name: str
    title: str
    statistic: str
    key: str
    unit: str
    sign: int
    null: float
    low: float | None
    high: float | None
    source: str
    input: str = ""
    scenario: str = "mt"

    def has_sign(self, value: float) -> bool:
        """Tell whether a value lies on the pattern's side of the null."""
        return (value - self.null) * self.sign > 0

    def has_size(self, value: float) -> bool:
        """Tell whether a value is of a size like those observed."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "P01",
        "activity has a heavy tail",
        "coefficient of variation of tasks done, over workers with one; 1 for an exponential distribution",
        "tasks_variation",
        "ratio",
        1,
        1.0,
        2.0,
        6.0,
        HARA + ": mean 1,302 tasks, standard deviation 4,723",
    ),
    Pattern(
        "P02",
        "... like a lognormal's",
        "mean log likelihood of a lognormal less that of an exponential distribution, tasks done by worker",
        "lognormal_gain",
        "nats/worker",
        1,
        0.0,
        None,
        None,
        HARA + "; lognormal is the reading here",
    ),
    Pattern(
        "P03",
        "large batches pay less",
        "median reward over tasks, over the median over batches",
        "reward_by_task_over_by_batch",
        "ratio",
        -1,
        1.0,
        0.2,
        0.8,
        MTURK_PAGE + ": 0.07 over 0.20 USD",
    ),
    Pattern(
        "P04",
        "better paid work is done sooner",
        "log hours until half of a batch is done, low less high pay arm, within requester and week",
        "slower_when_paid_less",
        "log points",
        1,
        0.0,
        None,
        None,
        "Faradani, Hartmann and Ipeirotis 2011, HCOMP; Mason and Watts 2009, HCOMP (more work, not better)",
        scenario="arms",
    ),
    Pattern(
        "P05",
        "less work at weekends",
        "tasks done on a day of the weekend over those on a weekday",
        "weekend_ratio",
        "ratio",
        -1,
        1.0,
        0.45,
        0.85,
        CROWDTRUTH + ": 19, 19, 16, 13, 13, 9 and 11 per cent from Monday",
        input="requesters post less at weekends by assumption (requesters.weekday_weights): on a day of it"
        " 0.51 of a weekday, where judgements in the same logs are 0.63",
    ),
    Pattern(
        "P06",
        "new workers learn",
        "median all-in pay of who was there before the window over who joined in its second half, where"
        " no requester asks for a record",
        "learning_premium",
        "ratio",
        1,
        1.0,
        None,
        None,
        "Kummerfeld 2021 (arXiv:2105.12762): the first months pay less",
        input="speed and tools come with tasks done (workers.speed_gain, workers.tool_share), and who is paid"
        " badly leaves before",
        scenario="paired",
    ),
    Pattern(
        "P07",
        "a record opens better work",
        "log of that premium with requesters that ask for a record, less without",
        "barrier_premium",
        "log points",
        1,
        0.0,
        None,
        None,
        HARA + " and Kummerfeld 2021: 4.14 USD/h with a record, 2.25 months to earn it",
        scenario="paired",
    ),
    Pattern(
        "P08",
        "a dearer platform has less work",
        "d ln(hours paid) / d ln(1 + fee), the fee raised from 0.20 to 0.40",
        "volume_by_fee",
        "elasticity",
        -1,
        0.0,
        None,
        None,
        "law of demand: Kotlikoff and Summers 1987, Handbook of Public Economics",
        input="requesters' demand has an elasticity that is assumed",
        scenario="paired",
    ),
    Pattern(
        "P09",
        "requesters pay below what work is worth",
        "1 less pay target and fee over the value of an hour, median over requesters",
        "mark_down",
        "share",
        1,
        0.0,
        0.8,
        0.97,
        DUBE
        + ": elasticities of 0.03 to 0.25; mark-downs are 1 / (1 + e), Manning 2003, Monopsony in Motion",
        input="the value of an hour is assumed (requesters.value_usd_per_hour)",
    ),
    Pattern(
        "P10",
        "workers leave sooner when demand falls",
        "half-life in the year after half of the requesters stop, over that without",
        "half_life_after_cut",
        "ratio",
        -1,
        1.0,
        None,
        None,
        "Chen and Horton 2016, Information Systems Research: quits after a cut of pay",
        scenario="paired",
    ),
    Pattern(
        "P11",
        "American workers earn more than Indian ones",
        "median all-in pay in the USA over that in India",
        "pay_usa_over_india",
        "ratio",
        1,
        1.0,
        1.1,
        2.0,
        "Ross et al. 2010, CHI EA: 2.30 and 1.58 USD/h in 2009",
    ),
    Pattern(
        "P12",
        "unpaid time cuts pay by a quarter to a half",
        "median pay per paid hour over median all-in pay",
        "paid_hour_over_all_in",
        "ratio",
        1,
        1.0,
        1.25,
        2.0,
        HARA + ": 3.18 over 1.77 USD/h",
        input="the seconds of a look are assumed",
    ),
    Pattern(
        "P13",
        "work is given back unpaid",
        "tasks returned over tasks begun",
        "returned_share",
        "share",
        1,
        0.0,
        0.10,
        0.16,
        HARA + ": 13 per cent",
        input="the bound below which a task is returned is assumed (market.return_ratio)",
    ),
)
