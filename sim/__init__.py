"""clickmarket: a simulated market of click work.

The words of the Python interface are those of the command line::

    from sim import ClickWorkModel, Config, compose, load, run

    result = run(compose(["world=six_regions", "workers.count=5000", "time.days=30"]))
    result.workers
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sim.garbage import not_collecting
from sim.study.plots import open_with

if TYPE_CHECKING:
    from sim.agents.requester import Requester
    from sim.agents.worker import Worker
    from sim.composition import compose
    from sim.config import Config
    from sim.errors import UserError
    from sim.model import ClickWorkModel
    from sim.study.compare import compare
    from sim.study.opening import open_result
    from sim.study.reading import load_sweep
    from sim.study.result import load
    from sim.study.run import run

__all__ = [
    "ClickWorkModel", "Config", "Requester", "UserError", "Worker", "compare", "compose", "load",
    "load_sweep", "open_result", "run",
]  # fmt: skip

_HOMES = {
    "ClickWorkModel": "sim.model",
    "Config": "sim.config",
    "Requester": "sim.agents.requester",
    "UserError": "sim.errors",
    "Worker": "sim.agents.worker",
    "compare": "sim.study.compare",
    "compose": "sim.composition",
    "load": "sim.study.result",
    "load_sweep": "sim.study.reading",
    "open_result": "sim.study.opening",
    "run": "sim.study.run",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: `clickmarket --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    with not_collecting():
        return getattr(importlib.import_module(_HOMES[name]), name)


def _figures_of(result: Any) -> Any:
    from sim.figures.gallery import Plots

    return Plots(result)


open_with(_figures_of)
