"""Figures of a validation: what the model gives against the band that was observed, target by target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.figures import style
from sim.study.trials import BY_NAME
from sim.study.verdicts import HIT

INDIA_ODDS = "india_odds_08_10"
HALF_LIFE = "half_life_recapture"
BANDS = "Shaded: the band observed, with the value in it. Bars: 95 % intervals of the median over seeds. "
COLORS = {True: style.BLUE, False: style.VERMILLION}


def caption_of(verdicts: Mapping[str, Any], trial: str) -> str:
    """Return what a figure of a validation rests on."""
    about, played = verdicts["about"], verdicts["about"]["trials"][trial]
    seeds = sum(row["trial"] == trial for row in verdicts["by_seed"])
    return (
        f"{BANDS}Simulated: {played['workers']:,} workers, {played['requesters']:,} requesters,"
        f" {played['days']:,} days after {about['warmup_days']} of warm-up, {seeds} seeds;"
        f" clickmarket {about['version']}; validation {about['identity'][:12]}."
    )


def draw_validation(verdicts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a figure for each target, and one of all, as PNG and SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = style.save(overview(verdicts), folder, "targets")
    for target in verdicts["targets"]:
        paths += style.save(target_figure(verdicts, target), folder, target["name"])
    if verdicts["patterns"]:
        paths += style.save(patterns_figure(verdicts), folder, "patterns")
    return paths


def _known_trial(verdicts: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """Return the trial that a caption tells of; pairs are made of the configuration's own."""
    trial = str(target["trial"])
    return trial if trial in verdicts["about"]["trials"] else str(target["configuration"]).lower()


def rows_of(part: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what a part's panel shows, from the top: the model, without the largest requester, and so on."""
    rows = [("model", part), ("without the largest requester", part["without_largest"])]
    rows += [(BY_NAME[name].what, found) for name, found in part["mechanisms"].items()]
    return [(label, found) for label, found in rows if found["value"] is not None]


@style.drawn
def target_figure(verdicts: Mapping[str, Any], target: Mapping[str, Any]) -> Figure:
    """Draw a target: a panel for each part, and the model's curve where the target is about one."""
    caption = caption_of(verdicts, _known_trial(verdicts, target))
    parts = [part for part in target["parts"] if rows_of(part)]
    if not parts:
        return style.empty_figure(f"{target['name']}: no value", caption)
    curve = _curve_of(verdicts, target)
    heights = [0.32 + 0.17 * len(rows_of(part)) for part in parts] + [1.3] * (curve is not None)
    figure = style.new_figure(style.PAGE, sum(heights) + 0.35 * len(heights), caption)
    panels = np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights))
    for axes, part in zip(panels, parts, strict=False):
        panel(axes, part)
    if curve is not None:
        curve(panels[-1])
    title = f"{target['name']} {target['title']}: {target['verdict']}"
    figure.suptitle(title, x=0.01, ha="left", size=7.5, weight="bold")
    return figure


def panel(axes: Axes, part: Mapping[str, Any]) -> None:
    """Draw a part: the band, and a row for the model and each thing switched off."""
    rows = rows_of(part)
    _band(axes, part)
    for place, (_, found) in enumerate(rows):
        color = COLORS[found["verdict"] == HIT]
        if found["interval"]:
            axes.hlines(place, *found["interval"], color=style.tint(color, 0.6), linewidth=1.6)
        axes.plot(
            found["value"], place, "o" if place == 0 else "D", color=color, markersize=4 if place == 0 else 3
        )
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.08)
    unit = (
        ""
        if part["unit"] in ("ratio", "odds ratio", "share", "exponent", "elasticity")
        else f" ({part['unit']})"
    )
    axes.set_xlabel(f"{part['label']}{unit}")


def _band(axes: Axes, part: Mapping[str, Any]) -> None:
    """Shade the band; an open end reaches as far as what is drawn."""
    values = [value for _, found in rows_of(part) for value in (found["value"], *(found["interval"] or ()))]
    ends = [*values, part["observed"]]
    spread = max(ends) - min(ends) or 1.0
    low = part["low"] if part["low"] is not None else min(ends) - 0.2 * spread
    high = part["high"] if part["high"] is not None else max(ends) + 0.2 * spread
    axes.axvspan(low, high, color=style.PALE, zorder=0, linewidth=0)
    axes.axvline(part["observed"], color=style.GREY, linewidth=0.8, zorder=1)


def _curve_of(verdicts: Mapping[str, Any], target: Mapping[str, Any]) -> Any:
    """Return what draws the curve that a target is about, None for most."""
    keys = {part["key"] for part in target["parts"]}
    own = verdicts["curves"].get("mt", {})
    if INDIA_ODDS in keys and own.get("india_by_hour"):
        return lambda axes: _by_hour(axes, np.array(own["india_by_hour"]))
    if HALF_LIFE in keys and own.get("recapture"):
        part = next(one for one in target["parts"] if one["key"] == HALF_LIFE)
        return lambda axes: _seen_again(axes, own["recapture"], part)
    return None


