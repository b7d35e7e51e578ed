"""A comparison on the console: what changes, for whom, who gains and who pays, and what each line means."""

from __future__ import annotations

import math
import sys
from typing import Any, TextIO

import pandas as pd
from rich.console import Console

from sim.money import MICRO, short_usd
from sim.outcomes.console import MISSING
from sim.outcomes.indicators import BESIDE_PAY, INDICATORS
from sim.outcomes.width import aligned, width_of_text, wrapped
from sim.study import remarks
from sim.study.compare import ALL_LINES, Comparison
from sim.study.incidence import CASH, LET_GO, SEGMENT, SURPLUS
from sim.study.matching import RATES
from sim.study.measure import SORTED, WORLD
from sim.study.run import EARLY
from sim.study.spillovers import GROUPS, TASKS

HEADLINES = (
    ("pay_all_in_median", "hourly pay, all working time (median)"),
    ("pay_all_in_pooled", "hourly pay, all working time (pooled)"),
    ("pay_with_shares_pooled", "  with pay for shifts and dividends"),
    ("unpaid_share", "unpaid share of working time"),
    ("hours_per_week_median", "working hours a week (median)"),
    ("income_per_worker_month", "net pay a worker and month, also who left"),
    ("income_with_transfers_per_worker_month", f"  with {BESIDE_PAY}"),
    ("income_per_active_worker_month", "  of workers who came on duty"),
    ("workers_active", "workers active"),
    ("tasks_done", "tasks done"),
    ("market_turnover", "requesters' spending"),
    ("fees", "platforms' fees"),
    ("platform_rent", "platforms' profit after taxes"),
    ("social_users_lost_share", "users gone from social platforms, last month"),
    ("tax_revenue", "tax revenue"),
    ("profit_tax_revenue", "  tax on profits"),
    ("profit_tax_without_shifting", "  tax on the same profits, none shifted (mechanical)"),
    ("shifted_profit_share", "profits shifted to havens"),
    ("countries_given_up", "countries that platforms gave up"),
    ("contributions_revenue", "employers' contributions, no taxes"),
    ("tax_per_user_month", "tax a user and month"),
    ("tax_per_resident_month", "tax a resident and month"),
    ("transfer_per_head_month", "income paid a recipient and month"),
    ("transfer_over_poverty_line", "  of the poverty line"),
    ("worker_poverty_before_transfers", "below the poverty line, also who left"),
    ("worker_poverty_after_transfers", f"  with {BESIDE_PAY}"),
    ("worker_relative_poverty_before_transfers", "below 60 % of the national median, also who left"),
    ("worker_relative_poverty_after_transfers", f"  with {BESIDE_PAY}"),
    ("union_density", "members of the union, of workers where it is"),
    ("union_agreed_share", "  whose lowest pay it has agreed on, of the same workers"),
    ("struck_weeks_share", "weeks that began with a strike"),
    ("refused_shifts_share", "employees' time refused for want of a shift"),
    ("withheld_share", "withheld from spending for employees"),
    ("cooperative_work_share", "tasks done in cooperatives"),
    ("cooperative_surplus_per_member_month", "surplus a member of a cooperative and month"),
    ("commons_per_thousand_labels", "dividend of the commons for a thousand labels"),
)
WITH_A_POLICY = {
    *(name for name, one in INDICATORS.items() if one.without == 0.0),
    "profit_tax_revenue",
    "contributions_revenue",
    "profit_tax_without_shifting",
} - {"tax_per_user_month", "transfer_per_head_month", "transfer_over_poverty_line"}
"""Headlines that are left out where they are 0 on both sides: there is nothing of the kind."""
USERS_GONE = "social_users_lost_share"
BY_GROUP = ("north", "mixed", "south")
GROUPS_TOLD = ("north", "mixed", "south", "pay decile 1", "pay decile 5", "pay decile 10")
OF_GROUPS = (
    ("pay_all_in_pooled", "hourly pay"),
    ("income_with_transfers_per_worker_month", f"pay with {BESIDE_PAY}"),
)
APART = (
    ("pay_all_in_pooled", "hourly pay"),
    ("working_hours", "working hours"),
    ("net_pay", "net pay"),
    (TASKS, "tasks handed in"),
)
APART_TITLE = (
    "Where it holds and where not: workers of covered countries (on covered platforms), and of all others,"
    " whom it reaches by what spills over only"
)
POOR = (
    ("worker_poverty_after_transfers", ""),
    ("worker_relative_poverty_after_transfers", "60 % of the national median"),
)
POOR_TITLE = f"Below the poverty line, with {BESIDE_PAY}, also who left (deciles: as above)"
LONGEST_NAME, WIDEST = 16, 120
PAIRED = (
    "Differences are paired by seed, with 95 % intervals; where one holds 0, so few seeds do not tell the"
    " sign."
)
MEDIAN = "A median is what the one worker in the middle has; others can gain or lose beside it."
NULL = "Null reform: in force nowhere or on none of these days: {}."
IDLE = "In force nowhere or on none of these days: {}; what differs comes from the scenario's other settings."
DAYS_TO_REST = 150
FEW_PAYMENTS = 2
TITLES = {
    CASH: "Who pays and who receives: cash by the ledger, USD in the window",
    SURPLUS: "Who gains and who loses: change of surplus, USD in the window",
}
SUMS = {CASH: "sum", SURPLUS: "all: less than 0 is excess burden"}
MOST_DECIMALS, FIGURES, LARGE = 6, 4, 1000.0
Block = tuple[str, list[str], list[list[str]]]
"""A title, heads and rows of a table."""


