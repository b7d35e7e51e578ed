"""Garbage is collected seldom where the process is ours, and as before where it is not."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from typing import Any

import pytest

import sim
from sim import garbage
from sim.composition import compose
from sim.model import ClickWorkModel
from tests.support.planting import planted


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the collector as it was."""
    before, collecting = gc.get_threshold(), gc.isenabled()
    yield
    gc.set_threshold(*before)
    (gc.enable if collecting else gc.disable)()
    atexit.unregister(gc.freeze)


def rounds_while(task: Any) -> int:
    """How often the collector goes round meanwhile."""
    seen: list[str] = []
    watch = lambda phase, _: seen.append(phase)  # noqa: E731
    gc.callbacks.append(watch)
    try:
        task()
    finally:
        gc.callbacks.remove(watch)
    return seen.count("start")


def circles(count: int) -> None:
    """Make so many objects that live until all are made."""
    kept: list[Any] = []
    for _ in range(count):
        kept.append([kept])


def check_seldom(module: Any = garbage) -> None:
    gc.set_threshold(700, 10, 10)
    often = rounds_while(lambda: circles(60_000))
    module.collect_seldom()
    assert often > 50
    assert rounds_while(lambda: circles(60_000)) <= 2
    assert gc.isenabled()
    assert gc.get_threshold()[1:] == (10, 10)


def check_pause(module: Any = garbage) -> None:
    with module.not_collecting():
        assert rounds_while(lambda: circles(60_000)) == 0
    assert gc.isenabled()
    with pytest.raises(KeyError), module.not_collecting():
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    with module.not_collecting():
        pass
    assert not gc.isenabled()
    gc.enable()


def test_the_command_collects_seldom() -> None:
    check_seldom()


def test_a_pause_ends_as_it_began() -> None:
    check_pause()


@pytest.mark.parametrize(
    ("check", "sound", "bug"),
    [
        (check_seldom, "NEW_OBJECTS, *gc", "700, *gc"),
        (check_pause, "    gc.disable()", "    pass"),
        (check_pause, "        if collecting:\n", "        if True:\n"),
        (check_pause, "    finally:\n        if collecting:", "    finally:\n        if not collecting:"),
    ],
)
def test_planted_bugs_are_noticed(check: Any, sound: str, bug: str) -> None:
    with pytest.raises(AssertionError):
        check(planted(garbage, sound, bug))


def test_nothing_is_collected_while_a_market_is_made() -> None:
    """Nor while a name of the package is fetched; the host's own collector is left as it was."""
    gc.set_threshold(700, 10, 10)
    config = compose(["world=north_south", "workers.count=2000", "requesters.count=20"])
    assert rounds_while(lambda: ClickWorkModel(config)) <= 1
    assert sim.ClickWorkModel is ClickWorkModel
    assert gc.isenabled()
    assert gc.get_threshold() == (700, 10, 10)
