"""A server that only accepts TLS connections: python benchmarks/servers/bare_tls.py asyncio|uvloop."""

import argparse
import asyncio
import ssl

from benchmarks.loops import run
from benchmarks.servers.lifeline import BACKLOG, announce


async def _serve(certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context, backlog=BACKLOG)
    announce(server.sockets[0].getsockname()[1])
    await loop.create_future()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loop", choices=["asyncio", "uvloop"])
    parser.add_argument("--tls", metavar="FILE", required=True, help="file with the certificate and its key")
    options = parser.parse_args()
    run(options.loop, _serve(options.tls))


if __name__ == "__main__":
    main()
