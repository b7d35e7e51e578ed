"""Draws: known answers, injective keys, independence, and the same bits in every mode."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim import draws
from sim.compile import COMPILED, GENERATOR, kernel, rule
from sim.draws import mix, normal, pack, philox4x32, stream_key, sub_key, uniform, word
from sim.errors import UserError

ROOT = Path(draws.__file__).resolve().parent.parent
MASK = 2**64 - 1
U64 = np.uint64
compiled_only = pytest.mark.skipif(not COMPILED, reason="too many draws for the slow reference")


def say(sentence: str) -> None:
    print(f"exercised: {sentence}")


# Known answers


def reference_philox(counter: np.ndarray, key: tuple[int, int], width: int) -> np.ndarray:
    """Philox4xW-10 from the paper for words of 32 or 64 bits: columns of `counter` are its four words."""
    factors, weyl = {
        32: ((0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)),
        64: ((0xD2E7470EE14C6C93, 0xCA5A826395121157), (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)),
    }[width]
    mask = U64(2**width - 1)
    half, low = U64(width // 2), U64(2 ** (width // 2) - 1)

    def product(factor: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The high and the low word of factor × x, by halves."""
        a1, a0 = U64(factor) >> half, U64(factor) & low
        x1, x0 = x >> half, x & low
        middle = a1 * x0 + (a0 * x0 >> half)
        cross = (middle & low) + a0 * x1
        return a1 * x1 + (middle >> half) + (cross >> half), (U64(factor) * x) & mask

    x0, x1, x2, x3 = (counter[:, i].copy() for i in range(4))
    k0, k1 = key
    for _ in range(10):
        high0, low0 = product(factors[0], x0)
        high1, low1 = product(factors[1], x2)
        x0, x1, x2, x3 = high1 ^ x1 ^ U64(k0), low1, high0 ^ x3 ^ U64(k1), low0
        k0, k1 = (k0 + weyl[0]) % 2**width, (k1 + weyl[1]) % 2**width
    return np.stack([x0, x1, x2, x3], axis=1)


@kernel
def many_philox(counter, key0, key1, out):
    for i in range(len(counter)):
        row = counter[i]
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = philox4x32(row[0], row[1], row[2], row[3], key0, key1)


RANDOM123 = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def test_philox_gives_the_published_vectors():
    for counter, key, expected in RANDOM123:
        assert philox4x32(*counter, *key) == expected
        assert tuple(reference_philox(np.array([counter], U64), key, 32)[0]) == expected
    say(f"{len(RANDOM123)} vectors of Random123")


def test_the_reference_philox_is_numpys():
    """NumPy has the 64-bit kind only; the reference is one text for both widths."""
    blocks, key = 2**18, (0x0123456789ABCDEF, 0xFEDCBA9876543210)
    counter = np.zeros((blocks, 4), U64)
    counter[:, 0] = np.arange(1, blocks + 1)
    counter[:, 2] = 77
    start = [0, 0, 77, 0]
    numpys = np.random.Philox(counter=start, key=np.array(key, U64)).random_raw(4 * blocks)
    assert np.array_equal(reference_philox(counter, key, 64).ravel(), numpys)
    assert numpys.size >= 10**6
    say(f"{numpys.size} words of numpy.random.Philox")


def test_philox_is_the_reference_philox():
    blocks = 2**18 if COMPILED else 2**9
    counter = np.random.default_rng(1).integers(0, 2**32, (blocks, 4), dtype=U64)
    out = np.zeros((blocks, 4), U64)
    many_philox(counter, 0xDEADBEEF, 0x12345678, out)
    assert np.array_equal(out, reference_philox(counter, (0xDEADBEEF, 0x12345678), 32))
    assert out.size >= (10**6 if COMPILED else 2000)
    say(f"{out.size} words of Philox4x32-10")


