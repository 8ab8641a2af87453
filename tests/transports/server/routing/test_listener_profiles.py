"""Several security profiles on one server: on ports of their own, and on routes of one port."""

import ssl
from typing import Any

import pytest

from ocpp_transports import ConnectionFailedError, OCPPServer, OCPPServerClient, UnexpectedHttpResponse
from ocpp_transports._tls._contexts import server_context
from ocpp_transports.channel import UpgradeOffer
from tests.core.admission.station import basic
from tests.kinds import an
from tests.transports.pairs import serving
from tests.transports.server.routing.test_tenants import station, status_of
from tests.transports.server.test_security_profiles import (
    BASIC,
    NONE,
    SECRET,
    SERVER,
    SERVER_3,
    STATION,
    TLS_BASIC,
    TLS_CERT,
    TRUSTING,
)

pytestmark = pytest.mark.anyio

PASSWORD = {"CP1": SECRET}
AS_BASIC = {"security_profile": BASIC, "password": SECRET}
AS_TLS_BASIC = {"security_profile": TLS_BASIC, "password": SECRET, "tls": TRUSTING, "scheme": "wss"}
AS_TLS_CERT = {"security_profile": TLS_CERT, "tls": STATION, "scheme": "wss"}


async def connect(listener, path="", identity="CP1", **options):
    """Connect a station, and return the profile that the server sees."""
    async with station(listener, path, identity, **options) as client:
        await client.connect()


async def refusal(listener, path="", identity="CP1", **options):
    with pytest.raises(UnexpectedHttpResponse) as caught:
        await connect(listener, path, identity, **options)
    return caught.value.status


