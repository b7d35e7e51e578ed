"""Which draws a run makes: every word by key, agent and number, with the compiler off."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sim import draws
from sim.compile import COMPILED
from sim.config import Config
from tests.support.markets import run

Counts = Counter[str]

STANDING = {
    "noise": "a worker's opinion of a batch, the same at every look",
    "taste": "a worker's taste for a kind of task, for good",
    "tools": "whether a worker ever has tools, for good",
    "tiles": "a worker's tile on each platform, for good",
    "shocks": "a worker's outside value over several weeks",
    "traits": "the shift of the evenly spread sequences, for all agents",
    "requesters": "the same for requesters",
}
"""Streams in which a draw is asked for again: it is a trait, and stays what it was."""

ASKED_AGAIN = {
    "arrivals": "a requester whose batches did not fit into the buffer is asked again in the same hour"
}


class Keys:
    """Every draw that is made, and what each key stands for."""

    def __init__(self) -> None:
        self.meaning: dict[int, tuple[Any, ...]] = {}
        self.drawn: Counter[tuple[int, int, int]] = Counter()
        self.names = {number: name for name, number in draws.STREAMS.items()}

    def note(self, key: Any, *meaning: Any) -> None:
        """Note what a key stands for; two things may not share one."""
        known = self.meaning.setdefault(int(key), meaning)
        assert known == meaning, f"one key for {known} and {meaning}"

    def stream_of(self, key: int) -> str:
        """Name of the stream that a key belongs to."""
        meaning = self.meaning[key]
        while meaning[0] == "part of":
            meaning = self.meaning[meaning[1]]
        return str(meaning[1])


@contextmanager
def recorded() -> Iterator[Keys]:
    """Record every draw: the functions of ``sim.draws`` are wrapped wherever they were imported."""
    assert not COMPILED, "compiled code cannot be listened to"
    keys = Keys()
    word, stream_key, sub_key = draws.word, draws.stream_key, draws.sub_key

    def heard_word(key: Any, agent: Any, number: Any) -> Any:
        keys.drawn[int(key), int(agent), int(number)] += 1
        return word(key, agent, number)

    def heard_stream_key(seed: Any, stream: Any, time: Any) -> Any:
        key = stream_key(seed, stream, time)
        keys.note(key, "stream", keys.names[int(stream)], int(seed), int(time))
        return key

    def heard_sub_key(parent: Any, number: Any) -> Any:
        key = sub_key(parent, number)
        keys.note(key, "part of", int(parent), int(number))
        return key

    wrapped = ((word, heard_word), (stream_key, heard_stream_key), (sub_key, heard_sub_key))
    try:
        replace_everywhere(wrapped)
        yield keys
    finally:
        replace_everywhere((new, old) for old, new in wrapped)


def replace_everywhere(pairs: Any) -> None:
    """Put other objects in place of some, in every module of the model."""
    table = {id(old): new for old, new in pairs}
    for name, module in list(sys.modules.items()):
        if name == "sim" or name.startswith("sim."):
            for attribute, value in list(vars(module).items()):
                if id(value) in table:
                    setattr(module, attribute, table[id(value)])


def one_draw_per_key(config: Config) -> Counts:
    """No draw serves twice, save the standing ones, which are traits; no key stands for two things."""
    with recorded() as keys:
        run(config)
    counts: Counts = Counter()
    for (key, agent, number), times in keys.drawn.items():
        stream = keys.stream_of(key)
        counts[stream] += 1
        if times > 1 and stream not in STANDING and stream not in ASKED_AGAIN:
            raise AssertionError(
                f"draw {number} of agent {agent} in {stream} {keys.meaning[key]} is used {times} times"
            )
    counts["draws"] = len(keys.drawn)
    counts["keys"] = len(keys.meaning)
    return counts


def main() -> None:
    """Check markets by their names and print what was heard, as JSON."""
    from tests.support.job import market

    heard = sum((one_draw_per_key(market(name)) for name in sys.argv[1:]), Counter())
    print(json.dumps(heard))


if __name__ == "__main__":
    main()
