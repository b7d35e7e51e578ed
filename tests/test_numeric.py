"""Elementary functions and quantiles: accuracy against SciPy, and the same bits on every machine."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from sim import numeric
from sim.compile import COMPILED, kernel
from sim.numeric import (
    binomial,
    ceil_ppm,
    exp,
    exponential,
    floor_ppm,
    geometric,
    log,
    log1p,
    normal_cdf,
    normal_fast,
    normal_quantile,
    poisson,
    power,
    truncated_pareto,
)

MANY = 10**6 if COMPILED else 3000
SOME = 10**5 if COMPILED else 1000


def say(sentence: str) -> None:
    print(f"exercised: {sentence}")


@kernel
def apply(function, x, y, out):
    """Fill `out` with one function of x, or of x and y; one kernel for all keeps compilation short."""
    for i in range(len(x)):
        if function == 0:
            out[i] = log(x[i])
        elif function == 1:
            out[i] = exp(x[i])
        elif function == 2:
            out[i] = log1p(x[i])
        elif function == 3:
            out[i] = power(x[i], y[i])
        elif function == 4:
            out[i] = normal_quantile(x[i])
        elif function == 5:
            out[i] = normal_cdf(x[i])
        elif function == 6:
            out[i] = normal_fast(x[i])
        elif function == 7:
            out[i] = exponential(x[i])
        elif function == 8:
            out[i] = poisson(x[i], y[i])
        elif function == 9:
            out[i] = geometric(x[i], y[i])
        elif function == 10:
            out[i] = binomial(x[i], np.int64(y[i]), y[i] - np.floor(y[i]))
        elif function == 11:
            out[i] = truncated_pareto(x[i], y[i], 2.0, 5000.0)


NAMES = ("log", "exp", "log1p", "power", "normal_quantile", "normal_cdf", "normal_fast", "exponential")
NAMES += ("poisson", "geometric", "binomial", "truncated_pareto")


def run(name: str, x: np.ndarray, y: np.ndarray | float = 0.0) -> np.ndarray:
    out = np.zeros(len(x))
    apply(NAMES.index(name), np.asarray(x, float), np.broadcast_to(np.asarray(y, float), x.shape).copy(), out)
    return out


def grid(count: int) -> np.ndarray:
    """The middles of equal parts of (0, 1)."""
    return (np.arange(count) + 0.5) / count


def relative(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs((values - exact) / exact)))


random = np.random.default_rng(1)


# Elementary functions


def test_log_is_right_to_the_last_place():
    worst = 0.0
    for x in (
        np.exp(random.uniform(-700, 700, MANY)),
        1 + random.uniform(-0.1, 0.1, MANY),
        random.random(MANY),
    ):
        worst = max(worst, relative(run("log", x), np.log(x.astype(np.longdouble))))
    assert worst < 4e-16
    say(f"log of {3 * MANY} numbers, relative error {worst:.2g}")


def test_exp_is_right_to_the_last_place():
    x = np.concatenate([random.uniform(-708, 709.7, MANY), random.uniform(-1, 1, MANY)])
    worst = relative(run("exp", x), np.exp(x.astype(np.longdouble)))
    assert worst < 2e-16
    say(f"exp of {2 * MANY} numbers, relative error {worst:.2g}")


def test_the_smallest_exponentials_are_rounded_once():
    x = random.uniform(-745, -708, SOME)
    assert np.max(np.abs(run("exp", x) - np.exp(x.astype(np.longdouble)))) < 5e-324


def test_ends_of_the_line():
    largest, smallest = sys.float_info.max, 5e-324
    for x, y in [(0.0, -math.inf), (-0.0, -math.inf), (math.inf, math.inf), (1.0, 0.0)]:
        assert log(x) == y
    for x in (-1.0, -math.inf, math.nan, -smallest):
        assert math.isnan(log(x))
    assert math.isclose(log(largest), 709.782712893384, rel_tol=1e-15)
    assert math.isclose(log(smallest), -744.4400719213812, rel_tol=1e-15)
    for x, y in [
        (0.0, 1.0),
        (-0.0, 1.0),
        (math.inf, math.inf),
        (-math.inf, 0.0),
        (709.79, math.inf),
        (-746.0, 0.0),
    ]:
        assert exp(x) == y
    assert math.isnan(exp(math.nan))
    assert exp(-745.13) == smallest and exp(-745.14) == 0.0
    assert math.isclose(exp(709.78), 1.7928227943945155e308, rel_tol=1e-15)


def test_log1p_keeps_small_numbers():
    x = np.concatenate([10.0 ** random.uniform(-20, 5, SOME), -(10.0 ** random.uniform(-20, -1e-4, SOME))])
    assert relative(run("log1p", x), np.log1p(x.astype(np.longdouble))) < 1e-15


def test_power():
    x, y = np.exp(random.uniform(-5, 5, SOME)), random.uniform(-20, 20, SOME)
    exact = np.power(x.astype(np.longdouble), y)
    scale = 1.0 + np.abs(y * np.log(x))
    assert np.max(np.abs((run("power", x, y) - exact) / exact) / scale) < 3e-16
    assert (power(0.0, 0.0), power(0.0, 2.0), power(0.0, -1.0), power(7.0, 0.0)) == (1.0, 0.0, math.inf, 1.0)
    assert math.isnan(power(-2.0, 2.0))


# The normal distribution


def test_normal_quantile():
    u = np.concatenate([random.random(MANY), 10.0 ** random.uniform(-300, -1, SOME)])
    exact = special.ndtri(u)
    worst = np.max(np.abs(run("normal_quantile", u) - exact) / np.maximum(np.abs(exact), 1e-3))
    assert worst < 1e-13
    assert (normal_quantile(0.0), normal_quantile(0.5), normal_quantile(1.0)) == (-math.inf, 0.0, math.inf)
    say(f"normal quantile of {len(u)} numbers, relative error {worst:.2g}")


def test_normal_cdf():
    x = random.uniform(-9, 9, MANY)
    assert np.max(np.abs(run("normal_cdf", x) - special.ndtr(x))) < 1e-15
    tail = random.uniform(-36, -7, SOME)
    assert relative(run("normal_cdf", tail), special.ndtr(tail)) < 1e-7
    assert (normal_cdf(-40.0), normal_cdf(40.0)) == (0.0, 1.0)


def test_normal_cdf_undoes_the_quantile():
    u = random.random(SOME)
    assert np.max(np.abs(run("normal_cdf", run("normal_quantile", u)) - u)) < 1e-14


def test_normal_fast_is_normal():
    u = grid(2**20)
    z = run("normal_fast", u)
    assert abs(z.mean()) < 1e-12
    assert abs((z * z).mean() - 1.0) < 1e-9
    assert abs((z**4).mean() - 3.0) < 0.01
    assert np.max(np.abs(stats.norm.cdf(z) - u)) < 2e-4, "far below what a million draws could show"
    assert np.all(np.diff(z) > 0.0)
    say(f"{len(u)} quantiles; mean {z.mean():.1g}, variance {(z * z).mean():.10f}, largest {z.max():.3f}")


def test_normal_fast_on_random_draws():
    z = run("normal_fast", random.random(MANY))
    assert abs(z.mean()) * math.sqrt(MANY) < 4.5
    assert abs((z * z).mean() - 1.0) * math.sqrt(MANY / 2.0) < 4.5
    assert stats.kstest(z, "norm").pvalue > 1e-5


def test_normal_fast_is_clipped_and_safe_at_the_ends():
    largest = normal_fast(1.0)
    assert 3.5 < largest < 3.8
    assert normal_fast(0.0) == -largest
    assert normal_fast(0.5) == 0.0
    assert normal_fast(2.0**-53) > -largest and normal_fast(1.0 - 2.0**-53) < largest


# Samplers


def test_exponential():
    u = np.concatenate([grid(MANY), 2.0 ** -random.uniform(0, 53, MANY)])
    e = run("exponential", u)
    assert np.max(np.abs(e + np.log(u))) < 2e-6
    assert e.min() >= 0.0
    assert abs(run("exponential", grid(2**20)).mean() - 1.0) < 2e-6
    assert exponential(1.0) == 0.0
    assert exponential(1.0 - 2.0**-53) >= 0.0
    assert math.isclose(exponential(2.0**-53), 53 * math.log(2.0), rel_tol=1e-15)
    assert np.all(np.diff(run("exponential", grid(2**16))) < 0.0)


@pytest.mark.parametrize("mean", [0.0, 0.01, 1.0, 7.3, 29.9])
def test_poisson_by_inversion_is_exact(mean):
    u = random.random(SOME)
    assert np.array_equal(run("poisson", u, mean), stats.poisson.ppf(u, mean) if mean else np.zeros(SOME))


def implied(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers from the least to the largest value, and the share of values up to each."""
    numbers = np.arange(values.min(), values.max() + 1)
    return numbers, np.searchsorted(values, numbers, side="right") / len(values)


