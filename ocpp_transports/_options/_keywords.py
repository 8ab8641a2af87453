"""The options as keyword arguments, for type checkers and editors; meanings and defaults stand in the dataclasses."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from ocpp_core.backoff import Backoff
from ocpp_core.config import Compression, IdFactory
from ocpp_core.handshake import Query, SecurityProfile
from ocpp_core.identity import IdentityCharacters
from ocpp_core.messages import Leniency
from ocpp_transports._logging._log import Logging
from ocpp_transports.handshake import AuthHandler, BrokenEscapes, Credentials, Identify, UnmatchedProtocol

if TYPE_CHECKING:  # a browser loads neither
    from ssl import SSLContext

    from ocpp_core.validation import SchemaValidator
    from ocpp_transports._tls._contexts import TLSOptions

__all__ = [
    "BrowserChanges",
    "BrowserKeywords",
    "ClientChanges",
    "ClientKeywords",
    "PeerKeywords",
    "ReconnectKeywords",
    "ServerKeywords",
    "SocketKeywords",
]


class PeerKeywords(TypedDict, total=False):
    """See `PeerOptions`."""

    call_timeout: float
    call_ttl: float
    call_concurrency: int
    max_queued: int
    max_queued_bytes: float
    max_outgoing_size: float
    max_elements: float
    refuse_when_busy: bool
    max_held: float
    max_held_bytes: float
    answer_window: float
    close_timeout: float
    drain_timeout: float
    strict_mode: bool | Collection[str]
    strict_mode_methods: Collection[str] | None
    strict_mode_validators: "Collection[SchemaValidator]"
    max_bad_messages: float
    bad_message_period: float
    respond_with_detailed_errors: bool
    handler_grace: float
    handler_timeout: float
    send_timeout: float
    in_order: bool
    leniency: Leniency
    mend_text: Callable[[str], str] | None
    logging: Logging
    id_factory: IdFactory


class SocketKeywords(PeerKeywords, total=False):
    """See `SocketOptions`."""

    ping_interval: float
    pong_timeout: float | None
    defer_pings_on_activity: bool
    warm_up: bool
    max_message_size: float
    message_timeout: float
    min_message_rate: float
    max_unfinished_size: float
    compression: bool | Compression


class ReconnectKeywords(PeerKeywords, total=False):
    """See `ReconnectOptions`."""

    query: Query | None
    reconnect: bool
    max_reconnects: float
    backoff_min: float
    backoff_max: float
    backoff: Backoff | None
    max_retry_after: float
    connect_timeout: float
    retry_initial_connect: bool
    offline_queue: bool
    offline_queue_size: int


class ClientKeywords(ReconnectKeywords, SocketKeywords, total=False):
    """See `ClientOptions`."""

    security_profile: SecurityProfile | int
    password: str | bytes | None
    tls: "TLSOptions | SSLContext | None"
    headers: Mapping[str, str]


class ClientChanges(ClientKeywords, total=False):
    """What `OCPPClient.reconfigure` takes."""

    endpoint: str
    protocols: Sequence[str]


class BrowserKeywords(ReconnectKeywords, total=False):
    """See `BrowserOptions`."""

    password: str | bytes | None


class BrowserChanges(BrowserKeywords, total=False):
    """What `BrowserOCPPClient.reconfigure` takes."""

    endpoint: str
    protocols: Sequence[str]


class ServerKeywords(SocketKeywords, total=False):
    """See `ServerOptions`."""

    protocols: Sequence[str]
    security_profile: SecurityProfile | int
    credentials: Credentials | None
    identify: Identify
    auth: AuthHandler | None
    tls: "TLSOptions | SSLContext | None"
    tls_terminated: bool
    default_protocol: str | None
    unmatched_protocol: UnmatchedProtocol
    broken_escapes: BrokenEscapes
    identity_characters: IdentityCharacters
    max_identity_length: float
    ignore_identity_case: bool
    paths_without_identity: Collection[str]
    require_connection_header: bool
    handshake_timeout: float
    max_tls_handshakes: int
    max_connections: float
    max_handshakes: float
    max_handshakes_per_address: float | None
    max_sockets: float | None
    max_sockets_per_address: float | None
