"""The summary of a run on the console: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from string import Formatter
from typing import Any, TextIO

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.money import MICRO, short_usd
from sim.outcomes.indicators import BESIDE_PAY, LEAST_YEARS_OF_AI, TOO_FEW
from sim.outcomes.width import aligned, width_of_text, wrapped

MISSING = "n/a"
COUNTRIES_SHOWN = 8
NARROWEST_TABLE = 60
"""Columns of a terminal from which on a table in colour is legible."""


# Section -> rows of (label, text); in a text `{name:kind}` stands for an indicator, written by `_Shown`.
SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Pay": (
        ("hourly pay, all working time", "{pay_all_in_median:usd} USD median, {pay_all_in_mean:usd} mean"),
        ("middle 80 % of workers", "{pay_all_in_p10:usd} to {pay_all_in_p90:usd} USD"),
        ("hourly pay, paid time", "{pay_paid_time_median:usd} USD median, {pay_paid_time_mean:usd} mean"),
        ("above 7.25 USD an hour", "{share_above_7_25:share} of workers"),
        ("below the local minimum wage", "{share_below_minimum_wage:share} of workers"),
        ("income a week", "{income_per_week_median:usd} USD median"),
        ("Gini", "{gini_pay:number} of hourly pay, {gini_income:number} of income"),
    ),
    "Hours": (
        ("unpaid share of working time", "{unpaid_share:share}"),
        ("working hours a week", "{hours_per_week_median:hours} median"),
        ("weekly pay varies by", "{weekly_volatility_median:share} of its mean (median)"),
        ("at night (22 to 06)", "{night_share:share} of time on duty"),
        ("with harmful content", "{exposure_hours_mean:hours} a worker on average"),
    ),
    "Market": (
        ("workers", "{workers_active:count}; {workers_joined:count} joined, {workers_left:count} left"),
        ("on duty", "{concurrently_active_mean:count} in an hour, {concurrently_active_share:share} of all"),
        ("tasks posted", "{tasks_posted:count}; {tasks_done:count} done, {tasks_expired:count} expired"),
        ("fill rate", "{fill_rate:share}"),
        ("rejected, returned", "{rejected_share:share}, {returned_share:share}"),
        ("batch done to 50 %, 90 %, 100 %", (
            "{batch_t50_median:hours}, {batch_t90_median:hours}, {batch_t100_median:hours} (medians)"
        )),
        ("supply elasticity", "{supply_elasticity:number}, standard error {supply_elasticity_error:number}"),
        ("busiest tenth of workers", "{work_top_decile_share:share} of the work"),
    ),
    "Money": (
        ("requesters spent", "{market_turnover:money} USD"),
        ("net pay", "{net_pay:money} USD, {labour_share:share} of spending"),
        ("platforms' fees", "{fees:money} USD, {fee_share:share} of spending"),
        ("platforms' rent after costs", "{platform_rent:money} USD, {platform_rent_share:share} of spending"),
    ),
    "North and South": (
        ("North to South", "{north_to_south_before_dividends:money} USD"),
        ("South to North", (
            "{south_to_north_before_dividends:money} USD, "
            "{south_to_north_after_dividends:money} with dividends to owners"
        )),
    ),
    "World, in a year": (
        ("a worker stands for", "{scale:count} people"),
        ("people", "{world_workers:count} in the market, {world_on_duty:count} on duty at a time"),
        ("working hours", "{world_working_hours_per_year:count}, {world_paid_hours_per_year:count} paid"),
        ("tasks", "{world_tasks_done_per_year:count} done"),
        ("spending, net pay, fees", (
            "{world_turnover_per_year:money}, {world_net_pay_per_year:money}, {world_fees_per_year:money} USD"
        )),
        ("North to South", "{world_north_to_south_before_dividends_per_year:money} USD"),
        ("South to North", (
            "{world_south_to_north_before_dividends_per_year:money} USD, "
            "{world_south_to_north_after_dividends_per_year:money} with dividends to owners"
        )),
    ),
}  # fmt: skip

# As above, shown where a tax or an income is in force: where there is a value of `WITH_POLICY`.
POLICY_SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Taxes and income, in a year": (
        ("taxes collected, world", "{world_tax_revenue_per_year:money} USD"),
        ("on users, turnover, profits", (
            "{world_usage_tax_per_year:money}, {world_turnover_tax_per_year:money}, "
            "{world_profit_tax_per_year:money} USD"
        )),
        ("taxes a user, a resident", (
            "{tax_per_user_month:small} USD a user and month, "
            "{world_tax_per_head_year:small} a resident and year"
        )),
        ("platforms' effective tax rate", (
            "{effective_tax_rate:share} of profit before taxes, "
            "{effective_tax_rate_without_losses:share} leaving losses out"
        )),
        ("shifted to havens", (
            "{shifted_profit_share:share} of profits, {world_haven_bookings_per_year:money} USD"
        )),
        ("tax on profits, none shifted", (
            "{world_profit_tax_without_shifting_per_year:money} USD of the same profits, by arithmetic alone"
        )),
        ("incomes and subsidies, world", (
            "{world_transfers_per_year:money} USD; administration took {administration_share:share}"
        )),
        ("of it", (
            "{transfers_to_workers_share:share} to workers of this market, "
            "{transfers_unfunded_share:share} from outside"
        )),
        ("income per head", (
            "{transfer_per_head_month:small} USD a month, "
            "{transfer_over_poverty_line:fine_share} of the poverty line"
        )),
        ("workers below the poverty line", (
            "{worker_poverty_before_transfers:share} before, "
            f"{{worker_poverty_after_transfers:share}} with {BESIDE_PAY}"
        )),
        ("below 60 % of the national median", (
            "{worker_relative_poverty_before_transfers:share} before, "
            f"{{worker_relative_poverty_after_transfers:share}} with {BESIDE_PAY}"
        )),
        ("North to South, net", (
            "{world_fiscal_north_to_south_per_year:money} USD of taxes and pooled revenue"
        )),
    ),
}  # fmt: skip
WITH_POLICY = "tax_revenue_per_year"

# As above, shown where there are social platforms: where there is a value of `WITH_USERS`.
USER_SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Social platforms": (
        ("users, world", (
            "{world_social_users:count}; {social_users_lost_share:share} lost by taxes in the last month"
        )),
        ("advertising, world", (
            "{world_advertising_per_year:money} USD a year, {social_arpu_year:small} a user; "
            "taxes take {social_taxes_over_advertising:share}"
        )),
        ("users are charged", "{social_charge_per_user_month:small} USD a month"),
        ("unpaid labels, world", (
            "{world_unpaid_labels_per_year:count} a year, {unpaid_labels_per_task:small} for each paid task"
        )),
    ),
}  # fmt: skip
WITH_USERS = "social_users"

# As above, shown where there is a platform of the kind: where there is a value of `WITH_KIND`.
KIND_SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Local jobs": (
        ("hourly pay, all working time", "{on_demand_pay_median:usd} USD median"),
        ("pay per hour on duty, idle or not", "{on_demand_pay_on_duty:usd} USD"),
        ("fill rate", "{on_demand_fill_rate:share}"),
    ),
    "Click farms": (
        ("hourly pay, all working time", "{click_farm_pay_median:small} USD median"),
        ("pay per hour on duty, idle or not", "{click_farm_pay_on_duty:small} USD"),
        ("a click", "{pay_per_click_median:small} USD median, {pay_per_click_lowest:small} lowest"),
        ("fill rate", "{click_farm_fill_rate:share}"),
        ("taken down", "{click_farm_rejected_share:share} of what was done"),
    ),
}
WITH_KIND = {"Local jobs": "on_demand_fill_rate", "Click farms": "click_farm_fill_rate"}

# As above, each shown where the indicator beside its name has a value.
REMEDIES: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("Cooperatives", "cooperative_work_share"): (
        ("share of the work", "{cooperative_work_share:share} of tasks"),
        ("fee decided", "{cooperative_fee:fine_share} of the reward"),
        ("floor decided", (
            "{cooperative_floor:small} USD an hour; {cooperative_turnout:share} of members voted"
        )),
        ("surplus", "{cooperative_surplus_per_member_month:small} USD a member and month"),
    ),
    ("Commons", "commons_per_thousand_labels"): (
        ("dividend", (
            "{commons_per_thousand_labels:small} USD for a thousand labels, "
            "{commons_over_pay:fine_share} of workers' pay"
        )),
        ("to users", "{commons_to_users_share:share}"),
    ),
    ("Union", "union_density"): (
        ("members", "{union_density:share} of workers where it organises"),
        ("agreements", "set a lowest pay for {union_agreed_share:share} of these workers"),
        ("strikes", "{struck_weeks_share:share} of weeks began with one"),
    ),
    ("Employment", "refused_shifts_share"): (
        ("lost access", "{refused_shifts_share:share} of employees' time is refused for want of a shift"),
        ("pay for open shifts", "{world_shift_pay_per_year:money} USD a year, world"),
        ("employers' contributions", "{world_contributions_per_year:money} USD a year, world; no taxes"),
        ("withheld from spending", "{withheld_share:share} for contributions and shifts; no fee"),
    ),
    ("Platforms that leave", "countries_given_up"): (
        ("countries given up", "{countries_given_up:count} for taxes or employers' duties (exits.parquet)"),
    ),
}  # fmt: skip

# The same of an income at a rate that revenue must pay.
AT_A_RATE: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("Rate of the income", "income_rate_wanted"): (
        ("wanted", "{income_rate_wanted:small} USD a head and month"),
        ("what revenue came to", "{income_rate_allowed:small} USD a head and month"),
        ("infeasible", "{income_rate_short_share:share} of recipients' months, in which less was paid"),
    ),
}  # fmt: skip

# As above, shown where there is a stock of intelligence.
AI_SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Artificial intelligence": (
        ("its stock", "{ai_stock_growth:number} times that at the start; {ai_years:number} years"),
        ("human hours for labels", (
            "{ai_human_hours_growth:number} times those at the start; stock and automation alone: "
            "{ai_analytic_growth:number}; what the market adds: {ai_market_effect:number} times"
        )),
        ("human hours for a unit", "{ai_human_hours_per_unit:number} h; one hour fed a unit at the start"),
        ("labels filled in by machines", "{ai_automation_coverage:share} of paid ones"),
        ("cost of an hour's labels", (
            "{ai_label_price:usd} USD, {ai_label_price_growth:number} times that at the start"
        )),
        ("labels delivered", (
            "{ai_labels_delivered_share:share} of those wanted; {ai_labels_free_share:share} made by users, "
            "{ai_labels_shared_share:share} shared"
        )),
        ("for each hour of other work lost", (
            "{click_hours_per_outside_hour:number} h more for labels, at {click_pay_over_outside_wage:share}"
            " of its pay"
        )),
    ),
}  # fmt: skip
WITH_AI = "ai_stock_growth"
SHORT_RUN = (
    "this run",
    f"holds the stock nearly fixed: how it grows takes {LEAST_YEARS_OF_AI:.0f} years or more",
)


class _Shown:
    """An indicator's value that knows how to be written."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def __format__(self, kind: str) -> str:
        value = self.value
        if value is None:
            return MISSING
        if kind == "usd":
            return f"{value:,.2f}"
        if kind == "small":
            return f"{value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
        if kind == "fine_share":
            return f"{100 * value:.1f} %" if abs(value) >= 0.01 or value == 0 else f"{100 * value:.2g} %"
        if kind == "money":
            return short_usd(round(value * MICRO))
        if kind == "count":
            return f"{value:,.0f}" if value < 100_000 else short_usd(round(value) * MICRO)
        if kind == "share":
            return f"{100 * value:.1f} %"
        if kind == "hours":
            return f"{value:.1f} h"
        return f"{value:.2f}"


