"""Tables of arrays give what DataFrames give, to the bit, and a small run needs no DataFrame at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.composition import compose
from sim.model import ClickWorkModel
from sim.outcomes import indicators, tables
from sim.outcomes import recorder as recorders
from sim.outcomes.frames import COLUMNS, FrameSet
from sim.outcomes.indicators import INDICATORS, Missing, summary
from sim.outcomes.recorder import Recorder, frame_of
from sim.study.sweep import outcomes_of, sober
from tests.conftest import Exercised
from tests.figures import synthetic
from tests.figures.test_remedies import with_remedies
from tests.support.planting import planted

TINY = ("world=north_south", "workers.count=40", "requesters.count=8", "time.days=3", "time.warmup_days=0")


def with_everything() -> FrameSet:
    """A made-up year in which every indicator has a value."""
    year = synthetic.frames()
    return with_remedies(
        synthetic.with_kinds(synthetic.with_ai(synthetic.with_users(synthetic.with_policy(year))))
    )


def on_frames(frames: FrameSet, world: Any) -> dict[str, float | None]:
    """Every indicator computed by pandas, none from what another has computed."""
    found: dict[str, float | None] = {}
    for name, one in INDICATORS.items():
        try:
            value = float(one.compute(frames, world))
        except Missing:
            value = np.nan
        found[name] = value if np.isfinite(value) else None
    return found


def test_every_indicator_is_the_same_on_both(exercised: Exercised) -> None:
    frames, world = with_everything(), synthetic.world()
    quick, by_pandas = summary(frames, world), on_frames(frames, world)
    for name, value in by_pandas.items():
        assert quick[name]["value"] == value, name
    exercised("indicators", sum(value is not None for value in by_pandas.values()), 150)


def check_values(module: Any) -> int:
    """Numbers alone are those of the summary; return how many are what they are without a policy."""
    without = 0
    for frames in (with_everything(), synthetic.frames()):
        told, world = module.summary(frames, synthetic.world()), synthetic.world()
        found = module.values(frames, world)
        for name, one in told.items():
            value = module.value_of(one)
            assert np.array_equal([found[name]], [np.nan if value is None else value], equal_nan=True), name
            without += one["value"] is None and value is not None
    return without


def test_numbers_alone_are_those_of_the_summary(exercised: Exercised) -> None:
    exercised("values without a policy", check_values(indicators), 20)


@pytest.mark.parametrize(
    ("line", "bug"),
    [
        ("math.nan if one.without is None else one.without", "math.nan"),
        ("math.nan\n    return value", "0.0\n    return value"),
    ],
)
def test_other_numbers_than_the_summary_s_are_noticed(line: str, bug: str) -> None:
    with pytest.raises(AssertionError):
        check_values(planted(indicators, f"return {line}", f"return {bug}"))


def test_a_run_gives_the_same_by_both(exercised: Exercised) -> None:
    """From its own tables, and from the DataFrames that are written to files."""
    model = ClickWorkModel(compose([*TINY, "time.days=10", "workers.count=300"]))
    recorder = Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    found = recorder.tables()
    frames = FrameSet(
        **{name: frame_of(name, getattr(found, name)) for name in COLUMNS},
        scale=found.scale, kinds=found.kinds, households=found.households,
    )  # fmt: skip
    quick, by_pandas = summary(found, model.world), on_frames(frames, model.world)
    assert {name: one["value"] for name, one in quick.items()} == by_pandas
    exercised("indicators", sum(value is not None for value in by_pandas.values()), 60)


def check_weekdays(module: Any) -> None:
    """The days of the week add up to the clock, and each to the days of the series that have its name."""
    # A warm-up from Wednesday, a window from Friday to the Sunday of the week after.
    words = ["time.days=10", "time.warmup_days=2", "time.start=2019-01-02", "workers.count=300"]
    model = ClickWorkModel(compose([*TINY, *words]))
    recorder = module.Recorder(model)
    model.observers.append(recorder)
    model.run()
    model.end()
    frames = recorder.frames()
    table, series = frames.weekdays, frames.series
    sums, place = ["posted", "active", "paid_seconds"], ["utc_hour", "country"]
    pd.testing.assert_frame_equal(
        table.groupby(place, sort=False)[sums].sum(), frames.clock.set_index(place)[sums]
    )
    weekday = pd.to_datetime(series["date"]).dt.day_of_week
    for column, of_day in (("posted", "requester_posted"), ("paid_seconds", "paid_seconds")):
        by_day = series.groupby(weekday)[of_day].sum().tolist()
        assert table.groupby("weekday")[column].sum().tolist() == by_day
    assert table.groupby("weekday")["days"].first().tolist() == [1, 1, 1, 1, 2, 2, 2]
    assert min(table[column].sum() for column in sums) > 100


def test_days_of_the_week_are_those_of_the_series() -> None:
    check_weekdays(recorders)


@pytest.mark.parametrize("bug", ["model.clock.weekday(model.hour)", "model.hour // 24 % 7", "0"])
def test_a_wrong_day_of_the_week_is_noticed(bug: str) -> None:
    with pytest.raises(AssertionError):
        check_weekdays(planted(recorders, "model.clock.weekday(model.hour - 1)", bug))


def test_a_run_of_a_sweep_makes_no_frame(monkeypatch: pytest.MonkeyPatch, exercised: Exercised) -> None:
    """What a run costs beside the simulation hangs on it: a frame costs more than an hour of the market."""
    made: list[str] = []
    for kind in (pd.DataFrame, pd.Series):

        def counted(self: Any, *arguments: Any, real: Any = kind.__init__, **keywords: Any) -> None:
            made.append(type(self).__name__)
            real(self, *arguments, **keywords)

        monkeypatch.setattr(kind, "__init__", counted)
    pd.Series([1])
    assert made == ["Series"], "the count counts nothing"
    config = sober(compose(TINY))
    outcomes_of(config)  # tables without rows are made once in a process
    made.clear()
    outcomes, _ = outcomes_of(config)
    assert made == []
    exercised("outcomes without a frame", sum(map(np.isfinite, outcomes.values())), 60)


def columns(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Columns of every kind that there is."""
    numbers = rng.normal(size=rows)
    numbers[rng.random(rows) < 0.2] = np.nan
    return {
        "whole": rng.integers(-5, 5, rows), "real": numbers, "truth": rng.random(rows) < 0.5,
        "text": np.array(["a", "b", "c"], object)[rng.integers(0, 3, rows)],
        "seconds": rng.integers(0, 10**9, rows),
    }  # fmt: skip


