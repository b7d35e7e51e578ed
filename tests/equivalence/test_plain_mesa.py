"""The model against its twin of plain Python objects: every event, balance and record, to the bit.

Markets are generated from a number, so that a failure names the market that shows it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import mesa
import numpy as np
import pytest

from benchmarks import plain_mesa
from benchmarks.plain_mesa import DEMANDS, TALLY, Batch, PlainMarket, Work
from sim.agents.population import Population, make_population, make_tables
from sim.agents.traits import ACTIVE, HISTORY, permanent_ids, unpacked
from sim.config import Config, Learning, Market, Platform, Record, Time, Workers, WorldChoice
from sim.config import Requesters as RequestersConfig
from sim.ledger import KINDS, SECTORS
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.world import load_world
from tests.conftest import Exercised
from tests.support.markets import tiny, varied, with_families

MARKETS = 200
MARKETS_AT_NIGHT = 2000
BATCHES_A_DAY = 100.0

# Saturdays and Sundays before a month begins, the change of clocks, a leap day, the turn of a year.
STARTS = (
    "2019-01-07", "2019-03-30", "2019-06-29", "2019-06-30", "2019-09-28", "2019-10-26", "2020-02-29",
    "2018-12-30",
)  # fmt: skip
COUNTRIES = {
    "north_south": ("NTH", "STH"),
    "six_regions": ("NOA", "EUR", "ASI"),
    "mturk_2015": ("USA", "IND"),
    "global": ("USA", "IND", "FRA", "CHN", "NPL"),
}


# --- markets ------------------------------------------------------------------------------------


def market(number: int) -> Config:
    """Return the tiny market of a number; every third has local jobs and a click farm as well."""
    config = microwork(number)
    return with_families(config, number) if number % 3 == 2 else config


def microwork(number: int) -> Config:
    """Return the tiny market of a number: up to 50 workers, 72 hours or some weeks."""
    r = random.Random(number)
    base = Config()
    table = r.choice(tuple(COUNTRIES))
    days, workers = r.choice(
        ((3, 50), (3, 50), (3, 50), (3, 50), (3, 20), (3, 20), (3, 20), (3, 5), (9, 20), (23, 8))
    )
    types = r.sample(list(base.task_types), r.randint(1, 5))
    return Config(
        seed=r.choice((number, 2**62 - number)),
        time=Time(
            start=r.choice(STARTS),
            days=days,
            warmup_days=r.choice((0, 0, 1)),
            daylight_saving=r.random() < 0.8,
        ),
        world=WorldChoice(table=table),
        workers=Workers(
            count=r.randint(1, workers),
            speed_gain=r.choice((0.0, 0.25, 1.0)),
            speed_half_tasks=r.choice((5.0, 2000.0)),
            accuracy_mean=r.choice((0.6, 0.93)),
            look_seconds_median=r.choice((5.0, 40.0, 120.0)),
            patience_low=(patience := r.randint(1, 8)),
            patience_high=r.randint(patience, 14),
            patience_hours=r.randint(1, 4),
            daily_hours_cap=r.choice((3, 12, 16)),
            need_usd_per_hour=r.choice((0.0, 0.1)),
            broker_cut=r.choice((0.0, 0.2, 0.333333)),
        ),
        segments={
            name: replace(
                segment,
                flexibility=r.random(),
                desired_hours_median=r.choice((6.0, 30.0, 60.0)),
                reservation_ratio=segment.reservation_ratio * r.choice((0.3, 1.0, 4.0)),
                collective_size=r.choice((0, 0, 3)),
                interruption_women=r.random(),
            )
            for name, segment in base.segments.items()
        },
        requesters=requesters(r),
        task_types={
            name: replace(
                base.task_types[name],
                share=r.random(),
                one_task_share=r.choice((0.0, 0.57, 1.0)),
                largest_batch=r.choice((1, 5, 300, 20_000)),
                assignments_per_task=r.choice((1, 3, 12)),
                exposure=r.choice((0.0, 0.6)),
                skill=r.randint(0, 2),
            )
            for name in types
        },
        platforms=platforms(r, COUNTRIES[table]),
        market=Market(
            looks=r.randint(1, 14),
            max_rounds=r.choice((1, 3, 24, 24)),
            workers_per_board=r.choice((7, 50_000)),
            boards=r.choice((None, None, 1, 2, 3)),
            noise_sigma=r.choice((0.0, 0.8)),
            pace_sigma=r.choice((0.0, 0.5, 1.2)),
            spell_minutes=r.choice((0.1, 7.5, 7.5, 600.0)),
            spell_log_sigma=r.choice((0.0, 1.08)),
            pay_spread=r.choice((0.1, 0.5)),
            noise_half_tasks=r.choice((5.0, 2000.0)),
            return_ratio=r.choice((0.0, 0.6, 1.0)),
            return_share=r.choice((0.0, 0.5, 1.0)),
            rejection_prior=r.choice((0.0, 0.01, 0.4)),
            life_hours_median=r.choice((1.0, 10.0, 72.0)),
            demand_cap_days=r.choice((0.1, 14.0)),
            pay_setting=r.choice(("profit_search", "fill_time", "fixed")),
        ),
        learning=Learning(
            reservation_weight=r.choice((0.0, 0.5)),
            hours_sharpness=r.choice((0, 2, 5)),
            outside_shock_sigma=r.choice((0.0, 2.0)),
            outside_shock_weeks=r.choice((1, 2)),
            leave_weeks=r.choice((1, 1, 2)),
            pool_ratio=r.choice((0.0, 8.5, 60.0)),
            join_rate=None if number % 4 == 1 else 0.05,
            circumstances_weeks=2.0 if number % 4 == 1 else 50.0,
            switch_share=r.choice((0.0, 1.0)),
            switch_inertia=r.choice((0.0, 2.0)),
        ),
        record=Record(workers="none" if r.random() < 0.1 else "full", figures=False),
    )


def requesters(r: random.Random) -> RequestersConfig:
    """Return requesters with much or little work, exact or lax."""
    return RequestersConfig(
        count=r.randint(1, 8),
        size_log_sigma=r.choice((0.0, 1.0, 2.68)),
        largest_share=r.choice((0.1, 1.0)),
        demand_share=r.choice((0.2, 1.0, 6.0)),
        demand_elasticity=r.choice((0.0, 1.0, 2.5)),
        pay_usd_per_hour=r.choice((1.0, 4.0, 9.0)),
        value_usd_per_hour=r.choice((6.0, 12.0)),
        estimate_bias_median=r.choice((0.5, 1.15, 3.0)),
        strictness_mean=r.choice((0.08, 0.9)),
        unfair_rejection_mean=r.choice((0.0, 0.002, 0.3)),
        always_on_share=r.random(),
        office_start=r.randint(0, 23),
        office_hours=r.choice((1, 10, 24)),
        approval_share=r.choice((0.0, 0.5)),
        approval_tasks=r.choice((0, 1, 20)),
        approval_rate=r.choice((0.0, 0.9, 0.99)),
        own_country_share=r.choice((0.0, 0.3)),
        north_only_share=r.choice((0.0, 0.3)),
        multihome_share=r.choice((0.0, 0.8)),
        pay_minimum_tasks=r.choice((1, 20)),
        pay_arm_spread=r.choice((0.0, 0.1, 0.4)),
        size_seconds_elasticity=r.choice((0.0, 0.3, 1.0)),
        size_seconds=r.choice((5.0, 60.0, 600.0)),
    )


def platforms(r: random.Random, codes: tuple[str, ...]) -> dict[str, Platform]:
    """Return one to four platforms; the first is open to all."""
    names = ("open", "second", "third", "domestic")[: r.choice((1, 2, 4))]
    return {name: platform(r, codes, first=name == "open", domestic=name == "domestic") for name in names}


def platform(r: random.Random, codes: tuple[str, ...], first: bool, domestic: bool) -> Platform:
    """Return a platform with fees, ticks, thresholds and an order of its own."""
    weights = [r.choice((0.0, 0.2, 0.5, 1.0)) for _ in range(4)]
    return Platform(
        owner=r.choice(codes),
        worker_countries=[] if first else [codes[1]] if domestic else list(codes),
        requester_countries=[codes[1]] if domestic else [],
        pool_share=0.3 if domestic else 0.0,
        requester_share=0.2 if domestic else 0.0,
        requester_fee=r.choice((0.0, 0.2, 0.333333, 0.123457)),
        large_batch_fee=r.choice((0.0, 0.2)),
        large_batch_from=r.choice((2, 10)),
        worker_fee=r.choice((0.0, 0.0, 0.1, 0.234567)),
        minimum_reward_usd=r.choice((0.000001, 0.01, 0.07)),
        tick_usd=r.choice((0.000001, 0.001, 0.01)),
        reward_promise_usd_per_hour=r.choice((0.0, 0.0, 5.0)),
        ranking_newest=weights[0],
        ranking_largest=weights[1],
        ranking_best_paid=weights[2],
        ranking_random=weights[3] if sum(weights) else 1.0,
        ranking_depth=r.choice((1.0, 4.0, 25.0)),
        payout_days=r.choice((1, 2, 7)),
        payout_threshold_usd=r.choice((0.0, 0.07, 1.0, 20.0)),
        cost_per_transaction_usd=r.choice((0.0, 0.002, 1.0)),
        cost_on_rewards=r.choice((0.0, 0.03)),
    )


# --- what is compared ---------------------------------------------------------------------------

WORKER_FIELDS = (
    "pending", "balance", "log_speed", "log_base_reservation", "log_reservation", "learned_pay", "all_in_pay",
    "week_pay", "accepted", "rejected", "week_seconds", "week_paid_seconds", "session_start",
    "session_minutes", "look_seconds", "desired_minutes", "country", "zone", "segment", "patience",
    "weeks_below",
)  # fmt: skip
REQUESTER_FIELDS = (
    "id", "balance", "serial", "batches_per_day", "target", "batches", "posted", "accepted", "rejected",
    "expired", "spent", "fees", "step", "direction", "markup", "asked", "expected",
)  # fmt: skip
ARM_FIELDS = ("closed", "worth", "gained", "spent", "delayed")
PLATFORM_FIELDS = (
    "balance", "requester_fee_ppm", "large_batch_fee_ppm", "worker_fee_ppm", "minimum_reward", "tick",
    "payout_threshold", "transactions", "revenue", "cost", "profit", "owner",
)  # fmt: skip
BATCH_FIELDS = (
    "id", "reward", "worth", "expected_cost", "right", "escrow", "submitted", "accepted", "rejected",
    "waited_seconds", "first_start", "expires_hour",
)  # fmt: skip


class Watch:
    """What both models say of themselves in the end: `hour` to `month` are called by either as it runs."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.finished: list[tuple[Any, ...]] = []
        self.taken: list[tuple[int, ...]] = []
        self.cut_off: list[int] = []
        self.days: list[Any] = []
        self.months: list[Any] = []
        self.state: dict[str, Any] = {}

    def everything(self) -> dict[str, Any]:
        """Return all that is compared, by name."""
        record = {name: sorted(getattr(self, name)) for name in ("events", "finished", "taken")}
        record |= {name: getattr(self, name) for name in ("cut_off", "days", "months")}
        return record | self.state


