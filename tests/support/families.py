"""Local jobs and click farms: a small market of both, and what must hold of it hour by hour."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from sim.config import Config, Platform
from sim.instruments import Policies, UsageTax
from sim.market import board as boards
from sim.model import ClickWorkModel
from tests.support.markets import ENGAGEMENT, LOCAL_JOB, OWNERS, run, tiny
from tests.support.observers import Watcher

SIGMAS = 5.0


def jobs(**changes: Any) -> Platform:
    """Return a platform of local jobs."""
    usual: dict[str, Any] = {
        "family": "on_demand", "task_types": ["local_job"], "pool_share": 0.4, "requester_share": 0.3,
        "posting_hours": "daily_life", "local_pay_ratio": 0.8, "worker_fee": 0.2, "requester_fee": 0.05,
        "payout_threshold_usd": 0.0,
    }  # fmt: skip
    return Platform(**usual | changes)


def clicks(**changes: Any) -> Platform:
    """Return a click farm at a price that is no whole number of micro-dollars for a task."""
    usual: dict[str, Any] = {
        "family": "click_farm", "task_types": ["engagement"], "pool_share": 0.3, "requester_share": 0.3,
        "posting_hours": "always", "usd_per_click": 0.00081003, "devices_per_worker": 3,
        "takedown_share": 0.2, "broker_cut": 0.55555, "tick_usd": 0.000001, "minimum_reward_usd": 0.000001,
        "payout_threshold_usd": 0.0,
    }  # fmt: skip
    return Platform(**usual | changes)


def all_kinds(
    days: int = 3, farm: dict[str, Any] | None = None, local: dict[str, Any] | None = None, **sizes: Any
) -> Config:
    """Return a small market with a platform of each kind of work."""
    base = tiny(days=days, **{"workers": 70, "requesters": 20, "table": "six_regions"} | sizes)
    owner = OWNERS["six_regions"]
    segments = {name: replace(one, desired_hours_median=40.0) for name, one in base.segments.items()}
    return replace(
        base,
        segments=segments,
        requesters=replace(base.requesters, size_log_sigma=0.5, demand_share=1.0),
        market=replace(base.market, demand_cap_days=1.0),
        task_types=base.task_types
        | {
            "engagement": replace(ENGAGEMENT, actions_per_task=5),
            "local_job": replace(LOCAL_JOB, median_seconds=400),
        },
        platforms=base.platforms
        | {
            "clicks": clicks(owner=owner, **farm or {}),
            "jobs": jobs(owner=owner, **local or {}),
        },
    )


class Kinds(Watcher):
    """Counts what is posted, reviewed and paid on each platform, and holds it against the configuration."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.types = list(config.task_types)
        self.names = list(config.platforms)
        self.rewards: list[int] = []
        self.by_hour = np.zeros(24)

    def hour(self, model: Any) -> None:
        """Look at what was posted and done in the hour."""
        for part, starts in enumerate(model.new_starts):
            first = model.new_firsts[part]
            for tile, board in enumerate(model.boards):
                at = first + int(starts[tile]) - int(starts[0])
                for batch in model.new_rows[at : at + int(starts[tile + 1] - starts[tile])]:
                    self.posted(model, board, batch)
        for board in model.boards:
            self.done(model, board)

    def posted(self, model: Any, board: Any, batch: Any) -> None:
        """A batch is of a type of its platform, in its country, at its price."""
        name = self.names[board.platform]
        platform, kind = self.config.platforms[name], self.types[batch["type"]]
        own = {"jobs": {"local_job"}, "clicks": {"engagement"}}
        others = set(self.types) - {"local_job", "engagement"}
        assert kind in own.get(name, others), f"{kind} on {name}"
        requester = model.requester_rows[batch["requester"]]
        if platform.family == "on_demand":
            tiles = int(model.platform_rows["boards"][board.platform])
            place = board.tile - int(model.tile_offset[board.platform])
            assert place // tiles == requester["country"], "a job on the board of another country"
            self.by_hour[model.local_hours[model.utc_hour][requester["zone"]]] += 1
            self.counts["jobs posted"] += 1
        if platform.usd_per_click is not None:
            self.rewards.append(int(batch["reward"]))
            self.counts["bundles posted"] += 1

    def done(self, model: Any, board: Any) -> None:
        """Work is done where it is, and what the broker takes is the platform's share."""
        name = self.names[board.platform]
        platform = self.config.platforms[name]
        share = self.config.workers.broker_cut if platform.broker_cut is None else platform.broker_cut
        fee, cut = (Fraction(str(part)) for part in (platform.worker_fee, share))
        taken = 0
        for event in board.events[: int(board.state[boards.EVENTS])]:
            batch = board.batches[event["slot"]]
            worker = model.worker_rows[board.active["row"][event["active"]]]
            if platform.family == "on_demand":
                assert worker["country"] == batch["requester_country"], "a job done from another country"
            if event["kind"] == boards.RETURN:
                continue
            accepted, reward = int(event["accepted"]), int(batch["reward"])
            self.counts[f"{name} done"] += int(event["done"])
            self.counts[f"{name} rejected"] += int(event["done"]) - accepted
            if worker["collective"] >= 0:
                net = accepted * reward - rounded_up(fee * accepted * reward)
                taken += rounded_up(cut * net)
                self.counts[f"{name} cut"] += rounded_up(cut * net)
        counted = int(board.tally[model.utc_hour, :, boards.CUT].sum())
        assert counted == taken, f"brokers of {name} took {counted} instead of {taken}"


