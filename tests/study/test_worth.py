"""What work is worth along demand, what users lose who are gone: closed forms, rules, whole runs."""

from __future__ import annotations

import calendar
import datetime as dt
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sim.study.measure
import sim.study.worth
from sim.composition import compose
from sim.config import Config, TaskType
from sim.intelligence import Intelligence
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.study.incidence import FLOWS, SURPLUS
from tests.conftest import Exercised
from tests.support import social
from tests.support.markets import tiny
from tests.support.planting import planted

ELASTICITIES = (0.0, 0.3, 1.0, 2.5)
COST, VALUE = 2.0, 12.0


def worth(module: Any, cost: Any, value: Any = VALUE, filled: Any = 1.0, *curve: Any) -> Any:
    return module.mean_worth(np.log(cost), np.log(value), filled, *curve)


# ---------------------------------------------------------------- closed forms


def quantity_at(price: Any, below: float, above: float, turn: float) -> Any:
    """Hours wanted at a price: one power of it up to a turn, another beyond; 1 at the turn."""
    relative = np.asarray(price) / turn
    return np.where(relative <= 1.0, relative**-below, relative**-above)


def check_integral(module: Any) -> int:
    """Mean worth x hours is the integral of the inverse demand over hours, summed up hour by hour."""
    count = 0
    for below in ELASTICITIES:
        for above, turn in ((below, 3.0), (1.0, 3.0), (0.5, 5.0), (1.0, 1.0), (2.0, 20.0)):
            for filled in (1.0, 0.7, 0.05):
                prices = np.exp(np.linspace(np.log(COST), np.log(VALUE), 400_001))
                wanted = quantity_at(prices, below, above, turn)
                # From the value down: all that is wanted there is worth the value.
                hours = np.concatenate([[0.0], wanted[::-1]])
                marginal = np.concatenate([[VALUE], prices[::-1]])
                got = filled * wanted[0]
                inside = hours <= got
                hours, marginal = np.append(hours[inside], got), np.append(marginal[inside], 0.0)
                marginal[-1] = marginal[-2]
                by_hand = float(np.trapezoid(marginal, hours)) / got
                found = float(worth(module, COST, VALUE, filled, below, above, np.log(turn)))
                assert found == pytest.approx(by_hand, rel=2e-4), (below, above, turn, filled)
                count += 1
    return count


def check_fixed_and_dear(module: Any) -> None:
    """Where cost moves nothing an hour is worth its value; nothing is ever worth more, whatever it costs."""
    assert worth(module, COST, VALUE, 0.6, 0.0) == pytest.approx(VALUE)
    assert worth(module, 30.0, VALUE, 1.0, 1.0) == pytest.approx(VALUE)
    assert worth(module, COST, VALUE, 0.0, 1.0) == pytest.approx(VALUE)
    assert worth(module, COST, VALUE, 1.0, 1.0) == pytest.approx(COST * (1.0 + np.log(VALUE / COST)))


def check_harberger(module: Any) -> int:
    """Of a small charge t requesters lose what it takes and e / 2 x (t / cost)^2 of their spending."""
    count = 0
    for elasticity in ELASTICITIES[1:]:
        for charge in (-0.04, 0.04):
            costs = np.array([COST, COST + charge])
            hours = (costs / COST) ** -elasticity
            surplus = hours * (worth(module, costs, VALUE, 1.0, elasticity) - costs)
            gain = float(surplus[1] - surplus[0])
            first, last = sorted(-charge * hours)
            assert first < gain < last, (elasticity, charge)
            burden = -(gain + charge * hours[1])
            triangle = elasticity / 2.0 * (charge / COST) ** 2 * COST
            assert burden == pytest.approx(triangle, rel=0.08), (elasticity, charge)
            # What the first hours are worth is the same before and after.
            dear = hours * (worth(module, costs, 5.0 * VALUE, 1.0, elasticity) - costs)
            assert dear[1] - dear[0] == pytest.approx(gain)
            count += 1
    return count


def check_value_lost(module: Any) -> None:
    """Of a million people with exponential values of use the lowest go; paying and going is the area."""
    values = np.sort(np.random.default_rng(3).exponential(1.0, 1_000_000))
    for stay in (0.0, 0.3, 0.9, 0.99):
        gone = values[: round((1.0 - stay) * len(values))]
        assert module.value_lost(stay) == pytest.approx(gone.sum() / len(values), rel=0.03)
    assert module.value_lost(1.0) == 0.0
    for charge in (0.01, 0.5, 3.0):
        stay = np.exp(-charge)
        assert charge * stay + module.value_lost(stay) == pytest.approx(1.0 - stay)


# ---------------------------------------------------------------- the model's own demand

