"""The form that connects a station, and the state of its connection."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import js

from ocpp_apps.station import Station, StationSettings
from ocpp_apps.station.asyncio_clock import AsyncioClock
from ocpp_transports import BrowserOCPPClient, ConnectionFailedError
from ocpp_transports.events import CloseEvent, DisconnectEvent, ReconnectEvent
from ocpp_transports.outbox import MemoryStore

from . import wording
from .dom import Element, Events, by_id, say, value_of
from .rivals import Rivals

__all__ = ["Connection"]

CONNECTORS: Final = 2
_EXAMPLE: Final = "ws://localhost:9000/ocpp"
_DIAL_TIMEOUT: Final = 15.0
"""Seconds until the page stops waiting for a server that neither accepts nor rejects."""
_CLOSE_TIMEOUT: Final = 2.0
"""Seconds to wait for outstanding responses after Disconnect, and again for the close handshake."""
_REPLACED: Final = 4000
"""The close code of a connection that a newer one with the same identity replaces."""

Adopt: TypeAlias = Callable[[BrowserOCPPClient, Station], None]


@dataclass(frozen=True)
class Wanted:
    """The values of the form."""

    url: str
    identity: str
    password: str
    protocols: tuple[str, ...]
    is_strict: bool

    @classmethod
    def read(cls) -> "Wanted":
        """Return the values of the form."""
        boxes = js.document.querySelectorAll("#connection [name=version]")
        protocols = tuple(box.value for box in boxes if box.checked)
        password = by_id("password").value  # blanks count
        return cls(value_of("url"), value_of("identity"), password, protocols, bool(by_id("strict").checked))

    def problem(self) -> tuple[str, str] | None:
        """Return the first problem as the id of a field and a text, or None."""
        if words := wording.address_problem(self.url):
            return "url", words
        if not self.identity:
            return "identity", "Enter an identity for the station."
        if not self.protocols:
            return "newest", "Offer at least one version."
        return None

    def make(self) -> tuple[BrowserOCPPClient, Station]:
        """Return a station, which is not connected yet. Raises ValueError for invalid values."""
        client = BrowserOCPPClient(
            self.identity,
            self.url,
            protocols=self.protocols,
            password=self.password or None,
            strict_mode=self.is_strict,
            connect_timeout=_DIAL_TIMEOUT,
            drain_timeout=_CLOSE_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            offline_queue=MemoryStore(keep=True),
            logging=False,  # the page has its own log
        )
        settings = StationSettings(connectors=CONNECTORS, max_power=22_000, protocol=self.protocols[0])
        return client, Station(client, AsyncioClock(), settings)


class Connection:
    """Connects and disconnects the station. After a change of the form it creates a new one."""

    def __init__(self, events: Events, adopt: Adopt, default_url: str | None) -> None:
        self._adopt = adopt
        self._events = events
        self._rivals = Rivals(self._claimed)
        self._barred: set[str] = set()
        self._retry: tuple[int, float] | None = None
        self._is_on = self._is_locked = False
        self._attempt: object = None
        self._dialled = 0.0
        by_id("url").value = default_url or ""
        self._made = Wanted(default_url or _EXAMPLE, "CP001", "", ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"), is_strict=True)
        self._client, self._station = self._made.make()
        self._entered: BrowserOCPPClient | None = None
        self._block = AsyncExitStack()
        events.on("submit", "connect", self._submit)
        events.before("securitypolicyviolation", self._violated)

    def begin(self) -> None:
        """Create and announce the first station."""
        self._take(self._client, self._station)

    def refresh(self) -> None:
        """Display the state of the connection."""
        words, short, tone = self._state()
        by_id("fact-connection").textContent = words
        by_id("fact-identity").textContent = self._client.identity
        self._write_registration()
        by_id("fact-version").textContent = wording.version(self._client.protocol)
        if by_id("link").textContent != short:
            by_id("link").textContent = short
        by_id("link").dataset.tone = tone
        by_id("connection").dataset.busy = str(self._is_busy).lower()
        by_id("connect").dataset.busy = str(self._is_busy).lower()
        self._lock(is_locked=self._is_busy)
        by_id("connect").textContent = self._button()

    def _lock(self, *, is_locked: bool) -> None:
        """Lock the form while changes would have no effect."""
        if is_locked == self._is_locked:
            return
        self._is_locked = is_locked
        for field in js.document.querySelectorAll("#connection input"):
            if field.type == "checkbox":
                field.disabled = is_locked
            else:
                field.readOnly = is_locked  # unlike `disabled`, it keeps the focus

    @property
    def _is_busy(self) -> bool:
        """True if the station is on, also while it connects, waits or restarts."""
        return self._is_on or self._client.state.name != "CLOSED"

    def _write_registration(self) -> None:
        status, tone = self._station.boot_status or "—", ""
        if self._client.state.name == "OPEN":
            status, _, tone = wording.registration(self._station.boot_status)
        by_id("fact-boot").textContent = status
        by_id("fact-boot").dataset.tone = tone

    def _button(self) -> str:
        if not self._is_busy:
            return "Connect"
        return {"OPEN": "Disconnect", "CLOSING": "Close now"}.get(self._client.state.name, "Cancel")

    def _state(self) -> tuple[str, str, str]:
        """Return a text, a short form and a tone.

        Screen readers read the short form out when it changes, so it has no counter.
        """
        name = self._client.state.name
        if name == "CONNECTING" and self._retry is not None:
            attempt, at = self._retry
            left = max(0.0, at - monotonic())
            return f"again in {left:.0f} s (attempt {attempt})", "Reconnecting", "warn"
        if name == "OPEN":
            _, short, tone = wording.registration(self._station.boot_status)
            return "open", short, tone
        return {
            "CONNECTING": ("connecting", "Connecting", "busy"),
            "CLOSING": ("closing", "Closing", "busy"),
        }.get(name, ("restarting", "Restarting", "busy") if self._is_on else ("closed", "Not connected", "idle"))

    async def _submit(self, _: Element, __: Any) -> None:
        if self._is_busy:
            self._show_message("")
            await self._switch_off()
        elif self._is_filled_in():
            await self._connect()
        self.refresh()

    async def _switch_off(self) -> None:
        """Disconnect. A second call does not wait for anything."""
        self._attempt, self._is_on = None, False
        if self._client.state.name == "CLOSING":
            await self._client.close(force=True)
        await self._station.stop()

    def _is_filled_in(self) -> bool:
        problem = Wanted.read().problem()
        for name in ("url", "identity", "newest"):
            by_id(name).setAttribute("aria-invalid", str(problem is not None and problem[0] == name).lower())
        if problem is not None:
            self._show_message(problem[1])
            by_id(problem[0]).focus()
        return problem is None

    async def _connect(self) -> None:
        wanted = Wanted.read()
        if wanted != self._made:
            made = wanted.make()
            self._made = wanted
            self._take(*made)
        self._show_message("")
        self._barred.clear()
        self._is_on, self._attempt = True, (attempt := object())
        try:
            await self._enter_block()
            await self._station.start()
        except Exception as error:  # the form shows any failure
            if self._attempt is attempt:  # otherwise it was cancelled
                self._is_on = False
                await self._station.stop()
                self._show_message(self._explained(wanted, error))

    async def _enter_block(self) -> None:
        """Enter the block of the client, in which its queue takes messages also while the station restarts."""
        if self._entered is not self._client:
            self._entered = self._client
            await self._block.aclose()
            await self._block.enter_async_context(self._client)

    def _explained(self, wanted: Wanted, error: BaseException) -> str:
        if not isinstance(error, ConnectionFailedError):
            return f"Not connected: {error}."
        return wording.connect_failure(
            wanted.url,
            wanted.protocols,
            has_password=bool(wanted.password),
            is_secure_page=js.location.protocol == "https:",
            is_barred=urlsplit(wanted.url).netloc in self._barred,
            silence=_DIAL_TIMEOUT if monotonic() - self._dialled >= _DIAL_TIMEOUT else None,
        )

    def _take(self, client: BrowserOCPPClient, station: Station) -> None:
        self._client, self._station = client, station
        client.on("connecting", self._dials)
        client.on("open", self._opened)
        client.on("reconnect", self._retries)
        client.on("disconnect", self._dropped)
        client.on("close", self._closed)
        self._adopt(client, station)

    def _dials(self, _: object) -> None:
        self._dialled = monotonic()
        self._retries(None)

    def _opened(self, _: object) -> None:
        self._rivals.claim(self._made.url, self._made.identity)
        self._retries(None)

    def _retries(self, event: ReconnectEvent | None) -> None:
        self._retry = None if event is None else (event.attempt, monotonic() + event.delay)
        if self._client.state.name == "OPEN":
            self._show_message("")
        self.refresh()

    def _dropped(self, event: DisconnectEvent) -> None:
        reason = f": {event.reason}" if event.reason else ""
        if event.code == _REPLACED:
            self._give_way(f"The central system ended this connection (code {event.code}{reason}).")
        else:
            self._show_message(f"The connection dropped (code {event.code}{reason}).", tone="warn")

    def _claimed(self, url: str, identity: str) -> None:
        if self._is_busy and (url, identity) == (self._made.url, self._made.identity):
            self._give_way("Another tab of this page has connected.")

    def _give_way(self, why: str) -> None:
        """Stop reconnecting: two stations with one identity would replace each other repeatedly."""
        identity = self._made.identity
        words = f"{why} The identity {identity} is in use elsewhere. Connect to take it back, which ends the other one."
        self._show_message(words, tone="warn")
        self._events.run(self._switch_off(), by_id("connect"))

    def _closed(self, _: CloseEvent) -> None:
        self._retry = None
        self.refresh()

    def _violated(self, event: Any) -> None:
        if event.effectiveDirective == "connect-src":
            self._barred.add(urlsplit(event.blockedURI).netloc)

    def _show_message(self, words: str, tone: str = "bad") -> None:
        say(by_id("connection-error"), words, tone)
