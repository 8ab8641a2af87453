"""Security profiles in a world: of TLS only the facts are played, which are what a server decides by."""

import hashlib
import ssl
from typing import Any

import pytest
import trio
import trio.testing
import trustme

from ocpp_core.errors import UnexpectedHttpResponse
from ocpp_transports import OCPPClient, OCPPServer, TLSOptions
from ocpp_transports.laboratory import World, trio_network

AUTHORITY = trustme.CA()


def issued(name):
    leaf = AUTHORITY.issue_cert(name, common_name=name)
    pem, key = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    return pem, TLSOptions(cert=pem, key=key, ca=AUTHORITY.cert_pem.bytes())


_, SERVER = issued("csms")
SHOWN, STATION = issued("CP1")
PIN = hashlib.sha256(ssl.PEM_cert_to_DER_cert(SHOWN.decode())).hexdigest()
CLIENT: dict[str, Any] = {"security_profile": 3, "tls": STATION, "reconnect": False}


def make_server(**options):
    """Return a server of profile 3."""
    return OCPPServer(protocols=["ocpp1.6"], security_profile=3, tls=SERVER, **options)


def shown_to(server):
    ((certificate, profile),) = [
        (each.handshake.client_certificate, each.handshake.security_profile) for each in server
    ]
    return dict(pair for names in certificate["subject"] for pair in names)["commonName"], profile


@pytest.fixture(params=["bytes", "messages"])
def lab(request):
    with World(seed=7, level=request.param) as lab:
        yield lab


class TestProfile3:
    def test_a_station_shows_the_certificate_of_its_options(self, lab):
        async def story():
            server = await lab.server(make_server(), port=9443)
            await lab.station("CP1", "ocpp1.6", port=9443, **CLIENT)
            return shown_to(server.clients)

        assert lab.play(story()) == ("CP1", 3)

    def test_a_certificate_of_another_station_is_refused(self, lab):
        async def story():
            await lab.server(make_server(), port=9443)
            await lab.station("CP2", "ocpp1.6", port=9443, **CLIENT)

        with pytest.raises(UnexpectedHttpResponse):
            lab.play(story())

    @pytest.mark.parametrize("pin", [PIN, "0" * 64], ids=["right", "wrong"])
    def test_a_pin_is_checked(self, lab, pin):
        async def story():
            await lab.server(make_server(certificate_pins={"CP1": pin}), port=9443)
            await lab.station("CP1", "ocpp1.6", port=9443, **CLIENT)

        if pin == PIN:
            lab.play(story())
        else:
            with pytest.raises(UnexpectedHttpResponse):
                lab.play(story())

    def test_a_client_of_the_application_shows_the_certificate_that_it_is_given(self, lab):
        async def story():
            server = await lab.server(make_server(), port=9443)
            client = OCPPClient("CP1", "wss://csms:9443", protocols=["ocpp1.6"], **CLIENT)
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            lab.show_certificate("CP1", SHOWN)
            await client.connect()
            shown = shown_to(server.clients)
            await client.close()
            return shown

        assert lab.play(story()) == ("CP1", 3)

    def test_only_a_certificate_is_shown(self, lab):
        with pytest.raises(ValueError, match="expected a certificate in PEM or DER"):
            lab.show_certificate("CP1", b"no certificate")


def test_trio_has_the_same_facts():
    async def main():
        async with trio_network(seed=7) as network, make_server() as server:
            await server.listen(9443)
            network.show_certificate("CP1", SHOWN)
            async with OCPPClient("CP1", "wss://csms:9443", protocols=["ocpp1.6"], **CLIENT) as client:
                await client.connect()
                return shown_to(server.clients)

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == ("CP1", 3)
