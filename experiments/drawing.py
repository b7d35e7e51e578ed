"""Figures that several experiments share, in the house's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from experiments.verdict import FAILS, HOLDS, Finding
from sim.figures import style
from sim.study.analysis import mean_and_interval

COLORS = {HOLDS: style.BLUE, FAILS: style.VERMILLION}
Floats = NDArray[np.float64]
MOST_TICKS = 8
MOST_MARKED = 30
"""Places up to which a line is of runs, each of which has a mark; one of more is of a formula."""


def shape(value: float) -> str:
    """Return a number for a tick."""
    return f"{value:.4g}"


@style.drawn
def findings_figure(findings: Sequence[Finding], title: str, caption: str) -> Figure:
    """Draw findings below each other: each a panel with its bound, intervals coloured by the answer."""
    statements = dict.fromkeys((one.claim, one.statement) for one in findings)
    groups = [[one for one in findings if (one.claim, one.statement) == which] for which in statements]
    sizes = [len(group) + 1.6 for group in groups]
    legend = "Blue: holds; red: fails; grey: undecided. Line: the bound. "
    figure = style.new_figure(style.PAGE, 0.5 + 0.17 * sum(sizes), legend + caption)
    panels = np.atleast_1d(figure.subplots(len(groups), 1, gridspec_kw={"height_ratios": sizes}))
    for axes, group in zip(panels, groups, strict=True):
        known = [one for one in group if np.isfinite(one.value)]
        for place, one in enumerate(reversed(group)):
            color = COLORS.get(one.answer, style.GREY)
            if not np.isfinite(one.value):
                continue
            if np.isfinite(one.low):
                axes.hlines(place, one.low, one.high, color=color, linewidth=1.4)
            axes.plot([one.value], [place], "o", color=color, markersize=3.2)
        axes.axvline(group[0].bound, color=style.INK, linewidth=0.7)
        axes.set_yticks(range(len(group)), [one.where for one in reversed(group)])
        axes.set_ylim(-0.7, len(group) - 0.3)
        axes.tick_params(axis="y", length=0)
        unit = f" ({group[0].unit})" if group[0].unit else ""
        axes.set_title(f"{group[0].claim}: {group[0].statement}{unit}", fontsize=6.5, wrap=True)
        axes.margins(x=0.06)
        if not known:
            axes.set_xticks([])
    figure.suptitle(title, size=8, weight="bold", x=0.01, ha="left")
    return figure


@style.drawn
def curves_figure(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[Floats]]]],
    axis: Mapping[str, str],
    caption: str,
    marks: Mapping[str, Sequence[tuple[float, str, str]]] | None = None,
    logarithmic: bool = False,
) -> Figure:
    """Draw outcomes along a setting with their intervals.

    Parameters
    ----------
    panels
        For each panel, lines by name: places, and the values of all seeds at each.
    axis
        Keys `x` and `y` hold the labels.
    marks
        For each panel, (place, label, colour) of lines to draw upright.
    """
    count = len(panels)
    figure = style.new_figure(min(style.PAGE, 0.6 + 3.0 * count), 2.5, caption)
    for axes, (title, lines) in zip(np.atleast_1d(figure.subplots(1, count)), panels.items(), strict=True):
        for (name, (places, values)), color in zip(lines.items(), style.CYCLE, strict=False):
            found = np.array([mean_and_interval(one) for one in values])
            axes.fill_between(places, found[:, 1], found[:, 2], color=color, alpha=0.18, linewidth=0)
            simulated = len(places) <= MOST_MARKED
            axes.plot(
                places, found[:, 0], color=color, label=name, marker="o" if simulated else "",
                markersize=2.2, linewidth=1.2 if simulated else 0.8, zorder=3 if simulated else 2,
            )  # fmt: skip
        for at, label, color in (marks or {}).get(title, []):
            if np.isfinite(at):
                axes.axvline(at, color=color, linewidth=0.8, linestyle="--", label=label)
        if logarithmic:
            places, _ = next(iter(lines.values()))
            shown = places if len(places) <= MOST_TICKS else []
            axes.set_xscale("log")
            if shown:
                axes.set_xticks(shown, [shape(place) for place in shown])
                axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title(title)
        axes.set_xlabel(axis["x"])
        axes.set_ylabel(axis["y"])
        axes.margins(x=0.03)
        if len(lines) > 1 or (marks or {}).get(title):
            # Above the panel: inside it, a legend would lie on lines somewhere.
            axes.legend(
                frameon=False, fontsize=5.8, loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2,
                handlelength=1.4, columnspacing=1.0,
            )  # fmt: skip
    return figure


@style.drawn
def map_figure(
    panels: Mapping[str, NDArray[Any]],
    xs: Sequence[float],
    ys: Sequence[float],
    labels: Mapping[str, str],
    boundary: Mapping[str, NDArray[Any]],
    caption: str,
) -> Figure:
    """Draw maps of the logarithm of a ratio: blue above 1, red below, white at it.

    `boundary` holds, for each panel, values whose line at 1 is drawn: where theory puts the boundary.
    """
    count = len(panels)
    figure = style.new_figure(style.PAGE, 2.5, caption)
    most = max(0.2, *(float(np.nanmax(np.abs(np.log(values)))) for values in panels.values()))
    image = None
    for axes, (title, values) in zip(np.atleast_1d(figure.subplots(1, count)), panels.items(), strict=True):
        image = axes.imshow(np.log(values), origin="lower", aspect="auto", cmap="RdBu", vmin=-most, vmax=most)
        for row in range(len(ys)):
            for column in range(len(xs)):
                axes.text(
                    column, row, f"{values[row, column]:.2f}", ha="center", va="center", fontsize=5.8,
                    color="white" if abs(np.log(values[row, column])) > 0.6 * most else style.INK,
                )  # fmt: skip
        line = boundary.get(title)
        if line is not None and min(line.shape) > 1 and line.min() < 1.0 < line.max():
            axes.contour(np.log(line), [0.0], colors=style.INK, linewidths=1.1)
        axes.set_xticks(range(len(xs)), [shape(value) for value in xs])
        axes.set_yticks(range(len(ys)), [shape(value) for value in ys])
        axes.set_xlabel(labels["x"])
        axes.set_ylabel(labels["y"])
        axes.set_title(title, fontsize=6.5)
    if image is not None:
        bar = figure.colorbar(image, ax=figure.axes, pad=0.02)
        bar.set_label(labels["z"])
        bar.outline.set_visible(False)
    return figure
