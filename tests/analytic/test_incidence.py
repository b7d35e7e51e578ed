"""Who is charged by law makes no difference in a whole market once pay has adjusted.

A fee of 25 % on requesters and one of 20 % on workers cost and leave the same: (1 - 0.2) (1 + 0.25) = 1. Both
markets begin with the same posted pay, so that at first workers bear what the law lays on them: net pay is a
fifth lower. Requesters search for pay as always; nobody tells them of incidence. That nothing at all differs
where prices are posted anew at once is shown to the bit by `statutory_incidence` in `tests/metamorphic`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.config import Config, Platform
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import tiny, unsorted

ON_REQUESTERS, ON_WORKERS = 0.25, 0.2
MONTH, MONTHS, SETTLED = 24 * 28, 25, 13
SEEDS, AT_NIGHT = range(1, 5), range(1, 31)
TOLERANCE = 0.06
"""Log points between mean net pay, work and spending; the charge is 0.22."""


def market(seed: int, side: str, pay_setting: str) -> Config:
    """A market of a dozen like requesters and a hundred workers, charged on one side."""
    platform = Platform(
        owner="NTH",
        requester_fee=ON_REQUESTERS if side == "requesters" else 0.0,
        worker_fee=ON_WORKERS if side == "workers" else 0.0,
        large_batch_fee=0.0,
        tick_usd=1e-5,
        minimum_reward_usd=1e-5,
    )
    base = tiny(days=28 * MONTHS, workers=100, requesters=12, seed=seed, platforms={"microwork": platform})
    requesters = replace(
        base.requesters, size_log_sigma=0.3, pay_minimum_tasks=10, pay_log_sigma=0.1, value_log_sigma=0.1,
        demand_share=1.0, base_fee=ON_REQUESTERS, estimate_bias_log_sigma=0.1, approval_share=0.0,
        own_country_share=0.0, north_only_share=0.0, task_types_used=1,
    )  # fmt: skip
    # Whoever pays by a norm makes up for nothing; pay settles late where those who hold out for it change.
    settled = unsorted(replace(base, requesters=requesters))
    return replace(settled, market=replace(settled.market, pay_setting=pay_setting))


def played(seed: int, side: str, pay_setting: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Net pay targets (USD an hour, geometric mean) and assignments done, month by month; tasks done."""
    model = ClickWorkModel(market(seed, side, pay_setting))
    kept = 1.0 - (ON_WORKERS if side == "workers" else 0.0)
    pay = [np.exp(np.log(model.requester_rows["target"]).mean()) * kept]
    done = [0]
    for _ in range(MONTHS):
        model.run(MONTH)
        pay.append(np.exp(np.log(model.requester_rows["target"]).mean()) * kept)
        done.append(int(model.requester_rows["accepted"].sum()))
    return np.array(pay), np.diff(done), done[-1]


def gaps(seeds: range, pay_setting: str = "profit_search") -> tuple[float, float, float, int]:
    """Return log gaps, means over seeds: net pay at first and when settled, work then; and tasks done."""
    first, settled, work, tasks = [], [], [], 0
    for seed in seeds:
        (pay, done, count), (other_pay, other_done, other_count) = (
            played(seed, side, pay_setting) for side in ("requesters", "workers")
        )
        gap = np.log(other_pay / pay)
        first.append(gap[0])
        settled.append(gap[SETTLED:].mean())
        work.append(np.log(other_done[SETTLED:].sum() / done[SETTLED:].sum()))
        tasks += count + other_count
    return float(np.mean(first)), float(np.mean(settled)), float(np.mean(work)), tasks


def check(seeds: range, pay_setting: str = "profit_search", tolerance: float = TOLERANCE) -> int:
    """Fail unless the gap that the law opened is closed by pay."""
    first, settled, work, tasks = gaps(seeds, pay_setting)
    told = f"net pay apart by {first:.3f} at first, {settled:.3f} when settled; work by {work:.3f}"
    print(told)
    assert first == pytest.approx(np.log(1.0 - ON_WORKERS), abs=0.02), told
    assert abs(settled) < tolerance and abs(work) < tolerance, told
    return tasks


def test_pay_makes_up_for_who_is_charged_by_law(exercised: Exercised) -> None:
    exercised("tasks done", check(SEEDS), 200_000)
    exercised("pairs of years", len(SEEDS), 4, nightly=len(AT_NIGHT))


def test_it_does_not_where_pay_is_fixed() -> None:
    """The check can fail: where nobody revises pay, workers bear what the law lays on them."""
    with pytest.raises(AssertionError, match=r"-0\.2\d+ when settled"):
        check(range(1, 2), "fixed")


@pytest.mark.nightly
def test_pay_makes_up_for_who_is_charged_by_law_at_night(exercised: Exercised) -> None:
    exercised("tasks done", check(AT_NIGHT, tolerance=TOLERANCE / 2), 1_500_000)
