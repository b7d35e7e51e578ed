"""Planted bugs: one edit of the model's source each, and the check that must notice it.

``python -m tests.support.plants NAME...`` runs them with the compiler off and prints a line of JSON for each:
what the check said, or null where it noticed nothing. With ``--sound`` no edit is made, and every check must be
content; a check that fails on sound sources would otherwise seem to catch everything.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sim.compile import COMPILED
from sim.config import Config, TaskType
from tests.support import checks, families, keys, limits, relations
from tests.support.checks import FAULTS
from tests.support.markets import tiny, varied


class Plant(NamedTuple):
    """A planted bug: in ``module``, the text ``old`` becomes ``new``; ``check`` of ``config`` must notice."""

    module: str
    old: str
    new: str
    check: str
    config: Callable[[], Config]


def small(number: int, days: int = 3, workers: int = 30) -> Callable[[], Config]:
    """A varied market by its number, with little posted, because nothing is compiled here."""

    def make() -> Config:
        config = varied(number, days=days, workers=workers, requesters=6)
        return replace(
            config,
            requesters=replace(config.requesters, demand_share=0.6, size_log_sigma=0.5),
            market=replace(config.market, demand_cap_days=14.0, life_hours_median=24.0),
        )

    return make


def choosy(days: int = 2, **changes: Any) -> Callable[[], Config]:
    """A market where most work is closed to most workers: by country, skill, education or record."""

    def make() -> Config:
        base = tiny(days=days, workers=40, requesters=8, **changes)
        kinds = {
            "plain": TaskType(share=0.4, median_seconds=60, skill=0),
            "writing": TaskType(share=0.3, median_seconds=60, skill=2),
            "expert": TaskType(share=0.3, median_seconds=60, skill=0, tertiary=True),
        }
        requesters = replace(
            base.requesters, own_country_share=0.4, approval_share=0.5, approval_tasks=3, approval_rate=0.9,
            demand_share=1.0, size_log_sigma=0.5, task_types_used=2,
        )  # fmt: skip
        return replace(base, task_types=kinds, requesters=requesters)

    return make


def restless(days: int = 9, **changes: Any) -> Callable[[], Config]:
    """A market that people leave and join week by week, in the middle of long sessions."""

    def make() -> Config:
        base = tiny(days=days, workers=16, requesters=3, **changes)
        segments = {name: replace(one, desired_hours_median=60.0) for name, one in base.segments.items()}
        learning = replace(base.learning, leave_weeks=1, outside_shock_sigma=2.0, join_rate=0.05)
        requesters = replace(base.requesters, pay_usd_per_hour=0.3, size_log_sigma=0.5)
        platforms = {name: replace(p, payout_threshold_usd=0.5) for name, p in base.platforms.items()}
        return replace(base, segments=segments, learning=learning, requesters=requesters, platforms=platforms)

    return make


def hearsay(days: int = 8, demand: float = 0.02, requesters: int = 2) -> Callable[[], Config]:
    """A market with little work, which many join."""

    def make() -> Config:
        base = tiny(days=days, workers=60, requesters=requesters)
        return replace(
            base,
            learning=replace(base.learning, join_rate=0.05),
            requesters=replace(base.requesters, demand_share=demand, size_log_sigma=0.5),
            market=replace(base.market, life_hours_median=12.0),
        )

    return make


def calm(days: int = 3, **changes: Any) -> Callable[[], Config]:
    """The smallest market with usual settings."""
    return lambda: tiny(days=days, workers=30, requesters=6, **changes)


def crowd() -> Callable[[], Config]:
    """A market whose requesters are so many that threads share them out, and post little."""

    def make() -> Config:
        base = tiny(days=1, workers=30, requesters=130)
        return replace(base, requesters=replace(base.requesters, demand_share=0.2, size_log_sigma=0.5))

    return make


def mixed() -> Callable[[], Config]:
    """A market with local jobs and a click farm."""
    return lambda: families.all_kinds(days=2, workers=40, requesters=14)


CHECKS: dict[str, Callable[[Config], Any]] = {
    **checks.CHECKS,
    **relations.RELATIONS,
    **limits.LIMITS,
    "one_draw_per_key": keys.one_draw_per_key,
    "families": families.families,
}

BOARD, SEARCH, REVIEW = "sim.market.board", "sim.market.search", "sim.market.review"
POSTING, DUTY, PAYOUT = "sim.market.posting", "sim.market.duty", "sim.market.payout"
MODEL, SCHEDULE, LEDGER = "sim.model", "sim.schedule", "sim.ledger"
POPULATION = "sim.agents.population"

PLANTS: dict[str, Plant] = {
    # --- money
    "a micro-dollar lost now and then": Plant(
        REVIEW, "add_row(rows, state, REWARD, event.slot, row, gross, payer, country)",
        "add_row(rows, state, REWARD, event.slot, row, gross - gross // 7 % 2, payer, country)",
        "debug_mode", small(1),
    ),
    "a credit of less than the debit": Plant(
        LEDGER, "        sector = index(receiving[kind])\n",
        "        sector = index(receiving[kind]); amount -= amount % 3 == 1\n",
        "books", small(1),
    ),
    "refund twice": Plant(
        BOARD, "refund = integer(batch.escrow) - residue", "refund = 2 * (integer(batch.escrow) - residue)",
        "debug_mode", small(1),
    ),
    "refund without the residue's rounding": Plant(
        BOARD, "residue = fee_up - fee", "residue = integer(0)",
        "roundings", small(1),
    ),
    "refund to another requester": Plant(
        BOARD, "REFUND, slot, integer(batch.requester), refund", "REFUND, slot, integer(0), refund",
        "books", small(1),
    ),
    "requester's fee rounded up": Plant(
        REVIEW, "after, _ = both_ppm(", "_, after = both_ppm(", "debug_mode", small(1),
    ),
    "worker's fee rounded down": Plant(
        REVIEW, "both_ppm(gross, worker_fee_ppm)", "both_ppm(gross, worker_fee_ppm); fee_up = fee_down",
        "roundings", small(0),
    ),
    "broker's cut before the fee": Plant(
        REVIEW, "both_ppm(gross - fee_up, broker_cut_ppm)", "both_ppm(gross, broker_cut_ppm)",
        "roundings", small(0),
    ),
    "flows of two countries exchanged": Plant(
        LEDGER, "    row.debit_country = payer\n", "    row.debit_country = payee\n", "books", small(1),
    ),

    "a reward of another country": Plant(
        REVIEW, "add_row(rows, state, REWARD, event.slot, row, gross, payer, country)",
        "add_row(rows, state, REWARD, event.slot, row, gross, payer, payer)",
        "books", small(1),
    ),
    "a fee that is not booked": Plant(
        REVIEW, "add_row(rows, state, REQUESTER_FEE, event.slot, platform_number, after - before, payer, owner)",
        "add_row(rows, state, REQUESTER_FEE, event.slot, platform_number, integer(0), payer, owner)",
        "debug_mode", small(1),
    ),
    "escrow short of the fee": Plant(
        POSTING, "cost = gross + ceil_ppm(gross, integer(batch.fee_ppm))", "cost = gross", "debug_mode", small(1),
    ),
    "an account overdrawn": Plant(
        PAYOUT, "amount = integer(workers[i].balance)", "amount = integer(workers[i].balance) + 1",
        "books", small(1, days=5),
    ),
    # --- time
    "an hour of 61 minutes": Plant(
        SEARCH, "min(integer(3600), 60 * minutes", "min(integer(3660), 60 * minutes", "minutes", small(1),
    ),
    "no rest between sessions": Plant(
        DUTY, "if start * 60 - last_end < 1440 - cap_minutes:", "if start * 60 - last_end < -1:",
        "minutes", restless(6),
    ),
    "a session inside the last one": Plant(
        DUTY, "    if start * 60 < last_end:", "    if start * 60 < last_end - 1440:",
        "minutes", restless(5, seed=1),
    ),
    "a good hour asleep": Plant(
        DUTY, "        if awake < awake_share[local_hours[hour]]:\n            return hour\n",
        "        return hour\n", "sleep", small(1),
    ),
    "work until the session is over, asleep": Plant(
        DUTY, "while hours < 24 and awake < awake_share[(local + hours) % 24]:", "while hours < 24:",
        "sleep", small(1),
    ),
    "the sleep of UTC": Plant(
        DUTY, "minutes_to_sleep(integer(local_hours[worker.zone, start]), awake, awake_share)",
        "minutes_to_sleep(start, awake, awake_share)", "sleep", small(1),
    ),
    "all tasks handed in at the end of the work": Plant(
        REVIEW, "count += done - later", "count += done if later == 0 else integer(0)", "stamps", small(1),
    ),
    "all tasks waited to the end of the work": Plant(
        REVIEW, " - integer(event.own_seconds) * (done * (done - 1) // 2)", "", "little", small(1),
    ),
    "a half rounded down": Plant(
        REVIEW, "needed = (total * tenths + 9) // 10 - before", "needed = total * tenths // 10 - before",
        "stamps", small(1),
    ),
    "looking costs nothing": Plant(
        SEARCH, "entry.searched += integer(entry.look_seconds)", "entry.searched += 0", "minutes", small(1),
    ),
    "returned work costs nothing": Plant(
        SEARCH, "            entry.left -= spent", "            entry.left -= 0", "minutes", restless(4, seed=3),
    ),
    "time paid twice in the records": Plant(
        REVIEW, "past.paid_seconds += accepted * own", "past.paid_seconds += 2 * accepted * own", "minutes", choosy(),
    ),
    # --- assignments
    "an hour of grace after expiry": Plant(
        BOARD, "integer(expires[index(slot)]) <= hour", "integer(expires[index(slot)]) < hour",
        "debug_mode", small(3),
    ),
    "more granted than there is": Plant(
        SEARCH, "granted = min(integer(demand[index(entry.slot)]), integer(entry.want))", "granted = integer(entry.want)",
        "debug_mode", choosy(4),
    ),
    "takers not found": Plant(
        BOARD, "        if taker.worker == worker and taker.slot == slot:",
        "        if taker.worker == worker + 1 and taker.slot == slot:", "debug_mode", choosy(),
    ),
    "twice on a task": Plant(
        SEARCH, "integer(listing.tasks) - done, integer(listing.left))", "integer(listing.left))", "assignments", small(1),
    ),
    "a task given back is taken again": Plant(
        SEARCH, "takers[index(at)].done = RETURNED", "takers[index(at)].done = 0", "debug_mode", restless(4, seed=2),
    ),
    "shut-out countries let in": Plant(
        SEARCH, "((integer(listing.country_mask) >> integer(entry.country)) & 1 == 1)",
        "((integer(listing.country_mask) >> integer(entry.country)) & 1 <= 1)",
        "debug_mode", choosy(seed=3),
    ),
    "skill not asked for": Plant(
        SEARCH, "(integer(listing.skill) <= integer(entry.skill))", "(integer(listing.skill) <= integer(entry.skill) + 3)",
        "debug_mode", choosy(),
    ),
    "tertiary education not asked for": Plant(
        SEARCH, "(integer(listing.tertiary) <= integer(entry.tertiary))",
        "(integer(listing.tertiary) <= integer(entry.tertiary) + 1)",
        "debug_mode", choosy(),
    ),
    "approval record not asked for": Plant(
        SEARCH, "(integer(listing.approval_tasks) <= 0)", "(integer(listing.approval_tasks) <= 9999)",
        "debug_mode", choosy(),
    ),
    "an order out of order": Plant(
        BOARD, "        return key < other_key", "        return key > other_key",
        "debug_mode", small(1),
    ),
    "largest first as it was when posted": Plant(
        BOARD, "same = 1 - integer(changed[index(slot)])", "same = integer(1)",
        "debug_mode", small(1),
    ),
    "exhausted batches left in an order": Plant(
        SEARCH, "        if how_many > 0:", "        if how_many > 1:",
        "debug_mode", small(1),
    ),
    "exhausted batches left among the best paid": Plant(
        SEARCH, "        for order in range(1, 3):\n            drop_gone", "        for order in range(1, 2):\n            drop_gone",
        "debug_mode", small(1),
    ),
    "places of exhausted batches gone for good": Plant(
        SEARCH, "            gone[index(exhausted[index(i)])] = 0", "            gone[index(exhausted[index(i)])] = 1",
        "debug_mode", small(1),
    ),
    "takers never freed": Plant(
        BOARD, "        state[FREE_TAKERS] += 1\n        row = integer(taker.next)", "        state[FREE_TAKERS] += 0\n        row = integer(taker.next)",
        "debug_mode", small(1),
    ),
    "rejections not counted": Plant(
        REVIEW, "        batch.rejected += rejected\n", "        batch.rejected += 0\n", "debug_mode", small(1),
    ),
    "a wait of an hour too few": Plant(
        REVIEW, " - integer(batch.posted_hour) * 3600\n", " - integer(batch.posted_hour) * 3600 - 3600\n",
        "little", small(1),
    ),
    "waits of expired work forgotten": Plant(
        BOARD, "expired * (hour - integer(batch.posted_hour)) * 3600", "expired * (hour - hour) * 3600", "little", small(1),
    ),
    # --- people
    "leavers who stay": Plant(
        MODEL, 'self.worker_rows["bits"][rows] &= np.uint8(255 - ACTIVE)', 'self.worker_rows["bits"][rows] &= np.uint8(255)',
        "people", restless(seed=2),
    ),

    "on duty after leaving": Plant(
        SEARCH, "        if worker.bits & ACTIVE_FLAG:\n            seconds", "        if worker.bits >= 0:\n            seconds",
        "people", restless(9, seed=7),
    ),
    "joiners with the numbers of others": Plant(
        MODEL, "self.joiners[country] += count", "self.joiners[country] += 0", "people", restless(16),
    ),
    "joiners who stay in the pool": Plant(
        MODEL, "self.pools[country] -= count", "self.pools[country] -= 0", "people", restless(seed=2),
    ),
    "money kept after leaving": Plant(
        PAYOUT, "if forfeits and due < integer(platforms[p].payout_threshold):",
        "if forfeits and due < 9000000:\n            continue\n        if due < 0:",
        "people", restless(seed=2),
    ),
    # --- relations
    "first come by row": Plant(
        SEARCH, "numbers[AGENT, index(i)] = active[index(looking[0, index(first + i)])].id",
        "numbers[AGENT, index(i)] = active[index(looking[0, index(first + i)])].row",
        "permutation", choosy(3),
    ),
    "noise by row": Plant(
        SEARCH, "numbers[AGENT, index(fitting)] = entry.id", "numbers[AGENT, index(fitting)] = entry.row",
        "permutation", calm(2),
    ),
    "orders made anew only when something is posted anywhere": Plant(
        SCHEDULE, "    def insert(board: Board) -> None:\n",
        "    def insert(board: Board) -> None:\n        if sum(expected) == 0: return\n",
        "union", calm(days=5),
    ),
    "duty by the number of workers": Plant(
        MODEL, "self.key(DUTY, day)", "self.key(DUTY, day + self.workers_count)",
        "idle_worker", calm(2),
    ),
    "demand by the number of requesters": Plant(
        POSTING, "poisson(uniform(arrivals_key, requester_id, 0), rate * share)",
        "poisson(uniform(arrivals_key, requester_id, 0), rate * share * (1 + 0.05 * len(requesters)))", "idle_requester", calm(2),
    ),
    "joiners by the number of countries": Plant(
        SCHEDULE, "poisson(uniform(key, country, 0), min(", "poisson(uniform(key, country + len(model.world.codes), 0), min(",
        "empty_country", hearsay(demand=0.05, requesters=4),
    ),
    "pay reported around the world": Plant(
        MODEL, "total_pay, total_seconds = pay.sum(axis=0), seconds.sum(axis=0)",
        "total_pay, total_seconds = pay.sum() + pay.sum(axis=0), seconds.sum() + seconds.sum(axis=0)",
        "untouched_world", hearsay(demand=0.1, requesters=12),
    ),
    "arrivals by the date": Plant(
        MODEL, "self.key(ARRIVALS, self.hour)", "self.key(ARRIVALS, self.hour + self.clock.start.day)",
        "shifted_weeks", small(2),
    ),
    "office hours by universal time": Plant(
        POSTING, "since = (integer(local_hour[zone]) - integer(setting.office_start)) % 24",
        "since = (hour - integer(setting.office_start)) % 24", "shifted_clocks", small(1),
    ),
    "other names, other draws": Plant(
        MODEL, "self.pools = population.pools.copy()", "self.pools = population.pools + len(str(self.world.zones))",
        "renamed_zones", calm(1),
    ),
    "a floor that is felt at 0": Plant(
        MODEL, 'row["reward_floor"] = channels.reward_floor[i]',
        'row["reward_floor"] = channels.reward_floor[i] + len(self.contributions)', "null_settings", calm(1),
    ),
    "a least fee of a micro-dollar": Plant(
        REVIEW, "both_ppm(gross, worker_fee_ppm)", "both_ppm(gross, worker_fee_ppm); fee_up = max(1, fee_up)",
        "no_fees", calm(1),
    ),
    "workers who look at pay before the fee": Plant(
        SEARCH, "usual_log_keep = log(1.0 - real(platform.worker_fee_ppm) / 1000000.0)",
        "usual_log_keep = log(1.0)", "statutory_incidence", small(1),
    ),
    "people who come for pay before the fee": Plant(
        POPULATION, "log(offered * (1.0 - platform.worker_fee))", "log(offered)",
        "statutory_incidence", small(1),
    ),
    "profit without the fee": Plant(
        "sim.market.pay_setting", "integer(batch.reward) + integer(batch.fee)) * own_share",
        "integer(batch.reward)) * own_share", "statutory_incidence", small(1, days=9),
    ),
    "a threshold in dollars inside a rule": Plant(
        "sim.agents.rules", "    return log_perceived_pay >= log_reservation", "    return log_perceived_pay >= max(log_reservation, 0.0)",
        "scaled_money", small(1),
    ),
    "batches larger than reckoned with": Plant(
        "sim.agents.population", "return 2.0 + total / (power(2.0, -exponent) - end)",
        "return 2.0 + 0.5 * total / (power(2.0, -exponent) - end)", "demand_as_stated", calm(1),
    ),
    "budgets of tasks": Plant(
        "sim.market.posting", "exact_size = real(size) * scale +", "exact_size = real(size) +", "demand_as_stated", calm(1),
    ),
    "parts of tasks lost": Plant(
        "sim.market.posting", "scale + uniform(key, DRAW_PART, 0)", "scale", "demand_as_stated", calm(1),
    ),
    # --- reproducibility
    "the length of the run in a draw": Plant(
        SCHEDULE, "key = model.key(REVIEW, model.hour)", "key = model.key(REVIEW, model.hour + model.last_hour)", "prefix", choosy(1),
    ),
    "what a process remembers": Plant(
        MODEL, "self.weekdays = np.array(config.requesters.weekday_weights, np.float64)",
        'self.weekdays = np.full(7, vars(fold).get("n", 1.0)); vars(fold)["n"] = 2.0', "same_twice", calm(1),
    ),

    "the number of threads in a draw": Plant(
        SCHEDULE, "key = model.key(REVIEW, model.hour)", "key = model.key(REVIEW, model.hour + model.config.compute.threads)",
        "threads", choosy(1),
    ),
    "new batches looked for where they were": Plant(
        MODEL, "            self.new_starts[part] += first - old\n", "", "threads", crowd(),
    ),
    "drafts without a place lost": Plant(
        MODEL, "                self._fund(part, counts[part], kept[part], books)", "                pass", "threads", crowd(),
    ),
    "a thread's flows forgotten": Plant(
        LEDGER, "        booked[kind] = 1\n", "", "threads", crowd(),
    ),
    "the last requesters not told of what closes": Plant(
        SCHEDULE, "requesters * i // threads for i", "requesters * i // (threads + 1) for i", "threads", crowd(),
    ),
    "an observer that touches": Plant(
        "sim.outcomes.recorder", "        self.days += 1\n", "        self.days += 1; model.requester_rows['serial'] += 1\n",
        "observers", calm(2),
    ),
    "one draw for two things": Plant(
        SEARCH, "uniform(duty_key, integer(entry.id), 1)", "uniform(duty_key, integer(entry.id), 0)",
        "one_draw_per_key", calm(2),
    ),
    # --- limits
    "the first listings only": Plant(
        SEARCH, "share * many if chance", "share * 0.9 * many if chance", "urn_ball", calm(),
    ),
    "arrivals in threes": Plant(
        POSTING, "arrivals = poisson(uniform(arrivals_key, requester_id, 0), rate * share)",
        "arrivals = 3 * poisson(uniform(arrivals_key, requester_id, 0), rate * share / 3.0)", "poisson_arrivals", calm(),
    ),
    "weekends forgotten": Plant(
        POSTING, "share *= weekdays[local_weekday[zone]]", "share *= 1.0", "poisson_arrivals", calm(),
    ),
    # --- local jobs and click farms
    "what is taken down is paid": Plant(
        REVIEW, "chance += takedown * (1.0 - chance)", "chance += 0.0 * (1.0 - chance)", "families", mixed(),
    ),
    "one device for all": Plant(
        POSTING, "real(integer(task.actions) * integer(platform.devices))", "real(integer(task.actions))",
        "families", mixed(),
    ),
    "the price of a click cut off": Plant(
        POSTING, "    reward = rounded_reward(exact, tick, uniform(key, DRAW_ROUNDING, 0))",
        "    reward = rounded_reward(exact, tick, 1.0)", "families", mixed(),
    ),
    "no evening": Plant(
        "sim.agents.families", "* (hours / total)[None, :]", "* (1.0 / len(hours) + 0.0 * hours)[None, :]",
        "families", mixed(),
    ),
    "jobs of all countries on one board": Plant(
        "sim.agents.rules", "return local * country * boards + integer(draw * real(boards))",
        "return integer(draw * real(boards))", "families", mixed(),
    ),
    "clicks sold to everybody": Plant(
        "sim.config", "(kind in listed if listed else kind not in reserved)",
        "(kind in listed if listed else True)", "families", mixed(),
    ),
    "the usual broker's cut": Plant(
        "sim.agents.platform", "cut = config.workers.broker_cut if platform.broker_cut is None else platform.broker_cut",
        "cut = config.workers.broker_cut", "families", mixed(),
    ),
}  # fmt: skip


ENVIRONMENT: dict[str, Plant] = {
    name: Plant(module, old, new, "", calm(1))
    for name, (module, old, new) in {
        "PYTHONHASHSEED": (MODEL, "stream_key(self.config.seed, number, time)", "stream_key(self.config.seed + hash('a') % 997, number, time)"),
        "TZ": (MODEL, "stream_key(self.config.seed, number, time)", "stream_key(self.config.seed + dt.datetime.fromtimestamp(0).hour, number, time)"),
        "the folder": (MODEL, "stream_key(self.config.seed, number, time)", "stream_key(self.config.seed + len(str(Path.cwd())), number, time)"),
        "-O": (MODEL, "stream_key(self.config.seed, number, time)", "stream_key(self.config.seed + __debug__, number, time)"),
        "the shared generator": (MODEL, "stream_key(self.config.seed, number, time)", "stream_key(self.config.seed + np.random.randint(99), number, time)"),
        "the processor's own exponential": (POPULATION, "from sim.numeric import added_up, exp,", "from numpy import exp; from sim.numeric import added_up,"),
    }.items()
}  # fmt: skip
"""Planted dependences on the environment: two environments must show each."""


@contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """Run the edited source in place of the module; everything that came from it is replaced everywhere."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] in ("sim", "tests")]
    kept = [(module, dict(vars(module))) for module in modules]
    module = importlib.import_module(plant.module)
    path = Path(str(module.__file__))
    source = path.read_text(encoding="utf-8")
    if source.count(plant.old) != 1:
        raise LookupError(
            f"{plant.module} has the text {plant.old!r} not once: the planted bug must follow the source"
        )
    before = dict(vars(module))
    try:
        exec(compile(source.replace(plant.old, plant.new, 1), str(path), "exec"), vars(module))
        changed = {id(before[name]): value for name, value in vars(module).items() if name in before}
        for other in modules:
            if other is not module:
                for name, value in list(vars(other).items()):
                    if callable(value) and id(value) in changed:
                        setattr(other, name, changed[id(value)])
        yield
    finally:
        for other, names in kept:
            vars(other).clear()
            vars(other).update(names)


def noticed(plant: Plant) -> str | None:
    """Run a plant's check; return what it said, or None if it was content."""
    try:
        with planted(plant):
            CHECKS[plant.check](plant.config())
    except FAULTS as fault:
        return f"{type(fault).__name__}: {fault}"
    except (IndexError, ValueError, OverflowError, ZeroDivisionError) as fault:
        return f"the run broke: {type(fault).__name__}: {fault}"
    return None


def main() -> None:
    """Run planted bugs, or the same checks on sound sources."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--sound", action="store_true")
    arguments = parser.parse_args()
    assert not COMPILED, "planted bugs need NUMBA_DISABLE_JIT=1"
    for name in arguments.names or PLANTS:
        plant = PLANTS[name]
        if arguments.sound:
            plant = plant._replace(new=plant.old)
        print(json.dumps({"plant": name, "check": plant.check, "said": noticed(plant)}), flush=True)


if __name__ == "__main__":
    main()
