"""What does not belong into a sweep's folder is not read; what is lost of one can be mended, or is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from sim import cli_sweep
from sim.__main__ import main
from sim.errors import UserError
from sim.study import engine, reading, store, sweep
from sim.study.points import read_study
from sim.study.reading import load_sweep
from sim.study.result import MANIFEST
from sim.study.store import POINTS, RUNS, SERIES, Store
from sim.study.sweep import Settings, execute
from tests.support.planting import planted

COUNT = 4


def words(results: Path, *pay: str) -> list[str]:
    """A sweep of two points with two seeds."""
    return [
        "world=north_south", "workers.count=30", "requesters.count=4", "time.days=2", "time.warmup_days=0",
        f"requesters.pay_usd_per_hour={','.join(pay)}", "seeds=2", f"results.dir={results}",
    ]  # fmt: skip


def played(results: Path, *pay: str, quiet: bool = True, shard: tuple[int, int] = (1, 1)) -> Path:
    """Play a sweep with series to its end, or go on with it."""
    settings = Settings(keep_series=True, quiet=quiet, shard=shard, command="clickmarket sweep again")
    folder, code = execute(read_study(words(results, *pay)), engine.Serial, settings)
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sweeps that differ in the values of a setting."""
    place = tmp_path_factory.mktemp("both")
    return played(place / "x", "2", "4"), played(place / "y", "6", "8")


def copied(folder: Path, results: Path) -> Path:
    return Path(shutil.copytree(folder, results / folder.name))


def mixed(both: tuple[Path, Path], results: Path, kinds: tuple[str, ...]) -> Path:
    """The first sweep, with the parts of the second one in their place."""
    folder = copied(both[0], results)
    for kind in kinds:
        for file in (folder / kind).iterdir():
            file.unlink()
        for file in (both[1] / kind).iterdir():
            shutil.copy(file, folder / kind)
    return folder


def bytes_in(folder: Path) -> dict[str, bytes]:
    """What stands in the parts."""
    return {
        f"{kind}/{part.path.name}": part.path.read_bytes()
        for kind in (RUNS, SERIES)
        for part in Store(folder).parts(kind)
    }


def check_foreign(
    module: ModuleType, both: tuple[Path, Path], results: Path, capsys: Any, monkeypatch: Any, of: int = 1
) -> None:
    """Rows of another sweep are never read; they are told and set aside, and their runs are played again."""
    for user in (reading, sweep):
        monkeypatch.setattr(user, "Store", module.Store)
    monkeypatch.setattr(store, "Store", module.Store)
    for number, kinds in enumerate(((RUNS,), (SERIES,), (RUNS, SERIES))):
        folder = mixed(both, results / str(number), kinds)
        files = [next((folder / kind).iterdir()) for kind in kinds]
        capsys.readouterr()
        assert main(["verify", str(folder)]) == cli_sweep.DAMAGED
        out = capsys.readouterr().out
        assert all(f"{file}: it belongs to another sweep." in out for file in files)
        assert f"{COUNT} of {COUNT} runs are missing. To be played: runs 0 to 3." in out
        assert main(["status", str(folder)]) == 0
        out = capsys.readouterr().out
        assert f"0 of {COUNT} runs done" in out
        assert "belongs to another sweep" in out
        readers: list[Callable[[Path], object]] = [
            lambda folder: load_sweep(folder).series(),
            lambda folder: module.Store(folder).compact(),
        ]
        if RUNS in kinds:
            readers += [load_sweep, lambda folder: reading.write_summary(module.Store(folder))]
        for read in readers:
            with pytest.raises(UserError, match="belongs to another sweep"):
                read(folder)
        for one in range(1, of + 1):
            assert played(folder.parent, "2", "4", quiet=False, shard=(one, of)) == folder
        told = "Files of another sweep were set aside (.foreign): {}. Their runs are played again."
        assert told.format(len(kinds)) in capsys.readouterr().err
        assert bytes_in(folder) == bytes_in(both[0])
        assert all(file.with_suffix(".foreign").exists() for file in files)
        assert main(["verify", str(folder)]) == 0


