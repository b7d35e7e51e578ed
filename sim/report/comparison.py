"""The page about a comparison."""

from __future__ import annotations

import math
from typing import Any

from sim.composition import from_yaml
from sim.config import Config
from sim.errors import UserError
from sim.outcomes.indicators import BESIDE_PAY
from sim.report import common
from sim.report.common import Tell, silent
from sim.report.content import (
    NO_VALUE,
    PER_CENT,
    Code,
    Number,
    Page,
    Part,
    Points,
    Table,
    Words,
    difference_of,
    number,
    say,
    span,
    unit_told,
)
from sim.report.settings import changed, command, compare_words
from sim.study import told
from sim.study.compare import ALL_LINES, CONFIGS, Comparison
from sim.study.incidence import CASH, SURPLUS
from sim.study.measure import WORLD
from sim.study.spread import window_told

IN_WORDS = (
    ("pay_all_in_median", "hourly pay for all working time (median over workers)"),
    ("income_with_transfers_per_worker_month", f"what a worker has a month, with {BESIDE_PAY}"),
    ("unpaid_share", "the unpaid share of working time"),
    ("tasks_done", "the number of tasks done"),
    ("platform_rent", "platforms' profit after taxes"),
    ("tax_revenue", "tax revenue"),
)

OTHER_VERSION = (
    "The configurations are of another version and cannot be held against today's settings ({}); they are in"
    " the folder configs of the comparison."
)


def page_of_comparison(comparison: Comparison, tell: Tell = silent) -> Page:
    """Return the page about a comparison."""
    manifest = comparison.manifest
    seeds = manifest["seeds"]
    page = Page(
        title=f"{', '.join(comparison.scenarios)} against {comparison.baseline}",
        subtitle=f"Comparison {comparison.path.resolve().name}; clickmarket {manifest['version']};"
        f" {manifest['workers']:,} workers, {window_told(manifest)}, seeds {seeds[0]} to {seeds[-1]}",
    )
    caution = manifest.get("samples", {}).get("caution", "")
    page.cautions = ([(caution,)] if caution else []) + common.not_at_rest(manifest["warmup_days"])
    if manifest.get("matching"):
        text, tables = told.budgets_told(comparison)
        page.summary += [(line,) for line in text]
        page.tables += [_plain(*block) for block in tables]
    if len(seeds) > 1:
        page.summary.append((told.PAIRED,))
    for scenario in comparison.scenarios:
        page.points.append(_summary(comparison, scenario))
        if scenario not in comparison.unchanged:
            page.tables += _tables(comparison, scenario)
    if page.tables:
        page.tables[-1] = _with_note(page.tables[-1], comparison)
    page.pictures = common.pictures_of(comparison, tell)
    try:
        configs = configs_of(comparison)
    except UserError as error:
        page.assumptions.append(say(OTHER_VERSION, error.message))
        configs = {}
    else:
        _assumed(page, configs)
    _reproduced(page, comparison, configs)
    common.origin(page, comparison.path, manifest, str(manifest["comparison_id"]))
    page.details = [_all(comparison, scenario) for scenario in comparison.scenarios] + [_meanings(comparison)]
    return page


def configs_of(comparison: Comparison) -> dict[str, Config]:
    """Return the configuration of each scenario, as it was played with the first seed."""
    files = sorted((comparison.path / CONFIGS).glob("*.yaml"))
    return {name: from_yaml(file) for name, file in zip(comparison.manifest["scenarios"], files, strict=True)}


def _summary(comparison: Comparison, scenario: str) -> Points:
    """Say in words what a scenario changes; what it does not touch at all is told in one sentence."""
    lead, *rest = told.headline(comparison, scenario)
    apart = (told.PAIRED, told.same_told(comparison, scenario))
    items: list[Words] = [(line,) for line in rest if line not in apart]
    if scenario in comparison.unchanged:
        return Points((lead,), items)
    table = comparison.table
    world = table[(table["scenario"] == scenario) & (table["group"] == WORLD)].set_index("metric")
    same: dict[str, str] = {}
    for metric, words in IN_WORDS:
        if metric in world.index:
            found = world.loc[metric]
            if found["difference"] or found["low"] < 0:
                items.append(_change(words, found))
            else:
                same[metric] = words
    if same:
        text = f"Not changed at all, in no seed: {'; '.join(same.values())}."
        median = any(metric.endswith("_median") for metric in same)
        items.append((f"{text} {told.MEDIAN}" if median else text,))
    return Points((lead,), items)


