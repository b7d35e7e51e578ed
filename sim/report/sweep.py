"""The page about a sweep."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sim.errors import UserError
from sim.figures.gallery import USUAL_OUTCOMES
from sim.figures.study import played
from sim.report import common
from sim.report.common import Tell, silent
from sim.report.content import (
    Code,
    Page,
    Table,
    Words,
    clean,
    count,
    difference_of,
    number,
    say,
    span,
    unit_told,
)
from sim.report.settings import command, sweep_words
from sim.schema import spell
from sim.study import analysis, remarks
from sim.study.points import Composer, Study
from sim.study.reading import Sweep
from sim.study.store import FAILED

TOLD = (
    "pay_all_in_median",
    "unpaid_share",
    "share_below_minimum_wage",
    "tasks_done",
    "market_turnover",
    "platform_rent",
    "tax_revenue_per_year",
)
MOST_POINTS = 200
MOST_COLUMNS = 7
"""Columns of outcomes that a printed page holds; a second setting takes the room of three."""

MOST_SETTINGS_BESIDE = 3
"""Settings that stand beside outcomes; more have a table of their own."""

MOST_FAILED = 20
MOST_AXES = 6
LONGEST_ERROR = 600
LONGEST_HEAD = 20
"""Letters of a setting's name that the head of a column holds; of a longer one it has the last part."""


def page_of_sweep(sweep: Sweep, tell: Tell = silent) -> Page:
    """Return the page about a sweep, finished or not."""
    manifest, study = sweep.manifest, sweep.manifest["study"]
    page = Page(
        title=f"What follows from {', '.join(sweep.axes)}",
        subtitle=f"Sweep {sweep.path.resolve().name}; clickmarket {manifest['version']}; design"
        f" {study['design']}, {played(sweep)}; {manifest['identity'][:12]}",
    )
    done = sweep.experiments["status"] != FAILED
    outcomes = [name for name in TOLD if name in sweep.outcomes and _known(sweep, name)]
    outcome = next((name for name in USUAL_OUTCOMES if name in outcomes), outcomes[0] if outcomes else "")
    page.summary = _summary(sweep, outcomes)
    page.cautions = _cautions(sweep)
    if outcome:
        if few := analysis.fewer_seeds(sweep, [outcome]):
            page.cautions.append((few,))
        page.tables = _analyses(sweep, outcome)
    if done.any():
        page.tables += _points(sweep, outcomes)
        page.pictures = common.pictures_of(sweep, tell, {"curve": MOST_AXES})
    if not done.all():
        page.tables.append(_failed(sweep))
    _assumed(page, sweep)
    page.reproduce = [
        Code(
            "This command plays the same points with the same seeds and, with the same sources and plug-ins,"
            " gives the same numbers; files that it names must be there.",
            command(
                "sweep", *sweep_words(study), *(["series=true"] if manifest.get("keep_series") else []),
                *common.plugin_words(manifest),
            ),
        )
    ]  # fmt: skip
    common.origin(page, sweep.path, manifest, str(manifest["identity"]))
    shown = {name: manifest["definitions"][name] for name in outcomes if name in manifest["definitions"]}
    rows = [((name,), (text,)) for name, text in shown.items()]
    page.details = [Table("What the outcomes mean", ("", ""), rows, texts=2, small=True)]
    return page


def _known(sweep: Sweep, name: str) -> bool:
    return bool(np.isfinite(sweep.outcomes[name].to_numpy(np.float64)).any())


def _unit(sweep: Sweep, name: str) -> str:
    return str(sweep.manifest["units"].get(name, ""))


def _label(sweep: Sweep, name: str) -> str:
    unit = _unit(sweep, name)
    mark = unit_told(unit) if unit != "share" else ""
    return f"{name.replace('_', ' ')}{f' ({mark})' if mark else ''}"


def _summary(sweep: Sweep, outcomes: list[str]) -> list[Words]:
    experiments = sweep.experiments
    failed = int((experiments["status"] == FAILED).sum())
    told = [
        say(
            "{} of {} runs are there, of {} points; {} of them failed.",
            count(len(experiments)), count(sweep.manifest["runs"]), count(experiments["point"].nunique()),
            count(failed),
        ),
        *(say("{} was varied: {}.", path, _range(sweep, path)) for path in sweep.axes),
    ]  # fmt: skip
    _, means = sweep.means()
    for name in outcomes:
        values = means[name].to_numpy(np.float64)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        unit = _unit(sweep, name)
        mark = f" {unit_told(unit)}" if unit != "share" and unit_told(unit) else ""
        words = "Over the points the mean of {} goes from {}{}."
        told.append(say(words, name.replace("_", " "), span(low, high, unit), mark))
    return told


def _range(sweep: Sweep, path: str) -> Words:
    axis = next(one for one in sweep.manifest["study"]["axes"] if one["path"] == path)
    if axis["values"]:
        return (", ".join(spell(value) for value in axis["values"]),)
    return number(axis["low"]), " to ", number(axis["high"])


