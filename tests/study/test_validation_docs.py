"""docs/validation.md is of the targets and patterns as they stand."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim.study.targets import PATTERNS, TARGETS
from sim.study.verdict_text import number, span
from tests.conftest import Exercised
from tests.study.test_verdicts import concluded

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts" / "write_validation_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report() -> dict[str, Any]:
    found = concluded()
    found["about"] |= {"source_hash": "0" * 64, "began": "2026-01-01T00:00", "first_seed": 3}
    found["by_seed"] = [{"trial": name, "seed": 3} for name in found["about"]["trials"]]
    return found | {"hours": 1.0}


def missing(text: str) -> list[str]:
    """Return what the tables of targets and patterns hold and the document does not say."""
    wanted = []
    for target in TARGETS:
        wanted += [
            f"### {target.name} {target.title}: ",
            f"*{target.statistic}*",
            f"Source: {target.source};",
        ]
        for part in target.parts:
            low, high = (end if abs(end) < 1e9 else None for end in (part.low, part.high))
            wanted.append(f"| {span(low, high)} | {number(part.observed)} |")
            wanted.append(f"| {part.label} |")
    for one in PATTERNS:
        wanted += [
            f"| {one.name} | {one.title} | {one.statistic} |",
            f"| {one.source} | {one.input or '-'} |",
        ]
    return [words for words in wanted if words not in text]


def test_the_document_has_all_targets_and_patterns(exercised: Exercised) -> None:
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert missing(text) == []
    exercised("targets and patterns", len(TARGETS) + len(PATTERNS), at_least=24)


def test_what_is_out_of_date_is_noticed() -> None:
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert missing(text.replace("1.2 to 2.7", "1.2 to 2.8")) == ["| 1.2 to 2.7 | 1.77 |"]
    assert len(missing(text.replace("| P03 |", "| P99 |"))) == 1


def test_a_report_is_rendered_with_its_command_and_misses(script: ModuleType) -> None:
    found = report()
    found["targets"][0]["parts"][0]["verdict"] = "MISS"
    text = script.render(found)
    assert missing(text) == []
    assert "    clickmarket validate seeds=1 trial_seeds=1\n" in text
    assert "seeds 3 to 3" in text
    assert text.count("| **MISS** |") == 1 + sum(one["size"] == "MISS" for one in found["patterns"])
    assert "**not at rest**" in text


def test_remarks_are_of_the_verdict_that_they_were_written_for(script: ModuleType) -> None:
    assert {name for name, _ in script.REMARKS} <= {one.name for one in TARGETS}
    assert {verdict for _, verdict in script.REMARKS} == {"hit", "MISS"}
    found = report()  # in which all targets are met
    text = script.render(found)
    told = [key for key, remark in script.REMARKS.items() if remark in text]
    assert told == [key for key in script.REMARKS if key[1] == "hit"]


def test_a_folder_is_judged_by_the_rules_of_now(script: ModuleType) -> None:
    runs = [{"trial": "mt", "seed": seed, "values": {"tasks_variation": 1.5}} for seed in (1, 2)]
    old = {"by_seed": runs, "patterns": [{"name": "P01", "sign": "holds"}], "reasons": {"mt": {"x": "none"}}}
    found = script.judged_anew(old)
    assert (found["patterns"][0]["sign"], found["reasons"]) == ("undecided", old["reasons"])
