"""Settings that nothing in the run would read are refused; so are names given twice and unknown countries.

The tables of who reads what stand in `sim/config.py` and `sim/instruments.py`; that what they call unread
changes no bit of a run is shown in `tests/market/test_unread.py`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main
from sim.composition import compose
from sim.config import FAMILIES, PAID_WORK, READ_BY, READERS, Config, Platform
from sim.errors import UserError
from sim.instruments import READ_WITH, Policies
from sim.schema import describe, spell
from tests.conftest import Exercised
from tests.support.processes import ROOT
from tests.support.unread import another, unread_choice

READ_BY_ALL = {"family", "owner", "excluded_countries"}
ONE_OF_EACH = {
    "microwork": "microwork",
    "on_demand": "on_demand",
    "click_farm": "click_farm",
    "social": "social",
}
"""A platform of each family in platforms=all_families."""

WITHOUT_READERS = {
    "requesters.daily_life_hours": ["platforms=microwork_only"],
    "requesters.daily_life_weekdays": ["platforms=microwork_only"],
    "requesters.strictness_mean": ["platforms=click_farm_only"],
    "requesters.unfair_rejection_mean": ["platforms=click_farm_only"],
    "requesters.own_country_share": ["platforms=microwork_only", "platforms.microwork.family=on_demand"],
    "requesters.north_only_share": ["platforms=microwork_only", "platforms.microwork.family=on_demand"],
    "policy.usage_tax.to_users": ["policy=usage_tax"],
    "policy.turnover_tax.to_users": ["policy=turnover_tax"],
}
"""Runs in which nobody reads a setting; what does not stand here is read by nobody on click farms alone."""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command with words which are refused, and returns what it says."""
    monkeypatch.chdir(tmp_path)

    def refused(*words: str) -> list[str]:
        assert main(["run", *words]) == 2, words
        said = capsys.readouterr()
        lines: list[str] = said.err.removeprefix("clickmarket: ").splitlines()
        assert said.out == "" and len(lines) <= 4 and not list(tmp_path.iterdir()), words
        return lines

    return refused


def with_a_tax(instrument: str) -> str:
    """Choose an instrument, and a tax that pays for it if it is none itself."""
    return f"policy=[{','.join(dict.fromkeys((instrument, 'usage_tax')))}]"


def usable(words: list[str], path: str, lines: list[str]) -> int:
    """Require that with what is called the nearest the run is accepted; a long list is not spelled."""
    near = lines[-1].split(maxsplit=1)[1]
    assert near.startswith(f"{path}=") or (near == path and "a list of" in lines[1]), lines
    compose([*words, near] if near != path else words)
    return 1


def test_each_setting_of_a_platform_says_who_reads_it(exercised: Exercised) -> None:
    names = {one.name for one in fields(Platform)}
    assert not READ_BY.keys() & READ_BY_ALL and READ_BY.keys() | READ_BY_ALL == names
    assert all(set(families) < set(FAMILIES) for families in READ_BY.values())
    exercised("settings", len(names), 45)


def test_settings_of_another_family_are_refused(told: Any, exercised: Exercised) -> None:
    counts: Counter[str] = Counter()
    for row in describe(Platform):
        for family, name in ONE_OF_EACH.items():
            if family in READ_BY.get(row.path, FAMILIES):
                continue
            path = f"platforms.{name}.{row.path}"
            lines = told("platforms=all_families", f"{path}={spell(another(row))}")
            assert lines[0].startswith(f"{path} does not fit") and family in lines[2], lines
            usable(["platforms=all_families"], path, lines)
            counts[family] += 1
    for family, least in (("microwork", 16), ("on_demand", 16), ("click_farm", 13), ("social", 27)):
        exercised(f"refused with family={family}", counts[family], least)


