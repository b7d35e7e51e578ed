"""Figures of a made-up comparison: marks stand where the table says, and all of it can be read."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import sim.figures.comparison
from sim.figures import style, tile_map
from sim.figures.comparison import (
    ALL,
    FOREST,
    INCOME,
    MOST_SCENARIOS,
    NOBODY,
    NOTHING,
    OF_SCENARIOS,
    draw_comparison,
    public_money_told,
)
from sim.ledger import KINDS
from sim.outcomes.indicators import INDICATORS
from sim.study.compare import Comparison
from sim.study.measure import METRICS
from sim.study.told import HEADLINES
from sim.world import load_world
from tests.conftest import Exercised
from tests.figures.legible import assert_no_text_overlaps, texts
from tests.support.planting import planted

GROUPS = ["world", "segment casual", "segment first_income", "segment graduate", "segment home"]
GROUPS += ["segment side_job", "mixed", "north", "south", *(f"pay decile {n}" for n in range(1, 11))]
CODES = ("USA", "CHN", "IND", "FRA", "XYZ", "KEN")
SECTORS_OF = {kind: (debit, credit) for kind, debit, credit in KINDS}
LONG = "profit_tax+turnover_tax+usage_tax+universal_income"


def made_up(*names: str, seeds: int = 5, scale: float = 1.0, unchanged: tuple[str, ...] = ()) -> Comparison:
    """A comparison of some scenarios in which everything changes by a known amount."""
    random = np.random.default_rng(len(names))
    rows = []
    for name in names:
        for metric in [metric for metric, _ in FOREST] + ["tax_revenue"]:
            for group in GROUPS if metric == INCOME else GROUPS[:1]:
                base = 0.0 if metric == "tax_revenue" else float(random.uniform(1, 90))
                change = 0.0 if name in unchanged else scale * base * float(random.uniform(-0.2, 0.1))
                half = abs(change) * 0.5 if seeds > 1 else float("nan")
                rows.append(
                    (
                        name,
                        metric,
                        group,
                        base,
                        base + change,
                        change,
                        change - half,
                        change + half,
                        "x",
                        seeds,
                    )
                )
    columns = [
        "scenario",
        "metric",
        "group",
        "baseline",
        "value",
        "difference",
        "low",
        "high",
        "unit",
        "seeds",
    ]
    manifest: dict[str, Any] = {
        "baseline": "none",
        "scenarios": dict.fromkeys(("none", *names), ""),
        "seeds": list(range(7, 7 + seeds)),
        "start": "2019-01-07",
        "days": 365,
        "warmup_days": 30,
        "workers": 20_000,
        "version": "0.1.0",
        "comparison_id": "0123456789abcdef",
        "unchanged": list(unchanged),
    }
    table = pd.DataFrame(rows, columns=columns)
    return Comparison(
        Path("nowhere"),
        manifest,
        table,
        pd.DataFrame(),
        pd.DataFrame(),
        money(names),
        transfers(names, scale),
    )


def money(names: tuple[str, ...]) -> pd.DataFrame:
    """Flows of the baseline, and of scenarios in which a tenth of the fees is a tax."""
    kinds = (("funding", 900), ("posting", 900), ("reward", 700), ("payout", 650), ("requester_fee", 200))
    rows = [
        (name, kind, *SECTORS_OF[kind], amount * 10**9)
        for name in ("none", *names)
        for kind, amount in (*kinds, *((("usage_tax", 20),) if name != "none" else ()))
    ]
    columns = ["scenario", "kind", "debit_sector", "credit_sector", "amount_microusd"]
    return pd.DataFrame(rows, columns=columns)


def transfers(names: tuple[str, ...], scale: float = 1.0) -> pd.DataFrame:
    """Net public transfers: one country pays, the others receive, of the last one it is not sure."""
    rows = []
    for name in names:
        for number, code in enumerate(CODES):
            change = scale * (-0.3 if code == "USA" else 0.02 * number)
            half = abs(change) * (2.0 if code == CODES[-1] else 0.1)
            rows.append((name, code, 0.0, change, change, change - half, change + half, 5))
    columns = ["scenario", "country", "baseline", "value", "difference", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


VARIANTS = {
    "one": made_up("usage_tax"),
    "two": made_up("profit_tax+universal_income", "usage_tax+universal_income"),
    "three": made_up("a", LONG, "b"),
    "many": made_up(*(f"scenario number {n}" for n in range(MOST_SCENARIOS + 2))),
    "one seed": made_up("usage_tax", seeds=1),
    "tiny": made_up("usage_tax", scale=1e-7),
    "large": made_up("usage_tax", scale=1e3),
    "partly unchanged": made_up("a", "b", unchanged=("a",)),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_every_text_can_be_read(name: str, variant: str) -> None:
    with matplotlib.rc_context():
        figure = ALL[name](VARIANTS[variant])
        assert_no_text_overlaps(figure, at_least=10)
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    assert figure.get_figwidth() in (style.COLUMN, style.PAGE)


def caption(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


@pytest.mark.parametrize("name", ALL)
def test_captions_say_what_a_figure_rests_on(name: str) -> None:
    found = caption(ALL[name](VARIANTS["many"]))
    assert (
        "baseline none, 20,000 workers, 365 days from 2019-02-06 after 30 of warm-up, 5 seeds (7 to 11)"
        in found
    )
    assert f"Not drawn: scenario number {MOST_SCENARIOS}, scenario number {MOST_SCENARIOS + 1}." in found
    assert "95 % intervals" not in caption(ALL[name](VARIANTS["one seed"]))


@pytest.mark.parametrize("name", ALL)
def test_nothing_changed_is_said_in_words(name: str) -> None:
    figure = ALL[name](made_up("a", "b", unchanged=("a", "b")))
    assert figure.axes == [] and NOTHING in caption(figure)


def test_incomes_that_do_not_change_are_said_in_words(exercised: Exercised) -> None:
    """A scenario that changes the market, and no income, leaves no empty panel; one that does has bars."""
    comparison = made_up("a", "b")
    still = (comparison.table["metric"] == INCOME) & (comparison.table["scenario"] == "a")
    comparison.table.loc[still, ["difference", "low", "high"]] = 0.0
    figure = ALL["winners"](comparison)
    told = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert told == [[NOBODY], [NOBODY], [], []], told
    assert_no_text_overlaps(figure, at_least=10)
    exercised("panels", len(told), 4)


def test_forest_marks_stand_at_percents_of_the_baseline(exercised: Exercised) -> None:
    comparison = VARIANTS["two"]
    figure = ALL["forest"](comparison)
    (axes,) = figure.axes
    world = comparison.table[comparison.table["group"] == "world"].set_index(["scenario", "metric"])
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [one for one in axes.collections if isinstance(one, LineCollection)][: len(marks) + 1]
    bars = [one for one in bars if len(one.get_segments()) == len(FOREST)]
    assert [line.get_label() for line in marks] == comparison.scenarios
    count = 0
    for line, bar in zip(marks, bars, strict=True):
        for place, (metric, _) in enumerate(FOREST):
            row = world.loc[(str(line.get_label()), metric)]
            assert np.asarray(line.get_xdata())[place] == pytest.approx(
                100 * row["difference"] / row["baseline"]
            )
            ends = np.asarray(bar.get_segments()[place])[:, 0]
            np.testing.assert_allclose(ends, 100 * np.array([row["low"], row["high"]]) / row["baseline"])
            assert round(float(np.asarray(line.get_ydata())[place])) == place
            count += 1
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [label for _, label in FOREST], "what has no baseline has no percents"
    exercised("marks", count, at_least=20)


def test_bars_are_as_high_as_the_table_says(exercised: Exercised) -> None:
    comparison = VARIANTS["partly unchanged"]
    left, right = ALL["winners"](comparison).axes
    table = comparison.table[comparison.table["metric"] == INCOME].set_index(["scenario", "group"])[
        "difference"
    ]
    groups = ["north", "south", "mixed", *(group for group in GROUPS if group.startswith("segment "))]
    count = 0
    for axes, names in ((left, [f"pay decile {n}" for n in range(1, 11)]), (right, groups)):
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert [bar.get_height() for bar in bars] == pytest.approx([table["b", name] for name in names])
        for bar in bars:
            wanted = style.BLUE if bar.get_height() >= 0 else style.VERMILLION
            assert matplotlib.colors.to_hex(bar.get_facecolor()) == style.tint(wanted, 0.6)
        count += len(bars)
    written = [text.get_text().replace("\n", "_") for text in right.get_xticklabels()]
    assert written == [group.removeprefix("segment ") for group in groups]
    exercised("bars", count, at_least=18)


def test_figures_are_written_twice_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "PNG_DPI", 60)
    first, second = (draw_comparison(VARIANTS["two"], tmp_path / name) for name in "ab")
    scenarios = [f"{n:02d}-{name}" for n, name in enumerate(("none", *VARIANTS["two"].scenarios))]
    names = ["forest", "winners", f"money-{scenarios[0]}"]
    names += [f"{what}-{name}" for name in scenarios[1:] for what in ("transfers", "money")]
    assert [path.name for path in first] == [f"{name}.{end}" for name in names for end in ("png", "svg")]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


# ---------------------------------------------------------------- a scenario's own figures


@pytest.mark.parametrize("variant", ["two", "three", "tiny", "large", "one seed"])
@pytest.mark.parametrize("name", OF_SCENARIOS)
def test_every_text_of_a_scenario_can_be_read(name: str, variant: str) -> None:
    comparison = VARIANTS[variant]
    for scenario in comparison.scenarios:
        with matplotlib.rc_context():
            figure = OF_SCENARIOS[name](comparison, scenario)
            assert_no_text_overlaps(figure, at_least=8)
        assert min(text.get_fontsize() for text in texts(figure)) >= 5
        assert "Bars:" not in caption(figure) and "clickmarket 0.1.0; comparison 0123456789ab" in caption(
            figure
        )


def check_tiles(module: Any) -> int:
    """Who receives is blue and who pays is red, the more the darker; numbers are the table's."""
    values = {"USA": -300.0, "CHN": 0.0, "IND": 3.0, "FRA": 30.0, "XYZ": 250.0}
    figure = style.new_figure(style.PAGE, 3.0, "")
    axes = figure.subplots()
    colors = module.draw_tiles(axes, values, ["FRA"], 300.0)
    tiles = {str(one.get_gid())[5:]: one for one in axes.patches if str(one.get_gid()).startswith("tile ")}
    assert list(tiles) == list(values)
    shades = {code: matplotlib.colors.to_rgb(tile.get_facecolor()) for code, tile in tiles.items()}
    assert shades["USA"][0] > shades["USA"][2] and shades["FRA"][2] > shades["FRA"][0]
    assert max(shades["CHN"]) - min(shades["CHN"]) < 0.02, "nothing is neither"
    darkness = [1 - sum(shades[code]) / 3 for code in ("CHN", "IND", "FRA", "XYZ")]
    assert darkness == sorted(darkness) and darkness[1] > darkness[0] + 0.03, "a hundredth can be seen"
    assert (colors.norm.vmin, colors.norm.vmax) == (-300, 300), "as far down as up"
    written = [text.get_text() for text in axes.texts]
    assert written == ["USA", "-300", "CHN", "0", "IND", "+3.0", "FRA", "(+30)", "XYZ", "+250"]
    place = {code: (tile.get_x(), tile.get_y()) for code, tile in tiles.items()}
    assert place["USA"][0] < place["FRA"][0] < place["IND"][0] < place["CHN"][0]
    assert place["XYZ"][1] < min(y for code, (_, y) in place.items() if code != "XYZ"), "no place: below"
    assert len(axes.patches) == len(module.COUNTRIES) + 1, "all other countries are pale"
    return len(tiles)


