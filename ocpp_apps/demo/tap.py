"""Records of the events of a connection, for the log of the demo."""

from time import time
from typing import Any

from ocpp_transports import MessageType, OCPPServerClient
from ocpp_transports._peer._client import ClientPeer
from ocpp_transports.events import CloseEvent, DisconnectEvent, ErrorEvent, MessageEvent, OpenEvent, ReconnectEvent

from .log import FROM_STATION, TO_STATION, Record, RecordLog
from .summary import joined, summarize

__all__ = ["follow_client", "follow_station"]


def follow_client(client: ClientPeer, log: RecordLog) -> None:
    """Log the messages and the connection of a station."""
    tap = _Tap(log, client.identity, FROM_STATION)
    client.on("message", tap)

    def log_link(name: str, about: str) -> None:
        log.link(client.identity, name, about)

    @client.on("open")
    def opened(event: OpenEvent) -> None:
        log_link("open", event.protocol)

    @client.on("disconnect")
    def disconnected(event: DisconnectEvent) -> None:
        tap.forget()
        log_link("connection lost", f"{event.code} {event.reason}")

    @client.on("reconnect")
    def waiting(event: ReconnectEvent) -> None:
        log_link("reconnect", f"attempt {event.attempt} in {event.delay:.2f} s")

    @client.on("error")
    def failed(event: ErrorEvent) -> None:
        log_link("error", str(event.error))

    @client.on("close")
    def closed(event: CloseEvent) -> None:
        log_link("closed", f"{event.code} {event.reason}")


def follow_station(station: OCPPServerClient, log: RecordLog) -> None:
    """Log the messages and the connection of a station, at the central system."""
    log.link(station.identity, "connected", f"{station.protocol} from {station.handshake.remote_address}")
    station.on("message", _Tap(log, station.identity, TO_STATION))

    @station.on("close")
    def disconnected(event: CloseEvent) -> None:
        log.link(station.identity, "disconnected", f"{event.code} {event.reason}")


class _Tap:
    """A listener for `message` events: one record for a CALL with its response, one for a SEND.

    `out` is the arrow of the messages that this side sends.
    """

    def __init__(self, log: RecordLog, station: str, out: str) -> None:
        self._log = log
        self._station = station
        self._arrows = {"out": out, "in": TO_STATION if out == FROM_STATION else FROM_STATION}
        self._outstanding: dict[tuple[str, str], Any] = {}

    def forget(self) -> None:
        """Drop outstanding CALLs, whose connection is lost."""
        self._outstanding.clear()

    def __call__(self, event: MessageEvent) -> None:
        """Record a message."""
        arrow = self._arrows[event.direction.value]
        if event.type is MessageType.CALL:
            self._outstanding[arrow, event.message_id] = event.payload
        elif event.type is MessageType.SEND:
            self._record("send", event, arrow, event.payload)
        else:
            caller = TO_STATION if arrow == FROM_STATION else FROM_STATION
            self._record("exchange", event, caller, self._outstanding.pop((caller, event.message_id), {}))

    def _record(self, kind: Any, event: MessageEvent, arrow: str, request: Any) -> None:
        self._log.write(
            Record(
                at=time(),
                station=self._station,
                kind=kind,
                name=event.action or "?",
                arrow=arrow,
                about=joined(summarize(request)),
                answer="" if kind == "send" else _answer(event, summarize(request)),
                error=event.error_code or "",
                latency=event.latency,
            )
        )


def _answer(event: MessageEvent, known: list[str]) -> str:
    if event.error_code is not None:
        return event.error_description or ""
    return joined([word for word in summarize(event.payload) if word not in known]) or "ok"
