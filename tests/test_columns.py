"""Arrays: where their memory comes from, and which of them a thread's boards share."""

from __future__ import annotations

import copy
import mmap
import threading
from typing import Any

import numpy as np
import pytest

from sim.columns import CACHE_LINE, HUGE, LARGE, aligned_zeros
from sim.market.board import LISTING, Board, Scratch
from tests.conftest import Exercised

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
    scratch = Scratch()
    one, other = (Board(0, tile, 1, 1, np.zeros(9), scratch=scratch) for tile in range(2))
    names = ("moved", "moved_keys", "places", "demand", "group", "counts", "proposals", "ranked", "ranks")
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


def test_scratch_is_as_long_as_the_longest_board_needs(exercised: Exercised) -> None:
    scratch = Scratch()
    small, large = (
        Board(0, tile, 1, 1, np.zeros(9), batches=size, scratch=scratch)
        for tile, size in ((0, 20), (1, 5000))
    )
    assert len(small.moved) < 100
    for board in (large, small):
        assert min(len(board.moved), board.group.shape[1], len(board.demand)) >= 5000
    small.room_for_batches(9000)
    assert min(len(small.moved), small.group.shape[1], len(small.demand)) >= 9000
    exercised("lengths", 3, 3)
