"""Figures of a comparison before and after: pay, Lorenz curves, income by decile, the course of the weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.errors import UserError
from sim.figures import style
from sim.figures.comparison import caption_of, short_name
from sim.figures.market import LONGEST_NAME, not_drawn
from sim.outcomes.indicators import BESIDE_PAY, LEAST_WORKERS
from sim.plain_yaml import read_yaml
from sim.study.compare import CONFIGS, Comparison
from sim.study.spread import DAYS_A_WEEK, INCOME, PAY, WORLD
from sim.world import World, load_world

DECILES = 10
PAY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEAST_SEEDS_OF_FAN = 2
TOO_SMALL = "No group has 200 workers in every run, or the comparison is of an earlier version."
BEFORE, AFTER = style.GREY, style.BLUE


# ---------------------------------------------------------------- what a folder says beside its tables


def settings_of(comparison: Comparison, scenario: str) -> Mapping[str, Any]:
    """Return the configuration of a scenario as plain data; an empty one if its file is not there."""
    number = list(comparison.manifest["scenarios"]).index(scenario)
    for file in sorted((comparison.path / CONFIGS).glob(f"{number:02d}-*.yaml")):
        values = read_yaml(file).values
        if isinstance(values, Mapping):
            return values
    return {}


def world_of(comparison: Comparison) -> World | None:
    """Return the countries of a comparison; None if their table is not there any more."""
    try:
        return load_world(settings_of(comparison, comparison.baseline)["world"]["table"])
    except (UserError, KeyError):
        return None


def begins_of(comparison: Comparison, scenario: str) -> dict[str, dt.date]:
    """Return the day from which each instrument of a scenario is in force, where one is named."""
    policy = settings_of(comparison, scenario).get("policy") or {}
    return {
        name: dt.date.fromisoformat(str(one["start"]))
        for name, one in policy.items()
        if isinstance(one, Mapping) and one.get("start")
    }


def _of(comparison: Comparison, scenario: str, what: str) -> pd.DataFrame:
    spread = comparison.spread
    if spread.empty:
        return spread
    return spread[(spread["scenario"] == scenario) & (spread["what"] == what)]


def _caption(comparison: Comparison, more: str) -> str:
    return f"{more} Means over seeds. {caption_of(comparison, several=False)}"


# ---------------------------------------------------------------- pay


@style.drawn
def pay_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw hourly pay in the largest countries before and after, on a log axis, with minimum wages."""
    before, after = (_of(comparison, one, PAY) for one in (comparison.baseline, scenario))
    world = world_of(comparison)
    names = {} if world is None else dict(zip(map(str, world.codes), map(str, world.names), strict=True))
    groups = [] if before.empty else list(dict.fromkeys(before["group"]))
    groups = [one for one in groups if one in names] or [one for one in groups if one == WORLD]
    left_out = not_drawn(list(names.values()), [names.get(one, one) for one in groups], " in some run")
    caption = _caption(
        comparison, f"Grey: {comparison.baseline}; blue: {short_name(scenario)}. Workers with ten tasks."
        f" Height: share of workers, to a scale of its own.{left_out}"
    )  # fmt: skip
    if not groups:
        return style.empty_figure(TOO_SMALL, caption)
    ends = [
        float(np.interp(percent, table["percent"], table["quantile"]))
        for table in (before[before["group"] == group] for group in groups)
        for percent in (1, 99)
    ]
    low, high = max(min(ends), 1e-3) / 1.5, max(ends) * 1.5
    figure = style.new_figure(style.COLUMN, 0.5 + 0.83 * len(groups), caption)
    panels = np.atleast_1d(figure.subplots(len(groups), 1, sharex=True))
    for axes, group in zip(panels, groups, strict=True):
        floor, name = 0.0, "World"
        if world is not None and group in names:
            floor = float(world.minimum_wage_usd[list(names).index(group)])
            name = names[group] if len(names[group]) <= LONGEST_NAME else group
        parts = [table[table["group"] == group] for table in (before, after)]
        _pay_panel(axes, name, parts, np.geomspace(low, high, 40), floor)
    panels[-1].set_xscale("log")
    panels[-1].set_xlim(low, high)
    panels[-1].xaxis.set_major_locator(FixedLocator([tick for tick in PAY_TICKS if low <= tick <= high]))
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    panels[-1].xaxis.set_minor_locator(NullLocator())
    panels[-1].set_xlabel("Net pay per hour of work, paid or not (USD, log scale)")
    return figure


