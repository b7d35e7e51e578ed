"""The search kernel's arguments of a real hour, as files for the program in C++.

    python -m benchmarks.dump FOLDER HOURS [SETTING ...]

plays a market to its last hour but one and dumps every call of the kernel in the hour after: `call-N.txt`
names scalars and arrays, `call-N.bin` holds the arrays before and after the call. `records.h` gives the
program the record types, the places in a board's `state` and the tables of numbers.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim import numeric
from sim.agents.traits import PLATFORM
from sim.columns import CACHE_LINE, aligned_zeros
from sim.composition import compose
from sim.market import board, search
from sim.market.settings import SETTINGS
from sim.model import ClickWorkModel

RECORDS = {
    "Listing": board.LISTING,
    "Batch": board.BATCH,
    "Taker": board.TAKER,
    "Active": board.ACTIVE,
    "Event": board.EVENT,
    "Platform": PLATFORM,
    "Settings": SETTINGS,
}
CONSTANTS = (
    *("OPEN", "FREE_TAKERS", "ENTERED", "EXHAUSTED", "LIVE", "EVENTS", "CUT_OFF"),
    *("RETURNED", "WORK", "RETURN", "BLOCK", "BINS", "FEW_SLOTS", "FRONT", "NEXT"),
)
ROWS_OF_A_BLOCK = ("AGENT", "WORD", "PLACE", "ORDER", "KEY", "KIND", "PAY", "SIGMA", "NOISE", "TASTE")
WHOLE_NUMBERS = {
    "DRAWS_OF_A_ROUND": search.DRAWS_OF_A_ROUND,
    "PARTS_OF_RANKING": search.PARTS_OF_RANKING,
    "RANK_SHIFT": search.RANK_SHIFT,
    "LOG_BITS": numeric.LOG_BITS,
    "LOG_START": numeric._LOG_START,
    "EXP_BITS": numeric.EXP_BITS,
    "TAIL_BITS": numeric.TAIL_BITS,
}
NUMBERS = {
    "LN2": numeric.LN2,
    "LN2_HIGH": numeric._LN2_HIGH,
    "LN2_LOW": numeric._LN2_LOW,
    "STEP_HIGH": numeric._STEP_HIGH,
    "STEP_LOW": numeric._STEP_LOW,
    "STEPS_PER_UNIT": numeric._STEPS_PER_UNIT,
}
TABLES = {
    "LOG_POINT": numeric._LOG_POINT,
    "LOG_HIGH": numeric._LOG_HIGH,
    "LOG_LOW": numeric._LOG_LOW,
    "EXP_HIGH": numeric._EXP_HIGH,
    "EXP_LOW": numeric._EXP_LOW,
    "LOG_TABLE": numeric._LOG_TABLE,
    "NORMAL": numeric._NORMAL,
}
C_TYPES = {"f4": "float", "f8": "double"}


@dataclass
class Call:
    """One call of the search kernel: its arguments, the arrays before and after, and the result."""

    scalars: dict[str, int]
    before: dict[str, np.ndarray[Any, Any]]
    after: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def arguments(self, arrays: dict[str, np.ndarray[Any, Any]]) -> list[Any]:
        """Return the kernel's arguments in order, with these arrays."""
        types = {"start_round": int}
        return [
            arrays[name] if name in arrays else types.get(name, np.uint64)(self.scalars[name])
            for name in argument_names()
        ]


def argument_names() -> list[str]:
    """Return the names of the search kernel's arguments."""
    from sim.market.search import search

    return list(inspect.signature(getattr(search, "py_func", search)).parameters)


