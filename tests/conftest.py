"""What every test shares: the event loops of the asynchronous tests, and how several processes divide the tests."""

import gc
import importlib
import signal
import sys
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

import ocpp_core
from tests.compiled import FIXTURES, INAPPLICABLE
from tests.free_ports import free_port

_WITH_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop does not exist for this platform")

BACKENDS: list[Any] = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop", marks=_WITH_UVLOOP),
    pytest.param(("trio", {}), id="trio"),
]


@pytest.fixture(scope="module", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run each test marked `anyio` on every event loop; override it in a module that is about one of them."""
    return request.param


@pytest.fixture
def reserved_port() -> Iterator[int]:
    """A port that nobody listens on, for a server that the test starts later."""
    with free_port() as number:
        yield number


LONG = (
    "tests/web",
    "tests/contracts/test_compiled.py",
    "tests/contracts/test_schema_bundles.py",
    "tests/contracts/test_accept_checks.py",
    "tests/typing/test_completeness.py",
    "tests/typing/test_samples.py",
    "tests/interop/test_soak_sockets.py",
    "tests/transports/blocking/test_processes.py",
    "tests/properties/test_engine.py",
    "tests/interop/test_demo.py",
    "tests/contracts/test_wheel.py",
    "tests/interop/test_conformance.py",
)
"""What takes long for its number of tests: begun last, it would leave the other processes nothing to do."""


def pytest_configure() -> None:
    """Hear Ctrl-C in the background, too: a shell has it ignored there, and the programs of the tests inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process have all tests that share fixtures, those of a file or of the page; long ones come first."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "tests/web" if file.startswith("tests/web/") else file

        def _assign_work_unit(self, node: Any) -> None:
            for scope in LONG:
                if scope in self.workqueue:
                    self.workqueue.move_to_end(scope, last=False)
                    break
            super()._assign_work_unit(node)

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile: there is hardly any, and the search takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, on the compiled wheel, what cannot apply to it."""
    for item in items if ocpp_core.compiled else ():
        reasons = [reason for name, reason in INAPPLICABLE.items() if item.nodeid.startswith(name)]
        reasons += [reason for name, reason in FIXTURES.items() if name in getattr(item, "fixturenames", ())]
        if reasons:
            item.add_marker(pytest.mark.skip(reason=reasons[0]))


def pytest_collection_finish() -> None:
    """Take the tests themselves out of garbage collection: they stay, and there are many thousands of them."""
    if "trio" in sys.modules:  # hypothesis looks among what is collected for who holds trio's source of randomness
        importlib.import_module("hypothesis")
    gc.collect()
    gc.freeze()
