"""Taxes at equal revenue: rates that are solved for raise what they should, and what cannot be is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sim.study.compare
import sim.study.matching
from sim import compare
from sim.cli import main
from sim.composition import compose, from_yaml
from sim.config import Config
from sim.errors import UserError
from sim.instruments import Commons, Cooperative, Reclassification, Union
from sim.model import ClickWorkModel
from sim.outcomes.recorder import Recorder
from sim.study.matching import (
    ERODED,
    INFEASIBLE,
    JUMPS,
    RATES,
    TOLERANCE,
    BaseWatcher,
    Match,
    bases_of,
    check_match,
    highest_factor,
    rates_of,
    scaled,
    static_revenue,
)
from sim.study.scenarios import compose_scenarios
from sim.study.told import plain
from tests.conftest import Exercised
from tests.study.test_compare import SHORT, edited
from tests.support import social

MARKET = [
    "world=mturk_2015", "platforms=mturk", "workers.count=60", "requesters.count=8", "time.days=40",
    "time.warmup_days=10", "record.figures=false", "requesters.size_log_sigma=0.5",
]  # fmt: skip
USAGE, TURNOVER, PROFIT = (compose([*SHORT, f"policy=[{name}]"]) for name in RATES)


def rate(config: Config, tax: str = "usage_tax") -> float:
    return rates_of(config)[f"policy.{tax}.{RATES[tax][0]}"] or 0.0


# ---------------------------------------------------------------- solving


def check_static(module: Any) -> int:
    """A straight line, one that rises and falls and rises, one too low, one that jumps."""
    factor, found = module.solve_static(USAGE, lambda config: 30 * rate(config), 12.0)
    assert found.feasible and found.static_usd == pytest.approx(12, rel=1e-9)
    assert rate(module.scaled(USAGE, factor)) == pytest.approx(0.4, rel=1e-9)
    assert found.rates == {"policy.usage_tax.usd_per_user_month": pytest.approx(0.4, rel=1e-9)}

    def laffer(config: Config) -> float:
        share = rate(config, "profit_tax")
        return 100 * share * (1 - min(0.8, 1.8 * max(0.0, share - 0.05)))

    _, low = module.solve_static(PROFIT, laffer, 16.0)
    assert low.feasible and 0.2 < low.rates["policy.profit_tax.rate"] < 0.3, "the lowest of the rates"
    assert low.static_usd == pytest.approx(16, rel=1e-9)
    # The rate that raises most is 1.09 / 3.6 = 0.3028, which brings 16.5014: no rate of the grid does.
    most = 100 * (1.09 / 3.6) * (1.09 - 1.8 * 1.09 / 3.6)
    top, peak = module.solve_static(PROFIT, laffer, 16.501)
    assert peak.feasible and top < 1.09 / 3.6 and peak.static_usd == pytest.approx(16.501, rel=1e-9)
    _, high = module.solve_static(PROFIT, laffer, 18.0)
    assert not high.feasible and high.reason.startswith(INFEASIBLE)
    assert high.static_usd == pytest.approx(most, rel=1e-9), "it keeps the rate that raises most"
    assert high.rates["policy.profit_tax.rate"] == pytest.approx(1.09 / 3.6, rel=1e-3)
    assert "profit_tax.rate=0.6" in high.reason and f"{most:,.6g} USD, and 18 USD" in high.reason
    # All profits would bring 20: nobody asks for that.
    assert laffer(compose([*SHORT, "policy=[profit_tax]", "policy.profit_tax.rate=1"])) > 18
    _, jump = module.solve_static(USAGE, lambda config: 9.0 if rate(config) > 0.3 else 0.0, 5.0)
    assert not jump.feasible and jump.reason == JUMPS
    return 5


def check_realised(module: Any) -> int:
    """Behaviour takes part of what a rate would raise; the search ends within the tolerance, in few runs."""
    played: list[float] = []

    def shrinking(config: Config) -> float:
        played.append(rate(config))
        return 30 * rate(config) / (1 + rate(config))

    def static(config: Config) -> float:
        return 30 * rate(config)

    for start in (0.8, 5.0, 1.6):
        played.clear()
        found = module.solve_realised(USAGE, static, shrinking, 12.0, start)
        assert found.feasible and abs(found.realised_usd - 12) <= TOLERANCE * 12
        assert found.static_usd == pytest.approx(30 * found.rates["policy.usage_tax.usd_per_user_month"])
        assert found.static_usd > found.realised_usd
        assert len(played) == len(set(played)) <= 9, "no run is played twice"
    too_much = module.solve_realised(USAGE, static, shrinking, 31.0, 1.0)
    assert not too_much.feasible and too_much.reason.startswith(INFEASIBLE)

    def falling(config: Config) -> float:
        return max(0.0, 40 * rate(config) * (1 - rate(config)))

    played.clear()
    beyond = module.solve_realised(USAGE, static, falling, 12.0, 0.2)
    assert not beyond.feasible and beyond.reason.startswith(INFEASIBLE)
    assert beyond.realised_usd == pytest.approx(max(falling(scaled(USAGE, 0.2 * 1.6**n)) for n in range(9)))
    played.clear()

    def narrow(config: Config) -> float:
        played.append(rate(config))
        return 100 * rate(config) * max(0.0, 0.5 - rate(config))

    back = module.solve_realised(USAGE, static, narrow, 5.0, 1.6)
    assert back.feasible, "begun beyond the peak, it looks below"
    assert back.rates["policy.usage_tax.usd_per_user_month"] < 0.25, "the lower of two rates"
    assert len(played) <= 10
    cliff = module.solve_realised(USAGE, static, lambda config: 15.0 * (rate(config) > 0.7), 12.0, 1.0)
    assert not cliff.feasible and cliff.reason == JUMPS
    # A month at a rate for which nobody stays is no budget to rank by.
    left = module.solve_realised(USAGE, static, lambda config: 10 * rate(config), 12.0, 0.4)
    assert not left.feasible and left.reason == ERODED and abs(left.realised_usd - 12) <= TOLERANCE * 12
    return 8


def test_static_rates(exercised: Exercised) -> None:
    exercised("static budgets", check_static(sim.study.matching), at_least=5)


def test_realised_rates(exercised: Exercised) -> None:
    exercised("realised budgets", check_realised(sim.study.matching), at_least=8)


def check_scaling(module: Any) -> None:
    """All taxes of a scenario by one factor, within their ranges; a rate of none or 0 becomes it."""
    both = compose([*SHORT, "policy=[usage_tax,turnover_tax,universal_income]"])
    twice = module.scaled(both, 2.0)
    assert rates_of(twice) == {"policy.usage_tax.usd_per_user_month": 1.0, "policy.turnover_tax.rate": 0.06}
    assert replace(twice, policy=both.policy) == both, "nothing else changes"
    assert twice.policy.universal_income == both.policy.universal_income
    assert highest_factor(both) == pytest.approx(0.5 / 0.03)
    assert rate(module.scaled(PROFIT, 0.25), "profit_tax") == 0.25
    assert rate(module.scaled(PROFIT, 3.0), "profit_tax") == 0.6
    zero = compose([*SHORT, "policy=[usage_tax]", "policy.usage_tax.usd_per_user_month=0"])
    assert rate(module.scaled(zero, 0.4)) == 0.4 and highest_factor(zero) == 1000
    assert module.rates_of(PROFIT) == {"policy.profit_tax.rate": None}, "each country's own"
    shares = compose([*SHORT, "policy=[usage_tax]", "policy.usage_tax.schedule=arpu_share"])
    of_share = {"policy.usage_tax.arpu_share": 0.1}
    assert module.rates_of(module.scaled(shares, 2.0)) == of_share and module.highest_factor(shares) == 10


def test_scaling() -> None:
    check_scaling(sim.study.matching)


# ---------------------------------------------------------------- bases


def booked(config: Config) -> float:
    """Revenue of a run with the taxes of a configuration, from the ledger's flows in the window (USD)."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    flows = recorder.frames().flows
    return float(flows.loc[flows["kind"].isin(RATES), "amount_microusd"].sum()) / 1e6


