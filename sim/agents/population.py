"""Synthesis of the population: workers, collectives, requesters, and the pools of registered people.

The result is plain tables keyed by permanent ids. Traits that shape a run (country, segment, hours,
speed, pay) follow low-discrepancy sequences indexed by the id and rotated by the seed: every seed
has nearly the same distribution, and one more agent changes nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.families import as_they_come, family_of, pool_weights
from sim.agents.rules import (
    LONGEST_TASK,
    asking_share,
    base_reservation,
    largest_batch,
    size_scale,
    tile_of,
    willing_share,
)
from sim.agents.traits import (
    ACTIVE,
    COLLECTIVE,
    JOINED_LATER,
    MOST_BATCHES,
    OTHER_JOB,
    REQUESTER,
    TERTIARY,
    WOMAN,
    WORKER,
    worker_id,
)
from sim.agents.turnover import PARTS, People, at_rest, evenly, medians
from sim.columns import Records, records
from sim.compile import integer, kernel, real, rule
from sim.config import Config, Requesters, TaskType
from sim.draws import low_discrepancy, stream, stream_key, uniform
from sim.errors import UserError
from sim.numeric import added_up, exp, exponential, log, normal_cdf, normal_quantile, power
from sim.world import World

TRAITS = stream("traits")
COLLECTIVES = stream("collectives")
REQUESTERS = stream("requesters")
TILES = stream("tiles")
LONG_AGO = -1_000_000
MOST_COLLECTIVES = 1 << 20
"""Collectives of a country that the key of their draws can tell apart."""
LEAST_WILLING = 1e-9
HIGHEST_DRAW = 1.0 - 1.0 / 1099511627776.0
NO_COLLECTIVE = -1

SEGMENT = records(
    [
        ("other_job", "f8"),
        ("literate", "u1"),
        ("tertiary", "f8"),
        ("window_start", "i8"),
        ("window_hours", "i8"),
        ("flexibility", "f8"),
        ("desired_hours_median", "f8"),
        ("desired_hours_log_sigma", "f8"),
        ("reservation_ratio", "f8"),
        ("collective_size", "i8"),
        ("interruption_women", "f8"),
        ("interruption_men", "f8"),
    ]
)

COUNTRY = records(
    [
        ("outside_wage", "f8"),
        ("price_level", "f8"),
        ("women_share", "f8"),
        ("tertiary_share", "f8"),
        ("first_zone", "i8"),
        ("zones", "i8"),
        ("first_collective", "i8"),
        ("collectives", "i8"),
    ]
)

ORIGIN = records([("cumulative", "f8"), ("country", "i8"), ("platform", "i8")])

(DIM_ORIGIN, DIM_SEGMENT, DIM_HOURS, DIM_SPEED, DIM_RESERVATION, DIM_ZONE) = range(6)
(
    DRAW_WOMAN,
    DRAW_TERTIARY,
    DRAW_OTHER_JOB,
    DRAW_SKILL,
    DRAW_ACCURACY,
    DRAW_LOOK,
    DRAW_PATIENCE,
    DRAW_COLLECTIVE,
) = range(100, 108)
(DIM_REQUESTER_ORIGIN, DIM_SIZE, DIM_TARGET, DIM_VALUE, DIM_FAIR) = range(5)
(
    DRAW_REQUESTER_ZONE,
    DRAW_ALWAYS_ON,
    DRAW_BIAS,
    DRAW_STRICTNESS,
    DRAW_UNFAIR,
    DRAW_APPROVAL,
    DRAW_REACH,
) = range(100, 107)
DRAW_MIX_FIRST = 200
DRAW_MULTIHOME_FIRST = 300
DRAW_FOUNDED_FIRST = 400


@dataclass
class Population:
    """The agents of a run as plain tables, each row keyed by a permanent id.

    Attributes
    ----------
    workers, collectives, requesters
        Records of the types in ``sim.agents.traits``.
    mixes : float64 array (requesters, task types)
        Cumulative chance of each task type in a requester's batches.
    pools : int64 array (countries,)
        Registered people who are not active yet.
    """

    workers: Records
    collectives: Records
    requesters: Records
    mixes: NDArray[np.float64]
    pools: NDArray[np.int64]

    def copy(self) -> Population:
        """Return tables of their own: a run changes the records that it is given."""
        return Population(
            self.workers.copy(),
            self.collectives.copy(),
            self.requesters.copy(),
            self.mixes.copy(),
            self.pools.copy(),
        )


@dataclass
class Tables:
    """What synthesis and the daily rules look up, made once from configuration and world.

    ``expected`` workers are of each country at the start, and ``offered`` is pay first offered there (USD an
    hour, 0 where nobody comes from). ``first`` are the people whom workers of the start are drawn from, by
    their origin. ``outside`` is how many others of each country and segment could come, for each worker of
    the country at the start; None where ``learning.join_rate`` says how many join.
    """

    segments: Records
    countries: Records
    segment_shares: NDArray[np.float64]
    zone_cumulative: NDArray[np.float64]
    worker_origins: Records
    requester_origins: Records
    worker_settings: Records
    collectives: int
    expected: NDArray[np.float64]
    offered: NDArray[np.float64]
    first: People
    outside: NDArray[np.float64] | None


WORKER_SETTINGS = records(
    [
        ("reservation_log_sigma", "f8"),
        ("need", "f8"),
        ("speed_log_sigma", "f8"),
        ("accuracy_mean", "f8"),
        ("accuracy_spread", "f8"),
        ("literacy_penalty", "f8"),
        ("writing_share", "f8"),
        ("expert_share", "f8"),
        ("look_median", "f8"),
        ("look_log_sigma", "f8"),
        ("patience_low", "i8"),
        ("patience_high", "i8"),
    ]
)


def requester_count(config: Config) -> int:
    """Number of requesters: as set, or 0.03 for each worker, at least one."""
    return config.requesters.count or max(1, (3 * config.workers.count + 50) // 100)


def admitted(config: Config, world: World, side: str) -> dict[str, list[int]]:
    """Countries (indices) that each platform admits; ``side`` is ``worker`` or ``requester``."""
    result = {}
    for name, platform in config.platforms.items():
        listed = platform.worker_countries if side == "worker" else platform.requester_countries
        codes = listed or [
            code for code in world.codes if side == "requester" or code not in platform.excluded_countries
        ]
        # Nobody works or posts on a social platform.
        result[name] = [] if platform.family == "social" else [world.codes.index(code) for code in codes]
    return result


def open_platforms(config: Config) -> list[str]:
    """Names of the platforms that are there from the start."""
    return [name for name, platform in config.platforms.items() if not platform.closed]


def reached(config: Config, world: World, requesters: Records, platform: str) -> NDArray[np.bool_]:
    """Return which requesters will also post on a platform that is founded later.

    They are drawn as for any further platform within reach, by draws of its own: a platform that may come
    leaves everybody else's as they are.
    """
    key = int(stream_key(config.seed, REQUESTERS, 0))
    names, countries = list(config.platforms), admitted(config, world, "requester")[platform]
    number = DRAW_FOUNDED_FIRST + [name for name in names if config.platforms[name].closed].index(platform)
    found = np.zeros(len(requesters), np.bool_)
    for r, row in enumerate(requesters):
        home = config.platforms[names[int(row["platform"])]]
        if (
            home.family == config.platforms[platform].family
            and home.requester_share == 0.0
            and int(row["country"]) in countries
        ):
            found[r] = uniform(key, int(row["id"]), number) < config.requesters.multihome_share
    return found


def origins(config: Config, world: World, side: str) -> Records:
    """Where agents come from: (country, first platform) with cumulative chances."""
    reach = admitted(config, world, side)
    shares = world.worker_share if side == "worker" else world.requester_share
    own_share = "pool_share" if side == "worker" else "requester_share"
    names = open_platforms(config)
    places = list(config.platforms)
    open_pool = 1.0 - added_up(getattr(config.platforms[name], own_share) for name in names)
    weights: list[tuple[float, int, int]] = []
    public = [name for name in names if family_of(config, name).open_to_all]
    common = [name for name in public if getattr(config.platforms[name], own_share) == 0.0]
    for country, share in enumerate(shares):
        home = next((name for name in [*common, *public] if country in reach[name]), None)
        if home is not None and share > 0.0 and open_pool > 0.0:
            weights.append((open_pool * float(share), country, places.index(home)))
    for name in names:
        pool = getattr(config.platforms[name], own_share)
        people = pool_weights(config, world, name, side)
        total = added_up(people[country] for country in reach[name])
        for country in reach[name] if pool > 0.0 else []:
            share = float(people[country]) / total if total > 0.0 else 1.0 / len(reach[name])
            weights.append((pool * share, country, places.index(name)))
    table = np.zeros(len(weights), ORIGIN)
    total = added_up(weight for weight, _, _ in weights)
    if not total > 0.0:
        raise UserError(
            f"admit no {side} of any country.",
            path="platforms",
            value=names,
            allowed="countries of the world",
        )
    running = 0.0
    for i, (weight, country, platform) in enumerate(weights):
        running += weight / total
        table[i] = (running, country, platform)
    _end_at_one(table["cumulative"], [weight for weight, _, _ in weights])
    return table


def boards_of(config: Config, worker_origins: Records) -> NDArray[np.int64]:
    """Tiles of each platform's board: as set, or enough that each serves ``workers_per_board`` at most.

    Where work is local, these are the tiles of one country: as many for each as the largest needs.
    """
    chances = np.diff(worker_origins["cumulative"], prepend=0.0)
    result = np.zeros(len(config.platforms), np.int64)
    for p, (name, platform) in enumerate(config.platforms.items()):
        if platform.family == "social":
            continue
        there = worker_origins["platform"] == p
        if family_of(config, name).local:
            share = float(chances[there].max(initial=0.0))
        else:
            share = added_up(chances[there])
        workers = config.workers.count * share
        result[p] = config.market.boards or max(1, int(np.ceil(workers / config.market.workers_per_board)))
    return result


def locals_of(config: Config) -> NDArray[np.int64]:
    """For each platform 1 if its work is local, else 0."""
    return np.array([int(family_of(config, name).local) for name in config.platforms])


def first_tiles(boards: NDArray[np.int64], local: NDArray[Any], countries: int) -> NDArray[np.int64]:
    """Return the number of each platform's first tile, and, last, of all tiles."""
    tiles = boards * np.where(local > 0, countries, 1)
    return np.concatenate([[0], np.cumsum(tiles)])


