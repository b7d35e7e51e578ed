"""Money: conserved, booked twice, never owed, rounded as said, and never too much for a whole number.

What each check looks at is told in ``tests.support.checks``; the bugs it was shown
to notice are in ``tests.support.plants`` and are planted by ``test_planted``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.config import LARGEST_BATCH_MICROUSD, Config, TaskType
from sim.errors import UserError
from sim.ledger import FUNDING, LARGEST, POSTING, TRANSFER, Ledger, ModelError
from sim.validation import build, to_plain
from tests.conftest import Exercised
from tests.support.checks import books, roundings
from tests.support.markets import tiny, varied

AT_NIGHT = 50


def booked(numbers: range, days: int, **sizes: Any) -> int:
    """Run markets with a second ledger beside the first; return the transactions compared."""
    return sum(books(varied(number, days=days, **sizes))["transactions"] for number in numbers)


def test_every_account_every_hour(exercised: Exercised) -> None:
    """Money is conserved in five varied markets over ends of weeks and months, each hour, each account."""
    exercised("transactions booked again", booked(range(5), 9), 40_000, nightly=10**7)
    exercised("in a larger market", booked(range(40, 42), 7, workers=600, requesters=25), 40_000)


@pytest.mark.nightly
def test_every_account_every_hour_of_fifty_markets(exercised: Exercised) -> None:
    """Money is conserved, at night: 2000 workers for three weeks in each of 50 markets."""
    exercised("transactions booked again", booked(range(AT_NIGHT), 21, workers=2000, requesters=60), 10**7)


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_roundings(number: int, exercised: Exercised) -> None:
    """Roundings are counted, each is below a micro-dollar, and both sides of it are as documented."""
    config = varied(number, days=4)
    # The flow matrix begins anew each month; all is compared inside one.
    counts = roundings(replace(config, time=replace(config.time, start="2019-01-07")))
    exercised("settlements in exact fractions", counts["settlements"], 100)
    exercised("settlements that need rounding", counts["settlements that need rounding"], 20)


# --- the most money --------------------------------------------------------------------------------


def dear_market(share: float) -> Config:
    """Return a market whose dearest batch costs a share of the most that one may cost, in allowed values.

    A batch has 2000 to 110,000 assignments of 50 minutes at 500 times an hour's usual value; every reward is
    near what the work is worth.
    """
    kind = TaskType(
        share=1.0, median_seconds=3000, log_sigma_seconds=0.0, skill=0, pay_factor=50.0, one_task_share=0.0,
        size_exponent=0.05, largest_batch=110, assignments_per_task=1000,
    )  # fmt: skip
    base = tiny(days=10, workers=2000, requesters=3)
    requesters = replace(
        base.requesters, value_log_sigma=0.0, pay_log_sigma=0.0, pay_usd_per_hour=200.0,
        estimate_bias_median=1.0, estimate_bias_log_sigma=0.0, size_log_sigma=0.0, demand_share=20.0,
        always_on_share=1.0, own_country_share=0.0, north_only_share=0.0, approval_share=0.0,
        pay_arm_spread=0.001,
    )  # fmt: skip
    platform = replace(
        base.platforms["microwork"],
        requester_fee=0.0137,
        large_batch_fee=0.0,
        worker_fee=0.0137,
        pay_factor=10.0,
        requester_share=1.0,
    )
    config = replace(
        base, requesters=requesters, task_types={"dear": kind}, platforms={"microwork": platform},
        market=replace(base.market, demand_cap_days=400.0),
    )  # fmt: skip
    value = requesters.value_usd_per_hour * share * LARGEST_BATCH_MICROUSD / 1e6 / config.dearest_batch_usd()
    return replace(config, requesters=replace(requesters, value_usd_per_hour=value))


@pytest.mark.parametrize("share", [0.49, 0.99])
def test_most_money_is_exact(share: float, exercised: Exercised) -> None:
    """At 49 and 99 per cent of a batch's largest cost, all money is what Python's integers say."""
    config = build(Config, to_plain(dear_market(share)))
    counts = roundings(config)
    exercised("settlements in exact fractions", counts["settlements"], 10)
    assert books(config)["transactions"] > 20


def test_more_money_is_refused() -> None:
    """One per cent more is refused before anything runs, with the value that would be allowed."""
    with pytest.raises(UserError, match=r"requesters\.value_usd_per_hour") as refusal:
        build(Config, to_plain(dear_market(1.01)))
    allowed = float(refusal.value.allowed.split()[2])
    smaller = dear_market(1.01)
    smaller = replace(smaller, requesters=replace(smaller.requesters, value_usd_per_hour=0.9999 * allowed))
    build(Config, to_plain(smaller))


def transfers(*amounts: int, kinds: tuple[int, ...] = (FUNDING,)) -> Any:
    """Rows that move amounts, kind after kind."""
    rows = np.zeros(len(amounts), TRANSFER)
    rows["amount"] = amounts
    rows["kind"] = np.resize(kinds, len(amounts))
    return rows


def open_ledger() -> tuple[Ledger, Any]:
    """A ledger with one account in every sector, and one escrow."""
    ledger = Ledger(1)
    for sector in ("requesters", "platforms", "pending", "workers", "collectives", "governments"):
        ledger.open(sector, np.zeros(1, np.int64))
    return ledger, np.zeros(1, np.int64)


def test_accounts_never_wrap() -> None:
    """An account may hold 2**61 micro-dollars, to the last; one more stops the run, and nothing wraps."""
    ledger, escrow = open_ledger()
    ledger.transfer(transfers(LARGEST - 1, 1), 2, escrow)
    assert int(ledger.accounts["requesters"][0]) == LARGEST == -int(ledger.totals[-1])
    with pytest.raises(ModelError, match="largest"):
        ledger.transfer(transfers(1), 1, escrow)
    with pytest.raises(ModelError, match="largest"):
        go_round(*open_ledger())


def go_round(ledger: Ledger, escrow: Any) -> None:
    """Send money round and round: no account grows, but the month's flows would wrap."""
    for _ in range(9):
        ledger.transfer(transfers(2**60, 2**60, kinds=(FUNDING, POSTING)), 2, escrow)
        ledger.accounts["requesters"][:] = escrow[:] = 0
        ledger.totals[:] = 0
        ledger.outside["balance"][:] = 0


