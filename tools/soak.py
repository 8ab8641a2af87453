"""Let hundreds of stations misbehave against one server for minutes, and see that nothing is lost, doubled or left.

    python tools/soak.py                                a minute on each event loop, 300 stations
    python tools/soak.py --minutes 10 --stations 500 --backend trio --seed 7

Stations come in rounds. In each, every one of them lives a short random life: calls of which some are cancelled, time
out or meet slow handlers, reconnects, cut connections, a twin under the same name, garbage. After each round all have
left, and then must hold: every call has had one outcome, no request ran twice, none ran that its caller was told was
never sent, every answer was its own call's; and nothing is left of the stations: no task, socket, timer or object of
this library. Memory stays where it was. At the end nothing is left of the server either. What does not hold is listed,
and makes the exit code 1.
"""

import argparse
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import SocketAttribute, SocketStream

from ocpp_transports import (
    ConnectionFailedError,
    ConnectionState,
    HandlerContext,
    OCPPClient,
    OCPPError,
    OCPPServer,
    OCPPServerClient,
    RPCError,
    UnexpectedHttpResponse,
)
from tools.leftovers import live_objects, under_way

__all__ = ["BACKENDS", "Ledger", "Soak", "soak"]

BACKENDS: Final[dict[str, tuple[str, dict[str, bool]]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}
"""The event loops: names for `anyio.run`, and its options."""

_PATIENCE: Final = 180.0
"""Seconds after which what has to happen has not."""
_REQUEST: Final = (
    "GET /ocpp/{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_RESET: Final = struct.pack("ii", 1, 0)
_STATM: Final = Path("/proc/self/statm")
_LINGER: Final = 10.0
"""Seconds after which nobody is left who has gone."""
_SETTLING: Final = 2
"""Rounds in which caches fill: memory is compared with what it was after them."""


@dataclass
class Ledger:
    """What was asked for and what came of it."""

    started: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    rounds: int = 0
    resident: list[int] = field(default_factory=list)
    """KiB of memory in use, after each round; zeros where the operating system does not tell."""
    _runs: Counter[int] = field(default_factory=Counter)
    _unsent: list[int] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def fault(self, text: str) -> None:
        """Note what must not be."""
        self.faults.append(text)

    def ran(self, ctx: HandlerContext) -> None:
        """Note that the handler of a request runs."""
        if ctx.params["n"]:  # those of vandals have no number
            self._runs[ctx.params["n"]] += 1

    async def call(self, call: Callable[[str, dict[str, Any]], Awaitable[Any]], action: str) -> None:
        """Make a call and note its one outcome; being cancelled is one."""
        number = next(self._numbers)
        self.started += 1
        outcome = "cancelled"
        try:
            answer = await call(action, {"n": number})
            outcome = "answered"
            if answer != {"n": number}:
                self.fault(f"{action} {number} was answered by {answer}")
        except OCPPError as error:
            outcome = "refused" if isinstance(error, RPCError) and error.remote else type(error).__name__
            if getattr(error, "sent", True) is False:
                self._unsent.append(number)
        finally:
            self.outcomes[outcome] += 1

    def close_round(self) -> None:
        """Check what must hold when all stations have left."""
        if self.started != self.outcomes.total():
            self.fault(f"{self.started} calls were started, {self.outcomes.total()} have an outcome")
        for number, runs in self._runs.items():
            if runs > 1:
                self.fault(f"request {number} ran {runs} times")
        for number in self._unsent:
            if self._runs[number]:
                self.fault(f"request {number} ran although its caller was told that it was not sent")
        self._runs.clear()
        self._unsent.clear()
        self.rounds += 1
        self.resident.append(_resident())

    def check_memory(self) -> None:
        """Check that the rounds after the first ones left nothing behind."""
        if self.rounds <= _SETTLING:
            self.fault(f"{self.rounds} rounds are too few to judge memory by")
            return
        before, after = self.resident[_SETTLING - 1], self.resident[-1]
        if after > before * 1.25 + 16384:
            self.fault(f"{after - before} KiB more than after round {_SETTLING}: {self.resident}")


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * 4 if _STATM.exists() else 0


class Csms:
    """The server, and handlers of all tempers."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.server = OCPPServer(
            protocols=["ocpp1.6"],
            logging=False,
            close_timeout=0.5,
            drain_timeout=0.5,
            handshake_timeout=2.0,
            ping_interval=0.2,
            pong_timeout=5.0,
            call_timeout=0.5,
            max_bad_messages=10,
            auth=self._auth,
        )
        register_handlers(self.server, ledger)

    async def _auth(self, accept: Callable[[], None], reject: Callable[[int], None], handshake: Any) -> None:
        await anyio.sleep(random.random() * 0.01)
        if handshake.identity.endswith("7") and random.random() < 0.3:
            reject(403)
        accept()


def register_handlers(peer: OCPPServer | OCPPClient, ledger: Ledger) -> None:
    """Serve requests at once, slowly, never, later and badly."""

    def echo(ctx: HandlerContext) -> dict[str, Any]:
        ledger.ran(ctx)
        return ctx.params

    async def slow(ctx: HandlerContext) -> dict[str, Any]:
        ledger.ran(ctx)
        await anyio.sleep(random.random() * 0.05)
        return ctx.params

    async def never(ctx: HandlerContext) -> None:
        ledger.ran(ctx)
        await ctx.disconnected.wait()

    def fail(ctx: HandlerContext) -> None:
        ledger.ran(ctx)
        raise ZeroDivisionError

    for action, handler in (("Echo", echo), ("Slow", slow), ("Never", never), ("Fail", fail)):
        peer.handle(action, handler, custom=True)


class Station:
    """One random life."""

    def __init__(self, identity: str, port: int, csms: Csms, rng: random.Random) -> None:
        self.identity = identity
        self.port = port
        self.csms = csms
        self.ledger = csms.ledger
        self.rng = rng

    async def live(self, acts: int) -> None:
        """Come, do this and that, and leave."""
        doing: Sequence[Callable[[OCPPClient], Awaitable[None]]] = (
            self.talk,
            self.talk,
            self.burst,
            self.give_up,
            self.be_called,
            self.be_cut,
            self.cut,
            self.babble,
            self.twin,
            self.leave_and_return,
        )
        async with self.client(offline_queue=self.rng.random() < 0.3) as client:
            await self.come(client)
            for _ in range(acts):
                act = self.rng.choice(doing)
                self.ledger.acts[act.__name__] += 1
                await act(client)
            await self.vandalise()
            self.ledger.acts["farewell"] += 1
            await client.close(force=self.rng.random() < 0.2, await_pending=self.rng.random() < 0.5)

    def client(self, **options: Any) -> OCPPClient:
        client = OCPPClient(
            self.identity,
            f"ws://127.0.0.1:{self.port}/ocpp",
            protocols=["ocpp1.6"],
            logging=False,
            backoff_min=0.005,
            backoff_max=0.05,
            close_timeout=0.5,
            drain_timeout=0.5,
            call_timeout=0.5,
            call_ttl=5.0,
            call_concurrency=self.rng.choice((1, 1, 4)),
            **options,
        )
        register_handlers(client, self.ledger)
        return client

    async def come(self, client: OCPPClient) -> None:
        """Connect, however often it takes."""
        while client.state is ConnectionState.CLOSED:
            with suppress(UnexpectedHttpResponse, ConnectionFailedError):
                await client.connect()

    # What it does

    async def call(self, client: OCPPClient, action: str, **options: Any) -> None:
        await self.ledger.call(partial(client.call, **options), action)

    async def talk(self, client: OCPPClient) -> None:
        await self.call(client, self.rng.choice(("Echo", "Slow", "Fail", "Unknown")))

    async def burst(self, client: OCPPClient) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(self.rng.randrange(2, 20)):
                tasks.start_soon(partial(self.call, client, "Slow", timeout=0.02 + self.rng.random() * 0.2))

    async def give_up(self, client: OCPPClient) -> None:
        with anyio.move_on_after(self.rng.random() * 0.03):
            async with anyio.create_task_group() as tasks:
                for action in ("Slow", "Never", "Echo"):
                    tasks.start_soon(self.call, client, action)

    async def be_called(self, client: OCPPClient) -> None:
        call = partial(self.csms.server.call, self.identity)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.ledger.call, call, "Echo")
            tasks.start_soon(self.ledger.call, call, "Slow")
            tasks.start_soon(self.talk, client)

    async def be_cut(self, client: OCPPClient) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.burst, client)
            await anyio.sleep(self.rng.random() * 0.02)
            station = self.csms.server.get_client(self.identity)
            if station is not None:
                await self.end(station)

    async def end(self, station: OCPPServerClient) -> None:
        await station.close(force=self.rng.random() < 0.5, await_pending=self.rng.random() < 0.5)

    async def cut(self, client: OCPPClient) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.burst, client)
            await anyio.sleep(self.rng.random() * 0.02)
            await client.close(force=True)
        await self.come(client)

    async def babble(self, client: OCPPClient) -> None:
        nonsense = ("hello", "[2,", '[3,"x",{}]', '[9,"x"]', '[2,5,"Echo",{}]', '[2,"x","Echo",[]]', "[" * 500)
        for _ in range(self.rng.randrange(1, 15)):
            with suppress(OCPPError):
                await client.send_raw(self.rng.choice(nonsense))
        await self.talk(client)

    async def twin(self, client: OCPPClient) -> None:
        """Come a second time under the same name; the first connection makes way, and comes back."""
        async with self.client(reconnect=False) as other:
            with suppress(UnexpectedHttpResponse, ConnectionFailedError):
                await other.connect()
            await self.talk(other)
            await self.talk(client)

    async def leave_and_return(self, client: OCPPClient) -> None:
        await client.close()
        await self.come(client)

    async def vandalise(self) -> None:
        """Send bytes that no client of ours would, and go in a way that none of ours would."""
        self.ledger.acts["vandalise"] += 1
        request = _REQUEST.format(f"vandal-{self.identity}").encode()
        frames = self.rng.randbytes(self.rng.randrange(1, 200))
        call = b'\x81\x96\0\0\0\0[2,"1","Echo",{"n":0}]'
        words = self.rng.choice((frames, request[:50], request, request + frames, request + call * 3, b""))
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(words)
                await self.go(stream)

    async def go(self, stream: SocketStream) -> None:
        way = self.rng.randrange(3)
        if way == 0:
            raw_socket = stream.extra(SocketAttribute.raw_socket)
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        elif way == 1:
            with anyio.move_on_after(0.05), suppress(anyio.EndOfStream):
                while True:
                    await stream.receive()


class Soak:
    """Rounds of stations against one server."""

    def __init__(self, stations: int, seed: int, *, acts: int = 6) -> None:
        self.ledger = Ledger()
        self._stations = stations
        self._acts = acts
        self._rng = random.Random(seed)

    async def run(self, goes_on: Callable[[int], bool]) -> Ledger:
        """Play rounds while `goes_on(rounds played)`, and see that nothing is left in the end."""
        await self._serve(lambda played: played < 0)  # what is loaded and kept from the first use on
        before = _all_there_is()
        await self._serve(goes_on)
        await self._see_the_end(before)
        self.ledger.check_memory()
        return self.ledger

    async def _serve(self, goes_on: Callable[[int], bool]) -> None:
        csms = Csms(self.ledger)
        async with csms.server:
            listener = await csms.server.listen(0, "127.0.0.1", backlog=1024)
            idle = await self._idle(csms, listener.port)
            while goes_on(self.ledger.rounds):
                with anyio.fail_after(_PATIENCE):
                    await self._round(csms, listener.port)
                await self._see_the_end(idle)
                self.ledger.close_round()
            with anyio.fail_after(_PATIENCE):
                await csms.server.close()

    async def _idle(self, csms: Csms, port: int) -> Counter[str]:
        """Count what a server has under way when nobody is there any more."""
        first = Station("first", port, csms, self._rng)
        async with first.client() as client:
            await first.come(client)
        await anyio.sleep(0.1)
        del first, client
        return _all_there_is()

    async def _round(self, csms: Csms, port: int) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(self._stations):
                rng = random.Random(self._rng.random())
                tasks.start_soon(Station(f"CP{number}", port, csms, rng).live, self._acts)

    async def _see_the_end(self, before: Counter[str]) -> None:
        """Wait for the last ones to leave: a server lingers for a moment on connections that ended badly."""
        with anyio.move_on_after(_LINGER):
            while _all_there_is() - before:  # noqa: ASYNC110 - nothing tells of it
                await anyio.sleep(0.1)
        for kind, number in (_all_there_is() - before).items():
            self.ledger.fault(f"{number} {kind} are left after {self.ledger.rounds} rounds")


def _all_there_is() -> Counter[str]:
    return under_way() + Counter(objects=live_objects())


def soak(backend: str, stations: int, seed: int, goes_on: Callable[[int], bool], *, acts: int = 6) -> Ledger:
    """Run a soak on an event loop of its own."""
    name, options = BACKENDS[backend]
    return anyio.run(Soak(stations, seed, acts=acts).run, goes_on, backend=name, backend_options=options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak on each event loop wanted, tell what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each event loop (default: %(default)s)")
    parser.add_argument("--stations", type=int, default=300, help="at a time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the stations' choices (default: a new one)")
    parser.add_argument("--backend", choices=BACKENDS, nargs="*", default=[*BACKENDS], help="default: all")
    wanted = parser.parse_args(arguments)
    seed = random.randrange(1 << 32) if wanted.seed is None else wanted.seed
    faults = 0
    for backend in wanted.backend:
        print(f"{backend}: {wanted.stations} stations, seed {seed}", flush=True)
        ledger = soak(backend, wanted.stations, seed, partial(_until, time.monotonic() + wanted.minutes * 60))
        faults += len(ledger.faults)
        _tell(ledger)
    return 1 if faults else 0


def _until(end: float, played: int) -> bool:
    return played <= _SETTLING or time.monotonic() < end


def _tell(ledger: Ledger) -> None:
    outcomes = ", ".join(f"{number} {kind}" for kind, number in ledger.outcomes.most_common())
    print(f"  {ledger.rounds} rounds, {ledger.acts.total()} acts, {ledger.started} calls: {outcomes}")
    print(f"  KiB after each round: {ledger.resident}")
    for fault in ledger.faults[:20]:
        print(f"  FAULT: {fault}")


if __name__ == "__main__":
    sys.exit(main())
