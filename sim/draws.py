"""Draws: every random number is a pure function of what it is for.

A draw is keyed by (seed, stream, time) and counted by (agent, number). Nothing is stored and no order of
calls matters, so that any number of threads and any scenario with the same seed share their draws.

Two generators. `mix` is two rounds of the SplitMix64 finaliser with a key before each: one round alone is
known to correlate streams. `philox` is Philox4x32-10 and serves to check that nothing depends on the
generator; `CLICKMARKET_GENERATOR=philox` chooses it when the model is compiled.

References
----------
Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA; the finaliser's
constants are variant 13 of Stafford (2011). Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as
easy as 1, 2, 3, SC11.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.compile import COMPILED, GENERATOR, rule
from sim.errors import one_of
from sim.numeric import normal_fast

AGENT_BITS = 40
NUMBER_BITS = 24
PRIORITY_BITS = 62
STREAM_BITS = 20
TIME_BITS = 44

_MASK = 2**64 - 1


def _masked(value: Any) -> int:
    return int(value) & _MASK


# Compiled, a word is a uint64 and wraps by itself. With the compiler off it is a Python int, masked here.
unsigned: Callable[[Any], int] = np.uint64 if COMPILED else _masked  # type: ignore[assignment]
signed: Callable[[Any], int] = np.int64 if COMPILED else int  # type: ignore[assignment]

_GOLDEN = unsigned(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd
_STAFFORD_1 = unsigned(0xBF58476D1CE4E5B9)
_STAFFORD_2 = unsigned(0x94D049BB133111EB)
_SUB_KEY = unsigned(0xD1342543DE82EF95)  # another odd multiplier (Steele and Vigna 2021): keys are no draws
_SEED_ROUND_2 = unsigned(0x6A09E667F3BCC909)  # sqrt(2), fraction

_S11 = unsigned(11)
_S27 = unsigned(27)
_S30 = unsigned(30)
_S31 = unsigned(31)
_S2 = unsigned(2)
_S32 = unsigned(32)
_S23 = unsigned(23)
_S41 = unsigned(41)
_AGENT_SHIFT = unsigned(NUMBER_BITS)
_STREAM_SHIFT = unsigned(TIME_BITS)
_ONE = unsigned(1)
_LOW32 = unsigned(0xFFFFFFFF)

STREAMS: dict[str, int] = {}
"""The registered streams: name -> number."""

_ORIGINS: dict[str, tuple[str, int]] = {}


def stream(name: str) -> int:
    """Register a stream of draws, once, and return its number.

    The number is made from the name alone, so that neither the order of imports nor a new stream changes the
    draws of the others. The same line of the same module may register again (a reloaded module, a variant).
    """
    caller = sys._getframe(1)
    module = caller.f_globals.get("__variant_of__", caller.f_globals.get("__name__", ""))
    origin = (str(module), caller.f_lineno)
    if name in STREAMS:
        if _ORIGINS[name] != origin:
            raise ValueError(f"stream {name!r} is already registered by {_ORIGINS[name][0]}")
        return STREAMS[name]
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - STREAM_BITS)
    for other, taken in STREAMS.items():
        if taken == number:
            raise ValueError(f"streams {name!r} and {other!r} have the same number: rename one")
    STREAMS[name] = number
    _ORIGINS[name] = origin
    return number


@rule
def mix(word: int) -> int:
    """Scramble 64 bits, one to one: the finaliser of SplitMix64. For kernels; from Python give np.uint64."""
    z = unsigned(word)
    z = unsigned((z ^ (z >> _S30)) * _STAFFORD_1)
    z = unsigned((z ^ (z >> _S27)) * _STAFFORD_2)
    return z ^ (z >> _S31)


@rule
def pack(agent: int, number: int) -> int:
    """Put an agent (under 2**40) and a number of a draw (under 2**24) side by side in one word."""
    return unsigned(unsigned(agent) << _AGENT_SHIFT) | unsigned(number)


@rule
def pack_stream(stream: int, time: int) -> int:
    """Put a stream (under 2**20) and a time (under 2**44) side by side in one word."""
    return unsigned(unsigned(stream) << _STREAM_SHIFT) | unsigned(time)


@rule
def stream_key_mix(seed: int, stream: int, time: int) -> int:
    """Return the key of one stream at one time, in [0, 2**63).

    The 64 bits before the last step are one to one in (stream, time) for a given seed. One is dropped, so
    that a key is a plain int64 to Python and to Numba: an int above 2**63 would be another type to Numba.
    """
    first = mix(unsigned(unsigned(seed) + _GOLDEN))
    second = mix(first ^ _SEED_ROUND_2)
    return mix(mix(unsigned(unsigned(pack_stream(stream, time) * _GOLDEN) + first)) ^ second) >> _ONE


@rule
def sub_key_mix(key: int, number: int) -> int:
    """Return the key of one thing inside a stream, such as one batch, in [0, 2**63)."""
    k = unsigned(key)
    turned = unsigned(k << _S41) | (k >> _S23)
    return mix(mix(unsigned(unsigned(unsigned(number) * _SUB_KEY) + k)) ^ turned) >> _ONE


@rule
def word_mix(key: int, agent: int, number: int) -> int:
    """Return 64 random bits: one to one in (agent, number) for a given key."""
    k = unsigned(key)
    turned = unsigned(k << _S32) | (k >> _S32)
    return mix(mix(unsigned(unsigned(pack(agent, number) * _GOLDEN) + k)) ^ turned)


_PHILOX_M0 = unsigned(0xD2511F53)
_PHILOX_M1 = unsigned(0xCD9E8D57)
_PHILOX_W0 = unsigned(0x9E3779B9)
_PHILOX_W1 = unsigned(0xBB67AE85)


@rule
def philox4x32(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of Philox4x32-10 for a counter of four words and a key of two."""
    x0, x1, x2, x3 = unsigned(c0), unsigned(c1), unsigned(c2), unsigned(c3)
    key0, key1 = unsigned(k0), unsigned(k1)
    for _ in range(10):
        product0 = unsigned(_PHILOX_M0 * x0)
        product1 = unsigned(_PHILOX_M1 * x2)
        x0 = (product1 >> _S32) ^ x1 ^ key0
        x1 = product1 & _LOW32
        x2 = (product0 >> _S32) ^ x3 ^ key1
        x3 = product0 & _LOW32
        key0 = unsigned(key0 + _PHILOX_W0) & _LOW32
        key1 = unsigned(key1 + _PHILOX_W1) & _LOW32
    return x0, x1, x2, x3


