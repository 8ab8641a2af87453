"""The gate for addresses: which are allowed, and which are denied."""

import pytest

from ocpp_core.addresses.networks import Networks
from ocpp_core.admission.gates.addresses import AddressGate
from ocpp_core.admission.handshake import ConnectionFacts
from tests.core.admission.station import arrive, judge


def gate(allowed=None, denied=()):
    return AddressGate(None if allowed is None else Networks("allowed", allowed), Networks("denied", denied))


class TestTheGate:
    @pytest.mark.parametrize(
        ("rules", "admitted", "refused"),
        [
            ({}, ["192.0.2.7", "2001:db8::7", None, "testclient"], []),
            ({"denied": ["192.0.2.0/24"]}, ["198.51.100.1", None, "testclient"], ["192.0.2.7"]),
            ({"allowed": ["192.0.2.0/24"]}, ["192.0.2.7"], ["198.51.100.1", "2001:db8::7", None, "testclient"]),
            ({"allowed": ["192.0.2.0/24"], "denied": ["192.0.2.7"]}, ["192.0.2.8"], ["192.0.2.7", "198.51.100.1"]),
        ],
    )
    def test_admits_what_is_allowed_and_not_denied(self, rules, admitted, refused):
        made = gate(**rules)
        assert [address for address in [*admitted, *refused] if made.admits(address)] == admitted

    def test_refuses_before_the_request_is_read(self):
        """So the answer does not depend on the station, and a malformed path is not looked at."""
        candidate = arrive("//[", facts=ConnectionFacts("192.0.2.7"))
        refusal = judge(candidate, gates=(gate(denied=["192.0.2.7"]),))
        assert (refusal.status, refusal.body) == (403, "Forbidden")
        assert candidate.cause.kind == "denied_address"
