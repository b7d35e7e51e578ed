"""Compiling ahead: the scout meets what runs need, and whatever goes wrong leads to the usual way."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sim import compile as compiler
from sim.config import Config
from sim.errors import UserError
from sim.study import ahead
from sim.study.engine import Local
from tests.conftest import Exercised
from tests.support import ahead as helpers
from tests.support.ahead import small
from tests.support.planting import planted
from tests.support.processes import python

pytestmark = pytest.mark.skipif(not compiler.COMPILED, reason="asks the compiler")

LEAST_SHARE = 0.75
"""Of the kernels of a month, those that the scout has to meet."""


def elsewhere(task: Callable[..., Any], *arguments: Any) -> Any:
    """Do a task in a process of its own."""
    process = Local(1)
    try:
        return process.submit(task, *arguments).result()
    finally:
        process.abandon()


def scouted(config: Config) -> list[ahead.Call]:
    with ahead._without_compiler():
        return elsewhere(ahead.scout, [config])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def met() -> list[ahead.Call]:
    return scouted(small())


@pytest.fixture(scope="module")
def needed() -> set[ahead.Call]:
    return elsewhere(helpers.kernels_of_a_month, small())  # type: ignore[no-any-return]


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two cores, and nothing seems to be compiled; no process stays."""
    monkeypatch.setattr(compiler, "is_cold", lambda *modules: True)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    monkeypatch.setattr(ahead, "TRIED", [])
    yield
    assert multiprocessing.active_children() == []
    assert ahead.WITHOUT_COMPILER not in os.environ


# ---------------------------------------------------------------- what the scout meets


def check_scout(met: list[ahead.Call], needed: set[ahead.Call]) -> int:
    """What the scout tells of is what a month needs, with the same types, and little is left out."""
    of_model = {call for call in met if not call[0].startswith("sim.outcomes.")}  # the month has no recorder
    assert of_model - needed == set(), "types with which no run calls"
    assert len(of_model) >= LEAST_SHARE * len(needed), f"not met: {needed - of_model}"
    assert set(ahead.SLOWEST) <= {name for _, name, _ in met}
    return len(of_model)


def test_the_scout_meets_what_a_month_needs(
    met: list[ahead.Call], needed: set[ahead.Call], exercised: Exercised
) -> None:
    found = check_scout(met, needed)
    exercised("kernels met", found, at_least=35)


def test_planted_scouts_are_found(met: list[ahead.Call], needed: set[ahead.Call]) -> None:
    """One that sees no week's end, one that mistakes a type, one that misses the longest kernel."""
    module, name, types = next(call for call in met if call[1] == "spend")
    planted = (
        [call for call in met if call[0] not in ("sim.market.learning", "sim.market.payout")],
        [*met, (module, name, types[::-1])],
        [call for call in met if call[1] != ahead.SLOWEST[0]],
    )
    for calls in planted:
        with pytest.raises(AssertionError):
            check_scout(calls, needed)


def test_a_market_that_cannot_be_played_is_left_to_whoever_plays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[Config] = []

    def play(config: Config, rules: Any) -> None:
        played.append(config)
        raise UserError("no such world")

    monkeypatch.setattr(ahead, "play_a_little", play)
    assert ahead.scout([small(), small("seed=2")]) == []
    assert len(played) == 2
    assert compiler.LISTENERS == []


# ---------------------------------------------------------------- what helpers keep