def _change(words: str, found: Any) -> Words:
    """Say how much something changes, and whether the sign is known."""
    low, high, unit = float(found["low"]), float(found["high"]), str(found["unit"])
    before, change, interval = cells_of(found)
    mark = f" {unit_told(unit)}" if unit != "share" and unit_told(unit) else ""
    name = words[0].upper() + words[1:]
    what = "rises" if found["difference"] > 0 else "falls"
    if math.isnan(low):
        return say("{} {} in this one pair of runs, by {}{} from {}.", name, what, change, mark, before)
    known = f"it {what}" if low * high > 0 else "these seeds do not tell whether it rises or falls"
    return say(
        "{} changes by {}{} (95 % interval {}) from {}: {}.",
        name, change, mark, interval, before, known,
    )  # fmt: skip


def cells_of(found: Any) -> tuple[Words, Words, Words]:
    """Return baseline, difference and interval as on the console, each with its value in the file."""
    _, before, difference, interval = told.row("", found)
    low, _, high = interval.partition(" to ")

    def cell(name: str, text: str) -> Part:
        value, unit = float(found[name]), str(found["unit"])
        mark = PER_CENT.get(unit if name == "baseline" else difference_of(unit), "")
        return Number(value, f"{text} {mark}".strip()) if text and math.isfinite(value) else NO_VALUE

    bounds = (cell("low", low), " to ", cell("high", high)) if interval else (NO_VALUE,)
    return (cell("baseline", before),), (cell("difference", difference),), bounds


def _tables(comparison: Comparison, scenario: str) -> list[Table]:
    table = comparison.table[comparison.table["scenario"] == scenario]
    world = table[table["group"] == WORLD].set_index("metric")
    heads = ("", comparison.baseline, "difference", "95 % interval")
    rows = [_cells(label, world.loc[metric]) for metric, label in told.headlines(world)]
    found = [Table(f"{scenario}: the world", heads, rows)]
    groups = [
        _cells(f"{group}, {label}", by_group.loc[group])
        for group in told.GROUPS_TOLD
        for metric, label in told.OF_GROUPS
        if group in (by_group := table[table["metric"] == metric].set_index("group")).index
    ]
    title = f"{scenario}: groups (deciles: the same workers, by their hourly pay in both runs)"
    found.append(Table(title, heads, groups))
    for title, apart in (
        (told.POOR_TITLE, told.poverty_rows(table)),
        (told.APART_TITLE, told.apart_rows(table)),
    ):
        if apart:
            rows = [_cells(label, one) for label, one in apart]
            found.append(Table(f"{scenario}: {title[0].lower()}{title[1:]}", heads, rows))
    return found + [_incidence(comparison, scenario, name) for name in (CASH, SURPLUS)]


def _continued(label: str) -> str:
    """Return a label; a page keeps no indent, so dots say that it goes on with the line above."""
    return f"… {label.strip()}" if label.startswith("  ") and label.strip() else label.strip()


def _cells(label: str, found: Any) -> list[Words]:
    unit = str(found["unit"])
    mark = "" if unit == "share" else f" ({unit_told(unit)})" if unit_told(unit) else ""
    return [(_continued(label) + mark,), *cells_of(found)]


