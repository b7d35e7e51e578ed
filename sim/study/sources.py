"""What a result rests on beside its settings and plug-ins: the model, Python, packages, country tables."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from typing import Any

from sim.compile import source_hash
from sim.config import Config
from sim.study.result import digest
from sim.world.reading import table_file

PACKAGES = ("mesa", "numpy", "scipy", "numba", "llvmlite", "pandas", "pyarrow", "tzdata")


def versions() -> dict[str, Any]:
    """Return what plays here: the model's sources and version, Python and packages."""
    return {
        "version": importlib.metadata.version("clickmarket"),
        "source_hash": source_hash(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def origin_of(configs: Iterable[Config]) -> dict[str, Any]:
    """Return the same, and the SHA-256 of each country table that some configurations name."""
    tables = sorted({config.world.table for config in configs})
    return versions() | {"tables": {table: digest(table_file(table)) for table in tables}}
