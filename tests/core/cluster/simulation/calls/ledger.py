"""What must hold for each call, and the knowledge of all ends that is needed to judge it.

A call *ran* if a node wrote its CALL to a connection of the station. Whether the station saw it makes no difference:
the node cannot know, so a second CALL might be a second execution.
"""

from collections.abc import Callable
from typing import Any

from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.connection import Connection
from tests.core.cluster.simulation.watch import BrokenInvariantError, Watch


class CallLedger:
    """Judges calls.

    I3: a call runs once at most. I4: each call of a living caller has exactly one outcome, and it is its own. I5: a
    call whose outcome is "not sent" has not run, and never will. I9: a node accepts a request only for a station
    that it may believe in, and no call reaches a connection that is newer than its request.

    Args:
        clock: Returns the virtual time.
        watch: What it knows about claims.
        longest: Seconds that a node may believe in a station after its replacement.
    """

    def __init__(self, clock: Callable[[], float], watch: Watch, longest: float) -> None:
        self._clock = clock
        self._watch = watch
        self._longest = longest
        self._callers: dict[int, NodeId] = {}
        self._requested: dict[tuple[NodeId, int], float] = {}
        self._ran: dict[int, NodeId] = {}
        self._outcomes: dict[int, str] = {}
        self._abandoned: set[int] = set()
        self._dead: set[NodeId] = set()
        self.calls = 0
        """Calls that were started."""
        self.answered = 0
        """Calls that ended with a response."""
        self.unsent = 0
        """Calls that ended with "not sent"."""

    @property
    def ran(self) -> int:
        """Calls that ran."""
        return len(self._ran)

    # What callers did

    def start(self, caller: NodeId) -> int:
        """Note that a node starts a call, and return its name."""
        self.calls += 1
        self._callers[self.calls] = caller
        return self.calls

    def requested(self, caller: NodeId, number: int) -> None:
        """Note that a node writes a request."""
        self._requested[caller, number] = self._clock()

    def abandon(self, call: int) -> bool:
        """Note that the application waits no more; return False if the call has ended."""
        if call in self._outcomes:
            return False
        self._abandoned.add(call)
        return True

    def died(self, caller: NodeId) -> None:
        """Note that a process ended, with the calls that it waits for."""
        self._dead.add(caller)

    def has_answer(self, call: int) -> bool:
        """Return True if a call ended with a response."""
        return self._outcomes.get(call) == "answered"

    def outcome(self, call: int) -> str:
        """Return how a call ended, for the text of an error."""
        return self._outcomes.get(call, "none")

    def succeed(self, call: int, payload: dict[str, Any]) -> None:
        """Note that a caller gets a response."""
        if payload != {"call": call}:
            raise BrokenInvariantError(f"I4: call {call} got the response {payload}")
        self.answered += 1
        self._end(call, "answered")

    def fail(self, call: int, error: Exception) -> None:
        """Note that a caller gets an error."""
        is_sent = getattr(error, "sent", False)
        if not is_sent:
            self.unsent += 1
            if call in self._ran:
                raise BrokenInvariantError(
                    f"I5: call {call} ran at {self._ran[call]}, its caller got {error!r} (unsent)"
                )
        self._end(call, f"{error!r} ({'sent' if is_sent else 'unsent'})")

    def _end(self, call: int, outcome: str) -> None:
        if call in self._outcomes or call in self._abandoned:
            raise BrokenInvariantError(f"I4: call {call} ended with {outcome}, and before with {self.outcome(call)}")
        self._outcomes[call] = outcome

    # What nodes of stations did

    def accepted(self, call: int, node: NodeId, request: tuple[NodeId, int], connection: Connection) -> None:
        """Note that a node accepts a request, whose caller and number are `request`, for a connection."""
        replaced = self._watch.replaced_for(node, connection.identity)
        if replaced > self._longest:
            raise BrokenInvariantError(f"I9: {node} accepted call {call} {replaced:.2f} s after its replacement")
        claimed = self._watch.claimed_at(connection.identity, connection.fence)
        if claimed > self._requested[request]:
            raise BrokenInvariantError(
                f"I9: {node} accepted call {call}, requested at {self._requested[request]:.3f}, for a connection that "
                f"was claimed at {claimed:.3f}"
            )

    def ran_at(self, call: int, node: NodeId) -> None:
        """Note that a node writes the CALL to the station."""
        if call in self._ran:
            raise BrokenInvariantError(f"I3: call {call} ran at {self._ran[call]}, and again at {node}")
        if self._outcomes.get(call, "").endswith("(unsent)"):
            raise BrokenInvariantError(f"I5: call {call} runs at {node}, its caller got {self.outcome(call)}")
        self._ran[call] = node

    # At the end

    def judge_end(self) -> None:
        """Check that each call of a living caller has an outcome."""
        for call, caller in self._callers.items():
            if not (call in self._outcomes or call in self._abandoned or caller in self._dead):
                raise BrokenInvariantError(f"I4: call {call} of {caller} has no outcome")
