"""Search, choice and allocation: the hour of the workers on duty on one tile.

An hour is rounds of examine, propose, allocate, do. Everybody examines the board as it stood at the
round's start; proposals to a batch are served by hashed priority; so no result depends on the order
in which workers are stored or visited.
"""

from __future__ import annotations

from typing import Any

from sim.agents.rules import (
    believed_rejection,
    look_with_tools,
    noise_sigma,
    other_income,
    own_seconds,
    pace,
    rating_effect,
    reservation_with_income,
    returns_task,
    speed_log_gain,
    spell,
    tasks_of_spell,
    trust,
    worth_the_tasks,
)
from sim.agents.rules import satisficing as accepts  # replaceable: accepts
from sim.agents.traits import ACTIVE as ACTIVE_FLAG
from sim.agents.traits import (
    MEMBER,
    NEWCOMER,
    OTHER_JOB,
    TERTIARY,
    WOMAN,
    segment_of,
    session_minutes_of,
    session_start_of,
    skill_of,
    worker_id,
)
from sim.compile import fetch, index, integer, kernel, real, rule
from sim.draws import PRIORITY_BITS, priority, uniform, uniform_of
from sim.market.board import (
    ACTIVE_COUNT,
    BINS,
    BLOCK,
    CUT_OFF,
    ENTERED,
    EVENTS,
    EXHAUSTED,
    FEW_SLOTS,
    FREE_TAKERS,
    FRONT,
    LIVE,
    NEXT,
    OPEN,
    RETURN,
    RETURNED,
    WORK,
    bit_of,
    close_gaps,
    close_ranks,
    drop_gone,
    find_all,
    find_taker,
    note_exhausted,
    reach,
    taker_home,
    turn_ahead,
)
from sim.market.tools import has_tools
from sim.numeric import exponential, log, normal_fast
from sim.policy.effects import ELASTICITY, EXPECTED, LEAST_WAGE, NEED, TASK_HOURS, TASKS, UNEARNED, WAGE

SMALLEST_DRAW = 1e-18
AGENT, WORD, PLACE, ORDER = range(4)
"""Rows of the whole numbers of a block: who looks, the draw, and where it leads to."""

KEY, KIND = WORD, PLACE
"""Later, of who looks at what fits: key and type of the listing."""

PAY, SIGMA, NOISE, TASTE = range(4)
"""Rows of the other numbers of a block; noise and taste are draws from (0, 1)."""

SPELL = TASTE
"""Later, of who proposes: seconds to stay."""
DRAWS_OF_A_ROUND = 64
RANK_SHIFT = PRIORITY_BITS - 8
"""Bits of a rank below the eight by which ranks are sorted at first."""
PARTS_OF_RANKING = 9
"""Numbers that say how listings are ranked: for those without tools, then for those with tools."""


@rule
def duty_seconds(hour: int, start_hour: int, minutes: int) -> int:
    """Seconds of this hour that fall into a session of some minutes that began at ``start_hour``."""
    return max(integer(0), min(integer(3600), 60 * minutes - 3600 * (hour - start_hour)))


