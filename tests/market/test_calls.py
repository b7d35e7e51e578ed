"""Kernels called by their entries are handed what they were compiled for, always."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from benchmarks.cases import everything_on, market
from sim.compile import COMPILED, Calls, entry_of, kernel
from sim.market import review
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from tests.support.markets import fingerprint, tiny, varied

pytestmark = pytest.mark.skipif(not COMPILED, reason="without the compiler there are no entries")


class Watching(Calls):
    """Notes the types of what each kernel is handed, in place of calling it by its entry."""

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, set[tuple[Any, ...]]] = {}
        self.count = 0

    def __missing__(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        noted = self.types.setdefault(kernel.__name__, set())

        def call(*arguments: Any) -> Any:
            noted.add(tuple(map(numba.typeof, arguments)))
            self.count += 1
            return kernel(*arguments)

        return call


def watched(model: ClickWorkModel, hours: int, calls: Watching | None = None) -> Watching:
    """Play some hours and return what was noted."""
    calls = model.calls = Watching() if calls is None else calls
    model.run(hours)
    return calls


def changing(calls: Watching) -> list[str]:
    """Names of the kernels that were handed different types."""
    return [name for name, types in calls.types.items() if len(types) != 1]


MARKETS = [
    *(
        pytest.param(market(world, 400, *everything_on(world)), id=world)
        for world in ("global", "mturk_2015")
    ),
    *(pytest.param(varied(number, workers=60), id=f"varied {number}") for number in range(4)),
    pytest.param(market("global", 400, "compute.threads=2"), id="two threads"),
]


@pytest.mark.parametrize("config", MARKETS)
def test_a_kernel_is_handed_the_same_types_all_along(config: Any, tmp_path: Path) -> None:
    """As arrays grow, hours and days pass, and after a copy and a checkpoint."""
    model = ClickWorkModel(config)
    model.observers.append(Recorder(model))
    calls = watched(model, 30)
    assert changing(calls) == []
    assert len(calls.types) >= 12 and calls.count > 300
    model.save(tmp_path / "state")
    watched(copy.deepcopy(model), 20, calls)
    watched(ClickWorkModel.load(tmp_path / "state"), 20, calls)
    assert changing(calls) == []


def test_other_types_would_be_noticed() -> None:
    """The test above can fail: rows that may only be read are of another type."""
    model = ClickWorkModel(tiny())
    calls = watched(model, 30)
    model.weekdays = model.weekdays.copy()
    model.weekdays.flags.writeable = False
    watched(model, 1, calls)
    assert changing(calls) == ["post"]


def test_by_entry_from_the_second_hour_of_a_day() -> None:
    """A day's first hour looks at types; then each is called by its entry, with the same bits."""
    config = market("global", 200)
    model, looking = ClickWorkModel(config), ClickWorkModel(config)
    ways = []

    class Note:
        def hour(self, model: ClickWorkModel) -> None:
            ways.append(model.calls.get(review.review, review.review))

        def day(self, model: ClickWorkModel) -> None:
            pass

    model.observers.append(Note())
    for _ in range(50):
        model.run(1)
        looking.run(1)
        looking.calls = Calls()
    entry = entry_of(review.review)
    assert entry is not review.review
    assert [ways[hour] for hour in (0, 24, 48)] == [review.review] * 3
    for hour in (*range(6, 24), *range(30, 48)):  # by then somebody has been on duty
        assert ways[hour] is entry, hour
    assert fingerprint(model) == fingerprint(looking)


def test_debug_never_trusts() -> None:
    """In debug mode every call looks at the types."""
    config = tiny()
    config = type(config)(**{**vars(config), "compute": type(config.compute)(debug=True)})
    model = ClickWorkModel(config)
    model.run(30)
    assert dict(model.calls) == {} and review.review in model.calls.met


def test_two_choices_have_no_entry() -> None:
    """What was compiled for two choices of types chooses at each call; what for none, too."""

    @kernel
    def first(values: Any) -> Any:
        return values[0]

    calls = Calls()
    assert calls[first] is first
    calls.trust()
    assert calls[first] is first
    calls.clear()
    assert calls[first](np.array([7])) == 7
    calls.trust()
    assert calls[first] is not first and calls[first](np.array([8])) == 8
    assert first(np.array([0.5])) == 0.5
    calls.clear()
    assert calls[first](np.array([0.25])) == 0.25
    calls.trust()
    assert calls[first] is first
