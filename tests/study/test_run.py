"""The main job: what a run leaves behind, and that a kill loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.cli import main
from sim.composition import compose, config_id, from_yaml
from sim.config import Results
from sim.errors import UserError
from sim.instruments import Policies, UsageTax
from sim.model import ClickWorkModel
from sim.outcomes.frames import COLUMNS
from sim.plugins import load_plugins
from sim.schedule import MONTH
from sim.study import run as run_module
from sim.study.result import load, read_frame
from sim.study.run import execute
from sim.world.reading import TABLES_FOLDER
from tests.support.markets import fingerprint, run, tiny

SMALL = [
    "world=mturk_2015", "workers.count=300", "requesters.count=20", "time.days=12", "time.warmup_days=9",
    "record.figures=false",
]  # fmt: skip

CAUTIOUS = """
from sim.plugins import acceptance_rule

@acceptance_rule("cautious")
def cautious(log_perceived_pay, log_reservation):
    return log_perceived_pay >= log_reservation + 0.7
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished small run."""
    results = tmp_path_factory.mktemp("results")
    return execute(compose([*SMALL, f"results.dir={results}"]), quiet=True)


IDENTITIES = {"id", "requester", "worker", "collective", "batch"}


def assert_units(frame: pd.DataFrame, name: str) -> None:
    """Every column says its unit; only names, codes, identities, and yes or no have an empty one."""
    units = frame.attrs["units"]
    assert list(units) == list(frame.columns), name
    for column in frame:
        number = pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(
            frame[column]
        )
        if number and column not in IDENTITIES:
            assert units[column], f"{name}.{column} has no unit"


FILLED = {"series", "clock", "weekdays", "workers", "requesters", "batches", "spells", "flows", "users"}
"""Tables that have rows where there is no policy, no social platform and no intelligence."""


def test_folder_is_complete(folder: Path) -> None:
    """Every table is there with its declared columns and units, and some rows but where no policy is."""
    result = load(folder)
    for name, columns in COLUMNS.items():
        frame = getattr(result, name)
        assert list(frame.columns) == list(columns), name
        played = name in FILLED
        assert (len(frame) > 0) == played, name
        assert_units(frame, name)
    assert not list(folder.glob("*.part")) and not list(folder.glob(".*.tmp"))
    assert result.manifest["money_total_microusd"] == 0


def test_tables_agree_with_each_other(folder: Path) -> None:
    """The same sums by different ways: series, workers, batches and the ledger's flows."""
    result = load(folder)
    series, workers, flows = result.series, result.workers, result.flows
    for column in ("paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds", "idle_seconds",
                   "tasks_accepted", "tasks_rejected", "pay_microusd"):  # fmt: skip
        assert series[column].sum() == workers[column].sum(), column
    worked = ["paid_seconds", "search_seconds", "returned_seconds", "rejected_seconds", "idle_seconds"]
    assert series[worked].to_numpy().sum() == series.duty_seconds.sum()
    reward = flows[flows.kind == "reward"].amount_microusd.sum()
    fees = flows[flows.kind == "requester_fee"].amount_microusd.sum()
    assert reward + fees == series.requester_spent_microusd.sum()
    assert fees == series.requester_fee_microusd.sum()
    assert series.requester_done.sum() == series.tasks_accepted.sum() + series.tasks_rejected.sum()
    batches = result.batches
    assert (
        batches.accepted + batches.rejected + batches.expired == batches.tasks * batches.assignments_per_task
    ).all()
    assert len(batches) > 500


def test_flows_cover_the_window_only(folder: Path) -> None:
    """Money that moved in the warm-up is in no table."""
    model = ClickWorkModel(compose(SMALL))
    model.run(model.first_recorded_hour)
    before = int((model.ledger.flows + model.flows_of_open_books()).sum())
    model.run()
    for phase in MONTH[:-1]:  # a run ends with a month's end
        phase(model)
    assert model.clock.month_key(0) == model.clock.month_key(model.hour - 1), "the test needs one month"
    assert load(folder).flows.amount_microusd.sum() == int(model.ledger.flows.sum()) - before


def test_saved_configuration_repeats_the_run(folder: Path) -> None:
    """The resolved configuration gives the same id and the same bits."""
    config = from_yaml(folder / "config.yaml")
    assert config_id(config) == load(folder).manifest["config_id"]
    assert fingerprint(run(config)) == fingerprint(run(compose(SMALL)))


