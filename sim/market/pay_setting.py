"""Pay setting: what requesters learn from finished batches and how they revise their pay target."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.agents.rules import bounded_target
from sim.agents.rules import profit_search as revised_target  # replaceable: revised_target
from sim.compile import kernel
from sim.market.posting import HIGH_ARM


@kernel
def note_finished(finished: Any, count: int, requesters: Any, recording: bool) -> None:
    """Add finished batches to their requesters' arms and totals."""
    for i in range(count):
        batch = finished[i]
        requester = requesters[batch.requester]
        done = np.int64(batch.accepted) + np.int64(batch.rejected)
        closed = done + np.int64(batch.expired)
        if batch.arm == HIGH_ARM:
            requester.high_closed += closed
            requester.high_done += done
            requester.high_waited += batch.waited_seconds
        else:
            requester.low_closed += closed
            requester.low_done += done
            requester.low_waited += batch.waited_seconds
        if recording:
            requester.accepted += np.int64(batch.accepted)
            requester.rejected += np.int64(batch.rejected)
            requester.expired += np.int64(batch.expired)
            requester.fees += np.int64(batch.fee)
            requester.spent += np.int64(batch.accepted) * np.int64(batch.reward) + np.int64(batch.fee)


@kernel
def revise_pay(requesters: Any, platforms: Any, settings: Any) -> None:
    """Revise the pay target of every requester that has seen enough of both arms; begin new arms."""
    setting = settings[0]
    needed = np.int64(setting.pay_minimum_tasks)
    for r in range(len(requesters)):
        requester = requesters[r]
        if requester.low_closed < needed or requester.high_closed < needed:
            continue
        low = np.float64(requester.low_closed)
        high = np.float64(requester.high_closed)
        cost_factor = 1.0 + np.float64(platforms[requester.platform].requester_fee_ppm) / 1000000.0
        target = revised_target(
            np.float64(requester.target),
            np.float64(requester.value),
            cost_factor,
            np.float64(setting.pay_arm_spread),
            np.float64(setting.pay_step),
            np.float64(requester.low_done) / low,
            np.float64(requester.low_waited) / (86400.0 * low),
            np.float64(requester.high_done) / high,
            np.float64(requester.high_waited) / (86400.0 * high),
            np.float64(setting.delay_cost),
            np.float64(setting.target_fill_days),
        )
        requester.target = bounded_target(target, np.float64(requester.value), cost_factor)
        requester.low_closed = 0
        requester.low_done = 0
        requester.low_waited = 0
        requester.high_closed = 0
        requester.high_done = 0
        requester.high_waited = 0
