"""`clickmarket sweep` that writes down each run as it is begun: in `RESULTS.begun`, beside the results.

A bug that stands in the environment as `PLANTED` is planted first.

Processes of the engine read this file again as they start, so that they write too.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from sim.cli import main
from sim.study import sweep

RESULTS = next(word.partition("=")[2] for word in sys.argv if word.startswith("results.dir="))
BEGUN = os.open(f"{RESULTS}.begun", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
play = sweep._play


def counted(row: Any, *rest: Any) -> Any:
    """Play a run, once it is written down."""
    os.write(BEGUN, b"%d\n" % row["run"])
    return play(row, *rest)


sweep._play = counted
exec(os.environ.get("PLANTED", ""))

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
