"""Figures of a sweep: what is drawn is what the tables say, and two drawings are the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from sim.figures import study, style
from sim.study import analysis
from sim.study.reading import Sweep
from tests.conftest import Exercised
from tests.figures.legible import assert_no_text_overlaps
from tests.study.test_analysis import AXES, drawn_otherwise, made_up
from tests.support.planting import planted


def sweep_of(words: list[str], outcome: Callable[..., float]) -> Sweep:
    return made_up(words, outcome, noise=0.01)


GRID = ["market.noise_sigma=0,0.5,1,1.5,2", "market.taste_sigma=0,1", "seeds=3"]


@pytest.fixture(scope="module")
def grid() -> Sweep:
    return sweep_of(GRID, lambda a, b: a * (2 - a) + b)


def test_tornado_has_the_most_important_on_top(grid: Sweep) -> None:
    table = analysis.sensitivity(grid, "y")
    (axes,) = study.tornado(grid, "y", table).axes
    assert [label.get_text() for label in axes.get_yticklabels()][::-1] == table["setting"].tolist()
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx(table["index"].tolist()[::-1])


def test_tornado_of_indices_shows_totals() -> None:
    sweep = sweep_of(["design=saltelli", "points=64", *AXES], lambda a, b, c: a * b + c / 63)
    (axes,) = study.tornado(sweep, "y", analysis.sensitivity(sweep, "y")).axes
    assert len(axes.patches) == 2 * len(AXES)
    ends = [
        [x for x, _ in segment] for lines in axes.collections for segment in lines.get_segments()
    ]  # of the totals, then of what is a setting's alone
    table = analysis.sensitivity(sweep, "y").iloc[::-1]
    names = [("total_low", "total_high"), ("low", "high")]
    assert np.array(ends) == pytest.approx(np.concatenate([table[list(pair)].to_numpy() for pair in names]))
    assert "Bars: 95 % intervals, grey of the light part." in axes.figure.texts[0].get_text()


def test_curve_marks_its_peak(grid: Sweep) -> None:
    x = "market.noise_sigma"
    table, top = analysis.response(grid, "y", x), analysis.peak(grid, "y", x)
    (axes,) = study.curve(grid, "y", table, top).axes
    assert axes.lines[0].get_ydata() == pytest.approx(table["mean"].to_numpy())
    assert axes.lines[1].get_xdata()[0] == pytest.approx(top["at"])
    assert axes.get_title(loc="left").startswith("Peak at ")


def test_a_title_of_a_curve_stays_within_it_and_claims_no_peak_of_a_level(grid: Sweep) -> None:
    x = "market.noise_sigma"
    table, top = analysis.response(grid, "y", x), analysis.peak(grid, "y", x)
    for level, at_end in ((False, 0.0), (False, 1.0), (True, 1.0)):
        shown = table.assign(mean=1.0) if level else table
        figure = study.curve(grid, "y", shown, {**top, "at_end": at_end, "low": 0.12345, "high": 0.98765})
        (axes,) = figure.axes
        figure.canvas.draw()
        (title,) = (text for text in axes.get_children() if getattr(text, "get_text", str)() ==
                    axes.get_title(loc="left"))  # fmt: skip
        assert title.get_window_extent().x1 <= figure.bbox.x1
        assert ("same" in title.get_text()) == level == ("0.123" not in title.get_text())


def test_a_curve_that_draws_made_has_no_peak() -> None:
    sweep = drawn_otherwise("lhs", 1)
    table, top = analysis.response(sweep, "y", sweep.axes[0]), analysis.peak(sweep, "y", sweep.axes[0])
    for told in (0.0, 1.0):
        (axes,) = study.curve(sweep, "y", table, {**top, "told": told}).axes
        assert (axes.get_title(loc="left") == "No peak can be told") == (not told)
        assert len(axes.lines) == 1 + bool(told)
    caption = axes.figure.texts[0].get_text().replace("\n", " ")
    assert "interval over seeds and over which points fell where" in caption


PAY, FEE, NOISE = "requesters.pay_usd_per_hour", "platforms.microwork.requester_fee", "market.noise_sigma"


def map_of(module: ModuleType, sweep: Sweep, *axes: str) -> tuple[Figure, Axes, Any]:
    """The map of an outcome, its axes, and its cells: a mesh."""
    figure = module.heat_map(sweep, "y", analysis.response(sweep, "y", *axes))
    figure.canvas.draw()
    place = figure.axes[0]
    return figure, place, next(one for one in place.collections if isinstance(one, QuadMesh))


def check_cells(module: ModuleType) -> None:
    """Cells hold the means and lie where the numbers are, and lines of the same height between them."""
    sweep = sweep_of([f"{FEE}=0.05,0.1,0.2,0.4", f"{PAY}=1,2,4"], lambda fee, pay: 10 * fee)
    table = analysis.response(sweep, "y", FEE, PAY)
    figure, axes, mesh = map_of(module, sweep, FEE, PAY)
    assert np.asarray(mesh.get_array()).T.ravel() == pytest.approx(table["mean"].to_numpy())
    assert np.array(mesh.get_coordinates())[0, :, 0] == pytest.approx([0.025, 0.075, 0.15, 0.3, 0.5])
    assert np.array(mesh.get_coordinates())[:, 0, 1] == pytest.approx([0.5, 1.5, 3.0, 5.0])
    (lines,) = (one for one in axes.collections if isinstance(one, ContourSet))
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        if len(path.vertices):
            assert path.vertices[:, 0] == pytest.approx(level / 10, abs=0.01), "lines are drawn elsewhere"
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == ("linear", FEE, f"{PAY} (USD/hour)")
    assert_no_text_overlaps(figure, 8)


def check_drawn(module: ModuleType) -> None:
    """What a design draws fills the map, by factors where declared so, and has contours."""
    words = [f"{PAY}=tag(log,interval(1,16))", f"{FEE}=interval(0,0.5)", f"{NOISE}=interval(0,2)"]
    sweep = sweep_of(["design=lhs", "points=60", *words], lambda pay, fee, noise: np.log2(pay))
    figure, axes, mesh = map_of(module, sweep, PAY, FEE)
    assert np.array(mesh.get_coordinates())[0, :, 0] == pytest.approx(np.geomspace(1, 16, 4))
    assert not np.ma.is_masked(mesh.get_array())
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "5", "10"]
    assert any(isinstance(one, ContourSet) for one in axes.collections)
    assert_no_text_overlaps(figure, 8)
    few = sweep_of(["design=lhs", "points=13", *words], lambda pay, fee, noise: pay)
    _, axes, mesh = map_of(module, few, PAY, FEE)
    assert np.ma.is_masked(mesh.get_array()) == ("White: no point" in axes.figure.texts[0].get_text())


def check_null_on_a_map(module: ModuleType) -> None:
    """Numbers beside null are text, and stand in the order of their size, null first, each with its cells."""
    size = {None: 0.0, 4: 4.0, 12: 12.0, 100: 100.0}
    sweep = sweep_of(
        [f"{NOISE}=0,1", "requesters.count=100,12,null,4", "seeds=2"], lambda a, count: size[count]
    )
    _, axes, mesh = map_of(module, sweep, NOISE, "requesters.count")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["null", "4", "12", "100"]
    assert np.asarray(mesh.get_array())[:, 0] == pytest.approx([0.0, 4.0, 12.0, 100.0], abs=0.1)


def check_names(module: ModuleType) -> None:
    """Names of groups can be read, on either side, and no contours join them."""
    sweep = sweep_of(["policy=glob(*)", f"{PAY}=1,2,4,6", "seeds=2"], lambda policy, pay: len(policy) + pay)
    names = sorted({str(name) for name in sweep.experiments["policy"]})
    for first, second in (("policy", PAY), (PAY, "policy")):
        figure, axes, _ = map_of(module, sweep, first, second)
        labels = axes.get_xticklabels() if first == "policy" else axes.get_yticklabels()
        assert [text.get_text() for text in labels] == names
        assert not any(isinstance(one, ContourSet) for one in axes.collections)
        assert_no_text_overlaps(figure, len(names) + 4)
    figure = module.curve(sweep, "y", analysis.response(sweep, "y", "policy"))
    assert figure.axes[0].lines[0].get_linestyle() == "None", "choices are not joined"
    assert_no_text_overlaps(figure, len(names) + 3)


def check_one_seed(module: ModuleType) -> None:
    """With one seed no interval is drawn or told, however many runs there are for a value."""
    for seeds in (1, 3):
        sweep = sweep_of(
            [f"{NOISE}=0,0.5,1,1.5,2", f"{FEE}=0.1,0.2", f"seeds={seeds}"], lambda a, b: a * (2 - a)
        )
        table, top = analysis.response(sweep, "y", NOISE), analysis.peak(sweep, "y", NOISE)
        (axes,) = module.curve(sweep, "y", table, top).axes
        title, caption = axes.get_title(loc="left"), axes.figure.texts[0].get_text()
        assert ("one seed: no interval" in title) == (seeds == 1) == ("95 %" not in title), title
        assert ("One seed: no interval." in caption) == (seeds == 1) == ("95 %" not in caption), caption
        assert len(axes.patches) == (seeds > 1), "a band around the peak"
        assert axes.get_xlabel() == f"{NOISE} (log points)"


def check_words_of_ends(module: ModuleType) -> None:
    """What the index of a group is is said where it is drawn."""
    for words, told in (
        ([f"{PAY}=1,2", "seeds=2"], "highest less lowest tenth, y (USD)"),
        ([f"{PAY}=1,2", "policy=none,union"], "highest less lowest tenth (of groups: choice), y (USD)"),
        (["policy=none,union", "seeds=2"], "highest less lowest choice, y (USD)"),
    ):
        sweep = sweep_of(words, lambda *at: float(len(str(at))))
        figure = module.tornado(sweep, "y", analysis.sensitivity(sweep, "y"))
        assert figure.axes[0].get_xlabel() == told
        assert ("no interval" in figure.texts[0].get_text()) == (len(words) == 2 and "seeds=2" in words)


def check_few_in_a_box(module: ModuleType) -> None:
    for points, few in ((20, True), (200, False)):
        words = ["design=lhs", f"points={points}", f"{PAY}=interval(1,9)", f"{NOISE}=interval(0,2)"]
        sweep = sweep_of(words, lambda pay, noise: pay)
        figure = module.box(sweep, "y", 8.0, analysis.discover(sweep, "y", 8.0))
        assert ("Caution: the box holds" in figure.texts[0].get_text()) == few
        assert f"{PAY} (USD/hour)" in [text.get_text() for text in figure.axes[0].get_yticklabels()]


def check_words_beside_a_box(module: ModuleType) -> None:
    """The longest names beside a box stay within the figure, as a file has it."""
    many = "[usage_tax,universal_income]"
    sweep = sweep_of([f"policy=none,union,{many}", f"{NOISE}=0,1"], lambda policy, noise: len(policy))
    names = sweep.experiments["policy"].map(lambda name: many if isinstance(name, tuple) else name)
    sweep.experiments["policy"] = names  # as a sweep's folder has them
    sweep.outcomes["y"] = (sweep.experiments["policy"] != "none").to_numpy(np.float64)
    table = analysis.discover(sweep, "y", 0.5)
    assert many in table["values"].iloc[0]
    figure = module.box(sweep, "y", 0.5, table)
    style.settle(figure)
    figure.set_dpi(style.PNG_DPI)
    assert_no_text_overlaps(figure, 8)


def check_goals(module: ModuleType) -> None:
    """A caption tells of all goals, also of those that are not drawn, and of no front that is none."""
    sweep = sweep_of(GRID, lambda a, b: a)
    for name, unit in (("z", "USD"), ("kept", "hours"), ("lost", "1")):
        sweep.outcomes[name] = sweep.outcomes["y"].to_numpy()
        sweep.manifest["units"][name] = unit
    four = {"y": 1, "z": -1, "kept": 1, "lost": -1}
    others = "Not drawn: kept (hours), more is better; lost, less is better."
    for goals, told in (
        ({"y": 1, "z": -1}, "Filled: no other point is better in both. Simulated"),
        (four, f"Filled: no other point is better in all 4 goals. {others} Simulated"),
    ):
        (axes,) = module.front(sweep, goals, analysis.pareto(sweep, goals)).axes
        assert axes.figure.texts[0].get_text().replace("\n", " ").startswith(told)
        assert (axes.lines[0].get_linewidth() > 0) == (len(goals) == 2)


def check_played(module: ModuleType) -> None:
    """A caption says how large and how long runs are, with which seeds, and what of that varies."""
    size = ["workers.count=300", "time.days=30", "time.warmup_days=7"]
    for words, told in (
        (size, "300 workers, 30 days after 7 of warm-up, 3 seeds a point (0 to 2)"),
        (["workers.count=300,1000", *size[1:]], "workers varied, 30 days after 7 of warm-up, 3 seeds"),
        ([size[0], "time.days=30,60", size[2]], "300 workers, days varied after 7 of warm-up, 3 seeds"),
        ([*size[:2], "time.warmup_days=0,30"], "300 workers, 30 days, days of warm-up varied, 3 seeds"),
    ):
        sweep = sweep_of(["market.noise_sigma=0,1", *words, "seeds=3"], lambda *values: values[0])
        assert f"design grid, {told}" in module.caption_of(sweep)
    study_told = {**sweep.manifest["study"], "settings": ["experiment=gone.yaml"]}
    sweep.manifest["study"] = study_told
    assert "design grid, 3 seeds a point (0 to 2); " in module.caption_of(sweep), "its files are gone"


CHECKS: dict[Any, tuple[str, str]] = {
    check_played: ("path not in varied and value(ends[0]) == value(ends[1])", "True"),
    check_cells: ("axes, across.centres, up.centres", "axes, *map(np.arange, values.shape[::-1])"),
    check_drawn: ('set_scale("log")', 'set_scale("linear")'),
    check_null_on_a_map: ("index=in_order(grid.index), ", ""),
    check_names: ("rotation=90 if _foot(names) else 0", "rotation=0"),
    check_one_seed: ("band if sure else", "band if True else"),
    check_words_of_ends: ("    if all(numbers):", "    if any(numbers):"),
    check_words_beside_a_box: ("    figure.set_dpi(style.PNG_DPI)", "    pass"),
    check_goals: ("if more else 'both'", "if not more else 'both'"),
    check_few_in_a_box: ("{few}{' ' * bool(few)}", ""),
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_figures_show(check: Any, exercised: Exercised) -> None:
    """Each shows what it should, and a planted bug takes it away."""
    check(study)
    with pytest.raises((AssertionError, TypeError, ValueError)):
        check(planted(study, *CHECKS[check]))
    exercised("planted bugs", 1, 1)


def test_a_map_of_many_values_names_a_few() -> None:
    """The first and the last, and some between."""
    sweep = sweep_of([f"{FEE}=range(0,0.45,0.015)", f"{PAY}=range(1,31)"], lambda fee, pay: fee * pay)
    _, axes, _ = map_of(study, sweep, FEE, PAY)
    assert 4 <= len(axes.get_xticks()) <= 9 < len(axes.get_yticks()) <= 17
    assert [axes.get_xticklabels()[place].get_text() for place in (0, -1)] == ["0", "0.45"]


def test_front_is_filled(grid: Sweep) -> None:
    grid.outcomes["z"] = -grid.experiments["market.noise_sigma"].to_numpy()
    grid.manifest["units"]["z"] = "USD"
    goals = {"y": 1, "z": 1}
    table = analysis.pareto(grid, goals)
    (axes,) = study.front(grid, goals, table).axes
    assert len(axes.lines[0].get_xdata()) == table["front"].sum()


def test_box_is_as_wide_as_the_table_says(grid: Sweep) -> None:
    table = analysis.discover(grid, "y", 1.5)
    (axes,) = study.box(grid, "y", 1.5, table).axes
    bars = [line for line in axes.collections if line.get_linewidth()[0] > 1][::-1]
    ends = [[float(x) for x, _ in bar.get_segments()[0]] for bar in bars]
    for row, (left, right) in zip(table.to_dict("records"), ends, strict=True):
        whole = grid.experiments[row["setting"]]
        expected = (np.array([row["low"], row["high"]]) - whole.min()) / (whole.max() - whole.min())
        assert [left, right] == pytest.approx(expected, abs=0.011)
    assert table["restricted"].any()
    assert [text.get_text() for text in axes.texts][::-1] == ["0.5 to 1.5", "1"]


def test_box_shows_which_choices_are_left() -> None:
    sweep = sweep_of(["policy=none,usage_tax,union", "market.noise_sigma=0,1"], lambda a, b: float(b))
    sweep.outcomes["y"] = (sweep.experiments["policy"] == "usage_tax").to_numpy(np.float64)
    table = analysis.discover(sweep, "y", 0.5)
    (axes,) = study.box(sweep, "y", 0.5, table).axes
    assert [text.get_text() for text in axes.texts][::-1] == ["usage_tax", "0 to 1"]
    blue = [line for line in axes.collections if line.get_linewidth()[0] > 1][-1]
    left, right = (float(x) for x, _ in blue.get_segments()[0])
    assert left < 5 / 6 < right, "sorted, it is the last of three"


def test_seeds_meet_the_wanted_width_where_the_table_says(grid: Sweep) -> None:
    table = analysis.replications(grid, ["y"], 0.002)
    (axes,) = study.seeds_needed(grid, table, 0.002).axes
    seeds, widths = axes.lines[0].get_data()
    needed = table["seeds_needed"].item()
    assert all(widths[seeds >= needed] <= 0.002)
    assert all(widths[seeds < needed] > 0.002)
    assert axes.lines[1].get_ydata()[0] == table["half_width_now"].item()
    axes.figure.canvas.draw()
    ticks = [
        text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_ticklabels(which="both")
    ]
    assert ticks and not any("10" in text and "{" in text for text in ticks), "plain numbers"


@pytest.mark.parametrize("name", ["tornado", "curve", "heat_map"])
def test_figures_are_the_same_bytes_each_time(name: str, grid: Sweep, tmp_path: Path) -> None:
    def draw() -> Figure:
        if name == "tornado":
            return study.tornado(grid, "y", analysis.sensitivity(grid, "y"))
        axes = grid.axes if name == "heat_map" else grid.axes[:1]
        return getattr(study, name)(grid, "y", analysis.response(grid, "y", *axes))

    first = [path.read_bytes() for path in style.save(draw(), tmp_path, "a")]
    assert first == [path.read_bytes() for path in style.save(draw(), tmp_path, "b")]
    (text, *_) = draw().texts
    assert "30 runs" in text.get_text().replace("\n", " ")
