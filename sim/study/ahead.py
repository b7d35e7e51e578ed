"""Compiling ahead, on several cores: a scout finds out what a first command needs, helpers compile it.

Numba compiles one function at a time, at its first call; but processes share what they compile. The scout, a
process without the compiler, plays a few hours of few workers and tells with which types kernels are called.
What it has not met, or helpers could not keep, is compiled when it is called: whatever goes wrong here costs
time and nothing else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from typing import Any

import numba

from sim import compile as compiler
from sim.agents.platform import refuse_unknown_countries
from sim.clock import Clock
from sim.config import Config
from sim.market import posting
from sim.market.kernels import choose_kernels
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.policy.office import Offices
from sim.study.engine import Local, cores, error_of, result_of, some_ended
from sim.world import load_world

TOLD = "Compiling the model for this machine, once: about a minute."
WITHOUT_COMPILER = "NUMBA_DISABLE_JIT"
MOST_PROCESSES = 4
"""Processes beyond which the longest kernel alone takes as long as all others."""

PATIENCE_SECONDS = 300.0
"""Time after which helpers are taken to hang; on two slow cores they take one minute."""

FEW_AGENTS = 200
FIRST_HOURS = 4
MOST_MARKETS = 4
"""Configurations that the scout plays, a second each; others differ from these in little."""

SLOWEST = ("search", "insert", "post", "close", "review", "write_first_workers", "come_on_duty", "settle")
"""Kernels that take longest to compile, longest first: who takes one last would keep the others waiting."""

TRIED: list[str] = []
"""Folders of the compiler in which this process has tried to compile ahead: it is not tried twice."""

Rules = Any
Call = tuple[str, str, tuple[Any, ...]]
"""Module and name of a kernel, and the compiler's types of what it is handed."""


def compile_ahead(configs: Iterable[Config], rules: Rules = None, quiet: bool = False) -> bool:
    """Compile what the first runs need, if nothing is compiled yet; return whether it still is not.

    Parameters
    ----------
    configs
        Configurations that are about to be played.
    rules
        Rules from outside, as `load_plugins` returns them.
    quiet
        Say nothing, for a program that may not be ours. Its main file would be read anew by each process,
        and may play what it plays; so if there is one, none is started.

    Raises
    ------
    UserError
        What only the world shows to be wrong with the first of them: it need not wait for the compiler.
    """
    rest = iter(configs)
    first = next(rest)  # the others are composed only if they are needed
    modules = _modules(first, rules)
    folder = str(compiler.cache_folder())
    if not compiler.is_cold(*modules) or folder in TRIED:
        return compiler.is_cold(*modules)
    _refuse(first)
    TRIED.append(folder)
    if not quiet:
        print(TOLD, file=sys.stderr, flush=True)
    readable = quiet and hasattr(sys.modules["__main__"], "__file__")
    if cores() > 1 and not readable and multiprocessing.parent_process() is None:
        _compile([first, *islice(rest, MOST_MARKETS - 1)], rules)
    return compiler.is_cold(*modules)


def _refuse(config: Config) -> None:
    """Raise what a world, or its tax offices, have against a configuration."""
    world = load_world(config.world.table)
    refuse_unknown_countries(config, world)
    start = dt.date.fromisoformat(config.time.start)
    Offices(config, world, Clock(start, world.zones, config.time.daylight_saving))


def _modules(config: Config, rules: Rules) -> list[Any]:
    """Return modules of kernels, or of their variants, that every run needs."""
    return [sys.modules[choose_kernels(config, rules).search.__module__], posting]


def _compile(configs: Sequence[Config], rules: Rules) -> None:
    """Have processes compile what the scout meets; they end in any case."""
    until = time.monotonic() + PATIENCE_SECONDS
    with contextlib.ExitStack() as stack:
        helpers = Local(min(cores(), MOST_PROCESSES))
        stack.callback(helpers.abandon)
        helpers.prepare(_modules, configs[0], rules)
        with _without_compiler():
            scouting = Local(1)
            stack.callback(scouting.abandon)
            met = scouting.submit(scout, configs, rules)
        with contextlib.suppress(Exception):
            _wait([met], until)
            calls = sorted(result_of(met), key=_place)
            _wait([helpers.submit(compile_one, call, configs, rules) for call in calls], until)


def _place(call: Call) -> int:
    return SLOWEST.index(call[1]) if call[1] in SLOWEST else len(SLOWEST)


def _wait(futures: Sequence[Future[Any]], until: float) -> None:
    """Wait for helpers, in steps between which Ctrl+C is heard, while they come on with what they do.

    One that cannot keep what it has compiled fails: the others need not go on either.
    """
    left = set(futures)
    while left and time.monotonic() < until:
        finished = some_ended(left)
        left -= finished
        if any(isinstance(error_of(future), OSError) for future in finished):
            return


@contextlib.contextmanager
def _without_compiler() -> Iterator[None]:
    """Let processes that start inside the block play without the compiler, which is on in this one."""
    os.environ[WITHOUT_COMPILER] = "1"
    try:
        yield
    finally:
        del os.environ[WITHOUT_COMPILER]


# ---------------------------------------------------------------- the helpers' side


def scout(configs: Sequence[Config], rules: Rules = None) -> list[Call]:
    """Play a little of some markets without the compiler; return the calls of kernels that were met."""
    met: dict[Call, None] = {}

    def listen(kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        call = (kernel.__module__, kernel.__name__, tuple(map(numba.typeof, arguments)))
        met.setdefault(call)

    compiler.LISTENERS.append(listen)
    try:
        for config in configs:
            with contextlib.suppress(Exception):  # whoever plays it meets and tells of it
                play_a_little(config, rules)
    finally:
        compiler.LISTENERS.remove(listen)
    return list(met)


def play_a_little(config: Config, rules: Rules = None) -> None:
    """Play a few agents' first hours, and the first hour after a week and after a month."""
    small = replace(
        config,
        workers=replace(config.workers, count=min(config.workers.count, FEW_AGENTS)),
        requesters=replace(config.requesters, count=FEW_AGENTS),
        time=replace(config.time, warmup_days=0),
        compute=replace(config.compute, threads=1),
    )
    model = ClickWorkModel(small, plugins=rules)
    recorder = Recorder(model, lambda table: None)
    model.observers.append(recorder)
    model.run(FIRST_HOURS)
    for begins in (model.clock.is_week_start, model.clock.is_month_start):
        model.hour = next(24 * day for day in range(model.day + 1, model.day + 400) if begins(24 * day))
        model.run(1)
    model.end()
    recorder.frames()


def compile_one(call: Call, configs: Sequence[Config], rules: Rules = None) -> None:
    """Compile a kernel for the types of a call; OSError if what was compiled could not be kept."""
    module, name, types = call
    for config in configs if module not in sys.modules else ():
        choose_kernels(config, rules)  # a variant is known once it has been chosen
    found = sys.modules.get(module) or importlib.import_module(module)
    getattr(found, name).compile(types)
    if compiler.is_cold(found):
        raise OSError("the compiler's folder keeps nothing")
