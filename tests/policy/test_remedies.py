"""The union and employment by platforms: cases by hand, and markets that an observer follows from the text.

The checks are in ``tests.support.remedies``; each is shown to notice planted bugs at the end of this file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.composition import compose
from sim.errors import UserError
from sim.instruments import Policies, Reclassification, Union
from sim.policy import reclassification, union
from sim.validation import check
from sim.world import load_world
from tests.conftest import Exercised
from tests.support import policies, remedies
from tests.support.cases import cases_of
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.policies import FEBRUARY
from tests.support.processes import python
from tests.support.remedies import (
    EMPLOYED,
    EMPLOYED_BY_STEPS,
    EMPLOYED_SOUTH,
    GROWING,
    ORGANISED,
    REMEDIES,
    UNIFORM,
)
from tests.support.remedy_plants import OF_FORMULAS, OF_MARKETS

INSTRUMENTS = ("union", "reclassification", "paid_time")
ALL = [(instrument, case) for instrument in INSTRUMENTS for case in cases_of(instrument)]


@pytest.mark.parametrize(("instrument", "case"), ALL, ids=[f"{name}: {case['case']}" for name, case in ALL])
def test_case(instrument: str, case: dict[str, Any]) -> None:
    """One case."""
    remedies.check(instrument, case)


def failures(instrument: str) -> list[str]:
    """Names of the cases that fail."""
    failed = []
    for case in cases_of(instrument):
        try:
            remedies.check(instrument, case)
        except AssertionError:
            failed.append(case["case"])
    return failed


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_planted_bugs_in_formulas(instrument: str, exercised: Exercised) -> None:
    for module, old, new in OF_FORMULAS[instrument]:
        with planted(Plant(module, old, new, "", tiny)):
            assert failures(instrument), f"no case notices {new!r} in place of {old!r}"
    assert not failures(instrument)
    exercised("cases", len(cases_of(instrument)), 6 if instrument == "paid_time" else 20)
    exercised("planted bugs noticed", len(OF_FORMULAS[instrument]), 4 if instrument == "paid_time" else 8)


# --- the union ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "seed"), [(ORGANISED, 1), (UNIFORM, 4)], ids=["local", "uniform"])
def test_members(policy: Policies, seed: int, exercised: Exercised) -> None:
    """Who joins, what members refuse, who strikes, what is agreed: from the text, worker by worker."""
    counts = remedies.members(policy, seed)
    exercised("joined", counts["joined the union"], 30)
    exercised("left", counts["left the union"], 1)
    exercised("hours bound by the guideline", counts["bound by the guideline"], 50)
    exercised("strikes", counts["strikes"], 1)
    exercised("hours on strike", counts["on strike"], 20)
    exercised("hours of work while others strike", counts["at work while others strike"], 20)
    exercised("agreements", counts["agreements"], 1)
    exercised("none", counts["no agreements"], 1)


def test_members_of_a_union_that_grows(exercised: Exercised) -> None:
    """In month k of 3 the guideline and the union's own effort are k thirds, in everything that they do."""
    counts = remedies.members(GROWING, 3)
    exercised("joined", counts["joined the union"], 30)
    exercised("hours bound by the guideline", counts["bound by the guideline"], 30)
    exercised("agreements", counts["agreements"], 1)


def test_members_of_a_collective(exercised: Exercised) -> None:
    counts = remedies.collectives()
    exercised("joined", counts["joined"], 10)
    exercised("others", counts["others"], 10)


def test_shared_ratings(exercised: Exercised) -> None:
    counts = remedies.ratings()
    exercised("members", counts["members"], 3)
    exercised("others", counts["others"], 3)
    exercised("views that differ", counts["views that differ"], 3)


def test_ratings_of_requesters(exercised: Exercised) -> None:
    counts = remedies.shared_ratings()
    exercised("tasks of members", counts["members"], 500)
    exercised("tasks of who works with a member", counts["informed"], 20)
    exercised("tasks of others", counts["others"], 500)


def test_a_checkpoint_holds_ratings(exercised: Exercised) -> None:
    exercised("tasks rated", remedies.resumed_ratings()["tasks"], 500)


def test_members_say_what_they_take(exercised: Exercised) -> None:
    exercised("answers compared", remedies.foretold_by_members()["compared"], 1_000)


# --- employment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "seed"),
    [(EMPLOYED_SOUTH, 1), (EMPLOYED, 2), (EMPLOYED_BY_STEPS, 3)],
    ids=["the South", "all", "by steps"],
)
def test_employers(policy: Policies, seed: int, exercised: Exercised) -> None:
    """Pay for shifts, contributions, quotes, shifts opened, rejections: kept from events and the text."""
    counts = remedies.employers(policy, seed)
    exercised("pay periods that lack pay", counts["periods that lack pay"], 50)
    exercised("pay periods that lack none", counts["periods that lack none"], 20)
    exercised("moves within a period", counts["moves within a period"], 3)
    exercised("micro-dollars for shifts", counts["micro-dollars for shifts"], 1_000_000)
    exercised("micro-dollars of contributions", counts["micro-dollars of contributions"], 1_000_000)
    exercised("quotes", counts["quotes"], 2)
    exercised("shifts", counts["shifts"], 100)
    exercised("no shifts", counts["no shifts"], 20)
    exercised("reviews of employees", counts["reviews of employees"], 200)


