"""From the words of a sweep to validated configurations: what is fixed, what varies, and every point of it.

Groups are composed once for each combination of those that vary; a point then costs a fraction of a
millisecond. All points are composed and validated before the first run.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.composition import conf_folder, group_options, id_of_checked, laid_out
from sim.config import Config
from sim.errors import UserError, nearest_or_first, one_of
from sim.overrides import FILE_KEY, SEVERAL, Change, Varied, apply_change, parse_varied, refuse_bare
from sim.plain_yaml import read_yaml
from sim.schema import ANY_NAME, describe, join, slots, spell
from sim.study.designs import DESIGNS, DRAWN, Axis, Point, points_of
from sim.validation import build, rebuild

STUDIES = "study"
DECLARED = "declared"
"""Word for the whole range that a parameter declares."""

MOST_RUNS = 100_000_000
"""Runs of a sweep: their state and their order are held in memory."""

NOT_VARIED = (
    "results.", "compute.", "record.figures", "record.batches", "record.events", "time.checkpoint_days",
)  # fmt: skip
"""Settings that say how and where: a sweep's outcomes would be the same for every value."""

STUDY_KEYS = ("design", "points", "seeds", "design_seed", "settings", "vary")
CARRIED_OUT = ("engine", "jobs", "address", "timeout", "memory", "series", "retry_failed", "fresh")
"""Words of a sweep that say how it is carried out; all others are the study's or settings."""

USUAL = {"design": "grid", "points": 64, "seeds": 1, "design_seed": 1}


@dataclass(frozen=True)
class Study:
    """A sweep as it was asked for.

    Attributes
    ----------
    settings
        Words of the command line that hold for every point.
    axes
        What varies, in the order it was named.
    design, points, design_seed
        See `designs.points_of`.
    seeds
        Runs of every point, with seeds in a row.
    """

    settings: tuple[str, ...]
    axes: tuple[Axis, ...]
    design: str = "grid"
    points: int = 64
    seeds: int = 1
    design_seed: int = 1

    def to_plain(self) -> dict[str, Any]:
        """Return the study as plain data, from which `from_plain` makes it again."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Study:
        """Return the study of plain data."""
        axes = tuple(
            Axis(**{**axis, "values": tuple(map(_frozen, axis["values"]))}) for axis in plain["axes"]
        )
        return cls(**{**plain, "settings": tuple(plain["settings"]), "axes": axes})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# ---------------------------------------------------------------- words


def read_study(words: Sequence[str]) -> Study:
    """Return the study that the words of a command line ask for.

    `study=NAME` is a file of the folder `study` among the groups, or a path; all other words win over it,
    wherever it stands, and later words over earlier ones.

    Raises
    ------
    UserError
        For the first word that is not understood.
    """
    chosen: dict[str, Any] = dict(USUAL)
    settings: dict[str, str] = {}
    varied: dict[str, Varied] = {}
    options = group_options(conf_folder())
    for word in _with_files(words, chosen):
        name, equals, value = word.partition("=")
        if name in USUAL and equals:
            chosen[name] = _choice(name, value)
            continue
        refuse_bare(word, options)
        found = _parsed(word, options)
        if isinstance(found, Varied) and found.path == "seed":
            varied.pop("seed", None)
            settings["seed"] = f"seed={_seeds_in_a_row(found)[0]}"
            chosen["seeds"] = len(found.values)
        elif isinstance(found, Varied):
            _refuse_to_vary(found)
            settings.pop(found.path, None)
            varied[found.path] = found
        else:
            varied.pop(found.path, None)
            settings[_key(word) if found.path != FILE_KEY else word] = word  # files lie over each other
    if chosen["design"] not in DRAWN:
        _refuse_points(words, chosen["design"])
        chosen["points"] = USUAL["points"]
    axes = tuple(_axis(one, options, chosen["design_seed"]) for one in varied.values())
    return Study(tuple(settings.values()), axes, **chosen)


def _parsed(word: str, options: Mapping[str, list[str]]) -> Change | Varied:
    """Parse a word; where its name has no place, the nearest is a setting that there is, with its values."""
    try:
        return parse_varied(word, options)
    except UserError as error:
        key, _, value = word.partition("=")
        if "." in key and value and (key.startswith("+") or not re.fullmatch(r"[\w.~-]+", key)):
            near = nearest_or_first(key.lstrip("+"), _leaves(laid_out([])[0]))
            raise _with_nearest(error, f"{near}={value}") from error
        raise


def _with_nearest(error: UserError, nearest: str, message: str = "") -> UserError:
    """Return the same refusal with another suggestion, and maybe another sentence."""
    return UserError(
        message or error.message,
        path=error.path,
        value=error.value,
        allowed=error.allowed,
        nearest=nearest,
    )


def _leaves(tree: Mapping[str, Any], path: str = "") -> list[str]:
    """Return the paths of all settings in a tree."""
    found = []
    for name, value in tree.items():
        below = join(path, str(name))
        found += _leaves(value, below) if isinstance(value, dict) and value else [below]
    return found


def _with_files(words: Sequence[str], chosen: dict[str, Any]) -> Iterator[str]:
    """Yield the words, those of a study's file first, so that the others win wherever its name stands."""
    own = []
    for word in words:
        name, equals, value = word.partition("=")
        if name == STUDIES and equals:
            yield from _words_of_file(value, chosen)
        else:
            own.append(word)
    yield from own