def test_mix_is_the_finaliser_of_splitmix64():
    """The widely published outputs of SplitMix64 for the seed 1234567."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    counters = [(1234567 + (i + 1) * GOLDEN) & MASK for i in range(len(published))]
    assert [int(mix(U64(counter))) for counter in counters] == published
    assert [remix(counter) for counter in counters] == published


GOLDEN_WORDS = (4158873748041371939, 7865771139957179805, 221874244144169199)
GOLDEN_FLOATS = (0.01202782687598447, -2.256472579376611)


def test_golden_draws():
    """These bits may not change from release to release without a word in the change log."""
    if GENERATOR != "mix":
        pytest.skip("made by the standard generator")
    key = stream_key(2019, 7, 100)
    assert (key, sub_key(key, 5), word(key, 3, 4)) == GOLDEN_WORDS
    assert (uniform(key, 3, 4), normal(key, 3, 4)) == GOLDEN_FLOATS


# Injective keys


def bit_fields(function, widths: tuple[int, int]) -> list[int]:
    words = [int(function(1 << bit, 0)) for bit in range(widths[0])]
    return words + [int(function(0, 1 << bit)) for bit in range(widths[1])]


@pytest.mark.parametrize(
    ("function", "widths"),
    [
        (pack, (draws.AGENT_BITS, draws.NUMBER_BITS)),
        (draws.pack_stream, (draws.STREAM_BITS, draws.TIME_BITS)),
    ],
    ids=["agent and number", "stream and time"],
)
def test_packing_gives_every_part_its_own_bits(function, widths):
    words = bit_fields(function, widths)
    assert sum(widths) == 64
    assert all(w.bit_count() == 1 for w in words), "one bit goes to one bit"
    assert len(set(words)) == 64, "no two bits share a place"
    generator = np.random.default_rng(2)
    for _ in range(1000):
        a, b = (int(generator.integers(0, 2**width)) for width in widths)
        assert function(a, b) == a << widths[1] | b


def unshift(z: int, shift: int) -> int:
    """The inverse of z ^ (z >> shift)."""
    result = z
    for _ in range(64 // shift):
        result = z ^ (result >> shift)
    return result


GOLDEN = 0x9E3779B97F4A7C15
INVERSE_GOLDEN = pow(GOLDEN, -1, 2**64)
INVERSE_SUB = pow(0xD1342543DE82EF95, -1, 2**64)


def remix(z: int) -> int:
    """The finaliser of SplitMix64, as published."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def unmix(z: int) -> int:
    """The inverse of `mix`."""
    z = unshift(z, 31) * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    z = unshift(z, 27) * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    return unshift(z, 30)


def turn(key: int, left: int) -> int:
    return (key << left | key >> (64 - left)) & MASK


def test_words_and_keys_can_be_undone():
    """What can be undone is injective: no two counters share a word; keys drop one bit of such a word."""
    generator = np.random.default_rng(3)
    count = 2000
    for _ in range(count):
        key, number, packed, seed = (int(x) for x in generator.integers(0, 2**63, 4))
        number >>= 1
        packed = packed << 1 | number & 1
        made = int(draws.word_mix(key, packed >> 24, packed & 0xFFFFFF))
        assert (unmix(unmix(made) ^ turn(key, 32)) - key) * INVERSE_GOLDEN & MASK == packed
        made = int(draws.sub_key_mix(key, number)) << 1
        inner = [unmix(unmix(made | bit) ^ turn(key, 41)) for bit in (0, 1)]
        assert number in [(x - key) * INVERSE_SUB & MASK for x in inner]
        made = int(draws.stream_key_mix(seed, packed >> 44, packed & (2**44 - 1))) << 1
        first = remix((seed + GOLDEN) & MASK)
        inner = [unmix(unmix(made | bit) ^ remix(first ^ 0x6A09E667F3BCC909)) for bit in (0, 1)]
        assert packed in [(x - first) * INVERSE_GOLDEN & MASK for x in inner]
    say(f"{count} words, sub-keys and stream keys undone")


def test_keys_are_plain_integers():
    """Numba takes an int from 2**63 on for another type: it would compile twice, or refuse."""
    keys = [stream_key(seed, 1, 2) for seed in range(200)]
    keys += [sub_key(keys[0], number) for number in range(200)]
    assert all(0 <= key < 2**63 for key in keys)
    assert min(keys) < 2**57 and max(keys) > 2**63 - 2**57
    assert [uniform(key, 3, 4) for key in keys] == [uniform(U64(key), 3, 4) for key in keys]


