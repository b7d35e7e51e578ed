"""Countries: what the model knows about each, and how sure it is.

A world is read from a country table, a CSV file with one row per country. Four tables come with the model; a
researcher's own file of the same format can stand in their place. Beside a table lies `marks.csv`, which says
where every cell comes from. Units, years and sources of the columns are told in docs/data.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.config import DEAREST_OUTSIDE_WAGE_USD
from sim.errors import one_of

REGIONS = ("North America", "Europe", "Asia", "Africa", "South America", "Oceania")
GROUPS = ("north", "south", "mixed")

MarkName = Literal["source", "derived", "estimated", "assumed", "memory"]
MARKS: tuple[MarkName, ...] = ("source", "derived", "estimated", "assumed", "memory")
"""How a cell is known: read in a source; computed from sources; estimated by a fitted rule; assumed for want
of any figure; or remembered from a source that was not at hand."""


class Mark(NamedTuple):
    """How a cell is known, and the id of its source or rule in docs/data.md."""

    mark: MarkName
    source: str


UNSTATED = Mark("assumed", "unstated")
"""The mark of a cell for which nobody said where it comes from."""


@dataclass(frozen=True)
class Column:
    """A numeric column of a country table; `low` and `high` are allowed themselves."""

    name: str
    unit: str
    meaning: str
    low: float
    high: float
    whole: bool = False

    @property
    def allowed(self) -> str:
        """What a cell may hold, for a message."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} to {self.high:g} ({self.unit})"


COLUMNS = (
    Column("population", "persons", "residents", 1, 1e10, whole=True),
    Column("internet_share", "share of residents", "residents who use the internet", 0, 1),
    Column(
        "gdp_per_head_usd", "USD a year", "gross domestic product per resident, at exchange rates", 10, 1e6
    ),
    Column("gdp_per_head_ppp", "2021 PPP USD a year", "the same at purchasing power parity", 10, 1e6),
    Column("price_level", "USA = 1", "prices of the country at exchange rates", 0.01, 10),
    Column("labour_force", "persons", "people in work or looking for it", 1, 1e10, whole=True),
    Column(
        "outside_wage_usd",
        "USD per hour",
        "pay of other work within click workers' reach",
        0.001,
        DEAREST_OUTSIDE_WAGE_USD,
    ),
    Column("minimum_wage_usd", "USD per hour", "legal minimum pay, 0 for none", 0, 1000),
    Column("gini", "0 to 1", "Gini coefficient of household income or consumption", 0, 0.95),
    Column("worker_share", "share of the world", "click workers who live here", 0, 1),
    Column("requester_share", "share of the world", "requesters who reside here", 0, 1),
    Column("corporate_tax", "share of profit", "statutory tax rate on profit", 0, 1),
    Column("employer_contributions", "share of gross pay", "employers' social contributions", 0, 2),
    Column("social_media_users", "person-accounts", "users of social media", 0, 1e10, whole=True),
    Column("women_share", "share of click workers", "women", 0, 1),
    Column("tertiary_share", "share of click workers", "workers with tertiary education", 0, 1),
)
NUMBER_COLUMNS = tuple(column.name for column in COLUMNS)
MARKED_COLUMNS = ("region", "group", "zones", *NUMBER_COLUMNS)
TABLE_COLUMNS = ("code", "name", *MARKED_COLUMNS, "note")


@dataclass(frozen=True, eq=False)
class World:
    """The countries of a run. It never changes; arrays are read-only.

    Arrays are [countries], in the order of `codes`; the three that begin with `zone` are [zones]. Sources are
    in docs/data.md; `mark` gives the one of a cell.

    Attributes
    ----------
    table
        Name of the built-in table, or path of the file.
    codes, names
        ISO 3166 alpha-3 codes (or three capitals of the table's own) and names. Unique.
    region, group
        One of `REGIONS` and one of `GROUPS` for each country: its continent; its income (World Bank) and
        development (UNCTAD).
    notes
        Remarks of the table on each country; may be empty.
    zones, zone_country, zone_weight
        IANA or fixed-offset names; the index of their country (int64, ascending); the share of the country's
        people who live by them (float64, sums to 1 in each country). From city populations.
    population
        Residents (int64), 2024-25. National estimates by way of the World Factbook.
    internet_share
        Share of residents who use the internet, about 2023. International Telecommunication Union.
    gdp_per_head_usd, gdp_per_head_ppp
        Gross domestic product per resident and year, 2024: current USD at exchange rates; 2021 USD at
        purchasing power parity.
    price_level
        Prices relative to the USA: the ratio of the two, rebased.
    labour_force
        People in work or looking for it (int64), 2024. International Labour Organization.
    outside_wage_usd
        USD per hour of other work within reach, 2024. Estimated from output per hour and the minimum wage.
    minimum_wage_usd
        Legal minimum, USD per hour, 2025; 0 for none.
    gini
        Gini coefficient of household income or consumption, 0 to 1, latest year.
    worker_share, requester_share
        Share of the world's click workers and requesters; each sums to 1. Online Labour Index.
    corporate_tax
        Statutory rate on profit, 2023. Tax Foundation.
    employer_contributions
        Employers' social contributions as a share of gross pay, 2024-25.
    social_media_users
        Person-accounts on social media (int64), 2024; may exceed persons.
    women_share, tertiary_share
        Among click workers: women; workers with tertiary education. Surveys of platforms, 2015-2023.
    marks
        (code, column) -> `Mark`, for every cell but codes, names and notes.
    """

    table: str
    codes: tuple[str, ...]
    names: tuple[str, ...]
    region: tuple[str, ...]
    group: tuple[str, ...]
    notes: tuple[str, ...]
    zones: tuple[str, ...]
    zone_country: NDArray[np.int64]
    zone_weight: NDArray[np.float64]
    population: NDArray[np.int64]
    internet_share: NDArray[np.float64]
    gdp_per_head_usd: NDArray[np.float64]
    gdp_per_head_ppp: NDArray[np.float64]
    price_level: NDArray[np.float64]
    labour_force: NDArray[np.int64]
    outside_wage_usd: NDArray[np.float64]
    minimum_wage_usd: NDArray[np.float64]
    gini: NDArray[np.float64]
    worker_share: NDArray[np.float64]
    requester_share: NDArray[np.float64]
    corporate_tax: NDArray[np.float64]
    employer_contributions: NDArray[np.float64]
    social_media_users: NDArray[np.int64]
    women_share: NDArray[np.float64]
    tertiary_share: NDArray[np.float64]
    marks: Mapping[tuple[str, str], Mark]

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of countries."""
        return len(self.codes)

    def __deepcopy__(self, memo: dict[int, Any]) -> World:
        """Return the world itself: it never changes, so copies of a model may share it."""
        return self

    def index(self, code: str) -> int:
        """Return the position of a country."""
        told = f"country {code} is not in the table {self.table}"
        return self.codes.index(one_of("", code, self.codes, told, typed="*"))

    def mark(self, code: str, column: str) -> Mark:
        """Return how a cell is known."""
        return self.marks[self.codes[self.index(code)], column]