def _words_of_file(name: str, chosen: dict[str, Any]) -> Iterator[str]:
    path = study_file(name)
    values = read_yaml(path).values or {}
    if not isinstance(values, dict):
        raise UserError(
            f"{path} holds no settings of a study.",
            path=STUDIES,
            value=values,
            allowed="a mapping with the keys " + ", ".join(STUDY_KEYS),
            nearest="vary: {workers.broker_cut: [0.1, 0.2]}",
        )
    for key in values:
        if key not in STUDY_KEYS:
            raise UserError(
                f"{key} is not a key of a study.",
                path=str(key),
                value=str(path),
                allowed=", ".join(STUDY_KEYS),
                nearest=nearest_or_first(str(key), STUDY_KEYS),
            )
    for key in USUAL:
        if key in values:
            chosen[key] = _choice(key, str(values[key]))
    yield from _settings_of_file(path, values.get("settings"))
    yield from _varied_of_file(path, values.get("vary"))


def _settings_of_file(path: Path, settings: Any) -> list[str]:
    """Return the words of a file's `settings`, which are those of a command line."""
    words = [] if settings is None else settings
    if not isinstance(words, list) or not all(isinstance(word, str) and "=" in word for word in words):
        raise UserError(
            f"settings of {path} is not a list of settings.",
            path="settings",
            value=settings,
            allowed="a list of words as on the command line, such as [world=six_regions, workers.count=2000]",
            nearest="settings: [workers.count=2000]",
        )
    for word in words:
        if word.partition("=")[0] in CARRIED_OUT:
            raise UserError(
                f"is no setting: it says how a sweep is carried out, which {path} cannot.",
                path=word.partition("=")[0],
                value=word,
                allowed=f"beside study=FILE on the command line: {', '.join(CARRIED_OUT)}",
                nearest=f"settings: [{', '.join(one for one in words if one != word)}],"
                f" and {word} beside study=FILE",
            )
        if word.partition("=")[0] == STUDIES:
            others = [one for one in words if one != word]
            raise UserError(
                f"{path} is a study and cannot name another.",
                path=STUDIES,
                value=word,
                allowed="settings=[...] without a study",
                nearest=f"settings: [{', '.join(others)}]",
            )
    return [_beside(path, word) for word in words]


def _beside(study: Path, word: str) -> str:
    """Return a word of a study's file; a file that it names is looked for beside the study's first."""
    name, _, value = word.partition("=")
    file = study.parent / value
    return f"{name}={file}" if name == FILE_KEY and file.is_file() else word


def _varied_of_file(path: Path, varied: Any) -> Iterator[str]:
    """Yield a word for everything that a file varies."""
    varied = {} if varied is None else varied
    allowed = "settings with a list of values each, or one text such as interval(0,0.5)"
    nearest = "vary: {workers.broker_cut: [0.1, 0.2]}"
    if not isinstance(varied, dict):
        raise UserError(
            f"vary of {path} holds no settings.", path="vary", value=varied, allowed=allowed, nearest=nearest
        )
    for key, value in varied.items():
        if value is None or value == [] or isinstance(value, dict):
            raise UserError(
                f"{key} is given no values to take in {path}.",
                path=str(key),
                value=value,
                allowed=allowed,
                nearest=nearest,
            )
        text = ",".join(spell(one) for one in value) if isinstance(value, list) else spell(value)
        yield f"{key}={text}"