def test_tiles(exercised: Exercised) -> None:
    exercised("tiles", check_tiles(tile_map), at_least=5)


def check_places(module: Any) -> int:
    """In no world do two countries share a tile, and all built-in countries have one."""
    count = 0
    for name in ("global", "mturk_2015", "six_regions", "north_south"):
        codes = load_world(name).codes
        places = module.placed(codes)
        assert len(set(places.values())) == len(codes) and set(codes) <= set(module.PLACES), name
        assert all(0 <= column < module.COLUMNS for column, _ in places.values())
        count += len(codes)
    many = module.placed([f"N{number:02d}" for number in range(40)] + ["USA"])
    assert len(set(many.values())) == 41
    return count


def test_places(exercised: Exercised) -> None:
    exercised("places", check_places(tile_map), at_least=60)


def test_transfers_are_the_tables(exercised: Exercised) -> None:
    """USD per resident where there are whole dollars, otherwise per thousand residents."""
    count = 0
    for variant, factor, unit in (("two", 1000, "USD per 1,000 residents"), ("large", 1, "USD per resident")):
        comparison = VARIANTS[variant]
        scenario = comparison.scenarios[0]
        figure = OF_SCENARIOS["transfers"](comparison, scenario)
        axes, bar = figure.axes
        table = comparison.countries[comparison.countries["scenario"] == scenario]
        shown = [text.get_text() for text in axes.texts]
        for code, value in zip(table["country"], table["difference"], strict=True):
            text = tile_map.short(factor * value)
            assert shown[shown.index(code) + 1] == (f"({text})" if code == CODES[-1] else text)
            count += 1
        assert bar.get_xlabel() == f"{unit} and year"
    exercised("values on tiles", count, at_least=12)


