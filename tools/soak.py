"""Play random histories in virtual time, and check in each what the library promises.

    python tools/soak.py                                a minute of histories from a new seed
    python tools/soak.py --minutes 15 --first 7         those of the seeds 7, 8, ...
    python tools/soak.py --first 123 --histories 1      one of them again
    python tools/soak.py --mistakes                     plant mistakes in the library, and find them

A history is a server, three stations, and 40 operations: calls of both sides, messages that either side queues, lost,
frozen and half-open connections, partitions, refused connections, pauses. Its network has jitter, loss and split
chunks. At the end of each history the network is healed, and these rules must hold: every call has one outcome, its
own response, and one run of its handler at most; none that its caller learned was not sent has run; every message that
a station queued was handled, in order; all stations are back, as both sides see it; no task and no connection is left.
A history that breaks one is shortened, recorded and printed, and sets the exit code to 1.
"""

import argparse
import logging
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, NamedTuple

from ocpp_transports.laboratory._world._failure import recordings_in
from ocpp_transports.recording import RecordTo
from tools.histories.history import History
from tools.histories.ledger import Figures
from tools.histories.mistakes import MISTAKES
from tools.histories.operations import Operation, shrunk

__all__ = ["FailedHistory", "Level", "failure_of", "first_failure", "main", "run_histories"]

Level = Literal["bytes", "messages"]
_MISTAKE_HISTORIES = 3000


def failure_of(
    seed: int,
    operations: Sequence[Operation] | None = None,
    *,
    level: Level = "bytes",
    record: "RecordTo | None" = None,
) -> Exception | None:
    """Play a history, record it if `record` has a place for that, and return what went wrong."""
    try:
        History(seed, operations, level=level, record=record).run()
    except Exception as error:
        return error
    return None


class FailedHistory(NamedTuple):
    """A history that broke a rule."""

    seed: int
    error: Exception


def run_histories(
    first: int, goes_on: Callable[[int], bool], *, level: Level = "bytes"
) -> tuple[Figures, FailedHistory | None]:
    """Play the histories of a row of seeds while `goes_on(number played)`.

    Returns:
        The counts, and the history that failed; None without one.
    """
    figures, seed = Figures(), first
    while goes_on(seed - first):
        try:
            figures.add(History(seed, level=level).run())
        except Exception as error:
            return figures, FailedHistory(seed, error)
        seed += 1
    return figures, None


def first_failure(
    first: int, most: int, mistake: AbstractContextManager[None], *, level: Level = "bytes"
) -> int | None:
    """Return the first seed whose history fails while a mistake is planted; None if none of them does."""
    with mistake:
        failed = run_histories(first, lambda played: played < most, level=level)[1]
    return None if failed is None else failed.seed


def explain(seed: int, level: Level, mistake: AbstractContextManager[None]) -> str:
    """Return a failed history, shortened, as text, and where its recordings are."""
    recorded: dict[str, Sequence[str]] = {}
    with mistake:
        error = failure_of(seed, level=level)
        operations = History(seed, level=level).operations
        short = shrunk(operations, lambda some: type(failure_of(seed, some, level=level)) is type(error))
        error = failure_of(seed, short, level=level, record=recorded.__setitem__)
    lines = [f"seed {seed}, {len(operations)} operations, shortened to {len(short)}:", *map(repr, short), repr(error)]
    lines += recordings_in(Path(mkdtemp(prefix="ocpp-soak-")), recorded)
    return "\n  ".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play histories, print the results, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="real minutes (default: %(default)s)")
    parser.add_argument("--histories", type=int, default=None, help="histories, instead of a time")
    parser.add_argument("--first", type=int, default=None, help="the first seed (default: a new one)")
    parser.add_argument("--level", choices=("bytes", "messages"), default="bytes", help="default: %(default)s")
    parser.add_argument("--mistakes", action="store_true", help="plant mistakes and find them")
    wanted = parser.parse_args(arguments)
    logging.disable()
    first = random.randrange(1 << 32) if wanted.first is None else wanted.first
    if wanted.mistakes:
        return _find_mistakes(first, wanted.level)
    began = time.monotonic()
    end = began + wanted.minutes * 60
    count: int | None = wanted.histories

    def goes_on(played: int) -> bool:
        return time.monotonic() < end if count is None else played < count

    print(f"histories from seed {first}, level {wanted.level}", flush=True)
    figures, failed = run_histories(first, goes_on, level=wanted.level)
    print(_shown(figures, time.monotonic() - began))
    if failed is not None:
        print("".join(traceback.format_exception(failed.error)))  # should the seed not repeat it
        print(explain(failed.seed, wanted.level, nullcontext()))
        print(f"repeat it: python tools/soak.py --first {failed.seed} --histories 1 --level {wanted.level}")
    return 0 if failed is None else 1


def _find_mistakes(first: int, level: Level) -> int:
    missed = 0
    for name, plant in MISTAKES.items():
        began = time.monotonic()
        seed = first_failure(first, _MISTAKE_HISTORIES, plant(), level=level)
        missed += seed is None
        print(f"{name}: ", end="", flush=True)
        if seed is None:
            print("not found")
        else:
            print(f"found in history {seed - first + 1} after {time.monotonic() - began:.1f} s")
            print(explain(seed, level, plant()), flush=True)
    return 1 if missed else 0


def _shown(figures: Figures, seconds: float) -> str:
    return (
        f"{figures.histories} histories in {seconds:.0f} s: {figures.seconds / 3600:.0f} virtual hours, "
        f"{figures.calls} calls, {figures.messages} messages in {figures.chunks} chunks on "
        f"{figures.connections} connections, {figures.faults} faults, {figures.checks} checks"
    )


if __name__ == "__main__":
    sys.exit(main())
