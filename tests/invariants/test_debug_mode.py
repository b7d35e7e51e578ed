"""Debug mode stops a run at every kind of damage, with a sentence that says what, where, and both values."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.agents.traits import ACTIVE
from sim.ledger import ModelError
from sim.market import board as boards
from sim.market import invariants
from sim.market.invariants import check_hour
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.observers import Watcher
from tests.support.plants import choosy

HOUR = 34


class Stopped(Watcher):
    """Keeps a model as it is at the end of an hour, before anyone goes off duty."""

    def hour(self, model: Any) -> None:
        """Check, as debug mode does, and keep the busy hour."""
        check_hour(model)
        if model.hour == HOUR:
            observers, model.observers = model.observers, []
            self.model = copy.deepcopy(model)
            model.observers = observers


@pytest.fixture(scope="module")
def busy() -> Any:
    """A model in the middle of an hour with open and exhausted batches, people at work and tasks rejected."""
    stopped = Stopped()
    model = ClickWorkModel(choosy(3, seed=25)())
    model.observers.append(stopped)
    model.run()
    return stopped.model


def first_open(model: Any) -> int:
    """Slot of an open batch on which someone worked."""
    board = model.boards[0]
    return int(
        np.flatnonzero(
            (board.batches["open"] > 0) & (board.batches["accepted"] > 1) & (board.listings["left"] > 1)
        )[0]
    )


def shift(array: str, field: str, by: int, where: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return a damage: one number of a board's records, a little off."""

    def damage(model: Any) -> None:
        getattr(model.boards[0], array)[field][where(model)] += by

    return damage


def first_event(model: Any) -> int:
    """Number of an event of several tasks."""
    return int(
        np.flatnonzero(model.boards[0].events["done"][: int(model.boards[0].state[boards.EVENTS])] > 1)[0]
    )


def place_of_event(model: Any) -> int:
    """Place on duty of the worker of that event."""
    return int(model.boards[0].events["active"][first_event(model)])


def slot_of_event(model: Any) -> int:
    """Slot of the batch of that event."""
    return int(model.boards[0].events["slot"][first_event(model)])


def row_of_event(model: Any) -> int:
    """Row of the worker of that event."""
    return int(model.boards[0].active["row"][place_of_event(model)])


def lose_taker(model: Any) -> None:
    model.boards[0].table[:] = -1


def twice_in_order(model: Any) -> None:
    board = model.boards[0]
    board.orders[2, 1] = board.orders[2, 0]


def swap_order(model: Any) -> None:
    order = model.boards[0].orders[0]
    order[[0, int(model.boards[0].state[boards.OPEN]) - 1]] = order[
        [int(model.boards[0].state[boards.OPEN]) - 1, 0]
    ]


def not_active(model: Any) -> None:
    model.worker_rows["bits"][row_of_event(model)] &= np.uint8(255 - ACTIVE)


def other_id(model: Any) -> None:
    model.worker_rows["number"][row_of_event(model)] += 1


def worked_all_day(model: Any) -> None:
    ring = vars(model)["_watch"].ring
    ring[:, row_of_event(model)] = np.where(
        np.arange(24) == model.hour % 24, ring[:, row_of_event(model)], 3600
    )


def twice_on_duty(model: Any) -> None:
    board = model.boards[0]
    count = int(board.state[boards.ACTIVE_COUNT])
    board.room_for_active(1)
    board.active[count] = board.active[place_of_event(model)]
    board.active["searched"][count] = 0
    board.active["left"][count] = board.active["duty"][count]
    board.state[boards.ACTIVE_COUNT] += 1


def owes(model: Any) -> None:
    model.worker_rows["balance"][row_of_event(model)] = -1


def too_much_escrow(model: Any) -> None:
    slot = int(np.flatnonzero(model.boards[0].batches["open"] == 0)[0])
    model.boards[0].batches["escrow"][slot] = 5


def lost_money(model: Any) -> None:
    model.ledger.accounts["owners"][0] += 1


def other_total(model: Any) -> None:
    model.ledger.totals[1] += 1
    model.ledger.totals[13] -= 1


def set_of_listing(field: str, value: int) -> Callable[[Any], None]:
    """Return a damage: work done that was closed to the worker."""

    def damage(model: Any) -> None:
        model.boards[0].listings[field][slot_of_event(model)] = value

    return damage


def set_state(place: int) -> Callable[[Any], None]:
    """Return a damage: a count of rows in use that is one too high."""

    def damage(model: Any) -> None:
        model.boards[0].state[place] += 1

    return damage


def tally(column: int) -> Callable[[Any], None]:
    """Return a damage: the hour's tally of a country."""

    def damage(model: Any) -> None:
        model.boards[0].tally[model.utc_hour, 1, column] += 1

    return damage


def demand(column: int) -> Callable[[Any], None]:
    """Return a damage: the hour's count of a requesters' country."""

    def damage(model: Any) -> None:
        model.boards[0].demands[model.utc_hour, 0, column] += 1

    return damage