def study_file(name: str) -> Path:
    """Return the file of a study: a path, or a name among those that come with the groups."""
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return Path(name)
    folder = conf_folder() / STUDIES
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    one_of(STUDIES, name, known, "cannot be found.", ", or a path that ends in .yaml")
    return folder / f"{name}.yaml"


def _choice(name: str, text: str) -> Any:
    if name == "design":
        return one_of(name, text, DESIGNS)
    low = 0 if name == "design_seed" else 1
    if not (text.isascii() and text.isdigit() and len(text) < 18 and low <= int(text) <= 10_000_000):
        raise UserError(
            "is not a number that can be used.",
            path=name,
            value=text,
            allowed=f"a whole number from {low} to 10_000_000",
            nearest=f"{name}={USUAL[name]}",
        )
    return int(text)


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _refuse_points(words: Sequence[str], design: str) -> None:
    """Refuse a number of points where they follow from what varies; a file's is for designs that draw."""
    for word in words:
        name, _, value = word.partition("=")
        if name == "points":
            raise UserError(
                f"is for designs that draw their points; those of a {design} follow from what varies.",
                path="points",
                value=value,
                allowed="with design=" + ", ".join(DRAWN),
                nearest=f"design={DRAWN[0]} points={value}",
            )


def _seeds_in_a_row(found: Varied) -> list[int]:
    """Return the seeds that a list names: every point has the same ones, one after the other."""
    seeds = [seed for seed in found.values if isinstance(seed, int) and not isinstance(seed, bool)]
    first = min((seed for seed in seeds if seed >= 0), default=0)
    if not seeds or list(found.values) != list(range(first, first + len(seeds))):
        raise UserError(
            "is no list of seeds one after the other, which every point has.",
            path="seed",
            value=found.text,
            allowed="seed=1,2,3, or seed=1 seeds=3",
            nearest=f"seed={first} seeds={max(1, len(seeds))}",
        )
    return seeds


def _refuse_to_vary(found: Varied) -> None:
    """Refuse what makes no difference."""
    if found.path.startswith(NOT_VARIED):
        raise UserError(
            "changes no outcome, so there is nothing to vary.",
            path=found.path,
            value=found.text,
            allowed="one value",
            nearest=f"{found.path}={spell(found.values[0]) if found.values else '...'}",
        )


def _axis(found: Varied, options: Mapping[str, list[str]], seed: int) -> Axis:
    if found.path in options and not found.values:
        raise UserError(
            "is a group: it has names, and no range.",
            path=found.path,
            value=found.text,
            allowed=", ".join(options[found.path]) + "; glob(*) for all of them",
            nearest=f"{found.path}=glob(*)",
        )
    for value in found.values:
        if found.path in options and isinstance(value, dict):
            one_of(found.path, value, options[found.path], "is not one of the group's names.")
    if found.values:
        values = tuple(_frozen(value) for value in found.values)
        return Axis(found.path, shuffled(values, seed, found.path) if found.shuffled else values)
    row = declared(found.path)
    low, high = found.low, found.high
    if row is None and found.declared:
        try:
            apply_change(laid_out([])[0], Change(found.path, DECLARED, ""))  # says what is not known
        except UserError as error:
            raise _with_nearest(error, f"{error.nearest.partition('=')[0]}={DECLARED}") from error
    if found.declared:
        if row is None or row.limits.low is None or row.limits.high is None:
            raise UserError(
                "declares no range.",
                path=found.path,
                value=DECLARED,
                allowed="interval(low,high), or values",
                nearest=f"{found.path}=interval(0,1)",
            )
        low, high = float(row.limits.low), float(row.limits.high)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(
            "is not an interval.",
            path=found.path,
            value=found.text,
            allowed="interval(low,high) with low below high",
            nearest=f"{found.path}=interval({_ends_in_order(low, high)})",
        )
    if found.logarithmic and low <= 0:
        raise UserError(
            "has no logarithms.",
            path=found.path,
            value=found.text,
            allowed="tag(log,interval(low,high)) with low above 0",
            nearest=f"{found.path}=interval({low:g},{high:g})",
        )
    whole = row is not None and row.kind.startswith("whole number")
    return Axis(found.path, (), low, high, found.logarithmic, whole)


