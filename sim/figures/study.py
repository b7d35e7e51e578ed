"""Figures of a sweep: which settings matter, how an outcome answers to one or two of them, what is best."""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from sim.config import Config
from sim.errors import UserError
from sim.figures import style
from sim.figures.tile_map import COLORS
from sim.study import remarks
from sim.study.points import Composer, Study, unit_of
from sim.study.reading import Sweep, in_order

MOST_SETTINGS = 20
Floats = NDArray[np.float64]

MOST_TICKS = 8
"""Values of a setting that a map names below it, and half of those beside it."""

LETTERS = 38
"""Letters that fit along a side of a narrow figure."""

LETTER_INCHES = 0.047
NAMES_INCHES = 2.1
"""Width of a letter of a tick's label, and of the axis of a narrow figure."""


def caption_of(sweep: Sweep, more: str = "", outcomes: Sequence[str] = ()) -> str:
    """Return what every figure of a sweep rests on, and whether some outcomes lack seeds at some points."""
    from sim.study.analysis import fewer_seeds

    study, manifest = sweep.manifest["study"], sweep.manifest
    failed = int((sweep.experiments["status"] == "failed").sum())
    left_out = f", {failed} failed and left out" if failed else ""
    unfunded = "Unfunded experiments are no taxes. " if remarks.of_sweep(study) else ""
    fewer = fewer_seeds(sweep, outcomes) if outcomes else ""
    more += f"{fewer} {unfunded}" if fewer else unfunded
    return (
        f"{more}Simulated: {len(sweep.experiments):,} runs, design {study['design']}, {played(sweep)}"
        f"{left_out}; clickmarket {manifest['version']}; sweep {manifest['identity'][:12]}."
    )


def played(sweep: Sweep) -> str:
    """Say what each run of a sweep is: workers, days, warm-up; and how many seeds, and which.

    What varies is said to vary; workers and days are left out if files that the study names are gone.
    """
    count, known = sweep.manifest["study"]["seeds"], sweep.experiments["seed"]
    which = f"{known.min()} to {known.max()}" if known.min() < known.max() else f"{known.min()}"
    told = _sizes(json.dumps(sweep.manifest["study"]))
    return f"{told}{', ' * bool(told)}{count} seed{'s' * (count > 1)} a point ({which})"


@functools.lru_cache(maxsize=16)  # every figure of a sweep asks, and to compose takes a moment
def _sizes(study_as_json: str) -> str:
    study = Study.from_plain(json.loads(study_as_json))
    try:
        composer = Composer(study)
        ends = [composer.config_of_point(number) for number in (0, len(composer.points) - 1)]
    except UserError:
        return ""
    varied = {axis.path for axis in study.axes}

    def of(path: str, unit: str, value: Callable[[Config], int]) -> str:
        same = path not in varied and value(ends[0]) == value(ends[1])
        return f"{value(ends[0]):,} {unit}" if same else f"{unit} varied"

    workers = of("workers.count", "workers", lambda config: config.workers.count)
    days = of("time.days", "days", lambda config: config.time.days)
    warmup = of("time.warmup_days", "days of warm-up", lambda config: config.time.warmup_days)
    after = ", days of warm-up varied" if "varied" in warmup else f" after {warmup.replace(' days', '')}"
    return f"{workers}, {days}{after}"


def label_of(sweep: Sweep, outcome: str) -> str:
    """Return an outcome with its unit."""
    unit = sweep.manifest["units"].get(outcome, "")
    told = unit and unit != "1" and unit not in outcome.split("_")
    return f"{outcome.replace('_', ' ')}{f' ({unit})' if told else ''}"


def setting_of(path: str, letters: int = 1_000) -> str:
    """Return a setting with the unit that it is declared with, in two lines if one would be too long."""
    unit = unit_of(path)
    told = f"{path} ({unit})" if unit else path
    return told if len(told) <= letters else told.replace(" (", "\n(", 1)


@style.drawn
def tornado(sweep: Sweep, outcome: str, table: pd.DataFrame) -> Figure:
    """Draw how much each setting matters, the most important on top; `table` is `analysis.sensitivity`'s."""
    shown = table.head(MOST_SETTINGS).iloc[::-1]
    design = sweep.manifest["study"]["design"]
    what = {
        "saltelli": "share of variance (dark: alone, light: with interactions)",
        "morris": f"mean effect over the whole range{_of_choices(sweep)}, {label_of(sweep, outcome)}",
    }.get(design, f"{_ends_of(sweep)}, {label_of(sweep, outcome)}")
    bars = (
        f"Bars: 95 % intervals{', grey of the light part' * ('total' in shown)}. "
        if np.isfinite(shown["low"]).any()
        else "One point at each end, or all alike: no interval. "
    )
    figure = style.new_figure(style.PAGE, 0.6 + 0.2 * len(shown), caption_of(sweep, bars, [outcome]))
    axes = figure.subplots()
    places = np.arange(len(shown))
    values = shown["index"].to_numpy(np.float64)
    if "total" in shown:
        axes.barh(places, shown["total"], 0.62, color=style.tint(style.BLUE), zorder=1)
        low, high = (shown[name].to_numpy(np.float64) for name in ("total_low", "total_high"))
        axes.hlines(places - 0.2, low, high, color=style.GREY, linewidth=0.8, zorder=3)
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


