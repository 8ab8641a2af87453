"""TLS handshakes that fail: both sides learn why, the log and an event of the server too, and nothing piles up."""

import gc
import logging
import ssl
from asyncio.sslproto import SSLProtocol
from types import SimpleNamespace

import anyio
import pytest
import trustme
from anyio.abc import SocketAttribute

from ocpp_transports import ConnectionFailedError, SecurityProfile, TLSOptions, UnexpectedHttpResponse
from ocpp_transports._tls import _handshakes as _tls_handshakes
from tests.transports.pairs import client_of, first, serving, station_of

pytestmark = pytest.mark.anyio

AUTHORITY, OTHER = trustme.CA(), trustme.CA()
CA = AUTHORITY.cert_pem.bytes()


def leaf(name, authority=AUTHORITY, **options):
    issued = authority.issue_cert(name, **options)
    return {"cert": issued.cert_chain_pems[0].bytes(), "key": issued.private_key_pem.bytes()}


SERVER = TLSOptions(**leaf("127.0.0.1"), ca=CA)
TRUSTING = TLSOptions(ca=CA)
MEMBER = TLSOptions(**leaf("CP1"), ca=CA)
STRANGER = TLSOptions(**leaf("CP1", OTHER), ca=CA)
MUTUAL = {"tls": SERVER, "security_profile": SecurityProfile.TLS_CERT}


def limited_to(version, options=TRUSTING):
    """Make a client's context that speaks one version of TLS."""
    context = ssl.create_default_context(cadata=options.ca.decode())
    context.minimum_version = context.maximum_version = version
    if options.cert is not None:
        with trustme.Blob(options.cert + options.key).tempfile() as path:
            context.load_cert_chain(path)
    return context


def only(suite):
    """Make a client's context that offers one cipher suite of TLS 1.2."""
    context = limited_to(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(suite)
    return context


TLS_12, TLS_13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("server", "tls", "theirs", "ours"),
    [
        pytest.param(
            {"tls": SERVER},
            TLSOptions(ca=OTHER.cert_pem.bytes()),
            "CERTIFICATE_VERIFY_FAILED",
            "the station does not trust the authority of our certificate (tlsv1 alert unknown ca)",
            id="our root is unknown",
        ),
        pytest.param(
            MUTUAL,
            limited_to(TLS_13),
            "the server demands a client certificate: TLSOptions(cert=…, key=…) (tlsv13 alert certificate required)",
            "the station sent no client certificate (peer did not return a certificate)",
            id="no client certificate, TLS 1.3",
        ),
        pytest.param(
            MUTUAL,
            limited_to(TLS_12),
            "or demands a client certificate (sslv3 alert handshake failure)",
            "the station sent no client certificate (peer did not return a certificate)",
            id="no client certificate, TLS 1.2",
        ),
        pytest.param(
            MUTUAL,
            limited_to(TLS_13, STRANGER),
            "the server does not trust the authority of our client certificate (tlsv1 alert unknown ca)",
            "the station's certificate was refused (unable to get local issuer certificate)",
            id="a stranger's certificate, TLS 1.3",
        ),
        pytest.param(
            MUTUAL,
            limited_to(TLS_12, STRANGER),
            "the server does not trust the authority of our client certificate (tlsv1 alert unknown ca)",
            "the station's certificate was refused (unable to get local issuer certificate)",
            id="a stranger's certificate, TLS 1.2",
        ),
        pytest.param(
            {"tls": SERVER},
            only("ECDHE-RSA-AES128-GCM-SHA256"),
            "the server refuses what we offer",
            "the station offers none of our cipher suites, or none for the key type of our certificate",
            id="another kind of key",
        ),
    ],
)
async def test_both_sides_learn_why_a_handshake_failed(server, tls, theirs, ours, caplog):
    async with serving(**server) as (csms, listener), csms.events("connection_failed") as failures:
        profile = csms._options.security_profile if isinstance(tls, ssl.SSLContext) else SecurityProfile.NONE
        async with client_of(listener, scheme="wss", tls=tls, security_profile=profile) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.connect()
        event = await first(failures)
    assert theirs in str(caught.value)
    assert event.remote_address == "127.0.0.1"
    assert event.reason.startswith(ours)
    assert isinstance(event.error, ssl.SSLError)
    (record,) = [record for record in caplog.records if record.getMessage().startswith("server: tls_failed")]
    assert (record.name, record.levelname) == ("ocpp_ws_io.security", "WARNING")
    assert record.getMessage() == f"server: tls_failed: from 127.0.0.1: {event.reason}"


