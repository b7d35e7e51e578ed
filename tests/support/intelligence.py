"""What must hold of artificial intelligence and its labels, as functions that raise ``AssertionError``.

The oracle computes everything again from finished batches, in plain Python floats and with the C library's
exp, log and pow. The tests in ``tests/analytic/test_ai.py`` call the checks on the sound program;
``python -m tests.support.intelligence`` runs the planted bugs and prints those that nobody noticed.
"""

from __future__ import annotations

import copy
import importlib
import json
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.population import mean_of_truncated_pareto, mean_work
from sim.agents.requester import Requester
from sim.agents.rules import largest_batch
from sim.agents.traits import REQUESTER
from sim.config import Config
from sim.errors import UserError
from sim.instruments import Commons, Policies
from sim.intelligence import Intelligence
from sim.market import ai_demand
from sim.market import board as boards
from sim.market.settings import make_task_types
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.policy.channels import FREE_LABELS, SHARED_LABELS, Contribution
from tests.support.checks import FAULTS
from tests.support.markets import fingerprint, population_of, run, tiny
from tests.support.observers import Watcher
from tests.support.plants import Plant, planted
from tests.support.relations import permutation

Counts = Counter[str]
NAMES = REQUESTER.names or ()
OF_INTELLIGENCE = NAMES[NAMES.index("base_preparation") :]
USERS = (Contribution(FREE_LABELS, 0, 40_000.0),)
IN_COMMON = Policies(commons=Commons(phase_in_months=3, shared_labels=0.9, royalty_rate=0.0))
EAGER = Intelligence(
    growth=1.5, decay=0.3, labels_scale_years=0.2, automation_max=0.9, rebound=1.3, displacement=8.0
)
"""So much happens in weeks, not years."""


def market(days: int = 30, workers: int = 60, ai: Intelligence | None = EAGER, **changes: Any) -> Config:
    """Return a small market with intelligence and many surveys, whose requesters are of like size."""
    config = tiny(days=days, workers=workers, ai=ai, **changes)
    types = {**config.task_types, "survey": replace(config.task_types["survey"], share=0.3)}
    requesters = replace(config.requesters, size_log_sigma=0.8, pay_minimum_tasks=5, task_types_used=3)
    learning = replace(config.learning, join_rate=0.02)
    return replace(config, requesters=requesters, learning=learning, task_types=types)


def close(one: Any, other: Any, what: str) -> None:
    """Fail unless two numbers agree to nine digits."""
    assert math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12), f"{what}: {one}, not {other}"


# --- closed forms ---------------------------------------------------------------------------------


def requester(preparation: float = 1000.0, services: float = 0.0, none: float = 0.0, **values: Any) -> Any:
    """One requester at the start, pay and fee such that an hour costs what it did."""
    row = np.zeros(1, REQUESTER)
    row["base_preparation"], row["base_services"] = preparation, services
    row["base_demand"] = preparation + services + none
    row["base_batches"] = 10.0
    for name in ("target", "initial_target", "bias", "markup", "ai_stock", "fulfilment"):
        row[name] = 1.0
    row["value"] = row["base_value"] = 6.0
    for name, value in values.items():
        row[name] = value
    return row


def setting(ai: Intelligence) -> Any:
    """The numbers that the kernels read."""
    return label_demand(ai).setting


def label_demand(ai: Intelligence) -> ai_demand.LabelDemand:
    """What requesters of a small market want."""
    config = tiny(ai=ai)
    population = population_of(config)
    world = ClickWorkModel(config).world
    return ai_demand.LabelDemand(config, ai, world, population.requesters, population.mixes)


@cache
def without_fee() -> tuple[Any, Any]:
    """A platform without a fee, and wage floors of nothing."""
    model = ClickWorkModel(tiny(days=1))
    model.platform_rows["requester_fee_ppm"] = 0
    return model.platform_rows, model.floors


def revised(
    rows: Any, ai: Any, mix: list[float], functions: list[int], free_each: float = 0.0, shared: float = 0.0
) -> Any:
    """Revise demand on a platform without a fee; return the mix of the first."""
    platforms, floors = without_fee()
    mixes = np.zeros((len(rows), len(mix)))
    sharing = np.full((len(platforms), floors.shape[1]), shared)
    ai_demand.revise_demand(
        rows, np.array([mix] * len(rows)), mixes, np.array(functions, np.int64), ai, free_each, sharing, 1.0,
        0.0, platforms, floors, np.zeros(floors.shape[1]), False,
    )  # fmt: skip
    return mixes[0]


def closed_form(parameters: Intelligence, services: bool, weeks: int = 522) -> Counts:
    """With fixed pay and full delivery, human work is S^g (1 - a)^(1 - e) of that at first, for ten years."""
    parameters = replace(parameters, most_labels_per_hour=300.0)
    ai = setting(parameters)
    rows = requester(0.0, 1e9) if services else requester(1e9)
    kind = ai_demand.SERVICES if services else ai_demand.PREPARATION
    stock, labels, automated, counts = 1.0, 0.0, 0.0, Counter[str]()
    g, e = parameters.stock_exponent, parameters.rebound
    for week in range(weeks):
        revised(rows, ai, [1.0], [kind])
        factor = float(rows["batches_per_day"][0]) / 10.0
        close(factor, stock**g * (1.0 - automated) ** (1.0 - e), f"week {week}: human work")
        work = round(1e9 * factor * 7)
        rows["ai_done"] = rows["ai_closed"] = work
        ai_demand.learn(rows, 7.0, ai)
        assert float(rows["automation"][0]) >= automated, "machines unlearn"
        wanted = 1e9 * stock**g * (1.0 - automated) ** -e
        close(rows["week_wanted"][0], 7 * wanted, "labels wanted")
        close(rows["week_analytic"][0], 7 * 1e9 * factor, "analytic hours")
        # All is delivered, but for the rounding of seconds: one part in 10^9.
        years = work / (1.0 - automated) / wanted / 365.0
        lost = math.log(1.0 - parameters.decay)
        gained = math.log(1.0 - parameters.decay + parameters.growth)
        stock *= math.exp(lost * 7.0 / 365.0 + (gained - lost) * years)
        labels += years * wanted / 1e9
        most = parameters.automation_max
        automated = min(most * (1.0 - math.exp(-labels / parameters.labels_scale_years)), 1.0 - 1.0 / 300.0)
        close(rows["ai_stock"][0], stock, f"week {week}: stock")
        close(rows["automation"][0], automated, f"week {week}: automation")
        close(rows["value"][0], 6.0 / (1.0 - automated), "value of an hour")
        assert automated <= most
        counts["weeks"] += 1
    growth = (1.0 - parameters.decay + parameters.growth) ** (weeks * 7 / 365)
    assert math.isclose(stock, growth, rel_tol=1e-6), "growth of the stock with all labels"
    counts["automated, per cent"] = int(100 * automated)
    return counts


