"""The command `python -m tools.fast FOLDER`: compile the modules."""

import argparse
from pathlib import Path

from .compiling import build
from .modules import COMPILED


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.fast", description=__doc__)
    parser.add_argument("folder", type=Path, help="for the copies, the C code and the extension modules")
    parser.add_argument("--optimization", type=int, default=3, choices=range(4), help="of the C compiler; default 3")
    chosen = parser.parse_args()
    print(build(chosen.folder, COMPILED, optimization=chosen.optimization))


_main()
