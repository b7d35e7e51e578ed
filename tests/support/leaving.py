"""Markets where a platform stays in a country just below the tax at which it breaks even, and leaves above.

The tax is worked out from a run without one, event by event: until a first month is closed both are the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from sim.agents.traits import ACTIVE, column_of
from sim.config import Config
from sim.instruments import Cooperative, Policies, UsageTax
from sim.market import board as boards
from sim.model import ClickWorkModel
from sim.policy.leaving import CUSTOMERS, WORKERS
from tests.support import social
from tests.support.conditions import events
from tests.support.families import all_kinds
from tests.support.observers import Debug, Watcher
from tests.support.policies import FEBRUARY, MARCH, Counts, market

PART = 25 / 31
"""Share of January in the run."""


class Trade(Watcher):
    """Adds up rewards by the countries of requester and worker, and transactions, event by event."""

    def __init__(self) -> None:
        super().__init__()
        self.rewards: Counter[tuple[int, int, int]] = Counter()
        self.transactions: Counter[tuple[int, int]] = Counter()

    def hour(self, model: Any) -> None:
        """Look at the hour's work."""
        for event, batch, entry in events(model):
            if event["kind"] == boards.WORK:
                worker = model.worker_rows[int(entry["row"])]
                platform, home = int(column_of(worker, "platform")), int(worker["country"])
                pay = int(event["accepted"]) * int(batch["reward"])
                self.rewards[platform, int(batch["requester_country"]), home] += pay
                self.transactions[platform, home] += int(event["done"])


def taxed(config: Config, rate: float, platform: str, country: str, share: float = 0.0) -> Config:
    """Return the market with a tax on the users of one platform in one country."""
    tax = UsageTax(
        usd_per_user_month=rate, under_declaration=0.0, exit_months=1, platforms=[platform],
        countries=[country], to_requesters=share,
    )  # fmt: skip
    return replace(config, policy=Policies(tax))


def breaks_even(model: Any, trade: Trade, platform: int, country: int, share: float) -> tuple[float, int]:
    """Return the tax a user and month (USD) at which it pays to give somebody up, and who then stays."""
    row = model.platform_rows[platform]
    own, spent = float(row["balance"]), int(row["cost_ppm"]) / 1e6
    whole = sum(pay for (p, _, _), pay in trade.rewards.items() if p == platform)
    users = model.count_users()
    working = int(model.offices.working_users[platform, country])
    heads = {WORKERS: working, CUSTOMERS: int(users[platform, country]) - working}

    def brings(gone: tuple[int, ...]) -> float:
        found = 0.0
        for (p, buyer, seller), pay in trade.rewards.items():
            if p != platform or not (
                (WORKERS in gone and seller == country) or (CUSTOMERS in gone and buyer == country)
            ):
                continue
            of_worker = sum(n for (q, _, c), n in trade.rewards.items() if (q, c) == (p, seller))
            tasks = trade.transactions[p, seller] * pay / of_worker
            found += (own / whole - spent) * pay - tasks * int(row["transaction_cost"])
        return found

    found = {}
    local = model.config.platforms[model.platform_names[platform]].family == "on_demand"
    for gone in ((WORKERS, CUSTOMERS),) if local else ((WORKERS,), (CUSTOMERS,), (WORKERS, CUSTOMERS)):
        number = sum(heads[side] for side in gone)
        if number:
            stays = 3 - sum(gone)
            found[stays] = max(0.0, brings(gone)) / number / PART / (1.0 - share) / 1e6
    stays = min(found, key=lambda one: found[one])
    return found[stays], stays


def oracle(platform: str, country: str, share: float = 0.0, seed: int = 1) -> Counts:
    """A platform stays just below the rate at which it breaks even, and leaves just above it."""
    config, trade = all_kinds(days=32, workers=120, requesters=40, seed=seed), Trade()
    farm = replace(config.platforms["clicks"], requester_fee=1.0, cost_per_transaction_usd=0.0005)
    config = replace(config, platforms=config.platforms | {"clicks": farm})
    plain = ClickWorkModel(taxed(config, 0.0, platform, country))
    plain.observers.append(trade)
    plain.run(FEBRUARY)
    p, c = plain.platform_number(platform), plain.world.codes.index(country)
    rate, stays = breaks_even(plain, trade, p, c, share)
    assert rate > 0.0, "nothing to lose"
    counts = Counter(users=int(plain.count_users()[p, c]))
    below = ClickWorkModel(taxed(config, rate * (1.0 - 1e-4), platform, country, share))
    below.run(FEBRUARY + 1)
    workers, customers = there(below, p, c)
    assert below.platform_rows["worker_mask"][p] >> c & 1 and workers + customers, "left too early"
    above, debug = ClickWorkModel(taxed(config, rate * (1.0 + 1e-4), platform, country, share)), Debug()
    above.observers.append(debug)
    above.run(FEBRUARY)
    elsewhere = [there(above, p, other) for other in range(len(above.world.codes)) if other != c]
    anew = Trade()
    above.observers.append(anew)
    above.run(1)
    assert there(above, p, c)[0] == (workers if stays & WORKERS else 0), "workers"
    assert there(above, p, c)[1] == (customers if stays & CUSTOMERS else 0), "customers"
    others = [there(above, p, other) for other in range(len(above.world.codes)) if other != c]
    assert elsewhere == others, "gave up another country"
    counts["workers gone"] += workers - there(above, p, c)[0]
    counts["customers gone"] += customers - there(above, p, c)[1]
    above.run()
    found = sum(pay for (number, _, _), pay in anew.rewards.items() if number == p)
    assert above.offices.month_trade[p].sum() in (found, 0), "trade of another month"
    seen = int(above.count_users()[p, c])
    working = int(above.offices.working_users[p, c])
    assert stays & WORKERS or not working, "workers are counted"
    assert stays & CUSTOMERS or seen == working, "customers are counted"
    above.end()
    return counts + debug.counts


