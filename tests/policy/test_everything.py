"""Everything at once: all families, intelligence, all instruments, in one market whose books always close."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from sim.composition import compose, conf_folder, group_options
from sim.ledger import KINDS
from sim.model import ClickWorkModel
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder
from sim.policy.channels import Channels, Contribution, fold
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
    "learning.outside_shock_sigma=1.2", "policy.cooperative.lowest_fee=0.4",
    "policy.cooperative.highest_fee=0.4", "policy.reclassification.platforms=[on_demand]",
]  # fmt: skip
"""Taxes and employees cost some platforms less than they take, a cooperative among them."""

OTHER_INCOMES = {
    "conditional_income": ["policy=[usage_tax,conditional_income]"],
    "hiring_subsidy": [
        "policy=[usage_tax,conditional_income]", "policy.conditional_income.recipients=employers",
    ],
    "external_income": [
        "policy=universal_income", "policy.universal_income.funding=external",
        "policy.universal_income.usd_per_month=5", "policy.universal_income.recipients=workers",
    ],
    "external_income_of_others": [
        "policy=universal_income", "policy.universal_income.funding=external",
        "policy.universal_income.usd_per_month=5",
    ],
}  # fmt: skip
"""Kinds of transfer of incomes that are not together with the one above, and what moves them."""

UNUSED = {*OTHER_INCOMES, "escrow_rounding"}
"""Kinds of transfer that may stay out: other incomes, fractions."""

OWN = [
    "+policy.measures.floor.rule=reward_floor", "+policy.measures.floor.value=0.8",
    "+policy.measures.cap.rule=fee_cap", "+policy.measures.cap.value=0.3",
    "+policy.measures.waiting.rule=paid_waiting", "+policy.measures.waiting.value=0.2",
]  # fmt: skip
"""Measures beside the instruments, so that several give to one channel in one place."""


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
    exercised("kinds of transfer", len(moved), len(KINDS) - len(UNUSED))


@pytest.mark.parametrize("kind", OTHER_INCOMES)
def test_other_incomes_carry_money(kind: str, exercised: Exercised) -> None:
    """The kinds that are not beside the others; every hour is checked as above."""
    model = ClickWorkModel(
        compose(
            [
                "world=six_regions", "workers.count=300", "requesters.count=60", "time.start=2019-01-28",
                "time.days=40", "time.warmup_days=0", "compute.debug=true", *OTHER_INCOMES[kind],
            ]
        )
    )  # fmt: skip
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    assert model.ledger.totals.sum() == 0
    flows = recorder.frames().flows
    exercised(f"micro-dollars of {kind}", flows[flows["kind"] == kind]["amount_microusd"].sum(), 1_000)


def test_every_part_has_outcomes(played: tuple[ClickWorkModel, Recorder]) -> None:
    model, recorder = played
    found = summary(recorder.frames(), model.world)
    for name in (
        "usage_tax_per_year", "social_users", "on_demand_fill_rate", "click_farm_fill_rate", "union_density",
        "commons_per_thousand_labels", "cooperative_work_share", "ai_human_hours_growth",
    ):  # fmt: skip
        assert found[name]["value"] is not None and np.isfinite(found[name]["value"]), (name, found[name])


def prints_of(patch: pytest.MonkeyPatch, fold_them: Any, orders: int) -> tuple[set[str], int]:
    """Play a market under everything, its contributions in another order in every fold of each run but one.

    Returns the fingerprints, and how many folds had several contributions to one channel in one place.
    """
    short = [word for word in WORDS if not word.startswith(("policy=", "time.days", "compute."))]
    prints, met = set(), 0
    for number in range(orders):
        order = random.Random(number)

        def shuffled(
            platforms: int,
            countries: int,
            some: Iterable[Contribution],
            order: Any = order,
            number: int = number,
        ) -> Channels:
            nonlocal met
            given = list(some)
            met += len({(one.channel, one.platform, one.country) for one in given}) < len(given)
            if number:
                order.shuffle(given)
            folded: Channels = fold_them(platforms, countries, given)
            return folded

        patch.setattr("sim.model.fold", shuffled)
        names = [*ALL]
        order.shuffle(names)
        model = ClickWorkModel(compose([*short, *OWN, f"policy=[{','.join(names)}]", "time.days=30"]))
        model.run()
        prints.add(fingerprint(model))
    return prints, met


def test_the_order_of_instruments_means_nothing(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    prints, met = prints_of(monkeypatch, fold, orders=4)
    assert len(prints) == 1
    exercised("folds of several values in one place", met, 20)


def test_an_order_that_means_something_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if of several that give to one channel in one place the last had it."""

    def last_one_wins(platforms: int, countries: int, some: Iterable[Contribution]) -> Channels:
        last = {(one.channel, one.platform, one.country): one for one in some}
        return fold(platforms, countries, last.values())

    prints, _ = prints_of(monkeypatch, last_one_wins, orders=2)
    assert len(prints) == 2
