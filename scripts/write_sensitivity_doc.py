"""Write docs/sensitivity.md from a result: python scripts/write_sensitivity_doc.py RESULTS [SIZE]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # the experiments stand beside the package
    sys.path.insert(0, str(ROOT))

from experiments.assumptions import LUCK, assumptions  # noqa: E402
from experiments.sensitivity import FLIPS_FROM, Found, luck_of, rests_on  # noqa: E402
from scripts.write_claims_doc import cell, command_of, shrunk  # noqa: E402
from sim.errors import UserError  # noqa: E402
from sim.study.result import MANIFEST, check_digest, read_frame, read_manifest  # noqa: E402

DOCS = ROOT / "docs"
IMAGES = "images/sensitivity"
TABLES = ("screening", "indices", "conclusions", "spread")
SCREENED = 12
"""Assumptions of each part that the table of the screening names."""

INTRODUCTION = """\
# Which assumption each conclusion rests on

Written by `python scripts/write_sensitivity_doc.py` from the results of the command below. Of the {all}
parameters that [parameters.md](parameters.md) marks as *assumed*, {moved} are moved over their ranges,
those of a part all at once; {left} are left out, with the reasons at the end. Ranges are the declared
ones, cut at {reach:g} times, and {reach:g} times below, what is assumed; those of fitted parameters are the
ranges that the fit searched (`experiments/calibrate.yaml`).

Several markets are looked at (*parts*). In each, all assumptions that act there first are screened by
Morris's trajectories; the few that move outcomes most go through Saltelli's design, from which Sobol'
indices are estimated. A *total index* is the share of an outcome's
variance that would be left if all but this assumption were known.
The seed is moved like an assumption: an
assumption with an index no higher than that of **luck** cannot be told from it. Indices of small designs
are rough, and may come out above 1 or at 0 by chance; intervals are in `indices.csv`. What was screened
out is kept where it is assumed: the ranges of outcomes and the shares below are those over the
assumptions that are left and luck, so they are lower bounds of what is not known.
"""

CONCLUSIONS = """\
## Conclusions, and where they flip

A conclusion *flips* if it holds at {flips} of the points or more and fails at as many. Bounds such as
"a half" are conventions. Points are those of Saltelli's design, where what was screened out is not
moved. *In the screening* all assumptions of the part are, often to the ends of their ranges: a conclusion
that flips there alone hangs on more than what was kept, and is not safe inside these ranges either.
"""


def found_in(results: Path, size: str) -> Path:
    """Return the latest finished folder of a size."""
    folders = sorted(results.glob(f"*-sensitivity-{size}-*"))
    done = [folder for folder in folders if (folder / "spread.parquet").is_file()]
    if not done:
        raise UserError(
            "holds no finished analysis of this size.", path="RESULTS", value=str(results),
            allowed="the results.dir of python -m experiments.sensitivity", nearest=f"size={size}",
        )  # fmt: skip
    return done[-1]


def write(results: Path, docs: Path, size: str) -> str:
    """Write the document and its images; return the text."""
    folder = found_in(results, size)
    manifest = read_manifest(folder / MANIFEST)
    for name in TABLES:
        check_digest(folder / f"{name}.parquet", manifest)
    found = Found(*(read_frame(folder / f"{name}.parquet") for name in TABLES))
    levers = json.loads((folder / "levers.json").read_text(encoding="utf-8"))
    images = shrunk(folder, docs / IMAGES)
    text = "\n".join(
        [
            INTRODUCTION.format(
                all=len(assumptions()), moved=len(levers["levers"]), left=len(levers["left_out"]),
                reach=manifest["reach"],
            ),
            f"Command: `{command_of(manifest)}`.\n{manifest['caption']}\n",
            "| part | what | points of screening | points for indices |\n|---|---|---|---|",
            *(f"| {name} | {' | '.join(map(str, told))} |" for name, told in manifest["parts"].items()),
            "",
            "## Outcomes\n",
            *outcomes(found),
            "",
            *(f"![{Path(name).stem}]({IMAGES}/{name})" for name in images if name.startswith("indices")),
            "",
            CONCLUSIONS.format(flips="5 %"),
            *conclusions(found),
            "",
            *(f"![{Path(name).stem}]({IMAGES}/{name})" for name in images if name.startswith("conclusions")),
            "",
            "## What the screening found\n",
            *screened(found),
            "",
            "## Left out\n",
            *(f"- `{path}`: {why}." for path, why in levers["left_out"].items()),
            "",
        ]
    )  # fmt: skip
    docs.mkdir(exist_ok=True)
    (docs / "sensitivity.md").write_text(text, encoding="utf-8")
    return text


def outcomes(found: Found) -> list[str]:
    """Return a table of outcomes: their ranges, and what they rest on."""
    lines = [
        "| part | outcome | unit | middle nine tenths | rests on (total index) |",
        "|---|---|---|---|---|",
    ]
    for row in found.spread.itertuples(index=False):
        told = cell(rests_on(found, str(row.part), str(row.outcome)))
        lines.append(f"| {row.part} | {row.title} | {row.unit} | {row.p05:.3g} to {row.p95:.3g} | {told} |")
    return lines


def conclusions(found: Found) -> list[str]:
    """Return a table of conclusions: where they hold, whether they flip, and by what."""
    lines = [
        "| claim | conclusion | bound | holds at | flips | in the screening | rests most on |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found.conclusions.itertuples(index=False):
        flips = "**flips**" if row.flips else "no"
        toward = f", {row.toward} where it holds" if row.toward else ""
        rests = (
            f"`{row.rests_on}` ({row.total:.2f}{toward})" if row.rests_on else "not told: hardly ever defined"
        )
        flips_there = FLIPS_FROM <= row.screened <= 1 - FLIPS_FROM
        there = f"{row.screened:.0%} of {row.screened_points}{': flips' if flips_there else ''}"
        luck = luck_of(found, str(row.part), str(row.outcome))
        if row.total <= luck:
            rests = f"not told from luck ({luck:.2f}): {rests}"
        lines.append(
            f"| {row.claim} | {row.statement} | {row.side} {row.bound:.3g} |"
            f" {row.share:.0%} of {row.points} | {flips} | {there} | {rests} |"
        )
    return lines


def screened(found: Found) -> list[str]:
    """Return, for each part, the assumptions with the largest effects, beside those of luck."""
    lines = [
        "Mean absolute effect of moving an assumption over its whole range, in standard deviations of the",
        "outcome over all points of the screening; the outcome is the one that it moves most.",
        "",
        "| part | assumption | moves most | effect | effect of luck on it |",
        "|---|---|---|---|---|",
    ]
    titles = dict(zip(found.spread["outcome"], found.spread["title"], strict=True))
    for part, table in found.screening.groupby("part", sort=False):
        chance = table[table["setting"] == LUCK].set_index("outcome")["size"]
        others = table[table["setting"] != LUCK]
        best: pd.DataFrame = others.loc[others.groupby("setting")["size"].idxmax()]
        lines += [
            f"| {part} | `{row.setting}` | {titles[row.outcome]} | {row.size:.2f} |"
            f" {chance[row.outcome]:.2f} |"
            for row in best.nlargest(SCREENED, "size").itertuples(index=False)
        ]
    return lines


def main() -> int:
    """Write the document from the words of the command line."""
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    size = sys.argv[2] if len(sys.argv) == 3 else "full"
    try:
        text = write(Path(sys.argv[1]), DOCS, size)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"docs/sensitivity.md: {len(text.splitlines())} lines.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
