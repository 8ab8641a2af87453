"""The gate for addresses: `allowed_addresses` and `denied_addresses`.

It runs before the request is read, so a refusal does not depend on which stations exist or are connected.
"""

from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.addresses.networks import Networks, read_address
from ocpp_core.admission.step import Candidate, Cause, refuse
from ocpp_core.inputs import Reject

__all__ = ["AddressGate"]

_FORBIDDEN: Final = refuse(403, "Forbidden")


@dataclass(frozen=True, slots=True)
class AddressGate:
    """The step that refuses addresses (403): those of `denied`, and those that are not of `allowed`.

    An unknown address, for example of a UNIX socket, is of neither.
    """

    allowed: Networks | None
    """None allows every address that is not denied."""
    denied: Networks

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Check the address of the connection."""
        if self.admits(candidate.facts.remote_address):
            return None
        candidate.cause = Cause("denied_address")
        return _FORBIDDEN

    def admits(self, remote_address: str | None) -> bool:
        """Return True if requests of this address may pass."""
        address = read_address(remote_address)
        if address is None:
            return self.allowed is None
        return address not in self.denied and (self.allowed is None or address in self.allowed)
