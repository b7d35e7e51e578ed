"""Being asked to stop, by Ctrl+C or SIGTERM: what is going on ends in order, and says so in a sentence."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from sim.errors import Terminated

AGAIN_SECONDS = 0.05
"""Time after which a stop that was lost is tried once more."""

_ASKED: list[type[BaseException]] = []
"""What the signal that has come stands for, from then until the outermost block has ended."""

_HANDLERS: dict[signal.Signals, object] = {}
"""Handlers of before the outermost block."""

_HELD_BACK: list[bool] = []
"""A place for each block that the main thread is in and in which nothing may be raised."""


@contextlib.contextmanager
def stopping_on_term() -> Iterator[None]:
    """Let SIGTERM stop what is going on as Ctrl+C does; only the main thread can see to that.

    Whoever is stopping is not stopped again: a second signal would leave half of it undone. What is raised on
    the way out says nothing: a compiler that is interrupted may complain of what it has not finished.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outermost, hook = not _HANDLERS, sys.unraisablehook
    if outermost:
        _listen()
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        raise
    except BaseException:
        raise_if_stopped()
        raise
    finally:
        if outermost:
            for each, handler in _HANDLERS.items():
                signal.signal(each, handler)  # type: ignore[arg-type]
            sys.unraisablehook = hook
            _HANDLERS.clear()
            _ASKED.clear()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let a signal stop what is going on at the end of the block, not within.

    For what takes locks that others wait for, as those of futures: one that is raised as a lock has just been
    taken leaves it taken for ever. Blocks must be short, so that the signal is heard soon.
    """
    if _ASKED or threading.current_thread() is not threading.main_thread():
        yield
        return
    _HELD_BACK.append(True)
    try:
        yield
    finally:
        _HELD_BACK.pop()
    if _ASKED and not _HELD_BACK:
        raise _ASKED[0]


def raise_if_stopped() -> None:
    """Raise what the user's signal stands for, if one has come, in the place of what it has led to."""
    if _ASKED and threading.current_thread() is threading.main_thread():
        raise _ASKED[0] from None


def _listen() -> None:
    """Hear SIGTERM; and Ctrl+C, unless whoever started this process has it ignored."""
    _HANDLERS[signal.SIGTERM] = signal.getsignal(signal.SIGTERM)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _HANDLERS[signal.SIGINT] = signal.default_int_handler
    for each in _HANDLERS:
        signal.signal(each, _stop)


def _stop(number: int, _: object) -> None:
    for each in _HANDLERS:
        signal.signal(each, signal.SIG_IGN)
    sys.unraisablehook = _heard_by_nobody
    _ASKED.append(Terminated if number == signal.SIGTERM else KeyboardInterrupt)
    if not _HELD_BACK:
        raise _ASKED[0]


def _heard_by_nobody(lost: Any) -> None:
    """Stop once more if the signal came where nothing can be raised, as in a destructor; else be silent."""
    if _ASKED and issubclass(lost.exc_type, _ASKED[0]):
        signal.signal(signal.SIGTERM, _stop_again)
        again = threading.Timer(AGAIN_SECONDS, _thread.interrupt_main, (signal.SIGTERM,))
        again.daemon = True
        again.start()


def _stop_again(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not _HELD_BACK:
        raise _ASKED[0]
