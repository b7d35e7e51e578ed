"""A validation on the console: each target with value, interval, band and verdict; misses beside hits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from sim.outcomes.width import aligned, wrapped
from sim.study.targets import FITTED
from sim.study.trials import BY_NAME
from sim.study.verdicts import HIT, UNKNOWN

WIDTH = 110
FITTED_TO = "assumptions were fitted to it, so a hit is no test"
NOTHING_FITTED = "calibration=none"
HEADS = ["", "value", "95 % interval", "band", "observed", "", "without largest"]


def print_verdicts(verdicts: Mapping[str, Any], file: TextIO | None = None) -> None:
    """Print all verdicts."""
    stream = sys.stdout if file is None else file
    stream.write("\n".join(lines(verdicts)) + "\n")


def lines(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield from of_targets(verdicts)
    yield ""
    yield from of_patterns(verdicts)
    yield ""
    yield from of_rest(verdicts)
    yield ""
    yield from wrapped(score(verdicts), WIDTH)


def number(value: float | None) -> str:
    """Return a number for reading, three figures."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(low: float | None, high: float | None) -> str:
    """Return a band or interval; an end that is None is open."""
    if low is None and high is None:
        return "-"
    if low is None:
        return f"< {number(0.0 if high is None or abs(high) < 1e-9 else high)}"
    return f">= {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def interval(found: Mapping[str, Any]) -> str:
    """Return an interval; a dash where there are too few seeds for one."""
    return span(*found["interval"]) if found["interval"] else "-"


def of_targets(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the targets, each with its parts and with what it becomes when a mechanism is switched off."""
    yield "Targets: median over seeds, against the band that was observed"
    rows = [HEADS]
    notes: list[list[str]] = []
    for target in verdicts["targets"]:
        rows.append([f"{target['name']} {target['title']} ({target['configuration']})"])
        notes.append([])
        for part in target["parts"]:
            rows.append(_part(part))
            notes.append(_mechanisms(part))
        if caution := caution_of(target):
            notes[-1] += wrapped(caution, WIDTH - 6)
        fit = f"; {FITTED_TO}" if target["name"] in fitted_of(verdicts) else ""
        notes[-1] += wrapped(
            f"{'counts' if target['counts'] else 'does not count'}: {target['why']}{fit}", WIDTH - 6
        )
    full = [row if len(row) > 1 else [""] * len(HEADS) for row in rows]
    table = aligned(full, WIDTH + 40)
    yield table[0]
    for row, line, told in zip(rows[1:], table[1:], notes, strict=True):
        yield row[0] if len(row) == 1 else line
        yield from (f"      {one}" for one in told)
    for target in verdicts["targets"]:
        for part in target["parts"]:
            why = verdicts["reasons"].get(target["trial"], {}).get(part["key"])
            if part["verdict"] == UNKNOWN and why:
                yield f"{target['name']}, {part['label']}: no value, {why}."


def caution_of(target: Mapping[str, Any]) -> str:
    """Say that a target is met also with a mechanism switched off, so that it does not rest on that one."""
    if not target["also_met"] or not target["counts"]:
        return ""
    return f"caution: met also if {', or if '.join(BY_NAME[name].what for name in target['also_met'])}"


def _part(part: Mapping[str, Any]) -> list[str]:
    without = part["without_largest"]
    return [
        f"  {part['label']}",
        number(part["value"]),
        interval(part),
        span(part["low"], part["high"]),
        number(part["observed"]),
        part["verdict"],
        f"{number(without['value'])} {without['verdict']}" if without["runs"] else "-",
    ]


def _mechanisms(part: Mapping[str, Any]) -> list[str]:
    return [
        f"if {BY_NAME[name].what}: {number(found['value'])} ({found['verdict']})"
        for name, found in part["mechanisms"].items()
    ]


def of_patterns(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the further patterns: sign and size."""
    if not verdicts["patterns"]:
        return
    yield "Patterns: sign, and size where one was observed"
    rows = [["", "value", "95 % interval", "seeds", "expected", "sign", "sizes", "size"]]
    for one in verdicts["patterns"]:
        mark = " *" if one["input"] else ""
        rows.append(
            [
                f"{one['name']} {one['title']}{mark}",
                number(one["value"]),
                interval(one),
                str(one["runs"]),
                f"{one['expected']} {number(one['null'])}",
                one["sign"],
                span(one["low"], one["high"]),
                one["size"],
            ]
        )
    yield from aligned(rows, WIDTH + 40)
    yield "* rests on an assumed number; docs/validation.md says which"


def of_rest(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """Yield how far each configuration is from rest after the warm-up."""
    days = verdicts["about"]["warmup_days"]
    yield f"Whether {days} days of warm-up suffice: change from the first to the second half of the window"
    rows = [
        [
            f"  {one['configuration']} {one['what']}",
            f"{100 * one['value']:+.1f} %",
            f"{100 * one['interval'][0]:+.1f} to {100 * one['interval'][1]:+.1f} %"
            if one["interval"]
            else "-",
            "at rest" if one["at_rest"] else "NOT AT REST",
        ]
        for one in verdicts["stationarity"]
    ]
    yield from aligned(rows, WIDTH) if rows else []


def fitted_of(verdicts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the targets that assumptions were fitted to; none where the bare assumptions are played."""
    return () if NOTHING_FITTED in verdicts["about"]["settings"] else FITTED


def score(verdicts: Mapping[str, Any]) -> str:
    """Return how many targets and patterns are met; what was fitted is no test, and is told apart."""
    found, fitted = verdicts["score"], fitted_of(verdicts)
    counted = [one for one in verdicts["targets"] if one["counts"]]
    tests = [one for one in counted if one["name"] not in fitted]
    apart = (
        f" ({sum(one['verdict'] == HIT for one in tests)} of the {len(tests)} that nothing was fitted to)"
        if len(tests) < len(counted)
        else ""
    )
    return (
        f"{found['counted_hit']} of {found['counted']} targets that count are met{apart},"
        f" {found['all_hit']} of all {found['all']}; of {found['patterns']} patterns the sign holds in"
        f" {found['signs_that_hold']}, and of {found['sizes']} sizes that were observed"
        f" {found['sizes_that_fit']} are met."
    )
