"""The time zones of a country, spelled in one cell of a country table.

The cell lists zones with the share of the country's people who live by each:
"Asia/Jakarta:0.83|Asia/Makassar:0.17".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NoReturn

from sim.clock import ZONE_NAMES_ALLOWED, is_zone, zone_names
from sim.errors import nearest

SEPARATOR = "|"
WEIGHT_TOLERANCE = 0.001
CELL_ALLOWED = "zones with weights that sum to 1, such as Asia/Jakarta:0.83|Asia/Makassar:0.17"

_WEIGHT = re.compile(r"[0-9]*\.?[0-9]+")

Refuse = Callable[[str, str, str], NoReturn]
"""Raises the user's error; takes what is wrong, what is allowed and the nearest allowed value."""


def parse_zones(cell: str, refuse: Refuse) -> list[tuple[str, float]]:
    """Return the zones of a cell with their weights, which are divided by their sum (1 within rounding)."""
    zones = [_parse_zone(entry.strip(), refuse) for entry in cell.split(SEPARATOR)]
    names = [name for name, _ in zones]
    for name in names:
        if names.count(name) > 1:
            refuse(f"names {name} twice", CELL_ALLOWED, "")
    total = math.fsum(weight for _, weight in zones)
    if abs(total - 1.0) > WEIGHT_TOLERANCE:
        refuse(f"has weights that sum to {total:g}", CELL_ALLOWED, "")
    return [(name, weight / total) for name, weight in zones]


def _parse_zone(entry: str, refuse: Refuse) -> tuple[str, float]:
    # The weight follows the last colon: names of fixed offsets hold one themselves.
    name, _, text = entry.rpartition(":")
    if not name:
        refuse("has a zone without a weight", CELL_ALLOWED, "")
    if not is_zone(name):
        refuse("names an unknown time zone", ZONE_NAMES_ALLOWED, nearest(name, zone_names()))
    if _WEIGHT.fullmatch(text) is None:
        refuse("has a weight that is no number", CELL_ALLOWED, "")
    weight = float(text)
    if not 0.0 < weight <= 1.0 + WEIGHT_TOLERANCE:
        refuse("has a weight outside its range", "weights above 0 and up to 1", "")
    return name, weight
