"""Tables of arrays: what indicators ask of a DataFrame, at a hundredth of its cost for a small run.

A `Table` has the columns of a table of a run: numbers as arrays (`Numbers`), text as codes and the names
that they stand for (`Texts`). Both answer like the pandas objects they stand for, rows by position, to the
bit; what is asked of them too seldom to be written here is left to pandas itself. Nothing in a table is ever
changed, so that tables share their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.outcomes.frames import COLUMNS, empty


class Numbers(np.ndarray[Any, Any]):
    """A column of numbers or truth values, with what pandas adds to an array."""

    @property
    def plain(self) -> NDArray[Any]:
        """The array itself."""
        return self.view(np.ndarray)

    @property
    def iloc(self) -> NDArray[Any]:
        """The values by position."""
        return self.plain

    def to_numpy(self, dtype: Any = None) -> NDArray[Any]:
        """Return an array."""
        return self.plain if dtype is None else self.plain.astype(dtype, copy=False)

    def sum(self, *arguments: Any, **keywords: Any) -> Any:
        """Add up, leaving out what is not a number as pandas does."""
        values = self.plain
        if values.dtype.kind == "f" and not (arguments or keywords):
            values = np.where(np.isnan(values), 0.0, values)
        return values.sum(*arguments, **keywords)

    def mean(self, *arguments: Any, **keywords: Any) -> Any:
        """Return the mean, leaving out what is not a number as pandas does."""
        if arguments or keywords:
            return self.plain.mean(*arguments, **keywords)
        known = np.count_nonzero(self.notna()) if self.dtype.kind == "f" else len(self)
        return np.float64(self.sum() / known if known else np.nan)

    def min(self, *arguments: Any, **keywords: Any) -> Any:
        """Return the least value."""
        return self.plain.min(*arguments, **keywords)

    def max(self, *arguments: Any, **keywords: Any) -> Any:
        """Return the largest value."""
        return self.plain.max(*arguments, **keywords)

    def notna(self) -> NDArray[np.bool_]:
        """Say which values are numbers."""
        return np.asarray(~np.isnan(self.plain), bool)

    def dropna(self) -> Numbers:
        """Return the values that are numbers."""
        return self.plain[self.notna()].view(Numbers)

    def fillna(self, value: float) -> Numbers:
        """Return the values, with another in place of what is not a number."""
        return np.where(np.isnan(self.plain), value, self.plain).view(Numbers)

    def between(self, low: Any, high: Any) -> NDArray[np.bool_]:
        """Say which values lie between two others, both included."""
        values = self.plain
        return np.asarray((values >= low) & (values <= high), bool)

    def __getattr__(self, name: str) -> Any:
        """Leave the rest to pandas."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(pd.Series(self.plain), name)


