"""Moving through a finished sweep: its points by their settings, what came out there, and the commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from sim.errors import UserError, key_among, one_of
from sim.figures import gallery
from sim.schema import spell
from sim.study.analysis import mean_and_interval
from sim.study.compare import file_name
from sim.study.points import USUAL, Study
from sim.study.reading import NULL, Sweep, in_order, load_sweep
from sim.study.store import FAILED

MOST_VALUES = 40
"""Values of a setting up to which the points of a sweep are found by it; others are found by number."""


class Place(NamedTuple):
    """A place in a sweep: a point, an outcome, the setting along which it is drawn, a figure."""

    point: int
    outcome: str
    along: str
    figure: str


LINKED = Place._fields
"""What a link to a place in a sweep holds."""


def open_sweep(folder: str) -> Sweep:
    """Read the folder of a sweep; refuse one of which no run is done."""
    sweep = load_sweep(Path(folder))
    if not (sweep.experiments["status"] != FAILED).any():
        raise UserError("holds no run that is done.", path=folder, allowed="a sweep with finished runs")
    return sweep


def points(sweep: Sweep) -> pd.DataFrame:
    """Return the settings of each point that has runs done, by its number."""
    return sweep.means()[0]


def choices(sweep: Sweep) -> dict[str, list[Any]]:
    """Return the values of each setting that varies, if its points can be found by them; else nothing."""
    table = points(sweep)
    found = {axis: _in_order(table[axis].unique().tolist()) for axis in sweep.axes}
    crossed = 1
    for values in found.values():
        crossed *= len(values)
    usable = all(len(values) <= MOST_VALUES for values in found.values()) and crossed == len(table)
    return found if usable else {}


def _in_order(values: list[Any]) -> list[Any]:
    """Return numbers by size, null before them, and names as the study has them."""
    if NULL in values:
        return in_order(values)
    return values if any(isinstance(value, str) for value in values) else sorted(values)


def point_at(sweep: Sweep, chosen: Mapping[str, Any]) -> int:
    """Return the number of the point with these settings."""
    table = points(sweep)
    for axis, value in chosen.items():
        table = table[table[axis] == value]
    if table.empty:
        raise UserError("No point of the sweep has these settings.", value=str(dict(chosen)))
    return int(table.index[0])


def point_of(sweep: Sweep, text: str) -> int:
    """Return the point that a link names."""
    numbers = points(sweep).index
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) in numbers:
        return int(text)
    raise UserError(
        "is no point of this sweep that is done.", path="point", value=text,
        allowed=f"a number from {numbers.min()} to {numbers.max()}", nearest=f"point={numbers.min()}",
    )  # fmt: skip


def from_query(sweep: Sweep, query: Mapping[str, str]) -> Place:
    """Return the place that a link holds; where it is silent, the first of each."""
    names, axes = outcomes(sweep), sweep.axes
    for name, text in query.items():
        key_among(name, text, LINKED, "is nothing that a link to a sweep can hold.")
    point = point_of(sweep, query["point"]) if "point" in query else int(points(sweep).index[0])
    told = "is nothing that this sweep has."
    outcome = one_of("outcome", query.get("outcome", names[0]), names, told)
    axis = one_of("along", query.get("along", axes[0]), axes, told) if axes else ""
    usual = CURVE if CURVE in figures(sweep) else figures(sweep)[0]
    figure = one_of("figure", query.get("figure", usual), figures(sweep), told)
    return Place(point, outcome, axis, figure)


def to_query(place: Place) -> dict[str, str]:
    """Spell a place in a sweep as the query of a link."""
    return {name: str(value) for name, value in place._asdict().items() if value != ""}


def outcomes(sweep: Sweep) -> list[str]:
    """Return the outcomes that have a value in any run, those most asked for first."""
    names = [str(name) for name in sweep.outcomes.columns if sweep.outcomes[name].notna().any()]
    first = [name for name in ("pay_all_in_median", "unpaid_share", "tasks_done") if name in names]
    return [*first, *(name for name in names if name not in first)]


def at_point(sweep: Sweep, point: int) -> pd.DataFrame:
    """Return what came out at a point: mean over its seeds, 95 % interval, runs; beside the first point."""
    units = sweep.manifest["units"]
    here, first = (_runs_of(sweep, one) for one in (point, int(points(sweep).index[0])))
    rows = []
    for name in outcomes(sweep):
        mean, low, high = mean_and_interval(here[name].to_numpy(float))
        before = mean_and_interval(first[name].to_numpy(float))[0]
        rows.append((name, units.get(name, ""), mean, low, high, len(here[name].dropna()), before))
    return pd.DataFrame(rows, columns=["outcome", "unit", "mean", "low", "high", "runs", "first point"])


def _runs_of(sweep: Sweep, point: int) -> pd.DataFrame:
    experiments = sweep.experiments
    chosen = (experiments["point"] == point) & (experiments["status"] != FAILED)
    return sweep.outcomes[chosen]


CURVE = "curve"


def figures(sweep: Sweep) -> list[str]:
    """Return the figures of the gallery that the sweep has."""
    return gallery.names(sweep) if sweep.axes else [name for name in gallery.names(sweep) if name == "seeds"]


def about(name: str) -> str:
    """Return what a figure shows, in a line."""
    return f"{name}: {gallery.SWEEP[name].about}"


def figure(sweep: Sweep, place: Place) -> Figure:
    """Draw the figure of a place."""
    return gallery.draw(sweep, place.figure, **_options(place))


def file_of(place: Place) -> str:
    """Return the name of the figure's file."""
    return "-".join([place.figure, *map(file_name, _options(place).values())])


