"""A connection to Redis for one purpose, from `open` to `aclose`: what waits on it delays nothing else."""

from collections.abc import Sequence

import anyio

from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._current import current_runtime

from ._commands import Command, Reply
from ._connection import CommandExecutor
from ._errors import Unreachable
from ._servers._opening import connection_to
from ._settings import RedisSettings

__all__ = ["OwnConnection"]


class OwnConnection:
    """Executes the commands of one store.

    Args:
        settings: Where Redis is.
        timeout: Seconds for connecting, and for each answer.
    """

    def __init__(self, settings: RedisSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._runtime: SocketRuntime | None = None
        self._executor: CommandExecutor | None = None

    @property
    def executor(self) -> CommandExecutor | None:
        """What executes the commands; None unless it is open."""
        return self._executor

    def open(self) -> SocketRuntime:
        """Begin in this event loop, and return the runtime, which lasts as long; the first command connects."""
        self._runtime = runtime = current_runtime(type(self).__name__, in_block=True, log=self._settings.log())
        self._executor = connection_to(self._settings, self._timeout, runtime)
        return runtime

    async def execute(self, commands: Sequence[Command]) -> list[Reply]:
        """Return the replies to commands; an error that Redis answers is a reply. Raises Unreachable."""
        if self._executor is None:
            raise Unreachable("the store is not open", is_written=False)
        return await self._executor.execute(commands, anyio.current_time() + self._timeout)

    async def aclose(self) -> None:
        """Disconnect. Idempotent."""
        executor, self._executor = self._executor, None
        runtime, self._runtime = self._runtime, None
        if executor is not None:
            executor.close()
        if runtime is not None:
            await runtime.aclose()
