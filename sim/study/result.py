"""The folder of a run: how its files are written so that none is ever half there, and how they are read back.

A run's folder holds `config.yaml`, `manifest.json`, `summary.json`, one Parquet file for each table of
`sim.outcomes.frames.COLUMNS`, and `figures/`. Every file is written beside its place under a temporary name,
flushed to the disk and then renamed, so that a crash leaves the old file or the new one. Parquet pages carry
checksums, and the manifest, written last, carries the SHA-256 of every file. What does not fit is never read
in silence.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import UserError, nearest_or_first, one_of
from sim.outcomes.families import kinds_of
from sim.outcomes.frames import ADDED, ADDED_WHOLE, COLUMNS, Column, Households, Kinds, empty, units
from sim.plain_yaml import read_yaml
from sim.study.plots import Drawable
from sim.world import World, load_world

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
FIGURES = "figures"
COMPRESSION = "zstd"
CHUNK_BYTES = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when there is no room for more."""

Table: TypeAlias = pd.DataFrame | Mapping[str, npt.ArrayLike] | pa.Table


def frame_file(name: str) -> str:
    """Return the file name of the table `name`."""
    return f"{name}.parquet"


# ---------------------------------------------------------------- reading


class RunResult(Drawable):
    """A run, read from its folder.

    Its tables, from ``series`` to ``ai``, are pandas frames, read when first asked for;
    ``frame.attrs["units"]`` tells the unit of each column.

    Attributes
    ----------
    path
        The folder.
    config
        The resolved configuration.
    manifest
        Versions, seed and hashes.
    summary
        Indicators: name -> {"value", "unit", "definition"}.
    scale
        People that a worker stands for.
    world
        The countries of the run, read when first asked for.
    """

    def __init__(
        self, path: Path, config: dict[str, Any], manifest: dict[str, Any], summary: dict[str, Any]
    ) -> None:
        self.path = path
        self.config = config
        self.manifest = manifest
        self.summary = summary

    def __repr__(self) -> str:
        return f"RunResult({str(self.path)!r})"

    def frame(self, name: str) -> pd.DataFrame:
        """Read a table by its name."""
        one_of("", name, COLUMNS, f"there is no table {name!r} in a result", typed="*")
        path = self.path / frame_file(name)
        if _is_from_before(name, self.manifest):
            frame = empty(name)
            frame.attrs["units"] = units(name)
            return frame
        check_digest(path, self.manifest)
        frame = _with_later_columns(read_frame(path), name)
        missing = [column for column in COLUMNS[name] if column not in frame]
        if missing:
            raise _damaged(path, f"it lacks the columns {', '.join(missing)}")
        return frame

    @cached_property
    def series(self) -> pd.DataFrame:
        """Day x country x platform."""
        return self.frame("series")

    @cached_property
    def clock(self) -> pd.DataFrame:
        """Hour of the UTC day x country."""
        return self.frame("clock")

    @cached_property
    def weekdays(self) -> pd.DataFrame:
        """Day of the week x hour of the UTC day x country; empty from results of earlier versions."""
        return self.frame("weekdays")

    @cached_property
    def workers(self) -> pd.DataFrame:
        """A row for each worker who was ever active."""
        return self.frame("workers")

    @cached_property
    def requesters(self) -> pd.DataFrame:
        """A row for each requester."""
        return self.frame("requesters")

    @cached_property
    def batches(self) -> pd.DataFrame:
        """A row for each finished batch."""
        return self.frame("batches")

    @cached_property
    def spells(self) -> pd.DataFrame:
        """A row for each time a worker was in the market."""
        return self.frame("spells")

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Money between sectors and countries, by month and kind."""
        return self.frame("flows")

    @cached_property
    def users(self) -> pd.DataFrame:
        """Users of each platform by month and country: workers, requesters and their customers, audience."""
        return self.frame("users")

    @cached_property
    def taxes(self) -> pd.DataFrame:
        """Users counted, base, rate and amount by month, platform, country and instrument."""
        return self.frame("taxes")

    @cached_property
    def incomes(self) -> pd.DataFrame:
        """The account of each treasury by month, and the incomes paid."""
        return self.frame("incomes")

    @cached_property
    def cooperatives(self) -> pd.DataFrame:
        """What members of each cooperative decided and got, by month."""
        return self.frame("cooperatives")

    @cached_property
    def commons(self) -> pd.DataFrame:
        """Royalty, labels and dividend of the commons, by month."""
        return self.frame("commons")

    @property
    def audiences(self) -> pd.DataFrame:
        """The users of social platforms by month and country."""
        return self.frame("audiences")

    @cached_property
    def unions(self) -> pd.DataFrame:
        """Workers and members of the union by Monday, platform and country."""
        return self.frame("unions")

    @cached_property
    def employment(self) -> pd.DataFrame:
        """Time, pay and quotes of employers by month, platform and country."""
        return self.frame("employment")

    @cached_property
    def exits(self) -> pd.DataFrame:
        """The countries that platforms gave up, when and whom."""
        return self.frame("exits")

    @cached_property
    def ai(self) -> pd.DataFrame:
        """The stock of intelligence, its labels and the work for them, by week and country."""
        return self.frame("ai")

    @property
    def scale(self) -> float | None:
        """People that a worker of the model stands for, from the configuration."""
        workers = self.config.get("workers", {})
        if {"real_count", "count"} <= workers.keys():
            return float(workers["real_count"]) / float(workers["count"])
        return None

    @property
    def kinds(self) -> Kinds:
        """Kinds of platforms and clicks in tasks, from the configuration."""
        return kinds_of(self.config)

    @cached_property
    def households(self) -> Households:
        """Whom workers live with, from the configuration; one person each in results of earlier versions."""
        segments = self.config.get("segments", {})
        income = self.config.get("policy", {}).get("universal_income")
        size, support = (
            {name: float(one[key]) for name, one in segments.items() if key in one}
            for key in ("household_size", "household_support")
        )
        to_all = income is not None and income.get("recipients") == "residents"
        north, south = (
            {name: float(one.get(f"share_{side}", 0.0)) for name, one in segments.items()}
            for side in ("north", "south")
        )
        return Households(size, support, to_all, north, south)

    @cached_property
    def world(self) -> World:
        """The countries of the run."""
        return load_world(self.config["world"]["table"])


def load(path: str | Path) -> RunResult:
    """Read a run's folder; tables are read when first asked for.

    Raises
    ------
    UserError
        If the folder or one of its files is missing or damaged; the message names it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(
            f"{folder} is not the folder of a run",
            path=str(folder),
            allowed="the path that clickmarket run printed",
            nearest=folder_near(folder, "config_id"),
        )
    _find(folder, MANIFEST)
    manifest = read_manifest(folder / MANIFEST)
    tables = [frame_file(name) for name in COLUMNS if not _is_from_before(name, manifest)]
    for name in (CONFIG, SUMMARY, *tables):
        _find(folder, name)
    for name in (CONFIG, SUMMARY):
        check_digest(folder / name, manifest)
    return RunResult(folder, _read_config(folder / CONFIG), manifest, _read_json(folder / SUMMARY))


