"""The folder of a sweep: parts of finished runs that no kill can tear, double or lose.

A part is a Parquet file of some runs. It is written beside its place, flushed and renamed, and its name ends
in the SHA-256 of its content: so a part that is there is whole, or is noticed. It says which sweep it is of.
What is done is what whole parts of this sweep hold, and nothing else; there is no index that could disagree.
Two parts may hold the same run, for engines may do work twice: then they must agree to the bit. Where a
listed part is gone, somebody has put parts together since, and it is looked what there is now.

``<sweep>/manifest.json`` says what was asked and by which version; ``points.parquet`` holds the points;
``runs/`` the parts, a row for each run; ``series/`` those of series, if they are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.errors import LINE_CHARACTERS, UserError
from sim.study.result import (
    COMPRESSION,
    MANIFEST,
    check_digest,
    read_manifest,
    renew_digest,
    replacing,
    write_manifest,
)

RUNS, SERIES, POINTS, STATUS = "runs", "series", "points.parquet", "status.json"
SUMMARY_CSV = "summary.csv"
DONE, FAILED = "done", "failed"
ROWS_IN_WHOLE_PART = {RUNS: 20_000, SERIES: 200_000}
"""Rows of a part that parts were put together into: about 50 MiB in memory."""

PART = re.compile(r"part-(\d{9})-(\d{6})-([0-9a-f]{32})\.parquet")
SWEEP = b"sweep"
"""Key in the metadata of a part's schema: the identity of the sweep that it is of."""

DIGITS = 32
"""Hexadecimal digits of a part's SHA-256 that stand in its name."""

SET_ASIDE = (".damaged", ".foreign")
"""How the names of parts end that were set aside: damaged ones, and those of another sweep."""

KEYS = ("run", "run_id", "point", "seed", "status", "error")
"""Columns of ``runs`` before those of the settings and of the outcomes."""


@dataclass(frozen=True)
class Part:
    """A part: its file, the first of its runs, how many rows it has, and the sweep in whose folder it is."""

    path: Path
    first: int
    rows: int
    sha256: str
    sweep: str = ""

    @classmethod
    def of(cls, path: Path, sweep: str = "") -> Part | None:
        """Return the part that a file's name tells of, or None."""
        found = PART.fullmatch(path.name)
        return cls(path, int(found[1]), int(found[2]), found[3], sweep) if found else None

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows, of some columns or of all.

        Raises
        ------
        UserError
            If the file is not what its name says, or is of another sweep; the message names it.
        """
        file = pq.ParquetFile(pa.BufferReader(self.owned()))  # a third of what read_table costs
        return file.read(columns)

    def owned(self) -> bytes:
        """Return the bytes of the file, if it is whole and of this sweep.

        One that says of no sweep is this one's: parts of validations do not.
        """
        content = self.content()
        footer = int.from_bytes(content[-8:-4], "little")
        if not self.sweep or self.sweep.encode() not in content[-8 - footer :]:  # else it need not be parsed
            said = pq.read_metadata(pa.BufferReader(content)).metadata or {}
            if said.get(SWEEP, self.sweep.encode()) != self.sweep.encode():
                raise _damaged(self.path, "it belongs to another sweep", Foreign)
        return content

    def content(self) -> bytes:
        """Return the bytes of the file, if they are those that its name stands for."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError as error:
            raise _damaged(self.path, "it is not there", Gone) from error
        except OSError as error:
            raise _damaged(self.path, error.strerror or str(error)) from error
        if hashlib.sha256(content).hexdigest()[:DIGITS] != self.sha256:
            raise _damaged(self.path, "its content is not the one that its name stands for")
        return content


class Gone(UserError):
    """A part that was listed, or the folder of parts, is not there.

    Somebody has put parts together since, or taken it away.
    """


class Apart(UserError):
    """Parts hold the same run otherwise."""


class Foreign(UserError):
    """A part is whole, and of another sweep."""


def commit(folder: Path, table: pa.Table, first: int) -> Path:
    """Write a part, whole or not at all, and return its file."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression=COMPRESSION, write_page_checksum=True)
    content = memoryview(buffer.getvalue())
    name = hashlib.sha256(content).hexdigest()[:DIGITS]
    path = folder / f"part-{first:09d}-{table.num_rows:06d}-{name}.parquet"
    if not _holds(path, content):
        with replacing(path) as file:
            file.write(content)
    return path


def _holds(path: Path, content: memoryview) -> bool:
    """Whether a file is there and whole: one that was damaged since has its name still."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False


