"""What an experiment asks: its YAML file, and the words of its command, as validated configurations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.composition import compose
from sim.config import Config
from sim.errors import UserError, one_of
from sim.overrides import FILE_KEY
from sim.plain_yaml import read_yaml
from sim.schema import spell
from sim.study.crew import usual_size
from sim.study.remarks import unfunded

FOLDER = Path(__file__).resolve().parent
SIZES = ("small", "medium", "full")
OWN = ("size", "seeds", "jobs")
OF_TAXES = ("laffer", "tax_scenarios")
"""Experiments that hold taxes against each other by what they raise and pay for."""

HERE = "experiments/"
"""How the YAML files begin the path of a table that lies beside them."""


@dataclass(frozen=True)
class Asked:
    """An experiment at one size.

    Attributes
    ----------
    name, claims, question, size
        What is asked, and how large.
    seeds, jobs
        Runs of each scenario, with seeds in a row; processes at a time.
    configs
        The configuration of each scenario, by name.
    points
        Of each scenario of a grid, the settings that vary in it, by their paths.
    matched
        For each way of matching budgets, the scenarios that take part; the first has no tax, the second sets
        the revenue.
    """

    name: str
    claims: tuple[str, ...]
    question: str
    size: str
    seeds: int
    jobs: int
    configs: Mapping[str, Config]
    points: Mapping[str, Mapping[str, Any]]
    matched: Mapping[str, Sequence[str]]


def ask(name: str, words: Sequence[str]) -> Asked:
    """Return an experiment as the words of its command want it.

    Words are `size=`, `seeds=`, `jobs=`, and settings of the model that hold for every scenario.

    Raises
    ------
    UserError
        For the first word or setting that is not allowed.
    """
    plain = _file(name)
    chosen = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    size = one_of("size", chosen.get("size", "full"), SIZES)
    sized = plain["sizes"][size]
    more = [word for word in words if word.partition("=")[0] not in OWN]
    for word in more:
        if "=" not in word:
            raise UserError(
                "is no setting.", path=word, allowed="size=small, seeds=5, results.dir=FOLDER, or a setting",
                nearest="size=small",
            )  # fmt: skip
    said = said_by_files(more)
    _refuse_what_differs(name, plain, [*more, *(f"{path}={spell(value)}" for path, value in said.items())])
    settings = without(said, [*plain.get("settings", []), *sized.get("settings", [])])
    scenarios, points = _scenarios(plain, sized.get("vary", {}))
    configs = {one: compose(_last_wins([*settings, *own, *more])) for one, own in scenarios.items()}
    refuse_unfunded(name, configs)
    seeds = count_of("seeds", chosen.get("seeds", str(sized["seeds"])), 10_000)
    return Asked(
        name,
        tuple(plain["claims"]),
        str(plain["question"]),
        size,
        seeds,
        count_of("jobs", chosen.get("jobs", str(usual_size(seeds * len(configs), 1))), 1024),
        configs,
        points,
        {kind: list(names) for kind, names in plain.get("matched", {}).items()},
    )


def _file(name: str) -> dict[str, Any]:
    values = read_yaml(FOLDER / f"{name}.yaml").values
    return dict(values)


def _refuse_what_differs(name: str, plain: Mapping[str, Any], words: Sequence[str]) -> None:
    """Refuse a setting that scenarios differ in: for all of them, it would take the difference away."""
    grids = list(plain.get("grids", {}).values())
    own = [word for words in plain.get("scenarios", {}).values() for word in words or []]
    own += [word for grid in grids for word in grid.get("settings", [])]
    paths = {word.partition("=")[0] for word in own} | {path for grid in grids for path in grid["vary"]}
    for word in words:
        path, _, value = word.partition("=")
        if path in paths:
            raise UserError(
                f"is what scenarios of {name} differ in.", path=path, value=value,
                allowed=f"any setting but {', '.join(sorted(paths))}", nearest="seeds=5",
            )  # fmt: skip


def refuse_unfunded(name: str, configs: Mapping[str, Config]) -> None:
    """Refuse an income that no tax pays where taxes are held against each other by what they pay for."""
    for scenario, config in configs.items():
        if name in OF_TAXES and (incomes := unfunded(config)):
            raise UserError(
                f"is an unfunded experiment in scenario {scenario}: no tax pays for it, and {name} ranks"
                " taxes.",
                path=f"policy.{incomes[0]}.funding", value="external", allowed="revenue",
                nearest=f"policy.{incomes[0]}.funding=revenue",
            )  # fmt: skip


def said_by_files(words: Sequence[str]) -> dict[str, Any]:
    """Return what files among the words say, by paths: like the words, they win over what a size sets."""
    said: dict[str, Any] = {}
    for word in words:
        key, _, name = word.partition("=")
        if key == FILE_KEY and isinstance(values := read_yaml(name).values, dict):
            said |= _by_path(values)
    return said


def _by_path(values: Mapping[str, Any], beneath: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, dict) and value
        found |= _by_path(value, f"{beneath}{name}.") if inner else {f"{beneath}{name}": value}
    return found


def without(said: Mapping[str, Any], words: Sequence[str]) -> list[str]:
    """Return the words whose settings files do not say."""
    return [word for word in words if word.partition("=")[0] not in said]


def _scenarios(
    plain: Mapping[str, Any], ranges: Mapping[str, list[Any]]
) -> tuple[dict[str, list[str]], dict[str, dict[str, Any]]]:
    """Return the words of each scenario, and the coordinates of those that are points of a grid.

    A size may give other values to what a grid varies (``ranges``).
    """
    scenarios = {name: list(words or []) for name, words in plain.get("scenarios", {}).items()}
    points: dict[str, dict[str, Any]] = {}
    for grid, one in plain.get("grids", {}).items():
        axes = {path: ranges.get(path, values) for path, values in one["vary"].items()}
        for values in itertools.product(*axes.values()):
            point = dict(zip(axes, values, strict=True))
            told = ", ".join(f"{path.rpartition('.')[2]}={spell(value)}" for path, value in point.items())
            varied = [f"{path}={spell(value)}" for path, value in point.items()]
            scenarios[f"{grid}: {told}"] = [*one.get("settings", []), *varied]
            points[f"{grid}: {told}"] = {"grid": grid, **point}
    return scenarios, points


def _last_wins(words: Sequence[str]) -> list[str]:
    """Return the words without those that a later one overrides, tables beside this file by their paths.

    Files lie over each other: all of them count.
    """
    last = {key if (key := word.partition("=")[0]) != FILE_KEY else word: word for word in words}
    return [word.replace(f"={HERE}", f"={FOLDER}/") for word in last.values()]


def count_of(path: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise UserError(
            "is not a number that can be used.", path=path, value=text,
            allowed=f"a whole number from 1 to {most:_}", nearest=f"{path}=5",
        )  # fmt: skip
    return int(text)
