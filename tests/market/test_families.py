"""Local jobs and click farms: what is neutral changes nothing, what is set holds, and results show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.agents.traits import column_of
from sim.config import Config, Platform
from sim.errors import UserError
from sim.model import ClickWorkModel
from sim.outcomes.console import rows
from sim.outcomes.families import by_family
from sim.outcomes.indicators import summary
from sim.outcomes.recorder import Recorder
from sim.validation import check
from tests.conftest import Exercised
from tests.support import relations
from tests.support.families import all_kinds, clicks, customers, families
from tests.support.markets import ENGAGEMENT, LOCAL_JOB, fingerprint, run, tiny, varied, with_families
from tests.support.unread import unchecked


def same_people(one: ClickWorkModel, other: ClickWorkModel) -> bool:
    """Whether all workers, requesters and flows are the same bits; platforms may be described otherwise."""
    flows = (one.ledger.flows == other.ledger.flows).all()
    alike = [
        (getattr(one, rows)[name] == getattr(other, rows)[name]).all()
        for rows in ("worker_rows", "requester_rows", "history_rows")
        for name in getattr(one, rows).dtype.names
    ]
    return bool(flows) and all(alike)


def restful(**changes: Any) -> Config:
    """A market that nobody joins, and where nobody changes platform."""
    base = tiny(days=8, **changes)
    return replace(base, learning=replace(base.learning, join_rate=0.0, switch_share=0.0))


def with_platforms(config: Config, **changes: Any) -> Config:
    """Return the configuration with other settings of every platform."""
    platforms = {name: replace(one, **changes) for name, one in config.platforms.items()}
    return replace(config, platforms=platforms)


def neutral(config: Config) -> dict[str, Config]:
    """Configurations that say the same in other words."""
    types, r = config.task_types, config.requesters
    hours = list(range(1, 25))
    farm = clicks(owner="NTH", pool_share=0.0, requester_share=0.0, usd_per_click=0.5)
    local = Platform(owner="NTH", family="on_demand", task_types=["zz_job"], customers_per_requester=9)
    return {
        "devices and clicks without a price": replace(
            with_platforms(config, devices_per_worker=1000),
            task_types={name: replace(one, actions_per_task=77) for name, one in types.items()},
        ),
        "the usual life, spelled out": replace(
            config,
            task_types={
                name: replace(one, life_hours=config.market.life_hours_median) for name, one in types.items()
            },
        ),
        "the usual cut, spelled out": with_platforms(config, broker_cut=config.workers.broker_cut),
        "all types, spelled out": with_platforms(config, task_types=list(types)),
        "customers whom nobody counts": with_platforms(config, customers_per_requester=500),
        "hours of a daily life that nobody leads": replace(
            config, requesters=replace(r, daily_life_hours=hours, daily_life_weekdays=[7.0] + 6 * [0.0])
        ),
        "a click farm and local jobs without people": replace(
            config,
            task_types=types | {"zz_clicks": ENGAGEMENT, "zz_job": LOCAL_JOB},
            platforms=config.platforms | {"zz": replace(farm, task_types=["zz_clicks"]), "zzz": local},
        ),
    }


def test_what_is_neutral_changes_nothing(exercised: Exercised) -> None:
    config = restful()
    base, changed = run(config), neutral(config)
    for name, other in changed.items():
        with unchecked():
            assert same_people(base, run(other)), name
    assert base.ledger.transfers_booked > 500
    taken = with_platforms(all_kinds(), takedown_share=0.0)
    assert not same_people(run(taken), run(all_kinds())), "a difference would not be seen"
    exercised("neutral settings", len(changed), 7)


def test_a_farm_without_take_down_or_price_is_neutral_in_them(exercised: Exercised) -> None:
    """By the hour, devices and clicks change nothing but the price of a click; a take-down of 0 is none."""
    by_hour = {"usd_per_click": None, "takedown_share": 0.0}
    one = run(all_kinds(farm=by_hour | {"devices_per_worker": 1}))
    many = run(all_kinds(farm=by_hour | {"devices_per_worker": 1000}))
    assert same_people(one, many)
    farm = column_of(one.worker_rows, "platform") == one.platform_names.index("clicks")
    done = int(one.history_rows["tasks_accepted"][farm].sum())
    assert not one.history_rows["tasks_rejected"][farm & (one.history_rows["left_day"] < 0)].any()
    exercised("bundles done", done, 500)


def test_what_is_set_holds(exercised: Exercised) -> None:
    """Types, boards, prices, take-downs, cuts and hours, in three markets."""
    counts: Counter[str] = Counter()
    for farm, local in (
        ({}, {}),
        ({"takedown_share": 1.0, "devices_per_worker": 1000, "usd_per_click": 0.0000061}, {}),
        ({"takedown_share": 0.0, "broker_cut": None}, {"posting_hours": "always", "pool_share": 0.2}),
    ):
        counts += families(all_kinds(days=6, farm=farm, local=local))
    for what, least in (
        ("clicks done", 10_000), ("clicks rejected", 2000), ("bundles posted", 3000), ("jobs posted", 10_000),
        ("jobs done", 3000), ("clicks cut", 1000),
    ):  # fmt: skip
        exercised(what, counts[what], least)


def outcome(config: Config) -> dict[str, Any]:
    """Return the summary of a run."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    return summary(recorder.frames(), model.world)