def decay() -> Counts:
    """Without labels the stock decays by its rate, however the year is cut; half of them: in between."""
    ai, counts = setting(Intelligence(decay=0.2, growth=0.5, automation_max=0.0)), Counter[str]()
    for steps in (1, 5, 365):
        rows = requester(1000.0, labels_wanted=50.0)
        for _ in range(steps):
            ai_demand.learn(rows, 365.0 / steps, ai)
        close(rows["ai_stock"][0], 0.8, f"{steps} steps")
        counts["cuts"] += 1
    rows = requester(1000.0, labels_wanted=1000.0)
    for quarter in range(4):
        rows["ai_done"] = 91_250 * (quarter % 2)
        ai_demand.learn(rows, 365.0 / 4, ai)
    close(rows["ai_stock"][0], math.sqrt(0.8) * math.sqrt(1.3), "a year with half of the labels")
    counts["stock, per cent"] = int(100 * float(rows["ai_stock"][0]))
    return counts


def mixtures() -> Counts:
    """Each type of task goes its own way; the mix holds their shares; what nobody wants is not drawn."""
    ai = setting(Intelligence(stock_exponent=0.5, rebound=2.0, free_share=1.0))
    functions = [ai_demand.PREPARATION, ai_demand.NONE, ai_demand.SERVICES]
    mix = [0.5, 0.7, 1.0]
    state = {"ai_stock": 4.0, "fulfilment": 0.25, "automation": 0.5, "target": 3.0}
    rows = requester(500.0, 300.0, 200.0, **state)
    found = revised(rows, ai, mix, functions)
    relative = 3.0 * 0.5
    expected = [
        0.5 * (4.0 * 0.25) ** 0.5 * relative**-2 * 0.5,
        0.2 * 3.0**-1,
        0.3 * 4.0**0.5 * relative**-2 * 0.5,
    ]
    close(rows["batches_per_day"][0], 10 * sum(expected), "batches")
    for place in range(3):
        close(found[place], sum(expected[: place + 1]) / sum(expected), f"type {place}")
    close(rows["labels_wanted"][0], 500 * relative**-2 + 300 * 2 * relative**-2, "labels wanted")
    close(rows["label_cost"][0], 1.5, "cost of an hour's labels")
    # Users offer more than is wanted: nothing of the first type is drawn, and the last stays the last.
    rows = requester(500.0, 300.0, 200.0, **state)
    found = revised(rows, ai, mix, functions, free_each=1e6)
    assert found[0] == 0.0 and found[2] == 1.0
    close(rows["batches_per_day"][0], 10 * sum(expected[1:]), "batches without preparation")
    trailing = revised(requester(500.0, 0.0, 500.0, **state), ai, [0.5, 1.0, 1.0], functions)
    assert trailing[1] == trailing[2] == 1.0
    nothing = requester(500.0, **state)
    assert revised(nothing, ai, [1.0, 1.0, 1.0], functions, free_each=1e6)[0] == 1.0
    assert nothing["batches_per_day"][0] == 0.0
    return Counter(types=7)


def budget() -> Counts:
    """No more is spent than the limit times the initial spending for each unit of services."""
    ai = setting(Intelligence(stock_exponent=1.0, rebound=3.0, spending_limit=2.0))
    rows = requester(0.0, 1000.0, ai_stock=3.0, automation=0.9)
    revised(rows, ai, [1.0], [ai_demand.SERVICES])
    close(rows["labels_wanted"][0] * rows["label_cost"][0], 1000.0 * 3.0 * 2.0, "spending")
    close(rows["batches_per_day"][0], 10.0 * 3.0 * 2.0, "batches: an hour costs what it did")
    return Counter(limits=1)


def free_labels() -> Counts:
    """What users deliver is taken from paid preparation one for one, by size, up to the limit."""
    counts = Counter[str]()
    for share, volume in ((1.0, 30_000.0), (0.2, 3e6)):
        ai = replace(EAGER, free_share=share, free_trust=0.5, free_label_seconds=8.0)
        config = market(ai=ai)
        plain = ClickWorkModel(config)
        helped = ClickWorkModel(config, contributions=(Contribution(FREE_LABELS, 0, volume),))
        offered = volume * 0.5 * 8.0 / 7.0 / float(plain.requester_rows["base_preparation"].sum())
        functions = plain.ai.functions  # type: ignore[union-attr]
        for r, (one, other) in enumerate(zip(plain.requester_rows, helped.requester_rows, strict=True)):
            base = float(one["base_preparation"])
            if not base:
                assert other["labels_free"] == 0.0
                continue
            batches = [
                model.requester_rows["batches_per_day"][r] * np.diff(model.mixes[r], prepend=0.0)
                for model in (plain, helped)
            ]
            preparing = functions == ai_demand.PREPARATION
            factor = batches[1][preparing].sum() / batches[0][preparing].sum()
            wanted = (
                base
                * (float(one["target"]) * 1.2 / float(one["bias"]) / base_cost(config, one)) ** -ai.rebound
            )
            free = min(share * wanted, offered * base)
            close(other["labels_free"], free, "labels of users")
            close(factor, (wanted - free) / wanted, "paid preparation left")
            assert np.allclose(batches[1][~preparing], batches[0][~preparing]), "other work changed"
            assert other["labels_wanted"] == one["labels_wanted"]
            counts["requesters"] += 1
            counts["at the limit"] += free == share * wanted
    return counts


