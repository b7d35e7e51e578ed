"""What is chosen on the page, how a link spells it, and which commands play it.

A `State` is all that a comparison depends on. It comes from widgets or from the query of a link, and is
checked in either case: a link is input like any other.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sim.composition import compose, conf_folder, config_id, group_options
from sim.config import Config
from sim.errors import UserError, key_among, one_of
from sim.overrides import refuse_clashes
from sim.plain_yaml import write_yaml

BASELINE, SCENARIO = "none", "scenario"
SCENARIO_FILE = f"{SCENARIO}.yaml"
MAIN_PLATFORM = "microwork"
"""The worldwide platform, which every world has."""

MOST_WORKER_DAYS = 120_000_000
"""Worker-days of all runs of a request: about five minutes of a core."""

LONGEST_VALUE = 200
"""Characters of one value in a link."""

NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?", re.ASCII)


class Span(NamedTuple):
    """The range of a slider, its step, and its unit in words."""

    low: float
    high: float
    step: float
    label: str
    unit: str = ""


SPANS: Mapping[str, Span] = {
    "pay": Span(0.5, 20.0, 0.25, "Pay that requesters aim at", "USD an hour, median"),
    "fee": Span(0.0, 1.0, 0.01, f"Fee of {MAIN_PLATFORM} on requesters", "share of the reward"),
    "usage_tax": Span(0.0, 5.0, 0.05, "Usage tax", "USD a user and month"),
    "turnover_tax": Span(0.0, 0.5, 0.01, "Turnover tax", "share of turnover"),
    "profit_tax": Span(0.0, 0.9, 0.01, "Profit tax", "share of declared profit"),
    "income": Span(0.0, 200.0, 1.0, "Universal income from outside", "USD a month; 0: what the taxes raise"),
    "workers": Span(200, 50_000, 100, "Workers of the model"),
    "days": Span(1, 365, 1, "Days that are counted"),
    "warmup": Span(0, 365, 1, "Days of warm-up before"),
    "seeds": Span(2, 20, 1, "Seeds", "pairs of runs; more make intervals narrower"),
    "seed": Span(1, 1_000_000, 1, "First seed"),
}
WHOLE = ("workers", "days", "warmup", "seeds", "seed")

TAX_SETTINGS: Mapping[str, str] = {
    "usage_tax": "policy.usage_tax.usd_per_user_month",
    "turnover_tax": "policy.turnover_tax.rate",
    "profit_tax": "policy.profit_tax.rate",
}
MARKET_SETTINGS: Mapping[str, str] = {
    "pay": "requesters.pay_usd_per_hour",
    "fee": f"platforms.{MAIN_PLATFORM}.requester_fee",
}
INCOME = "universal_income"


@dataclass(frozen=True)
class State:
    """What is chosen: a world, policies, and the numbers of `SPANS`.

    The baseline is the world as it is, without a policy; pay, fee and policies are the scenario's.
    """

    world: str = "global"
    policies: tuple[str, ...] = ("usage_tax", INCOME)
    pay: float = 2.0
    fee: float = 0.2
    usage_tax: float = 0.5
    turnover_tax: float = 0.03
    profit_tax: float = 0.25
    income: float = 0.0
    workers: int = 20_000
    days: int = 30
    warmup: int = 30
    seeds: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        check(self)

    def replaced(self, **changes: Any) -> State:
        """Return a state with some other values."""
        return State(**{**asdict(self), **changes})


# ---------------------------------------------------------------- checks


@lru_cache(maxsize=1)
def worlds() -> tuple[str, ...]:
    """Return the worlds that can be chosen."""
    return tuple(group_options(conf_folder())["world"])


@lru_cache(maxsize=1)
def policies() -> tuple[str, ...]:
    """Return the policies that can be chosen."""
    return tuple(name for name in group_options(conf_folder())["policy"] if name != BASELINE)


def check(state: State) -> None:
    """Refuse a state that cannot be played; what only its configurations show comes out in `configs`."""
    one_of("world", state.world, worlds(), "is none of the worlds.")
    for name in state.policies:
        one_of("policies", name, policies(), "is none of the policies.")
    refuse_clashes(state.policies, "policies", ",".join)
    for name in SPANS:
        _require_in_span(name, getattr(state, name))
    if worker_days(state) > MOST_WORKER_DAYS:
        days = state.days + state.warmup
        raise UserError(
            "asks for more than the page plays; the command below has no such limit.",
            path="workers",
            value=state.workers,
            allowed=f"at most {MOST_WORKER_DAYS:,} workers x days x runs; these are {worker_days(state):,}",
            nearest=f"workers={max(200, MOST_WORKER_DAYS // (days * runs_of(state)) // 100 * 100)}",
        )


def runs_of(state: State) -> int:
    """Return how many runs a request plays: pairs with each seed, and a pair whose tables are kept."""
    return 2 * state.seeds + 2


def worker_days(state: State) -> int:
    """Return the worker-days of all runs of a request."""
    return state.workers * (state.days + state.warmup) * runs_of(state)


def _require_in_span(name: str, value: float) -> None:
    span = SPANS[name]
    if name in WHOLE and value != int(value):
        raise UserError("is not a whole number.", path=name, value=value, nearest=f"{name}={int(value)}")
    if not span.low <= value <= span.high:
        near = min(max(value, span.low), span.high) if value == value else span.low
        raise UserError("is outside its range.", path=name, value=value,
                        allowed=f"{span.low:g} to {span.high:,.6g}", nearest=f"{name}={near:g}")  # fmt: skip


# ---------------------------------------------------------------- links


def to_query(state: State) -> dict[str, str]:
    """Spell a state as the query of a link: what is as usual is left out."""
    usual = State()
    spelt = {one.name: spell(getattr(state, one.name)) for one in fields(state)}
    return {name: text for name, text in spelt.items() if getattr(state, name) != getattr(usual, name)}


def link(address: str, query: Mapping[str, str]) -> str:
    """Return a link to the page at an address that holds a query."""
    return f"{address}/?{urlencode(query)}" if query else f"{address}/"


def spell(value: Any) -> str:
    """Spell a value so that it reads back as the same."""
    if isinstance(value, tuple):
        return ",".join(value) or BASELINE
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else f"{value:.9f}".rstrip("0")


def from_query(query: Mapping[str, str]) -> State:
    """Return the state that a link holds.

    Raises
    ------
    UserError
        For the first thing in it that is not allowed.
    """
    names = [one.name for one in fields(State)]
    found: dict[str, Any] = {}
    for name, text in query.items():
        key_among(name, text, names, "is nothing that a link can hold.")
        found[name] = _read(name, text)
    return State(**found)


def _read(name: str, text: str) -> Any:
    if len(text) > LONGEST_VALUE:
        raise UserError("is too long.", path=name, value=text, allowed=f"{LONGEST_VALUE} characters")
    if name == "world":
        return text
    if name == "policies":
        return () if text == BASELINE else tuple(text.split(","))
    if not NUMBER.fullmatch(text):
        near = f"{name}={spell(getattr(State(), name))}"
        raise UserError("is not a number.", path=name, value=text,
                        allowed="digits, with a decimal point", nearest=near)  # fmt: skip
    return int(text) if name in WHOLE and "." not in text else float(text)


# ---------------------------------------------------------------- settings and commands


@lru_cache(maxsize=16)
def usual(world: str) -> Config:
    """Return the configuration of a world as it is."""
    return compose([f"world={world}"])


def shared_words(state: State) -> list[str]:
    """Return the settings that baseline and scenario share."""
    words = [
        f"world={state.world}",
        f"workers.count={state.workers}",
        f"time.days={state.days}",
        f"time.warmup_days={state.warmup}",
        f"seed={state.seed}",
    ]
    return [*words, "record.batches=false"]


def market_words(state: State) -> list[str]:
    """Return the settings of pay and fee, where the scenario's differ from the world's own."""
    config = usual(state.world)
    as_is = {
        "pay": config.requesters.pay_usd_per_hour,
        "fee": config.platforms[MAIN_PLATFORM].requester_fee,
    }
    return [
        f"{path}={spell(getattr(state, name))}"
        for name, path in MARKET_SETTINGS.items()
        if getattr(state, name) != as_is[name]
    ]


def policy_words(state: State) -> list[str]:
    """Return the settings of the policies that are chosen."""
    words = [
        f"{path}={spell(getattr(state, name))}"
        for name, path in TAX_SETTINGS.items()
        if name in state.policies
    ]
    if INCOME in state.policies and state.income:
        words += [f"policy.{INCOME}.funding=external", f"policy.{INCOME}.usd_per_month={spell(state.income)}"]
    return words


def scenario_name(state: State) -> str:
    """Return the scenario's name: its policies, or that of a file where pay or fee differ."""
    if market_words(state):
        return SCENARIO
    return "+".join(state.policies) or f"{BASELINE} (2)"


