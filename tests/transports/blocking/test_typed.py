"""Typed messages and models with blocking objects: what `OCPPClient` and `OCPPServer` do with them, in threads."""

import threading
from typing import Any

import pytest

from ocpp_core import v16
from ocpp_transports.blocking import BlockingHandlerContext


def test_calls_take_messages_and_models(connect, server):
    with connect() as (client, station):

        @client.handle(v16.Reset)
        def reset(params: v16.ResetRequest) -> v16.ResetResponse:
            return {"status": "Accepted" if params["type"] == "Soft" else "Rejected"}

        assert station.call(v16.Reset(type="Soft")) == {"status": "Accepted"}
        assert server.call("CP1", v16.models.ResetRequest(type="Hard")).status == "Rejected"
        assert client.has_handler(v16.Reset)
        with pytest.raises(TypeError, match=r"it is a CALL in ocpp1\.6; use call instead"):
            client.notify(v16.Heartbeat())


def test_handlers_in_threads_get_what_they_ask_for(connect):
    with connect() as (client, station):
        seen: list[Any] = []

        def log(
            ctx: BlockingHandlerContext[v16.GetLog], request: v16.models.GetLogRequest
        ) -> v16.models.GetLogResponse:
            seen.append((type(ctx), ctx.params["requestId"], request.request_id, threading.current_thread()))
            return v16.models.GetLogResponse(status="Accepted")

        client.handle(v16.GetLog, log)
        where = v16.models.LogParametersType(remote_location="ftp://127.0.0.1")
        request = v16.models.GetLogRequest(request_id=7, log_type="DiagnosticsLog", log=where)
        assert station.call(request).status == "Accepted"
        ((kind, *numbers, thread),) = seen
        assert (kind, numbers) == (BlockingHandlerContext, [7, 7])
        assert thread is not threading.current_thread()


@pytest.mark.parametrize("key", [(v16.Reset,), ("Reset",)])
def test_a_handler_that_asks_for_what_it_cannot_get_is_refused(connect, key):
    def heartbeat(params: v16.HeartbeatRequest) -> Any: ...

    with connect() as (client, _), pytest.raises(TypeError, match="asks for Heartbeat"):
        client.handle(*key, heartbeat)
