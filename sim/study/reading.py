"""Reading a sweep: two tables aligned on the run, while it goes on or when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from sim.errors import UserError
from sim.study.result import MANIFEST, check_digest, replacing
from sim.study.store import FAILED, KEYS, POINTS, SERIES, Store

SUMMARY_CSV = "summary.csv"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell of text must not begin with: spreadsheets would take it for a formula."""


class Sweep(tuple[pd.DataFrame, pd.DataFrame]):
    """The two tables of a sweep, (experiments, outcomes), and where they come from.

    Attributes
    ----------
    experiments
        A row for each run: point, seed, status, error, and the settings that vary.
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

    def means(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the points that have runs done, and the mean outcomes over their seeds, row by row."""
        done = self.experiments["status"] != FAILED
        grouped = self.outcomes[done].groupby(self.experiments.loc[done, "point"], sort=True).mean()
        points = self.experiments[done].drop_duplicates("point").set_index("point")
        return points.loc[grouped.index, self.axes], grouped

    def series(self) -> pd.DataFrame:
        """Return the daily series of all runs, if they were kept."""
        table = Store(self.path).table(SERIES)
        if not table.num_rows:
            raise UserError(
                f"{self.path} holds no series: they are kept with series=true", path=str(self.path)
            )
        frame: pd.DataFrame = table.to_pandas()
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
    if not (folder / MANIFEST).is_file() or not (folder / POINTS).is_file():
        raise UserError(f"{folder} is not the folder of a sweep", path=str(folder))
    store = Store(folder)
    manifest = store.manifest
    frame = store.table().to_pandas()
    if frame.empty:
        frame = pd.DataFrame({name: [] for name in (*KEYS, *manifest["outcomes"])})
    check_digest(folder / POINTS, manifest)
    points = pq.read_table(folder / POINTS, page_checksum_verification=True).to_pandas().set_index("point")
    experiments = frame[list(KEYS)].join(points, on="point").set_index("run")
    outcomes = frame[["run", *manifest["outcomes"]]].set_index("run")
    outcomes.attrs["units"] = manifest["units"]
    experiments.attrs["units"] = dict.fromkeys(experiments.columns, "")
    sweep = Sweep(experiments, outcomes)
    sweep.manifest, sweep.path = manifest, folder
    return sweep


def write_summary(store: Store) -> Path:
    """Write `summary.csv` for people: each point with the means of its outcomes and how many runs it has."""
    sweep = load_sweep(store.folder)
    points, means = sweep.means()
    counts = sweep.experiments.groupby("point")["status"].agg(
        runs="size", failed=lambda status: int((status == FAILED).sum())
    )
    table = points.join(counts).join(means)
    texts = table.select_dtypes(exclude="number")
    table[texts.columns] = texts.map(_harmless)
    path = store.folder / SUMMARY_CSV
    with replacing(path) as file:
        table.to_csv(file, float_format="%.10g")
    return path


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(DANGEROUS) else cell
