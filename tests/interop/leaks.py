"""What must not be left when a test is over: tasks and sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import sniffio

__all__ = ["nothing_may_be_left", "open_sockets", "running_tasks"]

_FILES = Path("/proc/self/fd")


@asynccontextmanager
async def nothing_may_be_left() -> AsyncIterator[None]:
    """Compare what is open before and after the block; what is on its way out has a moment for it."""
    tasks, sockets = running_tasks(), open_sockets()
    yield
    with anyio.move_on_after(2):
        while running_tasks() > tasks or open_sockets() > sockets:
            await anyio.lowlevel.checkpoint()
    assert running_tasks() <= tasks
    assert open_sockets() <= sockets


def open_sockets() -> int:
    """Count the sockets of this process; none where the operating system does not tell."""
    return sum(_is_socket(file) for file in _FILES.iterdir()) if _FILES.exists() else 0


def _is_socket(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("socket:")
    except OSError:  # the directory itself, closed by now
        return False


def running_tasks() -> int:
    """Count the tasks of the running event loop."""
    if sniffio.current_async_library() == "trio":
        import trio

        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())
