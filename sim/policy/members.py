"""A month of those who own a platform or data in common: votes, shares, a beginning and an end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.agents.population import admitted, reached
from sim.agents.rules import floor_wanted
from sim.agents.traits import ACTIVE, column_of, platform_of, worker_id
from sim.columns import Records
from sim.compile import integer, kernel, real
from sim.draws import uniform
from sim.ledger import COMMONS_DIVIDEND, COMMONS_TO_USERS, PATRONAGE, TRANSFER
from sim.policy.channels import HIGHEST_WORKER_FEE
from sim.policy.commons import collecting, worth
from sim.policy.cooperative import VOTES, have_enough, is_excluded, patronage

Model = Any
"""``sim.model.ClickWorkModel``, which stands higher and knows this file."""

Votes = NDArray[Any]


@kernel
def cast_votes(
    count: int,
    platform: int,
    key: int,
    participation: float,
    nature: int,
    solidarity: float,
    workers: Any,
    wages: Any,
    tasks: Any,
    homes: Any,
    carries: Any,
    rows: Any,
) -> tuple[int, int]:
    """Write what those members who vote bring to it; return how many belong and how many vote.

    Members are the workers in the market who are on the platform; each takes part by a draw of its own. Wages
    and experience decide on floor and order; the country, and whether a member would carry those of others (a
    draw once for all, ``nature``), on what is given up.
    """
    members = integer(0)
    voters = integer(0)
    for row in range(count):
        worker = workers[row]
        if not worker.bits & ACTIVE or platform_of(worker) != platform:
            continue
        members += 1
        agent = worker_id(integer(worker.number), integer(worker.country))
        if uniform(key, agent, 0) < participation:
            wages[voters] = floor_wanted(real(worker.log_reservation), real(worker.learned_pay))
            tasks[voters] = integer(worker.accepted) + integer(worker.rejected)
            homes[voters] = integer(worker.country)
            carries[voters] = uniform(nature, agent, 1) < solidarity
            rows[voters] = row
            voters += 1
    return members, voters


def vote(model: Model) -> None:
    """Let the members of each cooperative decide for the month that begins: fee, floor and order."""
    offices, cooperatives = model.offices, model.offices.cooperatives
    if cooperatives is None:
        return
    terms = cooperatives.terms
    for platform in cooperatives.numbers:
        if not offices.strength(terms, model.hour):
            cooperatives.dissolve(platform)
            continue
        members, wages, tasks, _, _, rows = ballots(model, platform)
        # What members want to keep; rewards are before the fee on workers, as all floors are.
        kept = 1.0 - min(HIGHEST_WORKER_FEE, offices.worker_fees[platform] + offices.levies[1, platform])
        cooperatives.count_votes(platform, members, wages / kept, tasks)
        share = offices.costs.share(platform, terms.cost_months)
        if terms.fee == "voted":
            enough = enough_work(model, platform, rows)
            cooperatives.vote_on_fee(platform, share, offices.worker_fees[platform], enough)
        else:
            cooperatives.set_fee(platform, share, offices.worker_fees[platform])


def enough_work(model: Model, platform: int, rows: Votes) -> NDArray[np.bool_]:
    """Return which of some workers had enough work on a cooperative in the month that ends."""
    cooperatives, people = model.offices.cooperatives, model.worker_rows[rows]
    cooperatives.make_room(model.workers_count)
    weeks = (model.hour - model.offices.month_began) / 168.0
    return have_enough(
        cooperatives.terms.enough_work,
        people["desired_minutes"] / 60.0 * weeks,
        cooperatives.earned[cooperatives.numbers.index(platform), rows],
        people["learned_pay"].astype(np.float64),
    )


def ballots(model: Model, platform: int) -> tuple[int, Votes, Votes, Votes, Votes, Votes]:
    """Return how many members a cooperative has, and of each who votes this month what decides the vote."""
    terms, count = model.offices.cooperatives.terms, model.workers_count
    votes: list[Votes] = [
        np.zeros(count, kind) for kind in (np.float64, np.int64, np.int64, np.bool_, np.int64)
    ]
    members, voters = cast_votes(
        count,
        platform,
        model.key(VOTES, model.hour),
        terms.participation,
        model.key(VOTES, 0),
        terms.solidarity,
        model.worker_rows,
        *votes,
    )
    belongs = members_live(model)
    entitled = belongs[votes[2][:voters]]
    wages, tasks, homes, carries, voting = (one[:voters][entitled] for one in votes)
    if not belongs.all():
        rows = model.worker_rows[:count]
        there = (column_of(rows, "platform") == platform) & (rows["bits"] & ACTIVE > 0)
        members = (there & belongs[rows["country"]]).sum()
    return int(members), wages, tasks, homes, carries, voting


def members_live(model: Model) -> NDArray[np.bool_]:
    """In which countries the members of cooperatives live."""
    terms = model.offices.cooperatives.terms
    return np.array([terms.holds_in(code) for code in model.world.codes])


def agreed(model: Model, exits: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return what is given up (platform, country, who stays): members of a cooperative vote on it."""
    offices = model.offices
    asked = {platform for platform, _, _ in exits if offices.is_cooperative(platform, model.hour)}
    votes = {platform: ballots(model, platform)[3:5] for platform in sorted(asked)}
    return [
        (platform, country, stays)
        for platform, country, stays in exits
        if platform not in votes
        or is_excluded(country, *votes[platform], offices.cooperatives.terms.exclusion_majority)
    ]


