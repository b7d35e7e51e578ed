"""Let `python -m experiments` play experiments, one after the other."""

import sys

from experiments.telling import command

if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
