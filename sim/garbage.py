"""Python's collector of garbage, which walks all that lives; next to nothing here becomes garbage in circles.

A start makes modules and agents by the hundred thousand, and they stay. At Python's own pace a tenth of it,
and some hundredths of a market with everything on, go into looking through them in vain.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import threading
from collections.abc import Iterator

NEW_OBJECTS = 50_000
"""Objects made, less those gone, between two rounds of the collector; Python's own number is 700."""


def collect_seldom() -> None:
    """Let a process that is ours alone collect seldom from now on, and not at all when it ends."""
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


class _Pause:
    """How many blocks want no collector at present, in all threads, and whether there was one before them."""

    turn = threading.Lock()
    blocks = 0
    was_on = True


@contextlib.contextmanager
def not_collecting() -> Iterator[None]:
    """Collect nothing inside the block; once the last such block of all threads has ended, as before."""
    with _Pause.turn:
        if not _Pause.blocks:
            _Pause.was_on = gc.isenabled()
        _Pause.blocks += 1
        gc.disable()
    try:
        yield
    finally:
        with _Pause.turn:
            _Pause.blocks -= 1
            if _Pause.was_on and not _Pause.blocks:
                gc.enable()
