"""A comparison on the console: what changes, for whom, who gains and who pays, and what each line means."""

from __future__ import annotations

import math
import sys
import textwrap
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from sim.money import MICRO, short_usd
from sim.study.compare import ALL_LINES, Comparison
from sim.study.incidence import CASH, SURPLUS
from sim.study.measure import LUCK, WORLD

HEADLINES = (
    ("pay_all_in_median", "hourly pay, all working time (median)"),
    ("pay_all_in_pooled", "hourly pay, all working time (pooled)"),
    ("unpaid_share", "unpaid share of working time"),
    ("hours_per_week_median", "working hours a week (median)"),
    ("income_per_worker_month", "net pay a worker and month"),
    ("income_with_transfers_per_worker_month", "  with incomes received"),
    ("workers_active", "workers active"),
    ("tasks_done", "tasks done"),
    ("market_turnover", "requesters' spending"),
    ("fees", "platforms' fees"),
    ("platform_rent", "platforms' profit after taxes"),
    ("tax_revenue", "tax revenue"),
    ("tax_per_user_month", "tax a user and month"),
    ("tax_per_resident_month", "tax a resident and month"),
    ("transfer_per_head_month", "income paid a recipient and month"),
    ("worker_poverty_before_transfers", "workers below the poverty line"),
    ("worker_poverty_after_transfers", "  with incomes received"),
)
GROUPS_TOLD = ("north", "mixed", "south", "pay decile 1", "pay decile 5", "pay decile 10")
OF_GROUPS = (("pay_all_in_pooled", "USD/h"), ("income_with_transfers_per_worker_month", "USD/month"))
TITLES = {
    CASH: "Who pays and who receives: cash by the ledger, USD in the window",
    SURPLUS: "Who gains and who loses: surplus, USD in the window",
}
Block = tuple[str, list[str], list[list[str]]]
"""A title, heads and rows of a table."""


def print_comparison(comparison: Comparison, file: TextIO | None = None) -> None:
    """Print a comparison: tables on a terminal, aligned text elsewhere."""
    stream = sys.stdout if file is None else file
    if not stream.isatty():
        stream.write(plain(comparison))
        return
    console = Console(file=stream)
    for text, tables in sections(comparison):
        console.print(text, highlight=False, markup=False)
        for title, heads, rows in tables:
            console.print(title, style="bold", highlight=False, markup=False)
            console.print(_table(heads, rows))
    console.print(meanings(comparison), highlight=False, markup=False)


def plain(comparison: Comparison) -> str:
    """Return a comparison as plain text."""
    lines: list[str] = []
    for text, tables in sections(comparison):
        lines += [text, ""]
        for title, heads, rows in tables:
            lines += [title, *(f"  {line}" for line in _aligned([heads, *rows])), ""]
    return "\n".join([*lines, meanings(comparison)]) + "\n"


def sections(comparison: Comparison) -> list[tuple[str, list[Block]]]:
    """Return, for each scenario, a sentence and its tables; none where nothing changes."""
    return [
        (headline(comparison, name), [] if name in comparison.unchanged else blocks(comparison, name))
        for name in comparison.scenarios
    ]


def headline(comparison: Comparison, scenario: str) -> str:
    """Say what is compared, and in words if nothing changes."""
    seeds = comparison.manifest["seeds"]
    runs = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}, so no intervals"
    text = f"{scenario} compared with {comparison.baseline}: {comparison.manifest['days']} days, {runs}"
    if scenario in comparison.unchanged:
        return f"{text}.\n  It changes nothing: every difference is exactly 0 in every seed."
    told = "; differences with 95 % intervals, paired by seed.\n  Where an interval holds 0, so few"
    return text + (f"{told} seeds do not tell the sign." if len(seeds) > 1 else ".")


def blocks(comparison: Comparison, scenario: str) -> list[Block]:
    """Return the tables of a scenario."""
    table = comparison.table[comparison.table["scenario"] == scenario]
    world = table[table["group"] == WORLD].set_index("metric")
    found: list[Block] = [
        (
            "World",
            ["", "unit", comparison.baseline, "difference", "95 % interval"],
            [_row(label, world.loc[metric]) for metric, label in HEADLINES if metric in world.index],
        )
    ]
    rows = [
        _row(group if metric == OF_GROUPS[0][0] else "  with transfers", by_group.loc[group])
        for group in GROUPS_TOLD
        for metric, _ in OF_GROUPS
        if group in (by_group := table[table["metric"] == metric].set_index("group")).index
    ]
    heads = ["hourly pay, income a month", "unit", comparison.baseline, "difference", "95 % interval"]
    found.append(("Groups (deciles: the same workers, by their hourly pay in the baseline)", heads, rows))
    return found + [_incidence(comparison, scenario, name) for name in (CASH, SURPLUS)]


def _incidence(comparison: Comparison, scenario: str, name: str) -> Block:
    money = comparison.incidence
    here = money[(money["scenario"] == scenario) & (money["table"] == name) & (money["group"] == WORLD)]
    rows = []
    for _, line in here.iterrows():
        last = line["line"] == ALL_LINES
        if not last and not line["baseline"] and not line["value"]:
            continue
        exactly = last and name == CASH and line["difference_microusd_all_seeds"] == 0
        rows.append(
            [
                {CASH: "sum", SURPLUS: "total surplus"}[name] if last else str(line["line"]),
                "exactly 0" if exactly else signed(float(line["difference"]), "USD"),
                "" if exactly else between(line["low"], line["high"], "USD"),
                "" if exactly else signed(float(line["world_usd_per_year"]), "USD"),
            ]
        )
    return TITLES[name], ["", "difference", "95 % interval", "world, a year"], rows


def meanings(comparison: Comparison) -> str:
    """Say what each line of the tables of incidence means."""
    told = ["What the lines mean", *_wrapped(LUCK)]
    money = comparison.incidence
    for name, title in ((CASH, "cash"), (SURPLUS, "surplus")):
        here = money[(money["table"] == name) & (money["group"] == WORLD)]
        moved = here[(here["baseline"] != 0) | (here["value"] != 0) | (here["line"] == ALL_LINES)]
        for line, meaning in dict(zip(moved["line"], moved["meaning"], strict=True)).items():
            told += _wrapped(f"{title}, {line}: {meaning}.")
    return "\n".join(told)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="  ", subsequent_indent="    ")


def _row(label: str, found: Any) -> list[str]:
    unit = str(found["unit"])
    return [
        label,
        "%" if unit == "share" else unit,
        shown(float(found["baseline"]), unit),
        signed(float(found["difference"]), unit),
        between(float(found["low"]), float(found["high"]), unit),
    ]


def shown(value: float, unit: str) -> str:
    """Spell a value in its unit."""
    if unit == "USD":
        return short_usd(round(value * MICRO))
    if unit == "share":
        value *= 100
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def signed(value: float, unit: str) -> str:
    """Spell a difference, with its sign."""
    return "0" if value == 0 else ("+" if value > 0 else "") + shown(value, unit)


def between(low: float, high: float, unit: str) -> str:
    """Spell an interval; nothing where there is none."""
    return "" if math.isnan(low) or math.isnan(high) else f"{signed(low, unit)} to {signed(high, unit)}"


def _aligned(table: list[list[str]]) -> list[str]:
    """Align columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]).rstrip()
        for first, *rest in table
    ]


def _table(heads: list[str], rows: list[list[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
