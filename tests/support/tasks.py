"""Tasks for a crew of processes: they must be found in a module."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def doubled(number: int, rules: Any, advance: Callable[[], None]) -> int:
    """Tell of two days and return twice the number."""
    advance()
    advance()
    return 2 * number


def refused(message: str, rules: Any, advance: Callable[[], None]) -> None:
    """Fail in words."""
    raise ValueError(message)


def dying(code: int, rules: Any, advance: Callable[[], None]) -> None:
    """End the process without a word."""
    os._exit(code)


def forever(rules: Any, advance: Callable[[], None]) -> None:
    """Say that work has begun, and never end."""
    advance()
    while True:
        pass


def nothing(*_: object) -> None:
    """Do nothing, in the place of something that matters."""
