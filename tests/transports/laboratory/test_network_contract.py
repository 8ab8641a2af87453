"""The virtual network owes to its drivers what every host of byte streams does: the same contract, in virtual time."""

import pytest

from ocpp_transports.laboratory import VirtualLoop
from tests.transports.hosts.test_hosts import (
    TestAListener,
    TestClosing,
    TestCongestion,
    TestInput,
    TestOutput,
)
from tests.transports.laboratory.virtual_net import VirtualNet

pytestmark = pytest.mark.anyio
__all__ = ["TestAListener", "TestClosing", "TestCongestion", "TestInput", "TestOutput"]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture
async def net(anyio_backend, caplog):
    """The virtual network; nothing may be left of it in the end, and no error logged."""
    net = VirtualNet()
    yield net
    await net.runtime.aclose()
    assert net.is_empty
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
