"""The figure of artificial intelligence: its stock, who makes its labels, human hours left, their cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures import style
from sim.outcomes.frames import Countries, Frames
from sim.outcomes.indicators import LEAST_YEARS_OF_AI, ai_weeks

MOST_POINTS = 130
"""Weeks, or spells of several weeks, that a line shows: over ten years the months."""

Line = tuple[str, str, str, pd.Series]
"""Name, colour, style and values of a line."""


@style.drawn
def ai_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Stock, who makes labels, human hours beside what stock and automation alone give, cost of labels."""
    if frames.ai.empty:
        return style.empty_figure("No stock of intelligence, or no whole week.", caption)
    table = in_spells(frames)
    first = table.iloc[0]
    figure = style.new_figure(style.COLUMN, 5.2, caption + _remarks(table))
    panels = figure.subplots(4, 1, sharex=True)
    stock = table["stock_hours"] / table["initial_hours"]
    _panel(panels[0], "Stock of intelligence (start of the run = 1)", [("", style.INK, "-", stock)])
    delivered = table["labels_delivered_hours"].replace(0, np.nan)
    unpaid = table["labels_free_hours"] / delivered
    shared = table["labels_shared_hours"] / delivered
    paid = table["labels_wanted_hours"] - table["labels_free_hours"] - table["labels_shared_hours"]
    paid = paid.replace(0, np.nan)
    machines = (1 - unpaid - shared) * table["labels_by_machines_hours"] / paid
    makers: list[Line] = [("machines", style.PURPLE, "-", 100 * machines)]
    if unpaid.any():
        makers.append(("users", style.GREEN, "-", 100 * unpaid))
    if shared.any():
        makers.append(("commons", style.ORANGE, "-", 100 * shared))
    _panel(panels[1], "Who makes the labels besides paid people (%)", makers, top=100.0)
    hours = [
        ("done", style.BLUE, "-", table["human_hours"]),
        ("formula", style.GREY, "--", table["analytic_hours"]),
    ]
    divisor, word = style.scale_of(max(float(values.max()) for *_, values in hours))
    scaled = [(name, color, dashes, values / divisor) for name, color, dashes, values in hours]
    _panel(panels[2], f"Human work for labels ({word} h a week)".replace("( ", "("), scaled)
    price = table["wanted_cost_usd"] / table["labels_wanted_hours"].replace(0, np.nan)
    an_hour = price * paid / (paid - table["labels_by_machines_hours"]).replace(0, np.nan)
    costs = [("labels", style.ORANGE, "-", price), ("an hour", style.BLUE, "-", an_hour)]
    _panel(panels[3], "Cost of an hour and of its labels (USD)", costs)
    _date_axis(panels[3], table, float(first["weeks"]))
    return figure


def in_spells(frames: Frames) -> pd.DataFrame:
    """Return weekly means over spells of weeks, all countries together, by the middle of the spell.

    ``weeks`` is how many weeks a spell has; a last one cut short is left out.
    """
    weeks = ai_weeks(frames)
    each = -(-len(weeks) // MOST_POINTS)
    spell = np.arange(len(weeks)) // each
    whole = spell < len(weeks) // each
    dates = pd.to_datetime(frames.ai.groupby("day")["date"].first().astype(str)).sort_index()
    table = weeks[whole].groupby(spell[whole]).mean()
    table["at"] = dates.iloc[::each].iloc[: len(table)].to_numpy() + pd.Timedelta(days=7 * each) / 2
    table["weeks"] = each
    return table.set_index("at")


def _remarks(table: pd.DataFrame) -> str:
    each = int(table["weeks"].iloc[0])
    text = " Whole weeks." if each == 1 else f" Means of {each} weeks."
    text += (
        " The formula is assumed, not a result: hours at the start times stock^g (1 - automation)^(1 - e)."
    )
    if len(table) * each * 7 / 365 < LEAST_YEARS_OF_AI:
        text += " A short run: the stock is nearly fixed."
    return text


def _panel(axes: Axes, title: str, lines: list[Line], top: float = 0.0) -> None:
    """Draw lines from zero, with their names at the right."""
    highest = top
    ends = []
    for name, color, dashes, values in lines:
        marker = "o" if len(values) == 1 else ""
        axes.plot(values.index.to_numpy(), values.to_numpy(np.float64), dashes, color=color, marker=marker)
        known = values.dropna()
        if len(known):
            highest = max(highest, 1.25 * float(known.max()))
            if name:
                ends.append((float(known.iloc[-1]), name, color))
    axes.set_title(title)
    axes.set_ylim(0, highest or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    style.end_labels(axes, ends, 0.2)


def _date_axis(axes: Axes, table: pd.DataFrame, weeks: float) -> None:
    margin = pd.Timedelta(days=3.5 * weeks)
    axes.set_xlim(table.index.min() - margin, table.index.max() + margin)
    style.name_dates(axes)
