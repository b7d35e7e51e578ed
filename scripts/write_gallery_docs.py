"""Write docs/gallery.md and its pictures: play a run, a comparison and a sweep, and draw all figures."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from sim.cli import main as clickmarket
from sim.figures import gallery, style
from sim.study.opening import open_result

DOCS = Path(__file__).resolve().parent.parent / "docs"
PICTURES = DOCS / "images" / "gallery"
TAX_AND_INCOME = " policy=[usage_tax,universal_income]"
TAXES = "usage_tax+universal_income"
SMALL = " world=six_regions workers.count=1000"
TINY = "world=six_regions workers.count=300 time.days=40"
PAY = "requesters.pay_usd_per_hour=1,2,4,8"
FEES = "platforms.microwork.requester_fee=0.05,0.1,0.2,0.4"
RESULTS: dict[str, tuple[str, str]] = {
    "run": (
        "Of a run",
        "clickmarket run workers.count=5000 time.days=60 ai=growing platforms=all_families" + TAX_AND_INCOME,
    ),
    "comparison": (
        "Of a comparison",
        f"clickmarket compare none {TAXES} wage_floor+{TAXES} seeds=5 time.days=90" + SMALL,
    ),
    "sweep": (
        "Of a sweep",
        f"clickmarket sweep {FEES} {PAY} seeds=2 {TINY}",
    ),
}
INTRODUCTION = """\
# Gallery

Written by `python scripts/write_gallery_docs.py`: small runs, played for these pictures, so that nothing here
is a finding. `clickmarket plot RESULT` draws the same of any result; `result.plot.lorenz()` does in Python.
"""


def main() -> int:
    """Play, draw, write."""
    sections = [INTRODUCTION]
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        for kind, (heading, command) in RESULTS.items():
            result = open_result(play([*shlex.split(command)[1:], f"results.dir={folder}"]))
            sections += [f"## {heading}\n\n    {command}\n", *drawn(kind, result)]
    (DOCS / "gallery.md").write_text("\n".join(sections), encoding="utf-8")
    return 0


def play(words: list[str]) -> Path:
    """Carry out a command and return the folder that it prints as its last line."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        if clickmarket(words):
            sys.exit(f"clickmarket {' '.join(words)} failed")
    return Path(told.getvalue().splitlines()[-1])


def drawn(kind: str, result: Any) -> list[str]:
    """Draw every figure of a result once; return a section for each."""
    about, sections = gallery.about(result), []
    for name in gallery.pictures(result):
        variants = list(gallery.variants(result, name))
        if not variants:
            continue
        _, options = variants[-1] if kind == "comparison" else variants[0]
        style.save(gallery.draw(result, name, **options), PICTURES, f"{kind}-{name}", ["png"])
        said = about[name][:1].upper() + about[name][1:]
        sections.append(
            f"### {name}\n\n{said}.\n\n```{{image}} images/gallery/{kind}-{name}.png\n:alt: {said}\n```\n"
        )
    return sections


if __name__ == "__main__":
    sys.exit(main())
