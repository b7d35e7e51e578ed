"""The worker as a Mesa agent: a view of one row, and the decisions that a subclass may make itself."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sim.agents import rules
from sim.agents.base import RecordAgent
from sim.agents.traits import ACTIVE, OTHER_JOB, TERTIARY, WOMAN, worker_id
from sim.columns import Column
from sim.numeric import exp, log

BY_LEDGER = "Balances change only through Ledger.transfer."


class Worker(RecordAgent):
    """A person who does click work.

    Attributes read and write the records that the kernels use. Money is in micro-dollars, pay in USD
    an hour (-1 before anything is known), times in seconds, ``desired_minutes`` a week.
    """

    decisions: ClassVar[tuple[str, ...]] = ("plan_day", "reservation_wage", "leaves", "choose_platform")

    pending = Column("worker_rows", read_only=BY_LEDGER)
    balance = Column("worker_rows", read_only=BY_LEDGER)
    log_speed = Column("worker_rows")
    log_base_reservation = Column("worker_rows")
    log_reservation = Column("worker_rows")
    learned_pay = Column("worker_rows")
    all_in_pay = Column("worker_rows")
    week_pay = Column("worker_rows")
    accepted = Column("worker_rows")
    rejected = Column("worker_rows")
    week_seconds = Column("worker_rows")
    week_paid_seconds = Column("worker_rows")
    session_start = Column("worker_rows")
    session_minutes = Column("worker_rows")
    collective_number = Column("worker_rows", "collective")
    look_seconds = Column("worker_rows")
    desired_minutes = Column("worker_rows")
    skill = Column("worker_rows")
    patience = Column("worker_rows")
    weeks_below = Column("worker_rows")

    @property
    def id(self) -> int:
        """Permanent id: the key of all the worker's draws."""
        return int(worker_id(self._field("number"), self._field("country")))

    @property
    def country(self) -> str:
        """Code of the worker's country."""
        return str(self.model.world.codes[self._field("country")])

    @property
    def segment(self) -> str:
        """Name of the worker's segment."""
        return str(self.model.segment_names[self._field("segment")])

    @property
    def zone(self) -> str:
        """Name of the worker's time zone."""
        return str(self.model.world.zones[self._field("zone")])

    @property
    def platform(self) -> str:
        """Name of the worker's platform; writing it moves the worker: the old one pays what is pending."""
        return str(self.model.platform_names[self._field("platform")])

    @platform.setter
    def platform(self, name: str) -> None:
        number = self.model.platform_number(name)
        self.model.move_workers(np.array([self.row]), np.array([number], np.int8))
        self.model.needs_bucketing = True

    @property
    def active(self) -> bool:
        """Whether the worker is in the market."""
        return bool(self._field("bits") & ACTIVE)

    @property
    def woman(self) -> bool:
        """Whether the worker is a woman."""
        return bool(self._field("bits") & WOMAN)

    @property
    def tertiary(self) -> bool:
        """Whether the worker has tertiary education."""
        return bool(self._field("bits") & TERTIARY)

    @property
    def other_job(self) -> bool:
        """Whether the worker holds another job."""
        return bool(self._field("bits") & OTHER_JOB)

    @property
    def accuracy(self) -> float:
        """Share of tasks the worker does right."""
        return float(self._field("accuracy")) / 255.0

    def _field(self, name: str) -> int:
        return int(self.model.worker_rows[name][self.row])

    # --- decisions: what the engine computes; a subclass may override any of them ---

    def plan_day(self, day: int) -> tuple[int, int] | None:
        """Session of a day as (UTC hour of the day, minutes), or None for a day off."""
        return self.model.default_plan(self.row, day)  # type: ignore[no-any-return]

    def reservation_wage(self) -> float:
        """USD per hour below which a listing is passed over."""
        weight = float(self.model.settings["reservation_weight"][0])
        return float(exp(rules.log_reservation(self.log_base_reservation, self.all_in_pay, weight)))

    def leaves(self) -> bool:
        """Whether the worker leaves the market this week."""
        return bool(self.weeks_below >= self.model.config.learning.leave_weeks)

    def choose_platform(self) -> str:
        """Name of the platform the worker wants to be on from this week."""
        return str(self.model.default_platform(self.row))

    # --- what the engine asks of the rules, for one listing ---

    def perceived_pay(self, reward_usd: float, stated_seconds: float, noise: float = 0.0) -> float:
        """Net hourly pay in USD that a listing seems to give, ``noise`` in log points; tastes left out."""
        settings = self.model.settings[0]
        done = float(self.accepted + self.rejected)
        speed = self.log_speed + rules.speed_log_gain(
            done, float(settings["speed_gain"]), float(settings["speed_half_tasks"])
        )
        fee = float(self.model.platform_rows["worker_fee_ppm"][self._field("platform")]) / 1e6
        believed = rules.believed_rejection(
            float(self.accepted),
            float(self.rejected),
            float(settings["rejection_prior"]),
            float(settings["rejection_prior_tasks"]),
        )
        stated = log(reward_usd * 3600.0 / stated_seconds)
        return float(exp(stated + speed + log(1.0 - fee) + log(1.0 - believed) + noise))

    def accepts(self, perceived_pay: float) -> bool:
        """Whether a listing of this perceived hourly pay (USD) is taken."""
        return bool(self.model.kernels.accepts(log(perceived_pay), self.log_reservation))

    def remove(self) -> None:
        """Leave the market: pending money below the payout threshold is forfeited."""
        if self.active:
            self.model.remove_workers(np.array([self.row]))
        else:
            super().remove()


def changes(worker: Any) -> bool:
    """Whether an agent's class decides anything itself."""
    return bool(type(worker).overridden)
