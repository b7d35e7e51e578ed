"""Taxes and incomes worked out by hand, case by case, against the functions that compute them.

The cases are YAML in ``tests/policy_cases``, for an analyst to read and to add to.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Exercised
from tests.support.cases import cases_of, check
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.policy_plants import OF_FORMULAS

INSTRUMENTS = (
    "usage_tax",
    "turnover_tax",
    "profit_tax",
    "universal_income",
    "conditional_income",
    "wage_floor",
    "cooperative",
    "commons",
    "leaving",
    "measures",
)
ALL = [(instrument, case) for instrument in INSTRUMENTS for case in cases_of(instrument)]


@pytest.mark.parametrize(("instrument", "case"), ALL, ids=[f"{name}: {case['case']}" for name, case in ALL])
def test_case(instrument: str, case: dict[str, Any]) -> None:
    """One case."""
    check(instrument, case)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_planted_bugs_are_noticed(instrument: str, exercised: Exercised) -> None:
    """Every edit of a formula makes some case fail."""
    cases = cases_of(instrument)
    for module, old, new in OF_FORMULAS[instrument]:
        with planted(Plant(module, old, new, "", tiny)):
            assert failures(instrument, cases), f"no case notices {new!r} in place of {old!r}"
    assert not failures(instrument, cases)
    exercised("cases", len(cases), 10)
    exercised("planted bugs noticed", len(OF_FORMULAS[instrument]), 4)


def failures(instrument: str, cases: list[dict[str, Any]]) -> list[str]:
    """Names of the cases that fail."""
    failed = []
    for case in cases:
        try:
            check(instrument, case)
        except AssertionError:
            failed.append(case["case"])
    return failed