def _pay_panel(axes: Axes, name: str, parts: list[pd.DataFrame], bins: Any, floor: float) -> None:
    counts, medians, below = [], [], []
    for part, color, fill in zip(parts, (BEFORE, AFTER), (True, False), strict=True):
        if part.empty:
            counts.append(f"fewer than {LEAST_WORKERS}")
            continue
        counts.append(f"{part['workers'].iloc[0]:,.0f}")
        value, share = part["quantile"].to_numpy(np.float64), part["percent"].to_numpy(np.float64) / 100
        heights = np.diff(np.interp(bins, value, share, left=0.0, right=1.0))
        look = style.tint(color, 0.4) if fill else color
        axes.stairs(heights, bins, fill=fill, color=look, linewidth=1.0)
        medians.append(f"{np.interp(0.5, share, value):.3g}")
        below.append(f"{np.interp(floor, value, share, left=0.0, right=1.0):.0%}")
    axes.set_ylim(0, 1.15 * axes.dataLim.ymax)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.set_title(name)
    told = f"n = {_to(counts)}, median {_to(medians)}"
    if floor > 0:
        told += f"\nbelow minimum wage {floor:.3g}: {_to(below)}"
        if bins[0] <= floor <= bins[-1]:
            axes.axvline(floor, color=style.VERMILLION, linewidth=1.0, linestyle=(0, (2.5, 1.5)))
    axes.set_title(told, loc="right", size=6, color=style.GREY, weight="normal")


