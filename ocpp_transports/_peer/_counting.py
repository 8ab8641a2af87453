"""The delegate of a peer with the option `metrics`: it also counts reports and failed handlers."""

from dataclasses import field
from typing import Self

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Report
from ocpp_core.errors import RPCError
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._metrics._metrics import Metrics

from ._delegate import PeerDelegate

__all__ = ["CountingDelegate"]


@dataclass(slots=True, eq=False)
class CountingDelegate(PeerDelegate):
    """A `PeerDelegate` that counts."""

    metrics: Metrics = field(kw_only=True)

    @classmethod
    def of(cls, plain: PeerDelegate, metrics: Metrics) -> Self:
        """Return a delegate that does what this new one does, and counts."""
        return cls(plain.identity, plain.peer, plain.log, plain.state_changed, metrics=metrics)

    def reported(self, report: Report) -> None:
        """Count, emit and log a report."""
        self.metrics.reported(report)
        PeerDelegate.reported(self, report)

    def handler_failed(self, context: HandlerContext, error: BaseException) -> None:
        """Count, emit and log that a handler raised."""
        self.metrics.handler_failed(context.action, is_refusal=isinstance(error, RPCError))
        PeerDelegate.handler_failed(self, context, error)
