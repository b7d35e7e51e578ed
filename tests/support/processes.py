"""Processes of their own for tests: other environments, other folders, the compiler off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import sim

ROOT = Path(sim.__file__).resolve().parent.parent

INHERITED = ("PATH", "HOME", "XDG_CACHE_HOME", "CLICKMARKET_CACHE", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
"""What a process of a test keeps of the environment: where things are, and nothing about how to compute."""


def python(
    *arguments: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = 600.0,
) -> str:
    """Run ``python OPTIONS -m ARGUMENTS`` with a clean environment; return what it printed.

    It is taken to hang after so many seconds.
    """
    variables = {name: os.environ[name] for name in INHERITED if name in os.environ}
    variables |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"} | (environment or {})
    done = subprocess.run(
        [sys.executable, *options, "-m", *arguments],
        env=variables, cwd=folder or ROOT, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (
        f"{' '.join(arguments)[:200]} ended with {done.returncode}:\n{done.stderr[-3000:]}"
    )
    return done.stdout


def fingerprints(
    markets: list[str],
    *further: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> dict[str, str]:
    """Fingerprints of markets, run one after the other in one new process."""
    printed = python(
        "tests.support.job", *markets, *further, options=options, environment=environment, folder=folder
    )
    return dict(zip(markets, printed.split(), strict=True))
