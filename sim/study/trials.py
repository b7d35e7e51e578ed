"""What a validation plays: the two configurations, and each mechanism switched off, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sim.composition import compose, holds_settings
from sim.config import Config
from sim.errors import one_of
from sim.overrides import FILE_KEY
from sim.plain_yaml import read_yaml
from sim.study.scenarios import with_seeds
from sim.study.sweep import sober
from sim.study.targets import GL, MT, WORLDS

LARGEST, HALF = "largest", "half"
LONG = 3
"""Windows of one length that the half-life of workers is watched over."""

WARMUP_DAYS = 180
WORKERS = {MT: 2_000, GL: 5_000}
"""Workers where nothing is said; the world needs more, so that regions with few of them have 200."""

FIRST_SEED = 101
"""Seed where nothing is said: assumptions were fitted on the first few, so a test takes others."""

PARTS_OF_WINDOW = {MT: 1, GL: 3}
"""`time.days` over the days of the window: only targets of MTurk are about a year."""

ARMS = ("requesters.pay_arm_spread=0.2",)
NO_SPELLS = ("market.spell_minutes=60", "market.spell_log_sigma=0")
NO_RECORDS = ("requesters.approval_share=0",)


@dataclass(frozen=True)
class Trial:
    """A configuration with some settings changed.

    Attributes
    ----------
    name, configuration, what
        By which it is known; `MT` or `GL`; what is changed, in words.
    words
        Settings over the configuration's; `segments.*.` stands for every segment.
    retires
        Requesters that stop posting: the largest from the start, or every second one when the window begins.
    long
        Whether workers are watched for three windows.
    all_seeds
        Whether it is played with every seed, or with as many as mechanisms are.
    """

    name: str
    configuration: str
    what: str
    words: tuple[str, ...] = ()
    retires: str = ""
    long: bool = False
    all_seeds: bool = False


TRIALS: tuple[Trial, ...] = (
    Trial("mt", MT, "as configured", long=True, all_seeds=True),
    Trial("gl", GL, "as configured", all_seeds=True),
    Trial("arms", MT, "arms of pay 20 per cent either way", ARMS, all_seeds=True),
    Trial("mt_without_largest", MT, "without the largest requester", (), LARGEST, True, True),
    Trial("gl_without_largest", GL, "without the largest requester", (), LARGEST, False, True),
    Trial("arms_without_largest", MT, "without the largest requester", ARMS, LARGEST, False, True),
    Trial("ai", GL, "machines help to make labels", ("ai=saturating",)),
    Trial("no_tools", MT, "nobody has tools", ("workers.tool_share=0",)),
    Trial("no_fair_pay", MT, "no requester pays what is held to be fair", ("requesters.fair_share=0",)),
    Trial("no_tools_arms", MT, "nobody has tools", (*ARMS, "workers.tool_share=0")),
    Trial("no_spells", MT, "workers stay with a batch while they have time", NO_SPELLS),
    Trial("no_spells_gl", GL, "workers stay with a batch while they have time", NO_SPELLS),
    Trial("no_spells_arms", MT, "workers stay with a batch while they have time", (*ARMS, *NO_SPELLS)),
    Trial(
        "no_budgets_arms",
        MT,
        "batches of long tasks are as large as others",
        (*ARMS, "requesters.size_seconds_elasticity=0"),
    ),
    Trial("fixed_pay", MT, "requesters never revise pay", ("market.pay_setting=fixed",)),
    Trial(
        "equal_speed",
        MT,
        "all workers equally fast",
        ("workers.speed_log_sigma=0", "workers.speed_gain=0", "market.pace_sigma=0"),
    ),
    Trial(
        "patient",
        MT,
        "workers look on for long",
        (*ARMS, "workers.patience_low=50", "workers.patience_high=60", "workers.patience_hours=16"),
    ),
    Trial(
        "no_noise",
        MT,
        "listings are read without error",
        (*ARMS, "market.noise_sigma=0", "market.noise_experienced_sigma=0"),
    ),
    Trial(
        "flat_posting",
        MT,
        "work is posted at all hours alike",
        ("requesters.always_on_share=1", "requesters.weekday_weights=[1,1,1,1,1,1,1]"),
    ),
    Trial(
        "no_daily_life",
        MT,
        "workers are free at all hours",
        ("segments.*.window_hours=24", "segments.*.flexibility=0"),
    ),
    Trial(
        "equal_hours",
        MT,
        "all want eight hours a week",
        ("segments.*.desired_hours_median=8", "segments.*.desired_hours_log_sigma=0"),
    ),
    Trial(
        "random_order",
        MT,
        "listings are shown in random order",
        (
            "platforms.microwork.ranking_newest=0",
            "platforms.microwork.ranking_largest=0",
            "platforms.microwork.ranking_best_paid=0",
            "platforms.microwork.ranking_random=1",
        ),
    ),
    Trial(
        "no_shocks",
        MT,
        "what workers could do elsewhere never changes",
        ("learning.outside_shock_sigma=0",),
        long=True,
    ),
    Trial(
        "same_circumstances",
        MT,
        "circumstances of workers never change for good",
        ("learning.circumstances_weeks=0", "learning.join_rate=0.0012"),
        long=True,
    ),
    Trial("quick_looks", GL, "a look takes 30 seconds (median)", ("workers.look_seconds_median=30",)),
    Trial(
        "no_borders",
        GL,
        "nobody is shut out, and only need holds reservation wages up",
        (
            "requesters.own_country_share=0",
            "requesters.north_only_share=0",
            "segments.*.reservation_ratio=0.001",
        ),
    ),
    Trial(
        "double_demand",
        GL,
        "work is wanted for 1.2 times the hours that workers want",
        ("requesters.demand_share=1.2",),
    ),
    Trial("no_records", MT, "no requester asks for a record", NO_RECORDS),
    Trial("dear_platform", MT, "a fee of 0.40", ("platforms.microwork.requester_fee=0.4",)),
    Trial("demand_cut", MT, "every second requester stops", (), HALF),
)
BY_NAME = {trial.name: trial for trial in TRIALS}


@dataclass(frozen=True)
class Plan:
    """What is played: each trial's configurations, one for each of its seeds, and the days of its window."""

    configs: dict[str, list[Config]]
    days: dict[str, int]

    def runs(self) -> list[tuple[str, int]]:
        """Return (trial, number of its seed) of every run, seed by seed."""
        most = max(map(len, self.configs.values()))
        return [(name, n) for n in range(most) for name, own in self.configs.items() if n < len(own)]


