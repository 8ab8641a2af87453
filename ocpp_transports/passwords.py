"""Stored passwords of stations: scrypt records, and the AuthorizationKey of OCPP 1.6 in hexadecimal."""

import secrets

from ocpp_core.admission.passwords import (
    AuthorizationKeys,
    ScryptCost,
    ScryptRecords,
    StoredSecrets,
    make_record,
    verify_record,
)

__all__ = [
    "AuthorizationKeys",
    "ScryptCost",
    "ScryptRecords",
    "StoredSecrets",
    "hash_password",
    "verify_record",
]


def hash_password(password: str | bytes, cost: ScryptCost | None = None) -> str:
    """Return a scrypt record of a password, with a random salt, for `ScryptRecords`.

    It blocks for about 50 ms at the default cost. Text is hashed as UTF-8; of an AuthorizationKey pass the decoded
    bytes. Raises TypeError for any other type.
    """
    return make_record(password, secrets.token_bytes(16), cost or ScryptCost())