SOME = Intelligence(spending_limit=1.5)


def of_one_function(function: str, ai: Intelligence | None, elasticity: float) -> ClickWorkModel:
    """A market of tasks of one function, some way into its history of intelligence."""
    base = tiny(days=7, workers=30, requesters=12, ai=ai)
    task = TaskType(function=function, share=1.0, median_seconds=60)
    requesters = replace(base.requesters, demand_elasticity=elasticity, task_types_used=1)
    model = ClickWorkModel(replace(base, task_types={"task": task}, requesters=requesters))
    if model.ai is not None:
        rows = model.requester_rows
        rows["ai_stock"], rows["automation"], rows["fulfilment"] = 2.0, 0.4, 0.4
        model.ai.free_each[0] = 0.02
    return model


def net_of(module: Any, model: ClickWorkModel, fee: float) -> tuple[Any, Any, Any]:
    """What requesters gain a day at a fee, what they pay for, and what an hour of it costs (USD)."""
    rows = model.requester_rows
    model.platform_rows["requester_fee_ppm"] = round(fee * 1e6)
    model.revise_demand(rows)
    curves = module.Curves(model)
    curves.note(model)
    right = model.config.workers.accuracy_mean
    caught = (1.0 - right) * rows["strictness"] + right * rows["unfair"]
    hours = rows["base_demand"] / 3600.0 * rows["batches_per_day"] / rows["base_batches"]
    cost = rows["target"] * (1.0 + fee) / rows["bias"]
    free = 0.0 if model.ai is None else curves.of_free_labels(model)
    function = 0 if model.ai is None else int(model.ai.functions[0])
    paid = hours * (1.0 - caught)
    return hours * right * curves.usd[:, function] + free - paid * cost, paid, cost


def check_rules(module: Any) -> int:
    """By the demand that the model sets, a fee cut is worth between the saving on hours before and after."""
    count = 0
    kinds = [("none", None, elasticity) for elasticity in ELASTICITIES]
    for rebound in (0.5, 1.0, 1.6):
        for limit in (1.001, 1.5, 50.0):
            ai = replace(SOME, rebound=rebound, spending_limit=limit)
            kinds += [(function, ai, 1.0) for function in ("preparation", "verification", "none")]
    for function, ai, elasticity in kinds:
        model = of_one_function(function, ai, elasticity)
        for before, after in ((0.2, 0.1), (0.2, 0.19), (0.0, 0.5)):
            (net, hours, cost), (new, more, cheaper) = (net_of(module, model, one) for one in (before, after))
            low, high = np.sort([(cost - cheaper) * hours, (cost - cheaper) * more], axis=0)
            slack = 1e-9 * np.abs(high) + 1e-12
            assert (new - net >= low - slack).all(), (function, ai, elasticity, new - net, low, high)
            assert (new - net <= high + slack).all(), (function, ai, elasticity, new - net, low, high)
            count += len(net)
    return count


def check_history(module: Any) -> int:
    """What gets done is known from week to week; a batch is worth what demand said when it was posted."""
    model = of_one_function("none", None, 1.0)
    rows, curves = model.requester_rows, module.Curves(model)
    log_cost = np.log(rows["initial_target"] * 1.2 / rows["bias"] * module.paid_for_right(model))
    curves.note(model)
    monday = next(hour for hour in range(24, 400, 24) if model.clock.is_week_start(hour))
    for week, (done, expired) in enumerate(((30, 10), (5, 35))):
        curves.close(finished(len(rows), done, expired, posted_hour=0))
        model.hour = monday + 168 * week
        curves.note(model)
    filled = (0.75 * 2 * 30 + 2 * 5) / (0.75 * 2 * 40 + 2 * 40)
    assert curves.filled == pytest.approx(np.full(len(rows), filled))
    for hour, share in ((0, 1.0), (monday - 1, 1.0), (monday, 0.75), (monday + 168, filled), (9999, filled)):
        found = curves.of_batches(model, finished(len(rows), 1, 0, posted_hour=hour))
        by_hand = module.mean_worth(log_cost, np.log(rows["value"]), share, 1.0) / rows["value"]
        assert found == pytest.approx(by_hand), hour
    return len(curves.days)


def finished(requesters: int, done: int, expired: int, posted_hour: int) -> Any:
    """A closed batch of each requester; a tenth of what was done was rejected."""
    batches = np.zeros(requesters, boards.FINISHED)
    batches["requester"] = np.arange(requesters)
    batches["accepted"], batches["rejected"] = 2 * done - done // 5, done // 5
    batches["expired"], batches["true_seconds"] = 2 * expired, 60
    batches["posted_hour"] = posted_hour
    return batches


# ---------------------------------------------------------------- runs


