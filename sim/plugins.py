"""Rules from outside: a Python file, given by name, that registers functions.

A plug-in file decorates its functions and YAML then uses the names::

    from sim.plugins import acceptance_rule

    @acceptance_rule("cautious")
    def cautious(log_perceived_pay, log_reservation):
        return log_perceived_pay >= log_reservation + 0.1
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from sim.errors import UserError, nearest_or_first

ACCEPTANCE, PAY_SETTING = "acceptance", "pay_setting"

_registered: dict[str, dict[str, tuple[str, Path]]] = {}


def acceptance_rule(name: str) -> Callable[[Any], Any]:
    """Register a function (log perceived pay, log reservation wage) -> bool, both log USD an hour."""
    return _register(ACCEPTANCE, name)


def pay_setting_rule(name: str) -> Callable[[Any], Any]:
    """Register a function with the arguments of ``sim.agents.rules.profit_search``: the new hourly target."""
    return _register(PAY_SETTING, name)


def _register(kind: str, name: str) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        file = Path(inspect.getsourcefile(function) or "")
        _registered.setdefault(kind, {})[name] = (function.__name__, file)
        return function

    return decorate


class _LeavesNothing(SourceFileLoader):
    """Reads a source without putting its bytecode beside it: the folder is the user's."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0) -> None:
        """Keep nothing."""


def load_plugins(paths: Iterable[str | Path]) -> dict[str, dict[str, tuple[str, Path]]]:
    """Run plug-in files and return what they registered: kind -> name -> (function, file).

    Raises
    ------
    UserError
        If a file is missing, is not Python, or registers nothing.
    """
    _registered.clear()
    for number, path in enumerate(map(Path, paths)):
        before = sum(map(len, _registered.values()))
        spec = importlib.util.spec_from_file_location(f"clickmarket_plugin_{number}", path)
        if spec is None or spec.loader is None or not path.is_file():
            raise UserError(
                "This plug-in is not a Python file.",
                path="--plugin",
                value=str(path),
                allowed="FILE.py",
                nearest=nearest_or_first(str(path), map(str, path.parent.glob("*.py"))),
            )
        spec.loader = _LeavesNothing(spec.name, str(path))
        try:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
        except Exception as error:
            raise UserError(
                f"This plug-in fails: {type(error).__name__}: {error}", path="--plugin", value=str(path)
            ) from error
        if sum(map(len, _registered.values())) == before:
            raise UserError(
                "This plug-in registers nothing.",
                path="--plugin",
                value=str(path),
                allowed="functions under @acceptance_rule(name) or @pay_setting_rule(name)",
            )
    return {kind: dict(table) for kind, table in _registered.items()}
