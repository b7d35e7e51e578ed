"""Pages about results: every number is the file's, no text can run, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import copy
import csv
import importlib.util
import io
import json
import math
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from sim.cli import HELP_COLUMNS, HELP_LINES, main
from sim.composition import compose, config_id, from_yaml
from sim.figures import gallery
from sim.outcomes.indicators import by_country
from sim.report import common, comparison, content, settings, standing, sweep
from sim.report.content import clean, number, say, span
from sim.report.page import page_of, render
from sim.report.settings import changed, compare_words, shortened, words_of
from sim.study import told
from sim.study.points import Study, read_study
from sim.study.result import load, write_manifest
from sim.study.scenarios import compose_scenarios
from tests.conftest import Exercised
from tests.figures import finished
from tests.study.test_compare import Terminal

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<img src=x onerror=document.title='run'>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
A4_PIXELS = 680
"""Width between the margins of the page's style, 180 mm."""

CANARIES = (
    EVIL,
    "<script>document.title='run'</script>",
    "=1+1",
    "@SUM(A1)",
    "a\tb",
    "a\rb",
    '"><b>x',
    "\u202eabc",
)
ALLOWED_TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "section",
    "h1",
    "h2",
    "h3",
}
ALLOWED_TAGS |= {
    "p",
    "ul",
    "li",
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "data",
    "pre",
}
ALLOWED_TAGS |= {"figure", "img", "figcaption"}
VOID = {"meta", "img"}
SUFFIXES = {"": 1.0, "h": 1.0, "%": 0.01, "pp": 0.01, "percentage points": 0.01}
SUFFIXES |= {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}
SUFFIXES |= {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


class Parsed(HTMLParser):
    """A page taken apart: tags in pairs, attributes, texts, and numbers with what is shown of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.numbers: list[tuple[float, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "data":
            self.numbers.append((float(dict(attrs)["value"] or ""), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "data":
            value, text = self.numbers[-1]
            self.numbers[-1] = value, text + data
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def check_number(value: float, shown: str) -> None:
    """What is shown is the value, rounded to the last figure that is shown."""
    if shown == "exactly 0":
        assert value == 0
        return
    found = re.fullmatch(r"([+-]?[\d,]*\.?\d*(?:e[+-]\d+)?)\s*(.*)", shown)
    assert found, shown
    text, scale = found[1].replace(",", ""), SUFFIXES[found[2]]
    digits, _, exponent = text.partition("e")
    step = 10.0 ** (-len(digits.partition(".")[2]) + int(exponent or 0))
    assert abs(float(text) * scale - value) <= 0.5001 * step * scale + 1e-12 * abs(value), (value, shown)


def check_page(text: str) -> Parsed:
    """A page holds nothing that runs or loads, and each number is what is shown of it."""
    page = Parsed(text)
    assert page.tags <= ALLOWED_TAGS, page.tags - ALLOWED_TAGS
    for tag, name, value in page.attributes:
        assert not name.startswith("on") and name not in ("style", "href", "srcset", "action"), (tag, name)
        if name == "src":
            assert re.match(r"data:image/(svg\+xml|png);base64,[A-Za-z0-9+/=]+$", value), value[:80]
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy and "http" not in policy
    assert not re.search(r"url\(|@import|expression\(", text.partition("</style>")[0])
    for value, shown in page.numbers:
        check_number(value, shown)
    return page


def values_in(*sources: Any) -> set[float]:
    """Return all numbers in tables and plain data, however deep."""
    found: set[float] = set()
    for source in sources:
        if isinstance(source, pd.DataFrame):
            for column in source.select_dtypes("number"):
                found |= set(map(float, source[column].dropna()))
        elif isinstance(source, dict):
            found |= values_in(*source.values())
        elif isinstance(source, (list, tuple)):
            found |= values_in(*source)
        elif isinstance(source, (int, float)):
            found.add(float(source))
    return found


# ---------------------------------------------------------------- numbers


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return finished.run(tmp_path_factory.mktemp("page") / "run")


def test_numbers_of_a_run_are_those_of_its_files(run: Any, exercised: Exercised) -> None:
    page = check_page(render(page_of(run)))
    config = from_yaml(run.path / "config.yaml")
    every, assumed = settings.assumed_everywhere()
    known = values_in(run.summary, by_country(run, run.world), [every, assumed, run.scale])
    known |= values_in([len(run.workers), len(run.requesters), config.time.days, config.time.warmup_days])
    assert {value for value, _ in page.numbers} - known == set()
    shown = {value for value, _ in page.numbers}
    of_summary = {float(one["value"]) for one in run.summary.values() if one["value"] is not None}
    assert of_summary - shown == set(), "every indicator is on the page"
    exercised("numbers", len(page.numbers), at_least=150)


@pytest.mark.usefixtures("no_pictures")
def test_numbers_of_a_comparison_are_those_of_its_files(tmp_path: Path, exercised: Exercised) -> None:
    found = finished.comparison(tmp_path / "c", "usage_tax+universal_income", "profit_tax")
    page = check_page(render(page_of(found)))
    known = values_in(found.table, found.incidence, dict(found.manifest), list(settings.assumed_everywhere()))
    assert {value for value, _ in page.numbers} - known == set()
    world = found.table[found.table["group"] == "world"]
    for column in ("baseline", "value", "difference", "low", "high"):
        assert set(world[column]) <= {value for value, _ in page.numbers}
    text = " ".join("".join(page.texts).split())
    assert "changes by" in text and (": it falls." in text or ": it rises." in text)
    assert "95 % interval" in text and "percentage points" in text
    manifest = found.manifest
    first = pd.Timestamp(manifest["start"]) + pd.Timedelta(days=manifest["warmup_days"])
    assert manifest["warmup_days"] > 0
    assert f" days from {first.date()} after {manifest['warmup_days']} of warm-up" in text
    exercised("numbers", len(page.numbers), at_least=150)


@pytest.mark.usefixtures("no_pictures")
def test_numbers_of_a_sweep_are_those_of_its_files(tmp_path: Path, exercised: Exercised) -> None:
    words = ["market.noise_sigma=0,0.5,1,1.5", "ai.rebound=0.4,1", "seeds=3"]
    found = finished.sweep(tmp_path / "s", words, lambda a, b: a * (2 - a) + b)
    page = check_page(render(page_of(found)))
    _, means = found.means()
    shown = {value for value, _ in page.numbers}
    for name in ("pay_all_in_median", "unpaid_share"):
        assert set(means[name]) <= shown
    exercised("numbers", len(page.numbers), at_least=50)


def test_what_is_not_touched_is_told_once(tmp_path: Path) -> None:
    """A page names in one sentence what is the same in every seed, and says what a median is."""
    found = finished.comparison(tmp_path / "c", "usage_tax+universal_income")
    table = found.table.copy()
    same = table["metric"].isin(["pay_all_in_median", "tasks_done"])
    table.loc[same, ["difference", "low", "high"]] = 0.0
    changed = replace(found, table=table)
    assert "to the last bit" in " ".join(told.headline(changed, found.scenarios[0]))
    (points,) = [comparison._summary(changed, name) for name in found.scenarios]
    items = ["".join(part if isinstance(part, str) else part.text for part in item) for item in points.items]
    (item,) = [item for item in items if "no seed" in item or "every seed" in item]
    assert item == (
        "Not changed at all, in no seed: hourly pay for all working time (median over workers); the number of"
        f" tasks done; tax revenue. {told.MEDIAN}"
    )


SETTINGS = ["platforms.microwork.requester_fee=0.05,0.2,0.4", "requesters.pay_usd_per_hour=2,4",
            "policy=none,[usage_tax,universal_income]", "workers.count=300,3000"]  # fmt: skip


def page_of_many(folder: Path, settings_varied: int) -> content.Page:
    """Return the page about a sweep with all outcomes that are told, in USD and with long names."""
    words = [*SETTINGS[:settings_varied], "time.days=30", "seeds=2"]
    found = finished.sweep(folder, words, lambda *values: 1.0 + float(values[0]))
    for name in sweep.TOLD:
        found.outcomes[name] = 123456.7 * found.outcomes["y"]
        found.manifest["units"][name] = "USD/year"
    return page_of(found)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("count", range(1, 5))
def test_every_outcome_of_points_stands_in_one_table(count: int, tmp_path: Path) -> None:
    page = page_of_many(tmp_path, count)
    assert "30 days after 30 of warm-up, 2 seeds a point (0 to 1)" in page.subtitle
    assert ("workers varied" in page.subtitle) == (count == 4)
    tables = [one for one in page.tables if one.counted]
    outcomes = [head for one in tables for head in one.heads[one.texts :]]
    assert outcomes == [f"{name.replace('_', ' ')} (USD/year)" for name in sweep.TOLD]
    settings_told = [head for one in tables for head in one.heads[1 : one.texts]]
    names = ["requester_fee", "pay_usd_per_hour", "policy", "workers.count"][:count]
    assert settings_told == names * (settings_told.count("requester_fee"))
    assert [bool(one.note) for one in tables] == [False] * (len(tables) - 1) + [True]
    assert all(len(row) == len(one.heads) for one in tables for row in one.rows)


@pytest.mark.usefixtures("no_pictures")
def test_tables_of_points_fit_screen_and_paper(tmp_path: Path, exercised: Exercised) -> None:
    """Nothing is cut off at 1200 px, nor between the margins of a sheet of A4, and no word is broken."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    looked_at = 0
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for count in range(1, 5):
            file = tmp_path / "page.html"
            file.write_text(render(page_of_many(tmp_path / f"{count}", count)), encoding="utf-8")
            view = browser.new_page()
            view.goto(file.as_uri())
            for media, width in (("screen", 1200), ("print", A4_PIXELS)):
                view.emulate_media(media=media)
                view.set_viewport_size({"width": width, "height": 900})
                for table in view.locator("table.counted").all():
                    room = table.evaluate("one => one.parentElement.clientWidth + 1")
                    assert table.evaluate("one => one.getBoundingClientRect().width") <= room, (media, count)
                    breaks = table.locator("thead th").evaluate_all("all => all.map(MEASURE)".replace(
                        "MEASURE", "one => getComputedStyle(one).overflowWrap"))  # fmt: skip
                    assert set(breaks) == {"normal"}
                    looked_at += 1
        browser.close()
    exercised("tables", looked_at, at_least=10)


@pytest.mark.usefixtures("no_pictures")
def test_numbers_of_a_validation_are_those_of_its_verdicts(tmp_path: Path, exercised: Exercised) -> None:
    found = finished.validation(tmp_path / "v")
    page = check_page(render(page_of(found)))
    assert {value for value, _ in page.numbers} - values_in(
        dict(found.verdicts), dict(found.manifest)
    ) == set()
    exercised("numbers", len(page.numbers), at_least=100)


@pytest.mark.usefixtures("no_pictures")
def test_a_wrong_number_is_noticed(run: Any) -> None:
    text = render(page_of(run))
    value, shown = next(one for one in Parsed(text).numbers if one[1].endswith(" %") and one[0])
    planted = text.replace(f'<data value="{value}">{shown}<', f'<data value="{value}">9{shown}<', 1)
    assert planted != text
    with pytest.raises(AssertionError):
        check_page(planted)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.12345, "share", "12.3 %"), (0.0, "USD", "0"), (1234.5, "", "1,234"), (2.5e6, "USD", "2.50 m"),
        (-0.004567, "", "-0.00457"), (1e-9, "", "1.00e-09"), (99_999.6, "", "100 k"),
        (0.05, content.POINTS, "5.00 pp"),
    ],
)  # fmt: skip
def test_numbers_are_spelled(value: float, unit: str, text: str) -> None:
    found = number(value, unit)
    assert isinstance(found, content.Number) and (found.value, found.text) == (value, text)
    check_number(value, text)


