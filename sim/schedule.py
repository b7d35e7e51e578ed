"""The order in which things happen: the hour, the day, the week and the month as tuples of named phases.

They can be printed, timed, and extended with ordinary Python: a phase is a function of the model.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Generator
from inspect import isgeneratorfunction
from typing import Any

import numpy as np

from sim.agents.population import cumulative
from sim.agents.rules import willing_share
from sim.agents.traits import ACTIVE, MOST_BATCHES, column_of
from sim.agents.turnover import People, evenly, medians, willing_to_come
from sim.agents.worker import Worker
from sim.columns import Records
from sim.draws import stream, uniform
from sim.ledger import TRANSFER, ModelError
from sim.market import board as boards
from sim.market import invariants, labour, learning, pay_setting, payout, review, search
from sim.market.board import Board
from sim.market.duty import HOURS_AHEAD
from sim.market.tools import TOOLS
from sim.numeric import added_up, log, poisson
from sim.policy.commons import count_records
from sim.policy.union import MEMBERS

INTERRUPTIONS = stream("interruptions")
SEARCH = stream("search")
TASTE = stream("taste")
CIRCUMSTANCES = stream("circumstances")
PRIORITY = stream("priority")
REVIEW = stream("review")
JOINS = stream("joins")
RECORDS = stream("records")
SHIFTS = stream("shifts")
UNION = stream("union")
SUPPORT = stream("support")

WEEK_HOURS = 7 * 24

Model = Any
"""``sim.model.ClickWorkModel``, which stands a step higher and knows this file."""

Phase = Callable[[Model], None]

Task = Callable[[Board], None]


class BoardPhase:
    """A phase that plays every board by itself; it is called like any other phase.

    Neighbours of this kind are played one after another on a board before the next board's turn: so its
    workers and batches stay in the cache. The function that it is made of returns what is to be done with a
    board; or yields it, and what comes after the ``yield`` is done when all boards have been played.
    """

    def __init__(self, begin: Callable[[Model], Any]) -> None:
        self.begin = begin
        self.has_end = isgeneratorfunction(begin)
        functools.update_wrapper(self, begin)

    def __call__(self, model: Model) -> None:
        """Play this phase alone."""
        play_boards((self,), model)


def play_boards(phases: tuple[Any, ...], model: Model) -> None:
    """Play some phases together, board by board, then their ends."""
    begun = [phase.begin(model) for phase in phases]
    tasks = [next(one) if phase.has_end else one for phase, one in zip(phases, begun, strict=True)]
    model.for_each_board(*tasks)
    for phase, one in zip(phases, begun, strict=True):
        if phase.has_end:
            next(one, None)


@functools.lru_cache(maxsize=8)
def together(phases: tuple[Phase, ...]) -> tuple[tuple[bool, tuple[Phase, ...]], ...]:
    """Group phases: neighbours that play boards (true) and others (false)."""
    groups = itertools.groupby(phases, key=lambda phase: isinstance(phase, BoardPhase))
    return tuple((on_boards, tuple(group)) for on_boards, group in groups)


def run_phases(phases: tuple[Phase, ...], model: Model) -> None:
    """Run phases one after another, neighbours that play boards together."""
    for on_boards, group in together(phases):
        if on_boards:
            play_boards(group, model)
        else:
            for phase in group:
                phase(model)


# --- the hour ---------------------------------------------------------------------------------


def read_clock(model: Model) -> None:
    """Set local hours and weekdays; run what is due at the start of a month, a week, a day."""
    model.utc_hour = model.hour % 24
    model.recording = model.hour >= model.first_recorded_hour
    if model.utc_hour == 0:
        model.calls.clear()  # what kernels are handed is looked at once a day
        model.begin_day(model.hour // 24)
        if model.hour > 0:
            if model.clock.is_month_start(model.hour):
                run_phases(MONTH, model)
            if model.clock.is_week_start(model.hour):
                run_phases(WEEK, model)
        run_phases(DAY, model)


@BoardPhase
def post_batches(model: Model) -> Task:
    """Requesters at work post batches and fund their escrow."""
    model.new_batches()
    model.note_posters()
    expected = model.new_batches_by_tile()

    def insert(board: Board) -> None:
        if board.is_bare and not expected[board.tile]:
            return
        board.room_for_batches(expected[board.tile])
        model.calls[boards.insert](
            board.tile,
            model.new_starts,
            model.new_listings,
            model.new_rows,
            board.listings,
            board.batches,
            board.expires,
            board.changed,
            board.free,
            board.orders,
            board.keys,
            board.added,
            board.moved,
            board.moved_keys,
            board.other_slots,
            board.other_keys,
            board.scratch.bins,
            model.utc_hour,
            board.demands,
            board.state,
        )

    return insert


@BoardPhase
def close_batches(model: Model) -> Generator[Task, None, None]:
    """Finished and expired batches leave the boards; unspent escrow returns."""
    keep_taken = model.keeps_campaigns and model.recording
    books = model.books("requesters")

    def close_one(board: Board) -> None:
        if board.is_bare:
            board.nothing_closes()
            return
        if keep_taken:
            board.room_for_taken()
        while not model.calls[boards.close](
            model.hour,
            board.listings,
            board.batches,
            board.expires,
            board.free,
            board.orders,
            board.keys,
            board.moved,
            board.scratch.numbers,
            board.places,
            board.exhausted,
            board.takers,
            board.free_takers,
            board.finished,
            board.taken,
            keep_taken,
            board.counts,
            board.demands,
            board.rows,
            board.state,
        ):
            board.room_to_close()
        books.transfer(board.rows, int(board.state[boards.ROWS]), board.escrow)

    def note(first: int, last: int) -> None:
        """Each thread notes what concerns some requesters, in the order of boards."""
        for board, count in finished:
            model.calls[pay_setting.note_finished](
                first,
                last,
                board.finished,
                count,
                model.requester_rows,
                model.subsidies,
                model.recording,
            )

    yield close_one
    counts = ((board, int(board.state[boards.FINISHED_COUNT])) for board in model.boards)
    finished = [(board, count) for board, count in counts if count]
    threads, requesters = model.config.compute.threads, len(model.requester_rows)
    edges = [requesters * i // threads for i in range(threads + 1)]
    noted = itertools.starmap(functools.partial, ((note, *edge) for edge in itertools.pairwise(edges)))
    model.in_parallel(lambda task: task(), [books.close, *noted])
    for board, count in finished:
        model.offices.note_spending(board.finished[:count])
        if model.ai is not None:
            shared = model.shared_labels[board.platform]
            model.ai.note_finished(board.finished[:count], shared, model.requester_rows)


@BoardPhase
def come_on_duty(model: Model) -> Generator[Task, None, None]:
    """Workers whose session starts now come on duty; everyone's hour is prepared."""
    key, shift_key = model.key(INTERRUPTIONS, model.hour), model.key(SHIFTS, model.hour)
    tool_key = model.key(TOOLS, 0)
    if model.needs_bucketing or model.utc_hour % HOURS_AHEAD == 0:
        model.bucket()

    # Where all of everybody's records count, the kernel knows.
    in_part = ((model.portable > 0.0).any(axis=1) & (model.portable < 1.0).any(axis=1)).tolist()
    model.offices.make_room(len(model.worker_rows))
    if model.offices.paid_time.where_paid():
        model.offices.paid_time.make_room(len(model.worker_rows))

    def prepare(board: Board) -> None:
        place = board.tile * 24 + model.utc_hour
        first, last = model.bucket_starts.item(place), model.bucket_starts.item(place + 1)
        if first == last and board.is_deserted:
            board.nobody_works()
            return
        board.room_for_active(last - first)
        model.calls[search.come_on_duty](
            model.hour,
            key,
            shift_key,
            tool_key,
            model.order,
            first,
            last,
            model.worker_rows,
            model.tables.segments,
            model.collective_rows,
            board.platform,
            model.platform_rows,
            model.terms,
            model.settings,
            model.effects[board.platform],
            model.offices.tasks_before,
            model.offices.ratings.informed,
            board.refused,
            board.active,
            board.state,
        )
        if model.offices.passes_over:
            entries = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            model.offices.leave_alone(entries, model.worker_rows, model.terms[board.platform])
        if in_part[board.platform]:
            entries = board.active[: int(board.state[boards.ACTIVE_COUNT])]
            count_records(entries, model.worker_rows, model.portable[board.platform])

    yield prepare
    model.note_sessions()