def _refuse_beyond(axis: Axis) -> None:
    """Refuse an interval that holds no whole number where one is meant, or goes beyond what is allowed."""
    row = declared(axis.path)
    if row is None or not axis.is_interval:
        return
    least = -math.inf if row.limits.low is None else row.limits.low
    most = math.inf if row.limits.high is None else row.limits.high
    first, last = (math.ceil(axis.low), math.floor(axis.high)) if axis.whole else (axis.low, axis.high)
    if first <= last and least <= first and last <= most:
        return
    low, high = max(min(first, last), least), min(max(first, last), most)
    if axis.logarithmic and low <= 0:
        low = 1
    if not low < high:  # all of it lies beyond
        low, high = (least, most) if math.isfinite(most - least) else (least, least + 1)
    raise UserError(
        "holds no whole number." if first > last else "goes beyond what is allowed.",
        path=axis.path,
        value=_typed(axis)[1],
        allowed=f"interval(low,high) of values that are each {row.allowed}",
        nearest="=".join(_typed(dataclasses.replace(axis, low=low, high=high))),
    )


def _ends_in_order(low: float, high: float) -> str:
    usable = math.isfinite(low) and math.isfinite(high) and low != high
    return f"{min(low, high):g},{max(low, high):g}" if usable else "0,1"


def unit_of(path: str) -> str:
    """Return the unit that a setting is declared with, empty if it has none, or is no setting."""
    row = declared(path)
    return "" if row is None else str(row.limits.unit)


def declared(path: str) -> Any:
    """Return the row of the parameter table for a path, whatever name the user chose in it."""
    parts = path.split(".")
    for row in describe(Config):
        names = row.path.split(".")
        if len(names) == len(parts) and all(
            name in (part, ANY_NAME) for name, part in zip(names, parts, strict=True)
        ):
            return row
    return None


# ---------------------------------------------------------------- points