def print_comparison(comparison: Comparison, file: TextIO | None = None) -> None:
    """Print a comparison, on a terminal with titles that stand out."""
    stream = sys.stdout if file is None else file
    if not stream.isatty():
        stream.write(plain(comparison))
        return
    console = Console(file=stream)
    width = min(console.width, WIDEST)

    def show(lines: list[str], style: str = "") -> None:
        console.print("\n".join(lines), style=style, highlight=False, markup=False)

    for text, tables in sections(comparison):
        for line in text:
            show(wrapped(line, width))
        show([""])
        for title, heads, rows in tables:
            head, *body = aligned([heads, *rows], width - 2)
            show(wrapped(title, width), "bold")
            show([f"  {head}"], "dim")
            show([*(f"  {line}" for line in body), ""])
    show(meanings(comparison, width))


def plain(comparison: Comparison) -> str:
    """Return a comparison as plain text."""
    lines: list[str] = []
    width = width_of_text()
    for text, tables in sections(comparison):
        lines += [part for line in text for part in wrapped(line, width)] + [""]
        for title, heads, rows in tables:
            table = aligned([heads, *rows], width - 2)
            lines += [*wrapped(title, width), *(f"  {line}" for line in table), ""]
    return "\n".join([*lines, *meanings(comparison, width)]) + "\n"


def sections(comparison: Comparison) -> list[tuple[list[str], list[Block]]]:
    """Return sentences and their tables: of what is few, of budgets that were matched, of scenarios."""
    budgets = [budgets_told(comparison)] if comparison.manifest.get("matching") else []
    caution = comparison.manifest.get("samples", {}).get("caution", "")
    few: list[tuple[list[str], list[Block]]] = [([caution], [])] if caution else []
    return (
        few
        + budgets
        + [
            (headline(comparison, name), [] if name in comparison.unchanged else blocks(comparison, name))
            for name in comparison.scenarios
        ]
    )


def budgets_told(comparison: Comparison) -> tuple[list[str], list[Block]]:
    """Say at which rates the scenarios' taxes raise the same, and what they raise."""
    matching = comparison.manifest["matching"]
    budgets = matching["scenarios"]
    seeds = len(matching["seeds"])
    told = (
        f"Budgets: taxes scaled to the {matching['kind']} revenue of {matching['to']}, mean of the first"
        f" {seeds} seeds, within {100 * matching['tolerance']:g} %. Static: on the baseline's bases, without"
        " behaviour; realised: in the runs, mean of all seeds."
    )
    text = [told]
    text += [
        f"{name} is not matched: {one['reason']}. Do not rank it by its effects."
        for name, one in budgets.items()
        if not one["feasible"]
    ]
    rows = []
    of_all = realised(comparison, matching["to"])
    for name, one in budgets.items():
        raised, static = realised(comparison, name), one["static_usd"]
        whole = budgets[matching["to"]]["static_usd"]
        rates = [f"  {path.removeprefix('policy.')}={_rate(rate)}" for path, rate in one["rates"].items()]
        rows += [
            [name, short_usd(round(static * MICRO)), _of(static, whole), short_usd(round(raised * MICRO)),
             _of(raised, of_all)],
            *([rate, "", "", "", ""] for rate in rates),
        ]  # fmt: skip
    title = (
        "Revenue, USD in the window: static on the baseline's bases, without behaviour; realised, all seeds"
    )
    return text, [(title, ["", "static", "of it", "realised", "of it"], rows)]


