"""What all sessions of one server share: the desk, the images that were drawn, the sweep to show."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.app.desk import Desk
from sim.app.results import Images
from sim.study.reading import Sweep


@dataclass
class Shared:
    """The desk, where the page is, which sweep it shows, and images by what they show."""

    desk: Desk
    address: str
    sweep_folder: str = ""
    images: Images = field(default_factory=Images)
    sweep: Sweep | None = None


_OPEN: list[Shared] = []


def open_with(desk: Desk, address: str, sweep_folder: str = "") -> Shared:
    """Set what pages share from now on."""
    _OPEN[:] = [Shared(desk, address, sweep_folder)]
    return _OPEN[0]


def get() -> Shared:
    """Return what pages share."""
    return _OPEN[0]


def address() -> str:
    """Return where the page is."""
    return get().address


def close() -> None:
    """Stop what is being played, and remove all that was."""
    while _OPEN:
        _OPEN.pop().desk.close()
