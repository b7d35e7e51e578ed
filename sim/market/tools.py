"""Tools that find work: who has them by now."""

from __future__ import annotations

from typing import Any

from sim.agents.rules import uses_tools
from sim.agents.traits import worker_id
from sim.compile import integer, real, rule
from sim.draws import stream, uniform

TOOLS = stream("tools")


@rule
def has_tools(worker: Any, platform: Any, tool_key: int, setting: Any) -> bool:
    """Whether a worker has tools by now; there are none for local jobs and for clicks."""
    share = real(setting.tool_share)
    if share <= 0.0 or platform.tools == 0:
        return False
    agent = worker_id(integer(worker.number), integer(worker.country))
    done = real(worker.accepted) + real(worker.rejected)
    return bool(uses_tools(uniform(tool_key, agent, 0), share, done, real(setting.tool_half_tasks)))
