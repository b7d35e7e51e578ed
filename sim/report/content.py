"""What a page is made of: sentences, tables, pictures; every number keeps the value that its file has."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from matplotlib.figure import Figure

from sim.figures import style
from sim.money import MICRO, short_usd

LONGEST_VECTOR = 600_000
"""Bytes up to which a picture is drawn with lines; one of more is made of points."""

NO_VALUE = "–"
POINTS = "difference of shares"
PER_CENT = {"share": "%", POINTS: "pp"}
"""How shares are shown, and differences of shares: percentage points."""

IN_WORDS = {
    " k": " thousand",
    " m": " million",
    " bn": " billion",
    " tn": " trillion",
    " pp": " percentage points",
}


@dataclass(frozen=True)
class Number:
    """A number as it is shown, and as the file has it."""

    value: float
    text: str


Part: TypeAlias = "str | Number"
Words: TypeAlias = tuple[Part, ...]
"""A sentence or a cell."""


@dataclass(frozen=True)
class Table:
    """A table; columns after the first ``texts`` hold numbers and are set to the right.

    Rows of a ``counted`` one are headed by a number, which needs little room.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Words]]
    note: str = ""
    texts: int = 1
    small: bool = False
    counted: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure with what it shows; ``source`` is a data address."""

    name: str
    about: str
    source: str
    wide: bool


@dataclass(frozen=True)
class Code:
    """A command or a file to be copied, with a sentence before it."""

    before: str
    text: str


@dataclass(frozen=True)
class Points:
    """Sentences of a summary that belong together, below a line that says what they are about."""

    lead: Words
    items: Sequence[Words]


@dataclass
class Page:
    """A page about a result, in the order in which it is read."""

    title: str
    subtitle: str
    summary: list[Words] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    cautions: list[Words] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    assumptions: list[Words] = field(default_factory=list)
    assumed: list[Table] = field(default_factory=list)
    standing: list[Words] = field(default_factory=list)
    standing_table: Table | None = None
    reproduce: list[Code] = field(default_factory=list)
    provenance: list[Table] = field(default_factory=list)
    details: list[Table] = field(default_factory=list)


def say(template: str, *filled: Part | Words) -> Words:
    """Return a sentence of ours with parts in the places of `{}`; braces within parts mean nothing."""
    first, *others = template.split("{}")
    parts: list[Part] = [first]
    for part, text in zip(filled, others, strict=True):
        parts += [*part, text] if isinstance(part, tuple) else [part, text]
    return tuple(in_words(part) for part in parts if part != "")


# ---------------------------------------------------------------- numbers


def number(value: float | None, unit: str = "", digits: int = 3, sign: bool = False) -> Part:
    """Return a number with so many figures; shares in per cent, large ones in short; a dash for none."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    plus = "+" if sign and value > 0 else ""
    if unit in PER_CENT:
        return Number(value, f"{plus}{_figures(100 * value, digits)} {PER_CENT[unit]}")
    return Number(value, plus + _figures(value, digits))


def _figures(value: float, digits: int) -> str:
    """Write a number with so many figures, in short from a hundred thousand on."""
    size = abs(value)
    if size >= 99_999.5:
        return short_usd(round(value * MICRO))
    if not size or size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    decimals = digits - 1 - math.floor(math.log10(size))
    return f"{value:,.{decimals}f}" if decimals <= 6 else f"{value:.{digits - 1}e}"


def span(low: float | None, high: float | None, unit: str = "", digits: int = 3, sign: bool = False) -> Words:
    """Return an interval; a dash where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return (NO_VALUE,)
    return number(low, unit, digits, sign), " to ", number(high, unit, digits, sign)


def difference_of(unit: str) -> str:
    """Return the unit of a difference between two numbers of a unit."""
    return POINTS if unit == "share" else unit


def in_words(part: Part) -> Part:
    """Return a number as it stands in a sentence, without short signs."""
    if isinstance(part, str):
        return part
    short = next((end for end in IN_WORDS if part.text.endswith(end)), "")
    return Number(part.value, part.text.removesuffix(short) + IN_WORDS.get(short, ""))


def count(value: float) -> Number:
    """Return a whole number."""
    return Number(value, f"{value:,.0f}")


def unit_told(unit: str) -> str:
    """Return a unit for a head or a sentence; shares are in per cent."""
    return {"share": "%", "1": ""}.get(unit, unit)


# ---------------------------------------------------------------- texts and pictures


def clean(text: str) -> str:
    """Return a text without characters that would act on who reads it: controls are shown by number."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def picture(figure: Figure, name: str, about: str) -> Picture:
    """Make a figure part of a page: an SVG inside the page's own text, or a PNG where that is large."""
    style.settle(figure)
    content = _drawn(figure, "svg")
    kind = "svg+xml" if len(content) <= LONGEST_VECTOR else "png"
    content = content if kind == "svg+xml" else _drawn(figure, "png")
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
    return Picture(name, about, source, figure.get_figwidth() > (style.COLUMN + style.PAGE) / 2)


def _drawn(figure: Figure, ending: str) -> bytes:
    file = io.BytesIO()
    style.write(figure, file, ending)
    return file.getvalue()


def pairs(title: str, rows: Iterable[tuple[str, str]], small: bool = False) -> Table:
    """Return a table of names and texts."""
    return Table(title, ("", ""), [((name,), (text,)) for name, text in rows], texts=2, small=small)
