"""The model as Mesa's own tools meet it: names, steps, the end, the batch runner, the web page, plug-ins."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import mesa
import pytest

import sim.model
from sim import ClickWorkModel, Config, Requester, UserError, Worker
from sim.agents.base import Lasting, RecordAgent
from sim.agents.collective import Collective
from sim.agents.government import Government
from sim.agents.platform import Platform
from sim.compile import COMPILED
from sim.plugins import load_plugins
from tests.conftest import Exercised
from tests.mesa_api.checks import deep, pickled
from tests.mesa_api.job import cautious
from tests.mesa_api.market import lively, workers_of
from tests.support.markets import fingerprint, tiny
from tests.support.processes import python

RESERVED = {
    "scenario", "time", "batch", "observe", "notify", "suppress", "subscribers", "schedule_event",
    "schedule_recurring", "run_for", "run_until",
}  # fmt: skip
"""Names that Mesa 3.5 takes, checked on 3.3 as well."""
MEANT = {"step", "running"}
"""What a model is meant to define and to set."""


# --- names -----------------------------------------------------------------------------------------


def names_of_ours(kind: type, source: str) -> set[str]:
    """Names that a class defines and attributes that its methods set, private ones included."""
    node = next(
        n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ClassDef) and n.name == kind.__name__
    )
    assigned = {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == "self"
    }
    named = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    for part in node.body:
        targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", None)]
        named |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in named | assigned if not name.startswith("__")}


def collisions(ours: set[str], base: Any) -> set[str]:
    """Names of ours that Mesa uses as well."""
    return ours & (set(dir(base)) | RESERVED)


def test_no_name_of_mesa_is_taken(exercised: Exercised) -> None:
    """Mesa may add what it likes to the names it reserves: none of ours is among them."""
    source = Path(str(sim.model.__file__)).read_text(encoding="utf-8")
    names = names_of_ours(ClickWorkModel, source)
    assert collisions(names, mesa.Model()) == MEANT
    assert collisions(names | {"run_until"}, mesa.Model()) == MEANT | {"run_until"}
    agent = mesa.Agent(mesa.Model())
    for kind in (RecordAgent, Lasting, Worker, Requester, Platform, Government, Collective):
        of_agent = names_of_ours(kind, Path(inspect.getfile(kind)).read_text(encoding="utf-8"))
        assert collisions(of_agent, agent) <= {"remove", "_ids"}, kind
        names |= of_agent
    exercised("names", len(names), 100)


def test_no_seed_and_no_argument_of_step() -> None:
    """Mesa's runners pass a seed as ``rng`` and nothing to ``step``; its web page wants ``**kwargs``."""
    making = inspect.signature(ClickWorkModel).parameters
    assert "rng" in making and "seed" not in making
    assert making["kwargs"].kind is inspect.Parameter.VAR_KEYWORD
    assert all(p.default is not p.empty for p in making.values() if p.name != "kwargs")
    assert not any(p.kind is p.VAR_POSITIONAL for p in making.values())
    assert list(inspect.signature(ClickWorkModel.step).parameters) == ["self"]


# --- steps and the end -----------------------------------------------------------------------------


def test_steps_are_hours_and_running_ends() -> None:
    """``run_model`` plays to the configured end; ``running`` is false then; more can be played."""
    model = ClickWorkModel(tiny(days=2))
    for hours in range(1, 5):
        model.step()
        assert (model.steps, model.hour, model.running) == (hours, hours, True)
    model.run_model()
    assert (model.steps, model.hour, model.running) == (48, 48, False)
    whole = ClickWorkModel(tiny(days=2))
    whole.run()
    assert fingerprint(model) == fingerprint(whole)
    model.run(1)
    assert (model.steps, model.hour, model.running) == (49, 49, False)


def test_a_loaded_model_goes_on_running(tmp_path: Path) -> None:
    """A checkpoint's model knows whether its time is over; today's duty as written is still there."""
    model = ClickWorkModel(lively(days=2))
    model.run(30)
    worker = next(worker for worker in workers_of(model) if worker.duty and worker.duty[0] > 10)
    worker.duty = (20, 30)
    assert worker.duty == (20, 30)
    model.save(tmp_path / "middle")
    resumed = ClickWorkModel.load(tmp_path / "middle")
    twin = resumed.views.worker(worker.row)
    assert resumed.running and twin.duty == (20, 30)
    for each in (worker, twin):
        each.duty = (21, 90)
        each.model.run()
        assert not each.model.running
    assert fingerprint(resumed) == fingerprint(model)
    resumed.save(tmp_path / "end")
    assert not ClickWorkModel.load(tmp_path / "end").running