class KernelWatch(Watch):
    """Reads the arrays of the compiled model."""

    def hour(self, model: Any) -> None:
        for board in model.boards:
            self.cut_off.append(int(board.state[boards.CUT_OFF]))
            self.finished += board.finished[: board.state[boards.FINISHED_COUNT]].tolist()
            if board.state[boards.TAKEN_COUNT]:
                taken = board.taken[: board.state[boards.TAKEN_COUNT]]
                workers = permanent_ids(model.worker_rows[taken["worker"]])
                self.taken += zip(
                    taken["requester"].tolist(), workers.tolist(), taken["done"].tolist(), strict=True
                )
            if not board.state[boards.EVENTS]:
                continue
            events = board.events[: board.state[boards.EVENTS]]
            batches, entries = board.batches["id"][events["slot"]], board.active["id"][events["active"]]
            columns = [events[name] for name in ("kind", "done", "accepted", "own_seconds", "start", "end")]
            rows = zip(*(column.tolist() for column in (entries, batches, *columns)), strict=True)
            self.events += [(model.hour, model.platform_names[board.platform], *row) for row in rows]

    def day(self, model: Any) -> None:
        coming = [sparse(model.joined_today), sparse(model.left_today)]
        self.days.append(
            [coming, [(rows_in_use(board.tally), rows_in_use(board.demands)) for board in model.boards]]
        )

    def month(self, model: Any, period: str, flows: Any) -> None:
        self.months.append((period, sparse(flows)))

    def finish(self, model: ClickWorkModel) -> None:
        """Read the state at the end."""
        workers = unpacked(model.worker_rows[: model.workers_count])
        platforms, requesters, ledger = model.platform_rows, model.requester_rows, model.ledger
        open_slots = [(board, board.orders[0, : board.state[boards.OPEN]]) for board in model.boards]
        on_duty = [board.active[: board.state[boards.ACTIVE_COUNT]] for board in model.boards]
        self.state = {
            "worker id": permanent_ids(workers).tolist(),
            "worker active": (workers["bits"] & ACTIVE > 0).tolist(),
            "worker newcomer": (workers["newcomer"] > 0).tolist(),
            "worker collective": workers["collective"].tolist(),
            "worker platform": workers["platform"].tolist(),
            "worker tile": workers["tile"].tolist(),
            **{f"worker {name}": workers[name].tolist() for name in WORKER_FIELDS},
            **{f"requester {name}": requesters[name].tolist() for name in REQUESTER_FIELDS},
            **{
                f"requester {what}": pairs(requesters[f"low_{what}"], requesters[f"high_{what}"])
                for what in ARM_FIELDS
            },
            **{f"platform {name}": platforms[name].tolist() for name in PLATFORM_FIELDS},
            **{
                f"batch {name}": [board.batches[name][slots].tolist() for board, slots in open_slots]
                for name in BATCH_FIELDS
            },
            "batch left": [board.listings["left"][slots].tolist() for board, slots in open_slots],
            "batch times": [
                pairs(*(board.batches[name][slots] for name in ("t10", "t50", "t90", "t100")))
                for board, slots in open_slots
            ],
            "orders": [
                [board.batches["id"][order[: board.state[boards.OPEN]]].tolist() for order in board.orders]
                for board in model.boards
            ],
            "on duty": [
                pairs(rows["id"], 60 * (60 * rows["start_hour"] + rows["minutes"]), rows["fruitless_hours"])
                for rows in on_duty
            ],
            "collectives": model.collective_rows["balance"].tolist(),
            "governments": model.government_rows["balance"].tolist(),
            "owners": ledger.owners["balance"].tolist(),
            "outside": ledger.outside["balance"].tolist(),
            "rounding": int(ledger.rounding["balance"][0]),
            "totals": dict(zip(SECTORS, ledger.totals.tolist(), strict=True)),
            "flows": sparse(ledger.flows),
            "transfers": ledger.transfers_booked,
            "pools": model.pools.tolist(),
            "reported pay": model.reported_pay.tolist(),
            "platform pay": model.platform_pay.tolist(),
            "log platform pay": model.log_platform_pay.tolist(),
            "best hours": model.best_hours.tolist(),
        }  # fmt: skip
        if model.keeps_history:
            history = model.history_rows[: model.workers_count]
            self.state |= {f"worker's {name}": history[name].tolist() for name in HISTORY.names or ()}


