"""When and where work is done in the runs of a comparison: sums by hour of the day, and by country."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sim.outcomes.indicators import WORKING

CLOCK, HOURS = "clock", "hours"
POSTED, ACTIVE, WORKED = "posted", "active", "working_hours"
CLOCK_UNITS = {
    "utc_hour": "h",
    **dict.fromkeys(("baseline", "value", "difference", "low", "high"), "assignments or workers on duty"),
    "seeds": "runs",
}
HOURS_UNITS = {
    **dict.fromkeys(("baseline", "value", "difference", "low", "high"), "h/year"),
    "seeds": "runs",
}

Amounts = dict[tuple[str, str], int]


def by_hour(clock: pd.DataFrame) -> Amounts:
    """Return assignments posted and workers on duty of the world by (measure, hour), summed over days."""
    sums = clock.groupby("utc_hour")[[POSTED, ACTIVE]].sum()
    return {
        (measure, str(hour)): int(total)
        for measure in (POSTED, ACTIVE)
        for hour, total in sums[measure].items()
    }


def by_country(series: pd.DataFrame, codes: Iterable[str]) -> Amounts:
    """Return seconds of work, paid or not, by (measure, country), of every country."""
    seconds = series[list(WORKING)].sum(axis=1).groupby(series["country"].astype(str)).sum()
    return {(WORKED, str(code)): int(seconds.get(str(code), 0)) for code in codes}
