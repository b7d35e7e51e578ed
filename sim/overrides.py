"""Read the words of the command line and apply them to a configuration's plain data.

Hydra's parser reads each word, so quotes, lists, null and `+` and `~` mean what Hydra users expect. Its
functions, sweeps, packages and look-ups (`${...}`) are refused: a run has one value for each setting.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.config import Config
from sim.errors import UNSET, UserError, nearest_or_first, one_line, one_of
from sim.schema import (
    ANY_NAME,
    describe,
    join,
    opened,
    slots,
    spell,
    takes_new_names,
    takes_settings,
    type_at,
    unknown_key,
)
from sim.validation import build

OVERRIDE_CHARACTERS = 4096
OVERRIDES_CHARACTERS = 65_536
BRACKET_DEPTH = 4
MOST_VALUES = 1_000_000
"""Values that one word of a sweep may name."""

SWEEPING = ("choice", "range", "interval", "tag", "sort", "shuffle", "glob")
"""Functions of Hydra's grammar by which a word names several values."""

FILE_KEY = "config"
SEVERAL = ("policy",)
"""Groups from which several names can be chosen together."""

NONE = "none"
"""The name that chooses nothing from a group."""

Choice = tuple[str, ...] | str | None


class Change(NamedTuple):
    """One setting of the command line; `mark` is "", "+" (may be new) or "~" (take away)."""

    path: str
    value: Any
    mark: str


class Request(NamedTuple):
    """The command line sorted out: groups chosen, files, single settings."""

    choices: dict[str, Choice]
    files: list[Path]
    changes: list[Change]


def sort_out(overrides: Sequence[str], options: Mapping[str, list[str]]) -> Request:
    """Tell groups, files and single settings apart."""
    request = Request({}, [], [])
    if sum(len(text) for text in overrides) > OVERRIDES_CHARACTERS:
        raise UserError(
            "The command line is too long.",
            allowed=f"at most {OVERRIDES_CHARACTERS} characters",
            nearest=f"{FILE_KEY}=FILE, with the settings in the file",
        )
    for number, text in enumerate(overrides):
        key, found, rest = text.partition("=")
        if key == FILE_KEY and found and not rest.strip():
            raise UserError(
                "has no value.",
                path=FILE_KEY,
                allowed=f"{FILE_KEY}=FILE, a YAML file of settings",
                nearest="clickmarket run --cfg job > my.yaml",
            )
        if key == FILE_KEY and found:
            request.files.append(Path(rest))
            continue
        refuse_bare(text, options, "".join(overrides[number + 1 : number + 2]))
        change = _parse(text, options)
        if change.path in options:
            request.choices[change.path] = _group_choice(change, options[change.path])
        elif group := _misspelt_group(change, options):
            raise UserError(
                "is not a known setting.",
                path=change.path,
                value=change.value,
                allowed="groups, as clickmarket run --help lists them, or a setting",
                nearest=group,
            )
        else:
            request.changes.append(change)
    return request


def refuse_misspelt(word: str, words: Sequence[str], command: str) -> None:
    """Refuse one of a command's own words without a value, or misspelt: no setting could be meant.

    ``command`` is what the words are of, as in "a sweep".
    """
    name, equals, value = word.partition("=")
    if name in words and not equals:
        raise UserError("has no value.", path=name, allowed=f"{name}=VALUE", nearest=f"{name}=...")
    near = difflib.get_close_matches(name, words, 1, 0.8)
    if near and name not in words and name not in slots(Config):
        raise UserError(
            f"is not a word of {command}.",
            path=name,
            value=value,
            allowed=", ".join(words) + ", or a setting",
            nearest=f"{near[0]}={value}",
        )


