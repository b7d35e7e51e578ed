"""Countries and their time zones."""

from sim.world.countries import GROUPS, MARKS, REGIONS, Mark, World
from sim.world.reading import BUILT_IN_TABLES, load_world

__all__ = ["BUILT_IN_TABLES", "GROUPS", "MARKS", "REGIONS", "Mark", "World", "load_world"]