def commons(share: float = 0.5, rebound: float = 1.4, weeks: int = 200) -> Counts:
    """Who can do without ``share`` if others share all pays for 1 / (1 + share) of it, whatever the sizes.

    Labels cost that much less, so that (1 + share) ** rebound times as many are wanted.
    """
    ai, counts = Intelligence(growth=0.0, decay=0.0, automation_max=0.0, rebound=rebound), Counter[str]()
    demand = label_demand(ai)
    for sizes in ((1e9,), (1e9, 1e9), (1e9, 2e9, 7e9)):
        rows = np.concatenate([requester(size, services=size / 2, id=i) for i, size in enumerate(sizes)])
        for _ in range(weeks):
            revised(rows, demand.setting, [0.5, 1.0], [ai_demand.PREPARATION, ai_demand.SERVICES], 0.0, share)
            paid = rows["preparation_wanted"] - rows["labels_shared"]
            rows["ai_shared"] = np.round(7.0 * paid)
            rows["ai_done"] = rows["ai_closed"] = rows["ai_shared"] + np.round(7.0 * rows["base_services"])
            demand.share(rows, 7.0)
            ai_demand.learn(rows, 7.0, demand.setting)
            assert not rows["ai_shared"].any(), "shared twice"
            assert np.allclose(rows["week_delivered"], rows["week_wanted"], rtol=1e-8), "what others made"
            assert np.allclose(rows["fulfilment"], 1.0), "what is shared got done"
            counts["weeks"] += 1
        part = 1.0 if len(sizes) == 1 else 1.0 / (1.0 + share)
        assert np.allclose(paid / rows["preparation_wanted"], part, rtol=1e-6), paid
        assert np.allclose(rows["preparation_wanted"] / sizes, part**-rebound, rtol=1e-6), sizes
        batches = 5.0 * part ** (1.0 - rebound) + 5.0
        assert np.allclose(rows["batches_per_day"], batches, rtol=1e-6), rows["batches_per_day"]
        counts["requesters"] += len(sizes)
    return counts


def retired() -> Counts:
    """Who is gone wants nothing that others could make."""
    ai = setting(Intelligence())
    rows = np.concatenate([requester(1e9), requester(1e9, retired=1, preparation_wanted=1e9)])
    revised(rows, ai, [1.0], [ai_demand.PREPARATION])
    assert list(rows["preparation_wanted"] > 0.0) == [True, False]
    model = ClickWorkModel(market(days=2))
    model.retire_requester(1)
    assert model.requester_rows["preparation_wanted"][1] == 0.0
    return Counter(requesters=2)


def quiet() -> Counts:
    """Labels that cost nothing count as done, and tell who had no work done nothing of what gets done."""
    ai = setting(Intelligence(fulfilment_smoothing=0.5))
    rows = requester(1000.0, labels_wanted=100.0, labels_free=30.0, labels_shared=10.0, fulfilment=0.5)
    ai_demand.learn(rows, 7.0, ai)
    assert rows["fulfilment"][0] == 0.5
    rows["ai_done"], rows["ai_closed"] = 100, 400
    ai_demand.learn(rows, 7.0, ai)
    close(rows["fulfilment"][0], 0.5 * 0.5 + 0.5 * (0.25 * 0.6 + 0.4), "fulfilment")
    return Counter(weeks=2)


def in_any_order() -> Counts:
    """Sums over others are those of the permanent ids, to the bit."""
    demand, random = label_demand(Intelligence()), np.random.default_rng(3)
    rows = np.concatenate([requester(1.0, id=i) for i in range(300)])
    rows["preparation_wanted"], rows["ai_shared"] = random.lognormal(5, 3, 300), random.lognormal(9, 3, 300)
    rows["automation"] = random.random(300)
    stored, order = rows.copy(), random.permutation(300)
    shuffled = rows[order]
    demand.share(stored, 7.0)
    demand.share(shuffled, 7.0)
    for name in ("others_share", "others_want", "shared_by_others"):
        assert (stored[name][order] == shuffled[name]).all(), name
    return Counter(requesters=int((stored["shared_by_others"] > 0.0).sum()))


def ahead() -> Counts:
    """What is expected of weeks to come is what comes if all is made and nothing else moves."""
    parameters = Intelligence(rebound=0.5)
    demand, kinds = label_demand(parameters), [ai_demand.PREPARATION]
    rows = requester(1e9, shared_by_others=0.8)
    demand.functions, demand.base_mixes = np.array(kinds, np.int64), np.ones((1, 1))
    platforms, floors = without_fee()
    sharing = np.full((len(platforms), floors.shape[1]), 0.5)
    rules = (sharing, 1.0, 0.0, platforms, floors, np.zeros(floors.shape[1]), False)
    found = demand.weeks_ahead(rows, np.ones((1, 1)), 30.0, rules)
    for week in found:
        revised(rows, demand.setting, [1.0], kinds, 0.0, 0.5)
        close(week, rows["batches_per_day"][0], "batches ahead")
        kept = 1.0 - rows["automation"]
        rows["ai_done"] = rows["ai_closed"] = 7.0 * kept * (rows["labels_wanted"] - rows["labels_shared"])
        ai_demand.learn(rows, 7.0, demand.setting)
    return Counter(weeks=len(found))


