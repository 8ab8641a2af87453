"""The mask of WebSocket payloads (RFC 6455 §5.3), with the same bytes from Python and from C.

The function of the package `websockets` in C is used if it is installed. It takes about a sixth of the time for a short
payload, and less for a long one.
"""

import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final, TypeAlias

__all__ = ["FAST", "STANDARD", "xor"]

_Xor: TypeAlias = Callable[[bytes, bytes], bytes]

_BY_COLUMNS_FROM: Final = 512
"""Bytes of a payload from which on the four translations are faster."""
_IN_C: Final = "websockets.speedups"


def _xor(payload: bytes, key: bytes) -> bytes:
    """XOR in Python.

    A short payload takes one operation on two long integers. In a longer one, every fourth byte has the same byte of
    the key, so four translations are enough.
    """
    length = len(payload)
    if length < _BY_COLUMNS_FROM:
        pad = (key * (length // 4 + 1))[:length]
        return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")
    one, two, three, four = key
    masked = bytearray(payload)
    masked[0::4] = masked[0::4].translate(_XOR_WITH[one])
    masked[1::4] = masked[1::4].translate(_XOR_WITH[two])
    masked[2::4] = masked[2::4].translate(_XOR_WITH[three])
    masked[3::4] = masked[3::4].translate(_XOR_WITH[four])
    return bytes(masked)


_XOR_WITH: Final = tuple(_xor(bytes(range(256)), bytes([byte]) * 4) for byte in range(256))


def _xor_in_c() -> _Xor | None:
    """Return the function of `websockets`, or None without its C part.

    Only that module is loaded, as a file. An `import` would also run the package, which loads the metadata of packages,
    sockets and threads. That takes some twenty times as long.
    """
    if _IN_C in sys.modules:
        return getattr(sys.modules[_IN_C], "apply_mask", None)
    try:
        package = find_spec("websockets")
        found = package and PathFinder.find_spec(_IN_C, package.submodule_search_locations)
        if found is None or found.loader is None:
            return None
        module = module_from_spec(found)
        found.loader.exec_module(module)
    except Exception:  # made for another interpreter, or broken in any other way: it is not needed
        return None
    finally:
        sys.modules.pop(_IN_C, None)  # an extension adds itself, but its package is not loaded
    return getattr(module, "apply_mask", None)


STANDARD: Final[_Xor] = _xor
FAST: Final[_Xor | None] = _xor_in_c()
"""The function of `websockets` in C; None without it."""

xor: Final[_Xor] = FAST or STANDARD
"""Return the payload XORed with the repeated key of four bytes, to mask or unmask it."""
