"""Handshakes of both sides, with everything that a server reads from a request before it knows the station."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf
from random import Random
from typing import Final

from ocpp_core.actions import CloseStream, HttpRequest, LinkAction, Report, SendBytes, UpgradeRequested, Yield
from ocpp_core.admission.credentials import CheckCredentials
from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.request import CheckIdentity, ChooseSubprotocol, ReadRequest
from ocpp_core.admission.routing.routes import RoutePattern, RouteTree
from ocpp_core.admission.step import Ask, Candidate, proceed
from ocpp_core.config import Compression
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Accept, BytesReceived, Reject, Respond, Tick, TransportFailed, TransportOpened
from ocpp_core.link import ClientLink, ServerLink
from ocpp_core.proxies.certificate_header import certificate_in, is_verified
from ocpp_core.proxies.forwarded import origin_of
from ocpp_core.proxies.proxy_protocol import MAX_LENGTH, ProxyHeaderError, ProxyHeaderReader
from ocpp_core.proxies.trusted import TrustedProxies
from tests.fuzz.choices import Choices, some
from tests.fuzz.target import Target
from tests.link.wire import EOF, KEY, Link, request, settings

__all__ = ["REQUESTS", "RESPONSES", "TARGETS"]

_PROTOCOLS: Final = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
_OPTIONS: Final = {"max_header_size": 1000, "max_early_data": 500}
_CONFIGS: Final = (
    settings(**_OPTIONS),
    settings(**_OPTIONS, compression=Compression(context_takeover=True)),
    settings(**_OPTIONS, require_connection_header=False),
)
_RULE: Final = IdentityRule()
_TRUSTS: Final = TrustedProxies(["10.0.0.0/8"]).contains
_ROUTES: Final = RouteTree(
    (RoutePattern.read(text), text) for text in ("/ocpp/{identity}", "/{tenant}/cp/{identity}", "/files/{path:*}")
)


def _steps(*, keeps: bool) -> tuple[ReadRequest, ChooseSubprotocol, CheckIdentity, CheckCredentials]:
    return (
        ReadRequest(SecurityProfile.BASIC, keeps, ("/health",), ignore_case=True),
        ChooseSubprotocol(_PROTOCOLS, None, None, accepts_none=False),
        CheckIdentity(_RULE, _RULE.usual),
        CheckCredentials(lambda key: "password", None, None, has_auth=False),
    )


class _Server:
    """The host of a server's link: it reads what proxies report, and authenticates the station."""

    def __init__(self, choices: Choices) -> None:
        self.link = ServerLink(choices.pick(_CONFIGS), random=Random(1), now=0.0)
        self._steps = _steps(keeps=choices.flag())

    def decide(self, action: LinkAction) -> None:
        if isinstance(action, HttpRequest):
            self.link.handle(Respond(200, body=b"ok"), 0.0)
        elif isinstance(action, UpgradeRequested):
            _read_proxy(action)
            self.link.handle(self._verdict(action), 0.0)

    def _verdict(self, action: UpgradeRequested) -> Accept | Reject:
        route = _ROUTES.match(action.target)
        assert isinstance(route, Reject) or route.value
        candidate = Candidate(action, ConnectionFacts("192.0.2.7"))
        verdict = proceed(iter(self._steps), candidate)
        if isinstance(verdict, Ask):
            verdict = verdict.then(verdict.function(*verdict.arguments))
        assert verdict is None or isinstance(verdict, Reject)
        return verdict or Accept(candidate.protocol)


def _read_proxy(action: UpgradeRequested) -> None:
    for name in ("forwarded", "x-forwarded-for"):
        origin_of(name, action.headers, "10.0.0.1", _TRUSTS)
    is_verified(action.headers.get("x-ssl-client-verify"))
    with suppress(ValueError):
        certificate_in(action.headers.get("x-ssl-client-cert", ""))


