"""One kind of error for everything a user can mend.

A `UserError` is a sentence about one setting or one file: where it is, what was found there, what is
allowed, and the nearest thing that would have been accepted. Its text never has more than five lines,
whatever was found. Any other exception that reaches the user is a fault of the program.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

LINE_CHARACTERS = 400
VALUE_CHARACTERS = 80


class _Unset:
    """The type of `UNSET`: says that no value was given, where None would be a value."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET = _Unset()


class Terminated(BaseException):
    """The process was asked to end, by SIGTERM."""


class UserError(Exception):
    """A mistake that the user can mend.

    Parameters
    ----------
    message
        A sentence. If it does not name `path`, the path is put in front of it: as its subject, or with a
        colon if it begins with a capital.
    path
        Dotted path of the setting (`workers.count`), or the path of a file.
    value
        What was found there. It is shown shortened and on one line; the attribute keeps it whole.
    allowed
        What would have been accepted, with the unit.
    nearest
        The nearest thing that would have been accepted: a key, a name or a value.
    """

    def __init__(
        self, message: str, *, path: str = "", value: Any = UNSET, allowed: str = "", nearest: str = ""
    ) -> None:
        self.message = message
        self.path = path
        self.value = value
        self.allowed = allowed
        self.nearest = nearest
        super().__init__(self._text())

    def _text(self) -> str:
        """Return the whole message: a sentence and up to three short lines."""
        named = not _LACKS_SUBJECT.match(self.message) and re.search(
            rf"(?<![\w.]){re.escape(self.path)}(?!\w)", self.message
        )
        between = ": " if self.message[:1].isupper() else " "
        headline = self.message if named else f"{self.path}{between if self.path else ''}{self.message}"
        lines = [one_line(headline)]
        if self.value is not UNSET:
            lines.append(f"  found    {show(self.value)}")
        if self.allowed:
            lines.append(f"  allowed  {one_line(self.allowed)}")
        if self.nearest:
            lines.append(f"  nearest  {one_line(self.nearest)}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes with every part (the default would keep the text only)."""
        parts = {"path": self.path, "value": self.value, "allowed": self.allowed, "nearest": self.nearest}
        return _rebuild, (type(self), self.message, parts)


_LACKS_SUBJECT = re.compile(
    r"(is|are|has|have|holds|can|cannot|must|needs|takes|names|would|does|declares|matches|refers|says|lies)\b"
)
"""How a sentence begins that is said of its path, though a word of it may be the path, too: `is no port`."""


def _rebuild(kind: type[UserError], message: str, parts: dict[str, Any]) -> UserError:
    return kind(message, **parts)


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate most like `name`, or an empty string when none is like it."""
    found = _closest(name, candidates, cutoff=0.55)
    return found[0] if found else ""


def nearest_or_first(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate most like `name`, however little alike; empty only if there is no candidate."""
    names = [str(candidate) for candidate in candidates]
    found = _closest(name, names, cutoff=0.0)
    return found[0] if found else ""


def one_of(
    path: str,
    value: Any,
    names: Iterable[Any],
    message: str = "is not known.",
    more: str = "",
    typed: str = "",
) -> Any:
    """Return a value that is one of some names; refuse any other, with the nearest name.

    Parameters
    ----------
    path, value
        Where the value stands, and what stands there.
    names
        What would have been accepted.
    message
        What is wrong, as a `UserError` has it.
    more
        What else would have been accepted, after the names.
    typed
        How the nearest name is typed, with a star in its place; as the path's value where nothing is said.
    """
    known = [str(name) for name in names]
    if value in known:
        return value
    near = nearest_or_first(str(value), known)
    spelt = typed.replace("*", near) if typed else f"{path}={near}"
    raise UserError(message, path=path, value=value, allowed=", ".join(known) + more, nearest=near and spelt)


def key_among(key: str, value: str, keys: Iterable[str], message: str) -> str:
    """Return the key of a word `key=value` if it is one of some keys; refuse any other, with the nearest."""
    known = list(keys)
    if key in known:
        return key
    near = nearest_or_first(key, known)
    allowed = ", ".join(f"{one}=..." for one in known) or "none: there are no such words"
    raise UserError(message, path=key, value=value, allowed=allowed, nearest=near and f"{near}={value}")


def _closest(name: str, candidates: Iterable[str], cutoff: float) -> list[str]:
    """Compare without regard to case; a very long name is compared by its beginning, to stay quick."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(str(candidate).lower(), str(candidate))
    matches = difflib.get_close_matches(name[:VALUE_CHARACTERS].lower(), list(by_lower), n=1, cutoff=cutoff)
    return [by_lower[match] for match in matches]


def show(value: Any, characters: int = VALUE_CHARACTERS) -> str:
    """Spell a value on one line, shortened, without anything a terminal would act on."""
    if isinstance(value, str):
        text = repr(value[: 2 * characters])
    elif isinstance(value, (dict, list, tuple, set, frozenset)):
        text = _show_container(value, characters)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**characters:
        text = f"a whole number of about {int(value.bit_length() * 0.30103)} digits"
    else:
        text = _WORDS[value] if value is None or isinstance(value, bool) else repr(value)
    return one_line(text, characters)


_WORDS = {None: "null", True: "true", False: "false"}


def _show_container(value: Any, characters: int) -> str:
    """Spell a short list of names and numbers as it is typed, another container by its kind and size.

    Its whole text could be of any length and depth.
    """
    if isinstance(value, list) and len(value) <= characters and all(map(_is_short, value)):
        text = f"[{','.join(one if isinstance(one, str) else show(one) for one in value)}]"
        if len(text) <= characters:
            return text
    kind = "a mapping" if isinstance(value, dict) else "a list"
    return f"{kind} of {len(value)} {'entry' if len(value) == 1 else 'entries'}"


def _is_short(value: Any) -> bool:
    """Whether it is a number, or a name that is typed without quotes."""
    return isinstance(value, (int, float)) or (isinstance(value, str) and bool(_NAME.fullmatch(value)))


_NAME = re.compile(r"[A-Za-z][\w.-]{0,40}")


def one_line(text: str, characters: int = LINE_CHARACTERS) -> str:
    """Return `text` on one line, control characters escaped, cut after `characters` with a mark."""
    cut = text if len(text) <= characters else text[: characters - 3] + "..."
    flat = " ".join(cut.split())
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in flat)
