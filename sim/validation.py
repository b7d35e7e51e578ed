"""Build configuration dataclasses from plain mappings, and refuse what they do not allow.

The classes say themselves what they allow: every field carries its unit, range and choices as metadata.
So one reader serves YAML files, the command line, saved runs and Python callers, and each refusal names
the dotted path, the value, what is allowed and the nearest thing that would have been accepted.

A class may check its fields against each other in a method `problems` that yields (path, value, what is
allowed); the path is relative to the class. It is called after the fields have passed one by one,
innermost classes first.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
import re
import tempfile
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import UNSET, UserError, nearest_or_first, show
from sim.schema import (
    Limits,
    Slot,
    allowed_text,
    bounds,
    join,
    opened,
    slots,
    spell,
    unknown_key,
)

T = TypeVar("T")

EXACT_FLOAT_INTEGER = 2**53
TEXT_CHARACTERS = 4096
DATE = "ISO date"
"""Unit of a text that must be a date of the calendar."""

LIST_ENTRIES = 10_000
LEAVES = (str, float, int, bool, type(None))
FREE_DEPTH = 16
ENTRY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def build(cls: type[T], mapping: Any, path: str = "", *, cross_checks: bool = True) -> T:
    """Return a `cls` with the values of `mapping`; what it leaves out takes the class's defaults.

    Parameters
    ----------
    cls
        A dataclass whose fields carry metadata; fields may themselves be dataclasses, or mappings of them.
    mapping
        Plain data: dictionaries, lists, texts, numbers, booleans, None.
    path
        Dotted path of `mapping` inside the whole configuration, for messages.
    cross_checks
        Whether the method `problems` of each class is asked.

    Raises
    ------
    UserError
        For the first thing that is not allowed.
    """
    _require_mapping(mapping, path)
    known = slots(typing.cast(type, cls))
    _refuse_unknown_keys(mapping, known, path)
    values: dict[str, Any] = {}
    for slot in known.values():
        where, default = join(path, slot.name), slot.limits.default
        if slot.name in mapping:
            values[slot.name] = _convert(slot.hint, mapping[slot.name], where, slot.limits, cross_checks)
        elif default is UNSET:
            raise _missing(slot, where)
        elif isinstance(default, dict):
            values[slot.name] = _convert(slot.hint, to_plain(default), where, slot.limits, cross_checks)
    instance = cls(**values)
    if cross_checks:
        _ask_for_problems(instance, path)
    return instance


def rebuild(made: T, before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> T:
    """Return what `build` makes of `after`, given what it has made of `before`.

    Only what differs is read: what is the same object in both, however large, is taken over as it was made.
    """
    known = slots(typing.cast(type, type(made)))
    _refuse_unknown_keys(after, known, path)
    if before.keys() != after.keys():
        return build(type(made), after, path)
    values = {
        name: _read_again(
            known[name].hint, getattr(made, name), before[name], value, join(path, name), known[name].limits
        )
        for name, value in after.items()
        if value is not before[name]
    }
    changed = dataclasses.replace(made, **values)  # type: ignore[type-var]
    _ask_for_problems(changed, path)
    return changed


def _read_again(hint: Any, made: Any, before: Any, after: Any, path: str, limits: Limits) -> Any:
    kind, inner = opened(hint)
    if kind == "optional" and made is not None and after is not None:
        return _read_again(inner, made, before, after, path, limits)
    if kind == "class" and isinstance(after, Mapping):
        return rebuild(made, before, after, path)
    entries = kind == "mapping" and isinstance(after, Mapping) and None not in after.values()
    if entries and made.keys() == before.keys() == after.keys():
        element = dataclasses.replace(limits, default=UNSET)
        return {
            name: one
            if after[name] is before[name]
            else _read_again(inner, one, before[name], after[name], _entry_path(path, name), element)
            for name, one in made.items()
        }
    return _convert(hint, after, path, limits, True)


def check(config: T) -> T:
    """Return `config` rebuilt from its own values: the way to validate one that was made in Python."""
    return build(type(config), to_plain(config))


def to_plain(config: Any) -> Any:
    """Return a dataclass tree as dictionaries and lists, in the order of the fields."""
    if type(config) in LEAVES:
        return config
    names: tuple[str, ...] = _field_names(type(config))  # type: ignore[arg-type]
    if names:
        return {name: to_plain(getattr(config, name)) for name in names}
    if isinstance(config, Mapping):
        return {key: to_plain(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [to_plain(value) for value in config]
    return config


@functools.lru_cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ()


def check_folder(folder: str, setting: str) -> None:
    """Refuse a folder that cannot be made or written in; leave nothing behind.

    The nearest part of the path that exists is tried with a file that has no name, so a refusal comes before
    anything is written.
    """
    path = Path(folder)
    if folder.startswith("~"):
        allowed = "a folder written in full; ~ is not replaced here"
        raise _unwritable(setting, folder, allowed, str(Path.home() / folder[1:].lstrip("/")))
    try:
        existing = _nearest_that_exists(path)
        if not existing.is_dir():
            raise _unwritable(setting, folder, f"a folder; {existing} is none", f"{existing}_runs")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        allowed = f"a folder that can be written to ({reason})"
        raise _unwritable(setting, folder, allowed, "results") from cause


def _nearest_that_exists(path: Path) -> Path:
    """Return the path or the nearest folder above it that exists; a path that cannot exist raises OSError."""
    for candidate in (path, *path.absolute().parents):
        try:
            candidate.stat()
        except FileNotFoundError:
            if not candidate.is_symlink():
                continue
        return candidate
    return Path.cwd()


def _unwritable(setting: str, folder: str, allowed: str, suggestion: str) -> UserError:
    return UserError(
        "is not a folder that results can be written to.",
        path=setting,
        value=folder,
        allowed=allowed,
        nearest=f"{setting}={suggestion}",
    )


def _require_mapping(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        return
    where = path or "the configuration"
    raise UserError(
        "holds settings, so it takes no value of its own.",
        path=where,
        value=value,
        allowed="a mapping of settings",
        nearest=f"{where}.<setting>=<value>" if path else "",
    )


def _missing(slot: Slot, path: str) -> UserError:
    low = slot.limits.low
    return UserError(
        "is missing, and has no default.",
        path=path,
        allowed=allowed_text(slot.hint, slot.limits),
        nearest=f"{path}={'...' if low is None else spell(low)}",
    )


def _refuse_unknown_keys(mapping: Mapping[Any, Any], known: Mapping[str, Slot], path: str) -> None:
    for key in mapping:
        if not isinstance(key, str) or key not in known:
            raise unknown_key(join(path, _key_text(key)), known, mapping[key])


def _key_text(key: Any) -> str:
    """Spell a key for a message; it may be anything that YAML allows as one."""
    return key if isinstance(key, str) else show(key)


def _convert(hint: Any, value: Any, path: str, limits: Limits, cross_checks: bool) -> Any:
    kind, inner = opened(hint)
    if kind == "optional":
        return None if value is None else _convert(inner, value, path, limits, cross_checks)
    if kind == "class":
        return build(inner, value, path, cross_checks=cross_checks)
    if kind == "list":
        return _list(hint, value, path, limits, cross_checks)
    if kind == "mapping":
        return _mapping(inner, value, path, limits, cross_checks)
    if kind == "any":
        return _free(value, path)
    return _READERS[hint](value, path, limits)


def _list(hint: Any, value: Any, path: str, limits: Limits, cross_checks: bool) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > LIST_ENTRIES:
        raise _wrong("is not a list that can be used.", value, path, hint, limits)
    inner = typing.get_args(hint)[0]
    element = dataclasses.replace(limits, default=_first_of(limits.default))
    read = [
        _convert(inner, entry, f"{path}[{index}]", element, cross_checks) for index, entry in enumerate(value)
    ]
    if inner is str:
        _refuse_twice(read, path)
    return read


def _refuse_twice(names: list[str], path: str) -> None:
    """Refuse a list that names something twice: what is listed is there, or it is not."""
    for index, name in enumerate(names):
        if name in names[:index]:
            once = ",".join(dict.fromkeys(names))
            raise UserError(
                "names something twice.",
                path=path,
                value=name,
                allowed="each name once",
                nearest=f"{path}=[{once}]",
            )


def _first_of(default: Any) -> Any:
    return default[0] if isinstance(default, list) and default else UNSET


def _mapping(inner: Any, value: Any, path: str, limits: Limits, cross_checks: bool) -> dict[str, Any]:
    """Read entries of any name, in the order of their names: how a file orders them makes no difference.

    An entry set to null is left out, so that a file can take one away.
    """
    _require_mapping(value, path)
    entries: dict[str, Any] = {}
    element = dataclasses.replace(limits, default=UNSET)
    optional = opened(inner)[0] in ("optional", "any")
    for name, entry in sorted(value.items(), key=lambda item: str(item[0])):
        where = _entry_path(path, name)
        if entry is not None or optional:
            entries[name] = _convert(inner, entry, where, element, cross_checks)
    return entries


def _entry_path(path: str, name: Any) -> str:
    """Return the path of an entry whose name the user chose; refuse a name that could not be written."""
    if isinstance(name, str) and ENTRY_NAME.fullmatch(name):
        return join(path, name)
    raise UserError(
        "has a name that cannot be used.",
        path=show(join(path, _key_text(name)))[1:-1],
        value=name,
        allowed="a name of up to 64 letters, digits and _, a letter first",
        nearest=join(path, "x" + re.sub(r"[^A-Za-z0-9_]+", "_", str(name)[:40])),
    )


def _free(value: Any, path: str, depth: int = 0) -> Any:
    """Read a value without a declared type: plain data only, finite, of bounded depth."""
    if depth > FREE_DEPTH:
        raise UserError("is nested too deeply.", path=path, allowed=f"at most {FREE_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)):
        return [_free(entry, f"{path}[{index}]", depth + 1) for index, entry in enumerate(value)]
    if isinstance(value, Mapping):
        return _free_mapping(value, path, depth)
    for kind in (int, float, str):
        if isinstance(value, kind):
            return _READERS[kind](value, path, Limits())
    raise UserError("has a type that cannot be used.", path=path, value=value, allowed="plain data")


def _free_mapping(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    entries = sorted(value.items(), key=lambda item: str(item[0]))
    return {name: _free(entry, _entry_path(path, name), depth + 1) for name, entry in entries}


def _read_bool(value: Any, path: str, limits: Limits) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("is neither true nor false.", value, path, bool, limits)


def _read_int(value: Any, path: str, limits: Limits) -> int:
    """Read a whole number; a float is taken only when it is one exactly (`1e6`)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong("is not a whole number.", value, path, int, limits)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _wrong("is not a finite number.", value, path, int, limits)
        if value != int(value) or abs(value) > EXACT_FLOAT_INTEGER:
            raise _wrong("is not a whole number.", value, path, int, limits)
    _require_range(int(value), path, int, limits)
    return int(value)


