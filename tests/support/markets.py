"""Small markets for tests, and a fingerprint of everything a run computed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from sim.agents.traits import permanent_ids
from sim.config import Config, Platform, Record, Time, Workers, WorldChoice
from sim.market.board import ACTIVE_COUNT
from sim.model import ClickWorkModel


def tiny(
    days: int = 3, workers: int = 40, requesters: int = 8, table: str = "north_south", **changes: Any
) -> Config:
    """Return the smallest market that has everything: by default 40 workers, 8 requesters, 72 hours."""
    owner = {"north_south": "NTH", "six_regions": "NOA"}.get(table, "USA")
    base = Config()
    config = Config(
        seed=changes.pop("seed", 1),
        time=Time(days=days, warmup_days=0),
        world=WorldChoice(table=table),
        workers=Workers(count=workers),
        requesters=replace(base.requesters, count=requesters),
        platforms={"microwork": Platform(owner=owner)},
        record=Record(figures=False),
    )
    return replace(config, **changes)


def run(config: Config, hours: int | None = None, **keywords: Any) -> ClickWorkModel:
    """Return the model after its run."""
    model = ClickWorkModel(config, **keywords)
    model.run(hours)
    return model


def fingerprint(model: ClickWorkModel) -> str:
    """Hash of every worker, requester, platform, account, flow and open batch, whatever their rows."""
    digest = hashlib.sha256()
    workers = model.worker_rows[: model.workers_count]
    by_id = np.argsort(permanent_ids(workers), kind="stable")
    history = model.history_rows[: model.workers_count] if model.keeps_history else model.history_rows[:0]
    for rows, order in (
        (workers, by_id),
        (history, by_id if len(history) else slice(None)),
        (model.requester_rows, np.argsort(model.requester_rows["id"], kind="stable")),
        (model.platform_rows, slice(None)),
        (model.collective_rows, slice(None)),
        (model.pools, slice(None)),
        (model.ledger.totals, slice(None)),
        (model.ledger.flows, slice(None)),
    ):
        put(digest, rows[order])
    batches = [
        (board.batches[board.orders[0, i]], board.listings[board.orders[0, i]]["left"])
        for board in model.boards
        for i in range(int(board.state[0]))
    ]
    for batch, left in sorted(batches, key=lambda pair: int(pair[0]["id"])):
        for name in ("id", "reward", "escrow", "submitted", "accepted", "rejected", "t10", "t50", "t90"):
            digest.update(int(batch[name]).to_bytes(8, "little", signed=True))
        digest.update(int(left).to_bytes(8, "little"))
    on_duty = sorted(
        (int(entry["id"]), int(entry["start_hour"]), int(entry["minutes"]), int(entry["fruitless_hours"]))
        for board in model.boards
        for entry in board.active[: int(board.state[ACTIVE_COUNT])]
    )
    digest.update(repr(on_duty).encode())
    return digest.hexdigest()


def put(digest: Any, rows: Any) -> None:
    """Feed records field by field, so that padding does not count."""
    if rows.dtype.names is None:
        digest.update(np.ascontiguousarray(rows).tobytes())
        return
    for name in rows.dtype.names:
        if name not in ("tile", "unused"):
            digest.update(np.ascontiguousarray(rows[name]).tobytes())
