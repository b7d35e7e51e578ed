"""What a sweep shows, on made-up sweeps whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.errors import UserError
from sim.study import analysis
from sim.study.points import Composer, read_study
from sim.study.reading import Sweep, with_null
from sim.study.sweep import points_table
from tests.conftest import Exercised
from tests.support.planting import planted

AXES = ["market.noise_sigma=interval(0,2)", "market.taste_sigma=interval(0,2)", "market.looks=interval(1,63)"]


def made_up(words: list[str], outcome: Callable[..., float], noise: float = 0.0) -> Sweep:
    """A sweep whose outcome is a function of the settings, with noise by seed."""
    study = read_study(["world=north_south", *words])
    composer = Composer(study)
    points = with_null(points_table(composer).to_pandas().set_index("point"))
    rng = np.random.default_rng(5)
    rows, values = [], []
    for run in range(len(composer)):
        point, seed = divmod(run, study.seeds)
        rows.append(
            {"run": run, "run_id": str(run), "point": point, "seed": seed, "status": "done", "error": None}
        )
        values.append({"run": run, "y": outcome(*composer.points[point]) + noise * rng.standard_normal()})
    experiments = pd.DataFrame(rows).join(points, on="point").set_index("run")
    sweep = Sweep(experiments, pd.DataFrame(values).set_index("run"))
    sweep.manifest = {
        "study": study.to_plain(), "units": {"y": "USD"}, "without": {"y": 0.0}, "version": "0",
        "identity": "0" * 64,
    }  # fmt: skip
    sweep.path = Path("made-up")
    return sweep


def check_sobol(module: ModuleType) -> None:
    """y = 2a + b: first indices 0.8 and 0.2, and nothing for the third; intervals hold them."""
    sweep = made_up(["design=saltelli", "points=512", *AXES], lambda a, b, c: 2 * a + b)
    table = module.sensitivity(sweep, "y").set_index("setting")
    for name, index in zip(sweep.axes, (0.8, 0.2, 0.0), strict=True):
        assert table.loc[name, "index"] == pytest.approx(index, abs=0.03)
        assert table.loc[name, "total"] == pytest.approx(index, abs=0.03)
        assert table.loc[name, "low"] - 0.01 <= index <= table.loc[name, "high"] + 0.01
    assert list(table.index[:2]) == sweep.axes[:2]


def check_covered(module: ModuleType) -> None:
    """Each design says what its intervals cover, and that all points share their seeds."""
    for words, over in (
        (["design=saltelli", "points=8", *AXES], "base points drawn again 500 times"),
        (["design=morris", "points=8", *AXES[:2]], "trajectories (Student's t)"),
        (["design=lhs", "points=9", *AXES], "the points at either end (Welch)"),
    ):
        for seeds, shared in ((1, "the same seed"), (3, "the same 3 seeds")):
            told = module.covered(made_up([*words, f"seeds={seeds}"], lambda *at: at[0]), "y")
            assert told.startswith("index: "), told
            assert f" 95 % intervals are over {over}" in told, told
            assert told.endswith(f"All points share {shared}, whose luck no interval covers."), told


def check_few_runs(module: ModuleType) -> None:
    """Four seeds for a value are few, five are not, and one has no interval, however many other runs."""
    for seeds, few in ((4, "3 of 3 intervals rest on fewer than 5 seeds, the least on 4"), (5, "")):
        sweep = made_up(["market.looks=1,2,3", f"seeds={seeds}"], lambda looks: looks, noise=1.0)
        told = module.few_runs(module.response(sweep, "y", "market.looks"))
        assert told == (f"Caution: {few}." if few else ""), told
    words = ["market.looks=1,2,3", "market.noise_sigma=0,0.5,1,1.5,2"]
    table = module.response(made_up(words, lambda looks, noise: looks), "y", "market.looks")
    assert module.few_runs(table).startswith("One seed: no interval")
    assert (table["runs"] == 5).all() and (table["seeds"] == 1).all()
    assert table[["low", "high"]].isna().all(axis=None)


def check_morris(module: ModuleType) -> None:
    """Effects over the whole range: 2 a over [0, 2] is 4; of ab, the mean is that of the other, 1 x 2."""
    sweep = made_up(["design=morris", "points=200", *AXES[:2]], lambda a, b: 2 * a + b * b)
    table = module.sensitivity(sweep, "y").set_index("setting")
    assert table.loc[sweep.axes[0], ["index", "mean", "deviation"]].tolist() == pytest.approx(
        [4, 4, 0], abs=1e-9
    )
    # b² over steps of 2/3 x 2 from 0 or 2/3: (b + 4/3)² - b² = 16/9 + 8/3 b, by 2/3: 8/3 or 16/3.
    assert table.loc[sweep.axes[1], "mean"] == pytest.approx(4.0, abs=0.25)
    assert table.loc[sweep.axes[1], "deviation"] == pytest.approx(4 / 3, abs=0.1)


LEVELS = ["0,1", "0,1,2", "0,1,5", "5,0,1", "0,1,2,4", "0,1,2,3,9", "interval(1,4)", "tag(log,interval(1,4))"]


def check_one_scale(module: ModuleType) -> None:
    """A line has the same effect in a grid, a hypercube and Morris's design, whatever the levels are."""
    for path in ("market.noise_sigma", "market.looks"):
        for levels in LEVELS:
            factors = levels.startswith("tag")
            line = lambda a: 3 * math.log(a) if factors else 3 * a  # noqa: B023, E731
            sweep = made_up(["design=morris", "points=20", f"{path}={levels}"], line)
            row = module.sensitivity(sweep, "y").iloc[0]
            ends = [float(one) for one in levels.replace("tag(log,", "").strip("interval()").split(",")]
            width = math.log(max(ends) / min(ends)) if factors else max(ends) - min(ends)
            assert row["index"] == pytest.approx(3 * width), (path, levels)
            assert row["mean"] == pytest.approx(3 * width), (path, levels)
            if "(" not in levels:
                for design in (["design=grid"], ["design=lhs", "points=30"]):
                    other = module.sensitivity(made_up([*design, f"{path}={levels}"], line), "y")
                    assert other["index"].item() == pytest.approx(row["index"]), (path, levels, design)
    for choices in ("true,false", "none,union", "none,union,usage_tax"):
        path = "policy" if "none" in choices else "market.order_by_pay"
        sweep = made_up(
            ["design=morris", "points=9", f"{path}={choices}"], lambda a: 3.0 * (a in ("none", True))
        )
        assert module.sensitivity(sweep, "y")["mean"].item() <= 0
        if choices != "none,union,usage_tax":
            assert module.sensitivity(sweep, "y")["index"].item() == pytest.approx(3.0)