@BoardPhase
def search_and_work(model: Model) -> Task:
    """Rounds of examine, propose, allocate, do."""
    search_key, taste_key = model.key(SEARCH, model.hour), model.key(TASTE, 0)
    priority_key = model.key(PRIORITY, model.hour)

    def play(board: Board) -> None:
        if board.is_deserted:
            return
        # Kept over the rounds: room that is made between them gives back what is borrowed.
        live = board.live
        round_number = 0
        while round_number >= 0:
            round_number = model.calls[model.kernels.search](
                round_number,
                search_key,
                taste_key,
                priority_key,
                board.listings,
                board.batches,
                board.orders,
                board.keys,
                board.takers,
                board.free_takers,
                board.table,
                board.ranking,
                model.exposure_costs,
                model.platform_rows[board.platform : board.platform + 1],
                model.terms[board.platform],
                model.offices.ratings.tasks,
                model.settings,
                board.active,
                live,
                board.looking,
                board.proposals,
                board.ranks,
                board.scratch.bins,
                board.scratch.numbers,
                board.scratch.pays,
                board.demand,
                board.gone,
                board.scratch.fronts,
                board.moved,
                board.places,
                board.exhausted,
                board.events,
                board.state,
            )
            if round_number >= 0:
                searching = int(board.state[boards.LIVE])
                board.room_for_takers(searching)
                board.room_for_events(searching)

    return play


