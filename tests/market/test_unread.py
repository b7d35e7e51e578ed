"""What the tables of readers call unread changes no bit of a run: nobody, no account, no flow, no user.

The checks that refuse such settings are left out here. Each comparison is run once more with a setting that
is read, and must then differ.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from sim.config import FAMILIES, READ_BY, READERS, Config, Platform, Workers
from sim.instruments import (
    ANY_NUMBER,
    READ_WITH,
    Commons,
    ConditionalIncome,
    Cooperative,
    Policies,
    Reclassification,
    TurnoverTax,
    Union,
    UniversalIncome,
    UsageTax,
)
from sim.model import ClickWorkModel
from sim.schema import describe
from tests.conftest import Exercised
from tests.support import policies
from tests.support.families import all_kinds, clicks, jobs
from tests.support.markets import ENGAGEMENT, LOCAL_JOB, run
from tests.support.unread import another, unchecked

OF_FAMILY = {"microwork": "microwork", "on_demand": "jobs", "click_farm": "clicks", "social": "users"}


def everybody(model: ClickWorkModel) -> list[Any]:
    """All that people, requesters, audiences and accounts have become."""
    rows = (model.worker_rows, model.requester_rows, model.history_rows, model.audience_rows)
    people = [table[name].copy() for table in rows for name in table.dtype.names]
    return [*people, model.ledger.flows.copy(), model.ledger.totals.copy(), model.joiners.copy()]


def differ(one: Config, other: Config) -> bool:
    """Whether two runs come to anything different; both are allowed what a user is not."""
    with unchecked():
        first, second = everybody(run(one)), everybody(run(other))
    return not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def with_users(days: int = 28) -> Config:
    """A small market of each kind of platform, with users of a social one that are charged."""
    base = all_kinds(days=days, workers=30, requesters=10)
    users = Platform(family="social", owner="NOA", excluded_countries=["AFR"])
    return replace(base, platforms=base.platforms | {"users": users}, policy=Policies(UsageTax(to_users=0.2)))


def changed(config: Config, name: str, settings: dict[str, Any]) -> Config:
    """Return the configuration with other settings of one platform."""
    platforms = config.platforms | {name: replace(config.platforms[name], **settings)}
    return replace(config, platforms=platforms)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_does_not_read_what_belongs_to_others(family: str, exercised: Exercised) -> None:
    config, name = with_users(), OF_FAMILY[family]
    rows = {row.path: row for row in describe(Platform)}
    unread = {
        setting: ["ASI"] if rows[setting].kind == "list of text" else another(rows[setting])
        for setting, families in READ_BY.items()
        if family not in families
    }
    # A share of people or a list of types concerns other platforms too. A price of a click or a share taken
    # down would be obeyed anywhere; they are refused because they have no meaning elsewhere.
    for name_of_other in ("pool_share", "requester_share", "task_types", "usd_per_click", "takedown_share"):
        unread.pop(name_of_other, None)
    assert not differ(config, changed(config, name, unread))
    one_read = {"cost_share": 0.123} if family == "social" else {"worker_fee": 0.3}
    assert differ(config, changed(config, name, one_read)), "a difference would not be seen"
    exercised("settings", len(unread), 14)


def only(platforms: dict[str, Platform], days: int = 8, **changes: Any) -> Config:
    """A market with some platforms and no others."""
    types = {"engagement": replace(ENGAGEMENT, actions_per_task=5), "local_job": LOCAL_JOB}
    types["else"] = replace(LOCAL_JOB, life_hours=None, median_seconds=60)
    base = replace(all_kinds(days=days), task_types=types, platforms=platforms)
    return replace(base, **changes)


def without_readers(section: str, name: str) -> Config:
    """A market in which no platform reads a setting."""
    farm = clicks(owner="NOA", pool_share=1.0, requester_share=1.0)
    if section.startswith("policy."):
        taxes = Policies(UsageTax(), TurnoverTax())
        return only({"microwork": Platform(owner="NOA")}, days=60, policy=taxes, workers=Workers(count=20))
    if name.startswith("daily_life"):
        return only({"microwork": Platform(owner="NOA")})
    if name in ("own_country_share", "north_only_share"):
        return only({"jobs": jobs(owner="NOA", pool_share=1.0, requester_share=1.0)})
    return only({"clicks": farm})


@pytest.mark.parametrize("readers", READERS, ids=lambda one: f"{one.section}.{one.names[0]}")
def test_nobody_reads_what_belongs_to_platforms_that_are_not_there(
    readers: Any, exercised: Exercised
) -> None:
    config = without_readers(readers.section, readers.names[0])
    assert not any(readers.reads(platform) for platform in config.platforms.values())
    *above, last = readers.section.split(".")
    holder = getattr(config, above[0]) if above else config
    section = getattr(holder, last)
    values = {row.path: another(row) for row in describe(type(section)) if row.path in readers.names}
    other = replace(holder, **{last: replace(section, **values)})
    assert not differ(config, replace(config, policy=other) if above else other)
    assert differ(config, replace(config, seed=2)), "a difference would not be seen"
    exercised("settings", len(values), 1)


def test_clicks_mean_nothing_away_from_click_farms(exercised: Exercised) -> None:
    config = all_kinds(days=6)
    more = {
        name: one if name == "engagement" else replace(one, actions_per_task=77)
        for name, one in config.task_types.items()
    }
    assert not differ(config, replace(config, task_types=more))
    fewer = more | {"engagement": replace(more["engagement"], actions_per_task=2)}
    assert differ(config, replace(config, task_types=fewer)), "a difference would not be seen"
    exercised("types", len(more) - 1, 8)


CHOSEN: dict[type, Policies] = {
    UsageTax: Policies(UsageTax(to_requesters=0.5)),
    UniversalIncome: Policies(
        usage_tax=UsageTax(), universal_income=UniversalIncome(funding="external", usd_per_month=20.0)
    ),
    ConditionalIncome: Policies(
        usage_tax=UsageTax(), conditional_income=ConditionalIncome(recipients="employers")
    ),
    Union: Policies(union=Union(organising_rate=0.5, guideline="local")),
    Commons: Policies(commons=Commons(fee_at_cost=False)),
    Reclassification: Policies(reclassification=Reclassification(slack=None)),
    Cooperative: Policies(cooperative=Cooperative(platforms=["northern"], fee="at_cost")),
}


@pytest.mark.parametrize("kind", READ_WITH, ids=lambda kind: kind.__name__)
def test_an_instrument_does_not_read_what_belongs_to_another_choice(kind: type, exercised: Exercised) -> None:
    rows = {row.path: row for row in describe(kind)}
    base, count = policies.market(workers=25, policy=CHOSEN[kind]), 0
    at = next(one.name for one in fields(Policies) if type(getattr(base.policy, one.name)) is kind)
    instrument = getattr(base.policy, at)
    assert is_dataclass(instrument)
    choices = {(choice, values) for choice, values in READ_WITH[kind].values()}
    for choice in sorted({choice for choice, _ in choices}):
        chosen = [getattr(instrument, choice), "arpu_share"] if choice == "schedule" else [None]
        for one in chosen:
            now = replace(instrument, **{choice: one}) if one is not None else instrument
            unread = {
                name: another(rows[name])
                for name, (by, values) in READ_WITH[kind].items()
                if by == choice and not _reads(getattr(now, choice), values)
            }
            config = replace(base, policy=replace(base.policy, **{at: now}))
            other = replace(base, policy=replace(base.policy, **{at: replace(now, **unread)}))
            assert unread and not differ(config, other), (choice, one)
            count += len(unread)
    without = replace(base, policy=replace(base.policy, **{at: None}))
    assert differ(base, without), "a difference would not be seen"
    exercised("settings", count, 1)


def _reads(chosen: Any, values: tuple[Any, ...]) -> bool:
    return chosen is not None if values is ANY_NUMBER else chosen in values


def test_a_setting_wrongly_called_unread_is_noticed(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """Planted: the table says that only social platforms read the fee on workers."""
    monkeypatch.setitem(READ_BY, "worker_fee", ("social",))
    with pytest.raises(AssertionError):
        test_a_family_does_not_read_what_belongs_to_others("microwork", exercised)


def test_a_choice_wrongly_called_unread_is_noticed(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """Planted: the table says that a flat tax does not read its rate."""
    rows = READ_WITH[UsageTax] | {"usd_per_user_month": ("schedule", ("arpu_share",))}
    monkeypatch.setitem(READ_WITH, UsageTax, rows)
    with pytest.raises(AssertionError):
        test_an_instrument_does_not_read_what_belongs_to_another_choice(UsageTax, exercised)