def _parse(text: str, options: Mapping[str, list[str]]) -> Change:
    """Parse one word of the command line by Hydra's grammar; it takes neither functions nor sweeps here."""
    _refuse_dangerous(text)
    override = _hydra_parse(text, options)
    if not override.key_or_group:
        raise _bad_override(text, "has no name.", "key=value")
    if override.package is not None:
        allowed = "a setting as in workers.count=1000"
        raise _bad_override(text, "names a package (@), which is not done here.", allowed)
    if override.is_delete():
        if override.value_type is not None:
            allowed = "the name alone, after a tilde"
            raise _bad_override(text, "is taken away, which needs no value.", allowed, text.partition("=")[0])
        return Change(override.key_or_group, UNSET, "~")
    value = override.value()
    if override.is_sweep_override():
        raise UserError(
            "is given several values; a run takes one.",
            path=override.key_or_group,
            value=text.partition("=")[2],
            allowed="one value; a list is written [a,b], a text with a comma 'a,b'",
            nearest=override.key_or_group + "=" + _one_value(text.partition("=")[2]),
        )
    mark = "+" if override.is_add() or override.is_force_add() else ""
    return Change(override.key_or_group, value, mark)


def _one_value(text: str) -> str:
    """Return the first of several values, or the number that commas part into thousands."""
    thousands = re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text)
    return text.replace(",", "") if thousands else text.partition(",")[0]


