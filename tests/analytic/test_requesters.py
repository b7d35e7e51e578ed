"""What requesters pay, expect and post, held against closed forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.agents.population import (
    mean_of_truncated_pareto,
    mean_power_of_seconds,
    mean_true_seconds,
)
from sim.agents.rules import arm_profit, next_step
from sim.agents.traits import REQUESTER
from sim.compile import kernel
from sim.config import Config, Platform
from sim.draws import uniform
from sim.instruments import Policies, WageFloor
from sim.market import pay_setting, posting
from sim.market.board import FINISHED
from sim.model import ClickWorkModel
from sim.numeric import exp, normal_quantile, truncated_pareto
from tests.conftest import Exercised
from tests.support.limits import stated_demand
from tests.support.markets import tiny

FEE = 0.2


# --- profit in the requester's money --------------------------------------------------------------


def finished(**values: Any) -> Any:
    """One finished batch of 100 tasks that are worth 100 000 micro-dollars each."""
    row = np.zeros(1, FINISHED)
    row["worth"], row["expected_cost"], row["fee_ppm"] = 100_000.0, 24_000.0, 200_000
    for name, value in values.items():
        row[name] = value
    return row


def profit_of(batch: Any, delay_cost: float = 0.0) -> float:
    """Profit of the low arm after one batch, as a share of its worth."""
    requesters = np.zeros(1, REQUESTER)
    pay_setting.note_finished(0, len(requesters), batch, 1, requesters, np.zeros(1), False)
    arm = [float(requesters[f"low_{name}"][0]) for name in ("worth", "gained", "spent", "delayed")]
    return float(arm_profit(*arm, delay_cost))


def test_profit_is_worth_of_right_work_less_what_was_paid() -> None:
    """Rejected work is not paid; it is worth something if it is right, and nothing if it is wrong."""
    all_right = {"right": 100 * 255, "reward": 20_000}
    paid = finished(accepted=100, fee=400_000, **all_right)
    assert profit_of(paid) == pytest.approx(1.0 - 0.2 * 1.2)
    unfair = finished(accepted=50, rejected=50, fee=200_000, **all_right)
    assert profit_of(unfair) == pytest.approx(1.0 - 0.1 * 1.2)
    wrong = finished(rejected=100, right=0, reward=20_000)
    assert profit_of(wrong) == 0.0
    uncaught = finished(accepted=100, right=0, reward=20_000, fee=400_000)
    assert profit_of(uncaught) == pytest.approx(-0.2 * 1.2)
    expired = finished(expired=100, reward=20_000, waited_seconds=100 * 2 * 86400)
    assert profit_of(expired, delay_cost=0.02) == pytest.approx(-0.04)


def revised(model: ClickWorkModel, **values: float) -> Any:
    """The first requester after a revision with the given sums of the period in both arms."""
    row = model.requester_rows[:1]
    row["bias"], row["value"], row["markup"], row["target"], row["step"] = 1.0, 12.0, 1.0, 4.0, 0.1
    row["low_closed"] = row["high_closed"] = 1000
    row["low_worth"] = row["high_worth"] = 1.0
    row["high_gained"] = 1.0
    row["asked"] = row["expected"] = 1.0
    for name, value in values.items():
        row[name] = value
    model.revise_pay(model.requester_rows)
    return row[0]


@pytest.mark.parametrize("bias", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("markup", [1.0, 1.4 / 1.2])
def test_bound_is_where_a_task_costs_what_it_is_worth(bias: float, markup: float) -> None:
    """At the bound stated time x pay x (1 + fee, large batches included) is true time x value."""
    row = revised(ClickWorkModel(tiny()), bias=bias, asked=markup, target=100.0)
    true_seconds = 90.0
    reward = float(row["target"]) * (true_seconds / bias) / 3600.0
    assert reward * (1.0 + FEE) * markup == pytest.approx(12.0 * true_seconds / 3600.0)


def test_demand_falls_with_the_cost_that_posting_knows() -> None:
    """Fees for large batches, ticks and minimum rewards reach demand; understated time alone does not."""
    model = ClickWorkModel(tiny())
    rows = model.requester_rows

    def factor(bias: float, markup: float, target: float = 2.0) -> float:
        rows["bias"], rows["markup"], rows["initial_target"], rows["target"] = bias, markup, 2.0, target
        posting.revise_demand(rows, 1.0, FEE, model.platform_rows, model.floors, model.subsidies, False)
        return float(rows["batches_per_day"][0] / rows["base_batches"][0])

    assert factor(1.0, 1.0) == pytest.approx(1.0)
    assert factor(1.7, 1.0) == pytest.approx(1.0)
    assert factor(1.0, 1.4 / 1.2) == pytest.approx(1.2 / 1.4)
    assert factor(1.0, 1.0, target=1.0) == pytest.approx(2.0)


def surveys(workers_each: int) -> Config:
    """Requesters who post surveys only, of so many workers each."""
    base = tiny(days=40, workers=60, requesters=6, seed=4)
    survey = replace(
        base.task_types["survey"], one_task_share=1.0, one_task_many_workers=False,
        assignments_per_task=workers_each, median_seconds=60,
    )  # fmt: skip
    requesters = replace(base.requesters, pay_minimum_tasks=5, size_log_sigma=0.0, demand_share=3.0)
    return replace(base, task_types={"survey": survey}, requesters=requesters)


def test_large_batches_raise_the_markup() -> None:
    """Who posts for ten workers a task finds out that the fee is 40 and not 20 per cent."""
    markups = {}
    for workers_each in (9, 10):
        model = ClickWorkModel(surveys(workers_each))
        model.run()
        rows = model.requester_rows[model.requester_rows["direction"] != 0]
        assert len(rows) > 0
        markups[workers_each] = float(np.median(rows["markup"]))
    assert markups[10] / markups[9] == pytest.approx(1.4 / 1.2, rel=0.05)


def test_minimum_reward_ends_the_fall_of_demand_on_paper() -> None:
    """Below the minimum reward a lower target saves nothing, and demand does not grow by it."""
    base = tiny(days=29, workers=60, requesters=6, seed=2)
    short = {"short": replace(base.task_types["verification"], median_seconds=10, log_sigma_seconds=0.0)}
    requesters = replace(
        base.requesters, pay_usd_per_hour=0.36, pay_log_sigma=0.0, pay_minimum_tasks=5, demand_share=2.0,
        estimate_bias_median=1.0, estimate_bias_log_sigma=0.0,
    )  # fmt: skip
    model = ClickWorkModel(replace(base, task_types=short, requesters=requesters))
    model.run()
    rows = model.requester_rows
    learned = rows[rows["markup"] != 1.0]
    assert len(learned) > 0
    # One cent for ten seconds is 3.6 USD an hour, whatever the target.
    np.testing.assert_allclose(learned["markup"] * learned["target"], 3.6, rtol=0.25)
    grown = learned["batches_per_day"] / learned["base_batches"]
    np.testing.assert_allclose(grown, 0.36 / 3.6, rtol=0.25)


# --- the search by signs --------------------------------------------------------------------------


def test_steps_grow_and_shrink() -> None:
    """Steps grow while directions agree, shrink when they turn, and keep inside their bounds."""
    assert next_step(0.1, 1, 1, 0.01, 0.5) == pytest.approx(0.15)
    assert next_step(0.1, -1, -1, 0.01, 0.12) == 0.12
    assert next_step(0.1, 1, -1, 0.01, 0.5) == pytest.approx(0.06)
    assert next_step(0.012, -1, 1, 0.01, 0.5) == 0.01
    assert next_step(0.1, 1, 0, 0.01, 0.5) == next_step(0.1, 0, 1, 0.01, 0.5) == 0.1


def market_of_one(floor: float, fee: float, spread: float = 0.01) -> ClickWorkModel:
    """A market whose platform takes a fee, under a wage floor (USD an hour) if it is above 0; tasks alike."""
    config = tiny(platforms={"microwork": Platform(owner="NTH", requester_fee=fee, tick_usd=1e-6)})
    requesters = replace(config.requesters, pay_step_smallest=0.0005, pay_arm_spread=spread)
    types = {name: replace(task, pay_factor=1.0) for name, task in config.task_types.items()}
    policy = Policies(wage_floor=WageFloor(usd_per_hour=floor, start="2019-01-01")) if floor else Policies()
    return ClickWorkModel(replace(config, requesters=requesters, task_types=types, policy=policy))


def searched_pay(
    fill: Any,
    value: float,
    spread: float = 0.01,
    start: float = 1.0,
    rivals: bool = False,
    floor: float = 0.0,
    fee: float = FEE,
) -> float:
    """Pay where the search ends when an arm's fill is a known function of pay: the real kernel, no noise.

    With ``rivals``, fill also depends on what others pay, who do as this requester does.
    """
    model = market_of_one(floor, fee, spread)
    row = model.requester_rows[:1]
    row["bias"], row["value"], row["markup"], row["target"], row["step"] = 1.0, value, 1.0, start, 0.1
    for _ in range(600):
        others = [float(row["target"][0])] if rivals else []
        for arm, side in (("low", -1.0), ("high", 1.0)):
            pay = float(row["target"][0]) * (1.0 + side * spread)
            row[f"{arm}_closed"], row[f"{arm}_worth"] = 1000, value
            row[f"{arm}_gained"] = fill(pay, *others) * value
            row[f"{arm}_spent"] = fill(pay, *others) * pay * (1.0 + fee)
        row["asked"] = row["expected"] = 1.0
        model.revise_pay(model.requester_rows)
    return float(row["target"][0])


@pytest.mark.parametrize(("value", "top"), [(6.0, 10.0), (12.0, 20.0), (3.0, 40.0)])
def test_single_requester_of_uniform_reservation_wages(value: float, top: float) -> None:
    """With reservation wages uniform on [0, a], the best pay is w* = v / (2 (1 + f))."""
    found = searched_pay(lambda pay: min(1.0, pay / top), value)
    assert found == pytest.approx(value / (2.0 * (1.0 + FEE)), rel=0.01)


@pytest.mark.parametrize("elasticity", [0.1, 0.5, 2.0])
def test_single_requester_of_constant_elasticity(elasticity: float) -> None:
    """With supply A w^e, the best pay is w* = v / (1 + f) x e / (1 + e)."""
    value = 12.0
    found = searched_pay(lambda pay: 1e-3 * pay**elasticity, value)
    assert found == pytest.approx(value / (1.0 + FEE) * elasticity / (1.0 + elasticity), rel=0.02)


@pytest.mark.parametrize("sorting", [20.0, 400.0])
def test_competition_takes_the_margin(sorting: float) -> None:
    """For R equal requesters and workers who go to the better payer by w^t, e = t (1 - 1/R), gap 1 / (1 + e).

    Alone a requester pays next to nothing. With more of them, and the less stands in the way of workers (t
    large), pay comes to v / (1 + f).
    """
    value = 6.0
    gaps = []
    for rivals in (1, 2, 4, 8, 64):

        def share(pay: float, others: float, rivals: int = rivals) -> float:
            return 1.0 / (1.0 + (rivals - 1) * (others / pay) ** sorting)

        found = searched_pay(share, value, spread=0.1 / sorting, start=2.0, rivals=True)
        gaps.append(1.0 - found * (1.0 + FEE) / value)
        expected = 1.0 / (1.0 + sorting * (1.0 - 1.0 / rivals))
        assert gaps[-1] == pytest.approx(expected, abs=0.003), rivals
    assert gaps == sorted(gaps, reverse=True)
    if sorting == 400.0:
        assert gaps[-1] <= 0.01


def posts(value: float, floor: float) -> bool:
    """Whether requesters to whom an hour of work is worth ``value`` post anything in a day."""
    model = market_of_one(floor, FEE)
    model.requester_rows["value"], model.requester_rows["bias"] = value, 1.0
    model.revise_pay(model.requester_rows)
    posted = 0
    for hour in range(24):
        model.hour = model.utc_hour = hour
        posted += model.new_batches()
    return posted > 0


def test_a_wage_floor_raises_the_hires_of_a_single_requester_and_then_ends_them() -> None:
    """Hires are min(demand, supply): those of w*, then supply at the floor, then none beyond v / (1 + f)."""
    value, top = 6.0, 10.0
    best, most = value / (2.0 * (1.0 + FEE)), value / (1.0 + FEE)
    hires = []
    under, between, beyond = (0.0, 0.5, 0.95), (1.2, 1.6, 1.96), (2.1, 4.0)
    for floor in (best * factor for factor in (*under, *between, *beyond)):
        pay = searched_pay(lambda pay: min(1.0, pay / top), value, floor=floor)
        hires.append(pay / top if posts(value, floor) else 0.0)
        supply = max(best, floor) / top
        assert hires[-1] == pytest.approx(supply if floor <= most else 0.0, rel=0.01), floor
    assert hires[3] < hires[4] < hires[5]
    assert min(hires[3:6]) > max(hires[:3])


@pytest.mark.parametrize("fee", [0.1, 0.25, 1.0])
def test_who_is_charged_by_law_makes_no_difference(fee: float) -> None:
    """A fee t on requesters and one s on workers with (1 - s) (1 + t) = 1 leave the same pay net of fees."""
    value, top, on_workers = 6.0, 10.0, 1.0 - 1.0 / (1.0 + fee)
    paid = searched_pay(lambda pay: min(1.0, pay / top), value, fee=fee)
    gross = searched_pay(lambda pay: min(1.0, pay * (1.0 - on_workers) / top), value, fee=0.0)
    assert gross * (1.0 - on_workers) == pytest.approx(paid, rel=0.01)
    assert gross == pytest.approx(paid * (1.0 + fee), rel=0.01)


# --- demand ---------------------------------------------------------------------------------------


@kernel
def drawn_sizes(exponent: float, high: float, count: int) -> float:
    """Mean of whole sizes drawn as posting draws them."""
    total = 0.0
    for i in range(count):
        total += np.floor(truncated_pareto(uniform(5, i, 0), exponent, 2.0, high))
    return total / count


@pytest.mark.parametrize(
    ("exponent", "high"), [(0.4, 3.0), (0.4, 3.7), (0.4, 20_000.0), (1.0, 1000.0), (2.5, 64.9), (0.05, 300.0)]
)
def test_mean_batch_is_that_of_the_whole_numbers_drawn(exponent: float, high: float) -> None:
    n = np.arange(3, int(high) + 1, dtype=float)
    exact = 2.0 + np.sum((n**-exponent - high**-exponent) / (2.0**-exponent - high**-exponent))
    assert mean_of_truncated_pareto(exponent, high) == pytest.approx(exact, rel=1e-5)


def test_mean_batch_is_that_drawn() -> None:
    assert drawn_sizes(1.0, 50.0, 200_000) == pytest.approx(mean_of_truncated_pareto(1.0, 50.0), rel=0.01)


@pytest.mark.parametrize(
    ("median", "sigma"), [(1.0, 0.5), (30.0, 0.5), (900.0, 0.5), (600.0, 2.0), (38.0, 0.0)]
)
def test_mean_seconds_is_that_of_the_whole_seconds_drawn(median: float, sigma: float) -> None:
    middles = (np.arange(20_000) + 0.5) / 20_000
    drawn = [
        max(1.0, np.floor(min(3000.0, median * exp(sigma * normal_quantile(float(u)))) + 0.5))
        for u in middles
    ]
    assert mean_true_seconds(median, sigma, 3000.0) == pytest.approx(float(np.mean(drawn)), rel=2e-3)
    for exponent in (0.0, 0.4, 1.0):
        mean = float(np.mean(np.array(drawn) ** exponent))
        assert mean_power_of_seconds(median, sigma, 3000.0, exponent) == pytest.approx(mean, rel=2e-3)


@pytest.mark.parametrize("elasticity", [0.0, 0.5, 1.0])
def test_a_larger_batch_is_a_budget_of_work(elasticity: float) -> None:
    """Without one-task batches, n drawn tasks become n (60 / s)^e of s seconds on average."""
    base = tiny(days=20, workers=400, requesters=60, seed=5)
    types = {
        name: replace(
            base.task_types["transcription"], share=1.0, median_seconds=seconds, log_sigma_seconds=0.0,
            one_task_share=0.0, size_exponent=2.5, largest_batch=100,
        )
        for name, seconds in (("short", 15), ("usual", 60), ("long", 240))
    }  # fmt: skip
    requesters = replace(
        base.requesters, size_seconds_elasticity=elasticity, size_seconds=60.0, value_usd_per_hour=900.0,
        size_log_sigma=0.0,
    )  # fmt: skip
    model = ClickWorkModel(replace(base, task_types=types, requesters=requesters))
    posted = np.zeros((2, 3))
    for hour in range(24 * 20):
        model.hour, model.utc_hour = hour, hour % 24
        count = model.new_batches()
        rows = model.new_rows[:count]
        posted[0] += np.bincount(rows["type"], minlength=3)
        posted[1] += np.bincount(rows["type"], rows["assignments"], minlength=3)
    assert posted[0].min() > 1000
    seconds = np.array([float(task.median_seconds) for task in model.config.task_types.values()])
    scale = (60 / seconds) ** elasticity
    most = np.maximum(3.0, 100 / scale)
    drawn = np.array([mean_of_truncated_pareto(2.5, high) for high in most])
    none = np.array([missing(one, high) for one, high in zip(scale, most, strict=True)])
    np.testing.assert_allclose(posted[1] / posted[0], drawn * scale / (1 - none), rtol=0.05)


def missing(scale: float, most: float) -> float:
    """Chance that the tasks drawn come to none: of n, 1 - n x scale is missing to the first."""
    chance = 0.0
    for n in range(2, int(most) + 1):
        of_n = drawn_chance(n, most) - drawn_chance(n + 1, most)
        chance += of_n * max(0.0, 1.0 - n * scale)
    return chance


def drawn_chance(n: int, most: float) -> float:
    """Chance of ``n`` tasks or more."""
    if n > most:
        return 0.0
    return float((n**-2.5 - most**-2.5) / (2**-2.5 - most**-2.5))


@pytest.mark.parametrize(("seed", "elasticity"), [(1, 1.0), (2, 1.0), (1, 0.5), (2, 0.0)])
def test_posted_is_stated(seed: int, elasticity: float, exercised: Exercised) -> None:
    """Task-seconds posted in four weeks are those stated, within 4 standard errors and two per cent."""
    base = tiny(days=28, workers=400, requesters=60, table="six_regions", seed=seed)
    budgets = replace(base.requesters, size_seconds_elasticity=elasticity)
    figures, counts = stated_demand(replace(base, requesters=budgets))
    assert abs(figures["ratio"] - 1.0) < 0.02
    exercised("batches", counts["batches"], 20_000)
