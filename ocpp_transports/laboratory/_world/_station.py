"""A station that a test plays: it answers as the test says, and the test awaits what the server sends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Direction
from ocpp_core.errors import RPCNotImplementedError
from ocpp_core.messages import MessageType
from ocpp_transports._peer._peer import ConnectionState
from ocpp_transports.client import OCPPClient
from ocpp_transports.events import MessageEvent

__all__ = ["Answer", "ScriptedStation", "StationRequest", "answer_of"]

Answer: TypeAlias = (
    Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
)
"""A payload, an exception to raise, or a function of the request's payload that returns a payload, perhaps later."""

_T = TypeVar("_T")
_ANSWERS: Final = (MessageType.CALLRESULT, MessageType.CALLERROR)
_CHANGES: Final = ("open", "disconnect", "close")


@dataclass(slots=True)
class StationRequest:
    """A CALL or SEND of the server that a scripted station has received."""

    action: str
    """The action."""
    payload: Mapping[str, Any]
    """The payload."""
    message_id: str
    """The message id."""
    time: float
    """Virtual time of its arrival, in seconds."""
    is_answered: bool = False
    """True once the response has left; at once for a SEND, which has none."""


class ScriptedStation:
    """A station whose answers a test writes.

        station = await lab.station("CP1", "ocpp1.6")
        station.answers["Reset"] = {"status": "Accepted"}
        await server.get_client("CP1").call("Reset", {"type": "Soft"})
        request = await station.expect("Reset")

    An action without an answer gets `NotImplemented`, unless `client` has a handler for it.
    """

    def __init__(self, client: OCPPClient) -> None:
        self.client = client
        """The client of the station, with handlers, events and options like any other."""
        self.answers: dict[str, Answer] = {}
        """The answers by action; change them at any time."""
        self._requests: list[StationRequest] = []  # not yet expected
        self._open: dict[str, StationRequest] = {}  # not yet answered
        self._changed = asyncio.Event()
        client.handle(self._answer)
        client.on("message", self._note)
        for name in _CHANGES:
            client.on(name, self._wake)

    def __repr__(self) -> str:
        return f"<ScriptedStation {self.client.identity!r} {self.client.state.name}>"

    @property
    def requests(self) -> tuple[StationRequest, ...]:
        """The requests that have arrived and that no `expect` has returned."""
        return tuple(self._requests)

    async def call(self, action: str, payload: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Call the server and return the payload of its response; see `OCPPClient.call`.

        Args:
            action: The action.
            payload: The payload, by default `{}`.
            **options: The options of one call, such as `timeout`.

        Raises:
            OCPPError: The call failed.
            ValueError: Before anything is sent, as `OCPPClient.call`.
        """
        return await self.client.call(action, payload or {}, **options)

    async def expect(
        self, action: str, *, within: float = 60.0, where: Callable[[Mapping[str, Any]], object] | None = None
    ) -> StationRequest:
        """Wait for a request of the server, and return it once its response has left.

        Each request is returned once. One that has arrived before counts too.

        Args:
            action: The action.
            within: Virtual seconds to wait.
            where: A function of the payload that returns True for the request that is meant.

        Raises:
            AssertionError: No such request was answered in time.
        """

        def find() -> StationRequest | None:
            return next((each for each in self._requests if each.is_answered and is_meant(each)), None)

        def is_meant(each: StationRequest) -> bool:
            return each.action == action and (where is None or bool(where(each.payload)))

        found = await self._until(find, within)
        if found is None:
            raise AssertionError(f"expected {action} within {within:.15g} s, got {self._shown()}")
        self._requests.remove(found)
        return found

    async def opened(self, *, within: float = 60.0) -> None:
        """Wait until the station is connected. Raises AssertionError after `within` virtual seconds."""
        await self._in_state(within, ConnectionState.OPEN)

    async def lost(self, *, within: float = 60.0) -> None:
        """Wait until the station has lost its connection. Raises AssertionError after `within` virtual seconds."""
        await self._in_state(within, ConnectionState.CONNECTING, ConnectionState.CLOSED)

    async def _in_state(self, within: float, *states: ConnectionState) -> None:
        if await self._until(lambda: self.client.state in states or None, within) is None:
            names = " or ".join(state.name for state in states)
            raise AssertionError(f"expected {names} within {within:.15g} s, got {self.client.state.name}")

    async def _until(self, find: Callable[[], _T | None], within: float) -> _T | None:
        try:
            async with asyncio.timeout(within):
                while (found := find()) is None:
                    await self._changed.wait()
        except TimeoutError:
            return None
        return found

    def _shown(self) -> str:
        shown = [f"{each.action}{'' if each.is_answered else ' (not answered)'}" for each in self._requests]
        return ", ".join(shown) or "no request"

    def _wake(self, _: object = None) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _note(self, event: MessageEvent) -> None:
        if event.direction is Direction.IN and event.type in (MessageType.CALL, MessageType.SEND):
            time = asyncio.get_running_loop().time()
            request = StationRequest(str(event.action), event.payload, event.message_id, time)
            request.is_answered = event.type is MessageType.SEND
            self._requests.append(request)
            self._open[event.message_id] = request
        elif event.direction is Direction.OUT and event.type in _ANSWERS:
            answered = self._open.pop(event.message_id, None)
            if answered is not None:
                answered.is_answered = True
        self._wake()

    def _answer(self, action: str, context: Any) -> Any:
        return answer_of(self.answers, action, context.params)


def answer_of(answers: Mapping[str, Answer], action: str, payload: Mapping[str, Any]) -> Any:
    """Return the answer to a request, perhaps an awaitable. Raises what a station raises that refuses."""
    answer = answers.get(action)
    if answer is None:
        raise RPCNotImplementedError(f"the station has no answer for {action}")
    if isinstance(answer, Exception):
        raise answer
    return answer(payload) if callable(answer) else dict(answer)