def test_removed_requesters_stay_away(tmp_path: Path) -> None:
    """A checkpoint's model has the agents that the saved one had, with the same ids."""

    class Own(Requester):
        def revise_demand(self) -> float:
            return 1.0

    model = ClickWorkModel(tiny(days=8, workers=20), requester_classes={"microwork": Own})
    list(model.agents_by_type[Own])[-1].remove()
    model.run(100)
    model.save(tmp_path / "file")
    resumed = ClickWorkModel.load(tmp_path / "file", requester_classes={"microwork": Own})
    ids = [{(type(a), a.row): a.unique_id for a in each.agents} for each in (model, resumed)]
    assert ids[0] == ids[1]
    assert len(list(resumed.agents_by_type[Own])) == 7
    for each in (model, resumed):
        each.run()
    assert fingerprint(resumed) == fingerprint(model)


# --- what Mesa's tools do --------------------------------------------------------------------------


class Collecting(ClickWorkModel):
    """The model with a data collector, as Mesa's batch runner wants it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(tiny(days=1, workers=20), **kwargs)
        self.datacollector = mesa.DataCollector(
            model_reporters={
                "hour": "hour",
                "accepted": lambda model: int(model.worker_rows["accepted"].sum()),
            }
        )

    def step(self) -> None:
        """Play one hour and collect."""
        super().step()
        self.datacollector.collect(self)


def test_batch_runner(exercised: Exercised) -> None:
    """Mesa's batch runner varies settings by dotted path and the seed by ``rng``."""
    parameters: dict[str, Any] = {"workers.count": [20, 30]}
    seeds = {"rng": [1, 2]}
    by_runner = "rng" in inspect.signature(mesa.batch_run).parameters
    results = mesa.batch_run(
        Collecting,
        parameters if by_runner else parameters | seeds,
        display_progress=False,
        **(seeds if by_runner else {}),
    )
    last = {(row["workers.count"], row["rng"]): row for row in results if row["hour"] == 24}
    assert set(last) == {(20, 1), (20, 2), (30, 1), (30, 2)}
    expected = ClickWorkModel(tiny(days=1, workers=30, seed=2))
    expected.run()
    assert last[30, 2]["accepted"] == expected.worker_rows["accepted"].sum() > 0
    assert len({row["accepted"] for row in last.values()}) == 4
    exercised("runs", len(last), 4)


def test_web_page() -> None:
    """What Mesa's web page does: make by keywords, step, ask ``running``, make anew by type."""
    model: ClickWorkModel = Collecting(**{"workers.count": 25})
    while model.running:
        model.step()
    assert model.steps == 24 and len(workers_of(model)) == 25
    again = type(model)(**{"workers.count": 26, "platforms.microwork.requester_fee": 0.1})
    assert (again.steps, again.hour, again.workers_count) == (0, 0, 26)
    assert again.platform_rows["requester_fee_ppm"][0] == 100_000


def test_without_arguments() -> None:
    """The plain defaults make a model, with every worker an agent."""
    model = ClickWorkModel()
    assert model.config == Config()
    assert len(workers_of(model)) == model.config.workers.count
    model.step()
    assert model.hour == 1


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"worker_classes": {"hom": Worker}}, "worker_classes.hom|nearest  home"),
        ({"worker_classes": {"home": Requester}}, "worker_classes.home|a subclass of Worker"),
        ({"worker_classes": {"home": Worker.__init__}}, "a subclass of Worker"),
        ({"worker_classes": Worker}, "worker_classes|by name|subclasses of Worker"),
        ({"requester_classes": {"microwrk": Requester}}, "requester_classes.microwrk|nearest  microwork"),
        ({"requester_classes": {"microwork": Worker}}, "a subclass of Requester"),
        ({"worker_class": Worker}, "worker_class is not a known setting"),
        ({"workers.cuont": 5}, "nearest  workers.count"),
        ({"workers.count.more": 5}, "workers.count.more"),
        ({"workers.count": 0}, "workers.count"),
        ({"rng": -1}, "seed"),
    ],
)
def test_mistakes_are_sentences(keywords: dict[str, Any], words: str) -> None:
    """A wrong name, class or value is an error of the user's kind that says what is allowed."""
    with pytest.raises(UserError) as caught:
        ClickWorkModel(tiny(), **keywords)
    for part in words.split("|"):
        assert part in str(caught.value)


