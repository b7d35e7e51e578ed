"""Figures of one run: the daily clock, pay, inequality, flows of money, the year's course.

Each is a function of the recorded tables, the world and a caption, and returns a matplotlib figure at the
width of a paper's column (flows of money: of its page). Where the tables hold nothing to draw, the figure
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.figures import style
from sim.figures.families import families_figure
from sim.figures.intelligence import ai_figure
from sim.figures.policy import taxes_figure, users_figure
from sim.figures.remedies import remedies_figure
from sim.figures.sankey import OTHERS, PLACES, Band, Layout, curve, layout
from sim.money import MICRO, short_usd
from sim.outcomes.families import present
from sim.outcomes.frames import Countries, Frames, per_country
from sim.outcomes.indicators import LEAST_TASKS, LEAST_WORKERS, TOO_FEW, WORKING, all_in_pay, on_duty
from sim.outcomes.inequality import gini, lorenz, weighted_median
from sim.study import remarks
from sim.study.result import FIGURES, RunResult

Draw = Callable[[Frames, Countries, str], Figure]
Notes = list[tuple[str, str]]
Floats = npt.NDArray[np.float64]
MOST_COUNTRIES = 6
MOST_NAMED = 8
LONGEST_NAME = 14
LEAST_OF_WORLD = 0.01
DAYS_A_WEEK = 7
PAY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
CLOCK_KEY = [
    ("tasks posted", style.ink(style.ORANGE)),
    (", ", style.GREY),
    ("workers on duty", style.ink(style.BLUE)),
]
HALO = [withStroke(linewidth=1.6, foreground="white")]


def save_all(result: RunResult, folder: str | Path | None = None) -> list[Path]:
    """Draw every figure of a run into `folder`, by default its own, as PNG and SVG; return the paths."""
    place = result.path / FIGURES if folder is None else Path(folder)
    return draw_all(result, result.world, caption_of(result, result.manifest), place)


def draw_run(frames: Frames, world: Countries, manifest: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw every figure of a run that has just ended; its manifest gives the captions."""
    return draw_all(frames, world, caption_of(frames, manifest), folder)


def draw_all(frames: Frames, world: Countries, caption: str, folder: Path) -> list[Path]:
    """Draw every figure that the run has, as PNG and SVG; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        path
        for name, draw in figures_of(frames).items()
        for path in style.save(draw(frames, world, caption), folder, name)
    ]


def figures_of(frames: Frames) -> dict[str, Draw]:
    """Return the figures that a run has, by name."""
    found = ALL if frames.taxes.empty else ALL | POLICY
    found = found if frames.audiences.empty else found | USERS
    found = found if frames.unions.empty and frames.employment.empty else found | REMEDIES
    found = found if frames.ai.empty else found | INTELLIGENCE
    return found | FAMILIES if len(present(frames.kinds)) > 1 else found


def caption_of(frames: Frames, manifest: Mapping[str, Any]) -> str:
    """Return the caption of a run's figures from its tables and its manifest."""
    dates = frames.series["date"].astype(str)
    return remarks.beside_figures_of_run(manifest) + style.caption_text(
        workers=len(frames.workers),
        requesters=len(frames.requesters),
        days=int(frames.series["day"].nunique()),
        start=min(dates, default=""),
        seed=manifest.get("seed", "unknown"),
        version=str(manifest.get("version", "unknown")),
        config_hash=str(manifest.get("config_id", "unknown")),
    )


# ---------------------------------------------------------------- the clock