def farm_only(usd_per_click: float, devices: int) -> Config:
    """A world of click work and nothing else."""
    base = tiny(days=10, workers=300, requesters=12, table="six_regions")
    farm = clicks(
        owner="ASI", pool_share=1.0, requester_share=1.0, usd_per_click=usd_per_click,
        devices_per_worker=devices, takedown_share=0.0,
    )  # fmt: skip
    return replace(
        base, platforms={"clicks": farm}, task_types={"engagement": replace(ENGAGEMENT, median_seconds=500)},
        requesters=replace(base.requesters, size_log_sigma=0.5),
    )  # fmt: skip


def test_at_six_micro_dollars_a_click_only_machines_make_it_pay(exercised: Exercised) -> None:
    """0.0006 US cents a click: with one device hardly a click is done, with a thousand many are."""
    alone, many = (outcome(farm_only(0.000006, devices)) for devices in (1, 1000))
    assert alone["click_farm_fill_rate"]["value"] < 0.01 and alone["fill_rate"]["value"] < 0.01
    assert alone["tasks_posted"]["value"] > 100
    nothing = outcome(farm_only(1e-8, 1))["pay_per_click_median"]
    assert nothing["value"] is None and "no click paid" in nothing["reason"]
    assert many["click_farm_fill_rate"]["value"] > 0.1
    assert many["pay_per_click_median"]["value"] == pytest.approx(0.000006, rel=1e-9)
    assert many["pay_per_click_lowest"]["value"] == pytest.approx(0.000006, rel=1e-9)
    hourly = many["click_farm_pay_median"]["value"]
    exercised("cents an hour", int(100 * hourly), 50)


def test_dearer_clicks_find_more_hands(exercised: Exercised) -> None:
    """Nothing below what the neediest ask; then more and more of what is posted is done."""
    found = [outcome(farm_only(price, 1))["click_farm_fill_rate"]["value"] for price in (6e-6, 1e-5, 1e-4)]
    assert found[0] < 0.01
    assert found[0] < found[1] < found[2]
    exercised("prices", len(found), 3)


