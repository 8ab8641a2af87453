"""Every public method of the asynchronous classes has a blocking twin of the same arguments, or a reason not to."""

from inspect import Parameter, signature
from typing import Any, Final

import pytest

from ocpp_transports import EventStream, HandlerContext, Listener, OCPPClient, OCPPRouter, OCPPServer, OCPPServerClient
from ocpp_transports._handlers._contexts import Signal
from ocpp_transports.blocking import (
    BlockingClient,
    BlockingEventStream,
    BlockingFleetCall,
    BlockingHandlerContext,
    BlockingListener,
    BlockingRouter,
    BlockingServer,
    BlockingServerClient,
    BlockingSignal,
    BlockingTicket,
    BlockingTicketStream,
)
from ocpp_transports.fleet import FleetCall
from ocpp_transports.outbox import Ticket, TicketStream

TWINS: Final[dict[type, type]] = {
    OCPPClient: BlockingClient,
    OCPPServer: BlockingServer,
    OCPPServerClient: BlockingServerClient,
    OCPPRouter: BlockingRouter,
    HandlerContext: BlockingHandlerContext,
    EventStream: BlockingEventStream,
    FleetCall: BlockingFleetCall,
    Listener: BlockingListener,
    Signal: BlockingSignal,
    Ticket: BlockingTicket,
    TicketStream: BlockingTicketStream,
}

WITHOUT: Final = {
    "OCPPServer.run": "`serve_forever` is the whole program already: the constructor names the loop",
    "OCPPServer.include": "functions of a router that servers share run in event loops: `wrapped.include` attaches it",
    "OCPPRouter.include": "functions of a router that servers share run in event loops: `wrapped.include` attaches it",
    "OCPPServer.draining": "it waits for a signal in an event loop; a program without one calls `close`",
    "OCPPClient.divert_messages": "its function runs in the event loop, and is for tests of peers",
    "OCPPServer.incoming": "for WebSocket libraries, which run in an event loop",
    "OCPPServer.http_response": "for WebSocket libraries, which run in an event loop",
    "EventStream.put": "for the library",
    "EventStream.finish": "for the library",
    "EventStream.aclose": "it is `close`",
    "Listener.aclose": "it is `close`",
    "HandlerContext.abandon": "for the library",
    "HandlerContext.finish": "for the library",
    "HandlerContext.direction": "for middleware, which runs in the event loop",
    "HandlerContext.is_late": "for the library",
    "HandlerContext.is_over": "for the library",
    "Signal.set": "for the library",
    "TicketStream.aclose": "it is `close`",
}
"""What has no twin, and why."""

MORE: Final = {"max_wait", "loop", "max_threads"}
"""Parameters that only blocking methods have."""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    found = signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in found if each.name not in MORE]


def pairs() -> list[Any]:
    return [pytest.param(kind, twin, id=kind.__name__) for kind, twin in TWINS.items()]


@pytest.mark.parametrize(("kind", "twin"), pairs())
def test_every_name_has_a_twin_or_a_reason_not_to(kind: type, twin: type) -> None:
    without = {name.partition(".")[2] for name in WITHOUT if name.startswith(f"{kind.__name__}.")}
    assert public(kind) - public(twin) == without - public(twin)
    assert without <= public(kind) - public(twin)


@pytest.mark.parametrize(("kind", "twin"), pairs())
def test_twins_take_the_same_arguments(kind: type, twin: type) -> None:
    shared = [name for name in public(kind) & public(twin) if callable(getattr(kind, name))]
    differ = {name for name in shared if parameters(getattr(kind, name)) != parameters(getattr(twin, name))}
    assert differ <= ({"wait"} if kind is Signal else set())
    assert all(each.kind is not Parameter.VAR_POSITIONAL for each in signature(twin).parameters.values())
