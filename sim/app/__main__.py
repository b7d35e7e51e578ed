"""The program that plays for the page: `python -m sim.app NUMBER`, of its open line to the server."""

import sys
from multiprocessing.connection import Connection

from sim.app.player import serve

if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
