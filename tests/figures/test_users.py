"""The figure of platforms' families: what they take, and the users of social ones, in a made-up year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.figures import policy, style
from sim.figures.market import ALL, USERS, figures_of
from sim.outcomes.frames import FrameSet
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.test_market import CAPTION, WORLD, assert_legible, texts


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return synthetic.with_users(synthetic.frames(workers=900))


def one_month(frames: FrameSet) -> FrameSet:
    first = frames.audiences["period"].min()
    flows, rows = frames.flows, frames.audiences
    return replace(frames, flows=flows[flows["period"] == first], audiences=rows[rows["period"] == first])


VARIANTS: dict[str, Callable[[FrameSet], FrameSet]] = {
    "year": lambda frames: frames,
    "large": lambda frames: synthetic.with_users(synthetic.frames(workers=900), unit=10**15),
    "small": lambda frames: synthetic.with_users(synthetic.frames(workers=900), unit=1_000),
    "one_month": one_month,
    "with a policy": synthetic.with_policy,
    "no scale": lambda frames: replace(frames, scale=None),
}


def draw(frames: FrameSet) -> Figure:
    return USERS["users"](frames, WORLD, CAPTION)


@pytest.mark.parametrize("variant", VARIANTS)
def test_legible_at_column_width(year: FrameSet, variant: str) -> None:
    figure = draw(VARIANTS[variant](year))
    assert_legible(figure)
    assert figure.get_figwidth() == style.COLUMN
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    assert CAPTION in " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


@pytest.mark.parametrize("name", ALL)
def test_other_figures_stay_legible(year: FrameSet, name: str) -> None:
    assert_legible(ALL[name](year, WORLD, CAPTION))


def check(frames: FrameSet) -> int:
    """Bars are what the ledger moved, lines the users of each group; return how many were compared."""
    figure, compared = draw(frames), 0
    colors = {to_hex(style.tint(color, 0.75)): kind for kind, (_, color) in policy.TAKEN.items()}
    found: dict[str, list[float]] = {}
    for patch in figure.axes[0].patches:
        assert isinstance(patch, Rectangle)
        found.setdefault(colors[to_hex(patch.get_facecolor())], []).append(patch.get_height())
    divisor = {"thousand USD": 1e3, "million USD": 1e6}[figure.axes[0].get_ylabel()]
    moved = frames.flows.groupby(["kind", "period"])["amount_microusd"].sum() / 1e6 / divisor
    for kind in policy.TAKEN:
        if kind in moved:
            np.testing.assert_allclose(found[kind], moved[kind].to_numpy())
            compared += len(found[kind])
    groups = frames.audiences["country"].map(dict(zip(WORLD.codes, WORLD.group, strict=True)))
    persons = frames.audiences["users"] * (frames.scale or 1.0)
    for line in figure.axes[1].lines:
        group = next(
            name for name, color in style.GROUPS.items() if to_hex(color) == to_hex(str(line.get_color()))
        )
        sums = persons[groups == group].groupby(frames.audiences["period"]).sum().to_numpy()
        drawn = np.asarray(line.get_ydata())
        np.testing.assert_allclose(drawn / drawn[0], sums / sums[0])
        compared += len(drawn)
    return compared


def test_bars_and_lines_are_the_tables(year: FrameSet, exercised: Exercised) -> None:
    exercised("bars and points", check(year), 48)


def test_a_planted_fault_is_seen(year: FrameSet, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = policy.users_by_month

    def without(frames: FrameSet, *others: object) -> object:
        there, unharmed = honest(frames, *others)  # type: ignore[arg-type]
        return unharmed, there

    monkeypatch.setattr(policy, "users_by_month", without)
    with pytest.raises(AssertionError):
        check(year)


def test_drawn_with_social_platforms_only(year: FrameSet) -> None:
    assert set(figures_of(year)) - set(ALL) == {"users"}
    assert "users" not in figures_of(synthetic.frames(workers=300))


@pytest.mark.parametrize("typed", [True, False])
def test_without_social_platforms_the_figure_says_so(typed: bool) -> None:
    assert any(text.get_text() == "No social platform." for text in draw(synthetic.nothing(typed)).texts)
