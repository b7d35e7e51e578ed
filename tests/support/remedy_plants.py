"""Planted bugs of the union and of employment: a text of a module, what becomes of it, the check to notice it."""

from __future__ import annotations

OF_FORMULAS: dict[str, list[tuple[str, str, str]]] = {"union": [], "reclassification": []}
OF_MARKETS: list = []
