"""Generates the types of the methods that listen to events, and the reference page of the events.

The names and payloads come from `ocpp_transports.event_names`, the meanings from the docstrings of the payloads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from ocpp_transports import events
from ocpp_transports.event_names import PEER_EVENTS, SERVER_EVENTS, STATION_EVENTS
from tools.declarations import table

__all__ = [
    "blocking_of_peers",
    "blocking_of_servers",
    "events_page",
    "listening_of_peers",
    "listening_of_servers",
]

# Types of the methods

LIFE: Final = ("connecting", "open", "disconnect", "reconnect", "close")
"""What happens to a connection; any two of them are often awaited together."""
MESSAGES: Final = ("message", "call", "call_result", "call_error")
REFUSALS: Final = ("upgrade_aborted", "connection_failed", "security")

HANDLE: Final = "OCPPServerClient"
"""The payload of the event `client`, and the station in a `StationEvent`."""


ON: Final = """Call `listener(payload)` at every event `name`; without a listener, return a decorator.

        A coroutine function runs as a task of this object, one for each event. For events of messages, which a peer can
        send faster than the function returns, prefer `events`. If a listener raises, the exception is logged and an
        `error` event is emitted. Raises ValueError for an unknown name, TypeError for a listener that cannot be called.
        """
ONCE: Final = "Call `listener(payload)` at the next event `name` only; otherwise like `on`."
EVENTS: Final = """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `async for event in x.events("open")`. Events are kept from this call on, at most `limit` of them
        and 16 MiB. Events beyond the limit are replaced by one `OverflowEvent`. The iteration ends after the `{last}`
        event, or with `aclose`. Raises ValueError for an unknown name, and for a limit that is not an integer or below
        1.
        """
BLOCKING_ON: Final = """Call `listener(payload)` at every event `name`; without a listener, return a decorator.

        A plain function runs in a thread, one event after the other, and may block. If 1000 events or 16 MiB wait for
        it, further ones are dropped, which is logged and emitted as an `error` event. A coroutine function runs in the
        event loop. If a listener raises, the exception is logged and an `error` event is emitted. Raises ValueError for
        an unknown name, TypeError for a listener that cannot be called.
        """
BLOCKING_EVENTS: Final = """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `for event in x.events("open")`, in one thread. Events are kept from this call on, at most `limit`
        of them and 16 MiB. Events beyond the limit are replaced by one `OverflowEvent`. If there is no event for
        `max_wait` seconds, the iterator raises TimeoutError; you may continue with it. The iteration ends after the
        `{last}` event, or with its `close()`. Raises ValueError for an unknown name, for a limit that is not an integer
        or below 1, and for a negative `max_wait`.
        """


@dataclass(frozen=True, slots=True)
class Payload:
    """The type of a payload. `of_station` means that it comes wrapped in a `StationEvent`."""

    name: str
    of_station: bool = False

    @property
    def listener(self) -> str:
        """The name of the type variable of its listeners."""
        kind = "Client" if self.name == HANDLE else self.name.removesuffix("Event")
        return f"{'Station' if self.of_station else ''}{kind}ListenerT"


@dataclass(frozen=True, slots=True)
class Emitting:
    """A class that emits events: how to generate the class it inherits `on`, `once`, `off` and `events` from."""

    title: str
    name: str
    names: str
    """The type of the names."""
    doc: str
    last: str
    """The event that ends an iteration."""
    payloads: Mapping[str, Payload]
    """The payload of each event."""
    groups: Sequence[Sequence[str]]
    """Names of several payloads for which `events` returns their union; for others it returns that of all payloads.

    They are few because mypy lists every overload below an unknown name.
    """
    package: str
    """The package of the base class and the stream; empty if the generated file is in it."""
    on: str = ON
    """The docstring of `on`."""
    events: str = EVENTS
    """The docstring of `events`."""


PEER: Final = Emitting(
    title="Listening to the events of a client, or of a server's handle on a station",
    name="PeerEvents",
    names="PeerEventName",
    doc="Methods to listen to the events of a connection.",
    last="close",
    payloads={name: Payload(kind.__name__) for name, kind in PEER_EVENTS.items()},
    groups=(*combinations(LIFE, 2), LIFE, (*MESSAGES, "close")),
    package="",
)
SERVER: Final = Emitting(
    title="Listening to the events of a server",
    name="ServerEvents",
    names="ServerEventName",
    doc="Methods to listen to the events of a server and of all its connections.",
    last="closed",
    payloads={
        name: Payload(PEER_EVENTS[name].__name__, of_station=True)
        if name in STATION_EVENTS
        else Payload(HANDLE if name == "client" else kind.__name__)
        for name, kind in SERVER_EVENTS.items()
    },
    groups=(
        ("client", "close"), ("open", "close"), (*MESSAGES, "close"), STATION_EVENTS, *combinations(REFUSALS, 2),
        REFUSALS,
    ),
    package="ocpp_transports._peer",
)  # fmt: skip

FILE: Final = '''"""{title}, with the type of each payload.

