"""Verdicts: medians over seeds against bands, what counts and why, and what pairs of trials say."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from sim.study import verdicts
from sim.study.targets import FITTED, GL, MT, PATTERNS, TARGETS, WORLDS, Part, Pattern, Target
from sim.study.trials import BY_NAME, TRIALS
from sim.study.verdict_text import FITTED_TO, caution_of, lines, number, print_verdicts, span
from sim.study.verdicts import CONTRADICTED, HIT, HOLDS, MISS, UNDECIDED, UNKNOWN, UNSEEN, Summary
from sim.study.witness import IN_PAIRS, STATISTICS, asked_of
from tests.conftest import Exercised

PART = Part("pay", "median", "USD/h", 1.77, 1.2, 2.7)
TARGET = Target("T", "pay", "median", MT, (PART,), "a source", "high", ("fixed_pay",))
PATTERN = Pattern("P", "tail", "variation", "pay", "ratio", 1, 1.0, 2.0, 6.0, "a source")


def runs_of(trial: str, *values: float, key: str = "pay") -> dict[tuple[str, int], dict[str, float]]:
    """Return runs of a trial, one for each value, with seeds from 1."""
    return {(trial, seed): {key: value} for seed, value in enumerate(values, 1)}


# ---------------------------------------------------------------- over seeds


@pytest.mark.parametrize(
    ("n", "ranks"), [(6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15)), (40, (14, 27))]
)
def test_interval_lies_between_the_ranks_of_the_sign_test(n: int, ranks: tuple[int, int]) -> None:
    found = verdicts.summarise([float(one) for one in range(n, 0, -1)])
    assert (found.low, found.high) == ranks
    assert found.value == (n + 1) / 2
    covered = stats.binom.cdf(n - ranks[0], n, 0.5) - stats.binom.cdf(ranks[0] - 1, n, 0.5)
    wider = stats.binom.cdf(n - ranks[0] - 1, n, 0.5) - stats.binom.cdf(ranks[0], n, 0.5)
    assert wider < 0.95 <= covered


def test_few_seeds_have_no_interval() -> None:
    assert verdicts.summarise([3.0, 1.0, 2.0, 5.0, 4.0]) == Summary(3.0, None, None, 5)
    assert verdicts.summarise([]) == Summary(None, None, None, 0)


@pytest.mark.parametrize(("value", "verdict"), [(1.2, HIT), (2.7, HIT), (1.1999, MISS), (2.7001, MISS)])
def test_the_ends_belong_to_the_band(value: float, verdict: str) -> None:
    assert verdicts.judge(PART, runs_of("mt", value), "mt")["verdict"] == verdict


def test_the_median_decides_and_only_of_the_own_trial() -> None:
    runs = runs_of("mt", 1.0, 2.0, 9.0) | runs_of("gl", 0.1)
    found = verdicts.judge(PART, runs, "mt")
    assert (found["value"], found["verdict"], found["runs"]) == (2.0, HIT, 3)
    assert verdicts.judge(PART, runs, "arms")["verdict"] == UNKNOWN


@pytest.mark.parametrize(
    ("parts", "all_of"),
    [((HIT, HIT), HIT), ((HIT, MISS), MISS), ((HIT, UNKNOWN), UNKNOWN), ((MISS, UNKNOWN), MISS)],
)
def test_a_target_is_met_if_all_its_parts_are(parts: tuple[str, ...], all_of: str) -> None:
    assert verdicts.together(parts) == all_of


# ---------------------------------------------------------------- what counts


def test_what_is_no_input_counts() -> None:
    assert verdicts.whether_it_counts(TARGET, {})[0]


def test_an_input_counts_only_if_met_without_it() -> None:
    declared = replace(TARGET, input="hours are drawn")
    assert not verdicts.whether_it_counts(declared, runs_of("mt", 2.0))[0]
    freed = replace(declared, freed_by="equal_hours")
    assert verdicts.whether_it_counts(freed, runs_of("equal_hours", 2.0))[0]
    assert not verdicts.whether_it_counts(freed, runs_of("equal_hours", 9.0))[0]
    counts, why = verdicts.whether_it_counts(freed, runs_of("mt", 2.0))
    assert not counts
    assert "has no value" in why


def test_a_target_tells_of_its_mechanism_and_of_the_largest_requester() -> None:
    runs = runs_of("mt", 2.0) | runs_of("mt_without_largest", 9.0) | runs_of("fixed_pay", 1.0)
    found = verdicts.judge_target(TARGET, runs)
    (part,) = found["parts"]
    assert found["verdict"] == HIT
    assert found["without_largest"] == MISS
    assert part["without_largest"]["value"] == 9.0
    assert part["mechanisms"]["fixed_pay"] == {"value": 1.0, "interval": None, "runs": 1, "verdict": MISS}


def test_a_target_that_does_not_need_its_mechanism_says_so() -> None:
    met = verdicts.judge_target(TARGET, runs_of("mt", 2.0) | runs_of("fixed_pay", 2.1))
    assert met["also_met"] == ["fixed_pay"]
    assert "met also if requesters never revise pay" in caution_of(met)
    assert caution_of(verdicts.judge_target(TARGET, runs_of("mt", 2.0) | runs_of("fixed_pay", 9.0))) == ""
    assert caution_of(verdicts.judge_target(TARGET, runs_of("mt", 9.0) | runs_of("fixed_pay", 2.0))) == ""


def test_declared_inputs_are_those_that_are_known_to_be() -> None:
    assert {one.name for one in TARGETS if one.input} == {
        "BP04",
        "BP05",
        "BP08",
        "BP10",
        "BP14",
        "BP15",
        "BP16",
    }
    assert {one.name for one in TARGETS if one.freed_by} == {"BP05", "BP08"}


# ---------------------------------------------------------------- the tables


def test_the_sixteen_targets_are_complete(exercised: Exercised) -> None:
    assert [one.name for one in TARGETS] == [f"BP{number:02d}" for number in range(1, 17)]
    for one in TARGETS:
        assert one.source
        assert one.mechanisms or one.input, f"{one.name} counts, and nothing behind it is switched off"
        for part in one.parts:
            assert part.low < part.high
            assert part.holds(part.observed), f"{one.name}: what was observed is outside its own band"
    exercised("parts", sum(len(one.parts) for one in TARGETS), at_least=20)


def test_patterns_have_sources_signs_and_sizes_on_their_side(exercised: Exercised) -> None:
    assert len({one.name for one in PATTERNS}) == len(PATTERNS)
    for one in PATTERNS:
        assert one.sign in (-1, 1)
        assert one.source
        inner = one.low if one.sign > 0 else one.high
        if inner is None:
            continue
        assert (inner - one.null) * one.sign >= 0, f"{one.name}: a size without the sign"
    exercised("patterns", len(PATTERNS), at_least=8)


def test_every_name_is_a_trial_and_every_key_a_statistic() -> None:
    names = set(BY_NAME) | {"paired"}
    made = set(verdicts.paired(everything()))
    for one in TARGETS:
        assert {one.played, *one.mechanisms} <= names
        assert one.freed_by in names | {""}
        for part in one.parts:
            assert part.key in (made if one.played == "paired" else STATISTICS), part.key
    for pattern in PATTERNS:
        assert pattern.scenario in names
        assert pattern.key in (made if pattern.scenario == "paired" else STATISTICS), pattern.key


def test_every_trial_is_read() -> None:
    assert [one.name for one in TRIALS if not asked_of(one.name)] == []
    assert {one.configuration for one in TRIALS} == set(WORLDS) == {MT, GL}
    assert set(IN_PAIRS) <= set(BY_NAME)


# ---------------------------------------------------------------- pairs


def everything() -> dict[str, dict[str, float]]:
    """Trials of one seed between which all pairs are known."""
    return {
        "mt": {"experience_premium": 1.5, "hours_paid": 100.0, "worker_half_life": 400.0},
        "no_records": {"experience_premium": 1.2},
        "dear_platform": {"hours_paid": 100.0 * 6 / 7},
        "demand_cut": {"worker_half_life": 300.0},
        "gl": {"posts_microwork": 80.0, "posts_writing": 10.0, "posts_all": 100.0},
        "ai": {"posts_microwork": 88.0, "posts_writing": 7.0, "posts_all": 105.0},
    }


def test_pairs_of_trials() -> None:
    assert verdicts.paired(everything()) == pytest.approx(
        {
            "ai_microwork_less_all": 0.10 - 0.05,
            "ai_writing_less_all": -0.30 - 0.05,
            "learning_premium": 1.2,
            "barrier_premium": math.log(1.25),
            "volume_by_fee": -1.0,
            "half_life_after_cut": 0.75,
        }
    )
    assert verdicts.paired({}) == {}


def test_pairs_are_of_one_seed() -> None:
    runs = {("mt", 1): {"worker_half_life": 400.0}, ("demand_cut", 2): {"worker_half_life": 300.0}}
    assert verdicts.over_seeds(verdicts.with_pairs(runs), "paired", "half_life_after_cut") == []
    runs["mt", 2] = {"worker_half_life": 600.0}
    assert verdicts.over_seeds(verdicts.with_pairs(runs), "paired", "half_life_after_cut") == [0.5]


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        ([1.5], UNDECIDED),
        ([0.5, 0.4, 0.3], UNDECIDED),
        ([1.0], UNDECIDED),
        ([1.1, 1.2, 1.3, 1.4, 1.5, 1.6], HOLDS),
        ([0.9, 1.2, 1.3, 1.4, 1.5, 1.6], UNDECIDED),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], CONTRADICTED),
        ([], UNKNOWN),
    ],
)
def test_a_sign_holds_for_the_whole_interval(values: list[float], sign: str) -> None:
    assert verdicts.judge_pattern(PATTERN, runs_of("mt", *values))["sign"] == sign
    mirrored = replace(PATTERN, sign=-1)
    other = {HOLDS: CONTRADICTED, CONTRADICTED: HOLDS}.get(sign, sign)
    assert verdicts.judge_pattern(mirrored, runs_of("mt", *values))["sign"] == other


def test_a_size_is_judged_apart_from_the_sign() -> None:
    found = verdicts.judge_pattern(PATTERN, runs_of("mt", *[1.5] * 6))
    assert (found["sign"], found["size"]) == (HOLDS, MISS)
    assert verdicts.judge_pattern(PATTERN, runs_of("mt", 2.0))["size"] == HIT
    unseen = replace(PATTERN, low=None, high=None)
    assert verdicts.judge_pattern(unseen, runs_of("mt", 2.0))["size"] == UNSEEN


# ---------------------------------------------------------------- all together


def concluded() -> dict[str, Any]:
    """Return a report of made-up runs in which every part lies in the middle of what was observed."""
    runs: dict[tuple[str, int], dict[str, float]] = {}
    for seed in range(1, 8):
        for name in BY_NAME:
            runs[name, seed] = dict(everything().get(name, {}))
        for target in TARGETS:
            for trial in (target.played, f"{target.played}_without_largest", target.freed_by):
                if (trial, seed) in runs:
                    runs[trial, seed] |= {
                        part.key: part.observed * (1 + 0.001 * seed) for part in target.parts
                    }
        for pattern in PATTERNS:
            runs.setdefault((pattern.scenario, seed), {}).setdefault(pattern.key, pattern.null)
        runs["mt", seed] |= {"drift_pay": 0.06, "drift_hours": -0.04}
    runs.pop(("fixed_pay", 1))
    reasons = {("fixed_pay", 2): {"pay_all_in_median": "nobody works", "unheard_of": "no"}}
    trials = {
        name: {"what": one.what, "configuration": one.configuration, "seeds": 7, "days": 365, "workers": 2000,
               "requesters": 60, "days_watched": 365}
        for name, one in BY_NAME.items()
    }  # fmt: skip
    about = {"version": "0", "identity": "0" * 64, "warmup_days": 150, "trials": trials, "settings": []}
    by_seed = [{"trial": name, "seed": seed} for name, seed in runs if name in trials]
    return {"about": about, "curves": {}, "by_seed": by_seed, **verdicts.conclude(runs, reasons)}


def test_a_conclusion_counts_what_is_met() -> None:
    found = concluded()
    assert found["score"]["all"] == 16
    assert [one["name"] for one in found["targets"] if one["verdict"] == MISS] == []
    assert found["score"]["counted"] == 11, "nine that are no inputs, and two that are met without"
    assert found["score"]["counted_hit"] == 11
    assert found["reasons"] == {"fixed_pay": {"pay_all_in_median": "nobody works"}}
    assert [one["at_rest"] for one in found["stationarity"]] == [False, True]


def test_what_was_not_played_is_not_judged() -> None:
    found = verdicts.conclude(runs_of("mt", 2.0), {})
    assert {one["configuration"] for one in found["targets"]} == {MT}
    only_world = verdicts.conclude(runs_of("gl", 2.0), {})
    assert {one["configuration"] for one in only_world["targets"]} == {GL}
    assert only_world["patterns"] == []


def test_the_report_names_every_target_with_its_verdict() -> None:
    found, stream = concluded(), io.StringIO()
    print_verdicts(found, stream)
    text = stream.getvalue()
    for target in TARGETS:
        assert f"{target.name} {target.title} ({target.configuration})" in text
    assert text.count("counts:") == 11
    assert text.count("does not count:") == 5
    assert "11 of 11 targets that count are met (5 of the 5 that nothing was fitted to), 16 of all 16" in text
    assert " ".join(text.split()).count(FITTED_TO) == len(FITTED)
    assert "MT pay of all workers" in text
    assert "NOT AT REST" in text
    assert max(map(len, lines(found))) <= 130


def test_nothing_is_fitted_where_the_bare_assumptions_are_played() -> None:
    found, stream = concluded(), io.StringIO()
    found["about"]["settings"] = ["seeds=6", "calibration=none"]
    print_verdicts(found, stream)
    assert "11 of 11 targets that count are met, 16 of all 16" in stream.getvalue()
    assert FITTED_TO not in " ".join(stream.getvalue().split())


def test_numbers_for_reading() -> None:
    assert [number(one) for one in (None, 1.234, 0.00012345, 1234.5)] == ["-", "1.23", "0.000123", "1,234"]
    assert [span(1.0, 2.0), span(0.0, None), span(None, -1e-12)] == ["1 to 2", ">= 0", "< 0"]
    assert span(None, None) == "-"
