"""From the words of a sweep to its configurations."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim.composition import compose, conf_folder, group_options
from sim.config import Config
from sim.errors import UserError
from sim.study import points, sweep
from sim.study.points import Composer, Study, read_study
from sim.validation import check
from tests.conftest import Exercised
from tests.support.planting import planted

SMALL = ["world=north_south", "workers.count=40", "requesters.count=8"]


def test_points_are_those_of_single_runs(exercised: Exercised) -> None:
    """A point's configuration, composed in a hurry, is the one that its words alone would give."""
    words = [
        "policy=none,usage_tax,[universal_income,usage_tax]", "requesters.pay_usd_per_hour=range(1,4,1)",
        "platforms.microwork.requester_fee=0.1,0.2", "market.looks=5,9",
    ]  # fmt: skip
    composer = Composer(read_study([*SMALL, *words, "seeds=2"]))
    assert len(composer) == 3 * 3 * 2 * 2 * 2
    for run in range(len(composer)):
        point, seed = divmod(run, 2)
        policy, pay, fee, looks = composer.points[point]
        named = "[" + ",".join(policy) + "]" if isinstance(policy, tuple) else policy
        plain = compose(
            [
                *SMALL,
                f"policy={named}",
                f"requesters.pay_usd_per_hour={pay}",
                f"platforms.microwork.requester_fee={fee}",
                f"market.looks={looks}",
                f"seed={1 + seed}",
            ]
        )
        found = composer.config(run)
        assert found == plain
        assert check(found) == found
    exercised("points compared", len(composer), 72)


def test_entries_can_be_left_out() -> None:
    """A kind of task that is set to null is none of the points that leave it out."""
    composer = Composer(read_study(["world=north_south", "task_types.survey={},null"]))
    composer.check()
    assert ["survey" in composer.config_of_point(point).task_types for point in (0, 1)] == [True, False]


def test_worlds_can_be_swept() -> None:
    composer = Composer(read_study(["world=north_south,six_regions", "workers.count=40"]))
    assert [composer.config(run).world.table for run in range(2)] == ["north_south", "six_regions"]


def test_files_lie_over_each_other(tmp_path: Path) -> None:
    """Every file counts, as in a run: the second does not take the place of the first."""
    (tmp_path / "a.yaml").write_text("workers: {count: 77}\nmarket: {looks: 5}\n")
    (tmp_path / "b.yaml").write_text("market: {looks: 6}\n")
    words = [*SMALL[:1], *(f"config={tmp_path / name}.yaml" for name in "ab")]
    (found,) = [Composer(read_study(words)).config(0)]
    assert (found.workers.count, found.market.looks) == (77, 6)
    assert found == compose(words)


def test_an_interval_of_whole_numbers_may_end_between_two() -> None:
    (axis,) = read_study([*SMALL, "design=lhs", "market.looks=interval(0.5,3.5)"]).axes
    assert {axis.at(share / 100) for share in range(101)} == {1, 2, 3}


def test_a_study_survives_its_manifest() -> None:
    study = read_study(
        [*SMALL, "design=lhs", "points=7", "workers.broker_cut=declared", "policy=none,[usage_tax]",
         "requesters.pay_usd_per_hour=tag(log,interval(1,10))", "market.looks=interval(3,20)"]
    )  # fmt: skip
    again = Study.from_plain(json.loads(json.dumps(study.to_plain())))
    assert again == study
    assert Composer(again).points == Composer(study).points
    axes = {axis.path: axis for axis in study.axes}
    assert (axes["workers.broker_cut"].low, axes["workers.broker_cut"].high) == (0.0, 0.6)
    assert axes["requesters.pay_usd_per_hour"].logarithmic
    assert axes["market.looks"].whole


def test_a_file_holds_a_study_and_words_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "design: list\nseeds: 3\nsettings: [world=north_south, workers.count=40]\n"
        "vary:\n  market.looks: [3, 4]\n  workers.broker_cut: range(0,0.4,0.2)\n"
    )
    study = read_study([f"study={file}", "seeds=5", "workers.count=50"])
    assert (study.design, study.seeds) == ("list", 5)
    assert study.settings == ("world=north_south", "workers.count=50")
    assert Composer(study).points == [(3, 0.0), (4, 0.2)]
    assert read_study([f"study={file}", "market.looks=7"]).settings[-1] == "market.looks=7"
    for words in (["seeds=5", "workers.count=50"], ["market.looks=7"], ["design=grid", "market.looks=7,8"]):
        assert read_study([*words, f"study={file}"]) == read_study([f"study={file}", *words])
        assert read_study([*words[1:], f"study={file}", *words[:1]]) == read_study([f"study={file}", *words])