def test_results_by_kind_of_platform(exercised: Exercised) -> None:
    model = ClickWorkModel(all_kinds(days=6))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    frames = recorder.frames()
    table, found = by_family(frames), summary(frames, model.world)
    assert list(table.index) == ["microwork", "on_demand", "click_farm"]
    series = frames.series
    assert table["done"].sum() == series["requester_done"].sum() > 1000
    assert table["posted"].sum() == series["requester_posted"].sum()
    on_farm = series[series["platform"].astype(str) == "clicks"]
    share = on_farm["tasks_rejected"].sum() / (on_farm["tasks_rejected"] + on_farm["tasks_accepted"]).sum()
    assert table.loc["click_farm", "rejected_share"] == pytest.approx(share)
    assert found["click_farm_rejected_share"]["value"] == pytest.approx(share)
    assert found["on_demand_pay_median"]["value"] == table.loc["on_demand", "pay_median"]
    assert found["pay_per_click_median"]["value"] == pytest.approx(0.00081003, rel=1e-3)
    told = {label: text for section, label, text in rows(found) if section == "Click farms"}
    assert told["taken down"] == f"{100 * share:.1f} % of what was done" and "0.00081" in told["a click"]
    only = summary(recorder_frames(tiny()), None)
    assert not {section for section, _, _ in rows(only)} & {"Local jobs", "Click farms"}
    assert "no platform of the kind" in only["on_demand_pay_median"]["reason"]
    exercised("tasks", int(table["done"].sum()), 1000)


def recorder_frames(config: Config) -> Any:
    """Return the tables of a run."""
    model = ClickWorkModel(config)
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    return recorder.frames()


def test_customers_are_users(exercised: Exercised) -> None:
    exercised("customers", customers(), 2000)


def test_everything_else_survives_other_kinds(tmp_path: Path, exercised: Exercised) -> None:
    """Debug mode, checkpoints at odd hours, threads, no histories."""
    config = all_kinds(days=8)
    whole = run(replace(config, compute=replace(config.compute, debug=True)))
    model = ClickWorkModel(config)
    for hour in (1, 50, 167, 169):
        model.run(hour - model.hour)
        model.save(tmp_path / "checkpoint")
        model = ClickWorkModel.load(tmp_path / "checkpoint")
    model.run()
    assert fingerprint(model) == fingerprint(whole)
    counts = relations.threads(replace(config, market=replace(config.market, boards=2)), (1, 2))
    bare = run(replace(config, record=replace(config.record, workers="none")))
    assert (bare.ledger.flows == whole.ledger.flows).all()
    exercised("runs", counts["runs"] + 7, 9)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("platforms.microwork.takedown_share", {"takedown_share": 0.1}),
        ("platforms.microwork.task_types", {"task_types": ["no_such_type"]}),
        (
            "platforms.microwork.local_pay_ratio",
            {"family": "click_farm", "usd_per_click": 0.1, "local_pay_ratio": 0.5},
        ),
    ],
)
def test_contradictions_are_refused(path: str, change: dict[str, Any], exercised: Exercised) -> None:
    with pytest.raises(UserError) as refused:
        check(with_platforms(tiny(), **change))
    assert refused.value.path == path
    exercised("refused", 1, 1)


def test_other_contradictions_are_refused(exercised: Exercised) -> None:
    base = all_kinds()
    alone = replace(base, task_types={name: base.task_types[name] for name in ("engagement", "local_job")})
    short = replace(base, requesters=replace(base.requesters, daily_life_hours=[1.0] * 23))
    week = replace(base, requesters=replace(base.requesters, daily_life_weekdays=[1.0] * 8))
    tiles = replace(base, market=replace(base.market, boards=2000))
    crowd = replace(base.workers, count=2_000_000)
    many = replace(base, workers=crowd, market=replace(base.market, workers_per_board=1))
    for config, path in (
        (alone, "platforms.microwork.task_types"),
        (short, "requesters.daily_life_hours"),
        (week, "requesters.daily_life_weekdays"),
        (tiles, "market.boards"),
        (many, "market.workers_per_board"),
    ):
        with pytest.raises(UserError) as refused:
            check(config)
        assert refused.value.path == path
    exercised("refused", 5, 5)


def test_generated_markets_have_them(exercised: Exercised) -> None:
    """Every fourth market of the other tests has local jobs and a click farm; the rest is as it was."""
    kinds = [{one.family for one in varied(number).platforms.values()} for number in range(8)]
    assert [len(found) for found in kinds] == [1, 1, 1, 3, 1, 1, 1, 3]
    more = with_families(varied(1), 1)
    assert more.platforms.keys() - varied(1).platforms.keys() == {"clicks", "jobs"}
    exercised("markets", 8, 8)
