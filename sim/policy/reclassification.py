"""Reclassification: what time of employees is paid, what they cost, how many shifts are opened.

What is owed for time is worked out where the channels are read (`sim.policy.paid_time`). All money is in
whole micro-dollars from exact fractions.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.instruments import Reclassification
from sim.policy.channels import LABOUR_COST, PAID_TIME, SHIFTS, UNFAIR, WITHHELD, Contribution
from sim.policy.taxes import exact
from sim.world import World

DUTY, PAID, REFUSED = range(3)
"""Columns of sums of time (seconds)."""

MOST_RECOVERED = 0.5
"""Largest share of a reward that is withheld to pay for shifts."""


def withheld_share(rate: float, fee: float) -> float:
    """Share of a reward that covers contributions at ``rate`` on what is left of it beside a fee."""
    return (1.0 - fee) * rate / (1.0 + rate)


def quoted_ratio(before: float, duty: int, paid: int, law: Reclassification) -> float:
    """Hours on duty for a paid one that are quoted, from those before and last month's seconds."""
    last = min(law.highest_ratio, max(1.0, duty / paid)) if paid > 0 else law.first_ratio
    return before + law.smoothing * (last - before)


def recovered_share(pay_for_shifts: int, rewards: int, law: Reclassification) -> float:
    """Share of the rewards of a month by which the last month's pay for shifts comes in again."""
    return min(MOST_RECOVERED, law.recovered * pay_for_shifts / rewards) if rewards > 0 else 0.0


def from_all(share: float, strength: float) -> float:
    """Share that is on its way from all (strength 0) to ``share`` (strength 1)."""
    return share + (1.0 - share) * (1.0 - strength)


def shifts_opened(before: float, seconds: tuple[int, int, int], ratio: float, law: Reclassification) -> float:
    """Share of sessions that get a shift, from last week's seconds on duty, paid and refused.

    As much time on duty is opened as the price covers, ``ratio`` hours for a paid one, and some slack.
    """
    duty, paid, refused = seconds
    if law.slack is None or duty + refused == 0:
        return before
    forecast = min(1.0, law.slack * ratio * paid / (duty + refused))
    return max(law.least_shifts, before + law.smoothing * (forecast - before))


