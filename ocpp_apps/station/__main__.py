"""The command line of the simulated stations."""

import argparse
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

import anyio

from ocpp_apps.command_line import (
    PASSWORD,
    check_backend,
    end_of_process,
    print_any_text,
    profile_of,
    run,
    set_up_logging,
)
from ocpp_apps.csms import Csms
from ocpp_transports import OCPPClient, TLSOptions
from ocpp_transports._logging._printable import printable
from ocpp_transports.outbox import MemoryStore, OutboxStore, SQLiteStore

from .anyio_clock import AnyioClock
from .fleet.fleet import Fleet, Plan
from .fleet.open_files import allow_open_files
from .model.settings import PROTOCOLS, StationSettings

__all__ = ["BROKEN_PROTOCOL", "NOT_ACCEPTED", "main"]

NOT_ACCEPTED: Final = 1
"""Exit code if the central system did not accept a station; takes precedence over all others."""
BROKEN_PROTOCOL: Final = 3
"""Exit code if all stations were accepted, but a central system broke the protocol."""

_PATIENCE: Final = 10.0
"""Seconds for all stations to switch off and close."""
_INTERVAL: Final = 30
"""Seconds between heartbeats that the built-in central system requests."""
_SPARE_FILES: Final = 100
"""File descriptors that the process needs besides the sockets of the stations."""
_SHOWN: Final = 10
"""Failures that are printed individually."""
_IDENTITY: Final = "{identity}"
_HINT: Final = " (--wait SECONDS retries while the central system is not up)"

_EPILOG = f"""
Without --url, a central system that accepts everything runs in the same process. The exit code is 0 on success, and 2
for an invalid command line. It is 1 if a central system did not accept a station, and 3 if it accepted all stations but
broke the protocol. The password may also be set with the environment variable {PASSWORD}, which other users of the
machine cannot read.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocpp_apps.station",
        description="Simulated charging stations, one or many, to test a central system.",
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("--url", help="URL of the central system, ws:// or wss://, without the identity")
    add("--identity", default="CP{n}", help="of each station; {n} is its number from 1, {n:04} adds zeros (CP{n})")
    add("--count", type=int, default=1, help="number of stations, 1 to 100,000 (1)")
    add("--protocol", choices=PROTOCOLS, default="ocpp1.6", help="subprotocol (ocpp1.6)")
    add("--wait", type=float, default=0.0, help="seconds to retry while the central system is not up, >= 0 (0)")
    add("--password", default=os.environ.get(PASSWORD), help="for HTTP Basic authentication; without it, profile 0")
    add("--ca", help="file of CA certificates to trust for wss:// (those of the system)")
    add("--connectors", type=int, default=1, help="connectors of each station, 1 to 99 (1)")
    add("--meter-interval", type=int, default=60, help="seconds between meter values, 0 to 86,400 (60)")
    add("--store", help="file for messages that must arrive; they survive a kill. {identity} for several stations")
    add("--ramp", type=float, default=0.0, help="seconds over which the stations start, >= 0 (0)")
    add("--charge", type=float, nargs="?", const=60.0, help="charge in cycles of this many seconds, >= 0.1 (60)")
    add("--duration", type=float, help="seconds to run, >= 0; without it, run until Ctrl-C")
    add("--backend", choices=("asyncio", "trio"), default="asyncio", help="event loop (asyncio)")
    add("--strict", action="store_true", help="reject messages that break their schema, in both directions")
    add("--verbose", action="store_true", help="write the library's own log to standard error")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    """Return the plan of the fleet. Raises ValueError for invalid options."""
    if not 1 <= options.count <= 100_000:
        raise ValueError(f"expected --count from 1 to 100000, got {options.count}")
    for name, least in {"ramp": 0, "charge": 0.1, "duration": 0, "wait": 0}.items():
        value = getattr(options, name)
        if value is not None and not least <= value < float("inf"):
            raise ValueError(f"expected --{name} >= {least} seconds, got {value}")
    if options.count > 1 and options.store is not None and _IDENTITY not in options.store:
        raise ValueError(f"expected --store with {_IDENTITY} for {options.count} stations, got {options.store!r}")
    return Plan(
        identities=_identities(options.identity, options.count),
        settings=StationSettings(
            connectors=options.connectors, meter_interval=options.meter_interval, protocol=options.protocol
        ),
        ramp=options.ramp,
        wait=options.wait,
        charge=options.charge,
    )


def _identities(template: str, count: int) -> list[str]:
    try:
        identities = [template.format(n=number) for number in range(1, count + 1)]
    except (LookupError, ValueError) as error:
        raise ValueError(f"expected --identity with {{n}} for the number, got {template!r}") from error
    if len(set(identities)) < count:
        raise ValueError(f"expected --identity with {{n}} for {count} stations, got {template!r}")
    return identities


def _client(options: argparse.Namespace, url: str, identity: str) -> OCPPClient:
    """Return a client. Raises ValueError if the URL is invalid, OSError if the certificates cannot be read."""
    return OCPPClient(
        identity,
        url,
        protocols=[options.protocol],
        security_profile=profile_of(url, options.password),
        password=options.password,
        tls=None if options.ca is None else TLSOptions(ca=options.ca),
        strict_mode=options.strict,
        offline_queue=_store(options.store, identity),
        warm_up=False,
    )


def _store(path: str | None, identity: str) -> OutboxStore:
    """Return the store of a station's messages."""
    return MemoryStore(keep=True) if path is None else SQLiteStore(path.replace(_IDENTITY, quote(identity, safe="")))