@kernel
def come_on_duty(
    hour: int,
    duty_key: int,
    shift_key: int,
    tool_key: int,
    order: Any,
    first: int,
    last: int,
    workers: Any,
    segments: Any,
    collectives: Any,
    platform_number: int,
    platforms: Any,
    terms_of_all: Any,
    settings: Any,
    effects: Any,
    tasks_before: Any,
    informed: Any,
    refused: Any,
    active: Any,
    state: Any,
) -> None:
    """Add those whose session starts now and prepare the hour of everyone on duty.

    ``terms_of_all`` are those of each platform for the workers of each country. Who gets no shift stays away;
    ``refused`` counts the seconds by country; ``informed`` are the collectives that hear of ratings.
    """
    setting = settings[0]
    platform = platforms[platform_number]
    terms = terms_of_all[platform_number]
    count = state[ACTIVE_COUNT]
    for i in range(first, last):
        fetch(workers, index(order[index(turn_ahead(i, last))]))
        entry = active[index(count)]
        row = integer(order[index(i)])
        worker = workers[index(row)]
        shifts = real(terms[index(worker.country)].shifts)
        if shifts < 1.0:
            agent = worker_id(integer(worker.number), integer(worker.country))
            if uniform(shift_key, agent, 0) >= shifts:
                if worker.bits & ACTIVE_FLAG:
                    refused[worker.country] += 60 * session_minutes_of(worker)
                continue
        count += 1
        entry.row = row
        entry.start_hour = session_start_of(worker)
        entry.minutes = session_minutes_of(worker)
        entry.id = worker_id(integer(worker.number), integer(worker.country))
        entry.fruitless_hours = 0
        entry.look_seconds = worker.look_seconds
        entry.patience = worker.patience
        entry.country = worker.country
        entry.tertiary = 1 if worker.bits & TERTIARY else 0
        skill = skill_of(worker)
        if worker.collective >= 0:
            skill = max(skill, integer(collectives[index(worker.collective)].skill))
        entry.skill = skill
    state[ACTIVE_COUNT] = count
    usual_log_keep = log(1.0 - real(platform.worker_fee_ppm) / 1000000.0)
    for i in range(count):
        fetch(workers, index(active[index(turn_ahead(i, count))].row))
        entry = active[index(i)]
        worker = workers[index(entry.row)]
        term = terms[index(worker.country)]
        log_keep = usual_log_keep
        if term.withheld_ppm > 0:
            log_keep = log(1.0 - real(worker_fee(platform, term)) / 1000000.0)
        member = worker.bits & MEMBER > 0
        seconds = integer(0)
        if worker.bits & ACTIVE_FLAG:
            seconds = duty_seconds(hour, integer(entry.start_hour), integer(entry.minutes))
        segment = segments[index(segment_of(worker))]
        interruption = real(segment.interruption_women if worker.bits & WOMAN else segment.interruption_men)
        if uniform(duty_key, integer(entry.id), 0) < interruption:
            seconds = integer(real(seconds) * uniform(duty_key, integer(entry.id), 1))
        if member and hour < term.strike_until:
            seconds = integer(0)
        accepted = real(worker.accepted)
        rejected = real(worker.rejected)
        done = accepted + rejected
        entry.duty = seconds
        entry.left = seconds
        entry.searched = 0
        entry.fruitless = 0
        entry.served = 0
        entry.accepted = worker.accepted
        if worker.bits & NEWCOMER and not platform.portable:
            # The record was made elsewhere, and nobody here knows it.
            entry.accepted = 0
        entry.approval_rate = (accepted + 1.0) / (done + 1.0)
        entry.tools = 0
        if has_tools(worker, platform, tool_key, setting):
            entry.tools = 1
            entry.look_seconds = look_with_tools(integer(worker.look_seconds), real(setting.tool_look_ratio))
        entry.log_reservation = worker.log_reservation
        effect = effects[index(worker.country)]
        depends = False
        if effect[TASKS] > 0.0 and not worker.bits & OTHER_JOB:
            before = integer(tasks_before[entry.row]) if entry.row < len(tasks_before) else integer(0)
            missing = integer(effect[TASKS]) - (integer(worker.accepted) + integer(worker.rejected) - before)
            depends = worth_the_tasks(
                effect[EXPECTED], missing, effect[TASK_HOURS], real(worker.log_reservation)
            )
        if depends:
            # What is offered must be taken until the income is earned.
            entry.log_reservation = min(real(worker.log_reservation), effect[LEAST_WAGE])
        elif effect[UNEARNED] > 0.0:
            other = other_income(
                worker.bits & OTHER_JOB > 0,
                effect[WAGE],
                real(worker.desired_minutes) / 60.0,
                real(worker.all_in_pay),
                effect[NEED],
            )
            entry.log_reservation = reservation_with_income(
                real(worker.log_reservation), effect[UNEARNED], other, effect[ELASTICITY]
            )
        if member and not depends:
            entry.log_reservation = max(real(entry.log_reservation), real(term.log_refusal))
        entry.log_speed = real(worker.log_speed) + speed_log_gain(
            done, real(setting.speed_gain), real(setting.speed_half_tasks)
        )
        believed = believed_rejection(
            accepted, rejected, real(setting.rejection_prior), real(setting.rejection_prior_tasks)
        )
        sigma = noise_sigma(
            done,
            real(setting.noise_sigma),
            real(setting.noise_experienced_sigma),
            real(setting.noise_half_tasks),
        )
        if member:
            sigma *= real(term.noise)
        entry.believed = -1.0
        if term.ratings > 0.0 and (member or (worker.collective >= 0 and informed[worker.collective] > 0)):
            entry.believed = believed
        weight = 1.0
        belief = 0.0
        if worker.learned_pay > 0.0:
            weight = trust(sigma, real(setting.pay_spread))
            belief = (1.0 - weight) * log(real(worker.learned_pay))
        entry.trust = weight
        entry.sigma = weight * sigma
        entry.log_pay = weight * (real(entry.log_speed) + log_keep + log(1.0 - believed)) + belief
    state[LIVE] = count
    state[EVENTS] = 0
    state[CUT_OFF] = 0


