"""Screenshots of the page: one scene, at two widths, in light and dark."""

import time
from collections.abc import Iterator
from typing import Final

from .devtools import Tab

__all__ = ["SHOTS", "ready", "set_scene", "take"]

SHOTS: Final = {
    "station-1280-light": (1280, 1090, False),
    "station-1280-dark": (1280, 1090, True),
    "station-390-light": (390, 1560, False),
    "station-390-dark": (390, 1560, True),
}
"""Width and height in CSS pixels, and True for dark."""

_START: Final = 60.0


def ready(tab: Tab) -> None:
    """Wait until Python has started. Raises RuntimeError with the text of the page if it fails."""
    has_started = "document.querySelector('#station')?.inert === false"
    tab.wait(f"{has_started} || document.querySelector('#startup')?.dataset.failed === ''", _START)
    if tab.look("document.querySelector('#station').inert"):
        raise RuntimeError(tab.text("#startup-text"))


def set_scene(tab: Tab, charged: float = 4.0) -> None:
    """Connect to the offered address, charge at one connector for some seconds, and set a fault at the other."""
    tab.click("#connect")
    tab.wait("document.querySelector('#fact-boot').textContent === 'Accepted'")
    tab.click("#plug-1")
    tab.wait("document.querySelector('#plug-1').textContent === 'Unplug'")
    tab.click("#charge-1")
    tab.wait("document.querySelector('#charge-1').textContent === 'Stop'")
    tab.click("#fault-2")
    tab.wait("document.querySelector('#fault-2').textContent === 'Clear fault'")
    time.sleep(charged)
    tab.look("document.activeElement.blur()")


def take(tab: Tab) -> Iterator[tuple[str, bytes]]:
    """Yield each screenshot as a PNG."""
    for name, (width, height, dark) in SHOTS.items():
        tab.resize(width, height, dark=dark)
        tab.look("scrollTo(0, 0)")
        yield name, tab.screenshot()
