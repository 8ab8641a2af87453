"""The counted scenarios. Each returns a function that plays one message and checks its outcome.

There are no sockets and no clock: the code below plays the network, the application and the event loop. It is not
counted.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count, cycle
from math import inf
from random import Random
from typing import Any, Final, TypeAlias

from ocpp_core.actions import Action, Dispatch, OpenTransport, SendBytes, SendText, Settle
from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.inputs import Accept, BytesReceived, Connect, Reply, StartCall, StreamOpened, TextReceived
from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.session import Session
from ocpp_core.stack import ClientStack, ServerStack
from ocpp_core.stack.durable import DurableClientStack
from ocpp_core.validation import load_validator
from ocpp_core.versions import OCPP16
from ocpp_transports._driver._driver import Driver
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._close_grace import CloseGrace
from ocpp_transports._server._admitting._acceptor import Acceptor
from ocpp_transports._server._admitting._quota import SocketGate
from ocpp_transports._server._plain._http_handlers import HttpHandlers
from ocpp_transports._server._routing._plan import RoutingPlan, StationRules
from ocpp_transports._server._stations._connection import ConnectionCallbacks
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.client import OCPPClient
from ocpp_transports.handshake import ConnectionFacts

from .loop import Loop, result_of
from .peer import PONG, REQUEST, TEXT, accepting, call_text, frame, unmasked

__all__ = ["SCENARIOS"]

Step: TypeAlias = Callable[[], object]

_TIME: Final[dict[str, Any]] = {"currentTime": "2026-03-01T12:00:00.000Z"}
_METER_VALUES: Final[dict[str, Any]] = {
    "connectorId": 1,
    "transactionId": 4711,
    "meterValue": [
        {
            "timestamp": "2026-03-01T12:00:00.000Z",
            "sampledValue": [
                {
                    "value": value,
                    "measurand": measurand,
                    "unit": unit,
                    "context": "Sample.Periodic",
                    "format": "Raw",
                    "location": "Outlet",
                    **phase,
                }
                for value, measurand, unit, phase in (
                    ("1542310", "Energy.Active.Import.Register", "Wh", {}),
                    ("10847.5", "Power.Active.Import", "W", {}),
                    ("15.9", "Current.Import", "A", {"phase": "L1"}),
                    ("16.0", "Current.Import", "A", {"phase": "L2"}),
                    ("15.8", "Current.Import", "A", {"phase": "L3"}),
                )
            ],
        }
    ],
}
_TIME_JSON, _METER_VALUES_JSON = (json.dumps(payload, separators=(",", ":")) for payload in (_TIME, _METER_VALUES))
_IDS: Final = 512
_PACE: Final = 0.25
"""Seconds between messages, so that an id repeats only after the server has dropped its response."""


# The peer


def _call_frames(action: str, payload_json: str) -> Iterator[tuple[bytes, bytes]]:
    """Return a cycle of message ids with the frames of their CALLs, made before the counting."""
    ids = [f"{number:08x}" for number in range(_IDS)]
    texts = [call_text(number, action, payload_json) for number in range(_IDS)]
    return cycle(
        [(id_.encode(), frame(TEXT, text.encode(), masked=True)) for id_, text in zip(ids, texts, strict=True)]
    )


def _result_text(number: int) -> str:
    return f'[3,"{number:08x}",{_TIME_JSON}]'


def _ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):08x}"


# Stacks


def _drain(stack: ServerStack | ClientStack) -> list[Action]:
    return list(iter(stack.poll, None))


def _sent(actions: list[Action]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, SendBytes))


def _client() -> ClientStack:
    target = UpgradeTarget("csms.example", "/CP1")
    return ClientStack(ClientConfig(protocols=("ocpp1.6",)), LinkConfig(), target, random=Random(2), ids=_ids())


def _client_with_outbox() -> ClientStack:
    target, config = UpgradeTarget("csms.example", "/CP1"), ClientConfig(protocols=("ocpp1.6",), offline_queue=True)
    client = DurableClientStack(config, LinkConfig(), target, OutboxConfig(), random=Random(2), ids=_ids())
    client.handle(Restored(wall=0.0, first_ticket=1), 0.0)
    return client


def _pair(config: SessionConfig, client: ClientStack) -> tuple[ServerStack, ClientStack, int]:
    """Return two stacks after the handshake, and the number of the client's attempt."""
    server = ServerStack(LinkConfig(), config, random=Random(1), ids=_ids(), now=0.0)
    client.handle(Connect(0), 0.0)
    (attempt,) = (action.attempt for action in _drain(client) if isinstance(action, OpenTransport))
    client.handle(StreamOpened(attempt), 0.0)
    server.handle(BytesReceived(_sent(_drain(client))), 0.0)
    _drain(server)
    server.handle(Accept("ocpp1.6"), 0.0)
    client.handle(BytesReceived(_sent(_drain(server)), attempt), 0.0)
    _drain(client)
    return server, client, attempt


