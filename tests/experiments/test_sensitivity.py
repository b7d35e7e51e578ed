"""Sensitivity of the conclusions: levers on configurations, analysis of known functions, and a whole run."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import sensitivity
from experiments.assumptions import LUCK, Lever, assumptions, luck, moved
from experiments.sensitivity import CONCLUSIONS, HEADLINES, OUTCOMES, Floats, Job, read_job
from scripts import write_sensitivity_doc
from sim.errors import UserError
from sim.study.designs import Axis, morris_trajectories, saltelli
from sim.validation import to_plain
from tests.conftest import Exercised

DOCS = Path(__file__).resolve().parents[2] / "docs"


@functools.cache
def of_size(size: str) -> Job:
    """A size, whole; each is read once, for every lever is tried as it is read."""
    return read_job([f"size={size}"])


@pytest.fixture
def job() -> Job:
    """The small size."""
    return of_size("small")


def test_every_assumption_is_moved_once_or_left_out_with_a_reason(job: Job, exercised: Exercised) -> None:
    """No parameter marked as assumed escapes, and none is moved in two parts."""
    paths = [lever.path for part in job.parts for lever in part.levers]
    assert len(paths) == len(set(paths))
    assert {*paths, *job.left_out} == {one.path for one in assumptions()}
    assert not set(paths) & set(job.left_out)
    assert all(part.levers for part in job.parts), "a part that moves nothing of its own"
    assert all({*part.also} <= {lever.path for lever in part.all_levers} for part in job.parts)
    assert all(len(why) > 10 for why in job.left_out.values())
    exercised("assumptions", len(paths), 190)


@pytest.mark.parametrize("size", sensitivity.SIZES)
def test_every_size_can_be_played_to_its_end(size: str, exercised: Exercised) -> None:
    """Sobol's points come in powers of two; another base would be noticed only after the runs."""
    parts = of_size(size).parts
    assert all(part.base.bit_count() == 1 for part in parts)
    exercised("parts", len(parts), 4)


def test_a_base_that_cannot_be_analysed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sensitivity.read_yaml(sensitivity.FOLDER / "sensitivity.yaml")
    plain.values["sizes"]["small"]["parts"]["taxes"]["base"] = 48
    read = sensitivity.read_yaml
    monkeypatch.setattr(
        sensitivity, "read_yaml", lambda path: plain if path.name == "sensitivity.yaml" else read(path)
    )
    with pytest.raises(UserError, match=r"sizes\.small\.parts\.taxes\.base.*power of two") as refused:
        read_job(["size=small"])
    assert "base=32" in str(refused.value)


def test_points_anywhere_in_the_ranges_are_configurations_within_bounds(
    job: Job, exercised: Exercised
) -> None:
    """Every corner and random points are accepted; values stay inside declared ranges."""
    random = np.random.default_rng(1)
    declared = {one.path: one.limits for one in assumptions()}
    tried = 0
    for part in job.parts:
        plain = to_plain(part.config)
        rows = [np.zeros(len(part.levers)), np.ones(len(part.levers)), *random.random((5, len(part.levers)))]
        for row in rows:
            config = to_plain(moved(plain, part.levers, row.tolist()))
            for lever in part.levers:
                limits = declared[lever.path]
                for place in lever.places:
                    value: Any = config
                    for step in place:
                        value = value[step]
                    for one in value if isinstance(value, list) else [value]:
                        assert limits.low is None or one >= limits.low, lever.path
                        assert limits.high is None or one <= limits.high, lever.path
                        tried += 1
    exercised("values", tried, 1000)


def test_a_lever_moves_what_it_names_and_nothing_else(job: Job, exercised: Exercised) -> None:
    """Of each lever, the two ends differ at its places and nowhere else."""
    count = 0
    for part in job.parts:
        plain = to_plain(part.config)
        for lever in part.levers:
            low, high = (flat(to_plain(moved(plain, [lever], [share]))) for share in (0.0, 1.0))
            differ = {path for path in low if low[path] != high[path]}
            named = {".".join(place) for place in lever.places}
            assert differ, lever.path
            assert differ <= named | {"workers.patience_high", "requesters.pay_step_smallest"}, lever.path
            count += 1
    exercised("levers", count, 190)


