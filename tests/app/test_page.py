"""The page without a browser: widgets, links, requests, and a sweep, as Streamlit's own tests run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.app import results, shared, sweeps
from sim.app import state as states
from sim.app.desk import Desk
from sim.app.serve import PAGE
from sim.app.state import State
from sim.cli import main
from sim.composition import config_id
from sim.study.analysis import mean_and_interval
from sim.study.points import Composer, read_study
from tests.app.conftest import PATIENCE_SECONDS, TINY, played
from tests.conftest import Exercised

INCOME = "[usage_tax,universal_income]"
AXES = {"platforms.microwork.requester_fee": [0.1, 0.2, 0.4], "policy": ["none", INCOME]}
STUDY = [
    "platforms.microwork.requester_fee=0.1,0.2,0.4", f"policy=none,{INCOME}", "seeds=2",
    "world=north_south", "workers.count=60", "requesters.count=8", "time.days=2", "time.warmup_days=0",
]  # fmt: skip


@pytest.fixture
def page(desk: Desk) -> Iterator[Any]:
    """Return a function that opens the page with a query, as one session."""
    from streamlit.testing.v1 import AppTest

    common = shared.open_with(desk, "http://127.0.0.1:8501")

    def opened(query: dict[str, str], sweep: str = "") -> Any:
        common.sweep_folder, common.sweep = sweep, None
        test = AppTest.from_file(str(PAGE), default_timeout=PATIENCE_SECONDS)
        for name, value in query.items():
            test.query_params[name] = value
        return sound(test.run())

    yield opened
    shared._OPEN.clear()


def sound(test: Any) -> Any:
    assert not test.exception, test.exception
    return test


def texts(test: Any) -> list[str]:
    return [one.value for one in test.code]


def test_a_link_sets_every_widget(page: Any) -> None:
    state = State(world="six_regions", policies=("turnover_tax",), pay=4.25, fee=0.35, turnover_tax=0.1,
                  workers=3000, days=60, warmup=10, seeds=5, seed=17)  # fmt: skip
    test = page(states.to_query(state))
    assert test.selectbox(key="world").value == "six_regions"
    assert test.multiselect(key="policies").value == ["turnover_tax"]
    assert [test.slider(key=name).value for name in ("pay", "fee", "turnover_tax", "days")] == [
        4.25,
        0.35,
        0.1,
        60,
    ]
    assert test.number_input(key="seed").value == 17
    assert test.slider(key="usage_tax").disabled
    assert not test.slider(key="turnover_tax").disabled
    assert states.commands(state).strip() in texts(test)
    assert states.link("http://127.0.0.1:8501", states.to_query(state)) in texts(test)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"world": "mars"}, "is none of the worlds"),
        ({"pay": "1e9"}, "is not a number"),
        ({"workers": "50000", "days": "365", "seeds": "20"}, "more than the page plays"),
        ({"show": "../../etc"}, "is no section"),
        ({"show": "more", "figure": "../x"}, "is no figure of the page"),
        ({"_target_": "os.system"}, "is nothing that a link can hold"),
        ({"fee": "<img src=x onerror=alert(1)>"}, "is not a number"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(page: Any, query: dict[str, str], told: str) -> None:
    test = page(query)
    assert told in texts(test)[0]
    assert test.multiselect(key="policies").value == list(State().policies), "and the usual is shown"


def test_a_run_is_shown_and_only_for_its_own_settings(page: Any, desk: Desk, exercised: Exercised) -> None:
    test = page(states.to_query(TINY))
    assert "Press **Run**" in test.info[0].value
    sound(test.button(key="run").click().run())
    job = test.session_state.job
    assert desk.wait(job, PATIENCE_SECONDS)
    sound(test.run())
    found = results.read(desk.found(TINY))
    table = test.table[0].value
    shown = results.world_table(found)
    for column, source, spell in (("Difference", "difference", results.signed),
                                  (found.baseline, "baseline", results.digits),
                                  (found.scenario, "value", results.digits)):  # fmt: skip
        assert list(table[column]) == [spell(value) for value in shown[source]]
    assert [one.value for one in test.metric] == [
        results.headline(found, name)[1] for name in results.HEADLINES
    ]
    moved = sound(test.slider(key="fee").set_value(0.4).run())
    assert not moved.metric, "numbers of other settings are not shown"
    assert not moved.table
    back = sound(test.slider(key="fee").set_value(0.2).run())
    assert list(back.table[0].value["Difference"]) == list(table["Difference"])
    exercised("numbers on the page", table.size, at_least=80)


def test_sections_show_their_figures_and_files(page: Any, desk: Desk) -> None:
    played(desk, TINY)
    test = page({**states.to_query(TINY), "show": "clock"})
    assert [one.label for one in test.get("download_button")] == [
        "comparison-clock.svg", "comparison-clock.png", "baseline-clock.svg", "baseline-clock.png",
        "scenario-clock.svg", "scenario-clock.png", "baseline-week.svg", "baseline-week.png",
        "scenario-week.svg", "scenario-week.png", "clock.csv", "clock.parquet", "weekdays_baseline.csv",
        "weekdays_baseline.parquet", "weekdays_scenario.csv", "weekdays_scenario.parquet",
    ]  # fmt: skip
    assert test.query_params["show"] in ("clock", ["clock"])


def test_figures_of_money_stand_under_whose_money_it_is(page: Any, desk: Desk) -> None:
    """Both show levels, so neither is headed as a difference."""
    played(desk, TINY)
    test = page({**states.to_query(TINY), "show": "money"})
    headings = [one.value for one in test.markdown]
    assert [one for one in headings if one.startswith(("**Baseline", "**Scenario"))] == [
        "**Baseline: none, mean of all seeds**",
        "**Scenario: usage_tax+universal_income, mean of all seeds**",
    ]
    assert not [one for one in headings if "against" in one]
    assert results.about(results.MONEY_AFTER) == "Scenario, all seeds: the way of the money"


def test_a_link_holds_the_figure_that_was_chosen(page: Any, desk: Desk) -> None:
    played(desk, TINY)
    test = page({**states.to_query(TINY), "show": "more", "figure": "scenario-deciles"})
    assert [one.label for one in test.get("download_button")] == [
        "scenario-deciles.svg",
        "scenario-deciles.png",
    ]
    sound(test.selectbox(key="figure").set_value("comparison-hours").run())
    assert test.query_params["figure"] in ("comparison-hours", ["comparison-hours"])
    assert "figure=comparison-hours" in texts(test)[-1]


def test_sessions_do_not_see_each_other(page: Any, desk: Desk) -> None:
    """Two open pages: what one chooses, plays and cancels does not show in the other."""
    one = page(states.to_query(TINY))
    other = page(states.to_query(TINY.replaced(fee=0.4, workers=20_000, days=300)))
    sound(other.button(key="run").click().run())
    sound(one.run())
    assert one.session_state.job is None
    assert one.slider(key="fee").value == 0.2
    assert one.session_state.session != other.session_state.session
    sound(other.button(key="cancel").click().run())
    assert desk.wait(other.session_state.job, PATIENCE_SECONDS)
    assert other.session_state.job.status == "stopped"


# ---------------------------------------------------------------- sweeps


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sweep")
    assert main(["sweep", *STUDY, f"results.dir={folder}", "engine=serial"]) == 0
    (found,) = [path for path in folder.iterdir() if path.is_dir()]
    return str(found)


def test_a_sweep_is_moved_through(page: Any, swept: str, exercised: Exercised) -> None:
    sweep = sweeps.open_sweep(swept)
    assert sweeps.choices(sweep) == AXES
    compared = 0
    for point in sweeps.points(sweep).index:
        test = page({"show": "sweep", "point": str(point), "outcome": "tasks_done"}, swept)
        table = test.table[0].value.set_index("Outcome")
        experiments, outcomes = sweep
        for name in ("tasks_done", "net_pay"):
            here = outcomes[name][experiments["point"] == point].to_numpy()
            label = f"{name} ({sweep.manifest['units'][name]})"
            for column, value in zip(("mean", "low", "high"), mean_and_interval(here), strict=True):
                assert table.loc[label, column] == results.digits(value)
                compared += 1
        assert sweeps.command(sweep, int(point)).strip() in texts(test)
    exercised("numbers of points", compared, at_least=36)


def test_sliders_find_the_point(page: Any, swept: str) -> None:
    sweep = sweeps.open_sweep(swept)
    test = page({"show": "sweep"}, swept)
    fee, policy = test.get("select_slider")
    fee.set_value(0.4)
    policy.set_value(INCOME)
    sound(test.run())
    chosen = sweeps.point_at(sweep, {"platforms.microwork.requester_fee": 0.4,
                                     "policy": INCOME})  # fmt: skip
    assert f"point {chosen}" in test.metric[0].label


@pytest.mark.parametrize("query", [{"point": "99"}, {"point": "../1"}, {"outcome": "_x"}, {"along": "x"},
                                   {"figure": "forest"}, {"folder": "/etc"}])  # fmt: skip
def test_a_bad_link_to_a_sweep_is_told(page: Any, swept: str, query: dict[str, str]) -> None:
    test = page({"show": "sweep", **query}, swept)
    assert next(iter(query)) in texts(test)[0]
    assert test.metric, "and its first point is shown"


def test_the_commands_play_the_sweep_and_the_point(swept: str) -> None:
    """The words come to the same study, and to the configuration of the point's first run."""
    import shlex

    from sim.composition import compose

    sweep = sweeps.open_sweep(swept)
    for point in sweeps.points(sweep).index:
        of_sweep, of_run = (shlex.split(line)[2:] for line in sweeps.command(sweep, int(point)).splitlines())
        assert read_study(of_sweep).to_plain() | {"settings": ()} == Composer(
            read_study(STUDY)
        ).study.to_plain() | {"settings": ()}
        ours = compose([word for word in of_run if not word.startswith("results.")])
        theirs = Composer(read_study(STUDY)).config_of_point(int(point))
        assert config_id(ours) == config_id(theirs)


def test_what_is_no_sweep_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "is not the folder of a sweep" in told and "  nearest  clickmarket explore" in told


WORDS = ["port=80", "port=x", "port=-1", "port=99999", "--port=1", "engine=dask", "port="]


@pytest.mark.parametrize("word", WORDS)
def test_other_words_are_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", word]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) <= 5 and told[0].startswith(f"clickmarket: {word.partition('=')[0]} is ")


def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["explore"]) == 2
    assert "pip install 'clickmarket[app]'" in capsys.readouterr().err


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["explore", f"port={taken.getsockname()[1]}"]) == 2
    assert "cannot be listened on" in capsys.readouterr().err