def test_what_no_agent_is_asked_is_refused() -> None:
    """Overriding what the compiled search decides would be without effect: the class is refused."""
    for name in ("accepts", "perceived_pay"):
        with pytest.raises(TypeError, match=f"Choosy.{name} would never be asked.*plug-in"):
            type("Choosy", (Worker,), {name: lambda self, pay: True})
    mixed = type("Mixed", (type("Mixin", (), {"leaves": lambda self: False}), Worker), {})
    assert mixed.overridden == ("leaves",)
    assert type("Child", (mixed,), {}).overridden == ("leaves",)
    assert type("Plain", (Worker,), {"more": 1}).overridden == ()


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ({"plan_day": lambda self, day: (24, 60)}, "0 to 23"),
        ({"plan_day": lambda self, day: (3, 0)}, "minutes from 1"),
    ],
)
def test_impossible_plans_are_refused(decisions: dict[str, Any], words: str) -> None:
    """A plan that no day has stops the run with a sentence."""
    kind = type("Odd", (Worker,), decisions)
    model = ClickWorkModel(tiny(), worker_classes=dict.fromkeys(tiny().segments, kind))
    with pytest.raises(ValueError, match=words):
        model.step()


@pytest.mark.parametrize(
    "decisions", [{"revise_pay": lambda self: float("nan")}, {"revise_demand": lambda self: -1.0}]
)
def test_impossible_decisions_of_requesters_are_refused(decisions: dict[str, Any]) -> None:
    """Pay or demand that is no number, or below 0, stops the run with a sentence."""
    kind = type("Odd", (Requester,), decisions)
    with pytest.raises(ValueError, match="A requester cannot"):
        ClickWorkModel(tiny(days=8, workers=20), requester_classes={"microwork": kind}).run()


def test_leaving_while_being_asked() -> None:
    """Who calls ``remove`` in the middle of a decision is gone, and counted as one who left, once."""

    class Quitter(Worker):
        def plan_day(self, day: int) -> tuple[int, int] | None:
            if day == 2:
                self.remove()
            return super().plan_day(day)

        def leaves(self) -> bool:
            self.remove()
            return True

    model = ClickWorkModel(lively(days=9), worker_classes={"home": Quitter, "casual": Quitter})
    model.run(49)
    gone = model.worker_rows["bits"][: model.workers_count] & 1 == 0
    assert gone.sum() == model.left_today.sum() > 5
    assert not (model.today[: model.workers_count][gone] >= 0).any()
    assert not list(model.agents_by_type[Quitter])
    model.run()


def test_unknown_platform_of_a_choice() -> None:
    """A worker who names a platform that is not there stops the run with a sentence."""
    kind = type("Lost", (Worker,), {"choose_platform": lambda self: "microwrk"})
    with pytest.raises(UserError, match="nearest  microwork"):
        ClickWorkModel(tiny(days=8, workers=20), worker_classes={"home": kind}).run()


# --- plug-ins --------------------------------------------------------------------------------------
# Variants of modules, their cache and damaged plug-ins: tests/test_compile.py. The command: tests/study.

PLUGIN = """
from sim.plugins import acceptance_rule

@acceptance_rule("cautious")
def cautious(log_perceived_pay, log_reservation):
    return log_perceived_pay >= log_reservation + 0.7
"""


@pytest.fixture
def rules(tmp_path: Path) -> Any:
    """The plug-in's rules, and its file."""
    file = tmp_path / "cautious.py"
    file.write_text(PLUGIN, encoding="utf-8")
    return load_plugins([file]), file


def test_a_rule_of_acceptance_changes_the_outcome(rules: Any) -> None:
    """A small function handed over by ``plugins=`` decides every look; agents and copies go by it as well."""
    plain = ClickWorkModel(lively(days=2))
    model = ClickWorkModel(cautious(), plugins=rules[0])
    for each in (plain, model):
        each.run(20)
        worker = workers_of(each)[0]
        enough = worker.reservation_wage()
        accepted = [worker.accepts(factor * enough) for factor in (0.99, 1.01, 1.9, 2.1)]
        assert accepted == ([False, True, True, True] if each is plain else [False, False, False, True])
    twins = [deep(model), pickled(model)]
    for each in (plain, model, *twins):
        each.run()
    assert len({fingerprint(each) for each in (model, *twins)}) == 1
    assert fingerprint(plain) != fingerprint(model)
    assert model.worker_rows["accepted"].sum() > 0


def test_a_second_process_finds_the_rule_compiled(rules: Any) -> None:
    """Nothing is compiled twice: the search with the rule comes out of the cache, and gives the same bits."""
    here = ClickWorkModel(cautious(), plugins=rules[0])
    here.run()
    printed, hits, misses = json.loads(python("tests.mesa_api.job", str(rules[1])))
    assert printed == fingerprint(here)
    if COMPILED:
        assert hits > 0 and misses == 0
