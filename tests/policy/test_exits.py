"""Countries that platforms give up are in a table and told; so is that no month ends in a short run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import sim.study.told
from sim.composition import compose
from sim.model import ClickWorkModel
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder
from sim.study.compare import Comparison, compare
from sim.study.run import BYTES_A_BATCH, before_a_month_ends, memory_of_batches
from sim.study.run import HEAVY as HEAVY_RUN
from tests.conftest import Exercised
from tests.support import social
from tests.support.policies import FEBRUARY

HEAVY = [
    "world=north_south", "workers.count=60", "requesters.count=6", "record.figures=false",
    "policy=usage_tax", "policy.usage_tax.usd_per_user_month=900", "policy.usage_tax.exit_months=1",
    "policy.usage_tax.start=2019-01-01", "time.warmup_days=0",
]  # fmt: skip


def exits_of(config: Any) -> tuple[ClickWorkModel, pd.DataFrame, Any]:
    """Play a market; return it, its table of exits, and its indicators."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    frames = recorder.frames()
    return model, frames.exits, summary(frames, model.world)


def test_exits_of_a_social_platform(exercised: Exercised) -> None:
    one = social.platform(drops_users=False, user_adjustment=1.0)
    policy = social.alone(usd_per_user_month=3.0, countries=["STH"], exit_months=1)
    model, table, told = exits_of(social.market(policy, days=70, one=one))
    assert table["who"].astype(str).tolist() == ["users"] and table["country"].astype(str).tolist() == ["STH"]
    assert table["day"].tolist() == [FEBRUARY // 24]
    rows = model.audience_rows
    assert table["agents"].tolist() == [int(rows["base_users"][rows["served"] == 0].sum())]
    assert table["taken_microusd"].iloc[0] > 0
    assert told["countries_given_up"]["value"] == 1.0
    exercised("users", int(table["agents"].iloc[0]), at_least=100)


def test_exits_of_platforms_of_work(exercised: Exercised) -> None:
    config = compose([*HEAVY, "time.days=40"])
    model, table, told = exits_of(config)
    masks = dict(zip(model.platform_names, model.platform_rows["worker_mask"].tolist(), strict=True))
    gone = table[table["who"].isin(["everybody", "workers"])]
    for platform, country in zip(gone["platform"].astype(str), gone["country"].astype(str), strict=True):
        assert not masks[platform] >> model.world.codes.index(country) & 1
    assert len(table) and told["countries_given_up"]["value"] == len(table)
    none = exits_of(compose(["world=north_south", "workers.count=30", "time.days=3", "time.warmup_days=0"]))
    assert none[2]["countries_given_up"]["value"] is None and not len(none[1])
    exercised("exits", len(table), at_least=1)


def test_comparisons_tell_exits_and_short_runs(tmp_path: Any) -> None:
    words = [word for word in HEAVY if not word.startswith("policy=")]
    base = [word for word in words if not word.startswith("policy.")]
    scenarios = {
        "none": compose([*base, f"results.dir={tmp_path}", "time.days=30"]),
        "heavy": compose([*HEAVY, f"results.dir={tmp_path}", "time.days=30"]),
    }
    found: Comparison = compare(scenarios, seeds=2)
    assert set(found.exits["scenario"]) == {"heavy"} and (found.exits["seeds_left"] > 0).all()
    told = " ".join(sim.study.told.headline(found, "heavy"))
    assert "Given up for taxes" in told and "exits.csv" in told
    one = replace(found, exits=found.exits.head(1))
    assert sim.study.told.exits_told(one, "heavy").endswith(" 1 country (exits.csv).")
    assert (found.path / "exits.csv").is_file()
    short = {name: compose([*words, f"results.dir={tmp_path}", "time.days=9"]) for name, words in
             (("none", base), ("heavy", HEAVY))}  # fmt: skip
    told = " ".join(sim.study.told.headline(compare(short, seeds=1), "heavy"))
    assert "No month in which it is in force ends" in told and "usage_tax" in told


def test_runs_in_which_no_month_ends() -> None:
    taxed = ["policy=[usage_tax,universal_income,wage_floor]", "policy.usage_tax.start=2019-01-01"]
    for days, late in ((10, ["usage_tax", "universal_income"]), (40, [])):
        words = ["world=north_south", "workers.count=30", f"time.days={days}", "time.warmup_days=0"]
        words += [*taxed, "policy.universal_income.start=2019-01-01", "policy.wage_floor.start=2019-01-01"]
        assert sorted(before_a_month_ends(ClickWorkModel(compose(words)))) == sorted(late)


def test_memory_of_long_runs() -> None:
    """What batches need as a run ends goes with its days; nothing where they are not kept."""
    words = ["world=north_south", "workers.count=30", "time.warmup_days=0"]
    short, long = (ClickWorkModel(compose([*words, f"time.days={days}"])) for days in (10, 3650))
    by_hand = BYTES_A_BATCH * 10 * float(short.requester_rows["batches_per_day"].sum())
    assert memory_of_batches(short) == pytest.approx(by_hand) and by_hand > 0.0
    assert memory_of_batches(long) == pytest.approx(365 * by_hand)
    told = HEAVY_RUN.format(20.0, 5.4, 1.6)
    assert "5 GB of memory" in told and "1.6 GB of disk" in told and "record.batches=false" in told
    assert memory_of_batches(ClickWorkModel(compose([*words, "record.batches=false"]))) == 0.0


def test_batches_of_growing_intelligence_are_foreseen(exercised: Exercised) -> None:
    """Demand for labels grows manyfold in ten years: what is told beforehand is near to what then comes."""
    words = ["world=north_south", "workers.count=60", "requesters.count=30", "time.warmup_days=0"]
    # Batches of tasks, not of work: else short labels come in few batches, and all together grow little.
    kind = ["calibration=none", "requesters.size_seconds_elasticity=0"]
    grown = [*words, *kind, "ai=growing", "market.pay_setting=fixed", "ai.growth=0.6", "seed=2"]
    seen = {}
    for days in (7, 5 * 365):
        model = ClickWorkModel(compose([*grown, f"time.days={days}", "record.figures=false"]))
        before = model.requester_rows.copy(), model.mixes.copy()
        per_day = memory_of_batches(model) / BYTES_A_BATCH / days
        assert (before[0] == model.requester_rows).all() and (before[1] == model.mixes).all(), (
            "looked, and moved"
        )
        seen[days] = per_day, float(model.requester_rows["batches_per_day"].sum())
    assert seen[7][0] == pytest.approx(seen[7][1]), "nothing has grown in the first week"
    model.run()
    posted = int(model.requester_rows["batches"].sum())
    days = max(seen)
    foreseen, at_first = seen[days]
    assert 1.2 * at_first < posted / days, "the demand of the first day would have been a forecast"
    assert posted / days < foreseen < 1.6 * posted / days
    exercised("batches posted", posted, at_least=10_000)
