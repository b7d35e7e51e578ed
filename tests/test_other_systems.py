"""What other systems lack is not taken for granted: opening a folder, removing a file that is open."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main
from sim.model import ClickWorkModel
from sim.study.lock import only_one, taking_turns
from tests.support.markets import fingerprint, tiny


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionError(13, "Permission denied")


def test_a_checkpoint_where_no_folder_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ClickWorkModel(tiny(days=1, workers=20))
    model.run(3)
    with monkeypatch.context() as there:
        there.setattr(os, "open", refuse)
        with pytest.raises(Exception, match="cannot be written"):
            model.save(tmp_path / "checkpoint")
        there.setattr(sys, "platform", "win32")
        model.save(tmp_path / "checkpoint")
    assert fingerprint(ClickWorkModel.load(tmp_path / "checkpoint")) == fingerprint(model)


def test_a_lock_whose_file_cannot_be_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", refuse)
    for _ in range(2):
        with only_one(tmp_path, "run"):
            pass
        with taking_turns(tmp_path, "turns"):
            pass
    assert (tmp_path / ".run.lock").exists()


def test_memory_that_cannot_be_limited_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "resource" else found(name, *rest)
    )
    assert main(["sweep", "seeds=2", "memory=4096"]) == 2
    assert "memory cannot be limited on this system." in capsys.readouterr().err
