"""The gallery: every figure of every kind of result by name, with a line that says what it shows.

``names(result)`` tells which figures a result has, ``draw(result, name, **options)`` draws one, and
``result.plot`` has a method for each: ``comparison.plot.forest()``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from sim.errors import UserError, key_among, nearest_or_first, one_of
from sim.figures import comparison as of_comparison
from sim.figures import market, spread, study, validation
from sim.figures.families import families_figure
from sim.figures.intelligence import ai_figure
from sim.figures.policy import taxes_figure, users_figure
from sim.figures.remedies import remedies_figure
from sim.figures.week import hours_map, income_deciles, week_figure
from sim.outcomes.families import present
from sim.study import analysis
from sim.study.compare import Comparison, file_name
from sim.study.opening import Result, Validation, kind_of
from sim.study.reading import Sweep
from sim.study.result import RunResult

USUAL_OUTCOMES = ("pay_all_in_median", "pay_all_in_pooled", "tasks_done")
HUMAN_HOURS, BY_THEORY = "ai_human_hours_growth", "ai_analytic_growth"
USUAL_GOALS = ("pay_all_in_median", "unpaid_share")


class NoSuchFigure(UserError, AttributeError):
    """A figure that a result does not have; Python takes it for a missing attribute."""


class Picture(NamedTuple):
    """A figure of the gallery.

    Attributes
    ----------
    about
        What it shows, in a line.
    draw
        Draws it: the result, then options by keyword.
    there
        Whether a result has what it shows.
    each
        The options with which it is drawn where none are given and all figures are wanted.
    """

    about: str
    draw: Callable[..., Figure]
    there: Callable[[Any], bool] = lambda result: True
    each: Callable[[Any], list[dict[str, str]]] = lambda result: [{}]


# ---------------------------------------------------------------- runs


def _of_run(draw_it: market.Draw) -> Callable[[RunResult], Figure]:
    """Make a figure of recorded tables one of a run that was read from its folder."""

    @wraps(draw_it)
    def drawn(run: RunResult) -> Figure:
        return draw_it(run, run.world, market.caption_of(run, run.manifest))

    return drawn


def _run(about: str, draw_it: market.Draw, table: str = "") -> Picture:
    """Make a picture of a run that is there where a table, if one is named, holds anything."""
    return Picture(about, _of_run(draw_it), lambda run: not table or not getattr(run, table).empty)


RUN: dict[str, Picture] = {
    "clock": _run("when work is posted and workers are on duty, by region and UTC hour", market.clock_figure),
    "pay": _run("hourly pay of workers by country, with minimum wages", market.pay_distribution),
    "week": _run(
        "heat maps of when work is posted and workers are on duty, hour by weekday", week_figure, "weekdays"
    ),
    "hours": _run("map of the hours worked by country", hours_map),
    "deciles": _run("mean income of each tenth of workers", income_deciles),
    "lorenz": _run("Lorenz curves of income and of hourly pay, with their Gini", market.lorenz_curves),
    "money": _run("the way of the money, bands as wide as the sums of the ledger", market.money_sankey),
    "matrix": _run("the money that each sector paid each other", market.flow_matrix),
    "series": _run("weeks of the run: workers, tasks, rewards, hourly pay", market.time_series),
    "taxes": _run("taxes collected and incomes paid, by month", taxes_figure, "taxes"),
    "users": _run("what platforms take, and users of social platforms", users_figure, "audiences"),
    "remedies": Picture(
        "members of the union and shifts refused, by group of countries",
        _of_run(remedies_figure),
        lambda run: not (run.unions.empty and run.employment.empty),
    ),
    "ai": _run("the stock of intelligence, who labels, human hours, costs", ai_figure, "ai"),
    "families": Picture(
        "hourly pay and hours of posting by kind of platform",
        _of_run(families_figure),
        lambda run: len(present(run.kinds)) > 1,
    ),
}


# ---------------------------------------------------------------- comparisons


def _scenario(comparison: Comparison, scenario: str, baseline_too: bool = False) -> str:
    """Return a scenario by name, or the first one that differs from the baseline if no name is given."""
    allowed = [*([comparison.baseline] if baseline_too else []), *comparison.scenarios]
    if not scenario:
        return next(iter([*of_comparison.changed(comparison), *comparison.scenarios]))
    return str(one_of("scenario", scenario, allowed, "is no scenario of this comparison."))


def _of(draw_it: Callable[[Comparison, str], Figure]) -> Callable[..., Figure]:
    """Make a figure of one scenario one whose scenario is an option."""

    def drawn(comparison: Comparison, *, scenario: str = "") -> Figure:
        return draw_it(comparison, _scenario(comparison, scenario))

    return drawn


def _has_spread(comparison: Comparison) -> bool:
    return not comparison.spread.empty


def _money(comparison: Comparison, *, scenario: str = "") -> Figure:
    return of_comparison.money_figure(comparison, _scenario(comparison, scenario, baseline_too=True))


def _changed(comparison: Comparison) -> list[dict[str, str]]:
    return [{"scenario": name} for name in of_comparison.changed(comparison)]


def _all_scenarios(comparison: Comparison) -> list[dict[str, str]]:
    return [{"scenario": name} for name in (comparison.baseline, *comparison.scenarios)]


COMPARISON: dict[str, Picture] = {
    "forest": Picture(
        "what changes in the world, in percent, with 95 % intervals", of_comparison.forest_figure
    ),
    "winners": Picture(
        "whose income changes: by decile of pay, country group, kind of worker", of_comparison.winners_figure
    ),
    "clock": Picture(
        "the day before and after: work posted and workers on duty by UTC hour, with intervals",
        _of(of_comparison.clock_figure),
        lambda comparison: not comparison.clock.empty,
        _changed,
    ),
    "hours": Picture(
        "map of the change of hours worked by country",
        _of(of_comparison.hours_figure),
        lambda comparison: not comparison.hours.empty,
        _changed,
    ),
    "transfers": Picture(
        "map of net public transfers by country", _of(of_comparison.transfers_figure), each=_changed
    ),
    "pay": Picture(
        "hourly pay by country before and after, with minimum wages",
        _of(spread.pay_figure),
        _has_spread,
        _changed,
    ),
    "lorenz": Picture(
        "Lorenz curves of income and pay before and after", _of(spread.lorenz_figure), _has_spread, _changed
    ),
    "deciles": Picture(
        "mean income of each tenth of workers, before and after",
        _of(spread.deciles_figure),
        _has_spread,
        _changed,
    ),
    "fan": Picture(
        "the weeks before and after over all seeds, with the day a policy begins",
        _of(spread.fan_figure),
        lambda comparison: not comparison.weeks.empty,
        _changed,
    ),
    "money": Picture("the way of the money in a scenario", _money, each=_all_scenarios),
}


# ---------------------------------------------------------------- sweeps


def _outcome(sweep: Sweep, outcome: str) -> str:
    """Return the outcome asked for, by default the first usual one that the sweep has."""
    names = list(sweep.outcomes.columns)
    usual = next((name for name in USUAL_OUTCOMES if name in names), names[0])
    return analysis.check_outcome(sweep, outcome or usual)


def _axes(sweep: Sweep, x: str, y: str) -> tuple[str, str]:
    """Return the two settings asked for, by default the first two that vary."""
    others = [axis for axis in sweep.axes if axis not in (x, y)]
    return x or others.pop(0), y or others.pop(0)


def _tornado(sweep: Sweep, *, outcome: str = "") -> Figure:
    name = _outcome(sweep, outcome)
    return study.tornado(sweep, name, analysis.sensitivity(sweep, name))


def _curve(sweep: Sweep, *, outcome: str = "", x: str = "") -> Figure:
    name, setting = _outcome(sweep, outcome), x or sweep.axes[0]
    table = analysis.response(sweep, name, setting)
    try:
        top = analysis.peak(sweep, name, setting)
    except UserError:
        return study.curve(sweep, name, table)
    return study.curve(sweep, name, table, top)


def _map(sweep: Sweep, *, outcome: str = "", x: str = "", y: str = "") -> Figure:
    name, axes = _outcome(sweep, outcome), _axes(sweep, x, y)
    return study.heat_map(sweep, name, analysis.response(sweep, name, *axes))


def _ai_map(sweep: Sweep, *, outcome: str = HUMAN_HOURS, x: str = "", y: str = "") -> Figure:
    axes = _axes(sweep, x, y)
    table = analysis.response(sweep, outcome, *axes)
    theory = analysis.response(sweep, BY_THEORY, *axes) if outcome == HUMAN_HOURS else None
    return study.ratio_map(sweep, outcome, table, theory)


def _has_ai(sweep: Sweep) -> bool:
    """Whether a sweep has human hours with a stock of intelligence, over two settings at least."""
    found = sweep.outcomes.get(HUMAN_HOURS)
    return len(sweep.axes) > 1 and found is not None and bool(found.notna().any())


def _pareto(sweep: Sweep, *, more: str = USUAL_GOALS[0], less: str = USUAL_GOALS[1]) -> Figure:
    goals = {name: sign for text, sign in ((more, 1), (less, -1)) for name in text.split(",") if name}
    return study.front(sweep, goals, analysis.pareto(sweep, goals))


def _box(sweep: Sweep, *, outcome: str = "", above: str = "") -> Figure:
    name = _outcome(sweep, outcome)
    _, means = sweep.means(sweep.compared([name]))
    bound = float(above) if above else float(means[name].median())
    return study.box(sweep, name, bound, analysis.discover(sweep, name, bound))


def _seeds(sweep: Sweep, *, outcome: str = "", half_width: str = "0.05") -> Figure:
    half = float(half_width)
    return study.seeds_needed(sweep, analysis.replications(sweep, [_outcome(sweep, outcome)], half), half)


def _each_axis(sweep: Sweep) -> list[dict[str, str]]:
    return [{"x": axis} for axis in sweep.axes]


SWEEP: dict[str, Picture] = {
    "tornado": Picture("how much each setting matters for an outcome", _tornado),
    "curve": Picture(
        "an outcome along a setting with its peak: the Laffer curve of a tax", _curve, each=_each_axis
    ),
    "map": Picture("an outcome over two settings", _map, lambda sweep: len(sweep.axes) > 1),
    "ai_map": Picture(
        "where human hours grow with intelligence and where they fall, with the boundary",
        _ai_map,
        _has_ai,
    ),
    "pareto": Picture(
        "points that no other beats in two goals",
        _pareto,
        lambda sweep: set(USUAL_GOALS) <= set(sweep.outcomes.columns),
    ),
    "box": Picture("ranges of settings in which an outcome is high", _box),
    "seeds": Picture(
        "how many seeds an interval needs", _seeds, lambda sweep: sweep.manifest["study"]["seeds"] > 1
    ),
}


# ---------------------------------------------------------------- validations


def _targets(found: Validation) -> Figure:
    return validation.overview(found.verdicts)


def _target(found: Validation, *, target: str = "") -> Figure:
    targets = {one["name"]: one for one in found.verdicts["targets"]}
    name = one_of("target", target or next(iter(targets)), targets, "is no target of this validation.")
    return validation.target_figure(found.verdicts, targets[name])


def _each_target(found: Validation) -> list[dict[str, str]]:
    """Return the targets that have a value."""
    return [
        {"target": target["name"]}
        for target in found.verdicts["targets"]
        if any(part["value"] is not None for part in target["parts"])
    ]


VALIDATION: dict[str, Picture] = {
    "targets": Picture("all targets on the scale of their bands, hits and misses", _targets),
    "target": Picture("one target: the model against what was observed", _target, each=_each_target),
    "patterns": Picture(
        "further patterns by sign and size",
        lambda found: validation.patterns_figure(found.verdicts),
        lambda found: bool(found.verdicts["patterns"]),
    ),
}

GALLERY: Mapping[str, Mapping[str, Picture]] = {
    "run": RUN,
    "comparison": COMPARISON,
    "sweep": SWEEP,
    "validation": VALIDATION,
}
"""The figures of each kind of result."""


# ---------------------------------------------------------------- the interface


def pictures(result: Result) -> dict[str, Picture]:
    """Return the figures that a result has, by name."""
    return {name: one for name, one in GALLERY[kind_of(result)].items() if one.there(result)}


def names(result: Result) -> list[str]:
    """Return the names of the figures that a result has."""
    return list(pictures(result))


def about(result: Result) -> dict[str, str]:
    """Return what each figure of a result shows, by name."""
    return {name: one.about for name, one in pictures(result).items()}


def options_of(picture: Picture) -> list[str]:
    """Return the names of a figure's options."""
    parameters = inspect.signature(picture.draw).parameters.values()
    return [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]


