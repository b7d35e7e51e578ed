"""How long workers stay with a batch: the logs it is taken from, what it does, and planted bugs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.agents.rules as rules
import sim.market.board as boards
from sim.agents.rules import spell, tasks_of_spell
from sim.config import Config, Market
from sim.draws import sub_key
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.planting import planted

MINUTES = 3.6, 7.5, 15.5
"""Quartiles of sessions in the CrowdTruth logs, 2014-18, in minutes."""
KEY = sub_key(7, 11)


def test_spells_have_the_quartiles_of_the_logs() -> None:
    market = Market()
    median, sigma = 60.0 * market.spell_minutes, market.spell_log_sigma
    spells = [spell(KEY, agent, agent % 3, median, sigma) / 60.0 for agent in range(20_000)]
    assert np.quantile(spells, (0.25, 0.5, 0.75)) == pytest.approx(MINUTES, rel=0.03)
    assert max(spells) == 60.0, "at most an hour: no task spans two"


def test_each_spell_is_drawn_anew() -> None:
    """By tasks done before: who stayed long once need not do so again."""
    first, second = (np.log([spell(KEY, agent, done, 1.0, 1.0) for agent in range(5_000)]) for done in (0, 6))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert first.std() == pytest.approx(1.0, abs=0.05)


def test_whoever_begins_does_one_task() -> None:
    assert [tasks_of_spell(time, 60) for time in (0.5, 59.9, 60.0, 119.9, 120.0)] == [1, 1, 1, 1, 2]


def stays(minutes: float, sigma: float = 0.0) -> Config:
    """Return a market of short tasks and much work whose workers stay so long."""
    base = tiny(days=4, workers=60, requesters=8)
    task = replace(next(iter(base.task_types.values())), median_seconds=20.0, one_task_share=0.0)
    return replace(
        base,
        task_types={"annotation": task},
        requesters=replace(base.requesters, demand_share=3.0, task_types_used=1),
        market=replace(base.market, spell_minutes=minutes, spell_log_sigma=sigma),
    )


def pieces(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Play a market; return seconds and tasks of each piece of work."""
    model = ClickWorkModel(config)
    seconds, tasks = [], []
    for _ in range(24 * config.time.days):
        model.step()
        for board in model.boards:
            events = board.events[: int(board.state[boards.EVENTS])]
            works = events[events["kind"] == boards.WORK]
            seconds.append(works["end"] - works["start"])
            tasks.append(works["done"])
    return np.concatenate(seconds), np.concatenate(tasks)


def test_nobody_stays_beyond_a_spell(exercised: Exercised) -> None:
    """But for a single task, which may be longer; without spells, many do."""
    seconds, tasks = pieces(stays(5.0))
    assert seconds[tasks > 1].max() <= 300
    exercised("spells used up", int(((seconds > 250) & (tasks > 1)).sum()), 50)
    free, _ = pieces(stays(60.0))
    exercised("longer without", int((free > 300).sum()), 50)


def test_a_spell_of_an_hour_is_none() -> None:
    """A longer one changes nothing: the market is that without spells."""
    hour, day = (pieces(stays(minutes)) for minutes in (60.0, 1440.0))
    assert all(np.array_equal(one, other) for one, other in zip(hour, day, strict=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("normal(key, agent, 2 + done)", "normal(key, agent, 2)"),
        ("min(3600.0, median * exp(sigma * normal", "(median * exp(sigma * normal"),
        ("median * exp(sigma * normal", "median * exp(2.0 * sigma * normal"),
        ("max(integer(1), integer(seconds / real(own)))", "integer(seconds / real(own))"),
        (
            "max(integer(1), integer(seconds / real(own)))",
            "max(integer(1), integer(seconds / real(own) + 0.5))",
        ),
    ],
)
def test_planted_bugs_are_noticed(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = planted(rules, old, new)
    for name in ("spell", "tasks_of_spell"):
        monkeypatch.setitem(globals(), name, getattr(wrong, name))
    noticed = 0
    for check in (
        test_spells_have_the_quartiles_of_the_logs,
        test_each_spell_is_drawn_anew,
        test_whoever_begins_does_one_task,
    ):
        try:
            check()
        except AssertionError:
            noticed += 1
    assert noticed
