"""Calibration: emulators against what they are fitted to, and the whole of it on tiny markets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from experiments import calibrate
from experiments.emulator import (
    LEAST_ERROR,
    Floats,
    Sought,
    Space,
    chances,
    fit,
    implausibility,
    misfit,
    recover,
)
from sim.composition import compose
from sim.errors import UserError
from sim.study.targets import FITTED, GL, MT, TARGETS
from sim.study.trials import FIRST_SEED, PARTS_OF_WINDOW, WARMUP_DAYS, WORKERS
from tests.conftest import Exercised

SPACE = Space(("a", "b", "c"), np.array([0.0, 10.0, -1.0]), np.array([1.0, 20.0, 1.0]))
POINTS = SPACE.drawn(64, 1)


def smooth(points: Floats) -> Floats:
    """A statistic whose log is a polynomial of the second degree."""
    a, b, c = SPACE.scaled(points).T
    return np.asarray(np.exp(0.3 + 0.5 * a - 0.2 * b + 0.1 * a * b + 0.2 * c**2))


def test_an_emulator_of_a_polynomial_is_the_polynomial() -> None:
    """Nothing is missed but what the small penalty takes."""
    emulator = fit(SPACE, POINTS, smooth(POINTS))
    others = SPACE.drawn(256, 2)
    assert np.abs(emulator.predict(others) - np.log(smooth(others))).max() < 0.01


def test_the_error_is_that_of_points_left_out(exercised: Exercised) -> None:
    """The shortcut by leverages gives what fitting without each point in turn gives."""
    random = np.random.default_rng(3)
    values = smooth(POINTS) * np.exp(0.3 * random.standard_normal(len(POINTS)))
    emulator = fit(SPACE, POINTS, values)
    misses = []
    for left_out in range(len(POINTS)):
        others = np.arange(len(POINTS)) != left_out
        own = fit(SPACE, POINTS[others], values[others])
        misses.append(np.log(values[left_out]) - own.predict(POINTS[left_out : left_out + 1])[0])
    assert emulator.error == pytest.approx(float(np.sqrt(np.mean(np.square(misses)))), rel=0.05)
    exercised("points left out", len(misses), 60)


def test_a_sought_point_is_found_and_others_are_implausible() -> None:
    """With the truth's own statistics as narrow bands, the best candidate lies at the truth."""
    truth = np.array([[0.3, 17.0, 0.5]])
    statistics = (smooth, lambda x: smooth(x) ** 2 * np.exp(SPACE.scaled(x)[:, 1]), lambda x: np.exp(x[:, 2]))
    emulators = [fit(SPACE, POINTS, one(POINTS)) for one in statistics]
    sought = [
        Sought.of_band("", 0.95 * float(one(truth)[0]), 1.05 * float(one(truth)[0])) for one in statistics
    ]
    candidates = SPACE.drawn(4096, 4)
    found = candidates[np.argmin((implausibility(emulators, sought, candidates) ** 2).sum(axis=1))]
    assert np.abs(SPACE.scaled(found[None]) - SPACE.scaled(truth)).max() < 0.15
    worst = implausibility(emulators, sought, candidates).max(axis=1)
    assert 0 < np.mean(worst < 3) < 0.1
    assert implausibility(emulators, sought, truth).max() < 1


def test_known_parameters_are_recovered(exercised: Exercised) -> None:
    """Intervals of 95 % hold the truth about as often, and are narrow only where a statistic tells of it."""
    random = np.random.default_rng(8)
    x = SPACE.scaled(POINTS)
    noise = 0.1 * random.standard_normal((len(POINTS), 2))
    values = np.exp(np.column_stack([x[:, 0], x[:, 0] - x[:, 1]]) + noise)
    found = recover(SPACE, POINTS, values)
    assert found.covered.min() >= 0.9
    # Of a normal error of 0.1 on a range of 2, an interval of 95 % is about a fifth; of two errors more.
    assert 0.15 < found.width[0] < 0.3 < found.width[2]
    assert found.width[1] < 0.4
    assert found.width[2] > 0.85, "no statistic tells of the third"
    exercised("trials", found.trials, 60)


def test_a_target_out_of_reach_bends_nothing() -> None:
    """What is missed by far adds nine, however far; another that holds decides."""
    sought = [Sought.of_band("", 1.0, 4.0)] * 2
    error = np.array([0.1, 0.1])
    near_one, near_other = (
        misfit(chances(sought, np.log([point]), error))[0] for point in ((2.0, 1e6), (4.2, 1e3))
    )
    assert near_one == pytest.approx(9.0)
    assert near_other > 10.0


