"""The page about a validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report import common
from sim.report.common import Tell, silent
from sim.report.content import Code, Page, Table, Words, count, number, say, span
from sim.report.settings import command, without_folder
from sim.study import verdict_text
from sim.study.opening import Validation

ITSELF = (
    "This page is itself a check of the model; the one that the documentation rests on is docs/validation.md."
)


def page_of_validation(found: Validation, tell: Tell = silent) -> Page:
    """Return the page about a validation."""
    verdicts, manifest = found.verdicts, found.manifest
    page = Page(
        title="The simulated market against what was observed",
        subtitle=f"Validation {found.path.resolve().name}; clickmarket {manifest['version']};"
        f" {manifest['identity'][:12]}",
    )
    page.summary = [
        (verdict_text.score(verdicts),),
        *(
            say(
                "{}: {} workers, {} requesters, {} days, {} seeds.",
                name.upper(),
                *(count(trial[what]) for what in ("workers", "requesters", "days", "seeds")),
            )
            for name, trial in manifest["trials"].items()
            if name in ("mt", "gl")
        ),
    ]
    page.cautions = [(text,) for text in _cautions(verdicts)]
    page.tables = [_targets(verdicts), *_patterns(verdicts), *_rest(verdicts)]
    page.pictures = common.pictures_of(found, tell)
    page.assumptions = [
        say(
            "Settings of the command, beside those of the two configurations and of calibration=fitted: {}.",
            " ".join(without_folder(manifest["settings"])) or "none",
        ),
        say("Targets that assumptions were fitted to are marked: a hit there is no test."),
    ]
    played = [row["trial"] for row in verdicts["by_seed"]]
    seeds, fewer = (op(map(played.count, manifest["trials"])) for op in (max, min))
    words = [*without_folder(manifest["settings"]), f"seeds={seeds}", f"trial_seeds={fewer}"]
    page.reproduce = [
        Code(
            "This command plays the same runs; with the same sources and plug-ins it judges alike.",
            command("validate", *words, *common.plugin_words(manifest)),
        )
    ]
    common.origin(page, found.path, manifest, str(manifest["identity"]))
    page.standing, page.standing_table = [say(ITSELF)], None
    return page


def _cautions(verdicts: Mapping[str, Any]) -> list[str]:
    told = []
    restless = [one for one in verdicts["stationarity"] if not one["at_rest"]]
    if restless:
        told.append(
            "Not at rest within the window: "
            + ", ".join(f"{one['configuration']} {one['what']}" for one in restless)
            + "."
        )
    return told


def _targets(verdicts: Mapping[str, Any]) -> Table:
    fitted = verdict_text.fitted_of(verdicts)
    rows: list[list[Words]] = []
    for target in verdicts["targets"]:
        counts = "yes" if target["counts"] else "no"
        counts += ", fitted" if target["name"] in fitted else ""
        for place, part in enumerate(target["parts"]):
            low, high = part["interval"] or (None, None)
            rows.append(
                [
                    (f"{target['name']} {target['title']}" if place == 0 else "",),
                    (part["label"],),
                    (counts if place == 0 else "",),
                    (part["verdict"],),
                    (number(part["value"]),),
                    span(low, high),
                    _band(part["low"], part["high"]),
                    (number(part["observed"]),),
                ]
            )
    heads = ("target", "part", "counts", "verdict", "value", "95 % interval", "band", "observed")
    note = "Median over seeds; a target is met if it lies in the band that was observed."
    return Table("Targets", heads, rows, note, texts=4, small=True)


def _band(low: float | None, high: float | None) -> Words:
    if low is None and high is not None:
        return "below ", number(high)
    if high is None and low is not None:
        return "from ", number(low)
    return span(low, high)


def _patterns(verdicts: Mapping[str, Any]) -> list[Table]:
    if not verdicts["patterns"]:
        return []
    rows: list[list[Words]] = []
    for one in verdicts["patterns"]:
        low, high = one["interval"] or (None, None)
        rows.append(
            [
                (f"{one['name']} {one['title']}{' *' if one['input'] else ''}",),
                (f"{one['expected']} {verdict_text.number(one['null'])}",),
                (one["sign"],),
                (one["size"],),
                (number(one["value"]),),
                span(low, high),
                _band(one["low"], one["high"]),
            ]
        )
    heads = ("pattern", "expected", "sign", "size", "value", "95 % interval", "sizes observed")
    note = "* rests on an assumed number; docs/validation.md says which."
    return [Table("Patterns", heads, rows, note, texts=4, small=True)]


def _rest(verdicts: Mapping[str, Any]) -> list[Table]:
    rows: list[list[Words]] = []
    for one in verdicts["stationarity"]:
        low, high = one["interval"] or (None, None)
        rows.append(
            [
                (f"{one['configuration']} {one['what']}",),
                ("at rest" if one["at_rest"] else "not at rest",),
                (number(one["value"], "share", sign=True),),
                span(low, high, "share", sign=True),
            ]
        )
    title = "Change from the first to the second half of the window"
    return [Table(title, ("", "", "change", "95 % interval"), rows, texts=2)] if rows else []
