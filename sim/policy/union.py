"""The union: who joins it and leaves, what its members refuse, when they strike, what it bargains for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.traits import ACTIVE, MEMBER, platform_of, worker_id
from sim.columns import Records
from sim.compile import integer, kernel, real, rule
from sim.draws import uniform
from sim.errors import UserError
from sim.instruments import Union
from sim.numeric import exp
from sim.policy.channels import NOISE, RATINGS, REFUSAL, WORKER_FLOOR, Contribution
from sim.world import World

DRAW_JOINS, DRAW_LEAVES = range(2)
PRESENT, MEMBERS, GRIEVANCE = range(3)
"""Columns of a count of workers; grievance is that of members, in millionths."""


@rule
def grievance(all_in_pay: float, guideline: float, log_base: float, rejected: float) -> float:
    """How ill a worker is treated, from 0 to 1: 1 - (1 - shortfall) x (1 - share of work rejected).

    The shortfall is that of pay for an hour of work, unpaid search included, under the guideline or the
    worker's outside value, whichever is higher, as a share of it. Who has not been paid yet has no grievance.
    """
    if all_in_pay < 0.0:
        return 0.0
    reference = max(guideline, exp(log_base))
    shortfall = max(0.0, 1.0 - all_in_pay / reference)
    return 1.0 - (1.0 - shortfall) * (1.0 - rejected)


@rule
def joining_chance(organising: float, contact: float, density: float, grievance: float) -> float:
    """Chance that a worker who would ever join does so in a week."""
    return min(1.0, organising + contact * density * grievance)


@rule
def grievance_of(worker: Any, guideline: float) -> float:
    """Grievance of a worker of the market."""
    done = integer(worker.accepted) + integer(worker.rejected)
    rejected = real(worker.rejected) / real(done) if done > 0 else 0.0
    return grievance(real(worker.all_in_pay), guideline, real(worker.log_base_reservation), rejected)


@kernel
def count_workers(workers: Any, count: int, guidelines: Any, found: Any, found_in_collectives: Any) -> None:
    """Count workers, members and members' grievance by platform and country, and by collective."""
    for row in range(count):
        worker = workers[row]
        if not worker.bits & ACTIVE:
            continue
        place = found[platform_of(worker), integer(worker.country)]
        place[PRESENT] += 1
        if worker.collective >= 0:
            found_in_collectives[worker.collective, PRESENT] += 1
        if worker.bits & MEMBER:
            place[MEMBERS] += 1
            place[GRIEVANCE] += integer(1e6 * grievance_of(worker, guidelines[worker.country]) + 0.5)
            if worker.collective >= 0:
                found_in_collectives[worker.collective, MEMBERS] += 1


@kernel
def let_join(
    first: int,
    last: int,
    week_key: int,
    support_key: int,
    workers: Any,
    covered: Any,
    guidelines: Any,
    support: Any,
    density: Any,
    density_of_collectives: Any,
    organising: float,
    contact: float,
    leaving: float,
) -> None:
    """Let workers ``first`` to ``last`` join or leave the union; who left the market is no member."""
    for row in range(first, last):
        worker = workers[row]
        platform = platform_of(worker)
        country = integer(worker.country)
        if not worker.bits & ACTIVE or not covered[platform, country]:
            worker.bits = integer(worker.bits) & (255 - MEMBER)
            continue
        agent = worker_id(integer(worker.number), country)
        if worker.bits & MEMBER:
            if uniform(week_key, agent, DRAW_LEAVES) < leaving:
                worker.bits = integer(worker.bits) & (255 - MEMBER)
            continue
        if uniform(support_key, agent, 0) >= support[country]:
            continue
        met = density[platform, country]
        if worker.collective >= 0:
            met = max(met, density_of_collectives[worker.collective])
        chance = joining_chance(organising, contact, met, grievance_of(worker, guidelines[country]))
        if uniform(week_key, agent, DRAW_JOINS) < chance:
            worker.bits = integer(worker.bits) | MEMBER


