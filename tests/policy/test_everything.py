"""Everything at once: all families, intelligence, all instruments, in one market whose books always close."""

from __future__ import annotations

import numpy as np
import pytest

from sim.composition import compose, conf_folder, group_options
from sim.ledger import KINDS
from sim.model import ClickWorkModel
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder
from tests.conftest import Exercised
from tests.support.markets import fingerprint

CONTRADICTING = {"none", "conditional_income"}
"""Not beside the others: two incomes contradict each other, and none is none."""

ALL = sorted(set(group_options(conf_folder())["policy"]) - CONTRADICTING)

WORDS = [
    "world=global", "platforms=all_families", "ai=growing", f"policy=[{','.join(ALL)}]", "workers.count=600",
    "requesters.count=120", "time.days=70", "time.warmup_days=4", "policy.usage_tax.to_users=0.3",
    "policy.union.organising_rate=0.2",
    "policy.universal_income.pool=global", "record.batches=false", "compute.debug=true",
    "learning.outside_shock_sigma=1.2",
]  # fmt: skip

UNUSED = {
    "conditional_income", "hiring_subsidy", "external_income", "capital", "profit_shifting", "haven_tax",
    "haven_profit", "profit_tax", "surplus", "patronage", "escrow_rounding",
}  # fmt: skip
"""Kinds of transfer that may stay out: other incomes, profits where nobody makes one, fractions."""


@pytest.fixture(scope="module")
def played() -> tuple[ClickWorkModel, Recorder]:
    """Every hour is checked inside (``compute.debug``), the books among the rest."""
    model = ClickWorkModel(compose(WORDS))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    return model, recorder


def test_every_instrument_is_there() -> None:
    chosen = compose(WORDS).policy
    assert all(getattr(chosen, name) is not None for name in ALL)
    assert len(ALL) == 9


def test_books_close_and_every_arrow_carries_money(
    played: tuple[ClickWorkModel, Recorder], exercised: Exercised
) -> None:
    model, recorder = played
    assert model.ledger.totals.sum() == 0
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    moved = set(recorder.frames().flows["kind"].astype(str))
    idle = {kind for kind, _, _ in KINDS} - moved - UNUSED
    assert not idle, f"no money moved as {idle}"
    exercised("transfers", model.ledger.transfers_booked, 20_000)
    exercised("kinds of transfer", len(moved), 25)


def test_every_part_has_outcomes(played: tuple[ClickWorkModel, Recorder]) -> None:
    model, recorder = played
    found = summary(recorder.frames(), model.world)
    for name in (
        "usage_tax_per_year", "social_users", "on_demand_fill_rate", "click_farm_fill_rate", "union_density",
        "commons_per_thousand_labels", "cooperative_work_share", "ai_human_hours_growth",
    ):  # fmt: skip
        assert found[name]["value"] is not None and np.isfinite(found[name]["value"]), (name, found[name])


def test_the_order_of_instruments_means_nothing() -> None:
    short = [word for word in WORDS if not word.startswith(("policy=", "time.days", "compute."))]
    orders = (ALL, ALL[::-1])
    prints = set()
    for names in orders:
        model = ClickWorkModel(compose([*short, f"policy=[{','.join(names)}]", "time.days=30"]))
        model.run()
        prints.add(fingerprint(model))
    assert len(prints) == 1
