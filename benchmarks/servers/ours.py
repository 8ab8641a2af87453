"""The server of this library, in strict mode: python benchmarks/servers/ours.py asyncio|uvloop|trio."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked
from benchmarks.compiled import COMPILED, expect_form
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

_Answer = dict[str, Any]


def _answering(answer: _Answer, *, coroutines: bool) -> Callable[[HandlerContext], _Answer | Awaitable[_Answer]]:
    async def handler(_: HandlerContext) -> _Answer:
        return answer

    return handler if coroutines else lambda _: answer


def _echo(context: HandlerContext) -> _Answer:
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
    answers = {
        "BootNotification": BOOT_ANSWER,
        "Heartbeat": HEARTBEAT_ANSWER,
        "MeterValues": {},
        "TransactionEvent": {},
    }
    for action, answer in answers.items():
        server.handle(action, _answering(answer, coroutines=options.coroutines))
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
    parser.add_argument("--coroutines", action="store_true", help="answer with coroutine functions")
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    parser.add_argument(COMPILED, action="store_true", help="fail unless the library is compiled")
    options = parser.parse_args()
    expect_form()
    if options.loop == "trio":
        anyio.run(_serve, options, backend="trio")
    else:
        run(options.loop, _serve(options))


if __name__ == "__main__":
    main()
