"""What a sweep shows: which settings matter, where outcomes lie, how many seeds are enough.

Every function takes the two tables of a sweep and returns a table; none of them plays anything. Means over
the seeds of a point are what settings are held against; intervals come from the seeds or by resampling, with
a fixed seed, so that the same sweep gives the same table. Runs that differ in settings alone are no
replicates: with one seed an outcome along a setting has no interval. Where runs failed or are missing, points
are compared on the seeds that all of them have: else one that lacks a seed would differ by its luck.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sim.errors import UserError, nearest_or_first, one_of
from sim.schema import spell
from sim.study.designs import DRAWN, Axis
from sim.study.points import Composer, Study
from sim.study.reading import Sweep, in_order
from sim.study.remarks import EXTERNAL, FUNDING
from sim.study.store import FAILED

CONFIDENCE = 0.95
LEAST_SEEDS = 5
"""Seeds, or pairs of runs, below which an interval is said to rest on few."""

LEAST_POINTS = 10
"""Points below which a box is said to rest on few (a convention)."""

MOST_LEVELS = 12
POINTS_A_PART = 5
"""A setting of which a design draws more values than the first is put together in equal parts of its range,
at most as many, so that each holds about as many points as the second says (conventions)."""

WIDE = 0.2
NO_SHARE = 0.01
"""A Sobol' index with an interval wider than the first, or by more than the second below 0 or above 1, is
said to rest on few base points (conventions)."""

ONE_SEED = "one seed: no interval"

RESAMPLES = 500
LEAST_IN_BOX = 0.1
"""Share of all points that a box found by peeling still holds."""

PEEL = 0.05
"""Share of points that one step of peeling takes away (Friedman and Fisher 1999, Stat. Comput.)."""

Floats = NDArray[np.float64]


def check_outcome(sweep: Sweep, name: str, word: str = "outcome") -> str:
    """Return the name of an outcome, asked for by ``word``; refuse one not there, or that no run has."""
    if name not in sweep.outcomes:
        raise UserError(
            f"{word}={name} is none of this sweep's.",
            path=word,
            value=name,
            allowed="an outcome: a column of summary.csv after failed",
            nearest=f"{word}={nearest_or_first(name, sweep.outcomes.columns)}",
        )
    if not np.isfinite(sweep.outcomes[name]).any():
        there = [str(other) for other in sweep.outcomes if np.isfinite(sweep.outcomes[other]).any()]
        raise UserError(
            "has no value in any run.",
            path="outcome",
            value=name,
            allowed="an outcome that some run has",
            nearest=f"outcome={nearest_or_first(name, there)}" if there else "",
        )
    return name


def check_axis(sweep: Sweep, name: str, path: str) -> str:
    """Return the name of a setting that varies; refuse one that does not."""
    return str(one_of(path, name, sweep.axes, "is not varied in this sweep."))


# ---------------------------------------------------------------- which settings matter


def sensitivity(sweep: Sweep, outcome: str) -> pd.DataFrame:
    """Return how much each setting matters for an outcome, the most important first.

    After ``design=saltelli``: first-order and total Sobol' indices (``index``, ``total``) with bootstrap
    intervals. After ``design=morris``: the mean absolute elementary effect (``index``), over the whole range
    of a setting or from one choice to another, with its interval, the mean and the deviation of effects, and
    how many of them are no copies. After any other design: by how much the mean outcome differs between the
    lowest and the highest tenth of a setting, or the best and the worst choice (``index``), with its
    interval (Welch's; of three choices and more Tukey's and Kramer's, for best and worst were picked);
    NaN where an end, or any choice, has no value. ``attrs["notes"]`` holds sentences about what is missing.

    Raises
    ------
    UserError
        If the outcome is not there, or points of a design that needs all of them are missing.
    """
    check_outcome(sweep, outcome)
    if not sweep.axes:
        raise UserError(
            "This sweep varies nothing, so that no setting can matter.",
            path=str(sweep.path),
            allowed="a sweep of settings with several values each",
            nearest="clickmarket sweep workers.broker_cut=0.1,0.2",
        )
    design = sweep.manifest["study"]["design"]
    if design == "saltelli":
        table = _sobol(sweep, outcome)
    elif design == "morris":
        table = _morris(sweep, outcome)
    else:
        table = _ends(sweep, outcome)
    order = np.argsort(-np.abs(table["index"].to_numpy()), kind="stable")
    found = table.iloc[order].reset_index(drop=True)
    found.attrs["notes"] = [*table.attrs["notes"], *filter(None, [never_tried(sweep)])]
    return found


def never_tried(sweep: Sweep) -> str:
    """Say which values of a list no point of a design that draws has; nothing if each has one."""
    study = Study.from_plain(sweep.manifest["study"])
    if study.design not in DRAWN:
        return ""
    points = Composer(study).points
    never = [
        f"{axis.path}={spell(value)}"
        for place, axis in enumerate(study.axes)
        for value in _missing(axis.values, [point[place] for point in points])
    ]
    named = ", ".join(never[:CHOICES_NAMED]) + f" and {len(never) - CHOICES_NAMED} more" * (
        len(never) > CHOICES_NAMED
    )
    return (
        f"Never tried: {named}: none of the {len(points):,} points that were drawn has it." if never else ""
    )


def _missing(values: Sequence[Any], tried: Sequence[Any]) -> list[Any]:
    there = set(tried)
    return [value for value in values if value not in there]


def covered(sweep: Sweep, outcome: str) -> str:
    """Say what the index of `sensitivity` is, what its intervals cover, and what they do not."""
    study = Study.from_plain(sweep.manifest["study"])
    over = {
        "saltelli": f"base points drawn again {RESAMPLES} times: which points the design drew",
        "morris": "trajectories (Student's t): which of them the design drew",
    }.get(study.design, f"the points at either end ({_method_told(sweep)}): what else differs between them")
    index = {
        "saltelli": "index: share of the variance that is the setting's alone; total: also with others. ",
        "morris": f"index: mean size of the effect of {_steps_told(study.axes)}. ",
    }.get(study.design, f"index: {ends_told(sweep)}. ")
    return f"{index}95 % intervals are over {over}. {_shared_told(sweep, outcome)}"


def _method_told(sweep: Sweep) -> str:
    """Name the method of intervals between ends: of more than two choices best and worst are picked."""
    counts = [sweep.experiments[axis].nunique() for axis in sweep.axes]
    picked = [
        not _is_ordered(sweep.experiments[axis]) and count > 2
        for axis, count in zip(sweep.axes, counts, strict=True)
    ]
    tukey = "Tukey and Kramer, for best and worst were picked"
    if all(picked):
        return tukey
    return f"Welch; of more than two choices {tukey}" if any(picked) else "Welch"


def _shared_told(sweep: Sweep, outcome: str) -> str:
    """Say which seeds points share, whose luck no interval over points covers."""
    few, shared = fewer_seeds(sweep, [outcome]), len(sweep.shared_seeds([outcome]))
    if not shared:
        return few
    whole = sweep.valued([outcome])["point"].nunique() == _points_asked(sweep)
    seeds = "the same seed" if shared == 1 else f"the same {shared} seeds"
    told = f"{'All points' if whole else 'The points compared'} share {seeds}, whose luck no interval covers."
    return f"{told} {few}".strip()


def _points_asked(sweep: Sweep) -> int:
    """Return how many points the sweep has when it is done."""
    return int(sweep.manifest.get("runs", len(sweep.experiments))) // int(sweep.manifest["study"]["seeds"])


def fewer_seeds(sweep: Sweep, outcomes: Sequence[str]) -> str:
    """Say on which seeds points are compared if some have fewer than asked for; nothing if none has."""
    asked, there = int(sweep.manifest["study"]["seeds"]), sweep.valued(outcomes)
    seeds, shared = there.groupby("point")["seed"].nunique(), len(sweep.shared_seeds(outcomes))
    if shared == asked or seeds.empty:
        return ""
    tried = sweep.experiments.drop_duplicates("point").set_index("point").loc[seeds.index, sweep.axes]
    fewer = (seeds < asked).to_numpy()
    which = "all points have" if fewer.all() else f"{_named(tried, fewer)} have"
    of = f"of {asked} seeds, as runs failed, are missing or have no value"
    if shared:
        on = "1 seed" if shared == 1 else f"{shared} seeds"
        return f"Compared on the {on} that all points with a value share: {which} fewer {of}."
    least, most = int(seeds.min()), int(seeds.max())
    many = f"{least}" if least == most else f"{least} to {most}"
    return (
        f"Caution: no seed is shared by all points: {which} fewer {of}. Points have {many} each,"
        " and differ by the luck of their seeds, too."
    )


def _steps_told(axes: Sequence[Axis]) -> str:
    """Say over what distance the effects of Morris's design are told."""
    choices = [_are_choices(axis) for axis in axes]
    factors = " (of its logarithm, where it is drawn by factors)" * any(axis.logarithmic for axis in axes)
    whole, other = f"the setting's whole range{factors}", "another choice (mean: a later one less an earlier)"
    if all(choices):
        return other
    return f"{whole}; of a group, of {other}" if any(choices) else whole


def ends_told(sweep: Sweep) -> str:
    """Say what the index of `sensitivity` is where a design has no index of its own."""
    ordered = [_is_ordered(sweep.experiments[axis]) for axis in sweep.axes]
    numbers = "the outcome in the highest tenth of the setting less that in the lowest"
    choices = "the outcome of the choice with the highest mean less that of the lowest"
    if all(ordered):
        return numbers
    return f"{numbers}; of a group, {choices}" if any(ordered) else choices


def few_runs(table: pd.DataFrame) -> str:
    """Say which intervals of `response` rest on few seeds, or that there is none; nothing if all is well."""
    seeds = table["seeds"]
    if not (seeds > 1).any():
        return f"{ONE_SEED.capitalize()}; runs that differ in settings alone are no replicates."
    few = int((seeds < LEAST_SEEDS).sum())
    if not few:
        return ""
    fewest = int(seeds.min())
    what = f"{few} of {len(table)} intervals rest on fewer than {LEAST_SEEDS} seeds, the least on {fewest}"
    return f"Caution: {what}."


POINTS_NAMED = 3
CHOICES_NAMED = 8


def left_out(sweep: Sweep, outcomes: Sequence[str]) -> str:
    """Say how many points have no value of some outcomes, which, and why; nothing if all do."""
    points, means = sweep.means()
    tried = sweep.experiments.drop_duplicates("point").set_index("point")[sweep.axes]
    valued = pd.Series(np.isfinite(means[list(outcomes)].to_numpy(np.float64)).all(axis=1), index=means.index)
    known = valued.reindex(tried.index, fill_value=False).to_numpy(np.bool_)
    if known.all():
        return ""
    missing = [name for name in outcomes if not np.isfinite(means[name]).all()]
    failed = len(tried) - len(points)
    why = [f"all runs of {failed:,} failed"] * (failed > 0)
    meant = sweep.manifest.get("definitions", {})
    why += [
        f"no run there has a value of {name}" + (f" ({meant[name].rstrip('.')})" if name in meant else "")
        for name in missing
    ]
    many = f"{int((~known).sum()):,} of {len(tried):,} points"
    return f"Left out: {many}, {_named(tried, ~known)}; {', '.join(why)}."


def _named(points: pd.DataFrame, chosen: NDArray[np.bool_]) -> str:
    """Name some of the points: by the choices that they all have and no other has, or the first of them."""
    for axis in points:
        values = list(dict.fromkeys(points[axis][chosen]))
        if len(values) <= CHOICES_NAMED and np.array_equal(points[axis].isin(values), chosen):
            return f"those with {axis}={','.join(map(spell, values))}"
    told = [
        "(" + ", ".join(f"{axis}={spell(value)}" for axis, value in row.items()) + ")"
        for row in points[chosen].head(POINTS_NAMED).to_dict("records")
    ]
    return ", ".join(told) + " and others" * (int(chosen.sum()) > POINTS_NAMED)


def without_told(sweep: Sweep, outcomes: Sequence[str]) -> str:
    """Say which outcomes have the value that they have where no policy brings them about, and which it is."""
    _, means = sweep.means()
    told = [
        f"{name} is {value:g} where no policy brings it about"
        for name, value in sweep.manifest.get("without", {}).items()
        if name in outcomes and (means[name] == value).any()
    ]
    return f"{'; '.join(told)}." if told else ""


def _point_means(sweep: Sweep, outcome: str) -> Floats:
    """Mean outcome of every point of the design, NaN where it has none; of designs that need all, all."""
    count = len(Composer(Study.from_plain(sweep.manifest["study"])).points)
    _, means = sweep.means(sweep.compared([outcome]))
    values = np.full(count, np.nan)
    values[means.index.to_numpy()] = means[outcome].to_numpy()
    missing = int(np.isnan(values).sum())
    if missing:
        raise UserError(
            f"{missing} of the {count} points have no value of {outcome}, and this design needs them all.",
            path="outcome",
            value=outcome,
            allowed="an outcome that every point has, of a sweep that is done",
            nearest=_like(outcome, [str(name) for name in means if np.isfinite(means[name]).sum() == count]),
        )
    return values


def _like(outcome: str, others: Sequence[str]) -> str:
    """Spell the outcome that is most like another one, if there is any."""
    return f"outcome={nearest_or_first(outcome, others)}" if others else ""


def _sobol(sweep: Sweep, outcome: str) -> pd.DataFrame:
    axes = sweep.axes
    parts = _point_means(sweep, outcome).reshape(len(axes) + 2, -1)
    table = sobol_table(axes, parts)
    table.attrs["notes"] = list(filter(None, [few_base_points(table, parts.shape[1])]))
    return table


def few_base_points(table: pd.DataFrame, count: int) -> str:
    """Say which Sobol' indices are no shares, and how many are unsure, from so many base points."""
    told, wide = [], 0
    for name, low, high in (("index", "low", "high"), ("total", "total_low", "total_high")):
        wide += int((table[high] - table[low] > WIDE).sum())
        beyond = table[(table[name] < -NO_SHARE) | (table[name] > 1 + NO_SHARE)]
        pairs = zip(beyond["setting"], beyond[name], strict=True)
        told += [f"the {name} of {setting} is {value:.3g}, no share at all" for setting, value in pairs]
    if wide:
        told.append(f"{wide} of {2 * len(table)} intervals are wider than {WIDE:g}")
    points = "1 base point is" if count == 1 else f"{count:,} base points are"
    return f"Caution: {points} few: {'; '.join(told)}." if told else ""


def sobol_table(axes: Sequence[str], parts: Floats) -> pd.DataFrame:
    """Return first-order and total indices with bootstrap intervals, from the parts of `sobol_of`."""
    rng, count = np.random.default_rng(0), parts.shape[1]
    again = [sobol_of(parts[:, rng.integers(0, count, count)]) for _ in range(RESAMPLES)]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(again, [tail, 100 - tail], axis=0)
    rows = [
        (axis, *(bound[order, k] for order in (0, 1) for bound in (sobol_of(parts), low, high)))
        for k, axis in enumerate(axes)
    ]
    columns = ["setting", "index", "low", "high", "total", "total_low", "total_high"]
    return pd.DataFrame(rows, columns=columns)


def sobol_of(parts: Floats) -> Floats:
    """Return first-order and total indices (2 x settings) from outcomes at A, B and the mixed points."""
    if not np.ptp(parts[:2]):
        return np.zeros((2, len(parts) - 2))
    found = stats.sobol_indices(
        func={"f_A": parts[0][None], "f_B": parts[1][None], "f_AB": parts[2:][:, None]}, n=parts.shape[1]
    )
    return np.vstack([np.ravel(found.first_order), np.ravel(found.total_order)])


def _morris(sweep: Sweep, outcome: str) -> pd.DataFrame:
    from sim.study.designs import shares_of

    study = Study.from_plain(sweep.manifest["study"])
    shares = shares_of(study.design, study.axes, study.points, study.design_seed)
    columns = zip(*Composer(study).points, strict=True)
    places = np.column_stack([_places(*pair) for pair in zip(study.axes, columns, strict=True)])
    choices = [axis.path for axis in study.axes if _are_choices(axis)]
    table = morris_table(sweep.axes, shares, _point_means(sweep, outcome), places, choices)
    table.attrs["notes"] = [
        f"Caution: {setting} has {_effects_told(effects)}, the others of its"
        f" {study.points} are copies{'' if effects > 1 else ': no interval'}."
        for setting, effects in zip(table["setting"], table["effects"].tolist(), strict=True)
        if effects < study.points
    ]
    table.attrs["notes"] += list(filter(None, (_pairs_told(study, axis) for axis in study.axes)))
    return table


def _pairs_told(study: Study, axis: Axis) -> str:
    """Say which choices of Morris's design no step leads between; nothing if each pair has one."""
    if not _are_choices(axis):
        return ""
    place, length = study.axes.index(axis), len(study.axes) + 1
    values = [point[place] for point in Composer(study).points]
    steps = itertools.chain.from_iterable(
        itertools.pairwise(values[first : first + length]) for first in range(0, len(values), length)
    )
    compared = {frozenset(step) for step in steps}
    pairs = list(itertools.combinations([value for value in axis.values if value in set(values)], 2))
    never = [f"{spell(one)} with {spell(other)}" for one, other in pairs if {one, other} not in compared]
    if not never:
        return ""
    told = f"{axis.path}: {len(never)} of {len(pairs)} pairs of choices are never compared"
    return f"{told}, {', '.join(never[:POINTS_NAMED])}{' and others' * (len(never) > POINTS_NAMED)}."


def _effects_told(effects: int) -> str:
    return f"{effects or 'no'} effect{'s' * (effects != 1)} of {'their' if effects > 1 else 'its'} own"


def _are_choices(axis: Axis) -> bool:
    """Whether a setting takes what has no order: names, truth values."""
    return not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in axis.values)


