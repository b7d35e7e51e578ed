"""Money: exact reading and writing of micro-dollars."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import UserError
from sim.money import LARGEST, MICRO, format_usd, parse_usd, short_usd, usd_text

AMOUNTS = st.integers(-LARGEST, LARGEST)


@pytest.mark.parametrize(
    ("text", "microusd"),
    [
        ("0", 0),
        ("-0", 0),
        ("1", 1_000_000),
        ("0.05", 50_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("+2.50", 2_500_000),
        ("-12.345678", -12_345_678),
        ("0.000001", 1),
        ("0.000006", 6),
        ("1e-6", 1),
        ("1.5E3", 1_500_000_000),
        ("  7 ", 7_000_000),
        ("010", 10_000_000),
        ("4611686018427.387904", LARGEST),
        ("-4611686018427.387904", -LARGEST),
        (3, 3_000_000),
        (0.01, 10_000),
        (1e-06, 1),
        (1.1, 1_100_000),
        (4_503_599_627.370497, 4_503_599_627_370_497),
    ],
)
def test_reads_amounts_exactly(text: str | int | float, microusd: int) -> None:
    assert parse_usd(text) == microusd


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0.0000001", "more than six decimals"),
        ("1.0000000", "more than six decimals"),
        ("1e-7", "more than six decimals"),
        (1e-07, "more than six decimals"),
        (0.1 + 0.2, "more than six decimals"),
        ("4611686018427.387905", "too much money"),
        ("1e13", "too much money"),
        (2**62, "too much money"),
        (1e300, "too much money"),
        ("9" * 65, "no amount of money"),
        ("nan", "no amount of money"),
        (float("nan"), "no amount of money"),
        (float("inf"), "no amount of money"),
        ("-Infinity", "no amount of money"),
        ("", "no amount of money"),
        ("1_000", "no amount of money"),
        ("1,000", "no amount of money"),
        ("0x10", "no amount of money"),
        ("5:30", "no amount of money"),
        ("1 2", "no amount of money"),
        ("\u0661", "no amount of money"),
        ("$5", "no amount of money"),
        (True, "no amount of money"),
    ],
)
def test_refuses_what_is_not_exact_money(text: str | int | float, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as caught:
        parse_usd(text, path="platforms.microwork.tick_usd")
    assert "platforms.microwork.tick_usd" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 5


@settings(deadline=None)
@given(AMOUNTS)
def test_exact_text_goes_both_ways(microusd: int) -> None:
    text = usd_text(microusd)
    assert parse_usd(text) == microusd
    assert Fraction(text) == Fraction(microusd, MICRO)


@settings(deadline=None)
@given(st.decimals(-1000, 1000, places=6, allow_nan=False))
def test_reading_agrees_with_fractions(amount: Decimal) -> None:
    assert Fraction(parse_usd(f"{amount:f}"), MICRO) == Fraction(amount)


@settings(deadline=None)
@given(AMOUNTS, st.integers(0, 6))
def test_written_amounts_are_within_half_a_unit(microusd: int, decimals: int) -> None:
    written = Fraction(format_usd(microusd, decimals).replace(",", ""))
    assert abs(written - Fraction(microusd, MICRO)) <= Fraction(1, 2 * 10**decimals)


@pytest.mark.parametrize(
    ("microusd", "decimals", "text"),
    [
        (1_234_567_890, 2, "1,234.57"),
        (-1_234_567_890, 0, "-1,235"),
        (500_000, 0, "0"),
        (1_500_000, 0, "2"),
        (-4_000, 2, "0.00"),
        (25_000, 2, "0.02"),
        (35_000, 2, "0.04"),
        (1, 6, "0.000001"),
    ],
)
def test_rounds_halves_to_even_for_people(microusd: int, decimals: int, text: str) -> None:
    assert format_usd(microusd, decimals) == text


def test_refuses_a_seventh_decimal_when_writing() -> None:
    with pytest.raises(ValueError, match="0 to 6"):
        format_usd(1, 7)


@pytest.mark.parametrize(
    ("microusd", "text"),
    [
        (0, "0.00"),
        (6, "0.000006"),
        (50_000, "0.05"),
        (9_994_000, "9.99"),
        (45_640_000, "45.6"),
        (789 * MICRO, "789"),
        (999_499_999, "999"),
        (999_500_000, "1.00 k"),
        (45_640 * MICRO, "45.6 k"),
        (999_500 * MICRO, "1.00 m"),
        (-1_234_000 * MICRO, "-1.23 m"),
        (99_960_000 * MICRO, "100 m"),
        (12 * 10**9 * MICRO, "12.0 bn"),
        (LARGEST, "4.61 tn"),
    ],
)
def test_labels_have_three_figures(microusd: int, text: str) -> None:
    assert short_usd(microusd) == text
