"""Cold start: seconds to the first validated message or to the first complete conversation.

    python benchmarks/cold.py validated|whole [--standard-library]

The clock starts after the import of the client and the server. Prints one JSON object.
"""

import argparse
import asyncio
import json
import time

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked
from benchmarks.servers.lifeline import BOOT_ANSWER
from benchmarks.traffic import BOOT

hide_if_asked()

from ocpp_transports import OCPPClient, OCPPServer  # noqa: E402 - after the accelerators are hidden


def _validate() -> None:
    """Validate a first BootNotification as strict mode does."""
    from ocpp_transports import load_validator  # its imports are part of the time

    validator = load_validator("ocpp1.6")
    assert validator.check_call("BootNotification", BOOT) is None
    assert validator.check_result("BootNotification", BOOT_ANSWER) is None


async def _converse(start: float) -> float:
    """Return the seconds to start a server and to boot a station on it."""
    async with OCPPServer(protocols=["ocpp1.6"], strict_mode=True) as server:
        server.handle("BootNotification", lambda _: BOOT_ANSWER)
        listener = await server.listen(0, "127.0.0.1")
        endpoint = f"ws://127.0.0.1:{listener.port}/ocpp"
        async with OCPPClient("CP1", endpoint, protocols=["ocpp1.6"], strict_mode=True) as station:
            await station.connect()
            await station.call("BootNotification", BOOT)
            return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["validated", "whole"])
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    options = parser.parse_args()
    start = time.perf_counter()
    if options.what == "validated":
        _validate()
        took = time.perf_counter() - start
    else:
        took = asyncio.run(_converse(start))
    print(json.dumps({"seconds": took}))


if __name__ == "__main__":
    main()