TAXED = {
    "usage": ["policy=[usage_tax]", "policy.usage_tax.exit_months=0", "policy.usage_tax.start=2019-01-01"],
    "turnover": [
        "policy=[turnover_tax]",
        "policy.turnover_tax.rate=0.2",
        "policy.turnover_tax.exit_months=0",
    ],
    "profit": ["policy=[profit_tax]", "policy.profit_tax.rate=0.3", "policy.profit_tax.start=2019-01-01"],
}


def check_bases(module: Any) -> int:
    """A tax that changes nobody's behaviour raises in its run what it would raise on the baseline's bases."""
    months = module.bases_of(compose(MARKET))
    model = ClickWorkModel(compose(MARKET))
    for words in TAXED.values():
        config = compose([*MARKET, *words])
        raised = booked(config)
        found = module.static_revenue(config, model.world, model.clock, months)
        assert found == pytest.approx(raised, abs=2e-5) and raised > 0.1, words
    return len(months)


EMPLOYED = [
    "policy.reclassification.usd_per_hour=1", "policy.reclassification.exit_months=0",
    "platforms.microwork.cost_on_rewards=0.085",
]  # fmt: skip


def check_bases_of_employers(module: Any) -> float:
    """What a baseline's platforms owe as employers is no profit of theirs."""
    words = [
        "calibration=none",
        "requesters.size_seconds_elasticity=0",
        "market.spell_minutes=60",
        "market.spell_log_sigma=0",
        *MARKET,
        *EMPLOYED,
        "policy.reclassification.start=2019-01-01",
    ]
    months = module.bases_of(compose([*words, "policy=[reclassification]"]))
    taxed = [word for word in TAXED["profit"] if not word.startswith("policy=")]
    config = compose([*words, *taxed, "policy=[reclassification,profit_tax]"])
    model = ClickWorkModel(config)
    raised = booked(config)
    found = module.static_revenue(config, model.world, model.clock, months)
    assert found == pytest.approx(raised, abs=2e-5) and raised > 0.01, (found, raised)
    return raised


