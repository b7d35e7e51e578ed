"""Put a configuration together: defaults, groups, the user's files, the command line.

Later wins: the defaults of `config.py`; the groups under `conf/`, composed by Hydra; the files given as
`config=FILE`, in order; the single settings of the command line. Values are plain data until
`validation.build` has accepted them. No value is looked up, and nothing in a file is called.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.config import Config
from sim.errors import UserError, one_line
from sim.garbage import not_collecting
from sim.overrides import FILE_KEY, SEVERAL, Change, Choice, Request, apply_change, sort_out
from sim.plain_yaml import Document, read_yaml, write_yaml
from sim.validation import build, check, to_plain

WITHOUT_EFFECT = ("compute", "results", "time.checkpoint_days")
NO_GROUPS = ("study",)
"""Folders beside the groups whose files hold no settings of a run."""

HEADER = "# Every parameter of a run. `defaults: []` says that no group lies beneath.\n"

__all__ = [
    "check", "compose", "conf_folder", "config_id", "from_yaml", "group_options", "laid_out", "to_plain",
    "to_yaml",
]  # fmt: skip


def compose(
    overrides: Sequence[str] = (), user_files: Iterable[str | Path] = (), *, conf: Path | None = None
) -> Config:
    """Return the validated configuration of a run.

    Parameters
    ----------
    overrides
        Words of the command line: `workers.count=50000`, `world=six_regions`,
        `+platforms.mine.requester_fee=0.1`, `~platforms.microwork_fr`, `config=my.yaml`.
    user_files
        YAML files laid over the groups, before those of the command line. A file that holds `defaults: []`
        is whole: no group lies beneath it.
    conf
        Folder of the groups, if not the project's own.

    Raises
    ------
    UserError
        For the first thing that is not allowed.
    """
    with not_collecting():
        tree, changes = laid_out(overrides, user_files, conf=conf)
        for change in changes:
            apply_change(tree, change)
        return build(Config, tree)


def laid_out(
    overrides: Sequence[str] = (), user_files: Iterable[str | Path] = (), *, conf: Path | None = None
) -> tuple[dict[str, Any], list[Change]]:
    """Return defaults, groups and files laid over each other, and the single settings still to be applied."""
    folder = (conf or conf_folder()).resolve()
    request = sort_out(overrides, group_options(folder))
    documents = [_read_user_file(path) for path in user_files]
    documents += [_read_user_file(path, typed=f"{FILE_KEY}=") for path in request.files]
    tree = _ground(folder, request, documents)
    for document in documents:
        tree = merge(tree, document.values)
    # So that settings of what a file chose are there to be changed.
    return dict(to_plain(build(Config, tree, cross_checks=False))), request.changes


def from_yaml(path: str | Path) -> Config:
    """Return the configuration that a file holds, such as the `config.yaml` of a run."""
    return compose(user_files=[path])


def to_yaml(config: Config) -> str:
    """Return the whole configuration as YAML: sorted, each value spelled in one way."""
    return HEADER + "defaults: []\n" + write_yaml(to_plain(check(config)))


def config_id(config: Config) -> str:
    """Return a sha256 that two configurations share exactly when they ask for the same results.

    Order of keys, comments, spelling of numbers and defaults written out make no difference, nor do the
    sections `compute` and `results` and the rhythm of checkpoints, which say how and where.
    """
    return id_of_checked(check(config))


def id_of_checked(config: Config) -> str:
    """Return the same of a configuration that is known to be valid, in a fraction of the time.

    Its parts must not be changed in place between two calls: what is written of each is remembered.
    """
    texts = {
        one.name: _text_of(one.name, getattr(config, one.name))
        for one in dataclasses.fields(config)
        if one.name not in WITHOUT_EFFECT
    }
    return hashlib.sha256(_object_of(texts).encode()).hexdigest()


def _text_of(name: str, part: Any) -> str:
    """Return the JSON of a part of a configuration; of an object that was met before, what it was then."""
    if isinstance(part, Mapping) and all(map(dataclasses.is_dataclass, part.values())):
        return _object_of({key: _text_of(f"{name}.{key}", value) for key, value in part.items()})
    return _text_of_object(name, _Itself(part)) if dataclasses.is_dataclass(part) else _json(part)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Itself:
    """An object as a key: the very same one, not one that is equal, which would take long to find out."""

    it: Any

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.it is other.it


@functools.lru_cache(maxsize=256)
def _text_of_object(name: str, part: _Itself) -> str:
    plain = to_plain(part.it)
    for path in WITHOUT_EFFECT:
        section, _, last = path.rpartition(".")
        if section == name:
            plain.pop(last, None)
    return _json(plain)


def _object_of(texts: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_json(name)}:{texts[name]}" for name in sorted(texts)) + "}"


def _json(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def conf_folder() -> Path:
    """Return the folder of the groups: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise UserError("is missing: the folder of configuration groups.", path=str(package.parent / "conf"))


def group_options(folder: Path) -> dict[str, list[str]]:
    """Return the names that each group offers."""
    groups = sorted(p for p in folder.iterdir() if p.is_dir() and p.name not in NO_GROUPS)
    options = {group.name: sorted(f.stem for f in group.glob("*.yaml")) for group in groups}
    return {group: names for group, names in options.items() if names}