def test_seeds_may_be_listed_as_in_a_plain_multirun() -> None:
    """Every point has them; what is named later wins."""
    listed = read_study([*SMALL, "market.looks=5,6", "seed=3,4,5"])
    assert listed == read_study([*SMALL, "market.looks=5,6", "seed=3", "seeds=3"])
    assert [Composer(listed).config(run).seed for run in range(6)] == [3, 4, 5, 3, 4, 5]
    assert read_study([*SMALL, "seed=range(3,6)"]).seeds == 3
    assert read_study([*SMALL, "seed=3,4,5", "seeds=2"]).seeds == 2
    assert read_study([*SMALL, "seeds=9", "seed=3,4"]).seeds == 2


def test_points_of_a_file_are_for_designs_that_draw(tmp_path: Path) -> None:
    """A word that asks for a grid instead takes the file's number of points for nothing."""
    file = tmp_path / "mine.yaml"
    file.write_text("design: lhs\npoints: 9\nvary:\n  market.looks: [3, 4]\n")
    assert read_study([f"study={file}"]).points == 9
    assert read_study([f"study={file}", "design=grid"]) == read_study(["market.looks=3,4"])


def test_points_of_a_file_are_a_power_of_two_where_indices_are_estimated(tmp_path: Path) -> None:
    """Refused before anything is played; what is called the nearest is taken, after the file."""
    file = tmp_path / "mine.yaml"
    file.write_text("design: saltelli\npoints: 10\nvary:\n  workers.broker_cut: interval(0,0.5)\n")
    words = [*SMALL, f"study={file}"]
    with pytest.raises(UserError) as refusal:
        Composer(read_study(words))
    assert (refusal.value.path, refusal.value.nearest) == ("points", "points=16")
    assert len(Composer(read_study([*words, "points=16"])).points) == 16 * 3


def test_built_in_studies_are_in_order(exercised: Exercised) -> None:
    files = sorted((conf_folder() / "study").glob("*.yaml"))
    for file in files:
        assert file.read_text(encoding="utf-8").startswith("# ")
        Composer(read_study([f"study={file.stem}"])).check()
    exercised("studies", len(files), 1)


