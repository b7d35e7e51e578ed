"""The figure of kinds of platforms: drawn from a small run, from little and from nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.figures.families import families_figure
from sim.figures.market import figures_of
from sim.model import ClickWorkModel
from sim.outcomes.families import posted_by_local_hour
from sim.outcomes.frames import FrameSet, empty
from sim.outcomes.recorder import Recorder
from sim.world import load_world
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.legible import assert_no_text_overlaps
from tests.support.families import all_kinds

CAPTION = "Simulated: n = 150 workers, 25 requesters, 6 days from 2019-01-07. Seed 1."
WORLD = load_world("six_regions")


@pytest.fixture(scope="module")
def frames() -> FrameSet:
    model = ClickWorkModel(all_kinds(days=6, workers=150, requesters=25))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    return recorder.frames()


def test_kinds_of_platforms_side_by_side(frames: FrameSet, exercised: Exercised) -> None:
    figure = families_figure(frames, WORLD, CAPTION)
    assert_no_text_overlaps(figure, at_least=15)
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == [
        "Microwork",
        "On demand",
        "Click farms",
    ]
    assert "families" in figures_of(frames) and "families" not in figures_of(synthetic.frames())
    exercised("panels", len(figure.axes), 6)


def test_little_or_nothing_is_said_to_be(frames: FrameSet, exercised: Exercised) -> None:
    few = replace(frames, workers=frames.workers.head(5))
    bare = replace(frames, batches=empty("batches"))
    nothing = replace(few, batches=empty("batches"))
    for part in (few, bare, nothing, synthetic.nothing(True)):
        assert_no_text_overlaps(families_figure(part, WORLD, CAPTION), at_least=2)
    texts = [text.get_text() for text in families_figure(nothing, WORLD, CAPTION).texts]
    assert "No work recorded." in texts
    exercised("figures", 4, 4)


def test_posting_is_shown_by_local_hour(frames: FrameSet, exercised: Exercised) -> None:
    """Local jobs peak in the evening, office work in the day, clicks never; universal time would blur it."""
    jobs, office, clicks = (
        posted_by_local_hour(frames, kind) for kind in ("on_demand", "microwork", "click_farm")
    )
    assert 18 <= int(np.argmax(jobs)) <= 20 and jobs[3] < 0.01
    assert office[8:18].sum() > 0.7 and np.ptp(clicks) < 0.03
    for shares in (jobs, office, clicks):
        assert shares.sum() == pytest.approx(1.0)
    exercised("batches", len(frames.batches), 5000)
