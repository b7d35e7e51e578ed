"""Every check of this folder notices a bug: what is planted is a method that lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.agents.base import RecordAgent
from sim.agents.requester import Requester, Worth
from sim.agents.traits import ACTIVE, PARTS, column_of
from sim.agents.views import Views
from sim.agents.worker import Worker
from sim.columns import Column
from sim.model import ClickWorkModel
from sim.numeric import exp
from tests.conftest import Exercised
from tests.mesa_api import checks
from tests.mesa_api.market import looked_at
from tests.mesa_api.test_agents import CHECKS


def only_at_the_start(self: Any, rows: Any, sound: Any = Views.add) -> None:
    """Make no agents of joiners."""
    if not hasattr(self.model, "views"):
        sound(self, rows)


def copy_once(self: Any, agent: Any, owner: Any = None, sound: Any = Column.__get__) -> Any:
    """Remember what was read first."""
    return self if agent is None else vars(agent).setdefault(f"_{self.field}", sound(self, agent, owner))


def write_a_copy(self: Any, agent: Any, value: Any) -> None:
    """Write to a copy of the records."""
    if self.read_only:
        raise AttributeError(self.read_only)
    copy = getattr(agent.model, self.store).copy()
    if self.part:
        self.part.put(copy, agent.row, value)
    else:
        copy[self.field][agent.row] = value


def write_all(self: Any, agent: Any, value: Any) -> None:
    """Write what is read-only."""
    rows = getattr(agent.model, self.store)
    if self.part:
        self.part.put(rows, agent.row, value)
    else:
        rows[self.field][agent.row] = value


def read_the_neighbour(self: Any, agent: Any, owner: Any = None) -> Any:
    """Read the row before."""
    if agent is None:
        return self
    row = getattr(agent.model, self.store)[agent.row - 1]
    return (self.part.of(row) if self.part else row[self.field]).item()


def move_and_stay(self: Any, rows: Any, platforms: Any) -> None:
    """Finish the session on the old platform."""
    self._close_accounts(rows, forfeits=False)
    PARTS["platform"].put(self.worker_rows, rows, platforms)
    self.place_on_tiles(rows)
    self.needs_bucketing = True


def move_unnoticed(self: Any, rows: Any, platforms: Any, sound: Any = ClickWorkModel.move_workers) -> None:
    """Forget to sort today's workers anew."""
    sound(self, rows, platforms)
    self.needs_bucketing = False


def plan_unnoticed(self: Any, row: int, session: Any, sound: Any = ClickWorkModel.change_duty) -> None:
    """Forget to sort today's workers anew."""
    sound(self, row, session)
    self.needs_bucketing = False


def plan_only(self: Any, row: int, session: Any, sound: Any = ClickWorkModel.change_duty) -> None:
    """Leave a session that has begun as it is."""
    kept = [board.active["minutes"].copy() for board in self.boards]
    sound(self, row, session)
    for board, minutes in zip(self.boards, kept, strict=True):
        board.active["minutes"] = minutes


def leave_paid(self: Any, rows: Any) -> None:
    """Pay leavers in full."""
    self._close_accounts(rows, forfeits=False)
    self.worker_rows["bits"][rows] &= np.uint8(255 - ACTIVE)
    self.views.forget(rows)


def retire_for_a_week(self: Any, row: int) -> None:
    """Post nothing until demand is revised."""
    self.requester_rows["batches_per_day"][row] = 0.0


def ask_twice(self: Any, decision: str, *facts: Any, sound: Any = ClickWorkModel.ask) -> Any:
    """Ask everybody twice."""
    sound(self, decision, *facts)
    return sound(self, decision, *facts)


def draw_for_good(self: Any, row: int, day: int) -> Any:
    """Draw a plan on the record itself when somebody only asks."""
    today = np.zeros(1, np.int8)
    self.draw_sessions(0, 1, day, self.worker_rows[row : row + 1], today)
    return None if today[0] < 0 else (int(today[0]), int(column_of(self.worker_rows[row], "session_minutes")))


def a_minute_less(self: Any, row: int, day: int, sound: Any = ClickWorkModel.drawn_plan) -> Any:
    """Give plans that are a minute short."""
    plan = sound(self, row, day)
    return plan and (plan[0], max(1, plan[1] - 1))


def plain_workers(self: Any, row: int) -> Any:
    """Make agents of the base class on demand."""
    return Worker(self.model, int(row))


def accounts_of_the_original(
    self: Any, state: dict[str, Any], sound: Any = ClickWorkModel.__setstate__
) -> None:
    """Keep booking on records that are not the copy's."""
    sound(self, state)
    self.ledger.open("pending", self.worker_rows["pending"].copy())


KEPT: list[Any] = []


