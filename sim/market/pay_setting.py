"""Pay setting: what requesters learn from finished batches and how they revise their pay target."""

from __future__ import annotations

from typing import Any

from sim.agents.rules import arm_profit, bounded_target, next_step
from sim.agents.rules import profit_search as revised_target  # replaceable: revised_target
from sim.compile import fetch, index, integer, kernel, real
from sim.market.board import turn_ahead
from sim.market.posting import HIGH_ARM, lowest_pay_of


@kernel
def note_finished(
    first: int, last: int, finished: Any, count: int, requesters: Any, subsidies: Any, recording: bool
) -> None:
    """Add finished batches of requesters ``first`` to ``last`` to their arms and totals.

    Work done right is worth something whether it was accepted or rejected; only accepted work costs, less the
    share of it that ``subsidies`` of the requester's country give back.
    """
    for i in range(count):
        ahead = integer(finished[index(turn_ahead(i, count))].requester)
        if first <= ahead < last:
            fetch(requesters, index(ahead))
        batch = finished[index(i)]
        if not first <= integer(batch.requester) < last:
            continue
        requester = requesters[index(batch.requester)]
        closed = integer(batch.accepted) + integer(batch.rejected) + integer(batch.expired)
        worth = real(batch.worth)
        whole = real(closed) * worth
        gained = real(batch.right) / 255.0 * worth
        own_share = 1.0 - subsidies[requester.country]
        spent = real(integer(batch.accepted) * integer(batch.reward) + integer(batch.fee)) * own_share
        delayed = real(batch.waited_seconds) / 86400.0 * worth
        requester.asked += real(closed) * real(batch.reward) * (1.0 + real(batch.fee_ppm) / 1000000.0)
        requester.expected += real(closed) * real(batch.expected_cost)
        if batch.arm == HIGH_ARM:
            requester.high_closed += closed
            requester.high_worth += whole
            requester.high_gained += gained
            requester.high_spent += spent
            requester.high_delayed += delayed
        else:
            requester.low_closed += closed
            requester.low_worth += whole
            requester.low_gained += gained
            requester.low_spent += spent
            requester.low_delayed += delayed
        if recording:
            requester.accepted += integer(batch.accepted)
            requester.rejected += integer(batch.rejected)
            requester.expired += integer(batch.expired)
            requester.fees += integer(batch.fee)
            requester.spent += integer(batch.accepted) * integer(batch.reward) + integer(batch.fee)


@kernel
def revise_pay(requesters: Any, platforms: Any, floors: Any, subsidies: Any, settings: Any) -> None:
    """Revise the pay target of every requester that has seen enough of both arms; begin new arms.

    Who pays what is held to be fair does not look for less.
    """
    setting = settings[0]
    needed = integer(setting.pay_minimum_tasks)
    delay_cost = real(setting.delay_cost)
    for r in range(len(requesters)):
        requester = requesters[r]
        if requester.low_closed < needed or requester.high_closed < needed:
            continue
        if platforms[requester.platform].click_price > 0.0 or requester.fair > 0:
            continue
        low = real(requester.low_worth)
        high = real(requester.high_worth)
        before = real(requester.target)
        step = real(requester.step)
        target = revised_target(
            before,
            step,
            arm_profit(
                low,
                real(requester.low_gained),
                real(requester.low_spent),
                real(requester.low_delayed),
                delay_cost,
            ),
            arm_profit(
                high,
                real(requester.high_gained),
                real(requester.high_spent),
                real(requester.high_delayed),
                delay_cost,
            ),
            real(requester.low_delayed) / low,
            real(requester.high_delayed) / high,
            real(setting.target_fill_days),
        )
        direction = integer(0)
        if target > before:
            direction = integer(1)
        elif target < before:
            direction = integer(-1)
        requester.step = next_step(
            step,
            direction,
            integer(requester.direction),
            real(setting.pay_step_smallest),
            real(setting.pay_step),
        )
        requester.direction = direction
        requester.markup = real(requester.asked) / real(requester.expected)
        platform = platforms[requester.platform]
        requester.target = bounded_target(
            target,
            real(requester.value),
            lowest_pay_of(requester, platform, floors[requester.platform], setting.floor_on_true_time > 0),
            real(platform.requester_fee_ppm) / 1000000.0,
            real(requester.bias),
            real(requester.markup),
            1.0 - subsidies[requester.country],
        )
        requester.asked = 0.0
        requester.expected = 0.0
        requester.low_closed = 0
        requester.low_worth = 0.0
        requester.low_gained = 0.0
        requester.low_spent = 0.0
        requester.low_delayed = 0.0
        requester.high_closed = 0
        requester.high_worth = 0.0
        requester.high_gained = 0.0
        requester.high_spent = 0.0
        requester.high_delayed = 0.0
