"""A central system inside a Flask application: no `async` anywhere.

    pip install flask
    flask --app examples/flask_app.py run --port 9000

Stations connect to ws://127.0.0.1:9001/ocpp/IDENTITY, or to the port in the
environment variable OCPP_PORT. Then, for example:

    curl http://127.0.0.1:9000/stations
    curl -X POST http://127.0.0.1:9000/stations/CP001/start?card=CARD-1

In production, run one process with many threads, because the stations are
connected to one process:

    gunicorn --chdir examples --threads 16 "flask_app:create_app()"

Every client of this server can call its stations. Before you expose it to a
network, add authentication to the routes and set a security profile.
"""

import os
from itertools import count
from typing import Any

from flask import Flask, request

from ocpp_transports import OCPPError, utc_now
from ocpp_transports.blocking import (
    BlockingHandlerContext,
    BlockingServer,
    BlockingServerClient,
)

Context = BlockingHandlerContext[Any, BlockingServerClient]

server = BlockingServer(protocols=["ocpp1.6"], strict_mode=True)
numbers = count(1)
transactions: dict[str, int] = {}  # by station


@server.handle("BootNotification")
def boot(context: Context) -> dict[str, Any]:
    """Accept every station."""
    return {"status": "Accepted", "currentTime": utc_now(), "interval": 300}


@server.handle("Heartbeat")
def heartbeat(context: Context) -> dict[str, Any]:
    """Return the time."""
    return {"currentTime": utc_now()}


@server.handle("StatusNotification")
@server.handle("MeterValues")
def acknowledge(context: Context) -> dict[str, Any]:
    """Acknowledge values that a real system stores."""
    return {}


@server.handle("StartTransaction")
def start_transaction(context: Context) -> dict[str, Any]:
    """Accept every card; a real system may block here for its database."""
    number = transactions[context.client.identity] = next(numbers)
    return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}


@server.handle("StopTransaction")
def stop_transaction(context: Context) -> dict[str, Any]:
    """Remove the transaction."""
    transactions.pop(context.client.identity, None)
    return {}


def create_app() -> Flask:
    """Listen for stations, in the process that serves the requests."""
    server.listen(int(os.environ.get("OCPP_PORT", "9001")), "127.0.0.1")
    app = Flask(__name__)
    app.add_url_rule("/stations", view_func=stations)
    app.add_url_rule(
        "/stations/<identity>/start", view_func=start, methods=["POST"]
    )
    return app


def stations() -> list[dict[str, Any]]:
    """Return the connected stations."""
    return [
        {
            "identity": station.identity,
            "transaction": transactions.get(station.identity),
        }
        for station in server.clients
    ]


def start(identity: str) -> tuple[dict[str, Any], int]:
    """Ask a station to charge for a card; a failure is an HTTP error."""
    params = {"idTag": request.args["card"]}
    try:
        answer = server.call(
            identity, "RemoteStartTransaction", params, max_wait=10
        )
    except OCPPError as error:  # rejected, timed out, or disconnected
        return {"error": type(error).__name__}, 502
    return answer, 200
