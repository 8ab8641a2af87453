"""Functions that decide on handshakes: they run in threads, and may block."""

import threading

import pytest

from ocpp_transports import UnexpectedHttpResponse
from ocpp_transports.blocking import BlockingClient, BlockingServer


class TestDecisions:
    def test_functions_that_decide_may_block(self, loop):
        threads = set()

        def password(identity):
            threads.add(threading.current_thread())
            return "secret" * 3

        with BlockingServer(
            protocols=["ocpp1.6"], security_profile=1, tls_terminated=False, credentials=password, loop=loop
        ) as server:

            @server.auth
            def auth(accept, reject, handshake):
                threads.add(threading.current_thread())
                accept(session={"tenant": 1}) if handshake.identity == "CP1" else reject(403)

            @server.connection_middleware
            async def middleware(ctx, proceed):
                await proceed()
                ctx.session["by"] = "middleware"

            port = server.listen(0, "127.0.0.1").port
            options = {"protocols": ["ocpp1.6"], "security_profile": 1, "password": "secret" * 3, "loop": loop}
            with BlockingClient("CP1", f"ws://127.0.0.1:{port}/ocpp", **options) as client:
                client.connect()
                assert server.wait_for_client("CP1").session == {"tenant": 1, "by": "middleware"}
            with (
                BlockingClient("CP2", f"ws://127.0.0.1:{port}/ocpp", **options) as client,
                pytest.raises(UnexpectedHttpResponse, match="403"),
            ):
                client.connect()
        assert threads.isdisjoint({threading.main_thread()})

    def test_a_function_that_confirms_passwords_may_block_and_use_the_server(self, loop):
        asked = []

        def verify(identity, password):
            asked.append((identity, password, server.clients))  # raises in the thread of the event loop
            return password == b"right"

        with BlockingServer(protocols=["ocpp1.6"], security_profile=1, verify=verify, loop=loop) as server:
            port = server.listen(0, "127.0.0.1").port
            options = {"protocols": ["ocpp1.6"], "security_profile": 1, "password": "right", "loop": loop}
            with BlockingClient("CP1", f"ws://127.0.0.1:{port}/ocpp", **options) as client:
                client.connect()
        assert asked == [("CP1", b"right", ())]
