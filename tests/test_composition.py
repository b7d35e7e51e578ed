"""Putting a configuration together: groups, files, the command line; writing it; its identity."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import composition
from sim import overrides as overrides_module
from sim.app.state import State
from sim.composition import (
    compose,
    conf_folder,
    config_id,
    from_yaml,
    group_options,
    merge,
    to_plain,
    to_yaml,
)
from sim.config import Config
from sim.errors import UserError
from sim.overrides import _read
from sim.plain_yaml import parse_yaml, plain_scalar, read_yaml, write_yaml
from sim.study.points import Composer, read_study
from sim.study.scenarios import compose_scenarios
from sim.validation import build, check
from tests.conftest import Exercised
from tests.support.planting import planted


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Make a small folder of groups: two sets of platforms, and worlds that choose among them."""
    folder = tmp_path / "conf"
    files = {
        "config.yaml": "defaults:\n  - platforms: two\n  - world: wide\n  - _self_\n",
        "platforms/two.yaml": "microwork:\n  owner: USA\nsecond:\n  owner: IND\n  requester_fee: 0.1\n",
        "platforms/one.yaml": "microwork:\n  owner: FRA\n",
        "world/wide.yaml": "# @package _global_\nworld:\n  table: global\n",
        "world/north_south.yaml": (
            "# @package _global_\ndefaults:\n  - override /platforms: one\nworld:\n  table: north_south\n"
        ),
        "extra/fast.yaml": "# @package _global_\ntime:\n  days: 3\n",
        "extra/secret.yaml": "# @package _global_\nresults:\n  dir: ${oc.env:HOME}\n",
        "extra/wrong.yaml": "# @package _global_\ntime:\n  dayz: 3\n",
        "extra/broken.yaml": "a: [\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def refused(conf: Path | None, *overrides: str, files: Any = ()) -> UserError:
    with pytest.raises(UserError) as caught:
        compose(overrides, files, conf=conf)
    assert len(str(caught.value).splitlines()) <= 5
    assert caught.value.allowed and caught.value.nearest, str(caught.value)
    return caught.value


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_groups_lie_over_the_defaults(conf: Path) -> None:
    config = compose((), conf=conf)
    assert sorted(config.platforms) == ["microwork", "second"]
    assert config.platforms["second"].requester_fee == 0.1
    assert config.workers == Config().workers


def test_a_world_chooses_its_platforms_and_the_user_may_choose_others(conf: Path) -> None:
    config = compose(["world=north_south"], conf=conf)
    assert config.world.table == "north_south"
    assert {name: platform.owner for name, platform in config.platforms.items()} == {"microwork": "FRA"}
    assert compose(["extra=fast"], conf=conf).time.days == 3
    assert list(compose(["~platforms"], conf=conf).platforms) == ["microwork"]
    assert compose(["world=null"], conf=conf).world == Config().world


def test_groups_are_read_again_when_a_file_changes(conf: Path) -> None:
    assert compose((), conf=conf).platforms["second"].requester_fee == 0.1
    write(conf / "platforms" / "two.yaml", "second:\n  owner: IND\n  requester_fee: 0.25\n")
    assert compose((), conf=conf).platforms["second"].requester_fee == 0.25


def test_later_wins(conf: Path, tmp_path: Path) -> None:
    first = write(tmp_path / "first.yaml", "time: {days: 5, warmup_days: 4}\nseed: 2\n")
    second = write(tmp_path / "second.yaml", "time: {days: 6}\n")
    config = compose(["extra=fast", f"config={second}", "seed=4", "seed=3"], [first], conf=conf)
    assert (config.time.days, config.time.warmup_days, config.seed) == (6, 4, 3)


def test_entries_are_added_with_a_plus_and_taken_away_with_a_tilde(conf: Path, tmp_path: Path) -> None:
    config = compose(["+platforms.mine.requester_fee=0.3", "~platforms.second"], conf=conf)
    assert sorted(config.platforms) == ["microwork", "mine"]
    assert config.platforms["mine"].requester_fee == 0.3
    assert "empty" in compose(["+platforms.empty={}"], conf=conf).platforms
    assert list(compose(["platforms.second=null"], conf=conf).platforms) == ["microwork"]
    file = write(tmp_path / "my.yaml", "platforms:\n  second: null\n  third: {owner: CHN}\n")
    assert sorted(compose(user_files=[file], conf=conf).platforms) == ["microwork", "third"]


@pytest.mark.parametrize(
    ("override", "path", "suggestion"),
    [
        ("wrld=wide", "wrld", "world=wide"),
        ("world=wid", "world", "world=wide"),
        ("world=../../etc/passwd", "world", ""),
        ("platforms=[one,two]", "platforms", ""),
        ("workers.cuont=5", "workers.cuont", "workers.count=5"),
        ("worker.count=5", "worker", "workers.count=5"),
        ("days=5", "days", "time.days=5"),
        ("workers.count.x=5", "workers.count.x", "workers.count=5"),
        ("workers=5", "workers", ""),
        ("workers.broker_cut={a: 1}", "workers.broker_cut", "workers.broker_cut=0.2"),
        ("workers={count: 5}", "workers", "workers.count=5"),
        ("platforms.secnd.requester_fee=0.1", "platforms.secnd", "platforms.second.requester_fee=0.1"),
        (
            "platforms.second.requester_fe=0.1",
            "platforms.second.requester_fe",
            "platforms.second.requester_fee=0.1",
        ),
        ("~platforms.secnd", "platforms.secnd", "~platforms.second"),
        ("~workers.count", "workers.count", ""),
        ("~seed", "seed", ""),
        ("~platforms.second=3", "platforms.second", "~platforms.second"),
        ("+workers.cuont=5", "workers.cuont", "workers.count=5"),
        ("+platforms.new.requestr_fee=0.1", "platforms.new.requestr_fee", "+platforms.new.requester_fee=0.1"),
        ("workers.cuont=many", "workers.cuont", "workers.count=20_000"),
        ("results.dri='a (b)'", "results.dri", "\"results.dir='a (b)'\""),
        ("+new=5", "new", ""),
        ("workers.count", "workers.count", "workers.count=20_000"),
        ("workers.count=1,2", "workers.count", "workers.count=1"),
        ("workers.count=range(1,9)", "workers.count", ""),
        ("requesters.weekday_weights=shuffle([1,2])", "requesters.weekday_weights", ""),
        ("results.dir=a (b)", "results.dir", "\"results.dir='a (b)'\""),
        ("workers.count=5)", "workers.count", "workers.count=5"),
        ("workers.count=((", "workers.count", "workers.count=20_000"),
        ("results.dir=[a", "results.dir", "\"results.dir='[a'\""),
        ("results.dir=${oc.env:HOME}", "results.dir", "results.dir=..."),
        ("results.dir='${oc.env:HOME}'", "results.dir", "results.dir=..."),
        ("hydra.run.dir=x", "hydra", ""),
        ("hydra/launcher=basic", "hydra/launcher", ""),
        ("world@other=wide", "world@other", ""),
        ("workers._target_=os.system", "workers._target_", ""),
        ("+workers._target_=os.system", "workers._target_", ""),
        ("+platforms._target_.owner=os.system", "platforms._target_", "platforms.x_target_"),
        ("=5", "a setting", ""),
        ("", "a setting", ""),
        ("seed=" + "[" * 3000, "seed", ""),
        ("seed=" + "1" * 4000, "seed", ""),
        ("seed=" + "1" * 9000, "seed", ""),
        ("results.dir=é", "results.dir", "\"results.dir='é'\""),
        ("results.dir='\udcff'", "results.dir", ""),
        ("extra=secret", "results.dir", "results.dir=results"),
        ("extra=wrong", "time.dayz", "time.days"),
        ("extra=broken", "extra", ""),
        ("config=nothing.yaml", "nothing.yaml", ""),
    ],
)
def test_refusals(conf: Path, override: str, path: str, suggestion: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([override], conf=conf)
    error = caught.value
    assert len(str(error).splitlines()) <= 5
    assert error.path == path
    assert error.allowed, str(error)
    if suggestion:
        assert error.nearest == suggestion


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("policy=[usage_tax", "policy=[usage_tax]"),
        ("policy=[usage_tx", "policy=usage_tax"),
        ("world=(six_regions", "world=six_regions"),
        ("policy.usage_tx.to_users=1", "policy=usage_tax"),
    ],
)
def test_the_nearest_to_a_broken_choice_of_a_group_can_be_typed_back(word: str, near: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([word])
    assert caught.value.nearest == near
    compose([near])


def test_the_parser_is_not_kept_busy() -> None:
    assert "too long" in str(refused(None, *["seed=1"] * 20_000))


def test_brackets_are_counted_before_the_parser_sees_them() -> None:
    assert "nested too deeply" in str(refused(None, "policy=[[[[[1]]]]]"))


def test_long_numbers_are_refused_whatever_limit_python_has(request: pytest.FixtureRequest) -> None:
    before = sys.get_int_max_str_digits()
    request.addfinalizer(lambda: sys.set_int_max_str_digits(before))
    sys.set_int_max_str_digits(640)
    assert refused(None, "seed=" + "1" * 700).path == "seed"
    assert isinstance(parse_yaml("seed: " + "1" * 700).values["seed"], str)


def test_a_file_is_named_with_its_line(conf: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "my.yaml", "# mine\nworkers:\n  speed_log_sigma: 0.4\n  cuont: 5\n")
    error = refused(conf, files=[file])
    assert error.path == "workers.cuont" and f"({file}, line 4)" in str(error)
    file = write(tmp_path / "list.yaml", "requesters:\n  weekday_weights: [1, 1, -1]\n")
    assert f"({file}, line 2)" in str(refused(conf, files=[file]))


def test_cross_checks_wait_until_everything_is_laid_over(conf: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "my.yaml", "workers: {patience_low: 20}\n")
    assert refused(conf, files=[file]).path == "workers.patience_high"
    assert compose(["workers.patience_high=30"], [file], conf=conf).workers.patience_low == 20


def test_a_whole_file_has_no_group_beneath(conf: Path, tmp_path: Path) -> None:
    north_south = compose(["world=north_south"], conf=conf)
    file = write(tmp_path / "saved.yaml", to_yaml(north_south))
    assert compose(user_files=[file], conf=conf) == north_south
    assert compose(["seed=9"], [file], conf=conf).seed == 9
    partial = write(tmp_path / "part.yaml", "defaults: []\nseed: 4\n")
    assert compose(user_files=[partial], conf=conf) == build(Config, {"seed": 4})
    assert refused(conf, "world=wide", files=[file]).path == "world"
    over = write(tmp_path / "over.yaml", "seed: 5\n")
    assert compose(user_files=[file, over], conf=conf).seed == 5
    assert refused(conf, files=[over, file]).path == "config"
    choosing = write(tmp_path / "choosing.yaml", "defaults:\n  - world: wide\n")
    assert refused(conf, files=[choosing]).path == "defaults"


def test_the_projects_own_groups_compose() -> None:
    folder = conf_folder()
    options = group_options(folder)
    count = 0
    for group, names in options.items():
        for name in names:
            if name in INCOMES:
                told = refused(None, f"{group}={name}")
                assert told.path.startswith(f"policy.{name}.") and "a tax beside it" in str(told)
            else:
                assert isinstance(compose([f"{group}={name}"]), Config)
            count += 1
    print(f"{count} choices in {len(options)} groups compose")
    assert count >= 1


INCOMES = {"universal_income", "conditional_income"}
TAXES = {"usage_tax", "turnover_tax", "profit_tax"}


def test_policies_are_chosen_together() -> None:
    """Any list of them composes as long as something pays for one income; the order means nothing."""
    names = [name for name in group_options(conf_folder())["policy"] if name != "none"]
    assert len(names) >= 4
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            if not {first, second} & TAXES and {first, second} & INCOMES:
                why = "one income in a run" if {first, second} == INCOMES else "a tax beside it"
                told = refused(None, f"policy=[{first},{second}]")
                assert why in str(told)
                if {first, second} != INCOMES:
                    compose([told.nearest])  # the way out is one, and leaves what was chosen
                    assert {first, second, "usage_tax"} == set(told.nearest[8:-1].split(","))
                continue
            config = compose([f"policy=[{first},{second}]"])
            assert config == compose([f"policy=[{second},{first}]"])
            assert set(config.policy.chosen()) == {first, second}
    for income in INCOMES:
        most = [name for name in names if name not in INCOMES - {income}]
        every = compose([f"policy=[{','.join(most)}]"])
        assert all(getattr(every.policy, name) is not None for name in most)
    both = refused(None, f"policy=[{','.join(names)}]")
    assert both.path == "policy.conditional_income.recipients" and "one income in a run" in str(both)
    for income, word, why in (
        ("universal_income", "residents", "nobody's users"),
        ("conditional_income", "employers", "one share of what they spend"),
    ):
        words = (f"policy.{income}.recipients={word}", f"policy.{income}.platforms=[microwork]")
        told = refused(None, f"policy=[usage_tax,{income}]", *words)
        assert told.path == f"policy.{income}.platforms" and why in str(told), str(told)
    external = compose(["policy=universal_income", "policy.universal_income.funding=external"])
    assert external.policy.universal_income is not None and external.policy.usage_tax is None


CLASHES = {
    ("usage_tax", "usage_tax"): "usage_tax",
    ("union", "usage_tax", "union"): "union,usage_tax",
    ("none", "none"): "none",
    ("none", "usage_tax"): "usage_tax",
    ("usage_tax", "none", "usage_tax", "union"): "usage_tax,union",
}
"""Policies chosen together that clash, and what is nearest to them."""


def clashes(overrides: ModuleType, names: Sequence[str]) -> bool:
    """Return whether a choice of policies is refused."""
    try:
        overrides.sort_out([f"policy=[{','.join(names)}]"], group_options(conf_folder()))
    except UserError:
        return True
    return False


def test_a_policy_named_twice_is_refused_wherever_it_is_named(exercised: Exercised) -> None:
    """One rule for a run, a point of a sweep, a scenario and a link of the page."""
    for names, near in CLASHES.items():
        told = []
        calls: list[tuple[str, Callable[[], object]]] = [
            (f"policy=[{near}]", partial(compose, [f"policy=[{','.join(names)}]"])),
            (near.replace(",", "+"), partial(compose_scenarios, ["union", "+".join(names)])),
            (near, partial(State, policies=names)),
        ]
        for spelled, call in calls[: 2 if "none" in names else 3]:  # the page does not know the name
            with pytest.raises(UserError) as caught:
                call()
            told.append((caught.value.message, caught.value.allowed))
            assert caught.value.nearest == spelled
        assert len(set(told)) == 1, told
        with pytest.raises(UserError) as caught:
            Composer(read_study([f"policy=union,[{','.join(names)}]"])).check()
        assert caught.value.message.startswith("In point 1 of 2") and told[0][0] in caught.value.message
    exercised("clashes", len(CLASHES), 5)


@pytest.mark.parametrize(
    ("rule", "instead", "unseen"),
    [
        ("len(once) < len(names) or alone", "alone", ("usage_tax", "usage_tax")),
        ("len(once) < len(names) or alone", "len(once) < len(names)", ("none", "usage_tax")),
    ],
)
def test_a_rule_that_forgets_a_clash_is_noticed(rule: str, instead: str, unseen: tuple[str, ...]) -> None:
    assert clashes(overrides_module, unseen)
    assert not clashes(planted(overrides_module, rule, instead), unseen)


def test_the_projects_own_files_read_the_same_to_any_yaml_reader() -> None:
    files = sorted(conf_folder().rglob("*.yaml"))
    for file in files:
        assert read_yaml(file).values == yaml.safe_load(file.read_text(encoding="utf-8")), file
    print(f"{len(files)} files")
    assert files


def test_to_yaml_and_back(tmp_path: Path) -> None:
    config = compose(["requesters.count=7", "results.dir='010'", "market.noise_sigma=1e-7"])
    text = to_yaml(config)
    file = write(tmp_path / "saved.yaml", text)
    assert from_yaml(file) == config
    assert to_yaml(from_yaml(file)) == text
    foreign = yaml.safe_load(text)
    assert foreign.pop("defaults") == []
    assert foreign == to_plain(config)
    keys = [line.partition(":")[0] for line in text.splitlines() if line[0] not in " #"]
    assert keys[0] == "defaults" and keys[1:] == sorted(keys[1:])


def test_merge_leaves_its_arguments_alone() -> None:
    tree: dict[str, Any] = {"a": {"b": 1}, "c": [1]}
    over = {"a": {"d": {"e": 2}}, "c": [2]}
    merged = merge(tree, over)
    assert merged == {"a": {"b": 1, "d": {"e": 2}}, "c": [2]}
    merged["a"]["d"]["e"] = 3
    assert tree == {"a": {"b": 1}, "c": [1]} and over["a"] == {"d": {"e": 2}}


def shuffled(tree: Any) -> Any:
    """Return the same data with the keys of every mapping the other way round."""
    if isinstance(tree, dict):
        return {key: shuffled(tree[key]) for key in reversed(list(tree))}
    return tree


def test_identity_does_not_see_order_comments_spelling_or_defaults(tmp_path: Path) -> None:
    config = compose(["workers.speed_log_sigma=0.3", "requesters.night_weight=1"])
    name = config_id(config)
    plain = to_plain(config)
    spelled = {"workers": {"speed_log_sigma": 0.30}, "requesters": {"night_weight": 1.0}}
    same = {
        "order of keys": build(Config, shuffled(plain)),
        "explicit defaults": compose(
            ["workers.count=20000", "workers.speed_log_sigma=3e-1", "requesters.night_weight=1.0"]
        ),
        "comments": from_yaml(
            write(
                tmp_path / "a.yaml",
                "# hello\nworkers: # here\n  speed_log_sigma: .30\nrequesters:\n  night_weight: 1\n",
            )
        ),
        "quotes and flow": from_yaml(
            write(
                tmp_path / "b.yaml", '{"requesters": {night_weight: 1.0}, workers: {speed_log_sigma: 3.0e-1}}'
            )
        ),
        "json": from_yaml(write(tmp_path / "c.yaml", "defaults: []\n" + yaml.safe_dump(shuffled(plain)))),
        "python": check(build(Config, merge(to_plain(compose()), spelled))),
        "whole numbers as powers": compose(
            ["workers.count=2e4", "workers.speed_log_sigma=0.3", "requesters.night_weight=1"]
        ),
        "where and how": compose(
            ["workers.speed_log_sigma=0.3", "requesters.night_weight=1", "results.dir=x", "compute.threads=2"]
        ),
    }
    wrong = [what for what, other in same.items() if config_id(other) != name]
    print(f"{len(same)} spellings of one configuration")
    assert (wrong, len(name)) == ([], 64)


def test_identity_sees_every_parameter() -> None:
    """Change one parameter after the other, within its range: no two configurations share an identity."""
    from sim.schema import describe

    seen = {config_id(compose())}
    changed = 0
    for row in describe(Config):
        if row.path.startswith(("compute.", "results.", "time.checkpoint_days")):
            continue
        other = another_value(row)
        if other is None:
            continue
        tree: dict[str, Any] = {}
        node = tree
        *sections, last = row.path.replace("<name>", "a_new_name").split(".")
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = other
        changed += 1
        seen.add(config_id_of(merge(to_plain(compose()), tree)))
    print(f"{changed} parameters changed, {len(seen)} identities")
    assert changed > 100
    assert len(seen) == changed + 1


def config_id_of(tree: Any) -> str:
    """Return the identity, with the cross-checks left aside by building first without them."""
    config = build(Config, tree, cross_checks=False)
    try:
        return config_id(config)
    except UserError:
        return json.dumps(to_plain(config), sort_keys=True)


def another_value(row: Any) -> Any:
    limits, default = row.limits, row.limits.default
    if row.kind == "true/false":
        return not default
    if limits.choices:
        return next(choice for choice in limits.choices if choice != default)
    if row.kind.startswith(("number", "whole number")):
        return limits.low if default != limits.low else limits.high
    if row.kind == "text":
        return "2019-01-14" if row.path == "time.start" else "other"
    if row.kind == "list of number":
        return [limits.high] * len(default)
    return ["USA"] if row.kind.startswith("list of text") else None


CHARACTERS = "0123456789_+-.eExXnaifNtruelsoONyY"


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text(CHARACTERS, min_size=1, max_size=8), st.text("01_.e+-", min_size=1, max_size=6)))
def test_a_word_means_the_same_in_a_file_and_on_the_command_line(word: str) -> None:
    try:
        spoken = _read(f"a={word}").value()
    except UserError:
        return
    written = plain_scalar(word)
    assert type(written) is type(spoken)
    assert repr(written) == repr(spoken)


