"""TLS contexts from options: security whitepaper for 1.6 §3, OCPP 2.x Part 2 A00."""

import os
import ssl
import tempfile
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from ocpp_core.handshake import SecurityProfile
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports._options._tls import TLSOptions
from ocpp_transports._tls._contexts import client_context, server_context

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


def basic(leaf, **other):
    """Make the context of a server on profile 2."""
    return server_context(options(leaf, **other), SecurityProfile.TLS_BASIC)


def tls_12(given, suite):
    """Make a client's context of one suite of TLS 1.2."""
    context = client_context(given)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    return context


def sloppy(issuer=None, *, ca):
    """Make a certificate as plain openssl does by default: without key identifiers and key usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"sloppy {ca} {issuer is not None}")])
    signed_by = (name, key) if issuer is None else (issuer[0].subject, issuer[1])
    start = datetime.now(UTC) - timedelta(days=1)
    built = (
        x509.CertificateBuilder(signed_by[0], name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("csms.example")]), critical=False)
    )
    return built.sign(signed_by[1], SHA256()), key


def pems(made):
    certificate, key = made
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"cert": certificate.public_bytes(Encoding.PEM), "key": pem}


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
    def test_take_the_static_rsa_suites_of_the_whitepaper_by_option(self, suite):
        ends = handshake(tls_12(options(ca=CA, static_rsa=True), suite), basic(RSA, static_rsa=True))
        assert ends[0].cipher()[0] == suite
        with pytest.raises(ssl.SSLError):
            handshake(tls_12(options(ca=CA), suite), basic(RSA))

    @pytest.mark.parametrize("leaf", [SERVER, RSA], ids=["ECDSA", "RSA"])
    def test_offer_forward_secrecy_and_authenticated_encryption_only(self, leaf):
        for context in (basic(leaf), client_context(options(leaf))):
            suites = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"}
            assert suites == {
                f"ECDHE-{key}-{cipher}"
                for key in ("ECDSA", "RSA")
                for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
            }

    @pytest.mark.parametrize("suite", ["ECDHE-RSA-AES128-SHA", "AES128-SHA256", "AES256-SHA", "DHE-RSA-AES128-SHA"])
    def test_server_refuses_what_is_broken(self, suite):
        with pytest.raises(ssl.SSLError):
            handshake(tls_12(options(ca=CA), suite), basic(RSA))


class TestChains:
    """The same verdict on every version of Python."""

    def test_of_plain_openssl_are_accepted_unless_strict(self):
        root = sloppy(ca=True)
        trusted = pems(root)["cert"]
        server = server_context(TLSOptions(**pems(sloppy(root, ca=False))), SecurityProfile.TLS_BASIC)
        handshake(client_context(TLSOptions(ca=trusted)), server)
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(client_context(TLSOptions(ca=trusted, x509_strict=True)), server)

    def test_of_stations_likewise(self):
        root = sloppy(ca=True)
        station = TLSOptions(**pems(sloppy(root, ca=False)), ca=CA)
        trusted = pems(root)["cert"]
        for strict in (False, True):
            given = options(SERVER, ca=trusted, x509_strict=strict)
            with pytest.raises(ssl.SSLError) if strict else nullcontext():
                handshake(client_context(station), server_context(given, SecurityProfile.TLS_CERT))

    @pytest.mark.parametrize("strict", [False, True])
    def test_may_be_trusted_from_an_intermediate_on(self, strict):
        between = AUTHORITY.create_child_ca()
        trusting = options(ca=between.cert_pem.bytes(), x509_strict=strict)
        handshake(client_context(trusting), basic(between.issue_cert("csms.example")))


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


def client_of(tls):
    return OCPPClient("CP1", "wss://csms.example", protocols=["ocpp1.6"], tls=tls)


def server_of(tls):
    return OCPPServer(tls=TLSOptions(**{**pems(sloppy(ca=True)), **{name: getattr(tls, name) for name in given(tls)}}))


def given(tls):
    return [name for name in ("cert", "key", "ca") if getattr(tls, name) is not None]


@pytest.fixture
def files(tmp_path):
    """Paths of a certificate, its key, another's key, and of what is neither."""
    texts = {
        "cert": SERVER.cert_chain_pems[0].bytes(),
        "key": SERVER.private_key_pem.bytes(),
        "other": STATION.private_key_pem.bytes(),
        "junk": b"nonsense",
        "empty": b"",
        "half": SERVER.cert_chain_pems[0].bytes()[:200],
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    return tmp_path


@pytest.mark.parametrize("make", [client_of, server_of])
class TestAFileThatIsWrong:
    """The error comes at construction, on both roles, and names the file."""

    @pytest.mark.parametrize(
        ("names", "error", "told"),
        [
            ({"ca": "none"}, FileNotFoundError, "none"),
            ({"ca": ""}, IsADirectoryError, ""),
            ({"ca": "junk"}, ssl.SSLError, "cannot read the certificates of ca, '{}junk'"),
            ({"ca": "empty"}, ssl.SSLError, "cannot read the certificates of ca, '{}empty'"),
            ({"cert": "none", "key": "key"}, FileNotFoundError, "none"),
            ({"cert": "cert", "key": "none"}, FileNotFoundError, "none"),
            ({"cert": "half", "key": "key"}, ssl.SSLError, "cannot read the certificate, '{}half'"),
            ({"cert": "key", "key": "key"}, ssl.SSLError, "cannot read the certificate, '{}key'"),
            ({"cert": "cert", "key": "junk"}, ssl.SSLError, "cannot read the key, '{}junk'"),
            ({"cert": "cert", "key": "other"}, ssl.SSLError, "the key, '{0}other', does not belong to the certificate"),
        ],
    )
    def test_is_named(self, make, files, names, error, told):
        paths = {name: files / path for name, path in names.items()}
        with pytest.raises(error) as caught:
            make(TLSOptions(**paths))
        assert told.format(f"{files}{os.sep}") in str(caught.value)

    def test_is_not_shown_if_it_is_none(self, make):
        secret = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
        with pytest.raises(ssl.SSLError, match="cannot read the key, given as bytes") as caught:
            make(TLSOptions(cert=SERVER.cert_chain_pems[0].bytes(), key=secret))
        assert "c2VjcmV0" not in str(caught.value)

    def test_is_no_authority_if_it_is_empty_not_those_of_the_system_instead(self, make):
        with pytest.raises(ssl.SSLError, match="the certificates of ca, given as bytes: expected at least one"):
            make(TLSOptions(ca=b""))


class TestAServerThatRuns:
    def test_reads_its_files_again_only_where_they_or_the_profile_change(self, files):
        server = OCPPServer(tls=TLSOptions(cert=files / "cert", key=files / "key"))
        (files / "key").unlink()
        server.reconfigure(call_timeout=1)
        with pytest.raises(FileNotFoundError):
            server.reconfigure(tls=TLSOptions(cert=files / "cert", key=files / "key"))
        with pytest.raises(ValueError, match="ca and verify=True"):
            server.reconfigure(security_profile=3)


class TestOptions:
    def test_show_no_secret(self):
        shown = repr(options(SERVER, ca=CA, passphrase="open sesame"))
        assert shown == (
            "TLSOptions(cert=…, key=…, ca=…, passphrase=…, verify=True, x509_strict=False, static_rsa=False)"
        )

    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"cert": 7}, TypeError, "expected cert as a path or bytes, got int"),
            ({"key": Path("k")}, ValueError, "expected a cert with the key"),
            ({"verify": "no"}, TypeError, "expected verify as bool, got str"),
            ({"x509_strict": 1}, TypeError, "expected x509_strict as bool, got int"),
            ({"passphrase": 7}, TypeError, "expected passphrase as str or bytes, got int"),
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


