"""The compat package runs on asyncio, with its own loop or uvloop."""

import pytest


@pytest.fixture(params=[{"use_uvloop": False}, {"use_uvloop": True}], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", request.param