def test_bases_of_employers(exercised: Exercised) -> None:
    exercised("micro-dollars", int(1e6 * check_bases_of_employers(sim.study.matching)), at_least=10_000)


def test_static_revenue_is_that_of_a_tax_without_behaviour(exercised: Exercised) -> None:
    """The window begins and ends inside months."""
    exercised("copies of the bases", check_bases(sim.study.matching), at_least=3)


def check_other_scenarios(module: Any) -> int:
    """Users of social platforms are in the bases; a scenario may have what the baseline knows nothing of."""
    months = module.bases_of(social.market())
    one = social.platform(drops_users=False)
    taxed = social.market(social.alone(usd_per_user_month=0.001, exit_months=0, start="2019-01-01"), one=one)
    model = ClickWorkModel(taxed)
    found = module.static_revenue(taxed, model.world, model.clock, months)
    assert found == pytest.approx(booked(taxed), abs=2e-5) and found > 0.01
    remedied = replace(taxed, policy=replace(taxed.policy, **OTHERS))
    assert module.static_revenue(remedied, model.world, model.clock, months) == found
    return sum(int(month.users[2].sum()) for month in months)


OTHERS = {
    "cooperative": Cooperative(platforms=["northern"]),
    "commons": Commons(),
    "union": Union(guideline="uniform"),
    "reclassification": Reclassification(usd_per_hour=1.0),
}


def test_bases_of_other_scenarios(exercised: Exercised) -> None:
    exercised("users of a social platform", check_other_scenarios(sim.study.matching), at_least=1_000)


def test_counting_changes_nothing() -> None:
    """The run that shows the bases is the baseline, bit by bit."""
    config = compose(SHORT)
    plain_run, counted = ClickWorkModel(config), ClickWorkModel(config)
    counted.observers.append(BaseWatcher())
    for model in (plain_run, counted):
        model.run()
    for name in ("worker_rows", "requester_rows", "platform_rows", "government_rows"):
        assert getattr(plain_run, name).tobytes() == getattr(counted, name).tobytes(), name
    months = bases_of(config)
    assert [month.sign for month in months] == [-1, 1]
    no_tax = static_revenue(config, plain_run.world, plain_run.clock, months)
    assert no_tax == 0.0


# ---------------------------------------------------------------- comparisons


