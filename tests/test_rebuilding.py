"""A configuration that is changed in some places is read as if all of it were read; so is its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from sim import composition, validation
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.study import points
from sim.study.points import Composer, read_study
from sim.validation import build, to_plain
from tests.conftest import Exercised
from tests.support.planting import planted

WORDS = (
    "world=six_regions",
    "platforms=all_families",
    "ai=growing",
    "policy=[usage_tax,universal_income,union]",
)
VALUES = (0, 1, 0.25, -1, "none", True, None, [], {})


@cache
def ground() -> tuple[dict[str, Any], Config]:
    """Plain data of a rich configuration, and what it makes."""
    tree = to_plain(compose(WORDS))
    return tree, build(Config, tree)


def places(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the dotted path of every setting, and of all entries and sections that hold some."""
    for name, value in tree.items():
        where = f"{path}.{name}" if path else name
        yield where
        if isinstance(value, dict):
            yield from places(value, where)


def value_at(tree: Any, path: str) -> Any:
    for part in path.split("."):
        tree = tree[part]
    return tree


def changed(tree: Mapping[str, Any], path: str, value: Any, module: Any = points) -> dict[str, Any]:
    """Return a tree with one other value, which shares all else."""
    other = dict(tree)
    module._make_way(other, path)
    node: dict[str, Any] = other
    *way, last = path.split(".")
    for part in way:
        node = node[part]
    node[last] = value
    return other


def outcome(read: Any) -> Any:
    """Return what is made, or what the refusal says."""
    try:
        return read()
    except UserError as refusal:
        return str(refusal)


def check_rebuild(module: Any = validation, among: int = 1) -> tuple[int, int]:
    """Change each value to some others, alone and with another one; return how many were made and refused."""
    tree, base = ground()
    made = refused = 0
    paths = list(places(tree))
    few = [path for path in paths if path.count(".") < 2 and isinstance(value_at(tree, path), dict)]
    for number, path in enumerate([*few, *paths[::among]]):
        for value in VALUES:
            other = changed(tree, path, value)
            if number % 2 and path.partition(".")[0] != paths[-number].partition(".")[0]:
                other = changed(other, paths[-number], 0.5)
            again = outcome(lambda other=other: module.rebuild(base, tree, other))
            assert again == outcome(lambda other=other: build(Config, other)), (path, value)
            made += isinstance(again, Config)
            refused += isinstance(again, str)
    return made, refused


def check_ground(module: Any = points) -> int:
    """Change each value in a tree of its own; the tree beneath stays as it was."""
    tree, _ = ground()
    before = json.dumps(tree)
    paths = list(places(tree))
    for path in paths:
        changed(tree, path, "other", module)
    assert json.dumps(tree) == before
    return len(paths)


def check_identity(module: Any = composition) -> int:
    """Compare identities with those of the plain data, written as one; each part is asked for twice."""
    seen = set()
    varied = (
        "workers.broker_cut=interval(0,0.5)",
        "platforms.microwork.requester_fee=interval(0,0.5)",
        "time.days=1,2",
    )
    study = read_study([*WORDS, "design=lhs", "points=40", *varied])
    composer = Composer(study)
    for number in [*range(40), *range(40)]:
        config = composer.config_of_point(number)
        plain = to_plain(config)
        plain.pop("compute")
        plain.pop("results")
        plain["time"].pop("checkpoint_days")
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
        found = module.id_of_checked(config)
        assert found == hashlib.sha256(text.encode()).hexdigest()
        seen.add(found)
    return len(seen)


def test_what_is_rebuilt_is_what_is_built(exercised: Exercised) -> None:
    made, refused = check_rebuild(among=8)
    exercised("configurations rebuilt", made, 150)
    exercised("refusals", refused, 1_000)


def test_the_ground_is_left_as_it_was(exercised: Exercised) -> None:
    exercised("values changed", check_ground(), 400)


def test_an_identity_is_that_of_the_plain_data(exercised: Exercised) -> None:
    exercised("identities", check_identity(), 20)


def test_the_identity_of_a_default_is_that_of_its_number() -> None:
    """Also where a number of hours is declared as 26 and read as 26.0."""
    config = build(Config, {"policy": {"union": {}}})
    assert composition.id_of_checked(config) == composition.config_id(config)
    assert repr(to_plain(Config())) == repr(to_plain(validation.check(Config())))


BUGS = [
    (check_rebuild, validation, "if value is not before[name]\n", "if value != before[name]\n"),
    (check_rebuild, validation, "        return rebuild(made, before, after, path)", "        return made"),
    (check_rebuild, validation, "    _ask_for_problems(changed, path)\n", ""),
    (check_rebuild, validation, "if after[name] is before[name]", "if name != 'microwork'"),
    (check_rebuild, validation, " and None not in after.values()", ""),
    (check_ground, points, "        tree[part] = dict(tree[part])\n", ""),
    (check_identity, composition, "not in WITHOUT_EFFECT", "not in ('compute',)"),
    (check_identity, composition, "if section == name", "if section != name"),
    (check_identity, composition, "sorted(texts)", "list(texts)"),
]


@pytest.mark.parametrize("number", range(len(BUGS)))
def test_planted_bugs_are_noticed(number: int) -> None:
    check, module, sound, bug = BUGS[number]
    with pytest.raises((AssertionError, KeyError, TypeError)):
        check(planted(module, sound, bug))