@style.drawn
def clock_figure(frames: Frames, world: Countries, caption: str) -> Figure:
    """Small multiples by region: when its requesters post and its workers are on duty, by UTC hour.

    Each curve is the share of its region's own day, so that all panels have the same scale; what the region
    weighs in the world is written above. The curve of fewer than 200 workers is not drawn.
    """
    clock = frames.clock
    if clock.empty or not clock["posted"].sum() or not clock["active"].sum():
        return style.empty_figure("No hours recorded.", caption)
    region_of = per_country(world, world.region)
    regions = clock["country"].astype(str).map(region_of)
    counts = frames.workers["country"].astype(str).map(region_of).value_counts()
    posted, active = (_by_hour(clock, regions, column) for column in ("posted", "active"))
    names = [name for name in dict.fromkeys(map(str, world.region)) if name in posted]
    figure = style.new_figure(style.COLUMN, 0.62 + 0.62 * (len(names) + 1), caption)
    panels = np.atleast_1d(figure.subplots(len(names) + 1, 1, sharex=True, sharey=True))
    world_posted, world_active = (np.sum(list(table.values()), axis=0) for table in (posted, active))
    _clock_panel(panels[0], "World", _shares(world_posted), _shares(world_active), CLOCK_KEY)
    top = 0.0
    for axes, name in zip(panels[1:], names, strict=True):
        tasks, task_text = _day_of(posted[name], world_posted.sum(), "of tasks")
        people, people_text = _day_of(active[name], world_active.sum(), "of workers on duty")
        if len(frames.workers) and counts.get(name, 0) < LEAST_WORKERS:
            people, people_text = np.full(24, np.nan), f"workers: {TOO_FEW}"
        _clock_panel(axes, name, tasks, people, [(f"{task_text}, {people_text}", style.GREY)])
        top = max(top, 1.12 * np.max([tasks, people], initial=0, where=np.isfinite([tasks, people])))
    panels[0].set_ylim(0, top)
    panels[0].set_xlim(0, 24)
    panels[0].yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    panels[-1].set_xticks(range(0, 25, 3))
    panels[-1].set_xlabel("Hour of the day (UTC)")
    figure.supylabel("Share of the region's day (%)", size=7, color=style.INK)
    return figure


def _by_hour(clock: pd.DataFrame, regions: pd.Series[Any], column: str) -> dict[str, Floats]:
    """Sum a column by region and hour: {region: 24 numbers}."""
    return {
        str(name): np.bincount(part["utc_hour"], part[column], minlength=24).astype(np.float64)
        for name, part in clock.groupby(regions, sort=False)
    }


def _day_of(hours: Floats, world: float, what: str) -> tuple[Floats, str]:
    """Return a region's shares by hour and what it weighs in the world; NaN, not drawn, under one percent."""
    weight = float(hours.sum() / world)
    if weight < LEAST_OF_WORLD:
        return np.full(24, np.nan), f"<{LEAST_OF_WORLD:.0%} {what} (not drawn)"
    return _shares(hours), f"{weight:.0%} {what}"


def _shares(hours: Floats) -> Floats:
    """Return each hour's share of the day in percent."""
    return np.asarray(100 * hours / hours.sum())


def _clock_panel(axes: Axes, name: str, posted: Floats, active: Floats, notes: Notes) -> None:
    axes.stairs(posted, np.arange(25), fill=True, color=style.tint(style.ORANGE, 0.55))
    hours = np.arange(-1, 25) + 0.5
    axes.plot(hours, np.take(active, np.arange(-1, 25), mode="wrap"), color=style.BLUE)
    axes.set_title(name)
    _notes(axes, notes)


def _notes(axes: Axes, notes: Notes) -> None:
    """Write (text, colour) one after the other, ending at the right end of the line that holds the title."""
    look: dict[str, Any] = {"ha": "right", "va": "bottom", "size": 6, "annotation_clip": False}
    place: Any = axes.transAxes
    at = (1.0, 1.0)
    for text, color in reversed(notes):
        first = place is axes.transAxes
        written = axes.annotate(
            text,
            at,
            xycoords=place,
            xytext=(0, 2.5 if first else 0),
            textcoords="offset points",
            color=color,
            **look,
        )
        place, at = written, (0.0, 0.0)


# ---------------------------------------------------------------- pay


