"""What work is worth to requesters along their demand, and what use was worth to people who are gone.

Who posts more as work gets cheaper values what comes on top at what it costs. So the worth of all the hours
that a requester gets is the area under its demand up to them: the last one is worth what would make it ask
for no more, the first ones what an hour can be worth at most. Demand is that by which the model lets it post.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.market.ai_demand import NONE, PREPARATION, SERVICES
from sim.market.audience import share_who_stay
from sim.money import MICRO

Floats = NDArray[np.float64]
LEAST = 1e-300
KEPT = 0.75
"""Weight, each week, of what was known of the share of work that gets done."""


def area(log_cost: Any, log_top: Any, elasticity: float) -> Floats:
    """Area under demand, for each hour wanted at a cost, from there to a higher cost (logs of USD; USD).

    Of demand with a constant elasticity e it is the integral of (s / cost) ** -e over costs s.
    """
    up, power = np.maximum(0.0, log_top - log_cost), 1.0 - elasticity
    return np.asarray(np.exp(log_cost) * (np.expm1(power * up) / power if power else up))


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
    fall = -np.log(np.maximum(filled, LEAST))
    room = np.maximum(0.0, log_turn - log_cost)
    first = np.minimum(fall / below, room) if below else np.where(fall > 0.0, room, 0.0)
    rest = fall - below * first if below else fall
    then = np.maximum(0.0, rest) / above if above else np.where(rest > 0.0, np.inf, 0.0)
    last = np.minimum(log_cost + first + then, log_value)
    turn = np.clip(log_turn, last, log_value)
    still_wanted = np.exp(-below * (turn - last))
    return np.asarray(np.exp(last) + area(last, turn, below) + still_wanted * area(turn, log_value, above))


class Curves:
    """What an hour of right work was worth to each requester, by the day on which it was posted.

    Attributes
    ----------
    days : list of int
        Days on which that was another than before.
    usd : float64 array (requesters, functions)
        Mean worth of an hour today, by the function of its task in artificial intelligence; without it, one.
    over_value : float64 array (days, requesters, functions)
        The same over the value that the requester gave the hour in the batch.
    filled : float64 array (requesters,)
        Share of work that gets done, as of late; 1 before any was closed.
    """

    def __init__(self, model: Any) -> None:
        count = len(model.requester_rows)
        self.days: list[int] = []
        self.usd: Floats = np.zeros((count, 1 if model.ai is None else 3))
        self.over_value: Floats = np.zeros((0, *self.usd.shape))
        self.filled: Floats = np.ones(count)
        self._sums, self._week = np.zeros((2, count)), np.zeros((2, count))

    def close(self, batches: Any) -> None:
        """Count what was done of batches that left the board, by seconds."""
        done = batches["accepted"].astype(np.int64) + batches["rejected"]
        for row, tasks in enumerate((done, done + batches["expired"])):
            seconds = tasks * batches["true_seconds"]
            self._week[row] += np.bincount(batches["requester"], seconds, len(self.filled))

    def note(self, model: Any) -> None:
        """Note what the demand of today is worth, if it is another than yesterday's."""
        if model.clock.is_week_start(model.hour):
            self._sums = KEPT * self._sums + self._week
            self._week[:] = 0.0
            done, closed = self._sums
            self.filled = np.where(closed > 0.0, done / np.maximum(closed, LEAST), 1.0)
        self.usd = worth_of_hours(model, self.filled)
        over_value = self.usd / np.maximum(model.requester_rows["value"], LEAST)[:, None]
        if not self.days or not np.array_equal(over_value, self.over_value[-1]):
            self.days.append(model.hour // 24)
            self.over_value = np.concatenate([self.over_value, over_value[None]])

    def of_batches(self, model: Any, batches: Any) -> Floats:
        """Worth of batches' right work over the requester's value of it."""
        day = np.searchsorted(self.days, batches["posted_hour"] // 24, side="right") - 1
        functions = NONE if model.ai is None else model.ai.functions[batches["type"]]
        return np.asarray(self.over_value[day, batches["requester"], functions])

    def of_free_labels(self, model: Any) -> Floats:
        """What the labels that users give on a day are worth to each requester (USD).

        They stand for paid ones, of which as many are right as workers are on average.
        """
        rows = model.requester_rows
        hours = rows["labels_free"] / 3600.0 * (1.0 - rows["automation"])
        right = model.config.workers.accuracy_mean
        return np.asarray(hours * right * self.usd[:, PREPARATION])


def worth_of_hours(model: Any, filled: Any) -> Floats:
    """Mean worth (USD) of an hour of right work to each requester, by the function of the task."""
    rows, settings = model.requester_rows, model.config.requesters
    log_value = np.log(np.maximum(rows["value"], LEAST))
    per_right_hour = np.log(paid_for_right(model))
    base = rows["initial_target"] * (1.0 + settings.base_fee) / rows["bias"]
    log_base = np.log(np.maximum(base, LEAST)) + per_right_hour
    elasticity = settings.demand_elasticity
    if model.ai is None:
        posted = np.log(np.maximum(rows["batches_per_day"], LEAST) / np.maximum(rows["base_batches"], LEAST))
        log_cost = log_base - posted / elasticity if elasticity else log_base
        return mean_worth(log_cost, log_value, filled, elasticity)[:, None]
    log_kept = np.log(1.0 - rows["automation"])
    log_cost = np.log(np.maximum(rows["label_cost"], LEAST)) - log_kept + per_right_hour
    found = np.empty((len(rows), 3))
    found[:, NONE] = mean_worth(log_cost, log_value, filled, elasticity)
    begun = rows["ai_stock"] * rows["fulfilment"]
    for function, stock in ((PREPARATION, begun), (SERVICES, rows["ai_stock"])):
        turn = turn_of_labels(model.ai.settings, log_base - log_kept, stock)
        found[:, function] = mean_worth(log_cost, log_value, filled, *turn)
    return found


def turn_of_labels(ai: Any, log_base: Any, stock: Any) -> tuple[float, float, Any]:
    """Elasticities of the demand for labels below and above a cost of an hour, and that cost (log of USD).

    No more labels are wanted than the budget pays for; under it demand has the elasticity 1. ``log_base`` is
    the cost of an hour at which a label costs what it did at the start.
    """
    power = 1.0 - ai.rebound
    if not power:
        return 1.0, 1.0, np.inf
    room = np.log(ai.spending_limit) + (1.0 - ai.stock_exponent) * np.log(np.maximum(stock, LEAST))
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
    return np.asarray(1.0 - stay + stay * np.log(np.maximum(stay, LEAST)))


def lost_by_users(model: Any) -> Floats:
    """USD a month that people of each country lose who use a social platform no more.

    First what those lose who leave what is charged now, then what is lost beyond that by being let go.
    """
    rows, config, world = model.audience_rows, model.config, model.world
    lost = np.zeros((2, len(world.codes)))
    for row in rows:
        sensitivity = config.platforms[model.platform_names[row["platform"]]].charge_sensitivity
        base, country = int(row["base_users"]), row["country"]
        if not (base and sensitivity):
            continue
        income = world.gdp_per_head_usd[country] / 12.0
        there = int(row["users"]) / base
        stay = share_who_stay(int(row["charge_microusd"]), income * MICRO, sensitivity)
        leave, all_gone = value_lost(max(there, stay)), value_lost(there)
        lost[:, country] += base * income / sensitivity * np.array([leave, all_gone - leave])
    return lost
