"""The pages that a server has by itself: is it alive, does it accept stations, what has it counted."""

from base64 import b64encode

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import OCPPServer
from ocpp_transports.blocking import BlockingClient, BlockingServer
from ocpp_transports.memory import MemoryOCPPClient
from ocpp_transports.observability import Metrics
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, client_of, knock, serving, station_of, upgrade
from tests.transports.server.test_http import get

pytestmark = pytest.mark.anyio


OLD = upgrade().replace(b"Version: 13", b"Version: 8")
"""A request that the library refuses before any rule of the server is asked."""


def basic(pair):
    return f"Basic {b64encode(pair).decode()}"


class TestReady:
    async def test_is_the_server_that_accepts_stations(self):
        async with serving(http=True) as (_, listener):
            assert (await knock(listener, get("/ready")))[::2] == (200, '{"status":"ready"}')

    async def test_is_not_the_server_that_closes(self):
        async with serving(http=True, metrics=True) as (server, listener), client_of(listener) as client:
            begun, done = anyio.Event(), anyio.Event()

            @client.handle("Reset")
            async def reset(ctx):
                begun.set()
                await done.wait()

            await client.connect()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.safe_call, "CP1", "Reset", {"type": "Soft"})
                await begun.wait()
                tasks.start_soon(server.close)
                while not server.is_draining:
                    await anyio.lowlevel.checkpoint()
                status, headers, body = await knock(listener, get("/ready"))
                assert (status, headers["retry-after"], body) == (503, "10", '{"status":"draining"}')
                for path in ("/health", "/metrics"):
                    assert (await knock(listener, get(path)))[0] == 200
                done.set()

    async def test_is_that_path_alone(self):
        async with serving(http=True) as (_, listener):
            for path in ("/ready/", "//ready", "/READY", "/%72eady", "/ready/CP1"):
                assert (await knock(listener, get(path)))[0] == 426, path

    async def test_may_be_a_function_of_the_application_s(self):
        async with serving(http=True) as (server, listener):
            server.http("/ready")(lambda request: (204, {}, None))
            assert (await knock(listener, get("/ready")))[0] == 204


class TestTheCheckWithoutAPath:
    """HAProxy sends OPTIONS unless it is told otherwise."""

    async def test_tells_whether_the_server_is_ready(self):
        async with serving(http=True) as (server, listener):
            for target in ("/", "*"):
                status, headers, body = await knock(listener, f"OPTIONS {target} HTTP/1.0\r\n\r\n".encode())
                assert (status, headers["allow"], body) == (200, "GET, HEAD", "")
            server._acceptor.is_closing = True
            assert (await knock(listener, b"OPTIONS / HTTP/1.0\r\n\r\n"))[0] == 503

    async def test_is_refused_without_the_option(self):
        async with serving() as (_, listener):
            assert (await knock(listener, b"OPTIONS / HTTP/1.0\r\n\r\n"))[0] == 405

    async def test_opens_no_websocket(self):
        async with serving(http=True) as (server, listener):
            assert (await knock(listener, upgrade().replace(b"GET", b"OPTIONS")))[0] == 200
            assert server.clients == ()


class TestMetrics:
    async def test_are_shown_if_they_are_counted(self):
        async with serving(http=True, metrics=True) as (server, listener), client_of(listener) as client:
            await client.connect()
            await station_of(server)
            status, headers, body = await knock(listener, get("/metrics"))
            assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert 'ocpp_stations{protocol="ocpp1.6",security_profile="0"} 1\n' in body
            assert headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("options", [{"http": True}, {"metrics": True}])
    async def test_are_not_shown_otherwise(self, options):
        async with serving(**options) as (_, listener):
            assert (await knock(listener, get("/metrics")))[0] == 426

    async def test_are_written_as_the_scraper_asks(self):
        async with serving(http=True, metrics=True) as (_, listener):
            accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
            _, headers, body = await knock(listener, get("/metrics", "GET", accept))
            assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
            assert body.endswith("# EOF\n")

    async def test_may_demand_a_password(self):
        async with serving(http=True, metrics=True, metrics_credentials=("scraper", "secret")) as (server, listener):
            for value, status in (
                (None, 401),
                (basic(b"scraper:secret"), 200),
                (basic(b"scraper:Secret"), 401),
                (basic(b"scraper:"), 401),
                (basic(b"scraper"), 401),
                (basic(b"other:secret"), 401),
                ("Bearer secret", 401),
            ):
                fields = [] if value is None else [f"Authorization: {value}"]
                got, headers, body = await knock(listener, get("/metrics", "GET", *fields))
                assert (got, "www-authenticate" in headers) == (status, status == 401), value
                assert ("ocpp_stations" in body) is (status == 200)
            assert server.metrics.value("ocpp_security_events", kind="bad_credentials") == 6

    async def test_may_be_larger_than_a_message(self):
        async with serving(http=True, metrics=True, max_outgoing_size=16384) as (server, listener):
            for number in range(40):
                server.metrics.outbound.result(f"Action{number}", 1.0)
            status, headers, _ = await knock(listener, get("/metrics", "HEAD"))
            assert status == 200
            assert int(headers["content-length"]) > 16384


