"""The step that sets the namespace of a station, if an option decides on it and not the path."""

from dataclasses import field, replace
from functools import partial
from typing import Any

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.handshake import MAX_NAMESPACE, Namespace
from ocpp_core.admission.step import Ask, Candidate, Cause, Verdict, refuse
from ocpp_core.inputs import Reject

__all__ = ["SetNamespace"]


@dataclass(frozen=True, slots=True)
class SetNamespace:
    """The step that sets the namespace, or asks the application for it.

    It runs before the station is authenticated, so that passwords and `auth` may depend on the namespace.
    """

    namespace: Namespace = field(repr=False)

    def __call__(self, candidate: Candidate) -> Verdict:
        """Set the namespace of the handshake, or return the question for it."""
        if callable(self.namespace):
            return Ask("namespace", self.namespace, (candidate.handshake,), partial(_set, candidate))
        return _set(candidate, self.namespace)


def _set(candidate: Candidate, namespace: Any) -> Reject | None:
    """Store a namespace; 400 for one that a station may have chosen badly, TypeError for another type."""
    if not isinstance(namespace, str):
        raise TypeError(f"expected namespace to return str, got {type(namespace).__name__}")
    if len(namespace) > MAX_NAMESPACE or not namespace.isprintable():
        candidate.cause = Cause("bad_identity", "its namespace is too long, or has characters that are not printable")
        return refuse(400, "Invalid namespace")
    candidate.handshake = replace(candidate.handshake, namespace=namespace)
    return None