def check_copies(module: ModuleType) -> None:
    """Two points have one effect, however often it is drawn: no interval, and that is said."""
    sweep = made_up(["design=morris", "points=4", "market.noise_sigma=1,2"], lambda a: a)
    table = module.sensitivity(sweep, "y")
    assert table["effects"].item() == 1 and table[["low", "high", "deviation"]].isna().all(axis=None)
    assert "has 1 effect of its own" in table.attrs["notes"][0]


def check_no_value(module: ModuleType) -> None:
    """Where a choice has no value the index is none, not 0, and what is left out is named, with a reason."""
    words = ["policy=none,usage_tax,union", "market.noise_sigma=0,1", "seeds=3"]
    sweep = made_up(words, lambda policy, a: math.nan if policy == "none" else len(policy) + a)
    table = module.sensitivity(sweep, "y").set_index("setting")
    assert math.isnan(table.loc["policy", "index"])
    assert table.loc["market.noise_sigma", "index"] == pytest.approx(1.0)
    told = module.left_out(sweep, ["y"])
    assert told == "Left out: 2 of 6 points, those with policy=none; no run there has a value of y."
    assert table.attrs["notes"] == [told] or module.sensitivity(sweep, "y").attrs["notes"] == [told]


def check_shared_seeds(module: ModuleType) -> None:
    """A point that lacks a seed is compared on the others, and what is told of seeds is true."""
    words = ["market.noise_sigma=0,1,2", "seeds=3"]
    sweep = made_up(words, lambda a: a)
    point, seed = sweep.experiments["point"], sweep.experiments["seed"]
    sweep.outcomes["y"] += 100.0 * seed
    sweep.outcomes["z"] = 1.0
    assert not module.fewer_seeds(sweep, ["y"])
    sweep.experiments.loc[(point == 2) & (seed == 2), "status"] = "failed"
    x = sweep.axes[0]
    assert module.sensitivity(sweep, "y")["index"].item() == pytest.approx(2.0)
    assert module.response(sweep, "y", x)["mean"].tolist() == pytest.approx([50.0, 51.0, 52.0])
    assert module.peak(sweep, "y", x)["at"] == 2.0
    assert module.pareto(sweep, {"y": 1, "z": 1})["front"].tolist() == [False, False, True]
    assert module.discover(sweep, "y", 51.5).attrs["share_of_all"] == pytest.approx(1 / 3)
    few = (
        "Compared on the 2 seeds that all points with a value share: those with market.noise_sigma=2 have"
        " fewer of 3 seeds, as runs failed, are missing or have no value."
    )
    assert module.fewer_seeds(sweep, ["y"]) == few
    told = module.covered(sweep, "y")
    assert told.endswith(f"All points share the same 2 seeds, whose luck no interval covers. {few}"), told
    sweep.outcomes.loc[(point == 1) & (seed < 2), "y"] = math.nan  # no seed is left that all have
    told = module.covered(sweep, "y")
    assert "share" not in told.replace("no seed is shared", "") and "Points have 1 to 3 each" in told, told
    assert module.response(sweep, "y", x)["runs"].tolist() == [3, 1, 2]
    sweep.outcomes.loc[point == 1, "y"] = math.nan
    assert "The points compared share the same 2 seeds" in module.covered(sweep, "y").replace(
        "All points", "?"
    )