@rule
def philox_word(key: int, counter: int, purpose: int) -> int:
    """Return 64 bits of Philox4x32-10; `purpose` keeps draws, keys of streams and sub-keys apart."""
    k, c = unsigned(key), unsigned(counter)
    low, high, _, _ = philox4x32(c & _LOW32, c >> _S32, purpose, 0, k & _LOW32, k >> _S32)
    return unsigned(high << _S32) | low


@rule
def stream_key_philox(seed: int, stream: int, time: int) -> int:
    """Return the key of one stream at one time, in [0, 2**63)."""
    return philox_word(seed, pack_stream(stream, time), 1) >> _ONE


@rule
def sub_key_philox(key: int, number: int) -> int:
    """Return the key of one thing inside a stream, such as one batch, in [0, 2**63)."""
    return philox_word(key, number, 2) >> _ONE


@rule
def word_philox(key: int, agent: int, number: int) -> int:
    """Return 64 random bits."""
    return philox_word(key, pack(agent, number), 0)


if GENERATOR == "mix":
    stream_key, sub_key, word = stream_key_mix, sub_key_mix, word_mix
elif GENERATOR == "philox":
    stream_key, sub_key, word = stream_key_philox, sub_key_philox, word_philox
else:
    one_of("CLICKMARKET_GENERATOR", GENERATOR, ("mix", "philox"), "names no generator of draws.")


@rule
def open_unit(word: int) -> float:
    """Map 64 bits to (0, 1), to odd multiples of 2**-53: no end can occur, and u and 1 - u are alike."""
    return float(signed((unsigned(word) >> _S11) | _ONE)) * (1.0 / 9007199254740992.0)


@rule
def uniform(key: int, agent: int, number: int) -> float:
    """Return a draw from the open interval (0, 1)."""
    # What is handed on has one type, so that only this function is compiled for each choice of types.
    return open_unit(word(unsigned(key), unsigned(agent), unsigned(number)))


@rule
def priority(key: int, agent: int, number: int) -> int:
    """Return a random rank in [0, 2**62): who comes first is decided by this, never by position."""
    return signed(word(unsigned(key), unsigned(agent), unsigned(number)) >> _S2)


@rule
def uniform_of(rank: int) -> float:
    """Return what `uniform` gives where `priority` gives a rank: both are upper bits of one word."""
    return open_unit(unsigned(unsigned(rank) << _S2))


@rule
def normal(key: int, agent: int, number: int) -> float:
    """Return a standard normal draw, clipped far out in the tails (see `numeric.normal_fast`)."""
    return normal_fast(uniform(key, agent, number))


# Each is 2**64 times the periodic continued fraction [0; d1, d2, ...] of the digits beside it, made odd.
# Digits up to 4 keep one dimension even, as the golden ratio does. These 12 were searched for among 776 such
# numbers so that no combination m α + n β of two with small m and n comes near a whole number, which would
# put points on few lines.
_INCREMENTS = np.array(
    [
        0x36098C551E99AC8B,  # 4 1 2 1 4 4
        0x43D76E60EA17A933,  # 3 1 3 2 2 2
        0x4A7E9CB8A349120F,  # 3 2
        0x4F946D17DA1E12DB,  # 3 4 1 1 1 1
        0x5C13A564E4D710FD,  # 2 1 3 1 1 4
        0x5F365CEE66C1564F,  # 2 1 2 4 1 2
        0x63BB1D9E4F8D8CBF,  # 2 1 1 3 4 4
        0x689D39FC28923313,  # 2 2 4 4 2 4
        0x6EC2C006FF99EA1F,  # 2 3 4 1 2 2
        0x8CACABE245FECC31,  # 1 1 4
        0xC49819F0C3A7C6BB,  # 1 3 3 4 3 2
        0xCF1316C4F4A0E7CF,  # 1 4 4 3 3 4
    ],
    dtype=np.uint64,
)
DIMENSIONS = len(_INCREMENTS)


@rule
def low_discrepancy(seed_key: int, index: int, dimension: int) -> float:
    """Return point `index` of an evenly spread sequence in one of 12 dimensions, in (0, 1).

    A Kronecker sequence, fraction of (index × α + shift), in whole numbers modulo 2**64, so that it is exact.
    The shift is drawn from the seed's key. Point i never depends on how many points there are.
    """
    if dimension < 0 or dimension >= DIMENSIONS:
        raise ValueError("low_discrepancy has dimensions 0 to 11")
    step = unsigned(unsigned(_INCREMENTS[dimension]) * unsigned(index))
    return open_unit(unsigned(step + word(unsigned(seed_key), unsigned(dimension), unsigned(0))))