def _rate(rate: float | None) -> str:
    return "each country's" if rate is None else f"{rate:.4g}"


def realised(comparison: Comparison, scenario: str) -> float:
    """Return the USD that a scenario's matched taxes raised, mean over all seeds."""
    table = comparison.table[comparison.table["group"] == WORLD].set_index("metric")
    side = "baseline" if scenario == comparison.baseline else "value"
    if scenario != comparison.baseline:
        table = table[table["scenario"] == scenario]
    names = [f"{tax}_revenue" for tax in RATES]
    return float(sum(table[~table.index.duplicated()].reindex(names)[side].fillna(0.0)))


def _of(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def headline(comparison: Comparison, scenario: str) -> list[str]:
    """Say what is compared, and in words if nothing changes."""
    seeds = comparison.manifest["seeds"]
    runs = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}, so no intervals"
    text = [f"{scenario} compared with {comparison.baseline}: {comparison.manifest['days']} days, {runs}."]
    text += remarks.of_scenario(comparison.manifest, scenario)
    idle = comparison.manifest.get("idle", {}).get(scenario, [])
    if idle:
        whole = scenario in comparison.unchanged
        text.append((NULL if whole else IDLE).format(", ".join(idle)))
    early = comparison.manifest.get("early", {}).get(scenario, [])
    if early:
        text.append(EARLY.format(", ".join(early)))
    left = exits_told(comparison, scenario)
    if left:
        text.append(left)
    gone = users_told(comparison, scenario)
    if gone:
        text.append(gone)
    if scenario in comparison.unchanged:
        text.append("It changes nothing: every difference is exactly 0 in every seed.")
    else:
        text += [PAIRED] if len(seeds) > 1 else []
        text += [told for told in (paid_told(comparison, scenario), same_told(comparison, scenario)) if told]
    text += [told for told in (roster_told(comparison, scenario), rate_told(comparison, scenario)) if told]
    return text


def roster_told(comparison: Comparison, scenario: str) -> str:
    """Say to whom an income goes that has a fixed roster; nothing of any other."""
    return str(comparison.manifest.get("rosters", {}).get(scenario, ""))


def rate_told(comparison: Comparison, scenario: str) -> str:
    """Say that the rate set for an income is infeasible, how often, and what revenue came to."""
    table = comparison.table
    here = table[(table["scenario"] == scenario) & (table["group"] == WORLD)].set_index("metric")["value"]
    short, wanted, allowed = (
        float(here.get(f"income_rate_{name}", 0.0)) for name in ("short_share", "wanted", "allowed")
    )
    if not short > 0.0:
        return ""
    return (
        f"The rate of the income is infeasible: in {100 * short:.3g} % of recipients' months less was paid."
        f" Wanted were {wanted:.4g} USD a head and month; revenue came to {allowed:.4g} USD."
    )


def paid_told(comparison: Comparison, scenario: str) -> str:
    """Say that an income is paid once or twice only, and from when on; nothing if it is paid more often."""
    dates = comparison.manifest.get("paid", {}).get(scenario, [])
    if not 0 < len(dates) <= FEW_PAYMENTS:
        return ""
    return (
        f"The income is paid on {' and '.join(dates)} in these days, and can change what anybody does only"
        " from then on."
    )


