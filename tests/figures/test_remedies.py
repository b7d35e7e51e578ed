"""The figure of unions and employment, on made-up tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from sim.figures import style
from sim.figures.market import REMEDIES, draw_all, figures_of
from sim.outcomes.frames import FrameSet
from tests.figures import synthetic
from tests.figures.test_market import CAPTION, WORLD, assert_legible


def with_remedies(frames: FrameSet, weeks: int = 20, struck: tuple[int, ...] = (70, 77)) -> FrameSet:
    """Return tables with a union that grows by a member a week, and employers who refuse more and more."""
    codes = list(WORLD.codes)
    union: list[dict[str, Any]] = [
        {
            "day": 7 * week, "platform": "microwork", "country": code, "workers": 100 + place,
            "members": week + place, "grievance": 0.3, "on_strike": 7 * week in struck,
        }
        for place, code in enumerate(codes)
        for week in range(weeks)
    ]  # fmt: skip
    employment: list[dict[str, Any]] = [
        {
            "period": f"2019-{month:02}", "platform": "microwork", "country": code,
            "duty_seconds": 3600 * (10 + place), "refused_seconds": 3600 * month,
        }
        for place, code in enumerate(codes)
        for month in range(1, 6)
    ]  # fmt: skip
    tables = {
        name: synthetic.table(name, {column: [row[column] for row in rows] for column in rows[0]})
        for name, rows in (("unions", union), ("employment", employment))
    }
    return replace(frames, **tables)


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return with_remedies(synthetic.frames(workers=300))


@pytest.mark.parametrize("kept", [("unions", "employment"), ("unions",), ("employment",)])
def test_legible_at_column_width(year: FrameSet, kept: tuple[str, ...]) -> None:
    bare = FrameSet()
    gone = {name: getattr(bare, name) for name in ("unions", "employment") if name not in kept}
    figure = REMEDIES["remedies"](replace(year, **gone), WORLD, CAPTION)
    assert_legible(figure)
    assert figure.get_figwidth() == style.COLUMN and len(figure.axes) == len(kept)
    written = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert ("Strikes in 2 of 20 weeks" in written) == ("unions" in kept)


def test_lines_are_shares_of_groups(year: FrameSet) -> None:
    figure = REMEDIES["remedies"](year, WORLD, CAPTION)
    groups = dict(zip(WORLD.codes, WORLD.group, strict=True))
    for axes, table, part, whole, when in (
        (figure.axes[0], year.unions, ["members"], ["workers"], "day"),
        (figure.axes[1], year.employment, ["refused_seconds"], ["refused_seconds", "duty_seconds"], "period"),
    ):
        for line in axes.lines:
            name = next(
                name for name, color in style.GROUPS.items() if to_hex(color) == to_hex(str(line.get_color()))
            )
            rows = table[table["country"].map(groups) == name].groupby(when)
            by_hand = 100 * rows[part].sum().sum(axis=1) / rows[whole].sum().sum(axis=1)
            np.testing.assert_allclose(np.asarray(line.get_ydata()), by_hand.to_numpy())
        assert len(axes.lines) == len(set(WORLD.group))


def test_drawn_with_remedies_only(year: FrameSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "PNG_DPI", 40)
    monkeypatch.setattr("sim.figures.market.ALL", {})
    assert figures_of(synthetic.frames(workers=300)) == {}
    paths = draw_all(year, WORLD, CAPTION, tmp_path / "remedies")
    assert [path.name for path in paths] == ["remedies.png", "remedies.svg"]


@pytest.mark.parametrize("typed", [True, False])
def test_without_remedies_the_figure_says_so(typed: bool) -> None:
    figure = REMEDIES["remedies"](synthetic.nothing(typed), WORLD, CAPTION)
    assert figure.axes == []
    assert any(text.get_text() == "No union, no employees." for text in figure.texts)
