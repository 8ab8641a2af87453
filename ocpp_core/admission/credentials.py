"""The check of a station's password: security profiles 1 and 2, with HTTP Basic (RFC 7617)."""

import binascii
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import field
from functools import partial
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import password_bytes
from ocpp_core.identity import StationKey
from ocpp_core.inputs import Reject

from .passwords import Verify
from .step import Ask, Candidate, Cause, Verdict, refuse

__all__ = ["CheckCredentials", "basic_user", "decode_basic"]

_BASIC: Final = re.compile(r"basic +([A-Za-z0-9+/_-]*)={0,2}", re.IGNORECASE)
_URL_ALPHABET: Final = str.maketrans("-_", "+/")

_Password: TypeAlias = str | bytes | None


@dataclass(frozen=True, slots=True)
class CheckCredentials:
    """The step that requires a correct Basic password before the upgrade; 401 otherwise.

    Source: security whitepaper §2.3.
    """

    stored: Callable[[StationKey], _Password] | None = field(repr=False)
    """Returns the password of a station, of `credentials` that are a mapping."""
    credentials: "Callable[[str], _Password | Awaitable[_Password]] | None" = field(repr=False)
    """Returns the password of an identity. If both are None, the password is left to `verify` or `auth`."""
    verify: Verify | None = field(repr=False)
    has_auth: bool

    def __call__(self, candidate: Candidate) -> Verdict:
        """Return the question for the password of the identity, or about it."""
        password = candidate.handshake.password
        if password is None:
            has_header = "authorization" in candidate.handshake.headers
            return _refuse(candidate, "no password for this identity" if has_header else "no password")
        if self.verify is not None:
            arguments = candidate.handshake.identity, password
            return Ask("verify", self.verify, arguments, partial(_judge, candidate), may_block=True)
        then = partial(_compare, candidate, password)
        if self.stored is not None:
            return Ask("credentials", self.stored, (candidate.handshake.key,), then)
        if self.credentials is None:
            return None if self.has_auth else _refuse(candidate, "nothing checks passwords")
        return Ask("credentials", self.credentials, (candidate.handshake.identity,), then)


def _compare(candidate: Candidate, presented: bytes, expected: _Password) -> Reject | None:
    """Refuse a wrong password; raise TypeError if `expected` cannot be a password.

    The time it takes reveals neither how much of the password is right nor if the identity is known.
    """
    is_right = hmac.compare_digest(password_bytes("" if expected is None else expected), presented)
    if is_right and expected is not None:
        return None
    return _refuse(candidate, "unknown station" if expected is None else "wrong password")


def _judge(candidate: Candidate, answer: object) -> Reject | None:
    """Refuse a password that `verify` does not confirm; raise TypeError unless it returned a bool."""
    if not isinstance(answer, bool):
        raise TypeError(f"expected verify to return bool, got {type(answer).__name__}")
    return None if answer else _refuse(candidate, "verify returned False")


def _refuse(candidate: Candidate, detail: str) -> Reject:
    """Refuse all alike: only the operator learns if the station is known."""
    candidate.cause = Cause("bad_credentials", detail)
    return refuse(401, "Unauthorized")


def decode_basic(value: str, identity: str, *, ignore_case: bool = False) -> bytes | None:
    """Return the password of an Authorization header.

    None if the header is not Basic, is malformed, or names another user. The header is split after the known identity,
    so that both identity and password may contain colons. Base64 may use either alphabet, padded or not. With
    `ignore_case` the user name may differ from the identity in case.
    """
    pair = _basic_pair(value)
    user = identity.encode() + b":"
    if pair is None or not (pair.startswith(user) or (ignore_case and _folded(pair[: len(user)]) == _folded(user))):
        return None
    return pair[len(user) :]


def basic_user(value: str) -> str | None:
    """Return the user name of an Authorization header, up to the first colon (RFC 7617 §2).

    None if the header is not Basic or is malformed.
    """
    user, colon, _ = (_basic_pair(value) or b"").partition(b":")
    try:
        return user.decode() if colon else None
    except UnicodeDecodeError:
        return None


def _folded(text: bytes) -> str:
    return text.decode(errors="backslashreplace").casefold()


def _basic_pair(value: str) -> bytes | None:
    match = _BASIC.fullmatch(value.strip(" \t"))
    if match is None:
        return None
    token = match[1].translate(_URL_ALPHABET)
    try:
        return binascii.a2b_base64(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return None
