"""The three orders of a board when hashes are equal, as happens in large markets and hardly in small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.market import board as boards
from sim.market.board import BATCH, LISTING, Board
from tests.conftest import Exercised
from tests.support.planting import planted

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
        board.scratch.numbers, board.places, board.exhausted, board.takers, board.free_takers, board.finished,
        board.taken, False, board.counts, board.demands, board.rows, board.state,
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
            board.moved, board.scratch.numbers, board.places, board.exhausted, board.takers,
            board.free_takers, board.finished, board.taken, False, board.counts, board.demands, board.rows,
            board.state,
        )  # fmt: skip
        assert done == closing
        assert board.state[boards.FINISHED_COUNT] == (expiring if closing else 0)
        assert board.state[boards.FREE] == free + (expiring if closing else 0)
        board.room_to_close()
    assert len(set(board.finished["id"][:expiring].tolist())) == expiring
    exercised("batches that waited for room", expiring, 10)


def fronts_hold(module: Any, seed: int) -> int:
    """Look into two orders while batches go, as a search does; return how often a place was read."""
    draws = np.random.default_rng(seed)
    count = int(draws.integers(2, MANY))
    orders = np.array([draws.permutation(count) for _ in range(3)], np.int32)
    keys = np.array([np.sort(draws.integers(0, 99, count))[::-1] for _ in range(3)])
    gone, fronts = np.zeros(count, np.uint8), np.zeros((3, 2), np.int64)
    left = [list(zip(*pair, strict=True)) for pair in zip(orders.tolist(), keys.tolist(), strict=True)]
    read = 0
    last = int(draws.integers(1, count))
    while len(left[0]) > last:
        for order in (1, 2):
            deepest = int(draws.integers(0, len(left[order])))
            module.reach(order, deepest, orders, keys, gone, fronts)
            assert orders[order, : deepest + 1].tolist() == [slot for slot, _ in left[order][: deepest + 1]]
            read += deepest + 1
        dropped = set(draws.choice([slot for slot, _ in left[0]], int(draws.integers(1, len(left[0])))))
        gone[list(dropped)] = 1
        left = [[pair for pair in order if pair[0] not in dropped] for order in left]
        for order in (1, 2):
            module.close_ranks(order, orders, keys, gone, fronts)
    for order in (1, 2):
        module.drop_gone(orders[order], keys[order], count, gone)
        rest = list(zip(orders[order].tolist(), keys[order].tolist(), strict=True))[: len(left[order])]
        assert rest == left[order]
    return read


FRONT_PLANTS = {
    "gone ones are shown": ("front += 1 - integer(gone[index(slot)])", "front += 1"),
    "who makes room is lost": (
        "        orders[order, index(after)] = orders[order, index(front)]\n", "        pass\n",
    ),
    "a key that stays behind": ("keys[order, index(front)] = keys[order, index(after)]", "pass"),
    "gone ones keep their place": (
        "kept += 1 - integer(gone[index(slot)])\n    fronts", "kept += 1\n    fronts",
    ),
    "a front too long": ("    fronts[order, FRONT] = kept\n", "    fronts[order, FRONT] = kept + 1\n"),
}  # fmt: skip


def test_what_is_gone_is_not_shown(exercised: Exercised) -> None:
    """The fronts of the orders against lists from which what is gone was taken at once."""
    exercised("places", sum(fronts_hold(boards, seed) for seed in range(40)), 1500)


@pytest.mark.parametrize("name", FRONT_PLANTS)
def test_a_wrong_front_is_noticed(name: str) -> None:
    """Planted bugs."""
    module = planted(boards, *FRONT_PLANTS[name])
    with pytest.raises((AssertionError, IndexError)):
        sum(fronts_hold(module, seed) for seed in range(40))