def _read_float(value: Any, path: str, limits: Limits) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong("is not a number.", value, path, float, limits)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong("is not a finite number.", value, path, float, limits)
    _require_range(number, path, float, limits)
    return number + 0.0  # turns -0.0 into 0.0, so that one value has one spelling


def _require_range(number: float, path: str, kind: type, limits: Limits) -> None:
    low, high = bounds(kind, limits)
    if low is not None and number < low:
        raise _wrong("is below its range.", number, path, kind, limits)
    if high is not None and number > high:
        raise _wrong("is above its range.", number, path, kind, limits)


def _read_str(value: Any, path: str, limits: Limits) -> str:
    if not isinstance(value, str):
        if limits.unit == DATE:
            _refuse_no_date(value, path)
        raise _wrong("is not a text.", value, path, str, limits)
    if limits.choices is not None and value not in limits.choices:
        raise _wrong("is not one of its choices.", value, path, str, limits)
    if "${" in value:
        raise _wrong("refers to another value with ${...}, which is not done here.", value, path, str, limits)
    if value == "???" or (not value and limits.default not in ("", UNSET)):
        raise _wrong("is given without a value.", value, path, str, limits)
    if len(value) > TEXT_CHARACTERS or not all(c.isprintable() for c in value):
        raise _wrong("is not a text that can be used.", value, path, str, limits)
    if limits.unit == DATE:
        _refuse_no_date(value, path)
    return value


