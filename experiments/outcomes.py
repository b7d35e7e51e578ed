"""The outcomes of an experiment: numbers by scenario, seed, metric and group, and differences in pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.config import Config
from sim.study.analysis import mean_and_interval
from sim.study.measure import WORLD

Floats = NDArray[np.float64]


class Outcomes:
    """Numbers of all runs.

    Parameters
    ----------
    rows
        A row for each number: scenario, seed, metric, group, value.
    points
        Of each scenario of a grid, its coordinates.
    configs
        The configuration of each scenario.
    budgets
        How taxes were matched.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        points: Mapping[str, Mapping[str, Any]],
        configs: Mapping[str, Config],
        budgets: Mapping[str, Any],
    ) -> None:
        self.points, self.configs, self.budgets = points, configs, budgets
        self.scenarios = list(dict.fromkeys(rows["scenario"]))
        self.seeds = sorted(set(rows["seed"]))
        wide = rows.pivot_table(index=["scenario", "metric", "group"], columns="seed", values="value")
        self._values = {key: row.to_numpy(np.float64) for key, row in wide.iterrows()}
        self.groups = sorted(set(rows["group"]))

    def of(self, scenario: str, metric: str, group: str = WORLD) -> Floats:
        """Return a number of a scenario, one for each seed; NaN where it has no value."""
        return self._values.get((scenario, metric, group), np.full(len(self.seeds), np.nan))

    def change(self, scenario: str, metric: str, base: str, group: str = WORLD) -> Floats:
        """Return the difference to another scenario with the same seed."""
        return self.of(scenario, metric, group) - self.of(base, metric, group)

    def percent(self, scenario: str, metric: str, base: str, group: str = WORLD) -> Floats:
        """Return that difference in per cent of the other scenario; NaN where that is nothing."""
        before = self.of(base, metric, group)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                before != 0.0, 100.0 * self.change(scenario, metric, base, group) / before, np.nan
            )

    def ratio(self, scenario: str, above: str, below: str, group: str = WORLD) -> Floats:
        """Return the ratio of two numbers of a scenario."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.of(scenario, above, group) / self.of(scenario, below, group)

    def grid(self, name: str) -> list[str]:
        """Return the scenarios of a grid, in its order."""
        return [scenario for scenario, point in self.points.items() if point["grid"] == name]

    def along(self, name: str, path: str) -> tuple[list[str], list[Any]]:
        """Return the scenarios of a grid and the value of one of its settings in each."""
        scenarios = self.grid(name)
        return scenarios, [self.points[scenario][path] for scenario in scenarios]

    def table(self, scenarios: Sequence[str], columns: Mapping[str, Callable[[str], Floats]]) -> pd.DataFrame:
        """Return means and intervals: a row for each scenario and column."""
        rows = [
            (scenario, column, *mean_and_interval(values(scenario)), int(np.isfinite(values(scenario)).sum()))
            for scenario in scenarios
            for column, values in columns.items()
        ]
        return pd.DataFrame(rows, columns=["scenario", "outcome", "value", "low", "high", "seeds"])
