"""What work is worth to requesters along their demand, and what use was worth to people who are gone.

Who posts more as work gets cheaper values what comes on top at what it costs. So the worth of all the hours
that a requester gets is the area under its demand up to them: the last one is worth what would make it ask
for no more, the first ones what an hour can be worth at most. Demand is that by which the model lets it post.
How far up demand a requester gets is the share done of what it posted in the same month, known as the run
ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.market.ai_demand import NONE, PREPARATION, SERVICES
from sim.market.audience import share_who_stay
from sim.money import MICRO
from sim.numeric import exp_of, log_of

Floats = NDArray[np.float64]
LEAST = 1e-300
SMALL = 1e-5
"""Below it exp(x) - 1 is x + x^2 / 2 to eleven digits; the difference itself would have fewer."""
RIGHT, WAITED, IN_VAIN = range(3)
"""Right work, seconds waited for work done, and for work that expired: each times its worth at full value."""
DONE, POSTED = range(2)
USE_VALUES = (0.0014, 0.035)
"""Least and most mean value of use that anybody found, shares of a month's income (see `use_value_share`)."""


def exp_less_one(x: Floats) -> Floats:
    """Return exp(x) - 1, also of small x."""
    return np.where(np.abs(x) < SMALL, x + 0.5 * x * x, exp_of(x) - 1.0)


def area(log_cost: Any, log_top: Any, elasticity: float) -> Floats:
    """Area under demand, for each hour wanted at a cost, from there to a higher cost (logs of USD; USD).

    Of demand with a constant elasticity e it is the integral of (s / cost) ** -e over costs s.
    """
    up, power = np.maximum(0.0, log_top - log_cost), 1.0 - elasticity
    return np.asarray(exp_of(log_cost) * (exp_less_one(power * up) / power if power else up))


def mean_worth(
    log_cost: Any,
    log_value: Any,
    filled: Any,
    below: float,
    above: float | None = None,
    log_turn: Any = np.inf,
) -> Floats:
    """Mean worth (USD) of an hour to who wants so many at a cost and gets a share ``filled`` of them.

    Nothing is worth more than the value, and what is worth least stays undone. Demand has the elasticity
    ``below`` up to a cost, ``log_turn``, and ``above`` beyond it; all costs in logs of USD.
    """
    above = below if above is None else above
    fall = -log_of(np.maximum(filled, LEAST))
    room = np.maximum(0.0, log_turn - log_cost)
    first = np.minimum(fall / below, room) if below else np.where(fall > 0.0, room, 0.0)
    rest = fall - below * first if below else fall
    then = np.maximum(0.0, rest) / above if above else np.where(rest > 0.0, np.inf, 0.0)
    last = np.minimum(log_cost + first + then, log_value)
    turn = np.clip(log_turn, last, log_value)
    still_wanted = exp_of(-below * (turn - last))
    return np.asarray(exp_of(last) + area(last, turn, below) + still_wanted * area(turn, log_value, above))


class Curve(NamedTuple):
    """Demand of each requester for hours of right work, from what one costs on (logs of USD).

    See `mean_worth` for ``below``, ``above`` and ``log_turn``.
    """

    log_cost: Floats
    below: float
    above: float
    log_turn: Any


class Demand(NamedTuple):
    """What requesters want of each function of tasks, and what an hour is worth at most (log of USD)."""

    log_value: Floats
    curves: tuple[Curve, ...]

    def is_as(self, other: Demand) -> bool:
        """Whether demand is the same."""
        ours, others = ((self.log_value, *sum(one.curves, ())) for one in (self, other))
        return all(np.array_equal(one, two) for one, two in zip(ours, others, strict=True))

    def mean_worth(self, filled: Floats) -> Floats:
        """Mean worth (USD) of the hours done, if they are so much of those wanted (requesters, functions)."""
        means = [
            mean_worth(one.log_cost, self.log_value, filled[:, f], one.below, one.above, one.log_turn)
            for f, one in enumerate(self.curves)
        ]
        return np.stack(means, axis=1)

    def worth_undone(self, filled: Floats) -> Floats:
        """Mean worth (USD) of the hours wanted and not done: all of them come after those that are."""
        cost = exp_of(np.stack([np.minimum(one.log_cost, self.log_value) for one in self.curves], axis=1))
        undone = np.maximum(1.0 - filled, SMALL)
        rest = self.mean_worth(np.ones_like(filled)) - filled * self.mean_worth(filled)
        return np.where(1.0 - filled > SMALL, np.maximum(rest / undone, cost), cost)