@pytest.mark.parametrize("of", [1, 2])
def test_parts_of_another_sweep_are_told_and_set_aside(
    of: int, both: tuple[Path, Path], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    check_foreign(store, both, tmp_path, capsys, monkeypatch, of)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if said.get(SWEEP, self.sweep.encode()) != self.sweep.encode():", "if False:"),
        ("self._each(kind, Part.owned)", "self._each(kind, Part.content)"),
        ('SET_ASIDE = (".damaged", ".foreign")', 'SET_ASIDE = (".damaged", ".damaged")'),
    ],
    ids=["nobody asks whose they are", "verify looks at bytes alone", "told as damaged"],
)
def test_parts_of_another_sweep_that_are_taken_are_noticed(
    old: str, new: str, both: tuple[Path, Path], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    broken = planted(store, old, new)
    with pytest.raises((AssertionError, UserError, pytest.fail.Exception)):
        check_foreign(broken, both, tmp_path, capsys, monkeypatch)


def test_series_that_do_not_say_whose_they_are_are_noticed(tmp_path: Path, monkeypatch: Any) -> None:
    """Each part of a sweep names it, before its parts are put together and afterwards."""

    def nameless(module: ModuleType, results: Path) -> int:
        folder, _ = module.execute(
            read_study(words(results, "2", "4")), engine.Serial,
            Settings(keep_series=True, quiet=True, shard=(1, 2)),
        )  # fmt: skip
        own = Store(folder)
        count = 0
        for _ in range(2):
            parts = own.parts(RUNS) + own.parts(SERIES)
            count += sum(
                (pq.read_schema(part.path).metadata or {}).get(store.SWEEP, b"").decode() != own.identity
                for part in parts
            )
            own.compact()
        return count

    assert nameless(sweep, tmp_path / "a") == 0
    broken = planted(sweep, ".replace_schema_metadata(own)", "")
    monkeypatch.setattr(sweep, "play_chunk", broken.play_chunk)
    assert nameless(sweep, tmp_path / "b") > 0


# ---------------------------------------------------------------- what is lost


def spoil_points(folder: Path) -> None:
    """Change two bytes of the table of points."""
    content = bytearray((folder / POINTS).read_bytes())
    content[100:102] = b"XX"
    (folder / POINTS).write_bytes(bytes(content))


LOST: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "points damaged": (spoil_points, POINTS, "is damaged: its checksum", "To mend it: the same clickmarket"),
    "points gone": (lambda folder: (folder / POINTS).unlink(), POINTS, "is damaged: No such file",
                    "To mend it: the same clickmarket"),
    "runs gone": (lambda folder: shutil.rmtree(folder / RUNS), RUNS, "is damaged: it is not there",
                  "To be played: runs 0 to 3."),
    "series gone": (lambda folder: shutil.rmtree(folder / SERIES), SERIES, "is damaged: it is not there",
                    "To be played: runs 0 to 3."),
}  # fmt: skip
"""What is done to a sweep, the name of what is lost by it, and what `verify` says of it."""


def check_mended(module: ModuleType, lost: str, whole: Path, results: Path, capsys: Any) -> None:
    """What is lost is told with a way to mend it, and the same command, which is that way, mends it."""
    spoil, name, what, way = LOST[lost]
    for of in (1, 2):
        folder = copied(whole, results / str(of))
        spoil(folder)
        capsys.readouterr()
        assert module.verify([str(folder)]) == cli_sweep.DAMAGED
        out = capsys.readouterr().out
        assert f"{folder / name} {what}" in out
        assert way in out
        assert "clickmarket sweep again" in out
        with pytest.raises(UserError) as told:
            load_sweep(folder).series()
        assert "the same clickmarket sweep command" in told.value.allowed
        for one in range(1, of + 1):
            assert played(folder.parent, "2", "4", quiet=False, shard=(one, of)) == folder
        assert f"Lost or damaged, and laid out anew: {name}." in capsys.readouterr().err
        assert bytes_in(folder) == bytes_in(whole)
        assert (folder / POINTS).read_bytes() == (whole / POINTS).read_bytes()
        assert (folder / MANIFEST).read_bytes() == (whole / MANIFEST).read_bytes()
        assert module.verify([str(folder)]) == 0