@style.drawn
def pay_distribution(frames: Frames, world: Countries, caption: str) -> Figure:
    """All-in hourly pay of workers in the largest countries, on a log axis, with the local minimum wage."""
    workers = _with_pay(frames)
    counts = workers["country"].value_counts()
    largest = [str(code) for code in counts.index[counts >= LEAST_WORKERS][:MOST_COUNTRIES]]
    if not largest:
        return style.empty_figure(
            f"No country has {LEAST_WORKERS} workers with {LEAST_TASKS} tasks.", caption
        )
    pay = workers.loc[workers["country"].isin(largest), "pay"]
    low, high = np.quantile(pay[pay > 0], [0.0005, 0.9995])
    bins = np.geomspace(low / 1.15, high * 1.15, 45)
    names, floors = per_country(world, world.names), per_country(world, world.minimum_wage_usd)
    caption += " Height: share of the country's workers, to a scale of its own."
    caption += not_drawn(list(map(str, world.names)), [names[code] for code in largest])
    figure = style.new_figure(style.COLUMN, 0.5 + 0.62 * len(largest), caption)
    panels = np.atleast_1d(figure.subplots(len(largest), 1, sharex=True))
    for axes, code in zip(panels, largest, strict=True):
        part = workers[workers["country"] == code]
        name = names[code] if len(names[code]) <= LONGEST_NAME else code
        _pay_panel(axes, name, part, bins, float(floors[code]))
    _pay_axis(panels[-1], bins[0], bins[-1])
    panels[-1].set_xlabel("Net pay per hour of work, paid or not (USD, log scale)")
    return figure


def not_drawn(countries: list[str], drawn: list[str], where: str = "") -> str:
    """Say which countries a figure of pay leaves out, and why; nothing if it draws all.

    ``where`` says in which runs the workers of those drawn are counted, of whom the largest were looked at.
    """
    left = [name for name in countries if name not in drawn]
    if not left:
        return ""
    why = f"fewer than {LEAST_WORKERS} workers with {LEAST_TASKS} tasks{where}"
    if len(drawn) >= MOST_COUNTRIES:
        why = f"only the {MOST_COUNTRIES} largest are drawn"
    elif where and len(countries) > MOST_COUNTRIES:
        why += f", or not among the {MOST_COUNTRIES} largest"
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    return f" Not drawn: {', '.join(left[:MOST_NAMED])}{more} ({why})."


def _with_pay(frames: Frames) -> pd.DataFrame:
    """Return country, pay and weight of the workers whose pay counts (ten tasks, some working time)."""
    workers = frames.workers
    done = workers["tasks_accepted"] + workers["tasks_rejected"]
    kept = workers[(done >= LEAST_TASKS) & (workers[list(WORKING)].sum(axis=1) > 0)]
    return pd.DataFrame(
        {
            "country": kept["country"].astype(str),
            "pay": all_in_pay(kept),
            "weight": kept["weight"],
            "income": kept["pay_microusd"],
        }
    )


def _pay_panel(axes: Axes, name: str, workers: pd.DataFrame, bins: Any, floor: float) -> None:
    pay, weight = workers["pay"].to_numpy(), workers["weight"].to_numpy()
    shares = np.histogram(np.clip(pay, bins[0], bins[-1]), bins, weights=weight)[0] / weight.sum()
    axes.stairs(shares, bins, fill=True, color=style.tint(style.BLUE, 0.45))
    axes.set_ylim(0, shares.max() * 1.08)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    median = weighted_median(pay, weight)
    axes.plot([median, median], [0, shares.max()], color=style.BLUE, solid_capstyle="butt")
    axes.set_title(name)
    _notes(axes, _pay_notes(len(pay), median, pay, weight, floor))
    if bins[0] <= floor <= bins[-1]:
        axes.axvline(floor, color=style.VERMILLION, linewidth=1.0, linestyle=(0, (2.5, 1.5)))


