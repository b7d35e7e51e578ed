"""The kernels of a run: compiled with the rules that its configuration names."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.agents import rules
from sim.compile import build_variant
from sim.config import Config
from sim.errors import UserError, one_of
from sim.market import pay_setting, search

BUILT_IN = Path(rules.__file__)
ACCEPTANCE = {"satisficing": (rules.satisficing.__name__, BUILT_IN)}
PAY_SETTING = {name: (name, BUILT_IN) for name in ("profit_search", "fill_time", "fixed")}

TRIALS = {
    "accepts": (0.5, 0.0),
    "revised_target": (4.0, 12.0, 1.2, 3.6, 4.4, 0.05, 0.5, 1.0, 0.6, 0.8, 0.02, 1.0),
}
"""Numbers with which a rule from outside is tried before the run, in the order of its arguments."""

RuleTable = Mapping[str, tuple[str, Path]]


@dataclass(frozen=True)
class Kernels:
    """The functions that depend on replaceable rules."""

    search: Callable[..., int]
    accepts: Callable[[float, float], bool]
    revise_pay: Callable[..., None]


def choose_kernels(config: Config, plugins: Mapping[str, RuleTable] | None = None) -> Kernels:
    """Return the kernels for the rules named in ``market.acceptance`` and ``market.pay_setting``.

    Parameters
    ----------
    plugins
        Rules from outside: ``{"acceptance": {name: (function, file)}, "pay_setting": {...}}``.
    """
    plugins = plugins or {}
    searching = _module(
        search,
        "accepts",
        "market.acceptance",
        config.market.acceptance,
        ACCEPTANCE,
        plugins.get("acceptance", {}),
    )
    setting = _module(
        pay_setting,
        "revised_target",
        "market.pay_setting",
        config.market.pay_setting,
        PAY_SETTING,
        plugins.get("pay_setting", {}),
    )
    return Kernels(searching.search, searching.accepts, setting.revise_pay)


def _module(module: Any, name: str, path: str, chosen: str, built_in: RuleTable, plugged: RuleTable) -> Any:
    table = {**built_in, **plugged}
    function, file = table[one_of(path, chosen, table, "is not the name of a rule.")]
    if chosen not in plugged and chosen == next(iter(built_in)):
        return module
    variant = build_variant(module.__name__, {name: (function, file)})
    if chosen in plugged:
        _try(getattr(variant, name), path, chosen, TRIALS[name])
    return variant


def _try(rule: Callable[..., Any], path: str, chosen: str, trial: tuple[float, ...]) -> None:
    """Refuse a rule from outside that cannot be compiled, takes other arguments or gives no number."""
    try:
        math.isfinite(rule(*trial))
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        cause = next((line for line in lines if not line.startswith("Failed in")), type(error).__name__)
        raise UserError(
            f"names a rule that does not work: {cause}",
            path=path,
            value=chosen,
            allowed=f"a function of {len(trial)} numbers that gives a number, as in sim/agents/rules.py",
        ) from error


def hashes_of(plugins: Mapping[str, RuleTable]) -> dict[str, str]:
    """SHA-256 of the file of every rule from outside, by kind and name."""
    return {
        f"{kind}.{name}": hashlib.sha256(Path(file).read_bytes()).hexdigest()
        for kind, table in plugins.items()
        for name, (_, file) in table.items()
    }