def country_of_tile(place: int, platform: Any) -> int | None:
    """Country whose work a platform's tile has, by its place among them, if work is local (`tile_of`)."""
    return place // int(platform["boards"]) if platform["local"] else None


def cumulative(weights: Any) -> NDArray[np.float64]:
    """Cumulative shares of weights, exactly 1 from the last above 0: more without weight change nothing."""
    running = np.zeros(len(weights))
    total = 0.0
    for i, weight in enumerate(weights):
        total += float(weight)
        running[i] = total
    running /= total
    _end_at_one(running, weights)
    return running


def _end_at_one(running: NDArray[np.float64], weights: Any) -> None:
    running[int(np.flatnonzero(np.asarray(weights) > 0.0)[-1]) :] = 1.0


def make_tables(config: Config, world: World) -> Tables:
    """Arrange configuration and world for the kernels."""
    names = list(config.segments)
    segments = np.zeros(len(names), SEGMENT)
    for i, name in enumerate(names):
        for field in SEGMENT.names or ():
            segments[field][i] = getattr(config.segments[name], field)
    countries = np.zeros(len(world.codes), COUNTRY)
    countries["outside_wage"] = world.outside_wage_usd
    countries["price_level"] = world.price_level
    countries["women_share"] = world.women_share
    countries["tertiary_share"] = world.tertiary_share
    zone_cumulative = np.zeros(len(world.zones))
    shares = np.zeros((len(world.codes), len(names)))
    north = [config.segments[name].share_north for name in names]
    south = [config.segments[name].share_south for name in names]
    for c, group in enumerate(world.group):
        inside = np.flatnonzero(world.zone_country == c)
        countries["first_zone"][c] = inside[0]
        countries["zones"][c] = len(inside)
        zone_cumulative[inside] = cumulative(world.zone_weight[inside])
        mixed = [(a / added_up(north) + b / added_up(south)) / 2.0 for a, b in zip(north, south, strict=True)]
        shares[c] = cumulative(north if group == "north" else south if group == "south" else mixed)
    settings = np.zeros(1, WORKER_SETTINGS)
    workers = config.workers
    settings[0] = (
        workers.reservation_log_sigma,
        workers.need_usd_per_hour,
        workers.speed_log_sigma,
        workers.accuracy_mean,
        workers.accuracy_spread,
        workers.literacy_penalty,
        workers.writing_share,
        workers.expert_share,
        workers.look_seconds_median,
        workers.look_seconds_log_sigma,
        workers.patience_low,
        workers.patience_high,
    )
    worker_origins = origins(config, world, "worker")
    chances = np.diff(worker_origins["cumulative"], prepend=0.0)
    expected = np.zeros(len(world.codes))
    first = 0
    for c in range(len(world.codes)):
        expected[c] = present = added_up(chances[worker_origins["country"] == c]) * workers.count
        widths = np.diff(shares[c], prepend=0.0)
        number = 0
        for s in range(len(names)):
            size = int(segments["collective_size"][s])
            if size > 0 and widths[s] > 0.0 and present > 0.0:
                number += max(1, int(present * widths[s] / size))
        if number > MOST_COLLECTIVES:
            raise UserError(
                f"Workers of {world.codes[c]} would form too many collectives.",
                path="segments.<name>.collective_size",
                value=f"{number:,} collectives",
                allowed=f"sizes that give a country at most {MOST_COLLECTIVES:,} collectives",
            )
        countries["first_collective"][c] = first
        countries["collectives"][c] = number
        first += number
    pay = pay_offered(config, worker_origins, countries)
    people, outside = first_people(config, worker_origins, pay, segments, countries, shares)
    return Tables(
        segments,
        countries,
        shares,
        zone_cumulative,
        worker_origins,
        origins(config, world, "requester"),
        settings,
        first,
        expected,
        pay_by_country(worker_origins, pay, len(world.codes)),
        people,
        outside,
    )


