"""Series of a sweep: what is lost of them is told and played again, and what disagrees is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sim.cli import main
from sim.errors import UserError
from sim.study import engine, store, sweep
from sim.study.reading import load_sweep
from sim.study.store import SERIES, Store
from sim.study.sweep import Settings, execute
from tests.study.test_sweep import COUNT, study_in
from tests.support.planting import planted


def with_series(results: Path) -> tuple[Path, bytes]:
    """A sweep that keeps series, and the bytes of all of them."""
    folder, _ = execute(study_in(results), engine.Serial, Settings(keep_series=True, quiet=True))
    (part,) = Store(folder).parts(SERIES)
    return folder, part.path.read_bytes()


def lost_series(folder: Path, how: str) -> None:
    """Damage the part of all series, or take it away."""
    (part,) = Store(folder).parts(SERIES)
    if how == "deleted":
        part.path.unlink()
    else:
        content = bytearray(part.path.read_bytes())
        content[len(content) // 2] ^= 1
        part.path.write_bytes(bytes(content))


def check_series(
    folder: Path, whole: bytes, capsys: pytest.CaptureFixture[str], how: str, *, of: int = 1
) -> None:
    """Series that are lost are told, with their runs, and played again by the same command, or its shards."""
    lost_series(folder, how)
    with pytest.raises(
        UserError, match="is damaged" if how == "damaged" else "has lost the series of 12 of 12"
    ):
        load_sweep(folder).series()
    assert main(["verify", str(folder)]) == 4
    out = capsys.readouterr().out
    assert ("is damaged" in out) == (how == "damaged")
    assert f"{COUNT} of {COUNT} runs are missing. To be played: runs 0 to 11." in out
    assert main(["status", str(folder)]) == 0
    assert f"0 of {COUNT} runs done" in capsys.readouterr().out
    for number in range(of):
        settings = Settings(keep_series=True, quiet=True, shard=(number + 1, of))
        assert execute(study_in(folder.parent), engine.Serial, settings) == (folder, 0)
    (part,) = Store(folder).parts(SERIES)
    assert part.path.read_bytes() == whole
    assert main(["verify", str(folder)]) == 0
    assert "Whole: 1 file with 12 runs." in capsys.readouterr().out


@pytest.mark.parametrize("how", ["damaged", "deleted"])
def test_lost_series_are_told_and_played_again(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, whole = with_series(tmp_path)
    for of in (1, 2):
        check_series(folder, whole, capsys, how, of=of)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bool(manifest[\"keep_series\"]))", "False)"),
        ("for kind in (RUNS, SERIES)\n            for part,", "for kind in (RUNS,)\n            for part,"),
    ],
    ids=["rows are all that is done", "nobody looks at series"],
)  # fmt: skip
def test_series_that_nobody_misses_are_noticed(
    old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = with_series(tmp_path)
    blind = planted(store, old, new)
    for name in ("state", "_wrong"):
        monkeypatch.setattr(Store, name, getattr(blind.Store, name))
    with pytest.raises((AssertionError, UserError)):
        check_series(folder, whole, capsys, "damaged")


def test_a_run_in_which_nobody_ever_was_has_a_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without rows: what is not there is not lost."""
    real = sweep.frame_of
    monkeypatch.setattr(sweep, "frame_of", lambda name, table: real(name, table).iloc[:0])
    folder, _ = with_series(tmp_path)
    assert Store(folder).state().all()
    found = load_sweep(folder).series()
    assert len(found) == 0 and found["day"].dtype == "int32"
    monkeypatch.undo()
    _, code = execute(
        study_in(tmp_path), lambda: pytest.fail("it plays again"), Settings(keep_series=True, quiet=True)
    )
    assert code == 0


def check_disagreeing_series(folder: Path, change: Callable[[pa.Table], pa.Table], told: str) -> None:
    (part,) = Store(folder).parts(SERIES)
    rows = part.read()
    other = rows.filter(pc.equal(rows["run"], 7))
    made = sweep.commit(folder / SERIES, other, 7)
    load_sweep(folder).series()  # the same twice is no harm
    made.unlink()
    made = sweep.commit(folder / SERIES, change(other), 7)
    with pytest.raises(UserError, match=f"holds run 7 twice, and the two differ in {told}.*Both are kept"):
        load_sweep(folder).series()
    with pytest.raises(UserError, match="differ"):
        Store(folder).compact()
    assert main(["verify", str(folder)]) == 4
    assert made.exists() and part.path.exists()
    made.unlink()


def other_pay(table: pa.Table) -> pa.Table:
    """One more micro-dollar on the last day."""
    place, pay = table.column_names.index("pay_microusd"), table["pay_microusd"].to_numpy().copy()
    pay[-1] += 1
    return table.set_column(place, table.schema.field(place), pa.array(pay))


SERIES_THAT_DISAGREE: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "pay": (other_pay, "pay_microusd"),
    "a row less": (lambda table: table.slice(1), "the number of rows"),
}


def test_series_that_disagree_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = with_series(tmp_path)
    for change, told in SERIES_THAT_DISAGREE.values():
        check_disagreeing_series(folder, change, told)
        assert "twice, and the two differ" in capsys.readouterr().out
    assert main(["verify", str(folder)]) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("    if different:\n", "    if False:\n"), ("            if len(both):\n", "            if False:\n")],
    ids=["another value", "whatever it is"],
)
def test_series_of_which_the_first_is_believed_are_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = with_series(tmp_path)
    monkeypatch.setattr(store, "_first_of_each", planted(store, old, new)._first_of_each)
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        check_disagreeing_series(folder, *SERIES_THAT_DISAGREE["pay"])