def test_no_number_is_a_dash() -> None:
    assert number(None) == number(math.nan) == content.NO_VALUE
    assert span(1.0, None) == (content.NO_VALUE,)


def test_sentences_keep_braces_of_users() -> None:
    assert say("a {} b", "{}{x}") == ("a ", "{}{x}", " b")
    with pytest.raises(ValueError, match="argument"):
        say("a {} b {}", "one")


# ---------------------------------------------------------------- nothing runs (W8)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without figures, which take most of the time."""
    monkeypatch.setattr(common, "pictures_of", lambda *what: [])


@pytest.mark.usefixtures("no_pictures")
def test_texts_of_users_never_run(run: Any, tmp_path: Path, exercised: Exercised) -> None:
    """Names of scenarios, platforms, plug-ins, settings and texts of errors are only ever text.

    Canaries share pages, for each takes its while; one that were let through would show there as well.
    """
    told = 0
    for place, canary in enumerate((" ".join(CANARIES[::2]), " ".join(CANARIES[1::2]))):
        folder = tmp_path / str(place)
        plugin = {f"{canary}.py": "ab" * 32}
        compared = finished.comparison(folder / "c", canary, plugins=plugin, version=canary,
                                       samples={"caution": canary}, idle={canary: [canary]})  # fmt: skip
        compared = replace(
            compared, incidence=compared.incidence.assign(meaning=canary, line=compared.incidence["line"])
        )
        words = ["market.noise_sigma=0,1", "ai.rebound=0.4,1", "seeds=2"]
        swept = finished.sweep(folder / "s", words, lambda a, b: a + b, plugins=plugin, version=canary)
        swept.experiments.loc[0, ["status", "error"]] = "failed", f"Traceback\n{canary}"
        swept.manifest["definitions"]["pay_all_in_median"] = canary
        swept.manifest["study"]["settings"] = ["world=north_south", f"platforms.x.owner={canary}"]
        checked = finished.validation(folder / "v", plugins=plugin, settings=[canary])
        checked.verdicts["targets"][0]["title"] = canary
        played = copy.copy(run)
        played.manifest = {**run.manifest, "plugins": plugin, "version": canary, "seed": canary}
        played.summary = {name: {**one, "definition": canary} for name, one in run.summary.items()}
        for result in (compared, swept, checked, played):
            page = check_page(render(page_of(result)))
            assert clean(canary) in "".join(page.texts)
            told += 1
    exercised("pages, with every canary in every place", told, at_least=8)


