"""`clickmarket doctor`: whether the installation can do what it is for, one line for each check."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import UserError, one_line

PYTHONS = ((3, 11), (3, 13))
LEAST_DISK, LITTLE_DISK = 0.2, 5.0
"""GB of free space below which a run may fail, or a sweep."""

ZONES = ("Asia/Kolkata", "America/St_Johns", "Africa/Nairobi")
EXTRAS = {"dask": "distributed", "app": "streamlit"}
"""Extras of the distribution, and the package by which each is known to be there."""

DAY = ("world=north_south", "workers.count=200", "requesters.count=24", "time.days=1", "time.warmup_days=0")
DAY_DIGEST = "c3e7715c197dc30c"
"""What `digest_of_a_day` gives with this model, on any machine; it changes with what runs give."""

DOCTOR_USAGE = """\
clickmarket doctor

Check the installation, one line for each check, and say what to do where something is the matter. Nothing is
changed but the compiler's folder. Exit code 0: all well, 1: something is broken. A minute the first time, for
the model is compiled; then seconds.
"""


class Finding(NamedTuple):
    """What one check found: whether all is well, None if it is worth knowing but nothing is broken."""

    well: bool | None
    text: str


def doctor(words: Sequence[str]) -> int:
    """Print what each check finds; return 0, or 1 if something is broken."""
    if words:
        raise UserError(
            "clickmarket doctor takes no words.",
            value=" ".join(words),
            allowed="clickmarket doctor, clickmarket doctor --help",
            nearest="clickmarket doctor",
        )
    broken = 0
    for name, check in CHECKS.items():
        for finding in _safely(check):
            word = {True: "ok", False: "BROKEN", None: "note"}[finding.well]
            print(f"{word:<7} {name:<9} {finding.text}", flush=True)
            broken += finding.well is False
    print("All is well. Next: clickmarket run" if not broken else f"Broken: {broken}, told above.")
    return int(bool(broken))


def _safely(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Carry out a check; one that fails is a finding, and the others go on."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - whatever is broken is to be told
        yield Finding(False, one_line(f"{type(error).__name__}: {error}", 200))


def python() -> Iterator[Finding]:
    """Python's version."""
    low, high = PYTHONS
    found = platform.python_version()
    fits = low <= sys.version_info[:2] <= high
    needs = f"{low[0]}.{low[1]} to {high[0]}.{high[1]}"
    yield Finding(fits, f"{found} ({needs})" if fits else f"{found}; needed is one from {needs}")


def packages() -> Iterator[Finding]:
    """Packages against what the distribution requires, and against the lock where it is at hand."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires("clickmarket") or ()]
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [text for one in needed if (text := _unfit(one.name, str(one.specifier), one.specifier.contains))]
    for text in wrong:
        yield Finding(False, f"{text}; make clean run, or pip install -e . again")
    if not wrong:
        yield Finding(True, f"{len(needed)} needed, all there")
    lock = Path(__file__).resolve().parent.parent / "requirements.lock"
    if lock.is_file():
        other = _not_as_locked(lock.read_text(encoding="utf-8"))
        some = ", ".join(other[:4]) + (" ..." if len(other) > 4 else "")
        yield Finding(None, f"not as in requirements.lock: {some}") if other else Finding(True, "as locked")


def _unfit(name: str, wants: str, fits: Callable[[str], bool]) -> str:
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    return "" if fits(found) else f"{name} is {found}, needed is {wants}"


def _not_as_locked(lock: str) -> list[str]:
    """Return the packages that are there in another version than the lock's."""
    from packaging.markers import Marker

    other = []
    for name, version, marker in re.findall(r"^([\w.-]+)==([\w.+]+)(?: ; (.*?))? \\$", lock, re.MULTILINE):
        if marker and not Marker(marker).evaluate():
            continue
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if found != version:
            other.append(f"{name} {found} (lock: {version})")
    return other


def compiler() -> Iterator[Finding]:
    """Whether Numba compiles, and where what is compiled is kept."""
    import numba

    from sim.compile import COMPILED, cache_folder

    if not COMPILED:
        yield Finding(None, "Numba is switched off (NUMBA_DISABLE_JIT): runs take many times as long")
        return
    began = time.perf_counter()
    compiled: Any = numba.njit(_twice)
    answer = int(compiled(21))
    took = time.perf_counter() - began
    yield Finding(answer == 42, f"Numba {metadata.version('numba')} compiles, {took:.1f} s")
    folder = cache_folder()
    kept = os.access(folder, os.W_OK)
    yield Finding(kept, f"kept in {folder}" if kept else f"{folder} cannot be written; set CLICKMARKET_CACHE")


def _twice(number: int) -> int:
    return 2 * number


def cores() -> Iterator[Finding]:
    """Cores that this process may use."""
    from sim.study.engine import cores as usable

    yield Finding(True, f"{usable()} usable: threads of a run, processes of a comparison or sweep")


def disk() -> Iterator[Finding]:
    """Space where results would be written."""
    folder = Path("results") if Path("results").is_dir() else Path()
    free = shutil.disk_usage(folder).free / 1e9
    writable = os.access(folder, os.W_OK)
    where = f"{free:,.1f} GB free in {folder.resolve()}"
    if not writable:
        yield Finding(False, f"{folder.resolve()} cannot be written; go elsewhere, or results.dir=FOLDER")
    elif free < LITTLE_DISK:
        yield Finding(False if free < LEAST_DISK else None, f"{where}; a sweep may need more")
    else:
        yield Finding(True, where)


def zones() -> Iterator[Finding]:
    """Whether the data of time zones is there."""
    from zoneinfo import ZoneInfo

    from sim.world import load_world

    for name in {*ZONES, *load_world("global").zones}:
        ZoneInfo(name)
    yield Finding(True, f"all zones of the country tables, tzdata {metadata.version('tzdata')}")


def same_bits() -> Iterator[Finding]:
    """Whether a day of 200 workers gives what it gives everywhere."""
    began = time.perf_counter()
    found = digest_of_a_day()
    took = time.perf_counter() - began
    if found == DAY_DIGEST:
        yield Finding(True, f"a day of 200 workers gives {found}, as everywhere, {took:.1f} s")
    else:
        yield Finding(
            False, f"a day of 200 workers gives {found}, not {DAY_DIGEST}: results differ elsewhere"
        )


def digest_of_a_day() -> str:
    """Return the beginning of a hash of what a small market moved in a day, and of who has it."""
    from sim.composition import compose
    from sim.model import ClickWorkModel
    from sim.study.ahead import compile_ahead

    config = compose(DAY)
    compile_ahead([config])
    model = ClickWorkModel(config)
    model.run(24)
    digest = hashlib.sha256()
    for array in (
        model.ledger.flows,
        model.worker_rows["balance"],
        model.worker_rows["pending"],
        model.requester_rows["balance"],
    ):
        digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()[:16]


def extras() -> Iterator[Finding]:
    """Which extras are there."""
    for extra, package in EXTRAS.items():
        if importlib.util.find_spec(package) is not None:
            yield Finding(True, f"[{extra}] is there: {package} {metadata.version(package)}")
        else:
            yield Finding(None, f"[{extra}] is not installed: pip install 'clickmarket[{extra}]' if wanted")


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "python": python,
    "packages": packages,
    "compiler": compiler,
    "cores": cores,
    "disk": disk,
    "zones": zones,
    "same bits": same_bits,
    "extras": extras,
}
