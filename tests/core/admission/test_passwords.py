"""Passwords that are not stored in clear: RFC 7914, and AuthorizationKeys of OCPP 1.6."""

import hashlib

import pytest

from ocpp_core.admission import passwords
from ocpp_core.admission.passwords import AuthorizationKeys, ScryptCost, ScryptRecords, make_record, verify_record
from tests.kinds import mistyped

QUICK = ScryptCost(ln=4, r=8, p=1)
SALT = b"0123456789abcdef"
KEY = bytes(range(20))
RECORD = make_record("secret", SALT, QUICK)


class TestARecord:
    def test_is_a_phc_string_that_other_libraries_read(self):
        """RFC 7914 §12: the third test vector, with its parameters."""
        record = make_record("pleaseletmein", b"SodiumChloride", ScryptCost(ln=14, r=8, p=1))
        expected = bytes.fromhex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
        scheme, cost, _, hashed = record.split("$")[1:]
        assert (scheme, cost) == ("scrypt", "ln=14,r=8,p=1")
        assert hashed == passwords._encode(expected)

    def test_confirms_its_password_only(self):
        assert verify_record(RECORD, b"secret")
        assert not verify_record(RECORD, b"Secret")
        assert not verify_record(RECORD, b"")

    def test_differs_with_the_salt(self):
        assert make_record("secret", SALT[::-1], QUICK) != RECORD

    def test_may_hold_any_bytes(self):
        assert verify_record(make_record(KEY, SALT, QUICK), KEY)

    @pytest.mark.parametrize(
        "record",
        [
            "",
            "secret",
            RECORD.removeprefix("$"),
            RECORD + "$",
            RECORD.replace("scrypt", "argon2id"),
            RECORD.replace("ln=4", "ln=21"),
            RECORD.replace("ln=4,r=8", "ln=18,r=32"),
            RECORD.replace("r=8", "r=33"),
            RECORD.replace("p=1", "p=17"),
            RECORD.replace("p=1", "p=0"),
            mistyped(b"secret"),
        ],
    )
    def test_that_is_malformed_or_too_costly_is_refused_and_not_quoted(self, record):
        with pytest.raises(ValueError, match="expected") as caught:
            verify_record(record, b"secret")
        assert RECORD[-8:] not in str(caught.value)

    @pytest.mark.parametrize("size", [7, 65])
    def test_needs_a_salt_of_a_sensible_size(self, size):
        with pytest.raises(ValueError, match="salt of 8 to 64 bytes"):
            make_record("secret", bytes(size), QUICK)

    @pytest.mark.parametrize(
        "options", [{"ln": 0}, {"ln": True}, {"r": 0}, {"p": 1.0}, {"ln": 18}, {"ln": 14, "p": 9}, {"ln": 16, "r": 1}]
    )
    def test_has_a_bounded_cost(self, options):
        with pytest.raises(ValueError, match="expected"):
            ScryptCost(**options)

    @pytest.mark.parametrize(
        "cost", [ScryptCost(ln=1, r=1), ScryptCost(ln=15, r=1), ScryptCost(ln=10, r=32, p=16), ScryptCost(ln=14, p=8)]
    )
    def test_of_every_allowed_cost_fits_the_limit_of_openssl(self, cost):
        assert len(cost.hash(b"", SALT)) == 32


class TestScryptRecords:
    @pytest.mark.parametrize("records", [{"CP1": RECORD}, {"CP1": RECORD}.get])
    def test_confirm_the_password_of_the_identity(self, records):
        verify = ScryptRecords(records, QUICK)
        assert verify("CP1", b"secret") is True
        assert verify("CP1", b"wrong") is False
        assert verify("CP2", b"secret") is False

    def test_cost_the_same_for_an_unknown_identity(self, monkeypatch):
        """An attacker must not learn from the time which identities exist."""
        costs = []

        def scrypt(password, **parameters):
            costs.append(parameters["n"] * parameters["r"] * parameters["p"])
            return bytes(parameters["dklen"])

        monkeypatch.setattr(hashlib, "scrypt", scrypt)
        verify = ScryptRecords({"CP1": RECORD}, QUICK)
        verify("CP1", b"wrong")
        verify("CP2", b"wrong")
        assert costs == [128, 128]

    def test_do_not_show_their_records(self):
        assert RECORD not in repr(ScryptRecords({"CP1": RECORD}))


class TestAuthorizationKeys:
    @pytest.mark.parametrize("keys", [{"CP1": KEY.hex()}, {"CP1": KEY.hex().upper()}.get])
    def test_are_compared_as_bytes(self, keys):
        verify = AuthorizationKeys(keys)
        assert verify("CP1", KEY) is True
        assert verify("CP1", KEY[:-1]) is False
        assert verify("CP1", KEY.hex().encode()) is False

    def test_may_be_sent_as_text_if_that_is_allowed(self):
        verify = AuthorizationKeys({"CP1": KEY.hex()}, accept_hex=True)
        assert verify("CP1", KEY)
        assert verify("CP1", KEY.hex().upper().encode())

    @pytest.mark.parametrize("password", [b"", bytes(20), bytes(20).hex().encode()])
    def test_of_an_unknown_identity_are_never_right(self, password):
        assert AuthorizationKeys({}, accept_hex=True)("CP2", password) is False

    @pytest.mark.parametrize("stored", ["", "xyz", "0", mistyped(KEY)])
    def test_that_are_malformed_are_refused_and_not_quoted(self, stored):
        with pytest.raises(ValueError, match="of hexadecimal digits"):
            AuthorizationKeys({"CP1": stored})("CP1", KEY)

    def test_are_not_shown(self):
        assert KEY.hex() not in repr(AuthorizationKeys({"CP1": KEY.hex()}))
