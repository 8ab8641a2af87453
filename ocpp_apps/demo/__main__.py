"""The command line of the demo."""

import argparse
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from math import inf

from ocpp_apps.command_line import PASSWORD, check_backend, print_any_text, run, set_up_logging
from ocpp_transports import OCPPError
from ocpp_transports._logging._printable import printable

from .conductor import conduct
from .log import Printer, RecordLog, Write, write_json
from .plan import PROTOCOLS

__all__ = ["main"]

_EPILOG = f"""
Without a role, a server and a station for each version run on the loopback interface. The exit
code is 1 if a step is missing. With a role, one side runs, for example against real equipment. The password may
also be set with the environment variable {PASSWORD}, which other users of the machine cannot read.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocpp_apps.demo",
        description="A central system and charging stations of OCPP 1.6, 2.0.1 and 2.1, over real sockets.",
        epilog=_EPILOG,
    )
    parser.set_defaults(run=_run_everything, json=False, verbose=False)
    common = _common()
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio", help="event loop (asyncio)")
    roles = parser.add_subparsers(dest="role", metavar="{server,station}", title="one side only")
    _add_server(roles.add_parser("server", parents=[common], help="run a central system until Ctrl-C"))
    _add_station(roles.add_parser("station", parents=[common], help="run the scenario once as a charging station"))
    return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--password", default=os.environ.get(PASSWORD), help="for HTTP Basic authentication; without it, profile 0")
    add("--no-strict", dest="strict", action="store_false", help="do not check messages against their schemas")
    add("--backend", choices=("asyncio", "trio"), default=argparse.SUPPRESS, help="event loop (asyncio)")
    add("--verbose", action="store_true", help="write the library's own log to standard error")
    add("--json", action="store_true", help="for programs: write JSON lines, end when a pipe as standard input ends")
    return common


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_run_server)
    parser.add_argument(
        "--port", type=int, default=9000, help="port to listen on, 0 to 65535; 0 picks a free port (9000)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all (127.0.0.1)")
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        help="origin of web pages to accept besides those of this machine, like http://192.168.0.2:8000; repeatable",
    )
    parser.add_argument(
        "--commands",
        action="store_true",
        help="command every station: read a setting, change one, start charging, and reset after the session",
    )


def _add_station(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_run_station)
    parser.add_argument("--url", required=True, help="URL of the central system, ws:// or wss://, without the identity")
    parser.add_argument("--identity", default="CP001", help="identity of this station (CP001)")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="ocpp1.6", help="subprotocol (ocpp1.6)")
    parser.add_argument(
        "--wait", type=float, default=0.0, help="seconds to retry while the central system is not up, >= 0 (0)"
    )
    parser.add_argument("--patience", type=float, default=5.0, help="seconds to wait for each command, >= 0 (5)")


async def _run_everything(options: argparse.Namespace, printer: Printer) -> int:
    printer.line(f"Starting a central system and a station for each of {', '.join(PROTOCOLS)}, as processes.\n")
    outcome = await conduct(options.backend, printer)
    outcome.show(printer)
    missing = outcome.missing()
    for name in missing:
        _complain(f"missing: {name}")
    verdict = f"{len(missing)} steps are missing" if missing else "Every step happened"
    printer.line(printer.paint("error" if missing else "good", f"{verdict}, in {outcome.seconds:.1f} s."))
    return 1 if missing else 0


async def _run_server(options: argparse.Namespace, write: Write) -> int:
    from .server import CommandingCsms, serve  # each role imports only what it needs, to start sooner

    log = RecordLog(write)
    csms = CommandingCsms(log, password=options.password, strict=options.strict, origins=options.origin)
    try:
        await serve(csms, log, host=options.host, port=options.port, commands=options.commands)
    except (OSError, ValueError) as error:
        return _complain(f"cannot listen on {options.host} port {options.port}: {error}")
    return 0


async def _run_station(options: argparse.Namespace, write: Write) -> int:
    from ocpp_apps.station import StationError

    from .scenario import ScenarioError, make_client, perform
    from .tap import follow_client

    for name in ("wait", "patience"):
        seconds = getattr(options, name)
        if not 0 <= seconds < inf:
            return _complain(f"expected --{name} >= 0 seconds, got {seconds}")
    try:
        client = make_client(
            options.url,
            options.identity,
            protocol=options.protocol,
            password=options.password,
            strict=options.strict,
        )
    except ValueError as error:
        return _complain(str(error))
    follow_client(client, RecordLog(write))
    failures: list[Exception] = []
    try:
        await perform(client, protocol=options.protocol, patience=options.patience, wait=options.wait)
    except* (ScenarioError, StationError, OCPPError) as group:
        failures.extend(_leaves(group))
    for failure in failures:
        _complain(f"{options.identity}: {failure}")
    return 1 if failures else 0


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _complain(text: str) -> int:
    sys.stderr.write(f"{printable(text)}\n")
    return 1


def _for_people() -> Write:
    """Return a printer for an aligned log, which escapes characters that the terminal lacks."""
    print_any_text()
    return Printer(sys.stdout)


def _for_programs() -> Write:
    """Write JSON, and end when the parent process ends, even if it was killed."""
    if _is_pipe(0):
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
    return write_json


def _is_pipe(descriptor: int) -> bool:
    """Return True if the end of this input means that the parent ended: a pipe or a socket, not a file or /dev/null."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # standard input is closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _end_with_standard_input() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo and return the exit code.

    The code is 0, 1 if a step is missing or failed, or 2 for an invalid command line.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    check_backend(parser, options.backend)
    set_up_logging(verbose=options.verbose)
    write = _for_programs() if options.json else _for_people()
    return run(options.run, options, write, backend=options.backend)


if __name__ == "__main__":
    sys.exit(main())
