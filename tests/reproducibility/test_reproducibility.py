"""The same bits whoever computes them, where, when and in which order.

A fingerprint is a hash of every worker, requester, platform, account, flow and open batch. Fresh processes
are shared between tests where one serves several. That each comparison notices a dependence is shown by
planted ones: those on the environment below, the others in ``tests/invariants/test_planted.py``.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Exercised
from tests.support import relations
from tests.support.checks import prefix, same_twice
from tests.support.job import market
from tests.support.markets import WORLDS, fingerprint, population_of, run, tiny, varied
from tests.support.plants import ENVIRONMENT, MODEL, Plant, planted
from tests.support.processes import fingerprints, python

TINY = [f"tiny:{world}:3" for world in WORLDS]
MARKETS = [*TINY, "tiny:six_regions:9", "varied:1:9", "varied:3:3", "varied:7:3", "varied:11:8"]
UNCOMPILED = {"NUMBA_DISABLE_JIT": "1"}

ELSEWHERE = {
    "PYTHONHASHSEED": "4242",
    "TZ": "Asia/Kathmandu",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "C",
    "OMP_NUM_THREADS": "3",
    "NUMBA_NUM_THREADS": "1",
    "COLUMNS": "20",
}
"""An environment in which everything is otherwise that should not matter."""


def plain_processor() -> dict[str, str]:
    """Settings by which NumPy, the C library and the compiler use no instruction of this processor alone."""
    from numpy._core._multiarray_umath import __cpu_dispatch__ as kinds
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return {
        "NPY_DISABLE_CPU_FEATURES": " ".join(kind for kind in kinds if features[kind]),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX512F",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    }


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    """Fingerprints of all markets from one fresh process."""
    return fingerprints(MARKETS, environment={"PYTHONHASHSEED": "0"})


def test_same_seed_twice(fresh: dict[str, str], exercised: Exercised) -> None:
    """Two fresh processes and this one give the same bits; markets differ from each other."""
    assert fingerprints(MARKETS, environment={"PYTHONHASHSEED": "0"}) == fresh
    assert {name: fingerprint(run(market(name))) for name in MARKETS} == fresh
    assert len(set(fresh.values())) == len(MARKETS)
    assert fingerprint(run(replace(market("varied:3:3"), seed=999))) != fresh["varied:3:3"]
    exercised("markets in two fresh processes and here", len(MARKETS), 9)


def test_order_of_runs(fresh: dict[str, str], exercised: Exercised) -> None:
    """R4: Markets in reverse order in one process, some alone in theirs; a market twice in this one."""
    backwards = [*reversed(MARKETS)]
    assert fingerprints(backwards) == fresh
    for name in ("tiny:six_regions:9", "varied:11:8"):
        assert fingerprints([name]) == {name: fresh[name]}
    exercised("markets in another order", len(MARKETS) + 2, 11, nightly=200)
    for number in range(400, 403):
        same_twice(varied(number))


def check_shuffled(count: int) -> int:
    """Markets one after another, and once more in another order, in this process; return how many runs."""
    names = [f"varied:{number}:1" for number in range(count)]
    shuffled = random.Random(3).sample(names, count)
    first = {name: fingerprint(run(market(name))) for name in names}
    assert {name: fingerprint(run(market(name))) for name in shuffled} == first
    assert len(set(first.values())) == count
    return 2 * count


def test_two_hundred_runs_in_shuffled_order(exercised: Exercised) -> None:
    """R4: What a run leaves behind in its process touches no other run."""
    exercised("runs", check_shuffled(100), 200)


def test_what_a_run_leaves_behind_is_noticed() -> None:
    """A planted list of all seeds that were played in this process."""
    remembering = Plant(
        MODEL,
        "stream_key(self.config.seed, number, time)",
        "played.add(self.config.seed) or stream_key(len(played), number, time)",
        "",
        tiny,
    )
    with planted(remembering):
        importlib.import_module(MODEL).played = set()  # type: ignore[attr-defined]
        with pytest.raises(AssertionError):
            check_shuffled(4)


@pytest.mark.nightly
def test_each_of_many_runs_alone_in_its_process(exercised: Exercised) -> None:
    """One process for a hundred markets in shuffled order, and a process of its own for each."""
    names = [f"varied:{number}:2" for number in range(100)]
    shuffled = random.Random(3).sample(names, len(names))
    assert fingerprints(names, "--each-alone") == fingerprints(shuffled)
    exercised("runs", 2 * len(names), 200)


def test_a_population_is_not_used_up(exercised: Exercised) -> None:
    """The tables handed to a model stay as they were, so that two scenarios may share them."""
    config = varied(1, days=9)
    population = population_of(config)
    first = fingerprint(run(config, population=population))
    assert fingerprint(run(config, population=population)) == first
    assert fingerprint(run(config)) == first
    exercised("runs with one population", 2, 2)


def test_environment(fresh: dict[str, str], tmp_path: Path, exercised: Exercised) -> None:
    """No run heeds hash seed, time zone, language, folder, ``-O``, or a script that draws and reseeds."""
    assert fingerprints(MARKETS, options=("-O",), environment=ELSEWHERE, folder=tmp_path) == fresh
    meddled = fingerprints(
        MARKETS, "--meddle", environment={"PYTHONHASHSEED": "random", "TZ": "America/St_Johns"}
    )
    assert meddled == fresh
    exercised("settings changed at once", len(ELSEWHERE) + 5, 10)


@pytest.mark.nightly
def test_processor(fresh: dict[str, str], exercised: Exercised) -> None:
    """Nothing needs this processor's own instructions in NumPy, the C library and newly compiled code.

    The whole model is compiled for it. By day, what is compiled for a plain processor are the functions
    beside + - * / of `tests/test_numeric.py`; NumPy and the C library do without in the test below.
    """
    markets = ["tiny:six_regions:9", "varied:1:9", "varied:11:8"]
    assert fingerprints(markets, environment=plain_processor()) == {name: fresh[name] for name in markets}
    exercised("markets on a plain processor", len(markets), 3)


def test_without_the_compiler(fresh: dict[str, str], exercised: Exercised) -> None:
    """The same source gives the same bits when not compiled, on a plain processor, in all worlds."""
    markets = [*TINY, "varied:7:3"]
    plain = fingerprints(markets, environment=UNCOMPILED | plain_processor())
    assert plain == {name: fresh[name] for name in markets}
    exercised("markets without the compiler", len(markets), 5)


def test_dependences_on_the_environment_are_noticed(tmp_path: Path, exercised: Exercised) -> None:
    """Planted dependences on each of these show as different fingerprints in two environments."""
    here, there = (
        python(
            "tests.support.job",
            "--plants",
            "tiny:north_south:1",
            options=options,
            environment=settings,
            folder=folder,
        )
        for options, settings, folder in (
            ((), UNCOMPILED | {"PYTHONHASHSEED": "0", "TZ": "UTC"}, None),
            (("-O",), UNCOMPILED | ELSEWHERE | plain_processor(), tmp_path),
        )
    )
    shown = {
        name for name, one, two in zip(ENVIRONMENT, here.split(), there.split(), strict=True) if one != two
    }
    missed = ENVIRONMENT.keys() - shown
    if not plain_processor()["NPY_DISABLE_CPU_FEATURES"]:
        missed -= {"the processor's own exponential"}  # this processor has no instructions to do without
    assert not missed, f"nobody noticed a dependence on {missed}"
    # The edits show beside compiled code as well, so that what was computed is compared; in one environment
    # alone an edit may do nothing (with ``-O`` there is no debugging, a plain exponential is like ours).
    sound = fingerprint(run(market("tiny:north_south:1")))
    assert all(one != sound or two != sound for one, two in zip(here.split(), there.split(), strict=True))
    assert len(set(there.split()) - {sound}) >= len(ENVIRONMENT) - 2
    exercised("planted dependences noticed", len(shown), 5)


def test_threads(exercised: Exercised) -> None:
    """Threads change nothing: 1 to 8 of them, many boards, ranges of workers and of requesters."""
    counts: Counter[str] = Counter()
    for number in range(500, 504):
        config = varied(number, days=8, workers=120, requesters=15)
        counts += relations.threads(replace(config, market=replace(config.market, boards=3)))
    many = varied(510, days=2, workers=12_000, requesters=130)
    counts += relations.threads(replace(many, market=replace(many.market, boards=2)), (1, 3))
    exercised("runs", counts["runs"], 22, nightly=150)


@pytest.mark.nightly
def test_threads_at_night(exercised: Exercised) -> None:
    """Threads change nothing in thirty configurations, and in large ones over a week's end."""
    counts: Counter[str] = Counter()
    for number in range(520, 550):
        config = varied(number, days=8, workers=400, requesters=20)
        counts += relations.threads(replace(config, market=replace(config.market, boards=3)))
    for number in range(550, 553):
        counts += relations.threads(varied(number, days=9, workers=30_000, requesters=100), (1, 2, 8))
    exercised("runs", counts["runs"], 159)


