"""The main job: what a run leaves behind, and that a kill loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from sim.composition import compose, config_id, from_yaml
from sim.errors import UserError
from sim.model import MONTH, ClickWorkModel
from sim.outcomes.frames import COLUMNS
from sim.plugins import load_plugins
from sim.study.result import load
from sim.study.run import execute
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


def test_folder_is_complete(folder: Path) -> None:
    """Every table is there with its declared columns, units and some rows."""
    result = load(folder)
    for name, columns in COLUMNS.items():
        frame = getattr(result, name)
        assert list(frame.columns) == list(columns), name
        assert len(frame) > 0, name
        assert frame.attrs["units"].keys() >= {column for column, what in columns.items() if what.unit}, name
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
    """C5: the resolved configuration gives the same id and the same bits."""
    config = from_yaml(folder / "config.yaml")
    assert config_id(config) == load(folder).manifest["config_id"]
    assert fingerprint(run(config)) == fingerprint(run(compose(SMALL)))


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


def test_plugin_changes_the_outcome(tmp_path: Path) -> None:
    """A rule from a file is used, is named in the manifest, and must be there again on resuming."""
    file = tmp_path / "cautious.py"
    file.write_text(CAUTIOUS)
    config = compose([*SMALL, "market.acceptance=cautious", f"results.dir={tmp_path / 'results'}"])
    with pytest.raises(UserError, match="no such rule"):
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


def test_events_are_written_when_asked(tmp_path: Path) -> None:
    """The event log holds every piece of work: its sums are those of the workers' table."""
    words = [*SMALL[:-2], "time.warmup_days=0", "time.days=3", "record.figures=false", "record.events=true"]
    place = execute(compose([*words, f"results.dir={tmp_path}"]), quiet=True)
    events = pd.read_parquet(place / "events.parquet")
    workers = load(place).workers
    assert events.accepted.sum() == workers.tasks_accepted.sum() > 100
    assert (events.done - events.accepted).sum() == workers.tasks_rejected.sum()


def test_model_without_a_config_runs() -> None:
    """The plain defaults are a valid configuration."""
    assert fingerprint(run(tiny(), hours=30)) == fingerprint(run(tiny(), hours=30))
