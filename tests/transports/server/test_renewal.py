"""Certificates of a server at work: replaced, watched, and reported before they expire."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
import trustme
from anyio.streams.tls import TLSAttribute

from ocpp_transports import ConnectionFailedError, LoadedCertificate, OCPPServer, SecurityProfile, TLSOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._renewal._renewal import Renewal
from ocpp_transports._tls._loaded import LiveTLS, LoadedTLS
from ocpp_transports._tls._x509 import read_certificate
from ocpp_transports.blocking import BlockingServer
from ocpp_transports.events import ErrorEvent
from tests.kinds import mistyped, only
from tests.transports.fake_host import FakeHost
from tests.transports.pairs import client_of, first, serving, station_of

OLD, NEW = trustme.CA(), trustme.CA()
SOON = datetime.now(UTC) + timedelta(days=3, hours=1)
OF_OLD = OLD.issue_cert("127.0.0.1", common_name="old")
OF_NEW = NEW.issue_cert("127.0.0.1", common_name="new")
EXPIRING = NEW.issue_cert("127.0.0.1", common_name="soon", not_after=SOON)
RSA = NEW.issue_cert("127.0.0.1", common_name="rsa", key_type=trustme.KeyType.RSA)
MEMBER, MEMBER_OF_NEW = OLD.issue_cert("CP1", common_name="CP1"), NEW.issue_cert("CP1", common_name="CP1")


def pair(leaf, **other):
    return TLSOptions(cert=leaf.cert_chain_pems[0].bytes(), key=leaf.private_key_pem.bytes(), **other)


def trust(*authorities):
    return b"".join(authority.cert_pem.bytes() for authority in authorities)


def store(folder, leaf):
    """Write a certificate and its key to the files of a server."""
    (folder / "cert").write_bytes(leaf.cert_chain_pems[0].bytes())
    (folder / "key").write_bytes(leaf.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path):
    store(tmp_path, OF_OLD)
    return tmp_path


def options_of(files):
    return TLSOptions(cert=files / "cert", key=files / "key")


async def served(listener, *, suites=None):
    """Return the name in the certificate that the listener shows."""
    context = ssl.create_default_context(cadata=trust(OLD, NEW).decode())
    if suites is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
    async with await anyio.connect_tcp("127.0.0.1", listener.port, ssl_context=context) as stream:
        shown = stream.extra(TLSAttribute.peer_certificate_binary)
        return read_certificate(only(bytes, [shown])).common_name


@pytest.mark.anyio
class TestNewCertificates:
    async def test_serve_the_next_handshakes_and_connections_stay(self):
        async with (
            serving(tls=pair(OF_OLD)) as (server, listener),
            client_of(listener, scheme="wss", tls=TLSOptions(ca=trust(OLD))) as client,
        ):
            server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
            await client.connect()
            server.update_tls(pair(OF_NEW))
            assert await served(listener) == "new"
            await client.call("Heartbeat", {})
            assert await served(await server.listen(0, "127.0.0.1")) == "new"

    async def test_replace_the_trusted_authorities_instead_of_adding_to_them(self):
        mutual = {"security_profile": SecurityProfile.TLS_CERT, "tls": pair(OF_OLD, ca=trust(OLD))}
        async with serving(**mutual) as (server, listener):
            given = {"scheme": "wss", "security_profile": 3}
            tls = ssl.create_default_context(cadata=trust(OLD).decode())
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
            MEMBER.configure_cert(tls)
            async with client_of(listener, tls=tls, **given) as client:
                await client.connect()
            server.update_tls(pair(OF_OLD, ca=trust(NEW)))
            async with client_of(listener, tls=tls, reconnect=False, **given) as client:
                with pytest.raises(ConnectionFailedError, match="unknown ca"):
                    await client.connect()
            member = pair(MEMBER_OF_NEW, ca=trust(OLD))
            async with client_of(listener, tls=member, **given) as client:
                await client.connect()
                await station_of(server)

    async def test_do_not_lock_out_the_stations_of_an_authority_that_stays(self, files):
        tls = TLSOptions(cert=files / "cert", key=files / "key", ca=trust(OLD))
        async with serving(security_profile=SecurityProfile.TLS_CERT, tls=tls) as (server, listener):
            store(files, OF_NEW)
            server.update_tls()
            member = pair(MEMBER, ca=trust(NEW))
            async with client_of(listener, scheme="wss", security_profile=3, tls=member) as client:
                await client.connect()

    async def test_that_are_invalid_leave_the_old_ones_in_place(self, files):
        async with serving(tls=options_of(files)) as (server, listener):
            before = server._options.tls
            (files / "key").write_bytes(OF_NEW.private_key_pem.bytes())
            for again in ({}, {"tls": options_of(files)}):
                with pytest.raises(ssl.SSLError, match=r"key', does not belong to the certificate, .*cert'"):
                    server.update_tls(**again)
                assert await served(listener) == "old"
            with pytest.raises(FileNotFoundError, match="absent"):
                server.update_tls(TLSOptions(cert=files / "absent"))
            assert await served(listener) == "old"
            assert server._options.tls is before
            store(files, OF_NEW)
            server.update_tls()
            assert await served(listener) == "new"

    async def test_may_be_for_one_listener(self):
        async with serving(tls=pair(OF_OLD)) as (server, listener):
            other = await server.listen(0, "127.0.0.1")
            server.update_tls(pair(OF_NEW), listener=other)
            assert (await served(listener), await served(other)) == ("old", "new")
            assert server._options.tls.cert == pair(OF_OLD).cert
            assert [each.common_name for each in server.certificates] == ["old", "new"]

    async def test_do_not_turn_later_listeners_without_tls_into_others(self):
        async with serving() as (server, _):
            listener = await server.listen(0, "127.0.0.1", ssl=pair(OF_OLD))
            server.update_tls(pair(OF_NEW))
            assert await served(listener) == "new"
            assert server._options.tls is None

    async def test_need_a_listener_and_must_be_new(self):
        async with serving() as (server, listener):
            for only in (None, listener):
                with pytest.raises(RuntimeError, match="no open listener of this server uses it"):
                    server.update_tls(pair(OF_NEW), listener=only)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            OF_OLD.configure_cert(context)
            await server.listen(0, "127.0.0.1", ssl=context)
            for given in (None, context):
                with pytest.raises(ValueError, match="an SSLContext that is not in use yet"):
                    server.update_tls(given)
            with pytest.raises(TypeError, match="expected tls"):
                server.update_tls("cert.pem")

    async def test_must_meet_the_profile(self):
        mutual = {"security_profile": SecurityProfile.TLS_CERT, "tls": pair(OF_OLD, ca=trust(OLD))}
        async with serving(**mutual) as (server, _):
            with pytest.raises(ValueError, match="ca and verify=True"):
                server.update_tls(pair(OF_NEW))

    async def test_of_two_types_serve_each_peer_the_one_it_supports(self):
        both = TLSOptions(
            cert=[each.cert_chain_pems[0].bytes() for each in (OF_NEW, RSA)],
            key=[each.private_key_pem.bytes() for each in (OF_NEW, RSA)],
        )
        async with serving(tls=both) as (server, listener):
            assert await served(listener) == await served(listener, suites="ECDHE+ECDSA") == "new"
            assert await served(listener, suites="ECDHE+aRSA") == "rsa"
            assert [each.common_name for each in server.certificates] == ["new", "rsa"]


def test_a_blocking_server_replaces_them_too():
    with BlockingServer(tls=pair(OF_OLD)) as server:
        listener, other = server.listen(0, "127.0.0.1"), server.listen(0, "127.0.0.1")
        server.update_tls(pair(OF_NEW), listener=listener)
        assert [each.common_name for each in server.certificates] == ["new", "old"]
        other.close()
        assert [each.common_name for each in server.certificates] == ["new"]


def shake(client, server, session=None):
    """Let two contexts of TLS 1.2 shake hands over memory; returns the client's end."""
    wires = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = client.wrap_bio(wires[0], wires[1], server_hostname="127.0.0.1", session=session)
    other = server.wrap_bio(wires[1], wires[0], server_side=True)
    for each in (end, other) * 3:
        with suppress(ssl.SSLWantReadError):
            each.do_handshake()
    return end


