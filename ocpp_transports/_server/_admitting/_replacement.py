"""The step of admission for newcomers with the identity of a connected station."""

from ocpp_core.admission.replacement import CheckReplacement, certificates_prove, retry_after_probe
from ocpp_core.admission.step import Step
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._peer import ConnectionState
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry

from ._quota import owner_of

__all__ = ["replacement_steps"]


def replacement_steps(options: ServerOptions, registry: ConnectionRegistry) -> tuple[Step, ...]:
    """Return the step that refuses newcomers whose identity nothing proves, if these options need it."""
    if options.replace == "always" or options.security_profile.uses_basic:
        return ()
    proven = certificates_prove(options.identify, options.certificate_pins)
    retry_after = retry_after_probe(options.link.pong_timeout)
    of_connections = registry.connection_of, _live_origin, _profile
    return (CheckReplacement(options.replace, proven, *of_connections, owner_of, retry_after),)


def _live_origin(station: OCPPServerClient) -> str | None:
    """Return the owner of the address of an open connection."""
    return owner_of(station.handshake.remote_address) if station.state is ConnectionState.OPEN else None


def _profile(station: OCPPServerClient) -> SecurityProfile:
    return station.security_profile
