"""What tests of the page share: a desk, and a market so small that it is played in a moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

pytest.importorskip("streamlit", reason="the page needs the extra `app`")

from sim.app.desk import FINISHED, Desk, Job
from sim.app.state import State

TINY = State(world="north_south", workers=200, days=28, warmup=4, seeds=2)
"""The month that ends within it has incomes and taxes move."""

PATIENCE_SECONDS = 400
"""How long a test waits for what must come; a machine that compiles first needs minutes."""


@pytest.fixture(autouse=True)
def main_program() -> Iterator[None]:
    """Streamlit puts the page in the place of the main program, which new processes import."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


def played(desk: Desk, state: State, session: str = "test") -> Job:
    """Have a state played, and wait until it is."""
    job = desk.ask(session, state)
    assert desk.wait(job, PATIENCE_SECONDS)
    assert job.status == FINISHED, job.error
    return job
