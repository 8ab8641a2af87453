"""permessage-deflate (RFC 7692): negotiation, and compression with bounded work."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import Compression
from ocpp_core.websocket.close import TOO_BIG

from ._frames import FrameError

__all__ = ["SLICE", "Agreement", "Deflate", "Extension", "accept", "offer", "read_answer"]

Extension: TypeAlias = tuple[str, Mapping[str, str | None]]
"""One element of Sec-WebSocket-Extensions: a name and its parameters, None for one without a value."""

NAME: Final = "permessage-deflate"
SLICE: Final = 16384
"""Most bytes that are inflated or returned at once; a message can cost at most this beyond its limit."""
MAX_STREAMS: Final = 64
"""Most deflate streams in one message: a final block of two bytes ends one, but a new one costs as much as a frame."""

_FLAGS: Final = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS: Final = ("server_max_window_bits", "client_max_window_bits")
_BITS: Final = {str(bits): bits for bits in range(8, 16)}
_MAX_BITS: Final = 15
_TAIL: Final = b"\x00\x00\xff\xff"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The negotiated parameters, seen from this side.

    `bits` is the window of this side's compressor.
    """

    bits: int
    keeps_outbound: bool
    keeps_inbound: bool


def offer(settings: Compression) -> str:
    """Return a client's offer; the server may limit the window of the client."""
    parameters = [NAME, "client_max_window_bits"]
    if not settings.context_takeover:
        parameters += _FLAGS
    return "; ".join(parameters)


def accept(offers: Sequence[Extension], settings: Compression) -> tuple[str, Agreement] | None:
    """Return the response to the first acceptable offer and its agreement (RFC 7692 §5).

    None to decline all.
    """
    for name, parameters in offers:
        if name == NAME and _is_valid(parameters, bare_window=True):
            answer = _answer(parameters, settings)
            if answer is not None:
                return answer
    return None


def _answer(offered: Mapping[str, str | None], settings: Compression) -> tuple[str, Agreement] | None:
    asked = offered.get("server_max_window_bits")
    bits = min(settings.window_bits, _MAX_BITS if asked is None else _BITS[asked])
    if bits < 9:  # zlib has no raw window of 256 bytes
        return None
    # A server may require "no context takeover" without a request, for both directions (RFC 7692 §7.1.1).
    flags = [name for name in _FLAGS if name in offered or not settings.context_takeover]
    window = [] if asked is None else [f"server_max_window_bits={bits}"]
    agreement = Agreement(bits, keeps_outbound=_FLAGS[0] not in flags, keeps_inbound=_FLAGS[1] not in flags)
    return "; ".join([NAME, *flags, *window]), agreement


def read_answer(answered: Sequence[Extension], settings: Compression | None) -> Agreement | None:
    """Return the agreement of a server's response to the offer.

    None if the server declined it. `settings` is None if nothing was offered. Raises ValueError for an extension that
    was not offered, or a response that RFC 7692 §7.1 does not allow.
    """
    if not answered:
        return None
    name, parameters = answered[0]
    if settings is None or len(answered) > 1 or name != NAME:
        raise ValueError("the server chose an extension that was not offered")
    if not _is_valid(parameters, bare_window=False):
        raise ValueError("the server answered permessage-deflate with wrong parameters")
    asked = parameters.get("client_max_window_bits")
    keeps_outbound = _FLAGS[1] not in parameters and settings.context_takeover
    return Agreement(
        min(settings.window_bits, _MAX_BITS if asked is None else _BITS[asked]),
        keeps_outbound=keeps_outbound,
        keeps_inbound=_FLAGS[0] not in parameters,
    )


def _is_valid(parameters: Mapping[str, str | None], *, bare_window: bool) -> bool:
    """Return True if names and values are valid (RFC 7692 §7.1).

    In an offer (`bare_window`), `client_max_window_bits` may have no value.
    """
    for name, value in parameters.items():
        if name in _FLAGS:
            valid = value is None
        elif name in _WINDOWS:
            valid = value in _BITS or (value is None and bare_window and name == "client_max_window_bits")
        else:
            valid = False
        if not valid:
            return False
    return True


class Deflate:
    """The compressor and inflater of one connection, kept between messages only with context takeover."""

    __slots__ = ("_agreement", "_compressor", "_inflater", "_settings", "_streams")

    def __init__(self, agreement: Agreement, settings: Compression) -> None:
        self._agreement = agreement
        self._settings = settings
        self._compressor: zlib._Compress | None = None
        self._inflater: zlib._Decompress | None = None
        self._streams = 0  # begun in this message

    def compress(self, payload: bytes) -> bytes | None:
        """Return a compressed message, or None to send it uncompressed.

        A message is sent uncompressed if it is too short, or if the peer requires a window that zlib does not support.
        """
        bits = self._agreement.bits
        if len(payload) < max(1, self._settings.threshold) or bits < 9:
            return None
        compressor = self._compressor or zlib.compressobj(self._settings.level, zlib.DEFLATED, -bits)
        self._compressor = compressor if self._agreement.keeps_outbound else None
        compressed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return compressed[:-4]  # RFC 7692 §7.2.1: without the tail of the empty block

    def inflate(self, data: bytes) -> Iterator[bytes]:
        """Inflate some bytes of a message, and yield at most `SLICE` bytes at a time.

        Raises zlib.error for malformed deflate data, FrameError for more than `MAX_STREAMS` streams.
        """
        while True:
            inflater = self._inflater
            if inflater is None or inflater.eof:
                # A final block (RFC 7692 §7.2.3.4) ends zlib's stream, not the message. The peer may use any window.
                inflater = self._begin_stream()
            out = inflater.decompress(data, SLICE)
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if out:
                yield out
            # After a full slice, zlib may have more output, even if it has consumed all input.
            if not data and len(out) < SLICE:
                return

    def _begin_stream(self) -> "zlib._Decompress":
        self._streams += 1
        if self._streams > MAX_STREAMS:
            raise FrameError(TOO_BIG, f"a message of more than {MAX_STREAMS} deflate streams")
        self._inflater = zlib.decompressobj(-_MAX_BITS)
        return self._inflater

    def finish(self) -> Iterator[bytes]:
        """Inflate the tail that the sender omitted, and end the message."""
        yield from self.inflate(_TAIL)
        self._streams = 0
        if not self._agreement.keeps_inbound:
            self._inflater = None