def folder_near(folder: Path, key: str) -> str:
    """Return the folder in or beside one that is most like it by name, and has a key in its manifest."""
    for place in (folder, folder.parent):
        names = {file.parent.name for file in place.glob(f"*/{MANIFEST}") if _has(file, key)}
        if names:
            return str(place / nearest_or_first(folder.name, sorted(names)))
    return ""


def _has(manifest: Path, key: str) -> bool:
    try:
        return key in read_manifest(manifest)
    except UserError:
        return False


def _find(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise UserError(f"{folder / name} is missing: the run did not finish, or its folder is damaged")


def _is_from_before(name: str, manifest: Mapping[str, Any]) -> bool:
    """Whether a run was recorded before there was the table `name`."""
    return name in ADDED_WHOLE and frame_file(name) not in manifest["files"]


def _with_later_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add the columns that a table of an earlier version lacks, with zeros, in their place."""
    later = [column for column in ADDED.get(name, ()) if column not in frame]
    if not later:
        return frame
    known = frame.attrs["units"]
    full = frame.assign(**{column: np.zeros(len(frame), COLUMNS[name][column].type) for column in later})
    full.attrs["units"] = units(name) | known
    return full[[column for column in COLUMNS[name] if column in full]]


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a Parquet file, checking its checksums; units are in `frame.attrs["units"]`."""
    source = Path(path)
    try:
        with source.open("rb") as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
            table = file.read()
        frame: pd.DataFrame = table.to_pandas()
    except FileNotFoundError:
        raise UserError(f"{source} is missing") from None
    except (OSError, pa.ArrowException, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(source, str(error)) from error
    frame.attrs["units"] = {
        field.name: (field.metadata or {}).get(b"unit", b"").decode("utf-8", "replace")
        for field in table.schema
    }
    return frame


def read_narrow(path: str | Path) -> pd.DataFrame:
    """Read a long Parquet file column by column, each as narrow as its values allow.

    Whole numbers take 32 bits where all of a column fit, texts are categories. A run of ten years has
    millions of batches: this needs less than a quarter of what `read_frame` does, for the same numbers.
    """
    source = Path(path)
    columns: dict[str, pa.ChunkedArray] = {}
    with source.open("rb") as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
        for name in file.schema_arrow.names:
            columns[name] = _narrow(file.read(columns=[name])[name])
    frame: pd.DataFrame = pa.table(columns).to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _narrow(column: pa.ChunkedArray) -> Any:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.combine_chunks().dictionary_encode()
    if column.type != pa.int64() or not len(column):
        return column
    bounds = pc.min_max(column).as_py()
    fits = bounds["min"] >= -(2**31) and bounds["max"] < 2**31
    return column.cast(pa.int32()) if fits else column


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def check_digest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Compare a file with the manifest's SHA-256 of it; refuse one that differs."""
    expected = manifest["files"].get(path.name)
    if expected is None:
        raise _damaged(path, f"{MANIFEST} does not know it")
    try:
        found = digest(path)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    if found != expected:
        raise _damaged(path, f"its checksum is not the one in {MANIFEST}")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest that is whole."""
    manifest = _read_json(path)
    if manifest.get("sha256") != _manifest_digest(manifest):
        raise _damaged(path, "its own checksum is wrong")
    if not isinstance(manifest.get("files"), dict):
        raise _damaged(path, "it lists no files")
    return manifest


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise _damaged(path, "it holds no mapping")
    return found


def _read_config(path: Path) -> dict[str, Any]:
    """Read the settings; `defaults` is a word to the composer of configurations, not a setting."""
    values = read_yaml(path).values
    if not isinstance(values, dict):
        raise _damaged(path, "it holds no mapping")
    return {key: value for key, value in values.items() if key != "defaults"}


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged: {why}", path=str(path))


# ---------------------------------------------------------------- writing


def write_frame(
    table: Table, path: str | Path, units: Mapping[str, str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a table as Parquet, in one step.

    Parameters
    ----------
    table
        A data frame (its index is left out) or {column: values}.
    path
        The file; it is replaced if it exists.
    units
        Unit of each column; stored in the metadata of the column under `unit`. Columns left out have none.
    metadata
        Stored in the metadata of the file.
    """
    content = _arrow(table)
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in content.schema]
    content = content.cast(pa.schema(fields, metadata=dict(metadata or {})))
    with replacing(Path(path)) as file:
        pq.write_table(content, file, compression=COMPRESSION, write_page_checksum=True)


def _quickly(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Arrow's settings for writing long columns of numbers in a third of the time that zstd takes."""
    return {
        "compression": "none",
        "write_statistics": False,
        "use_dictionary": [name for name, column in columns.items() if column.type == "str"],
        "column_encoding": {
            name: "DELTA_BINARY_PACKED" for name, column in columns.items() if column.type == "int64"
        },
    }


class PartWriter:
    """Write a long table bit by bit; the file appears, whole, at `close`.

    Each `append` makes a row group in a temporary file beside `path`. Used as a context manager it commits at
    the end of the block, or leaves nothing behind if the block raises. A table to which nothing was appended
    has its columns and no rows.

    Parameters
    ----------
    path
        The file to be made.
    columns
        Name, type and unit of the columns, as in `COLUMNS["batches"]`.
    metadata
        Stored in the metadata of the file.
    passing
        For a file that is soon read again and removed: quickly written rather than small.
    """

    def __init__(
        self,
        path: str | Path,
        columns: Mapping[str, Column],
        metadata: Mapping[str, str] | None = None,
        passing: bool = False,
    ) -> None:
        self.rows = 0
        self._schema = _schema(columns, dict(metadata or {}))
        self._file = _Replacement(Path(path))
        settings = _quickly(columns) if passing else {"compression": COMPRESSION}
        self._writer = pq.ParquetWriter(self._file.file, self._schema, write_page_checksum=True, **settings)

    def append(self, table: Table) -> None:
        """Add rows; columns in any order, none missing, none unknown."""
        content = _arrow(table)
        if set(content.column_names) != set(self._schema.names):
            different = sorted(set(content.column_names) ^ set(self._schema.names))
            raise ValueError(f"columns missing or unknown: {', '.join(different)}")
        if content.num_rows:
            with self._guard():
                self._writer.write_table(content.select(self._schema.names).cast(self._schema))
            self.rows += content.num_rows

    def close(self) -> None:
        """Finish the file and put it in its place."""
        with self._guard():
            self._writer.close()
        self._file.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._end_writer()
        self._file.abort()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        with self._file.guard():
            try:
                yield
            except BaseException:
                self._end_writer()
                raise

    def _end_writer(self) -> None:
        """End Arrow's writer while its file is open; left alone it would write again when it is collected."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def write_recorded(name: str, table: Table, folder: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write the table `name` of a run into its folder, with the declared columns, types and units."""
    with PartWriter(folder / frame_file(name), COLUMNS[name], metadata) as part:
        part.append(table)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) in one step."""
    with replacing(Path(path)) as file:
        file.write(text.encode("utf-8"))


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one step; NaN and infinity are refused."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_manifest(folder: str | Path, manifest: Mapping[str, Any], passing: Collection[str] = ()) -> None:
    """Write `manifest.json`, the last file of a run: `manifest` and the SHA-256 of every file in the folder.

    A folder without it is not taken for a finished run. Files named in ``passing`` are left out: they were
    needed to go on after a kill, and are removed once there is nothing to go on with.
    """
    place = Path(folder)
    try:
        names = sorted(
            path.relative_to(place).as_posix()
            for path in _files_below(place)
            if path.name not in (MANIFEST, *passing)
        )
        files = {name: digest(place / name) for name in names}
    except OSError as error:
        where = error.filename or place
        raise UserError(f"{where} cannot be read: {error.strerror}.", path=str(where)) from error
    content = {**manifest, "files": files}
    write_json(place / MANIFEST, {**content, "sha256": _manifest_digest(content)})


def renew_digest(folder: Path, name: str) -> None:
    """Note the SHA-256 of a file that was written anew, if it is another than the manifest's."""
    content = read_manifest(folder / MANIFEST)
    del content["sha256"]
    found = digest(folder / name)
    if content["files"].get(name) != found:
        content["files"][name] = found
        write_json(folder / MANIFEST, {**content, "sha256": _manifest_digest(content)})


def _files_below(folder: Path) -> Iterator[Path]:
    """Give every file of a folder; one that cannot be listed is an error, not empty as it is to `rglob`."""

    def refuse(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place) / name for name in names)


