"""Reading a sweep: two tables aligned on the run, while it goes on or when it is done."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from sim.errors import UserError
from sim.outcomes.frames import COLUMNS
from sim.schema import spell
from sim.study.plots import Drawable
from sim.study.points import unit_of
from sim.study.result import check_digest, folder_near, read_frame, replacing
from sim.study.store import FAILED, KEYS, POINTS, SERIES, SUMMARY_CSV, Store, command_of, is_sweep

ROWS_AT_A_TIME = 2_000
"""Rows that the summary is made of in one go: pandas holds each of them several times."""

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell of text must not begin with: spreadsheets would take it for a formula."""


QUOTE = "'"

NULL = spell(None)
"""How a setting that is not set is told in tables: as it is typed, for there it is a value like any other."""


class Sweep(Drawable, tuple[pd.DataFrame, pd.DataFrame]):
    """The two tables of a sweep, (experiments, outcomes), and where they come from.

    Attributes
    ----------
    experiments
        A row for each run: point, seed, status, error, and the settings that vary. The units that these
        are declared with are in ``attrs["units"]``. A setting that takes names, lists, or ``null`` beside
        numbers is a column of text, in which ``null`` is spelled out.
    outcomes
        The same rows: a column for each outcome; NaN where it has no value. Units in ``attrs["units"]``.
    manifest
        What was asked and by which version.
    """

    manifest: dict[str, Any]
    path: Path

    def __new__(cls, experiments: pd.DataFrame, outcomes: pd.DataFrame) -> Sweep:
        """Make the pair."""
        return super().__new__(cls, (experiments, outcomes))

    @property
    def experiments(self) -> pd.DataFrame:
        """What was varied."""
        return self[0]

    @property
    def outcomes(self) -> pd.DataFrame:
        """What came out."""
        return self[1]

    @property
    def axes(self) -> list[str]:
        """Settings that vary."""
        return [axis["path"] for axis in self.manifest["study"]["axes"]]

    def means(self, runs: pd.Series[bool] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the points that have runs done, and the mean outcomes over their seeds, row by row.

        With ``runs``, a truth value for each, over those alone.
        """
        chosen = self.experiments["status"] != FAILED if runs is None else runs
        grouped = self.outcomes[chosen].groupby(self.experiments.loc[chosen, "point"], sort=True).mean()
        points = self.experiments[chosen].drop_duplicates("point").set_index("point")
        return points.loc[grouped.index, self.axes], grouped

    def valued(self, outcomes: Sequence[str]) -> pd.DataFrame:
        """Return point and seed of the runs that are done and have a value of some outcomes."""
        known = np.isfinite(self.outcomes[list(outcomes)].to_numpy(np.float64)).all(axis=1)
        there: pd.DataFrame = self.experiments[known & (self.experiments["status"] != FAILED)]
        return there[["point", "seed"]]

    def shared_seeds(self, outcomes: Sequence[str]) -> list[int]:
        """Return the seeds with which every point that has a value of some outcomes at all has one."""
        there = self.valued(outcomes)
        points = there.groupby("seed")["point"].nunique()
        return [int(seed) for seed in points.index[points == there["point"].nunique()]]

    def compared(self, outcomes: Sequence[str]) -> pd.Series[bool]:
        """Return which runs points are compared on: those with seeds that all share, or all if none is.

        Runs of points without a value stay, so that it is seen that they have none.
        """
        done = self.experiments["status"] != FAILED
        shared = self.shared_seeds(outcomes)
        if not shared:
            return done
        without = ~self.experiments["point"].isin(self.valued(outcomes)["point"])
        return done & (self.experiments["seed"].isin(shared) | without)

    def series(self) -> pd.DataFrame:
        """Return the daily series of all runs, if they were kept.

        Raises
        ------
        UserError
            If they were not, if a part is damaged or gone, or if two parts disagree.
        """
        if not self.manifest["keep_series"]:
            raise UserError(
                f"{self.path} holds no series.",
                path=str(self.path),
                allowed="a sweep that was told to keep them",
                nearest="series=true",
            )
        table = Store(self.path).table(SERIES)
        done = self.experiments.index[self.experiments["status"] != FAILED]
        lost = np.setdiff1d(done, table["run"]) if table.num_rows else np.asarray(done)
        if len(lost):
            raise UserError(
                f"{self.path} has lost the series of {len(lost):,} of {len(done):,} runs.",
                path=str(self.path),
                allowed="the same clickmarket sweep command, which plays these runs again",
                nearest=f"clickmarket verify {shlex.quote(str(self.path))}",
            )
        if not table.num_rows:
            return pd.DataFrame({name: [] for name in ("run", *COLUMNS[SERIES])})
        frame: pd.DataFrame = table.filter(pc.is_valid(table["day"])).to_pandas()
        return frame


def load_sweep(path: str | Path) -> Sweep:
    """Read a sweep's folder, finished or not.

    Returns
    -------
    Sweep
        ``experiments, outcomes = load_sweep(path)``: pandas frames with the run as index.

    Raises
    ------
    UserError
        If the folder is no sweep's, or a file in it is damaged.
    """
    folder = Path(path)
    if not is_sweep(folder):
        raise UserError(
            f"{folder} is not the folder of a sweep.",
            path=str(folder),
            allowed="the path that clickmarket sweep printed",
            nearest=folder_near(folder, "study"),
        )
    store = Store(folder)
    return _aligned(store.table().to_pandas(), store.manifest, _points(store), folder)


def _points(store: Store) -> pd.DataFrame:
    """Return the settings of each point."""
    file, manifest = store.folder / POINTS, store.manifest
    try:
        check_digest(file, manifest)
    except UserError as error:
        raise UserError(
            error.message,
            path=error.path,
            allowed="the same clickmarket sweep command, which writes it anew",
            nearest=command_of(store.folder, manifest),
        ) from error
    return with_null(read_frame(file).set_index("point"))


def with_null(points: pd.DataFrame) -> pd.DataFrame:
    """Return settings of points with `null` in words; columns that can hold it are texts."""
    texts = points.select_dtypes(exclude=["number", "bool"])
    return points.assign(**{str(name): texts[name].fillna(NULL) for name in texts})


def in_order(values: Iterable[Any]) -> list[Any]:
    """Return different values of a setting in order: null, numbers by size, also in text, and names."""
    return sorted(set(values), key=_place)


def _place(value: Any) -> tuple[int, float, str]:
    if value == NULL:
        return 0, 0.0, ""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 2, 0.0, str(value)
    return (1, number, "") if math.isfinite(number) else (2, 0.0, str(value))


def _aligned(frame: pd.DataFrame, manifest: dict[str, Any], points: pd.DataFrame, folder: Path) -> Sweep:
    """Return the two tables of a sweep, or of some of its runs."""
    if frame.empty:
        frame = pd.DataFrame({name: [] for name in (*KEYS, *manifest["outcomes"])})
    experiments = frame[list(KEYS)].join(points, on="point").set_index("run")
    outcomes = frame[["run", *manifest["outcomes"]]].set_index("run")
    outcomes.attrs["units"] = manifest["units"]
    experiments.attrs["units"] = {str(name): unit_of(str(name)) for name in experiments}
    sweep = Sweep(experiments, outcomes)
    sweep.manifest, sweep.path = manifest, folder
    return sweep


def write_summary(store: Store) -> Path:
    """Write `summary.csv` for people: each point with the means of its outcomes and how many runs it has."""
    path = store.folder / SUMMARY_CSV
    with replacing(path) as file:
        for piece in _summary_pieces(store):
            file.write(piece)
    return path


def wrong_summary(store: Store) -> str:
    """Say what is wrong with `summary.csv` of a sweep that is done; nothing if it is what its runs make."""
    path = store.folder / SUMMARY_CSV
    try:
        with path.open("rb") as file:
            same = all(file.read(len(piece)) == piece for piece in _summary_pieces(store))
            same = same and not file.read(1)
    except FileNotFoundError:
        return f"{path} is missing."
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    return "" if same else f"{path} is damaged, or was made of other runs."


def _summary_pieces(store: Store) -> Iterator[bytes]:
    """Give the content of `summary.csv` bit by bit."""
    manifest, points = store.manifest, _points(store)
    for place, frame in enumerate(_whole_points(store)):
        table = _summary(_aligned(frame, manifest, points, store.folder))
        yield table.to_csv(float_format="%.10g", header=place == 0).encode()


def _whole_points(store: Store) -> Iterator[pd.DataFrame]:
    """Give the rows of all runs bit by bit, all of a point together; a point's runs are in a row."""
    rest = pd.DataFrame()
    for block in store.blocks():
        for start in range(0, len(block), ROWS_AT_A_TIME):
            rows = block.slice(start, ROWS_AT_A_TIME).to_pandas()
            frame = pd.concat([rest, rows]) if len(rest) else rows
            last = frame["point"] == frame["point"].iloc[-1]
            rest = frame[last]
            yield frame[~last]
    yield rest


def _summary(sweep: Sweep) -> pd.DataFrame:
    """Return a row for each point of which a run is done."""
    points, means = sweep.means()
    failed = sweep.experiments["status"] == FAILED
    counts = failed.groupby(sweep.experiments["point"]).agg(runs="size", failed="sum")
    return harmless(points.join(counts).join(means))


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet takes for a formula, or for the end of a row."""
    texts = table.select_dtypes(exclude="number")
    return table.assign(**{str(name): texts[name].map(_harmless) for name in texts})


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return f"{QUOTE if cell.startswith(DANGEROUS) else ''}{cell}".replace("\r", " ")
