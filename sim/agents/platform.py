"""Platforms: who may work and post there, what it takes, how it shows work, when it pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import Lasting
from sim.agents.families import family_of
from sim.agents.population import admitted, boards_of
from sim.agents.traits import PLATFORM
from sim.columns import Column, Records
from sim.config import Config
from sim.config import Platform as PlatformConfig
from sim.errors import UserError, nearest_or_first
from sim.money import parse_usd
from sim.numeric import added_up
from sim.world import BUILT_IN_TABLES, World, load_world

NAMING_COUNTRIES = (
    "owner",
    "worker_countries",
    "excluded_countries",
    "requester_countries",
    "user_countries",
)


def refuse_unknown_countries(config: Config, world: World) -> None:
    """Refuse platforms that name countries which the world does not have; say which need which.

    Raises
    ------
    UserError
        About the first such setting. It names a built-in world that has all the countries, if one has.
    """
    missing = {
        name: [(setting, code) for setting, code in _named_countries(platform) if code not in world.codes]
        for name, platform in config.platforms.items()
    }
    missing = {name: found for name, found in missing.items() if found}
    if not missing:
        return
    name, found = next(iter(missing.items()))
    setting, code = found[0]
    needs = "; ".join(
        f"{platform} needs {', '.join(sorted({code for _, code in needed}))}"
        for platform, needed in missing.items()
    )
    unknown = {code for found in missing.values() for _, code in found}
    worlds = [table for table in BUILT_IN_TABLES if unknown <= set(load_world(table).codes)]
    raise UserError(
        f"is a country that world.table={config.world.table} does not have.",
        path=f"platforms.{name}.{setting}",
        value=code,
        allowed=f"{', '.join(world.codes)} ({needs}); or ~platforms.{name}, which takes it away",
        nearest=f"world={worlds[0]}" if worlds else nearest_or_first(code, world.codes),
    )


def _named_countries(platform: PlatformConfig) -> Iterator[tuple[str, str]]:
    """Yield (setting, country) for each country that a platform names."""
    for setting in NAMING_COUNTRIES:
        named = getattr(platform, setting)
        yield from ((setting, code) for code in ([named] if isinstance(named, str) else named))


RANKINGS = ("newest", "largest", "best_paid", "random")


def ranked_by(platform: PlatformConfig, shares: Sequence[float]) -> PlatformConfig:
    """Return the platform with shares of its order given to the rules of ``RANKINGS``; at most all of it."""
    usual = [float(getattr(platform, f"ranking_{name}")) for name in RANKINGS]
    total, most = added_up(usual), max(1.0, added_up(shares))
    own = 1.0 - added_up(shares) / most
    weights: dict[str, Any] = {
        f"ranking_{name}": own * weight / total + share / most
        for name, weight, share in zip(RANKINGS, usual, shares, strict=True)
    }
    return replace(platform, **weights)


def ranking(platform: PlatformConfig, tool_depth: float) -> NDArray[np.float64]:
    """Where newest, largest, best paid and chance begin in [0, 1), the inverse widths, the mean depth.

    Once as the platform shows listings, and once as tools do: the best paid only, to a depth of their own.
    """
    weights = (
        platform.ranking_newest,
        platform.ranking_largest,
        platform.ranking_best_paid,
        platform.ranking_random,
    )
    total = added_up(weights)
    begins = [min(1.0, added_up(weights[:place]) / total) for place in range(4)]
    widths = [end - begin for begin, end in pairwise([*begins, 1.0])]
    shown = [*begins, *(1.0 / width if width > 0.0 else 1.0 for width in widths), platform.ranking_depth]
    by_tools = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, tool_depth]
    return np.array([*shown, *by_tools])


def parts_per_million(share: float) -> int:
    """A share in millionths."""
    return int(np.floor(share * 1e6 + 0.5))


def make_platforms(config: Config, world: World, worker_origins: Records) -> Records:
    """Return the records of the platforms, in the order of the configuration.

    ``worker_origins`` says how many workers each may expect, and so how many tiles its board needs.
    """
    rows = np.zeros(len(config.platforms), PLATFORM)
    rows["boards"] = boards_of(config, worker_origins)
    workers = admitted(config, world, "worker")
    for i, (name, platform) in enumerate(config.platforms.items()):
        row = rows[i]
        row["worker_mask"] = 0 if platform.closed else sum(1 << c for c in workers[name])
        row["royalty_types"] = sum(
            1 << number for number, task in enumerate(config.task_types.values()) if task.function != "none"
        )
        row["large_batch_from"] = platform.large_batch_from
        row["worker_fee_ppm"] = parts_per_million(platform.worker_fee)
        row["tick"] = parse_usd(platform.tick_usd)
        row["minimum_reward"] = max(parse_usd(platform.minimum_reward_usd), int(row["tick"]))
        row["payout_days"] = platform.payout_days
        row["payout_threshold"] = parse_usd(platform.payout_threshold_usd)
        row["transaction_cost"] = parse_usd(platform.cost_per_transaction_usd)
        is_social = platform.family == "social"
        row["cost_ppm"] = parts_per_million(platform.cost_share if is_social else platform.cost_on_rewards)
        row["owner"] = world.codes.index(platform.owner)
        row["local"] = family_of(config, name).local
        row["daily_life"] = platform.posting_hours == "daily_life"
        row["tools"] = platform.family == "microwork"
        row["devices"] = platform.devices_per_worker
        row["click_price"] = 1e6 * (platform.usd_per_click or 0.0)
        row["takedown"] = platform.takedown_share
        cut = config.workers.broker_cut if platform.broker_cut is None else platform.broker_cut
        row["broker_cut_ppm"] = parts_per_million(cut)
    return rows


class Platform(Lasting):
    """A platform as a Mesa agent. Money is in micro-dollars, fees in millionths of the reward."""

    balance = Column("platform_rows", read_only="Balances change only through Ledger.transfer.")
    requester_fee_ppm = Column("platform_rows")
    large_batch_fee_ppm = Column("platform_rows")
    worker_fee_ppm = Column("platform_rows")
    minimum_reward = Column("platform_rows")
    reward_floor = Column("platform_rows")
    payout_days = Column("platform_rows")
    payout_threshold = Column("platform_rows")
    revenue = Column("platform_rows")
    cost = Column("platform_rows")
    profit = Column("platform_rows")
    transactions = Column("platform_rows")

    @property
    def name(self) -> str:
        """The platform's name."""
        return str(self.model.platform_names[self.row])

    @property
    def owner(self) -> str:
        """Code of the country where the owners live."""
        return str(self.model.world.codes[self.model.platform_rows["owner"][self.row]])