def test_incomes_with_and_without_a_condition_at_the_same_budget(
    tmp_path: Path, exercised: Exercised
) -> None:
    """One word away: the same tax pays both incomes, and raises the same in the runs."""
    names = ["none", "usage_tax+universal_income", "usage_tax+conditional_income", "turnover_tax"]
    settings = [
        *MARKET, f"results.dir={tmp_path}", "policy.usage_tax.usd_per_user_month=2", "workers.count=40",
        "policy.turnover_tax.rate=0.01",
    ]  # fmt: skip
    found = compare(names, settings, seeds=2, match="realised")
    matching = found.manifest["matching"]
    assert matching["kind"] == "realised" and matching["to"] == names[1] and matching["seeds"] == [1, 2]
    budgets = matching["scenarios"]
    assert list(budgets) == names[1:]
    wanted = budgets[names[1]]["realised_usd"]
    revenue = found.table[(found.table["metric"] == "tax_revenue") & (found.table["group"] == "world")]
    for name in names[1:]:
        here = float(revenue.loc[revenue["scenario"] == name, "value"].iloc[0])
        assert budgets[name]["feasible"] and abs(here - wanted) <= TOLERANCE * wanted
        assert here == pytest.approx(budgets[name]["realised_usd"])
        (file,) = (found.path / "configs").glob(f"*-{name}.yaml")
        written = from_yaml(file)
        assert rates_of(written) == budgets[name]["rates"]
    assert budgets["turnover_tax"]["rates"]["policy.turnover_tax.rate"] > 0.02
    told = plain(found)
    assert "Budgets: taxes scaled to the realised revenue of usage_tax+universal_income" in told
    for name in names[1:]:
        assert f"  {name}  " in told
    exercised("matched budgets", len(budgets), at_least=3)


ALIKE = ["none", "profit_tax+universal_income", "profit_tax", "usage_tax"]


def check_same_tax(module: Any, folder: Path, kind: str) -> int:
    """A pair with the same tax keeps its rates as they are set, also those of each country's statutes."""
    settings = [*MARKET, f"results.dir={folder}", "workers.count=40", "policy.profit_tax.start=2019-01-01"]
    plan = {name: [config] for name, config in compose_scenarios(ALIKE, settings).items()}
    parts = module.Parts(folder, plan)
    with module.Crew(1, [], False) as crew:
        found = module.match_budgets(Match(kind), ALIKE[1], parts, crew, True)["scenarios"]
    for name in ALIKE[1:3]:
        assert found[name]["rates"] == {"policy.profit_tax.rate": None}, name
        assert parts.plan[name] == plan[name], "nothing of them is changed"
        assert found[name]["feasible"] and found[name]["static_usd"] == found[ALIKE[1]]["static_usd"] > 0.01
    assert found["usage_tax"]["rates"]["policy.usage_tax.usd_per_user_month"] not in (0.0, 0.5)
    return len(found)


@pytest.mark.parametrize("kind", ["static", "realised"])
def test_a_pair_with_the_same_tax_keeps_it(kind: str, tmp_path: Path, exercised: Exercised) -> None:
    exercised("budgets", check_same_tax(sim.study.compare, tmp_path, kind), at_least=3)


def test_rates_of_statutes_are_told(tmp_path: Path) -> None:
    """They are not a rate of nothing: the taxes that others are matched to are those that are set."""
    settings = [*MARKET, f"results.dir={tmp_path}", "workers.count=40"]
    found = compare(["none", "profit_tax", "usage_tax"], settings, seeds=1, match="static")
    assert "profit_tax" not in found.unchanged and "profit_tax.rate=each country's" in plain(found)


