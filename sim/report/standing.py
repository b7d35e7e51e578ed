"""How far the model has been held against observations, as `docs/validation.md` of this version says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim.compile import source_hash
from sim.report.content import Table, Words, say

STANDING = Path(__file__).resolve().parent / "standing.json"
"""Written by `scripts/write_validation_docs.py` from the document that it writes."""

HOW_TO_READ = (
    "A hit says that a number lies in the band that was observed, under assumptions of which some were fitted"
    " to such numbers; a miss is told like a hit. docs/validation.md has values, intervals and sources;"
    " {} makes it again."
)
OTHER_SOURCES = (
    "What was checked are the sources {}; this result is of the sources {} (clickmarket {}). A check of a"
    " near relative is no check of this one."
)
WRITTEN_BY_OTHERS = "This page was written by the sources {}, not by those that made the result."


def read() -> dict[str, Any]:
    """Return what the validation of this version came to."""
    return dict(json.loads(STANDING.read_text(encoding="utf-8")))


def told(version: str, sources: str) -> tuple[list[Words], Table]:
    """Return sentences and the table of targets; they say if the result is of other sources."""
    found = read()
    same = sources.startswith(found["sources"])
    checked = "was checked against observations by clickmarket {} on {}: {}"
    sentences = [
        say(
            ("The very model that made this result " if same else "The model ") + checked,
            found["version"], found["begun"], found["score"],
        ),
        say(HOW_TO_READ, found["command"]),
    ]  # fmt: skip
    if not same:
        sentences.append(say(OTHER_SOURCES, found["sources"], sources[:12] or "unknown", version))
    if source_hash() != sources:
        sentences.append(say(WRITTEN_BY_OTHERS, source_hash()[:12]))
    rows = [
        ((one["name"],), (one["title"],), (one["verdict"],), (one["counts"],)) for one in found["targets"]
    ]
    return sentences, Table("Targets", ("", "observation", "verdict", "counts"), rows, texts=4, small=True)
