"""What `enqueue` accepts: reads its arguments, and checks what can be checked before the station is connected."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inbound.queued import queued
from ocpp_core.inputs import StartCall
from ocpp_core.outbound.call import check_command
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.versions import version_of
from ocpp_transports._calls._calling import read_request
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords

__all__ = ["EnqueueReader", "QueuedMessage"]

_OPTIONS: Final = StationEnqueueKeywords.__annotations__.keys()


class QueuedMessage(NamedTuple):
    """A message that the application queues; `protocol` is None unless it is for that version only."""

    protocol: str | None
    action: str
    payload: dict[str, Any]
    options: dict[str, Any]


class EnqueueReader:
    """Reads what `enqueue` gets. `options` are those of the server."""

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        """The options of the server, which may change."""
        self._without_messages = Outbox(
            OutboxConfig(gate="manual"), 1, ids=options.ids, emit=lambda _: None, changed=lambda: None
        )
        self.directions: MakeDirections = partial(queued, outbox=self._without_messages)
        """Makes the directions of each connection."""

    def read(self, args: tuple[Any, ...], options: Mapping[str, Any], spoken: Collection[str]) -> QueuedMessage:
        """Return a message. Raises TypeError or ValueError for bad arguments."""
        if unknown := options.keys() - _OPTIONS:
            raise TypeError(f"expected options of StationEnqueueKeywords, got {', '.join(sorted(unknown))}")
        others = {name: value for name, value in options.items() if name != "custom"}
        request = read_request(args, {"custom": options.get("custom", False)})
        request.expect_sent("csms", spoken)
        if request.protocol is not None and request.protocol not in spoken:
            raise ValueError(f"expected a message of {', '.join(spoken)}, got one of {request.protocol}")
        payload = dict(request.params)
        check_command(StartCall(0, request.action, payload), self.options.session, 0.0)
        return QueuedMessage(request.protocol, request.action, payload, others)

    def expect_valid(self, message: QueuedMessage, spoken: Collection[str], rules: PeerOptions) -> None:
        """Raise RPCError for a payload that strict mode would not send, if the station can only have one version."""
        protocols = spoken if message.protocol is None else (message.protocol,)
        if len(protocols) == 1:
            (protocol,) = protocols
            config, outbox = rules.session_in(protocol, trace=False), self._without_messages
            calls = StationCalls(version_of(protocol), config, rules.ids, lambda _: None, lambda _: None, outbox=outbox)
            calls.expect_valid(message.action, message.payload)