def test_a_run_killed_at_its_very_end_goes_on(folder: Path, tmp_path: Path) -> None:
    """Killed while the figures are drawn, or once the manifest is written: nothing is lost either way."""

    def killed(*arguments: object) -> None:
        raise RuntimeError("killed")

    config = compose([*SMALL, "time.checkpoint_days=10", f"results.dir={tmp_path}", "record.figures=true"])
    with pytest.raises(RuntimeError, match="killed"):
        execute(config, quiet=True, draw=killed)
    (place,) = tmp_path.iterdir()
    assert list(place.glob("batches-*.part")) and not (place / "manifest.json").exists()
    kept = {path.name: path.read_bytes() for path in (*place.glob("*.part"), place / "checkpoint")}
    for _ in range(2):
        assert execute(config, resume=place, quiet=True) == place
        assert not any((place / name).exists() for name in kept)
        for name in COLUMNS:
            assert (place / f"{name}.parquet").read_bytes() == (folder / f"{name}.parquet").read_bytes(), name
        for name, content in kept.items():
            (place / name).write_bytes(content)
        assert len(load(place).batches) > 0


PLAYED = {*COLUMNS} - {"cooperatives", "commons", "unions", "employment", "exits"}
GOVERNED = [
    "policy=[usage_tax,turnover_tax,profit_tax,universal_income]", "policy.universal_income.pool=global",
    "time.start=2019-01-25", "time.days=40", "+platforms.users.family=social",
    "policy.usage_tax.to_users=0.5", "ai=growing",
]  # fmt: skip


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished small run with taxes and an income."""
    results = tmp_path_factory.mktemp("governed")
    return execute(compose([*SMALL, *GOVERNED, f"results.dir={results}"]), quiet=True)


@pytest.mark.parametrize("checkpoints", [1, 4], ids=["in the first month", "after an income"])
def test_a_run_with_a_policy_goes_on_to_the_same_tables(
    governed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoints: int
) -> None:
    """Taxes before the window, taxes so far and incomes received are all in the checkpoint."""
    saved = run_module.save
    counts = iter(range(1, 99))

    def save_and_stop(*arguments: Any) -> None:
        saved(*arguments)
        if next(counts) == checkpoints:
            raise RuntimeError("killed")

    config = compose([*SMALL, *GOVERNED, "time.checkpoint_days=10", f"results.dir={tmp_path}"])
    monkeypatch.setattr(run_module, "save", save_and_stop)
    with pytest.raises(RuntimeError, match="killed"):
        execute(config, quiet=True)
    monkeypatch.setattr(run_module, "save", saved)
    (place,) = tmp_path.iterdir()
    assert execute(config, resume=place, quiet=True) == place
    for name in COLUMNS:
        assert (place / f"{name}.parquet").read_bytes() == (governed / f"{name}.parquet").read_bytes(), name


def test_a_run_with_a_policy_has_its_tables(governed: Path, folder: Path) -> None:
    """What a policy adds to a folder; a run without one has the same files, and has no such indicator."""
    found = load(governed)
    for name, columns in COLUMNS.items():
        frame = getattr(found, name)
        assert list(frame.columns) == list(columns), name
        assert (len(frame) > 0) == (name in PLAYED), name
        assert_units(frame, name)
    assert found.taxes["before_window_microusd"].sum() > 0
    assert found.incomes["to_workers_microusd"].sum() == found.workers["transfers_microusd"].sum() > 0
    policy = {"tax_revenue_per_year", "transfer_per_head_month", "effective_tax_rate"}
    assert all(found.summary[name]["value"] > 0 for name in policy)
    assert all(load(folder).summary[name]["value"] is None for name in policy)


def test_killed_run_resumes_to_the_same_tables(folder: Path, tmp_path: Path) -> None:
    """kill -9 after the first checkpoint; the resumed run writes the same bytes as one left alone."""
    script = """
        import os, signal, sys
        from sim.composition import compose
        from sim.study import run
        saved = run.save
        def save_and_die(*arguments):
            saved(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)
        run.save = save_and_die
        run.execute(compose(sys.argv[1:]), quiet=True)
    """
    words = [*SMALL, "time.checkpoint_days=10", f"results.dir={tmp_path}"]
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *words], cwd=Path.cwd(), env=os.environ, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (place,) = tmp_path.iterdir()
    assert (place / "checkpoint").exists() and not (place / "manifest.json").exists()
    (place / "batches-00099.part").write_bytes(b"written after the checkpoint")
    assert execute(compose(["results.dir=elsewhere"]), resume=place, quiet=True) == place
    for name in COLUMNS:
        file = f"{name}.parquet"
        assert (place / file).read_bytes() == (folder / file).read_bytes(), name


def test_a_run_is_resumed_by_one_process_at_a_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process is refused, and changes nothing; what a killed one had begun to write goes away."""
    saved, told = run_module.save, list[str]()

    def save_and_resume(*arguments: Any) -> None:
        saved(*arguments)
        (place,) = tmp_path.iterdir()
        (place / ".checkpoint.999999.tmp").write_bytes(b"half of a checkpoint")
        before = sorted(place.iterdir())
        with pytest.raises(UserError, match="being played by process") as refusal:
            execute(config, resume=place, quiet=True)
        told.append(str(refusal.value))
        assert sorted(place.iterdir()) == before
        if len(told) == 1:
            raise RuntimeError("killed")

    config = compose([*SMALL, "time.checkpoint_days=7", f"results.dir={tmp_path}"])
    monkeypatch.setattr(run_module, "save", save_and_resume)
    with pytest.raises(RuntimeError, match="killed"):
        execute(config, quiet=True)
    (place,) = tmp_path.iterdir()
    (place / ".checkpoint.111111.tmp").write_bytes(b"half of another")
    execute(config, resume=place, quiet=True)
    assert len(told) == 2
    assert [path.name for path in place.glob(".*")] == [".checkpoint.999999.tmp"], (
        "the planted one, made later"
    )
    for name in COLUMNS:
        assert (place / f"{name}.parquet").read_bytes() == (folder / f"{name}.parquet").read_bytes(), name


