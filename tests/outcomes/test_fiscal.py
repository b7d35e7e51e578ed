"""Indicators of taxes and income on tables small enough to compute by hand; their lines on the console."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.agents.rules import other_income
from sim.ledger import KINDS
from sim.outcomes import indicators, roster
from sim.outcomes.console import POLICY_SECTIONS, REMEDIES, SECTIONS, plain, rows
from sim.outcomes.indicators import INDICATORS, summary
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.synthetic import table
from tests.outcomes.test_indicators import USD, WORLD, people

DAYS = 73  # a fifth of a year


def flows(**amounts: Any) -> pd.DataFrame:
    """Flows in USD by kind; (amount, debit country, credit country) where they cross."""
    found = [
        (kind, *(value if isinstance(value, tuple) else (value, "USA", "USA")))
        for kind, value in amounts.items()
    ]
    sectors = {kind: (debit, credit) for kind, debit, credit in KINDS}
    return table(
        "flows",
        {
            "period": "2019-01",
            "kind": [kind for kind, *_ in found],
            "debit_sector": [sectors[kind][0] for kind, *_ in found],
            "credit_sector": [sectors[kind][1] for kind, *_ in found],
            "amount_microusd": [amount * USD for _, amount, _, _ in found],
            "debit_country": [debit for _, _, debit, _ in found],
            "credit_country": [credit for _, _, _, credit in found],
        },
    )


GOVERNED = replace(
    people(
        country=["USA", "USA", "IND", "IND"],
        other_job=[False, True, False, False],
        weeks=[10.0, 10.0, 10.0, 10.0],
        # 73 days are 2.4 months and the line is 103.75 USD, in India 25.94: 249.0 and 62.3 in the window.
        pay_microusd=[248 * USD, 0, 63 * USD, 50 * USD],
        transfers_microusd=[10 * USD, 10 * USD, 10 * USD, 5 * USD],
    ),
    series=table("series", {"day": np.arange(DAYS), "country": "USA"}),
    taxes=table(
        "taxes",
        {
            "instrument": ["users", "usage_tax", "users", "turnover_tax", "profit_tax"],
            "country": ["USA", "USA", "IND", "IND", "USA"],
            "users": [100, 100, 60, 60, 100],
            "part_of_month": [1.0, 1.0, 0.5, 0.5, 1.0],
            "amount_microusd": [0, 30 * USD, 0, 22 * USD, 13 * USD],
            "before_window_microusd": [0, 10 * USD, 0, 2 * USD, 3 * USD],
            # A quarter of 104 USD, at half its strength, is 13; 40 more are in a haven.
            "base_microusd": [0, 0, 0, 0, 144 * USD],
            "rate": [0.0, 0.0, 0.0, 0.0, 0.25],
            "strength": [0.0, 1.0, 0.0, 1.0, 0.5],
            "shifted_microusd": [0, 0, 0, 0, 20 * USD],
        },
    ),
    incomes=table(
        "incomes",
        {
            "country": ["USA", "IND", "UKR", "USA"],
            "collected_microusd": [40 * USD, 20 * USD, 0, 100 * USD],
            "administration_microusd": [2 * USD, USD, 0, 0],
            "heads": [10.0, 30.0, 0.0, 0.0],
            "per_head_microusd": [4 * USD, 2 * USD, 0, 0],
        },
    ),
    exits=table(
        "exits",
        {
            "platform": ["microwork", "microwork", "on_demand", "microwork"],
            "country": ["USA", "USA", "USA", "IND"],
            "who": ["workers", "customers", "everybody", "workers"],
        },
    ),
    flows=flows(
        requester_fee=200, platform_cost=50, usage_tax=20, turnover_tax=(20, "USA", "IND"), profit_tax=10,
        profit=60, profit_shifting=40, haven_tax=5, haven_profit=35, pooling=(7, "IND", "USA"),
        universal_income=30, income_of_others=9, external_income=1, conditional_income=6, hiring_subsidy=4,
    ),
    scale=1000.0,
)  # fmt: skip
LINE = 3.00 * 1.137 * 365 / 12

EXPECTED = {
    "tax_revenue_per_year": 50 * 5,
    "world_tax_revenue_per_year": 50 * 5 * 1000,
    "usage_tax_per_year": 20 * 5,
    "turnover_tax_per_year": 20 * 5,
    "profit_tax_per_year": 10 * 5,
    "world_usage_tax_per_year": 20 * 5000,
    "haven_bookings_per_year": 40 * 5,
    "world_haven_bookings_per_year": 40 * 5000,
    "profit_tax_without_shifting_per_year": 10 * 144 / 104 * 5,
    "world_profit_tax_without_shifting_per_year": 10 * 144 / 104 * 5000,
    "transfers_per_year": 50 * 5,
    "world_transfers_per_year": 50 * 5000,
    "hiring_subsidies_per_year": 4 * 5,
    "transfers_unfunded_share": 1 / 50,
    "transfers_to_workers_share": 37 / 50,
    "fiscal_north_to_south_per_year": (20 - 7) * 5,
    "world_fiscal_north_to_south_per_year": (20 - 7) * 5000,
    "tax_per_user_month": 65 / (100 + 30),
    "world_tax_per_head_year": 50 * 5000 / 1_740_000_000,
    "effective_tax_rate": (50 + 5) / (200 - 50),
    "effective_tax_rate_without_losses": (50 + 5) / (50 + 5 + 60 + 35),
    "shifted_profit_share": 40 / (60 + 40 + 10),
    "transfer_per_head_month": (10 * 4 + 30 * 2) / 40,
    "transfer_over_poverty_line": (10 * 4 / LINE + 30 * 2 / (LINE / 4)) / 40,
    "administration_share": 3 / 60,
    "countries_given_up": 3,
    "worker_poverty_before_transfers": 2 / 4,
    "worker_poverty_after_transfers": 1 / 4,
    # Where all earn the same and live alone, 60 % of 15 USD an hour, and of 1 USD in India, is more than
    # click work brings; who has another job is above.
    "worker_relative_poverty_before_transfers": 3 / 4,
    "worker_relative_poverty_after_transfers": 3 / 4,
}


SHARES_OF_NOTHING = ("transfers_unfunded_share", "transfers_to_workers_share", "administration_share")
"""Indicators that are no number without a policy; all others are 0 then."""


@pytest.mark.parametrize("name", EXPECTED)
def test_by_hand(name: str) -> None:
    entry = summary(GOVERNED, WORLD)[name]
    assert entry["value"] == pytest.approx(EXPECTED[name], rel=1e-9)
    assert entry["unit"] and entry["definition"].endswith(".")


def test_every_indicator_of_a_policy_is_checked_by_hand(exercised: Exercised) -> None:
    """What a policy adds to a summary, but the twins of the world, is in the table above."""
    year = synthetic.frames(workers=300)
    world = synthetic.world()
    bare, governed = (summary(frames, world) for frames in (year, synthetic.with_policy(year)))
    added = {
        name for name, entry in governed.items() if entry["value"] is not None and bare[name]["value"] is None
    }
    elsewhere = ("world_", "cooperative_", "commons_")
    assert {name for name in added if not name.startswith(elsewhere)} <= set(EXPECTED)
    exercised("indicators of a policy", len(added), at_least=20)


def test_without_a_policy_they_say_so() -> None:
    found = summary(synthetic.frames(workers=300), synthetic.world())
    for name in EXPECTED:
        if "poverty_before" not in name and "poverty_after" not in name:
            assert found[name]["reason"] == "no tax or income in force", name
            assert found[name].get("without") == INDICATORS[name].without, name
            assert (INDICATORS[name].without is None) == (name in SHARES_OF_NOTHING), name


def test_a_tax_that_nobody_shifts_is_the_tax() -> None:
    """Without havens both are the same to the micro-dollar; where all is gone, the whole base is taxed."""
    taxes = GOVERNED.taxes
    nothing = taxes.assign(shifted_microusd=0)
    collected = taxes["amount_microusd"] - taxes["before_window_microusd"]
    assert indicators.profit_tax_without_shifting(nothing).tolist() == [0, 0, 0, 0, collected.iloc[4]]
    everything = taxes.assign(shifted_microusd=[0, 0, 0, 0, 72 * USD], amount_microusd=0)
    everything["before_window_microusd"] = 0
    assert indicators.profit_tax_without_shifting(everything)[4] == 144 * USD * 0.25 * 0.5
    untaxed = replace(GOVERNED, taxes=taxes.iloc[:4])
    found = summary(untaxed, WORLD)["profit_tax_without_shifting_per_year"]
    assert (found["value"], found["reason"], found["without"]) == (None, "no tax on profits", 0.0)


def test_a_loss_has_no_tax_rate_and_no_income_no_administration() -> None:
    loss = replace(GOVERNED, flows=flows(requester_fee=50, platform_cost=200, usage_tax=20))
    found = summary(loss, WORLD)
    assert found["effective_tax_rate"]["reason"] == "no profit before taxes"
    assert found["effective_tax_rate_without_losses"]["reason"] == "no profit left"
    unpaid = replace(GOVERNED, incomes=GOVERNED.incomes.assign(heads=0.0))
    assert summary(unpaid, WORLD)["administration_share"]["reason"] == "no income paid recorded"


@pytest.mark.parametrize("has_job", [True, False])
def test_poverty_counts_another_job_as_the_model_does(has_job: bool) -> None:
    """One worker, paid so that the rule of the model puts it just above or just below the line."""
    line = LINE * 0.25
    monthly = 13.0
    wage = (line - monthly) / other_income(True, 1.0, 0.0, 0.0, 0.0)
    for factor, poor in ((1.001, 0.0), (0.999, 1.0)):
        world = replace(WORLD, outside_wage_usd=(0.0, wage * factor, 0.0))
        one = replace(
            people(country="IND", other_job=has_job, pay_microusd=int(monthly * DAYS / (365 / 12) * USD)),
            series=table("series", {"day": np.arange(DAYS), "country": "IND"}),
        )
        found = summary(one, world)["worker_poverty_before_transfers"]["value"]
        assert found == (poor if has_job else 1.0)


def test_the_console_shows_a_policy_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    names = {
        name
        for lines in POLICY_SECTIONS.values()
        for _, text in lines
        for _, name, _, _ in Formatter().parse(text)
        if name
    }
    assert names <= set(INDICATORS) and len(names) >= 14
    year = synthetic.frames(workers=300)
    bare = summary(year, synthetic.world())
    assert not any(section in POLICY_SECTIONS for section, _, _ in rows(bare))
    text = plain(summary(GOVERNED, WORLD))
    shown = text.splitlines()
    leaving = REMEDIES["Platforms that leave", "countries_given_up"]
    sections = (*SECTIONS.values(), *POLICY_SECTIONS.values(), leaving)
    assert len(shown) == sum(len(lines) + 1 for lines in sections)
    assert max(map(len, shown)) <= 100 and text.isascii()
    found = {
        label: line for section, label, line in rows(summary(GOVERNED, WORLD)) if section in POLICY_SECTIONS
    }
    assert found["taxes collected, world"] == "250 k USD"
    assert found["on users, turnover, profits"] == "100 k, 100 k, 50.0 k USD"
    assert (
        found["platforms' effective tax rate"] == "36.7 % of profit before taxes, 36.7 % leaving losses out"
    )
    assert found["taxes a user, a resident"] == "0.50 USD a user and month, 0.00014 a resident and year"
    assert found["incomes and subsidies, world"] == "250 k USD; administration took 5.0 %"
    assert found["of it"] == "74.0 % to workers of this market, 2.0 % from outside"
    assert found["workers below the poverty line"] == "50.0 % before, 25.0 % with incomes, shifts, dividends"
    assert (
        found["below 60 % of the national median"] == "75.0 % before, 75.0 % with incomes, shifts, dividends"
    )
    assert found["tax on profits, none shifted"] == "69.2 k USD of the same profits, by arithmetic alone"


def test_planted_faults_are_seen(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """Another definition anywhere gives another number."""
    found = 0
    for name, wrong in (
        ("TAXES", ("usage_tax", "turnover_tax")),
        ("TRANSFERS", ("universal_income",)),
        ("POVERTY_LINE_USD_A_DAY", 3.00),
        ("DAYS_A_YEAR", 360),
        ("HOURS_IN_OTHER_JOB", 1.0),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(roster if name == "HOURS_IN_OTHER_JOB" else indicators, name, wrong)
            values = {key: entry["value"] for key, entry in summary(GOVERNED, WORLD).items()}
        different = [key for key, value in EXPECTED.items() if values[key] != pytest.approx(value, rel=1e-9)]
        assert different, name
        found += len(different)
    exercised("numbers changed by planted faults", found, at_least=8)
