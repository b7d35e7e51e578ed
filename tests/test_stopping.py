"""Being asked to stop: in order, once, and whatever the interrupted compiler complains of."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

import sim.study
from sim import stopping
from sim.cli import main
from sim.errors import Terminated
from sim.study import sweep
from sim.study.store import Store
from tests.conftest import Exercised
from tests.study.test_run import SMALL
from tests.study.test_sweep import COUNT, WORDS, bytes_of, plain
from tests.support.planting import planted

__all__ = ["plain"]

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]


def complain(how: signal.Signals) -> NoReturn:
    """Be interrupted as Numba is: what comes out is that it has not finished."""
    try:
        signal.raise_signal(how)
    except BaseException:  # noqa: BLE001  so do compilers
        raise RuntimeError("no compiled object yet") from None
    raise AssertionError("no signal came")


def stopped_within(module: ModuleType, how: signal.Signals, undone: list[signal.Signals]) -> None:
    """Be interrupted in a block within a block, and twice more before what was begun is undone."""
    with module.stopping_on_term(), module.stopping_on_term():
        try:
            complain(how)
        finally:
            for again, _ in SIGNALS:
                signal.raise_signal(again)
                undone.append(again)


class Deaf:
    """Is interrupted where nothing can be raised."""

    def __init__(self, how: signal.Signals) -> None:
        self.how = how

    def __del__(self) -> None:
        signal.raise_signal(self.how)


def stopped_unheard(module: ModuleType, how: signal.Signals) -> None:
    """Be interrupted in a destructor, and go on for long."""
    with module.stopping_on_term():
        Deaf(how)
        for _ in range(10**8):
            pass


class Signalled(threading.Condition):
    """Is interrupted just after its lock was taken."""

    def __init__(self, how: signal.Signals) -> None:
        super().__init__(threading.Lock())
        self.how = how

    def __enter__(self) -> bool:
        taken = super().__enter__()
        signal.raise_signal(self.how)
        return taken


def stopped_at_a_lock(module: ModuleType, lock: Signalled) -> None:
    """Be interrupted where a lock is taken, in a block within a block that hold signals back."""
    with module.stopping_on_term(), module.held_back():
        with module.held_back(), lock:
            pass
        for _ in range(10**5):
            pass
        lock.notified = True  # type: ignore[attr-defined]


def stopped_with_words(module: ModuleType) -> None:
    """Be interrupted and say something of it."""
    with module.stopping_on_term():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("said") from None


def failing(module: ModuleType) -> None:
    """Fail without being interrupted."""
    with module.stopping_on_term():
        raise ZeroDivisionError


def check_order(module: ModuleType) -> None:
    """One exception of the right kind, whatever is raised or signalled on the way; then all is as it was."""
    before, hook = [signal.getsignal(how) for how, _ in SIGNALS], sys.unraisablehook
    for how, kind in ((signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)):
        undone: list[signal.Signals] = []
        with pytest.raises((Terminated, KeyboardInterrupt, RuntimeError)) as told:
            stopped_within(module, how, undone)
        assert told.type is kind
        assert len(undone) == len(SIGNALS), "it was stopped while it was stopping"
        assert [signal.getsignal(how) for how, _ in SIGNALS] == before
        with pytest.raises(kind):
            stopped_unheard(module, how)
        assert [signal.getsignal(how) for how, _ in SIGNALS] == before
        lock = Signalled(how)
        with pytest.raises(kind):
            stopped_at_a_lock(module, lock)
        assert lock.acquire(blocking=False), "a lock stays taken"
        assert hasattr(lock, "notified"), "it was stopped within the outer block"
    assert sys.unraisablehook is hook
    with pytest.raises(KeyboardInterrupt, match="said"):
        stopped_with_words(module)
    with pytest.raises(ZeroDivisionError):
        failing(module)


def test_one_is_stopped_once_and_in_order() -> None:
    check_order(stopping)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    if _ASKED and threading", "    if False and threading"),
        ("signal.signal(each, signal.SIG_IGN)", "pass"),
        ("            _HANDLERS.clear()\n            _ASKED.clear()", "            _HANDLERS.clear()"),
        ("    except (KeyboardInterrupt, Terminated):\n        raise\n", ""),
        ("        again.start()\n", ""),
        ("    if not _HELD_BACK:\n        raise _ASKED[0]\n\n", "    raise _ASKED[0]\n\n"),
        ("    if _ASKED and not _HELD_BACK:", "    if _ASKED:"),
        ("    if _ASKED and not _HELD_BACK:", "    if False:"),
    ],
    ids=[
        "complaints come",
        "stopped twice",
        "stopped for ever",
        "what was said is lost",
        "lost in a destructor",
        "not held back",
        "held back by the inner block alone",
        "held back for ever",
    ],
)
def test_other_ways_to_stop_are_noticed(old: str, new: str) -> None:
    before, hook = [signal.getsignal(how) for how, _ in SIGNALS], sys.unraisablehook
    wrong = planted(stopping, old, new)
    try:
        with pytest.raises((AssertionError, KeyboardInterrupt, Terminated, pytest.fail.Exception)):
            check_order(wrong)
    finally:
        for (how, _), handler in zip(SIGNALS, before, strict=True):
            signal.signal(how, handler)
        sys.unraisablehook = hook


def check_sweep(
    module: ModuleType, how: signal.Signals, code: int, folder: Path, whole: bytes, monkeypatch: Any
) -> int:
    """A sweep that compiles in its third run is stopped there; return how many runs were kept."""
    real, played = module.outcomes_of, list[int]()

    def outcomes_of(*arguments: Any) -> Any:
        played.append(len(played))
        if len(played) == 3:
            complain(how)
        return real(*arguments)

    monkeypatch.setattr(module, "outcomes_of", outcomes_of)
    monkeypatch.setattr(sim.study, "sweep", module)
    words = ["sweep", *WORDS, f"results.dir={folder}", "engine=serial"]
    assert main(words) == code
    assert len(played) == 3, "it went on"
    (place,) = folder.iterdir()
    kept = Store(place).done(COUNT)
    assert not (kept == 2).any(), "the interruption is kept as a failure of the run"
    assert main(words) == 0
    assert bytes_of(place) == whole
    return int((kept == 1).sum())


@pytest.mark.parametrize(("how", "code"), SIGNALS)
def test_a_sweep_that_compiles_is_stopped(
    how: signal.Signals,
    code: int,
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    exercised: Exercised,
) -> None:
    kept = check_sweep(sweep, how, code, tmp_path, bytes_of(plain), monkeypatch)
    assert "clickmarket: stopped. The same command goes on from here.\n" in capsys.readouterr().err
    exercised("runs kept", kept, 1)


def test_a_failure_by_interruption_is_noticed(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = planted(sweep, "    raise_if_stopped()  #", "    pass  #")
    with pytest.raises(AssertionError):
        check_sweep(broken, signal.SIGTERM, 143, tmp_path, bytes_of(plain), monkeypatch)


@pytest.mark.parametrize(("how", "code"), SIGNALS)
def test_a_run_that_compiles_is_stopped(
    how: signal.Signals,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sim.study.run.play", lambda *_: complain(how))
    assert main(["run", *SMALL, f"results.dir={tmp_path}"]) == code
    assert capsys.readouterr().err.startswith("clickmarket: stopped. ")
