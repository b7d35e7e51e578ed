"""The Python interface: its names, and what they give."""

from __future__ import annotations

import importlib

import sim


def test_the_names_of_the_interface() -> None:
    from sim import ClickWorkModel, Config, load, run

    assert {ClickWorkModel.__name__, Config.__name__} == {"ClickWorkModel", "Config"}
    assert callable(load)
    assert callable(run)
    for name, home in sim._HOMES.items():
        assert getattr(sim, name) is getattr(importlib.import_module(home), name)
    assert sorted(sim._HOMES) == sim.__all__