class Store:
    """A sweep's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, manifest: Mapping[str, Any], points: pa.Table) -> Store:
        """Lay out a new folder; without its manifest, which is written last, it is none."""
        store = cls(folder)
        store.clear_leftovers()
        for name in (RUNS, SERIES):
            with changing(folder / name):
                (folder / name).mkdir(exist_ok=True)
        store._write_points(points)
        write_manifest(folder, manifest)
        return store

    @property
    def manifest(self) -> dict[str, Any]:
        """What was asked, and by which version.

        Raises
        ------
        UserError
            If it is damaged: then nothing says any more what the runs were played with, and it cannot be
            written anew.
        """
        try:
            return read_manifest(self.folder / MANIFEST)
        except UserError as error:
            raise UserError(
                f"{error.message.rstrip('.')}. What its runs were played with is not known any more.",
                path=error.path,
                allowed="fresh=true, by which the same sweep command begins anew in another folder",
                nearest="fresh=true",
            ) from error

    @cached_property
    def identity(self) -> str:
        """The sweep of which parts here must be; empty in a folder without a manifest."""
        there = (self.folder / MANIFEST).is_file()
        return str(self.manifest.get("identity", "")) if there else ""

    def parts(self, kind: str = RUNS) -> list[Part]:
        """Return the parts, in the order of their first runs; what is no part is left alone.

        Raises
        ------
        UserError
            If their folder cannot be read; `Gone` if it is lost.
        """
        folder = self.folder / kind
        if _is_lost(folder):
            if kind == SERIES and not self.manifest.get("keep_series"):
                return []
            raise _damaged(folder, "it is not there", Gone)
        found = (Part.of(path, self.identity) for path in listed(folder))
        return [part for part in found if part is not None]

    def mend(self, points: Callable[[], pa.Table]) -> list[str]:
        """Lay out again what follows from the command alone; return the names of what was lost or damaged.

        Without the folder of its parts nothing is done; the table of points is what the study says.
        """
        mended = []
        for name in (RUNS, SERIES):
            if not (self.folder / name).exists():
                with changing(self.folder / name):
                    (self.folder / name).mkdir(exist_ok=True)
                mended.append(name)
        try:
            check_digest(self.folder / POINTS, self.manifest)
        except UserError:
            self._write_points(points())
            renew_digest(self.folder, POINTS)  # another version of Arrow may write other bytes
            mended.append(POINTS)
        return mended

    def _write_points(self, points: pa.Table) -> None:
        with replacing(self.folder / POINTS) as file:
            pq.write_table(points, file, compression=COMPRESSION, write_page_checksum=True)

    def clear_leftovers(self) -> int:
        """Remove temporary files of writers that were killed; return how many."""
        places = (self.folder, self.folder / RUNS, self.folder / SERIES)
        files = (path for place in places if place.is_dir() for path in listed(place))
        leftovers = [path for path in files if path.name.startswith(".") and path.suffix == ".tmp"]
        for path in leftovers:
            remove(path)
        return len(leftovers)

    def _each(self, kind: str, read: Callable[[Part], Any]) -> Iterator[tuple[Part, Any]]:
        """Give each part with what is read of it, or with the `UserError` that says what is wrong with it.

        While somebody puts the parts together some go that were listed: then it is looked what came in their
        place. So rows may be given twice, and none is left out.
        """
        known, gone, again = set[Path](), set[Path](), True
        while again:
            again = False
            for part in self.parts(kind):
                if part.path in known:
                    continue
                try:
                    found = read(part)
                except Gone as error:
                    if part.path not in gone:
                        gone.add(part.path)
                        again = True
                        continue
                    found = error  # it is listed still, and leads nowhere
                except UserError as error:
                    found = error
                known.add(part.path)
                yield part, found

    def done(self, runs: int, series: bool = False) -> NDArray[np.int8]:
        """Return for every run 0 (to be done), 1 (done) or 2 (failed); damaged parts count for nothing.

        With ``series`` a run is done if its series is there, too.
        """
        state = np.zeros(runs, np.int8)
        for _, table in self._each(RUNS, lambda part: part.read(["run", "status"])):
            if not isinstance(table, UserError):
                state[table["run"].to_numpy()] = 1 + pc.equal(table["status"], FAILED).to_numpy()
        if series:
            state[(state == 1) & ~self._in_series(runs)] = 0
        return state

    def _in_series(self, runs: int) -> NDArray[np.bool_]:
        """Return whether a whole part of series holds each run."""
        found = np.zeros(runs, bool)
        for _, table in self._each(SERIES, lambda part: part.read(["run"])):
            if not isinstance(table, UserError):
                found[table["run"].to_numpy()] = True
        return found

    def state(self) -> NDArray[np.int8]:
        """Return `done` for every run that the manifest tells of."""
        manifest = self.manifest
        return self.done(int(manifest["runs"]), bool(manifest["keep_series"]))

    def failures(self) -> dict[str, list[int]]:
        """Return the runs that failed by the last line of what they say, damaged parts aside."""
        found: dict[str, set[int]] = {}
        for _, table in self._each(RUNS, lambda part: part.read(["run", "status", "error"])):
            if not isinstance(table, UserError):
                for row in table.filter(pc.equal(table["status"], FAILED)).to_pylist():
                    found.setdefault(row["error"].strip().splitlines()[-1], set()).add(row["run"])
        return {cause: sorted(runs) for cause, runs in found.items()}

    def committed(self, runs: Sequence[int]) -> int | None:
        """Return how many of the runs of a chunk failed, if its part is there and whole; else None."""
        for part in self.parts():
            if (part.first, part.rows) != (runs[0], len(runs)):
                continue
            try:
                table = part.read(["run", "status"])
            except UserError:
                continue
            if table["run"].to_pylist() == list(runs):
                return int(table["status"].to_pylist().count(FAILED))
        return None

    def set_aside_damaged(self) -> list[Path]:
        """Rename parts that are damaged or of another sweep, so that their runs are played again.

        Return their new names, which end in ``.damaged`` or ``.foreign``.
        """
        aside = []
        for path, found in self._wrong():
            with changing(path):
                aside.append(path.rename(path.with_suffix(SET_ASIDE[isinstance(found, Foreign)])))
        return aside

    def damaged(self) -> list[tuple[Path, str]]:
        """Return each file that is damaged or of another sweep, and what is wrong with it."""
        return [(path, found.message) for path, found in self._wrong()]

    def _wrong(self) -> list[tuple[Path, UserError]]:
        return [
            (part.path, found)
            for kind in (RUNS, SERIES)
            for part, found in self._each(kind, Part.owned)
            if isinstance(found, UserError)
        ]

    def table(self, kind: str = RUNS) -> pa.Table:
        """Return all rows in the order of the runs; each run is there once.

        Raises
        ------
        UserError
            If two parts disagree about a run, or one is damaged.
        """
        blocks = list(self.blocks(kind))
        return pa.concat_tables(blocks) if blocks else pa.table({})

    def blocks(self, kind: str = RUNS) -> Iterator[pa.Table]:
        """Give the rows of `table` bit by bit, so that no more than a bit has to be in memory.

        A block has whole runs, of about `ROWS_IN_WHOLE_PART` rows. Parts may overlap in any way. If some go
        meanwhile, for somebody puts them together, it goes on with those in their place.
        """
        after, gone = -1, set[str]()
        while True:
            try:
                for first, last, parts in self._blocks_after(kind, after):
                    rows = self._together(kind, parts, first, last)
                    pa.default_memory_pool().release_unused()  # what reading took; Arrow would keep it
                    yield rows
                    after = last
                    del rows
                    pa.default_memory_pool().release_unused()  # and what writing took
                return
            except Gone as error:
                if error.path in gone:  # it is listed, and cannot be read
                    raise
                gone.add(error.path)

    def _blocks_after(self, kind: str, after: int) -> list[tuple[int, int, list[Part]]]:
        """Return the first and the last run of each block beyond a run, and the parts with some of it."""
        parts = self.parts(kind)
        if not parts:
            return []
        counted = [np.unique(part.read(["run"])["run"], return_counts=True) for part in parts]
        held = [runs for runs, _ in counted]
        runs, firsts = np.unique(np.concatenate(held), return_index=True)
        counts = np.concatenate([rows for _, rows in counted])[firsts]
        runs, counts = runs[runs > after], counts[runs > after]
        number = (np.cumsum(counts) - 1) // ROWS_IN_WHOLE_PART[kind]
        found = []
        for block in np.unique(number):
            first, last = runs[number == block][[0, -1]]
            those = [
                part for part, own in zip(parts, held, strict=True) if ((own >= first) & (own <= last)).any()
            ]
            found.append((int(first), int(last), those))
        return found

    def _together(self, kind: str, parts: Iterable[Part], first: int, last: int) -> pa.Table:
        """Return the rows of some runs that follow each other, from the parts that hold them."""
        tables = [_between(part.read(), first, last) for part in parts]
        try:
            if kind != RUNS:
                return _in_order(_first_of_each(tables, self.folder))
            return _once(_in_order(pa.concat_tables(tables)), self.folder)
        except Apart as error:
            raise self.disagreement(kind) or error from error

    def disagreement(self, kind: str = RUNS) -> UserError | None:
        """Return the error that names the runs about which parts disagree, their files and the ways out."""
        held = [
            (part, runs["run"].to_numpy() if kind == RUNS else np.unique(runs["run"]))
            for part, runs in self._each(kind, lambda part: part.read(["run"]))
            if not isinstance(runs, UserError)
        ]
        runs, counts = np.unique(np.concatenate([own for _, own in held] or [[]]), return_counts=True)
        twice = runs[counts > 1]
        tables = [(part, _those(part.read(), twice)) for part, own in held if np.isin(own, twice).any()]
        apart, files, columns = list[int](), dict[str, None](), dict[str, None]()
        for run in twice.tolist():
            rows = [(part, _those(table, np.array([run])).to_pylist()) for part, table in tables]
            if kind == RUNS:
                rows = [(part, [row]) for part, several in rows for row in several]
            rows = [(part, own) for part, own in rows if own]
            if different := _different([own for _, own in rows]):
                apart.append(run)
                columns |= dict.fromkeys(different)
                files |= dict.fromkeys(f"{kind}/{part.path.name} ({part.rows:,} rows)" for part, _ in rows)
        return _disagreeing(self.folder, apart, list(columns), list(files), self.manifest) if apart else None

    def compact(self) -> int:
        """Put the parts together into few; return how many there are then.

        The new parts are written before the old ones go, so a kill leaves rows twice rather than not at all;
        so does a run about which two parts disagree.
        """
        files = 0
        for kind in (RUNS, SERIES):
            old = self.parts(kind)
            new = {
                commit(self.folder / kind, rows, int(rows["run"][0].as_py())) for rows in self.blocks(kind)
            }
            for part in old:
                if part.path not in new:
                    remove(part.path)
            files += len(new)
        return files

    def write_status(self, status: Mapping[str, Any], shard: str = "") -> None:
        """Say how far the sweep is, for programs to read; a shard (``1/4``) does so in a file of its own."""
        with replacing(self.folder / status_file(shard)) as file:
            file.write(json.dumps(status, indent=2, allow_nan=False).encode() + b"\n")


def is_sweep(folder: Path) -> bool:
    """Whether a folder is one of a sweep, be it that its table of points is lost."""
    return (folder / MANIFEST).is_file() and ((folder / POINTS).is_file() or "-sweep-" in folder.name)


def command_of(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return the command by which a sweep goes on in its folder, from anywhere; empty if none is known."""
    words = shlex.split(str(manifest.get("command", "")))
    kept = [word for word in words if not word.startswith("results.dir=")]
    place = str(folder.resolve().parent)
    if not re.fullmatch(r"[A-Za-z0-9_./-]+", place):  # the words' grammar would read it otherwise
        place = "'" + place.replace("'", "\\'") + "'"
    return shlex.join([*kept, f"results.dir={place}"]) if kept else ""