@pytest.mark.parametrize(
    "word", ["requesters.pay_usd_per_hour=range(2,1,0.1)", "requesters.pay_usd_per_hour=range(1,2,0)",
             "+foo=1,2", "market.looks=shuffle([1,2])", "workers.broker_cut=tag(lgo,interval(0.1,0.2))",
             "workers.count=interval(10.2,10.8)", "workers.count=tag(log,interval(10.2,10.8))",
             "market.looks=interval(0.2,0.8)", "workers.broker_cut=interval(0,5)",
             "workers.broker_cut=interval(-1,0.3)", "workers.broker_cut=interval(4,5)",
             "market.looks=tag(log,interval(0.1,0.5))", "worker.broker_cut=0.1,0.2", "polcy=none,union",
             "worker.broker_cut=interval(0.1,0.2)", "platforms.microwrk.requester_fee=0.1,0.2",
             "platforms.my,work.requester_fee=0.1,0.2", "+platforms.x.requester_fee=0.1,0.2",
             "platforms.microwork.owner=NTH,ZZZ", "market.looks=5,0", "market.lokks=5,6"],
)  # fmt: skip
def test_the_nearest_word_is_one_that_works(word: str) -> None:
    """Typed back in, it is taken."""
    drawn = ["design=lhs"] * ("interval" in word)
    with pytest.raises(UserError) as refusal:
        Composer(read_study([*SMALL, word, *drawn])).check()
    near = str(refusal.value.nearest)
    study = read_study([*SMALL, near, *drawn])
    Composer(study).check()
    assert study.axes, "it varies something, as the word was meant to"
    values = word.partition("=")[2]
    assert near.endswith(f"={values}") or refusal.value.path == word.partition("=")[0].lstrip("+")


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("worker.broker_cut=0.1", "workers.broker_cut=0.1"),
        ("workers.brokr_cut=0.1,0.2", "workers.broker_cut=0.1,0.2"),
        ("config=none.yaml", "config=mine.yaml"),
        ("~platforms.microwork", "without ~platforms.microwork"),
        ("requesters.pay_usd_per_hour=1,2,200.5,3", "requesters.pay_usd_per_hour=1,2,200,3"),
        ("platforms.microwork.owner=NTH,STH,ZZZ", "platforms.microwork.owner=NTH,STH"),
    ],
)
def test_the_nearest_of_a_word_is_spelled_in_full(
    word: str, nearest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("market: {looks: 5}\n")
    with pytest.raises(UserError) as refusal:
        Composer(read_study([*SMALL, word])).check()
    assert refusal.value.nearest == nearest


def test_studies_are_no_group_of_a_run() -> None:
    with pytest.raises(UserError):
        compose(["study=pay_fee_tax"])


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["design=lsh"], "design"),
        (["seeds=0"], "seeds"),
        (["design=lhs", "workers.count=interval(10.2,10.8)"], "workers.count"),
        (["design=lhs", "workers.count=tag(log,interval(10.2,10.8))"], "workers.count"),
        (["design=lhs", "workers.broker_cut=interval(0.5,0.7)"], "workers.broker_cut"),
        (["seed=4611686018427387904", "seeds=2"], "seeds"),
        (["seeds=two"], "seeds"),
        (["seed=1,3"], "seed"),
        (["seed=2,1"], "seed"),
        (["seed=interval(1,9)"], "seed"),
        (["seed=a,b"], "seed"),
        (["points=5", "market.looks=5,6"], "points"),
        (["points=5", "market.looks=5,6", "design=list"], "points"),
        (["study=pay_fee_txa"], "study"),
        (["time.start=declared"], "time.start"),
        (["workers.broker_cut=interval(0.5,0.1)"], "workers.broker_cut"),
        (["workers.broker_cut=tag(log,interval(0,1))"], "workers.broker_cut"),
        (["market.looks=range(5,5,1)"], "market.looks"),
        (["market.looks=shuffle([1,2])"], "market.looks"),
        (["market.looks=sort(3)"], "market.looks"),
        (["market.looks=shuffle(interval(1,2))"], "market.looks"),
        (["market.looks=glob(*)"], "market.looks"),
        (["world=glob(x*)"], "world"),
        (["world=declared"], "world"),
        (["world=interval(0,1)"], "world"),
        (["results.dir=a,b"], "results.dir"),
        (["compute.threads=1,2"], "compute.threads"),
        (["compute.threads=declared"], "compute.threads"),
        (["record.figures=true,false"], "record.figures"),
        (["time.checkpoint_days=0,1"], "time.checkpoint_days"),
        (["policy=none,usage_tx"], "policy"),
        (["ai={},none"], "ai"),
        (["platforms=microwork_only,{}"], "platforms"),
        (["market.looks=range(0,1,0)"], "market.looks"),
        (["market.looks=range(0,1000000000000)"], "market.looks"),
        (["workers.broker_cut=range(0,1,1e-12)"], "workers.broker_cut"),
        (["workers.broker_cut=tag(lgo,interval(0.1,0.2))"], "workers.broker_cut"),
        (["~platforms.microwork=1,2"], "platforms.microwork"),
        (["workers.brokre_cut=declared"], "workers.brokre_cut"),
        (["market.looks=5,6", "seeds=10000000", "workers.count=range(50,100)"], "seeds"),
        (["market.looks=5,0"], "market.looks"),
        (["no.such=1,2"], "no"),
        (["workers.patience_low=5,40", "workers.patience_high=12"], "workers.patience_high"),
        (["policy=none,usage_tax", "policy.usage_tax.usd_per_user_month=1,2"],
         "policy.usage_tax.usd_per_user_month"),
    ],
)  # fmt: skip
def test_bad_words_are_told(words: list[str], path: str) -> None:
    with pytest.raises(UserError) as refusal:
        Composer(read_study([*SMALL, *words])).check()
    assert refusal.value.path == path
    assert len(str(refusal.value).splitlines()) <= 4


