"""Workers with tools and requesters that pay what is fair: neutral values, what they do, and planted bugs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.agents.rules as rules
import sim.doctor as doctor
from sim.agents.rules import asking_share, look_with_tools, standing, uses_tools
from sim.agents.traits import permanent_ids
from sim.config import Config
from sim.draws import stream_key, uniform
from sim.market.tools import TOOLS
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import UNSORTED, tiny
from tests.support.planting import planted

BEFORE_BOTH = "00bd97922805a351"
"""What `digest_of_a_day` gave before there were tools and fair requesters."""


def test_without_both_the_market_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DAY", (*doctor.DAY, *UNSORTED))
    assert doctor.digest_of_a_day() == BEFORE_BOTH


def market(**changes: float) -> Config:
    """Return a market with much work, in which everybody soon has tools or nobody has."""
    base = tiny(days=21, workers=300, requesters=60, seed=3)
    return replace(
        base,
        workers=replace(base.workers, tool_half_tasks=1.0, **changes),
        requesters=replace(
            base.requesters, fair_share=0.25, demand_share=0.4, size_log_sigma=1.0, approval_share=0.0
        ),
    )


def hourly(model: ClickWorkModel) -> np.ndarray:
    """All-in pay of each worker in USD an hour."""
    past = model.history_rows[: model.workers_count]
    kinds = ("paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds")
    seconds = sum(past[kind].astype(np.float64) for kind in kinds)
    return np.where(seconds > 0, past["pay"] * 0.0036 / np.maximum(seconds, 1), np.nan)


def test_who_has_tools_earns_more_than_without(exercised: Exercised) -> None:
    """The same people, whose draws are all the same, earn more where they have tools and the others none."""
    without, some = (ClickWorkModel(market(tool_share=share)) for share in (1e-9, 0.3))
    for model in (without, some):
        model.run(21 * 24)
    ids = permanent_ids(some.worker_rows[: some.workers_count])
    key = stream_key(some.config.seed, TOOLS, 0)
    done = some.worker_rows["accepted"][: some.workers_count] > 20
    tooled = np.array([uniform(key, int(one), 0) < 0.25 for one in ids]) & done
    here = {int(one): pay for one, pay in zip(ids, hourly(some), strict=True)}
    there = dict(
        zip(
            permanent_ids(without.worker_rows[: without.workers_count]).tolist(),
            hourly(without),
            strict=True,
        )
    )
    gains = [
        np.log(here[one] / there[one])
        for one in ids[tooled].tolist()
        if there.get(one, 0.0) > 0 and here[one] > 0
    ]
    exercised("workers with tools", len(gains), 8)
    assert np.mean(gains) > 0.1, gains


def test_fair_requesters_keep_their_pay_and_spend_no_more(exercised: Exercised) -> None:
    config = market()
    model = ClickWorkModel(config)
    rows = model.requester_rows
    usual = ClickWorkModel(replace(config, requesters=replace(config.requesters, fair_share=0.0)))
    fair = rows["fair"] > 0
    before = rows["target"].copy()
    budget = rows["base_demand"] * config.requesters.fair_pay_usd_per_hour
    assert np.allclose(budget[fair], usual.requester_rows["base_demand"][fair] * 2.0)
    assert (rows["base_demand"][~fair] == usual.requester_rows["base_demand"][~fair]).all()
    model.run(21 * 24)
    assert (rows["target"][fair] == before[fair]).all()
    exercised("fair requesters", int(fair.sum()), 5)
    exercised("others who revised", int((rows["target"][~fair] != before[~fair]).sum()), 10)


def test_records_are_asked_of_those_who_want_fair_pay(exercised: Exercised) -> None:
    asked = 0
    for fair_share in (0.0, 0.1, 0.3, 1.0):
        for share in (0.0, 0.19, 1.0):
            of_fair, of_others = (asking_share(share, fair_share, fair) for fair in (True, False))
            assert fair_share * of_fair + (1 - fair_share) * of_others == pytest.approx(share)
            assert of_fair >= of_others
            asked += of_fair > of_others
    exercised("shares that differ", asked, 2)


def test_standing_is_of_a_requester_and_not_of_a_batch() -> None:
    assert standing(7.25, 0.0, 1.0) == 7_250_000
    assert standing(2.0, 4.0, 2.0) == 2_000_000
    assert standing(1e9, 0.0, 1.0) == 2**31 - 1


def test_tools_are_taken_up_with_experience_and_kept(exercised: Exercised) -> None:
    draws = np.linspace(0.001, 0.999, 400)
    had = np.zeros(len(draws), bool)
    for done in (0.0, 10.0, 1000.0, 1e5, 1e9):
        has = np.array([uses_tools(draw, 0.4, done, 1000.0) for draw in draws])
        assert (has >= had).all()
        had = has
    exercised("who ever have tools", int(had.sum()), 150)
    assert not uses_tools(1e-9, 0.4, 0.0, 1000.0)
    assert had.mean() == pytest.approx(0.4, abs=0.01)
    assert look_with_tools(61, 0.5) == 31
    assert look_with_tools(1, 0.01) == 1


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (rules, "draw < share * tasks_done / (tasks_done + half_tasks)", "draw < share"),
        (rules, "real(look_seconds) * ratio + 0.5", "real(look_seconds) + 0.5"),
        (rules, "max(target, lowest) * 1000000.0 / bias", "max(target, lowest) * 1000000.0"),
        (rules, "return min(1.0, approval_share / fair_share)", "return approval_share"),
    ],
)
def test_planted_bugs_are_noticed(
    module: object, old: str, new: str, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    wrong = planted(module, old, new)  # type: ignore[arg-type]
    for name in ("uses_tools", "look_with_tools", "standing", "asking_share"):
        if hasattr(wrong, name):
            monkeypatch.setitem(globals(), name, getattr(wrong, name))
    counted = 0
    for check in (
        lambda: test_tools_are_taken_up_with_experience_and_kept(exercised),
        test_standing_is_of_a_requester_and_not_of_a_batch,
        lambda: test_records_are_asked_of_those_who_want_fair_pay(exercised),
    ):
        try:
            check()
        except AssertionError:
            counted += 1
    assert counted >= 1
