"""What helpers that compile ahead can do wrong, and what a month needs; processes find them in a module."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from sim import compile as compiler
from sim.composition import compose
from sim.config import Config
from sim.model import ClickWorkModel
from sim.study import ahead

MONTH = 32 * 24


def small(*settings: str) -> Config:
    """Return the configuration of a small market."""
    return compose(["world=global", "workers.count=1000", "time.warmup_days=0", *settings])


def dying(*_: object) -> Any:
    """End the process without a word."""
    os._exit(1)


def failing(*_: object) -> Any:
    """Fail, as with types that there are not."""
    raise TypeError("no such types")


def one_that_is_nowhere(*_: object) -> list[ahead.Call]:
    """Tell of a kernel that cannot be found."""
    return [("sim.market.nowhere", "search", ())]


def kernels_of_a_month(config: Config) -> set[ahead.Call]:
    """Play a month; return all kernels that are loaded or compiled then, with their types."""
    ClickWorkModel(config).run(MONTH)
    modules = [module for name, module in sys.modules.items() if name.startswith("sim.")]
    found = {id(value): value for module in modules for value in vars(module).values() if is_kernel(value)}
    return {
        (kernel.__module__, kernel.__name__, types) for kernel in found.values() for types in kernel.overloads
    }


def is_kernel(value: Any) -> bool:
    """Say whether a value is a compiled function with loops over records."""
    function = getattr(value, "py_func", None)
    return function is not None and inspect.getsource(function).lstrip().startswith("@kernel")


def files_after(call: ahead.Call, configs: Sequence[Config]) -> set[str]:
    """Compile one kernel, as a helper does; return the names of the files that are kept then."""
    ahead.compile_one(call, configs)
    return {path.name.split("-")[0] for path in compiler.cache_folder().rglob("*.nbc")}


def main() -> None:
    """Compile ahead in a folder that is new, play a month, and print which kernels are compiled twice."""
    told: list[ahead.Call] = []
    late: list[ahead.Call] = []
    place, keep = ahead._place, compiler._CheckedCache.save_overload

    def noted(call: ahead.Call) -> int:
        told.append(call)
        return place(call)

    def kept(self: Any, sig: Any, data: Any) -> None:
        late.append((self._py_func.__module__, self._py_func.__name__, tuple(data.signature.args)))
        keep(self, sig, data)

    ahead._place = noted
    assert not ahead.compile_ahead([small()])
    compiler._CheckedCache.save_overload = kept
    kernels = kernels_of_a_month(small())
    met = kernels.intersection(told)
    twice = [name for _, name, _ in met.intersection(late)]
    print(json.dumps({"met": len(met), "twice": twice}))


if __name__ == "__main__":
    main()
