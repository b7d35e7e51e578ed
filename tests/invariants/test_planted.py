"""Every check is shown to notice a bug: one edit of the source each, run with the compiler off.

The sample holds at least one planted bug for every check; at night all of them are planted. A bug that
is planted in a text that has changed is an error, so that the list follows the source.
"""

from __future__ import annotations

import json

import pytest

from tests.conftest import Exercised
from tests.support.plants import CHECKS, PLANTS
from tests.support.processes import python

SAMPLE = (
    "a micro-dollar lost now and then",
    "refund to another requester",
    "worker's fee rounded down",
    "an hour of 61 minutes",
    "no rest between sessions",
    "twice on a task",
    "shut-out countries let in",
    "an order out of order",
    "a wait of an hour too few",
    "on duty after leaving",
    "noise by row",
    "orders made anew only when something is posted anywhere",
    "duty by the number of workers",
    "demand by the number of requesters",
    "joiners by the number of countries",
    "pay reported around the world",
    "arrivals by the date",
    "office hours by universal time",
    "a floor that is felt at 0",
    "a least fee of a micro-dollar",
    "workers who look at pay before the fee",
    "a threshold in dollars inside a rule",
    "the length of the run in a draw",
    "what a process remembers",
    "the number of threads in a draw",
    "new batches looked for where they were",
    "an observer that touches",
    "one draw for two things",
    "the first listings only",
    "weekends forgotten",
    "other names, other draws",
    "batches larger than reckoned with",
    "jobs of all countries on one board",
    "a good hour asleep",
    "all tasks handed in at the end of the work",
)


def said(names: list[str], *options: str) -> dict[str, str | None]:
    """What the checks said of planted bugs, run in a process of their own."""
    environment = {"NUMBA_DISABLE_JIT": "1"}
    printed = python("tests.support.plants", *options, *names, environment=environment, seconds=3600.0)
    lines = [json.loads(line) for line in printed.splitlines()]
    return {line["plant"]: line["said"] for line in lines}


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    """One bug for every check, each noticed."""
    assert {PLANTS[name].check for name in SAMPLE} == CHECKS.keys(), "a check without a planted bug"
    missed = [name for name, words in said(list(SAMPLE)).items() if words is None]
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(SAMPLE), len(CHECKS), nightly=len(PLANTS))


@pytest.mark.nightly
def test_all_planted_bugs_are_noticed(exercised: Exercised) -> None:
    """All bugs, and none seen where there is none."""
    missed = [name for name, words in said(list(PLANTS)).items() if words is None]
    assert not missed, f"nobody noticed: {missed}"
    false = {name: words for name, words in said(list(PLANTS), "--sound").items() if words is not None}
    assert not false, f"seen where there is none: {false}"
    exercised("planted bugs noticed", len(PLANTS), 50)