class _Client:
    """The host of a client's link."""

    def __init__(self, choices: Choices) -> None:
        self.link = ClientLink(
            choices.pick(_CONFIGS),
            host="csms.example",
            target="/CP1?token=s3cret-token",
            subprotocols=_PROTOCOLS,
            headers=[("Authorization", "Basic Q1AxOnMzY3JldC1wYXNzd29yZA==")],
            random=Random(1),
            now=0.0,
        )
        choices.byte()

    def decide(self, action: LinkAction) -> None:
        if isinstance(action, TransportFailed):
            shown = f"{action.error!r} {action.error}"
            assert "s3cret-token" not in shown
            assert "s3cret-password" not in shown


def shake_hands(side: type[_Server | _Client], data: bytes) -> None:
    """No bytes raise, they may be cut anywhere, and the handshake ends: by its deadline or the end of the stream."""
    whole = _play(side, Choices(data), are_cut=False)
    assert _play(side, Choices(data), are_cut=True) == whole


def _play(side: type[_Server | _Client], choices: Choices, *, are_cut: bool) -> list[str]:
    host = side(choices)
    waits = choices.flag()
    cut = Choices(choices.some())
    received = choices.rest()
    actions = _drain(host)
    for chunk in cut.pieces(received) if are_cut else [received]:
        if chunk:
            host.link.handle(BytesReceived(chunk), 0.0)
            actions += _drain(host)
    actions += _end(host, waits=waits)
    _check(host.link, actions)
    return list(map(repr, actions))


def _drain(host: _Server | _Client) -> list[LinkAction]:
    actions = []
    while (action := host.link.poll()) is not None:
        if type(action) is not Yield:  # where a turn ends depends on where the chunks do
            actions.append(action)
            host.decide(action)
    return actions


def _end(host: _Server | _Client, *, waits: bool) -> list[LinkAction]:
    actions: list[LinkAction] = []
    if not waits:
        host.link.handle(EOF, 0.0)
        actions += _drain(host)
    while host.link.deadline < inf:
        host.link.handle(Tick(), host.link.deadline)
        actions += _drain(host)
    if waits:
        host.link.handle(EOF, 100.0)
        actions += _drain(host)
    return actions


def _check(link: Link, actions: Sequence[LinkAction]) -> None:
    kinds = Counter(map(type, actions))
    assert kinds[CloseStream] == 1
    assert link.deadline == inf
    assert kinds[UpgradeRequested] + kinds[HttpRequest] <= 1
    if isinstance(link, ClientLink):
        assert kinds[TransportFailed] + kinds[TransportOpened] == 1
    assert all(len(action.detail) < 1000 for action in actions if isinstance(action, Report))
    assert all(action.data for action in actions if isinstance(action, SendBytes))


def read_proxy_header(data: bytes) -> None:
    """A header of the PROXY protocol is the same however it is cut, or refused with one error."""
    choices = Choices(data)
    cut = Choices(choices.some())
    received = choices.rest()
    assert _proxy_header(cut.pieces(received)) == _proxy_header([received])


def _proxy_header(chunks: Sequence[bytes]) -> object:
    reader, taken, arrived = ProxyHeaderReader(), 0, b""
    for chunk in chunks:
        arrived += chunk
        try:
            while taken < len(arrived) and reader.header is None:
                taken += reader.feed(arrived[taken:])
        except ProxyHeaderError:
            return "refused"
        assert taken <= min(len(arrived), MAX_LENGTH)
    return reader.header, taken