def check_never_tried(module: ModuleType) -> None:
    """A value of a list that no point has is named, and of Morris's design choices that no step joins."""
    words = ["policy=none,usage_tax,union", "market.noise_sigma=0,1"]
    for design, points in (("morris", 5), ("lhs", 2), ("saltelli", 2), ("sobol", 1)):
        for draw in range(30):
            drawn = [f"design={design}", f"points={points}", f"design_seed={draw}", *words]
            sweep = made_up(drawn, lambda policy, a: a + len(policy))
            there = set(sweep.experiments["policy"])
            told = [note for note in module.sensitivity(sweep, "y").attrs["notes"] if "Never tried" in note]
            for policy in ("none", "usage_tax", "union"):
                assert (policy in there) != any(f"policy={policy}" in note for note in told), told
    many = made_up(["design=morris", "points=40", *words], lambda policy, a: a + len(policy))
    assert module.sensitivity(many, "y").attrs["notes"][-1] == (
        "policy: 1 of 3 pairs of choices are never compared, none with usage_tax."
    )
    assert not module.never_tried(made_up(words, lambda policy, a: a))


def check_base_points(module: ModuleType) -> None:
    """Few base points are told where an index is no share, or its interval wide; many are not."""
    few = made_up(["design=saltelli", "points=4", *AXES], lambda a, b, c: 2 * a + b)
    told = module.sensitivity(few, "y").attrs["notes"]
    assert len(told) == 1 and told[0].startswith("Caution: 4 base points are few: "), told
    assert "6 intervals are wider than 0.2" in told[0]
    many = made_up(["design=saltelli", "points=1024", *AXES], lambda a, b, c: 2 * a + b)
    assert not module.sensitivity(many, "y").attrs["notes"]
    table = pd.DataFrame({"setting": ["a"], "index": [1.319], "low": [1.3], "high": [1.4], "total": [-0.3]})
    table = table.assign(total_low=-0.35, total_high=-0.25)
    assert module.few_base_points(table, 16) == (
        "Caution: 16 base points are few: the index of a is 1.32, no share at all; the total of a is -0.3, no"
        " share at all."
    )


def check_null(module: ModuleType) -> None:
    """Null is a value: the first of its setting, told as it is typed, in every analysis; no run is lost."""
    words = ["requesters.count=12,null,8,100", "market.noise_sigma=0,1", "seeds=2"]
    size = {None: 1.0, 8: 2.0, 12: 3.0, 100: 4.0}
    sweep = made_up(words, lambda count, a: size[count] + a / 8)
    count = sweep.axes[0]
    table = module.response(sweep, "y", count)
    assert table[count].tolist() == ["null", "8", "12", "100"]
    assert table["mean"].tolist() == pytest.approx([1.0625, 2.0625, 3.0625, 4.0625])
    assert table["runs"].sum() == len(sweep.experiments)
    both = module.response(sweep, "y", *sweep.axes)
    assert both[count].tolist() == [value for value in ("null", "8", "12", "100") for _ in range(2)]
    assert module.sensitivity(sweep, "y").set_index("setting").loc[count, "index"] == pytest.approx(3.0)
    assert module.discover(sweep, "y", 3.5).set_index("setting").loc[count, "values"] == "100"
    low = made_up(words, lambda count, a: float(count is None))
    assert module.discover(low, "y", 0.5).set_index("setting").loc[count, "values"] == "null"
    table = module.pareto(sweep, {"y": -1})
    assert table.loc[table["front"], count].tolist() == ["null"]


def check_bounds(module: ModuleType) -> None:
    """The bound that is named divides the points; where there is none, none is named."""
    for values in ((0.0, 1.0, 1.0), (1.0, 2.0), (0.0, 1.23456789, 1.2345679)):
        sweep = made_up([f"market.looks={','.join(map(str, range(1, len(values) + 1)))}"],
                        lambda looks: values[looks - 1])  # noqa: B023  # fmt: skip
        with pytest.raises(UserError) as told:
            module.discover(sweep, "y", -1.0)
        bound = float(told.value.nearest.removeprefix("above="))
        assert min(values) <= bound < max(values), values
    with pytest.raises(UserError, match="no bound divides"):
        module.discover(made_up(["market.looks=1,2"], lambda looks: 1.0), "y", 0.5)


def check_no_seeds(module: ModuleType) -> None:
    """One value a point tells of no deviation, and of no number of seeds."""
    assert math.isnan(module.seeds_for(math.nan, 1.0, 0.05))
    sweep = made_up(["market.looks=1,2", "seeds=3"], lambda looks: looks)
    sweep.outcomes.loc[sweep.experiments["seed"] > 0, "y"] = math.nan
    table = module.replications(sweep, ["y"], 0.05)
    assert table["seeds_now"].item() == 1 and math.isnan(table["seeds_needed"].item())
    assert module.no_deviation(table).startswith("y: no point has two seeds")


