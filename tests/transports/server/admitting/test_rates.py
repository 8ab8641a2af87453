"""The step that limits the rate of handshakes, as options change."""

from ocpp_core.admission.step import Cause, proceed
from ocpp_core.inputs import Reject
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._admitting._rates import HandshakeRates
from ocpp_transports.handshake import ConnectionFacts
from tests.core.admission.station import arrive
from tests.kinds import an

SLOW = {"handshake_rate": 0.4, "handshake_burst": 1}


class Server:
    def __init__(self):
        self.now = 100.0
        self.rates = HandshakeRates(lambda: self.now)

    def ask(self, address="192.0.2.7", **options):
        """Use these options, and return the answer to a request from this address."""
        steps = self.rates.before(ServerOptions(**options))
        candidate = arrive(facts=ConnectionFacts(address))
        verdict = proceed(iter(steps), candidate)
        if verdict is None:
            return None
        refusal = an(Reject, verdict)
        return refusal.status, dict(refusal.headers)["retry-after"], an(Cause, candidate.cause).kind


class TestTheStep:
    def test_refuses_with_the_time_until_the_next_handshake_in_whole_seconds(self):
        server = Server()
        assert server.ask(**SLOW) is None
        assert server.ask(**SLOW) == (429, "3", "handshake_rate")
        assert server.ask("192.0.2.8", **SLOW) is None
        server.now += 2.49
        assert server.ask(**SLOW) == (429, "1", "handshake_rate")
        server.now += 0.01
        assert server.ask(**SLOW) is None

    def test_keeps_its_counts_while_only_other_options_change(self):
        server = Server()
        assert server.ask(**SLOW) is None
        assert server.ask(**SLOW, max_handshakes=7) is not None
        assert server.ask() is None
        assert server.ask(**SLOW) is None, "it was off in between"

    def test_is_absent_without_a_limit(self):
        assert Server().rates.before(ServerOptions()) == ()