def test_functions_of_hydra_name_values_and_groups() -> None:
    """Names by a pattern, values in order, and in an order drawn by the study's own seed."""

    def values(*words: str) -> list[tuple[Any, ...]]:
        return [axis.values for axis in read_study([*SMALL[1:], *words]).axes]

    names = group_options(conf_folder())
    assert values("policy=glob(*)") == [tuple(names["policy"])]
    assert values("world=glob([n*,six*])") == [("north_south", "six_regions")]
    assert values("world=glob(*,exclude=[global,m*])") == [("north_south", "six_regions")]
    assert values("market.looks=sort(5,3,4)") == [(3, 4, 5)]
    assert values("market.looks=sort(range(3,6),reverse=true)") == [(5, 4, 3)]
    drawn = "market.looks=shuffle(range(3,40))"
    (one,) = values(drawn)
    assert sorted(one) == list(range(3, 40)) != list(one)
    assert values(drawn, "design_seed=1") == values(drawn) != values("design_seed=2", drawn)
    first, second = values(drawn, drawn.replace("looks", "noise_sigma"))
    assert (first, first != second) == (one, True)


TWICE = [
    (["requesters.pay_usd_per_hour=2,4,2"], "requesters.pay_usd_per_hour", "the same value twice: 2."),
    (["requesters.pay_usd_per_hour=2,4,2.0"], "requesters.pay_usd_per_hour", "the same value twice: 2."),
    (["market.looks=3,4", "policy=usage_tax,[usage_tax]"], "policy", "usage_tax and [usage_tax]"),
    (["policy=[union,usage_tax],[usage_tax,union]"], "policy", "[union,usage_tax] and [usage_tax,union]"),
    (
        ["design=list", "market.looks=3,4,3", "policy=none,union,none"],
        "design",
        "market.looks=3, policy=none",
    ),
]
"""Words, the path that is refused, and what is said."""

ONCE = [
    ["design=list", "market.looks=3,4,3", "policy=none,union,union"],
    ["design=list", "workers.patience_low=5,40", "workers.patience_high=12,50"],
    ["compute.debug=true", "workers.broker_cut=0,0.1", "world=glob(*)"],
]


def check_twice(module: ModuleType) -> int:
    """Points that would be played twice with the same outcomes are refused."""
    for words, path, told in TWICE:
        with pytest.raises(UserError) as refusal:
            module.Composer(module.read_study([*SMALL[1:], *words])).check()
        assert refusal.value.path == path
        assert told in refusal.value.message
        assert len(str(refusal.value).splitlines()) <= 4
    for words in ONCE:
        module.Composer(module.read_study([*SMALL[1:], *words])).check()
    return len(TWICE) + len(ONCE)


def test_equal_points_are_refused(exercised: Exercised) -> None:
    exercised("studies", check_twice(points), 8)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("            self._refuse_equal()\n", "            pass\n"),
        ("kinds.append(id_of_checked(", "kinds.append(id("),
        (
            "        first = seen.setdefault(kind, place)",
            "        first = seen.setdefault(spelled[place], place)",
        ),
        ("list(zip(*kinds, strict=True))", "list(range(len(self.points)))"),
        ("for place in range(len(self.study.axes))]\n        if", "for place in range(1)]\n        if"),
    ],
    ids=["not looked for", "as objects", "as they are spelled", "never in lists", "of one axis"],
)
def test_equal_points_that_are_passed_over_are_noticed(old: str, new: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, UserError, ValueError)):
        check_twice(planted(points, old, new))


