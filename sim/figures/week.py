"""Further figures of a run: the week by hour, income by decile, a map of hours worked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from sim.figures import style, tile_map
from sim.figures.spread import deciles_of
from sim.money import MICRO
from sim.outcomes.frames import Countries, Frames
from sim.outcomes.indicators import BESIDE_PAY, DAYS_A_YEAR, LEAST_WORKERS, WORKING, on_duty
from sim.outcomes.inequality import lorenz

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAYS_A_MONTH = DAYS_A_YEAR / 12.0
SHADES = LinearSegmentedColormap.from_list(
    "levels", ["#F7FBFE", style.tint(style.BLUE, 0.5), style.BLUE, "#003B5C"]
)
SMALLEST = 1e-3
"""Share of the largest country's hours below which tiles keep the palest shade."""

Floats = npt.NDArray[np.float64]


PANELS = {
    "posted": ("When work is posted", "tasks an hour"),
    "active": ("When workers are on duty", "workers"),
}
"""Columns of the table `weekdays`: what is drawn of them, and its unit."""


def by_weekday(frames: Frames, column: str) -> Floats:
    """Return a column of the table `weekdays` by weekday (Monday first) and UTC hour: the mean of such days.

    NaN for days of the week that the window does not have.
    """
    table = frames.weekdays
    place = table["weekday"].to_numpy(np.int64) * 24 + table["utc_hour"].to_numpy(np.int64)
    sums = np.bincount(place, table[column].to_numpy(np.float64), minlength=7 * 24).reshape(7, 24)
    days = table.groupby("weekday")["days"].first().reindex(range(7), fill_value=0).to_numpy(np.float64)
    return np.where(days[:, None] > 0, sums / np.maximum(days, 1)[:, None], np.nan)


@style.drawn
def week_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Heat maps of when work is posted and workers are on duty: hours (UTC) by days of the week."""
    if frames.weekdays.empty:
        return style.empty_figure("No days of the week recorded.", caption)
    figure = style.new_figure(style.COLUMN, 3.2, f"{caption} Means over the days of the window.")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (column, (title, unit)) in zip(panels, PANELS.items(), strict=True):
        table = by_weekday(frames, column)
        divisor, word = style.scale_of(float(np.nanmax(table)))
        image = axes.pcolormesh(
            np.arange(25), np.arange(8), np.ma.masked_invalid(table / divisor), cmap=SHADES, vmin=0,
            edgecolors="white", linewidth=0.3,
        )  # fmt: skip
        axes.set_ylim(7, 0)
        axes.set_yticks(np.arange(7) + 0.5, DAYS)
        axes.tick_params(axis="y", length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_title(title)
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label(f"{unit}{f' ({word})' if word else ''}")
        bar.outline.set_visible(False)
    panels[-1].set_xticks(range(0, 25, 3))
    panels[-1].set_xlabel("Hour of the day (UTC)")
    return figure


@style.drawn
def income_deciles(frames: Frames, world: Countries, caption: str) -> Figure:
    """Mean income of each tenth of the workers who came on duty, by income with all that they received."""
    workers = frames.workers
    kept = workers[on_duty(workers) > 0]
    if len(kept) < LEAST_WORKERS:
        return style.empty_figure(f"Fewer than {LEAST_WORKERS} workers came on duty.", caption)
    days = int(frames.series["day"].nunique())
    usd = (kept["pay_microusd"] + kept["transfers_microusd"]).to_numpy(np.float64) / MICRO
    income, weight = usd / days * DAYS_A_MONTH, kept["weight"].to_numpy(np.float64)
    share, held = lorenz(income, weight)
    tenths = np.interp(np.arange(11) / 10, share, held)
    means = np.diff(tenths) * 10 * float(np.average(income, weights=weight))
    text = f"{caption} With {BESIDE_PAY}; workers who came on duty, n = {len(kept):,}."
    return deciles_of({"": (style.BLUE, means)}, text)


def hours_by_country(frames: Frames) -> dict[str, float]:
    """Return working hours a year, at the scale of the market that the model stands for, by country."""
    series = frames.series
    days = int(series["day"].nunique())
    seconds = series[list(WORKING)].sum(axis=1).groupby(series["country"].astype(str)).sum()
    each = (frames.scale or 1.0) * DAYS_A_YEAR / days / 3600
    return {str(code): float(value) * each for code, value in seconds.items() if value > 0}


@style.drawn
def hours_map(frames: Frames, world: Countries, caption: str) -> Figure:
    """Map of working hours by country, paid or not, in a year."""
    hours = {} if frames.series.empty else hours_by_country(frames)
    if not hours:
        return style.empty_figure("No work recorded.", caption)
    divisor, word = style.scale_of(max(hours.values()) / 50)
    values = {code: value / divisor for code, value in hours.items()}
    top = max(values.values())
    scale = "at the scale of the world" if frames.scale is not None else "of the model"
    text = f"{caption} Hours of all workers, paid or not, {scale}. Colours on a scale of logs."
    height = 0.75 + style.PAGE / tile_map.COLUMNS * tile_map.rows_of(values)
    figure = style.new_figure(style.PAGE, height, text)
    axes = figure.subplots()
    axes.set_title("Hours of click work in a year")
    norm = LogNorm(max(min(values.values()), top * SMALLEST), top, clip=True)
    colors = tile_map.paint_tiles(axes, values, ScalarMappable(norm, SHADES), tile_map.level)
    bar = figure.colorbar(colors, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
    bar.set_label(f"{word} hours a year".strip())
    bar.ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:,g}")
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    return figure