class Composer:
    """Makes the configuration of any point of a study.

    Attributes
    ----------
    points : list of tuples
        A value for every axis.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.points: list[Point] = points_of(study.design, study.axes, study.points, study.design_seed)
        if len(self) > MOST_RUNS:
            raise UserError(
                "makes too many runs.",
                path="seeds",
                value=f"{len(self):,} runs",
                allowed=f"at most {MOST_RUNS:,}, points times seeds",
                nearest=f"seeds={max(1, MOST_RUNS // len(self.points))}",
            )
        options = group_options(conf_folder())
        self.groups = [number for number, axis in enumerate(study.axes) if axis.path in options]
        self.single = [number for number in range(len(study.axes)) if number not in self.groups]
        self.grounds: dict[Point, tuple[dict[str, Any], Config | None]] = {}
        self.worlds: dict[str, Any] = {}
        self.last: tuple[int, Config | None] = -1, None  # its seeds are played in a row

    def __len__(self) -> int:
        """Return the number of runs: every point with every seed."""
        return len(self.points) * self.study.seeds

    def config(self, run: int) -> Config:
        """Return the configuration of a run; runs count the seeds of the first point first."""
        point, seed = divmod(run, self.study.seeds)
        config = self.config_of_point(point)
        return dataclasses.replace(config, seed=config.seed + seed) if seed else config

    def config_of_point(self, number: int) -> Config:
        """Return the validated configuration of a point, with its first seed."""
        if number != self.last[0]:
            self.last = number, self._compose(self.points[number])
        found = self.last[1]
        assert found is not None
        return found

    def _compose(self, point: Point) -> Config:
        tree, base = self._ground(tuple(point[place] for place in self.groups))
        changed: dict[str, Any] = dict(tree)
        for place in self.single:
            path = self.study.axes[place].path
            _make_way(changed, path)
            apply_change(changed, Change(path, _thawed(point[place]), ""))
        return build(Config, changed) if base is None else rebuild(base, tree, changed)

    def _ground(self, choices: Point) -> tuple[dict[str, Any], Config | None]:
        """Return what lies beneath the points with these groups: plain data, and a configuration of them."""
        if choices not in self.grounds:
            words = [
                f"{self.study.axes[place].path}={_spelled(self.study.axes[place].path, choice)}"
                for place, choice in zip(self.groups, choices, strict=True)
            ]
            tree, changes = laid_out([*self.study.settings, *words])
            for change in changes:
                apply_change(tree, change)
            try:
                base = build(Config, tree)
            except UserError:
                if not self.single:
                    raise
                base = None  # what varies may be what makes the settings fit together
            self.grounds[choices] = (tree, base)
        return self.grounds[choices]

    def check(self, numbers: Iterable[int] | None = None) -> None:
        """Compose and validate every point, or some; the message for the first bad one says which it is.

        Raises
        ------
        UserError
            For the first point that is not allowed.
        """
        for axis in self.study.axes:
            _refuse_beyond(axis)
        if numbers is None:
            self._refuse_equal()
        for number in range(len(self.points)) if numbers is None else numbers:
            try:
                self._check_names(self.config_of_point(number))
            except UserError as error:
                subject = "" if error.message[:1].isupper() else f"{error.path} "
                whole = f"In point {number} of {len(self.points)} ({self.told(number)}):"
                raise _with_nearest(
                    error, self._nearest(error, number), f"{whole} {subject}{error.message}"
                ) from error
            if number == 0:
                self._refuse_late_seeds()

    def _nearest(self, error: UserError, number: int) -> str:
        """Return a suggestion as it is typed in place of a word: with its name in full and all its values."""
        near, options = error.nearest, group_options(conf_folder())
        if _is_unknown(error) and near.partition("=")[0] not in options:
            near = near.partition("=")[0]  # without the value of this point, which is one of several
        words = [_typed(axis) for axis in self.study.axes]
        words += [(key, text) for key, _, text in (word.partition("=") for word in self.study.settings)]
        for key, text in words if "=" not in near else ():
            if key == FILE_KEY and Path(text) == Path(error.path) and not near.startswith("clickmarket "):
                return f"{FILE_KEY}={near}"
            if key.startswith("~") and near == error.path == key[1:].rpartition(".")[0]:
                return f"without {key}"
            if (key == error.path or key.startswith(f"{error.path}.")) and _is_unknown(error):
                choices = [
                    f"{axis.path}={_spelled(axis.path, _thawed(value))}"
                    for axis, value in zip(self.study.axes, self.points[number], strict=True)
                    if axis.path in options
                ]
                chosen = [word for word in self.study.settings if word.partition("=")[0] in options]
                there = _leaves(laid_out([*chosen, *choices])[0])
                return f"{nearest_or_first(key, [*there, *options])}={text}"
        for axis, value in zip(self.study.axes, self.points[number], strict=True):
            if axis.path == error.path and value in axis.values[:VALUES_TYPED]:
                other = near.removeprefix(f"{axis.path}=")
                kept = [other if one == value else spell(_thawed(one)) for one in axis.values]
                if "=" not in other and " " not in other and other:
                    return f"{axis.path}={','.join(dict.fromkeys(kept))}"
        return near

    def _refuse_equal(self) -> None:
        """Refuse two points of a list or a grid that are the same: their runs would be, to the last bit."""
        if self.study.design in DRAWN:
            return
        kinds = [self._kinds_of(place) for place in range(len(self.study.axes))]
        if self.study.design == "grid":
            for axis, found in zip(self.study.axes, kinds, strict=True):
                _refuse_twice(found, [spell(_thawed(value)) for value in axis.values], axis.path)
        else:
            together = list(zip(*kinds, strict=True))
            _refuse_twice(together, [self.told(number) for number in range(len(together))], "design")

    def _kinds_of(self, place: int) -> list[Any]:
        """Return what tells the values of an axis apart: numbers themselves, or what they make of a run."""
        values = self.study.axes[place].values
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            return list(values)
        kinds, first = [], self.points[0]
        for value in values:
            try:
                kinds.append(id_of_checked(self._compose((*first[:place], value, *first[place + 1 :]))))
            except UserError:  # it may fit with other values of other settings
                kinds.append(spell(_thawed(value)))
        return kinds

    def repeated(self) -> str:
        """Say how many points of a design that draws are the same as others; nothing if none is."""
        if self.study.design not in DRAWN or not any(axis.values or axis.whole for axis in self.study.axes):
            return ""
        again = len(self.points) - len(set(map(repr, self.points)))
        if not again:
            return ""
        return (
            f"{again:,} of {len(self.points):,} points are the same as others, with the same outcomes:"
            f" design={self.study.design} draws from few values."
        )

    def told(self, number: int) -> str:
        """Return a point's settings as they would be typed."""
        pairs = zip(self.study.axes, self.points[number], strict=True)
        return ", ".join(f"{axis.path}={spell(_thawed(value))}" for axis, value in pairs) or "nothing varies"

    def landmarks(self) -> list[int]:
        """Return the first and the last point, and the first with each choice of each group and world."""
        found = {0, len(self.points) - 1}
        worlds = [place for place in self.single if self.study.axes[place].path == "world.table"]
        for place in (*self.groups, *worlds):
            seen: set[Any] = set()
            for number, point in enumerate(self.points):
                if point[place] not in seen:
                    seen.add(point[place])
                    found.add(number)
        return sorted(found)

    def _check_names(self, config: Config) -> None:
        """Refuse countries that the point's world does not have, and platforms that are not there."""
        from sim.agents.platform import refuse_unknown_countries
        from sim.policy.office import refuse_unknown_names
        from sim.world import load_world

        table = config.world.table
        if table not in self.worlds:
            self.worlds[table] = load_world(table)
        refuse_unknown_countries(config, self.worlds[table])
        refuse_unknown_names(config, self.worlds[table])

    def _refuse_late_seeds(self) -> None:
        """Refuse seeds in a row that go beyond the last that there is."""
        first, limits = self.config_of_point(0).seed, slots(Config)["seed"].limits
        last = int(limits.high or 0)
        if first + self.study.seeds - 1 > last:
            raise UserError(
                "goes beyond the last seed.",
                path="seeds",
                value=self.study.seeds,
                allowed=f"at most {last - first + 1} from seed {first} on",
                nearest=f"seeds={last - first + 1}",
            )


