"""The stations: handlers that use Django's database, in plain functions."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import close_old_connections
from django.db.models import F

from ocpp_transports import utc_now
from ocpp_transports.blocking import (
    BlockingHandlerContext,
    BlockingServer,
    BlockingServerClient,
)

from .models import Station, Transaction

Context = BlockingHandlerContext[Any, BlockingServerClient]
Handler = Callable[[Context], dict[str, Any]]

server = BlockingServer(protocols=["ocpp1.6"], strict_mode=True)


def with_database(handler: Handler) -> Handler:
    """Return the thread's database connection, as a request does."""

    @wraps(handler)
    def handle(context: Context) -> dict[str, Any]:
        close_old_connections()
        try:
            return handler(context)
        finally:
            close_old_connections()

    return handle


@server.handle("BootNotification")
@with_database
def boot(context: Context) -> dict[str, Any]:
    """Accept every station and count its boots."""
    station, _ = Station.objects.update_or_create(
        identity=context.client.identity,
        defaults={"model": context.params["chargePointModel"]},
    )
    Station.objects.filter(pk=station.pk).update(boots=F("boots") + 1)
    return {"status": "Accepted", "currentTime": utc_now(), "interval": 300}


@server.handle("Heartbeat")
def heartbeat(context: Context) -> dict[str, Any]:
    """Return the time."""
    return {"currentTime": utc_now()}


@server.handle("StartTransaction")
@with_database
def start_transaction(context: Context) -> dict[str, Any]:
    """Accept every card, and store the transaction."""
    transaction = Transaction.objects.create(
        station_id=context.client.identity, card=context.params["idTag"]
    )
    return {
        "transactionId": transaction.pk,
        "idTagInfo": {"status": "Accepted"},
    }


@server.handle("StatusNotification")
@server.handle("MeterValues")
def acknowledge(context: Context) -> dict[str, Any]:
    """Acknowledge values that a real system stores."""
    return {}


def listen() -> None:
    """Accept stations from now on, until this process ends."""
    server.listen(int(os.environ.get("OCPP_PORT", "9001")), "127.0.0.1")
