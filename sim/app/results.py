"""What the page shows of a finished request: numbers and figures as they are in its files, and nothing else.

No number is computed here but those of files; a figure is drawn from what was read, for exactly one request.
"""

from __future__ import annotations

import io
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sim.app.desk import Job
from sim.app.player import COMPARISON
from sim.errors import UserError
from sim.figures import comparison as of_comparison
from sim.figures import market, style
from sim.study.compare import Comparison, load_comparison, write_csv
from sim.study.measure import WORLD
from sim.study.result import RunResult, frame_file, load

SHOWN: tuple[tuple[str, str], ...] = (
    *of_comparison.FOREST,
    ("share_below_minimum_wage", "Below the minimum wage"),
    ("gini_income", "Inequality of net pay"),
    ("labour_share", "Workers' share of spending"),
    ("tax_revenue", "Taxes collected"),
    ("tax_per_user_month", "Tax a user and month"),
    ("transfer_per_head_month", "Income a head and month"),
)
"""Outcomes of the world on the page, and their names there."""

HEADLINES = {
    "pay_all_in_median": "Hourly pay, median",
    "income_with_transfers_per_worker_month": "A worker's income",
    "platform_rent": "Platforms' profit",
    "tax_revenue": "Taxes collected",
}
"""Outcomes of the world at the top of the page."""

TABLES = ("comparison", "incidence", "countries", "flows", "exits")
"""Tables of a comparison that are in its folder as Parquet and CSV."""

RUN_TABLES = ("clock", "series", "workers", "flows")
FORMATS = ("svg", "png")
MOST_IMAGES = 200
"""Images kept in memory, of about 100 kB each."""

PIXELS_AN_INCH = 150

_DRAWING = threading.Lock()
"""matplotlib's settings are one for the process, and pages are drawn in several threads."""


@dataclass(frozen=True)
class Found:
    """A finished request, read from its folders.

    Attributes
    ----------
    key
        What was asked (`state.key_of`).
    comparison
        Scenario against baseline, all seeds.
    runs
        The run of each with the first seed, by name; the baseline first.
    """

    key: str
    comparison: Comparison
    runs: dict[str, RunResult]

    @property
    def baseline(self) -> str:
        """Name of the baseline."""
        return self.comparison.baseline

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return self.comparison.scenarios[0]


def read(job: Job) -> Found:
    """Read what came of a request."""
    if job.paths is None:
        raise UserError("There is nothing to read: the request is not finished.", value=job.status)
    folders = dict(job.paths)
    comparison = load_comparison(folders.pop(COMPARISON))
    return Found(job.key, comparison, {name: load(folder) for name, folder in folders.items()})


# ---------------------------------------------------------------- numbers


def world_table(found: Found) -> pd.DataFrame:
    """Return outcomes of the world as `comparison.parquet` holds them, in the page's order and words."""
    table = found.comparison.table
    here = table[table["group"] == WORLD].set_index("metric")
    names = [(metric, label) for metric, label in SHOWN if metric in here.index]
    rows = here.loc[[metric for metric, _ in names]].reset_index()
    rows.insert(0, "outcome", [label for _, label in names])
    return rows[["outcome", "unit", "baseline", "value", "difference", "low", "high", "metric"]]


def headline(found: Found, metric: str) -> tuple[str, str, str]:
    """Return an outcome of the world as texts: its unit, its value, its difference with the interval."""
    row = world_table(found).set_index("metric").loc[metric].to_dict()
    interval = f"{signed(row['difference'])} [{signed(row['low'])}, {signed(row['high'])}]"
    return str(row["unit"]), digits(row["value"]), interval


def digits(value: float) -> str:
    """Spell a number in four digits, as `%.4g` rounds it, without an exponent where people would read one."""
    if not math.isfinite(value):
        return "–"
    rounded = float(f"{value:.4g}")
    if rounded == 0 or 1e-4 <= abs(rounded) < 1e15:
        places = 0 if rounded == 0 else max(0, 3 - math.floor(math.log10(abs(rounded))))
        return f"{rounded:,.{places}f}"
    return f"{value:.3e}"


def signed(value: float) -> str:
    """Spell a difference in four digits with its sign; exactly nothing is 0."""
    return "0" if value == 0 else (f"+{digits(value)}" if value > 0 else digits(value))