def test_prefix(exercised: Exercised) -> None:
    """A run has the first hours of a run twice as long."""
    counts = sum(
        (prefix(varied(number, days=days)) for number, days in ((600, 3), (601, 9), (602, 16))), Counter()
    )
    exercised("hours", counts["hours"], 600)


def test_watching_changes_nothing(exercised: Exercised) -> None:
    """Recorder, event log, debug mode, kept agents and history change nothing, over the end of a month."""
    counts = sum((relations.observers(varied(number, days=9)) for number in (1, 610, 611)), Counter())
    exercised("ways of watching", counts["ways"], 15)


def test_one_draw_for_each_key(exercised: Exercised) -> None:
    """No draw serves twice; recorded without the compiler, where every draw can be heard."""
    names = ["tiny:six_regions:8", "varied:7:3"]
    counts = json.loads(python("tests.support.keys", *names, environment=UNCOMPILED))
    exercised("draws", counts["draws"], 15_000)
    streams = {
        "arrivals",
        "batches",
        "duty",
        "interruptions",
        "search",
        "review",
        "joins",
        "priority",
        "switches",
    }
    unheard = [name for name in streams if not counts.get(name)]
    assert not unheard, f"no draw of {unheard} was heard"


def test_tiny_is_what_it_was() -> Any:
    """The smallest market still has joiners' pools, countries and open batches: comparisons need them."""
    model = run(tiny(table="six_regions"))
    assert model.pools.sum() > 0 and len(model.world.codes) == 6 and sys.byteorder == "little"
    assert sum(int(board.state[0]) for board in model.boards) > 0