@pytest.mark.parametrize("lost", LOST)
def test_what_follows_from_the_command_is_mended_by_it(
    lost: str, both: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    check_mended(cli_sweep, lost, both[0], tmp_path, capsys)


@pytest.mark.parametrize(
    ("lost", "module", "old", "new"),
    [
        ("points damaged", cli_sweep, "if error.allowed else", "if False else"),
        ("runs gone", cli_sweep, "except Gone as error:  #", "except ZeroDivisionError as error:  #"),
        ("points damaged", sweep, "store.mend(lambda: points_table(composer))", "[]"),
        ("points gone", store, '(folder / POINTS).is_file() or "-sweep-" in folder.name', "True and False"),
        ("series gone", store, "for name in (RUNS, SERIES):\n            if not",
         "for name in (RUNS,):\n            if not"),
    ],
    ids=["no way out", "no folder, no runs", "nobody mends", "no sweep", "series stay lost"],
)  # fmt: skip
def test_sweeps_that_lead_nowhere_are_noticed(
    lost: str, module: ModuleType, old: str, new: str, both: tuple[Path, Path], tmp_path: Path, capsys: Any,
    monkeypatch: Any,
) -> None:  # fmt: skip
    broken = planted(module, old, new)
    if module is sweep:
        monkeypatch.setattr(sweep, "_carry_out", broken._carry_out)
    elif module is store:
        monkeypatch.setattr(sweep, "Store", broken.Store)
        monkeypatch.setattr(store, "is_sweep", broken.is_sweep)
    with pytest.raises((AssertionError, UserError, pytest.fail.Exception)):
        check_mended(broken if module is cli_sweep else cli_sweep, lost, both[0], tmp_path, capsys)


def test_points_that_another_version_writes_otherwise_are_noted(
    both: tuple[Path, Path], tmp_path: Path, monkeypatch: Any
) -> None:
    """The manifest's digest of them is noted anew, and nothing else in it."""
    folder = copied(both[0], tmp_path)
    before = Store(folder).manifest
    spoil_points(folder)
    monkeypatch.setattr(store, "COMPRESSION", "none")
    Store(folder).mend(lambda: pq.read_table(both[0] / POINTS))
    load_sweep(folder)
    after = Store(folder).manifest
    assert {key for key in before if before[key] != after[key]} == {"files", "sha256"}
    assert before["files"].keys() == after["files"].keys()


def check_manifest(module: ModuleType, whole: Path, results: Path, capsys: Any) -> None:
    """Without a manifest nobody knows what runs were played with: only beginning anew is left, and works."""
    folder = copied(whole, results)
    content = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(content[:500])
    study = read_study(words(results, "2", "4"))
    settings = Settings(keep_series=True, quiet=True)
    capsys.readouterr()
    assert cli_sweep.verify([str(folder)]) == cli_sweep.DAMAGED
    out = capsys.readouterr().out
    assert f"{folder / MANIFEST} is damaged" in out
    assert "To be played: all of it, by fresh=true" in out
    with pytest.raises(UserError, match=r"manifest\.json is damaged.*is not known any more") as told:
        module.execute(study, engine.Serial, settings)
    assert told.value.nearest == "fresh=true"
    assert "begins anew" in told.value.allowed
    with pytest.raises(UserError, match=r"manifest\.json is damaged") as told:
        module.execute(study, engine.Serial, Settings(keep_series=True, quiet=True, shard=(1, 2)))
    assert told.value.nearest == "results.dir=another", "a shard takes no fresh=true"
    fresh = Settings(keep_series=True, quiet=True, fresh=True)
    other, code = module.execute(study, engine.Serial, fresh)
    assert code == 0
    assert other != folder
    assert bytes_in(other) == bytes_in(whole)
    nobody: Any = lambda: pytest.fail("it plays again")  # noqa: E731
    assert module.execute(study, nobody, settings) == (other, 0), "the whole one is not gone on with"
    folder.rename(folder.with_name(f"9{folder.name[1:]}"))
    assert module.execute(study, nobody, settings) == (other, 0), "a damaged one stands before it"


def test_a_damaged_manifest_leaves_a_way(both: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    check_manifest(sweep, both[0], tmp_path, capsys)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        with contextlib.suppress(UserError):  # a damaged manifest", "        if True:  #"),
        ("    if named:\n        folder = named[0]\n", "    if False:\n        folder = named[0]\n"),
    ],
    ids=["a damaged folder bars the way", "begun anew in silence"],
)
def test_a_damaged_manifest_that_bars_the_way_is_noticed(
    old: str, new: str, both: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    broken = planted(sweep, old, new)
    with pytest.raises((AssertionError, UserError, pytest.fail.Exception)):
        check_manifest(broken, both[0], tmp_path, capsys)