@asynccontextmanager
async def _central_system(options: argparse.Namespace) -> AsyncIterator[str]:
    """Yield the URL of the central system. Without `--url`, start the built-in one."""
    if options.url is not None:
        yield options.url
        return
    csms = Csms(password=options.password, interval=_INTERVAL, strict_mode=options.strict, warm_up=False)
    async with csms.server:
        listener = await csms.server.listen(0, "127.0.0.1")
        yield f"ws://{listener.host}:{listener.port}"


async def _run(options: argparse.Namespace, plan: Plan) -> int:
    async with anyio.create_task_group() as tasks:
        code = await _run_fleet(options, plan, AnyioClock(tasks))
        tasks.cancel_scope.cancel()
    return code


async def _run_fleet(options: argparse.Namespace, plan: Plan, clock: AnyioClock) -> int:
    async with _central_system(options) as url:
        fleet = Fleet(plan, partial(_client, options, url), clock, _complain)
        stations = "1 station" if options.count == 1 else f"{options.count} stations"
        _print(f"{stations} of {options.protocol}, to {urlsplit(url).hostname}")
        with end_of_process() as asked_to_end:
            fleet.start()
            with anyio.move_on_after(options.duration) as scope:
                showing = clock.spawn(_show(fleet, scope))
                await asked_to_end()
            showing.cancel()
            return await _finish(fleet)


async def _show(fleet: Fleet, scope: anyio.CancelScope) -> None:
    """Print the statistics every second until no station is left."""
    while not fleet.is_over:
        await fleet.clock.sleep(1)
        _print(fleet.statistics.line(fleet.snapshot(), fleet.seconds))
    scope.cancel()


async def _finish(fleet: Fleet) -> int:
    """Stop the stations, print the results, and return the exit code."""
    missing, now, seconds = fleet.missing, fleet.snapshot(), fleet.seconds
    with anyio.move_on_after(_PATIENCE):
        await fleet.end()
    for line in (*fleet.statistics.table(now, seconds), *fleet.breaches.table()):
        _print(line)
    unreached = set() if fleet.plan.wait else set(fleet.unreached)
    for identity in missing[:_SHOWN]:
        hint = _HINT if identity in unreached else ""
        failure = fleet.failures.get(identity, "not accepted by the central system")
        _complain(printable(f"{identity}: {failure}") + hint)
    if len(missing) > _SHOWN:
        _complain(f"and {len(missing) - _SHOWN} more")
    if missing:
        return NOT_ACCEPTED
    return BROKEN_PROTOCOL if fleet.breaches.total else 0


def _allow_sockets(options: argparse.Namespace) -> None:
    """Raise the limit of open files to one per station, or two with the built-in central system."""
    needed = options.count * (2 if options.url is None else 1) + _SPARE_FILES
    allowed = allow_open_files(needed)
    if allowed < needed:
        _complain(f"{options.count} stations may need {needed} open files, the system allows {allowed}: see ulimit -n")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the stations and return the exit code: 0, NOT_ACCEPTED or BROKEN_PROTOCOL.

    An invalid command line raises SystemExit with code 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    check_backend(parser, options.backend)
    set_up_logging(verbose=options.verbose)
    print_any_text()
    try:
        plan = _plan(options)
        _client(options, options.url or "ws://127.0.0.1", plan.identities[0])
    except OSError as error:
        parser.error(f"cannot read the certificates of --ca {options.ca}: {error.strerror}")
    except ValueError as error:
        parser.error(str(error))
    _allow_sockets(options)
    return run(_run, options, plan, backend=options.backend)


if __name__ == "__main__":
    sys.exit(main())
