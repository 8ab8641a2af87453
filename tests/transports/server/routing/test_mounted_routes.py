"""Routes of a server that another program carries: mounted in an ASGI application, or through a channel."""

import pytest

from ocpp_transports import OCPPServer
from ocpp_transports.asgi import OCPPApplication
from ocpp_transports.channel import Accept, UpgradeOffer
from tests.transports.asgi_player import Played, csms, scope
from tests.transports.server.test_security_profiles import TLS_CERT

pytestmark = pytest.mark.anyio

MOUNTED = (
    # the path as sent, the mount point as the framework names it, the namespace
    ("/ocpp/acme/CP1", "/ocpp", "acme"),
    ("/ocpp/t%2Fu/CP1", "/ocpp", "t%2Fu"),
    ("/%6Fcpp/acme/CP1", "/ocpp", "acme"),
    ("/a%2Fb/acme/CP1", "/a/b", "acme"),
    ("/acme/CP1", "", "acme"),
    ("/acme/CP1", "/not-in-the-path", "acme"),
    ("/api/ocpp/acme/CP1", "/api/ocpp/", "acme"),
)


class TestUnderAsgi:
    @pytest.mark.parametrize(("path", "root", "namespace"), MOUNTED)
    async def test_match_below_the_mount_point(self, path, root, namespace):
        seen = []
        async with csms(auth=lambda accept, reject, handshake: (seen.append(handshake), reject(403))) as server:
            server.route("/{tenant}/{identity}")
            asgi = Played({"type": "websocket.connect"})
            request = scope(path="unused", raw_path=path.encode(), root_path=root)
            await OCPPApplication(server)(request, asgi.receive, asgi.send)
        assert [(each.identity, each.namespace) for each in seen] == [("CP1", namespace)]

    async def test_that_do_not_match_get_404(self):
        async with csms() as server:
            server.route("/{tenant}/{identity}")
            asgi = Played({"type": "websocket.connect"})
            request = scope(root_path="/ocpp", extensions={"websocket.http.response": {}})
            await OCPPApplication(server)(request, asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == 404

    def test_must_not_set_what_the_asgi_server_decides(self):
        server = csms()
        server.route("/{identity}", ping_interval=5)
        with pytest.raises(ValueError, match="expected no ping_interval for a server in an ASGI application"):
            OCPPApplication(server)


class TestThroughAChannel:
    async def test_are_compared_with_the_connection_one_by_one(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            server.route("/open/{identity}", max_message_size=500)
            server.route("/certificate/{identity}", security_profile=TLS_CERT)

            async def decide(path, **facts):
                incoming = server.incoming(UpgradeOffer(path, (), ("ocpp1.6",), **facts))
                answer = await incoming.decision()
                incoming.lost()
                return 101 if isinstance(answer, Accept) else answer.status, incoming.max_message_size

            certificate = {"subject": ((("commonName", "CP1"),),)}
            assert await decide("/open/CP1") == (101, 500)
            assert (await decide("/certificate/CP1"))[0] == 403
            assert (await decide("/certificate/CP1", tls=True))[0] == 401
            assert (await decide("/certificate/CP1", tls=True, client_certificate=certificate))[0] == 101
