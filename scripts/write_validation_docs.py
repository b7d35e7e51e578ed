"""Write docs/validation.md from the folder of a validation: write_validation_docs.py FOLDER."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # the experiments stand beside the package
    sys.path.insert(0, str(ROOT))

from sim.study.trials import BY_NAME  # noqa: E402
from sim.study.verdict_text import (  # noqa: E402
    FITTED_TO,
    caution_of,
    fitted_of,
    interval,
    number,
    score,
    span,
)
from sim.study.verdicts import HIT, MISS, conclude  # noqa: E402

DOCS = ROOT / "docs"
STANDING = DOCS.parent / "sim" / "report" / "standing.json"
TARGET, IMAGE = DOCS / "validation.md", DOCS / "images" / "validation.png"
LEAST_SEEDS = 20
"""Seeds for which the targets are stated."""

PLACES = ("results.dir=",)
"""Words of a command that say where, not what."""

INTRODUCTION = """\
# Validation

Written by `python scripts/write_validation_docs.py FOLDER` from the folder of the command below; by hand
are only remarks, each for one verdict. The public targets stand in `sim/study/targets.py` with their
sources, and no number of that file is read by the model. Half of them served to fit the parameters in
`conf/calibration/fitted.yaml` (`python -m experiments.calibrate`; marked *fitted* below), the other half did
not: a hit there is worth more.

