"""What makes agents honest, as functions that raise ``AssertionError`` and return how much they looked at.

The tests call them on the sound program, and once more on planted bugs (``test_planted.py``).
"""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import Counter
from dataclasses import replace
from typing import Any, ClassVar

import mesa
import numpy as np

from sim import schedule
from sim.agents import rules
from sim.agents.collective import Collective
from sim.agents.government import Government
from sim.agents.platform import Platform
from sim.agents.requester import Requester
from sim.agents.traits import ACTIVE, column_of
from sim.agents.worker import Worker
from sim.columns import Column
from sim.config import Config
from sim.draws import normal
from sim.intelligence import Intelligence
from sim.ledger import FORFEIT, PAYOUT
from sim.market.board import ACTIVE_COUNT, EVENTS, EXHAUSTED, OPEN, find_taker
from sim.model import ClickWorkModel
from sim.numeric import log
from sim.outcomes.recorder import Recorder
from sim.schedule import TASTE
from tests.mesa_api.market import WEEK, lively, looked_at, on_duty, played, workers_of
from tests.support.markets import fingerprint, run

ROWS = {
    Worker: "worker_rows",
    Requester: "requester_rows",
    Platform: "platform_rows",
    Government: "government_rows",
    Collective: "collective_rows",
}


def fork(hours: int = WEEK + 12) -> ClickWorkModel:
    """Return the lively market after some hours, free to be changed."""
    return copy.deepcopy(looked_at(hours))


def recounted(model: ClickWorkModel) -> None:
    """Add up every account."""
    model.ledger.recount([board.batches["escrow"] for board in model.boards])


class Watch:
    """An observer that looks at nothing yet."""

    def hour(self, model: ClickWorkModel) -> None: ...

    def day(self, model: ClickWorkModel) -> None: ...

    def month(self, model: ClickWorkModel, period: str, flows: Any) -> None: ...


# --- who is there ----------------------------------------------------------------------------------


def registered() -> int:
    """All agents are in ``model.agents`` and ``agents_by_type``; joiners too, leavers not; ids begin at 1."""
    model = ClickWorkModel(lively())
    assert sorted(agent.unique_id for agent in model.agents) == list(range(1, 1 + len(list(model.agents))))
    seen: dict[int, Any] = {}
    for hours in (0, WEEK + 12, WEEK):
        model.run(hours)
        seen |= {agent.unique_id: agent for agent in model.agents}
        rows = np.flatnonzero(model.worker_rows["bits"][: model.workers_count] & ACTIVE)
        assert sorted(agent.row for agent in workers_of(model)) == rows.tolist()
        by_type = {kind: len(list(agents)) for kind, agents in model.agents_by_type.items()}
        expected = {kind: len(getattr(model, name)) for kind, name in ROWS.items()} | {Worker: len(rows)}
        assert by_type == expected
        assert sum(by_type.values()) == len(list(model.agents))
        assert set(model.agent_types) == set(ROWS)
    ids = [agent.unique_id for agent in model.agents]
    assert len(set(ids)) == len(ids)
    left = [agent for agent in seen.values() if agent not in set(model.agents)]
    assert model.joiners.sum() > 10 and len(left) > 5
    assert not any(agent.active for agent in left)
    return len(seen)


# --- memory ----------------------------------------------------------------------------------------


def attributes() -> int:
    """Every attribute reads what stands in the record, and writing it changes the record."""
    model = fork()
    count = 0
    for kind, store in ROWS.items():
        columns = {name: value for name, value in vars(kind).items() if isinstance(value, Column)}
        rows = getattr(model, store)
        for agent in list(model.agents_by_type[kind])[:20]:
            for name, attribute in columns.items():
                part = attribute.part
                field = rows[part.field if part else attribute.field]
                first, bits = (part.first, (1 << part.width) - 1 << part.first) if part else (0, -1)
                old = field[agent.row].item()
                others = old & ~bits if part else 0
                own = (old & bits) >> first if part else old
                assert getattr(agent, name) == own or (own - (bits >> first) - 1 == getattr(agent, name) < 0)
                field[agent.row] = others | 3 << first
                assert getattr(agent, name) == 3, "a copy was read"
                field[agent.row] = old
                count += 1
                if attribute.read_only:
                    refused(
                        AttributeError,
                        lambda agent=agent, name=name: setattr(agent, name, 2),
                        "duty|never|Ledger.transfer",
                    )
                    assert field[agent.row] == old
                    continue
                setattr(agent, name, 2)
                assert field[agent.row] == others | 2 << first, "a copy was written, or another number"
                if part:
                    refused(OverflowError, lambda agent=agent, name=name: setattr(agent, name, -1), "fit")
                refused(ValueError, lambda agent=agent, name=name: setattr(agent, name, float("nan")), name)
                if field.dtype.kind in "iu":
                    refused(ValueError, lambda agent=agent, name=name: setattr(agent, name, 1.5), "whole")
                field[agent.row] = old
    refused(AttributeError, lambda: setattr(workers_of(model)[0], "balance", 1), "Ledger.transfer")
    return count