def same_told(comparison: Comparison, scenario: str) -> str:
    """Name the headlines that are the same in every seed where others differ, and say what a median is."""
    table = comparison.table
    here = table[(table["scenario"] == scenario) & (table["group"] == WORLD)].set_index("metric")
    same = {
        metric: label
        for metric, label in HEADLINES
        if metric in here.index and here.at[metric, "baseline"] and not here.at[metric, "difference"]
        and not (here.at[metric, "low"] or here.at[metric, "high"])
    }  # fmt: skip
    if not same:
        return ""
    parts: dict[str, list[str]] = {}
    head = ""
    for metric, label in HEADLINES:
        head = head if label.startswith("  ") else label
        if metric in same:
            parts.setdefault(head, []).extend([label.strip()] * label.startswith("  "))
    names = [
        f"{head} ({'also ' * (head in same.values())}{' and '.join(more)})" if more else head
        for head, more in parts.items()
    ]
    text = f"The same in every seed, to the last bit (0): {'; '.join(names)}."
    return f"{text} {MEDIAN}" if any(metric.endswith("_median") for metric in same) else text


def exits_told(comparison: Comparison, scenario: str) -> str:
    """Say which platforms gave up how many countries; an empty text if none did."""
    table = comparison.exits
    here = table[table["scenario"] == scenario] if len(table) else table
    if not len(here):
        return ""
    counts = here.groupby("platform", sort=True)["country"].nunique()
    parts = [
        f"{platform} {count} {'country' if count == 1 else 'countries'}" for platform, count in counts.items()
    ]
    return (
        f"Given up for taxes or duties, wholly or by one side, in some seed: {', '.join(parts)} (exits.csv)."
    )


def users_told(comparison: Comparison, scenario: str) -> str:
    """Say how many users social platforms lose, and that assumptions decide it; nothing if they lose none."""
    table = comparison.table
    here = table[(table["scenario"] == scenario) & (table["metric"] == USERS_GONE)].set_index("group")
    gone = {str(group): 100 * float(share) for group, share in here["value"].items()}
    if not here["difference"].any():
        return ""
    parts = [f"{group} {gone[group]:.0f} %" for group in BY_GROUP if group in gone]
    let_go = comparison.incidence.query("scenario == @scenario and line == @LET_GO and group == @WORLD")
    told = f"Social platforms lose {gone[WORLD]:.0f} % of their users by the last month ({', '.join(parts)})."
    if not let_go["difference"].any():
        return told
    spreads = [
        f"{name} {terms['user_value_log_sigma']:g}"
        for name, terms in comparison.manifest.get("users", {}).items()
        if terms["drops_users"]
    ]
    return (
        f"{told} That is assumed, no finding: who brings less than the tax is let go"
        " (platforms.<name>.drops_users), and how many do hangs on how unequal users are said to be"
        f" (user_value_log_sigma: {', '.join(spreads)}; no source). Vary both before quoting it."
    )


def blocks(comparison: Comparison, scenario: str) -> list[Block]:
    """Return the tables of a scenario."""
    table = comparison.table[comparison.table["scenario"] == scenario]
    world = table[table["group"] == WORLD].set_index("metric")
    found: list[Block] = [
        (
            "World",
            ["", _base(comparison), "difference", "95 % interval"],
            [row(label, world.loc[metric]) for metric, label in headlines(world)],
        )
    ]
    rows = [
        row(
            f"{group}, hourly pay" if metric == OF_GROUPS[0][0] else f"  {OF_GROUPS[1][1]}",
            by_group.loc[group],
        )
        for group in GROUPS_TOLD
        for metric, _ in OF_GROUPS
        if group in (by_group := table[table["metric"] == metric].set_index("group")).index
    ]
    heads = ["", _base(comparison), "difference", "95 % interval"]
    found.append(("Groups (deciles: the same workers, by their hourly pay in both runs)", heads, rows))
    poverty = [row(label, one) for label, one in poverty_rows(table)]
    if poverty:
        found.append((POOR_TITLE, heads, poverty))
    apart = [row(label, one) for label, one in apart_rows(table)]
    if apart:
        found.append((APART_TITLE, heads, apart))
    found += [_incidence(comparison, scenario, name) for name in (CASH, SURPLUS)]
    return [*found, _segments(comparison, scenario)]


