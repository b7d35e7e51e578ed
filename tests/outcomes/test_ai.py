"""Indicators, console and figure of artificial intelligence, from tables written down by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.colors import to_hex

from sim.figures import style
from sim.figures.market import ALL, INTELLIGENCE, draw_all, figures_of
from sim.outcomes.console import AI_SECTIONS, SHORT_RUN, rows
from sim.outcomes.frames import FrameSet, empty
from sim.outcomes.indicators import summary
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.synthetic import table
from tests.figures.test_market import CAPTION, assert_legible, texts

WORLD = synthetic.world()
WEEKS = 8
AI = table(
    "ai",
    {
        "day": [7 * week for week in range(WEEKS) for _ in range(2)],
        "date": [f"2019-01-{7 * week % 28 + 7:02d}" for week in range(WEEKS) for _ in range(2)],
        "country": ["USA", "IND"] * WEEKS,
        "requesters": [2, 1] * WEEKS,
        "initial_hours": [60.0, 40.0] * WEEKS,
        # 100 in the two weeks at the start, 300 in the two at the end
        "stock_hours": [60.0, 40.0] * 4 + [140.0, 160.0] * 4,
        "labels_wanted_hours": [60.0, 40.0] * 4 + [200.0, 200.0] * 4,
        "labels_delivered_hours": [50.0, 40.0] * 4 + [150.0, 200.0] * 4,
        "labels_free_hours": [0.0, 0.0] * 4 + [0.0, 40.0] * 4,
        "labels_shared_hours": [0.0, 0.0] * 4 + [25.0, 15.0] * 4,
        "labels_by_machines_hours": [0.0, 0.0] * 4 + [100.0, 80.0] * 4,
        "human_hours": [40.0, 40.0] * 4 + [90.0, 70.0] * 4,
        "analytic_hours": [60.0, 40.0] * 4 + [200.0, 50.0] * 4,
        "wanted_cost_usd": [120.0, 120.0] * 4 + [200.0, 280.0] * 4,
        "outside_hours_lost": [0.0, 0.0] * 4 + [10.0, 30.0] * 4,
        "displaced": [0, 0] * 4 + [0, 1] * 4,
    },
)
SERIES = table(
    "series", {"country": ["USA"], "pay_microusd": [30_000_000], "paid_seconds": [36_000], "platform": ["a"]}
)
FRAMES = FrameSet(ai=AI, series=SERIES)
WAGES = dict(zip(map(str, WORLD.codes), WORLD.outside_wage_usd, strict=True))

EXPECTED = {
    "ai_years": 8 * 7 / 365,
    "ai_stock_growth": 3.0,
    "ai_human_hours_growth": 160 / 80,
    "ai_analytic_growth": 250 / 100,
    "ai_market_effect": 2.0 / 2.5,
    "ai_human_hours_per_unit": 160 / 300,
    "ai_automation_coverage": 180 / 320,
    "ai_label_price": 480 / 400,
    "ai_label_price_growth": 1.2 / 2.4,
    "ai_labels_delivered_share": (4 * 90 + 4 * 350) / (4 * 100 + 4 * 400),
    "ai_labels_free_share": 4 * 40 / (4 * 90 + 4 * 350),
    "ai_labels_shared_share": 4 * 40 / (4 * 90 + 4 * 350),
    "click_hours_per_outside_hour": 80 / 40,
    "click_pay_over_outside_wage": 3.0 / ((10 * WAGES["USA"] + 30 * WAGES["IND"]) / 40),
}


def test_indicators_by_hand(exercised: Exercised) -> None:
    found = summary(FRAMES, WORLD)
    for name, value in EXPECTED.items():
        assert found[name]["value"] == pytest.approx(value), name
    exercised("indicators", len(EXPECTED), 14)


def test_without_intelligence_there_is_nothing_to_tell() -> None:
    found = summary(replace(FRAMES, ai=empty("ai")), WORLD)
    assert all(found[name]["value"] is None and found[name]["reason"] for name in EXPECTED)
    assert not {label for section, label, _ in rows(found) if section in AI_SECTIONS}
    one_week = summary(replace(FRAMES, ai=AI.head(2)), WORLD)
    assert one_week["ai_years"]["value"] > 0 and one_week["ai_stock_growth"]["value"] is None


def test_a_short_run_says_so() -> None:
    (section,) = AI_SECTIONS
    told = [(label, text) for name, label, text in rows(summary(FRAMES, WORLD)) if name == section]
    assert len(told) == len(AI_SECTIONS[section]) + 1 and told[-1] == SHORT_RUN
    assert "n/a" not in " ".join(text for _, text in told)
    ten_years = synthetic.with_ai(synthetic.frames(workers=300))
    told = [(label, text) for name, label, text in rows(summary(ten_years, WORLD)) if name == section]
    assert len(told) == len(AI_SECTIONS[section]) and SHORT_RUN not in told


@pytest.mark.parametrize(
    ("weeks", "scale", "free"), [(520, 1.0, 0.1), (261, 1e6, 0.0), (20, 1e-3, 0.5), (1, 1.0, 0.0)]
)
def test_the_figure_is_legible(weeks: int, scale: float, free: float) -> None:
    frames = synthetic.with_ai(FrameSet(), weeks, scale, free)
    figure = INTELLIGENCE["ai"](frames, WORLD, CAPTION)
    assert_legible(figure)
    caption = " ".join(text.get_text() for text in texts(figure))
    assert ("A short" in caption) == (weeks < 261)


def test_the_figure_shows_the_table() -> None:
    """Lines are what the table holds; a zero of the axes is a zero."""
    figure = INTELLIGENCE["ai"](FRAMES, WORLD, CAPTION)
    stock, makers, hours, costs = figure.axes
    assert list(stock.lines[0].get_ydata()) == pytest.approx([1.0] * 4 + [3.0] * 4)
    assert list(makers.lines[0].get_ydata())[-1] == pytest.approx(100 * (1 - 80 / 350) * 180 / 320)
    assert list(makers.lines[1].get_ydata())[-1] == pytest.approx(100 * 40 / 350)
    assert list(makers.lines[2].get_ydata())[-1] == pytest.approx(100 * 40 / 350)
    done, formula = hours.lines
    assert list(done.get_ydata())[-1] == 160 and list(formula.get_ydata())[-1] == 250
    assert to_hex(str(formula.get_color())) == style.GREY.lower() and formula.get_linestyle() == "--"
    assert list(costs.lines[0].get_ydata())[-1] == pytest.approx(1.2)
    assert list(costs.lines[1].get_ydata())[-1] == pytest.approx(1.2 * 320 / 140)
    assert all(axes.get_ylim()[0] == 0 for axes in figure.axes)


def test_it_is_drawn_where_there_is_intelligence(tmp_path: Path) -> None:
    assert figures_of(FrameSet()) == ALL and list(figures_of(FRAMES)) == [*ALL, "ai"]
    only = replace(FrameSet(), ai=AI)
    drawn = {path.stem for path in draw_all(only, WORLD, CAPTION, tmp_path)}
    assert "ai" in drawn
