"""Instruments that nobody is under: no country, no platform, a country in which nobody works.

Such runs are played, recorded, told, drawn, reported and compared without an error. Where a list is empty,
every difference to a run without the instrument is exactly 0; ``test_markets.py`` checks that bit by bit.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.cli import main
from sim.composition import compose
from sim.model import ClickWorkModel
from sim.outcomes import recorder
from sim.outcomes.frames import COLUMNS
from sim.outcomes.indicators import summary
from sim.study.compare import compare
from tests.conftest import Exercised
from tests.support.planting import planted

NOBODY_FROM = "SWE"
"""A country in which nobody works in a world of so few; people live there, and it has a treasury."""

SMALL = [
    "world=global", "workers.count=200", "requesters.count=40", "time.start=2019-01-21", "time.days=35",
    "time.warmup_days=2",
]  # fmt: skip
"""Over the ends of two months, one with the run."""

INSTRUMENTS: dict[str, list[str]] = {
    "usage_tax": ["policy=usage_tax"],
    "profit_tax": ["policy=profit_tax"],
    "turnover_tax": ["policy=turnover_tax"],
    "universal_income": [
        "policy=universal_income", "policy.universal_income.funding=external",
        "policy.universal_income.usd_per_month=5", "policy.universal_income.recipients=users",
    ],
    "conditional_income": ["policy=[usage_tax,conditional_income]"],
    "wage_floor": ["policy=wage_floor", "policy.wage_floor.usd_per_hour=9"],
    "union": ["policy=union"],
    "reclassification": ["policy=reclassification"],
    "cooperative": ["policy=cooperative"],
    "commons": ["policy=commons"],
}  # fmt: skip

SETTINGS = {
    "no country": "countries=[]",
    "no platform": "platforms=[]",
    "a country without workers": f"countries=[{NOBODY_FROM}]",
}
FOUNDED = [
    "platforms=with_cooperative", "policy=cooperative", "policy.cooperative.platforms=[microwork_fr]",
    f"policy.cooperative.countries=[{NOBODY_FROM}]",
]  # fmt: skip
"""Members who could come, but are not there."""

CASES = [(name, setting) for name in INSTRUMENTS for setting in SETTINGS]


SOONER = "cooperative", "universal_income"
"""Instruments whose cases are played in each suite; the others at night."""


def words(instrument: str, setting: str) -> list[str]:
    return [*SMALL, *INSTRUMENTS[instrument], f"policy.{instrument}.{SETTINGS[setting]}"]


def recorded(settings: list[str], module: ModuleType = recorder) -> tuple[ClickWorkModel, recorder.Recorder]:
    """Return a market after its run, and what was recorded of it."""
    model = ClickWorkModel(compose(settings))
    observer: recorder.Recorder = module.Recorder(model)
    model.observers.append(observer)
    model.run()
    model.end()
    return model, observer


@pytest.mark.parametrize(
    ("instrument", "setting"),
    [pytest.param(*case, marks=[pytest.mark.nightly] * (case[0] not in SOONER)) for case in CASES],
)
def test_runs_are_played_and_recorded(instrument: str, setting: str) -> None:
    model, observer = recorded(words(instrument, setting))
    rows = model.worker_rows[: model.workers_count]
    assert not (rows["country"] == model.world.codes.index(NOBODY_FROM)).any(), "somebody works there"
    frames = observer.frames()
    found = summary(frames, model.world)
    assert np.isfinite(found["pay_all_in_median"]["value"])
    assert all(list(getattr(frames, name).columns) == list(COLUMNS[name]) for name in COLUMNS)


@pytest.mark.parametrize(
    "settings",
    [
        words("cooperative", "no country"),
        words("cooperative", "no platform"),
        words("cooperative", "a country without workers"),
        [*SMALL, *FOUNDED],
    ],
    ids=["no country", "no platform", "nobody", "founded"],
)
def test_a_cooperative_of_nobody_is_told_drawn_and_reported(settings: list[str], tmp_path: Path) -> None:
    assert main(["run", *settings, f"results.dir={tmp_path}", "record.figures=true"]) == 0
    (folder,) = (one.parent for one in tmp_path.rglob("manifest.json"))
    assert main(["report", str(folder)]) == 0


def test_compared_with_none_they_change_nothing(tmp_path: Path, exercised: Exercised) -> None:
    """A list that is empty is a null reform, exactly; and who is not there is told of without an error."""
    empty = {
        f"{name}, {setting}": compose([*words(name, setting), f"results.dir={tmp_path}"])
        for name, setting in CASES
        if setting != "a country without workers" and name != "conditional_income"
    }
    none = compose([*SMALL, f"results.dir={tmp_path}"])
    found = compare({"none": none, **empty}, seeds=1)
    assert found.unchanged == list(empty)
    exercised("null reforms", len(empty), at_least=17)


def test_a_mask_of_no_rows_that_is_none_is_noticed() -> None:
    old, new = "np.array(owned, np.bool_)", "np.array(owned)"
    settings = words("cooperative", "no country")
    with pytest.raises(IndexError):
        recorded(settings, planted(recorder, old, new))
