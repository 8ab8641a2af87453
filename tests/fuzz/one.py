"""Fuzz one target with atheris: `python -m tests.fuzz.one TARGET [options of libFuzzer] [corpora]`."""

import sys

import atheris

with atheris.instrument_imports(include=["ocpp_core", "ocpp_transports", "h11", "wsproto"]):
    from tests.fuzz.all_targets import TARGETS


def main() -> None:
    program, name, *options = sys.argv
    atheris.Setup([program, *options], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