def too_many() -> Counts:
    """Labels that others save make more wanted: a growth that this makes too much is refused."""
    ai = Intelligence(rebound=3.0, spending_limit=1000.0, stock_exponent=0.0, automation_max=0.0, decay=0.0)
    plain = market(days=30, ai=replace(ai, growth=0.0))
    with_it = replace(plain, policy=Policies(commons=Commons(shared_labels=0.9)))
    rows = ClickWorkModel(plain).requester_rows
    rows["base_batches"] = ai_demand.MOST_BATCHES / 30 / 2
    refuse = ai_demand.refuse_too_many_batches
    refuse(plain, plain.ai, rows)  # type: ignore[arg-type]
    try:
        refuse(with_it, with_it.ai, rows)  # type: ignore[arg-type]
    except UserError as error:
        assert error.path == "ai.growth", error
        return Counter(refused=1)
    raise AssertionError("more batches than can be numbered")


def bounded() -> Counts:
    """However much a rule says that others save, some of it is paid for."""
    model = ClickWorkModel(market(days=2), contributions=[Contribution(SHARED_LABELS, 0, 1.5)])
    assert model.shared_labels.max() == 0.9
    return Counter(channels=1)


def base_cost(config: Config, row: Any) -> float:
    """Cost of an hour at the start."""
    return float(row["initial_target"]) * (1.0 + config.requesters.base_fee) / float(row["bias"])


# --- the oracle -----------------------------------------------------------------------------------


Sharing = dict[tuple[int, int], float]
"""Share of preparation that a requester can do without, by platform and the requester's country."""