def check_ends(module: ModuleType) -> None:
    """On a grid: the mean at the highest less that at the lowest value, with Welch's interval."""
    words = ["market.noise_sigma=0,1,2", "policy=none,usage_tax", "seeds=3"]
    sweep = made_up(words, lambda a, policy: 3 * a + (policy == "none"), noise=0.01)
    table = module.sensitivity(sweep, "y").set_index("setting")
    assert table.loc["market.noise_sigma", "index"] == pytest.approx(6.0, abs=0.05)
    assert table.loc["policy", "index"] == pytest.approx(1.0, abs=0.05)
    one, other = np.array([1.0, 2.0, 4.0]), np.array([5.0, 9.0])
    found = stats.ttest_ind(other, one, equal_var=False).confidence_interval()
    assert module.half_width(one, other) == pytest.approx((found.high - found.low) / 2)


TRIALS = 2_000


def check_picked(module: ModuleType) -> None:
    """Of choices without effect the interval of best less worst leaves out 0 one time in twenty.

    The tolerance is three standard errors of a share of 5 % of so many trials.
    """
    rng = np.random.default_rng(11)
    for count in (2, 4, 11):
        wrong = 0
        for _ in range(TRIALS):
            groups = sorted(rng.standard_normal((count, 10)), key=np.mean)
            wrong += groups[-1].mean() - groups[0].mean() > module.half_width_of_picked(groups)
        assert abs(wrong / TRIALS - 0.05) < 3 * math.sqrt(0.05 * 0.95 / TRIALS), (count, wrong / TRIALS)
    words = ["policy=none,usage_tax,union,commons", "market.noise_sigma=0,1,2", "seeds=2"]
    sweep = made_up(words, lambda policy, a: len(policy), noise=1.0)
    row = module.sensitivity(sweep, "y").set_index("setting").loc["policy"]
    _, means = sweep.means()
    groups = sorted(means["y"].to_numpy().reshape(4, 3), key=np.mean)
    found = stats.tukey_hsd(*groups).confidence_interval()
    assert row[["low", "high"]].tolist() == pytest.approx([found.low[3, 0], found.high[3, 0]], rel=1e-4)
    assert "(Welch; of more than two choices Tukey and Kramer, for" in module.covered(sweep, "y")


def check_alike(module: ModuleType) -> None:
    """Points that are all the same at either end are one, told again: no interval, and that is said."""
    words = ["market.noise_sigma=0,1", "market.taste_sigma=0,1,2", "policy=none,union,commons"]
    sweep = made_up(words, lambda a, b, policy: a)
    table = module.sensitivity(sweep, "y").set_index("setting")
    assert table.loc["market.noise_sigma", "index"] == 1.0
    assert table.loc["market.noise_sigma", ["low", "high"]].isna().all()
    assert table.attrs["notes"] == [
        "market.noise_sigma: points with the same value have the same outcome: no interval."
    ]


def check_response(module: ModuleType) -> None:
    words = ["market.noise_sigma=0,1", "market.taste_sigma=0,1,2", "seeds=4"]
    sweep = made_up(words, lambda a, b: a + 10 * b, noise=0.5)
    table = module.response(sweep, "y", *sweep.axes)
    assert len(table) == 6
    assert (table["runs"] == 4).all()
    done = sweep.experiments
    chosen = (done["market.noise_sigma"] == 1) & (done["market.taste_sigma"] == 2)
    values = sweep.outcomes.loc[chosen, "y"].to_numpy()
    row = table.iloc[-1]
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([values.mean(), low, high])


def check_over_seeds(module: ModuleType) -> None:
    """Over other settings, too, an interval is of the seeds' means, and a run that is missing is no luck."""
    words = ["market.noise_sigma=0,1,2", "market.taste_sigma=0,1,2", "seeds=4"]
    sweep = made_up(words, lambda a, b: a + 10 * b, noise=0.5)
    there = sweep.experiments["market.noise_sigma"] == 1
    by_seed = sweep.outcomes[there].groupby(sweep.experiments["seed"])["y"].mean()
    low, high = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    found = module.response(sweep, "y", "market.noise_sigma")
    row = found.iloc[1]
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([by_seed.mean(), low, high])
    assert row[["runs", "seeds"]].tolist() == [12, 4]
    assert high - low < 3, "what the other setting does is no luck"
    one = there & (sweep.experiments["market.taste_sigma"] == 2) & (sweep.experiments["seed"] == 0)
    sweep.outcomes.loc[one, "y"] = math.nan
    table = module.response(sweep, "y", "market.noise_sigma")
    assert (table["runs"] == 9).all() and (table["seeds"] == 3).all(), "seeds that all points share"
    less = table.iloc[1]
    others = by_seed[1:]
    known = (others.mean(), *stats.t.interval(0.95, 2, others.mean(), stats.sem(others)))
    assert less[["mean", "low", "high"]].tolist() == pytest.approx(known)