@rule
def trait(key: int, agent: int, dimension: int) -> float:
    """Draw of a shaping trait: low-discrepancy for the first workers, independent for those who join."""
    if agent < JOINED_LATER:
        return low_discrepancy(key, agent, dimension)
    return uniform(key, agent, dimension)


@rule
def bracket(cumulative_shares: Any, first: int, count: int, draw: float) -> int:
    """Index in ``first`` … of the bracket that a draw falls into."""
    low = first
    high = first + count - 1
    while low < high:
        middle = (low + high) // 2
        if draw < cumulative_shares[middle]:
            high = middle
        else:
            low = middle + 1
    return integer(low)


@rule
def draw_of_those_there(parts: Any, draw: float) -> float:
    """Turn a draw among all people into one among those there; ``parts`` are their cumulative chances."""
    k = bracket(parts, 0, len(parts), draw)
    low = real(parts[k - 1]) if k > 0 else 0.0
    return min(HIGHEST_DRAW, (real(k) + (draw - low) / (real(parts[k]) - low)) / real(len(parts)))


@rule
def write_worker(
    worker: Any,
    key: int,
    agent: int,
    country: int,
    platform: int,
    people: int,
    shares: Any,
    asking: Any,
    willing: Any,
    segments: Any,
    countries: Any,
    zone_cumulative: Any,
    setting: Any,
) -> None:
    """Draw the traits of one worker of a country: one of ``turnover.People``, of their row ``people``."""
    place = countries[country]
    s = bracket(shares[people], 0, len(segments), trait(key, agent, DIM_SEGMENT))
    segment = segments[s]
    zone = bracket(
        zone_cumulative, integer(place.first_zone), integer(place.zones), trait(key, agent, DIM_ZONE)
    )
    flags = integer(ACTIVE)
    if uniform(key, agent, DRAW_WOMAN) < real(place.women_share):
        flags += WOMAN
    tertiary = uniform(key, agent, DRAW_TERTIARY) < real(place.tertiary_share) * real(segment.tertiary)
    if tertiary:
        flags += TERTIARY
    if uniform(key, agent, DRAW_OTHER_JOB) < real(segment.other_job):
        flags += OTHER_JOB
    draw = uniform(key, agent, DRAW_SKILL)
    skill = integer(0)
    accuracy = real(setting.accuracy_mean) + real(setting.accuracy_spread) * (
        2.0 * uniform(key, agent, DRAW_ACCURACY) - 1.0
    )
    if segment.literate:
        skill = integer(1)
        if tertiary:
            skill = integer(3) if draw < real(setting.expert_share) else integer(2)
        elif draw < real(setting.writing_share):
            skill = integer(2)
    else:
        accuracy -= real(setting.literacy_penalty)
    need = real(setting.need) * real(place.price_level)
    base = base_reservation(
        real(segment.reservation_ratio),
        real(place.outside_wage),
        real(setting.reservation_log_sigma),
        willing[people, s] * draw_of_those_there(asking[people, s], trait(key, agent, DIM_RESERVATION)),
        need,
    )
    hours = real(segment.desired_hours_median) * exp(
        real(segment.desired_hours_log_sigma) * normal_quantile(trait(key, agent, DIM_HOURS))
    )
    look = real(setting.look_median) * exp(
        real(setting.look_log_sigma) * normal_quantile(uniform(key, agent, DRAW_LOOK))
    )
    width = real(integer(setting.patience_high) - integer(setting.patience_low) + 1)
    worker.pending = 0
    worker.balance = 0
    worker.log_speed = real(setting.speed_log_sigma) * normal_quantile(trait(key, agent, DIM_SPEED))
    worker.log_base_reservation = base
    worker.log_reservation = worker.log_base_reservation
    worker.learned_pay = -1.0
    worker.all_in_pay = -1.0
    worker.week_pay = 0
    worker.accepted = 0
    worker.rejected = 0
    worker.week_seconds = 0
    worker.paid_seconds_weeks_below = 0
    worker.session = LONG_AGO * 2048
    worker.collective = NO_COLLECTIVE
    if segment.collective_size > 0 and place.collectives > 0:
        worker.collective = integer(place.first_collective) + integer(
            uniform(key, agent, DRAW_COLLECTIVE) * real(place.collectives)
        )
    worker.tile = 0
    worker.look_seconds = integer(max(1.0, min(3600.0, np.floor(look + 0.5))))
    worker.desired_minutes = integer(max(3.0, min(6720.0, np.floor(hours * 60.0 + 0.5))))
    worker.country = country
    worker.zone = zone
    worker.segment_platform = s + 16 * platform
    worker.bits = flags + 16 * skill
    worker.patience = integer(setting.patience_low) + integer(uniform(key, agent, DRAW_PATIENCE) * width)
    worker.accuracy = integer(max(0.0, min(255.0, np.floor(accuracy * 255.0 + 0.5))))


