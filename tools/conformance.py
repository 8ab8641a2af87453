"""Run the Autobahn WebSocket cases over the echo server and client of `examples/`, which use only the link.

    python tools/conformance.py            every case over both: 517 each; some 20 minutes on two cores
    python tools/conformance.py --quick    the quick sections, and one case each of 9, 12 and 13
    python tools/conformance.py --side server 6.4.* 7.*

A case passes strictly if its behaviour and its closing are OK, or if the suite only informs. Any other result, also
NON-STRICT, is listed and sets the exit code to 1.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # a script has its own folder in the path instead
    sys.path.insert(0, str(ROOT))

from examples.echo_client import EchoClient  # noqa: E402 - needs the line above

if TYPE_CHECKING:
    from kosoku._kosoku import CaseResult

QUICK: Final = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", "9.1.3", "12.1.4", "13.2.4")
"""Sections 9, 12 and 13 test large messages and compression, which takes nearly all of the time."""

AT_A_TIME: Final = max(2, os.cpu_count() or 1)
_AGENT: Final = "ocpp_core.link"


async def over_server(cases: Sequence[str] | None) -> "list[CaseResult]":
    """Run the cases against `examples/echo_server.py` in a separate process."""
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / "echo_server.py"),
        "--port=0",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert server.stdout is not None
    try:
        url = (await server.stdout.readline()).decode().split()[-1]
        return await _results(run_fuzzingclient(url, cases, concurrency=AT_A_TIME))
    finally:
        server.kill()
        await server.wait()


async def over_client(cases: Sequence[str] | None) -> "list[CaseResult]":
    """Run the cases against the client of `examples/echo_client.py`."""
    suite = run_fuzzingserver(cases, host="127.0.0.1", port=0)
    async with suite:
        base = f"ws://127.0.0.1:{suite.port}"
        counter = EchoClient(f"{base}/getCaseCount")
        await counter.run()
        turns = asyncio.Semaphore(AT_A_TIME)

        async def run(number: int) -> None:
            async with turns:
                with suppress(ConnectionError):  # the suite reports it as well
                    await EchoClient(f"{base}/runCase?case={number}&agent={_AGENT}").run()

        await asyncio.gather(*(run(number + 1) for number in range(int(counter.last))))
        await EchoClient(f"{base}/updateReports?agent={_AGENT}").run()
        results = await _results(suite.get_result())
    return results  # noqa: RET504 - inside, a context manager that may swallow errors would hide a missing return


async def _results(run: "Awaitable[list[CaseResult]]") -> "list[CaseResult]":
    """Return the results, also of a run with failures."""
    try:
        return await run
    except FailureError as failed:
        return failed.results


SIDES: Final[dict[str, Callable[[Sequence[str] | None], "Awaitable[list[CaseResult]]"]]] = {
    "server": over_server,
    "client": over_client,
}


def shortfalls(results: "Sequence[CaseResult]") -> list[str]:
    """Yield the cases that did not pass strictly, with reasons."""
    strict = {"OK", "INFORMATIONAL"}
    return [
        f"{result.case_id}: {result.behavior.value}, closing {result.behavior_close.value}; "
        f"{result.result} {result.result_close}"
        for result in results
        if not {result.behavior.value, result.behavior_close.value} <= strict
    ]


def check(side: str, cases: Sequence[str] | None) -> tuple[int, list[str]]:
    """Run cases (patterns, None for all) over one side. Returns their number and the failures."""
    results = asyncio.run(_run(side, cases))
    return len(results), shortfalls(results)


async def _run(side: str, cases: Sequence[str] | None) -> "list[CaseResult]":
    return await SIDES[side](cases)


def main() -> int:
    """Run the command line. Returns 0 if every case passed strictly, otherwise 1."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", help="case numbers or patterns such as 6.4.*; all of them by default")
    parser.add_argument("--quick", action="store_true", help="the quick sections, and one case each of the others")
    parser.add_argument("--side", choices=SIDES, action="append", help="only this side of the link; both by default")
    options = parser.parse_args()
    cases = options.cases or (QUICK if options.quick else None)
    failed = False
    for side in options.side or SIDES:
        start = time.monotonic()
        ran, missed = check(side, cases)
        print(
            f"{side}: {ran - len(missed)} of {ran} cases passed strictly ({time.monotonic() - start:.0f} s)", flush=True
        )
        for line in missed:
            print(f"  {line}")
        failed = failed or bool(missed) or not ran
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