def _read(text: str, functions: Sequence[str] = ()) -> Any:
    """Return what Hydra's parser makes of a word; raise `ValueError` where it makes nothing of it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    known, parser.functions = parser.functions, type(parser.functions)()  # shuffle() would draw at random
    for name in functions:
        parser.functions.definitions[name] = known.definitions[name]
        parser.functions.functions[name] = known.functions[name]
    try:
        return parser.parse_overrides([text])[0]
    except (HydraException, ValueError, OverflowError, RecursionError, AssertionError) as cause:
        raise ValueError(text) from cause


def _hydra_parse(text: str, options: Mapping[str, list[str]], functions: Sequence[str] = ()) -> Any:
    try:
        return _read(text, functions)
    except ValueError as cause:
        key, equals, value = text.partition("=")
        if not equals and key.replace(".", "").replace("_", "").isalnum():
            near = f"{_nearest_setting(key)}=..."
            raise UserError("has no value.", path=key, allowed="key=value", nearest=near) from cause
        raise _bad_override(
            text,
            "cannot be read.",
            "key=value; a text with special characters in quotes, and the shell needs quotes around them",
            _mended(key, value, options) if equals else "",
        ) from cause


def _mended(key: str, value: str, options: Mapping[str, list[str]]) -> str:
    """Return a word that could not be read as it may be meant: brackets in pairs, in quotes, or bare."""
    plain = value.replace("'", "").replace('"', "")
    quoted = f"\"{key}='{plain}'\""
    bare = re.sub(r"[^\w.,-]", "", plain)
    words = {f"{key}={_in_pairs(value)}": "", quoted[1:-1]: quoted, f"{key}={bare}": ""}
    for text, typed in words.items():
        try:
            found = _read(text)
        except ValueError:
            continue
        if not found.is_sweep_override() and _is_taken(key.lstrip("+"), found.value(), options):
            return typed or text
    if key in options:
        return f"{key}={nearest_or_first(plain, options[key])}"
    if _holds_one_value(key):
        return _as_typed(key, plain)
    try:
        _read(quoted[1:-1])
    except ValueError:  # no quotes help, as in a name with an umlaut
        return meant(key, options, bare) or "clickmarket run --help"
    return quoted


def _in_pairs(value: str) -> str:
    """Return a text with the brackets that are missing at its end, without those that close nothing."""
    pairs, missing, kept = {"[": "]", "{": "}", "(": ")"}, "", ""
    for character in value:
        if character in pairs.values() and not missing.startswith(character):
            continue
        missing = missing[1:] if missing.startswith(character) else pairs.get(character, "") + missing
        kept += character
    return kept + missing


def _is_taken(key: str, value: Any, options: Mapping[str, list[str]]) -> bool:
    """Whether a group has a name, or a setting takes a value."""
    if key in options:
        names = value if isinstance(value, list) and key in SEVERAL else [value]
        return all(name in options[key] for name in names)
    try:
        build(Config, _nested(key, value), cross_checks=False)
    except UserError as error:
        return not error.path.startswith(key) and _holds_one_value(key)
    return _holds_one_value(key)


LIKE = 0.7
"""How alike a word must be to one that is known, to be taken for it."""


def refuse_bare(text: str, options: Mapping[str, list[str]], following: str = "") -> None:
    """Refuse a word without a value; name what may have been meant, with the word after it as its value."""
    key = text.lstrip("+")
    if "=" in text or text.startswith("~") or not re.fullmatch(r"[\w.+-]+", key):
        return
    raise UserError(
        "has no value.",
        path=key,
        allowed="key=value, as in world=six_regions or time.days=90",
        nearest=meant(key, options, following if "=" not in following else "") or "clickmarket run --help",
    )


def meant(word: str, options: Mapping[str, list[str]], following: str = "") -> str:
    """Return the setting that a bare word may stand for, spelled with a value; empty if none is like it.

    `six_region` is a name of a group, `world` a group, `days` the last part of a path.
    """
    paths = {row.path: row.limits.default for row in describe(Config)}
    chosen = {name: f"{group}={name}" for group, names in options.items() for name in names if name != NONE}
    groups = {group: f"{group}={following or names[-1]}" for group, names in options.items()}
    last = {path.rpartition(".")[2]: path for path in reversed(paths)}
    own = _nearest_setting(word) if "." in word else ""
    if own and _alike(word, own) >= LIKE:
        default = paths.get(own, UNSET)
        return f"{own}={following or ('...' if default is UNSET else spell(default))}"
    best = max([*chosen, *groups, *last], key=lambda known: _alike(word, known))
    if _alike(word, best) < LIKE:
        return ""
    if best in chosen or best in groups:
        return chosen.get(best) or groups[best]
    path = last[best]
    return f"{path}={following or spell(paths[path])}"


def _alike(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, word.lower()[:80], other.lower()).ratio()


def _misspelt_group(change: Change, options: Mapping[str, list[str]]) -> str:
    """Return the choice of a group that may be meant by a name that is neither a group nor a section."""
    if "." in change.path or change.mark or change.path in slots(Config):
        return ""
    group = max(options, key=lambda known: _alike(change.path, known))
    if _alike(change.path, group) < LIKE:
        return ""
    return f"{group}={nearest_or_first(str(change.value), options[group])}"


def _nearest_setting(key: str) -> str:
    """Return the setting whose path is nearest to a key; names that users give stay as they are there."""
    parts = key.split(".")
    known = [
        ".".join(mine if name == ANY_NAME else name for name, mine in zip(names, parts, strict=True))
        for names in (row.path.split(".") for row in describe(Config))
        if len(names) == len(parts)
    ]
    return nearest_or_first(key, [*known, *(() if len(parts) > 1 else SEVERAL)]) if known else key


def _refuse_dangerous(text: str) -> None:
    """Refuse look-ups and what would keep the parser busy, before the parser sees them."""
    if "${" in text:
        raise _bad_override(text, "refers to another value with ${...}.", "a value written out")
    if len(text) > OVERRIDE_CHARACTERS:
        raise _bad_override(text, "is too long.", f"at most {OVERRIDE_CHARACTERS} characters")
    depth = deepest = 0
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        deepest = max(deepest, depth)
    if deepest > BRACKET_DEPTH:
        raise _bad_override(text, "is nested too deeply.", f"at most {BRACKET_DEPTH} brackets")


def _bad_override(text: str, message: str, allowed: str, suggestion: str = "") -> UserError:
    key = one_line(re.sub(r"^[+~]+", "", text.partition("=")[0]), 80)
    return UserError(
        message,
        path=key or "a setting",
        value=text,
        allowed=allowed,
        nearest=suggestion or (f"{key}=..." if key else "clickmarket run --help"),
    )


def _group_choice(change: Change, names: list[str]) -> Choice:
    """Return the name or names chosen from a group, None to leave the group out."""
    if change.mark == "~" or change.value is None:
        return () if change.path in SEVERAL else None
    value, several = change.value, change.path in SEVERAL and isinstance(change.value, list)
    wrong = [one for one in value if one not in names] if several else []
    if several and not wrong:
        refuse_clashes(value, change.path, lambda names: f"{change.path}=[{','.join(names)}]")
        return tuple(sorted(value))  # what is chosen together means the same in any order
    value = wrong[0] if several else value
    together = ",".join([name for name in names if name != NONE][:2])
    more = f", or several: {change.path}=[{together}]" if change.path in SEVERAL else ""
    return str(one_of(change.path, value, names, "is not one of the group's names.", more))


def refuse_clashes(names: Sequence[str], path: str, spelled: Callable[[Iterable[str]], str]) -> None:
    """Refuse names chosen together of which one comes twice, or of which one chooses nothing.

    ``spelled`` returns how names are typed where they stand: `policy=[a,b]` for a run, `a+b` for a scenario.
    """
    once = list(dict.fromkeys(names))
    alone = NONE in once and len(once) > 1
    if len(once) < len(names) or alone:
        raise UserError(
            f"names {NONE} beside others." if alone else "names something twice.",
            path=path,
            value=spelled(names),
            allowed=f"each name once, and {NONE} by itself; settings change what a name stands for",
            nearest=spelled(name for name in once if not alone or name != NONE),
        )


def apply_change(tree: dict[str, Any], change: Change) -> None:
    """Put one setting into the tree. Without a mark it must exist there already."""
    parent, _, last = change.path.rpartition(".")
    node = _descend(tree, parent, change)
    if change.mark == "~":
        _take_away(node, parent, last)
        return
    if last not in node and (not change.mark or type_at(Config, change.path) is None):
        raise _not_there(change, parent, list(node) or _names_at(parent))
    if isinstance(change.value, dict) and change.value:
        raise UserError(
            "is given a mapping; give its settings one by one, or in a file with config=FILE.",
            path=change.path,
            value=change.value,
            allowed="one value; {} for an entry with all defaults",
            nearest=_as_typed(*_first_setting(change.path, change.value)),
        )
    node[last] = change.value


def _descend(tree: dict[str, Any], path: str, change: Change) -> dict[str, Any]:
    node, walked = tree, ""
    for part in path.split(".") if path else []:
        if part not in node and not change.mark:
            raise _not_there(change, walked, list(node), part)
        below = node.setdefault(part, {})
        walked = join(walked, part)
        if below is None and change.mark == "+":
            below = node[part] = {}
        if below is None and takes_settings(Config, walked):
            raise _not_chosen(change, walked)
        if not isinstance(below, dict):
            raise UserError(
                f"has no parts: {walked} holds one value.",
                path=change.path,
                value=change.value,
                allowed=f"{walked}=...",
                nearest=_as_typed(walked, change.value),
            )
        node = below
    return node


def _not_chosen(change: Change, whole: str) -> UserError:
    """Return the error for a setting of something that is null: an instrument, or a group of its own."""
    group, _, name = whole.rpartition(".")
    beside = f"{group}={name}, or {group}=[{name},...] with others" if group else f"{name}=NAME"
    return UserError(
        f"has no effect: {whole} is not chosen.",
        path=change.path,
        value=change.value,
        allowed=f"beside {beside}",
        nearest=f"{group}={name}" if group else f"{name}=NAME, as clickmarket run --help lists them",
    )


def _take_away(node: dict[str, Any], parent: str, name: str) -> None:
    path = join(parent, name)
    if not parent or not takes_new_names(Config, parent):
        raise UserError(
            "cannot be taken away; only entries of named lists, such as platforms, can.",
            path=path,
            allowed="~platforms.<name>, ~segments.<name>, ~task_types.<name>",
            nearest=f"{path}=...",
        )
    if name not in node:
        raise UserError(
            "is not there to be taken away.",
            path=path,
            allowed=", ".join(f"~{join(parent, one)}" for one in node),
            nearest=f"~{join(parent, nearest_or_first(name, node))}" if node else f"without ~{path}",
        )
    del node[name]


def _not_there(change: Change, parent: str, names: list[str], part: str = "") -> UserError:
    """Return the error for a key that the tree does not have; say how to add one where that is possible."""
    name = part or change.path.rpartition(".")[2]
    path = join(parent, name)
    rest = change.path.removeprefix(path)
    if parent and takes_new_names(Config, parent):
        return UserError(
            f"is not one of the {parent}.",
            path=path,
            value=change.value,
            allowed=f"{', '.join(names)}; or a new name with a plus: +{change.path}=...",
            nearest=_as_typed(join(parent, nearest_or_first(name, names)) + rest, change.value),
        )
    error = unknown_key(path, names, change.value, Config)
    near = _as_typed(error.nearest + rest, change.value)
    if rest and near.startswith("policy."):
        near = f"policy={near.split('.')[1]}"  # which is not chosen, or it would have been found
    elif change.mark and any(takes_new_names(Config, one) for one in _sections(parent)):
        near = f"{change.mark}{near}"
    return UserError(error.message, path=error.path, value=error.value, allowed=error.allowed, nearest=near)


def _sections(path: str) -> list[str]:
    """Return a path and all that it lies in."""
    parts = path.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts))]


def _names_at(path: str) -> list[str]:
    """Return the names of the settings that a section, or an entry of any name, may have."""
    hint = type_at(Config, path)
    kind, inner = opened(hint) if hint is not None else ("", None)
    return list(slots(inner)) if kind == "class" else []


def _first_setting(path: str, value: Any) -> tuple[str, Any]:
    """Return the path and the value of the first setting in a mapping."""
    while isinstance(value, dict) and value and not _holds_one_value(path):
        name, value = next(iter(value.items()))
        path = join(path, str(name))
    return path, value


def _as_typed(path: str, value: Any) -> str:
    """Return a setting as it is typed: the one that is nearest to a path, with a value that it takes."""
    if not _holds_one_value(path):
        always = [row.path for row in describe(Config) if ANY_NAME not in row.path]
        path = nearest_or_first(path, [one for one in always if not one.startswith("policy.")])
    try:
        build(Config, _nested(path, value), cross_checks=False)
    except UserError as error:
        if error.path == path:
            return error.nearest if error.nearest.startswith(f"{path}=") else f"{path}=..."
    return word(path, value)


def word(path: str, value: Any) -> str:
    """Return a setting as a word of the command line, with the quotes that a shell and the parser want."""
    if isinstance(value, str) and not re.fullmatch(r"[\w./+-]+", value):
        return f"\"{path}='{value}'\""
    return f"{path}={spell(value)}"


def _holds_one_value(path: str) -> bool:
    """Whether there is a setting of this path, and it is no section."""
    hint = type_at(Config, path)
    kind, inner = opened(hint) if hint is not None else ("", None)
    if kind == "optional":
        kind, inner = opened(inner)
    return bool(kind) and kind != "class" and not (kind == "mapping" and opened(inner)[0] == "class")


def _nested(path: str, value: Any) -> dict[str, Any]:
    """Return a mapping in which only one path has a value."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