def _is_lost(folder: Path) -> bool:
    """Whether a folder is gone from one that is there; one that may not be looked at is not lost."""
    try:
        folder.stat()
    except FileNotFoundError:
        return folder.parent.is_dir()
    except OSError:
        return False
    return False


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, in order."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}.", path=str(folder)) from error


def status_file(shard: str = "") -> str:
    """Return the name of the file in which a coordinator, or the one of a shard, says how far it is."""
    return f"status-{shard.replace('/', '-of-')}.json" if shard else STATUS


def remove(path: Path) -> None:
    """Take a file away, if it is there."""
    with changing(path):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Tell in words if the system refuses to make, to rename or to remove a file."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be changed: {error.strerror}.", path=str(path)) from error


def _between(table: pa.Table, first: int, last: int) -> pa.Table:
    """Return the rows of some runs that follow each other."""
    runs = table["run"].to_numpy()
    these = (runs >= first) & (runs <= last)
    return table if these.all() else table.filter(pa.array(these))


def _in_order(table: pa.Table) -> pa.Table:
    """Return the rows in the order of their runs; those of a run stay as they are."""
    in_order = (np.diff(table["run"]) >= 0).all()  # as they mostly are: sorting would copy all
    return table if in_order else table.sort_by([("run", "ascending")])


