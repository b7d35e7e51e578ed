"""What an income does to workers: the columns of a table by country, which the market reads."""

UNEARNED, NEED, ELASTICITY, GIVEN_UP, WAGE = range(5)
"""USD a month received, 0 without an income; USD a month that other income is never counted below; elasticity
of the reservation wage; earnings given up for a dollar received, at most 0; USD an hour in another job."""
