"""What must be said of a scenario whenever its numbers are: read off its configuration, the same everywhere.

An income that no tax pays is an unfunded experiment. That stands in the manifest, on the terminal, in reports
and beside figures, and such a scenario is never ranked among taxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.config import Config
from sim.policy.reach import is_external

UNFUNDED = (
    "Unfunded experiment: {} is paid from outside, by no tax. It says what people do with an income, not what"
    " one can be paid for, and has no place in a ranking of taxes."
)
KEYS = "unfunded_experiment", "income_conditional_on"
"""What a manifest says: names of instruments, and a status; in a comparison's, by scenario."""

FUNDING, EXTERNAL = "policy.universal_income.funding", "external"

CONDITIONAL = {
    "users": (
        "The income is conditional on a status: only who used a platform in the month receives it, so part of"
        " its effect is that people take up or keep that status."
    ),
    "workers": (
        "The income is conditional on a status: only workers of this market receive it, so part of its effect"
        " is that people take up or keep that status."
    ),
}
"""What is said of an income by its recipients, where these are not all residents."""


def unfunded(config: Config) -> list[str]:
    """Return the instruments that pay an income from outside, by no tax; one of 0 USD pays none."""
    return [
        name
        for name, one in config.policy.chosen().items()
        if is_external(one) and not one.is_null() and getattr(one, "usd_per_month", 0.0) > 0.0
    ]


def conditional_on(config: Config) -> str:
    """Return the status that a universal income asks for, `users` or `workers`; empty if it asks for none.

    On a fixed roster nobody gets it, or keeps it, by what they do.
    """
    income = config.policy.universal_income
    asks = income is not None and not income.is_null() and income.roster != "fixed"
    recipients = income.recipients if income is not None and asks else ""
    return recipients if recipients in CONDITIONAL else ""


def in_manifest(config: Config) -> dict[str, Any]:
    """Return what a run's manifest says: the instruments that are an unfunded experiment, and the status."""
    return dict(zip(KEYS, (unfunded(config), conditional_on(config)), strict=True))


def in_manifests(configs: Mapping[str, Config]) -> dict[str, dict[str, Any]]:
    """Return what a comparison's manifest says: the same, by scenario, of those of which there is any."""
    found = {name: in_manifest(config) for name, config in configs.items()}
    return {key: {name: one[key] for name, one in found.items() if one[key]} for key in KEYS}


def told(incomes: Sequence[str], status: str) -> list[str]:
    """Return the sentences about a scenario: of incomes from outside, and of the status one asks for."""
    found = [UNFUNDED.format(", ".join(incomes))] if incomes else []
    return [*found, CONDITIONAL[status]] if status else found


def of_run(manifest: Mapping[str, Any]) -> list[str]:
    """Return the sentences about a run, from its manifest; none in those of earlier versions."""
    incomes, status = (manifest.get(key) for key in KEYS)
    return told(incomes or [], status or "")


def of_scenario(manifest: Mapping[str, Any], scenario: str) -> list[str]:
    """Return the sentences about a scenario of a comparison, from the comparison's manifest."""
    incomes, status = (manifest.get(key, {}).get(scenario) for key in KEYS)
    return told(incomes or [], status or "")


def beside_figures(manifest: Mapping[str, Any]) -> str:
    """Return what stands below figures of a comparison; empty if no scenario is an unfunded experiment."""
    names = list(manifest.get(KEYS[0], {}))
    return f"Unfunded experiment, not to be ranked among taxes: {', '.join(names)}. " if names else ""


def of_sweep(study: Mapping[str, Any]) -> list[str]:
    """Return the sentence about a sweep of which points are unfunded experiments, from what it was asked."""
    choices = [word.partition("=")[2] for word in study["settings"] if word.partition("=")[0] == FUNDING]
    choices += [value for axis in study["axes"] if axis["path"] == FUNDING for value in axis["values"] or ()]
    return [UNFUNDED.format("universal_income (where funding=external)")] if EXTERNAL in choices else []


def beside_figures_of_run(manifest: Mapping[str, Any]) -> str:
    """Return what stands below the figures of a run; empty if it is no unfunded experiment."""
    return "Unfunded experiment: no tax pays for the income. " if manifest.get(KEYS[0]) else ""
