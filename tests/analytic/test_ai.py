"""Artificial intelligence: labels, automation, rebound, users' labels, people who lose work.

Closed forms, an oracle that follows whole markets, null settings and planted bugs; the checks are in
``tests.support.intelligence``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.agents import rules
from sim.composition import compose, config_id
from sim.config import Config
from sim.errors import UserError
from sim.intelligence import Intelligence
from sim.model import ClickWorkModel
from sim.validation import check
from tests.conftest import Exercised
from tests.support import intelligence
from tests.support.job import market
from tests.support.markets import fingerprint, run, tiny
from tests.support.processes import fingerprints, python

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent.parent / "policy_cases" / "intelligence.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    """A rule worked out by hand."""
    found = getattr(rules, case["rule"])(*(float(value) for value in case["given"].values()))
    assert found == pytest.approx(case["expect"], rel=1e-9)


@pytest.mark.parametrize("services", [True, False], ids=["services", "preparation"])
@pytest.mark.parametrize(
    "parameters",
    [
        Intelligence(rebound=1.0),
        Intelligence(rebound=0.4, automation_max=1.0, growth=0.1, decay=0.3),
        Intelligence(rebound=1.6, stock_exponent=0.3),
    ],
    ids=["proportional", "vanishing", "rebounding"],
)
def test_human_work_in_closed_form(parameters: Intelligence, services: bool, exercised: Exercised) -> None:
    """S^g (1 - a)^(1 - e) for ten years; where the rebound is 1, automation does not matter at all."""
    counts = intelligence.closed_form(parameters, services)
    exercised("weeks", counts["weeks"], 522)
    exercised("per cent automated in the end", counts["automated, per cent"], 60)


def test_decay(exercised: Exercised) -> None:
    exercised("ways to cut a year", intelligence.decay()["cuts"], 3)


def test_each_type_of_task_goes_its_own_way(exercised: Exercised) -> None:
    exercised("types of tasks", intelligence.mixtures()["types"], 7)


def test_budget(exercised: Exercised) -> None:
    exercised("limits", intelligence.budget()["limits"], 1)


def test_labels_of_users_replace_paid_ones(exercised: Exercised) -> None:
    counts = intelligence.free_labels()
    exercised("requesters", counts["requesters"], 10)
    exercised("of whom at their limit", counts["at the limit"], 4)


@pytest.mark.parametrize("users", [0.0, 40_000.0], ids=["alone", "with users"])
def test_a_market_as_the_oracle_has_it(users: float, exercised: Exercised) -> None:
    counts = intelligence.followed(users=users)
    exercised("weeks of requesters", counts["weeks of requesters"], 40)
    exercised("batches", counts["batches"], 1_000)
    exercised("per mille automated", counts["automated, per mille"], 300)
    exercised("people who lost work", counts["displaced"], 2)


def test_a_market_that_shares_labels(exercised: Exercised) -> None:
    """Requesters of one country share, on two platforms, each to another part."""
    counts = intelligence.together()
    exercised("weeks of requesters", counts["weeks of requesters"], 20)
    exercised("demands with labels of others", counts["labels of others"], 10)
    exercised("demands without", counts["demands"] - counts["labels of others"], 10)


@pytest.mark.parametrize(("share", "rebound"), [(0.1, 1.0), (0.5, 0.4), (0.9, 1.8), (0.2, 0.0)])
def test_labels_of_others_in_closed_form(share: float, rebound: float, exercised: Exercised) -> None:
    """Where the rebound is 1 a commons takes no work away; below it does, above it brings some."""
    counts = intelligence.commons(share, rebound)
    exercised("weeks", counts["weeks"], 600)
    exercised("requesters", counts["requesters"], 6)


def test_labels_of_others_at_the_edges(exercised: Exercised) -> None:
    exercised("requesters of whom one is gone", intelligence.retired()["requesters"], 2)
    exercised("requesters in any order", intelligence.in_any_order()["requesters"], 290)
    exercised("weeks without work", intelligence.quiet()["weeks"], 2)
    exercised("weeks ahead", intelligence.ahead()["weeks"], 30)
    exercised("growths refused", intelligence.too_many()["refused"], 1)
    exercised("rules that say too much", intelligence.bounded()["channels"], 1)


def test_null_settings(exercised: Exercised) -> None:
    exercised("null settings", intelligence.null_settings()["settings"], 5)


def test_null_settings_of_users_and_displacement(exercised: Exercised) -> None:
    exercised("null settings", intelligence.null_users()["settings"], 4)


def test_who_loses_work_is_registered(exercised: Exercised) -> None:
    exercised("people", intelligence.register()["displaced"], 50)


def test_who_loses_work_may_join(exercised: Exercised) -> None:
    counts = intelligence.displaced()
    exercised("people who lost work", counts["displaced"], 20)
    exercised("more who joined", counts["more"], 1)


def test_who_posts_nothing_gets_no_labels(exercised: Exercised) -> None:
    exercised("requesters", intelligence.silence()["requesters"], 8)


def test_resumed_in_the_middle_of_weeks(exercised: Exercised) -> None:
    counts = intelligence.resumed()
    exercised("restarts", counts["restarts"], 5)
    exercised("rows of the table", counts["rows"], 8)


def test_threads_order_of_storage_and_copies(exercised: Exercised) -> None:
    exercised("events", intelligence.same_anyhow()["events"], 500)


def test_a_requester_is_told_what_it_would_post(exercised: Exercised) -> None:
    exercised("requesters", intelligence.asked()["requesters"], 8)


def test_the_table(exercised: Exercised) -> None:
    counts = intelligence.table()
    exercised("rows", counts["rows"], 8)
    exercised("batches", counts["batches"], 500)


def test_without_the_compiler(exercised: Exercised) -> None:
    """The same bits, at odd values too."""
    names = ["ai:26:8", "ai:53:8"]
    printed = fingerprints(names, environment={"NUMBA_DISABLE_JIT": "1"})
    assert printed == {name: fingerprint(run(market(name))) for name in names}
    exercised("markets without the compiler", len(names), 2)


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = json.loads(python("tests.support.intelligence", environment={"NUMBA_DISABLE_JIT": "1"}))
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(intelligence.PLANTS), 48)


# --- settings -------------------------------------------------------------------------------------


def test_groups() -> None:
    """None is the usual choice; single settings lie over a group."""
    assert config_id(compose(["ai=none"])) == config_id(compose()) and compose().ai is None
    assert compose(["ai=growing"]).ai == Intelligence()
    saturating = compose(["ai=saturating", "ai.displacement=0"]).ai
    assert saturating is not None
    assert (saturating.automation_max, saturating.displacement) == (0.95, 0.0)


def refused(config: Config, path: str, allowed: str) -> None:
    with pytest.raises(UserError) as told:
        ClickWorkModel(config)
    assert told.value.path == path and allowed in told.value.allowed, str(told.value)


def test_what_cannot_be_counted_is_refused() -> None:
    """An hour that could be worth too much; more batches than can be numbered."""
    base = tiny(ai=Intelligence())
    check(base)
    dear = replace(base, ai=Intelligence(automation_max=1.0, most_labels_per_hour=1000.0))
    refused(dear, "ai.most_labels_per_hour", "at most 4")
    longer = replace(base, time=replace(base.time, days=24_000), ai=Intelligence(growth=3.0, decay=0.0))
    refused(longer, "ai.growth", "batches of a requester")


@pytest.mark.parametrize(
    ("setting", "path", "nearest"),
    [
        ("ai.rebounds=1", "ai.rebounds", "ai.rebound=1"),
        ("ai.decay=1", "ai.decay", "ai.decay=0.9"),
        ("ai=growin", "ai", "ai=growing"),
        ("ai.labels_scale_years=0", "ai.labels_scale_years", "ai.labels_scale_years=0.01"),
    ],
)
def test_refusals(setting: str, path: str, nearest: str) -> None:
    with pytest.raises(UserError) as told:
        compose(["ai=growing", setting] if "." in setting else [setting])
    assert (told.value.path, told.value.nearest) == (path, nearest)
