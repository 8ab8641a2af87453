"""The server made of the PyPI packages ocpp and websockets, as the documentation of ocpp shows it."""

import argparse
import asyncio
from contextlib import suppress
from functools import partial
from hmac import compare_digest
from importlib import import_module
from typing import Any

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


def _make_central_systems(package: str) -> dict[str, Any]:
    """Return the classes by subprotocol. The package checks requests and answers against their schemas."""
    on = import_module(f"{package}.routing").on
    v16, v201 = import_module(f"{package}.v16"), import_module(f"{package}.v201")

    class CentralSystem16(v16.ChargePoint):  # type: ignore[name-defined, misc]  # known at run time
        @on("BootNotification")  # type: ignore[untyped-decorator]  # known at run time
        def _on_boot(self, **_: Any) -> Any:
            return v16.call_result.BootNotification(
                current_time=BOOT_ANSWER["currentTime"], interval=BOOT_ANSWER["interval"], status=BOOT_ANSWER["status"]
            )

        @on("Heartbeat")  # type: ignore[untyped-decorator]  # known at run time
        def _on_heartbeat(self, **_: Any) -> Any:
            return v16.call_result.Heartbeat(current_time=HEARTBEAT_ANSWER["currentTime"])

        @on("MeterValues")  # type: ignore[untyped-decorator]  # known at run time
        def _on_meter_values(self, **_: Any) -> Any:
            return v16.call_result.MeterValues()

        @on("DataTransfer")  # type: ignore[untyped-decorator]  # known at run time
        def _on_data_transfer(self, data: str, **_: Any) -> Any:
            return v16.call_result.DataTransfer(status="Accepted", data=data)

    class CentralSystem201(v201.ChargePoint):  # type: ignore[name-defined, misc]  # known at run time
        @on("TransactionEvent")  # type: ignore[untyped-decorator]  # known at run time
        def _on_transaction_event(self, **_: Any) -> Any:
            return v201.call_result.TransactionEvent()

    return {"ocpp1.6": CentralSystem16, "ocpp2.0.1": CentralSystem201}


async def _serve_station(connection: ServerConnection, central_systems: dict[str, Any]) -> None:
    assert connection.request is not None
    assert connection.subprotocol is not None
    central_system = central_systems[connection.subprotocol]
    with suppress(ConnectionClosed):  # ends its read loop when a station disconnects
        await central_system(connection.request.path.rpartition("/")[2], connection).start()


def _basic_auth(expected: str) -> Any:
    return basic_auth(check_credentials=lambda _, password: compare_digest(password, expected))


async def _serve(options: argparse.Namespace) -> None:
    import_module(f"{options.package}.messages").ASYNC_VALIDATION = not options.inline  # type: ignore[attr-defined]  # there
    central_systems = _make_central_systems(options.package)
    async with serve(
        partial(_serve_station, central_systems=central_systems),
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(protocol) for protocol in central_systems],
        compression="deflate" if options.compression else None,
        process_request=None if options.password is None else _basic_auth(options.password),
        backlog=BACKLOG,
    ) as server:
        announce(next(iter(server.sockets)).getsockname()[1])
        await asyncio.get_running_loop().create_future()


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--inline", action="store_true", help="validate in the event loop instead of threads")
    parser.add_argument("--package", default="ocpp", help="the package, or another one with its interface")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
