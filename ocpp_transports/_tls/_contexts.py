"""TLS contexts of both roles, from certificates as paths or bytes.

Sources: security whitepaper for 1.6 §3 and OCPP 2.x Part 2 A00 (A00.FR.312, .317, .318, .404, .416).
"""

import ssl
from typing import Final

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._options._client import ClientOptions
from ocpp_transports._options._tls import TLSOptions

from ._files import content, load_own, load_revoked, with_authority
from ._x509 import certificates_in, read_certificate

__all__ = ["client_context", "context_of", "server_context", "verify_mode_of"]

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The suites of TLS 1.2 with forward secrecy and authenticated encryption. TLS 1.3 has no others.

A00.FR.317 and .318 require ECDHE_ECDSA with AES 128 and 256 GCM, and the two with static RSA below.
"""
_STATIC_RSA: Final = "AES128-GCM-SHA256:AES256-GCM-SHA384"


def client_context(tls: TLSOptions | ssl.SSLContext | None) -> ssl.SSLContext:
    """Return the context of a station: TLS 1.2 or later, the server's certificate and name are checked.

    Raises OSError, with the name of the file, for a file that cannot be read; the subclass ssl.SSLError for invalid
    contents. Raises ValueError for a context below TLS 1.2.
    """
    if isinstance(tls, ssl.SSLContext):
        return _expect_modern(tls)
    options = tls or TLSOptions()
    context = _context(ssl.Purpose.SERVER_AUTH, options)
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def context_of(
    made: ClientOptions, before: ClientOptions | None = None, context: ssl.SSLContext | None = None
) -> ssl.SSLContext | None:
    """Return the TLS context of these options, None for a plain connection. Raises the errors of `client_context`.

    If the options of `before` had the same certificates, their context is kept: the files may no longer be readable.
    """
    if not made.address.secure:
        return None
    is_same = before is not None and made.tls is before.tls
    return context if is_same and context is not None else client_context(made.tls)


def verify_mode_of(*profiles: SecurityProfile) -> ssl.VerifyMode:
    """Return the demand for client certificates of a listener for these profiles.

    Profile 3 requires a certificate. If there are other profiles too, each handshake checks if there is one.
    """
    if SecurityProfile.TLS_CERT not in profiles:
        return ssl.CERT_NONE
    return ssl.CERT_REQUIRED if set(profiles) == {SecurityProfile.TLS_CERT} else ssl.CERT_OPTIONAL


def server_context(tls: TLSOptions | ssl.SSLContext, *profiles: SecurityProfile) -> ssl.SSLContext:
    """Return the context of a central system; profile 3 demands a client certificate.

    Raises the errors of `client_context`, and ValueError for options that do not meet one of the profiles.
    """
    mode = verify_mode_of(*profiles)
    needs_client = mode is not ssl.CERT_NONE
    if isinstance(tls, ssl.SSLContext):
        if needs_client and tls.verify_mode < mode:
            raise ValueError(f"expected an SSLContext with verify_mode={mode.name} for security profile 3")
        return _expect_modern(tls)
    if tls.cert is None:
        raise ValueError("expected TLSOptions with cert and key for a server")
    if needs_client and (tls.ca is None or not tls.verify):
        raise ValueError("expected TLSOptions with ca and verify=True for a server on security profile 3")
    if tls.crl is not None and not needs_client:
        raise ValueError("expected TLSOptions without crl: only security profile 3 demands client certificates")
    context = _context(ssl.Purpose.CLIENT_AUTH, tls)
    context.verify_mode = mode
    return context


def _expect_modern(context: ssl.SSLContext) -> ssl.SSLContext:
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ValueError("expected an SSLContext with minimum_version of TLSv1_2 or later (A00.FR.312)")
    return context


def _context(purpose: ssl.Purpose, options: TLSOptions) -> ssl.SSLContext:
    context = with_authority(purpose, options.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{_CIPHERS}:{_STATIC_RSA}" if options.static_rsa else _CIPHERS)
    # Python 3.13 sets both by default, earlier versions set neither.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if not options.x509_strict:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if options.crl is not None:
        load_revoked(context, options.crl)
    if len(options.pairs) > 1:
        _expect_pairs(options)
    for cert, key in options.pairs:
        load_own(context, cert, key, options.passphrase)
    return context


def _expect_pairs(options: TLSOptions) -> None:
    """Raise for a pair that does not match, and for two of one type, of which a context would use the last only.

    Each pair has a context of its own: one that has another pair accepts a certificate with the key of that.
    """
    types = set()
    for cert, key in options.pairs:
        load_own(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), cert, key, options.passphrase)
        types.add(read_certificate(next(certificates_in(content(cert)), b"")).key_type)
    if len(types) < len(options.pairs):
        raise ValueError("expected certificates with keys of different types, such as ECDSA and RSA")