@rule
def worker_fee(platform: Any, term: Any) -> int:
    """Millionths of a reward that a worker of some terms does not get: the fee, and what is withheld."""
    return integer(platform.worker_fee_ppm) + integer(term.withheld_ppm)


@rule
def parts_of(ranking: Any, first: int) -> Any:
    """Return the numbers of one of two ways to rank listings."""
    low = real(ranking[first]), real(ranking[first + 1]), real(ranking[first + 2]), real(ranking[first + 3])
    wide = (
        real(ranking[first + 4]),
        real(ranking[first + 5]),
        real(ranking[first + 6]),
        real(ranking[first + 7]),
    )
    return low, wide, real(ranking[first + 8])


@rule
def show(count: int, numbers: Any, ranking: Any, open_batches: int) -> None:
    """Turn draws, ``numbers[WORD]``, into listings shown: an ``ORDER`` by its weight and a ``PLACE`` in it.

    ``ranking`` holds where newest, largest, best paid and chance begin among the draws, the inverse of the
    width of each, and the mean depth: as the platform shows listings, then as tools do, for whom ``ORDER`` is
    1 before. Positions in an order fall off exponentially; by chance, all listings of the first order are
    alike. Past the end positions start again.
    """
    low, wide, depth = parts_of(ranking, 0)
    made_low, made_wide, made_depth = parts_of(ranking, PARTS_OF_RANKING)
    many = real(open_batches)
    for i in range(count):
        draw = uniform_of(numbers[WORD, index(i)])
        tools = numbers[ORDER, index(i)] > 0
        largest = draw >= (made_low[1] if tools else low[1])
        best_paid = draw >= (made_low[2] if tools else low[2])
        chance = draw >= (made_low[3] if tools else low[3])
        since, width = (made_low[0] if tools else low[0]), (made_wide[0] if tools else wide[0])
        if largest:
            since, width = (made_low[1] if tools else low[1]), (made_wide[1] if tools else wide[1])
        if best_paid:
            since, width = (made_low[2] if tools else low[2]), (made_wide[2] if tools else wide[2])
        if chance:
            since, width = (made_low[3] if tools else low[3]), (made_wide[3] if tools else wide[3])
        share = max(SMALLEST_DRAW, (draw - since) * width)
        deep = exponential(share) * (made_depth if tools else depth)
        place = integer(share * many if chance else deep)
        # No slow division: small whole numbers, whose quotient does not reach the next.
        numbers[PLACE, index(i)] = place - open_batches * integer(real(place) / many)
    for i in range(count):
        draw = uniform_of(numbers[WORD, index(i)])
        tools = numbers[ORDER, index(i)] > 0
        order = integer(draw >= (made_low[1] if tools else low[1])) + integer(
            draw >= (made_low[2] if tools else low[2])
        )
        numbers[ORDER, index(i)] = integer(0) if draw >= (made_low[3] if tools else low[3]) else order


@rule
def qualifies(listing: Any, entry: Any) -> bool:
    """Whether a worker may do a batch: by country, skill, education and record."""
    return bool(
        ((integer(listing.country_mask) >> integer(entry.country)) & 1 == 1)
        & (integer(listing.skill) <= integer(entry.skill))
        & (integer(listing.tertiary) <= integer(entry.tertiary))
        & (
            (integer(listing.approval_tasks) <= 0)
            | (
                (integer(listing.approval_tasks) <= integer(entry.accepted))
                & (real(listing.approval_rate) <= real(entry.approval_rate))
            )
        )
    )