class TwinWatch(Watch):
    """Reads the objects of the twin."""

    def hour(self, model: PlainMarket) -> None:
        for board in model.boards:
            self.finished += board.finished
            self.taken += board.taken
            self.cut_off.append(board.cut_off_seconds)

    def day(self, model: PlainMarket) -> None:
        coming = [dict(model.joined_today), dict(model.left_today)]
        self.days.append(
            [
                coming,
                [
                    (some_rows(board.tally, TALLY), some_rows(board.demands, DEMANDS))
                    for board in model.boards
                ],
            ]
        )

    def month(self, model: PlainMarket, period: str, flows: Any) -> None:
        self.months.append((period, numbered(flows)))

    def finish(self, twin: PlainMarket) -> None:
        """Read the state at the end."""
        workers, platforms, requesters, ledger = twin.everyone, twin.platforms, twin.requesters, twin.ledger
        collectives = {collective: number for number, collective in enumerate(twin.collectives)}
        collectives[None] = -1
        tiles = {board: number for number, board in enumerate(twin.boards)}
        self.events = twin.events or []
        self.state = {
            "worker id": [worker.id for worker in workers],
            "worker active": [worker.active for worker in workers],
            "worker newcomer": [worker.newcomer for worker in workers],
            "worker collective": [collectives[worker.collective] for worker in workers],
            "worker platform": [worker.platform.number for worker in workers],
            "worker tile": [tiles[worker.board] for worker in workers],
            **{f"worker {name}": [getattr(worker, name) for worker in workers] for name in WORKER_FIELDS},
            **{f"requester {name}": [getattr(r, name) for r in requesters] for name in REQUESTER_FIELDS},
            **{
                f"requester {what}": [tuple(getattr(arm, what) for arm in r.arms) for r in requesters]
                for what in ARM_FIELDS
            },
            **{f"platform {name}": [getattr(p, name) for p in platforms] for name in PLATFORM_FIELDS},
            **{
                f"batch {name}": [[getattr(batch, name) for batch in board.newest] for board in twin.boards]
                for name in (*BATCH_FIELDS, "left")
            },
            "batch times": [
                [(*batch.times, -1, -1, -1, -1)[:4] for batch in board.newest] for board in twin.boards
            ],
            "orders": [
                [
                    [batch.id for batch in batches]
                    for batches in (board.newest, board.largest, board.best_paid)
                ]
                for board in twin.boards
            ],
            "on duty": [
                [(w.id, w.ends, w.fruitless_hours) for w in board.on_duty if w.on_duty]
                for board in twin.boards
            ],
            "collectives": [collective.balance for collective in twin.collectives],
            "governments": [government.balance for government in twin.governments],
            "owners": [account.balance for account in ledger.owners],
            "outside": [account.balance for account in ledger.outside],
            "rounding": sum(account.balance for account in ledger.rounding),
            "totals": ledger.totals,
            "flows": numbered(ledger.flows),
            "transfers": ledger.transfers,
            "pools": twin.pools,
            "reported pay": twin.reported_pay,
            "platform pay": [platform.hourly for platform in platforms],
            "log platform pay": [platform.log_pay for platform in platforms],
            "best hours": twin.best_hours,
        }
        if twin.keeps_history:
            self.state |= {
                f"worker's {name}": [worker.history[name] for worker in workers]
                for name in HISTORY.names or ()
            }
            self.state |= {
                f"worker's {name}": [getattr(worker, name) for worker in workers]
                for name in ("joined_day", "left_day")
            }


