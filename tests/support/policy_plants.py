"""Planted bugs of policies: the module, a text of it, what becomes of it, and the check that must notice it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support import conditions, policies
from tests.support.policies import ACCOUNTS, EVERYTHING, MARCH

TAXES, INCOME, OFFICE = "sim.policy.taxes", "sim.policy.income", "sim.policy.office"
FLOOR, POSTING, SEARCH = "sim.policy.wage_floor", "sim.market.posting", "sim.market.search"
MODEL, SCHEDULE = "sim.model", "sim.schedule"
BOTH = ("northern", "southern")


def accounts(name: str) -> Any:
    """The check of the public money, on one of its markets."""
    return policies.accounts(ACCOUNTS[name][0](), audited=False)


OF_FORMULAS: dict[str, list[tuple[str, str, str]]] = {
    "usage_tax": [
        (TAXES, "users * (1 - exact(tax.under_declaration))", "Fraction(users)"),
        (TAXES, "declared * persons < exact(tax.threshold_users)", "declared * persons <= exact(tax.threshold_users)"),
        (TAXES, "rate * exact(gdp) * people / total", "rate * exact(gdp) / total"),
        (TAXES, "band * whole * (whole + 1) / 2", "band * whole * whole / 2"),
        (TAXES, "exact(tax.step_users) / persons", "exact(tax.step_users)"),
        (OFFICE, "due *= self.part_of_month(hour)", "due *= 1"),
        (OFFICE, "month.month - start.month + 1", "month.month - start.month"),
        (OFFICE, "month >= dt.date.fromisoformat(instrument.end)", "month > dt.date.fromisoformat(instrument.end)"),
        (OFFICE, "Entry(CAPITAL, owner, platform, -profit, owner, owner)", "Entry(CAPITAL, owner, platform, cost, owner, owner)"),
        (OFFICE, "months[country] + 1", "1"),
        (OFFICE, "sum(charge.for_workers for charge in due)", "sum(charge.amount for charge in due)"),
        (OFFICE, "self.losing[platform].copy(), 0", "self.losing[platform].copy(), self.losing[platform]"),
    ],
    "turnover_tax": [
        (TAXES, "fees * exact(tax.rate)", "fees * Fraction(tax.rate)"),
        (OFFICE, "tax.to_requesters * charge.amount / rewards", "tax.to_requesters * charge.amount / (rewards + charge.amount)"),
        (OFFICE, "amount = int(due * strength)", "amount = -int(-due * strength // 1)"),
        (OFFICE, "of_workers = int(self.month_worker_fees[platform, country])", "of_workers = base"),
    ],
    "profit_tax": [
        (TAXES, "(profit - shifted) * rate", "profit * rate"),
        (TAXES, "max(Fraction(0), rate - exact(tax.haven_rate))", "rate"),
        (TAXES, "min(exact(tax.most_shifted), exact(tax.shifting) * gain)", "exact(tax.shifting) * gain"),
        (OFFICE, "weights = users[platform].tolist()", "weights = self.working_users[platform].tolist()"),
        (OFFICE, "rest -= charge.amount + charge.shifted", "rest -= charge.amount"),
        (OFFICE, "abroad = int(away * taxes.exact(tax.haven_rate))", "abroad = 0"),
        (OFFICE, "if not part or not self.covers(tax, country):", "if not part:"),
    ],
    "universal_income": [
        (INCOME, "-int(-revenue * exact(income.administration_share) // 1)", "int(revenue * exact(income.administration_share))"),
        (INCOME, 'if income.pool == "global":', "if False:"),
        (INCOME, "groups[number] == group", "True"),
        (OFFICE, "int(self.world.population[c]) / self.persons", "Fraction(int(self.world.population[c]))"),
        (OFFICE, "+ int(self.kept[c]) - costs[c]", "- costs[c]"),
        (OFFICE, "others = needed[c] - each * int(workers[c])", "others = needed[c]"),
        (OFFICE, "[country for country in pot if self.covers(income, country)] for pot in pots", "pot for pot in pots"),
        (OFFICE, "            left[country] += amount\n", ""),
        (OFFICE, "amount = int(incomes.set_amount(income) * self.strength(income, hour))", "amount = incomes.set_amount(income)"),
    ],
    "conditional_income": [
        (OFFICE, "hour - isinstance(income, ConditionalIncome)", "hour"),
        (OFFICE, "(done >= income.tasks_a_month)", "(done > income.tasks_a_month)"),
        (OFFICE, 'workers["bits"] & OTHER_JOB == 0) & (done', "done == done) & (done"),
        (OFFICE, "np.asarray(active & seeks, np.bool_)", "np.asarray(seeks, np.bool_)"),
        (OFFICE, "(revenue[members] + self.kept[members]).sum() > 0", "revenue[members].sum() > 0"),
        (OFFICE, 'int(worker["rejected"]) - before', '0 - before'),
        (OFFICE, "np.minimum(MOST_SUBSIDISED, given", "np.minimum(2.0, given"),
        (OFFICE, "self.kept += pots - given", "self.kept += 0"),
        (OFFICE, "if self.strength(income, hour):\n            self.subsidies", "if True:\n            self.subsidies"),
        (OFFICE, "needed = {c: whole * int(weights[c]) // total", "needed = {c: whole // len(members)"),
        (OFFICE, "before[: len(self.tasks_before)] = self.tasks_before[: len(workers)]", "before[:] = 0"),
    ],
    "wage_floor": [
        (FLOOR, "strength * level", "level"),
        (FLOOR, "float(world.minimum_wage_usd[country])", "float(world.minimum_wage_usd[0])"),
        (FLOOR, "floor.countries and code not in floor.countries:\n                continue", "False:\n                continue"),
        (FLOOR, "if floor.platforms and name not in floor.platforms:", "if False:"),
        ("sim.agents.rules", "max(promise, wage_floor * true_over_counted)", "max(promise, wage_floor)"),
        ("sim.agents.rules", "* true_over_counted) if complies else promise", "* true_over_counted)"),
        (POSTING, "integer(requester.worker_mask) & integer(platform.worker_mask)", "integer(platform.worker_mask)"),
        (POSTING, "lowest = min(lowest, floors[country])", "pass"),
        (POSTING, "if reward < reward_at(floors[country], seconds):", "if reward <= reward_at(floors[country], seconds):"),
    ],
}  # fmt: skip
"""Edits that a case worked out by hand must notice."""

OF_MARKETS: list[tuple[str, str, str, Callable[[], Any]]] = [
    (OFFICE, "due *= self.part_of_month(hour)", "due += 1", lambda: policies.null_settings("usage_tax")),
    (OFFICE, "                if amount:\n", "                amount += 1\n                if amount:\n",
     lambda: policies.null_settings("turnover_tax")),
    (OFFICE, "weights = [int(country == owner) for", "weights = [1 for", lambda: policies.null_settings("profit_tax")),
    (OFFICE, "amount * self.covers(income, c)", "amount",
     lambda: policies.null_settings("universal_income")),
    (OFFICE, "self.window).replace(day=1)", "self.window).replace(day=1, month=1)", lambda: policies.before_the_start(EVERYTHING, "2019-02-01", MARCH)),
    (OFFICE, "rows[workers[\"bits\"][rows] & ACTIVE > 0]", "rows", policies.users),
    (OFFICE, "        self.seen_requesters[:] = 0\n", "", policies.users),
    (OFFICE, "due *= self.part_of_month(hour)", "due *= 1", policies.users),
    (OFFICE, "        self.month_fees[:] = 0\n", "", policies.open_books),
    (OFFICE, "|= np.uint16(1 << platform)\n\n    def make_room", "= np.uint16(1 << platform)\n\n    def make_room", policies.users),
    (SCHEDULE, "note_sessions(model.order[first:last],", "note_sessions(model.order[first : last + 1],", policies.users),
    (OFFICE, "Entry(POOLING, giver[0], country, amount,", "Entry(POOLING, giver[0], country, amount - 1,", lambda: accounts("all four")),
    (OFFICE, "charge.shifted - charge.haven_tax, owner", "charge.shifted - 2 * charge.haven_tax, owner", lambda: accounts("all four")),
    (OFFICE, "            self.kept[c] = left[c] - needed[c]\n", "            self.kept[c] = left[c]\n", lambda: accounts("all four")),
    (OFFICE, "            self.per_head[c] = each\n", "            self.per_head[c] = each - (c == 1)\n", lambda: accounts("all four")),
    (MODEL, "if entry.kind in TAXES:", "if entry.kind == TAXES[0]:", lambda: accounts("residents")),
    (MODEL, "self.remove_workers(stranded, forfeits=False)", "self.remove_workers(stranded)", lambda: policies.exits(("STH",), BOTH)),
    (MODEL, 'self.platform_rows["worker_mask"][platform] &= ~(1 << country)', "pass", lambda: policies.exits(("STH",), ("southern",))),
    (MODEL, "min(HIGHEST_FEE, min(usual, cap) + levy)", "min(usual, cap) + levy", policies.levies_within_bounds),
    (MODEL, "min(2 * HIGHEST_FEE, min(large, cap) + levy)", "min(2 * HIGHEST_FEE, min(large, cap))", policies.levies_are_fees),
    (OFFICE, '    "seen_workers",\n', "", lambda: policies.resumed(EVERYTHING, [MARCH - 4])),
    (OFFICE, '    "effects",\n', "", lambda: policies.resumed(EVERYTHING, [1000])),
    (SCHEDULE, "log(max(1e-9, wage)) - worker.log_rise_by_income()", "log(max(1e-9, wage))", policies.answers),
    (OFFICE, "at(self.seen_requesters, requesters,", "at(self.seen_requesters, requesters // 2 * 2,", policies.same_anyhow),
    (OFFICE, "not instrument.countries or", "True or", policies.apart),
    (MODEL, "if not effect[UNEARNED] > 0.0:", "if True:", policies.reservations),
    (OFFICE, "self.effects[:, NEED] = POVERTY_LINE_USD_A_DAY * DAYS_A_MONTH", "self.effects[:, NEED] = POVERTY_LINE_USD_A_DAY", policies.reservations),
    (MODEL, "offices.contributions(self.hour) != before", "True", conditions.demand_is_left_alone),
    (MODEL, "np.array(draws) < floor.compliance", "np.array(draws) > floor.compliance", conditions.compliance),
    (MODEL, 'row["highest_floor"] = max(floors, default=0.0)', 'row["highest_floor"] = 0.0', lambda: conditions.floors_hold(conditions.LOCAL)),
    (OFFICE, "self.strength(floor, hour)", "self.strength(floor, hour - 1)", lambda: conditions.floors_hold(conditions.LOCAL)),
    ("sim.checkpoint", '    "floors",\n', "", lambda: policies.resumed(conditions.FLOOR_AND_SEEKERS, [1000])),
    (OFFICE, '    "tasks_before",\n', "", lambda: policies.resumed(conditions.FLOOR_AND_SEEKERS, [1000])),
    (OFFICE, '    "month_spent",\n', "", lambda: policies.resumed(conditions.EMPLOYERS, [500])),
    (OFFICE, '    "subsidies",\n', "", lambda: policies.resumed(conditions.EMPLOYERS, [1000])),
    (OFFICE, '(workers["bits"] & OTHER_JOB == 0) & (done', "(done == done) & (done", conditions.seekers),
    (OFFICE, 'self.tasks_before = workers["accepted"]', 'self.tasks_before = 0 * workers["accepted"]', conditions.seekers),
    (OFFICE, "if (revenue[members] + self.kept[members]).sum() > 0:", "if True:", lambda: policies.null_settings("conditional_income")),
    (OFFICE, "bound = self.tasks_missing(row, worker) > 0", "bound = False", conditions.seekers),
    (MODEL, "return min(wage, least)", "return wage", conditions.seekers),
    (OFFICE, '["accepted"].astype(np.int64) * finished["reward"] + finished["fee"]', '["accepted"].astype(np.int64) * finished["reward"]', conditions.employers),
    (OFFICE, "        self.month_spent[:] = 0\n", "", conditions.employers),
    (OFFICE, "np.minimum(MOST_SUBSIDISED, given", "np.minimum(MOST_SUBSIDISED, 2 * given", conditions.employers),
    (MODEL, "            self.floors,\n            self.offices.subsidies,\n            bool", "            self.floors,\n            0 * self.offices.subsidies,\n            bool", conditions.subsidised_demand),
    (OFFICE, "np.where(north, income.hours_north, income.hours_south)", "income.hours_north", policies.hours_wanted),
]  # fmt: skip
"""Edits that a check of whole markets must notice."""
