"""C11, C12: what taxes on use, turnover and profit raise at each rate, and where their revenues peak."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import ndtr

from experiments.drawing import curves_figure
from experiments.outcomes import Floats, Outcomes
from experiments.telling import main, means
from experiments.verdict import BELOW, Finding, finding
from sim.agents.audience import arpu_of, users_of
from sim.config import Config
from sim.figures import style
from sim.study.analysis import mean_and_interval, top_of
from sim.world import load_world

SHARES = (0.01, 0.1, 1.0)
CLIFF = 1.05
"""Height of a parabola over the highest point seen, above which the curve is none (a convention)."""

TO_POVERTY = "transfer_over_poverty_line"
OWNERS_STAY = (
    "Owners here cannot sell or stop investing, so of taxes of more than about 0.5 of turnover or 0.6 of"
    " profit the model says little: that revenue rises there is no finding. Of a profit tax it rises again"
    " only because no more than an assumed share of profit can be shifted (most_shifted)."
)


class Tax(NamedTuple):
    """A tax: the path of its rate, its unit, the outcome that is its revenue."""

    path: str
    unit: str
    revenue: str


TAXES = {
    "usage tax": Tax("policy.usage_tax.usd_per_user_month", "USD a user and month", "usage_tax_revenue"),
    "turnover tax": Tax("policy.turnover_tax.rate", "share of turnover", "turnover_tax_revenue"),
    "profit tax": Tax("policy.profit_tax.rate", "share of profit", "profit_tax_revenue"),
}


class Peak(NamedTuple):
    """Where a revenue is largest, with the interval over seeds."""

    at: float
    low: float
    high: float
    height: float


def curve(found: Outcomes, name: str, metric: str) -> tuple[list[float], Floats]:
    """Return rates and an outcome at each: seeds x rates."""
    scenarios, rates = found.along(name, TAXES[name].path)
    return rates, np.array([found.of(scenario, metric) for scenario in scenarios]).T


def peak_of(rates: list[float], revenue: Floats) -> Peak:
    """Return the peak of mean revenue; the interval is Student's t over the peaks of single seeds.

    Of few seeds, drawing them again would give intervals that are too narrow.
    """
    at, height = top(rates, revenue.mean(axis=0))
    _, low, high = mean_and_interval(np.array([top(rates, one)[0] for one in revenue]))
    half = (high - low) / 2
    return Peak(at, max(rates[0], at - half), min(rates[-1], at + half), height)


def top(rates: list[float], revenue: Floats) -> tuple[float, float]:
    """Return the top of a curve: of a parabola through the highest point and its neighbours.

    Where platforms leave, a curve ends in a cliff, and the parabola would rise far above all that was seen.
    Then it is the highest point itself.
    """
    best = int(np.argmax(revenue))
    at, height = top_of(np.array(rates, np.float64), revenue)
    return (at, height) if height <= CLIFF * revenue[best] else (float(rates[best]), float(revenue[best]))


def mechanical(name: str, config: Config) -> tuple[Floats, Floats]:
    """Return a fine grid of rates and `revenue_alone` at each."""
    rates = np.geomspace(0.05, 200.0, 400) if name == "usage tax" else np.linspace(0.0, 1.0, 401)
    return rates, revenue_alone(name, config, rates)


def revenue_alone(name: str, config: Config, rates: Floats) -> Floats:
    """Return relative revenue at rates by the assumed elasticities alone, without a market.

    A platform drops the users who bring less than the tax (lognormal values); its turnover does not change;
    of profit the share `shifting x (rate - haven_rate)` escapes, up to `most_shifted`.
    """
    if name == "usage tax":
        return rates * users_left(config, rates)
    if name == "turnover tax":
        return rates
    tax = config.policy.profit_tax
    assert tax is not None  # the grid has it
    shifted = np.minimum(tax.most_shifted, tax.shifting * np.maximum(0.0, rates - tax.haven_rate))
    return np.asarray(rates * (1.0 - shifted))


def read_off(name: str, config: Config, rates: list[float]) -> float:
    """Return the mechanical peak as it would be read off the rates that were tried, as the other one is.

    Few rates far apart move the top of a parabola by more than luck between seeds does.
    """
    return top(rates, revenue_alone(name, config, np.array(rates, np.float64)))[0]


def users_left(config: Config, rates: Floats) -> Floats:
    """Return the persons whom social platforms go on serving at each tax on a user and month (USD)."""
    world = load_world(config.world.table)
    left = np.zeros(len(rates))
    for one in config.platforms.values():
        if one is None or one.family != "social":
            continue
        users = users_of("social", one, world)
        monthly = arpu_of(one, world, users) / 12.0
        costs = one.cost_per_user_month_usd + one.cost_share * one.marginal_share * monthly
        spread = one.user_value_log_sigma
        for count, mean, cost in zip(users, monthly, costs, strict=True):
            if count and mean > 0 and spread > 0:
                worth = np.log((rates + cost) / mean) + spread * spread / 2
                left += count * ndtr(-worth / spread)
    return left


def judge(found: Outcomes) -> list[Finding]:
    """Return whether revenue falls beyond a rate, where, and how far it goes to end poverty."""
    findings = []
    for name, tax in TAXES.items():
        rates, revenue = curve(found, name, tax.revenue)
        best = int(np.argmax(revenue[:, :-1].mean(axis=0)))
        change = 100.0 * (revenue[:, -1] / revenue[:, best] - 1.0)
        where = f"{name}, highest rate {rates[-1]:g} against {rates[best]:g}"
        findings.append(
            finding("C11", "the highest rate brings less than a lower one", where, change, BELOW, 0.0, "%")
        )
        bound = read_off(name, found.configs[found.grid(name)[0]], rates)
        if bound >= rates[-1]:
            continue  # no peak could lie above it: the answer would be known beforehand
        peak = peak_of(rates, revenue)
        known = (peak.at, peak.low, peak.high) if len(revenue) > 1 else (peak.at, np.nan, np.nan)
        findings.append(
            Finding("C11", "the behavioural peak lies below the mechanical one, both read off the same rates",
                    name, tax.unit, *known, BELOW, bound, len(revenue))
        )  # fmt: skip
    for share in SHARES:
        for name in TAXES:
            rates, income = curve(found, name, TO_POVERTY)
            best = int(np.argmax(np.nan_to_num(income.mean(axis=0))))
            what = f"some rate brings {100 * share:g} % of the poverty line to everybody"
            findings.append(
                finding("C12", what, f"{name}, most at {rates[best]:g}", income[:, best], bound=share)
            )
    return findings


def notes(found: Outcomes) -> list[str]:
    """Say where the peaks lie, and which rate each share of the poverty line needs."""
    told = []
    for name, tax in TAXES.items():
        rates, revenue = curve(found, name, tax.revenue)
        peak = peak_of(rates, revenue)
        at, relative = mechanical(name, found.configs[found.grid(name)[0]])
        inside = at <= rates[-1]
        alone = at[inside][np.argmax(relative[inside])]
        end = ", the highest rate tried" if peak.at == rates[-1] else ""
        beside = [f"{rate:g}" for rate in rates if rate < peak.at][-1:]
        beside += [f"{rate:g}" for rate in rates if rate > peak.at][:1]
        told.append(
            f"{name}: revenue peaks at {peak.at:.3g} [{peak.low:.3g}, {peak.high:.3g}] {tax.unit}{end}; the"
            f" interval is over seeds, the rates tried next to it are {' and '.join(beside)}. By assumed"
            f" elasticities alone it peaks at {alone:.3g}; read off the same rates, at"
            f" {read_off(name, found.configs[found.grid(name)[0]], rates):.3g}."
        )
        told += falls_before(name, rates, revenue.mean(axis=0), tax.unit)
        told.append(f"{name}: {needed(*curve(found, name, TO_POVERTY), tax.unit)}")
    told.append(OWNERS_STAY)
    return told


def falls_before(name: str, rates: list[float], revenue: Floats, unit: str) -> list[str]:
    """Say where mean revenue falls with the rate and rises again further on: one peak does not tell of it."""
    falls = [
        f"from {revenue[i]:,.0f} to {revenue[i + 1]:,.0f} USD between {rates[i]:g} and {rates[i + 1]:g}"
        for i in range(len(rates) - 1)
        if revenue[i + 1] < revenue[i] and revenue[i + 1 :].max() > revenue[i + 1]
    ]
    if not falls:
        return []
    return [f"{name}: before it rises again, revenue falls {'; '.join(falls)} (rates in {unit})."]


def needed(rates: list[float], income: Floats, unit: str) -> str:
    """Say which rate brings each share of the poverty line to everybody, by straight lines between rates."""
    mean = np.nan_to_num(income.mean(axis=0))
    parts = []
    for share in SHARES:
        place = int(np.argmax(mean >= share))
        if mean[place] < share:
            parts.append(
                f"no rate tried brings {100 * share:g} % of the poverty line (most: {100 * mean.max():.3g} %)"
            )
            continue
        before, low = (0.0, 0.0) if place == 0 else (mean[place - 1], rates[place - 1])
        rate = low + (rates[place] - low) * (share - before) / (mean[place] - before)
        parts.append(f"{100 * share:g} % of the poverty line needs {rate:.3g} {unit}")
    return "; ".join(parts) + "."


def table(found: Outcomes) -> pd.DataFrame:
    """Return revenue, income, users and the market's size at each rate."""
    names = ("tax_revenue", "world_tax_revenue_per_year", "transfer_per_head_month", TO_POVERTY,
             "social_users_lost_share", "tasks_done", "pay_all_in_pooled", "worker_poverty_after_transfers",
             "shifted_profit_share")  # fmt: skip
    columns: dict[str, Callable[[str], Floats]] = {
        name: lambda scenario, name=name: found.of(scenario, name) for name in names
    }
    return found.table([scenario for name in TAXES for scenario in found.grid(name)], columns)


def draw(found: Outcomes, findings: list[Finding], caption: str) -> dict[str, Figure]:
    """Draw revenue over the rate of each tax, with both peaks."""
    figures = {}
    for name, tax in TAXES.items():
        rates, revenue = curve(found, name, tax.revenue)
        peak = peak_of(rates, revenue)
        at, relative = mechanical(name, found.configs[found.grid(name)[0]])
        inside = (at <= rates[-1]) & (at >= rates[0])
        fits = means(revenue[:, 0]) / max(1e-12, float(np.interp(rates[0], at, relative)))
        lines = {
            "behaviour in the market": (rates, list(revenue.T)),
            "assumed elasticities alone": (at[inside], [np.full(2, fits * one) for one in relative[inside]]),
        }
        alone = float(at[inside][np.argmax(relative[inside])])
        marks = [(peak.at, f"peak {peak.at:.3g}", style.INK), (alone, f"mechanical {alone:.3g}", style.GREY)]
        axis = {"x": f"Rate ({tax.unit})", "y": "Revenue in the window (USD, model's scale)"}
        figures[f"laffer_{name.replace(' ', '_')}"] = curves_figure(
            {name: lines}, axis, caption, {name: marks}, logarithmic=name == "usage tax"
        )
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
