"""The model: the only file that knows everyone; the order in which things happen is in ``sim.schedule``."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import mesa
import numpy as np
from numpy.typing import NDArray

from sim import checkpoint, schedule
from sim.agents.audience import make_audiences
from sim.agents.families import daily_life
from sim.agents.platform import (
    RANKINGS,
    make_platforms,
    parts_per_million,
    ranked_by,
    ranking,
    refuse_unknown_countries,
)
from sim.agents.population import (
    TILES,
    TRAITS,
    Population,
    country_of_tile,
    expected_reservation,
    first_tiles,
    make_population,
    make_tables,
    write_joiners,
)
from sim.agents.requester import Requester
from sim.agents.rules import bounded_target, lowest_pay, other_income, reservation_with_income
from sim.agents.traits import (
    ACTIVE,
    AUDIENCE,
    COLLECTIVE,
    GOVERNMENT,
    HISTORY,
    MEMBER,
    NEWCOMER,
    OTHER_JOB,
    PARTS,
    REQUESTER,
    WORKER,
    column_of,
)
from sim.agents.turnover import People, evenly
from sim.agents.views import Views, classes_by_name
from sim.agents.worker import Worker
from sim.clock import Clock, first_hour_of_each_local_hour
from sim.columns import Records, aligned_zeros, grown, put_rows
from sim.compile import Calls
from sim.config import Compute, Config
from sim.config import Platform as PlatformConfig
from sim.draws import stream, stream_key, uniform
from sim.errors import UserError, nearest_or_first, one_of
from sim.garbage import not_collecting
from sim.instruments import MOST_SHARED
from sim.ledger import (
    CAPITAL,
    PROFIT_TAX,
    SHIFT_PAY,
    TRANSFER,
    TURNOVER_TAX,
    USAGE_TAX,
    Books,
    Ledger,
    ModelError,
)
from sim.market import audience, duty, learning, payout, posting
from sim.market import board as boards
from sim.market.ai_demand import LabelDemand
from sim.market.board import Board
from sim.market.kernels import RuleTable, choose_kernels, hashes_of
from sim.market.settings import make_settings, make_task_types
from sim.market.tools import TOOLS, has_tools
from sim.numeric import added_up, log
from sim.policy import members
from sim.policy.assessment import ASSESSMENT, assess, counted
from sim.policy.channels import HIGHEST_FEE, HIGHEST_WORKER_FEE, Channels, Contribution, fold, promises
from sim.policy.effects import ELASTICITY, NEED, UNEARNED, WAGE
from sim.policy.leaving import CUSTOMERS, WORKERS
from sim.policy.office import MOST_SUBSIDISED, Charge, Entry, Offices
from sim.policy.terms import least_rewards, make_terms
from sim.schedule import run_phases
from sim.stopping import held_back
from sim.validation import build, check, to_plain, with_settings
from sim.world import load_world

ARRIVALS = stream("arrivals")
BATCHES = stream("batches")
NOISE = stream("noise")
DUTY = stream("duty")
SHOCKS = stream("shocks")
COMPLIANCE = stream("compliance")
SWITCHES = stream("switches")

MOST_ROWS = 2**31 - 1
"""Workers, those who left included, that the 32-bit fields can number."""

REQUESTERS_IN_CACHE = 2_048
"""Requesters who post together: the cache holds them, what they draft, and that once it is sorted."""

LEAST_PAY = 1e-4
"""USD an hour taken for the pay of a platform on which all work went unpaid: it needs a logarithm."""

SPARE_WORKERS = 1 / 8
"""Room for joiners beyond those present, as a share, when the workers' records grow."""

Result = TypeVar("Result")

TAXES = (USAGE_TAX, TURNOVER_TAX, PROFIT_TAX)


