"""Read and write YAML as plain data, and read it the way the command line is read.

YAML guesses: `NO` would be false, `5:30` would be 330, `010` would be 8. Here a word without quotes is a
number, true, false or null only where the command line says so too (Hydra's grammar), and a text
otherwise. Aliases and tags are refused, so a small file cannot grow in memory and no file can name code.
Size and depth are bounded.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sim.errors import UserError, nearest_or_first, one_line, show
from sim.schema import join

FILE_BYTES = 1_000_000
FILE_NODES = 20_000
FILE_DEPTH = 32
FILES_TRIED = 20
NUMBER_CHARACTERS = 400

_WHOLE = r"(?:0|[1-9](?:_?[0-9])*)"
_POINT = rf"(?:{_WHOLE}\.|{_WHOLE}?\.[0-9](?:_?[0-9])*)"
_EXPONENT = rf"(?:{_POINT}|{_WHOLE})[eE][+-]?[0-9](?:_?[0-9])*"
INTEGER = re.compile(rf"[+-]?{_WHOLE}")
DECIMAL = re.compile(rf"[+-]?(?:{_EXPONENT}|{_POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])")
PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.-]*")
GUESSED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"}
WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}

_Event = Any
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Document:
    """A file's data, with the line on which each dotted path stands."""

    name: str
    values: Any = None
    lines: dict[str, int] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """Name the file and, where it is known, the line of a dotted path or of what holds it."""
        path = path.partition("[")[0]
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return f"{self.name}, line {self.lines[path]}" if path else self.name


def read_yaml(path: str | Path, is_meant: Callable[[Path], bool] = Path.is_file) -> Document:
    """Read a YAML file; refuse, before reading it, whatever cannot be a configuration.

    Where there is no such file, the nearest is one beside it of which ``is_meant`` is true.
    """
    return parse_yaml(_text_of(Path(path), is_meant), str(path))


def parse_yaml(text: str, name: str = "text") -> Document:
    """Read a YAML text as dictionaries, lists, texts, numbers, booleans and None."""
    document = Document(name)
    try:
        document.values = _Reader(document).read(text)
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark is not None else name
        problem = getattr(cause, "problem", None) or getattr(cause, "reason", None) or str(cause)
        if "nesting depth" in problem:
            problem = "it is nested too deep"
        raise UserError(f"{where}: this is not YAML: {problem}.", path=name, allowed=_ALLOWED) from cause
    return document