def _of_choices(sweep: Sweep) -> str:
    """Say that the effect of a group is that of another choice, if one varies."""
    numbers = [pd.api.types.is_numeric_dtype(sweep.experiments[axis]) for axis in sweep.axes]
    return "" if all(numbers) else " (of groups: of another choice)"


def _ends_of(sweep: Sweep) -> str:
    """Say in few words what is compared where a design has no index of its own."""
    numbers = [pd.api.types.is_numeric_dtype(sweep.experiments[axis]) for axis in sweep.axes]
    if all(numbers):
        return "highest less lowest tenth"
    return "highest less lowest tenth (of groups: choice)" if any(numbers) else "highest less lowest choice"


@style.drawn
def curve(sweep: Sweep, outcome: str, table: pd.DataFrame, top: dict[str, float] | None = None) -> Figure:
    """Draw an outcome along a setting with its interval; `top` marks the peak (`analysis.peak`)."""
    from sim.study.analysis import ONE_SEED, peak_told

    x = str(table.columns[0])
    sure = bool(np.isfinite(table["low"]).any())
    over = "seeds and over which points fell where" if table.attrs.get("drawn") else "seeds"
    band = f"Shaded: 95 % interval over {over}, of the mean over all other settings. "
    numbers = pd.api.types.is_numeric_dtype(table[x])
    names = [] if numbers else [_tick(value) for value in table[x]]
    told = band if sure else f"{ONE_SEED.capitalize()}. "
    figure = style.new_figure(style.COLUMN, 2.3 + _foot(names), caption_of(sweep, told, [outcome]))
    axes = figure.subplots()
    places = table[x].to_numpy(np.float64) if numbers else np.arange(len(table), dtype=np.float64)
    if numbers:
        axes.fill_between(places, table["low"], table["high"], color=style.tint(style.BLUE), linewidth=0)
    elif sure:  # between choices there is nothing to draw a line through
        axes.vlines(places, table["low"], table["high"], color=style.tint(style.BLUE), linewidth=3)
    axes.plot(places, table["mean"], "o-" if numbers else "o", color=style.BLUE, markersize=2.5)
    if not numbers:
        _name(axes, names)
    elif _by_factors(sweep, x):
        axes.set_xscale("log")
        _number(axes.xaxis, _plain_ticks(places), True)
    if table["mean"].nunique() == 1 < len(table):
        axes.set_title("The same wherever it was tried")
    elif top is not None and not top["told"]:
        axes.set_title("No peak can be told")
    elif top is not None:
        if np.isfinite(top["low"]):
            axes.axvspan(top["low"], top["high"], color=style.PALE, zorder=0, linewidth=0)
        axes.axvline(top["at"], color=style.VERMILLION, linewidth=0.8)
        where = f"Peak at {top['at']:.3g}"
        if top["at_end"]:
            where = "Highest at the end of what was tried"
            where += f", {top['end']:.3g}" if top["end"] != top["at"] else ""
        axes.set_title(f"{where}\n({peak_told(top)})")
    axes.set_xlabel(setting_of(x, LETTERS))
    axes.set_ylabel(label_of(sweep, outcome))
    axes.margins(x=0.02)
    return figure


