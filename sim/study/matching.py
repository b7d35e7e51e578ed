"""Taxes at equal revenue: the rates at which scenarios raise as much as another one.

Static revenue is what a tax would raise on the bases of the baseline's runs, if nobody changed what they do.
Realised revenue is what it raises in runs of its own. Only the rates are changed, all taxes of a scenario by
the same factor, and none beyond what a legislature could ask. A scenario that cannot raise as much keeps the
rate that raises most, and is reported.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from sim.config import Config
from sim.errors import UserError, nearest_or_first, one_of
from sim.model import ClickWorkModel
from sim.money import MICRO
from sim.policy.office import Offices
from sim.study import remarks
from sim.world import World

STATIC, REALISED = "static", "realised"
KINDS = (STATIC, REALISED)
TOLERANCE = 0.01
"""Largest difference of a matched revenue to the one it is matched to, over the latter."""

MOST_SEEDS = 3
"""Seeds on whose mean revenues are matched, the first of a comparison."""

RATES: Mapping[str, tuple[str, float]] = {
    "usage_tax": ("usd_per_user_month", 1000.0),
    "turnover_tax": ("rate", 0.5),
    "profit_tax": ("rate", 0.6),
}
"""The rate of each tax that is matched, and the highest looked at (*assumed*): of profit, above the highest
on companies in rich countries since the war, 56 % on retained profit in Germany until 1989. A rate of 1 would
raise much in a model whose owners cannot but stay, and nowhere else."""

SHARE_OF_TURNOVER = ("arpu_share", 0.5)
"""The rate of a tax on use that is a share of what a platform takes, and the highest: as on turnover."""

DIGITS = 12
STEPS = 12
GROWTH = 1.6
INFEASIBLE = "no rate raises as much"
JUMPS = "revenue jumps past it at any rate tried"
ERODED = "at the rate that raises as much, more than half of what it is on is gone"
LEAST_LEFT = 0.5
"""Least realised over static revenue of a match (a convention). Below it platforms have left: a few months
at a rate that they do not stay for raise as much as years at another, and tell nothing about the tax."""

Revenue = Callable[[Config], float]


class Match(NamedTuple):
    """What is asked: static or realised revenue, of which scenario (None: the first with a tax)."""

    kind: str
    to: str | None = None


@dataclass(frozen=True)
class Matched:
    """A scenario's budget: its rates, and what they raise in USD, mean over the seeds of the matching.

    A rate of None follows each country's statutes.
    """

    rates: dict[str, float | None]
    static_usd: float
    realised_usd: float | None = None
    feasible: bool = True
    reason: str = ""

    def plain(self) -> dict[str, Any]:
        """Return what the manifest holds."""
        return asdict(self)


# ---------------------------------------------------------------- what is asked


def check_match(match: Match, configs: Mapping[str, Config]) -> str:
    """Return the scenario to match; refuse what cannot be matched."""
    one_of("match", match.kind, KINDS, "is no way of matching budgets.")
    for name, config in configs.items():
        for income in remarks.unfunded(config):
            raise UserError(
                f"is an unfunded experiment in scenario {name}: no tax pays for it, so it has no place among"
                " taxes of one budget.",
                path=f"policy.{income}.funding", value="external",
                allowed="revenue, or a comparison without match=", nearest=f"policy.{income}.funding=revenue",
            )  # fmt: skip
    taxed = [name for name, config in configs.items() if taxes_of(config)]
    if match.to is not None and match.to not in taxed:
        raise UserError(
            "names no scenario with a tax.", path="match_to", value=match.to,
            allowed=", ".join(taxed) or "a scenario with a tax, of which there is none here",
            nearest=f"match_to={nearest_or_first(match.to, taxed)}" if taxed else "",
        )  # fmt: skip
    baseline = next(iter(configs))
    target = match.to or (taxed[0] if taxed else "")
    if not [name for name in taxed if name not in (target, baseline)]:
        raise UserError(
            "needs two scenarios with a tax, one of which is not the baseline.", path="match",
            value=match.kind,
            allowed="scenarios such as none usage_tax+universal_income profit_tax+universal_income",
        )  # fmt: skip
    for name in taxed:
        if name not in (target, baseline):
            _check_scalable(name, configs[name])
    return target


def taxes_of(config: Config) -> list[str]:
    """Names of the taxes of a configuration whose rates can be matched."""
    return [name for name in RATES if getattr(config.policy, name, None) is not None]


def _check_scalable(name: str, config: Config) -> None:
    """Refuse several taxes of which one has no rate of its own: one factor must change them all."""
    rates = rates_of(config)
    for tax in taxes_of(config) if len(rates) > 1 else ():
        path = _path(config, tax)
        if not rates[path]:
            raise UserError(
                f"has no number that could be scaled together with the other taxes of scenario {name}.",
                path=path, value=rates[path],
                allowed="a rate above 0 where a scenario has several taxes and budgets are matched",
                nearest=f"{path}=0.25" if tax == "profit_tax" else f"{path}=...",
            )  # fmt: skip


def rate_of(config: Config, tax: str) -> tuple[str, float]:
    """Return the name of the rate of a tax under its schedule, and the highest looked at."""
    by_share = getattr(getattr(config.policy, tax), "schedule", "") == "arpu_share"
    return SHARE_OF_TURNOVER if by_share else RATES[tax]


def _path(config: Config, tax: str) -> str:
    return f"policy.{tax}.{rate_of(config, tax)[0]}"


def rates_of(config: Config) -> dict[str, float | None]:
    """Return the rate of each tax by its path; None for one that follows each country's statutes."""
    return {
        _path(config, tax): getattr(getattr(config.policy, tax), rate_of(config, tax)[0])
        for tax in taxes_of(config)
    }


