"""The story of a charging station: boot, heartbeat, two mistakes, a charging session, a reset."""

from math import inf
from typing import Any, Final
from urllib.parse import urlsplit

import anyio

from ocpp_apps.attempts import may_be_up_later
from ocpp_transports import (
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    HandlerContext,
    OCPPClient,
    RPCError,
    SecurityProfile,
    UnexpectedHttpResponse,
)
from ocpp_transports.events import CloseEvent, DisconnectEvent, ErrorEvent, OpenEvent, ReconnectEvent

from .dialects import SAMPLES, Call, Session, compile_checks, dialect_of
from .log import FROM_STATION, Log
from .tap import Tap

__all__ = ["Station", "StoryError", "profile_of"]

PERIOD: Final = 0.25
"""Seconds between meter values; a real station takes minutes."""
_PAUSE: Final = 0.5
"""Seconds between two attempts to reach a central system that is not up yet."""
_UNKNOWN: Final = "MakeCoffee"


class StoryError(Exception):
    """The central system did not answer as the story goes."""


def profile_of(url: str, password: str | None) -> SecurityProfile:
    """Name the security profile that a URL and a password mean."""
    if password is None:
        return SecurityProfile.NONE
    return SecurityProfile.TLS_BASIC if urlsplit(url).scheme == "wss" else SecurityProfile.BASIC