def pairs(*columns: Any) -> list[tuple[int, ...]]:
    """Return columns side by side."""
    return list(zip(*(column.tolist() for column in columns), strict=True))


def rows_in_use(array: Any) -> dict[tuple[int, int], list[int]]:
    """Return the rows of a board's counts that are not all zero, by hour and country."""
    hours, countries = np.nonzero(array.any(axis=-1))
    rows = array[hours, countries].tolist()
    return dict(zip(zip(hours.tolist(), countries.tolist(), strict=True), rows, strict=True))


def some_rows(
    counts: dict[tuple[int, int], Counter[str]], names: tuple[str, ...]
) -> dict[tuple[int, int], list[int]]:
    """Return the same of the twin's counts."""
    rows = {key: [count[name] for name in names] for key, count in counts.items()}
    return {key: row for key, row in rows.items() if any(row)}


def numbered(flows: dict[tuple[str, int, int], int]) -> dict[tuple[int, int, int], int]:
    """Return the twin's flows that are not zero, with the model's number of each kind."""
    numbers = {kind: number for number, (kind, _, _) in enumerate(KINDS)}
    return {(numbers[kind], *countries): flow for (kind, *countries), flow in flows.items() if flow}


def sparse(array: Any) -> dict[tuple[int, ...], int]:
    """Return the entries of an array that are not zero."""
    places = np.nonzero(array)
    return dict(
        zip(zip(*(axis.tolist() for axis in places), strict=True), array[places].tolist(), strict=True)
    )


