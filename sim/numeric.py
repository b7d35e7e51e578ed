"""Elementary functions and inverse distributions that give the same bits on every machine.

The mathematical library of an operating system, NumPy's vector code and a compiler's fused operations differ
in the last bit from one CPU to the next, and one bit is enough to send a worker to another task. Everything
here is made of + - * / and the square root on float64, which the standard defines to the bit, and of whole
numbers. The tables are computed at import, from whole numbers.

Functions take and return float64 and int64. Every sampler is a quantile function: it maps one uniform draw u
in (0, 1) to a value that never falls when u rises (`exponential`, by tradition, falls).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compile import COMPILED, index, kernel, rule

integer: Callable[[Any], int] = np.int64 if COMPILED else int  # type: ignore[assignment]

MILLION = 1_000_000
INFINITY = math.inf
NAN = math.nan


# Whole-number arithmetic for the tables: a number x is held as the integer nearest to x * 2**FIXED.

FIXED = 160
_UNIT = 1 << FIXED


def _fixed_log(numerator: int, denominator: int) -> int:
    """Return log(numerator / denominator), near 1, as 2 artanh of (n - d) / (n + d)."""
    ratio = ((numerator - denominator) << FIXED) // (numerator + denominator)
    square = (ratio * ratio) >> FIXED
    power, total, odd = ratio, 0, 1
    while power not in (0, -1):
        total += power // odd
        power = (power * square) >> FIXED
        odd += 2
    return 2 * total


def _fixed_exp(x: int) -> int:
    """Return exp of a small number by its series."""
    term, total, count = _UNIT, 0, 1
    while term:
        total += term
        term = ((term * x) >> FIXED) // count
        count += 1
    return total


def _to_float(x: int) -> float:
    """Return the float nearest to x / 2**FIXED; Python divides integers with correct rounding."""
    return x / _UNIT


def _split(x: int, bits: int) -> tuple[float, float]:
    """Return x as a high part that is a multiple of 2**-bits and the rest."""
    high = (x >> (FIXED - bits)) << (FIXED - bits)
    return _to_float(high), _to_float(x - high)


_LN2 = _fixed_log(4, 3) + _fixed_log(3, 2)
LN2 = _to_float(_LN2)

# exp: 2**(j/64) in two parts, and log(2)/64 in two parts (17 bits of n times 34 bits are exact).
EXP_BITS = 6
EXP_STEPS = 1 << EXP_BITS
_powers = [_fixed_exp(_LN2 * j // EXP_STEPS) for j in range(EXP_STEPS)]
_EXP_HIGH = np.array([_to_float(p) for p in _powers])
_EXP_LOW = np.array([_to_float(p - int(_to_float(p) * (1 << 52)) * (1 << (FIXED - 52))) for p in _powers])
_STEP_HIGH, _STEP_LOW = _split(_LN2 // EXP_STEPS, 40)
_STEPS_PER_UNIT = _to_float((EXP_STEPS << (2 * FIXED)) // _LN2)

# log: bins of 1/128 of a power of two from 11/16 to 11/8, a point c in each (1 itself in the two bins at 1),
# log(c) in two parts, log(2) in two parts. Sums of the high parts are exact.
LOG_BITS = 7
LOG_STEPS = 1 << LOG_BITS
_LOG_START = 0x3FE6000000000000  # the bits of 11/16


def _log_point(bin_number: int) -> int:
    """Return 512 times the middle of a bin, or 512 for the bins that touch 1."""
    low = _LOG_START + (bin_number << (52 - LOG_BITS))
    exponent, fraction = low >> 52, (low >> (52 - LOG_BITS)) & (LOG_STEPS - 1)
    edge = (LOG_STEPS + fraction) << (exponent - 1022)  # 256 times the lower edge
    width = 1 << (exponent - 1022)
    return 512 if 256 in (edge, edge + width) else 2 * edge + width


_points = [_log_point(i) for i in range(LOG_STEPS)]
_LOG_POINT = np.array([p / 512 for p in _points])
_LOG_HIGH = np.array([_split(_fixed_log(p, 512), 40)[0] for p in _points])
_LOG_LOW = np.array([_split(_fixed_log(p, 512), 40)[1] for p in _points])
_LN2_HIGH, _LN2_LOW = _split(_LN2, 40)

# Wichura's rational approximations: numerators and denominators, from the highest power down.
_CENTRE_ABOVE = (
    2.5090809287301226727e3,
    3.3430575583588128105e4,
    6.7265770927008700853e4,
    4.5921953931549871457e4,
    1.3731693765509461125e4,
    1.9715909503065514427e3,
    1.3314166789178437745e2,
    3.3871328727963666080,
)
_CENTRE_BELOW = (
    5.2264952788528545610e3,
    2.8729085735721942674e4,
    3.9307895800092710610e4,
    2.1213794301586595867e4,
    5.3941960214247511077e3,
    6.8718700749205790830e2,
    4.2313330701600911252e1,
    1.0,
)
_TAIL_ABOVE = (
    7.74545014278341407640e-4,
    2.27238449892691845833e-2,
    2.41780725177450611770e-1,
    1.27045825245236838258,
    3.64784832476320460504,
    5.76949722146069140550,
    4.63033784615654529590,
    1.42343711074968357734,
)
_TAIL_BELOW = (
    1.05075007164441684324e-9,
    5.47593808499534494600e-4,
    1.51986665636164571966e-2,
    1.48103976427480074590e-1,
    6.89767334985100004550e-1,
    1.67638483018380384940,
    2.05319162663775882187,
    1.0,
)
_FAR_ABOVE = (
    2.01033439929228813265e-7,
    2.71155556874348757815e-5,
    1.24266094738807843860e-3,
    2.65321895265761230930e-2,
    2.96560571828504891230e-1,
    1.78482653991729133580,
    5.46378491116411436990,
    6.65790464350110377720,
)
_FAR_BELOW = (
    2.04426310338993978564e-15,
    1.42151175831644588870e-7,
    1.84631831751005468180e-5,
    7.86869131145613259100e-4,
    1.48753612908506148525e-2,
    1.36929880922735805310e-1,
    5.99832206555887937690e-1,
    1.0,
)


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """Return a polynomial by Horner's scheme, coefficients from the highest power down."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def _central_quantile(q: float) -> float:
    """Return the quantile of 0.5 + q for |q| up to 0.425."""
    r = 0.180625 - q * q
    return q * _polynomial(_CENTRE_ABOVE, r) / _polynomial(_CENTRE_BELOW, r)