def _refuse_no_date(value: Any, path: str) -> None:
    """Refuse what is no date of the calendar, and say which would be."""
    try:
        if isinstance(value, str) and dt.date.fromisoformat(value).isoformat() == value:
            return
    except ValueError:
        pass
    digits = re.sub(r"\D", "", str(value))[:8]
    year, month, day = digits[:4].ljust(4, "0"), int(digits[4:6] or 1), int(digits[6:8] or 1)
    meant = f"{year}-{min(max(month, 1), 12):02d}-{day:02d}"
    try:
        dt.date.fromisoformat(meant)
    except ValueError:
        meant = f"{meant[:7]}-01" if "1970" <= year < "2200" else "2019-07-01"
    raise UserError(
        "is no date of the calendar.",
        path=path,
        value=value,
        allowed="a date as year, month and day, such as 2019-07-01",
        nearest=f"{path}={meant if '1970' <= year < '2200' else '2019-07-01'}",
    )


_READERS: dict[Any, Callable[[Any, str, Limits], Any]] = {
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    str: _read_str,
}


def _wrong(message: str, value: Any, path: str, hint: Any, limits: Limits) -> UserError:
    """Return the error for a value that its field does not allow."""
    suggestion = _nearest_value(value, hint, limits)
    return UserError(
        message,
        path=path,
        value=value,
        allowed=allowed_text(hint, limits),
        nearest=path if suggestion is UNSET else f"{path}={spell(suggestion)}",
    )


