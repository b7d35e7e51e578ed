"""Planted bugs of the union and of employment: a text of a module, what becomes of it, the check to notice it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from sim.compile import COMPILED
from tests.support import members as cooperatives
from tests.support import policies, remedies
from tests.support.checks import FAULTS
from tests.support.markets import tiny
from tests.support.plants import Plant, planted
from tests.support.remedies import BOTH, EMPLOYED, EMPLOYED_LATER, EMPLOYED_SOUTH, ORGANISED

UNION, LAW, OFFICE = "sim.policy.union", "sim.policy.reclassification", "sim.policy.office"
TERMS, RULES = "sim.policy.terms", "sim.agents.rules"
TIME, CHANNELS, LABOUR = "sim.policy.paid_time", "sim.policy.channels", "sim.market.labour"
SEARCH, REVIEW, MODEL, SCHEDULE = "sim.market.search", "sim.market.review", "sim.model", "sim.schedule"

OF_FORMULAS: dict[str, list[tuple[str, str, str]]] = {
    "union": [
        (UNION, "max(guideline, exp(log_base))", "guideline"),
        (UNION, "if all_in_pay < 0.0:", "if False:"),
        (UNION, "* (1.0 - rejected)", "+ rejected"),
        (UNION, "organising + contact * density * grievance", "organising + contact * density"),
        (UNION, "min(1.0, organising", "(organising"),
        (UNION, "strength * float(self.guidelines[country])", "float(self.guidelines[country])"),
        (UNION, "guideline * union.refusal_share", "guideline"),
        (UNION, "1.0 - strength * union.rating_gain", "1.0 - union.rating_gain"),
        (UNION, "int(24 * self.union.strike_days * strength)", "24 * self.union.strike_days"),
        (UNION, "        if not hours:\n", "        if False:\n"),
        (UNION, "guideline * union.bargained_share", "guideline"),
        (UNION, "self.groups == group", "self.groups != ''"),
        (UNION, "shares(found) >= self.union", "shares(found) > self.union"),
        (UNION, "members >= union.strike_density * present", "members > union.strike_density * present"),
        (UNION, "hour < self.quiet_until[platform]", "hour <= 168"),
        (UNION, "np.where(self.covered[..., None], self.found, 0)", "self.found"),
        (UNION, "world.minimum_wage_usd if local", "world.outside_wage_usd if local"),
        (TERMS, "np.where(channels.paid_waiting > 0.0, 0.0, channels.refusal)", "channels.refusal"),
        (TERMS, "gross * (1.0 - np.asarray", "gross * (1.0 + 0.0 * np.asarray"),
        (TERMS, "channels.worker_floor / kept", "channels.worker_floor"),
        (LAW, "Contribution(LABOUR_COST, platform", "Contribution('worker_floor', platform"),
        (RULES, "believed_rejection(accepted, rejected, own, prior_tasks)", "believed_rejection(accepted, rejected, 0.01, prior_tasks)"),
        (RULES, "- log(1.0 - own)", ""),
        (RULES, "if accepted + rejected <= 0.0:", "if rejected <= 0.0:"),
    ],
    "reclassification": [
        (TIME, "promised // 3600 - piece_pay)", "-(-promised // 3600) - piece_pay)"),
        (LAW, "(1.0 - fee) * rate / (1.0 + rate)", "(1.0 - fee) * rate"),
        (LAW, "min(law.highest_ratio, max(", "max(1.0, max("),
        (LAW, "if paid > 0 else law.first_ratio", "if paid > 0 else law.highest_ratio"),
        (OFFICE, "np.flatnonzero(dues | less)", "np.flatnonzero(dues)"),
        (LAW, "min(MOST_RECOVERED, law.recovered", "min(1.0, law.recovered"),
        (LAW, "law.slack * ratio * paid / (duty + refused)", "law.slack * ratio * paid / duty"),
        (LAW, "law.slack * ratio * paid", "law.slack * paid"),
        (LAW, "max(law.least_shifts, before", "max(0.0, before"),
        (LAW, "wage * (1.0 + rate) * float", "wage * float"),
        (LAW, "wage, rate = strength * self.usd[country], strength *", "wage, rate = strength * self.usd[country], 1.0 *"),
        (LAW, "wage, rate = strength * self.usd", "wage, rate = 1.0 * self.usd"),
        (LAW, "exact(self.rates[country]) * strength", "exact(self.rates[country])"),
        (LAW, "platform, strength * self.usd[country], country", "platform, self.usd[country], country"),
        (LAW, "share + (1.0 - share) * (1.0 - strength)", "share * strength"),
        (LAW, "self.month_pay[platform, country] + pay[platform, country]", "pay[platform, country]"),
        (TIME, "self.claims[:, 2])\n        return pay", "0)\n        return pay"),
        (LAW, "for kind in PAID_TIME:", "for kind in PAID_TIME[:1]:"),
        (OFFICE, "for charge in (*charges, *employment)", "for charge in charges"),
        (OFFICE, "charge.amount - charge.withheld", "charge.amount"),
    ],
    "paid_time": [
        (TIME, "promised // 3600 - piece_pay)", "promised // 3600)"),
        (TIME, "np.maximum(0, promised // 3600 - piece_pay)", "promised // 3600 - piece_pay"),
        (TIME, "wages[countries[i], kind]", "wages[0, kind]"),
        (TIME, "int(exact(one) * MILLION)", "int(one) * MILLION"),
        (CHANNELS, "dict.fromkeys(PAID_TIME, (np.maximum, 0.0))", "dict.fromkeys(PAID_TIME, (np.add, 0.0))"),
        (CHANNELS, "getattr(self, name) for name in PAID_TIME", "getattr(self, PAID_TIME[0]) for name in PAID_TIME"),
    ],
}  # fmt: skip
"""Edits that a case worked out by hand must notice."""


def members() -> Any:
    """The check of the union, on a small market."""
    return remedies.members(days=40, workers=50)


def employers() -> Any:
    """The check of employers, on a small market."""
    return remedies.employers(days=35, workers=30)


def growing() -> Any:
    """The check of a union that grows, on a small market."""
    return remedies.members(remedies.GROWING, seed=3, days=40, workers=80)


def by_steps() -> Any:
    """The check of employers by steps, on a small market."""
    return remedies.employers(remedies.EMPLOYED_BY_STEPS, days=35, workers=30)


OF_MARKETS: list[tuple[str, str, str, Callable[[], Any]]] = [
    (UNION, "uniform(support_key, agent, 0) >= support[country]", "False", members),
    (UNION, "strength * self.union.organising_rate", "self.union.organising_rate", growing),
    (UNION, "strength * self.union.contact_rate", "self.union.contact_rate", growing),
    (UNION, "len(workers), strength * self.guidelines, self.found", "len(workers), self.guidelines, self.found", growing),
    (UNION, "            strength * self.guidelines,\n", "            self.guidelines,\n", growing),
    (LAW, "rate = strength * self.rates[country]\n            withheld", "rate = self.rates[country]\n            withheld", by_steps),
    (LAW, "from_all(self.law.unfair_share, strength)", "self.law.unfair_share", by_steps),
    (LAW, "from_all(opened, strength)", "opened", by_steps),
    ("sim.market.posting", "if owes and (integer", "if (integer", cooperatives.northern_royalties),
    (UNION, "met = max(met, density_of_collectives[worker.collective])", "pass", remedies.collectives),
    (UNION, "uniform(week_key, agent, DRAW_LEAVES)", "uniform(week_key, agent, DRAW_JOINS)", members),
    (UNION, "self.quiet_until[platform] = self.strike_until[platform] +", "self.quiet_until[platform] = hour +", lambda: remedies.members(days=58, workers=60)),
    (SEARCH, "if member and hour < term.strike_until:", "if hour < term.strike_until:", members),
    (SEARCH, "if member and not depends:", "if not depends:", members),
    (MODEL, 'self.terms["strike_until"] = self.offices.unions.struck_until()', "pass", members),
    (MODEL, "if worker[\"bits\"] & MEMBER and np.isinf(least):", "if False:", members),
    (SCHEDULE, "if unions is not None and unions.bargain():", "if unions is not None and unions.bargain() and False:", members),
    (SEARCH, "sigma *= real(term.noise)", "pass", remedies.ratings),
    (TIME, "piece_pay[transfer.debit] -= transfer.amount", "piece_pay[transfer.debit] += transfer.amount", employers),
    (TIME, "self.owed[rows] = 0\n", "pass\n", employers),
    (TIME, "        self.end_period(workers, rows)\n        platforms", "        self.make_room(len(workers))\n        platforms", employers),
    (LAW, "self.week[:] = 0", "pass", employers),
    (LABOUR, "event.kind != RETURN and workers[active[event.active].row].bits & MEMBER:", "event.kind != RETURN:", remedies.shared_ratings),
    (SEARCH, "(member or (worker.collective >= 0 and informed[worker.collective] > 0))", "member", remedies.shared_ratings),
    (SCHEDULE, "model.offices.ratings.tell_collectives(together[:, MEMBERS])", "pass", remedies.shared_ratings),
    (SCHEDULE, "model.offices.ratings.fade(unions.union.ratings_half_life_weeks)", "pass", remedies.shared_ratings),
    (SEARCH, "seems += told_of(ratings,", "seems += 0.0 * told_of(ratings,", remedies.shared_ratings),
    ("sim.policy.ratings", '("tasks", "informed")', '("informed",)', remedies.resumed_ratings),
    (LAW, "self.month_pay[:] = 0", "pass", employers),
    (LAW, "+ recovered)\n            opened", ")\n            opened", employers),
    (LABOUR, "spent[GIVEN_BACK] += own", "spent[REJECTED] += own", remedies.time_alone),
    (LABOUR, "seconds[i, SEARCH] = active[i].searched", "seconds[i, SEARCH] = active[i].duty", remedies.time_alone),
    (TIME, '("wages", "promised"', '("promised"', lambda: policies.resumed(EMPLOYED_LATER, [policies.FEBRUARY + 200])),
    (MODEL, "self.offices.paid_time.set_wages(channels)", "pass", employers),
    (SEARCH, "refused[worker.country] += 60 * session_minutes_of(worker)", "pass", employers),
    (SEARCH, "if uniform(shift_key, agent, 0) >= shifts:", "if uniform(duty_key, agent, 0) >= shifts:", employers),
    (REVIEW, "real(requester.unfair) * real(terms[entry.country].unfair)", "real(requester.unfair)", employers),
    (REVIEW, "worker_fee(platform, terms[country])", "integer(platform.worker_fee_ppm)", employers),
    (OFFICE, "else float(self.strength(instrument, hour))", "else 1.0", lambda: policies.before_the_start(EMPLOYED, "2019-02-01", policies.FEBRUARY)),
    (MODEL, "[entry for entry in entries if entry.kind not in (CAPITAL, SHIFT_PAY)]", "[entry for entry in entries if entry.kind != CAPITAL]", lambda: remedies.accounts(EMPLOYED)),
    (MODEL, "charges, users, self.hour, employed[p]):", "charges, users, self.hour):", lambda: remedies.open_books(EMPLOYED)),
    (TIME, ', "claims")', ")", lambda: policies.resumed(EMPLOYED, [policies.FEBRUARY + 200, 1000])),
    (TIME, '("wages", "promised", ', '("wages", ', lambda: policies.resumed(EMPLOYED_SOUTH, [1013])),
    (UNION, '"quiet_until", "strikes"', '"strikes"', lambda: policies.resumed(ORGANISED, list(range(100, 1300, 50)))),
    ("sim.checkpoint", '    "terms",\n', "", lambda: policies.resumed(BOTH, [1013])),
    (UNION, "union.holds_in(code) for", "True for", lambda: policies.null_settings("union")),
    (UNION, "1.0 - strength * union.rating_gain", "strength * union.rating_gain", remedies.ratings),
    (LAW, "law.holds_in(code) for", "True for", lambda: policies.null_settings("reclassification")),
]  # fmt: skip
"""Edits that a check of whole markets must notice; several are in compiled code."""


def main() -> None:
    """Plant the bugs of some numbers, or all; print a line of JSON for each: its text, and what was said of it.

    With ``--sound`` nothing is planted, and every check must be content.
    """
    assert not COMPILED, "planted bugs need NUMBA_DISABLE_JIT=1"
    sound = "--sound" in sys.argv
    numbers = [int(word) for word in sys.argv[1:] if word != "--sound"]
    for number in numbers or range(len(OF_MARKETS)):
        module, old, new, check = OF_MARKETS[number]
        said = None
        try:
            with planted(Plant(module, old, old if sound else new, "", tiny)):
                check()
        except (*FAULTS, ValueError, IndexError, ArithmeticError) as fault:
            said = f"{type(fault).__name__}: {fault}"
        print(json.dumps({"plant": old, "said": said}), flush=True)


if __name__ == "__main__":
    main()