class TestAPortThatSpeaksTLS:
    async def test_tells_a_station_that_does_not(self):
        async with serving(tls=SERVER) as (csms, listener), csms.events("connection_failed") as failures:
            async with client_of(listener) as client:
                with pytest.raises(UnexpectedHttpResponse, match=r"got 400, .*; the port speaks TLS: use wss://"):
                    await client.connect()
            assert "plain HTTP to a TLS port" in (await first(failures)).reason

    async def test_tells_of_a_peer_that_says_nothing_and_leaves(self):
        async with serving(tls=SERVER) as (csms, listener), csms.events("connection_failed") as failures:
            await (await anyio.connect_tcp("127.0.0.1", listener.port)).aclose()
            event = await first(failures)
        assert event.reason.startswith("the peer left during the TLS handshake")
        assert event.remote_address == "127.0.0.1"

    async def test_gives_a_handshake_the_time_of_the_option(self):
        options = {"tls": SERVER, "handshake_timeout": 0.05}
        async with (
            serving(**options) as (csms, listener),
            csms.events("connection_failed") as failures,
            await anyio.connect_tcp("127.0.0.1", listener.port),
        ):
            assert (await first(failures)).reason.startswith("the TLS handshake took too long")

    async def test_works_with_a_context_of_the_user_s_too(self):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
        async with serving(tls=context) as (_, listener), client_of(listener) as client:
            with pytest.raises(UnexpectedHttpResponse, match="use wss://"):
                await client.connect()


class TestAServerThatSpeaksPlainHTTP:
    async def test_is_named_to_a_station_that_speaks_tls(self):
        async with serving() as (_, listener), client_of(listener, scheme="wss", tls=TRUSTING) as client:
            with pytest.raises(ConnectionFailedError, match=r"does not speak TLS on this port: is it ws://\?"):
                await client.connect()


class TestAServerThatSaysNothing:
    async def test_leaves_the_station_with_what_is_likely(self):
        """Stock servers on asyncio drop a station without a certificate so, before TLS 1.3."""

        async def read_and_leave(stream):
            async with stream:
                await stream.receive()

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, read_and_leave)
            async with client_of(SimpleNamespace(port=port), scheme="wss", tls=TRUSTING) as client:
                with pytest.raises(
                    ConnectionFailedError, match=r"without an alert \(wrong port, or no client certificate"
                ):
                    await client.connect()
            tasks.cancel_scope.cancel()