@rule
def origin_of(draw: float, worker_origins: Any) -> int:
    """Index of the origin that a draw falls into."""
    at = integer(0)
    while at < len(worker_origins) - 1 and draw >= worker_origins[at].cumulative:
        at += 1
    return at


@kernel
def draw_tiles(
    key: int, tile_key: int, worker_origins: Any, boards: Any, local: Any, offset: Any, tiles: Any
) -> None:
    """Draw the tile of everyone who is there at the start, by id."""
    for i in range(len(tiles)):
        origin = worker_origins[origin_of(trait(key, i, DIM_ORIGIN), worker_origins)]
        p = integer(origin.platform)
        tiles[i] = integer(offset[p]) + tile_of(
            uniform(tile_key, i, 0), integer(boards[p]), integer(local[p]), integer(origin.country)
        )


@kernel
def write_first_workers(
    key: int,
    numbers: Any,
    workers: Any,
    worker_origins: Any,
    shares: Any,
    asking: Any,
    willing: Any,
    segments: Any,
    countries: Any,
    zone_cumulative: Any,
    settings: Any,
) -> None:
    """Draw the workers who are there at the start; ``numbers`` holds the id of each row."""
    for i in range(len(workers)):
        number = integer(numbers[i])
        at = origin_of(trait(key, number, DIM_ORIGIN), worker_origins)
        workers[i].number = number
        write_worker(
            workers[i],
            key,
            number,
            integer(worker_origins[at].country),
            integer(worker_origins[at].platform),
            at,
            shares,
            asking,
            willing,
            segments,
            countries,
            zone_cumulative,
            settings[0],
        )