def capture(model: ClickWorkModel) -> list[Call]:
    """Play one hour of a model and return every call of the search kernel in it."""
    names = argument_names()
    calls: list[Call] = []
    kernel = model.kernels.search

    def recorded(*values: Any) -> int:
        given = dict(zip(names, values, strict=True))
        arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
        scalars = {name: int(value) for name, value in given.items() if name not in arrays}
        call = Call(scalars, {name: copied(array) for name, array in arrays.items()})
        result = kernel(*values)
        call.after = {name: copied(array) for name, array in arrays.items()}
        call.scalars["result"] = int(result)
        calls.append(call)
        return result

    kernels = model.kernels
    model.kernels = replace(kernels, search=recorded)
    try:
        model.step()
    finally:
        model.kernels = kernels
    return calls


def copied(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy of every byte; NumPy's own leaves the padding of records undefined."""
    copy = aligned_zeros(array.size, array.dtype)
    copy.view(np.uint8)[:] = array.reshape(-1).view(np.uint8)
    return copy.reshape(array.shape)


def write_calls(calls: list[Call], folder: Path) -> list[Path]:
    """Write calls and `records.h` into a folder; return the headers of the calls."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "records.h").write_text(records_header(), encoding="utf-8")
    headers = []
    for number, call in enumerate(calls):
        headers.append(folder / f"call-{number}.txt")
        write_call(call, headers[-1])
    return headers


def write_call(call: Call, header: Path) -> None:
    """Write one call: a text header and the bytes of its arrays beside it."""
    lines = [
        f"scalar {name} {np.uint64(value).view(np.int64)}"
        for name, value in call.scalars.items()
        if value >= 0
    ]
    lines += [f"scalar {name} {value}" for name, value in call.scalars.items() if value < 0]
    with header.with_suffix(".bin").open("wb") as data:
        for name, array in call.before.items():
            offsets = []
            for part in (array, call.after[name]):
                offsets.append(data.tell())
                data.write(part.view(np.uint8).data)
            lines.append(f"array {name} {array.dtype.itemsize} {array.size} {offsets[0]} {offsets[1]}")
    header.write_text("\n".join(lines) + "\n", encoding="utf-8")


def records_header() -> str:
    """Return the text of `records.h`."""
    parts = ["#pragma once", "", "#include <cstddef>", "#include <cstdint>", ""]
    parts += [f"constexpr int {name} = {getattr(board, name)};" for name in CONSTANTS]
    parts += [f"constexpr int {name} = {getattr(search, name)};" for name in ROWS_OF_A_BLOCK]
    parts += [f"constexpr std::int64_t {name} = {value};" for name, value in WHOLE_NUMBERS.items()]
    parts += [f"constexpr double {name} = {float(value).hex()};" for name, value in NUMBERS.items()]
    for name, table in TABLES.items():
        values = ", ".join(float(value).hex() for value in table)
        parts.append(f"alignas(64) constexpr double {name}[] = {{{values}}};")
    for name, record in RECORDS.items():
        parts += ["", *struct(name, record)]
    return "\n".join(parts) + "\n"


def struct(name: str, record: np.dtype[Any]) -> list[str]:
    """Return a record type as a struct of C++ and what must hold of its layout."""
    whole_lines = record.itemsize % CACHE_LINE == 0
    lines = [f"struct alignas({CACHE_LINE if whole_lines else record.alignment}) {name} {{"]
    checks = [f"static_assert(sizeof({name}) == {record.itemsize});"]
    for column in record.names or ():
        kind, offset = record.fields[column][:2]  # type: ignore[index]
        code = kind.str[1:]
        c_type = C_TYPES.get(code) or f"std::{'u' if kind.kind == 'u' else ''}int{8 * kind.itemsize}_t"
        lines.append(f"    {c_type} {column};")
        checks.append(f"static_assert(offsetof({name}, {column}) == {offset});")
    return [*lines, "};", *checks]


def main(words: list[str]) -> None:
    folder, hours, settings = Path(words[0]), int(words[1]), words[2:]
    model = ClickWorkModel(compose(["time.warmup_days=0", *settings]))
    model.run(hours - 1)
    for header in write_calls(capture(model), folder):
        print(header)


if __name__ == "__main__":
    main(sys.argv[1:])