def found_and_close(model: Model) -> bool:
    """Open cooperatives whose month has come, close those whose time is over; say whether there were any."""
    offices, cooperatives = model.offices, model.offices.cooperatives
    changed = False
    for platform in cooperatives.closed if cooperatives is not None else []:
        there = bool(offices.strength(cooperatives.terms, model.hour))
        if there == bool(cooperatives.founded[platform]):
            continue
        cooperatives.founded[platform] = there
        changed = True
        if there:
            open_platform(model, platform)
            share = offices.costs.share(platform, cooperatives.terms.cost_months)
            cooperatives.set_fee(platform, share, offices.worker_fees[platform])
        else:
            model.requester_rows["platform_mask"] &= ~(1 << platform)
            for country in range(len(model.world.codes)):
                model.leave_country(platform, country)
    return changed


def open_platform(model: Model, platform: int) -> None:
    """Let in the workers whom a platform admits, and the requesters who will post there."""
    name = model.platform_names[platform]
    belongs = members_live(model)
    countries = [c for c in admitted(model.config, model.world, "worker")[name] if belongs[c]]
    model.platform_rows["worker_mask"][platform] = sum(1 << country for country in countries)
    reach = reached(model.config, model.world, model.requester_rows, name)
    model.requester_rows["platform_mask"][reach] |= 1 << platform


def hand_out(model: Model) -> None:
    """Pay members their surplus, and those who labelled their dividend."""
    model.members_got = np.zeros(0, np.int64)
    model.shares_paid = {}
    cooperatives, fund = model.offices.cooperatives, model.offices.fund
    if cooperatives is not None:
        for place, platform in enumerate(cooperatives.numbers):
            pot = int(model.ledger.cooperative_fund["balance"][platform])
            due = patronage(pot, of_countries(model, members_live(model), cooperatives.earned[place]))
            cooperatives.paid[platform] = pay_workers(
                model, PATRONAGE, platform, int(model.platform_rows["owner"][platform]), due
            )
    if fund is not None and fund.is_owed:
        share_fund(model)


def of_countries(model: Model, covered: NDArray[np.bool_], amounts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return amounts by worker (rows) with those of other countries than the covered ones set to 0."""
    countries = model.worker_rows["country"][: len(amounts)]
    own = amounts.copy()
    own[: len(countries)][~covered[countries]] = 0
    return own


def share_fund(model: Model) -> None:
    """Divide what is in the fund of the commons by the work in all labels of the month, paid or not."""
    fund = model.offices.fund
    unpaid, countries = model.unpaid_labels()
    pot = int(model.ledger.commons_fund["balance"][0])
    unpaid = np.where(fund.covered[countries], unpaid, 0)
    labels = of_countries(model, fund.covered, fund.labels)
    counts = worth(labels[:, 1], unpaid, fund.terms.unpaid_label_seconds)
    due, workers = patronage(pot, counts), len(fund.labels)
    home = int(model.platform_rows["owner"][fund.numbers[0]])
    to_workers = pay_workers(model, COMMONS_DIVIDEND, 0, home, due[:workers])
    to_users = pay(model, COMMONS_TO_USERS, 0, home, due[workers:], countries)
    taken = [int(royalty) for royalty in fund.royalty.sum(axis=1)]
    cost = sum(collecting(fund.terms, royalty) for royalty in taken)
    paid, free = int(counts[:workers].sum()), int(counts[workers:].sum())
    an_hour = 3_600_000 * pot // max(1, paid + free)
    made = (labels[:, 0].sum(), paid // 1000, unpaid.sum(), free // 1000)
    fund.told[:] = (sum(taken), cost, *made, an_hour, to_workers, to_users)


def pay_workers(model: Model, kind: int, account: int, home: int, due: NDArray[np.int64]) -> int:
    """Pay each worker's row what is due from an account of a fund; return the sum."""
    due = due[: model.workers_count]
    if len(model.members_got) < len(due):
        model.members_got = np.pad(model.members_got, (0, len(due) - len(model.members_got)))
    model.members_got[: len(due)] += due
    model.shares_paid[kind, account] = due
    return pay(model, kind, account, home, due, model.worker_rows["country"][: len(due)])


def pay(
    model: Model, kind: int, account: int, home: int, due: NDArray[np.int64], countries: NDArray[Any]
) -> int:
    """Book what is due to accounts of some countries, from a fund whose home is in another."""
    paid = np.flatnonzero(due)
    rows: Records = np.zeros(len(paid), TRANSFER)
    rows["kind"], rows["debit"], rows["credit"], rows["amount"] = kind, account, paid, due[paid]
    rows["debit_country"], rows["credit_country"] = home, countries[paid]
    model.ledger.transfer(rows, len(rows), model.no_escrow)
    return int(due.sum())
