"""A run that is stopped and resumed gives the same bits; a damaged checkpoint is refused."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim import checkpoint
from sim.errors import UserError
from sim.market import board as boards
from sim.model import ClickWorkModel
from tests.conftest import Exercised
from tests.support.markets import fingerprint, run, tiny
from tests.support.planting import planted

HOURS = 24 * 9


def stopped_at(hours: list[int], path: Path, **changes: object) -> ClickWorkModel:
    """Run to the end with a checkpoint, and a fresh model from it, at each of some hours."""
    model = ClickWorkModel(tiny(days=9, **changes))
    for hour in hours:
        model.run(hour - model.hour)
        model.save(path)
        model = ClickWorkModel.load(path)
    model.run()
    return model


def test_every_hour_of_tiny(tmp_path: Path) -> None:
    """Stop and resume at every hour of 72, each from the uninterrupted run."""
    model = ClickWorkModel(tiny())
    path = tmp_path / "checkpoint"
    prints = []
    for _ in range(71):
        model.run(1)
        model.save(path)
        resumed = ClickWorkModel.load(path)
        resumed.run()
        prints.append(fingerprint(resumed))
    model.run()
    print(f"{len(prints)} hours, {model.ledger.transfers_booked} transfers")
    assert len(prints) == 71 and model.ledger.transfers_booked > 100
    assert set(prints) == {fingerprint(model)}


@pytest.mark.parametrize("table", ["north_south", "global"])
def test_chain_of_restarts(tmp_path: Path, table: str) -> None:
    """Stop and resume five times over a week's end and its decisions, joiners included."""
    changes = {"table": table, "workers": 120}
    whole = run(tiny(days=9, **changes))
    chain = stopped_at([1, 50, 167, 168, 200], tmp_path / "checkpoint", **changes)
    assert fingerprint(chain) == fingerprint(whole)
    assert whole.workers_count > 120, "nobody joined: the run is too short to show anything"


@pytest.mark.parametrize("forgotten", ["model.known_earnings", "board.0.takers", "model.joiners"])
def test_forgetting_an_array_is_noticed(tmp_path: Path, forgotten: str) -> None:
    """Planted bug: a checkpoint that loses one array gives other bits."""
    model = run(tiny(days=9, workers=120), hours=160)
    arrays, meta = checkpoint.state_of(model)
    wiped = {**arrays, forgotten: arrays[forgotten].copy()}
    for name in wiped[forgotten].dtype.names or ():
        if name in ("done", "accepted"):
            wiped[forgotten][name] = 0
    if not wiped[forgotten].dtype.names:
        wiped[forgotten][...] = 1
    checkpoint.restore(model, wiped, meta)
    model.run()
    assert fingerprint(model) != fingerprint(run(tiny(days=9, workers=120)))


def test_damage_is_detected(tmp_path: Path, exercised: Exercised) -> None:
    """Every truncation and every flipped bit is refused with the file's name."""
    path = tmp_path / "checkpoint"
    run(tiny(), hours=30).save(path)
    whole = path.read_bytes()
    exercised("damaged files refused", check_damage(checkpoint, path), 200)
    path.write_bytes(whole)
    unseen = planted(
        checkpoint, "if not separator or head != FORMAT +", "if not separator and head != FORMAT +"
    )
    with pytest.raises((AssertionError, pytest.fail.Exception, *BROKEN)):
        check_damage(unseen, path)


BROKEN = (zipfile.BadZipFile, ValueError, KeyError, EOFError, zlib.error)
"""What a damaged archive raises where nobody looked at its checksum."""


def check_damage(module: ModuleType, path: Path) -> int:
    """Truncate a checkpoint, and flip its bits, at random places; return how many were refused."""
    whole = path.read_bytes()
    refused = 0
    for place in np.random.default_rng(1).integers(0, len(whole), 100):
        for damaged in (whole[:place], flipped(whole, int(place))):
            path.write_bytes(damaged)
            with pytest.raises(UserError, match="checkpoint"):
                module.read_archive(path)
            refused += 1
    with pytest.raises(UserError, match="checkpoint"):
        ClickWorkModel.load(path)
    return refused


def flipped(content: bytes, place: int) -> bytes:
    """Flip one bit."""
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def test_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A checkpoint that is not there is an error of the user's kind."""
    with pytest.raises(UserError, match="cannot be read"):
        ClickWorkModel.load(tmp_path / "nothing")


def test_resumed_model_grows(tmp_path: Path) -> None:
    """Boards taken from a file can still grow: their arrays are not fixed by it."""
    path = tmp_path / "checkpoint"
    run(tiny(), hours=30).save(path)
    model = ClickWorkModel.load(path)
    board = model.boards[0]
    room = int(board.state[boards.FREE])
    board.room_for_batches(room + 1000)
    assert int(board.state[boards.FREE]) >= room + 1000
    model.run()
    model.ledger.recount([b.batches["escrow"] for b in model.boards])