def headlines(world: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the headlines that a scenario has, by metric and label; ``world`` are its rows by metric."""
    return [
        (metric, label)
        for metric, label in HEADLINES
        if metric in world.index
        and (metric not in WITH_A_POLICY or world.at[metric, "baseline"] or world.at[metric, "value"])
    ]


def poverty_rows(table: pd.DataFrame) -> list[tuple[str, Any]]:
    """Return label and row of the comparison's table for groups of workers; none where nothing differs.

    Groups of countries are held against both lines. The table has both for all groups, and all deciles.
    """
    known, metrics = table.set_index(["group", "metric"]), [metric for metric, _ in POOR]
    if not table.loc[table["metric"].isin(metrics), ["difference", "low", "high"]].to_numpy().any():
        return []
    kinds = [name for name in dict.fromkeys(table["group"]) if name.startswith(SEGMENT)]
    wanted = [(group, *one) for group in BY_GROUP for one in POOR]
    wanted += [(group, metrics[0], "") for group in (*kinds, *GROUPS_TOLD[len(BY_GROUP) :])]
    return [
        (f"  {label}" if metric != metrics[0] else group, known.loc[(group, metric)])
        for group, metric, label in wanted
        if (group, metric) in known.index
    ]


def apart_rows(table: pd.DataFrame) -> list[tuple[str, Any]]:
    """Return label and row of the comparison's table for workers inside and outside of a reform's reach."""
    rows = table.set_index(["group", "metric"])
    return [
        (f"{group}, {label}" if metric == APART[0][0] else f"  {label}", rows.loc[(group, metric)])
        for groups in GROUPS.values()
        for group in groups
        for metric, label in APART
        if (group, metric) in rows.index
    ]


def _segments(comparison: Comparison, scenario: str) -> Block:
    """Return what each kind of workers gains in cash and in surplus."""
    money = comparison.incidence
    here = money[(money["scenario"] == scenario) & money["group"].str.startswith(SEGMENT)]
    rows = []
    for group in dict.fromkeys(here["group"]):
        lines = here[here["group"] == group].set_index(["table", "line"])
        cash, surplus = (
            amounts_told(*(float(lines.loc[key, name]) for name in ("difference", "low", "high")))
            for key in ((CASH, "workers"), (SURPLUS, ALL_LINES))
        )
        rows.append([str(group).removeprefix(SEGMENT), cash[0], *surplus])
    heads = ["", "cash", "surplus", "95 % interval"]
    return f"Kinds of workers, with {BESIDE_PAY}: USD in the window", heads, rows


def _base(comparison: Comparison) -> str:
    """Name the baseline's column, so short that numbers keep their room."""
    name = comparison.baseline
    return name if len(name) <= LONGEST_NAME else "baseline"


def _incidence(comparison: Comparison, scenario: str, name: str) -> Block:
    money = comparison.incidence
    here = money[(money["scenario"] == scenario) & (money["table"] == name) & (money["group"] == WORLD)]
    rows = []
    for _, line in here.iterrows():
        last = line["line"] == ALL_LINES
        if not last and not line["baseline"] and not line["value"]:
            continue
        change = amounts_told(*(float(line[column]) for column in ("difference", "low", "high")))
        cells = [*change, signed(float(line["world_usd_per_year"]))]
        if last and name == CASH and line["difference_microusd_all_seeds"] == 0:
            cells = ["exactly 0", "", ""]
        rows.append([SUMS[name] if last else str(line["line"]), *cells])
    if name == SURPLUS:
        rows += without_let_go(here.set_index("line"))
    return TITLES[name], ["", "difference", "95 % interval", "world, a year"], rows


def without_let_go(lines: Any) -> list[list[str]]:
    """Return what all surplus is without its most doubtful line, where there is anything on it."""
    if not lines.loc[LET_GO, "difference"]:
        return []
    usd, a_year = (
        float(lines.loc[ALL_LINES, name] - lines.loc[LET_GO, name])
        for name in ("difference", "world_usd_per_year")
    )
    nan = float("nan")
    return [[f"  without {LET_GO}", amounts_told(usd, nan, nan)[0], "", signed(a_year)]]


def meanings(comparison: Comparison, width: int) -> list[str]:
    """Say what each line of the tables of incidence means, if there are such tables."""
    if set(comparison.scenarios) <= set(comparison.unchanged):
        return []
    told = ["What the lines mean"]
    scale = comparison.manifest.get("scale")
    sentences = [SORTED]
    if scale:
        sentences.append(
            f"World, a year: times {scale:,.0f} persons a worker (workers.real_count, assumed: sources say 5"
            " to 19 million people), times 365 over the days."
        )
    warmup = int(comparison.manifest["warmup_days"])
    if warmup < DAYS_TO_REST:
        sentences.append(
            f"The market comes to rest in four to five months, which {warmup} days of warm-up do not cover."
            " Scenarios share the drift; levels do not stay."
        )
    money = comparison.incidence
    for name, title in ((CASH, "cash"), (SURPLUS, "surplus")):
        here = money[(money["table"] == name) & (money["group"] == WORLD)]
        moved = here[(here["baseline"] != 0) | (here["value"] != 0) | (here["line"] == ALL_LINES)]
        for line, meaning in dict(zip(moved["line"], moved["meaning"], strict=True)).items():
            sentences.append(f"{title}, {line}: {meaning}.")
    return told + [part for text in sentences for part in wrapped(text, width, "  ", "    ")]


def row(label: str, found: Any) -> list[str]:
    """Return label, baseline, difference and interval of a row of the comparison's table."""
    unit = str(found["unit"])
    numbers = [float(found[name]) for name in ("baseline", "difference", "low", "high")]
    mark = "%" if unit == "share" else unit
    if unit == "share":
        numbers = [100 * number for number in numbers]
    value, difference, low, high = numbers
    if math.isnan(difference):  # one side has none: there is nothing to hold it against
        return [f"{label} ({mark})", MISSING if math.isnan(value) else f"{value:,.4g}", MISSING, ""]
    if unit == "USD" and abs(value) >= LARGE:
        return [f"{label} ({mark})", short_usd(round(value * MICRO)), *amounts_told(difference, low, high)]
    digits = decimals(difference, low, high)
    before = f"{value:,.{min(digits, figures(value, FIGURES))}f}"
    if unit == "USD":
        return [f"{label} ({mark})", before, *amounts_told(difference, low, high)]
    return [f"{label} ({mark})", before, *spelled(digits, difference, low, high)]


def amounts_told(difference: float, low: float, high: float) -> tuple[str, str]:
    """Spell a difference of money and its interval: thousands and more in short."""
    if max(abs(difference), *(0.0 if math.isnan(bound) else abs(bound) for bound in (low, high))) < LARGE:
        return spelled(decimals(difference, low, high), difference, low, high)
    return signed(difference), "" if math.isnan(low) else f"{signed(low)} to {signed(high)}"


def spelled(digits: int, difference: float, low: float, high: float) -> tuple[str, str]:
    """Spell a difference and its interval with so many decimals; no interval where there is none."""
    parts = [spell(number, digits) for number in (difference, low, high)]
    return parts[0], "" if math.isnan(low) else f"{parts[1]} to {parts[2]}"


def decimals(difference: float, low: float, high: float) -> int:
    """Return how many decimals a difference is worth: two figures of its uncertainty, no more than four."""
    half = 0.0 if math.isnan(low) else (high - low) / 2
    largest = max(abs(difference), half)
    if not largest:
        return FIGURES
    return min(figures(largest, FIGURES), figures(half, 2) if half else FIGURES)


def figures(number: float, count: int) -> int:
    """Return the decimals that show so many figures of a number; of 0, two decimals."""
    return max(0, count - 1 - math.floor(math.log10(abs(number)))) if number else 2


def spell(number: float, digits: int) -> str:
    """Spell a difference with its sign."""
    if number == 0:
        return "0"
    return f"{number:+.0e}" if digits > MOST_DECIMALS else f"{number:+,.{digits}f}"


def signed(usd: float) -> str:
    """Spell an amount in short, with its sign."""
    return "0" if usd == 0 else ("+" if usd > 0 else "") + short_usd(round(usd * MICRO))