def crl_of(authority, *revoked, age=timedelta(hours=1), life=timedelta(days=1)):
    """Make the revocation list of an authority, in PEM."""
    certificate = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    begin = datetime.now(UTC) - age
    listed = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
    listed = listed.last_update(begin).next_update(begin + life)
    for leaf in revoked:
        serial = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begin).build()
        listed = listed.add_revoked_certificate(entry)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return listed.sign(key, SHA256()).public_bytes(Encoding.PEM)


class TestARevocationList:
    """OCPP 2.x Part 2 A00: a CSMS refuses revoked certificates of stations."""

    def shake(self, crl, leaf=STATION, authority=CA):
        server = server_context(options(SERVER, ca=authority, crl=crl), SecurityProfile.TLS_CERT)
        return handshake(client_context(options(leaf, ca=CA)), server)

    def test_refuses_the_stations_that_it_names(self):
        revoked = AUTHORITY.issue_cert("revoked.example")
        crl = crl_of(AUTHORITY, revoked)
        self.shake(crl)
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate revoked"):
            self.shake(crl, revoked)

    def test_refuses_a_server_as_well(self):
        client = client_context(TLSOptions(ca=CA, crl=crl_of(AUTHORITY, SERVER)))
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate revoked"):
            handshake(client, basic(SERVER))

    def test_is_needed_of_every_authority_and_in_date(self):
        stranger = trustme.CA()
        both = CA + stranger.cert_pem.bytes()
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get certificate CRL"):
            self.shake(crl_of(stranger), authority=both)
        self.shake(crl_of(stranger) + crl_of(AUTHORITY), authority=both)
        with pytest.raises(ssl.SSLCertVerificationError, match="CRL has expired"):
            self.shake(crl_of(AUTHORITY, age=timedelta(days=2)))

    def test_may_be_a_path(self, tmp_path):
        path = tmp_path / "stations.crl"
        path.write_bytes(crl_of(AUTHORITY))
        self.shake(path)

    @pytest.mark.parametrize("content", [b"", b"junk", CA])
    def test_that_is_none_is_refused_with_its_name(self, tmp_path, content):
        """OpenSSL would refuse every station."""
        path = tmp_path / "stations.crl"
        path.write_bytes(content)
        with pytest.raises(ssl.SSLError, match=r"lists of crl, .*stations\.crl"):
            self.shake(path)
        with pytest.raises(FileNotFoundError, match="missing"):
            self.shake(tmp_path / "missing")

    def test_with_a_certificate_in_it_is_refused(self):
        """Lists are signed, so they are downloaded without TLS: an added certificate must not be trusted."""
        with pytest.raises(ssl.SSLError, match="a certificate that is not in ca"):
            self.shake(crl_of(AUTHORITY) + trustme.CA().cert_pem.bytes())

    def test_is_not_accepted_where_it_would_not_be_used(self):
        with pytest.raises(ValueError, match="expected ca and verify=True with a crl"):
            TLSOptions(crl=crl_of(AUTHORITY))
        with pytest.raises(ValueError, match="without crl"):
            basic(SERVER, ca=CA, crl=crl_of(AUTHORITY))
