"""The questions: one short script and one YAML file for each; every answer can come out either way."""

ALL = (
    "baseline",
    "sun_cycle",
    "segments",
    "families",
    "domestic_platforms",
    "ai_rebound",
    "replacement",
    "remedies",
    "tax_scenarios",
    "laffer",
    "conditional_vs_universal",
    "monopsony",
)
"""The experiments, in the order in which they are played and told."""
