"""Every limit and policy of the engines: frozen, validated on construction, each with what happens at the limit.

Times are seconds, sizes bytes, unless said otherwise; `inf` means no limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from sys import float_info
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

from .backoff import Backoff, ExponentialBackoff
from .messages import Leniency
from .versions import ErrorCode, Version
from .websocket.headers import expect_subprotocols

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "ClientConfig",
    "Compression",
    "IdFactory",
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
"""Which message a schema is of: a CALL, a CALLRESULT or a SEND."""
IdFactory: TypeAlias = Callable[[], str]
"""Makes message ids: at most 36 characters, unique over all connections and restarts of a sender."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a payload is refused: an error code and at most 255 characters that name the path and the rule."""

    code: ErrorCode
    description: str


class Validator(Protocol):
    """Checks payloads against the schemas of one protocol; an action it does not have is never refused."""

    def has(self, action: str) -> bool:
        """Whether there is a schema for the action."""

    def check_call(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALL."""

    def check_result(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALLRESULT."""

    def check_send(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a SEND."""

    def without_nulls(self, kind: Kind, action: str, payload: object) -> Any:
        """Return a payload without the members that are null where the schema does not allow that."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting accepts."""

    least: float
    most: float = inf
    excludes_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        """Return the range as an error and the documentation state it: `>= 1 CALLs`, `> 0 seconds`, `0 to 9`."""
        if self.most != inf:
            return f"{self.least:.15g} to {self.most:.15g} {self.unit}".rstrip()
        return f"{'>' if self.excludes_least else '>='} {self.least:.15g} {self.unit}".rstrip()

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.least <= value <= self.most:
            return False
        if float_info.max < value < inf:  # an integer that no time can be added to
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
    """Declare a field of a dataclass that is a number: its default and its range, for `expect_declared`.

    The range begins at `least`, or `above` another number. A default of None is accepted outside of it.
    """
    allowed = Range(least, most, unit=unit) if above is None else Range(above, most, excludes_least=True, unit=unit)
    return field(default=default, metadata={"range": allowed})


def expect_declared(settings: "DataclassInstance") -> None:
    """Raise for the first number or bool of a dataclass that is not what it was declared as.

    That is ValueError for a number out of its range, and for a fraction or `inf` where the type is `int`, which nothing
    would notice before it is used; TypeError for anything but a bool where one is meant: `"no"` must not mean yes.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """The settings of one connection's conversation.

    Raises ValueError for a value out of range, TypeError for what is no bool or function where one is meant.
    """

    call_timeout: float = number(30.0, above=0)
    """Seconds from write to answer (OCPP-J §4.1.1); then the call settles with TimeoutError. `inf`: never."""
    call_ttl: float = number(inf, above=0)
    """Seconds from the command to the write; then the call settles with TimeoutError and is never sent."""
    call_concurrency: int = number(1, least=1, unit="CALLs")
    """CALLs outstanding at a time; OCPP-J §4.1.1 wants 1. Further ones wait."""
    max_queued: int = number(1000, least=0, unit="calls")
    """Calls that wait for the window; beyond, a new call settles with CallDroppedError."""
    max_queued_bytes: float = number(8 << 20, least=0, unit="bytes")
    """Bytes of the payloads of those calls, and of those in a client's offline queue; beyond, as with too many calls.
    That is 8 KiB for each of 1,000 calls, or a SendLocalList in eight messages of a MiB, for one peer that is slow. As
    much again may wait of SENDs and raw texts while the output does not drain; beyond, a SEND settles with
    CallDroppedError and a raw text is reported as not sent."""
    max_outgoing_size: float = number(1 << 20, least=16384, unit="bytes")
    """Bytes of one message sent, before compression: what this library takes by default, and more than most stations
    do. Beyond, the command of a CALL, SEND or raw text raises ValueError, and an answer becomes an InternalError. Times
    `max_inbound` it is what answers to a peer that reads nothing can hold: while it does not, no more is read."""
    max_elements: float = number(1 << 17, least=1, unit="elements")
    """Members, items and empty brackets of one received message, in all its objects and arrays together; beyond, it is
    a bad message and not parsed, because each may take 70 bytes and a quarter of a microsecond. The largest honest
    messages have one in nine bytes or more: a SendLocalList that deletes `{"idTag":"04A1B2C3"}`, a MeterValues of
    `{"value":"1234.5"}`. Raise it along with `LinkConfig.max_message_size`."""
    max_inbound: int = number(132, least=1, unit="requests")
    """Inbound requests dispatched and not yet answered, declined ones aside. Further requests are held."""
    max_inbound_bytes: float = number(1 << 21, least=1, unit="bytes")
    """Bytes of the texts of requests in progress, from which on further ones are held; a character counts as one, which
    is what a text takes of memory. One may always be at work."""
    max_held: float = number(1000, least=1, unit="requests")
    """Held requests; then reading stops until half of them are dispatched. `inf`: no limit."""
    max_held_bytes: float = number(131072, least=1, unit="bytes")
    """Bytes of the texts of held requests; then reading stops until half are dispatched. One text may exceed it."""
    inbound_rate: float = number(inf, least=0.001, unit="CALLs a second")
    """Inbound CALLs a second, in the long run, that get to the application; one beyond is held until its turn comes,
    and reading goes on. CALLs that are refused for a mistake or repeat another one do not count, nor do SENDs."""
    inbound_burst: int = number(20, least=1, unit="CALLs")
    """CALLs that may come at once after a quiet time, whatever `inbound_rate` says; as many may be held for their turn,
    within `max_held` and `max_held_bytes`. Beyond, a CALL is refused with GenericError."""
    refuse_when_busy: bool = False
    """Refuse a CALL beyond `max_inbound` with GenericError instead of holding it. A SEND is held all the same."""
    answer_window: float = number(120.0, least=0)
    """Seconds for which a CALLRESULT is remembered, to answer further copies of its CALL; 0: not at all.

    It acts where the engine was given an `AnswerMemory`, from the beginning of a connection on. That is four times
    `call_timeout`: a sender that had no answer has come back and tried again by then.
    """
    late_answers: bool = False
    """The host answers a request also after `Abandon`, when its handler is done, or not to be begun.

    Copies of its CALL on a later connection then wait for that answer, for `answer_window` seconds at most.
    """
    max_declined: int = number(100, least=0, unit="requests")
    """Declined (NOREPLY) requests still open; beyond, the oldest one is given up (`Abandon`)."""
    max_bad_messages: float = number(1000, least=1, unit="messages")
    """Bad messages of a connection within `bad_message_period`; at this number it is closed with 1002, and a client
    comes back as after a loss. Stations in the field break rules for years, and must not go offline for it: 1,000 an
    hour are the meter values of two connectors, every ten seconds and every time wrong, with room to spare."""
    bad_message_period: float = number(3600.0, above=0)
    """Seconds from the first bad message in which they are counted; the next one after them is a first one again.
    `inf`: they count as long as the connection lasts."""
    drain_timeout: float = number(30.0, above=0)
    """Seconds a draining close waits for answers; then open calls settle with ClosedError."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the transport is dropped."""
    leniency: Leniency = field(default_factory=Leniency)
    """Tolerances in reading messages, all off by default."""
    mend_text: Callable[[str], str] | None = None
    """Given every text received, returns the one to parse in its place: for peers that no tolerance is made for. Where
    it raises or returns no text, that is reported and the text is read as it came."""
    answer_bad_results: bool = True
    """Tell the peer by CALLRESULTERROR that its CALLRESULT was unusable, where the version has it (2.1)."""
    validator: Validator | None = None
    """Strict mode: checks payloads in both directions; None checks nothing."""
    validated_actions: frozenset[str] | None = None
    """Only these actions are checked; None means all."""
    trace: bool = False
    """Emit a `Trace` for every message."""

    def __post_init__(self) -> None:
        expect_declared(self)
        if self.mend_text is not None and not callable(self.mend_text):
            raise TypeError(f"expected mend_text as a function, got {type(self.mend_text).__name__}")

    def validator_of(self, action: str) -> Validator | None:
        """Return the validator where strict mode is meant for the action."""
        return self.validator if self.validated_actions is None or action in self.validated_actions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """permessage-deflate (RFC 7692). Raises ValueError for a value out of range, TypeError for what is no bool.

    Without context takeover (the default) an idle connection keeps no compressor.
    """

    level: int = number(6, least=0, most=9, unit="")
    """zlib level, 0 to 9."""
    threshold: int = number(1024, least=0, unit="bytes")
    """Messages shorter than this many bytes are sent uncompressed."""
    window_bits: int = number(12, least=9, most=15, unit="")
    """LZ77 window of our compressor, 9 to 15; RFC 7692 §7.1.2. Memory a message in work grows with it."""
    context_takeover: bool = False
    """Keep the compression window from message to message, in both directions (RFC 7692 §7.1.1)."""

    def __post_init__(self) -> None:
        expect_declared(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """The settings of one WebSocket.

    Raises ValueError for a value out of range, TypeError for what is no bool or `Compression` where one is meant.
    """

    max_message_size: float = number(1 << 20, above=0, unit="bytes")
    """Bytes of one message, after decompression; beyond, the connection is closed with 1009. Before, it may have a
    quarter and 64 KiB more, for what compression adds to what cannot be compressed."""
    max_fragments: float = number(1024, least=1, unit="fragments")
    """Fragments of one message; beyond, the connection is closed with 1009."""
    message_timeout: float = number(60.0, least=1)
    """Seconds a message may take from its first bytes to its last ones, and one more for every `min_message_rate` bytes
    of it, pings aside, but never more than this after its latest bytes; beyond, the connection is closed with 1008.
    While nobody reads, no time passes. `inf`: never."""
    min_message_rate: float = number(100.0, above=0, unit="bytes a second")
    """Bytes a second at which a message has to arrive in the long run; a tenth of what a GPRS modem manages."""
    max_unfinished_size: float = number(64 << 20, above=0, unit="bytes")
    """Bytes of all unfinished messages, decompressed, of the links that share a `link.Unfinished`; beyond, a connection
    that holds more than 64 KiB of them is closed with 1009. Never less than one message of `max_message_size`."""
    max_header_size: int = number(16384, least=256, unit="bytes")
    """Bytes of the HTTP header block; beyond, 431 (server) or a failed attempt (client)."""
    max_early_data: int = number(65536, least=0, unit="bytes")
    """Bytes that may follow the upgrade request before its answer; beyond, 400."""
    handshake_timeout: float = number(30.0, above=0)
    """Seconds from the first byte awaited to the end of the handshake, authentication included; then 408."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the stream is dropped (1006)."""
    ping_interval: float = number(30.0, above=0)
    """Seconds between pings, each multiplied by U(0.75, 1.25); `inf` sends none (OCPP WebSocketPingInterval 0)."""
    pong_timeout: float = number(35.0, above=0)
    """Seconds after a ping in which anything at all must arrive; then the connection is dropped. `inf`: never. They
    begin again whenever the host saw output move, for the ping may be behind a long message on a slow line."""
    defer_pings_on_activity: bool = False
    """Postpone a ping while bytes arrived within the interval."""
    compression: Compression | None = None
    """Offer or accept permessage-deflate."""
    require_connection_header: bool = True
    """Answer 400 to an upgrade request without any Connection field (RFC 6455 §4.2.1); servers only."""

    def __post_init__(self) -> None:
        expect_declared(self)
        compression: object = self.compression
        if compression is not None and not isinstance(compression, Compression):
            raise TypeError(f"expected compression as Compression or None, got {compression!r}")


@dataclass(frozen=True, slots=True)
class UpgradeTarget:
    """Where a client asks for the upgrade, from the next attempt on."""

    host: str
    """The Host header: name or address, with the port where it is not the scheme's default."""
    target: str = field(repr=False)
    """The request target: path and query, percent-encoded; the query may hold a token."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Further header fields, among them Authorization: never logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """The settings of a client over its connections.

    Raises ValueError for a value out of range, TypeError for what is no bool where one is meant, and for a text as the
    list of `protocols`.
    """

    protocols: tuple[str, ...]
    """Subprotocols offered at every attempt, in order of preference: at least one; tokens, none of them twice."""
    session: SessionConfig = field(default_factory=SessionConfig)
    """What each new session starts with."""
    validators: Mapping[str, Validator] = field(default_factory=lambda: MappingProxyType({}))
    """Strict mode by negotiated subprotocol; the others use `session.validator`."""
    reconnect: bool = True
    """Come back after a connection that was open is lost."""
    max_reconnects: float = number(inf, least=0, unit="attempts")
    """Failed attempts in a row; then the client stops with 1001."""
    backoff: Backoff = field(default_factory=ExponentialBackoff)
    """How long to wait before each attempt."""
    max_retry_after: float = number(3600.0, least=0)
    """Seconds of a Retry-After that count; a longer one counts as this, 0 ignores all. Jitter of a quarter is added."""
    connect_timeout: float = number(30.0, above=0)
    """Seconds from the dial to the open WebSocket; then the attempt failed. `inf`: no limit."""
    retry_initial_connect: bool = False
    """Keep trying also when the first attempt failed, unless by a 101 that is wrong; `connect` still reports that
    failure."""
    offline_queue: bool = False
    """Keep calls made without a connection and send them when there is one; not those of a stopped client."""
    offline_queue_size: int = number(100, least=1, unit="calls")
    """Calls kept; beyond, the oldest one that is not urgent settles with CallDroppedError."""
    versions: tuple[Version, ...] = ()
    """The facts of custom subprotocols; see `versions.version_of`."""

    def __post_init__(self) -> None:
        expect_declared(self)
        expect_subprotocols(self.protocols)
        if self.max_retry_after == inf:
            raise ValueError("expected max_retry_after < inf seconds: a server must not park a client for good")
