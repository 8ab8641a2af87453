"""Passwords: security profiles 1 and 2."""

import pytest

from tests.core.admission.station import BASIC, TLS_BASIC, accept_all, admit, basic, is_refused


class TestCredentials:
    """Security whitepaper §2.3: checked before the upgrade, 401 with a challenge otherwise."""

    @pytest.mark.parametrize("profile", [BASIC, TLS_BASIC])
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            (basic(), None),
            ([], 401),
            (basic(b"Secret"), 401),
            (basic(b""), 401),
            (basic(user=b"CP2"), 401),
            ([("authorization", "Bearer c2VjcmV0")], 401),
            (basic() + basic(), 401),
        ],
    )
    def test_are_checked_on_profiles_1_and_2(self, profile, headers, status):
        answer = admit(headers=headers, security_profile=profile, credentials={"CP1": "secret", "CP2": "secret"})
        assert (answer.status if is_refused(answer) else None) == status

    def test_every_401_carries_a_challenge(self):
        refused = admit(security_profile=BASIC, credentials={})
        assert dict(refused.headers)["www-authenticate"].startswith("Basic ")
        by_auth = admit(auth=lambda accept, reject, handshake: reject())
        assert (by_auth.status, by_auth.body) == (401, "Unauthorized")
        assert dict(by_auth.headers)["www-authenticate"].startswith("Basic ")

    def test_unknown_identity_is_401_even_with_an_empty_password(self):
        assert admit(headers=basic(b""), security_profile=BASIC, credentials={"CP2": "x"}).status == 401
        assert admit(headers=basic(b""), security_profile=BASIC, credentials=lambda identity: None).status == 401

    def test_may_be_text_bytes_or_a_function_of_either_kind(self):
        async def later(identity):
            return {"CP1": b"secret"}.get(identity)

        for credentials in ({"CP1": "secret"}, {"CP1": b"secret"}, {"CP1": "secret"}.get, later):
            assert not is_refused(admit(headers=basic(), security_profile=BASIC, credentials=credentials))

    def test_may_be_left_to_a_function_that_confirms_them(self):
        async def later(identity, password):
            return (identity, password) == ("CP1", b"secret")

        for verify in (lambda identity, password: (identity, password) == ("CP1", b"secret"), later):
            assert not is_refused(admit(headers=basic(), security_profile=BASIC, verify=verify))
            assert admit(headers=basic(b"Secret"), security_profile=BASIC, verify=verify).status == 401
            assert admit(headers=[], security_profile=BASIC, verify=verify).status == 401

    @pytest.mark.parametrize("answer", [None, 1, "secret"])
    def test_are_not_confirmed_by_what_is_only_true_in_a_condition(self, answer):
        """A look-up that returns the password in place of a comparison would let every station in."""
        with pytest.raises(TypeError, match="verify to return bool"):
            admit(headers=basic(), security_profile=BASIC, verify=lambda identity, password: answer)

    def test_that_nobody_checks_let_nobody_in(self):
        """A server refuses to listen so; should one come here all the same, it must not get in."""
        assert admit(headers=basic(), security_profile=BASIC).status == 401

    def test_auth_is_not_asked_about_a_station_that_does_not_meet_the_profile(self):
        asked = []
        rules = {"security_profile": BASIC, "auth": lambda accept, reject, handshake: asked.append(handshake)}
        assert admit(**rules).status == 401
        assert admit(**rules, credentials={"CP1": "other"}, headers=basic()).status == 401
        assert asked == []

    def test_auth_has_the_last_word_after_credentials(self):
        rules = {"security_profile": BASIC, "credentials": {"CP1": "secret"}, "headers": basic()}
        assert not is_refused(admit(auth=accept_all, **rules))
        assert admit(auth=lambda accept, reject, handshake: reject(403, "Not today"), **rules).status == 403
