"""Central systems of several processes.

`serve` runs a server in several processes of one machine, which share a port.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._workers._serving import serve

__all__ = ["serve"]


if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        """Load `serve` when it is first used: a server that is a node of a cluster needs no processes."""
        if name == "serve":
            from ._workers._serving import serve

            return serve
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
