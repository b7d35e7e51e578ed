"""The figure of taxes and income: what each instrument raises, and what a person is paid, month by month."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.figures import style
from sim.money import MICRO
from sim.outcomes.frames import Countries, Frames, per_country

Floats = npt.NDArray[np.float64]
INSTRUMENTS = {
    "usage_tax": ("on users", style.ORANGE),
    "turnover_tax": ("on turnover", style.BLUE),
    "profit_tax": ("on profits", style.PURPLE),
}
UNIVERSAL, CONDITIONAL = "Universal income per head and month", "Income of each job seeker paid, a month"
MOST_TICKS = 6
LABEL_GAP = 0.16


@style.drawn
def taxes_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Taxes collected in each month by instrument, and the income per head paid for it by country group."""
    months, revenue = revenue_by_month(frames)
    incomes = income_by_month(frames, world, months)
    incomes = {name: usd for name, usd in incomes.items() if np.isfinite(usd).any()}
    panels = [bool(revenue), bool(incomes)]
    if not any(panels):
        return style.empty_figure("No tax collected, no income paid.", caption)
    figure = style.new_figure(style.COLUMN, 0.3 + 1.35 * sum(panels), caption + _remarks(frames, incomes))
    axes = list(np.atleast_1d(figure.subplots(sum(panels), 1, sharex=True)))
    if revenue:
        _revenue_panel(axes[0], revenue)
    if incomes:
        _income_panel(axes[-1], incomes, CONDITIONAL if is_conditional(frames) else UNIVERSAL)
    axes[-1].set_xlim(-0.5, len(months) - 0.5)
    every = -(-len(months) // MOST_TICKS)
    ticks = range(0, len(months), every)
    axes[-1].set_xticks(ticks, [_month_name(months, tick, every) for tick in ticks])
    return figure


def revenue_by_month(frames: Frames) -> tuple[list[str], dict[str, Floats]]:
    """Return the months of the window and {instrument: USD collected in each}, as in `flows`."""
    taxes = frames.taxes
    months = sorted({*taxes["period"].astype(str), *frames.incomes["period"].astype(str)})
    names = taxes["instrument"].astype(str)
    usd = (taxes["amount_microusd"] - taxes["before_window_microusd"]) / MICRO
    found = {}
    for name in INSTRUMENTS:
        chosen = names == name
        if usd[chosen].any():
            sums = usd[chosen].groupby(taxes["period"][chosen].astype(str)).sum()
            found[name] = sums.reindex(months, fill_value=0.0).to_numpy(np.float64)
    return months, found


def is_conditional(frames: Frames) -> bool:
    """Whether the income paid depends on what its recipients did."""
    return bool((frames.flows["kind"].astype(str) == "conditional_income").any())


def income_by_month(frames: Frames, world: Countries, months: list[str]) -> dict[str, Floats]:
    """Return {country group: USD that a recipient is paid for each month}; NaN where none is paid.

    What is paid as a month ends is for the next one, or for what was done in it.
    """
    ahead = 0 if is_conditional(frames) else 1
    paid = frames.incomes[frames.incomes["heads"] > 0]
    groups = paid["country"].astype(str).map(per_country(world, world.group)).str.lower()
    total = paid["heads"] * paid["per_head_microusd"] / MICRO
    found = {}
    for name in style.GROUPS:
        chosen = groups == name
        if chosen.any():
            period = paid["period"][chosen].astype(str)
            mean = total[chosen].groupby(period).sum() / paid["heads"][chosen].groupby(period).sum()
            paid_for = np.array([*[np.nan] * ahead, *mean.reindex(months).to_numpy(np.float64)])
            found[name] = paid_for[: len(months)]
    return found


def _remarks(frames: Frames, incomes: dict[str, Floats]) -> str:
    text = " Money of the model; months at both ends may be cut."
    if frames.scale is not None:
        text += f" A worker stands for {frames.scale:,.0f} people."
    if incomes:
        unfunded = frames.incomes["from_outside_microusd"].any()
        if (frames.incomes["heads"] == frames.incomes["workers"]).all():
            text += " Only workers of the market are paid it."
        text += " The income is " + (
            "paid from outside: an unfunded experiment."
            if unfunded
            else "paid from the taxes of the month before; its last value stands beside each line."
        )
    return text


def _revenue_panel(axes: Axes, revenue: dict[str, Floats]) -> None:
    """Stack the instruments; their names stand at the right, as high as in the month that raised most."""
    whole = np.sum(list(revenue.values()), axis=0)
    divisor, word = style.scale_of(float(whole.max()))
    bottom, most = np.zeros(len(whole)), int(np.argmax(whole))
    ends = []
    for name, usd in revenue.items():
        text, color = INSTRUMENTS[name]
        axes.bar(np.arange(len(usd)), usd / divisor, 0.75, bottom / divisor, color=style.tint(color, 0.75))
        ends.append((float((bottom + usd / 2)[most]) / divisor, text, color))
        bottom += usd
    axes.set_ylim(0, 1.1 * float(whole.max()) / divisor or 1)
    _finish(axes, "Taxes collected in a month", f"{word} USD".strip(), ends)


def _income_panel(axes: Axes, incomes: dict[str, Floats], title: str) -> None:
    """Draw a line for each group of countries; groups that are paid the same share one."""
    highest = max(float(np.nanmax(usd)) for usd in incomes.values())
    factor, unit = (1.0, "USD") if highest >= 1 else (100.0, "US cents")
    alike: dict[bytes, list[str]] = {}
    for name, usd in incomes.items():
        alike.setdefault(np.round(usd, 9).tobytes(), []).append(name)
    ends = []
    for names in alike.values():
        usd, color = incomes[names[0]], style.GROUPS[names[0]] if len(names) == 1 else style.INK
        axes.plot(np.arange(len(usd)), factor * usd, color=color, marker="o", markersize=3)
        last = factor * float(usd[np.isfinite(usd)][-1])
        text = ",\n".join("Other" if name == "mixed" else name.title() for name in names)
        ends.append((last, f"{text} {_value(last)}", color))
    axes.set_ylim(0, 1.1 * factor * highest or 1)
    _finish(axes, title, unit, ends)


def _value(number: float) -> str:
    """Write a number in two or three figures."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}" if number >= 1 else f"{number:.2g}"


def _finish(axes: Axes, title: str, unit: str, ends: list[tuple[float, str, str]]) -> None:
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    style.end_labels(axes, ends, LABEL_GAP)


def _month_name(months: list[str], tick: int, every: int) -> str:
    """Name a month, with the year under the first and wherever it has changed since the last tick."""
    month = pd.Period(months[tick], freq="M")
    before: Any = pd.Period(months[tick - every], freq="M") if tick else None
    name = str(month.strftime("%b"))
    return f"{name}\n{month.year}" if before is None or before.year != month.year else name