def _pay_notes(count: int, median: float, pay: Any, weight: Any, floor: float) -> Notes:
    """Return the remarks on a country, each with its colour; the colours name the two lines."""
    notes = [(f"n = {count:,}, ", style.GREY), (f"median {median:.2f}", style.ink(style.BLUE))]
    if not floor > 0:
        return [*notes, (", no minimum wage", style.GREY)]
    below = float(np.sum(weight * (pay < floor)) / np.sum(weight))
    return [
        *notes,
        (f", {below:.0%} below ", style.GREY),
        (f"minimum wage {floor:.2f}", style.ink(style.VERMILLION)),
    ]


def _pay_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in PAY_TICKS if low <= tick <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


# ---------------------------------------------------------------- inequality


@style.drawn
def lorenz_curves(frames: Frames, world: Countries, caption: str) -> Figure:
    """Lorenz curves of net income (all active workers, North, South) and of hourly pay, with their Gini."""
    workers = frames.workers
    if workers.empty or not workers["pay_microusd"].sum():
        return style.empty_figure("No pay recorded.", caption)
    workers = workers[on_duty(workers) > 0]
    groups = workers["country"].astype(str).map(per_country(world, world.group)).str.lower()
    parts = {"all": workers} | {name: workers[groups == name] for name in ("north", "south", "mixed")}
    figure = style.new_figure(style.COLUMN, 3.2, caption)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color=style.PALE, linewidth=0.8)
    axes.text(33, 36, "equality", rotation=45, rotation_mode="anchor", size=6, color=style.GREY)
    curves = [
        (_group_name(name), style.GROUPS.get(name, style.INK), part["pay_microusd"], part["weight"])
        for name, part in parts.items()
    ]
    paid = _with_pay(frames)
    curves.append(("Hourly pay, all workers", style.GREEN, paid["pay"], paid["weight"]))
    enough = [one for one in curves if len(one[2]) >= LEAST_WORKERS and one[2].sum() > 0]
    for row, (name, color, values, weight) in enumerate(enough):
        _lorenz_curve(axes, row, name, color, values.to_numpy(np.float64), weight.to_numpy(np.float64))
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_xlabel("Workers, from the lowest to the highest (%)")
    axes.set_ylabel("Share of the total (%)")
    return figure


def _lorenz_curve(axes: Axes, row: int, name: str, color: str, values: Any, weight: Any) -> None:
    """Draw one curve and write its name in the empty corner."""
    people, held = lorenz(values, weight)
    axes.plot(100 * people, 100 * held, color=color, linewidth=1.6 if row == 0 else 1.0)
    text = f"{name}: Gini {gini(values, weight):.2f}"
    axes.text(4, 93 - 6.5 * row, text, color=style.ink(color), weight="bold" if row == 0 else "normal")


def _group_name(name: str) -> str:
    return {"all": "Income, all workers", "mixed": "Income, others"}.get(name, f"Income, {name.title()}")


# ---------------------------------------------------------------- money