# --- running both -------------------------------------------------------------------------------


def run_both(
    config: Config, twin_class: type[PlainMarket] = PlainMarket
) -> tuple[ClickWorkModel, dict[str, Any], dict[str, Any]]:
    """Run the model and its twin from the same tables; return what each says of its run."""
    population = small_population(config)
    twin = twin_class(config, population, log_events=True)
    model = ClickWorkModel(config, population)
    kernel, plain = KernelWatch(), TwinWatch()
    model.observers.append(kernel)
    twin.observers.append(plain)
    model.run()
    twin.run()
    kernel.finish(model)
    plain.finish(twin)
    forget(twin)
    return model, kernel.everything(), plain.everything()


def drawn_population(config: Config) -> Population:
    """Draw the agents of a configuration."""
    world = load_world(config.world.table)
    return make_population(config, world, make_tables(config, world))


def small_population(config: Config, most: float = BATCHES_A_DAY) -> Population:
    """Draw the agents; requesters post so many batches a day at most, whatever the size of their tasks."""
    population = drawn_population(config)
    batches = population.requesters["base_batches"]
    batches *= min(1.0, most / batches.sum())
    return population


def forget(twin: PlainMarket) -> None:
    """Let go of a model: Mesa's agents count by model and would keep every one for good."""
    getattr(mesa.Agent, "_ids", {}).pop(twin, None)


