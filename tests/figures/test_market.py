"""Figures of a made-up year: what is drawn is what the tables say, all of it legible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, StepPatch

from sim.figures import style
from sim.figures.market import ALL, OTHERS, caption_of, draw_all, sankey_flows, save_all, sector_flows
from sim.outcomes.frames import COLUMNS, FrameSet
from sim.outcomes.indicators import WORKING, summary
from sim.study.result import load, write_json, write_manifest, write_recorded, write_text
from tests.figures import synthetic
from tests.figures.legible import assert_no_text_overlaps, texts
from tests.figures.synthetic import MadeUpWorld

WORLD = synthetic.world()
CAPTION = style.caption_text(
    workers=6000,
    requesters=200,
    days=364,
    start="2019-02-04",
    seed=7,
    version="0.1.0",
    config_hash="3f2a1b9c77d1",
)


@pytest.fixture(scope="module")
def year() -> FrameSet:
    return synthetic.frames()


def few_days(frames: FrameSet) -> FrameSet:
    series = frames.series[frames.series["day"] < 9]
    return replace(frames, series=series)


def one_country(frames: FrameSet) -> FrameSet:
    return FrameSet(
        **{
            name: table[table["country"] == "USA"] if "country" in table else table
            for name, table in ((name, getattr(frames, name)) for name in COLUMNS)
        }
    )


def large(frames: FrameSet) -> FrameSet:
    """A market 40 000 times as large, with every sector that a ledger knows."""
    flows = frames.flows.assign(amount_microusd=frames.flows["amount_microusd"] * 40_000)
    usd = int(flows["amount_microusd"].sum()) // 60
    more = [
        ("2019-05", "usage_tax", "platforms", "governments", "USA", "FRA", usd // 4),
        ("2019-05", "income", "governments", "workers", "FRA", "FRA", usd // 8),
        ("2019-05", "hiring", "governments", "requesters", "FRA", "FRA", usd // 9),
        ("2019-05", "capital", "outside", "platforms", "USA", "USA", usd // 5),
        ("2019-05", "advertising", "outside", "audience", "USA", "USA", usd // 5),
        ("2019-05", "booking", "platforms", "havens", "USA", "", usd // 3),
        ("2019-05", "royalty", "requesters", "commons_fund", "USA", "", usd // 3),
        ("2019-05", "royalty", "commons_fund", "workers", "", "IND", usd // 4),
        ("2019-05", "dividend", "cooperative_fund", "workers", "", "IND", usd // 7),
        ("2019-05", "surplus", "platforms", "cooperative_fund", "", "IND", usd // 6),
        ("2019-05", "spending", "owners", "outside", "USA", "USA", usd // 2),
        ("2019-05", "broker_spending", "collectives", "outside", "IND", "IND", usd // 30),
    ]
    scaled = {
        column: frames.series[column] * 40_000
        for column, kind in COLUMNS["series"].items()
        if kind.type == "int64"
    }
    extra = pd.DataFrame(more, columns=list(flows))
    return replace(frames, flows=pd.concat([flows, extra]), series=frames.series.assign(**scaled))


def one_day(frames: FrameSet) -> FrameSet:
    return replace(frames, series=frames.series[frames.series["day"] == 3])


def idle_day(frames: FrameSet) -> FrameSet:
    """A day on which nobody earned and nobody worked, as the first of a tiny market may be."""
    nothing: Any = dict.fromkeys((*WORKING, "pay_microusd", "tasks_accepted"), 0)
    return replace(frames, series=one_day(frames).series.assign(**nothing))


VARIANTS: dict[str, Callable[[FrameSet], FrameSet]] = {
    "year": lambda frames: frames,
    "one_day": one_day,
    "idle_day": idle_day,
    "few_days": few_days,
    "one_country": one_country,
    "large": large,
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_no_text_overlaps_or_is_cut_off(year: FrameSet, name: str, variant: str) -> None:
    assert_legible(ALL[name](VARIANTS[variant](year), WORLD, CAPTION))


def assert_legible(figure: Figure) -> None:
    """No text lies on another or leaves the figure."""
    with matplotlib.rc_context():
        assert_no_text_overlaps(figure, at_least=6)


@pytest.mark.parametrize("name", ALL)
def test_text_is_legible_at_column_width(year: FrameSet, name: str) -> None:
    figure = ALL[name](year, WORLD, CAPTION)
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    assert figure.get_figwidth() in (style.COLUMN, style.PAGE)


@pytest.mark.parametrize("name", ALL)
def test_captions_are_on_every_figure(year: FrameSet, name: str) -> None:
    for frames in (year, synthetic.nothing()):
        figure = ALL[name](frames, WORLD, CAPTION)
        written = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
        assert CAPTION in written


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_empty_tables_make_a_figure_that_says_so(name: str, typed: bool) -> None:
    figure = ALL[name](synthetic.nothing(typed), WORLD, CAPTION)
    assert any(text.get_text().startswith("No ") for text in figure.texts)
    assert figure.axes == []


def test_clock_shows_the_shares_of_each_region(year: FrameSet) -> None:
    figure = ALL["clock"](year, WORLD, CAPTION)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(panels) == ["World", "North America", "Europe", "Asia", "South America", "Africa", "Oceania"]
    asia = year.clock[year.clock["country"].isin(["IND", "PHL", "BGD", "IDN"])].groupby("utc_hour").sum()
    steps = panels["Asia"].findobj(StepPatch)[0]
    assert isinstance(steps, StepPatch)
    np.testing.assert_allclose(steps.get_data().values, 100 * asia["posted"] / asia["posted"].sum())
    drawn = np.asarray(panels["Asia"].lines[0].get_ydata())
    np.testing.assert_allclose(drawn[1:25], 100 * asia["active"] / asia["active"].sum())
    assert drawn[0] == drawn[24]
    assert drawn[25] == drawn[1]
    share = asia["active"].sum() / year.clock["active"].sum()
    assert any(f"{share:.0%} of workers on duty" in text.get_text() for text in panels["Asia"].texts)


def test_clock_leaves_out_what_is_hardly_there(year: FrameSet) -> None:
    """A region that posts next to nothing has no day to speak of; its spike must not set the scale."""
    clock = year.clock.copy()
    brazil_and_venezuela = clock["country"].isin(["BRA", "VEN"])
    clock["posted"] = clock["posted"].where(~brazil_and_venezuela, (clock["utc_hour"] == 13) * 1000)
    full = ALL["clock"](year, WORLD, CAPTION).axes
    bare = ALL["clock"](replace(year, clock=clock), WORLD, CAPTION).axes
    assert bare[0].get_ylim()[1] == pytest.approx(full[0].get_ylim()[1], rel=0.1)
    panel = next(axes for axes in bare if axes.get_title(loc="left") == "South America")
    steps = panel.findobj(StepPatch)[0]
    assert isinstance(steps, StepPatch)
    assert np.isnan(steps.get_data().values).all()
    assert np.isfinite(np.asarray(panel.lines[0].get_ydata())).all()
    assert panel.texts[0].get_text().startswith("<1% of tasks (not drawn), ")


def test_clock_draws_no_curve_of_too_few_workers(year: FrameSet) -> None:
    asians = year.workers["country"].isin(["IND", "PHL", "BGD", "IDN"])
    few = replace(year, workers=pd.concat([year.workers[~asians], year.workers[asians].head(199)]))
    enough = replace(year, workers=pd.concat([year.workers[~asians], year.workers[asians].head(200)]))
    for frames, drawn in ((few, False), (enough, True), (replace(year, workers=year.workers.head(0)), True)):
        figure = ALL["clock"](frames, WORLD, CAPTION)
        panel = next(axes for axes in figure.axes if axes.get_title(loc="left") == "Asia")
        assert np.isfinite(np.asarray(panel.lines[0].get_ydata())).all() == drawn
        assert panel.texts[0].get_text().endswith("workers: n < 200") != drawn


def test_pay_histograms_hold_all_workers_once(year: FrameSet) -> None:
    figure = ALL["pay"](year, WORLD, CAPTION)
    counts = year.workers["country"].value_counts()
    names = dict(zip(WORLD.codes, WORLD.names, strict=True))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [names[code] for code in counts.index[:6]]
    for axes in figure.axes:
        steps = axes.findobj(StepPatch)[0]
        assert isinstance(steps, StepPatch)
        assert steps.get_data().values.sum() == pytest.approx(1)
        assert axes.get_xscale() == "log"
    usa = next(axes for axes in figure.axes if axes.get_title(loc="left") == "United States")
    alone = FrameSet(workers=year.workers[year.workers["country"] == "USA"])
    found = summary(alone, WORLD)
    written = "".join(text.get_text() for text in reversed(usa.texts))
    assert f"median {found['pay_all_in_median']['value']:.2f}" in written
    assert f"{found['share_below_minimum_wage']['value']:.0%} below minimum wage 7.25" in written
    verticals = [list(line.get_xdata()) for line in usa.lines]
    assert [7.25, 7.25] in verticals


def test_countries_without_a_minimum_wage_say_so(year: FrameSet) -> None:
    world = replace(WORLD, minimum_wage_usd=(0.0,) * len(WORLD.codes))
    figure = ALL["pay"](year, world, CAPTION)
    assert all(any("no minimum wage" in text.get_text() for text in axes.texts) for axes in figure.axes)


def test_small_countries_are_not_drawn(year: FrameSet) -> None:
    small = FrameSet(workers=year.workers[year.workers["country"].isin(["MDG", "ITA", "AUS"])])
    figure = ALL["pay"](small, WORLD, CAPTION)
    assert "No country has 200 workers" in figure.texts[-1].get_text()


def test_lorenz_curves_carry_their_gini(year: FrameSet) -> None:
    idle = year.workers.head(300).assign(pay_microusd=0, idle_seconds=0, **dict.fromkeys(WORKING, 0))
    year = replace(year, workers=pd.concat([year.workers, idle]))
    figure = ALL["lorenz"](year, WORLD, CAPTION)
    written = [text.get_text() for text in figure.axes[0].texts]
    found = summary(year, WORLD)
    assert f"Income, all workers: Gini {found['gini_income']['value']:.2f}" in written
    assert f"Hourly pay, all workers: Gini {found['gini_pay']['value']:.2f}" in written
    south = year.workers["country"].map(dict(zip(WORLD.codes, WORLD.group, strict=True))) == "south"
    part = summary(FrameSet(workers=year.workers[south]), WORLD)["gini_income"]["value"]
    assert f"Income, South: Gini {part:.2f}" in written
    for line in figure.axes[0].lines[1:]:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((0, 0, 100, 100))
        assert (y <= x + 1e-9).all()


def test_bands_are_as_wide_as_the_ledger_says(year: FrameSet) -> None:
    frames = large(year)
    figure = ALL["money"](frames, WORLD, CAPTION)
    drawn = {}
    for patch in figure.axes[0].patches:
        if isinstance(patch, Polygon):
            outline = patch.get_xy()[:-1]
            half = len(outline) // 2
            widths = outline[half:][::-1, 1] - outline[:half, 1]
            assert np.ptp(widths) <= 1e-6 * widths[0]
            drawn[patch.get_gid()] = widths[0]
    total = frames.flows.groupby(["debit_sector", "credit_sector"])["amount_microusd"].sum()
    for (debit, credit), amount in total.items():  # type: ignore[misc]
        if "rounding" not in (debit, credit):
            source = "budgets" if debit == "outside" else debit
            target = "spending" if credit == "outside" else credit
            assert drawn.pop(f"{source} to {target}") == pytest.approx(amount, rel=1e-9)
    assert drawn == {}
    assert any("Not drawn: escrow to rounding" in text.get_text().replace("\n", " ") for text in figure.texts)


def test_sums_by_sector(year: FrameSet) -> None:
    found = sector_flows(year.flows)
    assert sum(found.values()) == year.flows["amount_microusd"].sum()
    fee = year.flows[year.flows["kind"] == "requester_fee"]["amount_microusd"].sum()
    assert found["escrow", "platforms"] == fee


def test_matrix_writes_every_flow(year: FrameSet) -> None:
    axes = ALL["matrix"](year, WORLD, CAPTION).axes[0]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    columns = [text.get_text() for text in axes.get_xticklabels()]
    written = {
        (rows[int(text.get_position()[1])], columns[int(text.get_position()[0])]): text.get_text()
        for text in axes.texts
    }
    flows = sector_flows(year.flows)
    assert "million" in axes.get_xlabel()
    for pair, amount in flows.items():
        value = amount / 1e12
        assert written.pop(pair) == (f"{value:.2f}" if value >= 0.005 else "<.01")
    paid = sum(amount for (debit, _), amount in flows.items() if debit == "pending") / 1e12
    assert written["pending", "paid"] == f"{paid:.2f}"
    assert {pair for pair in written if "paid" not in pair and "received" not in pair} == set()


def test_weeks_hold_seven_days_each(year: FrameSet) -> None:
    cut = replace(year, series=year.series[year.series["day"] < 7 * 10 + 3])
    panels = ALL["series"](cut, WORLD, CAPTION).axes
    first = year.series[year.series["day"] < 7]
    groups = dict(zip(WORLD.codes, WORLD.group, strict=True))
    north = first[first["country"].map(groups) == "north"]["active_workers"].sum() / 7
    assert np.asarray(panels[0].lines[0].get_ydata())[0] == pytest.approx(north)
    assert [len(np.asarray(line.get_ydata())) for line in panels[1].lines] == [10, 10, 10]
    assert panels[1].get_title(loc="left") == "Tasks per week (thousand)"
    done = np.asarray(panels[1].lines[1].get_ydata())[0]
    assert done == pytest.approx(first["requester_done"].sum() / 1000)
    cents = 100 * first["pay_microusd"].sum() / 1e6 / first["tasks_accepted"].sum()
    assert np.asarray(panels[2].lines[0].get_ydata())[0] == pytest.approx(cents)
    hours = (
        first[["paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds"]].sum().sum() / 3600
    )
    all_in = np.asarray(panels[3].lines[1].get_ydata())[0]
    assert all_in == pytest.approx(first["pay_microusd"].sum() / 1e6 / hours)


def test_few_days_are_shown_day_by_day(year: FrameSet) -> None:
    panels = ALL["series"](few_days(year), WORLD, CAPTION).axes
    assert panels[1].get_title(loc="left").startswith("Tasks per day")
    assert len(np.asarray(panels[1].lines[0].get_ydata())) == 9


def test_all_figures_are_written_twice_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "PNG_DPI", 60)
    frames = synthetic.frames(workers=900)
    before = dict(matplotlib.rcParams)
    first = draw_all(frames, WORLD, CAPTION, tmp_path / "a")
    second = draw_all(frames, WORLD, CAPTION, tmp_path / "b")
    assert dict(matplotlib.rcParams) == before
    assert [path.name for path in first] == [f"{name}.{ending}" for name in ALL for ending in ("png", "svg")]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the caption alone: the figures themselves are tested above."""
    plain: Any = {"clock": lambda frames, world, caption: style.empty_figure(str(world.codes[0]), caption)}
    monkeypatch.setattr("sim.figures.market.ALL", plain)


