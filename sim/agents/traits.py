"""Records of the agents: what is stored of each, and in which units."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.columns import Part, Records, records
from sim.compile import integer, rule

ACTIVE, WOMAN, TERTIARY, OTHER_JOB = 1, 2, 4, 8
NEWCOMER = 128
"""Bits of a worker's ``bits``; ``NEWCOMER``: moved to a platform that does not know the record yet."""

MEMBER = 64
"""Bit of a worker who is a member of the union."""

JOINED_LATER = 1 << 31
MOST_BATCHES = 1 << 32
"""Batches of a requester that their identities, requester x this + serial number, can tell apart."""
MOST_WEEK_PAY = (1 << 32) - 1
"""Most micro-dollars that a week of learning can hold: 4 294 USD. Balances have no such bound."""

WORKER = records(
    [
        ("pending", "i8"),
        ("balance", "i8"),
        ("number", "u4"),
        ("log_speed", "f4"),
        ("log_base_reservation", "f4"),
        ("log_reservation", "f4"),
        ("learned_pay", "f4"),
        ("all_in_pay", "f4"),
        ("week_pay", "u4"),
        ("accepted", "i4"),
        ("rejected", "i4"),
        ("week_seconds", "i4"),
        ("paid_seconds_weeks_below", "u4"),
        ("session", "i4"),
        ("collective", "i4"),
        ("tile", "u2"),
        ("look_seconds", "u2"),
        ("desired_minutes", "u2"),
        ("country", "u1"),
        ("zone", "u1"),
        ("segment_platform", "u1"),
        ("bits", "u1"),
        ("patience", "u1"),
        ("accuracy", "u1"),
    ]
)
"""State that drives a worker's behaviour: 80 bytes. Money in micro-dollars (``week_pay`` at most
``MOST_WEEK_PAY``), ``learned_pay`` and ``all_in_pay`` in USD an hour (-1 before anything is known),
``desired_minutes`` a week, ``accuracy`` in 1/255. Some fields hold two numbers: see ``PARTS``."""

PARTS = {
    "week_paid_seconds": Part("paid_seconds_weeks_below", 0, 20),
    "weeks_below": Part("paid_seconds_weeks_below", 20, 12),
    "session_minutes": Part("session", 0, 11),
    "session_start": Part("session", 11, 21),
    "segment": Part("segment_platform", 0, 4),
    "platform": Part("segment_platform", 4, 4),
    "bits": Part("bits", 0, 4),
    "skill": Part("bits", 4, 2),
    "newcomer": Part("bits", 7, 1),
    "member": Part("bits", 6, 1),
}
"""Numbers of a worker that share a field, because they are small and seldom written: the last session's first
hour of the run and its minutes, and so on. Kernels read and write them by the rules below, others by
``column_of`` and ``Part.put``."""

HISTORY = records(
    [
        ("pay", "i8"),
        ("paid_out", "i8"),
        ("weekly_sum", "f8"),
        ("weekly_squares", "f8"),
        ("paid_seconds", "u4"),
        ("search_seconds", "u4"),
        ("returned_seconds", "u4"),
        ("rejected_seconds", "u4"),
        ("idle_seconds", "u4"),
        ("night_seconds", "u4"),
        ("exposure_seconds", "u4"),
        ("tasks_accepted", "u4"),
        ("tasks_rejected", "u4"),
        ("joined_day", "i4"),
        ("left_day", "i4"),
        ("weeks", "u2"),
    ]
)
"""What is recorded of a worker over the window, beside the behaviour: 80 bytes."""