def _options(place: Place) -> dict[str, str]:
    """Return what of a place the figure depends on."""
    given = {"outcome": place.outcome, "x": place.along}
    own = gallery.options_of(gallery.SWEEP[place.figure])
    free = place.figure != "ai_map"  # it has an outcome of its own
    return {name: value for name, value in given.items() if name in own and (free or name != "outcome")}


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table for spreadsheets; every number reads back as the same."""
    return table.to_csv(index=False).encode()


def as_parquet(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet."""
    return bytes(table.to_parquet(None, index=False))


# ---------------------------------------------------------------- commands


def command(sweep: Sweep, point: int) -> str:
    """Return what plays the whole sweep again, and the first run of a point alone."""
    study = Study.from_plain(sweep.manifest["study"])
    plugins = [word for file in sweep.manifest["plugin_files"] for word in ("--plugin", str(file))]
    row = points(sweep).loc[point]
    seed = int(sweep.experiments.loc[sweep.experiments["point"] == point, "seed"].min())
    settings = [word for word in study.settings if not word.startswith("seed=")]
    here = [f"{axis}={_word(row[axis])}" for axis in sweep.axes]
    return "\n".join(
        (
            shlex.join(["clickmarket", "sweep", *sweep_words(study), *plugins]),
            shlex.join(["clickmarket", "run", *settings, *here, f"seed={seed}", *plugins]),
            "",
        )
    )


def sweep_words(study: Study) -> list[str]:
    """Return the words after `clickmarket sweep` that ask for a study."""
    own = [f"{name}={getattr(study, name)}" for name, usual in USUAL.items() if getattr(study, name) != usual]
    return [*(_axis_words(axis) for axis in study.axes), *own, *study.settings]


def _axis_words(axis: Any) -> str:
    if axis.is_interval:
        interval = f"interval({axis.low!r},{axis.high!r})"
        return f"{axis.path}={f'tag(log,{interval})' if axis.logarithmic else interval}"
    return f"{axis.path}={','.join(_word(value) for value in axis.values)}"


def _word(value: Any) -> str:
    """Spell a value of a setting as a command line takes it."""
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(_word, value))}]"
    plain = value.item() if hasattr(value, "item") else value
    return str(spell(plain))
