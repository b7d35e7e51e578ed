"""The command `clickmarket validate`: the market against what was observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import UserError, one_of

OPTIONS = ("--plugin", "--help")
WORDS = ("seeds", "trial_seeds", "jobs")
USUAL_SEEDS, USUAL_TRIAL_SEEDS = 20, 6
MOST_JOBS = 256

VALIDATE_USAGE = """\
clickmarket validate [SETTING ...] [seeds=N] [trial_seeds=N] [jobs=N] [--plugin FILE]

Play the market like MTurk of 2015 (MT) and the world's (GL) on many seeds, and print the sixteen public
targets with value, interval, band and verdict, misses beside hits; again without the largest requester;
what each becomes when the mechanism behind it is switched off; and further patterns by sign and size. The
last line is the folder, with validation.json and a figure for each target.

  clickmarket validate
  clickmarket validate world=mturk_2015 seeds=6 workers.count=1000
  clickmarket validate config=my.yaml jobs=1

  seeds=20          seeds in a row from seed on (usual: 101; the fit used the first few); intervals need six
  trial_seeds=6     seeds with which mechanisms are switched off
  jobs=N            runs at a time (usual: one on each core)
  world=NAME        mturk_2015 or global, one configuration only
  SETTING           as of clickmarket run, for all runs; usual here are time.warmup_days=180, workers.count
                    2,000 (MT) and 5,000 (GL). The window is time.days (GL: a third), a half-life needs 365

A stopped one goes on by the same command. The usual size takes a quarter of an hour of one core. A miss is a
finding, no failure: exit code 0.
"""


class ValidateWords(NamedTuple):
    """The words after `clickmarket validate`, sorted out; `jobs` is None where nothing is said."""

    settings: list[str]
    plugins: list[Path]
    seeds: int
    trial_seeds: int
    jobs: int | None


def validate(words: Sequence[str], plugin: Callable[[str], Path]) -> int:
    """Compose and validate every run, and only then touch the disk; return the exit code."""
    if "--help" in words or "-h" in words:
        print(VALIDATE_USAGE, end="")
        return 0
    asked = _sort(words, plugin)
    from sim.study.trials import make_plan
    from sim.validation import check_folder

    plan = make_plan(asked.settings, asked.seeds, asked.trial_seeds)
    check_folder(next(iter(plan.configs.values()))[0].results.dir, "results.dir")
    from sim.study.validate import execute
    from sim.study.verdict_text import print_verdicts

    folder = execute(
        plan, asked.settings, plugins=asked.plugins, jobs=asked.jobs, draw=_draw, tell=print_verdicts
    )
    print(folder)
    return 0


def _draw(*what: Any) -> None:
    """Draw the figures; only then is matplotlib needed."""
    from sim.figures.validation import draw_validation

    draw_validation(*what)


def _sort(words: Sequence[str], plugin: Callable[[str], Path]) -> ValidateWords:
    from sim.overrides import refuse_misspelt

    settings: list[str] = []
    plugins: list[Path] = []
    numbers: dict[str, int] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option == "--plugin":
            plugins.append(plugin(value if equals else next(rest, "")))
        elif word.startswith("-"):
            one_of("", word, OPTIONS, "There is no such option.", "; settings have no dashes", "*")
        elif option in WORDS and equals:
            numbers[option] = _number(option, value)
        else:
            refuse_misspelt(word, WORDS, "a validation")
            settings.append(word)
    return ValidateWords(
        settings,
        plugins,
        numbers.get("seeds", USUAL_SEEDS),
        numbers.get("trial_seeds", USUAL_TRIAL_SEEDS),
        numbers.get("jobs"),
    )


def _number(name: str, text: str) -> int:
    most = MOST_JOBS if name == "jobs" else 10_000
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise UserError(
        "is not a number that can be used.",
        path=name,
        value=text,
        allowed=f"a whole number from 1 to {most:,}",
        nearest=f"{name}=6",
    )