def check_parts(module: ModuleType) -> None:
    """What a design draws one by one is put together in parts of the range, by factors where declared so."""
    words = [
        "design=lhs", "points=60", "requesters.pay_usd_per_hour=tag(log,interval(1,16))",
        "market.noise_sigma=interval(0,2)", "policy=none,union", "seeds=2",
    ]  # fmt: skip
    sweep = made_up(words, lambda pay, noise, policy: math.log2(pay))
    pay, noise, policy = sweep.axes
    table = module.response(sweep, "y", pay)
    edges = table.attrs["edges"][pay]
    assert len(table) == 12 == len(edges) - 1
    assert np.diff(np.log2(edges)) == pytest.approx([1 / 3] * 12)
    assert table["mean"].to_numpy() == pytest.approx(np.log2(table[pay].to_numpy()), abs=0.1)
    assert table["runs"].sum() == 120
    both = module.response(sweep, "y", pay, noise)
    assert {len(ends) for ends in both.attrs["edges"].values()} == {4}
    assert (both["runs"] >= 2).all() and len(both) == 9
    assert len(module.response(sweep, "y", pay, policy)) == 2 * 6
    alone = made_up(["design=lhs", "points=60", AXES[0]], lambda a: a)
    assert len(module.response(alone, "y", alone.axes[0])) == 60, "a curve of its own"


DRAWS = {"lhs": 40, "sobol": 32, "saltelli": 16, "morris": 12}


def drawn_otherwise(design: str, draw: int, bend: float = 0.0) -> Sweep:
    """A sweep in which another setting does much; the first does what is asked, its top at 0.9."""
    words = [f"design={design}", f"points={DRAWS[design]}", f"design_seed={draw}", *AXES[:2], "seeds=3"]
    sweep = made_up(words, lambda a, b: 5 * b - bend * (a - 0.9) ** 2)
    rng = np.random.default_rng(draw)
    luck = 0.5 * rng.standard_normal(3)[sweep.experiments["seed"]]
    sweep.outcomes["y"] += luck + 0.1 * rng.standard_normal(len(sweep.outcomes))
    return sweep


def check_drawn_means(module: ModuleType) -> None:
    """Of intervals where points differ by what was drawn about 95 % hold it; a level of one has none."""
    held = []
    for design in DRAWS:
        for draw in range(12):
            sweep = drawn_otherwise(design, draw)
            table = module.response(sweep, "y", sweep.axes[0])
            known = table[table["points"] > 1]
            held += ((known["low"] <= 5.0) & (known["high"] >= 5.0)).tolist()
            assert table.loc[table["points"] == 1, "low"].isna().all()
            assert table.attrs["drawn"]
    assert len(held) > 200 and 0.9 <= np.mean(held) <= 0.99, np.mean(held)


def check_drawn_peak(module: ModuleType) -> None:
    """Where a setting does nothing no peak is told, but for one in twenty; where it has one it is held."""
    told, held, there = [], [], []
    for design in ("lhs", "morris"):
        for draw in range(10):
            sweep = drawn_otherwise(design, draw)
            top = module.peak(sweep, "y", sweep.axes[0])
            told.append(top["told"])
            assert top["low"] < top["high"]
            assert top["told"] or module.peak_sentence(top).startswith("no peak can be told")
            top = module.peak(drawn_otherwise(design, draw, 12.0), "y", sweep.axes[0])
            held.append(top["low"] <= 0.9 <= top["high"])
            there.append(top["told"])
    assert np.mean(told) <= 0.1 and np.mean(held) >= 0.9, (np.mean(told), np.mean(held))
    assert np.mean(there) >= 0.8


def check_true_end(module: ModuleType) -> None:
    """The end of what was tried is a value that was, not the middle of a part; an interval goes as far."""
    sweep = made_up(["design=lhs", "points=40", *AXES[:2], "seeds=3"], lambda a, b: a + b / 9, noise=0.01)
    x = sweep.axes[0]
    top, last = module.peak(sweep, "y", x), sweep.experiments[x].max()
    assert top["at"] < last == top["end"] == top["high"]
    told = module.peak_sentence(top)
    assert told.endswith(f", the middle of the part at the end of what was tried, {last:.4g}"), told
    grid = made_up(["market.noise_sigma=0,1,2", "seeds=3"], lambda a: a)
    assert module.peak_sentence(module.peak(grid, "y", x)).endswith("); it is at the end of what was tried")


def check_others(module: ModuleType) -> None:
    """Where else is set differs along a setting, that is said: of a list, and of a grid with a hole."""
    for design, differs in (("list", True), ("grid", False)):
        words = [f"design={design}", "market.noise_sigma=0,1,2", "market.taste_sigma=0,1,2", "seeds=2"]
        sweep = made_up(words, lambda a, b: a)
        x = sweep.axes[0]
        told = module.others_told(sweep, "y", module.response(sweep, "y", x), [x])
        assert told.startswith(f"Caution: other settings are not the same wherever {x}") == differs, told
    sweep.outcomes.loc[sweep.experiments["point"] == 8, "y"] = math.nan
    assert module.others_told(sweep, "y", module.response(sweep, "y", x), [x]).startswith("Caution: other")
    drawn = drawn_otherwise("lhs", 1)
    assert "over which points fell where" in module.others_told(
        drawn, "y", module.response(drawn, "y", x), [x]
    )


