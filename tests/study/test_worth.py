"""What work is worth along demand, what users lose who are gone: closed forms, rules, whole runs."""

from __future__ import annotations

import calendar
import datetime as dt
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

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
        rows["shared_by_others"], model.shared_labels[:] = np.linspace(0.0, 0.9, len(rows)), 0.25
        model.shared_labels[:, 0] = 0.5
    return model


def net_of(module: Any, model: ClickWorkModel, fee: float) -> tuple[Any, Any, Any]:
    """What requesters gain a day at a fee, what they pay for, and what an hour of it costs (USD)."""
    rows = model.requester_rows
    model.platform_rows["requester_fee_ppm"] = round(fee * 1e6)
    model.revise_demand(rows)
    demand = module.demand_of(model)
    usd = demand.mean_worth(np.ones((len(rows), len(demand.curves))))
    right = model.config.workers.accuracy_mean
    caught = (1.0 - right) * rows["strictness"] + right * rows["unfair"]
    hours = rows["base_demand"] / 3600.0 * rows["batches_per_day"] / rows["base_batches"]
    cost = rows["target"] * (1.0 + fee) / rows["bias"]
    free = (rows["labels_free"] + rows["labels_shared"]) / 3600.0 * (1.0 - rows["automation"]) * right
    function = 0 if model.ai is None else int(model.ai.functions[0])
    paid = hours * (1.0 - caught)
    gained = (hours * right * usd[:, function]) + (free * usd[:, 1] if model.ai is not None else 0.0)
    return gained - paid * cost, paid, cost


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


def check_undone(module: Any) -> int:
    """Hours that stay undone are worth what the area under demand beyond those that are done says."""
    count = 0
    for elasticity in ELASTICITIES:
        curve = module.Curve(np.log([COST]), elasticity, elasticity, np.inf)
        demand = module.Demand(np.log([VALUE]), (curve,))
        for share in (0.0, 0.05, 0.5, 0.999, 1.0 - 1e-9, 1.0):
            filled = np.array([[share]])
            undone = float(demand.worth_undone(filled)[0, 0])
            done, whole = (
                share * float(demand.mean_worth(filled)[0, 0]),
                float(worth(module, COST, VALUE, 1.0, elasticity)),
            )
            assert done + (1.0 - share) * undone == pytest.approx(whole, rel=1e-6), (elasticity, share)
            last = min(VALUE, COST * share ** (-1.0 / elasticity)) if elasticity and share else VALUE
            least = COST if elasticity else VALUE * (share < 1.0 - 1e-6)
            assert least * (1 - 1e-9) <= undone <= max(last, COST) * (1 + 1e-9), (elasticity, share, undone)
            count += 1
    return count


def check_small(module: Any) -> int:
    """exp(x) - 1 keeps its digits near 0."""
    for x in (1e-12, -1e-7, 9e-6, -9e-6, 2e-5, 0.3, -2.0, 0.0):
        assert float(module.exp_less_one(x)) == pytest.approx(np.expm1(x), rel=1e-9, abs=1e-300), x
    return 8


def check_crowded(module: Any) -> int:
    """Wanting more at a lower cost leaves the worth of the hours done as it was; more hours are worth more.

    So whatever a subsidy does to what is wanted, it never lowers the worth of what is done.
    """
    count = 0
    for elasticity in ELASTICITIES[1:]:
        before = float(worth(module, COST, VALUE, 0.7, elasticity)) * 0.7
        for share in (0.05, 0.3, 0.8):
            wanted = (1.0 - share) ** -elasticity
            for more in (1.0, 1.1, 1.4):
                after = float(worth(module, COST * (1.0 - share), VALUE, 0.7 * more / wanted, elasticity))
                gain = after * 0.7 * more - before
                if 0.7 * more > wanted:
                    continue
                last = min(VALUE, COST * 0.7 ** (-1.0 / elasticity))
                then = min(VALUE, COST * (0.7 * more) ** (-1.0 / elasticity))
                extra = 0.7 * (more - 1.0)
                assert then * extra - 1e-9 <= gain <= last * extra + 1e-9, (elasticity, share, more)
                count += 1
    return count