def _places(axis: Axis, values: Sequence[Any]) -> Floats:
    """Return where values lie between the lowest (0) and the highest (1) of a setting; choices are counted.

    An interval by factors is measured in logarithms, as it is drawn.
    """
    if _are_choices(axis):
        return np.array([axis.values.index(value) for value in values], np.float64)
    at = np.array(values, np.float64)
    ends = np.array(axis.values or (axis.low, axis.high), np.float64)
    if axis.whole and axis.is_interval:
        ends = np.array([math.ceil(axis.low), math.floor(axis.high)], np.float64)
    if axis.logarithmic:
        at, ends = np.log(at), np.log(ends)
    low, width = ends.min(), np.ptp(ends)
    return (at - low) / width if width > 0.0 else np.zeros_like(at)


def morris_table(
    axes: Sequence[str],
    shares: Floats,
    values: Floats,
    places: Floats | None = None,
    choices: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the mean absolute elementary effect of each axis, from whole trajectories and their outcomes.

    A step is as long as the values of the setting are apart, which a list or whole numbers let be another
    length than the design's: ``places`` (points x axes) are where values lie on their axes, the shares
    themselves if nothing is said. From one of the ``choices`` to another it is 1. Two steps between the same
    two points are one effect, of which the second is a copy.
    """
    places = shares if places is None else places
    moves = np.diff(shares.reshape(-1, len(axes) + 1, len(axes)), axis=1)
    which = np.argmax(np.abs(moves), axis=2)
    _, numbers = np.unique(places.round(9), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1, len(axes) + 1)
    ends = np.sort(np.stack([numbers[:, :-1], numbers[:, 1:]], axis=2), axis=2)
    moved = np.diff(places.reshape(-1, len(axes) + 1, len(axes)), axis=1)
    rises = np.diff(values.reshape(-1, len(axes) + 1), axis=1)
    rows = []
    for number, axis in enumerate(axes):
        here = which == number
        steps = moved[here][:, number]
        _, first = np.unique(ends[here], axis=0, return_index=True)
        own = np.sort(first[steps[first] != 0.0])
        steps = np.sign(steps[own]) if axis in choices else steps[own]
        effects = rises[here][own] / steps
        size, low, high = mean_and_interval(np.abs(effects))
        mean = float(effects.mean()) if len(effects) else math.nan
        deviation = float(effects.std(ddof=1)) if len(effects) > 1 else math.nan
        rows.append((axis, size, low, high, mean, deviation, len(effects)))
    return pd.DataFrame(rows, columns=["setting", "index", "low", "high", "mean", "deviation", "effects"])


def _ends(sweep: Sweep, outcome: str) -> pd.DataFrame:
    points, means = sweep.means(sweep.compared([outcome]))
    values = means[outcome].to_numpy()
    rows, alike = [], []
    for axis in sweep.axes:
        at = points[axis]
        if _is_ordered(at):
            lower, upper = at <= at.quantile(0.1), at >= at.quantile(0.9)
            low, high = (finite(values[where.to_numpy()]) for where in (lower, upper))
            half = half_width(low, high)
        else:
            groups = [finite(values[(at == choice).to_numpy()]) for choice in in_order(at)]
            groups.sort(key=lambda group: float(group.mean()) if len(group) else math.nan)
            whole = all(map(len, groups))  # a choice without a value may be the best or the worst
            low, high = (groups[0], groups[-1]) if whole else (np.array([]), np.array([]))
            half = half_width_of_picked(groups)
        told = len(low) and len(high) and at.nunique() > 1
        difference = high.mean() - low.mean() if told else math.nan
        alike += [axis] if told and math.isnan(half) and min(len(low), len(high)) > 1 else []
        rows.append((axis, difference, difference - half, difference + half))
    table = pd.DataFrame(rows, columns=["setting", "index", "low", "high"])
    same = f"{', '.join(alike)}: points with the same value have the same outcome: no interval."
    table.attrs["notes"] = list(filter(None, [same * bool(alike), left_out(sweep, [outcome])]))
    return table


def half_width_of_picked(groups: Sequence[Floats]) -> float:
    """Return half the width of the interval of the highest mean of several groups less the lowest.

    They were picked, so of three groups and more it is Tukey's and Kramer's: the studentised range with the
    variance pooled over all groups. Groups come in the order of their means. NaN for too few values.
    """
    if len(groups) < 3:
        return half_width(groups[0], groups[-1]) if len(groups) == 2 else math.nan
    freedom = sum(map(len, groups)) - len(groups)
    if freedom < 1 or not all(map(len, groups)):
        return math.nan
    pooled = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom
    error = math.sqrt(pooled * (1 / len(groups[0]) + 1 / len(groups[-1])) / 2)
    return widest(len(groups), freedom) * error if error > 0.0 else math.nan


@lru_cache(maxsize=1_000)
def widest(count: int, freedom: float) -> float:
    """Return what the highest less the lowest of several means stays below in 95 of 100 cases.

    In standard errors of one mean: the quantile of the studentised range.
    """
    return float(stats.studentized_range.ppf(CONFIDENCE, count, freedom))


def half_width(one: Floats, other: Floats) -> float:
    """Return half the width of Welch's interval for the difference of two means.

    NaN for fewer than two values, and where none differs from another: they are one value, told again.
    """
    if min(len(one), len(other)) < 2:
        return math.nan
    a, b = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
    if a + b == 0.0:
        return math.nan
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1))
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * math.sqrt(a + b))


def finite(values: Floats) -> Floats:
    """Return the values that are numbers."""
    return values[np.isfinite(values)]


def mean_and_interval(values: Floats) -> tuple[float, float, float]:
    """Return the mean of values that are numbers, and its 95 % interval (Student's t)."""
    kept = finite(values)
    if len(kept) < 2:
        mean = float(kept.mean()) if len(kept) else math.nan
        return mean, math.nan, math.nan
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(kept) - 1) * kept.std(ddof=1) / math.sqrt(len(kept)))
    return float(kept.mean()), float(kept.mean()) - half, float(kept.mean()) + half


