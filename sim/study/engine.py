"""Engines: where the runs of a sweep are played. All of them speak `concurrent.futures.Executor`.

``serial`` plays in this process, ``local`` in processes of this machine, ``dask`` on the workers of a Dask
cluster. An engine may lose work or do it twice; the store makes that harmless.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from sim.errors import UserError, one_of
from sim.garbage import collect_seldom
from sim.stopping import held_back

ENGINES = ("local", "serial", "dask")
SCHEDULER_SECONDS = 30.0
"""Time that a Dask scheduler has to be there and to answer."""

TALKERS = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Who would log tracebacks when a connection is lost, beside the sentence that tells of it."""

COUNT_SECONDS = 2.0
"""Time between two looks at how many workers a cluster has."""

LISTEN_SECONDS = 0.2
"""Longest time for which a signal is held back while nothing has ended."""

GRACE_SECONDS = 30.0
"""Time that a run that is told to stop may take to do so."""

TOO_LATE = 75
"""Code with which a worker ends that cannot be stopped otherwise."""

TLS_FILES = tuple(
    f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")
)
"""Where Dask looks for what a client of a scheduler with TLS must have, besides its files of settings."""

MOST_JOBS_A_CORE = 8
"""Processes on a core beyond which more would only take memory (a convention)."""

WORKER_PROGRAMS = ("distributed.cli.dask_worker", "dask.__main__", "dask", "dask-worker")
"""Modules and scripts that are started to be a Dask worker and nothing else."""


class Engine(Protocol):
    """Where runs are played."""

    workers: int

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a task done; its result, or why there is none, will be in the future."""

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Have every worker do a task that makes it ready, while there is nothing else to do yet."""

    def recover(self) -> None:
        """Be ready again after a worker died."""

    def check(self) -> None:
        """Raise `UserError` if nobody is there any more who could work."""

    def abandon(self) -> None:
        """Stop whatever is running, at once."""

    def close(self) -> None:
        """Let go of the workers."""


def died(error: BaseException | None) -> bool:
    """Whether an error means that the worker is gone, not that the task failed."""
    if isinstance(error, (BrokenProcessPool, CancelledError, ConnectionError)):
        return True
    return type(error).__name__ in ("KilledWorker", "CommClosedError", "FutureCancelledError")


class SerialExecutor(Executor):
    """Does a task where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do the task now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  it is handed on, as an executor does
            future.set_exception(error)
        return future


class Serial:
    """Plays in this process."""

    workers = 1

    def __init__(self) -> None:
        self.executor = SerialExecutor()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do the task now."""
        return self.executor.submit(task, *arguments)

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Nobody could do it meanwhile."""

    def recover(self) -> None:
        """Nothing can have died."""

    def check(self) -> None:
        """Nobody else is needed."""

    def abandon(self) -> None:
        """Nothing runs beside."""

    def close(self) -> None:
        """Nothing is held."""


class Local:
    """Plays in processes of this machine."""

    def __init__(self, workers: int, memory_mib: int = 0) -> None:
        self.workers = workers
        self.memory_mib = memory_mib
        self.executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A process that is born of this one by "fork" would inherit its threads' locks.
        context = multiprocessing.get_context("spawn")
        with _quiet_tracker():
            self.words = context.SimpleQueue()
        return ProcessPoolExecutor(self.workers, context, prepare_worker, (self.memory_mib, self.words))

    def told(self) -> Iterator[Any]:
        """Yield what tasks have said by `tell` since the last time."""
        while not self.words.empty():
            yield self.words.get()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have the task done by the next free process."""
        try:
            with held_back():
                return self.executor.submit(task, *arguments)
        except BrokenProcessPool as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Start all processes now: to import what they need takes them as long as it took this one."""
        for _ in range(self.workers):
            self.submit(task, *arguments)

    def recover(self) -> None:
        """Start new processes; with one dead, the pool is of no use any more."""
        self.abandon()
        self.executor = self._start()

    def check(self) -> None:
        """Processes are started anew when they die."""

    def abandon(self) -> None:
        """Kill the processes."""
        for process in list((self.executor._processes or {}).values()):
            with contextlib.suppress(OSError):
                process.kill()
        with held_back():
            self.executor.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Let the processes end."""
        with held_back():
            self.executor.shutdown(wait=True, cancel_futures=True)


def some_ended(futures: Collection[Future[Any]]) -> set[Future[Any]]:
    """Return the futures that have ended, once there is one or after a moment: then a signal is heard."""
    with held_back():
        return wait(futures, timeout=LISTEN_SECONDS, return_when=FIRST_COMPLETED).done


def error_of(future: Future[Any]) -> BaseException | None:
    """Return what an ended future's task raised, or that it was cancelled; None if it has a result."""
    with held_back():
        return CancelledError() if future.cancelled() else future.exception()


def result_of(future: Future[Any]) -> Any:
    """Return what an ended future's task returned, or raise what it raised; `TimeoutError` if it has not."""
    with held_back():
        return future.result(timeout=0)


