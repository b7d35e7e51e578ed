"""The three orders of a board when hashes are equal, as happens in large markets and hardly in small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.market import board as boards
from sim.market.board import BATCH, LISTING, Board
from tests.conftest import Exercised

HOURS = 6
MANY = 60


def posted(board: Board, hour: int, draws: np.random.Generator) -> None:
    """Put batches on a board whose hashes, sizes and standings take two values each."""
    listings, batches = np.zeros(MANY, LISTING), np.zeros(MANY, BATCH)
    listings["rank_hash"] = draws.integers(0, 2, MANY)
    listings["left"] = listings["shown_left"] = batches["assignments"] = draws.integers(1, 3, MANY)
    batches["standing"] = draws.integers(1, 3, MANY)
    batches["id"] = draws.permutation(MANY) + hour * MANY
    batches["posted_hour"], batches["open"], batches["first_taker"] = hour, 1, -1
    batches["expires_hour"] = hour + draws.integers(1, 4, MANY)
    board.room_for_batches(MANY)
    boards.insert(
        0, np.array([[0, MANY]]), listings, batches, board.listings, board.batches, board.expires,
        board.changed, board.free, board.orders, board.keys, board.added, board.moved, board.moved_keys,
        board.other_slots, board.other_keys, board.scratch.bins,
        0, board.demands, board.state,
    )  # fmt: skip


def closed(board: Board, hour: int) -> None:
    """Take the expired batches off."""
    while not boards.close(
        hour, board.listings, board.batches, board.expires, board.free, board.orders, board.keys, board.moved,
        board.places, board.exhausted, board.takers, board.free_takers, board.finished, board.taken, False,
        board.counts, board.demands, board.rows, board.state,
    ):  # fmt: skip
        board.room_to_close()


def expected(board: Board, first: Any) -> list[int]:
    """Identities of the open batches as an order must show them."""
    slots = np.flatnonzero(board.batches["open"])
    key = [(-int(first[slot]), -int(board.listings["rank_hash"][slot])) for slot in slots]
    ids = board.batches["id"][slots].tolist()
    return [number for _, number in sorted(zip(key, ids, strict=True))]


@pytest.mark.parametrize("seed", range(5))
def test_batches_of_one_hash_are_told_apart(seed: int, exercised: Exercised) -> None:
    """None is lost or shown twice, and equal keys go by rising identity, whatever place each is stored at."""
    draws = np.random.default_rng(seed)
    board = Board(0, 0, 1, 1, np.zeros(9))
    ties = 0
    for hour in range(HOURS):
        posted(board, hour, draws)
        closed(board, hour)
        count = int(board.state[boards.OPEN])
        firsts = (board.batches["posted_hour"], board.listings["shown_left"], board.batches["standing"])
        for order, first in enumerate(firsts):
            shown = board.batches["id"][board.orders[order, :count]].tolist()
            assert shown == expected(board, first)
        ties += count - len(set(board.keys[0, :count].tolist()))
    exercised("ties", ties, 300)


def test_without_room_nothing_closes(exercised: Exercised) -> None:
    """A call of ``close`` whose arrays are too short leaves every batch where it is for the next call."""
    board = Board(0, 0, 1, 1, np.zeros(9))
    posted(board, 0, np.random.default_rng(1))
    expiring = int((board.batches["expires_hour"][board.batches["open"] > 0] <= 1).sum())
    board.finished, board.rows = board.finished[: expiring - 1], board.rows[: 2 * expiring]
    free = int(board.state[boards.FREE])
    for closing in (False, True):
        done = boards.close(
            1, board.listings, board.batches, board.expires, board.free, board.orders, board.keys,
            board.moved, board.places, board.exhausted, board.takers, board.free_takers, board.finished,
            board.taken, False, board.counts, board.demands, board.rows, board.state,
        )  # fmt: skip
        assert done == closing
        assert board.state[boards.FINISHED_COUNT] == (expiring if closing else 0)
        assert board.state[boards.FREE] == free + (expiring if closing else 0)
        board.room_to_close()
    assert len(set(board.finished["id"][:expiring].tolist())) == expiring
    exercised("batches that waited for room", expiring, 10)