def flat(tree: Any, before: str = "") -> dict[str, Any]:
    """Return leaves by path; lists are leaves."""
    if not isinstance(tree, Mapping):
        return {before: tree}
    return {
        path: leaf
        for key, one in tree.items()
        for path, leaf in flat(one, f"{before}.{key}" if before else key).items()
    }


def test_named_outcomes_and_conclusions_are_there() -> None:
    """Ten headline outcomes; every conclusion is of an outcome of its own part; each name is used once."""
    names = [outcome.name for part in OUTCOMES.values() for outcome in part]
    assert len(HEADLINES) == 10
    assert set(HEADLINES) <= set(names)
    assert len(names) == len(set(names))
    for part, asked in CONCLUSIONS.items():
        assert {one.outcome for one in asked} <= {outcome.name for outcome in OUTCOMES[part]}


def known_function(points: Floats) -> Floats:
    """Mostly the second coordinate, a little the first, luck hardly at all."""
    return np.asarray(0.6 + points[:, 0] + 3.0 * points[:, 1] + 0.05 * points[:, 2])


def test_what_an_outcome_rests_on_is_found(exercised: Exercised) -> None:
    """Screening and indices put the coordinates of a known function in order; a missing value is borne."""
    names = ["a", "b", LUCK]
    shares = morris_trajectories(3, 8, 1)
    values = {"unpaid": known_function(shares)}
    values["unpaid"][3] = np.nan
    table = sensitivity.screen("market", names, shares, values)
    assert sensitivity.most_important(table, 2) == ["b", "a"]
    points = saltelli(3, 64, 1)
    indices = sensitivity.index_table("market", names, {"unpaid": known_function(points)})
    total = indices.set_index("setting")["total"]
    assert total["b"] == pytest.approx(0.9, abs=0.05)
    assert total[LUCK] < 0.02
    exercised("points", len(points), 300)


@pytest.mark.parametrize(("bound", "flips"), [(0.25, False), (2.6, True), (9.0, False)])
def test_a_conclusion_flips_where_it_holds_and_fails(
    monkeypatch: pytest.MonkeyPatch, bound: float, flips: bool
) -> None:
    """The bound decides; the assumption named is the largest, high where more than the bound is asked."""
    asked = sensitivity.Conclusion("C2", "more than the bound", "unpaid", "above", bound)
    monkeypatch.setattr(sensitivity, "CONCLUSIONS", {"market": (asked,)})
    names, points = ["a", "b", LUCK], saltelli(3, 64, 1)
    values = {"unpaid": known_function(points)}
    indices = sensitivity.index_table("market", names, values)
    screened = {"unpaid": np.array([bound - 1.0, bound + 1.0, bound + 2.0, bound + 3.0, np.nan])}
    row = sensitivity.conclude("market", names, points, values, indices, screened).iloc[0]
    assert (row["screened"], row["screened_points"]) == (0.75, 4)
    assert bool(row["flips"]) is flips
    assert row["rests_on"] == "b"
    assert row["toward"] == ("high" if flips else "")


@pytest.mark.parametrize(("total", "told"), [(0.4, False), (0.9, True)])
def test_an_assumption_is_named_only_where_it_can_be_told_from_luck(total: float, told: bool) -> None:
    """The seed's index is 0.6: printed and written, one of 0.4 is not said to decide."""
    rows = [{"part": "market", "outcome": "unpaid", "setting": name, "total": value}
            for name, value in (("a", total), (LUCK, 0.6))]  # fmt: skip
    one = {"part": "market", "claim": "C2", "statement": "more", "outcome": "unpaid", "side": "above",
           "bound": 0.25, "share": 0.5, "points": 64, "flips": True, "rests_on": "a", "total": total,
           "toward": "high", "screened": 1.0, "screened_points": 9}  # fmt: skip
    spread = pd.DataFrame(columns=["part", "outcome", "title", "unit", "p05", "median", "p95", "missing"])
    found = sensitivity.Found(pd.DataFrame(), pd.DataFrame(rows), pd.DataFrame([one]), spread)
    line = sensitivity.text_of(of_size("small"), found).splitlines()[-1]
    assert ("yes, by a (high" in line) is told
    assert ("nothing that can be told from luck" in line) is not told
    page = write_sensitivity_doc.conclusions(found)[-1]
    assert ("not told from luck (0.60): `a`" in page) is not told


