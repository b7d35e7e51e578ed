"""The doctor tells what is there, and finds what is broken."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sim import doctor
from sim.cli import main
from tests.conftest import Exercised


def test_a_sound_installation(capsys: pytest.CaptureFixture[str], exercised: Exercised) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "All is well. Next: clickmarket run"
    assert all(line.startswith(("ok ", "note ")) for line in lines[:-1]), lines
    told = {line[8:18].strip() for line in lines[:-1]}
    assert told == set(doctor.CHECKS)
    exercised("checks", len(lines) - 1, 10)


PLANTED: dict[str, tuple[str, Any, str]] = {
    "another Python": ("PYTHONS", ((3, 1), (3, 2)), "needed is one from 3.1 to 3.2"),
    "no space": ("LEAST_DISK", 1e9, "GB free"),
    "other bits": ("digest_of_a_day", lambda: "0" * 16, "results differ"),
    "a zone that is not there": ("ZONES", ("Nowhere/Town",), "ZoneInfoNotFoundError"),
    "a compiler that errs": ("_twice", lambda number: number, "compiles"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_broken_is_found(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, value, words = PLANTED[what]
    monkeypatch.setattr(doctor, name, value)
    if name == "LEAST_DISK":
        monkeypatch.setattr(doctor, "LITTLE_DISK", value)
    if name != "digest_of_a_day":
        monkeypatch.setattr(doctor, "digest_of_a_day", lambda: doctor.DAY_DIGEST)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    broken = [line for line in out.splitlines() if line.startswith("BROKEN")]
    assert len(broken) == 1 and words in broken[0], out
    assert out.splitlines()[-1] == "Broken: 1, told above."


def test_packages_missing_and_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "mesa":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "numba" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    told = [finding.text for finding in doctor.packages() if finding.well is False]
    assert len(told) == 2 and "mesa is missing" in told[0] and "numba is 0.1, needed is" in told[1]
    assert any("numba 0.1 (lock:" in finding.text for finding in doctor.packages() if finding.well is None)


def test_words_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "seed=1"]) == 2
    assert "takes no words" in capsys.readouterr().err
    assert main(["doctor", "--help"]) == 0
