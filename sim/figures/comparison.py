"""Figures of a comparison: a forest plot of what changes, and who gains and who loses by pay and by group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures import style, tile_map
from sim.figures.market import money_of
from sim.outcomes.indicators import BESIDE_PAY
from sim.study import remarks
from sim.study.compare import Comparison, file_name
from sim.study.hours import ACTIVE, POSTED
from sim.study.measure import DECILES, SORTED, WORLD
from sim.study.spread import window_told

MOST_SCENARIOS = len(style.CYCLE)
LONGEST_NAME = 52
INCOME = "income_with_transfers_per_worker_month"
FOREST = (
    ("pay_all_in_median", "Hourly pay, median"),
    ("pay_all_in_pooled", "Hourly pay, pooled"),
    ("unpaid_share", "Unpaid share of time"),
    ("hours_per_week_median", "Hours a week, median"),
    ("income_per_worker_month", "Net pay a worker"),
    (INCOME, "... with " + BESIDE_PAY.replace(", ", ",\n", 1)),
    ("workers_active", "Workers active"),
    ("tasks_done", "Tasks done"),
    ("market_turnover", "Requesters' spending"),
    ("fees", "Platforms' fees"),
    ("platform_rent", "Platforms' profit after taxes"),
)
TRANSFERS = (
    "{} that a country's treasury receives and keeps or pays out, {}less those that platforms owned there"
    " pay; {}who bears them in the end is in the tables of incidence. Colours on a scale of logs but near 0;"
    " in brackets: the 95 % interval holds 0."
)
POOLED = "with what treasuries pool, "
WITHHELD = "contributions withheld from workers' rewards count as paid in their country; "
HOURS_CHANGE = (
    "Hours of all workers, paid or not. Colours on a scale of logs but near 0; in brackets: the 95 % interval"
    " holds 0."
)
OF_CLOCK = {POSTED: "Tasks posted an hour", ACTIVE: "Workers on duty"}
"""Measures of the clock, and what each is called."""

BARS = "Bars: 95 % intervals of differences paired by seed (Student's t). "
NOBODY = "Nobody's income changes."
NOTHING = "No scenario differs from the baseline: every difference is exactly 0."


def draw_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw every figure of a comparison into a folder as PNG and SVG; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [path for name, draw in ALL.items() for path in style.save(draw(comparison), folder, name)]
    for number, scenario in enumerate([comparison.baseline, *comparison.scenarios]):
        for name, of_one in OF_SCENARIOS.items():
            if name != "transfers" or scenario in changed(comparison):
                figure = of_one(comparison, scenario)
                paths += style.save(figure, folder, f"{name}-{number:02d}-{file_name(scenario)}")
    return paths


def changed(comparison: Comparison) -> list[str]:
    """Scenarios that differ from the baseline in anything."""
    return [name for name in comparison.scenarios if name not in comparison.unchanged]


def caption_of(comparison: Comparison, several: bool = True) -> str:
    """Return what every figure of a comparison rests on; ``several`` if it shows scenarios with bars."""
    manifest = comparison.manifest
    seeds = manifest["seeds"]
    pairs = f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]})" if len(seeds) > 1 else f"seed {seeds[0]}"
    bars = BARS if len(seeds) > 1 and several else ""
    left_out = comparison.scenarios[MOST_SCENARIOS:]
    more = f"Not drawn: {', '.join(left_out)}. " if left_out and several else ""
    what = (
        f"baseline {comparison.baseline}, {manifest['workers']:,} workers, {window_told(manifest)}, {pairs}"
    )
    made_by = f"clickmarket {manifest['version']}; comparison {str(manifest['comparison_id'])[:12]}"
    unfunded = remarks.beside_figures(manifest)
    return f"{bars}{more}{unfunded}Simulated: {what}; {made_by}."


@style.drawn
def forest_figure(comparison: Comparison) -> Figure:
    """Draw the world's outcomes: difference in percent of the baseline, with intervals, by scenario."""
    caption, names = caption_of(comparison), comparison.scenarios[:MOST_SCENARIOS]
    world = comparison.table[comparison.table["group"] == WORLD]
    rows = [
        (metric, label)
        for metric, label in FOREST
        if (here := world[world["metric"] == metric])["baseline"].abs().gt(0).any() and len(here)
    ]
    if not rows or set(names) <= set(comparison.unchanged):
        return style.empty_figure(NOTHING, caption)
    height = (0.16 + 0.05 * len(names)) * len(rows) + 0.14 * len(names) + 0.5
    figure = style.new_figure(style.COLUMN, height, caption)
    axes = figure.subplots()
    _zero_line(axes)
    for number, name in enumerate(names):
        one = world[world["scenario"] == name].set_index("metric")
        at = _offset(number, len(names))
        _intervals(axes, one.reindex([metric for metric, _ in rows]), at, style.CYCLE[number], name)
    axes.hlines(np.arange(1, len(rows)) - 0.5, *axes.get_xlim(), color=style.PALE, linewidth=0.4, zorder=0)
    axes.set_yticks(range(len(rows)), [label for _, label in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.06)
    axes.set_xlabel(f"Difference to {short_name(comparison.baseline)} (% of it)")
    _name_scenarios(figure, axes, names)
    return figure


def _offset(number: int, count: int) -> float:
    """Return how far from its row's middle a scenario's mark stands: those of a row stay close together."""
    return min(0.26, 0.66 / count) * (number - (count - 1) / 2)


def short_name(name: str) -> str:
    """Return the name of a scenario, cut where it is very long."""
    return style.plain(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")


def _zero_line(axes: Axes) -> None:
    axes.axvline(0, color=style.GREY, linewidth=0.6, zorder=0)


def _percent(frame: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Return difference, low and high in percent of the baseline; NaN where the baseline is 0."""
    base = frame["baseline"].abs().to_numpy(np.float64)
    base = np.where(base > 0, base, np.nan)
    found = (100 * frame[name].to_numpy(np.float64) / base for name in ("difference", "low", "high"))
    mean, low, high = found
    return mean, low, high


def _intervals(axes: Axes, frame: pd.DataFrame, offset: float, color: str, name: str) -> None:
    mean, low, high = _percent(frame)
    heights = np.arange(len(frame)) + offset
    axes.hlines(heights, low, high, color=style.tint(color, 0.6), linewidth=1.4)
    axes.plot(mean, heights, "o", color=color, markersize=3, label=name, clip_on=False)


def _name_scenarios(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    """Name the scenarios above the axes, each in its colour, a line each."""
    for number, name in enumerate(names):
        axes.annotate(
            short_name(name),
            (0.01, 1),
            xycoords=("figure fraction", "axes fraction"),
            xytext=(0, 3 + 9 * (len(names) - 1 - number)),
            textcoords="offset points",
            color=style.ink(style.CYCLE[number]),
            weight="bold",
        )


@style.drawn
def winners_figure(comparison: Comparison) -> Figure:
    """Draw who gains and who loses: change of income with transfers by pay decile, and by group."""
    caption, names = f"{SORTED} {caption_of(comparison)}", comparison.scenarios[:MOST_SCENARIOS]
    table = comparison.table[comparison.table["metric"] == INCOME]
    changed = [name for name in names if name not in comparison.unchanged]
    if not changed or table.empty:
        return style.empty_figure(NOTHING, caption)
    present = list(dict.fromkeys(map(str, table["group"])))
    groups = [group for group in style.GROUPS if group in present]
    groups += [group for group in present if group.startswith("segment ")]
    figure = style.new_figure(style.PAGE, 1.35 * len(changed) + 0.35, caption)
    panels = figure.subplots(
        len(changed),
        2,
        squeeze=False,
        sharey="row",
        sharex="col",
        width_ratios=[DECILES, max(2.0, 1.6 * len(groups))],
    )
    for (left, right), name in zip(panels, changed, strict=True):
        one = table[table["scenario"] == name].set_index("group")
        _bars(left, one.reindex([f"pay decile {n}" for n in range(1, DECILES + 1)]))
        _bars(right, one.reindex(groups))
        left.set_title(short_name(name))
        left.set_ylabel("USD a month")
    panels[-1][0].set_xticks(range(DECILES), [str(number) for number in range(1, DECILES + 1)])
    panels[-1][0].set_xlabel("Decile of hourly pay (the same workers on both sides)")
    labels = [group.removeprefix("segment ").replace("_", "\n") for group in groups]
    panels[-1][1].set_xticks(range(len(groups)), labels)
    panels[-1][1].set_xlabel("Group of countries, kind of worker")
    figure.suptitle(
        f"Change of a worker's net pay with {BESIDE_PAY}, against {short_name(comparison.baseline)}",
        x=0.01, ha="left", size=7, color=style.INK,
    )  # fmt: skip
    return figure


def _bars(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw bars of gains and losses in two colours, with intervals."""
    mean, low, high = (frame[name].to_numpy(np.float64) for name in ("difference", "low", "high"))
    at = np.arange(len(frame))
    colors = [style.tint(style.BLUE if value >= 0 else style.VERMILLION, 0.6) for value in mean]
    axes.bar(at, np.nan_to_num(mean), color=colors, width=0.75)
    if not np.nan_to_num(mean).any():
        where = (0.5, 0.6)
        axes.text(*where, NOBODY, transform=axes.transAxes, ha="center", color=style.GREY)
        axes.set_yticks([0])
    axes.vlines(at, low, high, color=style.INK, linewidth=0.8)
    axes.axhline(0, color=style.GREY, linewidth=0.6)
    axes.set_xlim(-0.6, len(frame) - 0.4)
    axes.tick_params(axis="x", length=0)


@style.drawn
def transfers_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw net public transfers of a scenario against the baseline on a map: USD per resident and year."""
    countries = comparison.countries
    caption = f"{public_money_told(comparison, scenario)} {caption_of(comparison, several=False)}"
    here = countries[countries["scenario"] == scenario]
    top = float(countries["difference"].abs().max()) if len(countries) else 0.0
    if here.empty or not top > 0:
        return style.empty_figure("No public money moves between countries.", caption)
    factor, unit = (
        (1.0, "USD per resident and year") if top >= 1 else (1e3, "USD per 1,000 residents and year")
    )
    title = f"{short_name(scenario)}: net public transfers, against {short_name(comparison.baseline)}"
    return _map(here.assign(shown=factor * here["difference"]), factor * top, title, unit, caption)


def public_money_told(comparison: Comparison, scenario: str) -> str:
    """Say which public money the map of net transfers shows: taxes, contributions of employers, or both."""
    table = comparison.table
    world = table[(table["scenario"] == scenario) & (table["group"] == WORLD)].set_index("metric")
    taxes, contributions = (
        bool(world.reindex([metric])[["baseline", "value"]].gt(0).any(axis=None))
        for metric in ("tax_revenue", "contributions_revenue")
    )
    if not contributions:
        return TRANSFERS.format("Taxes", POOLED, "")
    if not taxes:
        return TRANSFERS.format("Employers' contributions", "", WITHHELD)
    return TRANSFERS.format("Taxes and employers' contributions", POOLED, WITHHELD)


@style.drawn
def hours_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the change of hours worked, paid or not, by country on a map: percent of the baseline's."""
    caption = f"{HOURS_CHANGE} {caption_of(comparison, several=False)}"
    table = comparison.hours
    here = table[(table["scenario"] == scenario) & (table["baseline"] > 0)] if len(table) else table
    if here.empty or not (here["difference"] != 0).any():
        return style.empty_figure("In no country do the hours worked differ.", caption)
    here = here.assign(shown=100 * here["difference"] / here["baseline"])
    title = f"{short_name(scenario)}: hours of work, against {short_name(comparison.baseline)}"
    return _map(here, float(here["shown"].abs().max()), title, "% of the baseline's hours", caption)


def _map(here: pd.DataFrame, top: float, title: str, unit: str, caption: str) -> Figure:
    """Draw the column ``shown`` of countries as tiles; in brackets where the interval holds 0."""
    values = {str(code): float(value) for code, value in zip(here["country"], here["shown"], strict=True)}
    holds_0 = (here["low"] <= 0) & (here["high"] >= 0) & (here["difference"] != 0)
    height = 0.75 + style.PAGE / tile_map.COLUMNS * tile_map.rows_of(values)
    figure = style.new_figure(style.PAGE, height, caption)
    axes = figure.subplots()
    axes.set_title(title)
    colors = tile_map.draw_tiles(axes, values, map(str, here.loc[holds_0, "country"]), top)
    ticks = sorted([*(sign * top / divisor for sign in (-1, 1) for divisor in (1, 10)), 0.0])
    bar = figure.colorbar(colors, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
    bar.set_ticks(ticks, labels=[tile_map.short(tick) for tick in ticks])
    bar.set_label(unit)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    return figure


@style.drawn
def clock_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the world's day before and after: work posted and workers on duty by hour, and what changes."""
    caption = (
        f"Left: grey {short_name(comparison.baseline)}, blue {short_name(scenario)}, the mean day."
        f" Right: {BARS[0].lower()}{BARS[1:]}{caption_of(comparison, several=False)}"
    )
    table = comparison.clock
    here = table[table["scenario"] == scenario].sort_values("utc_hour") if len(table) else table
    if here.empty:
        return style.empty_figure("No hours recorded.", caption)
    figure = style.new_figure(style.COLUMN, 3.2, caption)
    panels = figure.subplots(len(OF_CLOCK), 2, sharex=True)
    for (left, right), (measure, title) in zip(panels, OF_CLOCK.items(), strict=True):
        one = here[here["measure"] == measure]
        divisor, word = style.scale_of(float(one[["baseline", "value"]].to_numpy().max()))
        before, after, mean, low, high = (
            one[name].to_numpy(np.float64) / divisor
            for name in ("baseline", "value", "difference", "low", "high")
        )
        left.stairs(before, np.arange(25), fill=True, color=style.tint(style.GREY, 0.4))
        left.stairs(after, np.arange(25), color=style.BLUE, linewidth=1.0)
        left.set_ylim(bottom=0)
        left.set_title(title)
        left.set_ylabel(word)
        right.axhline(0, color=style.GREY, linewidth=0.6, zorder=0)
        at = np.arange(24) + 0.5
        right.vlines(at, low, high, color=style.tint(style.BLUE, 0.6), linewidth=1.2)
        right.plot(at, mean, "o", color=style.BLUE, markersize=2)
        right.set_title("Difference")
        for axes in (left, right):
            axes.set_xlim(0, 24)
            axes.set_xticks(range(0, 25, 6))
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    for axes in panels[-1]:
        axes.set_xlabel("Hour (UTC)")
    return figure


def money_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the way of the money in a scenario, in the mean of its seeds."""
    flows = comparison.flows
    here = flows[flows["scenario"] == scenario] if len(flows) else flows
    about = caption_of(comparison, several=False)
    caption = f"{short_name(scenario)}. Mean of the seeds, the model's money. {about}"
    if here.empty:
        return style.empty_figure("No money moved.", caption)
    return money_of(here, caption)


ALL = {"forest": forest_figure, "winners": winners_figure}
OF_SCENARIOS = {"transfers": transfers_figure, "money": money_figure}
"""Figures that each scenario has of its own; of money also the baseline."""