def test_a_saved_model_is_no_interrupted_run(tmp_path: Path) -> None:
    """What `ClickWorkModel.save` wrote holds no tables; resuming it would lose what came before."""
    model = ClickWorkModel(compose(SMALL))
    model.run(24)
    model.save(tmp_path / "checkpoint")
    with pytest.raises(UserError, match="nothing that a run has recorded"):
        execute(compose(SMALL), resume=tmp_path, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize(
    ("days", "how", "code"), [(0, signal.SIGINT, 130), (10, signal.SIGINT, 130), (10, signal.SIGTERM, 143)]
)
def test_a_run_that_is_stopped_says_how_to_go_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    days: int,
    how: signal.Signals,
    code: int,
) -> None:
    """Control-C or SIGTERM after a checkpoint, and with none."""

    def stop(model: ClickWorkModel, checkpoint: Callable[[], None], quiet: bool) -> None:
        if days:
            checkpoint()
        signal.raise_signal(how)

    monkeypatch.setattr("sim.study.run.play", stop)
    assert main(["run", *SMALL, f"time.checkpoint_days={days}", f"results.dir={tmp_path}"]) == code
    (place,) = tmp_path.iterdir()
    told = capsys.readouterr()
    assert told.out == ""
    assert (f"resume={place}\n" in told.err) == (days > 0)
    assert str(place) in told.err


def test_plugin_changes_the_outcome(tmp_path: Path) -> None:
    """A rule from a file is used, is named in the manifest, and must be there again on resuming."""
    file = tmp_path / "cautious.py"
    file.write_text(CAUTIOUS)
    config = compose([*SMALL, "market.acceptance=cautious", f"results.dir={tmp_path / 'results'}"])
    with pytest.raises(UserError, match="not the name of a rule"):
        execute(config, quiet=True)
    place = execute(config, plugins=[file], quiet=True)
    manifest = load(place).manifest
    assert list(manifest["plugins"]) == ["cautious.py"]
    rules = load_plugins([file])
    model = ClickWorkModel(config, plugins=rules)
    model.run(24)
    model.save(tmp_path / "checkpoint")
    file.write_text(CAUTIOUS.replace("0.7", "0.2"))
    with pytest.raises(UserError, match="other plug-ins"):
        ClickWorkModel.load(tmp_path / "checkpoint", plugins=load_plugins([file]))


def test_a_wrong_world_leaves_no_folder(tmp_path: Path) -> None:
    """Errors that only the world shows come before anything is written."""
    config = compose(
        [f"results.dir={tmp_path / 'results'}", "platforms=microwork_only", "world.table=nowhere"]
    )
    with pytest.raises(UserError):
        execute(config, quiet=True)
    assert not (tmp_path / "results").exists()