@kernel
def write_joiners(
    key: int,
    workers: Any,
    first: int,
    count: int,
    country: int,
    serial: int,
    shares: Any,
    asking: Any,
    willing: Any,
    segments: Any,
    countries: Any,
    zone_cumulative: Any,
    settings: Any,
) -> None:
    """Draw people who join from a country's pool, at row ``first``; serial numbers go on from ``serial``."""
    for i in range(count):
        worker = workers[first + i]
        number = JOINED_LATER + serial + i
        worker.number = number
        write_worker(
            worker,
            key,
            worker_id(number, country),
            country,
            0,
            0,
            shares,
            asking,
            willing,
            segments,
            countries,
            zone_cumulative,
            settings[0],
        )


def expected_desired_hours(config: Config, tables: Tables) -> float:
    """Mean of the hours a week that people want, from the shares of countries and segments.

    It is that of all people and not of those whom starting pay brings in: it says how much work is wanted.
    """
    total = 0.0
    shares = np.diff(tables.worker_origins["cumulative"], prepend=0.0)
    for share, country in zip(shares, tables.worker_origins["country"], strict=True):
        widths = np.diff(tables.segment_shares[country], prepend=0.0)
        for width, segment in zip(widths, tables.segments, strict=True):
            sigma = float(segment["desired_hours_log_sigma"])
            total += (
                float(share)
                * float(width)
                * float(segment["desired_hours_median"])
                * exp(sigma * sigma / 2.0)
            )
    return total


def size_limit(sigma: float, count: int, largest_share: float) -> tuple[float, float]:
    """Largest size (in units of the untruncated median) and the mean size of the truncated lognormal.

    The largest requester holds at most ``largest_share`` of all demand expected of ``count`` requesters.
    """
    if sigma == 0.0:
        return 1.0, 1.0

    def mean_below(limit: float) -> float:
        z = log(limit) / sigma
        return exp(sigma * sigma / 2.0) * normal_cdf(z - sigma) / normal_cdf(z)

    low, high = 1e-6, exp(sigma * 8.0)
    if high <= largest_share * count * mean_below(high):
        return high, mean_below(high)
    for _ in range(200):
        middle = np.sqrt(low * high)
        if middle > largest_share * count * mean_below(middle):
            high = middle
        else:
            low = middle
    return float(low), mean_below(float(low))


SUMMED_TASKS = 64


@rule
def mean_of_truncated_pareto(exponent: float, high: float) -> float:
    """Mean number of tasks of a larger batch: whole part of a Pareto draw truncated to [2, high].

    The chance of n tasks or more is (n^-a - high^-a) / (2^-a - high^-a); it is added up one by one to
    ``SUMMED_TASKS`` and beyond as an integral from middle to middle.
    """
    most = real(np.floor(high))
    end = power(high, -exponent)
    total = 0.0
    last = min(most, real(SUMMED_TASKS))
    n = 3.0
    while n <= last:
        total += power(n, -exponent) - end
        n += 1.0
    if most > last:
        low = last + 0.5
        top = most + 0.5
        if abs(exponent - 1.0) < 1e-9:
            total += log(top / low)
        else:
            total += (power(top, 1.0 - exponent) - power(low, 1.0 - exponent)) / (1.0 - exponent)
        total -= end * (most - last)
    return 2.0 + total / (power(2.0, -exponent) - end)


@rule
def mean_true_seconds(median: float, sigma: float, longest: float) -> float:
    """Mean of the whole seconds that tasks take: lognormal, cut off at ``longest``, rounded, at least 1."""
    if sigma <= 0.0:
        return max(1.0, real(np.floor(min(longest, median) + 0.5)))
    total = 1.0
    seconds = 1.5
    while seconds < longest:
        total += normal_cdf(log(median / seconds) / sigma)
        seconds += 1.0
    return total


@rule
def mean_power_of_seconds(median: float, sigma: float, longest: float, exponent: float) -> float:
    """Mean of a power of those seconds."""
    if sigma <= 0.0:
        return power(max(1.0, real(np.floor(min(longest, median) + 0.5))), exponent)
    total = 1.0
    seconds = 1.5
    while seconds < longest:
        more = power(seconds + 0.5, exponent) - power(seconds - 0.5, exponent)
        total += more * normal_cdf(log(median / seconds) / sigma)
        seconds += 1.0
    return total


