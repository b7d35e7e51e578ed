"""Cooperatives, the commons, and records that do not move: who gets what, who decides, what stays as it was.

The checks are in ``tests.support.members``; each is shown to notice a planted bug at the end of this file.
"""

from __future__ import annotations

import pytest

from sim.composition import compose
from sim.errors import UserError
from sim.instruments import Policies
from sim.policy.office import refuse_unknown_names
from sim.world import load_world
from tests.conftest import Exercised
from tests.support import conditions, members, policies
from tests.support.checks import FAULTS
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.policies import FEBRUARY, MARCH
from tests.support.policy_plants import OF_MEMBERS
from tests.support.processes import python


@pytest.mark.parametrize("seed", [1, 3])
def test_members_of_a_cooperative(seed: int, exercised: Exercised) -> None:
    """Fee, floor, order and patronage: from events and flows alone."""
    counts = members.members(seed)
    exercised("shares paid", counts["paid"], 50)
    exercised("votes", counts["votes"], 20)
    exercised("decisions", counts["decisions"], 2)


def test_an_order_that_changes_alone(exercised: Exercised) -> None:
    counts = members.order_alone()
    exercised("orders, one after the other", counts["orders"], 2)


@pytest.mark.parametrize("policy", [members.BY_STEPS, members.OF_THE_SOUTH], ids=["steps", "the South"])
def test_members_by_steps_and_by_country(policy: Policies, exercised: Exercised) -> None:
    """Fee, floor and order on their way to the members'; who lives elsewhere has neither vote nor share."""
    counts = members.members(2, policy)
    exercised("shares paid", counts["paid"], 30)
    exercised("votes", counts["votes"], 10)
    exercised("decisions", counts["decisions"], 2)
    if policy is members.OF_THE_SOUTH:
        exercised("shares of others that are none", counts["who earned and is no member"], 5)


def test_a_fee_voted_up(exercised: Exercised) -> None:
    counts = members.voted_fee()
    exercised("decisions", counts["decisions"], 3)
    exercised("of them for a higher fee", counts["for a higher fee"], 2)


def test_a_fee_voted_down(exercised: Exercised) -> None:
    """Where members want more work, an old one stays at cost, and one founded comes down to it."""
    counts = members.voted_fee(10.0)
    exercised("for a lower fee", counts["for a lower fee"], 2)
    exercised("voters of one that was founded", members.voted_down()["voters"], 3)


def test_a_cooperative_has_no_owners(exercised: Exercised) -> None:
    counts = members.surplus_is_no_rent()
    exercised("micro-dollars of surplus", counts["surplus"], 1_000_000)
    exercised("micro-dollars owed to lenders", counts["owed"], 1_000_000)


def test_a_platform_that_nobody_founds(exercised: Exercised) -> None:
    counts = members.closed_for_good()
    exercised("rows alike", counts["rows"], 150)
    exercised("requesters on several platforms", counts["on several platforms"], 10)


def test_a_cooperative_is_founded_and_closed(exercised: Exercised) -> None:
    counts = members.founded()
    exercised("members", counts["members"], 8)
    exercised("requesters", counts["requesters"], 3)
    exercised("tasks", counts["tasks"], 1_000)


def test_a_cooperative_is_founded_in_the_south(exercised: Exercised) -> None:
    exercised("members", members.founded_in_the_south()["members"], 3)


@pytest.mark.parametrize("seed", [1, 3])
def test_royalty_and_dividend(seed: int, exercised: Exercised) -> None:
    counts = members.royalties(seed)
    exercised("labels", counts["labels"], 10_000)
    exercised("other pieces of work", counts["other work"], 50)
    exercised("dividends paid", counts["paid"], 50)


def test_royalty_and_dividend_of_the_north(exercised: Exercised) -> None:
    """Requesters elsewhere pay nothing on top, and labels made elsewhere bring nothing."""
    counts = members.royalties(1, (0,))
    exercised("work for who owes nothing", counts["work for who owes nothing"], 50)
    exercised("labels that do not count", counts["labels that do not count"], 100)
    exercised("dividends paid", counts["paid"], 20)


def test_platforms_keep_what_is_theirs(exercised: Exercised) -> None:
    counts = members.platforms_keep_what_is_theirs()
    exercised("micro-dollars of royalty", counts["royalty"], 1_000_000)
    exercised("tasks", counts["tasks"], 10_000)


def test_unpaid_labels_share_in_the_fund(exercised: Exercised) -> None:
    exercised("micro-dollars to users", members.unpaid_labels()["to_users"], 10_000)


def test_unpaid_labels_of_one_country(exercised: Exercised) -> None:
    exercised("micro-dollars to users", members.unpaid_labels_of_the_north()["to_users"], 1_000)