def there(model: Any, platform: int, country: int) -> tuple[int, int]:
    """Return how many workers of a country are on a platform, and how many requesters post there."""
    rows, requesters = model.worker_rows[: model.workers_count], model.requester_rows
    on = (column_of(rows, "platform") == platform) & (rows["bits"] & ACTIVE > 0)
    posts = (requesters["platform_mask"] >> platform & 1 > 0) & (requesters["retired"] == 0)
    here = rows["country"] == country, requesters["country"] == country
    home = requesters["platform_mask"] >> requesters["platform"] & 1 > 0
    assert (home | (requesters["retired"] > 0)).all(), "at home on a platform that is gone"
    return int((on & here[0]).sum()), int((posts & here[1]).sum())


def homes() -> Counts:
    """Requesters whose home leaves their country are at home on another platform that they use."""
    base = market(days=40, policy=Policies(NORTHERN))
    open_to_all = {name: replace(one, requester_share=0.0) for name, one in base.platforms.items()}
    requesters = replace(base.requesters, multihome_share=1.0)
    model = ClickWorkModel(replace(base, requesters=requesters, platforms=open_to_all))
    p = model.platform_number("northern")
    at_home = model.requester_rows["platform"] == p
    model.run(FEBRUARY + 1)
    assert sum(there(model, p, country)[1] for country in (0, 1)) == 0, "customers are served"
    rows = model.requester_rows[at_home]
    assert (rows["platform"] == 1 - p).all() and not rows["retired"].any(), "they have another platform"
    return Counter(moved=len(rows))


def social_oracle(share: float = 0.25) -> Counts:
    """The same of a social platform, which passes a share of the tax on to its users."""
    one = social.platform(drops_users=False, cost_per_user_month_usd=0.1)
    plain = ClickWorkModel(social.market(social.alone(usd_per_user_month=0.0), one=one))
    plain.run(FEBRUARY)
    south = plain.world.codes.index("STH")
    row = plain.audience_rows[np.flatnonzero(plain.audience_rows["country"] == south)[0]]
    users = int(row["users"])
    margin = (1.0 - one.cost_share * one.marginal_share) * int(row["month_advertising"]) - int(
        row["month_cost"]
    )
    rate = margin / users / PART / (1.0 - share) / 1e6
    counts = Counter(users=users)
    for factor, stays in ((1.0 - 1e-6, True), (1.0 + 1e-6, False)):
        policy = social.alone(
            usd_per_user_month=rate * factor, countries=["STH"], to_users=share, exit_months=1
        )
        model = ClickWorkModel(social.market(policy, one=one))
        model.run(FEBRUARY + 24)
        place = model.platform_number(social.NAME)
        assert (int(model.count_users()[place, south]) > 0) == stays, (factor, "stays" if stays else "leaves")
        assert model.count_users()[place, 1 - south] > 0, "gave up another country"
    return counts


# --- cooperatives -----------------------------------------------------------------------------------


NORTHERN = UsageTax(usd_per_user_month=8.0, under_declaration=0.0, exit_months=1, platforms=["northern"])

LEAVING = Policies(replace(NORTHERN, usd_per_user_month=6.0, platforms=None, to_requesters=0.3))
"""A tax near the point at which platforms of the market leave countries."""


def left_in(**terms: Any) -> int:
    """Return in how many countries a taxed platform is left in March: a firm, or with terms a cooperative."""
    union = Cooperative(platforms=["northern"], participation=1.0, **terms) if terms else None
    model = ClickWorkModel(market(days=60, policy=Policies(NORTHERN, cooperative=union)))
    model.observers.append(Debug())
    model.run(MARCH + 1)
    place = model.platform_number("northern")
    return sum(any(there(model, place, country)) for country in range(len(model.world.codes)))


def cooperatives() -> Counts:
    """At a tax at which a firm leaves everywhere a cooperative leaves where its members vote for it."""
    assert left_in() == 0, "a firm stays"
    assert left_in(solidarity=0.0, exclusion_majority=0.5) == 2, "what is passed on is no reason to leave"
    kept = {"passes_on": 0.0, "solidarity": 0.0}
    assert left_in(**kept | {"solidarity": 1.0}) == 2, "members who carry each other leave"
    assert left_in(**kept, exclusion_majority=1.0) == 2, "a country is given up against its own votes"
    assert left_in(**kept, exclusion_majority=0.5) == 1, "a small country is carried by nobody's will"
    return Counter(cases=5)