def mean_work(task: TaskType, requesters: Requesters) -> tuple[float, float]:
    """Mean seconds of a task, and of a larger batch for each task drawn, at its size by its length.

    A batch has ``(size_seconds / s)^e`` tasks of ``s`` seconds for each one drawn, and so
    ``size_seconds^e x s^(1 - e)`` seconds of work.
    """
    of_task = float(task.median_seconds), float(task.log_sigma_seconds), LONGEST_TASK
    seconds = mean_true_seconds(*of_task)
    elasticity = float(requesters.size_seconds_elasticity)
    if elasticity == 0.0:
        return seconds, seconds
    scale = float(power(float(requesters.size_seconds), elasticity))
    return seconds, scale * mean_power_of_seconds(*of_task, 1.0 - elasticity)


def value_draw(median: float, sigma: float, draw: float, least: float) -> float:
    """Value of an hour of right work: lognormal, at or above the least at which the platform's promise pays.

    Whose work is worth less than a platform promises to pay has not chosen it.
    """
    if sigma <= 0.0:
        return median
    below = normal_cdf(log(least / median) / sigma) if least > 0.0 else 0.0
    return median * float(exp(sigma * normal_quantile(min(below + (1.0 - below) * draw, HIGHEST_DRAW))))


def make_requesters(config: Config, world: World, tables: Tables) -> tuple[Records, NDArray[np.float64]]:
    """Draw the requesters and the mixes of their batches."""
    settings = config.requesters
    count = requester_count(config)
    key = int(stream_key(config.seed, REQUESTERS, 0))
    rows = np.zeros(count, REQUESTER)
    types = list(config.task_types.values())
    types_on = {name: config.types_of(name) for name in config.platforms}
    shares_on = {
        name: cumulative(
            [t.share if kind in types_on[name] else 0.0 for kind, t in config.task_types.items()]
        )
        for name in config.platforms
    }
    mixes = np.zeros((count, len(types)))
    names = list(config.platforms)
    reach = admitted(config, world, "requester")
    everywhere = (1 << len(world.codes)) - 1
    north = sum(1 << c for c, group in enumerate(world.group) if group == "north") or everywhere
    limit, mean_size = size_limit(settings.size_log_sigma, count, settings.largest_share)
    works = [mean_work(task, settings) for task in types]
    elasticity = float(settings.size_seconds_elasticity)
    scales = [
        size_scale(float(settings.size_seconds), float(task.median_seconds), elasticity) for task in types
    ]
    below = normal_cdf(log(limit) / settings.size_log_sigma) if settings.size_log_sigma > 0 else 1.0
    per_requester = (
        settings.demand_share
        * expected_desired_hours(config, tables)
        * 3600.0
        / 7.0
        * config.workers.count
        / count
    )
    origin = tables.requester_origins
    for r in range(count):
        row = rows[r]
        at = int(
            np.searchsorted(origin["cumulative"], low_discrepancy(key, r, DIM_REQUESTER_ORIGIN), side="right")
        )
        at = min(at, len(origin) - 1)
        country, home = int(origin["country"][at]), int(origin["platform"][at])
        platform = config.platforms[names[home]]
        own_pool = platform.requester_share > 0.0
        family = family_of(config, names[home])
        place = tables.countries[country]
        row["id"] = r
        row["country"] = country
        row["zone"] = bracket(
            tables.zone_cumulative,
            int(place["first_zone"]),
            int(place["zones"]),
            uniform(key, r, DRAW_REQUESTER_ZONE),
        )
        row["always_on"] = as_they_come(
            platform.posting_hours, uniform(key, r, DRAW_ALWAYS_ON), settings.always_on_share
        )
        row["platform"] = home
        mask = 1 << home
        for at, name in enumerate(open_platforms(config)):
            p = names.index(name)
            alike = (
                config.platforms[name].family == platform.family and types_on[name] == types_on[names[home]]
            )
            if p != home and alike and not own_pool and country in reach[name]:
                mask |= int(uniform(key, r, DRAW_MULTIHOME_FIRST + at) < settings.multihome_share) << p
        row["platform_mask"] = mask
        # A platform's own requesters deal with its own workers: whom it admits is reach enough.
        draw = 1.0 if own_pool else uniform(key, r, DRAW_REACH)
        if family.local or draw < settings.own_country_share:
            row["worker_mask"] = 1 << country
        elif draw < settings.own_country_share + settings.north_only_share:
            row["worker_mask"] = north
        else:
            row["worker_mask"] = everywhere
        fair = family.asks_record and low_discrepancy(key, r, DIM_FAIR) < settings.fair_share
        row["fair"] = fair
        asking = asking_share(settings.approval_share, settings.fair_share, fair)
        if family.asks_record and uniform(key, r, DRAW_APPROVAL) < asking:
            row["approval_tasks"] = settings.approval_tasks
            row["approval_rate"] = settings.approval_rate
        size = (
            exp(settings.size_log_sigma * normal_quantile(low_discrepancy(key, r, DIM_SIZE) * below))
            / mean_size
        )
        if family.local:
            size = 1.0
        row["relative_size"] = size
        row["base_demand"] = per_requester * size
        factor = config.pay_level(names[home], float(place["outside_wage"]))
        target = (
            settings.pay_usd_per_hour
            * factor
            * exp(settings.pay_log_sigma * normal_quantile(low_discrepancy(key, r, DIM_TARGET)))
        )
        if fair:
            # Sizes are of money spent: who pays more for an hour has fewer hours of work.
            target = settings.fair_pay_usd_per_hour * factor
            row["base_demand"] *= settings.pay_usd_per_hour / settings.fair_pay_usd_per_hour
        row["bias"] = settings.estimate_bias_median * exp(
            settings.estimate_bias_log_sigma * normal_quantile(uniform(key, r, DRAW_BIAS))
        )
        bias = float(row["bias"])
        if platform.usd_per_click is not None:
            target = settings.pay_usd_per_hour * factor * bias
        floor = platform.promised_reward(platform.worker_fee)
        row["value"] = value_draw(
            settings.value_usd_per_hour * factor,
            settings.value_log_sigma,
            low_discrepancy(key, r, DIM_VALUE),
            floor * (1.0 + platform.requester_fee) / bias if own_pool else 0.0,
        )
        most = float(row["value"]) * bias / (1.0 + platform.requester_fee)
        row["target"] = min(max(target, floor), most)
        row["initial_target"] = row["target"]
        row["step"] = settings.pay_step
        row["markup"] = 1.0
        if family.reviews:
            row["strictness"] = min(1.0, 2.0 * settings.strictness_mean * uniform(key, r, DRAW_STRICTNESS))
            row["unfair"] = min(
                1.0, settings.unfair_rejection_mean * exponential(uniform(key, r, DRAW_UNFAIR))
            )
        weights = np.zeros(len(types))
        for j in range(settings.task_types_used):
            weights[bracket(shares_on[names[home]], 0, len(types), uniform(key, r, DRAW_MIX_FIRST + j))] += (
                1.0
            )
        rates = np.zeros(len(types))
        for t, task in enumerate(types):
            if weights[t] > 0.0:
                high = largest_batch(
                    float(task.largest_batch),
                    float(row["base_demand"]) * config.market.demand_cap_days,
                    float(task.median_seconds) * task.assignments_per_task,
                    scales[t],
                )
                seconds, larger = works[t]
                drawn = mean_of_truncated_pareto(task.size_exponent, high)
                mean_tasks = task.one_task_share + (1.0 - task.one_task_share) * drawn * (larger / seconds)
                per_task = 1 if task.one_task_many_workers else task.assignments_per_task
                rates[t] = weights[t] / settings.task_types_used / (seconds * mean_tasks * per_task)
                if task.function != "none":
                    kind = "base_preparation" if task.function == "preparation" else "base_services"
                    row[kind] += row["base_demand"] * weights[t] / settings.task_types_used
        row["base_batches"] = float(row["base_demand"]) * added_up(rates)
        mixes[r] = cumulative(rates)
    rows["batches_per_day"] = rows["base_batches"]
    _refuse_too_many_batches(config, float(rows["base_batches"].max()))
    return rows, mixes


