"""Nothing is left: clients, listeners, proxies and tasks go when the last word is spoken."""

import asyncio
import gc
from weakref import ref

import pyodide.ffi
from lab import expects_console, raises, told, until

from ocpp_transports import ConnectionFailedError, ConnectionState
from ocpp_transports.browser import BrowserOCPPClient


async def collected(references):
    """Wait until all of these have gone."""

    def are_gone():
        gc.collect()
        return not any(reference() for reference in references)

    try:
        await until(are_gone, seconds=2)
    except TimeoutError:
        left = [reference() for reference in references if reference()]
        raise AssertionError(f"{len(left)} of {len(references)} are left; {gc.get_referrers(left[0])}") from None


def a_client(lab, endpoint=None, **options):
    """Make a client that the laboratory does not know."""
    settings = {"protocols": ["ocpp1.6"], "backoff_min": 0.02, "backoff_max": 0.04, **options}
    client = BrowserOCPPClient(lab.identity(), endpoint or lab.csms, **settings)
    told(client, "open", "close", "message")
    client.handle("Reset", lambda context, client=client: {"status": "Accepted", "by": client.identity})
    return client


class TestClients:
    async def test_thirty_that_were_opened_and_closed(self, lab):
        async def live():
            client = a_client(lab)
            await client.connect()
            await client.call("Heartbeat", {})
            await client.close()
            return ref(client)

        await collected([await live() for _ in range(30)])

    async def test_those_whose_connection_was_lost(self, lab):
        async def live():
            client = a_client(lab, reconnect=False)
            await client.connect()
            await lab.ask("central.drop", client.identity)
            await until(lambda: client.state is ConnectionState.CLOSED)
            return ref(client)

        await collected([await live() for _ in range(5)])

    async def test_those_that_came_back_and_were_closed(self, lab):
        async def live():
            client = a_client(lab)
            await client.connect()
            async with client.events("open") as opened:
                await lab.ask("central.drop", client.identity)
                await anext(opened)
            await client.close()
            return ref(client)

        await collected([await live() for _ in range(5)])

    async def test_those_that_were_closed_by_force(self, lab):
        async def live():
            client = a_client(lab)
            await client.connect()
            await client.close(force=True)
            return ref(client)

        await collected([await live() for _ in range(5)])

    async def test_those_whose_server_never_answered_the_close(self, lab):
        async def live():
            client = a_client(lab, lab.puppet(), close_timeout=0.05)
            await client.connect()
            await client.close()
            return ref(client)

        await collected([await live() for _ in range(5)])

    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_those_that_never_got_a_connection(self, lab):
        async def live(endpoint):
            client = a_client(lab, endpoint, connect_timeout=0.1)
            with raises(ConnectionFailedError):
                await client.connect()
            return ref(client)

        await collected(
            [await live(endpoint) for endpoint in (lab.refused, lab.puppet("silent"), lab.puppet("foreign"))]
        )

    async def test_those_that_were_never_connected(self, lab):
        await collected([ref(a_client(lab)) for _ in range(5)])


class TestWhatHangsOnThem:
    async def test_every_proxy_is_destroyed(self, lab):
        """A proxy that is not keeps its function, and all that hangs on it, for as long as the page lives."""
        functions, create_proxy = [], pyodide.ffi.create_proxy

        def create(function, **options):
            functions.append(ref(function))
            return create_proxy(function, **options)

        pyodide.ffi.create_proxy = create
        try:
            for endpoint, force in ((lab.csms, False), (lab.csms, True), (lab.puppet(), False)):
                client = a_client(lab, endpoint, close_timeout=0.05)
                await client.connect()
                await client.close(force=force)
        finally:
            pyodide.ffi.create_proxy = create_proxy
        assert len(functions) >= 12
        await collected(functions)

    async def test_no_task_is_left(self, lab):
        before = asyncio.all_tasks()
        client = a_client(lab)
        await client.connect()
        await client.call("Heartbeat", {})
        await lab.ask("central.call", client.identity, "Reset")
        await client.close()
        await until(lambda: asyncio.all_tasks() <= before)