# ---------------------------------------------------------------- where outcomes lie


def response(sweep: Sweep, outcome: str, x: str, y: str = "") -> pd.DataFrame:
    """Return the mean outcome by one or two settings, over all else: x, (y,) mean, low, high, runs, seeds.

    Intervals (Student's t) are over seeds: of each seed, how far its runs lie from the means of their points.
    They are NaN where there is one seed. ``seeds`` and ``points`` count those that an interval rests on.
    A design that draws has other settings at each value or part: then intervals are over the luck of which
    points fell there, too (Welch and Satterthwaite), NaN where it is one, and ``attrs["drawn"]`` is true.

    Many values of a setting that a design draws, beside others, are put together in equal parts of its range
    and named by their middles; ``attrs["edges"]`` holds where the parts of such a setting end.
    """
    check_outcome(sweep, outcome)
    if x == y:
        others = [axis for axis in sweep.axes if axis != x]
        raise UserError(
            "needs another setting than x.",
            path="y",
            value=y,
            allowed=", ".join(others) or "nothing: one setting varies",
            nearest=f"y={others[0]}" if others else f"x={x}, without y",
        )
    keys = [check_axis(sweep, name, place) for name, place in ((x, "x"), (y, "y")) if name]
    table, edges = _by_levels(sweep, outcome, keys)
    known = table[np.isfinite(table["value"])]
    of_point = known.groupby("point")["value"]
    luck = (known["value"] - of_point.transform("mean"))[of_point.transform("size") > 1]
    of_seed = luck.groupby([*(known.loc[luck.index, key] for key in keys), known["seed"]]).mean()
    spread = of_seed.groupby(level=keys)
    means = known.groupby(keys)["value"]
    found = pd.DataFrame(index=_ordered(table.groupby(keys).size().index))
    found["mean"], found["runs"] = means.mean(), means.size()
    found["deviation"], found["seeds"] = spread.std(ddof=1), spread.size()
    counts = found[["runs", "seeds"]].fillna(0).astype(np.int64)
    seeds = counts["seeds"].where(counts["seeds"] > 1)
    error, freedom = found["deviation"] / np.sqrt(seeds), seeds - 1
    drawn = _draws_beside(sweep, keys, edges)
    if drawn:
        error, freedom = _both(error, freedom, *_of_draws(known, keys, _draws_of(sweep, known)))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error
    counts["points"] = known.groupby(keys)["point"].nunique().reindex(found.index, fill_value=0)
    found = found.assign(low=found["mean"] - half, high=found["mean"] + half, **counts)
    found = found[["mean", "low", "high", "runs", "seeds", "points"]].reset_index()
    found["seeds"] = found["seeds"].where(found["seeds"] > 0, np.minimum(found["runs"], 1))
    found.attrs |= {"edges": edges, "drawn": drawn}
    return found


