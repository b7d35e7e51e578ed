"""Artificial intelligence: the labels wanted for it, what machines and users do of them, who loses work.

A label is measured in the seconds of human work that it took at the start. With a share ``automation`` of
that done by machines, a human task, which still takes its seconds, covers 1 / (1 - automation) labels: so
batches are as ever, only their number and the mix of their types change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.rules import (
    DAYS_A_YEAR,
    automation,
    demand_factor,
    labels_factor,
    labels_from_users,
    part_shared,
    stock_after,
    unit_cost,
    value_factor,
)
from sim.agents.traits import MOST_BATCHES
from sim.columns import Records, records
from sim.compile import integer, kernel, real, rule
from sim.config import Config
from sim.errors import UserError
from sim.intelligence import Intelligence
from sim.market.posting import expected_unit_cost
from sim.numeric import added_up, power
from sim.world import World

NONE, PREPARATION, SERVICES = 0, 1, 2
FUNCTIONS = {
    "none": NONE,
    "preparation": PREPARATION,
    "verification": SERVICES,
    "impersonation": SERVICES,
}
"""What the demand for a type of task depends on: its cost alone, new models, or services sold."""

SETTING = records(
    [
        ("exponent", "f8"),
        ("rebound", "f8"),
        ("decay", "f8"),
        ("growth", "f8"),
        ("most_automated", "f8"),
        ("scale", "f8"),
        ("most_per_hour", "f8"),
        ("limit", "f8"),
        ("smoothing", "f8"),
        ("free_share", "f8"),
    ]
)

WEEK_COLUMNS = {
    "labels_wanted_hours": "week_wanted",
    "labels_delivered_hours": "week_delivered",
    "labels_free_hours": "week_free",
    "labels_shared_hours": "week_shared",
    "labels_by_machines_hours": "week_assisted",
    "human_hours": "week_done",
    "analytic_hours": "week_analytic",
    "wanted_cost_usd": "week_cost",
}
"""Columns of the table ``ai`` and the requesters' sums that they add up, seconds as hours."""

LEAST_STOCK = 1e-12
"""A stock that is as good as gone; it can grow again."""


@kernel
def note_finished(finished: Any, count: int, functions: Any, shared: Any, requesters: Any) -> None:
    """Add finished batches to the human work that requesters had done, or closed undone, for their labels.

    ``shared``, by country: above 0 where requesters share what they have labelled on this platform.
    """
    for i in range(count):
        batch = finished[i]
        if functions[integer(batch.type)] != NONE:
            requester = requesters[batch.requester]
            seconds = integer(batch.true_seconds)
            accepted = integer(batch.accepted)
            requester.ai_done += seconds * accepted
            requester.ai_closed += seconds * (accepted + integer(batch.rejected) + integer(batch.expired))
            if functions[integer(batch.type)] == PREPARATION and shared[requester.country] > 0.0:
                requester.ai_shared += seconds * accepted


@kernel
def learn(requesters: Any, days: float, setting: Any) -> None:
    """Let the labels of the last ``days`` feed the stock and teach machines; a new week begins."""
    ai = setting[0]
    for r in range(len(requesters)):
        requester = requesters[r]
        base = real(requester.base_preparation) + real(requester.base_services)
        if base <= 0.0:
            continue
        kept = 1.0 - real(requester.automation)
        stock = real(requester.ai_stock)
        wanted = real(requester.labels_wanted) * days
        free = real(requester.labels_free) * days
        shared = real(requester.labels_shared) * days
        made = real(requester.ai_done) / kept
        closed = real(requester.ai_closed) / kept
        delivered = made + free + shared
        requester.week_wanted = wanted
        requester.week_free = free
        requester.week_shared = shared
        requester.week_delivered = delivered
        requester.week_assisted = (wanted - free - shared) * (1.0 - kept)
        requester.week_done = real(requester.ai_done)
        requester.week_cost = wanted * real(requester.label_cost)
        requester.week_analytic = (
            base * days * power(stock, real(ai.exponent)) * power(kept, 1.0 - real(ai.rebound))
        )
        if closed > 0.0:
            part = made / closed
            if wanted > 0.0 and free + shared > 0.0:
                part = (part * (wanted - free - shared) + free + shared) / wanted
            requester.fulfilment += real(ai.smoothing) * (part - real(requester.fulfilment))
        years = 0.0
        if requester.labels_wanted > 0.0:
            years = delivered / (real(requester.labels_wanted) * DAYS_A_YEAR)
        requester.ai_stock = max(
            LEAST_STOCK, stock_after(stock, real(ai.decay), real(ai.growth), days, years)
        )
        requester.labels += delivered / (base * DAYS_A_YEAR)
        requester.automation = automation(
            real(requester.labels), real(ai.most_automated), real(ai.scale), real(ai.most_per_hour)
        )
        requester.value = real(requester.base_value) * value_factor(
            base / real(requester.base_demand), real(requester.automation)
        )
        requester.ai_done = 0
        requester.ai_closed = 0
        requester.ai_shared = 0


