"""The generic reader of configuration classes: types, ranges, names, cross-checks, parameter table."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sim.config import Config
from sim.errors import UNSET, UserError, nearest, nearest_or_first
from sim.schema import describe, slots, spell, takes_new_names, type_at
from sim.validation import build, check, check_folder, to_plain

ROOT = Path(__file__).resolve().parent.parent


def told(default: Any = UNSET, **metadata: Any) -> Any:
    """Declare a field of the small classes below, with a default or without."""
    if default is UNSET:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Shop:
    price_usd: float = told(1.5, low=0, high=10, unit="USD")
    open_hours: int = told(8, low=1, high=24, unit="hours")
    kind: str = told("corner", choices=("corner", "market"))
    cheap: bool = told(False)

    def problems(self) -> Iterator[tuple[str, Any, str]]:
        """Yield what contradicts: a cheap shop with a high price."""
        if self.cheap and self.price_usd > 2:
            yield "price_usd", self.price_usd, "at most 2 in a cheap shop"


@dataclass(frozen=True)
class Town:
    people: int = told(low=1, high=1000, unit="persons")
    name: str = told("Here")
    mayor: str | None = told(None)
    limit: int | None = told(None, low=1)
    weights: list[float] = field(default_factory=lambda: [1.0, 2.0], metadata={"low": 0, "high": 3})
    rates: dict[str, float] = field(
        default_factory=lambda: {"b": 0.5, "a": 0.25}, metadata={"low": 0, "high": 1}
    )
    shop: Shop = field(default_factory=Shop)
    shops: dict[str, Shop] = field(default_factory=lambda: {"second": Shop(), "first": Shop(cheap=True)})
    policy: dict[str, Any] = field(default_factory=dict)


def refusal(mapping: Any, cls: type = Town) -> UserError:
    with pytest.raises(UserError) as caught:
        build(cls, mapping)
    assert len(str(caught.value).splitlines()) <= 5
    return caught.value


def town(**values: Any) -> Town:
    return build(Town, {"people": 5, **values})


def test_defaults_and_values() -> None:
    built = town(shop={"price_usd": 2}, weights=[0, 1])
    assert built.people == 5 and built.name == "Here" and built.mayor is None
    assert built.shop == Shop(price_usd=2.0)
    assert built.weights == [0.0, 1.0] and all(type(weight) is float for weight in built.weights)
    assert type(built.shop.price_usd) is float


def test_entries_take_their_class_defaults_and_the_order_of_names() -> None:
    built = town(shops={"z": {"price_usd": 3}, "a": {}, "gone": None})
    assert built.shops == {"a": Shop(), "z": Shop(price_usd=3.0)}
    assert list(built.shops) == ["a", "z"]
    assert list(town().shops) == ["first", "second"]
    assert list(town().rates) == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "path", "suggestion"),
    [
        ({"peple": 3}, "peple", "people"),
        ({"people": None}, "people", "people=1"),
        ({"people": True}, "people", "people=1"),
        ({"people": 2.5}, "people", "people=2"),
        ({"people": "5:30"}, "people", "people=1"),
        ({"people": "12"}, "people", "people=12"),
        ({"people": 0}, "people", "people=1"),
        ({"people": 10**400}, "people", "people=1000"),
        ({"people": 2.0**60}, "people", "people=1000"),
        ({"people": math.nan}, "people", "people=1"),
        ({"name": False}, "name", "name=Here"),
        ({"name": 2024}, "name", "name='2024'"),
        ({"name": ""}, "name", "name=Here"),
        ({"name": "???"}, "name", "name=Here"),
        ({"name": "${oc.env:HOME}"}, "name", "name=Here"),
        ({"name": "a\x00b"}, "name", "name=Here"),
        ({"name": "\udcff"}, "name", "name=Here"),
        ({"name": "x" * 5000}, "name", "name=Here"),
        ({"limit": 0}, "limit", "limit=1"),
        ({"weights": 3}, "weights", "weights=[1,2]"),
        ({"weights": [1, 9]}, "weights[1]", "weights[1]=3"),
        ({"weights": [1, math.inf]}, "weights[1]", "weights[1]=3"),
        ({"rates": {"a": -1}}, "rates.a", "rates.a=0"),
        ({"rates": {"a b": 1}}, "rates.a b", "rates.xa_b"),
        ({"shop": 3}, "shop", "shop.<setting>=<value>"),
        ({"shop": {"kind": "korner"}}, "shop.kind", "shop.kind=corner"),
        ({"shop": {"cheap": "no"}}, "shop.cheap", "shop.cheap=false"),
        ({"shop": {"cheap": 1}}, "shop.cheap", "shop.cheap=false"),
        ({"shop": {"price_usd": "nan"}}, "shop.price_usd", "shop.price_usd=1.5"),
        ({"shop": {"price_usd": -math.inf}}, "shop.price_usd", "shop.price_usd=0"),
        ({"shop": {"price_usd": 10.000001}}, "shop.price_usd", "shop.price_usd=10"),
        ({"shops": {"a": {"price": 1}}}, "shops.a.price", "shops.a.price_usd"),
        ({"shops": {"_target_": {}}}, "shops._target_", "shops.x_target_"),
        ({"shops": {3: {}}}, "shops.3", "shops.x3"),
        ({"policy": {"_target_": "os.system"}}, "policy._target_", "policy.x_target_"),
        ({"policy": {"tax": {"_target_": "os.system"}}}, "policy.tax._target_", "policy.tax.x_target_"),
        ({"policy": {"tax": {"rate": math.nan}}}, "policy.tax.rate", "policy.tax.rate"),
        ({3: 4}, "3", ""),
    ],
)
def test_refusals(values: dict[Any, Any], path: str, suggestion: str) -> None:
    error = refusal({"people": 5, **values})
    assert error.path == path
    assert path in str(error).splitlines()[0]
    assert error.allowed
    if suggestion:
        assert error.nearest == suggestion


def test_missing_setting_is_named() -> None:
    error = refusal({})
    assert (error.path, error.nearest) == ("people", "people=1")
    assert "no default" in str(error)


def test_whole_numbers_written_as_powers_are_read_as_meant() -> None:
    assert town(people=1e2).people == 100 and type(town(people=1e2).people) is int


def test_minus_zero_is_zero() -> None:
    assert math.copysign(1.0, town(shop={"price_usd": -0.0}).shop.price_usd) == 1.0


def test_cross_checks_come_after_the_fields_and_inside_first() -> None:
    error = refusal({"people": 5, "shops": {"b": {"cheap": True, "price_usd": 3}}})
    assert (error.path, error.value, error.allowed) == (
        "shops.b.price_usd",
        3.0,
        "at most 2 in a cheap shop",
    )
    assert error.nearest == "shops.b.price_usd=1.5"
    assert refusal({"people": 0, "shop": {"cheap": True, "price_usd": 3}}).path == "people"
    without = build(Town, {"people": 5, "shop": {"cheap": True, "price_usd": 3}}, cross_checks=False)
    assert without.shop.price_usd == 3


def test_deep_free_data_is_refused() -> None:
    deep: Any = 1
    for _ in range(3000):
        deep = [deep]
    assert "too deeply" in str(refusal({"people": 5, "policy": {"a": deep}}))


def test_check_reads_back_what_it_wrote() -> None:
    built = town(limit=3, policy={"tax": {"rate": 1, "names": ["a", None]}})
    assert check(built) == built
    assert to_plain(built)["shops"]["first"] == {
        "price_usd": 1.5,
        "open_hours": 8,
        "kind": "corner",
        "cheap": True,
    }
    with pytest.raises(UserError):
        check(Town(people=-1))


def test_describe_has_a_row_for_every_leaf() -> None:
    rows = {row.path: row for row in describe(Town)}
    assert list(rows)[:2] == ["people", "name"]
    assert "shops.<name>.price_usd" in rows and "rates" in rows
    assert rows["shop.price_usd"].allowed == "a number from 0 to 10 (USD)"
    assert rows["limit"].kind == "whole number or null"
    assert rows["weights"].limits.default == [1.0, 2.0]
    assert rows["people"].limits.default is UNSET


def test_paths_of_the_schema() -> None:
    assert type_at(Town, "shops.any.price_usd") is float
    assert type_at(Town, "shops.any.nothing") is None
    assert type_at(Town, "people.more") is None
    assert takes_new_names(Town, "shops") and takes_new_names(Town, "policy.tax")
    assert not takes_new_names(Town, "shop") and not takes_new_names(Town, "nothing")


def test_every_parameter_of_the_model_says_what_it_is() -> None:
    rows = describe(Config)
    silent = [row.path for row in rows if not row.meaning]
    unbounded = [
        row.path
        for row in rows
        if "number" in row.kind and (row.limits.low is None or row.limits.high is None)
    ]
    outside = []
    for row in rows:
        low, high, default = row.limits.low, row.limits.high, row.limits.default
        number = isinstance(default, (int, float)) and not isinstance(default, bool)
        if number and ((low is not None and default < low) or (high is not None and default > high)):
            outside.append(row.path)
    print(f"{len(rows)} parameters, {len(slots(Config))} sections")
    assert len(rows) > 100
    assert (silent, unbounded, outside) == ([], [], [])
    assert check(Config()) == check(build(Config, {}))


def test_parameter_table_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "write_parameter_docs.py"), "--check"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_errors_travel_between_processes_whole() -> None:
    error = UserError("is wrong.", path="a.b", value=3, allowed="less", nearest="a.b=2")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and vars(copy) == vars(error)
    assert pickle.loads(pickle.dumps(UserError("Plain."))).value is UNSET


def test_error_text_is_short_and_harmless() -> None:
    error = UserError(
        "is\nwrong\x1b[31m.", path="a", value="x\n" * 9999, allowed="b\r\nc" * 999, nearest="d\n"
    )
    lines = str(error).splitlines()
    assert len(lines) == 4 and all(len(line) < 500 for line in lines)
    assert "\x1b" not in str(error)


def test_a_path_is_put_in_front_unless_the_sentence_has_it() -> None:
    assert str(UserError("is wrong.", path="seed")) == "seed is wrong."
    assert str(UserError("The seed is wrong.", path="seed")) == "The seed is wrong."
    assert str(UserError("seeds are wrong.", path="seed")).startswith("seed seeds are")


def test_nearest() -> None:
    assert nearest("cuont", ["count", "counter", "days"]) == "count"
    assert nearest("zzz", ["count"]) == ""
    assert nearest_or_first("zzz", ["count"]) == "count"
    assert nearest_or_first("x", []) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (20_000, "20_000"), (5.0, "5"), (1e-7, "1e-07"), ([1, 2.5], "[1,2.5]")],
)
def test_spelling(value: Any, text: str) -> None:
    assert spell(value) == text


def test_folders(tmp_path: Path) -> None:
    check_folder(str(tmp_path / "new" / "newer"), "results.dir")
    check_folder(str(tmp_path), "results.dir")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    bad = ["file", "file/below", "loop/x", "broken/x", "x" * 300]
    for name in [*(str(tmp_path / part) for part in bad), "~/results", "/proc/none/x"]:
        with pytest.raises(UserError) as caught:
            check_folder(name, "results.dir")
        assert caught.value.path == "results.dir" and caught.value.allowed and caught.value.nearest
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("message", "path", "told"),
    [
        ("is none of the policies.", "policies", "policies is none of the policies."),
        ("is no port that can be used.", "port", "port is no port that can be used."),
        ("workers.count has no value.", "workers.count", "workers.count has no value."),
        ("port has no value.", "port", "port has no value."),
        ("Two ports are in use.", "port", "port: Two ports are in use."),
        ("The port is in use.", "port", "The port is in use."),
    ],
)
def test_a_sentence_has_a_subject(message: str, path: str, told: str) -> None:
    assert str(UserError(message, path=path)) == told