class Texts:
    """A column of text: for each row the number of its name, and the names."""

    def __init__(self, codes: NDArray[Any], names: Sequence[Any]) -> None:
        self.codes, self.names = codes, names

    @classmethod
    def of(cls, values: Any) -> Texts:
        """Take over texts: written row by row, or as categories, of which each is written once."""
        if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
            return cls(values.cat.codes.to_numpy(), [*values.cat.categories, np.nan])
        codes, names = pd.factorize(np.asarray(values, object))
        return cls(codes, [*names, np.nan])  # what is missing has the code -1

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        """Go through the texts, row by row."""
        return iter(self.to_numpy())

    def __getitem__(self, rows: Any) -> Any:
        """Return some rows, or the text of one."""
        chosen = self.codes[np.asarray(rows)]
        return Texts(chosen, self.names) if np.ndim(chosen) else self.names[chosen]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Write the texts out."""
        return self.to_numpy().astype(dtype or object)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, text: object) -> NDArray[np.bool_]:  # type: ignore[override]
        """Say in which rows a text stands."""
        return self._look_up([name == text for name in self.names], bool)

    def __ne__(self, text: object) -> NDArray[np.bool_]:  # type: ignore[override]
        """Say in which rows a text does not stand."""
        return ~(self == text)

    @property
    def iloc(self) -> Texts:
        """The texts by position."""
        return self

    def astype(self, kind: Any) -> Texts:
        """Return the texts: there is nothing else that they could be asked to be."""
        return self

    def to_numpy(self, dtype: Any = object) -> NDArray[Any]:
        """Write the texts out."""
        texts: NDArray[Any] = np.array([*self.names], object)[self.codes]
        return texts.astype(dtype, copy=False)

    def isin(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Say in which rows one of some texts stands."""
        wanted = set(texts)
        return self._look_up([name in wanted for name in self.names], bool)

    def map(self, meaning: Mapping[str, Any]) -> Any:
        """Return what each text means; NaN where it means nothing."""
        found = [meaning.get(name, np.nan) for name in self.names]
        if any(isinstance(one, str) for one in found):
            return Texts(self.codes, found)
        return self._look_up(found, None).view(Numbers)

    def _look_up(self, values: list[Any], dtype: Any) -> NDArray[Any]:
        return np.array(values, dtype)[self.codes] if values else np.zeros(0, dtype or np.float64)

    def __getattr__(self, name: str) -> Any:
        """Leave the rest to pandas."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(pd.Series(self.to_numpy()), name)


class Table:
    """A table of arrays.

    Parameters
    ----------
    names
        Its columns.
    rows
        How many rows it has.
    column
        Gives a column by its name; each is asked for once, when it is needed.
    """

    def __init__(self, names: Sequence[str], rows: int, column: Callable[[str], Any]) -> None:
        self.columns, self.rows, self._column = names, rows, column
        self._kept: dict[Any, Any] = {}
        self._total: Any = None

    @classmethod
    def made(cls, columns: Mapping[str, Any]) -> Table:
        """Make a table of arrays, and of texts."""
        names = list(columns)
        return cls(names, len(columns[names[0]]), lambda name: _as_column(columns[name]))

    @classmethod
    def of(cls, frame: Any) -> Table:
        """Return the table that stands for a DataFrame; a table is returned as it is."""
        if isinstance(frame, Table):
            return frame
        return cls(list(map(str, frame.columns)), len(frame), lambda name: _as_column(frame[name]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.rows

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self.rows

    def __getitem__(self, key: Any) -> Any:
        """Return a column by its name, a table of some columns, or one of some rows."""
        if isinstance(key, str):
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = self._column(key)
            return found
        if isinstance(key, list):
            some = tuple(key)
            found = self._kept.get(some)
            if found is None:
                columns = {name: self[name] for name in key}  # not itself, or it would lie in a circle
                found = self._kept[some] = Table(key, self.rows, columns.__getitem__)
            return found
        chosen = np.asarray(key, bool)
        return Table(self.columns, int(np.count_nonzero(chosen)), lambda name: self[name][chosen])

    @property
    def loc(self) -> _Places:
        """Rows of a column: ``table.loc[which, "column"]``."""
        return _Places(self)

    def sum(self, axis: Literal[0, 1] = 0) -> Any:
        """Return the sum of each row; those of columns are left to pandas."""
        columns = [self[name] for name in self.columns]
        if axis == 0 or any(column.dtype.kind == "f" for column in columns):
            return self.frame().sum(axis=axis)
        if self._total is None:
            total = np.zeros(self.rows, np.int64)
            for column in columns:
                total = total + column.plain
            self._total = total.view(Numbers)
        return self._total

    def frame(self) -> pd.DataFrame:
        """Return the DataFrame that the table stands for."""
        return pd.DataFrame({name: self[name].to_numpy() for name in self.columns})

    def __getattr__(self, name: str) -> Any:
        """Leave the rest to pandas."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.frame(), name)


class _Places:
    """Rows of a table's columns."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __getitem__(self, place: tuple[Any, str]) -> Any:
        """Return some rows of a column."""
        rows, name = place
        return self.table[name][np.asarray(rows, bool)]


def _as_column(values: Any) -> Any:
    """Return numbers or texts for an array or a Series."""
    if isinstance(values, Texts):
        return values
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        return Texts.of(values)
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    return Texts.of(array) if array.dtype.kind in "OUT" else array.view(Numbers)


def quick(name: str, frame: Any) -> Table:
    """Return the table `name` for a DataFrame of it, or for itself."""
    return Table.of(frame) if len(frame) else without_rows(name)


@lru_cache(maxsize=len(COLUMNS))
def without_rows(name: str) -> Table:
    """Return the table `name` without rows."""
    return Table.of(empty(name))
