"""Read the parameters out of the configuration dataclasses: types, limits, paths, and how values are spelled.

Every field says in its metadata what it means and allows. This file turns that into rows for the
parameter tables and into the words of messages; `validation.py` holds values against it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.errors import UNSET, UserError, nearest, nearest_or_first, show

INTEGER_LIMIT = 2**63 - 1
GROUPED_FROM = 10_000
WHOLE_BELOW = 1e15
NAMES_SHOWN = 8
ANY_NAME = "<name>"


@dataclass(frozen=True)
class Limits:
    """What a field's metadata says about its value."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    default: Any = UNSET


@dataclass(frozen=True)
class Parameter:
    """One row of the parameter table; `path` has `<name>` where the user chooses a name."""

    path: str
    kind: str
    limits: Limits
    allowed: str
    meaning: str
    source: str
    assumed: bool


def describe(cls: type, path: str = "") -> list[Parameter]:
    """Return a row for every parameter of `cls`, in the order of the source."""
    return [row for slot in slots(cls).values() for row in _describe_slot(slot, join(path, slot.name))]


def type_at(cls: type, path: str) -> Any:
    """Return the declared type at a dotted path of `cls`, or None where nothing is declared."""
    hint: Any = cls
    for part in path.split(".") if path else []:
        kind, inner = opened(hint)
        if kind == "optional":
            hint = inner
            kind, inner = opened(inner)
        if kind == "class":
            slot = slots(hint).get(part)
            hint = slot.hint if slot else None
        elif kind in ("mapping", "any"):
            hint = inner
        else:
            return None
    return hint


def takes_new_names(cls: type, path: str) -> bool:
    """Say whether a user may add entries of any name at this path."""
    hint = type_at(cls, path)
    return hint is not None and opened(hint)[0] in ("mapping", "any")


def takes_settings(cls: type, path: str) -> bool:
    """Say whether settings may stand at this path, or null instead."""
    hint = type_at(cls, path)
    kind, inner = opened(hint) if hint is not None else ("", None)
    return kind == "optional" and opened(inner)[0] == "class"


def unknown_key(path: str, names: Iterable[str], value: Any = UNSET, cls: type | None = None) -> UserError:
    """Return the error for a key that does not exist, with the nearest one that does.

    `names` are the keys that exist beside it. If none of them is alike and `cls` is given, the nearest is
    looked for among all parameters, by their last name first: `days` finds `time.days`.
    """
    parent, _, last = path.rpartition(".")
    names = [str(name) for name in names]
    suggestion = join(parent, nearest(last, names)) if nearest(last, names) else ""
    if not suggestion and cls is not None:
        suggestion = _nearest_parameter(path, cls)
    if not suggestion:
        suggestion = join(parent, nearest_or_first(last, names)) if names else parent
    return UserError(
        "is not a known setting.",
        path=show(path)[1:-1],
        value=value,
        allowed=_some(names) if names else "no keys here",
        nearest=suggestion,
    )


def join(path: str, name: str) -> str:
    """Join two parts of a dotted path; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


@dataclass(frozen=True)
class Slot:
    """One field of a configuration class: its type and limits; without a default it must be given."""

    name: str
    hint: Any
    limits: Limits
    metadata: Mapping[str, Any]


@functools.cache
def slots(cls: type) -> dict[str, Slot]:
    """Return every field of a dataclass by name, in the order of the source."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: Slot(field.name, hints[field.name], _limits(field), field.metadata)
        for field in dataclasses.fields(cls)
    }


@functools.cache
def opened(hint: Any) -> tuple[str, Any]:
    """Return what kind of type this is, and the type inside it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return "any", Any
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        return "optional", inner[0]
    if origin is list:
        return "list", arguments[0]
    if origin is dict:
        return "mapping", arguments[1]
    if dataclasses.is_dataclass(hint):
        return "class", hint
    return "plain", hint


def _limits(field: dataclasses.Field[Any]) -> Limits:
    data = field.metadata
    default = field.default if field.default is not dataclasses.MISSING else UNSET
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return Limits(data.get("unit", ""), data.get("low"), data.get("high"), data.get("choices"), default)


def bounds(kind: type, limits: Limits) -> tuple[float | None, float | None]:
    """Return the range of a number; whole numbers must always fit 64 bits."""
    if kind is not int:
        return limits.low, limits.high
    low = -INTEGER_LIMIT if limits.low is None else limits.low
    return low, INTEGER_LIMIT if limits.high is None else limits.high


def allowed_text(hint: Any, limits: Limits) -> str:
    """Say in words what a field takes."""
    kind, inner = opened(hint)
    if kind == "optional":
        return allowed_text(inner, limits) + ", or null"
    if kind == "list":
        return f"a list; each entry: {allowed_text(inner, limits)}"
    if kind == "mapping":
        return f"a mapping from names; each entry: {allowed_text(inner, limits)}"
    if kind == "class":
        return "a mapping of settings"
    if limits.choices is not None:
        return "one of " + ", ".join(limits.choices)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    text = words.get(hint, "plain data") + _range_text(hint, limits)
    return f"{text} ({limits.unit})" if limits.unit else text


def _range_text(kind: Any, limits: Limits) -> str:
    if kind not in (int, float):
        return ""
    low, high = bounds(kind, limits)
    if low is not None and high is not None:
        return f" from {spell(low)} to {spell(high)}"
    if low is not None:
        return f", at least {spell(low)}"
    return f", at most {spell(high)}" if high is not None else ""


def spell(value: Any) -> str:
    """Spell a value as it is written on the command line and in YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= GROUPED_FROM else str(value)
    if isinstance(value, float):
        whole = value == int(value) if math.isfinite(value) else False
        return spell(int(value)) if whole and abs(value) < WHOLE_BELOW else repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(spell(entry) for entry in value) + "]"
    return str(value)


def _describe_slot(slot: Slot, path: str) -> Iterator[Parameter]:
    kind, inner = opened(slot.hint)
    if kind == "optional" and opened(inner)[0] == "class":
        kind, inner = opened(inner)
    if kind == "class":
        yield from describe(inner, path)
        return
    if kind == "mapping" and opened(inner)[0] == "class":
        yield from describe(inner, join(path, ANY_NAME))
        return
    yield Parameter(
        path=path,
        kind=_kind_text(slot.hint),
        limits=slot.limits,
        allowed=allowed_text(slot.hint, slot.limits),
        meaning=slot.metadata.get("meaning", ""),
        source=slot.metadata.get("source", ""),
        assumed=bool(slot.metadata.get("assumed", False)),
    )


def _kind_text(hint: Any) -> str:
    kind, inner = opened(hint)
    if kind == "optional":
        return f"{_kind_text(inner)} or null"
    if kind == "list":
        return f"list of {_kind_text(inner)}"
    if kind == "mapping":
        return f"mapping to {_kind_text(inner)}"
    names = {bool: "true/false", int: "whole number", float: "number", str: "text"}
    return names.get(hint, "plain data")


def _nearest_parameter(path: str, cls: type) -> str:
    """Return the parameter most like `path`: the same last name anywhere, else the most similar path."""
    own = path.split(".")[:2]
    paths = [
        row.path
        for row in describe(cls)
        if not own[0] == "policy" == row.path.split(".")[0] or row.path.split(".")[:2] == own
    ]  # settings of another instrument are there only if that is chosen
    last = path.rpartition(".")[2]
    same = [p for p in paths if p.rpartition(".")[2] == last]
    return nearest_or_first(path, same) if same else nearest(path, paths)


def _some(names: list[str]) -> str:
    """List names, the first few of many."""
    more = f", and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
