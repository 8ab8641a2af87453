"""The options of one message of a blocking client as keyword arguments."""

from ocpp_transports.outbox._enqueue_keywords import MessageKeywords

from ._ticket import BlockingTicket

__all__ = ["BlockingEnqueueKeywords"]


class BlockingEnqueueKeywords(MessageKeywords, total=False):
    """The options of `BlockingClient.enqueue`, see `EnqueueKeywords`."""

    transaction: BlockingTicket | None
    """The ticket of the StartTransaction of this message (OCPP 1.6). The `transactionId` of its response is filled
    in."""
