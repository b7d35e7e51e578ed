"""`clickmarket validate`: what is played, that a kill loses nothing, that mistakes leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.cli import main
from sim.composition import compose
from sim.figures import validation as figures
from sim.model import ClickWorkModel
from sim.study import trials, witness
from sim.study.store import Store
from sim.study.sweep import sober
from sim.study.targets import TARGETS
from sim.study.trials import BY_NAME, TRIALS, Plan, make_plan
from sim.study.validate import VALIDATION, execute, identity_of
from tests.conftest import Exercised

TINY = ("workers.count=40", "requesters.count=8", "time.days=6", "time.warmup_days=1")
FEW = ("mt", "arms", "mt_without_largest", "demand_cut")


def few(tmp_path: Path, *words: str, seeds: int = 1) -> Plan:
    """Return a plan of a few trials of a tiny market."""
    plan = make_plan([*TINY, *words, "world=mturk_2015", f"results.dir={tmp_path}"], seeds, 1)
    return Plan({name: plan.configs[name] for name in FEW}, plan.days)


# ---------------------------------------------------------------- the plan


def test_every_trial_changes_what_it_says_and_nothing_else(exercised: Exercised) -> None:
    plan = make_plan(TINY, 3, 2)
    assert list(plan.configs) == [one.name for one in TRIALS]
    changed = 0
    for trial in TRIALS:
        own = plan.configs[trial.name]
        base = plan.configs[trial.configuration.lower()][0]
        assert len(own) == (3 if trial.all_seeds else 2)
        assert [config.seed for config in own] == list(range(101, 101 + len(own)))
        days = 6 if trial.configuration == "MT" else 2
        assert plan.days[trial.name] == days
        assert own[0].time.days == days * (3 if trial.long else 1)
        differs = [
            name
            for name in (
                "workers",
                "segments",
                "requesters",
                "task_types",
                "platforms",
                "market",
                "learning",
                "ai",
            )
            if getattr(own[0], name) != getattr(base, name)
        ]
        assert len(differs) == len({word.partition(".")[0].partition("=")[0] for word in trial.words})
        changed += bool(differs)
    exercised("trials with a setting changed", changed, at_least=16)


def test_usual_sizes_give_way_to_what_is_asked() -> None:
    plan = make_plan(["time.warmup_days=3"], 1, 1)
    assert plan.configs["mt"][0].workers.count == trials.WORKERS["MT"]
    assert plan.configs["gl"][0].workers.count == trials.WORKERS["GL"]
    assert {own[0].time.warmup_days for own in plan.configs.values()} == {3}


def test_one_configuration_can_be_chosen() -> None:
    plan = make_plan([*TINY, "world=global"], 1, 1)
    assert {BY_NAME[name].configuration for name in plan.configs} == {"GL"}


def test_runs_go_seed_by_seed() -> None:
    plan = make_plan(TINY, 2, 1)
    runs = plan.runs()
    assert len(runs) == len(TRIALS) + sum(one.all_seeds for one in TRIALS)
    assert [n for _, n in runs] == sorted(n for _, n in runs)
    assert len(set(runs)) == len(runs)


# ---------------------------------------------------------------- one run


def model_of(*words: str) -> ClickWorkModel:
    return ClickWorkModel(sober(compose(["world=mturk_2015", *TINY, *words])))


def test_the_largest_requester_posts_nothing() -> None:
    model = model_of()
    largest = int(np.argmax(model.requester_rows["base_demand"]))
    witness.witness(model, 6, BY_NAME["mt_without_largest"])
    assert model.requester_rows["posted"][largest] == 0
    assert (model.requester_rows["posted"] > 0).sum() >= 3


def test_every_second_requester_stops_when_the_window_begins() -> None:
    model = model_of()
    witness.witness(model, 6, BY_NAME["demand_cut"])
    order = np.argsort(-model.requester_rows["base_demand"], kind="stable")
    assert model.requester_rows["retired"][order].tolist() == [0, 1] * 4


def test_workers_are_watched_after_the_window_of_tables() -> None:
    """Two periods in 61 days after three; tables are of the first six days."""
    model = model_of("time.days=61")
    watch = witness.Watch(model)
    model.observers.append(watch)
    model.run()
    seen = watch.seen()
    past = model.history_rows[: model.workers_count]
    done = past["tasks_accepted"].astype(int) + past["tasks_rejected"]
    assert seen.shape == (len(watch.periods[-1]), 2)
    assert seen.any(axis=1).sum() >= 20
    assert (done[: len(seen)][seen.any(axis=1)] > 0).all()
    pool = 8.5 * model.config.workers.count  # rounded for each country
    assert abs(watch.registered - model.config.workers.count - pool) <= len(model.world.codes) * 0.5


def test_statistics_of_a_run_are_those_that_are_asked_of_it() -> None:
    found = witness.witness(model_of("time.days=7"), 7, BY_NAME["mt"])
    assert set(found["values"]) | set(found["reasons"]) == set(witness.asked_of("mt"))
    assert found["values"]["pay_all_in_median"] > 0
    assert found["reasons"]["half_life_recapture"].startswith("0 periods")
    assert len(witness.STATISTICS) >= 40


# ---------------------------------------------------------------- the command


def test_a_validation_leaves_verdicts_tables_and_digests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TINY, "world=mturk_2015", "seeds=1", "trial_seeds=1", "jobs=1", f"results.dir={tmp_path}"]
    drawn: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw_validation", lambda verdicts, folder: drawn.append((verdicts, folder)))
        assert main(["validate", *words]) == 0
    told = capsys.readouterr().out.splitlines()
    folder = Path(told[-1])
    verdicts = json.loads((folder / VALIDATION).read_text())
    assert [one["name"] for one in verdicts["targets"]] == [
        one.name for one in TARGETS if one.configuration == "MT"
    ]
    assert verdicts["about"]["settings"] == [*TINY, "world=mturk_2015", f"results.dir={tmp_path}"]
    assert drawn[0][1] == folder / "figures"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert VALIDATION in manifest["files"]
    rows = sum(part.read().num_rows for part in Store(folder).parts())
    assert rows == sum(one.configuration == "MT" for one in TRIALS)
    assert verdicts["score"]["counted"] >= 8
    assert main(["status", str(folder)]) == 2, "a validation is no sweep"


def test_a_killed_validation_goes_on(tmp_path: Path) -> None:
    """kill -9 after two of four runs; the same call plays the others only, to the same verdicts."""
    script = """
        import os, signal, sys
        from pathlib import Path
        from sim.study import validate
        from tests.study.test_validate import few

        play, done = validate.play_one, []

        def die(*what, **more):
            if len(done) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(play(*what, **more))

        validate.play_one = die
        validate.execute(few(Path(sys.argv[1])), quiet=True)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "killed")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    (folder,) = (path for path in (tmp_path / "killed").iterdir() if path.is_dir())
    before = {path.name for path in (folder / "runs").iterdir()}
    assert len(before) == 2
    assert not (folder / VALIDATION).exists()
    assert execute(few(tmp_path / "killed"), quiet=True) == folder
    whole = execute(few(tmp_path / "whole"), quiet=True)
    one, other = (json.loads((place / VALIDATION).read_text()) for place in (folder, whole))
    for part in ("targets", "patterns", "by_seed", "score"):
        assert one[part] == other[part]
    assert execute(few(tmp_path / "killed"), quiet=True) != folder, "what is finished is not gone on with"