_BASIC: Final = ("Authorization", "Basic Q1AxOnBhc3N3b3Jk")
_OFFER: Final = ("Sec-WebSocket-Protocol", "ocpp1.6, ocpp2.0.1")
REQUESTS: Final = (
    request(_OFFER, _BASIC),
    request(_OFFER, _BASIC, line="GET /CP%31 HTTP/1.1") + b"\x81\x80\x00\x00\x00\x00",
    request(_OFFER, _BASIC, line="GET http://csms.example/ocpp//CP1/?a=b&a=c HTTP/1.1"),
    request(_OFFER, _BASIC, line="GET /ocpp/RDAM|123 HTTP/1.1"),
    request(_OFFER, _BASIC, line="GET /ocpp/%zz HTTP/1.1"),
    request(_OFFER, _BASIC, line="GET /ocpp/%ff%00 HTTP/1.1"),
    request(("Authorization", "Basic QUwxMDAwOgABAgMEBQYH////////////////"), line="GET /AL1000 HTTP/1.1"),
    request(("Authorization", "Basic !!"), _OFFER),
    request(("Authorization", "Basic Q1AxOg"), ("Authorization", "Digest x"), _OFFER),
    request(("Sec-WebSocket-Protocol", "ocpp1.6,,ocpp1.6"), ("Sec-WebSocket-Protocol", 'a"b')),
    request(("Sec-WebSocket-Extensions", 'permessage-deflate; client_max_window_bits="15"; x')),
    request(("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=8, x-webkit-deflate-frame")),
    request(("Sec-WebSocket-Version", "8"), without=["Sec-WebSocket-Version"]),
    request(("Sec-WebSocket-Key", "short"), without=["Sec-WebSocket-Key"]),
    request(("Sec-WebSocket-Key", KEY), ("Content-Length", "5")) + b"12345",
    request(without=["Connection"]),
    request(("Connection", "keep-alive, Upgrade"), without=["Connection"]),
    request(line="GET /CP1 HTTP/1.0"),
    request(line="HEAD /health HTTP/1.1", without=["Upgrade"]),
    request(line="OPTIONS * HTTP/1.0", without=["Upgrade"]),
    request(line="POST /CP1 HTTP/1.1"),
    request(
        ("Forwarded", 'for="[2001:db8::1]:1";proto=https, for=unknown'), ("X-Forwarded-For", "192.0.2.7, 10.0.0.1")
    ),
    request(
        ("X-SSL-Client-Cert", "-----BEGIN%20CERTIFICATE-----%0AMA==%0A"), ("X-SSL-Client-Verify", "SUCCESS"), _OFFER
    ),
    request(("X-Long", "x" * 1000)),
    b"GET /CP1 HTTP/1.1\nHost: x\n\n",
    b"\r\nGET /CP1 HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
    b"GET /CP1 HTTP/1.1\r\nHost: x\r\nHost: y\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    b"GET  HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"",
)
_RIGHT: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
)
_ACCEPTED: Final = b"kDyrOcc0tuzGJ1w5fTZsRc9OXqw="
RESPONSES: Final = (
    _RIGHT % _ACCEPTED + b"\r\n\x81\x02[]",
    _RIGHT % _ACCEPTED + b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n\r\n",
    _RIGHT % b"wrong" + b"\r\n",
    _RIGHT.replace(b"ocpp1.6", b"ocpp3") % _ACCEPTED + b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + _RIGHT % _ACCEPTED + b"\r\n",
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 5\r\n\r\nwrong",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlate\r\n0\r\n\r\n",
    b"HTTP/1.1 429 x\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Type: text/html\r\n\r\n<p>s3cret-token",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: wss://elsewhere/\r\n\r\n",
    b"HTTP/1.1 400\r\n\r\n",
    b"HTTP/1.0 404 Not Found\n\nnot here",
    b"HTTP/1.1 999 What\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 204 No\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"SSH-2.0-OpenSSH_9.0\r\n",
    b"",
)
_PEER: Final = b"\xc0\x00\x02\x07\xc6\x33\x64\x01\x00\x01\x00\x02"
_PROXIED: Final = (
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\nGET",
    b"PROXY TCP6 2001:db8::1 ::1 65535 0\r\n",
    b"PROXY UNKNOWN ignored\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2" + b" " * 100,
    b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00rest",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + _PEER,
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x20" + _PEER + b"\x20\x00\x11\x07\x00\x00\x00\x00\x22\x00\x09station-7",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\xd8" + bytes(216),
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x21\xff\xff",
    b"GET / HTTP/1.1\r\n",
)


def _seeds(messages: Sequence[bytes]) -> list[bytes]:
    return [head + some(b"\x03\x05\x0a\x20") + data for data in messages for head in (b"\x00\x00\x00", b"\x01\x01\x01")]


TARGETS: Final = {
    "handshake-of-a-station": Target(partial(shake_hands, _Server), _seeds(REQUESTS)),
    "handshake-of-a-server": Target(partial(shake_hands, _Client), _seeds(RESPONSES)),
    "proxy-header": Target(read_proxy_header, [some(b"\x02\x05\x14") + data for data in _PROXIED]),
}