class TestPorts:
    async def test_have_profiles_of_their_own_and_the_same_handlers(self):
        seen = []
        async with OCPPServer(protocols=["ocpp1.6"], security_profile=1, credentials=PASSWORD) as server:
            server.on("client", lambda client: seen.append(client.security_profile))
            one = await server.listen(0, "127.0.0.1")
            two = await server.listen(0, "127.0.0.1", security_profile=2, ssl=SERVER)
            three = await server.listen(0, "127.0.0.1", security_profile=3, ssl=SERVER_3)
            await connect(one, **AS_BASIC)
            await connect(two, **AS_TLS_BASIC)
            await connect(three, **AS_TLS_CERT)
            assert await refusal(two, **{**AS_TLS_BASIC, "password": "wrong"}) == 401
            with pytest.raises(ConnectionFailedError):
                await connect(three, **{**AS_TLS_CERT, "tls": TRUSTING, "security_profile": 2, "password": SECRET})
        assert seen == [BASIC, TLS_BASIC, TLS_CERT]

    async def test_keep_their_profile_when_options_change(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            listener = await server.listen(0, "127.0.0.1", security_profile=3, ssl=SERVER_3)
            server.reconfigure(call_timeout=5)
            server.update_tls(SERVER_3, listener=listener)
            async with station(listener, **AS_TLS_CERT) as client:
                await client.connect()
                peer = an(OCPPServerClient, await server.wait_for_client("CP1"))
                assert (peer.security_profile, peer._options.call_timeout) == (TLS_CERT, 5)

    async def test_are_refused_if_they_cannot_meet_the_profile(self):
        async with OCPPServer(protocols=["ocpp1.6"], credentials=PASSWORD, security_profile=1) as server:
            with pytest.raises(ValueError, match="expected tls options with security profile 2"):
                await server.listen(0, "127.0.0.1", security_profile=2)
            with pytest.raises(ValueError, match="expected no tls options with security profile 1"):
                await server.listen(0, "127.0.0.1", ssl=SERVER)
            with pytest.raises(ValueError, match="expected a security profile of 0 to 3, got 4"):
                await server.listen(0, "127.0.0.1", security_profile=4)
            with pytest.raises(ValueError, match="expected TLSOptions with ca"):
                await server.listen(0, "127.0.0.1", security_profile=3, ssl=SERVER)
            assert (await server.listen(0, "127.0.0.1", security_profile=0)).port
            server.reconfigure(security_profile=0, credentials=None)


class TestRoutes:
    async def test_of_all_profiles_share_a_server(self):
        async with OCPPServer(protocols=["ocpp1.6"], tls=SERVER_3) as server:
            server.route("/open/{identity}")
            server.route("/basic/{identity}", security_profile=1, credentials=PASSWORD)
            server.route("/password/{identity}", security_profile=2, credentials=PASSWORD)
            server.route("/certificate/{identity}", security_profile=3)
            secure = await server.listen(0, "127.0.0.1")
            server.reconfigure(tls=None)
            plain = await server.listen(0, "127.0.0.1")
            await connect(secure, "/password", **AS_TLS_BASIC)
            await connect(secure, "/certificate", **AS_TLS_CERT)
            await connect(plain, "/basic", **AS_BASIC)
            assert await status_of(plain, "/open/CP1") == 101
            assert await status_of(plain, "/password/CP1") == 403
            assert await status_of(plain, "/certificate/CP1") == 403
            assert await refusal(secure, "/basic", **AS_TLS_BASIC) == 403
            assert await refusal(secure, "/password", **AS_TLS_CERT) == 401
            assert await refusal(secure, "/certificate", **AS_TLS_BASIC) == 401
            assert await refusal(secure, "/certificate", "CP9", **AS_TLS_CERT) == 401

    async def test_that_need_certificates_are_refused_on_a_port_that_asks_for_none(self):
        async with serving(tls=SERVER) as (server, listener):
            server.route("/open/{identity}")
            with pytest.raises(ValueError, match="expected listeners that demand client certificates"):
                server.route("/certificate/{identity}", security_profile=3)
            assert len(server._plans[None].routes) == 1
            assert await refusal(listener, "/certificate", security_profile=0, tls=TRUSTING, scheme="wss") == 404

    async def test_that_no_port_can_serve_are_refused_when_it_opens(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            route = server.route("/password/{identity}", security_profile=2)
            with pytest.raises(ValueError, match=r"or an auth handler .* for the route '/password/{identity}'"):
                await server.listen(0, "127.0.0.1")
            route.auth(lambda accept, reject, handshake: accept())
            with pytest.raises(ValueError, match="expected tls options with security profile 2"):
                await server.listen(0, "127.0.0.1")

    @pytest.mark.parametrize("tls", [SERVER_3, None])
    async def test_that_trust_a_proxy_are_not_mixed_with_others_unless_it_passes_certificates_on(self, tls):
        """Nothing could tell a station without a certificate from one whose proxy has checked it."""
        proxies: Any = {"trusted_proxies": ["127.0.0.1"], "tls_terminated": True}
        async with OCPPServer(protocols=["ocpp1.6"], tls=tls, security_profile=3, **proxies) as server:
            server.route("/certificate/{identity}")
            server.route("/password/{identity}", security_profile=2, credentials=PASSWORD)
            with pytest.raises(ValueError, match="expected certificate_header with tls_terminated and profile 3"):
                await server.listen(0, "127.0.0.1")
            with pytest.raises(ValueError, match="expected certificate_header with tls_terminated and profile 3"):
                server.incoming(UpgradeOffer("/certificate/CP1", tls=True))
            server.reconfigure(certificate_header="X-Client-Cert")
            assert (await server.listen(0, "127.0.0.1")).port

    async def test_leave_out_what_the_proxy_passes_on_if_they_do_not_use_it(self):
        passing = {"tls_terminated": True, "certificate_header": "X-Cert", "certificate_verify_header": "X-Verify"}
        proxies = {"trusted_proxies": ["127.0.0.1"], "forwarded_header": "x-forwarded-for", **passing}
        stated = "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"
        async with serving(security_profile=3, **proxies) as (server, listener):
            server.route("/certificate/{identity}")
            server.route("/password/{identity}", security_profile=2, credentials=PASSWORD)
            for path, authorization, status in (
                ("/certificate/CP1", [], 401),
                ("/password/CP1", [], 401),
                ("/password/CP1", map(": ".join, basic(SECRET)), 101),
            ):
                assert await status_of(listener, path, *stated, *authorization) == status

    async def test_without_a_proof_keep_no_sessions_beside_those_that_do(self):
        async with serving(security_profile=1, credentials=PASSWORD, session_ttl=60) as (server, listener):
            server.route("/open/{identity}", security_profile=0)
            server.route("/basic/{identity}")
            for path, rules in (("/open", {}), ("/basic", AS_BASIC)):
                await connect(listener, path, **rules)
            server.route("/all/{identity}", security_profile=0, unauthenticated_sessions=True)


@pytest.mark.parametrize(
    ("profiles", "mode"),
    [
        ((NONE, TLS_BASIC), ssl.CERT_NONE),
        ((TLS_CERT,), ssl.CERT_REQUIRED),
        ((TLS_BASIC, TLS_CERT), ssl.CERT_OPTIONAL),
    ],
)
def test_a_port_asks_for_certificates_as_its_profiles_need(profiles, mode):
    assert server_context(SERVER_3, *profiles).verify_mode is mode
