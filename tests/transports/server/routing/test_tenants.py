"""Routes of a server: which rules, handlers and namespace a station gets by its path."""

import re
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from ocpp_transports import (
    ConnectionLostError,
    OCPPClient,
    OCPPRouter,
    OCPPServer,
    SecurityProfile,
    StationKey,
    UnexpectedHttpResponse,
)
from ocpp_transports.fleet import Answered
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, first, serving, upgrade

pytestmark = pytest.mark.anyio

NOW = {"currentTime": "2026-01-01T00:00:00Z"}


def station(listener, path="", identity="CP1", *, scheme="ws", **options):
    """Make a client that connects below a path."""
    settings: dict[str, Any] = {"protocols": ["ocpp1.6"], "backoff_min": 0.01, "backoff_max": 0.02}
    url = f"{scheme}://127.0.0.1:{listener.port}{path}"
    return OCPPClient(identity, url, **{**settings, "call_timeout": SECONDS, **options})


async def status_of(listener, path, *headers):
    """Return the status of the response to an upgrade request of OCPP 1.6."""
    async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
        await stream.send(upgrade(path, *headers))
        with anyio.fail_after(SECONDS):
            return int((await stream.receive()).split()[1])


class TestAPath:
    async def test_without_a_route_gets_404_whatever_decides_on_the_others(self):
        asked: list[str] = []

        def auth(accept, reject, handshake):
            asked.append(handshake.path)
            accept()

        async with serving(auth=auth) as (server, listener):
            assert await status_of(listener, "/other/CP1") == 101
            server.route("/ocpp/{identity}")
            assert await status_of(listener, "/other/CP1") == 404
            assert await status_of(listener, "/ocpp/CP1") == 101
        assert asked == ["/other/CP1", "/ocpp/CP1"]

    async def test_tells_the_application_its_route_and_its_parts(self):
        async with serving() as (server, listener), station(listener, "/ocpp/t%2Fu", "CP 1") as client:
            server.route("/ocpp/{tenant}/{identity}")
            await client.connect()
            peer = await server.wait_for_client(StationKey("t%2Fu", "CP 1"))
            assert (peer.identity, peer.namespace) == ("CP 1", "t%2Fu")
            assert peer.handshake.route == "/ocpp/{tenant}/{identity}"
            assert dict(peer.handshake.params) == {"tenant": "t/u"}
            assert peer._log.identity == "t%2Fu/CP 1"
            assert peer.handshake.path == "/ocpp/t%2Fu/CP%201"

    async def test_without_an_identity_gets_it_from_the_credentials_or_is_refused(self):
        async with serving() as (server, listener):
            server.route("/plain")
            assert await status_of(listener, "/plain") == 400
            route = server.route("/named")
            route.auth(lambda accept, reject, handshake: accept(identity="CP9"))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(status_of, listener, "/named/")
                assert (await server.wait_for_client("CP9")).handshake.route == "/named"

    async def test_is_refused_with_an_identity_that_breaks_the_rule(self):
        async with serving() as (server, listener):
            server.route("/{tenant}/{identity}")
            assert await status_of(listener, "/a/..") == 400
            assert await status_of(listener, "/a/b%2Fc") == 400
            assert await status_of(listener, "/a/%zz") == 400


