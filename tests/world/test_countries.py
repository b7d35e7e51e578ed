"""The country tables that come with the model: sums, ranges, marks and agreement between columns."""

from __future__ import annotations

import copy
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from sim.clock import is_zone
from sim.errors import UserError
from sim.world import BUILT_IN_TABLES, GROUPS, MARKS, REGIONS, World, load_world
from sim.world.countries import COLUMNS, MARKED_COLUMNS, NUMBER_COLUMNS, TABLE_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=BUILT_IN_TABLES)
def world(request: pytest.FixtureRequest) -> World:
    return load_world(request.param)


@pytest.fixture(scope="module")
def whole_world() -> World:
    return load_world("global")


def test_global_has_45_countries_and_the_rest(whole_world: World) -> None:
    assert len(whole_world) == 46
    assert whole_world.codes[-1] == "ROW"
    assert {"USA", "FRA", "IND", "CHN", "MDG"} <= set(whole_world.codes)
    assert 8.0e9 < whole_world.population.sum() < 8.2e9


def test_shares_and_weights_sum_to_one(world: World) -> None:
    assert math.fsum(world.worker_share) == pytest.approx(1, abs=1e-12)
    assert math.fsum(world.requester_share) == pytest.approx(1, abs=1e-12)
    for country in range(len(world)):
        weights = world.zone_weight[world.zone_country == country]
        assert len(weights) > 0
        assert math.fsum(weights) == pytest.approx(1, abs=1e-12)


def test_every_array_has_its_shape_type_and_range(world: World) -> None:
    for column in COLUMNS:
        values = getattr(world, column.name)
        assert values.shape == (len(world),)
        assert values.dtype == (np.int64 if column.whole else np.float64)
        assert np.all((values >= column.low) & (values <= column.high))
    assert len(world.zones) == len(world.zone_country) == len(world.zone_weight)
    assert all(is_zone(zone) for zone in world.zones)
    assert np.all(np.diff(world.zone_country) >= 0)


def test_words_are_of_their_lists_and_names_are_unique(world: World) -> None:
    assert set(world.region) <= set(REGIONS)
    assert set(world.group) <= set(GROUPS)
    assert len(set(world.codes)) == len(set(world.names)) == len(world)
    assert len(world.notes) == len(world)


def test_price_level_is_the_ratio_of_the_two_outputs(whole_world: World) -> None:
    ratio = whole_world.gdp_per_head_usd / whole_world.gdp_per_head_ppp
    level = ratio / ratio[whole_world.index("USA")]
    off = [
        code
        for code, given, computed in zip(whole_world.codes, whole_world.price_level, level, strict=True)
        if abs(given / computed - 1) > 0.01
    ]
    # Venezuela is set by hand; the rest of the world has the prices of its representative countries.
    assert off == ["VEN", "ROW"]


def test_assumed_minimum_wages_follow_their_rule(whole_world: World) -> None:
    assumed = [
        code
        for code in whole_world.codes
        if whole_world.mark(code, "minimum_wage_usd").source == "minimum_wage_rule"
    ]
    assert assumed == ["ITA", "SWE", "ETH", "ARE", "SAU"]
    for code in assumed:
        country = whole_world.index(code)
        ratio = whole_world.minimum_wage_usd[country] / whole_world.outside_wage_usd[country]
        assert ratio == pytest.approx(0.20 / 0.22, abs=0.025)


def test_outside_wages_respect_the_minimum_wage(whole_world: World) -> None:
    high_income = [group == "north" or code in ("ARE", "SAU") for code, group in _groups(whole_world)]
    reached = np.where(high_income, 1.0, 0.75) * whole_world.minimum_wage_usd
    assert np.all(whole_world.outside_wage_usd >= reached - 0.005)


def _groups(world: World) -> list[tuple[str, str]]:
    return list(zip(world.codes, world.group, strict=True))