class ClickWorkModel(mesa.Model):
    """The click-work market as a Mesa model; one step is an hour.

    ``running`` is true until the end of the configured time; stepping on from there is possible.

    Parameters
    ----------
    config
        All parameters of the run.
    population
        Tables of agents to use instead of those drawn from the configuration.
    worker_classes
        Subclass of ``Worker`` for each segment that has one of its own.
    requester_classes
        Subclass of ``Requester`` for each home platform whose requesters have one of their own.
    contributions
        Values that instruments give to policy channels, beside the platforms' own promises.
    plugins
        Rules from outside by kind and name: (function, file) that replace the built-in ones.
    rng
        Seed to use instead of the configuration's, as Mesa's batch runner gives it.
    **kwargs
        Settings that differ from ``config``, by dotted path: ``**{"workers.count": 500}``. So Mesa's batch
        runner and web page can vary them.
    """

    def __init__(
        self,
        config: Config | None = None,
        population: Population | None = None,
        worker_classes: Mapping[str, type[Worker]] | None = None,
        contributions: tuple[Contribution, ...] = (),
        plugins: Mapping[str, RuleTable] | None = None,
        requester_classes: Mapping[str, type[Requester]] | None = None,
        rng: int | None = None,
        **kwargs: Any,
    ) -> None:
        config = check(with_settings(config or Config(), kwargs, rng))
        workers = classes_by_name("worker_classes", worker_classes, tuple(config.segments), Worker)
        requesters = classes_by_name(
            "requester_classes", requester_classes, tuple(config.platforms), Requester
        )
        super().__init__(rng=config.seed)
        self.config = config
        self.world = load_world(config.world.table)
        self.clock = Clock(
            dt.date.fromisoformat(config.time.start), self.world.zones, config.time.daylight_saving
        )
        refuse_unknown_countries(config, self.world)
        self.tables = make_tables(config, self.world)
        self.settings = make_settings(config)
        self.task_types = make_task_types(config)
        self.exposure_costs = config.market.exposure_discount * self.task_types["exposure"]
        self.weekdays = np.array(config.requesters.weekday_weights, np.float64)
        self.awake_share = np.array(config.workers.awake(), np.float64)
        self.daily_life = daily_life(config)
        self.platform_names = tuple(config.platforms)
        self.segment_names = tuple(config.segments)
        self.platform_rows = make_platforms(config, self.world, self.tables.worker_origins)
        self.contributions = contributions
        self.plugins = plugins or {}
        self.offices = Offices(config, self.world, self.clock)
        self.orders = np.zeros((len(self.platform_names), len(RANKINGS)))
        self.collected = np.zeros(len(self.world.codes), np.int64)
        self.assessed: Records = np.zeros(0, ASSESSMENT)
        self.counted: dict[str, NDArray[Any]] = {}
        self.audiences_closed: Records = np.zeros(0, AUDIENCE)
        self.paid_income = np.zeros(0, bool)
        self.paid_at = -1
        self.members_got = np.zeros(0, np.int64)
        self.shares_paid: dict[tuple[int, int], NDArray[np.int64]] = {}
        self.kernels = choose_kernels(config, self.plugins)
        self.calls = Calls()
        self.plugin_hashes = hashes_of(self.plugins)
        self.loaded_arrays: dict[str, NDArray[Any]] = {}
        self.observers: list[Any] = []

        self.hour = self.day = self.week = self.utc_hour = 0
        self.first_recorded_hour = 24 * config.time.warmup_days
        self.last_hour = 24 * (config.time.warmup_days + config.time.days)
        self.recording = False
        record = config.record.workers
        self.keeps_history = record == "full" or (record == "auto" and config.workers.count <= 1_000_000)
        self.keeps_campaigns = self.keeps_history
        # What a session must keep its distance from, for those that are planned otherwise than by the rule.
        self.keeps_last_sessions = config.workers.count <= config.compute.views_up_to or any(
            "plan_day" in kind.overridden for kind in workers
        )

        self._populate(
            population.copy() if population is not None else make_population(config, self.world, self.tables)
        )
        self.ai = (
            LabelDemand(config, config.ai, self.world, self.requester_rows, self.mixes) if config.ai else None
        )
        self._open_books()
        self.offices.ratings.make_room(len(self.requester_rows), len(self.collective_rows))
        self._choose_who_complies()
        self.offices.set_conditions(self.worker_rows, self.collected, 0)
        self.offices.note_roster(self.worker_rows, 0)
        self.overriding: dict[str, dict[Any, None]] = {}
        members.found_and_close(self)
        self.apply_channels()
        self.needs_bucketing = False
        self.start_local = np.zeros((0, 24), np.int8)
        self.begin_day(0)
        self.duty_day = -1
        with not_collecting():
            self.views = Views(self, workers, requesters)
        self.let_revise_demand()

    # --- making the model ---

    def _populate(self, population: Population) -> None:
        countries, segments = len(self.world.codes), len(self.segment_names)
        self.worker_rows = population.workers
        self.workers_count = len(population.workers)
        self.collective_rows = population.collectives
        self.requester_rows = population.requesters
        self.mixes = population.mixes
        self.pools = population.pools.copy()
        self.government_rows = np.zeros(countries, GOVERNMENT)
        self.government_rows["population"] = self.world.population
        self.government_rows["internet_users"] = self.world.population * self.world.internet_share
        self.audience_rows = make_audiences(self.config, self.world)
        self.joiners = np.zeros(countries, np.int64)
        active = self.active_by_country()
        # Where nobody happens to be, somebody might have been.
        self.first_active = np.where(active > 0, active, np.minimum(1.0, self.tables.expected))
        self.outside_value = expected_reservation(
            self.config, self.tables.segments, self.tables.countries, self.tables.segment_shares
        )
        self.reported_pay = self.outside_value.copy()
        self.platform_pay = np.full((len(self.platform_names), countries), -1.0)
        self.log_platform_pay = np.zeros((len(self.platform_names), countries))
        self.week_pay = np.zeros((len(self.platform_names), countries, 2), np.int64)
        self.month_transactions = np.zeros(len(self.platform_names), np.int64)
        self.exits: list[tuple[int, int, int, int, int]] = []
        self.joined_today = np.zeros((len(self.platform_names), countries), np.int64)
        self.left_today = np.zeros((len(self.platform_names), countries), np.int64)
        self.boards: list[Board] = []
        scratch = boards.Scratch(self.config.compute.threads == 1)
        self.tile_offset = first_tiles(
            self.platform_rows["boards"], self.platform_rows["local"], len(self.world.codes)
        )
        self.place_on_tiles(np.arange(self.workers_count))
        residents = np.bincount(self.worker_rows["tile"], minlength=int(self.tile_offset[-1])).tolist()
        for platform, settings in enumerate(self.config.platforms.values()):
            order = ranking(settings, self.config.workers.tool_depth)
            first, last = self.tile_offset[platform : platform + 2].tolist()
            for tile in range(first, last):
                country = country_of_tile(tile - first, self.platform_rows[platform])
                self.boards.append(
                    Board(
                        platform,
                        tile,
                        countries,
                        segments,
                        order,
                        residents[tile],
                        scratch=scratch,
                        country=country,
                    )
                )
        self.platforms_of_boards = np.array([board.platform for board in self.boards], np.int64)
        self.bucket_starts = np.zeros(24 * len(self.boards) + 1, np.int64)
        self.known_earnings = np.zeros((countries, segments, 24, 2))
        self.best_hours = learning.attraction(self.known_earnings, 0)
        parts = len(self.ranges_of(len(self.requester_rows), REQUESTERS_IN_CACHE)) - 1
        self.new_starts = np.zeros((parts, len(self.boards) + 1), np.int64)
        self.new_firsts = [0] * (parts + 1)
        self.new_listings: Records = aligned_zeros(0, boards.LISTING)
        self.new_rows: Records = aligned_zeros(0, boards.BATCH)
        self.desk = posting.Desk()
        self.history_rows = np.zeros(self.workers_count if self.keeps_history else 1, HISTORY)
        self.history_rows["left_day"] = -1
        self.today = np.zeros(0, np.int8)
        self.order = np.zeros(0, np.int32)
        self.last_start = np.zeros(0, np.int32)
        self.last_minutes = np.zeros(0, np.uint16)
        self._size_worker_arrays()

    def _size_worker_arrays(self) -> None:
        size, known = len(self.worker_rows), len(self.today)
        kept = ("today", "last_start", "last_minutes") if self.keeps_last_sessions else ("today",)
        for name in kept:
            setattr(self, name, boards.lengthened(getattr(self, name), size))
        self.today[known:] = duty.NOT_TODAY
        if self.keeps_history and len(self.history_rows) < size:
            old = len(self.history_rows)
            self.history_rows = grown(self.history_rows, size, spare=0.0)
            self.history_rows["left_day"][old:] = -1

    def _choose_who_complies(self) -> None:
        """Draw once for good which requesters keep to a wage floor."""
        floor = self.config.policy.wage_floor
        self.requester_rows["complies"] = 1
        if floor is not None:
            key = self.key(COMPLIANCE, 0)
            draws = [uniform(key, int(number), 0) for number in self.requester_rows["id"]]
            self.requester_rows["complies"] = np.array(draws) < floor.compliance

    def _open_books(self) -> None:
        self.ledger = Ledger(len(self.world.codes))
        self.no_escrow = self.ledger.rounding["balance"]
        self._open_accounts()

    def _open_accounts(self) -> None:
        self.ledger.open("requesters", self.requester_rows["balance"])
        self.ledger.open("platforms", self.platform_rows["balance"])
        self.ledger.open("pending", self.worker_rows["pending"])
        self.ledger.open("workers", self.worker_rows["balance"])
        self.ledger.open("collectives", self.collective_rows["balance"])
        self.ledger.open("governments", self.government_rows["balance"])
        self.ledger.open("audience", self.audience_rows["balance"])

    def apply_channels(self) -> None:
        """Fold all contributions and write what platforms may charge and must promise."""
        channels = self.folded()
        self.offered_labels = channels.free_labels
        self.portable = channels.portable
        self.shared_labels = np.minimum(MOST_SHARED, channels.shared_labels)
        for i, platform in enumerate(self.config.platforms.values()):
            row = self.platform_rows[i]
            cap = float(channels.fee_cap[i])
            levy = float(channels.levy_on_requesters[i])
            usual = min(platform.requester_fee, float(channels.usual_fee[i]), cap)
            large = min(platform.requester_fee + platform.large_batch_fee, float(channels.large_fee[i]), cap)
            row["requester_fee_ppm"] = parts_per_million(min(HIGHEST_FEE, usual + levy))
            row["large_batch_fee_ppm"] = parts_per_million(min(2 * HIGHEST_FEE, large + levy))
            row["worker_fee_ppm"] = parts_per_million(
                min(HIGHEST_WORKER_FEE, platform.worker_fee + float(channels.levy_on_workers[i]))
            )
            promised = platform.promised_reward(int(row["worker_fee_ppm"]) / 1e6)
            channels.reward_floor[i] = max(float(channels.reward_floor[i]), promised)
            row["reward_floor"] = channels.reward_floor[i]
            row["royalty_ppm"] = parts_per_million(min(1.0, float(channels.royalty[i])))
            row["royalty_payers"] = self.offices.royalty_payers if row["royalty_ppm"] else 0
            row["portable"] = channels.portable[i].min() >= 1.0
        if self.offices.fund is not None:
            self.offices.fund.note_rates(self.hour, self.platform_rows["royalty_ppm"])
        self.show_orders(channels)
        self.set_incomes(channels)
        self._set_terms(channels)
        self.floors = least_rewards(channels, self.terms)
        for row, floors in zip(self.platform_rows, self.floors, strict=True):
            admitted = int(row["worker_mask"])
            of_admitted = [usd for c, usd in enumerate(floors) if admitted >> c & 1]
            row["highest_floor"] = max(of_admitted, default=0.0)
        if self.ai is not None:
            self.ai.share_out(self.free_labels_of_week(), self.requester_rows)
        self.revise_demand(self.requester_rows)
        self.let_revise_demand()

    def show_orders(self, channels: Channels | None = None) -> None:
        """Let boards show work in the orders that are ruled, where any are, beside their platform's own."""
        orders = (channels or self.folded()).orders
        changed = (orders != self.orders).any(axis=1)
        self.orders = orders
        for board in self.boards if changed.any() else []:
            if changed[board.platform]:
                shares, usual = orders[board.platform].tolist(), self._platform(board.platform)
                shown = ranked_by(usual, shares) if any(shares) else usual
                board.ranking = ranking(shown, self.config.workers.tool_depth)

    def _platform(self, number: int) -> PlatformConfig:
        return self.config.platforms[self.platform_names[number]]

    def set_incomes(self, channels: Channels | None = None) -> None:
        """Write what workers and requesters get beside the price of work, for all to go by."""
        channels = channels or self.folded()
        self.effects = self.offices.effects_by_platform(channels)
        self.subsidies = np.minimum(MOST_SUBSIDISED, channels.subsidy)

    def set_terms(self) -> None:
        """Write on what terms workers work, where nothing that requesters go by has changed."""
        self._set_terms(self.folded())

    def folded(self) -> Channels:
        """Fold what platforms promise, what instruments give and what was handed to the model."""
        given = [*promises(self.config), *self.offices.contributions(self.hour), *self.contributions]
        return fold(len(self.platform_names), len(self.world.codes), given)

    def _set_terms(self, channels: Channels) -> None:
        highest = parts_per_million(HIGHEST_WORKER_FEE)
        self.terms = make_terms(channels, self.platform_rows["worker_fee_ppm"], highest)
        self.offices.paid_time.set_wages(channels)
        if self.offices.unions is not None and self.offices.organises(self.hour):
            self.terms["strike_until"] = self.offices.unions.struck_until()

    # --- running ---

    def step(self) -> None:
        """Play one hour."""
        run_phases(schedule.HOUR, self)
        self.running = self.hour < self.last_hour

    def run(self, hours: int | None = None) -> None:
        """Play some hours; to the end of the configured time if none are given."""
        for _ in range(self.last_hour - self.hour if hours is None else hours):
            self.step()

    def begin_day(self, day: int) -> None:
        """Look up the day's local times."""
        self.day = day
        local_hours = self.clock.local_hour(day)
        self.local_hours = np.ascontiguousarray(local_hours.T)
        self.local_weekdays = np.ascontiguousarray(self.clock.local_weekday(day).T)
        self.nights = ((self.local_hours >= 22) | (self.local_hours < 6)).astype(np.int64)
        self.look_up_starts(day)

    def look_up_starts(self, day: int) -> None:
        """Look up local hours of a day's UTC hours in each zone, and the other way round."""
        self.starts_day, before = day, self.start_local
        self.start_local = self.clock.local_hour(day)
        if not np.array_equal(self.start_local, before):  # clocks are seldom changed
            self.start_utc = first_hour_of_each_local_hour(self.start_local)

    def save(self, path: str | Path, more: Mapping[str, NDArray[Any]] | None = None) -> None:
        """Write a checkpoint: between two hours, the whole state of the run.

        ``more`` holds further arrays, such as those of an observer; ``load_arrays`` gives them back.
        """
        arrays, meta = checkpoint.state_of(self)
        extra = {f"more.{name}": array for name, array in (more or {}).items()}
        meta |= {"config": to_plain(self.config), "plugins": self.plugin_hashes}
        checkpoint.write_archive(Path(path), {**arrays, **extra}, meta)

    @classmethod
    def load(
        cls,
        path: str | Path,
        worker_classes: Mapping[str, type[Worker]] | None = None,
        contributions: tuple[Contribution, ...] = (),
        plugins: Mapping[str, RuleTable] | None = None,
        requester_classes: Mapping[str, type[Requester]] | None = None,
        compute: Compute | None = None,
    ) -> ClickWorkModel:
        """Return the model of a checkpoint; it goes on to the same bits.

        What is code (classes, contributions, plug-ins) must be given again, the same as before; ``compute``
        may differ from then. Mesa's own
        counts (``steps``, ``time``) begin anew; ``hour`` goes on.
        """
        arrays, meta = checkpoint.read_archive(Path(path))
        population = Population(
            arrays["model.worker_rows"].view(WORKER)[: meta["model"]["workers_count"]],
            arrays["model.collective_rows"].view(COLLECTIVE),
            arrays["model.requester_rows"].view(REQUESTER),
            arrays["model.mixes"],
            arrays["model.pools"],
        )
        config = build(Config, meta["config"])
        model = cls(
            replace(config, compute=compute or config.compute),
            population,
            worker_classes,
            contributions,
            plugins,
            requester_classes,
        )
        if model.plugin_hashes != meta["plugins"]:
            raise UserError(
                "The checkpoint was made with other plug-ins.",
                path="--plugin",
                value=", ".join(sorted(model.plugin_hashes.values())),
                allowed=", ".join(sorted(meta["plugins"].values())),
            )
        checkpoint.restore(model, arrays, meta)
        model.show_orders()
        model.set_incomes()
        model.begin_day(model.day)
        model.duty_day = (model.hour - 1) // 24
        model.running = model.hour < model.last_hour
        model._open_accounts()
        gone = np.flatnonzero((model.worker_rows["bits"][: model.workers_count] & ACTIVE) == 0)
        model.views.forget(gone)
        model.loaded_arrays = {name[5:]: array for name, array in arrays.items() if name.startswith("more.")}
        return model

    def key(self, number: int, time: int) -> int:
        """Key of a stream of draws at a time."""
        return int(stream_key(self.config.seed, number, time))

    def in_parallel(self, task: Callable[..., Result], *arguments: Sequence[Any]) -> list[Result]:
        """Do something with each of some arguments, on as many threads as configured.

        This thread is one of them. Each takes the next arguments as soon as it is free.
        """
        if self.config.compute.threads == 1 or len(arguments[0]) == 1:
            return list(map(task, *arguments))
        results: list[Any] = [None] * len(arguments[0])
        waiting = enumerate(zip(*arguments, strict=True))

        def work() -> None:
            for number, one in waiting:
                results[number] = task(*one)

        pool = self._pool()
        with held_back():
            others = [pool.submit(work) for _ in range(self.config.compute.threads - 1)]
        try:
            work()
        finally:
            with held_back():
                for other in others:
                    other.result()
        return results

    def for_each_board(self, *tasks: Callable[[Board], object]) -> None:
        """Do some things with every board, one after another on each.

        Of several threads none shall end with a busy board while the others wait: the busiest come first.
        """

        def play(board: Board) -> None:
            for task in tasks:
                task(board)

        if self.config.compute.threads == 1:
            for board in self.boards:
                play(board)
            return
        busiest_first = sorted(self.boards, key=lambda board: -int(board.state[boards.ACTIVE_COUNT]))
        self.in_parallel(play, busiest_first)

    def for_each_range(self, task: Callable[[int, int], None]) -> None:
        """Do something with every worker row, in ranges."""
        edges = self.ranges_of(self.workers_count)
        self.in_parallel(task, edges[:-1], edges[1:])

    def ranges_of(self, count: int, most: int = MOST_ROWS) -> list[int]:
        """Where ranges of at most so many rows begin, and the end; of several threads each has some."""
        threads = self.config.compute.threads
        parts = max(1, -(-count // most))
        if threads > 1:
            parts = max(parts, min(4 * threads, count // 32))
        return [count * i // parts for i in range(parts + 1)]

    def _pool(self) -> ThreadPoolExecutor:
        pool = getattr(self, "_threads", None)
        if pool is None:
            pool = self._threads = ThreadPoolExecutor(self.config.compute.threads - 1)
        return pool

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies what they make anew: threads and books, compiled kernels and their calls."""
        state = self.__dict__.copy()
        state.pop("_threads", None)
        state.pop("_books", None)
        state.pop("kernels")
        state.pop("calls")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on as a copy: its ledger books on its own records."""
        self.__dict__.update(state)
        self.kernels = choose_kernels(self.config, self.plugins)
        self.calls = Calls()
        self.no_escrow = self.ledger.rounding["balance"]
        self._open_accounts()

    def transfer_in_chunks(self, write: Callable[[int, int, Records], int], chunk: int = 65_536) -> None:
        """Book the transfers that ``write(first, last, rows)`` writes, range by range of workers."""
        rows = np.zeros(min(chunk, self.workers_count), TRANSFER)
        for first in range(0, self.workers_count, chunk):
            count = write(first, min(first + chunk, self.workers_count), rows)
            self.ledger.transfer(rows, count, self.no_escrow)

    def new_batches(self) -> int:
        """Let requesters write the hour's batches and fill their escrow, each range of them by itself.

        Returns how many there are. They are sorted by tile within a range.
        """
        edges = self.ranges_of(len(self.requester_rows), REQUESTERS_IN_CACHE)
        books = self.books()
        kept: dict[int, posting.Drafts] = {}

        def post(part: int) -> int:
            count = self._write_drafts(edges[part], edges[part + 1])
            if count > self.new_firsts[part + 1] - self.new_firsts[part]:
                kept[part] = self.desk.cleared()
            else:
                self._fund(part, count, self.desk.drafts, books)
            return count

        counts = self.in_parallel(post, range(len(edges) - 1))
        if kept:
            rooms = [after - before for before, after in itertools.pairwise(self.new_firsts)]
            self._make_room_for_new(
                [2 * counts[part] if part in kept else room for part, room in enumerate(rooms)],
                [0 if part in kept else count for part, count in enumerate(counts)],
            )
            for part in sorted(kept):
                self._fund(part, counts[part], kept[part], books)
        books.close()
        return sum(counts)

    def _write_drafts(self, first: int, last: int) -> int:
        """Let requesters ``first`` to ``last`` write the hour's batches on this thread's desk; count them."""
        drafts, count = self.desk.drafts, 0
        while first >= 0:
            first, count = self.calls[posting.post](
                first,
                last,
                self.hour,
                self.key(ARRIVALS, self.hour),
                self.key(BATCHES, 0),
                self.key(NOISE, 0),
                self.local_hours[self.utc_hour],
                self.local_weekdays[self.utc_hour],
                self.requester_rows,
                self.mixes,
                self.task_types,
                self.platform_rows,
                self.floors,
                self.subsidies,
                self.tile_offset,
                self.settings,
                self.weekdays,
                self.daily_life,
                drafts.tiles,
                drafts.listings,
                drafts.batches,
                count,
                drafts.room,
            )
            if first >= 0:
                drafts.make_room(drafts.room + 1)
        return int(count)

    def _fund(self, part: int, count: int, drafts: posting.Drafts, books: Books) -> None:
        """Sort a range's drafts by tile, where all find them, and fill the escrow of these batches."""
        first = self.new_firsts[part]
        self.calls[posting.sort_by_tile](
            count,
            drafts.tiles,
            drafts.listings,
            drafts.batches,
            first,
            self.new_starts[part],
            self.new_listings,
            self.new_rows,
        )
        transfers = self.calls[posting.fund](
            first, first + count, self.new_rows, self.requester_rows, self.recording, drafts.transfers
        )
        books.transfer(drafts.transfers, transfers, self.new_rows["escrow"])

    def _make_room_for_new(self, rooms: list[int], counts: list[int]) -> None:
        """Give each range of requesters room for its new batches; so many that it has written it keeps."""
        old_firsts, old_listings, old_rows = self.new_firsts, self.new_listings, self.new_rows
        self.new_firsts = [0, *itertools.accumulate(rooms)]
        self.new_listings = aligned_zeros(self.new_firsts[-1], boards.LISTING)
        self.new_rows = aligned_zeros(self.new_firsts[-1], boards.BATCH)
        for part, count in enumerate(counts):
            old, first = old_firsts[part], self.new_firsts[part]
            put_rows(self.new_listings, first, old_listings[old : old + count])
            put_rows(self.new_rows, first, old_rows[old : old + count])
            self.new_starts[part] += first - old

    def new_batches_by_tile(self) -> list[int]:
        """How many of the hour's new batches are of each tile, once they are sorted."""
        starts = self.new_starts[0] if len(self.new_starts) == 1 else self.new_starts.sum(axis=0)
        return [after - before for before, after in itertools.pairwise(starts.tolist())]

    def books(self, *common: str) -> Books:
        """Return the ledger for threads; only of the ``common`` sectors they write to the same accounts."""
        kept = self.__dict__.setdefault("_books", {})
        if common not in kept or kept[common].ledger is not self.ledger:
            kept[common] = Books(self.ledger, common, self.config.compute.threads)
        books: Books = kept[common]
        return books

    def note_posters(self) -> None:
        """Let the offices know who posted in this hour, and where."""
        self.offices.note_posting(
            self.new_starts, self.platforms_of_boards, self.new_rows, len(self.requester_rows)
        )

    def note_sessions(self) -> None:
        """Let the offices know who works from this hour, or still in the first one of a month, and where."""
        self.offices.note_sessions(
            self.utc_hour, self.bucket_starts, self.platforms_of_boards, self.order, self.worker_rows
        )
        for board in self.boards if self.offices.month_began == self.hour else ():
            count = int(board.state[boards.ACTIVE_COUNT])
            self.offices.note_going_on(self.hour, board.platform, board.active, count, self.worker_rows)

    def note_trade(self) -> None:
        """Let the offices know whose work for whom was paid in this hour, where that may be abroad."""
        if not self.offices.weighs:
            return
        local = self.platform_rows["local"].tolist()
        for board in self.boards:
            if not (local[board.platform] or board.is_deserted):
                self.offices.note_trade(board.platform, board.rows[: board.state.item(boards.ROWS)])

    def bucket(self) -> None:
        """Sort those who start in this half of the day by tile and hour."""
        first = self.utc_hour - self.utc_hour % duty.HOURS_AHEAD
        starting = np.count_nonzero((self.today >= first) & (self.today < first + duty.HOURS_AHEAD))
        self.order = grown(self.order, int(starting), spare=0.0)
        duty.bucket(
            self.worker_rows,
            self.workers_count,
            self.today,
            first,
            len(self.boards),
            self.bucket_starts,
            self.order,
        )
        self.needs_bucketing = False

    # --- coming and going ---

    def is_active(self, row: int) -> bool:
        """Whether the worker of a row is in the market."""
        return bool(self.worker_rows["bits"][row] & ACTIVE)

    def active_by_country(self) -> NDArray[np.int64]:
        """Active workers of each country (int64)."""
        rows = self.worker_rows[: self.workers_count]
        return np.bincount(rows["country"][(rows["bits"] & ACTIVE) > 0], minlength=len(self.world.codes))

    def place_on_tiles(self, rows: NDArray[np.int64]) -> None:
        """Give workers their tile on their platform."""
        learning.place(rows, self.key(TILES, 0), self.tile_offset, self.platform_rows, self.worker_rows)

    def remove_workers(self, rows: NDArray[np.int64], forfeits: bool = True) -> None:
        """Let workers leave; they stay registered.

        Who leaves by choice forfeits pending money below the payout threshold; who is shut out is paid.
        """
        if len(rows) == 0:
            return
        self._close_accounts(rows, forfeits)
        self.worker_rows["bits"][rows] &= np.uint8(255 - ACTIVE)
        leavers = self.worker_rows[rows]
        np.add.at(self.pools, leavers["country"], 1)
        np.add.at(self.left_today, (column_of(leavers, "platform"), leavers["country"]), 1)
        if self.keeps_history:
            self.history_rows["left_day"][rows] = self.day
        self.views.forget(rows)

    def move_workers(self, rows: NDArray[np.int64], platforms: NDArray[np.int8]) -> None:
        """Move workers to other platforms; the old one pays what is pending and sees them no more."""
        if len(rows) == 0:
            return
        self._close_accounts(rows, forfeits=False)
        if not self.offices.paid_time.is_idle:
            self.offices.paid_time.note_moves(self.worker_rows[: self.workers_count], rows)
        moving = np.zeros(self.workers_count, bool)
        moving[rows] = True
        for board in self.boards:
            on_duty = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            on_duty["minutes"][moving[on_duty["row"]]] = 0
        PARTS["platform"].put(self.worker_rows, rows, platforms)
        self.worker_rows["bits"][rows] |= np.uint8(NEWCOMER)
        self.place_on_tiles(rows)
        self.needs_bucketing = True

    def leave_country(self, platform: int, country: int) -> None:
        """Let a platform shut out the workers of a country: they go to another one or leave the market."""
        self.platform_rows["worker_mask"][platform] &= ~(1 << country)
        rows = self.worker_rows[: self.workers_count]
        there = (
            (column_of(rows, "platform") == platform)
            & (rows["country"] == country)
            & (rows["bits"] & ACTIVE > 0)
        )
        stranded = np.flatnonzero(there)
        if self.admits_any(country):
            chosen = rows[stranded].copy()
            self._choose_first_platform(np.arange(len(chosen)), chosen)
            self.move_workers(stranded, column_of(chosen, "platform"))
        else:
            self.remove_workers(stranded, forfeits=False)

    def give_up(self, platform: int, country: int, stays: int) -> None:
        """Let a platform shut out the workers or customers of a country, or both: who does not stay."""
        if not stays & WORKERS:
            self.leave_country(platform, country)
        if not stays & CUSTOMERS:
            self.leave_customers(platform, country)

    def note_exit(self, platform: int, country: int, stays: int, agents: int) -> None:
        """Note whom a platform shuts out as a month ends, and what it took there in it (micro-dollars)."""
        self.exits.append((platform, country, stays, agents, int(self.offices.month_fees[platform, country])))

    def leave_customers(self, platform: int, country: int) -> None:
        """Let a platform serve the requesters of a country no more; what they have posted runs out.

        Who posted nowhere else posts nothing any more; whose home it was has another one of their platforms.
        """
        rows, bit = self.requester_rows, 1 << platform
        there = (rows["country"] == country) & (rows["retired"] == 0) & (rows["platform_mask"] & bit > 0)
        rows["platform_mask"][there] &= ~bit
        for row in np.flatnonzero(there).tolist():
            others = int(rows["platform_mask"][row])
            if not others:
                self.retire_requester(row)
            elif rows["platform"][row] == platform:
                rows["platform"][row] = (others & -others).bit_length() - 1

    def admits_any(self, country: int) -> bool:
        """Whether some platform admits the workers of a country."""
        return bool((self.platform_rows["worker_mask"] >> country & 1).any())

    def _choose_first_platform(self, rows: NDArray[np.int64], workers: Records) -> None:
        learning.choose_first_platform(
            rows,
            self.key(SWITCHES, self.week),
            self.config.learning.switch_sensitivity,
            self.log_platform_pay,
            self.platform_rows,
            workers,
        )

    def retire_requester(self, row: int) -> None:
        """Let a requester post nothing any more."""
        self.requester_rows["retired"][row] = 1
        for name in ("base_batches", "batches_per_day", "preparation_wanted"):
            self.requester_rows[name][row] = 0.0

    def _close_accounts(self, workers: NDArray[np.int64], forfeits: bool) -> None:
        rows = np.zeros(len(workers), TRANSFER)
        count = payout.close_accounts(
            workers,
            len(workers),
            forfeits,
            self.worker_rows,
            self.history_rows,
            self.recording and self.keeps_history,
            self.platform_rows,
            rows,
        )
        self.ledger.transfer(rows, count, self.no_escrow)

    def _refuse_more_rows(self, needed: int) -> None:
        if needed > MOST_ROWS:
            raise ModelError(
                f"{needed:,} people came into the market; rows are numbered up to {MOST_ROWS:,}."
            )

    def add_workers(self, country: int, count: int, people: People | None = None) -> None:
        """Let people of a country's pool join, each on the platform it chooses.

        They are drawn from the one row of ``people``; anybody if that is None.
        """
        first = self.workers_count
        if first + count > len(self.worker_rows):
            self._refuse_more_rows(first + count)
            self.worker_rows = grown(self.worker_rows, first + count, SPARE_WORKERS)
            self._size_worker_arrays()
            self._open_accounts()
        tables = self.tables
        if people is None:
            people = evenly(tables.segment_shares[country : country + 1], 1.0)
        write_joiners(
            self.key(TRAITS, 0),
            self.worker_rows,
            first,
            count,
            country,
            int(self.joiners[country]),
            people.shares,
            people.asking,
            people.willing,
            tables.segments,
            tables.countries,
            tables.zone_cumulative,
            tables.worker_settings,
        )
        rows = np.arange(first, first + count)
        self.workers_count += count
        self.joiners[country] += count
        self.pools[country] -= count
        self._choose_first_platform(rows, self.worker_rows)
        self.place_on_tiles(rows)
        joiners = self.worker_rows[rows]
        np.add.at(self.joined_today, (column_of(joiners, "platform"), joiners["country"]), 1)
        if self.keeps_history:
            self.history_rows["joined_day"][rows] = self.day
        self.views.add(rows)

    def learn_shift_pay(self) -> NDArray[np.int64]:
        """End the week's pay period; return what each got for time beside pay of tasks, for all to learn."""
        paid_time = self.offices.paid_time
        if paid_time.is_idle:
            return np.zeros(0, np.int64)
        rows = self.worker_rows[: self.workers_count]
        paid_time.end_period(rows)
        paid = paid_time.learned[: len(rows)].copy()
        np.add.at(self.week_pay[..., 0], (column_of(rows, "platform"), rows["country"]), paid)
        paid_time.learned[:] = 0
        return paid

    def learn_platform_pay(self) -> None:
        """Update what is known of pay on each platform in each country (USD per hour on duty, also idle)."""
        weight = self.config.learning.pay_smoothing
        pay, seconds = self.week_pay[..., 0], self.week_pay[..., 1]
        seen = seconds > 0
        hourly = np.where(seen, pay * 3600.0 / (np.maximum(seconds, 1) * 1e6), 0.0)
        known = self.platform_pay >= 0
        updated = np.where(known, self.platform_pay + weight * (hourly - self.platform_pay), hourly)
        self.platform_pay = np.where(seen, updated, self.platform_pay)
        total_pay, total_seconds = pay.sum(axis=0), seconds.sum(axis=0)
        country_pay = np.where(
            total_seconds > 0, total_pay * 3600.0 / (np.maximum(total_seconds, 1) * 1e6), -1.0
        )
        self.reported_pay = np.where(country_pay >= 0, country_pay, self.reported_pay)
        for p in range(len(self.platform_names)):
            for c in range(len(self.world.codes)):
                value = self.platform_pay[p, c]
                if value < 0:
                    value = self.reported_pay[c]
                self.log_platform_pay[p, c] = log(max(LEAST_PAY, float(value)))
        self.week_pay[:] = 0

    def add_up_day(self) -> None:
        """Add the day's pay, time and transactions of every board to those of the week and the month."""
        shape = len(self.platform_names), len(self.world.codes)
        day = np.zeros((*shape, boards.TALLIES), np.int64)
        fees_of_requesters, refused = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for board in self.boards:
            place = board.platform, board.where
            day[place] += board.tally[:, board.where].sum(axis=0)
            fees_of_requesters[place] += board.demands[:, board.where, boards.FEES].sum(axis=0)
            refused[place] += board.refused[board.where]
        if self.offices.employment is not None:
            seconds = np.stack([day[..., boards.DUTY], day[..., boards.PAID], refused], axis=-1)
            pay = day[..., boards.PAY] + day[..., boards.CUT]
            self.offices.employment.note_day(seconds, pay, day[..., boards.WITHHELD])
        fees = day[..., boards.FEE]
        self.offices.month_fees += fees_of_requesters + fees
        self.offices.month_worker_fees += fees
        self.offices.month_rewards += day[..., boards.PAY] + fees + day[..., boards.WITHHELD]
        self.offices.month_rewards += day[..., boards.CUT]
        self.week_pay += day[..., (boards.PAY, boards.DUTY)]
        handed_in = day[..., boards.ACCEPTED] + day[..., boards.REJECTED]
        self.month_transactions += handed_in.sum(axis=1)
        self.offices.month_transactions += handed_in
        self._book(audience.serve_day(self))

    def adjust_audiences(self) -> None:
        """Draw the consequences of the month before for the users of social platforms."""
        self._book(audience.adjust(self))

    def count_users(self) -> NDArray[np.int64]:
        """Users of each platform in each country so far this month, as agents."""
        further = (audience.users_by_platform(self),)
        return self.offices.count_users(self.worker_rows, self.requester_rows, further)

    def free_labels(self, day: bool = False) -> NDArray[np.int64]:
        """Unpaid labels of social users by platform and country: since the run began, or of the last day."""
        return audience.labels(self, day)

    def close_platform_books(self) -> None:
        """Close each platform's month: costs and taxes are paid, owners get the profit or give capital."""
        offices = self.offices
        users = self.count_users()
        taxed = [offices.charges(p, users, self.hour) for p in range(len(self.platform_rows))]
        employed = offices.employment_charges(self.worker_rows[: self.workers_count], self.hour)
        self.counted = counted(offices, users, self.hour)
        self.assessed = self._assessed(users, taxed, employed)
        entries: list[Entry] = []
        exits: list[tuple[int, int, int]] = []
        self.exits = []
        before = offices.prices(self.hour - 1)
        for p, platform in enumerate(self.platform_rows):
            charges = taxed[p]
            revenue, cost = self.books_of(p)
            own = self.own_revenue_of(p)
            closing = offices.month_end(p, revenue, cost, charges, users, self.hour, employed[p])
            entries += closing
            offices.note_result(p, revenue, cost, charges, employed[p], closing, self.hour)
            offices.set_levies(p, charges, self.hour)
            going_on = [one for one in charges if offices.strength(offices.taxes[one.name], self.hour)]
            if offices.employs(self.hour):
                going_on += employed[p]
            costs = int(platform["cost_ppm"]), int(platform["transaction_cost"])
            given_up = offices.left(p, own, costs, going_on, users, self.hour)
            exits += [(p, country, stays) for country, stays in given_up.items()]
            platform["revenue"] += revenue
            platform["cost"] += cost
            platform["profit"] += revenue - cost
            platform["transactions"] += self.month_transactions[p]
        self._close_employers_month(entries, employed)
        self._book(entries)
        offices.users = users
        self.month_transactions[:] = 0
        self.collected[:] = 0
        for entry in entries:
            if entry.kind in TAXES:
                self.collected[entry.payee] += entry.amount
        for p, country, stays in members.agreed(self, exits):
            self.note_exit(p, country, stays, int(users[p, country]))
            self.give_up(p, country, stays)
        members.hand_out(self)
        members.vote(self)
        floors_move = bool(exits) and bool(self.floors.any())
        floors_move |= members.found_and_close(self)
        if floors_move or offices.prices(self.hour) != before:
            self.apply_channels()
        else:
            self.show_orders()

    def _close_employers_month(self, entries: list[Entry], employed: list[list[Charge]]) -> None:
        """Pay for shifts worker by worker in place of the sums in ``entries``; close employers' accounts."""
        employment = self.offices.employment
        if employment is None and self.offices.paid_time.is_idle:
            return
        self._book([entry for entry in entries if entry.kind == CAPITAL])
        paid = self.offices.pay_for_shifts(self.worker_rows[: self.workers_count])
        self.ledger.transfer(paid, len(paid), self.no_escrow)
        entries[:] = [entry for entry in entries if entry.kind not in (CAPITAL, SHIFT_PAY)]
        if employment is None:
            return
        dues = np.zeros((2, *employment.covered.shape), np.int64)
        for p, charges in enumerate(employed):
            for charge in charges:
                dues[int(charge.kind != SHIFT_PAY), p, charge.country] = charge.amount
        goes_on = self.offices.employs(self.hour)
        employment.close_month(dues[0], dues[1], self.offices.month_rewards, goes_on)

    def books_of(self, platform: int) -> tuple[int, int]:
        """Revenue and cost (micro-dollars) of a platform since its books were closed.

        Costs go with what is done on it, or, of a social platform, with advertising. What it takes for that,
        or adds to pay a tax, makes nothing it does more costly.
        """
        row = self.platform_rows[platform]
        revenue = int(row["balance"]) - self.offices.held_for_commons(platform)
        cost = int(self.month_transactions[platform]) * int(row["transaction_cost"])
        cost += audience.cost_of_users(self, platform)
        done = int(self.offices.month_rewards[platform].sum())
        if self.offices.families[platform] == "social":
            done = self.own_revenue_of(platform) + audience.missed(self, platform)
        return revenue, cost + done * int(row["cost_ppm"]) // 1_000_000

    def own_revenue_of(self, platform: int) -> int:
        """Micro-dollars that a platform took since its books were closed, and not to pass them on."""
        taken = int(self.platform_rows["balance"][platform]) - self.offices.held_for_commons(platform)
        earned = taken - self.offices.withheld(platform)
        collected = self.offices.passed_on(platform) + audience.charged_to_users(self, platform)
        return max(0, earned - collected)

    def flows_of_open_books(self) -> NDArray[np.int64]:
        """What closing the books now would move, as flows (kind, country, country); not booked."""
        flows = np.zeros_like(self.ledger.flows)
        users = self.count_users()
        employed = self.offices.employment_charges(self.worker_rows[: self.workers_count], self.hour)
        for p in range(len(self.platform_rows)):
            charges = self.offices.charges(p, users, self.hour)
            for entry in self.offices.month_end(p, *self.books_of(p), charges, users, self.hour, employed[p]):
                flows[entry.kind, entry.payer_country, entry.payee_country] += entry.amount
        return flows

    def assessments(self) -> Records:
        """What taxes of all platforms are based on in the month so far (`sim.policy.assessment`)."""
        offices, users = self.offices, self.count_users()
        taxed = [offices.charges(p, users, self.hour) for p in range(len(self.platform_rows))]
        employed = offices.employment_charges(self.worker_rows[: self.workers_count], self.hour)
        return self._assessed(users, taxed, employed)

    def _assessed(
        self, users: NDArray[np.int64], taxed: list[list[Charge]], employed: list[list[Charge]]
    ) -> Records:
        """The same, of the users counted and of what each platform owes in taxes and as an employer."""
        if not self.offices.assesses:
            return np.zeros(0, ASSESSMENT)

        def of(platform: int) -> Records:
            charges = taxed[platform]
            revenue, cost = self.books_of(platform)
            profit = revenue - cost - sum(charge.amount for charge in (*charges, *employed[platform]))
            return assess(self.offices, platform, users, charges, profit, self.hour)

        return np.concatenate([of(platform) for platform in range(len(self.platform_rows))])

    def pay_incomes(self) -> None:
        """Pay what instruments pay to everybody, from what was collected for the month before."""
        offices = self.offices
        if offices.programme is None:
            return
        rows = self.worker_rows[: self.workers_count]
        if offices.subsidises:
            entries, subsidies = offices.subsidise(self.collected, self.requester_rows, self.hour)
            self._book(entries)
            self.ledger.transfer(subsidies, len(subsidies), self.no_escrow)
            self.paid_income, self.paid_at = np.zeros(0, bool), self.hour
            return
        offices.note_roster(rows, self.hour)
        receives = offices.recipients(rows)
        recipients = np.bincount(rows["country"][receives], minlength=len(self.world.codes))
        self._book(offices.share_out(self.collected, recipients, self.hour))
        if offices.per_head.any():
            self.transfer_in_chunks(
                lambda first, last, rows: payout.pay_income(
                    first, last, offices.paying_kind, offices.per_head, receives, self.worker_rows, rows
                )
            )
        self.paid_income = receives if offices.per_head.any() else np.zeros(0, bool)
        self.paid_at = self.hour

    def unpaid_labels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Unpaid labels of the month so far and country, by account of the audience."""
        return self.audience_rows["month_labels"].copy(), self.audience_rows["country"].astype(np.int64)

    def _book(self, entries: list[Entry]) -> None:
        rows = np.zeros(len(entries), TRANSFER)
        for row, entry in zip(rows, entries, strict=True):
            row["kind"], row["debit"], row["credit"], row["amount"] = entry[:4]
            row["debit_country"], row["credit_country"] = entry[4:]
        self.ledger.transfer(rows, len(rows), self.no_escrow)

    def end(self) -> None:
        """End the month in which the run ends: incomes are spent, platforms close their books."""
        run_phases(schedule.LAST_MONTH, self)

    # --- what the engine computes: for all rows, or for one agent that asks, on a copy of its row ---

    def draw_sessions(
        self, first: int, last: int, day: int, workers: Records, today: NDArray[np.int8], row: int = 0
    ) -> None:
        """Draw the sessions of some workers on a day; ``row`` says where the first of ``workers`` stands."""
        if day != self.starts_day:
            self.look_up_starts(day)
        for begin, end, effects in self.offices.split(row + first, row + last, self.effects):
            duty.draw_duty(
                begin - row,
                end - row,
                day,
                self.key(DUTY, day),
                60 * self.config.workers.daily_hours_cap,
                workers,
                self.tables.segments,
                self.best_hours,
                self.awake_share,
                self.start_local,
                self.start_utc,
                effects,
                today,
            )

    def reservation_weight(self, row: int) -> float:
        """Weight of pay per working hour in a worker's reservation wage: more with tools, which show it."""
        worker, setting = self.worker_rows[row], self.settings[0]
        platform = self.platform_rows[int(column_of(self.worker_rows[row : row + 1], "platform")[0])]
        tooled = has_tools(worker, platform, self.key(TOOLS, 0), setting)
        return float(setting["tool_reservation_weight" if tooled else "reservation_weight"])

    def decide_to_leave(self, first: int, last: int, workers: Records, mark: NDArray[np.int8]) -> None:
        """Count weeks of low pay of some workers and mark who leaves."""
        config = self.config.learning
        learning.decide_to_leave(
            first,
            last,
            self.week,
            self.key(SHOCKS, 0),
            config.outside_shock_sigma,
            config.outside_shock_weeks,
            config.leave_weeks,
            workers,
            mark,
        )

    def reconsider(self, first: int, last: int, workers: Records, mark: NDArray[np.int8]) -> None:
        """Mark the platform that each of some workers wants to be on."""
        config = self.config.learning
        learning.reconsider(
            first,
            last,
            self.key(SWITCHES, self.week),
            config.switch_share,
            config.switch_sensitivity,
            config.switch_inertia,
            self.log_platform_pay,
            self.platform_rows,
            workers,
            mark,
        )

    def revise_pay(self, requesters: Records) -> None:
        """Revise the pay targets of some requesters."""
        self.kernels.revise_pay(requesters, self.platform_rows, self.floors, self.subsidies, self.settings)

    def revise_demand(self, requesters: Records, row: int | None = None) -> None:
        """Set how many batches a day some requesters post; ``row`` says where a copy of one stands."""
        if self.ai is None:
            posting.revise_demand(requesters, *self._demand_rules())
        elif row is None:
            self.ai.revise(requesters, self.mixes, 0, *self._label_rules())
        else:
            self.ai.revise(requesters, self.mixes[row : row + 1].copy(), row, *self._label_rules())

    def _demand_rules(self) -> tuple[Any, ...]:
        return (
            self.config.requesters.demand_elasticity,
            self.config.requesters.base_fee,
            self.platform_rows,
            self.floors,
            self.subsidies,
            bool(self.settings["floor_on_true_time"][0]),
        )

    def _label_rules(self) -> tuple[Any, ...]:
        return self.shared_labels, *self._demand_rules()

    def batches_ahead(self) -> float:
        """Batches a day that will be posted from now to the end, if pay stays as it is.

        Intelligence grows as it would if all labels that requesters pay for were made.
        """
        if self.ai is None:
            return float(self.requester_rows["batches_per_day"].sum())
        weeks = self.ai.weeks_ahead(
            self.requester_rows, self.mixes, (self.last_hour - self.hour) / 168.0, self._label_rules()
        )
        return float(np.mean(weeks))

    def free_labels_of_week(self) -> float:
        """Labels that people make unpaid in a week; users of social platforms as on the last day."""
        return 7.0 * float(self.free_labels(day=True).sum()) + added_up(self.offered_labels)

    def learn_ai(self) -> None:
        """Let a week's labels feed the stock of intelligence; who loses work by it goes on the register."""
        if self.ai is not None:
            self.ai.learn(self.requester_rows, self.pools, self.hour, self.free_labels_of_week())

    def drawn_plan(self, row: int, day: int) -> tuple[int, int] | None:
        """Session that the compiled rule draws for a worker on a day: (UTC hour of the day, minutes)."""
        worker, today = self.worker_rows[row : row + 1].copy(), np.zeros(1, np.int8)
        self.draw_sessions(0, 1, day, worker, today, row)
        return None if today[0] < 0 else (int(today[0]), int(column_of(worker, "session_minutes")[0]))

    def held_log_reservation(self, row: int) -> float:
        """Log of the reservation wage that a worker goes by: with an income, or with what it depends on."""
        worker = self.worker_rows[row]
        wage = float(worker["log_reservation"]) + self.log_rise_by_income(row)
        least = self.offices.log_least_wage(row, worker)
        if worker["bits"] & MEMBER and np.isinf(least):
            wage = max(wage, float(self.terms_of(row)["log_refusal"]))
        return min(wage, least)

    def terms_of(self, row: int) -> Any:
        """On what terms a worker works."""
        worker = self.worker_rows[row]
        return self.terms[int(column_of(worker, "platform")), int(worker["country"])]

    def log_rise_by_income(self, row: int) -> float:
        """Log points by which this month's income without work raises a worker's reservation wage."""
        worker = self.worker_rows[row]
        effect = self.effects[int(column_of(worker, "platform")), int(worker["country"])]
        if not effect[UNEARNED] > 0.0:
            return 0.0
        if self.offices.passes_over and not self.offices.on_roster(np.array([row]))[0]:
            return 0.0
        other = other_income(
            bool(worker["bits"] & OTHER_JOB),
            float(effect[WAGE]),
            float(worker["desired_minutes"]) / 60.0,
            float(worker["all_in_pay"]),
            float(effect[NEED]),
        )
        return float(reservation_with_income(0.0, float(effect[UNEARNED]), other, float(effect[ELASTICITY])))

    def would_leave(self, row: int) -> bool:
        """Whether the compiled rule lets a worker leave this week."""
        mark = np.zeros(1, np.int8)
        self.decide_to_leave(0, 1, self.worker_rows[row : row + 1].copy(), mark)
        return bool(mark[0] == learning.LEAVES)

    def chosen_platform(self, row: int) -> str:
        """Platform that the compiled rule chooses for a worker this week."""
        mark = np.zeros(1, np.int8)
        self.reconsider(0, 1, self.worker_rows[row : row + 1].copy(), mark)
        return self.platform_names[int(mark[0])]

    def found_target(self, row: int) -> float:
        """Hourly pay (USD) that the compiled rule lets a requester aim at."""
        requester = self.requester_rows[row : row + 1].copy()
        self.revise_pay(requester)
        return float(requester["target"][0])

    def found_demand(self, row: int) -> float:
        """Batches a day that the compiled rule lets a requester post."""
        requester = self.requester_rows[row : row + 1].copy()
        self.revise_demand(requester, row)
        return float(requester["batches_per_day"][0])

    # --- agents that decide for themselves ---

    def deciders(self, decision: str) -> list[Any]:
        """Agents whose class overrides a decision: only these are looped."""
        return list(self.overriding.get(decision, ()))

    def ask(self, decision: str, *facts: Any) -> list[tuple[int, Any]]:
        """Row and answer of every agent that makes a decision itself; asked before the compiled rule runs.

        Whoever is removed while being asked has no say any more.
        """
        answers = [(agent, getattr(agent, decision)(*facts)) for agent in self.deciders(decision)]
        return [(agent.row, answer) for agent, answer in answers if agent in self.overriding[decision]]

    def let_revise_demand(self) -> None:
        """Let requesters that decide so themselves set how many batches a day they post."""
        for row, demand in self.ask("revise_demand"):
            if not 0.0 <= float(demand) < np.inf:
                raise ValueError(f"A requester cannot post {demand} batches a day.")
            self.requester_rows["batches_per_day"][row] = demand

    def set_target(self, row: int, target: float) -> None:
        """Let a requester aim at an hourly pay (USD), within the bounds that hold for all."""
        requester = self.requester_rows[row]
        if target == requester["target"]:
            return
        if not np.isfinite(target):
            raise ValueError(f"A requester cannot aim at {target} USD an hour.")
        platform = self.platform_rows[requester["platform"]]
        allowed = int(requester["worker_mask"]) & int(platform["worker_mask"])
        floors = [one for c, one in enumerate(self.floors[requester["platform"]]) if allowed >> c & 1]
        requester["target"] = bounded_target(
            target,
            float(requester["value"]),
            lowest_pay(
                float(platform["reward_floor"]),
                float(min(floors, default=0.0)),
                bool(requester["complies"]),
                float(requester["bias"]) if self.settings["floor_on_true_time"][0] else 1.0,
            ),
            float(platform["requester_fee_ppm"]) / 1e6,
            float(requester["bias"]),
            float(requester["markup"]),
            1.0 - float(self.subsidies[requester["country"]]),
        )

    def duty_of(self, row: int) -> tuple[int, int] | None:
        """Today's session of a worker: (UTC hour of the day, minutes)."""
        if self.today[row] < 0:
            return None
        return int(self.today[row]), int(column_of(self.worker_rows[row], "session_minutes"))

    def set_duty(self, row: int, session: tuple[int, int] | None) -> None:
        """Give a worker a session of today, or a day off; the rule of rest after the last one holds."""
        if not self.keeps_last_sessions:
            raise ValueError("Above compute.views_up_to workers, sessions are those that the rule draws.")
        last = int(self.last_start[row]), int(self.last_minutes[row])
        self.today[row] = duty.NOT_TODAY
        self.worker_rows["session"][row] = last[0] * 2048 + last[1]
        if session is None:
            return
        hour, minutes = session
        if not 0 <= hour < 24 or minutes < 1:
            raise ValueError(
                f"A session is (UTC hour from 0 to 23, minutes from 1), or None for a day off: {session}."
            )
        start, cap = 24 * self.day + int(hour), 60 * self.config.workers.daily_hours_cap
        packed = duty.rested_session(start, int(minutes), *last, cap, 24 * self.day + 24)
        if packed >= 0:
            self.worker_rows["session"][row] = packed
            self.today[row] = packed // 2048 - 24 * self.day

    def change_duty(self, row: int, session: tuple[int, int] | None) -> None:
        """Replace a worker's session of today from the coming hour on."""
        if self.duty_day != self.hour // 24:
            raise ValueError(
                f"Sessions of day {self.hour // 24} are drawn in its first hour, which is to come."
            )
        coming, begun = self.hour % 24, int(self.today[row])
        if begun < 0 or begun >= coming:
            if session is not None and session[0] < coming:
                raise ValueError(f"The coming hour is {coming} UTC: a session cannot begin at {session[0]}.")
            self.set_duty(row, session)
        else:
            if session is not None and session[0] != begun:
                raise ValueError(f"The session of today began at {begun} UTC and can only be ended.")
            board = self.boards[int(self.worker_rows["tile"][row])]
            on_duty = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            now = (on_duty["row"] == row) & (on_duty["start_hour"] == 24 * self.day + begun)
            if not now.any():
                raise ValueError("The session of today is over.")
            over = begun, 60 * (coming - begun)
            self.set_duty(row, over if session is None else session)
            on_duty["minutes"][now] = column_of(self.worker_rows[row], "session_minutes")
        self.needs_bucketing = True

    def platform_number(self, name: str) -> int:
        """Index of a platform by name."""
        names = self.platform_names
        return names.index(one_of("platform", name, names, "There is no such platform.", typed="*"))

    def admitting_platform(self, row: int, name: str) -> int:
        """Index of a platform by name, if it admits a worker's country or has the worker already."""
        number, country = self.platform_number(name), int(self.worker_rows["country"][row])
        admitted = int(self.platform_rows["worker_mask"][number]) >> country & 1
        if not admitted and number != column_of(self.worker_rows[row], "platform"):
            masks = self.platform_rows["worker_mask"].tolist()
            open_to = [
                one for one, mask in zip(self.platform_names, masks, strict=True) if mask >> country & 1
            ]
            raise UserError(
                f"Platform {name} admits no workers from {self.world.codes[country]}.",
                path="platform",
                value=name,
                allowed=", ".join(open_to) or "none for them",
                nearest=nearest_or_first(name, open_to),
            )
        return number
