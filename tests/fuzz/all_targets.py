"""All targets by name."""

from collections.abc import Mapping
from typing import Final

from .target import Target
from .targets import frames, handshakes, json_texts, messages, outbox, reading, tolerating, validating

__all__ = ["TARGETS"]

TARGETS: Final[Mapping[str, Target]] = {
    **frames.TARGETS,
    **handshakes.TARGETS,
    **messages.TARGETS,
    **outbox.TARGETS,
    **json_texts.TARGETS,
    **validating.TARGETS,
    **tolerating.TARGETS,
    **reading.TARGETS,
}