def _answering_stack(config: SessionConfig, action: str, payload_json: str, answer: Mapping[str, Any]) -> Step:
    server, _, _ = _pair(config, _client())
    numbers, frames = count(1), _call_frames(action, payload_json)

    def step() -> None:
        number, (_, frame) = next(numbers), next(frames)
        server.handle(BytesReceived(frame), number)
        request = server.poll()
        assert type(request) is Dispatch
        server.handle(Reply(request.request, answer), number)
        assert type(server.poll()) is SendBytes
        assert server.poll() is None
        assert server.deadline < inf

    return step


def _stack_heartbeat() -> Step:
    return _answering_stack(SessionConfig(), "Heartbeat", "{}", _TIME)


def _stack_meter_values() -> Step:
    config = SessionConfig(validator=load_validator("ocpp1.6"))
    return _answering_stack(config, "MeterValues", _METER_VALUES_JSON, {})


def _stack_call(client: ClientStack | None = None) -> Step:
    _, client, attempt = _pair(SessionConfig(), client or _client())
    numbers = count(1)

    def step() -> None:
        number = next(numbers)
        client.handle(StartCall(number, "Heartbeat", {}), number)
        assert type(client.poll()) is SendBytes
        assert client.poll() is None
        assert client.deadline < inf
        client.handle(BytesReceived(frame(TEXT, _result_text(number).encode(), masked=False), attempt), number)
        settled = client.poll()
        assert type(settled) is Settle
        assert settled.result == _TIME
        assert client.poll() is None
        assert client.deadline < inf

    return step


# Sessions


def _session() -> Session:
    return Session(SessionConfig(), OCPP16, ids=_ids(), numbers=count(1))


def _session_answers() -> Step:
    session = _session()
    numbers = count(1)

    def step() -> None:
        number = next(numbers)
        session.handle(TextReceived(call_text(number, "Heartbeat", "{}")), number)
        request = session.poll()
        assert type(request) is Dispatch
        session.handle(Reply(request.request, _TIME), number)
        assert type(session.poll()) is SendText
        assert session.poll() is None

    return step


def _session_calls() -> Step:
    session = _session()
    numbers = count(1)

    def step() -> None:
        number = next(numbers)
        session.handle(StartCall(number, "Heartbeat", {}), number)
        assert type(session.poll()) is SendText
        session.handle(TextReceived(_result_text(number)), number)
        assert type(session.poll()) is Settle
        assert session.poll() is None

    return step


# A server without an event loop


