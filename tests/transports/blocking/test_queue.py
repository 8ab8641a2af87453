"""Commands of a blocking server for stations that are away."""

from ocpp_transports import StationKey
from ocpp_transports.blocking import BlockingServer
from ocpp_transports.outbox import MessageNotSent, NotSentReason
from tests.transports.blocking.waiting import SECONDS


def test_a_command_waits_for_its_station_and_its_outcome_can_be_iterated(loop):
    with BlockingServer(protocols=["ocpp1.6"], loop=loop, offline_queue=True) as server:
        server.listen(0, "127.0.0.1")
        ticket = server.enqueue("CP1", "Reset", {"type": "Soft"}, ttl=0.01)
        ticket.accepted(max_wait=SECONDS)
        assert ticket.outcome(max_wait=SECONDS) == MessageNotSent(NotSentReason.EXPIRED)
        assert next(server.outcomes(max_wait=SECONDS)) == ticket
        assert ticket.station == StationKey("", "CP1")
        ticket.acknowledge()
