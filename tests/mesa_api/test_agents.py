"""Workers, requesters, platforms, governments and collectives are Mesa agents, and honest ones."""

from __future__ import annotations

import pytest

from tests.conftest import Exercised
from tests.mesa_api import checks

CHECKS = {
    "agents registered": (checks.registered, 100),
    "attributes read and written": (checks.attributes, 300),
    "workers whose written pay counts": (checks.written_state_counts, 100),
    "workers who change platform": (checks.moved_off_the_board, 20),
    "workers refused by a platform": (checks.moved_only_where_admitted, 10),
    "sessions written": (checks.duty_as_written, 20),
    "workers removed": (checks.removal, 15),
    "values of requesters helped by machines": (checks.value_as_set, 10),
    "requesters removed": (checks.removed_requester, 3),
    "workers in agent sets": (checks.agent_sets, 100),
    "plans foretold": (checks.foretold_plans, 100),
    "reservation wages": (checks.foretold_wages, 100),
    "decisions to leave foretold": (checks.foretold_leaving, 100),
    "choices of platform foretold": (checks.foretold_platforms, 100),
    "targets of pay foretold": (checks.foretold_targets, 16),
    "acceptances agreed": (checks.foretold_acceptance, 1000),
    "pairs of classes of the same bits": (checks.same_bits, 2),
    "questions counted": (checks.asked_as_often_as_due, 100),
    "classes with other outcomes": (checks.outcomes_change, 9),
    "values of agents made on demand": (checks.on_demand, 1000),
    "agents copied": (checks.copies, 100),
    "reports collected": (checks.collected, 1000),
    "objects let go": (checks.let_go, 6),
}


@pytest.mark.parametrize("what", CHECKS)
def test_agents_are_honest(what: str, exercised: Exercised) -> None:
    """Each point of what an honest agent is; the checks say which."""
    check, floor = CHECKS[what]
    exercised(what, check(), floor)
