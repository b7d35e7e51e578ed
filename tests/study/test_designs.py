"""Designs: which points a study visits."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.errors import UserError
from sim.study import designs
from sim.study.designs import DRAWN, Axis, points_of, size_of
from tests.conftest import Exercised
from tests.support.planting import planted

THREE = (
    Axis("a", low=0.0, high=10.0),
    Axis("b", low=1.0, high=100.0, logarithmic=True),
    Axis("c", ("x", "y", "z")),
)


def check_grid(module: ModuleType) -> None:
    axes = (Axis("a", (1, 2)), Axis("b", ("x", "y", "z")))
    assert module.points_of("grid", axes, 1, 1) == list(itertools.product((1, 2), ("x", "y", "z")))
    assert module.points_of("list", (Axis("a", (1, 2)), Axis("b", (3, 4))), 1, 1) == [(1, 3), (2, 4)]
    assert module.points_of("grid", (), 1, 1) == [()]


def check_hypercube(module: ModuleType) -> None:
    """Of 64 equal parts of each coordinate, every one is hit once."""
    shares = module.latin_hypercube(5, 64, 3)
    for column in shares.T:
        assert sorted((column * 64).astype(int)) == list(range(64))


def check_sobol(module: ModuleType) -> None:
    """Every power of two of points has one in each dyadic interval of each coordinate."""
    shares = module.sobol_sequence(6, 128, 2)
    for column in shares.T:
        assert sorted((column * 128).astype(int)) == list(range(128))
    assert len(module.sobol_sequence(3, 100, 2)) == 100


def check_saltelli(module: ModuleType) -> None:
    """Sobol' indices of a function whose indices are known: 2a + b of uniforms has 0.8 and 0.2."""
    count, dimensions = 1024, 2
    shares = module.saltelli(dimensions, count, 1)
    assert len(shares) == count * (dimensions + 2)
    values = 2.0 * shares[:, 0] + shares[:, 1]
    parts = values.reshape(dimensions + 2, count)
    found = stats.sobol_indices(
        func={"f_A": parts[0][None], "f_B": parts[1][None], "f_AB": parts[2:][:, None]}, n=count
    )
    assert np.allclose(found.first_order, [[0.8, 0.2]], atol=0.03)
    assert np.allclose(found.total_order, [[0.8, 0.2]], atol=0.03)


def check_morris(module: ModuleType) -> None:
    """A trajectory moves each coordinate once, by two thirds; so effects of a linear function are exact."""
    dimensions, count = 4, 20
    shares = module.morris_trajectories(dimensions, count, 1).reshape(count, dimensions + 1, dimensions)
    slopes = np.array([1.0, -2.0, 0.0, 5.0])
    for path in shares:
        moves = np.diff(path, axis=0)
        assert sorted(np.argmax(np.abs(moves), axis=1)) == list(range(dimensions))
        assert np.allclose(np.abs(moves).sum(axis=1), 2 / 3)
        effects = np.diff(path @ slopes) / moves.sum(axis=1)
        assert np.allclose(effects, slopes[np.argmax(np.abs(moves), axis=1)])
    assert shares.min() >= 0.0
    assert shares.max() <= 1.0
    ups = (np.diff(shares, axis=1).sum(axis=2) > 0).mean()
    assert 0.2 < ups < 0.8


def check_morris_lists(module: ModuleType) -> None:
    """Each value of a list is tried, however many there are, beside an interval of four levels."""
    lists = [module.Axis(f"list {n}", tuple(range(n))) for n in (2, 3, 4, 5, 6, 7, 11, 49, 50)]
    axes = [*lists, module.Axis("interval", low=0.0, high=3.0)]
    points = module.points_of("morris", axes, 600, 1)
    for axis, found in zip(lists, zip(*points, strict=True), strict=False):
        assert set(found) == set(axis.values), axis.path
    assert sorted({round(point[-1], 9) for point in points}) == [0.0, 1.0, 2.0, 3.0]
    for before, after in itertools.pairwise(points[: len(axes) + 1]):
        assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


