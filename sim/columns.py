"""Records of agents: growing structured arrays and the descriptor that shows a field as an attribute."""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
CACHE_LINE = 64
LARGE, HUGE = 1 << 17, 1 << 22
"""Bytes from which memory comes straight from the system, and from which in large pages."""


def records(fields: list[tuple[str, str]], lines: int = 0) -> np.dtype[Any]:
    """Return an aligned record type from (name, type code) pairs; if given, it fills so many cache lines."""
    kind = np.dtype(fields, align=True)
    if lines == 0:
        return kind
    names, codes = [name for name, _ in fields], [code for _, code in fields]
    places = [place for _, place, *_ in (kind.fields or {}).values()]
    size = CACHE_LINE * lines
    return np.dtype({"names": names, "formats": codes, "offsets": places, "itemsize": size}, align=True)


def aligned_zeros(rows: int, kind: Any) -> Records:
    """Return zeros that begin at a cache line, so that a record of 64 bytes is read in one."""
    dtype = np.dtype(kind)
    size = rows * dtype.itemsize
    memory = zeroed(size + CACHE_LINE)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype)


def zeroed(size: int) -> NDArray[np.uint8]:
    """Return bytes of zeros, many of them straight from the system.

    What was never touched takes no memory then, and what is dropped is given back at once. From the heap, the
    arrays of hundreds of boards that grow by turns would leave holes that nothing fits into.
    """
    if size < LARGE or not hasattr(mmap, "MAP_PRIVATE"):
        return np.zeros(size, np.uint8)
    try:
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:  # the system allows only so many pieces
        return np.zeros(size, np.uint8)
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, np.uint8)


def put_rows(array: Records, first: int, rows: Records) -> None:
    """Copy records to places ``first`` on, bytes and all: NumPy would copy field by field."""
    whole = np.dtype((np.void, array.dtype.itemsize))
    array.view(whole)[first : first + len(rows)] = rows.view(whole)


def grown(array: Records, needed: int, spare: float = 1.0) -> Records:
    """Return the array with room for ``needed`` rows; rows keep their place.

    It grows by at least the share ``spare`` of what it was, so that it is not copied at every growth. The
    usual doubling suits small arrays; a large one would take twice the memory that it needs.
    """
    if needed <= len(array):
        return array
    larger = aligned_zeros(max(needed, int(len(array) * (1.0 + spare)), 16), array.dtype)
    put_rows(larger, 0, array)
    return larger


@dataclass(frozen=True)
class Part:
    """A number that shares a whole-number field with others: ``width`` bits of it, from bit ``first`` on.

    In a field with a sign the topmost part has the sign.
    """

    field: str
    first: int
    width: int

    def of(self, rows: Any) -> Any:
        """Return the number of one record or of each, in the type of the shared field (a copy)."""
        shared = rows[self.field]
        if self.first + self.width == 8 * shared.dtype.itemsize:
            return shared >> self.first
        return (shared >> self.first) & ((1 << self.width) - 1)

    def put(self, records: Records, rows: Any, numbers: Any) -> None:
        """Write the numbers of some rows; the other parts of the field stay."""
        shared = records[self.field]
        mask = ((1 << self.width) - 1) << self.first
        others = np.asarray(shared[rows], np.int64) & ~mask
        shared[rows] = (others | np.asarray(numbers, np.int64) << self.first).astype(shared.dtype)

    def holds(self, number: int, kind: np.dtype[Any]) -> bool:
        """Whether a number fits, in records of a kind."""
        shared = kind[self.field]
        signed = shared.kind == "i" and self.first + self.width == 8 * shared.itemsize
        half = 1 << (self.width - 1)
        return -half <= number < half if signed else 0 <= number < 2 * half


class Column:
    """An attribute of an agent that reads and writes its row of the kernel's records: no copy.

    Parameters
    ----------
    store
        Name of the attribute of the model that holds the records.
    field
        Name of the field; the attribute's own name if left out.
    read_only
        Sentence that says what to use instead; writing then raises ``AttributeError``.
    part
        Where the number is, if it shares a field with others.
    """

    def __init__(
        self, store: str, field: str | None = None, read_only: str = "", part: Part | None = None
    ) -> None:
        self.store = store
        self.field = field
        self.read_only = read_only
        self.part = part

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name as the field's unless another was given."""
        self.field = self.field or name

    def __get__(self, agent: Any, owner: type | None = None) -> Any:
        """Return the field of the agent's row as a Python number."""
        if agent is None:
            return self
        rows = getattr(agent.model, self.store)
        if self.part is not None:
            return self.part.of(rows[agent.row]).item()
        return rows[self.field][agent.row].item()

    def __set__(self, agent: Any, value: Any) -> None:
        """Write the field of the agent's row; the kernel sees it at once."""
        if self.read_only:
            raise AttributeError(self.read_only)
        rows = getattr(agent.model, self.store)
        whole = self.part is not None or rows.dtype[self.field].kind in "iu"
        if not np.isfinite(value) or (whole and value != int(value)):
            raise ValueError(f"{self.field} must be a {'whole' if whole else 'finite'} number, not {value}.")
        if self.part is None:
            rows[self.field][agent.row] = value
        elif self.part.holds(int(value), rows.dtype):
            self.part.put(rows, agent.row, int(value))
        else:
            raise OverflowError(f"{self.field} has {self.part.width} bits: {value} does not fit.")