def make_plan(settings: Sequence[str], seeds: int, trial_seeds: int) -> Plan:
    """Compose every trial with the user's settings.

    A `world=` among the settings chooses one of the two configurations.
    """
    chosen, rest = _worlds(settings)
    said = _said_by_files(rest)
    configs: dict[str, list[Config]] = {}
    windows: dict[str, int] = {}
    for trial in TRIALS:
        if trial.configuration not in chosen:
            continue
        sizes = {
            "time.warmup_days": WARMUP_DAYS,
            "workers.count": WORKERS[trial.configuration],
            "seed": FIRST_SEED,
        }
        usual = (
            f"world={WORLDS[trial.configuration]}",
            *(f"{path}={value}" for path, value in sizes.items() if path not in said),
        )
        base = compose([*usual, *rest])
        days = windows[trial.name] = max(1, base.time.days // PARTS_OF_WINDOW[trial.configuration])
        watched = f"time.days={days * (LONG if trial.long else 1)}"
        words = [*usual, *rest, *_spelled(trial.words, base), watched]
        config = compose(words)
        config = replace(sober(config), record=replace(config.record, workers="full", figures=False))
        configs[trial.name] = with_seeds(config, seeds if trial.all_seeds else min(seeds, trial_seeds))
    return Plan(configs, windows)


def _worlds(settings: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the configurations asked for, and the settings without that."""
    asked = [word.partition("=")[2] for word in settings if word.startswith("world=")]
    rest = [word for word in settings if not word.startswith("world=")]
    if not asked:
        return list(WORLDS), rest
    for world in asked:
        told = "is no configuration that targets are stated for."
        one_of("world", world, WORLDS.values(), told, "; both if nothing is said")
    return [name for name, world in WORLDS.items() if world in asked], rest


def _said_by_files(words: Sequence[str]) -> set[str]:
    """Return the paths, section and setting, that files among the words give a value to."""
    said: set[str] = set()
    for word in words:
        key, _, name = word.partition("=")
        values = read_yaml(name, holds_settings).values if key == FILE_KEY and name else None
        for section, own in values.items() if isinstance(values, dict) else ():
            said |= {f"{section}.{setting}" for setting in own} if isinstance(own, dict) else set()
    return said


def _spelled(words: Sequence[str], config: Config) -> list[str]:
    """Return settings with those of all segments spelled out for each."""
    spelled: list[str] = []
    for word in words:
        section, star, setting = word.partition(".*.")
        names = getattr(config, section) if star else ()
        spelled += [f"{section}.{name}.{setting}" for name in names] if star else [word]
    return spelled
