"""The command `python -m tools.fast FOLDER`: compile the modules."""

import argparse
from pathlib import Path

from .compiling import build
from .modules import COMPILED


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.fast", description=__doc__)
    parser.add_argument("folder", type=Path, help="for the copies, the C code and the extension modules")
    parser.add_argument("--optimization", type=int, default=3, choices=range(4), help="of the C compiler; default 3")
    parser.add_argument("--package", default="", help="compile only the modules of this package")
    chosen = parser.parse_args()
    modules = [module for module in COMPILED if module.startswith(chosen.package)]
    print(build(chosen.folder, modules, optimization=chosen.optimization))


_main()
