"""Arrays: where their memory comes from, and which of them a thread's boards share."""

from __future__ import annotations

import copy
import mmap
import threading
from typing import Any

import numpy as np
import pytest

import sim.market.board
from sim.columns import CACHE_LINE, HUGE, LARGE, aligned_zeros
from sim.market.board import BORROWED, LISTING, Board, Scratch
from tests.conftest import Exercised
from tests.support.markets import fingerprint, run, tiny

SIZES = (1, LARGE - 1, LARGE, LARGE + 1, HUGE)


def check_zeros(size: int) -> None:
    """Require bytes of zeros at a cache line that can be written to and copied."""
    array = aligned_zeros(size, np.uint8)
    assert len(array) == size and array.ctypes.data % CACHE_LINE == 0
    assert not array.any()
    array[0], array[-1] = 1, 2
    assert array.flags.writeable and copy.deepcopy(array).tobytes() == array.tobytes()


def test_zeros_of_any_size(exercised: Exercised) -> None:
    for size in SIZES:
        check_zeros(size)
    assert aligned_zeros(LARGE, LISTING).dtype == LISTING
    exercised("sizes", len(SIZES), 5)


def test_zeros_come_from_the_heap_if_the_system_gives_none(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    asked = []

    def refuse(*arguments: Any, **options: Any) -> Any:
        asked.append(arguments)
        raise OSError("too many pieces")

    monkeypatch.setattr(mmap, "mmap", refuse)
    for size in SIZES:
        check_zeros(size)
    exercised("pieces refused", len(asked), 3)


def test_boards_of_a_thread_share_scratch_and_other_threads_have_their_own(exercised: Exercised) -> None:
    scratch = Scratch(alone=False)
    one, other = (Board(0, tile, 1, 1, np.zeros(9), scratch=scratch) for tile in range(2))
    names = BORROWED
    elsewhere: dict[str, Any] = {}

    def look() -> None:
        elsewhere.update({name: getattr(one, name) for name in names})

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    twin = copy.deepcopy(one)
    for name in names:
        mine = getattr(one, name)
        assert mine is getattr(one, name) and mine is getattr(other, name)
        assert not np.shares_memory(mine, elsewhere[name])
        assert not np.shares_memory(mine, getattr(twin, name))
    assert not np.shares_memory(one.batches, other.batches)
    exercised("arrays", len(names), 9)


def test_a_board_keeps_what_it_borrowed_until_it_grows(exercised: Exercised) -> None:
    """Where one thread plays all boards they need not ask again; a copy and a grown board ask anew."""
    board = Board(0, 0, 1, 1, np.zeros(9))
    before = {name: getattr(board, name) for name in BORROWED}
    assert all(vars(board)[name] is array for name, array in before.items())
    assert not any(np.shares_memory(getattr(copy.deepcopy(board), name), before[name]) for name in BORROWED)
    grow = {
        "batches": board.room_for_batches,
        "takers": board.room_for_takers,
        "active": board.room_for_active,
    }
    for like, room in grow.items():
        room(9000)
        for name, kind in vars(Board).items():
            if name in BORROWED and kind.like == like:
                assert getattr(board, name).shape[-1] >= len(getattr(board, like)) >= 9000
    exercised("arrays", len(before), 12)


def test_room_made_in_the_middle_of_a_search_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """What is borrowed may be another array then, lengthened for a board with more workers on duty."""
    config = tiny(days=3, workers=600)
    expected = fingerprint(run(config))
    made = []
    make = Board.room_for_events

    def make_and_take_away(board: Board, more: int) -> None:
        make(board, more)
        board.give_back()
        board.scratch.arrays.clear()
        made.append(more)

    monkeypatch.setattr(sim.market.board, "SPARE_ROWS", 0.0)
    monkeypatch.setattr(Board, "room_for_events", make_and_take_away)
    assert fingerprint(run(config)) == expected
    exercised("rooms", len(made), 20)


def test_a_board_looks_up_its_escrow_again_when_its_batches_move(exercised: Exercised) -> None:
    """The balances that the ledger writes to are those of the board's own batches, in a copy as well."""
    board = Board(0, 0, 1, 1, np.zeros(9))
    before = board.escrow
    assert before is board.escrow
    twin = copy.deepcopy(board)
    board.room_for_batches(9000)
    for one in (board, twin):
        assert np.shares_memory(one.escrow, one.batches) and len(one.escrow) == len(one.batches)
        assert not np.shares_memory(one.escrow, before)
    exercised("boards", 2, 2)


def test_scratch_is_as_long_as_the_longest_board_needs(exercised: Exercised) -> None:
    scratch = Scratch(alone=False)
    small, large = (
        Board(0, tile, 1, 1, np.zeros(9), residents=size, scratch=scratch)
        for tile, size in ((0, 20), (1, 5000))
    )
    assert len(small.moved) < 1000
    for board in (large, small):
        assert min(len(board.moved), board.group.shape[1], len(board.demand)) >= 5000
    small.room_for_batches(9000)
    assert min(len(small.moved), small.group.shape[1], len(small.demand)) >= 9000
    exercised("lengths", 3, 3)
