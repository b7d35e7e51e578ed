"""Write docs/parameters.md from the parameters' own metadata; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from sim.config import Config
from sim.plain_yaml import read_yaml
from sim.schema import Parameter, describe, spell

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "parameters.md"
INTRODUCTION = """\
# Parameters

Written by `python scripts/write_parameter_docs.py` from `sim/config.py`, where every parameter is declared.
`<name>` stands for a name that you choose: `platforms.microwork.requester_fee`. A parameter is marked
*assumed* where no source gives the number itself; a source beside that mark bears on it without giving it.
Its range is then the range to vary it over. Names, choices, and what belongs to the size of a model or to the
machine have neither. Country tables, platforms and other choices that belong together are groups of YAML
files under `conf/`; they may set other values than the defaults shown here (`clickmarket run --cfg job`
prints those of a run). *Fitted* is the value that the group `calibration=fitted` gives, which commands take
unless told otherwise.
"""
FITTED = {
    f"{section}.{name}": value
    for section, values in read_yaml(ROOT / "conf" / "calibration" / "fitted.yaml").values.items()
    for name, value in values.items()
}
HEADING = "| parameter | default | unit | allowed | meaning | source |\n|---|---|---|---|---|---|\n"


def render() -> str:
    """Return the whole document."""
    sections = [INTRODUCTION]
    for name, rows in groupby(describe(Config), key=lambda row: row.path.split(".")[0]):
        sections.append(f"## {name}\n\n{HEADING}" + "".join(_line(row) for row in rows))
    return "\n".join(sections)


def _line(row: Parameter) -> str:
    unit = row.limits.unit
    allowed = row.allowed.removesuffix(f" ({unit})") if unit else row.allowed
    source = ", ".join(part for part in (row.source, "*assumed*" if row.assumed else "") if part)
    default = f"`{spell(row.limits.default)}`"
    if row.path in FITTED:
        default += f", fitted `{spell(FITTED[row.path])}`"
    cells = (f"`{row.path}`", default, unit, allowed, row.meaning, source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> int:
    """Write the file, or with --check compare it."""
    text = render()
    if "--check" in sys.argv[1:]:
        current = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        print(f"{TARGET.name} is {'current' if current else 'out of date: run this script'}.")
        return 0 if current else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
