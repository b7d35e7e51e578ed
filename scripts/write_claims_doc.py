"""Write docs/claims.md from the results of experiments: write_claims_doc.py RESULTS [SIZE ...].

Of each experiment the first of the sizes that was played is told; where none is said, full, else medium.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # the experiments stand beside the package
    sys.path.insert(0, str(ROOT))

from experiments import ALL  # noqa: E402
from experiments.verdict import ANSWERS, Finding, asked, measured  # noqa: E402
from sim.study.result import MANIFEST, check_digest, read_frame, read_manifest  # noqa: E402

DOCS = ROOT / "docs"
IMAGES = "images/claims"
WIDTH = 1300
COLORS = 256
INTRODUCTION = """\
# The claims, put to the test

Written by `python scripts/write_claims_doc.py` from the results of the runs named below. Each claim (C1 to
C14) is cut into statements with a number, a side and a bound. A statement **holds** where the whole 95 %
interval over seeds lies on the stated side, **fails** where it lies on the other one, and is **undecided**
where the interval contains the bound. Bounds such as "a half" or "5 %" are conventions. Some two hundred
intervals stand here, so a few lie on one side by luck. They know luck between seeds only, neither few
requesters nor wrong assumptions: most behavioural parameters are assumed, eighteen of them fitted to eight
observations that this model meets in part ([validation.md](validation.md)), and a statement that holds here
holds in this model. Where a parameter alone decides, the boundary
is told, and only what departs from it is found.

Sizes: `full` is meant for conclusions, `medium` for a first look with wide intervals, `small` for tests.
"""


def found_in(results: Path, name: str, sizes: Sequence[str]) -> Path | None:
    """Return the latest finished folder of an experiment, of the first size that has one."""
    for size in sizes:
        folders = sorted(results.glob(f"*-claim-{name}-{size}-*"))
        for one in reversed(folders):
            if (one / MANIFEST).is_file():
                return one
    return None


def write(results: Path, docs: Path, *sizes: str) -> str:
    """Write the document and its images; return the text."""
    sections, rows = [], []
    for name in ALL:
        folder = found_in(results, name, sizes)
        if folder is None:
            sections.append(f"## {name}\n\n{name}: not played at size {' or '.join(sizes)}.\n")
            continue
        manifest = read_manifest(folder / MANIFEST)
        for file in ("findings.csv", "findings.parquet", "table.csv"):
            check_digest(folder / file, manifest)
        findings = read_frame(folder / "findings.parquet")
        rows.append(findings.assign(experiment=name))
        images = shrunk(folder, docs / IMAGES)
        sections.append(section(manifest, findings, images))
    summary = overview(pd.concat(rows, ignore_index=True)) if rows else ""
    text = "\n".join([INTRODUCTION, summary, *sections])
    docs.mkdir(exist_ok=True)
    (docs / "claims.md").write_text(text, encoding="utf-8")
    return text


def overview(findings: pd.DataFrame) -> str:
    """Return a table of the claims: how many places of how many statements hold, fail or stay undecided."""
    findings = findings[~findings["statement"].str.contains("no finding")]
    lines = ["| claim | tested by | holds | fails | undecided |", "|---|---|---|---|---|"]
    for claim in sorted(set(findings["claim"]), key=lambda name: int(name[1:])):
        part = findings[findings["claim"] == claim]
        counts = [str(int((part["answer"] == one).sum())) for one in ANSWERS]
        by = ", ".join(f"[{name}](#{name})" for name in dict.fromkeys(part["experiment"]))
        lines.append("| " + " | ".join([claim, by, *counts]) + " |")
    return (
        "Findings (a statement at a place) by claim, without what parameters alone decide:\n\n"
        + "\n".join(lines)
        + "\n"
    )


def section(manifest: dict[str, Any], findings: pd.DataFrame, images: Sequence[str]) -> str:
    """Return what is told of one experiment."""
    name, seeds = manifest["experiment"], manifest["seeds"]
    lines = [f"## {name}", "", manifest["question"], ""]
    lines += ["| claim | statement | holds | fails | undecided |", "|---|---|---|---|---|"]
    for (claim, statement), part in findings.groupby(["claim", "statement"], sort=False):
        found = rows_of(part)
        bounds = ", ".join(dict.fromkeys(asked(one) for one in found))
        cells = [cell(f"{statement} ({bounds})"), *(places(found, one) for one in ANSWERS)]
        lines.append("| " + " | ".join([str(claim), *cells]) + " |")
    lines += ["", *(f"- {note}" for note in manifest["notes"]), ""]
    lines += [f"![{Path(image).stem.replace('_', ' ')}]({IMAGES}/{image})" for image in images]
    lines += [
        "",
        f"Command: `{command_of(manifest)}`. Seeds {seeds[0]} to {seeds[-1]}, {manifest['runs']} runs.",
        manifest["caption"],
        "",
    ]
    return "\n".join(lines)


def rows_of(part: pd.DataFrame) -> list[Finding]:
    """Return the findings of a table."""
    return [Finding(*row) for row in part[list(Finding._fields)].itertuples(index=False)]


def places(findings: Iterable[Finding], answer: str) -> str:
    """Return the places with an answer, with their numbers."""
    there = [one for one in findings if one.answer == answer]
    return cell("; ".join(f"{one.where}: {measured(one)}" for one in there))


def cell(text: str) -> str:
    """Return a text for a cell of a table."""
    return text.replace("|", "\\|")


def command_of(manifest: dict[str, Any]) -> str:
    """Return the command that plays an experiment again, without the folder of its results."""
    words = str(manifest["command"]).split()
    return " ".join(word for word in words if not word.startswith(("results.dir=", "jobs=")))


def shrunk(folder: Path, target: Path) -> list[str]:
    """Copy the figures of a result, small enough for a repository; return their names."""
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted((folder / "figures").glob("*.png")):
        with Image.open(path) as image:
            width = min(WIDTH, image.width)
            small = image.convert("RGB").resize((width, math.ceil(image.height * width / image.width)))
        small.quantize(COLORS).save(target / path.name, optimize=True)
        names.append(path.name)
    return names


def main() -> int:
    """Write the document from the words of the command line."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    text = write(Path(sys.argv[1]), DOCS, *(sys.argv[2:] or ("full", "medium")))
    print(f"docs/claims.md: {len(text.splitlines())} lines.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