def _once(table: pa.Table, folder: Path) -> pa.Table:
    """Return each run's row once; rows of the same run must be equal."""
    runs = table["run"].to_numpy()
    again = np.flatnonzero(runs[1:] == runs[:-1]) + 1
    if len(again) == 0:
        return table
    for place in again:
        one, other = table.slice(place - 1, 1).to_pylist()[0], table.slice(place, 1).to_pylist()[0]
        if repr(one) != repr(other):
            raise _disagreeing(folder, [int(runs[place])], _different([[one], [other]]))
    keep = np.ones(len(runs), bool)
    keep[again] = False
    return table.filter(pa.array(keep))


def _first_of_each(tables: Iterable[pa.Table], folder: Path) -> pa.Table:
    """Put tables of many rows a run together; a run that several hold must have equal rows in all of them."""
    kept: list[pa.Table] = []
    for table in tables:
        own = table["run"].to_numpy()
        again = np.zeros(len(own), bool)
        for before in kept:
            both = np.intersect1d(own, before["run"])
            if len(both):
                _refuse_unequal(_those(before, both), _those(table, both), folder)
                again |= np.isin(own, both)
        kept.append(table.filter(pa.array(~again)))
    return pa.concat_tables(kept)


def _those(table: pa.Table, runs: NDArray[np.int64]) -> pa.Table:
    """Return the rows of some runs, in their order."""
    return _in_order(table.filter(pa.array(np.isin(table["run"], runs))))


