"""Let `python -m sim` be the command `clickmarket`."""

import sys

from sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