class TestWhatAServerCounts:
    async def test_stations_that_come_go_and_return(self):
        async with serving(metrics=True) as (server, listener):
            metrics = server.metrics
            async with client_of(listener) as first, client_of(listener, reconnect=False) as second:
                await first.connect()
                before = await station_of(server)
                first.reconfigure(reconnect=False)
                await second.connect()
                with anyio.fail_after(SECONDS):
                    while len(server._registry.open) > 1 or server.get_client("CP1") is before:
                        await server._registry.changed()
            assert metrics.value("ocpp_connections_opened", protocol="ocpp1.6", security_profile="0") == 2
            assert metrics.value("ocpp_evictions") == 1
            with anyio.fail_after(SECONDS):
                while server.clients:
                    await server._registry.changed()
            assert metrics.value("ocpp_connections_closed") == 2
            assert metrics.value("ocpp_connections") == 0

    async def test_refusals_and_requests_that_are_none(self):
        async with serving(metrics=True, auth=lambda accept, reject, _: reject(403, "CP1")) as (server, listener):
            assert (await knock(listener, upgrade()))[0] == 403
            assert (await knock(listener, OLD))[0] == 426
            assert server.metrics.value("ocpp_refusals", status="403", reason="forbidden") == 1
            assert server.metrics.value("ocpp_security_events", kind="malformed_handshake") == 1

    async def test_calls_mistakes_and_bytes_of_both_sides(self):
        async with (
            serving(metrics=True, strict_mode=True) as (server, listener),
            client_of(listener, metrics=True) as client,
        ):
            server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
            server.handle("Authorize", lambda ctx: 1 / 0)
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            station = await station_of(server)
            await client.call("Heartbeat", {})
            assert await client.safe_call("Authorize", {"idTag": "A"}) is None
            assert await client.safe_call("StatusNotification", {}) is None
            await client.call_immediate("Heartbeat", {})
            await station.call("Reset", {"type": "Soft"})
            for metrics, ours, theirs in ((server.metrics, "in", "out"), (client.metrics, "out", "in")):
                calls = "ocpp_call_duration_seconds"
                assert metrics.value(calls, direction=ours, action="Heartbeat", outcome="result") == 2
                assert metrics.value(calls, direction=ours, action="Authorize", outcome="error") == 1
                assert metrics.value(calls, direction=theirs, action="Reset", outcome="result") == 1
            metrics = server.metrics
            assert metrics.value("ocpp_validation_failures", direction="in", action="StatusNotification") == 1
            assert metrics.value("ocpp_handler_errors", action="Authorize", kind="raised") == 1
            assert metrics.value("ocpp_traffic_bytes", direction="in") == client.metrics.value(
                "ocpp_traffic_bytes", direction="out"
            )
            assert metrics.value("ocpp_traffic_bytes", direction="out") == client.metrics.value(
                "ocpp_traffic_bytes", direction="in"
            )

    async def test_messages_of_another_library_s_websocket(self):
        async with (
            OCPPServer(protocols=["ocpp1.6"], metrics=True) as server,
            MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"], metrics=True) as client,
        ):
            server.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": "ü"})
            await client.connect()
            await client.call("DataTransfer", {"vendorId": "x"}, message_id="m")
            for metrics, direction in ((server.metrics, "out"), (client.metrics, "in")):
                answer = '[3,"m",{"status":"Accepted","data":"ü"}]'
                assert metrics.value("ocpp_traffic_bytes", direction=direction) == len(answer.encode())
            assert server.metrics.value("ocpp_call_duration_seconds", direction="in", action="DataTransfer") == 1

    async def test_the_lag_of_the_event_loop(self):
        async with serving(metrics=True) as (server, _):
            sampled = anyio.Event()
            server._runtime.lag.watch(lambda _: sampled.set())
            with anyio.fail_after(SECONDS):
                await sampled.wait()
            assert server.metrics.value("ocpp_event_loop_lag_seconds") >= 1


class TestOneObject:
    async def test_may_count_several_servers(self):
        metrics = Metrics()
        async with serving(metrics=metrics) as (one, listener), serving(metrics=metrics) as (other, further):
            for port in (listener, further):
                assert (await knock(port, OLD))[0] == 426
            assert one.metrics is other.metrics is metrics
            assert metrics.value("ocpp_security_events") == 2


class TestTheOptions:
    def test_are_off(self):
        with pytest.raises(RuntimeError, match="cannot read metrics: the option metrics is off; pass metrics=True"):
            _ = OCPPServer().metrics

    def test_of_metrics_is_fixed(self):
        server = OCPPServer(metrics=True)
        metrics = server.metrics
        server.reconfigure(metrics=metrics, http=True)
        server.reconfigure(metrics=True)
        assert server.metrics is metrics
        for other in (False, Metrics()):
            with pytest.raises(ValueError, match="cannot change metrics"):
                server.reconfigure(metrics=other)
        with pytest.raises(ValueError, match="cannot change metrics"):
            OCPPServer().reconfigure(metrics=True)

    def test_of_a_blocking_server_and_client_are_the_same(self):
        assert BlockingServer(metrics=True).metrics.value("ocpp_connections") == 0
        assert BlockingClient("CP1", "ws://127.0.0.1:1", metrics=True).metrics.value("ocpp_traffic_bytes") == 0

    def test_of_metrics_is_a_bool_or_such_an_object(self):
        with pytest.raises(TypeError, match="expected metrics as bool or Metrics, got 'yes'"):
            OCPPServer(metrics=mistyped("yes"))

    @pytest.mark.parametrize("pair", ["ab", ("a",), ("a", b"b"), ["a", 1]])
    def test_of_credentials_is_a_pair(self, pair):
        with pytest.raises(TypeError, match="expected metrics_credentials as a tuple"):
            OCPPServer(metrics_credentials=mistyped(pair))

    def test_of_credentials_needs_metrics(self):
        with pytest.raises(ValueError, match="expected no metrics_credentials without metrics"):
            OCPPServer(http=True, metrics_credentials=("scraper", "secret"))

    def test_of_credentials_is_not_shown(self):
        options = OCPPServer(metrics=True, metrics_credentials=("scraper", "secret"))._options
        assert "secret" not in repr(options)
