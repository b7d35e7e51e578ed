"""A map of the world in tiles: a square for each country, near where it lies, as large for all.

Tiles keep small countries legible, and no country looks important for its land. Positions are placed by hand;
countries that have none stand in a row below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm, rgb_to_hsv, to_hex, to_rgb
from matplotlib.patches import Rectangle

from sim.figures import style

Place = tuple[int, int]

PLACES: Mapping[str, Place] = {
    "CAN": (1, 1), "USA": (1, 2), "MEX": (1, 3), "COL": (1, 4), "VEN": (2, 4), "PER": (1, 5), "BRA": (2, 5),
    "ARG": (2, 6), "SWE": (7, 0), "GBR": (5, 1), "NLD": (6, 1), "DEU": (7, 1), "POL": (8, 1), "UKR": (9, 1),
    "RUS": (10, 1), "ESP": (5, 2), "FRA": (6, 2), "ITA": (7, 2), "SRB": (8, 2), "ROU": (9, 2), "TUR": (10, 2),
    "MAR": (5, 3), "TUN": (7, 3), "EGY": (8, 3), "SAU": (9, 3), "ARE": (10, 3), "GHA": (6, 4), "NGA": (7, 4),
    "ETH": (9, 4), "KEN": (9, 5), "ZAF": (8, 6), "MDG": (10, 6), "PAK": (11, 3), "NPL": (12, 2),
    "IND": (12, 3), "LKA": (12, 4), "CHN": (13, 2), "BGD": (13, 3), "KOR": (14, 2), "JPN": (15, 2),
    "VNM": (14, 3), "PHL": (15, 3), "MYS": (14, 4), "IDN": (15, 5), "AUS": (15, 6),
    "RNO": (2, 3), "RSO": (1, 6), "REU": (11, 1), "RAF": (7, 5), "RAS": (13, 4), "ROC": (15, 7),
    "NOA": (1, 2), "SOA": (2, 5), "EUR": (7, 1), "AFR": (8, 5), "ASI": (12, 3), "OCE": (15, 6),
    "NTH": (7, 1), "STH": (7, 5), "ROW": (4, 6),
}  # fmt: skip
"""(column from the left, row from the top) of countries and of regions of the built-in worlds."""

REGIONS = (
    "RNO",
    "RSO",
    "REU",
    "RAF",
    "RAS",
    "ROC",
    "NOA",
    "SOA",
    "EUR",
    "AFR",
    "ASI",
    "OCE",
    "NTH",
    "STH",
    "ROW",
)
COUNTRIES = frozenset(PLACES) - frozenset(REGIONS)
COLUMNS = 16
EMPTY = "#F0F0F0"
SIDE = 0.92
LIGHT = 0.62
FLAT = 10.0
"""How many times less than the largest value the colours begin to be told apart as on a scale of logs."""

COLORS = LinearSegmentedColormap.from_list(
    "transfers",
    [style.ink(style.VERMILLION, 0.3), style.VERMILLION, "#F7F7F7", style.BLUE, style.ink(style.BLUE, 0.3)],
)


def placed(codes: Iterable[str]) -> dict[str, Place]:
    """Return the tile of each country; those without a place of their own stand in rows below the others."""
    found = {code: PLACES[code] for code in codes if code in PLACES}
    lowest = max((row for _, row in found.values()), default=-1)
    others = [code for code in codes if code not in PLACES]
    return found | {
        code: (number % COLUMNS, lowest + 2 + number // COLUMNS) for number, code in enumerate(others)
    }


def rows_of(codes: Iterable[str]) -> int:
    """Return how many rows of tiles a map of these countries has."""
    rows = _rows(placed(list(codes)))
    return max(rows) - min(rows) + 1


def _rows(places: Mapping[str, Place]) -> list[int]:
    """Return the rows that have a tile, those of pale ones too."""
    of_world = [PLACES[code] for code in COUNTRIES] if set(places) & COUNTRIES else []
    return [row for _, row in [*places.values(), *of_world]]


def draw_tiles(axes: Axes, values: Mapping[str, float], unsure: Iterable[str], top: float) -> Any:
    """Draw a tile for each country, coloured by its value, and return what a legend of colours needs.

    ``top`` is the largest size of a value on the scale; values of countries that are ``unsure`` stand in
    brackets. Other countries are pale, so that one sees where those on the map lie.
    """
    norm = SymLogNorm(linthresh=top / FLAT, linscale=1.0, vmin=-top, vmax=top, base=10)
    return paint_tiles(axes, values, ScalarMappable(norm, COLORS), short, unsure)


def paint_tiles(
    axes: Axes,
    values: Mapping[str, float],
    colors: ScalarMappable,
    spell: Callable[[float], str],
    unsure: Iterable[str] = (),
) -> ScalarMappable:
    """Draw a tile for each country in the colour of its value, with the value in it; return the colours."""
    as_color: Any = colors.to_rgba
    places, bracketed = placed(list(values)), set(unsure)
    if set(values) & COUNTRIES:
        for column, row in {PLACES[code] for code in COUNTRIES} - set(places.values()):
            axes.add_patch(Rectangle((column, -row), SIDE, -SIDE, facecolor=EMPTY, linewidth=0))
    for code, value in values.items():
        column, row = places[code]
        color = to_hex(as_color(np.array([value]))[0])
        dark = float(rgb_to_hsv(to_rgb(color))[1]) > LIGHT
        tile = Rectangle(
            (column, -row), SIDE, -SIDE, facecolor=color, edgecolor=style.PALE if not dark else color,
            linewidth=0.4, gid=f"tile {code}",
        )  # fmt: skip
        axes.add_patch(tile)
        ink = "white" if dark else style.INK
        middle = column + SIDE / 2
        axes.text(middle, -row - 0.34, code, ha="center", va="center", size=6.5, weight="bold", color=ink)
        text = f"({spell(value)})" if code in bracketed else spell(value)
        axes.text(middle, -row - 0.68, text, ha="center", va="center", size=5.2, color=ink)
    rows = _rows(places)
    axes.set_xlim(-0.1, COLUMNS + 0.1)
    axes.set_ylim(-max(rows) - 1.05, -min(rows) + 0.1)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return colors


def level(value: float) -> str:
    """Spell a value without a sign in two figures, so that it fits a tile."""
    return short(value).lstrip("+")


def short(value: float) -> str:
    """Spell a value with its sign in two figures, so that it fits a tile."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 10 else min(4, 1 - int(np.floor(np.log10(size))))
    text = f"{value:+,.{digits}f}"
    return text if float(text.replace(",", "")) else ("+" if value > 0 else "-") + "0.0"
