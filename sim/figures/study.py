"""Figures of a sweep: which settings matter, how an outcome answers to one or two of them, what is best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from sim.figures import style
from sim.figures.tile_map import COLORS
from sim.study import remarks
from sim.study.reading import Sweep

MOST_SETTINGS = 20
Floats = NDArray[np.float64]

MOST_TICKS = 8
"""Values of a setting that a map names on each side."""


def caption_of(sweep: Sweep, more: str = "") -> str:
    """Return what every figure of a sweep rests on."""
    study, manifest = sweep.manifest["study"], sweep.manifest
    failed = int((sweep.experiments["status"] == "failed").sum())
    left_out = f", {failed} failed and left out" if failed else ""
    unfunded = "Unfunded experiments are no taxes. " if remarks.of_sweep(study) else ""
    more += unfunded
    return (
        f"{more}Simulated: {len(sweep.experiments):,} runs, design {study['design']}, {study['seeds']} seeds"
        f" a point{left_out}; clickmarket {manifest['version']}; sweep {manifest['identity'][:12]}."
    )


def label_of(sweep: Sweep, outcome: str) -> str:
    """Return an outcome with its unit."""
    unit = sweep.manifest["units"].get(outcome, "")
    told = unit and unit != "1" and unit not in outcome.split("_")
    return f"{outcome.replace('_', ' ')}{f' ({unit})' if told else ''}"


@style.drawn
def tornado(sweep: Sweep, outcome: str, table: pd.DataFrame) -> Figure:
    """Draw how much each setting matters, the most important on top; `table` is `analysis.sensitivity`'s."""
    shown = table.head(MOST_SETTINGS).iloc[::-1]
    design = sweep.manifest["study"]["design"]
    what = {
        "saltelli": "share of variance (dark: alone, light: with interactions)",
        "morris": f"mean effect over the whole range, {label_of(sweep, outcome)}",
    }.get(design, f"highest less lowest tenth, {label_of(sweep, outcome)}")
    figure = style.new_figure(style.PAGE, 0.6 + 0.2 * len(shown), caption_of(sweep, "Bars: 95 % intervals. "))
    axes = figure.subplots()
    places = np.arange(len(shown))
    values = shown["index"].to_numpy(np.float64)
    if "total" in shown:
        axes.barh(places, shown["total"], 0.62, color=style.tint(style.BLUE), zorder=1)
    colors = [style.BLUE if value >= 0 else style.VERMILLION for value in values]
    axes.barh(places, values, 0.62, color=colors, zorder=2)
    low, high = (shown[name].to_numpy(np.float64) for name in ("low", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    axes.hlines(places[known], low[known], high[known], color=style.INK, linewidth=0.8, zorder=3)
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    axes.set_yticks(places, shown["setting"])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(what)
    axes.set_title(f"What {outcome.replace('_', ' ')} depends on")
    axes.margins(x=0.05)
    return figure


@style.drawn
def curve(sweep: Sweep, outcome: str, table: pd.DataFrame, top: dict[str, float] | None = None) -> Figure:
    """Draw an outcome along a setting with its interval; `top` marks the peak (`analysis.peak`)."""
    x = str(table.columns[0])
    figure = style.new_figure(
        style.COLUMN, 2.3, caption_of(sweep, "Shaded: 95 % interval of the mean over all other settings. ")
    )
    axes = figure.subplots()
    numbers = pd.api.types.is_numeric_dtype(table[x])
    places = table[x].to_numpy(np.float64) if numbers else np.arange(len(table), dtype=np.float64)
    axes.fill_between(places, table["low"], table["high"], color=style.tint(style.BLUE), linewidth=0)
    axes.plot(places, table["mean"], color=style.BLUE, marker="o", markersize=2.5)
    if not numbers:
        axes.set_xticks(places, table[x].astype(str), rotation=20, ha="right")
    if table["mean"].nunique() == 1 < len(table):
        axes.set_title("The same wherever it was tried")
    elif top is not None:
        axes.axvspan(top["low"], top["high"], color=style.PALE, zorder=0, linewidth=0)
        axes.axvline(top["at"], color=style.VERMILLION, linewidth=0.8)
        where = "Highest at the end of what was tried" if top["at_end"] else f"Peak at {top['at']:.3g}"
        axes.set_title(f"{where}\n(95 %: {top['low']:.3g} to {top['high']:.3g})")
    axes.set_xlabel(x)
    axes.set_ylabel(label_of(sweep, outcome))
    axes.margins(x=0.02)
    return figure


@style.drawn
def heat_map(sweep: Sweep, outcome: str, table: pd.DataFrame) -> Figure:
    """Draw an outcome over two settings, with contours where both are numbers."""
    x, y = (str(name) for name in table.columns[:2])
    grid = table.pivot_table(index=y, columns=x, values="mean")
    figure = style.new_figure(style.COLUMN, 2.6, caption_of(sweep))
    axes = figure.subplots()
    values = grid.to_numpy(np.float64)
    low, high = np.nanmin(values), np.nanmax(values)
    signed = low < 0 < high
    most = max(-low, high)
    limits: dict[str, Any] = {"cmap": "PuOr", "vmin": -most, "vmax": most} if signed else {"cmap": "viridis"}
    image = axes.imshow(values, origin="lower", aspect="auto", **limits)
    if min(values.shape) > 2 and np.isfinite(values).all() and low < high:
        color, around = (style.INK, "white") if signed else ("white", style.INK)
        lines = axes.contour(values, 5, colors=color, linewidths=0.6)
        lines.set_path_effects([withStroke(linewidth=1.2, foreground=around)])  # white on yellow is not seen
        for text in axes.clabel(lines, fontsize=5.5, fmt=lambda level: f"{level:,.4g}"):
            text.set_path_effects([withStroke(linewidth=1.0, foreground=around)])
    for set_ticks, known in ((axes.set_xticks, grid.columns), (axes.set_yticks, grid.index)):
        every = -(-len(known) // MOST_TICKS)  # so that they can be read
        set_ticks(range(0, len(known), every), [_tick(value) for value in known[::every]])
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["left", "bottom"]].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(label_of(sweep, outcome))
    bar.outline.set_visible(False)
    return figure


@style.drawn
def ratio_map(sweep: Sweep, outcome: str, table: pd.DataFrame, theory: pd.DataFrame | None = None) -> Figure:
    """Draw a ratio over two settings, blue above 1 and red below, with the boundary at 1.

    ``theory`` is a table of the same settings whose own boundary is drawn dashed.
    """
    x, y = (str(name) for name in table.columns[:2])
    grid = table.pivot_table(index=y, columns=x, values="mean")
    logs = np.log2(grid.to_numpy(np.float64))
    most = max(0.2, float(np.nanmax(np.abs(logs))))
    lines = "Line: boundary between growth and decline. "
    if theory is not None:
        lines += "Dashed: by stock and automation alone. "
    figure = style.new_figure(style.COLUMN, 2.7, caption_of(sweep, f"Numbers: mean over seeds. {lines}"))
    axes = figure.subplots()
    image = axes.imshow(logs, origin="lower", aspect="auto", cmap=COLORS, vmin=-most, vmax=most)
    for (row, column), value in np.ndenumerate(grid.to_numpy(np.float64)):
        color = "white" if abs(logs[row, column]) > 0.55 * most else style.INK
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", size=6, color=color)
    _boundary(axes, logs, "solid")
    if theory is not None:
        other = theory.pivot_table(index=y, columns=x, values="mean").reindex_like(grid)
        _boundary(axes, np.log2(other.to_numpy(np.float64)), "dashed")
    axes.set_xticks(range(len(grid.columns)), [_tick(value) for value in grid.columns])
    axes.set_yticks(range(len(grid.index)), [_tick(value) for value in grid.index])
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["left", "bottom"]].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(f"{label_of(sweep, outcome)}, log2 of times")
    bar.outline.set_visible(False)
    return figure


def _boundary(axes: Axes, logs: Floats, dashes: str) -> None:
    """Draw where a ratio is 1, if it is on both sides of it."""
    if min(logs.shape) > 1 and np.isfinite(logs).all() and logs.min() < 0 < logs.max():
        axes.contour(logs, [0.0], colors=style.INK, linewidths=1.1, linestyles=dashes)


@style.drawn
def front(sweep: Sweep, goals: dict[str, int], table: pd.DataFrame) -> Figure:
    """Draw points by two goals, and those that no other beats in both (`analysis.pareto`)."""
    x, y = list(goals)[:2]
    figure = style.new_figure(
        style.COLUMN, 2.5, caption_of(sweep, "Filled: no other point is better in both. ")
    )
    axes = figure.subplots()
    best = table[table["front"]].sort_values(x)
    axes.scatter(table[x], table[y], s=8, facecolor="none", edgecolor=style.GREY, linewidth=0.6)
    axes.plot(best[x], best[y], color=style.VERMILLION, linewidth=0.8, marker="o", markersize=3.5)
    for name, sign, set_label in ((x, goals[x], axes.set_xlabel), (y, goals[y], axes.set_ylabel)):
        set_label(f"{label_of(sweep, name)}, {'more' if sign > 0 else 'less'} is better")
    axes.margins(0.05)
    return figure


@style.drawn
def box(sweep: Sweep, outcome: str, above: float, table: pd.DataFrame) -> Figure:
    """Draw what a box leaves of each setting's range; `table` is `analysis.discover`'s."""
    shown, found = table.iloc[::-1], table.attrs
    figure = style.new_figure(
        style.PAGE, 0.7 + 0.26 * len(shown),
        caption_of(
            sweep,
            f"Thin: all that was tried. Inside the box {found['share_inside']:.0%} of"
            f" {found['points_inside']:,} points lie above, of all points {found['share_of_all']:.0%}. ",
        ),
    )  # fmt: skip
    axes = figure.subplots()
    for place, row in enumerate(shown.to_dict("records")):
        color = style.BLUE if row["restricted"] else style.GREY
        whole = sweep.experiments[row["setting"]]
        axes.hlines(place, 0, 1, color=style.GREY, linewidth=0.6)
        if row["values"]:
            choices = sorted(set(whole.map(str)))
            kept = [choice for choice in choices if choice in row["values"].split(", ")]
            for choice in kept:
                where = (choices.index(choice) + 0.5) / len(choices)
                axes.hlines(
                    place, where - 0.4 / len(choices), where + 0.4 / len(choices), color=color, linewidth=5
                )
            text = row["values"]
        else:
            low, width = whole.min(), max(whole.max() - whole.min(), 1e-300)
            ends = (row["low"] - low) / width, (row["high"] - low) / width
            axes.hlines(place, max(0, ends[0] - 0.01), min(1, ends[1] + 0.01), color=color, linewidth=5)
            text = (
                f"{row['low']:.3g} to {row['high']:.3g}" if row["low"] < row["high"] else f"{row['low']:.3g}"
            )
        axes.text(1.02, place, text, va="center", fontsize=6, color=style.INK)
    axes.set_yticks(range(len(shown)), shown["setting"])
    axes.set_xticks([0, 1], ["lowest or first", "highest or last"])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title(f"Where {label_of(sweep, outcome)} lies above {above:.4g}")
    return figure


@style.drawn
def seeds_needed(sweep: Sweep, table: pd.DataFrame, half: float) -> Figure:
    """Draw how wide the interval of a point's mean is with more seeds (`analysis.replications`)."""
    from sim.study.analysis import relative_half

    figure = style.new_figure(
        style.COLUMN, 2.4, caption_of(sweep, "Filled: the seeds there are. Deviation pooled over points. ")
    )
    axes = figure.subplots()
    finite = table[np.isfinite(table["seeds_needed"]) & (table["deviation"] > 0)]
    for row, color in zip(finite.to_dict("records"), style.CYCLE * len(finite), strict=False):
        now, needed = int(row["seeds_now"]), int(row["seeds_needed"])
        seeds = sorted({2, now, *np.geomspace(2, 1.5 * max(needed, now), 60).astype(int).tolist()})
        widths = [relative_half(row["deviation"], row["mean"], number) for number in seeds]
        axes.plot(seeds, widths, color=color, label=f"{row['outcome'].replace('_', ' ')}: {needed:,} seeds")
        axes.plot([now], [row["half_width_now"]], color=color, marker="o", markersize=3.5)
    axes.axhline(half, color=style.GREY, linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("seeds a point")
    axes.set_ylabel("half-width (share of the mean)")
    axes.margins(x=0.04)
    if len(finite):
        axes.legend(frameon=False, loc="upper right")
    axes.set_title(f"Seeds for 95 % intervals of ± {100 * half:.3g} %")
    return figure


def _tick(value: Any) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else style.plain(str(value))
    )
