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

Written by `python scripts/write_gallery_docs.py`: small runs, played for these pictures, so that nothing in
them is a finding; the two last pictures are those of other pages. `clickmarket plot RESULT` draws the same of
any result; `result.plot.lorenz()` does in Python.
"""

ELSEWHERE = """\
## Of validations and experiments

### validation

Each part of each target on the scale of its own band: what was observed and what the model gives. All of it
is in [Validation](validation.md).

```{image} images/validation.png
:alt: Each part of each target on the scale of its own band
```

### ai_rebound_map

Where human work grows and where it shrinks: by how much more is asked for as labels get cheaper (the rebound)
and by what machines take over in the end, with the boundary that theory draws. What it shows is in
[Claims](claims.md).

```{image} images/claims/ai_rebound_map.png
:alt: Growth of human hours over rebound and automation, with the boundary by theory
```
"""
"""Pictures that other pages are about, drawn by `write_validation_docs.py` and `experiments.ai_rebound`."""


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
    (DOCS / "gallery.md").write_text("\n".join([*sections, ELSEWHERE]), encoding="utf-8")
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
