"""The users of a social platform in a country, as a Mesa agent: how many, and what each brings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import Lasting
from sim.agents.traits import AUDIENCE
from sim.columns import Column, Records
from sim.config import Config
from sim.config import Platform as PlatformConfig
from sim.money import MICRO
from sim.numeric import added_up, power
from sim.world import World

Floats = NDArray[np.float64]


def arpu_setting(region: str, group: str) -> str:
    """Setting that holds the revenue per user of a country, by its region and group."""
    if region == "North America" and group == "north":
        return "arpu_us_canada_usd"
    in_region = {
        "Europe": "arpu_europe_usd",
        "Asia": "arpu_asia_pacific_usd",
        "Oceania": "arpu_asia_pacific_usd",
    }
    return in_region.get(region, "arpu_elsewhere_usd")


def served(name: str, platform: PlatformConfig, world: World) -> list[int]:
    """Countries (indices) whose people may use a social platform."""
    listed = platform.user_countries or world.codes
    return [
        c for c, code in enumerate(world.codes) if code in listed and code not in platform.excluded_countries
    ]


def users_of(name: str, platform: PlatformConfig, world: World) -> Floats:
    """Persons of each country who use a social platform that charges nothing: never more than are online."""
    online = world.population * world.internet_share
    persons = np.minimum(world.social_media_users, online) * platform.user_share
    there = served(name, platform, world)
    return np.array([persons[c] if c in there else 0.0 for c in range(len(world))])


def arpu_of(platform: PlatformConfig, world: World, users: Floats) -> Floats:
    """Advertising revenue per user and year (USD) in each country.

    It goes with a power of GDP per head, and its mean over the users of a region is the region's.
    """
    settings = [arpu_setting(*place) for place in zip(world.region, world.group, strict=True)]
    wealth = [power(float(gdp), platform.arpu_gdp_exponent) for gdp in world.gdp_per_head_usd]
    found = np.zeros(len(world))
    for setting in sorted(set(settings)):
        inside = [c for c, name in enumerate(settings) if name == setting and users[c] > 0.0]
        total = added_up(float(users[c]) for c in inside)
        mean = added_up(float(users[c]) * wealth[c] for c in inside) / total if inside else 1.0
        for c in inside:
            found[c] = getattr(platform, setting) * platform.arpu_factor * wealth[c] / mean
    return found


def most_users(config: Config, world: World) -> int:
    """Persons who use the social platform that has most of them in all countries."""
    social = [(name, one) for name, one in config.platforms.items() if one.family == "social"]
    return max((int(added_up(users_of(name, one, world))) for name, one in social), default=0)


def advertising_a_year(name: str, platform: PlatformConfig, world: World) -> float:
    """Advertising revenue (USD a year) of a social platform that all its users use."""
    users = users_of(name, platform, world)
    return added_up(users * arpu_of(platform, world, users))


def make_audiences(config: Config, world: World) -> Records:
    """Return the records of the audiences: one for each social platform and country that it serves."""
    persons_an_agent = config.workers.real_count / config.workers.count
    found = []
    for number, (name, platform) in enumerate(config.platforms.items()):
        if platform.family != "social":
            continue
        users = users_of(name, platform, world)
        arpu = arpu_of(platform, world, users)
        for country in np.flatnonzero(users):
            row = np.zeros(1, AUDIENCE)
            row["platform"], row["country"], row["served"] = number, country, 1
            row["base_users"] = row["users"] = int(users[country] / persons_an_agent + 0.5)
            row["arpu"] = int(arpu[country] * MICRO / 12.0 + 0.5)
            row["reach"], row["activity"] = 1.0, platform.user_activity
            found.append(row)
    return np.concatenate(found) if found else np.zeros(0, AUDIENCE)


class Audience(Lasting):
    """The users of one social platform in one country. Money is in micro-dollars, users are agents."""

    balance = Column("audience_rows", read_only="Balances change only through Ledger.transfer.")
    base_users = Column("audience_rows")
    users = Column("audience_rows", read_only="Users follow base_users and reach as a month begins.")
    reach = Column("audience_rows")
    activity = Column("audience_rows")
    charge_microusd = Column("audience_rows")
    labels = Column("audience_rows")
    month_labels = Column("audience_rows")

    @property
    def platform(self) -> str:
        """Name of the platform."""
        return str(self.model.platform_names[self.model.audience_rows["platform"][self.row]])

    @property
    def country(self) -> str:
        """Code of the country."""
        return str(self.model.world.codes[self.model.audience_rows["country"][self.row]])
