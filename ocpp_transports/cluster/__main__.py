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
        serve(given.target, workers=given.workers, port=given.port, host=given.host, loop=given.loop)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        sys.stderr.write(f"{getattr(error, 'strerror', None) or error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}", description="Run a server in several processes that share a port."
    )
    parser.add_argument("target", metavar="MODULE:FUNCTION", help="the function that returns an OCPPServer")
    parser.add_argument("--workers", type=int, required=True, help="the number of processes")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on; 0 lets the system choose one")
    parser.add_argument("--host", help="the address to listen on; default: all addresses")
    parser.add_argument("--loop", choices=get_args(Loop), default="asyncio", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
