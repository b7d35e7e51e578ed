"""What a sweep rests on beside its words: tables, versions, groups. Runs of others are never mixed in."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import platform
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from experiments import playing
from experiments.asking import Asked
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.study import compare, engine, points, sources, sweep, validate
from sim.study.points import Composer
from sim.study.reading import load_sweep
from sim.study.store import Store
from sim.study.sweep import Settings
from sim.study.trials import Plan
from sim.world import reading
from sim.world.reading import TABLES_FOLDER
from tests.conftest import Exercised
from tests.study.test_sweep import COUNT, QUIET, plain, study_in
from tests.support.planting import planted

__all__ = ["plain"]


def in_a_copy(folder: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> tuple[Path, list[str]]:
    """Return a country table that may be edited, and the words of a sweep with it."""
    folder.mkdir(exist_ok=True)
    for file in TABLES_FOLDER.iterdir():
        shutil.copy(file, folder / file.name)
    if not own:
        monkeypatch.setattr(reading, "TABLES_FOLDER", folder)
    table = folder / "north_south.csv"
    return table, [f"world.table={table}"] if own else []


def with_other_wages(text: str) -> str:
    """The same table, with half the pay of other work."""
    head, *lines = csv.reader(text.splitlines())
    place = head.index("outside_wage_usd")
    for line in lines:
        line[place] = str(float(line[place]) / 2)
    file = io.StringIO()
    csv.writer(file).writerows([head, *lines])
    return file.getvalue()


def check_tables(module: ModuleType, tmp_path: Path, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a country table decides what is played: a sweep keeps to what it was begun with."""
    table, more = in_a_copy(tmp_path / "t", monkeypatch, own)
    first, half = table.read_text(), Settings(shard=(1, 2), quiet=True)
    study = study_in(tmp_path / "r", *more)
    folder, _ = module.execute(study, engine.Serial, half)
    table.write_text(with_other_wages(first))
    with pytest.raises(UserError, match=r"begun with other country tables \(.*north_south") as told:
        module.execute(study, engine.Serial, QUIET)
    assert told.value.nearest == "fresh=true"
    module._opened.cache_clear()
    with pytest.raises(UserError, match="This worker has other country tables"):
        module.play_chunk(str(folder), "another process", [1], 0.0)
    reading._built_in.cache_clear()
    other, _ = module.execute(study, engine.Serial, Settings(fresh=True, quiet=True))
    table.write_text(first)
    reading._built_in.cache_clear()
    assert module.execute(study, engine.Serial, QUIET) == (folder, 0)
    mine, others = load_sweep(folder), load_sweep(other)
    assert not set(mine.experiments["run_id"]) & set(others.experiments["run_id"]), "ids of other runs"
    assert len(mine.outcomes) == COUNT
    assert not mine.outcomes.equals(others.outcomes), "the tables make no difference"


@pytest.mark.parametrize("own", [False, True], ids=["of the model", "of one's own"])
def test_other_tables_are_refused(own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_tables(sweep, tmp_path, own, monkeypatch)
    reading._built_in.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    "tables": "country tables",\n', ""),
        ("table: _digest(table_file(table)) for", 'table: "" for'),
        ('manifest["plugins"], table]', 'manifest["plugins"]]'),
    ],
    ids=["not looked at", "not kept", "not in the ids"],
)
def test_tables_that_are_mixed_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        check_tables(planted(sweep, old, new), tmp_path, True, monkeypatch)


