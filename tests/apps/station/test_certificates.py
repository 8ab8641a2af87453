"""Root certificates of the 1.6 security extension, named as RFC 6960 does."""

from hashlib import sha256

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from ocpp_apps.station.model.certificates import CertificateError, CertificateStore
from tests.apps.station.laboratory import Lab

KIND = "CentralSystemRootCertificate"
OTHER = "ManufacturerRootCertificate"


@pytest.fixture(scope="module")
def pem():
    return trustme.CA().cert_pem.bytes().decode()


def expected_hashes(pem):
    """What another implementation makes of it."""
    certificate = load_pem_x509_certificate(pem.encode())
    key = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": sha256(certificate.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": sha256(key).hexdigest(),
        "serialNumber": f"{certificate.serial_number:x}",
    }


class TestTheStore:
    def test_names_a_certificate_by_its_hashes(self, pem):
        store = CertificateStore()
        assert store.install(KIND, pem)
        assert store.of_kind(KIND) == [expected_hashes(pem)]
        assert store.of_kind(OTHER) == []

    def test_keeps_the_same_one_once(self, pem):
        store = CertificateStore()
        assert store.install(KIND, pem)
        assert store.install(KIND, pem)
        assert len(store.of_kind(KIND)) == 1

    def test_deletes_by_the_hashes_in_any_spelling(self, pem):
        store = CertificateStore()
        store.install(KIND, pem)
        named = {**expected_hashes(pem), "serialNumber": expected_hashes(pem)["serialNumber"].upper()}
        assert not store.delete({**named, "serialNumber": "0"})
        assert store.delete(named)
        assert not store.delete(named)

    def test_has_room_for_twenty(self):
        store = CertificateStore()
        kept = [store.install(KIND, trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes().decode())
                for _ in range(21)]  # fmt: skip
        assert kept == [True] * 20 + [False]

    @pytest.mark.parametrize(
        "text",
        [
            "nothing",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----",
        ],
    )
    def test_takes_nothing_else(self, text):
        with pytest.raises(CertificateError):
            CertificateStore().install(KIND, text)


class TestTheCommands:
    def test_install_list_and_delete(self, pem):
        lab = Lab()
        assert lab.status_of("GetInstalledCertificateIds", {"certificateType": KIND}) == "NotFound"
        assert lab.status_of("InstallCertificate", {"certificateType": KIND, "certificate": pem}) == "Accepted"
        answer = lab.ask("GetInstalledCertificateIds", {"certificateType": KIND})
        assert answer == {"status": "Accepted", "certificateHashData": [expected_hashes(pem)]}
        (named,) = answer["certificateHashData"]
        assert lab.status_of("DeleteCertificate", {"certificateHashData": named}) == "Accepted"
        assert lab.status_of("DeleteCertificate", {"certificateHashData": named}) == "NotFound"

    def test_refuse_what_is_no_certificate(self):
        lab = Lab()
        assert lab.status_of("InstallCertificate", {"certificateType": KIND, "certificate": "none"}) == "Rejected"