def scaled(config: Config, factor: float) -> Config:
    """Return a configuration with all its taxes' rates times ``factor``; a rate of none or 0 becomes it."""
    policy = config.policy
    for tax in taxes_of(config):
        name, highest = rate_of(config, tax)
        rate = getattr(getattr(policy, tax), name) or 1.0
        new = min(highest, float(f"{rate * factor:.{DIGITS}g}"))
        policy = replace(policy, **{tax: replace(getattr(policy, tax), **{name: new})})
    return replace(config, policy=policy)


def highest_factor(config: Config) -> float:
    """Return the factor at which the first of a configuration's taxes reaches its highest rate."""
    rates = rates_of(config)
    return min(rate_of(config, tax)[1] / (rates[_path(config, tax)] or 1.0) for tax in taxes_of(config))


# ---------------------------------------------------------------- bases


class Books(NamedTuple):
    """What taxes of a month could be taken from: the offices' counts and the platforms' books.

    ``books`` are revenue and cost of each platform, what it owes as an employer among the latter. ``sign`` is
    -1 for what lies before the window in its first month, and 0 for whole months before it, whose losses may
    be carried forward.
    """

    sign: int
    hour: int
    counts: dict[str, Any]
    users: NDArray[np.int64]
    working_users: NDArray[np.int64]
    books: list[tuple[int, int]]


@dataclass
class BaseWatcher:
    """Copies the bases of taxes as each month ends, as the window begins, and as it ends."""

    months: list[Books] = field(default_factory=list)

    def hour(self, model: ClickWorkModel) -> None:
        """Do nothing."""

    def day(self, model: Any) -> None:
        """Copy what the month's taxes will be based on: the month is closed in the next hour."""
        if model.hour == model.first_recorded_hour:
            self._copy(model, -1)
        if model.clock.is_month_start(model.hour) or model.hour == model.last_hour:
            self._copy(model, int(model.hour > model.first_recorded_hour))

    def month(self, model: Any, period: str, flows: NDArray[np.int64]) -> None:
        """Do nothing."""

    def _copy(self, model: Any, sign: int) -> None:
        offices = model.offices
        users = model.count_users()
        employed = offices.employment_charges(model.worker_rows[: model.workers_count], model.hour)
        books = []
        for platform, dues in enumerate(employed):
            revenue, cost = model.books_of(platform)
            books.append((revenue, cost + sum(charge.amount for charge in dues)))
        if sign < 0 and model.clock.is_month_start(model.hour):
            return  # the month that ends here is closed before the window's first hour
        counts = copy.deepcopy(offices.state())
        self.months.append(Books(sign, model.hour, counts, users, offices.working_users.copy(), books))


def bases_of(config: Config, rules: Any = None, advance: Callable[[], None] = lambda: None) -> list[Books]:
    """Play a run and return its bases of taxes; that they are counted changes nothing."""
    model, watcher = ClickWorkModel(config, plugins=rules), BaseWatcher()
    model.observers.append(watcher)
    while model.hour < model.last_hour:
        model.run(min(24, model.last_hour - model.hour))
        advance()
    return watcher.months


def static_revenue(config: Config, world: World, clock: Any, months: Iterable[Books]) -> float:
    """Return the USD that the taxes of a configuration raise on given bases."""
    offices = Offices(config, world, clock)
    losses = offices.losses.copy()
    total = 0
    for month in months:
        # What the baseline has no part of, such as a cooperative, is as new.
        offices.restore(offices.state() | month.counts)
        offices.working_users = month.working_users
        offices.losses = losses
        for platform, (revenue, cost) in enumerate(month.books):
            charges = offices.charges(platform, month.users, month.hour)
            due = sum(charge.amount for charge in charges)
            profit = revenue - cost - due
            if profit > 0:
                of_profit = offices.profit_charges(platform, profit, month.users, month.hour)
                due += sum(charge.amount for charge in of_profit)
            total += month.sign * due
            if month.sign >= 0:
                offices.note_loss(platform, profit, month.hour)
    return total / MICRO