def _to(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else " → ".join(values)


# ---------------------------------------------------------------- inequality


@style.drawn
def lorenz_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the Lorenz curves of income and of hourly pay before and after, with their Gini."""
    caption = _caption(
        comparison, f"Dashed: {comparison.baseline}; solid: {short_name(scenario)}. Income: with"
        f" {BESIDE_PAY}, of workers who came on duty."
    )  # fmt: skip
    curves = [
        (label, color, [_world(_of(comparison, one, what)) for one in (comparison.baseline, scenario)])
        for what, label, color in ((INCOME, "Income", style.BLUE), (PAY, "Hourly pay", style.GREEN))
    ]
    curves = [one for one in curves if not any(part.empty for part in one[2])]
    if not curves:
        return style.empty_figure(TOO_SMALL, caption)
    figure = style.new_figure(style.COLUMN, 3.2, caption)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color=style.PALE, linewidth=0.8)
    axes.text(38, 41, "equality", rotation=45, rotation_mode="anchor", size=6, color=style.GREY)
    for row, (label, color, parts) in enumerate(curves):
        ginis = []
        for part, dashes in zip(parts, ("--", "-"), strict=True):
            held = part["held"].to_numpy(np.float64)
            axes.plot(part["percent"], 100 * held, dashes, color=color, linewidth=1.0)
            ginis.append(f"{1 - 2 * np.trapezoid(held, dx=0.01):.3f}")
        axes.text(4, 93 - 7 * row, f"{label}: Gini {_to(ginis)}", color=style.ink(color), weight="bold")
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_xlabel("Workers, from the lowest to the highest (%)")
    axes.set_ylabel("Share of the total (%)")
    return figure


def _world(table: pd.DataFrame) -> pd.DataFrame:
    return table if table.empty else table[table["group"] == WORLD]


@style.drawn
def deciles_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the mean income of each tenth of workers, by their income, before and after."""
    parts = [_world(_of(comparison, one, INCOME)) for one in (comparison.baseline, scenario)]
    caption = _caption(
        comparison, "Each tenth by the income of its own scenario, so not the same workers; with "
        f"{BESIDE_PAY}, of workers who came on duty."
    )  # fmt: skip
    if any(part.empty for part in parts):
        return style.empty_figure(TOO_SMALL, caption)
    return deciles_of(
        {
            name: (color, decile_means(part["held"].to_numpy(np.float64), float(part["mean"].iloc[0])))
            for name, color, part in zip((comparison.baseline, scenario), (BEFORE, AFTER), parts, strict=True)
        },
        caption,
    )


def decile_means(held: Any, mean: float) -> Any:
    """Return the mean of each tenth, from the shares held by the lowest 0, 1, ... 100 per cent."""
    return np.diff(np.asarray(held)[:: len(held) // DECILES]) * DECILES * mean


def deciles_of(means: Mapping[str, tuple[str, Any]], caption: str) -> Figure:
    """Draw bars of ten means for each name, side by side."""
    figure = style.new_figure(style.COLUMN, 2.2, caption)
    axes = figure.subplots()
    wide = 0.8 / len(means)
    for place, (name, (color, values)) in enumerate(means.items()):
        at = np.arange(DECILES) + (place - (len(means) - 1) / 2) * wide
        axes.bar(at, values, wide, color=style.tint(color, 0.75))
        if len(means) > 1:
            axes.annotate(
                short_name(name), (0.01, 1), xycoords=("figure fraction", "axes fraction"),
                xytext=(0, 3 + 9 * (len(means) - 1 - place)), textcoords="offset points",
                color=style.ink(color), weight="bold",
            )  # fmt: skip
    axes.set_xticks(range(DECILES), [str(number) for number in range(1, DECILES + 1)])
    axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    axes.set_xlabel("Tenth of workers, by income")
    axes.set_ylabel("Mean income (USD a month)")
    return figure


# ---------------------------------------------------------------- weeks


def _hourly(table: pd.DataFrame, side: str) -> pd.DataFrame:
    """Return pooled pay (USD per hour of work) by seed and week."""
    pay, seconds = (_sums(table, measure, side) for measure in ("pay_microusd", "working_seconds"))
    return pay / 1e6 / (seconds.where(seconds > 0) / 3600)


def _sums(table: pd.DataFrame, measure: str, side: str) -> pd.DataFrame:
    """Return a row for each seed, a column for each week."""
    rows = table[table["measure"] == measure]
    return rows.pivot(index="seed", columns="date", values=side)


PANELS: Mapping[str, Callable[[pd.DataFrame, str], pd.DataFrame]] = {
    "Net pay per hour, all workers pooled (USD)": _hourly,
    "Workers active per day": lambda table, side: _sums(table, "active_workers", side) / DAYS_A_WEEK,
    "Tasks done per week": lambda table, side: _sums(table, "tasks_done", side),
}


@style.drawn
def fan_figure(comparison: Comparison, scenario: str) -> Figure:
    """Draw the weeks before and after over all seeds: median, half of the seeds, all but the outermost."""
    weeks = comparison.weeks
    here = weeks[weeks["scenario"] == scenario] if len(weeks) else weeks
    begins = begins_of(comparison, scenario)
    when = "Upright: policies begin." if begins else "Policies are in force from the start."
    caption = (
        f"Lines: median over seeds; dark: the middle half of them; light: all. {when}"
        f" {caption_of(comparison, several=False)}"
    )
    if here.empty or here["date"].nunique() < 2:
        return style.empty_figure("No two whole weeks, or a comparison of an earlier version.", caption)
    figure = style.new_figure(style.COLUMN, 4.2, caption)
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    names = ((comparison.baseline, "baseline", BEFORE), (scenario, "value", AFTER))
    for axes, (title, of) in zip(panels, PANELS.items(), strict=True):
        highest = 0.0
        tables = [of(here, side) for _, side, _ in names]
        divisor, word = style.scale_of(max(float(np.nanmax(table.to_numpy())) for table in tables))
        for (_, _, color), table in zip(names, tables, strict=True):
            _fan(axes, table / divisor, color)
            highest = max(highest, float(np.nanmax(table.to_numpy())) / divisor)
        axes.set_title(title + (f" ({word})" if word else ""))
        axes.set_ylim(0, 1.12 * highest or 1)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
        for date in set(begins.values()):
            at: Any = pd.Timestamp(date)
            axes.axvline(at, color=style.VERMILLION, linewidth=0.8, linestyle=(0, (2.5, 1.5)))
    _name_lines(figure, panels[0], names, begins)
    _dates(panels[-1], here)
    return figure


def _fan(axes: Axes, table: pd.DataFrame, color: str) -> None:
    at = pd.to_datetime(pd.Series(table.columns)) + pd.Timedelta(days=DAYS_A_WEEK / 2)
    values = table.to_numpy(np.float64)
    if len(values) >= LEAST_SEEDS_OF_FAN:
        for low, high, strength in ((0, 100, 0.18), (25, 75, 0.4)):
            lower, upper = np.nanpercentile(values, [low, high], axis=0)
            axes.fill_between(at.to_numpy(), lower, upper, color=color, alpha=strength, linewidth=0)
    axes.plot(at.to_numpy(), np.nanmedian(values, axis=0), color=color)


def _name_lines(figure: Figure, axes: Axes, names: Any, begins: Mapping[str, dt.date]) -> None:
    """Name the lines above the first panel, a line each, and the policies with their first day."""
    lines = [(short_name(name), style.ink(color)) for name, _, color in names]
    lines += [
        (f"{name.replace('_', ' ')} from {date.isoformat()}", style.ink(style.VERMILLION))
        for name, date in begins.items()
    ]
    for number, (text, color) in enumerate(lines):
        axes.annotate(
            text, (0.01, 1), xycoords=("figure fraction", "axes fraction"),
            xytext=(0, 15 + 9 * (len(lines) - 1 - number)), textcoords="offset points", color=color,
            weight="bold",
        )  # fmt: skip


def _dates(axes: Axes, weeks: pd.DataFrame) -> None:
    dates = pd.to_datetime(weeks["date"])
    axes.set_xlim(dates.min(), dates.max() + pd.Timedelta(days=DAYS_A_WEEK))  # type: ignore[arg-type]
    style.name_dates(axes)