class Oracle(Watcher):
    """Follows a market and computes stocks, automation, demand and lost work again, from finished batches."""

    def __init__(
        self, model: ClickWorkModel, labels_of_users: float = 0.0, sharing: Sharing | None = None
    ) -> None:
        super().__init__()
        self.sharing = sharing or {}
        self.others = [(0.0, 0.0)] * len(model.requester_rows)
        self.known = [0.0] * len(model.requester_rows)
        self.ai = model.config.ai or Intelligence()
        self.kinds = [task.function for task in model.config.task_types.values()]
        self.mixes = model.ai.base_mixes.copy() if model.ai else model.mixes.copy()
        self.done: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self.users = labels_of_users
        self.state = [
            {"S": 1.0, "L": 0.0, "a": 0.0, "f": 1.0, "v": float(row["value"])} for row in model.requester_rows
        ]
        self.base = [
            sum(self.times(model, r, kind) for kind in ("preparation", "verification", "impersonation"))
            for r in range(len(self.state))
        ]
        self.preparation = [self.times(model, r, "preparation") for r in range(len(self.state))]
        self.wants = [self.demand(model, r) for r in range(len(self.state))]
        self.lost = 0.0
        self.registered = np.zeros(len(model.world.codes), np.int64)

    def times(self, model: ClickWorkModel, r: int, function: str) -> float:
        """Task-seconds a day that a requester wanted of a function, from batches and their mean sizes."""
        row = model.requester_rows[r]
        return float(sum(
            share * row["base_batches"] * seconds_of_batch(model.config, row, kind)
            for kind, share in enumerate(np.diff(self.mixes[r], prepend=0.0))
            if self.kinds[kind] == function and share > 0
        ))  # fmt: skip

    def demand(self, model: ClickWorkModel, r: int) -> tuple[float, float, float, float]:
        """Labels wanted, for preparation, from users and from others, a day; batches and mix must fit."""
        row, state, ai = model.requester_rows[r], self.state[r], self.ai
        fee = float(model.platform_rows["requester_fee_ppm"][row["platform"]]) / 1e6
        cost = float(row["target"]) * (1 + fee) * float(row["markup"]) / float(row["bias"])
        ratio = cost / base_cost(model.config, row)
        mine = ratio * (1 - state["a"])

        def factor(services: float, cost: float) -> float:
            return min(services**ai.stock_exponent * cost**-ai.rebound, ai.spending_limit * services / cost)

        saved = self.sharing.get((int(row["platform"]), int(row["country"])), 0.0) * self.known[r]
        new, sold = factor(state["S"] * state["f"], mine * (1 - saved)), factor(state["S"], mine)
        whole = math.fsum(self.preparation)
        offered = self.users * ai.free_trust * ai.free_label_seconds / 7
        part = self.preparation[r] / whole if whole else 0.0
        free = min(ai.free_share * self.preparation[r] * new, offered * part)
        left = self.preparation[r] * new - free
        others = left * saved
        paid = (left - others) / self.preparation[r] if self.preparation[r] else 0.0
        close(row["labels_shared"], others, f"labels of others for requester {r}")
        self.counts["labels of others"] += others > 0.0
        factors = {
            "none": ratio**-model.config.requesters.demand_elasticity,
            "preparation": paid * (1 - state["a"]),
            "verification": sold * (1 - state["a"]),
            "impersonation": sold * (1 - state["a"]),
        }
        shares = np.diff(self.mixes[r], prepend=0.0)
        wanted = [share * factors[kind] for share, kind in zip(shares, self.kinds, strict=True)]
        close(row["batches_per_day"], float(row["base_batches"]) * sum(wanted), f"batches of requester {r}")
        for kind in range(len(wanted)):
            close(model.mixes[r, kind], sum(wanted[: kind + 1]) / sum(wanted), f"mix of requester {r}")
        self.counts["demands"] += 1
        prepare = self.preparation[r] * new
        return prepare + (self.base[r] - self.preparation[r]) * sold, prepare, free, others

    def hour(self, model: Any) -> None:
        """Close the week if one has ended, then note what was finished in this hour."""
        if model.hour and model.hour % 168 == 0 and model.clock.is_week_start(model.hour):
            self.share()
            for r in range(len(self.state)):
                self.week(model, r)
            self.displace(model)
            self.done.clear()
        for board in model.boards:
            for batch in board.finished[: int(board.state[boards.FINISHED_COUNT])]:
                if self.kinds[batch["type"]] != "none":
                    sums, seconds = self.done[int(batch["requester"])], float(batch["true_seconds"])
                    sums[0] += seconds * float(batch["accepted"])
                    sums[1] += seconds * float(batch["accepted"] + batch["rejected"] + batch["expired"])
                    place = board.platform, int(model.requester_rows["country"][batch["requester"]])
                    if self.kinds[batch["type"]] == "preparation" and self.sharing.get(place):
                        sums[2] += seconds * float(batch["accepted"])
                    self.counts["batches"] += 1

    def share(self) -> None:
        """Count for each requester what part of the others' preparation was made and shared."""
        every = range(len(self.state))
        made = [self.done[r][2] / (1 - self.state[r]["a"]) / 7 for r in every]
        if not any(made) and not any(share for share, _ in self.others):
            return
        weight = self.ai.fulfilment_smoothing
        for r in every:
            rest = [other for other in every if other != r]
            share, want = self.others[r]
            wanted = math.fsum(self.wants[other][1] for other in rest)
            want = want or wanted
            share += weight * (math.fsum(made[other] for other in rest) - share)
            want += weight * (wanted - want)
            self.others[r] = share, want
            self.known[r] = min(1.0, share / want) if want else 0.0

    def week(self, model: Any, r: int) -> None:
        """Learn from a week's labels, and compare."""
        state, ai, row = self.state[r], self.ai, model.requester_rows[r]
        if not self.base[r]:
            assert row["ai_stock"] == 1.0 and row["value"] == state["v"]
            return
        (done, closed, _), (wanted, _, free, others) = self.done[r], self.wants[r]
        delivered = done / (1 - state["a"]) + 7 * (free + others)
        if closed:
            part = 1 - (1 - done / closed) * (1 - (free + others) / wanted)
            state["f"] += ai.fulfilment_smoothing * (part - state["f"])
        part = delivered / wanted / 365 if wanted else 0.0
        stays, grows = 1 - ai.decay, 1 - ai.decay + ai.growth
        state["S"] *= stays ** (7 / 365) * (grows / stays) ** part
        state["L"] += delivered / self.base[r] / 365
        state["a"] = min(
            ai.automation_max * (1 - math.exp(-state["L"] / ai.labels_scale_years)),
            1 - 1 / ai.most_labels_per_hour,
        )
        share = self.base[r] / float(row["base_demand"])
        close(row["week_delivered"], delivered, f"labels of requester {r}")
        close(row["ai_stock"], state["S"], f"stock of requester {r}")
        close(row["automation"], state["a"], f"automation of requester {r}")
        close(row["fulfilment"], state["f"], f"fulfilment of requester {r}")
        close(row["value"], state["v"] * (1 - share + share / (1 - state["a"])), f"value of requester {r}")
        self.wants[r] = self.demand(model, r)
        self.counts["weeks of requesters"] += 1
        self.counts["automated, per mille"] = max(self.counts["automated, per mille"], int(1000 * state["a"]))

    def displace(self, model: Any) -> None:
        """Count the people who lost work."""
        more = sum(base * (state["S"] - 1) for base, state in zip(self.base, self.state, strict=True))
        self.lost = max(self.lost, self.ai.displacement * more * 7 / 3600)
        close(model.ai.lost_hours[0], self.lost, "other work lost")
        world = model.world
        online = [float(a) * float(b) for a, b in zip(world.labour_force, world.internet_share, strict=True)]
        self.registered = np.array(
            [math.floor(self.lost / self.ai.outside_hours * each / sum(online)) for each in online]
        )
        assert (model.ai.displaced == self.registered).all(), "people on the register"
        self.counts["displaced"] = int(self.registered.sum())


def seconds_of_batch(config: Config, row: Any, kind: int) -> float:
    """Mean work of a batch of a type that a requester posts, in seconds: as many draws as it takes."""
    task = list(config.task_types.values())[kind]
    most = largest_batch(
        float(task.largest_batch),
        float(row["base_demand"]) * config.market.demand_cap_days,
        float(task.median_seconds) * task.assignments_per_task,
        float(make_task_types(config)["size_scale"][kind]),
    )
    seconds, larger = mean_work(task, config.requesters)
    drawn = mean_of_truncated_pareto(task.size_exponent, most)
    each = 1 if task.one_task_many_workers else task.assignments_per_task
    return float((task.one_task_share * seconds + (1 - task.one_task_share) * drawn * larger) * each)


def followed(config: Config | None = None, users: float = 0.0, sharing: Sharing | None = None) -> Counts:
    """A market as the oracle has it."""
    contributions = [Contribution(FREE_LABELS, 0, users)] if users else []
    contributions += [
        Contribution(SHARED_LABELS, platform, share, country)
        for (platform, country), share in (sharing or {}).items()
    ]
    model = ClickWorkModel(config or market(days=36), contributions=contributions)
    oracle = Oracle(model, users, sharing)
    model.observers.append(oracle)
    before = model.pools.sum() + model.active_by_country().sum()
    model.run()
    people = model.pools.sum() + model.active_by_country().sum()
    assert people - before == oracle.counts["displaced"], "people came from nowhere"
    return oracle.counts


# --- null settings --------------------------------------------------------------------------------

ELASTIC = {"demand_elasticity": 2.0}
STILL = {"growth": 0.0, "decay": 0.0, "automation_max": 0.0}