def plain_scalar(text: str) -> Any:
    """Return the value of a word without quotes, by the rules of the command line."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if len(text) <= NUMBER_CHARACTERS:
        if INTEGER.fullmatch(text):
            return int(text)
        if DECIMAL.fullmatch(text):
            return float(text)
    return text


def write_yaml(tree: Mapping[str, Any]) -> str:
    """Write plain data with sorted keys and one spelling for each value; other YAML readers agree on it."""
    return "".join(line + "\n" for line in _lines(tree, ""))


_ALLOWED = "YAML: settings, one a line, as in 'workers: {count: 1000}'"


def _text_of(path: Path, is_meant: Callable[[Path], bool]) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            near = _like(path, is_meant)
            raise UserError("is not a file.", path=str(path), allowed="a YAML file", nearest=near)
        if status.st_size > FILE_BYTES:
            raise UserError(
                "is too large to be a configuration.",
                path=str(path),
                value=f"{status.st_size} bytes",
                allowed=f"at most {FILE_BYTES} bytes",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        found = f"byte 0x{cause.object[cause.start]:02x} at position {cause.start}"
        raise UserError(
            "is not a text in UTF-8.", path=str(path), value=found, allowed="a YAML file in UTF-8"
        ) from cause
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        raise UserError(
            f"cannot be read: {reason}.",
            path=show(str(path))[1:-1],
            allowed="a YAML file",
            nearest=_like(path, is_meant),
        ) from cause


def _like(path: Path, is_meant: Callable[[Path], bool]) -> str:
    """Name the YAML file beside `path` that is most like it, or a command that writes one."""
    names: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        beside = (one for one in path.parent.iterdir() if one.suffix in (".yaml", ".yml"))
        names = sorted(one.name for one in beside if not one.name.startswith("."))[:1000]
    for _ in range(min(len(names), FILES_TRIED)):
        found = nearest_or_first(path.name, names)
        if is_meant(path.parent / found):
            return str(path.parent / found)
        names.remove(found)
    name = one_line(path.stem, 40) if path.stem.isprintable() else ""
    return "clickmarket run --cfg job > " + shlex.quote(f"{name or 'my'}.yaml")


class _Reader:
    """Builds plain data from the parser's events, without recursion into what the file says."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = 0

    def read(self, text: str) -> Any:
        events = yaml.parse(text, Loader=_LOADER)
        value, documents = None, 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "", "a second document begins", "one document in a file")
                value = self._node(next(events), events, "", 0)
        return value

    def _node(self, event: _Event, events: Iterator[_Event], path: str, depth: int) -> Any:
        self._admit(event, path, depth)
        if isinstance(event, yaml.ScalarEvent):
            without_quotes = event.implicit[0]
            return _file_scalar(event.value) if without_quotes else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _admit(self, event: _Event, path: str, depth: int) -> None:
        """Refuse what plain data does not need: aliases, tags, great depth and great numbers."""
        self.nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refuse(event, path, "an anchor or alias is used", "values written out")
        if event.tag is not None:
            tag = one_line(event.tag, 40)
            raise self._refuse(event, path, f"the tag {tag} is used", "values without tags")
        if depth > FILE_DEPTH:
            raise self._refuse(event, path, "the nesting is too deep", f"at most {FILE_DEPTH} levels")
        if self.nodes > FILE_NODES:
            raise self._refuse(event, path, "there are too many values", f"at most {FILE_NODES} values")

    def _sequence(self, events: Iterator[_Event], path: str, depth: int) -> list[Any]:
        entries: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            entries.append(self._node(event, events, f"{path}[{len(entries)}]", depth + 1))
        return entries

    def _mapping(self, events: Iterator[_Event], path: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, path)
            where = join(path, key)
            if key in entries:
                raise self._refuse(event, where, "a key is given twice", "each key once")
            self.document.lines[where] = event.start_mark.line + 1
            entries[key] = self._node(next(events), events, where, depth + 1)
        return entries

    def _key(self, event: _Event, path: str) -> str:
        """Keys are always texts, so that `NO` and `1` are names like any other."""
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, path, "a key is not a plain name", "names as keys")
        self._admit(event, path, 0)
        return str(event.value)

    def _refuse(self, event: _Event, path: str, what: str, allowed: str) -> UserError:
        where = f"{self.document.name}, line {event.start_mark.line + 1}"
        shown = one_line(path, 80)
        return UserError(
            f"{shown + ': ' if shown else ''}{what} ({where}).",
            path=path or self.document.name,
            allowed=allowed,
            nearest=shown,
        )


def _file_scalar(text: str) -> Any:
    """Read a word of a file, which has two more spellings of null: nothing, and ~."""
    return None if text in ("", "~") else plain_scalar(text)


def _lines(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of a mapping: mappings in blocks, lists and single values on one line."""
    for key in sorted(tree):
        value = tree[key]
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_spell(key)}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{_spell(key)}: {_spell(value)}"


def _spell(value: Any) -> str:
    """Spell a value so that this reader and other YAML readers take it for the same."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_spell(key)}: {_spell(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_spell(entry) for entry in value) + "]"
    if isinstance(value, float):
        digits, exponent, power = repr(value).partition("e")
        return (digits if "." in digits else digits + ".0") + exponent + power
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in GUESSED:
        return value
    return json.dumps(value, ensure_ascii=False)