class TestATicket:
    def test_of_the_context_before_does_not_skip_the_verification(self, files):
        client = ssl.create_default_context(cadata=trust(OLD).decode())
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        before, after = (LoadedTLS.load(options_of(files), SecurityProfile.NONE).context for _ in range(2))
        ticket = shake(client, before).session
        assert shake(client, before, ticket).session_reused
        assert not shake(client, after, ticket).session_reused


class TestSeveralCertificates:
    """Each pair is checked by itself: beside an ECDSA pair OpenSSL accepts an RSA certificate with the ECDSA key."""

    @pytest.mark.parametrize(
        ("certs", "keys", "error", "text"),
        [
            ((OF_NEW, RSA), (OF_NEW, OF_NEW), ssl.SSLError, "cannot read the key|does not belong"),
            ((OF_NEW, OF_OLD), (OF_NEW, OF_OLD), ValueError, "keys of different types"),
            ((OF_NEW, RSA), (OF_NEW,), ValueError, "expected a key for each of 2 certificates"),
            ((), (), ValueError, "expected cert as at least one path"),
        ],
    )
    def test_that_do_not_fit_are_refused(self, certs, keys, error, text):
        with pytest.raises(error, match=text):
            OCPPServer(
                tls=TLSOptions(
                    cert=[each.cert_chain_pems[0].bytes() for each in certs],
                    key=[each.private_key_pem.bytes() for each in keys],
                )
            )

    def test_need_the_right_types(self):
        with pytest.raises(TypeError, match="list of paths or bytes, got None in it"):
            TLSOptions(cert=mistyped([None]))
        with pytest.raises(TypeError, match="expected cert as a path or bytes, got int"):
            TLSOptions(cert=mistyped(["a", 7]))