RULES = {
    "raises.py": "raise RuntimeError('x')\n",
    "imports.py": "import nosuchmodule\n",
    "syntax.py": "def f(:\n",
    "nothing.py": "x = 1\n",
    "three.py": CAUTIOUS.replace("log_reservation)", "log_reservation, third)", 1),
    "undefined.py": CAUTIOUS.replace("return ", "return nowhere + "),
    "text.py": CAUTIOUS.replace("return ", "return 'no' if 1 else "),
}
PLUGGED = ["market.acceptance=cautious", "--plugin"]


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["world.table=nowhere.csv"], "world.table"),
        (["world.table=syntax.py"], "syntax.py"),
        (["world.table=one.csv"], "one.csv"),
        (["world.table=letters.csv"], "letters.csv"),
        (["platforms.microwork.owner=XXX"], "platforms.microwork.owner"),
        (["platforms.microwork.worker_countries=[NTH,ZZZ]"], "platforms.microwork.worker_countries"),
        (["platforms.microwork.requester_countries=[ZZZ]"], "platforms.microwork.requester_countries"),
        (["platforms.microwork.excluded_countries=[QQQ]"], "platforms.microwork.excluded_countries"),
        (["platforms.microwork.excluded_countries=[NTH,STH]"], "platforms"),
        (["policy=usage_tax", "policy.usage_tax.countries=[QQQ]"], "policy.usage_tax.countries"),
        (
            ["policy=turnover_tax", "policy.turnover_tax.platforms=[microwrok]"],
            "policy.turnover_tax.platforms",
        ),
        (["policy=profit_tax", "policy.profit_tax.countries=[NTH,nth]"], "policy.profit_tax.countries"),
        (
            [
                "policy=usage_tax",
                "policy.usage_tax.schedule=graduated",
                "policy.usage_tax.step_users=1",
                "policy.usage_tax.usd_per_user_month=1000",
                "workers.real_count=400000000",
            ],
            "policy.usage_tax.usd_per_user_month",
        ),
        (
            [
                "policy=universal_income",
                "policy.universal_income.funding=external",
                "policy.universal_income.usd_per_month=100000",
                "workers.count=100000000",
            ],
            "policy.universal_income.usd_per_month",
        ),
        (["market.acceptance=nosuch"], "market.acceptance"),
        (["market.pay_setting=nosuch"], "market.pay_setting"),
        (
            ["requesters.demand_share=20", "requesters.count=1", "workers.count=2000000", "time.days=24000"],
            "requesters.demand_share",
        ),
        (["resume=empty"], "resume"),
        (["resume=one.csv"], "resume"),
        (["resume=broken"], "resume"),
        (["resume=broken/checkpoint"], "resume"),
        (["--plugin", "raises.py"], "--plugin"),
        (["--plugin", "imports.py"], "--plugin"),
        (["--plugin", "syntax.py"], "--plugin"),
        (["--plugin", "nothing.py"], "--plugin"),
        ([*PLUGGED, "three.py"], "market.acceptance"),
        ([*PLUGGED, "undefined.py"], "market.acceptance"),
        ([*PLUGGED, "text.py"], "market.acceptance"),
    ],
)
def test_mistakes_that_only_the_run_can_see(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    path: str,
) -> None:
    """One message that begins with the place, exit code 2, nothing written: no bytecode either."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name, text in RULES.items():
        Path(name).write_text(text)
    lines = (TABLES_FOLDER / "north_south.csv").read_text().splitlines()
    Path("one.csv").write_text("\n".join(lines[:2]))
    Path("letters.csv").write_text("\n".join(lines).replace("0.92", "much", 1))
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/checkpoint").write_bytes(b"clickmarket checkpoint 3 0\n")
    before = sorted(tmp_path.rglob("*"))
    usual = ["world=north_south", "workers.count=40", "results.dir=out"]
    usual = [] if words[0].startswith("resume") else usual
    assert main(["run", *usual, *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"clickmarket: {path}")
    assert 2 <= len(told.err.splitlines()) <= 4, told.err
    assert "allowed" in told.err or "fails" in told.err, told.err
    assert sorted(tmp_path.rglob("*")) == before


def test_events_are_written_when_asked(tmp_path: Path) -> None:
    """The event log holds every piece of work: its sums are those of the workers' table."""
    words = [*SMALL[:-2], "time.warmup_days=0", "time.days=3", "record.figures=false", "record.events=true"]
    place = execute(compose([*words, f"results.dir={tmp_path}"]), quiet=True)
    events = read_frame(place / "events.parquet")
    assert_units(events, "events")
    workers = load(place).workers
    assert events.accepted.sum() == workers.tasks_accepted.sum() > 100
    assert (events.done - events.accepted).sum() == workers.tasks_rejected.sum()


def test_model_without_a_config_runs() -> None:
    """The plain defaults are a valid configuration."""
    assert fingerprint(run(tiny(), hours=30)) == fingerprint(run(tiny(), hours=30))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"start": "2030-01-01"}, True),
        ({"families": ["social"]}, True),
        ({"families": ["social"], "platforms": ["microwork"]}, True),
        ({"start": "2019-01-01", "families": ["microwork"]}, False),
        ({}, False),
    ],
)
def test_an_instrument_that_is_never_in_force_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], terms: dict[str, Any], told: bool
) -> None:
    """A date beyond the run, or a family that no platform is of, is no mistake, but seldom what was meant."""
    tax = UsageTax(**terms)
    config = tiny(days=1, workers=20, policy=Policies(usage_tax=tax), results=Results(dir=str(tmp_path)))
    execute(config)
    assert ("In force nowhere or on none of these days: usage_tax." in capsys.readouterr().err) == told
