"""Command line that lists the programs and starts one of them."""

import sys
from importlib import import_module
from typing import Final

__all__ = ["main"]

_PROGRAMS: Final = {
    "demo": "a central system with stations of OCPP 1.6, 2.0.1 and 2.1, or only one side",
    "station": "simulated charging stations, one or many, to test a central system",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program named by the first argument, or print the list of programs.

    The program receives the remaining arguments. Returns its exit code, 0 for the list, or 2 for an unknown program.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in {"-h", "--help"}:
        sys.stdout.write(_list())
        return 0
    if name not in _PROGRAMS:
        sys.stderr.write(f"expected a program ({', '.join(_PROGRAMS)}), got {name!r}\n")
        return 2
    code: int = import_module(f"{__package__}.{name}.__main__").main(rest)
    return code


def _list() -> str:
    lines = [f"  python -m {__package__} {name:8} {about}" for name, about in _PROGRAMS.items()]
    return "\n".join(["The programs of this library (each accepts --help):", "", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
