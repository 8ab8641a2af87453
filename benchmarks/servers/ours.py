"""The server of this library, in strict mode: python benchmarks/servers/ours.py asyncio|uvloop|trio."""

import argparse
from collections.abc import Callable
from typing import Any

import anyio

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked
from benchmarks.loops import run
from benchmarks.servers.lifeline import (
    BACKLOG,
    BOOT_ANSWER,
    HEARTBEAT_ANSWER,
    announce,
    options_parser,
)
from benchmarks.traffic import KINDS

hide_if_asked()

from ocpp_transports import HandlerContext, OCPPServer, SecurityProfile, TLSOptions  # noqa: E402 - after the accelerators are hidden


def _answering(answer: dict[str, Any]) -> Callable[[HandlerContext], dict[str, Any]]:
    return lambda _: answer


def _echo(context: HandlerContext) -> dict[str, Any]:
    return {"status": "Accepted", "data": context.params["data"]}


def _make_server(options: argparse.Namespace) -> OCPPServer:
    server = OCPPServer(
        protocols=[traffic.protocol for traffic in KINDS.values()],
        strict_mode=True,
        compression=options.compression,
        metrics=options.metrics,
        security_profile=_profile(options),
        credentials=None if options.password is None else lambda _: options.password,
        tls=TLSOptions(cert=options.tls, key=options.tls) if options.tls else None,
    )
    server.handle("BootNotification", _answering(BOOT_ANSWER))
    server.handle("Heartbeat", _answering(HEARTBEAT_ANSWER))
    server.handle("MeterValues", _answering({}))
    server.handle("TransactionEvent", _answering({}))
    server.handle("DataTransfer", _echo)
    return server


def _profile(options: argparse.Namespace) -> SecurityProfile:
    if options.password is None:
        return SecurityProfile.NONE
    return SecurityProfile.TLS_BASIC if options.tls else SecurityProfile.BASIC


async def _serve(options: argparse.Namespace) -> None:
    async with _make_server(options) as server:
        listener = await server.listen(0, "127.0.0.1", backlog=BACKLOG)
        announce(listener.port)
        await anyio.sleep_forever()


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("loop", choices=["asyncio", "uvloop", "trio"])
    parser.add_argument("--tls", metavar="FILE", help="listen with TLS, with the certificate and key in this file")
    parser.add_argument("--metrics", action="store_true", help="count with the option `metrics`")
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    options = parser.parse_args()
    if options.loop == "trio":
        anyio.run(_serve, options, backend="trio")
    else:
        run(options.loop, _serve(options))


if __name__ == "__main__":
    main()
