"""Certificates and keys as OpenSSL needs them, from paths or bytes; errors name the file."""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ocpp_transports._options._tls import Pem

__all__ = ["content", "load_own", "load_revoked", "path_of", "source", "with_authority"]


def with_authority(purpose: ssl.Purpose, ca: Pem | None) -> ssl.SSLContext:
    """Return a context that trusts only these certificates; that of a client without any trusts the system's.

    Raises the errors of `load_own`.
    """
    if ca is None:
        return ssl.create_default_context(purpose)
    data = _content(ca)
    if data == b"":  # `ssl` would treat them as None, and trust the system's certificates
        raise ssl.SSLError(f"cannot read the certificates of ca, {_name(ca)}: expected at least one, got no bytes")
    try:
        if data is None:
            return ssl.create_default_context(purpose, cafile=_readable(ca))
        return ssl.create_default_context(
            purpose, cadata=data.decode("ascii", "replace") if b"-----BEGIN" in data else data
        )
    except ssl.SSLError as error:
        raise _named(error, f"cannot read the certificates of ca, {_name(ca)}") from error


def load_own(context: ssl.SSLContext, cert: Pem, key: Pem | None, passphrase: str | bytes | None) -> None:
    """Load a certificate with its chain, and its private key; a key of None is in the same file.

    Raises OSError with the file's name: FileNotFoundError and similar errors for a file that cannot be opened,
    ssl.SSLError for invalid contents.
    """
    with _as_file(cert) as cert_file, _as_file(key) as key_file:
        try:
            # A callback even without a passphrase, or OpenSSL would ask for one on the terminal.
            context.load_cert_chain(str(cert_file), key_file, password=_passphrase(passphrase))
        except ssl.SSLError as error:
            raise _named(error, _guilty(error, str(cert_file), cert, key)) from error


def load_revoked(context: ssl.SSLContext, crl: Pem) -> None:
    """Refuse peers whose certificates these revocation lists name.

    The context must be a new one: one that has a list of the same date keeps using that. Without any list OpenSSL would
    refuse every peer. A certificate among the lists, which are often downloaded without TLS, must not become trusted.
    Raises the errors of `load_own`.
    """
    problem = f"cannot read the revocation lists of crl, {_name(crl)}"
    trusted = context.cert_store_stats()["x509"]
    with _as_file(crl) as crl_file:
        try:
            context.load_verify_locations(crl_file)
        except ssl.SSLError as error:
            raise _named(error, problem) from error
    loaded = context.cert_store_stats()
    if loaded["x509"] != trusted:
        raise ssl.SSLError(f"{problem}: expected revocation lists only, got a certificate that is not in ca")
    if not loaded["crl"]:
        raise ssl.SSLError(f"{problem}: expected at least one, got none")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _passphrase(passphrase: str | bytes | None) -> Callable[[], str | bytes]:
    return lambda: passphrase or ""


def _guilty(error: ssl.SSLError, cert_file: str, cert: Pem, key: Pem | None) -> str:
    """Return which of the two is invalid: OpenSSL only reports that one is."""
    own_key = f"the key, {_name(cert if key is None else key)}"
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{own_key}, does not belong to the certificate, {_name(cert)}"
    if (error.reason or "").endswith(("TOO_SMALL", "TOO_WEAK")):
        return f"the certificate, {_name(cert)}, is too weak"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cert_file)
    except ssl.SSLError:
        return f"cannot read the certificate, {_name(cert)}"
    return f"cannot read {own_key}: is there one, and is the passphrase right?"


def _named(error: ssl.SSLError, text: str) -> ssl.SSLError:
    """Return an error of the same kind with details that OpenSSL cannot know."""
    named = type(error)(error.errno, f"{text} ({error.strerror})")
    named.reason, named.library = error.reason, error.library
    return named


def _name(pem: Pem) -> str:
    """Return the name of a file, or the type of other data, which may be secret."""
    return source(pem) if path_of(pem) is None else repr(source(pem))


def source(pem: Pem) -> str:
    """Return the path of a file, or `given as` and the type of other data."""
    path = path_of(pem)
    return f"given as {type(pem).__name__}" if path is None else path


def path_of(pem: Pem) -> str | None:
    """Return the path of a file, None for data that is not a path."""
    return os.fsdecode(pem) if _content(pem) is None else None


def content(pem: Pem) -> bytes:
    """Return the bytes of a file, or of other data. Raises OSError with the file's name."""
    data = _content(pem)
    return Path(os.fsdecode(pem)).read_bytes() if data is None else data


def _content(pem: Pem) -> bytes | None:
    """Return the bytes of data that is not a path, None for a path."""
    if isinstance(pem, bytes):
        return pem
    return pem.encode() if isinstance(pem, str) and pem.lstrip().startswith("-----BEGIN") else None


def _readable(path: Pem) -> str:
    """Return a path that can be opened. Raises OSError with its name, which OpenSSL omits."""
    with Path(os.fsdecode(path)).open("rb"):
        return os.fsdecode(path)


@contextmanager
def _as_file(pem: Pem | None) -> Iterator[str | None]:
    """Yield a path: OpenSSL reads own certificates and keys only from files.

    Bytes are written to a file that only this user can read, and that is deleted at once.
    """
    data = None if pem is None else _content(pem)
    if pem is None or data is None:
        yield None if pem is None else _readable(pem)
        return
    import tempfile  # slow to load, and only needed for certificates as bytes

    handle, name = tempfile.mkstemp(prefix="ocpp-ws-io-", suffix=".pem")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield name
    finally:
        Path(name).unlink()
