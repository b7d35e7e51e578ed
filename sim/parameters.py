"""How a parameter is declared: a field of a dataclass that carries its unit, range, meaning and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any


def parameter(
    default: Any = None,
    *,
    meaning: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    source: str = "",
    choices: tuple[str, ...] | None = None,
    assumed: bool = False,
    default_factory: Callable[[], Any] | None = None,
) -> Any:
    """Declare a parameter: a dataclass field that carries its unit, range, meaning and source."""
    metadata = {
        "meaning": meaning,
        "unit": unit,
        "low": low,
        "high": high,
        "source": source,
        "choices": choices,
        "assumed": assumed,
    }
    if default_factory is not None:
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def assumed(default: Any, low: float, high: float, meaning: str, unit: str = "") -> Any:
    """Declare a number without a source; it has a range and belongs in the sensitivity analysis."""
    return parameter(default, meaning=meaning, unit=unit, low=low, high=high, assumed=True)
