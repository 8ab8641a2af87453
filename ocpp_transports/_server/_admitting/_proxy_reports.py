"""What trusted proxies report about their stations becomes the facts of a connection; everything else is ignored.

Loaded only for servers with the option `trusted_proxies`. The rules are in `ocpp_core.proxies`. Ignored reports are an
event, at most once a minute: any peer can send one with every request.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Final

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.proxies.certificate_header import certificate_in, is_verified
from ocpp_core.proxies.forwarded import origin_of
from ocpp_core.proxies.proxy_protocol import ProxyHeader
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._tls._peer_certificate import peer_certificate
from ocpp_transports.events import SecurityEvent

__all__ = ["ProxyReports"]

_INTERVAL: Final = 60.0
"""Seconds between two events about ignored reports."""


class ProxyReports:
    """Adds to the facts of a connection what a trusted proxy reports, by the rules of one set of options."""

    def __init__(
        self, options: ServerOptions, now: Callable[[], float], alarmed: Callable[[SecurityEvent], None]
    ) -> None:
        self._options = options
        self._trusts = options.proxies.contains
        self._ignored = _Ignored(now, alarmed)

    def announced(self, header: ProxyHeader, facts: ConnectionFacts) -> ConnectionFacts:
        """Return the facts of a connection that began with this header of the PROXY protocol.

        If the connection itself is TLS, the proxy did not terminate it, and what it shows counts.
        """
        told = replace(facts, remote_address=header.address or facts.remote_address, proxy_address=facts.remote_address)
        if facts.tls:
            return told
        if header.tls is None:
            return replace(told, tls=header.address is not None and self._options.tls_terminated)
        name = header.common_name
        shown = None if name is None else {"subject": ((("commonName", name),),)}
        return replace(told, tls=header.tls, client_certificate=shown, certificate_absent=shown is None)

    def reported(self, facts: ConnectionFacts, headers: Mapping[str, str]) -> ConnectionFacts:
        """Return the facts of a connection with what these header fields state, if a trusted proxy has sent them."""
        options, peer = self._options, facts.remote_address
        # After a PROXY header without an address, the bytes may be those of any station, although the proxy sends them.
        is_unnamed = facts.proxy_address is not None and facts.proxy_address == peer
        if is_unnamed or not self._trusts(peer):
            return self._without_reports(facts, headers)
        tls = facts.tls or (options.tls_terminated and options.forwarded_header is None)
        told = replace(facts, proxy_address=peer, tls=tls)
        if options.forwarded_header is not None:
            origin = origin_of(options.forwarded_header, headers, peer, self._trusts)
            if origin.problem:
                self._ignored.add(peer, f"{options.forwarded_header} of a proxy was not used: {origin.problem}")
            # A proxy that reports a station must state its TLS too: that of the proxy's own connection says nothing.
            is_silent = origin.secure is None and options.forwarded_header not in headers
            told = replace(told, remote_address=origin.address, tls=tls if is_silent else origin.secure is True)
        return told if options.certificate_header is None else self._with_certificate(told, headers)

    def _without_reports(self, facts: ConnectionFacts, headers: Mapping[str, str]) -> ConnectionFacts:
        """Return the facts of a peer that is no trusted proxy: what it reports counts for nothing."""
        options = self._options
        names = options.forwarded_header, options.certificate_header
        sent = " and ".join(name for name in names if name and name.lower() in headers)
        if sent:
            self._ignored.add(facts.remote_address, f"{sent} of a peer that is not in trusted_proxies was ignored")
        is_absent = options.certificate_header is not None and facts.client_certificate is None
        return replace(facts, certificate_absent=True) if is_absent else facts

    def _with_certificate(self, facts: ConnectionFacts, headers: Mapping[str, str]) -> ConnectionFacts:
        """Return the facts with the certificate that the proxy passes on, never with the proxy's own."""
        name = self._options.certificate_header or ""
        try:
            der = self._certificate(headers)
            shown = None if der is None else peer_certificate(der)
        except ValueError as error:
            self._ignored.add(facts.proxy_address, f"{name} of a proxy was not used: {error}")
            der = shown = None
        return replace(
            facts,
            client_certificate=shown,
            certificate_fingerprint=None if der is None else fingerprint_of(der),
            certificate_absent=shown is None,
        )

    def _certificate(self, headers: Mapping[str, str]) -> bytes | None:
        """Return the certificate as DER, None without one; raise ValueError for one that must not be used."""
        name, verify = self._options.certificate_header or "", self._options.certificate_verify_header
        value = headers.get(name.lower())
        if not value:
            return None
        if verify is not None and not is_verified(headers.get(verify.lower())):
            raise ValueError(f"{verify} does not state that it is verified")
        return certificate_in(value)


class _Ignored:
    """Reports which statements of proxies, and of peers that are none, were ignored: one a minute, with a count."""

    def __init__(self, now: Callable[[], float], alarmed: Callable[[SecurityEvent], None]) -> None:
        self._now = now
        self._alarmed = alarmed
        self._silent_until = -inf
        self._more = 0

    def add(self, address: str | None, what: str) -> None:
        """Report or count one; `what` must not contain text of the peer."""
        now = self._now()
        if now < self._silent_until:
            self._more += 1
            return
        more = f" (and {self._more:,} more before)" if self._more else ""
        self._silent_until, self._more = now + _INTERVAL, 0
        self._alarmed(SecurityEvent("forwarded_header_ignored", None, address, f"{what}{more}"))