def refused(kind: type[Exception], act: Any, words: str) -> None:
    """Require an exception that says one of some words."""
    try:
        act()
    except kind as error:
        assert any(word in str(error) for word in words.split("|")), str(error)
        return
    raise AssertionError(f"{words}: not refused")


def written_state_counts() -> int:
    """What is written through an attribute is what the next hours go by."""
    model = fork()
    for worker in workers_of(model):
        worker.log_reservation = 50.0
    before = model.worker_rows["accepted"].sum()
    model.run(30)
    assert model.worker_rows["accepted"].sum() == before, "somebody worked for less than was written"
    return len(workers_of(model))


# --- moving and duty -------------------------------------------------------------------------------


def movers() -> list[tuple[ClickWorkModel, Worker]]:
    """Pairs of a market in the middle of a day and a Southerner on one platform's board."""
    model = fork()
    tiles = on_duty(model)
    return [
        (model, worker)
        for worker in workers_of(model)
        if worker.row in tiles and worker.country == "STH" and worker.platform == "microwork"
    ]


def moved_off_the_board() -> int:
    """Who changes platform in mid-session is on the old board no more; later sessions are on the new one."""
    pairs = movers()
    model = pairs[0][0]
    rows = {worker.row for _, worker in pairs}
    waiting = {
        worker.row
        for worker in workers_of(model)
        if worker.platform == "microwork"
        and worker.country == "STH"
        and model.today[worker.row] >= model.hour % 24
        and worker.row not in rows
    }
    assert waiting
    due = dict.fromkeys(rows, 0)
    for row in rows | waiting:
        worker = model.views.worker(row)
        due[row] = worker.pending + worker.balance
        worker.platform = "southern"
        assert model.needs_bucketing
        assert worker.pending == 0 and worker.balance == due[row], "the old platform pays what is pending"
        if row in rows and worker.duty and worker.duty[0] < model.hour % 24:
            longer = worker.duty[0], 900
            refused(ValueError, lambda worker=worker, longer=longer: setattr(worker, "duty", longer), "over")
    old, new = model.boards[0], model.boards[1]
    came = set()
    for _ in range(24 - model.hour % 24):
        model.step()
        at_work = {int(old.active["row"][event["active"]]) for event in old.events[: int(old.state[EVENTS])]}
        assert not at_work & (rows | waiting), "on the old board after moving"
        assert not {row for row, tile in on_duty(model).items() if tile == old.tile} & (rows | waiting)
        came |= {int(row) for row in new.active["row"][: int(new.state[ACTIVE_COUNT])]} & waiting
        came |= {
            row for row in waiting if column_of(model.worker_rows[row], "session_start") == model.hour - 1
        }
    assert came == waiting, "a session of today was lost"
    recounted(model)
    return len(rows) + len(waiting)


def moved_only_where_admitted() -> int:
    """A platform that does not admit a country, or does not exist, is refused with a sentence."""
    model = fork()
    northerners = [worker for worker in workers_of(model) if worker.country == "NTH"]
    for worker in northerners:
        for name, words in (("southern", "admits no workers from NTH"), ("suothern", "southern")):
            refused(Exception, lambda worker=worker, name=name: setattr(worker, "platform", name), words)
        assert worker.platform == "microwork"
    return len(northerners)


class DutyWatch(Watch):
    """Notes seconds on duty by worker and hour, as an observer sees them."""

    def __init__(self) -> None:
        self.seconds: Counter[tuple[int, int]] = Counter()

    def hour(self, model: ClickWorkModel) -> None:
        for board in model.boards:
            for entry in board.active[: int(board.state[ACTIVE_COUNT])]:
                self.seconds[int(entry["row"]), model.hour] += int(entry["duty"])

    def of(self, row: int, day: int) -> list[int]:
        """Hours of a day with time on duty."""
        return [hour % 24 for hour in range(24 * day, 24 * day + 24) if self.seconds[row, hour]]


