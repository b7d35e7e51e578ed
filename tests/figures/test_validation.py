"""Figures of a validation: bands, values and curves are where the verdicts say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.figures import style, validation
from tests.study.test_verdicts import concluded


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Any]:
    found = concluded()
    curve = [0.2 + 0.01 * hour for hour in range(24)]
    found["curves"] = {"mt": {"india_by_hour": [curve, curve], "recapture": [[0.8, 0.7, 0.6]] * 2}}
    return found


def target(verdicts: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(one) for one in verdicts["targets"] if one["name"] == name)


def test_a_panel_shows_band_value_and_interval(verdicts: dict[str, Any]) -> None:
    one = target(verdicts, "BP01")
    figure = validation.target_figure(verdicts, one)
    (axes,) = figure.axes
    band, part = axes.patches[0], one["parts"][0]
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((1.2, 2.7))
    marks = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert marks[0].get_xdata()[0] == part["value"]
    assert marks[1].get_xdata()[0] == part["without_largest"]["value"]
    assert figure.get_suptitle().endswith("hit")


def test_a_miss_has_another_colour(verdicts: dict[str, Any]) -> None:
    one = target(verdicts, "BP01")
    one["parts"] = [{**one["parts"][0], "verdict": "MISS"}]
    (axes,) = validation.target_figure(verdicts, one).axes
    marks = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert marks == [style.VERMILLION]


def test_curves_stand_below_their_targets(verdicts: dict[str, Any]) -> None:
    assert len(validation.target_figure(verdicts, target(verdicts, "BP07")).axes) == 3
    assert len(validation.target_figure(verdicts, target(verdicts, "BP13")).axes) == 2
    assert len(validation.target_figure(verdicts, target(verdicts, "BP12")).axes) == 1


def test_the_overview_puts_each_value_on_its_bands_scale(verdicts: dict[str, Any]) -> None:
    (axes,) = validation.overview(verdicts).axes
    part = target(verdicts, "BP01")["parts"][0]
    assert axes.lines[0].get_xdata()[0] == pytest.approx((part["value"] - 1.2) / 1.5)
    assert axes.get_yticklabels()[0].get_text() == "BP01 median"


def test_what_has_no_value_is_said(verdicts: dict[str, Any]) -> None:
    one = target(verdicts, "BP01")
    empty = {"value": None, "interval": None, "verdict": "no value"}
    one["parts"] = [{**one["parts"][0], **empty, "without_largest": empty, "mechanisms": {}}]
    figure = validation.target_figure(verdicts, one)
    assert figure.axes == []
    assert "BP01: no value" in [text.get_text() for text in figure.texts]


def test_all_are_written_twice_the_same(verdicts: dict[str, Any], tmp_path: Path) -> None:
    some = {**verdicts, "targets": verdicts["targets"][6:7]}
    paths = validation.draw_validation(some, tmp_path)
    assert [path.name for path in paths] == [
        f"{name}.{ending}" for name in ("targets", "BP07", "patterns") for ending in ("png", "svg")
    ]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in validation.draw_validation(some, tmp_path)] == before
