"""A central system inside a FastAPI application: stations and HTTP routes.

    pip install fastapi uvicorn
    uvicorn --app-dir examples fastapi_app:app --port 9000

Stations connect to ws://127.0.0.1:9000/ocpp/IDENTITY. Then, for example:

    curl http://127.0.0.1:9000/stations
    curl -X POST http://127.0.0.1:9000/stations/CP001/start?card=CARD-1
    curl -X POST http://127.0.0.1:9000/stations/CP001/stop

Every client of this server can call its stations. Before you expose it to a
network, add authentication to the routes and set a security profile.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from fastapi import FastAPI, HTTPException

from ocpp_transports import (
    HandlerContext,
    OCPPError,
    OCPPServer,
    utc_now,
)
from ocpp_transports.asgi import OCPPApplication

server = OCPPServer(protocols=["ocpp1.6"], strict_mode=True)
numbers = count(1)
transactions: dict[str, int] = {}  # by station


@server.handle("BootNotification")
def boot(context: HandlerContext) -> dict[str, Any]:
    """Accept every station."""
    return {"status": "Accepted", "currentTime": utc_now(), "interval": 300}


@server.handle("Heartbeat")
def heartbeat(context: HandlerContext) -> dict[str, Any]:
    """Return the time."""
    return {"currentTime": utc_now()}


@server.handle("StatusNotification")
@server.handle("MeterValues")
def acknowledge(context: HandlerContext) -> dict[str, Any]:
    """Acknowledge values that a real system stores."""
    return {}


@server.handle("StartTransaction")
def start_transaction(context: HandlerContext) -> dict[str, Any]:
    """Accept every card."""
    number = transactions[context.client.identity] = next(numbers)
    return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}


@server.handle("StopTransaction")
def stop_transaction(context: HandlerContext) -> dict[str, Any]:
    """Remove the transaction."""
    transactions.pop(context.client.identity, None)
    return {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the OCPP server as long as the application runs."""
    async with server, server.draining():
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/ocpp", OCPPApplication(server))


@app.get("/stations")
def stations() -> list[dict[str, Any]]:
    """Return the connected stations."""
    return [
        {
            "identity": station.identity,
            "transaction": transactions.get(station.identity),
        }
        for station in server.clients
    ]


@app.post("/stations/{identity}/start")
async def start(identity: str, card: str) -> dict[str, Any]:
    """Ask a station to charge for a card."""
    return await call(identity, "RemoteStartTransaction", {"idTag": card})


@app.post("/stations/{identity}/stop")
async def stop(identity: str) -> dict[str, Any]:
    """Ask a station to end its transaction."""
    if identity not in transactions:
        raise HTTPException(409, "the station has no transaction")
    return await call(
        identity,
        "RemoteStopTransaction",
        {"transactionId": transactions[identity]},
    )


async def call(
    identity: str, action: str, params: dict[str, Any]
) -> dict[str, Any]:
    """Call a station. A failed call becomes an HTTP error."""
    if server.get_client(identity) is None:
        raise HTTPException(404, "the station is not connected")
    try:
        return await server.call(identity, action, params, timeout=10)
    except OCPPError as error:  # rejected, timed out, or disconnected
        raise HTTPException(502, type(error).__name__) from error
