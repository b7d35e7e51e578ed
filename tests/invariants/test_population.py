"""Entrants minus leavers is the change, no id is used twice, who left neither works nor is paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sim.config import Config
from tests.conftest import Exercised
from tests.support.checks import people
from tests.support.markets import tiny, varied
from tests.support.plants import restless


def crowded(number: int) -> Config:
    """A market that many join and many leave, over four weeks."""
    config = tiny(days=29, workers=200, requesters=20, table="six_regions", seed=number)
    return replace(
        config, learning=replace(config.learning, leave_weeks=1, join_rate=0.05, outside_shock_sigma=1.0)
    )


def test_people_come_and_go(exercised: Exercised) -> None:
    """Weeks of joining and leaving, by workers in the middle of their sessions too."""
    markets = [
        crowded(1),
        crowded(2),
        restless(30)(),
        *(varied(number, days=16) for number in range(300, 304)),
    ]
    counts = sum(map(people, markets), Counter())
    exercised("people who joined", counts["joined"], 300)
    exercised("people who left", counts["left"], 100)
    exercised("hours of those who left", counts["hours of leavers"], 10_000)
    exercised("worker-hours", counts["worker-hours"], 10_000)


@pytest.mark.nightly
def test_people_come_and_go_at_night(exercised: Exercised) -> None:
    """The same in 40 more markets."""
    counts = sum((people(crowded(number)) for number in range(3, 43)), Counter())
    exercised("people who joined", counts["joined"], 5_000)
    exercised("people who left", counts["left"], 2_000)
