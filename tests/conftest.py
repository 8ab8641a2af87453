"""What every test shares: the event loops of the asynchronous tests, and how long Hypothesis searches."""

from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Deadlines and the too-slow check measure the machine, not the code, and would make a green run a matter of luck.
settings.register_profile(
    "ci",
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    max_examples=20_000,
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")  # `--hypothesis-profile=fuzz` (make fuzz) overrides it

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
