"""What makes the two directions of a connection."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from ocpp_core.actions import SessionAction
from ocpp_core.config import IdFactory, SessionConfig
from ocpp_core.limits import Bucket
from ocpp_core.versions import Version

from .answers import Answers

if TYPE_CHECKING:
    from ocpp_core.outbound.calls import Calls

    from .requests import Requests

__all__ = ["MakeDirections"]

MakeDirections: TypeAlias = Callable[
    [
        Version,
        SessionConfig,
        IdFactory,
        Iterator[int],
        Callable[[SessionAction], None],
        Callable[[str], None],
        Answers | None,
        Bucket | None,
    ],
    "tuple[Calls, Requests]",
]
"""Makes the two directions of a connection, with the arguments of `Calls` and of `Requests`."""