@pytest.mark.parametrize("mean", [30.01, 50.0, 300.0, 1e5])
def test_poisson_above_the_limit_is_close(mean):
    values = run("poisson", grid(MANY), mean)
    numbers, share = implied(values)
    slack = 1e-4 + 1.0 / MANY
    assert np.max(np.abs(share - stats.poisson.cdf(numbers, mean))) < slack
    assert abs(values.mean() - mean) < 0.001 * math.sqrt(mean) + 30 / MANY
    assert abs(values.var() / mean - 1.0) < 1e-4 + 100 / MANY


@pytest.mark.parametrize(
    ("n", "p"), [(1, 0.5), (20, 0.1), (20, 0.9), (60, 0.5), (62, 0.48), (10_000, 0.0029), (100_000, 0.0002)]
)
def test_binomial_by_inversion_is_exact(n, p):
    u = random.random(SOME // 2)
    values = run("binomial", u, n + p)
    p = (n + p) - math.floor(n + p)
    assert np.mean(values == stats.binom.ppf(u, n, p)) == 1.0


@pytest.mark.parametrize(
    ("n", "p"), [(70, 0.45), (1000, 0.031), (1000, 0.7), (100_000, 0.3), (100_000, 0.9995)]
)
def test_binomial_above_the_limit_is_close(n, p):
    p = (n + p) - math.floor(n + p)
    values = run("binomial", grid(MANY), n + p)
    numbers, share = implied(values)
    assert np.max(np.abs(share - stats.binom.cdf(numbers, n, p))) < 1e-4 + 1.0 / MANY
    assert abs(values.mean() - n * p) < 0.001 * math.sqrt(n * p * (1 - p)) + 30 / MANY


def test_binomial_at_the_edges():
    assert [
        binomial(0.7, n, p) for n, p in [(0, 0.5), (-1, 0.5), (9, 0.0), (9, 1.0), (9, -0.1), (9, 1.1)]
    ] == [
        0,
        0,
        0,
        9,
        0,
        9,
    ]
    top = 1.0 - 2.0**-53
    for n in (1, 3, 59, 100, 100_000):
        for p in (1e-9, 0.3, 0.5, 0.7, 1.0 - 1e-9):
            low, high = binomial(2.0**-53, n, p), binomial(top, n, p)
            assert 0 <= low <= high <= n


def test_a_draw_next_to_one_ends_the_sum():
    """The running sum may stay below u for ever, by rounding; the answer must still be a plausible one."""
    top = 1.0 - 2.0**-53
    means = [0.1 * i for i in range(1, 301)]
    for mean in means:
        assert poisson(top, mean) <= mean + 12.0 * math.sqrt(mean) + 16
        assert binomial(top, 10**5, mean / 10**5) <= mean + 12.0 * math.sqrt(mean) + 16
    say(f"{2 * len(means)} sums at the largest draw")


@pytest.mark.parametrize("mean", [0.2, 1.0, 1.5, 3.0, 200.0, 1e6])
def test_geometric(mean):
    u = random.random(SOME)
    values = run("geometric", u, mean)
    exact = stats.geom.ppf(u, 1.0 / mean) if mean > 1.0 else np.ones(SOME)
    assert np.mean(values == exact) > 0.9999
    assert np.max(np.abs(values - exact)) <= 1.0
    assert abs(run("geometric", grid(MANY), mean).mean() / max(mean, 1.0) - 1.0) < 1e-4 + 10.0 / MANY


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.7, 4.0])
def test_truncated_pareto(alpha):
    u = random.random(SOME)
    values = run("truncated_pareto", u, alpha)
    exact = 2.0 * (1.0 - u + u * (2.0 / 5000.0) ** alpha) ** (-1.0 / alpha)
    assert relative(values, exact) < 1e-11
    assert values.min() >= 2.0 and values.max() <= 5000.0
    assert truncated_pareto(0.5, alpha, 3.0, 3.0) == 3.0
    assert truncated_pareto(1.0, alpha, 2.0, 5000.0) == pytest.approx(5000.0, rel=1e-11)