class Station:
    """A station that speaks one version.

    It waits `patience` seconds for a command before it goes on, and `wait` seconds for a central system that is not up.
    """

    def __init__(
        self,
        log: Log,
        *,
        url: str,
        identity: str,
        password: str | None,
        protocol: str,
        strict: bool,
        patience: float,
        wait: float = 0.0,
    ) -> None:
        if not 0 <= wait < inf:
            raise ValueError(f"expected --wait >= 0 seconds, got {wait}")
        self._log = log
        self._wait = wait
        self._patience = patience
        self._dialect = dialect_of(protocol)
        self._setting = "300"
        self._started = anyio.Event()
        self._reset = anyio.Event()
        self._surprises: list[str] = []
        self.client = OCPPClient(
            identity,
            url,
            protocols=[protocol],
            security_profile=profile_of(url, password),
            password=password,
            strict_mode=strict,
            warm_up=False,
            offline_queue=True,
            backoff_min=0.5,
        )
        self._add_handlers()
        self._add_listeners()

    # The story

    async def run(self) -> None:
        """Live through it. Raises StoryError, and what `OCPPClient` raises, alone or as a group.

        A central system that takes our mistakes without complaint is complained of at the end.
        """
        await compile_checks(self._dialect.protocol)
        async with self.client:
            await self._connect()
            await self._boot("PowerUp")
            await self._call(self._dialect.status("Available"))
            await self._call(("Heartbeat", {}))
            await self._mistake(self._dialect.invalid())
            await self._mistake((_UNKNOWN, {}))
            await self._charge(remote=await self._commanded(self._started))
            if await self._commanded(self._reset):
                await self.client.close(1000, "reset")
                await self._connect()
                await self._boot("RemoteReset")
            await self.client.close(1000, "the end")
        if self._surprises:
            raise StoryError("; ".join(self._surprises))

    async def _connect(self) -> None:
        until = anyio.current_time() + self._wait
        try:
            while not await self._reaches(until):
                pass
        except UnexpectedHttpResponse as error:
            hint = ": are identity and password right?" if error.status == 401 else ""
            raise StoryError(f"the central system refused the connection, HTTP {error.status}{hint}") from error

    async def _reaches(self, until: float) -> bool:
        """Try to connect; False, after a pause, if that failed in a way that may pass, and there is time left."""
        try:
            await self.client.connect()
        except ConnectionFailedError as error:
            if not may_be_up_later(error) or anyio.current_time() >= until:
                raise
        else:
            return True
        await anyio.sleep(_PAUSE)
        return False

    async def _boot(self, reason: str) -> None:
        answer = await self._call(self._dialect.boot(reason))
        if answer.get("status") != "Accepted":
            raise StoryError(f"expected the BootNotification to be Accepted, got {answer.get('status')}")

    async def _mistake(self, call: Call) -> None:
        """Send what the central system has to refuse, past our own strict mode."""
        try:
            await self.client.call(*call, validate=False)
        except RPCError as error:
            if not error.remote:
                raise
        else:
            self._surprises.append(f"expected a CALLERROR to a wrong {call[0]}, got a CALLRESULT")

    async def _charge(self, *, remote: bool) -> None:
        session = Session(remote)
        await self._call(self._dialect.authorize())
        self._dialect.begun(session, await self._call(self._dialect.begin(session)))
        await self._call(self._dialect.status("Charging"))
        async with anyio.create_task_group() as tasks:
            for _ in range(SAMPLES):  # a value is taken when it is time for it, whether the last one got through or not
                await anyio.sleep(PERIOD)
                session.energy += 50
                tasks.start_soon(self._call, self._dialect.sample(session, offline=not self._is_online))
        await self._stream(session)
        await self._call(self._dialect.end(session))
        await self._call(self._dialect.status("Available"))

    async def _commanded(self, command: anyio.Event) -> bool:
        """Wait a while for a command of the central system."""
        with anyio.move_on_after(self._patience):
            await command.wait()
        return command.is_set()

    # Talking

    @property
    def _is_online(self) -> bool:
        return self.client.state is ConnectionState.OPEN

    async def _call(self, call: Call) -> dict[str, Any]:
        """Call. What a lost connection may have swallowed goes into the offline queue again, like all that waits."""
        while True:
            try:
                return await self.client.call(*call)
            except ConnectionLostError:
                continue
            except RPCError as error:
                raise StoryError(f"expected a CALLRESULT to {call[0]}, got {error}") from error

    async def _stream(self, session: Session) -> None:
        """Send a SEND, where the version has that. No queue keeps it, so it waits for the connection itself."""
        send = self._dialect.stream(session)
        while send is not None:
            try:
                await self.client.notify(*send)
                send = None
            except ConnectionLostError:
                await self._online()

    async def _online(self) -> None:
        """Wait for the connection to come back."""
        async with self.client.events("open") as opened:
            if not self._is_online:
                await anext(opened)

    # Listening

    def _add_handlers(self) -> None:
        dialect, handle = self._dialect, self.client.handle
        handle(dialect.read_action, lambda context: dialect.setting(context.params, self._setting))
        handle(dialect.change_action, self._change)
        handle(dialect.start_action, lambda _: self._accept(self._started))
        handle("Reset", lambda _: self._accept(self._reset))

    def _change(self, context: HandlerContext) -> dict[str, Any]:
        value, answer = self._dialect.changed(context.params)
        self._setting = self._setting if value is None else value
        return answer

    def _accept(self, command: anyio.Event) -> dict[str, Any]:
        command.set()
        return {"status": "Accepted"}

    def _add_listeners(self) -> None:
        client, tap = self.client, Tap(self._log, self.client.identity, FROM_STATION)
        client.on("message", tap)

        @client.on("open")
        def opened(event: OpenEvent) -> None:
            self._tell("open", event.protocol)

        @client.on("disconnect")
        def disconnected(event: DisconnectEvent) -> None:
            tap.forget()
            self._tell("connection lost", f"{event.code} {event.reason}")

        @client.on("reconnect")
        def waiting(event: ReconnectEvent) -> None:
            self._tell("reconnect", f"attempt {event.attempt} in {event.delay:.2f} s")

        @client.on("error")
        def failed(event: ErrorEvent) -> None:
            self._tell("error", str(event.error))

        @client.on("close")
        def closed(event: CloseEvent) -> None:
            self._tell("closed", f"{event.code} {event.reason}")

    def _tell(self, name: str, about: str) -> None:
        self._log.link(self.client.identity, name, about)