class Varied(NamedTuple):
    """A setting with several values, or an interval of them; `text` is what was written.

    ``shuffled`` asks for another order of the values, which whoever knows a seed draws.
    """

    path: str
    text: str
    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    logarithmic: bool = False
    declared: bool = False
    shuffled: bool = False


def parse_varied(text: str, options: Mapping[str, list[str]]) -> Change | Varied:
    """Parse a word that may hold several values, as Hydra writes them.

    `a,b,c`, `range(0,1,0.1)`, `interval(0,1)`, `tag(log,interval(1,100))`, `sort(...)` and `shuffle(...)`
    around values; `glob(*)` is every name of a group (``options``); `declared` alone is the whole range
    that the parameter declares. A file (`config=FILE`) is no setting: its change has the file's name.
    """
    key, equals, value = text.partition("=")
    if key == FILE_KEY and equals:
        return Change(key, value, "")
    if value == "declared":
        return Varied(key, value, declared=True)
    _refuse_dangerous(text)
    override = _hydra_parse(text, options, SWEEPING)
    if not override.is_sweep_override():
        if re.match(r"\s*(sort|shuffle)\(", value):
            allowed = "several values, as in sort(3,1,2); a list, or one value, is written as it is meant"
            order, _, inner = value.strip().rpartition(")")[0].partition("(")
            one_by_one = inner.strip().removeprefix("[").removesuffix("]")
            near = f"{order}({one_by_one})" if "," in one_by_one else inner
            raise _bad_override(text, "has nothing to put in order.", allowed, f"{key}={near}")
        return _parse(text, options)
    if override.package is not None or not override.key_or_group or override.is_add() or override.is_delete():
        raise _bad_override(
            text,
            "cannot be varied.",
            "a setting as in workers.count=1000,2000",
            _varied_near(override, value),
        )
    name, found = override.key_or_group, override.value()
    if hasattr(found, "include"):  # a glob
        return Varied(name, value, _matching(found, name, text, options))
    unknown = sorted(map(str, found.tags - {"log"}))
    if unknown:
        allowed = "tag(log,interval(low,high)), or values without a tag"
        raise _bad_override(
            text, f"has a tag that means nothing here: {unknown[0]}.", allowed, _untagged(found, name)
        )
    if override.is_interval_sweep():
        return Varied(name, value, (), float(found.start), float(found.end), "log" in found.tags)
    if "log" in found.tags:
        raise _bad_override(text, "has logarithms of nothing to draw from.", "tag(log,interval(low,high))")
    shuffled, found.shuffle = found.shuffle, False  # Hydra would draw anew each time
    values = _values_of(override, text)
    if not values:
        allowed = "range(first,last,step) with first below last"
        raise _bad_override(text, "names no value.", allowed, f"{name}={_range_near(found)}")
    return Varied(name, value, values, shuffled=shuffled)


