"""Passwords that a server does not store in clear: scrypt records, and AuthorizationKeys in hexadecimal.

Sources: RFC 7914 (scrypt); the PHC string format, which other libraries read and write as well; security whitepaper for
1.6 (AuthorizationKey). `hashlib.scrypt` needs about 50 ms and 16 MiB at the default cost: run it in a thread.
"""

import hashlib
import hmac
import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import password_bytes

__all__ = [
    "AuthorizationKeys",
    "ScryptCost",
    "ScryptRecords",
    "StoredSecrets",
    "Verify",
    "make_record",
    "verify_record",
]

Verify: TypeAlias = Callable[[str, bytes], "bool | Awaitable[bool]"]
"""A function or coroutine function of identity and password that returns True if the password is right."""

StoredSecrets: TypeAlias = Mapping[str, str] | Callable[[str], str | None]
"""Stored texts by identity: a mapping, or a plain function, which may block. None for an unknown identity."""

_RECORD: Final = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_MAX_WORK: Final = 2**20
"""The most `2**ln * r * p`: about 0.5 s, and 128 MiB if `p` is 1."""
_MAX_R: Final = 32
_MAX_P: Final = 16
_KEY_LENGTH: Final = 32
_ANY_SALT: Final = bytes(16)
_ANY_KEY: Final = bytes(20)


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """The cost of a scrypt hash (RFC 7914 §2), bounded so that no record blocks a thread for long.

    Raises ValueError beyond the ranges, if `2**ln * r * p` exceeds 2**20 (about 0.5 s, and at most 128 MiB), and if
    `ln` is not below `16 * r`.
    """

    ln: int = 14
    """Binary logarithm of the number of rounds: 1 to 20. One more doubles time and memory."""
    r: int = 8
    """Block size: 1 to 32."""
    p: int = 1
    """Parallelization: 1 to 16. It multiplies the time."""

    def __post_init__(self) -> None:
        for name, most in (("ln", 20), ("r", _MAX_R), ("p", _MAX_P)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise ValueError(f"expected {name} of 1 to {most} as an integer, got {value!r}")
        if self.ln >= 16 * self.r:
            raise ValueError(f"expected ln below 16 * r, got ln {self.ln} and r {self.r}")
        if (self.r * self.p) << self.ln > _MAX_WORK:
            raise ValueError(f"expected 2**ln * r * p of at most {_MAX_WORK}, got ln {self.ln}, r {self.r}, p {self.p}")

    def hash(self, password: bytes, salt: bytes, length: int = _KEY_LENGTH) -> bytes:
        """Return the hash of a password.

        Args:
            password: The bytes to hash.
            salt: Random bytes that differ for each record.
            length: Bytes of the hash.
        """
        memory = 128 * self.r * ((1 << self.ln) + self.p + 2)
        maxmem = memory + 2**16  # OpenSSL's own limit is lower
        return hashlib.scrypt(password, salt=salt, n=1 << self.ln, r=self.r, p=self.p, maxmem=maxmem, dklen=length)


_DEFAULT_COST: Final = ScryptCost()


def make_record(password: str | bytes, salt: bytes, cost: ScryptCost = _DEFAULT_COST) -> str:
    """Return the record of a password, as `$scrypt$ln=14,r=8,p=1$SALT$HASH`.

    Args:
        password: Text is hashed as UTF-8; bytes are a decoded AuthorizationKey.
        salt: 8 to 64 random bytes, different for each record.
        cost: Time and memory.

    Raises:
        TypeError: The password is neither str nor bytes.
        ValueError: The salt has another length.
    """
    if not 8 <= len(salt) <= 64:
        raise ValueError(f"expected a salt of 8 to 64 bytes, got {len(salt)}")
    hashed = cost.hash(password_bytes(password), salt)
    return f"$scrypt$ln={cost.ln},r={cost.r},p={cost.p}${_encode(salt)}${_encode(hashed)}"


def verify_record(record: str, password: bytes) -> bool:
    """Return True if the password is that of the record; the comparison takes constant time.

    The cost is that of the record. Raises ValueError for a text that is not a record, or whose cost `ScryptCost`
    refuses; the error does not quote it.
    """
    cost, salt, expected = _parse(record)
    return hmac.compare_digest(cost.hash(password, salt, len(expected)), expected)


def _parse(record: str) -> tuple[ScryptCost, bytes, bytes]:
    match = _RECORD.fullmatch(record) if isinstance(record, str) else None
    if match is None:
        raise ValueError("expected a record like $scrypt$ln=14,r=8,p=1$SALT$HASH")
    ln, r, p = map(int, match.group(1, 2, 3))
    try:
        salt, hashed = map(_decode, match.group(4, 5))
    except Error:
        raise ValueError("expected a record with Base64 of salt and hash") from None
    return ScryptCost(ln, r, p), salt, hashed


def _encode(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return a2b_base64(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class ScryptRecords:
    """A `verify` that compares with scrypt records by identity.

    An unknown identity costs a hash of `cost`, so that the time does not reveal which identities exist. Pass the cost
    with which the records were made.
    """

    records: StoredSecrets = field(repr=False)
    """Records by identity."""
    cost: ScryptCost = _DEFAULT_COST
    """The cost for an unknown identity."""

    def __call__(self, identity: str, password: bytes) -> bool:
        """Return True if the password is right.

        Raises ValueError for a stored text that is not a record.
        """
        record = _stored(self.records, identity)
        if record is None:
            self.cost.hash(password, _ANY_SALT)
            return False
        return verify_record(record, password)


@dataclass(frozen=True, slots=True)
class AuthorizationKeys:
    """A `verify` for OCPP 1.6 that compares with AuthorizationKeys in hexadecimal by identity."""

    keys: StoredSecrets = field(repr=False)
    """Hexadecimal texts by identity."""
    accept_hex: bool = False
    """Accept the hexadecimal text as the password too: some stations send it without decoding it."""

    def __call__(self, identity: str, password: bytes) -> bool:
        """Return True if the password is the key; an unknown identity and a wrong key take the same time.

        Raises ValueError for a stored text that is not hexadecimal; the error does not quote it.
        """
        stored = _stored(self.keys, identity)
        key = _ANY_KEY if stored is None else _from_hex(stored)
        is_key = hmac.compare_digest(key, password)
        is_text = hmac.compare_digest(key.hex().encode(), password.lower()) and self.accept_hex
        return stored is not None and (is_key or is_text)


def _stored(secrets: StoredSecrets, identity: str) -> str | None:
    return secrets.get(identity) if isinstance(secrets, Mapping) else secrets(identity)


def _from_hex(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except (TypeError, ValueError):
        key = b""
    if not key:
        raise ValueError("expected an AuthorizationKey as a text of hexadecimal digits")
    return key
