"""Writes to the store which entries a consumer is done with."""

from typing import Final

import anyio

from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._deliveries import EventDeliveries
from ._log import EventLog

__all__ = ["Acknowledging"]

_INTERVAL: Final = 0.01
"""Seconds in which acknowledgements are collected."""
_PAUSE: Final = 0.2
"""Seconds until they are written again after a failure."""


class Acknowledging:
    """Acknowledges finished entries, again and again while the store is away.

    Args:
        log: The streams.
        group: The group.
        deliveries: What is delivered and finished.
        reports: Gets a warning while the store is away.
    """

    def __init__(self, log: EventLog, group: str, deliveries: EventDeliveries, reports: Log) -> None:
        self._log = log
        self._group = group
        self._deliveries = deliveries
        self._reports = reports

    async def run(self) -> None:
        """Write until it is cancelled."""
        while True:
            await self._deliveries.wait_for_finished()
            await anyio.sleep(_INTERVAL)
            await anyio.sleep(0 if await self.write() else _PAUSE)

    async def write(self) -> bool:
        """Acknowledge all that is finished; return False if the store does not know it."""
        try:
            for stream, finished in tuple(self._deliveries.finished()):
                positions = [delivery.position for delivery in finished]
                await self._log.acknowledge(stream, self._group, positions)
                self._deliveries.forget(finished)
        except (StoreUnavailableError, ForeignDataError) as error:
            self._reports.recurring("cannot acknowledge events of the cluster", str(error))
            return False
        return True
