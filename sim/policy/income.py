"""What a universal income pays to each: pure functions of the money there is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sim.instruments import Programme, UniversalIncome
from sim.policy.taxes import MILLION, exact


def administration(income: Programme, revenue: int) -> int:
    """Micro-dollars of a revenue that administration costs, rounded up."""
    return -int(-revenue * exact(income.administration_share) // 1)


def pools(income: Programme, groups: Sequence[str]) -> list[list[int]]:
    """Return the countries that share a pot, for each pot."""
    numbers = range(len(groups))
    if income.pool == "national":
        return [[number] for number in numbers]
    if income.pool == "global":
        return [list(numbers)]
    return [[number for number in numbers if groups[number] == group] for group in sorted(set(groups))]


def per_head(pot: int, heads: Fraction) -> int:
    """Micro-dollars for each of so many heads (as agents of the model), never more than there is."""
    return int(pot // heads) if heads > 0 else 0


def set_amount(income: UniversalIncome) -> int:
    """Micro-dollars a month set for each: what is paid from outside, or the most that revenue pays."""
    return int(exact(income.usd_per_month) * MILLION)