def _incidence(comparison: Comparison, scenario: str, name: str) -> Table:
    money = comparison.incidence
    here = money[(money["scenario"] == scenario) & (money["table"] == name) & (money["group"] == WORLD)]
    rows: list[list[Words]] = []
    for record in here.to_dict("records"):
        last = record["line"] == ALL_LINES
        if not last and not record["baseline"] and not record["value"]:
            continue
        label = told.SUMS[name] if last else str(record["line"])
        if last and name == CASH and record["difference_microusd_all_seeds"] == 0:
            rows.append([(label,), (Number(0.0, "exactly 0"),), ("",), ("",)])
        else:
            low, high = float(record["low"]), float(record["high"])
            each = float(record["world_usd_per_year"])
            rows.append(
                [(label,), (number(float(record["difference"]), sign=True),), span(low, high, sign=True),
                 (number(each, sign=True),)]
            )  # fmt: skip
    heads = ("", "difference", "95 % interval", "the world, a year")
    return Table(f"{scenario}: {told.TITLES[name][0].lower()}{told.TITLES[name][1:]}", heads, rows)


def _with_note(table: Table, comparison: Comparison) -> Table:
    scale = comparison.manifest.get("scale")
    note = (
        f"The world, a year: times {scale:,.0f} persons a worker, which is assumed, times 365 over the days."
        " What the lines mean stands at the end of this page. k: thousand, m: million, bn: billion;"
        " pp: percentage points."
    )
    return Table(table.title, table.heads, table.rows, note, table.texts, table.small)


def _plain(title: str, heads: list[str], rows: list[list[str]]) -> Table:
    return Table(title, heads, [[(_continued(cell),) for cell in row] for row in rows])


def _assumed(page: Page, configs: dict[str, Config]) -> None:
    (name, baseline), *others = configs.items()
    common.assumptions(page, baseline)
    for other, config in others:
        changes = changed(config, baseline)
        if changes:
            page.assumed.append(
                common.table_of_changes(f"What {other} sets otherwise than {name}", changes, name)
            )


def _reproduced(page: Page, comparison: Comparison, configs: dict[str, Config]) -> None:
    manifest = comparison.manifest
    plugins = common.plugin_words(manifest)
    seeds = f"seeds={len(manifest['seeds'])}"
    words = compare_words(list(configs), configs) if configs else None
    if words is not None:
        page.reproduce.append(
            Code(
                "This command gives the same configurations and, with the same sources and plug-ins, the same"
                " numbers.",
                command("compare", *configs, seeds, *plugins, *words),
            )
        )
        return
    files = [file.name for file in sorted((comparison.path / CONFIGS).glob("*.yaml"))]
    page.reproduce.append(
        Code(
            "With the files of this comparison's folder configs, this command gives the same numbers;"
            " scenarios are then named by their files.",
            command("compare", *files, seeds, *plugins),
        )
    )


def _all(comparison: Comparison, scenario: str) -> Table:
    """Return every metric of the world with its definition."""
    table = comparison.table
    world = table[(table["scenario"] == scenario) & (table["group"] == WORLD)]
    rows: list[list[Words]] = []
    for record in world.to_dict("records"):
        unit = str(record["unit"])
        values = [float(record[name]) for name in ("baseline", "value", "difference", "low", "high")]
        rows.append(
            [
                (str(record["metric"]),),
                (unit_told(unit) if unit != "share" else "",),
                *((number(one, unit, 4),) for one in values[:2]),
                (number(values[2], difference_of(unit), 4, sign=True),),
                span(values[3], values[4], difference_of(unit), 4, sign=True),
            ]
        )
    heads = ("metric", "unit", comparison.baseline, scenario, "difference", "95 % interval")
    return Table(f"{scenario}: all metrics of the world (comparison.csv)", heads, rows, texts=2, small=True)


def _meanings(comparison: Comparison) -> Table:
    money = comparison.incidence
    world = money[money["group"] == WORLD]
    kept = world[(world["baseline"] != 0) | (world["value"] != 0) | (world["line"] == ALL_LINES)]
    rows: list[list[Words]] = [
        [(f"{table}, {line}",), (meaning,)]
        for (table, line), meaning in {
            (str(one["table"]), str(one["line"])): str(one["meaning"]) for one in kept.to_dict("records")
        }.items()
    ]
    rows += [[(name,), (text,)] for name, text in comparison.manifest["definitions"].items()]
    return Table("What the lines and metrics mean", ("", ""), rows, texts=2, small=True)
