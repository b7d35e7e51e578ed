"""The attribute `plot` of every result; figures stand a floor above results and are put in from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Drawable:
    """A result of which figures can be drawn: ``result.plot.forest()``; ``result.plot`` lists them."""

    @property
    def plot(self) -> Any:
        """The figures of this result, by name (`sim.figures.gallery.Plots`)."""
        return _open(self)


_open: Callable[[Any], Any]  # set by `sim` itself, which is imported before any of its modules


def open_with(gallery: Callable[[Any], Any]) -> None:
    """Say what makes a result's attribute `plot`."""
    global _open  # noqa: PLW0603 - the one place where the floors meet
    _open = gallery
