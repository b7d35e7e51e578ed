"""Reading and checking a country table and the marks beside it.

Nothing of a table is trusted: every cell is checked, and the first one that cannot be right is refused with
its place.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from sim.config import MOST_COUNTRIES
from sim.errors import UNSET, UserError, nearest
from sim.world.countries import (
    COLUMNS,
    GROUPS,
    MARKED_COLUMNS,
    MARKS,
    REGIONS,
    TABLE_COLUMNS,
    UNSTATED,
    Column,
    Mark,
    MarkName,
    World,
)
from sim.world.timezones import parse_zones

BUILT_IN_TABLES = ("global", "six_regions", "north_south", "mturk_2015")
TABLES_FOLDER = Path(__file__).parent / "tables"

SHARE_COLUMNS = ("worker_share", "requester_share")
SHARE_TOLERANCE = 0.001
MOST_ZONES = 256  # a worker's is kept in one byte
LARGEST_FILE_BYTES = 1_000_000
LONGEST_LABEL = 12

MARKS_FILE = "marks.csv"
MARKS_COLUMNS = ("table", "code", "column", "mark", "source")
EVERY = "*"

_CODE = re.compile(r"[A-Z]{3}")
_SOURCE_ID = re.compile(r"[a-z0-9_]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


class Row(NamedTuple):
    """One row of a file: its place, for messages, and its cells by column."""

    file: Path
    number: int
    label: str
    cells: dict[str, str]

    def refuse(self, column: str, what: str, allowed: str, close: str = "") -> NoReturn:
        """Raise the error of one cell."""
        label = f" ({self.label})" if 0 < len(self.label) <= LONGEST_LABEL else ""
        raise UserError(
            f"{self.file}: row {self.number}{label}, column {column}: {what}",
            path=str(self.file),
            value=self.cells[column],
            allowed=allowed,
            nearest=close,
        )

    def choice(self, column: str, choices: Sequence[str]) -> str:
        """Return a cell that holds one of some words."""
        cell = self.cells[column]
        if cell not in choices:
            self.refuse(column, "unknown value", ", ".join(choices), nearest(cell, choices))
        return cell

    def matching(self, column: str, pattern: re.Pattern[str], allowed: str) -> str:
        """Return a cell that has a given form."""
        cell = self.cells[column]
        if pattern.fullmatch(cell) is None:
            self.refuse(column, "wrong form", allowed)
        return cell

    def number_of(self, column: Column) -> float | int:
        """Return a cell that holds a number in the range of its column."""
        cell = self.cells[column.name]
        if cell == "":
            self.refuse(column.name, "empty cell", column.allowed)
        pattern = _WHOLE_NUMBER if column.whole else _NUMBER
        if pattern.fullmatch(cell) is None:
            self.refuse(column.name, "not a number of the right kind", column.allowed)
        value = int(cell) if column.whole else float(cell)
        if not column.low <= value <= column.high:
            self.refuse(column.name, "outside the range", column.allowed)
        return value

    def zones(self) -> list[tuple[str, float]]:
        """Return the zones of the country with their weights."""

        def refuse(what: str, allowed: str, close: str) -> NoReturn:
            self.refuse("zones", what, allowed, close)

        return parse_zones(self.cells["zones"], refuse)


def load_world(table: str | Path) -> World:
    """Read a country table: a built-in one by its name, or a CSV file by its path.

    Raises `UserError` naming the file, the row and the column of the first thing that is wrong.
    """
    path = table_file(table)
    return _built_in(path, str(table)) if table in BUILT_IN_TABLES else read_table(path, name=str(table))


@lru_cache(maxsize=len(BUILT_IN_TABLES))
def _built_in(file: Path, name: str) -> World:
    """Read a built-in table, once: a world never changes, and in a sweep every run asks for it."""
    return read_table(file, name)


def table_file(table: str | Path) -> Path:
    """Return the file of a country table, which may have a name that comes with the model."""
    if table in BUILT_IN_TABLES:
        return TABLES_FOLDER / f"{table}.csv"
    path = Path(table)
    try:
        if path.is_file():
            return path
    except OSError:
        # A name too long for the file system, or a folder that may not be entered: refused below as well.
        pass
    raise UserError(
        "world.table is neither a built-in country table nor a file.",
        path="world.table",
        value=str(table),
        allowed=f"{', '.join(BUILT_IN_TABLES)}, or the path of a CSV file",
        nearest=f"world.table={_table_beside(path) or nearest(str(table), BUILT_IN_TABLES) or 'global'}",
    )


def _table_beside(path: Path) -> str:
    """Return the country table in the folder of a path that is like it; empty if there is none."""
    with contextlib.suppress(OSError, ValueError, UserError):
        names = sorted(one.name for one in path.parent.glob("*.csv") if not one.name.startswith("."))
        if close := nearest(path.name, names[:1000]):
            read_table(path.parent / close, path.stem)
            return str(path.parent / close)
    return ""


def read_table(file: Path, name: str) -> World:
    """Return the world of a country table; `name` is what the user called it."""
    rows = list(_read_rows(file, TABLE_COLUMNS, label="code"))
    _check_count(file, rows)
    codes = _codes(rows)
    zones = [row.zones() for row in rows]
    _check_zones(file, zones)
    numbers = {column.name: _number_array(rows, column) for column in COLUMNS}
    _check_labour_force(rows, numbers)
    for share in SHARE_COLUMNS:
        numbers[share] = _shares_of_one(file, share, numbers[share])
    return World(
        table=name,
        codes=codes,
        names=_names(rows),
        region=tuple(row.choice("region", REGIONS) for row in rows),
        group=tuple(row.choice("group", GROUPS) for row in rows),
        notes=tuple(row.cells["note"] for row in rows),
        zones=tuple(zone for country in zones for zone, _ in country),
        zone_country=np.repeat(np.arange(len(rows), dtype=np.int64), [len(country) for country in zones]),
        zone_weight=np.array([weight for country in zones for _, weight in country], dtype=np.float64),
        marks=_read_marks(file, codes),
        **numbers,
    )


def _read_rows(file: Path, columns: Sequence[str], label: str) -> Iterator[Row]:
    """Yield the rows of a CSV file that must have just these columns, in any order."""
    lines = _read_lines(file)
    header = [cell.strip() for cell in lines[0]] if lines else []
    _check_header(file, header, columns)
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        if len(cells) != len(header):
            _refuse_file(file, f"row {number}: wrong number of cells", len(cells), f"{len(header)} cells")
        by_column = dict(zip(header, cells, strict=True))
        yield Row(file, number, by_column[label], by_column)


def _read_lines(file: Path) -> list[list[str]]:
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            _refuse_file(file, "file too large", file.stat().st_size, f"up to {LARGEST_FILE_BYTES} bytes")
        text = file.read_text(encoding="utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError:
        _refuse_file(file, "text that is not UTF-8", UNSET, "a CSV file in UTF-8")
    except csv.Error as error:
        _refuse_file(
            file, f"not a CSV file: {error}", UNSET, "cells between commas, quoted where they hold one"
        )
    except OSError as error:
        _refuse_file(file, f"cannot be read: {error.strerror}", UNSET, "a file that can be read")


def _check_header(file: Path, header: list[str], columns: Sequence[str]) -> None:
    for column in header:
        if column not in columns:
            _refuse_file(file, "unknown column", column, ", ".join(columns), nearest(column, columns))
        if header.count(column) > 1:
            _refuse_file(file, "column given twice", column, "each column once")
    for column in columns:
        if column not in header:
            _refuse_file(file, f"column {column} is missing", UNSET, ", ".join(columns))


def _refuse_file(file: Path, what: str, value: Any, allowed: str, close: str = "") -> NoReturn:
    raise UserError(f"{file}: {what}", path=str(file), value=value, allowed=allowed, nearest=close)


def _check_count(file: Path, rows: Sequence[Row]) -> None:
    if not 1 <= len(rows) <= MOST_COUNTRIES:
        _refuse_file(
            file, "wrong number of countries", len(rows), f"1 to {MOST_COUNTRIES} rows below the header"
        )


def _check_zones(file: Path, zones: Sequence[Sequence[tuple[str, float]]]) -> None:
    count = sum(map(len, zones))
    if count > MOST_ZONES:
        _refuse_file(
            file, "column zones: too many zones", count, f"at most {MOST_ZONES} in all countries together"
        )


def _codes(rows: Sequence[Row]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for row in rows:
        code = row.matching("code", _CODE, "three capital letters, such as IND")
        if code in seen:
            row.refuse("code", f"the code of row {seen[code]} again", "each code once")
        seen[code] = row.number
    return tuple(seen)


def _names(rows: Sequence[Row]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for row in rows:
        name = row.cells["name"]
        if not name:
            row.refuse("name", "empty cell", "the name of the country")
        if name in seen:
            row.refuse("name", f"the name of row {seen[name]} again", "each name once")
        seen[name] = row.number
    return tuple(seen)


def _number_array(rows: Sequence[Row], column: Column) -> NDArray[Any]:
    return np.array([row.number_of(column) for row in rows], dtype=np.int64 if column.whole else np.float64)


def _check_labour_force(rows: Sequence[Row], numbers: dict[str, NDArray[Any]]) -> None:
    for row, population, labour_force in zip(
        rows, numbers["population"], numbers["labour_force"], strict=True
    ):
        if labour_force > population:
            row.refuse("labour_force", "more than the population", f"up to {population}")


def _shares_of_one(file: Path, column: str, shares: NDArray[Any]) -> NDArray[Any]:
    """Return shares divided by their sum, which must be 1 within rounding."""
    total = math.fsum(shares)
    if abs(total - 1.0) > SHARE_TOLERANCE:
        _refuse_file(
            file, f"column {column}: wrong sum", round(total, 6), f"shares that sum to 1 +- {SHARE_TOLERANCE}"
        )
    return shares / total


def _read_marks(file: Path, codes: Sequence[str]) -> dict[tuple[str, str], Mark]:
    """Return the mark of every cell, from the marks beside the table; a cell without one is `UNSTATED`."""
    rules = _mark_rules(file, codes)
    return {(code, column): _mark_of(rules, code, column) for code in codes for column in MARKED_COLUMNS}


def _mark_of(rules: dict[tuple[str, str], Mark], code: str, column: str) -> Mark:
    """Return the mark of a cell: its own, else that of its country, of its column, or of the whole table."""
    for key in ((code, column), (code, EVERY), (EVERY, column), (EVERY, EVERY)):
        if key in rules:
            return rules[key]
    return UNSTATED


def _mark_rules(file: Path, codes: Sequence[str]) -> dict[tuple[str, str], Mark]:
    marks_file = file.parent / MARKS_FILE
    rules: dict[tuple[str, str], Mark] = {}
    if not marks_file.is_file() or marks_file == file:
        return rules
    for row in _read_rows(marks_file, MARKS_COLUMNS, label="code"):
        if row.cells["table"] != file.stem:
            continue
        key = row.choice("code", (*codes, EVERY)), row.choice("column", (*MARKED_COLUMNS, EVERY))
        if key in rules:
            row.refuse("column", "this cell is marked above", "one mark for a cell")
        source = row.matching("source", _SOURCE_ID, "an id of small letters, digits and underscores")
        rules[key] = Mark(cast(MarkName, row.choice("mark", MARKS)), source)
    return rules
