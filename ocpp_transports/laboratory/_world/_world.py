"""The world of a test: one seed, one virtual loop, one virtual network, one wall clock."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from os import PathLike
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._logging._log import Log
from ocpp_transports._options._keywords import ClientKeywords
from ocpp_transports._options._tls import Pem, TLSOptions
from ocpp_transports._runtime._recorded import record_engines
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.client import OCPPClient
from ocpp_transports.laboratory._network._message_runtime import MessageRuntime
from ocpp_transports.laboratory._network._network import Network
from ocpp_transports.laboratory._network._runtime import VirtualRuntime
from ocpp_transports.laboratory._time._loop import VirtualLoop
from ocpp_transports.laboratory._time._wall_clock import WallClock
from ocpp_transports.outbox import MemoryStore
from ocpp_transports.server import OCPPServer

from ._harm import HarmMixin
from ._station import ScriptedStation

if TYPE_CHECKING:
    from ocpp_apps.station import Station, StationSettings
    from ocpp_transports.recording import RecordTo
    from ocpp_transports.recording._held import HeldRecordings

__all__ = ["World"]

T = TypeVar("T")

_START = datetime(2026, 1, 1, tzinfo=UTC)


class World(HarmMixin):
    """Servers and stations in virtual time, on a virtual network.

        async def story(lab):
            await lab.server(app_server)
            station = await lab.station("CP1", "ocpp1.6")
            await station.call("Heartbeat")
            await lab.run(hours=9)

        with World(seed=3) as lab:
            lab.play(story(lab))

    All clients and servers that are made while it plays are on its network, also those that your application makes.

    Args:
        seed: The seed. A world with the same seed and the same test repeats itself.
        level: `"bytes"` to play connections with all that the library does on a socket. `"messages"` is faster and has
            no WebSocket: no pings, so that nothing notices a frozen connection, no slow readers.
        start: What the wall clock shows at the beginning, with a time zone.
        record: Where the recordings of all connections go, see the option `record` of `OCPPServer`. They wait in memory
            until the world closes. Unless `Recordings` say so, they are not redacted, and have at most 16 MiB each.
        loop: The virtual loop that runs already, for a world within one; None makes a loop.
        **loop_options: The options of the loop that is made, see `VirtualLoop`.

    Raises:
        ValueError: `start` has no time zone, or `level` is another word.
        TypeError: `record` is no place for recordings.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        level: Literal["bytes", "messages"] = "bytes",
        start: datetime = _START,
        record: "RecordTo | None" = None,
        loop: VirtualLoop | None = None,
        **loop_options: Any,
    ) -> None:
        if level not in ("bytes", "messages"):
            raise ValueError(f'expected level "bytes" or "messages", got {level!r}')
        self.seed = seed
        """The seed."""
        self.loop: VirtualLoop = VirtualLoop(seed=seed, **loop_options) if loop is None else loop
        """The event loop."""
        self.random: Random = Random(f"{seed}/test")
        """Random numbers for the test."""
        self.wall_clock: WallClock = WallClock(self.loop.time, start)
        """The wall clock; `patched()` shows it to code that calls `datetime.now` itself."""
        self.network: Network = Network(self.loop, str(seed))
        self._runner = asyncio.Runner(loop_factory=lambda: self.loop) if loop is None else None
        self._runtime = VirtualRuntime if level == "bytes" else MessageRuntime
        self._runtimes: Counter[str] = Counter()
        self._recordings = None if record is None else _held(record)
        self._closing = AsyncExitStack()
        self.loop.ocpp_runtime = self._make_runtime

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Time

    @property
    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    def now(self) -> datetime:
        """Return the date and time of the wall clock, in UTC."""
        return self.wall_clock.now()

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back; virtual time goes on as before."""
        self.wall_clock.step(seconds)

    async def run(self, *, hours: float = 0.0, minutes: float = 0.0, seconds: float = 0.0) -> None:
        """Let virtual time pass.

        Args:
            hours: Hours to pass.
            minutes: Minutes, in addition.
            seconds: Seconds, in addition.
        """
        await asyncio.sleep(hours * 3600 + minutes * 60 + seconds)

    def play(self, story: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine until its end, and return its result; servers and stations live on until `close`.

        Raises:
            RuntimeError: The world is closed, or part of an event loop that runs already; await the coroutine there.
            VirtualTimeError: Virtual time cannot go on.
        """
        if self._runner is None:
            story.close()
            if self.loop.is_closed():
                raise RuntimeError("cannot play: the world is closed; make another one")
            raise RuntimeError("cannot play: the event loop of the world is not its own; await the coroutine there")
        return self._runner.run(story)

    # Who lives in it

    async def server(self, server: OCPPServer, *, port: int = 9000, **options: Any) -> OCPPServer:
        """Let a server listen on a port, and return it. The world closes it in the end.

        Args:
            server: The server of the application.
            port: The port of the virtual network.
            **options: Further arguments of `OCPPServer.listen`.

        Raises:
            OSError: The port is taken.
            ValueError: As `OCPPServer.listen`.
        """
        await server.listen(port, **options)
        self._closing.push_async_callback(server.close)
        return server

    def client(
        self, identity: str, *protocols: str, port: int = 9000, path: str = "/ocpp", **options: Unpack[ClientKeywords]
    ) -> OCPPClient:
        """Return a client that is not yet connected. The world closes it in the end.

        With `tls` or security profile 2 or 3 its URL has the scheme `wss`. Only the facts of TLS are played: it shows
        the certificate of its `tls`, and nothing is verified.

        Args:
            identity: The identity of the station.
            *protocols: The subprotocols in order of preference, by default all.
            port: The port of the server.
            path: The path before the identity.
            **options: The options of `OCPPClient`.

        Raises:
            ValueError: As `OCPPClient`.
            TypeError: As `OCPPClient`.
        """
        names = {"protocols": protocols} if protocols else {}
        tls = options.get("tls")
        if isinstance(tls, TLSOptions) and isinstance(tls.cert, (str, bytes, PathLike)):
            self.show_certificate(identity, tls.cert)
        scheme = "wss" if tls is not None or options.get("security_profile", 0) >= SecurityProfile.TLS_BASIC else "ws"
        client = OCPPClient(identity, f"{scheme}://csms:{port}{path}", **names, **options)
        self._closing.push_async_callback(client.close)
        return client

    def show_certificate(self, identity: str, certificate: Pem) -> None:
        """Let a station that your application makes show a client certificate on its next connections with TLS.

        Args:
            identity: The identity of the station.
            certificate: A file in PEM or DER, or its content.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not a certificate.
        """
        self.network.show_certificate(identity, certificate)

    async def station(
        self,
        identity: str,
        *protocols: str,
        port: int = 9000,
        path: str = "/ocpp",
        connect: bool = True,
        **options: Unpack[ClientKeywords],
    ) -> ScriptedStation:
        """Connect a station that the test plays, and return it.

        Args:
            identity: The identity of the station.
            *protocols: The subprotocols in order of preference, by default all.
            port: The port of the server.
            path: The path before the identity.
            connect: False to let the test call `station.client.connect()`.
            **options: The options of `OCPPClient`.

        Raises:
            OCPPError: It cannot connect, as `OCPPClient.connect`.
            ValueError: As `OCPPClient`.
        """
        station = ScriptedStation(self.client(identity, *protocols, port=port, path=path, **options))
        if connect:
            await station.client.connect()
        return station

    async def pair(
        self, protocol: str, identity: str = "CP1", **options: Unpack[ClientKeywords]
    ) -> tuple[ScriptedStation, OCPPServerClient]:
        """Connect a station to a server of its own, and return it with the server's handle on it.

        Args:
            protocol: The subprotocol of both.
            identity: The identity of the station.
            **options: The options of `OCPPClient`.

        Raises:
            ValueError: As `OCPPClient`.
        """
        server = OCPPServer(protocols=[protocol])
        listener = await server.listen(0)
        self._closing.push_async_callback(server.close)
        station = await self.station(identity, protocol, port=listener.port, **options)
        return station, await server.wait_for_client(identity)

    async def simulated(
        self,
        identity: str,
        settings: "StationSettings | None" = None,
        *,
        port: int = 9000,
        path: str = "/ocpp",
        **options: Unpack[ClientKeywords],
    ) -> "Station":
        """Start the simulated station of `ocpp_apps.station` on the time of this world, and return it.

        Args:
            identity: The identity of the station.
            settings: What is simulated; None for the defaults.
            port: The port of the server.
            path: The path before the identity.
            **options: The options of `OCPPClient`. Without `offline_queue`, messages about transactions stay in
                memory, also while the station restarts.

        Raises:
            OCPPError: It cannot connect.
            ValueError: As `OCPPClient`.
        """
        from ocpp_apps.station import Station, StationSettings  # a program above this layer, loaded only when used
        from ocpp_apps.station.asyncio_clock import AsyncioClock

        settings = settings or StationSettings()
        options.setdefault("offline_queue", MemoryStore(keep=True))
        client = self.client(identity, settings.protocol, port=port, path=path, **options)
        station = Station(client, AsyncioClock(self.now), settings)
        self._closing.push_async_callback(station.stop)
        await station.start()
        return station

    # The end

    async def aclose(self) -> None:
        """Close stations and servers, the newest first, all of them even if one raises. Idempotent.

        Afterwards the event loop has no network.
        """
        try:
            await self._closing.aclose()
        finally:
            self.loop.ocpp_runtime = None
            self.write_recordings()

    def write_recordings(self) -> None:
        """Write what is recorded until now, and record nothing more of these connections. Raises OSError."""
        if self._recordings is not None:
            self._recordings.write()

    def close(self) -> None:
        """Close stations, servers and the loop, if the world made it. Idempotent."""
        if self._runner is not None:
            try:
                self._runner.run(self.aclose())
            finally:
                self._runner.close()
                self._runner = None

    def _make_runtime(self, log: Log) -> VirtualRuntime:
        self._runtimes[log.identity] += 1
        runtime = self._runtime(log, self.network, f"{self.seed}/{log.identity}/{self._runtimes[log.identity]}")
        runtime.wall = lambda: self.now().timestamp()
        record_engines(runtime, self._recordings, log, _logged)
        return runtime


def _held(record: "RecordTo") -> "HeldRecordings":
    from ocpp_transports.recording._held import HeldRecordings  # loaded only when used

    return HeldRecordings(record)


def _logged(_: Exception) -> None:
    """Do nothing about a connection that cannot be recorded, which is logged."""