def _matching(glob: Any, group: str, text: str, options: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the names of a group that match, in their order."""
    if group not in options:
        allowed = "a group: " + ", ".join(options)
        raise _bad_override(text, "has no names to match: it is no group.", allowed, f"{group}=1,2")
    names = tuple(glob.filter(options[group]))
    if not names:
        raise _bad_override(
            text, "matches no name of the group.", ", ".join(options[group]), f"{group}=glob(*)"
        )
    return names


def _varied_near(override: Any, value: str) -> str:
    """Return a word that varies a setting: the one that was named, without its mark, if it is one."""
    key = override.key_or_group or ""
    known = "." in key and _nearest_setting(key) == key
    return f"{key}={value}" if known else "workers.count=1000,2000"


def _untagged(found: Any, name: str) -> str:
    """Return a range or an interval without its tags; empty for single values."""
    if hasattr(found, "end"):
        return f"{name}=interval({found.start:.12g},{found.end:.12g})"
    return f"{name}={_range_near(found)}" if hasattr(found, "stop") else ""


def _range_near(found: Any) -> str:
    """Return the range that may have been meant by one without values: from below, by steps that go up."""
    low, high = sorted((found.start, found.stop))
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(found.step)):
        return "range(0,1,0.1)"
    if low == high:
        return f"{low:g}"
    step = abs(found.step) if 0 < abs(found.step) < high - low else (high - low) / 10
    return f"range({low:.12g},{high:.12g},{step:.12g})"


def _values_of(override: Any, text: str) -> tuple[Any, ...]:
    """Return the values one by one, but no more than a sweep can have: a range may name any number."""
    try:
        values = tuple(itertools.islice(override.sweep_iterator(), MOST_VALUES + 1))
    except (ValueError, OverflowError, ArithmeticError) as cause:
        allowed = "range(first,last,step) with a step that is not 0"
        near = f"{override.key_or_group}={_range_near(override.value())}" if "range(" in text else ""
        raise _bad_override(text, "names no values.", allowed, near) from cause
    if len(values) > MOST_VALUES:
        allowed = f"at most {MOST_VALUES:,}; or interval(low,high) with design=lhs"
        raise _bad_override(text, "names too many values.", allowed)
    return values
