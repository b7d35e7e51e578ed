"""The page about a run."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

import pandas as pd

from sim.composition import from_yaml
from sim.errors import UserError
from sim.outcomes.console import shown, templates
from sim.outcomes.indicators import by_country
from sim.report import common
from sim.report.common import Tell, silent
from sim.report.content import (
    NO_VALUE,
    Code,
    Number,
    Page,
    Part,
    Table,
    Words,
    count,
    number,
    say,
    span,
    unit_told,
)
from sim.report.settings import command, words_of
from sim.study import remarks
from sim.study.result import CONFIG, RunResult

ONE_RUN = (
    "This is one run. Another seed gives other numbers, and nothing here tells how far off they are:"
    " clickmarket compare and clickmarket sweep play several seeds and give intervals."
)
SAME_BITS = (
    "This command gives the same configuration and, with the same sources and plug-ins, the same bits."
)
SAME_BITS_BY_FILE = (
    "With the configuration below saved as run.yaml and the same sources, this command gives the same bits."
)
OTHER_VERSION = (
    "The configuration is of another version and cannot be held against today's settings ({}). It stands"
    " below."
)
COLUMNS = {
    "workers": ("workers", ""),
    "pay_all_in_median": ("hourly pay, median", "USD/h"),
    "minimum_wage_usd": ("minimum wage", "USD/h"),
    "share_below_minimum_wage": ("below it", "share"),
    "unpaid_share": ("unpaid time", "share"),
}


def page_of_run(run: RunResult, tell: Tell = silent) -> Page:
    """Return the page about a run."""
    manifest, time = run.manifest, run.config["time"]
    page = Page(
        title=f"A simulated market of click work, {time['days']:,} days",
        subtitle=f"Run {run.path.resolve().name}; clickmarket {manifest['version']}; configuration"
        f" {manifest['config_id'][:12]}; seed {manifest['seed']}",
    )
    page.summary = _summary(run, time)
    remarked: list[Words] = [(line,) for line in remarks.of_run(manifest)]
    page.cautions = [*remarked, say(ONE_RUN), *common.not_at_rest(time["warmup_days"])]
    page.tables = [*_sections(run.summary), _countries(run)]
    page.pictures = common.pictures_of(run, tell)
    words, plugins = None, common.plugin_words(manifest)
    try:
        config = from_yaml(run.path / CONFIG)
    except UserError as error:
        page.assumptions.append(say(OTHER_VERSION, error.message))
    else:
        common.assumptions(page, config)
        words = words_of(config)
    if words is not None:
        page.reproduce = [Code(SAME_BITS, command("run", *plugins, *words))]
    else:
        text = (run.path / CONFIG).read_text(encoding="utf-8")
        page.reproduce = [
            Code(SAME_BITS_BY_FILE, command("run", *plugins, "config=run.yaml")),
            Code("The whole configuration, run.yaml", text),
        ]
    common.origin(page, run.path, manifest, str(manifest["config_id"]))
    page.details = [_indicators(run.summary)]
    return page


def _summary(run: RunResult, time: Mapping[str, Any]) -> list[Words]:
    """Say in words what came out; each number is one of `summary.json`."""

    def of(name: str, digits: int = 3) -> Part:
        found = run.summary.get(name, {})
        return number(found.get("value"), str(found.get("unit", "")), digits)

    told = [
        say(
            "{} workers and {} requesters were simulated for {} days from {}, after {} days of warm-up."
            " A worker stands for {} people.",
            count(len(run.workers)), count(len(run.requesters)), count(time["days"]),
            run.series["date"].astype(str).min(), count(time["warmup_days"]), number(run.scale, digits=4),
        ),
        say(
            "Half of the workers with ten tasks or more earned less than {} USD for an hour of work, paid or"
            " not; the middle 80 % of them {} USD. {} earned less than the minimum wage of their country.",
            of("pay_all_in_median"), span(_value(run, "pay_all_in_p10"), _value(run, "pay_all_in_p90")),
            of("share_below_minimum_wage"),
        ),
        say(
            "{} of all working time was not paid: search, and work returned or rejected. Working hours a"
            " week: {} in the median.",
            of("unpaid_share"), of("hours_per_week_median"),
        ),
        say(
            "Requesters spent {} USD; {} of it reached workers, {} went to platforms as fees. {} of the tasks"
            " that ended were done, the others expired.",
            of("market_turnover"), of("labour_share"), of("fee_share"), of("fill_rate"),
        ),
    ]  # fmt: skip
    if not run.taxes.empty and _value(run, "world_tax_revenue_per_year") is not None:
        told.append(
            say(
                "Taxes on platforms took {} USD a year at the scale of the world; incomes of {} USD a month"
                " were paid a head.",
                of("world_tax_revenue_per_year"),
                of("transfer_per_head_month"),
            )
        )
    return told


def _value(run: RunResult, name: str) -> float | None:
    found = run.summary.get(name, {}).get("value")
    return None if found is None else float(found)


def _sections(summary: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """Return the summary that the console prints, a table for each of its parts."""
    rows: dict[str, list[tuple[Words, Words]]] = {}
    for section, label, template in templates(summary):
        rows.setdefault(section, []).append(((label,), _filled(template, summary)))
    return [Table(section, ("", ""), lines, texts=2) for section, lines in rows.items()]


def _filled(template: str, summary: Mapping[str, Mapping[str, Any]]) -> Words:
    """Return a template of the console with the values of a summary; say why if it has none of them."""
    named = [name for _, name, _, _ in Formatter().parse(template) if name]
    found = {name: summary.get(name, {}) for name in named}
    if named and all(entry.get("value") is None for entry in found.values()):
        return (f"{NO_VALUE} {found[named[0]].get('reason', '')}".rstrip(),)
    parts: list[Part] = []
    for text, name, kind, _ in Formatter().parse(template):
        parts += [text] if text else []
        if name:
            value = found[name].get("value")
            parts.append(NO_VALUE if value is None else Number(float(value), shown(value, kind or "")))
    return tuple(parts)


def _countries(run: RunResult) -> Table:
    table = by_country(run, run.world).sort_values("workers", ascending=False, kind="stable")
    rows: list[list[Words]] = []
    for record in table.to_dict("records"):
        cells: list[Words] = [(str(record["name"]),)]
        for name, (_, unit) in COLUMNS.items():
            value = record[name]
            if name == "workers":
                cells.append((count(value),))
            elif record["note"] and name != "minimum_wage_usd":
                cells.append((str(record["note"]),))
            else:
                cells.append((number(None if pd.isna(value) else float(value), unit),))
        rows.append(cells)
    heads = ["", *(f"{label} ({unit_told(unit)})" if unit else label for label, unit in COLUMNS.values())]
    note = "Pay of workers with ten tasks, for all working time; countries with fewer than 200 have none."
    return Table("Countries", heads, rows, note)


def _indicators(summary: Mapping[str, Mapping[str, Any]]) -> Table:
    rows: list[list[Words]] = []
    for name, found in summary.items():
        value, unit = found["value"], str(found.get("unit", ""))
        about = str(found.get("definition", "")) + (f" No value: {found['reason']}." if value is None else "")
        shown_value = number(None if value is None else float(value), unit, 5)
        rows.append([(name,), (shown_value,), (unit_told(unit) if unit != "share" else "",), (about,)])
    heads = ("indicator", "value", "unit", "definition")
    return Table("Indicators (summary.json)", heads, rows, texts=4, small=True)
