"""Signs of life: when a worker counts as hung."""

from itertools import chain, repeat

import anyio
import pytest

from ocpp_transports.cluster._workers._pulse import INTERVALS, until_silent
from tests.transports.pairs import SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.parametrize("before", [[], [True], [False] * (INTERVALS - 1) + [True]])
async def test_a_worker_is_silent_after_so_many_intervals_in_a_row_without_a_sign(before):
    looks = []
    signs = chain(before, repeat(False))

    def has_shown():
        looks.append(next(signs))
        return looks[-1]

    with anyio.fail_after(SECONDS):
        await until_silent(has_shown, 0.01)
    assert looks == before + [False] * INTERVALS