@rule
def add_noise(count: int, numbers: Any, pays: Any, taste_key: int, taste_sigma: float) -> None:
    """Add noise and taste to what some listings seem to pay some workers, ``pays[PAY]``."""
    for i in range(count):
        pays[NOISE, index(i)] = uniform(numbers[KEY, index(i)], integer(numbers[AGENT, index(i)]), 0)
    for i in range(count):
        kind = integer(numbers[KIND, index(i)])
        pays[TASTE, index(i)] = uniform(taste_key, integer(numbers[AGENT, index(i)]), kind)
    for i in range(count):
        seems = real(pays[PAY, index(i)])
        seems += real(pays[SIGMA, index(i)]) * normal_fast(pays[NOISE, index(i)])
        pays[PAY, index(i)] = seems + taste_sigma * normal_fast(pays[TASTE, index(i)])


@rule
def propose(
    count: int,
    looking: Any,
    active: Any,
    listings: Any,
    takers: Any,
    table: Any,
    numbers: Any,
    pays: Any,
    setting: Any,
) -> None:
    """Let workers propose as many tasks of a batch as a spell holds and there is time and work for.

    What is proposed stays in ``entry``.

    Their places in ``looking[0]`` and ``[1]``, where worker and batch are found, stand in ``looking[2]``;
    ``numbers`` has their agents and the keys of the batches.
    """
    for i in range(count):
        agent = integer(numbers[AGENT, index(i)])
        pays[NOISE, index(i)] = pace(numbers[KEY, index(i)], agent, real(setting.pace_sigma))
    median, sigma = real(setting.spell_seconds), real(setting.spell_log_sigma)
    for i in range(count):
        agent = integer(numbers[AGENT, index(i)])
        pays[SPELL, index(i)] = spell(numbers[KEY, index(i)], agent, integer(0), median, sigma)
    known = integer(0)
    for i in range(count):
        at = integer(looking[2, index(i)])
        slot = integer(looking[1, index(at)])
        entry = active[index(looking[0, index(at)])]
        listing = listings[index(slot)]
        log_speed = real(entry.log_speed) + real(pays[NOISE, index(i)])
        seconds = own_seconds(real(listing.true_seconds), log_speed)
        entry.own_seconds = seconds
        entry.slot = slot
        entry.taker = -1
        enough = tasks_of_spell(real(pays[SPELL, index(i)]), seconds)
        entry.want = max(integer(0), min(enough, wanted(entry, listing, seconds, integer(0))))
        looking[2, index(known)] = at
        fetch(table, index(taker_home(integer(entry.row), slot, len(table) - 1)))
        known += integer(listing.taken_by) >> (integer(entry.row) & 63) & 1
    for i in range(known):
        at = integer(looking[2, index(i)])
        slot = integer(looking[1, index(at)])
        entry = active[index(looking[0, index(at)])]
        taker = find_taker(table, takers, integer(entry.row), slot)
        if taker >= 0:
            done = integer(takers[index(taker)].done)
            entry.taker = taker
            seconds = integer(entry.own_seconds)
            listing = listings[index(slot)]
            agent = integer(entry.id)
            time = spell(listing.key, agent, done & (RETURNED - 1), median, sigma)
            enough = tasks_of_spell(time, seconds)
            entry.want = max(integer(0), min(enough, wanted(entry, listing, seconds, done)))


@rule
def wanted(entry: Any, listing: Any, seconds: int, done: int) -> int:
    """Tasks of a batch that a worker who did some has time for, and that are there; none if under one."""
    # Both are small whole numbers, whose quotient is exact enough not to reach the next.
    affordable = integer(real(entry.left) / real(seconds))
    return min(affordable, integer(listing.tasks) - done, integer(listing.left))


@rule
def may_look(entry: Any) -> bool:
    """Whether a worker has the time and the patience to examine one more listing."""
    return bool(
        (integer(entry.left) >= integer(entry.look_seconds))
        & (integer(entry.fruitless) < integer(entry.patience))
    )