# ---------------------------------------------------------------- solving


def as_set(config: Config, static: Revenue, target: float) -> Matched | None:
    """Return the budget of a scenario whose taxes raise the same as they are: no digit of them is changed."""
    return Matched(rates_of(config), target) if static(config) == target else None


def solve_static(config: Config, revenue: Revenue, target: float) -> tuple[float, Matched]:
    """Return the factor at which ``target`` is raised by ``revenue``, a quick function without behaviour."""
    highest = highest_factor(config)
    # A tax on profits can raise less at a higher rate: the lowest rate that raises enough is looked for.
    grid = [
        0.0,
        *(highest * 2.0**-step for step in range(24, 3, -1)),
        *highest * np.linspace(0.125, 1, 29)[1:],
    ]
    found = [revenue(scaled(config, factor)) - target for factor in grid]
    place = next((i for i, gap in enumerate(found) if gap >= 0), None)
    if place is None:
        # The peak may lie between two rates of the grid.
        place = int(np.argmax(found))
        factor, gap = peak(lambda x: revenue(scaled(config, x)) - target, grid, place)
        if gap < 0:
            best = scaled(config, factor)
            reason = too_little(config, gap + target, target)
            return factor, Matched(rates_of(best), gap + target, None, False, reason)
        below = max(point for point in grid if point < factor)
    else:
        factor, gap, below = grid[place], found[place], grid[max(0, place - 1)]
    if gap > 0 and factor > 0:
        factor = float(brentq(lambda x: revenue(scaled(config, x)) - target, below, factor, rtol=1e-12))
    solved = scaled(config, factor)
    static = revenue(solved)
    reason = JUMPS if abs(static - target) > TOLERANCE * target else ""
    return factor, Matched(rates_of(solved), static, None, not reason, reason)


def solve_realised(config: Config, static: Revenue, revenue: Revenue, target: float, start: float) -> Matched:
    """Return the budget whose runs raise ``target`` within the tolerance, from a factor to begin with."""
    tried: dict[float, float] = {0.0: -target}
    highest = highest_factor(config)

    def gap(factor: float) -> float:
        """Return what is raised less the target; 0 within the tolerance, so that the search ends there."""
        if factor not in tried:
            tried[factor] = revenue(scaled(config, factor)) - target
        return 0.0 if abs(tried[factor]) <= TOLERANCE * target else tried[factor]

    low, high, falls = 0.0, min(start, highest), 0
    while gap(high) < 0:
        best = max(raised for factor, raised in tried.items() if factor != high)
        falls = falls + 1 if low > 0 and tried[high] <= best else 0
        if high >= highest or falls == 2 or len(tried) > STEPS:
            break
        low, high = high, min(highest, GROWTH * high)
    if gap(high) < 0 and tried[min(start, highest)] == max(tried.values()):
        # It may have begun beyond the rate that raises most.
        low, high = 0.0, min(start, highest) / GROWTH
        while gap(high) < 0 and tried[high] >= max(tried.values()) and len(tried) <= STEPS:
            high /= GROWTH
    if gap(high) > 0:
        brentq(gap, low, high, xtol=1e-9 * high, rtol=1e-5, maxiter=STEPS, disp=False)
    raised = [factor for factor in tried if factor]
    nearest = min(raised, key=lambda one: abs(tried[one]))
    reason = "" if gap(nearest) == 0.0 else JUMPS
    if reason and max(tried.values()) < 0:
        nearest = max(raised, key=lambda one: tried[one])
        reason = too_little(config, tried[nearest] + target, target)
    solved, realised = scaled(config, nearest), tried[nearest] + target
    on_bases = static(solved)
    if not reason and realised < LEAST_LEFT * on_bases:
        reason = ERODED
    return Matched(rates_of(solved), on_bases, realised, not reason, reason)


def peak(gap: Callable[[float], float], grid: Sequence[float], place: int) -> tuple[float, float]:
    """Return the highest point of a function around a place of a grid, and what it is there."""
    bounds = grid[max(0, place - 1)], grid[min(len(grid) - 1, place + 1)]
    found = minimize_scalar(lambda x: -gap(x), bounds=bounds, method="bounded", options={"xatol": 1e-9})
    best = max((grid[place], float(found.x)), key=gap)
    return best, gap(best)


def too_little(config: Config, most: float, target: float) -> str:
    """Say that what is asked cannot be raised: up to which rates was tried, and how much came in at most."""
    limits = rates_of(scaled(config, highest_factor(config)))
    tried = ", ".join(f"{path.removeprefix('policy.')}={rate:g}" for path, rate in limits.items())
    found = f"the largest revenue is {most:,.6g} USD, and {target:,.6g} USD is asked"
    return f"{INFEASIBLE} (up to {tried}): {found}"


def mean(numbers: Sequence[float]) -> float:
    """Return the mean."""
    return sum(numbers) / len(numbers)