@style.drawn
def heat_map(sweep: Sweep, outcome: str, table: pd.DataFrame) -> Figure:
    """Draw an outcome over two settings, each to its scale if it is one, with contours where both are."""
    x, y = (str(name) for name in table.columns[:2])
    grid = table.pivot_table(index=y, columns=x, values="mean")
    grid = grid.reindex(index=in_order(grid.index), columns=in_order(grid.columns))
    parts = table.attrs.get("edges", {})
    across, up = (_side(sweep, name, known, parts) for name, known in ((x, grid.columns), (y, grid.index)))
    if x in parts:
        grid = grid.reindex(columns=across.centres)
    if y in parts:
        grid = grid.reindex(index=up.centres)
    values = np.ma.masked_invalid(grid.to_numpy(np.float64))
    more = "White: no point lies there. " if np.ma.is_masked(values) else ""
    figure = style.new_figure(style.COLUMN, 2.6 + _foot(across.names), caption_of(sweep, more, [outcome]))
    axes = figure.subplots()
    low, high = float(values.min()), float(values.max())
    signed = low < 0 < high
    most = max(-low, high)
    limits: dict[str, Any] = {"cmap": "PuOr", "vmin": -most, "vmax": most} if signed else {"cmap": "viridis"}
    image = axes.pcolormesh(across.ends, up.ends, values, rasterized=True, **limits)
    if not across.names:
        _scale(axes.xaxis, across, axes.set_xscale, MOST_TICKS)
    if not up.names:
        _scale(axes.yaxis, up, axes.set_yscale, 2 * MOST_TICKS)
    if min(values.shape) > 2 and low < high and not across.names and not up.names:
        _contours(axes, across.centres, up.centres, values, signed)
    if across.names:
        _name(axes, across.names)
    if up.names:
        axes.set_yticks(range(len(up.names)), up.names)
    axes.set_xlabel(setting_of(x, LETTERS))
    axes.set_ylabel(setting_of(y, LETTERS))
    axes.spines[["left", "bottom"]].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(label_of(sweep, outcome))
    bar.outline.set_visible(False)
    return figure


def _contours(axes: Axes, x: Floats, y: Floats, values: Any, signed: bool) -> None:
    color, around = (style.INK, "white") if signed else ("white", style.INK)
    lines = axes.contour(x, y, values, 5, colors=color, linewidths=0.6)
    lines.set_path_effects([withStroke(linewidth=1.2, foreground=around)])  # white on yellow is not seen
    for text in axes.clabel(lines, fontsize=5.5, fmt=lambda level: f"{level:,.4g}"):
        text.set_path_effects([withStroke(linewidth=1.0, foreground=around)])


def _by_factors(sweep: Sweep, path: str) -> bool:
    """Whether a setting varies by factors, as `tag(log,interval(...))` declares it."""
    return any(axis["path"] == path and axis["logarithmic"] for axis in sweep.manifest["study"]["axes"])


class Side(NamedTuple):
    """A side of a map: where its cells end, their middles, their names unless they are numbers.

    ``drawn`` numbers stand for parts of a range; the others are those that were tried.
    """

    ends: Floats
    centres: Floats
    names: list[str]
    logarithmic: bool
    drawn: bool


def _side(sweep: Sweep, path: str, known: pd.Index[Any], parts: Mapping[str, Sequence[float]]) -> Side:
    from sim.study.analysis import middles

    logarithmic = _by_factors(sweep, path)
    if path in parts:
        centres = np.array(middles(parts[path], logarithmic), np.float64)
        return Side(np.array(parts[path], np.float64), centres, [], logarithmic, True)
    if not pd.api.types.is_numeric_dtype(known) or pd.api.types.is_bool_dtype(known):
        places = np.arange(len(known) + 1, dtype=np.float64)
        return Side(places - 0.5, places[:-1], [_tick(value) for value in known], False, False)
    centres = known.to_numpy(np.float64)
    at = np.log(centres) if logarithmic else centres
    if len(at) == 1:
        ends = at[0] + np.array([-0.5, 0.5])
    else:
        between = (at[1:] + at[:-1]) / 2
        ends = np.concatenate([[2 * at[0] - between[0]], between, [2 * at[-1] - between[-1]]])
    return Side(np.exp(ends) if logarithmic else ends, centres, [], logarithmic, False)


def _scale(axis: Axis, side: Side, set_scale: Callable[[str], None], most: int) -> None:
    """Put the numbers of a side on its axis: what was tried, or round ones where any could be."""
    if side.logarithmic:
        set_scale("log")
    if not side.drawn:
        _number(axis, _apart(side, most), side.logarithmic)
    elif side.logarithmic:
        _number(axis, _plain_ticks(side.ends), True)


def _apart(side: Side, most: int) -> list[float]:
    """Return numbers of a side, the first and the last among them, whose labels do not lie on each other."""
    at, span = (np.log(some) if side.logarithmic else some for some in (side.centres, side.ends))
    least = (span[-1] - span[0]) / most
    kept = [0]
    for place in range(1, len(at)):
        if at[place] - at[kept[-1]] >= least:
            kept.append(place)
    if kept[-1] != len(at) - 1:
        kept = [place for place in kept if at[-1] - at[place] >= least or (place == 0 and len(kept) == 1)]
        kept.append(len(at) - 1)
    return [float(side.centres[place]) for place in kept]