@pytest.mark.parametrize("amount", [-1, LARGEST + 1, 2**63 - 1])
def test_amounts_that_no_transfer_has(amount: int) -> None:
    """A transfer of less than nothing, or of more than fits, stops the run."""
    ledger, escrow = open_ledger()
    with pytest.raises(ModelError):
        ledger.transfer(transfers(amount), 1, escrow)


def test_debts_are_refused() -> None:
    """No account but the outside world's goes below zero."""
    ledger, escrow = open_ledger()
    ledger.transfer(transfers(100), 1, escrow)
    with pytest.raises(ModelError, match="overdrawn"):
        ledger.transfer(transfers(101, kinds=(POSTING,)), 1, escrow)


def by_two_threads(amounts: list[int]) -> tuple[Ledger, list[Ledger]]:
    """Fund a requester by two parts of a ledger; return it and the parts, taken in."""
    whole, escrow = open_ledger()
    parts = [whole.part(("requesters",)) for _ in range(2)]
    for number, part in enumerate(parts):
        own = amounts[number::2]
        part.transfer(transfers(*own), len(own), escrow)
    for part in parts:
        whole.take(part)
    return whole, parts


def test_parts_add_up_to_the_whole(exercised: Exercised) -> None:
    """What two threads booked by themselves is, taken in, what one would have booked; parts begin anew."""
    counts = 0
    for seed in range(20):
        amounts = np.random.default_rng(seed).integers(1, 10**12, 50).tolist()
        alone, escrow = open_ledger()
        alone.transfer(transfers(*amounts), len(amounts), escrow)
        whole, parts = by_two_threads(amounts)
        for name in ("totals", "flows", "transfers_booked"):
            assert np.array_equal(getattr(alone, name), getattr(whole, name)), name
            assert not np.any(getattr(parts[0], name)) and not np.any(getattr(parts[1], name)), name
        for sector, accounts in alone.accounts.items():
            assert np.array_equal(accounts, whole.accounts[sector]), sector
        assert not any(part.accounts["requesters"].any() for part in parts)
        counts += int(whole.accounts["requesters"][0] > 0)
    exercised("ledgers of two threads", counts, 20)


def test_parts_never_wrap() -> None:
    """What threads booked by themselves fits; together it is one too much, and the run stops."""
    by_two_threads([LARGEST - 1, 1])
    with pytest.raises(ModelError, match="largest"):
        by_two_threads([LARGEST - 1, 2])


@pytest.mark.parametrize("bug", ["a part keeps what it had", "a number is left out", "nothing is too large"])
def test_books_of_threads_that_do_not_add_up_are_noticed(
    bug: str, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """Three bugs in the taking in of a part, each of which one of the two tests above notices."""

    def wrong(whole: Any, part: Any) -> int:
        first = 1 if bug == "a number is left out" else 0
        whole[first:] += part[first:]
        if bug != "a part keeps what it had":
            part[:] = 0
        return 0 if bug == "nothing is too large" else int(np.abs(whole).max(initial=0))

    def both() -> None:
        test_parts_add_up_to_the_whole(exercised)
        test_parts_never_wrap()

    monkeypatch.setattr("sim.ledger.bring_in", wrong)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        both()