def sector_flows(flows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Sum the flows by paying and receiving sector, in micro-dollars."""
    sums = flows.groupby(["debit_sector", "credit_sector"], observed=True)["amount_microusd"].sum()
    rows = sums.reset_index().itertuples(index=False)
    return {(str(debit), str(credit)): int(amount) for debit, credit, amount in rows}


BESIDE = "external_income_of_others"
"""Kind of a transfer that passes by the market."""


def sankey_flows(flows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Sum the flows as the diagram shows them: incomes of those outside the market apart from spending.

    What is paid from outside to people outside never comes into the market, and could dwarf it.
    """
    kinds = flows["kind"].astype(str)
    others, beside = kinds == "income_of_others", kinds == BESIDE
    sums = sector_flows(flows[~others & ~beside])
    paid = int(flows.loc[others, "amount_microusd"].sum())
    return sums | {("governments", OTHERS): paid} if paid else sums


@style.drawn
def money_sankey(frames: Frames, world: Countries, caption: str) -> Figure:
    """The way of the money from budgets to spending: bands as wide as the sums of the ledger."""
    return money_of(frames.flows, caption)


@style.drawn
def money_of(flows: pd.DataFrame, caption: str) -> Figure:
    """Draw flows by kind and sectors: columns ``kind``, ``debit_sector``, ``credit_sector``, the amount."""
    plan = layout(sankey_flows(flows))
    if not plan.bands:
        return style.empty_figure("No money moved.", caption)
    past = int(flows.loc[flows["kind"].astype(str) == BESIDE, "amount_microusd"].sum())
    text = f" Not drawn: {short_usd(past)} from outside to people who are no workers here." if past else ""
    figure = style.new_figure(style.PAGE, 3.1, caption + _omitted_text(plan) + text)
    axes = figure.subplots()
    axes.set_axis_off()
    draw_sankey(axes, plan)
    return figure


BAR_WIDTH = 0.09
SANKEY_COLORS = {
    "workers": style.GREEN,
    "pending": style.GREEN,
    "collectives": style.PURPLE,
    "platforms": style.VERMILLION,
    "owners": style.VERMILLION,
    "havens": style.VERMILLION,
    "governments": style.ORANGE,
    OTHERS: style.GREEN,
    "requesters": style.BLUE,
    "escrow": style.BLUE,
}


def draw_sankey(axes: Axes, plan: Layout) -> None:
    """Draw a layout: a band takes the colour of the sector it goes to; a return is hatched."""
    targets = [band.target for band in plan.bands]
    for band in plan.bands:
        wide = band.amount > 0.035 * plan.height
        _draw_band(axes, band, labelled=wide and (targets.count(band.target) > 1 or band.returns))
    for bar in plan.bars:
        color = SANKEY_COLORS.get(bar.name, style.GREY)
        axes.add_patch(
            Rectangle((bar.column - BAR_WIDTH / 2, bar.bottom), BAR_WIDTH, bar.height, color=color)
        )
        text = f"{bar.name.replace('_', ' ')}\n{short_usd(bar.amount)}"
        at = bar.column, bar.bottom + bar.height + 0.012 * plan.height
        axes.text(*at, text, ha="center", va="bottom", size=6.5, linespacing=1.1, path_effects=HALO)
    axes.set_xlim(-0.4, max(bar.column for bar in plan.bars) + 0.4)
    axes.set_ylim(-0.01 * plan.height, plan.height)


def _draw_band(axes: Axes, band: Band, labelled: bool) -> None:
    x, lower, upper = curve(band, BAR_WIDTH)
    outline = np.column_stack([np.concatenate([x, x[::-1]]), np.concatenate([lower, upper[::-1]])])
    color = SANKEY_COLORS.get(band.target, style.GREY)
    look: dict[str, Any] = {"facecolor": style.tint(color), "edgecolor": style.tint(color, 0.5)}
    if band.returns:
        look = {"facecolor": "white", "edgecolor": style.tint(color, 0.7), "hatch": "//////"}
    axes.add_patch(
        Polygon(outline, closed=True, linewidth=0.3, gid=f"{band.source} to {band.target}", **look)
    )
    if labelled:
        middle = (band.way[-1][0] - BAR_WIDTH, band.way[-1][1] + band.amount / 2)
        axes.text(
            *middle,
            short_usd(band.amount),
            ha="right",
            va="center",
            size=5.5,
            color=style.INK,
            path_effects=HALO,
        )


def _omitted_text(plan: Layout) -> str:
    text = (
        " Amounts in USD (k: thousand, m: million, bn: billion). Budgets and spending: from and to the"
        " outside world; hatched: money that goes back."
    )
    if plan.omitted:
        parts = [
            f"{debit} to {credit} {short_usd(amount)}" for (debit, credit), amount in plan.omitted.items()
        ]
        text += f" Not drawn: {', '.join(parts)}."
    return text


@style.drawn
def flow_matrix(frames: Frames, world: Countries, caption: str) -> Figure:
    """Heat map of the money that went from each sector (row) to each other (column), with its sums."""
    sums = sector_flows(frames.flows)
    if not any(sums.values()):
        return style.empty_figure("No money moved.", caption)
    used = sorted({name for pair, amount in sums.items() if amount for name in pair}, key=_matrix_order)
    table = np.array([[sums.get((debit, credit), 0) for credit in used] for debit in used], dtype=np.float64)
    divisor, word = style.scale_of(float(table.max()) / MICRO)
    figure = style.new_figure(style.COLUMN, 0.9 + 0.24 * len(used), caption)
    axes = figure.subplots()
    shade = np.ma.masked_equal(table, 0)
    paint = LinearSegmentedColormap.from_list("flows", ["#EDF4FA", style.BLUE])
    low = max(np.log10(table.max()) - 4, 0)
    axes.pcolormesh(np.ma.log10(shade), cmap=paint, vmin=low, edgecolors="white", linewidth=1)
    _matrix_text(axes, table / MICRO / divisor)
    names = [name.replace("_", " ") for name in used]
    axes.set_yticks(np.arange(len(used) + 1) + 0.5, [*names, "received"])
    axes.set_xticks(
        np.arange(len(used) + 1) + 0.5, [*names, "paid"], rotation=45, ha="left", rotation_mode="anchor"
    )
    axes.set(xlim=(0, len(used) + 1), ylim=(len(used) + 1, 0))
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    unit = f"{word} USD" if word else "USD"
    axes.set_xlabel(f"Paid by the row to the column ({unit})", labelpad=4)
    return figure


def _matrix_order(name: str) -> tuple[int, str]:
    """Sectors as in the flow diagram, those without a place there (rounding, outside) last."""
    return PLACES[name][0] if name in PLACES else len(PLACES), name


def _matrix_text(axes: Axes, table: Any) -> None:
    count = len(table)
    for row in range(count):
        for column in range(count):
            value = table[row, column]
            if value:
                dark = value > table.max() / 20
                _cell(axes, row, column, value, "white" if dark else style.INK)
        _cell(axes, row, count, table[row].sum(), style.GREY)
        _cell(axes, count, row, table[:, row].sum(), style.GREY)


def _cell(axes: Axes, row: int, column: int, value: float, color: str) -> None:
    axes.text(column + 0.5, row + 0.5, _short(value), ha="center", va="center", size=5, color=color)


def _short(value: float) -> str:
    """Write a number in at most four characters or so."""
    if value == 0:
        return "0"
    if value < 0.005:
        return "<.01"
    return f"{value:.2f}" if value < 9.995 else f"{value:,.1f}" if value < 99.95 else f"{value:,.0f}"


# ---------------------------------------------------------------- the year


@style.drawn
def time_series(frames: Frames, world: Countries, caption: str) -> Figure:
    """Weeks of the window: workers active, tasks posted, done and expired, reward per task, hourly pay."""
    if frames.series.empty:
        return style.empty_figure("No days recorded.", caption)
    series, days = _in_periods(frames.series)
    figure = style.new_figure(style.COLUMN, 4.7, caption)
    panels = figure.subplots(4, 1, sharex=True)
    _people_panel(panels[0], series, days, world)
    _tasks_panel(panels[1], series, days)
    total = series.groupby("at").sum(numeric_only=True)
    reward = 100 * total["pay_microusd"] / MICRO / total["tasks_accepted"].replace(0, np.nan)
    _lines(panels[2], [("", style.INK, reward)])
    panels[2].set_title("Net reward per accepted task (US cents)")
    usd = total["pay_microusd"] / MICRO * 3600
    paid, all_in = (
        usd / total["paid_seconds"].replace(0, np.nan),
        usd / total[list(WORKING)].sum(axis=1).replace(0, np.nan),
    )
    _lines(panels[3], [("paid time", style.GREEN, paid), ("all time", style.BLUE, all_in)])
    panels[3].set_title("Net pay per hour, all workers pooled (USD)")
    _date_axis(panels[3], series["at"])
    return figure


def _in_periods(series: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Add the middle of the week as `at` and leave out a last week cut short; under three weeks, days.

    Returns the table and the days in a period.
    """
    day = series["day"] - series["day"].min()
    length = int(day.max()) + 1
    days = DAYS_A_WEEK if length >= 3 * DAYS_A_WEEK else 1
    period = day // days
    start = pd.to_datetime(series["date"].astype(str)) - pd.to_timedelta(day % days, unit="D")
    with_middle = series.assign(at=start + pd.Timedelta(days=days) / 2)
    return with_middle[period < length // days], days


def _people_panel(axes: Axes, series: pd.DataFrame, days: int, world: Countries) -> None:
    groups = series["country"].astype(str).map(per_country(world, world.group)).str.lower()
    lines = []
    for name, color in style.GROUPS.items():
        active = series["active_workers"].where(groups == name, 0).groupby(series["at"]).sum() / days
        if active.any():
            lines.append(("Other" if name == "mixed" else name.title(), color, active))
    word = _lines(axes, lines)
    axes.set_title("Workers active per day" + word)


def _tasks_panel(axes: Axes, series: pd.DataFrame, days: int) -> None:
    total = series.groupby("at").sum(numeric_only=True)
    names = (("posted", style.ORANGE), ("done", style.BLUE), ("expired", style.GREY))
    word = _lines(axes, [(name, color, total[f"requester_{name}"]) for name, color in names])
    axes.set_title(f"Tasks per {'week' if days > 1 else 'day'}{word}")


def _lines(axes: Axes, lines: list[tuple[str, str, pd.Series[Any]]]) -> str:
    """Draw lines from zero with their names at the right; return the unit for the title, if scaled."""
    highest = max((float(values.max()) for _, _, values in lines if values.notna().any()), default=0.0)
    divisor, word = style.scale_of(highest)
    for _, color, values in lines:
        marker = "o" if len(values) == 1 else ""
        axes.plot(values.index.to_numpy(), values.to_numpy(np.float64) / divisor, color=color, marker=marker)
    axes.set_ylim(0, 1.1 * highest / divisor or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    named = [(name, color, values.dropna()) for name, color, values in lines if name and values.notna().any()]
    ends = [(float(values.iloc[-1]) / divisor, name, color) for name, color, values in named]
    style.end_labels(axes, ends)
    return f" ({word})" if word else ""


def _date_axis(axes: Axes, dates: pd.Series[Any]) -> None:
    first, last = dates.min(), dates.max()
    margin = pd.Timedelta(hours=12 if first == last else 0)
    axes.set_xlim(first - margin, last + margin)
    style.name_dates(axes)


ALL: dict[str, Draw] = {
    "clock": clock_figure,
    "pay": pay_distribution,
    "lorenz": lorenz_curves,
    "money": money_sankey,
    "matrix": flow_matrix,
    "series": time_series,
}

POLICY: dict[str, Draw] = {"taxes": taxes_figure}
"""Figures of runs in which a tax or an income is in force."""

USERS: dict[str, Draw] = {"users": users_figure}
"""Figures of runs with social platforms."""

FAMILIES: dict[str, Draw] = {"families": families_figure}
"""Figures of runs with several kinds of platforms."""

REMEDIES: dict[str, Draw] = {"remedies": remedies_figure}
"""Figures of runs with a union or with employees."""

INTELLIGENCE: dict[str, Draw] = {"ai": ai_figure}
"""Figures of runs with a stock of artificial intelligence."""
