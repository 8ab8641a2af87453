"""The forms in which proxies pass a client certificate on in a header field."""

from base64 import b64encode
from urllib.parse import quote

import pytest

from ocpp_core.proxies.certificate_header import certificate_in, is_verified
from tests.tables import each

DER = bytes(range(256))
PEM = f"-----BEGIN CERTIFICATE-----\n{b64encode(DER).decode()}\n-----END CERTIFICATE-----\n"


@each(
    "value",
    [
        quote(PEM),
        quote(PEM, safe="+/="),
        b64encode(DER).decode(),
        f":{b64encode(DER).decode()}:",
        PEM.replace("\n", " "),
    ],
)
def test_a_certificate_is_read_in_every_form(value):
    assert certificate_in(value) == DER


@each(
    "value",
    [
        quote(PEM + PEM),
        quote(PEM[:-20]),
        quote(PEM.replace("CERTIFICATE", "PRIVATE KEY")),
        quote("-----BEGIN CERTIFICATE-----\n====\n-----END CERTIFICATE-----"),
        f"{b64encode(DER).decode()}, {b64encode(DER).decode()}",
        "junk!",
        "\xff",
        "A" * 20000,
    ],
)
def test_anything_else_is_none(value):
    with pytest.raises(ValueError, match="expected"):
        certificate_in(value)


@each(
    ("value", "is_good"),
    [
        ("SUCCESS", True),
        ("0", True),
        ("NONE", False),
        ("FAILED:expired", False),
        ("0, 0", False),
        ("", False),
        (None, False),
    ],
)
def test_a_proxy_says_in_its_own_words_that_it_has_verified_the_certificate(value, is_good):
    assert is_verified(value) is is_good
