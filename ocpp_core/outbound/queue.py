"""The queue of calls that were not written: urgent ones first, then the oldest; counted in calls and in bytes."""

from itertools import takewhile

from .call import OutboundCall

__all__ = ["CallQueue"]


class CallQueue:
    """Holds calls in the order in which they are to be written; its owner enforces the limits."""

    __slots__ = ("calls", "size")

    def __init__(self) -> None:
        self.calls: list[OutboundCall] = []
        """In their order: to be read, and changed by the methods alone."""
        self.size = 0
        """Bytes of all payloads."""

    def excess(self, max_calls: int, max_bytes: float, coming: OutboundCall | None = None) -> str | None:
        """Say which limit is exceeded, by what is here and a call that wants to come in; None if neither is."""
        count, size = len(self.calls), self.size
        if coming is not None:
            count, size = count + 1, size + coming.size
        if count > max_calls:
            return f"expected at most {max_calls} calls"
        return f"expected calls of at most {max_bytes} bytes together" if size > max_bytes else None

    def add(self, call: OutboundCall) -> None:
        """Put a call to the end, an urgent one before all that are not urgent."""
        if call.urgent:
            self.calls.insert(sum(1 for _ in takewhile(lambda other: other.urgent, self.calls)), call)
        else:
            self.calls.append(call)
        self.size += call.size

    def remove(self, call: OutboundCall) -> None:
        """Take out a call that is here."""
        self.calls.remove(call)
        self.size -= call.size

    def pop(self) -> OutboundCall:
        """Take out the first one."""
        call = self.calls.pop(0)
        self.size -= call.size
        return call

    def find(self, token: int) -> OutboundCall | None:
        """Find the call of a token, None if it is not here."""
        return next((call for call in self.calls if call.token == token), None)

    def has_id(self, message_id: str) -> bool:
        """Whether a caller chose this id for a call that is here."""
        return any(call.message_id == message_id for call in self.calls)

    def take(self) -> list[OutboundCall]:
        """Hand over everything, in order."""
        calls, self.calls, self.size = self.calls, [], 0
        return calls
