"""Play histories with the installed form of the library: `python -P -m tests.differential.player FIRST COUNT`.

The first line has the folder of the library; then each history has one line with its seed and its digest. With
`--show` the lines of the one history at FIRST follow instead.
"""

import argparse
import sys
from pathlib import Path

__all__ = ["main"]

_ACCELERATORS = ("orjson", "jsonschema_rs", "websockets")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -P -m tests.differential.player")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--bare", action="store_true", help="hide the packages of the extra `speed`")
    parser.add_argument("--show", action="store_true", help="print what one history did")
    options = parser.parse_args()
    if options.bare:
        for name in _ACCELERATORS:
            sys.modules[name] = None  # type: ignore[assignment]  # documented: makes its import fail
    from .histories.all_kinds import play
    from .transcript import Transcript

    session = sys.modules["ocpp_core.session"]
    print(Path(str(session.__file__)).parents[1], flush=True)
    for seed in range(options.first, options.first + options.count):
        transcript = Transcript(keeps=options.show)
        play(seed, transcript)
        if options.show:
            print("\n".join(line.encode("ascii", "backslashreplace").decode() for line in transcript.lines))
        else:
            print(seed, transcript.digest, flush=True)


if __name__ == "__main__":
    main()
