"""Tab completion: what is offered is what exists, and bash takes it as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import COMMANDS, main
from sim.completion import SETTINGS_OF, SHELLS, candidates
from sim.composition import compose, conf_folder, group_options
from sim.errors import UserError
from sim.study.scenarios import parse
from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parent.parent
BASH_ASKS = """
eval "$(clickmarket completion bash)"
compopt() { :; }
for COMP_LINE in "$@"; do
    COMP_POINT=${#COMP_LINE}
    _clickmarket
    echo "${COMPREPLY[*]}"
done
"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ru", {"run"}),
        ("", {*COMMANDS, "--help", "--version"}),
        ("run world=", {f"world={name}" for name in ("global", "mturk_2015", "north_south", "six_regions")}),
        ("run world=six", {"world=six_regions"}),
        ("run workers.coun", {"workers.count="}),
        ("run platforms.microwork.famil", {"platforms.microwork.family="}),
        ("run market.acc", {"market.acceptance="}),
        ("run policy.usage_tax.schedule=gr", {"policy.usage_tax.schedule=graduated"}),
        ("run policy=[usage_tax,unio", {"policy=[usage_tax,union"}),
        ("compare none usage_tax+univ", {"usage_tax+universal_income"}),
        ("compare none min", {"mine.yaml"}),
        ("sweep world=global,nor", {"world=global,north_south"}),
        ("sweep study=", {"study=pay_fee_tax", "study=mine.yaml", "study=folder/"}),
        ("sweep engine=s", {"engine=serial"}),
        ("run --plugin ", {"rule.py", "folder/"}),
        ("run --cfg ", {"job"}),
        ("run config=", {"config=mine.yaml", "config=folder/"}),
        ("run resume=folder/", {"resume=folder/below/"}),
        ("status fol", {"folder/"}),
        ("completion f", {"fish"}),
        ("run nothing_like_it", set()),
        ("run nothing.like=it", set()),
    ],
)  # fmt: skip
def test_what_is_offered(
    typed: str, offered: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    for name in ("mine.yaml", "rule.py", ".hidden.yaml", "text.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    assert set(candidates(typed.split(" "), COMMANDS)) == offered


def test_all_that_is_offered_is_understood(exercised: Exercised) -> None:
    """Every choice of a group composes, every path is a setting, every scenario is one."""
    options = group_options(conf_folder())
    choices = [one for group in options for one in candidates(["run", f"{group}="], COMMANDS)]
    for scenario in candidates(["compare", "none", ""], COMMANDS):
        if not scenario.endswith(("=", "/", ".yaml")) and not scenario.startswith("-"):
            parse(scenario, options)
    paths = [one for one in candidates(["run", ""], COMMANDS) if "." in one]
    for path in paths:
        try:
            compose([f"{path}'no such value'"])
        except UserError as error:
            assert "is not a known setting" not in error.message or not path.startswith(("time", "workers"))
    own = [one for words in SETTINGS_OF.values() for one in words]
    exercised("choices of groups", len(choices), 20)
    exercised("paths", len(paths), 200)
    exercised("words of commands", len(own), 20)


def test_words_of_commands_are_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    """What is offered as a command's own word stands in its help."""
    for command, words in SETTINGS_OF.items():
        assert main([command, "--help"]) == 0
        told = capsys.readouterr().out + "--help resume=PATH config=FILE"
        for word in words:
            assert word in told, f"{word} is offered after clickmarket {command}, whose help does not know it"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes(tmp_path: Path, exercised: Exercised) -> None:
    """Bash breaks words at `=`: what it is given must be what stands after."""
    program = tmp_path / "clickmarket"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m sim "$@"\n')
    program.chmod(0o755)
    asked = {
        "clickmarket comple": "completion",
        "clickmarket run world=six": "six_regions",
        "clickmarket compare none usage_tax+univ": "usage_tax+universal_income",
    }
    done = subprocess.run(
        ["bash", "-c", BASH_ASKS, "bash", *asked],
        capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.splitlines() == list(asked.values()), done.stderr
    exercised("lines completed", len(asked), 3)


def test_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SHELLS:
        assert main(["completion", shell]) == 0
        assert "completion words --" in capsys.readouterr().out
    assert main(["completion"]) == 0
    assert main(["completion", "powershell"]) == 2
    assert "  nearest  clickmarket completion" in capsys.readouterr().err