def merge(tree: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `tree` with the values of `over`; mappings are merged key by key, all else is replaced."""
    merged = dict(tree)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both and below is not None else copy.deepcopy(value)
    return merged


def _ground(folder: Path, request: Request, documents: list[Document]) -> dict[str, Any]:
    """Return what lies beneath the files: defaults and groups, or defaults alone under a whole file."""
    whole = [document for document in documents if document.values.pop("defaults", None) is not None]
    if not whole:
        chosen = merge(to_plain(Config()), _groups(folder, request.choices))
        # So that settings of what was chosen are there to be changed.
        return dict(to_plain(build(Config, chosen, cross_checks=False)))
    if documents[0] is not whole[0] or len(whole) > 1:
        raise UserError(
            f"is given files that {whole[-1].name} hides: it is a whole configuration (`defaults: []`).",
            path=FILE_KEY,
            value=whole[-1].name,
            allowed="a file with `defaults: []` only as the first file",
            nearest=f"{FILE_KEY}={whole[-1].name}",
        )
    if request.choices:
        group, name = next(iter(request.choices.items()))
        raise UserError(
            f"has no effect: {whole[0].name} is a whole configuration (`defaults: []`).",
            path=group,
            value=name,
            allowed=f"either groups or a whole configuration; without {group}=... this one runs",
            nearest=f"{FILE_KEY}={whole[0].name}",
        )
    beneath: dict[str, Any] = to_plain(build(Config, whole[0].values, cross_checks=False))
    return beneath


def holds_settings(file: Path) -> bool:
    """Whether a file can be read as settings that are allowed."""
    try:
        _check_user_values(read_yaml(file).values or {})
    except UserError:
        return False
    return True


def _read_user_file(path: str | Path, typed: str = "") -> Document:
    """Read a file and check its values at once, so that a message can name its line.

    ``typed`` is what stands before the name of a file where it was typed.
    """
    try:
        document = read_yaml(path, holds_settings)
    except UserError as error:
        another_file = error.message.startswith(("is not a file", "cannot be read"))
        if not another_file or error.nearest.startswith("clickmarket "):
            raise
        raise UserError(
            error.message,
            path=error.path,
            value=error.value,
            allowed=error.allowed,
            nearest=typed + error.nearest,
        ) from error
    document.values = {} if document.values is None else document.values
    try:
        _check_user_values(document.values)
    except UserError as error:
        raise UserError(
            f"{error.message} ({document.place(error.path)})",
            path=error.path,
            value=error.value,
            allowed=error.allowed,
            nearest=error.nearest,
        ) from error
    return document


def _check_user_values(values: Any) -> None:
    """Check each value; how values fit together is asked when all files and settings are laid over."""
    settings = dict(values) if isinstance(values, dict) else values
    if isinstance(settings, dict) and settings.pop("defaults", []) != []:
        raise UserError(
            "chooses groups, which is done on the command line.",
            path="defaults",
            value=values["defaults"],
            allowed="[] (no group lies beneath this file), or no such key",
            nearest="defaults=[]",
        )
    build(Config, settings, cross_checks=False)


def _groups(folder: Path, choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Return what the groups say, as plain data; composed once for each choice and state of the files."""
    files = [(file, file.stat()) for file in sorted(folder.rglob("*.yaml"))]
    state = tuple((str(file), status.st_mtime_ns, status.st_size) for file, status in files)
    return _composed(folder, tuple(sorted(choices.items())), state)


_ONE_AT_A_TIME = threading.Lock()
"""Hydra has one state for the whole process; workers of a cluster may compose in several threads."""


@functools.lru_cache(maxsize=64)
def _composed(folder: Path, choices: tuple[tuple[str, Choice], ...], state: object) -> dict[str, Any]:
    import hydra
    import yaml
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    words = _hydra_words(folder, choices)
    try:
        with (
            _ONE_AT_A_TIME,
            hydra.initialize_config_dir(config_dir=str(folder), version_base="1.3", job_name="clickmarket"),
        ):
            composed = OmegaConf.to_container(hydra.compose("config", overrides=words), resolve=False)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError, OSError) as cause:
        raise UserError(
            f"cannot be put together with the other groups: {one_line(str(cause), 200)}",
            path=choices[0][0] if choices else "conf",
            value=" ".join(words) or "no group chosen",
            allowed="groups that fit together, as `clickmarket run --help` lists them",
            nearest="clickmarket run, with no group chosen",
        ) from cause
    return {str(key): value for key, value in composed.items()} if isinstance(composed, dict) else {}


def _hydra_words(folder: Path, choices: Iterable[tuple[str, Choice]]) -> list[str]:
    """Spell the choices for Hydra, which wants a plus before a group that is not in its list of defaults."""
    usual = usual_choices(folder)
    words = []
    for group, name in choices:
        if name is not None:
            names = name if isinstance(name, str) else f"[{','.join(name)}]"
            if group in SEVERAL and isinstance(name, str):
                names = f"[{name}]"
            words.append(f"{group}={names}" if group in usual else f"+{group}={names}")
        elif group in usual:
            words.append(f"~{group}")
    return words


def usual_choices(folder: Path) -> dict[str, str]:
    """Return the choices that stand in the folder's own list of defaults; of several, the first."""
    entries = (read_yaml(folder / "config.yaml").values or {}).get("defaults", [])
    chosen = [item for entry in entries if isinstance(entry, dict) for item in entry.items()]
    return {str(group): str(name[0] if isinstance(name, list) and name else name) for group, name in chosen}
