"""The geometry of a flow diagram: sectors as bars in columns, flows as bands whose width is their sum.

`layout` is pure: from sums of flows it computes where every bar and band lies, in micro-dollars of height.
The outside world stands at both ends: on the left as the source of budgets, on the right as the end of
spending; people outside the market who are paid an income stand there too. A band that passes a column on
its way keeps a place free there, so that it never runs behind a bar.
A flow against the reading direction is drawn between the same two columns and marked as a return.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SOURCE, SINK, OTHERS = "budgets", "spending", "other_people"

# Place of a sector: its column from the left, and its lane from the bottom.
PLACES = {
    SOURCE: (0, 0),
    "requesters": (1, 0),
    "audience": (1, 7),
    "escrow": (2, 0),
    "pending": (3, 0),
    "platforms": (4, 4),
    "collectives": (5, 1),
    "cooperative_fund": (5, 2),
    "commons_fund": (5, 2),
    "governments": (5, 3),
    "havens": (5, 5),
    "workers": (6, 0),
    "owners": (6, 6),
    SINK: (7, 0),
    OTHERS: (7, 3),
}
PAD_OVER_BAR = 0.15
PAD_OVER_BAND = 0.03

Pair = tuple[str, str]


@dataclass(frozen=True)
class Bar:
    """A sector: column (0 is leftmost), lower edge, height, and the larger of the money received and paid."""

    name: str
    column: int
    bottom: float
    height: int
    amount: int


@dataclass(frozen=True)
class Band:
    """A flow: its width (the ledger's sum) and its way, (column, lower edge) from left to right."""

    source: str
    target: str
    amount: int
    way: tuple[tuple[int, float], ...]

    @property
    def returns(self) -> bool:
        """Whether money goes from right to left."""
        return PLACES[self.source] > PLACES[self.target]


@dataclass(frozen=True)
class Layout:
    """Bars and bands to draw, the flows that have no place in the picture, and the height of it all."""

    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]
    omitted: Mapping[Pair, int]
    height: float


@dataclass(frozen=True)
class _Slot:
    """A place in a column: a bar (one name) or a band that passes (two names)."""

    names: tuple[str, ...]
    lane: int
    size: int

    @property
    def pad(self) -> float:
        """Room kept free above, as a share of the tallest column; labels stand above bars."""
        return PAD_OVER_BAR if len(self.names) == 1 else PAD_OVER_BAND


def layout(flows: Mapping[Pair, int]) -> Layout:
    """Place sectors and flows.

    Parameters
    ----------
    flows
        {(paying sector, receiving sector): micro-dollars}. Flows of a sector without a place (rounding) and
        flows within a column are `omitted`; flows of nothing are left out.
    """
    pairs: dict[Pair, int] = {}
    omitted: dict[Pair, int] = {}
    for (debit, credit), amount in flows.items():
        pair = SOURCE if debit == "outside" else debit, SINK if credit == "outside" else credit
        if amount > 0 and _has_place(pair):
            pairs[pair] = int(amount)
        elif amount:
            omitted[debit, credit] = int(amount)
    columns = _columns(pairs)
    slots = _slots(pairs, columns)
    bottoms, height = _stack(slots)
    bars = _bars(pairs, columns, bottoms)
    return Layout(bars, _bands(pairs, columns, bottoms), omitted, height)


def curve(band: Band, bar_width: float, points: int = 40) -> tuple[npt.NDArray[np.float64], ...]:
    """Return x, lower and upper edge of a band: cubic Bezier curves, level where they meet a column."""
    t = np.linspace(0, 1, points)
    along = 1.5 * t * (1 - t) + t**3
    rise = 3 * (1 - t) * t**2 + t**3
    xs, lower = [], []
    last = len(band.way) - 2
    for i, ((from_column, from_y), (to_column, to_y)) in enumerate(zip(band.way, band.way[1:], strict=False)):
        start = from_column + (bar_width / 2 if i == 0 else 0)
        end = to_column - (bar_width / 2 if i == last else 0)
        xs.append(start + (end - start) * along)
        lower.append(from_y + (to_y - from_y) * rise)
    x, low = np.concatenate(xs), np.concatenate(lower)
    return x, low, low + band.amount


def _has_place(pair: Pair) -> bool:
    if not all(name in PLACES for name in pair):
        return False
    return PLACES[pair[0]][0] != PLACES[pair[1]][0]