def _serving(**rules: Any) -> Loop:
    """Accept one station, with acceptor, driver, dispatcher and handlers."""
    loop = Loop()
    handlers = Handlers()
    handlers.handle("Heartbeat", _heartbeat)
    handlers.handle("DataTransfer", _data_transfer)
    handlers.handle("MeterValues", _meter_values)
    options = ServerOptions(protocols=("ocpp1.6",), **rules)
    stations = ConnectionRegistry(lambda: None, options.identities)  # type: ignore[arg-type, return-value]  # nothing waits for it
    acceptor = Acceptor(
        loop,  # type: ignore[arg-type]  # the needed part of a runtime
        {None: RoutingPlan(StationRules(options, (handlers,)))},
        stations,
        ConnectionCallbacks(stations.opened, lambda _, release: release(), stations.ended, CloseGrace(), _ignore),
        HttpHandlers(),
        refused=_ignore,
        failed=_ignore,
        lost=_ignore,
        alarmed=_ignore,
        gate=SocketGate(_ignore),
    )
    loop.driver = acceptor.connected(loop, ConnectionFacts())  # type: ignore[arg-type]  # the needed part of a host
    loop.receive(REQUEST)
    assert loop.take().startswith(b"HTTP/1.1 101 ")
    return loop


def _ignore(*_: object) -> None:
    pass


def _heartbeat(_: HandlerContext) -> dict[str, Any]:
    return _TIME


async def _data_transfer(_: HandlerContext) -> dict[str, Any]:
    return {"status": "Accepted"}


def _meter_values(_: HandlerContext) -> dict[str, Any]:
    return {}


def _served(loop: Loop, action: str, payload_json: str) -> Step:
    frames = _call_frames(action, payload_json)

    def step() -> None:
        message_id, frame = next(frames)
        loop.time += _PACE
        loop.receive(frame)
        assert b'[3,"' + message_id in loop.take()

    return step


def _served_heartbeat() -> Step:
    return _served(_serving(), "Heartbeat", "{}")


def _served_in_task() -> Step:
    return _served(_serving(), "DataTransfer", '{"vendorId":"example"}')


def _served_within_limits() -> Step:
    return _served(_serving(inbound_rate=100, action_rates={"Heartbeat": 10}, metrics=True), "Heartbeat", "{}")


def _served_meter_values() -> Step:
    return _served(_serving(strict_mode=True), "MeterValues", _METER_VALUES_JSON)


def _keepalive() -> Step:
    loop = _serving()
    pong = frame(PONG, b"", masked=True)

    def step() -> None:
        while not loop.sent:
            loop.ring()
        assert loop.take() == b"\x89\x00"
        loop.receive(pong)
        assert not loop.sent

    return step


# A client without an event loop


def _calling() -> tuple[OCPPClient, Loop]:
    """Connect a client."""
    loop = Loop()
    client = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])
    client._runtime = loop  # type: ignore[assignment]  # the needed part of a runtime
    stack = client._make_stack(loop.sources)
    client._engine = stack.engine
    client._driver = loop.driver = Driver(stack, loop, client._delegate, dialer=lambda *_: loop)  # type: ignore[arg-type]  # the same, and the needed part of a host
    loop.driver.feed(Connect(0))
    loop.attempt = 1
    loop.driver.feed(StreamOpened(loop.attempt))
    loop.receive(accepting(loop.take()))
    return client, loop


def _called() -> Step:
    client, loop = _calling()

    def step() -> None:
        loop.time += _PACE
        call = client.call("Heartbeat", {})
        call.send(None)
        message_id = unmasked(loop.take()).split(b'"', 2)[1]
        loop.receive(frame(TEXT, b'[3,"%b",%b]' % (message_id, _TIME_JSON.encode()), masked=False))
        assert result_of(call) == _TIME

    return step


SCENARIOS: Final[Mapping[str, Callable[[], Step]]] = {
    "session: a Heartbeat answered": _session_answers,
    "session: a Heartbeat asked for": _session_calls,
    "stack: a Heartbeat answered": _stack_heartbeat,
    "stack: MeterValues of five samples answered, strictly": _stack_meter_values,
    "stack: a Heartbeat asked for": _stack_call,
    "server: a Heartbeat handled": _served_heartbeat,
    "server: a DataTransfer handled by a coroutine": _served_in_task,
    "server: a Heartbeat handled, with two rates and metrics": _served_within_limits,
    "server: MeterValues of five samples handled, strictly": _served_meter_values,
    "server: a ping and its pong": _keepalive,
    "client: a Heartbeat called": _called,
}
"""Functions that set up each scenario, by name."""