def test_a_helper_keeps_what_it_compiles(
    met: list[ahead.Call], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = next(call for call in met if call[1] == "spend")
    monkeypatch.setenv("CLICKMARKET_CACHE", str(tmp_path))
    assert "payout.spend" in elsewhere(helpers.files_after, call, [small()])


def test_a_variant_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no module that could be imported by its name."""
    config = small("market.pay_setting=fixed")
    call = next(call for call in scouted(config) if call[1] == "revise_pay")
    assert call[0].startswith("clickmarket_")
    kept = elsewhere(helpers.files_after, call, [config])
    assert f"{call[0]}.revise_pay" in kept
    with pytest.raises(ImportError):
        elsewhere(helpers.files_after, call, [small()])


@pytest.mark.usefixtures("cold")
def test_a_helper_that_can_keep_nothing_says_so(met: list[ahead.Call]) -> None:
    call = next(call for call in met if call[1] == "draw_tiles")
    with pytest.raises(OSError, match="keeps nothing"):
        ahead.compile_one(call, [small()])


def test_nobody_waits_for_helpers_that_can_keep_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    full, pending = Future[None](), Future[None]()
    full.set_exception(OSError("full"))
    looks: list[int] = []

    def some_ended(left: set[Future[None]]) -> set[Future[None]]:
        looks.append(len(left))
        assert len(looks) < 3, "still waiting"
        return {one for one in left if one.done()}

    monkeypatch.setattr(ahead, "some_ended", some_ended)
    ahead._wait([full, pending], float("inf"))
    assert looks == [2]
    other = Future[None]()
    other.set_exception(TypeError("no such types"))
    with pytest.raises(AssertionError, match="still waiting"):
        ahead._wait([other, pending], float("inf"))


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize(
    ("scout", "compile_one"),
    [
        (helpers.dying, ahead.compile_one),
        (helpers.failing, ahead.compile_one),
        (helpers.one_that_is_nowhere, ahead.compile_one),
        (helpers.one_that_is_nowhere, helpers.dying),
    ],
)
def test_helpers_that_die_or_fail_lead_to_the_usual_way(
    scout: Any, compile_one: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ahead, "scout", scout)
    monkeypatch.setattr(ahead, "compile_one", compile_one)
    assert ahead.compile_ahead([small()])
    assert capfd.readouterr().err == f"{ahead.TOLD}\n", "a word to the user, and no traceback"


@pytest.mark.usefixtures("cold")
def test_whoever_is_stopped_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        assert multiprocessing.active_children()
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead, "_wait", stopped)
    with pytest.raises(KeyboardInterrupt):
        ahead.compile_ahead([small()])


WRONG = ("platforms=all_families", "world=six_regions")
"""Platforms of countries that this world does not have."""


def check_refused(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the world has against a market is told before anything is compiled."""
    monkeypatch.setattr(module, "_compile", lambda *_: pytest.fail("it compiles"))
    with pytest.raises(UserError, match="does not have"):
        module.compile_ahead([small(*WRONG)], quiet=True)


@pytest.mark.usefixtures("cold")
def test_a_refusal_does_not_wait_for_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    check_refused(ahead, monkeypatch)
    module = planted(ahead, "    _refuse(first)\n", "")
    monkeypatch.setattr(module, "cores", lambda: 2)
    with pytest.raises(pytest.fail.Exception):
        check_refused(module, monkeypatch)


def test_no_process_is_started_in_vain(cold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where all is compiled, nor on one core, in a helper, by another's program, or a second time."""
    started: list[Any] = []
    monkeypatch.setattr(ahead, "_compile", lambda configs, rules: started.append(configs))

    def others() -> Iterator[Config]:
        yield small()
        assert compiler.is_cold(), "composed in vain"
        yield small("seed=2")

    with monkeypatch.context() as patch:
        patch.setattr(compiler, "is_cold", lambda *modules: False)
        assert not ahead.compile_ahead(others())
        assert not ahead.TRIED
    for name, value in (("cores", lambda: 1), ("TRIED", [str(compiler.cache_folder())])):
        with monkeypatch.context() as patch:
            patch.setattr(ahead, name, value)
            assert ahead.compile_ahead(others())
    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing, "parent_process", lambda: 1)
        assert ahead.compile_ahead(others())
    ahead.TRIED.clear()
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["__main__"], "__file__", "a script", raising=False)
        assert ahead.compile_ahead(others(), quiet=True)
    assert started == []
    ahead.TRIED.clear()
    assert ahead.compile_ahead(others())
    assert [len(configs) for configs in started] == [2]
    assert ahead.compile_ahead(others())
    assert len(started) == 1


@pytest.mark.nightly
def test_what_the_scout_met_is_not_compiled_again(tmp_path: Path, exercised: Exercised) -> None:
    found = json.loads(python("tests.support.ahead", environment={"CLICKMARKET_CACHE": str(tmp_path)}))
    assert found["twice"] == []
    exercised("kernels met and kept", found["met"], at_least=35)