def plenty(fee: float, elasticity: float) -> Config:
    """A market in which all work that is posted gets done at once, at a pay that does not move."""
    words = [
        "world=mturk_2015", "platforms=mturk", "workers.count=100", "requesters.count=8", "time.days=40",
        "time.warmup_days=5", "requesters.size_log_sigma=0", "market.pay_setting=fixed",
        "requesters.delay_cost=0", "platforms.microwork.tick_usd=0.000001",
        "platforms.microwork.minimum_reward_usd=0.000001", "requesters.demand_share=0.12",
        "requesters.approval_share=0", "requesters.own_country_share=0", "requesters.north_only_share=0",
        f"requesters.demand_elasticity={elasticity}", f"platforms.microwork.requester_fee={fee}",
    ]  # fmt: skip
    base = compose(words)
    task = TaskType(share=1.0, median_seconds=120, log_sigma_seconds=0.0, skill=0, one_task_share=1.0)
    return replace(base, task_types={"task": task}, requesters=replace(base.requesters, task_types_used=1))


def played(measuring: Any, config: Config) -> Any:
    return measuring.measure(ClickWorkModel(config), lambda model: model.run())


def check_fee_cut(measuring: Any, elasticities: tuple[float, ...] = (1.0,)) -> int:
    """A fee cut is worth between the cut of what was paid before, and of what is paid after."""
    cut, count = 0.1, 0
    for elasticity in elasticities:
        before, after = (played(measuring, plenty(fee, elasticity)) for fee in (0.2, 0.2 - cut))
        gain = after.amounts[SURPLUS]["requesters", "world"] - before.amounts[SURPLUS]["requesters", "world"]
        low, high = (cut * one.amounts[FLOWS]["reward", ""] for one in (before, after))
        # Arrivals are random; with the same seed a few of the thousands of tasks make a difference.
        assert 0.96 * low <= gain <= 1.03 * high, (elasticity, gain / 1e6, low / 1e6, high / 1e6)
        assert before.amounts[FLOWS]["requester_fee", ""] > low
        count += int(before.people["tasks_accepted"].sum())
    return count


CHARGE = 5.0


def check_users(measuring: Any) -> int:
    """Those who pay and those who go lose the area under who stays, for each day with a charge."""
    one = social.platform(user_adjustment=1.0, drops_users=False)
    policy = social.alone(usd_per_user_month=2 * CHARGE, to_users=0.5, exit_months=0, start="2019-01-01")
    config = social.market(policy, days=80, one=one)
    time = replace(config.time, warmup_days=40, days=40)
    model = ClickWorkModel(replace(config, time=time))
    found = measuring.measure(model, lambda model: model.run())
    first = dt.date.fromisoformat(time.start) + dt.timedelta(days=time.warmup_days)
    months = 0.0
    for number in range(time.days):
        date = first + dt.timedelta(days=number)
        months += 1.0 / calendar.monthrange(date.year, date.month)[1]
    rows = model.audience_rows
    incomes = model.world.gdp_per_head_usd[rows["country"]] / 12.0
    mean = incomes / one.charge_sensitivity
    area = float((rows["base_users"] * mean * (1.0 - np.exp(-CHARGE / mean))).sum()) * months
    lost = -found.amounts[SURPLUS]["users", "world"] / 1e6
    assert lost == pytest.approx(area, rel=2e-3)
    assert abs(found.amounts[SURPLUS]["users let go", "world"]) < 2e-3 * lost * 1e6, "nobody was let go"
    charged = found.amounts[FLOWS]["user_charge", ""] / 1e6
    assert 0.5 * lost < charged < 0.99 * lost, "hardly anybody has left, or hardly anybody pays"
    return int(rows["base_users"].sum() - rows["users"].sum())


def check_dropped(measuring: Any) -> int:
    """Who is let go loses the use of the platform, though nobody is charged."""
    one = social.platform(user_adjustment=1.0)
    config = social.market(social.alone(usd_per_user_month=0.6, exit_months=0), days=45, one=one)
    model = ClickWorkModel(config)
    found = measuring.measure(model, lambda model: model.run())
    rows = model.audience_rows
    stay = rows["users"] / rows["base_users"]
    mean = model.world.gdp_per_head_usd[rows["country"]] / 12.0 / one.charge_sensitivity
    # All of February is in the window, up to its 14th day.
    days = 45 - 25
    lost = float((rows["base_users"] * mean * (1.0 - stay + stay * np.log(stay))).sum()) * days / 28
    assert -found.amounts[SURPLUS]["users let go", "world"] / 1e6 == pytest.approx(lost, rel=1e-9)
    assert not found.amounts[SURPLUS]["users", "world"], "nobody was charged"
    assert not found.amounts[FLOWS].get(("user_charge", ""), 0)
    return int((rows["base_users"] - rows["users"]).sum())


