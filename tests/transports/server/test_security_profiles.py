"""Security profiles 0 to 3 end to end: security whitepaper for 1.6, OCPP 2.x Part 2 A00."""

import hashlib
import ssl
from functools import partial
from typing import Any

import pytest
import trustme

from ocpp_transports import (
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPServer,
    SecurityProfile,
    TLSOptions,
    UnexpectedHttpResponse,
)
from tests.transports.pairs import client_of, first, knock, serving, station_of, upgrade

pytestmark = pytest.mark.anyio

NONE, BASIC, TLS_BASIC, TLS_CERT = SecurityProfile
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes()
SECRET = b"p:a\x00\xff\xfe:ss"


def leaf(*names, authority=AUTHORITY, **options):
    issued = authority.issue_cert(*names, **options)
    return {"cert": issued.cert_chain_pems[0].bytes(), "key": issued.private_key_pem.bytes()}


SERVER = TLSOptions(**leaf("127.0.0.1", "localhost"))
SERVER_3 = TLSOptions(**leaf("127.0.0.1", "localhost"), ca=CA)
LEAF = leaf("station.example", common_name="CP1", organization_name="ACME")
PIN = hashlib.sha256(ssl.PEM_cert_to_DER_cert(LEAF["cert"].decode())).hexdigest()
STATION = TLSOptions(**LEAF, ca=CA)
OTHER_STATION = TLSOptions(**leaf("station.example", common_name="CP2"), ca=CA)
TRUSTING = TLSOptions(ca=CA)

SERVERS: dict[SecurityProfile, dict[str, Any]] = {
    NONE: {},
    BASIC: {"security_profile": BASIC, "credentials": {"CP1": SECRET}},
    TLS_BASIC: {"security_profile": TLS_BASIC, "credentials": {"CP1": SECRET}, "tls": SERVER},
    TLS_CERT: {"security_profile": TLS_CERT, "tls": SERVER_3},
}
CLIENTS: dict[SecurityProfile, dict[str, Any]] = {
    NONE: {},
    BASIC: {"security_profile": BASIC, "password": SECRET},
    TLS_BASIC: {"security_profile": TLS_BASIC, "password": SECRET, "tls": TRUSTING},
    TLS_CERT: {"security_profile": TLS_CERT, "tls": STATION},
}


def station(listener, profile, **options):
    """Make a client that meets a profile, but for these options."""
    settings = {**CLIENTS[profile], **options}
    if profile.uses_tls or "tls" in settings:
        settings["scheme"] = "wss"
    return client_of(listener, **settings)


@pytest.mark.parametrize("profile", SecurityProfile)
class TestEachProfile:
    async def test_lets_in_whoever_meets_it(self, profile):
        async with serving(**SERVERS[profile]) as (server, listener), station(listener, profile) as client:
            assert await client.connect() == "ocpp1.6"
            peer = await station_of(server)
            assert client.security_profile is peer.security_profile is peer.handshake.security_profile is profile
            assert peer.handshake.password == (SECRET if profile.uses_basic else None)

    async def test_given_as_a_number_is_the_same(self, profile):
        options = {**SERVERS[profile], "security_profile": int(profile)}
        assert OCPPServer(**options)._options.security_profile is profile


class TestBasic:
    @pytest.mark.parametrize("profile", [BASIC, TLS_BASIC])
    @pytest.mark.parametrize("password", [b"wrong", SECRET[:-1], SECRET + b"x", b""])
    async def test_refuses_a_wrong_password(self, profile, password):
        async with (
            serving(**SERVERS[profile]) as (_, listener),
            station(listener, profile, password=password) as client,
        ):
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await client.connect()
        assert caught.value.status == 401
        assert dict(caught.value.headers)["www-authenticate"].startswith("Basic")

    @pytest.mark.parametrize("password", [b"\x00", b"a:b:c", b"\xff" * 20, "pässwörd", b":", SECRET])
    async def test_takes_every_byte(self, password):
        credentials = {"CP1": password}
        async with (
            serving(security_profile=1, credentials=credentials) as (_, listener),
            station(listener, BASIC, password=password) as client,
        ):
            assert await client.connect() == "ocpp1.6"

    async def test_asks_a_function_for_the_password(self):
        async def credentials(identity):
            return {"CP1": SECRET}.get(identity)

        async with serving(security_profile=1, credentials=credentials) as (_, listener):
            async with station(listener, BASIC) as client:
                assert await client.connect() == "ocpp1.6"
            async with station(listener, BASIC, identity="CP2") as client:
                with pytest.raises(UnexpectedHttpResponse):
                    await client.connect()

    async def test_without_credentials_never_reaches_auth(self):
        asked = []
        async with serving(security_profile=1, auth=lambda *decision: asked.append(decision)) as (_, listener):
            assert (await knock(listener, upgrade()))[0] == 401
        assert asked == []

    async def test_tells_nobody_the_password(self, caplog):
        caplog.set_level("DEBUG")
        options = {"security_profile": 1, "credentials": {"CP1": "hunter2hunter2"}}
        async with serving(**options) as (_, listener):
            async with station(listener, BASIC, password="hunter2hunter2") as client:
                await client.connect()
            async with station(listener, BASIC, password="hunter2hunter3") as client:
                with pytest.raises(UnexpectedHttpResponse):
                    await client.connect()
        assert "hunter2" not in caplog.text
        assert "aHVudGVyMmh1bnRlcj" not in caplog.text


