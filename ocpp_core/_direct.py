"""The direct interface: the calls between a stack, its link and its session that nearly every message takes.

`handle` and `poll` are the contract of every engine, and all that a host needs. Between the parts of a stack they would
cost more than the work itself: a CALL and its answer would be an input and an action of the link and of the session
each, eight objects, and every one would be looked up among some twenty classes. A stack knows what it has got, so
these steps are direct calls:

    bytes ──▶ link.receive ──▶ link.next_text ──▶ session.receive ──▶ emit
    StartCall ──▶ session.calls.start ────┬──▶ send, which is link.send_message
    Reply ──▶ session.requests.reply ─────┘

Each does what `handle` and `poll` do with such an input. What they see to by themselves, the caller of a direct call
does:

* `now` never goes back;
* no action waits when `next_text` and `receive` are called, so that what a handler answers at once leaves before the
  next text is decoded;
* `calls.start` is for an open session. A client engine, which may have none, has `start` and `reply` for its stack.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from .actions import LinkAction, SessionAction
from .inputs import BytesReceived, Reply, StartCall
from .states import SessionState

__all__ = ["DirectLink", "DirectSession", "Outlets"]


class Outlets(NamedTuple):
    """Where a session's texts and its other actions go, in order, instead of being kept for `poll`."""

    send: Callable[[str], None]
    emit: Callable[[SessionAction], None]
    entered: Callable[[SessionState], None] | None = None
    """Takes the states that the session enters, at once; None makes them `StateChanged` actions."""


class DirectLink(Protocol):
    """What a stack asks of its link."""

    unread: bytes
    """What has arrived on the open WebSocket and is not decoded."""

    def receive(self, event: BytesReceived, now: float) -> None:
        """Keep what arrived."""

    def next_text(self) -> str | None:
        """Take the next message if it is a whole text frame and nothing comes before it; None leaves it to `poll`."""

    def poll(self) -> LinkAction | None:
        """Take the next action; None when there is nothing to do before the next input."""

    def send_message(self, data: str | bytes) -> None:
        """Send one message."""


class _Calls(Protocol):
    def start(self, event: StartCall, now: float) -> None:
        """Write, queue or settle a call. Raises TypeError or ValueError for a misuse, and then changes nothing."""


class _Requests(Protocol):
    def reply(self, reply: Reply, now: float) -> None:
        """Answer a request."""


class DirectSession(Protocol):
    """What a stack asks of its session."""

    @property
    def calls(self) -> _Calls:
        """The outbound direction."""

    @property
    def requests(self) -> _Requests:
        """The inbound direction."""

    def receive(self, text: str, now: float) -> None:
        """Decode a text at once."""