@rule
def begin_round(live: Any, searching: int, active: Any, looking: Any) -> int:
    """Write who may look into ``looking[0]`` and return how many; nobody wants anything yet."""
    count = integer(0)
    for i in range(searching):
        place = integer(live[index(i)])
        entry = active[index(place)]
        entry.want = 0
        looking[0, index(count)] = place
        count += integer(may_look(entry))
    return count


@rule
def told_of(ratings: Any, requester: int, entry: Any, setting: Any) -> float:
    """Log points by which ratings of a requester change the pay that one who hears of them perceives."""
    rated = ratings[index(requester)]
    prior_tasks = real(setting.rejection_prior_tasks)
    effect = rating_effect(real(entry.believed), real(rated[0]), real(rated[1]), prior_tasks)
    return float(real(entry.trust) * effect)


@rule
def look(
    draw: int,
    search_key: int,
    first: int,
    count: int,
    looking: Any,
    active: Any,
    listings: Any,
    orders: Any,
    keys: Any,
    open_batches: int,
    ranking: Any,
    numbers: Any,
    gone: Any,
    fronts: Any,
) -> None:
    """Let each of ``count`` workers, a block, take the time for one listing, which is fetched meanwhile.

    Places in ``active`` stand in ``looking[0]``, from ``first`` on, slots come into ``looking[1]``.
    """
    for i in range(count):
        entry = active[index(looking[0, index(first + i)])]
        numbers[AGENT, index(i)] = entry.id
        numbers[ORDER, index(i)] = entry.tools
        entry.left -= integer(entry.look_seconds)
        entry.searched += integer(entry.look_seconds)
        entry.fruitless += 1
    for i in range(count):
        numbers[WORD, index(i)] = priority(search_key, integer(numbers[AGENT, index(i)]), draw)
    show(count, numbers, ranking, open_batches)
    for order in range(1, 3):
        deepest = integer(-1)
        for i in range(count):
            place = integer(numbers[PLACE, index(i)])
            deepest = max(deepest, place if numbers[ORDER, index(i)] == order else integer(-1))
        reach(order, deepest, orders, keys, gone, fronts)
    for i in range(count):
        slot = integer(orders[index(numbers[ORDER, index(i)]), index(numbers[PLACE, index(i)])])
        looking[1, index(first + i)] = slot
        fetch(listings, index(slot))


@rule
def examine(
    taste_key: int,
    first: int,
    count: int,
    still: int,
    looking: Any,
    active: Any,
    listings: Any,
    batches: Any,
    takers: Any,
    table: Any,
    numbers: Any,
    pays: Any,
    exposure_costs: Any,
    ratings: Any,
    setting: Any,
) -> int:
    """Let each of ``count`` workers, a block, examine one listing; return how many look on so far.

    Whoever proposes has what is wanted in its ``entry``. Places in ``active`` stand in ``looking[0]``, from
    ``first`` on; those who look on move to ``still``. Each step is done for the whole block: so the processor
    examines several listings at a time instead of waiting for each. What it must know for draws is copied
    side by side to ``numbers`` and ``pays``, where it draws for several workers by one instruction.
    """
    fitting = integer(0)
    for i in range(count):
        entry = active[index(looking[0, index(first + i)])]
        listing = listings[index(looking[1, index(first + i)])]
        looking[2, index(fitting)] = first + i
        numbers[AGENT, index(fitting)] = entry.id
        numbers[KEY, index(fitting)] = listing.key
        numbers[KIND, index(fitting)] = listing.type
        pays[PAY, index(fitting)] = real(entry.trust) * real(listing.log_stated_pay) + real(entry.log_pay)
        pays[SIGMA, index(fitting)] = entry.sigma
        fitting += integer(qualifies(listing, entry))
    add_noise(fitting, numbers, pays, taste_key, real(setting.taste_sigma))
    accepting = integer(0)
    for i in range(fitting):
        at = integer(looking[2, index(i)])
        entry = active[index(looking[0, index(at)])]
        seems = real(pays[PAY, index(i)]) - real(exposure_costs[index(numbers[KIND, index(i)])])
        if entry.believed >= 0.0:
            batch = batches[index(looking[1, index(at)])]
            seems += told_of(ratings, integer(batch.requester), entry, setting)
        looking[2, index(accepting)] = at
        numbers[AGENT, index(accepting)] = numbers[AGENT, index(i)]
        numbers[KEY, index(accepting)] = numbers[KEY, index(i)]
        accepting += integer(accepts(seems, real(entry.log_reservation)))
    propose(accepting, looking, active, listings, takers, table, numbers, pays, setting)
    for i in range(count):
        place = integer(looking[0, index(first + i)])
        entry = active[index(place)]
        looking[0, index(still)] = place
        still += integer((integer(entry.want) == 0) & may_look(entry))
    return still