@rule
def mixed(base_mix: Any, mix: Any, functions: Any, factors: Any) -> float:
    """Write the mix of types whose demand has changed by factors; return the factor of all batches."""
    total = 0.0
    before = 0.0
    common = -1.0
    alike = True
    last = integer(0)
    for kind in range(len(base_mix)):
        share = base_mix[kind] - before
        before = base_mix[kind]
        if share > 0.0:
            factor = factors[functions[kind]]
            alike = alike and (common < 0.0 or factor == common)
            common = factor
            total += share * factor
            if factor > 0.0:
                last = integer(kind)
    if alike or total <= 0.0:
        for kind in range(len(base_mix)):
            mix[kind] = base_mix[kind]
        return max(0.0, common)
    running = 0.0
    before = 0.0
    for kind in range(len(base_mix)):
        running += (base_mix[kind] - before) * factors[functions[kind]]
        before = base_mix[kind]
        mix[kind] = 1.0 if kind >= last else running / total
    return total


@kernel
def revise_demand(
    requesters: Any,
    base_mixes: Any,
    mixes: Any,
    functions: Any,
    setting: Any,
    free_each: float,
    sharing: Any,
    elasticity: float,
    base_fee: float,
    platforms: Any,
    floors: Any,
    subsidies: Any,
    on_true_time: bool,
) -> None:
    """Set how many batches a day each requester draws, and the mix of their types, at its cost and stock.

    ``free_each``: labels that users offer, for each that preparation wanted at the start. ``sharing``, by
    platform and country: the share of preparation that others' labels can stand in for, if they share all,
    so that labels for it cost less on average, and more of them are wanted.
    """
    ai = setting[0]
    for r in range(len(requesters)):
        requester = requesters[r]
        cost = expected_unit_cost(requester, platforms, floors, real(requester.markup), on_true_time)
        cost *= 1.0 - subsidies[requester.country]
        base = unit_cost(real(requester.initial_target), 0.0, base_fee, real(requester.bias), 1.0)
        kept = 1.0 - real(requester.automation)
        relative = cost * kept / base
        stock = real(requester.ai_stock)
        exponent, rebound, limit = real(ai.exponent), real(ai.rebound), real(ai.limit)
        begun = stock * real(requester.fulfilment)
        saved = real(sharing[requester.platform, requester.country]) * real(requester.shared_by_others)
        preparation = labels_factor(begun, exponent, relative * (1.0 - saved), rebound, limit)
        services = labels_factor(stock, exponent, relative, rebound, limit)
        wanted = real(requester.base_preparation) * preparation
        free = 0.0
        shared = 0.0
        paid = preparation
        if wanted > 0.0 and requester.retired == 0:
            offered = free_each * real(requester.base_preparation)
            free = labels_from_users(wanted, real(ai.free_share), offered)
            paid -= free / real(requester.base_preparation)
            shared = (wanted - free) * saved
            paid -= shared / real(requester.base_preparation)
        factors = (demand_factor(cost, base, elasticity), paid * kept, services * kept)
        requester.label_cost = cost * kept
        requester.labels_free = free
        requester.labels_shared = shared
        requester.preparation_wanted = wanted
        requester.labels_wanted = wanted + real(requester.base_services) * services
        if requester.retired > 0:
            requester.labels_wanted = 0.0
            requester.preparation_wanted = 0.0
        requester.batches_per_day = real(requester.base_batches) * mixed(
            base_mixes[r], mixes[r], functions, factors
        )


