"""Planted bugs of policies: the module, a text of it, what becomes of it, and the check that must notice it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support import conditions, families, members, policies, social
from tests.support.policies import ACCOUNTS, EVERYTHING, FEBRUARY, MARCH

TAXES, INCOME, OFFICE = "sim.policy.taxes", "sim.policy.income", "sim.policy.office"
FLOOR, POSTING, SEARCH = "sim.policy.wage_floor", "sim.market.posting", "sim.market.search"
MODEL, SCHEDULE = "sim.model", "sim.schedule"
COOPERATIVE, COMMONS, AT_COST = "sim.policy.cooperative", "sim.policy.commons", "sim.policy.at_cost"
LABOUR, MEMBERS, RULES = "sim.market.labour", "sim.policy.members", "sim.agents.rules"
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
        (TAXES, "exact(n) / persons for n in", "exact(n) for n in"),
        (TAXES, "min(declared, top) - free", "min(declared, top)"),
        (TAXES, "((top - free) // band + 1)", "((top - free) // band)"),
        (OFFICE, "self.families[platform] in tax.families", "self.families[platform] not in tax.families"),
        (OFFICE, "user_months = users * self.part_of_month(hour)", "user_months = users"),
        (OFFICE, 'if self.families[platform] == "social":\n            return []', "if False:\n            return []"),
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
        (OFFICE, "profit = max(0, profit - int(self.losses[platform]))", "pass"),
        (OFFICE, "min(past, self._declared(platform, profit, hour))", "past"),
    ],
    "universal_income": [
        (INCOME, "-int(-revenue * exact(income.administration_share) // 1)", "int(revenue * exact(income.administration_share))"),
        (INCOME, 'if income.pool == "global":', "if False:"),
        (OFFICE, "max(heads[c], Fraction(self.largest_audience(c)))", "heads[c] + self.largest_audience(c)"),
        (OFFICE, 'income.recipients == "users":\n            heads', 'income.recipients != "users":\n            heads'),
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
        (RULES, "hours_per_task * exp(log_reservation)", "hours_per_task"),
        (OFFICE, "np.where(paid > 0, paid, pot // max(1, int(seekers)))", "paid"),
        (OFFICE, "(workers[\"bits\"] & (ACTIVE | OTHER_JOB)) == ACTIVE]", "workers[\"bits\"] & ACTIVE > 0]"),
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
    "cooperative": [
        (COOPERATIVE, "max(terms.lowest_fee, min(terms.highest_fee, share))", "min(terms.highest_fee, share)"),
        (COOPERATIVE, "terms.highest_fee if founded else None", "None"),
        (COOPERATIVE, "(len(values) - 1) // 2", "len(values) // 2"),
        (COOPERATIVE, "tasks >= terms.tasks_best_paid", "tasks > terms.tasks_best_paid"),
        (COOPERATIVE, "earned[some].astype(object) * pot // total", "earned[some] * pot // total"),
        (COOPERATIVE, "min(profit, owed) - tax if deducted", "min(profit - tax, owed) if deducted"),
        (COOPERATIVE, "moved[CAPITAL] - moved[PROFIT]", "moved[CAPITAL]"),
        (AT_COST, "max(0.0, fee - worker_fee)", "fee"),
        (AT_COST, "self.costs[platform, :months].sum()", "self.costs[platform].sum()"),
        (OFFICE, "and bool(self.strength(cooperatives.terms, hour))", ""),
        (OFFICE, "tax = dataclasses.replace(tax, shifting=0.0)", "pass"),
        (OFFICE, "return min(profit, int(cooperatives.owed[platform]))", "return profit"),
        (RULES, "return min(wage, learned_pay) if learned_pay > 0.0 else wage", "return wage"),
    ],
    "commons": [
        (COMMONS, "-int(-royalty * exact(terms.administration_share) // 1)", "int(royalty * exact(terms.administration_share))"),
        (COMMONS, "pot // labels if labels else 0", "-(-pot // labels) if labels else 0"),
        (COMMONS, "strength * self.terms.royalty_rate", "self.terms.royalty_rate"),
        (COMMONS, "if not terms.platforms or name in terms.platforms", "if True"),
        (COMMONS, "if self.terms.portable_reputation:", "if True:"),
        (LABOUR, "if since[k] <= batch.posted_hour:", "if since[k] < batch.posted_hour:"),
        (LABOUR, "+= paid - without", "+= paid"),
        (LABOUR, "                accepted += integer(event.accepted)\n", "                accepted += 2 * integer(event.accepted)\n"),
        (LABOUR, "            if event.kind != RETURN:\n", "            if True:\n"),
        (OFFICE, "royalty - cost, owner, owner", "royalty, owner, owner"),
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
    (OFFICE, "if bound else np.inf", "if False else np.inf", conditions.seekers),
    (MODEL, "return min(wage, least)", "return wage", conditions.seekers),
    (OFFICE, '["accepted"].astype(np.int64) * finished["reward"] + finished["fee"]', '["accepted"].astype(np.int64) * finished["reward"]', conditions.employers),
    (OFFICE, "        self.month_spent[:] = 0\n", "", conditions.employers),
    (OFFICE, "np.minimum(MOST_SUBSIDISED, given", "np.minimum(MOST_SUBSIDISED, 2 * given", conditions.employers),
    (MODEL, "            self.floors,\n            self.offices.subsidies,\n            bool", "            self.floors,\n            0 * self.offices.subsidies,\n            bool", conditions.subsidised_demand),
    (OFFICE, "np.where(north, income.hours_north, income.hours_south)", "income.hours_north", policies.hours_wanted),
    (OFFICE, "requesters) * self.customers[:, None]", "requesters) + 0 * self.customers[:, None]", families.customers),
]  # fmt: skip
"""Edits that a check of whole markets must notice."""


USERS, AUDIENCE, RECORDER = "sim.market.audience", "sim.agents.audience", "sim.outcomes.recorder"

OF_USERS: list[tuple[str, str, str, Callable[[], Any]]] = [
    (AUDIENCE, "* wealth[c] / mean", "* wealth[c]", lambda: social.regional_means("global")),
    (AUDIENCE, 'region == "North America" and group == "north"', 'region == "North America"', lambda: social.regional_means("global")),
    (AUDIENCE, "np.minimum(world.social_media_users, online)", "world.social_media_users", social.users_are_persons),
    (AUDIENCE, " and code not in platform.excluded_countries", "", social.users_are_persons),
    (USERS, "-sensitivity * charge / income", "-charge / income", social.uganda),
    (USERS, "sigma + normal_quantile(users / base)", "normal_quantile(users / base)", social.marginal_users),
    (USERS, "log(above / needed) / sigma - sigma / 2.0", "log(above / needed) / sigma", social.worth_serving),
    (USERS, "amount * (day - 1) // days", "amount * (day - 1) // 31", social.days_add_up),
    (USERS, "model.offices.month_fees[platform, country] += shown", "pass", social.tables),
    (USERS, 'row["month_charged"] += charged', "pass", social.tables),
    (USERS, 'row["labels"] += labels', "pass", social.agents),
    (USERS, "model.offices.part_of_month(model.hour)", "1", social.charged),
    (USERS, "taxes[one.name].to_users", "taxes[one.name].to_workers", social.charged),
    (USERS, "float(row[\"reach\"]) + 0.5", "float(row[\"reach\"])", social.dropped),
    (USERS, "(saved - charge) / kept", "saved - charge", social.dropped),
    (USERS, "int(losing[platform, country]) >= patience", "int(losing[platform, country]) > patience", social.exits),
    (USERS, "    if not row[\"served\"]:\n", "    if False:\n", social.exits),
    (USERS, "sum(charge.amount for charge in due) > max(0, margin)", "bool(due)", social.stays),
    ("sim.model", "further = (audience.users_by_platform(self),)", "further = 2 * (audience.users_by_platform(self),)", social.nobody_twice),
    ("sim.model", " + audience.charged_to_users(self, platform)", "", social.charges_are_free),
    ("sim.model", "cost += audience.cost_of_users(self, platform)", "cost += 0 * platform + 1", social.null_settings),
    ("sim.agents.population", 'result[name] = [] if platform.family == "social" else [', "result[name] = [", social.nobody_works_there),
    (RECORDER, 'rows[field] - (before[field] if len(before) else 0)', "rows[field] - 0", social.tables),
    (USERS, 'np.flatnonzero(rows["balance"])', 'np.flatnonzero(rows["balance"] < 0)', social.spends),
    (RECORDER, "        self.audiences_before = self.audiences_before[:0]\n", "", lambda: social.tables(25)),
    (RECORDER, '            arrays["audiences_before"] = self.audiences_before\n', "            pass\n", lambda: social.resumed([250])),
    ("sim.checkpoint", '    "audience_rows",\n', "", lambda: social.resumed([1000])),
]  # fmt: skip
"""Edits that a check of social platforms must notice."""

OF_MEMBERS: list[tuple[str, str, str, Callable[[], Any]]] = [
    (MEMBERS, "uniform(key, agent, 0) < participation", "uniform(key, agent, 1) < participation", members.members),
    (MEMBERS, "not worker.bits & ACTIVE or platform_of", "platform_of", members.members),
    (MEMBERS, "wages[:voters], tasks[:voters]", "wages, tasks[:voters]", members.members),
    (LABOUR, "integer(event.accepted) * integer(batches", "(integer(event.accepted) + 1) * integer(batches", members.members),
    (COOPERATIVE, "        self.earned[:] = 0\n", "        pass\n", members.members),
    (MODEL, "usual = ranked_by(usual, order, cooperatives.terms.ranking_share)", "pass", members.members),
    (OFFICE, "cost + borne, rewards)", "cost + borne, rewards + 1)", members.members),
    (OFFICE, "if self.is_cooperative(platform, hour - 1):\n            return self._of_members",
     "if False:\n            return self._of_members", members.surplus_is_no_rent),
    (COOPERATIVE, "self.owed[platform] += moved[CAPITAL] - moved[PROFIT]", "pass", members.surplus_is_no_rent),
    ("sim.agents.population", "DRAW_MULTIHOME_FIRST + at", "DRAW_MULTIHOME_FIRST + p", members.closed_for_good),
    ("sim.agents.population", "names = open_platforms(config)\n", "names = list(config.platforms)\n", members.closed_for_good),
    (MEMBERS, 'model.requester_rows["platform_mask"] &= ~(1 << platform)', "pass", members.founded),
    (MEMBERS, "model.leave_country(platform, country)", "pass", members.founded),
    ("sim.agents.platform", "0 if platform.closed else ", "", members.founded),
    (MODEL, "- self.offices.held_for_commons(platform)", "", members.platforms_keep_what_is_theirs),
    (LABOUR, "labels[active[event.active].row] += integer(event.accepted)", "labels[active[event.active].row] += integer(event.accepted) + 1", members.royalties),
    (COMMONS, "        self.labels[:] = 0\n", "", members.royalties),
    (COMMONS, "        self.royalty[:] = 0\n", "", members.royalties),
    (MEMBERS, "each * fund.labels)", "each * fund.labels // 2)", members.royalties),
    (MEMBERS, "int(fund.labels.sum()) + int(unpaid.sum())", "int(fund.labels.sum())", members.unpaid_labels),
    (MODEL, 'self.worker_rows["bits"][rows] |= np.uint8(NEWCOMER)', "pass", members.records),
    ("sim.market.learning", "if uniform(key, agent, 0) < chance:", "if True:", members.records),
    (MODEL, 'row["portable"] = channels.portable[i] > 0.0', 'row["portable"] = 0', members.portable),
    (COOPERATIVE, '"founded", "owed", ', '"owed", ', lambda: members.resumed(members.FOUNDED, (FEBRUARY + 1,))),
    (COOPERATIVE, '        "earned",\n', "", members.resumed),
    (COMMONS, '"royalty", "labels", "told"', '"labels", "told"', members.resumed),
    (COMMONS, '"since", "rates", ', '', members.resumed),
    (MODEL, "        checkpoint.restore(model, arrays, meta)\n        model.show_as_voted()\n", "        checkpoint.restore(model, arrays, meta)\n", members.resumed),
    (OFFICE, '("costs", "rewards")', '("costs",)', members.resumed),
]  # fmt: skip
"""Edits of cooperatives, the commons and records that a check of whole markets must notice."""