VALUES_TYPED = 20
"""Values of a setting up to which a suggestion spells them all."""


def _is_unknown(error: UserError) -> bool:
    return "is not a known setting" in error.message or "is not one of the" in error.message


def _typed(axis: Axis) -> tuple[str, str]:
    """Return the name of an axis and its values, as they are typed."""
    if axis.values:
        return axis.path, ",".join(_spelled(axis.path, _thawed(value)) for value in axis.values)
    ends = f"interval({axis.low:.12g},{axis.high:.12g})"
    return axis.path, f"tag(log,{ends})" if axis.logarithmic else ends


def shuffled(values: Point, seed: int, path: str) -> Point:
    """Return values in an order that is drawn by a study's own seed: the same for the same words."""
    rng = np.random.default_rng([seed, *path.encode()])
    return tuple(values[place] for place in rng.permutation(len(values)))


def _refuse_twice(kinds: Sequence[Any], spelled: Sequence[str], path: str) -> None:
    """Refuse the first value, or point, that is the same as an earlier one."""
    seen: dict[Any, int] = {}
    for place, kind in enumerate(kinds):
        first = seen.setdefault(kind, place)
        if first < place:
            once = [text for other, text in enumerate(spelled) if other != place]
            raise UserError(
                f"has the same {'point' if path == 'design' else 'value'} twice: {spelled[first]}"
                + (f" and {spelled[place]}." if spelled[place] != spelled[first] else "."),
                path=path,
                value=spelled[place] if path == "design" else ",".join(spelled),
                allowed="each once; seeds=N for more runs of each",
                nearest="seeds=2, and each point once" if path == "design" else f"{path}={','.join(once)}",
            )


def _thawed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _spelled(group: str, choice: Any) -> str:
    """Spell the choice of a group as on the command line."""
    if isinstance(choice, tuple) or (group in SEVERAL and isinstance(choice, list)):
        return "[" + ",".join(map(str, choice)) + "]"
    return spell(choice)


def _make_way(tree: dict[str, Any], path: str) -> None:
    """Make the mappings on the way to a setting the tree's own; all beside it is shared with other trees."""
    for part in path.split(".")[:-1]:
        if not isinstance(tree.get(part), dict):
            return  # whoever applies the change tells why it cannot be
        tree[part] = dict(tree[part])
        tree = tree[part]