A target is met if the median over seeds of each of its parts lies in the band. Intervals are 95 % intervals
of that median over seeds (between two order statistics; fewer than six seeds have none). They show luck
between seeds, not how a market of this size differs from a large one. A target whose statistic is an input
in another dress is judged like all others and does not count. *Without the largest requester* is played
anew, with that requester silent from the start. *If ...* is what a target becomes when something is
switched off, on fewer seeds: one that does not change there does not rest on that mechanism.
"""

REMARKS: Mapping[tuple[str, str], str] = {
    ("BP01", HIT): "It was fitted until the inequality of pay took its place, and all fits met it: no test."
    " Requesters begin around an assumed pay (`requesters.pay_usd_per_hour`) and search from"
    " there. Where they never revise it the median stays near that start: the level rests on the"
    " assumption.",
    (
        "BP02",
        MISS,
    ): "Workers are too much alike. What spread there is comes from speed, tools and requesters that pay a"
    " norm.",
    (
        "BP02",
        HIT,
    ): "It rests on workers with tools and on requesters that pay a norm, both assumed. How much it adds that"
    " workers differ in speed cannot be told from luck.",
    ("BP03", MISS): "As BP02: nobody is fast enough for it.",
    ("BP04", MISS): "Looking takes too little of the time. The share follows the assumed seconds of a look.",
    (
        "BP05",
        MISS,
    ): "North America is above Asia-Pacific because of reservation wages and of requesters who admit"
    " some countries only. Africa comes out above Asia-Pacific, with borders and without: nothing"
    " here puts it below.",
    (
        "BP06",
        MISS,
    ): "Rewards draw more takers than observed. Tools, impatience and errors in reading listings hold this"
    " down, as they were meant to, and not by enough.",
    (
        "BP07",
        MISS,
    ): "India's share peaks in its evening, hours later than observed, and too little. It comes from"
    " daily life alone: with workers free at all hours it is gone, with posting at all hours alike"
    " it stays.",
    (
        "BP08",
        MISS,
    ): "Campaigns are less concentrated than observed, and would be still less if all wanted equal hours.",
    (
        "BP08",
        HIT,
    ): "Hours wanted carry it: with all wanting eight hours a week campaigns are less concentrated than"
    " observed.",
    (
        "BP09",
        HIT,
    ): "Without spells, or with listings in random order, the last tenth of a batch comes too soon.",
    (
        "BP09",
        MISS,
    ): "The last tenth of a batch comes a little too soon, and sooner if listings are shown in random order.",
    (
        "BP11",
        MISS,
    ): "Too large a part of a year's workers is on duty at a time. With all wanting eight hours the"
    " share is lower: hours carry it, and too few come and go (BP13).",
    ("BP12", HIT): "Met because of daily life: with workers free at all hours the night disappears. Hours of"
    " posting matter little.",
    (
        "BP13",
        MISS,
    ): "Changes of what they could do elsewhere, for a quarter or for good, are what makes workers leave."
    " Runs of a fit are too short to tell of it, and the fit took smaller changes than are assumed without"
    " it, so workers stay a little longer than observed.",
    (
        "BP14",
        MISS,
    ): "Whoever works at all does ten tasks, so ever paid and sustained are the same people: a task"
    " here is not a job of the observation.",
    (
        "BP15",
        MISS,
    ): "Nearly everybody wants more hours: the fit makes work scarce, and sleep takes hours that nothing"
    " makes up.",
    (
        "BP16",
        HIT,
    ): "Signs only. Microwork is nearly all of the posts here, so the first sign hangs by a thread.",
}
"""What is known of why a target is met or missed: by name, and by the verdict that it was written for."""


def render(verdicts: Mapping[str, Any]) -> str:
    """Return the whole document."""
    parts = [INTRODUCTION, *_command(verdicts), *_targets(verdicts), *_patterns(verdicts), *_rest(verdicts)]
    return "\n".join(parts) + "\n"


def _command(verdicts: Mapping[str, Any]) -> Iterator[str]:
    about = verdicts["about"]
    trials = about["trials"]
    played = [row["trial"] for row in verdicts["by_seed"]]
    seeds, fewer = (op(map(played.count, trials)) for op in (max, min))
    words = [word for word in about["settings"] if not word.startswith(PLACES)]
    yield f"    clickmarket validate {' '.join([*words, f'seeds={seeds}', f'trial_seeds={fewer}'])}\n"
    yield (
        f"clickmarket {about['version']}, sources {about['source_hash'][:12]}, begun {about['began'][:10]};"
        f" seeds {about['first_seed']} to {about['first_seed'] + seeds - 1}; {about['warmup_days']} days of"
        f" warm-up; {len(played)} runs in {verdicts['hours']:.1f} hours on a busy machine."
    )
    if seeds < LEAST_SEEDS:
        yield f"**Targets are stated for {LEAST_SEEDS} seeds or more; these are {seeds}.**"
    for name in ("mt", "gl"):
        if name in trials:
            one = trials[name]
            longer = (
                f", workers watched for {one['days_watched']:,}" if one["days_watched"] > one["days"] else ""
            )
            yield (
                f"{one['configuration']}: {one['workers']:,} workers, {one['requesters']:,} requesters, a"
                f" window of {one['days']:,} days{longer}."
            )
    yield f"\n**{score(verdicts)}**\n"
    yield "![Each part of each target on the scale of its own band](images/validation.png)\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(*heads: str) -> list[str]:
    return [_row(*heads), "|" + "---|" * len(heads)]


def _bold(verdict: str) -> str:
    return f"**{verdict}**" if verdict == MISS else verdict


def _counts(target: Mapping[str, Any], fitted: Sequence[str]) -> str:
    return ("yes" if target["counts"] else "no") + (", fitted" if target["name"] in fitted else "")


def _targets(verdicts: Mapping[str, Any]) -> Iterator[str]:
    yield "## Targets\n"
    yield from _table(
        "",
        "target",
        "part",
        "value",
        "95 % interval",
        "band",
        "observed",
        "verdict",
        "without largest",
        "counts",
    )
    fitted = fitted_of(verdicts)
    for target in verdicts["targets"]:
        for place, part in enumerate(target["parts"]):
            without = part["without_largest"]
            yield _row(
                target["name"] if place == 0 else "",
                f"{target['title']} ({target['configuration']})" if place == 0 else "",
                part["label"],
                number(part["value"]),
                interval(part),
                span(part["low"], part["high"]),
                number(part["observed"]),
                _bold(part["verdict"]),
                f"{number(without['value'])} {without['verdict']}" if without["runs"] else "-",
                _counts(target, fitted) if place == 0 else "",
            )
    yield "\n## Target by target\n"
    for target in verdicts["targets"]:
        yield from _target(target, verdicts["reasons"].get(target["trial"], {}), target["name"] in fitted)


def _target(target: Mapping[str, Any], reasons: Mapping[str, str], fitted: bool) -> Iterator[str]:
    yield f"### {target['name']} {target['title']}: {target['verdict']}\n"
    yield f"*{target['statistic']}* ({target['configuration']}).\n"
    yield f"Source: {target['source']}; confidence: {target['confidence']}.\n"
    caution = caution_of(target)
    more = f" {caution.capitalize()}." if caution else ""
    fit = f"; {FITTED_TO}" if fitted else ""
    yield f"{'Counts' if target['counts'] else 'Does not count'}: {target['why']}{fit}.{more}\n"
    for part in target["parts"]:
        if part["value"] is None and part["key"] in reasons:
            yield f"{part['label']}: no value, {reasons[part['key']]}.\n"
    rows = [
        (part["label"], BY_NAME[name].what, found)
        for part in target["parts"]
        for name, found in part["mechanisms"].items()
    ]
    if rows:
        yield from _table("part", "if", "value", "seeds", "verdict")
        for label, what, found in rows:
            yield _row(label, what, number(found["value"]), str(found["runs"]), found["verdict"])
        yield ""
    remark = REMARKS.get((target["name"], target["verdict"]))
    if remark:
        yield f"{remark}\n"


def _patterns(verdicts: Mapping[str, Any]) -> Iterator[str]:
    if not verdicts["patterns"]:
        return
    yield "## Further patterns\n"
    yield "A sign holds if the whole interval is on its side. Sizes are given where one was"
    yield "observed. With fewer than six seeds there is no interval, and nothing is decided.\n"
    yield from _table(
        "",
        "pattern",
        "statistic",
        "value",
        "95 % interval",
        "seeds",
        "expected",
        "sign",
        "sizes",
        "size",
        "source",
        "rests on",
    )
    for one in verdicts["patterns"]:
        yield _row(
            one["name"],
            one["title"],
            one["statistic"],
            number(one["value"]),
            interval(one),
            str(one["runs"]),
            f"{one['expected']} {number(one['null'])}",
            one["sign"],
            span(one["low"], one["high"]),
            _bold(one["size"]),
            one["source"],
            one["input"] or "-",
        )


def _rest(verdicts: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Whether the warm-up suffices\n"
    yield "Change from the first to the second half of the window; up to 5 per cent counts as at rest.\n"
    yield from _table("", "what", "change", "95 % interval", "")
    for one in verdicts["stationarity"]:
        ends = one["interval"]
        yield _row(
            one["configuration"],
            one["what"],
            f"{100 * one['value']:+.1f} %",
            f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f} %" if ends else "-",
            "at rest" if one["at_rest"] else "**not at rest**",
        )


def judged_anew(verdicts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the statistics of a folder say by the rules of now."""
    values = {(row["trial"], row["seed"]): row["values"] for row in verdicts["by_seed"]}
    return {**verdicts, **conclude(values, {}), "reasons": verdicts["reasons"]}