# ---------------------------------------------------------------- tests


def test_worth_is_the_integral_of_inverse_demand(exercised: Exercised) -> None:
    exercised("integrals", check_integral(sim.study.worth), at_least=60)
    check_fixed_and_dear(sim.study.worth)


def test_small_charges_cost_a_triangle_more_than_they_raise(exercised: Exercised) -> None:
    exercised("charges", check_harberger(sim.study.worth), at_least=6)


def test_a_fee_cut_by_the_rules_of_demand(exercised: Exercised) -> None:
    exercised("requesters", check_rules(sim.study.worth), at_least=1000)


def test_what_is_known_of_the_past(exercised: Exercised) -> None:
    exercised("days of another demand", check_history(sim.study.worth), at_least=3)


def test_a_fee_cut_in_a_market(exercised: Exercised) -> None:
    exercised("tasks", check_fee_cut(sim.study.measure, (0.0, 1.0, 2.0)), at_least=60_000)


def test_values_of_use() -> None:
    check_value_lost(sim.study.worth)


def test_users_who_pay_and_who_go(exercised: Exercised) -> None:
    exercised("users gone", check_users(sim.study.measure), at_least=10)


def test_users_who_are_let_go(exercised: Exercised) -> None:
    exercised("users gone", check_dropped(sim.study.measure), at_least=100)


PLANTS: list[tuple[str, str, str, Callable[[Any], Any]]] = [
    ("worth", "np.expm1(power * up) / power if power else up", "up", check_integral),
    ("worth", "np.exp(last) + area(last, turn, below)", "area(last, turn, below)", check_integral),
    ("worth", "still_wanted * area(turn", "area(turn", check_integral),
    ("worth", "np.maximum(0.0, rest) / above if above", "np.maximum(0.0, rest) if above", check_integral),
    ("worth", "first + then, log_value)", "first + then, log_value + 1.0)", check_fixed_and_dear),
    ("worth", "power = np.maximum(0.0, log_top - log_cost), 1.0 - elasticity",
     "power = np.maximum(0.0, log_top - log_cost), 1.0", check_harberger),
    ("worth", "(1.0 + settings.base_fee)", "1.0", check_rules),
    ("worth", " / rows[\"bias\"]", "", check_rules),
    ("worth", "posted / elasticity if", "posted if", check_rules),
    ("worth", "rows[\"label_cost\"], LEAST)) - log_kept", "rows[\"label_cost\"], LEAST))", check_rules),
    ("worth", "log_base - log_kept, stock", "log_base, stock", check_rules),
    ("worth", "rows[\"ai_stock\"] * rows[\"fulfilment\"]", "rows[\"ai_stock\"]", check_rules),
    ("worth", "(1.0 - ai.stock_exponent) * np.log", "np.log", check_rules),
    ("worth", "(ai.rebound, 1.0) if power > 0.0", "(1.0, ai.rebound) if power > 0.0", check_rules),
    ("worth", "np.where(taken_down, 1.0, paid) / right", "np.ones(len(rows))", check_rules),
    ("worth", "KEPT * self._sums + self._week", "self._week", check_history),
    ("worth", "self._week[:] = 0.0", "pass", check_history),
    ("worth", 'done + batches["expired"]', "done", check_history),
    ("worth", 'batches["posted_hour"] // 24', "model.hour // 24", check_history),
    ("worth", 'side="right"', 'side="left"', check_history),
    ("worth", "stay + stay * np.log", "stay - stay * np.log", check_value_lost),
    ("measure", " * self.curves.of_batches(model, batches)", "", check_fee_cut),
    ("measure", "model.hour > model.first_recorded_hour", "model.hour > 0", check_users),
    ("measure", "calendar.monthrange(date.year, date.month)[1]", "30", check_dropped),
    ("incidence", "add(line, country, -usd * MICRO)", "pass", check_dropped),
    ("incidence", '("users", LET_GO), lost', '(LET_GO, "users"), lost', check_dropped),
]  # fmt: skip


def with_a_bug(name: str, old: str, new: str) -> types.ModuleType:
    """The planted module; one of incidence inside an otherwise sound `sim.study.measure`."""
    module = planted(getattr(sim.study, name), old, new)
    if name != "incidence":
        return module
    around = planted(sim.study.measure, "class Watcher:", "class Watcher():")
    vars(around)["incidence"] = module
    return around


@pytest.mark.parametrize(("name", "old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(name: str, old: str, new: str, check: Callable[[Any], Any]) -> None:
    with pytest.raises(AssertionError):
        check(with_a_bug(name, old, new))