def test_what_cannot_raise_as_much_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tax of 5 USD a user raises more than all turnover: no rate of the other tax can."""
    words = ["none", "usage_tax", "turnover_tax", "match=static", "seeds=1", "jobs=1", *SHORT]
    words += [f"results.dir={tmp_path}", "policy.usage_tax.usd_per_user_month=50"]
    assert main(["compare", *words]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"turnover_tax is not matched: {INFEASIBLE} (up to turnover_tax.rate=0.5): the largest" in told
    assert "USD is asked. Do not rank it by its effects." in told
    assert "turnover_tax.rate=0.5 " in told


def test_a_comparison_killed_while_matching_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that the search has played are kept; so are the rates that it found."""
    words = ["compare", "none", "usage_tax", "turnover_tax", "match=realised", "seeds=1", "jobs=1", *SHORT]
    played: list[Path] = []
    kept = sim.study.compare.keep

    def counting(path: Path, *what: Any) -> None:
        if len(played) == 2:
            raise KeyboardInterrupt
        kept(path, *what)
        played.append(path)

    with monkeypatch.context() as patch:
        patch.setattr("sim.study.compare.keep", counting)
        assert main([*words, f"results.dir={tmp_path / 'a'}"]) == 130
        first, played[:] = list(played), []
        patch.setattr("sim.study.compare.keep", lambda path, *what: (kept(path, *what), played.append(path)))
        assert main([*words, f"results.dir={tmp_path / 'a'}"]) == 0
        assert not set(first) & set(played)
        whole = len(first) + len(played)
        played.clear()
        assert main([*words, f"results.dir={tmp_path / 'b'}"]) == 0
    assert len(played) == whole
    tables = [
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*/*.parquet")} for name in "ab"
    ]
    assert tables[0] == tables[1] and len(tables[0]) == 10


REFUSED: list[tuple[list[str], Match, str]] = [
    (["none", "usage_tax", "turnover_tax"], Match("statc"), "nearest  match=static"),
    (["none", "usage_tax", "turnover_tax"], Match("static", "none"), "nearest  match_to="),
    (["none", "usage_tax"], Match("static"), "needs two scenarios with a tax"),
    (["none", "wage_floor"], Match("static"), "needs two scenarios with a tax"),
    (["usage_tax", "none"], Match("static"), "needs two scenarios with a tax"),
    (
        ["none", "usage_tax", "profit_tax+turnover_tax"],
        Match("static"),
        "nearest  policy.profit_tax.rate=0.25",
    ),
]


@pytest.mark.parametrize(("names", "match", "told"), REFUSED)
def test_refusals(names: list[str], match: Match, told: str) -> None:
    with pytest.raises(UserError) as refusal:
        check_match(match, compose_scenarios(names, SHORT))
    assert told in str(refusal.value)


def test_what_is_matched_where_nothing_is_said() -> None:
    names = ["usage_tax", "turnover_tax", "profit_tax"]
    assert check_match(Match("static"), compose_scenarios(names, SHORT)) == "usage_tax"
    assert check_match(Match("static"), compose_scenarios(["none", *names[1:]], SHORT)) == "turnover_tax"
    assert (
        check_match(Match("realised", "profit_tax"), compose_scenarios(["none", *names], SHORT))
        == "profit_tax"
    )


# ---------------------------------------------------------------- planted bugs

PLANTS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("if gap >= 0), None)", "if gap <= 0), None)", check_static),
    ("place = int(np.argmax(found))", "place = len(grid) - 2", check_static),
    ("best = max((grid[place], float(found.x)), key=gap)", "best = grid[place]", check_static),
    ('"profit_tax": ("rate", 0.6)', '"profit_tax": ("rate", 1.0)', check_static),
    ("sum(charge.amount for charge in dues)", "0", check_bases_of_employers),
    ("high /= GROWTH", "break", check_realised),
    ("static - target) > TOLERANCE", "static - target) > 100 * TOLERANCE", check_static),
    ("if factor not in tried:", "if True:", check_realised),
    ("<= TOLERANCE * target else tried", "<= 0.2 * target else tried", check_realised),
    ("or falls == 2 or", "or falls == 0 or", check_realised),
    ("if reason and max(tried.values()) < 0:", "if reason and False:", check_realised),
    ("realised < LEAST_LEFT * on_bases", "realised < 0.1 * on_bases", check_realised),
    ("rate * factor:", "rate + factor:", check_scaling),
    ("return SHARE_OF_TURNOVER if by_share else RATES[tax]", "return RATES[tax]", check_scaling),
    ("or 1.0\n        new", "or 0.0\n        new", check_scaling),
    ("self._copy(model, -1)", "self._copy(model, 0)", check_bases),
    ("total += month.sign * due", "total += due", check_bases),
    ("offices.note_loss(platform, profit, month.hour)", "pass", check_bases_of_employers),
    ("profit = revenue - cost - due", "profit = revenue - due", check_bases),
    ("or model.hour == model.last_hour", "or False", check_bases),
    (
        "model.count_users()",
        "offices.count_users(model.worker_rows, model.requester_rows)",
        check_other_scenarios,
    ),
    ("offices.working_users = month.working_users", "offices.month_began = 0", check_bases),
]


@pytest.mark.parametrize(("old", "new", "check"), PLANTS)
def test_planted_bugs_are_noticed(old: str, new: str, check: Callable[[Any], Any]) -> None:
    with pytest.raises(AssertionError):
        check(edited("matching", old, new))