@contextlib.contextmanager
def _quiet_tracker() -> Iterator[None]:
    """Have the process that cleans up after a kill -9 do so without a warning."""
    name, ours = "PYTHONWARNINGS", "ignore:resource_tracker:UserWarning"
    before = os.environ.get(name)
    os.environ[name] = f"{before},{ours}" if before else ours
    try:
        multiprocessing.resource_tracker.ensure_running()
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class Dask:
    """Plays on a Dask cluster: at an address, by a scheduler file, or one of this machine's own.

    Memory is limited in workers of this machine's own alone; whoever starts others limits them.
    """

    def __init__(self, where: str, workers: int, memory_mib: int = 0) -> None:
        distributed = _distributed()
        for name in TALKERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if where:
            self.client = _connected(distributed, where)
        else:
            cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            )
            self.client = distributed.Client(cluster)
        self.executor = self.client.get_executor(pure=False, retries=0)
        self.memory_mib = 0 if where else memory_mib
        self.workers, self.missing, self.counted = 1, False, 0.0
        self._count()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have the task done by a worker of the cluster."""
        limited = (_within, self.memory_mib) if self.memory_mib else ()
        with held_back():
            future: Future[Any] = self.executor.submit(*limited, task, *arguments)
        return future

    def prepare(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Others may be waiting for the workers of a cluster."""

    def recover(self) -> None:
        """Dask starts workers that died anew, and gives their tasks to others."""

    def check(self) -> None:
        """Once the scheduler is gone nothing comes back of what was handed out, even if another one comes."""
        if self.client.status == "running":
            self._count()
        else:
            raise UserError(
                "The scheduler is gone. What is done is kept, and the same command goes on from there.",
                path="engine",
                value="dask",
                allowed="dask with a scheduler, or any other engine",
                nearest="engine=local",
            )

    def _count(self) -> None:
        """See now and then how many workers there are: some may come later, and others go."""
        if time.monotonic() - self.counted < COUNT_SECONDS:
            return
        self.counted = time.monotonic()
        with contextlib.suppress(OSError):  # the scheduler has just gone; that is told the next time
            found = len(self.client.scheduler_info(n_workers=-1)["workers"])
            if not found and not self.missing:
                print(
                    "No worker is connected to the scheduler: waiting for one.", file=sys.stderr, flush=True
                )
            self.workers, self.missing = max(1, found), not found

    def abandon(self) -> None:
        """Cancel what is queued or running, and part from the cluster."""
        self.close()

    def close(self) -> None:
        """Part from the cluster; one of this machine's own ends with it."""
        if self.client.status == "running":
            self.executor.shutdown(wait=False)
        cluster = self.client.cluster
        self.client.close()
        if cluster is not None:
            cluster.close()


def _connected(distributed: Any, where: str) -> Any:
    """Return a client of the scheduler at an address, or of the one that a scheduler file tells of."""
    by_file = where.endswith(".json")
    until = time.monotonic() + SCHEDULER_SECONDS
    while by_file and not Path(where).is_file() and time.monotonic() < until:
        time.sleep(0.5)  # a scheduler that has just been started writes its file in a moment
    try:
        address = where
        if by_file:  # the client itself would wait for a file without end
            address = str(json.loads(Path(where).read_text())["address"])
        security = _security(distributed, where) if address.startswith("tls://") else None
        return distributed.Client(address, timeout=SCHEDULER_SECONDS, security=security)
    except (OSError, ValueError, TypeError, KeyError) as error:  # a time that ran out is an OSError
        raise UserError(
            "leads to no scheduler that answers.",
            path="address",
            value=where,
            allowed="tcp:// or tls://host:port of a Dask scheduler, or the .json file that it wrote",
            nearest="engine=local, without address",
        ) from error


def _security(distributed: Any, where: str) -> Any:
    """Return the certificates of Dask's configuration; refuse to go on without them, or with broken ones."""
    security = distributed.Security(require_encryption=True)
    try:
        if security.get_connection_args("client")["ssl_context"] is not None:
            return security
        why = "Dask's configuration names none"
    except OSError as error:  # ssl.SSLError is one
        why = f"Dask cannot read those of its configuration ({error.strerror or error})"
    raise UserError(
        f"needs certificates for TLS, and {why}.",
        path="address",
        value=where,
        allowed="files in PEM format, named by " + ", ".join(TLS_FILES),
        nearest="export them, or name the files in Dask's own file of settings, as docs/cluster.md shows",
    )


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UserError(
            "needs packages that are not installed.",
            path="engine",
            value="dask",
            allowed="engine=local; or install the extra: pip install 'clickmarket[dask]'",
            nearest="engine=local",
        ) from error
    return distributed


def start(name: str, workers: int = 0, where: str = "", memory_mib: int = 0) -> Engine:
    """Start an engine.

    Parameters
    ----------
    name
        One of ``ENGINES``.
    workers
        Processes; 0 for one on every core. A cluster at an address has its own.
    where
        For Dask: address of a scheduler, or the path of a scheduler file (``.json``).
    memory_mib
        Address space that each process may use which is started here, in MiB; 0 for no limit.
    """
    check_options(name, workers, where, memory_mib)
    workers = workers or cores()
    if name == "serial":
        return Serial()
    return Local(workers, memory_mib) if name == "local" else Dask(where, workers, memory_mib)