class _Values(dict[str, _Shown]):
    """Indicators by name; one that the summary does not know is missing."""

    def __missing__(self, name: str) -> _Shown:
        return _Shown(None)


def rows(summary: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return (section, label, text) of the summary."""
    values = _Values({name: _Shown(entry["value"]) for name, entry in summary.items()})
    return [
        (section, label, _reason(text, summary) or text.format_map(values))
        for section, label, text in templates(summary)
    ]


def shown(value: float | None, kind: str) -> str:
    """Write a value as the summary does; ``kind`` is what stands behind the colon of its `templates`."""
    return format(_Shown(value), kind)


def templates(summary: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return what `rows` are made from: `SECTIONS`, then kinds of platforms, then policy."""
    values = _Values({name: _Shown(entry["value"]) for name, entry in summary.items()})
    policy = dict(POLICY_SECTIONS) if summary.get(WITH_POLICY, {}).get("value") is not None else {}
    for (section, needed), lines in {**REMEDIES, **AT_A_RATE}.items():
        if summary.get(needed, {}).get("value") is not None:
            policy[section] = lines
    users = USER_SECTIONS if summary.get(WITH_USERS, {}).get("value") is not None else {}
    kinds = {
        name: lines for name, lines in KIND_SECTIONS.items() if values[WITH_KIND[name]].value is not None
    }
    return [
        (section, label, text)
        for section, lines in (
            *SECTIONS.items(),
            *kinds.items(),
            *users.items(),
            *policy.items(),
            *_of_ai(summary).items(),
        )
        for label, text in lines
    ]


def _of_ai(summary: Mapping[str, Mapping[str, Any]]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the section on artificial intelligence, with a warning where the run is short."""
    if summary.get(WITH_AI, {}).get("value") is None:
        return {}
    short = summary["ai_years"]["value"] < LEAST_YEARS_OF_AI
    return {section: (*lines, SHORT_RUN) if short else lines for section, lines in AI_SECTIONS.items()}


def _reason(text: str, summary: Mapping[str, Mapping[str, Any]]) -> str:
    """Say why a row has no value at all; empty if it has one."""
    entries = [summary.get(name, {}) for _, name, _, _ in Formatter().parse(text) if name]
    if not entries or any(entry.get("value") is not None for entry in entries):
        return ""
    reason = entries[0].get("reason")
    return f"{MISSING}: {reason}" if reason else MISSING


def country_rows(countries: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the largest countries of `by_country` in the columns of `COUNTRY_HEADS`."""
    largest = countries.sort_values("workers", ascending=False, kind="stable").head(COUNTRIES_SHOWN)
    return [
        (str(row["name"]), f"{row['workers']:,}", *_country_statistics(row)) for _, row in largest.iterrows()
    ]


COUNTRY_HEADS = ("country", "workers", "median USD/h", "below min. wage", "unpaid")


def _country_statistics(row: pd.Series[Any]) -> tuple[str, str, str]:
    if row["note"]:
        return TOO_FEW, TOO_FEW, TOO_FEW
    pay, below, unpaid = (
        _Shown(None if pd.isna(row[name]) else float(row[name]))
        for name in ("pay_all_in_median", "share_below_minimum_wage", "unpaid_share")
    )
    return f"{pay:usd}", f"{below:share}", f"{unpaid:share}"


def print_summary(
    summary: Mapping[str, Mapping[str, Any]],
    countries: pd.DataFrame | None = None,
    file: TextIO | None = None,
    remarks: Sequence[str] = (),
) -> None:
    """Print the summary of a run, and its largest countries if `by_country`'s table is given.

    ``remarks`` are sentences that come first: without them the numbers would be taken for something else.
    On a terminal it is a table in colour, elsewhere and on a narrow one plain text.
    """
    stream = sys.stdout if file is None else file
    console = Console(file=stream) if stream.isatty() else None
    width = width_of_text() if console is None else console.width
    stream.write("".join(f"{line}\n" for text in remarks for line in wrapped(text, width)))
    if console is None:
        stream.write(plain(summary, countries))
        return
    if console.width < NARROWEST_TABLE:
        stream.write(plain(summary, countries, console.width))
        return
    console.print(_table(summary))
    if countries is not None and len(countries):
        console.print(_country_table(countries))


def plain(
    summary: Mapping[str, Mapping[str, Any]],
    countries: pd.DataFrame | None = None,
    columns: int | None = None,
) -> str:
    """Return the summary as plain text, a line for each row where there is room in the columns."""
    lines: list[str] = []
    shown, columns = rows(summary), width_of_text() if columns is None else columns
    width = min(max(len(label) for _, label, _ in shown), columns * 2 // 5)
    last = ""
    for section, label, text in shown:
        if section != last:
            lines.append(section)
            last = section
        lines += _row(label, text, width, columns)
    if countries is not None and len(countries):
        table = aligned([COUNTRY_HEADS, *country_rows(countries)], columns - 2)
        lines += ["Countries", *(f"  {line}" for line in table)]
    return "\n".join(lines) + "\n"


def _row(label: str, text: str, width: int, columns: int) -> list[str]:
    """Set a label and its text side by side, each broken within its own part of the columns."""
    left, right = wrapped(label, width), wrapped(text, columns - width - 4)
    return [f"  {one:{width}}  {other}".rstrip() for one, other in zip_longest(left, right, fillvalue="")]


def _table(summary: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    last = ""
    for section, label, text in rows(summary):
        if section != last:
            if last:
                table.add_section()
            table.add_row(Text(section, style="bold cyan"), "")
            last = section
        table.add_row(Text("  " + label, style="not bold"), _marked(text))
    return table


def _marked(text: str) -> Text:
    """Make numbers stand out and missing values recede."""
    marked = Text(text)
    marked.highlight_regex(r"-?\d[\d,.]*( (k|m|bn|tn)\b| %)?", "bold")
    marked.highlight_words([MISSING], "dim")
    return marked


def _country_table(countries: pd.DataFrame) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, head in enumerate(COUNTRY_HEADS):
        table.add_column(head, justify="left" if i == 0 else "right", overflow="fold")
    for row in country_rows(countries):
        table.add_row(*(Text(cell, style="dim" if cell == TOO_FEW else "") for cell in row))
    return table
