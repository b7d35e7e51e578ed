"""Packages are installed by their hashes only: another file under the same name is refused (W12)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parents[1]
PINNED = re.compile(
    r"^([\w.-]+)==([\w.+!]+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
SOURCE_ONLY = "antlr4-python3-runtime"
"""The one package of the lock of which there is no wheel."""


def unpinned(lock: str) -> list[str]:
    """Return the lines of a lock that belong to no package with a version and hashes."""
    return [line for line in PINNED.sub("", lock).splitlines() if line.strip() and not line.startswith("#")]


def test_every_package_of_the_lock_has_its_hashes(exercised: Exercised) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert unpinned(lock) == []
    exercised("packages", len(PINNED.findall(lock)), at_least=60)


@pytest.mark.parametrize(
    "line", ["numpy>=2\n", "numpy==2.0\n", "numpy @ https://x/numpy.whl\n", "-r other.txt\n"]
)
def test_what_is_not_pinned_is_noticed(line: str) -> None:
    assert unpinned(line)


def test_every_installation_asks_for_hashes_and_wheels() -> None:
    """In the Makefile and the README; our own project comes without packages."""
    for name in ("Makefile", "README.md"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        locked = [line for line in lines if "pip install" in line and "requirements.lock" in line]
        assert locked
        for line in locked:
            assert "--require-hashes" in line, name
            assert f"--only-binary :all: --no-binary {SOURCE_ONLY}" in line, name


def wheel(folder: Path, text: str) -> Path:
    """Write a wheel of one module."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    files = {
        "tiny_thing.py": text,
        "tiny_thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        "tiny_thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(content)}\n"
            archive.writestr(name, content)
        archive.writestr("tiny_thing-1.0.dist-info/RECORD", f"{record}tiny_thing-1.0.dist-info/RECORD,,\n")
    return path


@pytest.mark.nightly
@pytest.mark.parametrize("altered", [False, True])
def test_an_altered_wheel_is_refused(altered: bool, tmp_path: Path) -> None:
    """From a mirror without a network, with the options that `make run` installs with."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    sound = wheel(mirror, "honest = True\n").read_bytes()
    if altered:
        wheel(mirror, "honest = False\n")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny-thing==1.0 \\\n    --hash=sha256:{hashlib.sha256(sound).hexdigest()}\n")
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(mirror)}
    told = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:",
         "--target", str(tmp_path / "there"), "-r", str(lock)],
        env=offline, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.returncode == 0) != altered, told.stderr
    assert (tmp_path / "there" / "tiny_thing.py").exists() != altered
    assert ("DO NOT MATCH THE HASHES" in told.stderr) == altered