def check_burden(module: Any) -> int:
    """A tax costs more than it raises, a subsidy more than it brings, small or large, where all gets done."""
    count = 0
    for elasticity in ELASTICITIES[1:]:
        for charge in (-0.9, -0.5, -0.02, 0.02, 0.5, 1.5):
            cost = COST * (1.0 + charge)
            hours = (cost / COST) ** -elasticity
            net = hours * (float(worth(module, cost, VALUE, 1.0, elasticity)) - cost)
            burden = float(worth(module, COST, VALUE, 1.0, elasticity)) - COST - net - (cost - COST) * hours
            prices = np.linspace(min(cost, COST), max(cost, COST), 200_001)
            area = float(np.trapezoid(np.abs((prices / COST) ** -elasticity - hours), prices))
            assert burden == pytest.approx(area, rel=1e-5) and burden > 0.0, (elasticity, charge)
            count += 1
    return count


def check_subsidy_of_some(module: Any) -> int:
    """A subsidy of one of two alike takes hours to whom they are worth less, so that all are worth less.

    The hours moved are worth between nothing and the whole subsidy less there.
    """
    count = 0
    for elasticity in ELASTICITIES[1:]:
        for share in (0.05, 0.3, 0.6):
            # Hours stay: (1 - s)^-e + 1 times the price to the power -e is what two want without it.
            price = COST * (((1.0 - share) ** -elasticity + 1.0) / 2.0) ** (1.0 / elasticity)
            costs = np.array([price * (1.0 - share), price])
            hours = (costs / COST) ** -elasticity
            assert hours.sum() == pytest.approx(2.0)
            change = float((hours * worth(module, costs, VALUE, 1.0, elasticity)).sum())
            change -= 2.0 * float(worth(module, COST, VALUE, 1.0, elasticity))
            assert -(hours[0] - 1.0) * share * price < change < 0.0, (elasticity, share)
            count += 1
    return count


def check_history(module: Any) -> int:
    """A batch is worth what demand said when it was posted, and what got done of its month's work says."""
    model = of_one_function("none", None, 1.0)
    rows, curves = model.requester_rows, module.Curves(model)
    costs = np.log(rows["initial_target"] * 1.2 / rows["bias"] * module.paid_for_right(model))
    # Two spells in January, at usual and at half cost, and one in February.
    days, factors = (0, 10, 25), (1.0, 2.0, 2.0)
    for day in (0, 5, 10, 24, 25, 26):
        model.hour = 24 * day
        rows["batches_per_day"] = rows["base_batches"] * (1.0 if day < 10 else 2.0)
        curves.note(model)
    assert curves.days == list(days), "a spell ends with the month or with another demand"
    shares = []
    for month in ((0, 10), (25,)):
        done, posted = 0, 0
        for day in month:
            for some, left in ((30, 10), (5, 35)):
                batches = finished(len(rows), some, left + 2 * day, posted_hour=24 * day + 23)
                curves.close(batches)
                curves.add(batches)
                done, posted = done + some, posted + some + left + 2 * day
        shares += [done / posted] * len(month)
    worth_of, waited = curves.worth()
    gained, lost = np.zeros(len(rows)), np.zeros(len(rows))
    for day, factor, share in zip(days, factors, shares, strict=True):
        log_cost, log_value = costs - np.log(factor), np.log(rows["value"])
        mean = module.mean_worth(log_cost, log_value, share, 1.0)
        undone = (module.mean_worth(log_cost, log_value, 1.0, 1.0) - share * mean) / (1.0 - share)
        gained += 2 * 35 * mean
        lost += 2 * 35 * 3600 * mean + 2 * (45 + 4 * day) * 25 * 3600 * undone
    assert worth_of == pytest.approx(gained)
    assert waited == pytest.approx(lost)
    curves.add(finished(len(rows), 3, 0, posted_hour=0), -1.0)
    assert (curves.worth()[0] < worth_of).all(), "what was done before the window is none of it"
    return len(curves.days)


def check_unpaid(module: Any) -> int:
    """Labels of users, and of others, are worth what paid ones are on average, in the window only."""
    model = of_one_function("preparation", SOME, 1.0)
    rows = model.requester_rows
    model.revise_demand(rows)
    assert (rows["labels_free"] > 0.0).any() and (rows["labels_shared"] > 0.0).any()
    curves = module.Curves(model)
    curves.note(model)
    for in_window in (False, True):
        curves.add_free(model, in_window)
    gained, _ = curves.worth()
    right = model.config.workers.accuracy_mean
    usd = module.demand_of(model).mean_worth(np.ones((len(rows), 3)))[:, 1]
    unpaid = (rows["labels_free"] + rows["labels_shared"]) * (1.0 - rows["automation"]) / 3600.0
    assert gained == pytest.approx(unpaid * right * usd)
    return int((gained > 0.0).sum())


