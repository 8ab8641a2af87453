"""The seeds of tests: by default a checksum of the test's name, so that a suite repeats itself."""

import re
from shlex import quote
from zlib import crc32

import pytest

__all__ = ["SEED", "add_options", "command_of", "generate_seeds", "seed_of"]

SEED = "ocpp_seed"
"""The fixture of a test's seed, and the name of its parameter with `--ocpp-seeds`."""


def add_options(parser: pytest.Parser) -> None:
    """Add `--ocpp-seed`, `--ocpp-seeds` and `--ocpp-recordings`."""
    group = parser.getgroup("ocpp", "laboratory of ocpp-ws-io")
    group.addoption(
        "--ocpp-seed",
        type=int,
        metavar="N",
        help="seed of every test with ocpp_lab; by default a checksum of the name of the test",
    )
    group.addoption(
        "--ocpp-seeds",
        type=_count,
        default=1,
        metavar="COUNT",
        help="run every test with ocpp_lab under this many seeds in a row",
    )
    group.addoption(
        "--ocpp-recordings",
        metavar="DIR",
        help="directory for the recordings of failed tests with ocpp_lab; by default a temporary one",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"expected a number of seeds from 1, got {text!r}")
    return number


def generate_seeds(metafunc: pytest.Metafunc) -> None:
    """Run a test under as many seeds as the options say."""
    count = metafunc.config.getoption("ocpp_seeds", 1)  # a test file may switch the plugin on, too late for options
    if count > 1 and SEED in metafunc.fixturenames:
        first = _first(metafunc.config, metafunc.definition.nodeid)
        seeds = range(first, first + count)
        metafunc.parametrize(SEED, seeds, ids=[f"seed={seed}" for seed in seeds])


def seed_of(request: pytest.FixtureRequest) -> int:
    """Return the seed of a test that runs under one."""
    return _first(request.config, request.node.nodeid)


def _first(config: pytest.Config, name: str) -> int:
    given = config.getoption("ocpp_seed", None)
    return crc32(name.encode()) if given is None else given


def command_of(nodeid: str, seed: int) -> str:
    """Return the command that runs a test again with the seed that it had."""
    name = re.sub(rf"(?<=\[)seed={seed}-|-seed={seed}(?=[-\]])|\[seed={seed}\]$", "", nodeid)
    return f"pytest {quote(name)} --ocpp-seed={seed}"
