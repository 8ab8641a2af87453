"""The drawings of the documentation: the states of a client, and the parts of the library."""

import re
from typing import Final

from tools.documentation.svg import BESIDE, Box, Drawing
from tools.golden import EXPLAINED, TABLES, cells

__all__ = ["client_states", "library_parts"]

CENTRES: Final = {
    "Idle": (95, 260),
    "Connecting": (415, 260),
    "Online": (900, 260),
    "Waiting": (670, 40),
    "Stopped": (670, 470),
    "ClientClosing": (900, 470),
}
"""Where the states of a client are drawn."""
ALONG: Final = {
    ("Idle", "Stopped"): 0.35,
    ("Connecting", "Online"): 0.75,
    ("Connecting", "Stopped"): 0.12,
    ("Connecting", "Waiting"): 0.4,
    ("Waiting", "Stopped"): 0.62,
}
"""Where the labels of arrows are that would cross others in the middle."""


def client_states() -> str:
    """Return the drawing of a client's states: one arrow per pair of states, labelled with its inputs."""
    drawing = Drawing(980, 510, "The states of a client and the inputs that change them")
    boxes = {name: Box(x, y, [name]) for name, (x, y) in CENTRES.items()}
    arrows = changes("ClientEngine")
    start = Box(95, 155, ["start"], width=60, height=28)
    drawing.add(start)
    drawing.arrow(start, boxes[next(iter(EXPLAINED["ClientEngine"]))], [""])
    for (source, target), inputs in arrows.items():
        beside = BESIDE if (target, source) in arrows else 0.0
        along = ALONG.get((source, target), 0.5)
        drawing.arrow(boxes[source], boxes[target], inputs, along=along, beside=beside)
    for box in boxes.values():
        drawing.add(box)
    return drawing.svg()


def changes(machine: str) -> dict[tuple[str, str], list[str]]:
    """Return the inputs that lead from one state of a machine to another, by both states."""
    arrows: dict[tuple[str, str], dict[str, None]] = {}
    for (row, situation), outcome in cells(TABLES[machine], EXPLAINED[machine]).items():
        entered = re.findall(r"→ (\w+)", outcome)
        before = situation.split(" ", maxsplit=1)[0]
        if entered and entered[-1] != before:
            arrows.setdefault((before, entered[-1]), {})[row.split(":", maxsplit=1)[0]] = None
    return {states: list(inputs) for states, inputs in arrows.items()}


def library_parts() -> str:
    """Return the drawing of the parts of the library, and of what passes between them."""
    drawing = Drawing(460, 400, "Your code, the driver and its host, and the engine")
    yours = Box(230, 40, ["your code", "OCPPClient, OCPPServer, handlers"], width=440, height=60)
    driver = Box(
        230, 195, ["ocpp_transports: driver and host", "the clock, timers, tasks, sockets: all effects"], 440, 60
    )
    stack = Box(
        230, 355, ["ocpp_core: stack, pure", "link (h11, wsproto) ⇄ client engine ⊃ session"], width=440, height=60
    )
    for box in (yours, driver, stack):
        drawing.add(box)
    for above, below, down, up in (
        (yours, driver, "commands", "results, events"),
        (driver, stack, "inputs", "actions"),
    ):
        drawing.arrow(above, below, [down], beside=60)
        drawing.arrow(below, above, [up], beside=60)
    return drawing.svg()