class Curves:
    """What hours of right work were worth to each requester, and what waiting for them cost.

    A spell is a run of days in one month on which demand stayed the same. What batches come to is counted by
    the spell in which they were posted, and weighed as the run ends.

    Attributes
    ----------
    days, months, demands : lists
        Of each spell the first day, the number of its month, and the demand.
    money : float64 array (spells, 3, requesters, functions)
        `RIGHT`, `WAITED`, `IN_VAIN` in the window: USD, USD x seconds, at the requester's full value.
    free : float64 array (spells, requesters)
        Hours of right work that labels stood for which users gave, or others shared, in the window.
    seconds : float64 array (months, 2, requesters, functions)
        `DONE`, `POSTED`: work posted in the month that has left the board, or that users or others did.
    """

    def __init__(self, model: Any) -> None:
        self.functions = np.zeros(len(model.task_types), np.int64) if model.ai is None else model.ai.functions
        self.shape = (len(model.requester_rows), 1 if model.ai is None else 3)
        self.days: list[int] = []
        self.months: list[int] = []
        self.month_keys: list[str] = []
        self.demands: list[Demand] = []
        self.money: Floats = np.zeros((0, 3, *self.shape))
        self.free: Floats = np.zeros((0, self.shape[0]))
        self.seconds: Floats = np.zeros((0, 2, *self.shape))

    def note(self, model: Any) -> None:
        """Note the demand of today, if it is another than yesterday's or a month begins."""
        demand, month = demand_of(model), model.clock.month_key(model.hour)
        begins = [month] != self.month_keys[-1:]
        if begins:
            self.month_keys.append(month)
            self.seconds = np.concatenate([self.seconds, np.zeros((1, *self.seconds.shape[1:]))])
        if begins or not demand.is_as(self.demands[-1]):
            self.days.append(model.hour // 24)
            self.months.append(len(self.month_keys) - 1)
            self.demands.append(demand)
            self.money = np.concatenate([self.money, np.zeros((1, *self.money.shape[1:]))])
            self.free = np.concatenate([self.free, np.zeros((1, *self.free.shape[1:]))])

    def close(self, batches: Any) -> None:
        """Count what was done, and posted, of batches that left the board, by seconds."""
        months = np.array(self.months)[self._spells(batches)]
        done = batches["accepted"].astype(np.int64) + batches["rejected"]
        for row, tasks in ((DONE, done), (POSTED, done + batches["expired"])):
            place: Any = months, row, batches["requester"], self.functions[batches["type"]]
            np.add.at(self.seconds, place, tasks * batches["true_seconds"].astype(np.int64))

    def add(self, batches: Any, sign: float = 1.0) -> None:
        """Add what batches came to in the window."""
        expired = batches["expired"].astype(np.int64) if "expired" in batches.dtype.names else 0
        closed = batches["closed_hour"] if "closed_hour" in batches.dtype.names else batches["posted_hour"]
        in_vain = expired * 3600 * (closed - batches["posted_hour"]).astype(np.int64)
        parts = batches["right"] / 255.0, batches["waited_seconds"] - in_vain, in_vain
        for kind, part in enumerate(parts):
            place: Any = self._spells(batches), kind, batches["requester"], self.functions[batches["type"]]
            np.add.at(self.money, place, sign * part * batches["worth"] / MICRO)

    def add_free(self, model: Any, in_window: bool) -> None:
        """Add a day of labels that users gave, or that others had made and shared.

        They stand for paid ones, of which as many are right as workers are on average.
        """
        rows = model.requester_rows
        seconds = (rows["labels_free"] + rows["labels_shared"]) * (1.0 - rows["automation"])
        self.seconds[self.months[-1], :, :, PREPARATION] += seconds
        self.free[-1] += in_window * seconds / 3600.0 * model.config.workers.accuracy_mean

    def _spells(self, batches: Any) -> NDArray[np.int64]:
        found = np.searchsorted(self.days, batches["posted_hour"] // 24, side="right") - 1
        return np.asarray(found, np.int64)

    def filled(self, month: int) -> Floats:
        """Share done of what each requester posts in a month, by function; 1 where nothing has closed."""
        done, posted = self.seconds[month]
        return np.where(posted > 0.0, done / np.maximum(posted, LEAST), 1.0)

    def worth(self) -> tuple[Floats, Floats]:
        """Worth of the window's work to each requester (USD), and USD x seconds of waiting for it.

        Waiting for work that is never done counts at what that would have been worth: the hours that come
        after those that are done, of which none is worth more than the last one that is.
        """
        gained, waited = np.zeros(self.shape[0]), np.zeros(self.shape[0])
        for month, demand, money, free in zip(self.months, self.demands, self.money, self.free, strict=True):
            filled, value = self.filled(month), exp_of(demand.log_value)[:, None]
            mean, undone = demand.mean_worth(filled), demand.worth_undone(filled)
            gained += _over_functions(money[RIGHT] * (mean / value))
            waited += _over_functions((money[WAITED] * mean + money[IN_VAIN] * undone) / value)
            if free.any():
                gained += free * mean[:, PREPARATION]
        return gained, waited


def _over_functions(amounts: Floats) -> Floats:
    total = amounts[:, 0].copy()
    for function in range(1, amounts.shape[1]):
        total += amounts[:, function]
    return total


def demand_of(model: Any) -> Demand:
    """Today's demand of each requester for hours of right work."""
    rows, settings = model.requester_rows, model.config.requesters
    log_value = log_of(np.maximum(rows["value"], LEAST))
    per_right_hour = log_of(paid_for_right(model))
    base = rows["initial_target"] * (1.0 + settings.base_fee) / rows["bias"]
    log_base = log_of(np.maximum(base, LEAST)) + per_right_hour
    elasticity = settings.demand_elasticity
    if model.ai is None:
        posted = log_of(np.maximum(rows["batches_per_day"], LEAST) / np.maximum(rows["base_batches"], LEAST))
        log_cost = log_base - posted / elasticity if elasticity else log_base
        return Demand(log_value, (Curve(log_cost, elasticity, elasticity, np.inf),))
    log_kept = log_of(1.0 - rows["automation"])
    log_cost = log_of(np.maximum(rows["label_cost"], LEAST)) - log_kept + per_right_hour
    curves = {NONE: Curve(log_cost, elasticity, elasticity, np.inf)}
    begun = rows["ai_stock"] * rows["fulfilment"]
    for function, stock in ((PREPARATION, begun), (SERVICES, rows["ai_stock"])):
        saved = np.float64(0.0) if function == SERVICES else part_saved(model)
        log_price = log_cost + log_of(1.0 - saved)
        curves[function] = Curve(log_price, *turn_of_labels(model.ai.settings, log_base - log_kept, stock))
    return Demand(log_value, tuple(curves[function] for function in sorted(curves)))


def part_saved(model: Any) -> Floats:
    """Part of the labels for preparation that others had made, by requester: what is left is paid for."""
    rows = model.requester_rows
    shares = model.shared_labels[rows["platform"], rows["country"]]
    return np.asarray(shares * rows["shared_by_others"])


def turn_of_labels(ai: Any, log_base: Any, stock: Any) -> tuple[float, float, Any]:
    """Elasticities of the demand for labels below and above a cost of an hour, and that cost (log of USD).

    No more labels are wanted than the budget pays for; under it demand has the elasticity 1. ``log_base`` is
    the cost of an hour at which a label costs what it did at the start.
    """
    power = 1.0 - ai.rebound
    if not power:
        return 1.0, 1.0, np.inf
    room = log_of(ai.spending_limit) + (1.0 - ai.stock_exponent) * log_of(np.maximum(stock, LEAST))
    of_cost = (ai.rebound, 1.0) if power > 0.0 else (1.0, ai.rebound)
    return *of_cost, log_base + room / power


def paid_for_right(model: Any) -> Floats:
    """Hours that each requester reckons to pay for an hour of right work, at the mean accuracy of workers."""
    rows, right = model.requester_rows, model.config.workers.accuracy_mean
    paid = 1.0 - (1.0 - right) * rows["strictness"] - right * rows["unfair"]
    # What a platform takes down is neither paid nor of use.
    taken_down = model.platform_rows["takedown"][rows["platform"]] > 0.0
    return np.asarray(np.where(taken_down, 1.0, paid) / right)


def value_lost(stay: Any) -> Floats:
    """Value of use that people lose who are gone, over the mean value: 1 - stay + stay x log(stay).

    Values of use are exponential, as those who stay at a charge are exp(-charge / mean value) of all; those
    with the lowest values are gone.
    """
    return np.asarray(1.0 - stay + stay * log_of(np.maximum(stay, LEAST)))


def lost_by_users(model: Any) -> Floats:
    """USD a month that people of each country lose who use a social platform no more (4, countries).

    First what those lose who leave what is charged now, by the charges that they would not pay. Then what is
    lost by those who are let go beyond that, by what users say that use is worth to them, the lowest first;
    and that with the least and the most that was found.
    """
    rows, config, world = model.audience_rows, model.config, model.world
    lost = np.zeros((4, len(world.codes)))
    for row in rows:
        terms = config.platforms[model.platform_names[row["platform"]]]
        base, country = int(row["base_users"]), row["country"]
        if not base:
            continue
        income = world.gdp_per_head_usd[country] / 12.0
        there = int(row["users"]) / base
        sensitivity = terms.charge_sensitivity
        stay = share_who_stay(int(row["charge_microusd"]), income * MICRO, sensitivity)
        if sensitivity:
            lost[0, country] += base * income / sensitivity * value_lost(max(there, stay))
        let_go = value_lost(there) - value_lost(max(there, stay))
        lost[1:, country] += base * income * let_go * np.array([terms.use_value_share, *USE_VALUES])
    return lost
