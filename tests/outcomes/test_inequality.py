"""Inequality measures against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.outcomes.inequality import gini, lorenz, top_share, weighted_mean, weighted_median, weighted_quantile

PEOPLE = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 5)), min_size=1, max_size=30).filter(
    lambda rows: sum(value * weight for value, weight in rows) > 0
)


def test_equal_values_have_no_inequality() -> None:
    assert gini([3.0] * 7) == pytest.approx(0, abs=1e-12)
    assert top_share([3.0] * 10, None, 0.1) == pytest.approx(0.1)


@pytest.mark.parametrize("people", [1, 2, 5, 1000])
def test_one_holds_all(people: int) -> None:
    values = np.zeros(people)
    values[0] = 9.0
    assert gini(values) == pytest.approx((people - 1) / people)
    assert top_share(values, None, 1 / people) == pytest.approx(1)


def test_integers_from_one_to_n() -> None:
    """The values 1..n have Gini (n - 1) / (3 n)."""
    n = 250
    assert gini(np.arange(n, 0, -1)) == pytest.approx((n - 1) / (3 * n))


def test_two_groups() -> None:
    """A share p of people holding a share s, evenly within groups, has Gini p - s."""
    assert gini([1.0, 9.0], [70, 30]) == pytest.approx(0.7 - 70 / (70 + 270))


def test_pareto_and_exponential_limits() -> None:
    """Exponential: Gini 1/2, top p (1 - ln p). Pareto with exponent a: Gini 1 / (2a - 1), top p^(1 - 1/a)."""
    middle = (np.arange(200_000) + 0.5) / 200_000
    exponential = -np.log(1 - middle)
    assert gini(exponential) == pytest.approx(0.5, abs=1e-4)
    assert top_share(exponential, None, 0.1) == pytest.approx(0.1 * (1 + math.log(10)), abs=1e-4)
    pareto = (1 - middle) ** (-1 / 3)
    assert gini(pareto) == pytest.approx(1 / 5, abs=1e-3)
    assert top_share(pareto, None, 0.1) == pytest.approx(0.1 ** (2 / 3), abs=1e-3)


def test_lorenz_curve_of_three_people() -> None:
    people, held = lorenz([6.0, 1.0, 3.0])
    np.testing.assert_allclose(people, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(held, [0, 0.1, 0.4, 1])


@settings(deadline=None)
@given(PEOPLE)
def test_a_weight_repeats_a_row(rows: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in rows])
    weights = np.array([weight for _, weight in rows])
    repeated = np.repeat(values, weights)
    assert gini(values, weights) == pytest.approx(gini(repeated), abs=1e-12)
    assert top_share(values, weights, 0.1) == pytest.approx(top_share(repeated, None, 0.1))
    assert weighted_mean(values, weights) == pytest.approx(repeated.mean())
    for q in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0):
        assert weighted_quantile(values, weights, q) == weighted_quantile(repeated, None, q)


@settings(deadline=None)
@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]),
)
def test_quantiles_agree_with_numpy(values: list[int], q: float) -> None:
    assert weighted_quantile(values, None, q) == np.quantile(values, q, method="averaged_inverted_cdf")


@settings(deadline=None)
@given(PEOPLE, st.floats(0.01, 100))
def test_scale_does_not_matter(rows: list[tuple[int, int]], factor: float) -> None:
    values, weights = np.array(rows, dtype=float).T
    assert gini(values * factor, weights) == pytest.approx(gini(values, weights), abs=1e-9)
    assert gini(values, weights * factor) == pytest.approx(gini(values, weights), abs=1e-9)


def test_the_median_of_even_and_weighted_people() -> None:
    assert weighted_median([4.0, 1.0, 3.0, 2.0]) == 2.5
    assert weighted_median([1.0, 10.0], [1, 2]) == 10.0
    assert weighted_median([1.0, 10.0, 5.0], [1, 1, 0]) == 5.5


@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_undefined_is_nan(values: list[float]) -> None:
    assert math.isnan(gini(values))
    assert math.isnan(top_share(values, None, 0.1))
    assert len(lorenz(values)[0]) == 0


def test_nobody_has_no_mean_and_no_median() -> None:
    assert math.isnan(weighted_median([]))
    assert math.isnan(weighted_mean([1.0], [0.0]))
    assert math.isnan(weighted_median([1.0], [0.0]))


@pytest.mark.parametrize(
    ("values", "weights", "message"),
    [
        ([-1.0, 2.0], None, "negative"),
        ([1.0, 2.0], [1.0, -1.0], "negative"),
        ([1.0, float("nan")], None, "finite"),
        ([1.0, 2.0], [1.0], "2 values but 1 weights"),
        ([[1.0, 2.0]], None, "one dimension"),
    ],
)
def test_refuses_bad_input(values: list[float], weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gini(values, weights)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_refuses_shares_outside_zero_and_one(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        top_share([1.0], None, share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        weighted_quantile([1.0], None, share)
