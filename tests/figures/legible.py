"""Whether the texts of a figure can be read: none is cut off, none lies on another."""

from __future__ import annotations

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK_POINTS = 0.5


def texts(figure: Figure) -> list[Text]:
    """Return every text that is drawn; matplotlib keeps ticks beyond the limits but does not draw them."""
    found: list[Text] = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.title, axes._left_title, axes._right_title]  # type: ignore[attr-defined]
        if not axes.axison:
            continue
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            found += [axis.label, axis.offsetText]
            found += [
                label
                for tick in axis.get_major_ticks()
                for label in (tick.label1, tick.label2)
                if min(low, high) <= tick.get_loc() <= max(low, high)
            ]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def assert_no_text_overlaps(figure: Figure, at_least: int) -> None:
    """Every text lies inside the figure and on no other."""
    figure.draw_without_rendering()
    boxes = [(text, text.get_window_extent()) for text in texts(figure)]
    slack = SLACK_POINTS * figure.dpi / 72
    assert len(boxes) >= at_least
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        inside = box.x0 > -slack and box.y0 > -slack and box.x1 < width + slack and box.y1 < height + slack
        assert inside, f"{text.get_text()!r} leaves the figure"
    for (one, box), (other, other_box) in combinations(boxes, 2):
        if one.get_rotation() % 90 or other.get_rotation() % 90:
            continue
        apart = (
            box.x1 < other_box.x0 + slack
            or other_box.x1 < box.x0 + slack
            or box.y1 < other_box.y0 + slack
            or other_box.y1 < box.y0 + slack
        )
        assert apart, f"{one.get_text()!r} lies on {other.get_text()!r}"