def draw(result: Result, name: str, **options: str) -> Figure:
    """Draw a figure of a result.

    Parameters
    ----------
    result
        A run, comparison, sweep or validation.
    name
        One of `names(result)`.
    options
        What the figure is of, where it can be of several things: ``scenario``, ``outcome``, ``x``, ``y``,
        ``more``, ``less``, ``above``, ``half_width``, ``target``.

    Raises
    ------
    UserError
        If the result has no such figure, or the figure no such option.
    """
    picture = find(result, name)
    check_options(name, picture, options)
    return picture.draw(result, **options)


def find(result: Result, name: str) -> Picture:
    """Return a figure of a result by name; say which is nearest if there is none."""
    there = pictures(result)
    if name in there:
        return there[name]
    kind = kind_of(result)
    known = name in GALLERY[kind]
    raise NoSuchFigure(
        f"This {kind} holds nothing that the figure would show."
        if known
        else f"A {kind} has no such figure.",
        path="figure",
        value=name,
        allowed=", ".join(there),
        nearest=nearest_or_first(name, there),
    )


def check_options(name: str, picture: Picture, options: Mapping[str, str]) -> None:
    """Refuse an option that a figure does not have."""
    allowed = options_of(picture)
    for option, value in options.items():
        key_among(option, value, allowed, f"is no option of the figure {name}.")


class Plots:
    """The figures of a result: ``result.plot.lorenz()`` returns a matplotlib figure.

    ``dir(result.plot)`` and ``result.plot`` itself list what there is.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def __dir__(self) -> list[str]:
        return names(self._result)

    def __repr__(self) -> str:
        told = about(self._result)
        width = max(map(len, told), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in told.items())

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        if name.startswith("_"):
            raise AttributeError(name)
        picture = find(self._result, name)
        drawing = partial(draw, self._result, name)
        drawing.__doc__ = picture.about
        return drawing


def variants(result: Result, name: str) -> list[tuple[str, dict[str, str]]]:
    """Return file name and options of each drawing of a figure where all of it is wanted."""
    return [
        ("-".join([name, *map(file_name, options.values())]), options)
        for options in find(result, name).each(result)
    ]