def test_settings_that_no_platform_of_the_run_reads_are_refused(told: Any, exercised: Exercised) -> None:
    rows = {row.path: row for row in describe(Config)}
    found = [f"{readers.section}.{name}" for readers in READERS for name in readers.names]
    assert WITHOUT_READERS.keys() <= set(found)
    for path in found:
        words = WITHOUT_READERS.get(path, ["platforms=click_farm_only", "world=global"])
        lines = told(*words, f"{path}={spell(another(rows[path]))}")
        assert lines[0].startswith(f"{path} does not fit") and "only with" in lines[2], lines
        usable(words, path, lines)
    lines = told("platforms=all_families", "task_types.survey.actions_per_task=50")
    assert lines[0].startswith("task_types.survey.actions_per_task") and "click_farm" in lines[2]
    exercised("settings", len(found) + 1, 17)


def test_settings_that_an_instrument_does_not_read_as_chosen_are_refused(
    told: Any, exercised: Exercised
) -> None:
    names = {type(one): name for name, one in _all_instruments().items()}
    count = 0
    for kind, settings in READ_WITH.items():
        rows = {row.path: row for row in describe(kind)}
        for setting, (choice, values) in settings.items():
            words = [with_a_tax(names[kind]), *unread_choice(names[kind], choice, values)]
            path = f"policy.{names[kind]}.{setting}"
            lines = told(*words, f"{path}={spell(another(rows[setting]))}")
            assert lines[0].startswith(f"{path} does not fit") and f"only with {choice}=" in lines[2], lines
            count += usable(words, path, lines)
    exercised("settings", count, 11)


def _all_instruments() -> dict[str, Any]:
    from sim.schema import opened, slots

    return {name: opened(slot.hint)[1]() for name, slot in slots(Policies).items()}


