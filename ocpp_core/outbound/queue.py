"""The queue of calls that were not written: urgent calls first, then the oldest.

It counts calls and bytes.
"""

from itertools import takewhile

from .call import OutboundCall

__all__ = ["CallQueue"]


class CallQueue:
    """Calls in the order in which they will be written.

    The owner enforces the limits.
    """

    __slots__ = ("calls", "size")

    def __init__(self) -> None:
        self.calls: list[OutboundCall] = []
        """The calls in order; only the methods may change it."""
        self.size: int = 0
        """Bytes of all payloads."""

    def excess(self, max_calls: int, max_bytes: float, added: OutboundCall | None = None) -> str | None:
        """Return the limit that the queue, with the call `added` to it, exceeds.

        None if neither.
        """
        count, size = len(self.calls), self.size
        if added is not None:
            count, size = count + 1, size + added.size
        if count > max_calls:
            return f"expected at most {max_calls} calls"
        return f"expected calls of at most {max_bytes} bytes together" if size > max_bytes else None

    def add(self, call: OutboundCall) -> None:
        """Append a call to the queue, urgent calls before the rest."""
        if call.urgent:
            self.calls.insert(sum(1 for _ in takewhile(lambda other: other.urgent, self.calls)), call)
        else:
            self.calls.append(call)
        self.size += call.size

    def remove(self, call: OutboundCall) -> None:
        """Remove a queued call."""
        self.calls.remove(call)
        self.size -= call.size

    def pop(self) -> OutboundCall:
        """Remove and return the first call."""
        call = self.calls.pop(0)
        self.size -= call.size
        return call

    def find(self, token: int) -> OutboundCall | None:
        """Return the call of a token, or None."""
        return next((call for call in self.calls if call.token == token), None)

    def has_id(self, message_id: str) -> bool:
        """Return True if a queued call has this ID, chosen by its caller."""
        return any(call.message_id == message_id for call in self.calls)

    def take(self) -> list[OutboundCall]:
        """Remove and return all calls, in order."""
        calls, self.calls, self.size = self.calls, [], 0
        return calls
