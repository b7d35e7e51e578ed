"""A rate that revenue must pay, and a fixed roster: what a run and a comparison say of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from sim.instruments import Policies, UniversalIncome, UsageTax
from sim.model import ClickWorkModel
from sim.outcomes.console import rows
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder
from sim.study import run, told
from sim.study.measure import measure
from tests.conftest import Exercised
from tests.support.markets import tiny
from tests.support.plants import Plant, planted

FLAT = UsageTax(usd_per_user_month=2.0, under_declaration=0.0)


def model_of(**income: Any) -> ClickWorkModel:
    policy = Policies(FLAT, universal_income=UniversalIncome(recipients="workers", **income))
    return ClickWorkModel(replace(tiny(days=90, workers=40), policy=policy))


def told_of(**income: Any) -> dict[str, dict[str, Any]]:
    model = model_of(**income)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    return summary(recorder.frames(), model.world)


def check_rates() -> None:
    """What revenue came to is paid where nothing bounds it; a lower rate is feasible, a higher one not."""
    free = told_of()["transfer_per_head_month"]["value"]
    for rate, short in ((free / 2, 0.0), (10.0 * free, 1.0)):
        found = {name: one["value"] for name, one in told_of(usd_per_month=rate).items()}
        assert found["income_rate_wanted"] == pytest.approx(rate, abs=1e-6)
        assert found["income_rate_short_share"] == short
        assert found["income_rate_allowed"] == pytest.approx(free, rel=0.05)
        assert found["transfer_per_head_month"] == pytest.approx(min(rate, free), rel=1e-4)


def test_a_rate_is_feasible_or_not(exercised: Exercised) -> None:
    check_rates()
    plants = (
        ("sim.outcomes.indicators", '< rated["wanted_microusd"]', '<= rated["wanted_microusd"]'),
        ("sim.outcomes.recorder", "offices.allowed * paid", "offices.per_head * paid"),
        ("sim.policy.office", "each = min(each, rate)", "each = min(each, 2 * rate)"),
    )
    for module, old, new in plants:
        with planted(Plant(module, old, new, "", tiny)), pytest.raises(AssertionError):
            check_rates()
    exercised("planted bugs noticed", len(plants), 3)


def test_the_summary_says_so() -> None:
    lines = [line for line in rows(told_of(usd_per_month=1000.0)) if line[0] == "Rate of the income"]
    assert [label for _, label, _ in lines] == ["wanted", "what revenue came to", "infeasible"]
    assert lines[-1][2].startswith("100.0 %")
    assert not [line for line in rows(told_of()) if line[0] == "Rate of the income"]


def test_without_a_rate_a_comparison_has_zeros() -> None:
    """So that a scenario with a rate has something to stand beside."""
    model = ClickWorkModel(tiny(days=40, workers=20))
    values = {
        one.metric: one.value
        for one in measure(model, lambda one: one.run()).values
        if one.metric.startswith("income_rate")
    }
    assert values == dict.fromkeys(
        ("income_rate_wanted", "income_rate_allowed", "income_rate_short_share"), 0.0
    )


def comparison(short: float, rosters: dict[str, str]) -> Any:
    names = ("short_share", "wanted", "allowed")
    table = pd.DataFrame(
        {
            "scenario": "income",
            "group": told.WORLD,
            "metric": [f"income_rate_{name}" for name in names],
            "value": [short, 50.0, 3.25],
        }
    )
    return SimpleNamespace(table=table, manifest={"rosters": rosters})


def test_a_comparison_says_so() -> None:
    found = told.rate_told(comparison(0.25, {}), "income")
    assert found.startswith("The rate of the income is infeasible: in 25 %") and "50 USD" in found
    assert "3.25 USD" in found
    assert not told.rate_told(comparison(0.0, {}), "income")
    assert not told.rate_told(comparison(0.25, {}), "another")
    assert told.roster_told(comparison(0.0, {"income": "A roster."}), "income") == "A roster."
    assert not told.roster_told(comparison(0.0, {}), "income")


def test_a_roster_is_told_with_its_date() -> None:
    first = model_of(roster="fixed")
    assert f"workers on {first.config.time.start}" in run.roster_of(first)
    later = model_of(roster="fixed", start="2019-02-01")
    assert "workers on 2019-02-01" in run.roster_of(later)
    assert not run.roster_of(model_of(roster="fixed", start="2030-01-01"))
    assert not run.roster_of(model_of())
    users = replace(later.config.policy.universal_income or UniversalIncome(), recipients="users")
    of_users = ClickWorkModel(
        replace(later.config, policy=replace(later.config.policy, universal_income=users))
    )
    assert "users in the month before 2019-02-01" in run.roster_of(of_users)