class Employment:
    """What platforms owe and know as employers.

    Attributes
    ----------
    month, week : int64 arrays (platforms, countries, 3)
        Seconds on duty, paid, and refused for lack of a shift.
    month_pay, month_withheld : int64 arrays (platforms, countries)
        Rewards less fees, before brokers' cuts; what was withheld from rewards.
    ratios, opened, recovered : float64 arrays (platforms, countries)
        Hours on duty for a paid one that are quoted; share of sessions that get a shift; share of rewards
        withheld to pay for shifts.
    closed : int64 array (platforms, countries, 7)
        Of the month last closed: the seconds of ``month``, pay, withheld, pay for shifts, contributions.
    """

    CHECKPOINTED = (
        "month",
        "week",
        "month_pay",
        "month_withheld",
        "ratios",
        "opened",
        "recovered",
        "closed",
        "noting",
    )

    def __init__(self, law: Reclassification, platforms: dict[str, float], world: World) -> None:
        """``platforms`` are their fees on workers, as shares of the reward."""
        refuse_unknown_wages(law, world)
        self.law, names = law, list(platforms)
        self.fees = list(platforms.values())
        set_wage, set_rate = law.usd_per_hour, law.contributions
        self.usd = [w if set_wage is None else set_wage for w in world.minimum_wage_usd.tolist()]
        self.rates = [r if set_rate is None else set_rate for r in world.employer_contributions.tolist()]
        self.covered = np.array(
            [[law.covers(name) and law.holds_in(code) for code in world.codes] for name in names]
        )
        shape = self.covered.shape
        self.month, self.week = np.zeros((*shape, 3), np.int64), np.zeros((*shape, 3), np.int64)
        self.month_pay, self.month_withheld = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self.ratios, self.opened = np.full(shape, law.first_ratio), np.ones(shape)
        self.recovered = np.zeros(shape)
        self.closed = np.zeros((*shape, 7), np.int64)
        self.noting = np.zeros(1, bool)

    # --- counting ---

    def note_day(
        self, seconds: NDArray[np.int64], pay: NDArray[np.int64], withheld: NDArray[np.int64]
    ) -> None:
        """Note a day, by platform and country: seconds of three kinds, pay before cuts, what was withheld."""
        self.month += seconds
        self.week += seconds
        if self.noting[0]:
            self.month_pay += np.where(self.covered, pay, 0)
            self.month_withheld += withheld

    def due_on(self, pay: NDArray[np.int64], strength: Fraction) -> NDArray[np.int64]:
        """Contributions due by platform and country, on piece pay so far and on this pay for shifts.

        ``strength``, here as below, is the share of wage and contributions that is owed in the month.
        """
        due = np.zeros_like(pay)
        if self.noting[0]:
            for platform, country in np.argwhere(self.covered).tolist():
                base = int(self.month_pay[platform, country] + pay[platform, country])
                due[platform, country] = int(base * exact(self.rates[country]) * strength)
        return due

    def close_month(
        self,
        pay: NDArray[np.int64],
        contributions: NDArray[np.int64],
        rewards: NDArray[np.int64],
        goes_on: bool,
    ) -> None:
        """Keep what a month came to, quote the next by it, and begin to count anew."""
        money = np.stack([self.month_pay, self.month_withheld, pay, contributions], axis=-1)
        self.closed = np.concatenate([self.month, money], axis=-1)
        for platform, country in np.argwhere(self.covered).tolist():
            duty, paid, _ = self.month[platform, country].tolist()
            before = float(self.ratios[platform, country])
            self.ratios[platform, country] = quoted_ratio(before, duty, paid, self.law)
            self.recovered[platform, country] = recovered_share(
                int(pay[platform, country]), int(rewards[platform, country]), self.law
            )
        self.month[:] = 0
        self.month_pay[:] = 0
        self.month_withheld[:] = 0
        self.noting[0] = goes_on

    # --- shifts, quotes ---

    def plan_shifts(self, in_force: bool) -> None:
        """Decide for the coming week which share of sessions get a shift."""
        for platform, country in np.argwhere(self.covered).tolist():
            duty, paid, refused = self.week[platform, country].tolist()
            before, ratio = float(self.opened[platform, country]), float(self.ratios[platform, country])
            self.opened[platform, country] = (
                shifts_opened(before, (duty, paid, refused), ratio, self.law) if in_force else 1.0
            )
        self.week[:] = 0

    def quote(self, platform: int, country: int, strength: float) -> float:
        """USD that an hour of paid work costs: wage, contributions, and the time on duty beside it."""
        wage, rate = strength * self.usd[country], strength * self.rates[country]
        return wage * (1.0 + rate) * float(self.ratios[platform, country])

    def contributions(self, strength: float) -> Iterator[Contribution]:
        """Yield what employment gives to the channels while it is in force."""
        for platform, country in np.argwhere(self.covered).tolist():
            recovered = float(self.recovered[platform, country])
            rate = strength * self.rates[country]
            withheld = recovered + withheld_share(rate, self.fees[platform] + recovered)
            opened = float(self.opened[platform, country])
            yield Contribution(LABOUR_COST, platform, self.quote(platform, country, strength), country)
            yield Contribution(WITHHELD, platform, withheld, country)
            yield Contribution(UNFAIR, platform, from_all(self.law.unfair_share, strength), country)
            yield Contribution(SHIFTS, platform, from_all(opened, strength), country)
            for kind in PAID_TIME:
                yield Contribution(kind, platform, strength * self.usd[country], country)


def refuse_unknown_wages(law: Reclassification, world: World) -> None:
    """Refuse employment at legal minimum wages where a covered country has none.

    Raises
    ------
    UserError
        Naming the first such country.
    """
    if law.usd_per_hour is not None:
        return
    for code, wage in zip(world.codes, world.minimum_wage_usd.tolist(), strict=True):
        if law.holds_in(code) and not wage > 0:
            raise UserError(
                f"needs a minimum wage, and {code} has none in the country table.",
                path="policy.reclassification.usd_per_hour",
                value=None,
                allowed="a number of USD an hour, or countries that have a minimum wage",
                nearest="policy.reclassification.usd_per_hour=6",
            )
