"""The worker as a Mesa agent: a view of one row, and the decisions that a subclass may make itself."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sim.agents import rules
from sim.agents.base import RecordAgent
from sim.agents.traits import ACTIVE, OTHER_JOB, PARTS, TERTIARY, WOMAN, column_of, worker_id
from sim.columns import Column
from sim.numeric import exp, log

BY_LEDGER = "Balances change only through Ledger.transfer."
BY_DUTY = "Sessions change only through duty = (UTC hour of the day, minutes) or None."


class Worker(RecordAgent):
    """A person who does click work.

    Attributes read and write the records that the kernels use. Money is in micro-dollars, pay in USD
    an hour (-1 before anything is known), times in seconds, ``desired_minutes`` a week. Write between
    two hours, as from outside or in an observer; the next hour goes by what was written.
    """

    decisions: ClassVar[tuple[str, ...]] = ("plan_day", "reservation_wage", "leaves", "choose_platform")
    compiled: ClassVar[tuple[str, ...]] = ("perceived_pay", "accepts")

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
    week_paid_seconds = Column("worker_rows", part=PARTS["week_paid_seconds"])
    session_start = Column("worker_rows", read_only=BY_DUTY, part=PARTS["session_start"])
    session_minutes = Column("worker_rows", read_only=BY_DUTY, part=PARTS["session_minutes"])
    collective_number = Column("worker_rows", "collective", read_only="A worker's collective never changes.")
    look_seconds = Column("worker_rows")
    desired_minutes = Column("worker_rows")
    skill = Column("worker_rows", part=PARTS["skill"])
    patience = Column("worker_rows")
    weeks_below = Column("worker_rows", part=PARTS["weeks_below"])

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
        """Name of the worker's platform.

        Writing it moves the worker: the old one pays what is pending, a session on it ends with the hour,
        and one that has not begun begins on the new one.
        """
        return str(self.model.platform_names[self._field("platform")])

    @platform.setter
    def platform(self, name: str) -> None:
        number = self.model.admitting_platform(self.row, name)
        if number != self._field("platform"):
            self.model.move_workers(np.array([self.row]), np.array([number], np.uint8))

    @property
    def duty(self) -> tuple[int, int] | None:
        """Today's session as (UTC hour of the day, minutes), or None on a day off.

        Writing it replaces the session from the next hour on, within the rule of rest. A session that has
        begun can only be made shorter or longer, or ended by None. Today's sessions are drawn in the day's
        first hour; who wants to decide before overrides ``plan_day``.
        """
        return self.model.duty_of(self.row)  # type: ignore[no-any-return]

    @duty.setter
    def duty(self, session: tuple[int, int] | None) -> None:
        self.model.change_duty(self.row, session)

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
    def newcomer(self) -> bool:
        """Whether the worker moved to the platform and has no record there that counts yet."""
        return bool(self._field("newcomer"))

    @property
    def union_member(self) -> bool:
        """Whether the worker is a member of the union."""
        return bool(self._field("member"))

    @union_member.setter
    def union_member(self, member: bool) -> None:
        PARTS["member"].put(self.model.worker_rows, self.row, int(bool(member)))

    @property
    def hears_ratings(self) -> bool:
        """Whether the worker hears how requesters treated members of the union: as one, or from one."""
        if not self.model.terms_of(self.row)["ratings"] > 0.0:
            return False
        group = int(self.model.worker_rows["collective"][self.row])
        return self.union_member or (group >= 0 and bool(self.model.offices.ratings.informed[group]))

    @property
    def accuracy(self) -> float:
        """Share of tasks the worker does right."""
        return float(self._field("accuracy")) / 255.0

    def _field(self, name: str) -> int:
        return int(column_of(self.model.worker_rows[self.row], name))

    # --- decisions: what the engine computes from what is known; a subclass may override any of them ---

    def plan_day(self, day: int) -> tuple[int, int] | None:
        """Session of a day as (UTC hour of the day, minutes), or None for a day off; asked at 00 UTC."""
        return self.model.drawn_plan(self.row, day)  # type: ignore[no-any-return]

    def reservation_wage(self) -> float:
        """USD per hour below which a listing is passed over; asked weekly, when the week's pay is learned.

        An income that comes without work counts as it is paid this month. One that depends on tasks binds
        whatever is answered here until they are done.
        """
        weight = float(self.model.reservation_weight(self.row))
        learned = rules.log_reservation(self.log_base_reservation, self.all_in_pay, weight)
        return float(exp(learned + self.log_rise_by_income()))

    def log_rise_by_income(self) -> float:
        """Log points by which this month's income without work raises ``log_reservation``; 0 without one."""
        return float(self.model.log_rise_by_income(self.row))

    def leaves(self) -> bool:
        """Whether the worker leaves the market at the end of this week.

        Asked when the week's pay is learned, before the week is counted in ``weeks_below``.
        """
        return bool(self.model.would_leave(self.row))

    def choose_platform(self) -> str:
        """Name of the platform to be on from this week.

        Asked weekly, when pay on the platforms is known; who joins begins where the compiled rule says.
        """
        return str(self.model.chosen_platform(self.row))

    # --- what the engine asks of the rules, for one listing ---

    def perceived_pay(
        self, reward_usd: float, stated_seconds: float, noise: float = 0.0, requester: int | None = None
    ) -> float:
        """Net hourly pay in USD that a listing is believed to give; taste and exposure are left out.

        ``noise``, in log points, is added to what is believed. What those who share ratings know of a
        ``requester`` (its row) counts if it is named.
        """
        settings = self.model.settings[0]
        done = float(self.accepted + self.rejected)
        speed = self.log_speed + rules.speed_log_gain(
            done, float(settings["speed_gain"]), float(settings["speed_half_tasks"])
        )
        terms = self.model.terms_of(self.row)
        fee_ppm = self.model.platform_rows["worker_fee_ppm"][self._field("platform")] + terms["withheld_ppm"]
        fee = float(fee_ppm) / 1e6
        believed = rules.believed_rejection(
            float(self.accepted),
            float(self.rejected),
            float(settings["rejection_prior"]),
            float(settings["rejection_prior_tasks"]),
        )
        sigma = rules.noise_sigma(
            done,
            float(settings["noise_sigma"]),
            float(settings["noise_experienced_sigma"]),
            float(settings["noise_half_tasks"]),
        )
        if self.union_member:
            sigma *= float(terms["noise"])
        stated = log(reward_usd * 3600.0 / stated_seconds) + speed + log(1.0 - fee) + log(1.0 - believed)
        if requester is not None and self.hears_ratings:
            rated = self.model.offices.ratings.tasks[requester]
            tasks = float(settings["rejection_prior_tasks"])
            stated += rules.rating_effect(believed, float(rated[0]), float(rated[1]), tasks)
        if self.learned_pay <= 0.0:
            return float(exp(stated + noise))
        trust = rules.trust(sigma, float(settings["pay_spread"]))
        return float(exp(trust * stated + (1.0 - trust) * log(self.learned_pay) + noise))

    def accepts(self, perceived_pay: float) -> bool:
        """Whether a listing of this perceived hourly pay (USD) is taken."""
        log_reservation = self.model.held_log_reservation(self.row)
        return bool(self.model.kernels.accepts(log(perceived_pay), log_reservation))

    def remove(self) -> None:
        """Leave the market for good: pending money below the payout threshold is forfeited."""
        if self.active:
            self.model.remove_workers(np.array([self.row]))
        else:
            super().remove()