def _refuse_unequal(one: pa.Table, other: pa.Table, folder: Path) -> None:
    """Refuse two tables of the same runs if their rows are not the same, to the bit."""
    first, second = (table["run"].to_numpy() for table in (one, other))
    if not np.array_equal(first, second):
        both = min(len(first), len(second))
        apart = int(np.argmax(np.append(first[:both] != second[:both], True)))
        run = min(int(runs[apart]) for runs in (first, second) if apart < len(runs))
        raise _disagreeing(folder, [run], ["the number of rows"])
    different = {
        name: apart for name in one.column_names if (apart := _bits(one[name]) != _bits(other[name])).any()
    }
    if different:
        run = int(first[np.argmax(next(iter(different.values())))])
        raise _disagreeing(folder, [run], list(different))


def _bits(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return values that are equal where their bits are."""
    values: NDArray[Any] = column.to_numpy()
    return values.view(np.uint64) if values.dtype == np.float64 else values


def _different(held: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the columns in which the rows of a run differ, as several parts hold them; empty for none."""
    first, *others = held
    found: dict[str, None] = {}
    for other in others:
        if len(first) != len(other):
            found["the number of rows"] = None
        for one, again in zip(first, other, strict=False) if len(first) == len(other) else ():
            found |= dict.fromkeys(name for name in one if repr(one[name]) != repr(again[name]))
    return list(found)


NAMED = 4
"""Runs, columns and files that a refusal names."""


def _disagreeing(
    folder: Path,
    runs: Sequence[int],
    different: Sequence[str],
    files: Sequence[str] = (),
    manifest: Mapping[str, Any] | None = None,
) -> UserError:
    more = f" and {len(runs) - NAMED:,} more" * (len(runs) > NAMED)
    told = f"run{'s' * (len(runs) > 1)} {', '.join(map(str, runs[:NAMED]))}{more}"
    where = f": {', '.join(files[:NAMED])}" if files else ""
    anew = f"{command_of(folder, manifest or {})} fresh=true".strip()
    return Apart(
        f"{folder} holds {told} twice, and the two differ in {', '.join(different[:NAMED])}{where}."
        " The same run must give the same bits. Both are kept.",
        path=str(folder),
        allowed="one of these files taken away, or both: the same clickmarket sweep command plays what is"
        " then missing; or fresh=true, by which it begins anew in another folder",
        nearest=anew if len(anew) <= LINE_CHARACTERS else "fresh=true",
    )


def _damaged(path: Path, why: str, kind: type[UserError] = UserError) -> UserError:
    again = "the same clickmarket sweep command, which plays its runs again"
    folder = path.parent if path.name in (RUNS, SERIES) else path.parent.parent
    return kind(
        f"{path}: {why}." if kind is Foreign else f"{path} is damaged: {why}.",
        path=str(path),
        allowed=again,
        nearest=f"clickmarket verify {shlex.quote(str(folder))}",
    )


# ---------------------------------------------------------------- tables


def column(values: Sequence[Any]) -> pa.Array:
    """Return a column of what an axis takes: numbers or truth values where all are, else texts."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([float(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return "[" + ",".join(str(_text(one)) for one in value) + "]"
    return str(value)


def with_units(table: pa.Table, units: Mapping[str, str], metadata: Mapping[str, str]) -> pa.Table:
    """Return the table with the unit of each column, and where it comes from, in its schema."""
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in table.schema]
    return table.cast(pa.schema(fields, metadata=dict(metadata)))
