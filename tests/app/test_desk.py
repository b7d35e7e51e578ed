"""Requests are queued, played, cancelled and kept; what is shown is what their files hold."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import select
import subprocess
import threading
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sim.app import player, results
from sim.app import state as states
from sim.app.desk import FINISHED, STOPPED, Desk, Job
from sim.app.results import Images, digits, read, signed
from sim.app.state import State
from sim.cli import main
from sim.composition import config_id
from sim.errors import UserError
from sim.figures import comparison as of_comparison
from sim.figures import market, style
from tests.app.conftest import PATIENCE_SECONDS, TINY, played
from tests.conftest import Exercised

LONG = TINY.replaced(workers=20_000, days=365, warmup=100, seeds=2)


def processes_below(pid: int) -> set[int]:
    """Return the living processes that descend from one."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        rest = text.rpartition(")")[2].split()
        if rest[0] != "Z":
            parents[int(stat.parent.name)] = int(rest[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def wait_until_gone(pids: set[int]) -> None:
    """Wait for processes to end; a test that waits in vain is ended by the wait's own limit."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(handle) as file:
            assert select.select([file], [], [], PATIENCE_SECONDS)[0], f"process {pid} lives on"


def wait_for_day(desk: Desk, job: Job) -> None:
    """Wait until a day of a request is over."""
    while job.days == 0 and not desk.wait(job, 0.05):
        pass


# ---------------------------------------------------------------- numbers


def rounded(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("+", ""))


def check_numbers(desk: Desk, state: State) -> int:
    """Compare what the page shows of a state with the files; return how many numbers were compared."""
    job = played(desk, state)
    found = read(job)
    assert job.paths is not None
    file = pq.read_table(Path(job.paths[player.COMPARISON]) / "comparison.parquet").to_pandas()
    file = file[file["group"] == "world"].set_index("metric")
    shown = results.world_table(found)
    money = pd.read_csv(Path(job.paths[player.COMPARISON]) / "incidence.csv")
    exact_money = money[(money["table"] == "cash") & (money["group"] == "world")].set_index("line")
    compared = 0
    for row in shown.itertuples():
        for column in ("baseline", "value", "difference", "low", "high"):
            value, exact = getattr(row, column), file.loc[row.metric, column]
            assert value == exact or (value != value and exact != exact)
            if value == value and value:
                spelt = digits(value) if column in ("baseline", "value") else signed(value)
                quantum = Decimal(1).scaleb(Decimal(repr(float(value))).adjusted() - 3)
                assert rounded(spelt) == Decimal(float(value)).quantize(quantum, ROUND_HALF_EVEN), spelt
            compared += 1
    for row in results.money_table(found).itertuples():
        line = exact_money.loc[row.line]
        for column in ("baseline", "value", "difference", "low", "high"):
            assert getattr(row, column) == line[column]
            compared += 1
    for name, config in states.configs(state).items():
        run, manifest = found.runs[name], found.compared.manifest
        assert run.manifest["config_id"] == manifest["scenarios"][name] == config_id(config)
        summary = json.loads((run.path / "summary.json").read_text())
        pairs = found.compared.runs
        here = pairs[(pairs["seed"] == state.seed) & (pairs["group"] == "world")].set_index("metric")
        column = "baseline" if name == found.baseline else "value"
        for metric in ("net_pay", "tasks_done", "fees"):
            assert here.loc[metric, column] == summary[metric]["value"]
            compared += 1
    return compared


def other_states(count: int) -> list[State]:
    """Return different requests of small size; every fourth is long enough for a month to end within it."""
    luck = random.Random(7)
    taxes = ["usage_tax", "turnover_tax", "profit_tax", states.INCOME]
    found: list[State] = []
    while len(found) < count:
        days, warmup = (TINY.days, TINY.warmup) if len(found) % 4 == 2 else (3, 1)
        state = TINY.replaced(
            policies=tuple(luck.sample(taxes, luck.randrange(4))),
            seed=len(found) + 1,
            days=days,
            warmup=warmup,
            workers=luck.choice([200, 300]),
            fee=luck.choice([0.2, 0.35]),
            usage_tax=luck.choice([0.25, 0.5, 1.0]),
            income=luck.choice([0.0, 10.0]),
        )
        with contextlib.suppress(UserError):  # an income that no tax and nobody outside pays for
            states.configs(state)
            found.append(state)
    return found


def test_numbers_are_those_of_the_files(desk: Desk, exercised: Exercised) -> None:
    compared = sum(check_numbers(desk, state) for state in other_states(3))
    exercised("scenarios", 3, at_least=3, nightly=50)
    exercised("numbers compared", compared, at_least=200)


@pytest.mark.nightly
def test_numbers_of_many_scenarios_are_those_of_the_files(desk: Desk, exercised: Exercised) -> None:
    compared = sum(check_numbers(desk, state) for state in other_states(50))
    exercised("numbers compared", compared, at_least=4000)


@pytest.mark.parametrize(
    ("value", "text", "sign"),
    [
        (0.0, "0", "0"),
        (1.23456, "1.235", "+1.235"),
        (-946.94, "-946.9", "-946.9"),
        (1234567.0, "1,235,000", "+1,235,000"),
        (9.99996, "10.00", "+10.00"),
        (0.00012345, "0.0001234", "+0.0001234"),
        (1.5e-9, "1.500e-09", "+1.500e-09"),
        (float("nan"), "–", "–"),
    ],
)
def test_numbers_are_spelt(value: float, text: str, sign: str) -> None:
    assert (digits(value), signed(value)) == (text, sign)


def test_a_null_reform_differs_in_nothing(desk: Desk) -> None:
    found = read(played(desk, TINY.replaced(policies=())))
    assert found.compared.unchanged == [found.scenario]
    assert results.UNCHANGED in results.remarks(found)
    assert set(map(signed, results.world_table(found)["difference"])) == {"0"}


def test_figures_are_those_of_the_commands(desk: Desk, tmp_path: Path, exercised: Exercised) -> None:
    """The page's images are the bytes that the commands write for the same folders."""
    found, images = read(played(desk, TINY)), Images()
    of_comparison.draw_comparison(found.compared, tmp_path)
    written = {"comparison-forest": "forest", "comparison-winners": "winners"}
    for name, run in zip(("baseline-clock", "scenario-clock"), found.runs.values(), strict=True):
        market.save_all(run, tmp_path / name)
        written[name] = f"{name}/clock"
    compared = 0
    for name, file in written.items():
        for ending in results.FORMATS:
            content = images.of(found.key, name, ending, lambda name=name: results.figure(found, name))
            assert content == (tmp_path / f"{file}.{ending}").read_bytes()
            compared += 1
    exercised("images compared", compared, at_least=8)


def test_every_figure_of_the_gallery_is_there(desk: Desk, exercised: Exercised) -> None:
    found = read(played(desk, TINY))
    there = results.names(found)
    assert set(there) <= set(results.known_names())
    assert {name.partition("-")[2] for name in there if name.startswith("comparison-")} >= {
        "forest", "clock", "hours", "transfers", "fan", "money", "money-baseline"
    }  # fmt: skip
    for name in there:
        assert results.about(name)
        assert results.figure(found, name).texts, name
    exercised("figures", len(there), at_least=25)


def test_what_is_there_is_told_while_seeds_are_played(desk: Desk, exercised: Exercised) -> None:
    """First the runs of the first seed, then a comparison of two seeds, then of more: each as its files."""
    state, told = TINY.replaced(seeds=4, days=3, seed=50), []
    folder, crew = desk.folder / "told", player.LastingCrew(1, lambda *words: None)
    folder.mkdir()

    def say(word: str, *rest: object) -> None:
        if word == player.SO_FAR:
            told.append(Job("x", state, folder, so_far=rest[0]))  # type: ignore[arg-type]

    paths = player.play(state, folder, crew, say)
    whole = read(Job("x", state, folder, paths=paths))
    seen = [read(job) for job in told]
    assert [one.seeds for one in seen] == [0, 2, 3] and whole.seeds == 4
    assert len({one.key for one in (*seen, whole)}) == 4, "none is shown for another"
    with pytest.raises(UserError, match="no comparison yet"):
        results.world_table(seen[0])
    assert all(name.partition("-")[0] != "comparison" for name in results.names(seen[0]))
    for one in seen[1:]:
        pairs = whole.compared.runs
        kept = pairs[pairs["seed"] < state.seed + one.seeds].reset_index(drop=True)
        pd.testing.assert_frame_equal(one.compared.runs, kept)
        assert one.compared.table["seeds"].max() == one.seeds
    exercised("looks", len(seen), at_least=3)


def test_the_time_left_is_told() -> None:
    job = Job("x", TINY, Path("nowhere"))
    assert job.seconds_left(9.0) is None
    job.enter(player.COMPILING, 0.0)
    job.days = 20
    job.enter(player.PLAYING, 100.0)
    assert job.seconds_left(104.0) is None, "nothing was played at this pace"
    job.days = 40
    assert job.all_days == 6 * 32
    assert job.seconds_left(110.0) == 10.0 * (192 - 40) / 20
    job.days = 200
    assert job.seconds_left(120.0) == 0.0


def test_a_kept_figure_is_never_shown_for_another_request(desk: Desk, exercised: Exercised) -> None:
    images, seen = Images(), {}
    for state in (TINY, TINY.replaced(fee=0.35), TINY.replaced(policies=())):
        found = read(played(desk, state))
        for again in range(2):
            draw = functools.partial(results.figure, found, "comparison-money")
            seen[found.key, again] = images.of(found.key, "comparison-money", "svg", draw)
        assert seen[found.key, 0] == seen[found.key, 1]
    assert len(set(seen.values())) == 3
    assert len(images.drawn) == 3
    exercised("requests told apart", 3, at_least=3)


def test_images_in_memory_are_few() -> None:
    images = Images(most=2)
    for number in range(5):
        images.of(str(number), "x", "png", lambda: style.empty_figure("nothing", ""))
    assert [key for key, _, _ in images.drawn] == ["3", "4"]


def test_downloads_are_the_files(desk: Desk, tmp_path: Path) -> None:
    found = read(played(desk, TINY))
    for name in results.TABLES:
        for ending in ("csv", "parquet"):
            assert (
                results.table_file(found, name, ending)
                == (found.compared.path / f"{name}.{ending}").read_bytes()
            )
    table = found.runs[found.baseline].clock
    csv = results.run_csv(found, found.baseline, "clock", tmp_path)
    (tmp_path / "again.csv").write_bytes(csv)
    assert len(pd.read_csv(tmp_path / "again.csv")) == len(table)
    assert results.run_file(found, found.baseline, "clock")[:4] == b"PAR1"


def test_the_command_gives_the_numbers_of_the_page(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """What the page says to paste into a shell writes the same tables, byte for byte.

    A shell takes the commands apart; they are carried out here, without the seconds of their starts.
    """
    state = TINY.replaced(fee=0.35)
    found = read(played(desk, state))
    script = tmp_path / "again.sh"
    script.write_text("clickmarket() { printf '%s\\0' \"$@\" '' >> words; }\n" + states.commands(state))
    subprocess.run(["sh", "-e", str(script)], cwd=tmp_path, check=True, timeout=PATIENCE_SECONDS)
    monkeypatch.chdir(tmp_path)
    for words in Path("words").read_text().removesuffix("\0\0").split("\0\0"):
        assert main([*words.split("\0"), "results.dir=out", *["jobs=1"] * words.startswith("compare")]) == 0
    folders = sorted((tmp_path / "out").iterdir())
    (comparison,) = [folder for folder in folders if "compare" in folder.name]
    for name in ("comparison", "incidence", "countries", "flows"):
        assert (comparison / f"{name}.csv").read_bytes() == results.table_file(found, name, "csv")
    runs = {json.loads((one / "manifest.json").read_text())["config_id"]: one
            for one in folders if one != comparison}  # fmt: skip
    assert len(runs) == 2
    for run in found.runs.values():
        again = runs[run.manifest["config_id"]]
        for name in ("clock", "series", "workers", "flows"):
            assert (again / f"{name}.parquet").read_bytes() == (run.path / f"{name}.parquet").read_bytes()
    exercised("runs played again by their command", len(runs), at_least=2)


# ---------------------------------------------------------------- the queue


def test_cancelling_stops_what_is_played(desk: Desk) -> None:
    job = desk.ask("a", LONG)
    wait_for_day(desk, job)
    assert desk.player is not None
    playing = processes_below(os.getpid())
    playing = {pid for pid in playing if pid in processes_below(desk.player.process.pid)}
    assert playing, "its own processes play"
    desk.cancel("a")
    assert desk.wait(job, PATIENCE_SECONDS)
    assert job.status == STOPPED
    wait_until_gone(playing)
    assert desk.found(LONG) is None
    assert not job.folder.exists() or desk.running is not None
    assert played(desk, TINY.replaced(seed=99)).status == FINISHED, "and the next one is played"


def test_who_asks_the_same_shares_a_run(desk: Desk) -> None:
    one, other = desk.ask("a", LONG), desk.ask("b", LONG)
    assert one is other
    desk.cancel("a")
    assert one.status != STOPPED, "b waits for it still"
    desk.cancel("b")
    assert desk.wait(one, PATIENCE_SECONDS)
    assert one.status == STOPPED


def test_one_session_cannot_stop_anothers(desk: Desk) -> None:
    job = desk.ask("a", LONG)
    desk.cancel("b")
    desk.ask("b", LONG.replaced(seed=2))
    desk.cancel("b")
    assert job.status != STOPPED
    desk.cancel("a")
    assert desk.wait(job, PATIENCE_SECONDS)


def test_few_wait() -> None:
    """The queue is bounded, a session has one request in it, and nothing is left when the desk closes."""
    desk = Desk(most_waiting=2)
    try:
        first = desk.ask("0", LONG)
        with desk.changed:
            assert desk.changed.wait_for(lambda: desk.player is not None, PATIENCE_SECONDS)
        waiting = [desk.ask(str(number), LONG.replaced(seed=number)) for number in (2, 3)]
        assert [desk.position(job) for job in waiting] == [1, 2]
        with pytest.raises(UserError, match="Too many requests"):
            desk.ask("9", LONG.replaced(seed=9))
        desk.ask("3", LONG.replaced(seed=4))
        assert waiting[1].status == STOPPED, "in its place the session waits for another one"
        assert desk.player is not None
        left = processes_below(os.getpid())
    finally:
        desk.close()
    assert first.status == STOPPED
    assert not desk.folder.exists()
    assert desk.player.process.returncode is not None
    assert not left & processes_below(os.getpid()) & {desk.player.process.pid}


@pytest.mark.nightly
def test_a_process_that_dies_is_told_of(desk: Desk) -> None:
    job = desk.ask("a", LONG)
    wait_for_day(desk, job)
    assert desk.player is not None
    desk.player.process.kill()
    assert desk.wait(job, PATIENCE_SECONDS)
    assert job.error is not None
    assert "has died" in str(job.error)
    assert played(desk, TINY.replaced(seed=98)).status == FINISHED


@pytest.mark.nightly
def test_twenty_sessions_each_see_their_own(exercised: Exercised) -> None:
    """W13: sessions change parameters at once; each sees the result of what it asked last."""
    desk, seen = Desk(most_waiting=20), {}

    def session(number: int) -> None:
        luck = random.Random(number)
        for _ in range(3):
            state = TINY.replaced(seed=1 + number, days=3, fee=luck.choice([0.2, 0.3, 0.4]))
            desk.ask(str(number), state)
        job = played(desk, state, str(number))
        found = read(job)
        assert found.compared.manifest["seeds"][0] == 1 + number
        ids = [config_id(config) for config in states.configs(state).values()]
        assert list(found.compared.manifest["scenarios"].values()) == ids
        seen[number] = found.key

    threads = [threading.Thread(target=session, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.close()
    assert len(set(seen.values())) == 20
    exercised("sessions that saw their own", len(seen), at_least=20)
