"""A span of each call: its parent, its duration, its attributes, its failure, and none of it without sampling."""

import anyio
import pytest

from ocpp_transports import ConnectionLostError, OCPPServer, RPCSecurityError
from ocpp_transports.memory import MemoryOCPPClient
from tests.kinds import mistyped

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra `tracing` is not installed")
pytestmark = pytest.mark.anyio


class Traced:
    """A server and a station, whose calls make spans."""

    def __init__(self, **options):
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        from ocpp_transports.observability.opentelemetry import tracing

        self.exporter = InMemorySpanExporter()
        self.provider = sdk.TracerProvider(**options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.server = OCPPServer(protocols=["ocpp1.6"])
        self.server.use(tracing(self.provider))
        self.client = MemoryOCPPClient("CP1", self.server, protocols=["ocpp1.6"])

    async def __aenter__(self):
        await self.server.__aenter__()
        await self.client.__aenter__()
        await self.client.connect()
        await self.server.wait_for_client("CP1")
        return self

    async def __aexit__(self, *exc):
        await self.client.__aexit__(*exc)
        await self.server.__aexit__(*exc)

    def spans(self):
        return {span.name: span for span in self.exporter.get_finished_spans()}


class TestASpan:
    async def test_of_a_call_in_a_handler_is_a_child_of_that_of_the_handler(self):
        async with Traced() as traced:
            traced.client.handle("Reset", lambda ctx: {"status": "Accepted"})

            @traced.server.handle("Heartbeat")
            async def heartbeat(ctx):
                await ctx.client.call("Reset", {"type": "Soft"})
                return {}

            await traced.client.call("Heartbeat", {})
            spans = traced.spans()
        parent, child = spans["ocpp/Heartbeat"], spans["ocpp/Reset"]
        assert parent.parent is None
        assert child.parent.span_id == parent.context.span_id
        assert (parent.kind.name, child.kind.name) == ("SERVER", "CLIENT")
        assert parent.start_time <= child.start_time <= child.end_time <= parent.end_time
        assert dict(parent.attributes) == {
            "rpc.system": "ocpp",
            "rpc.method": "Heartbeat",
            "network.protocol.name": "ocpp",
            "network.protocol.version": "1.6",
            "ocpp.identity": "CP1",
            "ocpp.message_id": parent.attributes["ocpp.message_id"],
        }
        assert parent.status.status_code.name == "UNSET"

    async def test_begins_when_the_call_arrived(self):
        async with Traced() as traced:

            @traced.server.use
            async def late(ctx, proceed):
                ctx._request.received_at -= 60  # as if it had been held for a minute
                return await proceed()

            traced.server._handlers.middleware = traced.server._handlers.middleware[::-1]
            traced.server.handle("Heartbeat", lambda ctx: {})
            await traced.client.call("Heartbeat", {})
            span = traced.spans()["ocpp/Heartbeat"]
        assert span.end_time - span.start_time > 59e9

    @pytest.mark.parametrize(
        ("error", "kind", "is_recorded"),
        [(RPCSecurityError("no"), "SecurityError", False), (ZeroDivisionError("x"), "ZeroDivisionError", True)],
    )
    async def test_of_a_failure_has_its_kind(self, error, kind, is_recorded):
        async with Traced() as traced:

            def fail(ctx):
                raise error

            traced.server.handle("Heartbeat", fail)
            assert await traced.client.safe_call("Heartbeat", {}) is None
            span = traced.spans()["ocpp/Heartbeat"]
        assert span.attributes["error.type"] == kind
        assert (span.status.status_code.name, span.status.description) == ("ERROR", kind)
        assert len(span.events) == is_recorded

    async def test_of_a_call_that_is_cancelled_ends(self):
        async with Traced() as traced:
            begun = anyio.Event()

            @traced.client.handle("Reset")
            async def reset(ctx):
                begun.set()
                await anyio.sleep_forever()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(traced.server.call, "CP1", "Reset", {"type": "Soft"})
                await begun.wait()
                tasks.cancel_scope.cancel()
            await traced.client.close(force=True)  # without waiting for the handler
            span = traced.spans()["ocpp/Reset"]
        assert (span.status.status_code.name, span.status.description) == ("ERROR", "cancelled")
        assert span.events == ()

    async def test_of_a_call_whose_connection_is_lost_has_that_kind(self):
        async with Traced() as traced:

            @traced.client.handle("Reset")
            async def reset(ctx):
                await traced.client.close(force=True)

            with pytest.raises(ConnectionLostError):
                await traced.server.call("CP1", "Reset", {"type": "Soft"})
            span = traced.spans()["ocpp/Reset"]
        assert span.attributes["error.type"] == "ConnectionLostError"

    async def test_of_an_invented_action_has_a_common_name(self):
        async with Traced() as traced:
            traced.server.handle(lambda action, ctx: {})
            await traced.client.call("Invented" * 40, {}, custom=True)
            span = traced.spans()["ocpp/(other)"]
        assert span.attributes["rpc.method"] == ("Invented" * 40)[:100]

    async def test_that_is_not_sampled_has_no_attributes_made(self, caplog):
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        from ocpp_transports.observability.opentelemetry import tracing

        class Unread:
            action = "Heartbeat"
            received_at = anyio.current_time()

            def __getattr__(self, name):
                raise AssertionError(name)

        assert await tracing(sdk.TracerProvider(sampler=ALWAYS_OFF))(mistyped(Unread()), returning) == {}
        assert caplog.records == []

    @pytest.mark.parametrize("step", ["on_start", "on_end"])
    async def test_whose_processor_raises_does_not_harm_the_call(self, step, caplog):
        def fail(*args, **kwargs):
            raise OSError("the collector is down")

        async with Traced() as traced:
            traced.server.handle("Heartbeat", lambda ctx: {})
            traced.client.handle("Reset", lambda ctx: {"status": "Accepted"})
            processor = sdk.SpanProcessor()
            setattr(processor, step, fail)
            traced.provider.add_span_processor(processor)
            assert await traced.client.call("Heartbeat", {}) == {}
            assert await traced.server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        assert [record.message for record in caplog.records].count("cannot trace a call") == 2


async def returning():
    return {}
