"""The numbers of the configuration that the kernels look up, as one record."""

from __future__ import annotations

import numpy as np

from sim.agents.rules import size_scale
from sim.agents.traits import TASK_TYPE
from sim.columns import Records, records
from sim.config import Config, TaskType
from sim.numeric import log

SETTINGS = records(
    [
        ("looks", "i8"),
        ("max_rounds", "i8"),
        ("noise_sigma", "f8"),
        ("noise_experienced_sigma", "f8"),
        ("noise_half_tasks", "f8"),
        ("pay_spread", "f8"),
        ("taste_sigma", "f8"),
        ("log_return_ratio", "f8"),
        ("return_share", "f8"),
        ("pace_sigma", "f8"),
        ("spell_seconds", "f8"),
        ("spell_log_sigma", "f8"),
        ("rejection_prior", "f8"),
        ("rejection_prior_tasks", "f8"),
        ("life_log_sigma", "f8"),
        ("demand_cap_days", "f8"),
        ("speed_gain", "f8"),
        ("speed_half_tasks", "f8"),
        ("office_start", "i8"),
        ("office_hours", "i8"),
        ("night_weight", "f8"),
        ("pay_arm_spread", "f8"),
        ("pay_step", "f8"),
        ("pay_step_smallest", "f8"),
        ("pay_minimum_tasks", "i8"),
        ("delay_cost", "f8"),
        ("target_fill_days", "f8"),
        ("pay_smoothing", "f8"),
        ("reservation_weight", "f8"),
        ("floor_on_true_time", "i8"),
        ("tool_share", "f8"),
        ("tool_half_tasks", "f8"),
        ("tool_look_ratio", "f8"),
        ("tool_reservation_weight", "f8"),
        ("size_elasticity", "f8"),
        ("size_seconds", "f8"),
    ]
)

NEVER_RETURNS = -1e300


def make_settings(config: Config) -> Records:
    """Return the settings record (one row) of a configuration."""
    market, requesters, learning = config.market, config.requesters, config.learning
    row = np.zeros(1, SETTINGS)
    row[0] = (
        market.looks,
        market.max_rounds,
        market.noise_sigma,
        market.noise_experienced_sigma,
        market.noise_half_tasks,
        market.pay_spread,
        market.taste_sigma,
        log(market.return_ratio) if market.return_ratio > 0 else NEVER_RETURNS,
        market.return_share,
        market.pace_sigma,
        60.0 * market.spell_minutes,
        market.spell_log_sigma,
        market.rejection_prior,
        market.rejection_prior_tasks,
        market.life_hours_log_sigma,
        market.demand_cap_days,
        config.workers.speed_gain,
        config.workers.speed_half_tasks,
        requesters.office_start,
        requesters.office_hours,
        requesters.night_weight,
        requesters.pay_arm_spread,
        requesters.pay_step,
        requesters.pay_step_smallest,
        requesters.pay_minimum_tasks,
        requesters.delay_cost,
        requesters.target_fill_hours / 24.0,
        learning.pay_smoothing,
        learning.reservation_weight,
        config.policy.wage_floor is not None and config.policy.wage_floor.basis == "actual",
        config.workers.tool_share,
        config.workers.tool_half_tasks,
        config.workers.tool_look_ratio,
        config.workers.tool_reservation_weight,
        requesters.size_seconds_elasticity,
        requesters.size_seconds,
    )
    return row


def make_task_types(config: Config) -> Records:
    """Return the records of the task types, in the order of the configuration."""
    rows = np.zeros(len(config.task_types), TASK_TYPE)
    for i, task in enumerate(config.task_types.values()):
        rows[i] = task_type_row(task, config)
    return rows


def task_type_row(task: TaskType, config: Config) -> tuple[float, ...]:
    """Return the fields of ``TASK_TYPE`` for one task type."""
    requesters = config.requesters
    return (
        task.median_seconds,
        task.log_sigma_seconds,
        task.one_task_share,
        task.size_exponent,
        task.largest_batch,
        size_scale(
            float(requesters.size_seconds),
            float(task.median_seconds),
            float(requesters.size_seconds_elasticity),
        ),
        task.pay_factor,
        task.exposure,
        task.assignments_per_task,
        task.one_task_many_workers,
        task.skill,
        task.tertiary,
        task.actions_per_task,
        config.market.life_hours_median if task.life_hours is None else task.life_hours,
    )