def test_women_by_region_is_the_mean_of_the_known_countries(whole_world: World) -> None:
    for region, default in (("Asia", 0.32), ("Africa", 0.29), ("South America", 0.47)):
        members = [
            code for code, place in zip(whole_world.codes, whole_world.region, strict=True) if place == region
        ]
        assumed = [
            code for code in members if whole_world.mark(code, "women_share").source == "women_by_region"
        ]
        known = [whole_world.women_share[whole_world.index(code)] for code in members if code not in assumed]
        assert len(known) >= 2
        assert np.mean(known) == pytest.approx(default, abs=0.006)
        assert all(whole_world.women_share[whole_world.index(code)] == default for code in assumed)


def test_six_regions_have_the_regional_worker_shares() -> None:
    world = load_world("six_regions")
    assert world.region == world.names == REGIONS
    shares = dict(zip(world.region, world.worker_share, strict=True))
    surveyed = {"Asia": 0.6405, "Europe": 0.1618, "Africa": 0.0664, "North America": 0.062, "Oceania": 0.0101}
    for region, share in surveyed.items():
        assert shares[region] == pytest.approx(share, abs=0.0003)


def test_north_and_south_are_twelve_hours_apart() -> None:
    world = load_world("north_south")
    assert world.zones == ("UTC+00:00", "UTC+12:00")
    assert world.requester_share.tolist() == [0.9, 0.1]
    assert world.worker_share.tolist() == [0.2, 0.8]


def test_mturk_is_the_reference_configuration(whole_world: World) -> None:
    world = load_world("mturk_2015")
    shares = dict(zip(world.codes, world.worker_share, strict=True))
    assert shares["USA"] == pytest.approx(0.74)
    assert shares["IND"] == pytest.approx(0.18)
    assert sum(shares.values()) - shares["USA"] - shares["IND"] == pytest.approx(0.08)
    assert (
        world.outside_wage_usd[world.index("IND")] == whole_world.outside_wage_usd[whole_world.index("IND")]
    )


def test_every_cell_is_marked_and_every_source_documented(world: World) -> None:
    assert set(world.marks) == {(code, column) for code in world.codes for column in MARKED_COLUMNS}
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \|", DATA, flags=re.MULTILINE))
    for mark, source in world.marks.values():
        assert mark in MARKS
        assert source != "unstated"
        assert source in documented


def test_marks_of_well_known_cells(whole_world: World) -> None:
    assert whole_world.mark("FRA", "population") == ("source", "factbook")
    assert whole_world.mark("VEN", "price_level").mark == "memory"
    assert whole_world.mark("IND", "worker_share").mark == "estimated"
    assert {whole_world.mark("ROW", column).mark for column in MARKED_COLUMNS} == {"assumed"}
    assert whole_world.mark("KEN", "tertiary_share").mark == "assumed"


def test_every_column_is_documented() -> None:
    for column in TABLE_COLUMNS:
        assert f"| `{column}` |" in DATA
    assert set(NUMBER_COLUMNS) < set(TABLE_COLUMNS)


def test_a_world_cannot_be_changed(whole_world: World) -> None:
    with pytest.raises(ValueError, match="read-only"):
        whole_world.gini[0] = 0.5
    with pytest.raises(AttributeError):
        whole_world.table = "other"  # type: ignore[misc]
    assert copy.deepcopy(whole_world) is whole_world
    twin = pickle.loads(pickle.dumps(whole_world))
    assert twin.marks == whole_world.marks
    assert np.array_equal(twin.gini, whole_world.gini)


def test_an_unknown_country_is_refused_with_the_nearest(whole_world: World) -> None:
    assert whole_world.codes[whole_world.index("KEN")] == "KEN"
    with pytest.raises(UserError) as caught:
        whole_world.index("KNE")
    assert caught.value.nearest == "KEN"


@pytest.mark.parametrize("table", BUILT_IN_TABLES)
def test_each_table_has_its_group_of_settings(table: str) -> None:
    text = (ROOT / "conf" / "world" / f"{table}.yaml").read_text(encoding="utf-8")
    settings = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(settings, dict)
    assert text.startswith("# @package _global_\n")
    assert settings["world"] == {"table": table}
    assert [list(entry) for entry in settings["defaults"]] == [["override /platforms"]]
    owner = settings.get("platforms", {}).get("microwork", {}).get("owner", "USA")
    assert owner in load_world(table).codes
