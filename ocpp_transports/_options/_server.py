"""The options of a server: what it speaks, and which stations it accepts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from logging import Logger
from math import inf, isfinite
from ssl import SSLContext
from typing import Any, Final

from ocpp_core.addresses.networks import Networks
from ocpp_core.admission.gates.addresses import AddressGate
from ocpp_core.admission.gates.origins import OriginGate
from ocpp_core.admission.serial_numbers import checks_serial_numbers
from ocpp_core.admission.step import Step
from ocpp_core.config import LinkConfig, Range, number
from ocpp_core.handshake import SecurityProfile, check_certificate_rule, check_deciders, check_server_profile
from ocpp_core.identity import IdentityCharacters, IdentityRule
from ocpp_core.proxies.trusted import TrustedProxies
from ocpp_transports._driver._limits import MAX_TLS_HANDSHAKES, TLS_TIMEOUT
from ocpp_transports._logging._log import Logging, child_logger, logger_of
from ocpp_transports.handshake import (
    AuthHandler,
    BeforeRegistration,
    BrokenEscapes,
    ConnectionMiddleware,
    Credentials,
    ForwardedHeader,
    Handshake,
    Identify,
    Namespace,
    Pins,
    RegistrationRule,
    Replace,
    UnmatchedProtocol,
    Verify,
)

from ._connection import off_at_zero, seconds_or_off
from ._deciders import (
    expect_auth,
    expect_choices,
    expect_connection_middleware,
    expect_credentials,
    expect_identify,
    expect_namespace,
    expect_organizations,
    expect_pair,
    expect_paths,
    expect_pins,
    expect_proxies,
    expect_verify,
)
from ._stations._cluster import ClusterOptions
from ._tls import TLSOptions, expect_tls

__all__ = ["CLOSE_WINDOW", "ServerOptions"]

CLOSE_WINDOW: Final = Range(0, 3600, unit="seconds")
"""The range of the window in which a server closes its connections."""
_IDENTITIES: Final = IdentityRule()
_LINK: Final = LinkConfig()
_MARGIN: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class ServerOptions(ClusterOptions):
    """The options of `OCPPServer`."""

    security_profile: SecurityProfile = SecurityProfile.NONE
    """0 to 3: see `SecurityProfile`."""
    credentials: Credentials | None = field(default=None, repr=False)
    """Passwords by identity, for profiles 1 and 2: a mapping, or a function or coroutine function. A mapping may have a
    `StationKey` in place of an identity."""
    verify: Verify | None = field(default=None, repr=False)
    """Confirms passwords, instead of `credentials`: `verify(identity, password) -> bool`, with the password as bytes.
    A plain function runs in a thread and may block. `ocpp_transports.passwords` has ready ones for hashed passwords."""
    max_password_checks: int = number(4, least=1, unit="checks")
    """Plain `verify` functions that run at a time, each in a thread. Further handshakes wait, those of different
    addresses in rotation, until `handshake_timeout`."""
    identify: Identify = "exact"
    """On profile 3, the identities for which a client certificate is valid: its CN or a subjectAltName equals the
    identity (`exact`), a mapping from CN to identity, a function, or `any`, which is a risk: see `Identify`."""
    certificate_organization: str | Collection[str] | None = None
    """On profile 3, the organization (O) that a client certificate must name, or several of which it must name one
    (A00.FR.404). A station with another one gets 401."""
    certificate_pins: Pins | None = field(default=None, repr=False)
    """On profile 3, the SHA-256 fingerprint of the only certificate that a station may show, or several, by identity: a
    mapping, a function or a coroutine function. A station with another certificate, or without a pin, gets 401."""
    check_serial_number: bool = False
    """On profile 3, compare the serial number in a BootNotification of OCPP 2.x with the CN of the certificate. If they
    differ, close the connection with 1008 (B01.FR.12)."""
    allowed_addresses: Collection[str] | None = None
    """Addresses and networks (CIDR), IPv4 and IPv6, of which a request must come: `["192.0.2.0/24", "2001:db8::7"]`.
    Others get 403, plain HTTP requests too. None allows all."""
    denied_addresses: Collection[str] = ()
    """Addresses and networks (CIDR) whose requests get 403, also if `allowed_addresses` has them."""
    allowed_origins: Collection[str] | None = None
    """Origins of web pages that may connect as a station: `https://app.example`, or `https://*.example` for the
    sub-domains. Others get 403. Requests without an Origin header, as stations send them, pass. None allows all."""
    handshake_rate: float = number(inf, least=0.001, unit="handshakes a second")
    """Upgrade requests a second of one address, on average; if exceeded, they get 429 with a Retry-After. Passwords are
    not checked then, so this limits guessing. IPv6 addresses of one 64-bit network count as one."""
    handshake_burst: int = number(10, least=1, unit="handshakes")
    """Upgrade requests that one address may send at once before `handshake_rate` limits them."""
    connection_middleware: tuple[ConnectionMiddleware, ...] = ()
    """Functions around the check of credentials and `auth`, the outermost first: `async (ctx, proceed)`. Each one
    awaits `proceed()` or rejects the station."""
    auth: AuthHandler | None = None
    """Accepts or rejects handshakes after the credential check: `auth(accept, reject, handshake)`."""
    tls: TLSOptions | SSLContext | None = None
    """Certificates for `listen`."""
    http: bool = False
    """Answer plain GET and HEAD requests: `/health` with 200 as long as the event loop runs, `/ready` with 200, or 503
    while the server closes, and `/metrics` with the metrics if the option `metrics` is on. Register functions for other
    paths with `OCPPServer.http`; any other plain request gets 426."""
    metrics_credentials: tuple[str, str] | None = field(default=None, repr=False)
    """User name and password (HTTP Basic) that `/metrics` demands; None shows it to everybody who reaches the port."""
    tls_terminated: bool = False
    """A proxy in front terminates the TLS of profile 2 or 3 and must check client certificates. Without
    `certificate_header` they are not compared with the identity. With `trusted_proxies`, a station must come through
    one of them, over TLS; others get 403."""
    trusted_proxies: Collection[str] = ()
    """Addresses and networks (`10.0.0.0/24`) of the proxies whose reports about stations count; `unix` for one without
    an address. Their sockets are counted by `max_sockets` only. What other peers report is ignored."""
    forwarded_header: ForwardedHeader | None = None
    """The header field in which every trusted proxy reports the address and scheme of its peer: `x-forwarded-for`, with
    X-Forwarded-Proto, or `forwarded`. From its right end, the first address that is not trusted is the station's."""
    certificate_header: str | None = None
    """On profile 3, the header field in which trusted proxies pass the client certificate on: PEM with percent escapes
    or DER in base64. A station without one gets 401. The proxies must remove the field that a station sends."""
    certificate_verify_header: str | None = None
    """The header field that must be `SUCCESS` or `0` for the certificate to count. None means that the proxies refuse
    every certificate that they cannot verify."""
    default_protocol: str | None = None
    """The subprotocol assumed for a station that offers none; None refuses such a station."""
    unmatched_protocol: UnmatchedProtocol = "reject"
    """Without a common subprotocol: `reject` with 400, or `upgrade-then-close`."""
    broken_escapes: BrokenEscapes = "reject"
    """An identity with an invalid percent escape: `reject` with 400, or `keep` it as it was sent."""
    identity_characters: IdentityCharacters = _IDENTITIES.characters
    """Characters allowed in an identity; others get 400. For OCPP 2.x: letters, digits and `*-_=:+|@.`. For other
    versions: everything printable except `/` and `\\`. `printable` and `any` allow more, see `IdentityCharacters`."""
    max_identity_length: float = number(_IDENTITIES.max_length, least=1, unit="characters")
    """Most characters of an identity; a longer one gets 400. OCPP 2.x has 48, stations of OCPP 1.6 may have more."""
    replace: Replace = "same_address"
    """Who may replace a live connection of its identity if neither a password nor a certificate proves the newcomer's:
    `always`; `same_address`, unknown addresses counting as one, unless the old one has a stronger security profile; or
    `never_live`. Others get 503, and the old one is pinged and dropped if it is silent for `pong_timeout`."""
    registration: RegistrationRule = "optional"
    """With `required`, a station of OCPP must register: until your handler has accepted its BootNotification, its other
    CALLs get SecurityError, and a SEND is dropped."""
    before_registration: BeforeRegistration = "wait"
    """With `registration="required"`, calls to a station that is not registered `wait` in its queue, or `refuse` with
    RegistrationRequiredError. TriggerMessage is always sent, unless the station was rejected."""
    boot_timeout: float = seconds_or_off(30)
    """Seconds to wait for a BootNotification. Then the server asks for it with TriggerMessage, waits as long again, and
    lets the station in. 0 neither asks nor lets it in. Used with `registration="required"`. Also the seconds before a
    station that does not boot gets the messages of `offline_queue`."""
    ignore_identity_case: bool = _IDENTITIES.ignore_case
    """Treat identities that differ only in case as one: for look-ups, credentials, certificates and eviction."""
    paths_without_identity: Collection[str] = ()
    """Paths, such as `/`, that end without an identity. The identity is then the user name of the Basic credentials, or
    the one that `auth` passes to `accept(identity=...)`."""
    namespace: Namespace | None = None
    """The namespace of identities: stations of one identity in different namespaces are different stations. A text, or
    a function or coroutine function of the handshake. None means the parts of the path that the route names."""
    require_connection_header: bool = _LINK.require_connection_header
    """False accepts upgrade requests without a Connection header too; only on the library's own sockets."""
    handshake_timeout: float = seconds_or_off(_LINK.handshake_timeout)
    """Seconds for the TLS handshake, then the connection is dropped; again for the rest of the handshake with `auth`,
    then it gets 408. Without a limit, TLS still has 30 s."""
    max_tls_handshakes: int = number(MAX_TLS_HANDSHAKES, least=1, unit="handshakes")
    """TLS handshakes in progress on one listener; when reached, others wait in its backlog and the oldest has 5 s."""
    certificate_check_interval: float = seconds_or_off(0)
    """Seconds between two looks at the files of `tls`. Files that have changed, and not since the look before, serve
    new handshakes; if they are invalid, the server keeps the old ones and emits `error`. Off by default."""
    certificate_warning_days: float = number(14, least=0, unit="days")
    """Days before a certificate of `tls` expires from which on the server emits `certificate_expiring`, once a day."""
    max_connections: float = number(inf, least=1, unit="stations")
    """Stations connected; if exceeded, a station gets 503 after the credential check and `auth` have accepted it. A
    station that reconnects is accepted in its own place."""
    max_handshakes: float = number(5000, least=1, unit="handshakes")
    """Handshakes that wait for `connection_middleware`, `credentials`, `verify`, `identify` or `auth`; if exceeded,
    further requests get 503."""
    max_handshakes_per_address: float | None = number(None, least=1, unit="handshakes")
    """The same for one address; None means half of `max_handshakes`, so that one address cannot block all others."""
    max_sockets: float | None = number(None, least=1, unit="sockets")
    """Sockets of all listeners from accepting to closing: also silent, replaced and lingering ones, and those in TLS.
    If exceeded, further sockets are closed unread. None means `max_connections` + `max_handshakes`. More than
    `max_connections`, if that is finite: a station that returns may still have its old socket."""
    max_sockets_per_address: float | None = number(None, least=2, unit="sockets")
    """The same for one address; None means `max_connections` + `max_handshakes_per_address`, since a mobile network or
    a proxy may have a single address; of `trusted_proxies` no address is limited. IPv6 addresses of one 64-bit network
    count as one."""
    address_rate: float = number(inf, least=0.001, unit="CALLs a second")
    """CALLs and SENDs a second, on average, of all connections of one address; `inbound_limit` decides about more, but
    `disconnect` only rejects. Choose it for all stations of a mobile network or a proxy, which may have a single
    address. IPv6 addresses of one 64-bit network count as one."""
    address_burst: int = number(100, least=1, unit="CALLs")
    """CALLs and SENDs of one address that may arrive together after a pause. As many may then be delayed; further ones
    are treated as with `reject`."""
    shed_lag: float = seconds_or_off(0)
    """Seconds by which the event loop may be late. If four samples in a row, a quarter of a second apart, exceed it,
    new connections get 503 with `Retry-After` until as many do not. Off by default."""
    security_logging: Logging = True
    """Records of security events: True for the logger `security` below the one of `logging`, so `ocpp_ws_io.security`,
    False for none, or a logger."""
    session_ttl: float = seconds_or_off(0)
    """Seconds after the end of a connection during which the station gets `client.session` back, if it authenticates in
    the same way and as the same user or certificate. Off by default: each connection begins with an empty one."""
    max_sessions: int = number(50_000, least=1, unit="sessions")
    """Sessions kept of stations that are not connected; if exceeded, the one that ended first is dropped."""
    unauthenticated_sessions: bool = False
    """Keep sessions also of stations that prove nothing, as on profile 0. Any peer that claims an identity then gets
    its session."""
    fleet_concurrency: int = number(100, least=1, unit="calls")
    """Calls in progress at a time of one `broadcast` or `call_many`; further stations wait for their turn."""

    close_window: float = number(0, least=CLOSE_WINDOW.least, most=CLOSE_WINDOW.most)
    """Seconds over which `close` closes the connections, in random order, so that the stations do not return all at
    once. Off by default."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "security_profile", SecurityProfile(self.security_profile))
        super().__post_init__()
        expect_tls(self.tls)
        if self.default_protocol is not None and self.default_protocol not in self.protocols:
            raise ValueError(f"expected default_protocol to be one of {self.protocols}, got {self.default_protocol!r}")
        expect_choices(self)
        expect_credentials(self.credentials)
        expect_verify(self.verify)
        expect_identify(self.identify)
        expect_organizations(self.certificate_organization)
        expect_pins(self.certificate_pins)
        for name in ("certificate_organization", "certificate_pins", "check_serial_number"):
            if getattr(self, name) not in (None, False):
                check_certificate_rule(name, self.security_profile, is_shown=self._sees_certificates)
        _ = self.gates, self.security_logger
        if isfinite(self.max_connections) and self.socket_limit <= self.max_connections:
            raise ValueError(
                f"expected max_sockets > max_connections ({self.max_connections}), got {self.max_sockets!r}: "
                "a station that returns may still have its old socket"
            )
        expect_auth(self.auth)
        expect_pair(self.metrics_credentials)
        object.__setattr__(self, "connection_middleware", expect_connection_middleware(self.connection_middleware))
        expect_paths(self.paths_without_identity)
        expect_namespace(self.namespace)
        expect_proxies(self)
        self._expect_profile()
        if self.check_serial_number and not any(map(checks_serial_numbers, self.protocols)):
            raise ValueError("expected no check_serial_number without a protocol of OCPP 2.x: it would not be used")

    def _expect_profile(self) -> None:
        """Raise ValueError for options that do not fit the security profile."""
        check_server_profile(
            self.security_profile,
            credentials=self.credentials is not None,
            verify=self.verify is not None,
            identify=self.identify != "exact",
        )
        _ = self.identities
        if self.keeps_sessions and not (self.security_profile or self.unauthenticated_sessions):
            raise ValueError(
                "expected no session_ttl with security profile 0: stations prove nothing, so no session would be kept; "
                "unauthenticated_sessions=True keeps them for any peer that claims the identity"
            )

    def _gate_in(self, protocol: str) -> Mapping[str, Any]:
        """Let only sessions of OCPP require the BootNotification, which other subprotocols may not have."""
        if self.registration == "optional" or not protocol.startswith("ocpp"):
            return {}
        return {"require_registration": True, "refuse_before_registration": self.before_registration == "refuse"}

    def expect_deciders(self) -> None:
        """Raise ValueError if nothing checks passwords; not at construction, since `auth` may be registered later."""
        has_passwords = self.credentials is not None or self.verify is not None
        check_deciders(self.security_profile, passwords=has_passwords, auth=self.auth is not None)

    @cached_property
    def lag_limit(self) -> float:
        """Seconds by which the event loop may be late, `inf` without a limit."""
        return off_at_zero(self.shed_lag)

    @cached_property
    def tls_limit(self) -> float:
        """Seconds a TLS handshake may take; it always has a limit."""
        return self.handshake_limit if isfinite(self.handshake_limit) else TLS_TIMEOUT

    @cached_property
    def proxies(self) -> TrustedProxies:
        """The networks of `trusted_proxies`."""
        return TrustedProxies(self.trusted_proxies)

    @property
    def _sees_certificates(self) -> bool:
        return not self.tls_terminated or self.certificate_header is not None

    @cached_property
    def keeps_sessions(self) -> bool:
        """True if a station that returns gets the session of its previous connection."""
        return isfinite(off_at_zero(self.session_ttl))

    @cached_property
    def organizations(self) -> frozenset[str]:
        """The organizations of which a client certificate must name one; empty to require none."""
        given = self.certificate_organization
        return frozenset((given,) if isinstance(given, str) else given or ())

    @cached_property
    def identities(self) -> IdentityRule:
        """The rule for identities."""
        return IdentityRule(
            characters=self.identity_characters,
            max_length=self.max_identity_length,
            ignore_case=self.ignore_identity_case,
        )

    def expect_defaults(self, where: str, obeyed_by: Mapping[str, str]) -> None:
        """Raise ValueError for an option that this server cannot obey and that differs from its default.

        `where` names what carries the server; `obeyed_by` maps each such option to the component responsible for it.
        """
        for name, delegate in obeyed_by.items():
            if getattr(self, name) != getattr(ServerOptions, name):
                raise ValueError(f"expected no {name} for a server {where}: {delegate}")

    @cached_property
    def longest_close(self) -> float:
        """Seconds that closing the server may take, with a margin for tasks that do not end at once."""
        return self.close_window + self.drain_timeout + self.close_timeout + _MARGIN

    @cached_property
    def known_protocol(self) -> Callable[[Handshake], str | None] | None:
        """Returns the subprotocol that `quirks` have for a station without a right one; None if no profile has one."""
        book = self.quirk_book
        if book is None or all(profile.default_protocol is None for profile in book.profiles):
            return None
        from ocpp_core.tolerance.profiles import StationFacts  # loaded only when used

        def find(handshake: Handshake) -> str | None:
            return book.matching(StationFacts(identity=handshake.identity, path=handshake.path)).default_protocol

        return find

    @cached_property
    def boot_limit(self) -> float:
        """Seconds to wait for a BootNotification; `inf` to wait for ever."""
        return off_at_zero(self.boot_timeout)

    @cached_property
    def address_gate(self) -> AddressGate | None:
        """The gate for addresses; None if every address may pass. Raises TypeError or ValueError for invalid ones."""
        allowed, denied = self.allowed_addresses, Networks("denied_addresses", self.denied_addresses)
        if allowed is None:
            return AddressGate(None, denied) if self.denied_addresses else None
        if not allowed:
            raise ValueError("expected allowed_addresses with at least one address, or None to allow all")
        return AddressGate(Networks("allowed_addresses", allowed), denied)

    @cached_property
    def gates(self) -> tuple[Step, ...]:
        """The gates for addresses and origins."""
        origin_gate = None if self.allowed_origins is None else OriginGate.of(self.allowed_origins)
        return tuple(gate for gate in (self.address_gate, origin_gate) if gate is not None)

    @cached_property
    def security_logger(self) -> Logger:
        """The logger that `security_logging` selects."""
        if self.security_logging is True:
            return child_logger(self.logger, "security")
        return logger_of(self.security_logging, "security_logging")

    @cached_property
    def handshake_limit(self) -> float:
        """Seconds a handshake may take."""
        return off_at_zero(self.handshake_timeout)

    @cached_property
    def handshake_limit_by_address(self) -> float:
        """Handshakes of one address that may wait for their decision."""
        given = self.max_handshakes_per_address
        return max(1, self.max_handshakes / 2) if given is None else given

    @cached_property
    def socket_limit(self) -> float:
        """Sockets that may be open."""
        return self.max_connections + self.max_handshakes if self.max_sockets is None else self.max_sockets

    @cached_property
    def socket_limit_by_address(self) -> float:
        """Sockets of one address that may be open."""
        given = self.max_sockets_per_address
        return self.max_connections + self.handshake_limit_by_address if given is None else given