def test_open_books_of_employers(exercised: Exercised) -> None:
    exercised("micro-dollars", remedies.open_books(EMPLOYED)["micro-dollars"], 1_000_000)


def test_time_paid_by_the_channel_alone(exercised: Exercised) -> None:
    """No instrument is needed: what the channels say is paid, in any order, and 0 USD an hour is nothing."""
    counts = remedies.time_alone()
    exercised("pay periods that lack pay", counts["periods that lack pay"], 15)
    exercised("pay periods that lack none", counts["periods that lack none"], 30)
    exercised("rejected tasks", counts["rejected"], 100)
    exercised("tasks given back", counts["given back"], 5)
    exercised("micro-dollars", counts["micro-dollars"], 1_000_000)
    exercised("accounts compared", counts["accounts compared"], 50_000)


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REMEDIES)
def test_accounts_resumption_and_order(name: str, exercised: Exercised) -> None:
    policy = REMEDIES[name]
    counts = remedies.accounts(policy)
    exercised("accounts compared", counts["accounts compared"], 100_000)
    if policy.reclassification is not None:
        exercised("micro-dollars for shifts", counts["shift_pay"], 1_000)
        exercised("micro-dollars of contributions", counts["contributions"], 1_000)
    hours = [100, FEBRUARY, FEBRUARY + 1, 1013]
    exercised("restarts", policies.resumed(policy, hours)["restarts"], 4)
    exercised("events", remedies.same_anyhow(policy)["events"], 2_000)


@pytest.mark.parametrize("policy", [ORGANISED, EMPLOYED], ids=["union", "employment"])
def test_two_worlds_apart(policy: Policies, exercised: Exercised) -> None:
    exercised("rows of the other world", remedies.apart(policy)["rows"], 100)


@pytest.mark.parametrize("policy", [ORGANISED, EMPLOYED], ids=["union", "employment"])
def test_nothing_before_the_start(policy: Policies, exercised: Exercised) -> None:
    counts = policies.before_the_start(policy, "2019-02-01", FEBRUARY)
    exercised("hours alike", counts["hours"], 600)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (
            ["policy=union", "policy.union.guideline=uniform", "policy.union.usd_per_hour=0"],
            "policy.union.bargained_share",
        ),
        (
            ["policy=reclassification", "policy.reclassification.first_ratio=4"],
            "policy.reclassification.first_ratio",
        ),
    ],
)
def test_contradictions_are_refused(words: list[str], path: str) -> None:
    with pytest.raises(UserError) as told:
        check(compose(words))
    assert told.value.path == path


def test_missing_minimum_wages_are_refused() -> None:
    world = load_world("north_south")
    poor = replace(world, minimum_wage_usd=np.array([9.0, 0.0]))
    with pytest.raises(UserError) as told:
        union.refuse_unknown_guidelines(Union(), poor)
    assert told.value.path == "policy.union.guideline" and "STH has none" in str(told.value)
    union.refuse_unknown_guidelines(Union(countries=["NTH"]), poor)
    union.refuse_unknown_guidelines(Union(guideline="uniform"), poor)
    with pytest.raises(UserError) as told:
        reclassification.refuse_unknown_wages(Reclassification(), poor)
    assert told.value.path == "policy.reclassification.usd_per_hour" and "STH has none" in str(told.value)
    reclassification.refuse_unknown_wages(Reclassification(usd_per_hour=3.0), poor)


SAMPLE = ("sigma *= real(term.noise)", "self.month_pay[:] = 0")


def unnoticed(*numbers: int) -> list[str]:
    """Plant bugs in a process without compiler; return those that nobody noticed."""
    words = map(str, numbers)
    environment = {"NUMBA_DISABLE_JIT": "1"}
    printed = python("tests.support.remedy_plants", *words, environment=environment, seconds=3600.0)
    lines = [json.loads(line) for line in printed.splitlines()]
    assert len(lines) == (len(numbers) or len(OF_MARKETS))
    return [line["plant"] for line in lines if line["said"] is None]


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = unnoticed(*(n for n, plant in enumerate(OF_MARKETS) if plant[1] in SAMPLE))
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(SAMPLE), 2, nightly=len(OF_MARKETS))


@pytest.mark.nightly
def test_all_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = unnoticed()
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(OF_MARKETS), 25)
