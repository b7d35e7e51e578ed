"""Markets with instruments: what must be as without them, what is counted, who pays, who decides otherwise.

The checks are in ``tests.support.policies``; each is shown to notice a planted bug at the end of this file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.config import Config
from sim.errors import UserError
from sim.instruments import Policies, WageFloor
from sim.policy.channels import FOLDS, Contribution, fold
from sim.policy.wage_floor import refuse_unknown_wages
from sim.world import load_world
from tests.conftest import Exercised
from tests.support import conditions, policies
from tests.support.checks import FAULTS
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.policies import EVERYTHING, FEBRUARY, MARCH, paid_from_outside
from tests.support.policy_plants import OF_MARKETS


def test_the_market_is_that_of_users() -> None:
    """Tools, fair requesters, changing circumstances, who joins, how deep one looks: all as by default."""
    usual, config = Config(), policies.market()
    assert config.workers.tool_share == usual.workers.tool_share > 0.0
    assert config.requesters.fair_share == usual.requesters.fair_share > 0.0
    assert config.learning.circumstances_weeks == usual.learning.circumstances_weeks > 0.0
    assert config.learning.join_rate is usual.learning.join_rate is None
    depths = {one.ranking_depth for one in config.platforms.values()}
    assert depths == {one.ranking_depth for one in usual.platforms.values()}


@pytest.mark.parametrize("instrument", policies.NULLS)
def test_null_settings(instrument: str, exercised: Exercised) -> None:
    counts = policies.null_settings(instrument)
    exercised("null settings", counts["settings"], 3)
    exercised("of them told as in force nowhere", counts["told"], 3)
    exercised("transfers each", counts["transfers"], 10_000)


def test_whole_settings(exercised: Exercised) -> None:
    counts = policies.whole_settings()
    exercised("settings", counts["settings"], 8)
    exercised("transfers", counts["transfers"], 50_000)


def test_partly_in_force(exercised: Exercised) -> None:
    exercised("settings", policies.partly_in_force()["settings"], 12)


@pytest.mark.parametrize(
    ("policy", "hour"),
    [
        (EVERYTHING, MARCH),
        (paid_from_outside(300.0), FEBRUARY),
        (conditions.SEEKERS, MARCH),
        (conditions.LOCAL, FEBRUARY),
    ],
    ids=["taxes", "income", "job seekers", "floor"],
)
def test_nothing_before_the_start(policy: Policies, hour: int, exercised: Exercised) -> None:
    """A tax of February is due when February has ended; an income is paid as it begins."""
    counts = policies.before_the_start(policy, "2019-02-01", hour)
    exercised("hours alike", counts["hours"], 600)
    exercised("transfers", counts["transfers"], 10_000)


@pytest.mark.parametrize("planners", [(), ("side_job", "graduate")], ids=["drawn days", "days of their own"])
def test_users_are_counted_one_by_one(planners: tuple[str, ...], exercised: Exercised) -> None:
    counts = policies.users(segments=planners)
    exercised("users", counts["users"], 200)
    exercised("months cut short", counts["months cut short"], 2)
    exercised("workers on two platforms in a month", counts["workers on two platforms"], 20)
    exercised("requesters on two platforms in a month", counts["requesters on two platforms"], 3)
    exercised("moves in the middle of a day", counts["moved"], 100)
    exercised("removals before a session", counts["removed before a session"], 8)


@pytest.mark.parametrize("name", policies.ACCOUNTS)
def test_accounts(name: str, exercised: Exercised) -> None:
    """Zero in every hour, a second ledger that agrees, treasuries that spend what they collected."""
    config, kinds = policies.ACCOUNTS[name]
    counts = policies.accounts(config())
    exercised("hours", counts["hours"], 900)
    exercised("accounts compared", counts["accounts compared"], 100_000)
    exercised("recipients", counts["recipients"], 50)
    for kind in kinds:
        exercised(f"micro-dollars of {kind}", counts[kind], 1_000)


GENERATED, AT_NIGHT = 16, 300


def added(numbers: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number in numbers:
        try:
            counts += policies.accounts(policies.generated(number))
        except FAULTS as fault:
            raise AssertionError(f"market {number}: {fault}") from fault
    return counts


def test_accounts_of_generated_markets(exercised: Exercised) -> None:
    counts = added(range(GENERATED))
    exercised("markets", GENERATED, 16, nightly=AT_NIGHT)
    kinds = ("usage_tax", "turnover_tax", "profit_tax", "universal_income", "external_income", "capital")
    for kind in (*kinds, "user_charge"):
        exercised(f"micro-dollars of {kind}", counts[kind], 1)


@pytest.mark.nightly
def test_accounts_of_many_generated_markets(exercised: Exercised) -> None:
    counts = added(range(1000, 1000 + AT_NIGHT))
    exercised("recipients", counts["recipients"], 1_000)


@pytest.mark.parametrize(
    ("countries", "platforms", "months"),
    [
        (("STH",), ("southern",), 1),
        (("STH",), ("northern", "southern"), 2),
        (("NTH", "STH"), ("northern",), 1),
    ],
    ids=["to another platform", "out of the market", "both countries"],
)
def test_a_platform_gives_up_a_country(
    countries: tuple[str, ...], platforms: tuple[str, ...], months: int, exercised: Exercised
) -> None:
    counts = policies.exits(countries, platforms, months)
    exercised("workers shut out", counts["stranded"], 20)
    exercised("micro-dollars paid to them", counts["micro_dollars"], 1_000_000)


def test_levies_stay_within_what_a_fee_may_be(exercised: Exercised) -> None:
    exercised("events", policies.levies_within_bounds()["events"], 1_000)


def test_a_levy_is_a_fee(exercised: Exercised) -> None:
    exercised("transfers", policies.levies_are_fees()["transfers"], 5_000)


def test_resumed_in_the_middle_of_months(exercised: Exercised) -> None:
    counts = policies.resumed(policies.EVERYTHING, [100, FEBRUARY, FEBRUARY + 1, 1000, 1300])
    exercised("restarts", counts["restarts"], 5)
    exercised("micro-dollars of income at the end", counts["paid"], 1_000)


def test_open_books(exercised: Exercised) -> None:
    exercised("micro-dollars due", policies.open_books()["micro-dollars"], 1_000_000)


def test_threads_and_order_of_storage(exercised: Exercised) -> None:
    exercised("events", policies.same_anyhow()["events"], 2_000)


def test_two_worlds_apart(exercised: Exercised) -> None:
    exercised("rows of the other world", policies.apart()["rows"], 100)


def test_each_instrument_leaves_another_world_alone(exercised: Exercised) -> None:
    """Every instrument by itself, those of the remedies and the commons too."""
    chosen = {name for policy in policies.OF_ONE_WORLD.values() for name, one in vars(policy).items() if one}
    assert chosen == {field.name for field in fields(Policies)}
    rows = [policies.apart(policy, workers=30)["rows"] for policy in policies.OF_ONE_WORLD.values()]
    exercised("instruments", len(rows), 11)
    exercised("rows of the other world", sum(rows), 1_000)


def test_reservation_wages(exercised: Exercised) -> None:
    counts = policies.reservations()
    exercised("workers on duty", counts["workers"], 20)
    exercised("of whom in another job", counts["in another job"], 5)
    exercised("of whom at the poverty line", counts["at the poverty line"], 3)
    exercised("of whom with tools", counts["with tools"], 3)


@pytest.mark.parametrize("recipients", ["workers", "users"])
@pytest.mark.parametrize("platforms", [None, ["northern"]], ids=["everywhere", "one platform"])
def test_a_fixed_roster(recipients: str, platforms: list[str] | None, exercised: Exercised) -> None:
    """Taking up the work brings no income, and leaving it loses none."""
    counts = policies.fixed_roster(recipients, platforms)
    exercised("on the roster", counts["roster"], 30)
    exercised("of whom left", counts["left"], 3)
    exercised("workers who are not on it", counts["others"], 5)
    exercised("of whom on duty", counts["not on the roster"], 5)
    exercised("workers on duty", counts["workers"], 100)


def test_a_roster_where_nobody_moves(exercised: Exercised) -> None:
    counts = policies.roster_where_nobody_moves()
    exercised("micro-dollars paid a head", counts["paid"], 100_000)
    exercised("transfers", counts["transfers"], 10_000)


def test_wages_that_workers_name_themselves(exercised: Exercised) -> None:
    counts = policies.answers()
    for kind in ("Firm", "Doubling", "Worker"):
        exercised(f"{kind} on duty", counts[kind], 5)


def test_hours(exercised: Exercised) -> None:
    counts = policies.hours_wanted()
    exercised("northerners", counts["northerners"], 50)
    exercised("who work less", counts["fewer"], 30)
    exercised("southerners who work as before", counts["southerners"], 100)


VALUES = st.floats(0.0, 1e3, allow_nan=False)
CONTRIBUTIONS = st.lists(
    st.builds(Contribution, st.sampled_from(sorted(FOLDS)), st.integers(0, 3), VALUES, st.integers(0, 1)),
    max_size=12,
)


def test_the_order_of_contributions_means_nothing(exercised: Exercised) -> None:
    """Also to the last bit, where floats are added; and none means nothing."""
    seen = [0]

    @settings(max_examples=200, deadline=None)
    @given(CONTRIBUTIONS.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
    def each(pair: tuple[list[Contribution], list[Contribution]]) -> None:
        one, other = (vars(fold(4, 2, some)) for some in pair)
        assert all(one[name].tobytes() == other[name].tobytes() for name in one)
        seen[0] += pair[0] != pair[1]

    each()
    neutral = fold(2, 2, [])
    assert (
        np.isinf(neutral.fee_cap).all()
        and not neutral.worker_floor.any()
        and not neutral.reward_floor.any()
        and not neutral.levy_on_workers.any()
    )
    exercised("permutations", seen[0], 100)


# --- wage floors and conditional incomes ----------------------------------------------------------


@pytest.mark.parametrize("name", conditions.FLOORS)
def test_nobody_works_under_the_floor(name: str, exercised: Exercised) -> None:
    counts = conditions.floors_hold(conditions.FLOORS[name], seed=5)
    exercised("pieces of work under a floor", counts["pieces of work under a floor"], 100)
    exercised("for less, on batches from before", counts["of older batches"], 3)
    if name == "stated time":
        exercised("for less, from who does not comply", counts["of who does not comply"], 10)
    if name == "employees":
        exercised("pieces of employees", counts["from which something is withheld"], 100)
    if name == "local minimum wages":
        exercised("batches closed to the North", counts["batches for the South alone"], 50)


@pytest.mark.parametrize("seed", [2, 3])
def test_floors_hold_on_other_seeds(seed: int, exercised: Exercised) -> None:
    counts = conditions.floors_hold(conditions.LOCAL, seed)
    exercised("pieces of work under a floor", counts["pieces of work under a floor"], 100)


def test_a_floor_that_does_not_change_leaves_demand_alone(exercised: Exercised) -> None:
    exercised("hours", conditions.demand_is_left_alone()["hours"], 1_000)


def test_who_complies(exercised: Exercised) -> None:
    exercised("requesters", conditions.compliance()["requesters"], 400)


def test_a_country_without_a_minimum_wage_is_refused() -> None:
    world = load_world("north_south")
    poor = replace(world, minimum_wage_usd=np.array([9.0, 0.0]))
    with pytest.raises(UserError) as told:
        refuse_unknown_wages(WageFloor(), poor)
    assert told.value.path == "policy.wage_floor.usd_per_hour" and "STH has none" in str(told.value)
    refuse_unknown_wages(WageFloor(countries=["NTH"]), poor)
    refuse_unknown_wages(WageFloor(usd_per_hour=3.0), poor)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_job_seekers(seed: int, exercised: Exercised) -> None:
    """Who is bound, who is paid, and how much: from events and flows alone."""
    counts = conditions.seekers(seed)
    exercised("paid", counts["paid"], 20)
    exercised("who did too little", counts["too few tasks"], 6)
    exercised("who have another job", counts["another job"], 5)
    exercised("hours of who must take what there is", counts["bound"], 50)
    exercised("hours of who need not", counts["free to choose"], 100)


def test_job_seekers_do_not_work_for_next_to_nothing(exercised: Exercised) -> None:
    counts = conditions.seekers(usd=0.02)
    exercised("hours of whom it is not worth the tasks", counts["not worth it"], 20)
    exercised("hours of who must take what there is", counts["bound"], 20)


def test_job_seekers_do_more(exercised: Exercised) -> None:
    exercised("more who reach the number", conditions.seekers_take_more()["more"], 1)


def test_a_named_wage_holds_when_the_tasks_are_done(exercised: Exercised) -> None:
    counts = conditions.firm_answers()
    exercised("hours at her own wage", counts["firm"], 20)
    exercised("hours bound", counts["bound"], 20)


@pytest.mark.parametrize("seed", [1, 2])
def test_those_who_hire(seed: int, exercised: Exercised) -> None:
    counts = conditions.employers(seed)
    exercised("subsidies", counts["subsidies"], 8)
    exercised("micro-dollars", counts["micro-dollars"], 1_000_000)


def test_a_subsidy_is_a_lower_price(exercised: Exercised) -> None:
    counts = conditions.subsidised_demand()
    exercised("requesters with it", counts["northern"], 2)
    exercised("requesters without", counts["others"], 1)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (conditions.FLOOR_AND_SEEKERS, "conditional_income"),
        (conditions.EMPLOYERS, "hiring_subsidy"),
    ],
    ids=["floor and job seekers", "employers"],
)
def test_accounts_resumption_and_order(policy: Policies, kind: str, exercised: Exercised) -> None:
    counts = conditions.accounts(policy)
    exercised("accounts compared", counts["accounts compared"], 100_000)
    exercised(f"micro-dollars of {kind}", counts[kind], 1_000)
    exercised("restarts", policies.resumed(policy, [100, FEBRUARY, FEBRUARY + 1, 1000])["restarts"], 4)
    exercised("events", conditions.same_anyhow(policy)["events"], 2_000)


# --- planted bugs ---------------------------------------------------------------------------------


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = []
    for module, old, new, check in OF_MARKETS:
        try:
            with planted(Plant(module, old, new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, ArithmeticError):
            continue
        missed.append(old)
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(OF_MARKETS), 20)