@pytest.mark.usefixtures("quick")
def test_figures_of_a_run_go_into_its_folder(tmp_path: Path, year: FrameSet) -> None:
    for name in COLUMNS:
        write_recorded(name, getattr(year, name), tmp_path)
    write_text(tmp_path / "config.yaml", "world:\n  table: north_south\n")
    write_json(tmp_path / "summary.json", {})
    write_manifest(tmp_path, {"seed": 11, "version": "0.1.0", "config_id": "abcdef0123456789"})
    run = load(tmp_path)
    paths = save_all(run)
    assert paths == [tmp_path / "figures" / "clock.png", tmp_path / "figures" / "clock.svg"]
    caption = caption_of(run, run.manifest)
    assert caption.startswith(
        "Simulated: n = 6,000 workers, 200 requesters, 364 days from 2019-02-04. Seed 11;"
    )
    assert "abcdef012345." in caption
    assert save_all(run, tmp_path / "elsewhere")[0].parent == tmp_path / "elsewhere"


def test_caption_of_nothing() -> None:
    assert "0 days. Seed unknown" in caption_of(synthetic.nothing(), {})


def test_worlds_need_only_eight_arrays() -> None:
    assert isinstance(WORLD, MadeUpWorld)
    needed = {"codes", "names", "region", "group", "minimum_wage_usd"}
    assert set(vars(WORLD)) == needed | {"population", "price_level", "outside_wage_usd", "gini"}


def test_what_passes_by_the_market_is_told_and_not_drawn() -> None:
    """An income from outside to all residents of the world would make every other band a hair."""
    flows = pd.DataFrame(
        [
            ("income_of_others", "governments", "outside", 2_000_000),
            ("external_income_of_others", "outside", "outside", 9_000_000_000),
            ("funding", "outside", "requesters", 5_000_000),
        ],
        columns=["kind", "debit_sector", "credit_sector", "amount_microusd"],
    )
    assert sankey_flows(flows) == {
        ("outside", "requesters"): 5_000_000, ("governments", OTHERS): 2_000_000,
    }  # fmt: skip
