"""The PyPI packages ocpp and websockets as stations and central systems, driven by JSON lines.

Reads commands from standard input, one JSON object a line: `{"id": 1, "do": "call", ...}`. Writes their results,
`{"id": 1, "result": ...}` or `{"id": 1, "error": {...}}`, and events, `{"event": "closed", ...}`. Ends with its input.
"""

import asyncio
import base64
import json
import sys
from dataclasses import asdict, make_dataclass
from typing import Any

import ocpp.v16
import ocpp.v21
import ocpp.v201
from ocpp.charge_point import remove_nones, snake_to_camel_case
from ocpp.exceptions import OCPPError, UnknownCallErrorCodeError
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.asyncio.server import basic_auth, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

BASES = {"ocpp1.6": ocpp.v16.ChargePoint, "ocpp2.0.1": ocpp.v201.ChargePoint, "ocpp2.1": ocpp.v21.ChargePoint}

peers: dict[str, Any] = {}  # identity -> the ChargePoint object of a connection, whichever role we play in it
servers: dict[str, Any] = {}


def say(**message):
    # The package reads the numbers of charging schedules as Decimal.
    sys.stdout.write(json.dumps(message, default=float) + "\n")
    sys.stdout.flush()


def payload_object(name, payload):
    """Wrap a payload as the package wants it: its own classes would refuse what the tests send on purpose."""
    return make_dataclass(name, list(payload))(**payload)


def make_handler(action, answer):
    def handler(self, **payload):
        say(event="handled", identity=self.id, action=action, payload=snake_to_camel_case(payload))
        if "error" in answer:
            error = OCPPError(answer["error"]["description"], answer["error"]["details"])
            error.code = answer["error"]["code"]
            raise error
        if "result" not in answer:
            return never_answer(self._connection)
        return payload_object(action, answer["result"])

    handler.__name__ = f"on_{action}"
    return handler


async def never_answer(connection):
    """Hold the answer back until there is nobody to take it, for a server waits for its handlers when it stops."""
    await connection.wait_closed()
    return payload_object("Nothing", {})


def make_peer(identity, connection, handlers, *, strict):
    methods = {
        f"on_{action}": on(action, skip_schema_validation=not strict)(make_handler(action, answer))
        for action, answer in handlers.items()
    }
    return type("Peer", (BASES[connection.subprotocol],), methods)(identity, connection, response_timeout=10)


async def converse(identity, connection, handlers, *, strict):
    if connection.subprotocol is None:
        await connection.wait_closed()
        say(event="closed", identity=identity, code=connection.close_code, reason=connection.close_reason)
        return
    peers[identity] = make_peer(identity, connection, handlers, strict=strict)
    say(event="opened", identity=identity, protocol=connection.subprotocol, compressed=compressed(connection))
    try:
        await peers[identity].start()
    except ConnectionClosed:
        say(event="closed", identity=identity, code=connection.close_code, reason=connection.close_reason)


def compressed(connection):
    return bool(connection.protocol.extensions)


async def do_listen(name, protocols, password, handlers, port=0, *, strict=True, compression=False):
    async def serve_station(connection):
        await converse(connection.request.path.rpartition("/")[2], connection, handlers, strict=strict)

    check = None if password is None else basic_auth(check_credentials=lambda _, given: given == password)
    servers[name] = await serve(
        serve_station,
        "127.0.0.1",
        port,
        subprotocols=protocols,
        process_request=check,
        compression="deflate" if compression else None,
    )
    return {"port": next(iter(servers[name].sockets)).getsockname()[1]}


async def do_stop(name):
    servers[name].close()
    await servers.pop(name).wait_closed()


async def do_connect(identity, endpoint, protocols, password, handlers, *, strict=True, compression=False):
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode()
    connection = await connect(
        f"{endpoint}/{identity}",
        subprotocols=protocols,
        additional_headers=headers,
        compression="deflate" if compression else None,
    )
    start(converse(identity, connection, handlers, strict=strict))
    return {"protocol": connection.subprotocol, "compressed": compressed(connection)}


async def do_call(identity, action, payload, *, checked=True):
    request = payload_object(action, payload)
    result = await peers[identity].call(request, suppress=False, skip_schema_validation=not checked)
    return snake_to_camel_case(remove_nones(asdict(result)))


async def do_close(identity, code, reason):
    await peers[identity]._connection.close(code, reason)


async def do_drop(identity):
    peers[identity]._connection.transport.abort()


def describe(error):
    if isinstance(error, OCPPError):
        return {"code": error.code, "description": error.description, "details": error.details}
    if isinstance(error, InvalidStatus):
        return {"status": error.response.status_code, "challenge": error.response.headers.get("WWW-Authenticate")}
    if isinstance(error, UnknownCallErrorCodeError):
        return {"unknown": str(error)}
    return {"message": repr(error)}


async def perform(command):
    number, name = command.pop("id"), command.pop("do")
    try:
        result = await globals()[f"do_{name}"](**command)
    except Exception as error:
        say(id=number, error=describe(error))
    else:
        say(id=number, result=result)


tasks: set[asyncio.Task[None]] = set()


def start(coroutine):
    task = asyncio.ensure_future(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def main():
    commands = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    say(event="ready")
    while line := await commands.readline():
        start(perform(json.loads(line)))


if __name__ == "__main__":
    asyncio.run(main())