@BoardPhase
def review_work(model: Model) -> Task:
    """What was handed in is accepted or rejected."""
    key = model.key(REVIEW, model.hour)

    def review_one(board: Board) -> None:
        if board.is_deserted:
            return
        board.room_to_settle()
        model.calls[review.review](
            model.hour,
            key,
            board.platform,
            model.platform_rows,
            model.terms,
            board.batches,
            board.changed,
            model.requester_rows,
            model.worker_rows,
            board.active,
            board.events,
            board.by_slot,
            board.group,
            board.state,
        )

    return review_one


@BoardPhase
def pay_for_work(model: Model) -> Generator[Task, None, None]:
    """Rewards become pending, fees and cuts are taken, time is accounted for."""
    books = model.books("platforms", "collectives")
    paid_time = model.offices.paid_time
    where_paid = paid_time.where_paid()

    def settle_one(board: Board) -> None:
        if board.is_deserted:
            return
        model.calls[review.settle](
            board.platform,
            model.platform_rows,
            model.terms,
            model.utc_hour,
            model.nights,
            board.batches,
            model.worker_rows,
            model.history_rows,
            model.recording and model.keeps_history,
            model.task_types,
            board.active,
            board.events,
            board.by_slot,
            board.tally,
            board.demands,
            board.earnings,
            board.rows,
            board.state,
        )
        books.transfer(board.rows, int(board.state[boards.ROWS]), board.escrow)
        if board.platform in where_paid:
            labour.note_paid_time(model.calls, paid_time, where_paid[board.platform], board)

    yield settle_one
    books.close()
    labour.note_hour(model)
    model.note_trade()


