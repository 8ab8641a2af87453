"""Generates the reference page of RPC error codes and WebSocket close codes."""

import ast
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from ocpp_core import errors, versions
from ocpp_core.websocket import close
from ocpp_transports._server._stations import _registry
from tools.declarations import docstrings, member_docs, source_of, table

__all__ = ["codes_page"]

HEAD: Final = """
# Error codes and close codes

## Error codes

A handler may fail with a code in any version's spelling. The peer receives the spelling of the negotiated version.
Received codes keep their spelling, and every spelling is understood. Unknown codes, such as those of vendors, stay
unchanged. `create_rpc_error` returns the exception for a code; an unknown code becomes a plain `RPCError`.
"""
CLOSE: Final = """
## Close codes

The WebSocket close codes that this library sends or reports (RFC 6455 §7.4). A caller may close with 1000 to 1003,
1007 to 1014 and 3000 to 4999; any other code raises ValueError.
"""
SPOKEN: Final = (versions.OCPP16, versions.OCPP201, versions.OCPP21)


def codes_page() -> str:
    """Return the page."""
    head = ("Exception", "Meaning", *(version.name for version in SPOKEN))
    close_rows = [*close_codes(close), *(row for row in close_codes(_registry) if row[1] == "`EVICTED`")]
    return "".join(
        [HEAD.lstrip("\n"), "\n", table(head, error_rows()), CLOSE, "\n", table(("Code", "Constant", ""), close_rows)]
    )


def error_rows() -> Iterator[tuple[str, ...]]:
    """Yield exception, meaning and spellings of each code. Raises KeyError for a code without a docstring."""
    meanings = member_docs(source_of(versions), "ErrorCode")
    for code in versions.ErrorCode:
        exception = type(errors.create_rpc_error(code)).__name__
        yield f"`{exception}`", meanings[code.name], *(f"`{version.spell(code)}`" for version in SPOKEN)


def close_codes(module: ModuleType) -> Iterator[tuple[str, str, str]]:
    """Yield number, name and docstring of each close code that a module declares."""
    for constant, text in docstrings(source_of(module).body):
        match constant.value:
            case ast.Constant(value=int(code)) if 1000 <= code < 5000 and code != close.PRIVATE_CODES:
                yield str(code), f"`{ast.unparse(constant.target)}`", text
            case _:
                pass