@rule
def allocate(
    priority_key: int,
    round_number: int,
    proposals: Any,
    count: int,
    active: Any,
    listings: Any,
    demand: Any,
    ranks: Any,
    bins: Any,
    numbers: Any,
    looking: Any,
) -> None:
    """Where more is wanted than there is, grant by rising priority: ``want`` becomes what each is granted.

    ``proposals[:count]`` are places in ``active``, ``demand`` the sum of wants by slot.
    """
    crowded = integer(0)
    for i in range(count):
        place = integer(proposals[index(i)])
        slot = integer(active[index(place)].slot)
        looking[0, index(crowded)] = place
        crowded += integer(demand[index(slot)] > integer(listings[index(slot)].left))
    for first in range(0, crowded, BLOCK):
        size = min(integer(BLOCK), crowded - first)
        for i in range(size):
            numbers[AGENT, index(i)] = active[index(looking[0, index(first + i)])].id
        for i in range(size):
            ranks[index(first + i)] = priority(priority_key, integer(numbers[AGENT, index(i)]), round_number)
    sort_by_rank(looking[1], ranks, crowded, bins)
    for i in range(crowded):
        slot = index(active[index(looking[0, index(i)])].slot)
        demand[slot] = listings[slot].left
    for i in range(crowded):
        entry = active[index(looking[0, index(looking[1, index(i)])])]
        granted = min(integer(demand[index(entry.slot)]), integer(entry.want))
        entry.want = granted
        demand[index(entry.slot)] -= granted


@rule
def sort_by_rank(sorted_: Any, ranks: Any, count: int, bins: Any) -> None:
    """Write the numbers from 0 to ``count`` into ``sorted_``, by rising rank; ``bins[0]`` holds zeros.

    Ranks are spread evenly, so that first each goes to the bin of its upper bits.
    """
    if count > FEW_SLOTS:
        for i in range(count):
            bins[0, index(integer(ranks[index(i)]) >> RANK_SHIFT)] += 1
        first = integer(0)
        for bin_ in range(BINS):
            size = integer(bins[0, index(bin_)])
            bins[0, index(bin_)] = first
            first += size
        for i in range(count):
            bin_ = integer(ranks[index(i)]) >> RANK_SHIFT
            sorted_[index(bins[0, index(bin_)])] = i
            bins[0, index(bin_)] += 1
        for bin_ in range(BINS):
            bins[0, index(bin_)] = 0
    else:
        for i in range(count):
            sorted_[index(i)] = i
    for i in range(1, count):
        number = integer(sorted_[index(i)])
        rank = integer(ranks[index(number)])
        at = integer(i)
        while at > 0 and integer(ranks[index(sorted_[index(at - 1)])]) > rank:
            sorted_[index(at)] = sorted_[index(at - 1)]
            at -= 1
        sorted_[index(at)] = number


@rule
def new_taker(
    row: int,
    slot: int,
    listing: Any,
    batch: Any,
    takers: Any,
    free_takers: Any,
    table: Any,
    looked_up: bool,
    state: Any,
) -> int:
    """Enter a worker among those who took part in a batch; return the row.

    In a batch of which nothing is left nobody is looked up again, so the table need not lead there.
    """
    state[FREE_TAKERS] -= 1
    at = integer(free_takers[index(state[FREE_TAKERS])])
    taker = takers[index(at)]
    taker.worker = row
    taker.slot = slot
    taker.done = 0
    taker.next = batch.first_taker
    batch.first_taker = at
    if looked_up:
        listing.taken_by |= bit_of(row)
        mask = len(table) - 1
        place = taker_home(row, slot, mask)
        while table[index(place)] >= 0:
            place = (place + 1) & mask
        table[index(place)] = at
        state[ENTERED] += 1
    return at