def observe_hour(model: Model) -> None:
    """Check the books, tell the observers, let go those whose session is over."""
    model.ledger.check()
    if model.config.compute.debug:
        invariants.check_hour(model)
    for observer in model.observers:
        observer.hour(model)

    def let_go(board: Board) -> None:
        if board.is_deserted:
            return
        model.calls[review.go_off_duty](
            model.hour, model.config.workers.patience_hours, model.worker_rows, board.active, board.state
        )

    model.for_each_board(let_go)
    if model.calls.met and not model.config.compute.debug:
        model.calls.trust()
    model.hour += 1
    if model.hour % 24 == 0:
        model.add_up_day()
        for observer in model.observers:
            observer.day(model)
        for board in model.boards:
            board.begin_day()
        model.joined_today[:] = 0
        model.left_today[:] = 0


# --- the day ----------------------------------------------------------------------------------


def pay_out(model: Model) -> None:
    """Balances that reached the threshold are paid out where payouts were due yesterday."""
    if model.day == 0:
        return

    def rows_of(first: int, last: int, rows: Records) -> int:
        return payout.pay_out(
            first,
            last,
            model.day - 1,
            model.worker_rows,
            model.history_rows,
            model.recording and model.keeps_history,
            model.platform_rows,
            rows,
        )

    if any(model.day % int(days) == 0 for days in model.platform_rows["payout_days"]):
        model.transfer_in_chunks(rows_of)


def recount_accounts(model: Model) -> None:
    """Every account is added up and held against the sector totals; no requester ran out of numbers."""
    model.ledger.recount([board.batches["escrow"] for board in model.boards])
    most = int(model.requester_rows["serial"].max(initial=0))
    if most > MOST_BATCHES:
        raise ModelError(
            f"A requester has posted {most:,} batches; they are numbered up to {MOST_BATCHES:,}."
        )


def draw_duty(model: Model) -> None:
    """Who works today, from when, for how long."""
    plans = model.ask("plan_day", model.day)
    count = model.workers_count
    if model.keeps_last_sessions:
        model.last_start[:count] = column_of(model.worker_rows[:count], "session_start")
        model.last_minutes[:count] = column_of(model.worker_rows[:count], "session_minutes")
    model.for_each_range(
        lambda first, last: model.draw_sessions(first, last, model.day, model.worker_rows, model.today)
    )
    model.duty_day = model.day
    for row, plan in plans:
        if plan != model.duty_of(row):
            model.set_duty(row, plan)


# --- the week ---------------------------------------------------------------------------------


def change_circumstances(model: Model) -> None:
    """What an hour is worth to some workers elsewhere changes for good."""
    mean = model.config.learning.circumstances_weeks
    if mean <= 0.0:
        return
    key, chance = model.key(CIRCUMSTANCES, model.week), 1.0 / max(1.0, mean)

    def change(first: int, last: int) -> None:
        learning.change_circumstances(
            first,
            last,
            key,
            chance,
            model.worker_rows,
            model.tables.segments,
            model.tables.countries,
            model.tables.worker_settings,
        )

    model.for_each_range(change)


def learn_pay(model: Model) -> None:
    """Learned pay, all-in pay and reservation wages."""
    shift_pay = model.learn_shift_pay()

    def learn(first: int, last: int) -> None:
        learning.learn(
            first,
            last,
            model.key(TOOLS, 0),
            model.worker_rows,
            model.platform_rows,
            shift_pay,
            model.history_rows,
            model.keeps_history and model.hour - WEEK_HOURS >= model.first_recorded_hour,
            model.settings,
        )

    model.for_each_range(learn)
    for worker in model.deciders("reservation_wage"):
        wage = float(worker.reservation_wage())
        if wage != Worker.reservation_wage(worker):
            # What an income adds is added afresh each hour, so it is not stored.
            model.worker_rows["log_reservation"][worker.row] = (
                log(max(1e-9, wage)) - worker.log_rise_by_income()
            )


