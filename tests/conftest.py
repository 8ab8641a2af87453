"""What every test shares: the event loops of the asynchronous tests."""

import gc
import importlib
import sys
from importlib.util import find_spec
from typing import Any

import pytest

_WITH_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop does not exist for this platform")

BACKENDS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop", marks=_WITH_UVLOOP),
    pytest.param(("trio", {}), id="trio"),
]


@pytest.fixture(scope="module", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run each test marked `anyio` on every event loop; override it in a module that is about one of them."""
    return request.param


def pytest_collection_finish() -> None:
    """Take the tests themselves out of garbage collection: they stay, and there are many thousands of them."""
    if "trio" in sys.modules:  # hypothesis looks among what is collected for who holds trio's source of randomness
        importlib.import_module("hypothesis")
    gc.collect()
    gc.freeze()