def test_records_do_not_move(exercised: Exercised) -> None:
    """In a week a quarter of the newcomers' records begin to count, within what chance allows."""
    counts = members.records()
    exercised("others' work that asks for a record", counts["others' work"], 1_000)
    exercised("newcomers", counts["newcomers"], 50)
    exercised("newcomer-weeks", counts["newcomer-weeks"], 100)


def test_portable_records_move(exercised: Exercised) -> None:
    counts = members.portable()
    exercised("newcomers' work that asks for a record", counts["newcomers' work that asks for a record"], 500)


def test_portable_records_of_one_country_move(exercised: Exercised) -> None:
    exercised("work of its newcomers", members.portable_in_the_south()[f"newcomers' of {members.STH}"], 100)


def test_a_measure_lets_all_records_move(exercised: Exercised) -> None:
    exercised("work of the North's", members.portable_by_a_measure()[f"newcomers' of {members.NTH}"], 5)


def test_a_fee_at_cost_is_one_for_all() -> None:
    with pytest.raises(UserError, match="a platform has one fee for all"):
        compose(["policy=commons", "policy.commons.fee_at_cost=true", "policy.commons.countries=[IND]"])


def test_accounts(exercised: Exercised) -> None:
    counts = members.accounts()
    exercised("accounts compared", counts["accounts compared"], 100_000)
    for kind in ("royalty", "commons_dividend", "surplus", "patronage", "profit_tax"):
        exercised(f"micro-dollars of {kind}", counts[kind], 100_000)


def test_resumed(exercised: Exercised) -> None:
    counts = members.resumed()
    exercised("restarts", counts["restarts"], 4)
    exercised("micro-dollars in the last month", counts["paid"], 1_000)
    exercised("restarts", members.resumed(members.FOUNDED, (FEBRUARY + 1, MARCH + 1))["restarts"], 2)


def test_nothing_before_the_start(exercised: Exercised) -> None:
    policy = Policies(cooperative=members.COOPERATIVE.cooperative, commons=members.COMMONS.commons)
    exercised("hours alike", policies.before_the_start(policy, "2019-02-01", FEBRUARY)["hours"], 600)


def test_threads_and_order_of_storage(exercised: Exercised) -> None:
    policy = Policies(cooperative=members.COOPERATIVE.cooperative, commons=members.COMMONS.commons)
    exercised("events", conditions.same_anyhow(policy)["events"], 2_000)


def test_without_the_compiler(exercised: Exercised) -> None:
    """The same source gives the same bits when not compiled."""
    found = python("tests.support.members", environment={"NUMBA_DISABLE_JIT": "1"})
    assert found.strip() == members.short(), "the compiler shows"
    exercised("processes", 2, 2)


def test_two_worlds_apart(exercised: Exercised) -> None:
    exercised("rows of the other world", members.apart()["rows"], 100)


REFUSED = {
    "two conversions of one platform": (
        ["policy.cooperative.platforms=[microwork,microwork]"],
        "each name once",
    ),
    "a platform that is not there": (["policy.cooperative.platforms=[microwerk]"], "platforms=[microwork]"),
    "a social platform": (
        ["+platforms.faces.family=social", "policy.cooperative.platforms=[faces]"],
        "nobody is paid on faces",
    ),
    "members of no country": (["policy.cooperative.countries=[XXX]"], "none of the countries"),
    "bounds that cross": (["policy.cooperative.highest_fee=0.01"], "at least lowest_fee (0.05)"),
    "steps that fall": (["policy.cooperative.tasks_largest=5"], "which rise"),
    "a commons of no country": (["policy.commons.countries=[XXX]"], "none of the countries"),
    "a pool of a closed platform": (
        ["+platforms.later.closed=true", "+platforms.later.pool_share=0.1"],
        "0 for a platform that is closed",
    ),
}
"""What is refused, and what the error must say."""


@pytest.mark.parametrize("case", REFUSED)
def test_contradictions_are_refused(case: str) -> None:
    words, told = REFUSED[case]
    with pytest.raises(UserError) as error:
        refused(["world=global", "policy=[cooperative,commons]", *words])
    assert told in str(error.value), str(error.value)


def refused(words: list[str]) -> None:
    """Put a configuration together, and hold its names against the world."""
    refuse_unknown_names(compose(words), load_world("global"))


def test_the_built_in_entrant() -> None:
    words = ["platforms=with_cooperative", "policy=cooperative", "policy.cooperative.platforms=[cooperative]"]
    config = compose(["world=global", *words])
    assert config.platforms["cooperative"].closed and len(config.platforms) == 5


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = []
    for module, old, new, check in OF_MEMBERS:
        try:
            with planted(Plant(module, old, new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, ArithmeticError):
            continue
        missed.append(old)
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(OF_MEMBERS), 15)
