"""What incomes do to workers: the columns of a table by country, which the market reads."""

UNEARNED, NEED, ELASTICITY, GIVEN_UP, WAGE, TASKS, LEAST_WAGE, EXPECTED, TASK_HOURS, EFFECTS = range(10)
"""USD a month received without a condition, 0 for none; USD a month that other income is never counted below;
elasticity of the reservation wage; earnings given up for a dollar received, at most 0; USD an hour in another
job; tasks a month on which an income depends, 0 for none; log USD an hour below which nobody can live;
USD that those tasks are expected to bring; hours that one of them takes; and how many columns there are."""
