"""Figures of a sweep: what is drawn is what the tables say, and two drawings are the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sim.figures import study, style
from sim.study import analysis
from sim.study.reading import Sweep
from tests.study.test_analysis import AXES, made_up


def sweep_of(words: list[str], outcome: Callable[..., float]) -> Sweep:
    sweep = made_up(words, outcome, noise=0.01)
    sweep.manifest |= {"version": "0", "identity": "0" * 64}
    return sweep


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


def test_heat_map_holds_the_means(grid: Sweep) -> None:
    table = analysis.response(grid, "y", *grid.axes)
    axes = study.heat_map(grid, "y", table).axes[0]
    shown = np.asarray(axes.images[0].get_array())
    assert shown.T.ravel() == pytest.approx(table["mean"].to_numpy())


def test_a_map_of_many_values_names_a_few(grid: Sweep) -> None:
    table = pd.DataFrame({name: np.arange(30) / 7 for name in (*grid.axes[:2], "mean")})
    axes = study.heat_map(grid, "y", table).axes[0]
    assert 4 <= len(axes.get_xticks()) == len(axes.get_yticks()) <= 8
    assert axes.get_xticklabels()[1].get_text() == f"{4 / 7:.3g}"


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
