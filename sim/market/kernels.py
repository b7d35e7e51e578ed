"""The kernels of a run: compiled with the rules that its configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.agents import rules
from sim.compile import build_variant
from sim.config import Config
from sim.errors import UserError, nearest
from sim.market import pay_setting, search

BUILT_IN = Path(rules.__file__)
ACCEPTANCE = {"satisficing": (rules.satisficing.__name__, BUILT_IN)}
PAY_SETTING = {name: (name, BUILT_IN) for name in ("profit_search", "fill_time", "fixed")}

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
    if chosen not in table:
        raise UserError(
            "There is no such rule.",
            path=path,
            value=chosen,
            allowed=", ".join(table),
            nearest=nearest(chosen, table),
        )
    function, file = table[chosen]
    if chosen not in plugged and chosen == next(iter(built_in)):
        return module
    return build_variant(module.__name__, {name: (function, file)})
