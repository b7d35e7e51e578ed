"""Assumed parameters as levers: how each is moved over its range, wherever it stands in a configuration.

A parameter with several names (`segments.<name>.flexibility`) is one assumption: all its values are
multiplied by the same factor. Lists and weights are drawn towards their mean or away from it instead. A range
is the declared one (docs/parameters.md), cut at a factor either way of the value that holds otherwise; some
have ranges of their own, given in `sensitivity.yaml`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.config import Config
from sim.errors import UserError
from sim.schema import ANY_NAME, Parameter, describe
from sim.study.designs import Axis
from sim.validation import build, to_plain

FACTOR, VALUE, CONTRAST, SHIFT, SEED = "factor", "value", "contrast", "shift", "seed"
LUCK = "luck (seed)"
LEAST_FACTOR_FROM = 1e-9
MOST_CONTRAST = 1.5
MOST_SEED = 1_000_000
DECIMALS = 6
"""Decimals that amounts of money may have."""

Plain = dict[str, Any]


@dataclass(frozen=True)
class Lever:
    """An assumption that is moved.

    Attributes
    ----------
    path
        As in docs/parameters.md, or `LUCK`.
    kind
        `FACTOR` on all values; `VALUE` for all of them; `CONTRAST`, 0 for all alike and 1 for what is
        assumed; `SHIFT` by whole hours of the day; `SEED`.
    axis
        What the factor, value and so on may be.
    places
        Where the values stand in a configuration.
    whole
        Whether values are whole numbers.
    low, high
        Bounds of the values.
    """

    path: str
    kind: str
    axis: Axis
    places: tuple[tuple[str, ...], ...] = ()
    whole: bool = False
    low: float = -math.inf
    high: float = math.inf

    def move(self, plain: Plain, share: float) -> None:
        """Move the values of a configuration to a share (0 to 1) of the way along the axis."""
        at = self.axis.at(share)
        if self.kind == SEED:
            plain["seed"] = at
        elif self.kind == CONTRAST:
            _contrast(plain, self.places, at, self.high)
        else:
            for place in self.places:
                _put(plain, place, self._moved(_get(plain, place), at))

    def _moved(self, value: Any, at: float) -> float:
        if self.kind == SHIFT:
            return int((value + at) % 24)
        found = at if self.kind == VALUE else min(self.high, max(self.low, value * at))
        return math.floor(found + 0.5) if self.whole else round(found, DECIMALS)


def luck() -> Lever:
    """Return the lever of the seed: what moves outcomes though no assumption does."""
    return Lever(LUCK, SEED, Axis(LUCK, low=1, high=MOST_SEED, whole=True))


def assumptions() -> list[Parameter]:
    """Return every parameter that is marked as assumed, in the order of the source."""
    return [one for one in describe(Config) if one.assumed]


def levers_of(config: Config, asked: Mapping[str, Any], taken: Iterable[str] = ()) -> list[Lever]:
    """Return a lever for each assumption that a configuration reads, but for those that are taken.

    ``asked`` has ``reach``, the factor; ``ranges`` of their own by path; ``contrast`` and ``shift``, paths
    moved that way (hours either way); ``left_out``, paths that are not moved, with the reason. Places at
    which the configuration refuses to have a value moved are those that it does not read.
    """
    plain = to_plain(config)
    found = []
    for parameter in assumptions():
        if parameter.path in asked["left_out"] or parameter.path in taken:
            continue
        lever = _lever(parameter, plain, asked)
        if lever is not None:
            found.append(lever)
    return found


def _lever(parameter: Parameter, plain: Plain, asked: Mapping[str, Any]) -> Lever | None:
    path, whole = parameter.path, "whole number" in parameter.kind
    limits = parameter.limits
    low, high = (float(bound) if bound is not None else 0.0 for bound in (limits.low, limits.high))
    places = [place for place in _places(plain, path.split(".")) if _get(plain, place) is not None]
    if path in asked["contrast"]:
        chosen = [place for place in places if _get(plain, place)] if places else []
        axis = Axis(path, low=0.0, high=MOST_CONTRAST)
        return (
            _accepted(Lever(path, CONTRAST, axis, tuple(places), whole, low, high), plain) if chosen else None
        )
    if path in asked["shift"]:
        hours = asked["shift"][path]
        axis = Axis(path, low=-hours, high=hours, whole=True)
        return _accepted(Lever(path, SHIFT, axis, tuple(places), whole, low, high), plain)
    if path in asked["ranges"]:
        first, last = asked["ranges"][path]
        places = list(_places(plain, path.split(".")))
        return _accepted(Lever(path, VALUE, _interval(path, first, last, whole), tuple(places), whole), plain)
    values = [_get(plain, place) for place in places]
    places = [
        place for place, value in zip(places, values, strict=True)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > LEAST_FACTOR_FROM
    ]  # fmt: skip
    if not places:
        return None
    lever = Lever(path, FACTOR, Axis(path), tuple(places), whole, low, high)
    return _accepted(lever, plain, asked["reach"])


def _interval(path: str, low: float, high: float, whole: bool) -> Axis:
    return Axis(path, low=low, high=high, logarithmic=low > 0 and high / low > 3 and not whole, whole=whole)


def _factors(path: str, values: Sequence[float], low: float, high: float, reach: float) -> Axis:
    """Return factors that bring some value to the ends of the declared range, none beyond ``reach``."""
    least = max(1 / reach, min(low / value for value in values))
    most = min(reach, max(high / value for value in values))
    return Axis(path, low=least, high=max(most, least), logarithmic=True)


def _accepted(lever: Lever, plain: Plain, reach: float = 0.0) -> Lever | None:
    """Return the lever with the places that may be moved to both ends; None if there is none."""
    places = []
    for place in lever.places:
        axis = lever.axis
        if reach:
            axis = _factors(lever.path, [_get(plain, place)], lever.low, lever.high, reach)
        one = Lever(lever.path, lever.kind, axis, (place,), lever.whole, lever.low, lever.high)
        if lever.kind == CONTRAST or (
            axis.high > axis.low and all(_allowed(one, plain, end) for end in (0.0, 1.0))
        ):
            places.append(place)
    if not places:
        return None
    axis = lever.axis
    if reach:
        axis = _factors(lever.path, [_get(plain, place) for place in places], lever.low, lever.high, reach)
    found = Lever(lever.path, lever.kind, axis, tuple(places), lever.whole, lever.low, lever.high)
    return found if all(_allowed(found, plain, end) for end in (0.0, 1.0)) else None


def _allowed(lever: Lever, plain: Plain, share: float) -> bool:
    moved = copy.deepcopy(plain)
    lever.move(moved, share)
    try:
        build(Config, moved)
    except UserError:
        return False
    return True


def moved(plain: Plain, levers: Sequence[Lever], shares: Sequence[float]) -> Config:
    """Return the configuration with every lever at its share of the way.

    What must not exceed another value follows that.
    """
    found = copy.deepcopy(plain)
    for lever, share in zip(levers, shares, strict=True):
        lever.move(found, share)
    workers, requesters = found["workers"], found["requesters"]
    workers["patience_high"] = max(workers["patience_high"], workers["patience_low"])
    requesters["pay_step_smallest"] = min(requesters["pay_step_smallest"], requesters["pay_step"])
    return build(Config, found)


def _places(plain: Any, steps: Sequence[str], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the places of a parameter: one for each name; none where what holds it is not there."""
    if not steps:
        yield before
    elif plain is None:
        return
    elif steps[0] == ANY_NAME:
        for name in plain:
            yield from _places(plain[name], steps[1:], (*before, name))
    elif steps[0] in plain:
        yield from _places(plain[steps[0]], steps[1:], (*before, steps[0]))


def _get(plain: Any, place: Sequence[str]) -> Any:
    for step in place:
        plain = plain[step]
    return plain


def _put(plain: Any, place: Sequence[str], value: Any) -> None:
    _get(plain, place[:-1])[place[-1]] = value


def _contrast(plain: Plain, places: Sequence[tuple[str, ...]], at: float, high: float) -> None:
    """Draw the entries of each list, or the values of all names, towards their mean or away from it."""
    lists = [place for place in places if isinstance(_get(plain, place), list)]
    for place in lists:
        _put(plain, place, _spread(_get(plain, place), at, high))
    if not lists:
        values = _spread([_get(plain, place) for place in places], at, high)
        for place, value in zip(places, values, strict=True):
            _put(plain, place, value)


def _spread(values: Sequence[float], at: float, high: float) -> list[float]:
    mean = sum(values) / len(values)
    return [min(high, max(0.0, mean + at * (value - mean))) for value in values]