class TestHandshakesInProgress:
    async def test_are_limited_and_one_that_is_slow_makes_room(self, monkeypatch):
        monkeypatch.setattr(_tls_handshakes, "CROWDED_TIMEOUT", 0.05)
        options = {"tls": SERVER, "max_tls_handshakes": 2}
        async with (
            serving(**options) as (csms, listener),
            csms.events("connection_failed") as failures,
            await anyio.connect_tcp("127.0.0.1", listener.port) as slow,
            await anyio.connect_tcp("127.0.0.1", listener.port),
            await anyio.connect_tcp("127.0.0.1", listener.port),
            client_of(listener, scheme="wss", tls=TRUSTING) as client,
        ):
            await client.connect()
            await station_of(csms)
            reason = "the TLS handshake took too long (others waited for its place)"
            assert (await first(failures)).reason == reason
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await slow.receive()

    async def test_wait_for_those_that_are_done_soon(self):
        options = {"tls": SERVER, "max_tls_handshakes": 1}
        async with serving(**options) as (csms, listener), anyio.create_task_group() as tasks:
            clients = [client_of(listener, f"CP{n}", scheme="wss", tls=TRUSTING) for n in range(8)]
            for client in clients:
                await tasks.start(_connected, client)
            assert len(csms.clients) == len(clients)
            tasks.cancel_scope.cancel()

    async def test_leave_no_garbage_behind(self):
        """On asyncio each was 300 KB that only a full collection found."""
        async with serving(tls=SERVER) as (csms, listener), csms.events("connection_failed") as failures:
            gc.collect()
            gc.disable()
            try:
                for hello in (b"", b"\x16\x03\x01", b"nonsense"):
                    async with await anyio.connect_tcp("127.0.0.1", listener.port) as peer:
                        await peer.send(hello)
                    await first(failures)
                await anyio.wait_all_tasks_blocked()
                assert [each for each in gc.get_objects() if isinstance(each, SSLProtocol)] == []
            finally:
                gc.enable()

    @pytest.mark.parametrize("tls", [TLSOptions(ca=OTHER.cert_pem.bytes()), limited_to(TLS_13)], ids=["ours", "theirs"])
    async def test_leave_none_with_a_client_either(self, tls):
        profile = SecurityProfile.TLS_CERT if isinstance(tls, ssl.SSLContext) else SecurityProfile.NONE
        options = {"scheme": "wss", "tls": tls, "security_profile": profile}
        async with serving(**MUTUAL) as (_, listener), client_of(listener, **options) as client:
            gc.collect()
            gc.disable()
            try:
                for _ in range(4):
                    with pytest.raises(ConnectionFailedError) as caught:
                        await client.connect()
                    assert isinstance(caught.value.__cause__, ssl.SSLError)
                await anyio.wait_all_tasks_blocked()
                assert [each for each in gc.get_objects() if isinstance(each, SSLProtocol)] == []
            finally:
                gc.enable()

    async def test_leave_none_after_a_conversation_either(self):
        gc.collect()
        gc.disable()
        try:
            async with (
                serving(tls=SERVER) as (csms, listener),
                client_of(listener, scheme="wss", tls=TRUSTING) as client,
            ):
                await client.connect()
                await station_of(csms)
            assert [each for each in gc.get_objects() if isinstance(each, SSLProtocol)] == []
        finally:
            gc.enable()


async def _connected(client, *, task_status):
    async with client:
        await client.connect()
        task_status.started()
        await anyio.sleep_forever()


class TestTheLog:
    async def test_is_not_flooded(self, caplog):
        async with serving(tls=SERVER) as (csms, listener), csms.events("connection_failed") as failures:
            for _ in range(12):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as peer:
                    await peer.send(b"nonsense")
                await first(failures)
        failed = [record.getMessage() for record in caplog.records if "tls_failed" in record.getMessage()]
        assert len(failed) == 6
        assert failed[0].startswith("server: tls_failed: from 127.0.0.1: the peer does not speak TLS")
        assert failed[-1] == "server: tls_failed: from 127.0.0.1: … and 7 more"

    async def test_tells_of_connections_that_cannot_be_accepted(self, caplog):
        async with serving() as (csms, _), csms.events("connection_failed") as failures:
            csms._runtime.accept_failed(csms._acceptor.rules, None, OSError(24, "Too many open files"))
            assert (await first(failures)).reason == "[Errno 24] Too many open files"
        assert "server: accepting a connection failed: [Errno 24] Too many open files" in caplog.messages

    async def test_is_silent_where_it_is_off(self, caplog):
        """Whatever goes wrong: one switch for all that this package logs."""
        caplog.set_level(logging.DEBUG)
        async with serving(tls=SERVER, logging=False) as (csms, listener), csms.events("connection_failed") as failures:
            await (await anyio.connect_tcp("127.0.0.1", listener.port)).aclose()
            await first(failures)
            csms._runtime.spawn(_failing())
            await anyio.wait_all_tasks_blocked()
        assert [record for record in caplog.records if record.name.startswith(("ocpp", "Test"))] == []


async def _failing():
    raise RuntimeError("a fault of ours")
