"""The program in C++ gives the bits of the search kernel, on the calls of real hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.cases import market
from benchmarks.cpp import SOURCE, build, check, compiler
from benchmarks.dump import capture, write_calls
from sim.model import ClickWorkModel
from tests.conftest import Exercised

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler"),
]

PLANTED = {
    "priorities the other way round": ("ranks[sorted[at - 1]] > rank", "ranks[sorted[at - 1]] < rank"),
    "a second too many": ("std::floor(true_seconds", "std::floor(1.0 + true_seconds"),
    "largest for newest": ("draw >= either(tools, 3) ? 0 : (draw", "draw >= either(tools, 3) ? 1 : (draw"),
    "one that is gone is shown": ("kept += 1 - gone[slot]", "kept += 1"),
    "noise for pace": ("agents[i], 1);", "agents[i], 0);"),
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Calls of the kernel in hours of two worlds, as files."""
    folder = tmp_path_factory.mktemp("calls")
    found = []
    for world in ("global", "mturk_2015"):
        model = ClickWorkModel(market(world, 3000))
        for hour in (12, 9 * 24 + 3, 9 * 24 + 16):
            model.run(hour - model.hour)
            found += capture(model)
    return folder, write_calls(found, folder)


def test_the_program_gives_the_same_bits(calls: Any, exercised: Exercised) -> None:
    """Every byte of every array after each call, and what it returned."""
    folder, headers = calls
    assert check(build(folder), headers) == ""
    exercised("calls", len(headers), 12)


@pytest.mark.parametrize("name", PLANTED)
def test_other_bits_are_noticed(name: str, calls: Any, tmp_path: Path) -> None:
    """A program that does something else is found out."""
    folder, headers = calls
    source = SOURCE.read_text(encoding="utf-8")
    old, new = PLANTED[name]
    assert source.count(old) == 1
    (tmp_path / "records.h").write_text((folder / "records.h").read_text(encoding="utf-8"), encoding="utf-8")
    assert "differs" in check(build(tmp_path, source.replace(old, new)), headers)
