"""Payouts and spending: pending balances become money of the worker's, and leave for daily life."""

from __future__ import annotations

from typing import Any

from sim.agents.traits import ACTIVE, platform_of
from sim.compile import integer, kernel
from sim.ledger import BROKER_SPENDING, FORFEIT, PAYOUT, SPENDING, write_row


@kernel
def pay_out(
    first: int, last: int, day: int, workers: Any, history: Any, recording: bool, platforms: Any, rows: Any
) -> int:
    """Pay out what has reached the threshold on platforms whose payout is due; return how many rows.

    Everyone of a platform is paid on the same days, counted from the first day of the run.
    """
    count = integer(0)
    for i in range(first, last):
        worker = workers[i]
        platform = platforms[platform_of(worker)]
        due = integer(worker.pending)
        if due <= 0 or (day + 1) % integer(platform.payout_days) != 0 or not worker.bits & ACTIVE:
            continue
        if due < integer(platform.payout_threshold):
            continue
        write_row(rows[count], PAYOUT, i, i, due, integer(worker.country), integer(worker.country))
        count += 1
        if recording:
            history[i].paid_out += due
    return count


@kernel
def close_accounts(
    leavers: Any,
    how_many: int,
    forfeits: bool,
    workers: Any,
    history: Any,
    recording: bool,
    platforms: Any,
    rows: Any,
) -> int:
    """Settle pending balances of workers who leave their platform; return how many rows.

    Those who leave the market forfeit what is below the payout threshold to the platform; those who
    only change platform close their account and are paid in full.
    """
    count = integer(0)
    for k in range(how_many):
        i = integer(leavers[k])
        worker = workers[i]
        due = integer(worker.pending)
        if due <= 0:
            continue
        p = platform_of(worker)
        country = integer(worker.country)
        if forfeits and due < integer(platforms[p].payout_threshold):
            write_row(rows[count], FORFEIT, i, p, due, country, integer(platforms[p].owner))
        else:
            write_row(rows[count], PAYOUT, i, i, due, country, country)
            if recording:
                history[i].paid_out += due
        count += 1
    return count


@kernel
def spend(first: int, last: int, workers: Any, rows: Any) -> int:
    """Spend all that workers hold; return how many rows."""
    count = integer(0)
    for i in range(first, last):
        amount = integer(workers[i].balance)
        if amount > 0:
            country = integer(workers[i].country)
            write_row(rows[count], SPENDING, i, country, amount, country, country)
            count += 1
    return count


@kernel
def spend_of_collectives(collectives: Any, rows: Any) -> int:
    """Spend all that brokers hold; return how many rows."""
    count = integer(0)
    for i in range(len(collectives)):
        amount = integer(collectives[i].balance)
        if amount > 0:
            country = integer(collectives[i].country)
            write_row(rows[count], BROKER_SPENDING, i, country, amount, country, country)
            count += 1
    return count


@kernel
def pay_income(
    first: int, last: int, kind: int, per_head: Any, receives: Any, workers: Any, rows: Any
) -> int:
    """Pay each recipient the income of its country (micro-dollars); return how many rows."""
    count = integer(0)
    for i in range(first, last):
        country = integer(workers[i].country)
        amount = integer(per_head[country])
        if receives[i] and amount > 0:
            write_row(rows[count], kind, country, i, amount, country, country)
            count += 1
    return count