def differences(kernel: dict[str, Any], plain: dict[str, Any]) -> list[str]:
    """Name what differs, with the first place where it does."""
    assert kernel.keys() == plain.keys()
    return [
        f"{name}: {first_difference(kernel[name], plain[name])}"
        for name in kernel
        if kernel[name] != plain[name]
    ]


def first_difference(ours: Any, theirs: Any) -> str:
    """Return the first two parts that differ."""
    if isinstance(ours, dict):
        ours, theirs = (sorted(side.items()) for side in (ours, theirs))
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        for place, (a, b) in enumerate(zip(ours, theirs, strict=False)):
            if a != b:
                return f"[{place}] {first_difference(a, b)}"
        return f"{len(ours)} against {len(theirs)}"
    return f"{ours!r} in the model, {theirs!r} in the twin"


def compare(numbers: range) -> Counter[str]:
    """Compare the markets of some numbers; return how much was compared."""
    seen: Counter[str] = Counter()
    for number in numbers:
        model, kernel, plain = run_both(market(number))
        # Mesa 3.3 holds on to every model whose agents derive from its own class: thousands fill the memory.
        getattr(mesa.Agent, "_ids", {}).clear()
        found = differences(kernel, plain)
        assert not found, f"market {number} differs: " + "; ".join(found)
        seen["markets"] += 1
        seen["events"] += len(kernel["events"])
        seen["returns"] += sum(event[4] for event in kernel["events"])
        seen["batches"] += len(kernel["finished"])
        seen["transfers"] += model.ledger.transfers_booked
        seen["months"] += len(kernel["months"])
        seen["weeks"] += model.week
        seen["joined"] += sum(sum(joined.values()) for (joined, _), _ in kernel["days"])
        seen["left"] += sum(sum(left.values()) for (_, left), _ in kernel["days"])
        seen.update(f"work on {event[1]}" for event in kernel["events"] if event[1] in ("clicks", "jobs"))
        for flows in (kernel["flows"], *(flows for _, flows in kernel["months"])):
            seen.update({f"flows of {KINDS[kind][0]}" for kind, _, _ in flows})
    return seen


FLOORS = {
    "markets": 1.0, "events": 50.0, "returns": 1.0, "batches": 10.0, "transfers": 300.0, "weeks": 0.3,
    "months": 0.2, "joined": 0.1, "left": 0.1, "work on clicks": 1.0, "work on jobs": 0.3,
}  # fmt: skip
"""What a market must exercise at least, on average."""


MOVED_BY_POLICIES = {
    "usage_tax", "turnover_tax", "profit_tax", "profit_shifting", "haven_tax", "haven_profit",
    "administration", "pooling", "universal_income", "income_of_others", "external_income",
    "conditional_income", "hiring_subsidy", "advertising", "user_money", "user_charge", "user_spending",
    "royalty", "commons_dividend", "commons_to_users", "surplus", "patronage", "shift_pay", "contributions",
    "withheld", "external_income_of_others",
}  # fmt: skip
"""The twin knows neither policies nor audiences: these kinds are for tests/policy."""


def check_floors(seen: Counter[str], markets: int) -> None:
    """Print what was compared; it must be enough, and every kind of transfer must occur."""
    print(", ".join(f"{count} {name}" for name, count in seen.items()))
    missing = [name for name, floor in FLOORS.items() if seen[name] < floor * markets]
    assert not missing, f"too little of {missing} to mean anything"
    absent = [kind for kind, _, _ in KINDS if not seen[f"flows of {kind}"] and kind not in MOVED_BY_POLICIES]
    assert not absent, f"no transfer of kind {absent}"
    moved = [kind for kind in MOVED_BY_POLICIES if seen[f"flows of {kind}"]]
    assert not moved, f"{moved} without a policy"


