"""What must be said of a scenario: incomes that no tax pays, and incomes that ask for a status."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim.study.remarks
from experiments.asking import OF_TAXES, ask, refuse_unfunded
from sim import compare
from sim.cli import main
from sim.composition import compose
from sim.config import Config
from sim.errors import UserError
from sim.figures import comparison as figures
from sim.figures import market
from sim.report.comparison import page_of_comparison
from sim.report.page import render
from sim.report.run import page_of_run
from sim.study import told
from sim.study.matching import Match, check_match
from sim.study.result import load
from sim.study.scenarios import compose_scenarios
from tests.conftest import Exercised

SHORT = ["world=mturk_2015", "platforms=mturk", "workers.count=30", "requesters.count=4", "time.days=3"]
SHORT += ["time.warmup_days=1", "record.figures=false"]
OUTSIDE = ["policy.universal_income.funding=external", "policy.universal_income.usd_per_month=50"]
INCOME = "policy=[universal_income,usage_tax]"


def config_of(*words: str) -> Config:
    return compose([*SHORT, *words])


def check_manifest(module: Any) -> None:
    """An income from outside is an unfunded experiment, whatever taxes there are, unless nobody has it."""
    to_workers = "policy.universal_income.recipients=workers"
    for words, unfunded, status in (
        ([], [], ""),
        ([INCOME], [], ""),
        ([INCOME, "policy.universal_income.usd_per_month=5"], [], ""),
        ([INCOME, to_workers], [], "workers"),
        ([INCOME, "policy.universal_income.recipients=users"], [], "users"),
        ([INCOME, to_workers, "policy.universal_income.roster=fixed"], [], ""),
        ([INCOME, *OUTSIDE], ["universal_income"], ""),
        (["policy=universal_income", *OUTSIDE, to_workers], ["universal_income"], "workers"),
        (["policy=universal_income", *OUTSIDE, to_workers, "policy.universal_income.countries=[]"], [], ""),
        (["policy=universal_income", *OUTSIDE, "policy.universal_income.usd_per_month=0"], [], ""),
        (["policy=[usage_tax,conditional_income]"], [], ""),
    ):
        found = module.in_manifest(config_of(*words))
        assert found == {"unfunded_experiment": unfunded, "income_conditional_on": status}, words
        lines = " ".join(module.of_run(found))
        assert ("Unfunded experiment: universal_income" in lines) == bool(unfunded), words
        assert ("conditional on a status" in lines) == bool(status), words
        assert ("only workers of this market" in lines) == (status == "workers"), words
    pair = module.in_manifests({"none": config_of(), "paid": config_of(INCOME, *OUTSIDE, to_workers)})
    assert pair == {
        "unfunded_experiment": {"paid": ["universal_income"]},
        "income_conditional_on": {"paid": "workers"},
    }
    assert module.of_scenario(pair, "none") == [] and len(module.of_scenario(pair, "paid")) == 2
    assert "paid" in module.beside_figures(pair) and not module.beside_figures({})


def check_sweep(module: Any) -> None:
    """A sweep says it if the funding is set, or varies, to be from outside."""
    axis = {"path": "policy.universal_income.funding", "values": ["revenue", "external"]}
    word = "policy.universal_income.funding=external"
    for settings, axes, there in (
        ([], [], False), ([word], [], True), ([], [axis], True),
        (["market.sort=external"], [{**axis, "values": ["revenue"]}], False),
        ([], [{"path": "market.looks", "values": None}], False),
    ):  # fmt: skip
        assert bool(module.of_sweep({"settings": settings, "axes": axes})) == there


def test_said_of_configurations(exercised: Exercised) -> None:
    check_manifest(sim.study.remarks)
    check_sweep(sim.study.remarks)
    exercised("sentences", len(sim.study.remarks.CONDITIONAL) + 1, at_least=3)


def test_said_wherever_a_comparison_is_read(tmp_path: Path, exercised: Exercised) -> None:
    """In the manifest, on the terminal, on the page and below its figures; of nothing else."""
    words = [*OUTSIDE, "policy.universal_income.recipients=workers", f"results.dir={tmp_path}"]
    found = compare(["none", "universal_income", "usage_tax"], [*SHORT, *words], seeds=2)
    manifest = json.loads((found.path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["unfunded_experiment"] == {"universal_income": ["universal_income"]}
    assert manifest["income_conditional_on"] == {"universal_income": "workers"}
    texts = [told.plain(found), render(page_of_comparison(found))]
    for text in (" ".join(text.split()) for text in texts):
        assert "Unfunded experiment" in text and "has no place in a ranking of taxes" in text
        assert "conditional on a status" in text
    assert not any("nfunded" in line for line in told.headline(found, "usage_tax"))
    assert "not to be ranked among taxes: universal_income. " in figures.caption_of(found)
    exercised("places", len(texts) + 2, at_least=4)


def test_said_wherever_a_run_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = ["policy=universal_income", *OUTSIDE, "policy.universal_income.recipients=workers"]
    assert main(["run", *SHORT, *words, f"results.dir={tmp_path}"]) == 0
    text = capsys.readouterr().out
    assert text.index("Unfunded experiment: universal_income is paid from outside") < text.index("hourly pay")
    assert "conditional on a status" in text
    (folder,) = (path for path in tmp_path.iterdir() if not path.name.startswith("."))
    run = load(folder)
    assert run.manifest["unfunded_experiment"] == ["universal_income"]
    page = " ".join(render(page_of_run(run)).split())
    assert "Unfunded experiment" in page and "conditional on a status" in page
    assert "no tax pays for the income" in market.caption_of(run, run.manifest)


def test_never_ranked_among_taxes(exercised: Exercised) -> None:
    """Budgets are not matched beside it, and the experiments that rank taxes refuse it."""
    names = ["none", "usage_tax", "universal_income+profit_tax"]
    scenarios = compose_scenarios(names, [*SHORT, *OUTSIDE])
    for kind in ("static", "realised"):
        with pytest.raises(UserError, match="unfunded experiment in scenario universal_income") as refused:
            check_match(Match(kind), scenarios)
        assert refused.value.nearest == "policy.universal_income.funding=revenue"
    usual = compose_scenarios(names, SHORT)
    assert check_match(Match("static"), usual) == "usage_tax"
    for name in OF_TAXES:
        with pytest.raises(UserError, match="ranks taxes"):
            refuse_unfunded(name, scenarios)
        with pytest.raises(UserError):
            ask(name, ["size=small", *OUTSIDE])
        refuse_unfunded(name, ask(name, ["size=small"]).configs)
    refuse_unfunded("conditional_vs_universal", scenarios)
    assert ask("conditional_vs_universal", ["size=small"]).configs, "it scans incomes, and ranks no tax"
    exercised("refused", 2 + len(OF_TAXES), at_least=4)


PLANTS: list[tuple[str, str, Callable[[Any], None]]] = [
    ("is_external(one) and not one.is_null()", "is_external(one)", check_manifest),
    ("is_external(one) and not", "not", check_manifest),
    ("not income.is_null() and income.roster", "income.roster", check_manifest),
    (' and income.roster != "fixed"', "", check_manifest),
    (' and getattr(one, "usd_per_month", 0.0) > 0.0', "", check_manifest),
    ("CONDITIONAL[status]", "CONDITIONAL['users']", check_manifest),
    ("if one[key]}", "}", check_manifest),
    ('word.partition("=")[0] == FUNDING', "True", check_sweep),
    ("for axis in study", "for axis in () and study", check_sweep),
]


@pytest.mark.parametrize(("old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(old: str, new: str, check: Callable[[Any], None]) -> None:
    path = Path(sim.study.remarks.__file__)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    module = types.ModuleType("sim.study.remarks_with_a_bug")
    sys.modules[module.__name__] = module
    try:
        exec(compile(text.replace(old, new), str(path), "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    with pytest.raises(AssertionError):
        check(module)


def test_a_ranking_of_points_leaves_them_out() -> None:
    """Of three points the one that no tax pays for is best in everything, and takes no part."""
    from types import SimpleNamespace

    from sim.study.analysis import pareto

    points = pd.DataFrame({"policy.universal_income.funding": ["revenue", "external", "revenue"]})
    means = pd.DataFrame({"y": [1.0, 9.0, 2.0], "z": [2.0, 9.0, 1.0]})
    sweep: Any = SimpleNamespace(
        means=lambda runs: (points, means),
        compared=lambda names: names,
        outcomes=means,
        manifest={"units": {}},
    )
    assert pareto(sweep, {"y": 1, "z": 1})["front"].tolist() == [True, False, True]
    assert pareto(sweep, {"y": 1, "z": 1})["y"].tolist() == [1.0, 9.0, 2.0]