class TestTenants:
    async def test_have_stations_of_one_identity_side_by_side(self):
        async with (
            serving() as (server, listener),
            station(listener, "/ocpp/a") as one,
            station(listener, "/ocpp/b") as two,
        ):
            server.route("/ocpp/{tenant}/{identity}")
            for client, name in ((one, "a"), (two, "b")):
                client.handle("Reset", lambda ctx, name=name: {"status": "Accepted" if name == "a" else "Rejected"})
                await client.connect()
            a, b = StationKey("a", "CP1"), StationKey("b", "CP1")
            assert {each.key for each in server.clients} == {a, b}
            assert await server.call(a, "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await server.call(b, "Reset", {"type": "Soft"}) == {"status": "Rejected"}
            outcomes = await server.broadcast("Reset", {"type": "Soft"})
            assert {(each.namespace, each.result["status"]) for each in outcomes if isinstance(each, Answered)} == {
                ("a", "Accepted"),
                ("b", "Rejected"),
            }
            many = await server.call_many("Reset", {a: {"type": "Soft"}, b: {"type": "Hard"}})
            assert {(each.namespace, each.identity) for each in many} == {("a", "CP1"), ("b", "CP1")}

    async def test_must_be_named_if_two_have_the_identity(self):
        async with (
            serving() as (server, listener),
            station(listener, "/b") as one,
            station(listener, "/a") as two,
        ):
            server.route("/{tenant}/{identity}")
            await one.connect()
            found = await server.wait_for_client("CP1")
            assert found is server.get_client("CP1") is server.get_client(StationKey("b", "CP1"))
            assert server.get_client("b\0CP1") is server.get_client(StationKey("", "b\0CP1")) is None
            await two.connect()
            expected = "expected StationKey(namespace, 'CP1'), because it is connected in the namespaces 'a', 'b'"
            with pytest.raises(ValueError, match=re.escape(expected)):
                await server.call("CP1", "Reset", {"type": "Soft"})
            with pytest.raises(ValueError, match=re.escape(expected)):
                server.get_client("CP1")
            with pytest.raises(ValueError, match=re.escape(expected)):
                await server.wait_for_client("CP1")
            await two.close()
            await found.close()
            assert server.get_client("CP1") is None
            with pytest.raises(ConnectionLostError, match="cannot call 'b/CP1'"):
                await server.call(StationKey("b", "CP1"), "Reset", {"type": "Soft"})

    async def test_replace_only_their_own_stations(self):
        async with (
            serving(metrics=True) as (server, listener),
            station(listener, "/a") as one,
            station(listener, "/b") as other,
        ):
            server.route("/{tenant}/{identity}")
            await one.connect()
            await other.connect()
            old = server.get_client(StationKey("a", "CP1"))
            opened, closes = server.events("client"), old.events("close")
            async with opened as events, closes, station(listener, "/a") as newer:
                await newer.connect()
                new = await first(events)
                assert server.get_client(StationKey("a", "CP1")) is new is not old
                assert (await first(closes)).code == 4000
            assert server.get_client(StationKey("b", "CP1")) is not None
            assert server.metrics.value("ocpp_evictions") == 1

    async def test_do_not_share_the_results_of_repeated_calls(self):
        request = '[2,"same","Heartbeat",{}]'
        served: list[str] = []

        def heartbeat(ctx):
            served.append(ctx.client.namespace)
            return NOW

        async with serving() as (server, listener), station(listener, "/a") as one, station(listener, "/b") as two:
            server.route("/{tenant}/{identity}").handle("Heartbeat", heartbeat)
            server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
            await one.connect()
            await two.connect()
            for client in (one, two, one):
                await client.send_raw(request)
                await client.call("DataTransfer", {"vendorId": "x"})  # is served after it
        assert served == ["a", "b"]

    async def test_may_have_a_namespace_of_the_application(self):
        async def tenant_of(handshake):
            return handshake.query.get("tenant", "")

        async with serving(namespace=tenant_of) as (server, listener):
            assert await status_of(listener, "/CP1?tenant=" + "x" * 256) == 400
            async with station(listener, "/", query={"tenant": "acme"}) as client:
                await client.connect()
                assert (await server.wait_for_client(StationKey("acme", "CP1"))).handshake.route == ""
        async with serving(namespace=lambda handshake: 5) as (_, listener):
            assert await status_of(listener, "/CP1") == 500
        for wrong in ("a\n", "x" * 256):
            with pytest.raises(ValueError, match="expected a namespace of at most 255 printable characters"):
                OCPPServer(namespace=wrong)
        with pytest.raises(TypeError, match="expected namespace as str or a function, got int"):
            OCPPServer(namespace=mistyped(5))

    async def test_may_have_passwords_of_their_own(self):
        passwords = {StationKey("a", "CP1"): "of a", "CP1": "of all", StationKey("b", "CP2"): "of b"}
        async with serving(security_profile=1, credentials=passwords, ignore_identity_case=True) as (server, listener):
            server.route("/{tenant}/{identity}")
            server.route("/{identity}")
            for path, identity, password, accepted in (
                ("/a", "CP1", "of a", True),
                ("/a", "CP1", "of all", False),
                ("/a", "cp1", "of a", True),
                ("/a", "cp1", "of all", False),
                ("/b", "cp1", "of all", True),
                ("/b", "CP2", "of b", True),
                ("/a", "CP2", "of b", False),
                ("", "CP2", "of b", False),
            ):
                expected = nullcontext() if accepted else pytest.raises(UnexpectedHttpResponse)
                async with station(listener, path, identity, security_profile=1, password=password) as client:
                    with expected:
                        await client.connect()

    async def test_return_to_their_place_at_the_cap(self):
        async with serving(max_connections=1) as (server, listener), station(listener, "/a") as client:
            server.route("/{tenant}/{identity}")
            await client.connect()
            assert await status_of(listener, "/b/CP1") == 503
            assert await status_of(listener, "/a/CP1") == 101


class TestARoute:
    async def test_has_handlers_and_middleware_before_those_around_it(self):
        order: list[str] = []

        def middleware(name):
            async def run(ctx, proceed):
                order.append(name)
                return await proceed()

            return run

        async with serving() as (server, listener), station(listener, "/a/b") as client:
            outer = OCPPRouter()
            inner = outer.route("/b/{identity}")
            server.include(outer, "/a")
            for each, name in ((inner, "inner"), (outer, "outer"), (server, "server")):
                each.use(middleware(name))
            server.handle("Heartbeat", lambda ctx: {"currentTime": "server"})
            await client.connect()
            assert await client.call("Heartbeat") == {"currentTime": "server"}
            assert order == ["server", "outer", "inner"]
            outer.handle("Heartbeat", lambda ctx: {"currentTime": "outer"})
            assert await client.call("Heartbeat") == {"currentTime": "outer"}
            inner.handle("Heartbeat", lambda ctx: {"currentTime": "inner"})
            assert await client.call("Heartbeat") == {"currentTime": "inner"}

    async def test_has_subprotocols_and_call_options_of_its_own(self):
        async with serving(protocols=["ocpp2.0.1", "ocpp1.6"], default_protocol="ocpp2.0.1") as (server, listener):
            server.route("/old/{identity}", protocols=["ocpp1.6"], call_timeout=7, max_message_size=200)
            server.route("/new/{identity}")
            both = ["ocpp2.0.1", "ocpp1.6"]
            async with (
                station(listener, "/old", protocols=both) as old,
                station(listener, "/new", "CP2", protocols=both) as new,
            ):
                assert (await old.connect(), await new.connect()) == ("ocpp1.6", "ocpp2.0.1")
                assert (await server.wait_for_client("CP1"))._options.call_timeout == 7
                async with old.events("disconnect") as events:
                    await old.send_raw(f'[2,"1","DataTransfer",{{"vendorId":"{"x" * 200}"}}]')
                    assert (await first(events)).code == 1009

    async def test_has_credentials_of_its_own_beside_an_open_route(self):
        async with serving(credentials={"CP1": "server"}, security_profile=1) as (server, listener):
            server.route("/own/{identity}", credentials={"CP1": "route"})
            server.route("/same/{identity}")
            server.route("/open/{identity}", security_profile=0)
            server.route("/checked/{identity}", verify=lambda identity, password: password == b"verified")
            for path, password in (("/own", "route"), ("/same", "server"), ("/checked", "verified")):
                async with station(listener, path, security_profile=1, password=password) as client:
                    await client.connect()
                    [peer] = server.clients
                    assert peer.security_profile is SecurityProfile.BASIC
                async with station(listener, path, security_profile=1, password="wrong") as client:
                    with pytest.raises(UnexpectedHttpResponse) as caught:
                        await client.connect()
                    assert caught.value.status == 401
            assert await status_of(listener, "/open/CP1") == 101

    async def test_has_an_auth_that_replaces_those_around_it(self):
        asked: list[str] = []

        def asking(name):
            return lambda accept, reject, handshake: (asked.append(name), reject(403))

        async with serving(auth=asking("server")) as (server, listener):
            router = OCPPRouter(auth=asking("router"))
            router.route("/plain/{identity}")
            own = router.route("/own/{identity}")
            server.include(router)
            server.route("/server/{identity}")
            own.auth(asking("route"))
            for path in ("/plain", "/own", "/server"):
                assert await status_of(listener, f"{path}/CP1") == 403
            with pytest.raises(ValueError, match="there is one already"):
                own.auth(asking("second"))
        assert asked == ["router", "route", "server"]

    async def test_has_connection_middleware_inside_that_of_those_around_it(self):
        order: list[str] = []

        def layer(name):
            async def run(ctx, proceed):
                order.append(name)
                await proceed()

            return run

        async with serving(connection_middleware=[layer("server")]) as (server, listener):
            router = OCPPRouter(connection_middleware=[layer("router")])
            route = router.route("/a/{identity}", connection_middleware=[layer("route")])
            server.include(router)
            server.route("/b/{identity}")
            route.connection_middleware(layer("added"))
            assert await status_of(listener, "/a/CP1") == 101
            assert await status_of(listener, "/b/CP1") == 101
            with pytest.raises(TypeError, match="expected connection_middleware as functions, got int"):
                server.route("/c", connection_middleware=mistyped([5]))
        assert order == ["server", "router", "route", "added", "server"]

    async def test_reports_its_refusals_with_their_cause_and_the_namespace(self):
        seen: list[Any] = []
        async with serving() as (server, listener):
            server.on("security", lambda event: seen.append((event.kind, event.namespace, event.status)))
            server.on("upgrade_aborted", lambda event: seen.append((event.identity, event.namespace)))
            server.route("/a/{tenant}/{identity}", auth=lambda accept, reject, handshake: 1 / 0)
            server.route("/b/{tenant}/{identity}", security_profile=2, auth=lambda accept, reject, handshake: accept())
            server.route("/c/{tenant}/{identity}", protocols=["ocpp2.1"], unmatched_protocol="upgrade-then-close")
            for path in ("/c/t/CP1", "/a/t/CP1", "/CP1", "/b/t/CP1", "/a/../CP1"):
                await status_of(listener, path)
        assert seen == [
            ("bad_subprotocol", "t", 1002),
            ("decision_failed", "t", 500),
            ("CP1", "t"),
            ("no_route", "", 404),
            (None, ""),
            ("wrong_profile", "", 403),
            (None, ""),
            ("malformed_handshake", "", 400),
            (None, ""),
        ]

    async def test_has_gates_in_addition_to_those_of_the_server(self):
        async with serving(denied_addresses=["192.0.2.1"]) as (server, listener):
            server.route("/a/{identity}", denied_addresses=["127.0.0.0/8"])
            server.route("/b/{identity}")
            assert await status_of(listener, "/a/CP1") == 403
            assert await status_of(listener, "/b/CP1") == 101
            server.reconfigure(denied_addresses=["127.0.0.1"])
            assert await status_of(listener, "/b/CP1") == 403
            assert await status_of(listener, "/nowhere/CP1") == 403


class TestARouter:
    async def test_is_shared_by_servers(self):
        router = OCPPRouter()
        router.route("/{identity}").handle("Heartbeat", lambda ctx: NOW)
        async with serving() as (one, first_port), serving() as (two, second_port):
            one.include(router, "/x")
            two.include(router, "/y/{tenant}/")
            router.route("/later/{identity}")
            for listener, path in ((first_port, "/x"), (second_port, "/y/t"), (second_port, "/y/t/later")):
                async with station(listener, path) as client:
                    await client.connect()
                    assert (await client.call("Heartbeat") == NOW) if "later" not in path else True

    async def test_has_its_own_actions_counted_by_name(self):
        server, router = OCPPServer(metrics=True), OCPPRouter()
        router.route("/{identity}").handle("Before", print, custom=True)
        server.include(router)
        router.handle("After", print, custom=True)
        for action in ("Before", "After", "Invented"):
            server.metrics.inbound.result(action, 0.1)
        calls = "ocpp_call_duration_seconds"
        assert [server.metrics.value(calls, action=name) for name in ("Before", "After", "(other)")] == [1, 1, 1]

    async def test_changes_all_of_its_servers_or_none(self):
        router = OCPPRouter()
        async with serving() as (one, listener), serving() as (two, _):
            one.include(router)
            two.include(router)
            two.route("/taken/{identity}")
            with pytest.raises(ValueError, match=re.escape("'/taken/{name}' matches the same paths")):
                router.route("/taken/{name}/")
            one.route("/a/{identity}")
            assert await status_of(listener, "/taken/CP1") == 404

    async def test_refuses_what_no_route_can_have(self):
        server, router = OCPPServer(), OCPPRouter()
        inner = router.route("/a/{identity}")
        for include in (lambda: inner.include(router), lambda: router.include(router)):
            with pytest.raises(ValueError, match="it contains this one"):
                include()
        with pytest.raises(TypeError, match="expected an OCPPRouter, got OCPPServer"):
            server.include(mistyped(server))
        with pytest.raises(ValueError, match="expected no tls for a route: the certificates belong to a listener"):
            server.route("/b/{identity}", **mistyped({"tls": None}))
        with pytest.raises(TypeError, match="unknown option 'colour'"):
            OCPPRouter(**mistyped({"colour": "red"}))
        with pytest.raises(ValueError, match="expected no credentials with security profile 0"):
            server.route("/c/{identity}", credentials={})
        with pytest.raises(TypeError, match="expected auth as a callable, got NoneType"):
            router.auth(mistyped(None))
        assert len(server._plans[None].routes) == 0
