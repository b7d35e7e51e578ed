"""Locks: one process at a time plays a comparison or coordinates a sweep; the dead hold nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

from sim.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there nobody is kept out.
    fcntl = None  # type: ignore[assignment]


class Held(UserError):
    """Another process holds a lock."""


LOCKS = "locks"
"""Folder of a sweep that holds its lock files."""


@contextlib.contextmanager
def only_one(folder: str | Path, name: str, what: str = "The same comparison") -> Iterator[None]:
    """Hold the lock ``name`` in a folder; refuse if another process that lives holds it.

    The system lets go of a lock when its process dies, however that happens: a file left behind bars nobody.
    """
    path = Path(folder) / f".{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path, what)
    except OSError as error:
        raise UserError(
            f"The folder for results cannot be written to: {error.strerror}.",
            path="results.dir", value=str(folder),
        ) from error  # fmt: skip
    try:
        yield
    finally:
        _let_go(path, file)


def _let_go(path: Path, file: BinaryIO) -> None:
    """Take the lock's file away while it is held; Windows lets nobody do so, and there it stays."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    file.close()


def _locked(path: Path, what: str = "", patient: bool = False) -> BinaryIO:
    """Open the file and lock it, or wait for it; try again if its last holder takes it away in between."""
    while True:
        file = path.open("a+b")
        if fcntl is None:
            return file
        try:
            _lock(file, path, fcntl.LOCK_EX if patient else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip() or "unknown"
            file.close()
            raise Held(
                f"{what} is being played by process {holder}: wait for it, or stop it first."
            ) from None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode("ascii"))
            file.flush()
            return file
        file.close()


def _lock(file: IO[Any], path: Path, how: int) -> None:
    """Lock an open file; that another process holds it is a `BlockingIOError`.

    Raises
    ------
    UserError
        If there can be no lock, as on a network's file system that was mounted without them.
    """
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        raise
    except OSError as error:
        file.close()
        raise UserError(
            f"{path} cannot be locked: {error.strerror}. File locks must work where results are kept.",
            path=str(path),
            allowed="results.dir=... on a file system with locks (flock)",
        ) from error


@contextlib.contextmanager
def taking_turns(results: Path, name: str) -> Iterator[None]:
    """Wait until nobody else is in such a block: jobs of an array begin at once and must find one folder."""
    path = results / f".{name}.lock"
    results.mkdir(parents=True, exist_ok=True)
    file = _locked(path, patient=True)
    try:
        yield
    finally:
        _let_go(path, file)


@contextlib.contextmanager
def locked(folder: Path, shard: str = "") -> Iterator[None]:
    """Hold a sweep's folder: nobody else coordinates it meanwhile; several shards of it may run together.

    The system lets go of the lock when the process ends, however it ends.

    Raises
    ------
    UserError
        If another process holds it.
    """
    place = folder / LOCKS
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(place, error) from error
    # A coordinator of the whole takes the gate alone; shards share it, and each has a lock of its own.
    with contextlib.ExitStack() as stack:
        _take(stack, place / "whole", bool(shard), folder)
        if shard:
            _take(stack, place / _shard_file(shard), False, folder)
        yield


def holders(folder: Path) -> dict[str, str]:
    """Return who plays a sweep just now, by the shard (``1/4``), "" for the whole; nothing if nobody does.

    Processes of other machines are not seen. A number alone is not believed, for it may be another process'
    by now: the lock itself is tried.
    """
    if fcntl is None:  # there are no locks, and to ask Windows for a process is to send it Ctrl+C
        return {}
    held = re.compile(rf"process (\d+) on {re.escape(socket.gethostname())}")
    who = {}
    for path in sorted((folder / LOCKS).glob("*")):
        found = held.fullmatch(path.read_text(encoding="utf-8", errors="replace").strip())
        if found and _lives(int(found[1])) and _is_held(path):
            who[path.name.removeprefix("shard-").replace("-of-", "/").removeprefix("whole")] = found[0]
    return who


def _lives(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _is_held(path: Path) -> bool:
    """Whether a lock is held; also where that cannot be found out."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # it is held (BlockingIOError), or there are no locks here
        return True
    return False


def _shard_file(shard: str) -> str:
    return f"shard-{shard.replace('/', '-of-')}"


def _take(stack: contextlib.ExitStack, path: Path, shared: bool, folder: Path) -> None:
    try:
        file = stack.enter_context(path.open("a+", encoding="utf-8"))
    except OSError as error:
        raise _unwritable(path, error) from error
    if fcntl is None:
        return
    try:
        _lock(file, path, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        raise Held(
            f"{folder} is being worked on by {holder}.",
            path=str(folder),
            allowed="one coordinator at a time; shards (--shard 1/4 ... 4/4) may run side by side",
            nearest=f"clickmarket status {shlex.quote(str(folder))}",
        ) from error
    if not shared:
        try:
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            stack.callback(_forget, file)
        except OSError as error:
            with contextlib.suppress(OSError):  # what could not be written would be tried again
                file.close()
            raise _unwritable(path, error) from error


def _forget(file: IO[Any]) -> None:
    """Name nobody any more, while the lock is still held."""
    with contextlib.suppress(OSError):
        file.truncate(0)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be written to: {error.strerror}.", path=str(path))
