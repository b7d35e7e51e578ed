"""The figure of taxes and income, and the diagram of the money, in a made-up year with a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from sim.figures import policy, style
from sim.figures.market import ALL, POLICY, draw_all, figures_of
from sim.outcomes.frames import FrameSet
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.test_market import CAPTION, WORLD, assert_legible, texts


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return synthetic.with_policy(synthetic.frames(workers=900))


def one_month(frames: FrameSet) -> FrameSet:
    first = frames.taxes["period"].min()
    return replace(
        frames, taxes=frames.taxes[frames.taxes["period"] == first], incomes=frames.incomes.head(0)
    )


def from_outside(frames: FrameSet) -> FrameSet:
    taxes = frames.taxes.assign(amount_microusd=0, before_window_microusd=0)
    return replace(frames, taxes=taxes, incomes=frames.incomes.assign(from_outside_microusd=1))


def workers_only(frames: FrameSet) -> FrameSet:
    return replace(frames, incomes=frames.incomes.assign(heads=frames.incomes["workers"].astype(float)))


VARIANTS: dict[str, Callable[[FrameSet], FrameSet]] = {
    "year": lambda frames: frames,
    "large": lambda frames: synthetic.with_policy(synthetic.frames(workers=900), unit=10**15),
    "small": lambda frames: synthetic.with_policy(synthetic.frames(workers=900), unit=1_000),
    "alike": lambda frames: synthetic.with_policy(synthetic.frames(workers=900), alike=True),
    "one_month": one_month,
    "workers_only": workers_only,
    "from_outside": from_outside,
}


def draw(frames: FrameSet) -> Figure:
    return POLICY["taxes"](frames, WORLD, CAPTION)


@pytest.mark.parametrize("variant", VARIANTS)
def test_taxes_are_legible_at_column_width(year: FrameSet, variant: str) -> None:
    figure = draw(VARIANTS[variant](year))
    assert_legible(figure)
    assert figure.get_figwidth() == style.COLUMN
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    written = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert CAPTION in written
    assert ("unfunded experiment" in written) == (variant == "from_outside")
    assert ("Only workers of the market" in written) == (variant == "workers_only")


@pytest.mark.parametrize("name", ALL)
def test_other_figures_stay_legible_with_a_policy(year: FrameSet, name: str) -> None:
    assert_legible(ALL[name](year, WORLD, CAPTION))


def bars(figure: Figure) -> dict[str, list[float]]:
    """Heights of the bars of each instrument, by its colour."""
    names = {to_hex(style.tint(color, 0.75)): name for name, (_, color) in policy.INSTRUMENTS.items()}
    found: dict[str, list[float]] = {}
    for patch in figure.axes[0].patches:
        assert isinstance(patch, Rectangle)
        found.setdefault(names[to_hex(patch.get_facecolor())], []).append(patch.get_height())
    return found


def test_bars_are_what_the_ledger_booked(year: FrameSet, exercised: Exercised) -> None:
    figure = draw(year)
    found = bars(figure)
    booked = year.flows.groupby(["kind", "period"])["amount_microusd"].sum()
    assert figure.axes[0].get_ylabel() == "thousand USD"
    for name in policy.INSTRUMENTS:
        np.testing.assert_allclose(found[name], booked[name].to_numpy() / 1e9)
    exercised("bars", sum(map(len, found.values())), at_least=36)
    tops = [patch.get_y() + patch.get_height() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
    stacked = tops[-len(found["profit_tax"]) :]
    np.testing.assert_allclose(stacked, np.sum(list(found.values()), axis=0))


def test_lines_are_means_over_heads_of_the_month_before(year: FrameSet) -> None:
    lines = draw(year).axes[1].lines
    groups = year.incomes["country"].map(dict(zip(WORLD.codes, WORLD.group, strict=True)))
    assert len(lines) == 2
    for line, group in zip(lines, ("north", "south"), strict=True):
        part = year.incomes[groups == group]
        mean = (part["per_head_microusd"] * part["heads"]).groupby(part["period"]).sum()
        mean = mean / part["heads"].groupby(part["period"]).sum() / 1e6
        drawn = np.asarray(line.get_ydata())
        assert np.isnan(drawn[0])
        np.testing.assert_allclose(drawn[1:] / 100, mean.to_numpy()[:-1])  # drawn in cents
        assert to_hex(str(line.get_color())) == to_hex(style.GROUPS[group])


def test_groups_that_are_paid_the_same_share_a_line(year: FrameSet) -> None:
    panel = draw(synthetic.with_policy(year, alike=True)).axes[1]
    assert len(panel.lines) == 1
    assert [text.get_text() for text in panel.texts] == ["North,\nSouth 5"]
    assert panel.get_ylabel() == "US cents"


def test_the_figure_is_drawn_with_a_policy_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "PNG_DPI", 40)
    monkeypatch.setattr("sim.figures.market.ALL", {})
    bare = synthetic.frames(workers=300)
    assert figures_of(bare) == {} and draw_all(bare, WORLD, CAPTION, tmp_path / "bare") == []
    paths = draw_all(synthetic.with_policy(bare), WORLD, CAPTION, tmp_path / "policy")
    assert [path.name for path in paths] == ["taxes.png", "taxes.svg"]


@pytest.mark.parametrize("typed", [True, False])
def test_without_a_policy_the_figure_says_so(typed: bool) -> None:
    figure = draw(synthetic.nothing(typed))
    assert figure.axes == []
    assert any(text.get_text() == "No tax collected, no income paid." for text in figure.texts)


def test_the_diagram_shows_treasuries_havens_and_incomes(year: FrameSet) -> None:
    axes = ALL["money"](year, WORLD, CAPTION).axes[0]
    bands = {str(patch.get_gid()): patch for patch in axes.patches if isinstance(patch, Polygon)}
    sums = year.flows.groupby("kind")["amount_microusd"].sum()
    expected = {
        "platforms to governments": sums[["usage_tax", "turnover_tax", "profit_tax"]].sum(),
        "governments to workers": sums["universal_income"],
        "governments to other_people": sums["income_of_others"],
        "governments to spending": sums["administration"],
        "platforms to havens": sums["profit_shifting"],
        "havens to owners": sums["haven_profit"],
        "havens to spending": sums["haven_tax"],
    }
    for name, amount in expected.items():
        heights = bands[name].get_xy()[:, 1]
        assert heights[-2] - heights[0] == pytest.approx(amount, rel=1e-6), name
    assert {"governments", "havens", "other people"} <= {
        text.get_text().split("\n")[0] for text in axes.texts if "\n" in text.get_text()
    }
    written = " ".join(text.get_text().replace("\n", " ") for text in axes.figure.texts)
    assert "governments to governments" in written


def test_the_matrix_shows_treasuries_and_havens(year: FrameSet) -> None:
    axes = ALL["matrix"](year, WORLD, CAPTION).axes[0]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    columns = [text.get_text() for text in axes.get_xticklabels()]
    cells = {
        (round(text.get_position()[1] - 0.5), round(text.get_position()[0] - 0.5)) for text in axes.texts
    }
    for debit, credit in (
        ("platforms", "governments"), ("governments", "governments"), ("governments", "outside"),
        ("platforms", "havens"), ("havens", "owners"),
    ):  # fmt: skip
        assert (rows.index(debit), columns.index(credit)) in cells


def test_a_planted_fault_is_seen(year: FrameSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the part before the window, and the bars are no longer what was booked."""
    honest = policy.revenue_by_month

    def whole(frames: FrameSet) -> object:
        return honest(replace(frames, taxes=frames.taxes.assign(before_window_microusd=0)))

    monkeypatch.setattr(policy, "revenue_by_month", whole)
    booked = year.flows.groupby(["kind", "period"])["amount_microusd"].sum()
    drawn = pd.Series(bars(draw(year))["usage_tax"])
    assert not np.allclose(drawn, booked["usage_tax"].to_numpy() / 1e9)
