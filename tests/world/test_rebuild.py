"""The script that rebuilds the country tables."""

from __future__ import annotations

import csv
import importlib.util
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim.world.reading import TABLES_FOLDER

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "rebuild_country_table.py"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """Import the script without leaving a trace on the import path."""
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("rebuild_country_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path
    del sys.modules[spec.name]


def test_the_shipped_tables_follow_from_each_other(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--check", "--tables-only"]) == 0
    assert "4 tables, 62 rows, 0 differences" in capsys.readouterr().out


def test_every_changed_input_is_noticed(script: ModuleType, tmp_path: Path) -> None:
    """Change one cell of global.csv at a time; some cell of a table that follows from it must differ."""
    rebuilt = script.rebuild_tables
    remainders = script.read_table("rest_of_world")
    changed = 0
    for column in script.DECIMALS:
        world = script.read_table("global")
        world["IND"][column] = script.spell(column, float(world["IND"][column]) * 2)
        tables = rebuilt(world, remainders)
        found = {difference.table for difference in script.differences(tables)}
        shares = column in ("worker_share", "requester_share")
        assert found >= ({"global", "six_regions"} if shares else {"global", "six_regions", "mturk_2015"}), (
            column
        )
        changed += 1
    assert changed == 16


def test_differences_name_the_cell(script: ModuleType, tmp_path: Path) -> None:
    for file in TABLES_FOLDER.glob("*.csv"):
        shutil.copy(file, tmp_path)
    table = script.read_table("six_regions")
    table["AFR"]["gini"] = "0.5"
    del table["OCE"]
    script.write_table("six_regions", table, tmp_path)
    found = script.differences({"six_regions": script.read_table("six_regions")}, tmp_path)
    assert ("six_regions", "AFR", "gini", "0.5", "0.336") in found
    assert {difference.code for difference in found} == {"AFR", "OCE"}


def test_writing_and_reading_a_table_changes_nothing(script: ModuleType, tmp_path: Path) -> None:
    for name in ("global", "rest_of_world", "six_regions", "north_south", "mturk_2015"):
        script.write_table(name, script.read_table(name), tmp_path)
        assert (tmp_path / f"{name}.csv").read_bytes() == (TABLES_FOLDER / f"{name}.csv").read_bytes()


def test_the_rest_of_the_world_adds_up() -> None:
    with (TABLES_FOLDER / "rest_of_world.csv").open(encoding="utf-8", newline="") as file:
        parts = list(csv.DictReader(file))
    with (TABLES_FOLDER / "global.csv").open(encoding="utf-8", newline="") as file:
        rest = list(csv.DictReader(file))[-1]
    assert len(parts) == 6
    for column in ("population", "labour_force", "social_media_users"):
        assert sum(int(row[column]) for row in parts) == int(rest[column])
    for column, share in (("worker_share", 0.053), ("requester_share", 0.076)):
        assert sum(float(row[column]) for row in parts) == pytest.approx(share, abs=3e-6)
        assert float(rest[column]) == share


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"A": {"B": {"text": "68,512,806 (2025 est.)"}}}, 68_512_806),
        ({"A": {"B": {"text": "$3.162 trillion (2024 est.)", "note": "1"}}}, 3.162e12),
        ({"A": {"B": {"text": "31.725 million (2024 est.)"}}}, 31.725e6),
        ({"A": {"B": {"text": "87% (2023 est.)"}}}, 87),
        ({"A": {"B": {"note": "in 2021 dollars", "2024": {"text": "5"}, "2023": {"text": "4"}}}}, 5),
        ({"A": {"B": {"text": "NA"}}}, math.nan),
        ({"A": {}}, math.nan),
        ({}, math.nan),
    ],
)
def test_figures_are_read_from_a_page(script: ModuleType, page: dict[str, Any], expected: float) -> None:
    assert script.figure(page, "A", "B") == pytest.approx(expected, nan_ok=True)


def test_zones_of_the_same_time_are_merged(script: ModuleType) -> None:
    cities = [("Europe/Paris", 40.0), ("Europe/Berlin", 50.0), ("Asia/Kolkata", 9.0), ("Pacific/Apia", 1.0)]
    merged = script.merge_zones(cities, least=0.02)
    assert [name for name, _ in merged] == ["Europe/Berlin", "Asia/Kolkata"]
    assert [weight for _, weight in merged] == pytest.approx([90 / 99, 9 / 99])
    assert script.weigh_zones([([("A", 0.5), ("B", 0.5)], 4.0), ([("A", 1.0)], 3.0)]) == [
        ("A", 5.0),
        ("B", 2.0),
    ]
    assert script.spell_zones([("A", 1 / 3), ("B", 1 / 3), ("C", 1 / 3)]) == "A:0.334|B:0.333|C:0.333"


def test_outside_wages_follow_output_or_the_minimum_wage(script: ModuleType) -> None:
    assert script.outside_wage(10.0, 1.0, high_income=False) == pytest.approx(2.2)
    assert script.outside_wage(10.0, 4.0, high_income=False) == pytest.approx(3.0)
    assert script.outside_wage(10.0, 4.0, high_income=True) == pytest.approx(4.0)


def test_without_the_packages_the_script_says_what_to_install(
    script: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "PACKAGES", {"no_such_package_here": "no-such-package==1"})
    assert script.main(["--check"]) == 2
    assert "pip install no-such-package==1" in capsys.readouterr().err