NULLS: dict[str, tuple[Intelligence, dict[str, Any], str]] = {
    "labels depend on their cost alone": (
        Intelligence(stock_exponent=0.0, automation_max=0.0, displacement=0.0), {}, "",
    ),
    "an hour brings what it always did": (
        Intelligence(stock_exponent=0.0, most_labels_per_hour=1.0, displacement=0.0), {}, "",
    ),
    "another elasticity, the same for all work": (
        Intelligence(stock_exponent=0.0, automation_max=0.0, rebound=2.0, displacement=0.0), ELASTIC, "",
    ),
    "a stock that neither grows nor decays, sold as it is": (
        Intelligence(displacement=20.0, **STILL), {}, "verification",
    ),
    "no task is for it": (EAGER, {}, "none"),
}  # fmt: skip
"""Settings, further settings of requesters, and the function of all tasks (empty: as ever)."""


def null_settings() -> Counts:
    """Each null setting gives the bits of a market without intelligence; a loud one does not."""
    counts = Counter[str]()
    for name, (ai, changes, function) in NULLS.items():
        base = market(days=16, ai=None)
        base = replace(base, requesters=replace(base.requesters, **changes))
        types = {
            key: replace(task, function=function or task.function) for key, task in base.task_types.items()
        }
        plain = bare(run(base))
        with_it = run(replace(base, ai=ai, task_types=types))
        assert fingerprint(bare(with_it)) == fingerprint(plain), f"{name}: not as without it"
        assert (with_it.mixes == plain.mixes).all(), f"{name}: another mix"
        counts["settings"] += 1
        counts["transfers"] += plain.ledger.transfers_booked
    assert fingerprint(bare(run(market(days=16)))) != fingerprint(plain), "intelligence does nothing"
    return counts


def null_users() -> Counts:
    """Users whose labels nobody may or can use are as good as none; so are services that displace nobody."""
    counts = Counter[str]()
    pairs = {
        "labels of no use": (replace(EAGER, free_trust=0.0), EAGER, USERS),
        "no room for them": (replace(EAGER, free_share=0.0), EAGER, USERS),
        "no labels": (EAGER, EAGER, (Contribution(FREE_LABELS, 0, 0.0),)),
        "services that never grow": (
            replace(EAGER, growth=0.0, displacement=20.0), replace(EAGER, growth=0.0, displacement=0.0), (),
        ),
    }  # fmt: skip
    for name, (one, other, users) in pairs.items():
        found = fingerprint(run(market(days=16, ai=one), contributions=users))
        assert found == fingerprint(run(market(days=16, ai=other))), name
        counts["settings"] += 1
    loud = fingerprint(run(market(days=16), contributions=USERS))
    assert loud != fingerprint(run(market(days=16))), "users do nothing"
    return counts


def bare(model: ClickWorkModel) -> ClickWorkModel:
    """Take off what is written down of intelligence, and which types of tasks are for it."""
    model.platform_rows["royalty_types"] = 0
    for name in OF_INTELLIGENCE:
        model.requester_rows[name] = 0
    return model


# --- whole markets --------------------------------------------------------------------------------


def displaced() -> Counts:
    """Who loses other work is on the register, and more people join; nobody leaves it when stocks fall."""
    config = market(days=36)
    config = replace(config, learning=replace(config.learning, pool_ratio=1.0, join_rate=0.05))
    ai = replace(EAGER, growth=3.0, outside_hours=20.0)
    models = {rate: run(replace(config, ai=replace(ai, displacement=rate))) for rate in (0.0, 20.0)}
    for rate, model in models.items():
        assert model.ai is not None
        assert bool(model.ai.displaced.sum()) == bool(rate)
    one, other = models[0.0], models[20.0]
    joined = [int(model.joiners.sum()) for model in (one, other)]
    assert joined[1] > joined[0], f"{joined} joined"
    return Counter(displaced=int(other.ai.displaced.sum()) if other.ai else 0, more=joined[1] - joined[0])


def register() -> Counts:
    """Who loses work is registered once, by where people are online; stocks that fall give no job back."""
    model = ClickWorkModel(market(ai=replace(EAGER, displacement=2.0, outside_hours=20.0)))
    demand, rows, pools = model.ai, model.requester_rows.copy(), model.pools.copy()
    assert demand is not None
    initial = (rows["base_preparation"] + rows["base_services"]).sum() * 7 / 3600
    for stock, highest in ((1.0, 1.0), (40.0, 40.0), (0.5, 40.0), (30.0, 40.0), (41.0, 41.0)):
        rows["ai_stock"] = stock
        demand.displace(rows, pools)
        persons = (highest - 1.0) * initial * 2.0 / 20.0
        assert math.isclose(pools.sum() - model.pools.sum(), persons, abs_tol=2), f"stock {stock}"
    north = model.world.labour_force * model.world.internet_share
    assert math.isclose(demand.displaced[0], persons * north[0] / north.sum(), abs_tol=1), "elsewhere"
    rows["ai_stock"] = 1e9
    demand.displace(rows, pools)
    agents = model.world.labour_force / (model.config.workers.real_count / model.config.workers.count)
    assert (demand.displaced <= agents).all() and (demand.displaced >= agents - 1).all(), (
        "more than there are"
    )
    return Counter(displaced=int(persons))


class Silent(Requester):
    """Posts nothing."""

    def revise_demand(self) -> float:
        """No work."""
        return 0.0


def silence() -> Counts:
    """Who posts nothing gets no labels, and the stock decays by its rate; deciding is up to a subclass."""
    config = market(days=29)
    model = run(config, requester_classes=dict.fromkeys(config.platforms, Silent))
    rows = model.requester_rows
    assert not rows["batches"].any() and (rows["labels_wanted"][rows["base_preparation"] > 0] > 0).all()
    for row in rows[rows["base_preparation"] + rows["base_services"] > 0]:
        close(row["ai_stock"], (1 - EAGER.decay) ** (28 / 365), "stock without labels")
    return Counter(requesters=len(rows))