def _by_hour(axes: Axes, shares: np.ndarray[Any, Any]) -> None:
    """Draw India's share by UTC hour, and what was observed of it, both as odds ratios to the daily mean."""
    mean = shares.mean(axis=1, keepdims=True)
    odds = shares / (1 - shares) / (mean / (1 - mean))
    hours = np.arange(24) + 0.5
    low, high = np.percentile(odds, [5, 95], axis=0)
    axes.fill_between(hours, low, high, color=style.tint(style.BLUE), linewidth=0)
    axes.plot(hours, np.median(odds, axis=0), color=style.BLUE)
    for first, observed in ((8, 4.0), (20, 4 / 19)):
        axes.hlines(observed, first, first + 2, color=style.GREY, linewidth=2)
    _log_scale(axes, (0.25, 0.5, 1, 2, 4))
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 4))
    axes.set_xlabel("UTC hour (grey: observed)")
    axes.set_ylabel("odds ratio")


def _log_scale(axes: Axes, ticks: tuple[float, ...]) -> None:
    axes.set_yscale("log")
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _seen_again(axes: Axes, curves: list[list[float]], part: Mapping[str, Any]) -> None:
    """Draw who is seen again by the months between, and how that would fall at the half-life observed."""
    length = min(map(len, curves))
    again = np.array([curve[:length] for curve in curves])
    months = np.arange(1, length + 1)
    for curve in again:
        axes.plot(months, curve, color=style.tint(style.BLUE), linewidth=0.5)
    middle = np.median(again, axis=0)
    axes.plot(months, middle, color=style.BLUE)
    expected = middle[0] * np.exp(-math.log(2) * 30 * (months - 1) / part["observed"])
    axes.plot(months, expected, color=style.GREY, linestyle="--")
    _log_scale(axes, (0.1, 0.2, 0.3, 0.5, 0.7, 1))
    axes.set_ylim(min(float(again.min()), float(expected[-1])) * 0.9, 1.0)
    axes.set_xlabel("periods of 30 days later (dashed: observed)")
    axes.set_ylabel("seen again")


@style.drawn
def overview(verdicts: Mapping[str, Any]) -> Figure:
    """Draw all parts of all targets, each on the scale of its own band: 0 its lower end, 1 its upper end."""
    rows = [
        (f"{target['name']} {part['label']}{'' if target['counts'] else ' *'}", part)
        for target in verdicts["targets"]
        for part in target["parts"]
        if part["value"] is not None and part["low"] is not None and part["high"] is not None
    ]
    trial = next(iter(verdicts["about"]["trials"]))
    caption = f"{caption_of(verdicts, trial)} Starred: does not count. Beyond the axis: drawn at its end."
    if not rows:
        return style.empty_figure("no value", caption)
    figure = style.new_figure(style.PAGE, 0.5 + 0.16 * len(rows), caption)
    axes = figure.subplots()
    axes.axvspan(0, 1, color=style.PALE, zorder=0, linewidth=0)
    for place, (_, part) in enumerate(rows):
        color = COLORS[part["verdict"] == HIT]
        at, low, high = (
            float(np.clip((value - part["low"]) / (part["high"] - part["low"]), -2, 3))
            for value in (part["value"], *(part["interval"] or (part["value"], part["value"])))
        )
        axes.hlines(place, low, high, color=style.tint(color, 0.6), linewidth=1.4)
        axes.plot(at, place, "o", color=color, markersize=3, clip_on=False)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-2.1, 3.1)
    axes.set_xticks([0, 1], ["lowest", "highest"])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("observed")
    return figure


@style.drawn
def patterns_figure(verdicts: Mapping[str, Any]) -> Figure:
    """Draw each pattern in a small panel: value, interval, the null and the sizes that were observed."""
    shown = [one for one in verdicts["patterns"] if one["value"] is not None]
    caption = caption_of(verdicts, "mt") + " Dotted: no effect."
    if not shown:
        return style.empty_figure("no value", caption)
    figure = style.new_figure(style.PAGE, 0.42 * len(shown) + 0.2, caption)
    for axes, one in zip(np.atleast_1d(figure.subplots(len(shown), 1)), shown, strict=True):
        color = style.BLUE if one["sign"] == "holds" else style.VERMILLION
        low, high = one["interval"] or (one["value"], one["value"])
        if one["low"] is not None:
            axes.axvspan(one["low"], one["high"], color=style.PALE, linewidth=0, zorder=0)
        axes.axvline(one["null"], color=style.GREY, linestyle=":", linewidth=0.8)
        axes.hlines(0, low, high, color=style.tint(color, 0.6), linewidth=1.4)
        axes.plot(one["value"], 0, "o", color=color, markersize=3)
        axes.set_yticks([0], [f"{one['name']} {one['title']}"])
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.margins(x=0.06)
    return figure
