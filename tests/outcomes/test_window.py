"""Sums over the window are sums of the window: money of months cut at its ends, and whole weeks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.config import Config, Platform, Time
from sim.instruments import Policies, Reclassification, UniversalIncome
from sim.ledger import CAPITAL, PROFIT, SURPLUS
from sim.model import ClickWorkModel
from sim.outcomes.frames import COLUMNS
from sim.outcomes.recorder import Recorder, netted
from tests.conftest import Exercised
from tests.support import members
from tests.support.markets import tiny, varied
from tests.support.policies import market

ROOT = Path(__file__).resolve().parent.parent.parent

INTO, OUT_OF = ("requester_fee", "worker_fee", "forfeit", "capital"), ("platform_cost", "profit")


def recorded(config: Config) -> tuple[ClickWorkModel, Any]:
    """Return a run, ended as the command ends it, and its tables."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    return model, recorder.frames()


@pytest.mark.parametrize(
    ("warmup", "days"),
    [(0, 10), (9, 12), (20, 25), (25, 40)],
    ids=["no warm-up", "one month", "two", "three"],
)
def test_platforms_take_what_they_pay_out(warmup: int, days: int) -> None:
    """Fees and forfeits of the window are its costs and profits, wherever months begin and end."""
    for number in (3, 4):
        config = varied(number, days=days, workers=30)
        config = replace(config, time=replace(config.time, warmup_days=warmup, days=days, start="2019-01-07"))
        _, frames = recorded(config)
        sums = frames.flows.groupby("kind")["amount_microusd"].sum()
        assert sums["platform_cost"] > 0
        assert (frames.flows["amount_microusd"] > 0).all()
        taken, paid = sums.reindex(INTO).fillna(0).sum(), sums.reindex(OUT_OF).fillna(0).sum()
        assert taken == paid


MONTHLY = {
    "flows": {
        "spending", "broker_spending", "user_spending", "patronage", "commons_dividend", "commons_to_users",
        "profit", "profit_tax", "profit_shifting", "haven_profit", "haven_tax", "capital", "surplus",
    },
    "workers": {"transfers_microusd"},
    "cooperatives": set(COLUMNS["cooperatives"]),
    "commons": set(COLUMNS["commons"]),
    "employment": set(COLUMNS["employment"]),
    "incomes": set(COLUMNS["incomes"]),
    "taxes": set(COLUMNS["taxes"]),
}  # fmt: skip
"""Kinds of flow, and columns, that may not add up over windows that meet within a month."""

SUMS = ("microusd", "seconds", "labels", "posted", "accepted", "rejected", "returned", "batches", "joined")
SUMS += ("left", "expired", "done")
"""How the names of columns end that are sums."""


def sums_of(frames: Any) -> dict[tuple[str, str], int]:
    """Sums over the window, by table and column (of flows: kind)."""
    kinds = frames.flows.groupby("kind", observed=True)["amount_microusd"].sum()
    found = {("flows", str(kind)): int(amount) for kind, amount in kinds.items()}
    for table, columns in COLUMNS.items():
        frame = getattr(frames, table)
        for name in columns:
            if table not in ("flows", "batches", "requesters") and name.endswith(SUMS):
                found[table, name] = int(frame[name].sum())
    return found


def test_windows_add_up_but_for_whole_months(exercised: Exercised) -> None:
    """Two windows that meet on the 28th: what does not add up is in the ODD's list, which is needed."""
    law = Reclassification(countries=["STH"], exit_months=0)
    policy = replace(members.ALL, reclassification=law, universal_income=UniversalIncome())
    dated = {name: replace(one, start="2019-01-01") for name, one in policy.chosen().items()}
    base = members.with_entrant(market(days=45, workers=120, policy=Policies(**dated)))
    users = Platform(family="social", owner="NTH", labels_per_user_month=0.5)
    base = replace(base, platforms={**base.platforms, "users": users})
    one, two, both = (
        sums_of(recorded(replace(base, time=replace(base.time, warmup_days=warmup, days=days)))[1])
        for warmup, days in ((0, 21), (21, 24), (0, 45))
    )
    odd = {key for key in one | two | both if one.get(key, 0) + two.get(key, 0) != both.get(key, 0)}
    listed = {(table, name) for table, names in MONTHLY.items() for name in names}
    assert odd <= listed, f"does not add up, and nobody says so: {sorted(odd - listed)}"
    assert {table for table, _ in odd} == set(MONTHLY), "a table that is listed adds up"
    assert {("flows", kind) for kind in ("spending", "patronage", "commons_dividend")} <= odd
    text = (ROOT / "docs" / "odd.md").read_text(encoding="utf-8")
    named = text[text.index("Sums of a window") : text.index("- Who left before the window")]
    assert all(f"`{kind}`" in named for kind in MONTHLY["flows"])
    assert all(f"`{table}`" in named for table in MONTHLY)
    exercised("columns that add up", len(both) - len(odd), 40)
    exercised("columns that do not", len(odd), 20)


def test_ending_a_run_leaves_the_ledger_sound() -> None:
    """After the end nothing is on the platforms, and all accounts still add up to nothing."""
    model, _ = recorded(tiny(days=5))
    assert int(model.platform_rows["balance"].sum()) == 0
    assert int(model.platform_rows["revenue"].sum()) > 0
    model.ledger.check()
    model.ledger.recount([board.batches["escrow"] for board in model.boards])


def test_profit_that_turned_is_netted() -> None:
    """A month that lost what it had earned before the window shows capital, not negative profit."""
    model = ClickWorkModel(tiny())
    flows = np.zeros_like(model.ledger.flows)
    flows[PROFIT, 0, 0], flows[CAPITAL, 0, 0] = -70, 30
    flows[PROFIT, 1, 1], flows[CAPITAL, 1, 1] = 50, -20
    flows[SURPLUS, 0, 1], flows[CAPITAL, 0, 1] = -5, 0
    result = netted(flows)
    assert (result[PROFIT, 0, 0], result[CAPITAL, 0, 0]) == (0, 100)
    assert (result[PROFIT, 1, 1], result[CAPITAL, 1, 1]) == (70, 0)
    assert (result[SURPLUS, 0, 1], result[CAPITAL, 0, 1]) == (0, 5)


@pytest.mark.parametrize(
    ("start", "warmup", "days", "weeks"),
    [
        ("2019-01-07", 0, 22, 3), ("2019-01-07", 7, 15, 2), ("2019-01-09", 0, 13, 1),
        ("2019-01-07", 9, 20, 2), ("2019-01-07", 9, 6, 0),
    ],
)  # fmt: skip
def test_weeks_lie_wholly_inside_the_window(start: str, warmup: int, days: int, weeks: int) -> None:
    """From Monday to Sunday, and not what was earned before the window in its first week."""
    config = replace(tiny(), time=Time(start=start, warmup_days=warmup, days=days))
    model, frames = recorded(config)
    assert model.hour == 24 * (warmup + days)
    stayed = frames.workers[(frames.workers["left_day"] < 0) & (frames.workers["joined_day"] <= 0)]
    assert len(stayed) > 10
    assert (stayed["weeks"] == weeks).all()
