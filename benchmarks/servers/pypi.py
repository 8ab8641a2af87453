"""The server made of the PyPI packages ocpp and websockets, as the documentation of ocpp shows it."""

import argparse
import asyncio
from contextlib import suppress
from hmac import compare_digest
from typing import Any, Final

import ocpp.messages
import ocpp.v16
import ocpp.v201
from ocpp.routing import on
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.servers.lifeline import (
    BACKLOG,
    BOOT_ANSWER,
    HEARTBEAT_ANSWER,
    announce,
    options_parser,
)


class CentralSystem16(ocpp.v16.ChargePoint):  # type: ignore[misc]  # the package has no types
    """Answers the actions of OCPP 1.6; the package checks requests and answers against their schemas."""

    @on("BootNotification")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_boot(self, **_: Any) -> Any:
        return ocpp.v16.call_result.BootNotification(
            current_time=BOOT_ANSWER["currentTime"], interval=BOOT_ANSWER["interval"], status=BOOT_ANSWER["status"]
        )

    @on("Heartbeat")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_heartbeat(self, **_: Any) -> Any:
        return ocpp.v16.call_result.Heartbeat(current_time=HEARTBEAT_ANSWER["currentTime"])

    @on("MeterValues")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_meter_values(self, **_: Any) -> Any:
        return ocpp.v16.call_result.MeterValues()

    @on("DataTransfer")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_data_transfer(self, data: str, **_: Any) -> Any:
        return ocpp.v16.call_result.DataTransfer(status="Accepted", data=data)


class CentralSystem201(ocpp.v201.ChargePoint):  # type: ignore[misc]  # the package has no types
    """Answers the action of OCPP 2.0.1."""

    @on("TransactionEvent")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_transaction_event(self, **_: Any) -> Any:
        return ocpp.v201.call_result.TransactionEvent()


_BY_PROTOCOL: Final[dict[str, Any]] = {"ocpp1.6": CentralSystem16, "ocpp2.0.1": CentralSystem201}


async def _serve_station(connection: ServerConnection) -> None:
    assert connection.request is not None
    assert connection.subprotocol is not None
    central_system = _BY_PROTOCOL[connection.subprotocol]
    with suppress(ConnectionClosed):  # ends its read loop when a station disconnects
        await central_system(connection.request.path.rpartition("/")[2], connection).start()


def _basic_auth(expected: str) -> Any:
    return basic_auth(check_credentials=lambda _, password: compare_digest(password, expected))


async def _serve(options: argparse.Namespace) -> None:
    ocpp.messages.ASYNC_VALIDATION = not options.inline
    async with serve(
        _serve_station,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(protocol) for protocol in _BY_PROTOCOL],
        compression="deflate" if options.compression else None,
        process_request=None if options.password is None else _basic_auth(options.password),
        backlog=BACKLOG,
    ) as server:
        announce(next(iter(server.sockets)).getsockname()[1])
        await asyncio.get_running_loop().create_future()


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--inline", action="store_true", help="validate in the event loop instead of threads")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
