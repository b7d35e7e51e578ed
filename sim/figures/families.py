"""The figure of kinds of platforms: hourly pay in each, and when its work is posted by local hour."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.figures import style
from sim.outcomes.families import Floats, hourly_pay, posted_by_local_hour, present
from sim.outcomes.frames import Countries, Frames
from sim.outcomes.inequality import weighted_median

NAMES = {
    "microwork": ("Microwork", style.BLUE),
    "on_demand": ("On demand", style.GREEN),
    "click_farm": ("Click farms", style.VERMILLION),
    "social": ("Social", style.PURPLE),
}
LEAST_DRAWN = 20
PAY_TICKS = (0.001, 0.01, 0.1, 1, 10, 100)
HOURS = (0, 6, 12, 18, 24)


@style.drawn
def families_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Small multiples: for each kind of platform its workers' hourly pay, and the local hours of posting."""
    kinds = present(frames.kinds)
    pay = {kind: hourly_pay(frames, kind) for kind in kinds}
    posted = {kind: posted_by_local_hour(frames, kind) for kind in kinds}
    kinds = [kind for kind in kinds if len(pay[kind][0]) >= LEAST_DRAWN or np.isfinite(posted[kind]).all()]
    if not kinds:
        return style.empty_figure("No work recorded.", caption)
    caption += " Left: share of workers with ten tasks, to a scale of its own. Right: share of batches."
    figure = style.new_figure(style.PAGE, 0.5 + 0.95 * len(kinds), caption)
    panels = figure.subplots(len(kinds), 2, sharex="col", squeeze=False)
    bins = _bins([pay[kind][0] for kind in kinds])
    highest = max((float(np.nanmax(posted[kind], initial=0.0)) for kind in kinds), default=0.0)
    for (left, right), kind in zip(panels, kinds, strict=True):
        _pay_panel(left, kind, *pay[kind], bins)
        _hours_panel(right, kind, posted[kind], highest)
    _label(panels[-1][0], panels[-1][1], bins)
    return figure


def _bins(pays: list[Floats]) -> Floats:
    """Edges of the bars, on a log scale, that hold nearly all pay of all kinds."""
    found = np.concatenate([pay[pay > 0] for pay in pays])
    if not len(found):
        return np.geomspace(0.01, 100.0, 45)
    low, high = np.quantile(found, [0.002, 0.998])
    return np.geomspace(low / 1.3, high * 1.3, 45)


def _pay_panel(axes: Axes, kind: str, pay: Floats, weight: Floats, bins: Floats) -> None:
    name, color = NAMES[kind]
    axes.set_title(name)
    axes.set_xscale("log")
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    if len(pay) < LEAST_DRAWN:
        text = f"n = {len(pay)}: too few workers with ten tasks"
        axes.text(0.02, 0.5, text, transform=axes.transAxes, color=style.GREY, size=6.5)
        return
    shares = np.histogram(np.clip(pay, bins[0], bins[-1]), bins, weights=weight)[0] / weight.sum()
    axes.stairs(shares, bins, fill=True, color=style.tint(color, 0.45))
    axes.set_ylim(0, shares.max() * 1.35)
    median = weighted_median(pay, weight)
    if bins[0] <= median <= bins[-1]:
        axes.plot([median, median], [0, shares.max()], color=color, solid_capstyle="butt")
    text = f"n = {len(pay):,}, median {median:.2g}"
    axes.text(
        0.99, 0.98, text, transform=axes.transAxes, ha="right", va="top", color=style.ink(color), size=6.5
    )


def _hours_panel(axes: Axes, kind: str, posted: Floats, highest: float) -> None:
    axes.set_ylim(0, 1.1 * highest if highest > 0 else 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    if not np.isfinite(posted).all():
        axes.text(0.02, 0.5, "no batches recorded", transform=axes.transAxes, color=style.GREY, size=6.5)
        return
    edges = np.arange(25)
    axes.stairs(posted, edges, baseline=None, color=NAMES[kind][1], linewidth=1.2)
    axes.axhline(1 / 24, color=style.PALE, linewidth=0.6, zorder=0)


def _label(left: Axes, right: Axes, bins: Floats) -> None:
    left.set_xlim(bins[0], bins[-1])
    left.xaxis.set_major_locator(FixedLocator([tick for tick in PAY_TICKS if bins[0] <= tick <= bins[-1]]))
    left.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    left.xaxis.set_minor_locator(NullLocator())
    left.set_xlabel("Net pay per hour of work, paid or not (USD, log scale)")
    right.set_xlim(0, 24)
    right.xaxis.set_major_locator(FixedLocator(HOURS))
    right.set_xlabel("Local hour in which work is posted")
