"""The flow diagram's geometry: widths are the ledger's sums, nothing lies on anything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.figures.sankey import PLACES, SINK, SOURCE, Bar, Layout, curve, layout
from sim.ledger import KINDS

BAR_WIDTH = 0.1
SECTORS = [name for name in PLACES if name not in (SOURCE, SINK)] + ["outside", "rounding"]
FLOWS = st.dictionaries(
    st.tuples(st.sampled_from(SECTORS), st.sampled_from(SECTORS)), st.integers(0, 10**12), max_size=25
)


def ends(pair: tuple[str, str]) -> tuple[str, str]:
    return (SOURCE if pair[0] == "outside" else pair[0], SINK if pair[1] == "outside" else pair[1])


@settings(deadline=None)
@given(FLOWS)
def test_every_flow_is_a_band_or_is_named_as_left_out(flows: dict[tuple[str, str], int]) -> None:
    plan = layout(flows)
    drawn = {(band.source, band.target): band.amount for band in plan.bands}
    for pair, amount in flows.items():
        assert drawn.get(ends(pair), 0) + plan.omitted.get(pair, 0) == amount
    assert sum(drawn.values()) + sum(plan.omitted.values()) == sum(flows.values())
    assert all(
        "rounding" in pair or PLACES[ends(pair)[0]][0] == PLACES[ends(pair)[1]][0] for pair in plan.omitted
    )


@settings(deadline=None)
@given(FLOWS)
def test_a_band_is_as_high_everywhere_as_its_sum(flows: dict[tuple[str, str], int]) -> None:
    for band in layout(flows).bands:
        x, lower, upper = curve(band, BAR_WIDTH)
        np.testing.assert_allclose(upper - lower, band.amount, rtol=1e-9)
        assert (np.diff(x) >= -1e-12).all()
        assert (lower[0], lower[-1]) == pytest.approx((band.way[0][1], band.way[-1][1]))


def attached(plan: Layout, bar: Bar, side: int) -> list[tuple[float, float]]:
    """Lower and upper edges of the bands at the left (0) or right (1) side of a bar."""
    found = []
    for band in plan.bands:
        column, bottom = band.way[-1 if side == 0 else 0]
        left, right = (band.target, band.source) if band.returns else (band.source, band.target)
        if (right if side == 0 else left) == bar.name:
            assert column == bar.column
            found.append((bottom, bottom + band.amount))
    return sorted(found)


@settings(deadline=None)
@given(FLOWS)
def test_bands_lie_side_by_side_on_their_bars(flows: dict[tuple[str, str], int]) -> None:
    plan = layout(flows)
    for bar in plan.bars:
        sides = [attached(plan, bar, side) for side in (0, 1)]
        for edges in sides:
            total = 0.0
            for low, high in edges:
                assert abs(low - (bar.bottom + total)) <= 1e-9 * max(plan.height, 1)
                total += high - low
            assert total <= bar.height * (1 + 1e-12) + 1e-3
        tallest = max(sum(high - low for low, high in edges) for edges in sides)
        assert abs(tallest - bar.height) < 1e-3


@settings(deadline=None)
@given(FLOWS)
def test_places_in_a_column_do_not_overlap(flows: dict[tuple[str, str], int]) -> None:
    plan = layout(flows)
    places = [(bar.column, bar.bottom, bar.bottom + bar.height) for bar in plan.bars]
    for band in plan.bands:
        places += [(column, low, low + band.amount) for column, low in band.way[1:-1]]
    for (column, low, high), (other, other_low, other_high) in combinations(places, 2):
        assert column != other or high <= other_low or other_high <= low
    assert all(low >= 0 for _, low, _ in places)
    assert all(high <= plan.height for _, _, high in places)


def test_the_way_of_a_dollar() -> None:
    plan = layout(
        {
            ("outside", "requesters"): 100,
            ("requesters", "escrow"): 100,
            ("escrow", "requesters"): 10,
            ("escrow", "pending"): 70,
            ("escrow", "platforms"): 20,
            ("pending", "workers"): 70,
            ("platforms", "owners"): 8,
            ("platforms", "outside"): 12,
            ("workers", "outside"): 70,
            ("escrow", "rounding"): 3,
        }
    )
    bars = {bar.name: bar for bar in plan.bars}
    assert [bar.name for bar in sorted(plan.bars, key=lambda bar: (bar.column, bar.bottom))] == [
        SOURCE, "requesters", "escrow", "pending", "platforms", "workers", "owners", SINK,
    ]  # fmt: skip
    assert bars["requesters"].amount == 110
    assert bars["escrow"].amount == 100
    assert bars["escrow"].height == 110
    assert bars[SINK].amount == 82
    assert plan.omitted == {("escrow", "rounding"): 3}
    assert [(band.source, band.target) for band in plan.bands if band.returns] == [("escrow", "requesters")]


def test_every_kind_of_transfer_has_a_place_or_is_left_out_for_a_reason() -> None:
    plan = layout({(paying, receiving): 1 for _, paying, receiving in KINDS})
    # What rounding takes is too little to see; pooling is between treasuries, which are one bar.
    assert set(plan.omitted) == {
        ("escrow", "rounding"), ("pending", "rounding"), ("governments", "governments"),
    }  # fmt: skip


def test_nothing_to_place() -> None:
    plan = layout({("escrow", "rounding"): 3, ("outside", "requesters"): 0})
    assert (plan.bars, plan.bands, plan.height) == ((), (), 0)
    assert plan.omitted == {("escrow", "rounding"): 3}