Generated by tools/build_docs.py, see `make docs`: change tools/events.py, not this file.
"""

# fmt: off
# The first overload that fits applies: one payload, then a few, then the union of all, which overlaps with the others.
# mypy: disable-error-code="overload-overlap"
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

{imports}
{variables}
__all__ = ["{name}"]


class {name}(EventMixin):
    """{doc}"""
{methods}'''
METHOD: Final = '''
    if TYPE_CHECKING:
{overloads}
    def {signature}
        """{doc}"""
        return self._emitter.{call}
'''
OFF: Final = '''
    def off(self, name: {names}, listener: Callable[..., object] | None = None) -> None:
        """Remove a listener, or all of an event; ignored if it is not registered.

        Raises ValueError for an unknown name.
        """
        self._emitter.off(name, listener)
'''
BLOCKING: Final = (
    ("from ._event_stream import EventStream", "from ._events import BlockingEventStream"),
    ("from ._mixins import EventMixin", "from ._registration import BlockingEventMixin"),
    (f"from ._connection import {HANDLE}", "from ._station import BlockingServerClient"),
    ("(EventMixin)", "(BlockingEventMixin)"),
    (HANDLE, "BlockingServerClient"),
    (" EventStream[", " BlockingEventStream["),
    ("limit: int = ...", "limit: int = ..., max_wait: float = ..."),
    ("limit: int = 1000", "limit: int = 1000, max_wait: float = inf"),
    ("limit=limit", "limit=limit, max_wait=max_wait"),
    ("from typing import TYPE_CHECKING, Any", "from math import inf\nfrom typing import TYPE_CHECKING, Any"),
)
"""What differs in the blocking twin."""


def listening_of_peers() -> str:
    """Return the text of `_peer/_listening.py`."""
    return listening(PEER)


def listening_of_servers() -> str:
    """Return the text of `_server/_listening.py`."""
    return listening(SERVER)


def blocking_of_peers() -> str:
    """Return the text of `blocking/_peer_events.py`."""
    return blocking(PEER)


def blocking_of_servers() -> str:
    """Return the text of `blocking/_server_events.py`."""
    return blocking(SERVER)


def blocking(emitting: Emitting) -> str:
    """Return the file of the blocking twin: its streams have a limit of time, and stations are blocking handles."""
    twin = replace(
        emitting,
        title=f"{emitting.title}, in threads",
        name=f"Blocking{emitting.name}",
        package="",
        on=BLOCKING_ON,
        events=BLOCKING_EVENTS,
    )
    text = listening(twin)
    for ours, theirs in BLOCKING:
        text = text.replace(ours, theirs)
    return text


def listening(emitting: Emitting) -> str:
    """Return the file of the class that a class which emits events inherits from."""
    names = emitting.names
    methods = [
        METHOD.format(
            overloads="".join(overloads_of(emitting, method)),
            signature=f"{method}(self, name: {names}, listener: Any = None) -> Any:",
            doc=doc,
            call=f"{method}(name, listener)",
        )
        for method, doc in (("on", emitting.on), ("once", ONCE))
    ]
    iteration = METHOD.format(
        overloads="".join(streams_of(emitting)),
        signature=f"events(self, *names: {names}, limit: int = 1000) -> EventStream[Any]:",
        doc=emitting.events.format(last=emitting.last),
        call="events(*names, limit=limit)",
    )
    return FILE.format(
        title=emitting.title,
        name=emitting.name,
        doc=emitting.doc,
        imports=imports_of(emitting),
        variables="".join(variables_of(emitting)),
        methods="".join([*methods, OFF.format(names=names), iteration]),
    )


def imports_of(emitting: Emitting) -> str:
    """Return the imports, in the order of ruff."""
    used, handle = {payload.name for payload in emitting.payloads.values()}, ""
    if HANDLE in used:
        used = {*used, "StationEvent"} - {HANDLE}
        handle = f"\n    from ._connection import {HANDLE}\n"
    listed = "".join(f"        {name},\n" for name in sorted(used))
    return (
        f"from {emitting.package}._event_stream import EventStream\n"
        f"from {emitting.package}._mixins import EventMixin\n\n"
        "if TYPE_CHECKING:\n"
        "    from collections.abc import Callable\n"
        "    from typing import Literal, TypeAlias, TypeVar, overload\n\n"
        f"    from ocpp_transports.event_names import {emitting.names}\n"
        f"    from ocpp_transports.events import (\n{listed}    )\n{handle}"
    ).rstrip("\n")


def kinds_of(emitting: Emitting) -> dict[Payload, list[str]]:
    """Return the names of the events of each payload, in order."""
    kinds: dict[Payload, list[str]] = {}
    for name, payload in emitting.payloads.items():
        kinds.setdefault(payload, []).append(name)
    return kinds


def variables_of(emitting: Emitting) -> Iterator[str]:
    """Yield the union of all payloads, and the type variables of listeners: a decorator returns what it decorates."""
    yield f"\n    AnyEvent: TypeAlias = {union(emitting.payloads.values())}\n"
    yield '    ResultT = TypeVar("ResultT")\n'
    cases = [(payload.listener, union([payload])) for payload in kinds_of(emitting)]
    for name, payload in (*cases, ("ListenerT", "AnyEvent")):
        yield f'    {name} = TypeVar("{name}", bound=Callable[[{payload}], object])\n'


def union(payloads: Iterable[Payload]) -> str:
    """Return the union of payloads as text. Those of stations share one `StationEvent`."""
    unique = dict.fromkeys(payloads)
    plain = [payload.name for payload in unique if not payload.of_station]
    inner = " | ".join(payload.name for payload in unique if payload.of_station)
    return " | ".join([*plain, f"StationEvent[{inner}, {HANDLE}]"] if inner else plain)


def overloads_of(emitting: Emitting, method: str) -> Iterator[str]:
    """Yield the overloads of `on` or `once`: for each payload the decorator and the call with a listener."""
    cases = [(literal(names), union([payload]), payload.listener) for payload, names in kinds_of(emitting).items()]
    for name, payload, listener in (*cases, (emitting.names, "AnyEvent", "ListenerT")):
        yield overload(method, f"name: {name}, listener: None = None", f"Callable[[{listener}], {listener}]")
        kept = f"Callable[[{payload}], ResultT]"
        yield overload(method, f"name: {name}, listener: {kept}", kept)


def streams_of(emitting: Emitting) -> Iterator[str]:
    """Yield the overloads of `events`: without names, for each payload, for each group, for all names."""
    yield stream("", "AnyEvent")
    for payload, names in kinds_of(emitting).items():
        yield stream(literal(names), union([payload]))
    for group in emitting.groups:
        yield stream(literal(group), union(emitting.payloads[name] for name in group))
    yield stream(emitting.names, "AnyEvent")


def stream(names: str, payload: str) -> str:
    """Return one overload of `events`."""
    arguments = f"name: {names}, /, *names: {names}" if names else "*"
    return overload("events", f"{arguments}, limit: int = ...", f"EventStream[{payload}]")


def overload(method: str, arguments: str, returned: str) -> str:
    """Return one overload."""
    return f"        @overload\n        def {method}(self, {arguments}) -> {returned}: ...\n"


def literal(names: Iterable[str]) -> str:
    """Return the type of these names."""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"Literal[{listed}]"


# The reference

PAGE: Final = """
# Events