def check_interval(module: ModuleType) -> None:
    values = np.array([1.0, 2.0, 4.0, math.nan])
    low, high = stats.t.interval(0.95, 2, values[:3].mean(), stats.sem(values[:3]))
    assert module.mean_and_interval(values) == pytest.approx((values[:3].mean(), low, high))


def check_peak(module: ModuleType) -> None:
    """y = x (2 - x) has its top at 1, between the points 0.8 and 1.2; a rising curve has it at the end."""
    words = ["market.noise_sigma=0,0.4,0.8,1.2,1.6,2", "seeds=20"]
    top = module.peak(made_up(words, lambda a: a * (2 - a), noise=0.02), "y", "market.noise_sigma")
    assert top["at"] == pytest.approx(1.0, abs=0.1)
    assert top["low"] < 1.0 < top["high"]
    assert top["high"] - top["low"] < 0.3
    assert top["value"] == pytest.approx(1.0, abs=0.02)
    assert not top["at_end"]
    rising = module.peak(made_up(words, lambda a: a), "y", "market.noise_sigma")
    assert (rising["at"], rising["at_end"]) == (2.0, 1.0)
    assert module.peak_told(rising) == "however 20 seeds are drawn again"
    one = made_up([*words[:1], "market.taste_sigma=0,1,2"], lambda a, b: a * (2 - a) + b, noise=0.02)
    top = module.peak(one, "y", "market.noise_sigma")
    assert math.isnan(top["low"]) and math.isnan(top["high"])
    assert module.peak_told(top) == "one seed: no interval"
    few = module.peak(
        made_up([words[0], "seeds=2"], lambda a: a * (2 - a), noise=0.02), "y", "market.noise_sigma"
    )
    assert module.peak_told(few).endswith(", 2 seeds")


SEEDS_TRIED = (2, 3, 5, 20)
NOISE = 0.1
PLACES = np.array([0.0, 0.4, 0.8, 1.2, 1.6, 2.0])


def coverage(module: ModuleType, seeds: int, repeats: int) -> tuple[float, float]:
    """Share of intervals that hold the place of a top, and that hold a mean, of curves with noise."""
    rng = np.random.default_rng(seeds)
    truth = -((PLACES - 0.9) ** 2)
    words = ["market.noise_sigma=0,0.4,0.8,1.2,1.6,2", f"seeds={seeds}"]
    sweep = made_up(words, lambda a: -((a - 0.9) ** 2))
    of_top = of_mean = 0
    for _ in range(repeats):
        curves = truth + NOISE * rng.standard_normal((seeds, len(PLACES)))
        low, high = module._interval_of_top(PLACES, curves, module.top_of(PLACES, curves.mean(axis=0))[0])
        of_top += low <= 0.9 <= high
        sweep.outcomes["y"] = curves.T.ravel()
        row = module.response(sweep, "y", "market.noise_sigma").iloc[2]
        of_mean += row["low"] <= truth[2] <= row["high"]
    return of_top / repeats, of_mean / repeats


def check_coverage(module: ModuleType, repeats: int = 80, slack: float = 0.06) -> None:
    """Of intervals that say 95 % about so many hold what they are of, whatever the number of seeds (S1)."""
    for seeds in SEEDS_TRIED:
        for share in coverage(module, seeds, repeats):
            assert abs(share - 0.95) <= slack, f"{share:.3f} with {seeds} seeds"


def test_a_goal_that_is_misspelt_is_told_by_its_own_word() -> None:
    sweep = made_up(["workers.count=10,20"], lambda workers: workers)
    for sign, word in ((1, "more"), (-1, "less")):
        with pytest.raises(UserError) as refused:
            analysis.pareto(sweep, {"yy": sign})
        assert (refused.value.path, refused.value.nearest) == (word, f"{word}=y")


def check_pareto(module: ModuleType) -> None:
    sweep = made_up(["market.noise_sigma=0,1,2", "market.taste_sigma=0,1"], lambda a, b: a)
    sweep.outcomes["z"] = [1.0, 3.0, 2.0, 1.0, 0.0, 0.0]
    table = module.pareto(sweep, {"y": 1, "z": 1})
    assert table["front"].tolist() == [False, True, True, False, True, True]
    assert module.pareto(sweep, {"y": -1, "z": 1})["front"].tolist() == [
        False,
        True,
        False,
        False,
        False,
        False,
    ]


def check_discover(module: ModuleType) -> None:
    """Where a > 1.2 and b < 0.8 the outcome is high: the box found is that corner, and c is free."""
    sweep = made_up(
        ["design=sobol", "points=1024", *AXES], lambda a, b, c: float(a > 1.2 and b < 0.8) + 0.001 * c / 63
    )
    table = module.discover(sweep, "y", 0.5).set_index("setting")
    a, b, c = (table.loc[name] for name in sweep.axes)
    assert 1.1 < a["low"] < 1.3
    assert 0.7 < b["high"] < 0.9
    assert a["restricted"]
    assert b["restricted"]
    assert c["high"] - c["low"] > 40
    assert table.attrs["share_of_all"] == pytest.approx(0.16, abs=0.01)
    assert table.attrs["share_inside"] > 0.8
    assert table.attrs["coverage"] > 0.8


