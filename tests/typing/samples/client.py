"""A station as its author writes it."""

from pathlib import Path
from typing import Any

from ocpp_transports import (
    NOREPLY,
    ConnectionLostError,
    ConnectionState,
    ExponentialBackoff,
    HandlerContext,
    NoReply,
    OCPPClient,
    Peer,
    RPCError,
    RPCSecurityError,
    SecurityProfile,
    TimeoutError,
    TLSOptions,
    ValidationRule,
)
from ocpp_transports.outbox import MemoryStore, MessageAnswered, OutboxConfig, SQLiteStore, Ticket

OCPPClient("CP001", "wss://csms.example/ocpp", offline_queue=MemoryStore())
OCPPClient("CP001", "wss://csms.example/ocpp", offline_queue=SQLiteStore("station.db", synchronous="normal"))

client = OCPPClient(
    "CP001",
    "wss://csms.example/ocpp",
    protocols=["ocpp2.1", "ocpp2.0.1"],
    security_profile=SecurityProfile.TLS_BASIC,
    password=b"\x00\xff: bytes",
    tls=TLSOptions(ca=Path("ca.pem")),
    strict_mode="report",
    strict_mode_rules=[ValidationRule("strict", protocols=["ocpp2.1"])],
    backoff=ExponentialBackoff(minimum=1, maximum=60),
    offline_queue=Path("station.db"),
    offline_queue_config=OutboxConfig(attempts=5),
    call_timeout=10,
)


@client.handle("Reset")
def reset(context: HandlerContext) -> dict[str, Any]:
    kind = context.params["type"]
    return {"status": "Accepted" if kind == "Immediate" else "Scheduled"}


@client.handle("ocpp2.1", "GetVariables")
async def get_variables(context: HandlerContext[Any, OCPPClient]) -> dict[str, Any]:
    context.client.reconfigure(call_timeout=5)
    if context.disconnected:
        raise RPCSecurityError("not now", {"why": "example"})
    answer: dict[str, Any] = await context.client.call("Heartbeat")
    return answer


@client.handle
def anything_else(action: str, context: HandlerContext) -> NoReply:
    context.fail("NotSupported", f"{action} came as {context.message_id}")
    return NOREPLY


def later(context: HandlerContext) -> dict[str, Any]:
    return reset(context)  # a decorated function keeps its own type


client.handle("TriggerMessage", later)
client.handle("MakeCoffee", later, custom=True)


async def call_either_end(peer: Peer) -> dict[str, Any]:
    peer.handle("DataTransfer", later)
    return await peer.call("DataTransfer", {"vendorId": peer.identity}) if peer.protocol else {}


async def main() -> None:
    await call_either_end(client)
    async with client as entered:
        protocol: str = await entered.connect()
        answer: dict[str, Any] = await client.call("Heartbeat", {}, timeout=5, ttl=60.0)
        answer = await client.call(
            protocol, "Heartbeat", {}, message_id="one", validate=False, retries=2, deadline=5.0, retry_lost=True
        )
        maybe: dict[str, Any] | None = await client.safe_call("Heartbeat")
        await client.notify("NotifyPeriodicEventStream", answer | (maybe or {}))
        ticket: Ticket = client.enqueue("ocpp2.1", "NotifyEvent", {}, key="one", ttl=60)
        match await ticket.outcome():
            case MessageAnswered(payload=payload):
                answer = payload
            case other:
                print(other)
        client.send_raw('[2,"1","Heartbeat",{}]')
        raw: dict[str, Any] = await client.send_raw('[2,"2","Heartbeat",{}]', expect_reply=True)
        print(raw, client.pending, client.identity, client.protocol, client.state is ConnectionState.OPEN)
        client.reconfigure(ping_interval=60, password="another")
        ended = await client.close(1000, "bye", force=False, await_pending=True)
        print(ended.code, ended.reason)


async def careful() -> str | bool:
    try:
        return str(await client.call("Authorize", {"idToken": {"idToken": "1", "type": "Local"}}))
    except ConnectionLostError as error:
        return error.sent
    except TimeoutError as error:
        return error.message_id or ""
    except RPCError as error:
        return error.code + error.description + str(error.details.get("why"))
