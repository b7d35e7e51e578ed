"""The agents: their records, their rules, and their views as Mesa agents."""
