"""Money: whole micro-dollars, read from decimal text and written for people.

One USD is 1 000 000 micro-dollars (µ$). Every amount in the model is an integer number of them, so that sums
are exact in any order. This module is the only place where text becomes money and money becomes text; it
never goes through a binary fraction.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import SupportsIndex

from sim.errors import UserError

MICRO = 1_000_000
DECIMALS = 6
LARGEST = 2**62
LONGEST_TEXT = 64

_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_SCALES = ((10**18, "tn"), (10**15, "bn"), (10**12, "m"), (10**9, "k"))


def parse_usd(amount: str | int | float, *, path: str = "") -> int:
    """Return the micro-dollars of an amount in USD, exactly.

    Parameters
    ----------
    amount
        Decimal text such as `"0.05"` or `"-12.5"`, a whole number, or a float. A float stands for the
        shortest decimal that gives it back, which is what was typed.
    path
        Dotted path of the setting that the amount comes from; the error names it.

    Raises
    ------
    UserError
        If the text is no decimal number (NaN and infinity included), has more than six decimals, or is larger
        than 2**62 micro-dollars.
    """
    text = _plain_text(amount, path)
    number = Decimal(text).as_tuple()
    exponent = int(number.exponent) + DECIMALS
    if exponent < 0:
        raise _refusal("has more than six decimals", amount, path)
    digits = int("".join(map(str, number.digits)))
    microusd: int = digits * 10**exponent
    if microusd > LARGEST:
        raise _refusal("is too much money", amount, path)
    return -microusd if number.sign else microusd


def usd_text(microusd: SupportsIndex) -> str:
    """Return an amount as exact decimal text in USD; `parse_usd` gives the same amount back."""
    whole, micro = divmod(abs(int(microusd)), MICRO)
    sign = "-" if int(microusd) < 0 else ""
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return f"{sign}{whole}{fraction}"


def format_usd(microusd: SupportsIndex, decimals: int = 2) -> str:
    """Return an amount for people: grouped thousands, 0 to 6 decimals, halves rounded to even."""
    if not 0 <= decimals <= DECIMALS:
        raise ValueError(f"decimals must be 0 to {DECIMALS}, not {decimals}")
    step = 10 ** (DECIMALS - decimals)
    units = _divide_half_even(abs(int(microusd)), step)
    whole, rest = divmod(units, 10**decimals)
    sign = "-" if int(microusd) < 0 and units else ""
    return f"{sign}{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")


def short_usd(microusd: SupportsIndex) -> str:
    """Return an amount for labels, in three figures: `"1.23 m"`, `"45.6 k"`, `"789"`, `"0.05"`."""
    size = abs(int(microusd))
    sign = "-" if int(microusd) < 0 else ""
    for unit, letter in _SCALES:
        # From half a step below the unit on, so that 999 999 is written "1.00 m" and not "1000 k".
        if size * 10_000 >= unit * 9_995:
            return f"{sign}{_three_figures(size, unit)} {letter}"
    if 0 < size < MICRO // 100:
        return sign + usd_text(size)
    return sign + (format_usd(size, 2) if size < 10 * MICRO else _three_figures(size, MICRO))


def _plain_text(amount: str | int | float, path: str) -> str:
    """Return the decimal text of an amount, or refuse what is no decimal number."""
    if isinstance(amount, bool):
        raise _refusal("is no amount of money", amount, path)
    text = amount.strip() if isinstance(amount, str) else repr(amount)
    if len(text) > LONGEST_TEXT or not _AMOUNT.fullmatch(text):
        raise _refusal("is no amount of money", amount, path)
    return text


def _refusal(problem: str, amount: object, path: str) -> UserError:
    allowed = f"a decimal number of USD with at most {DECIMALS} decimals, up to {format_usd(LARGEST, 0)}"
    return UserError(problem if path else f"The amount {problem}.", path=path, value=amount, allowed=allowed)


def _divide_half_even(number: int, divisor: int) -> int:
    quotient, rest = divmod(number, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))


def _three_figures(size: int, unit: int) -> str:
    """Return `size / unit` with three significant figures; it is meant for quotients between 1 and 1000."""
    for decimals, limit in ((2, 1_000), (1, 1_000)):
        scaled = _divide_half_even(size * 10**decimals, unit)
        if scaled < limit:
            whole, rest = divmod(scaled, 10**decimals)
            return f"{whole}.{rest:0{decimals}d}"
    return f"{_divide_half_even(size, unit):,}"