def rounded_up(exact: Fraction) -> int:
    """Return the next whole number."""
    return -(-exact.numerator // exact.denominator)


def families(config: Config) -> Counter[str]:
    """Hold a market of all kinds against what its configuration says, within five standard deviations."""
    watch = Kinds(config)
    model = ClickWorkModel(config)
    model.observers.append(watch)
    model.run()
    farm = config.platforms["clicks"]
    near(watch.counts["clicks rejected"], watch.counts["clicks done"], farm.takedown_share, "taken down")
    if farm.usd_per_click is not None:
        exact = farm.usd_per_click * 1e6 * config.task_types["engagement"].actions_per_task
        exact *= farm.devices_per_worker
        assert set(watch.rewards) <= {int(exact), int(exact) + 1}, (
            f"rewards {set(watch.rewards)}: not {exact}"
        )
        dear = sum(reward > int(exact) for reward in watch.rewards)
        near(dear, len(watch.rewards), exact - int(exact), "rewards rounded up")
    if config.platforms["jobs"].posting_hours == "daily_life":
        weights = np.array(config.requesters.daily_life_hours)
        for hour, share in enumerate(weights / weights.sum()):
            near(int(watch.by_hour[hour]), int(watch.by_hour.sum()), share, f"jobs at {hour}:00")
    return watch.counts


def near(found: int, of: int, share: float, what: str) -> None:
    """A count must be near that of a binomial distribution; where the share is 0 or 1, exactly that."""
    wide = SIGMAS * (of * share * (1.0 - share)) ** 0.5
    assert abs(found - of * share) <= wide + 1e-6, f"{found} of {of} {what}, not {share:.3f}"


def customers() -> int:
    """On a platform of local jobs workers and people behind requesters are taxable users; return how many.

    All requesters there post within the days that are played.
    """
    policy = Policies(usage_tax=UsageTax(usd_per_user_month=0.01))
    users = {}
    for each in (1, 800):
        model = run(replace(all_kinds(days=5, local={"customers_per_requester": each}), policy=policy))
        offices = model.offices
        users[each] = offices.count_users(model.worker_rows, model.requester_rows).sum(axis=1)
        place = model.platform_names.index("jobs")
        agents = int((model.requester_rows["platform"] == place).sum())
        working = int(offices.working_users[place].sum())
        assert users[each][place] == working + each * agents, (
            f"{users[each][place]} users of {agents} x {each}"
        )
    others = np.arange(len(users[1])) != place
    assert (users[1][others] == users[800][others]).all()
    return int(users[800][place])