def check_edited(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A table is edited while a run is played: that run is not kept, and the sweep ends in a sentence."""
    table, more = in_a_copy(tmp_path / "t", monkeypatch, own=True)
    first, played, real = table.read_text(), list[int](), sweep.outcomes_of

    def outcomes_of(*arguments: Any) -> Any:
        played.append(1)
        if len(played) == 4:
            table.write_text(with_other_wages(first))
        return real(*arguments)

    monkeypatch.setattr(module, "outcomes_of", outcomes_of)
    study = study_in(tmp_path / "r", *more)
    with pytest.raises(UserError, match=r"other country tables .*changed while this was played"):
        module.execute(study, engine.Serial, QUIET)
    (folder,) = (tmp_path / "r").iterdir()
    return int((Store(folder).done(COUNT) == 1).sum())


def test_a_table_that_is_edited_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_edited(sweep, tmp_path, monkeypatch) == 3


def test_nobody_who_looks_again_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.fail.Exception):
        check_edited(
            planted(sweep, "    if late := changed(", '    if late := "" and changed('), tmp_path, monkeypatch
        )


def test_every_table_of_a_sweep_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = in_a_copy(tmp_path / "t", monkeypatch, own=True)
    varied = Composer(study_in(tmp_path / "r", f"world.table=north_south,{table},six_regions"))
    assert sweep.tables_of(varied) == {"north_south", str(table), "six_regions"}
    blind = planted(points, '.path == "world.table"', '.path == ""')
    assert len(sweep.tables_of(blind.Composer(varied.study))) == 2


REAL_VERSION, REAL_PYTHON = importlib.metadata.version, platform.python_version
OTHERS = {
    "clickmarket": "version ({}, here 9.9.9)",
    "python": "Python ({}, here 9.9.9)",
    "numpy": "packages (numpy {}, here 9.9.9)",
    "numba": "packages (numba {}, here 9.9.9)",
    "llvmlite": "packages (llvmlite {}, here 9.9.9)",
    "scipy": "packages (scipy {}, here 9.9.9)",
    "mesa": "packages (mesa {}, here 9.9.9)",
    "pandas": "packages (pandas {}, here 9.9.9)",
    "tzdata": "packages (tzdata {}, here 9.9.9)",
}
"""What a sweep was begun with, and what is told where another version is here."""


def in_version(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one of the packages, or Python, in another version."""
    other = "9.9.9"
    if name == "python":
        monkeypatch.setattr(platform, "python_version", lambda: other)
    else:
        monkeypatch.setattr(
            importlib.metadata, "version", lambda asked: other if asked == name else REAL_VERSION(asked)
        )


def check_versions(module: ModuleType, results: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Neither a coordinator nor a worker plays on with other versions; what only writes may be another."""
    folder, _ = module.execute(study_in(results), engine.Serial, Settings(shard=(1, 2), quiet=True))
    for name, told in OTHERS.items():
        sentence = told.format(REAL_PYTHON() if name == "python" else REAL_VERSION(name))
        with monkeypatch.context() as within:
            in_version(name, within)
            with pytest.raises(UserError, match=re.escape(f"begun with other {sentence}")) as refused:
                module.execute(study_in(results), engine.Serial, QUIET)
            assert refused.value.nearest == "fresh=true"
            module._opened.cache_clear()
            with pytest.raises(UserError, match=re.escape(f"This worker has other {sentence}")):
                module.play_chunk(str(folder), "another process", [1], 0.0)
    in_version("pyarrow", monkeypatch)
    assert module.execute(study_in(results), engine.Serial, QUIET) == (folder, 0)
    return len(OTHERS)


def test_other_versions_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    exercised("versions", check_versions(sweep, tmp_path, monkeypatch), 9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    "version": "version",\n', ""),
        ('    "python": "Python",\n', ""),
        ('    "packages": "packages",\n', ""),
        ('WITHOUT_RESULTS = ("pyarrow",)', 'WITHOUT_RESULTS = ("pyarrow", "tzdata")'),
        ('WITHOUT_RESULTS = ("pyarrow",)', "WITHOUT_RESULTS = ()"),
        ("    here = versions() | contents_now", "    here = contents_now"),
    ],
    ids=["the model's", "Python's", "packages", "tzdata", "what only writes, too", "workers do not look"],
)
def test_versions_that_are_mixed_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((pytest.fail.Exception, UserError)):
        check_versions(planted(sweep, old, new), tmp_path, monkeypatch)


def check_groups(module: ModuleType, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with other files of groups plays nothing."""
    monkeypatch.setattr(module, "config_id", lambda config: "other")
    with pytest.raises(UserError, match="This worker has other groups"):
        module.play_chunk(str(plain), "another process", [1], 0.0)


def test_a_worker_with_other_groups_is_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep._opened.cache_clear()
    check_groups(sweep, plain, monkeypatch)


def test_a_worker_that_takes_any_groups_is_noticed(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(plain, tmp_path / plain.name)
    with pytest.raises(pytest.fail.Exception):
        check_groups(
            planted(sweep, '        here["ends"] = ends(composer)\n', "        pass\n"), copy, monkeypatch
        )


ONE_DAY = {"mt": 1}
PLACES = {
    "a comparison": (compare, lambda module, config: module.comparison_id({"none": [config]}, ())),
    "a validation": (
        validate,
        lambda module, config: module.identity_of(Plan({"mt": [config]}, ONE_DAY), ()),
    ),
    "an experiment": (playing, lambda module, config: module.identity_of(asked(config))),
}


def asked(config: Config) -> Asked:
    """An experiment with one scenario."""
    found = object.__new__(Asked)
    for name, value in {"configs": {"none": config}, "seeds": 1, "matched": {}}.items():
        object.__setattr__(found, name, value)
    return found


def check_identity(place: str, module: ModuleType, tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """Work that was begun with another country table, or other packages, is not gone on with."""
    identity = PLACES[place][1]
    table, more = in_a_copy(tmp_path, patch, own=True)
    config = compose(["world=north_south", *more])
    before = identity(module, config)
    assert identity(module, config) == before
    first = table.read_text()
    table.write_text(with_other_wages(first))
    assert identity(module, config) != before
    table.write_text(first)
    assert identity(module, config) == before
    patch.setattr(sources.platform, "python_version", lambda: "3.99")
    assert identity(module, config) != before


@pytest.mark.parametrize("place", PLACES)
def test_tables_and_versions_make_the_identity(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_identity(place, PLACES[place][0], tmp_path, monkeypatch)


@pytest.mark.parametrize("place", PLACES)
def test_an_identity_without_them_is_noticed(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = planted(PLACES[place][0], '"sources": origin_of(', '"sources": 1 or (')
    with pytest.raises(AssertionError):
        check_identity(place, module, tmp_path, monkeypatch)
