"""Modules with a bug planted in their source, to show that a test notices it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType


def planted(module: ModuleType, old: str, new: str) -> ModuleType:
    """Return a copy of a module in whose source ``old``, which is there just once, became ``new``."""
    path = Path(module.__file__ or "")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}, not once"
    copy = ModuleType(f"{module.__name__}_planted")
    copy.__file__ = module.__file__
    vars(copy)["__variant_of__"] = module.__name__  # streams of draws let it register again
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    try:
        exec(compile(text.replace(old, new), str(path), "exec"), vars(copy))
    finally:
        del sys.modules[copy.__name__]
    return copy