CHECKS = {
    check_grid: [("itertools.product(", "zip(")],
    check_hypercube: [("qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(count)",
                       "np.random.default_rng(seed).random((count, dimensions))")],
    check_sobol: [("sampler.random_base2(max(0, math.ceil(math.log2(count))))",
                   "np.random.default_rng(seed).random((count, dimensions))")],
    check_saltelli: [("one[:, column] = b[:, column]", "one[:, 0] = b[:, column]")],
    check_morris: [("place[column] += step[column] if up[column] else -step[column]", "place[0] += step[0]")],
    check_morris_lists: [("2 * math.ceil(len(axis.values) / 2)", "0"),
                         ("ROUNDING = 1e-9", "ROUNDING = 0.0")],
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_designs(check: Any, exercised: Exercised) -> None:
    """Each design has its property, and a planted bug takes it away."""
    check(designs)
    for old, new in CHECKS[check]:
        with pytest.raises((AssertionError, ValueError)):
            check(planted(designs, old, new))
    exercised("planted bugs", len(CHECKS[check]), 1)


@pytest.mark.parametrize("design", DRAWN)
def test_drawn_points_stay_in_their_ranges(design: str) -> None:
    axes = (*THREE, Axis("n", low=2.0, high=7.0, whole=True))
    points = points_of(design, axes, 64, 1)
    assert len(points) == size_of(design, axes, 64)
    for a, b, c, n in points:
        assert 0.0 <= a <= 10.0
        assert 1.0 <= b <= 100.0
        assert c in ("x", "y", "z")
        assert isinstance(n, int)
        assert 2 <= n <= 7
    assert {n for *_, n in points} >= {2, 7}
    assert points == points_of(design, axes, 64, 1)
    assert points != points_of(design, axes, 64, 2)


def test_logarithmic_axis_is_even_in_logarithms() -> None:
    axis = Axis("b", low=1.0, high=100.0, logarithmic=True)
    assert axis.at(0.5) == pytest.approx(10.0)
    whole = Axis("n", low=1.0, high=1000.0, logarithmic=True, whole=True)
    assert [whole.at(share) for share in (0.0, 1 / 3, 2 / 3, 1.0)] == [1, 10, 100, 1000]


@pytest.mark.parametrize(
    ("design", "axes", "count", "path"),
    [
        ("grid", THREE, 1, "a"),
        ("list", (Axis("a", (1, 2)), Axis("b", (3,))), 1, "design"),
        ("lhs", (), 10, "design"),
        ("lhs", THREE, 0, "points"),
        ("sobol", THREE, 100, "points"),
        ("saltelli", THREE, 6, "points"),
        ("grid", (Axis("a", tuple(range(4000))), Axis("b", tuple(range(4000)))), 1, "design"),
    ],
)
def test_what_does_not_fit_is_refused(design: str, axes: tuple[Axis, ...], count: int, path: str) -> None:
    with pytest.raises(UserError) as refusal:
        points_of(design, axes, count, 1)
    assert refusal.value.path == path
    assert refusal.value.nearest


def check_powers(module: ModuleType) -> None:
    """Points of a Sobol' sequence are a power of two; the nearest is the next that is not too many."""
    for design, count, near in (
        ("saltelli", 6, 8),
        ("sobol", 100, 128),
        ("saltelli", 3, 4),
        ("saltelli", 1_100_000, 1_048_576),
    ):
        with pytest.raises(UserError) as refusal:
            module.points_of(design, THREE, count, 1)
        assert refusal.value.nearest == f"points={near}"
        if near < 1000:
            module.points_of(design, THREE, near, 1)


def test_points_that_are_no_power_of_two_are_refused() -> None:
    check_powers(designs)
    for old, new in (
        ("if design in IN_POWERS and count & (count - 1):", "if False:"),
        ("more if size_of(design, axes, more) <= MOST_POINTS else more // 2", "more"),
    ):
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            check_powers(planted(designs, old, new))
