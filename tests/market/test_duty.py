"""Who starts in an hour: sorted for half a day at a time, nobody left out, with planted bugs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.market.duty as duty
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.planting import planted

PLANTS = [
    ("today[row] < end:\n            starts[", "today[row] <= end:\n            starts["),
    ("today[row] < end:\n            place", "today[row] < end - 1:\n            place"),
    ("place = integer(workers[row].tile) * 24 +", "place = integer(workers[row].tile) * 24 + 1 +"),
]


def starts_are_sorted() -> int:
    """Hold each hour's starts on each tile against a search of all rows; return how many there are."""
    config = tiny(days=3, workers=600)
    model = ClickWorkModel(replace(config, market=replace(config.market, boards=3)))
    starts = 0
    for _ in range(48):
        model.step()
        rows = model.worker_rows[: model.workers_count]
        today = model.today[: len(rows)]
        half = today // duty.HOURS_AHEAD == model.utc_hour // duty.HOURS_AHEAD
        assert model.bucket_starts[-1] == half.sum(), "sorted who starts in the other half of the day"
        for board in model.boards:
            place = board.tile * 24 + model.utc_hour
            first, last = model.bucket_starts[place : place + 2]
            due = np.flatnonzero((today == model.utc_hour) & (rows["tile"] == board.tile))
            assert model.order[first:last].tolist() == due.tolist(), f"hour {model.hour}, tile {board.tile}"
            starts += len(due)
    return starts


def test_starts_are_sorted(exercised: Exercised) -> None:
    exercised("starts", starts_are_sorted(), 300)


@pytest.mark.parametrize("plant", PLANTS, ids=range(len(PLANTS)))
def test_planted_bugs_are_noticed(plant: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "bucket", planted(duty, *plant).bucket)
    with pytest.raises(AssertionError):
        starts_are_sorted()
