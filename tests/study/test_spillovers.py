"""Workers inside and outside of a reform's reach: by hand, in worlds that share nothing, and on one board."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim.study.spillovers
from sim.composition import compose
from sim.config import Config
from sim.model import ClickWorkModel
from sim.study import told
from sim.study.compare import Comparison, compare
from sim.world import World
from tests.conftest import Exercised
from tests.support import policies
from tests.support.markets import tiny
from tests.support.relations import in_two_countries, two_worlds

FAMILIES = ["platforms=all_families", "workers.count=40", "requesters.count=8", "time.days=3"]
USA_ONLY = "policy.wage_floor.countries=[USA]"
FLOOR = ["policy=wage_floor", "policy.wage_floor.usd_per_hour=6"]
APART = ("pay_all_in_pooled", "working_hours", "net_pay", "tasks_handed_in")


def small(*words: str) -> tuple[Config, World]:
    """A configuration with several platforms, and its world."""
    config = compose([*FAMILIES, *words])
    return config, ClickWorkModel(config).world


def check_bounds(module: Any) -> None:
    """Countries and platforms of the instruments that differ; none where a reform reaches everybody."""
    none, world = small()
    everywhere, _ = small(*FLOOR)
    usa, _ = small(*FLOOR, USA_ONLY)
    assert module.bounds(none, none, world) == (None, None)
    assert module.bounds(everywhere, none, world) == (None, None)
    assert module.bounds(usa, none, world) == ({"USA"}, None)
    # What is taken away is as much a reform as what is added; what both have is none.
    assert module.bounds(none, usa, world) == ({"USA"}, None)
    assert module.bounds(usa, usa, world) == (None, None)
    assert module.bounds(usa, none, world, ["wage_floor"]) == (None, None), "what is never in force"
    one, _ = small(*FLOOR, "policy.wage_floor.platforms=[microwork]")
    assert module.bounds(one, none, world) == (None, {"microwork"})
    taxed, _ = small("policy=[wage_floor,usage_tax]", USA_ONLY, "policy.usage_tax.countries=[IND]")
    assert module.bounds(taxed, none, world) == ({"USA", "IND"}, None)
    taxed, _ = small("policy=usage_tax", "policy.usage_tax.families=[microwork]")
    assert module.bounds(taxed, none, world)[1] == {
        name for name, one in none.platforms.items() if one.family == "microwork"
    }
    # A cooperative's members are those of a country, its fee is everybody's.
    owned, _ = small("policy=cooperative", "policy.cooperative.countries=[IND]")
    assert module.bounds(owned, none, world) == (None, {"microwork"})
    # Nobody works on a social platform: those who are not covered by its tax are all there are.
    social, _ = small("policy=usage_tax", "policy.usage_tax.platforms=[social]")
    assert module.bounds(social, none, world) == (None, None)


def check_sides(module: Any) -> None:
    """Two countries on two platforms: 2 h for 6 USD inside, 1 h for 5 USD outside."""
    series = pd.DataFrame(
        {
            "country": ["USA", "USA", "IND", "USA"], "platform": ["a", "b", "a", "a"],
            "paid_seconds": [1800, 3600, 3600, 600], "search_seconds": [600, 0, 0, 0],
            "returned_seconds": [300, 0, 0, 0], "rejected_seconds": [300, 0, 0, 0],
            "pay_microusd": [3_000_000, 2_000_000, 5_000_000, 1_000_000],
            "tasks_accepted": [10, 20, 40, 1], "tasks_rejected": [1, 2, 0, 0],
        }
    )  # fmt: skip
    kept = module.by_place(series)
    assert kept["pay", "USA a"] == 4_000_000 and kept["seconds", "USA a"] == 3600

    def apart(countries: set[str] | None, platforms: set[str] | None) -> dict[tuple[str, str], float]:
        found = list(module.told_apart(kept, module.Bounds(countries, platforms)))
        assert len({row[:2] for row in found}) == len(found)
        return {(metric, group): value for metric, group, value in found}

    inside = dict(zip(APART, (3.0, 2.0, 6.0, 34.0), strict=True))
    outside = dict(zip(APART, (5.0, 1.0, 5.0, 40.0), strict=True))
    assert apart({"USA"}, None) == {
        **{(name, "covered countries"): value for name, value in inside.items()},
        **{(name, "other countries"): value for name, value in outside.items()},
    }
    found = apart(None, {"b"})
    assert found.get(("pay_all_in_pooled", "covered platforms")) == 2.0
    assert found["net_pay", "other platforms"] == 9.0 and len(found) == 8
    assert apart(None, None) == {}
    nobody = apart({"FRA"}, None)
    assert nobody["working_hours", "covered countries"] == 0.0
    assert ("pay_all_in_pooled", "covered countries") not in nobody


def side(comparison: Comparison, group: str) -> pd.DataFrame:
    """Rows of the comparison's table of one side of its reform."""
    rows = comparison.table[comparison.table["group"] == group].set_index("metric")
    assert set(rows.index) == set(APART)
    return rows