class TestTls:
    async def test_refuses_a_server_that_nobody_vouches_for(self):
        async with (
            serving(**SERVERS[TLS_BASIC]) as (_, listener),
            station(listener, TLS_BASIC, tls=None) as client,
        ):
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_refuses_a_server_of_another_name(self):
        wrong = TLSOptions(**leaf("other.example"))
        async with (
            serving(**{**SERVERS[TLS_BASIC], "tls": wrong}) as (_, listener),
            station(listener, TLS_BASIC) as client,
        ):
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_is_refused_in_the_clear(self):
        async with serving(**SERVERS[TLS_BASIC]) as (_, listener), client_of(listener, connect_timeout=5) as client:
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_answers_in_the_clear_a_station_that_tries_tls(self):
        async with serving() as (_, listener), station(listener, NONE, tls=TRUSTING) as client:
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_may_come_with_listen_or_as_a_context(self):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
        own = ssl.create_default_context()
        AUTHORITY.configure_trust(own)
        options = {**SERVERS[TLS_BASIC], "tls": None}
        async with OCPPServer(protocols=["ocpp1.6"], **options) as server:
            listener = await server.listen(0, "127.0.0.1", ssl=context)
            async with station(listener, TLS_BASIC, tls=own) as client:
                assert await client.connect() == "ocpp1.6"


class TestClientCertificates:
    async def test_are_shown_to_auth_and_application(self):
        seen = []

        def auth(accept, reject, handshake):
            seen.append(handshake.client_certificate)
            accept()

        async with serving(**SERVERS[TLS_CERT], auth=auth) as (_, listener), station(listener, TLS_CERT) as client:
            await client.connect()
        subject = {name: value for part in seen[0]["subject"] for name, value in part}
        assert subject["commonName"] == "CP1"

    @pytest.mark.parametrize("tls", [OTHER_STATION, SERVER_3], ids=["of another station", "of the server"])
    async def test_are_good_for_no_other_station_and_evict_nobody(self, tls, caplog):
        async with (
            serving(**SERVERS[TLS_CERT]) as (server, listener),
            station(listener, TLS_CERT) as client,
            server.events("security") as alarms,
        ):
            await client.connect()
            right = await station_of(server)
            async with station(listener, TLS_CERT, tls=tls) as intruder:
                with pytest.raises(UnexpectedHttpResponse) as caught:
                    await intruder.connect()
            assert caught.value.status == 401
            assert server.get_client("CP1") is right
            assert (client.state, right.state) == (ConnectionState.OPEN, ConnectionState.OPEN)
            alarm = await first(alarms)
            assert (alarm.kind, alarm.identity, alarm.remote_address) == ("certificate_mismatch", "CP1", "127.0.0.1")
        assert "is not valid for this identity" in caplog.text

    @pytest.mark.parametrize(
        ("rule", "status"),
        [
            ({"certificate_pins": {"CP1": PIN}}, None),
            ({"certificate_pins": {"CP1": "0" * 64}}, 401),
            ({"certificate_organization": "ACME"}, None),
            ({"certificate_organization": "CPO"}, 401),
        ],
    )
    async def test_may_be_pinned_and_must_name_our_organization(self, rule, status):
        async with serving(**SERVERS[TLS_CERT], **rule) as (server, listener), station(listener, TLS_CERT) as client:
            if status is None:
                await client.connect()
                assert (await station_of(server)).handshake.certificate_fingerprint == PIN
                return
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await client.connect()
            assert caught.value.status == status

    @pytest.mark.parametrize(
        ("first_action", "boot", "is_right"),
        [
            (None, {"serialNumber": "CP1"}, True),
            (None, {}, True),
            ("Heartbeat", {"serialNumber": "CP1"}, True),
            (None, {"serialNumber": "CP2"}, False),
            ("Heartbeat", {"serialNumber": "CP2"}, False),
            (None, {"serialNumber": 5}, False),
        ],
    )
    async def test_have_the_serial_number_of_the_boot_notification(self, first_action, boot, is_right):
        """OCPP 2.x Part 2, B01.FR.12."""
        options = {"protocols": ["ocpp2.0.1"]}
        served: list[str] = []
        async with (
            serving(**SERVERS[TLS_CERT], check_serial_number=True, **options) as (server, listener),
            station(listener, TLS_CERT, reconnect=False, **options) as client,
            server.events("security") as alarms,
            client.events("close") as ends,
        ):
            server.handle(lambda action, ctx: served.append(action))
            await client.connect()
            if first_action is not None:
                await client.call(first_action, {})
            boots = partial(client.call, "BootNotification", {"reason": "PowerUp", "chargingStation": boot})
            if is_right:
                await boots()
                await boots()
                assert served.count("BootNotification") == 2
                return
            with pytest.raises(ConnectionLostError):
                await boots()
            assert (await first(ends)).code == 1008
            alarm = await first(alarms)
            assert (alarm.kind, alarm.identity, alarm.remote_address) == ("serial_number_mismatch", "CP1", "127.0.0.1")
            assert repr(str(boot["serialNumber"])) in alarm.detail
            assert "BootNotification" not in served

    async def test_may_be_mapped_to_identities(self):
        async with (
            serving(**SERVERS[TLS_CERT], identify={"CP2": "CP1"}) as (_, listener),
            station(listener, TLS_CERT, tls=OTHER_STATION) as client,
        ):
            assert await client.connect() == "ocpp1.6"

    @pytest.mark.parametrize(
        "tls",
        [
            pytest.param(TRUSTING, id="none"),
            pytest.param(TLSOptions(**leaf("station.example", authority=trustme.CA()), ca=CA), id="of a stranger"),
        ],
    )
    async def test_are_demanded(self, tls):
        profile = {"security_profile": TLS_CERT} if tls.cert else {}
        async with serving(**SERVERS[TLS_CERT]) as (server, listener):
            async with client_of(listener, scheme="wss", tls=tls, **profile) as client:
                with pytest.raises(ConnectionFailedError):
                    await client.connect()
            assert server.clients == ()


