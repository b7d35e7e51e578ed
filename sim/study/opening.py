"""Opening whatever a command has left behind: a run, a comparison, a sweep or a validation."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sim.errors import UserError
from sim.study.compare import Comparison, load_comparison
from sim.study.plots import Drawable
from sim.study.reading import Sweep, load_sweep
from sim.study.result import MANIFEST, RunResult, check_digest, folder_near, load, read_manifest
from sim.study.validate import VALIDATION

FIRST_RESULT = "clickmarket run world=six_regions workers.count=2000 time.days=30"
"""A command that takes seconds and leaves a result."""

WHAT = "the folder that a run, a comparison, a sweep or a validation printed as its last line"


@dataclass(frozen=True)
class Validation(Drawable):
    """A validation, read from its folder.

    Attributes
    ----------
    path, manifest
        The folder; what was played, by which version.
    verdicts
        What `validation.json` holds: targets, patterns, score.
    """

    path: Path
    manifest: Mapping[str, Any]
    verdicts: Mapping[str, Any]


Result: TypeAlias = RunResult | Comparison | Sweep | Validation


def load_validation(path: str | Path) -> Validation:
    """Read the folder of a finished validation."""
    folder = Path(path)
    file = folder / VALIDATION
    if not (folder / MANIFEST).is_file() or not file.is_file():
        raise UserError(
            f"{folder} is not the folder of a finished validation",
            path=str(folder),
            allowed="the path that clickmarket validate printed",
            nearest=folder_near(folder, "trials"),
        )
    manifest = read_manifest(folder / MANIFEST)
    check_digest(file, manifest)
    return Validation(folder, manifest, json.loads(file.read_bytes()))


KINDS: Mapping[str, tuple[str, Any]] = {
    "config_id": ("run", load),
    "comparison_id": ("comparison", load_comparison),
    "study": ("sweep", load_sweep),
    "trials": ("validation", load_validation),
}
"""An entry that only the manifest of one kind of result has: that kind, and what reads it."""


def kind_of(result: Result) -> str:
    """Return what kind of result this is: "run", "comparison", "sweep" or "validation"."""
    kinds = {RunResult: "run", Comparison: "comparison", Sweep: "sweep", Validation: "validation"}
    return next(kind for type_, kind in kinds.items() if isinstance(result, type_))


def open_result(path: str | Path) -> Result:
    """Read the folder of a result, of whatever kind.

    Raises
    ------
    UserError
        If there is no such folder, it is not finished, or a file in it is damaged.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(
            "is no folder.", path="RESULT", value=str(path), allowed=WHAT, nearest=_latest_beside(folder)
        )
    if not (folder / MANIFEST).is_file():
        unfinished = any((folder / name).exists() for name in ("parts", "config.yaml"))
        raise UserError(
            "is not finished: give its command again, which goes on where it was stopped."
            if unfinished
            else "holds no result.",
            path="RESULT",
            value=str(path),
            allowed=WHAT,
            nearest=latest_in(folder) or _latest_beside(folder),
        )
    manifest = read_manifest(folder / MANIFEST)
    for entry, (_, reader) in KINDS.items():
        if entry in manifest:
            result: Result = reader(folder)
            return result
    raise UserError(
        "holds a result of another kind: experiments draw their own figures.",
        path="RESULT",
        value=str(path),
        allowed=WHAT,
        nearest=_latest_beside(folder),
    )


def _latest_beside(folder: Path) -> str:
    """Return the latest finished result in the same place, or in the usual one; else how to make one."""
    return latest_in(folder.parent, folder) or latest_in(Path("results"), folder) or FIRST_RESULT


def latest_in(place: Path, but: Path | None = None) -> str:
    """Return the latest finished result in a folder, of any kind but experiments; names begin with a date."""
    for file in sorted(place.glob(f"*/{MANIFEST}"), reverse=True):
        with contextlib.suppress(UserError):
            if file.parent != but and KINDS.keys() & read_manifest(file).keys():
                return str(file.parent)
    return ""
