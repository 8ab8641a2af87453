"""The direct interface between a stack, its link and its session.

`handle` and `poll` are the contract of every engine, and all that a host needs. Between the parts of a stack they would
cost more than the work itself. A CALL and its response would each be an input and an action of the link and of the
session: eight objects, each looked up among some twenty classes. A stack knows the type of each object, so nearly every
message takes these direct calls:

    bytes ──▶ link.receive ──▶ link.next_text ──▶ session.receive ──▶ emit
    StartCall ──▶ session.calls.start ────┬──▶ send, which is link.send_message
    Reply ──▶ session.requests.reply ─────┘

Each does what `handle` and `poll` do with such an input. The caller of a direct call must ensure what they check
themselves:

* `now` never goes back.
* No action is pending when `next_text` and `receive` are called, so that the immediate reply of a handler is sent
  before the next text is decoded.
* `calls.start` needs an open session. A client engine may have no session: its stack calls `start` and `reply`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from .actions import LinkAction, SessionAction
from .inputs import BytesReceived, Reply, StartCall
from .states import SessionState

__all__ = ["DirectLink", "DirectSession", "Outlets"]


class Outlets(NamedTuple):
    """Functions that take a session's texts and other actions, in order, instead of `poll`."""

    send: Callable[[str], None]
    emit: Callable[[SessionAction], None]
    entered: Callable[[SessionState], None] | None = None
    """Called with each state that the session enters; None makes them `StateChanged` actions."""


class DirectLink(Protocol):
    """The methods of a link that its stack calls directly."""

    unread: bytes
    """Bytes received on the open WebSocket and not decoded yet."""

    def receive(self, event: BytesReceived, now: float) -> None:
        """Buffer the received bytes."""

    def next_text(self) -> str | None:
        """Return the next message if it is one whole text frame and no action precedes it.

        None means that `poll` must be called.
        """

    def poll(self) -> LinkAction | None:
        """Return the next action, or None if there is nothing to do before the next input."""

    def send_message(self, data: str | bytes) -> None:
        """Send one message."""


class _Calls(Protocol):
    def start(self, event: StartCall, now: float) -> None:
        """Send, queue or settle a call.

        Raises TypeError or ValueError for bad arguments, and then changes nothing.
        """


class _Requests(Protocol):
    def reply(self, reply: Reply, now: float) -> None:
        """Respond to a request."""


class DirectSession(Protocol):
    """The methods of a session that its stack calls directly."""

    @property
    def calls(self) -> _Calls:
        """The outbound direction."""

    @property
    def requests(self) -> _Requests:
        """The inbound direction."""

    def receive(self, text: str, now: float) -> None:
        """Decode a text immediately."""
