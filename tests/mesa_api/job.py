"""Play the lively market by the rule of a plug-in; tell its bits and whether its search was found compiled.

``python -m tests.mesa_api.job FILE``
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from sim.compile import COMPILED
from sim.config import Config
from sim.plugins import load_plugins
from tests.mesa_api.market import lively
from tests.support.markets import fingerprint, run


def cautious() -> Config:
    """Two days of the lively market in which listings are taken by the rule "cautious"."""
    config = lively(days=2)
    return replace(config, market=replace(config.market, acceptance="cautious"))


if __name__ == "__main__":
    model = run(cautious(), plugins=load_plugins(sys.argv[1:]))
    counts = [0, 0]
    if COMPILED:
        stats = model.kernels.search.stats
        counts = [sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]
    print(json.dumps([fingerprint(model), *counts]))
