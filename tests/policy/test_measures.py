"""Measures: policies of a user's own, written in YAML, reach the market where and when they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.composition import compose
from sim.errors import UserError
from sim.instruments import Measure, Policies
from sim.model import ClickWorkModel
from sim.policy.measures import contributions
from sim.policy.office import STRENGTHS_KEPT
from sim.study.compare import compare
from sim.world import load_world
from tests.conftest import Exercised
from tests.support.markets import fingerprint, tiny
from tests.support.policies import bare, market, played

NAMES = ("here", "there")
SMALL = ["world=north_south", "workers.count=40", "requesters.count=24", "time.warmup_days=0"]


def given(strength: float = 1.0, **fields: Any) -> list[tuple[str, int, float, int]]:
    measure = Measure(**fields)
    found = contributions(measure, strength, NAMES, load_world("north_south"))
    return [(one.channel, one.platform, one.value, one.country) for one in found]


def test_what_is_contributed() -> None:
    assert given(rule="fee_cap", value=0.1) == [("fee_cap", 0, 0.1, 0), ("fee_cap", 1, 0.1, 0)]
    assert given(rule="fee_cap", value=0.1, platforms=["there"]) == [("fee_cap", 1, 0.1, 0)]
    by_country = given(rule="worker_floor", value=6.0, countries=["STH"], platforms=["here"])
    assert by_country == [("worker_floor", 0, 6.0, 1)]
    assert len(given(rule="paid_search", value=6.0)) == 4
    assert given(0.0, rule="paid_search", value=6.0) == []


def test_growing() -> None:
    """What remains of unfair rejections falls from all of them; a floor rises from nothing."""
    assert given(0.25, rule="unfair", value=0.2, platforms=["here"], countries=["NTH"]) == [
        ("unfair", 0, 0.8, 0)
    ]
    assert given(0.25, rule="worker_floor", value=6.0, platforms=["here"], countries=["NTH"]) == [
        ("worker_floor", 0, 1.5, 0)
    ]


def test_from_the_month_it_says() -> None:
    """A cap holds from its month on, and not after its last; the platform's own fee holds otherwise."""
    cap = Measure(rule="fee_cap", value=0.05, start="2019-02-01", end="2019-03-01")
    config = tiny(days=70, workers=30, requesters=8, policy=Policies(measures={"cap": cap}))
    model = ClickWorkModel(config)
    assert model.clock.datetime(0).date().isoformat() == "2019-01-07", "days are counted from here"
    usual = int(model.platform_rows["requester_fee_ppm"][0])
    seen = []
    for days in (20, 10, 20, 6):
        model.run(24 * days)
        seen.append(
            (model.clock.datetime(model.hour).month, int(model.platform_rows["requester_fee_ppm"][0]))
        )
    assert usual > 50_000
    assert seen == [(1, usual), (2, 50_000), (2, 50_000), (3, usual)]


NULLS = {
    "a cap above every fee": {"cap": Measure(value=2.0)},
    "floors of nothing": {
        "floor": Measure(rule="worker_floor", value=0.0),
        "rewards": Measure(rule="reward_floor", value=0.0),
    },
    "time at nothing an hour": {
        "search": Measure(rule="paid_search", value=0.0),
        "rejected": Measure(rule="paid_rejected", value=0.0),
    },
    "as many unfair rejections, records of one place": {
        "unfair": Measure(rule="unfair", value=1.0),
        "records": Measure(rule="portable", value=0.0),
    },
    "a start after the end": {"cap": Measure(value=0.01, start="2019-06-01")},
    "an end before the run": {"cap": Measure(value=0.01, start="2018-02-01", end="2018-12-01")},
    "no platform": {"cap": Measure(value=0.01, platforms=[])},
    "no country": {"floor": Measure(rule="worker_floor", value=9.0, countries=[])},
}
"""Measures that must change nothing at all."""


def test_a_measure_that_rules_nothing_changes_nothing(exercised: Exercised) -> None:
    """The same bits as without, over two ends of months; a cap that binds changes them."""
    base = market(workers=30)
    plain = fingerprint(played(base))
    for name, idle in NULLS.items():
        model = bare(played(replace(base, policy=Policies(measures=idle))))
        assert fingerprint(model) == plain, f"{name}: not as without it"
    busy = {"cap": Measure(value=0.01)}
    assert fingerprint(played(replace(base, policy=Policies(measures=busy)))) != plain
    exercised("null settings", len(NULLS), 3)


def test_a_policy_from_a_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No source is touched: a YAML file is a scenario, a group of settings, and can be varied."""
    file = tmp_path / "cap.yaml"
    file.write_text("policy:\n  measures:\n    cap: {rule: fee_cap, value: 0.05}\n")
    monkeypatch.chdir(tmp_path)
    found = compare(["none", "cap.yaml"], [*SMALL, "time.days=35"], seeds=2)
    changed = found.table.query("scenario == 'cap' and group == 'world'")
    assert changed["difference"].abs().max() > 0
    config = compose([*SMALL, "config=cap.yaml", "policy.measures.cap.value=0.2"])
    assert config.policy.measures["cap"].value == 0.2
    added = compose([*SMALL, "+policy.measures.law.rule=paid_search", "+policy.measures.law.value=3"])
    assert added.policy.measures["law"].rule == "paid_search"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (["+policy.measures.m.rule=fee_cap"], "policy.measures.m.value"),
        (["+policy.measures.m.value=3"], "a number from 0 to 2"),
        (["+policy.measures.m.rule=unfair", "+policy.measures.m.value=1.5"], "a number from 0 to 1"),
        (["+policy.measures.m.value=0.1", "+policy.measures.m.countries=[NTH]"], "no list of countries"),
        (["+policy.measures.m.value=0.1", "+policy.measures.m.phase_in_months=3"], "holds or does not"),
        (["+policy.measures.m.rule=fee", "+policy.measures.m.value=0.1"], "fee_cap"),
        (["+policy.measures.m.value=0.1", "+policy.measures.m.start=2026-01-15"], "first day of a month"),
    ],
)
def test_refusals(fields: list[str], why: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([*SMALL, *fields])
    assert why in str(caught.value)


def test_unknown_names_are_refused() -> None:
    for field, value in (("platforms", ["nowhere"]), ("countries", ["XXX"])):
        measure = Measure(rule="worker_floor", value=1.0, **{field: value})
        with pytest.raises(UserError) as caught:
            ClickWorkModel(tiny(days=1, workers=20, policy=Policies(measures={"law": measure})))
        assert f"policy.measures.law.{field}" in str(caught.value)


def test_strengths_are_not_remembered_for_ever() -> None:
    """Of many hours as many are kept as a bound says, and each is what it was before."""
    model = ClickWorkModel(compose([*SMALL, "policy=turnover_tax", "policy.turnover_tax.phase_in_months=12"]))
    tax = model.offices.taxes["turnover_tax"]
    found = [model.offices.strength(tax, hour) for hour in range(3 * STRENGTHS_KEPT)]
    assert len(model.offices._strengths) <= STRENGTHS_KEPT
    assert found == [model.offices.strength(tax, hour) for hour in range(3 * STRENGTHS_KEPT)]
