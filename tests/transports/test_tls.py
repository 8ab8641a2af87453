"""TLS contexts from options: security whitepaper for 1.6 §3, OCPP 2.x Part 2 A00."""

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._tls import TLSOptions, client_context, server_context

AUTHORITY = trustme.CA()
SERVER = AUTHORITY.issue_cert("csms.example")
STATION = AUTHORITY.issue_cert("station.example")
RSA = AUTHORITY.issue_cert("csms.example", key_type=trustme.KeyType.RSA)
CA = AUTHORITY.cert_pem.bytes()


def options(leaf=None, **other):
    own = {} if leaf is None else {"cert": leaf.cert_chain_pems[0].bytes(), "key": leaf.private_key_pem.bytes()}
    return TLSOptions(**{**own, **other})


def handshake(client, server, name="csms.example"):
    """Let two contexts shake hands over memory; returns both ends."""
    wires = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(wires[0], wires[1], server_hostname=name),
        server.wrap_bio(wires[1], wires[0], server_side=True),
    )
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    for end in ends:  # with TLS 1.3 a server refuses a client only after the client believes to be done
        with pytest.raises(ssl.SSLWantReadError):
            end.read()
    return ends


class TestContexts:
    def test_agree_on_tls_12_or_later(self):
        client, server = client_context(options(ca=CA)), server_context(options(SERVER), SecurityProfile.TLS_BASIC)
        assert client.minimum_version == server.minimum_version == ssl.TLSVersion.TLSv1_2
        assert handshake(client, server)[0].version() == "TLSv1.3"

    def test_station_checks_who_vouches_for_the_server(self):
        server = server_context(options(SERVER), SecurityProfile.TLS_BASIC)
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(client_context(None), server)
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(client_context(options(ca=trustme.CA().cert_pem.bytes())), server)

    def test_station_checks_the_name_of_the_server(self):
        server = server_context(options(SERVER), SecurityProfile.TLS_BASIC)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.example"):
            handshake(client_context(options(ca=CA)), server, name="other.example")

    def test_station_checks_nothing_with_verify_off(self):
        server = server_context(options(SERVER), SecurityProfile.TLS_BASIC)
        handshake(client_context(options(verify=False)), server, name="other.example")

    def test_profile_3_demands_a_certificate_of_the_station(self):
        server = server_context(options(SERVER, ca=CA), SecurityProfile.TLS_CERT)
        _, accepted = handshake(client_context(options(STATION, ca=CA)), server)
        assert ("DNS", "station.example") in accepted.getpeercert()["subjectAltName"]
        with pytest.raises(ssl.SSLError):
            handshake(client_context(options(ca=CA)), server)
        with pytest.raises(ssl.SSLError):
            handshake(client_context(options(trustme.CA().issue_cert("station.example"), ca=CA)), server)

    @pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "AES256-GCM-SHA384"])
    def test_server_takes_the_static_rsa_suites_of_the_whitepaper(self, suite):
        client = client_context(options(ca=CA))
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.set_ciphers(suite)
        ends = handshake(client, server_context(options(RSA), SecurityProfile.TLS_BASIC))
        assert ends[0].cipher()[0] == suite


class TestCertificates:
    def test_may_be_paths(self, tmp_path):
        paths = [tmp_path / name for name in ("cert", "key", "ca")]
        for path, pem in zip(
            paths, (SERVER.cert_chain_pems[0], SERVER.private_key_pem, AUTHORITY.cert_pem), strict=True
        ):
            path.write_bytes(pem.bytes())
        server = server_context(TLSOptions(str(paths[0]), paths[1]), SecurityProfile.TLS_BASIC)
        handshake(client_context(TLSOptions(ca=paths[2])), server)

    def test_may_be_text_or_der_and_the_key_may_stand_beside_the_certificate(self):
        both = SERVER.private_key_and_cert_chain_pem.bytes()
        server = server_context(TLSOptions(both.decode()), SecurityProfile.TLS_BASIC)
        der = ssl.PEM_cert_to_DER_cert(CA.decode())
        handshake(client_context(TLSOptions(ca=der)), server)
        handshake(client_context(TLSOptions(ca=CA.decode())), server)

    def test_key_may_be_encrypted(self):
        key = load_pem_private_key(SERVER.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
        )
        locked = options(SERVER, key=key)
        server = server_context(options(SERVER, key=key, passphrase="open sesame"), SecurityProfile.TLS_BASIC)
        handshake(client_context(options(ca=CA)), server)
        with pytest.raises(ssl.SSLError):  # and never a question on the terminal
            server_context(locked, SecurityProfile.TLS_BASIC)

    def test_bytes_leave_no_file_behind(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        server_context(options(SERVER), SecurityProfile.TLS_BASIC)
        with pytest.raises(ssl.SSLError):
            server_context(options(SERVER, cert=b"nonsense"), SecurityProfile.TLS_BASIC)
        assert list(tmp_path.iterdir()) == []

    def test_missing_file_is_said_at_once(self):
        with pytest.raises(FileNotFoundError):
            client_context(TLSOptions(ca="/nonexistent/ca.pem"))


class TestOptions:
    def test_show_no_secret(self):
        shown = repr(options(SERVER, ca=CA, passphrase="open sesame"))
        assert shown == "TLSOptions(cert=…, key=…, ca=…, passphrase=…, verify=True)"

    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"cert": 7}, TypeError, "expected cert as a path or bytes, got int"),
            ({"key": Path("k")}, ValueError, "expected a cert with the key"),
            ({"verify": "no"}, TypeError, "expected verify as bool, got str"),
        ],
    )
    def test_refuse_what_makes_no_sense(self, given, error, expected):
        with pytest.raises(error, match=expected):
            TLSOptions(**given)

    @pytest.mark.parametrize(
        ("given", "profile", "expected"),
        [
            (options(ca=CA), SecurityProfile.TLS_BASIC, "cert and key"),
            (options(SERVER), SecurityProfile.TLS_CERT, "ca and verify=True"),
            (options(SERVER, ca=CA, verify=False), SecurityProfile.TLS_CERT, "ca and verify=True"),
            (ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), SecurityProfile.TLS_CERT, "CERT_REQUIRED"),
        ],
    )
    def test_that_do_not_meet_the_profile_of_a_server_are_refused(self, given, profile, expected):
        with pytest.raises(ValueError, match=expected):
            server_context(given, profile)


class TestOwnContexts:
    def test_are_taken_as_they_are(self):
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian's Python leaves it to OpenSSL's own settings
        assert client_context(context) is context
        assert server_context(context, SecurityProfile.TLS_CERT) is context

    def test_below_tls_12_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.raises(ValueError, match="TLSv1_2 or later"):
            client_context(context)