@rule
def would_return(
    entry: Any,
    listing: Any,
    batch: Any,
    log_keep: float,
    platforms: Any,
    terms: Any,
    setting: Any,
) -> bool:
    """Whether a worker who begins a batch gives the first task back, its true pay being far too low."""
    log_pace = pace(listing.key, integer(entry.id), real(setting.pace_sigma))
    term = terms[entry.country]
    if term.withheld_ppm > 0:
        log_keep = log(1.0 - real(worker_fee(platforms[0], term)) / 1000000.0)
    true_pay = real(batch.log_true_pay) + real(entry.log_speed) + log_pace + log_keep
    return bool(
        (integer(entry.taker) < 0)
        & returns_task(true_pay, real(entry.log_reservation), real(setting.log_return_ratio))
    )


@rule
def work_on(
    place: int,
    entry: Any,
    returns: bool,
    listing: Any,
    batch: Any,
    takers: Any,
    free_takers: Any,
    table: Any,
    events: Any,
    setting: Any,
    state: Any,
) -> None:
    """Do the granted tasks, or give the first one back."""
    slot = integer(entry.slot)
    seconds = integer(entry.own_seconds)
    at = integer(entry.taker)
    event = events[index(state[EVENTS])]
    state[EVENTS] += 1
    event.slot = slot
    event.active = place
    event.own_seconds = seconds
    event.start = integer(entry.duty) - integer(entry.left)
    event.accepted = 0
    if at < 0:
        looked_up = returns or integer(entry.want) < integer(listing.left)
        at = new_taker(integer(entry.row), slot, listing, batch, takers, free_takers, table, looked_up, state)
        if returns:
            takers[index(at)].done = RETURNED
            spent = integer(real(seconds) * real(setting.return_share) + 0.5)
            event.kind = RETURN
            event.done = 0
            event.own_seconds = spent
            entry.left -= spent
            event.end = integer(entry.duty) - integer(entry.left)
            return
    done = integer(entry.want)
    takers[index(at)].done += done
    listing.left -= done
    entry.left -= done * seconds
    entry.fruitless = 0
    entry.served = 1
    event.kind = WORK
    event.done = done
    event.end = integer(entry.duty) - integer(entry.left)


@rule
def drop_exhausted(
    orders: Any,
    keys: Any,
    listings: Any,
    batches: Any,
    emptied: Any,
    how_many: int,
    numbers: Any,
    places: Any,
    exhausted: Any,
    gone: Any,
    fronts: Any,
    state: Any,
) -> None:
    """Take the batches in ``emptied`` out of the newest, and out of the front of the other two orders.

    Nobody looks far into these: what is ``gone`` may stand further behind until the search is over.
    """
    for i in range(how_many):
        gone[index(emptied[index(i)])] = 1
    count = integer(state[OPEN])
    find_all(0, emptied, how_many, orders, keys, listings, batches, numbers, places, count)
    note_exhausted(how_many, orders, places, exhausted, state)
    close_gaps(places[0], how_many, orders[0], keys[0], count)
    for order in range(1, 3):
        close_ranks(order, orders, keys, gone, fronts)