def learn_hours(model: Model) -> None:
    """What is known, by country and segment, of the hours that pay best."""
    week = np.zeros(model.known_earnings.shape, np.int64)
    for board in model.boards:
        week[board.where] += board.earnings[board.where]
        board.earnings[board.where] = 0
    weight = model.config.learning.hours_smoothing
    model.known_earnings += weight * (week.astype(np.float64) - model.known_earnings)
    model.best_hours = learning.attraction(model.known_earnings, model.config.learning.hours_sharpness)


def leave(model: Model) -> None:
    """Workers whose pay stayed below their outside value for long enough leave."""
    leaves = model.ask("leaves")
    mark = np.zeros(model.workers_count, np.int8)
    model.for_each_range(lambda first, last: model.decide_to_leave(first, last, model.worker_rows, mark))
    for row, leaving in leaves:
        mark[row] = learning.LEAVES if leaving else learning.STAYS
    model.remove_workers(np.flatnonzero(mark == learning.LEAVES))


def learn_platform_pay(model: Model) -> None:
    """What is known, by country, of pay on each platform."""
    model.learn_platform_pay()


def make_records(model: Model) -> None:
    """Some of those who moved to a platform have made a record there that counts."""
    key, chance = model.key(RECORDS, model.week), 1.0 / model.config.learning.record_weeks

    def make(first: int, last: int) -> None:
        learning.make_records(first, last, key, chance, model.worker_rows)

    model.for_each_range(make)


def change_platform(model: Model) -> None:
    """Some workers reconsider where they work."""
    choices = model.ask("choose_platform")
    mark = np.zeros(model.workers_count, np.int8)
    model.for_each_range(lambda first, last: model.reconsider(first, last, model.worker_rows, mark))
    for row, name in choices:
        mark[row] = model.admitting_platform(row, name)
    rows = model.worker_rows[: model.workers_count]
    moving = np.flatnonzero((mark != column_of(rows, "platform")) & ((rows["bits"] & ACTIVE) > 0))
    model.move_workers(moving, mark[moving])


def join(model: Model) -> None:
    """People of the registered pools hear about pay; some of those whom it satisfies join."""
    key = model.key(JOINS, model.week)
    active = model.active_by_country()
    for country in range(len(model.world.codes)):
        pool, present = int(model.pools[country]), int(active[country])
        if pool == 0 or not model.admits_any(country):
            continue
        expected, people = newcomers(model, country, present)
        joining = min(pool, int(poisson(uniform(key, country, 0), min(expected, float(pool)))))
        if joining:
            model.add_workers(country, joining, people)


def newcomers(model: Model, country: int, present: int) -> tuple[float, People]:
    """Return how many people of a country are expected to join this week, and whom they are drawn from.

    Circumstances change outside the market as they do inside, and whom pay satisfies then joins; where
    nobody is there to tell of pay, it is what was first offered. Where ``learning.join_rate`` is set it is
    that share of the willing in the pool, told by those who are there.
    """
    config, sigma = model.config, model.config.workers.reservation_log_sigma
    first, tables = float(model.first_active[country]), model.tables
    heard = model.reported_pay[country] if present > 0 else tables.offered[country]
    pay = log(max(1e-6, float(heard)))
    if tables.outside is None:
        willing = willing_share(pay, log(model.outside_value[country]), sigma)
        contact = present / max(1.0, first)
        expected = int(model.pools[country]) * config.learning.join_rate * contact * willing
        return expected, evenly(tables.segment_shares[country : country + 1], willing)
    middles, floor = medians(config, tables.countries[country], tables.segments)
    willing_of = [willing_to_come(pay, middle, floor, sigma) for middle in middles]
    others = added_up(tables.outside[country])
    outside = min(float(model.pools[country]), first * (1.0 + others) - present)
    coming = [float(one) * share for one, share in zip(tables.outside[country], willing_of, strict=True)]
    if outside <= 0.0 or not any(coming):
        return 0.0, evenly(tables.segment_shares[country : country + 1], 1.0)
    expected = outside * added_up(coming) / others / max(1.0, config.learning.circumstances_weeks)
    return expected, evenly(cumulative(coming)[None], np.array(willing_of))


