"""The recorder: watches a run and keeps the tables of its results. It never changes the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sim.agents.platform import RANKINGS
from sim.agents.traits import (
    AUDIENCE,
    JOINED_LATER,
    OTHER_JOB,
    TERTIARY,
    WOMAN,
    column_of,
    permanent_ids,
    platform_of,
)
from sim.columns import Records, aligned_zeros, grown
from sim.compile import integer, kernel, real
from sim.ledger import (
    ADMINISTRATION,
    CAPITAL,
    COMMONS_DIVIDEND,
    CONDITIONAL_INCOME,
    CONTRIBUTIONS,
    EXTERNAL_INCOME,
    EXTERNAL_INCOME_OF_OTHERS,
    HAVEN_PROFIT,
    HAVEN_TAX,
    HIRING_SUBSIDY,
    INCOME_OF_OTHERS,
    KINDS,
    PATRONAGE,
    POOLING,
    PROFIT,
    PROFIT_SHIFTING,
    PROFIT_TAX,
    SURPLUS,
    TURNOVER_TAX,
    UNIVERSAL_INCOME,
    USAGE_TAX,
)
from sim.market import board as boards
from sim.numeric import exp
from sim.outcomes.campaigns import PART, Campaigns, add_taken
from sim.outcomes.families import kinds_of
from sim.outcomes.finished import Finished, write_columns
from sim.outcomes.frames import COLUMNS, FrameSet, empty
from sim.outcomes.remedies import employment_rows, shift_pay_of, union_rows
from sim.outcomes.roster import households_of
from sim.outcomes.tables import Table, Texts, without_rows
from sim.policy.assessment import ASSESSMENT, INSTRUMENTS, heads_of, part_before
from sim.policy.leaving import WHO_LEFT

MOST_KEPT = 1 << 16
"""Finished batches after which all are handed over: in a large market a day has more."""

WORKER_SIDE = {
    "tasks_accepted": boards.ACCEPTED,
    "tasks_rejected": boards.REJECTED,
    "tasks_returned": boards.RETURNS,
    "pay_microusd": boards.PAY,
    "worker_fee_microusd": boards.FEE,
    "withheld_microusd": boards.WITHHELD,
    "broker_cut_microusd": boards.CUT,
    "duty_seconds": boards.DUTY,
    "paid_seconds": boards.PAID,
    "search_seconds": boards.SEARCH,
    "returned_seconds": boards.RETURNED_TIME,
    "rejected_seconds": boards.REJECTED_TIME,
    "idle_seconds": boards.IDLE,
    "night_seconds": boards.NIGHT,
    "exposure_seconds": boards.EXPOSURE,
}
REQUESTER_SIDE = {
    "requester_posted": boards.POSTED,
    "requester_done": boards.DONE,
    "requester_expired": boards.EXPIRED,
    "requester_batches": boards.BATCHES,
    "requester_spent_microusd": boards.SPENT,
    "requester_fee_microusd": boards.FEES,
}

WEEK = ("posted", "active", "paid_seconds")
"""What is summed by hour and day of the week, in the order of `Recorder.week`."""

TAX_COLUMNS = {
    "declared_users": "declared_users",
    "base_microusd": "base",
    "rate": "rate",
    "rate_per_user_usd": "rate_per_user",
    "bands": "bands",
    "part_of_month": "part_of_month",
    "strength": "strength",
    "amount_microusd": "amount",
    "shifted_microusd": "shifted",
    "haven_tax_microusd": "haven_tax",
}

AUDIENCE_COLUMNS = {
    "labels": "month_labels",
    "advertising_microusd": "month_advertising",
    "charged_microusd": "month_charged",
    "cost_microusd": "month_cost",
}
"""Columns of `audiences` that are sums of the window."""

COMMONS = tuple(COLUMNS["commons"])[1:-2]
"""Columns that the fund tells, in the order of `Fund.told`."""

Sink = Callable[[pa.Table], None]


class Recorder:
    """Keeps what the tables of a result need; batches go to a sink month by month.

    Parameters
    ----------
    model
        The run to watch.
    batches
        Receives the ``batches`` table, a month at a time; None keeps them in memory.
    """

    def __init__(self, model: Any, batches: Sink | None = None) -> None:
        self.model = model
        self.platforms, self.countries = len(model.platform_names), len(model.world.codes)
        self.worker_tally = np.zeros((self.platforms, 24, self.countries, boards.TALLIES), np.int64)
        self.demand_tally = np.zeros((self.platforms, 24, self.countries, boards.DEMANDS), np.int64)
        self.week = np.zeros((len(WEEK), 7, 24, self.countries), np.int64)
        self.week_days = np.zeros(7, np.int64)
        self.before_window: NDArray[np.int64] | None = None
        self.assessed_before: Records = np.zeros(0, ASSESSMENT)
        self.audiences_before: Records = np.zeros(0, AUDIENCE)
        self.audience_months: list[dict[str, NDArray[Any]]] = []
        self.transfers = np.zeros(0, np.int64)
        self.days = 0
        self.cut_off_seconds = 0
        self.duty_seconds = 0
        self.series_days: list[dict[str, NDArray[Any]]] = []
        self.flow_months: list[dict[str, NDArray[Any]]] = []
        self.user_months: list[dict[str, NDArray[Any]]] = []
        self.tax_months: list[dict[str, NDArray[Any]]] = []
        self.income_months: list[dict[str, NDArray[Any]]] = []
        self.member_months: list[dict[str, NDArray[Any]]] = []
        self.commons_months: list[dict[str, NDArray[Any]]] = []
        self.union_weeks: list[dict[str, NDArray[Any]]] = []
        self.employment_months: list[dict[str, NDArray[Any]]] = []
        self.exit_months: list[dict[str, NDArray[Any]]] = []
        self.ai_weeks: list[dict[str, NDArray[Any]]] = []
        self.finished = Finished()
        self.kept_batches: list[pa.Table] = []
        self.sink: Sink = batches or self.keep_batches
        self.campaigns = Campaigns()
        self.scale = model.config.workers.real_count / model.config.workers.count
        self.keeps_batches = model.config.record.batches
        self.keeps_events = model.config.record.events
        self.events: list[dict[str, NDArray[Any]]] = []

    def keep_batches(self, table: pa.Table) -> None:
        """Keep finished batches in memory."""
        self.kept_batches.append(table)

    # --- watching ---

    def hour(self, model: Any) -> None:
        """Keep the batches that finished in the hour."""
        if self.keeps_events:
            self.events += [events_of(model, board) for board in model.boards]
        if not model.recording:
            return
        write, add = model.calls[write_columns], model.calls[add_taken]
        for board in model.boards:
            state = board.state
            self.cut_off_seconds += state.item(boards.CUT_OFF)
            count = state.item(boards.FINISHED_COUNT)
            if not count:
                continue
            if self.keeps_batches:
                self.finished.add(board.finished, count, board.platform, write)
                if self.finished.count >= MOST_KEPT:
                    self.flush_batches()
            if model.keeps_campaigns:
                self.campaigns.add(board.taken, state.item(boards.TAKEN_COUNT), add)

    def day(self, model: Any) -> None:
        """Keep the day's sums by country and platform; before the window, what its first month began with."""
        if model.hour == model.first_recorded_hour:
            self.before_window = model.ledger.flows + model.flows_of_open_books()
            self.assessed_before = model.assessments()
            self.audiences_before = model.audience_rows.copy()
            if model.keeps_history:
                self._leave_out_shifts_before(model)
        if not model.recording:
            return
        self.worker_tally[:] = 0
        self.demand_tally[:] = 0
        for board in model.boards:
            place = board.platform, slice(None), board.where
            self.worker_tally[place] += board.tally[:, board.where]
            self.demand_tally[place] += board.demands[:, board.where]
        weekday = model.clock.weekday(model.hour - 1)
        self.week_days[weekday] += 1
        self.week[0, weekday] += self.demand_tally[..., boards.POSTED].sum(axis=0)
        self.week[1, weekday] += self.worker_tally[..., boards.ON_DUTY].sum(axis=0)
        self.week[2, weekday] += self.worker_tally[..., boards.PAID].sum(axis=0)
        self.duty_seconds += int(self.worker_tally[..., boards.DUTY].sum())
        self.days += 1
        workers, requesters = self.worker_tally.sum(axis=1), self.demand_tally.sum(axis=1)
        active = working_today(model)
        p, c = np.nonzero(
            workers.any(axis=-1)
            | requesters.any(axis=-1)
            | (active + model.joined_today + model.left_today > 0)
        )
        rows: dict[str, NDArray[Any]] = {
            "day": np.full(len(p), model.hour // 24 - 1, np.int32),
            "country": c,
            "platform": p,
            "active_workers": active[p, c],
            "joined": model.joined_today[p, c],
            "left": model.left_today[p, c],
        }
        rows |= {name: workers[p, c, column] for name, column in WORKER_SIDE.items()}
        rows |= {name: requesters[p, c, column] for name, column in REQUESTER_SIDE.items()}
        self.series_days.append(rows)
        self.union_weeks += [rows for rows in (union_rows(model),) if rows]
        if model.ai is not None and model.clock.is_week_start(model.hour - 24):
            self._keep_ai(model, model.hour // 24 - 8)

    def _keep_ai(self, model: Any, first_day: int) -> None:
        """Keep what the week that ended yesterday brought, if all of it lies in the window."""
        if 24 * first_day >= model.first_recorded_hour:
            country = np.arange(self.countries)
            week = {"day": np.full(self.countries, first_day, np.int32), "country": country}
            self.ai_weeks.append(week | model.ai.week(model.requester_rows, self.countries))

    def _leave_out_shifts_before(self, model: Any) -> None:
        """Begin below zero by what is paid at the month's end for time before the window, as flows do."""
        due = model.offices.paid_time.due_to_each(model.worker_rows[: model.workers_count])
        if due.any():
            self.transfers = grown(self.transfers, len(due))
            self.transfers[: len(due)] -= due

    def month(self, model: Any, period: str, flows: NDArray[np.int64]) -> None:
        """Keep the month's flows, taxes and incomes, and hand over its batches."""
        rows = model.assessed
        part = part_before(rows, self.assessed_before)
        turned = turned_profits(model.offices.owners, part, self.assessed_before, flows)
        self.assessed_before = self.assessed_before[:0]
        if model.hour > model.first_recorded_hour and len(model.audiences_closed):
            self._keep_audiences(model, period, rows, part)
        if model.hour > model.first_recorded_hour:
            self.employment_months += [rows for rows in (employment_rows(model, period),) if rows]
            paid = shift_pay_of(model)
            if model.keeps_history and len(paid):
                self.transfers = grown(self.transfers, len(paid))
                self.transfers[: len(paid)] += paid
        self.audiences_before = self.audiences_before[:0]
        if model.hour > model.first_recorded_hour:
            counted, count = model.counted, len(model.counted["users"])
            self.user_months.append({"period": np.full(count, period, object), **counted})
        if model.hour > model.first_recorded_hour and model.offices.assesses:
            self._keep_taxes(period, rows, part)
            self._keep_incomes(model, period, flows)
        if model.hour > model.first_recorded_hour:
            self._keep_members(model, period)
        if model.exits:
            self._keep_exits(model)
        self._keep_flows(model, period, flows, turned)

    def _keep_exits(self, model: Any) -> None:
        """Keep the countries that platforms have just given up, before the window too."""
        platform, country, who, agents, taken = np.array(model.exits, np.int64).T
        day = np.full(len(platform), model.hour // 24, np.int32)
        columns = {"day": day, "platform": platform, "country": country, "who": who}
        self.exit_months.append(columns | {"agents": agents, "taken_microusd": taken})

    def _keep_flows(self, model: Any, period: str, flows: NDArray[np.int64], turned: Any = 0) -> None:
        self.flush_batches()
        if self.before_window is not None:
            flows = netted(flows - self.before_window + turned)
            self.before_window = None
        if model.hour <= model.first_recorded_hour:
            return
        kind, debit, credit = np.nonzero(flows)
        self.flow_months.append(
            {
                "period": np.full(len(kind), period, object),
                "kind": kind,
                "debit_country": debit,
                "credit_country": credit,
                "amount_microusd": flows[kind, debit, credit],
            }
        )

    def _keep_audiences(self, model: Any, period: str, assessed: Records, part: Records) -> None:
        """Keep what the users of social platforms did in the part of a month that lies in the window."""
        rows, before = model.audiences_closed, self.audiences_before
        taxes = np.zeros((self.platforms, self.countries), np.int64)
        declared = np.zeros((self.platforms, self.countries))
        is_tax = assessed["instrument"] != INSTRUMENTS.index("users")
        places = assessed["platform"], assessed["country"]
        np.add.at(taxes, places, np.where(is_tax, assessed["amount"] - part["amount"], 0))
        np.add.at(declared, places, assessed["declared_users"])
        here = rows["platform"].astype(np.int64), rows["country"].astype(np.int64)
        columns: dict[str, NDArray[Any]] = {
            "period": np.full(len(rows), period, object),
            "country": here[1],
            "platform": here[0],
            "users": rows["users"].copy(),
            "users_persons": rows["users"] * self.scale,
            "users_without_charge": rows["base_users"].copy(),
            "declared_users": declared[here],
            "charge_per_user_usd": rows["charge_microusd"] / 1e6,
            "taxes_microusd": taxes[here],
        }
        for name, field in AUDIENCE_COLUMNS.items():
            columns[name] = rows[field] - (before[field] if len(before) else 0)
        self.audience_months.append(columns)

    def _keep_taxes(self, period: str, rows: Records, part: Records) -> None:
        columns: dict[str, NDArray[Any]] = {
            "period": np.full(len(rows), period, object),
            **{name: rows[name].copy() for name in ("platform", "country", "instrument", "users")},
            "users_persons": rows["users"] * self.scale,
            "before_window_microusd": part["amount"].copy(),
        }
        columns |= {name: rows[field].copy() for name, field in TAX_COLUMNS.items()}
        self.tax_months.append(columns)

    def _keep_incomes(self, model: Any, period: str, flows: NDArray[np.int64]) -> None:
        """Keep the account of each treasury over a month, from all that was booked in it."""
        offices, countries = model.offices, self.countries
        paid = model.paid_at == model.hour  # not in the month in which the run ends
        heads = heads_of(offices) if paid else np.zeros(countries)
        per_head = offices.per_head.copy() if paid else np.zeros(countries, np.int64)
        receives = model.paid_income if paid else model.paid_income[:0]
        recipients = model.worker_rows["country"][: len(receives)][receives]
        collected = flows[[USAGE_TAX, TURNOVER_TAX, PROFIT_TAX]].sum(axis=(0, 1))
        contributed = flows[CONTRIBUTIONS].sum(axis=0)
        inward, outward = flows[POOLING].sum(axis=0), flows[POOLING].sum(axis=1)
        outgoings = [ADMINISTRATION, UNIVERSAL_INCOME, CONDITIONAL_INCOME, INCOME_OF_OTHERS, HIRING_SUBSIDY]
        spent = flows[outgoings].sum(axis=2)
        from_outside = flows[[EXTERNAL_INCOME, EXTERNAL_INCOME_OF_OTHERS]].sum(axis=1)
        kept = model.government_rows["balance"].astype(np.int64)
        self.income_months.append(
            {
                "period": np.full(countries, period, object),
                "country": np.arange(countries),
                "opening_microusd": kept - collected - contributed - inward + outward + spent.sum(axis=0),
                "collected_microusd": collected,
                "contributions_microusd": contributed,
                "administration_microusd": spent[0],
                "pooled_in_microusd": inward,
                "pooled_out_microusd": outward,
                "heads": heads,
                "heads_persons": heads * self.scale,
                "workers": np.bincount(recipients, minlength=countries),
                "per_head_microusd": per_head,
                "to_workers_microusd": spent[1] + spent[2] + from_outside[0],
                "to_others_microusd": spent[3] + from_outside[1],
                "to_requesters_microusd": spent[4],
                "from_outside_microusd": from_outside.sum(axis=0),
                "kept_microusd": kept,
                "wanted_microusd": offices.wanted * paid,
                "allowed_microusd": offices.allowed * paid,
            }
        )
        if model.keeps_history and len(receives):
            self.transfers = grown(self.transfers, len(receives))
            rows = np.flatnonzero(receives)
            self.transfers[rows] += per_head[model.worker_rows["country"][rows]]

    def _keep_members(self, model: Any, period: str) -> None:
        """Keep what cooperatives and the commons brought in a month."""
        if model.offices.cooperatives is not None:
            rows = model.offices.cooperatives_table(model.hour)
            rows["patronage_of_gone_microusd"] = np.array(
                [to_people_gone(model, PATRONAGE, int(platform)) for platform in rows["platform"]], np.int64
            )
            owned = [model.offices.is_cooperative(int(p), model.hour - 1) for p in rows["platform"]]
            there = np.array(owned, np.bool_)  # of no rows too
            rows = {name: column[there] for name, column in rows.items()}
            self.member_months.append({"period": np.full(int(there.sum()), period, object), **rows})
        if model.offices.fund is not None:
            kept = np.array([model.ledger.commons_fund["balance"][0]])
            told = dict(zip(COMMONS, model.offices.fund.told[:, None].copy(), strict=True))
            gone = np.array([to_people_gone(model, COMMONS_DIVIDEND, 0)])
            money = {"kept_microusd": kept, "to_workers_gone_microusd": gone}
            self.commons_months.append({"period": np.array([period], object), **told, **money})
        if model.keeps_history and len(model.members_got):
            self.transfers = grown(self.transfers, len(model.members_got))
            self.transfers[: len(model.members_got)] += model.members_got

    def flush_batches(self) -> None:
        """Hand the finished batches kept so far to the sink."""
        if self.finished.count:
            self.sink(pa.concat_tables(map(self._batches, self.finished.handed_over())))

    def event_log(self) -> pd.DataFrame:
        """Return every piece of work of the run: who did how much of which batch, and when."""
        return pd.DataFrame(joined(self.events))

    # --- checkpoints ---

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a checkpoint must hold for the tables to come out the same.

        Raises
        ------
        ValueError
            If batches of past months were kept in memory: only a sink keeps them from a kill.
        """
        if self.kept_batches:
            raise ValueError("Batches kept in memory are no part of a checkpoint: give the recorder a sink.")
        arrays = {
            "week": self.week,
            "week_days": self.week_days,
            "numbers": np.array([self.days, self.cut_off_seconds, self.duty_seconds, self.campaigns.entered]),
            "campaign_keys": self.campaigns.table["key"],
            "campaign_counts": self.campaigns.table["done"],
        }
        if self.before_window is not None:
            arrays["before_window"] = self.before_window
        if len(self.assessed_before):
            arrays["assessed_before"] = self.assessed_before
        if len(self.audiences_before):
            arrays["audiences_before"] = self.audiences_before
        if len(self.transfers):
            arrays["transfers"] = self.transfers
        if self.finished.count:
            arrays["finished"] = self.finished.state()
        arrays |= {
            f"events.{name}": column.astype("U64") if name == "platform" else column
            for name, column in joined(self.events).items()
        }
        arrays |= {f"series.{name}": column for name, column in joined(self.series_days).items()}
        for head, months in self._months().items():
            for name, column in joined(months).items():
                arrays[head + name] = column.astype("U7") if name == "period" else column
        return arrays

    def _months(self) -> dict[str, list[dict[str, NDArray[Any]]]]:
        """Tables kept month by month, by the head of their names in a checkpoint."""
        return {
            "flows.": self.flow_months,
            "users.": self.user_months,
            "taxes.": self.tax_months,
            "incomes.": self.income_months,
            "audiences.": self.audience_months,
            "cooperatives.": self.member_months,
            "commons.": self.commons_months,
            "unions.": self.union_weeks,
            "employment.": self.employment_months,
            "exits.": self.exit_months,
            "ai.": self.ai_weeks,
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what a checkpoint holds."""
        self.week, self.week_days = arrays["week"], arrays["week_days"]
        self.days, self.cut_off_seconds, self.duty_seconds, self.campaigns.entered = map(
            int, arrays["numbers"]
        )
        self.campaigns.table = aligned_zeros(len(arrays["campaign_keys"]), PART)
        self.campaigns.table["key"], self.campaigns.table["done"] = (
            arrays["campaign_keys"],
            arrays["campaign_counts"],
        )
        self.before_window = arrays.get("before_window")
        self.assessed_before = arrays.get("assessed_before", self.assessed_before)
        self.audiences_before = arrays.get("audiences_before", self.audiences_before)
        self.transfers = arrays.get("transfers", self.transfers)
        if "finished" in arrays:
            self.finished.restore(arrays["finished"])
        kinds = {"series.": self.series_days, "events.": self.events, **self._months()}
        for head, kept in kinds.items():
            part = {name[len(head) :]: column for name, column in arrays.items() if name.startswith(head)}
            if part:
                kept.append(part)

    # --- tables ---

    def frames(self) -> FrameSet:
        """Return all tables as DataFrames; call once, at the end of the run."""
        tables = self.tables()
        frames: dict[str, Any] = {name: frame_of(name, getattr(tables, name)) for name in COLUMNS}
        return replace(tables, **frames)

    def tables(self) -> FrameSet:
        """Return all tables as `sim.outcomes.tables.Table`, which is quick; once, at the end of the run."""
        model = self.model
        self.flush_batches()
        if model.ledger.flows.any():
            self._keep_flows(model, model.clock.month_key(model.hour - 1), model.ledger.flows)
        tables: dict[str, Any] = {
            "series": self._series(),
            "clock": self._clock(),
            "weekdays": self._weekdays(),
            "workers": self._workers(),
            "requesters": self._requesters(),
            "batches": Table.of(pa.concat_tables(self.kept_batches).to_pandas())
            if self.kept_batches
            else without_rows("batches"),
            "spells": self._spells(),
            "flows": self._flows(),
            "users": self._users(),
            "taxes": self._taxes(),
            "incomes": self._incomes(),
            "audiences": self._audiences(),
            "cooperatives": self._cooperatives(),
            "commons": self._commons(),
            "unions": self._placed("unions", self.union_weeks),
            "employment": self._placed("employment", self.employment_months),
            "exits": self._exits(),
            "ai": self._ai(),
        }
        return FrameSet(
            **tables,
            scale=self.scale,
            kinds=kinds_of(
                {
                    name: {each: vars(one) for each, one in getattr(model.config, name).items()}
                    for name in ("platforms", "task_types")
                }
            ),
            households=households_of(model.config),
        )

    def _series(self) -> Table:
        columns = joined(self.series_days)
        if not columns:
            return without_rows("series")
        columns["date"] = self._dates(columns["day"])
        columns["country"] = self._codes(columns["country"])
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        return Table.made({name: columns[name] for name in COLUMNS["series"]})

    def _clock(self) -> Table:
        sums = self.week.sum(axis=1)
        hour, country = (place.ravel() for place in np.indices(sums.shape[1:]))
        return Table.made(
            {
                "utc_hour": hour.astype(np.int8),
                "country": self._codes(country),
                **dict(zip(WEEK, (each.ravel() for each in sums), strict=True)),
                "days": np.full(len(hour), self.days, np.int64),
            }
        )

    def _weekdays(self) -> Table:
        weekday, hour, country = (place.ravel() for place in np.indices(self.week.shape[1:]))
        return Table.made(
            {
                "weekday": weekday.astype(np.int8),
                "utc_hour": hour.astype(np.int8),
                "country": self._codes(country),
                **dict(zip(WEEK, (each.ravel() for each in self.week), strict=True)),
                "days": self.week_days[weekday],
            }
        )

    def _workers(self) -> Table:
        model = self.model
        if not model.keeps_history:
            return without_rows("workers")
        past = model.history_rows[: model.workers_count]
        seen = (past["left_day"] < 0) | (past["left_day"] >= model.first_recorded_hour // 24)
        order = in_order_of_coming(model)
        order = order[seen[order]]
        rows, past = model.worker_rows[order], past[order]
        bits = rows["bits"]
        weeks = past["weeks"].astype(float)
        mean = past["weekly_sum"] / np.maximum(weeks, 1)
        variance = np.maximum(past["weekly_squares"] / np.maximum(weeks, 1) - mean * mean, 0)
        columns: dict[str, Any] = {
            "id": permanent_ids(rows),
            "country": self._codes(rows["country"]),
            "zone": Texts(rows["zone"], model.world.zones),
            "segment": Texts(column_of(rows, "segment"), model.segment_names),
            "gender": Texts((bits & WOMAN > 0).astype(np.int64), ("man", "woman")),
            "tertiary": (bits & TERTIARY) > 0,
            "other_job": (bits & OTHER_JOB) > 0,
            "skill": column_of(rows, "skill").astype(np.int8),
            "speed": exponentials(rows["log_speed"]),
            "accuracy": rows["accuracy"] / 255.0,
            "desired_hours": rows["desired_minutes"] / 60.0,
            "platform": Texts(column_of(rows, "platform"), model.platform_names),
            "collective": rows["collective"].astype(np.int64),
            "joined_day": past["joined_day"],
            "left_day": past["left_day"],
            "base_reservation_usd_per_hour": exponentials(rows["log_base_reservation"]),
            "reservation_usd_per_hour": exponentials(rows["log_reservation"]),
            "pay_microusd": past["pay"],
            "paid_out_microusd": past["paid_out"],
            "transfers_microusd": grown(self.transfers, len(seen))[order],
            "weeks": weeks,
            "weekly_volatility": np.where(
                (weeks > 1) & (mean > 0), np.sqrt(variance) / np.maximum(mean, 1e-12), np.nan
            ),
            "weight": np.full(len(rows), self.scale),
        }
        for name in COLUMNS["workers"]:
            if name not in columns:
                columns[name] = past[name].astype(np.int64)
        return Table.made({name: columns[name] for name in COLUMNS["workers"]})

    def _requesters(self) -> Table:
        model = self.model
        rows = model.requester_rows
        functions = [task.function for task in model.config.task_types.values()]
        main = np.argmax(np.diff(model.mixes, axis=1, prepend=0.0), axis=1)
        shares = self.campaigns.top_shares(len(rows)) if model.keeps_campaigns else np.full(len(rows), np.nan)
        return Table.made(
            {
                "id": rows["id"],
                "country": self._codes(rows["country"]),
                "sector": Texts(main, functions),
                "always_on": rows["always_on"] > 0,
                "size": rows["relative_size"],
                "value_usd_per_hour": rows["value"],
                "pay_target_usd_per_hour": rows["target"],
                "initial_target_usd_per_hour": rows["initial_target"],
                "batches": rows["batches"],
                "posted": rows["posted"],
                "accepted": rows["accepted"],
                "rejected": rows["rejected"],
                "expired": rows["expired"],
                "spent_microusd": rows["spent"],
                "fee_microusd": rows["fees"],
                "top_decile_share": shares,
                "zone": Texts(rows["zone"], model.world.zones),
            }
        )

    def _batches(self, block: dict[str, NDArray[Any]]) -> pa.Table:
        model, requesters = self.model, block["requester"]
        columns: dict[str, Any] = dict(block)
        columns["requester"] = model.requester_rows["id"][requesters]
        columns["requester_country"] = named(model.world.codes, model.requester_rows["country"][requesters])
        columns["platform"] = named(model.platform_names, block["platform"])
        columns["type"] = named(model.config.task_types, block["type"])
        columns["arm"] = block["arm"].astype(np.int8)
        return pa.table({name: columns[name] for name in COLUMNS["batches"]})

    def _spells(self) -> Table:
        model = self.model
        if not model.keeps_history:
            return without_rows("spells")
        order = in_order_of_coming(model)
        rows, past = model.worker_rows[order], model.history_rows[order]
        return Table.made(
            {
                "worker": permanent_ids(rows),
                "country": self._codes(rows["country"]),
                "joined_day": past["joined_day"],
                "left_day": past["left_day"],
            }
        )

    def _flows(self) -> Table:
        columns = joined(self.flow_months)
        if not columns:
            return without_rows("flows")
        kind, (kinds, debtors, creditors) = columns["kind"], zip(*KINDS, strict=True)
        return Table.made(
            {
                "period": columns["period"],
                "kind": Texts(kind, kinds),
                "debit_sector": Texts(kind, debtors),
                "credit_sector": Texts(kind, creditors),
                "debit_country": self._codes(columns["debit_country"]),
                "credit_country": self._codes(columns["credit_country"]),
                "amount_microusd": columns["amount_microusd"],
            }
        )

    def _users(self) -> Table:
        columns = joined(self.user_months)
        if not columns:
            return without_rows("users")
        platform = columns["platform"]
        families = sorted(set(self.model.offices.families))
        of_platform = np.array([families.index(family) for family in self.model.offices.families])
        columns["platform"] = Texts(platform, self.model.platform_names)
        columns["family"] = Texts(of_platform[platform], families)
        columns["country"] = self._codes(columns["country"])
        columns["users_persons"] = columns["users"] * self.scale
        return Table.made({name: columns[name] for name in COLUMNS["users"]})

    def _taxes(self) -> Table:
        columns = joined(self.tax_months)
        if not columns:
            return without_rows("taxes")
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        columns["country"] = self._codes(columns["country"])
        columns["instrument"] = Texts(columns["instrument"], INSTRUMENTS)
        return Table.made({name: columns[name] for name in COLUMNS["taxes"]})

    def _incomes(self) -> Table:
        columns = joined(self.income_months)
        if not columns:
            return without_rows("incomes")
        columns["country"] = self._codes(columns["country"])
        return Table.made({name: columns[name] for name in COLUMNS["incomes"]})

    def _audiences(self) -> Table:
        columns = joined(self.audience_months)
        if not columns:
            return without_rows("audiences")
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        columns["country"] = self._codes(columns["country"])
        return Table.made({name: columns[name] for name in COLUMNS["audiences"]})

    def _cooperatives(self) -> Table:
        columns = joined(self.member_months)
        if not columns:
            return without_rows("cooperatives")
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        columns["order"] = Texts(columns["order"], [*RANKINGS, ""])
        return Table.made({name: columns[name] for name in COLUMNS["cooperatives"]})

    def _commons(self) -> Table:
        columns = joined(self.commons_months)
        return Table.made(columns) if columns else without_rows("commons")

    def _placed(self, name: str, rows: list[dict[str, NDArray[Any]]]) -> Table:
        """Return a table of rows by platform and country, under their names."""
        columns = joined(rows)
        if not columns:
            return without_rows(name)
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        columns["country"] = self._codes(columns["country"])
        return Table.made({column: columns[column] for column in COLUMNS[name]})

    def _exits(self) -> Table:
        columns = joined(self.exit_months)
        if not columns:
            return without_rows("exits")
        columns["platform"] = Texts(columns["platform"], self.model.platform_names)
        columns["country"] = self._codes(columns["country"])
        columns["who"] = Texts(columns["who"], WHO_LEFT)
        return Table.made({name: columns[name] for name in COLUMNS["exits"]})

    def _ai(self) -> Table:
        columns = joined(self.ai_weeks)
        if not columns:
            return without_rows("ai")
        columns["date"] = self._dates(columns["day"])
        columns["country"] = self._codes(columns["country"])
        return Table.made({name: columns[name] for name in COLUMNS["ai"]})

    def _dates(self, days: NDArray[np.int32]) -> Texts:
        known, place = np.unique(days, return_inverse=True)
        clock = self.model.clock
        return Texts(place, [clock.datetime(24 * int(day)).date().isoformat() for day in known])

    def _codes(self, numbers: NDArray[Any]) -> Texts:
        return Texts(numbers, self.model.world.codes)


def frame_of(name: str, table: Any) -> pd.DataFrame:
    """Return the table `name` as a DataFrame."""
    return table.frame() if len(table) else empty(name)


def turned_profits(
    owners: list[int], part: Records, before: Records, flows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Flows to add to a month less what came before the window, where taxes before it were never due.

    A profit made before the window may have turned into a loss by the end of the month: neither its tax nor
    its way through a haven was ever booked. What would have been is profit that owners would have had.
    ``part`` is what lies before the window of the taxes in fact assessed.
    """
    change = np.zeros_like(flows)
    owner = np.array(owners, np.int64)
    for rows, sign in ((before, 1), (part, -1)):
        tax, here = rows["instrument"] == INSTRUMENTS.index("profit_tax"), owner[rows["platform"]]
        for kind, amount, payee in (
            (PROFIT_TAX, rows["amount"], rows["country"]),
            (PROFIT_SHIFTING, rows["shifted"], here),
            (HAVEN_TAX, rows["haven_tax"], here),
            (HAVEN_PROFIT, rows["shifted"] - rows["haven_tax"], here),
        ):
            np.add.at(change, (kind, here[tax], payee[tax]), sign * amount[tax])
        np.add.at(change, (PROFIT, here[tax], here[tax]), -sign * (rows["amount"] + rows["shifted"])[tax])
    return change


def netted(flows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn round a negative profit, surplus or capital, left where what came before the window is off."""
    result = flows.copy()
    for one, other in ((PROFIT, CAPITAL), (SURPLUS, CAPITAL), (CAPITAL, PROFIT)):
        result[other] += np.maximum(-flows[one], 0)
        result[one] += np.maximum(-flows[one], 0)
    return result


def events_of(model: Any, board: Any) -> dict[str, NDArray[Any]]:
    """Return the hour's events of one board; ``start`` and ``end`` are seconds since the start of the run."""
    events = board.events[: int(board.state[boards.EVENTS])]
    batches = board.batches[events["slot"]]
    moment = 3600 * model.hour
    return {
        "hour": np.full(len(events), model.hour),
        "platform": np.full(len(events), model.platform_names[board.platform]),
        "worker": board.active["id"][events["active"]],
        "batch": batches["id"].copy(),
        "returned": events["kind"] == boards.RETURN,
        "done": events["done"].astype(np.int64),
        "accepted": events["accepted"].astype(np.int64),
        "own_seconds": events["own_seconds"].astype(np.int64),
        "start": events["start"] + moment,
        "end": events["end"] + moment,
    }


def named(names: Iterable[str], numbers: NDArray[Any]) -> pa.Array:
    """Return names by number as Arrow strings, without a Python string for each row."""
    return pa.array(list(names), pa.string()).take(pa.array(numbers.astype(np.int64, copy=False)))


def exponentials(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponentials of a column of logs, the same bits on every CPU (float64)."""
    result = np.zeros(len(logs))
    write_exponentials(logs, result)
    return result


@kernel
def write_exponentials(logs: Any, result: Any) -> None:
    """Write the exponentials of logs into ``result``."""
    for i in range(len(logs)):
        result[i] = exp(real(logs[i]))


def joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Concatenate tables of equal columns."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def in_order_of_coming(model: Any) -> NDArray[np.int64]:
    """Rows of workers: by id those who were there at the start, then those who joined as they came."""
    number = model.worker_rows["number"][: model.workers_count]
    return np.argsort(np.minimum(number, np.uint32(JOINED_LATER)), kind="stable")


def to_people_gone(model: Any, kind: int, account: int) -> int:
    """Micro-dollars that a fund has just paid to people who left before the window.

    They are in no row of the workers' table.
    """
    due = model.shares_paid.get((kind, account))
    if due is None or not model.keeps_history:
        return 0
    left = model.history_rows["left_day"][: len(due)]
    gone = (left >= 0) & (left < model.first_recorded_hour // 24)
    return int(due[gone].sum())


def working_today(model: Any) -> NDArray[np.int64]:
    """Workers who come on duty today, by platform and country (int64)."""
    table = np.zeros((len(model.platform_names), len(model.world.codes)), np.int64)
    count_working(model.worker_rows, model.workers_count, model.today, table)
    return table


@kernel
def count_working(workers: Any, count: int, today: Any, table: Any) -> None:
    """Count in ``table`` by platform and country who comes on duty today."""
    for row in range(count):
        if today[row] >= 0:
            worker = workers[row]
            table[platform_of(worker), integer(worker.country)] += 1
