"""Indicators of social platforms, from tables small enough to add up by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from sim.ledger import KINDS
from sim.outcomes.frames import COLUMNS, FrameSet
from sim.outcomes.indicators import INDICATORS, summary
from tests.conftest import Exercised
from tests.figures import synthetic

ROWS = [
    ("2019-01", "USA", 100, 100, 0.0, 200, 1000, 0, 50),
    ("2019-01", "IND", 400, 400, 0.0, 800, 200, 0, 100),
    ("2019-02", "USA", 98, 100, 0.5, 180, 990, 49, 49),
    ("2019-02", "IND", 302, 400, 0.25, 620, 180, 75, 75),
]


def frames() -> FrameSet:
    """Return two months of two countries, 62 days, 3 600 tasks done; a worker stands for 1 000 people."""
    names = ("period", "country", "users", "users_without_charge", "charge_per_user_usd", "labels")
    data: dict[str, Any] = {name: [row[i] for row in ROWS] for i, name in enumerate(names)}
    for place, name in enumerate(("advertising_microusd", "charged_microusd", "taxes_microusd"), start=6):
        data[name] = [10**6 * row[place] for row in ROWS]
    flows = [
        ("advertising", "IND", "USA", 380), ("advertising", "USA", "USA", 1990),
        ("user_charge", "IND", "USA", 75), ("requester_fee", "USA", "IND", 30),
        ("requester_fee", "IND", "IND", 10), ("profit", "USA", "USA", 489),
        ("profit", "IND", "IND", 8), ("haven_profit", "USA", "USA", 100), ("capital", "IND", "IND", 4),
        ("platform_cost", "USA", "USA", 1885),
    ]  # fmt: skip
    sectors = {kind: (payer, payee) for kind, payer, payee in KINDS}
    moved = pd.DataFrame(
        [("2019-01", kind, *sectors[kind], debit, credit, 10**6 * usd) for kind, debit, credit, usd in flows],
        columns=list(COLUMNS["flows"]),
    )
    spent = {"requester_spent_microusd": [55 * 10**6, 0], "requester_fee_microusd": [10 * 10**6, 0]}
    series = synthetic.table("series", {"day": [0, 61], "requester_done": [1800, 1800], **spent})
    audiences = synthetic.table("audiences", {**data, "platform": ["social"] * len(ROWS)})
    return FrameSet(series=series, audiences=audiences, flows=moved, scale=1000.0)


BY_HAND = {
    "social_users": 450.0,  # (500 + 400) / 2
    "world_social_users": 450_000.0,
    "social_users_lost_share": 0.2,  # 400 of 500
    "social_charge_per_user_month": (49 + 75.5) / 900,
    "social_arpu_year": 2370 * 365 / 62 / 450,
    "social_taxes_over_advertising": 274 / 2370,
    "unpaid_labels_per_task": 0.5,  # 1 800 / 3 600
    "world_advertising_per_year": 2370 * 1000 * 365 / 62,
    "world_unpaid_labels_per_year": 1800 * 1000 * 365 / 62,
    # Northern platforms took 455 of 2 445 in the South and made 589; southern ones 30 of 40, and made 8 - 4.
    "profit_south_to_north": 589 * 455 / 2445,
    "profit_north_to_south": 4 * 30 / 40,
    # Received 2 370 + 75 + 40, costs of 1 885; advertisers and users spent 2 445, requesters 55.
    "platform_rent": 600.0,
    "platform_rent_share": 600.0 / 2500.0,
}


def test_indicators_by_hand(exercised: Exercised) -> None:
    found = summary(frames(), synthetic.world())
    for name, value in BY_HAND.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-12), name
    exercised("indicators", len(BY_HAND), 11)


def test_without_social_platforms_they_say_so() -> None:
    found = summary(synthetic.frames(workers=300), synthetic.world())
    for name in BY_HAND:
        if "profit" not in name and "rent" not in name:
            assert found[name]["value"] is None and found[name]["reason"] == "no social platform", name
    assert set(BY_HAND) <= set(INDICATORS)