def test_points_that_a_design_repeats_are_counted() -> None:
    """Of eight draws of three whole numbers five are there already; without a list there are none."""
    words = [*SMALL, "design=lhs", "points=8"]
    told = Composer(read_study([*words, "market.looks=interval(3,5)"])).repeated()
    assert told.startswith("5 of 8 points are the same as others")
    assert not Composer(read_study([*words, "workers.broker_cut=interval(0,0.5)"])).repeated()
    assert not Composer(read_study([*SMALL, "market.looks=3,4"])).repeated()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- 1", "study"),
        ("settings: world=six_regions", "settings"),
        ("settings: {world: six_regions}", "settings"),
        ("settings: [[a], 5]", "settings"),
        ("settings: [study=other.yaml]", "study"),
        ("settings: [engine=serial, world=north_south]", "engine"),
        ("vary: [market.looks, 5]", "vary"),
        ("vary: {market.looks: []}", "market.looks"),
        ("vary: {market.looks: null}", "market.looks"),
        ("vary: {market.looks: {low: 1, high: 5}}", "market.looks"),
        ("sedes: 3", "sedes"),
        ("design: [lhs]", "design"),
    ],
)
def test_mistakes_in_a_study_file_are_told(text: str, path: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as refusal:
        read_study([f"study={file}"])
    assert refusal.value.path == path
    assert path in str(refusal.value).splitlines()[0]


def test_landmarks_have_every_choice_of_every_group() -> None:
    """So that a group's file that has changed is noticed wherever it is used."""
    words = ["market.looks=5,6", "policy=none,usage_tax,[union]", "world=north_south,six_regions"]
    composer = Composer(read_study([*SMALL[1:], *words]))
    found = [composer.points[number] for number in composer.landmarks()]
    assert {point[1] for point in found} == {"none", "usage_tax", ("union",)}
    assert {point[2] for point in found} == {"north_south", "six_regions"}
    assert composer.landmarks() == [0, 1, 2, 4, 11]


def test_the_bad_point_is_named() -> None:
    composer = Composer(read_study([*SMALL, "market.looks=5,6,99"]))
    with pytest.raises(UserError, match=r"^In point 2 of 3 \(market\.looks=99\): market\.looks is above"):
        composer.check()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["world=global,six_regions", "platforms=worldwide_and_domestic"],
            r"In point 1 of 2 \(world=six_regions\): platforms\.microwork\.excluded_countries is a country",
        ),
        (["platforms.microwork.owner=NTH,FRA"], r"owner=FRA\): platforms\.microwork\.owner is a country"),
        (
            ["policy=[wage_floor]", "policy.wage_floor.platforms=[microwork],[mine]"],
            r"In point 1 of 2 .* policy\.wage_floor\.platforms names none of the platforms",
        ),
    ],
)
def test_points_that_their_world_refuses_are_named(words: list[str], told: str) -> None:
    """Before the first run: countries and platforms are looked up in each point's own world."""
    composer = Composer(read_study([*SMALL, *words]))
    composer.check([0])
    with pytest.raises(UserError, match=told):
        composer.check()


def test_the_last_of_many_points_is_refused(exercised: Exercised) -> None:
    """C6: Every point is composed before the first run: 4 000 here, 100 000 at night."""
    _refuse_last(4_000)
    exercised("points", 4_000, 4_000, nightly=100_000)


@pytest.mark.nightly
def test_the_last_of_a_hundred_thousand_points_is_refused() -> None:
    """C6."""
    _refuse_last(100_000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("range(len(self.points)) if numbers is None", "self.landmarks() if numbers is None"),
        ("range(len(self.points)) if numbers is None", "range(0, len(self.points), 7) if numbers is None"),
        ("In point {number} of", "In point {number + 1} of"),
    ],
    ids=["landmarks alone", "a sample", "another number"],
)
def test_points_that_are_looked_over_are_noticed(old: str, new: str) -> None:
    """C6."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        _refuse_last(400, planted(points, old, new))


def test_nothing_is_begun_if_some_point_is_refused(tmp_path: Path) -> None:
    """C6.

    No engine is asked for and no folder made, though the first, the last and each choice are in order.
    """
    _refuse_before_the_first_run(tmp_path, sweep)
    late = planted(sweep, "        composer.check()\n        compile_ahead", "        compile_ahead")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        _refuse_before_the_first_run(tmp_path, late)


def _refuse_before_the_first_run(results: Path, module: ModuleType) -> None:
    words = [*SMALL, "requesters.pay_usd_per_hour=1,2,200.2,3", "market.looks=range(3,53,1)"]

    def engine() -> Any:
        raise AssertionError("an engine was started")

    study = read_study([*words, f"results.dir={results / 'r'}"])
    with pytest.raises(UserError, match="In point 100 of 200"):
        module.execute(study, engine, module.Settings(quiet=True))
    assert not (results / "r").exists()


def _words_of_bad(count: int) -> list[str]:
    pays = f"range({200.4 - 0.2 * (count // 100):.1f},200.4,0.2)"  # the last is 200.2, and 200 the limit
    return [*SMALL, f"requesters.pay_usd_per_hour={pays}", "market.looks=range(3,53,1)",
            "workers.broker_cut=0.1,0.2"]  # fmt: skip


def _refuse_last(count: int, module: ModuleType = points) -> None:
    composer = module.Composer(read_study(_words_of_bad(count)))
    assert len(composer.points) == count
    with pytest.raises(UserError, match=f"In point {count - 100} of {count}"):
        composer.check()
    assert isinstance(composer.config_of_point(0), Config)
