"""The direct interface between a stack, its link and its session.

`handle` and `poll` are the contract of every engine, and all that a host needs. Between the parts of a stack they would
cost more than the work itself. A CALL and its response would each be an input and an action of the link and of the
session: eight objects, each looked up among some twenty classes. A stack knows the type of each object, so nearly every
message takes these direct calls:

    bytes ──▶ link.receive ──▶ link.next_text ──▶ session.receive ──▶ emit
    StartCall ──▶ session.calls.start ────┬──▶ send, which is link.send_message
    Reply ──▶ session.requests.reply ─────┘

Each does what `handle` and `poll` do with such an input. A stack calls the classes themselves: a protocol in between
would make the calls of compiled code as slow as those of interpreted code. The caller of a direct call must ensure what
`handle` and `poll` check themselves:

* `now` never goes back.
* No action is pending when `next_text` and `receive` are called, so that the immediate reply of a handler is sent
  before the next text is decoded.
* `calls.start` needs an open session. A client engine may have no session: its stack calls `start` and `reply`.
"""

from collections.abc import Callable
from typing import NamedTuple

from .actions import SessionAction
from .states import SessionState

__all__ = ["Outlets"]


class Outlets(NamedTuple):
    """Functions that take a session's texts and other actions, in order, instead of `poll`."""

    send: Callable[[str], None]
    emit: Callable[[SessionAction], None]
    entered: Callable[[SessionState], None] | None = None
    """Called with each state that the session enters; None makes them `StateChanged` actions."""
