"""Where theory gives the answer, the market gives it too.

Both are shown to notice a planted bug by ``tests/invariants/test_planted.py``.
"""

from __future__ import annotations

import pytest

from tests.conftest import Exercised
from tests.support.limits import arrivals, urns
from tests.support.markets import tiny


@pytest.mark.parametrize(("workers", "tasks"), [(100, 60), (60, 100), (150, 150), (1, 40), (40, 1)])
def test_urns_and_balls(workers: int, tasks: int, exercised: Exercised) -> None:
    """One look each at random among single tasks fills V (1 - (1 - 1/V)^U), within 4 standard errors.

    One worker alone, and one task for all, leave nothing to chance: exactly one is filled each time.
    """
    apart, counts = urns(workers, tasks, draws=1000)
    assert abs(apart) < 4.0
    exercised("draws", counts["draws"], 1000, nightly=10_000)


@pytest.mark.nightly
def test_urns_and_balls_at_night(exercised: Exercised) -> None:
    """Urns and balls with ten thousand draws."""
    apart, counts = urns(200, 150, draws=10_000)
    assert abs(apart) < 4.0
    exercised("draws", counts["draws"], 10_000)


@pytest.mark.parametrize(("table", "rate"), [("global", 24.0), ("six_regions", 2.0)])
def test_arrivals_over_zones(table: str, rate: float, exercised: Exercised) -> None:
    """Arrivals by hour of two weeks over all zones, half-hour ones and a change of clocks among them."""
    config = tiny(days=14, workers=5, requesters=300, table=table, seed=3)
    figures, counts = arrivals(config, rate)
    assert 0.9 < figures["index"] < 1.1
    exercised("batches", counts["batches"], 5_000)
    exercised("zones", counts["zones"], 15)


@pytest.mark.nightly
def test_arrivals_by_the_million(exercised: Exercised) -> None:
    """Arrivals with large and small rates, eight million batches."""
    total = 0
    for seed, rate in enumerate((0.2, 5.0, 100.0, 2000.0)):
        total += arrivals(tiny(days=14, workers=5, requesters=300, table="global", seed=seed), rate)[1][
            "batches"
        ]
    exercised("batches", total, 8_000_000)
