"""What a sweep shows: which settings matter, where outcomes lie, how many seeds are enough.

Every function takes the two tables of a sweep and returns a table; none of them plays anything. Means over
the seeds of a point are what settings are held against; intervals come from the seeds or by resampling, with
a fixed seed, so that the same sweep gives the same table. Runs that differ in settings alone are no
replicates: with one seed an outcome along a setting has no interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sim.errors import UserError, nearest_or_first, one_of
from sim.schema import spell
from sim.study.designs import Axis
from sim.study.points import Composer, Study
from sim.study.reading import Sweep
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

ONE_SEED = "one seed: no interval"

RESAMPLES = 500
LEAST_IN_BOX = 0.1
"""Share of all points that a box found by peeling still holds."""

PEEL = 0.05
"""Share of points that one step of peeling takes away (Friedman and Fisher 1999, Stat. Comput.)."""

Floats = NDArray[np.float64]


def check_outcome(sweep: Sweep, name: str) -> str:
    """Return the name of an outcome; refuse one that is not there, or that no run has."""
    if name not in sweep.outcomes:
        raise UserError(
            f"outcome={name} is none of this sweep's.",
            path="outcome",
            value=name,
            allowed="an outcome: a column of summary.csv after failed",
            nearest=f"outcome={nearest_or_first(name, sweep.outcomes.columns)}",
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
    interval; NaN where an end, or any choice, has no value. ``attrs["notes"]`` holds sentences about what
    is missing.

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
    found.attrs["notes"] = table.attrs.get("notes", [])
    return found


def covered(sweep: Sweep) -> str:
    """Say what the index of `sensitivity` is, what its intervals cover, and what they do not."""
    study = Study.from_plain(sweep.manifest["study"])
    over = {
        "saltelli": f"base points drawn again {RESAMPLES} times: which points the design drew",
        "morris": "trajectories (Student's t): which of them the design drew",
    }.get(study.design, "the points at either end (Welch): what else differs between them")
    shared = "the same seed" if study.seeds == 1 else f"the same {study.seeds} seeds"
    index = {
        "saltelli": "index: share of the variance that is the setting's alone; total: also with others. ",
        "morris": f"index: mean size of the effect of {_steps_told(study.axes)}. ",
    }.get(study.design, f"index: {ends_told(sweep)}. ")
    return f"{index}95 % intervals are over {over}. All points share {shared}, whose luck no interval covers."


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
    _, means = sweep.means()
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
    return sobol_table(axes, _point_means(sweep, outcome).reshape(len(axes) + 2, -1))


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
    return table


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
    points, means = sweep.means()
    values = means[outcome].to_numpy()
    rows = []
    for axis in sweep.axes:
        at = points[axis]
        if _is_ordered(at):
            lower, upper = at <= at.quantile(0.1), at >= at.quantile(0.9)
        else:
            by_choice = pd.Series(values, index=at.to_numpy()).groupby(level=0).mean()
            whole = bool(by_choice.notna().all())  # a choice without a value may be the best or the worst
            lower, upper = ((at == end) & whole for end in (by_choice.idxmin(), by_choice.idxmax()))
        low, high = (finite(values[where.to_numpy()]) for where in (lower, upper))
        half = half_width(low, high)
        told = len(low) and len(high) and at.nunique() > 1
        difference = high.mean() - low.mean() if told else math.nan
        rows.append((axis, difference, difference - half, difference + half))
    table = pd.DataFrame(rows, columns=["setting", "index", "low", "high"])
    table.attrs["notes"] = list(filter(None, [left_out(sweep, [outcome])]))
    return table


def half_width(one: Floats, other: Floats) -> float:
    """Return half the width of Welch's interval for the difference of two means; NaN for fewer than two."""
    if min(len(one), len(other)) < 2:
        return math.nan
    a, b = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
    if a + b == 0.0:
        return 0.0
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
    They are NaN where there is one seed. ``seeds`` counts those that an interval rests on.

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
    found = pd.DataFrame(index=table.groupby(keys, sort=True).size().index)
    found["mean"], found["runs"] = means.mean(), means.size()
    found["deviation"], found["seeds"] = spread.std(ddof=1), spread.size()
    counts = found[["runs", "seeds"]].fillna(0).astype(np.int64)
    seeds = counts["seeds"].where(counts["seeds"] > 1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1) * found["deviation"] / np.sqrt(seeds)
    found = found.assign(low=found["mean"] - half, high=found["mean"] + half, **counts)
    found = found[["mean", "low", "high", "runs", "seeds"]].reset_index()
    found["seeds"] = found["seeds"].where(found["seeds"] > 0, np.minimum(found["runs"], 1))
    found.attrs["edges"] = edges
    return found