def check_cut(module: ModuleType) -> None:
    """A setting that no cut restricts is told whole, however few points are inside, and a cut is told."""
    for draw in range(5):
        words = ["design=lhs", "points=40", f"design_seed={draw}", *AXES]
        sweep = made_up(words, lambda a, b, c: a + b / 1e6)
        table = module.discover(sweep, "y", 1.5).set_index("setting")
        assert table["restricted"].tolist() == [True, False, False]
        points, _ = sweep.means()
        hits = points.loc[points[sweep.axes[0]] > 1.5, sweep.axes[0]]
        assert table.loc[sweep.axes[0], ["low", "high"]].tolist() == [hits.min(), points[sweep.axes[0]].max()]
        for axis in sweep.axes[1:]:
            assert table.loc[axis, ["low", "high"]].tolist() == [points[axis].min(), points[axis].max()]
        assert table.attrs["points_inside"] == len(hits) and table.attrs["share_inside"] == 1.0


def check_superfluous(module: ModuleType) -> None:
    """A cut without which the same points are left, or others no worse, is taken back."""
    low, rest = np.array([False, False, True, True]), np.array([False, True, True, True])
    hits = np.array([0.0, 0.0, 1.0, 1.0])
    box = {
        ("a", module.LOW): low,
        ("b", module.LOW): rest,
        ("c", "none"): np.array([True, True, True, False]),
    }
    assert list(module._needed(box, hits)) == [("a", module.LOW)]


def check_few_inside(module: ModuleType) -> None:
    """A box of two points says so; one of many says nothing."""
    for points, few in ((16, True), (1024, False)):
        sweep = made_up(["design=sobol", f"points={points}", *AXES], lambda a, b, c: a + 0.01 * b + 0.001 * c)
        table = module.discover(sweep, "y", 1.9)
        told = module.few_inside(table)
        assert told.startswith(f"Caution: the box holds {table.attrs['points_inside']} points") == few, told
        assert few or not told


def check_choices(module: ModuleType) -> None:
    """Of groups the index is the best choice less the worst, and what is told says so."""
    words = ["market.noise_sigma=0,1,2", "policy=none,usage_tax"]
    mixed = module.covered(made_up(words, lambda a, policy: a), "y")
    assert "highest tenth" in mixed and "of a group, the outcome of the choice with the highest mean" in mixed
    group = module.covered(made_up(words[1:], lambda policy: 1.0), "y")
    assert "tenth" not in group and "index: the outcome of the choice with the highest mean" in group
    assert "choice" not in module.covered(made_up(words[:1], lambda a: a), "y")


def check_seeds(module: ModuleType) -> None:
    """The number given is the least whose interval is narrow enough."""
    needed = int(module.seeds_for(2.0, 10.0, 0.05))
    for seeds, enough in ((needed, True), (needed - 1, False)):
        half = stats.t.ppf(0.975, seeds - 1) * 2.0 / math.sqrt(seeds) / 10.0
        assert (half <= 0.05) == enough
    sweep = made_up(["market.noise_sigma=1,2", "seeds=200"], lambda a: 10.0, noise=2.0)
    row = module.replications(sweep, ["y"], 0.05).iloc[0]
    assert row["deviation"] == pytest.approx(2.0, abs=0.2)
    assert row["seeds_needed"] == pytest.approx(needed, abs=0.2 * needed)


