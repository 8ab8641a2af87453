"""Functions that the command lines of the demo and of the simulated stations share."""

import argparse
import io
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

import anyio

from ocpp_core.handshake import SecurityProfile

__all__ = ["PASSWORD", "check_backend", "end_of_process", "print_any_text", "profile_of", "run", "set_up_logging"]

PASSWORD: Final = "OCPP_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable with the password. Other users can read a command line, but not the environment."""


def check_backend(parser: argparse.ArgumentParser, backend: str) -> None:
    """End the program if its event loop is not installed."""
    if backend == "trio" and find_spec("trio") is None:
        parser.error("trio is not installed, try: pip install trio")


def set_up_logging(*, verbose: bool) -> None:
    """Show the library's log, or hide even its warnings, which these programs provoke on purpose."""
    if verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(levelname)s %(message)s")


def print_any_text() -> None:
    """Escape characters that the encoding of standard output lacks, so that printing never raises."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def run(main: Callable[..., Awaitable[int]], *arguments: Any, backend: str) -> int:
    """Run a coroutine function on this event loop. Returns its exit code, or 130 after Ctrl-C."""
    code = 130
    try:
        code = anyio.run(main, *arguments, backend=backend)
    except* KeyboardInterrupt:
        pass
    return code


def profile_of(url: str, password: str | None) -> SecurityProfile:
    """Return the security profile for a URL and a password."""
    if password is None:
        return SecurityProfile.NONE
    return SecurityProfile.TLS_BASIC if urlsplit(url).scheme == "wss" else SecurityProfile.BASIC


@contextmanager
def end_of_process() -> Iterator[Callable[[], Awaitable[object]]]:
    """Wait for SIGINT or SIGTERM.

    Without support for signals in the event loop, Ctrl-C raises KeyboardInterrupt.
    """
    if sys.platform == "win32":
        yield anyio.sleep_forever
    else:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            yield partial(anext, signals)