@lru_cache(maxsize=256)
def configs(state: State) -> dict[str, Config]:
    """Return the validated configurations of baseline and scenario, by name."""
    chosen = [f"policy=[{','.join(state.policies)}]"] if state.policies else []
    words = [*shared_words(state), *chosen, *market_words(state), *policy_words(state)]
    return {BASELINE: compose(shared_words(state)), scenario_name(state): compose(words)}


def key_of(state: State) -> str:
    """Return what two states share exactly when they ask for the same numbers under the same names."""
    ids = [[name, config_id(config)] for name, config in configs(state).items()]
    return hashlib.sha256(json.dumps([ids, state.seeds]).encode()).hexdigest()[:32]


def scenario_file(state: State) -> str:
    """Return the content of the scenario's file, empty where no file is needed."""
    if not market_words(state):
        return ""
    tree: dict[str, Any] = {"policy": {name: {} for name in state.policies}} if state.policies else {}
    for word in (*market_words(state), *policy_words(state)):
        path, _, text = word.partition("=")
        *sections, name = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = float(text) if NUMBER.fullmatch(text) else text
    return write_yaml(tree)


def compare_words(state: State) -> list[str]:
    """Return the words after `clickmarket` that play the comparison; a file may belong to them."""
    if market_words(state):
        return ["compare", BASELINE, SCENARIO_FILE, f"seeds={state.seeds}", *shared_words(state)]
    names = [BASELINE, "+".join(state.policies) or BASELINE]
    return ["compare", *names, f"seeds={state.seeds}", *shared_words(state), *policy_words(state)]


def run_words(state: State, scenario: bool) -> list[str]:
    """Return the words after `clickmarket` that play the run behind clock and pay, with the first seed."""
    words = ["run", *shared_words(state)]
    if not scenario:
        return words
    chosen = [f"policy=[{','.join(state.policies)}]"] if state.policies else []
    return [*words, *chosen, *market_words(state), *policy_words(state)]


def commands(state: State) -> str:
    """Return what to paste into a shell for the comparison on the page and the two runs behind it."""
    file = scenario_file(state)
    lines = [f"cat > {SCENARIO_FILE} <<'END'\n{file}END"] if file else []
    played = compare_words(state), run_words(state, False), run_words(state, True)
    lines += [shlex.join(["clickmarket", *words]) for words in played]
    return "\n".join(lines) + "\n"