def _nearest_value(value: Any, hint: Any, limits: Limits) -> Any:
    """Return a value the field takes: near `value` if it has a meaning there, else the default."""
    if limits.choices is not None:
        return nearest_or_first(value, limits.choices) if isinstance(value, str) else limits.choices[0]
    if hint in (int, float):
        return _nearest_number(value, hint, limits)
    if hint is bool and isinstance(value, str):
        return _TRUTH.get(value.lower(), limits.default)
    if hint is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        return show(show(value))  # the same, in quotes
    return limits.default


_TRUTH = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def _nearest_number(value: Any, kind: type, limits: Limits) -> Any:
    """Return the number in the range nearest to what was written; the default if no number was meant."""
    low, high = bounds(kind, limits)
    number = _number_meant(value)
    if number is not None and low is not None:
        number = max(low, number)
    if number is not None and high is not None:
        number = min(high, number)
    if number is None or abs(number) == math.inf:
        return low if limits.default is UNSET and low is not None else limits.default
    return round(number) if kind is int else number


def _number_meant(value: Any) -> float | None:
    """Return the number a value stands for; texts that spell one count, true and false do not."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _ask_for_problems(instance: Any, path: str) -> None:
    """Raise the first problem that an instance reports about its own fields, with its way out."""
    ask = getattr(instance, "problems", None)
    for relative, value, allowed, *near in ask() if ask is not None else ():
        where = join(path, relative)
        kind: type = type(instance)
        slot = slots(kind).get(relative)
        is_date = slot is not None and slot.limits.unit == DATE
        raise UserError(
            "is a date that is not allowed here." if is_date else "does not fit the other settings.",
            path=where or "the configuration",
            value=value,
            allowed=allowed,
            nearest=_spelled(near[0], where) if near else _way_out(instance, relative, value, where),
        )


def _spelled(way_out: str, where: str) -> str:
    """Return a way out as it is typed; `=0` alone is a value of the setting itself."""
    return f"{where}{way_out}" if way_out.startswith("=") else way_out


def _way_out(instance: Any, relative: str, value: Any, where: str) -> str:
    """Name the setting to change, with its default where that is a plain value and not the one found."""
    slot = _slot_at(instance, relative)
    default = UNSET if slot is None else slot.limits.default
    if slot is not None and slot.limits.unit == DATE and default is None and not str(value).endswith("-01"):
        return f"{where}={str(value)[:8]}01"
    plain = isinstance(default, (bool, int, float, str, list)) or default is None
    if plain and default != value:
        return f"{where}={spell(default)}"
    return where


def _slot_at(instance: Any, relative: str) -> Slot | None:
    """Return the field at a dotted path below an instance, if it is a field."""
    *sections, last = relative.split(".")
    for section in sections:
        if isinstance(instance, Mapping):
            instance = instance.get(section)
        else:
            instance = getattr(instance, section, None)
    kind: type = type(instance)
    return slots(kind).get(last) if dataclasses.is_dataclass(kind) else None


def with_settings(config: T, settings: Mapping[str, Any], rng: int | None) -> T:
    """Return the configuration with other values of settings named by dotted paths, and another seed."""
    if not settings and rng is None:
        return config
    plain = to_plain(config)
    for path, value in {**settings, **({} if rng is None else {"seed": int(rng)})}.items():
        *groups, name = path.split(".")
        place = plain
        for group in groups:
            place = place.setdefault(group, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict):
            raise UserError(
                "has no effect: what it belongs to is not chosen, or holds one value.",
                path=path,
                value=value,
                allowed="settings of sections that the configuration has",
                nearest=".".join(groups),
            )
        place[name] = value
    return build(type(config), plain)
