"""The page of `clickmarket explore`: choose a market and policies, run, compare; move through a sweep.

What is said about a market lives in plain modules (`state`, `desk`, `results`, `sweeps`); `page` only shows
it, `guard` and `serve` put it on this machine's own address.
"""
