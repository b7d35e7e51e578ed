"""Every parameter says where its default comes from, or that nobody knows and within which range."""

from __future__ import annotations

from dataclasses import make_dataclass
from fnmatch import fnmatchcase

from sim.config import Config, assumed, parameter
from sim.schema import Parameter, describe
from tests.conftest import Exercised

CHOICES = {
    "seed", "time.*", "world.table",
    "segments.<name>.literate",
    "task_types.<name>.function", "task_types.<name>.tertiary", "task_types.<name>.one_task_many_workers",
    "platforms.<name>.owner", "platforms.<name>.*_countries",
    "platforms.<name>.family", "platforms.<name>.task_types", "platforms.<name>.posting_hours",
    "market.acceptance", "market.pay_setting", "learning.join_rate",
    "policy.measures.<name>.*",
    "policy.*.start", "policy.*.end", "policy.*.countries", "policy.*.platforms",
    "policy.profit_tax.attribution", "policy.universal_income.funding", "policy.universal_income.recipients",
    "policy.universal_income.pool", "policy.universal_income.roster", "policy.cooperative.fee",
    "policy.conditional_income.pool", "policy.wage_floor.basis",
    "platforms.<name>.drops_users", "policy.*.families",
    "platforms.<name>.closed", "policy.profit_tax.carry_forward", "policy.cooperative.votes_on_floor",
    "policy.commons.portable_reputation", "policy.commons.fee_at_cost",
    "policy.union.guideline",
}  # fmt: skip
"""Names, dates, rules and kinds: chosen, not measured."""

MACHINERY = {
    "workers.count", "market.boards", "market.workers_per_board", "market.max_rounds",
    "record.*", "compute.*", "results.*",
}  # fmt: skip
"""Size of the model, and how it is computed and written down."""


def unfounded(cls: type) -> list[str]:
    """Return the parameters with neither a source nor the mark, and those marked without a range."""
    return [row.path for row in describe(cls) if not founded(row)]


def founded(row: Parameter) -> bool:
    """Tell whether a parameter has a source, or is marked as assumed and has a range, or needs neither."""
    if any(fnmatchcase(row.path, pattern) for pattern in CHOICES | MACHINERY):
        return True
    if row.assumed:
        return row.limits.low is not None and row.limits.high is not None
    return bool(row.source)


def test_every_parameter_has_a_source_or_is_marked_as_assumed(exercised: Exercised) -> None:
    assert unfounded(Config) == []
    exercised("parameters", len(describe(Config)), 100)


def test_every_exception_is_needed(exercised: Exercised) -> None:
    """A pattern that no parameter needs would hide one that comes later."""
    bare = [row.path for row in describe(Config) if not row.assumed and not row.source]
    for pattern in CHOICES | MACHINERY:
        assert any(fnmatchcase(path, pattern) for path in bare), pattern
    exercised("exceptions", len(CHOICES | MACHINERY), 10)


def test_bare_parameters_are_noticed(exercised: Exercised) -> None:
    fields = {
        "bare": parameter(1.0, meaning="no source, no mark", low=0, high=2),
        "open": parameter(1.0, meaning="marked, without a range", low=0, assumed=True),
        "marked": assumed(1.0, 0, 2, "marked"),
        "sourced": parameter(1.0, meaning="with a source", source="somebody 2020"),
    }
    spoiled = make_dataclass("Spoiled", [(name, float, field) for name, field in fields.items()])
    assert unfounded(spoiled) == ["bare", "open"]
    exercised("planted", 2, 2)