@kernel
def many_words(seeds, streams, times, agents, numbers, out):
    at = 0
    for seed in range(seeds):
        for stream in range(streams):
            for time in range(times):
                key = stream_key(seed, stream * 41, time)
                for agent in range(agents):
                    for number in range(numbers):
                        out[at] = word(key, agent, number)
                        at += 1


@kernel
def many_keys(seeds, streams, times, subs, out):
    at = 0
    for seed in range(seeds):
        for stream in range(streams):
            for time in range(times):
                key = stream_key(seed, stream, time)
                for sub in range(subs):
                    out[at] = sub_key(key, sub)
                    at += 1


def collisions(words: np.ndarray) -> int:
    words.sort()
    return int(np.count_nonzero(words[1:] == words[:-1]))


@compiled_only
def test_ten_million_keys_without_a_collision():
    words = np.zeros(10**7, U64)
    many_words(20, 25, 100, 100, 2, words)
    assert collisions(words) == 0
    keys = np.zeros(4 * 10**6, U64)
    many_keys(20, 20, 100, 100, keys)
    assert collisions(keys) == 0
    assert words[0] != 0 or keys[0] != 0
    say(f"{words.size} words and {keys.size} keys, 0 collisions")


def test_a_sub_key_is_no_draw():
    """A key made from a number must not be a word that some agent draws."""
    key = stream_key(1, 2, 3)
    subs = {sub_key(key, n) for n in range(3000)}
    assert not subs & {word(key, n >> 24, n & 0xFFFFFF) for n in range(3000)}
    assert not subs & {stream_key(1, 2, n) for n in range(3000)}


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(draws, "STREAMS", dict(draws.STREAMS))
    monkeypatch.setattr(draws, "_ORIGINS", dict(draws._ORIGINS))


def run_module(text: str, name: str, **known: str) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(known)
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    return module


REGISTERING = "from sim.draws import stream\n\nA = stream('test of streams')\n"


def test_a_stream_is_registered_once(registry):
    first = run_module(REGISTERING, "one")
    assert draws.STREAMS["test of streams"] == first.A
    with pytest.raises(ValueError, match="already registered by one"):
        run_module(REGISTERING, "another")
    with pytest.raises(ValueError, match="already registered"):
        run_module("\n" + REGISTERING, "one")


def test_a_reloaded_module_and_a_variant_keep_the_stream(registry):
    first = run_module(REGISTERING, "one")
    assert run_module(REGISTERING, "one").A == first.A
    assert run_module(REGISTERING, "clickmarket_0123_one", __variant_of__="one").A == first.A


def test_two_streams_with_one_number_are_refused(registry, monkeypatch):
    number = draws.stream("test of streams")
    monkeypatch.setitem(draws.STREAMS, "taken", number)
    monkeypatch.delitem(draws.STREAMS, "test of streams")
    with pytest.raises(ValueError, match="same number"):
        draws.stream("test of streams")


def test_the_number_of_a_stream_comes_from_its_name_alone(registry):
    numbers = [draws.stream(f"name {i}") for i in range(30)]
    expected = [
        int.from_bytes(hashlib.sha256(f"name {i}".encode()).digest()[:8], "big") >> 44 for i in range(30)
    ]
    assert numbers == expected
    assert all(0 <= number < 2**draws.STREAM_BITS for number in numbers)


# The unit interval


def test_uniform_is_open_and_symmetric():
    smallest, largest = draws.open_unit(U64(0)), draws.open_unit(U64(MASK))
    assert smallest == 2.0**-53
    assert largest == 1.0 - 2.0**-53
    for w in (0, 1, 2**11, 12345 << 40, MASK >> 1, 1 << 63, MASK):
        u = draws.open_unit(U64(w))
        assert 0.0 < u < 1.0
        assert (u * 2.0**53) % 2.0 == 1.0, "an odd multiple of 2**-53, so 0 and 1 cannot occur"
        assert draws.open_unit(U64(w ^ MASK)) == 1.0 - u


def test_priority_is_a_rank():
    key = stream_key(5, 6, 7)
    ranks = [draws.priority(key, agent, 0) for agent in range(2000)]
    assert all(0 <= rank < 2**62 for rank in ranks)
    assert max(ranks) > 2**61 and min(ranks) < 2**54
    assert ranks == [word(key, agent, 0) >> 2 for agent in range(2000)]