def resumed(days: int = 36, hours: tuple[int, ...] = (100, 168, 169, 400, 700), workers: int = 60) -> Counts:
    """Stopped and resumed in the middle of weeks, a run goes on to the same bits, and so do its tables."""
    config = market(days=days, workers=workers, policy=IN_COMMON)
    whole, chain = (ClickWorkModel(config, contributions=USERS) for _ in range(2))
    tables = Recorder(whole), Recorder(chain, lambda table: None)
    for model, table in zip((whole, chain), tables, strict=True):
        model.observers.append(table)
    whole.run()
    kept = tables[1]
    with tempfile.TemporaryDirectory() as folder:
        for hour in hours:
            chain.run(hour - chain.hour)
            chain.save(Path(folder) / "checkpoint", kept.state_arrays())
            chain = ClickWorkModel.load(Path(folder) / "checkpoint", contributions=USERS)
            kept = Recorder(chain, lambda table: None)
            kept.restore(chain.loaded_arrays)
            chain.observers.append(kept)
    chain.run()
    assert fingerprint(whole) == fingerprint(chain), "a resumed run differs"
    assert whole.ai is not None and chain.ai is not None
    one, other = whole.ai.state(), chain.ai.state()
    assert all((one[name] == other[name]).all() for name in one) and (whole.mixes == chain.mixes).all()
    assert tables[0].frames().ai.equals(kept.frames().ai), "another table"
    return Counter(restarts=len(hours), rows=len(tables[0].frames().ai))


def same_anyhow() -> Counts:
    """Threads and the order of storage mean nothing; a copy goes its own way."""
    config = market(days=22, policy=IN_COMMON)
    config = replace(config, market=replace(config.market, boards=2))
    one = run(config)
    assert fingerprint(one) == fingerprint(run(replace(config, compute=replace(config.compute, threads=2))))
    first = run(config, 24 * 9)
    second = copy.deepcopy(first)
    first.run()
    second.run()
    assert fingerprint(first) == fingerprint(second) == fingerprint(one), "a copy differs"
    return permutation(config)


def asked() -> Counts:
    """What a requester is told that the rule would have it post is what it posts; asking changes nothing."""
    model = run(market(days=17, policy=IN_COMMON))
    assert model.requester_rows["labels_shared"].any()
    before = fingerprint(model), model.mixes.copy()
    for row in range(len(model.requester_rows)):
        assert model.found_demand(row) == model.requester_rows["batches_per_day"][row]
    assert fingerprint(model) == before[0] and (model.mixes == before[1]).all()
    return Counter(requesters=len(model.requester_rows))


def table() -> Counts:
    """The table holds the requesters' sums of whole weeks in the window, and the batches' work."""
    config = market(days=36, policy=IN_COMMON)
    config = replace(config, time=replace(config.time, days=30, warmup_days=6))
    model = ClickWorkModel(config, contributions=USERS)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    frames = recorder.frames()
    found, last = frames.ai, frames.ai["day"].max()
    assert sorted(set(found["day"])) == [7, 14, 21, 28], sorted(set(found["day"]))
    assert list(dict.fromkeys(found["date"])) == ["2019-01-14", "2019-01-21", "2019-01-28", "2019-02-04"]
    rows, week = model.requester_rows, found[found["day"] == last]
    for column, field in ai_demand.WEEK_COLUMNS.items():
        close(week[column].sum(), rows[field].sum() / 3600.0, column)
        assert week[column].sum() > 0, column
    batches = frames.batches[frames.batches["type"] != "survey"]
    for day in sorted(set(found["day"])):
        inside = batches["closed_hour"].between(24 * day, 24 * day + 167)
        work = (batches["accepted"] * batches["true_seconds"])[inside].sum() / 3600.0
        close(found[found["day"] == day]["human_hours"].sum(), work, f"work of the week from day {day}")
    codes = np.array(model.world.codes)[rows["country"]]
    for code in set(codes):
        here = week[week["country"] == code]
        serves = rows["base_preparation"] + rows["base_services"] > 0
        assert int(here["requesters"].sum()) == int((serves & (codes == code)).sum())
        initial = (rows["base_preparation"] + rows["base_services"])[codes == code]
        close(
            here["stock_hours"].sum(), (initial * rows["ai_stock"][codes == code]).sum() * 7 / 3600, "stock"
        )
    assert model.ai is not None
    close(week["outside_hours_lost"].sum(), model.ai.lost_hours[0], "other work lost")
    assert int(week["displaced"].sum()) == int(model.ai.displaced.sum())
    return Counter(rows=len(found), batches=len(batches))


# --- planted bugs ---------------------------------------------------------------------------------


def briefly() -> Counts:
    """The oracle in a market of two weeks."""
    ai = replace(EAGER, growth=3.0, displacement=20.0, outside_hours=20.0)
    return followed(market(days=15, workers=10, requesters=4, ai=ai), users=20_000.0)


def together() -> Counts:
    """The oracle in a market of three weeks on two platforms, where some share and users help."""
    config = market(days=22, workers=30, requesters=12)
    first = config.platforms["microwork"]
    second = replace(first, pool_share=0.5, requester_share=0.5)
    requesters = replace(config.requesters, multihome_share=0.5, own_country_share=0.5)
    config = replace(config, platforms={"microwork": first, "second": second}, requesters=requesters)
    return followed(config, users=1_000.0, sharing={(0, 0): 0.7, (1, 1): 0.4})


