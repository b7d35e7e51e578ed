"""What a configuration changes of the usual one, and the words of a command line that give it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from sim.composition import WITHOUT_EFFECT, compose, conf_folder, config_id, group_options, usual_choices
from sim.config import Config
from sim.errors import UNSET, UserError
from sim.instruments import Instrument
from sim.schema import ANY_NAME, Parameter, describe, spell
from sim.study.scenarios import compose_scenarios
from sim.validation import to_plain

ABSENT, THERE = "not there", "there"
CHOSEN_ONCE = ("world", "platforms", "ai", "calibration")
"""Groups of which a configuration has one; policies are read off the configuration itself."""


class Changed(NamedTuple):
    """A setting that differs from the usual one."""

    path: str
    value: Any
    usual: Any
    parameter: Parameter | None


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Return the settings of plain data by dotted path; an empty mapping is a value."""
    if isinstance(tree, Mapping) and tree:
        return {
            inner: value
            for key, one in tree.items()
            for inner, value in flat(one, f"{path}.{key}" if path else str(key)).items()
        }
    return {path: tree}


def settings_of(config: Config) -> dict[str, Any]:
    """Return all settings that decide what happens, by path."""
    return {
        path: value for path, value in flat(to_plain(config)).items() if not path.startswith(WITHOUT_EFFECT)
    }


def changed(config: Config, usual: Config | None = None) -> list[Changed]:
    """Return every setting that differs from the usual configuration, or from another one."""
    known = {re.sub(re.escape(ANY_NAME), r"[^.]+", re.escape(row.path)): row for row in describe(Config)}
    ours, theirs = settings_of(config), settings_of(usual or compose())
    found = []
    for path in dict.fromkeys([*ours, *theirs]):
        value, other = ours.get(path, ABSENT), theirs.get(path, ABSENT)
        if value != other and not _is_opened(path, value, ours) and not _is_opened(path, other, theirs):
            row = next((row for pattern, row in known.items() if re.fullmatch(pattern, path)), None)
            found.append(Changed(path, value, other, row))
    return found


def _is_opened(path: str, value: Any, settings: Mapping[str, Any]) -> bool:
    """Whether a path is missing because what it is, or would be, has settings of its own below it."""
    return value == ABSENT and any(other.startswith(f"{path}.") for other in settings)


def shortened(changes: Sequence[Changed]) -> list[Changed]:
    """Return the changes for reading.

    What is new as a whole has a row, and one for each setting that is not as declared; what is gone has one.
    """
    found: list[Changed] = []
    told: set[str] = set()
    for one in changes:
        parent = one.path.rpartition(".")[0]
        whole = ABSENT in (one.value, one.usual)
        if whole and parent not in told:
            told.add(parent)
            added = one.usual == ABSENT
            found.append(Changed(parent, THERE if added else ABSENT, ABSENT if added else THERE, None))
        if not whole:
            found.append(one)
        elif one.parameter is not None and one.usual == ABSENT:
            usual = one.parameter.limits.default
            if one.value != usual:
                found.append(one._replace(usual="" if usual is UNSET else usual))
    return found


def assumed_everywhere() -> tuple[int, int]:
    """Return how many parameters there are, and how many of them are assumed."""
    rows = describe(Config)
    return len(rows), sum(row.assumed for row in rows)


# ---------------------------------------------------------------- commands


def command(*words: str) -> str:
    """Return a command as it is typed."""
    return shlex.join(["clickmarket", *words])


def words_of(config: Config) -> list[str] | None:
    """Return the words that give exactly this configuration; None if no words were found that do."""
    policies = policies_of(config)
    words = [f"policy=[{','.join(policies)}]"] if policies else []
    return completed(words, compose, config)


def policies_of(config: Config) -> list[str]:
    """Return the names of the instruments that a configuration has."""
    policy, known = config.policy, group_options(conf_folder())["policy"]
    return [
        one.name
        for one in fields(policy)
        if isinstance(getattr(policy, one.name), Instrument) and one.name in known
    ]


def completed(words: list[str], composed: Callable[[list[str]], Config], config: Config) -> list[str] | None:
    """Add to some words the groups and settings that are still missing; None if that does not succeed."""
    try:
        words = [*words, *_groups(words, composed, config)]
        words += [word for one in changed(config, composed(words)) for word in _word(one)]
        return words if config_id(composed(words)) == config_id(config) else None
    except UserError:
        return None


def _groups(words: list[str], composed: Callable[[list[str]], Config], config: Config) -> list[str]:
    """Return the choices of groups after which the fewest settings are left to be changed."""
    folder = conf_folder()
    options, usual = group_options(folder), usual_choices(folder)
    chosen: list[str] = []
    for group in CHOSEN_ONCE:
        left = {"": len(changed(config, composed([*words, *chosen])))}
        for name in options.get(group, []):
            if name != usual.get(group) and left[""]:
                try:
                    other = composed([*words, *chosen, f"{group}={name}"])
                except UserError:
                    continue
                left[f"{group}={name}"] = len(changed(config, other))
        best = min(left, key=lambda word: left[word])
        chosen += [best] if best else []
    return chosen


def _word(one: Changed) -> list[str]:
    """Return the word that makes a change."""
    if one.value == ABSENT:
        return [f"~{one.path}"]
    plus = "+" if one.usual == ABSENT else ""
    return [f"{plus}{one.path}={spell(one.value)}"]


def compare_words(names: Sequence[str], configs: Mapping[str, Config]) -> list[str] | None:
    """Return names and settings that give exactly these scenarios, by name; None if none were found."""
    baseline = next(iter(configs.values()))

    def composed(words: list[str]) -> Config:
        return next(iter(compose_scenarios(names, words).values()))

    try:
        words = completed([], composed, baseline)
        if words is None:
            return None
        for name, config in configs.items():
            here = compose_scenarios(names, words)[name]
            words += [word for one in changed(config, here) for word in _word(one)]
        found = compose_scenarios(names, words)
    except (UserError, KeyError):
        return None
    same = all(config_id(found[name]) == config_id(config) for name, config in configs.items())
    return words if same else None


def sweep_words(study: Mapping[str, Any]) -> list[str]:
    """Return the words of a sweep, from what its manifest says of the study."""
    words = [f"{_axis_word(axis)}" for axis in study["axes"]]
    words += [f"{name}={study[name]}" for name in ("seeds", "design")]
    if study["design"] not in ("grid", "list"):
        words += [f"{name}={study[name]}" for name in ("points", "design_seed")]
    return [*words, *without_folder(study["settings"])]


def _axis_word(axis: Mapping[str, Any]) -> str:
    if axis["values"]:
        return f"{axis['path']}={','.join(map(spell, axis['values']))}"
    interval = f"interval({axis['low']!r},{axis['high']!r})"
    return f"{axis['path']}={f'tag(log,{interval})' if axis['logarithmic'] else interval}"


def without_folder(words: Iterable[str]) -> list[str]:
    """Return words of a command line without those that only say where results go."""
    return [word for word in words if not word.startswith(("results.", "compute."))]