def finished(requesters: int, done: int, expired: int, posted_hour: int) -> Any:
    """A closed batch of each requester, all right; a tenth of what was done was rejected."""
    batches = np.zeros(requesters, boards.FINISHED)
    batches["requester"] = np.arange(requesters)
    batches["accepted"], batches["rejected"] = 2 * done - done // 5, done // 5
    batches["right"] = 255 * 2 * done
    batches["expired"], batches["true_seconds"] = 2 * expired, 60
    batches["posted_hour"], batches["closed_hour"] = posted_hour, posted_hour + 25
    batches["waited_seconds"] = 2 * done * 3600 + 2 * expired * 25 * 3600
    batches["worth"] = 1e6 * value_of(requesters)
    return batches


def value_of(requesters: int) -> Any:
    """What an hour is worth at most to each requester of `of_one_function`."""
    return of_one_function("none", None, 1.0).requester_rows["value"][:requesters]


# ---------------------------------------------------------------- runs


def plenty(fee: float, elasticity: float, *more: str) -> Config:
    """A market in which all work that is posted gets done at once, at a pay that does not move."""
    words = [
        "world=mturk_2015", "calibration=none", "platforms=mturk", "workers.count=100", "requesters.count=8",
        "time.days=40", "time.warmup_days=5", "requesters.size_log_sigma=0", "market.pay_setting=fixed",
        "requesters.delay_cost=0", "platforms.microwork.tick_usd=0.000001",
        "platforms.microwork.minimum_reward_usd=0.000001", "requesters.demand_share=0.12",
        "requesters.approval_share=0", "requesters.own_country_share=0", "requesters.north_only_share=0",
        f"requesters.demand_elasticity={elasticity}", f"platforms.microwork.requester_fee={fee}",
        *more,
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
        costs, fees = (
            [one.amounts[FLOWS][kind, ""] / one.amounts[FLOWS]["reward", ""] for one in (before, after)]
            for kind in ("platform_cost", "requester_fee")
        )
        assert costs[0] == pytest.approx(costs[1], rel=1e-3), "a lower fee changes no real cost"
        assert fees[1] == pytest.approx(fees[0] / 2.0, rel=1e-3)
        count += int(before.people["tasks_accepted"].sum())
    return count


TAX = ["policy.usage_tax.exit_months=0", "policy.usage_tax.start=2019-01-01"]
SUBSIDY = [
    "policy=[usage_tax,conditional_income]", *TAX, "policy.conditional_income.recipients=employers",
    "policy.conditional_income.pool=global",
]  # fmt: skip
LEVY = ["policy=usage_tax", *TAX, "policy.usage_tax.to_requesters=1"]


class Hired(NamedTuple):
    """Tasks done; USD: their worth, waiting, requesters' gain, spending, levies, subsidies."""

    done: float
    worth: float
    waiting: float
    net: float
    spent: float
    fees_beyond: float
    subsidy: float


def hired(measuring: Any, share: float, words: list[str], usd: float = 0.0) -> Hired:
    """A market with so much work for its workers, under a policy; workers come and go."""
    taxed = [f"policy.usage_tax.usd_per_user_month={usd}"] if words else []
    more = [
        "time.days=60",
        "workers.count=50",
        f"requesters.demand_share={share}",
        "requesters.delay_cost=0.02",
    ]
    watchers: list[Any] = []

    def play(model: ClickWorkModel) -> None:
        watchers.extend(one for one in model.observers if isinstance(one, measuring.Watcher))
        model.run()

    found = measuring.measure(ClickWorkModel(plenty(0.2, 1.0, *words, *taxed, *more)), play)
    flows = {kind: amount / 1e6 for (kind, _), amount in found.amounts[FLOWS].items()}
    return Hired(
        float(found.people[["tasks_accepted", "tasks_rejected"]].to_numpy().sum()),
        float(watchers[0].worth.sum()),
        float(watchers[0].waiting.sum()),
        found.amounts[SURPLUS]["requesters", "world"] / 1e6,
        flows["reward"] + flows["requester_fee"],
        flows["requester_fee"] - 0.2 * flows["reward"],
        flows.get("hiring_subsidy", 0.0),
    )


def check_subsidy(measuring: Any) -> int:
    """A subsidy of hiring that brings more work brings more worth, and less than it costs, large or small.

    Under the large one requesters want more than gets done.
    """
    tasks = 0
    for share, usd in ((0.12, 2.0), (0.3, 30.0)):
        before, after = hired(measuring, share, []), hired(measuring, share, SUBSIDY, usd)
        more = before.spent / before.done * (after.done - before.done)
        assert after.done > 1.05 * before.done and after.subsidy > 0.0, (share, usd, after)
        assert 0.0 < after.worth - before.worth < 1.05 * more, (share, usd, before, after, more)
        assert 0.6 * after.subsidy < after.net - before.net < after.subsidy, (share, usd, before, after)
        tasks += int(after.done)
    return tasks


def check_levy(measuring: Any) -> int:
    """Requesters lose more by a levy than it takes, and less than it would take of work as before."""
    before, after = hired(measuring, 0.12, []), hired(measuring, 0.12, LEVY, 8.0)
    lost = before.net - after.net
    assert after.done < 0.95 * before.done and after.worth < before.worth
    assert after.fees_beyond < lost < after.fees_beyond * before.done / after.done * 1.05, (before, after)
    return int(after.done)


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
    mean = model.world.gdp_per_head_usd[rows["country"]] / 12.0 * one.use_value_share
    # All of February is in the window, up to its 14th day.
    days = 45 - 25
    lost = float((rows["base_users"] * mean * (1.0 - stay + stay * np.log(stay))).sum()) * days / 28
    assert -found.amounts[SURPLUS]["users let go", "world"] / 1e6 == pytest.approx(lost, rel=1e-9)
    least, most = (-found.amounts["range"][line, "world"] / 1e6 for line in ("at least", "at most"))
    assert least == pytest.approx(lost / one.use_value_share * 0.0014, rel=1e-6)
    assert most == pytest.approx(lost / one.use_value_share * 0.035, rel=1e-6)
    assert not found.amounts[SURPLUS]["users", "world"], "nobody was charged"
    assert not found.amounts[FLOWS].get(("user_charge", ""), 0)
    return int((rows["base_users"] - rows["users"]).sum())


# ---------------------------------------------------------------- tests


def test_worth_is_the_integral_of_inverse_demand(exercised: Exercised) -> None:
    exercised("integrals", check_integral(sim.study.worth), at_least=60)
    check_fixed_and_dear(sim.study.worth)
    check_small(sim.study.worth)


def test_small_charges_cost_a_triangle_more_than_they_raise(exercised: Exercised) -> None:
    exercised("charges", check_harberger(sim.study.worth), at_least=6)


def test_a_fee_cut_by_the_rules_of_demand(exercised: Exercised) -> None:
    exercised("requesters", check_rules(sim.study.worth), at_least=1000)


def test_labels_that_nobody_pays_for(exercised: Exercised) -> None:
    exercised("requesters", check_unpaid(sim.study.worth), at_least=5)


def test_what_is_known_of_the_past(exercised: Exercised) -> None:
    exercised("days of another demand", check_history(sim.study.worth), at_least=3)


def test_a_fee_cut_in_a_market(exercised: Exercised) -> None:
    exercised("tasks", check_fee_cut(sim.study.measure, (0.0, 1.0, 2.0)), at_least=60_000)


def test_hours_that_stay_undone(exercised: Exercised) -> None:
    exercised("shares done", check_undone(sim.study.worth), at_least=20)
    exercised("subsidies", check_crowded(sim.study.worth), at_least=20)


def test_taxes_and_subsidies_are_a_burden_large_or_small(exercised: Exercised) -> None:
    exercised("charges", check_burden(sim.study.worth), at_least=18)


def test_a_subsidy_of_some_lowers_what_all_hours_are_worth(exercised: Exercised) -> None:
    exercised("subsidies", check_subsidy_of_some(sim.study.worth), at_least=9)


def test_a_subsidy_of_hiring_in_a_market(exercised: Exercised) -> None:
    exercised("tasks", check_subsidy(sim.study.measure), at_least=50_000)


def test_a_levy_in_a_market(exercised: Exercised) -> None:
    exercised("tasks", check_levy(sim.study.measure), at_least=10_000)


def test_values_of_use() -> None:
    check_value_lost(sim.study.worth)


def test_users_who_pay_and_who_go(exercised: Exercised) -> None:
    exercised("users gone", check_users(sim.study.measure), at_least=10)


def test_users_who_are_let_go(exercised: Exercised) -> None:
    exercised("users gone", check_dropped(sim.study.measure), at_least=100)


PLANTS: list[tuple[str, str, str, Callable[[Any], Any]]] = [
    ("worth", "exp_less_one(power * up) / power if power else up", "up", check_integral),
    ("worth", "exp_of(last) + area(last, turn, below)", "area(last, turn, below)", check_integral),
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
    ("worth", "(1.0 - ai.stock_exponent) * log_of", "log_of", check_rules),
    ("worth", "(ai.rebound, 1.0) if power > 0.0", "(1.0, ai.rebound) if power > 0.0", check_rules),
    ("worth", "np.where(taken_down, 1.0, paid) / right", "np.ones(len(rows))", check_rules),
    ("worth", "x + 0.5 * x * x", "x - 0.5 * x * x", check_small),
    ("worth", "- filled * self.mean_worth(filled)", "- self.mean_worth(filled)", check_undone),
    ("worth", "np.maximum(rest / undone, cost)", "rest", check_undone),
    ("worth", "last = np.minimum(log_cost + first + then, log_value)", "last = log_cost", check_crowded),
    ("worth", "power * up) / power", "power * up) * power", check_burden),
    ("worth", "if begins or not demand.is_as", "if not self.days or not demand.is_as", check_history),
    ("worth", "if begins or not demand.is_as(self.demands[-1])", "if begins", check_history),
    ("worth", '(POSTED, done + batches["expired"])', "(POSTED, done)", check_history),
    ("worth", '_spells(batches)]\n', "_spells(batches)] * 0\n", check_history),
    ("worth", 'batches["waited_seconds"] - in_vain, in_vain',
     'batches["waited_seconds"], in_vain', check_history),
    ("worth", "money[IN_VAIN] * undone", "money[IN_VAIN] * mean", check_history),
    ("worth", "sign * part", "part", check_history),
    ("worth", "log_price = log_cost + log_of(1.0 - saved)", "log_price = log_cost", check_rules),
    ("worth", 'shared_labels[rows["platform"], rows["country"]]', "shared_labels[0, 0]", check_rules),
    ("worth", '(rows["labels_free"] + rows["labels_shared"])', 'rows["labels_free"]', check_unpaid),
    ("worth", "self.free[-1] += in_window * seconds", "self.free[-1] += seconds", check_unpaid),
    ("worth", "np.where(posted > 0.0, done / np.maximum(posted, LEAST), 1.0)",
     "np.ones(self.shape)", check_subsidy),
    ("worth", "elasticity, elasticity, np.inf),))",
     "2.0 * elasticity, 2.0 * elasticity, np.inf),))", check_levy),
    ("worth", 'side="right"', 'side="left"', check_history),
    ("worth", "stay + stay * log_of", "stay - stay * log_of", check_value_lost),
    ("worth", "money[RIGHT] * (mean / value)", "money[RIGHT]", check_fee_cut),
    ("worth", "terms.use_value_share, *USE_VALUES", "*USE_VALUES, terms.use_value_share", check_dropped),
    ("measure", "model.hour > model.first_recorded_hour", "model.hour > 0", check_users),
    ("measure", "calendar.monthrange(date.year, date.month)[1]", "30", check_dropped),
    ("incidence", "add(line, country, -usd * MICRO)", "pass", check_dropped),
    ("incidence", '("users", LET_GO), lost', '(LET_GO, "users"), lost', check_dropped),
]  # fmt: skip


MARKETS = (check_fee_cut, check_subsidy, check_levy, check_dropped)


def with_a_bug(name: str, old: str, new: str, check: Any) -> types.ModuleType:
    """The planted module; for a check of runs, inside an otherwise sound `sim.study.measure`."""
    module = planted(getattr(sim.study, name), old, new)
    if name == "measure" or (name == "worth" and check not in MARKETS):
        return module
    around = planted(sim.study.measure, "class Watcher:", "class Watcher():")
    vars(around).update(
        {"incidence": module}
        if name == "incidence"
        else {"Curves": module.Curves, "lost_by_users": module.lost_by_users}
    )
    return around


@pytest.mark.parametrize(("name", "old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(name: str, old: str, new: str, check: Callable[[Any], Any]) -> None:
    with pytest.raises(AssertionError):
        check(with_a_bug(name, old, new, check))