def slowly() -> Counts:
    """Half a year of the closed form."""
    return closed_form(Intelligence(rebound=0.5, labels_scale_years=0.1), services=False, weeks=26)


AI, RULES = "sim.market.ai_demand", "sim.agents.rules"

PLANTS: list[tuple[str, str, str, Callable[[], Any]]] = [
    (RULES, "(1.0 - exp(-labels / scale))", "(1.0 - exp(-0.999 * labels / scale))", slowly),
    (RULES, "share * (1.0 / (1.0 - automated) - 1.0)", "share / (1.0 - automated)", slowly),
    (RULES, "power(cost, -rebound), limit", "power(cost, -1.0), limit", slowly),
    (RULES, "limit * services / cost)", "limit * services)", budget),
    (RULES, "(log(1.0 - decay + growth) - lost)", "log(1.0 - decay + growth)", decay),
    (RULES, "lost * days / DAYS_A_YEAR", "lost * 7.0 / DAYS_A_YEAR", decay),
    (RULES, "min(most * wanted, offered)", "offered", free_labels),
    (AI, "begun = stock * real(requester.fulfilment)", "begun = stock", mixtures),
    (AI, "relative = cost * kept / base", "relative = cost / base", mixtures),
    (AI, "paid * kept,", "paid,", mixtures),
    (AI, "(demand_factor(cost, base, elasticity),", "(services,", mixtures),
    (AI, "mix[kind] = base_mix[kind]", "pass", mixtures),
    (AI, "paid -= free / real(requester.base_preparation)", "paid -= free", free_labels),
    (AI, "usable = free_labels * ai.free_trust", "usable = free_labels", free_labels),
    (AI, "share += weight * (by_others - share)", "share += 0.2 * (by_others - share)", together),
    (AI, "want += weight * (for_others - want)", "pass", together),
    (AI, "want = np.where(want > 0.0, want, for_others)", "pass", together),
    (AI, "np.maximum(0.0, added_up(made) - made)", "added_up(made) + 0.0 * made", commons),
    (AI, "for_others = added_up(wanted) - wanted", "for_others = added_up(wanted) + 0.0 * wanted", commons),
    (AI, "/ (1.0 - rows[\"automation\"]) / days", "/ days", together),
    (AI, "== PREPARATION and shared", "!= NONE and shared", together),
    (AI, "and shared[requester.country] > 0.0:", "and True:", together),
    (AI, "shared = (wanted - free) * saved", "shared = wanted * saved", together),
    (AI, "relative * (1.0 - saved), rebound", "relative, rebound", commons),
    (AI, "paid -= shared / real(requester.base_preparation)", "pass", commons),
    (AI, "delivered = made + free + shared", "delivered = made + free", commons),
    (AI, "(part * (wanted - free - shared) + free + shared)", "(part * (wanted - free) + free)", together),
    (AI, "        if closed > 0.0:", "        if closed + free > 0.0:", quiet),
    (AI, "            requester.preparation_wanted = 0.0\n", "", retired),
    (AI, "order = in_order(requesters)\n        rows = requesters[order]\n        made",
     "order = np.arange(len(requesters))\n        rows = requesters[order]\n        made", in_any_order),
    (AI, ' - requesters["labels_shared"]\n', "\n", ahead),
    (AI, "labels_of_an_hour = ai.highest_value_factor / (1.0 - (commons.shared_labels if commons else 0.0))",
     "labels_of_an_hour = ai.highest_value_factor", too_many),
    ("sim.model", "np.minimum(MOST_SHARED, channels.shared_labels)", "channels.shared_labels", bounded),
    (AI, "requester.ai_shared = 0", "pass", commons),
    ("sim.schedule", "model.shared_labels[board.platform]", "model.shared_labels[0]", together),
    ("sim.checkpoint", '    "shared_labels",\n', "", lambda: resumed(36, (700,), 10)),
    (AI, "requester.ai_done += seconds * accepted", "requester.ai_done += seconds", briefly),
    (AI, "if functions[integer(batch.type)] != NONE:", "if True:", briefly),
    (AI, "requester.ai_done = 0", "pass", briefly),
    (AI, "real(ai.smoothing) * (part - real", "(part - real", briefly),
    (AI, "base / real(requester.base_demand), real", "1.0, real", briefly),
    (AI, "pools += so_far - self.displaced", "pools += so_far", register),
    (AI, "(jobs * self.where).astype", "(jobs * self.where / self.where / 2).astype", briefly),
    (AI, "max(float(self.lost_hours[0]), ", "max(0.0, ", register),
    (AI, ", self.most_displaced)", ", 10**12)", register),
    ("sim.schedule", "    model.learn_ai()\n", "", briefly),
    ("sim.agents.population", 'task.function == "preparation" else', 'task.function != "none" else', briefly),
    (AI, 'CHECKPOINTED = ("base_mixes", ', "CHECKPOINTED = (", lambda: resumed(15, (169,), 10)),
    (AI, '"displaced", "learned_at")', '"displaced")', lambda: resumed(15, (169,), 10)),
    ("sim.outcomes.recorder", '            "ai.": self.ai_weeks,\n', "", lambda: resumed(15, (200,), 10)),
]  # fmt: skip
"""Module, a text of it, what becomes of it, and the check that must notice."""


def main() -> None:
    """Print the edits that no check noticed; all checks are content with the sound sources."""
    missed = []
    for check in {check.__name__: check for *_, check in PLANTS if check.__name__ != "<lambda>"}.values():
        check()
    for module, old, new, check in PLANTS:
        try:
            with planted(Plant(module, old, new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, KeyError, ArithmeticError):
            continue
        missed.append(old)
    print(json.dumps(missed))


if __name__ == "__main__":
    # By its name, so that planted bugs replace what it has imported, too.
    importlib.import_module("tests.support.intelligence").main()