def test_half_of_the_targets_is_fitted() -> None:
    """Each target is either fitted or kept for checking, half and half; ranges hold the assumptions."""
    job = calibrate.read_job(["size=small"])
    assert sorted((*job.fitted, *job.checked)) == [target.name for target in TARGETS]
    assert len(job.fitted) == len(job.checked)
    assert np.all(job.space.low <= calibrate.defaults(job)[0])
    assert np.all(calibrate.defaults(job)[0] <= job.space.high)
    assert all(job.reasons)


def test_experience_makes_no_listing_harder_to_read() -> None:
    """Such points are played, for the emulators, but never chosen."""
    space = calibrate.read_job(["size=small"]).space
    points = np.array([space.low, space.low])
    points[0, space.names.index("market.noise_sigma")] = 0.8
    points[:, space.names.index("market.noise_experienced_sigma")] = 0.7
    assert calibrate.sensible(space, points).tolist() == [True, False]
    fitted = compose([]).market
    assert fitted.noise_experienced_sigma <= fitted.noise_sigma


def test_finalists_are_played_as_a_validation_plays() -> None:
    """Window, warm-up and workers are those of `clickmarket validate`, and the seeds others."""
    job = calibrate.read_job(["size=medium"])
    for where in (MT, GL):
        config = job.config(where, calibrate.defaults(job)[0], 1, last=True)
        assert config.workers.count == WORKERS[where]
        assert config.time.warmup_days == WARMUP_DAYS
        assert config.time.days == 365 // PARTS_OF_WINDOW[where]
    assert calibrate.SEED + job.sizes["last"]["seeds"] <= FIRST_SEED


def test_who_is_not_at_rest_is_not_chosen() -> None:
    """Of those at rest the one that misses fewest, then by misfit; the one nearest to rest if none is."""
    same, misfits = np.zeros(3), np.array([1.0, 3.0, 2.0])
    assert calibrate.chosen(same, misfits, np.array([0.06, 0.04, 0.05])) == 2
    assert calibrate.chosen(same, misfits, np.array([0.04, 0.0, 0.0])) == 0
    assert calibrate.chosen(same, misfits, np.array([0.3, 0.1, 0.2])) == 1
    assert calibrate.chosen(np.array([1.0, 0.0, 0.0]), misfits, np.zeros(3)) == 2
    assert calibrate.chosen(np.array([0.0, 2.0, 1.0]), misfits, np.array([0.06, 0.0, 0.0])) == 2
    drift = {"drift_pay": [0.0, -0.02], "drift_hours": [0.02, -0.02], "drift_active": [-0.05, 0.02]}
    assert calibrate.drift_of(drift) == pytest.approx(0.015)
    drift |= {"drift_pay": [-0.04, -0.04], "drift_hours": [0.02, 0.04]}
    assert calibrate.drift_of(drift) == pytest.approx(1 - 0.96 / 1.03), "an hour pays less"
    assert calibrate.drift_of({}) == 1.0, "what could not be told is no rest"


def test_targets_are_missed_as_a_validation_judges() -> None:
    """By the median over seeds, a target with several parts once; what could not be told is missed."""
    job = calibrate.read_job(["size=small"])
    fitted = [target for target in TARGETS if target.name in job.fitted]
    middle = {part.key: [0.0, (part.low + part.high) / 2, 1e9] for one in fitted for part in one.parts}
    assert calibrate.missed_by(job, middle) == 0
    assert calibrate.missed_by(job, {**middle, "india_odds_08_10": [9.0], "india_odds_20_22": [9.0]}) == 1
    assert calibrate.missed_by(job, {**middle, "unpaid_share": [0.9, 0.9, 0.3]}) == 1
    assert calibrate.missed_by(job, {}) == len(fitted)


def test_how_likely_bands_hold() -> None:
    """By the normal distribution of a log; what is out of reach adds nine and no more, what holds nothing."""
    sought = [Sought.of_band("", 1.0, 4.0)] * 3
    found = chances(sought, np.log([[2.0, 4.0, 1e9]]), np.array([[1e-3, 1e-3, 1e-3]]))
    assert found == pytest.approx(np.array([[1.0, 0.5, 0.0]]), abs=1e-6)
    assert misfit(found) == pytest.approx([2 * np.log(2.0) + 9.0])
    assert misfit(chances(sought[:1], np.log([[2.0]]), np.array([[np.log(2.0)]]))) == pytest.approx(
        [-2.0 * np.log(0.6826894921)]
    )