def keep_all(self: Any, model: Any, row: int, sound: Any = RecordAgent.__init__) -> None:
    """Keep every model alive, as a dictionary in a class does."""
    sound(self, model, row)
    KEPT.append(model)


PLANTS: dict[str, tuple[Callable[[], int], Any, str, Any]] = {
    "joiners who are no agents": (checks.registered, Views, "add", only_at_the_start),
    "leavers who stay agents": (checks.registered, Views, "forget", lambda self, rows: None),
    "a copy is read": (checks.attributes, Column, "__get__", copy_once),
    "a copy is written": (checks.attributes, Column, "__set__", write_a_copy),
    "balances written": (checks.attributes, Column, "__set__", write_all),
    "writing without effect": (checks.written_state_counts, Column, "__set__", write_a_copy),
    "movers who finish on the old board": (
        checks.moved_off_the_board, ClickWorkModel, "move_workers", move_and_stay,
    ),
    "movers who are not sorted anew": (
        checks.moved_off_the_board, ClickWorkModel, "move_workers", move_unnoticed,
    ),
    "platforms that admit all": (
        checks.moved_only_where_admitted, ClickWorkModel, "admitting_platform",
        lambda self, row, name: self.platform_names.index(name),
    ),
    "sessions that are not sorted anew": (
        checks.duty_as_written, ClickWorkModel, "change_duty", plan_unnoticed,
    ),
    "sessions in progress that go on": (checks.duty_as_written, ClickWorkModel, "change_duty", plan_only),
    "removed in name only": (checks.removal, Worker, "remove", RecordAgent.remove),
    "nothing forfeited": (checks.removal, ClickWorkModel, "remove_workers", leave_paid),
    "values that are set for a week": (checks.value_as_set, Worth, "__set__", Column.__set__),
    "removed requesters who come back": (
        checks.removed_requester, ClickWorkModel, "retire_requester", retire_for_a_week,
    ),
    "the neighbour's row": (checks.agent_sets, Column, "__get__", read_the_neighbour),
    "yesterday's plan": (
        checks.foretold_plans, Worker, "plan_day", lambda self, day: self.model.duty_of(self.row),
    ),
    "wages that learn nothing": (
        checks.foretold_wages, Worker, "reservation_wage", lambda self: float(exp(self.log_base_reservation)),
    ),
    "weeks that are not counted yet": (
        checks.foretold_leaving, Worker, "leaves", lambda self: self.weeks_below >= 1,
    ),
    "nobody moves": (checks.foretold_platforms, Worker, "choose_platform", lambda self: self.platform),
    "last week's target": (checks.foretold_targets, Requester, "revise_pay", lambda self: self.target),
    "demand of the base": (
        checks.foretold_targets, Requester, "revise_demand", lambda self: self.base_demand,
    ),
    "agents who take anything": (checks.foretold_acceptance, Worker, "accepts", lambda self, pay: True),
    "pay perceived without speed": (
        checks.foretold_acceptance, Worker, "perceived_pay",
        lambda self, reward, seconds, noise=0.0, told=None: float(exp(noise)) * reward * 3600.0 / seconds,
    ),
    "plans a minute short": (checks.same_bits, ClickWorkModel, "drawn_plan", a_minute_less),
    "asked twice": (checks.asked_as_often_as_due, ClickWorkModel, "ask", ask_twice),
    "everybody looped": (checks.asked_as_often_as_due, checks.Plain, "overridden", Worker.decisions),
    "nobody asked": (checks.outcomes_change, ClickWorkModel, "ask", lambda self, decision, *facts: []),
    "a target without bounds": (
        checks.outcomes_change, ClickWorkModel, "set_target",
        lambda self, row, target: self.requester_rows["target"].__setitem__(row, target),
    ),
    "other agents on demand": (checks.on_demand, Views, "worker", plain_workers),
    "accounts of the original": (checks.copies, ClickWorkModel, "__setstate__", accounts_of_the_original),
    "questions that leave a trace": (checks.collected, ClickWorkModel, "drawn_plan", draw_for_good),
    "models kept by a class": (checks.let_go, RecordAgent, "__init__", keep_all),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_planted_bugs_are_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check fails while the method lies."""
    check, owner, attribute, lie = PLANTS[name]
    for hours in (180, 192):
        looked_at(hours)
    monkeypatch.setattr(owner, attribute, lie)
    try:
        with pytest.raises((AssertionError, RuntimeError, LookupError)):
            check()
    finally:
        KEPT.clear()


def test_every_check_has_a_planted_bug(exercised: Exercised) -> None:
    """No check without a bug that it notices."""

    assert {check for check, _ in CHECKS.values()} == {plant[0] for plant in PLANTS.values()}
    exercised("planted bugs noticed", len(PLANTS), len(CHECKS))
