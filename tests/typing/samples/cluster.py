"""A cluster, from a server and from a process without stations."""

from typing import Any

from ocpp_core import v16
from ocpp_core.identity import StationKey
from ocpp_transports import OCPPServer, OCPPServerClient, StationCaller
from ocpp_transports.cluster import Cluster, ClusterClient, ClusterStation, MemoryCluster
from ocpp_transports.fleet import Answered, FleetCall, IncompleteBroadcastError

server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(MemoryCluster()))


async def wait_for_stations(is_far: bool) -> None:
    here: OCPPServerClient = await server.wait_for_client("CP1", timeout=5)
    also_here: OCPPServerClient = await server.wait_for_client("CP1", everywhere=False)
    anywhere: StationCaller = await server.wait_for_client("CP1", everywhere=True)
    perhaps: StationCaller = await server.wait_for_client("CP1", everywhere=is_far)
    answer: v16.ResetResponse = await anywhere.call(v16.Reset(type="Soft"))
    wrong: OCPPServerClient = await server.wait_for_client("CP1", everywhere=True)  # type: ignore[assignment]
    print(here, also_here, perhaps, answer, wrong)


async def call_from_a_web_worker() -> None:
    async with ClusterClient("redis://127.0.0.1:6379") as cluster:
        answer: v16.ResetResponse = await cluster.call("CP1", v16.Reset(type="Soft"))
        maybe: v16.ResetResponse | None = await cluster.safe_call("CP1", v16.Reset(type="Soft"))
        station: ClusterStation = await cluster.wait_for_client(StationKey("site", "CP1"), timeout=5)
        payload: dict[str, Any] = await station.call("ClearCache")
        nothing: dict[str, Any] | None = await station.safe_call("ocpp1.6", "ClearCache")
        calls: FleetCall[v16.ResetResponse] = cluster.broadcast(v16.Reset(type="Soft"), concurrency=5)
        try:
            for outcome in await calls:
                if isinstance(outcome, Answered):
                    print(outcome.result["status"])
        except IncompleteBroadcastError as error:
            print(len(error.outcomes))
        many: FleetCall[dict[str, Any]] = cluster.call_many("Reset", {"CP1": {"type": "Soft"}})
        async for each in cluster.stations():
            identity: str = each.identity
            print(identity, each.key.namespace, each.node)
        is_there: bool = await cluster.is_connected("CP1")
        print(answer, maybe, payload, nothing, many, is_there)