def standing_of(document: str) -> dict[str, Any]:
    """Return what reports say of the model's standing, as the document has it."""
    about = re.search(r"^clickmarket (\S+), sources (\w+), begun (\S+);", document, re.MULTILINE)
    score = re.search(r"^\*\*(.*)\*\*$", document, re.MULTILINE)
    command = re.search(r"^    (clickmarket validate .*)$", document, re.MULTILINE)
    heads = re.findall(r"^### (\S+) (.*): (hit|MISS|no value)$", document, re.MULTILINE)
    rows = re.findall(r"^\| (BP\d+) \|.*\| ([^|]*) \|$", document, re.MULTILINE)
    if not (about and score and command and heads):
        raise ValueError("The document has no line of version, score or command, or no target.")
    counts = dict(rows)
    return {
        "version": about[1],
        "sources": about[2],
        "begun": about[3],
        "score": score[1],
        "command": command[1],
        "targets": [
            {"name": name, "title": title, "verdict": verdict, "counts": counts[name]}
            for name, title, verdict in heads
            if name in counts
        ],
    }


def write_standing() -> None:
    """Write what reports say of the model's standing, from the document."""
    found = standing_of(TARGET.read_text(encoding="utf-8"))
    STANDING.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Write the document and its figure."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "validation.json").is_file():
        print("Give the folder that clickmarket validate printed.", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    verdicts = judged_anew(json.loads((folder / "validation.json").read_text(encoding="utf-8")))
    TARGET.write_text(render(verdicts), encoding="utf-8")
    write_standing()
    shutil.copyfile(folder / "figures" / "targets.png", IMAGE)
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
