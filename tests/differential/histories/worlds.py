"""Histories of a server and a station with their drivers, handlers and listeners, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from ocpp_core.errors import RPCError, RPCInternalError, RPCNotSupportedError
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.laboratory import World
from tests.differential import settings
from tests.differential.commands import WRONG, payload_of
from tests.differential.drawing import Draws
from tests.differential.transcript import Transcript, described

__all__ = ["play_world"]

_EVENTS: Final = ("open", "close", "connecting", "reconnect", "disconnect", "bad_message", "violation", "handler_error")
_OPTIONS: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("strict_mode", (True, True, "report")),
    ("call_timeout", (2, 10.0)),
    ("call_concurrency", (2, 60, 60)),
    ("handler_timeout", (1, 5.0)),
    ("respond_with_detailed_errors", (True,)),
    ("in_order", (True,)),
    ("inbound_rate", (0.5,)),
    ("metrics", (True,)),
)
_ACTIONS: Final = ("Heartbeat", "BootNotification", "DataTransfer", "Reset")
_CALLED: Final = {True: _ACTIONS[:3], False: _ACTIONS[2:]}
"""The actions that a client calls, and those that a server calls."""
_KEYWORDS: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("timeout", (1, 5.0, None)),
    ("ttl", (1, None)),
    ("urgent", (True,)),
    ("message_id", ("own", None)),
    ("retries", (1, 2)),
    ("strict_mode", (True, False)),
)


def play_world(draws: Draws, transcript: Transcript) -> None:
    """Play a history, and write down outcomes, events and exceptions of both sides."""
    level: Literal["bytes", "messages"] = draws.pick(("bytes", "bytes", "messages"))
    with World(draws.number(10**6), level=level, end=86_400.0) as lab:
        story = _Story(draws, transcript, lab, settings.protocol(draws))
        lab.play(story.tell())


class _Story:
    def __init__(self, draws: Draws, transcript: Transcript, lab: World, protocol: str) -> None:
        self._draws = draws
        self._transcript = transcript
        self._lab = lab
        self._protocol = protocol
        self._tasks: list[asyncio.Task[None]] = []

    async def tell(self) -> None:
        """Let both sides call each other on a network with faults."""
        draws, lab = self._draws, self._lab
        server = OCPPServer(protocols=[self._protocol], **self._options())
        client = lab.client("CP1", self._protocol, offline_queue=draws.one_in(3), **self._options())
        self._listen("server", server, ("client", "closed", "violation"))
        self._listen("client", client, _EVENTS)
        for side in (server, client):
            self._serve(side)
        await lab.server(server)
        await self._try("connect", client.connect)
        for _ in range(draws.pick((3, 8, 15))):
            await self._step(server, client)
        lab.heal()
        await asyncio.sleep(60)
        self._note("end", f"{client.state} {client.pending} {server.clients!r}")
        await client.close()
        await server.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _options(self) -> dict[str, Any]:
        chosen = {name: self._draws.pick(values) for name, values in _OPTIONS if self._draws.one_in(5)}
        return {"warm_up": False, **chosen}

    def _note(self, what: str, value: object) -> None:
        self._transcript.note(f"  {self._lab.time!r} {what} {value if isinstance(value, str) else described(value)}")

    def _listen(self, side: str, peer: Any, names: tuple[str, ...]) -> None:
        for name in names:
            try:
                peer.on(name, lambda event, name=name: self._note(f"{side} {name}", event))
            except (ValueError, TypeError) as error:
                self._transcript.failed(f"on {name}", error)

    # Handlers

    def _serve(self, side: Any) -> None:
        draws = self._draws
        for action in _ACTIONS:
            if not draws.rarely(5):
                side.handle(action, draws.pick((self._plain, self._slow, self._plain, self._wrong)), custom=True)
        if draws.one_in(3):
            side.use(self._middleware)
        if draws.one_in(20):
            try:
                side.handle(draws.pick(WRONG), draws.pick((self._plain, *WRONG)))
            except Exception as error:
                self._transcript.failed("handle()", error)

    def _plain(self, ctx: Any) -> Any:
        self._note("handler", f"{ctx.action} {ctx.message_id} {described(ctx.params)}")
        return payload_of(self._draws, self._protocol, "result", ctx.action)[1]

    async def _slow(self, ctx: Any) -> Any:
        await asyncio.sleep(self._draws.pick((0.1, 1, 7)))
        return self._plain(ctx)

    def _wrong(self, ctx: Any) -> Any:
        way = self._draws.number(4)
        if way == 0:
            raise self._draws.pick((RPCInternalError("no disk"), RPCNotSupportedError(), RPCError("Own", "é" * 300)))
        if way == 1:
            raise self._draws.pick((ValueError("secret"), KeyError("secret"), TimeoutError()))
        return self._draws.pick(WRONG) if way == 2 else self._plain(ctx)

    async def _middleware(self, ctx: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        self._note("before", f"{ctx.direction} {ctx.action}")
        try:
            return await proceed()
        finally:
            self._note("after", f"{ctx.direction} {ctx.action}")

    # Steps

    async def _step(self, server: OCPPServer, client: OCPPClient) -> None:
        draws, way = self._draws, self._draws.number(13)
        if way < 6:
            station = server.get_client("CP1")
            sides: list[Any] = [client, client] if station is None else [client, station]
            self._begin_calls(draws.pick(sides))
        elif way < 9:
            self._harm(way)
        elif way == 9:
            leaves = draws.rarely(2)
            await self._try("close" if leaves else "connect", client.close if leaves else client.connect)
        elif way == 10:
            text: Any = draws.pick(("hello", '[2,"r","X",{}]', '[3,"x",{}]', 5))
            await self._try("raw", lambda: client.send_raw(text))
        elif way == 11:
            payload = payload_of(draws, "ocpp2.1", "send", "NotifyPeriodicEventStream")[1]
            await self._try("notify", lambda: client.notify("NotifyPeriodicEventStream", payload))
        elif way == 12:
            await self._flood(draws.pick((server.get_client("CP1"), client)))
        await asyncio.sleep(draws.pick((0.0, 0.05, 1.0, 12.0)))

    def _begin_calls(self, side: Any) -> None:
        for _ in range(self._draws.pick((1, 1, 4, 4, 40))):
            self._tasks.append(asyncio.get_running_loop().create_task(self._call(side)))

    def _harm(self, way: int) -> None:
        draws = self._draws
        if way == 6:
            self._lab.cut("CP1")
        elif way == 7:
            self._lab.set("CP1", latency=draws.pick((0.01, 1.0)), chop=draws.pick((0.0, 0.5)))
        elif self._tasks:
            draws.pick(self._tasks).cancel()

    async def _flood(self, side: Any) -> None:
        """Send more than a connection may do in one turn, which arrives after a pause."""
        self._lab.partition("CP1")
        for number in range(60 if side is not None else 0):
            text = f'[2,"f{number}","Heartbeat",{{}}]'
            await self._try("flood", lambda text=text: side.send_raw(text))  # type: ignore[misc]  # mypy infers no lambda with defaults
        self._lab.heal("CP1")

    async def _call(self, side: Any) -> None:
        draws = self._draws
        action, payload = payload_of(draws, self._protocol, "call", draws.pick(_CALLED[isinstance(side, OCPPClient)]))
        options = {name: draws.pick(values) for name, values in _KEYWORDS if draws.one_in(7)}
        if draws.one_in(12):
            options[draws.pick(_KEYWORDS)[0]] = draws.pick(WRONG)
        if draws.one_in(12):
            payload = draws.pick(WRONG)
        call = side.call if draws.number(9) else side.safe_call
        await self._try(f"call {action}", lambda: call(action, payload, **options))

    async def _try(self, what: str, call: Callable[[], Any]) -> None:
        try:
            self._note(what, await call())
        except Exception as error:
            self._note(what, f"raised {described(error)}")
