"""Certificates of nodes, from an authority of their own."""

import trustme

from ocpp_transports import TLSOptions


def certificates() -> TLSOptions:
    """Return the certificate of a node on 127.0.0.1, and its new authority."""
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    chain = b"".join(each.bytes() for each in own.cert_chain_pems)
    return TLSOptions(cert=chain, key=own.private_key_pem.bytes(), ca=authority.cert_pem.bytes())