UNCHANGED = "Nothing differs from the baseline, in no seed: every difference is exactly 0."
IDLE = "In force on none of these days: {}."
EARLY = (
    "No month in which it is in force ends before these days do: {}. Incomes are paid, and platforms pass"
    " taxes on, as the next month begins."
)


def remarks(found: Found) -> list[str]:
    """Return in sentences what a reader should know of this comparison."""
    manifest = found.comparison.manifest
    told = []
    if found.comparison.unchanged:
        told.append(UNCHANGED)
    for kind, text in (("idle", IDLE), ("early", EARLY)):
        names = sorted({name for names in manifest[kind].values() for name in names})
        if names:
            told.append(text.format(", ".join(names)))
    caution = manifest["samples"]["caution"]
    return [*told, caution] if caution else told


# ---------------------------------------------------------------- figures


def _of_runs(draw: market.Draw, number: int) -> Callable[[Found], Figure]:
    def drawn(found: Found) -> Figure:
        run = list(found.runs.values())[number]
        return draw(run, run.world, market.caption_of(run, run.manifest))

    return drawn


FIGURES: dict[str, Callable[[Found], Figure]] = {
    "changes": lambda found: of_comparison.forest_figure(found.comparison),
    "winners": lambda found: of_comparison.winners_figure(found.comparison),
    "map": lambda found: of_comparison.transfers_figure(found.comparison, found.scenario),
    "money": lambda found: of_comparison.money_figure(found.comparison, found.scenario),
    "money_baseline": lambda found: of_comparison.money_figure(found.comparison, found.baseline),
    "clock": _of_runs(market.clock_figure, 1),
    "clock_baseline": _of_runs(market.clock_figure, 0),
    "pay": _of_runs(market.pay_distribution, 1),
    "pay_baseline": _of_runs(market.pay_distribution, 0),
    "lorenz": _of_runs(market.lorenz_curves, 1),
    "lorenz_baseline": _of_runs(market.lorenz_curves, 0),
}
"""Figures of a finished request by name."""


class Images:
    """Images of figures, drawn once; each belongs to one request, by its key."""

    def __init__(self, most: int = MOST_IMAGES) -> None:
        self.most = most
        self.drawn: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def of(self, key: str, name: str, ending: str, draw: Callable[[], Figure]) -> bytes:
        """Return the image of a figure, svg or png; ``key`` and ``name`` say what is drawn."""
        with _DRAWING:
            place = key, name, ending
            if place not in self.drawn:
                self.drawn[place] = as_bytes(draw(), ending)
            self.drawn.move_to_end(place)
            while len(self.drawn) > self.most:
                self.drawn.popitem(last=False)
            return self.drawn[place]

    def width(self, key: str, name: str, draw: Callable[[], Figure]) -> int:
        """Return the width (pixels) at which a figure's letters are as large as the page's."""
        content = self.of(key, name, "png", draw)
        inches = int.from_bytes(content[16:20], "big") / style.PNG_DPI  # a PNG begins with its size
        return round(inches * PIXELS_AN_INCH)


def as_bytes(figure: Figure, ending: str) -> bytes:
    """Return a figure as the bytes that `style.save` writes to a file."""
    style.settle(figure)
    metadata: dict[str, Any] = {"Software": None} if ending == "png" else {"Date": None}
    buffer = io.BytesIO()
    with style.settings():
        figure.savefig(buffer, format=ending, dpi=style.PNG_DPI, metadata=metadata)
    return buffer.getvalue()


# ---------------------------------------------------------------- files


def table_file(found: Found, name: str, ending: str) -> bytes:
    """Return a table of the comparison as it is in its folder, csv or parquet."""
    return (found.comparison.path / f"{name}.{ending}").read_bytes()


def run_file(found: Found, scenario: str, name: str) -> bytes:
    """Return a table of a run as it is in its folder (Parquet)."""
    return (found.runs[scenario].path / frame_file(name)).read_bytes()


def run_csv(found: Found, scenario: str, name: str, folder: Path) -> bytes:
    """Return a table of a run for spreadsheets; it is written into a folder on the way."""
    path = folder / f"{name}.csv"
    write_csv(found.runs[scenario].frame(name), path)
    content = path.read_bytes()
    path.unlink()
    return content
