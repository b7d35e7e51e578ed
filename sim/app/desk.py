"""The desk where sessions of the page leave requests: one is played at a time, few wait, each sees its own.

Finished results are kept by what was asked (`state.key_of`), so that nobody is shown the numbers of other
parameters, and two who ask the same share one run. A request that nobody waits for any more is stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.app import player
from sim.app.state import State, key_of, runs_of
from sim.errors import UserError

MOST_WAITING = 20
MOST_KEPT = 32
"""Finished requests whose files are kept."""

WAITING, RUNNING, FINISHED, BROKEN, STOPPED = "waiting", "running", "finished", "failed", "stopped"
DIED = "The process that played this has died, perhaps for want of memory; fewer workers or days may fit."


@dataclass(eq=False)
class Job:
    """A request: what is asked, who waits for it, and how far it is.

    Attributes
    ----------
    key, state, folder
        What is asked; where its files go.
    holders
        Sessions that wait for it.
    status, phase, days
        Where it is in the queue; compiling or playing; simulated days that are over, of all its runs.
    so_far
        What there is of it while it is played: of some seeds.
    began, days_before
        When the days that are being played began (seconds of a steady clock), and how many were over then.
    paths, error
        What came of it.
    """

    key: str
    state: State
    folder: Path
    holders: set[str] = field(default_factory=set)
    status: str = WAITING
    phase: str = player.PLAYING
    days: int = 0
    so_far: player.Paths | None = None
    began: float | None = None
    days_before: int = 0
    paths: player.Paths | None = None
    error: UserError | None = None

    @property
    def share(self) -> float:
        """Share of the simulated days that are over."""
        return min(1.0, self.days / self.all_days)

    @property
    def all_days(self) -> int:
        """Simulated days of all its runs."""
        return runs_of(self.state) * (self.state.days + self.state.warmup)

    def seconds_left(self, now: float) -> float | None:
        """How long it will take from now on at the pace so far; None before there is a pace."""
        played = self.days - self.days_before
        if self.began is None or played <= 0:
            return None
        return (now - self.began) * max(0, self.all_days - self.days) / played

    def enter(self, phase: str, now: float) -> None:
        """Note that days are played in another way from now on."""
        if phase != self.phase or self.began is None:
            self.phase, self.began, self.days_before = phase, now, self.days


class Player:
    """The process that plays, with a private line to it.

    It is a program of its own: one that is "spawned" would begin by importing what Streamlit takes for the
    main program, which is the page.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        path = [str(Path(player.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", player.__package__, str(theirs.fileno())],
                stdin=subprocess.PIPE,  # it ends as this end of the pipe does, and so with the server
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            )
        self.connection = Connection(ours.detach())

    @property
    def is_alive(self) -> bool:
        """Whether it can play."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once, whatever it is doing; its own processes end with it."""
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        """End it, and close the line to it, on which nobody listens any more."""
        self.kill()
        self.connection.close()


class Desk:
    """Takes requests, has them played one after another, and keeps what came of them.

    Parameters
    ----------
    most_waiting
        Requests that may wait beside the one that is played.
    """

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self.most_waiting = most_waiting
        self.folder = Path(tempfile.mkdtemp(prefix="clickmarket-explore-"))
        self.changed = threading.Condition()
        self.queue: deque[Job] = deque()
        self.running: Job | None = None
        self.kept: OrderedDict[str, Job] = OrderedDict()
        self.player: Player | None = None
        self.closed = False
        self.count = 0
        self.clerk = threading.Thread(target=self._work, name="clickmarket-desk", daemon=True)
        self.clerk.start()

    # ------------------------------------------------------------ for sessions

    def ask(self, session: str, state: State) -> Job:
        """Have a state played for a session, which waits for nothing else from now on; return the request."""
        key = key_of(state)
        with self.changed:
            self._let_go(session, but=key)
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
            waiting = (one for one in self._open() if one.key == key and one.status != STOPPED)
            job = next(waiting, None)
            if job is None:
                if self.closed or len(self.queue) >= self.most_waiting:
                    raise UserError(
                        "Too many requests are waiting; nothing was started.", value=len(self.queue),
                        allowed=f"{self.most_waiting} at a time", nearest="the same in a minute",
                    )  # fmt: skip
                self.count += 1
                job = Job(key, state, self.folder / f"{self.count:06d}")
                self.queue.append(job)
            job.holders.add(session)
            self.changed.notify_all()
            return job

    def cancel(self, session: str) -> None:
        """Let a session wait for nothing any more; what nobody waits for is stopped."""
        with self.changed:
            self._let_go(session)

    def found(self, state: State) -> Job | None:
        """Return what came of exactly this state, if it was played and is kept."""
        with self.changed:
            job = self.kept.get(key_of(state))
            if job is not None:
                self.kept.move_to_end(job.key)
            return job

    def position(self, job: Job) -> int:
        """Return how many requests are before one that waits."""
        with self.changed:
            return self.queue.index(job) + (self.running is not None) if job in self.queue else 0

    def wait(self, job: Job, seconds: float) -> bool:
        """Wait until a request has come to its end; return whether it has."""
        ended = (FINISHED, BROKEN, STOPPED)
        with self.changed:
            return self.changed.wait_for(lambda: job.status in ended, seconds)

    def close(self) -> None:
        """Stop everything and remove all files."""
        with self.changed:
            self.closed = True
            for job in self._open():
                job.holders.clear()
            self._let_go("")
            if self.player is not None:
                self.player.kill()
            self.changed.notify_all()
        self.clerk.join()
        if self.player is not None:
            self.player.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ within

    def _open(self) -> list[Job]:
        """Return the requests that are waiting or played."""
        return [*([self.running] if self.running else []), *self.queue]

    def _let_go(self, session: str, but: str = "") -> None:
        for job in self._open():
            if job.key != but:
                job.holders.discard(session)
            if not job.holders and job.status != STOPPED:
                job.status = STOPPED
                if job is self.running and self.player is not None:
                    self.player.kill()
                elif job in self.queue:
                    self.queue.remove(job)
        self.changed.notify_all()

    def _work(self) -> None:
        """Have requests played, one after another."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.closed or self.queue)
                if self.closed:
                    return
                job = self.running = self.queue.popleft()
                job.status = RUNNING
                if self.player is not None and not self.player.is_alive:
                    self.player.close()
                    self.player = None
                if self.player is None:
                    self.player = Player()
                connection = self.player.connection
                self.changed.notify_all()
            ended = self._listen(job, connection)
            with self.changed:
                self._end(job, ended)
                self.running = None
                self.changed.notify_all()

    def _listen(self, job: Job, connection: Connection) -> tuple[Any, ...]:
        """Hand a request to the process, note what it tells, and return its last word."""
        try:
            connection.send((job.state, str(job.folder)))
            while True:
                word, *rest = connection.recv()
                if word == player.DAY:
                    job.days += 1
                elif word in (player.COMPILING, player.PLAYING):
                    job.enter(word, time.monotonic())
                elif word == player.SO_FAR:
                    (job.so_far,) = rest
                else:
                    return (word, *rest)
        except (EOFError, OSError):
            return player.FAILED, UserError(DIED)

    def _end(self, job: Job, ended: tuple[Any, ...]) -> None:
        word, found = ended
        if word == player.DONE and job.status != STOPPED:
            job.paths, job.status = found, FINISHED
            self.kept[job.key] = job
            while len(self.kept) > MOST_KEPT:
                self._remove(self.kept.popitem(last=False)[1])
            return
        if job.status != STOPPED:
            job.error, job.status = found, BROKEN
        self._remove(job)

    def _remove(self, job: Job) -> None:
        with contextlib.suppress(OSError):
            shutil.rmtree(job.folder)
