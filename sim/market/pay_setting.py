"""Pay setting: what requesters learn from finished batches and how they revise their pay target."""

from __future__ import annotations

from typing import Any

from sim.agents.rules import bounded_target
from sim.agents.rules import profit_search as revised_target  # replaceable: revised_target
from sim.compile import integer, kernel, real
from sim.market.posting import HIGH_ARM


@kernel
def note_finished(finished: Any, count: int, requesters: Any, recording: bool) -> None:
    """Add finished batches to their requesters' arms and totals."""
    for i in range(count):
        batch = finished[i]
        requester = requesters[batch.requester]
        done = integer(batch.accepted) + integer(batch.rejected)
        closed = done + integer(batch.expired)
        if batch.arm == HIGH_ARM:
            requester.high_closed += closed
            requester.high_done += done
            requester.high_waited += batch.waited_seconds
        else:
            requester.low_closed += closed
            requester.low_done += done
            requester.low_waited += batch.waited_seconds
        if recording:
            requester.accepted += integer(batch.accepted)
            requester.rejected += integer(batch.rejected)
            requester.expired += integer(batch.expired)
            requester.fees += integer(batch.fee)
            requester.spent += integer(batch.accepted) * integer(batch.reward) + integer(batch.fee)


@kernel
def revise_pay(requesters: Any, platforms: Any, settings: Any) -> None:
    """Revise the pay target of every requester that has seen enough of both arms; begin new arms."""
    setting = settings[0]
    needed = integer(setting.pay_minimum_tasks)
    for r in range(len(requesters)):
        requester = requesters[r]
        if requester.low_closed < needed or requester.high_closed < needed:
            continue
        low = real(requester.low_closed)
        high = real(requester.high_closed)
        platform = platforms[requester.platform]
        cost_factor = 1.0 + real(platform.requester_fee_ppm) / 1000000.0
        floor = real(platform.reward_floor)
        pay = real(requester.target)
        spread = real(setting.pay_arm_spread)
        target = revised_target(
            pay,
            real(requester.value),
            cost_factor,
            max(floor, pay * (1.0 - spread)),
            max(floor, pay * (1.0 + spread)),
            real(setting.pay_step),
            real(requester.low_done) / low,
            real(requester.low_waited) / (86400.0 * low),
            real(requester.high_done) / high,
            real(requester.high_waited) / (86400.0 * high),
            real(setting.delay_cost),
            real(setting.target_fill_days),
        )
        requester.target = bounded_target(target, real(requester.value), cost_factor, floor)
        requester.low_closed = 0
        requester.low_done = 0
        requester.low_waited = 0
        requester.high_closed = 0
        requester.high_done = 0
        requester.high_waited = 0