@pytest.mark.parametrize("income", ["universal_income", "conditional_income"])
def test_an_income_that_no_tax_could_ever_pay_is_refused(
    income: str, told: Any, exercised: Exercised
) -> None:
    """Nowhere where it is paid, or never while it is; a tax that is null by itself is no mistake."""
    tax, words = "policy.usage_tax", [f"policy=[usage_tax,{income}]", "world=global"]
    income = f"policy.{income}"
    cases = {
        "countries": [f"{tax}.countries=[FRA,ITA]", f"{income}.countries=[IND]"],
        "end": [f"{tax}.start=2019-03-01", f"{income}.end=2019-03-01"],
        "start": [f"{tax}.end=2019-03-01", f"{income}.start=2019-04-01"],
    }
    for setting, wrong in cases.items():
        lines = told(*words, *wrong)
        assert lines[0] == f"{income}.{setting} does not fit the other settings.", lines
        assert "tax" in lines[2], lines
        assert setting != "countries" or lines[1] == "  found    [IND]", lines
    right = [
        [f"{tax}.countries=[FRA,ITA]", f"{income}.countries=[IND,ITA]"],
        [f"{tax}.countries=[]", f"{income}.countries=[IND]"],
        [f"{tax}.countries=[FRA]", f"{income}.countries=[]"],
        [f"{tax}.start=2019-03-01", f"{income}.end=2019-04-01"],
        [f"{tax}.end=2019-03-01", f"{income}.start=2019-03-01"],
        ["policy=[usage_tax,turnover_tax,conditional_income]", f"{tax}.countries=[FRA]"],
    ]
    for fitting in right:
        compose([*words, *fitting])
    exercised("refused", len(cases), 3)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["run", ""], "clickmarket run --help"),
        (["run", "=5"], "clickmarket run --help"),
        (["run", "workers.count=2,000"], "workers.count=2000"),
        (["run", "seed=1,2"], "seed=1"),
        (["run", "config="], "clickmarket run --cfg job > my.yaml"),
        (["run", "wörld=six_regions"], "world=six_regions"),
        (["run", "resume=nothing"], "time.checkpoint_days=30"),
        (["run world=six_regions"], "clickmarket run world=six_regions"),
        (["status", "nothing"], "clickmarket sweep platforms.microwork.requester_fee=0.1,0.2,0.4 seeds=5"),
    ],
)
def test_the_nearest_can_be_typed_where_little_is_there(
    words: list[str],
    near: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"  nearest  {near}"
    assert not list(tmp_path.iterdir())


def test_a_share_of_no_guideline_has_a_word_that_works(told: Any) -> None:
    words = ["policy=union", "policy.union.guideline=uniform", "policy.union.usd_per_hour=0"]
    assert told(*words)[-1] == "  nearest  policy.union.bargained_share=0"
    assert (
        usable(words, "policy.union.bargained_share", told(*words, "policy.union.bargained_share=0.2")) == 1
    )
    compose([*words, "policy.union.bargained_share=0"])


def test_paid_work_is_not_found_on_social_platforms(told: Any, exercised: Exercised) -> None:
    """The commons, the cooperative and the others cannot name a platform on which nobody is paid."""
    for instrument in PAID_WORK:
        path = f"policy.{instrument}.platforms"
        words = ["platforms=all_families", f"policy={instrument}"]
        lines = told(*words, f"{path}=[microwork,social]")
        assert lines[0].startswith(f"{path} does not fit") and "nobody is paid on social" in lines[2], lines
        compose([*words, f"{path}=[microwork,on_demand]"])
    listing = [name for name, one in _all_instruments().items() if hasattr(one, "platforms")]
    incomes = {"universal_income": "workers", "conditional_income": "job_seekers"}
    assert {*PAID_WORK, *incomes, "measures"} == {name for name in listing if not name.endswith("tax")}
    for income, recipients in incomes.items():
        words = ["platforms=all_families", f"policy=[usage_tax,{income}]"]
        words.append(f"policy.{income}.recipients={recipients}")
        lines = told(*words, f"policy.{income}.platforms=[microwork,social]")
        assert "nobody is paid on social" in lines[2], lines
    users = ["policy.universal_income.recipients=users", "policy.universal_income.platforms=[social]"]
    compose(["platforms=all_families", "policy=[usage_tax,universal_income]", *users])
    law = "+policy.measures.law"
    lines = told("platforms=all_families", f"{law}.value=0.1", f"{law}.platforms=[microwork,social]")
    assert lines[0].startswith("policy.measures.law.platforms does not fit"), lines
    assert "nobody is paid on social" in lines[2], lines
    exercised("instruments", len(PAID_WORK), 5)


def test_platforms_that_fit_are_named(told: Any, exercised: Exercised) -> None:
    """The line of the nearest has a value, and typing it is enough."""
    words, count = ["platforms=all_families"], 0
    for instrument in ("wage_floor", "cooperative"):
        path = f"policy.{instrument}.platforms"
        for wrong, fitting in {"[social]": "[click_farm]", "[social,microwork]": "[microwork]"}.items():
            lines = told(*words, f"policy={instrument}", f"{path}={wrong}")
            assert lines[-1].split() == ["nearest", f"{path}={fitting}"], lines
            compose([*words, f"policy={instrument}", f"{path}={fitting}"])
            count += 1
    exercised("nearest that are accepted", count, 4)


def test_names_given_twice_are_refused(told: Any, exercised: Exercised) -> None:
    rows = [row for row in describe(Config) if row.kind.startswith("list of text")]
    for row in rows:
        path = row.path.replace("<name>", "microwork")
        instrument = path.split(".")[1] if path.startswith("policy.") else ""
        chosen = {"": [], "universal_income": ["policy=[universal_income,usage_tax]"]}
        words = chosen.get(instrument, [with_a_tax(instrument)])
        if instrument == "measures":  # there are none unless they are added
            words = ["+policy.measures.microwork.value=0.1"]
        lines = told(*words, f"{'+' * (instrument == 'measures')}{path}=[b,a,b]")
        assert lines[0] == f"{path} names something twice." and lines[1].split() == ["found", "'b'"], lines
        assert lines[-1].split(maxsplit=1)[1] == f"{path}=[b,a]", lines
    exercised("lists", len(rows), 20)


@pytest.mark.parametrize("world", ["six_regions", "north_south", "mturk_2015"])
def test_platforms_say_which_countries_they_need(world: str, told: Any, exercised: Exercised) -> None:
    lines = told("platforms=all_families", f"world={world}", "workers.count=50")
    assert lines[0] == f"platforms.click_farm.owner is a country that world.table={world} does not have."
    assert "microwork_cn needs CHN; microwork_fr needs" in lines[2] and "~platforms.click_farm" in lines[2]
    assert lines[3].split(maxsplit=1)[1] == "world=global"
    exercised("refused", 1, 1)


def test_families_of_regions_fit_the_six_regions(exercised: Exercised) -> None:
    from sim.model import ClickWorkModel

    words = ["platforms=all_families_of_regions", "world=six_regions", "workers.count=50"]
    model = ClickWorkModel(compose([*words, "requesters.count=10"]))
    kinds = {platform.family for platform in model.config.platforms.values()}
    assert kinds == set(FAMILIES)
    exercised("audiences", len(model.audience_rows), 6)


def test_the_nearest_is_no_setting_of_another_instrument() -> None:
    """Which is there only if it is chosen, too."""
    for words, path, nearest in (
        (
            ["policy=profit_tax", "policy.profit_tax.families=[]"],
            "policy.profit_tax.families",
            "policy.profit_tax.",
        ),
        (
            ["policy=usage_tax", "policy.usage_tax.to_requesters=0.7", "policy.usage_tax.to_workers=0.7"],
            "policy.usage_tax.to_workers",
            "policy.usage_tax.to_workers=0.3",
        ),
    ):
        with pytest.raises(UserError) as refused:
            compose(words)
        assert refused.value.path == path
        assert str(refused.value.nearest).startswith(nearest)


def test_a_mistyped_country_has_its_nearest(exercised: Exercised) -> None:
    from sim.model import ClickWorkModel

    found = []
    for setting, value in (
        ("owner", "NOO"),
        ("worker_countries", ["ASI", "EUT"]),
        ("excluded_countries", ["AFF"]),
    ):
        config = compose(["world=six_regions"])
        plain = {f"platforms.microwork.{setting}": value}
        with pytest.raises(UserError) as refused:
            ClickWorkModel(config, **plain)
        assert refused.value.path == f"platforms.microwork.{setting}"
        found.append(refused.value.nearest)
    assert found == ["NOA", "EUR", "AFR"]
    exercised("refused", len(found), 3)


@pytest.mark.parametrize(
    ("share", "setting"),
    [
        ("to_users", "families=[microwork,on_demand]"),
        ("to_users", "platforms=[click_farm]"),
        ("to_workers", "families=[social]"),
        ("to_requesters", "platforms=[social,social_cn]"),
    ],
)
@pytest.mark.parametrize("tax", ["usage_tax", "turnover_tax"])
def test_shares_of_a_tax_for_people_whom_nobody_has_are_refused(
    tax: str, share: str, setting: str, told: Any
) -> None:
    """Users are charged on social platforms, workers and requesters on the others: where the tax is owed."""
    words = ["platforms=all_families", f"policy={tax}", f"policy.{tax}.{setting}"]
    path = f"policy.{tax}.{share}"
    lines = told(*words, f"{path}=0.5")
    assert lines[0].startswith(f"{path} does not fit") and "is owed on family=" in lines[2], lines
    assert usable(words, path, lines)
    compose([*words[:2], f"{path}=0.5"])


@pytest.mark.parametrize("name", ["devices_per_worker", "requester_fee", "arpu_factor"])
def test_a_hole_in_the_table_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    monkeypatch.delitem(READ_BY, name)
    with pytest.raises(AssertionError):
        test_each_setting_of_a_platform_says_who_reads_it(exercised)


WITHOUT_NEAREST = {
    "the system refuses, or a process does": """checkpoint.write_archive cli_sweep._keep study.lock._lock
        study.lock._unwritable study.lock.only_one study.result._failure study.result.write_manifest
        study.run.new_folder
        study.store.changing study.store.listed study.sweep._laid_out app.desk._listen app.player.serve""",
    "what is there is damaged, is missing or differs": """checkpoint.read_archive composition.conf_folder
        model.load study.compare.need study.result._damaged study.result._find study.result.read_frame
        study.run._require_records study.run.interrupted study.sweep._opened""",
    "a text or a file that would have to be written otherwise": """compile._load_plugin compile._read_plugin
        market.kernels._try money._refusal plain_yaml._text_of plain_yaml.parse_yaml plugins.load_plugins
        validation._free agents.views.classes_by_name app.state._read""",
    "other things would have to be chosen or played": """agents.population.make_tables
        agents.population.origins app.command.require_extra app.results.compared app.results.read
        app.sweeps.open_sweep app.sweeps.point_at study.compare.compare study.compare.find_budgets
        study.matching.check_match""",
}
"""Refusals, by the function that they stand in, for which no name or value can be said to be the nearest."""


def refusals(text: str, name: str) -> Iterator[tuple[str, bool]]:
    """Give each refusal of a module: the function that it stands in, and whether it names the nearest."""

    def within(node: ast.AST, where: str) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.FunctionDef):
            where = f"{name}.{node.name}"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
            yield where, any(word.arg == "nearest" for word in node.keywords)
        for child in ast.iter_child_nodes(node):
            yield from within(child, where)

    return within(ast.parse(text), name)


