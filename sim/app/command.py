"""The command `clickmarket explore`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from sim.errors import UserError, nearest_or_first

USUAL_PORT = 8501
NEEDED = ("streamlit", "uvicorn")

USAGE = f"""\
clickmarket explore [FOLDER] [port={USUAL_PORT}]

Show a page on this machine on which to choose a world, policies and numbers, run them and compare
them with the world as it is; with the folder of a sweep, also its points. Open the address that is
printed in a browser; Ctrl+C stops the page and all that it plays. It needs the extra `app`.

  clickmarket explore
  clickmarket explore results/...-sweep-... port=8600

  FOLDER      what clickmarket sweep printed; more runs may still be coming
  port=N      1024 to 65535; 0 takes any that is free

The page listens on 127.0.0.1 only, for browsers of this machine. What it plays is kept until it
stops; the page tells the commands that play the same for good.
"""


def explore(words: Sequence[str]) -> int:
    """Check the words, and only then start the server; return the exit code."""
    if "--help" in words or "-h" in words:
        print(USAGE, end="")
        return 0
    folder, port = sort_words(words)
    require_system()
    require_extra()
    if folder:
        _require_sweep(folder)
    from sim.app.serve import serve

    serve(port, folder)
    return 0


def _require_sweep(folder: str) -> None:
    """Refuse a folder that is not of a sweep; the nearest is one that is, or the page without one."""
    from sim.app.sweeps import open_sweep
    from sim.study.result import folder_near

    try:
        open_sweep(folder)
    except UserError as error:
        near = error.nearest or folder_near(Path("results") / Path(folder).name, "study")
        raise UserError(
            error.message,
            path=error.path,
            value=error.value,
            allowed=error.allowed,
            nearest=near or "clickmarket explore",
        ) from error


def sort_words(words: Sequence[str]) -> tuple[str, int]:
    """Return the folder of a sweep, or an empty text, and the port."""
    folder, port = "", USUAL_PORT
    for word in words:
        name, equals, value = word.partition("=")
        if name == "port" and equals:
            port = read_port(value)
        elif word.startswith("-") or (equals and not Path(word).exists()) or folder:
            raise UserError(
                "is nothing that clickmarket explore takes.", path=name, value=word,
                allowed="the folder of one sweep, port=N, --help",
                nearest=nearest_or_first(word, ("port=8501", "--help")),
            )  # fmt: skip
        else:
            folder = word
    return folder, port


def read_port(text: str) -> int:
    """Return the number of a port."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if number == 0 or 1024 <= number <= 65535:
        return number
    raise UserError(
        "is no port that can be used.", path="port", value=text,
        allowed="1024 to 65535; 0 for any that is free", nearest=f"port={USUAL_PORT}",
    )  # fmt: skip


def require_system() -> None:
    """Refuse in a sentence where the page has no way to talk to the process that plays."""
    if sys.platform == "win32":
        raise UserError(
            "clickmarket explore does not work on Windows.", value=sys.platform,
            allowed="Linux, macOS, or Linux within Windows (WSL)", nearest="clickmarket compare --help",
        )  # fmt: skip


def require_extra() -> None:
    """Refuse in a sentence where the packages of the extra are not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            "clickmarket explore needs packages of the extra `app`, which are not installed:"
            " python -m pip install 'clickmarket[app]', or in a checkout python -m pip install -e '.[app]'.",
            value=f"no {', '.join(missing)}",
        )