def with_public_money(taxes: float, contributions: float) -> Comparison:
    """A comparison of a scenario with taxes and contributions of so many USD; the baseline has none."""
    comparison = made_up("a")
    one = comparison.table[comparison.table["metric"] == "tax_revenue"]
    more = [
        one.assign(metric=metric, value=usd, difference=usd)
        for metric, usd in (("tax_revenue", taxes), ("contributions_revenue", contributions))
    ]
    rest = comparison.table[comparison.table["metric"] != "tax_revenue"]
    return replace(comparison, table=pd.concat([rest, *more], ignore_index=True))


def check_public_money(tell: Callable[[Comparison, str], str]) -> None:
    """The caption of the map names taxes and contributions where there are some."""
    both, taxes, contributions = (
        tell(with_public_money(*usd), "a") for usd in ((5.0, 2.0), (5.0, 0.0), (0.0, 2.0))
    )
    assert both.startswith("Taxes and employers' contributions that a country's treasury receives")
    assert "rewards" in both and "pool" in both and "rewards" in contributions
    assert taxes.startswith("Taxes that") and "ontributions" not in taxes and "pool" in taxes
    assert contributions.startswith("Employers' contributions that")
    assert "axes" not in contributions and "pool" not in contributions
    assert tell(made_up("a"), "a") == taxes, "of comparisons that know of no contributions"


