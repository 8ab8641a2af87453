"""Newcomers with the identity of a connected station: who may replace its connection, and the ping that finds out."""

from ocpp_core.admission.replacement import CheckReplacement, certificates_prove, retry_after_probe
from ocpp_core.admission.step import Candidate, Step
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._peer import ConnectionState
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.events import SecurityEvent

from ._quota import owner_of

__all__ = ["Replacement"]


class Replacement:
    """Provides the step of admission for newcomers whose identity nothing proves."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry

    def after(self, options: ServerOptions) -> tuple[Step, ...]:
        """Return the step, if these options need it."""
        if options.replace == "always" or options.security_profile.uses_basic:
            return ()
        registry = self._registry
        proven = certificates_prove(options.identify, options.certificate_pins)
        retry_after = retry_after_probe(options.link.pong_timeout)
        return (CheckReplacement(options.replace, proven, registry.connection_of, _live_origin, owner_of, retry_after),)

    def contest(self, candidate: Candidate) -> SecurityEvent:
        """Ping the connection that a refused newcomer may not replace; return the event for its refusal."""
        identity = candidate.handshake.identity
        holder = self._registry.connection_of(candidate.handshake)
        address = None if holder is None else holder.handshake.remote_address
        detail = f"the identity is in use by a connection from {address}"
        if holder is not None:
            self._registry.probe(holder)
        return SecurityEvent("replacement_refused", identity, candidate.facts.remote_address, detail)


def _live_origin(station: OCPPServerClient) -> str | None:
    """Return the owner of the address of an open connection."""
    return owner_of(station.handshake.remote_address) if station.state is ConnectionState.OPEN else None