def _plain_ticks(places: Floats) -> list[float]:
    """Return round values within places on an axis by factors."""
    low, high = places.min(), places.max()
    found = LogLocator(subs=(1.0, 2.0, 5.0)).tick_values(low, high)
    return [float(value) for value in found if low <= value <= high]


def _number(axis: Axis, values: Sequence[float], logarithmic: bool) -> None:
    """Put values on an axis, and nothing between them."""
    if logarithmic:
        axis.set_minor_locator(NullLocator())
    axis.set_ticks(values, [_tick(value) for value in values])


def _name(axes: Axes, names: Sequence[str]) -> None:
    """Put names below an axis, upright if they would lie on each other."""
    axes.set_xticks(range(len(names)), names, rotation=90 if _foot(names) else 0)


def _foot(names: Sequence[str]) -> float:
    """Return the height that names below an axis take if they stand upright, 0 if they lie (inches)."""
    longest = LETTER_INCHES * max(map(len, names), default=0)
    return longest if len(names) * (longest + 2 * LETTER_INCHES) > NAMES_INCHES else 0.0


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
    axes.set_xlabel(setting_of(x, LETTERS))
    axes.set_ylabel(setting_of(y, LETTERS))
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
    """Draw points by the first two goals, and those that no other beats in all (`analysis.pareto`)."""
    x, y, *more = list(goals)
    told = f"Filled: no other point is better in {f'all {len(goals)} goals' if more else 'both'}. "
    if more:
        others = (f"{label_of(sweep, name)}, {_wanted(goals[name])} is better" for name in more)
        told += f"Not drawn: {'; '.join(others)}. "
    figure = style.new_figure(style.COLUMN, 2.5, caption_of(sweep, told, list(goals)))
    axes = figure.subplots()
    best = table[table["front"]].sort_values(x)
    axes.scatter(table[x], table[y], s=8, facecolor="none", edgecolor=style.GREY, linewidth=0.6)
    line = 0.0 if more else 0.8  # of three goals the front is no line
    axes.plot(best[x], best[y], color=style.VERMILLION, linewidth=line, marker="o", markersize=3.5)
    for name, set_label in ((x, axes.set_xlabel), (y, axes.set_ylabel)):
        set_label(f"{label_of(sweep, name)}, {_wanted(goals[name])} is better")
    axes.margins(0.05)
    return figure


def _wanted(sign: int) -> str:
    return "more" if sign > 0 else "less"


@style.drawn
def box(sweep: Sweep, outcome: str, above: float, table: pd.DataFrame) -> Figure:
    """Draw what a box leaves of each setting's range; `table` is `analysis.discover`'s."""
    shown, found = table.iloc[::-1], table.attrs
    from sim.study.analysis import few_inside

    few = few_inside(table)
    figure = style.new_figure(
        style.PAGE, 0.7 + 0.26 * len(shown) + 0.09 * max(map(len, shown["values"])) / LETTERS,
        caption_of(
            sweep,
            f"{few}{' ' * bool(few)}Thin: all that was tried. Inside the box {found['share_inside']:.0%} of"
            f" {found['points_inside']:,} points lie above, of all points {found['share_of_all']:.0%}. ",
            [outcome],
        ),
    )  # fmt: skip
    figure.set_dpi(style.PNG_DPI)  # letters are narrower at fewer dots: too little would be left
    axes = figure.subplots()
    for place, row in enumerate(shown.to_dict("records")):
        color = style.BLUE if row["restricted"] else style.GREY
        whole = sweep.experiments[row["setting"]]
        axes.hlines(place, 0, 1, color=style.GREY, linewidth=0.6)
        if row["values"]:
            choices = [str(choice) for choice in in_order(whole)]
            kept = [choice for choice in choices if choice in row["values"].split(", ")]
            for choice in kept:
                where = (choices.index(choice) + 0.5) / len(choices)
                axes.hlines(
                    place, where - 0.4 / len(choices), where + 0.4 / len(choices), color=color, linewidth=5
                )
            text = "\n".join(textwrap.wrap(row["values"], LETTERS, break_on_hyphens=False))
        else:
            low, width = whole.min(), max(whole.max() - whole.min(), 1e-300)
            ends = (row["low"] - low) / width, (row["high"] - low) / width
            axes.hlines(place, max(0, ends[0] - 0.01), min(1, ends[1] + 0.01), color=color, linewidth=5)
            text = (
                f"{row['low']:.3g} to {row['high']:.3g}" if row["low"] < row["high"] else f"{row['low']:.3g}"
            )
        # By points, not by shares of the axes: these are narrowed to make room for the longest text.
        axes.annotate(
            text, (1, place), (3, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=6,
            color=style.INK, annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(shown)), [setting_of(name) for name in shown["setting"]])
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
