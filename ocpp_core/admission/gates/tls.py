"""The check that a station behind a proxy uses TLS, if its security profile requires it."""

from typing import Final

from ocpp_core.admission.step import Candidate, Cause, refuse
from ocpp_core.inputs import Reject

__all__ = ["require_tls"]

_PLAIN: Final = refuse(403, "TLS required")


def require_tls(candidate: Candidate) -> Reject | None:
    """Refuse (403) a connection that is not TLS, neither to this server nor, as a trusted proxy states, to the proxy.

    Without this step the host has to provide TLS, or a proxy that is not known here.
    """
    if candidate.facts.tls:
        return None
    candidate.cause = Cause("tls_required")
    return _PLAIN