def _outer_quantile(r: float) -> float:
    """Return the size of the quantile from r = sqrt(-log of the smaller tail)."""
    if r <= 5.0:
        return _polynomial(_TAIL_ABOVE, r - 1.6) / _polynomial(_TAIL_BELOW, r - 1.6)
    return _polynomial(_FAR_ABOVE, r - 5.0) / _polynomial(_FAR_BELOW, r - 5.0)


NORMAL_STEPS = 1024


def _table_quantile(i: int) -> float:
    """Return the normal quantile of i / 1024 in the lower half."""
    q = i / NORMAL_STEPS - 0.5
    if q >= -0.425:
        return _central_quantile(q)
    size = i.bit_length()
    logarithm = _fixed_log(i, 1 << size) + (size - NORMAL_STEPS.bit_length() + 1) * _LN2
    return -_outer_quantile(math.sqrt(-_to_float(logarithm)))


def _normal_table() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the quantiles at i / 1024, with the two ends set so that the variance of the whole is one."""
    inner = [_table_quantile(i) for i in range(1, NORMAL_STEPS // 2 + 1)]
    covered = 0.0
    for a, b in pairwise(inner):
        covered += (a * a + a * b + b * b) / 3.0
    rest = 1.5 * NORMAL_STEPS - 3.0 * covered  # end**2 + end * first + first**2
    first = inner[0]
    end = 0.5 * (-math.sqrt(4.0 * rest - 3.0 * first * first) - first)
    half = [end, *inner[:-1]]
    return np.array([*half, 0.0, *(-x for x in reversed(half))])


_NORMAL = _normal_table()

# The table above is made by Python, so that an import compiles nothing; from here on they are rules.
_polynomial = rule(_polynomial)
_central_quantile = rule(_central_quantile)
_outer_quantile = rule(_outer_quantile)


_MANTISSA = (1 << 52) - 1
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding and taking it away rounds to a whole number
_TWO_54 = 18014398509481984.0


@rule
def _bits(x: float) -> int:
    """Return the 64 bits of a float as an integer."""
    return integer(np.float64(x).view(np.int64))


@rule
def _from_bits(bits: int) -> float:
    """Return the float with these 64 bits."""
    return float(np.int64(bits).view(np.float64))


@rule
def _power_of_two(exponent: int) -> float:
    """Return 2**exponent for -1022 to 1023."""
    return _from_bits((exponent + 1023) << 52)


@rule
def log(x: float) -> float:
    """Return the natural logarithm to about one and a half units in the last place.

    x = 2**k z, z near a table point c: log x = k log 2 + log c + 2 artanh s, s = (z - c) / (z + c).
    """
    x = float(x)
    if not (x > 0.0 and x < INFINITY):
        if x == 0.0:
            return -INFINITY
        return x if x > 0.0 else NAN
    shift = 0
    if x < 2.2250738585072014e-308:
        x = x * _TWO_54
        shift = 54
    offset = _bits(x) - _LOG_START
    k = offset >> 52
    i = (offset >> (52 - LOG_BITS)) & (LOG_STEPS - 1)
    z = _from_bits(_LOG_START + (offset & _MANTISSA))
    c = float(_LOG_POINT[index(i)])
    s = (z - c) / (z + c)
    square = s * s
    rest = 2.0 * s + s * square * (2.0 / 3.0 + square * (2.0 / 5.0 + square * (2.0 / 7.0)))
    exponent = float(k - shift)
    return (exponent * _LN2_HIGH + float(_LOG_HIGH[index(i)])) + (
        exponent * _LN2_LOW + float(_LOG_LOW[index(i)]) + rest
    )


@rule
def exp(x: float) -> float:
    """Return e**x to about one unit in the last place.

    x = (64 k + j) log(2) / 64 + r: exp x = 2**k 2**(j/64) exp r, with a table and five terms of the series.
    """
    x = float(x)
    if not (x > -746.0 and x < 710.0):
        if x >= 710.0:
            return INFINITY
        return 0.0 if x <= -746.0 else NAN
    steps = (x * _STEPS_PER_UNIT + _ROUND) - _ROUND
    r = (x - steps * _STEP_HIGH) - steps * _STEP_LOW
    n = integer(steps)
    j = n & (EXP_STEPS - 1)
    k = n >> EXP_BITS
    series = r + r * r * (0.5 + r * (1.0 / 6.0) + r * r * (1.0 / 24.0 + r * (1.0 / 120.0)))
    high = float(_EXP_HIGH[index(j)])
    value = high + (float(_EXP_LOW[index(j)]) + high * series)
    if k > -1022 and k < 1023:
        return value * _power_of_two(k)
    return value * _power_of_two(k // 2) * _power_of_two(k - k // 2)


@rule
def log1p(x: float) -> float:
    """Return log(1 + x) without the loss near zero, for x > -1 (Kahan's correction of the rounded 1 + x)."""
    x = float(x)
    y = 1.0 + x
    if y == 1.0:
        return x
    return log(y) * (x / (y - 1.0))


@rule
def power(x: float, y: float) -> float:
    """Return x**y for x >= 0 as exp(y log x); its relative error is about |y log x| times 1e-16."""
    x, y = float(x), float(y)
    if y == 0.0:
        return 1.0
    if x == 0.0:
        return 0.0 if y > 0.0 else INFINITY
    return exp(y * log(x))


@rule
def normal_quantile(u: float) -> float:
    """Return the standard normal quantile of u in (0, 1), to about 1e-15 (Wichura 1988, algorithm AS 241)."""
    u = float(u)
    if u <= 0.0 or u >= 1.0:
        return -INFINITY if u <= 0.0 else INFINITY
    q = u - 0.5
    if abs(q) <= 0.425:
        return _central_quantile(q)
    size = _outer_quantile(math.sqrt(-log(min(u, 1.0 - u))))
    return -size if q < 0.0 else size


_HART_ABOVE = (
    3.52624965998911e-2,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_HART_BELOW = (
    8.83883476483184e-2,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


@rule
def normal_cdf(x: float) -> float:
    """Return the standard normal distribution function (Hart 1968, algorithm 5666, after West 2005)."""
    x = float(x)
    z = abs(x)
    if z > 37.0:
        tail = 0.0
    elif z < 7.07106781186547:
        tail = exp(-0.5 * z * z) * _polynomial(_HART_ABOVE, z) / _polynomial(_HART_BELOW, z)
    else:
        fraction = z + 1.0 / (z + 2.0 / (z + 3.0 / (z + 4.0 / (z + 0.65))))
        tail = exp(-0.5 * z * z) / fraction / 2.506628274631
    return 1.0 - tail if x > 0.0 else tail


@rule
def normal_fast(u: float) -> float:
    """Return the standard normal quantile of u in (0, 1) by a straight line between 1024 table points.

    Mean 0 and variance 1 are exact.
    """
    x = float(u) * float(NORMAL_STEPS)
    i = min(max(integer(x), 0), NORMAL_STEPS - 1)
    low = float(_NORMAL[index(i)])
    return low + (x - float(i)) * (float(_NORMAL[index(i + 1)]) - low)


TAIL_BITS = 8
TAIL_STEPS = 1 << TAIL_BITS
_LOG_TABLE = np.array([_to_float(_fixed_log(TAIL_STEPS + i, TAIL_STEPS)) for i in range(TAIL_STEPS)] + [LN2])


@rule
def exponential(u: float) -> float:
    """Return -log(u), an exponential draw of mean one, for u in (0, 1]; absolute error under 2e-6.

    The exponent of u is exact, its fraction goes by a straight line between 256 table points.
    """
    bits = _bits(float(u))
    i = (bits >> (52 - TAIL_BITS)) & (TAIL_STEPS - 1)
    place = float(bits & ((1 << (52 - TAIL_BITS)) - 1)) * (1.0 / (1 << (52 - TAIL_BITS)))
    low = float(_LOG_TABLE[index(i)])
    return float(1023 - (bits >> 52)) * LN2 - (low + place * (float(_LOG_TABLE[index(i + 1)]) - low))


INVERSION_LIMIT = 30.0
CLEARLY = 1e-9
"""By how much a bound must decide, so that the rounding of what it bounds cannot matter."""


@rule
def _corrected_normal(u: float, mean: float, variance: float, skewness: float, excess: float) -> int:
    """Return the whole number nearest to the Cornish-Fisher quantile for four given moments.

    Rounding adds 1/12 to the variance (Sheppard's correction), which is taken off before.
    """
    z = normal_quantile(u)
    square = z * z
    w = z + skewness * (square - 1.0) / 6.0
    w = w + z * (excess * (square - 3.0) / 24.0 - skewness * skewness * (2.0 * square - 5.0) / 36.0)
    return integer(math.floor(mean + math.sqrt(variance - 1.0 / 12.0) * w + 0.5))


@rule
def poisson(u: float, mean: float) -> int:
    """Return the Poisson quantile of u.

    Up to a mean of 30 by inversion: p(0) = exp(-mean), p(k) = p(k - 1) mean / k. Above, the Cornish-Fisher
    expansion, whose distribution function is within 1e-4 of the true one.
    """
    u, mean = float(u), float(mean)
    if mean <= 0.0 or u < 1.0 - mean - CLEARLY:  # exp(-mean) is more than 1 - mean
        return 0
    if mean > INVERSION_LIMIT:
        variance = 1.0 / mean
        return max(0, _corrected_normal(u, mean, mean, math.sqrt(variance), variance))
    chance = exp(-mean)
    total = chance
    k = 0
    while total < u:
        k += 1
        chance = chance * mean / float(k)
        if total + chance == total and float(k) > mean:
            break
        total = total + chance
    return k


@rule
def _power_by_squaring(x: float, n: int) -> float:
    result = 1.0
    while n > 0:
        if n & 1:
            result = result * x
        x = x * x
        n >>= 1
    return result


@rule
def _binomial_smaller(u: float, n: int, p: float) -> int:
    """Return the binomial quantile of u for p up to one half."""
    mean = float(n) * p
    if u < 1.0 - mean - CLEARLY:  # (1 - p)**n is more than 1 - n p
        return 0
    if mean > INVERSION_LIMIT:
        variance = mean * (1.0 - p)
        skewness = (1.0 - 2.0 * p) / math.sqrt(variance)
        excess = (1.0 - 6.0 * p * (1.0 - p)) / variance
        return min(n, max(0, _corrected_normal(u, mean, variance, skewness, excess)))
    odds = p / (1.0 - p)
    chance = _power_by_squaring(1.0 - p, n)
    total = chance
    k = 0
    while total < u and k < n:
        k += 1
        chance = chance * odds * float(n - k + 1) / float(k)
        if total + chance == total and float(k) > mean:
            break
        total = total + chance
    return k


@rule
def binomial(u: float, n: int, p: float) -> int:
    """Return the binomial quantile of u: the number of successes in n trials.

    Counted from the smaller tail. Up to 30 expected by inversion: p(0) = (1 - p)**n, which cannot underflow
    there, and p(k) = p(k - 1) (n - k + 1) / k p / (1 - p). Above, the Cornish-Fisher expansion, whose
    distribution function is within 1e-4 of the true one.
    """
    u, n, p = float(u), integer(n), float(p)
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    if p <= 0.5:
        return _binomial_smaller(u, n, p)
    return n - _binomial_smaller(1.0 - u, n, 1.0 - p)


@rule
def geometric(u: float, mean: float) -> int:
    """Return the quantile of u of the number of trials up to the first success, 1 or more, with this mean."""
    u, mean = float(u), float(mean)
    if mean <= 1.0:
        return 1
    return 1 + integer(math.floor(log1p(-u) / log1p(-1.0 / mean)))


@rule
def truncated_pareto(u: float, alpha: float, low: float, high: float) -> float:
    """Return the quantile of u of a Pareto distribution of exponent alpha > 0 cut off at `high`.

    x = low (1 - u + u (low / high)**alpha)**(-1 / alpha).
    """
    u, alpha, low, high = float(u), float(alpha), float(low), float(high)
    if high <= low:
        return low
    left = (1.0 - u) + u * power(low / high, alpha)
    return min(high, max(low, low * power(left, -1.0 / alpha)))


@rule
def floor_ppm(amount: int, ppm: int) -> int:
    """Return amount × ppm / 1 000 000 rounded down, without overflow for any amount under 2**62.

    amount = 10**6 q + r: the product is q ppm + r ppm / 10**6, and only the small second part needs rounding.
    """
    whole, rest = divmod(integer(amount), MILLION)
    return whole * integer(ppm) + rest * integer(ppm) // MILLION


@rule
def both_ppm(amount: int, ppm: int) -> tuple[int, int]:
    """Return `floor_ppm` and `ceil_ppm` of an amount and a rate that are not negative, by one division."""
    million = index(MILLION)
    whole = index(amount) // million
    product = (index(amount) - whole * million) * index(ppm)
    part = product // million
    down = integer(whole * index(ppm) + part)
    return down, down + integer(product > part * million)


@rule
def ceil_ppm(amount: int, ppm: int) -> int:
    """Return amount × ppm / 1 000 000 rounded up."""
    return -floor_ppm(-integer(amount), ppm)


def added_up(values: Iterable[float]) -> float:
    """Add floats from first to last.

    Python's own `sum` compensates from version 3.12 on and NumPy's adds in an order of its own: both
    give other last bits elsewhere.
    """
    total = 0.0
    for value in values:
        total += float(value)
    return total


@kernel
def _put_exp(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = exp(values[i])


@kernel
def _put_log(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = log(values[i])


def _of_each(put: Callable[[Any, Any], None], values: Any) -> NDArray[np.float64]:
    flat = np.array(values, np.float64)
    out = np.empty(flat.size)
    put(flat.ravel(), out)
    return out.reshape(flat.shape)


def exp_of(values: Any) -> NDArray[np.float64]:
    """Return `exp` of each number of an array."""
    return _of_each(_put_exp, values)


def log_of(values: Any) -> NDArray[np.float64]:
    """Return `log` of each number of an array."""
    return _of_each(_put_log, values)