class LabelDemand:
    """What all requesters of a run want and get for artificial intelligence, and who loses work by it.

    Attributes
    ----------
    base_mixes : float64 array (requesters, task types)
        The mixes at the start.
    free_each : float64 array (1,)
        Labels of unpaid users that are of use, for each that preparation wanted at the start.
    lost_hours : float64 array (1,)
        Hours of other work a week that services sold have displaced so far.
    displaced : int64 array (countries,)
        People who lost such work and were put on the register, as agents.
    """

    CHECKPOINTED = ("base_mixes", "free_each", "lost_hours", "displaced", "learned_at")

    def __init__(
        self, config: Config, ai: Intelligence, world: World, requesters: Records, mixes: Any
    ) -> None:
        self.settings = ai
        self.functions = np.array([FUNCTIONS[task.function] for task in config.task_types.values()], np.int64)
        self.setting = np.zeros(1, SETTING)
        self.setting[0] = (
            ai.stock_exponent,
            ai.rebound,
            ai.decay,
            ai.growth,
            ai.automation_max,
            ai.labels_scale_years,
            ai.most_labels_per_hour,
            ai.spending_limit,
            ai.fulfilment_smoothing,
            ai.free_share,
        )
        self.base_mixes: NDArray[np.float64] = mixes.copy()
        self.free_each = np.zeros(1)
        self.lost_hours = np.zeros(1)
        self.learned_at = np.zeros(1, np.int64)
        self.displaced = np.zeros(len(world.codes), np.int64)
        online = world.labour_force * world.internet_share
        self.where: NDArray[np.float64] = online / added_up(online)
        persons = config.workers.real_count / config.workers.count
        self.most_displaced = (world.labour_force / persons).astype(np.int64)
        for name, value in (("ai_stock", 1.0), ("fulfilment", 1.0), ("labels", 0.0), ("automation", 0.0)):
            requesters[name] = value
        requesters["base_value"] = requesters["value"]
        self.base: NDArray[np.float64] = requesters["base_preparation"] + requesters["base_services"]
        refuse_too_many_batches(config, ai, requesters)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what a checkpoint must hold."""
        return {name: getattr(self, name) for name in self.CHECKPOINTED}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what a checkpoint holds."""
        for name in self.CHECKPOINTED:
            setattr(self, name, arrays[name])

    def note_finished(self, finished: Records, shared: NDArray[np.float64], requesters: Records) -> None:
        """Note finished batches of a platform; ``shared`` by country, see ``Channels.shared_labels``."""
        note_finished(finished, len(finished), self.functions, shared, requesters)

    def learn(self, requesters: Records, pools: NDArray[np.int64], hour: int, free_labels: float) -> None:
        """Close a week: stocks, automation, people who lose work. ``pools`` grow by these."""
        days = (hour - int(self.learned_at[0])) / 24.0
        self.share(requesters, days)
        learn(requesters, days, self.setting)
        self.learned_at[0] = hour
        self.share_out(free_labels, requesters)
        self.displace(requesters, pools)

    def note_value(self, requesters: Records, row: int) -> None:
        """Let the value of a requester go on from what somebody set it to, with the help there is now."""
        requester = requesters[row]
        base = float(requester["base_preparation"] + requester["base_services"])
        share = base / float(requester["base_demand"]) if base > 0.0 else 0.0
        requester["base_value"] = float(requester["value"]) / value_factor(
            share, float(requester["automation"])
        )

    def displace(self, requesters: Records, pools: NDArray[np.int64]) -> None:
        """Put on the register who loses other work because services sold are more than they ever were."""
        grown = self.base * (requesters["ai_stock"] - 1.0)
        hours = added_up(grown[in_order(requesters)]) * 7.0 / 3600.0
        self.lost_hours[0] = max(float(self.lost_hours[0]), self.settings.displacement * hours)
        jobs = self.lost_hours[0] / self.settings.outside_hours
        so_far = np.minimum((jobs * self.where).astype(np.int64), self.most_displaced)
        pools += so_far - self.displaced
        self.displaced = so_far

    def share(self, requesters: Records, days: float) -> None:
        """Let each requester learn what part of the preparation of all others is made and shared."""
        order = in_order(requesters)
        rows = requesters[order]
        made = rows["ai_shared"] / (1.0 - rows["automation"]) / days if days else np.zeros(len(rows))
        if not made.any() and not rows["others_share"].any():
            return
        wanted = rows["preparation_wanted"]
        by_others = np.maximum(0.0, added_up(made) - made)
        for_others = added_up(wanted) - wanted
        share, want = rows["others_share"], rows["others_want"]
        want = np.where(want > 0.0, want, for_others)
        weight = self.settings.fulfilment_smoothing
        share += weight * (by_others - share)
        want += weight * (for_others - want)
        requesters["others_share"][order], requesters["others_want"][order] = share, want
        parts = [part_shared(*pair) for pair in zip(share.tolist(), want.tolist(), strict=True)]
        requesters["shared_by_others"][order] = parts

    def revise(
        self,
        requesters: Records,
        mixes: NDArray[np.float64],
        first: int,
        sharing: NDArray[np.float64],
        *rules: Any,
    ) -> None:
        """Set the demand of some requesters, who stand from row ``first`` on, and their ``mixes``."""
        revise_demand(
            requesters,
            self.base_mixes[first : first + len(requesters)],
            mixes,
            self.functions,
            self.setting,
            float(self.free_each[0]),
            sharing,
            *rules,
        )

    def weeks_ahead(
        self, requesters: Records, mixes: NDArray[np.float64], weeks: float, rules: tuple[Any, ...]
    ) -> list[float]:
        """Batches a day in each of the weeks to come if all paid labels are made; nothing is changed.

        What is known of others' labels stays as it is.
        """
        requesters, mixes, found = requesters.copy(), mixes.copy(), []
        for _ in range(max(1, int(np.ceil(weeks)))):
            self.revise(requesters, mixes, 0, *rules)
            found.append(float(requesters["batches_per_day"].sum()))
            kept = 1.0 - requesters["automation"]
            paid = requesters["labels_wanted"] - requesters["labels_free"] - requesters["labels_shared"]
            paid *= 7.0 * kept
            requesters["ai_done"] = requesters["ai_closed"] = paid.astype(np.int64)
            learn(requesters, 7.0, self.setting)
        return found

    def share_out(self, free_labels: float, requesters: Records) -> None:
        """Share what users make in a week among requesters, by their size in preparation."""
        ai = self.settings
        rows = requesters[in_order(requesters)]
        whole = added_up(rows["base_preparation"][rows["retired"] == 0])
        usable = free_labels * ai.free_trust * ai.free_label_seconds / 7.0
        self.free_each[0] = usable / whole if whole > 0.0 else 0.0

    def week(self, requesters: Records, countries: int) -> dict[str, NDArray[Any]]:
        """Return the sums of the last week by the requesters' country; lost work by that of who lost it."""
        order = in_order(requesters)
        rows = requesters[order]
        base = self.base[order] * 7.0 / 3600.0

        def added(values: Any) -> NDArray[np.float64]:
            return np.bincount(rows["country"], values, countries).astype(np.float64)

        columns: dict[str, NDArray[Any]] = {
            "requesters": added(base > 0.0).astype(np.int64),
            "initial_hours": added(base),
            "stock_hours": added(base * rows["ai_stock"]),
        }
        columns |= {name: added(rows[field] / 3600.0) for name, field in WEEK_COLUMNS.items()}
        columns["outside_hours_lost"] = float(self.lost_hours[0]) * self.where
        columns["displaced"] = self.displaced.copy()
        return columns


def in_order(requesters: Records) -> NDArray[np.int64]:
    """Rows by permanent id: sums of floats are added up in this order, whatever that of storage."""
    return np.argsort(requesters["id"], kind="stable")


def refuse_too_many_batches(config: Config, ai: Intelligence, requesters: Records) -> None:
    """Refuse a growth at which a requester would post more batches than can be numbered."""
    days = config.time.warmup_days + config.time.days
    largest = power(max(1.0, 1.0 - ai.decay + ai.growth), days / DAYS_A_YEAR)
    commons = config.policy.commons
    labels_of_an_hour = ai.highest_value_factor / (1.0 - (commons.shared_labels if commons else 0.0))
    more = min(
        power(largest, ai.stock_exponent) * power(labels_of_an_hour, max(0.0, ai.rebound - 1.0)),
        ai.spending_limit * largest,
    )
    expected = float(requesters["base_batches"].max(initial=0.0)) * days * more
    if expected > MOST_BATCHES:
        raise UserError(
            "lets one requester post more batches in the run than can be numbered.",
            path="ai.growth",
            value=ai.growth,
            allowed=f"at most {MOST_BATCHES:,} batches of a requester; {expected:,.0f} could come",
            nearest=f"ai.growth={ai.decay:g}",
        )
