"""Fingerprints of markets in a process of their own: ``python -m tests.support.job MARKET...``.

A market is written ``tiny:TABLE:DAYS``, ``varied:NUMBER:DAYS`` or ``ai:NUMBER:DAYS``. One line is printed for
each, in their order. ``--meddle`` does what a user's own script may do between the hours: it draws from and
reseeds other generators, switches the collector of garbage off and changes the folder. ``--each-alone`` plays
each market in a process of its own, which has what is imported and nothing that was played. ``--plants
MARKET`` prints instead, for each planted dependence on the environment, the fingerprint that this market then
has (with the compiler off).
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tempfile
from typing import Any

import numpy as np

from sim.config import Config
from sim.intelligence import Intelligence
from tests.support import plants
from tests.support.markets import fingerprint, run, tiny, varied
from tests.support.observers import Watcher


def market(name: str) -> Config:
    """Return the configuration of a market by its name."""
    kind, what, days = name.split(":")
    if kind == "tiny":
        return tiny(days=int(days), table=what)
    if kind == "ai":
        return varied(int(what), days=int(days), ai=odd_intelligence(int(what)))
    return varied(int(what), days=int(days))


def odd_intelligence(number: int) -> Intelligence:
    """Return settings of artificial intelligence at odd values, at their bounds among others."""
    odd = (0.0, 0.3, 0.7, 1.0)
    return Intelligence(
        stock_exponent=odd[number % 4], rebound=1.8 * odd[number // 2 % 4], decay=0.4 * odd[number // 3 % 4],
        growth=3 * odd[number // 5 % 4], automation_max=odd[number // 7 % 4], labels_scale_years=0.05,
        most_labels_per_hour=1 + 30 * odd[number // 4 % 4], displacement=10.0,
    )  # fmt: skip


class Meddler(Watcher):
    """Uses and reseeds the generators that everybody shares."""

    def hour(self, model: Any) -> None:
        """Draw, and seed anew."""
        random.seed(model.hour)
        np.random.seed(model.hour)  # noqa: NPY002 - the shared generator is the point
        self.counts["draws"] += int(random.random() + np.random.random() < 2)  # noqa: NPY002


def main() -> None:
    """Print the fingerprints."""
    if sys.argv[1] == "--plants":
        for plant in plants.ENVIRONMENT.values():
            with plants.planted(plant):
                print(fingerprint(run(market(sys.argv[2]))), flush=True)
        return
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if "--each-alone" in sys.argv:
        for name in names:
            if os.fork() == 0:
                print(fingerprint(run(market(name))), flush=True)
                os._exit(0)
            assert os.wait()[1] == 0
        return
    observers: tuple[Any, ...] = ()
    if "--meddle" in sys.argv:
        observers = (Meddler(),)
        gc.disable()
        os.chdir(tempfile.gettempdir())
    for name in names:
        print(fingerprint(run(market(name), observers=observers)), flush=True)


if __name__ == "__main__":
    main()
