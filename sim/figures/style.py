"""How figures look: the size of a paper's column, colours safe for the colour-blind, direct labels.

Figures are made without pyplot and leave matplotlib's settings as they were. The same data give the same
bytes: SVG identifiers are salted with a constant and no date is written. Every figure carries a caption that
says what it rests on.
"""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from sim.study.result import replacing

COLUMN, PAGE = 88 / 25.4, 180 / 25.4
CAPTION_SIZE = 5.5
LINE_INCHES = CAPTION_SIZE * 1.35 / 72
PNG_DPI = 300

# Okabe and Ito's colours, without the yellow that does not show on white.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE = "#E69F00", "#56B4E9", "#CC79A7"
INK, GREY, PALE = "#222222", "#707070", "#D9D9D9"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)
GROUPS = {"north": BLUE, "south": VERMILLION, "mixed": PURPLE}

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlepad": 4,
    "axes.labelsize": 7,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.xmargin": 0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.solid_joinstyle": "round",
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "clickmarket",
}

FORMATS: Mapping[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
"""Formats of a figure's file, each with what it must not say."""

P = ParamSpec("P")


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Use the settings of this module, whatever the user's own are, and restore those afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def drawn(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function draw with the settings of this module."""

    @wraps(function)
    def wrapper(*arguments: P.args, **keywords: P.kwargs) -> Figure:
        with settings():
            return function(*arguments, **keywords)

    return wrapper


def new_figure(width: float, height: float, caption: str) -> Figure:
    """Return an empty figure (inches) with its caption at the foot; axes keep clear of the caption."""
    lines = textwrap.wrap(plain(caption), int(width * 72 / (CAPTION_SIZE * 0.58)))
    foot = (len(lines) + 0.8) * LINE_INCHES if lines else 0.0
    figure = Figure(figsize=(width, height + foot), layout="constrained")
    FigureCanvasAgg(figure)
    whole = height + foot
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, foot / whole, 1, 1 - foot / whole), w_pad=0.03, h_pad=0.03)
    at = 0.06 / width, 0.4 * LINE_INCHES / whole
    figure.text(
        *at, "\n".join(lines), size=CAPTION_SIZE, color=GREY, va="bottom", linespacing=1.2, in_layout=False
    )
    return figure


def plain(text: str) -> str:
    """Return a text that is drawn as it stands: no formula, and what cannot be printed by its number."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text).replace("$", r"\$")


def empty_figure(reason: str, caption: str) -> Figure:
    """Return a figure that only says why there is nothing to see."""
    figure = new_figure(COLUMN, 1.0, caption)
    figure.text(0.5, 0.6, reason, ha="center", color=GREY, in_layout=False)
    return figure


def caption_text(
    *, workers: int, requesters: int, days: int, start: str, seed: object, version: str, config_hash: str
) -> str:
    """Return the caption that every figure carries: what was simulated, how long, by what, which seed."""
    period = f"{days:,} days from {start}" if start else f"{days:,} days"
    return (
        f"Simulated: n = {workers:,} workers, {requesters:,} requesters, {period}. "
        f"Seed {seed}; clickmarket {version}; configuration {config_hash[:12]}."
    )


def save(figure: Figure, folder: Path, name: str, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write a figure in some formats, usually PNG and SVG, and return the paths."""
    paths = []
    settle(figure)
    for ending in formats:
        path = folder / f"{name}.{ending}"
        with replacing(path) as file:
            write(figure, file, ending)
        paths.append(path)
    return paths


def write(figure: Figure, file: BinaryIO, ending: str) -> None:
    """Write a settled figure into an open file; no date goes with it, so that the same data give the same."""
    with settings():
        figure.savefig(file, format=ending, dpi=PNG_DPI, metadata=FORMATS[ending])


def settle(figure: Figure) -> None:
    """Lay out a figure for good, to a ten-thousandth of its size.

    The solver behind the layout gives other last digits from time to time, by where things lie in memory.
    """
    with settings():
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 4), round(bottom, 4), round(width, 4), round(height, 4)))
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(x, 4), round(y, 4)))


def ink(color: str, depth: float = 0.25) -> str:
    """Return a darker shade of a colour, for text on white."""
    red, green, blue = (part * (1 - depth) for part in to_rgb(color))
    return to_hex((red, green, blue))


def tint(color: str, strength: float = 0.35) -> str:
    """Return a lighter, opaque shade of a colour, for areas."""
    red, green, blue = (1 - (1 - part) * strength for part in to_rgb(color))
    return to_hex((red, green, blue))


def scale_of(largest: float) -> tuple[float, str]:
    """Return the divisor and the word for an axis that goes up to `largest`: (1000, "thousand")."""
    for divisor, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if largest >= 2 * divisor:
            return divisor, word
    return 1.0, ""


def name_dates(axes: Axes) -> None:
    """Name three to six dates below an axis so that each is read alone: "15 Feb", at its end the year."""
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
        offset_formats=["", "%Y", "%Y", "%Y", "%Y", "%Y"],
    )
    axes.xaxis.set_major_formatter(formatter)


def end_labels(axes: Axes, ends: Sequence[tuple[float, str, str]], gap: float = 0.13) -> None:
    """Write the names of lines at the right of the axes, at the height where each ends.

    `ends` holds (y, text, colour); the y limits must be final. Labels keep `gap` of the height of the axes
    apart.
    """
    low, high = axes.get_ylim()
    wanted = [(y - low) / (high - low) for y, _, _ in ends]
    for height, (_, text, color) in zip(spread(wanted, gap), ends, strict=True):
        axes.annotate(
            text,
            (1, height),
            xycoords="axes fraction",
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=ink(color),
            annotation_clip=False,
        )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return positions near those wanted, in the same order, at least `gap` apart."""
    order = np.argsort(wanted, kind="stable")
    placed = np.array(wanted, dtype=float)[order]
    for _ in range(100):
        close = np.diff(placed) < gap - 1e-9
        if not close.any():
            break
        push = np.where(close, (gap - np.diff(placed)) / 2, 0.0)
        placed[:-1] -= push
        placed[1:] += push
    result = np.empty(len(placed))
    result[order] = placed
    return [float(position) for position in result]