def check_options(name: str, workers: int = 0, where: str = "", memory_mib: int = 0) -> None:
    """Refuse an engine that there is not, what it would not heed, and more processes than can be of use.

    Raises
    ------
    UserError
        For the first of them.
    """
    check_name(name)
    most = MOST_JOBS_A_CORE * cores()
    if where and name != "dask":
        raise _unheeded("address", where, "it belongs to another engine", "beside engine=dask", "engine=dask")
    if workers > 1 and name == "serial":
        raise _unheeded(
            "jobs", workers, "engine=serial plays in one process", "beside engine=local", "engine=local"
        )
    if workers and where:
        raise _unheeded(
            "jobs", workers, "the cluster at an address has its own workers",
            "beside engine=local, or engine=dask without an address", f"address={where}, without jobs",
        )  # fmt: skip
    if memory_mib and name == "serial":
        raise _unheeded(
            "memory", memory_mib, "engine=serial plays in the process that would be limited",
            "beside engine=local, or engine=dask without an address", "engine=local jobs=1",
        )  # fmt: skip
    if memory_mib and where:
        raise _unheeded(
            "memory", memory_mib, "whoever starts the workers of a cluster limits them",
            "--memory-limit of Dask's workers, or ulimit -v before they start",
            f"address={where}, without memory",
        )  # fmt: skip
    if workers > most:
        raise UserError(
            f"is more than this machine can use: it has {cores()} cores.",
            path="jobs",
            value=workers,
            allowed=f"1 to {most:,}, {MOST_JOBS_A_CORE} a core; 0 for one on every core",
            nearest=f"jobs={cores()}",
        )


def _unheeded(path: str, value: Any, why: str, allowed: str, nearest: str) -> UserError:
    return UserError(f"has no effect: {why}.", path=path, value=value, allowed=allowed, nearest=nearest)


def check_name(name: str) -> None:
    """Refuse an engine that there is not."""
    one_of("engine", name, ENGINES)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


LISTENING: list[Any] = []
"""In a worker, what its parent listens to."""


def prepare_worker(memory_mib: int, words: Any = None) -> None:
    """Make a process a worker: it ends with its parent, which alone hears Ctrl+C; memory is limited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    LISTENING[:] = [words]
    end_with_parent()
    limit_memory(memory_mib)


def limit_memory(mib: int) -> None:
    """Have the system refuse this process more address space than so many MiB; 0 for no limit."""
    if mib:
        import resource

        limit = mib * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _within(memory_mib: int, task: Callable[..., Any], *arguments: Any) -> Any:
    """Do a task in a worker that may have been started anew, and without a limit, since the last one."""
    limit_memory(memory_mib)
    return task(*arguments)


def tell(word: Any) -> None:
    """Say something to the process that this one works for, which may listen while the task goes on."""
    LISTENING[0].put(word)


def end_with_parent() -> None:
    """End this process at once when its parent dies, also by kill -9."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait_and_end() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait_and_end, daemon=True).start()


class RunTimeout(Exception):
    """A run took longer than allowed."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `RunTimeout` inside the block once so many seconds have passed; 0 for no limit.

    In the main thread a signal does it, whatever is going on. Another thread, as on a Dask worker, can only
    be stopped between two steps of Python. One that does not come to such a step within `GRACE_SECONDS` ends
    its process, where that is a Dask worker, which begins anew: the run is then one with which workers die.
    """
    late = RunTimeout(f"it took longer than {seconds:g} seconds")
    if seconds <= 0:
        yield
    elif hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
        with _stopped_by_signal(seconds, late):
            yield
    else:
        try:
            with _stopped_from_beside(seconds):
                yield
        except _Stopped:
            raise late from None


@contextlib.contextmanager
def _stopped_by_signal(seconds: float, late: RunTimeout) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise late

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Stopped(Exception):
    """What another thread raises in the one that is late."""


@contextlib.contextmanager
def _stopped_from_beside(seconds: float) -> Iterator[None]:
    thread, ended, turn = threading.get_ident(), threading.Event(), threading.Lock()

    def watch() -> None:
        if ended.wait(seconds):
            return
        with turn:
            if not ended.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Stopped))
        if not ended.wait(GRACE_SECONDS):
            _begin_anew()

    try:
        try:
            threading.Thread(target=watch, daemon=True).start()
            yield
        finally:
            with turn:  # whatever is raised from beside, and that once, is raised before this ends
                ended.set()
    finally:
        ended.set()


def _begin_anew() -> None:
    """End this process if it is a Dask worker: its nanny starts another one, or it takes its own place.

    In a process of a user's own, which holds more than a worker, nothing is ended.
    """
    distributed = sys.modules.get("distributed")
    workers = distributed.Worker._instances if distributed else ()
    if any(getattr(worker, "nanny", None) for worker in workers):
        os._exit(TOO_LATE)
    if workers and _program() in WORKER_PROGRAMS:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _program() -> str:
    """Return the name of the module or of the script that this process was started with."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    return module.name if module else Path(sys.argv[0]).name