def test_refusals_name_what_is_nearest(exercised: Exercised) -> None:
    """All of them, where something can be; a name that is looked up among others always has one."""
    allowed = {name for names in WITHOUT_NEAREST.values() for name in names.split()}
    found: list[tuple[str, bool]] = []
    for file in sorted((ROOT / "sim").rglob("*.py")):
        name = ".".join(file.relative_to(ROOT / "sim").with_suffix("").parts)
        found += refusals(file.read_text(encoding="utf-8"), name)
    without = {name for name, names_it in found if not names_it}
    assert without - allowed == set(), "these refusals say nothing that would have been accepted"
    assert allowed - without == set(), "these need no exception any more"
    exercised("refusals", len(found), 190)
    exercised("that name the nearest", sum(names_it for _, names_it in found), 145)


def test_a_refusal_without_the_nearest_is_noticed() -> None:
    text = "def f():\n    raise UserError('no', nearest='a')\ndef g():\n    raise UserError('no')\n"
    assert list(refusals(text, "m")) == [("m.f", True), ("m.g", False)]


def test_the_folder_nearby_is_named(tmp_path: Path, exercised: Exercised) -> None:
    from sim.study.compare import load_comparison
    from sim.study.opening import load_validation
    from sim.study.reading import load_sweep
    from sim.study.result import load, write_manifest

    readers = {
        "config_id": load, "comparison_id": load_comparison, "study": load_sweep, "trials": load_validation,
    }  # fmt: skip
    for key in readers:
        for number in "12":
            (tmp_path / f"{key}-{number}").mkdir()
            write_manifest(tmp_path / f"{key}-{number}", {key: {}})
    for key, read in readers.items():
        with pytest.raises(UserError) as refused:
            read(tmp_path / f"{key}-22")
        assert (refused.value.path, refused.value.nearest) == (
            str(tmp_path / f"{key}-22"), str(tmp_path / f"{key}-2"),
        )  # fmt: skip
        with pytest.raises(UserError) as refused:
            read(tmp_path / "empty" / key)
        assert refused.value.nearest == ""
    exercised("readers", len(readers), 4)