def _cautions(sweep: Sweep) -> list[Words]:
    told: list[Words] = [(line,) for line in remarks.of_sweep(sweep.manifest["study"])]
    if len(sweep.experiments) < sweep.manifest["runs"]:
        told.append(say("The sweep is not finished: the same command goes on with it."))
    seeds = int(sweep.manifest["study"]["seeds"])
    if seeds < analysis.LEAST_SEEDS:
        told.append(say("Few seeds a point, {}: intervals that rest on so few say little.", count(seeds)))
    return told


def _analyses(sweep: Sweep, outcome: str) -> list[Table]:
    """Return what matters for an outcome, and how it answers to each setting."""
    tables = []
    try:
        found = analysis.sensitivity(sweep, outcome)
        unit = "" if "total" in found else difference_of(_unit(sweep, outcome))
        rows = [
            [(str(one["setting"]),), (number(float(one["index"]), unit),),
             span(float(one["low"]), float(one["high"]), unit)]
            for one in found.to_dict("records")
        ]  # fmt: skip
        what = {"saltelli": "share of its variance, alone", "morris": "mean effect over the whole range"}
        told = what.get(sweep.manifest["study"]["design"], "mean at the highest tenth less the lowest")
        tables.append(
            Table(f"What {_label(sweep, outcome)} depends on", ("setting", told, "95 % interval"), rows)
        )
    except UserError:
        pass
    for path in sweep.axes[:MOST_AXES]:
        response = analysis.response(sweep, outcome, path)
        if len(response) <= 20:
            unit = _unit(sweep, outcome)
            rows = [
                [(_setting(one[path]),), (number(float(one["mean"]), unit, 4),),
                 span(float(one["low"]), float(one["high"]), unit, 4), (count(one["runs"]),)]
                for one in response.to_dict("records")
            ]  # fmt: skip
            heads = (path, "mean", "95 % interval", "runs")
            tables.append(Table(f"{_label(sweep, outcome)} by {path}, over all else", heads, rows))
    return tables


def _setting(value: Any) -> str:
    return spell(value.item() if isinstance(value, np.generic) else value)


def _points(sweep: Sweep, outcomes: list[str]) -> list[Table]:
    """Return the mean outcomes of each point; of many points the first.

    So few columns to a table that words of its heads stay whole on a printed page, in as many tables as that
    takes; the settings that vary stand in each of them, or, where they are many, in one of their own.
    """
    points, means = sweep.means()
    shown = list(means.index)[:MOST_POINTS]
    last = [path.rpartition(".")[2] for path in sweep.axes]
    short = [
        name if len(path) > LONGEST_HEAD and last.count(name) == 1 else path
        for name, path in zip(last, sweep.axes, strict=True)
    ]
    names = ["point", *short]
    settings: list[list[Words]] = [
        [(str(point),), *((_setting(points.loc[point, path]),) for path in sweep.axes)] for point in shown
    ]
    left = len(means) - MOST_POINTS
    note = "Means over the seeds of each point; summary.csv has all outcomes."
    note += f" {left:,} further points are left out here." if left > 0 else ""
    tables = []
    kept = len(names) if len(sweep.axes) < MOST_SETTINGS_BESIDE else 1
    if kept == 1:
        tables.append(
            Table("Settings of the points", names, settings, texts=len(names), small=True, counted=True)
        )
    each = MOST_COLUMNS - 3 * max(0, kept - 2)
    for first in range(0, len(outcomes), each):
        some = outcomes[first : first + each]
        rows = [
            [
                *words[:kept],
                *((number(_float(means.loc[point, name]), _unit(sweep, name), 4),) for name in some),
            ]
            for point, words in zip(shown, settings, strict=True)
        ]
        title = "Points" if not first else "Points, further outcomes"
        heads = [*names[:kept], *(_label(sweep, name) for name in some)]
        tables.append(Table(title, heads, rows, texts=kept, small=True, counted=True))
    return [*tables[:-1], replace(tables[-1], note=note)] if tables else []


def _float(value: Any) -> float:
    return float(value) if value is not None else math.nan


def _failed(sweep: Sweep) -> Table:
    """Return the runs that failed, and why."""
    failed = sweep.experiments[sweep.experiments["status"] == FAILED]
    rows: list[list[Words]] = [
        [(str(run),), (str(one["point"]),), (str(one["seed"]),), (clean(str(one["error"]))[-LONGEST_ERROR:],)]
        for run, one in list(failed.iterrows())[:MOST_FAILED]
    ]
    left = len(failed) - MOST_FAILED
    note = f"{left:,} further failed runs are left out here." if left > 0 else ""
    return Table("Runs that failed", ("run", "point", "seed", "error"), rows, note, texts=4, small=True)


def _assumed(page: Page, sweep: Sweep) -> None:
    """Say what all points set otherwise than usual; a study whose files are gone is told as it was asked."""
    study = Study.from_plain(sweep.manifest["study"])
    try:
        config = Composer(study).config_of_point(0)
    except UserError:
        rows = [((word,),) for word in study.settings]
        page.assumed.append(Table("Settings of all points", ("",), rows))
        return
    common.assumptions(page, config, but=sweep.axes)