@pytest.mark.usefixtures("no_pictures")
def test_a_template_that_does_not_escape_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sim.report.page as module

    real = module.Environment
    monkeypatch.setattr(module, "Environment", lambda **how: real(**(how | {"autoescape": False})))
    found = finished.comparison(tmp_path / "c", EVIL)
    with pytest.raises(AssertionError):
        check_page(render(page_of(found)))


def test_pictures_hold_names_as_they_stand(tmp_path: Path, exercised: Exercised) -> None:
    """Names with marks of HTML, of formulas and of control are drawn, and are no script of the picture."""
    found = finished.comparison(tmp_path / "c", f"{CANARIES[1]}\t$x^$\\frac")
    pictures = page_of(found).pictures
    exercised("pictures", len(pictures), at_least=8)
    for one in pictures:
        drawn = base64.b64decode(one.source.partition(",")[2])
        assert b"<script" not in drawn and b"onerror" not in drawn


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_runs_nothing_and_shows_all_pictures(tmp_path: Path) -> None:
    found = finished.comparison(tmp_path / "c", EVIL, samples={"caution": CANARIES[1]})
    file = tmp_path / "page.html"
    file.write_text(render(page_of(found)), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"--user-data-dir={tmp_path}/u"]
    command = [str(CHROMIUM), *options, file.as_uri()]
    dom = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    title = re.search("<title>(.*?)</title>", dom)
    assert title is not None and title[1] != "run" and "against none" in title[1]
    assert dom.count("<img ") == len(page_of(found).pictures)