@kernel
def search(
    start_round: int,
    search_key: int,
    taste_key: int,
    priority_key: int,
    listings: Any,
    batches: Any,
    orders: Any,
    keys: Any,
    takers: Any,
    free_takers: Any,
    table: Any,
    ranking: Any,
    exposure_costs: Any,
    platforms: Any,
    terms: Any,
    ratings: Any,
    settings: Any,
    active: Any,
    live: Any,
    looking: Any,
    proposals: Any,
    ranks: Any,
    bins: Any,
    numbers: Any,
    pays: Any,
    demand: Any,
    gone: Any,
    fronts: Any,
    emptied: Any,
    places: Any,
    exhausted: Any,
    events: Any,
    state: Any,
) -> int:
    """Play rounds until nobody has both time and patience; return -1 when done.

    If the arrays for events or takers might overflow in a round, return its number before playing
    it: the caller makes room and calls again with it as ``start_round``.
    """
    setting = settings[0]
    log_keep = log(1.0 - real(platforms[0].worker_fee_ppm) / 1000000.0)
    listed = integer(state[OPEN])
    closed = integer(state[EXHAUSTED])
    for order in range(3):
        fronts[order, FRONT] = 0
        fronts[order, NEXT] = 0
    if start_round == 0:
        for i in range(integer(state[LIVE])):
            live[index(i)] = i
    next_round = integer(setting.max_rounds)
    for round_number in range(start_round, integer(setting.max_rounds)):
        searching = integer(state[LIVE])
        if searching == 0 or state[OPEN] == 0:
            next_round = integer(-1)
            break
        if (
            state[EVENTS] + searching > len(events)
            or state[FREE_TAKERS] < searching
            or 2 * (state[ENTERED] + searching) > len(table)
        ):
            next_round = integer(round_number)
            break
        count = begin_round(live, searching, active, looking)
        for number in range(integer(setting.looks)):
            if count == 0:
                break
            still = integer(0)
            for first in range(0, count, BLOCK):
                look(
                    round_number * DRAWS_OF_A_ROUND + number,
                    search_key,
                    first,
                    min(integer(BLOCK), count - first),
                    looking,
                    active,
                    listings,
                    orders,
                    keys,
                    integer(state[OPEN]),
                    ranking,
                    numbers,
                    gone,
                    fronts,
                )
            for first in range(0, count, BLOCK):
                still = examine(
                    taste_key,
                    first,
                    min(integer(BLOCK), count - first),
                    still,
                    looking,
                    active,
                    listings,
                    batches,
                    takers,
                    table,
                    numbers,
                    pays,
                    exposure_costs,
                    ratings,
                    setting,
                )
            count = still
        proposing = integer(0)
        for i in range(searching):
            place = integer(live[index(i)])
            proposals[index(proposing)] = place
            proposing += integer(integer(active[index(place)].want) > 0)
        crowded = False
        for i in range(proposing):
            entry = active[index(proposals[index(i)])]
            slot = integer(entry.slot)
            demand[index(slot)] += integer(entry.want)
            crowded |= demand[index(slot)] > integer(listings[index(slot)].left)
        if crowded:
            allocate(
                priority_key,
                round_number,
                proposals,
                proposing,
                active,
                listings,
                demand,
                ranks,
                bins,
                numbers,
                looking,
            )
        working = integer(0)
        for i in range(proposing):
            place = integer(proposals[index(i)])
            entry = active[index(place)]
            demand[index(entry.slot)] = 0
            proposals[index(working)] = place
            working += integer(integer(entry.want) > 0)
            fetch(batches, index(entry.slot))
        for i in range(working):
            entry = active[index(proposals[index(i)])]
            slot = index(entry.slot)
            looking[1, index(i)] = would_return(
                entry, listings[slot], batches[slot], log_keep, platforms, terms, setting
            )
        for i in range(working):
            fetch(takers, index(free_takers[index(integer(state[FREE_TAKERS]) - 1 - i)]))
        how_many = integer(0)
        for i in range(working):
            place = integer(proposals[index(i)])
            entry = active[index(place)]
            slot = integer(entry.slot)
            listing = listings[index(slot)]
            work_on(
                place,
                entry,
                looking[1, index(i)] != 0,
                listing,
                batches[index(slot)],
                takers,
                free_takers,
                table,
                events,
                setting,
                state,
            )
            emptied[index(how_many)] = slot
            how_many += integer(integer(listing.left) == 0)
        if how_many > 0:
            drop_exhausted(
                orders,
                keys,
                listings,
                batches,
                emptied,
                how_many,
                numbers,
                places,
                exhausted,
                gone,
                fronts,
                state,
            )
        still = integer(0)
        for i in range(searching):
            entry = active[index(live[index(i)])]
            live[index(still)] = live[index(i)]
            still += integer(may_look(entry))
        state[LIVE] = still
    if state[OPEN] < listed:
        for order in range(1, 3):
            drop_gone(orders[order], keys[order], listed, gone)
        for i in range(closed, integer(state[EXHAUSTED])):
            gone[index(exhausted[index(i)])] = 0
    if next_round < integer(setting.max_rounds):
        return next_round
    for i in range(integer(state[LIVE])):
        state[CUT_OFF] += integer(active[index(live[index(i)])].left)
    return -1