def organise(model: Model) -> None:
    """Workers join the union and leave it, strikes are called; employers plan the week's shifts."""
    unions, employment = model.offices.unions, model.offices.employment
    if unions is not None:
        rows, collectives = model.worker_rows[: model.workers_count], len(model.collective_rows)
        share = model.offices.share_of("union", model.hour)
        together = unions.count(rows, collectives, model.hour, share)
        keys = model.key(UNION, model.week), model.key(SUPPORT, 0)
        model.for_each_range(lambda first, last: unions.let_join(first, last, keys, rows, together, share))
        together = unions.count(rows, collectives, model.hour, share)
        model.offices.ratings.fade(unions.union.ratings_half_life_weeks)
        model.offices.ratings.tell_collectives(together[:, MEMBERS])
        if share > 0.0:
            unions.call_strikes(model.hour, share)
    if employment is not None:
        employment.plan_shifts(model.offices.employs(model.hour))
    if unions is not None or employment is not None:
        model.set_terms()


def begin_week(model: Model) -> None:
    """Requesters revise pay and demand; a new week of pay and time begins."""
    targets = model.ask("revise_pay")
    model.revise_pay(model.requester_rows)
    for row, target in targets:
        model.set_target(row, float(target))
    model.learn_ai()
    model.revise_demand(model.requester_rows)
    model.let_revise_demand()
    model.for_each_range(lambda first, last: learning.clear_week(first, last, model.worker_rows))
    model.week += 1


# --- the month --------------------------------------------------------------------------------


def spend_income(model: Model) -> None:
    """Workers and brokers spend what they were paid."""
    model.transfer_in_chunks(lambda first, last, rows: payout.spend(first, last, model.worker_rows, rows))
    rows = np.zeros(len(model.collective_rows), TRANSFER)
    model.ledger.transfer(rows, payout.spend_of_collectives(model.collective_rows, rows), model.no_escrow)


def close_platform_books(model: Model) -> None:
    """Platforms pay their costs; profit goes to the owners, losses are covered from outside."""
    model.close_platform_books()


def adjust_audiences(model: Model) -> None:
    """Social platforms charge users, drop them or give up countries for last month's taxes; users answer."""
    model.adjust_audiences()


def bargain(model: Model) -> None:
    """Where the union is strong enough, platforms agree to a lowest pay; where it is not, that ends."""
    unions = model.offices.unions
    if unions is not None and unions.bargain():
        model.apply_channels()


def pay_incomes(model: Model) -> None:
    """Incomes that instruments pay are paid for the month that begins."""
    model.pay_incomes()


def count_anew(model: Model) -> None:
    """The public offices begin to count the next month; all go by what incomes pay from now on."""
    model.offices.begin_month(model.hour)
    model.offices.set_conditions(model.worker_rows, model.collected, model.hour)
    model.set_incomes()


def close_month(model: Model) -> None:
    """The month's flow matrix is handed to the observers and a new one begun."""
    flows = model.ledger.close_month()
    period = model.clock.month_key(model.hour - 1)
    for observer in model.observers:
        observer.month(model, period, flows)


HOUR: tuple[Phase, ...] = (
    read_clock,
    post_batches,
    close_batches,
    come_on_duty,
    search_and_work,
    review_work,
    pay_for_work,
    observe_hour,
)
DAY: tuple[Phase, ...] = (pay_out, recount_accounts, draw_duty)
WEEK: tuple[Phase, ...] = (
    change_circumstances,
    learn_pay,
    learn_hours,
    leave,
    learn_platform_pay,
    make_records,
    change_platform,
    join,
    organise,
    begin_week,
)
MONTH: tuple[Phase, ...] = (
    spend_income,
    close_platform_books,
    adjust_audiences,
    bargain,
    pay_incomes,
    count_anew,
    close_month,
)
LAST_MONTH = tuple(phase for phase in MONTH if phase is not pay_incomes)
"""The end of a run: what would be paid for the month after is not."""
