"""How wide text may be: that of the terminal, or what COLUMNS says; a hundred columns elsewhere."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

USUAL, LEAST = 100, 40
NARROWEST_LABEL = 24
GAP = 2


def width_of_text() -> int:
    """Columns for text that does not go to a terminal."""
    columns = os.environ.get("COLUMNS", "")
    return max(LEAST, min(int(columns), USUAL)) if columns.isascii() and columns.isdigit() else USUAL


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Break a line; ``first`` and ``rest`` stand before its lines. Long words stay whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def aligned(table: Sequence[Sequence[str]], width: int) -> list[str]:
    """Align columns, the first to the left, the others to the right.

    The first is broken where it must be; where too little is left for it, it has lines of its own.
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    room = width - sum(widths[1:]) - GAP * (len(widths) - 1)
    apart = room < min(widths[0], NARROWEST_LABEL)
    widths[0] = width if apart else min(widths[0], room)
    lines: list[str] = []
    for label, *cells in table:
        indent = label[: len(label) - len(label.lstrip())]
        labels = wrapped(label.strip(), widths[0], indent, f"{indent}  ") if label.strip() else []
        padded = (cell.rjust(size) for cell, size in zip(cells, widths[1:], strict=True))
        right = (" " * GAP).join(padded).rstrip()
        if apart:
            lines += labels + ([right.rjust(width)] if right else [])
        else:
            head, *more = labels or [""]
            lines += [(head.ljust(widths[0]) + " " * GAP + right).rstrip(), *more]
    return lines
