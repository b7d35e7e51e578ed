"""The figure of remedies: how the union grows, and which shifts employers refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.figures import style
from sim.outcomes.frames import Countries, Frames, per_country

Floats = npt.NDArray[np.float64]
Lines = dict[str, tuple[Floats, Floats]]
LABEL_GAP = 0.16


@style.drawn
def remedies_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Members by group of countries, week by week; hours on duty that got no shift, month by month."""
    panels: list[tuple[str, str, Lines]] = []
    members = shares(frames.unions, world, "day", "members", ("workers",))
    refused = shares(
        frames.employment, world, "period", "refused_seconds", ("duty_seconds", "refused_seconds")
    )
    if members:
        panels.append(("Members of the union", "% of workers", members))
    if refused:
        panels.append(("Time on duty refused for lack of a shift", "% of what was wanted", refused))
    if not panels:
        return style.empty_figure("No union, no employees.", caption)
    figure = style.new_figure(style.COLUMN, 0.2 + 1.4 * len(panels), caption + remarks(frames))
    for axes, panel in zip(np.atleast_1d(figure.subplots(len(panels), 1)), panels, strict=True):
        _panel(axes, *panel)
    return figure


def shares(table: pd.DataFrame, world: Countries, when: str, part: str, whole: tuple[str, ...]) -> Lines:
    """Return {group of countries: (weeks or months since the first, per cent)} of a table."""
    if table.empty:
        return {}
    groups = table["country"].astype(str).map(per_country(world, world.group)).str.lower()
    times = {time: float(number) for number, time in enumerate(sorted(set(table[when])))}
    found: Lines = {}
    for name in style.GROUPS:
        rows = table[groups == name]
        if len(rows):
            sums: Any = rows.groupby(when, observed=True)[sorted({part, *whole})].sum()
            total = sums[list(whole)].sum(axis=1)
            per_cent = 100 * sums[part] / total.where(total > 0)
            at = np.array([times[time] for time in sums.index])
            found[name] = at, per_cent.to_numpy(np.float64)
    return found


def remarks(frames: Frames) -> str:
    """Say how often there was a strike."""
    weeks = frames.unions.groupby(["day", "platform"], observed=True)["on_strike"].any()
    return (
        f" Strikes in {int(weeks.sum())} of {len(weeks)} weeks (platform by platform)." if weeks.any() else ""
    )


def _panel(axes: Axes, title: str, unit: str, lines: Lines) -> None:
    ends = []
    highest = max(float(np.nanmax(values, initial=0.0)) for _, values in lines.values())
    for name, (at, values) in lines.items():
        axes.plot(at, values, color=style.GROUPS[name], marker="o", markersize=2.5)
        known = values[np.isfinite(values)]
        last = float(known[-1]) if len(known) else 0.0
        label = "Other" if name == "mixed" else name.title()
        ends.append((last, f"{label} {last:.3g}", style.GROUPS[name]))
    axes.set_ylim(0, 1.1 * highest or 1)
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_xlabel("weeks" if "union" in title else "months")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    style.end_labels(axes, ends, LABEL_GAP)