The events of clients and servers: the payload, and when each event is emitted. Register a listener with
`on("open", listener)` or `@client.on("open")`, or iterate: `async for event in client.events("open", "close")`.
The payloads are classes of `ocpp_transports.events`; their docstrings document every field.

Type checkers know the payload of each name. An iterator yields the union of the payloads, and `OverflowEvent` if it was
too slow. For combinations of names that are rarely used together, the union has the payloads of all names.
"""
OF_PEERS: Final = """
## Events of `OCPPClient`, `BrowserOCPPClient` and `OCPPServerClient`

A `MessageEvent` has every message; the narrower events save a listener the filter.
"""
OF_SERVERS: Final = """
## Events of `OCPPServer`

A `StationEvent` has the event of one connection in `event`, and the `OCPPServerClient` in `client`.
"""
PAYLOADS: Final = """
## Payloads

::: ocpp_transports.events
    options:
      show_root_heading: false
      show_root_toc_entry: false
      heading_level: 3

## Names

::: ocpp_transports.event_names
    options:
      show_root_heading: false
      show_root_toc_entry: false
      heading_level: 3
"""
MEANINGS: Final = {
    "message": "A message of any type was sent or received.",
    "call": "A CALL or SEND was sent or received.",
    "call_result": "A CALLRESULT was sent or received.",
    "call_error": "A CALLERROR or CALLRESULTERROR was sent or received.",
}
"""Meanings of the events that share a payload."""
MEANINGS_OF_SERVERS: Final = {
    "client": "A station connected. Its CALLs without a handler wait until the listeners have returned.",
    "error": "A callback of the application raised, for example `auth` or a listener.",
    "closing": "The server begins to close; the payload has the code that the stations get.",
    "closed": "The server has closed every listener and connection, and ended every task.",
}


def events_page() -> str:
    """Return the page of events, with a table for connections and one for servers."""
    head = ("Event", "Payload", "Emitted when")
    peers = ((f"`{name}`", f"`{payload.name}`", meaning(name, payload)) for name, payload in PEER.payloads.items())
    servers = (
        (f"`{name}`", f"`{union([payload])}`", MEANINGS_OF_SERVERS.get(name) or meaning(name, payload))
        for name, payload in SERVER.payloads.items()
    )
    tables = (OF_PEERS, "\n", table(head, peers), OF_SERVERS, "\n", table(head, servers))
    return "".join((PAGE.lstrip("\n"), *tables, PAYLOADS))


def meaning(name: str, payload: Payload) -> str:
    """Return when an event is emitted: the first line of the payload's docstring, unless several events share it."""
    return MEANINGS.get(name) or str(getattr(events, payload.name).__doc__).splitlines()[0]
