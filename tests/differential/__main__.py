"""Play random histories with two forms of the library, and compare everything that they do.

    python -m tests.differential --histories 100000 . dist/ocpp_ws_io-1.0-cp311-cp311-linux_x86_64.whl
    python -m tests.differential . .+bare               without the packages of the extra `speed`
    python -m tests.differential . /elsewhere/tree      with another state of the sources
    python -m tests.differential --first 123 --show .   print what the history of a seed does

A form is a folder that has `ocpp_core`, or a wheel. Each plays the histories of the same seeds in processes of its own,
and writes one hash for each history. The first history that differs is played again, and printed where it differs; then
the exit code is 1.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from .comparing import Comparison, lines_of
from .forms import forms_of

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential", formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__
    )
    parser.add_argument("forms", nargs="+", metavar="FORM", help="a folder or wheel, with +bare to hide accelerators")
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--show", action="store_true", help="print the history of the first seed in one form")
    parser.add_argument("--go-on", action="store_true", help="print all histories that differ, not only the first")
    options = parser.parse_args(arguments)
    with ExitStack() as exits:
        forms = list(forms_of(options.forms, exits))
        if options.show:
            print("\n".join(lines_of(forms[0], options.first)))
            return 0
        if len(forms) != 2:
            parser.error(f"expected two forms to compare, got {len(forms)}")
        comparison = Comparison(*forms)
        began = time.monotonic()
        count = 0
        for difference in comparison.differences(options.first, options.histories):
            count += 1
            print(difference, flush=True)
            if not options.go_on:
                return 1
        took = time.monotonic() - began
        print(f"{options.histories:,} histories, {count or 'none'} different, {took:.0f} s")
        return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
