"""Checkpoints: the whole state of a run in one checksummed file of arrays and JSON.

A file begins with a line that names the format and the SHA-256 of all that follows: a NumPy archive
without pickled objects. It is written beside its place, flushed and renamed, so that a kill leaves
either the old checkpoint or the new one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.ledger import OWN

FORMAT = b"clickmarket checkpoint 11 "
META = "meta.json"

MODEL_ARRAYS = (
    "worker_rows",
    "collective_rows",
    "requester_rows",
    "platform_rows",
    "government_rows",
    "history_rows",
    "mixes",
    "pools",
    "joiners",
    "first_active",
    "outside_value",
    "reported_pay",
    "platform_pay",
    "floors",
    "terms",
    "offered_labels",
    "portable",
    "shared_labels",
    "log_platform_pay",
    "week_pay",
    "month_transactions",
    "joined_today",
    "left_today",
    "known_earnings",
    "best_hours",
    "today",
    "last_start",
    "last_minutes",
    "order",
    "bucket_starts",
    "audience_rows",
)
MODEL_NUMBERS = ("hour", "day", "week", "utc_hour", "workers_count", "recording", "needs_bucketing")
LEDGER_ARRAYS = ("totals", "flows", *OWN)


def write_archive(path: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Write arrays and a JSON object into one checksummed file, in one step."""
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    np.savez(buffer, allow_pickle=False, **{META: text, **arrays})
    content = buffer.getvalue()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(FORMAT + hashlib.sha256(content).hexdigest().encode() + b"\n")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        if sys.platform != "win32":  # there no folder can be opened
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"The checkpoint cannot be written: {error.strerror}.", value=str(path)) from error


def read_archive(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the JSON object of a checkpoint.

    Raises
    ------
    UserError
        If the file is missing, is no checkpoint, or is damaged.
    """
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The checkpoint cannot be read: {error.strerror}.", path="resume", value=str(path)
        ) from error
    head, separator, content = whole.partition(b"\n")
    if not separator or head != FORMAT + hashlib.sha256(content).hexdigest().encode():
        raise UserError(
            "This is no checkpoint, or it is damaged.",
            path="resume",
            value=str(path),
            allowed="a checkpoint that this version wrote, unchanged",
        )
    with zipfile.ZipFile(io.BytesIO(content)):
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(arrays.pop(META).tobytes())
    return arrays, meta


def state_of(model: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return everything that the next hours of a model depend on."""
    arrays = {f"model.{name}": getattr(model, name) for name in MODEL_ARRAYS}
    arrays |= {f"ledger.{name}": getattr(model.ledger, name) for name in LEDGER_ARRAYS}
    for number, board in enumerate(model.boards):
        arrays |= {f"board.{number}.{name}": array for name, array in board.state_arrays().items()}
    arrays |= {f"offices.{name}": array for name, array in model.offices.state().items()}
    if model.ai is not None:
        arrays |= {f"ai.{name}": array for name, array in model.ai.state().items()}
    meta = {name: int(getattr(model, name)) for name in MODEL_NUMBERS}
    return arrays, {"model": meta, "transfers": model.ledger.transfers_booked}


def aligned(array: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Return the array as the very type of another: files do not keep that records are aligned."""
    return array.view(like.dtype) if array.dtype.names else array


def restore(model: Any, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Put a model into a saved state."""
    for name in MODEL_ARRAYS:
        setattr(model, name, aligned(arrays[f"model.{name}"], getattr(model, name)))
    for name in MODEL_NUMBERS:
        kind = type(getattr(model, name))
        setattr(model, name, kind(meta["model"][name]))
    for name in LEDGER_ARRAYS:
        getattr(model.ledger, name)[...] = arrays[f"ledger.{name}"]
    model.ledger.transfers_booked = int(meta["transfers"])
    model.offices.restore({name[8:]: array for name, array in arrays.items() if name.startswith("offices.")})
    if model.ai is not None:
        model.ai.restore({name[3:]: array for name, array in arrays.items() if name.startswith("ai.")})
    for number, board in enumerate(model.boards):
        head = f"board.{number}."
        board.restore({name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)})
