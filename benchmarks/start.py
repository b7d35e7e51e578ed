"""From nothing to the first hour, as a user's script goes: `python -m benchmarks.start WORLD WORKERS`.

It says so once that hour is played. What the process then needs to end is no part of a start.
"""

from __future__ import annotations

import sys

from sim import ClickWorkModel, compose

if __name__ == "__main__":
    world, workers = sys.argv[1:]
    words = [f"world={world}", f"workers.count={workers}", "time.warmup_days=0"]
    ClickWorkModel(compose(words)).step()
    print("played", flush=True)
