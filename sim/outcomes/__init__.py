"""What a run leaves: recorded tables and the indicators computed from them."""

from sim.outcomes import families as families  # so that its indicators are known