def shares(found: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of members wherever workers were counted; 0 where there are none."""
    return np.asarray(found[..., MEMBERS] / np.maximum(found[..., PRESENT], 1))


class Unions:
    """The union on all platforms and in all countries that it covers.

    Attributes
    ----------
    found : int64 array (platforms, countries, 3)
        Workers, members and members' grievance (millionths) when they were last counted.
    strike_until, quiet_until : int64 arrays (platforms,)
        Hours at which the last strike ends, and before which there is no other.
    strikes : int64 array (platforms,)
        Strikes called so far.
    signed : int64 array (platforms, countries)
        1 where an agreement holds.
    """

    CHECKPOINTED = ("found", "strike_until", "quiet_until", "strikes", "signed", "counted")

    def __init__(self, union: Union, platforms: tuple[str, ...], world: World) -> None:
        refuse_unknown_guidelines(union, world)
        self.union, self.groups = union, np.array(world.group)
        countries = len(world.codes)
        local = union.guideline == "local"
        self.guidelines = world.minimum_wage_usd if local else np.full(countries, union.usd_per_hour)
        self.guidelines = np.ascontiguousarray(self.guidelines, np.float64)
        self.support = np.where(self.groups == "north", union.support_north, union.support_south)
        self.covered = np.array(
            [[union.covers(name) and union.holds_in(code) for code in world.codes] for name in platforms]
        )
        self.found = np.zeros((len(platforms), countries, 3), np.int64)
        self.strike_until = np.zeros(len(platforms), np.int64)
        self.quiet_until = np.zeros(len(platforms), np.int64)
        self.strikes = np.zeros(len(platforms), np.int64)
        self.signed = np.zeros((len(platforms), countries), np.int64)
        self.counted = np.array([-1])

    def count(self, workers: Records, collectives: int, hour: int, strength: float) -> NDArray[np.int64]:
        """Count workers and members by platform and country; return the same by collective.

        ``strength``, here as below, is the share of its guideline, of its effort and of what members do
        together that there is in the month.
        """
        self.found[:] = 0
        found_in_collectives = np.zeros((max(1, collectives), 2), np.int64)
        count_workers(workers, len(workers), strength * self.guidelines, self.found, found_in_collectives)
        self.counted[0] = hour
        return found_in_collectives

    def let_join(
        self,
        first: int,
        last: int,
        keys: tuple[int, int],
        workers: Records,
        found_in_collectives: NDArray[np.int64],
        strength: float,
    ) -> None:
        """Let some workers join or leave; ``keys`` are those of the week and of who would ever join."""
        let_join(
            first,
            last,
            *keys,
            workers,
            self.covered & (strength > 0.0),
            strength * self.guidelines,
            self.support,
            shares(self.found),
            shares(found_in_collectives),
            strength * self.union.organising_rate,
            strength * self.union.contact_rate,
            self.union.leave_rate,
        )

    def call_strikes(self, hour: int, strength: float) -> None:
        """Call a strike on each platform where members are many enough, aggrieved enough and rested."""
        union, hours = self.union, int(24 * self.union.strike_days * strength)
        if not hours:
            return
        for platform, found in enumerate(np.where(self.covered[..., None], self.found, 0).sum(axis=1)):
            present, members, grieved = (int(number) for number in found)
            if hour < self.quiet_until[platform] or not members:
                continue
            if (
                members >= union.strike_density * present
                and grieved >= union.strike_grievance * members * 1e6
            ):
                self.strike_until[platform] = hour + hours
                self.quiet_until[platform] = self.strike_until[platform] + 24 * union.strike_pause_days
                self.strikes[platform] += 1

    def bargain(self) -> bool:
        """Sign and end agreements, by platform and group of countries; return whether anything changed."""
        before = self.signed.copy()
        self.signed[:] = 0
        for group in sorted(set(self.groups.tolist())):
            of_group = self.covered & (self.groups == group)
            found = np.where(of_group[..., None], self.found, 0).sum(axis=1)
            enough = (found[:, MEMBERS] > 0) & (shares(found) >= self.union.bargaining_density)
            self.signed[of_group & enough[:, None]] = 1
        return bool((self.signed != before).any())

    def agreed(self, strength: float) -> NDArray[np.float64]:
        """USD an hour of the agreements that hold, by platform and country; 0 where there is none."""
        return strength * self.guidelines * self.union.bargained_share * self.signed

    def contributions(self, strength: float) -> Iterator[Contribution]:
        """Yield what the union gives to the channels while it is in force."""
        union = self.union
        for platform, country in np.argwhere(self.covered).tolist():
            guideline = strength * float(self.guidelines[country])
            yield Contribution(REFUSAL, platform, guideline * union.refusal_share, country)
            yield Contribution(NOISE, platform, 1.0 - strength * union.rating_gain, country)
            yield Contribution(RATINGS, platform, float(union.share_ratings), country)
            if self.signed[platform, country]:
                yield Contribution(WORKER_FLOOR, platform, guideline * union.bargained_share, country)

    def struck_until(self) -> NDArray[np.int64]:
        """Hour at which a strike ends, by platform and country; 0 where there was none."""
        return np.where(self.covered, self.strike_until[:, None], 0)


def refuse_unknown_guidelines(union: Union, world: World) -> None:
    """Refuse local guidelines where a covered country has no minimum wage.

    Raises
    ------
    UserError
        Naming the first such country.
    """
    if union.guideline != "local":
        return
    for code, wage in zip(world.codes, world.minimum_wage_usd.tolist(), strict=True):
        if union.holds_in(code) and not wage > 0:
            raise UserError(
                f"needs a minimum wage, and {code} has none in the country table.",
                path="policy.union.guideline",
                value=union.guideline,
                allowed="uniform, or countries that have a minimum wage",
                nearest="policy.union.guideline=uniform",
            )