def _draws_beside(sweep: Sweep, keys: Sequence[str], edges: Mapping[str, Any]) -> bool:
    """Whether points at the same value or part of some settings differ by what a design drew."""
    return sweep.manifest["study"]["design"] in DRAWN and (len(sweep.axes) > len(keys) or bool(edges))


def _draws_of(sweep: Sweep, table: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each row the draw that its point is of: those of a base point or a trajectory are one."""
    study, points = sweep.manifest["study"], table["point"].to_numpy(np.int64)
    if study["design"] == "saltelli":
        return points % int(study["points"])
    return points // (len(sweep.axes) + 1) if study["design"] == "morris" else points


def _of_draws(
    known: pd.DataFrame, keys: Sequence[str], draws: NDArray[np.int64]
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return each level's standard error over which draws fell there, and its degrees of freedom."""
    at = [known[key] for key in keys]
    level = known["value"].groupby(at)
    away = (known["value"] - level.transform("mean")) / level.transform("size")
    sums = away.groupby([*at, pd.Series(draws, known.index)]).sum()
    of_level = sums.groupby(level=list(range(len(keys))))
    count = of_level.size().astype(np.float64)
    count = count.where(count > 1)
    squares = of_level.agg(lambda some: float((some**2).sum())) * count / (count - 1)
    return squares**0.5, count - 1


def _both(
    one: pd.Series[float], its_freedom: pd.Series[float], other: pd.Series[float], freedom: pd.Series[float]
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the standard error from two sources, and its degrees of freedom (Satterthwaite)."""
    a, b = one**2, other.reindex(one.index) ** 2
    parts = a**2 / its_freedom + b**2 / freedom.reindex(one.index)
    return (a + b) ** 0.5, ((a + b) ** 2 / parts).where(parts != 0.0, its_freedom)


def others_told(sweep: Sweep, outcome: str, table: pd.DataFrame, keys: Sequence[str]) -> str:
    """Say that what else is set differs along a setting, and whether intervals know of it; nothing if not."""
    if table.attrs["drawn"]:
        luck = "intervals are over seeds, and over which points fell where"
        sure = f": {luck}" if table["low"].notna().any() else ""
        return f"Other settings differ from value to value, as drawn; a part of what is seen is theirs{sure}."
    others = [axis for axis in sweep.axes if axis not in keys]
    there = sweep.experiments.loc[sweep.valued([outcome]).index, ["point", *sweep.axes]]
    there = there.drop_duplicates("point")
    if not others or there.empty:
        return ""
    sets = {
        frozenset(map(tuple, group[others].to_numpy(object).tolist()))
        for _, group in there.groupby(list(keys))
    }
    if len(sets) == 1:
        return ""
    return (
        f"Caution: other settings are not the same wherever {' and '.join(keys)} was tried: what is seen may"
        " be theirs, and no interval knows of it."
    )


def _ordered(levels: pd.Index[Any]) -> pd.Index[Any]:
    """Return levels of one or two settings in the order of their values."""
    places = [
        {value: place for place, value in enumerate(in_order(levels.unique(level)))}
        for level in range(levels.nlevels)
    ]
    rows = [row if levels.nlevels > 1 else (row,) for row in levels]
    order = sorted(
        range(len(rows)),
        key=lambda row: [known[value] for known, value in zip(places, rows[row], strict=True)],
    )
    return levels[order]


def _by_levels(
    sweep: Sweep, outcome: str, keys: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Return point, seed, value and some settings of the runs done, and where parts of settings end."""
    runs = sweep.compared([outcome])
    table = sweep.experiments.loc[runs, ["point", "seed", *keys]]
    table = table.assign(value=sweep.outcomes.loc[runs, outcome])
    study = Study.from_plain(sweep.manifest["study"])
    for axis in study.axes:
        if axis.path in keys and axis.is_interval and not axis.whole:  # levels of Morris's are computed anew
            table[axis.path] = [float(f"{value:.12g}") for value in table[axis.path]]
    drawn = [
        axis
        for axis in study.axes
        if axis.path in keys
        and axis.is_interval
        and table[axis.path].nunique() > min(MOST_LEVELS, table["point"].nunique() / 2)
    ]
    if not drawn or len(study.axes) == 1:
        return table, {}
    each = table["point"].nunique() / POINTS_A_PART
    for key in keys:
        if key not in [axis.path for axis in drawn]:
            each /= table[key].nunique()
    count = int(np.clip(each ** (1 / len(drawn)), 3, MOST_LEVELS))
    edges = {axis.path: _parts(axis, count) for axis in drawn}
    for path, ends in edges.items():
        part = np.clip(np.searchsorted(ends, table[path].to_numpy(np.float64), "right") - 1, 0, count - 1)
        table[path] = np.array(middles(ends, _axis_of(study, path).logarithmic))[part]
    return table, edges


def _axis_of(study: Study, path: str) -> Axis:
    return next(axis for axis in study.axes if axis.path == path)


def _parts(axis: Axis, count: int) -> list[float]:
    """Return the ends of equal parts of an interval; of one by factors, each is as many times the last."""
    space = np.geomspace if axis.logarithmic else np.linspace
    return [float(end) for end in space(axis.low, axis.high, count + 1)]


def middles(ends: Sequence[float], logarithmic: bool = False) -> list[float]:
    """Return the middles between ends in a row."""
    return [
        math.sqrt(low * high) if logarithmic else (low + high) / 2 for low, high in itertools.pairwise(ends)
    ]


def peak(sweep: Sweep, outcome: str, x: str) -> dict[str, float]:
    """Return where an outcome is largest along a setting, and how sure that is: a Laffer curve's top.

    The curve is the mean over seeds; its top is that of a parabola through the highest point and its
    neighbours. Seeds are drawn again for the interval, the wider on each side of Student's t with their
    deviation, which is right for few seeds, and of percentiles, which are for many. It is within what was
    tried, and NaN with one seed. ``at_end`` is 1 if the highest point is at an end, ``end`` is which.

    Of a design that draws, points are drawn again together with seeds. ``told`` is 0 if no peak can be told:
    which points fell where explains that one part is highest and another lowest (Games and Howell), or the
    interval holds all that was tried.
    """
    check_outcome(sweep, outcome)
    check_axis(sweep, x, "x")
    table, edges = _by_levels(sweep, outcome, [x])
    curves = table.pivot_table(index="seed", columns=x, values="value", aggfunc="mean")
    if curves.shape[1] < 3 or not pd.api.types.is_numeric_dtype(curves.columns):
        points = sweep.experiments
        long = [axis for axis in sweep.axes if _is_ordered(points[axis]) and points[axis].nunique() >= 3]
        raise UserError(
            "has no curve: a peak needs three values at least.",
            path="x",
            value=x,
            allowed=", ".join(long) or "a setting varied over three numbers or more",
            nearest=f"x={nearest_or_first(x, long)}" if long else f"{x}=range(0,1,0.1) in the sweep",
        )
    places, values = curves.columns.to_numpy(np.float64), curves.to_numpy(np.float64)
    at, height = top_of(places, _known_means(values))
    known = table[np.isfinite(table["value"])]
    tried = sweep.experiments.loc[known.index, x].to_numpy(np.float64)
    ends = {float(places[0]): float(tried.min()), float(places[-1]): float(tried.max())}
    told = True
    if _draws_beside(sweep, [x], edges):
        draws = _draws_of(sweep, known)
        low, high = _interval_of_drawn_top(places, known, x, draws, at)
        low, high = ends.get(low, low), ends.get(high, high)  # a part stands for all that it holds
        told = _is_uneven(known, x, draws) and not (low <= tried.min() and tried.max() <= high)
    else:
        low, high = _interval_of_top(places, values, at)
    return {
        "at": at, "low": low, "high": high, "value": height, "at_end": float(at in ends),
        "seeds": float(len(values)), "end": ends.get(at, math.nan), "told": float(told),
    }  # fmt: skip


def _is_uneven(known: pd.DataFrame, x: str, draws: NDArray[np.int64]) -> bool:
    """Whether the highest and the lowest level differ by more than which draws fell there can explain."""
    error, freedom = _of_draws(known, [x], draws)
    luck = known["value"] - known.groupby("point")["value"].transform("mean")
    of_seed = luck.groupby([known[x], known["seed"]]).mean().unstack()
    if of_seed.shape[1] > 1:  # what seeds do to all levels alike is no difference between them
        own = of_seed - of_seed.mean()
        deviation, count = own.std(axis=1, ddof=1), own.notna().sum(axis=1)
        error, freedom = _both(deviation / np.sqrt(count), count - 1.0, error, freedom)
    sure = error.notna().to_numpy()
    means = known.groupby(x)["value"].mean().to_numpy()[sure]
    if len(means) < 2:
        return False
    ends = [int(means.argmax()), int(means.argmin())]
    squares, free = error.to_numpy()[sure][ends] ** 2, freedom.to_numpy()[sure][ends]
    both = float(squares.sum())
    if both == 0.0:
        return bool(np.ptp(means) > 0.0)
    joint = both**2 / float((squares**2 / free).sum())
    return bool(np.ptp(means) > widest(len(means), joint) * math.sqrt(both / 2))


def _interval_of_drawn_top(
    places: Floats, known: pd.DataFrame, x: str, draws: NDArray[np.int64], at: float
) -> tuple[float, float]:
    """Return the interval of the place of a top from draws of points and seeds drawn again, both at once."""
    level = np.searchsorted(places, known[x].to_numpy(np.float64))
    (draw, draw_count), (seed, seeds) = (
        (numbers, len(names))
        for names, numbers in (
            np.unique(these, return_inverse=True) for these in (draws, known["seed"].to_numpy())
        )
    )
    if min(seeds, draw_count) < 2:
        return math.nan, math.nan
    rng, values = np.random.default_rng(0), known["value"].to_numpy(np.float64)

    def top(*often: NDArray[np.int64]) -> float:
        weights = np.bincount(level, math.prod(often), len(places))
        sums = np.bincount(level, math.prod(often) * values, len(places))
        return top_of(places, np.where(weights > 0, sums / np.maximum(weights, 1), np.nan))[0]

    def again(count: int) -> NDArray[np.int64]:
        return np.bincount(rng.integers(0, count, count), minlength=count)

    by_seed = np.array([top(again(seeds)[seed]) for _ in range(RESAMPLES)])
    tops = np.array([top(again(seeds)[seed], again(draw_count)[draw]) for _ in range(RESAMPLES)])
    half = math.hypot(_half_of_tops(by_seed, seeds), _half_of_tops(tops, draw_count))
    return _around(places, tops, at, half)


def _interval_of_top(places: Floats, curves: Floats, at: float) -> tuple[float, float]:
    """Return the interval of the place of the top of the mean of curves (seeds x places)."""
    seeds = len(curves)
    if seeds < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    means = [_known_means(curves[rng.integers(0, seeds, seeds)]) for _ in range(RESAMPLES)]
    tops = np.array([top_of(places, mean)[0] for mean in means if np.isfinite(mean).any()])
    return _around(places, tops, at, _half_of_tops(tops, seeds))


def _half_of_tops(tops: Floats, count: int) -> float:
    """Return half the width of Student's interval from places of a top of which `count` were drawn again."""
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    return quantile * float(tops.std()) * math.sqrt(count / (count - 1))


def _around(places: Floats, tops: Floats, at: float, half: float) -> tuple[float, float]:
    """Return the interval of the place of a top: the wider on each side of Student's and of percentiles."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(tops, [tail, 100 - tail])
    return float(max(places[0], min(low, at - half))), float(min(places[-1], max(high, at + half)))


def peak_sentence(top: Mapping[str, float]) -> str:
    """Say where a peak is and how sure that is, or that none can be told."""
    if not top["told"]:
        return "no peak can be told: which points the design drew explains as much"
    if not top["at_end"]:
        where = ""
    elif top["end"] == top["at"]:
        where = "; it is at the end of what was tried"
    else:
        where = f", the middle of the part at the end of what was tried, {top['end']:.4g}"
    return f"highest at {top['at']:.4g} ({peak_told(top)}){where}"


def peak_told(top: Mapping[str, float]) -> str:
    """Say how sure the place of a peak is."""
    if top["seeds"] < 2:
        return ONE_SEED
    if top["low"] == top["high"]:
        return f"however {top['seeds']:.0f} seeds are drawn again"
    few = f", {top['seeds']:.0f} seeds" if top["seeds"] < LEAST_SEEDS else ""
    return f"95 %: {top['low']:.4g} to {top['high']:.4g}{few}"


def _known_means(curves: Floats) -> Floats:
    """Return the mean over curves at each place, NaN where none has a value, as in an unfinished sweep."""
    known = np.isfinite(curves)
    count = known.sum(axis=0)
    total = np.where(known, curves, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def top_of(places: Floats, values: Floats) -> tuple[float, float]:
    """Return place and height of the top of a curve: of a parabola around the highest point inside.

    Places without a value are left out.
    """
    known = np.isfinite(values)
    places, values = places[known], values[known]
    best = int(np.argmax(values))
    if best in (0, len(values) - 1):
        return float(places[best]), float(values[best])
    (x, at, z), (u, height, w) = (some[best - 1 : best + 2].tolist() for some in (places, values))
    up, down = (height - u) / (at - x), (w - height) / (z - at)
    bend = (down - up) / (z - x)
    if bend >= 0.0:
        return at, height
    slope = up + bend * (at - x)  # of the parabola through the three, at the one in the middle
    step = min(z - at, max(x - at, -slope / (2 * bend)))
    return at + step, height + slope * step + bend * step * step


def pareto(sweep: Sweep, goals: Mapping[str, int]) -> pd.DataFrame:
    """Return every point with the mean outcomes of some goals and whether no other point beats it in all.

    ``goals`` gives 1 for an outcome to be large, -1 for one to be small. Where an income's funding varies,
    points at which no tax pays for it take no part: an unfunded experiment would beat every tax.
    """
    names = [check_outcome(sweep, name, "more" if sign > 0 else "less") for name, sign in goals.items()]
    points, means = sweep.means(sweep.compared(names))
    signed = np.column_stack([means[name] * sign for name, sign in goals.items()])
    known = np.isfinite(signed).all(axis=1)
    if FUNDING in points:
        known &= (points[FUNDING] != EXTERNAL).to_numpy()
    front = np.zeros(len(signed), bool)
    for row in np.flatnonzero(known):
        better = (signed[known] >= signed[row]).all(axis=1) & (signed[known] > signed[row]).any(axis=1)
        front[row] = not better.any()
    return points.assign(**{name: means[name] for name in goals}, front=front)


def unfunded_told(table: pd.DataFrame) -> str:
    """Say how many points of `pareto` take no part, since no tax pays for them; nothing if none."""
    many = int((table[FUNDING] == EXTERNAL).sum()) if FUNDING in table else 0
    return f"{many:,} of {len(table):,} points take no part: no tax pays ({FUNDING}={EXTERNAL})." * (many > 0)


def discover(sweep: Sweep, outcome: str, above: float) -> pd.DataFrame:
    """Return the ranges of settings in which an outcome lies above a bound: a box found by peeling.

    Patient rule induction (Friedman and Fisher 1999): from the box of all points, slices are taken off one
    side, a twentieth of the points at a time, each time the one that leaves the highest share of points above
    the bound; the search ends at a tenth of all points, and the box with the best share on the way is kept,
    the largest of equals. Then cuts are taken back without which the share is no smaller. Columns: setting,
    low, high (or the values left), the outermost tried that the cuts leave, and ``restricted``, whether one
    was made. The attributes hold the box's share, its coverage of all points above, the share without a box,
    and how many points there are inside.
    """
    check_outcome(sweep, outcome)
    points, means = sweep.means(sweep.compared([outcome]))
    values = means[outcome].to_numpy()
    known = np.isfinite(values)
    points, hits = points[known], (values[known] > above).astype(np.float64)
    if hits.sum() in (0, len(hits)):
        raise _no_bound(sweep, outcome, above, values[known])
    box = _peeled(points, hits)
    inside = _inside(box, len(points))
    rows = []
    for axis in sweep.axes:
        own = {side: mask for (path, side), mask in box.items() if path == axis}
        left = points.loc[_inside({(axis, side): mask for side, mask in own.items()}, len(points)), axis]
        if _is_ordered(left):
            rows.append((axis, left.min(), left.max(), "", bool(own)))
        else:
            kept = ", ".join(str(choice) for choice in in_order(left))
            rows.append((axis, math.nan, math.nan, kept, bool(own)))
    table = pd.DataFrame(rows, columns=["setting", "low", "high", "values", "restricted"])
    table.attrs |= {
        "share_inside": float(hits[inside].mean()),
        "share_of_all": float(hits.mean()),
        "coverage": float(hits[inside].sum() / hits.sum()),
        "points_inside": int(inside.sum()),
    }
    return table


def _no_bound(sweep: Sweep, outcome: str, above: float, values: Floats) -> UserError:
    """Return the error for a bound that has all values of an outcome, the points' means, on one side."""
    levels, at = np.unique(values), "the point" if len(values) == 1 else f"each of the {len(values):,} points"
    at += " that has a value" if len(values) < sweep.experiments["point"].nunique() else ""
    if len(levels) == 1:
        _, means = sweep.means()
        others = [str(name) for name in means if means[name].nunique() > 1]
        return UserError(
            f"{outcome} is {levels[0]:.6g} at {at}: no bound divides them.",
            path="outcome",
            value=outcome,
            allowed="an outcome that differs between points",
            nearest=_like(outcome, others),
        )
    return UserError(
        f"{outcome} lies {'above' if above < levels[0] else 'at or below'} the bound at {at}.",
        path="above",
        value=above,
        allowed=f"a bound from {levels[0]:.6g} to below {levels[-1]:.6g}",
        nearest=_dividing(levels),
    )


def bound_near(sweep: Sweep, outcome: str) -> str:
    """Return a bound for `discover` that divides the points; empty if an outcome is the same at all."""
    _, means = sweep.means(sweep.compared([outcome]))
    levels = np.unique(finite(means[outcome].to_numpy()))
    return _dividing(levels) if len(levels) > 1 else ""


def _dividing(levels: Floats) -> str:
    """Spell the middle between the two middle ones of several values, by six figures if that divides them."""
    low, high = levels[(len(levels) - 1) // 2 :][:2].tolist()
    short = float(f"{(low + high) / 2:.6g}")
    return f"above={short if low <= short < high else low!r}"


def few_inside(table: pd.DataFrame) -> str:
    """Say that a box of `discover` rests on few points; nothing if it does not."""
    inside = table.attrs["points_inside"]
    if inside >= LEAST_POINTS:
        return ""
    points = "1 point" if inside == 1 else f"{inside} points"
    return (
        f"Caution: the box holds {points}, fewer than {LEAST_POINTS}: its ends are theirs, and little more."
    )


def _is_ordered(values: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


Box = dict[tuple[str, Any], NDArray[np.bool_]]
"""Cuts, at an end of a setting or of a choice, each with what it leaves of all points."""

LOW, HIGH = -1, 1


def _peeled(points: pd.DataFrame, hits: Floats) -> Box:
    """Return the cuts of the best box found by peeling, without those that do not make it better."""
    box: Box = {}
    best, best_share = box, float(hits.mean())
    while (inside := _inside(box, len(points))).sum() > max(2.0, LEAST_IN_BOX * len(points)):
        cuts = [cut for axis in points for cut in _cuts(str(axis), points[axis].to_numpy(), inside)]
        left = [(cut, inside & mask) for cut, mask in cuts]
        left = [(cut, there) for cut, there in left if there.sum() >= max(1, LEAST_IN_BOX * len(points))]
        if not left:
            break
        shares = [float(hits[there].mean()) for _, there in left]
        order = max(range(len(left)), key=lambda place: (shares[place], left[place][1].sum()))
        chosen = left[order][0]
        box = {**box, chosen: dict(cuts)[chosen]}
        if shares[order] > best_share:
            best, best_share = box, shares[order]
    return _needed(best, hits)


def _needed(box: Box, hits: Floats) -> Box:
    """Return a box without cuts in whose place no smaller share lies above: they restrict nothing."""
    while box:
        share = float(hits[_inside(box, len(hits))].mean())
        fewer = [{key: mask for key, mask in box.items() if key != cut} for cut in box]
        inside = [_inside(other, len(hits)) for other in fewer]
        shares = [float(hits[there].mean()) for there in inside]
        order = max(range(len(fewer)), key=lambda place: (shares[place], inside[place].sum()))
        if shares[order] < share:
            break
        box = fewer[order]
    return box


def _inside(box: Box, count: int) -> NDArray[np.bool_]:
    """Return which of so many points all cuts leave."""
    inside = np.ones(count, bool)
    for mask in box.values():
        inside &= mask
    return inside


def _cuts(
    axis: str, values: NDArray[Any], inside: NDArray[np.bool_]
) -> list[tuple[tuple[str, Any], NDArray[np.bool_]]]:
    """Return the cuts that take a slice off along one setting, each with what it leaves of all points."""
    there = values[inside]
    if values.dtype == object or values.dtype == bool:
        return [((axis, choice), values != choice) for choice in sorted(set(there), key=str)]
    low, high = np.quantile(there, [PEEL, 1 - PEEL])
    # Of few levels, the outermost goes whole.
    from_below = values > (there.min() if low == there.min() else np.nextafter(low, -np.inf))
    from_above = values < (there.max() if high == there.max() else np.nextafter(high, np.inf))
    sides = (LOW, from_below), (HIGH, from_above)
    return [((axis, side), cut) for side, cut in sides if (inside & cut).sum() < inside.sum()]


# ---------------------------------------------------------------- how many seeds


def replications(sweep: Sweep, outcomes: Sequence[str], half: float) -> pd.DataFrame:
    """Return how many seeds a point needs for a 95 % interval of a given half-width, relative to the mean.

    Columns: outcome, mean, deviation between seeds (pooled over points), relative half-width now, seeds now
    (the most that have a value at a point), seeds needed. NaN where no point has two seeds with a value.
    """
    if not 0.0 < half < 10.0:
        raise UserError(
            "is not a half-width that can be used.",
            path="half_width",
            value=half,
            allowed="a share of the mean between 0 and 10",
            nearest="half_width=0.05",
        )
    for name in outcomes:
        check_outcome(sweep, name)
    done = sweep.experiments["status"] != FAILED
    grouped = sweep.outcomes[done].groupby(sweep.experiments.loc[done, "point"])
    if grouped.size().max() < 2:
        raise UserError(
            "has one seed a point, which says nothing about others.",
            path="seeds",
            value=1,
            allowed="2 or more in the sweep",
            nearest="seeds=5",
        )
    rows = []
    for name in outcomes:
        now = int(grouped[name].count().max())
        deviation = math.sqrt(float(grouped[name].var(ddof=1).mean()))
        mean = float(grouped[name].mean().mean())
        rows.append(
            (
                name,
                mean,
                deviation,
                relative_half(deviation, mean, now),
                now,
                seeds_for(deviation, mean, half),
            )
        )
    columns = ["outcome", "mean", "deviation", "half_width_now", "seeds_now", "seeds_needed"]
    return pd.DataFrame(rows, columns=columns)


def no_deviation(table: pd.DataFrame) -> str:
    """Say of which outcomes of `replications` no point has two seeds with a value; nothing if of none."""
    none = table.loc[table["deviation"].isna(), "outcome"]
    if none.empty:
        return ""
    return f"{', '.join(none)}: no point has two seeds with a value, so that no number of seeds can be told."


def relative_half(deviation: float, mean: float, seeds: int) -> float:
    """Return the half-width of a mean's 95 % interval as a share of the mean."""
    if seeds < 2 or not math.isfinite(deviation):
        return math.nan
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1))
    return quantile * deviation / math.sqrt(seeds) / abs(mean) if mean else math.inf


def seeds_for(deviation: float, mean: float, half: float) -> float:
    """Return the least number of seeds whose interval is as narrow as asked for; infinite for a mean of 0.

    NaN for a deviation, or a mean, that is not known.
    """
    if not math.isfinite(deviation) or not math.isfinite(mean):
        return math.nan
    if not mean:
        return math.inf
    if not deviation:
        return 2.0
    low, high = 1, 2
    while relative_half(deviation, mean, high) > half:
        low, high = high, 2 * high
        if high > 10**9:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        if middle > 1 and relative_half(deviation, mean, middle) <= half:
            high = middle
        else:
            low = middle
    return float(high)
