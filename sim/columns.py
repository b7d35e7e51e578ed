"""Records of agents: growing structured arrays and the descriptor that shows a field as an attribute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
CACHE_LINE = 64


def records(fields: list[tuple[str, str]]) -> np.dtype[Any]:
    """Return an aligned record type from (name, type code) pairs."""
    return np.dtype(fields, align=True)


def aligned_zeros(rows: int, kind: Any) -> Records:
    """Return zeros that begin at a cache line, so that a record of 64 bytes is read in one."""
    dtype = np.dtype(kind)
    size = rows * dtype.itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype)


def grown(array: Records, needed: int, spare: float = 1.0) -> Records:
    """Return the array with room for ``needed`` rows; rows keep their place.

    It grows by at least the share ``spare`` of what it was, so that it is not copied at every growth. The
    usual doubling suits small arrays; a large one would take twice the memory that it needs.
    """
    if needed <= len(array):
        return array
    larger = aligned_zeros(max(needed, int(len(array) * (1.0 + spare)), 16), array.dtype)
    larger[: len(array)] = array
    return larger


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
    """

    def __init__(self, store: str, field: str | None = None, read_only: str = "") -> None:
        self.store = store
        self.field = field
        self.read_only = read_only

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name as the field's unless another was given."""
        self.field = self.field or name

    def __get__(self, agent: Any, owner: type | None = None) -> Any:
        """Return the field of the agent's row as a Python number."""
        if agent is None:
            return self
        return getattr(agent.model, self.store)[self.field][agent.row].item()

    def __set__(self, agent: Any, value: Any) -> None:
        """Write the field of the agent's row; the kernel sees it at once."""
        if self.read_only:
            raise AttributeError(self.read_only)
        column = getattr(agent.model, self.store)[self.field]
        whole = column.dtype.kind in "iu"
        if not np.isfinite(value) or (whole and value != int(value)):
            raise ValueError(f"{self.field} must be a {'whole' if whole else 'finite'} number, not {value}.")
        column[agent.row] = value
