"""The program in C++: compiling it, checking its bits, timing it beside the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

import numpy as np

from benchmarks.dump import Call, copied

SOURCE = Path(__file__).with_name("search.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=off", "-Wall", "-Wextra")


def compiler() -> str | None:
    """Return the path of the C++ compiler (`CXX`, or else g++), or None."""
    return shutil.which(os.environ.get("CXX", "g++"))


def build(folder: Path, source: str | None = None) -> Path:
    """Compile the program against the `records.h` of a folder of calls; return the program."""
    text = SOURCE.read_text(encoding="utf-8") if source is None else source
    (folder / "search.cpp").write_text(text, encoding="utf-8")
    program = folder / "search"
    command = [str(compiler()), *FLAGS, f"-I{folder}", str(folder / "search.cpp"), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def check(program: Path, headers: Sequence[Path]) -> str:
    """Let the program play calls and compare; return what differs, nothing if all bits are the same."""
    done = subprocess.run([program, "check", *headers], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return done.stdout + done.stderr or f"the program ended with {done.returncode}"


class Timer:
    """The program, loaded with calls and waiting to play them."""

    def __init__(self, program: Path, headers: Sequence[Path]) -> None:
        self.process = subprocess.Popen(
            [program, "time", *headers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Timer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.communicate()

    def seconds(self) -> float:
        """Play all calls once; return the CPU seconds they took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class KernelTimer:
    """The model's own kernel, with fresh copies of the same calls."""

    def __init__(self, kernel: Any, calls: Sequence[Call]) -> None:
        self.kernel = kernel
        self.calls = calls
        self.arrays = [{name: copied(array) for name, array in call.before.items()} for call in calls]

    def seconds(self) -> float:
        """Play all calls once; return the CPU seconds they took."""
        total = 0.0
        for call, arrays in zip(self.calls, self.arrays, strict=True):
            for name, array in call.before.items():
                arrays[name].view(np.uint8)[...] = array.view(np.uint8)
            arguments = call.arguments(arrays)
            began = time.process_time()
            self.kernel(*arguments)
            total += time.process_time() - began
        return total


def speeds(
    kernel: Any, calls: Sequence[Call], program: Path, headers: Sequence[Path], repetitions: int
) -> tuple[float, float, float]:
    """Return the kernel's speed relative to the program's and the median seconds of both, run by turns."""
    timer = KernelTimer(kernel, calls)
    with Timer(program, headers) as other:
        pairs = [(timer.seconds(), other.seconds()) for _ in range(repetitions + 2)][2:]
    return (
        median(theirs / ours for ours, theirs in pairs),
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
    )