def duty_as_written() -> int:
    """A session of today that is cancelled, moved, lengthened or ended through a view goes as written."""
    base = lively()
    steady = {
        name: replace(one, interruption_women=0.0, interruption_men=0.0)
        for name, one in base.segments.items()
    }
    model = ClickWorkModel(replace(base, segments=steady, workers=replace(base.workers, patience_hours=16)))
    model.run(24 * 2 + 8)
    day, coming = model.day, model.hour % 24
    watch = DutyWatch()
    model.observers.append(watch)
    waiting = [
        worker
        for worker in workers_of(model)
        if worker.row not in on_duty(model) and worker.duty and worker.duty[0] >= coming
    ]
    busy = [
        worker
        for worker in workers_of(model)
        if worker.row in on_duty(model) and worker.duty and worker.duty[0] < coming
    ]
    assert len(waiting) > 6 and len(busy) > 3
    cancelled, later = waiting[::3], waiting[1::3]
    for worker in cancelled:
        worker.duty = None
        assert worker.duty is None
    for worker in later:
        worker.duty = (20, 45)
        assert worker.duty is None or worker.duty[0] >= 20
    off = [worker for worker in workers_of(model) if worker.duty is None and worker not in cancelled][:5]
    for worker in off:
        worker.duty = (22, 30)
    ended, longer = busy[::2], busy[1::2]
    for worker in ended:
        worker.duty = None
    for worker in longer:
        worker.duty = (worker.duty[0], 16 * 60)
        refused(ValueError, lambda worker=worker: setattr(worker, "duty", (23, 30)), "began")
    refused(ValueError, lambda: setattr(cancelled[0], "duty", (coming - 1, 30)), "coming hour")
    refused(ValueError, lambda: setattr(cancelled[0], "duty", (25, 30)), "0 to 23")
    model.run(24 - coming)
    for worker in cancelled + ended:
        assert not watch.of(worker.row, day), "on duty after the session was cancelled"
    for worker in later + off:
        assert watch.of(worker.row, day) == ([worker.duty[0]] if worker.duty else [])
    assert sum(bool(worker.duty) for worker in later + off) > 3
    for worker in longer:
        start, minutes = worker.duty
        assert watch.of(worker.row, day) == list(range(coming, min(24, -(-(60 * start + minutes) // 60))))
    refused(ValueError, lambda: setattr(cancelled[0], "duty", None), "drawn")
    model.run(30)
    return len(cancelled + later + off + busy)


# --- remove ----------------------------------------------------------------------------------------


def removal() -> int:
    """Removed workers are paid or forfeit by the threshold, and are gone: no agent, no duty, no pay."""
    model = fork()
    tiles = on_duty(model)
    owed = sorted(
        (worker for worker in workers_of(model) if worker.pending), key=lambda worker: worker.pending
    )
    busy = [worker for worker in workers_of(model) if worker.row in tiles][:10]
    chosen = list(dict.fromkeys([*owed[:10], *owed[-10:], *busy]))
    flows = model.ledger.flows.sum(axis=(1, 2))
    paid = forfeited = 0
    balances = {}
    for worker in chosen:
        threshold = int(model.platform_rows["payout_threshold"][model.platform_number(worker.platform)])
        due = worker.pending
        if due < threshold:
            forfeited += due
        else:
            paid += due
        balances[worker.row] = worker.balance + (due if due >= threshold else 0)
        worker.remove()
        worker.remove()
        assert worker.pending == 0 and worker.balance == balances[worker.row] and not worker.active
    assert paid > 0 and forfeited > 0
    moved = model.ledger.flows.sum(axis=(1, 2)) - flows
    assert (moved[PAYOUT], moved[FORFEIT]) == (paid, forfeited)
    recounted(model)
    done = {worker.row: worker.accepted + worker.rejected for worker in chosen}
    for _ in range(30):
        model.step()
        assert not set(done) & set(on_duty(model))
    recounted(model)
    everyone = set(model.agents)
    for worker in chosen:
        assert worker not in everyone and worker not in set(model.agents_by_type[Worker])
        assert worker.accepted + worker.rejected == done[worker.row], "work after leaving"
        assert worker.pending == 0 and worker.balance == balances[worker.row]
        refused(LookupError, lambda worker=worker: model.views.worker(worker.row), "row")
    return len(chosen)


def value_as_set() -> int:
    """What an hour of work is worth, once set, stays set; more help of machines raises it from there."""
    config = lively(days=40, ai=Intelligence(labels_scale_years=0.05))
    model = ClickWorkModel(config)
    model.run(2 * WEEK)
    rows, count = model.requester_rows, 0
    requesters = list(model.agents_by_type[Requester])
    base = rows["base_preparation"] + rows["base_services"]
    set_to = {one.row: 20.0 + one.row for one in requesters}
    before = rows["automation"].copy()
    for one in requesters:
        assert one.automation == before[one.row] and one.ai_stock > 0.0 and one.labels_wanted >= 0.0
        one.value = set_to[one.row]
    for _ in range(2):
        model.run(WEEK)
        for one in requesters:
            share = base[one.row] / rows["base_demand"][one.row]
            now, then = (rules.value_factor(share, part) for part in (one.automation, before[one.row]))
            assert abs(one.value / (set_to[one.row] * now / then) - 1.0) < 1e-12, "a value was forgotten"
            count += one.automation > before[one.row]
    assert (rows["value"] != list(set_to.values())).any(), "nobody is helped by machines"
    for name in ("automation", "labels_wanted", "labels_free", "labels_shared", "label_cost"):
        refused(AttributeError, lambda name=name: setattr(requesters[0], name, 0.5), "never")
    plain = fork()
    one = next(iter(plain.agents_by_type[Requester]))
    one.value = 31.0
    plain.run(WEEK)
    assert one.value == 31.0 and one.ai_stock == one.automation == 0.0
    return count


def removed_requester() -> int:
    """A removed requester posts nothing any more, also after revision and in a checkpoint's model."""
    model = played(30)
    gone = list(model.agents_by_type[Requester])[:3]
    for requester in gone:
        requester.remove()
    serials = {requester.row: int(model.requester_rows["serial"][requester.row]) for requester in gone}
    model.run(WEEK)
    for requester in gone:
        assert requester not in set(model.agents)
        assert int(model.requester_rows["serial"][requester.row]) == serials[requester.row]
    assert len(list(model.agents_by_type[Requester])) == len(model.requester_rows) - len(gone)
    recounted(model)
    for kind in (Platform, Government, Collective):
        for agent in model.agents_by_type[kind]:
            refused(NotImplementedError, agent.remove, "cannot be taken out")
    return len(gone)


# --- agent sets ------------------------------------------------------------------------------------


def agent_sets() -> int:
    """Mesa's operations on sets of agents give what NumPy gives on the arrays."""
    model = fork()
    rows = model.worker_rows[: model.workers_count]
    there = np.flatnonzero(rows["bits"] & ACTIVE)
    workers = model.agents_by_type[Worker]

    chosen = workers.select(lambda worker: worker.skill >= 2)
    assert [worker.row for worker in chosen] == there[column_of(rows, "skill")[there] >= 2].tolist()
    assert len(list(model.agents.select(agent_type=Requester))) == len(model.requester_rows)
    ordered = workers.sort("desired_minutes", ascending=True)
    assert [w.row for w in ordered] == there[
        np.argsort(rows["desired_minutes"][there], kind="stable")
    ].tolist()
    shuffled = [worker.row for worker in workers.shuffle()]
    assert shuffled != there.tolist() and sorted(shuffled) == there.tolist()
    assert workers.get("accepted") == rows["accepted"][there].tolist()
    assert workers.get(["pending", "row"]) == [[int(rows["pending"][row]), row] for row in there.tolist()]
    assert workers.agg("pending", sum) == rows["pending"][there].sum()
    assert workers.agg("learned_pay", max) == rows["learned_pay"][there].max()
    groups = workers.groupby("country")
    for code, agents in groups:
        inside = there[rows["country"][there] == model.world.codes.index(code)]
        assert [worker.row for worker in agents] == inside.tolist()
    assert groups.count() == Counter(worker.country for worker in workers)
    assert workers.map("accepts", 1e9) == [True] * len(there)
    assert workers.map(lambda worker: worker.row) == there.tolist()

    workers.set("patience", 7)
    assert (rows["patience"][there] == 7).all()
    visited: list[int] = []
    workers.do(lambda worker: visited.append(worker.row))
    assert visited == there.tolist()
    visited.clear()
    workers.shuffle_do(lambda worker: visited.append(worker.row))
    assert visited != there.tolist() and sorted(visited) == there.tolist()
    model.agents.do("step")

    lazy, eager = fork(), fork()
    lazy.agents_by_type[Worker].set("log_reservation", 50.0)
    eager.agents_by_type[Worker].do(lambda worker: setattr(worker, "log_reservation", -50.0))
    before = lazy.worker_rows["accepted"].sum()
    for other in (lazy, eager):
        other.run(12)
    assert lazy.worker_rows["accepted"].sum() == before < eager.worker_rows["accepted"].sum()
    return len(there)


# --- methods compute what the engine computes ------------------------------------------------------


def foretold(phase: str, ask: Any, told: Any) -> tuple[ClickWorkModel, int]:
    """Ask every agent just before a weekly phase and compare with what the phase then did."""
    model = ClickWorkModel(lively())
    model.run(WEEK)
    compared = 0

    def before(model: ClickWorkModel) -> None:
        answers.update(ask(model))

    def after(model: ClickWorkModel) -> None:
        nonlocal compared
        done = told(model)
        for row, answer in answers.items():
            assert answer == done[row], (phase, row, answer, done[row])
            compared += 1

    answers: dict[int, Any] = {}
    week = [part for function in schedule.WEEK for part in (
        [before, function, after] if function.__name__ == phase else [function]
    )]  # fmt: skip
    kept = schedule.WEEK
    schedule.WEEK = tuple(week)
    try:
        for _ in range(2):
            answers.clear()
            model.run(1)
            model.run(WEEK - 1)
    finally:
        schedule.WEEK = kept
    return model, compared


def foretold_plans() -> int:
    """``plan_day`` says the session that the daily draw then gives."""
    model = fork(WEEK + 24)
    compared = working = 0
    for _ in range(3):
        day = model.hour // 24
        plans = {worker.row: worker.plan_day(day) for worker in workers_of(model)}
        model.step()
        for row, plan in plans.items():
            assert plan == model.views.worker(row).duty, (row, plan)
            compared += 1
            working += plan is not None
        model.run(23)
    assert working > 50 and compared - working > 10
    return compared


def foretold_wages() -> int:
    """``reservation_wage`` is what the search goes by, but for who came by tools since pay was learned."""
    model = looked_at()
    workers, without_tools = workers_of(model), float(model.settings["reservation_weight"][0])
    since = 0
    for worker in workers:
        expected = np.float32(worker.log_reservation)
        found = np.float32(log(worker.reservation_wage()))
        if abs(found - expected) > np.spacing(np.abs(expected)):
            assert model.reservation_weight(worker.row) != without_tools, worker.row
            found = np.float32(
                rules.log_reservation(worker.log_base_reservation, worker.all_in_pay, without_tools)
            )
            since += 1
        assert abs(found - expected) <= np.spacing(np.abs(expected)), worker.row
    assert since <= 3
    assert sum(worker.learned_pay > 0 for worker in workers) > 20
    return len(workers)


def foretold_leaving() -> int:
    """``leaves`` says who the week's decision then removes."""
    _, compared = foretold(
        "leave",
        lambda model: {worker.row: worker.leaves() for worker in workers_of(model)},
        lambda model: model.worker_rows["bits"][: model.workers_count] & ACTIVE == 0,
    )
    return compared


def foretold_platforms() -> int:
    """``choose_platform`` says where each then is."""
    _, compared = foretold(
        "change_platform",
        lambda model: {worker.row: worker.choose_platform() for worker in workers_of(model)},
        lambda model: [model.platform_names[p] for p in column_of(model.worker_rows, "platform")],
    )
    return compared


def foretold_targets() -> int:
    """A requester's ``revise_pay`` and ``revise_demand`` are what it then aims at and posts."""
    model, compared = foretold(
        "begin_week",
        lambda model: {r.row: r.revise_pay() for r in model.agents_by_type[Requester]},
        lambda model: model.requester_rows["target"].tolist(),
    )
    requesters = model.requester_rows
    assert (requesters["target"] != requesters["initial_target"]).sum() > 3
    for requester in model.agents_by_type[Requester]:
        assert requester.revise_demand() == requester.batches_per_day
        assert requester.base_demand > 0
    return compared


def foretold_acceptance(base: Config | None = None, prepare: Any = lambda model: None) -> int:
    """What was worked on is what ``accepts`` takes; who passed all listings by would not take some of it.

    ``prepare`` changes the model before what is watched.
    """
    base = base or lively(workers=100)
    config = replace(
        base,
        market=replace(base.market, return_ratio=0.0, life_hours_median=6.0, noise_sigma=0.3),
        workers=replace(base.workers, reservation_log_sigma=1.5),
        requesters=replace(
            base.requesters, approval_share=0.0, own_country_share=0.0, demand_share=0.7, count=3
        ),
        task_types={
            name: replace(
                one,
                skill=0,
                tertiary=False,
                median_seconds=20.0,
                one_task_share=0.0,
                assignments_per_task=1,
                size_exponent=0.1,
            )
            for name, one in base.task_types.items()
        },
    )
    model = ClickWorkModel(config)
    model.run(WEEK + 30)
    for worker in workers_of(model)[::2]:
        worker.log_reservation += 3.0
    prepare(model)
    watch = AcceptanceWatch()
    model.observers.append(watch)
    for _ in range(130):
        watch.records, watch.rated = model.worker_rows.copy(), model.offices.ratings.tasks.copy()
        model.step()
    assert watch.taken > 1000 and watch.passed > 10, (watch.taken, watch.passed)
    assert watch.experienced > 500, "hardly anybody has learned what tasks pay"
    return watch.taken + watch.passed


class AcceptanceWatch(Watch):
    """Holds what was worked on and what was passed by against the workers' own answers before the hour."""

    def __init__(self) -> None:
        self.records = self.rated = np.zeros(0)
        self.taken = self.passed = self.experienced = 0

    def hour(self, model: ClickWorkModel) -> None:
        after, model.worker_rows = model.worker_rows, self.records
        ratings, model.offices.ratings.tasks = model.offices.ratings.tasks, self.rated
        for board in model.boards:
            self.look(model, board)
        model.worker_rows, model.offices.ratings.tasks = after, ratings

    def look(self, model: ClickWorkModel, board: Any) -> None:
        """Compare one board's hour."""
        events = board.events[: int(board.state[EVENTS])]
        for event in events:
            assert likes(model, board, board.active[event["active"]], int(event["slot"])), "not to its liking"
        self.taken += len(events)
        rows = board.active["row"][events["active"]]
        self.experienced += int((self.records["learned_pay"][rows] > 0.0).sum())
        slots = [int(slot) for slot in board.orders[0, : int(board.state[OPEN])]]
        if board.state[EXHAUSTED] or not slots:
            return  # a proposal may have come too late: where nothing ran out nobody was in anybody's way
        for place in set(range(int(board.state[ACTIVE_COUNT]))) - set(events["active"].tolist()):
            entry = board.active[place]
            if entry["searched"] and all(possible(model, board, entry, slot) for slot in slots):
                assert not all(likes(model, board, entry, slot) for slot in slots), "passed by all the same"
                self.passed += 1


def likes(model: ClickWorkModel, board: Any, entry: Any, slot: int) -> bool:
    """Ask the worker on duty about one listing, noise and tastes as drawn."""
    worker = model.views.worker(int(entry["row"]))
    listing, setting, batch = board.listings[slot], model.settings[0], board.batches[slot]
    kind, identity = int(listing["type"]), worker.id
    noise = (
        float(entry["sigma"]) * normal(listing["key"], identity, 0)
        + float(setting["taste_sigma"]) * normal(model.key(TASTE, 0), identity, kind)
        - float(model.exposure_costs[kind])
    )
    offer = float(batch["reward"]) / 1e6, float(batch["estimated_seconds"])
    return worker.accepts(worker.perceived_pay(*offer, noise, int(batch["requester"])))


def possible(model: ClickWorkModel, board: Any, entry: Any, slot: int) -> bool:
    """Whether a worker on duty could have worked on a listing whenever it was looked at."""
    listing = board.listings[slot]
    pace = rules.pace(listing["key"], int(entry["id"]), float(model.settings[0]["pace_sigma"]))
    admitted = int(listing["country_mask"]) >> int(entry["country"]) & 1
    seconds = rules.own_seconds(float(listing["true_seconds"]), float(entry["log_speed"]) + pace)
    part = find_taker(board.table, board.takers, int(entry["row"]), slot)
    more = part < 0 or board.takers["done"][part] < listing["tasks"]
    return bool(admitted and more and seconds <= int(entry["left"]))


# --- subclasses ------------------------------------------------------------------------------------


class Plain(Worker):
    """Overrides nothing."""


class PlainRequester(Requester):
    """Overrides nothing."""


class Polite(Worker):
    """Decides everything as the compiled rules do, and counts how often it is asked."""

    asked: ClassVar[Counter[str]] = Counter()

    def plan_day(self, day: int) -> tuple[int, int] | None:
        self.asked["plan_day"] += 1
        return super().plan_day(day)

    def reservation_wage(self) -> float:
        self.asked["reservation_wage"] += 1
        return super().reservation_wage()

    def leaves(self) -> bool:
        self.asked["leaves"] += 1
        return super().leaves()

    def choose_platform(self) -> str:
        self.asked["choose_platform"] += 1
        return super().choose_platform()


class PoliteRequester(Requester):
    """Decides everything as the compiled rules do, and counts how often it is asked."""

    asked: ClassVar[Counter[str]] = Counter()

    def revise_pay(self) -> float:
        self.asked["revise_pay"] += 1
        return super().revise_pay()

    def revise_demand(self) -> float:
        self.asked["revise_demand"] += 1
        return super().revise_demand()


def fortnight(hours: int = WEEK + 20, **classes: Any) -> ClickWorkModel:
    """Play into the second week with classes of one's own."""
    return run(lively(days=8, workers=40), hours=hours, **classes)


def every(kind: type[Worker]) -> dict[str, type[Worker]]:
    """Give all segments the same class."""
    return dict.fromkeys(lively().segments, kind)


def same_bits() -> int:
    """Classes that override nothing, or everything by the compiled rule's own answer, change no bit."""
    plain = fingerprint(fortnight())
    for workers, requesters in ((Plain, PlainRequester), (Polite, PoliteRequester)):
        model = fortnight(worker_classes=every(workers), requester_classes={"microwork": requesters})
        assert len(list(model.agents_by_type[workers])) > 20
        assert len(list(model.agents_by_type[requesters])) == 8
        assert fingerprint(model) == plain, workers.__name__
    return 2


def asked_as_often_as_due() -> int:
    """Only agents of a class that overrides a decision are asked, once each time it is due."""
    Polite.asked.clear()
    PoliteRequester.asked.clear()
    model = ClickWorkModel(
        lively(days=8, workers=40),
        worker_classes=every(Polite) | {"home": Plain},
        requester_classes={"microwork": PoliteRequester},
    )
    for kind, base in ((Polite, Worker), (PoliteRequester, Requester)):
        for decision in base.decisions:
            assert {type(agent) for agent in model.deciders(decision)} == {kind}, "somebody else is looped"
    assert PoliteRequester.asked == {"revise_demand": 8}
    days = 0
    for day in range(8):
        days += len(list(model.agents_by_type[Polite]))
        if day == 7:
            break
        model.run(24)
    expected = Counter(plan_day=days - len(list(model.agents_by_type[Polite])))
    assert Polite.asked == expected
    there = len(list(model.agents_by_type[Polite]))
    model.step()
    left = sum(
        not model.is_active(row)
        for row in range(model.workers_count)
        if model.segment_names[column_of(model.worker_rows[row], "segment")] != "home"
    )
    joined = len(list(model.agents_by_type[Polite])) - (there - left)
    expected += Counter(
        reservation_wage=there, leaves=there, choose_platform=there - left, plan_day=there - left + joined
    )
    assert Polite.asked == expected, (Polite.asked, expected)
    assert PoliteRequester.asked == {"revise_pay": 8, "revise_demand": 16}
    assert left > 0 and joined > 0
    return sum(Polite.asked.values())


class Idle(Worker):
    def plan_day(self, day: int) -> tuple[int, int] | None:
        return None


class Early(Worker):
    def plan_day(self, day: int) -> tuple[int, int] | None:
        return 5, 30


class Proud(Worker):
    def reservation_wage(self) -> float:
        return 1000.0


class Loyal(Worker):
    def leaves(self) -> bool:
        return False


class Fickle(Worker):
    def leaves(self) -> bool:
        return True


class Southern(Worker):
    def choose_platform(self) -> str:
        return "southern" if self.country == "STH" else "microwork"


class Generous(Requester):
    def revise_pay(self) -> float:
        return 2.0 * super().revise_pay()


class Modest(Requester):
    def revise_demand(self) -> float:
        return 0.0


class Absurd(Requester):
    def revise_pay(self) -> float:
        return 1e6


def outcomes_change() -> int:
    """A class that overrides a decision changes what happens, for its own agents as it says."""
    plain = fortnight()
    played = {
        kind: fortnight(worker_classes={"first_income": kind})
        for kind in (Idle, Early, Proud, Loyal, Fickle, Southern)
    } | {kind: fortnight(requester_classes={"microwork": kind}) for kind in (Generous, Modest, Absurd)}
    prints = {kind: fingerprint(model) for kind, model in played.items()}
    assert len({*prints.values(), fingerprint(plain)}) == len(played) + 1

    def those(kind: Any) -> Any:
        """Return the records of the workers of the segment, with the class or without."""
        model = plain if kind is Worker else played[kind]
        return model.worker_rows[: model.workers_count][those_rows(model)]

    def those_rows(model: ClickWorkModel) -> Any:
        segments = column_of(model.worker_rows[: model.workers_count], "segment")
        return segments == model.segment_names.index("first_income")

    assert those(Idle)["accepted"].sum() == 0 < those(Worker)["accepted"].sum()
    starts = played[Early].today[: played[Early].workers_count]
    inside, there = those_rows(played[Early]), played[Early].worker_rows["bits"][: len(starts)] & ACTIVE > 0
    assert (starts[inside & there] == 5).all() and (starts[~inside] != 5).any()
    first = those(Proud)["number"] < 40
    assert np.isclose(those(Proud)["log_reservation"][first], np.log(1000.0)).all() and first.any()
    assert (those(Loyal)["bits"] & ACTIVE > 0).all() and (those(Worker)["bits"] & ACTIVE == 0).any()
    first = those(Fickle)["number"] < 40
    assert (those(Fickle)["bits"][first] & ACTIVE == 0).all() and first.any()
    moved = [w for w in played[Southern].agents_by_type[Southern] if w.country == "STH" and w.id < 40]
    assert {worker.platform for worker in moved} == {"southern"}
    generous, modest, absurd = (played[kind].requester_rows for kind in (Generous, Modest, Absurd))
    assert (generous["target"] > plain.requester_rows["target"]).all()
    assert (modest["serial"] == 0).all() and modest["batches_per_day"].sum() == 0
    fee = 1.0 + plain.platform_rows["requester_fee_ppm"][0] / 1e6
    most = absurd["value"] * absurd["bias"] / (fee * absurd["markup"])
    assert np.allclose(absurd["target"], most), "the bounds hold for all"
    for model in played.values():
        recounted(model)
    return len(played)


# --- on demand -------------------------------------------------------------------------------------


def on_demand() -> int:
    """Above ``compute.views_up_to`` agents come when asked for, the same; overriding classes still count."""
    eager = fortnight(worker_classes={"casual": Southern})
    config = lively(days=8, workers=40)
    sparing = replace(config, compute=replace(config.compute, views_up_to=39))
    lazy = run(sparing, hours=WEEK + 20, worker_classes={"casual": Southern})
    assert fingerprint(lazy) == fingerprint(eager)
    kinds = {kind: len(list(agents)) for kind, agents in lazy.agents_by_type.items() if len(list(agents))}
    counts = {kind: len(list(eager.agents_by_type[kind])) for kind in kinds}
    assert Worker not in kinds and Southern in kinds and kinds == counts
    twins = {worker.row: worker for worker in workers_of(eager)}
    names = [name for name, value in vars(Worker).items() if isinstance(value, (Column, property))]
    for row, twin in twins.items():
        worker = lazy.views.worker(row)
        assert type(worker) is type(twin) and lazy.views.worker(row) is worker
        assert [getattr(worker, name) for name in names] == [getattr(twin, name) for name in names]
        assert (worker.plan_day(9), worker.leaves()) == (twin.plan_day(9), twin.leaves())
    assert len(workers_of(lazy)) == len(twins), "and then they are among the agents"
    row = next(row for row, worker in twins.items() if type(worker) is Worker)
    lazy.views.worker(row).remove()
    assert row not in {worker.row for worker in workers_of(lazy)}
    return len(twins) * len(names)


# --- copies ----------------------------------------------------------------------------------------


def deep(model: ClickWorkModel) -> ClickWorkModel:
    return copy.deepcopy(model)


def pickled(model: ClickWorkModel) -> ClickWorkModel:
    result = pickle.loads(pickle.dumps(model))
    assert isinstance(result, ClickWorkModel)
    return result


def copies() -> int:
    """A copy goes on to the same bits, recorder and data collector with it, and neither touches the other."""
    done = 0
    for make in (deep, pickled):
        model = ClickWorkModel(lively(days=9, workers=40), worker_classes={"casual": Southern})
        model.observers.append(Recorder(model))
        model.datacollector = collector()
        for hours in (WEEK - 30, 31):
            model.run(hours)
            model.datacollector.collect(model)
        stood = fingerprint(model)
        twin = make(model)
        gc.collect()
        assert fingerprint(twin) == stood
        ids = sorted(agent.unique_id for agent in twin.agents)
        assert ids == sorted(agent.unique_id for agent in model.agents)
        assert all(agent.model is twin for agent in twin.agents) and twin.views.model is twin
        assert all(agent.model is twin for asked in twin.overriding.values() for agent in asked)
        assert twin.observers[0].model is twin and twin.worker_rows.dtype.isalignedstruct
        rest = model.last_hour - model.hour
        twin.run(rest)
        assert fingerprint(model) == stood and model.hour == WEEK + 1, "the copy changed the original"
        finished = fingerprint(twin)
        model.run(rest)
        assert fingerprint(twin) == finished, "the original changed the copy"
        assert fingerprint(model) == finished, "the copy went another way"
        for each in (model, twin):
            recounted(each)
            each.datacollector.collect(each)
        assert (twin.steps, twin.running, twin.hour) == (model.steps, model.running, model.hour)
        assert model.datacollector.model_vars == twin.datacollector.model_vars
        frames = [each.observers[0].frames() for each in (model, twin)]
        for name in ("series", "workers", "batches", "flows"):
            assert getattr(frames[0], name).equals(getattr(frames[1], name)), name
        joined = twin.add_workers(0, 2) or list(twin.agents)[-2:]
        assert min(agent.unique_id for agent in joined) > max(ids), "an id was given twice"
        done += len(ids)
    return done


def open_accounts(model: ClickWorkModel) -> int:
    return int(model.ledger.accounts["pending"].sum())


def collector() -> Any:
    """Reporters of models and agents that can be pickled."""
    return mesa.DataCollector(
        model_reporters={"hour": "hour", "pending": open_accounts},
        agenttype_reporters={Platform: {"balance": balance_of}},
    )


def balance_of(agent: Any) -> int:
    return int(agent.balance)


def collected() -> int:
    """The data collector reports what the arrays hold, and looking changes nothing, however often."""
    plain, watched = ClickWorkModel(lively(days=3)), ClickWorkModel(lively(days=3))
    names = ("pending", "accepted", "platform", "duty", "learned_pay")
    methods = {
        "wage": lambda agent: agent.reservation_wage(),
        "plan": lambda agent: agent.plan_day(agent.model.hour // 24),
        "leaves": lambda agent: agent.leaves(),
        "choice": lambda agent: agent.choose_platform(),
    }
    data = mesa.DataCollector(
        model_reporters={"hour": "hour", "agents": lambda model: len(list(model.agents))},
        agenttype_reporters={
            Worker: dict(zip(names, names, strict=True)) | methods,
            Requester: {"target": "target", "next": lambda agent: agent.revise_pay()},
        },
    )
    for _ in range(48):
        plain.step()
        watched.step()
        data.collect(watched)
        if watched.hour % 7 == 0:
            data.collect(watched)
    assert fingerprint(plain) == fingerprint(watched)
    table = data.get_agenttype_vars_dataframe(Worker)
    last = table.xs(table.index.get_level_values(0).max(), level=0)
    active = watched.worker_rows[: watched.workers_count]
    assert last["accepted"].tolist() == active["accepted"].tolist()
    assert last["pending"].tolist() == active["pending"].tolist()
    assert data.get_model_vars_dataframe()["hour"].max() == 48
    return len(table)


def let_go() -> int:
    """A model that nobody holds is gone, agents, pool and all."""
    config = lively(days=1, workers=20)
    config = replace(config, compute=replace(config.compute, threads=2))
    models = [ClickWorkModel(config) for _ in range(2)]
    models[0].run(3)
    models.append(copy.deepcopy(models[0]))
    references = []
    for model in models:
        model.run(3)
        assert next(agent.unique_id for agent in model.agents) == 1
        references += [weakref.ref(model), weakref.ref(list(model.agents)[-1])]
    model = models = None  # type: ignore[assignment]
    gc.collect()
    assert not any(reference() is not None for reference in references), "a model is kept alive"
    return len(references)