def test_a_conclusion_that_flips_in_the_screening_alone_is_told() -> None:
    """It holds at all points of the indices and at nine tenths of those where everything moves."""
    one = {"part": "market", "claim": "C2", "statement": "more", "outcome": "unpaid", "side": "above",
           "bound": 0.25, "share": 1.0, "points": 64, "flips": False, "rests_on": "a", "total": 0.9,
           "toward": "", "screened": 0.9, "screened_points": 904}  # fmt: skip
    spread = pd.DataFrame(columns=["part", "outcome", "title", "unit", "p05", "median", "p95", "missing"])
    indices = pd.DataFrame([{"part": "market", "outcome": "unpaid", "setting": LUCK, "total": 0.1}])
    found = sensitivity.Found(pd.DataFrame(), indices, pd.DataFrame([one]), spread)
    assert "no, but in the screening (90% of 904)" in sensitivity.text_of(of_size("small"), found)
    assert "| no | 90% of 904: flips |" in write_sensitivity_doc.conclusions(found)[-1]


def test_an_outcome_with_many_gaps_or_none_of_its_own_has_no_index() -> None:
    """More than a tenth missing, or the same at all points: nothing is told."""
    assert sensitivity.known(np.array([1.0, np.nan, 2.0])) is None
    assert sensitivity.known(np.full(20, 3.0)) is None
    few = np.array([np.nan, *np.arange(20.0)])
    found = sensitivity.known(few)
    assert found is not None
    assert found[0] == pytest.approx(9.5)


def tiny(results: Path) -> Job:
    """One part of the small size with two levers, on a market as small as can be."""
    words = ["size=small", f"results.dir={results}", "workers.count=20", "time.warmup_days=0", "time.days=8"]
    job = read_job(words)
    market = job.parts[0]
    levers = tuple(
        lever for lever in market.levers if lever.path in ("requesters.demand_share", "market.looks")
    )
    return replace(job, parts=(replace(market, levers=levers, trajectories=1, base=1),), kept=1)


def elsewhere(job: Job, results: Path) -> Job:
    """The same analysis with another folder for results."""
    config = job.parts[0].config
    config = replace(config, results=replace(config.results, dir=str(results)))
    settings = tuple(
        f"results.dir={results}" if word.startswith("results.dir=") else word for word in job.settings
    )
    return replace(job, parts=(replace(job.parts[0], config=config),), settings=settings)


