"""The limits and policies of the engines, frozen and validated on construction.

Times are in seconds and sizes in bytes, unless stated otherwise; `inf` means no limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from sys import float_info
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, get_args

from .backoff import Backoff, ExponentialBackoff
from .limits import Rate, expect_rates
from .messages import Leniency
from .metering.meter import SessionMeter
from .versions import ErrorCode, Version
from .websocket.headers import expect_subprotocols

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "ClientConfig",
    "Compression",
    "IdFactory",
    "InboundLimit",
    "Kind",
    "LinkConfig",
    "Range",
    "SessionConfig",
    "UpgradeTarget",
    "Validator",
    "Violation",
    "expect_declared",
    "number",
]

_Number = TypeVar("_Number", bound=float | None)

Kind: TypeAlias = Literal["call", "result", "send"]
"""The message type of a schema: CALL, CALLRESULT or SEND."""
IdFactory: TypeAlias = Callable[[], str]
"""Function that returns message IDs: at most 36 characters, unique over all connections and restarts of a sender."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The reason why a payload is refused.

    It is an error code and at most 255 characters that name the path and the rule.
    """

    code: ErrorCode
    """The error code for the peer, in the spelling of OCPP 2.x."""
    description: str
    """What breaks the schema, and where."""


class Validator(Protocol):
    """A validator of payloads for one protocol.

    It never refuses an action that it does not know.
    """

    def has(self, action: str) -> bool:
        """Return True if there is a schema for the action."""

    def check_call(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALL."""

    def check_result(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALLRESULT."""

    def check_send(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a SEND."""

    def without_nulls(self, kind: Kind, action: str, payload: object) -> Any:
        """Return a payload without the members that are null although the schema does not allow null.

        Args:
            kind: The type of the message, which selects the schema.
            action: The action of the message.
            payload: The payload; it is not changed.
        """


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting accepts."""

    least: float
    most: float = inf
    excludes_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        """Return the range for errors and the documentation: `>= 1 CALLs`, `> 0 seconds`, `0 to 9`."""
        if self.most != inf:
            return f"{self.least:.15g} to {self.most:.15g} {self.unit}".rstrip()
        return f"{'>' if self.excludes_least else '>='} {self.least:.15g} {self.unit}".rstrip()

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.least <= value <= self.most:
            return False
        if float_info.max < value < inf:  # an integer to which no time can be added
            return False
        return value > self.least or not self.excludes_least


def number(
    default: _Number,
    *,
    least: float = 0,
    above: float | None = None,
    most: float = inf,
    unit: str = "seconds",
) -> _Number:
    """Return a dataclass field for a number with its default and its range, for `expect_declared`.

    The range begins at `least`, or just above `above`. If the default is None, None is accepted as well.
    """
    allowed = Range(least, most, unit=unit) if above is None else Range(above, most, excludes_least=True, unit=unit)
    return field(default=default, metadata={"range": allowed})


def expect_declared(settings: "DataclassInstance") -> None:
    """Raise for the first number or bool of a dataclass that differs from its declaration.

    Raises ValueError for a number out of its range, and for a fraction or `inf` if the type is `int`, which would fail
    only when it is used. Raises TypeError for a value that is not a bool if the type is `bool`: `"no"` must not count
    as True.
    """
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.type is bool and not isinstance(value, bool):
            raise TypeError(f"expected {each.name} as bool, got {value!r}")
        allowed: Range | None = each.metadata.get("range")
        if allowed is None or (value is None and each.default is None):
            continue
        if value not in allowed:
            raise ValueError(f"expected {each.name} {allowed}, got {value!r}")
        if each.type is int and not isinstance(value, int):
            raise ValueError(f"expected {each.name} {allowed} as an integer, got {value!r}")


InboundLimit: TypeAlias = Literal["delay", "reject", "disconnect"]
"""What happens to a CALL or SEND beyond a rate, see `SessionConfig.inbound_limit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """The settings of one OCPP-J session.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a `mend_text` that is not a
    function.
    """

    call_timeout: float = number(30.0, above=0)
    """Seconds to wait for a response after the write (OCPP-J §4.1.1); then the call settles with TimeoutError. `inf`:
    no limit."""
    call_ttl: float = number(inf, above=0)
    """Seconds from the command to the write; then the call settles with TimeoutError and is never sent."""
    call_concurrency: int = number(1, least=1, unit="CALLs")
    """Outstanding CALLs at a time; OCPP-J §4.1.1 requires 1. Further CALLs are queued."""
    max_queued: int = number(1000, least=0, unit="calls")
    """Calls in the queue; beyond, a new call settles with CallDroppedError."""
    max_queued_bytes: float = number(8 << 20, least=0, unit="bytes")
    """Bytes of the payloads of queued calls, and of those in a client's offline queue; beyond, a call settles with
    CallDroppedError. The default is enough for 1,000 calls of 8 KiB, or for a SendLocalList in eight messages of a MiB,
    to one slow peer. SENDs and raw texts may take as many bytes again while the output does not drain; beyond, a SEND
    settles with CallDroppedError and a raw text is reported as not sent."""
    max_outgoing_size: float = number(1 << 20, least=16384, unit="bytes")
    """Bytes of one sent message, before compression. The default is what this library accepts, and more than most
    stations do. Beyond, the command of a CALL, SEND or raw text raises ValueError, and a response becomes an
    InternalError. Responses to a peer that does not read take at most this times `max_inbound`: until the output
    drains, no more is read."""
    max_elements: float = number(1 << 17, least=1, unit="elements")
    """Members, items and empty brackets of one received message, in all its objects and arrays together; beyond, it is
    a bad message and not parsed, because each may take 70 bytes and a quarter of a microsecond. The largest legitimate
    messages have one in nine bytes or more: a SendLocalList that deletes `{"idTag":"04A1B2C3"}`, a MeterValues of
    `{"value":"1234.5"}`. Raise it along with `LinkConfig.max_message_size`."""
    max_inbound: int = number(132, least=1, unit="requests")
    """Inbound requests in progress, not counting declined ones. Further requests are held."""
    max_inbound_bytes: float = number(1 << 21, least=1, unit="bytes")
    """Bytes of the texts of requests in progress; from there on, further requests are held. A character counts as one
    byte, as most texts take in memory. One request may always be in progress."""
    max_held: float = number(1000, least=1, unit="requests")
    """Held requests; then reading stops until half of them are dispatched. `inf`: no limit."""
    max_held_bytes: float = number(131072, least=1, unit="bytes")
    """Bytes of the texts of held requests; then reading stops until half are dispatched. One text may exceed it."""
    inbound_rate: float = number(inf, least=0.001, unit="CALLs a second")
    """CALLs and SENDs of a peer a second, on average, that reach the application; `inbound_limit` decides about more.
    Responses do not count. Further copies of a CALL count, but get their response at once."""
    inbound_burst: int = number(20, least=1, unit="CALLs")
    """CALLs and SENDs that may arrive together after a pause, regardless of `inbound_rate`."""
    action_rates: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))
    """The same limit for single actions, besides that for all: the rate by action, or the rate and the burst. A rate
    alone has the burst `inbound_burst`."""
    inbound_limit: InboundLimit = "delay"
    """What happens to a CALL or SEND beyond a rate: `delay` holds it until the rate allows it, and reading continues;
    `reject` refuses a CALL with GenericError and drops a SEND; `disconnect` closes the connection with 1008. A
    bucket that connections share never ends one of them: `disconnect` then rejects."""
    max_delayed: int = number(8, least=0, unit="CALLs")
    """CALLs and SENDs of a connection that `delay` holds at a time, within `max_held_bytes`; further ones are treated
    as with `reject`. A conforming peer has one CALL outstanding (OCPP-J §4.1.1)."""
    refuse_when_busy: bool = False
    """True to refuse a CALL beyond `max_inbound` with GenericError instead of holding it. A SEND is held regardless."""
    answer_window: float = number(120.0, least=0)
    """Seconds for which a CALLRESULT is stored, to answer further copies of its CALL; 0: not stored.

    It applies if the engine has an `AnswerMemory`, from the beginning of a connection on. The default is four times
    `call_timeout`: a sender without a response has reconnected and retried by then.
    """
    late_answers: bool = False
    """True if the host answers a request even after `Abandon`, once its handler is done or will not be started.

    Copies of its CALL on a later connection then wait for that response, for `answer_window` seconds at most.
    """
    max_declined: int = number(100, least=0, unit="requests")
    """Declined (NOREPLY) requests without a response; beyond, the oldest one is abandoned (`Abandon`)."""
    max_bad_messages: float = number(1000, least=1, unit="messages")
    """Bad messages of a connection within `bad_message_period`; at this number it is closed with 1002, and a client
    reconnects as after a loss. Stations in the field break rules for years, and must not go offline for it: 1,000 an
    hour are more than the meter values of two connectors, sent every ten seconds and always malformed."""
    bad_message_period: float = number(3600.0, above=0)
    """Seconds from a first bad message during which bad messages are counted; the next one after them begins a new
    period. `inf`: they count as long as the connection lasts."""
    drain_timeout: float = number(30.0, above=0)
    """Seconds a draining close waits for responses of both sides; then outstanding calls settle with ClosedError."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the transport is dropped."""
    leniency: Leniency = field(default_factory=Leniency)
    """Tolerances in reading messages, all off by default."""
    mend_text: Callable[[str], str] | None = None
    """Function that receives every text and returns the one to parse instead: for faults of peers that no tolerance
    covers. If it raises or does not return a text, the failure is reported and the text is parsed as received."""
    answer_bad_results: bool = True
    """True to report an unusable CALLRESULT to the peer with a CALLRESULTERROR, if the version has it (2.1)."""
    require_registration: bool = False
    """True to serve a station only once its BootNotification is accepted; for central systems.

    Before that, every other CALL of the station is refused with SecurityError (OCPP-J 1.6 errata 3.8; OCPP 2.x Part 2,
    B02.FR.09 and B03.FR.07), and a SEND is dropped. Calls of this side wait; see `inbound.registration` for those that
    are allowed. It applies to new connections.
    """
    refuse_before_registration: bool = False
    """True to settle a call that `require_registration` does not allow yet with RegistrationRequiredError, instead of
    queueing it."""
    validator: Validator | None = None
    """Strict mode: the validator of payloads in both directions; None checks nothing."""
    validated_actions: frozenset[str] | None = None
    """The only actions that are checked; None means all."""
    trace: bool = False
    """True to emit a `Trace` for every message."""
    meter: SessionMeter | None = None
    """Counts CALLs and the time until their responses, without a `Trace` for each; None counts nothing."""
    is_watched: bool = field(default=False, init=False)
    """True if responses are traced or counted; the session reads this one flag for each of them."""

    def __post_init__(self) -> None:
        expect_declared(self)
        object.__setattr__(self, "is_watched", self.trace or self.meter is not None)
        if self.mend_text is not None and not callable(self.mend_text):
            raise TypeError(f"expected mend_text as a function, got {type(self.mend_text).__name__}")
        if self.inbound_limit not in get_args(InboundLimit):
            raise ValueError(f"expected inbound_limit as delay, reject or disconnect, got {self.inbound_limit!r}")
        expect_rates(self.action_rates)

    def validator_of(self, action: str) -> Validator | None:
        """Return the validator if strict mode applies to the action, otherwise None."""
        return self.validator if self.validated_actions is None or action in self.validated_actions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """The settings of permessage-deflate (RFC 7692).

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool. Without context takeover (the
    default) an idle connection keeps no compressor.
    """

    level: int = number(6, least=0, most=9, unit="")
    """zlib level, 0 to 9."""
    threshold: int = number(1024, least=0, unit="bytes")
    """Messages shorter than this many bytes are sent uncompressed."""
    window_bits: int = number(12, least=9, most=15, unit="")
    """LZ77 window of this side's compressor, 9 to 15 (RFC 7692 §7.1.2). The memory for each message grows with it."""
    context_takeover: bool = False
    """True to keep the compression window from message to message, in both directions (RFC 7692 §7.1.1)."""

    def __post_init__(self) -> None:
        expect_declared(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """The settings of one WebSocket.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a `compression` that is not
    a `Compression`.
    """

    max_message_size: float = number(1 << 20, above=0, unit="bytes")
    """Bytes of one message, after decompression; beyond, the connection is closed with 1009. The compressed message may
    be larger by a quarter and 64 KiB, because compression enlarges incompressible data."""
    max_fragments: float = number(1024, least=1, unit="fragments")
    """Fragments of one message; beyond, the connection is closed with 1009."""
    message_timeout: float = number(60.0, least=1)
    """Seconds a message may take from its first bytes to its last ones, plus one second for every `min_message_rate`
    bytes of it, pings not counted, and the most seconds between two of its bytes; beyond, the connection is closed with
    1008. Time while reading is stopped does not count. `inf`: no limit."""
    min_message_rate: float = number(100.0, above=0, unit="bytes a second")
    """Bytes a second at which a long message must arrive on average; beyond `message_timeout`, 1008. The default is a
    tenth of the rate of a GPRS modem."""
    max_unfinished_size: float = number(64 << 20, above=0, unit="bytes")
    """Bytes of all unfinished messages, decompressed, of the links that share a `link.Unfinished`; beyond, a connection
    that holds more than 64 KiB of them is closed with 1009. Never less than one message of `max_message_size`."""
    max_header_size: int = number(16384, least=256, unit="bytes")
    """Bytes of the HTTP header block; beyond, 431 (server) or a failed attempt (client)."""
    max_early_data: int = number(65536, least=0, unit="bytes")
    """Bytes that may follow the upgrade request before its response; beyond, 400."""
    handshake_timeout: float = number(30.0, above=0)
    """Seconds from the open stream to the end of the handshake, authentication included; then 408."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the stream is dropped (1006)."""
    ping_interval: float = number(30.0, above=0)
    """Seconds between pings, each multiplied by U(0.75, 1.25); `inf` sends none (OCPP WebSocketPingInterval 0)."""
    pong_timeout: float = number(35.0, above=0)
    """Seconds after a ping in which any bytes must arrive; then the connection is dropped. `inf`: no limit. They start
    again when the host reports that output moves, because the ping may wait behind a long message on a slow line."""
    defer_pings_on_activity: bool = False
    """True to postpone a ping while bytes arrived within the interval."""
    compression: Compression | None = None
    """The permessage-deflate settings to offer or accept; None disables compression."""
    require_connection_header: bool = True
    """True to refuse (400) an upgrade request without a Connection field (RFC 6455 §4.2.1); servers only."""

    def __post_init__(self) -> None:
        expect_declared(self)
        compression: object = self.compression
        if compression is not None and not isinstance(compression, Compression):
            raise TypeError(f"expected compression as Compression or None, got {compression!r}")


@dataclass(frozen=True, slots=True)
class UpgradeTarget:
    """The host and the resource of a client's upgrade request, from the next attempt on."""

    host: str
    """The Host header: name or address, with the port if it is not the scheme's default."""
    target: str = field(repr=False)
    """The request target: path and query, percent-encoded; the query may contain a token."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Further header fields, among them Authorization: never logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """The settings of a client for all its connections.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a text as the list of
    `protocols`.
    """

    protocols: tuple[str, ...]
    """Subprotocols offered at every attempt, in order of preference: at least one, distinct tokens."""
    session: SessionConfig = field(default_factory=SessionConfig)
    """The settings of each new session."""
    validators: Mapping[str, Validator] = field(default_factory=lambda: MappingProxyType({}))
    """Strict mode by negotiated subprotocol; the others use `session.validator`."""
    reconnect: bool = True
    """True to reconnect after the loss of an open connection."""
    max_reconnects: float = number(inf, least=0, unit="attempts")
    """Failed attempts in a row; then the client stops with 1001."""
    backoff: Backoff = field(default_factory=ExponentialBackoff)
    """The policy for the wait before each attempt."""
    max_retry_after: float = number(3600.0, least=0)
    """Most seconds of a Retry-After that are respected; 0 ignores it. Jitter of a quarter is added."""
    connect_timeout: float = number(30.0, above=0)
    """Seconds from the start of an attempt to the open WebSocket; then the attempt fails. `inf`: no limit."""
    retry_initial_connect: bool = False
    """True to retry after a failed first attempt as well, except after an invalid 101; `connect` still reports the
    failure."""
    offline_queue: bool = False
    """True to queue calls made without a connection and send them on the next one; a stopped client queues none."""
    offline_queue_size: int = number(100, least=1, unit="calls")
    """Calls in the offline queue; beyond, the oldest one that is not urgent settles with CallDroppedError."""
    versions: tuple[Version, ...] = ()
    """The facts of custom subprotocols; see `versions.version_of`."""

    def __post_init__(self) -> None:
        expect_declared(self)
        expect_subprotocols(self.protocols)
        if self.session.require_registration:
            raise ValueError("expected require_registration only in the config of a server's sessions")
        if self.max_retry_after == inf:
            raise ValueError("expected max_retry_after < inf seconds, got inf: a server could block a client")