REQUESTER = records(
    [
        ("balance", "i8"),
        ("committed", "i8"),
        ("id", "i8"),
        ("serial", "i8"),
        ("worker_mask", "i8"),
        ("platform_mask", "i8"),
        ("country", "u1"),
        ("zone", "u1"),
        ("always_on", "u1"),
        ("platform", "u1"),
        ("approval_tasks", "i4"),
        ("approval_rate", "f4"),
        ("retired", "u1"),
        ("complies", "u1"),
        ("fair", "u1"),
        ("relative_size", "f8"),
        ("base_demand", "f8"),
        ("base_batches", "f8"),
        ("batches_per_day", "f8"),
        ("target", "f8"),
        ("initial_target", "f8"),
        ("value", "f8"),
        ("bias", "f8"),
        ("strictness", "f8"),
        ("unfair", "f8"),
        ("step", "f8"),
        ("direction", "i8"),
        ("markup", "f8"),
        ("asked", "f8"),
        ("expected", "f8"),
        ("low_closed", "i8"),
        ("low_worth", "f8"),
        ("low_gained", "f8"),
        ("low_spent", "f8"),
        ("low_delayed", "f8"),
        ("high_closed", "i8"),
        ("high_worth", "f8"),
        ("high_gained", "f8"),
        ("high_spent", "f8"),
        ("high_delayed", "f8"),
        ("batches", "i8"),
        ("posted", "i8"),
        ("accepted", "i8"),
        ("rejected", "i8"),
        ("expired", "i8"),
        ("spent", "i8"),
        ("fees", "i8"),
        ("base_preparation", "f8"),
        ("base_services", "f8"),
        ("base_value", "f8"),
        ("ai_stock", "f8"),
        ("labels", "f8"),
        ("automation", "f8"),
        ("fulfilment", "f8"),
        ("labels_wanted", "f8"),
        ("labels_free", "f8"),
        ("labels_shared", "f8"),
        ("label_cost", "f8"),
        ("preparation_wanted", "f8"),
        ("others_share", "f8"),
        ("others_want", "f8"),
        ("shared_by_others", "f8"),
        ("ai_done", "i8"),
        ("ai_closed", "i8"),
        ("ai_shared", "i8"),
        ("week_wanted", "f8"),
        ("week_delivered", "f8"),
        ("week_free", "f8"),
        ("week_shared", "f8"),
        ("week_assisted", "f8"),
        ("week_done", "f8"),
        ("week_analytic", "f8"),
        ("week_cost", "f8"),
    ]
)
"""A requester: ``base_demand`` in task-seconds a day, ``target`` and ``value`` in USD an hour,
``bias`` true over stated seconds; ``complies`` with a wage floor or not; ``fair``: pays what it holds to be
fair and looks for no less; ``retired`` requesters are no agents any more and post nothing;
``step`` and ``direction`` (-1, 0, 1) of the last revision of pay; ``markup`` the ratio of what batches
asked for to what target and normal fee would give, ``asked`` and ``expected`` those two sums over the period;
``low_*`` and ``high_*`` count the two reward arms of the period (assignments, micro-dollars, micro-dollar
days); ``batches`` to ``fees`` count the window (``spent`` and ``fees`` in micro-dollars).

What follows is for artificial intelligence. Labels are measured in the seconds of human work that they took
at the start: ``base_preparation``, ``base_services`` (verification, impersonation), ``labels_wanted``, of
them ``preparation_wanted`` and those that users deliver, ``labels_free``, or that others had made and share,
``labels_shared``, a day; ``labels`` so far in years of base demand; ``others_share`` and ``others_want``:
what it knows of labels for preparation that all others have made and share, and want, a day, and
``shared_by_others`` the first over the second. ``ai_stock`` is 1 at the start, ``automation`` the share of
the work on a label that machines do, ``fulfilment`` the share of labels that gets done, ``label_cost`` USD
for an hour's labels, ``base_value`` the value without machines; ``ai_done`` and ``ai_closed`` are seconds of
human work accepted and closed since Monday, ``ai_shared`` those accepted for preparation and shared,
``week_*`` sums of the last week: labels (``week_assisted`` those made by machines), human seconds done,
those that follow from stock and automation alone; ``week_cost``, labels wanted x cost of an hour's."""

PLATFORM = records(
    [
        ("balance", "i8"),
        ("worker_mask", "i8"),
        ("requester_fee_ppm", "i8"),
        ("large_batch_fee_ppm", "i8"),
        ("large_batch_from", "i8"),
        ("worker_fee_ppm", "i8"),
        ("minimum_reward", "i8"),
        ("tick", "i8"),
        ("payout_days", "i8"),
        ("payout_threshold", "i8"),
        ("transaction_cost", "i8"),
        ("cost_ppm", "i8"),
        ("boards", "i8"),
        ("reward_floor", "f8"),
        ("highest_floor", "f8"),
        ("transactions", "i8"),
        ("revenue", "i8"),
        ("cost", "i8"),
        ("profit", "i8"),
        ("owner", "u1"),
        ("local", "u1"),
        ("daily_life", "u1"),
        ("tools", "u1"),
        ("devices", "i8"),
        ("click_price", "f8"),
        ("takedown", "f8"),
        ("broker_cut_ppm", "i8"),
        ("portable", "u1"),
        ("royalty_ppm", "i8"),
        ("royalty_types", "i8"),
        ("royalty_payers", "i8"),
    ]
)
"""A platform: money in micro-dollars, fees in millionths of the reward, ``reward_floor`` in USD an hour
of stated time; ``highest_floor`` the highest that policy sets for the workers of a country it admits;
``boards`` tiles, of each country if work is ``local``; ``daily_life`` hours of posting or others; whether
``tools`` find its work; ``click_price`` in micro-dollars (0 = pay by the hour); ``devices`` of a worker;
``takedown`` a share; ``portable``: records made elsewhere count; ``royalty_ppm`` on top of the fee, for the
task types (bits) of ``royalty_types`` and the requesters of the countries (bits) of ``royalty_payers``."""

