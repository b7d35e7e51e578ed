"""Sleep: a good hour asleep is not used, and sessions end before the first hour asleep."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.config import Config, usually_awake
from sim.market import board as boards
from sim.market.duty import minutes_to_sleep, start_hour_of_day
from tests.conftest import Exercised
from tests.support.markets import fingerprint, run, tiny
from tests.support.observers import Watcher

DAYS = 12


SEGMENT = np.dtype([("window_start", "i4"), ("window_hours", "i4"), ("flexibility", "f8")])


def start(where: float, good: float, awake: float, own: float, night: float) -> int:
    """Start where only 3 o'clock is a good hour, an hour ahead of UTC, or the window is 10 to 18 o'clock."""
    segment = np.array([(10, 8, 0.5)], SEGMENT).view(np.recarray)[0]
    best, share = np.zeros(24), np.full(24, 0.9)
    best[2:], share[:6] = 1.0, night
    local = (np.arange(24) + 1) % 24
    utc = (np.arange(24) - 1) % 24
    return int(start_hour_of_day(segment, segment, where, good, awake, own, best, share, local, utc))


def test_a_good_hour_asleep_is_not_used() -> None:
    """Awake at 3 o'clock with a chance of 0.2; else the window, by a draw of its own."""
    assert start(0.4, 0.7, 0.19, 0.5, night=0.2) == 2
    assert start(0.4, 0.7, 0.20, 0.5, night=0.2) == 13
    assert start(0.6, 0.7, 0.00, 0.5, night=0.2) == 13


@pytest.mark.parametrize(
    ("local", "awake", "minutes"),
    [(20, 0.5, 180), (20, 0.1, 480), (23, 0.5, 60), (3, 0.5, 60), (6, 0.9, 1020), (12, 0.05, 1440)],
)
def test_a_session_ends_before_the_first_hour_asleep(local: int, awake: float, minutes: int) -> None:
    """Whose draw is below the share of an hour is awake in it; the hour of the start counts in any case."""
    share = np.array([0.3, 0.2, 0.2, 0.2, 0.06, 0.3, 0.5, *[0.95] * 16, 0.4])
    share[4] = 0.06 if awake == 0.05 else 0.08
    assert minutes_to_sleep(local, awake, share) == minutes


class Nights(Watcher):
    """Seconds on duty by local hour, and sessions that begin in it."""

    def __init__(self) -> None:
        super().__init__()
        self.on_duty: Counter[int] = Counter()

    def hour(self, model: Any) -> None:
        """Add an hour's workers on duty."""
        for board in model.boards:
            rows = board.active["row"][: int(board.state[boards.ACTIVE_COUNT])]
            zones = model.worker_rows["zone"][rows]
            self.on_duty.update(model.local_hours[model.utc_hour][zones].tolist())


def market(**changes: Any) -> Config:
    """Flexible workers who want many hours, in two opposite zones."""
    base = tiny(days=DAYS, workers=150, requesters=12)
    segments = {
        name: replace(one, flexibility=0.6, desired_hours_median=25.0) for name, one in base.segments.items()
    }
    return replace(base, segments=segments, workers=replace(base.workers, **changes))


def night_share(nights: Nights) -> float:
    """Share of hours on duty from 1 to 5 o'clock."""
    return sum(nights.on_duty[hour] for hour in range(1, 5)) / sum(nights.on_duty.values())


def test_sleep_keeps_people_from_working_at_night(exercised: Exercised) -> None:
    """The fewer are awake the fewer work; whoever never sleeps works as if there were no sleep at all."""
    shares, hours = {}, 0
    for owls in (0.0, 0.3, 1.0):
        nights = Nights()
        run(market(night_owls=owls), observers=(nights,))
        shares[owls] = night_share(nights)
        hours += sum(nights.on_duty.values())
    assert shares[0.0] < shares[0.3] < shares[1.0]
    # Awake at night: one in ten of those who would work; with owls three in ten more.
    assert shares[0.0] < 0.25 * shares[1.0]
    exercised("hours on duty", hours, 1000)


def test_who_is_always_awake_is_an_owl() -> None:
    """Two ways to switch sleep off give the same bits, and others than with sleep."""
    owls = fingerprint(run(market(night_owls=1.0)))
    assert owls == fingerprint(run(market(night_owls=0.0, awake_share=[1.0] * 24)))
    assert owls != fingerprint(run(market()))


def test_nobody_awake_works_for_an_hour_at_most() -> None:
    """With all asleep at all hours, sessions begin in the own window and end with their first hour."""
    model = run(market(night_owls=0.0, awake_share=[0.0] * 24))
    minutes = model.worker_rows["session"][: model.workers_count] % 2048
    assert 0 < minutes.max() <= 60


def test_the_usual_day_holds_fifteen_hours() -> None:
    """As long as people are awake by the survey that is named."""
    assert sum(usually_awake()) == pytest.approx(24 - 8.7, abs=0.01)