TREES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**12), 10**12),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12),
        st.sampled_from(
            ["NO", "yes", "010", "0x10", "5:30", "1e3", "null", "~", "", "a: b", "- a", "<<", "2019-01-07"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abNO1: ", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), TREES, max_size=4))
def test_written_yaml_is_read_back(tree: dict[str, Any]) -> None:
    text = write_yaml(tree)
    assert (parse_yaml(text).values or {}) == tree
    assert write_yaml(parse_yaml(text).values or {}) == text


def test_written_yaml_is_the_same_to_other_readers() -> None:
    tree = {
        "NO": "NO",
        "a": [1.0, 1e-7, 1e22, True, None, "010", "5:30", "1_000", "~", "é"],
        "b": {"y": "off"},
    }
    assert yaml.safe_load(write_yaml(tree)) == tree


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x 1\n", "anchor"),
        ("a: *x\n", "anchor"),
        ("a: !!python/object/apply:os.system ['true']\n", "tag"),
        ("a: !!str 5\n", "tag"),
        ("!!map {a: 1}\n", "tag"),
        ("a: 1\na: 2\n", "twice"),
        ("a: {b: 1, b: 1}\n", "twice"),
        ("[1]: 2\n", "plain name"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: " + "[" * 3000, "too deep"),
        ("a:\n" + "".join("  " * (i + 1) + "b:\n" for i in range(100)), "too deep"),
        ("a: [" + "1," * 30_000 + "]", "too many"),
        ("a: [1\n", "not YAML"),
        ("a: \x00\n", "not YAML"),
        ("\ta: 1\n", "not YAML"),
    ],
)
def test_yaml_that_is_refused(text: str, what: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_yaml(text, "my.yaml")
    assert what in str(caught.value) and "my.yaml" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 5


def test_merge_keys_and_dates_are_plain_words() -> None:
    assert parse_yaml("<<: 1\n").values == {"<<": 1}
    assert parse_yaml("a: 2019-01-07\n").values == {"a": "2019-01-07"}
    assert parse_yaml("").values is None
    assert parse_yaml("a: ~\nb:\nc: ''\n").values == {"a": None, "b": None, "c": ""}


def test_threads_may_compose_at_the_same_time() -> None:
    """Hydra's state is the whole process's, and a worker of a cluster may have several threads."""
    worlds = ["global", "mturk_2015", "north_south", "six_regions"]
    begin = threading.Barrier(len(worlds))

    def looks(world: str) -> int:
        begin.wait()
        return compose([f"world={world}", "market.looks=7"]).market.looks

    composition._composed.cache_clear()
    with ThreadPoolExecutor(len(worlds)) as pool:
        assert list(pool.map(looks, worlds)) == [7] * len(worlds)