def reward_row(field: str, value: int, kind: int) -> Callable[[Any], None]:
    """Return a damage: one transfer of the hour's settlement."""

    def damage(model: Any) -> None:
        board = model.boards[0]
        rows = board.rows[: int(board.state[boards.ROWS])]
        rows[field][np.flatnonzero(rows["kind"] == kind)[0]] = value

    return damage


def large_rounding(model: Any) -> None:
    board = model.boards[0]
    row = board.rows[int(board.state[boards.ROWS])]
    row["kind"], row["amount"], row["debit"] = invariants.PENDING_ROUNDING, 3, row_of_event(model)
    board.state[boards.ROWS] += 1


def paid_though_gone(model: Any) -> None:
    # Someone who is not on duty, so that only the payment is wrong.
    board = model.boards[0]
    on_duty = board.active["row"][: int(board.state[boards.ACTIVE_COUNT])]
    row = int(np.setdiff1d(np.arange(model.workers_count), on_duty)[0])
    model.worker_rows["bits"][row] &= np.uint8(255 - ACTIVE)
    reward_row("credit", row, invariants.REWARD)(model)


DAMAGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "left": ("assignments left", shift("listings", "left", 1, first_open)),
    "reviewed": ("accepted and rejected", shift("batches", "rejected", 1, first_open)),
    "assignments": ("assignments of batch", shift("batches", "tasks", 1, first_open)),
    "escrow": ("micro-dollars in escrow of batch", shift("batches", "escrow", -1, first_open)),
    "escrow left behind": ("after it left the board", too_much_escrow),
    "twice in an order": ("sort key|places in one of the orders", twice_in_order),
    "unsorted": ("sort key", swap_order),
    "free places": ("free places", set_state(boards.FREE)),
    "free takers": ("free rows for takers", set_state(boards.FREE_TAKERS)),
    "a taker lost": ("table of takers", lose_taker),
    "submitted": ("assignments left", shift("batches", "submitted", 1, first_open)),
    "identity": ("id while on duty", other_id),
    "twice on duty": ("boards on duty", twice_on_duty),
    "duty": ("seconds", shift("active", "duty", 3600, place_of_event)),
    "search": ("searched, worked and idle", shift("active", "searched", 1, place_of_event)),
    "idle": ("searched, worked and idle", shift("active", "left", -1, place_of_event)),
    "24 hours": ("seconds on duty in 24 hours", worked_all_day),
    "inactive": ("being active", not_active),
    "start": ("start", shift("events", "start", -1, first_event)),
    "end": ("start to end", shift("events", "end", 1, first_event)),
    "done": ("start to end|accepted|sort key", shift("events", "done", -1, first_event)),
    "accepted": ("tasks accepted", shift("events", "accepted", 10**6, first_event)),
    "country": ("country mask", set_of_listing("country_mask", 0)),
    "skill": ("skill", set_of_listing("skill", 9)),
    "education": ("tertiary", set_of_listing("tertiary", 2)),
    "approval": ("approved tasks", set_of_listing("approval_tasks", 10**9)),
    "expired": ("expired", shift("batches", "expires_hour", -(10**6), slot_of_event)),
    "reward": ("micro-dollars of rewards", reward_row("amount", 1, invariants.REWARD)),
    "rounding": ("one rounding", large_rounding),
    "paid though gone": ("being active when paid", paid_though_gone),
    "a debt": ("a balance", owes),
    "owners": ("owners", lost_money),
    "escrow total": ("the ledger says", other_total),
    **{f"tally {column}": (f"tally.*Column {column}", tally(column)) for column in invariants.COUNTED},
    **{
        f"demand {column}": (f"demand.*Column {column}", demand(column))
        for column in invariants.COUNTED_DEMAND
    },
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_stops_the_run(busy: Any, name: str) -> None:
    """Each kind of damage is found, and named."""
    words, damage = DAMAGES[name]
    model = copy.deepcopy(busy)
    vars(model)["_watch"].next_hour = model.hour  # the hour is checked again, with the day before it known
    check_hour(model)
    vars(model)["_watch"].next_hour = model.hour
    damage(model)
    with pytest.raises(ModelError, match=words) as fault:
        check_hour(model)
    assert len(str(fault.value).splitlines()) == 1


def test_every_fault_is_exercised(busy: Any, exercised: Exercised) -> None:
    """The list above reaches nearly every code that a check can give."""
    exercised("kinds of damage", len(DAMAGES), 45)
    board = busy.boards[0]
    exercised("events in the damaged hour", int(board.state[boards.EVENTS]), 3)


def test_debug_mode_runs_the_checks(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """``compute.debug`` has the checks run every hour; without it none runs."""
    hours: list[int] = []
    config = tiny(days=1)
    monkeypatch.setattr(invariants, "check_hour", lambda model: hours.append(model.hour))
    for debug in (False, True):
        model = ClickWorkModel(replace(config, compute=replace(config.compute, debug=debug)))
        model.run()
        assert hours == (list(range(24)) if debug else [])
    exercised("hours", len(hours), 24)
