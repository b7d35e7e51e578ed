"""Scenarios by name: policies joined by `+`, or a file; all are composed before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from sim.composition import conf_folder, group_options, laid_out
from sim.config import Config
from sim.errors import UserError, nearest_or_first
from sim.overrides import NONE, Change, apply_change, meant, refuse_clashes
from sim.schema import takes_settings
from sim.validation import build

JOIN = "+"
POLICY, SCENARIO = "policy", "scenario"
MOST_SEEDS = 10_000
SHARED = ("seed", "time", "world", "workers.count", "workers.real_count")
"""What all scenarios must have in common: the same draws meet the same days, countries and people."""


class Scenario(NamedTuple):
    """A scenario: its name, the words that choose its groups, and files laid over them."""

    name: str
    words: tuple[str, ...]
    files: tuple[Path, ...] = ()


def compose_scenarios(names: Sequence[str], overrides: Sequence[str] = ()) -> dict[str, Config]:
    """Return the validated configuration of each scenario, by name; the first is the baseline.

    A single setting changes every scenario that has it; one that none has is an error. A name that occurs
    twice is told apart by a number.
    """
    options = group_options(conf_folder())
    if len(names) < 2:
        raise UserError(
            "Nothing to compare: one scenario is the baseline, so at least two are needed.",
            value=" ".join(names) or "no scenario",
            allowed=f"names of policies joined by {JOIN}, or of scenarios: " + ", ".join(_known(options)),
            nearest=f"clickmarket compare {NONE} {names[0] if names and names[0] != NONE else 'usage_tax'}",
        )
    for word in overrides:
        _refuse_group(word, names)
    scenarios = [parse(name, options) for name in names]
    trees = [laid_out([*one.words, *overrides], one.files) for one in scenarios]
    changes = trees[0][1]
    for change in changes:
        _apply_where_known(change, [tree for tree, _ in trees], scenarios)
    configs: dict[str, Config] = {}
    for scenario, (tree, _) in zip(scenarios, trees, strict=True):
        configs[_unique(scenario.name, configs)] = _built(scenario.name, tree)
    check_comparable(configs)
    return configs


def parse(name: str, options: Mapping[str, list[str]]) -> Scenario:
    """Return the scenario that a word names: policies joined by `+`, a scenario's file by name, or a path."""
    if name.endswith((".yaml", ".yml")):
        return Scenario(Path(name).stem, (), (Path(name),))
    if name in options.get(SCENARIO, []):
        return Scenario(name, (f"{SCENARIO}={name}",))
    parts = name.split(JOIN)
    for part in parts:
        if part not in options[POLICY]:
            raise _unknown(name, part, options)
    refuse_clashes(parts, POLICY, JOIN.join)
    return Scenario(name, (f"{POLICY}=[{','.join(parts)}]",))


def with_seeds(config: Config, count: int) -> list[Config]:
    """Return the configuration with `count` seeds in a row, from its own on."""
    if not 1 <= count <= MOST_SEEDS:
        raise UserError(
            "is too few." if count < 1 else "is too many.",
            path="seeds",
            value=count,
            allowed=f"a whole number from 1 to {MOST_SEEDS:_}; intervals need at least 2",
            nearest="seeds=1" if count < 1 else f"seeds={MOST_SEEDS}",
        )
    return [replace(config, seed=config.seed + number) for number in range(count)]


def check_comparable(configs: Mapping[str, Config]) -> None:
    """Refuse scenarios that differ in what all must share: seed, days, countries and people."""
    (first, baseline), *others = configs.items()
    for name, config in others:
        for part in SHARED:
            if attrgetter(part)(config) != attrgetter(part)(baseline):
                raise UserError(
                    f"differs between scenarios {first} and {name}, so that they cannot be paired.",
                    path=part,
                    value=name,
                    allowed="the same seed, time, world and number of workers in all scenarios",
                    nearest=f"{part}=... on the command line, for all",
                )


def _known(options: Mapping[str, list[str]]) -> list[str]:
    return [*options[POLICY], *options.get(SCENARIO, [])]


