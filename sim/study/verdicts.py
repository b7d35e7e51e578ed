"""Verdicts on the public targets and on further patterns, from the statistics of many runs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from sim.outcomes.evidence import change_less_all
from sim.outcomes.indicators import Missing
from sim.study.targets import GL, MT, PATTERNS, TARGETS, Part, Pattern, Target
from sim.study.trials import BY_NAME

CONFIDENCE = 0.95
AT_REST = 0.05
"""Change between the halves of a window up to which a market is said to be at rest."""

HIT, MISS, UNKNOWN, UNSEEN = "hit", "MISS", "no value", "not observed"
HOLDS, CONTRADICTED, UNDECIDED = "holds", "CONTRADICTED", "undecided"
FEES = 0.2, 0.4
"""Fees on requesters between which the volume is compared."""

Values = Mapping[str, float]
Runs = Mapping[tuple[str, int], Values]
"""Statistics of each run by (trial, seed)."""


class Summary(NamedTuple):
    """A statistic over seeds: median, interval of the median (None with too few seeds), how many seeds."""

    value: float | None
    low: float | None
    high: float | None
    runs: int


def summarise(values: Sequence[float]) -> Summary:
    """Return the median and its 95 % interval, between two order statistics, from six seeds on.

    The number of values below the true median is binomial, whatever the distribution.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        return Summary(None, None, None, 0)
    rank = int(stats.binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if 2 * stats.binom.cdf(rank, n, 0.5) > 1 - CONFIDENCE:
        rank -= 1
    median = float(np.median(ordered))
    if rank < 0:
        return Summary(median, None, None, n)
    return Summary(median, float(ordered[rank]), float(ordered[n - 1 - rank]), n)


def over_seeds(runs: Runs, trial: str, key: str) -> list[float]:
    """Return a statistic of all seeds of a trial that have it."""
    return [values[key] for (name, _), values in sorted(runs.items()) if name == trial and key in values]


def with_pairs(runs: Runs) -> dict[tuple[str, int], Values]:
    """Return the runs and, under the trial `paired`, what two trials of the same seed say together."""
    found = dict(runs)
    for seed in sorted({seed for _, seed in runs}):
        found["paired", seed] = paired({name: values for (name, own), values in runs.items() if own == seed})
    return found


def paired(trials: Mapping[str, Values]) -> dict[str, float]:
    """Return what trials of one seed say together."""
    mt, gl = trials.get("mt", {}), trials.get("gl", {})
    made: dict[str, float] = {}
    for kind in ("microwork", "writing"):
        with contextlib.suppress(KeyError, Missing):
            made[f"ai_{kind}_less_all"] = change_less_all(dict(trials["ai"]), dict(gl), kind)
    premium, open_premium = (one.get("experience_premium", 0.0) for one in (mt, trials.get("no_records", {})))
    if open_premium > 0:
        made["learning_premium"] = open_premium
        if premium > 0:
            made["barrier_premium"] = math.log(premium / open_premium)
    dear = trials.get("dear_platform", {})
    if mt.get("hours_paid", 0.0) > 0 and dear.get("hours_paid", 0.0) > 0:
        low, high = FEES
        made["volume_by_fee"] = math.log(dear["hours_paid"] / mt["hours_paid"]) / math.log(
            (1 + high) / (1 + low)
        )
    cut = trials.get("demand_cut", {})
    if "worker_half_life" in mt and "worker_half_life" in cut:
        made["half_life_after_cut"] = cut["worker_half_life"] / mt["worker_half_life"]
    return made


# ---------------------------------------------------------------- targets


def judge(part: Part, runs: Runs, trial: str) -> dict[str, Any]:
    """Return a part's value in a trial, and whether it is in the band."""
    found = summarise(over_seeds(runs, trial, part.key))
    verdict = UNKNOWN if found.value is None else HIT if part.holds(found.value) else MISS
    return {"value": found.value, "interval": _interval(found), "runs": found.runs, "verdict": verdict}


def _interval(found: Summary) -> list[float] | None:
    return None if found.low is None or found.high is None else [found.low, found.high]


def judge_target(target: Target, runs: Runs) -> dict[str, Any]:
    """Return all that is said of a target."""
    parts: list[dict[str, Any]] = []
    for part in target.parts:
        rest = {"key": part.key, "label": part.label, "unit": part.unit, "observed": part.observed}
        band = {"low": _finite(part.low), "high": _finite(part.high)}
        without = f"{target.played}_without_largest"
        others = {name: judge(part, runs, name) for name in target.mechanisms}
        parts.append(
            rest
            | band
            | judge(part, runs, target.played)
            | {"without_largest": judge(part, runs, without), "mechanisms": others}
        )
    counts, why = whether_it_counts(target, runs)
    verdict = together(part["verdict"] for part in parts)
    also_met = [
        name
        for name in target.mechanisms
        if verdict == HIT and together(part["mechanisms"][name]["verdict"] for part in parts) == HIT
    ]
    return {
        "name": target.name,
        "title": target.title,
        "statistic": target.statistic,
        "configuration": target.configuration,
        "trial": target.played,
        "source": target.source,
        "confidence": target.confidence,
        "verdict": verdict,
        "without_largest": together(part["without_largest"]["verdict"] for part in parts),
        "counts": counts,
        "why": why,
        "also_met": also_met,
        "parts": parts,
    }


def together(verdicts: Iterable[str]) -> str:
    """Return the verdict on a target: a hit if all of its parts are."""
    all_of = list(verdicts)
    if MISS in all_of:
        return MISS
    return UNKNOWN if UNKNOWN in all_of else HIT


def whether_it_counts(target: Target, runs: Runs) -> tuple[bool, str]:
    """Return whether a target counts, and why."""
    if not target.input:
        return True, "it is no input: it follows from what the agents do"
    if not target.freed_by:
        return False, f"{target.input}, so it says little"
    what = BY_NAME[target.freed_by].what
    freed = together(judge(part, runs, target.freed_by)["verdict"] for part in target.parts)
    if freed == HIT:
        return True, f"{target.input}; but it is met also where that is taken away ({what})"
    told = "has no value" if freed == UNKNOWN else "is missed"
    return False, f"{target.input}; where that is taken away ({what}) it {told}"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


# ---------------------------------------------------------------- patterns


def judge_pattern(pattern: Pattern, runs: Runs) -> dict[str, Any]:
    """Return all that is said of a pattern."""
    found = summarise(over_seeds(runs, pattern.scenario, pattern.key))
    return {
        "name": pattern.name,
        "title": pattern.title,
        "statistic": pattern.statistic,
        "key": pattern.key,
        "unit": pattern.unit,
        "source": pattern.source,
        "input": pattern.input,
        "expected": "above" if pattern.sign > 0 else "below",
        "null": pattern.null,
        "low": pattern.low,
        "high": pattern.high,
        "value": found.value,
        "interval": _interval(found),
        "runs": found.runs,
        "sign": sign_of(pattern, found),
        "size": size_of(pattern, found.value),
    }


def size_of(pattern: Pattern, value: float | None) -> str:
    """Return whether the size fits, where one was observed."""
    if pattern.low is None:
        return UNSEEN
    return UNKNOWN if value is None else HIT if pattern.has_size(value) else MISS


def sign_of(pattern: Pattern, found: Summary) -> str:
    """Return whether the sign holds for the whole interval; undecided where few seeds give none."""
    if found.value is None:
        return UNKNOWN
    if found.low is None or found.high is None:
        return UNDECIDED
    right = [pattern.has_sign(end) for end in (found.low, found.high)]
    if all(right):
        return HOLDS
    return UNDECIDED if any(right) or found.value == pattern.null else CONTRADICTED


# ---------------------------------------------------------------- whether the warm-up suffices


DRIFTS = {
    "drift_pay": "pay of all workers",
    "drift_hours": "hours paid",
    "drift_active": "workers on duty on a day",
    "drift_seen": "workers seen in 30 days, last against first of three years",
}


def stationarity(runs: Runs) -> list[dict[str, Any]]:
    """Return how much each configuration still changes in its window."""
    rows = []
    for configuration, trial in ((MT, "mt"), (GL, "gl")):
        for key, what in DRIFTS.items():
            found = summarise(over_seeds(runs, trial, key))
            if found.value is None or (key == "drift_seen" and trial == "gl"):
                continue
            rows.append(
                {
                    "configuration": configuration,
                    "what": what,
                    "value": found.value,
                    "interval": _interval(found),
                    "at_rest": abs(found.value) <= AT_REST,
                }
            )
    return rows


def conclude(runs: Runs, reasons: Mapping[tuple[str, int], Mapping[str, str]]) -> dict[str, Any]:
    """Return all verdicts; ``reasons`` say of each run what has no value and why."""
    known = with_pairs(runs)
    played = {name for name, _ in known}
    targets = [judge_target(one, known) for one in TARGETS if _played(one.played, one.configuration, played)]
    patterns = [judge_pattern(one, known) for one in PATTERNS if "mt" in played]
    counted = [one for one in targets if one["counts"]]
    return {
        "targets": targets,
        "patterns": patterns,
        "stationarity": stationarity(known),
        "reasons": _why_missing(known, reasons),
        "score": {
            "counted": len(counted),
            "counted_hit": sum(one["verdict"] == HIT for one in counted),
            "all": len(targets),
            "all_hit": sum(one["verdict"] == HIT for one in targets),
            "patterns": len(patterns),
            "signs_that_hold": sum(one["sign"] == HOLDS for one in patterns),
            "sizes": sum(one["size"] != UNSEEN for one in patterns),
            "sizes_that_fit": sum(one["size"] == HIT for one in patterns),
        },
    }


def _played(trial: str, configuration: str, played: set[str]) -> bool:
    return configuration.lower() in played and (trial in played or trial == "paired")


def _why_missing(
    runs: Runs, reasons: Mapping[tuple[str, int], Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return for each trial what has a value in no run, with the first reason met."""
    judged = {part.key for target in TARGETS for part in target.parts} | {one.key for one in PATTERNS}
    told: dict[str, dict[str, str]] = {}
    for (trial, _), ours in sorted(reasons.items()):
        for name, why in ours.items():
            if name in judged and not over_seeds(runs, trial, name):
                told.setdefault(trial, {}).setdefault(name, why)
    return told