class TestAServerThatCouldNotMeetItsProfile:
    @pytest.mark.parametrize("profile", [TLS_BASIC, TLS_CERT])
    async def test_does_not_listen(self, profile):
        async with OCPPServer(**{**SERVERS[profile], "tls": None}) as server:
            with pytest.raises(ValueError, match="tls_terminated=True"):
                await server.listen(0, "127.0.0.1")

    async def test_listens_where_a_proxy_does_the_tls(self):
        options = {**SERVERS[TLS_BASIC], "tls": None, "tls_terminated": True}
        async with serving(**options) as (_, listener), station(listener, BASIC) as client:
            assert await client.connect() == "ocpp1.6"

    async def test_does_not_lower_profile_1_to_another(self):
        async with OCPPServer(**SERVERS[BASIC], tls=SERVER) as server:
            with pytest.raises(ValueError, match="use TLS_BASIC"):
                await server.listen(0, "127.0.0.1")

    async def test_is_not_made_without_who_vouches_for_stations(self):
        with pytest.raises(ValueError, match="ca and verify=True"):
            OCPPServer(security_profile=3, tls=SERVER)

    async def test_does_not_listen_by_certificates_of_its_own_without_who_vouches_for_stations(self):
        async with OCPPServer(**SERVERS[TLS_CERT]) as server:
            with pytest.raises(ValueError, match="ca and verify=True"):
                await server.listen(0, "127.0.0.1", ssl=SERVER)

    @pytest.mark.parametrize(
        ("profile", "change"),
        [
            (NONE, SERVERS[TLS_BASIC]),
            (BASIC, {"security_profile": TLS_BASIC}),
            (TLS_BASIC, {"security_profile": BASIC}),
            (TLS_BASIC, {**SERVERS[TLS_CERT], "credentials": None}),
        ],
    )
    async def test_is_not_reconfigured_to_it_while_it_listens(self, profile, change):
        async with serving(**SERVERS[profile]) as (server, listener):
            with pytest.raises(
                ValueError, match=r"expected (no )?tls options|listeners that demand client certificates"
            ):
                server.reconfigure(**change)
            async with station(listener, profile) as client:
                await client.connect()
                assert (await station_of(server)).handshake.security_profile is profile

    async def test_may_be_reconfigured_to_ask_for_passwords(self):
        async with serving() as (server, listener):
            server.reconfigure(**SERVERS[BASIC])
            assert (await knock(listener, upgrade()))[0] == 401