def _manifest_digest(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to; it takes the place of `path` if the block raises nothing."""
    replacement = _Replacement(path)
    with replacement.guard():
        yield replacement.file
    replacement.commit()


class _Replacement:
    """A temporary file beside `path` that `commit` flushes to the disk and renames."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Writers on other hosts, or in other containers, may have the same number as this process.
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
        try:
            self.file: BinaryIO = self.temporary.open("wb")
        except OSError as error:
            raise self._failure(error) from error

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Leave nothing behind if the block raises; a failure of the disk becomes one of the user's kind."""
        try:
            yield
        except OSError as error:
            self.abort()
            raise self._failure(error) from error
        except BaseException:
            self.abort()
            raise

    def commit(self) -> None:
        """Make the file last: contents first, then its name, then the folder that holds the name."""
        with self.guard():
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self.temporary, self.path)
            _flush_folder(self.path.parent)

    def abort(self) -> None:
        """Remove the temporary file; what cannot be removed stays, so as not to hide the first error."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()

    def _failure(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} cannot be written: {error.strerror or error}",
            path=str(self.path),
            allowed="room on the disk, and then the same command again" if error.errno in FULL else "",
        )


def _flush_folder(folder: Path) -> None:
    """Make a rename last. Only POSIX systems let a folder be opened for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _arrow(table: Table) -> pa.Table:
    """Return an Arrow table without pandas' own metadata."""
    if isinstance(table, pa.Table):
        return table
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(dict(table))
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _schema(columns: Mapping[str, Column], metadata: dict[str, str]) -> pa.Schema:
    """Return the Arrow schema of declared columns."""
    arrow = {"str": "string", "float64": "double"}
    fields = [
        pa.field(name, pa.type_for_alias(arrow.get(column.type, column.type)), metadata={"unit": column.unit})
        for name, column in columns.items()
    ]
    return pa.schema(fields, metadata=metadata)
