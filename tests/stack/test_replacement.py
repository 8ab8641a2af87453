"""A newcomer with the identity of a connected station on security profile 0, where nothing proves who it is.

Two harms, in virtual time, with each value of `replace`: the newcomer hijacks the identity of a live station, or the
old connection is half-open and locks the station out.
"""

from math import inf
from typing import Any

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.replacement import CheckReplacement, Replace, retry_after_probe
from ocpp_core.client_states import Online
from ocpp_core.config import ClientConfig, LinkConfig
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Accept, Close, Probe, Reject
from ocpp_core.testing import Laboratory, LabStation, ServerConnection
from tests.core.admission.station import arrive, judge
from tests.tables import each

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
EVICTED = 4000
STATION = ClientConfig(protocols=("ocpp1.6",), retry_initial_connect=True)
PONG = LinkConfig().pong_timeout


class Central(Laboratory):
    """A laboratory whose server has the rule for newcomers; the query of the request says where it comes from."""

    def __init__(self, replace: Replace, *, link: LinkConfig | None = None) -> None:
        super().__init__(STATION, link=link)
        self.probes = 0
        self.origins: dict[ServerConnection, str] = {}
        link = self.link
        self.rule = CheckReplacement(
            replace,
            False,
            connection_of=lambda _: next(iter(self._live()), None),
            live_origin_of=self.origins.get,
            profile_of=lambda _: SecurityProfile.NONE,
            origin_of=str,
            retry_after=retry_after_probe(link.pong_timeout),
        )
        self.server.admit = self._admit

    def arrive(self, origin: str = HOME, config: ClientConfig | None = None) -> LabStation:
        """A newcomer starts to connect as CP1."""
        newcomer = self.station(config, f"CP1?from={origin}")
        newcomer.connect()
        self.run_for(1)
        return newcomer

    def _live(self) -> list[ServerConnection]:
        return [each for each in self.origins if each in self.server.connections and each.engine.session is not None]

    def _admit(self, request) -> Accept | Reject:
        origin = request.target.partition("=")[2]
        candidate = arrive(request.target, facts=ConnectionFacts(origin))
        refusal = judge(candidate, after=(self.rule,))
        if isinstance(refusal, Reject):
            for connection in self._live():
                self.probes += 1
                connection.feed(Probe())
            return refusal
        for connection in self._live():
            connection.feed(Close(EVICTED, drain=False))
        newest = next(each for each in self.server.connections if each.engine.session is None)
        self.origins[newest] = origin
        return Accept("ocpp1.6")


def is_online(station: LabStation) -> bool:
    return type(station.engine.engine.state) is Online


def is_served(central: Central, station: LabStation) -> bool:
    """Whether the central system and this station hear one another."""
    connection = station.connection
    return is_online(station) and connection is not None and connection in central.server.connections


class TestAStrangerWhoClaimsALiveStation:
    @each(
        "replace, origin, is_hijacked",
        [
            ("always", ELSEWHERE, True),
            ("always", HOME, True),
            ("same_address", ELSEWHERE, False),
            ("same_address", HOME, True),
            ("never_live", ELSEWHERE, False),
            ("never_live", HOME, False),
        ],
    )
    def test_replaces_it_only_if_the_option_lets_it(self, replace: Replace, origin: str, is_hijacked: bool) -> None:
        central = Central(replace)
        station = central.connect(ClientConfig(protocols=("ocpp1.6",), reconnect=False), f"CP1?from={HOME}")
        stranger = central.arrive(origin)
        assert (is_served(central, stranger), is_served(central, station)) == (is_hijacked, not is_hijacked)

    @each("replace", ["same_address", "never_live"])
    def test_may_try_for_an_hour_and_the_station_stays(self, replace: Replace) -> None:
        central = Central(replace)
        station = central.connect(identity=f"CP1?from={HOME}")
        connection = station.connection
        stubborn = ClientConfig(protocols=("ocpp1.6",), retry_initial_connect=True, max_retry_after=0)
        stranger = central.arrive(ELSEWHERE, stubborn)
        central.run_for(3600)
        assert station.connection is connection
        assert is_served(central, station)
        assert not is_online(stranger)
        assert central.probes > 60


class TestAStationWhoseOldConnectionIsHalfOpen:
    """It lost its network without a word, and connects anew; its old connection looks open to the server."""

    def returns(self, replace: Replace, origin: str, *, obeys: bool = True, **link: Any) -> float:
        """Return the seconds until it is served again."""
        central = Central(replace, link=LinkConfig(**link))
        before = central.connect(identity=f"CP1?from={HOME}")
        central.run_for(100)
        before.wire.silent = True
        central.stations.remove(before)
        since = central.now
        config = ClientConfig(protocols=("ocpp1.6",), retry_initial_connect=True, max_retry_after=3600 if obeys else 0)
        after = central.station(config, f"CP1?from={origin}")
        after.connect()
        while not is_served(central, after):
            central.run_for(0.25)
            assert central.now - since < 3600
        return central.now - since

    @each(
        "replace, origin",
        [("always", HOME), ("always", ELSEWHERE), ("same_address", HOME)],
    )
    def test_is_served_at_once(self, replace: Replace, origin: str) -> None:
        assert self.returns(replace, origin) <= 0.5

    @each("replace, origin", [("same_address", ELSEWHERE), ("never_live", HOME), ("never_live", ELSEWHERE)])
    @each("obeys", [True, False])
    def test_is_served_once_the_ping_was_in_vain(self, replace: Replace, origin: str, obeys: bool) -> None:
        """At the latest after `pong_timeout`, and its own backoff of 10 s or the jitter of Retry-After."""
        assert self.returns(replace, origin, obeys=obeys) <= 1.25 * retry_after_probe(PONG) + 1

    def test_is_served_even_if_the_server_neither_pings_nor_expects_pongs(self) -> None:
        assert self.returns("never_live", HOME, ping_interval=inf, pong_timeout=inf) <= 1.25 * 36 + 1

    def test_would_be_locked_out_longer_without_the_ping(self) -> None:
        assert (
            self.returns("never_live", HOME, ping_interval=600.0, pong_timeout=20.0) <= 1.25 * retry_after_probe(20) + 1
        )