def test_a_whole_analysis_writes_its_folder_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """All files are there; stopped half way and begun again, no point is played twice."""
    job = tiny(tmp_path / "whole")
    folder = sensitivity.carry_out(job)
    for name in ("screening.csv", "indices.csv", "conclusions.csv", "spread.csv", "sensitivity.txt",
                 "figures/indices.png", "figures/conclusions.png", "manifest.json"):  # fmt: skip
        assert (folder / name).is_file(), name
    played: list[int] = []
    once = sensitivity.play_one

    def counted(*arguments: Any, **more: Any) -> None:
        if len(played) == 3:
            played.append(-1)
            raise KeyboardInterrupt
        played.append(arguments[4])
        once(*arguments, **more)

    monkeypatch.setattr(sensitivity, "play_one", counted)
    other = elsewhere(job, tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        sensitivity.carry_out(other)
    again = sensitivity.carry_out(other)
    runs = [run for run in played if run >= 0]
    assert sorted(runs) == sorted(set(runs))
    assert len(runs) == job.runs
    for name in ("screening", "indices", "conclusions"):
        pd.testing.assert_frame_equal(*(pd.read_csv(one / f"{name}.csv") for one in (folder, again)))
    exercised("points", len(runs), 7)


@pytest.mark.parametrize("words", [["reach=1"], ["reach=x"], ["seed=3"], ["size=big"], ["word"]])
def test_wrong_words_are_refused_before_anything_is_written(words: list[str], tmp_path: Path) -> None:
    """Exit code 2, nothing on the disk."""
    assert sensitivity.command(["size=small", f"results.dir={tmp_path / 'none'}", *words]) == 2
    assert not (tmp_path / "none").exists()


def test_luck_is_the_seed() -> None:
    """It moves nothing else, and the ends are two seeds."""
    lever = luck()
    plain = {"seed": 5}
    lever.move(plain, 0.0)
    low = plain["seed"]
    lever.move(plain, 1.0)
    assert 1 <= low < plain["seed"]


def test_a_lever_that_multiplies_stays_inside_the_declared_range() -> None:
    """A planted bound bites."""
    lever = Lever("a", "factor", Axis("a", low=0.5, high=4.0, logarithmic=True), (("a",),), False, 0.1, 0.9)
    plain: dict[str, Any] = {"a": 0.5}
    lever.move(plain, 1.0)
    assert plain == {"a": 0.9}
    with pytest.raises(UserError):
        read_job(["size=small", "reach=0.5"])


def counts_told(page: str) -> tuple[int, int, int]:
    """Return how many assumptions docs/sensitivity.md moves, how many conclusions flip, and of how many."""
    moved = re.search(r"\*assumed\*, (\d+) are moved", page)
    rows = [line for line in page.splitlines() if re.search(r"\| \d+% of \d+ \|", line)]
    assert moved and rows
    return int(moved.group(1)), sum("**flips**" in row for row in rows), len(rows)


def test_limits_tell_what_flips_as_the_page_of_sensitivity_does() -> None:
    """The numbers of conclusions, and at how many points each of those that flip holds."""
    limits = (DOCS / "limits.md").read_text(encoding="utf-8").replace("\n", " ")
    page = (DOCS / "sensitivity.md").read_text(encoding="utf-8")
    moved, flips, conclusions = counts_told(page)
    assert f"moves {moved} of them" in limits
    assert f"{flips} of {conclusions} conclusions flip" in limits
    listed = limits[limits.index("**Conclusions that flip**") : limits.index("**What does not flip**")]
    told = sorted(int(one) for one in re.findall(r"\((\d+) %", listed))
    assert told == sorted(int(one) for one in re.findall(r"\| (\d+)% of \d+ \| \*\*flips\*\* \|", page))


def test_names_of_assumptions_stay_inside_of_the_figure() -> None:
    """The longest that there is, beside the longest and the shortest bar that flips."""
    longest = max((one.path for one in assumptions()), key=lambda path: len(sensitivity.short(path)))
    statement = max((one.statement for part in CONCLUSIONS.values() for one in part), key=len)
    rows = [
        {"claim": "C8, C10", "statement": statement, "share": share, "flips": True, "rests_on": longest,
         "part": "market", "outcome": outcome, "total": 0.5, "screened": 1.0 - share}
        for share, outcome in ((0.05, "told"), (0.5, "told"), (0.95, "told"), (0.9, "by luck"))
    ]  # fmt: skip
    luck = [("market", "told", LUCK, 0.4), ("market", "by luck", LUCK, 0.6)]
    indices = pd.DataFrame(luck, columns=["part", "outcome", "setting", "total"])
    found = sensitivity.Found(pd.DataFrame(), indices, pd.DataFrame(rows), pd.DataFrame())
    figure = sensitivity.tornado_figure(found, "Caption.")
    figure.canvas.draw()
    page = figure.bbox
    names = figure.axes[1].get_yticklabels()
    for text in names:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1, text.get_text()
    told = sorted(text.get_text() for text in names)
    assert told == sorted([sensitivity.short(longest)] * 3 + ["not told from luck"])
    dots = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert dots == [row["screened"] for row in rows[::-1]]
