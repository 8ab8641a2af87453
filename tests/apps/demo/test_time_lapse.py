"""The clock of the demo."""

import anyio
import pytest

from ocpp_apps.demo.time_lapse import TimeLapse

pytestmark = pytest.mark.anyio


async def test_time_passes_as_fast_as_is_set_and_never_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(anyio, "current_time", lambda: truth[0])
    monkeypatch.setattr(anyio, "sleep", sleep)
    async with anyio.create_task_group() as tasks:
        clock = TimeLapse(tasks)
        truth[0] = 101.0
        assert clock.monotonic() == 101.0
        clock.speed = 240
        assert clock.monotonic() == 101.0
        truth[0] = 101.25
        assert clock.monotonic() == 161.0
        await clock.sleep(60)
        clock.speed = 1
        truth[0] = 102.25
        assert clock.monotonic() == 162.0
        await clock.sleep(60)
    assert slept == [0.25, 60]