class Watched:
    """The renewal of two listeners of the same files, in virtual time."""

    def __init__(self, files, **options):
        self.loop = FakeHost()
        self.failed: list[Any] = []
        self.renewed: list[Any] = []
        self.expiring: list[Any] = []
        self.options = ServerOptions(certificate_check_interval=10, **options)
        none = SecurityProfile.NONE
        self.live = [LiveTLS(LoadedTLS.load(options_of(files), none), (none,)) for _ in range(2)]
        self.wall = datetime.now(UTC).timestamp()
        self.renewal = Renewal(
            lambda: self.live,
            self.failed.append,
            lambda: self.renewed.append(self.names),
            self.expiring.append,
            lambda: self.wall + self.loop.now(),
        )
        self.renewal.start(self.loop, self.options)

    @property
    def names(self):
        return [each.common_name for each in self.renewal.certificates]

    def look(self, times=1):
        for _ in range(times):
            self.loop.advance(10)


class TestWatchedFiles:
    def test_that_have_settled_are_loaded(self, files):
        watched = Watched(files)
        before = watched.live[0].context()
        watched.look(3)
        assert watched.live[0].context() is before
        store(files, OF_NEW)
        watched.look()
        assert watched.renewed == []
        watched.look(3)
        assert watched.renewed == [["new"]]
        assert watched.failed == []

    def test_that_do_not_match_keep_the_old_ones_and_are_reported_once(self, files):
        watched = Watched(files)
        (files / "cert").write_bytes(OF_NEW.cert_chain_pems[0].bytes())
        watched.look(5)
        assert watched.names == ["old"]
        (failed,) = watched.failed
        assert "does not belong to the certificate" in str(failed)
        (files / "key").write_bytes(OF_NEW.private_key_pem.bytes())
        watched.look(2)
        assert (watched.names, len(watched.failed)) == (["new"], 1)

    def test_that_are_missing_for_a_while_are_read_when_they_are_back(self, files):
        watched = Watched(files)
        (files / "cert").unlink()
        watched.look(3)
        assert [type(error) for error in watched.failed] == [FileNotFoundError]
        store(files, OF_NEW)
        watched.look(2)
        assert watched.names == ["new"]

    def test_are_left_alone_after_the_end(self, files):
        watched = Watched(files)
        watched.renewal.stop()
        store(files, OF_NEW)
        watched.look(3)
        assert watched.names == ["old"]
        assert watched.renewed == []

    def test_must_exist(self):
        with pytest.raises(ValueError, match="no file to watch"):
            OCPPServer(tls=pair(OF_OLD), certificate_check_interval=60)

    @pytest.mark.anyio
    async def test_serve_the_next_handshakes(self, files):
        given = {"tls": options_of(files), "certificate_check_interval": 0.01}
        async with serving(**given) as (server, listener), server.events("error", "certificate_expiring") as told:
            (files / "key").write_bytes(b"nonsense")
            assert "cannot read the key" in str((await first(told)).error)
            assert await served(listener) == "old"
            store(files, EXPIRING)
            while isinstance(event := await first(told), ErrorEvent):
                pass  # a look between the two files reports that they do not match
            assert await served(listener) == event.certificate.common_name == "soon"

    @pytest.mark.anyio
    async def test_may_be_watched_from_a_reconfiguration_on(self, files):
        async with serving(tls=options_of(files)) as (server, _):
            server.reconfigure(certificate_check_interval=0.01)
            async with server.events("certificate_expiring") as told:
                store(files, EXPIRING)
                await first(told)
        async with serving(tls=pair(OF_OLD)) as (server, _):
            with pytest.raises(ValueError, match="no file to watch"):
                server.reconfigure(certificate_check_interval=1)


class TestExpiry:
    def test_is_reported_once_a_day(self, files):
        store(files, EXPIRING)
        watched = Watched(files)
        (event,) = watched.expiring
        assert event.certificate == LoadedCertificate("cert", str(files / "cert"), "soon", SOON.replace(microsecond=0))
        assert 3 < event.days_left < 4
        watched.look(6 * 60 * 24 * 2 + 1)
        assert [int(each.days_left) for each in watched.expiring] == [3, 2, 1]

    def test_is_reported_although_the_clock_was_set_back(self, files):
        store(files, EXPIRING)
        watched = Watched(files)
        watched.wall -= 3.5 * 86_400
        watched.look(361)
        assert [int(each.days_left) for each in watched.expiring] == [3, 6]

    def test_is_reported_after_it_too(self, files):
        watched = Watched(files)
        assert watched.expiring == []
        watched.wall += 400_000 * 86_400
        watched.look(360)
        assert watched.expiring[0].days_left < 0

    @pytest.mark.anyio
    async def test_is_reported_at_listen_and_logged(self, caplog):
        async with OCPPServer(tls=pair(EXPIRING, ca=trust(OLD)), certificate_warning_days=4) as server:
            async with server.events("certificate_expiring") as told:
                await server.listen(0, "127.0.0.1")
                assert (await first(told)).certificate.source == "given as bytes"
            assert {each.use for each in server.certificates} == {"cert", "ca"}
        expected = f"server: the certificate given as bytes expires on {SOON:%Y-%m-%d %H:%M} UTC"
        assert caplog.messages.count(expected) == 1
