"""What the page shows of a finished request: numbers and figures as they are in its files, and nothing else.

No number is computed here but those of files; a figure is drawn from what was read, for exactly one request.
"""

from __future__ import annotations

import io
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sim.app.desk import Job
from sim.app.player import COMPARISON
from sim.errors import UserError
from sim.figures import comparison as of_comparison
from sim.figures import gallery, style
from sim.study import remarks as remarking
from sim.study.compare import ALL_LINES, Comparison, load_comparison, write_csv
from sim.study.incidence import CASH
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

TABLES = ("comparison", "incidence", "countries", "hours", "clock", "spread", "weeks", "flows", "exits")
"""Tables of a comparison that are in its folder as Parquet and CSV."""

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
        What was asked (`state.key_of`), and of how many seeds the comparison is.
    comparison
        Scenario against baseline, of all seeds, or of the first ones; None before two are played.
    runs
        The run of each with the first seed, by name; the baseline first.
    """

    key: str
    comparison: Comparison | None
    runs: dict[str, RunResult]

    @property
    def baseline(self) -> str:
        """Name of the baseline."""
        return next(iter(self.runs))

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return list(self.runs)[1]

    @property
    def compared(self) -> Comparison:
        """The comparison, which must be there."""
        if self.comparison is None:
            raise UserError("There is no comparison yet: fewer than two seeds are played.")
        return self.comparison

    @property
    def seeds(self) -> int:
        """Of how many seeds the comparison is."""
        return len(self.comparison.manifest["seeds"]) if self.comparison else 0


def read(job: Job) -> Found:
    """Read what came of a request, or what there is of it so far."""
    paths = job.paths or job.so_far
    if paths is None:
        raise UserError("There is nothing to read: nothing is played yet.", value=job.status)
    folders = dict(paths)
    comparison = load_comparison(folders.pop(COMPARISON)) if COMPARISON in folders else None
    found = Found(job.key, comparison, {name: load(folder) for name, folder in folders.items()})
    return replace(found, key=f"{job.key} {found.seeds}")


# ---------------------------------------------------------------- numbers


def world_table(found: Found) -> pd.DataFrame:
    """Return outcomes of the world as `comparison.parquet` holds them, in the page's order and words."""
    table = found.compared.table
    here = table[table["group"] == WORLD].set_index("metric")
    names = [(metric, label) for metric, label in SHOWN if metric in here.index]
    rows = here.loc[[metric for metric, _ in names]].reset_index()
    rows.insert(0, "outcome", [label for _, label in names])
    return rows[["outcome", "unit", "baseline", "value", "difference", "low", "high", "metric"]]


def money_table(found: Found) -> pd.DataFrame:
    """Return who gains and who pays in cash, of the world, as `incidence.parquet` holds it (USD).

    Lines through which no money goes in either are left out.
    """
    table = found.compared.incidence
    rows = table[(table["table"] == CASH) & (table["group"] == WORLD)]
    rows = rows[(rows[["baseline", "value"]] != 0).any(axis=1) | (rows["line"] == ALL_LINES)]
    return rows[["line", "baseline", "value", "difference", "low", "high"]].reset_index(drop=True)


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
IDLE = "In force nowhere or on none of these days: {}."
EARLY = (
    "No month in which it is in force ends before these days do: {}. Incomes are paid, and platforms pass"
    " taxes on, as the next month begins."
)


def remarks(found: Found) -> list[str]:
    """Return in sentences what a reader should know of this comparison."""
    manifest = found.compared.manifest
    lines = [line for name in manifest["scenarios"] for line in remarking.of_scenario(manifest, name)]
    told = list(dict.fromkeys(lines))
    if found.compared.unchanged:
        told.append(UNCHANGED)
    for kind, text in (("idle", IDLE), ("early", EARLY)):
        names = sorted({name for names in manifest[kind].values() for name in names})
        if names:
            told.append(text.format(", ".join(names)))
    caution = manifest["samples"]["caution"]
    return [*told, caution] if caution else told


# ---------------------------------------------------------------- figures


OF_COMPARISON, OF_SCENARIO, OF_BASELINE = "comparison", "scenario", "baseline"
PARTS = {
    OF_COMPARISON: "Both, all seeds",
    OF_BASELINE: "Baseline, first seed",
    OF_SCENARIO: "Scenario, first seed",
}
"""Of what a figure is, as the page says it."""

MONEY_BEFORE, MONEY_AFTER = "comparison-money-baseline", "comparison-money"
"""Figures of the comparison that are of the baseline, and of the scenario, alone."""


def names(found: Found) -> list[str]:
    """Return the names of all figures of the gallery that a request has: of what, and which."""
    of_pairs = gallery.names(found.comparison) if found.comparison else []
    extra = [MONEY_BEFORE] if "money" in of_pairs else []
    runs = [(OF_BASELINE, found.baseline), (OF_SCENARIO, found.scenario)]
    return [
        *(f"{OF_COMPARISON}-{name}" for name in of_pairs),
        *extra,
        *(f"{part}-{name}" for part, run in runs for name in gallery.names(found.runs[run])),
    ]


def known_names() -> list[str]:
    """Return the names of all figures that any request can have."""
    runs = [f"{part}-{name}" for part in (OF_BASELINE, OF_SCENARIO) for name in gallery.GALLERY["run"]]
    return [*(f"{OF_COMPARISON}-{name}" for name in gallery.GALLERY["comparison"]), MONEY_BEFORE, *runs]


def about(name: str) -> str:
    """Return what a figure shows, in a line."""
    part, _, which = name.partition("-")
    kind = "comparison" if part == OF_COMPARISON else "run"
    if name in (MONEY_BEFORE, MONEY_AFTER):
        return f"{'Baseline' if name == MONEY_BEFORE else 'Scenario'}, all seeds: the way of the money"
    return f"{PARTS[part]}: {gallery.GALLERY[kind][which].about}"


def figure(found: Found, name: str) -> Figure:
    """Draw a figure by its name."""
    part, _, which = name.partition("-")
    if name == MONEY_BEFORE:
        return gallery.draw(found.compared, "money", scenario=found.baseline)
    if part == OF_COMPARISON:
        return gallery.draw(found.compared, which)
    return gallery.draw(found.runs[found.baseline if part == OF_BASELINE else found.scenario], which)


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
    return (found.compared.path / f"{name}.{ending}").read_bytes()


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
