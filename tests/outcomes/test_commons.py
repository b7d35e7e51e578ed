"""What is recorded of cooperatives and the commons, and the indicators of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from sim.instruments import Policies
from sim.model import ClickWorkModel
from sim.outcomes.frames import COLUMNS, FrameSet
from sim.outcomes.indicators import INDICATORS, summary
from sim.outcomes.recorder import Recorder
from tests.conftest import Exercised
from tests.support import members
from tests.support.policies import market


def recorded(policy: Policies) -> FrameSet:
    """Tables of a run over two ends of months, the last a month cut short."""
    model = ClickWorkModel(members.with_entrant(market(days=58, policy=policy)))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    return recorder.frames()


def booked(frames: FrameSet, kind: str) -> int:
    return int(frames.flows.loc[frames.flows["kind"] == kind, "amount_microusd"].sum())


def test_tables_agree_with_the_ledger(exercised: Exercised) -> None:
    frames = recorded(members.ALL)
    table, commons = frames.cooperatives, frames.commons
    assert list(table) == list(COLUMNS["cooperatives"]) and list(commons) == list(COLUMNS["commons"])
    assert int(table["surplus_microusd"].sum()) == booked(frames, "surplus") > 0
    assert int(table["patronage_microusd"].sum()) == booked(frames, "patronage") > 0
    assert int(commons["to_workers_microusd"].sum()) == booked(frames, "commons_dividend") > 0
    royalty = commons["royalty_microusd"] - commons["collecting_microusd"]
    assert int(royalty.sum()) == booked(frames, "royalty")
    by_time = commons["label_seconds"] * commons["per_hour_microusd"] // 3600
    assert (abs(by_time - commons["to_workers_microusd"]) <= commons["label_seconds"] / 3600 + 60).all()
    assert (commons["label_seconds"] > commons["labels"]).all()
    got = booked(frames, "patronage") + booked(frames, "commons_dividend")
    assert int(frames.workers["transfers_microusd"].sum()) == got
    assert int(table["rewards_microusd"].sum()) <= booked(frames, "reward")
    exercised("rows of cooperatives", len(table), 6)
    exercised("micro-dollars that workers got", got, 1_000_000)


def test_what_people_who_left_were_paid_is_told(exercised: Exercised) -> None:
    """What rows of workers received and what people got who left before the window is all that was paid."""
    config = market(days=40, workers=100, policy=members.ALL)
    config = replace(config, time=replace(config.time, warmup_days=22, days=18))
    model = ClickWorkModel(members.with_entrant(config))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    frames = recorder.frames()
    gone = (
        frames.cooperatives["patronage_of_gone_microusd"].sum(),
        frames.commons["to_workers_gone_microusd"].sum(),
    )
    paid = booked(frames, "patronage") + booked(frames, "commons_dividend")
    assert int(frames.workers["transfers_microusd"].sum()) + int(sum(gone)) == paid
    exercised("micro-dollars to people who left, of cooperatives", int(gone[0]), 1_000)
    exercised("micro-dollars to people who left, of the commons", int(gone[1]), 1_000)


def test_nothing_is_recorded_without_them(exercised: Exercised) -> None:
    frames = recorded(Policies())
    assert frames.cooperatives.empty and frames.commons.empty
    found = summary(frames)
    names = [name for name in found if name.startswith(("cooperative_", "commons_"))]
    assert all(found[name]["value"] is None for name in names)
    assert {found[name]["reason"] for name in names} == {"no cooperative", "no commons"}
    exercised("indicators without a value", len(names), 8)


def frame(name: str, **columns: list[Any]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({column: columns.get(column, [0] * rows) for column in COLUMNS[name]})


def by_hand() -> FrameSet:
    """Two months of one cooperative, two of the commons."""
    return FrameSet(
        cooperatives=frame(
            "cooperatives",
            period=["2019-02", "2019-03"], platform=["own", "own"], members=[10, 30], voters=[5, 5],
            fee=[0.1, 0.06], floor_usd_per_hour=[1.0, 2.0], rewards_microusd=[1_000_000, 3_000_000],
            surplus_microusd=[60_000_000, 20_000_000],
        ),
        commons=frame(
            "commons",
            period=["2019-02", "2019-03"], labels=[1000, 2000], unpaid_labels=[0, 1000],
            label_seconds=[30_000, 60_000], unpaid_label_seconds=[0, 54_000],
            to_workers_microusd=[2_000_000, 4_000_000], to_users_microusd=[0, 2_000_000],
        ),
        series=frame("series", day=[40, 40], platform=["own", "other"], tasks_accepted=[30, 70],
                     pay_microusd=[20_000_000, 40_000_000]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cooperative_fee", 0.07),  # 0.1 on 1, 0.06 on 3
        ("cooperative_floor", 1.75),  # 1 of 10, 2 of 30
        ("cooperative_turnout", 0.25),  # 10 of 40
        ("cooperative_surplus_per_member_month", 2.0),  # 80 on 40
        ("cooperative_work_share", 0.3),
        ("commons_per_thousand_labels", 2.0),  # 8 on 4
        ("commons_per_hour", 0.2),  # 8 on 144 000 s, 40 h: 0.2
        ("commons_over_pay", 0.1),  # 6 of 60
        ("commons_to_users_share", 0.25),  # 2 of 8
    ],
)
def test_indicators(name: str, value: float) -> None:
    assert INDICATORS[name].compute(by_hand(), None) == pytest.approx(value)
