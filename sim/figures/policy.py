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
        _stacked_panel(axes[0], revenue, INSTRUMENTS, "Taxes collected in a month")
    if incomes:
        _income_panel(axes[-1], incomes)
    _month_axis(axes[-1], months)
    return figure


def _month_axis(axes: Axes, months: list[str]) -> None:
    axes.set_xlim(-0.5, len(months) - 0.5)
    every = -(-len(months) // MOST_TICKS)
    ticks = range(0, len(months), every)
    axes.set_xticks(ticks, [_month_name(months, tick, every) for tick in ticks])


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


def income_by_month(frames: Frames, world: Countries, months: list[str]) -> dict[str, Floats]:
    """Return {country group: USD that a recipient is paid for each month}; NaN where none is paid.

    What is paid as a month ends is for the next one.
    """
    paid = frames.incomes[frames.incomes["heads"] > 0]
    groups = paid["country"].astype(str).map(per_country(world, world.group)).str.lower()
    total = paid["heads"] * paid["per_head_microusd"] / MICRO
    found = {}
    for name in style.GROUPS:
        chosen = groups == name
        if chosen.any():
            period = paid["period"][chosen].astype(str)
            mean = total[chosen].groupby(period).sum() / paid["heads"][chosen].groupby(period).sum()
            found[name] = np.array([np.nan, *mean.reindex(months).to_numpy(np.float64)[:-1]])
    return found


def _remarks(frames: Frames, incomes: dict[str, Floats]) -> str:
    text = " Money of the model; months at both ends may be cut."
    if frames.scale is not None:
        text += f" A worker stands for {frames.scale:,.0f} people."
    if incomes:
        unfunded = frames.incomes["from_outside_microusd"].any()
        text += " The income is " + (
            "paid from outside: an unfunded experiment."
            if unfunded
            else "paid from the taxes of the month before; its last value stands beside each line."
        )
        if (frames.incomes["heads"] == frames.incomes["workers"]).all():
            text += " Only workers of the market are paid it."
    return text


def _stacked_panel(
    axes: Axes, revenue: dict[str, Floats], names: dict[str, tuple[str, str]], title: str
) -> None:
    """Stack sums of money; their names stand at the right, as high as in the month with most."""
    whole = np.sum(list(revenue.values()), axis=0)
    divisor, word = style.scale_of(float(whole.max()))
    bottom, most = np.zeros(len(whole)), int(np.argmax(whole))
    ends = []
    for name, usd in revenue.items():
        text, color = names[name]
        axes.bar(np.arange(len(usd)), usd / divisor, 0.75, bottom / divisor, color=style.tint(color, 0.75))
        ends.append((float((bottom + usd / 2)[most]) / divisor, text, color))
        bottom += usd
    axes.set_ylim(0, 1.1 * float(whole.max()) / divisor or 1)
    _finish(axes, title, f"{word} USD".strip(), ends)


def _income_panel(axes: Axes, incomes: dict[str, Floats]) -> None:
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
    _finish(axes, "Income paid per head and month", unit, ends)


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


# ---------------------------------------------------------------- families of platforms

TAKEN = {
    "requester_fee": ("fees on\nrequesters", style.BLUE),
    "worker_fee": ("fees on workers", style.PURPLE),
    "advertising": ("advertising", style.ORANGE),
    "user_charge": ("charges on users", style.VERMILLION),
}
"""What platforms take, by kind of transfer: the first two where work is paid, the others where it is not."""


@style.drawn
def users_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """What platforms take in each month, from work and from users; users of social ones by country group."""
    months, taken = taken_by_month(frames)
    if frames.audiences.empty or not months:
        return style.empty_figure("No social platform.", caption)
    text = f"{caption} Money of the model; months at both ends may be cut."
    if frames.scale is not None:
        text += f" A user of the model stands for {frames.scale:,.0f} people."
    text += " Thin lines reach the users that there would be without charges and taxes."
    figure = style.new_figure(style.COLUMN, 3.0, text)
    money, users = figure.subplots(2, 1, sharex=True)
    _stacked_panel(money, taken, TAKEN, "Platforms take in a month")
    _users_panel(users, *users_by_month(frames, world, months))
    _month_axis(users, months)
    return figure


def taken_by_month(frames: Frames) -> tuple[list[str], dict[str, Floats]]:
    """Return the months of the window and {kind of transfer to platforms: USD in each}."""
    flows = frames.flows
    kinds, periods = flows["kind"].astype(str), flows["period"].astype(str)
    months = sorted({*periods, *frames.audiences["period"].astype(str)})
    found = {}
    for kind in TAKEN:
        sums = flows["amount_microusd"][kinds == kind].groupby(periods[kinds == kind]).sum() / MICRO
        if len(sums):
            found[kind] = sums.reindex(months, fill_value=0.0).to_numpy(np.float64)
    return months, found


def users_by_month(
    frames: Frames, world: Countries, months: list[str]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return {country group: persons on social platforms in each month}, and those without taxes."""
    rows, scale = frames.audiences, frames.scale or 1.0
    groups = rows["country"].astype(str).map(per_country(world, world.group)).str.lower()
    there: dict[str, Floats] = {}
    without: dict[str, Floats] = {}
    for name in style.GROUPS:
        part = rows[groups == name]
        if len(part):
            by_period = part.groupby(part["period"].astype(str))
            for found, column in ((there, "users"), (without, "users_without_charge")):
                sums = by_period[column].sum().reindex(months)
                found[name] = sums.to_numpy(np.float64) * scale
    return there, without


def _users_panel(axes: Axes, there: dict[str, Floats], without: dict[str, Floats]) -> None:
    highest = max(float(np.nanmax(persons)) for persons in (*there.values(), *without.values()))
    divisor, word = style.scale_of(highest)
    ends = []
    for name, persons in there.items():
        color, months = style.GROUPS[name], np.arange(len(persons))
        pale = style.tint(color, 0.5)
        axes.vlines(months, persons / divisor, without[name] / divisor, color=pale, linewidth=1)
        axes.plot(months, persons / divisor, color=color, marker="o", markersize=3)
        last = float(persons[np.isfinite(persons)][-1]) / divisor
        ends.append((last, f"{'Other' if name == 'mixed' else name.title()} {_value(last)}", color))
    axes.set_ylim(0, 1.1 * highest / divisor or 1)
    _finish(axes, "Users of social platforms", f"{word} people".strip(), ends)