def _sides(pair: Pair) -> Pair:
    """Return the left and the right bar of a flow."""
    return pair if PLACES[pair[0]][0] < PLACES[pair[1]][0] else (pair[1], pair[0])


def _columns(pairs: Mapping[Pair, int]) -> dict[str, int]:
    """Return the column of each sector, with columns that nobody uses taken out."""
    names = sorted({name for pair in pairs for name in pair}, key=list(PLACES).index)
    used = sorted({PLACES[name][0] for name in names})
    return {name: used.index(PLACES[name][0]) for name in names}


def _slots(pairs: Mapping[Pair, int], columns: Mapping[str, int]) -> list[list[_Slot]]:
    """Return the places of each column, from the lowest lane to the highest."""
    slots: list[list[_Slot]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name, column in columns.items():
        slots[column].append(_Slot((name,), PLACES[name][1], _height(name, pairs)))
    for pair, amount in pairs.items():
        left, right = _sides(pair)
        lane = max(PLACES[left][1], PLACES[right][1])
        for column in range(columns[left] + 1, columns[right]):
            slots[column].append(_Slot(pair, lane, amount))
    return [sorted(column, key=lambda slot: (slot.lane, -len(slot.names), slot.names)) for column in slots]


def _height(name: str, pairs: Mapping[Pair, int]) -> int:
    """Return the larger of what is attached to the left and to the right of a bar."""
    sides = [sum(amount for pair, amount in pairs.items() if _sides(pair)[side] == name) for side in (0, 1)]
    return max(sides)


def _stack(slots: list[list[_Slot]]) -> tuple[dict[tuple[int, tuple[str, ...]], float], float]:
    """Return the lower edge of every place, {(column, names): edge}, and the height of the tallest column."""
    unit = max((sum(slot.size for slot in column) for column in slots), default=0)
    edges: dict[tuple[int, tuple[str, ...]], float] = {}
    height = 0.0
    for number, column in enumerate(slots):
        bottom = 0.0
        for slot in column:
            edges[number, slot.names] = bottom
            bottom += slot.size + slot.pad * unit
        height = max(height, bottom)
    return edges, height


def _bars(
    pairs: Mapping[Pair, int],
    columns: Mapping[str, int],
    bottoms: Mapping[tuple[int, tuple[str, ...]], float],
) -> tuple[Bar, ...]:
    bars = []
    for name, column in columns.items():
        ends = [sum(amount for pair, amount in pairs.items() if pair[end] == name) for end in (0, 1)]
        bars.append(Bar(name, column, bottoms[column, (name,)], _height(name, pairs), max(ends)))
    return tuple(bars)


def _bands(
    pairs: Mapping[Pair, int],
    columns: Mapping[str, int],
    bottoms: Mapping[tuple[int, tuple[str, ...]], float],
) -> tuple[Band, ...]:
    """Stack the bands at both sides of every bar in the order in which they come in, so that few cross."""
    passing = {
        pair: [
            (column, bottoms[column, pair])
            for column in range(columns[_sides(pair)[0]] + 1, columns[_sides(pair)[1]])
        ]
        for pair in pairs
    }
    ends: dict[tuple[Pair, int], float] = {}
    for name, column in columns.items():
        for side in (0, 1):
            here = [pair for pair in pairs if _sides(pair)[side] == name]
            bottom = bottoms[column, (name,)]
            for pair in sorted(here, key=lambda pair: _comes_from(pair, side, passing, columns, bottoms)):
                ends[pair, side] = bottom
                bottom += pairs[pair]
    return tuple(
        Band(
            *pair,
            amount,
            (
                (columns[_sides(pair)[0]], ends[pair, 0]),
                *passing[pair],
                (columns[_sides(pair)[1]], ends[pair, 1]),
            ),
        )
        for pair, amount in pairs.items()
    )


def _comes_from(
    pair: Pair,
    side: int,
    passing: Mapping[Pair, list[tuple[int, float]]],
    columns: Mapping[str, int],
    bottoms: Mapping[tuple[int, tuple[str, ...]], float],
) -> tuple[float, bool]:
    """Return the height of a band's next stop seen from one side; of two alike, returns lie higher."""
    if passing[pair]:
        height = passing[pair][0 if side == 0 else -1][1]
    else:
        other = _sides(pair)[1 - side]
        height = bottoms[columns[other], (other,)]
    return height, pair != _sides(pair)
