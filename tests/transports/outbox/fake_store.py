"""A store that a test answers for, and a client without a server that has one."""

import threading

from ocpp_core.outbox.commands import Restored, Stored
from ocpp_transports import OCPPClient
from ocpp_transports.outbox import OutboxConfig, StoreError

OPEN = OutboxConfig(gate="open")
START = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
STOP = {"meterStop": 5, "timestamp": "2026-01-01T01:00:00Z"}


class FakeStore:
    """A store that a test answers for, from its own thread as a real one does."""

    is_durable = True

    def __init__(self, *, fails=False):
        self.batches = []
        self.is_closed = False
        self.answers = True
        self.report = None
        self._fails = fails

    def open(self, report):
        if self._fails:
            raise StoreError("cannot open the outbox: another process has it open")
        self.report, self.is_closed = report, False
        return Restored(wall=0.0, first_ticket=1 << 32)

    def submit(self, batch):
        self.batches.append(batch)
        if self.answers:
            self.say(Stored(batch.number))

    def say(self, report):
        """Report from another thread."""
        thread = threading.Thread(target=self.report, args=(report,))
        thread.start()
        thread.join()

    def close(self):
        self.is_closed = True


def unreachable(**options):
    if "offline_queue" in options:
        options = {"offline_queue_config": OPEN, **options}
    return OCPPClient("CP1", "ws://127.0.0.1:9/ocpp", protocols=["ocpp1.6"], **options)
