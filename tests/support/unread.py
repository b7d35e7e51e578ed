"""Values other than usual for any setting, and runs in which a setting is not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from sim.config import Config
from sim.instruments import ANY_NUMBER, Policies, unread
from sim.schema import Parameter, opened, slots


def another(row: Parameter) -> Any:
    """Return a value that a setting may have, other than its default."""
    limits, default = row.limits, row.limits.default
    if row.kind == "true/false":
        return not default
    if limits.choices:
        return next(choice for choice in limits.choices if choice != default)
    if row.kind == "list of number":
        assert limits.high is not None
        return [limits.high] * len(default)
    if row.kind.startswith("list of text"):
        return ["USA"]
    middle = 0.5 if default is None else (default + 1 if row.kind == "whole number" else default * 0.5)
    low, high = limits.low, limits.high
    assert low is not None and high is not None
    return high if middle == default or not low <= middle <= high else middle


def unread_choice(instrument: str, choice: str, values: tuple[Any, ...]) -> list[str]:
    """Return the words that choose something with which settings of an instrument are not read."""
    kind = opened(slots(Policies)[instrument].hint)[1]
    slot = slots(kind)[choice]
    if values is ANY_NUMBER:
        return [f"policy.{instrument}.{choice}=null"]
    others = slot.limits.choices or (True, False)
    other = next(one for one in others if one not in values)
    return [f"policy.{instrument}.{choice}={str(other).lower()}"]


def only_read(config: Config) -> Config:
    """Return the configuration with what it would be refused for left as usual, because nothing reads it."""
    instruments = {
        path: {name: getattr(type(instrument)(), name) for name, _, _ in unread(instrument)}
        for path, instrument in config.policy.chosen().items()
    }
    social = any(platform.family == "social" for platform in config.platforms.values())
    for tax in ("usage_tax", "turnover_tax"):
        if tax in instruments and not social:
            instruments[tax]["to_users"] = 0.0
    usual = {
        name: replace(getattr(config.policy, name), **settings) for name, settings in instruments.items()
    }
    return replace(config, policy=replace(config.policy, **usual))


@contextmanager
def unchecked() -> Iterator[None]:
    """Let models be made of configurations that would be refused."""
    with mock.patch("sim.model.check", lambda config: config):
        yield