def _by_levels(
    sweep: Sweep, outcome: str, keys: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Return point, seed, value and some settings of the runs done, and where parts of settings end."""
    done = sweep.experiments["status"] != FAILED
    table = sweep.experiments.loc[done, ["point", "seed", *keys]]
    table = table.assign(value=sweep.outcomes.loc[done, outcome])
    study = Study.from_plain(sweep.manifest["study"])
    drawn = [
        axis
        for axis in study.axes
        if axis.path in keys and axis.is_interval and table[axis.path].nunique() > MOST_LEVELS
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
    tried, and NaN with one seed. ``at_end`` is 1 if the highest point is at an end.
    """
    check_outcome(sweep, outcome)
    check_axis(sweep, x, "x")
    table, _ = _by_levels(sweep, outcome, [x])
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
    low, high = _interval_of_top(places, values, at)
    ends = int(at in (places[0], places[-1]))
    return {
        "at": at, "low": low, "high": high, "value": height, "at_end": float(ends),
        "seeds": float(len(values)),
    }  # fmt: skip


def _interval_of_top(places: Floats, curves: Floats, at: float) -> tuple[float, float]:
    """Return the interval of the place of the top of the mean of curves (seeds x places)."""
    seeds = len(curves)
    if seeds < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    means = [_known_means(curves[rng.integers(0, seeds, seeds)]) for _ in range(RESAMPLES)]
    tops = np.array([top_of(places, mean)[0] for mean in means if np.isfinite(mean).any()])
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1) * tops.std() * math.sqrt(seeds / (seeds - 1)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(tops, [tail, 100 - tail])
    return float(max(places[0], min(low, at - half))), float(min(places[-1], max(high, at + half)))


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
    points, means = sweep.means()
    signed = np.column_stack([means[check_outcome(sweep, name)] * sign for name, sign in goals.items()])
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
    the largest of equals. Columns: setting, low, high (or the values left), ``restricted``; the attributes
    hold the box's share, its coverage of all points above, the share without a box, and how many points
    there are inside.
    """
    check_outcome(sweep, outcome)
    points, means = sweep.means()
    values = means[outcome].to_numpy()
    known = np.isfinite(values)
    points, hits = points[known], (values[known] > above).astype(np.float64)
    if hits.sum() in (0, len(hits)):
        raise _no_bound(sweep, outcome, above, values[known])
    inside = _peeled(points, hits)
    rows = []
    for axis in sweep.axes:
        left, whole = points.loc[inside, axis], points[axis]
        if _is_ordered(whole):
            rows.append(
                (axis, left.min(), left.max(), "", left.min() > whole.min() or left.max() < whole.max())
            )
        else:
            kept = sorted(map(str, set(left)))
            rows.append((axis, math.nan, math.nan, ", ".join(kept), len(kept) < whole.nunique()))
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
    _, means = sweep.means()
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


def _peeled(points: pd.DataFrame, hits: Floats) -> NDArray[np.bool_]:
    inside = np.ones(len(points), bool)
    best, best_share = inside, float(hits.mean())
    while inside.sum() > max(2.0, LEAST_IN_BOX * len(points)):
        cuts = [cut for axis in points for cut in _cuts(points[axis].to_numpy(), inside)]
        cuts = [cut for cut in cuts if cut.any() and cut.sum() >= LEAST_IN_BOX * len(points)]
        if not cuts:
            break
        shares = [float(hits[cut].mean()) for cut in cuts]
        order = max(range(len(cuts)), key=lambda place: (shares[place], cuts[place].sum()))
        inside = cuts[order]
        if shares[order] > best_share:
            best, best_share = inside, shares[order]
    return best


def _cuts(values: NDArray[Any], inside: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return what would be left inside after each slice that can be taken off along one setting."""
    there = values[inside]
    if values.dtype == object or values.dtype == bool:
        return [inside & (values != choice) for choice in sorted(set(there), key=str)]
    low, high = np.quantile(there, [PEEL, 1 - PEEL])
    # Of few levels, the outermost goes whole.
    from_below = values > (there.min() if low == there.min() else np.nextafter(low, -np.inf))
    from_above = values < (there.max() if high == there.max() else np.nextafter(high, np.inf))
    return [inside & cut for cut in (from_below, from_above) if (inside & cut).sum() < inside.sum()]


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
