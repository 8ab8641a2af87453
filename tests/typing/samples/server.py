"""A central system as its author writes it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, assert_never

from ocpp_core import v16
from ocpp_transports import (
    CallContext,
    ConnectionContext,
    HandlerContext,
    Handshake,
    HandshakeRejectedError,
    HttpAnswer,
    Listener,
    OCPPRouter,
    OCPPServer,
    OCPPServerClient,
    PlainRequest,
    SecurityProfile,
    ServerStats,
    StationCaller,
    StationDirectory,
    StationKey,
    TLSOptions,
)
from ocpp_transports.fleet import Answered, Failed, FleetCall, NotSent, Refused, StationOutcome, Unanswered
from ocpp_transports.handshake import AcceptHandshake, RejectHandshake
from ocpp_transports.outbox import Ticket


async def password_of(identity: str) -> bytes | None:
    return identity.encode() or None


server = OCPPServer(
    protocols=("ocpp1.6", "ocpp2.1"),
    security_profile=SecurityProfile.TLS_BASIC,
    credentials=password_of,
    offline_queue="csms.db",
    tls=TLSOptions("cert.pem", "key.pem"),
    strict_mode=True,
    handshake_timeout=10,
)
simple = OCPPServer(security_profile=1, credentials={"CP001": "text", "CP002": b"bytes"}, logging=False)


@server.auth
async def admit(accept: AcceptHandshake, reject: RejectHandshake, handshake: Handshake) -> None:
    if handshake.query.get("tenant") == "acme" and handshake.password:
        accept(protocol=handshake.protocols[0], session={"tenant": "acme"})
    else:
        reject(403, "who are you?")


@server.connection_middleware
async def measured(context: ConnectionContext, proceed: Callable[[], Awaitable[None]]) -> None:
    context.session["path"] = context.handshake.path
    try:
        await proceed()
    except HandshakeRejectedError as error:
        status: int = error.status
        print(status, error.message, error.headers)
        raise
    if context.protocol is None:
        context.reject(429, "later", headers={"retry-after": "3"})


remembering = OCPPServer(
    security_profile=1, credentials={}, connection_middleware=[measured], session_ttl=3600, max_sessions=10
)


@server.http("/stations")
async def stations(request: PlainRequest) -> HttpAnswer:
    return 200, {"cache-control": "no-store"}, [station.identity for station in server.clients if request.query]


@server.http("/logo")
def logo(request: PlainRequest) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "image/png"}, b""


@server.handle("BootNotification")
def boot(context: HandlerContext[Any, OCPPServerClient]) -> dict[str, Any]:
    station: OCPPServerClient = context.client
    station.session["booted"] = True
    context.client.once("close", lambda event: print(event.code))
    return {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


@server.handle("StatusNotification")
async def of_either_end(context: HandlerContext) -> dict[str, Any]:
    print(context.client.identity, context.client.protocol)
    answer: dict[str, Any] = await context.client.call("ocpp1.6", "ClearCache", {}, timeout=3)
    answer = await context.client.call_immediate("ClearCache")
    maybe: dict[str, Any] | None = await context.client.safe_call("ClearCache", retries=1)
    await context.client.notify("NotifyPeriodicEventStream", answer)
    return {"code": (await context.client.close(1000, "bye")).code, **(maybe or {})}


@server.use
async def tenants(
    context: HandlerContext[Any, OCPPServerClient] | CallContext[OCPPServerClient],
    proceed: Callable[[], Awaitable[Any]],
) -> Any:
    print(context.client.session["tenant"])
    return await proceed()


@server.use
async def timing(context: HandlerContext | CallContext, proceed: Callable[[], Awaitable[Any]]) -> Any:
    print(context.direction, context.action)
    return await proceed()


router = OCPPRouter(protocols=["ocpp1.6"], call_timeout=5)
route: OCPPRouter = router.route("/{tenant}/{identity}", namespace=lambda handshake: handshake.params["tenant"])
server.include(router, "/ocpp")
server.route("/plain/{identity}", security_profile=0)


@route.handle("StatusNotification")
def status(context: HandlerContext[Any, OCPPServerClient]) -> dict[str, Any]:
    print(context.client.key.namespace)
    return {}


@router.auth
def anyone(accept: AcceptHandshake, reject: RejectHandshake, handshake: Handshake) -> None:
    accept()


@server.on("client")
async def arrived(station: OCPPServerClient) -> None:
    print(station.handshake.remote_address, station.handshake.security_profile, station.session["tenant"])
    station.handle("Authorize", lambda _: {"idTagInfo": {"status": "Accepted"}})  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    answer: dict[str, Any] = await station.call("GetConfiguration", {"key": []})
    print(answer)


async def main() -> None:
    async with server:
        listener: Listener = await server.listen(0, "127.0.0.1", backlog=10)
        host: str = listener.host
        port: int = listener.port
        station: OCPPServerClient = await server.wait_for_client("CP001", timeout=10)
        one: OCPPServerClient | None = server.get_client("CP001")
        identities: list[str] = [each.identity for each in server.clients]
        answer: dict[str, Any] = await server.call("CP001", "Reset", {"type": "Soft"})
        answer = await server.call("CP001", "ocpp1.6", "Reset", {"type": "Soft"}, timeout=3)
        maybe: dict[str, Any] | None = await server.safe_call("CP001", "ClearCache")
        key: StationKey = station.key
        answer = await server.call(key, "Reset", {"type": "Soft"})
        ticket: Ticket = server.enqueue(key, v16.Reset(type="Soft"), ttl=600, replaces="reset")
        ticket = server.enqueue("CP001", "ocpp1.6", "Reset", {"type": "Soft"}, key="one")
        queued: list[Ticket] = [*server.queued, *server.queued_for(key)]
        server.enqueue("CP001", "Reset", lane="transaction")  # type: ignore[call-overload]
        async for ticket in server.outcomes():
            print(ticket.station, await ticket.outcome())
        for outcome in await server.call_many("Reset", {key: {"type": "Soft"}}):
            namespace: str = outcome.namespace
            print(namespace, await server.call_many({key: v16.Reset(type="Soft")}))
        print(host, port, station, one, identities, answer, maybe, queued)
        await listener.aclose()
        await server.close(1012, "restart")


class Cluster:
    """Stations of this process and of others."""

    def __init__(self, local: StationDirectory, others: dict[str, StationCaller]) -> None:
        self._local = local
        self._others = others

    def get_client(self, identity: str | StationKey, /) -> OCPPServerClient | None:
        return self._local.get_client(identity)

    def get_caller(self, identity: str | StationKey, /) -> StationCaller | None:
        return self._local.get_caller(identity) or self._others.get(str(identity))

    async def wait_for_client(self, identity: str | StationKey, /) -> OCPPServerClient:
        return await self._local.wait_for_client(identity)

    async def wait_for_caller(self, identity: str | StationKey, /) -> StationCaller:
        return await self._local.wait_for_caller(identity)


server.directory = Cluster(server.directory, {})


async def call_the_fleet() -> None:
    answered: list[Answered[v16.ResetResponse]] = []
    async with server.broadcast(v16.Reset(type="Soft"), where=lambda station: station.pending == 0) as calls:
        async for outcome in calls:
            match outcome:
                case Answered(identity, result):
                    status: Literal["Accepted", "Rejected"] = result["status"]
                    print(identity, status)
                    answered.append(outcome)
                case Refused(_, error):
                    code: str = error.code
                    print(code)
                case NotSent() | Unanswered() | Failed():
                    print(outcome.identity, outcome.error)
                case _:
                    assert_never(outcome)
    models: tuple[StationOutcome[v16.models.ResetResponse], ...] = await server.call_many(
        {"CP1": v16.models.ResetRequest(type="Soft")}, concurrency=5, timeout=3
    )
    dicts: FleetCall[dict[str, Any]] = server.call_many("Reset", {"CP1": {"type": "Soft"}, "CP2": {"type": "Hard"}})
    print(models, dicts.total, await dicts)
    figures: ServerStats = server.stats()
    by_profile: Mapping[SecurityProfile, int] = figures.by_security_profile
    print(by_profile[SecurityProfile.NONE])
    server.broadcast(v16.Reset(type="Soft"), where="CP1")  # type: ignore[call-overload]