@kernel
def many_uniforms(key, out):
    for agent in range(len(out)):
        out[agent] = uniform(key, agent, 3)


@compiled_only
def test_uniform_is_uniform():
    u = np.zeros(10**6)
    many_uniforms(stream_key(11, 12, 13), u)
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    counts = np.bincount((u * 4096).astype(np.int64), minlength=4096)
    assert stats.chisquare(counts).pvalue > 1e-4
    say(f"{u.size} uniform draws in 4096 bins")


# Independence

WEAK, MIX, PHILOX = 0, 1, 2
SEED, STREAM, TIME, AGENT, NUMBER = range(5)
AXES = (TIME, AGENT, NUMBER)

OFFSETS = [
    (0, 0, 0, 0, 1),
    (0, 0, 0, 1, 0),
    (0, 0, 1, 0, 0),
    (0, 1, 0, 0, 0),
    (1, 0, 0, 0, 0),
    (0, 0, 0, 1, -1),
    (0, 0, 1, -1, 0),
    (0, 0, 1, 0, -1),
    (0, 1, -1, 0, 0),
    (0, 1, 0, 0, -1),
    (1, -1, 0, 0, 0),
    (1, 0, -1, 0, 0),
    (1, 0, 0, -1, 0),
    (1, 0, 0, 0, -1),
    (0, 0, 24, 0, 0),
    (0, 0, 0, 4096, 0),
]
"""Neighbours: what is added to (seed, stream, time, agent, number), also along the diagonals."""


@rule
def any_word(generator, c):
    if generator == 0:
        # One round over a plain sum, as a careless design would have it: hours are shifted copies.
        golden = U64(0x9E3779B97F4A7C15)
        counter = (U64(c[3]) << U64(24)) + U64(c[4]) + U64(c[2]) + U64(c[1]) * U64(977)
        return mix(mix(U64(c[0])) + counter * golden)
    if generator == 1:
        return draws_word(draws_key(c[0], c[1], c[2]), c[3], c[4])
    return philox_word(philox_key(c[0], c[1], c[2]), c[3], c[4])


draws_word, draws_key = draws.word_mix, draws.stream_key_mix
philox_word, philox_key = draws.word_philox, draws.stream_key_philox


@rule
def bits_set(x):
    x = x - ((x >> U64(1)) & U64(0x5555555555555555))
    x = (x & U64(0x3333333333333333)) + ((x >> U64(2)) & U64(0x3333333333333333))
    x = (x + (x >> U64(4))) & U64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * U64(0x0101010101010101)) >> U64(56))


@kernel
def pair_statistics(generator, bases, offsets, axes, count, tables, words, out):
    """For each pair of streams: correlation, chi-square of high and of low bits, bits that differ."""
    one, other = words[0], words[1]
    for pair in range(len(bases)):
        for cell in range(64):
            tables[0, cell] = tables[1, cell] = 0
        for axis in range(len(one)):
            one[axis] = bases[pair, axis]
            other[axis] = bases[pair, axis] + offsets[pair, axis]
        product, first, second, different = 0.0, 0.0, 0.0, 0
        for _ in range(count):
            x, y = U64(any_word(generator, one)), U64(any_word(generator, other))
            u, v = draws_unit(x) - 0.5, draws_unit(y) - 0.5
            product += u * v
            first += u * u
            second += v * v
            tables[0, np.int64(x >> U64(61)) * 8 + np.int64(y >> U64(61))] += 1
            tables[1, np.int64(x & U64(7)) * 8 + np.int64(y & U64(7))] += 1
            different += bits_set(x ^ y)
            one[axes[pair]] += 1
            other[axes[pair]] += 1
        out[pair, 0] = product / np.sqrt(first * second) * np.sqrt(count)
        for table in range(2):
            chi_square = 0.0
            for cell in range(64):
                chi_square += (tables[table, cell] - count / 64.0) ** 2
            out[pair, 1 + table] = chi_square / (count / 64.0)
        out[pair, 3] = (different - 32.0 * count) / np.sqrt(16.0 * count)


draws_unit = draws.open_unit


