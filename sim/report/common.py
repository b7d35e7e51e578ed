"""What every page has: what was assumed, how to get the same again, where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.config import Config
from sim.errors import UserError
from sim.figures import gallery
from sim.report import standing
from sim.report.content import Page, Picture, Table, Words, count, pairs, picture, say
from sim.report.settings import Changed, assumed_everywhere, changed, shortened
from sim.schema import spell
from sim.study.opening import Result

Tell = Callable[[float], None]
"""Is told the share of the pictures that are drawn."""

DAYS_TO_REST = 150
FIGURES = "figures/"
BELOW = "Below is what this result sets otherwise than clickmarket run does without any word."
NOTHING_CHANGED = "This result sets nothing otherwise than clickmarket run does without any word."


def silent(share: float) -> None:
    """Tell nobody."""


def pictures_of(result: Result, tell: Tell = silent, least: Mapping[str, int] | None = None) -> list[Picture]:
    """Draw every figure that a result has; ``least`` bounds how often one is drawn."""
    drawn = [
        (name, about, options)
        for name, about in gallery.about(result).items()
        for _, options in gallery.variants(result, name)[: (least or {}).get(name)]
    ]
    found = []
    for number, (name, about, options) in enumerate(drawn):
        tell(number / len(drawn))
        what = ", ".join(f"{key} {value}" for key, value in options.items())
        try:
            figure = gallery.draw(result, name, **options)
        except UserError:
            continue
        found.append(picture(figure, name, f"{about}{f' ({what})' if what else ''}"))
    tell(1.0)
    return found


def assumptions(page: Page, config: Config, but: Iterable[str] = ()) -> None:
    """Say what was set otherwise than usual, and which of it is assumed."""
    here = [one for one in changed(config) if one.path not in set(but)]
    every, assumed = assumed_everywhere()
    page.assumptions += [
        say(
            "Of the {} parameters {} are assumed: no source gives their value, and each has a range that"
            " belongs in a sensitivity analysis. They are at work in every result, also where nothing below"
            " is changed; docs/parameters.md lists them all.",
            count(every),
            count(assumed),
        ),
        say(BELOW if here else NOTHING_CHANGED),
    ]
    if here:
        page.assumed.append(table_of_changes("Settings that differ from the usual ones", here))


def table_of_changes(title: str, changes: Sequence[Changed], usual: str = "usual") -> Table:
    """Return a table of settings that differ."""
    rows = []
    for one in shortened(changes):
        about = one.parameter
        unit = about.limits.unit if about else ""
        source = "" if about is None else "assumed" if about.assumed else about.source or "a choice"
        meaning = about.meaning if about else ""
        rows.append(
            ((one.path,), (_spelled(one.value),), (_spelled(one.usual),), (unit,), (source,), (meaning,))
        )
    heads = ("setting", "here", usual, "unit", "source", "meaning")
    return Table(title, heads, rows, texts=6, small=True)


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else spell(value)


def origin(page: Page, path: Path, manifest: Mapping[str, Any], identity: str) -> None:
    """Say by which sources and packages a result was made, and the digest of every file."""
    version, sources = str(manifest.get("version", "")), str(manifest.get("source_hash", ""))
    page.standing, page.standing_table = standing.told(version, sources)
    made: list[tuple[str, str]] = [
        ("folder", path.resolve().name),
        ("identity", identity),
        ("clickmarket", f"{version}, sources {sources}"),
        ("Python", str(manifest.get("python", ""))),
        ("packages", ", ".join(f"{name} {one}" for name, one in manifest.get("packages", {}).items())),
    ]
    made += [(f"plug-in {name}", f"SHA-256 {one}") for name, one in manifest.get("plugins", {}).items()]
    if "duration_seconds" in manifest:
        made.append(("time taken", f"{manifest['duration_seconds']:,.0f} s"))
    made.append(("SHA-256 of manifest.json's content", str(manifest.get("sha256", ""))))
    page.provenance.append(pairs("", [(name, text) for name, text in made if text]))
    files = [(name, one) for name, one in manifest["files"].items() if not name.startswith(FIGURES)]
    if files:
        page.provenance.append(pairs("SHA-256 of the files", files, small=True))


def plugin_words(manifest: Mapping[str, Any]) -> list[str]:
    """Return the words that name the plug-ins of a result."""
    return [word for name in manifest.get("plugins", {}) for word in ("--plugin", name)]


def not_at_rest(warmup: int) -> list[Words]:
    """Say that a market which has just begun still drifts, where that is so."""
    if warmup >= DAYS_TO_REST:
        return []
    text = (
        "The market comes to rest in four to five months, which {} days of warm-up do not cover: levels still"
        " drift."
    )
    return [say(text, count(warmup))]
