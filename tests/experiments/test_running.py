"""Experiments as they are run: files, commands, resuming, refusals, the document written from results."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from experiments import ALL, baseline, calibrate, playing, telling
from experiments.asking import FOLDER, ask
from sim.errors import UserError
from sim.figures import style
from sim.plain_yaml import read_yaml
from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parent.parent.parent
CLAIMS = {f"C{number}" for number in range(1, 15)}
SLOW = {
    "ai_rebound",
    "baseline",
    "conditional_vs_universal",
    "families",
    "laffer",
    "remedies",
    "segments",
    "tax_scenarios",
}
"""Experiments whose small size takes longest; played by the nightly tests."""

TINY = ["size=small", "jobs=1", "workers.count=20", "requesters.count=4", "time.warmup_days=0", "time.days=2"]


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw with few pixels."""
    monkeypatch.setattr(style, "PNG_DPI", 40)


def test_every_claim_has_its_experiment(exercised: Exercised) -> None:
    named: set[str] = set()
    for name in ALL:
        assert (FOLDER / f"{name}.py").is_file()
        named |= set(read_yaml(FOLDER / f"{name}.yaml").values["claims"])
    assert named == CLAIMS
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= set(ALL)
    exercised("experiments", len(ALL), at_least=12)


def test_the_model_knows_no_experiment(exercised: Exercised) -> None:
    files = sorted((ROOT / "sim").rglob("*.py"))
    importing = [
        str(file)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments"))
        or (isinstance(node, ast.Import) and any(one.name.startswith("experiments") for one in node.names))
    ]
    assert importing == []
    exercised("files of the model", len(files), at_least=40)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", ["medium", "full"])
def test_every_size_is_allowed(name: str, size: str) -> None:
    asked = ask(name, [f"size={size}"])
    assert asked.seeds >= 3
    assert len(asked.configs) >= 2


def test_files_count_like_words(tmp_path: Path) -> None:
    """All of them, and above what the size sets; not where scenarios differ."""
    for name, text in {"a": "workers: {count: 77}\n", "b": "market: {looks: 9}\n"}.items():
        (tmp_path / name).write_text(text)
    words = [f"config={tmp_path / name}" for name in "ab"]
    asked = ask("laffer", ["size=small", *words])
    assert {(one.workers.count, one.market.looks) for one in asked.configs.values()} == {(77, 9)}
    assert asked.configs == ask("laffer", ["size=small", "workers.count=77", "market.looks=9"]).configs
    (tmp_path / "b").write_text("policy: {turnover_tax: {rate: 0.1}}\n")
    with pytest.raises(UserError, match="is what scenarios of laffer differ in"):
        ask("laffer", ["size=small", *words])


@pytest.mark.parametrize("size", ["medium", "full"])
def test_windows_hold_the_incomes_that_are_judged(size: str, exercised: Exercised) -> None:
    """A first income is paid two months after a tax began, on a first day that the window must hold."""
    looked_at = 0
    for name in ALL:
        for config in ask(name, [f"size={size}"]).configs.values():
            income = config.policy.universal_income
            taxes = (config.policy.usage_tax, config.policy.profit_tax, config.policy.turnover_tax)
            starts = [dt.date.fromisoformat(tax.start) for tax in taxes if tax is not None and tax.start]
            if income is None or not starts:
                continue
            first = dt.date.fromisoformat(config.time.start) + dt.timedelta(config.time.warmup_days)
            paid = [
                day
                for day in (first + dt.timedelta(number) for number in range(1, config.time.days))
                if day.day == 1 and 12 * (day.year - starts[0].year) + day.month - starts[0].month >= 2
            ]
            assert paid, f"{name}: a tax from {starts[0]}, a window from {first} of {config.time.days} days"
            looked_at += 1
    exercised("taxes with an income", looked_at, 20)