def compared(base: Config, policy: Any, folder: Path) -> Comparison:
    """A market without and with a policy."""
    record = replace(base.record, figures=False)
    base = replace(base, record=record, results=replace(base.results, dir=str(folder)))
    return compare({"none": base, "policed": replace(base, policy=policy)}, seeds=2)


def test_reach_by_hand(exercised: Exercised) -> None:
    check_bounds(sim.study.spillovers)
    check_sides(sim.study.spillovers)
    exercised("groups", len(sim.study.spillovers.GROUPS), at_least=2)


def test_nothing_spills_over_where_nothing_is_shared(tmp_path: Path, exercised: Exercised) -> None:
    """A floor in one of two worlds without a common platform: the other side is the same to the last bit."""
    config = two_worlds(tiny(days=20, workers=40, requesters=8))
    found = compared(config, policies.OF_ONE_WORLD["wage_floor"], tmp_path)
    assert (side(found, "covered countries")["difference"] != 0).any()
    for group in ("other countries", "other platforms"):
        others = side(found, group)
        assert (others["baseline"] > 0).all()
        assert (others[["difference", "low", "high"]] == 0.0).to_numpy().all()
    exercised("numbers that must be 0", 3 * 2 * len(APART), at_least=24)


def test_what_spills_over_on_a_board_is_told(tmp_path: Path, exercised: Exercised) -> None:
    """The same floor where both countries work on one board: the others' pay and tasks are other ones."""
    config = in_two_countries(tiny(days=20, workers=40, requesters=8))
    floor = replace(policies.OF_ONE_WORLD["wage_floor"].wage_floor, platforms=None)
    found = compared(config, replace(config.policy, wage_floor=floor), tmp_path)
    others = side(found, "other countries")
    assert (others["difference"] != 0).all() and (others["seeds"] == 2).all()
    whole = found.table[found.table["group"] == "world"].set_index("metric")
    for name in ("working_hours", "net_pay"):
        both = side(found, "covered countries").loc[name, "value"] + others.loc[name, "value"]
        assert both == pytest.approx(whole.loc[name, "value"], rel=1e-12)
    text = told.plain(found)
    assert "Where it holds and where not" in text and "other countries, hourly pay" in text
    assert "platforms, hourly pay" not in text, "all are covered"
    exercised("differences of others", len(others), at_least=4)


PLANTS: list[tuple[str, str, Callable[[Any], None]]] = [
    ("instrument == other.get(name) or ", "", check_bounds),
    ("or name in idle", "", check_bounds),
    ("(baseline, theirs, ours)", "(config, ours, theirs)", check_bounds),
    ("isinstance(instrument, Cooperative) or ", "", check_bounds),
    ('if one.family != "social"', "", check_bounds),
    ("covered = of.covered_by(instrument)", "covered = list(of.platforms)", check_bounds),
    ("< len(world.codes)", "<= len(world.codes)", check_bounds),
    ("(True, False)", "(False, True)", check_sides),
    ('("platforms", within.platforms, 1)', '("platforms", within.platforms, 0)', check_sides),
    (' + series["tasks_rejected"]', "", check_sides),
    ("series[list(WORKING)].sum(axis=1)", 'series["paid_seconds"]', check_sides),
]


@pytest.mark.parametrize(("old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(old: str, new: str, check: Callable[[Any], None]) -> None:
    path = Path(sim.study.spillovers.__file__)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    module = types.ModuleType("sim.study.spillovers_with_a_bug")
    sys.modules[module.__name__] = module
    try:
        exec(compile(text.replace(old, new), str(path), "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    with pytest.raises(AssertionError):
        check(module)
