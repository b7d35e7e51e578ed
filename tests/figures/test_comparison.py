"""Figures of a made-up comparison: marks stand where the table says, and all of it can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.figures import style
from sim.figures.comparison import ALL, FOREST, INCOME, MOST_SCENARIOS, NOTHING, draw_comparison
from sim.study.compare import Comparison
from tests.conftest import Exercised
from tests.figures.legible import assert_no_text_overlaps, texts

GROUPS = ["world", "segment casual", "segment first_income", "segment graduate", "segment home"]
GROUPS += ["segment side_job", "mixed", "north", "south", *(f"pay decile {n}" for n in range(1, 11))]
LONG = "profit_tax+turnover_tax+usage_tax+universal_income"


def made_up(*names: str, seeds: int = 5, scale: float = 1.0, unchanged: tuple[str, ...] = ()) -> Comparison:
    """A comparison of some scenarios in which everything changes by a known amount."""
    random = np.random.default_rng(len(names))
    rows = []
    for name in names:
        for metric in [metric for metric, _ in FOREST] + ["tax_revenue"]:
            for group in GROUPS if metric == INCOME else GROUPS[:1]:
                base = 0.0 if metric == "tax_revenue" else float(random.uniform(1, 90))
                change = 0.0 if name in unchanged else scale * base * float(random.uniform(-0.2, 0.1))
                half = abs(change) * 0.5 if seeds > 1 else float("nan")
                rows.append(
                    (
                        name,
                        metric,
                        group,
                        base,
                        base + change,
                        change,
                        change - half,
                        change + half,
                        "x",
                        seeds,
                    )
                )
    columns = [
        "scenario",
        "metric",
        "group",
        "baseline",
        "value",
        "difference",
        "low",
        "high",
        "unit",
        "seeds",
    ]
    manifest: dict[str, Any] = {
        "baseline": "none",
        "scenarios": dict.fromkeys(("none", *names), ""),
        "seeds": list(range(7, 7 + seeds)),
        "start": "2019-01-07",
        "days": 365,
        "warmup_days": 30,
        "workers": 20_000,
        "version": "0.1.0",
        "comparison_id": "0123456789abcdef",
        "unchanged": list(unchanged),
    }
    table = pd.DataFrame(rows, columns=columns)
    return Comparison(Path("nowhere"), manifest, table, pd.DataFrame(), pd.DataFrame())


VARIANTS = {
    "one": made_up("usage_tax"),
    "two": made_up("profit_tax+universal_income", "usage_tax+universal_income"),
    "three": made_up("a", LONG, "b"),
    "many": made_up(*(f"scenario number {n}" for n in range(MOST_SCENARIOS + 2))),
    "one seed": made_up("usage_tax", seeds=1),
    "tiny": made_up("usage_tax", scale=1e-7),
    "large": made_up("usage_tax", scale=1e3),
    "partly unchanged": made_up("a", "b", unchanged=("a",)),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_every_text_can_be_read(name: str, variant: str) -> None:
    with matplotlib.rc_context():
        figure = ALL[name](VARIANTS[variant])
        assert_no_text_overlaps(figure, at_least=10)
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    assert figure.get_figwidth() in (style.COLUMN, style.PAGE)


def caption(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


@pytest.mark.parametrize("name", ALL)
def test_captions_say_what_a_figure_rests_on(name: str) -> None:
    found = caption(ALL[name](VARIANTS["many"]))
    assert (
        "baseline none, 20,000 workers, 365 days from 2019-01-07 after 30 of warm-up, 5 seeds (7 to 11)"
        in found
    )
    assert f"Not drawn: scenario number {MOST_SCENARIOS}, scenario number {MOST_SCENARIOS + 1}." in found
    assert "95 % intervals" not in caption(ALL[name](VARIANTS["one seed"]))


@pytest.mark.parametrize("name", ALL)
def test_nothing_changed_is_said_in_words(name: str) -> None:
    figure = ALL[name](made_up("a", "b", unchanged=("a", "b")))
    assert figure.axes == [] and NOTHING in caption(figure)


def test_forest_marks_stand_at_percents_of_the_baseline(exercised: Exercised) -> None:
    comparison = VARIANTS["two"]
    figure = ALL["forest"](comparison)
    (axes,) = figure.axes
    world = comparison.table[comparison.table["group"] == "world"].set_index(["scenario", "metric"])
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [one for one in axes.collections if isinstance(one, LineCollection)][: len(marks) + 1]
    bars = [one for one in bars if len(one.get_segments()) == len(FOREST)]
    assert [line.get_label() for line in marks] == comparison.scenarios
    count = 0
    for line, bar in zip(marks, bars, strict=True):
        for place, (metric, _) in enumerate(FOREST):
            row = world.loc[(str(line.get_label()), metric)]
            assert np.asarray(line.get_xdata())[place] == pytest.approx(
                100 * row["difference"] / row["baseline"]
            )
            ends = np.asarray(bar.get_segments()[place])[:, 0]
            np.testing.assert_allclose(ends, 100 * np.array([row["low"], row["high"]]) / row["baseline"])
            assert round(float(np.asarray(line.get_ydata())[place])) == place
            count += 1
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [label for _, label in FOREST], "what has no baseline has no percents"
    exercised("marks", count, at_least=20)


def test_bars_are_as_high_as_the_table_says(exercised: Exercised) -> None:
    comparison = VARIANTS["partly unchanged"]
    left, right = ALL["winners"](comparison).axes
    table = comparison.table[comparison.table["metric"] == INCOME].set_index(["scenario", "group"])[
        "difference"
    ]
    groups = ["north", "south", "mixed", *(group for group in GROUPS if group.startswith("segment "))]
    count = 0
    for axes, names in ((left, [f"pay decile {n}" for n in range(1, 11)]), (right, groups)):
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert [bar.get_height() for bar in bars] == pytest.approx([table["b", name] for name in names])
        for bar in bars:
            wanted = style.BLUE if bar.get_height() >= 0 else style.VERMILLION
            assert matplotlib.colors.to_hex(bar.get_facecolor()) == style.tint(wanted, 0.6)
        count += len(bars)
    written = [text.get_text().replace("\n", "_") for text in right.get_xticklabels()]
    assert written == [group.removeprefix("segment ") for group in groups]
    exercised("bars", count, at_least=18)


def test_figures_are_written_twice_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "PNG_DPI", 60)
    first, second = (draw_comparison(VARIANTS["two"], tmp_path / name) for name in "ab")
    assert [path.name for path in first] == ["forest.png", "forest.svg", "winners.png", "winners.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