ASKED: dict[str, Any] = {
    "sum": lambda t: [t[name].sum() for name in ("whole", "real", "truth", "seconds")],
    "mean": lambda t: [t["whole"].mean(), t["real"].mean()],
    "least and most": lambda t: [t["whole"].min(), t["whole"].max()],
    "known": lambda t: [*t["real"].notna(), *t["real"].dropna(), *t["real"].fillna(7.0)],
    "between": lambda t: [*t["whole"].between(-1, 2)],
    "equal": lambda t: [*(t["text"] == "b"), *(t["text"] != "b")],
    "among": lambda t: [*t["text"].astype(str).isin(("a", "d"))],
    "numbers by text": lambda t: [*t["text"].map({"a": 1, "b": 2.5}).to_numpy(np.float64)],
    "texts by text": lambda t: [*(t["text"].map({"a": "x", "b": "y"}) == "x")],
    "some rows": lambda t: [*t[t["whole"] > 0]["real"].dropna(), len(t[t["whole"] > 0])],
    "rows of a column": lambda t: [t.loc[(t["text"] == "a") & t["truth"], "seconds"].sum()],
    "rows of rows": lambda t: [*t[t["whole"] > 0][t["truth"][t["whole"] > 0]]["text"]],
    "sums of rows": lambda t: [*t[["whole", "seconds"]].sum(axis=1)],
    "by group": lambda t: [*t.groupby("text")["real"].sum()],
    "some columns": lambda t: [*t[["whole", "seconds"]].sum()],
    "arithmetic": lambda t: [*(t["seconds"] / 3600 - t["whole"])],
    "nothing there": lambda t: [t[t["whole"] > 99].empty, t[t["whole"] > 99]["real"].sum()],
    "how many": lambda t: [*t["text"].value_counts().sort_index()],
}


def differences(module: Any, rounds: int = 20) -> list[str]:
    """Return what is answered otherwise than by pandas."""
    found = set()
    rng = np.random.default_rng(5)
    for _ in range(rounds):
        made = columns(rng, int(rng.integers(1, 60)))
        frame = pd.DataFrame(made)
        narrow = module.Table.of(frame.assign(text=frame["text"].astype("category")))
        for name, ask in ASKED.items():
            right = [str(one) for one in ask(frame)]
            if any(right != [str(one) for one in ask(table)] for table in (module.Table.made(made), narrow)):
                found.add(name)
    return sorted(found)


def test_tables_answer_as_pandas_does(exercised: Exercised) -> None:
    assert differences(tables) == []
    exercised("questions", 20 * len(ASKED), 300)


BUGS = {
    "what is no number counts": ("values = np.where(np.isnan(values), 0.0, values)", "pass"),
    "the end is left out": ("(values >= low) & (values <= high)", "(values >= low) & (values < high)"),
    "all names are wanted": ("name in wanted for name", "True for name"),
    "names in another order": ("[*values.cat.categories, np.nan]", "[*values.cat.categories[::-1], np.nan]"),
    "rows of another table": ("lambda name: self[name][chosen])", "lambda name: self[name][:])"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_bugs_in_tables_are_noticed(bug: str) -> None:
    def asked() -> None:
        assert differences(planted(tables, *BUGS[bug])) == []

    with pytest.raises((AssertionError, ValueError, IndexError)):
        asked()