def _refuse_too_many_batches(config: Config, per_day: float) -> None:
    """Refuse a run in which a requester would post more batches at base cost than can be numbered."""
    expected = per_day * (config.time.warmup_days + config.time.days)
    if expected > MOST_BATCHES:
        raise UserError(
            "lets one requester post more batches in the run than can be numbered.",
            path="requesters.demand_share",
            value=config.requesters.demand_share,
            allowed=f"at most {MOST_BATCHES:,} batches of a requester; {expected:,.0f} are expected",
            nearest=f"requesters.demand_share={config.requesters.demand_share * MOST_BATCHES / expected:.3g}",
        )


def make_collectives(config: Config, tables: Tables) -> Records:
    """Draw the collectives: their country, and whether they pool the skill of reading."""
    rows = np.zeros(tables.collectives, COLLECTIVE)
    key = int(stream_key(config.seed, COLLECTIVES, 0))
    for country, place in enumerate(tables.countries):
        first, number = int(place["first_collective"]), int(place["collectives"])
        rows["country"][first : first + number] = country
        for k in range(number):
            # Keyed by country and place in it, so that another country's collectives change nothing.
            able = uniform(key, country * MOST_COLLECTIVES + k, 0) < config.workers.collective_skill_share
            rows["skill"][first + k] = 1 if able else 0
    return rows