@pytest.mark.parametrize(
    ("name", "y"),
    [
        *[("normal_quantile", 0.0), ("normal_fast", 0.0), ("geometric", 9.0), ("truncated_pareto", 1.3)],
        *[("poisson", 4.0), ("poisson", 80.0), ("binomial", 50.3), ("binomial", 50.8), ("binomial", 900.6)],
    ],
)
def test_quantiles_never_fall(name, y):
    values = run(name, grid(MANY // 10), y)
    assert np.all(np.diff(values) >= 0.0)


# Money


def test_ppm_is_exact_for_any_amount():
    largest = 2**62 - 1
    amounts = [0, 1, 999_999, 10**6, 10**12 + 7, largest, largest - 1]
    amounts += [int(x) for x in random.integers(0, largest, 3000)]
    rates = [0, 1, 333_333, 200_000, 999_999, 10**6]
    count = 0
    for amount in amounts:
        for sign in (1, -1):
            for ppm in rates:
                exact = sign * amount * ppm
                assert floor_ppm(sign * amount, ppm) == exact // 10**6
                assert ceil_ppm(sign * amount, ppm) == -(-exact // 10**6)
                count += 1
    say(f"{count} products of money by a rate, floor and ceiling")


# The same bits on every machine


def test_tables_are_nearest_to_the_truth():
    ld = np.longdouble
    steps = np.arange(64).astype(ld) / 64
    assert np.array_equal(numeric._EXP_HIGH, (ld(2) ** steps).astype(float))
    residue = (ld(2) ** steps - numeric._EXP_HIGH.astype(ld)).astype(float)
    assert np.max(np.abs(residue - numeric._EXP_LOW)) < 1e-18
    logs = np.log(numeric._LOG_POINT.astype(ld))
    assert np.max(np.abs(logs - numeric._LOG_HIGH.astype(ld) - numeric._LOG_LOW.astype(ld))) < 1e-18
    assert np.array_equal(numeric._LOG_TABLE, np.log1p(np.arange(257).astype(ld) / 256).astype(float))
    inner = numeric._NORMAL[1:-1]
    assert np.max(np.abs(inner - special.ndtri(np.arange(1, 1024) / 1024))) < 1e-14
    assert np.array_equal(numeric._NORMAL, -numeric._NORMAL[::-1])
    assert math.log(2.0) == numeric.LN2


TABLES = ("_EXP_HIGH", "_EXP_LOW", "_LOG_POINT", "_LOG_HIGH", "_LOG_LOW", "_NORMAL", "_LOG_TABLE")


def sample() -> str:
    """Return a hash of every table and of every function at fixed places, from a kernel and from Python."""
    digest = hashlib.sha256()
    for table in TABLES:
        digest.update(np.asarray(getattr(numeric, table), "<f8").tobytes())
    u = (np.arange(1, 400, dtype=float) * 0.6180339887498949) % 1.0
    x = (u - 0.5) * 60.0
    for name in NAMES:
        places = {"exp": x * 10, "normal_cdf": x / 3, "log": x * x * 1e-9 + 5e-310, "log1p": u - 0.5}.get(
            name, u
        )
        for y in (0.4, 1.7, 20.2, 400.9):
            digest.update(run(name, places, y).astype("<f8").tobytes())
            plain = [value_from_python(name, float(p), y) for p in places[:20]]
            digest.update(np.array(plain, "<f8").tobytes())
    digest.update(
        repr([f(a, p) for f in (floor_ppm, ceil_ppm) for a in (-(2**61), 7) for p in (3, 10**6)]).encode()
    )
    return digest.hexdigest()


def value_from_python(name: str, x: float, y: float) -> float:
    function = getattr(numeric, name)
    if name in ("power", "poisson", "geometric"):
        return function(x, y)
    if name == "binomial":
        return function(x, int(y), y - math.floor(y))
    return function(x, y, 2.0, 5000.0) if name == "truncated_pareto" else function(x)


GOLDEN = "4f50d4e33ba5edf325e311ae22ccc3c5b3341cb413f42942955df9baedec9119"


def test_golden_bits():
    """These bits may not change from release to release without a word in the change log."""
    assert sample() == GOLDEN


def run_here(*options: str, **environment: str) -> str:
    root = Path(numeric.__file__).resolve().parent.parent
    known = {**os.environ, "PYTHONPATH": str(root), **environment}
    done = subprocess.run(
        [sys.executable, *options, __file__], env=known, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_bits_are_the_same_without_the_compiler():
    assert run_here("-W", "error", NUMBA_DISABLE_JIT="1" if COMPILED else "0") == GOLDEN


def test_bits_are_the_same_on_another_class_of_cpu():
    """No AVX, no fused multiply and add, in Numba, NumPy and the C library."""
    answer = run_here(
        NUMBA_CPU_NAME="generic",
        NUMBA_CPU_FEATURES="",
        NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL X86_V3",
        GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA,-AVX2,-AVX512F",
    )
    assert answer == GOLDEN


if __name__ == "__main__":
    print(sample())