GOVERNMENT = records([("balance", "i8"), ("population", "i8"), ("internet_users", "i8")])
COLLECTIVE = records([("balance", "i8"), ("country", "u1"), ("skill", "u1")])

AUDIENCE = records(
    [
        ("balance", "i8"),
        ("base_users", "i8"),
        ("users", "i8"),
        ("arpu", "i8"),
        ("charge_microusd", "i8"),
        ("labels", "i8"),
        ("day_labels", "i8"),
        ("month_labels", "i8"),
        ("month_advertising", "i8"),
        ("month_missed", "i8"),
        ("month_charged", "i8"),
        ("month_cost", "i8"),
        ("reach", "f8"),
        ("activity", "f8"),
        ("platform", "u1"),
        ("country", "u1"),
        ("served", "u1"),
    ]
)
"""The users of a social platform in a country, as agents: ``base_users`` are there when nothing is charged;
``reach``: the share of them that stays; ``activity``: the share of users who come on a day; not ``served``:
the platform has left. Money in micro-dollars: ``arpu`` a month and user if all are there, and
``charge_microusd`` a month and user. ``labels`` are unpaid, since the run began; ``day_labels`` are those of
the last day; ``month_*`` are sums of the month so far: ``month_missed`` what users who are gone would have
brought, as far as its cost is fixed."""

TASK_TYPE = records(
    [
        ("median_seconds", "f8"),
        ("log_sigma", "f8"),
        ("one_task_share", "f8"),
        ("size_exponent", "f8"),
        ("largest_batch", "f8"),
        ("size_scale", "f8"),
        ("pay_factor", "f8"),
        ("exposure", "f8"),
        ("assignments_per_task", "i8"),
        ("many_workers", "u1"),
        ("skill", "u1"),
        ("tertiary", "u1"),
        ("actions", "i8"),
        ("life_hours", "f8"),
    ]
)


@rule
def skill_of(worker: Any) -> int:
    """Level of a worker's skill."""
    return (integer(worker.bits) >> 4) & 3


@rule
def segment_of(worker: Any) -> int:
    """Number of a worker's segment."""
    return integer(worker.segment_platform) & 15


@rule
def platform_of(worker: Any) -> int:
    """Number of a worker's platform."""
    return integer(worker.segment_platform) >> 4


@rule
def put_platform(worker: Any, platform: int) -> None:
    """Write a worker's platform."""
    worker.segment_platform = segment_of(worker) + 16 * platform


@rule
def session_start_of(worker: Any) -> int:
    """Hour of the run in which a worker's last session began."""
    return integer(worker.session) >> 11


@rule
def session_minutes_of(worker: Any) -> int:
    """Minutes of a worker's last session."""
    return integer(worker.session) & 2047


@rule
def week_paid_seconds_of(worker: Any) -> int:
    """Seconds of this week that a worker was paid for. To add to them, add to the shared field."""
    return integer(worker.paid_seconds_weeks_below) & 1048575


@rule
def weeks_below_of(worker: Any) -> int:
    """Weeks in a row in which a worker's pay was below the outside value."""
    return integer(worker.paid_seconds_weeks_below) >> 20


@rule
def put_paid_seconds_weeks_below(worker: Any, paid_seconds: int, weeks_below: int) -> None:
    """Write the paid seconds of a worker's week, and the weeks below the outside value."""
    worker.paid_seconds_weeks_below = weeks_below * 1048576 + paid_seconds


@rule
def worker_id(number: int, country: int) -> int:
    """Permanent id: 0, 1, 2 … at the start; country and a serial number of its own for those who join."""
    if number < JOINED_LATER:
        return integer(number)
    return (integer(country) + 1) * 4294967296 + integer(number)


def column_of(workers: Records, name: str) -> Any:
    """Return a number of every worker: a view of its field, or a copy if it shares the field with others."""
    return PARTS[name].of(workers) if name in PARTS else workers[name]


def unpacked(workers: Records) -> Records:
    """Return a copy of workers in which every number has a field of its own."""
    shared = {part.field for part in PARTS.values()}
    kinds = [(name, workers.dtype[name]) for name in workers.dtype.names or () if name not in shared]
    kinds += [(name, workers.dtype[part.field]) for name, part in PARTS.items()]
    plain = np.zeros(len(workers), kinds)
    for name in plain.dtype.names or ():
        plain[name] = column_of(workers, name)
    return plain


def permanent_ids(workers: Any) -> Any:
    """Permanent ids of all rows (int64 array)."""
    number = workers["number"].astype(np.int64)
    return np.where(
        number < JOINED_LATER, number, (workers["country"].astype(np.int64) + 1) * 4294967296 + number
    )