def check_run(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Play an experiment at its small size and look at all it leaves; return how many findings it has."""
    assert telling.command([name, "size=small", "jobs=1", f"results.dir={folder}"]) == 0
    printed = capsys.readouterr().out
    (made,) = folder.glob(f"*-claim-{name}-small-*")
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    findings = pd.read_parquet(made / "findings.parquet")
    assert set(findings["claim"]) == set(manifest["claims"])
    assert len(manifest["verdict"]) == findings.groupby(["claim", "statement"]).ngroups
    assert " ".join(manifest["verdict"][0].split()) in " ".join(printed.split())
    assert len(pd.read_csv(made / "table.csv")) == len(pd.read_parquet(made / "table.parquet")) > 0
    figures = sorted(path.suffix for path in (made / "figures").iterdir())
    assert figures.count(".png") == figures.count(".svg") >= 1
    assert set(manifest["files"]) >= {"findings.csv", "findings.parquet", "table.csv", "verdict.txt"}
    return len(findings)


@pytest.mark.parametrize("name", [name for name in ALL if name not in SLOW])
def test_it_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], exercised: Exercised) -> None:
    exercised("findings", check_run(name, tmp_path, capsys), at_least=3)


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(SLOW))
def test_the_longer_ones_run(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], exercised: Exercised
) -> None:
    exercised("findings", check_run(name, tmp_path, capsys), at_least=3)


# ---------------------------------------------------------------- stopping and going on


def test_a_stopped_experiment_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], exercised: Exercised
) -> None:
    monkeypatch.setattr(baseline, "draw", lambda *anything: {})
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert telling.command(["baseline", *TINY, f"results.dir={whole}"]) == 0
    played: list[Path] = []
    real = playing.play_one

    def fragile(config, path, rules, advance):  # type: ignore[no-untyped-def]
        if len(played) == 4:
            raise KeyboardInterrupt
        played.append(path)
        real(config, path, rules, advance)

    monkeypatch.setattr(playing, "play_one", fragile)
    assert telling.command(["baseline", *TINY, f"results.dir={stopped}"]) == 130
    assert not list(stopped.glob("*/manifest.json"))
    (damaged, *_) = sorted(stopped.rglob("parts/*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-40])
    kept = len(played) - 1
    again: list[Path] = []

    def counting(config, path, rules, advance):  # type: ignore[no-untyped-def]
        again.append(path)
        real(config, path, rules, advance)

    monkeypatch.setattr(playing, "play_one", counting)
    assert telling.command(["baseline", *TINY, f"results.dir={stopped}"]) == 0
    assert len(again) == 6 - kept
    tables = [next(folder.glob("*/runs.csv")).read_bytes() for folder in (whole, stopped)]
    assert tables[0] == tables[1]
    assert telling.command(["baseline", *TINY, f"results.dir={stopped}"]) == 0
    assert len(again) == 6 - kept
    exercised("runs kept, damaged and played", kept + len(again), at_least=6)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sun_cycel"], "sun_cycle"),
        (["baseline", "size=huge"], "small, medium, full"),
        (["baseline", "seeds=0"], "a whole number from 1"),
        (["baseline", "jobs=none"], "a whole number from 1"),
        (["baseline", "workers.cuont=5"], "workers.count"),
        (["baseline", "workers.count=0"], "from 1 to"),
        (["sun_cycle", "segments.home.flexibility=0"], "scenarios of sun_cycle differ in"),
        (["laffer", "policy.profit_tax.rate=0.1"], "scenarios of laffer differ in"),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    assert telling.command([*words, f"results.dir={results}"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) <= 5
    assert not results.exists()


def test_a_folder_that_is_a_file_is_refused_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    for command in (telling.command, calibrate.command):
        words = [*(["baseline"] if command is telling.command else []), "size=small"]
        assert command([*words, f"results.dir={taken}"]) == 2
        error = capsys.readouterr().err
        assert "allowed" in error
        assert "nearest" in error
    assert list(tmp_path.iterdir()) == [taken]


# ---------------------------------------------------------------- the document


def writer():  # type: ignore[no-untyped-def]
    """Return the script that writes the document."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        return importlib.import_module("write_claims_doc")
    finally:
        sys.path.pop(0)


def test_the_document_says_what_the_results_say(tmp_path: Path, exercised: Exercised) -> None:
    results, docs = tmp_path / "results", tmp_path / "docs"
    assert telling.command(["baseline", *TINY, f"results.dir={results}"]) == 0
    text = writer().write(results, docs, "small")
    (folder,) = results.iterdir()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for sentence in manifest["verdict"]:
        assert writer().cell(sentence.split(": ", 2)[1]) in text
    assert f"`{writer().command_of(manifest)}`" in text
    assert manifest["version"] in text
    assert (docs / "images" / "claims" / "baseline.png").is_file()
    assert "sun_cycle: not played at size small" in text
    assert writer().write(results, docs, "full", "small") == text.replace(
        "size small.", "size full or small."
    )
    (folder / "findings.csv").write_text("changed", encoding="utf-8")
    with pytest.raises(Exception, match=r"findings\.csv"):
        writer().write(results, docs, "small")
    exercised("sentences", len(manifest["verdict"]), at_least=8)
