"""Garbage is collected seldom where the process is ours, and as before where it is not."""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import sim
from sim import cli, garbage, model
from sim.composition import compose
from sim.model import ClickWorkModel
from sim.outcomes import indicators
from sim.study import engine, sweep
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


def check_threads(module: Any = garbage) -> None:
    """One thread's block begins inside another's and outlasts it, and the other way round."""
    for first_ends_first in (True, False):
        one, other = module.not_collecting(), module.not_collecting()
        one.__enter__()
        other.__enter__()
        for pause in (one, other) if first_ends_first else (other, one):
            assert not gc.isenabled()
            pause.__exit__(None, None, None)
        assert gc.isenabled()


def test_the_command_collects_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is a process of its own; not in a program that calls it."""
    gc.set_threshold(700, 10, 10)
    assert cli.main(["--version"]) == 0
    assert gc.get_threshold() == (700, 10, 10)
    monkeypatch.setattr(sys, "argv", ["clickmarket", "--version"])
    assert cli.main() == 0
    assert gc.get_threshold() == (garbage.NEW_OBJECTS, 10, 10)


def test_a_process_of_the_engine_collects_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.set_threshold(700, 10, 10)
    monkeypatch.setattr(engine.signal, "signal", lambda *_: None)
    monkeypatch.setattr(engine, "LISTENING", [])
    engine.prepare_worker(0)
    assert gc.get_threshold() == (garbage.NEW_OBJECTS, 10, 10)


def test_what_is_collected_seldom_is_collected() -> None:
    check_seldom()


def test_threads_leave_the_collector_on() -> None:
    check_threads()


def test_a_pause_ends_as_it_began() -> None:
    check_pause()


@pytest.mark.parametrize(
    ("check", "sound", "bug"),
    [
        (check_seldom, "NEW_OBJECTS, *gc", "700, *gc"),
        (check_pause, "    gc.disable()", "    pass"),
        (check_pause, "if _Pause.was_on and not", "if not"),
        (check_pause, "if _Pause.was_on and not", "if not _Pause.was_on and not"),
        (check_threads, "if _Pause.was_on and not _Pause.blocks", "if _Pause.was_on"),
        (check_threads, "        if not _Pause.blocks:\n", "        if True:\n"),
    ],
)
def test_planted_bugs_are_noticed(check: Any, sound: str, bug: str) -> None:
    with pytest.raises(AssertionError):
        check(planted(garbage, sound, bug))


def test_next_to_nothing_is_collected_while_agents_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's own collector is left as it was."""
    gc.set_threshold(700, 10, 10)
    config = compose(["world=north_south", "workers.count=2000", "requesters.count=20"])
    ClickWorkModel(config)
    assert rounds_while(lambda: ClickWorkModel(config)) <= 3
    assert sim.ClickWorkModel is ClickWorkModel
    assert gc.isenabled()
    assert gc.get_threshold() == (700, 10, 10)
    monkeypatch.setattr(model, "not_collecting", contextlib.nullcontext)
    assert rounds_while(lambda: ClickWorkModel(config)) > 5


def left_in_circles(module: Any = indicators) -> int:
    """How many objects of a run of a sweep only the collector would find."""
    config = sweep.sober(compose(["world=north_south", "workers.count=40", "time.days=3"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "values", module.values)
        sweep.outcomes_of(config)  # what is made once in a process
        gc.collect()
        gc.disable()
        sweep.outcomes_of(config)
        return gc.collect()


def test_a_run_of_a_sweep_leaves_nothing_to_the_collector() -> None:
    """A round for every hundred of the smallest runs was a twentieth of what they cost."""
    assert left_in_circles() == 0


def test_a_traceback_that_is_kept_would_be_noticed() -> None:
    kept = planted(indicators, "found = type(missing)(*missing.args)", "found = missing")
    assert left_in_circles(kept) > 100