def independence(generator: int, pairs: int, count: int) -> dict[str, float]:
    """Return the worst p-values over pairs of neighbouring streams."""
    random = np.random.default_rng(4)
    bases = np.array([0, 1, 30, 5000, 1]) + random.integers(1, [1000, 60, 50_000, 10**6, 200], (pairs, 5))
    offsets = np.array(OFFSETS)[np.arange(pairs) % len(OFFSETS)]
    axes = np.array(AXES)[np.arange(pairs) // len(OFFSETS) % len(AXES)]
    out = np.zeros((pairs, 4))
    pair_statistics(
        generator,
        bases,
        offsets,
        axes,
        count,
        np.zeros((2, 64), np.int64),
        np.zeros((2, bases.shape[1]), bases.dtype),
        out,
    )
    normal_p = 2.0 * stats.norm.sf(np.abs(out[:, [0, 3]]))
    chi_p = stats.chi2.sf(out[:, [1, 2]], 63)
    return {
        "uniformity of p, correlation": stats.kstest(normal_p[:, 0], "uniform").pvalue,
        "uniformity of p, bits": stats.kstest(normal_p[:, 1], "uniform").pvalue,
        "uniformity of p, high": stats.kstest(chi_p[:, 0], "uniform").pvalue,
        "uniformity of p, low": stats.kstest(chi_p[:, 1], "uniform").pvalue,
        "least p, Bonferroni": min(1.0, 4 * pairs * min(normal_p.min(), chi_p.min())),
    }


@compiled_only
@pytest.mark.parametrize(
    ("generator", "pairs", "count"),
    [
        pytest.param(MIX, 10_000, 10_000, id="mix"),
        pytest.param(PHILOX, 1_500, 10_000, id="philox"),
        pytest.param(MIX, 10_000, 100_000, id="mix, long", marks=pytest.mark.nightly),
    ],
)
def test_neighbouring_streams_are_independent(generator, pairs, count):
    worst = independence(generator, pairs, count)
    say(f"{pairs} pairs of streams of {count} draws (nightly 10 000 of 100 000): {worst}")
    assert min(worst.values()) > 1e-6


@compiled_only
def test_the_test_of_independence_sees_a_weak_generator():
    worst = independence(WEAK, 480, 2000)
    assert min(worst.values()) < 1e-6


# Evenly spread points


def star_discrepancy(x: np.ndarray) -> float:
    x, n = np.sort(x), len(x)
    i = np.arange(n)
    return float(max(np.max((i + 1) / n - x), np.max(x - i / n)))


@kernel
def many_points(key, dimension, out):
    for i in range(len(out)):
        out[i] = draws_point(key, i, dimension)


draws_point = draws.low_discrepancy


def points(count: int, dimension: int, seed: int = 1) -> np.ndarray:
    out = np.zeros(count)
    many_points(stream_key(seed, 1, 0), dimension, out)
    return out


@pytest.mark.parametrize("count", [100, 250, 4000])
def test_points_are_spread_evenly(count):
    """The largest gap to uniform is a few points; random points leave about 0.8 sqrt(count)."""
    gaps = [star_discrepancy(points(count, d)) * count for d in range(draws.DIMENSIONS)]
    assert max(gaps) < 8.0
    assert np.mean(gaps) < 4.5
    say(f"{count} points in {len(gaps)} dimensions, largest gap {max(gaps):.1f} points")


@pytest.mark.parametrize("count", [250, 4000])
def test_pairs_of_dimensions_are_spread_evenly(count):
    """Chi-square of the points in 8 × 8 boxes; random points give 63, badly matched steps thousands."""
    cloud = (np.array([points(count, d) for d in range(draws.DIMENSIONS)]) * 8).astype(np.int64)
    spreads = []
    for a in range(draws.DIMENSIONS):
        for b in range(a):
            boxes = np.bincount(cloud[a] * 8 + cloud[b], minlength=64)
            spreads.append(np.sum((boxes - count / 64) ** 2) / (count / 64))
    assert len(spreads) == 66
    assert np.mean(spreads) < 30.0
    assert max(spreads) < 150.0
    say(f"66 pairs of dimensions, chi-square {np.mean(spreads):.1f} on average, {max(spreads):.1f} at most")


def test_points_depend_on_seed_and_index_only():
    assert np.array_equal(points(500, 3)[:100], points(100, 3))
    one, other = points(300, 2, seed=1), points(300, 2, seed=2)
    shifts = (other - one) % 1.0
    assert np.ptp(shifts) < 1e-12 and 1e-6 < shifts[0] < 1 - 1e-6, "a seed shifts all points alike"
    assert points(1000, 5).min() > 0.0 and points(1000, 5).max() < 1.0
    far = draws.low_discrepancy(stream_key(1, 1, 0), 2**61, 4)
    assert 0.0 < far < 1.0


def continued_fraction(digits: str) -> int:
    """2**64 times [0; digits, digits, ...], made odd."""
    x = Fraction(0)
    for digit in reversed((digits * 200)[:200]):
        x = 1 / (int(digit) + x)
    return int(x * 2**64) | 1


def test_increments_are_the_stated_continued_fractions():
    stated = re.findall(
        r"^ +0x\w{16},  # ([1-4 ]+)$", Path(draws.__file__).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(stated) == draws.DIMENSIONS == 12
    assert [int(x) for x in draws._INCREMENTS] == [continued_fraction(d.replace(" ", "")) for d in stated]


def test_there_are_twelve_dimensions():
    for dimension in (-1, 12):
        with pytest.raises(ValueError, match="dimensions 0 to 11"):
            draws.low_discrepancy(1, 2, dimension)


# The same bits in every mode


def sample() -> str:
    """Return a hash of draws for plain integers and NumPy's, called from Python."""
    digest = hashlib.sha256()
    extremes = [(0, 0, 0), (2**62, 2**20 - 1, 2**44 - 1), (7, 3, 8760)]
    for seed, stream, time in extremes:
        key = stream_key(seed, stream, time)
        assert stream_key(np.int64(seed), np.int64(stream), np.int64(time)) == key
        for agent, number in [(0, 0), (2**40 - 1, 2**24 - 1)] + [(i * i, i) for i in range(200)]:
            values = (
                word(key, agent, number),
                sub_key(key, agent),
                draws.word_philox(key, agent, number),
                uniform(key, agent, number),
                draws.priority(key, agent, number),
                normal(key, agent, number),
                draws.low_discrepancy(key, agent, number % 12),
            )
            assert word(U64(key), np.int64(agent), np.int64(number)) == values[0]
            digest.update(repr([float(x).hex() if isinstance(x, float) else int(x) for x in values]).encode())
    digest.update(repr([sub_key(1, 2**62 - 1), sub_key(2**63 - 1, 2**62 - 1)]).encode())
    return digest.hexdigest()


def run_here(**environment: str) -> str:
    """Run this file as a program with warnings as errors and return what it prints."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-W", "error", __file__]
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_compiled_and_plain_draws_are_the_same():
    other = "1" if COMPILED else "0"
    assert run_here(NUMBA_DISABLE_JIT=other) == sample()
    say("606 keys × 7 kinds of draw, compiled and not")


def test_the_generator_is_chosen_at_the_start():
    program = (
        "from sim import draws; from sim.compile import source_hash; k = draws.stream_key(1, 2, 3);"
        "other = draws.word_philox(draws.stream_key_philox(1, 2, 3), 4, 5);"
        "print(draws.word(k, 4, 5) == other, source_hash())"
    )
    answers = {}
    for generator in ("mix", "philox"):
        environment = {**os.environ, "CLICKMARKET_GENERATOR": generator, "NUMBA_DISABLE_JIT": "1"}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        answers[generator] = done.stdout.split()
    assert [answers[g][0] for g in ("mix", "philox")] == ["False", "True"]
    assert answers["mix"][1] != answers["philox"][1], "the generator is part of the hash of the sources"


def test_an_unknown_generator_is_refused(monkeypatch):
    monkeypatch.setattr(sys.modules["sim.compile"], "GENERATOR", "dice")
    source = Path(draws.__file__).read_text(encoding="utf-8")
    with pytest.raises(UserError, match="CLICKMARKET_GENERATOR"):
        run_module(source, "sim.draws")


if __name__ == "__main__":
    print(sample())
