"""Social platforms and their users; the checks are in ``tests.support.social``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.composition import compose
from sim.errors import UserError
from sim.model import ClickWorkModel
from sim.policy.office import refuse_too_much_advertising, refuse_too_much_money
from sim.world import load_world
from tests.conftest import Exercised
from tests.support import policies, social
from tests.support.checks import FAULTS
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.policies import FEBRUARY
from tests.support.policy_plants import OF_USERS


@pytest.mark.parametrize("table", ["global", "six_regions", "north_south", "mturk_2015"])
@pytest.mark.parametrize("exponent", [0.0, 0.8])
def test_revenue_per_user_keeps_regional_means(table: str, exponent: float, exercised: Exercised) -> None:
    exercised("countries", social.regional_means(table, exponent)["countries"], 2)


def test_users_are_persons_on_line(exercised: Exercised) -> None:
    exercised("audiences", social.users_are_persons()["audiences"], 46)


def test_nobody_works_on_a_social_platform(exercised: Exercised) -> None:
    exercised("workers", social.nobody_works_there()["workers"], 20)


def test_users_who_are_charged(exercised: Exercised) -> None:
    exercised("cases", social.uganda()["cases"], 3)


def test_what_marginal_users_bring(exercised: Exercised) -> None:
    exercised("integrals", social.marginal_users()["cases"], 9)


def test_who_is_worth_serving(exercised: Exercised) -> None:
    exercised("tails", social.worth_serving()["cases"], 9)


def test_days_add_up_to_months(exercised: Exercised) -> None:
    exercised("months", social.days_add_up()["months"], 16)


def test_null_settings(exercised: Exercised) -> None:
    counts = social.null_settings()
    exercised("null settings", counts["settings"], 4)
    exercised("transfers each", counts["transfers"], 5_000)


def test_nobody_is_counted_twice(exercised: Exercised) -> None:
    counts = social.nobody_twice()
    exercised("users", counts["users"], 1_000)
    exercised("workers and requesters", counts["workers"], 20)


@pytest.mark.parametrize("to_users", [0.5, 1.0])
def test_users_go_and_come_back(to_users: float, exercised: Exercised) -> None:
    counts = social.charged(to_users)
    exercised("users gone", counts["gone"], 50)
    exercised("micro-dollars charged", counts["micro-dollars"], 1_000_000)


def test_charges_are_no_turnover_that_costs(exercised: Exercised) -> None:
    exercised("micro-dollars charged", social.charges_are_free()["micro-dollars"], 1_000_000)


def test_a_platform_lets_go_whom_it_loses_by(exercised: Exercised) -> None:
    counts = social.dropped() + social.dropped_by_a_tax_on_turnover()
    exercised("let go", counts["let go"], 1_000)
    exercised("kept", counts["kept"], 1_000)


def test_fixed_costs_stay(exercised: Exercised) -> None:
    exercised("micro-dollars", social.fixed_costs()["micro-dollars"], 1_000_000)


@pytest.mark.parametrize("months", [1, 2])
def test_a_platform_leaves_a_country(months: int, exercised: Exercised) -> None:
    exercised("users", social.exits(months)["users"], 1_000)


def test_a_platform_stays_where_it_earns(exercised: Exercised) -> None:
    exercised("cases", social.stays()["cases"], 2)


def test_accounts(exercised: Exercised) -> None:
    counts = policies.accounts(social.market(social.TAXED))
    exercised("accounts compared", counts["accounts compared"], 50_000)
    for kind in ("usage_tax", "turnover_tax", "profit_tax", "universal_income", "pooling"):
        exercised(f"micro-dollars of {kind}", counts[kind], 1_000)


@pytest.mark.parametrize("warmup", [10, 25], ids=["inside a month", "with a month"])
def test_tables_are_what_the_ledger_moved(warmup: int, exercised: Exercised) -> None:
    counts = social.tables(warmup)
    exercised("rows", counts["rows"], 6)
    exercised("micro-dollars of advertising", counts["micro-dollars"], 1_000_000)
    exercised("micro-dollars charged", counts["charged"], 1_000_000)


def test_open_books(exercised: Exercised) -> None:
    exercised("micro-dollars due", social.open_books()["micro-dollars"], 1_000_000)


def test_resumed(exercised: Exercised) -> None:
    exercised("restarts", social.resumed([100, 250, FEBRUARY, FEBRUARY + 1, 1000])["restarts"], 5)


def test_threads(exercised: Exercised) -> None:
    exercised("transfers", social.same_anyhow()["transfers"], 2_000)


def test_users_spend_what_they_are_given(exercised: Exercised) -> None:
    exercised("micro-dollars", social.spends()["micro-dollars"], 5_000_000)


def test_all_families_are_all_the_others_and_social_ones() -> None:
    one, other = (compose([f"platforms={name}"]) for name in ("all_families", "worldwide_and_domestic"))
    more = {name: one.platforms[name] for name in one.platforms if name not in other.platforms}
    assert {"social", "social_cn"} <= set(more)
    assert all(one.platforms[name] == other.platforms[name] for name in other.platforms)
    assert (more["social"].owner, more["social_cn"].owner) == ("USA", "CHN")


def test_audiences_are_agents(exercised: Exercised) -> None:
    exercised("agents", social.agents()["agents"], 2)


REFUSED = {
    "policy.usage_tax.families": ["policy=[usage_tax]", "policy.usage_tax.families=[socail]"],
    "policy.usage_tax.to_users": [
        "policy=[usage_tax]", "policy.usage_tax.to_users=1.1",
    ],
    "policy.usage_tax.to_workers": [
        "policy=[usage_tax]", "policy.usage_tax.to_requesters=0.5", "policy.usage_tax.to_workers=0.6",
    ],
    "policy.usage_tax.top_users": [
        "policy=[usage_tax]", "policy.usage_tax.schedule=graduated", "policy.usage_tax.top_users=1000",
    ],
    "platforms.microwork.arpu_factor": ["platforms.microwork.arpu_factor=2"],
    "platforms.social.pool_share": ["platforms.social.pool_share=0.1"],
    "platforms.social.worker_countries": ["platforms.social.worker_countries=[FRA]"],
    "platforms.social.user_countries": ["platforms.social.user_countries=[FRX]"],
}  # fmt: skip


def test_each_kind_of_platform_passes_on_a_whole_tax() -> None:
    """Shares are bounded where they are of one tax: users pay on social platforms, the others elsewhere."""
    words = ["platforms=all_families", "policy=[usage_tax]", "policy.usage_tax.to_users=1"]
    for share in ("to_requesters=1", "to_workers=1"):
        tax = compose([*words, f"policy.usage_tax.{share}"]).policy.usage_tax
        assert tax is not None and tax.to_users + tax.to_requesters + tax.to_workers == 2


@pytest.mark.parametrize("path", REFUSED)
def test_what_contradicts_itself_is_refused(path: str) -> None:
    with pytest.raises(UserError) as told:
        ClickWorkModel(compose(["platforms=all_families", "workers.count=20", *REFUSED[path]]))
    assert told.value.path == path
    if path.endswith("families"):
        assert told.value.nearest.endswith("=[social]")


def test_a_market_without_work_is_refused() -> None:
    config = replace(tiny(), platforms={"social": social.platform()})
    with pytest.raises(UserError, match="not social"):
        ClickWorkModel(config)


def test_more_money_than_fits_is_refused() -> None:
    """A tax on five billion people for decades; what advertisers pay them for as long."""
    words = ["platforms=all_families", "workers.count=2000000", "time.days=20000"]
    config = compose([*words, "policy=[usage_tax]", "policy.usage_tax.usd_per_user_month=100"])
    world = load_world("global")
    with pytest.raises(UserError, match="counted exactly") as told:
        refuse_too_much_money(config, world)
    assert told.value.path == "policy.usage_tax.usd_per_user_month"
    refuse_too_much_advertising(config, world)
    most = replace(config, workers=replace(config.workers, count=19_000_000))
    with pytest.raises(UserError, match="counted exactly") as told:
        refuse_too_much_advertising(most, world)
    assert told.value.path == "platforms.social.arpu_factor"
    without = replace(config, platforms={"microwork": config.platforms["microwork"]})
    refuse_too_much_money(without, world)


def test_planted_bugs_are_noticed(exercised: Exercised) -> None:
    missed = []
    for module, old, new, check in OF_USERS:
        try:
            with planted(Plant(module, old, new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, ArithmeticError, KeyError):
            continue
        missed.append(old)
    assert not missed, f"nobody noticed: {missed}"
    exercised("planted bugs noticed", len(OF_USERS), 15)