def expected_reservation(
    config: Config, segments: Records, countries: Records, segment_shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over segments of the median reservation wage in each country (USD per hour)."""
    result = np.zeros(len(countries))
    need = config.workers.need_usd_per_hour
    for c, place in enumerate(countries):
        widths = np.diff(segment_shares[c], prepend=0.0)
        for width, segment in zip(widths, segments, strict=True):
            median = float(segment["reservation_ratio"]) * float(place["outside_wage"])
            result[c] += float(width) * max(median, need * float(place["price_level"]))
    return result


def pay_offered(config: Config, worker_origins: Records, countries: Records) -> NDArray[np.float64]:
    """Log of the pay (USD an hour) first offered where workers come from, less the platform's fee on them."""
    names = list(config.platforms)
    result = np.zeros(len(worker_origins))
    for i, origin in enumerate(worker_origins):
        platform = config.platforms[names[int(origin["platform"])]]
        wage = float(countries["outside_wage"][int(origin["country"])])
        factor = config.pay_level(names[int(origin["platform"])], wage)
        promised = platform.promised_reward(platform.worker_fee)
        offered = max(config.requesters.pay_usd_per_hour * factor, promised)
        result[i] = log(offered * (1.0 - platform.worker_fee))
    return result


def pay_by_country(worker_origins: Records, pay: NDArray[np.float64], countries: int) -> NDArray[np.float64]:
    """Mean pay (USD an hour) first offered in each country, from that of its origins (logs); else 0."""
    chances = np.diff(worker_origins["cumulative"], prepend=0.0)
    result = np.zeros(countries)
    for country in range(countries):
        there = worker_origins["country"] == country
        if (total := added_up(chances[there])) > 0.0:
            paid = [chance * exp(float(one)) for chance, one in zip(chances[there], pay[there], strict=True)]
            result[country] = added_up(paid) / total
    return result


def first_people(
    config: Config,
    worker_origins: Records,
    pay: NDArray[np.float64],
    segments: Records,
    countries: Records,
    segment_shares: NDArray[np.float64],
) -> tuple[People, NDArray[np.float64] | None]:
    """Return whom workers of the start are drawn from, by origin, and how many others could come.

    Where ``learning.join_rate`` is set they are the share of each segment that is willing at the pay first
    offered (``pay``, logs): a market full of people who refuse its pay has no past. Otherwise the market
    begins at rest, and others are at most as many as are registered.
    """
    places = worker_origins["country"]
    shares = segment_shares[places]
    if config.learning.join_rate is not None:
        outside_value = expected_reservation(config, segments, countries, segment_shares)
        sigma = config.workers.reservation_log_sigma
        willing = [
            max(LEAST_WILLING, willing_share(float(offered), log(float(outside_value[place])), sigma))
            for offered, place in zip(pay, places, strict=True)
        ]
        return evenly(shares, np.array(willing)[:, None]), None
    chances = np.diff(worker_origins["cumulative"], prepend=0.0)
    registered = max(LEAST_WILLING, config.learning.pool_ratio)
    people = People(shares.copy(), np.zeros((*shares.shape, PARTS)), np.ones(shares.shape))
    outside = np.zeros(segment_shares.shape)
    for i, country in enumerate(places):
        middles, floor = medians(config, countries[country], segments)
        widths = np.diff(shares[i], prepend=0.0)
        present, absent = [], []
        for s, middle in enumerate(middles):
            inside, parts = at_rest(float(pay[i]), middle, floor, config)
            people.asking[i, s] = cumulative(parts)
            present.append(float(widths[s]) * inside)
            absent.append(float(widths[s]) * (1.0 - inside))
        total, others = added_up(present), added_up(absent)
        if total > 0.0:
            people.shares[i] = cumulative(present)
        of_country = added_up(chances[places == country])
        if others > 0.0 and of_country > 0.0:
            many = min(others / max(LEAST_WILLING, total), registered) * float(chances[i]) / of_country
            outside[country] += np.array(absent) * (many / others)
    return people, outside


def ids_by_tile(config: Config, tables: Tables) -> NDArray[np.uint32]:
    """Ids of those who are there at the start, tile by tile: their board finds them close together."""
    boards, local = boards_of(config, tables.worker_origins), locals_of(config)
    tiles = np.zeros(config.workers.count, np.uint16)
    draw_tiles(
        int(stream_key(config.seed, TRAITS, 0)),
        int(stream_key(config.seed, TILES, 0)),
        tables.worker_origins,
        boards,
        local,
        first_tiles(boards, local, len(tables.countries)),
        tiles,
    )
    return np.argsort(tiles, kind="stable").astype(np.uint32)


def make_population(config: Config, world: World, tables: Tables) -> Population:
    """Draw all agents of a run."""
    workers = np.zeros(config.workers.count, WORKER)
    write_first_workers(
        int(stream_key(config.seed, TRAITS, 0)),
        ids_by_tile(config, tables),
        workers,
        tables.worker_origins,
        tables.first.shares,
        tables.first.asking,
        tables.first.willing,
        tables.segments,
        tables.countries,
        tables.zone_cumulative,
        tables.worker_settings,
    )
    requesters, mixes = make_requesters(config, world, tables)
    shares = np.diff(tables.worker_origins["cumulative"], prepend=0.0)
    pools = np.zeros(len(world.codes), np.int64)
    for share, country in zip(shares, tables.worker_origins["country"], strict=True):
        pools[country] += int(config.learning.pool_ratio * config.workers.count * float(share) + 0.5)
    return Population(workers, make_collectives(config, tables), requesters, mixes, pools)
