"""What is chosen on the page: links are input like any other, and the commands play exactly what is shown."""

from __future__ import annotations

import random
import shlex
from pathlib import Path

import pytest

from sim.app import state as states
from sim.app.state import SPANS, WHOLE, State, configs, from_query, key_of, to_query
from sim.composition import compose, config_id
from sim.errors import UserError
from sim.study.scenarios import compose_scenarios
from tests.conftest import Exercised


def some_states(count: int, seed: int) -> list[State]:
    """Draw states from all that the page offers, small enough to be allowed."""
    luck = random.Random(seed)
    found = []
    while len(found) < count:
        values = {
            name: luck.choice([span.low, span.high, span.low + span.step * luck.randrange(20)])
            for name, span in SPANS.items()
        }
        numbers = {name: int(value) if name in WHOLE else round(value, 9) for name, value in values.items()}
        if luck.random() < 0.5:
            del numbers["pay"], numbers["fee"]
        taxes = luck.sample(["usage_tax", "turnover_tax", "profit_tax", states.INCOME], luck.randrange(5))
        try:
            found.append(State(world=luck.choice(states.worlds()), policies=tuple(taxes), **numbers))
        except UserError:
            continue  # too large
    return found


def test_a_link_holds_the_whole_state(exercised: Exercised) -> None:
    for state in some_states(300, 1):
        assert from_query(to_query(state)) == state
    exercised("states through a link", 300, at_least=300)


def test_the_usual_state_is_the_market_as_it_is() -> None:
    usual = State()
    assert to_query(usual) == {}
    assert states.market_words(usual) == [], "pay and fee begin where the world has them"
    for world in states.worlds():
        assert states.market_words(State(world=world)) == []
    tax = compose(["policy=[usage_tax,turnover_tax]"]).policy
    assert tax.usage_tax is not None and tax.usage_tax.usd_per_user_month == usual.usage_tax
    assert tax.turnover_tax is not None and tax.turnover_tax.rate == usual.turnover_tax


WRONG = {
    "world": ["mars", "../world/global", "global,global", "", "global\0", "${oc.env:HOME}", "a" * 500],
    "policies": ["usage_tax,usage_tax", "none,usage_tax", "x", ",", "[usage_tax]", "usage_tax;rm", "a" * 999],
    "pay": ["nan", "inf", "-1", "1e3", "0x10", "1_0", "", " 2", "2 ", "٢", "9" * 30, "2,5", "--2"],
    "fee": ["1.01", "-0.1", "nan"],
    "usage_tax": ["5.01", "<script>", "=1+1"],
    "turnover_tax": ["0.51"],
    "profit_tax": ["1"],
    "income": ["-1", "1000000"],
    "workers": ["0", "10000000", "1.5", "2e4", "-5"],
    "days": ["0", "366"],
    "warmup": ["-1", "1000"],
    "seeds": ["1", "21"],
    "seed": ["0", "-1", "10000000"],
    "_target_": ["os.system"],
    "config": ["/etc/passwd"],
    "show": ["x"],
}  # fmt: skip


def test_a_link_is_refused_in_a_sentence(exercised: Exercised) -> None:
    refused = 0
    for name, texts in WRONG.items():
        for text in texts:
            with pytest.raises(UserError) as told:
                from_query({name: text})
            assert name in str(told.value)
            assert len(str(told.value).splitlines()) <= 5
            refused += 1
    exercised("values of links refused", refused, at_least=45)


def test_more_than_the_page_plays_is_refused() -> None:
    with pytest.raises(UserError, match="more than the page plays") as told:
        State(workers=50_000, days=365, warmup=365, seeds=20)
    nearest = int(told.value.nearest.partition("=")[2])
    assert State(workers=nearest, days=365, warmup=365, seeds=20)


def test_the_commands_ask_for_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            exercised: Exercised) -> None:  # fmt: skip
    """The words of the commands compose to the very configurations that the page plays."""
    monkeypatch.chdir(tmp_path)
    with_file = 0
    for state in some_states(40, 2):
        shown = configs(state)
        text = states.commands(state)
        if states.scenario_file(state):
            with_file += 1
            head, _, text = text.partition("END\n")
            assert head.startswith("cat > scenario.yaml <<'END'\n")
            Path("scenario.yaml").write_text(head.partition("\n")[2], encoding="utf-8")
            head, _, text = text.partition("\n") if text.startswith("END") else ("", "", text)
        of_compare, of_baseline, of_scenario = (shlex.split(line)[1:] for line in text.splitlines())
        names = [word for word in of_compare[1:] if "=" not in word]
        seeds = next(word for word in of_compare if word.startswith("seeds="))
        assert seeds == f"seeds={state.seeds}"
        words = [word for word in of_compare[1:] if "=" in word and word != seeds]
        played = compose_scenarios(names, words)
        ids = [config_id(config) for config in shown.values()]
        assert list(played) == list(shown)
        assert [config_id(config) for config in played.values()] == ids
        assert [config_id(compose(run[1:])) for run in (of_baseline, of_scenario)] == ids
    exercised("states whose commands were composed", 40, at_least=40)
    exercised("of them with a file", with_file, at_least=10)
    exercised("of them without", 40 - with_file, at_least=10)


def test_a_key_tells_requests_apart(exercised: Exercised) -> None:
    state = State(policies=("usage_tax", "turnover_tax", "profit_tax", states.INCOME), income=5.0)
    steps = {name: getattr(state, name) + span.step for name, span in SPANS.items()}
    others = [state.replaced(**{name: value}) for name, value in steps.items()]
    others += [state.replaced(world=world) for world in states.worlds() if world != state.world]
    keys = {key_of(one) for one in (state, *others)}
    assert len(keys) == len(others) + 1
    exercised("requests told apart", len(keys), at_least=14)


def test_what_has_no_effect_makes_no_difference() -> None:
    """The rate of a tax that is not chosen changes nothing: what was played for it is shown."""
    state = State(policies=("usage_tax",))
    assert key_of(state) == key_of(state.replaced(turnover_tax=0.2, income=7.0))