def test_errors_are_those_of_other_seeds() -> None:
    """The variance of a mean twice; of one seed nothing is known, so it is as usual."""
    sought = [Sought.of_band("a", 1.0, 4.0), Sought.of_band("b", 1.0, 4.0)]
    logs = np.array([0.1, 0.3, 0.2, 0.6])
    found = calibrate.errors_of([{"a": np.exp(logs).tolist(), "b": [2.0]}], sought, [0.3, 0.4])
    assert found == pytest.approx(np.array([[np.sqrt(2 * np.var(logs, ddof=1) / 4), 0.4]]))
    still = calibrate.errors_of([{"a": [2.0, 2.0], "b": [2.0]}], sought, [0.3, 0.4])
    assert still[0, 0] == LEAST_ERROR, "seeds that agree are not sure of other seeds"


def test_the_prior_is_about_what_is_assumed() -> None:
    """Nothing is added there, and 1 for each parameter half a range away."""
    job = calibrate.read_job(["size=small"])
    there = calibrate.defaults(job)
    away = there.copy()
    away[0, :2] += 0.5 * (job.space.high - job.space.low)[:2]
    assert calibrate.far(job, np.vstack([there, away])) == pytest.approx([0.0, 2.0])


@pytest.mark.parametrize("word", ["size=tiny", "jobs=0", "nonsense", "workers.speed=1"])
def test_words_that_are_not_allowed(word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One sentence, exit code 2, nothing written."""
    words = [word] if "size" in word else [word, "size=small"]
    assert calibrate.command([*words, f"results.dir={tmp_path}"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_calibration_of_tiny_markets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All waves, finalists, recovery; the fitted file composes; the same command plays nothing twice."""
    job = calibrate.read_job(["size=small", f"results.dir={tmp_path}"])
    window = {"workers": {"MT": 60, "GL": 60}, "days": {"MT": 7, "GL": 7}, "warmup_days": {"MT": 3, "GL": 3}}
    small = {**job.sizes, "points": 4, "more": 2, "finalists": 2, **window, "last": {"seeds": 1, **window}}
    tiny = calibrate.Job(**{**job.__dict__, "sizes": small})
    killed = tmp_path / f"20260101-000000-calibrate-small-{calibrate.identity_of(tiny)[:12]}"
    killed.mkdir()
    folder = calibrate.carry_out(tiny)
    assert folder == killed, "a folder that was made and not laid out is used"
    told = capsys.readouterr().out
    assert "BP01" in told
    assert "recovered" in told
    fitted = (folder / "fitted.yaml").read_text()
    user = tmp_path / "fitted.yaml"
    user.write_text(fitted.replace("# @package _global_\n", ""))
    config = compose([f"config={user}"])
    written = json.loads((folder / "calibration.json").read_text())["parameters"]
    assert config.workers.speed_log_sigma == written["workers.speed_log_sigma"]["fitted"]
    assert (folder / "figures" / "targets.png").is_file()
    parts = sorted((folder / "runs").iterdir())
    assert calibrate.carry_out(tiny) == folder
    assert sorted((folder / "runs").iterdir()) == parts, "nothing is played twice"


def test_the_commit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a checkout, whether or not files were changed since; else that there is none."""
    git = shutil.which("git")
    assert calibrate.commit_of(tmp_path) == "no checkout"
    if git is not None:
        file, words = tmp_path / "file", ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        file.write_text("one")
        for more in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run([git, "-C", str(tmp_path), *words, *more], check=True)
        told = calibrate.commit_of(tmp_path)
        assert re.fullmatch("commit [0-9a-f]{12}", told)
        file.write_text("two")
        assert calibrate.commit_of(tmp_path) == f"{told}, changed"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert calibrate.commit_of(tmp_path) == "no checkout"


def test_a_user_error_is_one() -> None:
    """A size that does not exist names those that do."""
    with pytest.raises(UserError, match="small, medium, full"):
        calibrate.read_job(["size=huge"])


def test_what_was_fitted_is_told_as_such() -> None:
    assert calibrate.read_job([]).fitted == FITTED


@pytest.mark.parametrize("word", ["time.days=5", "world=global", "seed=7", "workers.patience_low=4"])
def test_what_a_calibration_decides_is_refused(word: str) -> None:
    """It would be overridden without a word, or leave no window."""
    with pytest.raises(UserError, match="decided by the calibration itself"):
        calibrate.read_job(["size=small", word])


def test_a_file_counts_like_words(tmp_path: Path) -> None:
    """It wins over what the size sets, and is refused where the calibration decides."""
    file = tmp_path / "mine.yaml"
    file.write_text("workers: {count: 77}\nmarket: {looks: 9}\n")
    job = calibrate.read_job(["size=small", f"config={file}"])
    config = job.config("MT", job.space.low, 1)
    assert (config.workers.count, config.market.looks) == (77, 9)
    file.write_text("time: {days: 5}\n")
    with pytest.raises(UserError, match="decided by the calibration itself"):
        calibrate.read_job(["size=small", f"config={file}"])
