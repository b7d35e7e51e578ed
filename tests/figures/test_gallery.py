"""The gallery: every figure of every kind of result can be found, drawn and read, and shows its tables."""

from __future__ import annotations

import functools
import io
import tempfile
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

import sim
from sim.errors import UserError
from sim.figures import comparison as of_comparison
from sim.figures import gallery, market, spread, study, style, week
from sim.outcomes.frames import FrameSet
from sim.outcomes.indicators import WORKING
from sim.outcomes.inequality import gini
from sim.study import analysis
from sim.study import spread as study_spread
from sim.study.compare import Comparison
from sim.study.opening import Validation, kind_of, load_validation
from sim.study.reading import Sweep
from sim.study.result import RunResult, write_json, write_manifest
from sim.world import load_world
from tests.conftest import Exercised
from tests.figures import finished, synthetic
from tests.figures.legible import assert_no_text_overlaps, texts

BASELINES = Path(__file__).parent / "baseline"
TOLERANCE = 12.0
"""Root mean square of grey levels that versions of the drawing library may differ by."""

POLICY = "usage_tax+universal_income"
WORDS = ["market.noise_sigma=0,0.5,1,1.5", "ai.rebound=0.4,1,1.6", "seeds=3"]
NOT_ALONE = {"target"}
Results = dict[str, Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One finished result of each kind that has all figures of its kind."""
    folder = tmp_path_factory.mktemp("finished")
    frames = synthetic.with_policy(synthetic.frames(4000), unit=10**9)
    frames = synthetic.with_ai(synthetic.with_users(frames))
    run = finished.run(folder / "run", frames)
    unions, employment = _remedies(frames)
    run.__dict__ |= {"unions": unions, "employment": employment}
    kinds = synthetic.with_kinds(frames)
    many = _ManyKinds(run, kinds)
    return {
        "run": many,
        "comparison": finished.comparison(folder / "comparison", POLICY, "profit_tax"),
        "sweep": finished.sweep(folder / "sweep", WORDS, lambda a, b: a * (2 - a) + b),
        "validation": finished.validation(folder / "validation"),
    }


class _ManyKinds(RunResult):
    """The same run with three kinds of platforms."""

    def __init__(self, run: RunResult, frames: FrameSet) -> None:
        super().__init__(run.path, run.config, run.manifest, run.summary)
        self.__dict__ |= {name: run.__dict__[name] for name in ("unions", "employment")}
        self.__dict__ |= {name: getattr(frames, name) for name in ("series", "workers", "batches")}
        self.of = frames.kinds

    @property
    def kinds(self) -> Any:
        return self.of


def _remedies(frames: FrameSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    days = np.repeat(np.arange(0, 70, 7), 2)
    unions = synthetic.table(
        "unions",
        {"day": days, "platform": "microwork", "country": np.tile(["USA", "IND"], 10), "workers": 100,
         "members": days},
    )  # fmt: skip
    employment = synthetic.table(
        "employment",
        {"period": ["2019-03", "2019-04"], "platform": "microwork", "country": "FRA", "duty_seconds": 900,
         "refused_seconds": [100, 200]},
    )  # fmt: skip
    return unions, employment


@pytest.fixture(scope="module")
def drawn(results: Results) -> Callable[[str, str], Figure]:
    """Draw a figure of a kind of result, each only once."""
    return functools.cache(lambda kind, name: gallery.draw(results[kind], name))


Drawn = Callable[[str, str], Figure]
KINDS = list(gallery.GALLERY)
ALL = [(kind, name) for kind in KINDS for name in gallery.GALLERY[kind]]


@pytest.mark.parametrize(("kind", "name"), ALL, ids=[f"{kind}-{name}" for kind, name in ALL])
def test_every_figure_can_be_read_in_a_papers_column(kind: str, name: str, drawn: Drawn) -> None:
    figure = drawn(kind, name)
    assert_no_text_overlaps(figure, at_least=5)
    assert min(text.get_fontsize() for text in texts(figure)) >= 5
    assert round(25.4 * figure.get_figwidth(), 3) in (88, 180)
    assert figure.axes, "it says that there is nothing to see"


def caption(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


@pytest.mark.parametrize(("kind", "name"), ALL, ids=[f"{kind}-{name}" for kind, name in ALL])
def test_every_caption_says_what_it_rests_on(kind: str, name: str, drawn: Drawn, results: Results) -> None:
    told = caption(drawn(kind, name))
    counted = {"run": "n = 4,000 workers", "comparison": "20,000 workers", "sweep": "36 runs",
               "validation": "2,000 workers"}  # fmt: skip
    seeds = {"run": "Seed 1", "comparison": "5 seeds (7 to 11)", "sweep": "3 seeds", "validation": "7 seeds"}
    identity = {"run": results["run"].manifest["config_id"][:12], "comparison": "0123456789ab",
                "sweep": "0123456789ab", "validation": "0" * 12}  # fmt: skip
    assert all(part[kind] in told for part in (counted, seeds, identity)), told
    assert "clickmarket 0" in told


UNITLESS = {"matrix", "money", "hours", "transfers", "targets", "target", "patterns"}
"""Figures whose units stand in a title, beside the colours or in the caption."""


@pytest.mark.parametrize(("kind", "name"), [one for one in ALL if one[1] not in UNITLESS])
def test_every_axis_says_what_it_measures(kind: str, name: str, drawn: Drawn) -> None:
    """An axis with ticks has a label, or its panel a title that names what is drawn."""
    figure = drawn(kind, name)
    shared = [text.get_text() for text in (figure._supxlabel, figure._supylabel) if text is not None]  # type: ignore[attr-defined]
    for axes in figure.axes:
        if not axes.axison or not axes.yaxis.get_ticklabels():
            continue
        words = axes.get_ylabel() or axes.get_title(loc="left") or axes.get_title() or shared
        categories = all(label.get_text().strip("−-.0123456789, ") for label in axes.get_yticklabels())
        assert words or categories, f"{name}: the upright axis says nothing"


def test_what_there_is_is_told(results: Results, exercised: Exercised) -> None:
    for kind in KINDS:
        found = results[kind]
        assert kind_of(found) == kind
        assert (
            gallery.names(found)
            == list(gallery.GALLERY[kind])
            == sorted(dir(found.plot), key=gallery.names(found).index)
        )
        assert all(f"{name} " in repr(found.plot) for name in gallery.names(found))
        lines = gallery.about(found).values()
        assert all(line and "\n" not in line and not line.endswith(".") for line in lines)
    exercised("figures", len(ALL), at_least=30)


def test_a_result_draws_itself(results: Results) -> None:
    assert isinstance(results["run"].plot.lorenz(), Figure)
    assert "profit_tax" in caption(results["comparison"].plot.money(scenario="profit_tax"))
    assert results["sweep"].plot.curve(x="ai.rebound").axes[0].get_xlabel() == "ai.rebound"
    assert "Lorenz" in results["run"].plot.lorenz.__doc__


def test_what_is_not_there_is_answered_with_the_nearest(results: Results) -> None:
    with pytest.raises(AttributeError) as caught:
        results["run"].plot.lorentz()
    assert isinstance(caught.value, UserError)
    assert caught.value.nearest == "lorenz" and caught.value.value == "lorentz"
    assert not hasattr(results["run"].plot, "_repr_html_")
    with pytest.raises(UserError, match="is no option of the figure transfers") as wrong:
        results["comparison"].plot.transfers(scenrio="profit_tax")
    assert wrong.value.nearest == "scenario=profit_tax"
    with pytest.raises(UserError, match="no scenario of this comparison"):
        results["comparison"].plot.transfers(scenario="profit")
    with pytest.raises(UserError, match="no target"):
        results["validation"].plot.target(target="BP99")
    with pytest.raises(UserError, match="none of this sweep's"):
        results["sweep"].plot.tornado(outcome="pay")


def test_a_run_without_taxes_has_no_figure_of_them(tmp_path: Path) -> None:
    run = finished.run(tmp_path / "run", synthetic.frames(500))
    assert {"taxes", "users", "ai", "families", "remedies"}.isdisjoint(gallery.names(run))
    with pytest.raises(UserError, match="holds nothing that the figure would show"):
        run.plot.taxes()


def test_every_kind_of_folder_opens(results: Results, tmp_path: Path) -> None:
    assert isinstance(sim.open_result(results["run"].path), RunResult)
    found = results["validation"]
    write_json(tmp_path / "validation.json", found.verdicts)
    write_manifest(
        tmp_path, {name: one for name, one in found.manifest.items() if name not in ("files", "sha256")}
    )
    assert isinstance(sim.open_result(tmp_path), Validation)
    (tmp_path / "validation.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        load_validation(tmp_path)


@pytest.mark.parametrize("what", ["missing", "empty", "unfinished", "other"])
def test_what_is_no_result_is_refused(what: str, tmp_path: Path) -> None:
    folder = tmp_path / what
    if what != "missing":
        folder.mkdir()
    if what == "unfinished":
        (folder / "config.yaml").touch()
    if what == "other":
        write_manifest(folder, {"claim": "x"})
    with pytest.raises(UserError) as caught:
        sim.open_result(folder)
    assert caught.value.nearest and caught.value.allowed


# ---------------------------------------------------------------- figures are their tables


def check_week(module: Any) -> None:
    """Each hour of a weekday is the mean of such days, over all countries; other days have none."""
    frames = synthetic.frames(500)
    table = frames.weekdays
    for column in module.PANELS:
        found = module.by_weekday(frames, column)
        one = table[(table["weekday"] == 2) & (table["utc_hour"] == 5)]
        assert found[2, 5] == pytest.approx(one[column].sum() / (synthetic.DAYS / 7))
        assert found.sum() * synthetic.DAYS / 7 == pytest.approx(table[column].sum())
    days = table["days"].where(table["weekday"] < 5, 0)
    assert np.isnan(module.by_weekday(replace(frames, weekdays=table.assign(days=days)), "active")[5:]).all()


def check_change_by_hour(module: Any) -> None:
    """Dots of the clock are the differences of its table, and bars their intervals; hours are in percent."""
    found = finished.comparison(Path(tempfile.mkdtemp()), POLICY)
    figure = module.clock_figure(found, POLICY)
    here = found.clock[found.clock["measure"] == "posted"]
    dots = next(line for line in figure.axes[1].lines if line.get_marker() == "o")
    divisor, _ = style.scale_of(here["baseline"].max())
    assert np.asarray(dots.get_ydata()) == pytest.approx(here["difference"].to_numpy() / divisor)
    bars = np.array([segment[:, 1] for segment in figure.axes[1].collections[0].get_segments()])
    assert bars == pytest.approx(here[["low", "high"]].to_numpy() / divisor)
    tiles = [text.get_text() for text in module.hours_figure(found, POLICY).axes[0].texts]
    codes = found.hours["country"].tolist()
    assert tiles[tiles.index(codes[0]) + 1] == "-10" and tiles[tiles.index(codes[1]) + 1] == "0"


def test_tiles_hold_the_hours_of_the_series(exercised: Exercised) -> None:
    frames = synthetic.frames(2000)
    hours = week.hours_by_country(frames)
    seconds = frames.series[list(WORKING)].to_numpy().sum()
    assert sum(hours.values()) == pytest.approx(seconds / 3600 * 19e6 / 2000 * 365 / synthetic.DAYS)
    figure = week.hours_map(frames, synthetic.world(), "c")
    shown = [text.get_text() for text in figure.axes[0].texts]
    divisor, _ = style.scale_of(max(hours.values()) / 50)
    for code, value in hours.items():
        number = float(shown[shown.index(code) + 1].replace(",", ""))
        assert number == pytest.approx(value / divisor, rel=0.05)
    exercised("countries", len(hours), at_least=10)


def test_tenths_of_income_add_up_to_the_mean() -> None:
    frames = synthetic.frames(3000)
    figure = week.income_deciles(frames, synthetic.world(), "c")
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    mean = frames.workers["pay_microusd"].mean() / 1e6 / synthetic.DAYS * 365 / 12
    assert np.mean(heights) == pytest.approx(mean)
    assert (np.diff(heights) > 0).all()


def test_before_and_after_are_the_spread_of_the_workers(results: Results) -> None:
    """Pay that is a fifth higher moves the median by a fifth and leaves its Gini."""
    found: Comparison = results["comparison"]
    table = found.spread.set_index(["scenario", "what", "group", "percent"]).sort_index()
    for percent in (10, 50, 90):
        before, after = (
            table.loc[(name, "hourly pay", "world", percent), "quantile"] for name in ("none", POLICY)
        )
        assert after == pytest.approx(1.2 * before, rel=1e-4)
    people = finished.people(seed=1)
    pay = people["pay_microusd"] / people[list(WORKING)].sum(axis=1) * 3600 / 1e6
    held = table.loc[("none", "hourly pay", "world"), "held"].to_numpy()
    assert 1 - 2 * np.trapezoid(held, dx=0.01) == pytest.approx(gini(pay, people["weight"]), abs=0.01)
    assert table.loc[("none", "hourly pay", "world", 50), "quantile"] == pytest.approx(pay.median(), rel=0.02)
    figure = found.plot.pay(scenario=POLICY)
    title = figure.axes[0].get_title(loc="right")
    assert "→" in title and "below minimum wage" in title


def test_tenths_before_and_after(results: Results) -> None:
    found: Comparison = results["comparison"]
    heights = [bar.get_height() for bar in found.plot.deciles(scenario=POLICY).axes[0].patches]
    table = found.spread
    for name, part in (("none", heights[:10]), (POLICY, heights[10:])):
        rows = table[(table["scenario"] == name) & (table["what"] == "income") & (table["group"] == "world")]
        assert np.mean(part) == pytest.approx(rows["mean"].iloc[0])
        assert part[0] == pytest.approx(10 * rows["mean"].iloc[0] * rows["held"].iloc[10])


@pytest.mark.parametrize("name", gallery.GALLERY["comparison"])
def test_a_scenario_of_many_policies_can_be_read(name: str, tmp_path: Path) -> None:
    scenario = "usage_tax+turnover_tax+profit_tax+universal_income+wage_floor+union"
    assert_no_text_overlaps(gallery.draw(finished.comparison(tmp_path, scenario), name), at_least=5)


def test_the_fan_is_the_weeks_and_marks_the_day(results: Results) -> None:
    found: Comparison = results["comparison"]
    figure = found.plot.fan(scenario=POLICY)
    lines = figure.axes[0].lines
    here = found.weeks[found.weeks["scenario"] == POLICY]
    for line, side in zip(lines[:2], ("baseline", "value"), strict=True):
        pay, seconds = (
            here[here["measure"] == name].pivot(index="seed", columns="week", values=side)
            for name in ("pay_microusd", "working_seconds")
        )
        expected = np.median(pay / 1e6 / (seconds / 3600), axis=0)
        assert np.asarray(line.get_ydata()) == pytest.approx(expected)
    assert pd.Timestamp(lines[2].get_xdata()[0]) == pd.Timestamp("2019-05-01")
    assert "usage tax from 2019-05-01" in [text.get_text() for text in figure.axes[0].texts]


def few_here(comparison: Comparison, *groups: tuple[str, str]) -> Comparison:
    """Return a comparison in which groups of scenarios had fewer than 200 workers in some run."""
    table = comparison.spread
    keys = list(zip(table["scenario"], table["group"], strict=True))
    return replace(comparison, spread=table[[key not in groups for key in keys]])


def check_told_of_pay(module: Any) -> None:
    """Countries with fewer than 200 workers have no panel and are named; each panel has its n."""
    found = finished.comparison(Path(tempfile.mkdtemp()), POLICY)
    drawn = [group for group in dict.fromkeys(found.spread["group"]) if len(group) == 3]
    assert len(drawn) > 2
    (first, *_, last) = drawn
    few = few_here(found, ("none", first), (POLICY, first), (POLICY, last))
    figure = module.pay_figure(few, POLICY)
    notes = [axes.get_title(loc="right") for axes in figure.axes]
    pay = found.spread[(found.spread["what"] == "hourly pay") & (found.spread["scenario"] == "none")]
    counts = pay.groupby("group")["workers"].first()
    assert len(notes) == len(drawn) - 1
    for note, group in zip(notes, drawn[1:], strict=True):
        assert f"n = {counts[group]:,.0f}" in note
    assert f"n = {counts[last]:,.0f} → fewer than 200" in notes[-1]
    told = caption(figure)
    assert "Not drawn: " in told and "fewer than 200 workers with 10 tasks in some run" in told
    assert_no_text_overlaps(figure, at_least=5)


def test_pay_says_whom_it_leaves_out_and_how_many_it_shows() -> None:
    check_told_of_pay(spread)
    frames = synthetic.frames(4000)
    names = [f"Land {letter}" for letter in "ABCDEFGHIJKL"]
    assert market.not_drawn(names, names) == ""
    assert market.not_drawn(names[:4], names[:2]) == (
        " Not drawn: Land C, Land D (fewer than 200 workers with 10 tasks)."
    )
    assert market.not_drawn(names, names[:6]).endswith("(only the 6 largest are drawn).")
    assert "Land I and 3 more (fewer" in market.not_drawn(names, names[:1])
    assert "or not among the 6 largest)" in market.not_drawn(names, names[:1], " in some run")
    figure = market.pay_distribution(frames, load_world("global"), "Simulated.")
    assert "Not drawn: " in caption(figure)


@pytest.mark.parametrize(("kind", "name"), [("comparison", "fan"), ("run", "ai"), ("run", "series")])
def test_dates_can_be_read_each_alone(kind: str, name: str, results: Results) -> None:
    """A day is told with its month, and the year stands at the end of the axis."""
    figure = gallery.draw(results[kind], name)
    figure.draw_without_rendering()
    axis = figure.axes[-1].xaxis
    days = pd.date_range("2019-02-08", "2019-03-08", freq="7D")
    formatter = axis.get_major_formatter()
    assert formatter.format_ticks(date2num(days.to_pydatetime())) == [
        "08 Feb", "15 Feb", "22 Feb", "01 Mar", "08 Mar"
    ]  # fmt: skip
    assert formatter.get_offset() == "2019"


def check_weeks(module: Any) -> None:
    """Sums of whole weeks, each of its own measure."""
    series = synthetic.frames(500).series
    found = module.by_week(series[series["day"] < 17])
    assert {week for _, week in found} == {"0", "1"}, "a week cut short is left out"
    first = series[series["day"] < 7]
    assert found["pay_microusd", "0"] == first["pay_microusd"].sum()
    assert found["working_seconds", "0"] == first[list(WORKING)].to_numpy().sum()


def check_spread(module: Any) -> None:
    """Of two hundred and one workers whose pay rises evenly the median is the middle one's."""
    count = 201
    people = finished.people(400).iloc[:count].assign(
        country="USA", tasks_accepted=20, tasks_rejected=0, pay_microusd=np.arange(count, 0, -1) * 10**6,
        received_microusd=0, weight=1.0, **dict.fromkeys(WORKING, 0),
    )  # fmt: skip
    people = people.assign(paid_seconds=3600)
    few = people.iloc[:150].assign(country="FRA")
    table = module.spread_of({"none": [pd.concat([people, few])]}, {"USA": "north", "FRA": "mixed"}, 365)
    rows = table[table["group"] == "USA"].set_index(["what", "percent"])
    assert rows.loc[("hourly pay", 50), "quantile"] == pytest.approx(101)
    assert rows.loc[("hourly pay", 10), "quantile"] == pytest.approx(20.6, abs=0.1)
    assert rows.loc[("income", 50), "quantile"] == pytest.approx(101 / 12)
    assert rows.loc[("hourly pay", 50), "held"] == pytest.approx(0.25, abs=0.01)
    assert rows.loc[("hourly pay", 50), "mean"] == pytest.approx(101)
    assert "mixed" not in set(table["group"]), "fewer than 200 workers tell nothing"


PLANTS = [
    (spread, 'counts.append(f"fewer', 'medians.append(f"fewer', check_told_of_pay),
    (spread, "its own.{left_out}", "its own.", check_told_of_pay),
    (week, '["weekday"].to_numpy(np.int64) * 24', '["weekday"].to_numpy(np.int64) * 7', check_week),
    (week, "days[:, None] > 0", "days[:, None] >= 0", check_week),
    (
        of_comparison,
        '("baseline", "value", "difference", "low", "high")\n        )',
        '("baseline", "value", "value", "low", "high")\n        )',
        check_change_by_hour,
    ),
    (of_comparison, "100 * here[", "here[", check_change_by_hour),
    (study_spread, "week < whole", "week <= whole", check_weeks),
    (study_spread, '"working_seconds": WORKING', '"working_seconds": ("paid_seconds",)', check_weeks),
    (study_spread, "/ days * DAYS_A_MONTH", "/ days", check_spread),
    (study_spread, "len(values) < LEAST_WORKERS", "len(values) < 2", check_spread),
    (study_spread, "values[order]), (share", "values), (share", check_spread),
]


def test_checks_are_content_with_sound_sources() -> None:
    for module, _, _, check in PLANTS:
        check(module)


@pytest.mark.parametrize(("module", "old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(module: Any, old: str, new: str, check: Any) -> None:
    text = Path(module.__file__).read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not there"
    planted = types.ModuleType("with_a_bug")
    exec(compile(text.replace(old, new), module.__file__, "exec"), planted.__dict__)
    with pytest.raises((AssertionError, KeyError, IndexError, ValueError)):
        check(planted)


def test_the_map_of_ai_has_its_boundary(results: Results) -> None:
    found: Sweep = results["sweep"]
    figure = found.plot.ai_map()
    axes = figure.axes[0]
    table = analysis.response(found, "ai_human_hours_growth", *found.axes)
    shown = sorted(float(text.get_text()) for text in axes.texts)
    assert shown == pytest.approx(sorted(table["mean"]), abs=0.005)
    dashes = [one.get_linestyle()[0][1] is None for one in axes.collections]
    assert dashes == [True, False], "solid for the market, dashed for theory"
    flat = table.assign(mean=2.0)
    assert study.ratio_map(found, "ai_human_hours_growth", flat).axes[0].collections[:] == []


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(("kind", "name"), [("run", "week"), ("comparison", "fan"), ("sweep", "ai_map")])
def test_files_are_the_same_bytes_each_time(kind: str, name: str, results: Results, tmp_path: Path) -> None:
    once, again = (
        style.save(gallery.draw(results[kind], name), tmp_path, f"{number}", ["svg", "pdf"])
        for number in range(2)
    )
    for one, other in zip(once, again, strict=True):
        content = one.read_bytes()
        assert content == other.read_bytes()
        assert b"CreationDate" not in content and b"<dc:date>" not in content


PICTURED = [
    ("run", "clock"),
    ("run", "money"),
    ("run", "hours"),
    ("comparison", "forest"),
    ("comparison", "fan"),
]


def small_picture(figure: Figure) -> bytes:
    """Return a picture small enough to be kept, in which a layout that breaks still shows."""
    style.settle(figure)
    file = io.BytesIO()
    with style.settings():
        figure.savefig(file, format="png", dpi=50, metadata={"Software": None})
    return file.getvalue()


@pytest.mark.parametrize(("kind", "name"), PICTURED)
def test_layouts_stay_as_they_were_looked_at(kind: str, name: str, results: Results, tmp_path: Path) -> None:
    """Where the layout is wanted otherwise: draw, look, and put the new picture into `baseline`."""
    path = tmp_path / f"{kind}-{name}.png"
    path.write_bytes(small_picture(gallery.draw(results[kind], name)))
    assert compare_images(str(BASELINES / path.name), str(path), TOLERANCE) is None


def test_a_moved_label_is_seen(results: Results, tmp_path: Path) -> None:
    figure = gallery.draw(results["comparison"], "forest")
    figure.axes[0].set_position((0.5, 0.3, 0.4, 0.3))
    figure.set_layout_engine("none")
    path = tmp_path / "moved.png"
    path.write_bytes(small_picture(figure))
    assert compare_images(str(BASELINES / "comparison-forest.png"), str(path), TOLERANCE) is not None


def test_a_comparison_of_an_earlier_version_has_less(results: Results) -> None:
    old = replace(results["comparison"], weeks=pd.DataFrame(), spread=pd.DataFrame())
    assert {"pay", "lorenz", "deciles", "fan"}.isdisjoint(gallery.names(old))
    assert spread.fan_figure(old, POLICY).axes == []
