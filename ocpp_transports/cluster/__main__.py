"""Command line that runs a server in several processes.

python -m ocpp_transports.cluster csms:make_server --workers 4 --port 9000
"""

import argparse
import logging
import sys
from typing import get_args

from ocpp_transports._server._lifecycle._serving import Loop

from ._workers._serving import serve

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code: 0, or 1 if it cannot serve."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(
            given.target,
            workers=given.workers,
            port=given.port,
            host=given.host,
            loop=given.loop,
            hang_timeout=given.hang_timeout or None,
            worker_port=given.worker_port,
            worker_host=given.worker_host or None,
        )
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        sys.stderr.write(f"{getattr(error, 'strerror', None) or error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocpp_transports.cluster",
        description="Run a server in several processes that share a port.",
        epilog="SIGTERM and Ctrl-C close it, SIGHUP replaces one process after the other. "
        "The exit code is 0, or 1 if it cannot serve.",
    )
    parser.add_argument("target", metavar="MODULE:FUNCTION", help="the function that returns an OCPPServer")
    parser.add_argument("--workers", type=int, required=True, help="number of processes, 1 to 1,024")
    parser.add_argument("--port", type=int, required=True, help="port to listen on, 0 to 65535; 0 picks a free port")
    parser.add_argument("--host", help="address to listen on; without it, all addresses")
    parser.add_argument("--loop", choices=get_args(Loop), default="asyncio", help="event loop")
    parser.add_argument(
        "--hang-timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="seconds, ≥ 1, after which a process is killed whose event loop stands still; 0 for no limit",
    )
    parser.add_argument(
        "--worker-port",
        type=int,
        metavar="PORT",
        help="port of the first process alone, 1 to 65535, for its /metrics; each other process has the next one",
    )
    parser.add_argument(
        "--worker-host", default="127.0.0.1", metavar="HOST", help='address of these ports; "" for all addresses'
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
