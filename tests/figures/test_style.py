"""Style: captions, labels that keep apart, files that come out the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.figures import style


def test_caption_says_what_a_figure_rests_on() -> None:
    caption = style.caption_text(
        workers=20_000, requesters=600, days=365, start="2019-02-06", seed=7, version="0.1.0",
        config_hash="3f2a1b9c77d1e5aa",
    )  # fmt: skip
    assert caption == (
        "Simulated: n = 20,000 workers, 600 requesters, 365 days from 2019-02-06. "
        "Seed 7; clickmarket 0.1.0; configuration 3f2a1b9c77d1."
    )


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=5))
def test_labels_keep_apart_and_in_order(wanted: list[float]) -> None:
    placed = style.spread(wanted, 0.1)
    order = np.argsort(wanted, kind="stable")
    assert len(placed) == len(wanted)
    assert (np.diff(np.array(placed)[order]) >= 0.1 - 1e-3).all()
    assert abs(sum(placed) - sum(wanted)) < 1e-9


def test_labels_that_are_apart_stay() -> None:
    assert style.spread([0.9, 0.1, 0.5], 0.1) == [0.9, 0.1, 0.5]


@pytest.mark.parametrize(
    ("largest", "scale"),
    [
        (0, (1, "")),
        (1999, (1, "")),
        (2000, (1e3, "thousand")),
        (3e6, (1e6, "million")),
        (5e9, (1e9, "billion")),
    ],
)
def test_axes_have_a_scale_in_words(largest: float, scale: tuple[float, str]) -> None:
    assert style.scale_of(largest) == scale


def test_shades() -> None:
    assert style.ink("#ffffff", 0.5) == "#808080"
    assert style.tint("#000000", 0.5) == "#808080"


def test_settings_of_the_user_come_back() -> None:
    with matplotlib.rc_context({"font.size": 31, "axes.grid": True}):
        with style.settings():
            assert matplotlib.rcParams["font.size"] == style.SETTINGS["font.size"]
            assert matplotlib.rcParams["axes.grid"] is False
        assert matplotlib.rcParams["font.size"] == 31


def test_files_come_out_the_same_and_undated(tmp_path: Path) -> None:
    paths = []
    for name in ("a", "b"):
        figure = style.empty_figure("Nothing.", "A caption.")
        figure.subplots().plot([1, 2], [3, 4])
        paths.append(style.save(figure, tmp_path, name))
    for one, other in zip(*paths, strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = (tmp_path / "a.svg").read_text()
    assert "<dc:date>" not in svg
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_pyplot_is_never_loaded() -> None:
    """pyplot keeps global state and picks a backend for screens."""
    code = "import sys, sim.figures.market; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
