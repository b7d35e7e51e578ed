"""What each tax comes to: pure functions of a platform's bases in a month.

Users are agents of the model, each of whom stands for ``persons`` people; money is the model's own, in whole
micro-dollars, so an agent pays what one person would. Amounts due are rounded down.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

from sim.instruments import ProfitTax, TurnoverTax, UsageTax

MILLION = 1_000_000


@functools.lru_cache(maxsize=4096)
def exact(number: float) -> Fraction:
    """Return a number as it is written: 0.1 is one tenth."""
    return Fraction(repr(float(number)))


def usage_rates(tax: UsageTax, gdp_per_head: Sequence[float], population: Sequence[int]) -> list[Fraction]:
    """Micro-dollars that a user of each country costs in a month, before bands."""
    rate = exact(tax.usd_per_user_month) * MILLION
    if tax.schedule != "gdp_indexed":
        return [rate] * len(population)
    people = sum(population)
    total = sum((exact(gdp) * n for gdp, n in zip(gdp_per_head, population, strict=True)), Fraction(0))
    return [rate * exact(gdp) * people / total for gdp in gdp_per_head]


def usage_due(tax: UsageTax, users: int, rate: Fraction, persons: Fraction) -> Fraction:
    """Micro-dollars due for a platform's users in one country and a month, under the tax's schedule.

    ``users`` are agents; ``rate`` is from `usage_rates`; ``persons`` how many people an agent stands for.
    """
    declared = users * (1 - exact(tax.under_declaration))
    if declared * persons < exact(tax.threshold_users):
        return Fraction(0)
    if tax.schedule != "graduated":
        return declared * rate
    free, band, top = (exact(n) / persons for n in (tax.free_users, tax.step_users, tax.top_users))
    rising = max(Fraction(0), min(declared, top) - free)
    whole = rising // band
    # Bands pay one, two, three ... steps a user; the last may not be full. Beyond the top all pay the same.
    steps = band * whole * (whole + 1) / 2 + (rising - whole * band) * (whole + 1)
    return rate * (steps + max(Fraction(0), declared - top) * ((top - free) // band + 1))


def turnover_due(tax: TurnoverTax, fees: int) -> Fraction:
    """Micro-dollars due on the fees (micro-dollars) that a platform took in one country."""
    return fees * exact(tax.rate)


def profit_parts(tax: ProfitTax, profit: int, statutory: float) -> tuple[Fraction, Fraction]:
    """Return what is shifted out of a profit made in one country, and the tax on the rest (micro-dollars)."""
    rate = exact(statutory if tax.rate is None else tax.rate)
    gain = max(Fraction(0), rate - exact(tax.haven_rate))
    shifted = profit * min(exact(tax.most_shifted), exact(tax.shifting) * gain)
    return shifted, (profit - shifted) * rate


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide whole micro-dollars in proportion to weights; what rounding leaves goes to the largest."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    parts[max(range(len(weights)), key=lambda place: (weights[place], -place))] += amount - sum(parts)
    return parts
