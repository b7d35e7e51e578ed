"""One comparison at a time: who plays it holds a lock file with the number of the process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sim.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there nobody is kept out.
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def only_one(folder: str | Path, name: str) -> Iterator[None]:
    """Hold the lock ``name`` in a folder; refuse if another process that lives holds it.

    The system lets go of a lock when its process dies, however that happens: a file left behind bars nobody.
    """
    path = Path(folder) / f".{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path)
    except OSError as error:
        raise UserError(
            f"The folder for results cannot be written to: {error.strerror}.",
            path="results.dir", value=str(folder),
        ) from error  # fmt: skip
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _locked(path: Path) -> BinaryIO:
    """Open the file and lock it; try again if its last holder takes it away in between."""
    while True:
        file = path.open("a+b")
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip() or "unknown"
            file.close()
            raise UserError(
                f"The same comparison is being played by process {holder}: wait for it, or stop it first."
            ) from None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode("ascii"))
            file.flush()
            return file
        file.close()