def test_what_is_played_makes_the_identity(tmp_path: Path) -> None:
    one, other = few(tmp_path), few(tmp_path, "market.looks=11")
    assert identity_of(one, ()) == identity_of(few(tmp_path), ())
    assert identity_of(one, ()) != identity_of(other, ())
    assert identity_of(one, ()) != identity_of(few(tmp_path, seeds=2), ())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["world=north_south"], "nearest  world=mturk_2015"),
        (["seeds=0"], "seeds is not a number"),
        (["trial_seeds=-1"], "trial_seeds is not a number"),
        (["jobs=some"], "allowed  a whole number from 1 to 256"),
        (["--fresh"], "There is no such option"),
        (["--plugin", "none.py"], "a Python file that exists"),
        (["time.dys=3"], "nearest  time.days"),
        (["trail_seeds=3"], "nearest  trial_seeds=3"),
        (["workers.count=0"], "workers.count"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", *words, f"results.dir={tmp_path / 'new'}"]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_says_what_is_usual(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--help"]) == 0
    told = capsys.readouterr().out
    assert f"{trials.WORKERS['MT']:,} (MT) and {trials.WORKERS['GL']:,} (GL)" in told
    assert f"time.warmup_days={trials.WARMUP_DAYS}" in told


def test_a_file_of_the_user_is_not_overridden_by_usual_sizes(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("workers:\n  count: 150\ntime:\n  days: 6\n", encoding="utf-8")
    plan = make_plan([f"config={file}"], 1, 1)
    assert {own[0].workers.count for own in plan.configs.values()} == {150}
    assert {own[0].time.warmup_days for own in plan.configs.values()} == {180}
    words = make_plan([f"config={file}", "workers.count=160"], 1, 1)
    assert {own[0].workers.count for own in words.configs.values()} == {160}


def test_a_kill_while_drawing_loses_no_run(tmp_path: Path) -> None:
    def killed(*what: object) -> None:
        raise SystemExit

    plan = few(tmp_path)
    with pytest.raises(SystemExit):
        execute(plan, quiet=True, draw=killed)
    (begun,) = tmp_path.glob("*-validate-*")
    assert execute(plan, quiet=True) == begun