@pytest.mark.parametrize("canary", [*CANARIES[2:6], "a\r=1+1", "\r=1", "\t=1", "-2", "+3"])
def test_analyses_leave_no_formula_in_their_tables(canary: str, tmp_path: Path) -> None:
    from sim.cli_sweep import _keep
    from sim.figures import style

    table = pd.DataFrame({"setting": [canary, "x"], "mean": [-1.5, 2.0]})
    path = _keep(tmp_path, "a", table, style.empty_figure("a", "b"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    expected = f"'{canary}" if canary[0] in "=+-@\t\r" else canary
    assert rows[1][0] == expected.replace("\r", " "), "the end of a row would begin another cell"
    assert len(rows) == 3
    assert rows[1][1] == "-1.5", "numbers stay numbers"


# ---------------------------------------------------------------- what else is on a page


@pytest.mark.usefixtures("no_pictures")
def test_the_command_of_a_run_gives_its_configuration(run: Any) -> None:
    config = from_yaml(run.path / "config.yaml")
    words = words_of(config)
    assert words is not None and config_id(compose(words)) == run.manifest["config_id"]
    (code,) = page_of(run).reproduce
    assert code.text == settings.command("run", *words)


@pytest.mark.parametrize(
    "words",
    [
        ["world=six_regions", "platforms=all_families_of_regions", "ai=growing"],
        ["policy=[usage_tax,union]", "policy.usage_tax.usd_per_user_month=2.5", "seed=9"],
        ["~platforms.microwork_fr", "+platforms.mine.requester_fee=0.1", "calibration=none"],
        ["world=mturk_2015", "workers.count=123", "requesters.count=7"],
    ],
)
def test_commands_give_exactly_the_configuration(words: list[str]) -> None:
    config = compose(words)
    found = words_of(config)
    assert found is not None and config_id(compose(found)) == config_id(config)


def test_the_command_of_a_comparison_gives_its_scenarios() -> None:
    names = ["none", "usage_tax+universal_income", "profit_tax"]
    words = ["world=six_regions", "workers.count=500", "policy.usage_tax.usd_per_user_month=3"]
    configs = compose_scenarios(names, words)
    found = compare_words(names, configs)
    assert found is not None
    again = compose_scenarios(names, found)
    assert {name: config_id(one) for name, one in again.items()} == {
        name: config_id(one) for name, one in configs.items()
    }


@pytest.mark.usefixtures("no_pictures")
def test_results_of_other_versions_have_a_page(run: Any, tmp_path: Path) -> None:
    """A setting that is no more does not keep a page from being written."""
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder)
    with (folder / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("gone:\n  setting: 1\n")
    manifest = {name: one for name, one in run.manifest.items() if name not in ("files", "sha256")}
    write_manifest(folder, manifest)
    page = page_of(load(folder))
    check_page(render(page))
    assert "of another version" in "".join(map(str, page.assumptions[0]))
    assert "gone:" in page.reproduce[-1].text
    found = finished.comparison(tmp_path / "c", "mine")
    for file in (found.path / "configs").iterdir():
        file.write_text("defaults: []\ngone: 1\n", encoding="utf-8")
    text = render(page_of(found))
    check_page(text)
    assert "of another version" in text and "00-none.yaml" in text


@pytest.mark.usefixtures("no_pictures")
def test_a_sweep_without_a_run_that_was_done_has_a_page(tmp_path: Path) -> None:
    found = finished.sweep(tmp_path / "s", ["market.noise_sigma=0,1", "seeds=2"], lambda a: a, runs=400)
    found.experiments["status"] = "failed"
    found.experiments["error"] = "Traceback\nno"
    found.outcomes.loc[:, :] = math.nan
    page = check_page(render(page_of(found)))
    text = "".join(page.texts)
    assert "Runs that failed" in text and "is not finished" in text


@pytest.mark.usefixtures("no_pictures")
def test_scenarios_that_no_words_give_are_told_by_their_files(tmp_path: Path) -> None:
    """Budgets that were matched give one tax two rates, which no single setting can."""
    found = finished.comparison(tmp_path / "c", "mine", "yours")
    (code,) = page_of(found).reproduce
    assert code.text.startswith("clickmarket compare 00-none.yaml 01-mine.yaml 02-yours.yaml seeds=5")


@pytest.mark.parametrize(
    "words",
    [
        ["market.noise_sigma=0,0.5", "policy=none,[usage_tax,union]", "seeds=3", "workers.count=50"],
        ["design=lhs", "points=5", "design_seed=4", "requesters.pay_usd_per_hour=tag(log,interval(1,10))"],
    ],
)
def test_the_command_of_a_sweep_gives_its_study(words: list[str]) -> None:
    study = read_study(words)
    again = read_study(settings.sweep_words(study.to_plain()))
    assert Study.to_plain(again) == Study.to_plain(study)


def test_settings_that_differ_are_told_with_what_is_assumed() -> None:
    found = {one.path: one for one in changed(compose(["workers.count=77", "market.noise_sigma=0.9"]))}
    assert set(found) == {"workers.count", "market.noise_sigma"}
    noise = found["market.noise_sigma"].parameter
    assert noise is not None and noise.assumed
    assert changed(compose()) == []
    whole = shortened(changed(compose(["~platforms.microwork_fr", "policy=union"])))
    told = {one.path: one.value for one in whole}
    assert told["platforms.microwork_fr"] == "not there" and told["policy.union"] == "there"
    assert not any(path.startswith("platforms.microwork_fr.") for path in told)


def test_the_standing_is_that_of_the_document() -> None:
    script = _script()
    document = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert script.standing_of(document) == standing.read()
    assert len(standing.read()["targets"]) == 16
    with pytest.raises(ValueError, match="no line"):
        script.standing_of("nothing")


def test_a_result_of_other_sources_is_told_so() -> None:
    checked = standing.read()
    of_same, _ = standing.told("0.1.0", checked["sources"] + "0" * 52)
    of_other, _ = standing.told("0.0.9", "f" * 64)
    assert not any("no check of this one" in "".join(map(str, one)) for one in of_same)
    assert any("no check of this one" in "".join(map(str, one)) for one in of_other)
    assert checked["score"] in "".join(map(str, of_other[0]))


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts" / "write_validation_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("no_pictures")
def test_provenance_names_every_file(run: Any) -> None:
    text = "".join(Parsed(render(page_of(run))).texts)
    for name, digest in json.loads((run.path / "manifest.json").read_text())["files"].items():
        assert name in text and digest in text
    assert run.manifest["source_hash"] in text


# ---------------------------------------------------------------- the commands


def test_plot_and_report_write_what_they_say(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(run.path.rglob("*"))
    assert main(["plot", str(run.path), "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith("clock ")
    assert main(["plot", str(run.path), "lorenz", "taxes", "format=svg", f"to={tmp_path}/p"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{tmp_path}/p"
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["lorenz.svg", "taxes.svg"]
    assert main(["report", str(run.path), f"to={tmp_path}/r/page.html"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/r/page.html\n"
    check_page((tmp_path / "r" / "page.html").read_text(encoding="utf-8"))
    assert sorted(run.path.rglob("*")) == before


def test_who_watches_a_report_sees_that_it_is_made(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on a terminal, gone in the end; nothing where nobody watches, and nothing among the output."""
    monkeypatch.setattr("sim.report.page.page_of", lambda result, tell: tell(0.25))
    monkeypatch.setattr("sim.report.page.render", lambda page: "<html>")
    for watched in (False, True):
        told = Terminal() if watched else io.StringIO()
        monkeypatch.setattr(sys, "stderr", told)
        monkeypatch.setenv("TERM", "xterm")
        assert main(["report", str(run.path), f"to={tmp_path}/page.html"]) == 0
        assert ("page.html" in told.getvalue()) == watched == (" 25%" in told.getvalue())
        assert capsys.readouterr().out == f"{tmp_path}/page.html\n"


@pytest.mark.parametrize("command", ["plot", "report"])
def test_help_fits_a_screen(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= HELP_LINES and max(map(len, lines)) <= HELP_COLUMNS + 4


def test_the_nearest_of_plot_and_report_can_be_typed_back(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Beside this test's own folder lie those of others, which may hold runs: none lies beside `here`.
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def near(*words: str) -> list[str]:
        assert main(words) == 2
        told = capsys.readouterr().err
        assert re.match(r"clickmarket: [A-Za-z]+ (is|holds) ", told), told
        return shlex.split(told.splitlines()[-1].removeprefix("  nearest  "))

    for words in (["plot"], ["plot", "results"], ["report", str(here)], ["report"]):
        first = near(*words)
        assert first[:2] == ["clickmarket", "run"] and compose(first[2:])
    assert near("report", str(run.path), "to=/proc/x.html") == ["to=x.html"]
    assert near("plot", str(run.path), "clock", "to=/proc/x") == ["to=results"]
    assert near("plot", str(run.path), "clock", "format=gif") == ["format=svg"]
    (here / "results").mkdir()
    (here / "results" / "20991231-000000-damaged").mkdir()
    (here / "results" / "20991231-000000-damaged" / "manifest.json").write_text("{}")
    shutil.copytree(run.path, here / "results" / run.path.name)
    for words in (["plot"], ["plot", "results"], ["report", str(here)], ["plot", "nothing"]):
        assert near(*words)[-1] == f"results/{run.path.name}"
    assert main([*near("plot")[1:], "--list"]) == 0


def test_options_of_other_figures_lead_to_a_figure_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = finished.comparison(tmp_path / "c", "usage_tax")
    monkeypatch.setattr("sim.study.opening.open_result", lambda path: found)
    pictures = gallery.pictures(found)
    for option in ("scenario", "scenaro"):
        assert main(["plot", "RESULT", "forest", f"{option}=usage_tax"]) == 2
        told = capsys.readouterr().err
        near = shlex.split(told.splitlines()[-1].removeprefix("  nearest  "))
        assert near[:3] == ["clickmarket", "plot", "RESULT"] and near[4:] == ["scenario=usage_tax"], told
        assert "scenario" in gallery.options_of(pictures[near[3]]) and "forest" not in told


@pytest.mark.parametrize(
    "words",
    [
        ["plot"],
        ["plot", "nowhere"],
        ["plot", "RUN", "lorentz"],
        ["plot", "RUN", "format=jpg"],
        ["plot", "RUN", "format="],
        ["plot", "RUN", "scenario=x"],
        ["plot", "RUN", "lorenz", "outcome=x"],
        ["plot", "RUN", "--lst"],
        ["plot", "RUN", "to=file/below"],
        ["report"],
        ["report", "nowhere"],
        ["report", "RUN", "to=page.pdf"],
        ["report", "RUN", "to=file/page.html"],
        ["report", "RUN", "RUN"],
        ["report", "RUN", "--open"],
    ],
)
def test_refusals(
    words: list[str],
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    before = sorted(path for place in (tmp_path, run.path) for path in place.rglob("*"))
    assert main([str(run.path) if word == "RUN" else word for word in words]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("clickmarket: ")
    assert "  allowed  " in told.err and "  nearest  " in told.err, told.err
    assert sorted(path for place in (tmp_path, run.path) for path in place.rglob("*")) == before
