"""Connections that come through proxies: what the trusted ones report, and the header before the first byte."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ocpp_transports._driver._accepting import AcceptRules
from ocpp_transports._options._server import ServerOptions
from ocpp_transports.events import SecurityEvent
from ocpp_transports.handshake import ConnectionFacts

from ._quota import SocketGate

if TYPE_CHECKING:
    from ocpp_core.proxies.proxy_protocol import ProxyHeader

    from ._proxy_reports import ProxyReports

__all__ = ["Proxied"]


class Proxied:
    """What a server needs for the connections of its proxies; without `trusted_proxies` it loads nothing."""

    def __init__(
        self, gate: SocketGate, rules: AcceptRules, now: Callable[[], float], alarmed: Callable[[SecurityEvent], None]
    ) -> None:
        self.reports: ProxyReports | None = None
        """Reads what trusted proxies report; None if there are none."""
        self.rules: AcceptRules = rules
        """The rules of listeners whose connections begin with a header of the PROXY protocol, see `listen`."""
        self._gate = gate
        self._now = now
        self._alarmed = alarmed

    def set_options(self, options: ServerOptions) -> None:
        """Trust these proxies from now on."""
        self._gate.trusts = options.proxies.contains
        self.reports = None
        if options.trusted_proxies:
            from ._proxy_reports import ProxyReports  # loaded only when used

            self.reports = ProxyReports(options, self._now, self._alarmed)

    def listen(self) -> AcceptRules:
        """Return the rules of a listener whose connections begin with a header of the PROXY protocol."""
        from ocpp_transports._hosts._arrival import Arrival  # loaded only when used

        self.rules.proxied = partial(Arrival, self._gate, self._announced)
        return self.rules

    def _announced(self, header: "ProxyHeader", facts: ConnectionFacts) -> ConnectionFacts:
        return facts if self.reports is None else self.reports.announced(header, facts)