def test_the_map_names_the_public_money_that_there_is() -> None:
    check_public_money(public_money_told)
    comparison = with_public_money(0.0, 2.0)
    with matplotlib.rc_context():
        shown = caption(OF_SCENARIOS["transfers"](comparison, "a")).replace("\n", " ")
    assert shown.startswith(public_money_told(comparison, "a"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if not contributions:", "if True:"),
        ("if not taxes:", "if False:"),
        ('("tax_revenue", "contributions_revenue")', '("contributions_revenue", "tax_revenue")'),
    ],
)
def test_a_caption_with_a_planted_bug_is_noticed(old: str, new: str) -> None:
    with pytest.raises(AssertionError):
        check_public_money(planted(sim.figures.comparison, old, new).public_money_told)


def test_one_wording_of_what_is_received(exercised: Exercised) -> None:
    """What counts beside net pay is called the same in every figure and definition."""
    figure = ALL["winners"](VARIANTS["one"])
    title = figure.get_suptitle()
    labels = [label for _, label in FOREST]
    names = ("worker_poverty_after_transfers", "worker_relative_poverty_after_transfers")
    found = [title, labels[[metric for metric, _ in FOREST].index(INCOME)]]
    found += [INDICATORS[name].definition for name in names]
    found += [METRICS[INCOME].definition, *(label for name, label in HEADLINES if name in (INCOME, *names))]
    assert all("incomes, shifts, dividends" in text.replace("\n", " ") for text in found), found
    exercised("texts", len(found), at_least=8)


def test_money_of_a_scenario_and_nothing() -> None:
    comparison = VARIANTS["two"]
    gids = {
        patch.get_gid()
        for patch in OF_SCENARIOS["money"](comparison, comparison.scenarios[0]).axes[0].patches
    }
    assert "platforms to governments" in gids
    base = {patch.get_gid() for patch in OF_SCENARIOS["money"](comparison, "none").axes[0].patches}
    assert base - {None} == gids - {None, "platforms to governments"}
    nothing = made_up("a", unchanged=("a",), scale=0.0)
    assert "No public money moves" in caption(OF_SCENARIOS["transfers"](nothing, "a"))
    assert "No money moved." in caption(OF_SCENARIOS["money"](nothing, "another"))


TILE_PLANTS = [
    ("as_color(np.array([value]))", "as_color(np.array([-value]))", check_tiles),
    ("linthresh=top / FLAT", "linthresh=1000 * top", check_tiles),
    ('if code in bracketed else spell(value)', 'if False else spell(value)', check_tiles),
    ("(column, -row), SIDE, -SIDE, facecolor=color", "(0, -row), SIDE, -SIDE, facecolor=color", check_tiles),
    ("lowest + 2 + number // COLUMNS", "lowest - 2 - number // COLUMNS", check_tiles),
    ('"CHN": (13, 2)', '"CHN": (13, 3)', check_places),
    ("number % COLUMNS, ", "0, ", check_places),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "check"), TILE_PLANTS)
def test_planted_bugs_are_noticed(old: str, new: str, check: Any) -> None:
    path = Path(tile_map.__file__)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    module = types.ModuleType("tile_map_with_a_bug")
    exec(compile(text.replace(old, new), str(path), "exec"), module.__dict__)
    with pytest.raises(AssertionError):
        check(module)
