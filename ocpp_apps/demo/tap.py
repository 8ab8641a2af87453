"""From the library's `message` events to records: one for each CALL with its answer, one for each SEND."""

from time import time
from typing import Any

from ocpp_transports import MessageType
from ocpp_transports.events import MessageEvent

from .log import FROM_STATION, TO_STATION, Log, Record
from .summary import joined, summarize

__all__ = ["Tap"]


class Tap:
    """Listens to the `message` events of one station's connection.

    `out` is the arrow of what this side sends: a station's messages go out where its server's come in.
    """

    def __init__(self, log: Log, station: str, out: str) -> None:
        self._log = log
        self._station = station
        self._arrows = {"out": out, "in": TO_STATION if out == FROM_STATION else FROM_STATION}
        self._asked: dict[tuple[str, str], Any] = {}

    def forget(self) -> None:
        """Forget CALLs without an answer: their connection is lost."""
        self._asked.clear()

    def __call__(self, event: MessageEvent) -> None:
        """Take note of a message."""
        arrow = self._arrows[event.direction.value]
        if event.type is MessageType.CALL:
            self._asked[arrow, event.message_id] = event.payload
        elif event.type is MessageType.SEND:
            self._record("send", event, arrow, event.payload)
        else:
            caller = TO_STATION if arrow == FROM_STATION else FROM_STATION
            self._record("exchange", event, caller, self._asked.pop((caller, event.message_id), {}))

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