CHECKS: dict[Any, tuple[str, str]] = {
    check_sobol: ("parts[1][None]", "parts[0][None]"),
    check_morris: ("rises[here][own] / steps", "rises[here][own]"),
    check_one_scale: ("else steps[own]", "else np.sign(steps[own]) * 2 / 3"),
    check_copies: ("own = np.sort(first[steps[first] != 0.0])", "own = np.flatnonzero(steps)"),
    check_no_value: ("by_choice.notna().all()", "by_choice.notna().any()"),
    check_shared_seeds: ("sweep.means(sweep.compared(names))", "sweep.means()"),
    check_never_tried: ("if value not in there]", "if value in there]"),
    check_base_points: ("table[high] - table[low] > WIDE", "table[low] > WIDE"),
    check_null: ("_ordered(table.groupby(keys).size().index)", "table.groupby(keys).size().index"),
    check_bounds: ("if low <= short < high", "if True"),
    check_no_seeds: ("grouped[name].count()", "grouped[name].size()"),
    check_picked: ("if len(groups) < 3:", "if len(groups) < 30:"),
    check_alike: (
        "    if a + b == 0.0:\n        return math.nan",
        "    if a + b == 0.0:\n        return 0.0",
    ),
    check_ends: ("a, b = one.var(ddof=1)", "a, b = one.var(ddof=0)"),
    check_interval: ("kept.std(ddof=1) / math.sqrt(len(kept))", "kept.std(ddof=1)"),
    check_response: ('* found["deviation"] / np.sqrt(seeds)', '* found["deviation"]'),
    check_over_seeds: ('known["seed"]]).mean()', 'known["point"], known["seed"]]).mean()'),
    check_parts: ("np.geomspace if axis.logarithmic else", "np.linspace if axis.logarithmic else"),
    check_drawn_means: ("(count - 1)\n    return squares**0.5", "count**2\n    return squares**0.5"),
    check_drawn_peak: ("told = _is_uneven(known, x, draws) and", "told ="),
    check_true_end: ("ends.get(high, high)", "high"),
    check_others: ("if len(sets) == 1:", "if sets:"),
    check_peak: ("max(x - at, -slope / (2 * bend))", "max(x - at, -slope / bend)"),
    check_coverage: ("max(places[0], min(low, at - half))", "max(places[0], low)"),
    check_covered: ("if study.seeds == 1 else", "if study.seeds > 1 else"),
    check_few_runs: ("< LEAST_SEEDS).sum()", "<= LEAST_SEEDS).sum()"),
    check_pareto: (".any(axis=1)\n        front[row]", ".all(axis=1)\n        front[row]"),
    check_few_inside: ("if inside >= LEAST_POINTS", "if inside >= 2"),
    check_choices: ("if all(ordered):", "if any(ordered):"),
    check_discover: ("key=lambda place: (shares[place]", "key=lambda place: (-shares[place]"),
    check_cut: (
        "own = {side: mask for (path, side), mask in box.items() if path == axis}",
        "own = {side: inside for (path, side) in box}",
    ),
    check_superfluous: ("if shares[order] < share:", "if shares[order] <= share:"),
    check_seeds: ("deviation / math.sqrt(seeds) / abs(mean)", "deviation / seeds / abs(mean)"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_analyses(check: Any, exercised: Exercised) -> None:
    """Each gives the known answer, and a planted bug takes it away."""
    check(analysis)
    with pytest.raises(AssertionError):
        check(planted(analysis, *CHECKS[check]))
    exercised("planted bugs", 1, 1)


def test_the_same_sweep_gives_the_same_table() -> None:
    sweep = made_up(["design=saltelli", "points=64", *AXES], lambda a, b, c: a * b + c)
    assert analysis.sensitivity(sweep, "y").equals(analysis.sensitivity(sweep, "y"))
    constant = made_up(["design=saltelli", "points=16", *AXES], lambda a, b, c: 1.0)
    assert (analysis.sensitivity(constant, "y")["index"] == 0).all()


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda sweep: analysis.sensitivity(sweep, "z"), "outcome"),
        (lambda sweep: analysis.response(sweep, "y", "market.looks"), "x"),
        (lambda sweep: analysis.response(sweep, "y", "market.noise_sigma", "market.noise_sigma"), "y"),
        (lambda sweep: analysis.peak(sweep, "y", "market.noise_sigma"), "x"),
        (lambda sweep: analysis.discover(sweep, "y", 1e9), "above"),
        (lambda sweep: analysis.replications(sweep, ["y"], 0.0), "half_width"),
    ],
)
def test_what_cannot_be_answered_is_told(ask: Callable[[Sweep], Any], path: str) -> None:
    sweep = made_up(["market.noise_sigma=0,1", "seeds=2"], lambda a: a)
    with pytest.raises(UserError) as told:
        ask(sweep)
    assert told.value.path == path


def test_a_peak_of_an_unfinished_sweep() -> None:
    """Places and seeds without a value are left out, in the resampled curves too, without a warning."""
    words = ["market.noise_sigma=0,0.4,0.8,1.2,1.6,2", "seeds=5"]
    sweep = made_up(words, lambda a: a * (2 - a), noise=0.02)
    point, seed = sweep.experiments["point"], sweep.experiments["seed"]
    sweep.outcomes.loc[(point >= 4) & (seed > 0), "y"] = math.nan
    sweep.outcomes.loc[point == 1, "y"] = math.nan
    assert analysis.peak(sweep, "y", "market.noise_sigma")["at"] == pytest.approx(1.0, abs=0.2)
    sweep.outcomes.loc[seed > 0, "y"] = math.nan
    assert analysis.peak(sweep, "y", "market.noise_sigma")["at"] == pytest.approx(1.0, abs=0.2)


def test_a_sweep_that_varies_nothing_has_no_sensitivity() -> None:
    with pytest.raises(UserError, match="varies nothing"):
        analysis.sensitivity(made_up(["market.looks=3", "seeds=2"], lambda: 1.0), "y")


@pytest.mark.nightly
def test_intervals_hold_what_they_say(exercised: Exercised) -> None:
    check_coverage(analysis, repeats=1_000, slack=0.025)
    exercised("intervals", 2 * 1_000 * len(SEEDS_TRIED), 8_000)