def _unknown(name: str, part: str, options: Mapping[str, list[str]]) -> UserError:
    suggestion = nearest_or_first(part, _known(options) if part == name else options[POLICY])
    setting = meant(part, options) if part == name else ""
    if setting and setting.partition("=")[0] not in (POLICY, SCENARIO):
        return UserError(
            f"{part} is no policy and no scenario.",
            value=name,
            allowed="names of scenarios, then settings with an equals sign",
            nearest=setting,
        )
    parts = [suggestion if one == part else one for one in name.split(JOIN) if one]
    return UserError(
        f"{part or 'Nothing'} is no policy{' and no scenario' if part == name else ''}.",
        value=name,
        allowed=f"policies joined by {JOIN}, or a scenario: " + ", ".join(_known(options)),
        nearest=JOIN.join(parts) or NONE,
    )


def _refuse_group(word: str, names: Sequence[str]) -> None:
    group = word.partition("=")[0].lstrip("+~")
    if group in (POLICY, SCENARIO):
        raise UserError(
            "is chosen by the names of the scenarios.",
            path=group,
            value=word,
            allowed="names without an equals sign: clickmarket compare none usage_tax",
            nearest=" ".join(["clickmarket compare", *names, word.partition("=")[2].strip("[]")]),
        )


def _apply_where_known(change: Change, trees: list[dict[str, Any]], scenarios: list[Scenario]) -> None:
    """Apply a setting to the scenarios that have its key; refuse it if none has."""
    path = change.path.split(".")
    if path[0] == POLICY and (change.mark or len(path) == 2):
        raise UserError(
            "would change what a scenario's name says.",
            path=change.path,
            value=change.value,
            allowed="settings of instruments that scenarios have: policy.usage_tax.usd_per_user_month=1",
            nearest=f"clickmarket compare {' '.join(one.name for one in scenarios)} {path[1]}",
        )
    if change.mark:
        for tree in trees:
            apply_change(tree, change)
        return
    known = [_depth(tree, change.path) for tree in trees]
    whole = change.path.count(".") + 1
    if whole not in known:
        _refuse_unknown(change, trees[known.index(max(known))], scenarios)
    for tree, depth in zip(trees, known, strict=True):
        if depth == whole:
            apply_change(tree, change)


def _depth(tree: dict[str, Any], path: str) -> int:
    """Return how many parts of a dotted path lead to something in the tree; null leads no further."""
    node: Any = tree
    for depth, part in enumerate(path.split(".")):
        if not isinstance(node, dict):
            return depth - 1
        if part not in node:
            return depth
        node = node[part]
    return path.count(".") + 1


def _refuse_unknown(change: Change, tree: dict[str, Any], scenarios: list[Scenario]) -> None:
    """Raise the error for a setting that no scenario has, as told by the one that comes nearest to it."""
    group, _, name = change.path.rpartition(".")[0].rpartition(".")
    if group == POLICY and takes_settings(Config, f"{group}.{name}") and tree[POLICY].get(name) is None:
        raise UserError(
            f"has no effect: no scenario has {name}.",
            path=change.path,
            value=change.value,
            allowed=f"beside a scenario with {name}; here are {', '.join(one.name for one in scenarios)}",
            nearest=f"clickmarket compare {' '.join(one.name for one in scenarios)} {name}",
        )
    apply_change(tree, change)
    raise AssertionError(f"{change.path} was there after all")


def _built(name: str, tree: dict[str, Any]) -> Config:
    """Build a scenario's configuration; a mistake in it says which scenario it is in."""
    try:
        return build(Config, tree)
    except UserError as error:
        raise UserError(
            f"{error.message} (in scenario {name})",
            path=error.path,
            value=error.value,
            allowed=error.allowed,
            nearest=_spelled_as_scenario(error.nearest),
        ) from error


def _spelled_as_scenario(way_out: str) -> str:
    """Return the way out of a contradiction as it is typed here: policies joined, not a list of them."""
    group, _, names = way_out.partition("=[")
    return names.rstrip("]").replace(",", JOIN) if group == POLICY and names else way_out


def _unique(name: str, taken: Iterable[str]) -> str:
    names = set(taken)
    number = 1
    while (name if number == 1 else f"{name} ({number})") in names:
        number += 1
    return name if number == 1 else f"{name} ({number})"
