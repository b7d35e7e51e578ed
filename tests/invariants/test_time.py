"""An hour has 60 minutes, a day no more on duty than the cap; all time on duty is of some kind."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Exercised
from tests.support.checks import minutes
from tests.support.markets import varied


def test_time_adds_up(exercised: Exercised) -> None:
    """Every worker and hour by the checks of debug mode; sums over a run by worker, board and day."""
    counts = sum((minutes(varied(number, days=5, workers=60)) for number in range(100, 106)), Counter())
    exercised("worker-hours", counts["worker-hours"], 2_000, nightly=10**7)
    exercised("worker-days", counts["worker-days"], 500)
    exercised("returned tasks", counts["returned tasks"], 10)


@pytest.mark.nightly
def test_time_adds_up_over_ten_million_worker_hours(exercised: Exercised) -> None:
    """The same at night."""
    counts: Counter[str] = Counter()
    number = 100
    while counts["worker-hours"] < 10**7:
        counts += minutes(varied(number, days=14, workers=20_000, requesters=300))
        number += 1
    exercised("worker-hours", counts["worker-hours"], 10**7)