def test_twin_agrees_on_generated_markets() -> None:
    check_floors(compare(range(MARKETS)), MARKETS)


def test_twin_agrees_where_clicks_have_no_price() -> None:
    """On a click farm that pays by the hour nobody has tools either."""
    number = 11_669
    assert market(number).platforms["clicks"].usd_per_click is None
    assert compare(range(number, number + 1))["work on clicks"] > 100


@pytest.mark.nightly
def test_twin_agrees_on_many_generated_markets() -> None:
    numbers = range(10_000, 10_000 + MARKETS_AT_NIGHT)
    check_floors(compare(numbers), MARKETS_AT_NIGHT)


class Charitable(plain_mesa.Requester):
    def review(self, work: Work) -> int:
        return work.done


class Slow(plain_mesa.Worker):
    def seconds_for(self, batch: Batch) -> int:
        return super().seconds_for(batch) + 1


class Stubborn(plain_mesa.Worker):
    def gives_back(self, batch: Batch) -> bool:
        return False


class Free(plain_mesa.Platform):
    def fee_ppm(self, assignments_per_task: int) -> int:
        return 0


class Shallow(plain_mesa.Board):
    def listing_shown(self, draw: float) -> Batch:
        return self.newest[0]


def test_a_rule_changed_in_a_subclass_of_the_twin_is_noticed(exercised: Exercised) -> None:
    config = replace(tiny(workers=20, requesters=6, days=2), market=Market(return_ratio=1.0, boards=1))
    assert not differences(*run_both(config)[1:])
    rules = (Charitable, Slow, Stubborn, Free, Shallow)
    noticed = 0
    for rule in rules:
        name = f"{rule.__bases__[0].__name__.lower()}_class"
        changed = type("Changed", (PlainMarket,), {name: rule})
        noticed += bool(differences(*run_both(config, changed)[1:]))
    exercised("changed rules noticed", noticed, len(rules))


def test_native_random_draws_are_the_same_market_by_chance() -> None:
    """The variant that is timed has other draws of the same distributions: its sums come close."""
    sums: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for seed in range(4):
        base = tiny(workers=250, requesters=40, seed=seed)
        small = {name: replace(task, largest_batch=10) for name, task in base.task_types.items()}
        config = replace(base, task_types=small, requesters=replace(base.requesters, size_log_sigma=0.5))
        for native, total in sums.items():
            twin = PlainMarket(config, small_population(config, 1500.0), native_random=native)
            twin.run()
            total["searched"] += sum(worker.history["search_seconds"] for worker in twin.everyone)
            total["idle"] += sum(worker.history["idle_seconds"] for worker in twin.everyone)
            total["tasks"] += sum(worker.history["tasks_accepted"] for worker in twin.everyone)
            total["batches"] += sum(requester.batches for requester in twin.requesters)
            forget(twin)
    print(sums)
    for name, keyed in sums[False].items():
        assert keyed > 10_000
        assert abs(sums[True][name] - keyed) < 0.2 * keyed, name


class Settled(plain_mesa.Worker):
    def change_circumstances(self) -> None:
        return


class BareHanded(plain_mesa.Worker):
    def take_tools(self) -> None:
        super().take_tools()
        self.has_tools = False


class Unhurried(plain_mesa.Worker):
    def take_tools(self) -> None:
        super().take_tools()
        self.seconds_to_look = self.look_seconds


class Relenting(plain_mesa.Requester):
    def revise_pay(self) -> None:
        self.fair = 0
        super().revise_pay()


class JudgedByReward(plain_mesa.Requester):
    def standing_on(self, platform: Any, reward: int) -> int:
        return min(reward, 2**31 - 1)


def test_tools_fair_pay_and_circumstances_are_the_twins_too(exercised: Exercised) -> None:
    """Over two weeks in which all of them act: the same bits, and other bits where one of them is changed."""
    base = varied(1, days=16)
    config = replace(base, platforms={"microwork": base.platforms["microwork"]})
    assert not differences(*run_both(config)[1:])
    rules = (Settled, BareHanded, Unhurried, Relenting, JudgedByReward)
    noticed = 0
    for rule in rules:
        name = f"{rule.__bases__[0].__name__.lower()}_class"
        noticed += bool(differences(*run_both(config, type("Changed", (PlainMarket,), {name: rule}))[1:]))
    exercised("changed rules noticed", noticed, len(rules))
